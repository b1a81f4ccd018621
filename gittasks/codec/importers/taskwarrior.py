"""The JSON of `task export` (Taskwarrior 2 and 3)."""

from __future__ import annotations

import re
from typing import Any

from gittasks.codec.importers.builder import Collector, objects, sections, text_of, texts_of
from gittasks.core.imports import ImportBatch
from gittasks.core.model import Note, Status, Task
from gittasks.errors import InvalidData

_STATUSES = {
    "pending": Status.PENDING,
    "waiting": Status.PENDING,
    "completed": Status.COMPLETED,
    "deleted": Status.DELETED,
}
_PRIORITIES = {"H": 1, "M": 2, "L": 3}
_TIMES = ("due", "scheduled", "wait", "until")
_READ = text_of(
    "uuid description status start end entry depends annotations tags priority project"
) | frozenset(_TIMES)
_COMPUTED = frozenset(("id", "urgency", "modified"))
_RECURRENCE = frozenset(("recur", "mask", "imask", "parent", "rtype", "last", "template"))
_COMPACT = r"([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z"


def read_taskwarrior(data: bytes, where: str) -> ImportBatch:
    """Read an export. Raises InvalidData, with the place, for what is none."""
    found = Collector("taskwarrior")
    for number, entry in objects(data, where):
        source = entry.get("uuid")
        if not isinstance(source, str) or not source.strip():
            raise InvalidData('a task needs a "uuid"', where=f"{where}: entry {number}")
        if entry.get("status") == "recurring":
            found.lose("task", "it is the template of a recurring one", source)
        else:
            _task(found, entry, source)
    return found.arrivals(where)


def _task(found: Collector, entry: dict[str, Any], source: str) -> None:
    subject, whole = found.subject(entry.get("description"), source)
    status = _STATUSES.get(str(entry.get("status")), Status.PENDING)
    start = _time(found, entry, "start", source)
    if start and status is Status.PENDING:
        status = Status.IN_PROGRESS
    word = entry.get("priority") or None
    metadata: dict[str, object] = {
        "priority": None if str(word) in _PRIORITIES else word,
        "tags": texts_of(entry.get("tags")),
        **{name: _time(found, entry, name, source) for name in _TIMES},
    }
    for key, value in entry.items():
        if value in (None, "", 0):
            continue
        if key in _COMPUTED:
            found.lose(key, "Taskwarrior works it out by itself", source)
        elif key in _RECURRENCE:
            found.lose(key, "gittasks has no recurring tasks", source)
        elif key not in _READ and isinstance(value, (str, int, float)):
            metadata[key] = value  # an attribute that its user has defined
        elif key not in _READ:
            found.lose_rest({key: value}, frozenset(), source)
    task = Task(
        id="",
        subject=subject,
        description=found.prose(sections((None, whole)), "description", source),
        status=status,
        priority=_PRIORITIES.get(str(word), 2),
        started=start,
        finished=_time(found, entry, "end", source) if status is Status.COMPLETED else None,
        phase=found.line(entry.get("project"), "project", source),
        notes=_annotations(found, entry, source),
        metadata=found.metadata(metadata, source),
        created=_time(found, entry, "entry", source),
    )
    depends = entry.get("depends")
    waits = depends.split(",") if isinstance(depends, str) else texts_of(depends)
    found.add(source, task, tuple(w.strip() for w in waits))


def _time(found: Collector, entry: dict[str, Any], key: str, source: str) -> str | None:
    value = entry.get(key)
    if isinstance(value, str):
        value = re.sub(_COMPACT, r"\1-\2-\3T\4:\5:\6Z", value)
    return found.time(value, key, source)


def _annotations(found: Collector, entry: dict[str, Any], source: str) -> tuple[Note, ...]:
    notes = []
    for annotation in found.entries(entry.get("annotations"), "annotations", source):
        text = found.prose(annotation.get("description"), "annotations", source)
        at = _time(found, annotation, "entry", source) or ""
        notes += [Note(at, "", text)] if text else []
    return found.notes(notes, source)


def is_taskwarrior(entry: dict[str, Any]) -> bool:
    """Whether an object of a JSON file is a task of Taskwarrior."""
    return {"uuid", "description", "status"} <= entry.keys()
