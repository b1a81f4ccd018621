"""Rules of the merge, field by field: the value shown, the conflicts, the commands to swap them.

Everything here looks at the maximal writers of one file: the writes that no later commit has
overwritten. With one of them there is nothing to decide. docs/merging.md has the rules as a
table; the numbers of `RULES` in the model must change with any of them.
"""

from __future__ import annotations

from gittasks.core.changes import strictly_equal
from gittasks.core.fields import FIELDS, LISTS, SINGLE, Field
from gittasks.core.merge.registers import ABSENT, STATE, Register, State, registers
from gittasks.core.model import LOOP_ENDED, Status, Task
from gittasks.light import TYPE_CHECKING, NamedTuple, StrEnum

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Final

    from gittasks.core.fields import Merge

CommitOrder = tuple[int, int]
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
RESULT: Final[Register] = ("result",)
_SILENT: Final = frozenset({BYTES, _CREATED, _CREATED_BY})
"""Registers about which nobody has to be told: both writers meant the same task."""
STATUS_PRECEDENCE: Final = {
    Status.DELETED: 5,
    Status.COMPLETED: 4,
    Status.SKIPPED: 3,
    Status.IN_PROGRESS: 2,
    Status.PENDING: 1,
}


class Write(NamedTuple):
    """One commit's write of one register; `value` is ABSENT when it was removed.

    `beside` ties it to another register (`_beside`), and is kept here so that the choice among
    these writers never changes, whatever happens to the other register later. `restated`: the
    commit says again what stood (`settled`), and counts only where nothing else does.
    """

    order: CommitOrder
    commit: str
    value: Any
    beside: Any = None
    restated: bool = False

    @property
    def place(self) -> tuple[CommitOrder, str]:
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
    stating = [w for w in writers if w.value not in (ABSENT, None)]
    return min(stating, key=lambda w: (str(w.value), w.place)) if stating else writers[0]


def _greatest(writers: Writers) -> Write:
    return max(writers, key=lambda w: (w.value if isinstance(w.value, int) else 0, w.place))


def _state(writers: Writers) -> Write:
    """Deleted; then work that is held or finished, under the higher claim, which a remote granted;
    then pending, whatever claim was given back; last what only the end of its loop skipped.

    Of equal claims what is done is done; of two at work the first whose session goes on counts,
    and of two that are done, the first. The weights are a total order up to the commit id, so the
    choice is the same in whatever order writers meet.
    """

    def weight(write: Write) -> tuple[Any, ...]:
        state = write.value if isinstance(write.value, State) else State()
        if state.status is Status.DELETED:
            return (0,)
        implied = state.status is Status.SKIPPED and write.beside == LOOP_ENDED
        rank = 3 if implied else 2 if state.status is Status.PENDING else 1
        standing = (rank, -state.claim, -STATUS_PRECEDENCE[state.status])
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


def rule_of(register: Register) -> Rule:
    """The rule among concurrent writers of a register."""
    return _RULES.get(register[0], _LATER)


def winner(register: Register, writers: Writers, states: Writers = ()) -> Write:
    """The write of `register` that is shown, given its maximal writers.

    A result is shown only under the status that it was written with: `states` are the maximal
    writers of that.
    """
    if len(writers) == 1 and register != RESULT:
        return writers[0]
    if register == RESULT and states:
        writers = _of_status(writers, winner(STATE, states), states)
    elif register == _CREATED_BY:
        leaders = tuple(w._replace(value=w.beside) for w in writers if w.beside is not None)
        if leaders:
            chosen = rule_of(_CREATED).choose(leaders).commit
            return next(w for w in writers if w.commit == chosen)
    genuine = tuple(w for w in writers if not w.restated) or writers
    return rule_of(register).choose(genuine)


def gist_of_state(state: State) -> tuple[Status, str | None, int]:
    """The part on which clones agree that did the same apart: sessions and times are their own."""
    return state.status, state.owner, state.claim


def _of_status(results: Writers, shown: Write, states: Writers) -> Writers:
    """The results that were written with the status that is shown; else with another write that
    says the same, as where two clones did the same apart; else with none that lost."""
    losing = {w.commit for w in states}
    same = {w.commit for w in states if _say_the_same(w.value, shown.value)}
    for ties in ({shown.commit}, same, {w.beside for w in results} - losing):
        if fitting := tuple(w for w in results if w.beside in ties):
            return fitting
    return results


def _say_the_same(value: Any, other: Any) -> bool:
    states = (v if isinstance(v, State) else State() for v in (value, other))
    return len({gist_of_state(state) for state in states}) == 1


def overwritten(
    writers: Mapping[Register, Writers],
    writes: Mapping[Register, Any],
    order: CommitOrder,
    commit: str,
) -> Mapping[Register, Writers]:
    """The maximal writers of a file after one more commit, given those before it.

    Of one that writes a state, `writes` has the result too (`MergedState`): the two go together.
    """
    latest = {
        register: (Write(order, commit, value, _beside(register, writers, writes, commit)),)
        for register, value in writes.items()
    }
    return latest if ANEW in writes else {**writers, **latest}


def settled(
    writers: Mapping[Register, Writers],
    register: Register,
    value: Any,
    order: CommitOrder,
    commit: str,
) -> Writers:
    """The maximal writers of a register after a commit that keeps what stands, `value`.

        a: completed ---- k: keep                 {a, k}: b is out
      /                /
    o - b: pending ---+-- p: reopened             {p}: p had seen a, so {a, k} + {p} = {p}

    The write that won stays the writer, and those that lost are out: who had seen the conflict
    and wrote the register otherwise has overwritten that write, and is not beaten by its echo.
    The echo counts where nothing else is left, so that no register is ever without a writer.
    """
    echo = Write(order, commit, value, _beside(register, writers, {}, commit), restated=True)
    if register not in writers:
        return (echo,)
    won = winner(register, writers[register], writers.get(STATE, ()))
    return (echo,) if won.restated else (won, echo)


def _beside(
    register: Register,
    writers: Mapping[Register, Writers],
    writes: Mapping[Register, Any],
    commit: str,
) -> Any:
    """The tie of a write: of a state the result that goes with it, of a result the commit of the
    state that it goes with, of a maker the time."""
    if register == STATE:
        return writes.get(RESULT)
    if register == RESULT:
        states = () if ANEW in writes else writers.get(STATE, ())
        return commit if STATE in writes else winner(STATE, states).commit if states else None
    return writes.get(_CREATED) if register == _CREATED_BY else None


def is_combination_of(
    register: Register, value: Any, sides: Sequence[Mapping[Register, Any]]
) -> bool:
    """Can a merge have taken a value from its sides, all that they hold of the file?

    A state, part by part: a text merge goes by lines.
    """
    if register != EXISTS:
        sides = [side for side in sides if side] or [{}]  # one without the file has no say
    if any(strictly_equal(value, side.get(register, ABSENT)) for side in sides):
        return True
    if register != STATE or value is ABSENT:
        return False
    states = [s for side in sides if isinstance(s := side.get(STATE, State()), State)]
    return all(
        any(strictly_equal(part, state[i]) for state in states) for i, part in enumerate(value)
    )


def conflicts(path: str, written: Mapping[Register, Writers]) -> list[Conflict]:
    """Registers of a file with maximal writers that disagree, in their order."""
    disagreements = []
    for register, writers in written.items():
        if len(writers) == 1 or register in _SILENT:
            continue
        won = winner(register, writers, written.get(STATE, ()))
        losers = tuple(w for w in writers if _is_passed_over(register, w, won))
        if losers:
            kind = _kind(register, (won, *losers), written)
            name = rule_of(register).name
            if register == RESULT and any(w.beside != won.beside for w in losers):
                name = RuleName.WITH_STATUS
            disagreements.append(Conflict(path, register, kind, name, won, losers))
    return disagreements


def _is_passed_over(register: Register, write: Write, won: Write) -> bool:
    """Is a write one that somebody has to be told about, since another is shown?"""
    if write.restated and not won.restated:
        return False  # an echo: what it repeats was overwritten by who had seen it
    if register == RESULT and write.value is ABSENT:
        return False  # a status without a result: the conflict about the status tells of it
    return not same_outcome(register, write.value, won.value)


_MARKS: Final[Mapping[Register, str]] = {("archived",): "archive", ("dropped",): "drop"}
"""The marks of a list, with the command that sets each."""


def _is_set(mark: Any) -> bool:
    return mark not in (ABSENT, None)


def same_outcome(register: Register, value: Any, other: Any) -> bool:
    """Do two values say the same? Of a finished task who finished it and how, not when; of a mark
    of the list that it is there, not since when."""
    if register == STATE:
        value, other = (v if isinstance(v, State) else State() for v in (value, other))
        if value.status is other.status and value.status.closed:
            return bool(value.owner == other.owner)
    if register in _MARKS:
        return _is_set(value) == _is_set(other)
    return strictly_equal(value, other)


def _kind(
    register: Register, writers: Writers, written: Mapping[Register, Writers]
) -> ConflictKind:
    if register == EXISTS:
        return ConflictKind.DELETE_UPDATE
    makers = {w.commit for w in written.get(_CREATED, ())}
    alike = {w.commit for w in writers} <= makers
    return ConflictKind.ADD_ADD if alike else ConflictKind.FIELD


_SET: Mapping[Register, Field] = {(f.name,): f for f in SINGLE if f.uses.given}
_ADDED = {f.registers: f.option.removeprefix("--") for f in LISTS if f.uses.given}
_VERBS = {
    Status.IN_PROGRESS: "start",
    Status.COMPLETED: "done",
    Status.SKIPPED: "skip",
    Status.DELETED: "delete",
}
Command = tuple[str, ...]


def commands_to_take(
    task: Task | None, list_id: str, register: Register, value: Any, result: Any = ABSENT
) -> list[Command]:
    """The commands that give `register` the value `value`, to run one after the other.

    [] when only an edit of the file by hand does that. `task` is None for the list itself. With
    a status goes the `result` that it was written with, if that is known.
    """
    if register in _MARKS:
        return [("gittasks", _MARKS[register] if _is_set(value) else "unarchive", list_id)]
    if task is None:
        storable = register == ("title",) and value not in (ABSENT, None)
        return [("gittasks", "init", list_id, "--title", str(value))] if storable else []
    if register == EXISTS:
        return [("gittasks", "delete", task.id)] if value is ABSENT else []
    if register == STATE:
        moves = _moves(task, value if isinstance(value, State) else State())
        known = result is not ABSENT and isinstance(value, State) and value.status.closed
        return _with_result(task, moves, result or "") if known else moves
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
        update, owned = ("gittasks", "update", task.id), ("--owner", wanted.owner or "")
        if moves and moves[-1][1] in ("done", "skip"):  # one command that says all of it
            *moves, (_, _, _, *options) = moves
            moves.append((*update, "--status", wanted.status.value, *owned, *options))
        else:
            moves.append((*update, *owned))
    held = task.status is Status.IN_PROGRESS and (task.session or task.claim)
    return [(*move, "--force") for move in moves] if held else moves


def _with_result(task: Task, moves: list[Command], result: str) -> list[Command]:
    """Let commands that close a task leave it with this result."""
    if result.startswith(("-", "@")):  # that would be read as an option, or a file
        return moves
    update = ("gittasks", "update", task.id)
    if moves and moves[-1][1] == "restore":  # that brings back the one that it had
        moves = [*moves, update]
    *first, last = moves or [update]
    reopened = any(move[1] == "reopen" for move in first)
    if last[1] in ("done", "skip", "update"):
        if "--result" in last:
            at = last.index("--result")
            last = (*last[:at], *last[at + 2 :])
        stands = "" if reopened else task.result or ""
        last = last if result == stands else (*last, "--result", result)
    return [*first, last] if len(last) > 3 or last[1] != "update" else first


_NOT_ANEW: Final = frozenset({("subject",), ("order",), RESULT})
"""Registers of a task that another made anew does not take as options of `create`."""


def anew(task: Task, new_id: str) -> list[Command]:
    """The commands that make a task once more under another id, and leave its conflicts settled.

    [] when it holds a text that no command line takes.
    """
    create: Command = ("gittasks", "create", task.subject, "--id", new_id)
    for register, value in registers(task).items():
        field = _SET.get(register)
        if field and value is not None and register not in _NOT_ANEW:
            create = (*create, field.option, str(value))
        elif register[0] == "meta" and isinstance(value, str):
            create = (*create, "--metadata", f"{register[1]}={value}")
    for field in LISTS:
        if field.uses.given:
            for member in getattr(task, field.attr):
                create = (*create, field.option, str(member))
    if any(word.startswith("@") for word in create) or task.subject.startswith("-"):
        return []
    return [create, ("gittasks", "conflicts", task.id, "--keep")]


def _transitions(task: Task, wanted: State) -> tuple[list[Command], str | None]:
    """The commands that lead to the status, and whose the task is after them."""
    moves: list[Command] = []
    status, owner = task.status, task.owner
    if status is wanted.status:
        return moves, owner
    if status is Status.DELETED:
        moves.append(("gittasks", "restore", task.id))
        status = Status.PENDING
        if task.finished:
            status = Status.COMPLETED if task.started else Status.SKIPPED
    if status.closed and wanted.status is not Status.DELETED and status is not wanted.status:
        moves.append(("gittasks", "reopen", task.id))
        status = Status.PENDING
    if status is wanted.status:
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


class Side(NamedTuple):
    """One of the competing writes: what it said, who made it when; `there` False: it removed."""

    value: Any
    there: bool
    commit: str
    at: str
    by: str


class Loser(NamedTuple):
    """A write that is not shown, and the commands that take its value instead.

    Without commands only an edit by hand does that.
    """

    side: Side
    commands: tuple[Command, ...]


class OpenConflict(NamedTuple):
    """Competing writes of one field (`member`: of one dependency, key, note or commit of it).

    `task` is None for the list itself; `path` is the file. `rule` decided for the winner.
    """

    task: str | None
    path: str
    field: str
    member: str | None
    kind: ConflictKind
    rule: RuleName
    winner: Side
    losers: tuple[Loser, ...]
