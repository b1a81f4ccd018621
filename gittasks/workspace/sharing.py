"""Sharing: exchange with a remote, and the conflicts of a merge."""

from __future__ import annotations

import itertools
import os
import time
from typing import TYPE_CHECKING, NamedTuple

from gittasks import sync
from gittasks.core.merge.registers import ABSENT, STATE, Register, State, field_of
from gittasks.core.merge.resolution import (
    Command,
    Conflict,
    ConflictKind,
    Loser,
    OpenConflict,
    Side,
    Write,
    anew,
    commands_to_take,
)
from gittasks.core.messages import OWNER, can_keep, keep_message, parse_trailers
from gittasks.core.rules import Violation, built_on, violations
from gittasks.core.times import DAY, HOUR, duration_words, format_time
from gittasks.errors import GittasksError, NoRemote, RemoteFailure
from gittasks.store import acknowledged, home, leases, remotes, side_branches, transaction
from gittasks.store.commits import MERGE_SIGNER
from gittasks.store.list_store import ListStore
from gittasks.store.list_version import Heads
from gittasks.store.merge_files import task_of
from gittasks.workspace import log
from gittasks.workspace.session import (
    forget_choice,
    lost_notices,
    named_list,
    no_remote,
    signatures,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gittasks.core.history import LogEntry
    from gittasks.core.model import Snapshot
    from gittasks.store.commits import CommitInfo
    from gittasks.store.list_version import ListVersion
    from gittasks.store.repository import Repository
    from gittasks.sync import SyncOptions, SyncResult
    from gittasks.workspace.session import Session


_SUBJECT: Register = ("subject",)


def conflicts(session: Session) -> list[OpenConflict]:
    """The open conflicts of the list at work, in order of display of the tasks."""
    branch = session.branch()
    if not branch.conflicts:
        return []
    evaluated = session.store.evaluate()
    opened = describe_received(session.store, evaluated.branch.snapshot, evaluated.conflicts)
    if session.list_option is None:
        return opened
    name = ("--list", session.list_id)
    return [c._replace(losers=tuple(_for_list(x, name) for x in c.losers)) for c in opened]


def _for_list(loser: Loser, name: Command) -> Loser:
    """The commands with the list that was asked about: another may have a task of that id.

    `init` is left out, since it would also make that list the one in use.
    """
    return loser._replace(commands=tuple((*c, *name) for c in loser.commands if c[1] != "init"))


def check_uncontested(store: ListStore, commit: str) -> None:
    """Refuse to take back a commit that competes with another: that one would be lost with it."""
    for conflict in store.evaluate().conflicts:
        if commit in {conflict.winner.commit, *(w.commit for w in conflict.losers)}:
            task_id = task_of(conflict.path)
            raise built_on(
                f"{task_id or 'the list'} was changed at the same time by another "
                f"({field_of(conflict.register)})",
                (task_id,) if task_id else (),
                {"task": task_id, "field": field_of(conflict.register)},
            )


def accept_value(session: Session, task_id: str | None) -> int:
    """Settle conflicts in favour of what stands, of one task or all; how many."""

    store = session.store
    path = f"tasks/{task_id}.yaml" if task_id else None
    settled: list[tuple[str, Register]] = []

    def propose(branch: ListVersion) -> transaction.Proposal | None:
        evaluated = store.evaluate()
        settled[:] = [
            (c.path, c.register)
            for c in evaluated.conflicts
            if path in (None, c.path) and can_keep(c.register)
        ]
        if not settled or evaluated.branch.commit != branch.commit:
            return None
        message = keep_message(store.list_id, settled, session.actor, os.urandom(10).hex())
        return transaction.Proposal(branch.snapshot, message)

    people, _ = signatures(session.repository, session.now())
    written = transaction.update(store, propose, people)
    return len(settled) if written.commit else 0


def describe_received(
    store: ListStore, snapshot: Snapshot, found: tuple[Conflict, ...]
) -> list[OpenConflict]:
    """Conflicts with the people behind them."""
    places = {task.id: n for n, task in enumerate(snapshot.ordered(deleted=True))}
    # The status comes first: to move a task may change what other registers say.
    first = sorted(found, key=lambda c: c.register != STATE)
    described = [_open_conflict(store, snapshot, conflict) for conflict in first]
    return sorted(described, key=lambda c: (places.get(c.task or "", -1), c.path))


def _open_conflict(store: ListStore, snapshot: Snapshot, conflict: Conflict) -> OpenConflict:
    task_id = task_of(conflict.path)
    task = snapshot.tasks.get(task_id) if task_id else None
    register = conflict.register
    usable = task is not None or conflict.path == "list.yaml"

    def loser(write: Write) -> Loser:
        moves: list[Command] = []
        if task and conflict.kind is ConflictKind.ADD_ADD and register == _SUBJECT:
            rival = store.load_at(write.commit).snapshot.tasks.get(task.id)
            moves = anew(rival, _free_id(snapshot, task.id)) if rival else []
        elif usable:
            result = write.beside if isinstance(write.beside, str) else None
            moves = commands_to_take(task, store.list_id, register, write.value, result)
        return Loser(_side(store, register, write), tuple(moves))

    member = register[1] if len(register) > 1 else None
    return OpenConflict(
        task_id,
        conflict.path,
        "file" if conflict.kind is ConflictKind.DELETE_UPDATE else field_of(register),
        member if member is None or isinstance(member, str) else " ".join(map(str, member)),
        conflict.kind,
        conflict.rule,
        _side(store, register, conflict.winner),
        tuple(loser(write) for write in conflict.losers),
    )


def _free_id(snapshot: Snapshot, task_id: str) -> str:
    """An id that no task has: `p1-2` for a second `p1`."""
    numbers = (f"{task_id[:60]}-{number}" for number in itertools.count(2))
    return next(name for name in numbers if name not in snapshot.tasks)


def _side(store: ListStore, register: Register, write: Write) -> Side:
    commit = store.commit(write.commit)
    owner = parse_trailers(commit.message).get(OWNER, [])
    by = owner[-1] if owner else ""
    is_set = write.value is not ABSENT or register == STATE
    value = State() if write.value is ABSENT and register == STATE else write.value
    value = value._asdict() if isinstance(value, State) else value
    at = format_time(commit.author.time)
    return Side(value if is_set else None, is_set, commit.id, at, by or commit.author.name)


# --- exchange -------------------------------------------------------------------------------


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
        raise no_remote(repository)
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
    store = ListStore(repository, synced.list_id, synced.remote)
    incoming, outgoing = ({c.id for c in part} for part in (synced.received, synced.sent))
    last = slice(-most if most else None, None)
    parallel = repository.config.flag("gittasks.parallel")
    return Exchanged(
        tuple(log.entries_of(store, synced.received[last])),
        tuple(log.entries_of(store, synced.sent[last])),
        tuple(
            conflict
            for conflict in describe_received(store, snapshot, synced.conflicts)
            if (incoming | outgoing)
            & {conflict.winner.commit, *(loser.side.commit for loser in conflict.losers)}
        ),
        tuple(violations(snapshot, parallel=parallel)),
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
