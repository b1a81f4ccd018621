"""The timeline: who worked on what from when to when, told from the history."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gittasks.core.changes import Change, diff, task_changes
from gittasks.core.history import BurnUpPoint, LogEntry, Outcome, Span, timeline, united, workers
from gittasks.core.model import ListInfo, Snapshot, Status, Task
from gittasks.core.times import format_time, parse_time

START = parse_time("2026-11-22T10:00:00Z")
NOW = START + 100 * 60
EMPTY = Snapshot(ListInfo("plan"))


def entry(at: str, changes: Iterable[Change]) -> LogEntry:
    """A commit, as the history tells it."""
    return LogEntry("", at, "ada", None, None, "", tuple(changes))


def at(minute: int) -> str:
    return format_time(START + 60 * minute)


class History:
    """A list that is changed step by step, each step a commit."""

    def __init__(self) -> None:
        self.snapshot = EMPTY
        self.entries: list[LogEntry] = []

    def commit(self, minute: int, *tasks: Task) -> None:
        after = self.snapshot.with_tasks(*tasks)
        self.entries.append(entry(at(minute), diff(self.snapshot, after)))
        self.snapshot = after

    def remove(self, minute: int, task_id: str) -> None:
        left = {i: t for i, t in self.snapshot.tasks.items() if i != task_id}
        after = self.snapshot._replace(tasks=left)
        self.entries.append(entry(at(minute), diff(self.snapshot, after)))
        self.snapshot = after

    def spans(self) -> list[tuple[str, str | None, int, int | None, str]]:
        """Spans with minutes instead of seconds."""
        shown = timeline(self.snapshot, self.entries[::-1], NOW)
        return [
            s._replace(
                start=(s.start - START) // 60, end=None if s.end is None else (s.end - START) // 60
            )[:5]
            for s in shown.spans
        ]

    def points(self) -> list[tuple[int, int, int]]:
        shown = timeline(self.snapshot, self.entries[::-1], NOW)
        return [p._replace(at=(p.at - START) // 60) for p in shown.points]


A = Task(id="a", subject="A")
RUNNING = A._replace(status=Status.IN_PROGRESS, owner="ada", started=at(5))
DONE = RUNNING._replace(status=Status.COMPLETED, finished=at(9))


def test_a_task_begun_and_finished_is_one_span() -> None:
    """From the start to the finish, under the owner who did it."""
    history = History()
    for minute, task in ((0, A), (5, RUNNING), (9, DONE)):
        history.commit(minute, task)
    assert history.spans() == [("a", "ada", 5, 9, "completed")]
    assert history.points() == [(0, 1, 0), (9, 1, 1)]


def test_a_reopened_task_has_two_spans_and_a_mark() -> None:
    """The figure of complete tasks goes down where it was reopened."""
    history = History()
    again = RUNNING._replace(started=at(30))
    for minute, task in ((0, A), (5, RUNNING), (9, DONE), (20, A), (30, again)):
        history.commit(minute, task)
    assert history.spans() == [("a", "ada", 5, 9, "completed"), ("a", "ada", 30, None, "running")]
    assert history.points() == [(0, 1, 0), (9, 1, 1), (20, 1, 0)]
    shown = timeline(history.snapshot, history.entries[::-1], NOW)
    assert [(r.task, r.at - START) for r in shown.reopened] == [("a", 20 * 60)]


def test_what_is_given_back_and_taken_over_is_told_with_its_owners() -> None:
    """A change of owner while it runs ends one span and begins the next."""
    history = History()
    bob = RUNNING._replace(owner="bob", claim=2)
    for minute, task in ((0, A), (5, RUNNING), (12, bob), (20, A)):
        history.commit(minute, task)
    assert history.spans() == [
        ("a", "ada", 5, 12, "handed over"),
        ("a", "bob", 12, 20, "released"),
    ]


def test_of_two_who_did_it_at_once_one_stands() -> None:
    """Ada began at 1 and finished at 5, Bob began at 2 and skipped at 6, and ada's state stands."""
    bob = A._replace(status=Status.IN_PROGRESS, owner="bob", started=at(2))
    ada = A._replace(status=Status.IN_PROGRESS, owner="ada", started=at(1))
    done = ada._replace(status=Status.COMPLETED, finished=at(5))
    steps = ((0, None, A), (1, A, ada), (2, A, bob), (5, ada, done))
    entries = [entry(at(minute), task_changes(old, new)) for minute, old, new in steps]
    entries.append(
        entry(at(6), task_changes(bob, bob._replace(status=Status.SKIPPED, finished=at(6))))
    )
    shown = timeline(EMPTY.with_tasks(done), entries[::-1], NOW)
    (span,) = shown.spans
    assert span == Span("a", "ada", START + 60, START + 300, Outcome.COMPLETED)


def test_skipped_and_deleted_tasks_leave_the_figures() -> None:
    """They count no more from then on; a task that is deleted now has no spans."""
    history = History()
    b = Task(id="b", subject="B")
    history.commit(0, A, b)
    history.commit(3, b._replace(status=Status.SKIPPED, finished=at(3)))
    history.commit(5, RUNNING)
    history.commit(7, RUNNING._replace(status=Status.DELETED))
    assert history.points() == [(0, 2, 0), (3, 1, 0), (7, 0, 0)]
    assert history.spans() == []


def test_a_task_completed_at_once_has_a_span_of_its_times() -> None:
    """Also one that was imported with times from before the list."""
    history = History()
    history.commit(20, DONE)
    assert history.spans() == [("a", "ada", 5, 9, "completed")]
    assert history.points() == [(20, 1, 1)]


def test_a_task_that_is_gone_counts_as_long_as_it_was_there() -> None:
    """Removed from the branch, and made again."""
    history = History()
    history.commit(0, A)
    history.remove(5, "a")
    history.commit(9, A)
    assert history.points() == [(0, 1, 0), (5, 0, 0), (9, 1, 0)]


def test_a_history_that_begins_in_the_middle() -> None:
    """In a shallow clone a task whose commits are not there is told from its own times."""
    snapshot = EMPTY.with_tasks(DONE._replace(created=at(1)), RUNNING._replace(id="b"))
    shown = timeline(snapshot, [], NOW)
    assert [(s.task, s.outcome) for s in shown.spans] == [("a", "completed"), ("b", "running")]
    assert shown.points[-1][1:] == (2, 1)


def test_clocks_that_are_wrong_bend_nothing() -> None:
    """No span ends before it begins or after now, whatever a commit or a task claims."""
    history = History()
    for minute, task in ((50, A), (5, RUNNING), (10**6, DONE._replace(finished="rubbish"))):
        history.commit(minute, task)
    shown = timeline(history.snapshot, history.entries[::-1], NOW)
    assert all(s.start <= (s.end or NOW) <= NOW for s in shown.spans)
    assert [p.at for p in shown.points] == sorted(p.at for p in shown.points)


def test_work_at_the_same_time_is_counted_once() -> None:
    """An owner with two tasks side by side was at work as long as either."""
    spans = (
        Span("a", "ada", 0, 60, Outcome.COMPLETED),
        Span("b", "ada", 30, 90, Outcome.COMPLETED),
        Span("c", "ada", 200, None, Outcome.RUNNING),
        Span("d", None, 0, 10, Outcome.RELEASED),
    )
    assert united(spans[:3], 250) == [(0, 90), (200, 250)]
    shown = timeline(EMPTY, [], 250)._replace(spans=spans)
    assert [tuple(w) for w in workers(shown)] == [("ada", 2, 1, 140, 250), ("", 0, 0, 10, 10)]


_STATES = st.builds(
    lambda task_id, status, owner: Task(task_id, "x", status=status, owner=owner),
    st.sampled_from("abc"),
    st.sampled_from([*Status]),
    st.sampled_from([None, "ada", "bob"]),
)


@given(st.lists(st.tuples(st.integers(-5, 200), _STATES), max_size=12))
def test_the_timeline_ends_with_what_the_list_says(steps: list[tuple[int, Task]]) -> None:
    """Whatever happened: the last figures, and what runs, are those of the list now."""
    history = History()
    for minute, task in steps:
        history.commit(minute, task)
    shown = timeline(history.snapshot, history.entries[::-1], NOW)
    tasks = history.snapshot.ordered()
    counted = [t for t in tasks if t.status is not Status.SKIPPED]
    done = sum(t.status is Status.COMPLETED for t in counted)
    last = shown.points[-1] if shown.points else BurnUpPoint(0, 0, 0)
    assert last[1:] == (len(counted), done)
    running = {(s.task, s.owner) for s in shown.spans if s.end is None}
    assert running == {(t.id, t.owner) for t in tasks if t.status is Status.IN_PROGRESS}
    for spans in shown.by_task().values():
        assert all((a.end or NOW) <= b.start for a, b in pairwise(spans))
    assert all(0 <= p.completed <= p.total for p in shown.points)


def test_work_that_another_finished_counts_for_who_finished_it() -> None:
    """Unless that one began it on the owner's behalf: then it is the owner's."""
    running = Task("t", "T", status=Status.IN_PROGRESS, owner="ana", started=at(1))
    done = running._replace(status=Status.COMPLETED, finished=at(5))
    for began, counted in (("ana", {"ana": 0, "bob": 1}), ("bob", {"ana": 1})):
        history = History()
        history.commit(0, Task("t", "T"))
        history.commit(1, running)
        history.commit(5, done)
        owners = (None, began, "bob")
        entries = [e._replace(owner=o) for e, o in zip(history.entries, owners, strict=True)]
        shown = timeline(history.snapshot, entries[::-1], NOW)
        assert {w.owner: w.completed for w in workers(shown)} == counted
