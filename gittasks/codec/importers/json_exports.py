"""Trackers that export JSON: gittasks itself, beads, Taskwarrior.

Our own exports are read unchanged, with times and claims. beads exports JSON lines (`bd export`,
or `.beads/issues.jsonl` of its older versions), Taskwarrior 2 and 3 a list (`task export`).
"""

from __future__ import annotations

import re
from typing import Any

from gittasks.codec.canonical import FILE_ORDER, typed_task
from gittasks.codec.importers.builder import (
    Collector,
    decoded,
    loads,
    objects,
    sections,
    text_of,
    texts_of,
)
from gittasks.codec.task_file import check_task
from gittasks.core.ids import task_id_fault
from gittasks.core.imports import ImportBatch, ImportedTask
from gittasks.core.model import Note, Status, Task
from gittasks.core.validation import LINE_LIMIT
from gittasks.errors import UPDATE, FormatTooNew, InvalidData

SCHEMA_VERSION = 1
"""The version of exports that can be read."""


def is_native(document: object) -> bool:
    """True for a JSON value that is an exported list."""
    return isinstance(document, dict) and document.get("kind") == "export"


def read_native(data: bytes, where: str) -> ImportBatch:
    """Read an exported list. Raises InvalidData and FormatTooNew."""
    document = loads(decoded(data, where), where)
    if not is_native(document):
        message = "not an exported list"
        raise InvalidData(message, where=where, hint="make one with: gittasks export >FILE")
    version = document.get("schemaVersion")
    if version != SCHEMA_VERSION:
        raise FormatTooNew(
            f"the export has schemaVersion {version!r}; this gittasks reads {SCHEMA_VERSION}",
            where=where,
            ways=[UPDATE],
        )
    entries, about = document.get("tasks"), document.get("list")
    if not isinstance(entries, list):
        raise InvalidData('"tasks" must be a list', where=where)
    about = about if isinstance(about, dict) else {}
    title, settings = about.get("title"), about.get("settings")
    return ImportBatch(
        tool="json",
        where=where,
        tasks=tuple(
            _native_task(entry, f"{where}: task {n}") for n, entry in enumerate(entries, 1)
        ),
        title=title if isinstance(title, str) else None,
        settings=settings if isinstance(settings, dict) else {},
    )


def _native_task(entry: Any, place: str) -> ImportedTask:
    task_id = entry.get("id") if isinstance(entry, dict) else None
    if not isinstance(task_id, str):
        raise InvalidData('a task needs an "id"', where=place)
    place = f"{place} ({task_id[:63]})"
    if fault := task_id_fault(task_id):
        raise InvalidData(f"invalid task id: {fault}", where=place)
    extra = entry.get("extra") or {}
    if not isinstance(extra, dict):
        raise InvalidData('"extra" cannot be used as it is', where=place)
    names = [field.name for field in FILE_ORDER]
    known = {key: entry[key] for key in names if entry.get(key) not in (None, "", [], {})}
    for key in ("notes", "commits"):
        if isinstance(known.get(key), list):
            known[key] = [_without_nothing(item) for item in known[key]]
    blockers = known.pop("blockedBy", [])
    if "rawPhase" in entry:  # `phase` is the name that is shown
        known.pop("phase", None)
        known |= {"phase": entry["rawPhase"]} if entry["rawPhase"] else {}
    try:
        task = typed_task({**extra, **known, "blockedBy": blockers}, task_id)
        check_task(task)
    except InvalidData as error:
        raise InvalidData(error.message, where=place, hint=error.hint) from error
    except ValueError as error:
        raise InvalidData(f"{error} cannot be used as it is", where=place) from error
    return ImportedTask(task_id, task, task.blocked_by)


def _without_nothing(item: Any) -> Any:
    return {k: v for k, v in item.items() if v is not None} if isinstance(item, dict) else item


_BEADS_STATUSES = {
    "open": Status.PENDING,
    "blocked": Status.PENDING,
    "deferred": Status.PENDING,
    "pinned": Status.PENDING,
    "in_progress": Status.IN_PROGRESS,
    "hooked": Status.IN_PROGRESS,
    "closed": Status.COMPLETED,
}
_WAITS = ("blocks", "conditional-blocks", "waits-for")
_SECTIONS = (
    (None, "description"),
    ("Design", "design"),
    ("Acceptance criteria", "acceptance_criteria"),
    ("Notes", "notes"),
)
"""The long texts of an issue: heading, key."""
_BEADS_METADATA = {
    "owner": "contact",
    "estimated_minutes": "estimateMinutes",
    "due_at": "due",
    "external_ref": "externalRef",
    "spec_id": "specId",
}
_BEADS_KEYS = text_of(
    "_type id title description design acceptance_criteria notes status issue_type assignee "
    "created_at created_by started_at closed_at close_reason dependencies comments metadata "
    "is_template priority labels defer_until"
) | frozenset(_BEADS_METADATA)
_BEADS_COMPUTED = text_of(
    "updated_at dependency_count dependent_count comment_count content_hash source_repo "
    "original_size compaction_level"
)


def read_beads(data: bytes, where: str) -> ImportBatch:
    """Read an export. Raises InvalidData with the line."""
    collector = Collector("beads")
    for number, entry in objects(data, where):
        kind = entry.get("_type", "issue")
        source = entry.get("id")
        if kind != "issue":
            collector.lose(str(kind)[:60], "not an issue", str(source or entry.get("key"))[:80])
            continue
        if not isinstance(source, str) or not source.strip():
            raise InvalidData('an issue needs an "id"', where=f"{where}:{number}")
        if entry.get("status") == "tombstone":
            collector.lose("issue", "deleted in beads", source)
        elif entry.get("is_template"):
            collector.lose("issue", "a template", source)
        else:
            _issue(collector, entry, source)
    return collector.arrivals(where)


def _issue(collector: Collector, entry: dict[str, Any], source: str) -> None:
    subject, whole = collector.subject(entry.get("title"), source)
    status = _status(collector, entry, source)
    started = collector.time(entry.get("started_at"), "started_at", source)
    finished = collector.time(entry.get("closed_at"), "closed_at", source)
    waits, links, parent = _dependencies(collector, entry)
    description = sections(
        (None, whole),
        *((heading, collector.prose(entry.get(key), key, source)) for heading, key in _SECTIONS),
    )
    metadata = _metadata(entry, status) | {"parent": parent, "links": links}
    closed = status is Status.COMPLETED
    reason = entry.get("close_reason") if closed else None
    long = isinstance(reason, str) and (len(reason) > LINE_LIMIT or "\n" in reason.strip())
    task = Task(
        id="",
        subject=subject,
        description=collector.prose(description, "description", source),
        status=status or Status.PENDING,
        priority=_priority(collector, entry.get("priority"), source),
        tags=collector.tags(entry.get("labels"), "labels", source),
        not_before=collector.time(entry.get("defer_until"), "defer_until", source),
        owner=collector.line(entry.get("assignee"), "assignee", source),
        started=started if closed or status is Status.IN_PROGRESS else None,
        finished=finished if closed else None,
        result=None if long else collector.line(reason, "close_reason", source),
        notes=_comments(collector, entry, source, (finished or "") if long else None),
        metadata=collector.metadata(metadata, source),
        created=collector.time(entry.get("created_at"), "created_at", source),
        created_by=collector.line(entry.get("created_by"), "created_by", source),
    )
    for key in sorted(_BEADS_COMPUTED):
        if entry.get(key):
            collector.lose(key, "computed by beads", source)
    collector.lose_rest(entry, _BEADS_KEYS | _BEADS_COMPUTED, source)
    collector.add(source, task, tuple(waits))


def _metadata(entry: dict[str, Any], status: Status | None) -> dict[str, object]:
    """The metadata of an issue, its keys without a field here, and a custom status."""
    own = entry.get("metadata")
    metadata: dict[str, object] = dict(own) if isinstance(own, dict) else {}
    metadata |= {name: entry.get(key) for key, name in _BEADS_METADATA.items()}
    if entry.get("issue_type") not in (None, "", "task"):
        metadata["type"] = entry["issue_type"]
    if status is None:
        metadata["status"] = entry.get("status")
    return metadata


def _priority(collector: Collector, value: object, source: str) -> int:
    """The priority, from 0 to 4 in beads as in gittasks."""
    if type(value) is int and 0 <= value <= 4:
        return value
    if value is not None:
        collector.lose("priority", "not a number from 0 to 4", source)
    return 2


def _status(collector: Collector, entry: dict[str, Any], source: str) -> Status | None:
    """The status; None for a custom one."""
    word = str(entry.get("status") or "open")
    if word == "deferred" and entry.get("defer_until"):
        return Status.PENDING
    if word in ("blocked", "deferred", "pinned"):
        collector.lose(
            f"status {word}", "imported as pending; open dependencies block a task", source
        )
    elif word not in _BEADS_STATUSES:
        what = collector.line(f"status {word}", "status", source) or "status"
        collector.lose(what, "imported as pending; the word is kept in the metadata", source)
    return _BEADS_STATUSES.get(word)


def _dependencies(
    collector: Collector, entry: dict[str, Any]
) -> tuple[list[str], list[dict[str, str]], str | None]:
    """The blockers of an issue, its other links, and its parent."""
    waits: list[str] = []
    links: list[dict[str, str]] = []
    parent = None
    for edge in collector.entries(entry.get("dependencies"), "dependencies", entry["id"]):
        target = edge.get("depends_on_id")
        if not isinstance(target, str) or edge.get("issue_id", entry["id"]) != entry["id"]:
            collector.lose("dependencies", "an entry names no issue to depend on", entry["id"])
            continue
        kind = str(edge.get("type") or "blocks")
        if kind in _WAITS:
            waits.append(target)
        elif kind == "parent-child":
            parent = target
        else:
            links.append({"type": kind, "id": target})
    return waits, links, parent


def _comments(
    collector: Collector, entry: dict[str, Any], source: str, closed: str | None
) -> tuple[Note, ...]:
    """The comments, and the reason of the closing if it is too long for a result."""
    notes = []
    for comment in collector.entries(entry.get("comments"), "comments", source):
        text = collector.prose(comment.get("text"), "comments", source)
        at = collector.time(comment.get("created_at"), "comments", source) or ""
        by = collector.line(comment.get("author"), "comments", source) or ""
        notes += [Note(at, by, text)] if text else []
    if closed is not None and (
        text := collector.prose(entry.get("close_reason"), "close_reason", source)
    ):
        notes.append(Note(closed, "", text))
    return collector.notes(notes, source)


def is_beads(entry: dict[str, Any]) -> bool:
    """True for an object of a JSON file that is an issue of beads."""
    return entry.get("_type") in ("issue", "memory") or {"id", "title", "status"} <= entry.keys()


_TASKWARRIOR_STATUSES = {
    "pending": Status.PENDING,
    "waiting": Status.PENDING,
    "completed": Status.COMPLETED,
    "deleted": Status.DELETED,
}
_PRIORITIES = {"H": 1, "M": 2, "L": 3}
_TIMES = ("due", "scheduled", "wait", "until")
_TASKWARRIOR_KEYS = text_of(
    "uuid description status start end entry depends annotations tags priority project"
) | frozenset(_TIMES)
_TASKWARRIOR_COMPUTED = frozenset(("id", "urgency", "modified"))
_RECURRENCE = frozenset(("recur", "mask", "imask", "parent", "rtype", "last", "template"))
_COMPACT = r"([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z"


def read_taskwarrior(data: bytes, where: str) -> ImportBatch:
    """Read an export. Raises InvalidData with the place."""
    collector = Collector("taskwarrior")
    for number, entry in objects(data, where):
        source = entry.get("uuid")
        if not isinstance(source, str) or not source.strip():
            raise InvalidData('a task needs a "uuid"', where=f"{where}: entry {number}")
        if entry.get("status") == "recurring":
            collector.lose("task", "the template of a recurring task", source)
        else:
            _taskwarrior_task(collector, entry, source)
    return collector.arrivals(where)


def _taskwarrior_task(collector: Collector, entry: dict[str, Any], source: str) -> None:
    subject, whole = collector.subject(entry.get("description"), source)
    status = _TASKWARRIOR_STATUSES.get(str(entry.get("status")), Status.PENDING)
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
    """The user-defined attributes; other keys are recorded as dropped."""
    attributes: dict[str, object] = {}
    for key, value in entry.items():
        if value in (None, "", 0):
            continue
        if key in _TASKWARRIOR_COMPUTED:
            collector.lose(key, "computed by Taskwarrior", source)
        elif key in _RECURRENCE:
            collector.lose(key, "gittasks has no recurring tasks", source)
        elif key not in _TASKWARRIOR_KEYS and isinstance(value, (str, int, float)):
            attributes[key] = value
        elif key not in _TASKWARRIOR_KEYS:
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
