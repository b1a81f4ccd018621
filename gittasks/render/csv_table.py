"""A list as CSV (RFC 4180) for spreadsheets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gittasks.core.graph import Graph
from gittasks.core.model import Task
from gittasks.render.text import clean_block

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet take a cell for a formula."""


def csv_table(tasks: Sequence[Task], graph: Graph) -> str:
    """The tasks in the order given, one a row, below a row of names.

    A cell that a spreadsheet would take for a formula begins with an apostrophe, which says that
    it is text.
    """
    rows = [[column(task, graph) or "" for column in _COLUMNS.values()] for task in tasks]
    return "".join(",".join(map(_cell, row)) + "\r\n" for row in [list(_COLUMNS), *rows])


def _notes(task: Task) -> str:
    return "\n".join(f"{note.at} {note.by}: {note.text}".strip() for note in task.notes)


def _metadata(task: Task) -> str:
    import json

    return json.dumps(dict(task.metadata), ensure_ascii=False) if task.metadata else ""


_COLUMNS: dict[str, Callable[[Task, Graph], str | None]] = {
    "id": lambda task, _: task.id,
    "subject": lambda task, _: task.subject,
    "status": lambda task, _: str(task.status),
    "owner": lambda task, _: task.owner,
    "phase": lambda task, _: task.phase_label,
    "blockedBy": lambda task, _: " ".join(task.blocked_by),
    "openBlockers": lambda task, graph: " ".join(graph.open_blockers(task.id)),
    "result": lambda task, _: task.result,
    "created": lambda task, _: task.created,
    "started": lambda task, _: task.started,
    "finished": lambda task, _: task.finished,
    "activeForm": lambda task, _: task.active_form,
    "description": lambda task, _: task.description,
    "notes": lambda task, _: _notes(task),
    "commits": lambda task, _: " ".join(commit.sha for commit in task.commits),
    "metadata": lambda task, _: _metadata(task),
}
"""What stands in each column; within the cells lists are separated by spaces."""


def _cell(text: str) -> str:
    text = clean_block(text)
    if text.lstrip(" ").startswith(_FORMULA):
        text = f"'{text}"
    if any(c in text for c in ',"\n\r') or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text
