"""Holders of a claimed task, by the remote's branch and by the task's history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittasks.core.model import Status, Task
from gittasks.store import home
from gittasks.workspace import log

if TYPE_CHECKING:
    from gittasks.core.apply import Edit
    from gittasks.core.operations import Holder
    from gittasks.errors import Refused
    from gittasks.store.list_store import ListStore
    from gittasks.store.list_version import ListVersion
    from gittasks.workspace.session import Session


def is_fenced(store: ListStore, branch: ListVersion, edit: Edit, *, undo: bool = False) -> bool:
    """True when an edit finishes, gives back or goes on with a claimed task of a shared list.

    Then the remote has to agree, since somebody else may have taken it over. So it has to where
    an undo gives a claim back to its holder: the task may be somebody else's by now.
    """
    return any(
        _ends_claim(old, new) or (undo and _restores_claim(old, new))
        for task_id in edit.changed
        if (old := edit.before.tasks.get(task_id)) and (new := edit.after.tasks.get(task_id))
    ) and (branch.heads.tracked is not None or home.of(store.repository, store.list_id).is_shared)


def _ends_claim(old: Task, new: Task) -> bool:
    if not old.claim or old.status is not Status.IN_PROGRESS:
        return False
    held = (Status.IN_PROGRESS, old.result, old.claim)
    return (new.status, new.result, new.claim) != held


def _restores_claim(old: Task, new: Task) -> bool:
    return bool(new.claim) and Status.IN_PROGRESS is new.status is not old.status


def began_on_behalf(session: Session, refusal: Refused) -> bool:
    """True when a task that is refused as another owner's was begun by this actor for that owner.

    In this session: the task does not say it, its history does.
    """
    actor = session.actor
    if refusal.rule != "held" or refusal.details["session"] != actor.session:
        return False
    for entry in log.log(session.store, refusal.tasks[0]):
        if any(c.field == "status" and c.after == Status.IN_PROGRESS for c in entry.changes):
            return (entry.owner, entry.session) == (actor.owner, actor.session)
    return False


def granted(session: Session, branch: ListVersion) -> dict[str, Holder]:
    """Holders of tasks, as the remote's own branch says it."""
    if branch.heads.tracked is None:
        return {}
    shown = session.store.load_at(branch.heads.tracked, branch).snapshot
    return {
        task.id: (task.owner, task.session, task.claim)
        for task in shown.tasks.values()
        if task.status is Status.IN_PROGRESS
    }


def lost(session: Session, task: Task) -> bool:
    """True when this owner and session held a task that somebody else has claimed since.

    The other one holds it or has finished it. What was given back is free for whoever finishes
    it, here as in a merge.
    """
    actor = session.actor
    if not task.claim or task.status is Status.PENDING:
        return False
    if actor.session is None:
        mine = task.session is None and task.owner == actor.owner
    else:
        mine = task.session == actor.session
    return not mine and _has_held(session, task)


def _has_held(session: Session, task: Task) -> bool:
    """True when this owner and session ever had a task in progress, by its history."""
    actor = session.actor
    for entry in log.log(session.store, task.id):
        if entry.session != actor.session or (actor.session is None and entry.owner != actor.owner):
            continue
        if any(
            c.field == "claim" or (c.field == "status" and c.after == Status.IN_PROGRESS)
            for c in entry.changes
        ):
            return True
    return False
