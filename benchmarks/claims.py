"""How many claims a second several agents get through one remote, beside a bare `git push`.

Each agent has a clone of its own and a process for each command, as agents do: claim the next ready
task, finish it. Beside it the same number of processes push one commit of code each to a branch
of its own, which nobody contests. Medians of several rounds in one run.

    python benchmarks/claims.py [--agents 8] [--tasks 24] [--rounds 3]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from measuring import GITTASKS, QUIET, environment, run

from gittasks import Workspace
from gittasks.core.operations import Create
from gittasks.sync import SyncOptions


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--agents", type=int, default=8)
    parser.add_argument("--tasks", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        environment(scratch)
        for turn in range(options.rounds):
            folder = f"{scratch}/{turn}"
            clones = shared(folder, options.agents, options.tasks)
            for name, work in (("claim and done", claim_all), ("git push of code", push_code)):
                began = time.perf_counter()
                with ThreadPoolExecutor(options.agents) as pool:
                    done = sum(pool.map(work, clones, range(options.agents)))
                rates.setdefault(name, []).append(done / (time.perf_counter() - began))
    print("| what | a second |\n|---|---|")
    for name, found in rates.items():
        print(f"| {name}, {options.agents} agents | {statistics.median(found):.1f} |")


def shared(folder: str, agents: int, tasks: int) -> list[str]:
    """A hub, a list of tasks on it, and a clone for each agent."""
    os.makedirs(folder)
    run(["git", "init", "-q", "--bare", "hub.git"], folder)
    run(["git", "clone", "-q", "hub.git", "first"], folder)
    first = Workspace.open(f"{folder}/first")
    first.init("bench", None)
    first.edit([Create(f"Task {n}", id=f"t{n}") for n in range(tasks)])
    first.exchange(SyncOptions(fetch=True, push=True))
    for n in range(agents):
        run(["git", "clone", "-q", "hub.git", f"agent{n}"], folder)
        run(["git", "commit", "-q", "--allow-empty", "-m", "code"], f"{folder}/agent{n}")
    return [f"{folder}/agent{n}" for n in range(agents)]


def claim_all(clone: str, who: int) -> int:
    """Claim and finish until nothing is ready; how many this agent got."""
    env = {**os.environ, "GITTASKS_OWNER": f"o{who}", "GITTASKS_SESSION": f"s{who}"}
    env["GITTASKS_LIST"] = "bench"
    got = 0
    while True:
        asked = subprocess.run(
            [GITTASKS, "claim", "-q"], cwd=clone, env=env, capture_output=True, text=True
        )
        if asked.returncode == 1:
            return got
        if asked.returncode == 0:
            name = asked.stdout.strip()
            subprocess.run([GITTASKS, "done", "-q", name], cwd=clone, env=env, check=True, **QUIET)
            got += 1


def push_code(clone: str, who: int) -> int:
    """Push one commit to a branch of this agent's own."""
    command = ["git", "push", "-q", "origin", f"HEAD:refs/heads/code{who}"]
    subprocess.run(command, cwd=clone, check=True, **QUIET)
    return 1


if __name__ == "__main__":
    main()
