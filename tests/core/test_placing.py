"""Which orders a sequence of tasks gets, and that what stands right is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.core.apply import apply
from gittasks.core.model import Actor, ListInfo, Snapshot, Task
from gittasks.core.operations import Context, Create, Operation, Update
from gittasks.core.plan import place
from gittasks.errors import Refused, Usage

NOW = "2026-11-22T10:00:00Z"
LATER = "2026-11-22T11:00:00Z"


@pytest.mark.parametrize(
    ("orders", "wanted", "expected"),
    [
        ({}, "abc", {"a": 1, "b": 2, "c": 3}),
        ({"a": 1, "b": 2}, "ab", {}),
        ({"a": 1, "z": 9}, "abc", {"b": 10, "c": 11}),
        ({"a": 1, "c": 4}, "abc", {"b": 2}),
        ({"a": 1, "c": 2}, "abc", {"b": 1.5}),
        ({"a": 1, "d": 2}, "abcd", {"b": 1.3, "c": 1.7}),
        ({"b": 1}, "ab", {"a": 0.5}),
        ({"b": 3}, "ab", {"a": 1}),
        ({"b": -2}, "ab", {"a": -3}),
        ({"a": 1, "c": 1.000001, "d": 2}, "abcd", {"b": 1.3, "c": 1.7}),
        ({"a": 2, "b": 1, "c": 3}, "abc", {"a": 0.5}),
        ({"a": 1, "b": 1}, "axb", {"x": 2, "b": 3}),
        ({"a": None, "b": None}, "ab", {}),
        ({"a": None, "b": None}, "axb", {"a": 1, "x": 2}),
        ({"a": 1.5}, "ab", {"b": 2}),
    ],
)
def test_orders_that_stand_are_kept_and_the_rest_goes_between(
    orders: dict[str, Any], wanted: str, expected: dict[str, Any]
) -> None:
    tasks = {i: Task(id=i, subject=i, order=order) for i, order in orders.items()}
    assert place(list(wanted), tasks) == expected


numbers = st.none() | st.integers(-2, 3) | st.sampled_from([0.5, 1.5, 1.000001, 1.000002])


@given(st.dictionaries(st.sampled_from("abcdef"), numbers), st.permutations("abcdef"))
def test_law_placed_tasks_stand_in_the_wanted_sequence(
    orders: dict[str, Any], wanted: list[str]
) -> None:
    tasks = {i: Task(id=i, subject=i, order=order, created=NOW) for i, order in orders.items()}
    placed = place(wanted, tasks)
    fresh = {i: Task(id=i, subject=i, created=LATER) for i in wanted}
    after = {i: t._replace(order=placed.get(i, t.order)) for i, t in (fresh | tasks).items()}
    assert sorted(wanted, key=lambda i: after[i].sort_key) == wanted
    assert place(wanted, after) == {}
    assert all(round(order, 6) == order for order in placed.values())


# --- the place of a new task ------------------------------------------------------------------


def listed(*subjects: str, **waits: tuple[str, ...]) -> Snapshot:
    """A list whose tasks are `a`, `b` … in this sequence; `waits` has their blockers."""
    tasks = {
        i: Task(id=i, subject=s, order=n, created=NOW, blocked_by=waits.get(i, ()))
        for n, (i, s) in enumerate(zip("abcdefgh", subjects, strict=False), 1)
    }
    return Snapshot(ListInfo("demo"), tasks)


def sequence(before: Snapshot, *operations: Operation) -> str:
    """The ids in order of display after operations."""
    context = Context(now=LATER, actor=Actor("me"), entropy=7)
    after = apply(before, operations, context).after
    assert all(after.tasks[i].order == t.order for i, t in before.tasks.items())
    return " ".join(t.id for t in after.ordered())


PHASES = ("PHASE 1: Plan", "PHASE 2: Build", "PHASE 3: Test", "PHASE 4: Review")


@pytest.mark.parametrize(
    ("create", "expected"),
    [
        (Create("PHASE 2: Refactor", id="x"), "a b x c d"),
        (Create("Refactor", id="x", phase="2"), "a b x c d"),
        (Create("PHASE 2: Check", id="x", iterations=3), "a b x-1 x-2 x-3 c d"),
        (Create("PHASE 2b: Mend", id="x"), "a b x c d"),
        (Create("PHASE 0: Ask", id="x"), "x a b c d"),
        (Create("PHASE 5: Ship", id="x"), "a b c d x"),
        (Create("Mend", id="x", blocked_by=("b",)), "a b x c d"),
        (Create("Mend", id="x", blocks=("b",)), "a x b c d"),
        (Create("Mend", id="x", blocks=("a",)), "x a b c d"),
        (Create("Mend", id="x"), "a b c d x"),
        (Create("PHASE 2: Mend", id="x", after="c"), "a b c x d"),
        (Create("PHASE 2: Mend", id="x", order=9), "a b c d x"),
    ],
)
def test_a_new_task_goes_where_its_work_is(create: Create, expected: str) -> None:
    """Behind its phase, else next to what it depends on, else to the end; no other is moved."""
    assert sequence(listed(*PHASES), create) == expected


def test_tasks_that_wait_for_the_same_stand_as_they_were_made() -> None:
    """One after the other, and a batch keeps the sequence of its lines."""
    reviews = [Create(f"Review {n}", id=f"r{n}", blocked_by=("a",)) for n in range(3)]
    assert sequence(listed("A", "B"), *reviews) == "a r0 r1 r2 b"
    lines = (Create("X", id="x"), Create("Y", id="y"), Create("Z", id="z", blocked_by=("x",)))
    assert sequence(listed("A", "B"), *lines) == "a b x y z"


def test_a_long_loop_finds_room_between_two_tasks() -> None:
    loop = Create("PHASE 1: Check", id="x", iterations=100)
    names = " ".join(f"x-{n}" for n in range(1, 101))
    assert sequence(listed("PHASE 1: A", "PHASE 2: B"), loop) == f"a {names} b"


def test_a_task_is_moved_behind_another() -> None:
    before = listed(*PHASES)
    context = Context(now=LATER, actor=Actor("me"), entropy=7)
    after = apply(before, [Update("a", after="c")], context).after
    assert [t.id for t in after.ordered()] == ["b", "c", "a", "d"]
    for wrong in (Update("a", after="a"), Update("a", after="b", order=1)):
        with pytest.raises(Usage):
            apply(before, [wrong], context)


@pytest.mark.parametrize(
    ("orders", "moved", "expected"),
    [
        ((1, 2, 2, 3), "a", "b c a d"),
        ((1, 2, 2, 2), "a", "b c d a"),
        ((1, 2, 2, 2.001), "a", "b c a d"),
        ((1, 2, 2, 2.000001), "a", "b c d a"),
        ((2, 1, 1, 1), "a", "b c d a"),
        ((2, 2, 2, 2), "a", "b c d a"),
        ((1, 2, 2, 2), "d", "a b c d"),
        ((None, None, None, None), "d", "a b c d"),
    ],
)
def test_a_moved_task_stands_behind_the_other_also_where_several_have_one_order(
    orders: Sequence[float | None], moved: str, expected: str
) -> None:
    """As two clones make them: of one order the older stands first, so it needs a later one."""
    before = listed(*PHASES)
    placed = zip(before.tasks.values(), orders, strict=True)
    before = before._replace(tasks={t.id: t._replace(order=order) for t, order in placed})
    context = Context(now=LATER, actor=Actor("me"), entropy=7)
    after = apply(before, [Update(moved, after="b")], context).after
    ids = [t.id for t in after.ordered()]
    assert ids.index(moved) > ids.index("b")
    assert " ".join(ids) == expected


def test_behind_a_task_without_an_order_stands_only_a_younger_one() -> None:
    before = listed("A", "B", "C")
    before = before._replace(
        tasks={i: t._replace(order=None if i == "b" else t.order) for i, t in before.tasks.items()}
    )
    assert sequence(before, Create("New", id="x", after="b")) == "a c b x"
    context = Context(now=LATER, actor=Actor("me"), entropy=7)
    after = apply(before, [Update("c", after="b")], context).after
    assert [t.id for t in after.ordered()] == ["a", "b", "c"]
    with pytest.raises(Refused, match="has no order"):
        apply(before, [Update("a", after="b")], context)
