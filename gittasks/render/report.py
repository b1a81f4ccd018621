"""The values of a report: the page and the Markdown are made from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gittasks.core.graph import Graph, Picture
from gittasks.core.history import PhaseTime, Timeline
from gittasks.core.model import Status, Task, task_seconds
from gittasks.core.progress import Progress
from gittasks.core.times import duration_brief
from gittasks.core.view import ListView
from gittasks.render.timeline import Axis

MARKER = "gittasks report"
"""What every report says near its beginning, so that it is known for one."""


class Activity(NamedTuple):
    """One commit of the history in words, as `log` tells it."""

    at: str
    commit: str
    who: str
    what: str


class Matter(NamedTuple):
    """Something that somebody should look at: what it is, and what can be done."""

    kind: str
    what: str
    details: tuple[str, ...] = ()


class Report(NamedTuple):
    """One list as it is at a moment, and how it came to be so."""

    view: ListView
    phases: Sequence[PhaseTime]
    timeline: Timeline
    matters: Sequence[Matter]
    activity: Sequence[Activity]
    picture: Picture

    @property
    def name(self) -> str:
        """The title of the list, else its id."""
        return self.view.info.title or self.view.info.id

    def axis(self) -> Axis:
        """The times of the work and of what was planned."""
        spans = ((s.start, self.view.now if s.end is None else s.end) for s in self.timeline.spans)
        return Axis.of([*spans, *((p.at, p.at) for p in self.timeline.points)])


def state_words(task: Task, graph: Graph) -> str:
    """The state of a task in a word or two; a pending one that waits for others is `blocked`."""
    if task.status is Status.PENDING:
        return "blocked" if graph.is_blocked(task.id) else "pending"
    return "in progress" if task.status is Status.IN_PROGRESS else str(task.status)


def time_words(task: Task, progress: Progress) -> str:
    """The time a task took, or has been running; empty when that is not known."""
    if task.status is Status.IN_PROGRESS:
        running = next((c.seconds for c in progress.current if c.task.id == task.id), None)
        return f"{duration_brief(running)} so far" if running else ""
    took = task_seconds(task)
    return duration_brief(took) if took else ""
