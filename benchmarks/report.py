"""How large a report is and how long it takes, for a short list and for a long one.

Half of the tasks are completed, by four owners in many commits, with phases, dependencies, results
and a note here and there; nothing is pinned to absolute times.

    python benchmarks/report.py [--tasks 20 1000]
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

GITTASKS = str(Path(sys.executable).parent / "gittasks")
BEGIN = 1893456000
OWNERS = ("ada", "bob", "eve", "claude-agent")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--tasks", type=int, nargs="+", default=[20, 1000])
    options = parser.parse_args()
    print("| tasks | commits | form | bytes | gzipped | ms |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.update(HOME=scratch, GIT_CONFIG_NOSYSTEM="1")
        for name, value in (("user.name", "Bench"), ("user.email", "bench@example.org")):
            run(scratch, "git", "config", "--global", name, value)
        for count in options.tasks:
            folder = f"{scratch}/{count}"
            commits = build(folder, count)
            for form in ("html", "markdown"):
                report(folder, count, commits, form)


def run(folder: str, *command: str, text: str = "", minute: int = 0) -> bytes:
    """Run a command that must succeed, at a minute of 2030."""
    env = {**os.environ, "GIT_AUTHOR_DATE": f"{BEGIN + 60 * minute} +0000"}
    return subprocess.run(
        command, cwd=folder, env=env, input=text.encode(), capture_output=True, check=True
    ).stdout


def build(folder: str, count: int) -> int:
    """Make a list of so many tasks with a history; the number of its commits."""
    os.makedirs(folder)
    run(folder, "git", "init", "-q")
    run(folder, GITTASKS, "init", "plan")
    batch(folder, 0, (task(number, count) for number in range(count)))
    commits = 2
    size = max(1, count // 200)
    for first in range(0, count // 2, size):
        ids = [f"t{number}" for number in range(first, min(first + size, count // 2))]
        for step, op in enumerate(("start", "done")):
            owner = OWNERS[first // size % len(OWNERS)]
            lines = ({"op": op, "id": name, "owner": owner} for name in ids)
            batch(folder, 5 * commits + step, lines)
            commits += 1
    return commits


def task(number: int, count: int) -> dict[str, Any]:
    """One task of the list."""
    made: dict[str, Any] = {
        "op": "create",
        "id": f"t{number}",
        "subject": f"PHASE {1 + number * 10 // count}: Implement part {number} of the whole",
        "activeForm": f"Implementing part {number}",
        "description": f"What part {number} has to do, in about as many words as people write.",
    }
    if number >= 3 and number % 3 == 0:
        made["blockedBy"] = [f"t{number - 3}"]
    return made


def batch(folder: str, minute: int, operations: Iterator[dict[str, Any]]) -> None:
    """Apply operations as one commit."""
    text = "\n".join(map(json.dumps, operations))
    run(folder, GITTASKS, "batch", "--parallel", "--force", text=text, minute=minute)


def report(folder: str, count: int, commits: int, form: str) -> None:
    """Print a row; the first run, which fills the caches, is not timed."""
    command = (GITTASKS, "report", "--format", form, "--output", "-")
    run(folder, *command)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        page = run(folder, *command, minute=10**4)
        times.append(time.perf_counter() - start)
    packed = len(gzip.compress(page))
    print(
        f"| {count:,} | {commits} | {form} | {len(page):,} | {packed:,} | {min(times) * 1000:.0f} |"
    )


if __name__ == "__main__":
    main()
