"""Plain text for pipes and agents: compact lines, no colour, no drawing, nothing heavy imported.

Every function returns text without a final newline. All texts of tasks are escaped here, but
those of `ways_on`, which are values: tasks in progress in other sessions and how to go on with
them.
"""

from __future__ import annotations

from gittasks.core.actors import Answer, Overlap, Standing, counted, elsewhere, is_owner, way_on
from gittasks.core.changes import task_changes
from gittasks.core.fields import BY_NAME, COMPOSITE, Field, Kind, arranged
from gittasks.core.graph import Graph
from gittasks.core.ids import listed
from gittasks.core.model import (
    COMPLETED,
    DELETED,
    IN_PROGRESS,
    PENDING,
    READ_ON,
    SET_ASIDE,
    SKIPPED,
    Actor,
    Note,
    Problem,
    Snapshot,
    Status,
    Task,
    Unmerged,
    Value,
    task_seconds,
)
from gittasks.core.progress import (
    Loop,
    Progress,
    change_lines,
    nothing_ready,
    ready_for_others,
    summary,
)
from gittasks.core.times import MINUTE, duration_brief, duration_words, parse_time
from gittasks.core.view import ListView, StaleClaim
from gittasks.errors import Way
from gittasks.light import TYPE_CHECKING, attrgetter
from gittasks.render.text import StatusMarks, clean, indent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gittasks.core.apply import Edit

_MANY_BLOCKERS = 5
_MANY_TASKS = 10
_MANY_FAULTS = 20
_TOLD_LAST = frozenset({"claim", "left", "started", "finished", "created", "createdBy"})
"""Fields whose change is named only where nothing else tells what happened."""
_MOVED = (*COMPOSITE, BY_NAME["result"])
"""What a change of the status changes with it."""
_SHOWN = arranged(
    "subject description blockedBy commits notes metadata status activeForm phase owner session "
    "claim started finished result order created createdBy"
)


# --- one task ------------------------------------------------------------------------------


def task_line(
    task: Task, graph: Graph, marks: StatusMarks, now: int | None = None, width: int = 0
) -> str:
    """`[→] p3-core-9f2k  PHASE 3: Implement core (in_progress, claude-agent, 2 min so far)`.

    `now` is in epoch seconds; without it no running time is shown. `width` pads the id.
    """
    return _line(task, graph, f"[{marks.of(task.status)}]", now, width)


def _line(task: Task, graph: Graph, box: str, now: int | None, width: int) -> str:
    aside = _aside(task, graph, now)
    end = f" ({clean(aside)})" if aside else ""
    return f"{box} {task.id:<{width}}  {clean(task.headline)}{end}"


def task_list(view: ListView, tasks: Sequence[Task], marks: StatusMarks) -> str:
    """The chosen tasks, one a line, then the summary of the list."""
    lines = _task_lines(tasks, view.graph, marks, view.now)
    if not lines and view.progress.total:
        lines = ["no task matches"]
    if lines:
        lines.append("")
    return "\n".join([*lines, *progress_lines(view.progress), clean(view.progress.summary)])


def ready_list(
    view: ListView,
    tasks: Sequence[Task],
    marks: StatusMarks,
    me: str,
    overlaps: Sequence[Overlap] = (),
) -> str:
    """The ready tasks, one a line, what of them others touch, and what is ready for others.

    Where there are none, what is in the way.
    """
    others = ready_for_others(view.graph, me)
    shown = {task.id for task in tasks}
    if tasks:
        lines = _task_lines(tasks, view.graph, marks, view.now)
        complete = shown.issuperset(t.id for t in view.graph.ready_for_anyone())
        lines += (clean(overlap.words) for overlap in overlaps)
        return "\n".join([*lines, *([clean(others)] if others and not complete else [])])
    if view.graph.ready(me):
        return "no ready task matches"
    if others:
        return clean(nothing_ready(view.graph, me))
    why = _obstacles(view)
    return f"nothing is ready: {', '.join(why)}" if why else "nothing is ready"


def _obstacles(view: ListView) -> list[str]:
    """The reasons why nothing is ready: `1 in progress`, `2 not before 2099-01-01T00:00:00Z`."""
    progress, graph = view.progress, view.graph
    later = [
        task.not_before
        for task in view.tasks
        if task.status is Status.PENDING and task.not_before and not graph.is_due(task)
        if not graph.is_blocked(task.id)
    ]
    counts = ((progress.in_progress, "in progress"), (progress.blocked, "blocked"))
    return [
        *(f"{count} {word}" for count, word in counts if count),
        *([f"{len(later)} not before {min(later)}"] if later else []),
        *(["everything is complete"] if progress.finished else []),
    ]


def problem_lines(problems: Iterable[Problem]) -> list[str]:
    """One line for each thing on the branch that cannot be read, one for all that was set aside."""
    listed = list(problems)
    faults = [p for p in listed if not p.set_aside]
    lines = [f"unreadable: {clean(str(p))}" for p in faults[:_MANY_FAULTS]]
    if more := len(faults) - len(lines):
        lines.append(f"unreadable: {more} more; see all: gittasks doctor")
    if aside := len(listed) - len(faults):
        lines.append(f"{aside} tasks {SET_ASIDE}; {READ_ON}")
    return lines


_SYNC = ("gittasks", "sync")
_APART = {
    Unmerged.REWRITTEN: Way("its history there was rewritten; see what can be done", _SYNC),
    Unmerged.NEWER: Way("a later version of gittasks wrote it; update gittasks to see it"),
    Unmerged.SHALLOW: Way("this clone is shallow; see what can be done", _SYNC),
    Unmerged.MALFORMED: Way(
        "a commit there is malformed; see how the branch is taken back", ("gittasks", "doctor")
    ),
}


def sharing(conflicts: int, apart: Unmerged | None) -> list[Way]:
    """Remarks on conflicts, and on what was fetched and is not shown."""
    ways = []
    if conflicts:
        word = "conflict" if conflicts == 1 else "conflicts"
        words = f"{conflicts} {word} of changes made at once"
        ways.append(Way(words, ("gittasks", "conflicts")))
    if apart:
        way = _APART[apart]
        ways.append(way._replace(purpose=f"remote changes are not shown: {way.purpose}"))
    return ways


def silence(stale: StaleClaim) -> Way:
    """The remark on a holder who has not been heard of; to take over is somebody's decision."""
    words = (
        f"{stale.owner} has been silent on {stale.task} for {duration_words(stale.silent)} "
        f"(lease: {duration_words(stale.lease)}); to take it over"
    )
    return Way(words, ("gittasks", "claim", stale.task, "--take-over"), decision=True)


def remarks(view: ListView) -> list[Way]:
    """Remarks below a list: what cannot be read, sharing, silent holders."""
    unread = [Way(line) for line in problem_lines(view.problems)]
    return [*unread, *sharing(view.conflicts, view.apart), *map(silence, view.stale)]


def way_lines(ways: Iterable[Way]) -> list[str]:
    """Remarks as lines, each with its command."""
    return [clean(str(way)) for way in ways]


def title_lines(view: ListView) -> list[str]:
    """The line above a list that is shown as it was; none above one that is as it is."""
    if view.past is None:
        return []
    name = f", commit {view.past.commit[:7]}" if view.past.commit else ""
    return [f"{clean(view.info.id)} as it was at {view.past.at}{name}:"]


def _task_lines(
    tasks: Iterable[Task], graph: Graph, marks: StatusMarks, now: int | None, lead: str = ""
) -> list[str]:
    shown = list(tasks)
    width = max((len(t.id) for t in shown), default=0)
    boxes = {status: f"{lead}[{marks.of(status)}]" for status in Status}
    return [_line(t, graph, boxes[t.status], now, width) for t in shown]


def _aside(task: Task, graph: Graph, now: int | None) -> str:
    """The words in parentheses behind the subject."""
    if task.status is COMPLETED:
        took = 0 if task.result else task_seconds(task) or 0
        return task.result or (duration_brief(took) if took >= MINUTE else "")
    if task.status is SKIPPED:
        # "not needed, loop exited" says by itself that the task was skipped.
        result = task.result or ""
        return result if result.startswith("not needed") else _joined("skipped", result)
    if task.status is IN_PROGRESS:
        since = _since(task, now)
        return _joined(
            "in_progress", task.owner, f"{duration_brief(since)} so far" if since else ""
        )
    if task.status is DELETED:
        return "deleted"
    blockers = graph.open_blockers(task.id) if task.blocked_by else ()
    waits = f"blocked by {listed(blockers, _MANY_BLOCKERS)}" if blockers else ""
    return _joined(task.owner, waits, "" if graph.is_due(task) else f"not before {task.not_before}")


def _joined(*parts: str | None) -> str:
    return ", ".join([part for part in parts if part])


def _since(task: Task, now: int | None) -> int | None:
    """Seconds in progress, when known and at least a minute: less is noise."""
    if now is None or task.started is None:
        return None
    try:
        seconds = now - parse_time(task.started)
    except ValueError:
        return None
    return seconds if seconds >= MINUTE else None


# --- one task in full ----------------------------------------------------------------------


def task_details(
    view: ListView, task: Task, marks: StatusMarks, history: Sequence[str] = ()
) -> str:
    """Everything about one task, fields that are not set left out.

    `history` are lines made by the caller, newest first.
    """
    lines = [task_line(task, view.graph, marks, view.now), *_field_lines(task)]
    lines += _linked("blocked by", task.blocked_by, view, marks)
    lines += _linked("blocks", view.graph.blocks(task.id), view, marks)
    if task.description:
        lines += ["description:", indent(task.description)]
    lines += _block("notes", [_note(note) for note in task.notes])
    lines += _block("commits", [clean(f"{c.sha} {c.subject or ''}".rstrip()) for c in task.commits])
    lines += _block("metadata", _pairs(task.metadata))
    lines += _block("unknown keys", _pairs(task.extra))
    lines += _block("history", [clean(line) for line in history])
    return "\n".join(lines)


def _field_lines(task: Task) -> list[str]:
    """The fields of one line, `name: value`; those that are as they are by default left out."""
    place = task.iteration
    took = task_seconds(task)
    derived = {
        "phase": task.phase_label,
        "finished": f"{task.finished or ''}{f' (took {duration_words(took)})' if took else ''}",
        "created": _joined(task.created, f"by {task.created_by}" if task.created_by else None),
    }
    lines = []
    for field in _SHOWN:
        if field.label and (words := derived.get(field.name, field_words(task, field))):
            lines.append(f"{field.label}: {clean(words)}")
        if field.name == "phase" and place:
            lines.append(clean(f"iteration: {place.n}/{place.max} {place.name}".rstrip()))
    return lines


def field_words(task: Task, field: Field) -> str:
    """The value of a field on one line; empty where it is as it is by default."""
    value = getattr(task, field.attr)
    if field.kind is not Kind.STATUS and value == field.default:
        return ""
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _linked(name: str, ids: Sequence[str], view: ListView, marks: StatusMarks) -> list[str]:
    """A heading and the tasks behind these ids, each with its own state."""
    tasks = view.snapshot.tasks
    lines = _task_lines((tasks[i] for i in ids if i in tasks), view.graph, marks, view.now)
    unread = set(view.graph.unreadable(ids))
    for i in ids:
        if i not in tasks:
            lines.append(f"{clean(i)}  ({'unreadable' if i in unread else 'not in this list'})")
    return _block(name, lines)


def _block(name: str, lines: Sequence[str]) -> list[str]:
    return [f"{name}:", *(f"  {line}" for line in lines)] if lines else []


def _note(note: Note) -> str:
    """A note; what follows its first line is set deeper than any line of ours."""
    first, _, rest = note.text.strip().partition("\n")
    head = f"{clean(note.at)} {clean(note.by)}: {clean(first.rstrip())}"
    return f"{head}\n{indent(rest, '    ')}" if rest else head


def _pairs(values: Mapping[str, Value]) -> list[str]:
    return [f"{clean(key)}: {_value(value)}" for key, value in values.items()]


def _value(value: Value) -> str:
    """Text as it is, anything else as JSON."""
    if isinstance(value, str):
        return clean(value)
    import json  # only when metadata holds more than text

    return clean(json.dumps(value, ensure_ascii=False, default=str))


# --- the whole list ------------------------------------------------------------------------


def status(view: ListView, marks: StatusMarks) -> str:
    """The list at a glance: summary, phases, loops, what runs, is ready, and waits."""
    info, graph, progress = view.info, view.graph, view.progress
    title = f": {clean(info.title)}" if info.title else ""
    lines = [f"{clean(info.id)}{title}", clean(progress.summary)]
    lines += _phase_lines(progress)
    lines += loop_lines(progress.loops)
    waiting = [t for t in view.tasks if t.status is PENDING]
    blocked = [t for t in waiting if graph.is_blocked(t.id)]
    held = {t.id for t in blocked}
    free = [t for t in waiting if t.id not in held]
    ready = sorted(filter(graph.is_due, free), key=attrgetter("priority"))
    later = [t for t in free if not graph.is_due(t)]
    sections = (("in progress", [c.task for c in progress.current]), ("ready", ready))
    for name, members in (*sections, ("blocked", blocked), ("later", later)):
        lines += _section(name, members, view, marks)
    if left := progress.eta_words:
        lines.append(left)
    if finished := progress.finished_words(info.title):
        lines.append(clean(finished))
    if cycle := graph.deadlock():
        way = f" {marks.arrow} ".join(cycle)
        lines.append(f"these wait for each other, so none can start: {way}")
    return "\n".join(lines)


def _phase_lines(progress: Progress) -> list[str]:
    lines = []
    for phase in progress.phases:
        lines.append(clean(phase.words))
        if phase.parallel:
            lines.append(f"  {clean(phase.parallel)}")
    return lines


def progress_lines(progress: Progress) -> list[str]:
    """The lines of the loops, phases and parallel groups that have begun."""
    phases = (clean(line) for phase in progress.phases for line in phase.lines)
    return [*loop_lines(progress.loops), *phases]


def loop_lines(loops: Sequence[Loop]) -> list[str]:
    """The lines of all loops that have begun, each with its name when there are several."""
    begun = [loop for loop in loops if loop.lines]
    return [
        clean(f"{loop.name}: {line}" if len(begun) > 1 and loop.name else line)
        for loop in begun
        for line in loop.lines
    ]


def _section(name: str, tasks: Sequence[Task], view: ListView, marks: StatusMarks) -> list[str]:
    if not tasks:
        return []
    shown = _task_lines(tasks[:_MANY_TASKS], view.graph, marks, view.now, "  ")
    lines = [f"{name}:", *shown]
    if len(tasks) > _MANY_TASKS:
        lines.append(f"  ... and {len(tasks) - _MANY_TASKS} more")
    return lines


def lists_table(rows: Sequence[ListView], *, places: bool = False) -> str:
    """One line a list: `*` before the chosen one, id, title, summary, facts; and where it is."""
    if not rows:
        return "no open lists"
    width = max(len(row.info.id) for row in rows)
    return "\n".join(_list_line(row, width, places) for row in rows)


def _list_line(row: ListView, width: int, places: bool) -> str:
    mark = "*" if row.chosen else " "
    title = f"{clean(row.info.title)}: " if row.info.title else ""
    where = f" ({clean(', '.join(row.places))})" if places and row.places else ""
    facts = f" ({clean('; '.join(words))})" if (words := list_facts(row)) else ""
    name, summary = f"{clean(row.info.id):<{width}}", clean(row.progress.summary)
    return f"{mark} {name}  {title}{summary}{faults(row)}{facts}{where}"


def faults(row: ListView) -> str:
    """Words for what cannot be read of a list beside the tasks that its summary counts."""
    counted = row.snapshot.unreadable
    count = sum(problem.task not in counted for problem in row.problems)
    return f" ({count} unreadable)" if count else ""


_MANY_OWNERS = 3


def list_facts(row: ListView) -> list[str]:
    """A list in an overview: its state unless it is open, its owners, its last change."""
    info = row.info
    since = info.dropped or info.archived
    return [
        *([f"{info.state} {since[:10]}"] if since else []),
        *([listed(row.owners, _MANY_OWNERS)] if row.owners else []),
        *([f"changed {row.changed[:10]}"] if row.changed else []),
    ]


# --- the answer to a change ----------------------------------------------------------------


def task_changed(before: Task | None, after: Task, marks: StatusMarks) -> str:
    """The change of one task: `p1-ask-x2k4: pending → in_progress`, or that there is none."""
    if before is None:
        status = "" if after.status is Status.PENDING else f" ({after.status})"
        edge = f" (blocked by {_edges(after.blocked_by)})" if after.blocked_by else ""
        return f"created {after.id}  {clean(after.headline)}{status}{edge}"
    moved = before.status is not after.status
    names = [change.field for change in task_changes(before, after)]
    if moved:
        names = [n for n in names if n not in BY_NAME or BY_NAME[n] not in _MOVED]
    fields = [name for name in names if name not in _TOLD_LAST] or ([] if moved else names)
    edges = _edge_changes(before.blocked_by, after.blocked_by)
    if fields == ["claim"] or not (moved or fields):
        word = "unchanged" if not fields else "claim renewed" if before.claim else "claimed"
        return f"{after.id}: {word} ({after.status})"
    held = not moved and after.status is Status.IN_PROGRESS
    if held and set(fields) in ({"session"}, {"session", "owner"}):
        word = f"taken over by {clean(after.owner or '')}" if "owner" in fields else "resumed"
        return f"{after.id}: {word} ({after.status})"
    result = f" ({clean(after.result)})" if moved and after.result else ""
    move = f"{before.status} {marks.arrow} {after.status}{result}" if moved else ""
    noted = "notes" in fields and len(after.notes) > len(before.notes)
    covered = {"notes"} if noted else set()
    covered |= {"blockedBy"} if edges else set()
    names = [clean(name) for name in fields if name not in covered]
    changed = f"changed {', '.join(names)}" if names else ""
    return f"{after.id}: {_joined(move, *edges, changed, 'note added' if noted else '')}"


def _edges(blockers: Sequence[str]) -> str:
    return clean(listed(blockers, _MANY_BLOCKERS))


def _edge_changes(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """The dependencies that came and went, by whole ids."""
    added = [task_id for task_id in after if task_id not in before]
    removed = [task_id for task_id in before if task_id not in after]
    words = [f"blocked by {_edges(added)}"] if added else []
    return [*words, f"no longer blocked by {_edges(removed)}"] if removed else words


def edited(edit: Edit, marks: StatusMarks, focus: Sequence[str] = ()) -> str:
    """The lines of an edit: the tasks in focus and all that changed, how far they are."""
    before, after = edit.before.tasks, edit.after.tasks
    shown = [i for i in dict.fromkeys([*focus, *edit.changed]) if i in after]
    pairs = [(before.get(i), after[i]) for i in shown]
    words = [*edit_lines(edit), summary(after.values(), len(edit.after.unreadable))]
    return "\n".join([changes(pairs, marks, edit.unblocked), *map(clean, words)]).lstrip("\n")


def summary_line(snapshot: Snapshot) -> str:
    """The progress of a list in words."""
    return clean(summary(snapshot.tasks.values(), len(snapshot.unreadable)))


def edit_lines(edit: Edit) -> list[str]:
    """The lines of the loops, phases and groups that an edit moved tasks of."""
    before, after = edit.before.tasks, edit.after.tasks
    pairs = ((i, before.get(i), after.get(i)) for i in edit.changed)
    moved = [i for i, old, new in pairs if old and new and old.status is not new.status]
    return change_lines(edit.before, edit.after, moved)


def changes(
    pairs: Iterable[tuple[Task | None, Task]],
    marks: StatusMarks,
    unblocked: Sequence[str] = (),
    words: str | None = None,
) -> str:
    """The answer of a command that writes: each task, then what is ready now and the summary."""
    lines = [task_changed(before, after, marks) for before, after in pairs]
    if unblocked:
        lines.append(f"now ready: {listed(unblocked, _MANY_TASKS)}")
    if words is not None:
        lines.append(clean(words))
    return "\n".join(lines)


# --- tasks in progress in other sessions --------------------------------------------------

_MOST_ELSEWHERE = 10
"""Tasks that are told one by one."""
_VERBS = {Answer.ASK_START: "start", Answer.ASK_CLAIM: "claim"}


def ways_on(
    tasks: Iterable[Task],
    among: Iterable[Task],
    actor: Actor,
    now: int,
    *,
    most: int = _MOST_ELSEWHERE,
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
    resume = ("gittasks", verb, task.id, "--resume", *beside, *behalf)
    return Way(f"{words}; to resume", resume)


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
