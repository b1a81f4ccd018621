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
    collector = Collector("taskwarrior")
    for number, entry in objects(data, where):
        source = entry.get("uuid")
        if not isinstance(source, str) or not source.strip():
            raise InvalidData('a task needs a "uuid"', where=f"{where}: entry {number}")
        if entry.get("status") == "recurring":
            collector.lose("task", "it is the template of a recurring one", source)
        else:
            _task(collector, entry, source)
    return collector.arrivals(where)


def _task(collector: Collector, entry: dict[str, Any], source: str) -> None:
    subject, whole = collector.subject(entry.get("description"), source)
    status = _STATUSES.get(str(entry.get("status")), Status.PENDING)
    start = _time(collector, entry, "start", source)
    if start and status is Status.PENDING:
        status = Status.IN_PROGRESS
    times = {name: _time(collector, entry, name, source) for name in _TIMES}
    not_before = max(times["wait"] or "", times["scheduled"] or "") or None
    word = entry.get("priority") or None
    metadata: dict[str, object] = {
        "priority": None if str(word) in _PRIORITIES else word,
        **{name: time for name, time in times.items() if time != not_before},
    }
    metadata |= _attributes(collector, entry, source)
    task = Task(
        id="",
        subject=subject,
        description=collector.prose(sections((None, whole)), "description", source),
        status=status,
        priority=_PRIORITIES.get(str(word), 2),
        tags=collector.tags(entry.get("tags"), "tags", source),
        not_before=not_before,
        started=start,
        finished=_time(collector, entry, "end", source) if status is Status.COMPLETED else None,
        phase=collector.line(entry.get("project"), "project", source),
        notes=_annotations(collector, entry, source),
        metadata=collector.metadata(metadata, source),
        created=_time(collector, entry, "entry", source),
    )
    depends = entry.get("depends")
    waits = depends.split(",") if isinstance(depends, str) else texts_of(depends)
    collector.add(source, task, tuple(w.strip() for w in waits))


def _attributes(collector: Collector, entry: dict[str, Any], source: str) -> dict[str, object]:
    """The attributes that a user has defined; the rest is noted as lost."""
    attributes: dict[str, object] = {}
    for key, value in entry.items():
        if value in (None, "", 0):
            continue
        if key in _COMPUTED:
            collector.lose(key, "Taskwarrior works it out by itself", source)
        elif key in _RECURRENCE:
            collector.lose(key, "gittasks has no recurring tasks", source)
        elif key not in _READ and isinstance(value, (str, int, float)):
            attributes[key] = value
        elif key not in _READ:
            collector.lose_rest({key: value}, frozenset(), source)
    return attributes


def _time(collector: Collector, entry: dict[str, Any], key: str, source: str) -> str | None:
    value = entry.get(key)
    if isinstance(value, str):
        value = re.sub(_COMPACT, r"\1-\2-\3T\4:\5:\6Z", value)
    return collector.time(value, key, source)


def _annotations(collector: Collector, entry: dict[str, Any], source: str) -> tuple[Note, ...]:
    notes = []
    for annotation in collector.entries(entry.get("annotations"), "annotations", source):
        text = collector.prose(annotation.get("description"), "annotations", source)
        at = _time(collector, annotation, "entry", source) or ""
        notes += [Note(at, "", text)] if text else []
    return collector.notes(notes, source)


def is_taskwarrior(entry: dict[str, Any]) -> bool:
    """True for an object of a JSON file that is a task of Taskwarrior."""
    return {"uuid", "description", "status"} <= entry.keys()
