"""Our tasks and Claude Code's: operations from its tasks and events, its task files from a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gittasks.claude.links import ALIAS, Link, alias, find, task_id
from gittasks.claude.task_files import (
    MARK,
    STATUSES,
    Event,
    NativeTask,
    Skipped,
    as_line,
    as_metadata,
    as_prose,
    from_fields,
    normalised,
    numbers,
)
from gittasks.core.apply import apply
from gittasks.core.model import Snapshot, Status, Task, Value
from gittasks.core.operations import Context, Create, Operation, Update
from gittasks.core.validation import escape_line
from gittasks.errors import GittasksError

_SAID = 300
"""Characters of a refusal that are told: a cycle may have many tasks."""


class Step(NamedTuple):
    """One operation, and the number of the native task that asks for it."""

    number: str
    operation: Operation


class Wanted(NamedTuple):
    """The outcome of an import: the steps, all links, and the tasks that are left out."""

    steps: tuple[Step, ...]
    links: Mapping[str, Link]
    faults: tuple[Skipped, ...]


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
        Skipped(n, f"changed to fit into a task: {', '.join(t.altered)}")
        for n, t in natives.items()
        if t.altered
    ]
    # New tasks are made without their blockers: natively work may have begun behind an open one.
    for number, native in natives.items():
        if number not in known:
            linked = {link.task for link in known.values()}
            name = task_id(native_list, native, snapshot, linked)
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
    """The changes of a native task to a task of the list, blockers apart."""
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
    """The values of a native task where the list has none, or is behind."""
    changes: dict[str, Any] = {
        field: value
        for field in ("description", "active_form")
        if (value := getattr(native, field)) and not getattr(task, field)
    }
    if native.owner and not task.owner and task.status is Status.PENDING:
        changes["owner"] = native.owner
    if Status(native.status).is_ahead_of(task.status):
        changes["status"] = Status(native.status)
    metadata = {k: v for k, v in free_data(native).items() if k not in task.metadata}
    return Update(task.id, **changes, metadata=metadata)


def free_data(native: NativeTask) -> dict[str, Value]:
    """The metadata of a native task without what we keep there ourselves."""
    return {k: v for k, v in native.metadata.items() if k not in (MARK, ALIAS)}


def _blockers(
    native: NativeTask, link: Link, known: Mapping[str, Link]
) -> tuple[list[str], list[Skipped]]:
    """Ids of the blockers that are new since the two sides agreed, and those nobody knows."""
    before = link.base.blocked_by if link.base else ()
    new = [n for n in native.blocked_by if n not in before]
    missing = [
        Skipped(native.number, f"waits for #{n}, which is not there") for n in new if n not in known
    ]
    return [known[n].task for n in new if n in known], missing


class Admitted(NamedTuple):
    """The steps that the rules of the list let pass, and what became of the others."""

    steps: tuple[Step, ...]
    faults: tuple[Skipped, ...]


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
                refused.append((step, escape_line(error.message, _SAID)))
            else:
                passed.append(step)
        if len(refused) in (0, len(waiting)):
            return Admitted(
                tuple(passed), tuple(Skipped(s.number, message) for s, message in refused)
            )
        waiting = [step for step, _ in refused]


def agreed(
    natives: Mapping[str, NativeTask], links: Mapping[str, Link], refused: Sequence[Skipped]
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


_TEXTS = ("subject", "description", "active_form", "owner")


class Mirrored(NamedTuple):
    """The outcome of an event. `links` are those to record once the steps are applied;
    `unknown` is the number of a task that nobody knows here, "" if there is none."""

    steps: tuple[Step, ...] = ()
    links: Mapping[str, Link] = {}
    faults: tuple[Skipped, ...] = ()
    unknown: str = ""


def mirror(
    event: Event, snapshot: Snapshot, known: Mapping[str, Link], native_list: str
) -> Mirrored:
    """The steps that do in the list what was done natively; none for any other event."""
    number = event.number
    ours = event.task_id if event.tool == "TaskUpdate" and not event.failed else ""
    if ours in snapshot.tasks:  # by the id that our list, or the start of the session, has told
        own = _updated(ours, event.tool_input, snapshot, {**known, ours: Link(ours, None)})
        return own._replace(links={})
    if not number or event.failed:
        return Mirrored()
    if event.name == "PostToolUse" and event.tool == "TaskCreate":
        return _created(event, number, snapshot, known, native_list)
    if event.name == "PostToolUse" and event.tool == "TaskUpdate":
        return _updated(number, event.tool_input, snapshot, known)
    if event.name == "TaskCompleted":
        fields = {"status": "completed", "owner": event.text("teammate_name") or None}
        return _updated(number, fields, snapshot, known)
    return Mirrored()


def _created(
    event: Event,
    number: str,
    snapshot: Snapshot,
    known: Mapping[str, Link],
    native_list: str,
) -> Mirrored:
    native = from_fields(number, {**event.tool_input, "status": "pending"})
    if isinstance(native, Skipped):
        return Mirrored(faults=(native,))
    natives = {number: native}
    # What is made now is none of the closed tasks, even if its number was theirs once.
    still_open = {i: t for i, t in snapshot.tasks.items() if not t.status.closed}
    links = find(natives, snapshot._replace(tasks=still_open), known, native_list)
    result = wanted(natives, snapshot, links, native_list)
    link = result.links[number]
    return Mirrored(result.steps, {number: Link(link.task, native)}, result.faults)


def _texts(said: Mapping[str, Any], altered: list[str]) -> dict[str, Any]:
    """The texts of an update as a task of ours can hold them; an empty subject changes nothing."""
    fields: dict[str, Any] = {}
    for field in _TEXTS:
        if said.get(field) is not None:
            check = as_prose if field == "description" else as_line
            fields[field] = check(said[field], field, altered)
    if not fields.get("subject", "x"):
        del fields["subject"]
    return fields


def _updated(
    number: str, said: Mapping[str, Any], snapshot: Snapshot, known: Mapping[str, Link]
) -> Mirrored:
    link = known.get(number)
    if link is None or link.task not in snapshot.tasks:
        return Mirrored(unknown=number)
    altered: list[str] = []
    fields = _texts(said, altered)
    status = said.get("status")
    state = Status(status) if status in (*STATUSES, "deleted") else None
    if status is not None and state is None:
        altered.append("status")
    data = said.get("metadata")
    data = data if isinstance(data, dict) else {}
    unset = tuple(k for k, v in data.items() if v is None)
    metadata = as_metadata({k: v for k, v in data.items() if v is not None and k != MARK}, altered)
    blockers = numbers(said.get("add_blocked_by"))
    blocked = numbers(said.get("add_blocks"))
    update = Update(
        link.task,
        **fields,
        status=state,
        metadata=metadata,
        unset=unset,
        add_blocked_by=tuple(known[n].task for n in blockers if n in known),
        add_blocks=tuple(known[n].task for n in blocked if n in known),
    )
    faults = [
        Skipped(number, f"nobody knows #{n} here") for n in (*blockers, *blocked) if n not in known
    ]
    if altered:
        faults.append(Skipped(number, f"changed to fit into a task: {', '.join(altered)}"))
    base = link.base and _with_values(link.base, fields, status, metadata, unset, blockers)
    steps = tuple(divided(number, update))
    return Mirrored(steps, {number: Link(link.task, base)}, tuple(faults))


def _with_values(
    base: NativeTask,
    fields: Mapping[str, Any],
    status: Any,
    metadata: Mapping[str, Any],
    unset: tuple[str, ...],
    blockers: tuple[str, ...],
) -> NativeTask:
    """The native task after the update: what both sides agree on now."""
    left = {k: v for k, v in base.metadata.items() if k not in unset}
    return base._replace(
        **fields,
        status=status if status in STATUSES else base.status,
        metadata={**left, **metadata},
        blocked_by=tuple(dict.fromkeys([*base.blocked_by, *blockers])),
    )


_STATUS = {
    Status.PENDING: "pending",
    Status.IN_PROGRESS: "in_progress",
    Status.COMPLETED: "completed",
    Status.SKIPPED: "completed",  # natively there is no other way to be out of the way
}
_FIELDS = ("subject", "description", "active_form", "status", "owner")


class Files(NamedTuple):
    """The outcome of an export.

    `write` are the tasks whose files differ, `remove` the numbers of deleted tasks, `links` what
    both sides agree on afterwards, `last` the highest number that was ever given.
    """

    write: tuple[NativeTask, ...]
    remove: tuple[str, ...]
    links: Mapping[str, Link]
    faults: tuple[Skipped, ...]
    last: int


def files(
    snapshot: Snapshot,
    natives: Mapping[str, NativeTask],
    links: Mapping[str, Link],
    last: int,
) -> Files:
    """The files that say natively what the list says; `natives` are `joined`, `last` is the
    highest number that the folder remembers."""
    by_task = {link.task: n for n, link in links.items()}
    last = max([last, *map(int, natives), *map(int, links)])
    for task in snapshot.ordered():
        if task.id not in by_task:
            last += 1
            by_task[task.id] = str(last)
    faults: list[Skipped] = []
    remove: list[str] = []
    stays: dict[str, NativeTask] = {}
    agreed: dict[str, Link] = {}
    for task in snapshot.ordered(deleted=True):
        number = by_task.get(task.id)
        if number is None:
            continue
        base = links[number].base if number in links else None
        native = natives.get(number)
        if task.status is Status.DELETED:
            if native is not None and _changed(native, base):
                faults.append(Skipped(number, "is deleted in the list, but was changed here since"))
                stays[number] = native
            elif native is not None:
                remove.append(number)
            continue
        target = _target(task, snapshot, number, by_task, native)
        stays[number] = _merge_fields(target, native, base, faults)
        agreed[number] = Link(task.id, target)
    strangers = {n: t for n, t in natives.items() if n not in stays and n not in remove}
    final = normalised([*stays.values(), *strangers.values()])
    agreed = {n: _with_edges(link, final[n]) for n, link in agreed.items()}
    write = tuple(t for n, t in final.items() if t != natives.get(n))
    return Files(write, tuple(remove), agreed, tuple(faults), last)


def _target(
    task: Task,
    snapshot: Snapshot,
    number: str,
    by_task: Mapping[str, str],
    native: NativeTask | None,
) -> NativeTask:
    """The native task that says what the list says."""
    blockers = (snapshot.tasks.get(b) for b in task.blocked_by)
    blocked_by = [by_task[b.id] for b in blockers if b and b.status is not Status.DELETED]
    beyond = [n for n in native.blocked_by if n not in by_task.values()] if native else []
    mark = f"{snapshot.info.id}/{task.id}"
    active = task.active_form or task.title
    ours = {k: v for k, v in task.metadata.items() if k not in ("claude", MARK)}
    return NativeTask(
        number,
        task.subject,
        description=task.description or "",
        active_form=active if active != task.subject else "",
        status=_STATUS[task.status],
        owner=task.owner or "",
        blocked_by=tuple(dict.fromkeys([*blocked_by, *beyond])),
        metadata={**ours, MARK: mark},
        extra=native.extra if native else {},
    )


def _merge_fields(
    target: NativeTask, native: NativeTask | None, base: NativeTask | None, faults: list[Skipped]
) -> NativeTask:
    """The task as the list has it, but for fields that were changed in the file since."""
    if native is None:
        return target
    merged = target
    if base is None:
        merged = merged._replace(status=max(target.status, native.status, key=STATUSES.index))
    else:
        for field in _FIELDS:
            current = getattr(native, field)
            if current not in (getattr(base, field), getattr(target, field)):
                merged = merged._replace(**{field: current})
                faults.append(Skipped(target.number, f"its {field} was changed here since"))
    data, changed_keys = _met_data(
        free_data(target), free_data(native), free_data(base) if base else {}
    )
    faults += [
        Skipped(target.number, f"its metadata {k} was changed here since") for k in changed_keys
    ]
    return merged._replace(metadata={**data, MARK: target.metadata[MARK]})


def _met_data(
    ours: Mapping[str, Value], theirs: Mapping[str, Value], before: Mapping[str, Value]
) -> tuple[dict[str, Value], list[str]]:
    """The same for free data; and the keys that were changed on both sides."""
    merged: dict[str, Value] = {}
    changed_keys = []
    for key in {**theirs, **ours}:
        own, current, old = ((key in part, part.get(key)) for part in (ours, theirs, before))
        if current in (old, own):
            if own[0]:
                merged[key] = ours[key]
            continue
        if current[0]:
            merged[key] = theirs[key]
        if own != old:
            changed_keys.append(key)
    return merged, changed_keys


def _changed(native: NativeTask, base: NativeTask | None) -> bool:
    """True when a file differs from what both sides last agreed on."""
    if base is None:
        return native.status != "pending"
    fields = any(getattr(native, f) != getattr(base, f) for f in _FIELDS)
    return fields or free_data(native) != free_data(base)


def _with_edges(link: Link, final: NativeTask) -> Link:
    if link.base is None:
        return link
    return link._replace(base=link.base._replace(blocks=final.blocks, blocked_by=final.blocked_by))
