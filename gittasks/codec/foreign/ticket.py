"""The Markdown files of ticket (`tk`), in `.tickets/`: keys in front, one line each, then text."""

from __future__ import annotations

import re

from gittasks.codec.foreign.collector import Collector, sections
from gittasks.codec.foreign.front_matter import MarkdownFile, sections_of
from gittasks.core.model import Note, Status, Task
from gittasks.errors import InvalidData

_STATUSES = {
    "open": Status.PENDING,
    "in_progress": Status.IN_PROGRESS,
    "closed": Status.COMPLETED,
}
_METADATA = {
    "priority": "priority",
    "tags": "tags",
    "links": "links",
    "parent": "parent",
    "external-ref": "externalRef",
}
_READ = frozenset(("id", "status", "deps", "created", "type", "assignee")) | frozenset(_METADATA)
_NOTE = r"(?m)^\*\*([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z)\*\*[ \t]*$"
_TITLE = r"\s*# +(.+)"


def keys_of(head: str) -> dict[str, str | list[str]]:
    """The keys in front. They are no YAML: the tool itself reads them line by line, too."""
    found: dict[str, str | list[str]] = {}
    for line in head.split("\n"):
        key, colon, value = line.partition(":")
        value = value.strip()
        if not colon or not re.fullmatch("[A-Za-z][A-Za-z0-9_-]{0,60}", key):
            continue
        if value.startswith("[") and value.endswith("]"):
            found[key] = [item.strip() for item in value[1:-1].split(",") if item.strip()]
        else:
            found[key] = value
    return found


def read_ticket(found: Collector, file: MarkdownFile, where: str) -> None:
    """Read one ticket. Raises InvalidData for what is none."""
    keys = keys_of(file.head)
    source = keys.get("id")
    if not isinstance(source, str) or not source:
        raise InvalidData("a ticket needs an id in front", where=where)
    title = re.match(_TITLE, file.body)
    subject, whole = found.subject(title[1] if title else None, source)
    word = str(keys.get("status") or "open")
    if word not in _STATUSES:
        what = found.line(f"status {word}", "status", source) or "status"
        found.lose(what, "pending here; the word is kept in the metadata", source)
    parts = sections_of(file.body[title.end() :] if title else file.body)
    text = [(heading or None, body) for heading, body in parts if heading != "Notes"]
    metadata: dict[str, object] = {name: keys.get(key) for key, name in _METADATA.items()}
    if str(metadata["priority"]).isdigit() and len(str(metadata["priority"])) < 4:
        metadata["priority"] = int(str(metadata["priority"]))
    if keys.get("type") not in (None, "", "task"):
        metadata["type"] = keys["type"]
    if word not in _STATUSES:
        metadata["status"] = word
    task = Task(
        id="",
        subject=subject,
        description=found.prose(sections((None, whole), *text), "description", source),
        status=_STATUSES.get(word, Status.PENDING),
        owner=found.line(str(keys.get("assignee") or "").lstrip("@"), "assignee", source),
        notes=_notes(found, parts, source),
        metadata=found.metadata(metadata, source),
        created=found.time(keys.get("created"), "created", source),
    )
    found.lose_rest(keys, _READ, source)
    deps = keys.get("deps") or []
    found.add(source, task, (deps,) if isinstance(deps, str) else tuple(deps))


def _notes(found: Collector, parts: list[tuple[str, str]], source: str) -> tuple[Note, ...]:
    """The notes under their heading: a time in bold, then text up to the next time."""
    notes = []
    for body in (body for heading, body in parts if heading == "Notes"):
        before, *rest = re.split(_NOTE, body)
        for at, text in zip(["", *rest[::2]], [before, *rest[1::2]], strict=True):
            kept = found.prose(text.strip(), "notes", source)
            notes += [Note(found.time(at, "notes", source) or "", "", kept)] if kept else []
    return found.notes(notes, source)
