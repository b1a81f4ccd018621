"""Write where the remote decides: the commit is pushed before anybody believes it.

A remote takes only one of two pushes onto the same head, whatever the machines and clocks of
those who push. That is the lock on which claims stand: the loser looks again at the newer list.
"""

from __future__ import annotations

from gittasks.errors import Busy, NoList, RemoteFailure
from gittasks.store import checkouts, prune, remotes, transaction
from gittasks.store.ancestry import is_ancestor
from gittasks.store.evaluation import Evaluated
from gittasks.store.list_store import ListStore
from gittasks.store.remotes import PushOutcome
from gittasks.store.retry import Backoff
from gittasks.store.transaction import Propose, Signatures, Written
from gittasks.sync import faults

_ROUNDS = 50
"""Races that one operation may lose; each loss means that somebody else's went in."""
_BACKOFF = Backoff(first=0.02, most=0.25)
"""A long pause would let those that have just come always be first."""
_STUCK = 5
"""Times that the remote may turn a push away although nobody else's went in."""


def publish(
    store: ListStore,
    remote: str,
    propose: Propose,
    signatures: Signatures,
) -> Written:
    """Apply `propose` to the list as it is on the remote until the remote takes it.

    When it returns, the remote holds the commit and the local branch has it. Raises whatever
    `propose` raises, RemoteFailure when the remote cannot be reached or refuses, Busy when others
    always came first.
    """
    repository, ref = store.repository, store.ref
    offered: transaction.Composed | None = None
    doubts = stuck = 0
    tip: str | None = None
    for attempt in range(_ROUNDS):
        try:
            found = _look(store, remote)
        except RemoteFailure as error:
            raise faults.in_doubt(error, store.list_id) if doubts else error from None
        tracked = found.branch.heads.tracked
        if offered and tracked and is_ancestor(repository.objects, offered.commit.id, tracked):
            return _settle(store, remote, tracked, offered)
        proposal = propose(found.branch)
        if proposal is None:
            return Written(None)
        offered = transaction.compose(store, found.branch, proposal, signatures)
        local = found.branch.heads.local
        checkouts.find_clean(repository, ref, local or offered.commit.id)
        repository.objects.write([*found.new, *offered.objects])
        told = remotes.push(repository, remote, {ref: offered.commit.id})[ref]
        if told.outcome is PushOutcome.OK:
            return _settle(store, remote, offered.commit.id, offered)
        stuck = stuck + 1 if attempt and tracked == tip else 0
        tip, doubts = tracked, doubts + (told.outcome is PushOutcome.UNKNOWN)
        if told.outcome is PushOutcome.REFUSED or stuck > _STUCK:
            raise faults.not_taken(store.list_id, remote, told.reason)
        _BACKOFF.wait(attempt)
    raise Busy(
        f'others pushed to "{store.list_id}" on {remote} {_ROUNDS} times in a row',
        hint="nothing was changed; run this again",
    )


def _look(store: ListStore, remote: str) -> Evaluated:
    """The list as it is on the remote now, with what is here on top."""
    repository, list_id = store.repository, store.list_id
    absent = remotes.fetch(repository, remote, [list_id])
    if list_id in absent and remotes.published(repository, remote, list_id):
        raise faults.removed(list_id, remote)
    try:
        found = store.evaluate()
        if found.behind and found.branch.heads.local:  # what the remote lost is here again first
            transaction.integrate(store)
            found = store.evaluate()
    except NoList:
        raise faults.nowhere(list_id, remote) from None
    if found.branch.apart:
        raise faults.apart(found.branch.apart, list_id, remote)
    return found


def _settle(store: ListStore, remote: str, tracked: str, made: transaction.Composed) -> Written:
    """The remote holds the commit: so does the local branch now, with whatever came meanwhile."""
    remotes.note_tracking(store.repository, remote, store.list_id, tracked)
    _, lagging = transaction.integrate(store)
    if store.heads().local is None:
        transaction.create(store)
    prune.settle(store.repository, made.objects)
    return Written(made.commit, lagging)
