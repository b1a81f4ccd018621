"""Claims that were made here while the remote could not be asked, until it is known what became
of them. Local to this clone: a claim of nobody else's is of interest here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple

from gittasks.core.model import Status, Task
from gittasks.store import disk
from gittasks.store.layout import Branch
from gittasks.store.list_store import ListStore


class ClaimState(Enum):
    """What became of a tentative claim."""

    OPEN = auto()
    GRANTED = auto()
    """The remote has it, and nobody was first."""
    LOST = auto()
    OVER = auto()
    """The task was finished or given back."""


class Tentative(NamedTuple):
    """A claim that nobody has granted yet, and the commit that made it."""

    task: str
    owner: str
    session: str | None
    commit: str


def read(store: ListStore) -> list[Tentative]:
    """The tentative claims of a list, oldest first."""
    try:
        rows = json.loads(disk.read(store.tentative_path))
        return [Tentative(*row) for row in rows]
    except (OSError, ValueError, TypeError):
        return []


def write(store: ListStore, claims: Sequence[Tentative]) -> None:
    """Keep these and no others."""
    path = store.tentative_path
    if claims:
        disk.put(path, json.dumps(claims).encode(), store.repository.shared)
    else:
        disk.remove(path)


def add(store: ListStore, task: Task, commit: str) -> None:
    """Remember a claim that was just made."""
    kept = [one for one in read(store) if one.task != task.id]
    write(store, [*kept, Tentative(task.id, task.owner or "", task.session, commit)])


def state(store: ListStore, branch: Branch, claim: Tentative) -> ClaimState:
    """What became of a claim."""
    task = branch.snapshot.tasks.get(claim.task)
    if task is None or task.status is not Status.IN_PROGRESS:
        mine = task is not None and (task.owner, task.session) == (claim.owner, claim.session)
        free = mine or task is None or task.status is Status.PENDING
        return ClaimState.OVER if free else ClaimState.LOST
    if (task.owner, task.session) != (claim.owner, claim.session):
        return ClaimState.LOST
    tracked = branch.heads.tracked
    if tracked is None:
        return ClaimState.OPEN
    from gittasks.store.ancestry import is_ancestor

    granted = is_ancestor(store.repository.objects, claim.commit, tracked)
    return ClaimState.GRANTED if granted else ClaimState.OPEN
