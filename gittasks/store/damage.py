"""Objects of a list that are lost or damaged, and the way back: its remote, asked once more."""

from __future__ import annotations

import os
from typing import NamedTuple

from gittasks.errors import InvalidData
from gittasks.store import commits, disk, git, platform, remotes
from gittasks.store.list_store import ListStore
from gittasks.store.list_tree import read_tree
from gittasks.store.objects import Unavailable
from gittasks.store.repository import Repository

_FOLDER = 0o40000
_SUBMODULE = 0o160000


class Damage(NamedTuple):
    """An object that cannot be had; `torn` is the loose file that is not what its name says."""

    id: str
    message: str
    torn: str | None = None


def damaged(store: ListStore) -> list[Damage]:
    """The objects of a list that cannot be had: all of its heads, and those its history lacks."""
    damage: dict[str, Damage] = {}
    heads = [head for head in store.heads()[:2] if head]
    for head in heads:
        _read_commit(store.repository, head, damage)
    if not store.repository.config.get("extensions.partialclone"):
        for object_id in _missing(store.repository, heads):
            damage.setdefault(object_id, Damage(object_id, f"the repository lacks {object_id}"))
    return list(damage.values())


def _read_commit(repository: Repository, commit: str, damage: dict[str, Damage]) -> None:
    folders: list[str] = []
    try:
        folders.append(commits.read_commit(repository.objects, commit).tree)
    except InvalidData as error:
        _add(repository, commit, error, damage)
    while folders:
        tree = folders.pop()
        try:
            entries = read_tree(repository.objects, tree)
        except InvalidData as error:
            _add(repository, tree, error, damage)
            continue
        plain = [e.id for e in entries if e.mode not in (_FOLDER, _SUBMODULE)]
        repository.objects.need(plain)
        folders += [entry.id for entry in entries if entry.mode == _FOLDER]
        for entry in entries:
            if entry.mode not in (_FOLDER, _SUBMODULE):
                try:
                    repository.objects.read(entry.id, "blob")
                except InvalidData as error:
                    _add(repository, entry.id, error, damage)


def _add(
    repository: Repository, object_id: str, error: InvalidData, found: dict[str, Damage]
) -> None:
    """Add what is lost or damaged; what is only of no use is told elsewhere."""
    if isinstance(error, Unavailable):
        path = repository.objects.loose_path(object_id)
        torn = path if os.path.lexists(path) else None
        found[object_id] = Damage(object_id, error.message, torn)


def _missing(repository: Repository, heads: list[str]) -> list[str]:
    """The ids of objects that the history of some commits names and the repository lacks."""
    words = ["rev-list", "--objects", "--missing=print", "--no-object-names", *heads]
    place = [*git.NO_HOOKS, f"--git-dir={repository.common}"]
    answer = git.run([*place, *words], cwd=repository.common, env=git.unbound(repository.env))
    lines = answer.stdout.decode("ascii", "replace").splitlines()
    return [line[1:] for line in lines if line.startswith("?")]


def damaged_packs(repository: Repository) -> list[str]:
    """Paths of packs that git finds damaged, or whose index it does."""
    folder = os.path.join(repository.common, "objects", "pack")
    packs = []
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        path = os.path.join(folder, name)
        if name.endswith(".idx"):
            words = [*git.NO_HOOKS, f"--git-dir={repository.common}", "verify-pack", path]
            answer = git.run(words, cwd=repository.common, env=git.unbound(repository.env))
            if answer.returncode != 0:
                packs.append(f"{path.removesuffix('.idx')}.pack")
    return packs


def bring_back(store: ListStore, losses: list[Damage]) -> list[Damage]:
    """Fetch a list once more, whole, with torn files moved aside; what is damaged after that.

    The files are kept in `gittasks/damaged`. Raises RemoteFailure.
    """
    repository = store.repository
    if not store.remote:
        return losses
    for loss in losses:
        if loss.torn:
            folder = os.path.join(repository.common, "gittasks", "damaged")
            disk.make_folders(folder, repository.shared)
            platform.replace(loss.torn, os.path.join(folder, loss.id))
    remotes.fetch_again(repository, store.remote, store.list_id)
    repository.objects.close()
    return damaged(store)
