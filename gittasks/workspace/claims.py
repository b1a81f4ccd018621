"""Claims: a task for one owner and session alone, on all machines that share the list."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from gittasks.core.graph import Graph
from gittasks.core.ids import find, resolve
from gittasks.core.model import Snapshot, Task
from gittasks.core.operations import Claim, Holder
from gittasks.core.view import StaleClaim
from gittasks.errors import GittasksError, NotFound, Notice, RemoteFailure, Usage, Way
from gittasks.store import home, leases, remotes
from gittasks.store.leases import ClaimState, Lease
from gittasks.workspace import editing

if TYPE_CHECKING:
    from gittasks.store.list_store import ListStore
    from gittasks.workspace.editing import EditResult
    from gittasks.workspace.session import Session

_POLL = 2.0
"""Seconds between two looks at the remote while waiting."""
_LOCAL_POLL = 0.1
_SENDINGS = 3
"""Times that a lease is sent while another process of the session sends it as well."""
_LEASES = range(1, 30 * 86400 + 1)
"""Seconds that a lease may have: up to 30 days."""


class Claimed(NamedTuple):
    """A claim that was made: the edit behind it, and whether a remote decided it.

    `task` is None when nothing was ready. `tentative`: the remote was not asked.
    """

    report: EditResult
    task: Task | None
    tentative: bool = False


def claim(
    session: Session,
    wanted: Claim,
    lease_seconds: int | None = None,
    *,
    force: bool = False,
    parallel: bool = False,
    offline: bool = False,
    first: bool = False,
) -> Claimed:
    """Claim a task, or the next that is ready. Raises Refused, RemoteFailure."""
    tentative = offline and _is_shared(session.store)
    _check_terms(session, wanted, lease_seconds, tentative=tentative)
    stale = _stale_now(session) if wanted.take_over else wanted.stale
    operation = wanted._replace(stale=stale, tentative=tentative)
    report = editing.edit(
        session, [operation], force=force, parallel=parallel, offline=offline, first=first
    )
    task = report.edit.after.tasks.get(report.edit.focus[0])
    if task is not None and tentative and report.commit:
        leases.add(session.store, task, report.commit)
    if task is not None and lease_seconds:
        try:
            _give_lease(session, task, lease_seconds, offline=offline)
        except RemoteFailure as error:
            session.notices += [error.message, *error.ways]
        except (GittasksError, OSError) as error:  # the claim itself is made
            session.notices.append(f"done, but the lease could not be kept here: {error}")
    return Claimed(report, task, tentative=bool(tentative and report.commit))


def _check_terms(
    session: Session, wanted: Claim, lease_seconds: int | None, *, tentative: bool
) -> None:
    """Raise Usage for a lease or a take-over that cannot be."""
    if lease_seconds is not None and lease_seconds not in _LEASES:
        raise Usage("a lease has from one second to 30 days")
    if tentative and wanted.take_over:
        raise Usage(
            "--take-over asks the remote who still holds what, so it does not go with --offline",
            hint="try again when the remote can be reached",
        )
    if lease_seconds and session.actor.session is None:
        raise Usage(
            "a lease is given by a session, and none is set",
            hint="set GITTASKS_SESSION to a name of this run, for instance: GITTASKS_SESSION=$$",
        )


def _is_shared(store: ListStore) -> bool:
    """True when somebody else than this repository decides, or might."""
    return store.remote is not None or home.of(store.repository, store.list_id).doubt is not None


def describe_claims(session: Session, task: Task, made: Claimed) -> str:
    """The holder of a task that was claimed, and the repository that granted it."""
    run = f", session {task.session}" if task.session else ""
    by = f"{task.owner}{run}"
    if made.tentative:
        return f"{task.id} is claimed by {by}, tentatively: the remote was not asked"
    remote = session.store.remote
    where = home.label(session.repository, remote) if remote else "this repository"
    already = "" if made.report.commit else " already"
    sentence = f"{task.id} is claimed by {by}{already} (claim {task.claim}, granted by {where})"
    if task.session is None:
        sentence += "; without a session it is safe from other owners only"
    return sentence


def _stale_now(session: Session) -> Mapping[str, Holder]:
    store = session.store
    if store.remote:
        remotes.fetch(session.repository, store.remote, [store.list_id])
    seen = leases.record_observations(session.repository, store.remote, store.list_id)
    return leases.stale(seen.values(), session.snapshot().tasks)


def stale_claims(session: Session, snapshot: Snapshot) -> list[StaleClaim]:
    """Stale claims of the list, as far as this clone has seen, in order of display."""
    repository, store = session.repository, session.store
    if store.remote:
        seen = leases.sightings(repository, store.remote, store.list_id)
    else:
        seen = leases.record_observations(repository, None, store.list_id)
    return [
        StaleClaim(task.id, s.lease.owner, int(s.age), s.lease.seconds)
        for task in snapshot.ordered()
        for s in seen.values()
        if s.lease.covers(task) and s.is_stale
    ]


def _give_lease(session: Session, task: Task, seconds: int, *, offline: bool) -> None:
    owner = task.owner or session.actor.owner

    def given(old: Lease | None) -> Lease:
        claims = {**(_live(session, old) if old else {}), task.id: task.claim}
        return Lease(owner, task.session, seconds, claims, old.beat + 1 if old else 1)

    lease = leases.change(session.repository, session.list_id, owner, task.session, given)
    if not offline:
        _send(session, lease)


def _live(session: Session, lease: Lease) -> Mapping[str, int]:
    """The claims of a lease that are still held."""
    tasks = session.snapshot().tasks
    return {i: e for i, e in lease.claims.items() if i in tasks and not lease.is_over(tasks[i])}


def _send(session: Session, lease: Lease) -> None:
    """Tell the remote of a lease as it is here by then, so that no older one comes last."""
    repository, remote = session.repository, session.store.remote
    if not remote:
        return
    ref = leases.ref_of(session.list_id, lease.owner, lease.session)
    for _ in range(_SENDINGS):
        answer = remotes.push(repository, remote, {ref: f"+{ref}"})[ref]
        if answer.outcome is not remotes.PushOutcome.LOST:
            break
    if answer.outcome is not remotes.PushOutcome.OK:
        raise RemoteFailure(
            f"{remote} did not take the lease: {answer.reason or 'no answer'}",
            ways=[Way("the claim itself holds; renew the lease", ("gittasks", "heartbeat"))],
        )


def heartbeat(session: Session, task_id: str | None) -> tuple[Lease, tuple[str, ...]]:
    """Renew my lease; returns it and the tasks that were lost since. NotFound without a lease."""
    before, actor = _own_lease(session, task_id), session.actor
    if session.store.remote:
        remotes.fetch(session.repository, session.store.remote, [session.list_id])
    tasks, live = session.snapshot().tasks, _live(session, before)
    lost = tuple(i for i in before.claims if i not in live and _is_taken(tasks.get(i), before))

    def renewed(last: Lease | None) -> Lease:
        last = last or before
        return last._replace(claims=_live(session, last), beat=last.beat + 1)

    lease = leases.change(session.repository, session.list_id, actor.owner, actor.session, renewed)
    _send(session, lease)
    return lease, lost


def _own_lease(session: Session, task_id: str | None) -> Lease:
    """My lease as I last gave it here, for a certain task if one is named; NotFound."""
    actor = session.actor
    lease = leases.own(session.repository, session.list_id, actor.owner, actor.session)
    if lease is not None and task_id is not None:
        with contextlib.suppress(NotFound):
            task_id = resolve(task_id, lease.claims, cut=session.cut_ids)
    if lease is None or (task_id is not None and task_id not in lease.claims):
        what = f"no lease for {task_id}" if task_id else "no lease"
        run = f" in session {actor.session}" if actor.session else ""
        raise NotFound(
            f"{actor.owner}{run} has {what} here",
            hint="give one with the claim: gittasks claim ID --lease 30m",
        )
    return lease


def _is_taken(task: Task | None, lease: Lease) -> bool:
    """True when a task that was held under a lease was claimed by somebody since."""
    return task is not None and task.claim > lease.claims[task.id]


# --- claims that the remote was not asked for ---------------------------------------------------


def notices(session: Session) -> list[Notice]:
    """Sentences about the claims that were made without asking the remote."""
    store = session.store
    tentative = leases.read(store)
    if not tentative:
        return []
    branch, left = session.branch(), []
    sentences: list[Notice] = []
    for pending in tentative:
        state = leases.state(store, branch, pending)
        if state in (ClaimState.LOST, ClaimState.OPEN):
            left.append(pending)
        if state is ClaimState.LOST and pending.session == session.actor.session:
            holder = branch.snapshot.tasks.get(pending.task)
            who = f" to {holder.owner}" if holder and holder.owner else ""
            words = (
                f"your claim of {pending.task} was lost{who}; keep what you did with: gittasks "
                f"note {pending.task} TEXT, and end this message"
            )
            sentences.append(Way(words, ("gittasks", "release", pending.task)))
        elif state is ClaimState.OPEN and pending.session == session.actor.session:
            words = f"your claim of {pending.task} is tentative until this"
            sentences.append(Way(words, ("gittasks", "sync")))
    if left != tentative:
        leases.write(store, left)
    return sentences


def forget_lost(session: Session, text: str) -> bool:
    """Deal with a lost tentative claim: it is not told of any more; False if there is none."""
    store, branch = session.store, session.branch()
    task_id = find(branch.snapshot, text, cut=session.cut_ids)
    tentative = leases.read(store)
    left = [
        pending
        for pending in tentative
        if pending.task != task_id or leases.state(store, branch, pending) is not ClaimState.LOST
    ]
    if left == tentative:
        return False
    leases.write(store, left)
    return True


# --- waiting ----------------------------------------------------------------------------------


def wait(session: Session, seconds: float | None) -> bool:
    """Wait until something may be ready for this actor; False when the time is over.

    Looks at the remote every two seconds, without one at the local branch.
    """
    from gittasks.workspace.watch import RefState  # only who waits looks again and again

    deadline = None if seconds is None else time.monotonic() + seconds
    remote = session.store.remote
    pause = _POLL if remote else _LOCAL_POLL
    watchpoint = RefState(session.store)
    while True:
        if remote:
            remotes.fetch(session.repository, remote, [session.list_id])
            leases.record_observations(session.repository, remote, session.list_id)
        if watchpoint.moved() and Graph.of(session.snapshot(), session.now().text).ready(
            session.actor.owner
        ):
            return True
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            return False
        time.sleep(pause if left is None else min(pause, left))
