"""Many writers at once, and what must be true of a list afterwards."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from gittasks.core.operations import AddNote, Update
from gittasks.workspace import Workspace
from support.repositories import GITTASKS, Repo, plan

_WRITER = """
i=1
while [ $i -le "$3" ]; do
  if [ $((i % 2)) = 0 ]; then set -- "$1" "$2" "$3" update "own$2" --result "w$2-$i"
  else set -- "$1" "$2" "$3" note shared "w$2-$i"; fi
  bin=$1 who=$2 top=$3; shift 3
  if "$bin" "$@" >/dev/null 2>>"err-$who"; then echo "w$who-$i" >>"ack-$who"; fi
  set -- "$bin" "$who" "$top"
  i=$((i + 1))
done
"""


def race_list(repo: Repo, writers: int) -> Repo:
    """The list `plan` with the task `shared` and one task for each writer."""
    return plan(repo, "shared", *(f"own{w}" for w in range(writers)))


def run_writers(
    repo: Repo, writers: int, turns: int, program: str = GITTASKS, *, refusals: int = 0
) -> dict[str, list[str]]:
    """Let processes of the console script write in turns; what each was told was written.

    At most so many turns may end in a refusal, after which nothing was written.
    """
    running = [
        subprocess.Popen(
            ["sh", "-c", _WRITER, "writer", program, str(w), str(turns)], cwd=repo.path
        )
        for w in range(writers)
    ]
    for process in running:
        assert process.wait(1800) == 0
    errors = [f"{w}: {repo.read(f'err-{w}')}" for w in range(writers)]
    told: dict[str, list[str]] = {}
    for w in range(writers):
        told[f"own{w}"] = (
            repo.read(f"ack-{w}").split() if os.path.exists(repo.file(f"ack-{w}")) else []
        )
    assert sum(map(len, told.values())) >= writers * turns - refusals, errors
    return told


def resident_writer(path: str, who: int, turns: int, env: Mapping[str, str]) -> list[str]:
    """One long-lived process that edits through one Workspace; what it was told was written."""
    workspace = Workspace.open(path, env=env)
    told = []
    for turn in range(1, turns + 1):
        text = f"w{who}-{turn}"
        if turn % 2 == 0:
            report = workspace.edit([Update(f"own{who}", result=text)])
        else:
            report = workspace.edit([AddNote("shared", text)])
        assert report.commit
        told.append(text)
    return told


def run_resident_writers(repo: Repo, writers: int, turns: int) -> dict[str, list[str]]:
    """The same with one process a writer."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])  # imported once, not once a writer
    with context.Pool(writers) as pool:
        jobs = [(repo.path, w, turns, dict(os.environ)) for w in range(writers)]
        results = pool.starmap(resident_writer, jobs, chunksize=1)
    return {f"own{w}": told for w, told in enumerate(results)}


def assert_nothing_lost(
    repo: Repo, told: Mapping[str, Sequence[str]], before: int, *refs: str
) -> None:
    """Every acknowledged change is in the tree and in the history, once; the repository is sound.

    `before` is the number of commits before the race. With `refs` what these reach is sound.
    """
    total = sum(map(len, told.values()))
    assert repo.count() - before == total, "one commit for each acknowledged change"
    tasks = repo.tasks()
    notes = [note["text"] for note in tasks["shared"]["notes"]]
    results: dict[str, list[str]] = {own: [] for own in told}
    for entry in repo.ok("log", "--reverse", "--json").json()["entries"]:
        for change in entry["changes"]:
            if change["field"] == "result":
                results[change["task"]].append(change["to"])
    for own, texts in told.items():
        noted = [t for t in texts if int(t.rpartition("-")[2]) % 2]
        updated = [t for t in texts if t not in noted]
        assert [n for n in notes if n in noted] == noted, "notes in order, each once"
        assert results[own] == updated, "each update in the history, in order"
        assert tasks[own]["result"] == updated[-1]
    ids = repo.git(
        "log",
        f"--max-count={total}",
        "--format=%(trailers:key=Gittasks-Op,valueonly,separator=)",
        "gittasks/plan",
    )
    operations = ids.split("\n")
    assert all(operations), "every commit of the race names its operation"
    assert len(set(operations)) == len(operations) == total
    assert_linear_and_sound(repo, *refs)


def assert_linear_and_sound(repo: Repo, *refs: str) -> None:
    """One line of commits, no lock left, fsck clean, `log` the same without its cache."""
    assert repo.git("rev-list", "--min-parents=2", "gittasks/plan") == ""
    assert not os.path.exists(repo.ref_lock())
    repo.fsck(*refs)
    warm = repo.ok("log", "--json").out
    repo.remove("gittasks", "cache")
    assert repo.ok("log", "--json").out == warm


@contextlib.contextmanager
def looping(repo: Repo, *commands: Sequence[str]) -> Iterator[list[int]]:
    """Run git commands over and over beside the block; yields the list of their exit codes."""
    script = 'trap "exit 0" TERM; while :; do "$@" >/dev/null 2>&1; echo $?; done'
    running = [
        subprocess.Popen(
            ["sh", "-c", script, "loop", "git", *command],
            cwd=repo.path,
            stdout=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    codes: list[int] = []
    try:
        yield codes
    finally:
        for process in running:
            process.terminate()
            codes.extend(int(line) for line in process.communicate(timeout=60)[0].split())


def kill_writers(repo: Repo, kills: int, at_once: int, seed: int) -> tuple[list[list[str]], int]:
    """Kill writers at random moments; what was acknowledged, wave by wave, and how many died.

    After each wave the list must be readable and the next write succeed, without any repair.
    """
    rng = random.Random(seed)
    acknowledged: list[list[str]] = []
    died = number = 0
    while died < kills:
        wave = []
        for _ in range(at_once):
            number += 1
            wave.append((f"k{number}", repo.start("note", "shared", f"k{number}")))
        began = time.monotonic()
        moments = sorted(
            ((rng.uniform(0.03, 0.09 * at_once), *item) for item in wave), key=lambda m: m[0]
        )
        for moment, _, process in moments:
            time.sleep(max(0.0, began + moment - time.monotonic()))
            process.kill()
        acknowledged.append([])
        for _, text, process in moments:
            process.communicate(timeout=60)
            if process.returncode == 0:
                acknowledged[-1].append(text)
            else:
                assert process.returncode == -9, process.returncode
                died += 1
        number += 1
        assert set(repo.tasks()) >= {"shared"}
        repo.ok("note", "shared", f"k{number}")
        acknowledged.append([f"k{number}"])
    return acknowledged, died


def assert_kills_lost_nothing(repo: Repo, acknowledged: Sequence[Sequence[str]]) -> None:
    """Acknowledged notes are there, each wave after the one before; others may be, none twice."""
    notes = [n["text"] for n in repo.tasks()["shared"]["notes"]]
    assert len(set(notes)) == len(notes)
    places = [[notes.index(text) for text in wave] for wave in acknowledged if wave]
    assert all(max(wave) < min(later) for wave, later in pairwise(places)), acknowledged
    assert_linear_and_sound(repo)


def transition(turn: int) -> Update:
    """One of many updates in a row, none like another: blob, trees and commit are all new."""
    return Update(f"own{turn % 20}", result=f"round {turn}")
