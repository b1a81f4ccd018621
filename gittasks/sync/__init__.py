"""Exchange with a remote: `sync`, which is lean where one fetch shows that nothing is to be done.

All else is in `exchange`, whose imports cost as much as the two programs in git that it runs.
"""

from __future__ import annotations

import os

from gittasks.errors import Busy, Refused, RemoteFailure
from gittasks.light import TYPE_CHECKING
from gittasks.store import home, remotes, side_branches
from gittasks.sync.outcome import Look, SyncOptions, SyncResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.store.list_store import ListStore
    from gittasks.store.repository import Repository

__all__ = ["SyncOptions", "SyncResult", "sync"]


def sync(
    stores: Sequence[ListStore],
    remote: str,
    wish: SyncOptions,
    there: frozenset[str] | None = None,
) -> list[SyncResult]:
    """Bring lists and the remote in line; one that fails stops no other.

    `there` are the lists that the remote has, where that is known already.
    """
    look = None
    if wish.fetch and there is None and len(stores) == 1:
        (store,) = stores
        look = _look(store, remote)
        if level := _level(store, remote, wish, look):
            return [level]
    from gittasks.sync import exchange  # dulwich and the merge

    return exchange.run(stores, remote, wish, there, look)


def _look(store: ListStore, remote: str) -> Look:
    """The list as a fetch shows it."""
    before = store.heads()
    try:
        return Look(before, remotes.fetch(store.repository, remote, [store.list_id]))
    except (Refused, RemoteFailure, Busy) as error:
        return Look(before, error=error)


def _level(store: ListStore, remote: str, wish: SyncOptions, look: Look) -> SyncResult | None:
    """The result where the remote holds just what is here, and held it before; else None.

    What takes more than a look at refs and at what is kept of the list is left to `exchange`.
    """
    place = (store.repository, remote, store.list_id)
    heads, urls = store.heads(), home.urls_of(*place[:2])
    if look.error or look.absent or wish.accept_rewrite or store.remote != remote:
        return None
    if heads.local is None or {heads.tracked, remotes.published(*place)} != {heads.local}:
        return None
    if (urls and urls.apart) or side_branches.pushed_as(store.repository, store.list_id):
        return None
    if any(s.list_id == store.list_id for s in side_branches.fetched(*place[:2])):
        return None
    branch = store.cached()
    if branch is None or branch.conflicts or branch.apart or branch.lost or not branch.whole:
        return None
    if _has_leases(*place):
        from gittasks.store import leases  # they are used by few

        leases.record_observations(*place)
    return SyncResult(store.list_id, remote, branch=branch, rounds=1)


def _has_leases(repository: Repository, remote: str, list_id: str) -> bool:
    """True when a remote was seen to have leases of a list, now or at the look before."""
    shown = repository.refs.listed(remotes.seen_leases(remote, list_id))
    return any(shown) or os.path.exists(remotes.lease_record(repository, remote, list_id))
