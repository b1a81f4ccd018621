"""Change a task file that a person edited, and leave what they wrote otherwise as it is.

Edits are spans of the old text. Whatever the patch does, the result is believed only if it
reads back as the new task; if it does not, the file is written anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from gittasks.codec.canonical import (
    FILE_ORDER,
    commit_item,
    encode_task,
    entry_lines,
    note_item,
    scalar,
    task_fields,
)
from gittasks.codec.task_file import TaskReader, decode_task
from gittasks.codec.yaml_nodes import decode_text, parse
from gittasks.core.fields import BY_NAME, Kind
from gittasks.core.model import Task
from gittasks.errors import InvalidData

if TYPE_CHECKING:
    from gittasks.codec.yaml_nodes import Node


class _Edit(NamedTuple):
    """A piece of the text, from where to where, and what is put there."""

    start: int
    end: int
    text: str


_ORDER = {field.name: place for place, field in enumerate(FILE_ORDER)}


def rewrite_task(old_bytes: bytes, old: Task, new: Task) -> bytes:
    """The file `old_bytes`, which reads as `old`, changed so that it reads as `new`.

    Comments, the order of keys, layout and unknown keys stay where the change does not touch
    them. A file of our own writing, and one too odd to patch, is written anew. Raises
    InvalidData only if `new` cannot be written at all.
    """
    fresh = encode_task(new)
    if old_bytes == encode_task(old):
        return fresh
    fields = task_fields(new)
    if fields == task_fields(old):
        return old_bytes
    try:
        patched = _patched(old_bytes, old, new)
        if patched and task_fields(decode_task(patched, new.id, new.id)) == fields:
            return patched
    except InvalidData:
        pass  # the patch made something unreadable, or the old file was so already
    return fresh


def _patched(data: bytes, old: Task, new: Task) -> bytes | None:
    root = parse(data, old.id)
    text = decode_text(data, old.id)
    text = text if text.endswith("\n") else text + "\n"
    if "\r" in text or root.style != "block" or root.kind != "mapping":
        return None
    if any(key.start and text[key.start - 1] != "\n" for key, _ in root.pairs):
        return None
    before, after = task_fields(old), task_fields(new)
    patch = _Patch(text)
    present: dict[str, Node] = {}
    for key, value in root.pairs:
        name = key.text
        if name in after:
            present[name] = value
        if before.get(name) == after.get(name):
            continue
        field = BY_NAME.get(name)
        if name not in after:
            patch.remove(key, value)
        elif field and field.kind in _ITEMS:
            patch.sequence(key, value, getattr(new, field.attr), field.kind, after[name])
        elif field and field.kind is Kind.MAP:
            before_it, after_it = getattr(old, field.attr), getattr(new, field.attr)
            patch.mapping(key, value, before_it, after_it, after[name])
        else:
            patch.replace(key, value, after[name])
    for name in after:
        if name not in present and before.get(name) != after[name]:
            patch.insert(_place(text, root, present, name), after[name])
    return patch.result().encode("utf-8")


def _place(text: str, root: Node, kept: Mapping[str, Node], name: str) -> int:
    """The place of a new key: after the nearest one before it in canonical order."""
    if name in _ORDER:
        earlier = [key for key in kept if _ORDER.get(key, len(_ORDER)) < _ORDER[name]]
        best = max(earlier, key=_ORDER.__getitem__, default=None)
    else:
        best = max(kept, key=lambda key: kept[key].start, default=None)
    if best is not None:
        return _line_end(text, kept[best])
    return root.pairs[0][0].start if root.pairs else len(text)


def _line_end(text: str, node: Node) -> int:
    """Behind the newline of the last line of a value, blank lines after a block left out."""
    end = node.end
    while end > node.start and text[end - 1] in " \n":
        end -= 1
    return text.index("\n", end) + 1


def _line_start(text: str, offset: int) -> int:
    return text.rfind("\n", 0, offset) + 1


class _Patch:
    """Edits of one text, collected and then made at once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.edits: list[_Edit] = []

    def result(self) -> str:
        """The text with all edits made; those at one place in the order they were asked for."""
        out, at = [], 0
        for start, end, put in sorted(self.edits, key=lambda edit: (edit.start, edit.end)):
            out += [self.text[at:start], put]
            at = max(at, end)
        return "".join(out) + self.text[at:]

    def insert(self, at: int, lines: str) -> None:
        self.edits.append(_Edit(at, at, lines))

    def remove(self, key: Node, value: Node) -> None:
        end = _line_end(self.text, value)
        if value.style == "block":  # indented remarks below are inside; above a block they join it
            inner = re.compile(r"(?:[ \t]+#.*\n)*").match(self.text, end)
            end = inner.end() if inner else end
        self.edits.append(_Edit(key.start, end, ""))

    def replace(self, key: Node, value: Node, lines: str, indent: str = "") -> None:
        """Put another value: its characters alone if one line follows one line."""
        text = self.text
        old = text[value.start : value.end]
        single = value.kind == "scalar" and value.style in ("", "'", '"') and "\n" not in old
        first, _, rest = lines.partition("\n")
        if single and not rest and not first.endswith(("|", ":")):
            put = first[len(indent) :].partition(f"{_name_of(first, indent)}: ")[2]
            gap = " " if text[value.start - 1] == ":" else ""
            self.edits.append(_Edit(value.start, value.end, gap + put))
            return
        start, end = _line_start(text, key.start), _line_end(text, value)
        put = f"{first}{self._remark(key, value)}\n{rest}"
        self.edits.append(_Edit(start, end, put))

    def _remark(self, key: Node, value: Node) -> str:
        """The comment at the end of a value's line, or of the line that opens it."""
        text = self.text
        start = key.end if value.style in ("|", ">", "block") else value.end
        match = re.search(r"[ \t]+#.*", text[start : text.index("\n", start)])
        return match[0] if match else ""

    def sequence(
        self, key: Node, value: Node, wanted: tuple[Any, ...], kind: Kind, lines: str
    ) -> None:
        """Keep the lines of items that stay, drop those of others, write new ones in place."""
        text = self.text
        read, write = _ITEMS[kind]
        starts = [_line_start(text, item.start) for item in value.items]
        leads = {text[a : i.start] for a, i in zip(starts, value.items, strict=True)}
        lead = min(leads, default="")
        if value.style != "block" or len(leads) != 1 or not re.fullmatch(" *- +", lead):
            self.replace(key, value, lines)
            return
        at = begin = text.index("\n", key.end) + 1
        chunks: list[tuple[Any, str, str]] = []  # what it is, the comments above it, its lines
        for start, item in zip(starts, value.items, strict=True):
            end = _line_end(text, item)
            chunks.append((read(TaskReader(""), item), text[at:start], text[start:end]))
            at = end
        indent = lead[: lead.index("-")]

        def fresh(item: object) -> str:
            return _indented(write(item).removesuffix("\n").split("\n"), indent, 2)

        out = _in_order(chunks, wanted, fresh)
        self.edits.append(_Edit(begin, at, out))

    def mapping(
        self,
        key: Node,
        value: Node,
        old: Mapping[str, Any],
        new: Mapping[str, Any],
        lines: str,
    ) -> None:
        """Change only the entries that differ; new ones come last."""
        text = self.text
        starts = {text[_line_start(text, name.start) : name.start] for name, _ in value.pairs}
        indent = min(starts, default="")
        if value.style != "block" or len(starts) != 1 or indent.strip(" "):
            self.replace(key, value, lines)
            return
        for name, node in value.pairs:
            entry = name.text
            if entry not in new:
                start = _line_start(text, name.start)
                self.edits.append(_Edit(start, _line_end(text, node), ""))
            elif entry_lines(entry, old[entry], 2) != (put := entry_lines(entry, new[entry], 2)):
                self.replace(name, node, _indented(put, indent), indent)
        for entry in sorted(new.keys() - old.keys()):
            put = entry_lines(entry, new[entry], 2)
            self.insert(_line_end(text, value), _indented(put, indent))


def _name_of(line: str, indent: str) -> str:
    """The key, as it is written, of a canonical line."""
    match = re.match(r'"(?:[^"\\]|\\.)*"|[^:]*', line[len(indent) :])
    return match[0] if match else ""


def _indented(lines: list[str], indent: str, drop: int = 0) -> str:
    """Lines put at another indent, `drop` characters of their own taken away; blank ones stay."""
    return "".join(f"{indent}{line[drop:]}\n" if line else "\n" for line in lines)


def _in_order(
    chunks: list[tuple[Any, str, str]], wanted: tuple[Any, ...], write: Callable[[Any], str]
) -> str:
    """The lines of the wanted items: old ones as they were, new ones written.

    Comments above a dropped item stay, as does every line that is not the item's own.
    """
    left, orphans = list(wanted), ""
    remaining: list[tuple[Any, str]] = []
    for item, above, own in chunks:
        if item in left:
            left.remove(item)
            remaining.append((item, orphans + above + own))
            orphans = ""
        else:
            orphans += above
    out = ""
    if remaining:
        remaining[-1] = (remaining[-1][0], remaining[-1][1] + orphans)
    else:
        out = orphans
    for item in wanted:
        place = next((n for n, (old, _) in enumerate(remaining) if old == item), None)
        out += write(item) if place is None else remaining.pop(place)[1]
    return out


_ITEMS: dict[Kind, tuple[Callable[[TaskReader, Node], Any], Callable[[Any], str]]] = {
    Kind.IDS: (lambda _, node: node.text, lambda item: f"  - {scalar(item)}\n"),
    Kind.WORDS: (lambda _, node: node.text, lambda item: f"  - {scalar(item)}\n"),
    Kind.PATHS: (lambda _, node: node.text, lambda item: f"  - {scalar(item)}\n"),
    Kind.COMMITS: (TaskReader.commit, commit_item),
    Kind.NOTES: (TaskReader.note, note_item),
}
