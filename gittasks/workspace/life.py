"""The life of a list: archived, dropped, opened again; marks in list.yaml that merge as it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gittasks.core.apply import Edit, apply
from gittasks.core.model import ListState, Status
from gittasks.core.operations import Context, MarkList
from gittasks.errors import RemoteFailure, Way
from gittasks.store import remotes
from gittasks.workspace import editing

if TYPE_CHECKING:
    from gittasks.core.model import ListInfo, Snapshot
    from gittasks.store.list_store import ListStore
    from gittasks.store.list_version import ListVersion
    from gittasks.workspace.session import Session

COMMANDS = {
    ListState.ARCHIVED: "archive",
    ListState.DROPPED: "drop",
    ListState.OPEN: "unarchive",
}
"""The command that brings a list to each state."""


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
    remote = None if offline or not is_shared(at.store) else at.store.decisive

    def change(branch: ListVersion, context: Context) -> tuple[Edit, tuple[str, ...]]:
        return apply(branch.snapshot, [MarkList(state)], context), ()

    try:
        written = editing.write(at, change, editing.Policy(remote))
    except RemoteFailure as error:
        raise _or_here_alone(error, list_id, state) from None
    if written.commit and state is not ListState.OPEN:
        session.notices += _at_work(written.edit.after)
    return Marked(written.edit.after.info, written.commit, remote if written.commit else None)


def is_shared(store: ListStore) -> bool:
    """True when a remote is known to have the list, or to have had it."""
    remote = store.remote
    held = remote and remotes.published(store.repository, remote, store.list_id)
    return bool(held or store.heads().tracked)


def _or_here_alone(error: RemoteFailure, list_id: str, state: ListState) -> RemoteFailure:
    if "outcome" in error.details:  # it may have been done there
        return error
    command = ("gittasks", COMMANDS[state], list_id, "--offline")
    here = Way("or mark it here, and let the next sync bring it", command)
    return error.with_ways([*error.ways, here])


def _at_work(snapshot: Snapshot) -> list[str]:
    """A word about work that goes on in a list that was closed."""
    running = [t for t in snapshot.ordered() if t.status is Status.IN_PROGRESS]
    if not running:
        return []
    names = ", ".join(f"{t.id} ({t.owner})" if t.owner else t.id for t in running[:5])
    more = f" and {len(running) - 5} more" if len(running) > 5 else ""
    return [f"still in progress, and not stopped by this: {names}{more}"]
