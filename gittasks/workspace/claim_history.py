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


def is_fenced(store: ListStore, branch: ListVersion, edit: Edit) -> bool:
    """True when an edit finishes, gives back or goes on with a claimed task of a shared list.

    Then the remote has to agree, since somebody else may have taken it over.
    """
    return any(
        old.claim
        and old.status is Status.IN_PROGRESS
        and (
            new.status is not Status.IN_PROGRESS
            or new.result != old.result
            or new.claim != old.claim
        )
        for task_id in edit.changed
        if (old := edit.before.tasks.get(task_id)) and (new := edit.after.tasks.get(task_id))
    ) and (branch.heads.tracked is not None or home.of(store.repository, store.list_id).is_shared)


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

    The other one holds it, has finished it, or has given it back.
    """
    actor = session.actor
    if not task.claim:
        return False
    if task.status is not Status.PENDING:
        if actor.session is None:
            mine = task.session is None and task.owner == actor.owner
        else:
            mine = task.session == actor.session
        return not mine and _last_claim(session, task) is not None
    number = _last_claim(session, task)
    return number is not None and number < task.claim


def _last_claim(session: Session, task: Task) -> int | None:
    """Number of the claim under which this owner and session last had a task in progress.

    0 for one that was only started; None when they never had it, by its history.
    """
    actor = session.actor
    for entry in log.log(session.store, task.id):
        if entry.session != actor.session or (actor.session is None and entry.owner != actor.owner):
            continue
        for change in entry.changes:
            if change.field == "claim":
                return int(change.after)
        if any(c.field == "status" and c.after == Status.IN_PROGRESS for c in entry.changes):
            return 0
    return None


def check_not_lost(session: Session, edit: Edit) -> None:
    """Refuse to finish a task that is nobody's now, when another claimed it after this session."""
    for task_id in edit.changed:
        old, new = edit.before.tasks.get(task_id), edit.after.tasks.get(task_id)
        pending = old and old.claim and old.status is Status.PENDING
        if old and new and pending and new.status is Status.COMPLETED and lost(session, old):
            raise lost_lease(old)
