"""Run the transcripts in a Markdown document with a real shell, and compare what they show.

What counts in a document:

- A fenced block ``console``: a line `$ COMMAND` is run by `sh`, lines `> MORE` continue it, and
  the lines up to the next command are what it prints, standard error included. A line `...`
  stands for any lines, `[..]` within a line for any text. A command that fails says so at its
  end: `# exit 5`. All blocks of a document share one shell, so variables and folders stay.
- A fenced block whose info string ends in `file=NAME` is written to that file first.
- `<!-- time 10:00:30 -->` sets the clock (of a fixed day, or the one given before the hour, UTC)
  for what follows, and `<!-- setup` … `-->` holds shell lines that readers need not see. Both are
  hidden by Markdown.

`PYTHONPATH=tests python -m support.transcripts --update FILE…` writes what was really printed into
documents.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import NamedTuple

from support import repositories, templates

DAY = "2026-11-22"
_FENCE = re.compile(r"```(\S*)(?:\s+(.*))?$")
_TIME = re.compile(r"<!-- time (?:(\d{4}-\d\d-\d\d) )?(\d\d:\d\d:\d\d) -->$")
_EXIT = re.compile(r"\s*# exit (\d+)$")
_ASSIGNMENTS = re.compile(r"^(?:[A-Z_][A-Z0-9_]*=\S*\s+)*")


@dataclass
class Step:
    """One thing that the shell does; `shown` is False for setup, which must only succeed."""

    line: int
    command: str
    expected: list[str] = field(default_factory=list)
    code: int = 0
    shown: bool = True
    end: int = 0
    """Number of the line behind the expected output."""
    printed: str = ""
    returned: int = -1

    @property
    def words(self) -> list[str]:
        """The command without variables before it, as words."""
        return _ASSIGNMENTS.sub("", self.command).split()

    @property
    def lines(self) -> list[str]:
        """What was printed, without space at the ends of lines."""
        return [line.rstrip() for line in self.printed.splitlines()]

    @property
    def as_shown(self) -> bool:
        """Whether the command did what the document says."""
        if self.returned != self.code:
            return False
        return not self.shown or matches(self.expected, self.lines)


def read(text: str) -> list[Step]:
    """The steps of a document, in order."""
    steps: list[Step] = []
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        line = lines[number].rstrip()
        number += 1
        if made := _TIME.match(line):
            moment = f"{made[1] or DAY}T{made[2]}Z"
            clock = f"export GIT_AUTHOR_DATE={moment} GIT_COMMITTER_DATE={moment}"
            steps.append(Step(number, clock, shown=False))
        elif line == "<!-- setup":
            first, number = number, _end(lines, number, "-->")
            hidden = "\n".join(lines[first : number - 1])
            steps.append(Step(first + 1, hidden, shown=False))
        elif fence := _FENCE.match(line):
            first, number = number, _end(lines, number, "```")
            block = lines[first : number - 1]
            if fence[1] == "console":
                steps += _transcript(block, first)
            elif (info := fence[2] or "").startswith("file="):
                content = "\n".join([*block, ""])
                write = f"printf %s {shlex.quote(content)} >{shlex.quote(info[5:])}"
                steps.append(Step(first, write, shown=False))
    return steps


def _end(lines: Sequence[str], start: int, mark: str) -> int:
    for number in range(start, len(lines)):
        if lines[number].rstrip() == mark:
            return number + 1
    raise ValueError(f"line {start}: no {mark} ends what begins here")


def _transcript(block: Sequence[str], first: int) -> list[Step]:
    steps: list[Step] = []
    for number, line in enumerate(block, first + 1):
        if line.startswith("$ "):
            steps.append(Step(number, line[2:], end=number))
        elif not steps:
            raise ValueError(f"line {number}: output before the first command")
        elif line.startswith("> ") and not steps[-1].expected:
            steps[-1].command += "\n" + line[2:]
            steps[-1].end = number
        else:
            steps[-1].expected.append(line.rstrip())
            steps[-1].end = number
    for step in steps:
        if wanted := _EXIT.search(step.command):
            step.code = int(wanted[1])
    return steps


def matches(expected: Sequence[str], lines: Sequence[str]) -> bool:
    """Whether lines are as expected; `...` and `[..]` stand for anything."""
    patterns = []
    for line in expected:
        if line == "...":
            patterns.append(r"(?:.*\n)*?")
        else:
            parts = line.split("[..]")
            patterns.append(".*".join(re.escape(part) for part in parts) + r"\n")
    return re.fullmatch("".join(patterns), "".join(f"{line}\n" for line in lines)) is not None


def run(steps: Sequence[Step], folder: str, env: Mapping[str, str]) -> list[Step]:
    """Run all steps in one shell that begins in `folder`; returns them with what they printed."""
    with tempfile.TemporaryDirectory() as outputs:
        script = []
        for index, step in enumerate(steps):
            out = shlex.quote(os.path.join(outputs, str(index)))
            script.append(f"eval {shlex.quote(step.command)} >{out} 2>&1 </dev/null")
            script.append(f"printf '\\n%s' $? >>{out}")
        subprocess.run(
            ["sh"],
            input="\n".join(script),
            encoding="utf-8",
            cwd=folder,
            env=dict(env),
            check=False,
            timeout=120,
        )
        return [_result(step, os.path.join(outputs, str(i))) for i, step in enumerate(steps)]


def _result(step: Step, path: str) -> Step:
    try:
        with open(path, encoding="utf-8", errors="backslashreplace") as file:
            printed, _, code = file.read().rpartition("\n")
    except FileNotFoundError:
        printed, code = "(the shell ended before this command)", "-1"
    return replace(step, printed=printed, returned=int(code))


def faults(name: str, steps: Sequence[Step]) -> str:
    """What differs from the document, as text for a person; empty when nothing does."""
    told = []
    for step in steps:
        if step.as_shown:
            continue
        head = f"{name}:{step.line}: $ {step.command}"
        if step.returned != step.code:
            head += f"\n  exit code {step.returned}, and the document says {step.code}"
        if step.shown:
            diff = difflib.unified_diff(
                step.expected, step.lines, "the document", "what was printed", lineterm="", n=20
            )
            told.append("\n".join([head, *diff]))
        else:
            told.append(f"{head}\n{step.printed}")
    return "\n\n".join(told)


def updated(text: str, steps: Sequence[Step]) -> str:
    """The document with what was printed in place of what differs."""
    lines = text.split("\n")
    for step in reversed(steps):
        if step.shown and not matches(step.expected, step.lines):
            lines[step.end - len(step.expected) : step.end] = step.lines
    return "\n".join(lines)


def perform(text: str, folder: str) -> list[Step]:
    """Run a document in a fresh repository below `folder`."""
    env = repositories.sealed(os.environ, os.path.join(folder, "home"))
    env["PATH"] = repositories.on_path()
    project = os.path.join(folder, "project")
    subprocess.run(["git", "init", "-q", project], env=env, check=True)
    return run(read(text), project, env)


class Performance(NamedTuple):
    """The only run of a document in this process."""

    steps: tuple[Step, ...]
    project: str
    """The repository that it left."""


@cache
def performed(path: str) -> Performance:
    """Run the document at a path, once; who looks at its repository afterwards changes nothing."""
    folder = templates.scratch()
    with open(path, encoding="utf-8") as file:
        steps = perform(file.read(), folder)
    return Performance(tuple(steps), os.path.join(folder, "project"))


def _main(args: Sequence[str]) -> int:
    update, bad = "--update" in args, 0
    for name in (a for a in args if a != "--update"):
        with open(name, encoding="utf-8") as file:
            text = file.read()
        with tempfile.TemporaryDirectory() as folder:
            steps = perform(text, folder)
        if update:
            with open(name, "w", encoding="utf-8") as file:
                file.write(updated(text, steps))
            steps = [s for s in steps if s.returned != s.code]
        if told := faults(name, steps):
            print(told)  # noqa: T201
            bad = 1
    return bad


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
