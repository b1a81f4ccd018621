"""The history as text: commits and their changes as lines, the work drawn along time."""

from __future__ import annotations

from itertools import pairwise

from gittasks.core.changes import Change, ChangeKind, spliced
from gittasks.core.history import LogEntry, Outcome, PhaseTime, Reopened, Span, Timeline
from gittasks.core.model import Snapshot, Status, Task
from gittasks.core.times import (
    DAY,
    HOUR,
    MINUTE,
    duration_brief,
    duration_short,
    duration_words,
    format_time,
)
from gittasks.core.validation import shorten
from gittasks.core.view import ListView, Moment
from gittasks.light import TYPE_CHECKING, NamedTuple
from gittasks.render import plain
from gittasks.render.text import ASCII, StatusMarks, clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from gittasks.core.merge.resolution import OpenConflict, Side

_QUIET = frozenset(
    {"owner", "session", "claim", "left", "started", "finished", "created", "createdBy"}
)
"""Fields that come along with a change of status and say nothing new on a line."""
_LONG = 60
"""Characters of a value that a line of the log shows."""


def entry_lines(
    entries: Iterable[LogEntry], marks: StatusMarks, *, with_task: bool, with_author: bool = False
) -> list[str]:
    """`2026-11-22 10:00:00Z 1a2b3c4 agent  p1-ask: pending → in_progress`, one an entry.

    The owner is what the commit says; `with_author` git's author stands beside another one.
    """
    shown = list(entries)
    names = [_names(e) if with_author else clean(e.who) for e in shown]
    width = max(map(len, names), default=0)
    lines = []
    for entry, name in zip(shown, names, strict=True):
        at = " " * len(entry.at) if entry.is_root else entry.at.replace("T", " ")
        what = _what(entry, marks, with_task=with_task)
        lines.append(f"{at} {entry.commit[:7]} {name:<{width}}  {what}")
    return lines


def _names(entry: LogEntry) -> str:
    """`agent (Ann)`: the owner, and the git author where that is another."""
    who = clean(entry.who)
    return who if entry.who == entry.by else f"{who} ({clean(entry.by)})"


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
            added, removed = _members(change)
            words += [f"note: {_short(note['text'])}" for note in added]
            words += ["note removed" for _ in removed]
        elif change.field == "blockedBy":
            words.append(_edges(change))
        elif change.field == "commits":
            words += _links(change)
        elif change.field in ("description", "metadata"):
            words.append(f"{change.field} changed")
        elif not (moved and change.field in _QUIET):
            words.append(f"{clean(change.field)} {marks.arrow} {_short(change.after)}")
    return words


def _members(change: Change) -> tuple[list[Any], list[Any]]:
    """The members of a list that are new, and those that are gone."""
    part = spliced(tuple(change.before), tuple(change.after))  # all others are in both
    added = [member for member in part.added if member not in change.before]
    return added, [member for member in part.removed if member not in change.after]


def _edges(change: Change) -> str:
    added, removed = _members(change)
    signs = [*(f"+{clean(i)}" for i in added), *(f"-{clean(i)}" for i in removed)]
    return f"blockedBy {' '.join(signs)}"


def _links(change: Change) -> list[str]:
    added, removed = _members(change)
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
    "status-order": "deleted; then what is held or finished, by the higher claim, then completed "
    "before skipped before in_progress; then pending; last what only the end of its loop skipped; "
    "of equals the first start, the first finish, the last word",
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
    import shlex  # for conflicts alone

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


_IDLE = 15 * MINUTE
"""An idle time is cut when it is longer than this and than a tenth of the time at work."""
_GAPS = 0.25
"""Share of the axis that cut times may take together, ..."""
_GAP = 0.04
"""... and one of them."""
_STEPS = (
    *(1, 5, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE),
    *(HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR),
    *(DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 91 * DAY, 365 * DAY),
)


class Stretch(NamedTuple):
    """A time in which something happened, and where it lies between 0 and 1."""

    start: int
    end: int
    left: float
    right: float


class Gap(NamedTuple):
    """A cut time: where it lies, and how long it was."""

    left: float
    right: float
    seconds: int


class Tick(NamedTuple):
    """A moment to write at the axis: its date, if that is new, and the time of day, if of use."""

    at: int
    place: float
    date: str
    clock: str


class Axis(NamedTuple):
    """The places of moments between 0 and 1. All times are epoch seconds."""

    stretches: tuple[Stretch, ...]

    @classmethod
    def of(cls, intervals: Iterable[tuple[int, int]]) -> Axis:
        """An axis for these times; at least a minute long."""
        merged = _joined(sorted(intervals) or [(0, 0)])
        # A lone moment is seen too.
        merged = [(start, max(end, start + MINUTE)) for start, end in merged]
        gap = min(_GAP, _GAPS / (len(merged) - 1)) if len(merged) > 1 else 0.0
        share = (1.0 - gap * (len(merged) - 1)) / sum(end - start for start, end in merged)
        left, stretches = 0.0, []
        for start, end in merged:
            right = min(left + share * (end - start), 1.0)
            stretches.append(Stretch(start, end, left, right))
            left = right + gap
        return cls(tuple(stretches))

    @property
    def gaps(self) -> list[Gap]:
        """The times that were cut."""
        return [Gap(a.right, b.left, b.start - a.end) for a, b in pairwise(self.stretches)]

    def place(self, at: int) -> float:
        """The place of a moment; in a gap its end, outside the nearer end."""
        for stretch in self.stretches:
            if at < stretch.start:
                return stretch.left
            if at <= stretch.end:
                share = (at - stretch.start) / max(1, stretch.end - stretch.start)
                return stretch.left + share * (stretch.right - stretch.left)
        return 1.0

    def ticks(self, most: int) -> list[Tick]:
        """Round moments, at most so many, none too near to another to be read."""
        apart = 1 / max(most - 1, 1)
        ticks: list[Tick] = []
        day = ""
        for stretch in self.stretches:
            seconds = (stretch.end - stretch.start) * apart / (stretch.right - stretch.left or 1)
            step, moments = _round_moments(stretch, seconds)
            for at in moments:
                place = self.place(at)
                if ticks and place - ticks[-1].place < apart * 0.99:
                    continue
                date, _, clock = format_time(at).partition("T")
                clock = "" if step >= DAY else clock[: 8 if step < MINUTE else 5]
                ticks.append(Tick(at, place, "" if date == day else date, clock))
                day = date
        return ticks[:most]


def _round_moments(stretch: Stretch, apart: float) -> tuple[int, range]:
    """The roundest moments in a stretch that are so many seconds apart, or the roundest one."""
    start, end = stretch.start, stretch.end
    fitting = next((i for i, step in enumerate(_STEPS) if step >= apart), len(_STEPS) - 1)
    for step in reversed(_STEPS[: fitting + 1]):
        first = -(-start // step) * step
        if first <= end:
            return step, range(first, end + 1, step)
    return _STEPS[0], range(start, end + 1)


def _joined(intervals: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The intervals with what lies closely together made one."""
    touching = _near(intervals, 0)
    work = sum(end - start for start, end in touching)
    return _near(touching, max(_IDLE, work // 10))


def _near(intervals: list[tuple[int, int]], apart: int) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in intervals:
        if joined and start - joined[-1][1] <= apart:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


_LEAST = 40
"""Columns of the narrowest timeline."""
_NAME = 28
"""Columns that an id takes at most, ..."""
_OWNERS = 20
"""... and the owners, ..."""
_ROOMY = 60
"""... who are told from so many columns on."""


class BarGlyphs(NamedTuple):
    """The strokes of a row."""

    running: str
    completed: str
    skipped: str
    released: str
    reopened: str
    line: str
    gap: str


_UNICODE = BarGlyphs("▒", "█", "▂", "░", "↺", "·", "┊")
_ASCII = BarGlyphs(">", "=", "_", "~", "o", ".", ":")


def timeline_lines(
    shown: Timeline,
    snapshot: Snapshot,
    marks: StatusMarks,
    width: int,
    task_id: str | None = None,
    limit: int | None = None,
) -> list[str]:
    """The timeline, no line wider than `width` columns.

    Only one task's with `task_id`; only of those that were begun last with `limit`.
    """
    rows = {i: s for i, s in shown.by_task().items() if task_id in (None, i)}
    rows = {i: rows[i] for i in list(rows)[-limit if limit else None :]}
    if not rows:
        return ["nothing has begun yet"]
    axis = Axis.of(
        (s.start, shown.now if s.end is None else s.end) for spans in rows.values() for s in spans
    )
    strokes = _ASCII if marks.arrow == ASCII.arrow else _UNICODE
    width = max(width, _LEAST)
    lead = min(max(map(len, rows)), _NAME, width // 3)
    tail = 6 if width < _ROOMY else 7 + min(width // 5, _OWNERS)
    columns = width - (lead + 6) - (tail + 1)
    drawing = _Drawing(axis, columns, strokes, shown.now)
    indent = " " * (lead + 6)
    lines = [(indent + line).rstrip() for line in drawing.scale()]
    for name, spans in rows.items():
        status = snapshot.tasks[name].status
        moments = [r for r in shown.reopened if r.task == name]
        seconds = duration_short(sum(s.seconds(shown.now) for s in spans))
        owners = ", ".join(dict.fromkeys(clean(s.owner) for s in spans if s.owner))
        totals = f"{seconds:>6} {owners}" if width >= _ROOMY else f"{seconds:>6}"
        cells = drawing.row(spans, moments)
        mark = f"[{_mark(status, marks)}]"
        lines.append(f"{mark} {_cut(name, lead):<{lead}}  {cells} {_cut(totals, tail)}".rstrip())
    return [*lines, "", *_legend(axis, strokes, drawing, width)]


class _Drawing:
    """Rows of characters on one axis."""

    def __init__(self, axis: Axis, columns: int, strokes: BarGlyphs, now: int) -> None:
        self._axis, self._columns, self._strokes, self._now = axis, columns, strokes, now
        self._gaps = [self._cell((gap.left + gap.right) / 2) for gap in axis.gaps]
        self.kinds: set[str] = set()
        """What was drawn, for the legend."""

    def _cell(self, place: float) -> int:
        return min(int(place * self._columns), self._columns - 1)

    def scale(self) -> list[str]:
        """Dates above times of day."""
        dates, clocks = [" "] * self._columns, [" "] * self._columns
        for tick in self._axis.ticks(max(2, self._columns // 14)):
            for cells, text in ((dates, tick.date), (clocks, tick.clock)):
                at = min(self._cell(tick.place), self._columns - len(text))
                if at >= 0 and (at == 0 or cells[at - 1] == " "):
                    cells[at : at + len(text)] = text
        return ["".join(dates), "".join(clocks)]

    def row(self, spans: Sequence[Span], moments: Sequence[Reopened]) -> str:
        """One task; the later of two that share a cell is seen."""
        cells = [self._strokes.line] * self._columns
        for span in spans:
            left = self._cell(self._axis.place(span.start))
            end = self._axis.place(self._now if span.end is None else span.end)
            right = max(left + 1, min(round(end * self._columns), self._columns))
            kind = (
                span.outcome
                if span.outcome in (Outcome.RUNNING, Outcome.COMPLETED, Outcome.SKIPPED)
                else "released"
            )
            self.kinds.add(kind)
            cells[left:right] = getattr(self._strokes, kind) * (right - left)
        for gap in self._gaps:
            cells[gap] = self._strokes.gap
        for moment in moments:
            self.kinds.add("reopened")
            cells[self._cell(self._axis.place(moment.at))] = self._strokes.reopened
        return "".join(cells)


def _legend(axis: Axis, strokes: BarGlyphs, drawing: _Drawing, width: int) -> list[str]:
    words = {
        Outcome.COMPLETED: "completed",
        Outcome.RUNNING: "in progress",
        Outcome.SKIPPED: "skipped",
        Outcome.RELEASED: "given back or handed over",
        "reopened": "reopened",
    }
    parts = [f"{getattr(strokes, kind)} {meaning}" for kind, meaning in words.items()]
    parts = [p for p, kind in zip(parts, words, strict=True) if kind in drawing.kinds]
    if gaps := axis.gaps:
        longest = duration_brief(max(gap.seconds for gap in gaps))
        parts.append(f"{strokes.gap} nothing done for up to {longest}")
    start, end = axis.stretches[0].start, axis.stretches[-1].end
    parts.append(f"{_clock(start)} to {_clock(end)} UTC")
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + len(part) + 2 <= width:
            lines[-1] += f"  {part}"
        else:
            lines.append(_cut(part, width))
    return lines


def _clock(at: int) -> str:
    return format_time(at).replace("T", " ")[:16]


def _mark(status: Status, marks: StatusMarks) -> str:
    return str(getattr(marks, status.value))


def _cut(text: str, columns: int) -> str:
    """Text in at most so many columns; wide characters take two."""
    if text.isascii():
        return text if len(text) <= columns else text[: max(columns - 1, 0)] + "~"
    from unicodedata import combining, east_asian_width

    used = 0
    for end, char in enumerate(text):
        used += 0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1
        if used > columns:
            return text[: max(end - 1, 0)] + "~"
    return text
