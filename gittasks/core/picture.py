"""What `graph` shows of a list: which tasks, how they hang together, what to point out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gittasks.core.clock import format_time
from gittasks.core.graph import Graph
from gittasks.core.model import Snapshot
from gittasks.core.paths import CriticalPath, Web, around, critical_path, layers, web

_CYCLES = 10
"""Cycles that are written out: each is a search, and one is enough to know what to mend."""


class Picture(NamedTuple):
    """Tasks and dependencies as they are drawn.

    `missing` maps ids of tasks to those of their blockers that are not in the list or cannot be
    read; each of `cycles` is written as `Graph.cycle_through` does.
    """

    net: Web
    critical: CriticalPath
    missing: Mapping[str, tuple[str, ...]]
    cycles: tuple[tuple[str, ...], ...]

    @property
    def layers(self) -> Mapping[str, int]:
        """The layer of each task: 0 for those that wait for nothing."""
        return layers(self.net)

    @property
    def critical_steps(self) -> set[tuple[str, str]]:
        """Pairs (task, blocker) that follow each other on the critical path."""
        way = self.critical.tasks
        return set(zip(way[1:], way, strict=False))


def picture(
    snapshot: Snapshot, now: int, *, only_open: bool = False, task_id: str | None = None
) -> Picture:
    """The whole list, or what comes before and after one task; `only_open` without closed ones.

    The critical path is that of the whole list, as far as it is in the picture.
    """
    whole = web(snapshot.tasks.values())
    way = critical_path(whole, format_time(now))
    near = around(whole, task_id) if task_id else {t.id for t in whole.tasks}
    shown = [
        t
        for t in whole.tasks
        if t.id in near and (t.id == task_id or not (only_open and t.status.closed))
    ]
    net = whole if len(shown) == len(whole.tasks) else web(shown)
    here = {t.id for t in shown}
    missing = {
        t.id: gone
        for t in shown
        if (gone := tuple(dict.fromkeys(b for b in t.blocked_by if b not in snapshot.tasks)))
    }
    graph = Graph({t.id: t for t in shown})
    cycles = (graph.cycle_through(t, [b]) for t, b in net.closing[:_CYCLES])
    left = tuple(i for i in way.left if i in here)
    seconds = way.seconds if left == way.left else None
    return Picture(
        net,
        CriticalPath(tuple(i for i in way.tasks if i in here), left, seconds),
        missing,
        tuple(c for c in cycles if c),
    )
