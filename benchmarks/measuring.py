"""Commands timed in turn, so that a busy machine slows all of them alike.

A series is a command that runs once in every round of its group; what it needs before is done
untimed. Medians are compared only with medians of the same rounds.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

GITTASKS = str(Path(sys.executable).parent / "gittasks")
QUIET: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
_COUNTER = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
_COUNTED = re.compile(r"I\s+refs:\s+([\d,]+)")


class Series(NamedTuple):
    """A command of a group; `command` and `before` are given the number of the round.

    With `reports` the command prints its figure itself, a number on the last line. `variables` are
    those of its environment that others have not.
    """

    name: str
    command: Callable[[int], Sequence[str]]
    folder: str
    before: Callable[[int], None] | None = None
    stdin: str = ""
    reports: bool = False
    variables: Mapping[str, str] = {}


class Cost(NamedTuple):
    """Seconds of processor time, children included, and from start to end; or a figure twice."""

    cpu: float
    wall: float


class CommandFailed(Exception):
    """A command that must succeed and did not: there is no figure for it."""


def environment(scratch: str) -> None:
    """Make a home of its own, so that nobody's configuration is measured or written."""
    for name in [n for n in os.environ if n.startswith(("GIT_", "GITTASKS_", "CLAUDE_"))]:
        del os.environ[name]
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"):  # they change how Python starts
        os.environ.pop(name, None)
    os.environ.update(HOME=scratch, GIT_CONFIG_NOSYSTEM="1", XDG_CONFIG_HOME=scratch)
    os.environ["PATH"] = f"{os.path.dirname(GITTASKS)}{os.pathsep}{os.environ['PATH']}"
    settings = {"user.name": "Bench", "user.email": "bench@example.org", "gc.auto": "0"}
    for key, value in settings.items():
        run(["git", "config", "--global", key, value], scratch)


def run(
    command: Sequence[str],
    folder: str,
    text: str | None = None,
    variables: Mapping[str, str] | None = None,
) -> str:
    """Run a command that must succeed; what it prints."""
    env = {**os.environ, **(variables or {})}
    try:
        return subprocess.run(
            command, cwd=folder, env=env, input=text, text=True, capture_output=True, check=True
        ).stdout
    except subprocess.CalledProcessError as error:
        words = f"{' '.join(command)} failed in {folder}: {error.stderr.strip()}"
        raise CommandFailed(words) from error


def measure(group: Sequence[Series], rounds: int) -> dict[str, list[Cost]]:
    """The costs of each series; one round first that is thrown away."""
    costs: dict[str, list[Cost]] = {series.name: [] for series in group}
    for turn in range(rounds + 1):
        for series in group:
            if series.before:
                series.before(turn)
            cost = _once(series, turn)
            if turn:
                costs[series.name].append(cost)
    return costs


def _once(series: Series, turn: int) -> Cost:
    """The cost of one run, which must succeed: a command that fails is no measurement."""
    command = series.command(turn)
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=series.folder,
            env={**os.environ, **series.variables},
            stdin=subprocess.PIPE if series.stdin else subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
        )
        if process.stdin:
            process.stdin.write(series.stdin.encode())
            process.stdin.close()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            words = errors.read().decode().strip() or f"exit code {process.returncode}"
            raise CommandFailed(f"{series.name}: {' '.join(command)}: {words}")
        if series.reports:
            output.seek(0)
            figure = float(output.read().split()[-1])
            return Cost(figure, figure)
    return Cost(used.ru_utime + used.ru_stime, wall)


def between(document: Path, mark: str) -> str:
    """What stands between the two marks of a document."""
    return _divided(document, mark)[1].strip("\n")


def put_between(document: Path, mark: str, text: str) -> None:
    """Put a text in the place of what stands between the two marks of a document."""
    before, _, after = _divided(document, mark)
    document.write_text(f"{before}{mark}\n{text}\n{mark}{after}", encoding="utf-8")


def _divided(document: Path, mark: str) -> list[str]:
    parts = document.read_text(encoding="utf-8").split(mark)
    if len(parts) != 3:
        sys.exit(f"{document} has no place for a table: two lines that say {mark}")
    return parts


def medians(costs: dict[str, list[Cost]]) -> dict[str, Cost]:
    """The median of each series, by processor time and from start to end."""
    return {
        name: Cost(statistics.median(c.cpu for c in all_), statistics.median(c.wall for c in all_))
        for name, all_ in costs.items()
    }


def count(group: Sequence[Series]) -> dict[str, Cost]:
    """Instructions of one run of each series, children included; those that report are left out."""
    if not shutil.which("valgrind"):
        sys.exit("instructions are counted by valgrind, which is not installed")
    os.environ["PYTHONHASHSEED"] = "0"
    counts = {}
    for series in [series for series in group if not series.reports]:
        for turn in range(2):  # the first fills what is kept from one command to the next
            if series.before:
                series.before(turn)
            figure = _instructions(series, turn) if turn else _once(series, turn).cpu
        counts[series.name] = Cost(figure, figure)
    return counts


def _instructions(series: Series, turn: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        log = f"--log-file={folder}/%p"
        command = [*_COUNTER, "--trace-children=yes", log, *series.command(turn)]
        run(command, series.folder, series.stdin, series.variables)
        texts = [path.read_text(errors="replace") for path in Path(folder).iterdir()]
    counts = [int(match[1].replace(",", "")) for text in texts if (match := _COUNTED.search(text))]
    return float(sum(counts))
