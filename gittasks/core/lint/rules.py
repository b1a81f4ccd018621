"""Lint rules: those about a list as it stands, those about the course of the work, and their run.

It is long because every rule is here, with the words that it has for what it found; each is a
function from the context to evidence, and none needs another.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from gittasks.core.changes import Change, ChangeKind
from gittasks.core.editor import phase_number
from gittasks.core.graph import transitive_edges
from gittasks.core.history import LogEntry
from gittasks.core.lint import (
    MOST_TASKS,
    USUAL_ROUNDS,
    Check,
    Evidence,
    LintContext,
    grouped,
    is_generic,
    is_loop,
    names_of,
    some,
)
from gittasks.core.model import Status, Task
from gittasks.core.rules import TroubleKind, violations
from gittasks.core.times import MINUTE, duration_words, seconds_between
from gittasks.core.validation import escape_line
from gittasks.light import StrEnum

_LONG = 300
"""Characters of a sentence; a cycle may have any number of tasks."""
_MIN_KNOWN = 2
"""Finished tasks that say how long all take."""
LONG = 10 * MINUTE
"""Seconds after which somebody who watches takes a task without a word for stuck."""
_ALIKE = 3
"""From so many tasks that differ only in a number they are one task, or a loop."""
_SIZES = (
    (5 * MINUTE, 3, 5),
    (15 * MINUTE, 8, 12),
    (30 * MINUTE, 12, 18),
    (math.inf, 15, MOST_TASKS),
)
"""Up to how many seconds of work, the fewest and the most tasks that let somebody follow it."""


def trouble(kind: TroubleKind, case: LintContext) -> Iterator[Evidence]:
    """Report a state that no rule allows, and a merge or a hand edit can leave."""
    for violation in violations(case.snapshot, parallel=case.parallel):
        if violation.kind is kind:
            message = escape_line(violation.message, _LONG)
            yield Evidence(violation.tasks, message, violation.hint)


def too_many_tasks(case: LintContext) -> Iterator[Evidence]:
    """Nobody sees at a glance where a long list is."""
    if (count := len(case.tasks)) > MOST_TASKS:
        yield Evidence(
            (),
            f"the list has {count} tasks; more than {MOST_TASKS} are hard to follow",
            "make one task of small steps that belong together, or a list for each part: "
            "gittasks init ID",
        )


def task_count(case: LintContext) -> Iterator[Evidence]:
    """So many tasks as the time that the work takes lets somebody follow."""
    known = [case.seconds(t) for t in case.tasks if t.status is Status.COMPLETED]
    if len(known) < _MIN_KNOWN:
        return
    seconds = sum(known) * len(case.tasks) // len(known)
    fewest, most = next((low, high) for limit, low, high in _SIZES if seconds < limit)
    count = len(case.tasks)
    few = count < fewest and seconds > count * LONG
    many = most < MOST_TASKS and 2 * count > 3 * most  # the guidance is a rough one
    if not (few or many) or count > MOST_TASKS:
        return
    step = "make larger ones" if many else "make smaller ones"
    yield Evidence(
        (),
        f"the list has {count} tasks for {duration_words(seconds)} of work; {fewest} to {most} let "
        "somebody follow it",
        f"{step}, each a step of 1 to 5 minutes",
    )


def loop_as_task(case: LintContext) -> Iterator[Evidence]:
    """A loop in one task shows no round of it."""
    starts = {
        task_id: sum(t.change.after == Status.IN_PROGRESS.value for t in transitions)
        for task_id, transitions in case.transitions.items()
    }
    for task in case.open:
        if is_loop(task):
            why = f"{names_of(task)} is a loop in one task"
        elif starts.get(task.id, 0) >= _ALIKE:
            why = f"{names_of(task)} was started {starts[task.id]} times: it is a loop in one task"
        else:
            continue
        yield Evidence(
            (task.id,),
            f"{why}, so nobody sees which round it is in",
            f"make a task for each round: gittasks create {shlex.quote(task.subject)} "
            f"--iterations {USUAL_ROUNDS}, then: gittasks delete {task.id}",
        )


def _loops(case: LintContext) -> dict[str, list[Task]]:
    """Iterations of each loop, skipped and deleted ones too."""
    tasks = case.snapshot.ordered(deleted=True)
    return grouped(
        (f"{t.phase} {t.iteration.max} {t.iteration.name.casefold()}", t)
        for t in tasks
        if t.iteration
    )


def missing_iterations(case: LintContext) -> Iterator[Evidence]:
    """`Iteration 1/10` promises ten rounds that can be seen."""
    for tasks in _loops(case).values():
        numbers = {t.iteration.n for t in tasks if t.iteration}
        top = max(t.iteration.max for t in tasks if t.iteration)
        if len(numbers) == top or all(t.status.closed for t in tasks):
            continue
        first = next(n for n in range(1, top + 1) if n not in numbers)
        yield Evidence(
            tuple(t.id for t in tasks),
            f"the loop of {names_of(tasks[0])} says {top} iterations and has {len(numbers)}: "
            f"number {first} is not there",
            "make it: gittasks create "
            + shlex.quote(f"Iteration {first}/{top}: {tasks[0].title}")
            + "; done --end-loop skips those that are not needed",
        )


def unfinished_loop(case: LintContext) -> Iterator[Evidence]:
    """A loop that was left without an end keeps the list from being complete."""
    begun = {t.id: t.sort_key for t in case.tasks if t.status is not Status.PENDING}
    last = max(begun.values(), default=None)
    for tasks in _loops(case).values():
        waiting = [t for t in tasks if t.status is Status.PENDING]
        over = [t for t in tasks if t.status is Status.COMPLETED]
        if not waiting or not over or any(t.status is Status.IN_PROGRESS for t in tasks):
            continue
        if last and last > max(t.sort_key for t in tasks):
            yield Evidence(
                tuple(t.id for t in waiting),
                f"the work has gone on behind the loop of {names_of(tasks[0])}, "
                f"and {some([t.id for t in waiting])} still wait",
                f"end the loop: gittasks done {over[-1].id} --end-loop",
            )


def parallel_as_task(case: LintContext) -> Iterator[Evidence]:
    """Of several agents in one task nobody sees which are done."""
    for task in case.open:
        if re.match(_PARALLEL, task.title, re.IGNORECASE):
            yield Evidence(
                (task.id,),
                f"{names_of(task)} is the work of several in one task",
                "make a task for each, with an owner, so that each is seen to finish: "
                "gittasks create NAME --owner AGENT",
            )


_PARALLEL = (
    r"(?:run|launch|start|spawn|do|execute|perform|request|get)\s+"
    r"(?:[2-9]|[1-9][0-9]|two|three|four|five|six|seven|eight|nine|ten|several|multiple)\s+"
    r"(?:[\w-]+\s+){0,3}(?:reviews|reviewers|agents|models|audits|opinions|analyses|workers)\b"
)


def numbered_tasks(case: LintContext) -> Iterator[Evidence]:
    """Tasks that differ only in a number are steps of one, or rounds of a loop."""
    alike = grouped((_without_number(t), t) for t in case.tasks if not t.iteration)
    for tasks in alike.values():
        owners = {t.owner for t in tasks}
        mine_alone = len(owners) == 1 or None in owners
        if len(tasks) >= _ALIKE and mine_alone and any(not t.status.closed for t in tasks):
            yield Evidence(
                tuple(t.id for t in tasks),
                f"{some([t.id for t in tasks])} differ only in a number",
                'steps of a minute belong in one task; rounds of a loop are called "Iteration '
                'i/N: NAME"; tasks of several agents have owners',
            )


def _without_number(task: Task) -> str | None:
    match = re.fullmatch(r"(.*\w)\s+#?(?:[0-9]{1,4}|[A-Z])", task.title)
    return f"{task.phase_label} {match[1].casefold()}" if match else None


def no_active_form(case: LintContext) -> Iterator[Evidence]:
    """While a task runs, its activeForm is what a watcher reads."""
    ids = tuple(t.id for t in case.open if not t.active_form)
    if ids:
        have = "has" if len(ids) == 1 else "have"
        yield Evidence(
            ids,
            f"{some(ids)} {have} no activeForm, which is what is said while a task runs",
            f'give one: gittasks update {ids[0]} --active-form "Running tests"',
        )


def generic_list_id(case: LintContext) -> Iterator[Evidence]:
    """Of a list called `tasks` nobody knows what it is about."""
    if is_generic(case.snapshot.info.id):
        yield Evidence(
            (),
            f'the list id "{case.snapshot.info.id}" says nothing about the work',
            "call the next list after what it is for: gittasks init feature-auth",
        )


def dangling_dependency(case: LintContext) -> Iterator[Evidence]:
    """Report blockers that are not in the list."""
    tasks, unreadable = case.snapshot.tasks, case.snapshot.unreadable
    for task in case.open:
        for blocker in dict.fromkeys(task.blocked_by):
            if blocker in unreadable:
                continue
            if blocker not in tasks:
                why = "is not in this list"
            elif tasks[blocker].status is Status.DELETED:
                why = "is deleted"
            else:
                continue
            shown = escape_line(blocker, 80)
            yield Evidence(
                (task.id,),
                f"{names_of(task)} waits for {shown}, which {why}",
                f"drop it: gittasks update {task.id} --remove-blocked-by {shown}",
            )


def redundant_dependency(case: LintContext) -> Iterator[Evidence]:
    """A dependency that follows from others hides those that matter."""
    needless: dict[str, list[str]] = {}
    for task_id, blocker in transitive_edges(case.net):
        if not case.snapshot.tasks[task_id].status.closed:
            needless.setdefault(task_id, []).append(blocker)
    for task_id, blockers in needless.items():
        yield Evidence(
            (task_id, *blockers),
            f"{names_of(case.snapshot.tasks[task_id])} waits for {some(blockers)} already through "
            "other tasks",
            f"drop it: gittasks update {task_id} --remove-blocked-by {blockers[0]}",
        )


# --- phases --------------------------------------------------------------------------------


def phase_order(case: LintContext) -> Iterator[Evidence]:
    """Phases are numbered in the order in which they stand, are worked on, and depend."""
    numbered = [(n, t) for t in case.tasks if (n := phase_number(t.phase_label))]
    begun = [n for n, t in numbered if t.status is not Status.PENDING]
    if begun:
        late = grouped(
            (t.phase_label, t) for n, t in numbered if t.status is Status.PENDING and n < max(begun)
        )
        top = next(t.phase_label for n, t in numbered if n == max(begun))
        for label, tasks in late.items():
            ids = [t.id for t in tasks]
            yield Evidence(
                tuple(ids),
                f"{top} has begun while {some(ids)} of {label} {_verb('wait', ids)}",
                f"do it first, or close it: gittasks skip {ids[0]}",
            )
    numbers = {t.id: n for n, t in numbered}
    for number, task in numbered:
        for blocker in case.net.waits[task.id]:
            if numbers.get(blocker, number) > number and not task.status.closed:
                yield Evidence(
                    (task.id, blocker),
                    f"{names_of(task)} waits for {blocker} of a later phase",
                    f"drop the dependency: gittasks update {task.id} --remove-blocked-by {blocker}",
                )
    yield from _out_of_place([(n, t) for n, t in numbered if not t.status.closed])


def _verb(verb: str, ids: list[str]) -> str:
    return f"{verb}s" if len(ids) == 1 else verb


def _out_of_place(numbered: list[tuple[tuple[int, str], Task]]) -> Iterator[Evidence]:
    top = (0, "")
    behind: list[str] = []
    in_place: list[tuple[tuple[int, str], Task]] = []
    first: tuple[int, str] | None = None
    for number, task in numbered:
        if number < top:
            behind.append(task.id)
            first = first or number
        else:
            in_place.append((number, task))
        top = max(top, number)
    if first is None:
        return
    before = [task for number, task in in_place if number <= first]
    order = in_place[0][1].order
    way = f"--after {before[-1].id}" if before else f"--order {math.floor(order or 0) - 1}"
    yield Evidence(
        tuple(behind),
        f"{some(behind)} {_verb('stand', behind)} behind tasks of later phases",
        f"put it in its place: gittasks update {behind[0]} {way}",
    )


# --- the course of the work, read from the history ---------------------------------------------

BATCH = 10
"""Seconds within which tasks that ran side by side are completed in one go."""
_LATE = 3
"""So many tasks that came late, and a quarter of the list: fewer are what work brings up."""
_SHARE = 4


# --- what came late ------------------------------------------------------------------------


class _Late(NamedTuple):
    """Ids of tasks that were made after work began, and the phases that were there before."""

    ids: set[str]
    phases: set[str]


def _late(case: LintContext) -> _Late:
    """Collect what came late; after all tasks are closed a new round begins."""
    tasks, status = case.snapshot.tasks, dict[str, str]()
    late, known = set[str](), set[str]()
    begun = False
    waiting = 0  # tasks that are not closed
    for entry in case.history:
        had_begun = begun
        for change in entry.changes:
            if change.kind is ChangeKind.CREATED:
                new = case.born(change.task)
                task = tasks.get(change.task)
                if had_begun:
                    late.add(change.task)
                elif task and task.phase_label:
                    known.add(task.phase_label.casefold())
            elif change.kind is ChangeKind.REMOVED:
                new = Status.DELETED.value
            elif change.field == "status" and change.kind is ChangeKind.FIELD:
                new = str(change.after)
            else:
                continue
            waiting += _is_open(new) - _is_open(status.get(change.task))
            status[change.task] = new
            begun = begun or new in (Status.IN_PROGRESS.value, Status.COMPLETED.value)
        begun = begun and waiting > 0
    return _Late(late, known)


def _is_open(status: str | None) -> bool:
    return status in (Status.PENDING.value, Status.IN_PROGRESS.value)


def _late_phases(case: LintContext, late: _Late) -> dict[str, list[Task]]:
    """Phases of which every task came late, in a list that had phases before."""
    return {
        label: tasks
        for label, tasks in case.by_phase().items()
        if late.phases
        and label.casefold() not in late.phases
        and all(t.id in late.ids for t in tasks)
    }


def late_phase(case: LintContext) -> Iterator[Evidence]:
    """A phase that nobody could see when the work began."""
    for label, tasks in _late_phases(case, _late(case)).items():
        yield Evidence(
            tuple(t.id for t in tasks),
            f"{label} was made after the work had begun, so nobody saw it coming",
            "make all phases before the first task starts, in one step: gittasks apply plan.md",
        )


def late_tasks(case: LintContext) -> Iterator[Evidence]:
    """Some work turns up on the way; a plan of which much comes late was none."""
    late = _late(case)
    reported = {t.id for tasks in _late_phases(case, late).values() for t in tasks}
    ids = [t.id for t in case.tasks if t.id in late.ids and t.id not in reported]
    if len(ids) >= _LATE and len(ids) * _SHARE >= len(case.tasks):
        yield Evidence(
            tuple(ids),
            f"{len(ids)} of {len(case.tasks)} tasks were made after the work had begun: "
            f"{some(ids)}",
            "make what can be foreseen before the first task starts: gittasks apply plan.md",
        )


def after_the_fact(case: LintContext) -> Iterator[Evidence]:
    """A task that is made when it is done shows no progress, only a result."""
    for entry in case.history:
        created = [c.task for c in entry.changes if c.kind is ChangeKind.CREATED]
        if len(created) != 1:  # a list that is brought along from elsewhere comes at once
            continue
        task = case.snapshot.tasks.get(created[0])
        if task and task.status is Status.COMPLETED and _was_done(case, task, entry):
            yield Evidence(
                (task.id,),
                f"{names_of(task)} was created after the work on it was done",
                "make tasks before the work on them begins, and start them: gittasks start ID",
            )


def _was_done(case: LintContext, task: Task, creation: LogEntry) -> bool:
    if case.born(task.id) == Status.COMPLETED.value:
        return True
    transitions = case.transitions.get(task.id)
    if not transitions or transitions[0].change.after != Status.COMPLETED.value:
        return False
    apart = seconds_between(creation.at, transitions[0].entry.at)
    return apart is not None and apart <= BATCH


# --- what was said when --------------------------------------------------------------------


class Completion(NamedTuple):
    """A task that became completed, and its place among all changes."""

    place: int
    commit: str
    at: str
    task: str
    owner: str


def batched_completions(case: LintContext) -> Iterator[Evidence]:
    """Tasks that are completed in one go were done one after the other, and nobody saw it."""
    for run in batches(case.history, case.snapshot.tasks):
        ids = tuple(dict.fromkeys(c.task for c in run))
        at = run[0].at.replace("T", " ")
        yield Evidence(
            ids,
            f"{some(ids)} were completed in one go, {at}",
            "complete each task when it is done: gittasks done ID",
        )


def batches(
    oldest_first: Iterable[LogEntry], tasks: Mapping[str, Task]
) -> Iterator[list[Completion]]:
    """Completions of several tasks with no work between them, run by run."""
    started: dict[str, int] = {}
    run: list[Completion] = []
    changes = ((entry, change) for entry in oldest_first for change in entry.changes)
    for place, (entry, change) in enumerate(changes):
        if change.field != "status" or change.kind is not ChangeKind.FIELD:
            continue
        if change.after == Status.IN_PROGRESS.value:
            started[change.task] = place
        if change.after != Status.COMPLETED.value or change.task not in tasks:
            continue
        owner = tasks[change.task].owner or entry.who
        new = Completion(place, entry.commit, entry.at, change.task, owner)
        if run and not _goes_on(run[-1], new, started.get(change.task)):
            yield from _several(run)
            run = []
        run.append(new)
    yield from _several(run)


def _several(run: list[Completion]) -> Iterator[list[Completion]]:
    if len({c.task for c in run}) > 1:
        yield run


def _goes_on(last: Completion, new: Completion, started: int | None) -> bool:
    """True when a completion belongs to the last, with no work in between."""
    if last.commit == new.commit:
        return True
    apart = seconds_between(last.at, new.at)
    soon = apart is not None and apart <= BATCH
    return soon and last.owner == new.owner and (started is None or started < last.place)


def stuck(case: LintContext) -> Iterator[Evidence]:
    """Work without a word looks as if it had stopped."""
    last = {change.task: entry.at for entry in case.history for change in entry.changes}
    for task in case.open:
        if task.status is not Status.IN_PROGRESS:
            continue
        since = max(filter(None, (last.get(task.id), task.started)), default=None)
        silent = seconds_between(since, case.now) or 0
        if silent > LONG:
            yield Evidence(
                (task.id,),
                f"{names_of(task)} is in progress, and had no update for {duration_words(silent)}",
                f'say how far it is: gittasks note {task.id} "...", make smaller tasks of it, or '
                f"give it back: gittasks release {task.id}",
            )


_STATE = frozenset({"status", "owner", "session", "claim", "left", "started", "finished", "result"})


def silent_work(case: LintContext) -> Iterator[Evidence]:
    """Long work that was told of at its start and its end only."""
    tasks = case.snapshot.tasks
    watched, heard = set[str](), set[str]()
    for entry in case.history:
        for change in entry.changes:
            task = tasks.get(change.task)
            if task is None or change.kind is not ChangeKind.FIELD:
                continue
            if change.field == "status":
                watched.add(task.id)
            elif _reports(change, entry, task):
                heard.add(task.id)
    long = [
        t.id
        for t in case.tasks
        if t.id in watched - heard and t.status is Status.COMPLETED and case.seconds(t) > LONG
    ]
    if long:
        each = "took" if len(long) == 1 else "each took"
        yield Evidence(
            tuple(long),
            f"{some(long)} {each} more than {duration_words(LONG)} without an update in between",
            'say how far it is while you work: gittasks note ID "..."; or plan smaller tasks',
        )


def _reports(change: Change, entry: LogEntry, task: Task) -> bool:
    """A change between start and finish that says more than who has the task."""
    return change.field not in _STATE and (task.started or "") < entry.at < (task.finished or "")


def one_task_phase(case: LintContext) -> Iterator[Evidence]:
    """A long phase of one task shows nothing of what happens in it."""
    for label, tasks in case.by_phase().items():
        seconds = case.seconds(tasks[0])
        if len(tasks) == 1 and seconds > LONG:
            so_far = " so far" if tasks[0].status is Status.IN_PROGRESS else ""
            yield Evidence(
                (tasks[0].id,),
                f"{label} is one task, {names_of(tasks[0])}, of {duration_words(seconds)}{so_far}",
                "make 2 or 3 tasks of a phase that takes longer than some minutes",
            )


# --- all of them -----------------------------------------------------------------------------


class Severity(StrEnum):
    """Worst first: nobody can go on; somebody is misled; it could be better."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Rule(NamedTuple):
    """A rule: its name in options and configuration, how bad a finding is, what looks for it."""

    name: str
    severity: Severity
    check: Check


class Finding(NamedTuple):
    """A finding of a rule, as `lint` prints it."""

    rule: str
    severity: Severity
    tasks: tuple[str, ...]
    message: str
    hint: str


def _trouble(kind: TroubleKind, severity: Severity) -> Rule:
    return Rule(kind, severity, partial(trouble, kind))


RULES = (
    _trouble(TroubleKind.CYCLE, Severity.ERROR),
    _trouble(TroubleKind.RUNNING_WHILE_BLOCKED, Severity.WARNING),
    _trouble(TroubleKind.TWO_IN_PROGRESS, Severity.WARNING),
    Rule("stuck", Severity.WARNING, stuck),
    Rule("phase-order", Severity.WARNING, phase_order),
    Rule("unfinished-loop", Severity.WARNING, unfinished_loop),
    Rule("dangling-dependency", Severity.WARNING, dangling_dependency),
    Rule("too-many-tasks", Severity.WARNING, too_many_tasks),
    Rule("loop-as-task", Severity.WARNING, loop_as_task),
    Rule("missing-iterations", Severity.WARNING, missing_iterations),
    Rule("late-phase", Severity.WARNING, late_phase),
    Rule("late-tasks", Severity.WARNING, late_tasks),
    Rule("after-the-fact", Severity.WARNING, after_the_fact),
    Rule("batched-completions", Severity.WARNING, batched_completions),
    Rule("generic-list-id", Severity.WARNING, generic_list_id),
    Rule("silent-work", Severity.INFO, silent_work),
    Rule("one-task-phase", Severity.INFO, one_task_phase),
    Rule("parallel-as-task", Severity.INFO, parallel_as_task),
    Rule("task-count", Severity.INFO, task_count),
    Rule("numbered-tasks", Severity.INFO, numbered_tasks),
    Rule("redundant-dependency", Severity.INFO, redundant_dependency),
    Rule("no-active-form", Severity.INFO, no_active_form),
)
"""In the order in which findings are told."""

NAMES = tuple(rule.name for rule in RULES)


def findings(
    case: LintContext, only: Collection[str] = (), ignore: Collection[str] = ()
) -> list[Finding]:
    """The findings of the rules, worst first: of `only`, if given, and none of `ignore`."""
    return [
        Finding(rule.name, rule.severity, *evidence)
        for severity in Severity
        for rule in RULES
        if rule.severity is severity and (not only or rule.name in only) and rule.name not in ignore
        for evidence in rule.check(case)
    ]
