"""Claims: a task for one owner and session alone, on all machines that share the list."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from gittasks.core.graph import Graph
from gittasks.core.lookup import find
from gittasks.core.model import Snapshot, Status, Task
from gittasks.core.operations import AddNote, Claim, Holder, Operation, Transition, Verb
from gittasks.core.rules import lost_lease
from gittasks.core.texts import printable
from gittasks.core.view import StaleClaim
from gittasks.errors import GittasksError, NotFound, Refused, RemoteFailure, Usage
from gittasks.store import leases, remotes, tentatives
from gittasks.store.layout import Branch
from gittasks.store.leases import Lease
from gittasks.workspace.following import Watchpoint

if TYPE_CHECKING:
    from gittasks.core.edit import Edit
    from gittasks.workspace.workspace import Report, Workspace

_POLL = 2.0
"""Seconds between two looks at the remote while waiting."""
_LOCAL_POLL = 0.1
_LEASES = range(1, 30 * 86400 + 1)
"""Seconds that a lease may have: up to 30 days."""
_LOSING = frozenset({"held", "lost-lease", "closed"})
"""Rules by which a finish is refused when somebody else has, or had, the task."""


class Claimed(NamedTuple):
    """A claim that was made: the edit behind it, and whether a remote decided it.

    `task` is None when nothing was ready. `tentative`: the remote was not asked.
    """

    report: Report
    task: Task | None
    tentative: bool = False


def claim(
    workspace: Workspace,
    wanted: Claim,
    lease_seconds: int | None = None,
    *,
    force: bool = False,
    parallel: bool = False,
    offline: bool = False,
) -> Claimed:
    """Claim a task, or the next that is ready. Raises Refused, RemoteFailure."""
    if lease_seconds is not None and lease_seconds not in _LEASES:
        raise Usage("a lease has from one second to 30 days")
    tentative = offline and workspace.store.remote is not None
    if tentative and wanted.take_over:
        raise Usage(
            "--take-over asks the remote who still holds what, so it does not go with --offline",
            hint="try again when the remote can be reached",
        )
    if lease_seconds and workspace.actor.session is None:
        raise Usage(
            "a lease is given by a session, and none is set",
            hint="set GITTASKS_SESSION to a name of this run, for instance: GITTASKS_SESSION=$$",
        )
    if wanted.take_over:
        wanted = wanted._replace(stale=_stale_now(workspace))
    wanted = wanted._replace(tentative=tentative)
    made = workspace.edit([wanted], force=force, parallel=parallel, offline=offline)
    task = made.edit.after.tasks.get(made.edit.focus[0])
    if task is not None and tentative and made.commit:
        tentatives.add(workspace.store, task, made.commit)
    if task is not None and lease_seconds:
        try:
            _give_lease(workspace, task, lease_seconds, offline=offline)
        except RemoteFailure as error:
            workspace.notices.append(f"{error.message}; {error.hint}")
    return Claimed(made, task, tentative=bool(tentative and made.commit))


def told(workspace: Workspace, task: Task, made: Claimed) -> str:
    """Who has a task that was claimed, and who granted it."""
    session = f", session {task.session}" if task.session else ""
    by = f"{task.owner}{session}"
    if made.tentative:
        return f"{task.id} is claimed by {by}, tentatively: the remote was not asked"
    where = workspace.store.remote or "this repository"
    already = "" if made.report.commit else " already"
    return f"{task.id} is claimed by {by}{already} (claim {task.claim}, granted by {where})"


def _stale_now(workspace: Workspace) -> Mapping[str, Holder]:
    store = workspace.store
    if store.remote:
        remotes.fetch(workspace.repository, store.remote, [store.list_id])
    seen = leases.observe(workspace.repository, store.remote, store.list_id)
    return leases.stale(seen.values(), workspace.snapshot().tasks)


def stale_claims(workspace: Workspace, snapshot: Snapshot) -> list[StaleClaim]:
    """Those of the list, as far as this clone has seen, in order of display."""
    repository, store = workspace.repository, workspace.store
    if store.remote:
        seen = leases.sightings(repository, store.remote, store.list_id)
    else:
        seen = leases.observe(repository, None, store.list_id)
    return [
        StaleClaim(task.id, s.lease.owner, int(s.age), s.lease.seconds)
        for task in snapshot.ordered()
        for s in seen.values()
        if s.lease.covers(task) and s.is_stale
    ]


def _give_lease(workspace: Workspace, task: Task, seconds: int, *, offline: bool) -> None:
    actor = workspace.actor
    old = leases.own(workspace.repository, workspace.list_id, task.owner or "", task.session)
    claims = {**_live(workspace, old), task.id: task.claim}
    beat = old.beat + 1 if old else 1
    lease = Lease(task.owner or actor.owner, task.session, seconds, claims, beat)
    _send(workspace, lease, offline=offline)


def _live(workspace: Workspace, lease: Lease | None) -> Mapping[str, int]:
    """The claims of a lease that are still held."""
    if lease is None:
        return {}
    tasks = workspace.snapshot().tasks
    return {i: e for i, e in lease.claims.items() if i in tasks and lease.covers(tasks[i])}


def _send(workspace: Workspace, lease: Lease, *, offline: bool) -> None:
    repository, list_id = workspace.repository, workspace.list_id
    leases.keep(repository, list_id, lease)
    remote = workspace.store.remote
    if not remote or offline:
        return
    ref = leases.ref_of(list_id, lease.owner, lease.session)
    told = remotes.push(repository, remote, {ref: f"+{leases.encode(lease).id}"})[ref]
    if told.outcome != "ok":
        raise RemoteFailure(
            f"{remote} did not take the lease: {told.reason or 'no answer'}",
            hint="the claim itself stands; renew the lease with: gittasks heartbeat",
        )


def heartbeat(workspace: Workspace, task_id: str | None) -> tuple[Lease, tuple[str, ...]]:
    """Renew my lease; returns it and the tasks that were lost since. NotFound without a lease."""
    actor = workspace.actor
    lease = leases.own(workspace.repository, workspace.list_id, actor.owner, actor.session)
    if lease is None or (task_id is not None and task_id not in lease.claims):
        what = f"no lease for {task_id}" if task_id else "no lease"
        session = f" in session {actor.session}" if actor.session else ""
        raise NotFound(
            f"{actor.owner}{session} has {what} here",
            hint="give one with the claim: gittasks claim ID --lease 30m",
        )
    if workspace.store.remote:
        remotes.fetch(workspace.repository, workspace.store.remote, [workspace.list_id])
    live = _live(workspace, lease)
    tasks = workspace.snapshot().tasks
    lost = tuple(i for i in lease.claims if i not in live and _is_taken(tasks.get(i), lease))
    renewed = lease._replace(claims=live, beat=lease.beat + 1)
    _send(workspace, renewed, offline=False)
    return renewed, lost


def _is_taken(task: Task | None, lease: Lease) -> bool:
    """Whether a task that was held under a lease was claimed by somebody since."""
    return task is not None and task.claim > lease.claims[task.id]


# --- finishing what is claimed ----------------------------------------------------------------


def is_fenced(branch: Branch, edit: Edit) -> bool:
    """Whether an edit finishes or gives back a claimed task of a shared list: then the remote has
    to agree, since somebody else may have taken it over."""
    return branch.heads.tracked is not None and any(
        old.claim
        and old.status is Status.IN_PROGRESS
        and (new.status is not Status.IN_PROGRESS or new.result != old.result)
        for task_id in edit.changed
        if (old := edit.before.tasks.get(task_id)) and (new := edit.after.tasks.get(task_id))
    )


def granted(workspace: Workspace, branch: Branch) -> dict[str, Holder]:
    """Who holds what, as the remote's own branch says it."""
    if branch.heads.tracked is None:
        return {}
    there = workspace.store.load_at(branch.heads.tracked, branch).snapshot
    return {
        task.id: (task.owner, task.session, task.claim)
        for task in there.tasks.values()
        if task.status is Status.IN_PROGRESS
    }


def keep_result(workspace: Workspace, operations: Sequence[Operation], refusal: Refused) -> Refused:
    """When who lost a claim finishes the task: their result as a note, and the refusal for it.

    Any other refusal is given back as it is.
    """
    done = operations[refusal.details.get("operation", 0)] if operations else None
    if not isinstance(done, Transition) or done.verb is not Verb.DONE:
        return refusal
    if refusal.rule not in _LOSING or not refusal.tasks:
        return refusal
    task = workspace.snapshot().tasks.get(refusal.tasks[0])
    if task is None or not lost(workspace, task):
        return refusal
    actor = workspace.actor
    session = f", session {actor.session}" if actor.session else ""
    outcome = f": {done.result}" if done.result else ""
    text = f"finished by {actor.owner}{session} after the claim was lost{outcome}"
    found = lost_lease(task)
    try:
        workspace.edit([AddNote(task.id, printable(text, 2000))])
    except GittasksError as error:
        workspace.notices.append(f"the result could not be kept as a note: {error.message}")
        return found
    found.message += "; what you did is kept as a note"
    found.details["noted"] = True
    return found


def lost(workspace: Workspace, task: Task) -> bool:
    """Whether this owner and session held a task that somebody else has claimed since: holds, has
    finished, or has given back."""
    actor = workspace.actor
    if not task.claim:
        return False
    if task.status is not Status.PENDING:
        if actor.session is None:
            mine = task.session is None and task.owner == actor.owner
        else:
            mine = task.session == actor.session
        return not mine and _last_claim(workspace, task) is not None
    number = _last_claim(workspace, task)
    return number is not None and number < task.claim


def _last_claim(workspace: Workspace, task: Task) -> int | None:
    """Number of the claim under which this owner and session last had a task in progress, 0 for
    one that was only started; None when they never had it, by its history."""
    actor = workspace.actor
    for entry in workspace.log(task.id):
        if entry.session != actor.session or (actor.session is None and entry.owner != actor.owner):
            continue
        for change in entry.changes:
            if change.field == "claim":
                return int(change.after)
        if any(c.field == "status" and c.after == Status.IN_PROGRESS for c in entry.changes):
            return 0
    return None


def check_not_lost(workspace: Workspace, edit: Edit) -> None:
    """Refuse to finish a task that is nobody's now, when another claimed it after this session."""
    for task_id in edit.changed:
        old, new = edit.before.tasks.get(task_id), edit.after.tasks.get(task_id)
        pending = old and old.claim and old.status is Status.PENDING
        if old and new and pending and new.status is Status.COMPLETED and lost(workspace, old):
            raise lost_lease(old)


def notices(workspace: Workspace) -> list[str]:
    """What became of claims that were made without asking the remote, as sentences."""
    store = workspace.store
    found = tentatives.read(store)
    if not found:
        return []
    branch, told, left = workspace.branch(), [], []
    for one in found:
        state = tentatives.state(store, branch, one)
        if state in ("lost", "open"):
            left.append(one)
        if state == "lost" and one.session == workspace.actor.session:
            holder = branch.snapshot.tasks.get(one.task)
            who = f" to {holder.owner}" if holder and holder.owner else ""
            told.append(
                f"your claim of {one.task} was lost{who}; keep what you did with: gittasks note "
                f"{one.task} TEXT, and end this message with: gittasks release {one.task}"
            )
        elif state == "open" and one.session == workspace.actor.session:
            told.append(f"your claim of {one.task} is tentative until: gittasks sync")
    if left != found:
        tentatives.write(store, left)
    return told


def forget_lost(workspace: Workspace, text: str) -> bool:
    """Deal with a lost tentative claim: it is not told of any more; False if there is none."""
    store, branch = workspace.store, workspace.branch()
    task_id = find(branch.snapshot, text)
    found = tentatives.read(store)
    left = [
        one
        for one in found
        if one.task != task_id or tentatives.state(store, branch, one) != "lost"
    ]
    if left == found:
        return False
    tentatives.write(store, left)
    return True


# --- waiting ----------------------------------------------------------------------------------


def wait(workspace: Workspace, seconds: float | None) -> bool:
    """Wait until something may be ready for this actor; False when the time is over.

    Looks at the remote every two seconds, without one at the local branch.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    remote = workspace.store.remote
    pause = _POLL if remote else _LOCAL_POLL
    watchpoint = Watchpoint(workspace.store)
    while True:
        if remote:
            remotes.fetch(workspace.repository, remote, [workspace.list_id])
            leases.observe(workspace.repository, remote, workspace.list_id)
        if watchpoint.moved() and Graph.of(workspace.snapshot()).ready(workspace.actor.owner):
            return True
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            return False
        time.sleep(pause if left is None else min(pause, left))
