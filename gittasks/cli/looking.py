"""A list as the commands that only look show it: as it is, or as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from gittasks.cli import output
from gittasks.cli.options import F
from gittasks.cli.settings import Settings
from gittasks.core.view import ListView
from gittasks.errors import InvalidData

if TYPE_CHECKING:
    from gittasks.core.model import Snapshot
    from gittasks.render.terminal.pieces import Signs
    from gittasks.store.layout import Branch
    from gittasks.workspace import Workspace


def at_option(function: F) -> F:
    """Decorator: `--at`, the list as it was."""
    text = "As it was: a time (2026-11-22, yesterday, 2h) or a commit."
    return click.option("--at", "at", metavar="TIME|COMMIT", help=text)(function)


def since_option(function: F) -> F:
    """Decorator: `--since`, what is new."""
    text = "Only what changed since a time (2026-11-22, yesterday, 2h) or a commit."
    return click.option("--since", "since", metavar="TIME|COMMIT", help=text)(function)


def look(workspace: Workspace, at: str | None = None) -> ListView:
    """The list now, or at the moment that `at` names."""
    if at is None:
        return of_branch(workspace, workspace.branch())
    past = workspace.look_back(at)
    branch = past.branch
    return ListView(
        branch.snapshot,
        past.epoch,
        conflicts=branch.conflicts,
        apart=branch.apart,
        past=past.moment,
        commit=branch.commit,
        in_memory=branch.in_memory,
    )


def of_branch(workspace: Workspace, branch: Branch) -> ListView:
    """A list that was just read."""
    return ListView(
        branch.snapshot,
        workspace.now().epoch,
        conflicts=branch.conflicts,
        apart=branch.apart,
        stale=workspace.stale_claims(branch.snapshot),
        commit=branch.commit,
        in_memory=branch.in_memory,
    )


def exit_code(snapshot: Snapshot) -> int:
    """Exit code of a command that showed what could be read: 4 when something could not."""
    return InvalidData.exit_code if snapshot.problems else 0


def show(
    settings: Settings, view: ListView, draw: Callable[[ListView, Signs, int], object]
) -> None:
    """Print what `draw` makes for the terminal."""
    from gittasks.cli.screen import console, printed, terminal_signs
    from gittasks.render.plain import title_lines

    on = console(settings)
    made = printed(on, draw(view, terminal_signs(), on.width))
    output.say("\n".join([*title_lines(view), made]))
