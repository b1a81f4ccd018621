"""Links from code commits to tasks, and trailers that could not be applied yet."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence

from gittasks import light
from gittasks.core.graph import Graph
from gittasks.core.ids import find
from gittasks.core.model import CodeCommit, Snapshot, Status, Task
from gittasks.core.operations import LinkCommit, Operation, RelinkCommits, Transition, Verb
from gittasks.core.trailers import TaskTrailer, parse
from gittasks.errors import GittasksError, Usage, failure_of
from gittasks.light import NamedTuple
from gittasks.store import disk
from gittasks.store.repository import Repository
from gittasks.workspace import editing
from gittasks.workspace.editing import EditResult
from gittasks.workspace.session import Author, Session

_MOST = 500
"""Entries that are read: a file that went on growing would be of no help to anybody."""


class Unapplied(NamedTuple):
    """A commit of the code, the list and the trailer that it names a task with, and why not."""

    sha: str
    subject: str
    list_id: str
    trailer: str
    why: str

    @property
    def request(self) -> tuple[str, str, str, str]:
        """The request and its place; the reason why it could not be done does not count."""
        return self.sha, self.subject, self.list_id, self.trailer

    @property
    def mention(self) -> TaskTrailer | None:
        """The meaning of the trailer, None when it has none."""
        try:
            return parse(self.trailer)
        except Usage:
            return None

    def is_over(self, status: Status) -> bool:
        """True when a task in this state has what was asked for, in whatever way that came."""
        status_wanted = self.mention.status if self.mention else None
        return status is status_wanted if status_wanted else status is not Status.PENDING


def _path(repository: Repository) -> str:
    return os.path.join(repository.common, "gittasks", "unapplied")


def read(repository: Repository) -> list[Unapplied]:
    """All entries, oldest first, each once; what cannot be read is passed over."""
    try:
        lines = disk.read(_path(repository)).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    rows: dict[tuple[str, ...], Unapplied] = {}
    for line in lines[-_MOST:]:
        try:
            row = Unapplied(*light.read_json(line))
        except (ValueError, TypeError):
            continue
        if all(isinstance(part, str) for part in row):
            rows[row.request] = row
    return list(rows.values())


def add(repository: Repository, rows: Sequence[Unapplied]) -> bool:
    """Remember more of them; False without a place for it: then they are only told."""
    if not rows:
        return True
    # Each between two ends of lines: one that a full disk tore takes no other with it.
    data = "".join(f"\n{light.write_json(row)}\n" for row in rows).encode()
    path = _path(repository)
    try:
        disk.make_folders(os.path.dirname(path), repository.shared)
        disk.append(path, data, disk.PRIVATE)  # so that two hooks at once both stand there
    except OSError:
        return False
    return True


def forget(repository: Repository, rows: Collection[Unapplied]) -> None:
    """Drop these."""
    requests = {row.request for row in rows}
    before = read(repository)
    left = [row for row in before if row.request not in requests]
    if len(left) == len(before):
        return
    if left:
        data = "".join(light.write_json(row) + "\n" for row in left)
        disk.put(_path(repository), data.encode(), repository.shared)
    else:
        disk.remove(_path(repository))


_VERBS = {
    Status.COMPLETED: Verb.DONE,
    Status.SKIPPED: Verb.SKIP,
    Status.IN_PROGRESS: Verb.START,
}


class NotDone(NamedTuple):
    """A mention that could not be applied, or not whole, and why."""

    mention: TaskTrailer
    error: GittasksError


class Linked(NamedTuple):
    """The effect of a commit on one list. `report` is None when nothing could be done.

    `kept`: what was not done is remembered.
    """

    list_id: str
    report: EditResult | None
    not_done: tuple[NotDone, ...] = ()
    kept: bool = True


def for_list(session: Session, list_id: str | None) -> Session:
    """The session of a list of the same repository; without an id, the one at work."""
    return session if list_id is None else session.select(list_id)


def link(
    session: Session, commit: CodeCommit, mentions: Sequence[TaskTrailer], *, copied: bool = False
) -> list[Linked]:
    """Link a commit to the tasks that it names and move them, in each list at once.

    What a rule forbids is left out and remembered, and the link made all the same. A commit that
    was `copied` moves no task that is linked to what it is a copy of. The remote is not asked: a
    commit of the code must not wait for it.
    """
    by_list: dict[str | None, list[TaskTrailer]] = {}
    for mention in mentions:
        by_list.setdefault(mention.list_id, []).append(mention)
    done = []
    for list_id, of_list in by_list.items():
        linked = _link(for_list(session, list_id), list_id, commit, of_list, copied=copied)
        done.append(_remembered(session, commit, linked))
    return done


def link_late(
    session: Session,
    commit: CodeCommit,
    mention: TaskTrailer,
    author: Author,
    operation_id: str,
    *,
    moves: bool,
) -> Linked:
    """Link a commit that no hook saw to the task that it names by its exact id, for its author.

    With `moves` the task gets to the status that the mention asks for. What a rule forbids is
    left out and remembered, as in `link`.
    """
    session = for_list(session, mention.list_id).acting_for(author, operation_id)
    steps: list[tuple[TaskTrailer, Operation]] = [(mention, LinkCommit(mention.task, commit))]
    if moves and mention.status is not None:
        steps.append((mention, Transition(_VERBS[mention.status], mention.task)))
    report, refused = _edit(session, steps)
    return _remembered(session, commit, Linked(session.list_id, report, tuple(refused)))


def _remembered(session: Session, commit: CodeCommit, linked: Linked) -> Linked:
    """Remember what of a commit could not be done."""
    rows = [
        Unapplied(commit.sha, commit.subject or "", linked.list_id, str(n.mention), str(n.error))
        for n in linked.not_done
    ]
    return linked._replace(kept=add(session.repository, rows))


def _link(
    session: Session,
    list_id: str | None,
    commit: CodeCommit,
    mentions: Sequence[TaskTrailer],
    *,
    copied: bool,
) -> Linked:
    not_done: list[NotDone] = []
    try:
        snapshot = session.snapshot()
    except (GittasksError, OSError) as error:
        failure = failure_of(error)
        return Linked(list_id or "", None, tuple(NotDone(m, failure) for m in mentions))
    steps: list[tuple[TaskTrailer, Operation]] = []
    moves: list[tuple[TaskTrailer, Task, Verb]] = []
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
    try:
        report, refused = _edit(session, steps)
    except OSError as error:  # other lists may be on other disks, and the code is committed
        report, refused = None, [NotDone(m, failure_of(error)) for m in mentions]
    return Linked(session.list_id, report, (*not_done, *refused))


def _verb(mention: TaskTrailer, task: Task) -> Verb | None:
    if mention.status is not None:
        return _VERBS[mention.status]
    return Verb.START if task.status is Status.PENDING else None


def _in_order(
    snapshot: Snapshot, moves: Sequence[tuple[TaskTrailer, Task, Verb]]
) -> list[tuple[TaskTrailer, Task, Verb]]:
    """Ends before beginnings, and blockers before what waits for them."""
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
    session: Session, steps: list[tuple[TaskTrailer, Operation]]
) -> tuple[EditResult | None, list[NotDone]]:
    """Do all steps that can be done, at once."""
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
        other = for_list(session, list_id)
        try:
            tasks = other.snapshot().tasks.values()
            if any(renamed.keys() & {c.sha for c in task.commits} for task in tasks):
                report = editing.edit(other, [RelinkCommits(renamed)], offline=True)
                done.append(Linked(list_id, report))
        except (GittasksError, OSError) as error:
            done.append(Linked(list_id, None, (NotDone(TaskTrailer(""), failure_of(error)),)))
    return done


def outstanding(session: Session) -> list[Unapplied]:
    """Remembered requests that are still not done, of commits that are still there."""
    rows = []
    for row in read(session.repository):
        over = row.mention is not None and _is_over(session, row, row.mention)
        if not over and _is_there(session, row.sha):
            rows.append(row)
    return rows


def _is_there(session: Session, sha: str) -> bool:
    try:
        session.repository.objects.read(sha, "commit")
    except GittasksError:
        return False
    return True


def _is_over(session: Session, row: Unapplied, mention: TaskTrailer) -> bool:
    try:
        snapshot = for_list(session, row.list_id or mention.list_id).snapshot()
        return row.is_over(snapshot.tasks[find(snapshot, mention.task)].status)
    except GittasksError:
        return False


def try_again(session: Session, row: Unapplied) -> bool:
    """Try a request of a commit again; it is forgotten, and told again when it fails."""
    if row.mention is None:
        return False
    mention = row.mention._replace(list_id=row.list_id or row.mention.list_id)
    forget(session.repository, [row])
    done = link(session, CodeCommit(row.sha, row.subject or None), [mention])
    return not any(linked.not_done for linked in done)
