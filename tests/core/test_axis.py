"""The time axis: order is kept, idle times are cut, what is written at it can be read."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gittasks.core.times import DAY, HOUR, parse_time
from gittasks.render.history_text import Axis

START = parse_time("2026-11-22T10:00:00Z")
_INTERVALS = st.lists(
    st.tuples(st.integers(0, 400 * DAY), st.integers(0, 3 * DAY)).map(
        lambda pair: (START + pair[0], START + pair[0] + pair[1])
    ),
    max_size=20,
)


def test_a_night_takes_little_room() -> None:
    """Two hours of work with a night between them: the work has nearly all of the axis."""
    axis = Axis.of([(START, START + HOUR), (START + 15 * HOUR, START + 16 * HOUR)])
    assert [round(s.right - s.left, 2) for s in axis.stretches] == [0.48, 0.48]
    assert [gap.seconds for gap in axis.gaps] == [14 * HOUR]
    assert axis.place(START + 8 * HOUR) == axis.stretches[1].left


def test_a_pause_is_no_gap() -> None:
    """Ten minutes between two tasks are drawn as ten minutes."""
    axis = Axis.of([(START, START + 600), (START + 1200, START + 1800)])
    assert axis.gaps == []
    assert axis.place(START + 900) == 0.5


def test_round_moments_are_written() -> None:
    """Times of day at round minutes; the date where it is new."""
    axis = Axis.of([(START + 120, START + 2 * HOUR)])
    ticks = [(t.date, t.clock) for t in axis.ticks(5)]
    assert ticks == [("2026-11-22", "10:30"), ("", "11:00"), ("", "11:30"), ("", "12:00")]


def test_ticks_reach_the_end() -> None:
    """They are spread over all of the axis, however many hours it has."""
    for hours in range(1, 50):
        ticks = Axis.of([(START, START + hours * HOUR)]).ticks(8)
        assert ticks[0].place < 0.4, (hours, ticks)
        assert ticks[-1].place > 0.6, (hours, ticks)


@given(_INTERVALS, st.integers(2, 12))
def test_order_is_kept_and_ticks_lie_apart(intervals: list[tuple[int, int]], most: int) -> None:
    """Places are between 0 and 1 and in the order of the moments; no two ticks crowd."""
    axis = Axis.of(intervals)
    moments = sorted(m for interval in intervals for m in interval)
    places = [axis.place(m) for m in moments]
    assert places == sorted(places)
    assert all(0 <= place <= 1 for place in places)
    assert axis.stretches[0].left == 0
    assert abs(axis.stretches[-1].right - 1) < 1e-9
    ticks = axis.ticks(most)
    assert 1 <= len(ticks) <= most
    assert all(b.place - a.place > 0.9 / most for a, b in pairwise(ticks))
    assert sum(gap.right - gap.left for gap in axis.gaps) <= 0.25 + 1e-9
