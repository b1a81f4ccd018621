"""The documents of `--json`: one builder for each kind, all of them here.

Keys are camelCase and always all there, null or [] when empty; times are RFC 3339 in UTC,
durations whole seconds. Within `schemaVersion` 1 keys are only ever added. The module is long so
that the format that other programs rely on has one home.
"""

from __future__ import annotations

from gittasks import light
from gittasks.core.actors import Overlap
from gittasks.core.fields import Field, Kind, arranged
from gittasks.core.graph import Graph
from gittasks.core.model import PENDING, ListInfo, Problem, Snapshot, Task, phase_labels
from gittasks.core.progress import Loop, Phase, Progress, RunningTask
from gittasks.core.times import format_time
from gittasks.core.view import ListView
from gittasks.errors import GittasksError
from gittasks.light import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from gittasks.core.apply import Edit
    from gittasks.core.changes import Change
    from gittasks.core.graph import Picture
    from gittasks.core.history import LogEntry, PhaseTime, Timeline, Worker
    from gittasks.core.imports import ImportBatch
    from gittasks.core.insights import Insights, Loss
    from gittasks.core.lint.rules import Finding
    from gittasks.core.merge.resolution import OpenConflict, Side
    from gittasks.core.rules import Violation
    from gittasks.core.view import Moment

SCHEMA_VERSION = 1
Document = dict[str, "Any"]


def dumps(document: Mapping[str, Any]) -> str:
    """A document as one line of ASCII, without a final newline."""
    pieces: list[str] = []
    for key, part in document.items():
        pieces += ",", f"{light.write_json(key)}:"
        pieces += part.pieces if isinstance(part, Json) else (light.write_json(part),)
    pieces[:1] = "{"
    pieces.append("}")
    return "".join(pieces)


class Json(NamedTuple):
    """A part of a document that is JSON already; it stands right below the document.

    It is put together with the document alone: each copy of a long text takes new memory.
    """

    pieces: Sequence[str]

    def __str__(self) -> str:
        """The whole of it."""
        return "".join(self.pieces)


def envelope(kind: str, **content: object) -> Document:
    """A document of this kind: the schema version, the kind, then the content."""
    return {"schemaVersion": SCHEMA_VERSION, "kind": kind, **content}


# --- parts ---------------------------------------------------------------------------------


_FIELDS = arranged(
    "subject description activeForm status owner session claim phase order blockedBy result "
    "commits notes metadata created createdBy started finished"
)


def task(task: Task, graph: Graph, me: str | None = None) -> Document:
    """One task with what the list makes of it; `ready` is meant for `me`, as in `Graph.ready`."""
    columns = _columns([task], graph, me)
    return {key: [*v] if isinstance(v, tuple) else v for key, (v,) in columns.items()}


def tasks_part(tasks: Sequence[Task], graph: Graph, me: str | None = None) -> Json:
    """Tasks as `task` has each: of a long list what all have in common is written once."""
    if not tasks:
        return Json(["[]"])
    members, differing = [], []
    for key, column in _columns(tasks, graph, me).items():
        common = _is_common(column)
        members.append(f'"{key}":{light.write_json(column[0]) if common else _GAP}')
        if not common:
            differing.append(_texts(column))
    first, *others = f"{{{','.join(members)}}},".split(_GAP)
    row = [first]  # what is the same in each task, with a place between for each that differs
    for constant in others:
        row += "", constant
    pieces = row * len(tasks)
    for number, texts in enumerate(differing):
        pieces[2 * number + 1 :: len(row)] = texts
    pieces[0] = f"[{first}"
    pieces[-1] = f"{pieces[-1][:-1]}]"  # no comma behind the last task
    return Json(pieces)


_GAP = "\0"
"""The place of a value that differs; JSON has no such character."""


def _is_common(column: Sequence[Any]) -> bool:
    """True when all values are the same in JSON; 1, 1.0 and true are equal, and are not."""
    first = column[0]
    if column.count(first) < len(column):
        return False
    if isinstance(first, int | float):
        return len({*map(type, column)}) == 1
    return not (first and isinstance(first, dict))


def _texts(column: Sequence[Any]) -> list[str]:
    """Values as JSON; words that come again and again are written once."""
    kinds = {*map(type, column)}
    if kinds <= _WORDS and 2 * len(values := {*column}) < len(column):
        texts = {value: _WRITERS[type(value)](value) for value in values}
        return [*map(texts.__getitem__, column)]
    if len(kinds) == 1:
        return [*map(_WRITERS.get(kinds.pop(), light.write_json), column)]
    return [_WRITERS.get(type(value), light.write_json)(value) for value in column]


_WORDS = {str, type(None)}
_WRITERS: Mapping[type, Callable[[Any], str]] = {
    type(None): {None: "null"}.__getitem__,
    bool: {False: "false", True: "true"}.__getitem__,
    int: int.__repr__,
    str: light.quoted,
    tuple: lambda values: light.write_json(values) if values else "[]",
    dict: lambda values: light.write_json(values) if values else "{}",
}
"""By type what writes a value; what is not here is written as any JSON."""


def _columns(tasks: Sequence[Task], graph: Graph, me: str | None) -> dict[str, Sequence[Any]]:
    """The values of tasks as JSON has them, by key; of each column one for each task.

    A list is a tuple here: of those that are empty there is but one.
    """
    blockers = [graph.open_blockers(t.id) if t.blocked_by else () for t in tasks]
    derived: dict[str, dict[str, Sequence[Any]]] = {
        "phase": {
            "phase": phase_labels(tasks),
            "iteration": [place and place._asdict() for t in tasks for place in [t.iteration]],
        },
        "blockedBy": {
            "blocks": [graph.blocks(t.id) for t in tasks],
            "openBlockers": blockers,
            "ready": [
                t.status is PENDING
                and not open_ones
                and t.owner in (None, me)
                and (not t.not_before or graph.is_due(t))
                for t, open_ones in zip(tasks, blockers, strict=True)
            ],
        },
    }
    by_attribute = dict(zip(Task._fields, zip(*tasks, strict=True), strict=True))
    columns: dict[str, Sequence[Any]] = {"id": by_attribute["id"]}
    for field in _FIELDS:
        columns[field.name] = _values(field, by_attribute[field.attr])
        columns |= derived.get(field.name, {})
    return columns


def _values(field: Field, column: Sequence[Any]) -> Sequence[Any]:
    """The values of a field as JSON has them."""
    if field.kind is Kind.STATUS:
        return [*map(str, column)]
    if field.kind is Kind.MAP:
        return [dict(value) if value else {} for value in column]
    if field.kind in (Kind.COMMITS, Kind.NOTES):
        return [tuple([item._asdict() for item in value]) if value else () for value in column]
    return column


def list_part(info: ListInfo) -> Document:
    """The list itself, as it stands in every document about one list."""
    return {"id": info.id, "title": info.title}


def progress_part(progress: Progress) -> Document:
    """Progress as it stands in the documents of `list`, `status` and `lists`."""
    return {
        "total": progress.total,
        "completed": progress.completed,
        "inProgress": progress.in_progress,
        "pending": progress.pending,
        "blocked": progress.blocked,
        "skipped": progress.skipped,
        "percent": float(progress.percent) if "." in progress.percent else int(progress.percent),
        "summary": progress.summary,
        "etaSeconds": progress.eta_seconds,
        "elapsedSeconds": progress.elapsed,
        "phases": [_phase(phase) for phase in progress.phases],
        "loops": [_loop(loop) for loop in progress.loops],
        "current": [_current(current) for current in progress.current],
    }


def _phase(phase: Phase) -> Document:
    return {
        "label": phase.label,
        "total": phase.total,
        "completed": phase.completed,
        "inProgress": phase.in_progress,
        "pending": phase.total - phase.completed - phase.in_progress,
        "skipped": phase.skipped,
        "summary": phase.words,
        "parallel": phase.parallel,
    }


def _loop(loop: Loop) -> Document:
    return {
        "phase": loop.phase,
        "name": loop.name,
        "max": loop.max,
        "completed": loop.completed,
        "running": loop.running,
        "summary": list(loop.lines),
    }


def _current(current: RunningTask) -> Document:
    return {
        "id": current.task.id,
        "subject": current.task.subject,
        "activeForm": current.task.active_form,
        "owner": current.task.owner,
        "started": current.task.started,
        "seconds": current.seconds,
    }


def problems_part(problems: Iterable[Problem]) -> list[Document]:
    """Problems, as they stand in every document that leaves out what cannot be read."""
    return [{"path": p.path, "line": p.line, "message": p.message} for p in problems]


# --- documents -----------------------------------------------------------------------------


def task_document(
    changed_task: Task,
    graph: Graph,
    *,
    changed: bool = False,
    unblocked: Sequence[str] = (),
    commit: str | None = None,
    me: str | None = None,
    info: ListInfo | None = None,
    progress: Progress,
    ids: Sequence[str] = (),
    started: str | None = None,
) -> Document:
    """The answer of `show` and of every command that writes tasks; of several the first stands
    as `task`.

    `unblocked` are the ids that became ready by it; `commit` is the new commit, None if none.
    """
    return envelope(
        "task",
        list=list_part(info) if info else None,
        task=task(changed_task, graph, me),
        ids=list(ids or [changed_task.id]),
        changed=changed,
        unblocked=list(unblocked),
        started=started,
        commit=commit,
        progress=progress_part(progress),
    )


def task_list_document(view: ListView, tasks: Sequence[Task], me: str | None = None) -> Document:
    """The answer of `list`: the chosen tasks, and the progress of the whole list."""
    return envelope(
        "taskList",
        list=list_part(view.info),
        tasks=tasks_part(tasks, view.graph, me),
        progress=progress_part(view.progress),
        **_standing(view),
    )


def progress_document(view: ListView) -> Document:
    """The answer of `status`."""
    return envelope(
        "progress",
        list=list_part(view.info),
        progress=progress_part(view.progress),
        **_standing(view),
    )


def _standing(view: ListView) -> Document:
    """The end of the documents of `list` and `status`: problems, sharing, the moment."""
    return {
        "problems": problems_part(view.problems),
        "conflicts": view.conflicts,
        "apart": view.apart,
        "stale": [claim.task for claim in view.stale],
        "at": view.past.at if view.past else None,
        "commit": _commit(view),
    }


def _commit(view: ListView) -> str | None:
    return None if view.in_memory else view.commit


def ready_document(
    view: ListView, tasks: Sequence[Task], me: str | None = None, overlaps: Iterable[Overlap] = ()
) -> Document:
    """The answer of `ready`: the tasks that `me` can start, and what of them others touch."""
    shared = [
        {"task": o.task, "with": o.other.id, "owner": o.other.owner, "paths": list(o.paths)}
        for o in overlaps
    ]
    return envelope(
        "ready", list=list_part(view.info), tasks=tasks_part(tasks, view.graph, me), overlaps=shared
    )


def lists_document(rows: Iterable[ListView]) -> Document:
    """The answer of `lists`; `current` marks the list that commands without --list mean."""
    return envelope(
        "lists",
        lists=[
            {
                **list_part(row.info),
                "state": row.info.state,
                "archived": row.info.archived,
                "dropped": row.info.dropped,
                "current": row.chosen,
                "places": list(row.places),
                "problems": len(row.problems),
                "owners": row.owners,
                "changed": row.changed,
                "progress": progress_part(row.progress),
            }
            for row in rows
        ],
    )


def export_document(snapshot: Snapshot, tasks: Iterable[Task]) -> Document:
    """The answer of `export`: the list and the chosen tasks, unknown keys included."""
    info, graph = snapshot.info, Graph.of(snapshot)
    return envelope(
        "export",
        list={
            **list_part(info),
            "format": info.format,
            "rules": info.rules,
            "settings": dict(info.settings),
            "archived": info.archived,
            "dropped": info.dropped,
        },
        tasks=[{**task(t, graph), "rawPhase": t.phase, "extra": dict(t.extra)} for t in tasks],
    )


# --- documents about a change ----------------------------------------------------------------


def edit_document(
    edit: Edit, commit: str | None, me: str, now: int, started: str | None = None
) -> Document:
    """The answer of the commands that write tasks, at `now` in epoch seconds.

    `started` is the task that was begun besides those that the command named.
    """
    focus = next((i for i in edit.focus if i), "")
    view = ListView(edit.after, now)
    return task_document(
        edit.after.tasks[focus],
        view.graph,
        changed=edit.made,
        unblocked=edit.unblocked,
        commit=commit,
        me=me,
        info=edit.after.info,
        progress=view.progress,
        ids=[i for i in dict.fromkeys(edit.focus) if i and i != started],
        started=started,
    )


def run_document(edit: Edit, commit: str | None, me: str, code: int, outcome: str) -> Document:
    """The answer of `run`: the task, and how the program ended."""
    started = next(i for i in edit.focus if i)
    return envelope(
        "run",
        list=list_part(edit.after.info),
        task=task(edit.after.tasks[started], Graph.of(edit.after), me),
        exitCode=code,
        outcome=outcome,
        changed=True,
        unblocked=list(edit.unblocked),
        commit=commit,
    )


def claim_document(
    edit: Edit,
    commit: str | None,
    task_id: str | None,
    me: str,
    remote: str | None,
    *,
    tentative: bool,
) -> Document:
    """The answer of `claim`; `remote` is the one that decided."""
    claimed = task(edit.after.tasks[task_id], Graph.of(edit.after), me) if task_id else None
    return envelope(
        "claim",
        list=list_part(edit.after.info),
        task=claimed,
        changed=edit.made,
        commit=commit,
        remote=remote,
        tentative=tentative,
    )


def undo_document(
    edit: Edit,
    commit: str | None,
    target: tuple[str, str] | None,
    following: tuple[str, str] | None,
    *,
    dry_run: bool,
) -> Document:
    """The answer of `undo` and `redo`: the commit taken back, the one before, the tasks now."""
    graph, tasks = Graph.of(edit.after), edit.after.tasks
    return envelope(
        "undo",
        list=list_part(edit.after.info),
        changed=target is not None and not dry_run,
        dryRun=dry_run,
        undone=_named_commit(target),
        next=_named_commit(following),
        tasks=[task(tasks[i], graph) for i in edit.changed if i in tasks],
        removed=[i for i in edit.changed if i not in tasks],
        commit=commit,
    )


def _named_commit(commit: tuple[str, str] | None) -> Document | None:
    return {"commit": commit[0], "subject": commit[1]} if commit else None


def batch_document(edit: Edit, commit: str | None, lines: Iterable[tuple[int, str]]) -> Document:
    """The answer of `batch`: for each operation, by line and name, its task; all that changed."""
    tasks, graph = edit.after.tasks, Graph.of(edit.after)
    return envelope(
        "batch",
        list=list_part(edit.after.info),
        results=[
            {
                "line": number,
                "op": name,
                "id": task_id,
                "status": str(tasks[task_id].status),
                "changed": task_id in edit.changed,
            }
            for (number, name), task_id in zip(lines, edit.focus, strict=True)
        ],
        tasks=[task(tasks[i], graph) for i in edit.changed],
        changed=edit.made,
        unblocked=list(edit.unblocked),
        commit=commit,
    )


def apply_document(
    edit: Edit, commit: str | None, notes: Iterable[str], now: int, *, dry_run: bool
) -> Document:
    """The answer of `apply`."""
    after = ListView(edit.after, now)
    return envelope(
        "apply",
        list=list_part(after.info),
        dryRun=dry_run,
        **_brought(edit),
        notes=list(notes),
        tasks=[task(after.snapshot.tasks[i], after.graph) for i in edit.changed],
        unblocked=list(edit.unblocked),
        commit=commit,
        progress=progress_part(after.progress),
    )


def import_document(
    edit: Edit,
    commit: str | None,
    notes: Iterable[str],
    now: int,
    arrivals: ImportBatch,
    names: Mapping[str, str],
    *,
    dry_run: bool,
) -> Document:
    """The answer of `import`; `names` maps the ids of the source to those of the list."""
    after = ListView(edit.after, now)
    return envelope(
        "import",
        list=list_part(after.info),
        format=arrivals.tool,
        dryRun=dry_run,
        **_brought(edit),
        ids=[{"source": source, "id": task_id} for source, task_id in names.items()],
        notCarriedOver=[
            {"what": loss.what, "why": loss.why, "sources": list(loss.tasks)}
            for loss in arrivals.losses
        ],
        notes=list(notes),
        unblocked=list(edit.unblocked),
        commit=commit,
        progress=progress_part(after.progress),
    )


def _brought(edit: Edit) -> Document:
    """The ids that a plan or an import changed."""
    return {
        "changed": edit.made,
        "created": list(edit.created),
        "updated": [i for i in edit.changed if i not in edit.created],
    }


# --- documents about the history -------------------------------------------------------------


def entry_part(entry: LogEntry) -> Document:
    """A commit of the list as it stands in the documents of `log`, `show`, `sync` and `watch`."""
    return {
        "commit": entry.commit,
        "at": entry.at,
        "by": entry.by,
        "owner": entry.owner,
        "session": entry.session,
        "subject": entry.subject,
        "forced": list(entry.forced),
        "undoOf": entry.undo_of,
        "changes": [change_part(change) for change in entry.changes],
    }


def change_part(change: Change) -> Document:
    """A change of one field."""
    return {
        "task": change.task or None,
        "field": change.field,
        "from": change.before,
        "to": change.after,
        "kind": change.kind,
    }


def show_document(
    view: ListView, shown: Task, history: Iterable[LogEntry], me: str | None
) -> Document:
    """The answer of `show`: the task with its history."""
    return {
        **task_document(shown, view.graph, me=me, info=view.info, progress=view.progress),
        "history": [entry_part(entry) for entry in history],
        "at": view.past and view.past.at,
    }


def since_part(since: Moment | None, changes: Iterable[Change]) -> Document:
    """The keys that `list` adds: the moment of --since, and what changed after it."""
    return {
        "since": since and {"at": since.at, "commit": since.commit},
        "changes": [change_part(change) for change in changes],
    }


def log_document(
    info: ListInfo, entries: Iterable[LogEntry], phases: Iterable[PhaseTime]
) -> Document:
    """The answer of `log`: the entries in the order given, and how long each phase took."""
    return envelope(
        "log",
        list=list_part(info),
        entries=[entry_part(entry) for entry in entries],
        phases=[phase._asdict() for phase in phases],
    )


def watch_document(
    event: str,
    at: str,
    list_id: str,
    view: ListView | None = None,
    entry: LogEntry | None = None,
    error: GittasksError | None = None,
) -> Document:
    """One event of `watch`; without a view the list cannot be read, or nothing is said of it."""
    return envelope(
        "watch",
        event=event,
        at=at,
        list=list_part(view.info) if view else {"id": list_id, "title": None},
        entry=entry_part(entry) if entry else None,
        progress=progress_part(view.progress) if view else None,
        commit=_commit(view) if view else None,
        error=error_document(error)["error"] if error else None,
    )


# --- documents about the whole ---------------------------------------------------------------


def timeline_document(
    shown: Timeline,
    info: ListInfo,
    people: Iterable[Worker],
    phases: Iterable[PhaseTime],
    task_id: str | None = None,
) -> Document:
    """The answer of `log --timeline`; of one task without the figures of the list."""
    whole = task_id is None
    return envelope(
        "timeline",
        list=list_part(info),
        spans=[
            {
                "task": s.task,
                "owner": s.owner,
                "started": format_time(s.start),
                "finished": None if s.end is None else format_time(s.end),
                "seconds": s.seconds(shown.now),
                "outcome": s.outcome,
            }
            for s in shown.spans
            if whole or s.task == task_id
        ],
        reopened=[
            {"task": r.task, "at": format_time(r.at)}
            for r in shown.reopened
            if whole or r.task == task_id
        ],
        burnUp=[
            {"at": format_time(p.at), "total": p.total, "completed": p.completed}
            for p in shown.points
            if whole
        ],
        people=[_worker(worker) for worker in people if whole],
        phases=[phase._asdict() for phase in phases if whole],
    )


def _worker(worker: Worker) -> Document:
    return {
        "owner": worker.owner or None,
        "completed": worker.completed,
        "inProgress": worker.in_progress,
        "seconds": worker.seconds,
        "last": format_time(worker.last),
    }


def graph_document(snapshot: Snapshot, shown: Picture) -> Document:
    """The answer of `graph`."""
    steps, critical, net = shown.critical_steps, set(shown.critical.tasks), shown.net
    layers = shown.layers
    edges = [(t.id, b) for t in net.tasks for b in net.waits[t.id]]
    return envelope(
        "graph",
        list=list_part(snapshot.info),
        nodes=[
            {
                "id": t.id,
                "subject": t.subject,
                "status": str(t.status),
                "owner": t.owner,
                "phase": t.phase_label,
                "layer": layers[t.id],
                "critical": t.id in critical,
                "missing": list(shown.missing.get(t.id, ())),
            }
            for t in net.tasks
        ],
        edges=[
            {"from": b, "to": t, "critical": (t, b) in steps, "cycle": closes}
            for pairs, closes in ((edges, False), (net.closing, True))
            for t, b in pairs
        ],
        criticalPath={
            "tasks": list(shown.critical.tasks),
            "left": list(shown.critical.left),
            "seconds": shown.critical.seconds,
        },
        etaSeconds=shown.eta_seconds,
        cycles=[list(cycle) for cycle in shown.cycles],
        problems=problems_part(snapshot.problems),
    )


def insights_document(lists: Iterable[tuple[ListInfo, Insights]]) -> Document:
    """The answer of `insights`: one part for each list."""
    return envelope("insights", lists=[_insights(info, shown) for info, shown in lists])


def _insights(info: ListInfo, shown: Insights) -> Document:
    since, estimate = shown.since, shown.estimate
    return {
        "list": list_part(info),
        "since": None if since is None else format_time(since),
        "top": [_loss(loss) for loss in shown.top],
        "losses": [_loss(loss) for loss in shown.losses],
        "tasks": [_plain_values(course) for course in shown.tasks],
        "loops": [_plain_values(loop) for loop in shown.loops],
        "agents": [_plain_values(agent) for agent in shown.agents],
        "criticalPath": list(shown.critical),
        "estimate": estimate and {**estimate._asdict(), "at": format_time(estimate.at)},
    }


def _loss(loss: Loss) -> Document:
    return {**_plain_values(loss), "kind": str(loss.kind)}


def _plain_values(value: Any) -> Document:
    """A flat value as JSON: its tuples are lists."""
    pairs = value._asdict().items()
    return {name: list(item) if isinstance(item, tuple) else item for name, item in pairs}


def lint_document(snapshot: Snapshot, findings: Iterable[Finding]) -> Document:
    """The answer of `lint`."""
    return envelope(
        "lint",
        list=list_part(snapshot.info),
        findings=[{**f._asdict(), "tasks": list(f.tasks)} for f in findings],
        problems=problems_part(snapshot.problems),
    )


def prime_document(view: ListView | None, text: str) -> Document:
    """The answer of `prime`; without a view there is no list."""
    return envelope(
        "prime",
        list=list_part(view.info) if view else None,
        text=text,
        progress=progress_part(view.progress) if view else None,
    )


# --- documents about sharing -----------------------------------------------------------------


def conflicts_document(info: ListInfo, conflicts: Iterable[OpenConflict], settled: int) -> Document:
    """The answer of `conflicts`."""
    return envelope(
        "conflicts",
        list=list_part(info),
        conflicts=[conflict_part(conflict) for conflict in conflicts],
        settled=settled,
    )


def conflict_part(conflict: OpenConflict) -> Document:
    """A conflict; a value is null where the write removed what was there."""
    return {
        "task": conflict.task,
        "path": conflict.path,
        "field": conflict.field,
        "member": conflict.member,
        "kind": conflict.kind,
        "rule": conflict.rule,
        "winner": _side(conflict.winner),
        "losers": [
            {**_side(x.side), "instead": [list(c) for c in x.commands]} for x in conflict.losers
        ],
    }


def _side(side: Side) -> Document:
    return {
        "value": side.value,
        "removed": not side.there,
        "commit": side.commit,
        "at": side.at,
        "by": side.by,
    }


def sync_document(lists: Iterable[Document]) -> Document:
    """The answer of `pull`, `push` and `sync`."""
    return envelope("sync", lists=list(lists))


def side_part(pushed_as: str | None, taken: Sequence[str], untaken: Sequence[str]) -> Document:
    """Branches of other names that had a part in an exchange."""
    return {"pushedAs": pushed_as, "taken": list(taken), "untaken": list(untaken)}


def exchange_part(
    list_id: str,
    title: str | None,
    remote: str,
    *,
    created: bool,
    received: Iterable[LogEntry],
    sent: Iterable[LogEntry],
    conflicts: Iterable[OpenConflict],
    troubles: Iterable[Violation],
    open_conflicts: int,
    commit: str | None,
    rounds: int,
    behind: bool,
    side: Document,
    removed: bool,
    deleted: bool,
    dates_ahead: Mapping[str, int],
    error: GittasksError | None,
) -> Document:
    """One list that was exchanged with a remote."""
    return {
        "id": list_id,
        "title": title,
        "remote": remote,
        "created": created,
        "received": [entry_part(entry) for entry in received],
        "sent": [entry_part(entry) for entry in sent],
        "conflicts": [conflict_part(conflict) for conflict in conflicts],
        "troubles": [{"kind": t.kind, "tasks": list(t.tasks)} for t in troubles],
        "openConflicts": open_conflicts,
        "commit": commit,
        "rounds": rounds,
        "behind": behind,
        **side,
        "removed": removed,
        "deleted": deleted,
        "datesAhead": [{"by": who, "seconds": seconds} for who, seconds in dates_ahead.items()],
        "error": error_document(error)["error"] if error else None,
    }


def heartbeat_document(
    info: ListInfo, claims: Mapping[str, object], lost: Iterable[str], seconds: int, beat: object
) -> Document:
    """The answer of `heartbeat`; `claims` maps tasks to the numbers of their claims."""
    return envelope(
        "heartbeat",
        list=list_part(info),
        claims=[{"task": task_id, "claim": number} for task_id, number in claims.items()],
        lost=list(lost),
        leaseSeconds=seconds,
        beat=beat,
    )


# --- documents about what is set up ----------------------------------------------------------


def init_document(
    info: ListInfo, branch: str, *, created: bool, adopted: str | None = None
) -> Document:
    """The answer of `init`."""
    return envelope("init", list=list_part(info), created=created, adopted=adopted, branch=branch)


def list_state_document(
    info: ListInfo, commit: str | None, remote: str | None, *, deleted: bool = False
) -> Document:
    """The answer of `archive`, `unarchive` and `drop`."""
    return envelope(
        "listState",
        list=list_part(info),
        state=info.state,
        archived=info.archived,
        dropped=info.dropped,
        changed=deleted or commit is not None,
        commit=commit,
        remote=remote,
        deleted=deleted,
    )


def config_document(rows: Iterable[tuple[str, str, str, str | None, str | None]]) -> Document:
    """The answer of `config`: name, value, default, source, fault of each setting."""
    names = ("name", "value", "default", "source", "fault")
    return envelope("config", settings=[dict(zip(names, row, strict=True)) for row in rows])


def deinit_document(parts: Mapping[str, Sequence[str]], *, dry_run: bool) -> Document:
    """The answer of `deinit`: what was taken out, by kind."""
    names = {name: list(values) for name, values in parts.items()}
    return envelope("deinit", dryRun=dry_run, **names)


def exported_document(info: ListInfo, form: str, count: int) -> Document:
    """The answer of `export` to a file."""
    return envelope("exported", list=list_part(info), format=form, tasks=count)


def report_document(info: ListInfo, form: str, path: str, size: int) -> Document:
    """The answer of `report` to a file of `size` bytes."""
    return envelope("report", list=list_part(info), format=form, file=path, bytes=size)


def serve_document(info: ListInfo, url: str, port: int) -> Document:
    """The answer of `serve`."""
    return envelope("serve", list=list_part(info), url=url, port=port)


def use_document(list_id: str) -> Document:
    """The answer of `use`."""
    return envelope("use", list={"id": list_id})


def release_document(task_id: str) -> Document:
    """The answer of `release` for a claim that was lost."""
    return envelope("release", forgotten=task_id)


def doctor_document(findings: Iterable[tuple[str, str | None, str, str, bool]]) -> Document:
    """The answer of `doctor`: of each finding the check, list, message, hint and whether fixed."""
    keys = ("check", "list", "message", "hint", "fixed")
    return envelope("doctor", findings=[dict(zip(keys, f, strict=True)) for f in findings])


def hooks_document(
    hooks: Iterable[tuple[str, str, bool]],
    by_hand: Iterable[str],
    *,
    stopped: Iterable[str],
    changed: bool,
    merge_driver: bool,
) -> Document:
    """The answer of `hooks`: of each hook the name, state, and whether another runs before it."""
    keys = ("name", "state", "chained")
    return envelope(
        "hooks",
        changed=changed,
        mergeDriver=merge_driver,
        hooks=[dict(zip(keys, hook, strict=True)) for hook in hooks],
        byHand=list(by_hand),
        stopped=list(stopped),
    )


def catch_up_document(
    span: str | None,
    moved: Iterable[tuple[str, str, str]],
    *,
    strangers: int,
    lines: Iterable[str],
) -> Document:
    """The answer of `hooks catch-up`: of each task the list, the id and its status now."""
    keys = ("list", "id", "status")
    return envelope(
        "catchUp",
        range=span,
        tasks=[dict(zip(keys, row, strict=True)) for row in moved],
        strangers=strangers,
        messages=list(lines),
    )


def completion_document(shell: str, script: str) -> Document:
    """The answer of `completion`."""
    return envelope("completion", shell=shell, script=script)


# --- documents about Claude Code -------------------------------------------------------------


def claude_import_document(
    info: ListInfo,
    name: str,
    edit: Edit | None,
    commit: str | None,
    numbers: Mapping[str, str],
    faults: Iterable[tuple[str, str]],
) -> Document:
    """The answer of `claude import`; `numbers` maps its numbers to ids, `faults` to messages."""
    return envelope(
        "claudeImport",
        list=list_part(info),
        name=name,
        changed=edit is not None,
        created=list(edit.created) if edit else [],
        updated=[i for i in edit.changed if i not in edit.created] if edit else [],
        numbers=dict(numbers),
        notCarriedOver=_faults(faults),
        commit=commit,
    )


def claude_export_document(
    info: ListInfo,
    name: str,
    written: Iterable[str],
    removed: Iterable[str],
    numbers: Mapping[str, str],
    faults: Iterable[tuple[str, str]],
) -> Document:
    """The answer of `claude export`."""
    wrote, took_away = list(written), list(removed)
    return envelope(
        "claudeExport",
        list=list_part(info),
        name=name,
        changed=bool(wrote or took_away),
        written=wrote,
        removed=took_away,
        numbers=dict(numbers),
        notCarriedOver=_faults(faults),
    )


def _faults(faults: Iterable[tuple[str, str]]) -> list[Document]:
    return [{"number": number, "message": message} for number, message in faults]


def claude_settings_document(
    action: str,
    scope: str,
    files: Iterable[tuple[str, bool]],
    server: Document | None,
    *,
    dry_run: bool,
) -> Document:
    """The answer of `claude install` and `uninstall`: of each file whether it changed."""
    return envelope(
        "claudeSettings",
        action=action,
        scope=scope,
        dryRun=dry_run,
        files=[{"file": name, "changed": changed} for name, changed in files],
        server=server,
    )


def claude_status_document(scopes: Iterable[Document]) -> Document:
    """The answer of `claude status`."""
    return envelope("claudeStatus", scopes=list(scopes))


def claude_print_document(settings: Mapping[str, Any], servers: Mapping[str, Any]) -> Document:
    """The answer of `claude install --print`."""
    return envelope("claudePrint", settings=settings, mcp=servers)


# --- errors ----------------------------------------------------------------------------------


def error_document(error: GittasksError) -> Document:
    """The document that stderr gets when a command fails."""
    return envelope(
        "error",
        error={
            **error.details,
            "kind": error.kind,
            "message": _encodable(error.message),
            "hint": _optional(error.hint),
            "commands": [[_encodable(word) for word in words] for words in error.commands],
            "decisions": [[_encodable(word) for word in words] for words in error.decisions],
            "where": _optional(error.where),
            "exitCode": error.exit_code,
        },
    )


def _encodable(text: str) -> str:
    # An argument that is no UTF-8 reaches messages with lone surrogates, which JSON readers refuse.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _optional(text: str | None) -> str | None:
    return None if text is None else _encodable(text)
