"""Rules of lint about the list as it stands: each finds what it is for, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from support.graphs import chain, listed, task
from support.strategies import MANY_IDS, snapshots

from gittasks.core import lint
from gittasks.core.changes import Change
from gittasks.core.history import LogEntry
from gittasks.core.lint import LintContext, some
from gittasks.core.lint.rules import NAMES, RULES, Severity, findings
from gittasks.core.model import Problem, Snapshot, Status, Task
from gittasks.core.times import format_time, parse_time

DONE, RUNNING = Status.COMPLETED, Status.IN_PROGRESS


def told(rule: str, *tasks: Task, parallel: bool = False) -> list[tuple[str, ...]]:
    """The tasks that each finding of a rule is about, in a list of these."""
    case = LintContext(listed(*tasks), parallel=parallel)
    return [f.tasks for f in findings(case, [rule])]


def named(name: str, subject: str, *blocked_by: str, **fields: object) -> Task:
    """A task with a subject."""
    return task(name, *blocked_by, subject=subject)._replace(**fields)  # type: ignore[arg-type]


def test_troubles_that_a_merge_can_leave() -> None:
    assert told("cycle", task("a", "b"), task("b", "a")) == [("a", "b")]
    assert told("running-while-blocked", task("a"), task("b", "a", status=RUNNING)) == [("b", "a")]
    two = [task(n, status=RUNNING, owner="ann") for n in "ab"]
    assert told("two-in-progress", *two) == [("a", "b")]
    assert told("two-in-progress", *two, parallel=True) == []
    assert told("two-in-progress", two[0], two[1]._replace(owner="bob")) == []


def test_more_than_twenty_tasks() -> None:
    twenty = [task(f"t{n}") for n in range(20)]
    assert told("too-many-tasks", *twenty) == []
    assert told("too-many-tasks", *twenty, task("x", status=Status.SKIPPED)) == []
    assert told("too-many-tasks", *twenty, task("x", status=DONE)) == [()]


def test_tasks_by_the_time_that_they_take() -> None:
    """Fewer or more tasks than somebody can follow in the time of the work."""
    start = parse_time("2026-11-22T10:00:00Z")

    def run(seconds: int, count: int) -> list[Task]:
        times = [format_time(start + seconds * n // count) for n in range(count + 1)]
        return [
            task(f"t{n}", status=DONE)._replace(started=times[n], finished=times[n + 1])
            for n in range(count)
        ]

    assert told("task-count", *run(4 * 60, 4)) == []
    assert told("task-count", *run(4 * 60, 8)) == [()]
    assert told("task-count", *run(10 * 60, 10)) == []
    assert told("task-count", *run(20 * 60, 15)) == []
    assert told("task-count", *run(60 * 60, 3)) == [()]
    assert told("task-count", task("a"), task("b")) == []


@pytest.mark.parametrize(
    "subject",
    [
        "Design validation loop",
        "PHASE 2: Review rounds",
        "Repeat the tests",
        "Run the tests until they pass",
        "Implement the page in 10 iterations",
    ],
)
def test_a_loop_in_one_task(subject: str) -> None:
    assert told("loop-as-task", named("a", subject)) == [("a",)]
    assert told("loop-as-task", named("a", subject, status=DONE)) == []


@pytest.mark.parametrize(
    "subject",
    [
        "Iteration 1/10: Design validation loop",
        "Fix the endless loop",
        "Implement the event loop",
        "Loop through the files",
        "Wait until Monday",
        "Add retries until done",
        "…",
    ],
)
def test_what_only_speaks_of_loops(subject: str) -> None:
    assert told("loop-as-task", named("a", subject)) == []


class TestLoops:
    def loop(self, *states: Status, of: int) -> list[Task]:
        return [
            named(f"i{n}", f"Iteration {n}/{of}: Check", status=s) for n, s in enumerate(states, 1)
        ]

    def test_iterations_that_are_not_there(self) -> None:
        assert told("missing-iterations", *self.loop(DONE, RUNNING, of=10)) == [("i1", "i2")]
        assert told("missing-iterations", *self.loop(DONE, RUNNING, of=2)) == []
        assert told("missing-iterations", *self.loop(DONE, Status.DELETED, RUNNING, of=3)) == []
        assert told("missing-iterations", *self.loop(DONE, DONE, of=10)) == []

    def test_a_loop_that_was_left_without_an_end(self) -> None:
        loop = self.loop(DONE, Status.PENDING, Status.PENDING, of=3)
        assert told("unfinished-loop", *loop, task("next", status=RUNNING)) == [("i2", "i3")]
        assert told("unfinished-loop", *loop, task("next")) == []
        skipped = self.loop(DONE, Status.SKIPPED, of=2)
        assert told("unfinished-loop", *skipped, task("next", status=RUNNING)) == []
        running = self.loop(DONE, RUNNING, Status.PENDING, of=3)
        assert told("unfinished-loop", *running, task("next", status=RUNNING)) == []


def test_several_agents_in_one_task() -> None:
    assert told("parallel-as-task", named("a", "PHASE 2: Run 3 reviews")) == [("a",)]
    assert told("parallel-as-task", named("a", "Launch five code review agents")) == [("a",)]
    for subject in ("PHASE 3: Launch parallel reviews", "Run 3 migrations", "Review 3 agents"):
        assert told("parallel-as-task", named("a", subject)) == [], subject


def test_tasks_that_differ_in_a_number() -> None:
    steps = [named(n, f"Read file {n.upper()}") for n in "abc"]
    assert told("numbered-tasks", *steps) == [("a", "b", "c")]
    assert told("numbered-tasks", *steps[:2]) == []
    assert told("numbered-tasks", *(t._replace(owner=f"agent-{t.id}") for t in steps)) == []
    assert told("numbered-tasks", *(t._replace(status=DONE) for t in steps)) == []
    loop = [named(f"i{n}", f"Iteration {n}/3: Check 1") for n in (1, 2, 3)]
    assert told("numbered-tasks", *loop) == []


def test_no_active_form() -> None:
    assert told("no-active-form", task("a"), task("b", status=DONE)) == [("a",)]
    assert told("no-active-form", task("a", active_form="Running")) == []


def test_generic_list_ids() -> None:
    for name in ("work", "tasks", "TODO"):
        case = LintContext(listed(list_id=name))
        assert [f.rule for f in findings(case)] == ["generic-list-id"], name
    for name in ("feature-auth", "bug-payment-failure", "refactor-api", "plan"):
        assert findings(LintContext(listed(list_id=name))) == []


class TestDependencies:
    def test_dangling(self) -> None:
        gone = task("gone", status=Status.DELETED)
        assert told("dangling-dependency", gone, task("a", "gone", "other")) == [("a",), ("a",)]
        assert told("dangling-dependency", task("a", "other", status=DONE)) == []
        snapshot = listed(task("a", "bad"))._replace(
            problems=(Problem("tasks/bad.yaml", 1, "what it says"),)
        )
        assert findings(LintContext(snapshot), ["dangling-dependency"]) == []

    def test_redundant(self) -> None:
        tasks = (task("a"), task("b", "a"), task("c", "b", "a"))
        assert told("redundant-dependency", *tasks) == [("c", "a")]
        assert told("redundant-dependency", *(t._replace(status=DONE) for t in tasks)) == []


class TestPhaseOrder:
    def test_a_later_phase_has_begun(self) -> None:
        one, two = named("a", "PHASE 1: A"), named("b", "PHASE 2: B", status=RUNNING)
        assert told("phase-order", one, two) == [("a",)]
        assert told("phase-order", one._replace(status=RUNNING), two) == []
        assert told("phase-order", one._replace(status=Status.SKIPPED), two) == []
        assert told("phase-order", one, named("b", "PHASE 1: B", status=RUNNING)) == []
        assert told("phase-order", task("a", phase="Tidy"), two) == []

    def test_waiting_for_a_later_phase(self) -> None:
        assert told("phase-order", named("a", "PHASE 1: A", "b"), named("b", "PHASE 2: B")) == [
            ("a", "b")
        ]

    def test_standing_behind_a_later_phase(self) -> None:
        tasks = (named("a", "PHASE 2: A"), named("b", "PHASE 10: B"), named("c", "PHASE 2b: C"))
        assert told("phase-order", *tasks) == [("c",)]


class TestTable:
    def test_names_and_severities(self) -> None:
        assert len(set(NAMES)) == len(NAMES)
        assert {rule.severity for rule in RULES} == set(Severity)

    def test_the_worst_comes_first_and_rules_can_be_chosen(self) -> None:
        case = LintContext(listed(task("a", "b"), task("b", "a"), task("c", "gone")))
        rules = [f.rule for f in findings(case)]
        assert rules == ["cycle", "dangling-dependency", "no-active-form"]
        assert [f.rule for f in findings(case, ["cycle"])] == ["cycle"]
        assert [f.rule for f in findings(case, (), ["cycle"])] == rules[1:]
        assert findings(case, ["cycle"], ["cycle"]) == []

    @given(snapshots(MANY_IDS))
    def test_law_any_list_can_be_judged(self, snapshot: Snapshot) -> None:
        """No list that a branch could hold makes a rule fail; findings name tasks of the list."""
        history = [
            LogEntry("c", t.started or "", "ann", None, None, "", (change,))
            for t in snapshot.tasks.values()
            for change in (Change(t.id, "status", "pending", str(t.status)),)
        ]
        for found in findings(LintContext(snapshot, history, "2026-11-22T12:00:00Z")):
            assert set(found.tasks) <= set(snapshot.tasks)
            assert found.message
            assert found.hint

    def test_sentences_stay_short(self) -> None:
        assert some(["a"]) == "a"
        assert some(["a", "b", "c"]) == "a, b and c"
        assert some(list("abcdefg")) == "a, b, c, d, e and 2 more"
        ring = listed(*(task(f"t{n}", f"t{(n - 1) % 2000}") for n in range(2000)))
        for snapshot in (chain(2000), ring):
            assert all(len(f.message) <= 300 for f in findings(LintContext(snapshot)))


class TestEarly:
    """What is said when tasks are made."""

    def said(self, before: Snapshot, *made: Task) -> list[str]:
        return lint.remarks(before, before.with_tasks(*made), [t.id for t in made])

    def test_mostly_nothing(self) -> None:
        assert self.said(listed(), task("a")) == []
        running = listed(named("a", "PHASE 1: A", status=RUNNING, started="x"))
        assert self.said(running, named("b", "PHASE 1: B"), task("c")) == []

    def test_a_loop(self) -> None:
        (said,) = self.said(listed(), named("a", "Design validation loop"))
        assert "--iterations" in said

    def test_the_task_with_which_there_are_too_many(self) -> None:
        twenty = listed(*(task(f"t{n}") for n in range(20)))
        (said,) = self.said(twenty, task("x"))
        assert "21 tasks" in said
        assert self.said(twenty.with_tasks(task("x")), task("y")) == []

    def test_a_phase_after_work_began(self) -> None:
        one = named("a", "PHASE 1: A", status=RUNNING, started="x")
        (said,) = self.said(listed(one), task("x"), named("b", "PHASE 2: B"))
        assert said.startswith("PHASE 2 is new")
        assert self.said(listed(one._replace(status=DONE)), named("b", "PHASE 2: B")) == []
        assert self.said(listed(task("a", status=RUNNING)), named("b", "PHASE 2: B")) == []
