"""The Markdown files of Backlog.md: YAML in front, then sections between HTML comments."""

from __future__ import annotations

import re
from typing import Any

from gittasks.codec.foreign.collector import Collector, sections, words
from gittasks.codec.foreign.front_matter import MarkdownFile, sections_of
from gittasks.codec.foreign.json_text import texts_of
from gittasks.codec.yaml_text import Node, parse
from gittasks.core.model import Note, Status, Task
from gittasks.errors import InvalidData

_STATUSES = {
    "to do": Status.PENDING,
    "todo": Status.PENDING,
    "draft": Status.PENDING,
    "backlog": Status.PENDING,
    "in progress": Status.IN_PROGRESS,
    "done": Status.COMPLETED,
    "completed": Status.COMPLETED,
}
_METADATA = {
    "labels": "labels",
    "priority": "priority",
    "type": "type",
    "project": "project",
    "parent_task_id": "parent",
    "references": "references",
    "documentation": "documentation",
    "modified_files": "modifiedFiles",
    "reporter": "reporter",
}
_READ = words(
    "id title status assignee created_date due_date dependencies milestone ordinal"
) | frozenset(_METADATA)
_MARK = r"(?m)^[ \t]*<!-- (?:SECTION:[A-Z_]+|AC|DOD|COMMENTS):(?:BEGIN|END) -->[ \t]*\n?"
_COMMENT_HEAD = re.compile(r"(author|created): (.*)")


def read_backlog(found: Collector, file: MarkdownFile, where: str) -> None:
    """Read one task. Raises InvalidData, with the line, for what is none."""
    root = parse(b"\n" + file.head.encode(), where)  # so that lines count as in the file
    keys = _plain(root)
    source = keys.get("id") if isinstance(keys, dict) else None
    if not isinstance(source, str) or not source:
        raise InvalidData("a task of Backlog.md needs an id in front", where=where)
    subject, whole = found.subject(keys.get("title"), source)
    status, word = _status(found, keys, where, source)
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
    metadata: dict[str, object] = {name: keys.get(key) for key, name in _METADATA.items()}
    metadata |= {"status": word, "due": keys.get("due_date"), "assignees": people[1:] and people}
    task = Task(
        id="",
        subject=subject,
        description=found.prose(sections((None, whole), *text), "description", source),
        status=status,
        owner=found.line(people[0], "assignee", source) if people else None,
        phase=found.line(keys.get("milestone"), "milestone", source),
        result=found.line(summary, "result", source) if short else None,
        notes=_comments(found, comments, source),
        metadata=found.metadata(metadata, source),
        created=_time(found, keys.get("created_date"), "created_date", source),
    )
    if keys.get("updated_date"):
        found.lose("updated_date", "the history of the list tells it", source)
    if keys.get("ordinal"):
        found.lose("ordinal", "tasks stand in its order instead", source)
    found.lose_rest(keys, _READ | {"updated_date"}, source)
    found.add(source, task, tuple(texts_of(keys.get("dependencies"))))


def ordinal(file: MarkdownFile) -> float:
    """Where a task stands on its board; those without a place come last."""
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
    found: Collector, keys: dict[str, Any], where: str, source: str
) -> tuple[Status, str | None]:
    """The status, and the word for it when that is one of a board's own."""
    word = keys.get("status") if isinstance(keys.get("status"), str) else "To Do"
    folders = where.replace("\\", "/").split("/")[:-1]
    if "archive" in folders:
        found.lose("archived", "skipped here", source)
        return Status.SKIPPED, word
    status = _STATUSES.get(str(word).strip().lower())
    if status is None:
        what = found.line(f"status {word}", "status", source) or "status"
        found.lose(what, "pending here; the word is kept in the metadata", source)
        return Status.PENDING, word
    return status, word if word == "Draft" else None


def _comments(found: Collector, bodies: list[str], source: str) -> tuple[Note, ...]:
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
                text = found.prose("\n".join(lines).strip(), "comments", source)
                at = _time(found, head.get("created"), "comments", source) or ""
                by = found.line(head.get("author"), "comments", source) or ""
                notes += [Note(at, by.lstrip("@"), text)] if text else []
                head, lines = {}, None
            else:
                lines.append(line)
    return found.notes(notes, source)


def _time(found: Collector, value: object, what: str, source: str) -> str | None:
    """A time; `2026-11-25 14:49` and `2026-11-25` are UTC."""
    if isinstance(value, str):
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            value = f"{value} 00:00"
        if re.fullmatch(r"[0-9-]{10} [0-9]{2}:[0-9]{2}", value):
            value = f"{value.replace(' ', 'T')}:00Z"
    return found.time(value, what, source)
