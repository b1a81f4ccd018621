"""Clones that sync at once over one remote: each is served, nearly in turn."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support import clones
from support.repositories import Repo

from gittasks.core.operations import AddNote, Claim
from gittasks.store import remotes
from gittasks.store.disk import Backoff
from gittasks.store.objects import ObjectStore
from gittasks.sync.exchange import longest_pause


class Served(NamedTuple):
    """The races that one exchange lost before it got through, and the time that it took."""

    beaten: int
    waited: float


def race(clones: int, updates: int, think: float, pause: Callable[[int], float]) -> list[Served]:
    """Play a race of rounds of about one unit of time; of the pushes onto a head one is taken."""
    chance = random.Random(clones)
    head, left, served = 0, [updates] * clones, []
    # Time of a step, clone, when it began, races lost, the head that was fetched or None.
    steps: list[tuple[float, int, float, int, int | None]]
    steps = [(chance.uniform(0, 0.2), clone, 0.0, 0, None) for clone in range(clones)]
    heapq.heapify(steps)
    while steps:
        now, clone, began, beaten, fetched = heapq.heappop(steps)
        if fetched is None:
            heapq.heappush(steps, (now + chance.uniform(0.4, 0.6), clone, began, beaten, head))
        elif fetched == head:
            head += 1
            served.append(Served(beaten, now - began))
            left[clone] -= 1
            if left[clone]:
                now += chance.uniform(0, 2 * think)
                heapq.heappush(steps, (now, clone, now, 0, None))
        else:
            now += chance.uniform(0, pause(beaten))
            heapq.heappush(steps, (now, clone, began, beaten + 1, None))
    return served


@pytest.mark.parametrize(
    ("clones", "updates", "think"), [(20, 5, 0.5), (50, 20, 5.0), (4, 20, 0.5)]
)
def test_nobody_starves(clones: int, updates: int, think: float) -> None:
    """All get through, and nobody waits for more than a few turns of everybody else."""
    served = race(clones, updates, think, longest_pause)
    assert len(served) == clones * updates
    assert max(s.beaten for s in served) < 100
    assert max(s.waited for s in served) < 8 * clones


def test_growing_pauses_would_let_the_longest_waiting_come_last() -> None:
    """The measure tells: with pauses that only grow, waiting is far longer in the same race."""
    growing = max(s.waited for s in race(50, 20, 5.0, lambda beaten: min(2**beaten, 40)))
    assert growing > 2 * max(s.waited for s in race(50, 20, 5.0, longest_pause))


def test_who_has_waited_longer_comes_back_sooner() -> None:
    """From some races on each pause is shorter than the one before, down to one round."""
    pauses = [longest_pause(beaten) for beaten in range(30)]
    crest = pauses.index(max(pauses))
    assert pauses[crest:] == sorted(pauses[crest:], reverse=True)
    assert pauses[-1] == 1


class Race:
    """A clone that is beaten in each of its first rounds, and the commits that it reads in one."""

    def __init__(self, winner: Repo, loser: Repo, lost: int, patch: pytest.MonkeyPatch) -> None:
        self.reads = [0]
        read, push = ObjectStore.read, remotes.push

        def counted(objects: ObjectStore, object_id: str, kind: str) -> bytes:
            self.reads[-1] += kind == "commit" and objects.common == loser.git_dir
            return read(objects, object_id, kind)

        def beaten(*args: Any) -> Any:
            if len(self.reads) <= lost:
                send(winner, "beside", len(self.reads))
            self.reads.append(0)
            return push(*args)

        patch.setattr(ObjectStore, "read", counted)
        patch.setattr(remotes, "push", beaten)
        patch.setattr(Backoff, "wait", lambda *_: None)


def send(repo: Repo, text: str, *numbers: int) -> None:
    """Write notes, and push them as git does."""
    for number in numbers:
        repo.edit(AddNote("b", f"{text} {number}"), at=number)
    repo.git("push", "-q", "origin", "gittasks/plan")


@pytest.mark.parametrize("command", ["sync", "claim"])
def test_a_round_costs_what_was_pushed_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """However long ago the two parted, who lost a race does not go back to there."""
    ann, bob = clones.share(str(tmp_path), "ann", "bob")
    assert not bob.sync().error
    bob.edit(AddNote("a", "not sent yet"))
    send(ann, "before", *range(40))
    race = Race(ann, bob, 4, monkeypatch)
    if command == "sync":
        assert not (result := bob.sync()).error
        assert result.rounds == 5
    else:
        assert bob.workspace("plan").edit([Claim("c")]).commit
    assert clones.on_hub(bob) == bob.head()
    assert race.reads[0] >= 40
    assert max(race.reads[1:]) <= 12
