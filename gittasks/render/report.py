"""Reports on a list: their values, Markdown for a forge, insights as lines, CSV (RFC 4180).

The page is made of the same values. In Markdown (GitHub's flavour) everything that somebody wrote
is escaped: it makes no markup, no link, no mention of a person and no reference to an issue. It
never begins a line. A comment has a limit, so a long list is cut, and that is said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from gittasks.core.fields import BY_NAME, FIELDS, Field, Kind
from gittasks.core.graph import Graph, Picture
from gittasks.core.history import LogEntry, PhaseTime, Timeline, workers
from gittasks.core.insights import AgentCourse, Insights, LoopCourse, Loss, TaskCourse
from gittasks.core.model import Snapshot, Status, Task, task_seconds
from gittasks.core.progress import Progress
from gittasks.core.times import duration_brief, format_time
from gittasks.core.validation import shorten
from gittasks.core.view import ListView
from gittasks.render.history_text import Axis
from gittasks.render.plain import loop_lines
from gittasks.render.text import UNICODE, clean, clean_block

MARKER = "gittasks report"
"""What every report says near its beginning, so that it is known for one."""


class Matter(NamedTuple):
    """Something that somebody should look at: what it is, and what can be done."""

    kind: str
    what: str
    details: tuple[str, ...] = ()


class Report(NamedTuple):
    """One list as it is at a moment, and how it came to be so."""

    view: ListView
    phases: Sequence[PhaseTime]
    timeline: Timeline
    matters: Sequence[Matter]
    history: Sequence[LogEntry]
    picture: Picture
    owners: Mapping[str, int]
    """The owners that the list has or had, each with its place in a fixed order."""
    losses: Sequence[Loss] = ()

    @property
    def name(self) -> str:
        """The title of the list, else its id."""
        return self.view.info.title or self.view.info.id

    def axis(self) -> Axis:
        """The times of the work and of what was planned."""
        spans = ((s.start, self.view.now if s.end is None else s.end) for s in self.timeline.spans)
        return Axis.of([*spans, *((p.at, p.at) for p in self.timeline.points)])


def owner_places(tasks: Iterable[Task], timeline: Timeline) -> Mapping[str, int]:
    """The owners of tasks and of the spans of their work, in the order of their names."""
    owners = {task.owner for task in tasks if task.owner}
    owners |= {span.owner for span in timeline.spans if span.owner}
    return {owner: place for place, owner in enumerate(sorted(owners))}


def state_words(task: Task, graph: Graph) -> str:
    """The state of a task in a word or two; a pending one that waits for others is `blocked`."""
    if task.status is Status.PENDING:
        return "blocked" if graph.is_blocked(task.id) else "pending"
    return "in progress" if task.status is Status.IN_PROGRESS else str(task.status)


def time_words(task: Task, progress: Progress) -> str:
    """The time a task took, or has been running; empty when that is not known."""
    if task.status is Status.IN_PROGRESS:
        running = next((c.seconds for c in progress.current if c.task.id == task.id), None)
        return f"{duration_brief(running)} so far" if running else ""
    took = task_seconds(task)
    return duration_brief(took) if took else ""


# --- Markdown for a forge -----------------------------------------------------------------

LIMIT = 60_000
"""Characters of a report at most; GitHub takes 65,536 in a comment."""
_LONG = 240
"""Characters of a text that are shown."""
_CELLS = 20
_MANY = 20
"""Matters, phases, loops and people that are told of."""
_MARKS = {
    Status.PENDING: "○",
    Status.IN_PROGRESS: UNICODE.in_progress,
    Status.COMPLETED: UNICODE.completed,
    Status.SKIPPED: UNICODE.skipped,
}
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&dollar;"}
_SPECIAL = re.compile(r"[\\`*_\[\]|~&<>$]")
# `@name`, `#1`, `GH-1`, `:sign:`, `https://…` and `www.…` become links, mentions and pictures on a
# forge whatever is escaped; what nobody sees in between keeps them apart.
_LINKS = re.compile(r"@|[#:](?=\S)|(?<=GH)-|(?<=www)\.", re.IGNORECASE)
_APART = "&#8203;"


def escaped(text: str) -> str:
    """Text for the inside of one line of Markdown, where it shows as it was written."""
    line = shorten(clean(" ".join(text.split())), _LONG)
    line = _SPECIAL.sub(lambda m: _ENTITIES.get(m[0], f"\\{m[0]}"), line)
    return _LINKS.sub(lambda m: f"{m[0]}{_APART}", line)


def markdown(report: Report) -> str:
    """The report as Markdown."""
    info = report.view.info
    name = f"Tasks: {escaped(info.title)}" if info.title else f"Tasks of {escaped(info.id)}"
    before = [
        f"<!-- {MARKER}: {info.id} -->",
        f"### {name}",
        "",
        f"**{escaped(report.view.progress.summary)}**",
        "",
        _bar(report),
        *_phases(report),
        *_matters(report),
        *_losses(report),
    ]
    after = [*_people(report), "", _footer(report)]
    used = sum(len(line) + 1 for line in (*before, *after))
    return "\n".join([*before, *_tasks(report, LIMIT - used), *after]) + "\n"


def _bar(report: Report) -> str:
    progress = report.view.progress
    total = max(1, progress.total)
    full = progress.completed * _CELLS // total
    running = min(-(-progress.in_progress * _CELLS // total), _CELLS - full)
    words = [f"{progress.percent}%"]
    if progress.blocked:
        words.append(f"{progress.blocked} blocked")
    if left := progress.eta_words:
        words.append(left)
    cells = "█" * full + "▒" * running + "░" * (_CELLS - full - running)
    return f"`{cells}` {' · '.join(words)}"


def _phases(report: Report) -> Iterator[str]:
    progress = report.view.progress
    times = {t.label.casefold(): t for t in report.phases}
    rows = []
    for phase in progress.phases[:_MANY]:
        time = times.get(phase.label.casefold())
        so_far = " so far" if time and not time.finished else ""
        took = f"{duration_brief(time.seconds)}{so_far}" if time else ""
        parallel = f" ({escaped(phase.parallel)})" if phase.parallel else ""
        rows.append((escaped(phase.words) + parallel, took))
    yield from _table(("Phase", "Time"), rows)
    loops = loop_lines(progress.loops)[:_MANY]
    if loops:
        yield ""
    yield from (f"- Loop: {escaped(line)}" for line in loops)


def _matters(report: Report) -> Iterator[str]:
    if not report.matters:
        return
    yield from ("", "#### Needs attention", "")
    for matter in report.matters[:_MANY]:
        yield f"- **{matter.kind}**: {escaped(matter.what)}"
    if (more := len(report.matters) - _MANY) > 0:
        yield f"- and {more} more"


def _losses(report: Report) -> Iterator[str]:
    if report.losses:
        yield from ("", "#### Where the time went", "")
        yield from (f"- {escaped(loss.words)}" for loss in report.losses)


def _tasks(report: Report, room: int) -> Iterator[str]:
    tasks = report.view.tasks
    if not tasks:
        return
    rows = {task.id: _task(report, task) for task in tasks}
    shown = _fitting(tasks, {i: len(_row(cells)) + 1 for i, cells in rows.items()}, room - 500)
    title = f"{len(tasks)} tasks" if len(tasks) != 1 else "1 task"
    yield from ("", f"<details><summary>{title}</summary>")
    head = ("", "Task", "State", "Owner", "Time", "Result")
    yield from _table(head, [rows[t.id] for t in tasks if t.id in shown])
    if more := len(tasks) - len(shown):
        yield from ("", f"{more} closed or later ones are left out; all: `gittasks list`")
    yield from ("", "</details>")


def _fitting(tasks: Sequence[Task], sizes: dict[str, int], room: int) -> set[str]:
    """The tasks that there is room for, open ones first."""
    fitting = set()
    for task in sorted(tasks, key=lambda t: t.status.closed):
        room -= sizes[task.id]
        if room < 0:
            break
        fitting.add(task.id)
    return fitting


def _task(report: Report, task: Task) -> tuple[str, ...]:
    return (
        _MARKS.get(task.status, ""),
        escaped(task.headline),
        state_words(task, report.view.graph),
        escaped(task.owner or ""),
        time_words(task, report.view.progress),
        escaped(task.result or ""),
    )


def _people(report: Report) -> Iterator[str]:
    rows = [
        (escaped(w.owner or "(nobody)"), str(w.completed), str(w.in_progress), _time(w.seconds))
        for w in workers(report.timeline)[:_MANY]
    ]
    if rows:
        yield from ("", "<details><summary>Who did what</summary>")
        yield from _table(("Who", "Completed", "In progress", "At work"), rows)
        yield from ("", "</details>")


def _time(seconds: int) -> str:
    return duration_brief(seconds) if seconds else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    lines = [_row(cells) for cells in rows]
    if lines:
        yield from ("", _row(head), _row(["---"] * len(head)), *lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _footer(report: Report) -> str:
    at = format_time(report.view.now).replace("T", " ").replace("Z", " UTC")
    return f"<sub>As of {at}, `{report.view.info.id}` at `{report.view.commit[:12]}`</sub>"


# --- insights as lines --------------------------------------------------------------------

_EVIDENCE = 4
"""Commits that a line names."""


def insight_lines(snapshot: Snapshot, shown: Insights) -> list[str]:
    """Everything, without sections that would be empty."""
    name = clean(snapshot.info.title or snapshot.info.id)
    since = f", since {format_time(shown.since)}" if shown.since is not None else ""
    head = [f"{name}{since}"]
    sections = (
        ("What cost most", [f"{n}. {_loss(x)}" for n, x in enumerate(shown.top, 1)]),
        ("Tasks", [_task_course(course) for course in shown.tasks]),
        ("What else happened", [_loss(x) for x in shown.losses if x not in shown.top]),
        ("Loops", [_loop(loop) for loop in shown.loops]),
        ("Agents", [_agent(agent) for agent in shown.agents]),
        ("Critical path", [_path(shown.critical)] if shown.critical else []),
        ("Estimate", list(_estimate(shown))),
    )
    if not shown.tasks and not shown.losses:
        return [*head, "nothing has happened yet"]
    body = [
        line
        for title, part in sections
        if part
        for line in (f"{title}:", *(f"  {text}" for text in part))
    ]
    return [*head, *([] if shown.losses else ["no time was lost"]), *body]


def _evidence(commits: Sequence[str]) -> str:
    names = " ".join(commit[:8] for commit in commits[:_EVIDENCE])
    more = " …" if len(commits) > _EVIDENCE else ""
    return f" [{names}{more}]" if names else ""


def _loss(loss: Loss) -> str:
    return f"{clean(loss.words)}{_evidence(loss.commits)}"


def _task_course(course: TaskCourse) -> str:
    blockers = f" by {', '.join(course.blockers)}" if course.blockers else ""
    parts = (
        ("waited", course.waiting, ""),
        ("blocked", course.blocked, blockers),
        ("active", course.active, ""),
        ("left", course.left, ""),
    )
    times = [f"{word} {duration_brief(seconds)}{more}" for word, seconds, more in parts if seconds]
    return f"{course.task}: {', '.join(times) or 'no time'}{_evidence(course.commits)}"


def _loop(loop: LoopCourse) -> str:
    results = ", ".join(clean(result) or "-" for result in loop.results)
    brought = f": {results}" if any(loop.results) else ""
    took = f" in {duration_brief(loop.seconds)}" if loop.seconds else ""
    words = f"{clean(loop.name)}: {loop.rounds} of {loop.max} rounds{took}{brought}"
    return f"{words}{_evidence(loop.commits)}"


def _agent(agent: AgentCourse) -> str:
    session = f" (session {clean(agent.session)})" if agent.session else ""
    tasks = "1 task" if agent.completed == 1 else f"{agent.completed} tasks"
    useful = [f"{duration_brief(agent.useful)} useful"] if agent.useful else []
    lost = [f"{duration_brief(agent.lost)} lost"] if agent.lost else []
    done = [tasks] if agent.completed or useful or lost else ["at work"]
    words = ", ".join([*done, *useful, *lost])
    return f"{clean(agent.name)}{session}: {words}{_evidence(agent.commits)}"


def _path(ids: Iterable[str]) -> str:
    return " → ".join(ids)


def _estimate(shown: Insights) -> Iterator[str]:
    if estimate := shown.estimate:
        expected, actual = duration_brief(estimate.estimated), duration_brief(estimate.actual)
        yield f"after {estimate.done} tasks {expected} were expected, and it took {actual}"


# --- CSV for spreadsheets -----------------------------------------------------------------

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet take a cell for a formula."""


def csv_table(tasks: Sequence[Task], graph: Graph) -> str:
    """The tasks in the order given, one a row, below a row of names.

    A cell that a spreadsheet would take for a formula begins with an apostrophe, which says that
    it is text.
    """
    rows = [[column(task, graph) for column in _COLUMNS.values()] for task in tasks]
    return "".join(",".join(map(_cell, row)) + "\r\n" for row in [list(_COLUMNS), *rows])


_Column = Callable[[Task, Graph], str]
_DERIVED: dict[str, _Column] = {
    "id": lambda task, _: task.id,
    "phase": lambda task, _: task.phase_label or "",
    "openBlockers": lambda task, graph: " ".join(graph.open_blockers(task.id)),
}
_FIRST = (
    "id subject status owner phase blockedBy openBlockers result created started finished "
    "activeForm description notes commits metadata"
)
_LEFT_OUT = frozenset({"session", "claim", "order", "createdBy"})


def _of_field(field: Field) -> _Column:
    return lambda task, _: _text(field, getattr(task, field.attr))


def _text(field: Field, value: Any) -> str:
    """The value of a field in a cell; lists are separated by spaces."""
    if not value and value != 0:
        return ""
    if field.kind is Kind.MAP:
        import json

        return json.dumps(dict(value), ensure_ascii=False)
    if field.kind is Kind.NOTES:
        return "\n".join(f"{note.at} {note.by}: {note.text}".strip() for note in value)
    if field.kind is Kind.COMMITS:
        return " ".join(commit.sha for commit in value)
    return " ".join(value) if isinstance(value, tuple) else str(value)


_names = [*_FIRST.split(), *(f.name for f in FIELDS if f.name not in _LEFT_OUT)]
_COLUMNS = {name: _DERIVED.get(name) or _of_field(BY_NAME[name]) for name in _names}


def _cell(text: str) -> str:
    text = clean_block(text)
    if text.lstrip(" ").startswith(_FORMULA):
        text = f"'{text}"
    if any(c in text for c in ',"\n\r') or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text
