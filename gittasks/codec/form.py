"""The form in which a person edits a task: its fields as in a task file, below what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gittasks.codec.canonical import task_fields
from gittasks.codec.task_file import decode_task
from gittasks.core.fields import LISTS, SIMPLE, Field, Kind, arranged
from gittasks.core.model import Task
from gittasks.core.operations import Create, Update
from gittasks.errors import InvalidData

EDITABLE: tuple[Field, ...] = tuple(
    field
    for field in arranged("subject activeForm description phase blockedBy owner result metadata")
    if field.uses.given and field.name not in ("status", "order")
)
"""The fields of a form, in its order. A status has commands of its own."""
_NAMES = frozenset(field.name for field in EDITABLE)
_WHERE = "the form"


def form(task: Task, purpose: str) -> str:
    """The text to edit: first `purpose`, in comments, then what the task has."""
    fields = {name: text for name, text in task_fields(task).items() if name in _NAMES}
    fields.setdefault("subject", "subject: \n")
    missing = [field.name for field in EDITABLE if field.name not in fields]
    lines = [
        *purpose.splitlines(),
        "Lines that begin with # are comments; a form without any other ends it.",
        f"What is not there may be added: {', '.join(missing)}." if missing else "",
        "A text of several lines: description: |, then lines that are indented.",
    ]
    return "".join(f"# {line}\n" for line in lines if line) + "".join(fields.values())


def is_empty(text: str) -> bool:
    """True when nothing but comments and an empty subject is left."""
    lines = (line.strip() for line in text.splitlines())
    return all(not line or line.startswith("#") or line == "subject:" for line in lines)


def read_form(text: str, task_id: str) -> Task:
    """The task that a form describes; InvalidData names the line at fault."""
    task = decode_task(text.encode("utf-8", "replace"), task_id, _WHERE)
    default = {} if task.status is not Task("", "").status else {"status"}
    if stated := [name for name in task_fields(task) if name not in {*_NAMES, *default}]:
        raise InvalidData(
            f"{', '.join(stated)} cannot be changed here",
            where=_WHERE,
            hint=f"the form takes {', '.join(field.name for field in EDITABLE)}",
        )
    return task


def creation(operation: Create, task: Task) -> Create:
    """The operation that makes the task of a form, in all else as it was asked for."""
    plain = {f.attr: getattr(task, f.attr) for f in EDITABLE if f not in SIMPLE}
    simple = {f.attr: v for f in SIMPLE if (v := getattr(task, f.attr)) not in (f.default, ())}
    return operation._replace(**plain, fields=simple)


def draft(operation: Create) -> Task:
    """The task that an operation would make, as far as a form shows it."""
    values: dict[str, Any] = {
        f.attr: getattr(operation, f.attr) for f in EDITABLE if f not in SIMPLE
    }
    return Task(id="new", **{**values, **_typed(operation.fields)})


def _typed(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Values of options, which are texts, as a task has them."""
    counts = {f.attr for f in SIMPLE if f.kind is Kind.COUNT}
    return {
        name: int(value) if name in counts and str(value).isdecimal() else value
        for name, value in fields.items()
    }


def update(before: Task, after: Task) -> Update | None:
    """The operation that leads from one to the other, and touches nothing else; None for none."""
    values: dict[str, Any] = {}
    clear: list[str] = []
    for field in EDITABLE:
        old, new = getattr(before, field.attr), getattr(after, field.attr)
        if old == new:
            continue
        if field in LISTS:
            values[f"add_{field.attr}"] = tuple(item for item in new if item not in old)
            values[f"remove_{field.attr}"] = tuple(item for item in old if item not in new)
        elif field.kind is Kind.MAP:
            values["metadata"] = {k: v for k, v in new.items() if k not in old or old[k] != v}
            values["unset"] = tuple(key for key in old if key not in new)
        elif new in (None, field.default) and field.uses.clearable:
            clear.append(field.name)
        else:
            values[field.attr] = new
    values = {name: value for name, value in values.items() if value not in ((), {})}
    if not values and not clear:
        return None
    return Update.of({"id": before.id, **values, "clear": tuple(clear)})
