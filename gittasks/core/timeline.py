"""What really happened: who worked on which task from when to when, read from the history.

The state of each task is followed backwards from what it is now, so that the last one is always
the one that the list shows, also where a merge decided between two. Times are epoch seconds. The
times that a task states count, where they fit the commit that wrote them; else that of the commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from gittasks.core.clock import parse_time
from gittasks.core.history import Change, ChangeKind, LogEntry
from gittasks.core.model import Snapshot, Status, Task


class Outcome(StrEnum):
    """How a span ended: `released` is pending again, `handed over` is with another owner."""

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
        """How long it took, or has been going on."""
        return max(0, (now if self.end is None else self.end) - self.start)


class Reopened(NamedTuple):
    """A completed or skipped task became pending again."""

    task: str
    at: int


class Point(NamedTuple):
    """How many tasks there were at a moment, and how many of them complete."""

    at: int
    total: int
    completed: int


class Timeline(NamedTuple):
    """`spans` by start; `points` by time, one for each moment at which a figure changed."""

    spans: tuple[Span, ...]
    reopened: tuple[Reopened, ...]
    points: tuple[Point, ...]
    now: int

    def by_task(self) -> dict[str, list[Span]]:
        """The spans of each task that was ever begun, the task begun first first."""
        found: dict[str, list[Span]] = {}
        for span in self.spans:
            found.setdefault(span.task, []).append(span)
        return found


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
    for task_id, states in _states(snapshot, newest_first, now).items():
        steps += _steps(states)
        task = snapshot.tasks.get(task_id)
        if task is None or task.status is Status.DELETED:
            continue
        spans += _spans(task_id, states)
        reopened += (Reopened(task_id, s.at) for s in _reopenings(states))
    return Timeline(
        tuple(sorted(spans, key=lambda s: (s.start, s.end or now, s.task))),
        tuple(sorted(reopened, key=lambda r: r.at)),
        tuple(_points(steps)),
        now,
    )


def workers(shown: Timeline) -> list[Worker]:
    """Who worked, most completed tasks first. Tasks at the same time do not make time longer."""
    hands: dict[str, list[Span]] = {}
    finished: dict[str, set[str]] = {}
    for span in shown.spans:
        hands.setdefault(span.owner or "", []).append(span)
        if span.outcome is Outcome.COMPLETED:
            finished.setdefault(span.by or span.owner or "", set()).add(span.task)
        if span.by and span.end is not None:  # a moment of theirs, which takes no time
            moment = span._replace(start=span.end, outcome=Outcome.HANDED_OVER)
            hands.setdefault(span.by, []).append(moment)
    found = [
        Worker(
            owner,
            len(finished.get(owner, ())),
            len({s.task for s in spans if s.outcome is Outcome.RUNNING}),
            sum(end - start for start, end in united(spans, shown.now)),
            max(shown.now if s.end is None else s.end for s in spans),
        )
        for owner, spans in hands.items()
    ]
    return sorted(found, key=lambda w: (-w.completed, -w.seconds, w.owner))


def united(spans: Iterable[Span], now: int) -> list[tuple[int, int]]:
    """The times that any of the spans covers, as intervals that do not touch."""
    found: list[tuple[int, int]] = []
    for start, end in sorted((s.start, now if s.end is None else s.end) for s in spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


# --- states of a task --------------------------------------------------------------------------


class _State(NamedTuple):
    """What a commit made of a task; `status` is None when it is not there."""

    at: int
    status: Status | None
    owner: str | None
    started: str | None
    finished: str | None
    by: str | None = None


_FIELDS = ("status", "owner", "started", "finished")


def _states(
    snapshot: Snapshot, newest_first: Iterable[LogEntry], now: int
) -> Mapping[str, list[_State]]:
    """By task, what each commit that touched it made of it, oldest first."""
    backwards: dict[str, list[_State]] = {}
    here = {i: _now(task) for i, task in snapshot.tasks.items()}
    for entry in newest_first:
        at = min(_time(entry.at) or 0, now)
        for task_id, changes in _by_task(entry.changes).items():
            after = here.get(task_id, _State(0, None, None, None, None))
            backwards.setdefault(task_id, []).append(after._replace(at=at, by=entry.owner))
            here[task_id] = _before(after, changes)
    for task_id, task in snapshot.tasks.items():
        if task_id not in backwards:  # its beginning is not in this clone
            first = next((t for s in (task.created, task.started) if (t := _time(s))), now)
            backwards[task_id] = [_now(task)._replace(at=min(first, now))]
    return {task_id: _in_time(states) for task_id, states in backwards.items()}


def _now(task: Task) -> _State:
    return _State(0, task.status, task.owner, task.started, task.finished)


def _by_task(changes: Sequence[Change]) -> dict[str, list[Change]]:
    found: dict[str, list[Change]] = {}
    for change in changes:
        if change.task and (change.kind in _WHOLE or change.field in _FIELDS):
            found.setdefault(change.task, []).append(change)
    return found


_WHOLE = frozenset({ChangeKind.CREATED, ChangeKind.REMOVED})


def _before(after: _State, changes: Iterable[Change]) -> _State:
    """The state before these changes of one task."""
    for change in changes:
        if change.kind is ChangeKind.CREATED:
            return after._replace(status=None)
        if change.kind is ChangeKind.REMOVED:
            return after._replace(status=Status.PENDING)
        value = change.before
        if change.field == "status":
            value = Status(value) if value in list(Status) else None
        after = after._replace(**{change.field: value})
    return after


def _in_time(newest_first: Sequence[_State]) -> list[_State]:
    """Oldest first, and no state before the one that it follows, whatever clocks said."""
    found: list[_State] = []
    for state in reversed(newest_first):
        at = max(state.at, found[-1].at) if found else state.at
        found.append(state._replace(at=at))
    return found


def _time(text: str | None) -> int | None:
    try:
        return parse_time(text) if text else None
    except ValueError:
        return None


# --- spans and figures -------------------------------------------------------------------------


def _spans(task_id: str, states: Iterable[_State]) -> Iterator[Span]:
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


def _reopenings(states: Sequence[_State]) -> list[_State]:
    over = (Status.COMPLETED, Status.SKIPPED)
    return [
        after
        for before, after in pairwise(states)
        if before.status in over and after.status in (Status.PENDING, Status.IN_PROGRESS)
    ]


def _steps(states: Iterable[_State]) -> Iterator[tuple[int, int, int]]:
    """When the figures changed by one task: time, more tasks, more complete ones."""
    total = completed = 0
    for state in states:
        now_total = int(state.status not in (None, Status.SKIPPED, Status.DELETED))
        now_completed = int(state.status is Status.COMPLETED)
        if (now_total, now_completed) != (total, completed):
            yield state.at, now_total - total, now_completed - completed
        total, completed = now_total, now_completed


def _points(steps: Iterable[tuple[int, int, int]]) -> list[Point]:
    found: list[Point] = []
    total = completed = 0
    for at, more, done in sorted(steps, key=lambda s: s[0]):
        total, completed = total + more, completed + done
        if found and found[-1].at == at:
            found.pop()
        point = Point(at, total, completed)
        if not found or found[-1] != point._replace(at=found[-1].at):
            found.append(point)
    return found
