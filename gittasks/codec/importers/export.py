"""Our own JSON export, read as it was, with all its past."""

from __future__ import annotations

from typing import Any

from gittasks.codec.canonical import FILE_ORDER, typed_task
from gittasks.codec.importers.builder import decoded, loads
from gittasks.codec.task_file import check_task
from gittasks.core.ids import task_id_fault
from gittasks.core.imports import ImportBatch, ImportedTask
from gittasks.errors import FormatTooNew, InvalidData

SCHEMA_VERSION = 1
"""Version of the documents that are read."""


def is_native(document: object) -> bool:
    """True for a JSON value that is an exported list."""
    return isinstance(document, dict) and document.get("kind") == "export"


def read_native(data: bytes, where: str) -> ImportBatch:
    """Read an exported list. Raises InvalidData and FormatTooNew."""
    document = loads(decoded(data, where), where)
    if not is_native(document):
        message = "this is no exported list"
        raise InvalidData(message, where=where, hint="make one with: gittasks export")
    version = document.get("schemaVersion")
    if version != SCHEMA_VERSION:
        raise FormatTooNew(
            f"the export has schemaVersion {version!r}; this gittasks reads {SCHEMA_VERSION}",
            where=where,
            hint="update gittasks: pip install --upgrade gittasks",
        )
    entries, about = document.get("tasks"), document.get("list")
    if not isinstance(entries, list):
        raise InvalidData('"tasks" must be a list', where=where)
    about = about if isinstance(about, dict) else {}
    title, settings = about.get("title"), about.get("settings")
    return ImportBatch(
        tool="json",
        where=where,
        tasks=tuple(_task(entry, f"{where}: task {n}") for n, entry in enumerate(entries, 1)),
        title=title if isinstance(title, str) else None,
        settings=settings if isinstance(settings, dict) else {},
    )


def _task(entry: Any, place: str) -> ImportedTask:
    task_id = entry.get("id") if isinstance(entry, dict) else None
    if not isinstance(task_id, str):
        raise InvalidData('a task needs an "id"', where=place)
    place = f"{place} ({task_id[:63]})"
    if fault := task_id_fault(task_id):
        raise InvalidData(f"this is no task id: {fault}", where=place)
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
