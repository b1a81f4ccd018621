"""Sharing: fetch, merge, push, until the remote is known to hold what is here.

A refused push is no failure: somebody was first, so what they did is merged and the push tried
again. Nothing is ever pushed with force, and nothing is reported as sent before the remote is
known to hold it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gittasks.core.picks import Conflict
from gittasks.errors import Busy, GittasksError, InvalidData, NoList, RemoteFailure
from gittasks.store import leases, remotes, transaction
from gittasks.store.history import CommitInfo
from gittasks.store.layout import Branch
from gittasks.store.list_store import ListStore
from gittasks.store.remotes import PushOutcome
from gittasks.store.retry import Backoff
from gittasks.sync import faults

_ROUNDS = 12
"""Pushes that one list may lose; each loss means that somebody else's went in."""
_DOUBTS = 2
"""Times that a remote may end the connection without a word before that is an answer."""
_BACKOFF = Backoff(first=0.05, most=2.0)


class Synced(NamedTuple):
    """What became of one list: operations that came in and went out, parents first.

    `branch` is the list as it is now, None when it could not be read; `conflicts` are all that
    are open, `error` says why the list is not in line with the remote.
    """

    list_id: str
    remote: str
    branch: Branch | None = None
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


class Wish(NamedTuple):
    """What to do: `fetch` first, `push` at the end; take over a rewritten history or not."""

    fetch: bool
    push: bool
    accept_rewrite: bool = False


def sync(
    stores: Sequence[ListStore],
    remote: str,
    wish: Wish,
    there: frozenset[str] | None = None,
) -> list[Synced]:
    """Bring lists and the remote in line; one that fails stops no other.

    `there` are the lists that the remote has, where that is known already.
    """
    exchanges = {store.list_id: _Exchange(store, remote, wish) for store in stores}
    running = dict(exchanges)
    for attempt in range(_ROUNDS):
        if not running:
            break
        if wish.fetch or attempt:
            _fetch(running, remote, there if not attempt else None)
        for exchange in running.values():
            exchange.integrate()
        wanted = {i: c for i, e in running.items() if (c := e.to_push())}
        if wanted:
            repository = stores[0].repository
            refspecs = {repository.ref(list_id): commit for list_id, commit in wanted.items()}
            told = remotes.push(repository, remote, refspecs)
            for list_id, commit in wanted.items():
                running[list_id].note_pushed(commit, told[repository.ref(list_id)])
        running = {i: e for i, e in running.items() if not e.settled}
        if running:
            _BACKOFF.wait(attempt)
    for exchange in running.values():
        exchange.give_up()
    return [exchange.result for exchange in exchanges.values()]


def _fetch(running: Mapping[str, _Exchange], remote: str, there: frozenset[str] | None) -> None:
    """Fetch for all that are running; when that fails, it failed for each."""
    repository = next(iter(running.values())).repository
    wanted = [list_id for list_id in running if there is None or list_id in there]
    try:
        absent = remotes.fetch(repository, remote, wanted)
    except RemoteFailure as error:
        for exchange in running.values():
            exchange.fail(error)
        return
    for list_id in wanted:
        leases.observe(repository, remote, list_id)
    missing = absent.union(running.keys() - set(wanted))
    for list_id, exchange in running.items():
        exchange.note_fetched(absent=list_id in missing)


class _Exchange:
    """One list on its way: what is known of the remote, what came in, what is to go out."""

    def __init__(self, store: ListStore, remote: str, wish: Wish) -> None:
        self.repository = store.repository
        self.result = Synced(store.list_id, remote)
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
                self.fail(faults.removed(self._list_id, self._remote))

    def _note_shown(self) -> None:
        """A list that a fetch has shown there may not be missed there later on unsaid."""
        place = (self.repository, self._remote, self._list_id)
        if remotes.published(*place) is None:
            known = remotes.held(*place) or self._store.heads().tracked
            if known:
                remotes.note_published(*place, known)

    def integrate(self) -> None:
        """Bring the local branch to what the list says with what was fetched."""
        if self.settled:
            return
        try:
            if self._wish.accept_rewrite:  # what the remote had is here before it is forgotten
                transaction.hold(self._store)
                remotes.forget_published(self.repository, self._remote, self._list_id)
            found, lagging = transaction.integrate(self._store)
            if found.behind:
                self.result = self.result._replace(behind=True)
            if found.behind and found.branch.heads.local:
                found, lagging = transaction.integrate(self._store)
        except NoList:
            self.fail(faults.nowhere(self._list_id, self._remote))
            return
        except GittasksError as error:
            self.fail(error)
            return
        heads = found.branch.heads
        received = found.received
        if not heads.local and self._before.tracked != heads.tracked:
            received = self._store.news(self._before.tracked)
        self._received |= {c.id: c for c in received}
        self._unsent = found.unsent
        branch = found.branch
        if heads.local:
            branch = branch._replace(heads=heads._replace(local=branch.commit))
        self.result = self.result._replace(
            branch=branch,
            conflicts=found.conflicts,
            lagging=lagging,
            rounds=self.result.rounds + 1,
        )
        if found.branch.apart:
            self.fail(faults.apart(found.branch.apart, self._list_id, self._remote))
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
            self.fail(faults.refused(self._list_id, self._remote, pushed.reason))

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
