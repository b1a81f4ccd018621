"""Which task of ours a number of Claude Code's means.

Numbers are counted on each machine for itself, so a number alone says nothing on another one.
What this machine recorded counts first; then what the native task says of itself; then where a
task of ours says that it comes from, if its subject is still the same; then the subject alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping
from typing import NamedTuple

from gittasks.claude.native import MARK, NativeTask
from gittasks.core import ids
from gittasks.core.model import Snapshot, Task

ALIAS = "claude"
"""The metadata key of a task of ours that says where it was made: `NATIVE-LIST#NUMBER`."""


class Link(NamedTuple):
    """A number and the task that it means.

    `base` is the native task as it was when both sides last agreed; None: never, as far as known.
    """

    task: str
    base: NativeTask | None = None


def alias(native_list: str, number: str) -> str:
    """What the metadata of a task says about the number it was made under."""
    return f"{native_list}#{number}"


def task_id(
    native_list: str, native: NativeTask, snapshot: Snapshot, meant: Collection[str]
) -> str:
    """The id of a task that is made for a native one: the same whoever makes it, and when.

    So two sessions that take in the same number at once make one task. The id of a closed one is
    not taken again, nor one of those that other numbers mean.
    """
    seed = zlib.crc32(f"{native_list}#{native.number}\n{native.subject}".encode())
    taken = {i for i, t in snapshot.tasks.items() if t.subject != native.subject or t.status.closed}
    return ids.make_task_id(native.subject, seed, taken.union(snapshot.unreadable, meant))


def find(
    natives: Mapping[str, NativeTask],
    snapshot: Snapshot,
    known: Mapping[str, Link],
    native_list: str,
) -> dict[str, Link]:
    """The links of the numbers whose task is in the list; the other numbers are new."""
    found = {n: link for n, link in known.items() if _holds(link, natives.get(n), snapshot)}
    taken = {link.task for link in found.values()}
    for number, native in natives.items():
        if number in found:
            continue
        task = _said(native, snapshot, native_list) or _alike(native, snapshot, taken)
        if task is not None and task.id not in taken:
            found[number] = Link(task.id)
            taken.add(task.id)
    return found


def _holds(link: Link, native: NativeTask | None, snapshot: Snapshot) -> bool:
    """Whether a recorded link is still good: numbers begin anew when the folder was removed."""
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
    named = native.metadata.get(MARK)
    if isinstance(named, str):
        list_id, _, name = named.partition("/")
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
