"""Read a task file: what we wrote ourselves at once, what a person wrote through YAML."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gittasks.codec.canonical import FILE_ORDER, encode_task, read_canonical
from gittasks.codec.scalars import MAX_SUBJECT, is_sha, is_subject, is_word, to_order
from gittasks.codec.schema import Reader
from gittasks.core.fields import BY_NAME, Field, Kind
from gittasks.core.ids import path_fault, task_id_fault
from gittasks.core.model import CodeCommit, Note, Status, Task, Value
from gittasks.errors import InvalidData

if TYPE_CHECKING:
    from gittasks.codec.yaml_text import Node


def decode_task(data: bytes, task_id: str, path: str) -> Task:
    """The task in the file at `path` (named in errors), whose id its name gives.

    Raises InvalidData: the message and `where` tell the first fault, `details["problems"]`
    lists all as `{path, line, message}`.
    """
    if task := read_canonical(data, task_id):
        return task
    from gittasks.codec.yaml_text import parse

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
                self.fault(item, f'{key}: "{item.text[:60]}" is no task id: {fault}')
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
                self.fault(node, f'{key}: "{path[:60]}" is no path: {fault}')
        return paths

    def commits(self, key: str, node: Node) -> tuple[CodeCommit, ...]:
        """Commits of the code."""
        return tuple(self.commit(item) for item in self.items(key, node))

    def commit(self, node: Node) -> CodeCommit:
        """One commit: a map, or its sha alone."""
        if node.kind == "scalar":
            given = {"sha": node}
        else:
            given = self.fields(node, "a commit", ("sha", "subject"))
        sha, subject = given.get("sha"), given.get("subject")
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
            given = {"text": node}
        else:
            given = self.fields(node, "a note", ("at", "by", "text"))
        at, by, text = given.get("at"), given.get("by"), given.get("text")
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
