"""Tasks in progress in other sessions: whose, since when, and how to go on with them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable

from gittasks.core.actors import Answer, Standing, elsewhere, way_on
from gittasks.core.model import Actor, Task
from gittasks.core.times import duration_brief, parse_time
from gittasks.render.text import clean

_SHOWN = 10
"""Tasks that are told one by one."""
Way = Callable[[Task, Actor, Standing], str]
"""The words of a tool for going on with a task; "" where there are none."""


def shell_way(task: Task, actor: Actor, where: Standing) -> str:
    """The command that goes on with a task."""
    if where is Standing.SAME_OWNER:
        verb = {Answer.ASK_START: "start", Answer.ASK_CLAIM: "claim"}.get(way_on(task, actor))
        return f"gittasks {verb} {task.id} --resume" if verb else ""
    if actor.named or not task.owner:
        return f"when that one is gone: gittasks start {task.id} --force"
    other = Actor(task.owner, actor.session, named=True)
    verb = {Answer.ASK_START: "start", Answer.ASK_CLAIM: "claim"}.get(way_on(task, other))
    return f"gittasks {verb} {task.id} --resume --owner {shlex.quote(task.owner)}" if verb else ""


def tool_way(task: Task, actor: Actor, where: Standing) -> str:
    """The call of a tool that goes on with a task."""
    other = actor if where is Standing.SAME_OWNER else Actor(task.owner or "", actor.session)
    if where is not Standing.SAME_OWNER and (actor.named or not task.owner):
        return f'when that one is gone: TaskUpdate taskId "{task.id}" status "in_progress" force'
    owner = "" if other is actor else f' owner "{task.owner}"'
    answer = way_on(task, other)
    if answer is Answer.ASK_START:
        return f'TaskUpdate taskId "{task.id}" status "in_progress" resume: true{owner}'
    if answer is Answer.ASK_CLAIM:
        return f'TaskClaim taskId "{task.id}" resume: true{owner}'
    return ""


def elsewhere_lines(
    tasks: Iterable[Task], actor: Actor, now: int, way: Way = shell_way, *, most: int = _SHOWN
) -> list[str]:
    """A line for each, such as `p2: yours, left by an earlier session 6 h ago: gittasks …`."""
    pairs = elsewhere(tasks, actor)
    lines = [clean(f"{t.id}: {_words(t, actor, where, now, way)}") for t, where in pairs[:most]]
    return [*lines, *([f"and {len(pairs) - most} more in progress"] if pairs[most:] else [])]


def _words(task: Task, actor: Actor, where: Standing, now: int, way: Way) -> str:
    mine = where is Standing.SAME_OWNER
    whose = "yours" if mine else f"{task.owner}'s" if task.owner else "somebody's"
    if task.left:
        state = f"left by {'an earlier' if mine else 'its'} session{_ago(task.left, now)}"
    else:
        state = f"begun{_ago(task.started, now)}" + (" in another session" if mine else "")
    step = way(task, actor, where)
    return f"{whose}, {state}{f': {step}' if step else ''}"


def _ago(time: str | None, now: int) -> str:
    try:
        seconds = now - parse_time(time) if time else -1
    except ValueError:
        return ""
    return f" {duration_brief(seconds)} ago" if seconds >= 0 else ""
