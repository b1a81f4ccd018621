"""Changes between tasks and between snapshots, as values."""

from __future__ import annotations

from gittasks.core.fields import FIELDS
from gittasks.core.model import LIST_MARKS, Snapshot, Task, in_order
from gittasks.light import TYPE_CHECKING, NamedTuple, StrEnum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any


def strictly_equal(one: Any, other: Any) -> bool:
    """Are two stored values the same? Unlike `==` this tells 1 from True and 1.0."""
    if one is other:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(strictly_equal(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(strictly_equal, one, other))
    if isinstance(one, (bool, int, float)) and type(one) is not type(other):
        return False
    return bool(one == other)


def same_task(one: Task, other: Task) -> bool:
    """Are two tasks the same in every stored value?"""
    if one is other:
        return True
    return (
        one == other
        and strictly_equal(one.order, other.order)
        and strictly_equal(one.metadata, other.metadata)
        and strictly_equal(one.extra, other.extra)
    )


def changed_ids(before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    """Ids of the tasks that are new or differ, in order of display, then of those removed."""
    old, new = before.tasks, after.tasks
    if old is new:
        return ()
    differing = [(old.get(i), t) for i, t in new.items() if old.get(i) is not t]
    present = [after for before, after in differing if not (before and same_task(before, after))]
    removed = [old[i] for i in old.keys() - new.keys()]
    return tuple(t.id for part in (present, removed) for t in in_order(part))


def diff(before: Snapshot, after: Snapshot) -> tuple[Change, ...]:
    """All changes: the list itself, then the tasks in order of display, fields as the table has
    them."""
    names = ("title", *LIST_MARKS, "format", "rules", "settings", "extra")
    changes = [
        Change("", name, getattr(before.info, name), getattr(after.info, name))
        for name in (names if before.info is not after.info else ())
        if not strictly_equal(getattr(before.info, name), getattr(after.info, name))
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


_PLACES = [(Task._fields.index(field.attr), field.name) for field in FIELDS]


def task_changes(before: Task | None, after: Task | None) -> list[Change]:
    """The changes of one task; None stands for a task that is not there."""
    if before is None or after is None:
        if after is not None:
            return [_whole(after.id, None, after, ChangeKind.CREATED)]
        return [_whole(before.id, before, None, ChangeKind.REMOVED)] if before else []
    changes = []
    old: Any
    new: Any
    for place, name in _PLACES:
        old, new = before[place], after[place]
        if old is not new and not strictly_equal(old, new):
            changes.append(Change(after.id, name, old, new))
    for key in [*before.extra, *(k for k in after.extra if k not in before.extra)]:
        old, new = before.extra.get(key), after.extra.get(key)
        if (key in before.extra) != (key in after.extra) or not strictly_equal(old, new):
            changes.append(Change(after.id, key, old, new))
    return changes


def _whole(task_id: str, before: Task | None, after: Task | None, kind: ChangeKind) -> Change:
    return Change(task_id, kind.value, before, after, kind)


class ChangeKind(StrEnum):
    """A change of one field, or of a whole task: its file is new, gone, or no longer reads."""

    FIELD = "field"
    CREATED = "created"
    REMOVED = "removed"
    UNREADABLE = "unreadable"
    REPAIRED = "repaired"


class Change(NamedTuple):
    """One field of one task before and after.

    `field` is the name in the file and in JSON; that of a whole task is the word of its kind, with
    the Task `after` its creation or `before` its removal. A change of the list itself has the
    task "". In a LogEntry the values are those of JSON, and a whole task stands as its subject.
    """

    task: str
    field: str
    before: Any
    after: Any
    kind: ChangeKind = ChangeKind.FIELD


def logged(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Changes as they stand in an entry."""
    return tuple(Change(i, name, plain(o), plain(n), kind) for i, name, o, n, kind in changes)


def plain(value: Any) -> Any:
    """A value of the model as JSON; a whole task stands as its subject."""
    if value is None or type(value) is str:
        return value
    if isinstance(value, Task):
        return value.subject
    if isinstance(value, tuple):
        return [v._asdict() if hasattr(v, "_asdict") else v for v in value]
    return dict(value) if hasattr(value, "keys") else value


class Splice(NamedTuple):
    """The part in which two values differ: what stood from `start` on, and what stands there.

    Of maps it is the keys that differ, in whatever order the two have them.
    """

    start: int
    removed: Any
    added: Any

    def undone(self, after: Any) -> Any:
        """The value before."""
        if isinstance(after, dict):
            rest = {key: value for key, value in after.items() if key not in self.added}
            return dict(sorted({**rest, **self.removed}.items()))
        end = self.start + len(self.added)
        return after[: self.start] + self.removed + after[end:]


def spliced(before: Any, after: Any) -> Splice:
    """The part in which two texts, two lists or two maps differ, as short as it gets."""
    if isinstance(before, dict):
        return Splice(0, _own(before, after), _own(after, before))
    # Lists by the text of their parts, as 1 and True are equal; the parts of tuples are text.
    old, new = (
        value if isinstance(value, str | tuple) else [*map(repr, value)]
        for value in (before, after)
    )
    shorter = min(len(old), len(new))
    start = _common(shorter, lambda n: old[:n] == new[:n])
    left = shorter - start
    end = _common(left, lambda n: old[len(old) - n :] == new[len(new) - n :])
    return Splice(start, before[start : len(before) - end], after[start : len(after) - end])


def _own(values: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    """The entries of a map that another has not, or not so."""
    return {
        key: value
        for key, value in values.items()
        if key not in others or not strictly_equal(value, others[key])
    }


def _common(most: int, alike: Callable[[int], bool]) -> int:
    """The greatest length up to `most` in which two values are alike, as they are in all below."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if alike(middle) else (low, middle - 1)
    return low
