"""Which state is further on, and what an offset from UTC means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gittasks.core.model import Status
from gittasks.core.times import normal_time, zone_seconds


def test_a_state_is_ahead_of_those_that_lead_to_it() -> None:
    """Pending, in progress, closed; deletion is no progress."""
    assert Status.IN_PROGRESS.is_ahead_of(Status.PENDING)
    assert Status.SKIPPED.is_ahead_of(Status.IN_PROGRESS)
    assert not Status.COMPLETED.is_ahead_of(Status.SKIPPED)
    assert not any(Status.DELETED.is_ahead_of(other) for other in Status)


@pytest.mark.parametrize("text", ["+24:00", "-00:60", "+99:99"])
def test_no_such_zone(text: str) -> None:
    """An offset is less than a day."""
    with pytest.raises(ValueError, match="no such time zone"):
        zone_seconds(text)


_ZONES = st.integers(-24 * 60 + 1, 24 * 60 - 1).map(lambda m: timezone(timedelta(minutes=m)))


@given(st.datetimes(timezones=_ZONES))
@example(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))))
@example(datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-1))))
def test_law_a_time_by_hand_is_the_same_moment_in_utc(moment: datetime) -> None:
    """As the standard library has it, whichever zone it was written in."""
    text = moment.replace(microsecond=0).isoformat()
    try:
        expected = moment.replace(microsecond=0).astimezone(UTC)
    except OverflowError:
        with pytest.raises(ValueError, match="years 1 to 9999"):
            normal_time(text)
        return
    assert normal_time(text) == expected.strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)
