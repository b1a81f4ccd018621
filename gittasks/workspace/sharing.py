"""Exchange lists with a remote, and say what competed in a merge."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from gittasks.core.clock import format_time
from gittasks.core.messages import OWNER, can_keep, keep_message, parse_trailers
from gittasks.core.picks import Conflict, Write
from gittasks.core.registers import ABSENT, STATE, Register, State, field_of
from gittasks.core.rules import built_on
from gittasks.core.settle import Command, commands
from gittasks.errors import NoRemote, RemoteFailure
from gittasks.store import remotes
from gittasks.store.contents import task_of
from gittasks.store.list_store import ListStore
from gittasks.sync import exchange
from gittasks.workspace import choice

if TYPE_CHECKING:
    from gittasks.core.model import Snapshot
    from gittasks.store.layout import Branch
    from gittasks.sync import Synced, Wish
    from gittasks.workspace.workspace import Workspace


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
    """What competed for one field (`member`: for one dependency, key, note or commit of it).

    `task` is None for the list itself; `path` is the file. `rule` decided for the winner.
    """

    task: str | None
    path: str
    field: str
    member: str | None
    kind: str
    rule: str
    winner: Side
    losers: tuple[Loser, ...]


def conflicts(workspace: Workspace) -> list[OpenConflict]:
    """The open conflicts of the list at work, in order of display of the tasks."""
    branch = workspace.branch()
    if not branch.conflicts:
        return []
    found = workspace.store.evaluate()
    opened = told(workspace.store, found.branch.snapshot, found.conflicts)
    if workspace.list_option is None:
        return opened
    name = ("--list", workspace.list_id)
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


def keep(workspace: Workspace, task_id: str | None) -> int:
    """Settle conflicts in favour of what stands, of one task or all; how many."""
    from gittasks.store import transaction

    store = workspace.store
    path = f"tasks/{task_id}.yaml" if task_id else None
    kept: list[tuple[str, Register]] = []

    def propose(branch: Branch) -> transaction.Proposal | None:
        found = store.evaluate()
        kept[:] = [
            (c.path, c.register)
            for c in found.conflicts
            if path in (None, c.path) and can_keep(c.register)
        ]
        if not kept or found.branch.commit != branch.commit:
            return None
        message = keep_message(store.list_id, kept, workspace.actor, os.urandom(10).hex())
        return transaction.Proposal(branch.snapshot, message)

    people, _ = choice.signatures(workspace.repository, workspace.now())
    written = transaction.update(store, propose, people)
    return len(kept) if written.commit else 0


def told(store: ListStore, snapshot: Snapshot, found: tuple[Conflict, ...]) -> list[OpenConflict]:
    """Conflicts with the people behind them."""
    places = {task.id: n for n, task in enumerate(snapshot.ordered(deleted=True))}
    # The status comes first: to move a task may change what other registers say.
    first = sorted(found, key=lambda c: c.register != STATE)
    made = [_open_conflict(store, snapshot, conflict) for conflict in first]
    return sorted(made, key=lambda c: (places.get(c.task or "", -1), c.path))


def _open_conflict(store: ListStore, snapshot: Snapshot, conflict: Conflict) -> OpenConflict:
    task_id = task_of(conflict.path)
    task = snapshot.tasks.get(task_id) if task_id else None
    register = conflict.register
    usable = task is not None or conflict.path == "list.yaml"

    def loser(write: Write) -> Loser:
        moves = commands(task, store.list_id, register, write.value) if usable else []
        return Loser(_side(store, register, write), tuple(moves))

    member = register[1] if len(register) > 1 else None
    return OpenConflict(
        task_id,
        conflict.path,
        "file" if conflict.kind == "delete-update" else field_of(register),
        member if member is None or isinstance(member, str) else " ".join(map(str, member)),
        conflict.kind,
        conflict.rule,
        _side(store, register, conflict.winner),
        tuple(loser(write) for write in conflict.losers),
    )


def _side(store: ListStore, register: Register, write: Write) -> Side:
    commit = store.commit(write.commit)
    owner = parse_trailers(commit.message).get(OWNER, [])
    by = owner[-1] if owner else commit.author.person.partition("<")[0].strip()
    there = write.value is not ABSENT or register == STATE
    value = State() if write.value is ABSENT and register == STATE else write.value
    value = value._asdict() if isinstance(value, State) else value
    at = format_time(commit.author.time)
    return Side(value if there else None, there, commit.id, at, by or commit.author.person)


# --- exchange -------------------------------------------------------------------------------


def sync(workspace: Workspace, wish: Wish, remote: str | None, *, all_lists: bool) -> list[Synced]:
    """Exchange one list, or all; NoRemote, NotFound for a remote, NoList."""
    repository = workspace.repository
    named = remotes.named(repository, remote) if remote else None
    known = choice.known_lists(repository)
    if all_lists or not (known or choice.named_list(repository, workspace.list_option)):
        return _sync_all(workspace, wish, named)
    store = ListStore(repository, workspace.list_id, named)
    if store.remote is None:
        raise no_remote(workspace)
    return exchange.sync([store], store.remote, wish)


def _sync_all(workspace: Workspace, wish: Wish, named: str | None) -> list[Synced]:
    """All lists that are here or on the remote; each with its own remote unless one is named."""
    repository = workspace.repository
    by_remote: dict[str, set[str]] = {}
    if first := named or repository.upstream(""):
        by_remote[first] = set()
    for list_id in choice.known_lists(repository):
        if chosen := named or repository.upstream(list_id):
            by_remote.setdefault(chosen, set()).add(list_id)
    if not by_remote:
        raise no_remote(workspace)
    done: list[Synced] = []
    for remote, lists in sorted(by_remote.items()):
        try:
            there = remotes.lists(repository, remote) if wish.fetch else None
        except RemoteFailure as error:  # it stops no list of another remote
            done += [exchange.Synced(i, remote, error=error) for i in sorted(lists) or [remote]]
            continue
        theirs = {i for i in there or () if named or repository.upstream(i) == remote}
        stores = [ListStore(repository, list_id, remote) for list_id in sorted(lists | theirs)]
        done += exchange.sync(stores, remote, wish, there)
    return done


def no_remote(workspace: Workspace) -> NoRemote:
    """The error when there is nobody to share with, or several and none was named."""
    names = workspace.repository.remotes()
    if names:
        return NoRemote(
            f"several remotes are here: {', '.join(names)}",
            hint="name one, as in: gittasks sync " + names[0],
            details={"remotes": names},
        )
    return NoRemote(
        "this repository has no remote to share task lists with",
        hint="everything is safe here; add a remote with: git remote add origin URL",
    )
