"""Entries of the history as lines and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from gittasks.core.clock import duration_words
from gittasks.core.history import Change, ChangeKind, LogEntry, PhaseTime
from gittasks.core.texts import shorten
from gittasks.render import documents
from gittasks.render.text import Marks, clean

_QUIET = frozenset(
    {"owner", "session", "claim", "left", "started", "finished", "created", "createdBy"}
)
"""Fields that come along with a change of status and say nothing new on a line."""
_LONG = 60
"""Characters of a value that a line of the log shows."""


def entry_lines(entries: Iterable[LogEntry], marks: Marks, *, with_task: bool) -> list[str]:
    """`2026-11-22 10:00:00Z 1a2b3c4 agent  p1-ask: pending → in_progress`, one an entry."""
    shown = list(entries)
    width = max((len(clean(e.who)) for e in shown), default=0)
    lines = []
    for entry in shown:
        at = entry.at.replace("T", " ")
        what = _what(entry, marks, with_task=with_task)
        lines.append(f"{at} {entry.commit[:7]} {clean(entry.who):<{width}}  {what}")
    return lines


def in_words(entry: LogEntry, marks: Marks) -> str:
    """What an entry changed, in words."""
    return _what(entry, marks, with_task=True)


def _what(entry: LogEntry, marks: Marks, *, with_task: bool) -> str:
    tasks = entry.tasks
    if not tasks:
        return clean(entry.subject)
    parts = []
    for task_id in tasks[:3]:
        said = ", ".join(changed_words(entry.changes_of(task_id), marks))
        name = f"{clean(task_id)}: " if task_id else "list: "
        parts.append((name if with_task else "") + said)
    if len(tasks) > 3:
        parts.append(f"and {len(tasks) - 3} more tasks")
    forced = f" (forced: {clean(', '.join(entry.forced))})" if entry.forced else ""
    undo = f" (undo of {clean(entry.undo_of[:7])})" if entry.undo_of else ""
    return "; ".join(parts) + forced + undo


def changed_words(changes: Sequence[Change], marks: Marks) -> list[str]:
    """What changes of one task, or of the list, say: `pending → completed (PASS)`."""
    moved = any(c.field == "status" for c in changes)
    told = []
    if not moved and any(c.field == "claim" for c in changes):
        owner = next((c.after for c in changes if c.field == "owner"), None)
        told, moved = [f"taken over by {_short(owner)}" if owner else "claimed again"], True
    for change in changes:
        if change.kind is ChangeKind.CREATED:
            told.append(f"created {_short(change.after)}")
        elif change.kind is not ChangeKind.FIELD:
            told.append(change.kind)
        elif change.field == "status":
            result = next((c.after for c in changes if c.field == "result"), None)
            outcome = f" ({_short(result)})" if result else ""
            told.append(f"{change.before} {marks.arrow} {change.after}{outcome}")
        elif change.field == "result" and moved:
            continue
        elif change.field == "notes":
            told += [f"note: {_short(n['text'])}" for n in change.after if n not in change.before]
            told += ["note removed" for n in change.before if n not in change.after]
        elif change.field == "blockedBy":
            told.append(_edges(change))
        elif change.field == "commits":
            told += _links(change)
        elif change.field in ("description", "metadata"):
            told.append(f"{change.field} changed")
        elif not (moved and change.field in _QUIET):
            told.append(f"{clean(change.field)} {marks.arrow} {_short(change.after)}")
    return told


def _edges(change: Change) -> str:
    added = [f"+{clean(i)}" for i in change.after if i not in change.before]
    removed = [f"-{clean(i)}" for i in change.before if i not in change.after]
    return f"blockedBy {' '.join(added + removed)}"


def _links(change: Change) -> list[str]:
    added = [c for c in change.after if c not in change.before]
    removed = [c for c in change.before if c not in change.after]
    told = [f"commit {c['sha'][:7]} {_short(c['subject'] or '')}" for c in added]
    return told + [f"no longer commit {c['sha'][:7]}" for c in removed]


def _short(value: Any) -> str:
    return shorten(clean(str(value)), _LONG) if value not in (None, "") else "(none)"


def phase_lines(times: Sequence[PhaseTime]) -> list[str]:
    """How long each phase took, after a blank line; nothing when none has begun."""
    if not times:
        return []
    lines = [""]
    for time in times:
        so_far = "" if time.finished else " so far"
        lines.append(f"{clean(time.label)}: {duration_words(time.seconds)}{so_far}")
    return lines


def entry_documents(entries: Iterable[LogEntry]) -> list[documents.Document]:
    """Entries as they stand in the documents of `log` and `show`."""
    return [
        {
            "commit": e.commit,
            "at": e.at,
            "by": e.by,
            "owner": e.owner,
            "session": e.session,
            "subject": e.subject,
            "forced": list(e.forced),
            "undoOf": e.undo_of,
            "changes": [change_document(c) for c in e.changes],
        }
        for e in entries
    ]


def change_document(change: Change) -> documents.Document:
    """One change as it stands in the documents."""
    return {
        "task": change.task or None,
        "field": change.field,
        "from": change.before,
        "to": change.after,
        "kind": change.kind,
    }
