"""All lists of a repository at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gittasks.core.model import ListInfo, Problem, Snapshot
from gittasks.errors import GittasksError, NoList
from gittasks.store.list_store import ListStore
from gittasks.workspace import choice

if TYPE_CHECKING:
    from gittasks.workspace.workspace import Workspace


class ListSummary(NamedTuple):
    """One list of a repository: where it is, and what it says."""

    id: str
    snapshot: Snapshot
    local: bool
    remotes: tuple[str, ...]
    current: bool


def lists(workspace: Workspace) -> list[ListSummary]:
    """All lists of a repository, local and fetched, in order of id."""
    repository = workspace.repository
    local = repository.local_lists()
    tracked = repository.tracked_lists()
    try:
        current: str | None = workspace.chosen.id
    except NoList:
        current = None
    found = []
    for list_id in choice.known_lists(repository):
        remotes = tuple(r for r, ids in tracked.items() if list_id in ids)
        snapshot = _readable_part(ListStore(repository, list_id))
        found.append(ListSummary(list_id, snapshot, list_id in local, remotes, list_id == current))
    return found


def _readable_part(store: ListStore) -> Snapshot:
    """The list, or an empty one with the reason as its problem: one bad list hides no other."""
    try:
        return store.load().snapshot
    except GittasksError as error:
        problem = Problem(store.ref.removeprefix("refs/heads/"), None, error.message)
        return Snapshot(info=ListInfo(id=store.list_id), problems=(problem,))
