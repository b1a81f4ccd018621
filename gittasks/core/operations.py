"""Operations: intents to change a list, as values, and references between those of a batch.

An intent is applied to whatever the list is at that moment (`apply.apply`), and again to the
newer list when a race was lost, so it holds no copy of the task. Ids are exact, unless the
Context says that a person typed them.
NamedTuple, not dataclass: these classes are made at every start of the program.

An id that is made while operations are applied cannot be known to those that follow; no task id
begins with `$`, so the two cannot be mistaken for each other.
"""

from __future__ import annotations

from gittasks.core.model import Actor, CodeCommit, ListState, Status, Value
from gittasks.errors import NotFound
from gittasks.light import TYPE_CHECKING, MappingProxyType, NamedTuple, StrEnum

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any

_NOTHING: Mapping[str, Value] = MappingProxyType({})


MOST_ITERATIONS = 1000
"""Tasks of the longest loop."""


class Verb(StrEnum):
    """A transition by its name on the command line."""

    START = "start"
    DONE = "done"
    SKIP = "skip"
    REOPEN = "reopen"
    RELEASE = "release"
    DELETE = "delete"
    RESTORE = "restore"


class Create(NamedTuple):
    """Make a task, or with `iterations` a loop of so many tasks, each blocked by the one before.

    With an `id` that exists and the same subject nothing happens. The place is `order`, or right
    behind the task `after`; by default that which `Places` finds.
    `fields` are values of the SIMPLE fields of the table, by attribute.
    """

    subject: str
    id: str | None = None
    description: str | None = None
    active_form: str | None = None
    status: Status = Status.PENDING
    owner: str | None = None
    blocked_by: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    phase: str | None = None
    order: int | float | None = None
    metadata: Mapping[str, Value] = _NOTHING
    result: str | None = None
    iterations: int | None = None
    after: str | None = None
    fields: Mapping[str, Any] = _NOTHING

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Create:
        """The operation that sets these values, by attribute."""
        return cls(**_parted(values, cls._fields))


class Update(NamedTuple):
    """Change fields of a task: None keeps, "" clears (a subject cannot be cleared).

    `status` goes through the same rules as the transitions. `clear` names fields to empty, as
    files have them; `unset` names metadata keys to drop, as does a value of None for a key.
    `fields` are values of SIMPLE fields, by attribute; of those that are lists `added` and
    `removed` are members.
    """

    id: str
    subject: str | None = None
    description: str | None = None
    active_form: str | None = None
    status: Status | None = None
    owner: str | None = None
    result: str | None = None
    order: int | float | None = None
    after: str | None = None
    phase: str | None = None
    add_blocked_by: tuple[str, ...] = ()
    remove_blocked_by: tuple[str, ...] = ()
    add_blocks: tuple[str, ...] = ()
    remove_blocks: tuple[str, ...] = ()
    metadata: Mapping[str, Value] = _NOTHING
    unset: tuple[str, ...] = ()
    clear: tuple[str, ...] = ()
    fields: Mapping[str, Any] = _NOTHING
    added: Mapping[str, tuple[str, ...]] = _NOTHING  # type: ignore[assignment]
    removed: Mapping[str, tuple[str, ...]] = _NOTHING  # type: ignore[assignment]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Update:
        """The operation for these values, by attribute; `add_…` and `remove_…` for a list."""
        parted = _parted(values, cls._fields)
        rest = parted.pop("fields")
        for name, into in (("add_", "added"), ("remove_", "removed")):
            parted[into] = {k.removeprefix(name): v for k, v in rest.items() if k.startswith(name)}
        names = ("add_", "remove_")
        fields = {k: v for k, v in rest.items() if not k.startswith(names)}
        return cls(**parted, fields=fields)


def _parted(values: Mapping[str, Any], named: Collection[str]) -> dict[str, Any]:
    """Values by the names of an operation; those that have none there are its `fields`."""
    parted = {name: value for name, value in values.items() if name in named}
    parted["fields"] = {name: value for name, value in values.items() if name not in named}
    return parted


class Transition(NamedTuple):
    """Move a task to another state.

    `result` counts for done and skip, `owner` (who acts) for start and done, `end_loop` for done:
    it skips the iterations of the same loop that are still pending. `resume` counts for start: it
    goes on with what another session of the same owner began.
    """

    verb: Verb
    id: str
    result: str | None = None
    owner: str | None = None
    end_loop: bool = False
    resume: bool = False


class SessionEnd(NamedTuple):
    """The session of who acts ended: what it holds is left. With `goes_on` it goes on after all."""

    goes_on: bool = False


class AddNote(NamedTuple):
    """Append a note to a task; anybody may, at any time."""

    id: str
    text: str


class LinkCommit(NamedTuple):
    """Say that a commit of the code belongs to a task; anybody may, at any time."""

    id: str
    commit: CodeCommit


class RelinkCommits(NamedTuple):
    """Commits of the code that were rewritten: what they are now, by what they were."""

    renamed: Mapping[str, CodeCommit]


class StartNext(NamedTuple):
    """Start the first ready task of `owner` (else of the actor); nothing ready is no error."""

    owner: str | None = None


Holder = tuple[str | None, str | None, int]
"""Who has a task in progress: owner, session, and the number of the claim."""


class Claim(NamedTuple):
    """Take a task for one owner and session alone; without an `id` the first that is ready.

    `stale` are holders, by task, who have not been heard of for a whole lease: with `take_over` a
    task may be taken from just them, and from others only with `force`. `granted` are the holders
    that the remote knows; None when there is no remote to ask. A `tentative` claim, made while the
    remote cannot be asked, leaves the number as it is, so that any that was granted beats it.
    `resume` goes on with what another session of the same owner has. `anew`: who has a task in
    progress already is refused another look at it, since that may be somebody else. `disjoint`
    prefers tasks whose paths are apart from those of what others have in progress.
    """

    id: str | None = None
    owner: str | None = None
    take_over: bool = False
    stale: Mapping[str, Holder] = _NOTHING  # type: ignore[assignment]
    granted: Mapping[str, Holder] | None = None
    tentative: bool = False
    resume: bool = False
    anew: bool = False
    disjoint: bool = False


class Retitle(NamedTuple):
    """Set the title of the list; "" clears it."""

    title: str


class MarkList(NamedTuple):
    """Archive or drop the list, or open it again; `anew`: as of now, whatever it was before."""

    state: ListState
    anew: bool = False


Operation = (
    Create
    | Update
    | Transition
    | AddNote
    | SessionEnd
    | LinkCommit
    | RelinkCommits
    | StartNext
    | Claim
    | Retitle
    | MarkList
)


class Context(NamedTuple):
    """The circumstances of an operation: all that it depends on besides the list.

    `now` is RFC 3339 text as in the model. `entropy` is a random number of at least 20 bits:
    equal contexts make equal ids. `parallel` lifts the rule of one task in progress for an owner
    and session; `force` overrides the rules `blocked`, `held` and `one-in-progress`. `on_behalf`
    are tasks in progress of other owners that the actor, in this session, began itself.
    `cut_ids`: ids were typed on a command line, where they may be cut at a hyphen.
    """

    now: str
    actor: Actor
    entropy: int
    parallel: bool = False
    force: bool = False
    on_behalf: frozenset[str] = frozenset()
    cut_ids: bool = False


MARK = "$"
_WAITING_FOR = ("blocked_by", "add_blocked_by", "remove_blocked_by")
_EDGES = (*_WAITING_FOR, "blocks", "add_blocks", "remove_blocks")


def resolved(operation: Operation, focus: Sequence[str], ends: Mapping[str, str]) -> Operation:
    """The operation with every `$N` replaced by an id.

    `focus` are the tasks that the operations before it were about. To wait for a loop means to
    wait for its last iteration; `ends` has that by the first. Raises NotFound.
    """
    changes: dict[str, Any] = {}
    for name, value in operation._asdict().items():
        is_id = name == "after" or (name == "id" and not isinstance(operation, Create))
        if is_id and isinstance(value, str):
            if value.startswith(MARK):
                changes[name] = _task(value, focus)
        elif name in _EDGES and any(reference.startswith(MARK) for reference in value):
            later = ends if name in _WAITING_FOR else {}
            pairs = [(r, _task(r, focus) if r.startswith(MARK) else r) for r in value]
            changes[name] = tuple(later.get(i, i) if i != r else r for r, i in pairs)
    return operation._replace(**changes) if changes else operation


def _task(reference: str, focus: Sequence[str]) -> str:
    digits = reference.removeprefix(MARK)
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0
    if not 0 < number <= len(focus) or not focus[number - 1]:
        raise NotFound(
            f'"{reference}" names no operation before this one',
            hint="write $1 for the task of the first; in a shell, quote it",
        )
    return focus[number - 1]
