"""What a commit of the code says of tasks: `Task: [<list>/]<id> [<status>]`, repeatable.

The trailers themselves are found by git; here is what their values mean.
"""

from __future__ import annotations

from typing import NamedTuple

from gittasks.core.ids import list_id_fault, near_matches
from gittasks.core.model import Status
from gittasks.errors import Usage

KEY = "Task"
"""The trailer's name; git compares such names without case."""
_STATUSES = {s.value: s for s in (Status.COMPLETED, Status.IN_PROGRESS, Status.SKIPPED)}


class Mention(NamedTuple):
    """A task that a commit names: in which list if it says so, by id or its beginning.

    Without a status the commit is linked, and a pending task started.
    """

    task: str
    list_id: str | None = None
    status: Status | None = None

    def __str__(self) -> str:
        """As it stands behind `Task:`."""
        where = f"{self.list_id}/" if self.list_id else ""
        return f"{where}{self.task}{f' {self.status}' if self.status else ''}"


def parse(value: str) -> Mention:
    """The meaning of a trailer's value. Raises Usage for anything else."""
    words = value.split()
    if not 1 <= len(words) <= 2:
        raise Usage(f'"{value}" names no task', hint=f"write: {KEY}: ID [completed|…]")
    where, slash, task = words[0].rpartition("/")
    if not task or (slash and list_id_fault(where)):
        raise Usage(f'"{words[0]}" names no task', hint=f"write: {KEY}: ID, or {KEY}: LIST/ID")
    if len(words) == 1:
        return Mention(task, where or None)
    word = words[1].lower().replace("-", "_")
    if word not in _STATUSES:
        meant = near_matches(word, _STATUSES, 1) or list(_STATUSES)
        raise Usage(
            f'"{words[1]}" is no state that a commit can bring',
            hint=f"write: {KEY}: {words[0]} {' or '.join(meant)}",
        )
    return Mention(task, where or None, _STATUSES[word])


def merged(mentions: list[Mention]) -> list[Mention]:
    """One for each task: of several the last that brings a status, else the first."""
    found: dict[tuple[str | None, str], Mention] = {}
    for one in mentions:
        name = (one.list_id, one.task)
        if name not in found or one.status is not None:
            found[name] = one
    return list(found.values())
