"""Remarks on an edit: whose tasks it moved, in words that fit every tool."""

from __future__ import annotations

from collections.abc import Sequence

from gittasks.core.actors import Standing, overlaps, standing
from gittasks.core.apply import Edit
from gittasks.core.graph import Graph
from gittasks.core.model import Actor, Status, Task
from gittasks.core.operations import Operation, StartNext, Transition, Update, Verb
from gittasks.core.progress import nothing_ready
from gittasks.core.validation import escape_line

_SHOWN = 3
"""Tasks of a kind that are named."""
_DID = {
    Status.COMPLETED: "completed",
    Status.SKIPPED: "skipped",
    Status.PENDING: "gave back",
    Status.DELETED: "deleted",
}


def remarks(edit: Edit, operations: Sequence[Operation], actor: Actor, now: str = "") -> list[str]:
    """Sentences about tasks of others that were moved, and about what else is in progress."""
    sentences: list[str] = []
    begun: list[Task] = []
    for task_id in edit.changed:
        old, new = edit.before.tasks.get(task_id), edit.after.tasks.get(task_id)
        if new is None:
            continue
        if new.status is Status.IN_PROGRESS and (old is None or _began(old, new)):
            begun.append(new)
            if old is not None and old.status is new.status and old.started == new.started:
                sentences.append(f"{new.id} goes on since {new.started}")
        if old is not None and old.owner and old.owner == new.owner != actor.owner:
            sentences += _about(old, new, actor)
    for task_id, op in zip(edit.focus, operations, strict=False):
        task = edit.after.tasks.get(task_id)
        if task and edit.before.tasks.get(task_id) == task:
            sentences += _unchanged(task, op)
        if isinstance(op, StartNext) and not task_id:
            who = op.owner or actor.owner
            sentences.append(escape_line(nothing_ready(Graph.of(edit.after, now), who), 300))
    shared = (overlaps(task, edit.after.tasks.values(), actor) for task in begun)
    sentences += [overlap.words for of_task in shared for overlap in of_task[:_SHOWN]]
    return sentences + _elsewhere(edit, begun)


def _began(old: Task, new: Task) -> bool:
    return old.status is not Status.IN_PROGRESS or (old.session, old.owner) != (
        new.session,
        new.owner,
    )


def _about(old: Task, new: Task, actor: Actor) -> list[str]:
    """Sentences about a task that is somebody else's and stays so."""
    owner, who = escape_line(new.owner or "", 60), escape_line(actor.owner, 60)
    if new.status is Status.IN_PROGRESS:
        began = old.status is not Status.IN_PROGRESS
        return [f"{new.id} is meant for {owner}, and begun on that owner's behalf"] if began else []
    if old.status is not Status.IN_PROGRESS or new.status not in _DID:
        return []
    stays = f"; it stays meant for {owner}" if new.status is Status.PENDING else ""
    did = f"{who} {_DID[new.status]} it{stays}"
    return [f"{new.id} was in progress for {owner}; the history says that {did}"]


def _unchanged(task: Task, op: Operation) -> list[str]:
    """Sentences about a task that was so already."""
    verb = op.verb if isinstance(op, Transition) else None
    starts = isinstance(op, Update) and op.status is Status.IN_PROGRESS
    if task.status is Status.IN_PROGRESS and (verb is Verb.START or starts):
        since = f" since {task.started}" if task.started else ""
        whose = escape_line(task.owner or "nobody", 60)
        apart = "; agents who share a name need a session or a claim each"
        return [f"{task.id} has been in progress for {whose}{since}{'' if task.session else apart}"]
    if task.status is Status.PENDING and verb is Verb.RELEASE and task.owner:
        return [f"{task.id} is not in progress, and stays meant for {escape_line(task.owner, 60)}"]
    return []


def _elsewhere(edit: Edit, begun: Sequence[Task]) -> list[str]:
    """Sentences about the other tasks in progress of those whose tasks were begun."""
    sentences: list[str] = []
    names = {(task.owner, task.session) for task in begun}
    mine = {task.id for task in begun}
    for owner, session in names:
        others = [
            t
            for t in edit.after.ordered()
            if t.status is Status.IN_PROGRESS
            and t.id not in mine
            and t.owner == owner
            and (t.left or standing(t, Actor(owner or "", session)) is Standing.SAME_OWNER)
        ]
        for task in others[:_SHOWN]:
            where = "left by an earlier session" if task.left else "in another session"
            sentences.append(
                f"{escape_line(owner or '', 60)} also has {task.id} in progress, {where}"
            )
    return sentences
