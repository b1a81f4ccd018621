"""The batch command: operations as JSON lines, all of them or none, as one commit."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from gittasks.cli import output
from gittasks.cli.options import (
    Settings,
    command,
    force_option,
    owner_option,
    parallel_option,
)
from gittasks.core.model import Status
from gittasks.core.operations import AddNote, Create, Operation, Transition, Update, Verb
from gittasks.errors import GittasksError, InvalidData, Usage

_TEXT, _IDS, _MAP, _FLAG = "text", "list of ids", "object", "true or false"
_NUMBER, _COUNT = "number", "whole number"
_CREATE = {
    "subject": ("subject", _TEXT),
    "id": ("id", _TEXT),
    "description": ("description", _TEXT),
    "activeForm": ("active_form", _TEXT),
    "status": ("status", _TEXT),
    "owner": ("owner", _TEXT),
    "blockedBy": ("blocked_by", _IDS),
    "blocks": ("blocks", _IDS),
    "phase": ("phase", _TEXT),
    "order": ("order", _NUMBER),
    "metadata": ("metadata", _MAP),
    "result": ("result", _TEXT),
    "iterations": ("iterations", _COUNT),
}
_UPDATE = {
    **{k: v for k, v in _CREATE.items() if k not in ("blockedBy", "blocks", "iterations")},
    "addBlockedBy": ("add_blocked_by", _IDS),
    "removeBlockedBy": ("remove_blocked_by", _IDS),
    "addBlocks": ("add_blocks", _IDS),
    "removeBlocks": ("remove_blocks", _IDS),
    "unset": ("unset", _IDS),
}
_MOVE = {"id": ("id", _TEXT), "result": ("result", _TEXT), "owner": ("owner", _TEXT)}
_KEYS: dict[str, dict[str, tuple[str, str]]] = {
    "create": _CREATE,
    "update": _UPDATE,
    "note": {"id": ("id", _TEXT), "text": ("text", _TEXT)},
    "done": {**_MOVE, "endLoop": ("end_loop", _FLAG)},
    "start": {"id": ("id", _TEXT), "owner": ("owner", _TEXT)},
    "skip": {"id": ("id", _TEXT), "result": ("result", _TEXT)},
    **{verb: {"id": ("id", _TEXT)} for verb in ("reopen", "release", "delete", "restore")},
}
_NEEDED = {"create": ("subject",), "note": ("id", "text")}


@command("batch")
@owner_option
@force_option
@parallel_option
@click.pass_obj
def batch_command(settings: Settings, owner: str | None, force: bool, parallel: bool) -> None:
    """Apply operations, one JSON object a line on stdin, as one commit: all or nothing.

    \b
    {"op": "create", "id": "tests", "subject": "Write tests", "blockedBy": ["core"]}
    {"op": "done", "id": "core", "result": "PASS"}
    """
    lines = read_lines(sys.stdin.buffer.read())
    workspace = settings.workspace(owner)
    try:
        made = workspace.edit([op for _, op in lines], force=force, parallel=parallel)
    except GittasksError as error:
        raise _located(error, [number for number, _ in lines]) from error
    if settings.json:
        from gittasks.render import documents

        edit, graph = made.edit, made.graph
        output.document(
            documents.envelope(
                "batch",
                list=documents.list_part(edit.after.info),
                results=[
                    {"line": number, "id": task_id, "changed": task_id in edit.changed}
                    for (number, _), task_id in zip(lines, edit.focus, strict=True)
                ],
                tasks=[documents.task(edit.after.tasks[i], graph) for i in edit.changed],
                changed=edit.made,
                unblocked=list(edit.unblocked),
                commit=made.commit,
            )
        )
    else:
        output.say_changes(settings, made, [i for i in made.edit.focus if i])
    output.notices(settings, workspace)


def _located(error: GittasksError, numbers: list[int]) -> GittasksError:
    """The error with the line that it is about; a value that cannot be used is invalid data."""
    if isinstance(error, Usage):
        error = InvalidData(error.message, hint=error.hint, details=error.details)
    index = error.details.get("operation", 0)
    error.details["line"] = numbers[index]
    error.where = f"standard input:{numbers[index]}"
    nothing = "nothing of this batch was applied"
    error.hint = f"{error.hint}; {nothing}" if error.hint else nothing
    return error


def read_lines(data: bytes) -> list[tuple[int, Operation]]:
    """Parse JSON lines into (line number, operation); InvalidData names the line at fault."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidData("the batch is not UTF-8 text", where="standard input") from error
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            found.append((number, _operation(line, number)))
    if not found:
        raise InvalidData(
            "the batch is empty",
            where="standard input",
            hint='give lines such as {"op": "start", "id": "p1-ask"}',
        )
    return found


def _operation(line: str, number: int) -> Operation:
    try:
        entry = json.loads(line, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _fault(number, f"this cannot be read as JSON: {error}") from error
    if not isinstance(entry, dict):
        raise _fault(number, "each line must be one JSON object")
    op = entry.pop("op", None)
    if not isinstance(op, str) or op not in _KEYS:
        raise _fault(number, f'"op" must be one of {", ".join(sorted(_KEYS))}, not {op!r}')
    fields: dict[str, Any] = {}
    for key, value in entry.items():
        if key not in _KEYS[op]:
            known = ", ".join(_KEYS[op])
            raise _fault(number, f'unknown key "{key}" for {op}; it takes {known}')
        name, kind = _KEYS[op][key]
        fields[name] = _typed(value, key, kind, number)
    for key in _NEEDED.get(op, ("id",)):
        if fields.get(key) is None:
            raise _fault(number, f'{op} needs "{key}"')
    return _built(op, {k: v for k, v in fields.items() if v is not None}, number)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, if no key stands in it twice: which of the values was meant cannot be known."""
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'the key "{twice}" stands there twice')
    return made


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number in JSON")


def _built(op: str, fields: dict[str, Any], number: int) -> Operation:
    if "status" in fields:
        known = [s.value for s in Status if op != "create" or s is not Status.DELETED]
        if fields["status"] not in known:
            wrong = f'"{fields["status"]}" is no status for {op}'
            raise _fault(number, f"{wrong}; it takes {', '.join(known)}")
        fields["status"] = Status(fields["status"])
    if op == "create":
        return Create(**fields)
    if op == "update":
        return Update(**fields)
    if op == "note":
        return AddNote(**fields)
    return Transition(Verb(op), **fields)


def _typed(value: Any, key: str, kind: str, number: int) -> Any:
    """The value if it is of the kind; null clears a text (in update) or says nothing."""
    if value is None:
        return "" if kind == _TEXT and key not in ("id", "subject", "status") else None
    good = {
        _TEXT: isinstance(value, str),
        _MAP: isinstance(value, dict),
        _NUMBER: isinstance(value, (int, float)) and not isinstance(value, bool),
        _COUNT: isinstance(value, int) and not isinstance(value, bool),
        _FLAG: isinstance(value, bool),
        _IDS: isinstance(value, list) and all(isinstance(v, str) for v in value),
    }[kind]
    if not good:
        raise _fault(number, f'"{key}" must be a {kind}' if kind != _FLAG else f'"{key}": {kind}')
    return tuple(value) if kind == _IDS else value


def _fault(number: int, message: str) -> InvalidData:
    where = f"standard input:{number}"
    hint = "nothing of this batch was applied"
    return InvalidData(message, where=where, hint=hint, details={"line": number})
