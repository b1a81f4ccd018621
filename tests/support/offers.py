"""Offers over the whole suite: each kind of command that errors and replies give is run at once.

A forked command notes what it offers (`launcher`); who ran it then runs each offer of a kind that
was not met before in a copy of the repository, nothing else having happened. A kind is who offered
(the rule of a refusal, or the words of a reply) and the command without its arguments.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from support import promises

if TYPE_CHECKING:
    from support.repositories import Repo

_TOLERATED = (4, 6, 7)
"""Exit codes of damaged data, a disk, a lock, a remote: no offer answers for those."""
_REMOTE = ("pull", "push", "sync", "claim", "heartbeat", "doctor")
_SERVED = re.compile(rb"url = (https?|ssh|git|ext)\b|::")

kinds: Counter[str] = Counter()
"""The kinds that were met, by `run`, `decision`, or why they were left alone."""
_met: set[tuple[str, ...]] = set()


def taken(path: str) -> list[dict[str, Any]]:
    """What was noted, which is not read again."""
    with open(path, encoding="utf-8") as file:
        entries = [json.loads(line) for line in file]
    os.unlink(path)
    return entries


def keep(repo: Repo, entries: Sequence[Mapping[str, Any]], env: Mapping[str, str]) -> None:
    """Run each offer of a kind that was not met before; Broken when one is not accepted."""
    errors = [entry for entry in entries if "error" in entry]
    rule = errors[-1]["error"] if errors else ""
    for error in errors:
        promises.check_named(error["hint"] or "", error["known"])
    for entry in entries:
        if "command" in entry:
            _keep_one(repo, entry, rule, env)


def _keep_one(repo: Repo, entry: Mapping[str, Any], rule: str, env: Mapping[str, str]) -> None:
    command: Sequence[str] = entry["command"]
    kind = (rule or _shape(entry["purpose"]), *_verb(command))
    if kind in _met:
        return
    _met.add(kind)
    if entry["decision"]:
        kinds["decision"] += 1
        return
    if command[0] != "gittasks" or not os.path.isdir(repo.path):
        raise promises.Broken(f"{command} is no command to run at once: {entry}")
    if _is_apart(repo, command):
        kinds["of a server"] += 1
        return
    kinds["run"] += 1
    moves = "end this message" not in entry["purpose"]  # of a claim that is somebody else's now
    promises.keep(repo, command, env, tolerated=_TOLERATED, moves=moves)


def _verb(command: Sequence[str]) -> Iterable[str]:
    """The command and its options, without what they are about."""
    return (word for n, word in enumerate(command) if n < 2 or word.startswith("-"))


def _shape(purpose: str) -> str:
    """The words of a reply without names and numbers."""
    return re.sub(r"^\S+: |\d+|\"[^\"]*\"", "", purpose)[-40:]


def _is_apart(repo: Repo, command: Sequence[str]) -> bool:
    """Does the command talk to a server of the test, which a copy of the folder does not copy?"""
    if command[1] not in _REMOTE:
        return False
    try:
        with open(os.path.join(repo.git_dir, "config"), "rb") as file:
            return bool(_SERVED.search(file.read()))
    except OSError:
        return True
