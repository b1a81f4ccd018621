"""From a tree of text to typed values, with every fault of a file collected on the way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gittasks.codec.scalars import MAX_KEY, is_line, plain_value
from gittasks.core.clock import format_time, is_time, parse_time, zone_seconds
from gittasks.core.model import Problem, Value
from gittasks.core.texts import shorten
from gittasks.errors import InvalidData

if TYPE_CHECKING:
    from gittasks.codec.yaml_text import Node

_RFC3339 = (
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}):([0-9]{2})(?:\.[0-9]{1,12})?"
    r"(?:[Zz]|([+-][0-9]{2}:[0-9]{2}))"
)
_KINDS = {"scalar": "text", "sequence": "a list", "mapping": "a map"}


def normal_time(text: str) -> str:
    """An RFC 3339 time as we write it: UTC, whole seconds (cut), `Z`. Raises ValueError."""
    if is_time(text):
        return text
    match = re.fullmatch(_RFC3339, text)
    if not match:
        raise ValueError(text)
    day, clock, second, offset = match.groups()
    second = "59" if second == "60" else second  # a leap second has no number of its own
    written = parse_time(f"{day}T{clock}:{second}Z")
    return format_time(written - zone_seconds(offset or "+00:00"))


class Reader:
    """Types the values of one document. A fault is noted and the default is used instead."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.faults: list[Problem] = []

    def fault(self, node: Node, message: str) -> None:
        """Note what is wrong at the line of `node`."""
        self.faults.append(Problem(self.path, node.line, message))

    def check(self) -> None:
        """Raise InvalidData for the first fault, with all of them in its details."""
        if not self.faults:
            return
        faults = sorted(self.faults, key=lambda problem: problem.line or 0)
        first = faults[0]
        more = f"{len(faults)} faults in this file; see them all with: gittasks lint"
        raise InvalidData(
            first.message,
            where=f"{first.path}:{first.line}",
            hint=more if len(faults) > 1 else None,
            details={"problems": [problem._asdict() for problem in faults]},
        )

    def is_kind(self, key: str, node: Node, kind: str) -> bool:
        """Whether `node` is of a kind; another kind is a fault."""
        if node.kind != kind:
            self.fault(node, f"{key} must be {_KINDS[kind]}, not {_KINDS[node.kind]}")
        return node.kind == kind

    def text(self, key: str, node: Node) -> str | None:
        """Text of any length; None if nothing is written."""
        if not self.is_kind(key, node, "scalar") or node.empty:
            return None
        text = node.text.rstrip("\n") if node.style in ("|", ">") else node.text
        return text or None

    def line(self, key: str, node: Node) -> str | None:
        """Text of one line."""
        text = self.text(key, node)
        if text is not None and not is_line(text):
            self.fault(node, f"{key} must be one line")
            return None
        return text

    def long(self, key: str, node: Node) -> str | None:
        """Text of any length, whose last newlines mean nothing."""
        return (self.text(key, node) or "").rstrip("\n") or None

    def time(self, key: str, node: Node) -> str | None:
        """A time, in UTC and whole seconds."""
        text = self.line(key, node)
        try:
            return normal_time(text) if text else None
        except ValueError:
            self.fault(node, f'{key}: "{_short(text)}" is no time like 2026-11-22T10:00:00Z')
            return None

    def number(self, key: str, node: Node, least: int, most: int) -> int | None:
        """A whole number between two bounds, both allowed."""
        text = self.line(key, node)
        if not text:
            return None
        if len(text) <= 16 and re.fullmatch("[0-9]+", text) and least <= int(text) <= most:
            return int(text)
        self.fault(node, f'{key}: "{_short(text)}" is no whole number from {least} to {most}')
        return None

    def items(self, key: str, node: Node) -> tuple[Node, ...]:
        """The items of a list; nothing written is an empty list."""
        if (node.kind == "scalar" and node.empty) or not self.is_kind(key, node, "sequence"):
            return ()
        return node.items

    def mapping(self, key: str, node: Node) -> dict[str, Value]:
        """A map of JSON values; nothing written is an empty map."""
        if (node.kind == "scalar" and node.empty) or not self.is_kind(key, node, "mapping"):
            return {}
        return {self.key(name): self.value(value) for name, value in node.pairs}

    def key(self, node: Node) -> str:
        """The text of a key."""
        if len(node.text) > MAX_KEY:
            self.fault(node, f'key "{node.text[:40]}…" is longer than {MAX_KEY} characters')
        return node.text

    def value(self, node: Node) -> Value:
        """A JSON value: only canonical JSON literals are more than text."""
        if node.kind == "sequence":
            return [self.value(item) for item in node.items]
        if node.kind == "mapping":
            return {self.key(name): self.value(value) for name, value in node.pairs}
        if not node.plain:
            return node.text
        value: Value = plain_value(node.text) if node.text else None
        return value

    def fields(self, node: Node, what: str, allowed: tuple[str, ...]) -> dict[str, Node]:
        """The nodes of a small map by key; other keys are faults, as nothing would keep them."""
        for name, _ in node.pairs:
            if name.text not in allowed:
                names = ", ".join(allowed)
                self.fault(name, f'{what} has no key "{_short(name.text)}" (only {names})')
        return {name.text: value for name, value in node.pairs}


def _short(text: str | None) -> str:
    """A piece of foreign text for a message: one line, not long."""
    return shorten(" ".join((text or "").split()), 60)
