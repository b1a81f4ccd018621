"""Hints as promises: each command that an error or a reply offers is run at once, in a copy."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from support.repositories import Repo, Result

COMMAND = re.compile(r"\bgittasks ((?:[^\s;`()]+ ?)+)")
_PLACEHOLDER = re.compile(r"\b[A-Z]{2,}\b|…")
_STATUSES = {
    "start": "in_progress",
    "claim": "in_progress",
    "done": "completed",
    "skip": "skipped",
    "release": "pending",
    "reopen": "pending",
}
_LOOKS = ("ready", "show", "log", "list", "status", "lists", "conflicts", "lint")


class Broken(AssertionError):
    """A command that was offered and not accepted, or that did not do what was said."""


@contextmanager
def twin(repo: Repo) -> Iterator[Repo]:
    """A copy of a repository, with what is beside it, that may be changed."""
    folder = os.path.dirname(repo.path)
    other = f"{folder}-twin"
    shutil.copytree(folder, other, symlinks=True)
    try:
        yield Repo(os.path.join(other, os.path.basename(repo.path)))
    finally:
        shutil.rmtree(other)


def in_text(text: str) -> list[list[str]]:
    """Commands of a text that name everything that they need, each as an argv."""
    found = []
    for match in COMMAND.finditer(text):
        words = match[1].strip().rstrip(".,:?")
        if not _PLACEHOLDER.search(words):
            found.append(["gittasks", *shlex.split(words)])
    return found


def keep(repo: Repo, command: Sequence[str], env: Mapping[str, str] = {}) -> Result:
    """Run a command that was offered in a copy: it must be accepted and do what it says."""
    program, verb, *words = command
    assert program == "gittasks", command
    with twin(repo) as other:
        result = other.run(verb, *words, env=env)
        if result.code != 0:
            raise Broken(f"{shlex.join(command)}: {result}")
        ids = [word for word in words if not word.startswith("-")]
        if verb in _LOOKS:
            if not result.out.strip():
                raise Broken(f"{shlex.join(command)} shows nothing")
        elif verb in _STATUSES and ids:
            status = other.tasks()[ids[0]]["status"]
            if status != _STATUSES[verb]:
                raise Broken(f"{shlex.join(command)}: {ids[0]} is {status}")
        return result


def offered(error: Mapping[str, Any]) -> list[list[str]]:
    """The commands of a JSON error; those that its hint names must be among its data."""
    known = [*error["commands"], *error["decisions"]]
    for command in in_text(error["hint"] or ""):
        if command not in known:
            raise Broken(f"{shlex.join(command)} stands in a hint and not in its data: {error}")
    commands: list[list[str]] = error["commands"]
    return commands
