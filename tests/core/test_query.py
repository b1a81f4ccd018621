"""The filter of tasks: every condition alone, all of them together, order and number."""

from __future__ import annotations

import pytest

from gittasks.core.graph import Graph
from gittasks.core.model import ListInfo, Note, Snapshot, Status, Task
from gittasks.core.view import SORTS, Filter

TASKS = [
    Task("ask", "PHASE 1: Ask user", status=Status.COMPLETED, owner="ann", order=1, result="PASS"),
    Task("plan", "PHASE 2: Plan", owner="ann", order=2, metadata={"size": "big", "n": 3}),
    Task("code", "PHASE 2: Code", order=3, description="With CARE"),
    Task("test", "Tests", owner="bob", order=4, phase="2", blocked_by=("code",)),
    Task("gone", "PHASE 2: Gone", status=Status.DELETED, order=5),
    Task("free", "Anything", order=6, notes=(Note("T", "ann", "take care"),)),
]
LIST = Snapshot(ListInfo("l"), {task.id: task for task in TASKS})


def chosen(conditions: Filter, me: str = "ann") -> list[str]:
    return [task.id for task in conditions.of(LIST, Graph.of(LIST), me)]


@pytest.mark.parametrize(
    ("conditions", "ids"),
    [
        (Filter(), "ask plan code test free"),
        (Filter(deleted=True), "ask plan code test gone free"),
        (Filter(["deleted"]), "gone"),
        (Filter(["completed", "deleted"]), "ask gone"),
        (Filter(owner="bob"), "test"),
        (Filter(owner=""), "code free"),
        (Filter(mine=True), "ask plan"),
        (Filter(phase="2"), "plan code test"),
        (Filter(phase="phase 1"), "ask"),
        (Filter(ready=True), "plan code free"),
        (Filter(blocked=True), "test"),
        (Filter(where={"size": "big"}), "plan"),
        (Filter(where={"n": "3"}), "plan"),
        (Filter(where={"size": "big", "n": "4"}), ""),
        (Filter(where={"other": ""}), ""),
        (Filter(search="care"), "code free"),
        (Filter(search="PLAN"), "plan"),
        (Filter(search="pass"), "ask"),
        (Filter(among=("code", "test")), "code test"),
        (Filter(limit=2), "ask plan"),
        (Filter(phase="2", ready=True, mine=True), "plan"),
    ],
    ids=str,
)
def test_conditions(conditions: Filter, ids: str) -> None:
    """Each condition chooses what it says, and several choose what fits them all."""
    assert chosen(conditions) == ids.split()


def test_ready_is_meant_for_who_asks() -> None:
    """Tasks of others are not ready, those of nobody are."""
    assert chosen(Filter(ready=True), me="bob") == ["code", "free"]


@pytest.mark.parametrize(
    ("sort", "ids"),
    [
        ("subject", "free ask code plan test"),
        ("-order", "free test code plan ask"),
        ("owner", "ask plan test code free"),
        ("-owner", "test ask plan code free"),
        ("status", "plan code test free ask"),
        ("started", "ask plan code test free"),
    ],
)
def test_sorting(sort: str, ids: str) -> None:
    """Equals keep the order of display; what has no value comes last; the limit counts after."""
    assert chosen(Filter(sort=sort)) == ids.split()
    assert chosen(Filter(sort=sort, limit=1)) == ids.split()[:1]


@pytest.mark.parametrize("sort", SORTS)
def test_every_sort_takes_every_task(sort: str) -> None:
    """No task is lost, whatever it lacks."""
    assert sorted(chosen(Filter(sort=sort))) == sorted(chosen(Filter()))


def test_tags_and_priorities() -> None:
    """All tags must be there, and one of the priorities; ready tasks come by priority."""
    tasks = {
        "a": Task(id="a", subject="A", order=1, tags=("x", "y")),
        "b": Task(id="b", subject="B", order=2, tags=("x",), priority=0),
        "c": Task(id="c", subject="C", order=3, priority=1),
    }
    snapshot = Snapshot(ListInfo("plan"), tasks)

    def ids(wanted: Filter) -> list[str]:
        return [task.id for task in wanted.of(snapshot, Graph.of(snapshot), "me")]

    assert ids(Filter(tags=("x",))) == ["a", "b"]
    assert ids(Filter(tags=("y", "x"))) == ["a"]
    assert ids(Filter(priorities=(0, 1))) == ["b", "c"]
    assert ids(Filter(ready=True)) == ["b", "c", "a"]
    assert ids(Filter(sort="-priority")) == ["a", "c", "b"]
