"""Leases on refs of their own, and the claims made offline.

A heartbeat is no change of the list, so it makes no commit there. A lease is judged by its not
changing: stale is what was seen unchanged here for a whole lease, on this machine's own steady
clock. No two machines' clocks are compared (as in the DynamoDB lock client).

Claims that were made here while the remote could not be asked, until it is known what became
of them. Local to this clone: a claim of nobody else's is of interest here.
"""

from __future__ import annotations

from gittasks import light
from gittasks.core.model import Status
from gittasks.errors import Busy, InvalidData
from gittasks.light import TYPE_CHECKING, NamedTuple, StrEnum, partial
from gittasks.store import disk, platform, remotes
from gittasks.store.commits import is_ancestor
from gittasks.store.disk import Backoff, short_hash
from gittasks.store.remotes import PushOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from gittasks.core.model import Task
    from gittasks.core.operations import Holder
    from gittasks.store.list_store import ListStore
    from gittasks.store.list_version import ListVersion
    from gittasks.store.objects import NewObject, ObjectFormat
    from gittasks.store.repository import Repository

_GRACE = 1.1
"""A lease is stale after so many times its length: a heartbeat may be on its way."""


_ATTEMPTS = 8
"""Times that a lease is changed anew, since another process of the session was first."""
_BACKOFF = Backoff(first=0.01, most=0.2, least=0.5)
_LIMIT = 64 * 1024
"""Bytes of a lease; a longer one is none of ours."""


class Lease(NamedTuple):
    """A holder's promise: until the next beat within `seconds`, it works on these claims."""

    owner: str
    session: str | None
    seconds: int
    claims: Mapping[str, int]
    """Epochs by task id."""
    beat: int = 0

    def covers(self, task: Task) -> bool:
        """True when it is for the claim under which a task is held."""
        return (
            task.status is Status.IN_PROGRESS
            and (task.owner, task.session) == (self.owner, self.session)
            and self.claims.get(task.id) == task.claim
        )

    def is_over(self, task: Task) -> bool:
        """True when a claim is known to have ended; of a later one than this task tells, it is not.

        Whoever looks may have read the list before another process claimed, and gave its lease.
        """
        return task.claim >= self.claims[task.id] and not self.covers(task)


class LeaseObservation(NamedTuple):
    """A lease as it was seen: the first and the last look at it, in seconds of the steady clock of
    one run of this machine. What happened after the last look, nobody here knows."""

    value: str
    boot: str
    since: float
    until: float
    lease: Lease

    @property
    def age(self) -> float:
        """Seconds for which it was seen unchanged."""
        return self.until - self.since

    @property
    def is_stale(self) -> bool:
        """True when its holder was not heard of for a whole lease."""
        return self.age > self.lease.seconds * _GRACE


def ref_of(list_id: str, owner: str, session: str | None) -> str:
    """The ref of the lease of an owner in a session."""
    return remotes.leases_of(list_id) + short_hash(f"{owner}\0{session or ''}")


def encode(form: ObjectFormat, lease: Lease) -> NewObject:
    """The object that the ref of a lease points to."""
    return form.new(
        "blob", light.write_json(dict(sorted(lease._asdict().items()))).encode() + b"\n"
    )


def own(repository: Repository, list_id: str, owner: str, session: str | None) -> Lease | None:
    """The lease that this owner and session last gave here."""
    value = repository.refs.read(ref_of(list_id, owner, session))
    return _read(repository, value) if value else None


def change(
    repository: Repository,
    list_id: str,
    owner: str,
    session: str | None,
    renew: Callable[[Lease | None], Lease],
) -> Lease:
    """Set the local ref of a lease to what `renew` makes of the last one; Busy.

    Without a remote that is where others here look. What another process of the same session
    promised meanwhile is promised still: `renew` is called again with that.
    """
    name = ref_of(list_id, owner, session)
    for attempt in range(_ATTEMPTS):
        before = repository.refs.read(name)
        lease = renew(_read(repository, before) if before else None)
        blob = encode(repository.objects.form, lease)
        write = partial(repository.objects.write, [blob])
        write()
        if repository.refs.move(name, before, blob.id, restore=write):
            repository.objects.write(repository.objects.missing([blob]))  # pruned meanwhile
            return lease
        _BACKOFF.wait(attempt)
    raise Busy(
        f"the lease of {owner} was always changed by another process first",
        where=name,
        hint="run this again",
    )


def _is_same_run(before: LeaseObservation, boot: str, seconds: float) -> bool:
    """True when the machine was not started anew since: then its clock did not go back either."""
    return before.boot == boot and before.until <= seconds


def record_observations(
    repository: Repository, remote: str | None, list_id: str
) -> dict[str, LeaseObservation]:
    """Look at the leases as they were last fetched (here, without a remote), and remember when
    each was first seen as it is."""
    prefix = remotes.seen_leases(remote, list_id) if remote else remotes.leases_of(list_id)
    path = remotes.lease_record(repository, remote, list_id)
    old, now = sightings(repository, remote, list_id), platform.steady_clock()
    observed: dict[str, LeaseObservation] = {}
    for name, value in repository.refs.listed(prefix):
        key = name.removeprefix(prefix)
        before = old.get(key)
        if before and before.value == value and _is_same_run(before, *now):
            observed[key] = before._replace(until=now[1])
        elif value and (lease := _read(repository, value)):
            observed[key] = LeaseObservation(value, *now, now[1], lease)
    if observed != old:
        rows = [[k, *s[:-1], s.lease._asdict()] for k, s in observed.items()]
        disk.put(path, light.write_json(rows).encode(), repository.shared)
    return observed


def sightings(
    repository: Repository, remote: str | None, list_id: str
) -> dict[str, LeaseObservation]:
    """The observations that were last recorded; cheap."""
    try:
        rows = light.read_json(disk.read(remotes.lease_record(repository, remote, list_id)))
        return {
            key: LeaseObservation(value, boot, float(since), float(until), _lease(lease))
            for key, value, boot, since, until, lease in rows
        }
    except Exception:  # noqa: BLE001  whatever is wrong with it, nothing was seen
        return {}


def stale(seen: Iterable[LeaseObservation], tasks: Mapping[str, Task]) -> dict[str, Holder]:
    """The holders, by task, who have not been heard of for a whole lease."""
    return {
        task_id: (lease.owner, lease.session, epoch)
        for sighting in seen
        if sighting.is_stale
        for lease in [sighting.lease]
        for task_id, epoch in lease.claims.items()
        if task_id in tasks and lease.covers(tasks[task_id])
    }


def ended(store: ListStore, tasks: Mapping[str, Task]) -> dict[str, str]:
    """The refs of the leases given here whose claims are all over, each with its value."""
    repository = store.repository
    listed = repository.refs.listed(remotes.leases_of(store.list_id))
    leases = ((name, value, _read(repository, value)) for name, value in listed if value)
    return {
        name: value
        for name, value, lease in leases
        if lease and all(i in tasks and lease.is_over(tasks[i]) for i in lease.claims)
    }


def remove_ended(store: ListStore, remote: str, tasks: Mapping[str, Task]) -> None:
    """Remove them here, and from a remote that still has them as they were last seen."""
    repository, list_id = store.repository, store.list_id
    last = ended(store, tasks)
    prefix, seen = remotes.leases_of(list_id), remotes.seen_leases(remote, list_id)
    values = {n: repository.refs.read(seen + n.removeprefix(prefix)) for n in last}
    # One that was given anew meanwhile has not ended. It was changed here before the remote got it,
    # so where it is as it was after that look, what the look saw there is not the new one.
    last = {name: value for name, value in last.items() if repository.refs.read(name) == value}
    if not last:
        return
    values = {name: values[name] for name in last}
    present = {name: value for name, value in values.items() if value}
    names, outdated = list(last), list[str]()
    if present:  # one that was renewed meanwhile stays
        answers = remotes.push(repository, remote, dict.fromkeys(present, ""), present)
        names = [n for n in last if n not in present or answers[n].outcome is PushOutcome.OK]
        # Where a delete lost, the remote has another one or none: the next fetch tells.
        outdated = [n for n in present if answers[n].outcome in (PushOutcome.OK, PushOutcome.LOST)]
    observations = [seen + name.removeprefix(prefix) for name in outdated]
    repository.refs.remove([*names, *observations], last)


def forget(store: ListStore, remote: str | None) -> None:
    """Remove what was remembered of the leases and the offline claims of a list."""
    for name in {remote, None}:
        disk.remove(remotes.lease_record(store.repository, name, store.list_id))
    disk.remove(store.tentative_path)


def _read(repository: Repository, object_id: str) -> Lease | None:
    """None for what is somebody else's, of a later version, or made to do harm."""
    try:
        data = repository.objects.read(object_id, "blob")
        return _lease(light.read_json(data)) if len(data) <= _LIMIT else None
    except (InvalidData, ValueError, TypeError, KeyError, AttributeError):
        return None
    except (OverflowError, RecursionError):
        return None


def _lease(raw: Any) -> Lease:
    claims = {str(task): int(epoch) for task, epoch in raw["claims"].items()}
    session = raw["session"]
    seconds, beat = int(raw["seconds"]), int(raw["beat"])
    return Lease(
        str(raw["owner"]), None if session is None else str(session), seconds, claims, beat
    )


class ClaimState(StrEnum):
    """The state of a tentative claim."""

    OPEN = "open"
    GRANTED = "granted"
    """The remote has it, and nobody was first."""
    LOST = "lost"
    OVER = "over"
    """The task was finished or given back."""


class OfflineClaim(NamedTuple):
    """A claim that nobody has granted yet, and the commit that made it."""

    task: str
    owner: str
    session: str | None
    commit: str


def read(store: ListStore) -> list[OfflineClaim]:
    """The tentative claims of a list, oldest first."""
    try:
        rows = light.read_json(disk.read(store.tentative_path))
        return [OfflineClaim(*row) for row in rows]
    except (OSError, ValueError, TypeError):
        return []


def write(store: ListStore, claims: Sequence[OfflineClaim]) -> None:
    """Keep these and no others."""
    path = store.tentative_path
    if claims:
        disk.put(path, light.write_json(claims).encode(), store.repository.shared)
    else:
        disk.remove(path)


def add(store: ListStore, task: Task, commit: str) -> None:
    """Remember a claim that was just made."""
    others = [claim for claim in read(store) if claim.task != task.id]
    write(store, [*others, OfflineClaim(task.id, task.owner or "", task.session, commit)])


def state(store: ListStore, branch: ListVersion, claim: OfflineClaim) -> ClaimState:
    """The state of a claim: granted, lost, open or over."""
    task = branch.snapshot.tasks.get(claim.task)
    if task is None or task.status is not Status.IN_PROGRESS:
        mine = task is not None and (task.owner, task.session) == (claim.owner, claim.session)
        free = mine or task is None or task.status is Status.PENDING
        return ClaimState.OVER if free else ClaimState.LOST
    if (task.owner, task.session) != (claim.owner, claim.session):
        return ClaimState.LOST
    tracked = branch.heads.tracked
    if tracked is None:
        return ClaimState.OPEN
    granted = is_ancestor(store.repository.objects, claim.commit, tracked)
    return ClaimState.GRANTED if granted else ClaimState.OPEN
