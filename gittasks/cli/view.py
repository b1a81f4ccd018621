"""Commands that only look: list, show, ready, status, log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from gittasks import render
from gittasks.cli import looking
from gittasks.cli.looking import at_option, since_option
from gittasks.cli.options import StatusChoice, command, owner_option
from gittasks.cli.output import Answer
from gittasks.cli.settings import Settings
from gittasks.core.clock import duration
from gittasks.core.history import phase_times
from gittasks.core.lookup import find
from gittasks.core.model import Status, Task
from gittasks.core.query import Filter
from gittasks.core.view import ListView
from gittasks.errors import NotFound, Usage

if TYPE_CHECKING:
    from gittasks.core.history import LogEntry
    from gittasks.render.terminal.pieces import Signs
    from gittasks.render.text import Marks
    from gittasks.workspace import Changed, Workspace

_STATUSES = StatusChoice([str(s) for s in Status])
_HISTORY = 20
"""Entries of a task's history that `show` gives."""


@command("list")
@click.option("--status", "statuses", multiple=True, type=_STATUSES, help="Only in this state.")
@click.option("--owner", metavar="NAME", help="Only those of NAME.")
@click.option("--phase", metavar="NAME", help='Only of this phase: "PHASE 2" or 2.')
@click.option("--ready", is_flag=True, help="Only what can be started.")
@click.option("--blocked", is_flag=True, help="Only what waits for others.")
@click.option("--all", "deleted", is_flag=True, help="Deleted ones too.")
@at_option
@since_option
@click.pass_obj
def list_command(
    settings: Settings,
    statuses: tuple[str, ...],
    owner: str | None,
    phase: str | None,
    ready: bool,
    blocked: bool,
    deleted: bool,
    at: str | None,
    since: str | None,
) -> Answer:
    """Show the tasks in order, and how far the list is."""
    workspace = settings.workspace()
    view, me = looking.look(workspace, at), workspace.actor.owner
    changed = None if since is None else _changed(workspace, since, view)
    chosen = Filter(
        statuses,
        owner,
        phase=phase,
        ready=ready,
        blocked=blocked,
        deleted=deleted or changed is not None,
        among=None if changed is None else changed.tasks,
    )
    tasks = chosen.of(view.snapshot, view.graph, owner or me)
    below = looking.elsewhere(view, tasks, workspace.actor)
    return Answer(
        lambda: {
            **render.documents.task_list_document(view, tasks, me),
            **render.documents.since_part(*(changed[:2] if changed else (None, ()))),
        },
        lambda marks: "\n".join([*_list_lines(view, tasks, changed, marks), *below]),
        quiet=[task.id for task in tasks],
        drawing=None if changed else looking.drawing(view, _drawn_list(tasks), below),
        workspace=workspace,
        exit_code=looking.exit_code(view.snapshot),
    )


def _changed(workspace: Workspace, since: str, view: ListView) -> Changed:
    """The difference between a moment before and the one that is looked at."""
    before = workspace.look_back(since)
    if view.past and before.epoch > view.now:
        raise Usage(
            f"--since {since} is after --at {view.past.at}",
            hint="give an earlier time, or leave --at out",
        )
    return workspace.changed(before, view)


def _list_lines(
    view: ListView, tasks: Sequence[Task], changed: Changed | None, marks: Marks
) -> list[str]:
    plain = render.plain
    if changed is None:
        shown = plain.task_list(view, tasks, marks)
        return [*plain.title_lines(view), shown, *plain.remark_lines(view)]
    lines = render.history_text.since_lines(view, *changed, tasks, marks)
    return [*plain.title_lines(view), *lines]


def _drawn_list(tasks: Sequence[Task]) -> Callable[[ListView, Signs, int], object]:
    return lambda view, *how: render.views.task_list(view, tasks, *how)


@command("status")
@click.option("--all", "everything", is_flag=True, help="All lists here, one line each.")
@at_option
@click.pass_obj
def status_command(settings: Settings, everything: bool, at: str | None) -> Answer:
    """Show how far the list is: phases, loops, what runs, what is ready, what waits."""
    if everything:
        if at is not None:
            raise Usage("--at is about one list, so it does not go with --all")
        return looking.lists_answer(settings.workspace(), places=True)
    workspace = settings.workspace()
    return looking.status_answer(looking.look(workspace, at), workspace)


@command("ready")
@click.option(
    "--watch",
    is_flag=False,
    flag_value="",
    metavar="[TIME]",
    help="Wait until something is ready; at most TIME.",
)
@owner_option
@click.pass_obj
def ready_command(settings: Settings, owner: str | None, watch: str | None) -> Answer:
    """Show what can be started now; exit code 1 when there is nothing."""
    workspace = settings.workspace(owner)
    if watch is not None:
        workspace.wait_until_ready(duration(watch, "--watch") if watch else None)
    view, me = ListView(workspace.snapshot(), workspace.now().epoch), workspace.actor.owner
    tasks = Filter(ready=True).of(view.snapshot, view.graph, me)
    return Answer(
        lambda: render.documents.ready_document(view, tasks, me),
        lambda marks: render.plain.ready_list(view, tasks, marks),
        quiet=[task.id for task in tasks],
        workspace=workspace,
        exit_code=looking.exit_code(view.snapshot) or (0 if tasks else 1),
    )


@command("show")
@click.argument("task_id", metavar="ID")
@click.option("--no-history", is_flag=True, help="Leave the history out.")
@at_option
@click.pass_obj
def show_command(settings: Settings, task_id: str, no_history: bool, at: str | None) -> Answer:
    """Show everything about one task, its history included."""
    workspace = settings.workspace()
    view = looking.look(workspace, at)
    task = view.snapshot.tasks[_find_then(workspace, view, task_id)]
    later = view.past.later if view.past else ()
    history = [] if no_history else workspace.log(task.id, without=later)
    return Answer(
        lambda: render.documents.show_document(view, task, history, workspace.actor.owner),
        lambda marks: "\n".join(_task_lines(view, task, history, marks)),
    )


def _task_lines(view: ListView, task: Task, history: Sequence[LogEntry], marks: Marks) -> list[str]:
    lines = render.history_text.entry_lines(history[:_HISTORY], marks, with_task=False)
    if len(history) > _HISTORY:
        lines.append(f"... {len(history) - _HISTORY} more: gittasks log {task.id}")
    details = render.plain.task_details(view, task, marks, lines)
    return [*render.plain.title_lines(view), details]


def _find_then(workspace: Workspace, view: ListView, text: str) -> str:
    """The id that `text` names in the list as it was; one that came later is told apart."""
    try:
        return find(view.snapshot, text)
    except NotFound:
        if view.past is None:
            raise
        task_id = find(workspace.snapshot(), text)
        raise NotFound(
            f'the task "{task_id}" was not there yet at {view.past.at}',
            hint=f"see when it came with: gittasks log {task_id} --reverse -n 1",
        ) from None


@command("log")
@click.argument("task_id", metavar="[ID]", required=False)
@click.option("-n", "--limit", type=click.IntRange(1), metavar="N", help="Only the newest N.")
@click.option("--reverse", is_flag=True, help="Oldest first.")
@since_option
@click.option("--timeline", "--graph", "drawn", is_flag=True, help="Draw when each task was done.")
@click.pass_obj
def log_command(
    settings: Settings,
    task_id: str | None,
    limit: int | None,
    reverse: bool,
    since: str | None,
    drawn: bool,
) -> Answer:
    """Show who did what when, newest first, and how long each phase took."""
    if drawn:
        from gittasks.cli.timeline import show_timeline  # only a drawing needs it

        if reverse or since:
            raise Usage("--reverse and --since do not go with --timeline")
        return show_timeline(settings, task_id, limit)
    workspace = settings.workspace()
    snapshot = workspace.snapshot()
    chosen = find(snapshot, task_id) if task_id else None
    only = None if since is None else workspace.look_back(since).moment.later
    entries = workspace.log(chosen, limit=limit, only=only)
    if reverse:
        entries.reverse()
    times = phase_times(snapshot.ordered(), workspace.now().epoch) if chosen is None else []
    return Answer(
        lambda: render.documents.log_document(snapshot.info, entries, times),
        lambda marks: "\n".join(
            [
                *render.history_text.entry_lines(entries, marks, with_task=chosen is None),
                *render.history_text.phase_lines(times),
            ]
        ),
        exit_code=looking.exit_code(snapshot),
    )
