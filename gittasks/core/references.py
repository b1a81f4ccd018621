"""`$N` in place of an id: the task that the N-th operation of the same sequence was about.

An id that is made while operations are applied cannot be known to those that follow; no task id
begins with `$`, so the two cannot be mistaken for each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gittasks.core.operations import Create, Operation
from gittasks.errors import NotFound

MARK = "$"
_WAITING_FOR = ("blocked_by", "add_blocked_by", "remove_blocked_by")
_EDGES = (*_WAITING_FOR, "blocks", "add_blocks", "remove_blocks")


def resolved(operation: Operation, focus: Sequence[str], ends: Mapping[str, str]) -> Operation:
    """The operation with every `$N` replaced by an id.

    `focus` are the tasks that the operations before it were about. To wait for a loop means to
    wait for its last iteration; `ends` has that by the first. Raises NotFound.
    """
    changes: dict[str, Any] = {}
    for name, value in operation._asdict().items():
        if name == "id" and isinstance(value, str) and not isinstance(operation, Create):
            if value.startswith(MARK):
                changes[name] = _task(value, focus)
        elif name in _EDGES and any(reference.startswith(MARK) for reference in value):
            later = ends if name in _WAITING_FOR else {}
            found = [(r, _task(r, focus) if r.startswith(MARK) else r) for r in value]
            changes[name] = tuple(later.get(i, i) if i != r else r for r, i in found)
    return operation._replace(**changes) if changes else operation


def _task(reference: str, focus: Sequence[str]) -> str:
    digits = reference.removeprefix(MARK)
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0
    if not 0 < number <= len(focus) or not focus[number - 1]:
        raise NotFound(
            f'"{reference}" names no operation before this one',
            hint="write $1 for the task of the first; in a shell, quote it",
        )
    return focus[number - 1]
