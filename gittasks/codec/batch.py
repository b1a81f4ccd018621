"""Read a batch: operations as JSON lines, with references to what earlier lines make.

`"as": "name"` in a create names its task for the lines that follow, which write `$name` where an
id is wanted; `$3` is the task of line 3.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from gittasks.codec import strict_json
from gittasks.core.fields import BY_NAME, LISTS, Kind, arranged
from gittasks.core.model import Status
from gittasks.core.operations import MARK, AddNote, Create, Operation, Transition, Update, Verb
from gittasks.core.suggestions import field_meant, status_meant, verb_meant
from gittasks.core.validation import shorten
from gittasks.errors import Ambiguous, GittasksError, InvalidData, NotFound, Refused, Usage

MAX_BYTES = 32 * 1024 * 1024
"""Largest batch that is read."""
MAX_LINES = 20_000

_TEXT, _ID, _IDS, _MAP = "text", "id", "list of ids", "object"
_WORDS, _NAMES, _FLAG, _NUMBER, _COUNT = (
    "list of texts",
    "list of keys",
    "true or false",
    "number",
    "whole number",
)
_KINDS = {
    Kind.LINE: _TEXT,
    Kind.TEXT: _TEXT,
    Kind.TIME: _TEXT,
    Kind.STATUS: _TEXT,
    Kind.COUNT: _COUNT,
    Kind.NUMBER: _NUMBER,
    Kind.IDS: _IDS,
    Kind.WORDS: _WORDS,
    Kind.PATHS: _WORDS,
    Kind.MAP: _MAP,
}
_GIVEN = [
    field
    for field in arranged(
        "subject description activeForm status owner blockedBy phase order metadata result"
    )
    if field.uses.given
]


def _create_keys() -> dict[str, tuple[str, str]]:
    keys: dict[str, tuple[str, str]] = {}
    for field in _GIVEN:
        keys[field.name] = (field.attr, _KINDS[field.kind])
        if field.name == "subject":
            keys["id"] = ("id", _TEXT)
        if field.name == "blockedBy":
            keys["blocks"] = ("blocks", _IDS)
        if field.name == "order":
            keys["after"] = ("after", _ID)
    return {**keys, "iterations": ("iterations", _COUNT)}


def _update_keys() -> dict[str, tuple[str, str]]:
    """Members of lists are added and removed one by one."""
    lists = [field for field in _GIVEN if field in LISTS]
    left_out = {"blocks", "iterations", *(field.name for field in lists)}
    keys = {name: key for name, key in _CREATE.items() if name not in left_out}
    keys["id"] = ("id", _ID)
    for field in lists:
        for way in ("add", "remove"):
            keys[field.members(way)] = (f"{way}_{field.attr}", _KINDS[field.kind])
        if field.name == "blockedBy":
            keys |= {"addBlocks": ("add_blocks", _IDS), "removeBlocks": ("remove_blocks", _IDS)}
    return {**keys, "unset": ("unset", _NAMES), "clear": ("clear", _NAMES)}


_CREATE = _create_keys()
_UPDATE = _update_keys()
_SKIP = {"id": ("id", _ID), "result": ("result", _TEXT)}
_KEYS: dict[str, dict[str, tuple[str, str]]] = {
    "create": {**_CREATE, "as": ("as", _TEXT)},
    "update": _UPDATE,
    "start": {"id": ("id", _ID), "owner": ("owner", _TEXT)},
    "done": {**_SKIP, "owner": ("owner", _TEXT), "endLoop": ("end_loop", _FLAG)},
    "skip": _SKIP,
    **{verb: {"id": ("id", _ID)} for verb in ("reopen", "release")},
    "note": {"id": ("id", _ID), "text": ("text", _TEXT)},
    **{verb: {"id": ("id", _ID)} for verb in ("delete", "restore")},
}
_NEEDED = {"create": ("subject",), "note": ("id", "text")}
_ALIASES = {"add": "create", "complete": "done"}
_OPTIONS = {"force": "--force", "parallel": "--parallel"}
"""What holds for a whole batch, and is an option of the command."""
_NAME = "[A-Za-z][A-Za-z0-9_-]{0,62}"
NOTHING_APPLIED = "nothing of this batch was applied"


class BatchLine(NamedTuple):
    """One operation of a batch: where it stands, the word that names it, what it wants."""

    number: int
    op: str
    operation: Operation


def read_batch(data: bytes, where: str = "standard input") -> list[BatchLine]:
    """Read JSON lines; blank ones are passed over. InvalidData names the line at fault."""
    if len(data) > MAX_BYTES:
        size = f"{MAX_BYTES // 1024 // 1024} MiB"
        raise InvalidData(f"the batch is larger than {size}", where=where, hint=NOTHING_APPLIED)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = data.count(b"\n", 0, error.start) + 1
        raise fault(where, place, "the batch is not UTF-8 text") from error
    reader = _Reader(where)
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            reader.read(line, number)
    if not reader.lines:
        raise InvalidData(
            "the batch is empty",
            where=where,
            hint='give lines such as {"op": "start", "id": "p1-ask"}',
        )
    return reader.lines


def fault(where: str, line: int, message: str, hint: str | None = None) -> InvalidData:
    """The error for a line of a batch that cannot be used."""
    hint = f"{hint}; {NOTHING_APPLIED}" if hint else NOTHING_APPLIED
    return InvalidData(message, where=f"{where}:{line}", hint=hint, details={"line": line})


class _Reader:
    """The operations read so far, and what a reference may mean."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.lines: list[BatchLine] = []
        self.places: dict[str, int] = {}
        """Number of an operation, from 1, by its line and by its name."""

    def read(self, line: str, number: int) -> None:
        if len(self.lines) == MAX_LINES:
            raise self.fault(number, f"more than {MAX_LINES} operations in one batch")
        entry = self.entry(line, number)
        op = entry.pop("op", None)
        if not isinstance(op, str) or _ALIASES.get(op, op) not in _KEYS:
            raise self.unknown_op(op, number)
        op = _ALIASES.get(op, op)
        fields = self.fields(op, entry, number)
        name = fields.pop("as", None)
        self.lines.append(BatchLine(number, op, self.built(op, fields, number)))
        self.places[str(number)] = len(self.lines)
        if name is not None:
            self.name(name, number)

    def entry(self, line: str, number: int) -> dict[str, Any]:
        try:
            entry = strict_json.loads(line)
        except json.JSONDecodeError as error:
            unfinished = error.pos >= len(line.rstrip())
            hint = "write each operation whole on one line" if unfinished else None
            message = f"this cannot be read as JSON: {error.msg} (column {error.colno})"
            raise self.fault(number, message, hint) from error
        except ValueError as error:
            raise self.fault(number, f"this cannot be read as JSON: {error}") from error
        if not isinstance(entry, dict):
            hint = "leave out the list around them" if isinstance(entry, list) else None
            raise self.fault(number, "each line must be one JSON object", hint)
        return entry

    def unknown_op(self, op: object, number: int) -> InvalidData:
        known = ", ".join(_KEYS)
        hint = None
        if op == "claim":
            hint = "a claim is decided by the remote, one at a time: the command claim does that"
        elif isinstance(op, str):
            near = verb_meant(op, _KEYS)
            hint = f'did you mean "{near}"?' if near else None
        return self.fault(number, f'"op" must be one of {known}, not {_shown(op)}', hint)

    def fields(self, op: str, entry: Mapping[str, Any], number: int) -> dict[str, Any]:
        """The arguments of the operation; null in an update clears a text, else says nothing."""
        known = _KEYS[op]
        fields: dict[str, Any] = {}
        for key, value in entry.items():
            if key not in known:
                raise self.unknown_key(op, key, number)
            name, kind = known[key]
            fields[name] = self.typed(value, key, kind, number, clear=op == "update")
        for key in _NEEDED.get(op, ("id",)):
            if fields.get(known[key][0]) is None:
                raise self.fault(number, f'{op} needs "{key}"')
        return {name: value for name, value in fields.items() if value is not None}

    def unknown_key(self, op: str, key: str, number: int) -> InvalidData:
        message = f"unknown key {_shown(key)} for {op}; it takes {', '.join(_KEYS[op])}"
        if key in _OPTIONS:
            return self.fault(number, message, f"it is an option of the whole batch: --{key}")
        near = field_meant(key, _KEYS[op])
        return self.fault(number, message, f'did you mean "{near}"?' if near else None)

    def typed(self, value: Any, key: str, kind: str, number: int, *, clear: bool) -> Any:
        if value is None:
            field = BY_NAME.get(key)
            return "" if clear and field and field.uses.clearable else None
        if isinstance(value, str) and kind in (_IDS, _WORDS, _NAMES):
            value = [value]
        good = {
            _TEXT: isinstance(value, str),
            _ID: isinstance(value, str),
            _MAP: isinstance(value, dict),
            _NUMBER: isinstance(value, (int, float)) and not isinstance(value, bool),
            _COUNT: isinstance(value, int) and not isinstance(value, bool),
            _FLAG: isinstance(value, bool),
            _IDS: isinstance(value, list) and all(isinstance(v, str) for v in value),
            _WORDS: isinstance(value, list) and all(isinstance(v, str) for v in value),
            _NAMES: isinstance(value, list) and all(isinstance(v, str) for v in value),
        }[kind]
        if not good:
            article = "an" if kind in (_ID, _MAP) else "a"
            what = kind if kind == _FLAG else f"{article} {kind}"
            raise self.fault(number, f'"{key}" must be {what}, not {_shown(value)}')
        if kind == _ID:
            return self.reference(value, number)
        if kind == _IDS:
            return tuple(self.reference(v, number) for v in value)
        return tuple(value) if kind in (_NAMES, _WORDS) else value

    def reference(self, text: str, number: int) -> str:
        """An id as it is, or `$name` and `$LINE` as the number of the operation meant."""
        name = text.strip().removeprefix(MARK)
        if not text.strip().startswith(MARK):
            return text
        if name in self.places:
            return f"{MARK}{self.places[name]}"
        hint = 'name a task with "as": "name" in its create, and write $name in a line below it'
        raise self.fault(number, f'"{text[:60]}" names no line before this one', hint)

    def name(self, name: str, number: int) -> None:
        if not re.fullmatch(_NAME, name.removeprefix(MARK)):
            hint = "use letters, digits, - and _, beginning with a letter"
            raise self.fault(number, f'"as" cannot be {_shown(name)}', hint)
        name = name.removeprefix(MARK)
        if name in self.places:
            raise self.fault(number, f'"as": "{name}" is used twice')
        self.places[name] = len(self.lines)

    def built(self, op: str, fields: dict[str, Any], number: int) -> Operation:
        if "status" in fields:
            fields["status"] = self.status(op, fields["status"], number)
        if op == "create":
            return Create.of(fields)
        if op == "update":
            return Update.of(fields)
        if op == "note":
            return AddNote(**fields)
        return Transition(Verb(op), **fields)

    def status(self, op: str, text: str, number: int) -> Status:
        known = [s.value for s in Status if op != "create" or s is not Status.DELETED]
        if text in known:
            return Status(text)
        near = status_meant(text)
        hint = f'did you mean "{near}"?' if near in known else None
        message = f"{_shown(text)} is not a status for {op}; it takes {', '.join(known)}"
        raise self.fault(number, message, hint)

    def fault(self, line: int, message: str, hint: str | None = None) -> InvalidData:
        return fault(self.where, line, message, hint)


def _shown(value: object) -> str:
    return shorten(json.dumps(value), 60)


def located(error: GittasksError, lines: list[BatchLine]) -> GittasksError:
    """The error with the line that it is about; a value that cannot be used is invalid data."""
    if isinstance(error, Usage):
        error = InvalidData(
            error.message, hint=error.advice, ways=error.ways, details=error.details
        )
    about_a_line = isinstance(error, (Refused, NotFound, Ambiguous, InvalidData))
    index = error.details.get("operation", 0 if about_a_line and len(lines) == 1 else None)
    if index is None:  # no list, a busy branch
        return error
    number = lines[index].number
    error = error.with_details(where=f"standard input:{number}", line=number)
    advice, ways = error.advice, error.ways
    if isinstance(error, NotFound) and (below := _made_below(error, lines[index + 1 :])):
        advice, ways = f"line {below} makes it: put that line before this one", ()
    return error.with_hint(f"{advice}; {NOTHING_APPLIED}" if advice else NOTHING_APPLIED, *ways)


def _made_below(error: NotFound, lines: list[BatchLine]) -> int | None:
    """The line that makes the task that was not found, when it comes too late."""
    for line in lines:
        task_id = line.operation.id if isinstance(line.operation, Create) else None
        if task_id and f'"{task_id}"' in error.message:
            return line.number
    return None
