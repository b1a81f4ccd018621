"""The documents of `--json`: one builder for each kind.

Keys are camelCase and always all there, null or [] when empty; times are RFC 3339 in UTC,
durations whole seconds. Within `schemaVersion` 1 keys are only ever added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gittasks.core.fields import Field, Kind, arranged
from gittasks.core.graph import Graph
from gittasks.core.model import ListInfo, Problem, Snapshot, Status, Task
from gittasks.core.progress import Current, Loop, Phase, Progress
from gittasks.core.view import ListView
from gittasks.errors import GittasksError

SCHEMA_VERSION = 1
Document = dict[str, Any]


def dumps(document: Mapping[str, Any]) -> str:
    """A document as one line of ASCII, without a final newline."""
    import json

    return json.dumps(document, separators=(",", ":"), allow_nan=False)


def envelope(kind: str, **content: object) -> Document:
    """A document of this kind: the schema version, the kind, then the content."""
    return {"schemaVersion": SCHEMA_VERSION, "kind": kind, **content}


# --- parts ---------------------------------------------------------------------------------


_FIELDS = arranged(
    "subject description activeForm status owner session claim phase order blockedBy result "
    "commits notes metadata created createdBy started finished"
)


def task(task: Task, graph: Graph, me: str | None = None) -> Document:
    """One task with what the list makes of it; `ready` is meant for `me`, as in `Graph.ready`."""
    blockers = list(graph.open_blockers(task.id))
    pending = task.status is Status.PENDING
    place = task.iteration
    derived: dict[str, Document] = {
        "phase": {
            "phase": task.phase_label,
            "iteration": {"n": place.n, "max": place.max, "name": place.name} if place else None,
        },
        "blockedBy": {
            "blocks": list(graph.blocks(task.id)),
            "openBlockers": blockers,
            "ready": pending and not blockers and task.owner in (None, me) and graph.is_due(task),
        },
    }
    document: Document = {"id": task.id}
    for field in _FIELDS:
        document[field.name] = _value(field, getattr(task, field.attr))
        document |= derived.get(field.name, {})
    return document


def _value(field: Field, value: Any) -> Any:
    """The value of a field as JSON."""
    if field.kind is Kind.STATUS:
        return str(value)
    if field.kind is Kind.MAP:
        return dict(value)
    if isinstance(value, tuple):
        return [item._asdict() if hasattr(item, "_asdict") else item for item in value]
    return value


def list_part(info: ListInfo) -> Document:
    """The list itself, as it stands in every document about one list."""
    return {"id": info.id, "title": info.title}


def progress_part(progress: Progress) -> Document:
    """Progress as it stands in the documents of `list`, `status` and `lists`."""
    return {
        "total": progress.total,
        "completed": progress.completed,
        "inProgress": progress.in_progress,
        "pending": progress.pending,
        "blocked": progress.blocked,
        "skipped": progress.skipped,
        "percent": float(progress.percent) if "." in progress.percent else int(progress.percent),
        "summary": progress.summary,
        "etaSeconds": progress.eta_seconds,
        "elapsedSeconds": progress.elapsed,
        "phases": [_phase(phase) for phase in progress.phases],
        "loops": [_loop(loop) for loop in progress.loops],
        "current": [_current(current) for current in progress.current],
    }


def _phase(phase: Phase) -> Document:
    return {
        "label": phase.label,
        "total": phase.total,
        "completed": phase.completed,
        "inProgress": phase.in_progress,
        "pending": phase.total - phase.completed - phase.in_progress,
        "skipped": phase.skipped,
        "summary": phase.words,
        "parallel": phase.parallel,
    }


def _loop(loop: Loop) -> Document:
    return {
        "phase": loop.phase,
        "name": loop.name,
        "max": loop.max,
        "completed": loop.completed,
        "running": loop.running,
        "summary": list(loop.lines),
    }


def _current(current: Current) -> Document:
    return {
        "id": current.task.id,
        "subject": current.task.subject,
        "activeForm": current.task.active_form,
        "owner": current.task.owner,
        "started": current.task.started,
        "seconds": current.seconds,
    }


def problems_part(problems: Iterable[Problem]) -> list[Document]:
    """What cannot be read, as it stands in every document that leaves it out."""
    return [{"path": p.path, "line": p.line, "message": p.message} for p in problems]


# --- documents -----------------------------------------------------------------------------


def task_document(
    changed_task: Task,
    graph: Graph,
    *,
    changed: bool = False,
    unblocked: Sequence[str] = (),
    commit: str | None = None,
    me: str | None = None,
    info: ListInfo | None = None,
) -> Document:
    """The answer of `show` and of every command that writes one task.

    `unblocked` are the ids that became ready by it; `commit` is the new commit, None if none.
    """
    return envelope(
        "task",
        list=list_part(info) if info else None,
        task=task(changed_task, graph, me),
        changed=changed,
        unblocked=list(unblocked),
        commit=commit,
    )


def task_list_document(view: ListView, tasks: Iterable[Task], me: str | None = None) -> Document:
    """The answer of `list`: the chosen tasks, and the progress of the whole list."""
    return envelope(
        "taskList",
        list=list_part(view.info),
        tasks=[task(t, view.graph, me) for t in tasks],
        progress=progress_part(view.progress),
        **_standing(view),
    )


def progress_document(view: ListView) -> Document:
    """The answer of `status`."""
    return envelope(
        "progress",
        list=list_part(view.info),
        progress=progress_part(view.progress),
        **_standing(view),
    )


def _standing(view: ListView) -> Document:
    """What the documents of `list` and `status` end with: problems, sharing, the moment."""
    return {
        "problems": problems_part(view.problems),
        "conflicts": view.conflicts,
        "apart": view.apart,
        "stale": [claim.task for claim in view.stale],
        "at": view.past.at if view.past else None,
        "commit": _commit(view),
    }


def _commit(view: ListView) -> str | None:
    return None if view.in_memory else view.commit


def ready_document(view: ListView, tasks: Iterable[Task], me: str | None = None) -> Document:
    """The answer of `ready`: the tasks that `me` can start."""
    chosen = [task(t, view.graph, me) for t in tasks]
    return envelope("ready", list=list_part(view.info), tasks=chosen)


def lists_document(rows: Iterable[ListView]) -> Document:
    """The answer of `lists`; `current` marks the list that commands without --list mean."""
    return envelope(
        "lists",
        lists=[
            {
                **list_part(row.info),
                "current": row.chosen,
                "places": list(row.places),
                "problems": len(row.problems),
                "progress": progress_part(row.progress),
            }
            for row in rows
        ],
    )


def log_document(info: ListInfo, entries: Iterable[Mapping[str, Any]]) -> Document:
    """The answer of `log`: the entries as they are given, newest first."""
    return envelope("log", list=list_part(info), entries=[dict(entry) for entry in entries])


def export_document(snapshot: Snapshot, tasks: Iterable[Task]) -> Document:
    """The answer of `export`: the list and the chosen tasks, unknown keys included."""
    info, graph = snapshot.info, Graph.of(snapshot)
    return envelope(
        "export",
        list={
            **list_part(info),
            "format": info.format,
            "rules": info.rules,
            "settings": dict(info.settings),
        },
        tasks=[{**task(t, graph), "rawPhase": t.phase, "extra": dict(t.extra)} for t in tasks],
    )


def error_document(error: GittasksError) -> Document:
    """The document that stderr gets when a command fails."""
    return envelope(
        "error",
        error={
            **error.details,
            "kind": error.kind,
            "message": _encodable(error.message),
            "hint": _optional(error.hint),
            "where": _optional(error.where),
            "exitCode": error.exit_code,
        },
    )


def _encodable(text: str) -> str:
    # An argument that is no UTF-8 reaches messages with lone surrogates, which JSON readers refuse.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _optional(text: str | None) -> str | None:
    return None if text is None else _encodable(text)
