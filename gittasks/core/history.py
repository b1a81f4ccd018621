"""The history of a list as values: its commits, what each changed, how long phases took."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from gittasks.core.clock import format_time, seconds_between
from gittasks.core.model import Status, Task, by_phase


class ChangeKind(StrEnum):
    """A change of one field, or of a whole task: its file is new, gone, or no longer reads."""

    FIELD = "field"
    CREATED = "created"
    REMOVED = "removed"
    UNREADABLE = "unreadable"
    REPAIRED = "repaired"


class Change(NamedTuple):
    """One field of one task before and after.

    `field` is the name in the file and in JSON; that of a whole task is the word of its kind, with
    the Task `after` its creation or `before` its removal. A change of the list itself has the
    task "". In a LogEntry the values are those of JSON, and a whole task stands as its subject.
    """

    task: str
    field: str
    before: Any
    after: Any
    kind: ChangeKind = ChangeKind.FIELD


class LogEntry(NamedTuple):
    """One commit of a list. `by` is the git author, `owner` the actor that the commit names."""

    commit: str
    at: str
    by: str
    owner: str | None
    session: str | None
    subject: str
    changes: tuple[Change, ...]
    forced: tuple[str, ...] = ()
    undo_of: str | None = None

    @property
    def who(self) -> str:
        """The owner name of the actor, or the git author of a commit made by hand."""
        return self.owner or self.by

    @property
    def tasks(self) -> tuple[str, ...]:
        """Ids of the tasks it changed, in the order of the changes; "" is the list itself."""
        return tuple(dict.fromkeys(change.task for change in self.changes))

    def changes_of(self, task_id: str) -> tuple[Change, ...]:
        """The changes of one task."""
        return tuple(change for change in self.changes if change.task == task_id)


class PhaseTime(NamedTuple):
    """One phase from its first start to its last finish; `finished` is None while it goes on.

    `seconds` counts to `now` in the latter case. Skipped tasks do not count.
    """

    label: str
    started: str
    finished: str | None
    seconds: int


def phase_times(tasks: Sequence[Task], now: int) -> list[PhaseTime]:
    """Times of the phases that have begun, in the order in which the tasks are given."""
    times = []
    phases = by_phase(t for t in tasks if t.status is not Status.DELETED)
    for label, members in phases.items():
        counted = [t for t in members if t.status is not Status.SKIPPED]
        started = min((t.started for t in counted if t.started), default=None)
        if label is None or started is None:
            continue
        over = all(t.status is Status.COMPLETED for t in counted)
        finished = max((t.finished for t in counted if t.finished), default=None) if over else None
        seconds = seconds_between(started, finished or format_time(now))
        times.append(PhaseTime(label, started, finished, max(seconds or 0, 0)))
    return times
