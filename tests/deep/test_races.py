"""Long runs of the store: the figures that docs/reliability.md states. `make deep` runs them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import agents, races, repositories
from support.figures import Fault, record
from support.repositories import Repo

from gittasks.store import transaction

pytestmark = pytest.mark.deep


def figures(text: str) -> None:
    """Show what was measured; `make deep` prints it."""
    print(text)  # noqa: T201


@pytest.mark.parametrize("beside", ["nothing", "gc and pack-refs", "repack and pack-refs"])
def test_sixteen_processes_of_fifty_updates_lose_nothing(repo: Repo, beside: str) -> None:
    """16 × 50 updates of one list by the console script: all acknowledged, all in the history."""
    races.race_list(repo, 16)
    loops = {
        "nothing": [],
        "gc and pack-refs": [["gc", "-q"], ["pack-refs", "--all"]],
        "repack and pack-refs": [["repack", "-adq"], ["pack-refs", "--all"]],
    }[beside]
    before, began = repo.count(), time.monotonic()
    with races.looping(repo, *loops) as codes:
        told = races.run_writers(repo, 16, 50)
    took = time.monotonic() - began
    assert bool(codes) is bool(loops)
    assert codes.count(0) * 10 >= len(codes) * 9
    races.assert_nothing_lost(repo, told, before)
    rows: dict[str, Fault] = {
        "nothing": "16 writers at once",
        "gc and pack-refs": "16 writers beside gc and pack-refs",
        "repack and pack-refs": "16 writers beside repack and pack-refs",
    }
    how = f"50 updates each by the console script, {len(codes)} runs of git beside"
    record(rows[beside], how, 800, f"all in tree and history, fsck clean; {took:.0f} s")


def test_writers_beside_all_that_removes_objects_lose_nothing(repo: Repo) -> None:
    """8 × 20 updates beside prune, gc, repack, pack-refs and maintenance, all at once.

    `incremental-repack` is not among them: beside a repack git loses its own objects by that, and
    in some runs even so: so the list is looked at, and neither the branch of code nor the index.
    """
    races.race_list(repo, 8)
    before, turns = repo.count(), 20
    loops = [
        ["prune", "--expire=now"],
        ["gc", "-q", "--prune=now"],
        ["repack", "-adfq"],
        ["pack-refs", "--all"],
        ["maintenance", "run", "--task=loose-objects", "--quiet"],
    ]
    with races.looping(repo, *loops) as codes:
        told = races.run_writers(repo, 8, turns, refusals=16)
    repo.run("doctor")
    refs = repo.git("for-each-ref", "--format=%(refname)", "refs/heads/gittasks", "refs/gittasks")
    races.assert_nothing_lost(repo, told, before, *refs.split())
    count = sum(map(len, told.values()))
    how = f"prune, gc, repack, pack-refs and maintenance in loops ({len(codes)} runs)"
    result = f"all of them in tree and history, the list sound; {8 * turns - count} refused"
    record("8 writers beside all that removes objects", how, count, result)


def test_servers_beside_hooks_and_commands_lose_nothing(repo: Repo) -> None:
    """8 servers of 20 calls, 20 commits of code with trailers, 2 × 20 commands, all at once."""
    races.race_list(repo, 10)
    repo.ok("hooks", "install")

    def serve(who: int) -> None:
        with agents.over_stdio(repo) as agent:
            for turn in range(20):
                agent.ok("TaskUpdate", taskId=f"own{who + 2}", note=f"{who}-{turn}")

    def commit() -> None:
        for turn in range(20):
            repo.git("commit", "-q", "--allow-empty", "-m", f"Step {turn}\n\nTask: own9 done")

    with ThreadPoolExecutor(9) as pool:
        jobs = [pool.submit(serve, who) for who in range(8)]
        jobs.append(pool.submit(commit))
        told = races.run_writers(repo, 2, 20)
        for job in jobs:
            job.result()
    tasks = repo.tasks()
    for who in range(8):
        texts = [note["text"] for note in tasks[f"own{who + 2}"]["notes"]]
        assert texts == [f"{who}-{turn}" for turn in range(20)]
    assert len(tasks["own9"]["commits"]) == 20
    assert len(tasks["shared"]["notes"]) == 20
    assert all(tasks[own]["result"] == texts[-1] for own, texts in told.items())
    races.assert_linear_and_sound(repo)
    how = "8 servers of 20 calls, 20 commits with trailers, 40 commands"
    record("8 MCP servers beside hooks and commands", how, 220, "nothing lost, fsck clean")


def test_sixteen_resident_processes_lose_nothing(repo: Repo) -> None:
    """16 × 200 updates, one Workspace a process, beside gc and pack-refs."""
    races.race_list(repo, 16)
    before, began = repo.count(), time.monotonic()
    with races.looping(repo, ["gc", "-q"], ["pack-refs", "--all"]) as codes:
        told = races.run_resident_writers(repo, 16, 200)
    races.assert_nothing_lost(repo, told, before)
    took = time.monotonic() - began
    figures(f"\n16 x 200 resident: 3200 commits in {took:.0f} s, {len(codes)} git runs beside")


def test_three_hundred_kills_lose_nothing(repo: Repo) -> None:
    """kill -9 at random moments, beside gc: the list is always readable and writable at once."""
    races.race_list(repo, 1)
    with races.looping(repo, ["gc", "-q"]):
        acknowledged, died = races.kill_writers(repo, 300, 8, seed=7)
    races.assert_kills_lost_nothing(repo, acknowledged)
    how, result = "SIGKILL of commands", f"{len(acknowledged)} acknowledged changes, all there"
    record("a kill at a random moment, beside gc", how, died, result)


_TRACED = (
    "openat,mkdir,rename,unlink,write,pwrite64,ftruncate,fsync,close,flock,utimensat,newfstatat,"
    "read,pread64,lseek,getdents64"
)


def test_a_kill_at_every_file_call_of_a_start_is_survived(repo: Repo, tmp_path: Path) -> None:
    """SIGKILL at each system call that touches the repository; then the same command again.

    The task is pending or started, never anything else; the list and git read on; the command
    that is run again succeeds without any repair.
    """
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed, so kills at system calls are NOT tested")
    repositories.plan(repo, "a", "b")
    _wait_for_warm_config(repo)
    points = _points(repo, tmp_path / "trace")
    repo.ok("release", "a")
    outcomes: dict[str, int] = defaultdict(int)
    for call, number in points:
        inject = f"inject={call}:signal=KILL:when={number}"
        command = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e", inject]
        done = subprocess.run(
            [*command, repositories.GITTASKS, "start", "a"],
            cwd=repo.path,
            capture_output=True,
            check=False,
        )
        status = repo.tasks()["a"]["status"]
        assert status in ("pending", "in_progress"), (call, number)
        if done.returncode == 0:
            assert status == "in_progress", (call, number)
            outcomes["not reached"] += 1
        else:
            assert done.returncode in (-9, 137), (call, number, done)
            outcomes[f"killed, {status}"] += 1
        assert repo.git("log", "-1", "--format=%H", "gittasks/plan") == repo.head()
        again = repo.run("start", "a")
        assert again.code == 0, (call, number, again)
        assert not os.path.exists(repo.ref_lock())
        repo.ok("release", "a")
    races.assert_linear_and_sound(repo)
    result = ", ".join(f"{count} times {outcome}" for outcome, count in sorted(outcomes.items()))
    record("a kill at a system call of a start", "strace", len(points), result)
    assert outcomes["not reached"] * 5 < len(points)
    assert outcomes["killed, pending"]
    assert outcomes["killed, in_progress"]


def _wait_for_warm_config(repo: Repo) -> None:
    """The configuration is remembered once its files are older than a moment."""
    time.sleep(0.2)
    repo.ok("list")


def _points(repo: Repo, trace: Path) -> list[tuple[str, int]]:
    """Which calls, counted by name in the main thread, touch the repository's own files."""
    command = ["strace", "-f", "-y", "-o", str(trace), "-e", f"trace={_TRACED}"]
    start = [*command, repositories.GITTASKS, "start", "a"]
    subprocess.run(start, cwd=repo.path, check=True, capture_output=True)
    counts: dict[str, int] = defaultdict(int)
    points = []
    main = None
    for line in trace.read_text(errors="replace").splitlines():
        match = re.match(r"(\d+)\s+(\w+)\((.*)", line)
        if not match:
            continue
        main = main or match[1]
        if match[1] != main:
            continue
        counts[match[2]] += 1
        arguments = match[3].replace(f"AT_FDCWD<{repo.path}>", "")
        if f"{repo.path}/.git" in arguments:
            points.append((match[2], counts[match[2]]))
    assert len(points) > 50, points
    return points


def _size(repo: Repo) -> tuple[int, int]:
    """Bytes on the disk below `objects`, and the number of loose objects."""
    kib = subprocess.run(
        ["du", "-sk", os.path.join(repo.git_dir, "objects")], capture_output=True, check=True
    ).stdout.split()[0]
    loose = int(repo.git("count-objects").split()[0])
    return int(kib) * 1024, loose


def test_ten_thousand_transitions_cost_a_bounded_number_of_bytes(repo: Repo) -> None:
    """Without upkeep, and what `git gc` makes of it."""
    repo.git("config", "gc.auto", "0")
    races.race_list(repo, 20)
    began, start = time.monotonic(), _size(repo)[0]
    workspace = repo.workspace()
    for turn in range(10_000):
        workspace.edit([races.transition(turn)])
    took, (loose_bytes, loose) = time.monotonic() - began, _size(repo)
    assert repo.count() == 10_002
    repo.git("gc", "-q")
    packed_bytes, left = _size(repo)
    figures(
        f"\n10,000 transitions, 21 tasks: {took:.0f} s ({took / 10:.1f} ms each); loose "
        f"{(loose_bytes - start) / 1e6:.1f} MB in {loose} objects "
        f"({(loose_bytes - start) / 10_000:.0f} bytes each); after git gc "
        f"{(packed_bytes - start) / 1e6:.2f} MB ({(packed_bytes - start) / 10_000:.0f} bytes each)"
    )
    assert left == 0
    assert packed_bytes - start < 10_000 * 1000
    repo.fsck()


def test_upkeep_bounds_the_loose_objects(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """git's own limit of 6,700 holds without the user's doing; the pause is shortened here."""
    monkeypatch.setattr(transaction, "_PAUSE", 5)
    races.race_list(repo, 20)
    workspace = repo.workspace()
    most = 0
    for turn in range(10_000):
        workspace.edit([races.transition(turn)])
        if turn % 250 == 0:
            most = max(most, _size(repo)[1])
    for _ in range(300):
        if not os.path.exists(os.path.join(repo.git_dir, "gc.pid")):
            break
        time.sleep(0.2)
    size, loose = _size(repo)
    packs = len(list(Path(repo.git_dir, "objects", "pack").glob("*.pack")))
    figures(
        f"\nupkeep on: at most {most} loose objects, {loose} and {packs} packs left, {size} bytes"
    )
    assert packs
    assert most < 30_000
    assert repo.count() == 10_002
    repo.fsck()
