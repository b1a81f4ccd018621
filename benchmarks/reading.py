"""Processor time of the first read of a list whose files people wrote, and what is set aside.

A list of `--small` small files in the usual forms by hand, and one of `--large` files of 60 KiB in
forms that only the YAML parser reads. In every round from the state without caches: the first
`gittasks list`, and how often it has to be run again until the list is read whole; then the next.

    python benchmarks/reading.py [--rounds 3] [--small 5000] [--large 10 40]
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile

from measuring import GITTASKS, environment, run

SMALL = """\
# by hand
subject:   Task number {0}
status: pending
blockedBy: [t{1}]
tags: [a, b]
description: |
  Some words of text,
  two lines of it.
notes:
- at: 2026-11-22T10:00:00Z
  text: 'seen, and it''s good'
"""
LARGE = "subject: Large {0}\nmetadata:\n" + "".join(
    f"  k{n}: {{{{a: 1, b: [x]}}}}\n" for n in range(2500)
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--small", type=int, default=5000)
    parser.add_argument("--large", type=int, nargs="+", default=[10, 40])
    options = parser.parse_args()
    kinds = [("small", SMALL, options.small), *(("large", LARGE, n) for n in options.large)]
    with tempfile.TemporaryDirectory() as scratch:
        environment(scratch)
        for kind, form, count in kinds:
            folder = by_hand(f"{scratch}/{kind}-{count}", form, count)
            measure(folder, f"{count} {kind} files", options.rounds)


def by_hand(folder: str, form: str, count: int) -> str:
    """A repository with a list whose files were written by hand and committed with git."""
    run(["git", "init", "-q", folder], os.path.dirname(folder))
    run([GITTASKS, "init", "bench"], folder)
    run(["git", "worktree", "add", "-q", "hand", "gittasks/bench"], folder)
    os.makedirs(f"{folder}/hand/tasks")
    for number in range(count):
        with open(f"{folder}/hand/tasks/t{number}.yaml", "w", encoding="utf-8") as file:
            file.write(form.format(number, max(number - 1, 0)))
    run(["git", "add", "."], f"{folder}/hand")
    run(["git", "commit", "-q", "-m", "By hand"], f"{folder}/hand")
    run(["git", "worktree", "remove", "--force", "hand"], folder)
    return folder


def measure(folder: str, name: str, rounds: int) -> None:
    """Print medians of the first read, of all that it takes, and of the next one."""
    first: list[float] = []
    total: list[float] = []
    following: list[float] = []
    runs: list[int] = []
    for _ in range(rounds):
        shutil.rmtree(f"{folder}/.git/gittasks/cache")
        times: list[float] = []
        while once(folder, times):
            pass
        first.append(times[0])
        total.append(sum(times))
        runs.append(len(times))
        once(folder, following)
    cells = (statistics.median(times) for times in (first, total, following))
    words = "first {:.2f} s, whole {:.2f} s in {} runs, then {:.2f} s"
    a, b, c = cells
    print(f"{name:18}", words.format(a, b, max(runs), c))


def once(folder: str, times: list[float]) -> bool:
    """Add the processor time of one `gittasks list`; True when it set something aside."""
    began = os.times()
    done = subprocess.run([GITTASKS, "list"], cwd=folder, capture_output=True, check=False)
    ended = os.times()
    user = ended.children_user - began.children_user
    times.append(user + ended.children_system - began.children_system)
    return done.returncode != 0


if __name__ == "__main__":
    main()
