"""A list as the commands that only look show it: as it is, or as it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from gittasks.cli import output
from gittasks.cli.options import F, Settings
from gittasks.core.graph import Graph
from gittasks.core.progress import Progress
from gittasks.errors import InvalidData

if TYPE_CHECKING:
    from gittasks.render.terminal.pieces import Signs, View
    from gittasks.store.layout import Branch
    from gittasks.workspace import Workspace
    from gittasks.workspace.claiming import StaleClaim
    from gittasks.workspace.past import Past


class Look(NamedTuple):
    """A list at the moment `now` (epoch seconds); `past` when that is not this one."""

    branch: Branch
    now: int
    graph: Graph
    progress: Progress
    stale: Sequence[StaleClaim] = ()
    past: Past | None = None

    @property
    def exit_code(self) -> int:
        """Of a command that showed what could be read: 4 when something could not."""
        return InvalidData.exit_code if self.branch.snapshot.problems else 0

    def sharing(self) -> dict[str, Any]:
        """What the JSON documents say of sharing, and of the moment."""
        return {
            "conflicts": self.branch.conflicts,
            "apart": self.branch.apart,
            "stale": [claim.task for claim in self.stale],
            "at": self.past.at if self.past else None,
            "commit": None if self.branch.in_memory else self.branch.commit,
        }


def at_option(function: F) -> F:
    """Decorator: `--at`, the list as it was."""
    text = "As it was: a time (2026-11-22, yesterday, 2h) or a commit."
    return click.option("--at", "at", metavar="TIME|COMMIT", help=text)(function)


def since_option(function: F) -> F:
    """Decorator: `--since`, what is new."""
    text = "Only what changed since a time (2026-11-22, yesterday, 2h) or a commit."
    return click.option("--since", "since", metavar="TIME|COMMIT", help=text)(function)


def look(workspace: Workspace, at: str | None = None) -> Look:
    """The list now, or at the moment that `at` names."""
    if at is None:
        return of_branch(workspace, workspace.branch())
    from gittasks.workspace.past import look_back

    past = look_back(workspace, at)
    graph = Graph.of(past.branch.snapshot)
    progress = Progress.of(past.branch.snapshot.tasks.values(), graph, past.epoch)
    return Look(past.branch, past.epoch, graph, progress, past=past)


def of_branch(workspace: Workspace, branch: Branch) -> Look:
    """A list that was just read."""
    now, graph = workspace.now().epoch, Graph.of(branch.snapshot)
    progress = Progress.of(branch.snapshot.tasks.values(), graph, now)
    return Look(branch, now, graph, progress, workspace.stale_claims(branch.snapshot))


def title_lines(seen: Look) -> list[str]:
    """That this is not the list as it is now, if so."""
    if seen.past is None:
        return []
    from gittasks.render.text import clean

    name = f", commit {seen.past.commit[:7]}" if seen.past.commit else ""
    return [f"{clean(seen.branch.snapshot.info.id)} as it was at {seen.past.at}{name}:"]


def more_lines(seen: Look) -> list[str]:
    """What there is to say of sharing and claims, below the list."""
    from gittasks.render import plain

    lines = plain.sharing_lines(seen.branch.conflicts, seen.branch.apart)
    for stale in seen.stale:
        lines.append(plain.stale_line(stale.task, stale.owner, stale.silent, stale.lease))
    return lines


# --- on a terminal ---------------------------------------------------------------------------


def view(seen: Look) -> View:
    """What the terminal's views are made from."""
    from gittasks.render.terminal.pieces import Silence, View

    snapshot = seen.branch.snapshot
    return View(
        snapshot.info,
        snapshot.ordered(),
        seen.graph,
        seen.progress,
        seen.now,
        snapshot.problems,
        seen.branch.conflicts,
        seen.branch.apart,
        {claim.task: Silence(claim.silent, claim.lease) for claim in seen.stale},
    )


def show(settings: Settings, seen: Look, draw: Callable[[View, Signs, int], object]) -> None:
    """Print what `draw` makes for the terminal."""
    from gittasks.cli.screen import console, printed, terminal_signs

    on = console(settings)
    made = printed(on, draw(view(seen), terminal_signs(), on.width))
    output.say("\n".join([*title_lines(seen), made]))
