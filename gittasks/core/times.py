"""Stored times (RFC 3339, UTC, whole seconds) as epoch seconds and back; durations in words.

Also moments as people write them: RFC 3339, a date, or how long ago. The arithmetic is done
here, because `datetime` would cost every command more than it saves.
"""

from __future__ import annotations

from gittasks.errors import Usage
from gittasks.light import TYPE_CHECKING, lru_cache, pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MINUTE, HOUR, DAY = 60, 3600, 86400
_FORM = "0000-00-00T00:00:00Z"
_UNITS = {"s": 1, "m": MINUTE, "min": MINUTE, "h": HOUR, "d": DAY}
_BEFORE_MONTH = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365)


@lru_cache(4096)
def parse_time(text: str) -> int:
    """Epoch seconds of a stored time, `YYYY-MM-DDTHH:MM:SSZ`.

    Raises ValueError for any other form and for a date or time of day that does not exist.
    """
    parts = text[11:13], text[14:16], text[17:19]
    if (
        len(text) != len(_FORM)
        or not text.isascii()
        or text[4::3] != "--T::Z"
        or not "".join(parts).isdigit()
    ):
        raise ValueError(f"not a time like {_FORM}: {text!r}")
    hour, minute, second = map(int, parts)
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(f"no such time: {text}")
    return _parse_date(text[:10]) + hour * HOUR + minute * MINUTE + second


@lru_cache(128)
def _parse_date(text: str) -> int:
    """Epoch seconds of the begin of a day, `YYYY-MM-DD`; the times of a list are of few days."""
    parts = text[:4], text[5:7], text[8:]
    if not "".join(parts).isdigit():
        raise ValueError(f"not a time like {_FORM}: {text!r}")
    year, month, day = map(int, parts)
    if year < 1 or not 1 <= month <= 12:
        raise ValueError(f"no such time: {text}")
    before = _days_before(year, month)
    if not 1 <= day <= _days_before(year, month + 1) - before:
        raise ValueError(f"no such time: {text}")
    return (before + day - 1 - _EPOCH) * DAY


def is_time(text: str) -> bool:
    """True when `text` is a stored time of a moment that exists."""
    try:
        parse_time(text)
    except ValueError:
        return False
    return True


_RFC3339 = pattern(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}):([0-9]{2})(?:\.[0-9]{1,12})?"
    r"(?:[Zz]|([+-][0-9]{2}:[0-9]{2}))"
)


def normal_time(text: str) -> str:
    """An RFC 3339 time as it is stored: UTC, whole seconds (cut), `Z`. Raises ValueError."""
    if is_time(text):
        return text
    match = _RFC3339.fullmatch(text)
    if not match:
        raise ValueError(text)
    day, clock, second, offset = match.groups()
    second = "59" if second == "60" else second  # a leap second has no number of its own
    written = parse_time(f"{day}T{clock}:{second}Z")
    return format_time(written - zone_seconds(offset or "+00:00"))


def zone_seconds(offset: str) -> int:
    """Seconds east of UTC of an offset like `+02:00`; ValueError when there is no such zone."""
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError(f"no such time zone: {offset}")
    seconds = hours * HOUR + minutes * MINUTE
    return -seconds if offset[0] == "-" else seconds


def format_time(epoch: int) -> str:
    """The stored form of a moment given in epoch seconds; ValueError outside the years 1–9999."""
    days, seconds = divmod(epoch, DAY)
    days += _EPOCH
    # The mean year of the calendar gives the year or one of its neighbours.
    year = days * 400 // 146097 + 1
    while _days_before(year, 1) > days:
        year -= 1
    while _days_before(year + 1, 1) <= days:
        year += 1
    if not 1 <= year <= 9999:
        raise ValueError(f"a time outside the years 1 to 9999: {epoch}")
    month = 12
    while _days_before(year, month) > days:
        month -= 1
    day = days - _days_before(year, month) + 1
    hour, minute, second = seconds // HOUR, seconds // MINUTE % 60, seconds % 60
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"


def seconds_between(start: str | None, end: str | None) -> int | None:
    """Seconds from one stored time to another; 0 if the clocks disagree and it would be negative.

    None when a time is missing or unreadable: a duration is a courtesy, never worth an error.
    """
    if start is None or end is None:
        return None
    try:
        return max(0, parse_time(end) - parse_time(start))
    except ValueError:
        return None


_DURATION = pattern(r"(\d{1,6})\s*(s|m|min|h|d)?")


def duration(text: str, name: str) -> int:
    """Seconds of `90s`, `30m`, `2h`, `1d`, or of a bare number; Usage for any other text.

    `name` is what the error calls it.
    """
    match = _DURATION.fullmatch(text.strip())
    if not match:
        raise Usage(f'{name} takes a time such as 90s, 30m or 2h, not "{text}"')
    return int(match[1]) * _UNITS[match[2] or "s"]


def duration_words(seconds: int) -> str:
    """A duration in full words, cut to its two largest units: `3 minutes`, `2 hours 5 minutes`.

    Seconds are named only below a minute, so that a figure does not look more exact than it is.
    """
    units = (("day", "days"), ("hour", "hours"), ("minute", "minutes"), ("second", "seconds"))
    return " ".join(f"{n} {units[u][n != 1]}" for n, u in _split(seconds))


def duration_brief(seconds: int) -> str:
    """A duration as the list shows it beside a task: `30 s`, `2 min`, `1 h 5 min`, `2 d 3 h`."""
    units = ("d", "h", "min", "s")
    return " ".join(f"{n} {units[u]}" for n, u in _split(seconds))


def duration_short(seconds: int) -> str:
    """A duration for a narrow column: `30s`, `2m`, `1h05m`, `2d03h`."""
    if seconds < MINUTE:
        return f"{max(seconds, 0)}s"
    if seconds < HOUR:
        return f"{seconds // MINUTE}m"
    if seconds < DAY:
        return f"{seconds // HOUR}h{seconds % HOUR // MINUTE:02}m"
    return f"{seconds // DAY}d{seconds % DAY // HOUR:02}h"


def _split(seconds: int) -> Iterator[tuple[int, int]]:
    """The largest unit that fits and the next one if not zero, as (count, index of the unit)."""
    seconds = max(seconds, 0)
    counts = (seconds // DAY, seconds % DAY // HOUR, seconds % HOUR // MINUTE, seconds % MINUTE)
    first = next((i for i, n in enumerate(counts) if n), 3)
    yield counts[first], first
    if first < 2 and counts[first + 1]:
        yield counts[first + 1], first + 1


def _days_before(year: int, month: int) -> int:
    """Days from 0001-01-01 to the first of a month; month 13 is the January that follows."""
    past = year - 1
    leap = month > 2 and (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))
    return 365 * past + past // 4 - past // 100 + past // 400 + _BEFORE_MONTH[month - 1] + leap


_EPOCH = _days_before(1970, 1)


_AGE_UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), MINUTE),
    **dict.fromkeys(("h", "hour", "hours"), HOUR),
    **dict.fromkeys(("d", "day", "days"), DAY),
    **dict.fromkeys(("w", "week", "weeks"), 7 * DAY),
}
_AGO = pattern(r"(\d{1,5}) ?([a-z]+)(?: ago)?")
_AHEAD = pattern(r"(?:in )?(\d{1,5}) ?([a-z]+)")
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_CLOCK = pattern(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")
_STAMP = pattern(
    r"(?i)(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.\d+)?)?"
    r"(?:\s?(Z)|\s?([+-])(\d\d):?(\d\d))?)?",
)


def parse_when(text: str, now: int, from_local: Callable[[int], int]) -> int | None:
    """Epoch seconds of `text`, None when it is no time at all.

    What names no zone is meant here: `from_local` turns such a time, read as if it were UTC, into
    epoch seconds. A date means its first second. Raises ValueError for a date that does not exist.
    """
    words = " ".join(text.lower().split())
    if words == "now":
        return now
    clock = _CLOCK.fullmatch(words)
    if clock or words in _DAYS:
        wall = now + (now - from_local(now))  # the local clock, read as if it were in UTC
        midnight = wall - wall % DAY + _DAYS.get(words, 0) * DAY
        parts = clock.groups("0") if clock else ()
        units = zip(parts, (HOUR, MINUTE, 1), strict=False)
        return from_local(midnight + sum(int(part) * unit for part, unit in units))
    if (match := _AGO.fullmatch(words)) and match[2] in _AGE_UNITS:
        return now - int(match[1]) * _AGE_UNITS[match[2]]
    if match := _STAMP.fullmatch(text.strip()):
        date, time, second, utc, sign, hours, minutes = match.groups()
        written = parse_time(f"{date}T{time or '00:00'}:{second or '00'}Z")
        if utc:
            return written
        if sign is None:
            return from_local(written)
        return written - zone_seconds(f"{sign}{hours}:{minutes}")
    return None


def parse_ahead(text: str, now: int, from_local: Callable[[int], int]) -> int | None:
    """Epoch seconds of `text`, which names a time to come: `2h` and `in 2h` are two hours from now.

    Else as `parse_when`, but for how long ago, which is None.
    """
    words = " ".join(text.lower().split())
    if (match := _AHEAD.fullmatch(words)) and match[2] in _AGE_UNITS:
        return now + int(match[1]) * _AGE_UNITS[match[2]]
    return None if _AGO.fullmatch(words) else parse_when(text, now, from_local)
