"""Strict JSON: no key twice in an object, no number outside JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any


def loads(text: str | bytes) -> Any:
    """The value of a JSON text (bytes: UTF-8). Raises ValueError, which says what is wrong."""
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    try:
        return json.loads(
            text, object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite
        )
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object, if no key stands in it twice: which of the values was meant cannot be known."""
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'the key "{twice[:60]}" is duplicated')
    return members


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a number in JSON")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)
