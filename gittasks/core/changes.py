"""What differs between two snapshots, field by field."""

from __future__ import annotations

from typing import Any

from gittasks.core.fields import FIELDS
from gittasks.core.history import Change, ChangeKind
from gittasks.core.model import Snapshot, Task


def same(one: Any, other: Any) -> bool:
    """Whether two stored values are the same; unlike `==` this tells 1 from True and 1.0."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, (bool, int, float)) and type(one) is not type(other):
        return False
    return bool(one == other)


def same_task(one: Task, other: Task) -> bool:
    """Whether two tasks are the same in every stored value."""
    if one is other:
        return True
    return (
        one == other
        and same(one.order, other.order)
        and same(one.metadata, other.metadata)
        and same(one.extra, other.extra)
    )


def changed_ids(before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    """Ids of the tasks that are new or differ, in order of display, then of those removed."""
    old, new = before.tasks, after.tasks
    if old is new:
        return ()
    here = [t for i, t in new.items() if i not in old or not same_task(old[i], t)]
    gone = [t for i, t in old.items() if i not in new]
    return tuple(t.id for part in (here, gone) for t in sorted(part, key=lambda t: t.sort_key))


def diff(before: Snapshot, after: Snapshot) -> tuple[Change, ...]:
    """All changes: the list itself, then the tasks in order of display, fields as the table has
    them."""
    changes = [
        Change("", name, getattr(before.info, name), getattr(after.info, name))
        for name in ("title", "format", "rules", "settings", "extra")
        if not same(getattr(before.info, name), getattr(after.info, name))
    ]
    for task_id in changed_ids(before, after):
        old, new = before.tasks.get(task_id), after.tasks.get(task_id)
        if new is None and task_id in after.unreadable:
            changes.append(_whole(task_id, old, None, ChangeKind.UNREADABLE))
        elif old is None and task_id in before.unreadable:
            changes.append(_whole(task_id, None, new, ChangeKind.REPAIRED))
        else:
            changes += task_changes(old, new)
    return tuple(changes)


def task_changes(before: Task | None, after: Task | None) -> list[Change]:
    """The changes of one task; None stands for a task that is not there."""
    if before is None or after is None:
        if after is not None:
            return [_whole(after.id, None, after, ChangeKind.CREATED)]
        return [_whole(before.id, before, None, ChangeKind.REMOVED)] if before else []
    changes = []
    for field in FIELDS:
        old, new = getattr(before, field.attr), getattr(after, field.attr)
        if not same(old, new):
            changes.append(Change(after.id, field.name, old, new))
    for key in [*before.extra, *(k for k in after.extra if k not in before.extra)]:
        old, new = before.extra.get(key), after.extra.get(key)
        if (key in before.extra) != (key in after.extra) or not same(old, new):
            changes.append(Change(after.id, key, old, new))
    return changes


def _whole(task_id: str, before: Task | None, after: Task | None, kind: ChangeKind) -> Change:
    return Change(task_id, kind.value, before, after, kind)
