"""Stored times and durations: exact both ways, strict about form, floor in words."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.core.times import (
    duration_brief,
    duration_short,
    duration_words,
    format_time,
    parse_time,
    seconds_between,
)

MOMENTS = st.datetimes(
    min_value=datetime.datetime(1, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    max_value=datetime.datetime(9999, 12, 31, 23, 59, 59),  # noqa: DTZ001
    timezones=st.just(datetime.UTC),
).map(lambda moment: moment.replace(microsecond=0))


@given(MOMENTS)
def test_agrees_with_datetime(moment: datetime.datetime) -> None:
    """Both directions give what the standard library's calendar gives."""
    epoch = (moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)) // datetime.timedelta(
        seconds=1
    )
    text = moment.replace(tzinfo=None).isoformat() + "Z"
    assert parse_time(text) == epoch
    assert format_time(epoch) == text


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59Z", -1),
        ("2000-02-29T00:00:00Z", 951782400),
        ("2026-11-22T10:00:00Z", 1795341600),
        ("0001-01-01T00:00:00Z", -62135596800),
        ("9999-12-31T23:59:59Z", 253402300799),
    ],
)
def test_known_moments(text: str, epoch: int) -> None:
    """Fixed points: the epoch, its eve, a leap day, both ends of the calendar."""
    assert parse_time(text) == epoch
    assert format_time(epoch) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-22",
        "2026-11-22T10:00:00",
        "2026-11-22T10:00:00z",
        "2026-11-22 10:00:00Z",
        "2026-11-22T10:00:00+00:00",
        "2026-11-22T10:00:00.0Z",
        "2026-1-022T10:00:00Z",
        "+026-11-22T10:00:00Z",
        "202٦-11-22T10:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-31T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T10:60:00Z",
        "2026-11-22T10:00:60Z",
    ],
)
def test_refuses_other_forms(text: str) -> None:
    """Only the stored form and only moments that exist are times."""
    with pytest.raises(ValueError, match="time"):
        parse_time(text)


@pytest.mark.parametrize("epoch", [-62135596801, 253402300800])
def test_refuses_moments_that_have_no_stored_form(epoch: int) -> None:
    with pytest.raises(ValueError, match="1 to 9999"):
        format_time(epoch)


@pytest.mark.parametrize(
    ("seconds", "words", "brief", "short"),
    [
        (-5, "0 seconds", "0 s", "0s"),
        (0, "0 seconds", "0 s", "0s"),
        (1, "1 second", "1 s", "1s"),
        (30, "30 seconds", "30 s", "30s"),
        (60, "1 minute", "1 min", "1m"),
        (119, "1 minute", "1 min", "1m"),
        (180, "3 minutes", "3 min", "3m"),
        (3600, "1 hour", "1 h", "1h00m"),
        (3900, "1 hour 5 minutes", "1 h 5 min", "1h05m"),
        (7500, "2 hours 5 minutes", "2 h 5 min", "2h05m"),
        (86400, "1 day", "1 d", "1d00h"),
        (183600, "2 days 3 hours", "2 d 3 h", "2d03h"),
        (86400 + 59, "1 day", "1 d", "1d00h"),
    ],
)
def test_duration_words(seconds: int, words: str, brief: str, short: str) -> None:
    """At most two units, cut and not rounded, singular where it is one."""
    assert duration_words(seconds) == words
    assert duration_brief(seconds) == brief
    assert duration_short(seconds) == short


def test_seconds_between() -> None:
    """Never negative, and None rather than an error when a time is missing or unreadable."""
    early, late = "2026-11-22T10:00:00Z", "2026-11-22T10:02:05Z"
    assert seconds_between(early, late) == 125
    assert seconds_between(late, early) == 0
    assert seconds_between(None, late) is None
    assert seconds_between(early, None) is None
    assert seconds_between(early, "yesterday") is None
