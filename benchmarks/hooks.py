"""What the hooks add to a `git commit`: commits with and without them in turn, in one run.

Four repositories that are alike: no hooks; hooks, but no task in the message; hooks and one task
that the commit completes; and the least that a hook in Python could cost, a post-commit that runs
`python -c pass`. Medians over rounds, and ratios to the first.

    python benchmarks/hooks.py [--rounds 30]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time

from startup import GITTASKS, environment, run

from gittasks import Workspace
from gittasks.core.operations import Create


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        environment(scratch)
        os.environ["PATH"] = f"{os.path.dirname(GITTASKS)}{os.pathsep}{os.environ['PATH']}"
        cases = {
            "git commit, no hooks": repository(f"{scratch}/bare", options.rounds, hooks=False),
            "with hooks, no task named": repository(f"{scratch}/quiet", options.rounds),
            "with hooks, one task completed": repository(f"{scratch}/task", options.rounds),
            "a hook that runs python -c pass": repository(
                f"{scratch}/pass", options.rounds, hooks=False
            ),
        }
        python_hook(f"{scratch}/pass")
        times: dict[str, list[float]] = {name: [] for name in cases}
        for turn in range(options.rounds):
            for name, folder in cases.items():
                trailer = ["-m", f"Task: t{turn} completed"] if "completed" in name else []
                args = ["git", "commit", "-q", "--allow-empty", "-m", f"Turn {turn}", *trailer]
                began = time.perf_counter()
                run(args, folder)
                times[name].append(time.perf_counter() - began)
    base = statistics.median(next(iter(times.values())))
    print("| what | ms | ratio |\n|---|---|---|")
    for name, found in times.items():
        median = statistics.median(found)
        print(f"| {name} | {median * 1000:.1f} | {median / base:.2f} |")


def repository(folder: str, tasks: int, *, hooks: bool = True) -> str:
    """A repository with a list of so many tasks, with or without the hooks."""
    os.makedirs(folder)
    run(["git", "init", "-q"], folder)
    workspace = Workspace.open(folder)
    workspace.init("bench", None)
    workspace.edit([Create(f"Task {n}", id=f"t{n}") for n in range(tasks)])
    if hooks:
        run([GITTASKS, "hooks", "install", "-q"], folder)
    return folder


def python_hook(folder: str) -> None:
    """A post-commit hook that starts Python and does nothing."""
    path = f"{folder}/.git/hooks/post-commit"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\nexec {sys.executable} -c pass\n")
    os.chmod(path, 0o700)


if __name__ == "__main__":
    main()
