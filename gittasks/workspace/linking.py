"""Commits of the code and the tasks they name: links, and the moves that come with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gittasks.core.graph import Graph
from gittasks.core.lookup import find
from gittasks.core.mentions import Mention
from gittasks.core.model import CodeCommit, Snapshot, Status, Task
from gittasks.core.operations import LinkCommit, Operation, RelinkCommits, Transition, Verb
from gittasks.errors import GittasksError
from gittasks.workspace import editing, unapplied
from gittasks.workspace.editing import EditResult
from gittasks.workspace.session import Session
from gittasks.workspace.unapplied import Unapplied

_VERBS = {
    Status.COMPLETED: Verb.DONE,
    Status.SKIPPED: Verb.SKIP,
    Status.IN_PROGRESS: Verb.START,
}


class NotDone(NamedTuple):
    """A mention that could not be applied, or not whole, and why."""

    mention: Mention
    error: GittasksError


class Linked(NamedTuple):
    """What a commit did to one list. `report` is None when nothing of it could be done."""

    list_id: str
    report: EditResult | None
    not_done: tuple[NotDone, ...] = ()


def for_list(session: Session, list_id: str | None) -> Session:
    """The session of a list of the same repository; without an id, the one at work."""
    return session if list_id is None else session.select(list_id)


def link(
    session: Session, commit: CodeCommit, mentions: Sequence[Mention], *, copied: bool = False
) -> list[Linked]:
    """Link a commit to the tasks that it names and move them, with one commit for each list.

    What a rule forbids is left out and remembered, and the link made all the same. A commit that
    was `copied` moves no task that is linked to what it is a copy of. The remote is not asked: a
    commit of the code must not wait for it.
    """
    by_list: dict[str | None, list[Mention]] = {}
    for mention in mentions:
        by_list.setdefault(mention.list_id, []).append(mention)
    done = []
    for list_id, named in by_list.items():
        one = _link(for_list(session, list_id), list_id, commit, named, copied=copied)
        done.append(one)
        rows = [
            Unapplied(commit.sha, commit.subject or "", one.list_id, str(n.mention), str(n.error))
            for n in one.not_done
        ]
        unapplied.add(session.repository, rows)
    return done


def _link(
    session: Session,
    list_id: str | None,
    commit: CodeCommit,
    mentions: Sequence[Mention],
    *,
    copied: bool,
) -> Linked:
    not_done: list[NotDone] = []
    try:
        snapshot = session.snapshot()
    except GittasksError as error:
        return Linked(list_id or "", None, tuple(NotDone(m, error) for m in mentions))
    steps: list[tuple[Mention, Operation]] = []
    moves: list[tuple[Mention, Task, Verb]] = []
    for mention in mentions:
        try:
            task = snapshot.tasks[find(snapshot, mention.task)]
        except GittasksError as error:
            not_done.append(NotDone(mention, error))
            continue
        steps.append((mention, LinkCommit(task.id, commit)))
        verb = _verb(mention, task)
        if verb and not (copied and commit.subject in {c.subject for c in task.commits}):
            moves.append((mention, task, verb))
    steps += [(m, Transition(verb, task.id)) for m, task, verb in _in_order(snapshot, moves)]
    report, refused = _edit(session, steps)
    return Linked(session.list_id, report, (*not_done, *refused))


def _verb(mention: Mention, task: Task) -> Verb | None:
    if mention.status is not None:
        return _VERBS[mention.status]
    return Verb.START if task.status is Status.PENDING else None


def _in_order(
    snapshot: Snapshot, moves: Sequence[tuple[Mention, Task, Verb]]
) -> list[tuple[Mention, Task, Verb]]:
    """What ends a task before what begins one, and blockers before what waits for them."""
    graph = Graph.of(snapshot)
    left = sorted(moves, key=lambda move: move[2] is Verb.START)
    ordered = []
    while left:
        waiting = {task.id for _, task, _ in left}
        free = (move for move in left if not waiting & set(graph.open_blockers(move[1].id)))
        ordered.append(next(free, left[0]))
        left.remove(ordered[-1])
    return ordered


def _edit(
    session: Session, steps: list[tuple[Mention, Operation]]
) -> tuple[EditResult | None, list[NotDone]]:
    """Do all steps that can be done, as one commit."""
    not_done: list[NotDone] = []
    while steps:
        try:
            return editing.edit(session, [op for _, op in steps], offline=True), not_done
        except GittasksError as error:
            at = error.details.get("operation", 0 if len(steps) == 1 else None)
            if at is None:  # it is about the whole list: nothing of this can be written
                return None, [*not_done, *(NotDone(m, error) for m, _ in steps)]
            not_done.append(NotDone(steps.pop(at)[0], error))
    return None, not_done


def relink(session: Session, renamed: Mapping[str, CodeCommit]) -> list[Linked]:
    """Let links to commits that were rewritten point to what they are now, in all lists."""
    done = []
    for list_id in session.repository.known_lists():
        there = for_list(session, list_id)
        try:
            tasks = there.snapshot().tasks.values()
            if any(renamed.keys() & {c.sha for c in task.commits} for task in tasks):
                report = editing.edit(there, [RelinkCommits(renamed)], offline=True)
                done.append(Linked(list_id, report))
        except GittasksError as error:
            done.append(Linked(list_id, None, (NotDone(Mention(""), error),)))
    return done


def outstanding(session: Session) -> list[Unapplied]:
    """What is remembered as not done and still is not, of commits that are still there."""
    found = []
    for row in unapplied.read(session.repository):
        over = row.mention is not None and _is_over(session, row, row.mention)
        if not over and _is_there(session, row.sha):
            found.append(row)
    return found


def _is_there(session: Session, sha: str) -> bool:
    try:
        session.repository.objects.read(sha, "commit")
    except GittasksError:
        return False
    return True


def _is_over(session: Session, row: Unapplied, mention: Mention) -> bool:
    try:
        snapshot = for_list(session, row.list_id or mention.list_id).snapshot()
        return row.is_over(snapshot.tasks[find(snapshot, mention.task)].status)
    except GittasksError:
        return False


def try_again(session: Session, row: Unapplied) -> bool:
    """Whether what a commit asked for could be done this time; then it is forgotten."""
    if row.mention is None:
        return False
    mention = row.mention._replace(list_id=row.list_id or row.mention.list_id)
    unapplied.forget(session.repository, [row])
    done = link(session, CodeCommit(row.sha, row.subject or None), [mention])
    return not any(one.not_done for one in done)
