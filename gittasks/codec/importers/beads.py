"""The JSONL export of beads (`bd export`, or `.beads/issues.jsonl` of its older versions)."""

from __future__ import annotations

from typing import Any

from gittasks.codec.importers.builder import Collector, objects, sections, text_of
from gittasks.core.imports import ImportBatch
from gittasks.core.model import Note, Status, Task
from gittasks.core.validation import LINE_LIMIT
from gittasks.errors import InvalidData

_STATUSES = {
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
"""The long texts of an issue, by their headings here."""
_METADATA = {
    "owner": "contact",
    "estimated_minutes": "estimateMinutes",
    "due_at": "due",
    "external_ref": "externalRef",
    "spec_id": "specId",
}
_READ = text_of(
    "_type id title description design acceptance_criteria notes status issue_type assignee "
    "created_at created_by started_at closed_at close_reason dependencies comments metadata "
    "is_template priority labels defer_until"
) | frozenset(_METADATA)
_COMPUTED = text_of(
    "updated_at dependency_count dependent_count comment_count content_hash source_repo "
    "original_size compaction_level"
)


def read_beads(data: bytes, where: str) -> ImportBatch:
    """Read an export. Raises InvalidData, with the line, for what is none."""
    collector = Collector("beads")
    for number, entry in objects(data, where):
        kind = entry.get("_type", "issue")
        source = entry.get("id")
        if kind != "issue":
            collector.lose(str(kind)[:60], "this is no issue", str(source or entry.get("key"))[:80])
            continue
        if not isinstance(source, str) or not source.strip():
            raise InvalidData('an issue needs an "id"', where=f"{where}:{number}")
        if entry.get("status") == "tombstone":
            collector.lose("issue", "it was deleted in beads", source)
        elif entry.get("is_template"):
            collector.lose("issue", "it is a template", source)
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
    for key in sorted(_COMPUTED):
        if entry.get(key):
            collector.lose(key, "beads works it out by itself", source)
    collector.lose_rest(entry, _READ | _COMPUTED, source)
    collector.add(source, task, tuple(waits))


def _metadata(entry: dict[str, Any], status: Status | None) -> dict[str, object]:
    """Its own metadata, and what has no field here; a status that its users have made up."""
    own = entry.get("metadata")
    metadata: dict[str, object] = dict(own) if isinstance(own, dict) else {}
    metadata |= {name: entry.get(key) for key, name in _METADATA.items()}
    if entry.get("issue_type") not in (None, "", "task"):
        metadata["type"] = entry["issue_type"]
    if status is None:
        metadata["status"] = entry.get("status")
    return metadata


def _priority(collector: Collector, value: object, source: str) -> int:
    """The priority, from 0 to 4 there as here."""
    if type(value) is int and 0 <= value <= 4:
        return value
    if value is not None:
        collector.lose("priority", "it is no number from 0 to 4", source)
    return 2


def _status(collector: Collector, entry: dict[str, Any], source: str) -> Status | None:
    """The status; None for one that its users have made up."""
    word = str(entry.get("status") or "open")
    if word == "deferred" and entry.get("defer_until"):
        return Status.PENDING
    if word in ("blocked", "deferred", "pinned"):
        collector.lose(f"status {word}", "pending here; blocked is what waits for others", source)
    elif word not in _STATUSES:
        what = collector.line(f"status {word}", "status", source) or "status"
        collector.lose(what, "pending here; the word is kept in the metadata", source)
    return _STATUSES.get(word)


def _dependencies(
    collector: Collector, entry: dict[str, Any]
) -> tuple[list[str], list[dict[str, str]], str | None]:
    """The issues that one waits for, its other links, and its parent."""
    waits: list[str] = []
    links: list[dict[str, str]] = []
    parent = None
    for edge in collector.entries(entry.get("dependencies"), "dependencies", entry["id"]):
        target = edge.get("depends_on_id")
        if not isinstance(target, str) or edge.get("issue_id", entry["id"]) != entry["id"]:
            collector.lose(
                "dependencies", "one names no issue that this one depends on", entry["id"]
            )
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
    """The comments, and the reason that it was closed for where that is more than a result."""
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
