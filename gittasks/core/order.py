"""Orders: the numbers by which tasks stand in a list, and the place of a new task."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence

from gittasks.core.model import Status, Task
from gittasks.core.validation import ORDER_DECIMALS, ORDER_LIMIT

Order = int | float
Key = tuple[float, str, str]
"""`Task.sort_key`."""
_NUMBERED = re.compile(r"PHASE ([0-9]{1,4})([a-z]?)", re.IGNORECASE)


def between(low: Order | None, high: Order, count: int) -> list[Order] | None:
    """`count` numbers that increase from above `low` to below `high`, or None without room."""
    if low is None:
        low = 0 if high > 0 else int(high // 1) - count - 1
    first = int(low // 1) + 1
    if first + count - 1 < high:
        return [first + n for n in range(count)]
    step = (high - low) / (count + 1)
    for digits in range(1, ORDER_DECIMALS + 1):
        numbers = [round(low + step * (n + 1), digits) for n in range(count)]
        if all(a < b for a, b in zip([low, *numbers], [*numbers, high], strict=True)):
            return list(numbers)
    return None


def phase_number(label: str | None) -> tuple[int, str] | None:
    """`PHASE 3b` as (3, "b"); None for a phase with a name."""
    match = _NUMBERED.fullmatch(label or "")
    return (int(match[1]), match[2].lower()) if match else None


class Places:
    """The places of the tasks of a list, kept while tasks are added: the last of each phase, and
    of those that wait for the same task. Each question costs the same in a list of any length."""

    __slots__ = ("_first", "_keys", "_last", "_waiting")

    def __init__(self, tasks: Iterable[Task]) -> None:
        alive = [t for t in tasks if t.status is not Status.DELETED]
        self._keys = sorted(t.sort_key for t in alive)
        self._first: dict[str, Key] = {}
        self._last: dict[str, Key] = {}
        self._waiting: dict[str, Key] = {}
        for task in alive:
            self._note(task)

    def add(self, task: Task) -> None:
        """Take a new task in."""
        insort(self._keys, task.sort_key)
        self._note(task)

    def _note(self, task: Task) -> None:
        key, label = task.sort_key, (task.phase_label or "").casefold()
        self._first[label] = min(key, self._first.get(label, key))
        self._last[label] = max(key, self._last.get(label, key))
        for blocker in task.blocked_by:
            self._waiting[blocker] = max(key, self._waiting.get(blocker, key))

    def orders_of(
        self,
        task: Task,
        blockers: Sequence[Task],
        dependents: Sequence[Task],
        latest: Task | None,
        count: int,
    ) -> list[Order] | None:
        """The orders of a new task, or of a loop that begins with it; None for those at the end.

        It goes behind the last task of its phase; a numbered phase of which there is none, before
        later ones; else behind the last that it waits for and those that wait for the same; else
        before the first that waits for it. `latest` was made just before by the same caller, who
        gave the two in this sequence.
        """
        label = task.phase_label
        if label and (last := self._last.get(label.casefold())):
            return self.after(last, count)
        if (number := phase_number(label)) is not None:
            return self._before_later_phases(number, count)
        if blockers:
            keys = [self._waiting.get(b.id, b.sort_key) for b in blockers]
            keys += [b.sort_key for b in blockers]
            keys += [latest.sort_key] if latest and not latest.phase_label else []
            return self.after(max(keys), count)
        if dependents:
            return self._before(min(d.sort_key for d in dependents), count)
        return None

    def _before_later_phases(self, number: tuple[int, str], count: int) -> list[Order] | None:
        later = [
            key
            for label, key in self._first.items()
            if (other := phase_number(label)) and other > number
        ]
        return self._before(min(later), count) if later else None

    def after(self, key: Key, count: int = 1) -> list[Order] | None:
        """`count` orders right behind a place; None where that is the end, or without room."""
        place = bisect_right(self._keys, key)
        if place == len(self._keys) or key[0] >= ORDER_LIMIT:
            return None
        low, high = _number(key[0]), self._keys[place][0]
        if high >= ORDER_LIMIT:  # tasks without an order stand there
            return [int(low // 1) + 1 + n for n in range(count)]
        if numbers := between(low, _number(high), count):
            return numbers
        return [low] if count == 1 else None  # of one number what was made later stands behind

    def _before(self, key: Key, count: int) -> list[Order] | None:
        place = bisect_left(self._keys, key)
        if place:
            return self.after(self._keys[place - 1], count)
        return between(None, _number(key[0]), count) if abs(key[0]) < ORDER_LIMIT else None


def _number(order: float) -> Order:
    return int(order) if order.is_integer() else order
