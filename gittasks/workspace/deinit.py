"""Traces of gittasks in a clone: refs, records, settings, choices; and their removal."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, NamedTuple

from gittasks.errors import Refused, Way
from gittasks.store import acknowledged, disk, git, home, removal, transaction
from gittasks.store.list_store import ListStore

if TYPE_CHECKING:
    from gittasks.store.repository import Repository
    from gittasks.workspace.session import Session

_REFS = "refs/gittasks/"


class Traces(NamedTuple):
    """All that is ours in a clone and goes: names of refs, sections, files, and lists.

    The lists stay unless they are asked for. Paths are from the git directory.
    """

    lists: tuple[str, ...]
    refs: tuple[str, ...]
    sections: tuple[str, ...]
    files: tuple[str, ...]


def traces(session: Session, *, lists: bool) -> Traces:
    """The traces in this clone, with all its worktrees."""
    repository = session.repository
    common = repository.common
    choices = [os.path.join(common, "gittasks-list")]
    linked = os.path.join(common, "worktrees")
    names = sorted(os.listdir(linked)) if os.path.isdir(linked) else []
    choices += [os.path.join(linked, name, "gittasks-list") for name in names]
    records = os.path.join(common, "gittasks")
    files = [path for path in [*choices, records] if os.path.lexists(path)]
    return Traces(
        tuple(sorted(repository.local_lists())) if lists else (),
        tuple(name for name, _ in repository.refs.listed(_REFS)),
        tuple(_sections(repository)),
        tuple(os.path.relpath(path, common) for path in files),
    )


def _sections(repository: Repository) -> list[str]:
    """Sections of the repository's own configuration: ours, and those of branches of lists."""
    answer = git.run(
        ["config", "--local", "--list", "--name-only", "-z"],
        cwd=repository.start,
        env=repository.env,
    )
    keys = answer.stdout.decode("utf-8", "surrogateescape").split("\0")
    sections = dict.fromkeys(key.rpartition(".")[0] for key in keys if "." in key)
    known = {*repository.known_lists(), *acknowledged.lists(repository)}
    branches = {f"branch.{repository.ref(i).removeprefix('refs/heads/')}" for i in known}
    return [name for name in sections if name == "gittasks" or name in branches]


def check(session: Session, found: Traces, *, unshared: bool) -> None:
    """Refuse where work that is nowhere else would go, unless `unshared`."""
    for list_id in found.lists:
        ref = session.repository.ref(list_id)
        removal.check_not_checked_out(session.repository, ref)
    if not unshared:
        _check_shared(session.repository, found)


def remove(session: Session, found: Traces) -> None:
    """Remove them, whatever `check` says."""
    repository = session.repository
    for store in [ListStore(repository, list_id) for list_id in found.lists]:
        local = repository.refs.read(store.ref)
        removal.remove(store, home.of(repository, store.list_id).remote, local)
    staying = sorted(set(repository.local_lists()) - set(found.lists))
    with ExitStack() as stack:  # who writes to a list that stays goes first
        for list_id in staying:
            stack.enter_context(transaction.lock_of(ListStore(repository, list_id)))
        repository.refs.remove(name for name, _ in repository.refs.listed(_REFS))
        sections = _sections(repository)
        for name in found.files:  # last: a look at the refs of a reftable leaves a record again
            _remove_path(os.path.join(repository.common, name))
    for folder, _, _ in os.walk(os.path.join(repository.common, _REFS), topdown=False):
        with suppress(OSError):  # git leaves empty folders
            os.rmdir(folder)
    for section in sections:
        repository.remove_config_section(section)


def _remove_path(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        with suppress(FileNotFoundError):
            shutil.rmtree(path)
    else:
        disk.remove(path)


def _check_shared(repository: Repository, found: Traces) -> None:
    """Refuse when lists that go have what no remote has, or records alone keep lost work."""
    own: dict[str, int] = {}
    for list_id in sorted({*found.lists, *acknowledged.lists(repository)}):
        store = ListStore(repository, list_id)
        shown = [
            lists[list_id] for lists in repository.tracked_lists().values() if list_id in lists
        ]
        if list_id in found.lists:
            head = repository.refs.read(store.ref)
            missing = acknowledged.missing(repository.objects, head, list(filter(None, shown)))
        else:
            missing = acknowledged.lost(repository, list_id, store.heads().all)
        if missing:
            own[list_id] = len(missing)
    if own:
        counts = ", ".join(f"{list_id} ({count})" for list_id, count in own.items())
        raise Refused(
            "unshared",
            f"changes would be lost that no remote has: {counts}",
            ways=[Way("send them", ("gittasks", "sync", "--all"))] if repository.remotes() else [],
            hint="--unshared lets them go for good; nothing was changed",
            details={"lists": sorted(own)},
        )
