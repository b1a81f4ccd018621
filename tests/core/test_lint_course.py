"""Rules of lint about how the work went: each finds what it is for, not good work."""

from __future__ import annotations

import pytest
from hypothesis import given
from support.stories import Story, create, done, note, start
from support.strategies import history, runs, seeded

from gittasks.core.model import Status
from gittasks.core.operations import Context, Operation, Transition, Update, Verb

MINUTES = 60


def phases(*labels: int) -> list[object]:
    """One task for each phase, p1, p2, …"""
    return [
        create(f"p{n}", f"PHASE {n}: Work", blocked_by=[f"p{n - 1}"] if n > 1 else [])
        for n in labels
    ]


def good_work() -> Story:
    """The plan first, then one task after the other, each completed when it is done."""
    story = Story().at(0, *phases(1, 2, 3))  # type: ignore[arg-type]
    second = 10
    for name in ("p1", "p2", "p3"):
        story.at(second, start(name)).at(second + 180, done(name))
        second += 181
    return story


def test_good_work_is_not_blamed() -> None:
    """The specification's example, in small: no rule finds anything, at any time of it."""
    assert good_work().rules(600) == []
    half = Story().at(0, *phases(1, 2, 3)).at(10, start("p1"))  # type: ignore[arg-type]
    assert half.rules(60) == []
    assert Story().rules(0) == []


class TestLate:
    def test_a_phase_made_after_work_began(self) -> None:
        story = Story().at(0, *phases(1, 2)).at(10, start("p1"))  # type: ignore[arg-type]
        story.at(20, create("p3", "PHASE 3: Surprise"), create("p3b", "PHASE 3: Another"))
        assert story.told(30, "late-phase") == [("p3", "p3b")]
        assert story.told(30, "late-tasks") == []

    def test_work_that_turns_up_in_a_known_phase_is_welcome(self) -> None:
        story = Story().at(0, *phases(1, 2)).at(10, start("p1"))  # type: ignore[arg-type]
        story.at(20, create("p2-refactor", "PHASE 2: Refactor legacy code"))
        assert "late-phase" not in story.rules(30)
        assert "late-tasks" not in story.rules(30)

    def test_most_of_the_list_made_on_the_way(self) -> None:
        story = Story().at(0, create("a")).at(10, start("a"))
        for n, name in enumerate("bcd"):
            story.at(20 + n, create(name))
        assert story.told(30, "late-tasks") == [("b", "c", "d")]

    def test_a_new_round_after_all_is_done_is_not_late(self) -> None:
        story = good_work().at(900, *(create(name) for name in "abcd"), create("q", "PHASE 9: New"))
        assert "late-tasks" not in story.rules(910)
        assert "late-phase" not in story.rules(910)

    def test_what_was_deleted_or_taken_back_is_not_told(self) -> None:
        story = Story().at(0, *phases(1)).at(10, start("p1")).at(20, create("p2", "PHASE 2: X"))  # type: ignore[arg-type]
        story.at(30, Transition(Verb.DELETE, "p2"))
        assert "late-phase" not in story.rules(40)


class TestAfterTheFact:
    def test_made_completed(self) -> None:
        story = Story().at(0, create("a", status=Status.COMPLETED))
        assert story.told(1, "after-the-fact") == [("a",)]

    def test_made_and_completed_at_once(self) -> None:
        story = Story().at(0, create("a")).at(3, done("a"))
        assert story.told(5, "after-the-fact") == [("a",)]

    def test_made_started_and_completed_is_work(self) -> None:
        story = Story().at(0, create("a")).at(1, start("a")).at(1, done("a"))
        assert story.told(5, "after-the-fact") == []

    def test_a_list_that_is_brought_along_is_not_blamed(self) -> None:
        story = Story().at(0, create("a", status=Status.COMPLETED), create("b"))
        assert story.told(5, "after-the-fact") == []


class TestBatchedCompletions:
    def side_by_side(self) -> Story:
        story = Story().at(0, create("a"), create("b"), create("c"))
        return story.at(10, start("a")).at(40, start("b"), parallel=True)

    def test_completed_within_seconds_though_they_ran_side_by_side(self) -> None:
        story = self.side_by_side().at(90, done("a")).at(92, done("b"))
        assert story.told(95, "batched-completions") == [("a", "b")]

    def test_never_started_and_all_ticked_at_the_end(self) -> None:
        story = Story().at(0, create("a"), create("b"), create("c"))
        for n, name in enumerate("abc"):
            story.at(300 + n, done(name))
        assert story.told(310, "batched-completions") == [("a", "b", "c")]

    def test_in_one_commit(self) -> None:
        story = self.side_by_side().at(90, done("a"), done("b"))
        assert story.told(95, "batched-completions") == [("a", "b")]

    def test_apart_or_of_different_owners_or_quick_is_fine(self) -> None:
        story = self.side_by_side().at(90, done("a")).at(110, done("b"))
        assert story.told(120, "batched-completions") == []
        story = Story().at(0, create("a"), create("b"))
        story.at(5, start("a"), by="ann").at(6, start("b"), by="bob")
        story.at(60, done("a"), by="ann").at(61, done("b"), by="bob")
        assert story.told(70, "batched-completions") == []
        quick = Story().at(0, create("a"), create("b")).at(5, start("a")).at(6, done("a"))
        quick.at(7, start("b")).at(8, done("b"))
        assert quick.told(9, "batched-completions") == []


class TestSilence:
    def running(self) -> Story:
        return Story().at(0, create("a"), create("b")).at(0, start("a"))

    def test_stuck_from_ten_minutes_without_a_word(self) -> None:
        assert self.running().told(10 * MINUTES, "stuck") == []
        assert self.running().told(10 * MINUTES + 1, "stuck") == [("a",)]

    def test_a_note_is_a_word(self) -> None:
        story = self.running().at(9 * MINUTES, note("a"))
        assert story.told(19 * MINUTES, "stuck") == []
        (found,) = story.found(20 * MINUTES, "stuck")
        assert "had no update for 11 minutes" in found.message

    def test_long_work_without_a_word_between_start_and_end(self) -> None:
        silent = self.running().at(20 * MINUTES, done("a"))
        assert silent.told(20 * MINUTES, "silent-work") == [("a",)]
        spoken = self.running().at(9 * MINUTES, note("a")).at(20 * MINUTES, done("a"))
        assert spoken.told(20 * MINUTES, "silent-work") == []
        after = self.running().at(20 * MINUTES, done("a")).at(21 * MINUTES, note("a"))
        assert after.told(22 * MINUTES, "silent-work") == [("a",)]
        short = self.running().at(9 * MINUTES, done("a"))
        assert short.told(20 * MINUTES, "silent-work") == []

    def test_a_phase_of_one_long_task(self) -> None:
        story = Story().at(0, create("a", "PHASE 1: Build")).at(0, start("a"))
        assert story.told(9 * MINUTES, "one-task-phase") == []
        assert story.told(15 * MINUTES, "one-task-phase") == [("a",)]
        story.at(15 * MINUTES, done("a"))
        assert story.told(16 * MINUTES, "one-task-phase") == [("a",)]
        story.at(16 * MINUTES, create("b", "PHASE 1: Test"))
        assert story.told(17 * MINUTES, "one-task-phase") == []


def test_a_task_that_is_started_again_and_again_is_a_loop() -> None:
    story = Story().at(0, create("a", "Check the design"))
    for n in range(3):
        assert story.told(n * 100, "loop-as-task") == []
        story.at(n * 100, start("a")).at(n * 100 + 50, Transition(Verb.RELEASE, "a"))
    (found,) = story.found(400, "loop-as-task")
    assert "was started 3 times" in found.message


@given(runs())
def test_law_any_history_can_be_judged(steps: list[tuple[Operation, Context]]) -> None:
    """Whatever commands did, no rule fails, and what is found names tasks of the list."""
    story = Story().by_hand(0, *seeded().tasks.values())
    for second, snapshot in enumerate(history(steps)[1:], 1):
        story.becomes(second * 200, snapshot)
    for found in story.found(10_000):
        assert set(found.tasks) <= set(story.snapshot.tasks)


@pytest.mark.parametrize("text", ["not a time", "", "9999-99-99T99:99:99Z"])
def test_times_that_make_no_sense_are_not_judged(text: str) -> None:
    """Clocks and hand edits may say anything; a duration is a courtesy."""
    story = Story().at(0, create("a", "PHASE 1: A"), create("b", "PHASE 2: B")).at(1, start("a"))
    odd = story.snapshot.tasks["a"]._replace(started=text, finished=text)
    story.by_hand(2, odd, odd._replace(id="c", status=Status.COMPLETED))
    story.history = [entry._replace(at=text) for entry in story.history]
    assert set(story.rules(3)).isdisjoint({"stuck", "silent-work", "one-task-phase"})


def test_what_the_history_says_need_not_fit_the_list() -> None:
    """Tasks of which the list knows nothing any more, and values of any kind, harm no rule."""
    story = good_work().at(1000, Update(id="p1", subject="PHASE 1: Other"))
    for value in (None, 1, ["x"], {"a": 1}, "completed", "in_progress"):
        story.history += [
            entry._replace(
                changes=tuple(
                    c._replace(task="gone", before=value, after=value) for c in entry.changes
                )
            )
            for entry in list(story.history)
        ]
    assert story.rules(1100) == []
