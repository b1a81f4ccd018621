"""Text made safe to print, and status marks that the output's encoding can hold.

Whatever stands on a branch may have been written by a stranger: a terminal must not obey it and
a reader must see all of it, so characters that steer or hide are shown as escapes (`\x1b`).
"""

from __future__ import annotations

from gittasks.light import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gittasks.core.model import Status

# Controls, DEL and C1; soft hyphen and joiners; fillers that look like nothing; marks, embeddings
# and isolates of direction; line and paragraph separators; lone surrogates; byte order mark and
# non-characters; tags and selectors that can carry a hidden message. U+FE0E and U+FE0F stay:
# they only choose how an emoji looks.
_HOSTILE = (
    *((0x00, 0x1F), (0x7F, 0x9F), (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160)),
    *((0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F)),
    *((0x3164, 0x3164), (0xD800, 0xDFFF), (0xFDD0, 0xFDEF), (0xFE00, 0xFE0D), (0xFEFF, 0xFEFF)),
    *((0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0xFFFE, 0xFFFF), (0x1BCA0, 0x1BCA3)),
    *((0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)),
)
"""Ranges of the characters that are escaped."""
_NAMED = {0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t"}


class _Shown(dict[int, str]):
    """The text shown for each character, by its code; worked out when it is first met.

    No regular expression: to import `re` takes longer than to print a list.
    """

    def __missing__(self, code: int) -> str:
        hostile = any(first <= code <= last for first, last in _HOSTILE)
        self[code] = shown = _escape(code) if hostile else chr(code)
        return shown


_LINE = _Shown()
_BLOCK = _Shown({0x0A: "\n", 0x09: "\t"})


def clean(text: str) -> str:
    """`text` for one line of output: every character that steers, breaks or hides is escaped."""
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_LINE)


def clean_block(text: str) -> str:
    """`text` for a block of lines: as `clean`, but newlines and tabs stay."""
    return text.replace("\r\n", "\n").translate(_BLOCK)


def indent(text: str, by: str = "  ") -> str:
    """A cleaned block with `by` before every line, so that no line can pass for one of ours."""
    return "\n".join((by + line).rstrip() for line in clean_block(text).rstrip().split("\n"))


def _escape(code: int) -> str:
    if code in _NAMED:
        return _NAMED[code]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class StatusMarks(NamedTuple):
    """The signs of the list: one mark for each status, and the arrow of a transition."""

    pending: str
    in_progress: str
    completed: str
    skipped: str
    deleted: str
    arrow: str

    def of(self, status: Status) -> str:
        """The mark of a status."""
        mark: str = getattr(self, status)
        return mark


UNICODE = StatusMarks(" ", "→", "✓", "-", "~", "→")
ASCII = StatusMarks(" ", ">", "x", "-", "~", "->")


def marks(encoding: str | None) -> StatusMarks:
    """The marks that an output of this encoding can hold; ASCII when it is unknown."""
    try:
        "".join(UNICODE).encode(encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return ASCII
    return UNICODE


_COLORS = {"in_progress": 33, "completed": 32, "skipped": 2, "deleted": 2}
"""SGR codes of the marks: yellow, green, faint (ECMA-48); they read on light and dark."""


def colored(plain: StatusMarks) -> StatusMarks:
    """The same marks in colour, for a terminal."""
    return plain._replace(
        **{name: f"\x1b[{code}m{getattr(plain, name)}\x1b[0m" for name, code in _COLORS.items()}
    )
