"""Overlaps of paths: which globs count as the same ground, and whose tasks are told."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from gittasks.core.actors import disjoint_first, holds, overlap, overlaps
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
        ("src/parser", "src/parser/lexer.py", True),
        ("src/pars*", "src/parser/lexer.py", True),  # it may be a folder
        ("src/pars*", "src/main.py", False),
        ("src/*.py", "src/sub/**", False),  # these are files
        ("src/*.py/", "src/sub.py/**", True),
        ("src/*.py", "src/sub.py", True),
        ("src/*.py", "src/*.c", False),
        ("src/*_a.py", "src/b_*", True),
        ("src/parser/*.py", "src/render/*.py", False),
        ("src/*/x.py", "src/a/**", True),
        ("src/*/x.py", "src/a/y.py", False),
        ("src/a.py", "src/a.py", True),
        ("src/a.py", "src/b.py", False),
        ("**/*.py", "docs/x.md", True),  # that may be a folder, too
        ("**/*.py", "docs/a/b/x.py", True),
        ("src/{a,b}/x", "src/c", True),  # not taken apart
        ("src/**.py", "src/a/x.py", True),
        ("src/[id].tsx", "src/i.tsx", True),
        ("src/[ab].py", "tests/a.py", False),
        (".", "docs/x.md", True),
        ("./docs", "docs/x.md", True),
        ("src/A\u0308/x.py", "src/\u00c4/x.py", True),  # two spellings of one name
    ],
)
def test_two_globs_overlap_where_a_file_can_lie_in_both(ours: str, theirs: str, same: bool) -> None:
    """A name is that of a file or of a folder, so of what lies below it too."""
    assert overlap(ours, theirs) is same
    assert overlap(theirs, ours) is same


FILES = [
    "/".join(path)
    for depth in (1, 2, 3)
    for path in itertools.product(("a", "b", "ab", "a.b"), repeat=depth)
]
_NAMES = ("a", "b", "ab", "a*", "*b", "?", "*", "*.b", "a.*", "**")
GLOBS = [*_NAMES, *(f"{folder}/{name}" for folder in _NAMES for name in _NAMES)]


def files_of(glob: str) -> set[str]:
    """The files of a small tree that lie in a glob, looked at one by one."""
    *folders, last = glob.split("/")
    parts = [r"(?:[^/]+/)*" if n == "**" else f"{_one_name(n)}/" for n in folders]
    below = "" if last == "*.b" else r"(?:/[^/]+)*"
    parts.append("[^/]+" if last == "**" else _one_name(last))
    return {file for file in FILES if re.fullmatch("".join(parts) + below, file)}


def _one_name(name: str) -> str:
    return "".join({"*": "[^/]*", "?": "[^/]"}.get(c, re.escape(c)) for c in name)


def test_two_globs_overlap_just_when_they_share_a_file() -> None:
    """All pairs of short globs: no warning comes too often, and none is missing."""
    files = {glob: files_of(glob) for glob in GLOBS}
    for one, two in itertools.product(GLOBS, GLOBS):
        assert overlap(one, two) is bool(files[one] & files[two]), (one, two)
    for glob, held in files.items():
        assert {file for file in FILES if holds(glob, file)} == held, glob


def test_what_is_too_long_is_not_compared() -> None:
    """Whoever pushes a list writes it, and every `ready` meets it."""
    assert not overlap("*a" * 40 + "b", "a*" * 40 + "c")
    assert overlap("*a" * 4000 + "b", "a*" * 4000 + "c")
    assert overlap("**/a/" * 4000 + "*.c", "a/**/" * 4000 + "*.d")


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
