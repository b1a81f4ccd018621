"""From Claude Code's tasks to operations on a list, and which of them the list lets pass.

A change counts only where the native task differs from what it was when both sides last agreed
(`Link.base`), so what others did to the list in between stays. Without such a memory nothing in
the list is overwritten or taken back. What is not there natively says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gittasks.claude.links import ALIAS, Link, alias, task_id
from gittasks.claude.native import MARK, Fault, NativeTask
from gittasks.core.edit import apply
from gittasks.core.model import Snapshot, Status, Task, Value
from gittasks.core.operations import Context, Create, Operation, Update
from gittasks.core.texts import printable
from gittasks.errors import GittasksError

_SAID = 300
"""Characters of a refusal that are told: a cycle may have many tasks."""
_RANK = {Status.PENDING: 0, Status.IN_PROGRESS: 1}


class Step(NamedTuple):
    """One operation, and the number of the native task that asks for it."""

    number: str
    operation: Operation


class Wanted(NamedTuple):
    """What an import comes to: the steps, the links with those of new tasks, what is left out."""

    steps: tuple[Step, ...]
    links: Mapping[str, Link]
    faults: tuple[Fault, ...]


def wanted(
    natives: Mapping[str, NativeTask],
    snapshot: Snapshot,
    links: Mapping[str, Link],
    native_list: str,
) -> Wanted:
    """The steps that bring a list in line with native tasks (`native.joined`), in order."""
    known = dict(links)
    steps: list[Step] = []
    faults = [
        Fault(n, f"changed to fit into a task: {', '.join(t.altered)}")
        for n, t in natives.items()
        if t.altered
    ]
    # New tasks are made without their blockers: natively work may have begun behind an open one.
    for number, native in natives.items():
        if number not in known:
            meant = {link.task for link in known.values()}
            name = task_id(native_list, native, snapshot, meant)
            known[number] = Link(name)
            if name not in snapshot.tasks:
                steps.append(Step(number, _creation(native, name, native_list)))
    for number, native in natives.items():
        link = known[number]
        task = snapshot.tasks.get(link.task)
        if task is not None and task.status is Status.DELETED:
            continue
        blockers, missing = _blockers(native, link, known)
        faults += missing
        update = Update(link.task) if task is None else _change(native, link, task)
        blocked_by = task.blocked_by if task else ()
        update = update._replace(add_blocked_by=tuple(b for b in blockers if b not in blocked_by))
        steps += divided(number, update)
    return Wanted(tuple(steps), known, tuple(faults))


def divided(number: str, update: Update) -> list[Step]:
    """An update as up to two steps, so that the rest counts where the status is refused."""
    rest = update._replace(status=None)
    status = Update(update.id, status=update.status)
    if update.status is not None:
        rest, status = rest._replace(owner=None), status._replace(owner=update.owner)
    return [Step(number, u) for u in (rest, status) if u != Update(update.id)]


def _creation(native: NativeTask, name: str, native_list: str) -> Create:
    return Create(
        native.subject,
        id=name,
        description=native.description or None,
        active_form=native.active_form or None,
        status=Status(native.status),
        owner=native.owner or None,
        metadata={**free_data(native), ALIAS: alias(native_list, native.number)},
    )


def _change(native: NativeTask, link: Link, task: Task) -> Update:
    """What a native task changes in a task of the list, blockers apart."""
    if link.base is None:
        return _addition(native, task)
    base = link.base
    changes: dict[str, Any] = {
        field: getattr(native, field)
        for field in ("subject", "description", "active_form", "owner")
        if getattr(native, field) != getattr(base, field)
        and getattr(native, field) != (getattr(task, field) or "")
    }
    if native.status != base.status and native.status != task.status:
        changes["status"] = Status(native.status)
    new, old = free_data(native), free_data(base)
    metadata = {k: v for k, v in new.items() if old.get(k) != v and task.metadata.get(k) != v}
    unset = tuple(k for k in old if k not in new and k in task.metadata)
    return Update(task.id, **changes, metadata=metadata, unset=unset)


def _addition(native: NativeTask, task: Task) -> Update:
    """What a native task says where the list says nothing, or is behind."""
    changes: dict[str, Any] = {
        field: said
        for field in ("description", "active_form")
        if (said := getattr(native, field)) and not getattr(task, field)
    }
    if native.owner and not task.owner and task.status is Status.PENDING:
        changes["owner"] = native.owner
    if _RANK.get(Status(native.status), 2) > _RANK.get(task.status, 2):
        changes["status"] = Status(native.status)
    metadata = {k: v for k, v in free_data(native).items() if k not in task.metadata}
    return Update(task.id, **changes, metadata=metadata)


def free_data(native: NativeTask) -> dict[str, Value]:
    """The metadata of a native task without what we keep there ourselves."""
    return {k: v for k, v in native.metadata.items() if k not in (MARK, ALIAS)}


def _blockers(
    native: NativeTask, link: Link, known: Mapping[str, Link]
) -> tuple[list[str], list[Fault]]:
    """Ids of the blockers that are new since the two sides agreed, and those nobody knows."""
    before = link.base.blocked_by if link.base else ()
    new = [n for n in native.blocked_by if n not in before]
    missing = [
        Fault(native.number, f"waits for #{n}, which is not there") for n in new if n not in known
    ]
    return [known[n].task for n in new if n in known], missing


class Admitted(NamedTuple):
    """The steps that the rules of the list let pass, and what became of the others."""

    steps: tuple[Step, ...]
    faults: tuple[Fault, ...]


def admit(snapshot: Snapshot, steps: Sequence[Step], context: Context) -> Admitted:
    """Divide the steps: what the list refuses hinders no other step.

    A step may wait for another, a completion for that of its blocker, so what was refused is
    tried again as long as that helps.
    """
    try:
        apply(snapshot, [s.operation for s in steps], context)
    except GittasksError:
        pass
    else:
        return Admitted(tuple(steps), ())
    passed: list[Step] = []
    waiting, current = list(steps), snapshot
    while True:
        refused: list[tuple[Step, str]] = []
        for step in waiting:
            try:
                current = apply(current, [step.operation], context).after
            except GittasksError as error:
                refused.append((step, printable(error.message, _SAID)))
            else:
                passed.append(step)
        if len(refused) in (0, len(waiting)):
            return Admitted(tuple(passed), tuple(Fault(s.number, said) for s, said in refused))
        waiting = [step for step, _ in refused]


def agreed(
    natives: Mapping[str, NativeTask], links: Mapping[str, Link], refused: Sequence[Fault]
) -> dict[str, Link]:
    """The links to record after an import: the tasks as they are natively, now agreed on.

    What was refused is wanted again the next time, so there it stays at what was agreed before.
    """
    behind = {fault.number for fault in refused}
    return {
        n: link if n in behind else Link(link.task, natives[n])
        for n, link in links.items()
        if n in natives
    }
