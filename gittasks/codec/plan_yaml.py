"""Plans in YAML, read and written, and the choice between the two forms of a plan.

What is written are templates: a list as a plan without states, perhaps with variables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from gittasks.codec.canonical import plain_value, scalar, task_fields
from gittasks.codec.yaml_nodes import Limits, Node, parse
from gittasks.core.fields import CLEARABLE, FIELDS, LISTS, SIMPLE, Field, Kind, arranged
from gittasks.core.ids import near_matches
from gittasks.core.model import Snapshot, Status, Task, Value
from gittasks.core.plan import (
    NO_VALUES,
    Fault,
    Plan,
    PlannedTask,
    assign_ids,
    id_faults,
    invalid_plan,
    is_variable_name,
    with_values,
    with_variables,
)
from gittasks.errors import Usage

_MARKDOWN = (".md", ".markdown", ".mdown")
_YAML = (".yaml", ".yml", ".json")
_YAML_LINE = re.compile(rb"[{\[%]|(?:- +)?[\"']?[A-Za-z]+[\"']?[ \t]*:(?:[ \t\r]|$)")
_TASKS_KEY = re.compile(rb"^[\"']?tasks[\"']?[ \t]*:", re.MULTILINE)
_NAMES_OF_VARIABLES = "use letters, digits, - and _, beginning with a letter"
_YAML_TASKS = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:(?:[#\-% \t].*|[A-Za-z]+:.*|)\n)*"
    rb"tasks:[ \t]*(?:#.*)?\r?\n(?:[ \t]*(?:#.*)?\r?\n)*[ \t]*-[ \t]+(?:\{|(?:id|subject):)"
)
"""A plan in YAML up to its first task, which no plan in Markdown looks like."""


def read_plan(data: bytes, name: str, values: Mapping[str, str] = NO_VALUES) -> Plan:
    """Read a plan; the extension of `name` says the form, and without one the content does.

    YAML in a file named as Markdown is read as YAML: else each of its lines would be a task.
    `values` are those of its variables (`core.plan`); Usage where they do not fit.
    `name` may be `-` for the standard input. Every task of the result has an id. Raises
    InvalidData, with file and line, for what is no plan.
    """
    where = "<stdin>" if name == "-" else name
    if _is_markdown(data, name.lower()):
        from gittasks.codec.plan_markdown import read_markdown

        return read_markdown(data, where, values, _front_variables(data, where))

    return read_yaml(data, where, values)


def _is_markdown(data: bytes, name: str) -> bool:
    if name.endswith(_MARKDOWN):
        return not _YAML_TASKS.match(data)
    if name.endswith(_YAML):
        return False
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    first = next((line.strip() for line in lines if line.strip()), b"")
    return bool(first) and not _YAML_LINE.match(first) and not _TASKS_KEY.search(data)


PLAN_LIMITS = Limits(2 * 1024 * 1024, 200_000)
"""For a plan, which its user chose to read: room for some thousand tasks."""
_PLAN_KEYS = ("title", "variables", "tasks")
_PLANNED = [
    field
    for field in arranged(
        "subject activeForm description owner phase result blockedBy status metadata"
    )
    if field.uses.planned
]
_TASK_KEYS = ("id", *(field.name for field in _PLANNED), "clear", "iterations")
_TEXT_KEYS = {
    "id": "id",
    **{f.name: f.attr for f in _PLANNED if f.kind in (Kind.LINE, Kind.TEXT) and f not in SIMPLE},
}
_STATUSES = tuple(s.value for s in Status if s is not Status.DELETED)
_EXPECTED = "tasks: followed by a list, one `- subject: …` a task"


def read_yaml(data: bytes, where: str, values: Mapping[str, str] = NO_VALUES) -> Plan:
    """Read a plan; every task of the result has an id.

    `where` is the file that errors name. Raises InvalidData: at once for what is no YAML, else
    with all faults in its details.
    """
    reader = _Reader()
    plan = reader.plan(parse(data, where, PLAN_LIMITS), where)
    if reader.faults:
        raise invalid_plan(where, reader.faults + id_faults(plan.tasks))
    return assign_ids(with_values(plan, values))


_FRONT = re.compile(rb"---[ \t]*\r?\n(.*?)^---[ \t]*$", re.DOTALL | re.MULTILINE)


def _front_variables(data: bytes, where: str) -> Mapping[str, str | None]:
    """The variables that front matter declares; the rest of it belongs to other tools."""
    front = _FRONT.match(data.removeprefix(b"\xef\xbb\xbf"))
    if front is None or b"variables:" not in front[1]:
        return {}
    reader = _Reader()
    root = parse(b"\n" + front[1], where, PLAN_LIMITS)
    variables = reader.variables(root.get("variables"))
    if reader.faults:
        raise invalid_plan(where, reader.faults)
    return variables


class _Reader:
    """Turns nodes into a plan; what does not fit is collected in `faults`."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def fail(self, line: int, message: str, hint: str | None = None) -> None:
        self.faults.append(Fault(line, message, hint))

    def plan(self, root: Node, where: str) -> Plan:
        if root.kind != "mapping":
            self.fail(root.line, "a plan is a mapping with the key tasks", f"write {_EXPECTED}")
            return Plan(None, (), where)
        self.check_keys(root, _PLAN_KEYS, "plan")
        title, tasks = root.get("title"), root.get("tasks")
        if tasks is None or tasks.empty or (tasks.kind == "sequence" and not tasks.items):
            line = tasks.line if tasks else root.line
            self.fail(line, "no task in this plan", f"write {_EXPECTED}")
        elif tasks.kind != "sequence":
            self.fail(tasks.line, "tasks must be a list", f"write {_EXPECTED}")
        planned = [self.task(node) for node in tasks.items] if tasks else []
        return Plan(
            title=self.text(title, "title"),
            tasks=tuple(task for task in planned if task),
            where=where,
            title_line=title.line if title else 1,
            variables=self.variables(root.get("variables")),
        )

    def variables(self, node: Node | None) -> Mapping[str, str | None]:
        """The variables: a list of names, or a mapping to the values that they have by default."""
        if node is None or node.empty:
            return {}
        if node.kind == "mapping":
            pairs = [(key, self.text(value, key.text)) for key, value in node.pairs]
        else:
            pairs = [(name, None) for name in self.names(node, "variables", "names") or ()]
        for name, _ in pairs:
            if not is_variable_name(name.text):
                message = f'"{name.text[:60]}" cannot be the name of a variable'
                self.fail(name.line, message, _NAMES_OF_VARIABLES)
        return {name.text: value for name, value in pairs}

    def task(self, node: Node) -> PlannedTask | None:
        """A task from a mapping, or from a text that is its subject."""
        if node.kind == "scalar" and not node.empty:
            self.check_subject(node, node.text)
            return PlannedTask(line=node.line, subject=node.text)
        if node.kind != "mapping":
            self.fail(node.line, "a task is a mapping of its fields, or a text: its subject")
            return None
        self.check_keys(node, _TASK_KEYS, "task")
        texts = {_TEXT_KEYS[k]: self.text(node.get(k), k) for k in _TEXT_KEYS}
        self.check_subject(node, texts["subject"])
        lines = {key.text: value.line for key, value in node.pairs}
        references = self.references(node.get("blockedBy"))
        fields: dict[str, Any] = {**texts, "subject": texts["subject"] or ""}
        return PlannedTask(
            line=node.line,
            **fields,
            status=self.status(node.get("status")),
            blocked_by=None if references is None else tuple(r.text.strip() for r in references),
            metadata=self.metadata(node.get("metadata")),
            fields={
                field.attr: value
                for field in SIMPLE
                if (value := self.simple(field, node.get(field.name))) is not None
            },
            lines=lines | {r.text.strip(): r.line for r in references or ()},
            clear=self.clear(node),
            iterations=self.iterations(node.get("iterations")),
        )

    def iterations(self, node: Node | None) -> int | None:
        """The number of tasks of a loop."""
        text = self.text(node, "iterations")
        if node is None or text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            self.fail(node.line, f'iterations must be a whole number, not "{text[:60]}"')
            return None
        return int(text)

    def clear(self, node: Node) -> tuple[str, ...]:
        """The fields to empty: those that `clear` names, and those whose value is null.

        A value that was left out says nothing: somebody has yet to write it.
        """
        listed = self.names(node.get("clear"), "clear", "names of fields") or ()
        nulls = [k.text for k, value in node.pairs if value.empty and value.text]
        names = [*(name.text.strip() for name in listed), *(n for n in nulls if n in CLEARABLE)]
        return tuple(dict.fromkeys(names))

    def check_subject(self, node: Node, subject: str | None) -> None:
        if not (subject or "").strip():
            hint = "say in a few words what is to be done"
            self.fail(node.line, "a task without a subject", hint)

    def check_keys(self, node: Node, known: Iterable[str], noun: str) -> None:
        for key, _ in node.pairs:
            if key.text in known:
                continue
            plain = key.text.replace("_", "").replace("-", "").lower()
            near = [k for k in known if k.lower() == plain] or near_matches(key.text, tuple(known))
            guess = f" (did you mean {near[0]}?)" if near else ""
            hint = f"the keys of a {noun} are: {' '.join(known)}"
            self.fail(key.line, f'unknown key "{key.text[:60]}"{guess}', hint)

    def text(self, node: Node | None, key: str) -> str | None:
        if node is None or node.empty:
            return None
        if node.kind != "scalar":
            self.fail(node.line, f"{key} must be text, not a {node.kind}")
            return None
        return node.text

    def simple(self, field: Field, node: Node | None) -> str | tuple[str, ...] | None:
        """The text of a field, or its texts; they are checked where the plan is applied."""
        if field not in LISTS:
            return self.text(node, field.name)
        names = self.names(node, field.name, "texts")
        return None if names is None else tuple(name.text for name in names)

    def status(self, node: Node | None) -> Status | None:
        text = self.text(node, "status")
        if node is None or text is None:
            return None
        if text in _STATUSES:
            return Status(text)
        if text == Status.DELETED:
            hint = "leave it out of the plan, and delete it with: gittasks delete ID"
            self.fail(node.line, "a plan cannot delete a task", hint)
            return None
        near = near_matches(text.lower().replace("-", "_"), _STATUSES)
        guess = f" (did you mean {near[0]}?)" if near else ""
        hint = f"a status is one of: {' '.join(_STATUSES)}"
        self.fail(node.line, f'unknown status "{text[:60]}"{guess}', hint)
        return None

    def references(self, node: Node | None) -> list[Node] | None:
        """The nodes of `blockedBy`."""
        return self.names(node, "blockedBy", "ids")

    def names(self, node: Node | None, key: str, noun: str) -> list[Node] | None:
        """The nodes of a list of texts; a single one may stand without a list."""
        if node is None or node.empty:
            return None
        if node.kind == "mapping":
            hint = "write it as [first, second]"
            self.fail(node.line, f"{key} must be a list of {noun}", hint)
            return None
        names = []
        for item in node.items if node.kind == "sequence" else (node,):
            if item.kind == "scalar" and not item.empty:
                names.append(item)
            else:
                self.fail(item.line, f"{key} must hold {noun}", "write it as [first, second]")
        return names

    def metadata(self, node: Node | None) -> Mapping[str, Value] | None:
        if node is None or node.empty:
            return None
        if node.kind != "mapping":
            self.fail(node.line, f"metadata must be a mapping, not a {node.kind}")
            return None
        return {key.text: _value(value) for key, value in node.pairs}


def _value(node: Node) -> Value:
    if node.kind == "mapping":
        return {key.text: _value(value) for key, value in node.pairs}
    if node.kind == "sequence":
        return [_value(item) for item in node.items]
    if node.empty:
        return None
    value: Value = plain_value(node.text) if node.plain else node.text
    return value


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
        if not is_variable_name(name):
            message = f'"{name}" cannot be the name of a variable'
            raise Usage(message, hint=_NAMES_OF_VARIABLES)
        if not value or not any(value in text for text in texts):
            raise Usage(f'nothing in the list says "{value}", which {name} is to stand for')
    if values:
        title = with_variables(title, values) if title else title
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
            return with_variables(value, values)
        if isinstance(value, tuple):
            return tuple(map(replaced, value))
        if isinstance(value, Mapping):
            return {key: replaced(part) for key, part in value.items()}
        return [replaced(part) for part in value] if isinstance(value, list) else value

    changes = {a: replaced(getattr(task, a)) for a in _KEPT.values() if a != "blocked_by"}
    return task._replace(**changes)
