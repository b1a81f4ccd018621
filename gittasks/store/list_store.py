"""Read one list of a repository, from the cache while it is unchanged."""

from __future__ import annotations

import os
import zlib

from gittasks.errors import BranchGone, NoList, Way
from gittasks.light import TYPE_CHECKING, cached_property
from gittasks.store import disk, home, list_version
from gittasks.store.discovery import read_shallow
from gittasks.store.list_version import CachedList, Heads, ListVersion
from gittasks.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gittasks.store.commits import CommitInfo, Graph
    from gittasks.store.evaluation import Memory
    from gittasks.store.list_tree import Evaluated
    from gittasks.store.merge_files import Comparisons


class ListStore:
    """The branch of one list in one repository. Reading takes no lock."""

    def __init__(self, repository: Repository, list_id: str, remote: str | None = None) -> None:
        self._given = remote
        if remote:
            self.remote = remote
        self.repository = repository
        self.list_id = list_id
        self.ref = repository.ref(list_id)
        self._cache = repository.cache_path("lists", self.ref)
        ends = read_shallow(repository.common)
        kind = f"history-{zlib.crc32(ends.encode()):08x}" if ends else "history"
        self.history_path = repository.cache_path(kind, self.ref)
        self._memory: Memory | None = None

    @property
    def tentative_path(self) -> str:
        """The file of the claims that nobody has granted yet; usually there is none."""
        return os.path.join(self.repository.common, "gittasks", "tentative", self.list_id)

    @cached_property
    def remote(self) -> str | None:
        """The remote that this list is shared through, as well as it can be told."""
        return home.of(self.repository, self.list_id).remote

    @property
    def decisive(self) -> str | None:
        """The remote that decides on claims, None when this repository does; NoRemote in doubt."""
        if self._given:
            return home.remote_of(self.repository, self._given)
        return home.decisive(self.repository, self.list_id)

    def heads(self) -> Heads:
        """The commits of the branch: here, and on the remote when it was last fetched."""
        refs = self.repository.refs
        local = refs.read(self.ref)
        tracked = refs.read(self._tracking(self.remote)) if self.remote else None
        if not local and not tracked:
            tracked = home.elsewhere(self.repository, self.list_id)
        return Heads(local, tracked)

    def _tracking(self, remote: str) -> str:
        return self.repository.tracking_ref(remote, self.list_id)

    def trace(self) -> tuple[object, ...]:
        """Changes when the branch moves, here or where it was fetched to; cheaper than `heads`."""
        tracking = [self._tracking(self.remote)] if self.remote else []
        return self.repository.refs.trace([self.ref, *tracking])

    def head(self) -> str | None:
        """A commit of the list: of the local branch, else the one that was fetched, else None."""
        heads = self.heads()
        return heads.local or heads.tracked

    def load(self) -> ListVersion:
        """Return the list as it is now, what was fetched included; NoList when there is none."""
        heads = self._existing()
        cached = list_version.read_cache(self._cache)
        if cached and cached.heads.at_same_commits(heads):
            return cached
        return self._evaluate(heads, cached).branch

    def cached(self) -> ListVersion | None:
        """The list as it is now, where it was worked out before."""
        cached = self._cached_at(self.heads())
        return cached.version if cached else None

    def _cached_at(self, heads: Heads) -> CachedList | None:
        cached = list_version.open_cache(self._cache)
        return cached if cached and cached.heads.at_same_commits(heads) else None

    def readable_commit(self) -> str:
        """The commit that says the list as it is now, one that this process can read."""
        cached = self._cached_at(self._existing())
        if cached and not cached.in_memory:
            return cached.commit
        return self.load_readable().commit

    def load_readable(self) -> ListVersion:
        """Return the list as it is now, at a commit that this process can read."""
        branch = self.load()
        return self.evaluate().branch if branch.in_memory else branch

    def evaluate(self, tracked: str | None = None, *, apart: bool = False) -> Evaluated:
        """The list as it is now, with what it takes to write that down; `apart` as in `merged`.

        `tracked` is what its remote is known to hold, whatever the tracking ref says.
        """
        heads = self.heads()._replace(tracked=tracked) if tracked else self._existing()
        return self._evaluate(heads, list_version.read_cache(self._cache), apart=apart)

    def news(self, since: str | None) -> tuple[CommitInfo, ...]:
        """Operations that the remote has, as it was last fetched, and had not at `since`."""
        heads = Heads(since, self.heads().tracked)
        if since is None:
            return tuple(reversed(list(self.walk(heads.tracked))))
        return self.merged(heads, None, apart=True).received

    def check_not_gone(self) -> None:
        """Raise BranchGone when the list is nowhere any more, and operations were made here."""
        heads = self.heads()
        if heads.local or heads.tracked:
            return
        from gittasks.store import acknowledged  # only on the way to an error, or to a new list

        if acknowledged.all_heads(self.repository, self.list_id):
            raise BranchGone(
                f'the branch of the task list "{self.list_id}" is gone with what was made here',
                ways=[
                    Way("bring it back", ("gittasks", "lists", "restore", self.list_id)),
                    Way("let it go", ("gittasks", "lists", "forget", self.list_id), decision=True),
                ],
            )

    def _existing(self) -> Heads:
        heads = self.heads()
        if not heads.local and not heads.tracked:
            self.check_not_gone()
            raise NoList(
                f'there is no task list "{self.list_id}" in this repository',
                ways=[Way("make it", ("gittasks", "init", self.list_id))],
            )
        return heads

    def _evaluate(
        self, heads: Heads, near: ListVersion | None, *, apart: bool = False
    ) -> Evaluated:
        from gittasks.store import acknowledged, remotes

        if self.remote:
            known = remotes.held(self.repository, self.remote, self.list_id)
            heads = heads._replace(published=known)
        evaluated = self.merged(heads, near, apart=apart)
        lost = acknowledged.lost(self.repository, self.list_id, heads.all)
        evaluated = evaluated._replace(branch=evaluated.branch._replace(lost=len(lost)))
        if self.remote and heads.tracked and not evaluated.branch.apart and not evaluated.behind:
            seen = self.repository.refs.read(self._tracking(self.remote))
            if seen == heads.tracked:  # else some other remote has it, and its own does not
                remotes.note_seen(self.repository, self.remote, self.list_id, seen)
        self.remember(evaluated.branch)
        return evaluated

    def merged(self, heads: Heads, near: ListVersion | None, *, apart: bool = False) -> Evaluated:
        """Work out what heads say together; `near` is a version that may save some reading.

        With `apart`, also the operations that only one of them has.
        """
        from gittasks.store.evaluation import Memory, evaluate  # dulwich, YAML: not for a warm read

        if self._memory is None:
            self._memory = Memory()
        place = self.repository, self.list_id
        return evaluate(*place, heads, near, apart=apart, memory=self._memory)

    def load_at(self, commit_id: str, known: ListVersion | None = None) -> ListVersion:
        """Return the list as it was at a commit, parsing only what differs from `known`."""
        from gittasks.store.list_tree import read_branch

        return read_branch(self.repository.objects, self.list_id, commit_id, known)

    def comparisons(self, known: ListVersion | None = None) -> Comparisons:
        """A reader of what single commits changed."""
        from gittasks.store.merge_files import Comparisons

        return Comparisons(self.repository.objects, self.list_id, known)

    def remember(self, branch: ListVersion) -> None:
        """Keep a branch that was read or written, for the next command, if it is the whole one."""
        if branch.whole:
            list_version.write_cache(self._cache, branch, self.repository.shared)
            disk.remove(list_version.pieces_path(self.repository.common, self.list_id))

    def forget_cached(self) -> None:
        """Let the next look work out the list again, though no head has moved."""
        disk.remove(self._cache)

    def commit(self, commit_id: str) -> CommitInfo:
        """One commit of the list."""
        return self.graph(commit_id).commit(commit_id)

    def graph(self, head: str, down_to: Sequence[str] = (), *, wanted: bool = False) -> Graph:
        """The graph of the commits behind `head`, as far as they are not behind some others."""
        from gittasks.store import commits

        return commits.Graph(self.repository.objects, [head], down_to, wanted=wanted)

    def walk(self, head: str | None = None) -> Iterator[CommitInfo]:
        """Commits of the list, children before parents, newest first."""
        graph = self.graph(head := head or self.load().commit)
        return graph.commits(graph.newest_first(head))
