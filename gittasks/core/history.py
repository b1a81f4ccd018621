"""Log entries, and the timeline made from them.

The state of each task is followed backwards from what it is now, so that the last one is always
the one that the list shows, also where a merge decided between two. Times are epoch seconds. The
times that a task states count, where they fit the commit that wrote them; else that of the commit.
"""

from __future__ import annotations

from itertools import pairwise

from gittasks.core.changes import Change, ChangeKind
from gittasks.core.model import Snapshot, Status, Task, by_phase
from gittasks.core.times import format_time, parse_time, seconds_between
from gittasks.light import TYPE_CHECKING, NamedTuple, StrEnum

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

ROOT_AT = "2026-01-01T00:00:00Z"
"""The date of every root commit."""


class LogEntry(NamedTuple):
    """One commit of a list. `by` is the git author, `owner` the actor that the commit names."""

    commit: str
    at: str
    by: str
    owner: str | None
    session: str | None
    subject: str
    changes: tuple[Change, ...]
    forced: tuple[str, ...] = ()
    undo_of: str | None = None

    @property
    def is_root(self) -> bool:
        """True for the commit that begins a list, the same in every clone: its date is made up."""
        return self.at == ROOT_AT and not self.changes

    @property
    def who(self) -> str:
        """The owner name of the actor, or the git author of a commit made by hand."""
        return self.owner or self.by

    @property
    def tasks(self) -> tuple[str, ...]:
        """Ids of the tasks it changed, in the order of the changes; "" is the list itself."""
        return tuple(dict.fromkeys(change.task for change in self.changes))

    def changes_of(self, task_id: str) -> tuple[Change, ...]:
        """The changes of one task."""
        return tuple(change for change in self.changes if change.task == task_id)


class PhaseTime(NamedTuple):
    """One phase from its first start to its last finish; `finished` is None while it goes on.

    `seconds` counts to `now` in the latter case. Skipped tasks do not count.
    """

    label: str
    started: str
    finished: str | None
    seconds: int


def phase_times(tasks: Sequence[Task], now: int) -> list[PhaseTime]:
    """Times of the phases that have begun, in the order in which the tasks are given."""
    times = []
    phases = by_phase(t for t in tasks if t.status is not Status.DELETED)
    for label, members in phases.items():
        counted = [t for t in members if t.status is not Status.SKIPPED]
        started = min((t.started for t in counted if t.started), default=None)
        if label is None or started is None:
            continue
        over = all(t.status is Status.COMPLETED for t in counted)
        finished = max((t.finished for t in counted if t.finished), default=None) if over else None
        seconds = seconds_between(started, finished or format_time(now))
        times.append(PhaseTime(label, started, finished, max(seconds or 0, 0)))
    return times


class Outcome(StrEnum):
    """The end of a span: `released` is pending again, `handed over` is with another owner."""

    RUNNING = "running"
    COMPLETED = "completed"
    SKIPPED = "skipped"
    RELEASED = "released"
    HANDED_OVER = "handed over"
    DELETED = "deleted"


_OUTCOMES = {
    Status.COMPLETED: Outcome.COMPLETED,
    Status.SKIPPED: Outcome.SKIPPED,
    Status.PENDING: Outcome.RELEASED,
    Status.DELETED: Outcome.DELETED,
}


class Span(NamedTuple):
    """A task in one pair of hands. `end` is None while it goes on.

    `by` is who finished it, when that is neither its owner nor who began it on the owner's behalf.
    """

    task: str
    owner: str | None
    start: int
    end: int | None
    outcome: Outcome
    by: str | None = None

    def seconds(self, now: int) -> int:
        """The time it took, or has been going on."""
        return max(0, (now if self.end is None else self.end) - self.start)


class Reopened(NamedTuple):
    """A completed or skipped task became pending again."""

    task: str
    at: int


class BurnUpPoint(NamedTuple):
    """The number of tasks at a moment, and of those complete."""

    at: int
    total: int
    completed: int


class Timeline(NamedTuple):
    """`spans` by start; `points` by time, one for each moment at which a figure changed."""

    spans: tuple[Span, ...]
    reopened: tuple[Reopened, ...]
    points: tuple[BurnUpPoint, ...]
    now: int

    def by_task(self) -> dict[str, list[Span]]:
        """The spans of each task that was ever begun, the task begun first first."""
        grouped: dict[str, list[Span]] = {}
        for span in self.spans:
            grouped.setdefault(span.task, []).append(span)
        return grouped


class Worker(NamedTuple):
    """An owner: tasks completed and in progress, seconds at work on any, when last at work."""

    owner: str
    completed: int
    in_progress: int
    seconds: int
    last: int


def timeline(snapshot: Snapshot, newest_first: Iterable[LogEntry], now: int) -> Timeline:
    """The timeline of a list; its history as `log` gives it.

    Spans are told of the tasks that the list shows, figures of all that ever were.
    """
    spans: list[Span] = []
    reopened: list[Reopened] = []
    steps: list[tuple[int, int, int]] = []
    for task_id, course in states(snapshot, newest_first, now).items():
        steps += _steps(course)
        task = snapshot.tasks.get(task_id)
        if task is None or task.status is Status.DELETED:
            continue
        spans += _spans(task_id, course)
        reopened += (Reopened(task_id, s.at) for s in _reopenings(course))
    return Timeline(
        tuple(sorted(spans, key=lambda s: (s.start, s.end or now, s.task))),
        tuple(sorted(reopened, key=lambda r: r.at)),
        tuple(_points(steps)),
        now,
    )


def workers(shown: Timeline) -> list[Worker]:
    """The people at work, most completed tasks first; tasks side by side take their time once."""
    hands: dict[str, list[Span]] = {}
    finished: dict[str, set[str]] = {}
    for span in shown.spans:
        hands.setdefault(span.owner or "", []).append(span)
        if span.outcome is Outcome.COMPLETED:
            finished.setdefault(span.by or span.owner or "", set()).add(span.task)
        if span.by and span.end is not None:  # a moment of theirs, which takes no time
            moment = span._replace(start=span.end, outcome=Outcome.HANDED_OVER)
            hands.setdefault(span.by, []).append(moment)
    people = [
        Worker(
            owner,
            len(finished.get(owner, ())),
            len({s.task for s in spans if s.outcome is Outcome.RUNNING}),
            sum(end - start for start, end in united(spans, shown.now)),
            max(shown.now if s.end is None else s.end for s in spans),
        )
        for owner, spans in hands.items()
    ]
    return sorted(people, key=lambda w: (-w.completed, -w.seconds, w.owner))


def united(spans: Iterable[Span], now: int) -> list[tuple[int, int]]:
    """The times that any of the spans covers, as intervals that do not touch."""
    intervals: list[tuple[int, int]] = []
    for start, end in sorted((s.start, now if s.end is None else s.end) for s in spans):
        if intervals and start <= intervals[-1][1]:
            intervals[-1] = intervals[-1][0], max(end, intervals[-1][1])
        else:
            intervals.append((start, end))
    return intervals


# --- states of a task --------------------------------------------------------------------------


class TaskState(NamedTuple):
    """The state that a commit left a task in; `status` is None when it is not there.

    `by` is the owner that the commit names. `commit` is None for a state whose beginning is not in
    this clone.
    """

    at: int
    status: Status | None
    owner: str | None
    session: str | None
    left: str | None
    started: str | None
    finished: str | None
    by: str | None = None
    commit: str | None = None


_FIELDS = ("status", "owner", "session", "left", "started", "finished")


def states(
    snapshot: Snapshot, newest_first: Iterable[LogEntry], now: int
) -> Mapping[str, list[TaskState]]:
    """By task, what each commit that touched it made of it, oldest first."""
    backwards: dict[str, list[TaskState]] = {}
    current = {i: _now(task) for i, task in snapshot.tasks.items()}
    for entry in newest_first:
        at = min(_time(entry.at) or 0, now)
        for task_id, changes in _by_task(entry.changes).items():
            after = current.get(task_id, TaskState(0, *[None] * 6))
            state = _made(after, changes)._replace(at=at, by=entry.owner, commit=entry.commit)
            backwards.setdefault(task_id, []).append(state)
            current[task_id] = _before(after, changes)
    for task_id, task in snapshot.tasks.items():
        if task_id not in backwards:  # its beginning is not in this clone
            first = next((t for s in (task.created, task.started) if (t := _time(s))), now)
            backwards[task_id] = [_now(task)._replace(at=min(first, now))]
    return {task_id: _in_time(states) for task_id, states in backwards.items()}


def _now(task: Task) -> TaskState:
    return TaskState(0, *(getattr(task, name) for name in _FIELDS))


def _by_task(changes: Sequence[Change]) -> dict[str, list[Change]]:
    grouped: dict[str, list[Change]] = {}
    for change in changes:
        if change.task and (change.kind in _WHOLE or change.field in _FIELDS):
            grouped.setdefault(change.task, []).append(change)
    return grouped


_WHOLE = frozenset({ChangeKind.CREATED, ChangeKind.REMOVED})


def _made(after: TaskState, changes: Iterable[Change]) -> TaskState:
    """The state that these changes made; the next commit gives `after` as the one before it.

    A commit of another clone that had not seen them says less: nobody had begun it, or ended it.
    """
    written = after
    for change in changes:
        if change.kind not in _WHOLE:
            written = written._replace(**{change.field: _value(change.field, change.after)})
    return written if _advance(written.status) > _advance(after.status) else after


def _advance(status: Status | None) -> int:
    return 2 if status is not None and status.closed else int(status is Status.IN_PROGRESS)


def _before(after: TaskState, changes: Iterable[Change]) -> TaskState:
    """The state before these changes of one task."""
    for change in changes:
        if change.kind is ChangeKind.CREATED:
            return after._replace(status=None)
        if change.kind is ChangeKind.REMOVED:
            return after._replace(status=Status.PENDING)
        after = after._replace(**{change.field: _value(change.field, change.before)})
    return after


def _value(field: str, value: Any) -> Any:
    if field == "status":
        return Status(value) if value in list(Status) else None
    return value


def _in_time(newest_first: Sequence[TaskState]) -> list[TaskState]:
    """Oldest first, and no state before the one that it follows, whatever clocks said."""
    ordered: list[TaskState] = []
    for state in reversed(newest_first):
        at = max(state.at, ordered[-1].at) if ordered else state.at
        ordered.append(state._replace(at=at))
    return ordered


def _time(text: str | None) -> int | None:
    try:
        return parse_time(text) if text else None
    except ValueError:
        return None


# --- spans and figures -------------------------------------------------------------------------


def _spans(task_id: str, states: Iterable[TaskState]) -> Iterator[Span]:
    start: int | None = None
    free = 0  # where the span before ended
    owner: str | None = None
    began: str | None = None
    done = False
    for state in states:
        running = state.status is Status.IN_PROGRESS
        if start is not None and running and state.owner != owner:
            yield Span(task_id, owner, start, state.at, Outcome.HANDED_OVER)
            start = free = state.at
        elif start is not None and not running:
            closed = state.status is not None and state.status.closed
            if closed:
                # Of two who did it at the same time in two clones one stands, with his times.
                start = min(start, _stated(state.started, free, state.at))
                owner = state.owner or owner
            free = _stated(state.finished, start, state.at)
            outcome = _OUTCOMES[state.status] if state.status else Outcome.DELETED
            other = state.by if closed and state.by not in (owner, began) else None
            yield Span(task_id, owner, start, free, outcome, other)
            start = None
        elif start is None and running:
            start = _stated(state.started, free, state.at)
            began = state.by
        elif start is None and state.status is Status.COMPLETED and not done:
            begin = _stated(state.started, free, state.at)
            free = _stated(state.finished, begin, state.at)
            yield Span(task_id, state.owner, begin, free, Outcome.COMPLETED)
        owner = state.owner
        done = state.status is Status.COMPLETED
    if start is not None:
        yield Span(task_id, owner, start, None, Outcome.RUNNING)


def _stated(text: str | None, earliest: int, at: int) -> int:
    """The time that a task states, if it can be so at a commit of `at`; else that time."""
    time = _time(text)
    return time if time is not None and earliest <= time <= at else at


def _reopenings(states: Sequence[TaskState]) -> list[TaskState]:
    over = (Status.COMPLETED, Status.SKIPPED)
    return [
        after
        for before, after in pairwise(states)
        if before.status in over and after.status in (Status.PENDING, Status.IN_PROGRESS)
    ]


def _steps(states: Iterable[TaskState]) -> Iterator[tuple[int, int, int]]:
    """Changes of the figures by one task: time, more tasks, more complete ones."""
    total = completed = 0
    for state in states:
        now_total = int(state.status not in (None, Status.SKIPPED, Status.DELETED))
        now_completed = int(state.status is Status.COMPLETED)
        if (now_total, now_completed) != (total, completed):
            yield state.at, now_total - total, now_completed - completed
        total, completed = now_total, now_completed


def _points(steps: Iterable[tuple[int, int, int]]) -> list[BurnUpPoint]:
    points: list[BurnUpPoint] = []
    total = completed = 0
    for at, more, done in sorted(steps, key=lambda s: s[0]):
        total, completed = total + more, completed + done
        if points and points[-1].at == at:
            points.pop()
        point = BurnUpPoint(at, total, completed)
        if not points or points[-1] != point._replace(at=points[-1].at):
            points.append(point)
    return points
