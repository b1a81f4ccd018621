"""What a merge can leave and no rule lets anybody write is found, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given, reject
from support.strategies import NOW, contexts, operations, seeded

from gittasks.core.apply import apply
from gittasks.core.model import Snapshot, Status, Task
from gittasks.core.operations import Context, Operation
from gittasks.core.rules import violations
from gittasks.errors import GittasksError

PENDING, RUNNING, DONE = Status.PENDING, Status.IN_PROGRESS, Status.COMPLETED


def at(name: str, status: Status = PENDING, owner: str | None = None, **more: object) -> Task:
    fields = {"status": status, "owner": owner, "started": NOW if status is RUNNING else None}
    return Task(id=name, subject=name, **fields, **more)  # type: ignore[arg-type]


def of(*tasks: Task) -> Snapshot:
    return seeded()._replace(tasks={}).with_tasks(*tasks)


def waits(name: str, *blockers: str, **more: object) -> Task:
    return at(name, blocked_by=blockers, **more)  # type: ignore[arg-type]


TABLE: dict[str, tuple[list[Task], list[tuple[str, tuple[str, ...]]]]] = {
    "nothing": ([], []),
    "all in order": ([at("a", DONE, "ann"), waits("b", "a", status=RUNNING, owner="ann")], []),
    "cycle of two": ([waits("a", "b"), waits("b", "a")], [("cycle", ("a", "b"))]),
    "cycle of one": ([waits("a", "a")], [("cycle", ("a",))]),
    "cycle with a deleted task": ([waits("a", "b", status=Status.DELETED), waits("b", "a")], []),
    "two of one owner": (
        [at("a", RUNNING, "ann"), at("b", RUNNING, "ann")],
        [("two-in-progress", ("a", "b"))],
    ),
    "three of one owner": (
        [at(i, RUNNING, "ann") for i in "abc"],
        [("two-in-progress", ("a", "b", "c"))],
    ),
    "of two owners": ([at("a", RUNNING, "ann"), at("b", RUNNING, "bob")], []),
    "of nobody": ([at("a", RUNNING), at("b", RUNNING)], []),
    "in two sessions": (
        [at("a", RUNNING, "ann", session="s1"), at("b", RUNNING, "ann", session="s2")],
        [],
    ),
    "in a session and in none": (
        [at("a", RUNNING, "ann", session="s1"), at("b", RUNNING, "ann")],
        [],
    ),
    "one of them left": (
        [
            at("a", RUNNING, "ann", session="s1", left="2026-11-22T11:00:00Z"),
            at("b", RUNNING, "ann", session="s1"),
        ],
        [],
    ),
    "running while blocked": (
        [waits("a", "b", "c", "d", status=RUNNING, owner="ann"), at("b"), at("c", DONE), at("d")],
        [("running-while-blocked", ("a", "b", "d"))],
    ),
    "blocked by what is not there": ([waits("a", "zz", status=RUNNING, owner="ann")], []),
}


@pytest.mark.parametrize("name", TABLE)
def test_each_trouble_is_found(name: str) -> None:
    """Kind and tasks of each, and the ids are in the message and in a safe next step."""
    tasks, expected = TABLE[name]
    found = violations(of(*tasks))
    assert [(t.kind, t.tasks) for t in found] == expected
    for trouble in found:
        assert all(task in trouble.message for task in trouble.tasks)
        assert "gittasks " in trouble.hint
        assert not any(word in trouble.hint for word in ("delete", "--force"))


def test_parallel_work_is_no_trouble_where_it_is_allowed() -> None:
    """`gittasks.parallel` lifts the rule of one task at a time, and nothing else."""
    tasks = [at("a", RUNNING, "ann"), at("b", RUNNING, "ann"), waits("c", "c")]
    assert [t.kind for t in violations(of(*tasks), parallel=True)] == ["cycle"]
    assert [t.kind for t in violations(of(*tasks))] == ["cycle", "two-in-progress"]


def test_the_step_out_of_a_cycle_leads_out() -> None:
    """The dependency that the hint drops is one of the cycle."""
    snapshot = of(waits("a", "b"), waits("b", "c"), waits("c", "a", "d"), at("d"))
    (trouble,) = violations(snapshot)
    *_, task, _, blocker = trouble.hint.split()
    left = tuple(i for i in snapshot.tasks[task].blocked_by if i != blocker)
    assert violations(snapshot.with_tasks(snapshot.tasks[task]._replace(blocked_by=left))) == []


@given(operations, contexts())
def test_law_no_rule_lets_a_cycle_or_a_second_task_in(op: Operation, context: Context) -> None:
    """An operation that is allowed without force or parallel brings no trouble about."""
    before = of(waits("a", "b"), at("b"), at("c", RUNNING, "ann", session="s1"))
    strict = context._replace(force=False, parallel=False)
    try:
        after = apply(before, [op], strict).after
    except GittasksError:
        reject()
    kinds = {t.kind for t in violations(after)}
    assert not kinds & {"cycle", "two-in-progress"}
