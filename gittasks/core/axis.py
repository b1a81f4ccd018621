"""A time axis on which work is seen: long times in which nothing happened are cut short.

A list that is worked on for an hour a day would else be all night.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from gittasks.core.clock import DAY, HOUR, MINUTE, format_time

_IDLE = 15 * MINUTE
"""An idle time is cut when it is longer than this and than a tenth of the time at work."""
_GAPS = 0.25
"""Share of the axis that cut times may take together, ..."""
_GAP = 0.04
"""... and one of them."""
_STEPS = (
    *(1, 5, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE),
    *(HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR),
    *(DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 91 * DAY, 365 * DAY),
)


class Stretch(NamedTuple):
    """A time in which something happened, and where it lies between 0 and 1."""

    start: int
    end: int
    left: float
    right: float


class Gap(NamedTuple):
    """A cut time: where it lies, and how long it was."""

    left: float
    right: float
    seconds: int


class Tick(NamedTuple):
    """A moment to write at the axis: its date, if that is new, and the time of day, if of use."""

    at: int
    place: float
    date: str
    clock: str


class Axis(NamedTuple):
    """Where moments lie between 0 and 1. All times are epoch seconds."""

    stretches: tuple[Stretch, ...]

    @classmethod
    def of(cls, intervals: Iterable[tuple[int, int]]) -> Axis:
        """An axis for these times; at least a minute long."""
        merged = _joined(sorted(intervals) or [(0, 0)])
        # A lone moment is seen too.
        merged = [(start, max(end, start + MINUTE)) for start, end in merged]
        gap = min(_GAP, _GAPS / (len(merged) - 1)) if len(merged) > 1 else 0.0
        share = (1.0 - gap * (len(merged) - 1)) / sum(end - start for start, end in merged)
        left, found = 0.0, []
        for start, end in merged:
            right = min(left + share * (end - start), 1.0)
            found.append(Stretch(start, end, left, right))
            left = right + gap
        return cls(tuple(found))

    @property
    def gaps(self) -> list[Gap]:
        """The times that were cut."""
        return [Gap(a.right, b.left, b.start - a.end) for a, b in pairwise(self.stretches)]

    def place(self, at: int) -> float:
        """Where a moment lies; one in a gap at its end, one outside at the nearer end."""
        for stretch in self.stretches:
            if at < stretch.start:
                return stretch.left
            if at <= stretch.end:
                share = (at - stretch.start) / max(1, stretch.end - stretch.start)
                return stretch.left + share * (stretch.right - stretch.left)
        return 1.0

    def ticks(self, most: int) -> list[Tick]:
        """Round moments, at most so many, none too near to another to be read."""
        apart = 1 / max(most - 1, 1)
        found: list[Tick] = []
        day = ""
        for stretch in self.stretches:
            seconds = (stretch.end - stretch.start) * apart / (stretch.right - stretch.left or 1)
            step, moments = _round_moments(stretch, seconds)
            for at in moments:
                place = self.place(at)
                if found and place - found[-1].place < apart * 0.99:
                    continue
                date, _, clock = format_time(at).partition("T")
                clock = "" if step >= DAY else clock[: 8 if step < MINUTE else 5]
                found.append(Tick(at, place, "" if date == day else date, clock))
                day = date
        return found[:most]


def _round_moments(stretch: Stretch, apart: float) -> tuple[int, range]:
    """The roundest moments in a stretch that are so many seconds apart, or the roundest one."""
    start, end = stretch.start, stretch.end
    fitting = next((i for i, step in enumerate(_STEPS) if step >= apart), len(_STEPS) - 1)
    for step in reversed(_STEPS[: fitting + 1]):
        first = -(-start // step) * step
        if first <= end:
            return step, range(first, end + 1, step)
    return _STEPS[0], range(start, end + 1)


def _joined(intervals: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The intervals with what lies closely together made one."""
    touching = _near(intervals, 0)
    work = sum(end - start for start, end in touching)
    return _near(touching, max(_IDLE, work // 10))


def _near(intervals: list[tuple[int, int]], apart: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, end in intervals:
        if found and start - found[-1][1] <= apart:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found
