"""Validation of text fields, and escaping of task text in messages.

Each check returns the value as it is to be stored and raises Usage, naming the field, when the
value cannot be stored.
"""

from __future__ import annotations

from gittasks.core.fields import Field, Kind
from gittasks.core.ids import composed, path_fault
from gittasks.core.model import Value
from gittasks.core.times import normal_time
from gittasks.errors import Usage
from gittasks.light import TYPE_CHECKING, pattern

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

LINE_LIMIT = 500
"""Most characters of a one-line field."""
PROSE_LIMIT = 100 * 1024
"""Most bytes, as UTF-8, of a description, a note or all values of one metadata key."""
DEPTH_LIMIT = 8
"""Most levels of lists and maps inside one metadata value."""
DIGITS_LIMIT = 99
"""Most digits of a whole number in metadata."""
ORDER_LIMIT = 10**9
"""Orders from this on are refused: they do not fit the task file."""
ORDER_DECIMALS = 6
"""Most decimals of an order, as the task file has it; more are rounded."""

# Searched only in text that is not plainly printable.
_NOT_IN_LINE = pattern("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NOT_IN_PROSE = pattern("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_NOT_PRINTABLE = pattern(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def single_line(text: str, field: str) -> str | None:
    """`text` without the space around it, as one line; None when nothing is left."""
    line = text.strip()
    if not line.isprintable() and (match := _NOT_IN_LINE.search(line)):
        raise Usage(
            f"the {field} must be one line without control characters, "
            f"but character {match.start() + 1} is U+{ord(match[0]):04X}",
            hint="longer text belongs in the description or a note",
        )
    if len(line) > LINE_LIMIT:
        raise Usage(
            f"the {field} has {len(line)} characters, at most {LINE_LIMIT} are allowed",
            hint="longer text belongs in the description or a note",
        )
    return line or None


def subject(text: str) -> str:
    """A subject: one line, never empty."""
    line = single_line(text, "subject")
    if line is None:
        raise Usage("the subject is empty", hint="say in a few words what is to be done")
    return line


def multi_line(text: str, field: str) -> str | None:
    """`text` with LF line ends and no space at its end; None when nothing is left."""
    block = text.replace("\r\n", "\n").rstrip()
    if not block.isprintable() and (match := _NOT_IN_PROSE.search(block)):
        where = block.count("\n", 0, match.start()) + 1
        raise Usage(
            f"the {field} has the control character U+{ord(match[0]):04X} in line {where}",
            hint="only line breaks and tabs are allowed",
        )
    _check_size(len(block.encode()), field)
    return block or None


def order(value: int | float) -> int | float:
    """A place in the order of display, as the task file will give it back."""
    rounded = round(value, ORDER_DECIMALS) if -ORDER_LIMIT < value < ORDER_LIMIT else None
    if rounded is None or isinstance(value, bool) or abs(rounded) >= ORDER_LIMIT:
        raise Usage(
            f"the order {value} is not a number between -{ORDER_LIMIT} and {ORDER_LIMIT}",
            hint="give a place such as 3 or 2.5",
        )
    return int(rounded) if rounded == int(rounded) else rounded


def stored(field: Field, value: Any) -> Any:
    """A value given for a field, by the kind of that; its default when nothing is left."""
    if value in (None, "", ()):
        return field.default
    if field.kind is Kind.COUNT:
        return _count(value, field)
    if field.kind is Kind.TIME:
        return _time(value, field)
    if field.kind in (Kind.WORDS, Kind.PATHS):
        parts = (part for item in value for part in composed(item).split(","))
        words = tuple(
            dict.fromkeys(word for part in parts if (word := single_line(part, field.name)))
        )
        for word in words if field.kind is Kind.PATHS else ():
            if fault := path_fault(word):
                raise Usage(f'"{escape_line(word, 60)}" cannot stand in {field.name}: {fault}')
        return words
    cleaned = (
        multi_line(value, field.name) if field.kind is Kind.TEXT else single_line(value, field.name)
    )
    return field.default if cleaned is None else cleaned


def _time(value: str, field: Field) -> str:
    try:
        return normal_time(value.strip())
    except ValueError:
        raise Usage(
            f'the {field.name} "{escape_line(value, 60)}" is not a time '
            "such as 2026-11-22T10:00:00Z"
        ) from None


def _count(value: int | str, field: Field) -> int:
    text = str(value).strip()
    if text.isascii() and text.isdecimal() and len(text) <= 16 and int(text) <= field.most:
        return int(text)
    raise Usage(
        f'the {field.name} "{escape_line(text, 60)}" is not a whole number from 0 to {field.most}'
    )


def metadata(values: Mapping[str, Value]) -> dict[str, Value]:
    """Metadata whose keys are non-empty lines and whose values JSON can hold."""
    checked: dict[str, Value] = {}
    for name, value in values.items():
        key = single_line(name, "metadata key")
        if key is None:
            raise Usage("a metadata key is empty", hint="write it as KEY=VALUE")
        _check_value(value, f'metadata value of "{key}"')
        if key in checked:
            raise Usage(f'the metadata key "{key}" is given twice')
        checked[key] = value
    return checked


def _check_value(value: Any, field: str) -> None:
    size = 0
    queue: list[tuple[Any, int]] = [(value, 0)]
    for item, depth in queue:  # grows while it is walked
        if depth > DEPTH_LIMIT:
            raise Usage(f"the {field} is nested more than {DEPTH_LIMIT} levels deep")
        if isinstance(item, str):
            size += len((multi_line(item, field) or "").encode())
        elif isinstance(item, dict):
            queue += [(part, depth + 1) for pair in item.items() for part in pair]
        elif isinstance(item, (list, tuple)):
            queue += [(part, depth + 1) for part in item]
        elif isinstance(item, int) and abs(item) >= 10**DIGITS_LIMIT:
            raise Usage(f"the {field} has a number of more than {DIGITS_LIMIT} digits")
        elif isinstance(item, float) and not -float("inf") < item < float("inf"):
            raise Usage(f"the {field} is not a finite number")
        size += 8
        _check_size(size, field)


def _check_size(size: int, field: str) -> None:
    if size > PROSE_LIMIT:
        raise Usage(
            f"the {field} has {size} bytes, at most {PROSE_LIMIT} are allowed",
            hint="keep large texts in a file and name its path here",
        )


def escape_line(text: str, limit: int) -> str:
    """`text` on one line of at most `limit` characters that cannot forge or hide anything.

    Runs of space become one; other control, bidirectional and zero-width characters become
    U+FFFD; what is too long ends in an ellipsis.
    """
    shown = " ".join(text.split())
    if not shown.isprintable():
        shown = _NOT_PRINTABLE.sub("\ufffd", shown)
    return shorten(shown, limit, tidy=True)


def shorten(text: str, limit: int, *, tidy: bool = False) -> str:
    """A text of at most `limit` characters; an ellipsis ends one that was longer.

    `tidy` leaves no space before the ellipsis.
    """
    if len(text) <= limit:
        return text
    start = text[: limit - 1]
    return f"{start.rstrip() if tidy else start}…"
