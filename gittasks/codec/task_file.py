"""Task files and list.yaml of any form read as values, with every fault of a file collected."""

from __future__ import annotations

import re
from collections.abc import Callable

from gittasks.codec.canonical import (
    FILE_ORDER,
    LIST_KEYS,
    MAX_KEY,
    MAX_SUBJECT,
    encode_task,
    is_line,
    is_sha,
    is_subject,
    is_word,
    plain_value,
    read_canonical,
    read_canonical_list,
    to_order,
)
from gittasks.core.fields import BY_NAME, Field, Kind
from gittasks.core.ids import path_fault, task_id_fault
from gittasks.core.model import (
    FORMAT,
    LIST_MARKS,
    OTHER_ID,
    RULES,
    CodeCommit,
    ListInfo,
    Note,
    Problem,
    Status,
    Task,
    Value,
)
from gittasks.core.times import normal_time
from gittasks.core.validation import shorten
from gittasks.errors import UPDATE, FormatTooNew, InvalidData, Way
from gittasks.light import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from gittasks.codec.yaml_nodes import Node

_KINDS = {"scalar": "text", "sequence": "a list", "mapping": "a map"}


class Reader:
    """Types the values of one document. A fault is noted and the default is used instead."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.faults: list[Problem] = []

    def fault(self, node: Node, message: str) -> None:
        """Note what is wrong at the line of `node`."""
        self.faults.append(Problem(self.path, node.line, message))

    def check(self) -> None:
        """Raise InvalidData for the first fault, with all of them in its details."""
        if not self.faults:
            return
        faults = sorted(self.faults, key=lambda problem: problem.line or 0)
        first = faults[0]
        more = Way(f"{len(faults)} faults in this file; see them all", ("gittasks", "lint"))
        raise InvalidData(
            first.message,
            where=f"{first.path}:{first.line}",
            ways=[more] if len(faults) > 1 else [],
            details={"problems": [problem._asdict() for problem in faults]},
        )

    def is_kind(self, key: str, node: Node, kind: str) -> bool:
        """True when `node` is of a kind; another kind is a fault."""
        if node.kind != kind:
            self.fault(node, f"{key} must be {_KINDS[kind]}, not {_KINDS[node.kind]}")
        return node.kind == kind

    def text(self, key: str, node: Node) -> str | None:
        """Text of any length; None if nothing is written."""
        if not self.is_kind(key, node, "scalar") or node.empty:
            return None
        text = node.text.rstrip("\n") if node.style in ("|", ">") else node.text
        return text or None

    def line(self, key: str, node: Node) -> str | None:
        """Text of one line."""
        text = self.text(key, node)
        if text is not None and not is_line(text):
            self.fault(node, f"{key} must be one line")
            return None
        return text

    def long(self, key: str, node: Node) -> str | None:
        """Text of any length, whose last newlines mean nothing."""
        return (self.text(key, node) or "").rstrip("\n") or None

    def time(self, key: str, node: Node) -> str | None:
        """A time, in UTC and whole seconds."""
        text = self.line(key, node)
        try:
            return normal_time(text) if text else None
        except ValueError:
            self.fault(node, f'{key}: "{_short(text)}" is not a time such as 2026-11-22T10:00:00Z')
            return None

    def number(self, key: str, node: Node, least: int, most: int) -> int | None:
        """A whole number between two bounds, both allowed."""
        text = self.line(key, node)
        if not text:
            return None
        if len(text) <= 16 and re.fullmatch("[0-9]+", text) and least <= int(text) <= most:
            return int(text)
        self.fault(node, f'{key}: "{_short(text)}" is not a whole number from {least} to {most}')
        return None

    def items(self, key: str, node: Node) -> tuple[Node, ...]:
        """The items of a list; nothing written is an empty list."""
        if (node.kind == "scalar" and node.empty) or not self.is_kind(key, node, "sequence"):
            return ()
        return node.items

    def mapping(self, key: str, node: Node) -> dict[str, Value]:
        """A map of JSON values; nothing written is an empty map."""
        if (node.kind == "scalar" and node.empty) or not self.is_kind(key, node, "mapping"):
            return {}
        return {self.key(name): self.value(value) for name, value in node.pairs}

    def key(self, node: Node) -> str:
        """The text of a key."""
        if len(node.text) > MAX_KEY:
            self.fault(node, f'key "{node.text[:40]}…" is longer than {MAX_KEY} characters')
        return node.text

    def value(self, node: Node) -> Value:
        """A JSON value: only canonical JSON literals are more than text."""
        if node.kind == "sequence":
            return [self.value(item) for item in node.items]
        if node.kind == "mapping":
            return {self.key(name): self.value(value) for name, value in node.pairs}
        if not node.plain:
            return node.text
        value: Value = plain_value(node.text) if node.text else None
        return value

    def fields(self, node: Node, what: str, allowed: tuple[str, ...]) -> dict[str, Node]:
        """The nodes of a small map by key; other keys are faults, as nothing would keep them."""
        for name, _ in node.pairs:
            if name.text not in allowed:
                names = ", ".join(allowed)
                self.fault(name, f'{what} has no key "{_short(name.text)}" (only {names})')
        return {name.text: value for name, value in node.pairs}


def _short(text: str | None) -> str:
    """A piece of foreign text for a message: one line, not long."""
    return shorten(" ".join((text or "").split()), 60)


def decode_list(data: bytes, list_id: str, path: str) -> ListInfo:
    """The list that `data` describes; its id is the one of the branch.

    Raises FormatTooNew if the list is of a later format or has later merge rules, InvalidData
    as `decode_task` does.
    """
    if info := read_canonical_list(data):
        _check_format(info.format, info.rules, list_id, path)
        if info.id == list_id and info.format and info.rules:
            return info
    from gittasks.codec.yaml_nodes import parse

    root = parse(data, path)
    reader = Reader(path)
    if root.kind != "mapping":
        reader.fault(root, 'list.yaml is made of "key: value" lines')
        reader.check()
    nodes = {name.text: node for name, node in root.pairs}
    if not nodes:
        reader.fault(root, "empty; a list begins with format: 1")
    known = int(_number(reader, nodes, "format")), int(_number(reader, nodes, "rules"))
    _check_format(*known, list_id, path)
    inner = reader.line("id", nodes["id"]) if "id" in nodes else None
    if inner is not None and inner != list_id:
        reader.fault(nodes["id"], f"{OTHER_ID}{inner[:100]} but the list is {list_id}")
    title = reader.line("title", nodes["title"]) if "title" in nodes else None
    marks = [reader.time(key, nodes[key]) if key in nodes else None for key in LIST_MARKS]
    settings = reader.mapping("settings", nodes["settings"]) if "settings" in nodes else {}
    extra = {reader.key(k): reader.value(v) for k, v in root.pairs if k.text not in LIST_KEYS}
    reader.check()
    return ListInfo(list_id, title, *known, settings, extra, *marks)


def _number(reader: Reader, nodes: dict[str, Node], key: str) -> int:
    return (reader.number(key, nodes[key], 1, 10**9) if key in nodes else None) or 1


def _check_format(form: int, rules: int, list_id: str, path: str) -> None:
    if form <= FORMAT and rules <= RULES:
        return
    what = f"format {form}" if form > FORMAT else f"merge rules {rules}"
    known = FORMAT if form > FORMAT else RULES
    raise FormatTooNew(
        f'list "{list_id}" has {what}; this gittasks knows {known}',
        where=path,
        ways=[UPDATE],
        details={"format": form, "rules": rules},
    )


def decode_task(data: bytes, task_id: str, path: str) -> Task:
    """The task in the file at `path` (named in errors), whose id its name gives.

    Raises InvalidData: the message and `where` tell the first fault, `details["problems"]`
    lists all as `{path, line, message}`.
    """
    if task := read_canonical(data, task_id):
        return task
    from gittasks.codec.yaml_nodes import parse

    return task_of(parse(data, path), task_id, path)


def check_task(task: Task) -> bytes:
    """The file of `task`, once it is sure that it reads back as the same task.

    For the edges, where values come from outside. Raises InvalidData, with the id as the place.
    """
    data = encode_task(task)
    back = decode_task(data, task.id, task.id)
    if back != task:
        names = [f.name for f in FILE_ORDER if getattr(task, f.attr) != getattr(back, f.attr)]
        message = f"{', '.join(names) or 'an unknown key'} of the task cannot be stored as given"
        raise InvalidData(message, where=task.id)
    return data


def task_of(root: Node, task_id: str, path: str) -> Task:
    """The task that a parsed file describes. Raises InvalidData as `decode_task` does."""
    reader = TaskReader(path)
    if root.kind != "mapping":
        reader.fault(root, 'a task file is made of "key: value" lines')
        reader.check()
    known: dict[str, Any] = {}
    extra: dict[str, Value] = {}
    for name, node in root.pairs:
        key = name.text
        if field := BY_NAME.get(key):
            value = reader.field(field, node)
            if value is not None:
                known[field.attr] = value
        elif key == "id":
            reader.inner_id(node, task_id)
        else:
            extra[reader.key(name)] = reader.value(node)
    if root.get("subject") is None:
        reader.fault(root, "subject is missing")
    reader.check()
    return Task(id=task_id, extra=extra, **known)


class TaskReader(Reader):
    """The fields of a task, each by the rule of its kind."""

    def field(self, field: Field, node: Node) -> Any:
        """The value of a field; None where nothing is written, or a fault."""
        if field.name == "subject":
            return self.subject(field.name, node)
        if field.kind is Kind.COUNT:
            return self.number(field.name, node, 0, field.most)
        return _READERS[field.kind](self, field.name, node)

    def inner_id(self, node: Node, task_id: str) -> None:
        """An `id` in the file only repeats its name."""
        text = self.line("id", node)
        if text is not None and text != task_id:
            self.fault(node, f"id says {text[:80]} but the file is {task_id}.yaml")

    def subject(self, key: str, node: Node) -> str | None:
        """The subject: one line, not empty, not long."""
        before = len(self.faults)
        text = self.line(key, node)
        if len(self.faults) > before:
            return None
        if text is None or not text.strip():
            self.fault(node, f"{key} is empty")
        elif not is_subject(text):
            self.fault(node, f"{key} is longer than {MAX_SUBJECT} characters ({len(text)})")
        return text

    def status(self, key: str, node: Node) -> Status | None:
        """One of the words of Status."""
        text = self.line(key, node)
        try:
            return Status(text) if text else None
        except ValueError:
            names = ", ".join(Status)
            self.fault(node, f'unknown {key} "{(text or "")[:60]}"; use one of {names}')
            return None

    def order(self, key: str, node: Node) -> int | float | None:
        """A place in the order of display."""
        text = self.line(key, node)
        try:
            return to_order(text) if text else None
        except ValueError:
            what = "a number below a billion with at most six decimals"
            self.fault(node, f'{key}: "{(text or "")[:60]}" is not {what}')
            return None

    def ids(self, key: str, node: Node) -> tuple[str, ...]:
        """Task ids, each once."""
        single = node.kind == "scalar" and not node.empty  # one id without a list, by hand
        ids: dict[str, None] = {}
        for item in (node,) if single else self.items(key, node):
            if not self.is_kind(f"an item of {key}", item, "scalar"):
                continue
            if fault := task_id_fault(item.text):
                self.fault(item, f'{key}: "{item.text[:60]}" is not a task id: {fault}')
            ids[item.text] = None
        return tuple(ids)

    def words(self, key: str, node: Node) -> tuple[str, ...]:
        """Words, each once; several in one text are parted by commas."""
        single = node.kind == "scalar" and not node.empty
        words: dict[str, None] = {}
        for item in (node,) if single else self.items(key, node):
            text = self.line(f"an item of {key}", item)
            for part in (text or "").split(","):
                if word := part.strip():
                    words[word] = None
                if not is_word(word) and word:
                    self.fault(item, f"an item of {key} is longer than {MAX_SUBJECT} characters")
        return tuple(words)

    def paths(self, key: str, node: Node) -> tuple[str, ...]:
        """Globs from the root of the code tree, each once."""
        paths = self.words(key, node)
        for path in paths:
            if fault := path_fault(path):
                self.fault(node, f'{key}: "{path[:60]}" is not a path: {fault}')
        return paths

    def commits(self, key: str, node: Node) -> tuple[CodeCommit, ...]:
        """Commits of the code."""
        return tuple(self.commit(item) for item in self.items(key, node))

    def commit(self, node: Node) -> CodeCommit:
        """One commit: a map, or its sha alone."""
        if node.kind == "scalar":
            fields = {"sha": node}
        else:
            fields = self.fields(node, "a commit", ("sha", "subject"))
        sha, subject = fields.get("sha"), fields.get("subject")
        text = (self.line("sha", sha) or "").lower() if sha else ""
        if not is_sha(text):
            self.fault(sha or node, "a commit needs a sha of 4 to 64 hexadecimal digits")
        return CodeCommit(text, self.line("subject", subject) if subject else None)

    def notes(self, key: str, node: Node) -> tuple[Note, ...]:
        """Notes, in the order of the file."""
        return tuple(self.note(item) for item in self.items(key, node))

    def note(self, node: Node) -> Note:
        """One note: a map, or its text alone."""
        if node.kind == "scalar":
            fields = {"text": node}
        else:
            fields = self.fields(node, "a note", ("at", "by", "text"))
        at, by, text = fields.get("at"), fields.get("by"), fields.get("text")
        words = self.long("text", text) if text else None
        if words is None:
            self.fault(node, "a note needs a text")
        when = self.time("at", at) if at else None
        who = self.line("by", by) if by else None
        return Note(when or "", who or "", words or "")


_READERS: dict[Kind, Callable[[TaskReader, str, Node], Any]] = {
    Kind.LINE: TaskReader.line,
    Kind.TEXT: TaskReader.long,
    Kind.TIME: TaskReader.time,
    Kind.STATUS: TaskReader.status,
    Kind.NUMBER: TaskReader.order,
    Kind.IDS: TaskReader.ids,
    Kind.WORDS: TaskReader.words,
    Kind.PATHS: TaskReader.paths,
    Kind.COMMITS: TaskReader.commits,
    Kind.NOTES: TaskReader.notes,
    Kind.MAP: TaskReader.mapping,
}
