"""Trailers of both kinds of commit: of a list, written by us, and of the code, that name tasks."""

from __future__ import annotations

from gittasks.core.ids import list_id_fault, near_matches
from gittasks.core.model import Status
from gittasks.errors import Usage
from gittasks.light import NamedTuple

TASK = "Gittasks-Task"
STATUS = "Gittasks-Status"
OWNER = "Gittasks-Owner"
SESSION = "Gittasks-Session"
FORCED = "Gittasks-Forced"
UNDO = "Gittasks-Undo"
OP = "Gittasks-Op"
CLAIM = "Gittasks-Claim"
KEEP = "Gittasks-Keep"


def parse_trailers(message: str) -> dict[str, list[str]]:
    """The trailers of a message by key, values in order; empty if its end is no trailer block.

    Values keep the place they had, so `Gittasks-Task` and `Gittasks-Status` pair up.
    """
    _, gap, block = message.replace("\r\n", "\n").strip("\n").rpartition("\n\n")
    if not gap:
        return {}
    values: dict[str, list[str]] = {}
    for line in block.split("\n"):
        key, colon, value = line.partition(":")
        if not colon or not key or not key.replace("-", "").isalnum():
            return {}
        values.setdefault(key, []).append(value.strip())
    return values


KEY = "Task"
"""The trailer's name; git compares such names without case."""
_STATUSES = {s.value: s for s in (Status.COMPLETED, Status.IN_PROGRESS, Status.SKIPPED)}
_COMMANDS = {
    "done": Status.COMPLETED,
    "complete": Status.COMPLETED,
    "start": Status.IN_PROGRESS,
    "skip": Status.SKIPPED,
}
"""The words of the command line for the same."""


class TaskTrailer(NamedTuple):
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


def parse(value: str) -> TaskTrailer:
    """The meaning of a trailer's value. Raises Usage for anything else."""
    words = value.split()
    if not 1 <= len(words) <= 2:
        raise Usage(f'"{value}" names no task', hint=f"write: {KEY}: ID [completed|…]")
    where, slash, task = words[0].rpartition("/")
    if not task or (slash and list_id_fault(where)):
        raise Usage(f'"{words[0]}" names no task', hint=f"write: {KEY}: ID, or {KEY}: LIST/ID")
    if len(words) == 1:
        return TaskTrailer(task, where or None)
    word = words[1].lower().replace("-", "_")
    status = _STATUSES.get(word) or _COMMANDS.get(word)
    if status is None:
        near = near_matches(word, _STATUSES, 1) or list(_STATUSES)
        raise Usage(
            f'"{words[1]}" is not a state that a commit can set',
            hint=f"write: {KEY}: {words[0]} {' or '.join(near)}",
        )
    return TaskTrailer(task, where or None, status)


def deduplicated(mentions: list[TaskTrailer]) -> list[TaskTrailer]:
    """One for each task: of several the last that brings a status, else the first."""
    latest: dict[tuple[str | None, str], TaskTrailer] = {}
    for mention in mentions:
        name = (mention.list_id, mention.task)
        if name not in latest or mention.status is not None:
            latest[name] = mention
    return list(latest.values())
