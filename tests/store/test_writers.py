"""Many processes write one list: nothing acknowledged is lost, whatever git does beside them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from support import races
from support.repositories import Repo, by_name

from gittasks.core.operations import AddNote
from gittasks.store import transaction


def test_eight_processes_lose_nothing(repo: Repo) -> None:
    """8 × 10 updates by commands, every one acknowledged and in the history."""
    races.race_list(repo, 8)
    before = repo.count()
    told = races.run_writers(repo, 8, 10, by_name())
    races.assert_nothing_lost(repo, told, before)


def test_writers_beside_gc_and_repack_lose_nothing(repo: Repo) -> None:
    """The same while `git gc` and `git repack -adq` run over and over."""
    races.race_list(repo, 8)
    before = repo.count()
    with races.looping(repo, ["gc", "-q"], ["repack", "-adq"]) as codes:
        told = races.run_writers(repo, 8, 10, by_name())
    assert codes.count(0) > 5
    races.assert_nothing_lost(repo, told, before)


def test_writers_beside_pack_refs_lose_nothing(repo: Repo) -> None:
    """The same while all refs are packed over and over: no stale packed value wins."""
    races.race_list(repo, 8)
    before = repo.count()
    with races.looping(repo, ["pack-refs", "--all"]) as codes:
        told = races.run_writers(repo, 8, 10, by_name())
    assert codes.count(0) > 5
    races.assert_nothing_lost(repo, told, before)


def test_writers_beside_gc_that_prunes_everything_lose_nothing(repo: Repo) -> None:
    """`git gc --prune=now` takes what no ref names yet; it is written again before we say done."""
    races.race_list(repo, 3)
    before = repo.count()
    with races.looping(repo, ["gc", "-q", "--prune=now"]) as codes:
        told = races.run_writers(repo, 3, 12, by_name())
    assert codes.count(0) > 5
    races.assert_nothing_lost(repo, told, before)


def test_a_pruning_gc_that_began_before_the_move_is_waited_for(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it takes away after the move is written again; a careful gc delays nobody."""
    pid = Path(listed.git_dir, "gc.pid")
    pauses: list[float] = []

    def gc_ends(seconds: float) -> None:
        pauses.append(seconds)
        made = listed.git(
            "rev-list", "--objects", "--no-object-names", "gittasks/plan~1..gittasks/plan"
        )
        for name in made.split():
            Path(listed.git_dir, "objects", name[:2], name[2:]).unlink()
        pid.unlink()

    for argument, waits in (("--prune=now", True), ("--auto", False)):
        gc = subprocess.Popen(["sh", "-c", "read x", "gc", argument], stdin=subprocess.PIPE)
        pid.write_text(f"{gc.pid} {os.uname().nodename}")
        with monkeypatch.context() as patch:
            patch.setattr("gittasks.store.transaction.time.sleep", gc_ends)
            listed.workspace().edit([AddNote("a", argument)])
        gc.communicate(b"\n")
        assert bool(pauses) is waits, argument
        pauses.clear()
        listed.fsck()


def test_a_gc_that_does_not_end_is_not_waited_for_for_ever(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor one of another host or one that died; the write is done all the same."""
    pid, host = Path(listed.git_dir, "gc.pid"), os.uname().nodename
    listed.git("config", "gc.pruneExpire", "now")
    monkeypatch.setattr(transaction, "_PATIENCE", 0.05)
    for text in (
        f"{os.getpid()} {host}",
        f"{os.getpid()} elsewhere",
        "",
        "x",
        f"{2**22 + 1} {host}",
    ):
        pid.write_text(text)
        assert listed.workspace().edit([AddNote("a", f"beside {text}")]).commit == listed.head()


def test_resident_processes_lose_nothing(repo: Repo) -> None:
    """One Workspace a process over all its updates, as an agents' server keeps it."""
    races.race_list(repo, 8)
    before = repo.count()
    with races.looping(repo, ["gc", "-q"], ["pack-refs", "--all"]):
        told = races.run_resident_writers(repo, 8, 12)
    races.assert_nothing_lost(repo, told, before)


def test_killed_writers_lose_nothing_and_block_nobody(repo: Repo) -> None:
    """kill -9 of 40 writers at random moments; the next write needs no repair."""
    races.race_list(repo, 1)
    acknowledged, _ = races.kill_writers(repo, 40, 8, seed=1)
    races.assert_kills_lost_nothing(repo, acknowledged)


def test_racers_for_one_task_have_one_winner(repo: Repo) -> None:
    """Equal commands at the same instant: one starts the task, the others are refused."""
    races.race_list(repo, 1)
    date = {"GIT_AUTHOR_DATE": "2026-03-04T05:06:07Z", "GIT_COMMITTER_DATE": "2026-03-04T05:06:07Z"}
    racers = [
        repo.start("start", "shared", "--owner", "agent", env={"GITTASKS_SESSION": f"s{i}", **date})
        for i in range(8)
    ]
    codes = []
    for racer in racers:
        racer.communicate(timeout=60)
        codes.append(racer.returncode)
    assert sorted(codes) == [0] + [5] * 7
    winner = codes.index(0)
    assert repo.tasks()["shared"]["session"] == f"s{winner}"
    assert repo.count() == 3


def test_racers_that_only_the_operation_tells_apart_have_one_winner(repo: Repo) -> None:
    """Same owner, no session, same second: one commit, and one process that says it made it."""
    races.race_list(repo, 1)
    date = {"GIT_AUTHOR_DATE": "2026-03-04T05:06:07Z", "GIT_COMMITTER_DATE": "2026-03-04T05:06:07Z"}
    racers = [repo.start("start", "shared", "--json", env=date) for _ in range(8)]
    answers = [json.loads(racer.communicate(timeout=60)[0]) for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * 8
    assert sum(answer["changed"] for answer in answers) == 1
    assert [a["commit"] for a in answers if a["changed"]] == [repo.head()]
    assert repo.count() == 3
