"""The life of a list: archived, dropped, opened again, deleted; and the traces of gittasks.

Marks in list.yaml merge as it does. The traces are refs, records, settings and choices of a clone.
"""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, NamedTuple

from gittasks.core.apply import Edit, apply
from gittasks.core.ids import listed
from gittasks.core.model import LIST_MARKS, ListState, Status
from gittasks.core.operations import Context, MarkList
from gittasks.core.trailers import OP, parse_trailers
from gittasks.errors import Refused, RemoteFailure, Way
from gittasks.store import acknowledged, disk, git, home, remotes, removal, transaction
from gittasks.store.commits import missing_operations
from gittasks.store.list_store import ListStore
from gittasks.store.side_branches import pushed_as
from gittasks.workspace import editing, log
from gittasks.workspace.session import forget_choice

if TYPE_CHECKING:
    from gittasks.core.changes import Change
    from gittasks.core.history import LogEntry
    from gittasks.core.model import ListInfo, Snapshot
    from gittasks.store.list_version import ListVersion
    from gittasks.store.repository import Repository
    from gittasks.workspace.session import Session

COMMANDS = {
    ListState.ARCHIVED: "archive",
    ListState.DROPPED: "drop",
    ListState.OPEN: "unarchive",
}
"""The command that brings a list to each state."""
_REFS = "refs/gittasks/"


class Marked(NamedTuple):
    """A list and the state that it is in now; `commit` is None where it was so already.

    `remote` is the one that took the mark, None where it is here alone.
    """

    info: ListInfo
    commit: str | None
    remote: str | None = None


def mark(session: Session, list_id: str, state: ListState, *, offline: bool = False) -> Marked:
    """Bring a list to a state, on its home remote first if that has the list.

    Raises NoRemote where it is in doubt which that is, RemoteFailure when it cannot be asked.
    """
    at = session.select(list_id)
    if at.store.head() is None:
        at.branch()
    unasked = offline or pushed_as(at.repository, list_id) or not is_shared(at.store)
    remote = None if unasked else at.store.decisive

    # Dropped once more, it is dropped with what came meanwhile.
    anew = state is ListState.DROPPED and _came_after(at.store) > 0

    def change(branch: ListVersion, context: Context) -> tuple[Edit, tuple[str, ...]]:
        return apply(branch.snapshot, [MarkList(state, anew=anew)], context), ()

    try:
        written = editing.write(at, change, editing.Policy(remote))
    except RemoteFailure as error:
        raise _or_here_alone(error, list_id, state) from None
    if written.commit and state is not ListState.OPEN:
        session.notices += _at_work(written.edit.after)
    return Marked(written.edit.after.info, written.commit, remote if written.commit else None)


class Purged(NamedTuple):
    """A list that was deleted: at which commit, and from which remote, if any had it."""

    list_id: str
    head: str | None
    remote: str | None
    dropped: str | None
    """Since when it was dropped."""


def purge(session: Session, list_id: str, *, unshared: bool = False) -> Purged:
    """Delete a dropped list, on its home remote first, if nothing came after the mark.

    Work that only this clone has goes with `unshared` alone. Raises Refused, and NoRemote and
    RemoteFailure as `mark` does.
    """
    at = session.select(list_id)
    store, list_id = at.store, at.list_id
    if store.head() is None:
        at.branch()
    remote = store.decisive if is_shared(store) else None
    shown, is_there = _look(store, remote) if remote else (None, False)
    since = _check_dropped(store)
    heads = store.heads()
    own = [i for i in removal.unsent(store, shown) if i not in _marking(store)]
    if (own or not remote) and not unshared:
        raise _unshared(list_id, len(own), remote)
    removal.check_not_checked_out(session.repository, store.ref)
    if remote and shown and is_there:
        _delete_there(store, remote, shown)
    removal.remove(store, remote, heads.local)
    forget_choice(session.repository, list_id)
    return Purged(list_id, heads.local or heads.tracked, remote, since)


def _look(store: ListStore, remote: str) -> tuple[str | None, bool]:
    """The head that a remote shows now, or what it held last; and whether it has the list."""
    repository, list_id = store.repository, store.list_id
    if list_id in remotes.fetch(repository, remote, [list_id]):
        return remotes.held(repository, remote, list_id), False
    return store.heads().tracked, True


def _marks(store: ListStore) -> list[LogEntry]:
    """The entries that are about the marks alone, newest first."""
    entries = (entry for entry in log.log(store) if entry.changes)
    return [e for e in entries if all(c.field in LIST_MARKS and not c.task for c in e.changes)]


def _marking(store: ListStore) -> set[str]:
    """The operations that are marks and nothing else."""
    messages = (store.commit(entry.commit).message for entry in _marks(store))
    return {name for m in messages for name in parse_trailers(m).get(OP, [])}


def _came_after(store: ListStore) -> int:
    """The number of operations that are not before the mark as dropped that stands."""
    entries = log.log(store) if store.load().snapshot.info.dropped else []
    marked = next((e.commit for e in entries if any(map(_drops, e.changes))), None)
    if marked is None:
        return 0
    local, tracked, *_ = store.heads()
    heads, objects = filter(None, (local, tracked)), store.repository.objects
    return len({n for head in heads for n in missing_operations(objects, head, [marked])})


def _drops(change: Change) -> bool:
    return change.field == "dropped" and not change.task and bool(change.after)


def _check_dropped(store: ListStore) -> str | None:
    """Since when the list is dropped; Refused when it is not, or was worked on since."""
    list_id, info = store.list_id, store.load().snapshot.info
    if info.state is not ListState.DROPPED:
        raise Refused(
            "not-dropped",
            f'"{list_id}" has not been dropped, so it is not deleted',
            ways=[Way("drop it, which can be taken back", ("gittasks", "drop", list_id))],
        )
    if count := _came_after(store):
        changes = "1 change" if count == 1 else f"{count} changes"
        raise Refused(
            "not-dropped",
            f'{changes} came into "{list_id}" after it was dropped, so it is not deleted',
            ways=[
                Way("see them", ("gittasks", "log", "--list", list_id)),
                Way("drop it with them", ("gittasks", "drop", list_id)),
            ],
        )
    return info.dropped


def _unshared(list_id: str, count: int, remote: str | None) -> Refused:
    changes = "1 change" if count == 1 else f"{count} changes"
    where = f"{remote} does not have {changes}" if remote else "no remote has it"
    ways = [Way("send them", ("gittasks", "push", "--list", list_id))] if remote else []
    return Refused(
        "unshared",
        f'"{list_id}" is not deleted: {where}, and nobody else may',
        ways=[Way("look at it", ("gittasks", "log", "--list", list_id)), *ways],
        hint="--unshared deletes it for good",
    )


def _delete_there(store: ListStore, remote: str, head: str) -> None:
    """Delete the branch on a remote that still has it where it was seen, and its leases."""
    repository, list_id = store.repository, store.list_id
    answer = remotes.push(repository, remote, {store.ref: ""}, {store.ref: head})[store.ref]
    if answer.outcome is remotes.PushOutcome.LOST:
        raise Refused(
            "not-dropped",
            f'"{list_id}" was changed on {remote} meanwhile, so it is not deleted',
            ways=[Way("fetch that", ("gittasks", "pull", "--list", list_id))],
        )
    if answer.outcome is not remotes.PushOutcome.OK:
        reason = answer.reason or "it gave no reason"
        if answer.outcome is remotes.PushOutcome.UNKNOWN:
            raise RemoteFailure(
                f'whether {remote} deleted "{list_id}" is unknown: {reason}',
                hint="nothing was deleted here; the same command again does nothing twice",
                details={"list": list_id, "outcome": "unknown"},
            )
        raise RemoteFailure(
            f'{remote} did not delete "{list_id}": {reason}',
            hint="nothing was deleted here",
            details={"list": list_id},
        )
    prefix = remotes.seen_leases(remote, list_id)
    seen = [name.removeprefix(prefix) for name, _ in repository.refs.listed(prefix)]
    if seen:  # a courtesy: without its list a lease means nothing
        remotes.push(repository, remote, {remotes.leases_of(list_id) + name: "" for name in seen})


def is_shared(store: ListStore) -> bool:
    """True when a remote is known to have the list, or to have had it."""
    remote = store.remote
    held = remote and remotes.published(store.repository, remote, store.list_id)
    return bool(held or store.heads().tracked)


def _or_here_alone(error: RemoteFailure, list_id: str, state: ListState) -> RemoteFailure:
    if "outcome" in error.details:  # it may have been done there
        return error
    command = ("gittasks", COMMANDS[state], list_id, "--offline")
    way = Way("or mark it here, and let the next sync bring it", command)
    return error.with_ways([*error.ways, way])


def _at_work(snapshot: Snapshot) -> list[str]:
    """A word about work that goes on in a list that was closed."""
    running = [t for t in snapshot.ordered() if t.status is Status.IN_PROGRESS]
    if not running:
        return []
    names = [f"{t.id} ({t.owner})" if t.owner else t.id for t in running]
    return [f"still in progress, and not stopped by this: {listed(names, 5)}"]


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
    names = disk.names_in(linked)
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


def check_traces(session: Session, going: Traces, *, unshared: bool) -> None:
    """Refuse where work that is nowhere else would go, unless `unshared`."""
    for list_id in going.lists:
        ref = session.repository.ref(list_id)
        removal.check_not_checked_out(session.repository, ref)
    if not unshared:
        _check_shared(session.repository, going)


def remove_traces(session: Session, going: Traces) -> None:
    """Remove them, whatever `check` says."""
    repository = session.repository
    for store in [ListStore(repository, list_id) for list_id in going.lists]:
        local = repository.refs.read(store.ref)
        removal.remove(store, home.of(repository, store.list_id).remote, local)
    staying = sorted(set(repository.local_lists()) - set(going.lists))
    with ExitStack() as stack:  # who writes to a list that stays goes first
        for list_id in staying:
            stack.enter_context(transaction.lock_of(ListStore(repository, list_id)))
        for list_id in set(acknowledged.lists(repository)) - set(staying):
            acknowledged.drop(repository, list_id)  # its reflog too, which may be all that is left
        repository.refs.remove(name for name, _ in repository.refs.listed(_REFS))
        sections = _sections(repository)
        for name in going.files:  # last: a look at the refs of a reftable leaves a record again
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


def _check_shared(repository: Repository, going: Traces) -> None:
    """Refuse when lists that go have what no remote has, or records alone keep lost work."""
    own: dict[str, int] = {}
    for list_id in sorted({*going.lists, *acknowledged.lists(repository)}):
        store = ListStore(repository, list_id)
        shown = [
            lists[list_id] for lists in repository.tracked_lists().values() if list_id in lists
        ]
        if list_id in going.lists:
            head = repository.refs.read(store.ref)
            missing = missing_operations(repository.objects, head, list(filter(None, shown)))
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
            hint="--unshared deletes them for good; nothing was changed",
            details={"lists": sorted(own)},
        )
