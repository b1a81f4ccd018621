"""Registers take a task apart and put it together; undo takes back exactly one operation."""

from __future__ import annotations

import pytest
from hypothesis import event, given, reject
from hypothesis import strategies as st
from support.strategies import (
    IDS,
    NOW,
    contexts,
    history,
    near_snapshots,
    near_tasks,
    operations,
    runs,
    seeded,
    snapshots,
    tasks,
)

from gittasks.core.apply import apply, between
from gittasks.core.changes import changed_ids, diff, same_task
from gittasks.core.graph import Graph
from gittasks.core.merge.registers import STATE, State, field_of, from_registers, registers
from gittasks.core.model import Actor, Snapshot, Status, Task
from gittasks.core.operations import (
    AddNote,
    Context,
    Create,
    Operation,
    Retitle,
    Transition,
    Update,
    Verb,
)
from gittasks.core.undo import take_back
from gittasks.errors import GittasksError, Refused

ANN = Context(now=NOW, actor=Actor("ann"), entropy=7)
BOB = Context(now="2026-11-22T11:00:00Z", actor=Actor("bob"), entropy=8)


def step(snapshot: Snapshot, *ops: Operation, context: Context = ANN) -> Snapshot:
    return apply(snapshot, ops, context).after


# --- registers ------------------------------------------------------------------------------


@given(tasks("a"))
def test_law_from_registers_is_the_inverse_of_registers(task: Task) -> None:
    assert from_registers("a", registers(task)) == task
    assert registers(from_registers("a", registers(task))) == registers(task)


@given(near_tasks("a"))
def test_law_two_tasks_with_the_same_registers_hold_the_same(pair: tuple[Task, Task]) -> None:
    one, other = pair
    alike = registers(one) == registers(other)
    event(f"the same registers: {alike}")
    if alike:
        assert set(one.blocked_by) == set(other.blocked_by)
        assert one._replace(blocked_by=(), notes=(), commits=()) == other._replace(
            blocked_by=(), notes=(), commits=()
        )
    else:
        assert one != other


def test_state_is_one_register_and_each_member_has_its_own() -> None:
    task = Task(id="a", subject="x", owner="ann", blocked_by=("b", "c"), metadata={"k": None})
    found = registers(task)
    assert found[STATE] == State(Status.PENDING, "ann")
    assert found["dep", "b"] is True
    assert found["meta", "k"] is None
    assert field_of(("dep", "b")) == "blockedBy"
    assert field_of(STATE) == "status"


# --- diff -----------------------------------------------------------------------------------


@given(near_snapshots())
def test_law_diff_is_empty_exactly_when_nothing_differs(pair: tuple[Snapshot, Snapshot]) -> None:
    one, other = pair
    assert diff(one, one) == ()
    equal = one.tasks.keys() == other.tasks.keys() and all(
        same_task(one.tasks[i], other.tasks[i]) for i in one.tasks
    )
    event(f"equal: {equal}")
    assert equal == (not [c for c in diff(one, other) if c.task])
    assert {c.task for c in diff(one, other) if c.task} == set(changed_ids(one, other))


def test_diff_tells_true_from_one() -> None:
    before = seeded().with_tasks(Task(id="a", subject="x", metadata={"k": 1}))
    after = seeded().with_tasks(Task(id="a", subject="x", metadata={"k": True}))
    assert [(c.task, c.field) for c in diff(before, after)] == [("a", "metadata")]


def test_diff_lists_the_title_first_then_tasks_and_fields_in_order() -> None:
    before = seeded()
    after = step(
        before,
        Update(id="b", result="r", subject="New"),
        Retitle(title="T"),
        Create(subject="More", id="z"),
        Update(id="a", phase="4"),
    )
    assert [(c.task, c.field) for c in diff(before, after)] == [
        ("", "title"),
        ("a", "phase"),
        ("b", "subject"),
        ("b", "result"),
        ("z", "created"),
    ]


# --- undo -----------------------------------------------------------------------------------


@given(runs(), st.lists(operations, min_size=1, max_size=3), contexts())
def test_law_undo_at_once_gives_back_what_was_there(
    past: list[tuple[Operation, Context]], batch: list[Operation], context: Context
) -> None:
    before = history(past)[-1]
    try:
        after = apply(before, batch, context).after
    except GittasksError:
        reject()
    assert take_back(before, after, after) == before


@given(snapshots(), snapshots())
def test_law_undo_at_once_works_between_any_two_snapshots(
    before: Snapshot, after: Snapshot
) -> None:
    """Also where a hand or a merge made them; but the number of a claim never goes down."""
    undone = take_back(before, after, after)
    for task_id, task in undone.tasks.items():
        numbers = [
            version.tasks[task_id].claim for version in (before, after) if task_id in version.tasks
        ]
        assert task.claim == max(numbers)
        undone = undone.with_tasks(task._replace(claim=before.tasks[task_id].claim))
    assert undone == before


@given(runs(size=6), operations, contexts(), runs(size=4))
def test_law_undo_later_changes_only_the_tasks_of_the_operation(
    past: list[tuple[Operation, Context]],
    operation: Operation,
    context: Context,
    later: list[tuple[Operation, Context]],
) -> None:
    before = history(past)[-1]
    try:
        after = apply(before, [operation], context).after
        now = history(later, after)[-1]
        undone = take_back(before, after, now)
    except GittasksError:
        reject()
    assert set(changed_ids(now, undone)) <= set(changed_ids(before, after))
    assert Graph(undone.tasks).find_cycle() is None


def test_undo_keeps_what_others_changed_in_other_fields() -> None:
    before = seeded()
    after = step(before, Update(id="a", description="mine", metadata={"k": 1}))
    now = step(after, Update(id="a", metadata={"l": 2}), AddNote(id="a", text="n"), context=BOB)
    task = take_back(before, after, now).tasks["a"]
    assert (task.description, dict(task.metadata), len(task.notes)) == (None, {"l": 2}, 1)


def test_undo_is_refused_when_the_same_field_has_changed_since() -> None:
    before = seeded()
    after = step(before, Update(id="a", subject="Mine"))
    now = step(after, Update(id="a", subject="Theirs"), context=BOB)
    with pytest.raises(Refused, match="a has been changed since \\(subject\\)") as caught:
        take_back(before, after, now)
    assert caught.value.rule == "built-on"
    assert caught.value.details["field"] == "subject"
    assert caught.value.hint


def test_undo_is_refused_when_the_state_has_moved_on() -> None:
    before = seeded()
    after = step(before, Transition(Verb.START, "a"))
    now = step(after, Transition(Verb.DONE, "a"))
    with pytest.raises(Refused, match="status"):
        take_back(before, after, now)


def test_undo_of_a_creation_removes_the_task_and_the_dependencies_made_with_it() -> None:
    before = seeded()
    after = step(before, Create(subject="New", id="n", blocked_by=("a",), blocks=("b",)))
    assert after.tasks["b"].blocked_by == ("n",)
    now = step(after, Update(id="c", subject="Other"), context=BOB)
    undone = take_back(before, after, now)
    assert "n" not in undone.tasks
    assert undone.tasks["b"].blocked_by == ()
    assert undone.tasks["c"].subject == "Other"


def test_undo_of_a_creation_is_refused_when_the_task_was_touched_or_is_gone() -> None:
    before = seeded()
    after = step(before, Create(subject="New", id="n"))
    with pytest.raises(Refused, match="notes"):
        take_back(before, after, step(after, AddNote(id="n", text="hm"), context=BOB))
    with pytest.raises(Refused, match="removed"):
        take_back(before, after, before)


def test_undo_of_a_creation_is_refused_when_another_task_depends_on_it() -> None:
    before = seeded()
    after = step(before, Create(subject="New", id="n"))
    now = step(after, Update(id="a", add_blocked_by=("n",)), context=BOB)
    with pytest.raises(Refused, match="a depends on n") as caught:
        take_back(before, after, now)
    assert caught.value.rule == "built-on"


def test_undo_of_done_is_refused_when_a_dependent_was_started_since() -> None:
    before = step(seeded(), Update(id="b", add_blocked_by=("a",)), Transition(Verb.START, "a"))
    after = step(before, Transition(Verb.DONE, "a"))
    assert take_back(before, after, after) == before
    now = step(after, Transition(Verb.START, "b"), context=BOB)
    with pytest.raises(Refused, match="b was waiting for a and is in_progress since"):
        take_back(before, after, now)


def test_undo_of_done_is_refused_when_a_dependent_was_completed_since() -> None:
    before = step(seeded(), Update(id="b", add_blocked_by=("a",)), Transition(Verb.START, "a"))
    after = step(before, Transition(Verb.DONE, "a"))
    now = step(after, Transition(Verb.DONE, "b"), context=BOB)
    with pytest.raises(Refused, match="b was waiting for a and is completed since"):
        take_back(before, after, now)


def test_a_task_that_waited_for_the_id_before_it_was_made_does_not_stop_the_undo() -> None:
    first = seeded()
    before = first.with_tasks(first.tasks["a"]._replace(blocked_by=("n",)))
    after = step(before, Create(subject="New", id="n"))
    assert take_back(before, after, after) == before


def test_undo_is_refused_when_a_dependency_that_comes_back_would_close_a_cycle() -> None:
    before = step(seeded(), Update(id="a", add_blocked_by=("b",)))
    after = step(before, Update(id="a", remove_blocked_by=("b",)))
    now = step(after, Update(id="b", add_blocked_by=("a",)), context=BOB)
    with pytest.raises(Refused) as caught:
        take_back(before, after, now)
    assert caught.value.rule == "cycle"


def test_undo_of_an_undo_brings_a_removed_task_back() -> None:
    first = seeded()
    second = step(first, Create(subject="New", id="n"))
    third = take_back(first, second, second)
    assert take_back(second, third, third) == second


def test_undo_of_a_title_is_refused_when_it_was_changed_again() -> None:
    before = seeded()
    after = step(before, Retitle(title="Mine"))
    assert take_back(before, after, after) == before
    with pytest.raises(Refused, match="title"):
        take_back(before, after, step(after, Retitle(title="Theirs"), context=BOB))


def test_an_edit_of_an_undo_names_what_it_changed_and_blocked() -> None:
    before = step(seeded(), Update(id="b", add_blocked_by=("a",)))
    after = step(before, Transition(Verb.DONE, "a"))
    edit = between(after, take_back(before, after, after))
    assert edit.changed == ("a",)
    assert edit.made
    assert edit.unblocked == ()
    assert set(IDS) == set(edit.after.tasks)
