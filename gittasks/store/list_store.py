"""Read and write one list: the transaction that every change goes through.

Read the head, let the caller propose a snapshot, write blobs, tree and commit, then move the
ref once, guarded by the head that was read. A lost race asks the caller again on the new head.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from gittasks.core.model import Snapshot
from gittasks.errors import Busy, InvalidData, NoList
from gittasks.store import cache, checkouts, history, refs, upkeep
from gittasks.store.branch import next_branch, read_branch, root_objects
from gittasks.store.cache import Branch
from gittasks.store.history import CommitInfo, Signature
from gittasks.store.lock import ListLock
from gittasks.store.objects import NewObject
from gittasks.store.repository import Repository

_ATTEMPTS = 50
"""Races that one operation may lose; each loss means that somebody else's write went in."""


class Proposal(NamedTuple):
    """What a caller wants the list to become, and the commit message that says so."""

    after: Snapshot
    message: str


class Signatures(NamedTuple):
    """Author and committer of the commits that this process makes."""

    author: Signature
    committer: Signature


Propose = Callable[[Branch], Proposal | None]
"""Decides on the head it is given; None means there is nothing to change. May be called again."""


class ListStore:
    """The branch of one list in one repository."""

    def __init__(self, repository: Repository, list_id: str) -> None:
        self.repository = repository
        self.list_id = list_id
        self.ref = repository.ref(list_id)
        self._cache = os.path.join(
            repository.common, "gittasks", "cache", "lists", *self.ref.split("/")[2:]
        )

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
        return read_branch(self.repository.objects, self.list_id, commit_id, known)

    def _load(self, head: str) -> Branch:
        cached = cache.read(self._cache)
        if cached and cached.commit == head:
            return cached
        branch = read_branch(self.repository.objects, self.list_id, head, cached)
        cache.write(self._cache, branch)
        return branch

    def create(self) -> bool:
        """Make the local branch: at what was fetched, else empty. False if it was there."""
        common = self.repository.common
        with self._lock() as lock:
            if refs.read(common, self.ref):
                return False
            refs.check_creatable(common, self.ref)
            commit = self.repository.tracked(self.list_id)
            if commit is None:
                new = root_objects(self.list_id)
                self.repository.objects.write(new)
                commit = new[-1].id
            return self._move(lock, None, commit, "create")

    def update(self, propose: Propose, signatures: Signatures) -> Branch:
        """Apply `propose` to the head until it sticks; return the branch as it then is.

        When it returns, the change is on the disk and in the history. Raises whatever `propose`
        raises, Refused for a dirty checkout, Busy when other writers always came first.
        """
        import dulwich.refs  # noqa: F401  loaded before the lock is taken, not while it is held

        with self._lock() as lock:
            for attempt in range(_ATTEMPTS):
                written = self._try(lock, propose, signatures)
                if written is not None:
                    break
                time.sleep(random.uniform(0, min(0.005 * 2**attempt, 0.5)))  # noqa: S311
            else:
                raise Busy(
                    f'other writers changed "{self.list_id}" {_ATTEMPTS} times in a row',
                    hint="nothing was written; run this again in a moment",
                )
        if upkeep.is_due(self.repository):
            upkeep.start(self.repository)
        return written

    def _try(self, lock: ListLock, propose: Propose, signatures: Signatures) -> Branch | None:
        """One attempt; None when another writer moved the ref first."""
        repository = self.repository
        local = refs.read(repository.common, self.ref)
        branch = self.load()
        if local not in (None, branch.commit):
            return None
        proposal = propose(branch)
        if proposal is None:
            return branch
        self._check_writable(branch)
        tree, after, new = next_branch(repository.objects, branch, proposal.after)
        commit = history.new_commit(tree, (branch.commit,), *signatures, proposal.message)
        found = checkouts.find_clean(repository, self.ref, branch.commit)
        repository.objects.write([*new, commit])
        checkouts.check_movable(repository, found, commit.id)
        subject = proposal.message.partition("\n")[0]
        if not self._move(lock, local, commit.id, subject, signatures.committer):
            return None
        self._restore_pruned([*new, commit])
        checkouts.bring_along(repository, found, commit.id)
        written = after._replace(commit=commit.id)
        cache.write(self._cache, written)
        return written

    def _check_writable(self, branch: Branch) -> None:
        problem = next((p for p in branch.snapshot.problems if p.path == "list.yaml"), None)
        if problem:
            raise InvalidData(
                f"list.yaml cannot be read, so the list is not written: {problem.message}",
                where=f"list.yaml:{problem.line}" if problem.line else "list.yaml",
                hint="repair it by hand: git worktree add gives you the list's branch as files",
            )

    def _restore_pruned(self, new: list[NewObject]) -> None:
        """Write again what a `git gc --prune=now` took before the ref protected it."""
        if lost := self.repository.objects.missing(new):
            self.repository.objects.write(lost)

    def _lock(self) -> ListLock:
        return ListLock(self.repository.common, self.ref.removeprefix("refs/heads/"))

    def _move(
        self,
        lock: ListLock,
        old: str | None,
        new: str,
        subject: str,
        who: Signature | None = None,
    ) -> bool:
        common = self.repository.common
        if old is None:
            refs.check_creatable(common, self.ref)
        person = who or Signature("gittasks <root@gittasks.invalid>", int(time.time()))
        lock.mark(new)
        try:
            return refs.move(
                common,
                self.ref,
                old,
                new,
                reflog=lambda was, now: self._append_reflog(was, now, person, subject),
                is_leftover=lock.is_leftover,
            )
        finally:
            lock.clear()

    def _append_reflog(self, old: str, new: str, who: Signature, subject: str) -> None:
        """Record the move as git does (`core.logAllRefUpdates`; on unless bare)."""
        path = os.path.join(self.repository.common, "logs", self.ref)
        setting = self.repository.config.get("core.logallrefupdates")
        bare = self.repository.config.flag("core.bare")
        wanted = not bare if setting is None else setting.lower() not in ("false", "no", "off", "0")
        if not wanted and not os.path.exists(path):
            return
        sign, minutes = "-" if who.zone < 0 else "+", abs(who.zone)
        zone = f"{sign}{minutes // 60:02d}{minutes % 60:02d}"
        line = f"{old} {new} {who.person} {who.time} {zone}\tgittasks: {subject}\n"
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "ab") as file:
                file.write(line.encode("utf-8", "surrogateescape"))
        except OSError:
            return  # the reflog is a convenience; the branch itself holds the history

    def walk(self, head: str | None = None) -> Iterator[CommitInfo]:
        """Commits of the list, children before parents, newest first."""
        return history.walk(self.repository.objects, head or self.load().commit)
