"""What a list's branch holds at one commit, as the store passes it on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gittasks.core.model import Snapshot


class TreeEntry(NamedTuple):
    """One entry of a git tree that is carried along untouched."""

    name: str
    mode: int
    id: str


class TaskFile(NamedTuple):
    """Where a task was read from: its blob, and whether its bytes are the canonical ones."""

    blob: str
    canonical: bool


class Branch(NamedTuple):
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
