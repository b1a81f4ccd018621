"""Views for a terminal: tables, bars and colours, by rich. Not loaded off a terminal.

Texts of tasks are escaped here as in `plain`, and never read as rich's markup. Colours are the
terminal's own sixteen, so that they read on light and dark; each says something that the words or
marks say as well.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Container, Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from gittasks.core.history import LogEntry
from gittasks.core.ids import listed
from gittasks.core.model import Status, Task, by_phase, task_seconds
from gittasks.core.progress import Phase
from gittasks.core.times import duration_brief
from gittasks.core.view import ListView
from gittasks.render import plain, text
from gittasks.render.history_text import changed_words
from gittasks.render.plain import list_facts
from gittasks.render.text import StatusMarks, clean

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


class Glyphs(NamedTuple):
    """The glyphs of a view: marks of tasks, parts of a bar, a dot between words.

    `spinner` holds the pictures of a sign that turns while something runs.
    """

    marks: StatusMarks
    done: str
    running: str
    left: str
    dot: str
    spinner: str


UNICODE = Glyphs(text.UNICODE, "━", "┅", "─", "·", "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
ASCII = Glyphs(text.ASCII, "#", "+", "-", "-", "|/-\\")


def signs(encoding: str | None) -> Glyphs:
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


def joined_lines(parts: Iterable[Text], between: str) -> Text:
    """Pieces in a row, empty ones left out."""
    pieces = [part for part in parts if part.plain]
    if any(map(_runs_left, pieces)):
        between = _LEFT_TO_RIGHT + between
    return Text(between).join(pieces)


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


def bar(width: int, done: int, running: int, total: int, signs: Glyphs) -> Text:
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


def mark(task: Task, signs: Glyphs) -> Text:
    """The sign of a task's state."""
    return Text(signs.marks.of(task.status), STYLES[task.status])


def label(task: Task) -> str:
    """The subject of a task, without the name of the phase: that stands above it."""
    return task.subject if task.iteration else task.title


def note(task: Task, view: ListView, signs: Glyphs) -> Text:
    """The remarks on a task, shown beside its subject."""
    return joined_lines(_notes(task, view), f" {signs.dot} ")


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
        return [owner, blocked_by(blockers, view) if blockers else cell("ready", "green")]
    result = task.result or ""
    word = "" if result.startswith("not needed") else str(task.status)
    return [cell(word, "dim"), cell(result, "dim")]


def blocked_by(blockers: Sequence[str], view: ListView) -> Text:
    """`blocked by a, b, c and 2 more`."""
    names = [view.short_id(task_id) for task_id in blockers]
    return cell(f"blocked by {listed(names, _MANY_BLOCKERS)}", "dim")


def running_time(task: Task, view: ListView) -> Text:
    """For how long a task has been in progress."""
    seconds = next((c.seconds for c in view.progress.current if c.task.id == task.id), None)
    return cell("" if seconds is None else duration_brief(seconds))


def silence(task: Task, view: ListView) -> Text:
    """The time for which a task's holder has not been heard of."""
    claim = view.silent.get(task.id)
    return cell(f"silent for {duration_brief(claim.silent)}" if claim else "", "red")


class Columns(NamedTuple):
    """Widths of the columns of tasks, the same for all tables of a view.

    `subject` is None on a narrow screen, where what is said of a task stands behind its subject.
    """

    id: int
    subject: int | None

    @classmethod
    def of(cls, tasks: Sequence[Task], view: ListView, width: int, beside: int = 0) -> Columns:
        """The widths that these tasks need, as far as the screen allows.

        `beside` is the most that what is said of one takes.
        """
        narrow = width < NARROW
        ids = min(max((len(view.short_id(t.id)) for t in tasks), default=0), max(8, width // 3))
        if narrow:
            return cls(ids, None)
        longest = max((cell_len(clean(label(t))) for t in tasks), default=0)
        room = width - ids - 6
        return cls(ids, max(1, min(longest, max(room // 2, room - beside))))


_HEADS = r"^(?P<dim>[-0-9]{10} [:0-9]{8}Z)? *(?P<yellow>[0-9a-f]{7})(?= )|^(?P<bold>[a-z ]+:)"
"""Beginnings of lines that are told apart: when and in which commit, or the name of a field."""


def fitted_lines(shown: str, console: Console, *, cut: bool) -> str:
    """Lines of text, none wider than the screen: `cut`, else continued below, set deeper."""
    width = console.width
    lines: list[Text] = []
    for line in shown.split("\n"):
        row = Text.from_ansi(line)
        row.highlight_regex(_HEADS)
        if row.cell_len <= width:
            lines.append(row)
        elif cut:
            row.truncate(width, overflow="ellipsis")
            lines.append(row)
        else:
            deeper = len(line) - len(line.lstrip()) + 4
            first, *rest = row.wrap(console, max(width - deeper, 1))
            lines += [first, *(Text(" " * deeper).append_text(piece) for piece in rest)]
    for row in lines:
        row.rstrip()
    with console.capture() as capture:
        for row in lines:
            console.print(row, no_wrap=True, overflow="ignore", crop=False)
    return capture.get().removesuffix("\n")


def task_table(tasks: Iterable[Task], view: ListView, signs: Glyphs, columns: Columns) -> Table:
    """Tasks one below the other: mark, id, subject, what is said of it."""
    wide = columns.subject is not None
    table = grid(2, columns.id, columns.subject, *([None] if wide else []))
    for task in tasks:
        subject = cell(label(task), "dim" if task.status in _QUIET else "")
        remarks = note(task, view, signs)
        rest = [subject, remarks] if wide else [joined_lines([subject, remarks], f" {signs.dot} ")]
        add_row(
            table,
            Text(" ").append_text(mark(task, signs)),
            cell(view.short_id(task.id), "bold"),
            *rest,
        )
    return table


_QUIET = frozenset({Status.SKIPPED, Status.DELETED})


_LONGEST_BAR = 60
_PHASE_BAR = 16


class Limits(NamedTuple):
    """The amount of the status to show: running tasks, waiting tasks, phases."""

    running: int = 10
    waiting: int = 10
    phases: bool = True


_ALL = Limits()


class Members(NamedTuple):
    """Tasks that stand together, under the line of their phase if they have one."""

    phase: Phase | None
    tasks: list[Task]


# --- the tasks -------------------------------------------------------------------------------


def task_list(view: ListView, shown: Sequence[Task], signs: Glyphs, width: int) -> RenderableType:
    """The chosen tasks under their phases, then how far the whole list is."""
    parts: list[RenderableType] = []
    beside = max((note(t, view, signs).cell_len for t in shown), default=0)
    columns = Columns.of(shown, view, width, beside)
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


def _heading(phase: Phase, signs: Glyphs, width: int) -> Text:
    words = cell(phase.words, "bold")
    if width < NARROW:
        return words
    return joined_lines([words, _phase_bar(phase, signs)], "  ")


def _phase_bar(phase: Phase, signs: Glyphs) -> Text:
    return bar(_PHASE_BAR, phase.completed, phase.in_progress, phase.total, signs)


def _summary(view: ListView, signs: Glyphs, width: int) -> list[Text]:
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


def _loops(view: ListView, signs: Glyphs) -> list[Text]:
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
        lines += [joined_lines([drawn, name], "  "), *words]
    return lines


def _remarks(view: ListView) -> list[Text]:
    """Problems and conflicts, at the end, where they are seen."""
    lines = []
    if cycle := view.graph.deadlock():
        message = f"these wait for each other, so none can start: {', '.join(cycle)}"
        lines.append(cell(message, "red"))
    lines += [Text(line, "red") for line in plain.problem_lines(view.problems)]
    sharing = plain.way_lines(plain.sharing(view.conflicts, view.apart))
    lines += [Text(line, "yellow") for line in sharing]
    for task in view.tasks:
        if claim := view.silent.get(task.id):
            shown = claim._replace(owner=task.owner or "")
            lines += [Text(line, "red") for line in plain.way_lines([plain.silence(shown)])]
    return lines


# --- how far it is ---------------------------------------------------------------------------


def status(
    view: ListView, signs: Glyphs, width: int, *, room: Limits = _ALL, turning: str | None = None
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


def _phases(view: ListView, signs: Glyphs, width: int) -> Table:
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
    tasks: Sequence[Task], view: ListView, signs: Glyphs, width: int, turning: str | None
) -> Table:
    """Running tasks by owner: each has a lane of its own."""
    narrow = width < NARROW
    columns = Columns.of(tasks, view, width)
    table = grid(2, None) if narrow else grid(2, None, columns.id, None, None)
    last = None
    for task in tasks:
        sign = Text(" ").append_text(Text(turning, "yellow") if turning else mark(task, signs))
        owner = cell(task.owner or "nobody", "magenta")
        name, doing = cell(view.short_id(task.id), "bold"), cell(task.active_form or label(task))
        times = joined_lines([running_time(task, view), silence(task, view)], f" {signs.dot} ")
        if narrow:
            add_row(table, sign, joined_lines([name, doing, owner, times], f" {signs.dot} "))
        else:
            add_row(table, sign, owner if owner.plain != last else Text(), name, doing, times)
        last = owner.plain
    return table


def _waiting(tasks: Sequence[Task], view: ListView, signs: Glyphs, width: int) -> Table:
    """Tasks to start, or the blockers they wait for."""
    columns = Columns.of(tasks, view, width)
    table = grid(2, columns.id, *([None, None] if columns.subject else [None]))
    for task in tasks:
        subject = cell(task.headline)
        blockers = view.graph.open_blockers(task.id)
        owner = cell(task.owner or "", "magenta")
        blocked = blocked_by(blockers, view) if blockers else Text()
        remarks = joined_lines([owner, blocked], f" {signs.dot} ")
        rest = (
            [subject, remarks]
            if columns.subject
            else [joined_lines([subject, remarks], f" {signs.dot} ")]
        )
        add_row(table, Text(), cell(view.short_id(task.id), "bold"), *rest)
    return table


# --- all lists -------------------------------------------------------------------------------


def overview(rows: Sequence[ListView], signs: Glyphs, width: int) -> RenderableType:
    """One line a list: whether it is in use, id, bar, words, where it is."""
    if not rows:
        return Text("no open lists")
    narrow = width < NARROW
    longest = max(len(row.info.id) for row in rows)
    table = grid(1, min(longest, max(8, width // 4)), None, None, None)
    for row in rows:
        progress = row.progress
        chosen = Text("*" if row.chosen else " ", "bold")
        length = 5 if narrow else _PHASE_BAR
        drawn = bar(length, progress.completed, progress.in_progress, progress.total, signs)
        title = f"{row.info.title}: " if row.info.title and not narrow else ""
        words = cell(f"{title}{progress.summary}")
        words.append(plain.faults(row), "red")
        if facts := list_facts(row):
            words.append(f" ({clean('; '.join(facts))})", "dim")
        add_row(
            table,
            chosen,
            cell(row.info.id, "bold"),
            drawn,
            words,
            cell(", ".join(row.places), "dim"),
        )
    return table


TURNING = "\ufdd0"
"""Stands in a picture where the spinner is. No text can hold it: `clean` escapes it."""
_ROOMS = (
    Limits(),
    Limits(waiting=5),
    Limits(waiting=2),
    Limits(waiting=0),
    Limits(waiting=0, phases=False),
    Limits(running=5, waiting=0, phases=False),
    Limits(running=2, waiting=0, phases=False),
)
"""From all to what still says the most on a small screen."""
_FEED = 4
"""Lines that the last changes get at least, if the screen has them."""


def picture(
    view: ListView | None,
    feed: Sequence[LogEntry],
    fresh: Container[str],
    foot: Sequence[Text],
    signs: Glyphs,
    size: tuple[int, int],
    printed: Callable[[RenderableType], str],
) -> list[str]:
    """The lines of a screen of (columns, rows).

    `feed` are changes of one task each, oldest first; those of the commits that are `fresh` were
    made while somebody watched.

    Of a list that does not fit fewer tasks are shown, and at last what is below is cut off. `view`
    is None when there is no list.
    """
    width, height = size
    below = printed(Group(*foot)).split("\n") if foot else []
    room = max(height - len(below), 1)
    top = _top(view, signs, width, room - min(len(feed) + 2, _FEED + 2), printed)
    rest = room - len(top) - 2
    if feed and rest > 0:
        top += ["", *_feed(list(feed)[-rest:], fresh, signs, printed)]
    top = top[:room]
    return [*top, *[""] * (room - len(top)), *below][:height]


def _top(
    view: ListView | None,
    signs: Glyphs,
    width: int,
    room: int,
    printed: Callable[[RenderableType], str],
) -> list[str]:
    if view is None:
        return []
    lines: list[str] = []
    for much in _ROOMS:
        lines = printed(status(view, signs, width, room=much, turning=TURNING)).split("\n")
        if len(lines) <= room:
            break
    return lines


def _feed(
    feed: Sequence[LogEntry],
    fresh: Container[str],
    signs: Glyphs,
    printed: Callable[[RenderableType], str],
) -> list[str]:
    """The last changes, one a line, newest last; what does not fit on a line is cut."""
    table = grid(None, None, None)
    table.expand = True
    # The words get what is left of the line: else a long sentence would squeeze the time.
    sentences = table.columns[-1]
    sentences.ratio, sentences.no_wrap, sentences.overflow = 1, True, "ellipsis"
    for entry in feed:
        words = ", ".join(changed_words(entry.changes, signs.marks))
        sentence = f"{clean(entry.changes[0].task) or 'list'}: {words}"
        clock = entry.at.partition("T")[2]
        style = "" if entry.commit in fresh else "dim"
        add_row(table, cell(clock, "dim"), cell(entry.who, "magenta"), Text(sentence, style))
    return printed(Group(Text("Last changes", "bold"), table)).split("\n")
