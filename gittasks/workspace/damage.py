"""Losses of a list: objects, refs and operations, and where they can be brought back from."""

from __future__ import annotations

import os
import re
import tempfile
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from gittasks.core.ids import check_list_id
from gittasks.errors import InvalidData, RemoteFailure
from gittasks.store import acknowledged, disk, git, journal, platform, remotes, transaction
from gittasks.store.commits import CommitInfo, ancestors, read_commit
from gittasks.store.list_store import ListStore
from gittasks.store.objects import ObjectStore, Unavailable
from gittasks.store.refs import DamagedRef
from gittasks.workspace import session as session_

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gittasks.store.repository import Repository
    from gittasks.workspace.session import Session

_AT_ONCE = 1000
"""Objects that are read in one go."""
_ENTRY = re.compile(rb"(1\d{5}|4\d{4}) [^\0]+\0")
"""An entry of a tree that is a file or a folder, as far as its id; not one of a submodule."""


class Damage(NamedTuple):
    """An object that cannot be had; `torn` is the loose file that is not what its name says."""

    id: str
    message: str
    torn: str | None = None


def damaged(store: ListStore) -> list[Damage]:
    """The objects of a list that cannot be had: its heads and their history, each one read.

    Of the history of a partial clone it reads the commits alone: the rest may well be elsewhere.
    """
    objects, damage = store.repository.objects, dict[str, Damage]()
    heads = [head for head in store.heads()[:2] if head]
    folders, blobs = _folders(objects, heads, damage), dict[str, None]()
    seen = set(folders)
    while folders:
        below: dict[str, None] = {}
        for tree in _contents(objects, folders, "tree", damage):
            for is_folder, object_id in _entries(tree, objects.form.id_length):
                (below if is_folder else blobs)[object_id] = None
        folders = [tree for tree in below if tree not in seen]
        seen.update(folders)
    for _ in _contents(objects, blobs, "blob", damage):
        pass  # to have been read, and found to be what its name says, is all
    return list(damage.values())


def _folders(objects: ObjectStore, heads: list[str], damage: dict[str, Damage]) -> list[str]:
    """The trees of the commits behind some heads; of a partial clone those of the heads."""
    trees: dict[str, None] = {}

    def read(commit_id: str) -> CommitInfo | None:
        try:
            commit = read_commit(objects, commit_id)
        except InvalidData as error:
            _add(objects, commit_id, error, damage)
            return None
        if objects.whole or commit_id in heads:
            trees[commit.tree] = None
        return commit

    for head in heads:
        ancestors(head, read)
    return list(trees)


def _entries(tree: bytes, id_length: int) -> Iterator[tuple[bool, str]]:
    """Of each file and folder of a tree: is it a folder, and its id."""
    start = 0
    while match := _ENTRY.match(tree, start):
        start = match.end() + id_length
        yield match[1] == b"40000", tree[match.end() : start].hex()


def _contents(
    objects: ObjectStore, ids: Iterable[str], kind: str, damage: dict[str, Damage]
) -> Iterator[bytes]:
    """The contents of objects, many read in one go; those that cannot be had are damage."""
    waiting = iter(dict.fromkeys(ids))
    while batch := list(islice(waiting, _AT_ONCE)):
        objects.need(batch)
        objects.read_ahead(batch, kind)
        for object_id in batch:
            try:
                yield objects.read(object_id, kind)
            except InvalidData as error:
                _add(objects, object_id, error, damage)


def _add(
    objects: ObjectStore, object_id: str, error: InvalidData, damage: dict[str, Damage]
) -> None:
    """Add what is lost or damaged; what is only of no use is told elsewhere."""
    if isinstance(error, Unavailable):
        path = objects.loose_path(object_id)
        torn = path if os.path.lexists(path) else None
        damage[object_id] = Damage(object_id, error.message, torn)


def is_kept(repository: Repository, loss: Damage) -> bool:
    """Is a torn object in the journal as well? One that is gone was put back already."""
    form, copies = repository.objects.form, journal.find(repository.common, loss.id)
    return any(form.id_of(kind, data) == loss.id for kind, data in copies)


def damaged_refs(store: ListStore) -> list[str]:
    """The refs of a list, here and as it was fetched, whose files hold no commit id."""
    repository, names = store.repository, [store.ref]
    if store.remote:
        names.append(repository.tracking_ref(store.remote, store.list_id))
    broken = []
    for name in names:
        try:
            repository.refs.read(name)
        except DamagedRef as error:
            broken.append(error.where or name)
    return broken


def clear_refs(store: ListStore, record: acknowledged.Record) -> int:
    """Move damaged ref files away, what was there recorded before; how many.

    Only under the lock of the list: a file that somebody has mended meanwhile is no damaged one.
    """
    repository, broken = store.repository, damaged_refs(store)
    if broken and record.heads:  # an older value, packed, may come to light
        acknowledged.write(repository, store.list_id, record)
    for name in broken:
        set_aside(repository, os.path.join(repository.common, name), name.replace("/", "-"))
    return len(broken)


class DamagedPack(NamedTuple):
    """A pack that git cannot use; `sound` when only its index is missing or damaged."""

    path: str
    sound: bool


def damaged_packs(repository: Repository) -> list[DamagedPack]:
    """The packs that git finds damaged, or whose index it does."""
    folder = os.path.join(repository.common, "objects", "pack")
    packs = []
    for name in disk.names_in(folder):
        path = os.path.join(folder, name)
        if name.endswith(".pack"):
            index = f"{path.removesuffix('.pack')}.idx"
            if not os.path.exists(index) or exit_code(repository, "verify-pack", index):
                with tempfile.TemporaryDirectory() as scratch:
                    words = ["index-pack", "-o", os.path.join(scratch, "new.idx"), path]
                    packs.append(DamagedPack(path, exit_code(repository, *words) == 0))
    return packs


def rebuild_index(repository: Repository, pack: DamagedPack) -> bool:
    """Make the index of a pack anew; the one that was there is kept in `gittasks/damaged`."""
    name = os.path.basename(pack.path).removesuffix(".pack") + ".idx"
    index = os.path.join(os.path.dirname(pack.path), name)
    if os.path.exists(index):
        set_aside(repository, index)
    return exit_code(repository, "index-pack", pack.path) == 0


def set_aside(repository: Repository, path: str, name: str = "") -> str:
    """Move a file to `gittasks/damaged`, by its own name or another; where it is then."""
    folder = os.path.join(repository.common, "gittasks", "damaged")
    disk.make_folders(folder, repository.shared)
    place = os.path.join(folder, name or os.path.basename(path))
    platform.replace(path, place)
    return place


def exit_code(repository: Repository, *words: str) -> int:
    """The exit code of a git command about the repository's own files."""
    place = [*git.NO_HOOKS, f"--git-dir={repository.common}"]
    answer = git.run([*place, *words], cwd=repository.common, env=git.unbound(repository.env))
    return answer.returncode


def bring_back(store: ListStore, losses: list[Damage]) -> tuple[str, list[Damage]]:
    """Write lost objects again from the journal, or fetch the list once more, whole.

    Torn files are moved aside for that, and kept in `gittasks/damaged`; those that nothing took
    the place of go back to theirs. Returns why it could not be fetched, and what is still damaged.
    """
    repository, failure, left, fetched = store.repository, "", losses, -1
    aside: dict[str, tuple[str, str]] = {}
    while left and not failure:
        if torn := [(x.id, x.torn) for x in left if x.torn and x.id not in aside]:
            for object_id, path in torn:
                aside[object_id] = path, set_aside(repository, path, object_id)
        elif store.remote and fetched != len(aside):  # nor again for what it did not bring
            fetched = len(aside)
            try:
                remotes.fetch_again(repository, store.remote, store.list_id)
            except RemoteFailure as error:
                failure = f"{error.message}; "
        else:
            break
        repository.objects.close()
        left = damaged(store)  # which sees behind what came back, and reads what the journal keeps
    for loss in left:
        if loss.id in aside and not loss.torn:
            path, place = aside[loss.id]
            platform.replace(place, path)
    return failure, left


def restore(session: Session, list_id: str) -> int:
    """Bring back what was made here and is gone from the branch; how many operations."""
    store = _remembered(session, list_id)
    if heads := acknowledged.all_heads(store.repository, store.list_id):
        with transaction.lock_of(store):
            clear_refs(store, acknowledged.Record(heads[0], heads[1:]))
    return transaction.restore(store)


def forget(session: Session, list_id: str) -> int:
    """Let go of what was made here and is gone from the branch; how many operations."""
    return transaction.forget(_remembered(session, list_id))


def _remembered(session: Session, list_id: str) -> ListStore:
    """A list that is here, or of which something is remembered; else NoList."""
    repository = session.repository
    list_id = repository.stored_id(check_list_id(list_id))
    known = acknowledged.all_heads(repository, list_id)
    if not known and list_id not in repository.known_lists():
        raise session_.no_such_list(repository, session_.ChosenList(list_id, "--list"))
    return ListStore(repository, list_id)
