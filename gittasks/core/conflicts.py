"""Open conflicts as values: the writes that competed, and the commands that swap them."""

from __future__ import annotations

from typing import Any, NamedTuple

from gittasks.core.merge.resolution import Command, ConflictKind, RuleName


class Side(NamedTuple):
    """One of the competing writes: what it said, who made it when; `there` False: it removed."""

    value: Any
    there: bool
    commit: str
    at: str
    by: str


class Loser(NamedTuple):
    """A write that is not shown, and the commands that take its value instead.

    Without commands only an edit by hand does that.
    """

    side: Side
    commands: tuple[Command, ...]


class OpenConflict(NamedTuple):
    """Competing writes of one field (`member`: of one dependency, key, note or commit of it).

    `task` is None for the list itself; `path` is the file. `rule` decided for the winner.
    """

    task: str | None
    path: str
    field: str
    member: str | None
    kind: ConflictKind
    rule: RuleName
    winner: Side
    losers: tuple[Loser, ...]
