"""Trackers that keep a Markdown file for each task: ticket, Backlog.md."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from gittasks.codec.importers.builder import Collector, sections, text_of, texts_of
from gittasks.codec.yaml_nodes import Node, parse
from gittasks.core.model import Note, Status, Task
from gittasks.errors import InvalidData


class MarkdownFile(NamedTuple):
    """A file split into its front matter and its body."""

    head: str
    body: str


def split(text: str) -> MarkdownFile | None:
    """Split a file; None when it does not begin with front matter."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    if lines[0].rstrip() != "---":
        return None
    end = next((n for n, line in enumerate(lines) if n and line.rstrip() == "---"), None)
    if end is None:
        return None
    return MarkdownFile("\n".join(lines[1:end]), "\n".join(lines[end + 1 :]))


def sections_of(body: str) -> list[tuple[str, str]]:
    """The text before the first `## ` heading (under ""), then each heading with its text.

    A heading inside a code block is text.
    """
    parts: list[tuple[str, list[str]]] = [("", [])]
    fence = ""
    for line in body.split("\n"):
        mark = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if mark and not fence:
            fence = mark[1]
        elif fence and mark and mark[1].startswith(fence) and line.strip() == mark[1]:
            fence = ""
        elif not fence and line.startswith("## "):
            parts.append((line[3:].strip(), []))
            continue
        parts[-1][1].append(line)
    return [(heading, "\n".join(lines).strip("\n").rstrip()) for heading, lines in parts]


_TICKET_STATUSES = {
    "open": Status.PENDING,
    "in_progress": Status.IN_PROGRESS,
    "closed": Status.COMPLETED,
}
_TICKET_METADATA = {
    "links": "links",
    "parent": "parent",
    "external-ref": "externalRef",
}
_TICKET_KEYS = text_of("id status deps created type assignee priority tags") | frozenset(
    _TICKET_METADATA
)
_BACKLOG_PRIORITIES = {"high": 1, "medium": 2, "low": 3}
_PRIORITIES = ("0", "1", "2", "3", "4")
_NOTE = r"(?m)^\*\*([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z)\*\*[ \t]*$"
_TITLE = r"\s*# +(.+)"


def keys_of(head: str) -> dict[str, str | list[str]]:
    """The keys of the front matter, line by line as ticket reads them: it is not YAML."""
    keys: dict[str, str | list[str]] = {}
    for line in head.split("\n"):
        key, colon, value = line.partition(":")
        value = value.strip()
        if not colon or not re.fullmatch("[A-Za-z][A-Za-z0-9_-]{0,60}", key):
            continue
        if value.startswith("[") and value.endswith("]"):
            keys[key] = [item.strip() for item in value[1:-1].split(",") if item.strip()]
        else:
            keys[key] = value
    return keys


def read_ticket(collector: Collector, file: MarkdownFile, where: str) -> None:
    """Read one ticket. Raises InvalidData."""
    keys = keys_of(file.head)
    source = keys.get("id")
    if not isinstance(source, str) or not source:
        raise InvalidData("a ticket needs an id in its front matter", where=where)
    title = re.match(_TITLE, file.body)
    subject, whole = collector.subject(title[1] if title else None, source)
    word = str(keys.get("status") or "open")
    if word not in _TICKET_STATUSES:
        what = collector.line(f"status {word}", "status", source) or "status"
        collector.lose(what, "pending here; the word is kept in the metadata", source)
    parts = sections_of(file.body[title.end() :] if title else file.body)
    text = [(heading or None, body) for heading, body in parts if heading != "Notes"]
    metadata: dict[str, object] = {name: keys.get(key) for key, name in _TICKET_METADATA.items()}
    priority = keys.get("priority") or "2"
    if priority not in _PRIORITIES:
        metadata["priority"] = priority
    if keys.get("type") not in (None, "", "task"):
        metadata["type"] = keys["type"]
    if word not in _TICKET_STATUSES:
        metadata["status"] = word
    task = Task(
        id="",
        subject=subject,
        description=collector.prose(sections((None, whole), *text), "description", source),
        status=_TICKET_STATUSES.get(word, Status.PENDING),
        priority=int(str(priority)) if priority in _PRIORITIES else 2,
        tags=collector.tags(keys.get("tags"), "tags", source),
        owner=collector.line(str(keys.get("assignee") or "").lstrip("@"), "assignee", source),
        notes=_notes(collector, parts, source),
        metadata=collector.metadata(metadata, source),
        created=collector.time(keys.get("created"), "created", source),
    )
    collector.lose_rest(keys, _TICKET_KEYS, source)
    deps = keys.get("deps") or []
    collector.add(source, task, (deps,) if isinstance(deps, str) else tuple(deps))


def _notes(collector: Collector, parts: list[tuple[str, str]], source: str) -> tuple[Note, ...]:
    """The notes under their heading: a time in bold, then text up to the next time."""
    notes = []
    for body in (body for heading, body in parts if heading == "Notes"):
        before, *rest = re.split(_NOTE, body)
        for at, text in zip(["", *rest[::2]], [before, *rest[1::2]], strict=True):
            prose = collector.prose(text.strip(), "notes", source)
            time = collector.time(at, "notes", source) or ""
            notes += [Note(time, "", prose)] if prose else []
    return collector.notes(notes, source)


_BACKLOG_STATUSES = {
    "to do": Status.PENDING,
    "todo": Status.PENDING,
    "draft": Status.PENDING,
    "backlog": Status.PENDING,
    "in progress": Status.IN_PROGRESS,
    "done": Status.COMPLETED,
    "completed": Status.COMPLETED,
}
_BACKLOG_METADATA = {
    "type": "type",
    "project": "project",
    "parent_task_id": "parent",
    "references": "references",
    "documentation": "documentation",
    "modified_files": "modifiedFiles",
    "reporter": "reporter",
}
_BACKLOG_KEYS = text_of(
    "id title status assignee created_date due_date dependencies milestone ordinal labels priority"
) | frozenset(_BACKLOG_METADATA)
_MARK = r"(?m)^[ \t]*<!-- (?:SECTION:[A-Z_]+|AC|DOD|COMMENTS):(?:BEGIN|END) -->[ \t]*\n?"
_COMMENT_HEAD = re.compile(r"(author|created): (.*)")


def read_backlog(collector: Collector, file: MarkdownFile, where: str) -> None:
    """Read one task. Raises InvalidData with the line."""
    root = parse(b"\n" + file.head.encode(), where)  # so that lines count as in the file
    keys = _plain(root)
    source = keys.get("id") if isinstance(keys, dict) else None
    if not isinstance(source, str) or not source:
        raise InvalidData("a task of Backlog.md needs an id in front", where=where)
    subject, whole = collector.subject(keys.get("title"), source)
    status, word = _status(collector, keys, where, source)
    parts = sections_of(re.sub(_MARK, "", file.body))
    comments = [body for heading, body in parts if heading == "Comments"]
    summary = next((body for heading, body in parts if heading == "Final Summary"), "")
    short = "\n" not in summary.strip() and len(summary) <= 500
    text = [
        (None if heading in ("", "Description") else heading, body)
        for heading, body in parts
        if heading != "Comments" and not (heading == "Final Summary" and short)
    ]
    people = [name.lstrip("@") for name in texts_of(keys.get("assignee"))]
    metadata: dict[str, object] = {name: keys.get(key) for key, name in _BACKLOG_METADATA.items()}
    urgency = str(keys.get("priority") or "medium").lower()
    if urgency not in _BACKLOG_PRIORITIES:
        metadata["priority"] = urgency
    metadata |= {"status": word, "due": keys.get("due_date"), "assignees": people[1:] and people}
    task = Task(
        id="",
        subject=subject,
        description=collector.prose(sections((None, whole), *text), "description", source),
        status=status,
        priority=_BACKLOG_PRIORITIES.get(urgency, 2),
        tags=collector.tags(keys.get("labels"), "labels", source),
        owner=collector.line(people[0], "assignee", source) if people else None,
        phase=collector.line(keys.get("milestone"), "milestone", source),
        result=collector.line(summary, "result", source) if short else None,
        notes=_comments(collector, comments, source),
        metadata=collector.metadata(metadata, source),
        created=_time(collector, keys.get("created_date"), "created_date", source),
    )
    _lose_rest(collector, keys, source)
    collector.add(source, task, tuple(texts_of(keys.get("dependencies"))))


def _lose_rest(collector: Collector, keys: dict[str, Any], source: str) -> None:
    """Record the keys without a field."""
    if keys.get("updated_date"):
        collector.lose("updated_date", "the history of the list has it", source)
    if keys.get("ordinal"):
        collector.lose("ordinal", "the tasks are sorted by it", source)
    collector.lose_rest(keys, _BACKLOG_KEYS | {"updated_date"}, source)


def ordinal(file: MarkdownFile) -> float:
    """The position of a task on its board; those without one come last."""
    match = re.search(r"(?m)^ordinal:[ ]*(-?[0-9]{1,15}(?:\.[0-9]{1,15})?)[ ]*$", file.head)
    return float(match[1]) if match else float("inf")


def _plain(node: Node) -> Any:
    """The text and lists of a YAML tree; numbers stay text."""
    if node.kind == "mapping":
        return {key.text: _plain(value) for key, value in node.pairs}
    if node.kind == "sequence":
        return [_plain(item) for item in node.items]
    return None if node.empty else node.text


def _status(
    collector: Collector, keys: dict[str, Any], where: str, source: str
) -> tuple[Status, str | None]:
    """The status, and the original word if the board defines it."""
    word = keys.get("status") if isinstance(keys.get("status"), str) else "To Do"
    folders = where.replace("\\", "/").split("/")[:-1]
    if "archive" in folders:
        collector.lose("archived", "imported as skipped", source)
        return Status.SKIPPED, word
    status = _BACKLOG_STATUSES.get(str(word).strip().lower())
    if status is None:
        what = collector.line(f"status {word}", "status", source) or "status"
        collector.lose(what, "pending here; the word is kept in the metadata", source)
        return Status.PENDING, word
    return status, word if word == "Draft" else None


def _comments(collector: Collector, bodies: list[str], source: str) -> tuple[Note, ...]:
    """Comments: `author:` and `created:` lines, `---`, the text, `---`."""
    notes = []
    for body in bodies:
        head: dict[str, str] = {}
        lines: list[str] | None = None
        for line in body.split("\n"):
            if lines is None:
                if match := _COMMENT_HEAD.fullmatch(line.strip()):
                    head[match[1]] = match[2]
                elif line.strip() == "---":
                    lines = []
            elif line.rstrip() == "---":
                text = collector.prose("\n".join(lines).strip(), "comments", source)
                at = _time(collector, head.get("created"), "comments", source) or ""
                by = collector.line(head.get("author"), "comments", source) or ""
                notes += [Note(at, by.lstrip("@"), text)] if text else []
                head, lines = {}, None
            else:
                lines.append(line)
    return collector.notes(notes, source)


def _time(collector: Collector, value: object, what: str, source: str) -> str | None:
    """A time; `2026-11-25 14:49` and `2026-11-25` are UTC."""
    if isinstance(value, str):
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            value = f"{value} 00:00"
        if re.fullmatch(r"[0-9-]{10} [0-9]{2}:[0-9]{2}", value):
            value = f"{value.replace(' ', 'T')}:00Z"
    return collector.time(value, what, source)
