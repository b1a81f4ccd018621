"""Undo of an operation of this actor by a new commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gittasks.core.apply import Edit, between
from gittasks.core.messages import parse_trailers
from gittasks.core.operations import Context
from gittasks.core.undo import take_back
from gittasks.errors import NotFound, Way
from gittasks.workspace import editing
from gittasks.workspace.log import last_value

if TYPE_CHECKING:
    from gittasks.store.commits import CommitInfo
    from gittasks.store.list_version import ListVersion
    from gittasks.workspace.session import Session


class Undone(NamedTuple):
    """An operation that was taken back: its commit and subject, and the edit that did it."""

    commit: str
    subject: str
    report: editing.EditResult


def undo(session: Session) -> Undone:
    """Take back the last operation of this actor; see `Workspace.undo`."""
    target = _last_operation(session)
    store = session.store
    if store.load().contested:
        from gittasks.workspace import sharing  # the merge is loaded where there are conflicts

        sharing.check_uncontested(store, target.id)
    before = store.load_at(target.parents[0])
    after = store.load_at(target.id, before)

    def change(branch: ListVersion, _context: Context) -> tuple[Edit, tuple[str, ...]]:
        restored = take_back(before.snapshot, after.snapshot, branch.snapshot)
        return between(branch.snapshot, restored), ()

    report = editing.write(session, change, editing.Policy(), undo_of=target.id)
    return Undone(target.id, target.message.partition("\n")[0], report)


def _last_operation(session: Session) -> CommitInfo:
    """The newest operation of this actor that was not taken back yet; NotFound if there is none.

    Mine is what carries my owner name and session and was committed under my git identity.
    """
    actor, author = session.actor, session.repository.config.author
    undone: set[str] = set()
    for commit in session.store.walk(session.store.load_readable().commit):
        trailers = parse_trailers(commit.message)
        if target := last_value(trailers.get("Gittasks-Undo")):
            undone.add(target)
            continue
        mine = (
            "Gittasks-Op" in trailers
            and len(commit.parents) == 1
            and last_value(trailers.get("Gittasks-Owner")) == actor.owner
            and last_value(trailers.get("Gittasks-Session")) == actor.session
            and author in (None, commit.author.person)
        )
        if mine and commit.id not in undone:
            return commit
    run = f" in session {actor.session}" if actor.session else ""
    raise NotFound(
        f'"{session.list_id}" has no operation of {actor.owner}{run} to undo',
        ways=[Way("see who did what", ("gittasks", "log"))],
    )
