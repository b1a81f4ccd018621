"""The timeline on a terminal or in a pipe: a row for each task, drawn with characters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gittasks.core.axis import Axis
from gittasks.core.clock import duration_brief, duration_short, format_time
from gittasks.core.model import Snapshot, Status
from gittasks.core.timeline import Outcome, Reopened, Span, Timeline
from gittasks.render.text import ASCII, Marks, clean

_LEAST = 40
"""Columns of the narrowest timeline."""
_NAME = 28
"""Columns that an id takes at most, ..."""
_OWNERS = 20
"""... and the owners, ..."""
_ROOMY = 60
"""... who are told from so many columns on."""


class Strokes(NamedTuple):
    """What a row is drawn with."""

    running: str
    completed: str
    skipped: str
    released: str
    reopened: str
    line: str
    gap: str


_UNICODE = Strokes("▒", "█", "▂", "░", "↺", "·", "┊")
_ASCII = Strokes(">", "=", "_", "~", "o", ".", ":")


def timeline_lines(
    shown: Timeline,
    snapshot: Snapshot,
    marks: Marks,
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
        said = f"{seconds:>6} {owners}" if width >= _ROOMY else f"{seconds:>6}"
        cells = drawing.row(spans, moments)
        mark = f"[{_mark(status, marks)}]"
        lines.append(f"{mark} {_cut(name, lead):<{lead}}  {cells} {_cut(said, tail)}".rstrip())
    return [*lines, "", *_legend(axis, strokes, drawing, width)]


class _Drawing:
    """Rows of characters on one axis."""

    def __init__(self, axis: Axis, columns: int, strokes: Strokes, now: int) -> None:
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


def _legend(axis: Axis, strokes: Strokes, drawing: _Drawing, width: int) -> list[str]:
    words = {
        Outcome.COMPLETED: "completed",
        Outcome.RUNNING: "in progress",
        Outcome.SKIPPED: "skipped",
        Outcome.RELEASED: "given back or handed over",
        "reopened": "reopened",
    }
    parts = [f"{getattr(strokes, kind)} {said}" for kind, said in words.items()]
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


def _mark(status: Status, marks: Marks) -> str:
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
