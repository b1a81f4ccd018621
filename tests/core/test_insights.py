"""Insights: each way to lose time is found where it happened once, and none on a clean course."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.stories import START, Story, create, done, start

from gittasks.core.insights import Insights, LossKind, insights
from gittasks.core.messages import AFTER_LOSS
from gittasks.core.model import CodeCommit, Status
from gittasks.core.operations import AddNote, Operation, SessionEnd, Transition, Update, Verb
from gittasks.core.times import parse_time
from gittasks.errors import Refused

MINUTE = 60


def told(story: Story, minute: int = 600, **how: Any) -> Insights:
    """The insights of a story at a minute."""
    return insights(story.snapshot, story.history[::-1], START + minute * MINUTE, **how)


def losses(shown: Insights) -> list[tuple[LossKind, tuple[str, ...], int]]:
    """Kind, tasks and minutes of each."""
    return [(x.kind, x.tasks, x.seconds // MINUTE) for x in shown.losses]


def course(shown: Insights) -> Mapping[str, tuple[int, int, int, int]]:
    """Minutes waiting, blocked, active, left by task."""
    return {
        c.task: (
            c.waiting // MINUTE,
            c.blocked // MINUTE,
            c.active // MINUTE,
            c.left // MINUTE,
        )
        for c in shown.tasks
    }


def clean() -> Story:
    """Two agents, three tasks, nothing lost."""
    story = Story()
    story.at(0, create("a"), create("b"), create("c", blocked_by=("a", "b")))
    story.at(0, start("a"), by="ann").at(0, start("b"), by="bob")
    story.at(30 * MINUTE, done("a"), by="ann").at(40 * MINUTE, done("b"), by="bob")
    return story.at(40 * MINUTE, start("c"), by="ann").at(60 * MINUTE, done("c"), by="ann")


def test_a_clean_course_has_no_loss_and_its_times() -> None:
    """Blocked time has the blocker that ended last; it is no loss."""
    shown = told(clean())
    assert losses(shown) == []
    assert shown.top == ()
    assert course(shown) == {"a": (0, 0, 30, 0), "b": (0, 0, 40, 0), "c": (0, 40, 20, 0)}
    assert shown.tasks[2].blockers == ("b",)
    assert [(a.name, a.completed, a.useful // MINUTE, a.lost) for a in shown.agents] == [
        ("a person", 2, 50, 0),
        ("a person", 1, 40, 0),
    ]
    assert shown.critical == ("b", "c")


def test_a_completion_counts_without_a_start_and_running_work_is_not_useful_yet() -> None:
    """Who completed a task completed it; what comes of work that goes on, nobody knows."""
    story = Story().at(0, create("a"), create("b"))
    story.at(10 * MINUTE, done("a"), by="ann").at(20 * MINUTE, start("b"), by="bob")
    shown = told(story, people=True)
    assert [(a.name, a.completed, a.useful, a.lost) for a in shown.agents] == [
        ("ann", 1, 0, 0),
        ("bob", 0, 0, 0),
    ]
    assert all(a.commits for a in shown.agents)


def test_nobody_worked_while_something_was_ready() -> None:
    """Only from the first start on, and only where nothing else was in progress."""
    story = Story().at(0, create("a"), create("b"), create("c"))
    story.at(30 * MINUTE, start("a")).at(40 * MINUTE, done("a"))
    story.at(100 * MINUTE, start("b")).at(110 * MINUTE, done("b"))
    story.at(110 * MINUTE, start("c")).at(120 * MINUTE, done("c"))
    shown = told(story)
    assert losses(shown) == [(LossKind.IDLE, ("b", "c"), 60)]
    assert shown.losses[0].commits == (story.history[2].commit, story.history[3].commit)
    assert course(shown)["b"] == (100, 0, 10, 0)


def test_what_is_not_due_does_not_wait() -> None:
    """`notBefore` is nobody's loss."""
    story = Story()
    story.at(0, create("a"), create("b", fields={"not_before": "2026-11-22T11:00:00Z"}))
    story.at(0, start("a")).at(10 * MINUTE, done("a"))
    story.at(60 * MINUTE, start("b")).at(70 * MINUTE, done("b"))
    assert losses(told(story)) == []


def test_a_session_that_ended_left_its_task() -> None:
    """Until another session goes on; that is a handover."""
    story = Story().at(0, create("a"))
    story.at(0, start("a"), session="s1").at(10 * MINUTE, SessionEnd(), session="s1")
    story.at(70 * MINUTE, start("a"), session="s2").at(80 * MINUTE, done("a"), session="s2")
    shown = told(story)
    assert losses(shown) == [(LossKind.LEFT, ("a",), 60), (LossKind.HANDOVER, ("a",), 0)]
    assert [(a.session, a.useful // MINUTE) for a in shown.agents] == [("s1", 10), ("s2", 10)]
    assert shown.agents[0].name == "ann"


def test_given_back_and_begun_by_another_is_a_handover() -> None:
    """What the first did counts as lost."""
    story = Story().at(0, create("a"))
    story.at(0, start("a"), by="ann")
    story.at(10 * MINUTE, Transition(Verb.RELEASE, "a"), by="ann")
    story.at(10 * MINUTE, start("a"), by="bob").at(20 * MINUTE, done("a"), by="bob")
    shown = told(story, people=True)
    assert losses(shown) == [(LossKind.HANDOVER, ("a",), 0)]
    assert shown.losses[0].words == "a was released by ann and started again by bob"
    assert [(a.name, a.useful // MINUTE, a.lost // MINUTE) for a in shown.agents] == [
        ("ann", 0, 10),
        ("bob", 10, 0),
    ]


def test_taken_by_force_is_a_take_over() -> None:
    """From whom and by whom, with both commits."""
    story = Story().at(0, create("a")).at(0, start("a"), by="ann")
    story.at(10 * MINUTE, start("a"), by="bob", force=True).at(20 * MINUTE, done("a"), by="bob")
    shown = told(story, people=True)
    assert losses(shown) == [(LossKind.TAKE_OVER, ("a",), 0)]
    assert shown.losses[0].words == "a was taken over from ann by bob"
    assert len(shown.losses[0].commits) == 2


def apart(story: Story, *sides: tuple[int, Operation, str]) -> Story:
    """Operations that did not see each other, as the log has them after a merge."""
    base = story.snapshot
    for minute, operation, by in sides:
        story.snapshot = base
        story.at(minute * MINUTE, operation, by=by)
    return story


def test_begun_by_two_at_once_is_work_done_twice() -> None:
    """Until the first of them ends; all that the one did whose state does not stand is lost."""
    story = Story().at(0, create("a"))
    apart(story, (0, start("a"), "ann"), (5, start("a"), "bob"))
    story.at(25 * MINUTE, done("a"), by="bob")
    shown = told(story, people=True)
    assert losses(shown) == [(LossKind.TWICE, ("a",), 20)]
    assert "by ann and by bob, for 20 minutes" in shown.top[0].words
    minutes = {a.name: (a.useful // MINUTE, a.lost // MINUTE) for a in shown.agents}
    assert minutes == {"ann": (0, 25), "bob": (20, 0)}
    (course,) = shown.tasks
    assert (course.waiting, course.active // MINUTE) == (0, 25)


def test_closed_by_two_at_once_is_a_race() -> None:
    """Whatever each of them closed it as."""
    story = Story().at(0, create("a"))
    apart(story, (5, done("a"), "ann"), (6, Transition(Verb.SKIP, "a"), "bob"))
    assert losses(told(story)) == [(LossKind.RACE, ("a",), 0)]


def test_one_field_written_at_once() -> None:
    """Whether it is settled is said; a third write on top is no other conflict."""
    story = Story().at(0, create("a"), create("b"))
    apart(
        story,
        (1, Update("a", active_form="Trying"), "ann"),
        (2, Update("a", active_form="Testing"), "bob"),
    )
    shown = told(story, people=True, still_open={("a", "activeForm")})
    assert losses(shown) == [(LossKind.AT_ONCE, ("a",), 0)]
    assert shown.losses[0].words.endswith("concurrently by ann and by bob; still open")
    assert len(shown.losses[0].commits) == 2
    story.at(3 * MINUTE, Update("a", active_form="Both"))
    settled = told(story)
    assert [x.words.rpartition("; ")[2] for x in settled.losses] == ["settled since"]


def test_a_finish_after_the_claim_was_lost() -> None:
    """It is known by the note that keeps its result."""
    story = Story().at(0, create("a")).at(0, start("a"), by="ann")
    story.at(10 * MINUTE, start("a"), by="bob", force=True)
    story.at(15 * MINUTE, AddNote("a", f"finished by ann {AFTER_LOSS}: PASS"), by="ann")
    story.at(20 * MINUTE, done("a"), by="bob")
    kinds = [(LossKind.TAKE_OVER, ("a",), 0), (LossKind.LOST_CLAIM, ("a",), 15)]
    assert losses(told(story)) == kinds


def test_completed_in_one_go() -> None:
    """The same runs that lint finds."""
    story = Story().at(0, create("a"), create("b"))
    story.at(0, start("a")).at(0, start("b"), parallel=True)
    story.at(20 * MINUTE, done("a")).at(20 * MINUTE + 2, done("b"))
    assert losses(told(story)) == [(LossKind.BATCHED, ("a", "b"), 0)]


def test_commits_against_what_was_declared() -> None:
    """A file outside the paths of a task, and one that two changed side by side."""
    story = Story()
    story.at(0, create("a", fields={"paths": ["src"]}), create("b"))
    story.at(0, start("a"), by="ann").at(0, start("b"), by="bob")
    tasks = story.snapshot.tasks
    linked = [tasks[i]._replace(commits=(CodeCommit(c * 40),)) for i, c in (("a", "1"), ("b", "2"))]
    story.becomes(5 * MINUTE, story.snapshot.with_tasks(*linked))
    story.at(9 * MINUTE, done("a"), by="ann").at(20 * MINUTE, done("b"), by="bob")
    files = {"1" * 40: frozenset({"src/x", "docs/y"}), "2" * 40: frozenset({"src/x"})}
    shown = told(story, files=files)
    assert losses(shown) == [
        (LossKind.OUTSIDE, ("a",), 0),
        (LossKind.SAME_FILE, ("a", "b"), 0),
    ]
    assert "docs/y" in shown.losses[0].words
    assert "src/x" in shown.losses[1].words
    assert losses(told(story)) == []


def test_since_leaves_out_what_was_before() -> None:
    """Times are cut, and events of then are not told."""
    story = Story().at(0, create("a")).at(0, start("a"), by="ann")
    story.at(10 * MINUTE, start("a"), by="bob", force=True).at(40 * MINUTE, done("a"), by="bob")
    shown = told(story, since=START + 20 * MINUTE)
    assert losses(shown) == []
    assert course(shown)["a"] == (0, 0, 20, 0)


def test_what_was_expected_at_half_time_and_what_came() -> None:
    """From the times of the tasks; nothing while the list is open."""
    story = Story()
    story.at(0, *(create(name) for name in "abcd"))
    for minute, name, took in ((0, "a", 10), (10, "b", 10), (20, "c", 30), (50, "d", 40)):
        story.at(minute * MINUTE, start(name)).at((minute + took) * MINUTE, done(name))
    estimate = told(story).estimate
    assert estimate is not None
    assert (estimate.done, estimate.estimated // MINUTE, estimate.actual // MINUTE) == (2, 20, 70)
    assert told(story.at(91 * MINUTE, create("e"))).estimate is None


def test_an_estimate_is_of_a_moment_and_counts_what_had_ended_by_then() -> None:
    """Two that ended in one second are both done at it."""
    story = Story().at(0, *(create(i) for i in "abcdef"))
    for n, i in enumerate("ab"):
        story.at(10 * n * MINUTE, start(i)).at(10 * (n + 1) * MINUTE, done(i))
    story.at(20 * MINUTE, done("c"), done("d"))
    for n, i in enumerate("ef", 2):
        story.at(10 * n * MINUTE, start(i)).at(10 * (n + 1) * MINUTE, done(i))
    estimate = told(story).estimate
    assert estimate is not None
    assert (estimate.done, estimate.actual // MINUTE) == (4, 20)


def test_loops_say_what_their_rounds_brought() -> None:
    """Results in order, and the commits that completed them."""
    story = Story()
    story.at(0, create("x", "Review", iterations=3))
    ids = [t.id for t in story.snapshot.ordered()]
    for n, (task_id, result) in enumerate(zip(ids, ("5 issues", "PASS"), strict=False)):
        story.at(n * 600, start(task_id))
        story.at(n * 600 + 300, Transition(Verb.DONE, task_id, result=result))
    (loop,) = told(story).loops
    assert (loop.rounds, loop.max, loop.seconds) == (2, 3, 600)
    assert loop.results == ("5 issues", "PASS")
    assert len(loop.commits) == 2


steps = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from([Verb.START, Verb.DONE, Verb.RELEASE, Verb.SKIP, Verb.REOPEN]),
        st.sampled_from(["ann", "bob"]),
        st.integers(0, 5),
    ),
    max_size=12,
)


@given(steps)
def test_law_the_times_of_a_task_are_the_time_since_it_was_made(
    chosen: list[tuple[str, Verb, str, int]],
) -> None:
    """While it is open: waiting, blocked, active and left add up, and none is below zero."""
    story = Story().at(0, create("a"), create("b", blocked_by=("a",)))
    minute = 0
    for name, verb, by, pause in chosen:
        minute += pause
        with contextlib.suppress(Refused):
            story.at(minute * MINUTE, Transition(verb, name), by=by, force=True, parallel=True)
    shown = told(story, minute + 1)
    assert shown.now == START + (minute + 1) * MINUTE
    for task_id, times in course(shown).items():
        assert min(times) >= 0
        closed = sum(_closed_minutes(story, task_id, minute + 1))
        assert sum(times) + closed == (minute + 1 if _open_at_end(story) else _last(story))


def _open_at_end(story: Story) -> bool:
    return any(not task.status.closed for task in story.snapshot.tasks.values())


def _last(story: Story) -> int:
    return (parse_time(story.history[-1].at) - START) // MINUTE


def _closed_minutes(story: Story, task_id: str, end: int) -> list[int]:
    """Minutes that a task was closed, one number a time, up to the end of what is told."""
    stop = end if _open_at_end(story) else _last(story)
    times, since = [], None
    for entry in story.history:
        minute = (parse_time(entry.at) - START) // MINUTE
        for change in entry.changes_of(task_id):
            if change.field == "status":
                closed = Status(change.after).closed
                if closed and since is None:
                    since = minute
                elif not closed and since is not None:
                    times.append(minute - since)
                    since = None
    return [*times, *([stop - since] if since is not None else [])]
