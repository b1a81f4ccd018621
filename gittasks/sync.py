"""Exchange with a remote: fetch, merge, push; and commits that the remote decides.

A refused push is no failure: somebody was first, so what they did is merged and the push tried
again. Nothing is ever pushed with force, and nothing is reported as sent before the remote is
known to hold it.

A remote takes only one of two pushes onto the same head, whatever the machines and clocks of
those who push. That is the lock on which claims stand: the loser looks again at the newer list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from gittasks.core.merge.resolution import Conflict
from gittasks.core.model import Unmerged
from gittasks.errors import (
    Busy,
    FormatTooNew,
    GittasksError,
    HistoryRewritten,
    InvalidData,
    NoList,
    RemoteFailure,
)
from gittasks.store import leases, remotes, transaction, worktrees
from gittasks.store.ancestry import is_ancestor
from gittasks.store.commits import CommitInfo
from gittasks.store.evaluation import Evaluated
from gittasks.store.list_store import ListStore
from gittasks.store.list_version import ListVersion
from gittasks.store.remotes import PushOutcome
from gittasks.store.retry import Backoff
from gittasks.store.transaction import CommitResult, Propose, Signatures

__all__ = ["SyncOptions", "SyncResult", "sync"]


def rewritten(list_id: str, remote: str) -> HistoryRewritten:
    """The remote's history lost something."""
    return HistoryRewritten(
        f'the history of "{list_id}" was rewritten on {remote}: it no longer holds what was '
        "fetched or pushed before, so nothing was merged",
        hint="ask who did that; gittasks sync --accept-rewrite merges both histories, and "
        "nothing here is lost",
        details={"list": list_id},
    )


def removed(list_id: str, remote: str) -> HistoryRewritten:
    """The remote has the list no more."""
    return HistoryRewritten(
        f'"{list_id}" was removed from {remote}, which had it before',
        hint="it is all here still; push it there again with: gittasks push --accept-rewrite",
        details={"list": list_id},
    )


def shallow(list_id: str, remote: str) -> RemoteFailure:
    """A shallow clone lacks what a merge needs."""
    return RemoteFailure(
        f'"{list_id}" cannot be merged: this is a shallow clone, which lacks where the two '
        "histories part",
        hint=f"get the whole history with: git fetch --unshallow {remote}",
        details={"list": list_id},
    )


def newer(list_id: str, remote: str) -> FormatTooNew:
    """Somebody works on the list with a later version of gittasks."""
    return FormatTooNew(
        f'"{list_id}" on {remote} was written by a later version of gittasks',
        hint="update gittasks: pip install --upgrade gittasks; your work is safe here until then",
        details={"list": list_id},
    )


def unmergeable(why: Unmerged, list_id: str, remote: str) -> GittasksError:
    """The error for a branch that what was fetched is not in; see `Branch.apart`."""
    errors = {Unmerged.SHALLOW: shallow, Unmerged.NEWER: newer, Unmerged.REWRITTEN: rewritten}
    return errors[why](list_id, remote)


def refused(list_id: str, remote: str, reason: str) -> RemoteFailure:
    """The remote does not take it, or says nothing."""
    return RemoteFailure(
        f'{remote} refused "{list_id}": {reason or "it ended the connection without a word"}',
        hint="your work is safe in the local branch; it is not on the remote",
        details={"list": list_id},
    )


def nowhere(list_id: str, remote: str) -> NoList:
    """There is no such list, neither here nor there."""
    return NoList(
        f'there is no task list "{list_id}" here or on {remote}',
        hint=f"make it with: gittasks init {list_id}",
    )


def not_taken(list_id: str, remote: str, reason: str) -> RemoteFailure:
    """The remote did not take a write that it has to agree to, so it was not made here either."""
    return RemoteFailure(
        f'{remote} did not take the change to "{list_id}": {reason or "no reason was given"}',
        hint="nothing was changed; try again, or work without asking the remote: --offline",
        details={"list": list_id},
    )


def in_doubt(error: GittasksError | OSError, list_id: str, remote: str) -> RemoteFailure:
    """The answer to a push was lost, and the remote cannot be asked any more."""
    reason = error.message if isinstance(error, GittasksError) else str(error)
    return RemoteFailure(
        f"{reason}; whether {remote} took the change before that is unknown",
        hint="find out, as soon as it can be reached, with: gittasks pull; "
        "the same command again does nothing twice",
        details={"list": list_id, "outcome": "unknown"},
    )


_ROUNDS = 12
"""Pushes that one list may lose; each loss means that somebody else's went in."""
_DOUBTS = 2
"""Times that a remote may end the connection without a word before that is an answer."""
_BACKOFF = Backoff(first=0.05, most=2.0)


class SyncResult(NamedTuple):
    """Outcome for one list: operations that came in and went out, parents first.

    `branch` is the list as it is now, None when it could not be read; `conflicts` are all that
    are open, `error` says why the list is not in line with the remote.
    """

    list_id: str
    remote: str
    branch: ListVersion | None = None
    received: tuple[CommitInfo, ...] = ()
    sent: tuple[CommitInfo, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    created: bool = False
    """The remote did not have the list before."""
    absent: bool = False
    """The remote does not have the list."""
    behind: bool = False
    """The remote lacked operations that it had before."""
    rounds: int = 0
    lagging: tuple[str, ...] = ()
    error: GittasksError | None = None


class SyncOptions(NamedTuple):
    """Steps to take: `fetch` first, `push` at the end; take over a rewritten history or not."""

    fetch: bool
    push: bool
    accept_rewrite: bool = False


def sync(
    stores: Sequence[ListStore],
    remote: str,
    wish: SyncOptions,
    there: frozenset[str] | None = None,
) -> list[SyncResult]:
    """Bring lists and the remote in line; one that fails stops no other.

    `there` are the lists that the remote has, where that is known already.
    """
    exchanges = {store.list_id: _ListSync(store, remote, wish) for store in stores}
    running = dict(exchanges)
    for attempt in range(_ROUNDS):
        if not running:
            break
        if wish.fetch or attempt:
            _fetch(running, remote, there if not attempt else None)
        for exchange in running.values():
            exchange.integrate()
        commits = {i: c for i, e in running.items() if (c := e.to_push())}
        if commits:
            repository = stores[0].repository
            refspecs = {repository.ref(list_id): commit for list_id, commit in commits.items()}
            answers = remotes.push(repository, remote, refspecs)
            for list_id, commit in commits.items():
                running[list_id].note_pushed(commit, answers[repository.ref(list_id)])
        running = {i: e for i, e in running.items() if not e.settled}
        if running:
            _BACKOFF.wait(attempt)
    for exchange in running.values():
        exchange.give_up()
    return [exchange.result for exchange in exchanges.values()]


def _fetch(running: Mapping[str, _ListSync], remote: str, there: frozenset[str] | None) -> None:
    """Fetch for all that are running; when that fails, it failed for each."""
    repository = next(iter(running.values())).repository
    present = [list_id for list_id in running if there is None or list_id in there]
    try:
        absent = remotes.fetch(repository, remote, present)
    except (RemoteFailure, Busy) as error:
        for exchange in running.values():
            exchange.fail(error)
        return
    for list_id in present:
        leases.record_observations(repository, remote, list_id)
    missing = absent.union(running.keys() - set(present))
    for list_id, exchange in running.items():
        exchange.note_fetched(absent=list_id in missing)


class _ListSync:
    """One list on its way: what is known of the remote, what came in, what is to go out."""

    def __init__(self, store: ListStore, remote: str, wish: SyncOptions) -> None:
        self.repository = store.repository
        self.result = SyncResult(store.list_id, remote)
        self.settled = False
        self._store = store
        self._list_id = store.list_id
        self._remote = remote
        self._wish = wish
        self._before = store.heads()
        self._absent = False
        self._received: dict[str, CommitInfo] = {}
        self._unsent: tuple[CommitInfo, ...] = ()
        self._offered: dict[str, CommitInfo] = {}
        self._doubts = self._stuck = 0
        self._tip: tuple[str | None, ...] = ()

    def note_fetched(self, *, absent: bool) -> None:
        """Take in what a fetch said of this list."""
        self._absent = absent
        if not absent:
            self._note_shown()
        elif remotes.published(self.repository, self._remote, self._list_id):
            if self._wish.accept_rewrite:
                remotes.forget_published(self.repository, self._remote, self._list_id)
            else:
                self.fail(removed(self._list_id, self._remote))

    def _note_shown(self) -> None:
        """A list that a fetch has shown there may not be missed there later on unsaid."""
        place = (self.repository, self._remote, self._list_id)
        if remotes.published(*place) is None:
            known = remotes.held(*place) or self._store.heads().tracked
            if known:
                remotes.record_published(*place, known)

    def integrate(self) -> None:
        """Bring the local branch to what the list says with what was fetched."""
        if self.settled:
            return
        try:
            if self._wish.accept_rewrite:  # what the remote had is here before it is forgotten
                transaction.hold(self._store)
                remotes.forget_published(self.repository, self._remote, self._list_id)
            evaluated, lagging, _ = transaction.integrate(self._store)
            if evaluated.behind:
                self.result = self.result._replace(behind=True)
            if evaluated.behind and evaluated.branch.heads.local:
                evaluated, lagging, _ = transaction.integrate(self._store)
        except NoList:
            self.fail(nowhere(self._list_id, self._remote))
            return
        except GittasksError as error:
            self.fail(error)
            return
        heads = evaluated.branch.heads
        received = evaluated.received
        if not heads.local and self._before.tracked != heads.tracked:
            received = self._store.news(self._before.tracked)
        self._received |= {c.id: c for c in received}
        self._unsent = evaluated.unsent
        branch = evaluated.branch
        if heads.local:
            branch = branch._replace(heads=heads._replace(local=branch.commit))
        self.result = self.result._replace(
            branch=branch,
            conflicts=evaluated.conflicts,
            lagging=lagging,
            rounds=self.result.rounds + 1,
        )
        if evaluated.branch.apart:
            self.fail(unmergeable(evaluated.branch.apart, self._list_id, self._remote))
            return
        if not self._wish.push:
            self.result = self.result._replace(absent=self._absent)
            self._finish()

    def to_push(self) -> str | None:
        """The commit that the remote should have; None when it has it, or there is none."""
        if self.settled:
            return None
        heads = self._store.heads()
        looked = self._wish.fetch or self.result.rounds > 1
        if heads.local is None or (looked and not self._absent and heads.local == heads.tracked):
            self._finish()
            return None
        if self.result.branch:
            try:
                transaction.check_writable(self.result.branch)
            except InvalidData as error:  # what is no list is not pushed either
                self.fail(error)
                return None
        unsent = self._unsent
        if self._absent or not heads.tracked:  # all of it is new there
            unsent = tuple(reversed(list(self._store.walk(heads.local))))
        self._offered |= {c.id: c for c in unsent}
        return heads.local

    def note_pushed(self, commit: str, pushed: remotes.Pushed) -> None:
        """Take in what became of a push."""
        if pushed.outcome is PushOutcome.OK:
            with suppress(GittasksError, OSError):  # it is there, and the next fetch says so
                remotes.note_tracking(self.repository, self._remote, self._list_id, commit)
            self.result = self.result._replace(created=pushed.created)
            self._finish()
        elif pushed.outcome is PushOutcome.UNKNOWN:
            self._doubts += 1  # the next fetch tells whether it is there
        elif pushed.outcome is PushOutcome.LOST:
            tip = self._store.heads().tracked  # nobody was first if that stays as it is
            self._stuck = self._stuck + 1 if self._tip == (tip,) else 0
            self._tip = (tip,)
        if pushed.outcome is PushOutcome.REFUSED or self._doubts > _DOUBTS or self._stuck > _DOUBTS:
            self.fail(refused(self._list_id, self._remote, pushed.reason))

    def give_up(self) -> None:
        """Others were always first."""
        message = f'others pushed to "{self._list_id}" on {self._remote} {_ROUNDS} times in a row'
        hint = "what they did is merged, and your work is safe here; run this again"
        self.fail(Busy(message, hint=hint))

    def fail(self, error: GittasksError) -> None:
        """It goes no further."""
        self.result = self.result._replace(error=error, received=tuple(self._received.values()))
        self.settled = True

    def _finish(self) -> None:
        self.result = self.result._replace(
            received=tuple(self._received.values()), sent=tuple(self._offered.values())
        )
        self.settled = True


_PUBLISH_ROUNDS = 50
"""Races that one operation may lose; each loss means that somebody else's went in."""
_PUBLISH_BACKOFF = Backoff(first=0.02, most=0.25)
"""A long pause would let those that have just come always be first."""
_STUCK = 5
"""Times that the remote may turn a push away although nobody else's went in."""


def commit_through_remote(
    store: ListStore,
    remote: str,
    propose: Propose,
    signatures: Signatures,
) -> CommitResult:
    """Apply `propose` to the list as it is on the remote until the remote takes it.

    When it returns, the remote holds the commit and the local branch has it. Raises whatever
    `propose` raises, RemoteFailure when the remote cannot be reached or refuses, Busy when others
    always came first.
    """
    repository, ref = store.repository, store.ref
    offered: transaction.PreparedCommit | None = None
    doubtful, stuck = False, 0
    tip: str | None = None
    for attempt in range(_PUBLISH_ROUNDS):
        try:
            found = _look(store, remote)
        except (GittasksError, OSError) as error:
            if doubtful:
                raise in_doubt(error, store.list_id, remote) from error
            raise
        tracked = found.branch.heads.tracked
        if offered and tracked and is_ancestor(repository.objects, offered.commit.id, tracked):
            return _settle(store, remote, tracked, offered)
        proposal = propose(found.branch)
        if proposal is None:
            return CommitResult(None)
        offered = transaction.compose(store, found.branch, proposal, signatures)
        local = found.branch.heads.local
        worktrees.find_clean(repository, ref, local or offered.commit.id)
        repository.objects.write([*found.new, *offered.objects])
        try:
            told = remotes.push(repository, remote, {ref: offered.commit.id})[ref]
        except OSError as error:  # git may have been on its way
            told = remotes.Pushed(PushOutcome.UNKNOWN, str(error))
        if told.outcome is PushOutcome.OK:
            return _settle(store, remote, offered.commit.id, offered)
        stuck = stuck + 1 if attempt and tracked == tip else 0
        tip, doubtful = tracked, told.outcome is PushOutcome.UNKNOWN
        if told.outcome is PushOutcome.REFUSED or stuck > _STUCK:
            failure = not_taken(store.list_id, remote, told.reason)
            raise in_doubt(failure, store.list_id, remote) if doubtful else failure
        _PUBLISH_BACKOFF.wait(attempt)
    raise Busy(
        f'others pushed to "{store.list_id}" on {remote} {_PUBLISH_ROUNDS} times in a row',
        hint="nothing was changed; run this again",
    )


def _look(store: ListStore, remote: str) -> Evaluated:
    """The list as it is on the remote now, with what is here on top."""
    repository, list_id = store.repository, store.list_id
    absent = remotes.fetch(repository, remote, [list_id])
    if list_id in absent and remotes.published(repository, remote, list_id):
        raise removed(list_id, remote)
    try:
        evaluated = store.evaluate()
        if evaluated.behind and evaluated.branch.heads.local:
            # what the remote lost is here again first
            transaction.integrate(store)
            evaluated = store.evaluate()
    except NoList:
        raise nowhere(list_id, remote) from None
    if evaluated.branch.apart:
        raise unmergeable(evaluated.branch.apart, list_id, remote)
    return evaluated


def _settle(
    store: ListStore, remote: str, tracked: str, prepared: transaction.PreparedCommit
) -> CommitResult:
    """The remote holds the commit: so does the local branch now, with whatever came meanwhile."""
    after = transaction.Aftermath()
    lagging: tuple[str, ...] = ()
    with after.step(f"that {remote} has it is not recorded here; gittasks pull does that"):
        remotes.note_tracking(store.repository, remote, store.list_id, tracked)
    with after.step(f"{remote} has it, and the branch here not yet; gittasks pull brings it"):
        if store.heads().local is None:
            after.unfinished += transaction.create(store).unfinished
        merged = transaction.integrate(store, tracked)
        lagging = merged.lagging
        after.unfinished += merged.unfinished
        transaction.ensure_present(store.repository, prepared.objects)
    return CommitResult(prepared.commit, lagging, tuple(after.unfinished))
