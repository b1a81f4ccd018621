"""The dependency graph as a tree of text: every task once, below all that it waits for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from gittasks.core.clock import duration_words
from gittasks.core.graph import Graph
from gittasks.core.ids import listed
from gittasks.core.paths import Web
from gittasks.core.picture import Picture
from gittasks.render.plain import task_line
from gittasks.render.text import ASCII, Marks, clean

_DEEP = 8
"""Branches within branches from which on the longest goes straight on, so that no line grows
with the length of the list."""
_LONG_CYCLE = 12
"""Steps of a cycle that are written out."""
_MANY = 5
"""Other blockers that a line names."""


class Lines(NamedTuple):
    """What joins a task to the one before: a branch, the last one, what runs on beside them."""

    branch: str
    last: str
    beside: str
    straight: str


BOXES = Lines("├─ ", "└─ ", "│  ", "↓ ")
PLAIN = Lines("|- ", "`- ", "|  ", "↓ ")
ASCII_LINES = Lines("|- ", "`- ", "|  ", "v ")


def lines_for(marks: Marks, *, terminal: bool) -> Lines:
    """Box drawing on a terminal that can show it, else signs that every reader can take apart."""
    if marks.arrow == ASCII.arrow:
        return ASCII_LINES
    return BOXES if terminal else PLAIN


def tree(shown: Picture, marks: Marks, lines: Lines, now: int | None = None) -> str:
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
    made = []
    for task_id, parent, lead in _rows(shown.net, lines):
        star = ("* " if task_id in critical else "  ") if critical else ""
        said = _aside(shown, task_id, parent, closing.get(task_id))
        # What a task waits for is told by the tree, so the line gets a graph that knows nothing.
        line = task_line(tasks[task_id], Graph({}), marks, now)
        made.append(f"{star}{lead}{line}{said}".rstrip())
    if critical:
        made += ["", f"* critical path: {_length(shown)}"]
    made += [f"cycle: {_way(cycle, marks)}" for cycle in shown.cycles]
    return "\n".join(made)


def _way(cycle: Sequence[str], marks: Marks) -> str:
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
    seconds = shown.critical.seconds
    return f"{words}, about {duration_words(seconds)} (estimate)" if seconds else words


def _aside(shown: Picture, task_id: str, parent: str | None, closing: Sequence[str] | None) -> str:
    """What the place in the tree does not tell: other blockers, and those that are not there."""
    others = [b for b in shown.net.waits[task_id] if b != parent]
    parts = [f"also after {_some(others)}"] if others else []
    if missing := shown.missing.get(task_id):
        parts.append(f"after {_some(missing)}: not in this list, or unreadable")
    parts += [f"waits in a circle for {_some(closing)}"] if closing else []
    return f" ({'; '.join(parts)})" if parts else ""


def _some(names: Sequence[str]) -> str:
    return clean(listed(names, _MANY))


# --- the shape -----------------------------------------------------------------------------


def _rows(net: Web, lines: Lines) -> Iterable[tuple[str, str | None, str]]:
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
        here, parent, lead, under, depth = todo.pop()
        yield here, parent, lead
        children = below[here]
        straight = len(children) == 1 or depth >= _DEEP
        if straight:
            children = sorted(children, key=size.__getitem__)  # the longest last
        for n, child in reversed([*enumerate(children, 1)]):
            is_last = n == len(children)
            if is_last and straight:
                todo.append((child, here, under + lines.straight, under, depth))
            else:
                lead = under + (lines.last if is_last else lines.branch)
                inner = under + (" " * len(lines.beside) if is_last else lines.beside)
                todo.append((child, here, lead, inner, depth + 1))


def _below(net: Web) -> Mapping[str, list[str]]:
    """For each task those that stand below it: below the last of its blockers, from the top."""
    waiting = {i: len(blockers) for i, blockers in net.waits.items()}
    below: dict[str, list[str]] = {}
    todo: list[str] = [t.id for t in reversed(net.tasks) if not waiting[t.id]]
    while todo:
        here = todo.pop()
        below[here] = []
        for follower in net.frees[here]:
            waiting[follower] -= 1
            if not waiting[follower]:
                below[here].append(follower)
        todo += reversed(below[here])
    return below
