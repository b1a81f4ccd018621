"""One list item of a Markdown plan: box, id, subject and attributes, read and written.

A backslash before punctuation makes it plain text, and nothing inside a code span is structure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from gittasks.core.fields import SIMPLE
from gittasks.core.ids import task_id_fault
from gittasks.core.model import Status

MAX_ITEM = 32 * 1024
"""Longest line of a list item, in characters."""

_BOXES = {
    "": Status.PENDING,
    " ": Status.PENDING,
    "x": Status.COMPLETED,
    "X": Status.COMPLETED,
    "✓": Status.COMPLETED,
    "✔": Status.COMPLETED,
    "-": Status.SKIPPED,
    ">": Status.IN_PROGRESS,
    "→": Status.IN_PROGRESS,
    "/": Status.IN_PROGRESS,
}
_MARKS = {
    Status.PENDING: " ",
    Status.IN_PROGRESS: ">",
    Status.COMPLETED: "x",
    Status.SKIPPED: "-",
}
_ATTRIBUTES = {
    "id": "id",
    "owner": "owner",
    "active": "active",
    "activeform": "active",
    "after": "after",
    "blockedby": "after",
    "phase": "phase",
    "result": "result",
    **{field.name.lower(): field.name for field in SIMPLE if field.uses.planned},
}
_KNOWN = " ".join(dict.fromkeys(_ATTRIBUTES.values()))
_NOTHING = "-"
"""The value that says that a task has no phase."""

_BOX = re.compile(r"\[(.?)\](?:[ \t]+|$)")
_ID_SPAN = re.compile(r"`([^`]+)`[ \t]+(?=[^ \t])")
_OWNER = re.compile(r"(?:^|[ \t])@([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?)$")
_NAME = re.compile(r"[ \t]*([A-Za-z][A-Za-z_ -]{0,30}?)[ \t]*:")
_PUNCTUATION = r"[!-/:-@\[-`{-~]"
_OPAQUE = re.compile(rf"\\{_PUNCTUATION}|(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)")
"""What is never structure: an escaped character, or a code span (group 1 is its fence)."""


class ItemText(NamedTuple):
    """What the line of an item says; `faults` are messages, each with a hint or None.

    `attributes` has the names id, owner, active, after, phase, result and those of SIMPLE fields;
    a phase of no text says that there is none.
    """

    status: Status | None
    subject: str
    attributes: dict[str, str]
    faults: list[tuple[str, str | None]]


def read_item(text: str) -> ItemText:
    """Read an item's line, without its list marker."""
    attributes: dict[str, str] = {}
    faults: list[tuple[str, str | None]] = []
    if len(text) > MAX_ITEM:
        faults.append((f"a list item of more than {MAX_ITEM} characters", None))
        return ItemText(None, "", attributes, faults)
    status = None
    if box := _BOX.match(text):
        text, status = text[box.end() :], _BOXES.get(box[1])
        if status is None:
            hint = "use [ ] pending, [>] in_progress, [x] completed, [-] skipped, \\[ for text"
            faults.append((f'unknown box "[{box[1]}]"', hint))
    if (span := _ID_SPAN.match(text)) and not task_id_fault(span[1]):
        text, attributes["id"] = text[span.end() :], span[1]
    subject = unescape(_trailing(text, attributes, faults)).strip()
    if not subject and not faults:
        faults.append(("a list item without text", "write the subject of the task, or remove it"))
    return ItemText(status, subject, attributes, faults)


def write_item(status: Status, subject: str, attributes: Mapping[str, str]) -> str:
    """The line that `read_item` reads back as these values; plain where that is possible."""
    line = ""
    for escaped in (False, True):
        line = _line(status, subject, attributes, escaped)
        if read_item(line) == (status, subject, dict(attributes), []):
            break
    return line


def _line(status: Status, subject: str, attributes: Mapping[str, str], escaped: bool) -> str:
    def text(value: str) -> str:
        return escape(value) if escaped or value == _NOTHING else value

    rest = {k: v for k, v in attributes.items() if k != "id"}
    parts = [f"[{_MARKS[status]}]", text(subject)]
    if name := attributes.get("id"):
        parts.insert(1, f"`{name}`")
    if _OWNER.fullmatch(owner := f"@{rest.get('owner', '')}"):
        parts.append(owner)
        del rest["owner"]
    if rest:
        parts.append("(" + "; ".join(f"{k}: {text(v) or _NOTHING}" for k, v in rest.items()) + ")")
    return " ".join(parts)


def unescape(text: str) -> str:
    """`text` without the backslashes that make punctuation plain, code spans left alone."""
    return _OPAQUE.sub(lambda m: m[0] if m[1] else m[0][1:], text)


def escape(text: str) -> str:
    """`text` with a backslash before all punctuation, so that none of it is structure."""
    return re.sub(_PUNCTUATION, r"\\\g<0>", text)


def _trailing(text: str, attributes: dict[str, str], faults: list[tuple[str, str | None]]) -> str:
    """Move the attributes at the end of `text` into `attributes`; return what is before them."""
    masked = _OPAQUE.sub(lambda m: "\0" * len(m[0]), text)
    while True:
        masked = masked.rstrip(" \t")
        text = text[: len(masked)]
        found: list[tuple[str, str]] | None = None
        if owner := _OWNER.search(masked):
            start, found = owner.start(), [("owner", owner[1])]
        elif (start := _opening(masked)) >= 0:
            found = _pairs(text[start + 1 : -1], masked[start + 1 : -1], faults)
        if found is None:
            return text
        for name, value in found:
            if name in attributes:
                faults.append((f'"{name}" is given twice', None))
                return text
            attributes[name] = value
        text, masked = text[:start], masked[:start]


def _opening(masked: str) -> int:
    """Where the parenthesis begins that ends the text, or -1 if none does."""
    depth = 0
    if masked.endswith(")"):
        for place in range(len(masked) - 1, -1, -1):
            depth += {")": 1, "(": -1}.get(masked[place], 0)
            if depth == 0:
                return place if not place or masked[place - 1] in " \t" else -1
    return -1


def _pairs(
    text: str, masked: str, faults: list[tuple[str, str | None]]
) -> list[tuple[str, str]] | None:
    """The `name: value` pairs in a parenthesis; None when it is prose."""
    pieces: list[tuple[str, str]] = []
    place = 0
    for part in masked.split(";"):
        piece = text[place : place + len(part)]
        head = _NAME.match(part)
        pieces.append((head[1], piece[head.end() :].strip()) if head else ("", piece.strip()))
        place += len(part) + 1
    known = [_ATTRIBUTES.get(re.sub(r"[ _-]", "", name.lower())) for name, _ in pieces]
    meant = [None if k else _misspelled(name) for k, (name, _) in zip(known, pieces, strict=True)]
    if not any(known) and not any(meant):
        return None
    found: list[tuple[str, str]] = []
    for attribute, near, (name, value) in zip(known, meant, pieces, strict=True):
        if attribute is None:
            what = f'unknown attribute "{name or value}"'
            if near:
                what += f" (did you mean {near}?)"
            faults.append((what, f"known: {_KNOWN}; \\( for plain text"))
        elif not value and attribute != "after":
            faults.append((f'the attribute "{name}" has no value', None))
        else:
            nothing = value == _NOTHING and attribute in ("after", "phase")
            found.append((attribute, "" if nothing else unescape(value).strip()))
    return found


def _misspelled(name: str) -> str | None:
    """The attribute that `name` is one slip away from, or None: then it is prose."""
    names = ("after", "owner", "active", "result", "phase")
    return next((known for known in names if _one_slip(name.lower(), known)), None)


def _one_slip(a: str, b: str) -> bool:
    """Whether one letter added, left out, changed, or swapped with the next makes `a` of `b`."""
    same = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    if same is None:
        return abs(len(a) - len(b)) == 1
    x, y = a[same:], b[same:]
    swapped = x[1:2] + x[:1] + x[2:]
    return x[1:] == y[1:] or x[1:] == y or x == y[1:] or swapped == y
