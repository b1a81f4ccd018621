"""Lint rules about the course of the work, read from the history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from gittasks.core.history import Change, ChangeKind, LogEntry
from gittasks.core.lint.context import Evidence, LintContext, names_of, some
from gittasks.core.model import Status, Task
from gittasks.core.times import MINUTE, duration_words, seconds_between

LONG = 10 * MINUTE
"""Seconds after which somebody who watches takes work without a word for stuck."""
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
                f"{names_of(task)} was made when it was done",
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
                f"{names_of(task)} is in progress, and nothing was said of it for "
                f"{duration_words(silent)}",
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
            f"{some(long)} {each} more than {duration_words(LONG)} without a word in between",
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
