"""How long phases took, and which tasks are of one phase."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from support.stories import Story, create, start

from gittasks.core.graph import Graph
from gittasks.core.history import phase_times
from gittasks.core.lint import LintContext
from gittasks.core.lint.rules import findings
from gittasks.core.model import (
    ListInfo,
    Snapshot,
    Status,
    Task,
    by_phase,
    phase_in,
    phase_labels,
    phase_named,
)
from gittasks.core.progress import Progress
from gittasks.core.times import parse_time

NOW = parse_time("2026-11-22T12:00:00Z")


def done(name: str, phase: str, minute: int) -> Task:
    """A completed task that took a minute."""
    return Task(
        id=name,
        subject=name,
        phase=phase,
        order=minute,
        status=Status.COMPLETED,
        started=f"2026-11-22T10:{minute:02}:00Z",
        finished=f"2026-11-22T10:{minute + 1:02}:00Z",
    )


def test_phases_that_differ_in_case_are_one_wherever_phases_are_told() -> None:
    """Progress, times and advice name the same phases, by the label that came first."""
    tasks = [done("a", "Build", 0), done("b", "build", 5)]
    progress = Progress.of(tasks, Graph({t.id: t for t in tasks}), NOW)
    assert [p.label for p in progress.phases] == ["Build"]
    assert [(t.label, t.seconds) for t in phase_times(tasks, NOW)] == [("Build", 360)]
    assert {label: len(members) for label, members in by_phase(tasks).items()} == {"Build": 2}


def test_a_skipped_task_names_its_phase_and_takes_none_of_its_time() -> None:
    """The label is the one that progress shows, whatever became of the task that has it."""
    skipped = done("a", "Build", 0)._replace(status=Status.SKIPPED)
    tasks = [skipped, done("b", "build", 5)]
    assert [(t.label, t.seconds) for t in phase_times(tasks, NOW)] == [("Build", 60)]


def test_a_known_phase_in_other_case_is_not_late() -> None:
    """Neither the advice at once nor that of `lint` calls it new."""
    story = Story().at(0, create("a", phase="Build"), create("b", phase="Test")).at(1, start("a"))
    story.at(2, create("c", phase="build"))
    assert story.told(3, "late-phase") == []


def test_a_phase_in_two_cases_has_two_tasks() -> None:
    """Long tasks of one phase are not told to be the only one of theirs."""
    long = [
        t._replace(finished="2026-11-22T11:30:00Z") for t in (done("a", "X", 0), done("b", "x", 1))
    ]
    snapshot = Snapshot(ListInfo("plan"), {t.id: t for t in long})
    assert findings(LintContext(snapshot, now="2026-11-22T12:00:00Z"), ["one-task-phase"]) == []


def test_a_subject_may_name_its_phase() -> None:
    """The label is the same as if the field said so."""
    assert phase_in("phase 3b - Build") == "PHASE 3b"
    assert phase_in("Build") is None


@given(st.lists(st.lists(st.sampled_from(["PHASE 1", "phase 2b", ":", " - ", "x", ".", "\u2014"]))))
@example([["PHASE 1"], ["PHASE 1", ":", "x"]])
@example([["PHASE 1", ":", "x"], ["PHASE 1"]])
def test_labels_of_many_are_those_of_each(subjects: list[list[str]]) -> None:
    """Whatever stands before a subject, it names the phase that it names alone."""
    tasks = [Task(f"t{n}", "".join(words)) for n, words in enumerate(subjects)]
    tasks += [task._replace(phase="3") for task in tasks]
    assert phase_labels(tasks) == [task.phase_label for task in tasks]


def test_a_bare_number_is_the_name_of_a_numbered_phase() -> None:
    """Any other name is its own, and so is none."""
    assert phase_named("3b") == "PHASE 3b"
    for name in ("", "3B", "12345", "b", "3 b"):
        assert phase_named(name) == name
