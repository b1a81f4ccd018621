"""The nouns of the merge: versions of files, commits, and what a list says at a commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from gittasks.core.picks import Order, Writers
from gittasks.core.registers import Register

Registers = Mapping[Register, Any]
Tree = Mapping[str, str]
"""Names of blobs by path."""
FileWriters = Mapping[Register, Writers]
Written = Mapping[str, FileWriters]
"""By path: the maximal writers of each register that was written since the base."""
NOTHING: Mapping[Any, Any] = MappingProxyType({})
BEGINNING: Order = (-(2**63), 0)
"""Before any commit."""


class File(NamedTuple):
    """A version of a file: the name of its bytes, and what they say.

    `registers` is empty for a file that is no task, where only the bytes count, and None for a
    task file that cannot be read.
    """

    blob: str
    registers: Registers | None


class Commit(NamedTuple):
    """A commit as the merge sees it. `time` is the author's, in seconds.

    `marked`: it says of itself that it is an automatic merge, which is not believed but checked.
    `kept` are registers, by path, that it writes with the value that is shown, though its tree
    changes nothing there: that settles a conflict in favour of what stands.
    """

    id: str
    parents: tuple[str, ...]
    time: int
    tree: Tree
    marked: bool = False
    kept: tuple[tuple[str, Register], ...] = ()


class Contents(Protocol):
    """What files say and how they are written, for the merge that does neither."""

    def read(self, path: str, blob: str) -> File:
        """The version of a file that is stored under a name."""

    def encode(self, path: str, registers: Registers, layouts: Sequence[File]) -> File:
        """A new version with these registers, in the layout of the last of `layouts` that has one.

        Must depend on nothing but the arguments.
        """

    def is_recipe(self, commit: Commit, order: Order) -> bool:
        """Whether a commit is to the byte what the recipe yields for its parents and tree."""


class Point(NamedTuple):
    """What the list says at one commit.

    `lag` holds the paths at which the tree of the commit says something else, because a merge
    by others dropped a write: the blob that should be there, None for no file. `history` and
    `operations` are sets of bits, one for each commit since the base: those that this one
    reaches, and those of them that are not automatic. `basis` is, by path of a file that cannot
    be read, what the last readable version said from which it was made; and of one that cannot
    hold all that was picked, what it says.
    """

    commit: str
    tree: Tree
    order: Order
    written: Written = NOTHING
    lag: Mapping[str, str | None] = NOTHING
    history: int = 0
    operations: int = 0
    basis: Mapping[str, Registers] = NOTHING
    automatic: bool = False

    def shown(self) -> Tree:
        """The tree as it should be."""
        if not self.lag:
            return self.tree
        tree = {**self.tree, **self.lag}
        return {path: blob for path, blob in tree.items() if blob is not None}


class Joined(NamedTuple):
    """What an automatic commit on top of some commits holds."""

    tree: Tree
    order: Order
    written: Written


def next_order(time: int, parents: Iterable[Order]) -> Order:
    """The order of a commit: its own time, unless its history is of a later one.

    A hybrid logical clock (Kulkarni et al., 2014), computed and never stored: no clock, however
    wrong, puts a commit before its ancestors.
    """
    latest = max(parents, default=BEGINNING)
    return (time, 0) if time > latest[0] else (latest[0], latest[1] + 1)


def touched(commit: Commit, parents: Iterable[Point]) -> set[str]:
    """Paths at which a commit differs from one of its parents."""
    return {path for p in parents for path, _ in p.tree.items() ^ commit.tree.items()}


def differing(points: Sequence[Point], written: Written) -> set[str]:
    """Paths at which the points hold, or say, different things; `written` is their union."""
    first = points[0]
    paths = {path for p in points[1:] for path, _ in first.tree.items() ^ p.tree.items()}
    paths |= {path for p in points for path in p.lag}
    for path, writers in written.items():
        if any(p.written.get(path) is not writers for p in points):
            paths.add(path)
    return paths
