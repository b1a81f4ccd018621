"""Progress: figures that add up, and the words of the specification."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.core.graph import Graph, picture
from gittasks.core.model import ListInfo, Problem, Snapshot, Status, Task, task_seconds
from gittasks.core.progress import Progress, change_lines, percent, plural
from gittasks.core.times import format_time

START = 1795341600
STATUSES = {
    " ": Status.PENDING,
    ">": Status.IN_PROGRESS,
    "x": Status.COMPLETED,
    "-": Status.SKIPPED,
    "~": Status.DELETED,
}


def make(*lines: str, **fields: Any) -> list[Task]:
    """Tasks from lines such as `x PHASE 1: Ask user`: the mark of the status, the subject."""
    return [
        Task(id=f"t{i:03}", subject=line[2:], status=STATUSES[line[0]], order=i, **fields)
        for i, line in enumerate(lines)
    ]


def of(tasks: Sequence[Task], now: int | None = None) -> Progress:
    return Progress.of(tasks, Graph({t.id: t for t in tasks}), now)


def took(number: int, start: int, end: int | None, **fields: Any) -> Task:
    """A task that ran from `start` to `end` seconds after START; still running if no end."""
    return Task(
        id=f"t{number}",
        subject=fields.pop("subject", f"Task {number}"),
        status=Status.IN_PROGRESS if end is None else Status.COMPLETED,
        order=number,
        started=format_time(START + start),
        finished=None if end is None else format_time(START + end),
        **fields,
    )


# --- figures -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("completed", "total", "text"),
    [
        (3, 7, "42.8"),
        (3, 8, "37.5"),
        (1, 10, "10"),
        (0, 5, "0"),
        (0, 0, "0"),
        (7, 7, "100"),
        (999, 1000, "99.9"),
        (9999, 10000, "99.9"),
        (1, 3000, "0"),
        (1, 999, "0.1"),
    ],
)
def test_percent_examples(completed: int, total: int, text: str) -> None:
    assert percent(completed, total) == text


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_percent_is_the_exact_share_cut_to_a_tenth(completed: int, rest: int) -> None:
    """The text is at most the share, less than a tenth below it, and never shows `.0`."""
    total = completed + rest
    text = percent(completed, total)
    share = Fraction(100 * completed, total) if total else Fraction(0)
    assert Fraction(text) <= share < Fraction(text) + Fraction(1, 10)
    assert not text.endswith(".0")


IDS = st.sampled_from(["a", "b", "c", "d", "e", "f"])
TASKS = st.dictionaries(
    IDS,
    st.builds(
        lambda **fields: Task(**fields),
        id=st.just(""),
        subject=st.sampled_from(
            ["PHASE 1: Claude review", "phase 1: Grok review", "Iteration 1/3: Check", "Write"]
        ),
        status=st.sampled_from([*Status]),
        owner=st.sampled_from([None, "ann", "bob"]),
        blocked_by=st.lists(IDS, max_size=2, unique=True).map(tuple),
        started=st.sampled_from([None, format_time(START), "bad"]),
        finished=st.sampled_from([None, format_time(START + 90), "bad"]),
    ),
).map(
    lambda found: {
        key: Task(
            id=key,
            subject=t.subject,
            status=t.status,
            owner=t.owner,
            blocked_by=t.blocked_by,
            started=t.started,
            finished=t.finished,
        )
        for key, t in found.items()
    }
)


@given(TASKS, st.permutations(range(6)))
def test_counts_add_up(tasks: dict[str, Task], shuffle: list[int]) -> None:
    """Every task that counts is counted once, and the order of the argument does not matter."""
    progress = Progress.of(tasks.values(), Graph(tasks), START + 100)
    by_status = [t.status for t in tasks.values()]
    assert progress.total == progress.completed + progress.in_progress + progress.pending
    left_out = progress.skipped + by_status.count(Status.DELETED)
    assert progress.total + left_out == len(tasks)
    assert 0 <= progress.blocked <= progress.pending
    assert len(progress.current) == progress.in_progress
    labelled = [t for t in tasks.values() if t.phase_label and t.status is not Status.DELETED]
    assert sum(p.total + p.skipped for p in progress.phases) == len(labelled)
    shuffled = [list(tasks.values())[i] for i in shuffle if i < len(tasks)]
    assert Progress.of(shuffled, Graph(tasks), START + 100) == progress


def test_blocked_counts_pending_tasks_with_an_open_blocker() -> None:
    first, second = make("> First", "  Second")
    second = Task(id="t001", subject="Second", blocked_by=("t000",))
    progress = of([first, second])
    assert (progress.pending, progress.blocked) == (1, 1)


# --- summary -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "summary"),
    [
        ([], "no tasks yet"),
        (["~ Gone"], "no tasks yet"),
        (["- Not needed", "- Nor this"], "2 tasks, all skipped"),
        (["  PHASE 1: Ask", "  PHASE 2: Do"], "2 tasks, 0 complete, Phase 1 starting..."),
        (["- PHASE 1: Ask", "  PHASE 2: Do"], "1 task, 0 complete, Phase 2 starting..."),
        (["  Ask", "  PHASE 3b: Do"], "2 tasks, 0 complete, Phase 3b starting..."),
        (["  Ask", "  Do"], "2 tasks, 0 complete"),
        (["  Ask"], "1 task, 0 complete"),
        (["> PHASE 1: Ask", "  Do"], "0/2 tasks complete (0%), currently Ask"),
        (["x Ask", "  Do"], "1/2 tasks complete (50%)"),
        (["x Ask", "- Do"], "1/1 task complete (100%). Workflow finished!"),
        (["x Ask", "x Do"], "2/2 tasks complete (100%). Workflow finished!"),
        (["> Ask", "> Do", "> Wait"], "0/3 tasks complete (0%), currently Ask and 2 more"),
    ],
)
def test_summary(lines: list[str], summary: str) -> None:
    assert of(make(*lines)).summary == summary


def test_summary_names_a_phase_given_by_the_field() -> None:
    tasks = [Task(id="a", subject="Look around", phase="Research")]
    assert of(tasks).summary == "1 task, 0 complete, Research starting..."


@pytest.mark.parametrize(
    ("active_form", "subject", "words"),
    [
        ("Implementing core logic", "PHASE 3: Implement core logic", "implementing core logic"),
        ("Claude reviewing", "PHASE 2: Claude review", "Claude reviewing"),
        ("GPT-5 reviewing", "PHASE 2: GPT-5 review", "GPT-5 reviewing"),
        ("UI testing", "Test the UI", "UI testing"),
        ("PINGing", "Ping", "PINGing"),
        (" ", "Ping", " "),
        (None, "PHASE 3: Implement core logic", "Implement core logic"),
        (None, "API review", "API review"),
        (None, "E2E tests", "E2E tests"),
        (None, "PHASE 2: GPT-5 review", "GPT-5 review"),
        (None, "Iteration 3/10: Designer validation", "Designer validation"),
        (None, "Iteration 3/10", "Iteration 3/10"),
        (None, "   ", "   "),
    ],
)
def test_current_activity(active_form: str | None, subject: str, words: str) -> None:
    """An activeForm that begins with a verb gets a small letter; a subject stands as it is."""
    task = Task(id="a", subject=subject, active_form=active_form, status=Status.IN_PROGRESS)
    assert of([task]).summary == f"0/1 task complete (0%), currently {words}"


def test_summary_of_the_specification() -> None:
    """Pattern 4: three of seven complete, core logic in progress."""
    tasks = make("x A", "x B", "x C", "  E", "  F", "  G")
    running = Task(
        id="t9", subject="D", active_form="Implementing core logic", status=Status.IN_PROGRESS
    )
    expected = "3/7 tasks complete (42.8%), currently implementing core logic"
    assert of([*tasks, running]).summary == expected


# --- phases --------------------------------------------------------------------------------


def words(progress: Progress) -> list[str]:
    return [line for p in progress.phases for line in (p.words, p.parallel) if line]


def test_phase_counts_its_tasks() -> None:
    """Pattern 2; one task running in a phase of one owner is no news there."""
    tasks = make("x PHASE 3: Implement", "x PHASE 3: Add errors", "> PHASE 3: Write tests")
    assert words(of(tasks)) == ["PHASE 3: 2/3 complete"]


def test_phases_are_in_order_of_appearance_and_differ_by_more_than_case() -> None:
    tasks = make("  PHASE 2: B", "x PHASE 1: A", "  Phase 2: C", "- PHASE 3: D", "~ PHASE 4: E")
    assert words(of(tasks)) == [
        "PHASE 2: 0/2 complete",
        "PHASE 1: 1/1 complete",
        "PHASE 3: skipped",
    ]


@pytest.mark.parametrize(
    ("marks", "phase", "parallel"),
    [
        ("   ", "PHASE 2: 0/3 complete", None),
        (">>>", "PHASE 2: 0/3 complete, 3 in progress", "0/3 reviews complete, 3 in progress"),
        ("x>>", "PHASE 2: 1/3 complete, 2 in progress", "1/3 reviews complete, 2 in progress"),
        ("xx>", "PHASE 2: 2/3 complete, 1 in progress", "2/3 reviews complete, 1 in progress"),
        ("x  ", "PHASE 2: 1/3 complete", "1/3 reviews complete"),
        ("xxx", "PHASE 2: 3/3 complete", "3/3 reviews complete!"),
        ("xx-", "PHASE 2: 2/2 complete", "2/2 reviews complete!"),
        ("x--", "PHASE 2: 1/1 complete", None),
    ],
)
def test_parallel_phase(marks: str, phase: str, parallel: str | None) -> None:
    """Pattern 6: tasks of several owners are also counted by what they have in common."""
    tasks = [
        Task(
            id=f"t{i}",
            subject=f"PHASE 2: {name} review",
            owner=f"{name.lower()}-agent",
            status=STATUSES[mark],
            order=i,
        )
        for i, (name, mark) in enumerate(zip(("Claude", "Grok", "Gemini"), marks, strict=True))
    ]
    found = of(tasks).phases[0]
    assert (found.words, found.parallel) == (phase, parallel)


def test_steps_that_wait_for_each_other_are_not_counted_by_name() -> None:
    """`Implement parser` before `Test parser` are not two parsers."""
    tasks = [
        Task(id="a", subject="PHASE 1: Implement parser", status=Status.COMPLETED),
        Task(id="b", subject="PHASE 1: Test parser", blocked_by=("a",)),
    ]
    assert words(of(tasks)) == ["PHASE 1: 1/2 complete"]


@pytest.mark.parametrize(
    "subjects",
    [
        ("PHASE 1: Claude review", "PHASE 1: Grok test"),
        ("PHASE 1: Part 1", "PHASE 1: Part 1"),
        ("Claude review", "Grok review"),
        ("PHASE 1: Count what differs", "PHASE 1: Show what differs"),
        ("PHASE 1: Write it now", "PHASE 1: Test it now"),
    ],
)
def test_nothing_in_common_gives_no_parallel_line(subjects: tuple[str, str]) -> None:
    tasks = make(*(f"> {s}" for s in subjects))
    assert all(p.parallel is None for p in of(tasks).phases)


def test_iterations_of_a_phase_are_a_loop_and_not_parallel_work() -> None:
    tasks = make("x Iteration 1/2: Check", "> Iteration 2/2: Check", phase="2")
    progress = of(tasks)
    assert words(progress) == ["PHASE 2: 1/2 complete"]
    assert progress.loops[0].phase == "2"


@pytest.mark.parametrize(
    ("word", "many"),
    [
        ("review", "reviews"),
        ("query", "queries"),
        ("survey", "surveys"),
        ("y", "ys"),
        ("pass", "passes"),
        ("fix", "fixes"),
        ("patch", "patches"),
        ("push", "pushes"),
        ("tests", "tests"),
        ("PR", "PRs"),
    ],
)
def test_plural(word: str, many: str) -> None:
    assert plural(word) == many


# --- loops ---------------------------------------------------------------------------------


def loop(marks: str, top: int = 10, results: dict[int, str] | None = None) -> list[Task]:
    return [
        Task(
            id=f"i{n:02}",
            subject=f"Iteration {n}/{top}: Designer validation",
            status=STATUSES[mark],
            result=(results or {}).get(n),
            order=n,
        )
        for n, mark in enumerate(marks, 1)
        if mark != "."
    ]


@pytest.mark.parametrize(
    ("marks", "results", "lines"),
    [
        ("          ", {}, []),
        ("----------", {}, []),
        (
            "xx>       ",
            {},
            ["Iteration 3/10 in progress, 2 complete", "Iteration 3/10 (30% through max)"],
        ),
        (
            "xxxx>     ",
            {},
            ["Iteration 5/10 in progress, 4 complete", "Iteration 5/10 (50% through max)"],
        ),
        (
            "xxxxxxx>  ",
            {},
            [
                "Iteration 8/10 in progress, 7 complete",
                "Iteration 8/10 - approaching max, may escalate to user if not PASS",
            ],
        ),
        ("x         ", {1: "5 issues fixed"}, ["Iteration 1/10 complete, 5 issues fixed"]),
        ("xx        ", {1: "5 issues fixed"}, ["Iteration 2/10 complete, 8 remaining"]),
        ("xxxxx     ", {}, ["Iteration 5/10 complete, 5 remaining"]),
        ("xxxxx.....", {}, ["Iteration 5/10 complete, 5 remaining"]),
        ("xx--------", {}, ["Loop completed in 2/10 iterations"]),
        ("xxxx------", {4: "PASS"}, ["Loop completed in 4/10 iterations"]),
        ("xxxx~~~~~~", {4: "PASS"}, ["Loop completed in 4/10 iterations"]),
        ("xxxx-.....", {}, ["Loop completed in 4/10 iterations"]),
        ("xxxx-     ", {}, ["Iteration 4/10 complete, 5 remaining"]),
        ("x-xxxxxxxx", {}, ["Loop completed in 9/10 iterations"]),
        ("xxxxxxxxxx", {}, ["Loop completed in 10/10 iterations"]),
        ("xxxxxxxxxx", {10: "PASS"}, ["Loop completed in 10/10 iterations"]),
        ("xxxxxxxxxx", {10: "Passed, 0 issues"}, ["Loop completed in 10/10 iterations"]),
        ("xxxxxxxxxx", {9: "2 issues"}, ["Loop reached its maximum of 10 without PASS"]),
        ("xxxxxxxxxx", {10: "NEEDS IMPROVEMENT"}, ["Loop reached its maximum of 10 without PASS"]),
        ("xxxxxxxxxx", {10: "did not pass"}, ["Loop reached its maximum of 10 without PASS"]),
    ],
)
def test_loop_lines(marks: str, results: dict[int, str], lines: list[str]) -> None:
    """Pattern 5 and example 2, moment by moment."""
    found = [line for one in of(loop(marks, results=results)).loops for line in one.lines]
    assert found == lines


@pytest.mark.parametrize(("n", "top", "near"), [(7, 9, False), (4, 5, True), (1, 1, True)])
def test_warning_begins_at_eighty_per_cent_of_the_maximum(n: int, top: int, near: bool) -> None:
    lines = of(loop("x" * (n - 1) + ">", top)).loops[0].lines
    assert any("approaching max" in line for line in lines) is near


def test_loops_are_told_apart_by_phase_name_and_maximum() -> None:
    tasks = [
        Task(id="a", subject="Iteration 1/10: Design"),
        Task(id="b", subject="Iteration 2/10: design"),
        Task(id="c", subject="Iteration 1/5: Design"),
        Task(id="d", subject="Iteration 1/10: Tests"),
        Task(id="e", subject="Iteration 1/10: Design", phase="2"),
    ]
    keys = [(one.phase, one.name, one.max) for one in of(tasks).loops]
    assert keys == [
        (None, "Design", 10),
        (None, "Design", 5),
        (None, "Tests", 10),
        ("2", "Design", 10),
    ]


def test_of_two_tasks_for_one_iteration_the_more_telling_one_counts() -> None:
    tasks = [
        Task(id="a", subject="Iteration 1/2: X", status=Status.COMPLETED),
        Task(id="b", subject="Iteration 1/2: X", status=Status.DELETED),
    ]
    assert of(tasks).loops[0].lines == ("Iteration 1/2 complete, 1 remaining",)
    assert of(tasks[::-1]).loops[0].completed == 1


# --- time ----------------------------------------------------------------------------------


def test_current_tells_how_long_a_task_runs() -> None:
    """Whole seconds, never negative, None when the start or the present is not known."""
    running = took(1, 0, None)
    assert [c.seconds for c in of([running], START + 125).current] == [125]
    assert [c.seconds for c in of([running], START - 5).current] == [0]
    assert [c.seconds for c in of([running]).current] == [None]
    unreadable = Task(id="x", subject="X", status=Status.IN_PROGRESS, started="noon")
    assert [c.seconds for c in of([unreadable], START).current] == [None]


def test_a_task_that_was_never_started_counts_from_its_end() -> None:
    """One that was completed at once: it took no time, and is the first or the last of all."""
    at_once = took(1, 0, 30)._replace(started=None)
    assert of([at_once]).elapsed == 0
    assert of([at_once, took(2, 60, 190)]).elapsed == 160
    assert of([took(2, 0, 10), took(1, 0, 50)._replace(started=None)]).elapsed == 50


def test_finished_words_span_first_start_to_last_finish() -> None:
    tasks = [took(1, 0, 30), took(2, 30, 190), took(3, 40, 100)]
    progress = of(tasks)
    assert progress.elapsed == 190
    assert (
        progress.finished_words("Multi-model review") == "Multi-model review complete in 3 minutes"
    )
    assert progress.finished_words() == "Workflow complete in 3 minutes"


def test_a_list_with_a_task_that_cannot_be_read_is_not_finished() -> None:
    """Nobody knows how that one stands; it is counted behind the others."""
    tasks = {task.id: task for task in make("x Ask", "x Do")}
    progress = Progress.of(tasks.values(), Graph(tasks, frozenset({"lost", "torn"})))
    assert progress.summary == "2/2 tasks complete (100%), 2 unread"
    assert not progress.finished
    assert progress.finished_words() is None
    problem = Problem("tasks/lost.yaml", 1, "no text")
    before = Snapshot(ListInfo(id="l"), {}, (problem,))
    after = before._replace(tasks=tasks)
    assert "Workflow complete" not in "".join(change_lines(before, after, tasks))
    assert Progress.of([], Graph({}, frozenset({"lost"}))).summary == "0 tasks, 1 unread"


def test_no_finished_words_while_something_is_left() -> None:
    assert of([took(1, 0, 30), took(2, 30, None)]).finished_words() is None
    assert of([]).finished_words() is None
    assert of(make("- Skipped")).finished_words() is None


def test_finished_words_without_times_say_no_duration() -> None:
    assert of(make("x Done")).finished_words() == "Workflow complete"
    assert of([took(1, 5, 5)]).finished_words() == "Workflow complete"


@pytest.mark.parametrize(
    ("tasks", "seconds"),
    [
        ([took(1, 0, 100), *make("  A")], None),
        ([took(1, 0, 100), took(2, 100, 100), *make("  A")], None),
        ([took(1, 0, 100), took(2, 100, 300)], None),
        ([took(1, 0, 100), took(2, 100, 300), *make("  A", "  B")], 300),
        ([took(1, 0, 100), took(2, 100, 300), took(3, 300, None), *make("  A")], 300),
        ([took(1, 0, 100), took(2, 0, 200), took(3, 0, None), took(4, 0, None)], 150),
        ([took(1, 0, 1), took(2, 0, 1), *(took(n, 1, None) for n in (3, 4, 5))], 1),
    ],
)
def test_eta_is_tasks_left_by_usual_duration_over_lanes(
    tasks: list[Task], seconds: int | None
) -> None:
    """No estimate from fewer than two real durations, nor when nothing is left."""
    assert of(tasks).eta_seconds == seconds


def test_eta_is_the_median_and_no_less_than_the_critical_path() -> None:
    """One task that lay for a day changes little, and no parallelism shortens a chain."""
    done = [took(n, 0, 600) for n in range(4)] + [took(4, 0, 86400)]
    chain = [
        Task(id=f"c{n}", subject=f"C {n}", blocked_by=(f"c{n - 1}",) if n else ()) for n in range(8)
    ]
    side = [Task(id=f"s{n}", subject=f"S {n}") for n in range(3)]
    assert of([*done[:4], *side]).eta_seconds == 600  # 3 tasks of 600 s, and 4 ran at once
    assert of([*done[:4], *chain, *side]).eta_seconds == 8 * 600
    assert of([*done, *chain[:1]]).eta_seconds == 600


def test_the_estimate_is_one_number_everywhere() -> None:
    """The graph tells the time left that progress tells."""
    tasks = [took(1, 0, 100), took(2, 100, 300), *make("  A", "  B", "  C")]
    snapshot = Snapshot(ListInfo("x"), {t.id: t for t in tasks})
    assert picture(snapshot, START).eta_seconds == of(tasks, START).eta_seconds == 450


# --- the lines of a change -------------------------------------------------------------------


def change(before: list[Task], after: list[Task], *moved: str, title: str = "") -> list[str]:
    info = ListInfo("x", title or None)
    old, new = (Snapshot(info, {t.id: t for t in tasks}) for tasks in (before, after))
    return change_lines(old, new, moved)


def test_a_change_tells_of_the_phase_and_group_that_it_touched() -> None:
    """The phase and the parallel work of the tasks that were moved, and no others."""
    reviews = ("x PHASE 1: Claude review", "> PHASE 1: Grok review")
    tasks = make(*reviews, "  PHASE 2: A", "  PHASE 2: B")
    first = tasks[0].id
    assert change(tasks, tasks, first) == [
        "PHASE 1: 1/2 complete",
        "1/2 reviews complete, 1 in progress",
    ]
    assert change(tasks, tasks) == []


def test_a_change_tells_of_its_loop() -> None:
    """An iteration is told by its loop alone."""
    tasks = loop("xxxxxxx>  ")
    assert change(tasks, tasks, "i08")[-1].startswith("Iteration 8/10 - approaching max")


@pytest.mark.parametrize(
    ("before", "new", "words"),
    [
        ("x ", ["Refactor legacy code"], "Refactor legacy code. Total now 3 tasks."),
        (">x", ["Fix it.", "Test it"], "Fix it and 1 more. Total now 4 tasks."),
        ("x-", ["Fix it."], "Fix it. Total now 2 tasks."),
        ("  ", ["Fix it"], None),
    ],
)
def test_work_found_on_the_way_is_told(before: str, new: list[str], words: str | None) -> None:
    """Once the work has begun, new tasks are additional, and the new total is told."""
    old = [Task(id=f"o{n}", subject="O", status=STATUSES[m]) for n, m in enumerate(before)]
    found = [Task(id=f"z{n}", subject=subject) for n, subject in enumerate(new)]
    expected = [f"Additional work discovered: {words}"] if words else []
    assert change(old, [*old, *found]) == expected


def test_the_end_tells_how_long_it_took() -> None:
    tasks = [took(1, 0, 60), took(2, 60, 180)]
    assert change(tasks, tasks, tasks[1].id, title="Review") == ["Review complete in 3 minutes"]


def test_eta_words() -> None:
    tasks = [took(1, 0, 300), took(2, 300, 660), *make("  A", "  B")]
    progress = of(tasks)
    assert progress.eta_words == "about 11 minutes left (estimate)"
    assert of([]).eta_words is None


def test_only_completed_tasks_have_a_duration() -> None:
    assert task_seconds(took(1, 0, 90)) == 90
    assert task_seconds(took(1, 0, None)) is None
