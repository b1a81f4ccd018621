"""The dependency graph as text: a tree, Mermaid, DOT.

Texts of tasks may hold anything, so each language gets its own escapes: none of what stands in a
subject can end a label, add a node, or become a link.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from gittasks.core.graph import DependencyGraph, Graph, Picture
from gittasks.core.ids import listed
from gittasks.core.model import ListInfo, Status, Task
from gittasks.core.times import duration_words
from gittasks.core.validation import shorten
from gittasks.render.plain import task_line
from gittasks.render.text import ASCII, StatusMarks, clean

_DEEP = 8
"""Branches within branches from which on the longest goes straight on, so that no line grows
with the length of the list."""
_LONG_CYCLE = 12
"""Steps of a cycle that are written out."""
_MANY = 5
"""Other blockers that a line names."""


class Lines(NamedTuple):
    """The lines that join tasks: a branch, the last one, the trunk beside them."""

    branch: str
    last: str
    beside: str
    straight: str


BOXES = Lines("├─ ", "└─ ", "│  ", "↓ ")
PLAIN = Lines("|- ", "`- ", "|  ", "↓ ")
ASCII_LINES = Lines("|- ", "`- ", "|  ", "v ")


def lines_for(marks: StatusMarks, *, terminal: bool) -> Lines:
    """Box drawing on a terminal that can show it, else signs that every reader can take apart."""
    if marks.arrow == ASCII.arrow:
        return ASCII_LINES
    return BOXES if terminal else PLAIN


def tree(shown: Picture, marks: StatusMarks, lines: Lines, now: int | None = None) -> str:
    """One task a line. `*` marks the critical path.

    A task with several blockers stands below the last of them, and names the others. The only task
    that follows on another stands straight below it: a chain of any length stays on the left.
    """
    if not shown.net.tasks:
        return "no tasks"
    tasks = {t.id: t for t in shown.net.tasks}
    critical = set(shown.critical.tasks) if len(shown.critical.tasks) > 1 else set()
    closing: dict[str, list[str]] = {}
    for task_id, blocker in shown.net.closing:
        closing.setdefault(task_id, []).append(blocker)
    rows = []
    for task_id, parent, lead in _rows(shown.net, lines):
        star = ("* " if task_id in critical else "  ") if critical else ""
        aside = _aside(shown, task_id, parent, closing.get(task_id))
        # What a task waits for is told by the tree, so the line gets a graph that knows nothing.
        line = task_line(tasks[task_id], Graph({}), marks, now)
        rows.append(f"{star}{lead}{line}{aside}".rstrip())
    if critical:
        rows += ["", f"* critical path: {_length(shown)}"]
    rows += [f"cycle: {_way(cycle, marks)}" for cycle in shown.cycles]
    return "\n".join(rows)


def _way(cycle: Sequence[str], marks: StatusMarks) -> str:
    """The ids of a cycle; of a long one its beginning and how many it has."""
    shown = [clean(i) for i in cycle[:_LONG_CYCLE]]
    if len(cycle) > _LONG_CYCLE:
        shown.append(f"... ({len(cycle) - 1} tasks)")
    return f" {marks.arrow} ".join(shown)


def _length(shown: Picture) -> str:
    count = len(shown.critical.left)
    if not count:
        return f"{len(shown.critical.tasks)} tasks, all closed"
    words = "1 task left" if count == 1 else f"{count} tasks left"
    seconds = shown.eta_seconds
    return f"{words}, about {duration_words(seconds)} (estimate)" if seconds else words


def _aside(shown: Picture, task_id: str, parent: str | None, closing: Sequence[str] | None) -> str:
    """The blockers that the place in the tree does not show, missing ones included."""
    others = [b for b in shown.net.waits[task_id] if b != parent]
    parts = [f"also after {_some(others)}"] if others else []
    if missing := shown.missing.get(task_id):
        parts.append(f"after {_some(missing)}: not in this list, or unreadable")
    parts += [f"waits in a circle for {_some(closing)}"] if closing else []
    return f" ({'; '.join(parts)})" if parts else ""


def _some(names: Sequence[str]) -> str:
    return clean(listed(names, _MANY))


# --- the shape -----------------------------------------------------------------------------


def _rows(net: DependencyGraph, lines: Lines) -> Iterable[tuple[str, str | None, str]]:
    """(id, id of the task it stands below, what is drawn before it), from top to bottom."""
    below = _below(net)
    size: dict[str, int] = {}
    for task in reversed(net.tasks):
        size[task.id] = 1 + sum(size[i] for i in below[task.id])
    # Of each task to come: what its line begins with, what lines below it begin with, how deep.
    todo: list[tuple[str, str | None, str, str, int]] = [
        (t.id, None, "", "", 0) for t in reversed(net.tasks) if not net.waits[t.id]
    ]
    while todo:
        task_id, parent, lead, under, depth = todo.pop()
        yield task_id, parent, lead
        children = below[task_id]
        straight = len(children) == 1 or depth >= _DEEP
        if straight:
            children = sorted(children, key=size.__getitem__)  # the longest last
        for n, child in reversed([*enumerate(children, 1)]):
            is_last = n == len(children)
            if is_last and straight:
                todo.append((child, task_id, under + lines.straight, under, depth))
            else:
                lead = under + (lines.last if is_last else lines.branch)
                inner = under + (" " * len(lines.beside) if is_last else lines.beside)
                todo.append((child, task_id, lead, inner, depth + 1))


def _below(net: DependencyGraph) -> Mapping[str, list[str]]:
    """For each task those that stand below it: below the last of its blockers, from the top."""
    waiting = {i: len(blockers) for i, blockers in net.waits.items()}
    below: dict[str, list[str]] = {}
    todo: list[str] = [t.id for t in reversed(net.tasks) if not waiting[t.id]]
    while todo:
        task_id = todo.pop()
        below[task_id] = []
        for follower in net.frees[task_id]:
            waiting[follower] -= 1
            if not waiting[follower]:
                below[task_id].append(follower)
        todo += reversed(below[task_id])
    return below


_LONG = 80
"""Characters of a subject that a box shows."""
_COLORS = {  # fill, border, text: read on a light and on a dark page
    Status.PENDING: ("#f6f8fa", "#8c959f", "#24292f"),
    Status.IN_PROGRESS: ("#fff8c5", "#bf8700", "#24292f"),
    Status.COMPLETED: ("#dafbe1", "#2da44e", "#24292f"),
    Status.SKIPPED: ("#eaeef2", "#8c959f", "#57606a"),
}


def _label(task: Task, marks: StatusMarks) -> str:
    """`✓ PHASE 1: Ask user`, escaped for one line of plain text."""
    mark = {
        Status.IN_PROGRESS: marks.in_progress,
        Status.COMPLETED: marks.completed,
        Status.SKIPPED: marks.skipped,
    }.get(task.status, "")
    text = shorten(clean(task.headline), _LONG, tidy=True)
    return f"{mark} {text}".strip()


# --- Mermaid -------------------------------------------------------------------------------


def mermaid(shown: Picture, marks: StatusMarks, problems: Iterable[str] = ()) -> str:
    """A `flowchart`: arrows from what comes first, thick ones along the critical path."""
    names = {task.id: f"t{n}" for n, task in enumerate(shown.net.tasks)}
    critical = set(shown.critical.tasks)
    rows = ["flowchart TD", *(f"  %% {_comment(p)}" for p in problems)]
    for task in shown.net.tasks:
        box = f'["{_mermaid_text(_label(task, marks))}<br/>{_mermaid_text(task.id)}"]'
        rows.append(f"  {names[task.id]}{box}:::{task.status.value}")
    steps = shown.critical_steps
    for task in shown.net.tasks:
        for blocker in shown.net.waits[task.id]:
            arrow = "==>" if (task.id, blocker) in steps else "-->"
            rows.append(f"  {names[blocker]} {arrow} {names[task.id]}")
    rows += [f"  {names[b]} -.->|cycle| {names[t]}" for t, b in shown.net.closing]
    for status in dict.fromkeys(task.status for task in shown.net.tasks):
        fill, border, text = _COLORS[status]
        dashes = ",stroke-dasharray:4" if status is Status.SKIPPED else ""
        style = f"fill:{fill},stroke:{border},color:{text}{dashes}"
        rows.append(f"  classDef {status.value} {style}")
    if critical:
        rows.append("  classDef critical stroke-width:3px")
        on_way = [names[i] for i in shown.critical.tasks]
        rows.append(f"  class {','.join(on_way)} critical")
    return "\n".join(rows)


def _mermaid_text(text: str) -> str:
    """Text within quotes: what could mean something to Mermaid or HTML becomes `#35;`."""
    # Mermaid takes the last semicolon away from what looks like `style x fill:#f00;`.
    colon = "" if "style" in text or "classDef" in text else ":"
    return re.sub(rf"[^\w .,{colon}()/+\-\u2026\u2192\u2713]", lambda m: f"#{ord(m[0])};", text)


def _comment(text: str) -> str:
    return re.sub(r"[{}]", "", clean(text))


# --- Graphviz ------------------------------------------------------------------------------


def dot(info: ListInfo, shown: Picture, marks: StatusMarks, problems: Iterable[str] = ()) -> str:
    """A `digraph` in the DOT language: arrows from what comes first, the critical path thick."""
    critical, steps = set(shown.critical.tasks), shown.critical_steps
    rows = [
        f"digraph {_quoted(info.id)} {{",
        *(f"  // {clean(p)}" for p in problems),
        '  graph [rankdir="TB", bgcolor="transparent"]',
        '  node [shape="box", style="rounded,filled", fontname="sans-serif", fontsize="11"]',
        '  edge [color="#8c959f"]',
    ]
    for task in shown.net.tasks:
        fill, border, text = _COLORS[task.status]
        label = f'"{_dot_text(_label(task, marks))}\\n{_dot_text(task.id)}"'
        style = ', style="rounded,filled,dashed"' if task.status is Status.SKIPPED else ""
        width = ', penwidth="3"' if task.id in critical else ""
        colors = f'fillcolor="{fill}", color="{border}", fontcolor="{text}"'
        rows.append(f"  {_quoted(task.id)} [label={label}, {colors}{style}{width}]")
    for task in shown.net.tasks:
        for blocker in shown.net.waits[task.id]:
            thick = ' [penwidth="3"]' if (task.id, blocker) in steps else ""
            rows.append(f"  {_quoted(blocker)} -> {_quoted(task.id)}{thick}")
    for task_id, blocker in shown.net.closing:
        style = '[style="dashed", label="cycle", constraint="false"]'
        rows.append(f"  {_quoted(blocker)} -> {_quoted(task_id)} {style}")
    return "\n".join([*rows, "}"])


def _quoted(text: str) -> str:
    return f'"{_dot_text(text)}"'


def _dot_text(text: str) -> str:
    """Text within quotes: no escape of DOT's own (`\\N`) and no HTML entity is left in it."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
