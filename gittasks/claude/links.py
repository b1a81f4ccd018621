"""Map Claude Code's task numbers to ids of ours, and remember what both sides last agreed on.

Numbers are counted on each machine for itself, so a number alone says nothing on another one.
What this machine recorded counts first; then what the native task says of itself; then where a
task of ours says that it comes from, if its subject is still the same; then the subject alone.

They are under the common git directory, so all worktrees share them, and one for each number, so
that two sessions never write to the same. Damage reads as absence: then what the tasks themselves
say decides (`links`).
"""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, NamedTuple

from gittasks.claude import task_files
from gittasks.claude.task_files import MARK, NativeTask
from gittasks.core import ids
from gittasks.core.ids import task_id_fault
from gittasks.core.model import Snapshot, Task
from gittasks.store import disk

if TYPE_CHECKING:
    from gittasks.workspace import Workspace

ALIAS = "claude"
"""The metadata key of a task of ours that says where it was made: `NATIVE-LIST#NUMBER`."""


class Link(NamedTuple):
    """A number and the task that it means.

    `base` is the native task as it was when both sides last agreed; None: never, as far as known.
    """

    task: str
    base: NativeTask | None = None


def alias(native_list: str, number: str) -> str:
    """The metadata that names the number a task was made under."""
    return f"{native_list}#{number}"


def task_id(
    native_list: str, native: NativeTask, snapshot: Snapshot, meant: Collection[str]
) -> str:
    """The id of a task that is made for a native one: the same whoever makes it, and when.

    So two sessions that take in the same number at once make one task. The id of a closed one is
    not taken again, nor one of those that other numbers mean.
    """
    seed = zlib.crc32(f"{native_list}#{native.number}\n{native.subject}".encode())
    other_ids = {
        i for i, t in snapshot.tasks.items() if t.subject != native.subject or t.status.closed
    }
    return ids.make_task_id(native.subject, seed, other_ids.union(snapshot.unreadable, meant))


def find(
    natives: Mapping[str, NativeTask],
    snapshot: Snapshot,
    known: Mapping[str, Link],
    native_list: str,
) -> dict[str, Link]:
    """The links of the numbers whose task is in the list; the other numbers are new."""
    links = {n: link for n, link in known.items() if _holds(link, natives.get(n), snapshot)}
    linked = {link.task for link in links.values()}
    for number, native in natives.items():
        if number in links:
            continue
        task = _said(native, snapshot, native_list) or _alike(native, snapshot, linked)
        if task is not None and task.id not in linked:
            links[number] = Link(task.id)
            linked.add(task.id)
    return links


def _holds(link: Link, native: NativeTask | None, snapshot: Snapshot) -> bool:
    """True when a recorded link still holds: numbers restart with a new folder."""
    if link.task not in snapshot.tasks:
        return False
    if native is None or link.base is None:
        return True
    if native.metadata.get(MARK) == f"{snapshot.info.id}/{link.task}":
        return True
    same = native.subject == link.base.subject or native.description == link.base.description
    return same and bool(native.description or native.subject == link.base.subject)


def _said(native: NativeTask, snapshot: Snapshot, native_list: str) -> Task | None:
    """The task that the native one names, or that was made under its number."""
    mark = native.metadata.get(MARK)
    if isinstance(mark, str):
        list_id, _, name = mark.partition("/")
        if list_id == snapshot.info.id and name in snapshot.tasks:
            return snapshot.tasks[name]
    origin = alias(native_list, native.number)
    for task in snapshot.tasks.values():
        if task.metadata.get(ALIAS) == origin and task.subject == native.subject:
            return task
    return None


def _alike(native: NativeTask, snapshot: Snapshot, taken: set[str]) -> Task | None:
    """The one open task of that subject which no other number means."""
    alike = [
        t
        for t in snapshot.tasks.values()
        if t.subject == native.subject
        and not t.status.closed
        and t.id not in taken
        and ALIAS not in t.metadata
    ]
    return alike[0] if len(alike) == 1 else None


_DAYS = 30
"""Days after which it is forgotten what a session was reminded of."""


def _folder(workspace: Workspace, *parts: str) -> str:
    return workspace.own_path("claude", *parts)


def load(workspace: Workspace, native_list: str) -> dict[str, Link]:
    """The links of a native list to the list at work, as they were recorded."""
    folder = _folder(workspace, "numbers", workspace.list_id, native_list)
    try:
        names = sorted((n for n in os.listdir(folder) if task_files.is_number(n)), key=int)
    except OSError:
        return {}
    links = {n: _link(n, os.path.join(folder, n)) for n in names}
    return {n: link for n, link in links.items() if link}


def _link(number: str, path: str) -> Link | None:
    try:
        record = json.loads(disk.read(path))
        name, base = record["task"], record["base"]
        if not isinstance(name, str) or task_id_fault(name):
            return None
        native = task_files.read(number, json.dumps(base).encode()) if base else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return Link(name, native if isinstance(native, NativeTask) else None)


def save(workspace: Workspace, native_list: str, links: Mapping[str, Link]) -> None:
    """Record links; one that cannot be written is worked out again the next time."""
    folder = _folder(workspace, "numbers", workspace.list_id, native_list)
    known = load(workspace, native_list)
    for number, link in links.items():
        if known.get(number) == link:
            continue
        base = json.loads(task_files.write(link.base)) if link.base else None
        data = json.dumps({"task": link.task, "base": base}).encode()
        workspace.keep(os.path.join(folder, number), data)


def reminded(workspace: Workspace, session: str, of: str) -> bool:
    """True when a session was told this before; from now on it was."""
    folder = _folder(workspace, "reminded")
    path = os.path.join(folder, f"{zlib.crc32(session.encode()):08x}")
    data = f"{session}\n{of}".encode()
    try:
        if disk.read(path) == data:
            return True
    except OSError:
        _forget_old(folder)
    # Where nothing can be remembered, silence is better than the same words at every turn.
    return not workspace.keep(path, data)


def _forget_old(folder: str) -> None:
    try:
        for entry in os.scandir(folder):
            if time.time() - entry.stat().st_mtime > _DAYS * 86400:
                disk.remove(entry.path)
    except OSError:
        return
