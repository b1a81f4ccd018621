"""A moment as people write it: RFC 3339, a date, or how long ago."""

from __future__ import annotations

import re
from collections.abc import Callable

from gittasks.core.clock import DAY, HOUR, MINUTE, parse_time, zone_seconds

_UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), MINUTE),
    **dict.fromkeys(("h", "hour", "hours"), HOUR),
    **dict.fromkeys(("d", "day", "days"), DAY),
    **dict.fromkeys(("w", "week", "weeks"), 7 * DAY),
}
_AGO = re.compile(r"(\d{1,5}) ?([a-z]+)(?: ago)?")
_DAYS = {"today": 0, "yesterday": 1}
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")
_STAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.\d+)?)?"
    r"(?:\s?(Z)|\s?([+-])(\d\d):?(\d\d))?)?",
    re.IGNORECASE,
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
        here = now + (now - from_local(now))  # what the clock on the wall says, as if in UTC
        midnight = here - here % DAY - _DAYS.get(words, 0) * DAY
        parts = clock.groups("0") if clock else ()
        units = zip(parts, (HOUR, MINUTE, 1), strict=False)
        return from_local(midnight + sum(int(part) * unit for part, unit in units))
    if (match := _AGO.fullmatch(words)) and match[2] in _UNITS:
        return now - int(match[1]) * _UNITS[match[2]]
    if match := _STAMP.fullmatch(text.strip()):
        date, time, second, utc, sign, hours, minutes = match.groups()
        written = parse_time(f"{date}T{time or '00:00'}:{second or '00'}Z")
        if utc:
            return written
        if sign is None:
            return from_local(written)
        return written - zone_seconds(f"{sign}{hours}:{minutes}")
    return None
