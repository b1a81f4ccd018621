"""The part of doctor that is about hooks: whether they run, and what they missed."""

from __future__ import annotations

from collections.abc import Iterator

from gittasks.errors import GittasksError
from gittasks.githooks import catch_up, install, record
from gittasks.githooks.install import HookStatus
from gittasks.store.repository import Repository
from gittasks.workspace import Symptom, Workspace


def examine(workspace: Workspace, *, fix: bool) -> Iterator[Symptom]:
    """Hooks that were installed here and do not run, and commits that no hook saw."""
    repository = workspace.repository
    if record.read(repository) is None:
        return
    status = install.status(repository)
    if status.stopped:
        yield _stopped(repository, status, fix=fix)
    try:
        yield from _missed(workspace, fix=fix)
    except GittasksError as error:
        yield Symptom("missed", None, error.message, error.hint or "see: gittasks hooks catch-up")


def _stopped(repository: Repository, status: HookStatus, *, fix: bool) -> Symptom:
    names = ", ".join(status.stopped)
    manager = install.find(repository).manager
    fixed = False
    if fix and not status.left:
        try:
            fixed = not install.install(repository).stopped
        except GittasksError as error:
            names += f" ({error.message})"
    return Symptom(
        "hooks",
        None,
        f"git no longer calls the hooks of gittasks that were installed here: {names}",
        f"{manager} looks after them now; gittasks hooks install says what to add there"
        if status.left
        else "put them back with: gittasks hooks install",
        fixed,
    )


def _missed(workspace: Workspace, *, fix: bool) -> Iterator[Symptom]:
    """Commits that name tasks and that no hook saw, from others and of one's own."""
    arrived = catch_up.run(workspace, write=fix)
    if arrived is not None and arrived.due:
        yield Symptom(
            "missed",
            None,
            f"commits that no hook saw name {catch_up.names(arrived.due)}",
            "gittasks hooks catch-up links and moves them",
            fixed=fix,
        )
    if arrived is not None and (arrived.too_many or arrived.strangers):
        line = arrived._replace(linked=()).lines()[-1]
        message, _, command = line.rpartition(": ")
        yield Symptom("missed", None, message, command)
    own = catch_up.unseen(workspace)
    if own is not None and own.due:
        yield Symptom(
            "missed",
            None,
            f"commits of this branch that no hook saw name {catch_up.names(own.due)}",
            f"gittasks hooks catch-up {own.span} links and moves them; "
            "gittasks hooks catch-up --dismiss lets go of it",
        )
