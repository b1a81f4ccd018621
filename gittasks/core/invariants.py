"""Invariants that every command keeps and a merge can break: cycles, two tasks in progress,
running while blocked.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from gittasks.core.actors import counted
from gittasks.core.graph import Graph
from gittasks.core.model import Snapshot, Status


class TroubleKind(StrEnum):
    """The ways in which a list can be at odds with the rules."""

    CYCLE = "cycle"
    TWO_IN_PROGRESS = "two-in-progress"
    RUNNING_WHILE_BLOCKED = "running-while-blocked"


class Violation(NamedTuple):
    """The tasks that are at odds with a rule, why, and what can be done."""

    kind: TroubleKind
    tasks: tuple[str, ...]
    message: str
    hint: str


def violations(snapshot: Snapshot, *, parallel: bool = False) -> list[Violation]:
    """All troubles of a list; `parallel` allows several tasks in progress for one owner."""
    graph = Graph.of(snapshot)
    troubles = _cycles(graph)
    running = [t for t in snapshot.ordered() if t.status is Status.IN_PROGRESS]
    for task in running:
        if blockers := graph.open_blockers(task.id):
            troubles.append(
                Violation(
                    TroubleKind.RUNNING_WHILE_BLOCKED,
                    (task.id, *blockers),
                    f"{task.id} is in progress and blocked by {', '.join(blockers)}",
                    f"wait with it: gittasks release {task.id}; or see why: gittasks log {task.id}",
                )
            )
    for owner, session in dict.fromkeys((t.owner, t.session) for t in running if t.owner):
        ids = [t.id for t in counted(snapshot.tasks, owner or "", session)]
        if len(ids) > 1 and not parallel:
            troubles.append(
                Violation(
                    TroubleKind.TWO_IN_PROGRESS,
                    tuple(ids),
                    f"{owner} has {len(ids)} tasks in progress: {', '.join(ids)}",
                    f"finish one, or give it back: gittasks release {ids[-1]}",
                )
            )
    return troubles


def _cycles(graph: Graph) -> list[Violation]:
    cycle = graph.deadlock()
    if cycle is None:
        return []
    return [
        Violation(
            TroubleKind.CYCLE,
            tuple(dict.fromkeys(cycle)),
            f"these tasks wait for each other: {' → '.join(cycle)}",
            f"drop one dependency: gittasks update {cycle[0]} --remove-blocked-by {cycle[1]}",
        )
    ]
