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
_GUESS = re.compile(r"did you mean[^?]*[?]")
"""What is asked is no offer."""
_PLACEHOLDER = re.compile(r"\b[A-Z]{2,}\b|…|\.\.\.")
_STATUSES = {
    "start": "in_progress",
    "claim": "in_progress",
    "done": "completed",
    "skip": "skipped",
    "release": "pending",
    "reopen": "pending",
}
_LOOKS = ("ready", "show", "log", "list", "status", "lists", "conflicts", "lint")
_HONEST = ("conflicts", "lint", "doctor", "ready", "pull")
"""Commands whose exit code 1 is an answer."""
_NAMED = ("config", ".git", "gitdir", "alternates", "commondir")
"""Files of git that name folders."""


class Broken(AssertionError):
    """A command that was offered and not accepted, or that did not do what was said."""


@contextmanager
def twin(repo: Repo) -> Iterator[Repo]:
    """A copy of a repository, with what is beside it, that may be changed."""
    folder = os.path.dirname(repo.path)
    other = f"{folder}-twin"
    shutil.copytree(folder, other, symlinks=True, ignore=_sockets)
    try:
        for place, _, names in os.walk(other):
            for name in {*names} & {*_NAMED}:
                _rename(os.path.join(place, name), folder, other)
        yield Repo(os.path.join(other, os.path.basename(repo.path)))
    finally:
        shutil.rmtree(other, ignore_errors=True)


def _sockets(folder: str, names: list[str]) -> list[str]:
    """What cannot be copied, and what only ever was a copy: sockets, pipes."""
    paths = ((name, os.path.join(folder, name)) for name in names)
    return [n for n, p in paths if not (os.path.isfile(p) or os.path.isdir(p) or os.path.islink(p))]


def _rename(path: str, folder: str, other: str) -> None:
    """Have a file of git name the copy."""
    if os.path.isfile(path) and not os.path.islink(path):
        with open(path, "rb") as file:
            text = file.read()
        if os.fsencode(f"{folder}/") in text:
            with open(path, "wb") as file:
                file.write(text.replace(os.fsencode(f"{folder}/"), os.fsencode(f"{other}/")))


def in_text(text: str) -> list[list[str]]:
    """Commands of a text that name everything that they need, each as an argv."""
    found = []
    for match in COMMAND.finditer(_GUESS.sub("", text)):
        words = match[1].strip().rstrip(".,:?")
        if not _PLACEHOLDER.search(words):
            found.append(["gittasks", *shlex.split(words)])
    return found


def keep(
    repo: Repo,
    command: Sequence[str],
    env: Mapping[str, str] = {},
    *,
    tolerated: Sequence[int] = (),
    moves: bool = True,
) -> Result:
    """Run a command that was offered in a copy: it must be accepted and do what it says.

    `tolerated`: exit codes of what may be wrong still; `moves`: it is to move its task.
    """
    program, verb, *words = command
    assert program == "gittasks", command
    with twin(repo) as other:
        folder, copy = os.path.dirname(repo.path), os.path.dirname(other.path)
        words = [word.replace(folder, copy) for word in words]
        env = {name: value.replace(folder, copy) for name, value in env.items()}
        result = other.run(verb, *words, env=env, offers=False)
        if result.code in tolerated:
            return result
        if result.code != 0 and not (result.code == 1 and verb in _HONEST):
            raise Broken(f"{shlex.join(command)}: {result}")
        ids = [word for word in words if not word.startswith("-")]
        if verb in _LOOKS:
            if not result.out.strip():
                raise Broken(f"{shlex.join(command)} shows nothing")
        elif verb in _STATUSES and ids and moves:
            where = words[words.index("--list") :][:2] if "--list" in words else []
            status = _status(other, ids[0], where)
            if status != _STATUSES[verb]:
                raise Broken(f"{shlex.join(command)}: {ids[0]} is {status}")
        return result


def _status(repo: Repo, task_id: str, where: Sequence[str]) -> str:
    """The status of a task, whatever else of the list can be read."""
    tasks = repo.run("list", "--all", "--json", *where, offers=False).json()["tasks"]
    status: str = next(task["status"] for task in tasks if task["id"] == task_id)
    return status


def check_named(hint: str, known: Sequence[Sequence[str]]) -> None:
    """Raise Broken for a command that stands in a hint and not in its data."""
    for command in in_text(hint):
        if command not in [*map(list, known)]:
            raise Broken(f"{shlex.join(command)} stands in a hint and not in its data: {hint}")


def offered(error: Mapping[str, Any]) -> list[list[str]]:
    """The commands of a JSON error; those that its hint names must be among its data."""
    check_named(error["hint"] or "", [*error["commands"], *error["decisions"]])
    commands: list[list[str]] = error["commands"]
    return commands
