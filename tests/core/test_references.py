"""`$N` in place of an id, whoever makes the sequence of operations."""

from __future__ import annotations

import pytest

from gittasks.core.apply import apply
from gittasks.core.model import Actor, ListInfo, Snapshot
from gittasks.core.operations import AddNote, Context, Create, Operation, Transition, Update, Verb
from gittasks.errors import NotFound

_CONTEXT = Context("2030-01-01T00:00:00Z", Actor("ada"), 7)
_EMPTY = Snapshot(ListInfo("plan"))


def test_a_reference_is_the_task_of_an_earlier_operation() -> None:
    """It stands for an id in every field that takes one, beside ids."""
    made = apply(
        _EMPTY,
        [
            Create("One"),
            Create("Two", id="two", blocked_by=("$1",)),
            Create("Three", blocks=("two", "$1")),
            Update("$2", remove_blocked_by=("$1",)),
            AddNote("$4", "note"),
        ],
        _CONTEXT,
    )
    one, two, three = made.created
    assert made.focus == (one, two, three, two, two)
    assert made.after.tasks[one].blocked_by == (three,)
    assert made.after.tasks[two].blocked_by == (three,)


@pytest.mark.parametrize("reference", ["$0", "$2", "$3", "$", "$x", "$-1", "$²", "$" + "9" * 5000])
def test_a_reference_to_nothing_is_not_found(reference: str) -> None:
    """What no earlier operation stands for is an error of that operation."""
    operations: list[Operation] = [Create("One"), Transition(Verb.START, reference)]
    with pytest.raises(NotFound) as found:
        apply(_EMPTY, operations, _CONTEXT)
    assert found.value.details["operation"] == 1


def test_the_id_of_a_new_task_is_no_reference() -> None:
    """`$1` as the id to give to a task is refused as an id."""
    with pytest.raises(Exception, match="not a task id"):
        apply(_EMPTY, [Create("One"), Create("Two", id="$1")], _CONTEXT)
