"""Sharing: exchange with a remote, and what it brought."""

from __future__ import annotations

import time

from gittasks import sync
from gittasks.core.rules import Violation, violations
from gittasks.core.times import DAY, HOUR, duration_words
from gittasks.errors import GittasksError, NoRemote, RemoteFailure
from gittasks.light import TYPE_CHECKING, NamedTuple
from gittasks.store import acknowledged, home, leases, remotes, side_branches
from gittasks.store.commits import MERGE_SIGNER
from gittasks.store.list_store import ListStore
from gittasks.store.list_version import Heads
from gittasks.workspace.session import forget_choice, lost_notices, named_list, no_remote

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gittasks.core.history import LogEntry
    from gittasks.core.merge.resolution import OpenConflict
    from gittasks.core.model import Snapshot
    from gittasks.store.commits import CommitInfo
    from gittasks.store.repository import Repository
    from gittasks.sync import SyncOptions, SyncResult
    from gittasks.workspace.session import Session


def exchange(
    session: Session, wish: SyncOptions, remote: str | None, *, all_lists: bool
) -> list[SyncResult]:
    """Exchange one list, or all; NoRemote, NotFound for a remote, NoList."""
    repository = session.repository
    chosen = remotes.remote_of(repository, remote) if remote else None
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
    is_leased = wish.fetch and wish.push and any(repository.refs.listed(leases.ALL))
    for synced in done:
        if synced.deleted:
            forget_choice(repository, synced.list_id)
        if is_leased and synced.branch and not synced.error:
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


class Exchanged(NamedTuple):
    """The history behind one list that was exchanged, oldest first, and what to see to.

    `received` and `sent` are the last ones when a number was given. `conflicts` are those that a
    commit of this exchange has a part in.
    """

    received: tuple[LogEntry, ...] = ()
    sent: tuple[LogEntry, ...] = ()
    conflicts: tuple[OpenConflict, ...] = ()
    troubles: tuple[Violation, ...] = ()
    dates_ahead: tuple[DatesAhead, ...] = ()


def exchanged(session: Session, synced: SyncResult, most: int | None = None) -> Exchanged:
    """Look up the history, the conflicts and the troubles behind an exchange.

    Of what came in and what went out the last `most` are read, or all.
    What cannot be looked up takes nothing back of that.
    """
    if synced.branch is None:
        return Exchanged()
    try:
        return _looked_up(session, synced, synced.branch.snapshot, most)
    except (GittasksError, OSError) as error:
        if not (synced.received or synced.sent):
            raise
        session.notices.append(f"done, but what came and went cannot be shown: {error}")
        return Exchanged()


def _looked_up(
    session: Session, synced: SyncResult, snapshot: Snapshot, most: int | None
) -> Exchanged:
    repository = session.repository
    parallel = repository.config.flag("gittasks.parallel")
    troubles = tuple(violations(snapshot, parallel=parallel))
    if not (synced.received or synced.sent):
        return Exchanged(troubles=troubles)
    from gittasks.workspace import conflicts, log  # the merge, where something came or went

    store = ListStore(repository, synced.list_id, synced.remote)
    incoming, outgoing = ({c.id for c in part} for part in (synced.received, synced.sent))
    last = slice(-most if most else None, None)
    return Exchanged(
        tuple(log.entries_of(store, synced.received[last])),
        tuple(log.entries_of(store, synced.sent[last])),
        tuple(
            conflict
            for conflict in conflicts.describe_received(store, snapshot, synced.conflicts)
            if (incoming | outgoing)
            & {conflict.winner.commit, *(loser.side.commit for loser in conflict.losers)}
        ),
        troubles,
        dates_ahead(synced.received, repository.config.author),
    )


def unseen_elsewhere(store: ListStore) -> list[str]:
    """Remotes beside the home that hold operations which neither it nor this clone has."""
    local, tracked, _ = store.heads()
    known = [head for head in (local, tracked) if head]

    def adds(head: str) -> bool:
        pairs = (Heads(other, head) for other in known)
        return all(store.merged(pair, None, apart=True).received for pair in pairs)

    heads = home.heads_elsewhere(store.repository, store.list_id)
    return [name for name, head in heads.items() if adds(head)]


class DatesAhead(NamedTuple):
    """Somebody whose newest commit lies after the time that it is here."""

    name: str
    seconds: int

    def __str__(self) -> str:
        unit = DAY if self.seconds >= DAY else HOUR
        span = duration_words(round(self.seconds / unit) * unit)
        return f"the dates of {self.name} lie {span} ahead of the clock here"


_AHEAD = 3600
"""Seconds: a smaller difference between two clocks puts little in the wrong order."""


def dates_ahead(commits: Iterable[CommitInfo], me: str | None) -> tuple[DatesAhead, ...]:
    """The others whose commits are from the future, by the clock of this machine.

    `me` is git's author here: who wrote something then has seen to the clock since.
    """
    newest: dict[str, int] = {}
    for commit in commits:
        if commit.author.person in (me, MERGE_SIGNER):
            continue
        name, seconds = commit.author.name, min(commit.author.time, commit.committer.time)
        newest[name] = max(newest.get(name, 0), seconds)
    now = int(time.time())
    return tuple(
        DatesAhead(name, seconds - now)
        for name, seconds in newest.items()
        if seconds - now > _AHEAD
    )
