"""A task taken apart into registers: the units that are merged and undone one by one.

`state` is one register, so that no merge can pair one writer's status with another's owner.
Each member of a list or map and each unknown key is a register of its own (`fields`).
"""

from __future__ import annotations

from gittasks.core.fields import FIELDS, LISTS, SINGLE, Field, Kind
from gittasks.core.model import FORMAT, RULES, CodeCommit, ListInfo, Note, Status, Task
from gittasks.light import TYPE_CHECKING, Any, Mapping, NamedTuple

if TYPE_CHECKING:
    from typing import Final

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
_SINGLE: Final = tuple(((f.name,), f.attr, f.default) for f in SINGLE)
_MAPS: Final = tuple((f.registers, f.attr) for f in FIELDS if f.kind is Kind.MAP)
_NAMES: Final = {f.registers: f.name for f in FIELDS}
HOLD_NULL: Final = frozenset({"extra", "setting", "commit", *(kind for kind, _ in _MAPS)})
"""Kinds of registers that can hold null; of the others None means that the field is absent."""


def register_of(field: Field, item: Any) -> Register:
    """The register of a member of a list."""
    return field.registers, item.sha if field.kind is Kind.COMMITS else item


def registers(task: Task) -> dict[Register, object]:
    """All registers of a task; None for a field that is as it is by default.

    The order of the keys keeps the order of members within a kind.
    """
    regs: dict[Register, object] = {STATE: State(*[getattr(task, name) for name in State._fields])}
    for register, attribute, default in _SINGLE:
        value = getattr(task, attribute)
        regs[register] = None if value == default else value
    for field in LISTS:
        for item in getattr(task, field.attr):
            value = item.subject if field.kind is Kind.COMMITS else True
            regs[register_of(field, item)] = value
    for kind, attribute in _MAPS:
        for key, value in getattr(task, attribute).items():
            regs[kind, key] = value
    _take_apart(regs, task.extra)
    return regs


def from_registers(task_id: str, regs: Mapping[Register, Any]) -> Task:
    """The task that has these registers.

    The inverse of `registers`, for every task that names no member of a list twice.
    """
    members: dict[str, dict[Any, Any]] = {}
    for register, value in regs.items():
        if len(register) > 1:
            members.setdefault(register[0], {})[register[1]] = value
    fields: dict[str, Any] = regs.get(STATE, State())._asdict()
    for register, attribute, default in _SINGLE:
        value = regs.get(register)
        fields[attribute] = default if value is None else value
    for field in LISTS:
        items = members.get(field.registers, {}).items()
        fields[field.attr] = tuple(_item(field.kind, *pair) for pair in items)
    for kind, attribute in _MAPS:
        fields[attribute] = members.get(kind, {})
    fields["subject"] = fields["subject"] or ""
    return Task(id=task_id, **fields, extra=_put_together(regs))


def _item(holds: Kind, member: Any, value: Any) -> Any:
    """A member of a list, from the name and the value of its register."""
    if holds is Kind.COMMITS:
        return CodeCommit(member, value)
    return Note(*member) if holds is Kind.NOTES else member


def list_registers(info: ListInfo) -> dict[Register, object]:
    """All registers of the list itself; its id is a name and cannot change."""
    regs: dict[Register, object] = {
        ("title",): info.title,
        ("archived",): info.archived,
        ("dropped",): info.dropped,
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
        archived=regs.get(("archived",)),
        dropped=regs.get(("dropped",)),
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
    if register[0] == "setting":
        return "settings"
    return "status" if register == STATE else _NAMES.get(register[0], str(register[0]))
