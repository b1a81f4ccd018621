"""Which of several concurrent writes is shown, and which are conflicts: the rules of each field.

Everything here looks at the maximal writers of one file: the writes that no later commit has
overwritten. With one of them there is nothing to decide. docs/merging.md has the rules as a
table; the numbers of `RULES` in the model must change with any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from gittasks.core.changes import same
from gittasks.core.fields import FIELDS, Merge
from gittasks.core.model import Status
from gittasks.core.registers import ABSENT, STATE, Register, State

Order = tuple[int, int]
"""When a commit was made, as far as its history can tell: see `merge.next_order`."""

EXISTS: Final[Register] = ("exists",)
"""Whether the file is there: True or ABSENT. Whoever writes any register of a file writes this."""
BYTES: Final[Register] = ("bytes",)
"""The bytes of the file, by the name of their blob."""
ANEW: Final[Register] = ("anew",)
"""Written by who makes a file where none was: all that an older one said is void."""
OF_THE_FILE: Final = frozenset({EXISTS, BYTES, ANEW})
"""The registers that are about a file, not in it."""
_CREATED: Final[Register] = ("created",)
_CREATED_BY: Final[Register] = ("createdBy",)
_RESULT: Final[Register] = ("result",)
_SILENT: Final = frozenset({BYTES, _CREATED, _CREATED_BY})
"""Registers about which nobody has to be told: both writers meant the same task."""
_STANDING: Final = {
    Status.DELETED: 5,
    Status.COMPLETED: 4,
    Status.SKIPPED: 3,
    Status.IN_PROGRESS: 2,
    Status.PENDING: 1,
}


class Write(NamedTuple):
    """One commit's write of one register; `value` is ABSENT when it was removed.

    `beside` is what the same commit wrote to the register that this one has to fit (`FITS`), None
    if it did not. It is kept here so that the choice among these writers never changes, whatever
    happens to the other register later.
    """

    order: Order
    commit: str
    value: Any
    beside: Any = None

    @property
    def place(self) -> tuple[Order, str]:
        """Place in the total order of writers, which extends that of ancestry."""
        return self.order, self.commit


Writers = tuple[Write, ...]
"""The maximal writers of one register, in their total order; never empty."""


class RuleName(StrEnum):
    """The rules as `gittasks conflicts` names them."""

    LATER = "later"
    STATUS_ORDER = "status-order"
    WITH_STATUS = "with-status"
    ADD_WINS = "add-wins"
    PRESENT_WINS = "present-wins"
    EARLIEST = "earliest"
    GREATEST = "greatest"


class Rule(NamedTuple):
    """A way to choose among writers."""

    name: RuleName
    choose: Callable[[Writers], Write]


class ConflictKind(StrEnum):
    """A field; a file that one removed and another changed; a task that two made under one id."""

    FIELD = "field"
    DELETE_UPDATE = "delete-update"
    ADD_ADD = "add-add"


class Conflict(NamedTuple):
    """A register that was written concurrently with different values."""

    path: str
    register: Register
    kind: ConflictKind
    rule: RuleName
    winner: Write
    losers: Writers


def _later(writers: Writers) -> Write:
    return writers[-1]


def _present(writers: Writers) -> Write:
    return next((w for w in reversed(writers) if w.value is not ABSENT), writers[-1])


def _earliest(writers: Writers) -> Write:
    said = [w for w in writers if w.value not in (ABSENT, None)]
    return min(said, key=lambda w: (str(w.value), w.place)) if said else writers[0]


def _greatest(writers: Writers) -> Write:
    return max(writers, key=lambda w: (w.value if isinstance(w.value, int) else 0, w.place))


def _state(writers: Writers) -> Write:
    """Deleted before all; then the higher claim, which a remote granted, whatever the status: no
    finish counts under an old claim. Of equal claims what is done is done; of two at work the
    first whose session goes on counts, and of two that are done, the first."""

    def weight(write: Write) -> tuple[Any, ...]:
        state = write.value if isinstance(write.value, State) else State()
        gone = state.status is not Status.DELETED
        standing = (gone, -state.claim if gone else 0, -_STANDING[state.status])
        if state.status is Status.IN_PROGRESS:
            ended = state.left is not None
            return *standing, ended, state.started or "", state.session or "", write.place
        if state.status in (Status.COMPLETED, Status.SKIPPED):
            return *standing, state.finished or "", write.place
        return standing

    first = min(weight(w) for w in writers)
    # The later one of those that are open or deleted alike: the last word counts there.
    return max((w for w in writers if weight(w) == first), key=lambda w: w.place)


def _kinds(merge: Merge) -> list[str]:
    """The kinds of the registers of all fields that merge so."""
    return [field.registers for field in FIELDS if field.merge == merge]


_LATER = Rule(RuleName.LATER, _later)
_RULES: Final[Mapping[str, Rule]] = {
    "exists": Rule(RuleName.PRESENT_WINS, _present),
    "state": Rule(RuleName.STATUS_ORDER, _state),
    **dict.fromkeys(_kinds("add-wins"), Rule(RuleName.ADD_WINS, _present)),
    **dict.fromkeys(_kinds("earliest"), Rule(RuleName.EARLIEST, _earliest)),
    "format": Rule(RuleName.GREATEST, _greatest),
    "rules": Rule(RuleName.GREATEST, _greatest),
}
"""By the kind of the register; all others go by `later`."""
FITS: Final = {_RESULT: STATE, _CREATED_BY: _CREATED}
"""Registers whose value has to fit that of another: a result its status, a maker the time."""


def rule_of(register: Register) -> Rule:
    """The rule among concurrent writers of a register."""
    return _RULES.get(register[0], _LATER)


def winner(register: Register, writers: Writers) -> Write:
    """The write of `register` that is shown, given its maximal writers."""
    if len(writers) == 1:
        return writers[0]
    if register in FITS:
        leaders = tuple(w._replace(value=w.beside) for w in writers if w.beside is not None)
        if leaders:
            chosen = rule_of(FITS[register]).choose(leaders).commit
            return next(w for w in writers if w.commit == chosen)
    return rule_of(register).choose(writers)


def overwritten(
    writers: Mapping[Register, Writers], writes: Mapping[Register, Any], order: Order, commit: str
) -> Mapping[Register, Writers]:
    """The maximal writers of a file after one more commit, given those before it."""
    made = {
        register: (Write(order, commit, value, writes.get(FITS.get(register, ()))),)
        for register, value in writes.items()
    }
    return made if ANEW in writes else {**writers, **made}


def pieced(register: Register, value: Any, sides: Sequence[Mapping[Register, Any]]) -> bool:
    """Whether a merge can have taken a value from its sides, all that they hold of the file; a
    state, part by part (a text merge goes by lines)."""
    if register != EXISTS:
        sides = [side for side in sides if side] or [{}]  # one without the file has no say
    if any(same(value, side.get(register, ABSENT)) for side in sides):
        return True
    if register != STATE or value is ABSENT:
        return False
    states = [s for side in sides if isinstance(s := side.get(STATE, State()), State)]
    return all(any(same(part, state[i]) for state in states) for i, part in enumerate(value))


def conflicts(path: str, written: Mapping[Register, Writers]) -> list[Conflict]:
    """Registers of a file with maximal writers that disagree, in their order."""
    found = []
    for register, writers in written.items():
        if len(writers) == 1 or register in _SILENT:
            continue
        won = winner(register, writers)
        losers = tuple(w for w in writers if not agree(register, w.value, won.value))
        if losers:
            kind = _kind(register, (won, *losers), written)
            fitted = won.beside is not None
            name = RuleName.WITH_STATUS if fitted else rule_of(register).name
            found.append(Conflict(path, register, kind, name, won, losers))
    return found


def agree(register: Register, one: Any, other: Any) -> bool:
    """Whether two values say the same; of a finished task that is who finished it and how, not
    to the second when."""
    if register == STATE:
        one, other = (v if isinstance(v, State) else State() for v in (one, other))
        if one.status is other.status and one.status.closed:
            return bool(one.owner == other.owner)
    return same(one, other)


def _kind(
    register: Register, writers: Writers, written: Mapping[Register, Writers]
) -> ConflictKind:
    if register == EXISTS:
        return ConflictKind.DELETE_UPDATE
    makers = {w.commit for w in written.get(_CREATED, ())}
    alike = {w.commit for w in writers} <= makers
    return ConflictKind.ADD_ADD if alike else ConflictKind.FIELD
