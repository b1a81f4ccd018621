"""A list at one commit, the heads it is merged from, as values; the cache of the last one.

The cache is under the common git dir, so that an unchanged list is read without git. One file a
list: a checksum, then the list at one commit, one line a task. It is keyed by the commit id and
each task by its blob id, so it is never stale, only unused; deleting it is safe, and a damaged
one reads as absent. Unchanged lines are carried over as they are.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from gittasks import light
from gittasks.core.model import (
    CodeCommit,
    ListInfo,
    Note,
    Problem,
    Snapshot,
    Status,
    Task,
    Unmerged,
)
from gittasks.light import TYPE_CHECKING, NamedTuple
from gittasks.store import disk

if TYPE_CHECKING:
    from typing import Any


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


CACHE = disk.CacheFile("cache", 6, disk.fields_of(Task, Note, CodeCommit, ListInfo))
_STATUSES = {str(status): status for status in Status}
_DEFAULTS: dict[str, Any] = {**Task._field_defaults, "status": None}
"""What is left out; the status is always there."""
_LISTS = [name for name, value in _DEFAULTS.items() if value == ()]


def pieces_path(common: str, list_id: str) -> str:
    """The file of what was parsed of a list while it was not read whole (`list_tree`)."""
    return os.path.join(common, "gittasks", "cache", "parsed", list_id)


def read_cache(path: str) -> ListVersion | None:
    """Return the branch that cache file `path` holds, None if there is none or it is damaged."""
    try:
        body = CACHE.read(path)
        if body is None:
            return None
        lines = body.splitlines()
        rows = light.read_json(b"[" + b",".join(lines) + b"]")
        top = rows[0]
        tasks, files, raw = {}, {}, {}
        for row, line in zip(rows[1:], lines[1:], strict=True):
            task = cached_task(row[0], row[3])
            tasks[task.id] = task
            files[task.id] = TaskFile(row[1], row[2])
            raw[task.id] = line
        snapshot = Snapshot(
            info=ListInfo(**top["info"]),
            tasks=tasks,
            problems=tuple(Problem(*p) for p in top["problems"]),
        )
        return ListVersion(
            top["commit"],
            snapshot,
            files,
            tuple(TreeEntry(*e) for e in top["root"]),
            tuple(TreeEntry(*e) for e in top["rest"]),
            raw,
            heads=Heads(*top["heads"]),
            contested=tuple(top["contested"]),
            apart=Unmerged(top["apart"]) if top["apart"] else None,
            lost=top["lost"],
        )
    except Exception:  # noqa: BLE001  whatever is wrong with a cache, it is as if there were none
        return None


def write_cache(path: str, branch: ListVersion, shared: disk.Sharing) -> None:
    """Put `branch` into cache file `path`; a place that cannot be written is left alone."""
    info = branch.snapshot.info
    top = {
        "commit": branch.commit,
        "heads": branch.heads,
        "contested": branch.contested,
        "apart": branch.apart,
        "lost": branch.lost,
        "info": {
            "id": info.id,
            "title": info.title,
            "format": info.format,
            "rules": info.rules,
            "settings": dict(info.settings),
            "extra": dict(info.extra),
            "archived": info.archived,
            "dropped": info.dropped,
        },
        "problems": branch.snapshot.problems,
        "root": branch.root,
        "rest": branch.rest,
    }
    lines = [_dumps(top)]
    for task_id, task in branch.snapshot.tasks.items():
        lines.append(branch.rows.get(task_id) or cache_row(task, branch.files[task_id]))
    body = b"\n".join(lines)
    CACHE.write(path, body, shared)


def _dumps(value: Any) -> bytes:
    return light.write_json(value).encode()


def cache_row(task: Task, file: TaskFile) -> bytes:
    """The line of a task."""
    fields: dict[str, Any] = {}
    for name in Task._fields:
        value = getattr(task, name)
        if name != "id" and value != _DEFAULTS.get(name):
            fields[name] = dict(value) if isinstance(value, Mapping) else value
    return _dumps([task.id, file.blob, file.canonical, fields])


def cached_task(task_id: str, fields: dict[str, Any]) -> Task:
    """The task of a line: its id, and its fields as they came from JSON."""
    fields["status"] = _STATUSES[fields["status"]]
    for name in _LISTS:
        if name in fields:
            fields[name] = tuple(fields[name])
    if "notes" in fields:
        fields["notes"] = tuple(Note(*n) for n in fields["notes"])
    if "commits" in fields:
        fields["commits"] = tuple(CodeCommit(*c) for c in fields["commits"])
    return Task(id=task_id, **fields)
