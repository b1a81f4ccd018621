"""Arguments of a tool call: near misses read as meant, the rest checked against the schema.

Agents misspell: `task_id` for `taskId`, "in-progress", a list as JSON text. What can mean only
one thing is taken as that; anything else is refused with the right word, never dropped: an agent
whose `blockedBy` vanished would believe that its plan is in the list.

Clients fill fields that they do not use with an empty text, null or an empty list, some with the
word for it. That says nothing, and must not empty a field: those are passed over, and named.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import jsonschema

from gittasks.core import suggestions
from gittasks.core.ids import listed, near_matches
from gittasks.core.validation import escape_line
from gittasks.errors import Usage
from gittasks.mcp_server.schemas import Schema, taken

_ONE_BY_ONE = {
    "blockedby": "dependencies change one by one: addBlockedBy and removeBlockedBy",
    "blocks": "dependencies change one by one: addBlocks and removeBlocks",
}
"""Fields of a task, by their letters, that are not set but added to and removed from."""
_NOTHING_WORDS = ("null", "undefined", "None")
_NAMES = frozenset(
    (
        *("taskId", "id", "blockedBy", "blocks", "addBlockedBy", "removeBlockedBy"),
        *("addBlocks", "removeBlocks", "after", "owner", "phase", "status"),
    )
)
"""Fields in which those words mean nothing; in a text they may be meant."""


class Call(NamedTuple):
    """The arguments of a call, and the fields that were passed over as not given."""

    values: dict[str, Any]
    passed_over: tuple[str, ...] = ()

    @property
    def remark(self) -> str | None:
        """The sentence about what was passed over, if anything was."""
        if not self.passed_over:
            return None
        return f"taken as not given: {listed(self.passed_over, _SHOWN)}"


_SHOWN = 8
"""Fields that are named as passed over."""


def read(tool: str, given: Mapping[str, Any]) -> Call:
    """The arguments of a call, spelled and typed as the schema has them. Raises Usage."""
    passed: list[str] = []
    values = _object(tool, _taken(tool), given, "", passed)
    problem = jsonschema.exceptions.best_match(_validator(tool).iter_errors(values))
    if problem is not None:
        raise Usage(f"{tool}: {_problem_words(problem)}")
    return Call(values, tuple(dict.fromkeys(passed)))


def _is_nothing(name: str, value: Any) -> bool:
    """True for a value by which a client says that it gives none."""
    if isinstance(value, str):
        return not value.strip() or (name in _NAMES and value.strip() in _NOTHING_WORDS)
    return value is None or value == []


@cache
def _taken(tool: str) -> Schema:
    return taken(tool)


@cache
def _validator(tool: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(_taken(tool))


def _problem_words(problem: jsonschema.ValidationError) -> str:
    where = problem.json_path.removeprefix("$").removeprefix(".")
    return escape_line(f"{where}: {problem.message}" if where else problem.message, 300)


def _object(
    tool: str, schema: Schema, given: Mapping[str, Any], where: str, passed: list[str]
) -> dict[str, Any]:
    fields: Mapping[str, Schema] = schema["properties"]
    values: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    for key, value in given.items():
        name = _name(tool, key, fields, where)
        if name in schema.get("required", ()):
            if value is None:
                continue
            value = _value(tool, name, fields[name], value, f"{where}{name}", passed)
        else:
            original = value
            if not _is_nothing(name, value):
                value = _value(tool, name, fields[name], value, f"{where}{name}", passed)
            if _is_nothing(name, value):
                text = original.strip() if isinstance(original, str) else ""
                word = f' "{text}"' if text else ""
                passed.append(escape_line(f"{where}{name}{word}", 60))
                continue
        if name in values and values[name] != value:
            raise Usage(f'{tool}: "{where}{spelled[name]}" and "{where}{key}" say two things')
        values[name], spelled[name] = value, key
    return values


def _name(tool: str, key: str, fields: Mapping[str, Schema], where: str) -> str:
    """The field that a key means. Raises Usage when there is none."""
    if key in fields:
        return key
    letters = _letters(key)
    by_letters = {_letters(name): name for name in fields}
    if letters in by_letters:
        return by_letters[letters]
    aliases = [name for name in suggestions.TOOL_FIELDS.get(letters, ()) if name in fields]
    if aliases:
        return aliases[0]
    shown = escape_line(f"{where}{key}", 60)
    for name in (letters, *map(_letters, suggestions.TOOL_FIELDS.get(letters, ()))):
        if f"add{name}" in by_letters and name in _ONE_BY_ONE:
            raise Usage(f'{tool} has no "{shown}"', hint=_ONE_BY_ONE[name])
    chosen = [name for name, schema in fields.items() if letters in schema.get("enum", ())]
    if chosen:  # `lint: true` for `operation: "lint"`
        raise Usage(f'{tool} has no "{shown}"', hint=f'give {chosen[0]} "{letters}"')
    near = near_matches(key, list(fields), 2)
    hint = f"did you mean {' or '.join(near)}?" if near else f"it takes {', '.join(fields)}"
    raise Usage(f'{tool} has no "{shown}"', hint=hint)


def _letters(word: str) -> str:
    return word.replace("_", "").replace("-", "").replace(" ", "").lower()


def _value(tool: str, name: str, schema: Schema, value: Any, where: str, passed: list[str]) -> Any:
    """A value of the wrong type as the right one, where it can mean nothing else."""
    kind = schema["type"]
    if kind in ("array", "object") and isinstance(value, str):
        text, value = value, _parsed(value, kind)
        # Taken as plain text it would be a task, or an id, of that name.
        if value is text and text.lstrip().startswith("[" if kind == "array" else "{"):
            hint = "no text is needed here: give the list or object itself"
            raise Usage(f"{tool}: {where} looks like JSON and cannot be read as that", hint=hint)
    if kind == "array":
        if isinstance(value, str) and schema["items"]["type"] == "string":
            value = [part for text in value.split(",") if (part := text.strip())]
        items = value if isinstance(value, list) else [value]
        if schema["items"]["type"] == "string":
            items = [item for item in items if not _is_nothing(name, item)]
        return [
            _value(tool, name, schema["items"], item, f"{where}[{number}]", passed)
            for number, item in enumerate(items)
        ]
    if kind == "object" and "properties" in schema:
        entry = {"subject": value} if isinstance(value, str) else value
        if not isinstance(entry, dict):
            return entry
        return _object(tool, schema, entry, f"{where}.", passed)
    if kind == "string":
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        known = schema.get("enum", ())
        if known and isinstance(text, str) and text not in known:
            letters = _letters(text)
            right = {_letters(word): word for word in known}.get(letters)
            return right or suggestions.TOOL_STATUSES.get(letters, text)
        return text
    if isinstance(value, str) and kind in ("boolean", "integer", "number"):
        return _parsed(value, kind)
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _parsed(text: str, kind: str) -> Any:
    """A text that holds JSON of that kind, as some clients send all values; else the text."""
    try:
        parsed = json.loads(text.lower() if kind == "boolean" else text)
    except (ValueError, RecursionError):
        parsed = None
    kinds: Mapping[str, type | tuple[type, ...]] = {
        "array": list,
        "object": dict,
        "boolean": bool,
        "integer": int,
        "number": (int, float),
    }
    return parsed if isinstance(parsed, kinds[kind]) else text
