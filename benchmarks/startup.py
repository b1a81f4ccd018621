"""How long one command takes, beside Python itself, git, and other task trackers.

Every round runs each command once, so a busy machine slows all alike; medians and ratios to
`python -c pass` of the same run are printed, with the budgets they must keep. Nothing is pinned to
absolute times. Peers are measured when they are installed (`apt install taskwarrior`,
`npm install -g backlog.md`), and named when they are not.

    python benchmarks/startup.py [--rounds 25] [--tasks 20 1000]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

QUIET: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
GITTASKS = str(Path(sys.executable).parent / "gittasks")


class Case(NamedTuple):
    """A command to time; `make` gives its arguments for round `n`; `budget` is a ratio."""

    name: str
    make: Callable[[int], list[str]]
    folder: str
    budget: float | None = None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--tasks", type=int, nargs="+", default=[20, 1000])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        environment(scratch)
        cases = base_cases(scratch)
        for count in options.tasks:
            cases += gittasks_cases(scratch, count)
        peers, absent = peer_cases(scratch)
        report(cases + peers, measure(cases + peers, options.rounds), options.rounds)
        for line in absent:
            print(line)


def environment(scratch: str) -> None:
    """A home of our own, so that nobody's configuration is measured or written."""
    for name in [n for n in os.environ if n.startswith(("GIT_", "GITTASKS_", "CLAUDE_"))]:
        del os.environ[name]
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.update(HOME=scratch, GIT_CONFIG_NOSYSTEM="1", XDG_CONFIG_HOME=scratch)
    for key, value in (("user.name", "Bench"), ("user.email", "bench@example.org")):
        run(["git", "config", "--global", key, value], scratch)


def run(command: list[str], folder: str, text: str | None = None) -> None:
    """Run a command that must succeed."""
    subprocess.run(command, cwd=folder, input=text, text=True, capture_output=True, check=True)


def base_cases(scratch: str) -> list[Case]:
    """Python, click alone, and git doing comparable things."""
    folder = f"{scratch}/code"
    run(["git", "init", "-q", folder], scratch)
    Path(folder, "file").write_text("begin\n")
    run(["git", "add", "file"], folder)
    run(["git", "commit", "-qm", "first"], folder)
    commit = 'echo "$0" > file && git commit -qam "change $0"'
    plumbing = (
        'b=$(echo "$0" | git hash-object -w --stdin) && '
        't=$(printf "100644 blob $b\\tf\\n" | git mktree) && '
        'c=$(git commit-tree -m x "$t") && git update-ref refs/heads/plumbing "$c"'
    )
    return [
        Case("python -c pass", lambda _: [sys.executable, "-c", "pass"], folder),
        Case("python -c 'import click'", lambda _: [sys.executable, "-c", "import click"], folder),
        Case("git commit -am (in sh)", lambda n: ["sh", "-c", commit, str(n)], folder),
        Case("git plumbing, 4 calls (in sh)", lambda n: ["sh", "-c", plumbing, str(n)], folder),
    ]


def gittasks_cases(scratch: str, count: int) -> list[Case]:
    """Our commands on a list of `count` tasks, cache warm, output not a terminal."""
    folder = f"{scratch}/list-{count}"
    run(["git", "init", "-q", folder], scratch)
    run([GITTASKS, "init", "bench"], folder)
    # Two tasks for `start` to take in turn; half of the others closed, as in a list at work.
    lines = [
        {"op": "create", "id": f"t{i}", "subject": f"PHASE {i // 4}: task {i}"}
        for i in range(count)
    ]
    lines += [{"op": "done", "id": f"t{i}"} for i in range(2, count // 2)]
    run([GITTASKS, "batch"], folder, "\n".join(json.dumps(line) for line in lines))

    def turn(n: int) -> list[str]:
        return [GITTASKS, "start" if n % 2 == 0 else "release", "t0"]

    read, write = (4.5, 6.0) if count <= 20 else (6.0, 6.5)
    cases = [Case("gittasks -h", lambda _: [GITTASKS, "-h"], folder, 4.2)] if count <= 20 else []
    for words in (["list"], ["status"], ["ready"], ["show", "t1"], ["list", "--json"]):
        name = f"gittasks {' '.join(words)} ({count} tasks)"
        cases.append(Case(name, lambda _, w=words: [GITTASKS, *w], folder, read))  # type: ignore[misc]
    cases.append(Case(f"gittasks start/release ({count} tasks)", turn, folder, write))
    cases.append(
        Case(
            f"gittasks create ({count} tasks)",
            lambda n: [GITTASKS, "create", f"extra {n}", "--id", f"x{n}"],
            folder,
            write,
        )
    )
    return cases


def peer_cases(scratch: str) -> tuple[list[Case], list[str]]:
    """Other trackers that a package manager can install: their list and add."""
    cases, absent = [], []
    folder = f"{scratch}/peers"
    run(["git", "init", "-q", folder], scratch)
    if task := shutil.which("task"):
        rc = f"{scratch}/taskrc"
        Path(rc).write_text(f"data.location={scratch}/taskdata\nconfirmation=no\n")
        os.environ["TASKRC"] = rc
        for i in range(20):
            run([task, "add", f"task {i}"], folder)
        cases.append(Case("taskwarrior: task list", lambda _: [task, "list"], folder))
        cases.append(Case("taskwarrior: task add", lambda n: [task, "add", f"more {n}"], folder))
    else:
        absent.append(
            "taskwarrior is not installed, so it was not measured (apt install taskwarrior)"
        )
    if backlog := shutil.which("backlog"):
        run([backlog, "init", "bench", "--defaults"], folder)
        for i in range(20):
            run([backlog, "task", "create", f"task {i}"], folder)
        cases.append(
            Case("Backlog.md: task list", lambda _: [backlog, "task", "list", "--plain"], folder)
        )
        cases.append(
            Case("Backlog.md: task create", lambda n: [backlog, "task", "create", f"m {n}"], folder)
        )
    else:
        absent.append(
            "Backlog.md is not installed, so it was not measured (npm install -g backlog.md)"
        )
    return cases, absent


def measure(cases: list[Case], rounds: int) -> dict[str, list[float]]:
    """Seconds of each case in each round; one round first that is thrown away."""
    times: dict[str, list[float]] = {case.name: [] for case in cases}
    for n in range(-1, rounds):
        for case in cases:
            command = case.make(n + 1)
            began = time.perf_counter()
            # A command that fails is no measurement, so it ends the run.
            subprocess.run(command, cwd=case.folder, check=True, **QUIET)
            if n >= 0:
                times[case.name].append(time.perf_counter() - began)
    return times


def report(cases: list[Case], times: dict[str, list[float]], rounds: int) -> None:
    """One line a case: median, ratio, budget."""
    base = statistics.median(times["python -c pass"])
    print(f"{rounds} interleaved rounds; ratio to python -c pass ({base * 1e3:.1f} ms)\n")
    print(f"{'command':<44}{'ms':>8}{'ratio':>8}{'budget':>8}")
    for case in cases:
        median = statistics.median(times[case.name])
        ratio = median / base
        budget = f"{case.budget:>8.1f}" if case.budget else " " * 8
        over = "  over" if case.budget and ratio > case.budget else ""
        print(f"{case.name:<44}{median * 1e3:>8.1f}{ratio:>8.2f}{budget}{over}")


if __name__ == "__main__":
    main()
