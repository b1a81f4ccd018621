"""A list as CSV (RFC 4180) for spreadsheets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gittasks.core.fields import BY_NAME, FIELDS, Field, Kind
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
    rows = [[column(task, graph) for column in _COLUMNS.values()] for task in tasks]
    return "".join(",".join(map(_cell, row)) + "\r\n" for row in [list(_COLUMNS), *rows])


_Column = Callable[[Task, Graph], str]
_DERIVED: dict[str, _Column] = {
    "id": lambda task, _: task.id,
    "phase": lambda task, _: task.phase_label or "",
    "openBlockers": lambda task, graph: " ".join(graph.open_blockers(task.id)),
}
_FIRST = (
    "id subject status owner phase blockedBy openBlockers result created started finished "
    "activeForm description notes commits metadata"
)
_LEFT_OUT = frozenset({"session", "claim", "order", "createdBy"})


def _of_field(field: Field) -> _Column:
    return lambda task, _: _text(field, getattr(task, field.attr))


def _text(field: Field, value: Any) -> str:
    """The value of a field in a cell; lists are separated by spaces."""
    if not value and value != 0:
        return ""
    if field.kind is Kind.MAP:
        import json

        return json.dumps(dict(value), ensure_ascii=False)
    if field.kind is Kind.NOTES:
        return "\n".join(f"{note.at} {note.by}: {note.text}".strip() for note in value)
    if field.kind is Kind.COMMITS:
        return " ".join(commit.sha for commit in value)
    return " ".join(value) if isinstance(value, tuple) else str(value)


_names = [*_FIRST.split(), *(f.name for f in FIELDS if f.name not in _LEFT_OUT)]
_COLUMNS = {name: _DERIVED.get(name) or _of_field(BY_NAME[name]) for name in _names}


def _cell(text: str) -> str:
    text = clean_block(text)
    if text.lstrip(" ").startswith(_FORMULA):
        text = f"'{text}"
    if any(c in text for c in ',"\n\r') or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text
