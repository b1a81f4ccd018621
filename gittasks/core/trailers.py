"""Trailers of both kinds of commit: of a list, written by us, and of the code, that name tasks."""

from __future__ import annotations

from gittasks.core.ids import list_id_fault, near_matches
from gittasks.core.model import Status
from gittasks.core.validation import escape_line
from gittasks.errors import Usage
from gittasks.light import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.core.merge.registers import Register

TASK = "Gittasks-Task"
STATUS = "Gittasks-Status"
OWNER = "Gittasks-Owner"
SESSION = "Gittasks-Session"
FORCED = "Gittasks-Forced"
UNDO = "Gittasks-Undo"
OP = "Gittasks-Op"
CLAIM = "Gittasks-Claim"
KEEP = "Gittasks-Keep"
VALUE_LIMIT = 500
"""Most characters of a value."""


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


def trailer_lines(pairs: Sequence[tuple[str, str]]) -> str:
    """The trailers of a message; those without a value are left out."""
    safe = ((key, escape_line(value, VALUE_LIMIT)) for key, value in pairs)
    return "\n".join(f"{key}: {value}" for key, value in safe if value)


_NOT_KEPT = frozenset({"note", "bytes"})
"""Kinds of registers that no commit keeps: their names are too long, or mean nothing alone."""


def undo_message(list_id: str, commit: str, op_id: str) -> str:
    """The message of a commit that takes back one that its remote did not decide."""
    subject = f"{list_id}: undo {commit[:10]}: not decided by the list's own remote"
    return f"{subject}\n\n{trailer_lines([(UNDO, commit), (OP, op_id)])}\n"


def can_keep(register: Register) -> bool:
    """True when a conflict about this register can be settled by keeping what stands."""
    return register[0] not in _NOT_KEPT


def parse_kept(message: str) -> tuple[tuple[str, Register], ...]:
    """The registers, by path, that a commit keeps; what cannot be read is passed over."""
    if f"\n{KEEP}:" not in message:
        return ()
    import json

    registers: list[tuple[str, Register]] = []
    for value in parse_trailers(message).get(KEEP, ()):
        path, _, text = value.partition(" ")
        try:
            parts = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(parts, list) and parts and all(isinstance(p, str) for p in parts):
            registers += [(path, tuple(parts))] if can_keep(tuple(parts)) else []
    return tuple(registers)


def parse_operation(message: str) -> str | None:
    """The name of the operation that a commit is; None for one that is no command's."""
    if f"\n{OP}:" not in message:
        return None
    return parse_trailers(message).get(OP, [""])[-1] or None


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
