"""What an agent has to know to use gittasks from a shell, in under a thousand tokens.

Written as facts, not orders: some agents take orders in their context for an attack.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gittasks.core.graph import Graph
from gittasks.core.model import ListInfo, Status, Task
from gittasks.core.progress import Progress
from gittasks.render import assets, plain
from gittasks.render.text import Marks, clean

_RUNNING, _READY, _LISTS = 3, 2, 3
"""Tasks in progress, tasks to begin and lists that are named: the manual is no list."""
_WIDTH = 72
"""Bytes of a line about one task: that bounds the tokens in any script, which characters do not."""
_HEAD = 96
"""Bytes of a line about the list."""

_INIT = "gittasks init NAME makes one"


def manual(state: Sequence[str]) -> str:
    """The manual below the lines that say how things stand here."""
    return "\n".join(
        ["# gittasks: the task list of this git repository", *state, "", assets.read("prime.md")]
    )


def no_list(reason: str, lists: Iterable[str] = ()) -> list[str]:
    """How things stand when there is no list to speak of."""
    known = list(lists)
    names = ", ".join(known[:_LISTS]) + (" ..." if len(known) > _LISTS else "")
    way = _cut(f"gittasks use NAME chooses one of: {names}", _HEAD) if names else _INIT
    return [_cut(clean(reason), _HEAD), way]


def state(
    info: ListInfo, tasks: Sequence[Task], graph: Graph, progress: Progress, marks: Marks, me: str
) -> list[str]:
    """How a list stands: its summary, what is in progress, what `me` can begin."""
    title = f" ({clean(info.title)})" if info.title else ""
    head = f'List "{clean(info.id)}"{title}'
    lines = [_cut(head, _HEAD), _cut(clean(progress.summary), _HEAD)]
    running = [t for t in tasks if t.status is Status.IN_PROGRESS]
    sections = (("In progress", running, _RUNNING), ("Ready", graph.ready(me), _READY))
    for name, found, most in sections:
        if found:
            lines.append(f"{name}:")
            lines += [_cut(f"  {plain.task_line(t, graph, marks)}", _WIDTH) for t in found[:most]]
        if len(found) > most:
            lines.append(f"  and {len(found) - most} more")
    return lines


def _cut(line: str, width: int) -> str:
    data = line.encode()
    return line if len(data) <= width else f"{data[: width - 3].decode(errors='ignore')}..."
