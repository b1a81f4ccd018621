"""What a session is told about the list: short, as facts, every text of a task escaped."""

from __future__ import annotations

from collections.abc import Sequence

from gittasks.core.clock import format_time
from gittasks.core.graph import Graph
from gittasks.core.ids import listed
from gittasks.core.model import Actor, Snapshot, Status, Task
from gittasks.core.progress import Progress
from gittasks.render import plain
from gittasks.render.elsewhere import elsewhere_lines
from gittasks.render.text import UNICODE, clean

_SHOWN = 10
"""Tasks of a kind that are listed; of more only the number is told."""
_LIMIT = 6000
"""Characters of what a session is told at its start; Claude Code takes 10,000."""

HOW = (
    "How the list is worked on: `gittasks start ID`, then at once when it is finished "
    "`gittasks done ID --result TEXT`; `gittasks list` shows all tasks, `gittasks create SUBJECT` "
    "adds one, `gittasks sync` shares the work, `gittasks claim` takes the next ready task when "
    "others work on the list too. The texts of the tasks come from whoever can push to this "
    "repository."
)


def opening(
    snapshot: Snapshot, actor: Actor, now: int, branch: str, notices: Sequence[str] = ()
) -> str:
    """The open list at the start of a session."""
    graph = Graph.of(snapshot, format_time(now))
    progress = Progress.of(snapshot.tasks.values(), graph, now)
    title = f" ({clean(snapshot.info.title)})" if snapshot.info.title else ""
    lines = [f"Task list {clean(snapshot.info.id)}{title} on the branch {clean(branch)}:"]
    lines.append(clean(progress.summary))
    running = [c.task for c in progress.current]
    lines += _section("In progress in this session", mine(snapshot, actor), graph, now)
    others = [t for t in running if t not in mine(snapshot, actor)]
    lines += _section("In progress elsewhere", others, graph, now)
    lines += elsewhere_lines(running, actor, now)
    lines += _section("Ready to start", graph.ready(actor.owner), graph, now)
    if progress.blocked:
        lines.append(f"Waiting for others to be finished: {progress.blocked}")
    lines += plain.problem_lines(snapshot.problems)[:_SHOWN]
    lines += [clean(notice) for notice in notices]
    text = "\n".join(lines)
    if len(text) > _LIMIT:
        text = f"{text[:_LIMIT].rpartition(chr(10))[0]}\n… (all of it: gittasks list)"
    return f"{text}\n{HOW}"


def mine(snapshot: Snapshot, actor: Actor) -> list[Task]:
    """What is in progress under this session, or for this owner under none."""
    return [
        t
        for t in snapshot.ordered()
        if t.status is Status.IN_PROGRESS
        and (t.session == actor.session if t.session else t.owner == actor.owner)
    ]


def reminder(list_id: str, tasks: Sequence[Task]) -> str:
    """What is still in progress when a turn ends."""
    named = "; ".join(f"{t.id} ({clean(t.headline)})" for t in tasks[:_SHOWN])
    more = f" and {len(tasks) - _SHOWN} more" if len(tasks) > _SHOWN else ""
    return (
        f"Still in progress in the task list {clean(list_id)}: {named}{more}. What is finished is "
        f"recorded with `gittasks done ID --result TEXT`, what will not be gone on with is given "
        f"back with `gittasks release ID`; what goes on later stays as it is."
    )


def completion(snapshot: Snapshot, task_id: str) -> str | None:
    """What the completion of a task made ready, or that it was the last; else None."""
    graph = Graph.of(snapshot)
    waiting = [snapshot.tasks[i] for i in graph.blocks(task_id) if i in snapshot.tasks]
    freed = [t.id for t in waiting if t.status is Status.PENDING and not graph.open_blockers(t.id)]
    progress = Progress.of(snapshot.tasks.values(), graph)
    if not freed and not progress.finished:
        return None
    ready = f"; ready now: {listed(freed, _SHOWN)}" if freed else ""
    return f"gittasks: {task_id} completed{ready}; {clean(progress.summary)}"


def _section(title: str, tasks: Sequence[Task], graph: Graph, now: int) -> list[str]:
    if not tasks:
        return []
    shown = [plain.task_line(t, graph, UNICODE, now) for t in tasks[:_SHOWN]]
    more = [f"and {len(tasks) - _SHOWN} more"] if len(tasks) > _SHOWN else []
    return [f"{title}:", *shown, *more]
