"""Leases and claims made offline: what each covers, when it is over, and what is remembered."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.repositories import Repo

from gittasks.core.model import Status, Task
from gittasks.errors import Busy
from gittasks.store import leases, platform, remotes
from gittasks.store.disk import Backoff
from gittasks.store.leases import ClaimState, Lease, LeaseObservation, OfflineClaim
from gittasks.store.repository import Repository

LEASE = Lease("ann", "s1", 60, {"a": 3, "b": 1}, beat=2)
HELD = Task("a", "A", status=Status.IN_PROGRESS, owner="ann", session="s1", claim=3)


def _opened(repo: Repo) -> Repository:
    return Repository(repo.path, os.environ)


def _given(repo: Repo, lease: Lease) -> str:
    """Give a lease here; its ref."""
    leases.change(_opened(repo), "plan", lease.owner, lease.session, lambda _: lease)
    return leases.ref_of("plan", lease.owner, lease.session)


class TestCover:
    """The claims that a lease is for."""

    def test_a_claim_in_progress_of_that_holder_and_number(self) -> None:
        assert LEASE.covers(HELD)
        assert not LEASE.is_over(HELD)
        for other in (
            HELD._replace(status=Status.PENDING),
            HELD._replace(owner="bob"),
            HELD._replace(session="s2"),
            HELD._replace(session=None),
            HELD._replace(claim=4),
            HELD._replace(id="b", claim=3),
        ):
            assert not LEASE.covers(other), other
            assert LEASE.is_over(other), other

    def test_a_claim_that_is_later_than_what_was_read_is_not_over(self) -> None:
        earlier = HELD._replace(claim=2)
        assert not LEASE.covers(earlier)
        assert not LEASE.is_over(earlier)

    @pytest.mark.parametrize(("age", "stale"), [(0, False), (60, False), (66, False), (66.1, True)])
    def test_it_is_stale_after_a_tenth_more_than_its_length(self, age: float, stale: bool) -> None:
        seen = LeaseObservation("x", "boot", 100, 100 + age, LEASE)
        assert seen.age == pytest.approx(age)
        assert seen.is_stale is stale
        tasks = {"a": HELD, "b": HELD._replace(id="b", owner="bob", claim=1)}
        assert leases.stale([seen], tasks) == ({"a": ("ann", "s1", 3)} if stale else {})
        assert leases.stale([seen], {}) == {}


class TestRefs:
    """A lease on its ref: given, renewed, read, and known for ended."""

    def test_each_owner_and_session_has_one(self, listed: Repo) -> None:
        names = {
            leases.ref_of(list_id, owner, session)
            for list_id in ("plan", "other")
            for owner in ("ann", "bob")
            for session in (None, "s1")
        }
        assert len(names) == 8
        assert all(name.startswith(remotes.LEASES) for name in names)
        name = _given(listed, LEASE)
        assert name.startswith(remotes.leases_of("plan"))
        assert leases.own(_opened(listed), "plan", "ann", "s1") == LEASE
        assert leases.own(_opened(listed), "plan", "ann", None) is None
        text = '{"beat":2,"claims":{"a":3,"b":1},"owner":"ann","seconds":60,"session":"s1"}'
        assert listed.git("cat-file", "-p", name).replace(" ", "") == text

    def test_it_is_renewed_from_what_is_promised_already(self, listed: Repo) -> None:
        _given(listed, LEASE)
        before: list[Lease | None] = []

        def renew(lease: Lease | None) -> Lease:
            before.append(lease)
            return LEASE._replace(beat=3)

        assert leases.change(_opened(listed), "plan", "ann", "s1", renew).beat == 3
        assert before == [LEASE]

    def test_a_race_for_it_is_run_again_and_not_for_ever(
        self, listed: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waits: list[int] = []
        monkeypatch.setattr(Backoff, "wait", lambda _, attempt: waits.append(attempt))
        beats = iter(range(100, 200))

        def beaten(_lease: Lease | None) -> Lease:
            if len(waits) < losses:
                _given(listed, LEASE._replace(beat=next(beats)))
            return LEASE

        losses = 3
        leases.change(_opened(listed), "plan", "ann", "s1", beaten)
        assert waits == [0, 1, 2]
        waits.clear()
        losses = 99
        with pytest.raises(Busy) as caught:
            leases.change(_opened(listed), "plan", "ann", "s1", beaten)
        assert waits == [*range(8)]
        assert caught.value.message == (
            "the lease of ann was always changed by another process first"
        )
        assert caught.value.where == leases.ref_of("plan", "ann", "s1")
        assert caught.value.hint == "run this again"

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            "null",
            '{"owner": "ann"}',
            '{"beat":2,"claims":[],"owner":"ann","seconds":60,"session":"s1"}',
            '{"beat":2,"claims":{"a":"x"},"owner":"ann","seconds":60,"session":"s1"}',
            '{"beat":1e999,"claims":{},"owner":"ann","seconds":60,"session":"s1"}',
            "[" * 30000,
            '{"beat":2,"claims":{},"owner":"ann","seconds":60,"session":"s1"}' + " " * 65536,
        ],
    )
    def test_what_is_no_lease_is_none(self, listed: Repo, text: str) -> None:
        name = leases.ref_of("plan", "ann", "s1")
        listed.git("update-ref", name, listed.blob(text))
        repository = _opened(listed)
        assert leases.own(repository, "plan", "ann", "s1") is None
        assert leases.record_observations(repository, None, "plan") == {}

    def test_one_without_a_session(self, listed: Repo) -> None:
        lease = LEASE._replace(session=None, claims={})
        _given(listed, lease)
        assert leases.own(_opened(listed), "plan", "ann", None) == lease

    def test_ended_are_those_whose_claims_are_all_over(self, listed: Repo) -> None:
        name = _given(listed, LEASE._replace(claims={"a": 3, "c": 1}))
        value = listed.git("rev-parse", name)
        store = listed.workspace("plan").store
        over = HELD._replace(status=Status.COMPLETED)
        other = HELD._replace(id="c", claim=1)
        assert leases.ended(store, {"a": over, "c": other}) == {}
        assert leases.ended(store, {"a": over}) == {}
        both = {"a": over, "c": other._replace(owner="bob")}
        assert leases.ended(store, both) == {name: value}


class TestObservations:
    """When a lease was first and last seen as it is, by this machine's own clock."""

    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
        """The times of the looks that are still to come."""
        times: list[tuple[str, float]] = []
        monkeypatch.setattr(platform, "steady_clock", lambda: times.pop(0))
        return times

    def _look(self, repo: Repo, remote: str | None = None) -> list[tuple[str, float, float]]:
        seen = leases.record_observations(_opened(repo), remote, "plan")
        assert leases.sightings(_opened(repo), remote, "plan") == seen
        assert all(sighting.lease.owner == "ann" for sighting in seen.values())
        return [(sighting.boot, sighting.since, sighting.until) for sighting in seen.values()]

    def test_as_long_as_it_stays_as_it_is_and_the_machine_runs(
        self, listed: Repo, clock: list[tuple[str, float]]
    ) -> None:
        clock += [("x", 1.0), ("x", 2.0), ("x", 5.0), ("y", 6.0), ("y", 3.0), ("y", 4.0)]
        name = _given(listed, LEASE)
        assert self._look(listed) == [("x", 1, 1)]
        assert self._look(listed) == [("x", 1, 2)]
        _given(listed, LEASE._replace(beat=3))
        assert self._look(listed) == [("x", 5, 5)]
        assert self._look(listed) == [("y", 6, 6)]
        assert self._look(listed) == [("y", 3, 3)], "the clock went back"
        listed.git("update-ref", "-d", name)
        assert self._look(listed) == []

    def test_those_of_a_remote_are_others(
        self, listed: Repo, clock: list[tuple[str, float]]
    ) -> None:
        clock += [("x", 1.0), ("x", 2.0)]
        name = _given(listed, LEASE)
        seen = name.replace(remotes.leases_of("plan"), remotes.seen_leases("origin", "plan"))
        listed.git("update-ref", seen, name)
        assert self._look(listed, "origin") == [("x", 1, 1)]
        assert self._look(listed) == [("x", 2, 2)]
        (key,) = leases.sightings(_opened(listed), "origin", "plan")
        assert name.endswith(f"/{key}")
        store = listed.workspace("plan").store
        leases.forget(store, "origin")
        for remote in (None, "origin"):
            assert leases.sightings(_opened(listed), remote, "plan") == {}

    @pytest.mark.parametrize("text", ["", "{}x", "[1]", '[["k", "v", "b", "x", 1, {}]]'])
    def test_a_damaged_record_has_seen_nothing(self, listed: Repo, text: str) -> None:
        path = Path(remotes.lease_record(_opened(listed), None, "plan"))
        path.parent.mkdir(parents=True)
        path.write_text(text)
        assert leases.sightings(_opened(listed), None, "plan") == {}


class TestOffline:
    """Claims that nobody has granted yet."""

    def test_they_are_kept_by_task_oldest_first(self, listed: Repo) -> None:
        store = listed.workspace("plan").store
        assert leases.read(store) == []
        leases.add(store, HELD, "c1")
        leases.add(store, HELD._replace(id="b", owner=None, session=None), "c2")
        assert leases.read(store) == [
            OfflineClaim("a", "ann", "s1", "c1"),
            OfflineClaim("b", "", None, "c2"),
        ]
        leases.add(store, HELD, "c3")
        assert [claim.commit for claim in leases.read(store)] == ["c2", "c3"]
        leases.write(store, leases.read(store)[:1])
        assert [claim.task for claim in leases.read(store)] == ["b"]
        leases.write(store, [])
        assert not os.path.exists(store.tentative_path)
        leases.add(store, HELD, "c1")
        leases.forget(store, None)
        assert leases.read(store) == []

    @pytest.mark.parametrize("text", ["", "{", "[[1]]", "7"])
    def test_a_damaged_record_is_none(self, listed: Repo, text: str) -> None:
        store = listed.workspace("plan").store
        leases.add(store, HELD, "c1")
        Path(store.tentative_path).write_text(text)
        assert leases.read(store) == []

    def test_what_became_of_one(self, listed: Repo) -> None:
        """Lost to another, over when it was finished or given back, granted once it is there."""
        work = listed.workspace("plan")
        branch = work.branch()
        head = listed.head()

        def state(task: Task | None, tracked: str | None = None) -> ClaimState:
            tasks = {i: task for i in "a" if task}
            snapshot = branch.snapshot._replace(tasks=tasks)
            heads = branch.heads._replace(tracked=tracked)
            version = branch._replace(snapshot=snapshot, heads=heads)
            return leases.state(work.store, version, OfflineClaim("a", "ann", "s1", head))

        assert state(None) is ClaimState.OVER
        assert state(HELD._replace(status=Status.PENDING, owner=None)) is ClaimState.OVER
        assert state(HELD._replace(status=Status.COMPLETED)) is ClaimState.OVER
        assert state(HELD._replace(status=Status.COMPLETED, owner="bob")) is ClaimState.LOST
        assert state(HELD._replace(status=Status.SKIPPED, session="s2")) is ClaimState.LOST
        assert state(HELD._replace(owner="bob")) is ClaimState.LOST
        assert state(HELD) is ClaimState.OPEN
        assert state(HELD, head) is ClaimState.GRANTED
        assert state(HELD, listed.git("rev-parse", f"{head}~1")) is ClaimState.OPEN
