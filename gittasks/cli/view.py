"""Commands that only look: list, show, ready, status, log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gittasks.cli import output
from gittasks.cli.options import Settings, StatusChoice, command, owner_option
from gittasks.core.graph import Graph
from gittasks.core.lookup import find
from gittasks.core.model import Snapshot, Status, Task
from gittasks.core.progress import Progress
from gittasks.errors import InvalidData

if TYPE_CHECKING:
    from gittasks.store.layout import Branch
    from gittasks.workspace import Workspace

_STATUSES = StatusChoice([str(s) for s in Status])
_HISTORY = 20
"""Entries of a task's history that `show` gives."""


def _readable(snapshot: Snapshot) -> int:
    """Exit code of a command that showed what could be read: 4 when something could not."""
    return InvalidData.exit_code if snapshot.problems else 0


def _more_lines(workspace: Workspace, branch: Branch) -> list[str]:
    """What there is to say of sharing and claims, below the list."""
    from gittasks.render import plain

    lines = plain.sharing_lines(branch.conflicts, branch.apart)
    for stale in workspace.stale_claims(branch.snapshot):
        lines.append(plain.stale_line(stale.task, stale.owner, stale.silent, stale.lease))
    return lines


def _same_phase(task: Task, wanted: str) -> bool:
    label = (task.phase_label or "").lower()
    return wanted.lower() in (label, label.removeprefix("phase "))


@command("list")
@click.option("--status", "statuses", multiple=True, type=_STATUSES, help="Only in this state.")
@click.option("--owner", metavar="NAME", help="Only those of NAME.")
@click.option("--phase", metavar="NAME", help='Only of this phase: "PHASE 2" or 2.')
@click.option("--ready", is_flag=True, help="Only what can be started.")
@click.option("--blocked", is_flag=True, help="Only what waits for others.")
@click.option("--all", "deleted", is_flag=True, help="Deleted ones too.")
@click.pass_obj
def list_command(
    settings: Settings,
    statuses: tuple[str, ...],
    owner: str | None,
    phase: str | None,
    ready: bool,
    blocked: bool,
    deleted: bool,
) -> int:
    """Show the tasks in order, and how far the list is."""
    workspace = settings.workspace()
    branch, now = workspace.branch(), workspace.now().epoch
    snapshot = branch.snapshot
    graph = Graph.of(snapshot)
    tasks = snapshot.ordered(deleted=deleted or "deleted" in statuses)
    if statuses:
        tasks = [t for t in tasks if t.status in statuses]
    if owner is not None:
        tasks = [t for t in tasks if (t.owner or "") == owner]
    if phase is not None:
        tasks = [t for t in tasks if _same_phase(t, phase)]
    if ready:
        startable = {t.id for t in graph.ready(owner or workspace.actor.owner)}
        tasks = [t for t in tasks if t.id in startable]
    if blocked:
        tasks = [t for t in tasks if t.status is Status.PENDING and graph.is_blocked(t.id)]
    progress = Progress.of(snapshot.tasks.values(), graph, now)
    if settings.json:
        from gittasks.render import documents

        output.document(
            documents.task_list_document(
                snapshot.info,
                tasks,
                graph,
                progress,
                snapshot.problems,
                workspace.actor.owner,
                conflicts=branch.conflicts,
                apart=branch.apart,
                stale=[s.task for s in workspace.stale_claims(snapshot)],
            )
        )
    elif settings.quiet:
        output.say_ids(tasks)
    else:
        from gittasks.render import plain

        marks = settings.marks()
        shown = plain.task_list(tasks, graph, progress, marks, now, snapshot.problems)
        output.say("\n".join([shown, *_more_lines(workspace, branch)]))
    output.notices(settings, workspace)
    return _readable(snapshot)


@command("status")
@click.pass_obj
def status_command(settings: Settings) -> int:
    """Show how far the list is: phases, loops, what runs, what is ready, what waits."""
    workspace = settings.workspace()
    branch, now = workspace.branch(), workspace.now().epoch
    snapshot = branch.snapshot
    graph = Graph.of(snapshot)
    progress = Progress.of(snapshot.tasks.values(), graph, now)
    if settings.json:
        from gittasks.render import documents

        output.document(
            documents.progress_document(
                snapshot.info,
                progress,
                snapshot.problems,
                conflicts=branch.conflicts,
                apart=branch.apart,
                stale=[s.task for s in workspace.stale_claims(snapshot)],
            )
        )
    else:
        from gittasks.render import plain

        tasks, marks = snapshot.ordered(), settings.marks()
        shown = plain.status(snapshot.info, tasks, graph, progress, marks, now, snapshot.problems)
        output.say("\n".join([shown, *_more_lines(workspace, branch)]))
    output.notices(settings, workspace)
    return _readable(snapshot)


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
        from gittasks.workspace import claiming

        claiming.wait(workspace, duration(watch, "--watch") if watch else None)
    snapshot, now = workspace.snapshot(), workspace.now().epoch
    graph = Graph.of(snapshot)
    me = workspace.actor.owner
    tasks = graph.ready(me)
    if settings.json:
        from gittasks.render import documents

        output.document(documents.ready_document(snapshot.info, tasks, graph, me))
    elif settings.quiet:
        output.say_ids(tasks)
    else:
        from gittasks.render import plain

        progress = Progress.of(snapshot.tasks.values(), graph, now)
        output.say(plain.ready_list(tasks, graph, progress, settings.marks(), now))
    output.notices(settings, workspace)
    return _readable(snapshot) or (0 if tasks else 1)


@command("show")
@click.argument("task_id", metavar="ID")
@click.option("--no-history", is_flag=True, help="Leave the history out.")
@click.pass_obj
def show_command(settings: Settings, task_id: str, no_history: bool) -> None:
    """Show everything about one task, its history included."""
    workspace = settings.workspace()
    snapshot = workspace.snapshot()
    task = snapshot.tasks[find(snapshot, task_id)]
    graph = Graph.of(snapshot)
    history = [] if no_history else workspace.log(task.id)
    if settings.json:
        from gittasks.cli.history import entry_documents
        from gittasks.render import documents

        made = documents.task_document(task, graph, me=workspace.actor.owner, info=snapshot.info)
        output.document({**made, "history": entry_documents(history)})
        return
    from gittasks.cli.history import entry_lines
    from gittasks.render import plain

    marks = settings.marks()
    lines = entry_lines(history[:_HISTORY], marks, with_task=False)
    if len(history) > _HISTORY:
        lines.append(f"... {len(history) - _HISTORY} more: gittasks log {task.id}")
    now = workspace.now().epoch
    output.say(plain.task_details(task, snapshot.tasks, graph, marks, now, lines))


@command("log")
@click.argument("task_id", metavar="[ID]", required=False)
@click.option("-n", "--limit", type=click.IntRange(1), metavar="N", help="Only the newest N.")
@click.option("--reverse", is_flag=True, help="Oldest first.")
@click.pass_obj
def log_command(settings: Settings, task_id: str | None, limit: int | None, reverse: bool) -> int:
    """Show who did what when, newest first, and how long each phase took."""
    from gittasks.cli import history
    from gittasks.core.timing import phase_times

    workspace = settings.workspace()
    snapshot = workspace.snapshot()
    chosen = find(snapshot, task_id) if task_id else None
    entries = workspace.log(chosen, limit=limit)
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
    return _readable(snapshot)
