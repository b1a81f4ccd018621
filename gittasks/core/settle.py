"""The ordinary commands that take, in a conflict, the value that was not taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gittasks.core.fields import LISTS, SINGLE, Field
from gittasks.core.model import Status, Task
from gittasks.core.picks import EXISTS
from gittasks.core.registers import ABSENT, STATE, Register, State

_SET: Mapping[Register, Field] = {(f.name,): f for f in SINGLE if f.uses.given}
_ADDED = {f.registers: f.option.removeprefix("--") for f in LISTS if f.uses.given}
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
    if field := _SET.get(register):
        text = "" if value is ABSENT else str(value)
        # A text that begins so would be read as a file.
        usable = (text or field.uses.clearable) and not text.startswith(("-", "@"))
        return [(*update, field.option, text)] if usable else []
    if option := _ADDED.get(register[0]):
        way = "remove" if value is ABSENT else "add"
        return [(*update, f"--{way}-{option}", register[1])]
    if register[0] == "meta" and value is ABSENT:
        return [(*update, "--unset", register[1])]
    if register[0] == "meta" and isinstance(value, str) and "=" not in register[1]:
        return [(*update, "--metadata", f"{register[1]}={value}")]
    return []


def _moves(task: Task, wanted: State) -> list[Command]:
    moves, owner = _transitions(task, wanted)
    if owner != wanted.owner and wanted.status is not Status.DELETED:
        moves.append(("gittasks", "update", task.id, "--owner", wanted.owner or ""))
    held = task.status is Status.IN_PROGRESS and (task.session or task.claim)
    return [(*move, "--force") for move in moves] if held else moves


def _transitions(task: Task, wanted: State) -> tuple[list[Command], str | None]:
    """The commands that lead to the status, and whose the task is after them."""
    moves: list[Command] = []
    here, owner = task.status, task.owner
    if here is wanted.status:
        return moves, owner
    if here is Status.DELETED:
        moves.append(("gittasks", "restore", task.id))
        here = Status.PENDING
        if task.finished:
            here = Status.COMPLETED if task.started else Status.SKIPPED
    if here.closed and wanted.status is not Status.DELETED and here is not wanted.status:
        moves.append(("gittasks", "reopen", task.id))
        here = Status.PENDING
    if here is wanted.status:
        return moves, owner
    if wanted.status is Status.PENDING:
        return [*moves, ("gittasks", "release", task.id)], ""  # whose, depends on who runs it
    verb: Command = ("gittasks", _VERBS[wanted.status], task.id)
    starts = wanted.status is Status.IN_PROGRESS
    if wanted.owner and starts and owner not in (None, wanted.owner):
        moves.append(("gittasks", "update", task.id, "--owner", wanted.owner))
        owner = wanted.owner
    if wanted.owner and (starts or (wanted.status is Status.COMPLETED and not owner)):
        verb, owner = (*verb, "--owner", wanted.owner), wanted.owner
    elif wanted.status is not Status.SKIPPED and not owner:
        owner = ""  # whoever runs the command
    closes = wanted.status in (Status.COMPLETED, Status.SKIPPED)
    if moves and closes and task.result:  # opening it again would clear that
        verb = (*verb, "--result", task.result)
    return [*moves, verb], owner
