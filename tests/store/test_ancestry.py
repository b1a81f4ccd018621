"""Ancestors of a head: the answer of the whole history, for the price of what lies between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.store import commits
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
