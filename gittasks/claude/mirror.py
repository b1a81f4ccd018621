"""From an event about a native task to operations on the list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from gittasks.claude.events import Event
from gittasks.claude.importing import Step, divided, wanted
from gittasks.claude.links import Link, find
from gittasks.claude.native import (
    MARK,
    STATUSES,
    Fault,
    NativeTask,
    as_line,
    as_metadata,
    as_prose,
    from_fields,
    numbers,
)
from gittasks.core.model import Snapshot, Status
from gittasks.core.operations import Update

_TEXTS = ("subject", "description", "active_form", "owner")


class Mirrored(NamedTuple):
    """What an event comes to. `links` are those to record once the steps are applied;
    `unknown` is the number of a task that nobody knows here, "" if there is none."""

    steps: tuple[Step, ...] = ()
    links: Mapping[str, Link] = {}
    faults: tuple[Fault, ...] = ()
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
        said = {"status": "completed", "owner": event.text("teammate_name") or None}
        return _updated(number, said, snapshot, known)
    return Mirrored()


def _created(
    event: Event,
    number: str,
    snapshot: Snapshot,
    known: Mapping[str, Link],
    native_list: str,
) -> Mirrored:
    native = from_fields(number, {**event.tool_input, "status": "pending"})
    if isinstance(native, Fault):
        return Mirrored(faults=(native,))
    natives = {number: native}
    # What is made now is none of the closed tasks, even if its number was theirs once.
    still_open = {i: t for i, t in snapshot.tasks.items() if not t.status.closed}
    links = find(natives, snapshot._replace(tasks=still_open), known, native_list)
    made = wanted(natives, snapshot, links, native_list)
    link = made.links[number]
    return Mirrored(made.steps, {number: Link(link.task, native)}, made.faults)


def _updated(
    number: str, said: Mapping[str, Any], snapshot: Snapshot, known: Mapping[str, Link]
) -> Mirrored:
    link = known.get(number)
    if link is None or link.task not in snapshot.tasks:
        return Mirrored(unknown=number)
    altered: list[str] = []
    fields: dict[str, Any] = {}
    for field in _TEXTS:
        if said.get(field) is not None:
            check = as_prose if field == "description" else as_line
            fields[field] = check(said[field], field, altered)
    if not fields.get("subject", "x"):
        del fields["subject"]
    status = said.get("status")
    state = Status(status) if status in (*STATUSES, "deleted") else None
    if status is not None and state is None:
        altered.append("status")
    data = said.get("metadata")
    data = data if isinstance(data, dict) else {}
    unset = tuple(k for k, v in data.items() if v is None)
    kept = as_metadata({k: v for k, v in data.items() if v is not None and k != MARK}, altered)
    blockers = numbers(said.get("add_blocked_by"))
    blocked = numbers(said.get("add_blocks"))
    update = Update(
        link.task,
        **fields,
        status=state,
        metadata=kept,
        unset=unset,
        add_blocked_by=tuple(known[n].task for n in blockers if n in known),
        add_blocks=tuple(known[n].task for n in blocked if n in known),
    )
    faults = [
        Fault(number, f"nobody knows #{n} here") for n in (*blockers, *blocked) if n not in known
    ]
    if altered:
        faults.append(Fault(number, f"changed to fit into a task: {', '.join(altered)}"))
    base = link.base and _with(link.base, fields, status, kept, unset, blockers)
    steps = tuple(divided(number, update))
    return Mirrored(steps, {number: Link(link.task, base)}, tuple(faults))


def _with(
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
