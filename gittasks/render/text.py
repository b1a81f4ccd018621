"""Text made safe to print, and status marks that the output's encoding can hold.

Whatever stands on a branch may have been written by a stranger: a terminal must not obey it and
a reader must see all of it, so characters that steer or hide are shown as escapes (`\x1b`).
"""

from __future__ import annotations

from gittasks.light import TYPE_CHECKING, NamedTuple, pattern

if TYPE_CHECKING:
    import re

    from gittasks.core.model import Status

# Controls, DEL and C1; soft hyphen and joiners; fillers that look like nothing; marks, embeddings
# and isolates of direction; line and paragraph separators; lone surrogates; byte order mark and
# non-characters; tags and selectors that can carry a hidden message. U+FE0E and U+FE0F stay:
# they only choose how an emoji looks.
_HOSTILE = (
    "\\x00-\\x1f\\x7f-\\x9f\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f"
    "\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ud800-\\udfff\\ufe00-\\ufe0d\\ufeff"
    "\\uffa0\\ufff0-\\ufffb\\ufffe\\uffff\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a"
    "\\ufdd0-\\ufdef\\U000e0000-\\U000e0fff"
)
_LINE = pattern(f"[{_HOSTILE}]")
_BLOCK = pattern(rf"(?![\n\t])[{_HOSTILE}]")
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def clean(text: str) -> str:
    """`text` for one line of output: every character that steers, breaks or hides is escaped."""
    if text.isascii() and text.isprintable():
        return text
    return _LINE.sub(_escape, text)


def clean_block(text: str) -> str:
    """`text` for a block of lines: as `clean`, but newlines and tabs stay."""
    return _BLOCK.sub(_escape, text.replace("\r\n", "\n"))


def indent(text: str, by: str = "  ") -> str:
    """A cleaned block with `by` before every line, so that no line can pass for one of ours."""
    return "\n".join((by + line).rstrip() for line in clean_block(text).rstrip().split("\n"))


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if char in _NAMED:
        return _NAMED[char]
    code = ord(char)
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
