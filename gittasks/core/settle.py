"""The ordinary commands that take, in a conflict, the value that was not taken."""

from __future__ import annotations

from typing import Any

from gittasks.core.model import Status, Task
from gittasks.core.picks import EXISTS
from gittasks.core.registers import ABSENT, STATE, Register, State

_OPTIONS = {
    ("subject",): "--subject",
    ("description",): "--description",
    ("activeForm",): "--active-form",
    ("result",): "--result",
    ("phase",): "--phase",
    ("order",): "--order",
}
_VERBS = {
    Status.IN_PROGRESS: "start",
    Status.COMPLETED: "done",
    Status.SKIPPED: "skip",
    Status.DELETED: "delete",
}
Command = tuple[str, ...]


def commands(task: Task | None, list_id: str, register: Register, value: Any) -> list[Command]:
    """What to run, one after the other, so that `register` gets `value`; [] when only an edit of
    the file by hand does that. `task` is None for the list itself."""
    if task is None:
        wanted = register == ("title",) and value not in (ABSENT, None)
        return [("gittasks", "init", list_id, "--title", str(value))] if wanted else []
    if register == EXISTS:
        return [("gittasks", "delete", task.id)] if value is ABSENT else []
    if register == STATE:
        return _moves(task, value if isinstance(value, State) else State())
    update = ("gittasks", "update", task.id)
    if register in _OPTIONS:
        text = "" if value is ABSENT else str(value)
        # An order cannot be cleared, and a text that begins so would be read as a file.
        usable = (text or register != ("order",)) and not text.startswith(("-", "@"))
        return [(*update, _OPTIONS[register], text)] if usable else []
    if register[0] == "dep":
        way = "--remove-blocked-by" if value is ABSENT else "--add-blocked-by"
        return [(*update, way, register[1])]
    if register[0] == "meta" and value is ABSENT:
        return [(*update, "--unset", register[1])]
    if register[0] == "meta" and isinstance(value, str) and "=" not in register[1]:
        return [(*update, "--metadata", f"{register[1]}={value}")]
    return []


def _moves(task: Task, wanted: State) -> list[Command]:
    if task.status is wanted.status:
        owner = wanted.owner or ""
        return (
            []
            if owner == (task.owner or "")
            else [("gittasks", "update", task.id, "--owner", owner)]
        )
    moves: list[Command] = []
    if task.status is Status.DELETED:
        moves.append(("gittasks", "restore", task.id))
        here = Status.PENDING if not task.finished else Status.COMPLETED
    else:
        here = task.status
    if here.closed and wanted.status is not Status.DELETED and here is not wanted.status:
        moves.append(("gittasks", "reopen", task.id))
        here = Status.PENDING
    if here is wanted.status:
        return moves
    if wanted.status is Status.PENDING:
        return [*moves, ("gittasks", "release", task.id)]
    verb = ("gittasks", _VERBS[wanted.status], task.id)
    owned = wanted.status in (Status.IN_PROGRESS, Status.COMPLETED) and wanted.owner
    return [*moves, (*verb, "--owner", str(wanted.owner)) if owned else verb]
