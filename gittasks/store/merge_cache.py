"""Cache of merge states at earlier heads, where the next merge begins.

A small file a list, beside the other caches: it is keyed by commit ids, carries a checksum, and
may be deleted. Only commits at which every file is readable and the tree says what the list
says are kept: from there on nothing that is older counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from gittasks.core.merge.registers import ABSENT, STATE, Register, State
from gittasks.core.merge.resolution import CommitOrder, Conflict, ConflictKind, RuleName, Write
from gittasks.core.model import Note, Status, Task
from gittasks.store import disk

FILE = disk.CacheFile("checkpoints", 4, disk.fields_of(Task, Note, State))
_KEPT = 64
"""How many are kept: the heads of that many meetings with other clones."""


class Checkpoint(NamedTuple):
    """A commit: its order, how many commits its longest path is long, its open conflicts."""

    commit: str
    order: CommitOrder
    length: int
    conflicts: tuple[Conflict, ...] = ()


def read(path: str) -> dict[str, Checkpoint]:
    """The checkpoints of a file by commit, oldest first; none when it is damaged or missing."""
    try:
        body = FILE.read(path)
        if body is None:
            return {}
        rows = [
            Checkpoint(commit, (time, count), length, tuple(map(_conflict, conflicts)))
            for commit, time, count, length, conflicts in json.loads(body)
        ]
        return {row.commit: row for row in rows}
    except Exception:  # noqa: BLE001  whatever is wrong with a cache, it is as if there were none
        return {}


def write(
    path: str,
    old: Mapping[str, Checkpoint],
    new: Iterable[Checkpoint],
    shared: disk.Sharing,
) -> None:
    """Keep `new` beside the `old` ones; a place that cannot be written is left alone."""
    rows = dict(old)
    for row in new:
        rows.pop(row.commit, None)
        rows[row.commit] = row
    body = json.dumps(
        [[r.commit, *r.order, r.length, [_plain(c) for c in r.conflicts]] for r in rows.values()][
            -_KEPT:
        ],
        separators=(",", ":"),
    ).encode()
    FILE.write(path, body, shared)


def _plain(conflict: Conflict) -> list[Any]:
    writes = [
        [*w.order, w.commit, w.value is not ABSENT, _value(w.value), _value(w.beside), w.restated]
        for w in (conflict.winner, *conflict.losers)
    ]
    return [conflict.path, conflict.register, conflict.kind, conflict.rule, writes]


def _value(value: Any) -> Any:
    return None if value is ABSENT else value


def _conflict(row: list[Any]) -> Conflict:
    path, kinds, kind, rule, writes = row
    register = _register(kinds)
    winner, *losers = [
        Write((time, count), commit, _typed(register, value) if present else ABSENT, *tie)
        for time, count, commit, present, value, *tie in writes
    ]
    return Conflict(path, register, ConflictKind(kind), RuleName(rule), winner, tuple(losers))


def _register(parts: list[Any]) -> Register:
    return tuple(Note(*part) if isinstance(part, list) else part for part in parts)


def _typed(register: Register, value: Any) -> Any:
    if register != STATE:
        return value
    status, *rest = value
    return State(Status(status), *rest)
