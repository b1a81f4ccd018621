"""Sharing: exchange with a remote, of one list or of all, and what ends with that."""

from __future__ import annotations

from gittasks import sync
from gittasks.errors import NoRemote, RemoteFailure
from gittasks.light import TYPE_CHECKING
from gittasks.store import acknowledged, home, remotes, side_branches
from gittasks.store.list_store import ListStore
from gittasks.workspace.session import forget_choice, lost_notices, named_list, no_remote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.store.repository import Repository
    from gittasks.sync import SyncOptions, SyncResult
    from gittasks.workspace.session import Session


def exchange(
    session: Session, wish: SyncOptions, remote: str | None, *, all_lists: bool
) -> list[SyncResult]:
    """Exchange one list, or all; NoRemote, NotFound for a remote, NoList."""
    repository = session.repository
    chosen = home.remote_of(repository, remote) if remote else None
    known = repository.known_lists()
    for list_id, count in acknowledged.gone(repository).items():
        session.notify(lost_notices(list_id, count))
    if all_lists or not (known or named_list(repository, session.list_option)):
        return _sync_all(session, wish, chosen)
    store = ListStore(repository, session.list_id, chosen)
    if (remote := store.decisive) is None:
        raise no_remote(repository, store.list_id)
    _notify_moved(session, [store], remote)
    return _tidied(repository, sync.sync([store], remote, wish), wish)


def _notify_moved(session: Session, stores: Sequence[ListStore], remote: str) -> None:
    """Say of which lists the home is another repository than before."""
    words = (home.moved(session.repository, store.list_id, remote) for store in stores)
    session.notify(sentence for sentence in words if sentence)


def _tidied(repository: Repository, done: list[SyncResult], wish: SyncOptions) -> list[SyncResult]:
    """Remove what has ended with this exchange: leases of this clone, the choice of a list."""
    is_leased = wish.fetch and wish.push and any(repository.refs.listed(remotes.LEASES))
    for synced in done:
        if synced.deleted:
            forget_choice(repository, synced.list_id)
        if is_leased and synced.branch and not synced.error:
            from gittasks.store import leases  # they are used by few

            store = ListStore(repository, synced.list_id, synced.remote)
            leases.remove_ended(store, synced.remote, synced.branch.snapshot.tasks)
    return done


def _sync_all(session: Session, wish: SyncOptions, named: str | None) -> list[SyncResult]:
    """All lists that are here or on the remote; each with its own remote unless one is named."""
    repository = session.repository
    by_remote: dict[str, set[str]] = {}
    if first := named or home.of(repository, "").remote:
        by_remote[first] = set()
    done: list[SyncResult] = []
    for list_id in repository.known_lists():
        try:
            if chosen := named or home.decisive(repository, list_id):
                by_remote.setdefault(chosen, set()).add(list_id)
        except NoRemote as error:  # it stops no other list
            done.append(sync.SyncResult(list_id, "", error=error))
    if not by_remote and not done:
        raise no_remote(repository)
    for remote, lists in sorted(by_remote.items()):
        try:
            shown = remotes.lists(repository, remote) if wish.fetch else None
        except RemoteFailure as error:  # it stops no list of another remote
            done += [sync.SyncResult(i, remote, error=error) for i in sorted(lists) or [remote]]
            continue
        beside = {side.list_id for side in side_branches.fetched(repository, remote)}
        known = beside.union(shown or ())
        theirs = {i for i in known if named or home.of(repository, i).remote == remote}
        theirs -= {result.list_id for result in done}
        stores = [ListStore(repository, list_id, remote) for list_id in sorted(lists | theirs)]
        _notify_moved(session, stores, remote)
        done += sync.sync(stores, remote, wish, shown)
    # Only the tracking ref is left of what was removed there: nothing here is at stake.
    done = [synced._replace(error=None) if synced.removed else synced for synced in done]
    return _tidied(repository, done, wish)
