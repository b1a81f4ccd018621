"""Export of a list to Claude Code's task files: which to write, which to remove.

A field that was changed natively since both sides last agreed is left as it is there, and told:
an import takes it in. Fields that the list changed are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gittasks.claude.importing import free_data
from gittasks.claude.links import Link
from gittasks.claude.task_files import MARK, STATUSES, NativeTask, Skipped, normalised
from gittasks.core.model import Snapshot, Status, Task, Value

_STATUS = {
    Status.PENDING: "pending",
    Status.IN_PROGRESS: "in_progress",
    Status.COMPLETED: "completed",
    Status.SKIPPED: "completed",  # natively there is no other way to be out of the way
}
_FIELDS = ("subject", "description", "active_form", "status", "owner")


class Files(NamedTuple):
    """The outcome of an export.

    `write` are the tasks whose files differ, `remove` the numbers of deleted tasks, `links` what
    both sides agree on afterwards, `last` the highest number that was ever given.
    """

    write: tuple[NativeTask, ...]
    remove: tuple[str, ...]
    links: Mapping[str, Link]
    faults: tuple[Skipped, ...]
    last: int


def files(
    snapshot: Snapshot,
    natives: Mapping[str, NativeTask],
    links: Mapping[str, Link],
    last: int,
) -> Files:
    """The files that say natively what the list says; `natives` are `joined`, `last` is the
    highest number that the folder remembers."""
    by_task = {link.task: n for n, link in links.items()}
    last = max([last, *map(int, natives), *map(int, links)])
    for task in snapshot.ordered():
        if task.id not in by_task:
            last += 1
            by_task[task.id] = str(last)
    faults: list[Skipped] = []
    remove: list[str] = []
    stays: dict[str, NativeTask] = {}
    agreed: dict[str, Link] = {}
    for task in snapshot.ordered(deleted=True):
        number = by_task.get(task.id)
        if number is None:
            continue
        base = links[number].base if number in links else None
        native = natives.get(number)
        if task.status is Status.DELETED:
            if native is not None and _changed(native, base):
                faults.append(Skipped(number, "is deleted in the list, but was changed here since"))
                stays[number] = native
            elif native is not None:
                remove.append(number)
            continue
        target = _target(task, snapshot, number, by_task, native)
        stays[number] = _merge_fields(target, native, base, faults)
        agreed[number] = Link(task.id, target)
    strangers = {n: t for n, t in natives.items() if n not in stays and n not in remove}
    final = normalised([*stays.values(), *strangers.values()])
    agreed = {n: _with_edges(link, final[n]) for n, link in agreed.items()}
    write = tuple(t for n, t in final.items() if t != natives.get(n))
    return Files(write, tuple(remove), agreed, tuple(faults), last)


def _target(
    task: Task,
    snapshot: Snapshot,
    number: str,
    by_task: Mapping[str, str],
    native: NativeTask | None,
) -> NativeTask:
    """The native task that says what the list says."""
    blockers = (snapshot.tasks.get(b) for b in task.blocked_by)
    blocked_by = [by_task[b.id] for b in blockers if b and b.status is not Status.DELETED]
    beyond = [n for n in native.blocked_by if n not in by_task.values()] if native else []
    mark = f"{snapshot.info.id}/{task.id}"
    active = task.active_form or task.title
    ours = {k: v for k, v in task.metadata.items() if k not in ("claude", MARK)}
    return NativeTask(
        number,
        task.subject,
        description=task.description or "",
        active_form=active if active != task.subject else "",
        status=_STATUS[task.status],
        owner=task.owner or "",
        blocked_by=tuple(dict.fromkeys([*blocked_by, *beyond])),
        metadata={**ours, MARK: mark},
        extra=native.extra if native else {},
    )


def _merge_fields(
    target: NativeTask, native: NativeTask | None, base: NativeTask | None, faults: list[Skipped]
) -> NativeTask:
    """The task as the list has it, but for fields that were changed in the file since."""
    if native is None:
        return target
    merged = target
    if base is None:
        merged = merged._replace(status=max(target.status, native.status, key=STATUSES.index))
    else:
        for field in _FIELDS:
            current = getattr(native, field)
            if current not in (getattr(base, field), getattr(target, field)):
                merged = merged._replace(**{field: current})
                faults.append(Skipped(target.number, f"its {field} was changed here since"))
    data, changed_keys = _met_data(
        free_data(target), free_data(native), free_data(base) if base else {}
    )
    faults += [
        Skipped(target.number, f"its metadata {k} was changed here since") for k in changed_keys
    ]
    return merged._replace(metadata={**data, MARK: target.metadata[MARK]})


def _met_data(
    ours: Mapping[str, Value], theirs: Mapping[str, Value], before: Mapping[str, Value]
) -> tuple[dict[str, Value], list[str]]:
    """The same for free data; and the keys that were changed on both sides."""
    merged: dict[str, Value] = {}
    changed_keys = []
    for key in {**theirs, **ours}:
        own, current, old = ((key in part, part.get(key)) for part in (ours, theirs, before))
        if current in (old, own):
            if own[0]:
                merged[key] = ours[key]
            continue
        if current[0]:
            merged[key] = theirs[key]
        if own != old:
            changed_keys.append(key)
    return merged, changed_keys


def _changed(native: NativeTask, base: NativeTask | None) -> bool:
    """True when a file differs from what both sides last agreed on."""
    if base is None:
        return native.status != "pending"
    fields = any(getattr(native, f) != getattr(base, f) for f in _FIELDS)
    return fields or free_data(native) != free_data(base)


def _with_edges(link: Link, final: NativeTask) -> Link:
    if link.base is None:
        return link
    return link._replace(base=link.base._replace(blocks=final.blocks, blocked_by=final.blocked_by))
