"""Moments as people write them."""

from __future__ import annotations

import pytest

from gittasks.core.times import parse_ahead, parse_time, parse_when

NOW = parse_time("2026-11-25T10:00:00Z")


def read(text: str, east: int = 0) -> int | None:
    """What `text` means where clocks are `east` hours ahead of UTC."""
    return parse_when(text, NOW, lambda written: written - east * 3600)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z"),
        ("2026-11-22t10:00:00z", "2026-11-22T10:00:00Z"),
        ("2026-11-22T10:00:00.123Z", "2026-11-22T10:00:00Z"),
        ("2026-11-22T10:00:00+02:00", "2026-11-22T08:00:00Z"),
        ("2026-11-22 10:00:00 -0530", "2026-11-22T15:30:00Z"),
        ("2026-11-22 10:00:00Z", "2026-11-22T10:00:00Z"),
        ("now", "2026-11-25T10:00:00Z"),
        ("2h", "2026-11-25T08:00:00Z"),
        ("2h ago", "2026-11-25T08:00:00Z"),
        ("90 minutes ago", "2026-11-25T08:30:00Z"),
        ("  1  Day  ago ", "2026-11-24T10:00:00Z"),
        ("100d", "2026-08-17T10:00:00Z"),
        ("1w", "2026-11-18T10:00:00Z"),
    ],
)
def test_times_that_say_all(text: str, meant: str) -> None:
    """A zone, or how long ago, means the same everywhere."""
    for east in (-8, 0, 13):
        assert read(text, east) == parse_time(meant)


@pytest.mark.parametrize(
    ("text", "east", "meant"),
    [
        ("2026-11-22", 0, "2026-11-22T00:00:00Z"),
        ("2026-11-22", 2, "2026-11-21T22:00:00Z"),
        ("2026-11-22 10:30", 2, "2026-11-22T08:30:00Z"),
        ("2026-11-22T10:30:15", -5, "2026-11-22T15:30:15Z"),
        ("today", 0, "2026-11-25T00:00:00Z"),
        ("today", 13, "2026-11-24T11:00:00Z"),
        ("today", 15, "2026-11-25T09:00:00Z"),
        ("9:05", 2, "2026-11-25T07:05:00Z"),
        ("09:05:07", -3, "2026-11-25T12:05:07Z"),
        ("Yesterday", -11, "2026-11-23T11:00:00Z"),
        ("tomorrow", 0, "2026-11-26T00:00:00Z"),
    ],
)
def test_times_of_the_place(text: str, east: int, meant: str) -> None:
    """Without a zone the reader's counts; a day begins at midnight there."""
    assert read(text, east) == parse_time(meant)


@pytest.mark.parametrize("text", ["", "1a2b3c4", "soon", "2 moons ago", "20261122", "p1", "10"])
def test_what_is_no_time(text: str) -> None:
    """Anything else may be the name of a commit."""
    assert read(text) is None


@pytest.mark.parametrize(
    "text", ["2026-02-30", "2026-13-01", "2026-11-22 25:00", "2026-11-22T10:00:00+99:00"]
)
def test_what_does_not_exist(text: str) -> None:
    """The form of a time with impossible figures is an error, not the name of a commit."""
    with pytest.raises(ValueError, match="no such time"):
        read(text)


@pytest.mark.parametrize(
    ("text", "east", "meant"),
    [
        ("2h", 0, "2026-11-25T12:00:00Z"),
        ("in 2 hours", 9, "2026-11-25T12:00:00Z"),
        (" In  3 days", 0, "2026-11-28T10:00:00Z"),
        ("1w", 0, "2026-12-02T10:00:00Z"),
        ("tomorrow", 2, "2026-11-25T22:00:00Z"),
        ("2026-12-01", 0, "2026-12-01T00:00:00Z"),
        ("2026-12-01", 2, "2026-11-30T22:00:00Z"),
        ("2026-12-01T09:00:00+01:00", 5, "2026-12-01T08:00:00Z"),
        ("18:00", 0, "2026-11-25T18:00:00Z"),
    ],
)
def test_times_to_come(text: str, east: int, meant: str) -> None:
    """A span counts from now on; the rest is as everywhere else."""
    assert parse_ahead(text, NOW, lambda written: written - east * 3600) == parse_time(meant)


@pytest.mark.parametrize("text", ["2h ago", "1 day ago", "soon", "next tuesday", "in", "in 2", ""])
def test_what_is_no_time_to_come(text: str) -> None:
    """How long ago is none, nor is what is no time."""
    assert parse_ahead(text, NOW, lambda written: written) is None
