"""Commands of the command line as calls of the tools: hints of ours in the words of an agent."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gittasks.core.model import Status
from gittasks.errors import Way
from gittasks.render.text import clean_block


class ToolCall(NamedTuple):
    """A call of a tool: its name and its arguments."""

    tool: str
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        """The call in a sentence: `TaskUpdate taskId "p1" status "completed"`."""
        return " ".join([self.tool, *(_argument(k, v) for k, v in self.arguments.items())])


def _argument(name: str, value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return f"{name} {text}" if isinstance(value, str) else f"{name}: {text}"


_STATUSES = {
    "start": Status.IN_PROGRESS,
    "done": Status.COMPLETED,
    "skip": Status.SKIPPED,
    "release": Status.PENDING,
    "reopen": Status.PENDING,
    "restore": Status.PENDING,
    "delete": Status.DELETED,
}
_FLAGS = {
    "--resume": "resume",
    "--force": "force",
    "--parallel": "parallel",
    "--take-over": "takeOver",
    "--offline": "offline",
    "--end-loop": "endLoop",
    "--next": "startNext",
}
_VALUES = {"--owner": "owner", "--as": "owner", "--lease": "lease"}
_MEMBERS = {"--add-blocked-by": "addBlockedBy", "--remove-blocked-by": "removeBlockedBy"}
_DIRECTIONS: Mapping[str, Mapping[str, Any]] = {
    "sync": {},
    "pull": {"direction": "pull"},
    "push": {"direction": "push"},
}


def call_of(command: Sequence[str], owner: str | None = None) -> ToolCall | None:
    """The call that does what a command does; None when no tool does it.

    `owner` acted in the call that this answers, and acts in this one.
    """
    if len(command) < 2 or command[0] != "gittasks":
        return None
    _, verb, *words = command
    ids, options = _parsed(words)
    if options is None:
        return None
    task: dict[str, Any] = {"taskId": ids[0]} if ids else {}
    acts = {"owner": owner} if owner and "owner" not in options else {}
    if verb in _STATUSES and len(ids) == 1:
        status = _STATUSES[verb]
        begins = verb in ("start", "done", "skip")
        return ToolCall(
            "TaskUpdate", {**task, "status": status.value, **options, **(acts if begins else {})}
        )
    if verb == "update" and len(ids) == 1:
        return ToolCall("TaskUpdate", {**task, **options})
    if verb == "note" and len(ids) == 2:
        return ToolCall("TaskUpdate", {**task, "note": ids[1]})
    if verb == "claim":
        return ToolCall("TaskClaim", {**task, **options, **acts})
    looks = {"show": "TaskGet", "log": "TaskLog", "list": "TaskList", "status": "TaskList"}
    if verb in looks:
        return ToolCall(looks[verb], task)
    if verb == "ready":
        return ToolCall("TaskList", {"ready": True, **acts})
    if verb in _DIRECTIONS and not ids:
        return ToolCall("TaskSync", _DIRECTIONS[verb])
    return None


def _parsed(words: Sequence[str]) -> tuple[list[str], dict[str, Any] | None]:
    """Arguments, and options by the field of the tools; None for those that no tool has."""
    ids: list[str] = []
    options: dict[str, Any] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            ids.append(word)
        elif word in _FLAGS:
            options[_FLAGS[word]] = True
        elif word in _VALUES and rest:
            options[_VALUES[word]] = rest.pop(0)
        elif word in _MEMBERS and rest:
            options[_MEMBERS[word]] = rest.pop(0).split(",")
        elif word != "--all":
            return ids, None
    return ids, options


def step(way: Way, owner: str | None = None) -> str:
    """A step that an error offers, in the words of the tools where one does it."""
    call = call_of(way.command, owner)
    return f"{way.purpose}: {call}" if call else clean_block(str(way))


_COMMAND = re.compile(r"gittasks [a-z]+(?: (?:--[a-z-]+|[a-zA-Z0-9][\w./-]*|'[^']*'))*")


def in_tool_words(text: str, owner: str | None = None) -> str:
    """A sentence whose commands are calls of the tools, where one does the same.

    The words behind a command that are no arguments of it end it: `gittasks sync to see`.
    """

    def replaced(match: re.Match[str]) -> str:
        words = shlex.split(match[0])
        for length in range(min(len(words), 8), 1, -1):
            call = call_of(tuple(words[:length]), owner)
            if call:
                return " ".join([str(call), *words[length:]])
        return match[0]

    return _COMMAND.sub(replaced, text)
