"""Ids of tasks: exact where they are stored or sent, cut at a hyphen where a person types them."""

from __future__ import annotations

import pytest

from gittasks.core.apply import apply
from gittasks.core.ids import find, shortened
from gittasks.core.model import Actor, ListInfo, Snapshot, Task
from gittasks.core.operations import (
    AddNote,
    Context,
    Create,
    Operation,
    Transition,
    Update,
    Verb,
)
from gittasks.errors import Ambiguous, NotFound, Refused

_SENT = Context("2030-01-01T00:00:00Z", Actor("ada"), 7)
_TYPED = _SENT._replace(cut_ids=True)


def _list(*ids: str) -> Snapshot:
    tasks = {name: Task(id=name, subject=f"Task {name}") for name in ids}
    return Snapshot(ListInfo("plan"), tasks)


@pytest.mark.parametrize("text", ["p1", "p1-ask", "p1-", " P1 ", "p1-ask-x2k4"])
def test_a_typed_id_may_be_cut_at_a_hyphen(text: str) -> None:
    assert find(_list("p1-ask-x2k4", "p10", "p10-ask-1111"), text, cut=True) == "p1-ask-x2k4"


@pytest.mark.parametrize("text", ["p", "p1-as", "p1-ask-x2k", "ask", ""])
def test_a_typed_id_cut_elsewhere_names_nothing(text: str) -> None:
    with pytest.raises(NotFound):
        find(_list("p1-ask-x2k4", "p10"), text, cut=True)


def test_a_whole_id_comes_before_those_that_go_on() -> None:
    assert find(_list("p1", "p1-ask", "p1-build"), "p1", cut=True) == "p1"


def test_an_ambiguous_cut_lists_the_candidates() -> None:
    with pytest.raises(Ambiguous, match="p1-ask, p1-build") as caught:
        find(_list("p1-ask", "p1-build", "p10"), "p1", cut=True)
    assert caught.value.details["candidates"] == ["p1-ask", "p1-build"]
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("text", ["test", "TEST-DOCS", "test-"])
def test_a_sent_id_is_exact_and_an_unknown_one_names_near_ones(text: str) -> None:
    with pytest.raises(NotFound) as caught:
        find(_list("test-docs"), text)
    assert caught.value.details["candidates"] == ["test-docs"]
    assert "test-docs" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "operation",
    [
        Create("X", blocked_by=("p1",)),
        Create("X", blocks=("p1",)),
        Update("p1", subject="Other"),
        Update("other", add_blocked_by=("p1",)),
        Update("other", add_blocks=("p1",)),
        Transition(Verb.DONE, "p1"),
        AddNote("p1", "text"),
    ],
)
def test_every_operation_takes_exact_ids_unless_a_person_typed_them(operation: Operation) -> None:
    snapshot = _list("p1-ask", "p10", "other")
    with pytest.raises(NotFound):
        apply(snapshot, [operation], _SENT)
    assert "p1-ask" in str(apply(snapshot, [operation], _TYPED).after.tasks)


def test_an_edge_is_stored_whole() -> None:
    edit = apply(_list("p1-ask"), [Create("X", id="x", blocked_by=("p1",))], _TYPED)
    assert edit.after.tasks["x"].blocked_by == ("p1-ask",)


class TestLaterLines:
    """An id that a later operation of the same batch makes counts in the edges before it."""

    def test_of_a_new_task(self) -> None:
        operations = [
            Create("Docs", id="test-docs"),
            Create("Deploy", id="deploy", blocked_by=("test", "test-docs")),
            Create("Plan", id="plan", blocks=("test",)),
            Create("Test", id="test"),
        ]
        tasks = apply(_list(), operations, _SENT).after.tasks
        assert set(tasks["deploy"].blocked_by) == {"test", "test-docs"}
        assert tasks["test"].blocked_by == ("plan",)
        assert [tasks[i].order for i in ("test-docs", "deploy", "plan", "test")] == [1, 2, 3, 4]

    def test_of_a_changed_task(self) -> None:
        operations: list[Operation] = [
            Update("a", add_blocked_by=("b",), add_blocks=("c",)),
            Create("B", id="b"),
        ]
        tasks = apply(_list("a"), [*operations, Create("C", id="c")], _SENT).after.tasks
        assert tasks["a"].blocked_by == ("b",)
        assert tasks["c"].blocked_by == ("a",)

    def test_of_an_iteration_of_a_loop(self) -> None:
        operations = [
            Create("Ship", id="ship", blocked_by=("fix-3",)),
            Create("Fix", id="fix", iterations=3),
        ]
        assert apply(_list(), operations, _SENT).after.tasks["ship"].blocked_by == ("fix-3",)

    def test_a_cycle_is_refused_where_it_closes(self) -> None:
        operations = [
            Create("A", id="a", blocked_by=("b",)),
            Create("B", id="b", blocked_by=("a",)),
        ]
        with pytest.raises(Refused) as caught:
            apply(_list(), operations, _SENT)
        assert caught.value.rule == "cycle"
        assert caught.value.details["operation"] == 1

    def test_it_does_not_stand_for_a_task_to_be_moved(self) -> None:
        with pytest.raises(NotFound):
            apply(_list(), [Transition(Verb.START, "a"), Create("A", id="a")], _SENT)


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["081060e3-6923-4cee-9b23-1e2064c32423"], ["081060e3"]),
        (
            ["081060e3-6923-4cee-9b23-1e2064c32423", "081060e3-7923-4cee-9b23-1e2064c32423"],
            ["081060e3-6923", "081060e3-7923"],
        ),
        (["p1-ask-x2k4"], ["p1-ask-x2k4"]),
        (["081060e3-6923-4cee-9b23-1e2064c32423", "081060e3"], ["081060e3-6923", "081060e3"]),
    ],
)
def test_long_ids_are_shown_cut_to_their_shortest_unique_hyphen(
    ids: list[str], expected: list[str]
) -> None:
    """What is shown finds the task when it is typed."""
    names = shortened(ids)
    assert [names.get(name, name) for name in ids] == expected
    snapshot = _list(*ids)
    assert all(find(snapshot, names.get(name, name), cut=True) == name for name in ids)
