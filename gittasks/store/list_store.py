"""Read one list of a repository, from the cache while it is unchanged."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gittasks.errors import NoList
from gittasks.store import cache, refs
from gittasks.store.discovery import read_shallow
from gittasks.store.layout import Branch
from gittasks.store.repository import Repository

if TYPE_CHECKING:
    from gittasks.store.history import CommitInfo


class ListStore:
    """The branch of one list in one repository. Reading takes no lock."""

    def __init__(self, repository: Repository, list_id: str) -> None:
        self.repository = repository
        self.list_id = list_id
        self.ref = repository.ref(list_id)
        self._cache = repository.cache_path("lists", self.ref)
        ends = read_shallow(repository.common)
        kind = f"history-{zlib.crc32(ends.encode()):08x}" if ends else "history"
        self.history_path = repository.cache_path(kind, self.ref)

    def head(self) -> str | None:
        """Commit of the list: the local branch, else the one that was fetched, else None."""
        local = refs.read(self.repository.common, self.ref)
        return local or self.repository.tracked(self.list_id)

    def load(self) -> Branch:
        """Return the list as it is now; NoList when there is none of this id."""
        head = self.head()
        if head is None:
            raise NoList(
                f'there is no task list "{self.list_id}" in this repository',
                hint=f"make it with: gittasks init {self.list_id}",
            )
        return self._load(head)

    def load_at(self, commit_id: str, known: Branch | None = None) -> Branch:
        """Return the list as it was at a commit, parsing only what differs from `known`."""
        from gittasks.store.branch import read_branch

        return read_branch(self.repository.objects, self.list_id, commit_id, known)

    def _load(self, head: str) -> Branch:
        cached = cache.read(self._cache)
        if cached and cached.commit == head:
            return cached
        from gittasks.store.branch import read_branch  # dulwich, YAML: not for a warm read

        branch = read_branch(self.repository.objects, self.list_id, head, cached)
        self.remember(branch)
        return branch

    def remember(self, branch: Branch) -> None:
        """Keep a branch that was read or written, for the next command, if it is the whole one."""
        if branch.whole:
            cache.write(self._cache, branch, self.repository.shared)

    def commit(self, commit_id: str) -> CommitInfo:
        """One commit of the list."""
        from gittasks.store import history

        return history.read_commit(self.repository.objects, commit_id)

    def walk(self, head: str | None = None) -> Iterator[CommitInfo]:
        """Commits of the list, children before parents, newest first."""
        from gittasks.store import history

        return history.walk(self.repository.objects, head or self.load().commit)
