"""Commands that only look: list, show, ready, status, log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gittasks.cli import looking, output
from gittasks.cli.looking import at_option, since_option
from gittasks.cli.options import StatusChoice, command, owner_option
from gittasks.cli.settings import Settings
from gittasks.core.lookup import find
from gittasks.core.model import Status
from gittasks.core.query import Filter
from gittasks.core.view import ListView
from gittasks.errors import NotFound, Usage

if TYPE_CHECKING:
    from gittasks.workspace import Workspace

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
) -> int:
    """Show the tasks in order, and how far the list is."""
    workspace = settings.workspace()
    view = looking.look(workspace, at)
    changed = None
    if since is not None:
        from gittasks.cli.since import compare

        changed = compare(workspace, since, view)
    chosen = Filter(
        statuses,
        owner,
        phase=phase,
        ready=ready,
        blocked=blocked,
        deleted=deleted or changed is not None,
        among=None if changed is None else changed.tasks,
    )
    tasks = chosen.of(view.snapshot, view.graph, owner or workspace.actor.owner)
    if settings.json:
        from gittasks.render import documents

        made = documents.task_list_document(view, tasks, workspace.actor.owner)
        news: dict[str, object] = {"since": None, "changes": []}
        if changed is not None:
            from gittasks.cli.since import since_part

            news = since_part(changed)
        output.document({**made, **news})
    elif settings.quiet:
        output.say_ids(tasks)
    elif changed is not None:
        from gittasks.cli.since import changed_lines
        from gittasks.render.plain import title_lines

        lines = changed_lines(view, changed, tasks, settings.marks())
        output.say("\n".join([*title_lines(view), *lines]))
    elif settings.on_terminal():
        from gittasks.render.terminal import views

        looking.show(settings, view, lambda view, *how: views.task_list(view, tasks, *how))
    else:
        from gittasks.render import plain

        shown = plain.task_list(view, tasks, settings.marks())
        lines = [*plain.title_lines(view), shown, *plain.remark_lines(view)]
        output.say("\n".join(lines))
    output.notices(settings, workspace)
    return looking.exit_code(view.snapshot)


@command("status")
@click.option("--all", "everything", is_flag=True, help="All lists here, one line each.")
@at_option
@click.pass_obj
def status_command(settings: Settings, everything: bool, at: str | None) -> int:
    """Show how far the list is: phases, loops, what runs, what is ready, what waits."""
    if everything:
        if at is not None:
            raise Usage("--at is about one list, so it does not go with --all")
        from gittasks.cli.lists import show_lists

        return show_lists(settings, places=True)
    workspace = settings.workspace()
    view = looking.look(workspace, at)
    if settings.json:
        from gittasks.render import documents

        output.document(documents.progress_document(view))
    elif settings.on_terminal():
        from gittasks.render.terminal import views

        looking.show(settings, view, views.status)
    else:
        from gittasks.render import plain

        shown = plain.status(view, settings.marks())
        lines = [*plain.title_lines(view), shown, *plain.remark_lines(view)]
        output.say("\n".join(lines))
    output.notices(settings, workspace)
    return looking.exit_code(view.snapshot)


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
def ready_command(settings: Settings, owner: str | None, watch: str | None) -> int:
    """Show what can be started now; exit code 1 when there is nothing."""
    workspace = settings.workspace(owner)
    if watch is not None:
        from gittasks.core.clock import duration

        workspace.wait_until_ready(duration(watch, "--watch") if watch else None)
    view = ListView(workspace.snapshot(), workspace.now().epoch)
    me = workspace.actor.owner
    tasks = Filter(ready=True).of(view.snapshot, view.graph, me)
    if settings.json:
        from gittasks.render import documents

        output.document(documents.ready_document(view, tasks, me))
    elif settings.quiet:
        output.say_ids(tasks)
    else:
        from gittasks.render import plain

        output.say(plain.ready_list(view, tasks, settings.marks()))
    output.notices(settings, workspace)
    return looking.exit_code(view.snapshot) or (0 if tasks else 1)


@command("show")
@click.argument("task_id", metavar="ID")
@click.option("--no-history", is_flag=True, help="Leave the history out.")
@at_option
@click.pass_obj
def show_command(settings: Settings, task_id: str, no_history: bool, at: str | None) -> None:
    """Show everything about one task, its history included."""
    workspace = settings.workspace()
    view = looking.look(workspace, at)
    task = view.snapshot.tasks[_find_then(workspace, view, task_id)]
    later = view.past.later if view.past else ()
    history = [] if no_history else workspace.log(task.id, without=later)
    if settings.json:
        from gittasks.cli.history import entry_documents
        from gittasks.render import documents

        made = documents.task_document(task, view.graph, me=workspace.actor.owner, info=view.info)
        output.document(
            {**made, "history": entry_documents(history), "at": view.past and view.past.at}
        )
        return
    from gittasks.cli.history import entry_lines
    from gittasks.render import plain

    marks = settings.marks()
    lines = entry_lines(history[:_HISTORY], marks, with_task=False)
    if len(history) > _HISTORY:
        lines.append(f"... {len(history) - _HISTORY} more: gittasks log {task.id}")
    details = plain.task_details(view, task, marks, lines)
    output.say("\n".join([*plain.title_lines(view), details]))


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
) -> int:
    """Show who did what when, newest first, and how long each phase took."""
    if drawn:
        from gittasks.cli.timeline import show_timeline

        if reverse or since:
            raise Usage("--reverse and --since do not go with --timeline")
        return show_timeline(settings, task_id, limit)
    from gittasks.cli import history
    from gittasks.core.history import phase_times

    workspace = settings.workspace()
    snapshot = workspace.snapshot()
    chosen = find(snapshot, task_id) if task_id else None
    only = None
    if since is not None:
        only = workspace.look_back(since).moment.later
    entries = workspace.log(chosen, limit=limit, only=only)
    if reverse:
        entries.reverse()
    times = phase_times(snapshot.ordered(), workspace.now().epoch) if chosen is None else []
    if settings.json:
        from gittasks.render import documents

        made = documents.log_document(snapshot.info, history.entry_documents(entries))
        output.document({**made, "phases": [t._asdict() for t in times]})
    else:
        lines = history.entry_lines(entries, settings.marks(), with_task=chosen is None)
        output.say("\n".join([*lines, *history.phase_lines(times)]))
    return looking.exit_code(snapshot)
