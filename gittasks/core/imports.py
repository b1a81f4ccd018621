"""Imported tasks with their state and times, and how they are merged into a list.

As with a plan, what the source states is set and progress is never taken back, so that taking the
same source in again changes nothing. Unlike a plan it tells what happened, so no rule of starting
or finishing is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from gittasks.core import ids, validation
from gittasks.core.editor import Editor
from gittasks.core.fields import FIELDS
from gittasks.core.graph import Graph
from gittasks.core.model import Snapshot, Status, Task, Value
from gittasks.core.operations import Context
from gittasks.core.plan import Applied, Plan, reconcile

ALIAS = "alias"
"""Key of the metadata that holds a task's id in the source, where that is no task id here."""
_NO_SETTINGS: Mapping[str, Value] = MappingProxyType({})


class ImportedTask(NamedTuple):
    """A task as the source has it. `waits_for` has ids of the source; the id of `task` is unused.

    `source` is the id there. The order of `task` may be None: behind all others.
    """

    source: str
    task: Task
    waits_for: tuple[str, ...] = ()


class Dropped(NamedTuple):
    """Something of the source that the list does not hold: what, why, and of which tasks."""

    what: str
    why: str
    tasks: tuple[str, ...] = ()


class ImportBatch(NamedTuple):
    """The tasks read from one source. `where` names it; `tool` is its format's word."""

    tool: str
    where: str
    tasks: tuple[ImportedTask, ...]
    losses: tuple[Dropped, ...] = ()
    title: str | None = None
    settings: Mapping[str, Value] = _NO_SETTINGS


Wanted = Plan | ImportBatch
"""What a list can be brought in line with."""


def apply_import(wanted: Wanted, snapshot: Snapshot, context: Context) -> Applied:
    """The list in line with a plan, or with the tasks of a source in it; raises what these do."""
    if isinstance(wanted, ImportBatch):
        return merge_import(wanted, snapshot, context)
    return reconcile(wanted, snapshot, context)


def assign_ids(arrivals: Sequence[ImportedTask], snapshot: Snapshot) -> dict[str, str]:
    """The id here of each task of the source, by its id there.

    A task that was taken in before is known by its alias; else its own id is kept where it is
    valid, or made valid: `TASK-2.1` becomes `task-2-1`.
    """
    aliases = {
        str(task.metadata[ALIAS]): task.id
        for task in snapshot.tasks.values()
        if ALIAS in task.metadata
    }
    names: dict[str, str] = {}
    for arrival in arrivals:
        source = arrival.source
        if ids.task_id_fault(source) is None and _is_same(arrival, snapshot.tasks.get(source)):
            names[source] = source
        elif source in aliases:
            names[source] = aliases[source]
    reserved = {*snapshot.tasks, *snapshot.unreadable, *names.values()}
    counts: dict[str, int] = {}
    for arrival in arrivals:
        if arrival.source not in names:
            name = ids.free(ids.slug(arrival.source, 50), reserved, counts)
            names[arrival.source] = name
            reserved.add(name)
    return names


def _is_same(arrival: ImportedTask, here: Task | None) -> bool:
    """True unless the task of the same id here came with another id."""
    alias = here.metadata.get(ALIAS) if here else None
    return alias in (None, arrival.source, arrival.task.metadata.get(ALIAS))


def merge_import(arrivals: ImportBatch, snapshot: Snapshot, context: Context) -> Applied:
    """The list with the tasks of a source in it.

    Tasks that are deleted here stay so. Dependencies on tasks that are nowhere, and those that
    would close a cycle, are left out and told of. Raises Refused `held` for a task that another
    session holds, and InvalidData where the file of a new task is unreadable.
    """
    names = assign_ids(arrivals.tasks, snapshot)
    draft = Editor(snapshot, context)
    notes: list[str] = []
    for arrival in arrivals.tasks:
        name = names[arrival.source]
        draft.check_free(name)
        task = arrival.task._replace(id=name, blocked_by=())
        if name != arrival.source:
            task = task._replace(metadata={**task.metadata, ALIAS: arrival.source})
        old = draft.tasks.get(name)
        if old is None:
            _create(draft, task)
        elif old.status is not Status.DELETED:
            _bring_along(draft, old, task)
        elif task.status is not Status.DELETED:
            notes.append(f"{name} is deleted in the list and stays so")
    notes += _connect(draft, arrivals.tasks, names)
    info = draft.info
    if arrivals.title and not info.title:
        info = info._replace(title=validation.single_line(arrivals.title, "title"))
    missing = {k: v for k, v in arrivals.settings.items() if k not in info.settings}
    if missing:
        info = info._replace(settings={**info.settings, **missing})
    after = snapshot._replace(info=info, tasks=draft.tasks)
    return Applied(after, tuple(notes), tuple(draft.forced))


def _create(draft: Editor, task: Task) -> None:
    if task.order is None:
        draft.last_order = min(draft.last_order + 1, validation.ORDER_LIMIT)
        place = draft.last_order if draft.last_order < validation.ORDER_LIMIT else None
        task = task._replace(order=place)
    draft.tasks[task.id] = task._replace(created=task.created or draft.context.now)
    draft.created.append(task.id)


def _bring_along(draft: Editor, old: Task, new: Task) -> None:
    """Set what the source states otherwise on a task that was taken in before."""
    changes: dict[str, Any] = {}
    for field in FIELDS:
        stated, was = getattr(new, field.attr), getattr(old, field.attr)
        if field.uses.brought and stated != field.default:
            listed = isinstance(stated, tuple)
            changes[field.attr] = tuple(dict.fromkeys((*was, *stated))) if listed else stated
    if new.phase and new.phase_label != old.phase_label:
        changes["phase"] = new.phase
    changes["metadata"] = {**old.metadata, **new.metadata}
    if new.status.is_ahead_of(old.status):
        draft.check_may_end(old, "import")
        changes["status"] = new.status
        changes["owner"] = new.owner or old.owner
        changes["started"] = new.started or old.started
        changes["finished"] = new.finished
        changes["session"] = changes["left"] = None
    elif new.owner and old.status is Status.PENDING is new.status:
        changes["owner"] = new.owner
    if new.result and not old.result and new.status is changes.get("status", old.status):
        changes["result"] = new.result
    draft.put(old.id, **changes)
    merged = draft.tasks[old.id]
    shas = {commit.sha for commit in merged.commits}
    # Not through `put`: notes and links may be added to what another session holds.
    draft.tasks[old.id] = merged._replace(
        notes=(*merged.notes, *(n for n in new.notes if n not in merged.notes)),
        commits=(*merged.commits, *(c for c in new.commits if c.sha not in shas)),
    )
    if new.status is Status.DELETED and not merged.status.closed:
        draft.delete(old.id)


def _connect(
    draft: Editor, arrivals: Sequence[ImportedTask], names: Mapping[str, str]
) -> list[str]:
    """Let tasks wait as the source says; what cannot be is left out, in sentences."""
    aliases = {str(t.metadata[ALIAS]): t.id for t in draft.tasks.values() if ALIAS in t.metadata}
    notes: list[str] = []
    edges: list[tuple[str, str]] = []
    fresh = frozenset(draft.created)
    for arrival in arrivals:
        name = names[arrival.source]
        if draft.tasks[name].status is Status.DELETED and name not in fresh:
            continue
        for reference in arrival.waits_for:
            blocker = names.get(reference) or aliases.get(reference) or reference
            if blocker not in draft.tasks:
                shown = validation.escape_line(reference, 80)
                notes.append(f"{name} waits for {shown}, which is neither in the source nor here")
            elif blocker not in draft.tasks[name].blocked_by:
                edges.append((name, blocker))
    before = dict(draft.tasks)
    for name, blocker in edges:
        _wait(draft, name, blocker, name in fresh)
    if Graph(draft.tasks).find_cycle() is None:
        return notes
    draft.tasks.update(before)
    for name, blocker in edges:
        if Graph(draft.tasks).cycle_through(name, (blocker,)):
            notes.append(f"{name} does not wait for {blocker} here: that would close a cycle")
        else:
            _wait(draft, name, blocker, name in fresh)
    return notes


def _wait(draft: Editor, name: str, blocker: str, fresh: bool) -> None:
    task = draft.tasks[name]
    blockers = tuple(dict.fromkeys((*task.blocked_by, blocker)))
    if fresh:  # nobody here holds it, whatever session it was held by elsewhere
        draft.tasks[name] = task._replace(blocked_by=blockers)
    else:
        draft.put(name, blocked_by=blockers)
