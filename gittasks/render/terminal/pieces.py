"""The small parts that all views are made of: signs, cells, bars, lines about a task."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from gittasks.core.clock import duration_brief
from gittasks.core.ids import listed
from gittasks.core.model import Status, Task, task_seconds
from gittasks.core.view import ListView
from gittasks.render import text
from gittasks.render.text import Marks, clean

NARROW = 70
"""Below so many columns what is said of a task stands behind its subject, not in a column."""
_SECOND = 10
"""Least seconds of a finished task that are worth telling."""
_MANY_BLOCKERS = 3
_LEFT_TO_RIGHT = "\u200e"
STYLES = {
    Status.PENDING: "",
    Status.IN_PROGRESS: "yellow",
    Status.COMPLETED: "green",
    Status.SKIPPED: "dim",
    Status.DELETED: "dim",
}


class Signs(NamedTuple):
    """What a view is drawn with: the marks of tasks, the parts of a bar, a dot between words.

    `spinner` holds the pictures of a sign that turns while something runs.
    """

    marks: Marks
    done: str
    running: str
    left: str
    dot: str
    spinner: str


UNICODE = Signs(text.UNICODE, "━", "┅", "─", "·", "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
ASCII = Signs(text.ASCII, "#", "+", "-", "-", "|/-\\")


def signs(encoding: str | None) -> Signs:
    """The signs that a terminal of this encoding can show."""
    try:
        _, *drawn = UNICODE
        "".join(map(str, drawn)).encode(encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return ASCII
    return UNICODE if text.marks(encoding) is text.UNICODE else ASCII


# --- cells -----------------------------------------------------------------------------------


def cell(said: str, style: str = "") -> Text:
    """A piece of text, escaped."""
    return Text(clean(said), style)


def joined(parts: Iterable[Text], between: str) -> Text:
    """Pieces in a row, empty ones left out."""
    found = [part for part in parts if part.plain]
    if any(map(_runs_left, found)):
        between = _LEFT_TO_RIGHT + between
    return Text(between).join(found)


def grid(*widths: int | None) -> Table:
    """A table without lines; None for a column that takes what it needs."""
    table = Table.grid(padding=(0, 1, 0, 0))
    for width in widths:
        table.add_column(width=width, overflow="fold")
    return table


def add_row(table: Table, *cells: Text) -> None:
    """Add a row; where text runs from right to left each cell begins anew from left to right.

    Else a terminal that orders text by direction would carry figures into the cell before.
    """
    if any(map(_runs_left, cells)):
        cells = tuple(Text(_LEFT_TO_RIGHT).append_text(part) for part in cells)
    table.add_row(*cells)


def _runs_left(part: Text) -> bool:
    return not part.plain.isascii() and any(
        unicodedata.bidirectional(char) in ("R", "AL") for char in part.plain
    )


def bar(width: int, done: int, running: int, total: int, signs: Signs) -> Text:
    """`width` columns that show how much of a total is done and how much runs.

    What has begun is never shown as nothing, and what is not done never as all.
    """
    if total <= 0 or width <= 0:
        return Text(signs.left * max(width, 0), "dim")
    full = done * width // total
    begun = min((done + running) * width // total, width)
    if running and begun == full:
        full, begun = (full, full + 1) if full < width else (full - 1, full)
    elif done and not full:
        full = begun = 1
    return Text.assemble(
        (signs.done * full, "green"),
        (signs.running * (begun - full), "yellow"),
        (signs.left * (width - begun), "dim"),
    )


# --- one task --------------------------------------------------------------------------------


def mark(task: Task, signs: Signs) -> Text:
    """The sign of a task's state."""
    return Text(signs.marks.of(task.status), STYLES[task.status])


def label(task: Task) -> str:
    """The subject of a task, without the name of the phase: that stands above it."""
    return task.subject if task.iteration else task.title


def note(task: Task, view: ListView, signs: Signs) -> Text:
    """What is to be said of a task beside its subject."""
    return joined(_notes(task, view), f" {signs.dot} ")


def _notes(task: Task, view: ListView) -> list[Text]:
    owner = cell(task.owner or "", "magenta")
    if task.status is Status.IN_PROGRESS:
        doing = cell(task.active_form or "in progress")
        return [doing, owner, running_time(task, view), silence(task, view)]
    if task.status is Status.COMPLETED:
        took = task_seconds(task) or 0
        time = duration_brief(took) if took >= _SECOND else ""
        return [cell(task.result or ""), cell(time, "dim")]
    if task.status is Status.PENDING:
        blockers = view.graph.open_blockers(task.id)
        return [owner, blocked_by(blockers) if blockers else cell("ready", "green")]
    said = task.result or ""
    word = "" if said.startswith("not needed") else str(task.status)
    return [cell(word, "dim"), cell(said, "dim")]


def blocked_by(blockers: Sequence[str]) -> Text:
    """`blocked by a, b, c and 2 more`."""
    return cell(f"blocked by {listed(blockers, _MANY_BLOCKERS)}", "dim")


def running_time(task: Task, view: ListView) -> Text:
    """For how long a task has been in progress."""
    found = next((c.seconds for c in view.progress.current if c.task.id == task.id), None)
    return cell("" if found is None else duration_brief(found))


def silence(task: Task, view: ListView) -> Text:
    """That its holder has not been heard of."""
    found = view.silent.get(task.id)
    return cell(f"silent for {duration_brief(found.silent)}" if found else "", "red")


class Columns(NamedTuple):
    """Widths of the columns of tasks, the same for all tables of a view.

    `subject` is None on a narrow screen, where what is said of a task stands behind its subject.
    """

    id: int
    subject: int | None

    @classmethod
    def of(cls, tasks: Sequence[Task], width: int, beside: int = 0) -> Columns:
        """What these tasks need, as far as a screen of so many columns has it.

        `beside` is the most that what is said of one takes.
        """
        narrow = width < NARROW
        ids = min(max((len(t.id) for t in tasks), default=0), max(8, width // 3))
        if narrow:
            return cls(ids, None)
        longest = max((cell_len(clean(label(t))) for t in tasks), default=0)
        room = width - ids - 6
        return cls(ids, max(1, min(longest, max(room // 2, room - beside))))


def task_table(tasks: Iterable[Task], view: ListView, signs: Signs, columns: Columns) -> Table:
    """Tasks one below the other: mark, id, subject, what is said of it."""
    wide = columns.subject is not None
    table = grid(2, columns.id, columns.subject, *([None] if wide else []))
    for task in tasks:
        subject = cell(label(task), "dim" if task.status in _QUIET else "")
        said = note(task, view, signs)
        rest = [subject, said] if wide else [joined([subject, said], f" {signs.dot} ")]
        add_row(table, Text(" ").append_text(mark(task, signs)), cell(task.id, "bold"), *rest)
    return table


_QUIET = frozenset({Status.SKIPPED, Status.DELETED})
