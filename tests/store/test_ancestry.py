"""Ancestors of a head: the answer of the whole history, for the price of what lies between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.errors import InvalidData
from gittasks.store import commits
from gittasks.store.ancestry import HistoryCut, cut_at_commit, cut_at_time
from gittasks.store.commits import is_ancestor
from gittasks.store.objects import NewObject, ObjectStore
from gittasks.store.plumbing import Node


class Commits(ObjectStore):
    """Commits by number, each on some of those before it, all of them in memory."""

    def __init__(self, parents: list[list[int]]) -> None:
        super().__init__("/nowhere", {})
        for number, before in enumerate(parents):
            name = f"{number:040}"
            ids = tuple(f"{parent:040}" for parent in before)
            self.nodes[name] = Node(name, "", ids, number, number)
            self.stage([NewObject(name, "commit", b"")])


@st.composite
def histories(draw: st.DrawFn) -> list[list[int]]:
    """For each commit its parents."""
    parents: list[list[int]] = [[]]
    for number in range(1, draw(st.integers(2, 14))):
        before = st.integers(max(0, number - 5), number - 1)
        parents.append(draw(st.lists(before, max_size=2, unique=True)))
    return parents


@given(histories())
def test_the_answer_is_that_of_the_whole_history(parents: list[list[int]]) -> None:
    behind: list[set[int]] = []
    for number, before in enumerate(parents):
        behind.append({number}.union(*(behind[parent] for parent in before)))
    objects = Commits(parents)
    for head, reached in enumerate(behind):
        for commit in range(len(parents)):
            answer = is_ancestor(objects, f"{commit:040}", f"{head:040}")
            assert answer is (commit in reached)


@pytest.mark.parametrize("length", [20, 2000])
def test_a_lost_race_costs_what_others_wrote_since(
    length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two commits on one base, one of them the head: what is older than the base is not read."""
    line = [[], *([n] for n in range(length))]
    objects = Commits([*line, [length], [length], [length + 2]])
    looked: list[str] = []
    node = commits.Graph.node

    def noted(graph: commits.Graph, commit_id: str) -> Node:
        looked.append(commit_id)
        return node(graph, commit_id)

    monkeypatch.setattr(commits.Graph, "node", noted)
    assert not is_ancestor(objects, f"{length + 1:040}", f"{length + 3:040}")
    assert len(looked) <= 12


def _id(number: int) -> str:
    return f"{number:040}"


def _ids(*numbers: int) -> tuple[str, ...]:
    return tuple(map(_id, numbers))


# 0 ── 1 ── 2 ──── 5 ── 6      each is made at the second of its number
#       └── 3 ── 4 ┘
FORKED = [[], [0], [1], [1], [3], [2, 4], [5]]


@pytest.mark.parametrize(
    ("epoch", "heads", "later"),
    [
        (9, (6,), ()),
        (5, (5,), (6,)),
        (4, (2, 4), (5, 6)),
        (3, (2, 3), (4, 5, 6)),
        (2, (2,), (3, 4, 5, 6)),
        (0, (0,), (1, 2, 3, 4, 5, 6)),
        (-1, (0,), (1, 2, 3, 4, 5, 6)),
    ],
)
def test_a_history_is_cut_at_a_moment(
    epoch: int, heads: tuple[int, ...], later: tuple[int, ...]
) -> None:
    """Behind what was made up to then, of which no head is behind another; the root stays."""
    cut = cut_at_time(Commits(FORKED), _id(6), epoch)
    assert cut == HistoryCut(_ids(*heads), frozenset(_ids(*later)))


def test_a_wrong_clock_hides_nothing() -> None:
    """What a commit was built on comes with it, also if that says that it is later."""
    objects = Commits(FORKED)
    for number in (3, 2):
        name = _id(number)
        objects.nodes[name] = objects.nodes[name]._replace(time=99)
    cut = cut_at_time(objects, _id(6), 4)
    assert cut == HistoryCut(_ids(4), frozenset(_ids(2, 5, 6)))


def test_a_shallow_clone_that_ends_before_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    objects = Commits([[], [0], [1]])
    monkeypatch.setattr(objects, "is_boundary", lambda name: name == _id(0))
    assert cut_at_time(objects, _id(2), 0).heads == _ids(0)
    with pytest.raises(InvalidData) as caught:
        cut_at_time(objects, _id(2), -1)
    error = caught.value
    assert error.message == "this clone is shallow, and its history begins only after that"
    assert error.where == _id(0)
    assert [(way.purpose, way.command, way.decision) for way in error.ways] == [
        ("fetch the rest", ("git", "fetch", "--unshallow"), True)
    ]


@pytest.mark.parametrize(
    ("commit", "later"),
    [(6, ()), (5, (6,)), (4, (2, 5, 6)), (2, (3, 4, 5, 6)), (1, (2, 3, 4, 5, 6))],
)
def test_a_history_is_cut_at_a_commit(commit: int, later: tuple[int, ...]) -> None:
    cut = cut_at_commit(Commits(FORKED), _id(6), _id(commit))
    assert cut == HistoryCut(_ids(commit), frozenset(_ids(*later)))
