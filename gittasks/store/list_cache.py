"""Parsed lists, kept under the common git dir so that an unchanged list is read without git.

One file a list: a checksum, then the branch at one commit, one line a task. It is keyed by the
commit id and each task by its blob id, so it is never stale, only unused; deleting it is safe,
and a damaged one reads as absent. Unchanged lines are carried over as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

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
from gittasks.store import disk
from gittasks.store.list_version import Heads, ListVersion, TaskFile, TreeEntry

FILE = disk.CacheFile("cache", 6, disk.fields_of(Task, Note, CodeCommit, ListInfo))
_STATUSES = {str(status): status for status in Status}
_DEFAULTS: dict[str, Any] = {**Task._field_defaults, "status": None}
"""What is left out; the status is always there."""
_LISTS = [name for name, value in _DEFAULTS.items() if value == ()]


def read(path: str) -> ListVersion | None:
    """Return the branch that cache file `path` holds, None if there is none or it is damaged."""
    try:
        body = FILE.read(path)
        if body is None:
            return None
        lines = body.splitlines()
        rows = json.loads(b"[" + b",".join(lines) + b"]")
        top = rows[0]
        tasks, files, raw = {}, {}, {}
        for row, line in zip(rows[1:], lines[1:], strict=True):
            task = _task(row[0], row[3])
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


def write(path: str, branch: ListVersion, shared: disk.Sharing) -> None:
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
        },
        "problems": branch.snapshot.problems,
        "root": branch.root,
        "rest": branch.rest,
    }
    lines = [_dumps(top)]
    for task_id, task in branch.snapshot.tasks.items():
        lines.append(branch.rows.get(task_id) or _row(task, branch.files[task_id]))
    body = b"\n".join(lines)
    FILE.write(path, body, shared)


def _dumps(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _row(task: Task, file: TaskFile) -> bytes:
    fields: dict[str, Any] = {}
    for name in Task._fields:
        value = getattr(task, name)
        if name != "id" and value != _DEFAULTS.get(name):
            fields[name] = dict(value) if isinstance(value, Mapping) else value
    return _dumps([task.id, file.blob, file.canonical, fields])


def _task(task_id: str, fields: dict[str, Any]) -> Task:
    fields["status"] = _STATUSES[fields["status"]]
    for name in _LISTS:
        if name in fields:
            fields[name] = tuple(fields[name])
    if "notes" in fields:
        fields["notes"] = tuple(Note(*n) for n in fields["notes"])
    if "commits" in fields:
        fields["commits"] = tuple(CodeCommit(*c) for c in fields["commits"])
    return Task(id=task_id, **fields)
