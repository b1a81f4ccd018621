"""Early advice: worth a word at once, when a list or tasks are made."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import pairwise

from gittasks.core.lint.context import UNCOUNTED
from gittasks.core.model import Snapshot, Status, Task

MOST_TASKS = 20
"""More tasks than this are hard to take in."""


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
            f"the list has {counts[1]} tasks; more than {MOST_TASKS} are hard to take in: make "
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
    alive = [t for t in before.tasks.values() if t.status is not Status.DELETED]
    begun = any(t.started for t in alive) and not all(t.status.closed for t in alive)
    known = {t.phase_label.casefold() for t in alive if t.phase_label} if begun else set()
    if not known:
        return None
    labels = (t.phase_label for t in new)
    return next((x for x in labels if x and x.casefold() not in known), None)
