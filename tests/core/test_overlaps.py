"""Overlaps of paths: which globs count as the same ground, and whose tasks are told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.core.actors import base, disjoint_first, overlap, overlaps
from gittasks.core.model import Actor, Status, Task

ANN = Actor("ann", "s1")


def running(task_id: str, *paths: str, **fields: Any) -> Task:
    """A task in progress."""
    return Task(id=task_id, subject=task_id, status=Status.IN_PROGRESS, paths=paths, **fields)


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ("src/parser/**", "src/parser/lexer.py", True),
        ("src/parser/**", "src/**", True),
        ("src/parser", "src/parser/", True),
        ("src/parser", "src/parser.py", False),
        ("src/pars*", "src/main.py", True),  # cut back to src
        ("src/parser/*.py", "src/render/*.py", False),
        ("src/a.py", "src/a.py", True),
        ("src/a.py", "src/b.py", False),
        ("**/*.py", "docs/x.md", True),
        ("src/{a,b}/x", "src/c", True),
        ("src/[ab].py", "tests/a.py", False),
        (".", "docs/x.md", True),
        ("./docs", "docs/x.md", True),
        ("src/A\u0308/x.py", "src/\u00c4/x.py", True),  # two spellings of one name
    ],
)
def test_one_is_the_other_or_a_folder_above_it(ours: str, theirs: str, same: bool) -> None:
    """Cut before the first wildcard, back to the last slash."""
    assert overlap(ours, theirs) is same


paths = st.lists(st.sampled_from(["a", "b", "*", "a?"]), min_size=1, max_size=4).map("/".join)


@given(paths, paths)
def test_law_overlap_goes_both_ways_and_nothing_is_wider_than_the_root(one: str, two: str) -> None:
    """And each path overlaps itself and whatever lies below it."""
    assert overlap(one, two) == overlap(two, one)
    assert overlap(one, one)
    assert overlap(one, "**")
    assert overlap(one, f"{base(one)}/below" if base(one) else "below")


def test_those_of_the_holder_and_those_without_paths_are_not_told() -> None:
    """Another session of one owner is another agent; what was left may still lie in its tree."""
    task = Task(id="t", subject="t", paths=("src/parser/**", "docs"))
    others = [
        running("mine", "src", owner="ann", session="s1"),
        running("twin", "src", owner="ann", session="s2"),
        running("bob", "docs/a.md", "tests", owner="bob"),
        running("none", owner="bob"),
        running("left", "src", owner="cy", session="s9", left="2026-11-22T10:00:00Z"),
        Task(id="pending", subject="p", paths=("src",)),
    ]
    told = overlaps(task, others, ANN)
    assert [(o.other.id, o.paths) for o in told] == [
        ("twin", ("src",)),
        ("bob", ("docs/a.md",)),
        ("left", ("src",)),
    ]
    assert told[1].words == "t may touch what bob (in progress, bob) touches: docs/a.md"
    assert "(left, cy)" in told[2].words


def test_disjoint_tasks_come_first_in_their_order() -> None:
    """What declares nothing counts as disjoint."""
    free = [
        Task(id=i, subject=i, paths=p)
        for i, p in zip("abc", [("src",), (), ("docs",)], strict=True)
    ]
    among = [running("r", "src/x.py", owner="bob")]
    assert [t.id for t in disjoint_first(free, among, ANN)] == ["b", "c", "a"]
