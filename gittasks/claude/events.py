"""What Claude Code tells a hook on standard input, as a value.

Keys are taken in both spellings (`taskId`, `task_id`), since the stream of a tool call may carry
either. Whatever is missing or of another kind reads as empty: an event never fails for its form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from gittasks.claude.native import first_of, is_number
from gittasks.errors import InvalidData

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SESSION_LIMIT = 200
_IN_TEXT = re.compile(r"#([0-9]{1,9})\b")


class Event(NamedTuple):
    """One event of a session; "" and {} where it says nothing.

    `fields` are the top-level fields in snake_case; `tool_input` too, but for the data in it.
    """

    name: str
    session: str
    folder: str
    fields: Mapping[str, Any]
    tool: str
    tool_input: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A top-level field that is text, else ""."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""

    @property
    def number(self) -> str:
        """The number of the native task that this is about, or ""."""
        if self.tool == "TaskCreate":
            return _made(self.fields.get("tool_response"))
        named = first_of({**self.fields, **self.tool_input}, "task_id", "id")
        number = str(named if isinstance(named, (str, int)) else "").removeprefix("#")
        return number if is_number(number) else ""

    @property
    def task_id(self) -> str:
        """What names the task where it is no number of Claude Code's, or ""."""
        named = first_of({**self.fields, **self.tool_input}, "task_id", "id")
        return named if isinstance(named, str) and not is_number(named) else ""

    @property
    def failed(self) -> bool:
        """Whether the tool said that it did not do what was asked."""
        response = self.fields.get("tool_response")
        return isinstance(response, dict) and response.get("success") is False

    @property
    def native_list(self) -> str:
        """Name of the native list when no variable gives one: the team, else the session."""
        return self.text("team_name") or self.session


def parse(data: bytes, name: str = "") -> Event:
    """The event; `name` is what the caller says it is. Raises InvalidData."""
    try:
        found = json.loads(data.decode("utf-8-sig", "replace") or "{}")
    except (ValueError, RecursionError) as error:
        raise InvalidData(f"the event is no JSON: {error}", where="standard input") from error
    if not isinstance(found, dict):
        raise InvalidData("the event is no JSON object", where="standard input")
    fields = _snake(found)
    tool_input = fields.get("tool_input")

    def text(key: str) -> str:
        return value if isinstance(value := fields.get(key), str) else ""

    session = text("session_id")
    return Event(
        text("hook_event_name") or name,
        session if session.isprintable() and len(session) <= _SESSION_LIMIT else "",
        text("cwd"),
        fields,
        text("tool_name"),
        _snake(tool_input) if isinstance(tool_input, dict) else {},
    )


def _snake(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The same fields under names in snake_case; of two spellings the one with a value counts."""
    made: dict[str, Any] = {}
    for key, value in fields.items():
        name = _HUMP.sub("_", key).lower()
        if made.get(name) is None:
            made[name] = value
    return made


def _made(response: Any) -> str:
    """The number of the task that TaskCreate answers with, as data or in its text."""
    if isinstance(response, dict):
        task = response.get("task")
        number = task.get("id") if isinstance(task, dict) else first_of(response, "taskId", "id")
        if isinstance(number, (str, int)) and is_number(str(number)):
            return str(number)
        response = response.get("content") or response.get("text") or ""
    if isinstance(response, list):
        parts = [p.get("text") for p in response if isinstance(p, dict)]
        response = " ".join(p for p in parts if isinstance(p, str))
    match = _IN_TEXT.search(response) if isinstance(response, str) else None
    return match[1] if match and is_number(match[1]) else ""
