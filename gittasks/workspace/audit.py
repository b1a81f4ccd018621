"""The history of a list as people ask for it: who did what when, and what to take back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from gittasks.core.changes import Change, diff
from gittasks.core.clock import format_time
from gittasks.core.messages import parse_trailers
from gittasks.core.model import ListInfo, Snapshot
from gittasks.errors import NotFound
from gittasks.store.cache import Branch
from gittasks.store.history import CommitInfo

if TYPE_CHECKING:
    from gittasks.workspace.workspace import Report, Workspace


class LogEntry(NamedTuple):
    """One commit of a list, told as changes. `by` is the git author, `owner` who acted."""

    commit: str
    at: str
    by: str
    owner: str | None
    session: str | None
    subject: str
    changes: tuple[Change, ...]
    forced: tuple[str, ...]
    undo_of: str | None


class Undone(NamedTuple):
    """What `undo` took back: the commit, its subject, and the edit that did it."""

    commit: str
    subject: str
    report: Report


def log(workspace: Workspace, task_id: str | None, limit: int | None) -> list[LogEntry]:
    """Entries newest first, told by comparing each commit with its first parent.

    What changed is read from the trees, not from the messages, so edits made by hand with
    plain git are told as well.
    """
    head = workspace.branch()
    commits = list(workspace.store.walk(head.commit))
    read: dict[str, Branch] = {head.commit: head}
    entries = []
    for commit in commits:
        after = _load(workspace, commit.id, read, near=head)
        read.pop(commit.id)
        before = _load(workspace, commit.parents[0], read, near=after) if commit.parents else None
        empty = Snapshot(info=ListInfo(id=workspace.list_id))
        changes = diff(before.snapshot if before else empty, after.snapshot)
        if task_id is not None:
            changes = tuple(c for c in changes if c.task == task_id)
            if not changes:
                continue
        entries.append(_entry(commit, changes))
        if limit is not None and len(entries) >= limit:
            break
    return entries


def _load(workspace: Workspace, commit_id: str, read: dict[str, Branch], near: Branch) -> Branch:
    if commit_id not in read:
        read[commit_id] = workspace.store.load_at(commit_id, near)
    return read[commit_id]


def _entry(commit: CommitInfo, changes: tuple[Change, ...]) -> LogEntry:
    trailers = parse_trailers(commit.message)
    return LogEntry(
        commit=commit.id,
        at=format_time(commit.author.time),
        by=_name(commit.author.person),
        owner=_last(trailers.get("Gittasks-Owner")),
        session=_last(trailers.get("Gittasks-Session")),
        subject=commit.message.partition("\n")[0],
        changes=changes,
        forced=tuple(trailers.get("Gittasks-Forced", ())),
        undo_of=_last(trailers.get("Gittasks-Undo")),
    )


def _name(person: str) -> str:
    return person.partition("<")[0].strip() or person


def _last(values: Iterable[str] | None) -> str | None:
    return list(values)[-1] if values else None


def last_operation(workspace: Workspace) -> CommitInfo:
    """The newest operation of this actor that was not taken back yet; NotFound if there is none.

    Mine is what carries my owner name and session and was committed under my git identity.
    """
    actor, author = workspace.actor, workspace.repository.config.author
    undone: set[str] = set()
    for commit in workspace.store.walk(workspace.branch().commit):
        trailers = parse_trailers(commit.message)
        if target := _last(trailers.get("Gittasks-Undo")):
            undone.add(target)
            continue
        mine = (
            "Gittasks-Op" in trailers
            and len(commit.parents) == 1
            and _last(trailers.get("Gittasks-Owner")) == actor.owner
            and _last(trailers.get("Gittasks-Session")) == actor.session
            and author in (None, commit.author.person)
        )
        if mine and commit.id not in undone:
            return commit
    session = f" in session {actor.session}" if actor.session else ""
    raise NotFound(
        f'"{workspace.list_id}" has no operation of {actor.owner}{session} to undo',
        hint="see who did what with: gittasks log",
    )
