"""After a merge, a checkout or a rebase: one line about what teammates did in the meantime.

What is news is what was fetched, is not in the local branch yet, and was not told before.
"""

from __future__ import annotations

import os

from gittasks.core.model import Snapshot, Status
from gittasks.errors import GittasksError
from gittasks.githooks import code
from gittasks.githooks.telling import place, some
from gittasks.store import disk
from gittasks.store.evaluation import evaluate
from gittasks.store.layout import Heads
from gittasks.store.list_store import ListStore
from gittasks.store.repository import Repository
from gittasks.workspace import Workspace

_WORDS = {
    Status.COMPLETED: "completed",
    Status.IN_PROGRESS: "started",
    Status.SKIPPED: "skipped",
    Status.PENDING: "opened again",
    Status.DELETED: "deleted",
}


def tell(workspace: Workspace) -> list[str]:
    """A line for each list of which something new was fetched."""
    repository = workspace.repository
    if code.rebase_folder(repository):
        return []
    told = []
    for list_id in repository.known_lists():
        try:
            line = _line(ListStore(repository, list_id))
        except GittasksError as error:
            line = error.message
        if line:
            told.append(f"{list_id}: {line}")
    return told


def begin(repository: Repository) -> None:
    """From now on tell what comes in; what was fetched before is known."""
    for list_id in repository.known_lists():
        if tracked := ListStore(repository, list_id).heads().tracked:
            disk.put(_told_path(repository, list_id), tracked.encode(), repository.shared)


def _line(store: ListStore) -> str | None:
    heads = store.heads()
    path = _told_path(store.repository, store.list_id)
    if heads.tracked is None or heads.tracked in (heads.local, _told(path)):
        return None
    before = _before(store, heads.local, _told(path))
    branch = store.load()
    disk.put(path, heads.tracked.encode(), store.repository.shared)
    if before is None:
        return f"a task list came in {place(branch.snapshot.tasks.values())}"
    words = _what(before, branch.snapshot)
    if not words:
        return None
    return f"{words} {place(branch.snapshot.tasks.values())}"


def _before(store: ListStore, local: str | None, told: str | None) -> Snapshot | None:
    """The list as it was known here; None when it was not, or is no longer there to be read."""
    try:
        if local and told:
            return evaluate(
                store.repository, store.list_id, Heads(local, told), None
            ).branch.snapshot
        known = local or told
        return store.load_at(known).snapshot if known else None
    except GittasksError:
        return None


def _what(before: Snapshot, after: Snapshot) -> str:
    """`bob completed a, b; carol started c; 2 new`."""
    moved: dict[tuple[str, str], list[str]] = {}
    new = 0
    for task in after.ordered(deleted=True):
        old = before.tasks.get(task.id)
        if old is None:
            new += 1
        if task.status is not (old.status if old else Status.PENDING):
            who = task.owner or "somebody"
            moved.setdefault((who, _WORDS[task.status]), []).append(task.id)
    words = [f"{who} {what} {some(ids)}" for (who, what), ids in moved.items()]
    words += [f"{new} new {'task' if new == 1 else 'tasks'}"] if new else []
    if not words and before.tasks != after.tasks:
        changed = sum(before.tasks.get(i) != t for i, t in after.tasks.items())
        words.append(f"{changed} {'task' if changed == 1 else 'tasks'} changed")
    return "; ".join(words)


def _told_path(repository: Repository, list_id: str) -> str:
    return os.path.join(repository.common, "gittasks", "told", list_id)


def _told(path: str) -> str | None:
    try:
        return disk.read(path).decode("ascii", "replace").strip() or None
    except OSError:
        return None
