"""What is drawn of the dependency graph: order, layers, critical path, cycles set apart."""

from __future__ import annotations

from hypothesis import given
from support.graphs import at, chain, task, webs
from test_graph import alive_edges, reaches

from gittasks.core.graph import Graph, critical_path, layers, related, transitive_edges, web
from gittasks.core.model import Snapshot, Status

RUNNING = Status.IN_PROGRESS


class TestWeb:
    def test_blockers_come_first_and_else_the_order_of_display_counts(self) -> None:
        net = web([task("a", "c", order=1), task("b", order=2), task("c", order=3)])
        assert [t.id for t in net.tasks] == ["b", "c", "a"]
        assert (net.waits["a"], net.frees["c"], net.frees["a"]) == (("c",), ("a",), ())

    def test_what_is_deleted_or_elsewhere_takes_no_part(self) -> None:
        gone = task("gone", status=Status.DELETED)
        net = web([gone, task("a", "gone", "other"), task("b", "a", "a")])
        assert [t.id for t in net.tasks] == ["a", "b"]
        assert net.waits == {"a": (), "b": ("a",)}

    def test_what_closes_a_cycle_is_set_apart(self) -> None:
        net = web([task("a", "c"), task("b", "a"), task("c", "b"), task("d", "d")])
        assert set(net.closing) == {("b", "a"), ("d", "d")}
        assert {t.id for t in net.tasks} == {"a", "b", "c", "d"}

    @given(webs())
    def test_law_all_tasks_are_in_order_and_only_cycles_lose_dependencies(
        self, snapshot: Snapshot
    ) -> None:
        """Every live task is there behind its blockers; each dependency is kept or in a cycle."""
        net = web(snapshot.tasks.values())
        assert sorted(t.id for t in net.tasks) == sorted(t.id for t in snapshot.ordered())
        place = {t.id: n for n, t in enumerate(net.tasks)}
        kept = {(t, b) for t, blockers in net.waits.items() for b in blockers}
        assert kept == {(t, b) for b, freed in net.frees.items() for t in freed}
        assert all(place[b] < place[t] for t, b in kept)
        edges = alive_edges(snapshot)
        assert kept | set(net.closing) == edges
        assert not kept & set(net.closing)
        assert all(t == b or reaches(edges, b, t) for t, b in net.closing)
        assert bool(net.closing) == (Graph(snapshot.tasks).find_cycle() is not None)


class TestLayers:
    def test_a_layer_is_the_longest_way_to_the_task(self) -> None:
        net = web([task("a"), task("b", "a"), task("c", "b", "a"), task("d")])
        assert layers(net) == {"a": 0, "b": 1, "c": 2, "d": 0}

    def test_the_surroundings_are_all_before_and_all_after(self) -> None:
        net = web([task("a"), task("b", "a"), task("c", "b"), task("d", "a"), task("e")])
        assert related(net, "b") == {"a", "b", "c"}
        assert related(net, "a") == {"a", "b", "c", "d"}


class TestRedundant:
    def test_a_blocker_of_a_blocker_says_nothing_new(self) -> None:
        net = web([task("a"), task("b", "a"), task("c", "b"), task("d", "c", "a")])
        assert transitive_edges(net) == [("d", "a")]

    @given(webs())
    def test_law_it_is_what_other_blockers_lead_to(self, snapshot: Snapshot) -> None:
        net = web(snapshot.tasks.values())
        edges = {(t, b) for t, blockers in net.waits.items() for b in blockers}
        expected = {(t, b) for t, b in edges if reaches(edges - {(t, b)}, t, b)}
        assert set(transitive_edges(net)) == expected


class TestCriticalPath:
    def test_nothing_has_none(self) -> None:
        assert critical_path(web([])) == ((), (), None)

    def test_without_durations_the_longest_chain_counts(self) -> None:
        net = web([task("a"), task("b", "a"), task("x"), task("y", "x"), task("z", "y")])
        assert critical_path(net) == (("x", "y", "z"), ("x", "y", "z"), None)

    def test_of_equal_chains_the_first_in_the_list_counts(self) -> None:
        net = web([task("a", order=2), task("b", order=1), task("c", "a"), task("d", "b")])
        assert critical_path(net).tasks == ("b", "d")

    def test_a_task_to_come_takes_the_median_of_those_finished(self) -> None:
        """Whatever its phase: one estimate serves the path and the time left."""
        net = web(
            [
                task("quick", phase="1", took=(0, 1)),
                task("slow", phase="2", took=(1, 31)),
                task("q1", phase="1"),
                task("q2", "q1", phase="1"),
                task("s1", phase="2"),
            ]
        )
        assert critical_path(net) == (("q1", "q2"), ("q1", "q2"), 1860)

    def test_a_task_in_progress_counts_with_what_is_left_of_it(self) -> None:
        done = task("done", took=(0, 10))
        running = task("a", status=RUNNING, started=at(10))
        found = critical_path(web([done, running, task("b", "a")]), at(14))
        assert (found.tasks, found.seconds) == (("a", "b"), 960)
        late = critical_path(web([done, running, task("b", "a")]), at(40))
        assert late.seconds == 601

    def test_before_what_is_left_stands_what_it_waited_for_longest(self) -> None:
        net = web(
            [
                task("a", took=(0, 9)),
                task("b", took=(0, 5)),
                task("c", "a", "b", took=(9, 12)),
                task("d", "c"),
                task("e", "d"),
            ]
        )
        found = critical_path(net)
        assert found.tasks == ("a", "c", "d", "e")
        assert found.left == ("d", "e")

    def test_when_all_is_done_it_is_the_chain_that_ended_last(self) -> None:
        net = web([task("a", took=(0, 2)), task("b", "a", took=(2, 9)), task("c", took=(0, 5))])
        assert critical_path(net) == (("a", "b"), (), None)

    @given(webs())
    def test_law_it_is_a_chain_and_no_chain_of_open_tasks_is_longer(
        self, snapshot: Snapshot
    ) -> None:
        net = web(snapshot.tasks.values())
        found = critical_path(net)
        assert all(
            before in net.waits[after]
            for before, after in zip(found.tasks, found.tasks[1:], strict=False)
        )
        depth: dict[str, int] = {}
        for item in net.tasks:
            longest = max((depth[b] for b in net.waits[item.id]), default=0)
            depth[item.id] = longest + (not item.status.closed)
        if found.seconds is None:
            assert len(found.left) == max(depth.values(), default=0)
        assert bool(found.tasks) == bool(net.tasks)


def test_long_chains_and_wide_lists_need_no_recursion() -> None:
    """5,000 tasks in one chain, and 5,000 that all wait for one."""
    net = web(chain(5000).tasks.values())
    assert layers(net)["t4999"] == 4999
    assert len(critical_path(net).left) == 5000
    assert transitive_edges(net) == []
    assert len(related(net, "t2500")) == 5000
    wide = [task("root"), *(task(f"t{i}", "root") for i in range(5000))]
    assert max(layers(web(wide)).values()) == 1
    ring = dict(chain(5000).tasks)
    ring["t0"] = ring["t0"]._replace(blocked_by=("t4999",))
    assert len(web(ring.values()).closing) == 1
