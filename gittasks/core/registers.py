"""A task taken apart into registers: the units that are merged and undone one by one.

`state` is one register, so that no merge can pair one writer's status with another's owner.
Each dependency, metadata key, note, linked commit and unknown key is a register of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from gittasks.core.model import FORMAT, RULES, CodeCommit, ListInfo, Note, Status, Task

Register = tuple[Any, ...]
"""Kind, then for the kinds with many members the member: `("dep", "t-1")`, `("meta", "k")`.

An unknown key that holds a map has a register for each key of it: `("extra", "k", "sub")`.
"""

ABSENT: Final = object()
"""What to pass as default when looking up a register: None can be a value of `meta` or `extra`."""


class State(NamedTuple):
    """The composite register `("state",)`."""

    status: Status = Status.PENDING
    owner: str | None = None
    session: str | None = None
    claim: int = 0
    started: str | None = None
    finished: str | None = None
    left: str | None = None


STATE: Final[Register] = ("state",)
PLAIN: Final[dict[Register, str]] = {
    ("subject",): "subject",
    ("activeForm",): "active_form",
    ("description",): "description",
    ("result",): "result",
    ("phase",): "phase",
    ("order",): "order",
    ("created",): "created",
    ("createdBy",): "created_by",
}
"""Registers with one value (None: absent in the file), and the attributes of Task they are."""


def registers(task: Task) -> dict[Register, object]:
    """All registers of a task. The order of the keys keeps the order of members within a kind."""
    regs: dict[Register, object] = {
        STATE: State(
            task.status,
            task.owner,
            task.session,
            task.claim,
            task.started,
            task.finished,
            task.left,
        )
    }
    for register, attribute in PLAIN.items():
        regs[register] = getattr(task, attribute)
    for blocker in task.blocked_by:
        regs["dep", blocker] = True
    for commit in task.commits:
        regs["commit", commit.sha] = commit.subject
    for note in task.notes:
        regs["note", note] = True
    for key, value in task.metadata.items():
        regs["meta", key] = value
    _take_apart(regs, task.extra)
    return regs


def from_registers(task_id: str, regs: Mapping[Register, Any]) -> Task:
    """The task that has these registers.

    The inverse of `registers`, for every task that names no dependency, commit or note twice.
    """
    members: dict[str, dict[Any, Any]] = {kind: {} for kind in ("dep", "commit", "note", "meta")}
    for register, value in regs.items():
        if register[0] in members:
            members[register[0]][register[1]] = value
    plain: dict[str, Any] = {name: regs.get(register) for register, name in PLAIN.items()}
    plain["subject"] = plain["subject"] or ""
    state: State = regs.get(STATE, State())
    return Task(
        id=task_id,
        **plain,
        **state._asdict(),
        blocked_by=tuple(members["dep"]),
        commits=tuple(CodeCommit(sha, subject) for sha, subject in members["commit"].items()),
        notes=tuple(Note(*note) for note in members["note"]),
        metadata=members["meta"],
        extra=_put_together(regs),
    )


def list_registers(info: ListInfo) -> dict[Register, object]:
    """All registers of the list itself; its id is a name and cannot change."""
    regs: dict[Register, object] = {
        ("title",): info.title,
        ("format",): info.format,
        ("rules",): info.rules,
    }
    for key, value in info.settings.items():
        regs["setting", key] = value
    _take_apart(regs, info.extra)
    return regs


def from_list_registers(list_id: str, regs: Mapping[Register, Any]) -> ListInfo:
    """The list that has these registers; the inverse of `list_registers`."""
    return ListInfo(
        id=list_id,
        title=regs.get(("title",)),
        format=regs.get(("format",), FORMAT),
        rules=regs.get(("rules",), RULES),
        settings={r[1]: value for r, value in regs.items() if r[0] == "setting"},
        extra=_put_together(regs),
    )


def _take_apart(regs: dict[Register, object], extra: Mapping[str, Any]) -> None:
    for key, value in extra.items():
        if isinstance(value, Mapping) and value:
            for sub, part in value.items():
                regs["extra", key, sub] = part
        else:
            regs["extra", key] = value


def _put_together(regs: Mapping[Register, Any]) -> dict[str, Any]:
    """Unknown keys. Where a merge left one both as a value and as a map, the map is shown."""
    extra: dict[str, Any] = {r[1]: v for r, v in regs.items() if r[0] == "extra" and len(r) == 2}
    maps: dict[str, dict[str, Any]] = {}
    for register, value in regs.items():
        if register[0] == "extra" and len(register) == 3:
            maps.setdefault(register[1], {})[register[2]] = value
    return {**extra, **maps}


def field_of(register: Register) -> str:
    """The name of the field, as in the file, that a register belongs to."""
    if register[0] == "extra":
        return str(register[1])
    names = {
        "dep": "blockedBy",
        "commit": "commits",
        "note": "notes",
        "meta": "metadata",
        "setting": "settings",
    }
    return names.get(register[0], "status" if register == STATE else str(register[0]))
