"""Templates: a list written as a plan in YAML, without states, perhaps with variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gittasks.codec.canonical import scalar, task_fields
from gittasks.core.fields import FIELDS
from gittasks.core.model import Snapshot, Status, Task
from gittasks.core.variables import abstracted, is_name
from gittasks.errors import Usage

_LEFT_OUT = frozenset({"status", "owner", "result", "notBefore"})
"""What a plan may state and belongs to one run of the work."""
_KEPT = {field.name: field.attr for field in FIELDS if field.uses.planned}
_KEPT = {name: attr for name, attr in _KEPT.items() if name not in _LEFT_OUT}


def write_template(snapshot: Snapshot, values: Mapping[str, str]) -> str:
    """The list as a plan, a variable for each of the values; Usage for one that nothing has."""
    tasks = [_bare(task, snapshot) for task in snapshot.ordered()]
    title = snapshot.info.title
    texts = [title or "", *("".join(task_fields(task).values()) for task in tasks)]
    for name, value in values.items():
        if not is_name(name):
            hint = "use letters, digits, - and _, beginning with a letter"
            raise Usage(f'"{name}" is no name of a variable', hint=hint)
        if not value or not any(value in text for text in texts):
            raise Usage(f'nothing in the list says "{value}", which {name} is to stand for')
    if values:
        title = abstracted(title, values) if title else title
        tasks = [_abstract(task, values) for task in tasks]
    lines = [f"title: {scalar(title)}"] if title else []
    lines += ["variables:", *(f"  - {name}" for name in values)] if values else []
    lines += ["tasks:" if tasks else "tasks: []"]
    for task in tasks:
        fields = {k: v for k, v in task_fields(task).items() if k in _KEPT}
        text = "".join(fields.values()).rstrip("\n")
        lines.append(f"  - id: {scalar(task.id)}")
        lines += [f"    {line}" if line else "" for line in text.split("\n")]
    return "\n".join(lines)


def _bare(task: Task, snapshot: Snapshot) -> Task:
    """The task as nobody has touched it; dependencies on deleted tasks go."""
    attributes: dict[str, Any] = {attr: getattr(task, attr) for attr in _KEPT.values()}
    known = snapshot.tasks
    attributes["blocked_by"] = tuple(
        i for i in task.blocked_by if i in known and known[i].status is not Status.DELETED
    )
    return Task(id=task.id, **attributes)


def _abstract(task: Task, values: Mapping[str, str]) -> Task:
    def replaced(value: Any) -> Any:
        if isinstance(value, str):
            return abstracted(value, values)
        if isinstance(value, tuple):
            return tuple(map(replaced, value))
        if isinstance(value, Mapping):
            return {key: replaced(part) for key, part in value.items()}
        return [replaced(part) for part in value] if isinstance(value, list) else value

    changes = {a: replaced(getattr(task, a)) for a in _KEPT.values() if a != "blocked_by"}
    return task._replace(**changes)
