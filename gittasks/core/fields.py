"""The table of task fields: the names, the kind, the merging and the uses of each.

All that handles fields one by one derives from it: registers and merging, differences, task files
and their readers, operations, batches, plans, imports, JSON, CSV, labels, options. A field is a
line here and a line in `model.Task`; a test fails where one of the two is missing.
"""

from __future__ import annotations

from gittasks.core.model import Task
from gittasks.light import TYPE_CHECKING, NamedTuple, StrEnum

if TYPE_CHECKING:
    from typing import Any, Literal

    Merge = Literal["later", "earliest", "add-wins", "status-order"]
    """How concurrent writes are settled, by the name of the rule in `picks`.

    `add-wins` is for lists, whose members merge apart, as do the keys of a map; `status-order`
    joins all its fields to one register.
    """


class Kind(StrEnum):
    """Kind of a field's value: how it is checked, written, read and shown."""

    LINE = "text of one line"
    TEXT = "text of any length"
    TIME = "RFC 3339, UTC"
    STATUS = "a word of Status"
    COUNT = "a whole number from 0 to `most`"
    NUMBER = "a place in an order"
    IDS = "ids of tasks"
    WORDS = "words without a comma"
    PATHS = "globs from the root of the code tree"
    COMMITS = "commits of the code"
    NOTES = "notes"
    MAP = "JSON values by key"


class Uses(NamedTuple):
    """Places in which a field may be given.

    `given`: by create, update and a batch; `own`: there and in plans by a rule of its own, not by
    its kind alone. `clearable`: it can be taken away again. `planned`: a plan may state it.
    `brought`: an import sets it on a task that is there already.
    """

    given: bool = False
    own: bool = False
    clearable: bool = False
    planned: bool = False
    brought: bool = False


_NEVER = Uses()
_OWN = Uses(given=True, own=True, planned=True)
_OWN_CLEARED = _OWN._replace(clearable=True)
_PLAIN = Uses(given=True, clearable=True, planned=True, brought=True)


class Field(NamedTuple):
    """One field of a task.

    `name` is its name in files and in JSON; `label` that in the details of a task, where one
    without a label is shown in another way. `register` is the kind of its registers, by default
    the name. `option` is that of `create` and `update`, for a list `--add-…` and `--remove-…`,
    and `hint` its help.
    """

    name: str
    attr: str
    kind: Kind
    merge: Merge = "later"
    uses: Uses = _NEVER
    label: str = ""
    option: str = ""
    hint: str = ""
    register: str = ""
    most: int = 0

    @property
    def default(self) -> Any:
        """The value that a task has when its file has none."""
        return Task._field_defaults.get(self.attr)

    @property
    def registers(self) -> str:
        """The first part of the names of its registers."""
        return self.register or self.name

    def members(self, way: str) -> str:
        """The name by which members of a list are added or removed: `addBlockedBy`."""
        return f"{way}{self.name[0].upper()}{self.name[1:]}"


MOST_CLAIM = 10**15
FIELDS: tuple[Field, ...] = (
    Field("subject", "subject", Kind.LINE, uses=_OWN._replace(brought=True), option="--subject"),
    Field(
        "activeForm",
        "active_form",
        Kind.LINE,
        uses=_PLAIN._replace(own=True),
        label="active form",
        option="--active-form",
    ),
    Field(
        "description",
        "description",
        Kind.TEXT,
        uses=_PLAIN._replace(own=True),
        option="--description",
    ),
    Field("status", "status", Kind.STATUS, "status-order", _OWN, "status", "--status"),
    Field("owner", "owner", Kind.LINE, "status-order", _OWN_CLEARED, "owner", "--owner"),
    Field("session", "session", Kind.LINE, "status-order", label="session"),
    Field("claim", "claim", Kind.COUNT, "status-order", label="claim", most=MOST_CLAIM),
    Field("left", "left", Kind.TIME, "status-order", label="left"),
    Field("started", "started", Kind.TIME, "status-order", label="started"),
    Field("finished", "finished", Kind.TIME, "status-order", label="finished"),
    Field("result", "result", Kind.LINE, uses=_OWN_CLEARED, label="result", option="--result"),
    Field("phase", "phase", Kind.LINE, uses=_OWN_CLEARED, label="phase", option="--phase"),
    Field(
        "order",
        "order",
        Kind.NUMBER,
        uses=Uses(given=True, own=True),
        label="order",
        option="--order",
    ),
    Field(
        "priority",
        "priority",
        Kind.COUNT,
        uses=_PLAIN,
        label="priority",
        option="--priority",
        hint="0 first to 4 last; 2 unless given.",
        most=4,
    ),
    Field(
        "tags",
        "tags",
        Kind.WORDS,
        "add-wins",
        _PLAIN,
        "tags",
        "--tag",
        "A word to find it by. Repeatable.",
        "tag",
    ),
    Field(
        "notBefore",
        "not_before",
        Kind.TIME,
        uses=_PLAIN,
        label="not before",
        option="--not-before",
        hint="Not ready until then: 2026-12-01, tomorrow, 2h.",
    ),
    Field(
        "paths",
        "paths",
        Kind.PATHS,
        "add-wins",
        _PLAIN,
        "paths",
        "--path",
        "What it will touch: src/**/*.py. Repeatable.",
        "path",
    ),
    Field(
        "blockedBy",
        "blocked_by",
        Kind.IDS,
        "add-wins",
        _OWN,
        option="--blocked-by",
        register="dep",
    ),
    Field("commits", "commits", Kind.COMMITS, "add-wins", register="commit"),
    Field("notes", "notes", Kind.NOTES, "add-wins", register="note"),
    Field("metadata", "metadata", Kind.MAP, uses=_OWN, option="--metadata", register="meta"),
    Field("created", "created", Kind.TIME, "earliest", label="created"),
    Field("createdBy", "created_by", Kind.LINE, "earliest"),
)
"""In the order in which changes are told."""
BY_NAME = {field.name: field for field in FIELDS}
COMPOSITE = tuple(f for f in FIELDS if f.merge == "status-order")
"""Those that are one register together."""
LISTS = tuple(f for f in FIELDS if f.merge == "add-wins")
"""Those whose members merge apart: what one adds and another removes stays."""
SINGLE = tuple(f for f in FIELDS if f.merge in ("later", "earliest") and f.kind is not Kind.MAP)
"""Those of one value that are a register alone."""
SIMPLE = tuple(f for f in FIELDS if f.uses.given and not f.uses.own)
"""Those that are set and cleared by their kind alone."""
CLEARABLE = {field.name: field for field in FIELDS if field.uses.clearable}
"""Those that `clear` of an update, a batch or a plan may name."""


def arranged(names: str) -> tuple[Field, ...]:
    """All fields, in the order of `names` (parted by spaces).

    One that is not among them stands behind the field that it follows in the table.
    """
    fields = [BY_NAME[name] for name in names.split()]
    for place, field in enumerate(FIELDS):
        if field not in fields:
            fields.insert(fields.index(FIELDS[place - 1]) + 1, field)
    return tuple(fields)
