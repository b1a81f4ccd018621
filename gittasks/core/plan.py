"""Plans: the operations that bring a list to one, the order of its tasks, and its variables.

Tasks that already stand in that sequence keep their numbers, so that only what is new or moved
is written. A number between two others is whole if there is room, else it has up to six decimals.

A plan states fields; what it does not state stays as it is in the list. Applying it again
changes nothing, and applying it in two clones makes the same tasks, because the ids are
made from the plan alone.

Variables are `${name}` in texts, filled in when the plan is applied. They count where the plan
declares some or values are given; any other plan may have `${HOME}` in a description. `$${name}`
is the text `${name}`.

It is long because what a plan states, its variables and its order are one story.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from gittasks.core import ids, rules, validation
from gittasks.core.editor import Editor, between
from gittasks.core.fields import CLEARABLE, SIMPLE, Field
from gittasks.core.graph import Graph
from gittasks.core.ids import near_matches
from gittasks.core.model import (
    Snapshot,
    Status,
    Task,
    Value,
    phase_in,
    phase_named,
    without_prefix,
)
from gittasks.core.operations import MOST_ITERATIONS, Context
from gittasks.core.validation import ORDER_LIMIT as LIMIT
from gittasks.errors import InvalidData, NotFound, Usage, Way


def place(wanted: Sequence[str], tasks: Mapping[str, Task]) -> dict[str, int | float]:
    """The orders that have to be set so that the ids `wanted` stand in their sequence.

    Ids that are not in `tasks` are new; other tasks of the list may stand between. What keeps
    its place has no entry, so that a second call after the first has nothing to set.
    """
    run = _increasing([(n, tasks[i].sort_key) for n, i in enumerate(wanted) if i in tasks])
    if len(run) == len(wanted):
        return {}
    last_placed = max(n for n in range(len(wanted)) if n not in run)
    steady = [n for n in sorted(run) if tasks[wanted[n]].order is not None or n > last_placed]
    orders = (t.order for t in tasks.values() if t.order is not None)
    top = max((o for o in orders if -LIMIT < o < LIMIT), default=0)
    return _fill(wanted, tasks, steady, top)


def _increasing(keys: Sequence[tuple[int, tuple[float, str, str]]]) -> set[int]:
    """Positions of a longest run of tasks whose keys increase along the sequence."""
    ends: list[tuple[float, str, str]] = []
    last: list[int] = []
    before: dict[int, int | None] = {}
    for position, key in keys:
        length = bisect_left(ends, key)
        before[position] = last[length - 1] if length else None
        ends[length : length + 1] = [key]
        last[length : length + 1] = [position]
    run: set[int] = set()
    step = last[-1] if last else None
    while step is not None:
        run.add(step)
        step = before[step]
    return run


def _fill(
    wanted: Sequence[str], tasks: Mapping[str, Task], steady: Sequence[int], top: float
) -> dict[str, int | float]:
    """Numbers for all but the steady positions, between the numbers of their steady neighbours.

    Where there is no room, the neighbour behind gives up its number too.
    """
    placed: dict[str, int | float] = {}
    waiting: list[str] = []
    low: int | float | None = None
    fixed = set(steady)
    for n, name in enumerate(wanted):
        order = tasks[name].order if n in fixed else None
        if order is None:
            if n not in fixed:
                waiting.append(name)
            continue
        if not waiting:
            low = order
            continue
        numbers = between(low, order, len(waiting))
        if numbers is None:
            waiting.append(name)
            continue
        placed.update(zip(waiting, numbers, strict=True))
        waiting, low = [], order
    first = int(top // 1) + 1
    placed.update((name, first + n) for n, name in enumerate(waiting))
    return placed


_T = TypeVar("_T")
_NO_LINES: Mapping[str, int] = MappingProxyType({})


class PlannedTask(NamedTuple):
    """A task as a plan states it; None says nothing about a field.

    `fields` are values of SIMPLE fields of the table, by attribute. `line` is where it stands;
    `lines` says where single fields (by their name in the file) and
    references (by their text) stand when that is another line. `clear` names fields to empty, as
    files have them. `iterations` makes a loop of so many tasks of it, each blocked by the one
    before; to wait for its id is to wait for the last of them.
    """

    line: int
    subject: str
    id: str | None = None
    active_form: str | None = None
    description: str | None = None
    owner: str | None = None
    phase: str | None = None
    status: Status | None = None
    result: str | None = None
    blocked_by: tuple[str, ...] | None = None
    metadata: Mapping[str, Value] | None = None
    fields: Mapping[str, Any] = MappingProxyType({})
    lines: Mapping[str, int] = _NO_LINES
    clear: tuple[str, ...] = ()
    iterations: int | None = None

    def line_of(self, what: str) -> int:
        """The line of a field or of a reference."""
        return self.lines.get(what, self.line)


class Plan(NamedTuple):
    """A plan as it was read. `where` is the name of its file, for errors."""

    title: str | None
    tasks: tuple[PlannedTask, ...]
    where: str
    title_line: int = 1
    variables: Mapping[str, str | None] = MappingProxyType({})
    """Those that it declares, with the value of each when none is given; None: it needs one."""


class Fault(NamedTuple):
    """Something in a plan that cannot be used: where, what is wrong, what to do."""

    line: int
    message: str
    hint: str | None = None
    ways: tuple[Way, ...] = ()


class Applied(NamedTuple):
    """The list in line with a plan.

    `notes` are sentences about what the plan names and the list keeps as it is; `forced` the
    names of the rules that were overridden.
    """

    snapshot: Snapshot
    notes: tuple[str, ...] = ()
    forced: tuple[str, ...] = ()


def invalid_plan(where: str, faults: Sequence[Fault]) -> InvalidData:
    """The error for a plan's faults: the first is the message, all are in the details."""
    ordered = sorted(faults, key=lambda f: f.line)
    problems = [{"path": where, "line": f.line, "message": f.message} for f in ordered]
    first = ordered[0]
    return InvalidData(
        first.message,
        hint=first.hint,
        ways=first.ways,
        where=f"{where}:{first.line}",
        details={"problems": problems},
    )


def id_faults(tasks: Sequence[PlannedTask]) -> list[Fault]:
    """Faults of the ids that the tasks of a plan give themselves."""
    faults: list[Fault] = []
    first_lines: dict[str, int] = {}
    for task in tasks:
        if task.id is None:
            continue
        line = task.line_of("id")
        if fault := ids.task_id_fault(task.id):
            faults.append(Fault(line, f'"{_shown(task.id)}" is not a task id: {fault}'))
        elif task.id in first_lines:
            message = f'the id "{task.id}" is used twice, first in line {first_lines[task.id]}'
            faults.append(Fault(line, message, "an id names one task; change one of the two"))
        first_lines.setdefault(task.id, line)
    return faults


def assign_ids(plan: Plan) -> Plan:
    """The plan with an id for every task: its own, else the slug of its subject.

    The second task that would get the same slug gets `-2` behind it, and so on, past the ids
    that the plan gives itself; a loop becomes its iterations. Raises InvalidData for ids that are
    invalid or used twice, and for a loop that cannot be made.
    """
    if faults := id_faults(plan.tasks):
        raise invalid_plan(plan.where, faults)
    reserved = {task.id for task in plan.tasks if task.id}
    counts: dict[str, int] = {}
    tasks: list[PlannedTask] = []
    ends: dict[str, str] = {}
    for task in plan.tasks:
        name = task.id or ids.free(ids.slug(task.subject), reserved, counts)
        reserved.add(name)
        if task.iterations is None:
            tasks.append(task._replace(id=name))
            continue
        if fault := _loop_fault(task):
            raise invalid_plan(plan.where, [fault])
        ends[name] = f"{name}-{task.iterations}"
        tasks += _iterations(task, name, task.iterations)
    if ends:
        tasks = [_behind_loops(task, ends) for task in tasks]
        if faults := id_faults(tasks):
            raise invalid_plan(plan.where, faults)
    return plan._replace(tasks=tuple(tasks))


def _loop_fault(task: PlannedTask) -> Fault | None:
    count, line = task.iterations or 0, task.line_of("iterations")
    if not 1 <= count <= MOST_ITERATIONS:
        return Fault(line, f"{count} iterations: give a number from 1 to {MOST_ITERATIONS}")
    if task.status not in (None, Status.PENDING):
        return Fault(task.line_of("status"), f"iterations are made pending, not {task.status}")
    return None


def _iterations(task: PlannedTask, name: str, count: int) -> list[PlannedTask]:
    """`Iteration 1/N: …` to `N/N`; a phase in the subject becomes the phase of each."""
    subject, phase = task.subject, task.phase
    if not phase and (label := phase_in(subject)):
        subject, phase = without_prefix(subject), label.removeprefix("PHASE ")
    return [
        task._replace(
            id=f"{name}-{i}",
            subject=f"Iteration {i}/{count}: {subject}",
            phase=phase,
            active_form=f"{task.active_form.strip()} ({i}/{count})" if task.active_form else None,
            blocked_by=task.blocked_by if i == 1 else (f"{name}-{i - 1}",),
            iterations=None,
        )
        for i in range(1, count + 1)
    ]


def _behind_loops(task: PlannedTask, ends: Mapping[str, str]) -> PlannedTask:
    """The task with each loop that it waits for as the last iteration of that."""
    if not task.blocked_by:
        return task
    return task._replace(blocked_by=tuple(ends.get(name, name) for name in task.blocked_by))


def _id(planned: PlannedTask) -> str:
    """The id of a task of a plan that went through `assign_ids`."""
    return planned.id or ""


def _shown(text: str) -> str:
    return validation.escape_line(text, 60)


# --- checking -------------------------------------------------------------------------------


class _Checker:
    """Text as it is stored and references as ids; what cannot be is collected in `faults`."""

    def __init__(self, plan: Plan, snapshot: Snapshot) -> None:
        self.faults: list[Fault] = []
        self.tasks = snapshot.tasks
        self.known = {_id(task) for task in plan.tasks}.union(snapshot.tasks)

    def plan(self, plan: Plan) -> Plan:
        title = plan.title
        if title:
            title = self._checked(
                plan.title_line, lambda: validation.single_line(title or "", "title")
            )
        tasks = tuple(self.task(task) for task in plan.tasks)
        if self.faults:
            raise invalid_plan(plan.where, self.faults)
        return plan._replace(title=title, tasks=tasks)

    def task(self, task: PlannedTask) -> PlannedTask:
        def checked(
            text: str | None,
            field: str,
            check: Callable[[str, str], str | None] = validation.single_line,
        ) -> str | None:
            if text is None:
                return None
            return self._checked(task.line_of(field), lambda: check(text, field))

        line, data = task.line_of("subject"), task.metadata or {}
        self.clear(task)
        return task._replace(
            subject=self._checked(line, lambda: validation.subject(task.subject)) or "",
            active_form=checked(task.active_form, "activeForm"),
            description=checked(task.description, "description", validation.multi_line),
            owner=checked(task.owner, "owner"),
            phase=checked(task.phase, "phase"),
            result=checked(task.result, "result"),
            metadata=self._checked(task.line_of("metadata"), lambda: validation.metadata(data)),
            blocked_by=None if task.blocked_by is None else self._resolved(task),
            fields={
                field.attr: self._stored(task, field)
                for field in SIMPLE
                if task.fields.get(field.attr) is not None
            },
        )

    def clear(self, task: PlannedTask) -> None:
        """Note the fields that cannot be cleared, or are given as well."""
        for name in task.clear:
            field, line = CLEARABLE.get(name), task.line_of("clear")
            if field is None:
                hint = f"clear takes: {', '.join(CLEARABLE)}"
                self.faults.append(Fault(line, f'"{_shown(name)}" cannot be cleared', hint))
                continue
            values = task.fields if field in SIMPLE else task._asdict()
            if values.get(field.attr):
                message = f"{name} is both given and cleared"
                self.faults.append(Fault(line, message, "leave out one of the two"))

    def _stored(self, task: PlannedTask, field: Field) -> Any:
        line, value = task.line_of(field.name), task.fields[field.attr]
        return self._checked(line, lambda: validation.stored(field, value))

    def _checked(self, line: int, check: Callable[[], _T]) -> _T | None:
        try:
            return check()
        except Usage as error:
            self.faults.append(Fault(line, error.message, error.advice, error.ways))
            return None

    def _resolved(self, task: PlannedTask) -> tuple[str, ...]:
        """The references of a task, each of which is the id of a task of the plan or the list."""
        old = self.tasks.get(_id(task))
        known = self.known.union(old.blocked_by if old else ())
        for reference in task.blocked_by or ():
            try:
                ids.resolve(reference, known)
            except NotFound as error:
                message = f'no task "{_shown(reference)}" in the plan or in the list'
                self.faults.append(
                    Fault(task.line_of(reference), message, error.advice, error.ways)
                )
        return tuple(dict.fromkeys(task.blocked_by or ()))


# --- applying -------------------------------------------------------------------------------


def reconcile(plan: Plan, snapshot: Snapshot, context: Context) -> Applied:
    """Bring a list in line with a plan: create what is missing, set what is stated otherwise.

    Progress is never taken back, a deleted task stays deleted, and a task that was begun keeps
    its owner. Raises InvalidData for text and references that cannot be used, and Refused for
    a cycle, for a task that another session holds, and for a start that the rules forbid.
    """
    plan = assign_ids(plan)
    plan = _Checker(plan, snapshot).plan(plan)
    draft = Editor(snapshot, context)
    notes: list[str] = []
    alive: list[PlannedTask] = []
    for planned in plan.tasks:
        draft.check_free(_id(planned))
        old = snapshot.tasks.get(_id(planned))
        if old and _is_deleted(old):
            notes.append(f"{old.id} is deleted in the list and stays so")
        else:
            alive.append(planned)
    for planned in alive:
        _set_fields(draft, planned)
    _check_cycles(draft, snapshot)
    for name, order in place([_id(p) for p in alive], snapshot.tasks).items():
        # Not through `put`: to move a task in the list does not disturb who works on it.
        draft.tasks[name] = draft.tasks[name]._replace(order=order)
    _advance(draft, alive)
    if plan.title and plan.title != (snapshot.info.title or "").strip():
        draft.info = draft.info._replace(title=plan.title)
    after = snapshot
    unchanged = len(draft.tasks) == len(snapshot.tasks) and all(
        task is snapshot.tasks[name] for name, task in draft.tasks.items()
    )
    if not unchanged or draft.info is not snapshot.info:
        after = snapshot._replace(info=draft.info, tasks=draft.tasks)
    return Applied(after, tuple(notes), tuple(draft.forced))


def _set_fields(draft: Editor, planned: PlannedTask) -> None:
    """Create the task if it is not there, and set what the plan states, but for its status.

    Dependencies on deleted tasks block nothing and stay, whatever the plan says.
    """
    task = _task_for(draft, planned)
    changes: dict[str, Any] = {}
    for name in ("subject", "active_form", "description", "result"):
        stated, old = getattr(planned, name), getattr(task, name) or ""
        if stated and stated != (old.rstrip() if name == "description" else old.strip()):
            changes[name] = stated
    for field in SIMPLE:
        stated = planned.fields.get(field.attr)
        if stated is not None and not _says_the_same(stated, getattr(task, field.attr)):
            changes[field.attr] = stated
    if planned.owner and task.status is Status.PENDING:
        changes["owner"] = planned.owner
    if planned.phase:
        label = phase_named(planned.phase)
        if label != task._replace(subject=planned.subject).phase_label:
            same = label == phase_in(planned.subject)
            changes["phase"] = None if same else planned.phase
    if planned.blocked_by is not None:
        deleted = (b for b in task.blocked_by if _is_deleted(draft.tasks.get(b)))
        blockers = tuple(dict.fromkeys((*planned.blocked_by, *deleted)))
        if set(blockers) != set(task.blocked_by):
            changes["blocked_by"] = blockers
    if planned.metadata:
        merged = {**task.metadata, **planned.metadata}
        dropped = {key for key, value in planned.metadata.items() if value is None}
        changes["metadata"] = {k: v for k, v in merged.items() if k not in dropped}
    draft.put(task.id, **changes, **_cleared(task, planned.clear))


def _task_for(draft: Editor, planned: PlannedTask) -> Task:
    """The task that a plan describes, created if it is not there."""
    task_id = _id(planned)
    if task_id not in draft.tasks:
        draft.tasks[task_id] = Task(
            id=task_id,
            subject=planned.subject,
            created=draft.context.now,
            created_by=draft.context.actor.owner,
        )
        draft.created.append(task_id)
    return draft.tasks[task_id]


def _cleared(task: Task, names: Sequence[str]) -> dict[str, Any]:
    """The changes that empty these fields; a task that was begun keeps its owner."""
    fields = (CLEARABLE[name] for name in names)
    pending = task.status is Status.PENDING
    return {field.attr: field.default for field in fields if pending or field.name != "owner"}


def _says_the_same(stated: Any, old: Any) -> bool:
    """True when two values of a field are equal, lists in whatever order."""
    return sorted(stated) == sorted(old) if isinstance(stated, tuple) else bool(stated == old)


def _is_deleted(task: Task | None) -> bool:
    return task is not None and task.status is Status.DELETED


def _check_cycles(draft: Editor, snapshot: Snapshot) -> None:
    """Refuse a cycle that the plan closes; one that a merge has left is not its doing."""
    graph = Graph(draft.tasks)
    if graph.find_cycle() is None:
        return
    for name, task in draft.tasks.items():
        old = snapshot.tasks.get(name)
        added = [b for b in task.blocked_by if old is None or b not in old.blocked_by]
        if added and (path := graph.cycle_through(name, added)):
            raise rules.cycle(path)


def _advance(draft: Editor, tasks: Sequence[PlannedTask]) -> None:
    """Move tasks forward to the stated status: first those that are closed, then the starts.

    A plan may record as completed what was done out of turn; to start work is for now, so the
    rules of starting hold, and they see the tasks that the plan closes as closed.
    """
    forward = [p for p in tasks if p.status and p.status.is_ahead_of(draft.tasks[_id(p)].status)]
    for planned in forward:
        if planned.status is Status.COMPLETED:
            _complete(draft, draft.tasks[_id(planned)])
        elif planned.status is Status.SKIPPED:
            draft.skip(_id(planned))
    for planned in forward:
        if planned.status is Status.IN_PROGRESS:
            draft.start(_id(planned))


def _complete(draft: Editor, task: Task) -> None:
    context = draft.context
    pending = task.status is Status.PENDING
    draft.check_may_end(task, "apply")
    draft.put(
        task.id,
        status=Status.COMPLETED,
        owner=task.owner or context.actor.owner,
        session=context.actor.session if pending else task.session,
        left=None,
        started=task.started or context.now,
        finished=task.finished or context.now,
    )


NO_VALUES: Mapping[str, str] = MappingProxyType({})
VARIABLE_NAME = r"[A-Za-z_][A-Za-z0-9_-]{0,62}"
_USE = re.compile(rf"(\$+)\{{({VARIABLE_NAME})\}}")
"""A variable; of its dollar signs two stand for one, so that an even number makes it text."""
_TEXTS = ("subject", "id", "active_form", "description", "owner", "phase", "result")


def is_variable_name(text: str) -> bool:
    """True for what can be the name of a variable."""
    return re.fullmatch(VARIABLE_NAME, text) is not None


def with_values(plan: Plan, values: Mapping[str, str]) -> Plan:
    """The plan with its variables filled in; Usage for values that it lacks or does not know.

    Raises InvalidData, with the line, for a variable that it uses and does not declare.
    """
    declared = plan.variables
    if not declared and not values:
        return plan
    used = {name: task.line for task in reversed(plan.tasks) for name in _used(task)}
    used |= dict.fromkeys(_names(plan.title or ""), plan.title_line)
    _check_known(values, {*declared, *used})
    strange = [_undeclared(n, declared, line) for n, line in used.items() if n not in declared]
    if declared and strange:
        raise invalid_plan(plan.where, strange)
    filled = {**{n: v for n, v in declared.items() if v is not None}, **values}
    if missing := [name for name in {**declared, **used} if name not in filled]:
        names = ", ".join(missing)
        raise Usage(
            f"the plan {plan.where} needs a value for {names}",
            hint="give " + " ".join(f"-D {name}=VALUE" for name in missing),
            details={"variables": missing},
        )

    def fill(text: str) -> str:
        return _USE.sub(lambda m: _variable_value(m[1], m[2], filled), text)

    return plan._replace(
        title=None if plan.title is None else fill(plan.title),
        tasks=tuple(_filled(task, fill) for task in plan.tasks),
    )


def _variable_value(dollars: str, name: str, values: Mapping[str, str]) -> str:
    escaped = "$" * (len(dollars) // 2)
    return f"{escaped}{values[name]}" if len(dollars) % 2 else f"{escaped}{{{name}}}"


def _check_known(values: Mapping[str, str], known: set[str]) -> None:
    for name in values:
        if name not in known:
            near = near_matches(name, sorted(known), 1)
            available = f"it has {', '.join(sorted(known))}" if known else "it has none"
            hint = f"did you mean {near[0]}?" if near else available
            raise Usage(f"the plan has no variable {name}", hint=hint)


def _undeclared(name: str, declared: Mapping[str, object], line: int) -> Fault:
    near = near_matches(name, tuple(declared), 1)
    guess = f"did you mean ${{{near[0]}}}? " if near else ""
    hint = f"{guess}add it to variables, or write $${{{name}}} for the text"
    return Fault(line, f"the variable ${{{name}}} is not declared", hint)


def _names(text: str) -> list[str]:
    return [name for dollars, name in _USE.findall(text) if len(dollars) % 2]


def _used(task: PlannedTask) -> Iterator[str]:
    texts = [text for name in _TEXTS if (text := getattr(task, name))]
    for value in [*texts, *(task.blocked_by or ()), task.metadata, task.fields]:
        for text in _strings(value):
            yield from _names(text)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _strings(part)


def _filled(task: PlannedTask, fill: Callable[[str], str]) -> PlannedTask:
    names = (*_TEXTS, "blocked_by", "metadata", "fields")
    return task._replace(**{name: _in(getattr(task, name), fill) for name in names})


def _in(value: Any, fill: Callable[[str], str]) -> Any:
    """A value with all texts in it filled in."""
    if isinstance(value, str):
        return fill(value)
    if isinstance(value, Mapping):
        return {key: _in(part, fill) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_in(part, fill) for part in value)
    return value


def with_variables(text: str, values: Mapping[str, str]) -> str:
    """The text with variables for the values that are in it: `with_values` gives the text again.

    Longer values go first; what looks like a variable already stays text.
    """
    order = sorted(values, key=lambda name: -len(values[name]))
    parts = [rf"\{{{VARIABLE_NAME}\}}", *(re.escape(values[name]) for name in order)]
    pattern = re.compile(r"(\$*)(?:" + "|".join(f"({part})" for part in parts) + ")")

    def variable(match: re.Match[str]) -> str:
        number, dollars = match.lastindex or 0, match[1] * 2
        return f"{dollars}{match[2]}" if number == 2 else f"{dollars}${{{order[number - 3]}}}"

    return pattern.sub(variable, text) if order else text
