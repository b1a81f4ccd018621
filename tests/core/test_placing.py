"""Which orders a sequence of tasks gets, and that what stands right is left alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.core.model import Task
from gittasks.core.plan import place

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
