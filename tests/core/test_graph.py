"""The dependency graph agrees with the plainest way to compute the same."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from support.strategies import MANY_IDS, OWNERS, STRANGER, snapshots, subset

from gittasks.core.graph import Graph
from gittasks.core.model import Snapshot, Status, Task


def chain(count: int) -> dict[str, Task]:
    """Tasks t0 to t<count-1>, each blocked by the one before."""
    return {
        f"t{i}": Task(id=f"t{i}", subject="x", order=i, blocked_by=(f"t{i - 1}",) if i else ())
        for i in range(count)
    }


def alive_edges(snapshot: Snapshot) -> set[tuple[str, str]]:
    """(task, blocker) for all tasks that take part."""
    alive = {t.id: t for t in snapshot.tasks.values() if t.status is not Status.DELETED}
    return {(t.id, b) for t in alive.values() for b in t.blocked_by if b in alive}


def reaches(edges: set[tuple[str, str]], start: str, goal: str) -> bool:
    """Whether following blockers from `start` one or more times leads to `goal`."""
    seen: set[str] = set()
    front = {b for t, b in edges if t == start}
    while front - seen:
        seen |= front
        front = {b for t, b in edges if t in front}
    return goal in seen


def test_a_blocker_that_is_closed_or_not_in_the_list_does_not_block() -> None:
    tasks = {
        "a": Task(id="a", subject="x", status=Status.COMPLETED),
        "b": Task(id="b", subject="x", status=Status.SKIPPED),
        "c": Task(id="c", subject="x", status=Status.DELETED),
        "d": Task(id="d", subject="x", blocked_by=("a", "b", "c", "gone")),
    }
    assert Graph(tasks).open_blockers("d") == ()
    assert not Graph(tasks).is_blocked("d")


def test_a_blocker_in_progress_still_blocks() -> None:
    tasks = {
        "a": Task(id="a", subject="x", status=Status.IN_PROGRESS),
        "b": Task(id="b", subject="x", blocked_by=("a",)),
    }
    assert Graph(tasks).open_blockers("b") == ("a",)


def test_dependents_and_blockers_come_in_order_of_display() -> None:
    tasks = {
        "a": Task(id="a", subject="x", order=3),
        "b": Task(id="b", subject="x", order=2, blocked_by=("r",)),
        "c": Task(id="c", subject="x", order=1, blocked_by=("a", "b", "r")),
        "r": Task(id="r", subject="x"),
    }
    assert Graph(tasks).blocks("r") == ("c", "b")
    assert Graph(tasks).open_blockers("c") == ("b", "a", "r")


def test_an_unknown_id_has_neither_blockers_nor_dependents() -> None:
    graph = Graph({})
    assert (graph.blocks("x"), graph.open_blockers("x"), graph.is_blocked("x")) == ((), (), False)


def test_the_cycle_is_shown_whole_from_the_task_round_to_itself() -> None:
    assert Graph(chain(3)).cycle_through("t0", ["t2"]) == ("t0", "t2", "t1", "t0")
    assert Graph(chain(3)).cycle_through("t0", ["t0"]) == ("t0", "t0")
    assert Graph(chain(3)).cycle_through("t2", ["t0"]) is None


def test_a_task_that_is_not_there_yet_can_close_a_cycle_through_its_id() -> None:
    tasks = {"a": Task(id="a", subject="x", blocked_by=("new",))}
    assert Graph(tasks).cycle_through("new", ["a"]) == ("new", "a", "new")


def test_long_chains_need_no_recursion() -> None:
    long = chain(5000)
    cycle = Graph(long).cycle_through("t0", ["t4999"])
    assert cycle is not None
    assert len(cycle) == 5001
    assert Graph(long).find_cycle() is None
    long["t0"] = Task(id="t0", subject="x", blocked_by=("t4999",))
    found = Graph(long).find_cycle()
    assert found is not None
    assert len(found) == 5001


@given(snapshots(MANY_IDS))
def test_law_blocks_is_the_inverse_of_blocked_by(snapshot: Snapshot) -> None:
    graph = Graph(snapshot.tasks)
    alive = {t.id for t in snapshot.ordered()}
    found = {(t, b) for b in (*MANY_IDS, STRANGER) for t in graph.blocks(b)}
    assert found == {(t, b) for t in alive for b in snapshot.tasks[t].blocked_by}
    order = [t.id for t in snapshot.ordered()]
    for blocker in MANY_IDS:
        positions = [order.index(t) for t in graph.blocks(blocker)]
        assert positions == sorted(positions)


@given(snapshots(MANY_IDS))
def test_law_open_blockers_are_the_unclosed_ones_of_the_list(snapshot: Snapshot) -> None:
    graph = Graph(snapshot.tasks)
    for task in snapshot.tasks.values():
        expected = [
            t.id
            for t in snapshot.ordered()
            if task.status is not Status.DELETED
            and t.id in task.blocked_by
            and t.status in (Status.PENDING, Status.IN_PROGRESS)
        ]
        assert list(graph.open_blockers(task.id)) == expected
        assert graph.is_blocked(task.id) == bool(expected)


@given(snapshots(MANY_IDS), st.sampled_from((None, *OWNERS)))
def test_law_ready_is_pending_mine_or_nobodys_and_not_blocked(
    snapshot: Snapshot, owner: str | None
) -> None:
    expected = []
    for task in snapshot.ordered():
        waiting = [
            b
            for b in task.blocked_by
            if b in snapshot.tasks
            and snapshot.tasks[b].status not in (Status.COMPLETED, Status.SKIPPED, Status.DELETED)
        ]
        mine = task.owner is None or task.owner == owner
        if task.status is Status.PENDING and mine and not waiting:
            expected.append(task)
    assert Graph(snapshot.tasks).ready(owner) == expected


@given(snapshots(MANY_IDS), st.sampled_from(MANY_IDS), subset(MANY_IDS))
def test_law_cycle_through_finds_a_cycle_exactly_when_there_is_one(
    snapshot: Snapshot, task_id: str, blocked_by: tuple[str, ...]
) -> None:
    edges = alive_edges(snapshot)
    task = snapshot.tasks.get(task_id)
    takes_part = task is None or task.status is not Status.DELETED
    present = {t.id for t in snapshot.ordered()} | ({task_id} if takes_part else set())
    if task is None:  # edges to an id that is not there yet count from the moment it is
        edges |= {(t.id, task_id) for t in snapshot.ordered() if task_id in t.blocked_by}
    new = {(task_id, b) for b in blocked_by if b in present}
    expected = takes_part and any(b == task_id or reaches(edges, b, task_id) for _, b in new)
    cycle = Graph(snapshot.tasks).cycle_through(task_id, blocked_by)
    assert (cycle is not None) == expected
    if cycle is not None:
        assert cycle[0] == cycle[-1] == task_id
        assert len(set(cycle)) == len(cycle) - 1
        steps = list(pairwise(cycle))
        assert steps[0] in new
        assert set(steps[1:]) <= edges


@given(snapshots(MANY_IDS))
def test_law_find_cycle_finds_a_cycle_exactly_when_there_is_one(snapshot: Snapshot) -> None:
    edges = alive_edges(snapshot)
    cycle = Graph(snapshot.tasks).find_cycle()
    assert (cycle is not None) == any(reaches(edges, i, i) for i in MANY_IDS)
    if cycle is not None:
        assert cycle[0] == cycle[-1]
        assert len(set(cycle)) == len(cycle) - 1
        assert set(pairwise(cycle)) <= edges


def test_ready_goes_by_priority_and_leaves_out_what_is_not_due() -> None:
    """First the lower number, then the order; a time that has come lets a task go."""
    made = [
        Task(id="a", subject="A", order=1),
        Task(id="b", subject="B", order=2, priority=0),
        Task(id="c", subject="C", order=3, priority=0, not_before="2026-11-22T10:00:01Z"),
        Task(id="d", subject="D", order=0, priority=4),
    ]
    tasks = {task.id: task for task in made}

    def ready(now: str) -> list[str]:
        return [task.id for task in Graph(tasks, now=now).ready()]

    assert ready("2026-11-22T10:00:00Z") == ["b", "a", "d"]
    assert ready("2026-11-22T10:00:01Z") == ["b", "c", "a", "d"]
