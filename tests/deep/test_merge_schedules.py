"""Many random schedules of the merge: the figures that docs/merging.md states."""

from __future__ import annotations

import os
import time
from collections import Counter
from multiprocessing import Pool
from random import Random

import pytest
from support.merge_actions import Actions, gossip, mended, new_tree, played
from support.merge_steps import K, edited
from support.merge_world import START, TASKS, World

pytestmark = pytest.mark.deep

SCHEDULES = int(os.environ.get("GITTASKS_SCHEDULES", "100000"))
PROCESSES = 2
_CHUNK = 100


def ends(world: World, rng: Random, orders: int) -> set[str]:
    """The trees that all replicas share in the end, for some orders of meeting."""
    heads, found = list(world.heads), set()
    for _ in range(orders):
        world.heads = list(heads)
        gossip(world, rng)
        found.add(repr(sorted(world.tree(world.heads[0]).items())))
    return found


def problems(seed: int) -> list[str]:
    """What went wrong in one schedule; also after everything broken was repaired."""
    rng = Random(seed)
    alike = rng.random() < 0.5
    world = played(rng, rng.randint(10, 60), rng.randint(2, 5), repeats=alike)
    found = ["diverge"] if len(ends(world, rng, 2)) > 1 else []
    found += world.faults(world.heads[0])
    world.heads = [mended(world)] * len(world.heads)
    found += world.faults(world.heads[0])
    Actions(world, rng, repeats=alike).run(10)
    found += ["diverge later"] if len(ends(world, rng, 2)) > 1 else []
    return found + world.faults(world.heads[0])


def chunk(first: int) -> list[tuple[int, str]]:
    return [(seed, text) for seed in range(first, first + _CHUNK) for text in problems(seed)]


def test_random_schedules_never_diverge_and_lose_no_sole_write() -> None:
    """Tools, editors, plain merges, rebases, broken files: 0 divergences, 0 lost writes, no value
    that nobody meant."""
    began = time.monotonic()
    with Pool(PROCESSES) as pool:
        found = [
            wrong
            for part in pool.imap_unordered(chunk, range(0, SCHEDULES, _CHUNK))
            for wrong in part
        ]
    took = time.monotonic() - began
    print(f"\n{SCHEDULES} schedules in {took:.0f} s: {len(found)} faults")  # noqa: T201
    assert found == []


def test_ten_replicas_end_with_one_head() -> None:
    """Each writes once, then they meet by twos in any order: automatic merges are dropped where
    nothing needs them, so that their exchange ends, and all have the same commit."""
    for seed in range(200):
        rng = Random(seed)
        world = World([rng.randint(-9, 9) for _ in range(10)], new_tree())
        for n in range(10):
            time_ = START + world.skews[n]
            world.heads[n] = edited(world, TASKS[n % 2], {K: n}, time_, world.root)
        rounds = gossip(world, rng)
        ancestors = world.made[world.heads[0]].ancestors
        kept = Counter(m.automatic for m in world.made.values() if ancestors & m.bit)
        assert len(set(world.heads)) == 1
        assert rounds <= 3
        assert kept[True] <= 2 * kept[False]
