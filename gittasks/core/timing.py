"""How long phases took, read from when their tasks were started and finished."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gittasks.core.clock import format_time, seconds_between
from gittasks.core.model import Status, Task


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
    members: dict[str, list[Task]] = {}
    for task in tasks:
        if task.status not in (Status.SKIPPED, Status.DELETED) and task.phase_label:
            members.setdefault(task.phase_label, []).append(task)
    found = []
    for label, group in members.items():
        started = min((t.started for t in group if t.started), default=None)
        if started is None:
            continue
        over = all(t.status is Status.COMPLETED for t in group)
        finished = max((t.finished for t in group if t.finished), default=None) if over else None
        seconds = seconds_between(started, finished or format_time(now))
        found.append(PhaseTime(label, started, finished, max(seconds or 0, 0)))
    return found
