"""Numbers for the `order` of tasks that are to stand in a given sequence.

Tasks that already stand in that sequence keep their numbers, so that only what is new or moved
is written. A number between two others is whole if there is room, else it has up to six decimals.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from gittasks.core.model import Task
from gittasks.core.texts import ORDER_DECIMALS as DECIMALS
from gittasks.core.texts import ORDER_LIMIT as LIMIT


def place(wanted: Sequence[str], tasks: Mapping[str, Task]) -> dict[str, int | float]:
    """The orders that have to be set so that the ids `wanted` stand in their sequence.

    Ids that are not in `tasks` are new; other tasks of the list may stand between. What keeps
    its place has no entry, so that a second call after the first has nothing to set.
    """
    kept = _increasing([(n, tasks[i].sort_key) for n, i in enumerate(wanted) if i in tasks])
    if len(kept) == len(wanted):
        return {}
    last_placed = max(n for n in range(len(wanted)) if n not in kept)
    steady = [n for n in sorted(kept) if tasks[wanted[n]].order is not None or n > last_placed]
    orders = (t.order for t in tasks.values() if t.order is not None)
    top = max((o for o in orders if -LIMIT < o < LIMIT), default=0)
    return _fill(wanted, tasks, steady, top)


def _increasing(keys: Sequence[tuple[int, tuple[float, str, str]]]) -> set[int]:
    """Positions of a longest run of tasks whose keys increase along the sequence."""
    ends: list[tuple[float, str, str]] = []
    last: list[int] = []
    before: dict[int, int | None] = {}
    for position, key in keys:
        length = bisect_left(ends, key)
        before[position] = last[length - 1] if length else None
        ends[length : length + 1] = [key]
        last[length : length + 1] = [position]
    kept: set[int] = set()
    step = last[-1] if last else None
    while step is not None:
        kept.add(step)
        step = before[step]
    return kept


def _fill(
    wanted: Sequence[str], tasks: Mapping[str, Task], steady: Sequence[int], top: float
) -> dict[str, int | float]:
    """Numbers for all but the steady positions, between the numbers of their steady neighbours.

    Where there is no room, the neighbour behind gives up its number too.
    """
    placed: dict[str, int | float] = {}
    waiting: list[str] = []
    low: int | float | None = None
    fixed = set(steady)
    for n, name in enumerate(wanted):
        order = tasks[name].order if n in fixed else None
        if order is None:
            if n not in fixed:
                waiting.append(name)
            continue
        if not waiting:
            low = order
            continue
        numbers = _between(low, order, len(waiting))
        if numbers is None:
            waiting.append(name)
            continue
        placed.update(zip(waiting, numbers, strict=True))
        waiting, low = [], order
    first = int(top // 1) + 1
    placed.update((name, first + n) for n, name in enumerate(waiting))
    return placed


def _between(low: int | float | None, high: int | float, count: int) -> list[int | float] | None:
    """`count` numbers that increase from above `low` to below `high`, or None without room."""
    if low is None:
        low = 0 if high > 0 else int(high // 1) - count - 1
    first = int(low // 1) + 1
    if first + count - 1 < high:
        return [first + n for n in range(count)]
    step = (high - low) / (count + 1)
    for digits in range(1, DECIMALS + 1):
        numbers = [round(low + step * (n + 1), digits) for n in range(count)]
        if all(a < b for a, b in zip([low, *numbers], [*numbers, high], strict=True)):
            return list(numbers)
    return None
