"""News: what an exchange brought, what others have beside the home, whose clock is ahead."""

from __future__ import annotations

import time

from gittasks.core.rules import violations
from gittasks.core.times import DAY, HOUR, duration_words
from gittasks.errors import GittasksError
from gittasks.light import TYPE_CHECKING, NamedTuple
from gittasks.store import home
from gittasks.store.list_store import ListStore
from gittasks.store.list_version import MERGE_SIGNER, Heads

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gittasks.core.history import LogEntry
    from gittasks.core.merge.resolution import OpenConflict
    from gittasks.core.model import Snapshot
    from gittasks.core.rules import Violation
    from gittasks.store.commits import CommitInfo
    from gittasks.sync import SyncResult
    from gittasks.workspace.session import Session


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
