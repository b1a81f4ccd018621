"""Conflicts of a merge: what is open, with the commands that settle it, and settling by keeping."""

from __future__ import annotations

import itertools
import os

from gittasks.core.merge.registers import ABSENT, STATE, Register, State, field_of
from gittasks.core.merge.resolution import (
    Command,
    Conflict,
    ConflictKind,
    Loser,
    OpenConflict,
    Side,
    Write,
    anew,
    commands_to_take,
)
from gittasks.core.messages import keep_message
from gittasks.core.rules import built_on
from gittasks.core.times import format_time
from gittasks.core.trailers import OWNER, can_keep, parse_trailers
from gittasks.light import TYPE_CHECKING
from gittasks.store import transaction
from gittasks.store.merge_files import task_of
from gittasks.workspace.session import signatures

if TYPE_CHECKING:
    from gittasks.core.model import Snapshot
    from gittasks.store.list_store import ListStore
    from gittasks.store.list_version import ListVersion
    from gittasks.workspace.session import Session


_SUBJECT: Register = ("subject",)


def conflicts(session: Session) -> list[OpenConflict]:
    """The open conflicts of the list at work, in order of display of the tasks."""
    branch = session.branch()
    if not branch.conflicts:
        return []
    evaluated = session.store.evaluate()
    opened = describe_received(session.store, evaluated.branch.snapshot, evaluated.conflicts)
    if session.list_option is None:
        return opened
    name = ("--list", session.list_id)
    return [c._replace(losers=tuple(_for_list(x, name) for x in c.losers)) for c in opened]


def _for_list(loser: Loser, name: Command) -> Loser:
    """The commands with the list that was asked about: another may have a task of that id.

    `init` is left out, since it would also make that list the one in use.
    """
    return loser._replace(commands=tuple((*c, *name) for c in loser.commands if c[1] != "init"))


def check_uncontested(store: ListStore, commit: str) -> None:
    """Refuse to take back a commit that competes with another: that one would be lost with it."""
    for conflict in store.evaluate().conflicts:
        if commit in {conflict.winner.commit, *(w.commit for w in conflict.losers)}:
            task_id = task_of(conflict.path)
            raise built_on(
                f"{task_id or 'the list'} was changed at the same time by another "
                f"({field_of(conflict.register)})",
                (task_id,) if task_id else (),
                {"task": task_id, "field": field_of(conflict.register)},
            )


def accept_value(session: Session, task_id: str | None) -> int:
    """Settle conflicts in favour of what stands, of one task or all; how many."""

    store = session.store
    path = f"tasks/{task_id}.yaml" if task_id else None
    settled: list[tuple[str, Register]] = []

    def propose(branch: ListVersion) -> transaction.Proposal | None:
        evaluated = store.evaluate()
        settled[:] = [
            (c.path, c.register)
            for c in evaluated.conflicts
            if path in (None, c.path) and can_keep(c.register)
        ]
        if not settled or evaluated.branch.commit != branch.commit:
            return None
        message = keep_message(store.list_id, settled, session.actor, os.urandom(10).hex())
        return transaction.Proposal(branch.snapshot, message)

    people, _ = signatures(session.repository, session.now())
    written = transaction.update(store, propose, people)
    return len(settled) if written.commit else 0


def describe_received(
    store: ListStore, snapshot: Snapshot, found: tuple[Conflict, ...]
) -> list[OpenConflict]:
    """Conflicts with the people behind them."""
    places = {task.id: n for n, task in enumerate(snapshot.ordered(deleted=True))}
    # The status comes first: to move a task may change what other registers say.
    first = sorted(found, key=lambda c: c.register != STATE)
    described = [_open_conflict(store, snapshot, conflict) for conflict in first]
    return sorted(described, key=lambda c: (places.get(c.task or "", -1), c.path))


def _open_conflict(store: ListStore, snapshot: Snapshot, conflict: Conflict) -> OpenConflict:
    task_id = task_of(conflict.path)
    task = snapshot.tasks.get(task_id) if task_id else None
    register = conflict.register
    usable = task is not None or conflict.path == "list.yaml"

    def loser(write: Write) -> Loser:
        moves: list[Command] = []
        if task and conflict.kind is ConflictKind.ADD_ADD and register == _SUBJECT:
            rival = store.load_at(write.commit).snapshot.tasks.get(task.id)
            moves = anew(rival, _free_id(snapshot, task.id)) if rival else []
        elif usable:
            result = write.beside if isinstance(write.beside, str) else None
            moves = commands_to_take(task, store.list_id, register, write.value, result)
        return Loser(_side(store, register, write), tuple(moves))

    member = register[1] if len(register) > 1 else None
    return OpenConflict(
        task_id,
        conflict.path,
        "file" if conflict.kind is ConflictKind.DELETE_UPDATE else field_of(register),
        member if member is None or isinstance(member, str) else " ".join(map(str, member)),
        conflict.kind,
        conflict.rule,
        _side(store, register, conflict.winner),
        tuple(loser(write) for write in conflict.losers),
    )


def _free_id(snapshot: Snapshot, task_id: str) -> str:
    """An id that no task has: `p1-2` for a second `p1`."""
    numbers = (f"{task_id[:60]}-{number}" for number in itertools.count(2))
    return next(name for name in numbers if name not in snapshot.tasks)


def _side(store: ListStore, register: Register, write: Write) -> Side:
    commit = store.commit(write.commit)
    owner = parse_trailers(commit.message).get(OWNER, [])
    by = owner[-1] if owner else ""
    is_set = write.value is not ABSENT or register == STATE
    value = State() if write.value is ABSENT and register == STATE else write.value
    value = value._asdict() if isinstance(value, State) else value
    at = format_time(commit.author.time)
    return Side(value if is_set else None, is_set, commit.id, at, by or commit.author.name)
