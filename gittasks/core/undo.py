"""Undo of one operation, however much has happened since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gittasks.core import rules
from gittasks.core.changes import changed_ids, same_task, strictly_equal, task_changes
from gittasks.core.graph import Graph
from gittasks.core.merge.registers import ABSENT, State, field_of, from_registers, registers
from gittasks.core.model import LIST_MARKS, ListInfo, Snapshot, Status, Task
from gittasks.errors import Refused


def take_back(before: Snapshot, after: Snapshot, now: Snapshot) -> Snapshot:
    """The snapshot `now` without what the operation from `before` to `after` did.

    Only the registers that the operation wrote go back, so what others changed elsewhere stays.
    Raises Refused `built-on` when such a register has another value by now, when a task to be
    removed was changed or has got dependents, and when work began because of a task that the
    operation closed; Refused `cycle` when a dependency that comes back would close one.
    """
    tasks = dict(now.tasks)
    touched = changed_ids(before, after)
    for task_id in touched:
        old, new = before.tasks.get(task_id), after.tasks.get(task_id)
        restored = _take_back_task(task_id, old, new, now.tasks.get(task_id))
        if restored is None:
            del tasks[task_id]
        else:
            tasks[task_id] = restored
    _check_dependents(before, tasks, touched)
    _check_begun(before, after, now, touched)
    _check_cycles(before, tasks, touched)
    return now._replace(info=_take_back_info(before.info, after.info, now.info), tasks=tasks)


def _take_back_task(
    task_id: str, old: Task | None, made: Task | None, current: Task | None
) -> Task | None:
    """The task as it becomes; None where it was made by the operation, so that it goes."""
    if made is None:
        if current is not None:
            raise _changed_since(task_id, "created")
        return old
    if current is None:
        raise _changed_since(task_id, "removed")
    if old is not None:
        return _take_back_registers(old, made, current)
    if not same_task(made, current):
        fields = [change.field for change in task_changes(made, current)]
        raise _changed_since(task_id, *fields)
    return None


def _take_back_registers(old: Task, made: Task, current: Task) -> Task:
    old_regs, made_regs, regs = registers(old), registers(made), registers(current)
    result = dict(regs)
    for register in {**old_regs, **made_regs}:
        value = old_regs.get(register, ABSENT)
        written = made_regs.get(register, ABSENT)
        if strictly_equal(value, written):
            continue
        if not strictly_equal(regs.get(register, ABSENT), written):
            raise _changed_since(old.id, field_of(register))
        if isinstance(value, State):  # the number of a claim never goes down
            value = value._replace(claim=max(value.claim, current.claim))
        if value is ABSENT:
            del result[register]
        else:
            result[register] = value
    # Members that come back take the places that they had before.
    ordered = {r: result[r] for r in old_regs if r in result}
    return from_registers(old.id, ordered | result)


def _take_back_info(old: ListInfo, made: ListInfo, current: ListInfo) -> ListInfo:
    changes: dict[str, Any] = {}
    for name in ("title", *LIST_MARKS, "settings", "extra"):
        value, written = getattr(old, name), getattr(made, name)
        if strictly_equal(value, written):
            continue
        if not strictly_equal(getattr(current, name), written):
            raise rules.built_on(
                f"the {name} of the list has been changed since", (), {"field": name}
            )
        changes[name] = value
    return current._replace(**changes)


def _changed_since(task_id: str, *fields: str) -> Refused:
    return rules.built_on(
        f"{task_id} has been changed since ({', '.join(fields)})",
        (task_id,),
        {"task": task_id, "field": fields[0] if fields else None},
    )


def _check_dependents(
    before: Snapshot, tasks: Mapping[str, Task], touched: tuple[str, ...]
) -> None:
    """Nothing may be left waiting for a task that goes, unless it waited for the bare id before."""
    removed = {i for i in touched if i not in tasks}
    for task in tasks.values() if removed else ():
        known = before.tasks[task.id].blocked_by if task.id in before.tasks else ()
        for blocker in task.blocked_by:
            if blocker in removed and blocker not in known:
                raise rules.built_on(
                    f"{task.id} depends on {blocker}, which would be removed",
                    (task.id, blocker),
                    {"task": task.id, "field": "blockedBy"},
                )


def _check_begun(
    before: Snapshot, after: Snapshot, now: Snapshot, touched: tuple[str, ...]
) -> None:
    """Work that could begin because the operation closed a task keeps the operation in place."""
    closed = {i for i in touched if _is_closed(after, i) and not _is_closed(before, i)}
    for task in now.tasks.values() if closed else ():
        if task.status not in (Status.IN_PROGRESS, Status.COMPLETED):
            continue
        then = after.tasks.get(task.id)
        if then is not None and then.status is not Status.PENDING:
            continue
        for blocker in task.blocked_by:
            if blocker in closed:
                raise rules.built_on(
                    f"{task.id} was waiting for {blocker} and is {task.status} since",
                    (task.id, blocker),
                    {"task": task.id, "field": "status"},
                )


def _is_closed(snapshot: Snapshot, task_id: str) -> bool:
    task = snapshot.tasks.get(task_id)
    return task is not None and task.status.closed


def _check_cycles(before: Snapshot, tasks: Mapping[str, Task], touched: tuple[str, ...]) -> None:
    graph, then = Graph(tasks), Graph(before.tasks)
    for task_id in touched:
        task = tasks.get(task_id)
        if task is None or not task.blocked_by:
            continue
        path = graph.cycle_through(task_id, task.blocked_by)
        old = before.tasks[task_id].blocked_by if task_id in before.tasks else ()
        if path and not then.cycle_through(task_id, old):
            raise rules.cycle(path)
