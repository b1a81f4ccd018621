"""The context of a lint rule, and its evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from gittasks.core.graph import DependencyGraph, web
from gittasks.core.history import Change, ChangeKind, LogEntry
from gittasks.core.ids import listed
from gittasks.core.model import Snapshot, Status, Task, by_phase
from gittasks.core.times import seconds_between
from gittasks.core.validation import escape_line

UNCOUNTED = (Status.SKIPPED, Status.DELETED)
"""States of tasks that are no work, done or to do."""

_SHOWN = 5
"""How many tasks a sentence names before it only counts."""


class Evidence(NamedTuple):
    """Evidence of a rule: the tasks (none: the list itself), a sentence, and what to do."""

    tasks: tuple[str, ...]
    message: str
    hint: str


class Transition(NamedTuple):
    """A change of the state of a task, and the commit that made it."""

    entry: LogEntry
    change: Change


class LintContext:
    """A list at one moment, with its history, oldest first; nothing of it changes."""

    def __init__(
        self,
        snapshot: Snapshot,
        history: Sequence[LogEntry] = (),
        now: str = "",
        *,
        parallel: bool = False,
    ) -> None:
        self.snapshot = snapshot
        self.history = history
        self.now = now
        self.parallel = parallel
        """Whether an owner may have several tasks in progress."""

    @cached_property
    def tasks(self) -> list[Task]:
        """The tasks that count, in order of display: neither deleted nor skipped."""
        return [t for t in self.snapshot.ordered() if t.status is not Status.SKIPPED]

    @cached_property
    def open(self) -> list[Task]:
        """The tasks that count and are not closed."""
        return [t for t in self.tasks if not t.status.closed]

    @cached_property
    def net(self) -> DependencyGraph:
        """Their dependencies."""
        return web(self.snapshot.tasks.values())

    @cached_property
    def transitions(self) -> dict[str, list[Transition]]:
        """The changes of state of each task, oldest first."""
        transitions: dict[str, list[Transition]] = {}
        for entry in self.history:
            for change in entry.changes:
                if change.field == "status" and change.kind is ChangeKind.FIELD:
                    transitions.setdefault(change.task, []).append(Transition(entry, change))
        return transitions

    def born(self, task_id: str) -> str:
        """The state that a task was made in, as far as the history tells."""
        if transitions := self.transitions.get(task_id):
            return str(transitions[0].change.before)
        task = self.snapshot.tasks.get(task_id)
        return str(task.status if task else Status.PENDING)

    def seconds(self, task: Task) -> int:
        """Seconds that a task took, or has been in progress; 0 when not known."""
        end = self.now if task.status is Status.IN_PROGRESS else task.finished
        return seconds_between(task.started, end) or 0

    def by_phase(self) -> dict[str, list[Task]]:
        """The tasks that count, by label of their phase."""
        return {label: tasks for label, tasks in by_phase(self.tasks).items() if label}


Check = Callable[[LintContext], Iterator[Evidence]]


def grouped(pairs: Iterable[tuple[str | None, Task]]) -> dict[str, list[Task]]:
    """Tasks by key, in order of first appearance; those without a key are left out."""
    groups: dict[str, list[Task]] = {}
    for key, task in pairs:
        if key:
            groups.setdefault(key, []).append(task)
    return groups


def names_of(task: Task) -> str:
    """`p3-core (PHASE 3: Implement core)`."""
    return f"{task.id} ({escape_line(task.headline, 60)})"


def some(ids: Sequence[str]) -> str:
    """`a, b and c`, cut after five."""
    if len(ids) > _SHOWN:
        return listed(ids, _SHOWN)
    return " and ".join(filter(None, (", ".join(ids[:-1]), *ids[-1:])))
