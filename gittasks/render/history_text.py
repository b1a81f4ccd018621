"""The history as lines: commits, their changes, phases, conflicts, exchanges."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from gittasks.core.changes import Change, ChangeKind
from gittasks.core.history import LogEntry, PhaseTime
from gittasks.core.model import Status, Task
from gittasks.core.times import duration_words
from gittasks.core.validation import shorten
from gittasks.core.view import ListView, Moment
from gittasks.light import TYPE_CHECKING
from gittasks.render import plain
from gittasks.render.text import StatusMarks, clean

if TYPE_CHECKING:
    from typing import Any

    from gittasks.core.merge.resolution import OpenConflict, Side

_QUIET = frozenset(
    {"owner", "session", "claim", "left", "started", "finished", "created", "createdBy"}
)
"""Fields that come along with a change of status and say nothing new on a line."""
_LONG = 60
"""Characters of a value that a line of the log shows."""


def entry_lines(entries: Iterable[LogEntry], marks: StatusMarks, *, with_task: bool) -> list[str]:
    """`2026-11-22 10:00:00Z 1a2b3c4 agent  p1-ask: pending → in_progress`, one an entry."""
    shown = list(entries)
    width = max((len(clean(e.who)) for e in shown), default=0)
    lines = []
    for entry in shown:
        at = " " * len(entry.at) if entry.is_root else entry.at.replace("T", " ")
        what = _what(entry, marks, with_task=with_task)
        lines.append(f"{at} {entry.commit[:7]} {clean(entry.who):<{width}}  {what}")
    return lines


def in_words(entry: LogEntry, marks: StatusMarks) -> str:
    """The changes of an entry, in words."""
    return _what(entry, marks, with_task=True)


def _what(entry: LogEntry, marks: StatusMarks, *, with_task: bool) -> str:
    tasks = entry.tasks
    if not tasks:
        return clean(entry.subject)
    parts = []
    for task_id in tasks[:3]:
        words = ", ".join(changed_words(entry.changes_of(task_id), marks))
        name = f"{clean(task_id)}: " if task_id else "list: "
        parts.append((name if with_task else "") + words)
    if len(tasks) > 3:
        parts.append(f"and {len(tasks) - 3} more tasks")
    forced = f" (forced: {clean(', '.join(entry.forced))})" if entry.forced else ""
    undo = f" (undo of {clean(entry.undo_of[:7])})" if entry.undo_of else ""
    return "; ".join(parts) + forced + undo


def changed_words(changes: Sequence[Change], marks: StatusMarks) -> list[str]:
    """Changes of one task, or of the list, in words: `pending → completed (PASS)`."""
    moved = any(c.field == "status" for c in changes)
    words = []
    if not moved and any(c.field == "claim" for c in changes):
        owner = next((c.after for c in changes if c.field == "owner"), None)
        words, moved = [f"taken over by {_short(owner)}" if owner else "claimed again"], True
    for change in changes:
        if change.kind is ChangeKind.CREATED:
            words.append(f"created {_short(change.after)}")
        elif change.kind is not ChangeKind.FIELD:
            words.append(change.kind)
        elif change.field == "status":
            result = next((c.after for c in changes if c.field == "result"), None)
            outcome = f" ({_short(result)})" if result else ""
            words.append(f"{change.before} {marks.arrow} {change.after}{outcome}")
        elif change.field == "result" and moved:
            continue
        elif change.field == "notes":
            words += [f"note: {_short(n['text'])}" for n in change.after if n not in change.before]
            words += ["note removed" for n in change.before if n not in change.after]
        elif change.field == "blockedBy":
            words.append(_edges(change))
        elif change.field == "commits":
            words += _links(change)
        elif change.field in ("description", "metadata"):
            words.append(f"{change.field} changed")
        elif not (moved and change.field in _QUIET):
            words.append(f"{clean(change.field)} {marks.arrow} {_short(change.after)}")
    return words


def _edges(change: Change) -> str:
    added = [f"+{clean(i)}" for i in change.after if i not in change.before]
    removed = [f"-{clean(i)}" for i in change.before if i not in change.after]
    return f"blockedBy {' '.join(added + removed)}"


def _links(change: Change) -> list[str]:
    added = [c for c in change.after if c not in change.before]
    removed = [c for c in change.before if c not in change.after]
    words = [f"commit {c['sha'][:7]} {_short(c['subject'] or '')}" for c in added]
    return words + [f"no longer commit {c['sha'][:7]}" for c in removed]


def _short(value: Any) -> str:
    return shorten(clean(str(value)), _LONG) if value not in (None, "") else "(none)"


def phase_lines(times: Sequence[PhaseTime]) -> list[str]:
    """The duration of each phase, after a blank line; nothing when none has begun."""
    if not times:
        return []
    lines = [""]
    for time in times:
        so_far = "" if time.finished else " so far"
        lines.append(f"{clean(time.label)}: {duration_words(time.seconds)}{so_far}")
    return lines


def since_lines(
    view: ListView,
    since: Moment,
    changes: Sequence[Change],
    entries: Sequence[LogEntry],
    tasks: Sequence[Task],
    marks: StatusMarks,
) -> list[str]:
    """Each task with what became of it and by whom, then how many, and how far the list is."""
    lines = []
    width = max((len(t.id) for t in tasks), default=0)
    for task in tasks:
        own = [c for c in changes if c.task == task.id]
        new = any(c.kind == "created" for c in own)
        words = "created" if new else ", ".join(changed_words(own, marks))
        who = ", ".join(dict.fromkeys(e.who for e in entries if task.id in e.tasks))
        lines.append(plain.task_line(task, view.graph, marks, view.now, width))
        lines.append(f"    {words}{f' (by {clean(who)})' if who else ''}")
    for change in changes:
        if change.kind == "removed":
            lines.append(f"{clean(change.task)}: its file was removed")
        elif not change.task:
            lines += [f"list: {word}" for word in changed_words([change], marks)]
    lines += [""] if lines else []
    return [*lines, _since_summary(view, since, changes, tasks), clean(view.progress.summary)]


def _since_summary(
    view: ListView, since: Moment, changes: Sequence[Change], tasks: Sequence[Task]
) -> str:
    if not tasks:
        return f"nothing changed since {since.at}"
    done = sum(
        c.field == "status" and c.after == Status.COMPLETED and c.task in view.snapshot.tasks
        for c in changes
    )
    word = "task" if len(tasks) == 1 else "tasks"
    finished = f", {done} of them completed" if done else ""
    return f"since {since.at}: {len(tasks)} {word} changed{finished}"


# --- conflicts -------------------------------------------------------------------------------

_RULES = {
    "later": "the later change counts",
    "status-order": "deleted, then the higher claim, then completed before skipped before "
    "in_progress before pending; of equals the first start, the first finish, the last word",
    "with-status": "the result of who decided the status counts",
    "add-wins": "what one adds and another removes stays",
    "present-wins": "a file that is removed and changed stays",
    "earliest": "the earlier one counts",
    "greatest": "the greater one counts",
}


def conflict_lines(conflict: OpenConflict, *, full: bool = False) -> list[str]:
    """A conflict in a line; `full`: with the rule, and how to take the other value."""
    name = clean(conflict.task or ("list" if conflict.path == "list.yaml" else conflict.path))
    field = clean(" ".join(filter(None, (conflict.field, conflict.member))))
    won = conflict.winner
    others = ", ".join(f"{_value(x.side)} by {clean(x.side.by)}" for x in conflict.losers)
    head = f"{name} {field}: kept {_value(won)} by {clean(won.by)}; discarded {others}"
    if conflict.kind == "add-add" and conflict.field == "subject":
        several = "two" if len(conflict.losers) == 1 else f"{len(conflict.losers) + 1}"
        head = f"{several} tasks were made as {head.replace(f'{name} {field}', name, 1)}"
    if not full:
        return [head]
    lines = [head, f"    rule: {_RULES.get(conflict.rule, conflict.rule)}"]
    for loser in conflict.losers:
        at = loser.side.at.replace("T", " ")
        lines.append(
            f"    {_value(loser.side)}: {at} {loser.side.commit[:7]} {clean(loser.side.by)}"
        )
        lines.append(f"      instead: {_instead(conflict, loser.side.commit, loser.commands)}")
    return lines


def _instead(conflict: OpenConflict, commit: str, commands: Sequence[Sequence[str]]) -> str:
    words = " && ".join(shlex.join(c) for c in commands)
    # What would have to be escaped is no longer the value, so it is not offered as a command.
    if words and clean(words) == words:
        return words
    return f"edit {clean(conflict.path)} by hand; see: git show {commit[:7]}"


def _value(side: Side) -> str:
    if not side.there:
        return "none"
    if isinstance(side.value, dict) and "status" in side.value:
        owner = side.value.get("owner")
        return clean(side.value["status"] + (f" ({owner})" if owner else ""))
    if side.value is True:
        return "there"
    return shorten(clean(str(side.value)), _LONG)
