"""Tasks in progress in other sessions: whose, since when, and how to go on with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gittasks.core.actors import Answer, Standing, counted, elsewhere, is_owner, way_on
from gittasks.core.model import Actor, Task
from gittasks.core.times import duration_brief, parse_time
from gittasks.errors import Way

_SHOWN = 10
"""Tasks that are told one by one."""
_VERBS = {Answer.ASK_START: "start", Answer.ASK_CLAIM: "claim"}


def ways_on(
    tasks: Iterable[Task], among: Iterable[Task], actor: Actor, now: int, *, most: int = _SHOWN
) -> list[Way]:
    """A sentence for each, such as `p2: yours, left by an earlier session 6 h ago`, and the
    command that goes on with it. `among` are all tasks of the list: who has one in progress goes
    on beside it."""
    pairs = elsewhere(tasks, actor)
    every = {task.id: task for task in among} if pairs else {}
    ways = [_way(task, every, actor, where, now) for task, where in pairs[:most]]
    return [*ways, *([Way(f"and {len(pairs) - most} more in progress")] if pairs[most:] else [])]


def _way(task: Task, every: Mapping[str, Task], actor: Actor, where: Standing, now: int) -> Way:
    words = f"{task.id}: {_words(task, where, now)}"
    if where is not Standing.SAME_OWNER and (actor.named or not task.owner):
        command = ("gittasks", "start", task.id, "--force")
        return Way(f"{words}; if it is no longer running", command, decision=True)
    if where is not Standing.SAME_OWNER and not is_owner(task.owner or ""):
        return Way(words)
    behalf = () if where is Standing.SAME_OWNER else ("--owner", task.owner or "")
    other = Actor(task.owner or "", actor.session, named=True) if behalf else actor
    verb = _VERBS.get(way_on(task, other))
    if not verb:
        return Way(words)
    others = (t for t in counted(every, other.owner, actor.session) if t.id != task.id)
    beside = ("--parallel",) if any(others) else ()
    return Way(words, ("gittasks", verb, task.id, "--resume", *beside, *behalf))


def _words(task: Task, where: Standing, now: int) -> str:
    mine = where is Standing.SAME_OWNER
    whose = "yours" if mine else f"{task.owner}'s" if task.owner else "somebody's"
    if task.left:
        return f"{whose}, left by {'an earlier' if mine else 'its'} session{_ago(task.left, now)}"
    return f"{whose}, started{_ago(task.started, now)}" + (" in another session" if mine else "")


def _ago(time: str | None, now: int) -> str:
    try:
        seconds = now - parse_time(time) if time else -1
    except ValueError:
        return ""
    return f" {duration_brief(seconds)} ago" if seconds >= 0 else ""
