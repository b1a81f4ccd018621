"""How costs grow: with tasks, commits, lists, the host repository, writers, and clones.

Each table varies one number and leaves the others as they are. Commands are given in p (`python -c
pass` of the same run), by processor time; what runs at once by the clock. `--into` puts each table
into a document, in the place of the one of the same kind; `--most` leaves larger numbers out. It
ends with 1 where a command failed.

    python benchmarks/growth.py [--quick] [--rounds 5] [--clones 50] [--updates 20] [--most N]
        [--only tasks commits lists host writers clones] [--into FILE]
"""

from __future__ import annotations

import argparse
import collections
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lists
from budgets import PYTHON, ours, python, reported
from measuring import (
    GITTASKS,
    CommandFailed,
    Cost,
    Series,
    between,
    environment,
    measure,
    medians,
    put_between,
    run,
)

COMMANDS = ("list", "status", "note")


def main() -> int:
    """Measure and print; 1 when a command failed."""
    options = _options()
    if options.into:
        between(Path(options.into), _MARK)  # ends here, and not when all is measured
    began, failed = time.monotonic(), 0
    for name in options.only:
        with tempfile.TemporaryDirectory() as scratch:
            environment(scratch)
            lines: list[str] = []
            try:
                for line in TABLES[name](scratch, options):
                    print(line, flush=True)
                    lines.append(line)
            except CommandFailed as error:
                failed += 1
                print(f"{name}: {error}", file=sys.stderr, flush=True)
                continue
        minutes = (time.monotonic() - began) / 60
        print(f"\n({name}: {minutes:.1f} minutes from the start)\n", flush=True)
        for text in "\n".join(lines).split("\n\n") if options.into else ():
            put_table(Path(options.into), text)
    if failed:
        print(f"FAILED: {failed} tables, as said above", file=sys.stderr)
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="3 rounds, 20 clones, 3 updates")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--clones", type=int)
    parser.add_argument("--updates", type=int)
    parser.add_argument("--most", type=int, default=100_000, help="no larger numbers than this")
    parser.add_argument("--into", help="a document whose tables between the two marks are renewed")
    options = parser.parse_args()
    usual = (3, 20, 3) if options.quick else (5, 50, 20)
    for name, value in zip(("rounds", "clones", "updates"), usual, strict=True):
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


_MARK = "<!-- growth -->"
_FIRST_CELLS = (
    "tasks",
    "commits of the list",
    "lists",
    "branches of the code",
    "commits of the code",
    "writers",
    "clones",
)
"""What each table begins with, in the order of a document."""


def put_table(document: Path, text: str) -> None:
    """Put a table into a document, in the place of the one that begins with the same word."""
    tables = [*between(document, _MARK).split("\n\n"), text]
    by_cell = {table.split(" | ")[0].removeprefix("| "): table for table in tables}
    ordered = [by_cell[cell] for cell in _FIRST_CELLS if cell in by_cell]
    put_between(document, _MARK, "\n\n".join(ordered))


def commands(folder: str) -> list[Series]:
    """A read of each kind, and a write that every list allows."""
    return [
        *(ours(name, folder) for name in COMMANDS[:2]),
        ours("note", folder, "note", "t0", "word {}"),
    ]


def in_p(folder: str, series: Sequence[Series], rounds: int) -> Mapping[str, float]:
    """Medians of processor time in p."""
    costs: Mapping[str, Cost] = medians(measure([python(folder), *series], rounds))
    return {name: cost.cpu / costs[PYTHON].cpu for name, cost in costs.items()}


def table(
    what: str, sizes: Sequence[int], make: Callable[[int], str], options: argparse.Namespace
) -> Iterator[str]:
    """A row for each size: the commands in p, in the repository that is made for it."""
    yield f"| {what} | " + " | ".join(COMMANDS) + " |\n" + "|---" * (len(COMMANDS) + 1) + "|"
    for size in (size for size in sizes if size <= options.most):
        folder = make(size)
        lists.warm(folder)
        ratios = in_p(folder, commands(folder), options.rounds)
        yield f"| {size:,} | " + " | ".join(f"{ratios[name]:.1f}" for name in COMMANDS) + " |"


def by_tasks(scratch: str, options: argparse.Namespace) -> Iterator[str]:
    """Tasks of the list."""

    def make(size: int) -> str:
        return lists.new_list(f"{scratch}/{size}", size)

    return table("tasks", (20, 100, 1_000, 10_000), make, options)


def by_commits(scratch: str, options: argparse.Namespace) -> Iterator[str]:
    """Commits of the list, of 20 tasks."""

    def make(size: int) -> str:
        return lists.with_past(f"{scratch}/{size}", 20, size)

    return table("commits of the list", (100, 1_000, 10_000, 100_000), make, options)


def by_lists(scratch: str, options: argparse.Namespace) -> Iterator[str]:
    """Lists beside the one at work, which stays as it is."""

    def make(size: int) -> str:
        folder = lists.new_list(f"{scratch}/{size}", 20)
        tip = run(["git", "rev-parse", lists.BRANCH], folder).strip()
        refs = "".join(f"create refs/heads/gittasks/l{n} {tip}\n" for n in range(size - 1))
        run(["git", "update-ref", "--stdin"], folder, refs)
        run(["git", "pack-refs", "--all"], folder)
        return folder

    return table("lists", (1, 10, 100), make, options)


def by_host(scratch: str, options: argparse.Namespace) -> Iterator[str]:
    """Branches and commits of the repository that the list is in."""

    def with_refs(size: int) -> str:
        folder = with_code(1, f"{scratch}/refs-{size}")
        tip = run(["git", "rev-parse", "HEAD"], folder).strip()
        refs = "".join(f"create refs/heads/topic/{n} {tip}\n" for n in range(size))
        run(["git", "update-ref", "--stdin"], folder, refs)
        run(["git", "pack-refs", "--all"], folder)
        return folder

    yield from table("branches of the code", (1, 1_000, 50_000), with_refs, options)
    yield ""

    def with_commits(size: int) -> str:
        return with_code(size, f"{scratch}/commits-{size}")

    yield from table("commits of the code", (1, 1_000, 100_000), with_commits, options)


def with_code(commits: int, folder: str) -> str:
    """A list beside so many commits of code."""
    lists.new_list(folder, 20)
    who = "committer Bench <bench@example.org>"
    stream = "".join(
        f"commit refs/heads/code\n{who} {1_700_000_000 + n} +0000\ndata 1\nx\n"
        for n in range(commits)
    )
    run(["git", "fast-import", "--quiet"], folder, stream)
    run(["git", "symbolic-ref", "HEAD", "refs/heads/code"], folder)
    return folder


def by_writers(scratch: str, options: argparse.Namespace) -> Iterator[str]:
    """Processes that write to one list at once."""
    yield "| writers | updates a second | longest wait, s |\n|---|---|---|"
    for count in (n for n in (1, 4, 16, 32) if n <= options.most):
        os.environ["WRITERS"] = str(count)
        folder = lists.new_list(f"{scratch}/{count}", 40)
        series = [reported(name, folder, name, folder) for name in ("writers", "wait")]
        costs = medians(measure(series, options.rounds))
        yield f"| {count} | {1 / costs['writers'].wall:.0f} | {costs['wait'].wall:.2f} |"


def by_clones(scratch: str, options: argparse.Namespace) -> Iterator[str]:
    """Clones of one remote that all write and sync, again and again."""
    head = (
        "| clones | updates | syncs a second | median s | longest s | ended busy | pushes a sync |"
    )
    yield f"{head}\n|---|---|---|---|---|---|---|"
    for count in (n for n in (2, 8, 20, 50) if n <= options.clones):
        folder = f"{scratch}/{count}"
        clones = lists.shared(folder, count, count)
        log = _counted(f"{folder}/hub.git")
        began = time.monotonic()
        with ThreadPoolExecutor(count) as pool:
            runs = [pool.submit(_update, clone, options.updates) for clone in clones]
            taken = [one for each in runs for one in each.result()]
        elapsed = time.monotonic() - began
        times, codes = [t for t, _ in taken], collections.Counter(code for _, code in taken)
        run([GITTASKS, "sync"], clones[0])
        written = run([GITTASKS, "log", "-q"], clones[0]) and _results(clones[0])
        assert written >= count * options.updates, (written, codes)
        pushes = len(open(log, encoding="ascii").readlines())  # noqa: SIM115
        middle, longest = statistics.median(times), max(times)
        cells = [f"{len(taken) / elapsed:.1f}", f"{middle:.1f}", f"{longest:.1f}", f"{codes[6]}"]
        cells.append(f"{pushes / len(taken):.1f}")
        yield f"| {count} | {len(taken)} | {' | '.join(cells)} |"


def _counted(hub: str) -> str:
    """A log of the hub with a line for each push that came as far as its hook."""
    log, hook = f"{hub}/pushes", f"{hub}/hooks/pre-receive"
    os.makedirs(os.path.dirname(hook), exist_ok=True)
    with open(hook, "w", encoding="ascii") as file:
        file.write(f"#!/bin/sh\necho >>{log}\n")
    os.chmod(hook, 0o700)
    return log


def _update(clone: str, updates: int) -> list[tuple[float, int]]:
    """Seconds and exit codes of the syncs of one clone; who ended busy tries again."""
    task, taken = f"t{os.path.basename(clone).removeprefix('clone')}", []
    for number in range(updates):
        run([GITTASKS, "note", task, f"{task} {number}"], clone)
        code = 6
        while code == 6:
            began = time.monotonic()
            done = subprocess.run(
                [GITTASKS, "sync", "-q"], cwd=clone, capture_output=True, text=True, check=False
            )
            code = done.returncode
            if code not in (0, 6):
                raise CommandFailed(f"sync in {clone}: {done.stderr.strip()}")
            taken.append((time.monotonic() - began, code))
    return taken


def _results(clone: str) -> int:
    """The notes that the tasks of a clone have."""
    names = run(["git", "grep", "-c", "text:", lists.BRANCH, "--", "tasks"], clone).splitlines()
    return sum(int(line.rpartition(":")[2]) for line in names)


TABLES = {
    "tasks": by_tasks,
    "commits": by_commits,
    "lists": by_lists,
    "host": by_host,
    "writers": by_writers,
    "clones": by_clones,
}


if __name__ == "__main__":
    sys.exit(main())
