"""Checkpoints of the merge save work and change nothing, whatever the two heads went through.

Two heads of one list grow at random: writes with clocks that are wrong, automatic merges, merges by
others that drop one side, heads that are taken as they are, conflicts that are kept. After most
steps the list is evaluated with the checkpoints that there are, and without any.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support.repositories import Repo

from gittasks.core.merge.resolution import RESULT, Conflict
from gittasks.core.messages import keep_message
from gittasks.core.model import Actor, Note, Status
from gittasks.store import ancestry, commits, evaluation
from gittasks.store.commits import Signature
from gittasks.store.evaluation import Memory, evaluate
from gittasks.store.list_store import ListStore
from gittasks.store.list_tree import Evaluated, next_branch, read_branch
from gittasks.store.list_version import Heads, ListVersion
from gittasks.store.objects import ObjectStore
from gittasks.workspace import log

TASKS = ("a", "b", "c")
START = 1_800_000_000


@contextmanager
def no_checkpoints() -> Iterator[None]:
    """Evaluate as in a clone that has just been made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ancestry, "read_checkpoints", lambda _: {})
        patch.setattr(ancestry, "write_checkpoints", lambda *_: None)
        yield


def told(evaluated: Evaluated) -> list[object]:
    """What an evaluation says of the list, and of what it takes to write it down."""
    branch = evaluated.branch
    return [
        branch.commit,
        branch.snapshot,
        branch.files,
        branch.contested,
        branch.apart,
        [*map(_visible, evaluated.conflicts)],
        evaluated.behind,
    ]


def _visible(conflict: Conflict) -> Conflict:
    """A conflict with, for the commit that a result went with, the first writer that has the same.

    The commit itself may be one that a later start does not know, and then stands for it.
    """
    if conflict.register != RESULT:
        return conflict
    writes = (conflict.winner, *conflict.losers)
    besides = [write.beside for write in writes]
    winner, *losers = [write._replace(beside=besides.index(write.beside)) for write in writes]
    return conflict._replace(winner=winner, losers=tuple(losers))


class TwoHeads:
    """Two heads of the list of one repository, which grow apart and together at random."""

    def __init__(self, repo: Repo, rng: Random) -> None:
        self.repository = repo.workspace("plan").repository
        self.objects = self.repository.objects
        self.rng = rng
        self.heads = [repo.head()] * 2
        self.known: str | None = None
        self.near: ListVersion | None = None
        self.memory = Memory()
        self.count = 0

    def _commit(self, parents: tuple[str, ...], tree: str, message: str) -> str:
        self.count += 1
        time = START + 60 * self.count + self.rng.choice((0, 0, 0, -4000, 4000))
        who = Signature(f"Bob <bob{self.rng.randrange(2)}@example.com>", time)
        text = f"{message} {self.count}\n"
        commit = commits.new_commit(self.objects.form, tree, parents, who, who, text)
        self.objects.write([commit])
        return commit.id

    def write(self, side: int) -> None:
        """Change a field of a task, or add a note."""
        branch = read_branch(self.objects, "plan", self.heads[side])
        task = branch.snapshot.tasks.get(self.rng.choice(TASKS))
        if task is None:
            return
        value = f"v{self.rng.randrange(9)}"
        note = Note("2026-11-25T10:00:00Z", "bob", value)
        changes: list[dict[str, Any]] = [
            {"description": value},
            {"subject": value},
            {"status": self.rng.choice([*Status]), "result": value},
            {"tags": (value,)},
            {"notes": (*(n for n in task.notes if n != note), note)},
        ]
        changed = task._replace(**self.rng.choice(changes))
        after = branch.snapshot._replace(tasks={**branch.snapshot.tasks, task.id: changed})
        tree, _, new = next_branch(self.objects, branch, after)
        self.objects.write(new)
        self.heads[side] = self._commit((self.heads[side],), tree, "write")

    def join(self, side: int) -> None:
        """Make the automatic merge, or take the head that it would be."""
        with no_checkpoints():
            evaluated = evaluate(self.repository, "plan", self.seen(side), None)
        self.objects.write(evaluated.new)
        self.heads[side] = evaluated.branch.commit

    def seen(self, side: int) -> Heads:
        """The heads as a clone sees them whose own is one of them."""
        return Heads(self.heads[side], self.heads[1 - side])

    def drop(self, side: int) -> None:
        """Merge as `git merge -s ours` does: what the other side says is dropped."""
        tree = commits.read_commit(self.objects, self.heads[self.rng.randrange(2)]).tree
        parents = tuple(dict.fromkeys(self.rng.sample(self.heads, 2)))
        self.heads[side] = self._commit(parents, tree, "Merge")

    def take(self, side: int) -> None:
        """Be where the other is."""
        self.heads[side] = self.heads[1 - side]

    def keep(self, side: int) -> None:
        """Settle the conflicts that are open at a head alone."""
        with no_checkpoints():
            alone = evaluate(self.repository, "plan", Heads(self.heads[side]), None)
        settled = [(c.path, c.register) for c in alone.conflicts]
        if settled:
            message = keep_message("plan", settled, Actor("bob"), f"{self.count:020}")
            tree = commits.read_commit(self.objects, self.heads[side]).tree
            self.heads[side] = self._commit((self.heads[side],), tree, message.rstrip("\n"))

    def grown(self, heads: Heads, near: ListVersion | None) -> Evaluated:
        """What a process says that has looked at the two before."""
        return evaluate(self.repository, "plan", heads, near, apart=True, memory=self.memory)

    def check(self) -> None:
        """The same is said with the checkpoints that there are, and without any.

        And by a process that goes on from what it worked out before.
        """
        published = self.known if self.rng.random() < 0.3 else None
        heads = self.seen(0)._replace(published=published)
        near = self.near if self.rng.random() < 0.7 else None
        cached = evaluate(self.repository, "plan", heads, near)
        again = evaluate(self.repository, "plan", heads, cached.branch)
        both = evaluate(self.repository, "plan", heads, near, apart=True)
        grown = self.grown(heads, near)
        with no_checkpoints():
            fresh = evaluate(self.repository, "plan", heads, None, apart=True)
        assert told(cached) == told(again) == told(both) == told(grown) == told(fresh)
        assert [(o.id, o.data) for o in again.new] or not fresh.new
        assert set(both.received) == set(grown.received) == set(fresh.received)
        assert set(both.unsent) == set(grown.unsent) == set(fresh.unsent)
        self.near = cached.branch
        if self.rng.random() < 0.8:
            self.known = self.heads[1]


def played(folder: Path, seed: int, steps: int) -> TwoHeads:
    """Let two heads take some steps, and check after most of them."""
    rng = Random(seed)
    world = TwoHeads(Repo.listed(str(folder / str(seed)), *TASKS), rng)
    deeds = [world.write] * 8 + [world.join] * 4 + [world.drop, world.take, world.keep]
    for _ in range(steps):
        rng.choice(deeds)(rng.randrange(2))
        if rng.random() < 0.8:
            world.check()
    world.check()
    return world


@pytest.mark.parametrize("seed", range(4))
def test_checkpoints_change_no_answer(tmp_path: Path, seed: int) -> None:
    played(tmp_path, seed, 16)


@pytest.mark.deep
def test_checkpoints_change_no_answer_in_many_histories(tmp_path: Path) -> None:
    for seed in range(100, 160):
        played(tmp_path, seed, 60)


@contextmanager
def reads() -> Iterator[Counter[str]]:
    """Counts what is read of the repository, by kind of object."""
    counts: Counter[str] = Counter()
    read = ObjectStore.read

    def counted(objects: ObjectStore, object_id: str, kind: str) -> bytes:
        counts[kind] += 1
        return read(objects, object_id, kind)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ObjectStore, "read", counted)
        yield counts


def apart(folder: Path, commits_each: int) -> TwoHeads:
    """Two heads that many writes apart."""
    world = TwoHeads(Repo.listed(str(folder), *TASKS), Random(7))
    for _ in range(commits_each):
        world.write(0)
        world.write(1)
    return world


def test_a_write_while_apart_looks_at_what_is_new_alone(tmp_path: Path) -> None:
    """However far apart the heads are: nothing goes back to where they parted."""
    costs = []
    for count in (8, 32):
        world = apart(tmp_path / str(count), count)
        seen = evaluate(world.repository, "plan", world.seen(0), None)
        assert seen.conflicts
        world.repository.objects.close()
        with reads() as first:  # the merge in memory is written along with the first write
            again = evaluate(world.repository, "plan", world.seen(0), seen.branch)
        assert [item.id for item in again.new] == [item.id for item in seen.new]
        world.join(0)
        near = evaluate(world.repository, "plan", world.seen(0), None).branch
        world.write(0)
        with reads() as second:
            evaluate(world.repository, "plan", world.seen(0), near)
        costs.append((first["commit"], second["commit"]))
        assert first["blob"] == 0
        assert second["blob"] <= 4
    assert costs[0] == costs[1]
    assert max(costs[1]) <= 6


def test_what_is_fetched_in_turn_costs_what_is_new_alone(tmp_path: Path) -> None:
    """However far behind the branch here is, which reads leave where it was."""
    costs = []
    for count in (8, 32):
        world = TwoHeads(Repo.listed(str(tmp_path / str(count)), *TASKS), Random(7))
        start = world.heads[0]
        for _ in range(count):  # the remote's history forks and joins
            world.write(0)
            world.write(1)
            world.join(1)
            world.take(0)
        heads = Heads(start, world.heads[1])
        near = evaluate(world.repository, "plan", heads, None).branch
        for _ in range(2):
            world.write(1)
            heads = Heads(start, world.heads[1], heads.tracked)
            world.repository.objects.close()
            with reads() as counts:
                near = evaluate(world.repository, "plan", heads, near).branch
        assert near.commit == world.heads[1]
        costs.append((counts["commit"], counts["blob"]))
    assert costs[0] == costs[1]
    assert max(costs[1]) <= 4


def test_a_round_of_a_race_looks_at_what_is_new_alone(tmp_path: Path) -> None:
    """One unsent change beside a remote that goes on: nothing goes back to where they parted."""
    costs = []
    for count in (8, 32):
        world = TwoHeads(Repo.listed(str(tmp_path / str(count)), *TASKS), Random(7))
        world.write(0)
        for _ in range(count):
            world.write(1)
        near, rounds = world.grown(world.seen(0), None).branch, []
        for _ in range(3):
            world.repository.objects.write(world.grown(world.seen(0), near).new)
            world.heads[0] = near.commit  # the merge is here, and was not pushed in time
            world.write(1)
            world.write(1)
            with reads() as counts:
                evaluated = world.grown(world.seen(0), near)
            assert len(evaluated.received) == 2
            assert len(evaluated.unsent) == 1
            near = evaluated.branch
            rounds.append(counts["commit"])
        costs.append(rounds)
    assert costs[0] == costs[1]
    assert max(costs[1]) <= 10


def test_what_others_built_on_an_earlier_commit_comes_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A third clone merges what it made on a commit that is passed here, or was let go of."""
    monkeypatch.setattr(evaluation, "_PASSED", 4)
    world, near = TwoHeads(Repo.listed(str(tmp_path), *TASKS), Random(7)), None
    world.write(0)
    own = world.heads[0]
    for since in (1, 1, 1, 1, 6):
        world.write(1)
        earlier = world.heads[1]
        for _ in range(since):
            world.write(1)
        near = world.grown(world.seen(0), near).branch
        for _ in range(6):
            world.write(1)
        world.heads[0] = earlier
        world.write(0)
        world.join(1)
        world.heads[0] = own
        near, seen = world.grown(world.seen(0), near).branch, near
        with no_checkpoints():
            fresh = evaluate(world.repository, "plan", world.seen(0), None, apart=True)
        assert told(world.grown(world.seen(0), seen)) == told(fresh)


def test_a_replay_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever watches for days begins anew now and then, and says the same."""
    monkeypatch.setattr(evaluation, "_NEWS", 3)
    world, near, news = TwoHeads(Repo.listed(str(tmp_path), *TASKS), Random(7)), None, []
    world.write(0)
    for _ in range(8):
        world.write(1)
        near = world.grown(world.seen(0), near).branch
        news.append(world.memory._replays[0].news)
    assert news == [0, 1, 2, 3, 0, 1, 2, 3]
    with no_checkpoints():
        fresh = evaluate(world.repository, "plan", world.seen(0), None, apart=True)
    assert told(world.grown(world.seen(0), near)) == told(fresh)


def test_an_evaluation_reads_each_commit_once(tmp_path: Path) -> None:
    world = apart(tmp_path, 20)
    with reads() as counts:
        evaluate(world.repository, "plan", world.seen(0), None, apart=True)
    assert counts["commit"] <= 2 * 20 + 10
    assert counts["blob"] <= 2 * 2 * 20


def test_the_log_of_what_came_in_reads_the_changed_files_alone(tmp_path: Path) -> None:
    """Also where the two sides of a history alternate."""
    world = apart(tmp_path, 20)
    store = ListStore(world.repository, "plan")
    evaluated = evaluate(world.repository, "plan", world.seen(0), None, apart=True)
    mixed = [c for pair in zip(evaluated.received, evaluated.unsent, strict=True) for c in pair]
    with reads() as counts:
        entries = log.entries_of(store, mixed)
    assert [entry.commit for entry in entries] == [c.id for c in mixed]
    assert all(len({change.task for change in entry.changes}) <= 1 for entry in entries)
    assert counts["blob"] <= len(mixed) + len(TASKS)
