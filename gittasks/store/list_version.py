"""A list at one commit, and the heads it is merged from, as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gittasks.core.model import Snapshot, Unmerged


def merge_subject(list_id: str) -> str:
    """The message of every automatic commit of a list."""
    return f"{list_id}: automatic merge"


def is_automatic(message: str) -> bool:
    """True for the message of an automatic merge, whoever made or signed that."""
    return message.endswith(": automatic merge\n") and message.count("\n") == 1


REGULAR, FOLDER = 0o100644, 0o040000
"""Modes of a plain file and of a folder in a tree."""


class TreeEntry(NamedTuple):
    """One entry of a git tree that is carried along untouched."""

    name: str
    mode: int
    id: str


class TaskFile(NamedTuple):
    """The file of a task: its blob, and whether its bytes are the canonical ones."""

    blob: str
    canonical: bool


class Heads(NamedTuple):
    """The commits of a list's branch: here, and on its remote when that was last looked at.

    `published` is the commit that the remote was last known to hold.
    """

    local: str | None = None
    tracked: str | None = None
    published: str | None = None

    @property
    def all(self) -> tuple[str | None, ...]:
        """The commits whose histories make up the list."""
        return self.local, self.tracked

    def at_same_commits(self, other: Heads) -> bool:
        """Is the branch where it was, here and where it was fetched to?"""
        return (self.local, self.tracked) == (other.local, other.tracked)


class ListVersion(NamedTuple):
    """A list's branch at one commit: what it says, and what it takes to write the next one.

    `root` and `rest` are the entries of the root tree and of `tasks/` that are no readable tasks.
    """

    commit: str
    snapshot: Snapshot
    files: Mapping[str, TaskFile]
    root: tuple[TreeEntry, ...]
    rest: tuple[TreeEntry, ...]
    rows: Mapping[str, bytes]
    """Cache line of each task, carried over to the next cache file while its blob stays."""
    whole: bool = True
    """False when an object could not be had just now: the next look may see more."""
    heads: Heads = Heads()
    """The heads that were brought together; `commit` may be one of them or in memory alone."""
    contested: tuple[str, ...] = ()
    """For each open conflict the path of the file that it is in."""
    apart: Unmerged | None = None
    """Why what was fetched is not in this."""
    lost: int = 0
    """How many operations were acknowledged here and are in none of the heads."""

    @property
    def conflicts(self) -> int:
        """The number of registers written concurrently and differently, and not again since."""
        return len(self.contested)

    @property
    def in_memory(self) -> bool:
        """Is the commit an automatic one that was not written?"""
        return bool(self.heads.local or self.heads.tracked) and self.commit not in self.heads
