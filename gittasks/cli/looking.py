"""A list as the commands that only look show it: as it is, or as it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from gittasks import render
from gittasks.cli.options import F
from gittasks.cli.output import Answer
from gittasks.core.model import Status
from gittasks.core.view import ListView
from gittasks.errors import InvalidData

if TYPE_CHECKING:
    from gittasks.cli.screen import Screen
    from gittasks.core.model import Actor, Problem, Snapshot, Task
    from gittasks.render.terminal.pieces import Signs
    from gittasks.render.text import Marks
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


def drawing(
    view: ListView, draw: Callable[[ListView, Signs, int], object], below: Sequence[str] = ()
) -> Callable[[Screen], str]:
    """What `draw` makes of a list for the terminal, below the moment if it is not this one."""

    def drawn(screen: Screen) -> str:
        lines = render.plain.title_lines(view)
        made = screen.printed(draw(view, screen.signs, screen.width))
        return "\n".join([*lines, made, *below])

    return drawn


def status_answer(view: ListView, workspace: Workspace | None = None) -> Answer:
    """How far a list is: the answer of `status`."""
    below = elsewhere(view, view.tasks, workspace.actor) if workspace else []
    return Answer(
        lambda: render.documents.progress_document(view),
        lambda marks: "\n".join([*status_lines(view, marks), *below]),
        drawing=drawing(view, lambda *how: render.views.status(*how), below),
        workspace=workspace,
        exit_code=exit_code(view.snapshot),
    )


def elsewhere(view: ListView, tasks: Sequence[Task], actor: Actor) -> list[str]:
    """Lines about tasks in progress that are not of this session: how to go on with them."""
    running = [t for t in tasks if t.status is Status.IN_PROGRESS]
    if view.past is not None or not running:
        return []
    return render.elsewhere.elsewhere_lines(running, actor, view.now)


def status_lines(view: ListView, marks: Marks) -> list[str]:
    """The same as lines of text."""
    plain = render.plain
    return [*plain.title_lines(view), plain.status(view, marks), *plain.remark_lines(view)]


def lists_answer(workspace: Workspace, *, places: bool = False) -> Answer:
    """One line a list; with `places` also where it is. Exit code 4 when one cannot be read."""
    rows: list[ListView] = []
    unreadable: list[Problem] = []
    now = workspace.now().epoch
    for summary in workspace.lists():
        where = (*(("here",) if summary.local else ()), *summary.remotes)
        row = ListView(summary.snapshot, now, chosen=summary.current, places=where)
        unreadable += [p._replace(path=f"{row.info.id}: {p.path}") for p in row.problems]
        rows.append(row)

    def text(table: str) -> str:
        return "\n".join([table, *render.plain.problem_lines(unreadable)])

    def drawn(screen: Screen) -> str:
        return text(screen.printed(render.views.overview(rows, screen.signs, screen.width)))

    return Answer(
        lambda: render.documents.lists_document(rows),
        lambda _: text(render.plain.lists_table(rows, places=places)),
        drawing=drawn if places else None,
        exit_code=InvalidData.exit_code if unreadable else 0,
    )
