"""Advice on a list: what makes progress hard to see, found in the list and in its history.

Here are the context of a rule and its evidence, and the advice that is given early, when tasks
are made; the rules are in `rules`.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise

from gittasks.core.changes import Change, ChangeKind
from gittasks.core.graph import DependencyGraph, web
from gittasks.core.history import LogEntry
from gittasks.core.ids import listed
from gittasks.core.model import Snapshot, Status, Task, by_phase
from gittasks.core.times import seconds_between
from gittasks.core.validation import escape_line
from gittasks.light import NamedTuple

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


MOST_TASKS = 20
"""More tasks than this are hard to follow."""


_GENERIC = (
    "work works task tasks todo todos to-do list lists default main master test tests misc stuff "
    "temp tmp project new untitled things items my-tasks my-list mytasks task-list tasklist "
    "todo-list"
)


_REPAIRS = (
    "add build clean close create debug delete document drop explain fix implement move optimise "
    "optimize port profile refactor remove rename replace rewrite simplify speed test unroll write"
)
"""First words of tasks that are about a loop in a program."""


_ROUNDS = ("iterations", "rounds")
USUAL_ROUNDS = 10
"""Iterations that advice names; a loop may end early."""


def is_generic(list_id: str) -> bool:
    """True when a list id says nothing about the work."""
    return list_id.lower() in _GENERIC.split()


def is_loop(task: Task) -> bool:
    """True when a task that is no iteration sounds like a loop: `Validation loop`."""
    words = "".join(c if c.isalnum() else " " for c in task.title.lower()).split()
    if not words or task.iteration:
        return False
    if any(n.isdigit() and word in _ROUNDS for n, word in pairwise(words)):
        return True
    if words[0] in _REPAIRS.split():
        return False
    if words[-1] in ("loop", "iterations", "rounds") or words[0] in ("repeat", "iterate"):
        return True
    ends = ("pass", "passes", "passed", "green", "clean", "approved", "done", "ok")
    return "until" in words and any(w in ends for w in words[words.index("until") :])


def remarks(before: Snapshot, after: Snapshot, created: Sequence[str]) -> list[str]:
    """Sentences about tasks that were just made, with what to do; mostly none."""
    new = [after.tasks[i] for i in created if i in after.tasks]
    sentences = [_loop_remark(t) for t in new if t.status is Status.PENDING and is_loop(t)][:1]
    counts = [sum(t.status not in UNCOUNTED for t in s.tasks.values()) for s in (before, after)]
    if counts[0] <= MOST_TASKS < counts[1]:
        sentences.append(
            f"the list has {counts[1]} tasks; more than {MOST_TASKS} are hard to follow: make "
            "one of small steps, or a list for each part"
        )
    if label := _late_phase(before, new):
        sentences.append(
            f"{label} is new, and the work has begun: make all phases before the first task "
            "starts, so that everybody sees what is to come"
        )
    return sentences


def _loop_remark(task: Task) -> str:
    return (
        f"{task.id} sounds like a loop; with a task for each round everybody sees where it is: "
        f"gittasks create {shlex.quote(task.subject)} --iterations {USUAL_ROUNDS}"
    )


def _late_phase(before: Snapshot, new: Sequence[Task]) -> str | None:
    """A phase that comes after the work has begun, to a list that has phases and is not done."""
    labels = [label for t in new if (label := t.phase_label)]
    if not labels:
        return None
    alive = [t for t in before.tasks.values() if t.status is not Status.DELETED]
    begun = any(t.started for t in alive) and not all(t.status.closed for t in alive)
    known = {label.casefold() for t in alive if (label := t.phase_label)} if begun else set()
    return next((x for x in labels if known and x.casefold() not in known), None)
