"""Claude Code's task files and events as values: `<n>.json` in a list's folder, one object each.

The format is not documented and may hold anything, so it is read warily: a file that cannot be
used is a `Fault` beside the others, and text that a task of ours cannot hold is made to fit.

Keys are taken in both spellings (`taskId`, `task_id`), since the stream of a tool call may carry
either. Whatever is missing or of another kind reads as empty: an event never fails for its form.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from gittasks.codec import strict_json
from gittasks.core import validation
from gittasks.core.model import Value
from gittasks.errors import InvalidData, Usage
from gittasks.light import NamedTuple

MARK = "gittasks"
"""The metadata key of a native task that says which task of ours it is: `LIST/ID`."""
STATUSES = ("pending", "in_progress", "completed")
SIZE_LIMIT = 1024 * 1024
"""Most bytes of a file that is read."""

_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_READ = ("id", "subject", "description", "activeForm", "active_form", "status", "owner")
_KEYS = frozenset((*_READ, "metadata", "blocks", "blockedBy", "blocked_by"))


class NativeTask(NamedTuple):
    """One task as Claude Code keeps it; "" and () where its file says nothing.

    An active form that only repeats the subject is what stands there for none, and reads as "".
    `blocks` and `blocked_by` hold numbers. `extra` has the keys that nothing is known of, and
    `altered` names the fields whose text had to be changed to fit into a task of ours.
    """

    number: str
    subject: str
    description: str = ""
    active_form: str = ""
    status: str = "pending"
    owner: str = ""
    blocks: tuple[str, ...] = ()
    blocked_by: tuple[str, ...] = ()
    metadata: Mapping[str, Value] = _NOTHING
    extra: Mapping[str, Any] = _NOTHING
    altered: tuple[str, ...] = ()


class Skipped(NamedTuple):
    """Something that is not carried over: of which number, and why."""

    number: str
    message: str

    def __str__(self) -> str:
        return f"#{self.number}: {self.message}"


def is_number(text: str) -> bool:
    """True when `text` is an id of Claude Code's: a decimal number from 1."""
    return _NUMBER.fullmatch(text) is not None


def read(number: str, data: bytes) -> NativeTask | Skipped:
    """The task in the file `<number>.json`, or why it cannot be used."""
    if len(data) > SIZE_LIMIT:
        return Skipped(number, f"the file has more than {SIZE_LIMIT} bytes")
    try:
        fields = strict_json.loads(data)
    except ValueError as error:
        return Skipped(number, f"the file cannot be read as JSON: {error}")
    if not isinstance(fields, dict):
        return Skipped(number, "the file does not hold a JSON object")
    if str(fields.get("id", number)) != number:
        return Skipped(number, f"the file says that it is #{_shown(fields['id'])}")
    return from_fields(number, fields)


def from_fields(number: str, fields: Mapping[str, Any]) -> NativeTask | Skipped:
    """A task from the fields of a file or of a tool call, in either spelling."""
    status = fields.get("status") or "pending"
    if status not in STATUSES:
        return Skipped(number, f"its status is {_shown(status)}, which is none that is known")
    altered: list[str] = []
    subject = as_line(fields.get("subject"), "subject", altered)
    if not subject:
        return Skipped(number, "it has no subject")
    active = as_line(first_of(fields, "activeForm", "active_form"), "activeForm", altered)
    return NativeTask(
        number,
        subject,
        description=as_prose(fields.get("description"), "description", altered),
        active_form="" if active == subject else active,
        status=status,
        owner=as_line(fields.get("owner"), "owner", altered),
        blocks=numbers(fields.get("blocks")),
        blocked_by=numbers(first_of(fields, "blockedBy", "blocked_by")),
        metadata=as_metadata(fields.get("metadata"), altered),
        extra={k: v for k, v in fields.items() if k not in _KEYS},
        altered=tuple(altered),
    )


def write(task: NativeTask) -> bytes:
    """The file of a task, with every key that Claude Code needs to show it."""
    fields: dict[str, Any] = {
        "id": task.number,
        "subject": task.subject,
        "description": task.description,
        "activeForm": task.active_form or task.subject,
        "status": task.status,
        "blocks": list(task.blocks),
        "blockedBy": list(task.blocked_by),
    }
    if task.owner:
        fields["owner"] = task.owner
    if task.metadata:
        fields["metadata"] = dict(task.metadata)
    text = json.dumps({**fields, **task.extra}, indent=2, ensure_ascii=False)
    return text.encode("utf-8", "replace")


def normalised(tasks: Iterable[NativeTask]) -> dict[str, NativeTask]:
    """Tasks by number, each edge said on both sides, whichever side said it; numbers in order."""
    by_number = {t.number: t for t in sorted(tasks, key=lambda t: int(t.number))}
    pairs = {(t.number, b) for t in by_number.values() for b in t.blocked_by}
    pairs |= {(b, t.number) for t in by_number.values() for b in t.blocks}
    waits: dict[str, list[str]] = {}
    keeps: dict[str, list[str]] = {}
    for waiting, blocker in sorted(pairs, key=lambda p: (int(p[0]), int(p[1]))):
        if waiting != blocker:
            waits.setdefault(waiting, []).append(blocker)
            keeps.setdefault(blocker, []).append(waiting)
    return {
        n: t._replace(blocked_by=tuple(waits.get(n, ())), blocks=tuple(keeps.get(n, ())))
        for n, t in by_number.items()
    }


def first_of(fields: Mapping[str, Any], *names: str) -> Any:
    """The value of the first of these keys that is there and not null."""
    return next((fields[n] for n in names if fields.get(n) is not None), None)


def as_line(value: Any, field: str, altered: list[str]) -> str:
    """A one-line field that a task of ours can hold; `altered` learns when it was changed."""
    if not isinstance(value, str):
        return _nothing(value, field, altered)
    try:
        return validation.single_line(value, field) or ""
    except Usage:
        altered.append(field)
        return validation.escape_line(value, validation.LINE_LIMIT)


def as_prose(value: Any, field: str, altered: list[str]) -> str:
    """A text of lines that a task of ours can hold."""
    if not isinstance(value, str):
        return _nothing(value, field, altered)
    try:
        return validation.multi_line(value, field) or ""
    except Usage:
        altered.append(field)
        printable = "".join(
            c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs") else "\ufffd"
            for c in value
        )
        cut = printable.encode()[: validation.PROSE_LIMIT - 8].decode("utf-8", "ignore").rstrip()
        return cut if len(cut) == len(printable.rstrip()) else f"{cut} …"


def as_metadata(value: Any, altered: list[str]) -> dict[str, Value]:
    """The keys of free data that a task of ours can hold; the others are left out."""
    if not isinstance(value, dict):
        _nothing(value, "metadata", altered)
        return {}
    metadata: dict[str, Value] = {}
    for key, item in value.items():
        try:
            metadata |= validation.metadata({key: item})
        except Usage:
            altered.append(f"metadata {_shown(key)}")
    return metadata


def numbers(value: Any) -> tuple[str, ...]:
    """The numbers in a list of them; what is none is left out."""
    if not isinstance(value, list):
        return ()
    words = (str(v).removeprefix("#") for v in value if isinstance(v, (str, int)))
    return tuple(dict.fromkeys(n for n in words if is_number(n)))


def _nothing(value: Any, field: str, altered: list[str]) -> str:
    """The replacement for a value of another kind; the field is noted as altered."""
    if value is not None:
        altered.append(field)
    return ""


def _shown(value: Any) -> str:
    return validation.escape_line(str(value), 60)


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
        reference = first_of({**self.fields, **self.tool_input}, "task_id", "id")
        number = str(reference if isinstance(reference, (str, int)) else "").removeprefix("#")
        return number if is_number(number) else ""

    @property
    def task_id(self) -> str:
        """The id of the task where it is no number of Claude Code's, or ""."""
        reference = first_of({**self.fields, **self.tool_input}, "task_id", "id")
        return reference if isinstance(reference, str) and not is_number(reference) else ""

    @property
    def failed(self) -> bool:
        """True when the tool reported that it did not do what was asked."""
        response = self.fields.get("tool_response")
        return isinstance(response, dict) and response.get("success") is False

    @property
    def native_list(self) -> str:
        """Name of the native list when no variable gives one: the team, else the session."""
        return self.text("team_name") or self.session


def parse(data: bytes, name: str = "") -> Event:
    """The event; `name` is what the caller says it is. Raises InvalidData."""
    try:
        content = json.loads(data.decode("utf-8-sig", "replace") or "{}")
    except (ValueError, RecursionError) as error:
        raise InvalidData(f"the event is not JSON: {error}", where="standard input") from error
    if not isinstance(content, dict):
        raise InvalidData("the event is not a JSON object", where="standard input")
    fields = _snake(content)
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
    renamed: dict[str, Any] = {}
    for key, value in fields.items():
        name = _HUMP.sub("_", key).lower()
        if renamed.get(name) is None:
            renamed[name] = value
    return renamed


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
