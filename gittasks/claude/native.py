"""Claude Code's task files as values: `<n>.json` in the folder of a list, one object a task.

The format is not documented and may hold anything, so it is read warily: a file that cannot be
used is a `Fault` beside the others, and text that a task of ours cannot hold is made to fit.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from gittasks.codec import strict_json
from gittasks.core import texts
from gittasks.core.model import Value
from gittasks.errors import Usage

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


class Fault(NamedTuple):
    """Something that is not carried over: of which number, and why."""

    number: str
    message: str

    def __str__(self) -> str:
        return f"#{self.number}: {self.message}"


def is_number(text: str) -> bool:
    """Whether `text` is an id of Claude Code's: a decimal number from 1."""
    return _NUMBER.fullmatch(text) is not None


def read(number: str, data: bytes) -> NativeTask | Fault:
    """The task in the file `<number>.json`, or why it cannot be used."""
    if len(data) > SIZE_LIMIT:
        return Fault(number, f"the file has more than {SIZE_LIMIT} bytes")
    try:
        found = strict_json.loads(data)
    except ValueError as error:
        return Fault(number, f"the file cannot be read as JSON: {error}")
    if not isinstance(found, dict):
        return Fault(number, "the file holds no JSON object")
    if str(found.get("id", number)) != number:
        return Fault(number, f"the file says that it is #{_shown(found['id'])}")
    return from_fields(number, found)


def from_fields(number: str, fields: Mapping[str, Any]) -> NativeTask | Fault:
    """A task from the fields of a file or of a tool call, in either spelling."""
    status = fields.get("status") or "pending"
    if status not in STATUSES:
        return Fault(number, f"its status is {_shown(status)}, which is none that is known")
    altered: list[str] = []
    subject = as_line(fields.get("subject"), "subject", altered)
    if not subject:
        return Fault(number, "it has no subject")
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


def joined(tasks: Iterable[NativeTask]) -> dict[str, NativeTask]:
    """Tasks by number, each edge said on both sides, whichever side said it; numbers in order."""
    found = {t.number: t for t in sorted(tasks, key=lambda t: int(t.number))}
    pairs = {(t.number, b) for t in found.values() for b in t.blocked_by}
    pairs |= {(b, t.number) for t in found.values() for b in t.blocks}
    waits: dict[str, list[str]] = {}
    keeps: dict[str, list[str]] = {}
    for waiting, blocker in sorted(pairs, key=lambda p: (int(p[0]), int(p[1]))):
        if waiting != blocker:
            waits.setdefault(waiting, []).append(blocker)
            keeps.setdefault(blocker, []).append(waiting)
    return {
        n: t._replace(blocked_by=tuple(waits.get(n, ())), blocks=tuple(keeps.get(n, ())))
        for n, t in found.items()
    }


def first_of(fields: Mapping[str, Any], *names: str) -> Any:
    """The value of the first of these keys that is there and not null."""
    return next((fields[n] for n in names if fields.get(n) is not None), None)


def as_line(value: Any, field: str, altered: list[str]) -> str:
    """A one-line field that a task of ours can hold; `altered` learns when it was changed."""
    if not isinstance(value, str):
        return _nothing(value, field, altered)
    try:
        return texts.line(value, field) or ""
    except Usage:
        altered.append(field)
        return texts.printable(value, texts.LINE_LIMIT)


def as_prose(value: Any, field: str, altered: list[str]) -> str:
    """A text of lines that a task of ours can hold."""
    if not isinstance(value, str):
        return _nothing(value, field, altered)
    try:
        return texts.prose(value, field) or ""
    except Usage:
        altered.append(field)
        kept = "".join(
            c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs") else "\ufffd"
            for c in value
        )
        cut = kept.encode()[: texts.PROSE_LIMIT - 8].decode("utf-8", "ignore").rstrip()
        return cut if len(cut) == len(kept.rstrip()) else f"{cut} …"


def as_metadata(value: Any, altered: list[str]) -> dict[str, Value]:
    """The keys of free data that a task of ours can hold; the others are left out."""
    if not isinstance(value, dict):
        _nothing(value, "metadata", altered)
        return {}
    kept: dict[str, Value] = {}
    for key, one in value.items():
        try:
            kept |= texts.metadata({key: one})
        except Usage:
            altered.append(f"metadata {_shown(key)}")
    return kept


def numbers(value: Any) -> tuple[str, ...]:
    """The numbers in a list of them; what is none is left out."""
    if not isinstance(value, list):
        return ()
    found = (str(v).removeprefix("#") for v in value if isinstance(v, (str, int)))
    return tuple(dict.fromkeys(n for n in found if is_number(n)))


def _nothing(value: Any, field: str, altered: list[str]) -> str:
    """What stands for a value of another kind; one that is there is told."""
    if value is not None:
        altered.append(field)
    return ""


def _shown(value: Any) -> str:
    return texts.printable(str(value), 60)
