"""JSON by the parts of `json` that are in C, without the modules around them.

`json` imports `re`, compiles patterns for its decoder in Python, and takes longer to import than
to read the caches and to write the document of a command.
"""

from __future__ import annotations

from gittasks.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any


class _Reading:
    """The settings of a `json.JSONDecoder`, for its scanner."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float = parse_constant = float
    parse_int = int


def _refuse(value: object) -> Any:
    raise TypeError(f"{type(value).__name__} is no value of JSON")


_scan: Callable[[str, int], tuple[Any, int]]
_encode: Callable[[Any, int], Iterable[str]]
try:
    import _json
except ImportError:  # another Python than that of python.org
    import json

    _scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
    _encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).iterencode  # type: ignore[assignment]
else:
    _scan = _json.make_scanner(_Reading)  # type: ignore[arg-type]
    _encode = _json.make_encoder(
        None, _refuse, _json.encode_basestring_ascii, None, ":", ",", False, False, False
    )


def loads(data: str | bytes) -> Any:
    """The value of a JSON text; ValueError when it is none."""
    text = (data if isinstance(data, str) else data.decode()).strip(" \t\n\r")
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        end = -1
    if end != len(text):
        raise ValueError("not JSON")
    return value


def dumps(value: Any) -> str:
    """One line of ASCII without a space; ValueError for a number that JSON has not."""
    return "".join(_encode(value, 0))
