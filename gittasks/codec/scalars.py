"""How one text, number or time is written in a task file, and what a plain word there means.

No decision here leans on Python's Unicode tables or a YAML library's version: equal values
must give equal bytes in every clone. Patterns are given to `re` as text, which compiles them
at first use: most runs need none of them.
"""

from __future__ import annotations

import re
from typing import Any

MAX_BYTES = 256 * 1024
"""Largest document that is read or written."""
MAX_DEPTH = 8
"""Deepest nesting of lists and maps; the outermost counts as 1."""
MAX_KEY = 100
"""Longest key, in characters: YAML allows 1024 on a line, and an escape takes ten."""
MAX_SUBJECT = 500
MAX_DIGITS = 100
"""Longest whole number, with its sign; a longer one is text."""

_UNSEEN = (
    "\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e0fff"
)
"""DEL, C1, bidi, zero-width and other unseen characters, written as escapes like C0."""
_HIDDEN = f"[\x00-\x1f{_UNSEEN}]"
_ESCAPED = f'["\\\\\x00-\x1f{_UNSEEN}]'
_NOT_IN_BLOCK = rf"(?m)\A[ \n]|^\t|^[ \t]+$|[\x00-\x08\x0b-\x1f{_UNSEEN}]"
_NO_NUMBER = "[g-np-su-wyG-NP-SU-WY]"
"""Letters that no number, date or time contains in any version of YAML."""
_RESERVED = frozenset(
    ("y", "n", "yes", "no", "on", "off", "true", "false", "null", ".inf", "+.inf", ".nan")
)
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_ESCAPE = r'\\(?:(["\\ntr])|u([0-9a-f]{4})|U([0-9a-f]{8}))'
_LITERALS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_NUMBER = r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?(e[+-][0-9]{2,3})?"
_ORDER = r"-?[0-9]{1,9}(?:\.[0-9]{1,6})?"


def scalar(text: str) -> str:
    """`text` on one line: plain if every YAML reader takes that for this text, else quoted."""
    if (text.isascii() and text.isprintable()) or not re.search(_HIDDEN, text):
        if _stands_plain(text):
            return text
        if '"' not in text and "\\" not in text:
            return f'"{text}"'
    return quoted(text)


def quoted(text: str) -> str:
    """`text` between double quotes, with the escapes it needs."""
    return f'"{re.sub(_ESCAPED, _escape, text)}"'


def _stands_plain(text: str) -> bool:
    """Whether `text`, which holds nothing hidden, may stand without quotes."""
    if not text or ": " in text or " #" in text or text[-1] in " :" or text.lower() in _RESERVED:
        return False
    first = text[0]
    if first in "0123456789+.":
        return re.search(_NO_NUMBER, text) is not None
    return first > "\u00a0" or first.isalpha() or first in "/(_$"


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if short := _SHORT_ESCAPES.get(char):
        return short
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"  # half a character: no UTF-8 holds it
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def whole(text: str) -> str:
    """`text` with U+FFFD for each lone surrogate."""
    return text if text.isascii() else re.sub("[\ud800-\udfff]", "\ufffd", text)


def unquote(text: str) -> str:
    """The text that `quoted` wrote so; what it never writes may give anything."""
    return re.sub(_ESCAPE, _unescape, text[1:-1]) if "\\" in text else text[1:-1]


def _unescape(match: re.Match[str]) -> str:
    if short := match[1]:
        return {"n": "\n", "t": "\t", "r": "\r"}.get(short, short)
    return chr(int(match[2] or match[3], 16))


def stands_in_block(text: str) -> bool:
    """Whether a block (`|`) gives back `text`, which has no newline at its end."""
    return re.search(_NOT_IN_BLOCK, text) is None


def plain_key(text: str) -> bool:
    """Whether a key needs no quotes."""
    known = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_./-]*", text) is not None
    return known and text.lower() not in _RESERVED


def plain_value(text: str) -> Any:
    """What a plain scalar in metadata means: a JSON literal in its canonical form, else text."""
    if text in _LITERALS:
        return _LITERALS[text]
    if text[:1] in "-0123456789" and (match := re.fullmatch(_NUMBER, text)):
        if match[1] or match[2]:
            return number if repr(number := float(text)) == text else text
        if len(text) <= MAX_DIGITS and text != "-0":
            return int(text)
    return text


def is_line(text: str) -> bool:
    """Whether `text` has no line break, of whatever kind."""
    if text.isascii() and text.isprintable():
        return True
    return re.search("[\n\r\x0b\x0c\x85\u2028\u2029]", text) is None


def is_subject(text: str) -> bool:
    """Whether `text` can be the subject of a task."""
    return is_line(text) and len(text) <= MAX_SUBJECT and bool(text.strip())


def is_word(text: str) -> bool:
    """Whether `text` can be a member of a list of words."""
    return is_subject(text) and text == text.strip() and "," not in text


def is_sha(text: str) -> bool:
    """Whether `text` is a commit id, possibly short."""
    return re.fullmatch("[0-9a-f]{4,64}", text) is not None


def order_text(value: float) -> str:
    """A place in the order, with at most six decimals."""
    if isinstance(value, int):
        return str(value)
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def to_order(text: str) -> int | float:
    """The number that `text` writes. Raises ValueError if it is no valid order."""
    if not re.fullmatch(_ORDER, text):
        raise ValueError(text)
    number = float(text)
    return int(number) if number.is_integer() else number
