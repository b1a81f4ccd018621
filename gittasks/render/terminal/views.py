"""The views of a list: its tasks by phase, how far it is, and all lists of a repository."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gittasks.core.model import Status, Task, by_phase
from gittasks.core.progress import Phase
from gittasks.core.view import ListView
from gittasks.render import plain
from gittasks.render.terminal.pieces import (
    NARROW,
    Columns,
    Signs,
    add_row,
    bar,
    blocked_by,
    cell,
    grid,
    joined,
    label,
    mark,
    note,
    running_time,
    silence,
    task_table,
)

_LONGEST_BAR = 60
_PHASE_BAR = 16


class Room(NamedTuple):
    """How much of the status is shown: tasks that run, tasks that wait, and the phases."""

    running: int = 10
    waiting: int = 10
    phases: bool = True


_ALL = Room()


class Members(NamedTuple):
    """Tasks that stand together, under the line of their phase if they have one."""

    phase: Phase | None
    tasks: list[Task]


# --- the tasks -------------------------------------------------------------------------------


def task_list(view: ListView, shown: Sequence[Task], signs: Signs, width: int) -> RenderableType:
    """The chosen tasks under their phases, then how far the whole list is."""
    parts: list[RenderableType] = []
    beside = max((note(t, view, signs).cell_len for t in shown), default=0)
    columns = Columns.of(shown, width, beside)
    for group in _groups(view, shown):
        if group.phase:
            parts.append(_heading(group.phase, signs, width))
        elif parts:
            parts.append(Text())
        parts.append(task_table(group.tasks, view, signs, columns))
    if not shown and view.progress.total:
        parts.append(Text("no task matches"))
    if parts:
        parts.append(Text())
    return Group(*parts, *_summary(view, signs, width), *_remarks(view))


def _groups(view: ListView, shown: Sequence[Task]) -> list[Members]:
    """Tasks by phase, in order of first appearance; those of none stand together."""
    phases = {phase.label.casefold(): phase for phase in view.progress.phases}
    return [
        Members(phases.get((label or "").casefold()), tasks)
        for label, tasks in by_phase(shown).items()
    ]


def _heading(phase: Phase, signs: Signs, width: int) -> Text:
    words = cell(phase.words, "bold")
    if width < NARROW:
        return words
    return joined([words, _phase_bar(phase, signs)], "  ")


def _phase_bar(phase: Phase, signs: Signs) -> Text:
    return bar(_PHASE_BAR, phase.completed, phase.in_progress, phase.total, signs)


def _summary(view: ListView, signs: Signs, width: int) -> list[Text]:
    """The words, the bar with the share, the loops, the time left, the end."""
    progress = view.progress
    lines = [cell(progress.summary, "bold")]
    if progress.total:
        share = f" {progress.percent}%"
        length = min(_LONGEST_BAR, width - len(share) - 1)
        drawn = bar(length, progress.completed, progress.in_progress, progress.total, signs)
        lines.append(drawn.append(share))
    lines += _loops(view, signs)
    if left := progress.eta_words:
        lines.append(cell(left, "dim"))
    if finished := progress.finished_words(view.info.title):
        lines.append(cell(finished, "bold green"))
    return lines


def _loops(view: ListView, signs: Signs) -> list[Text]:
    lines = []
    for loop in view.progress.loops:
        words = [cell(line) for line in plain.loop_lines([loop])]
        if not words:
            continue
        running = loop.running is not None
        place = f" {loop.running or loop.completed}/{loop.max}"
        length = min(loop.max, _PHASE_BAR)
        drawn = bar(length, loop.completed, int(running), loop.max, signs).append(place)
        name = cell(loop.name, "bold") if loop.name else Text()
        lines += [joined([drawn, name], "  "), *words]
    return lines


def _remarks(view: ListView) -> list[Text]:
    """What is wrong or needs a look, at the end, where it is seen."""
    lines = []
    if cycle := view.graph.deadlock():
        said = f"these wait for each other, so none can start: {', '.join(cycle)}"
        lines.append(cell(said, "red"))
    lines += [Text(line, "red") for line in plain.problem_lines(view.problems)]
    lines += [Text(line, "yellow") for line in plain.sharing_lines(view.conflicts, view.apart)]
    for task in view.tasks:
        if claim := view.silent.get(task.id):
            shown = claim._replace(owner=task.owner or "")
            lines.append(Text(plain.stale_line(shown), "red"))
    return lines


# --- how far it is ---------------------------------------------------------------------------


def status(
    view: ListView, signs: Signs, width: int, *, room: Room = _ALL, turning: str | None = None
) -> RenderableType:
    """Summary, phases, loops, who does what, what is ready, what waits for what.

    `turning` stands in place of the mark of what runs.
    """
    title = cell(f": {view.info.title}" if view.info.title else "")
    parts: list[RenderableType] = [cell(view.info.id, "bold").append_text(title)]
    parts += _summary(view, signs, width)
    if view.progress.phases and room.phases:
        parts += [Text(), _phases(view, signs, width)]
    waiting = [t for t in view.tasks if t.status is Status.PENDING]
    blocked = [t for t in waiting if view.graph.is_blocked(t.id)]
    free = [t for t in waiting if not view.graph.is_blocked(t.id)]
    ready = sorted(filter(view.graph.is_due, free), key=lambda t: (t.priority, t.sort_key))
    later = [t for t in free if not view.graph.is_due(t)]
    running = sorted((c.task for c in view.progress.current), key=lambda t: t.owner or "")
    if running:
        lanes = _lanes(running[: room.running], view, signs, width, turning)
        parts += _section("In progress", running, lanes, room.running)
    for name, tasks in (("Ready", ready), ("Blocked", blocked), ("Later", later)):
        if tasks:
            table = _waiting(tasks[: room.waiting], view, signs, width)
            parts += _section(name, tasks, table, room.waiting)
    if remarks := _remarks(view):
        parts += [Text(), *remarks]
    return Group(*parts)


def _phases(view: ListView, signs: Signs, width: int) -> Table:
    table = grid(None, None)
    for phase in view.progress.phases:
        words = cell(phase.words)
        drawn = Text() if width < NARROW else _phase_bar(phase, signs)
        add_row(table, words, drawn)
        if phase.parallel:
            add_row(table, Text("  ").append_text(cell(phase.parallel, "dim")), Text())
    return table


def _section(name: str, tasks: Sequence[Task], table: Table, most: int) -> list[RenderableType]:
    heading = Text(f"{name} ({len(tasks)})", "bold")
    if not most:
        return [heading]
    parts: list[RenderableType] = [Text(), heading, table]
    if len(tasks) > most:
        parts.append(Text(f"  ... and {len(tasks) - most} more", "dim"))
    return parts


def _lanes(
    tasks: Sequence[Task], view: ListView, signs: Signs, width: int, turning: str | None
) -> Table:
    """What runs, by owner: each has a lane of its own."""
    narrow = width < NARROW
    columns = Columns.of(tasks, width)
    table = grid(2, None) if narrow else grid(2, None, columns.id, None, None)
    last = None
    for task in tasks:
        sign = Text(" ").append_text(Text(turning, "yellow") if turning else mark(task, signs))
        owner = cell(task.owner or "nobody", "magenta")
        name, doing = cell(task.id, "bold"), cell(task.active_form or label(task))
        times = joined([running_time(task, view), silence(task, view)], f" {signs.dot} ")
        if narrow:
            add_row(table, sign, joined([name, doing, owner, times], f" {signs.dot} "))
        else:
            add_row(table, sign, owner if owner.plain != last else Text(), name, doing, times)
        last = owner.plain
    return table


def _waiting(tasks: Sequence[Task], view: ListView, signs: Signs, width: int) -> Table:
    """What can be started, or what it waits for."""
    columns = Columns.of(tasks, width)
    table = grid(2, columns.id, *([None, None] if columns.subject else [None]))
    for task in tasks:
        subject = cell(task.headline)
        blockers = view.graph.open_blockers(task.id)
        owner = cell(task.owner or "", "magenta")
        blocked = blocked_by(blockers) if blockers else Text()
        said = joined([owner, blocked], f" {signs.dot} ")
        rest = [subject, said] if columns.subject else [joined([subject, said], f" {signs.dot} ")]
        add_row(table, Text(), cell(task.id, "bold"), *rest)
    return table


# --- all lists -------------------------------------------------------------------------------


def overview(rows: Sequence[ListView], signs: Signs, width: int) -> RenderableType:
    """One line a list: whether it is in use, id, bar, words, where it is."""
    if not rows:
        return Text("no lists yet")
    narrow = width < NARROW
    longest = max(len(row.info.id) for row in rows)
    table = grid(1, min(longest, max(8, width // 4)), None, None, None)
    for row in rows:
        progress = row.progress
        chosen = Text("*" if row.chosen else " ", "bold")
        length = 5 if narrow else _PHASE_BAR
        drawn = bar(length, progress.completed, progress.in_progress, progress.total, signs)
        title = f"{row.info.title}: " if row.info.title and not narrow else ""
        said = cell(f"{title}{progress.summary}")
        if row.problems:
            said.append(f" ({len(row.problems)} unreadable)", "red")
        add_row(
            table,
            chosen,
            cell(row.info.id, "bold"),
            drawn,
            said,
            cell(", ".join(row.places), "dim"),
        )
    return table
