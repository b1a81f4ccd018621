"""Many processes write one list: nothing acknowledged is lost, whatever git does beside them."""

from __future__ import annotations

import racing
from support import Repo


def test_eight_processes_lose_nothing(repo: Repo) -> None:
    """8 × 10 updates by the console script, every one acknowledged and in the history."""
    racing.race_list(repo, 8)
    before = repo.count()
    racing.assert_nothing_lost(repo, racing.run_writers(repo, 8, 10), before)


def test_writers_beside_gc_and_repack_lose_nothing(repo: Repo) -> None:
    """The same while `git gc` and `git repack -adq` run over and over."""
    racing.race_list(repo, 8)
    before = repo.count()
    with racing.looping(repo, ["gc", "-q"], ["repack", "-adq"]) as codes:
        told = racing.run_writers(repo, 8, 10)
    assert codes.count(0) > 5
    racing.assert_nothing_lost(repo, told, before)


def test_writers_beside_pack_refs_lose_nothing(repo: Repo) -> None:
    """The same while all refs are packed over and over: no stale packed value wins."""
    racing.race_list(repo, 8)
    before = repo.count()
    with racing.looping(repo, ["pack-refs", "--all"]) as codes:
        told = racing.run_writers(repo, 8, 10)
    assert codes.count(0) > 5
    racing.assert_nothing_lost(repo, told, before)


def test_resident_processes_lose_nothing(repo: Repo) -> None:
    """One Workspace a process over all its updates, as an agents' server keeps it."""
    racing.race_list(repo, 8)
    before = repo.count()
    with racing.looping(repo, ["gc", "-q"], ["pack-refs", "--all"]):
        told = racing.run_resident_writers(repo, 8, 20)
    racing.assert_nothing_lost(repo, told, before)


def test_killed_writers_lose_nothing_and_block_nobody(repo: Repo) -> None:
    """kill -9 of 40 writers at random moments; the next write needs no repair."""
    racing.race_list(repo, 1)
    acknowledged, _ = racing.kill_writers(repo, 40, 8, seed=1)
    racing.assert_kills_lost_nothing(repo, acknowledged)


def test_racers_for_one_task_have_one_winner(repo: Repo) -> None:
    """Equal commands at the same instant: one starts the task, the others are refused."""
    racing.race_list(repo, 1)
    date = {"GIT_AUTHOR_DATE": "2026-03-04T05:06:07Z", "GIT_COMMITTER_DATE": "2026-03-04T05:06:07Z"}
    racers = [
        repo.start("start", "shared", "--owner", "agent", env={"GITTASKS_SESSION": f"s{i}", **date})
        for i in range(8)
    ]
    codes = []
    for racer in racers:
        racer.communicate()
        codes.append(racer.returncode)
    assert sorted(codes) == [0] + [5] * 7
    winner = codes.index(0)
    assert repo.tasks()["shared"]["session"] == f"s{winner}"
    assert repo.count() == 3
