"""Commands that carry whole lists: export and import."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from gittasks.cli import output
from gittasks.cli.options import command, owner_option
from gittasks.cli.settings import Settings
from gittasks.core.graph import Graph
from gittasks.core.ids import listed
from gittasks.core.progress import Progress
from gittasks.errors import InvalidData
from gittasks.render.text import clean, clean_block
from gittasks.store import disk

if TYPE_CHECKING:
    from gittasks.core.arrivals import Arrivals, Loss
    from gittasks.core.model import Snapshot
    from gittasks.workspace import Report, Workspace

_SHOWN = 3
"""Tasks that are named for each thing that is not carried over."""


@command("export")
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "markdown", "csv"]),
    help="json: everything. markdown: a plan for apply. csv: for a spreadsheet.",
)
@click.option("-o", "--output", "path", metavar="FILE", help="Write to FILE instead of stdout.")
@click.pass_obj
def export_command(settings: Settings, form: str | None, path: str | None) -> int:
    """Print the whole list, deleted tasks included in JSON.

    Without --format the ending of FILE tells the form (.md, .csv), else it is JSON.
    """
    form = form or _form_of(path)
    workspace = settings.workspace()
    snapshot = workspace.snapshot()
    text = _exported(snapshot, form)
    if path:
        _write(path, text)
        _answer_written(settings, snapshot, form, len(snapshot.tasks))
    else:
        output.say(text)
    output.notices(settings, workspace)
    return InvalidData.exit_code if snapshot.problems else 0


def _form_of(path: str | None) -> str:
    ending = os.path.splitext(path or "")[1].lower()
    return {".md": "markdown", ".markdown": "markdown", ".csv": "csv"}.get(ending, "json")


def _exported(snapshot: Snapshot, form: str) -> str:
    if form == "markdown":
        from gittasks.codec.plan_markdown import write_markdown

        text = write_markdown(snapshot.info, snapshot.ordered(deleted=True))
        return clean_block(text).rstrip("\n")
    if form == "csv":
        from gittasks.render.csv_table import csv_table

        return csv_table(snapshot.ordered(), Graph.of(snapshot)).rstrip("\n")
    from gittasks.render import documents

    return documents.dumps(documents.export_document(snapshot, snapshot.ordered(deleted=True)))


def _write(path: str, text: str) -> None:
    """Write the file, or leave the one that is there as it was."""
    try:
        disk.replace_file(path, f"{text}\n".encode(), like=path)
    except OSError as error:
        hint = "the list was only read; choose another place"
        raise InvalidData(f"cannot write {path}: {error.strerror}", hint=hint) from error


def _answer_written(settings: Settings, snapshot: Snapshot, form: str, count: int) -> None:
    if settings.json:
        from gittasks.render import documents

        part = documents.list_part(snapshot.info)
        output.document(documents.envelope("exported", list=part, format=form, tasks=count))
    elif not settings.quiet:
        noun = "task" if count == 1 else "tasks"
        output.say(f"{count} {noun} written as {form}")


@command("import")
@click.argument("source", metavar="FILE|DIR|-")
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "beads", "taskwarrior", "ticket", "backlog"]),
    help="Whose files these are; else the content tells.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@owner_option
@click.pass_obj
def import_command(
    settings: Settings, source: str, form: str | None, dry_run: bool, owner: str | None
) -> None:
    """Take tasks from another tool, or an exported list, into the list, in one commit.

    \b
    json         gittasks export >FILE
    beads        bd export -o FILE
    taskwarrior  task export >FILE
    ticket       the folder .tickets
    backlog      the folder backlog of Backlog.md

    Importing the same again changes nothing. What is not carried over is listed.
    """
    from gittasks.cli.sources import read_files
    from gittasks.codec.foreign.source import read_source

    where = "standard input" if source == "-" else source
    arrivals = read_source(read_files(source), where, form)
    workspace = settings.workspace(owner)
    made = workspace.apply_plan(arrivals, dry_run=dry_run)
    if settings.json:
        output.document(_import_document(workspace, arrivals, made, dry_run))
    else:
        _say_import(settings, arrivals, made, dry_run)
    output.notices(settings, workspace)


def _import_document(
    workspace: Workspace, arrivals: Arrivals, made: Report, dry_run: bool
) -> dict[str, object]:
    from gittasks.core.arrivals import named
    from gittasks.render import documents

    edit, graph = made.edit, made.graph
    names = named(arrivals.tasks, edit.after)
    tasks = edit.after.tasks.values()
    return documents.envelope(
        "import",
        list=documents.list_part(edit.after.info),
        format=arrivals.tool,
        dryRun=dry_run,
        changed=edit.made,
        created=list(edit.created),
        updated=[i for i in edit.changed if i not in edit.created],
        ids=[{"source": source, "id": task_id} for source, task_id in names.items()],
        notCarriedOver=[
            {"what": loss.what, "why": loss.why, "sources": list(loss.tasks)}
            for loss in arrivals.losses
        ],
        notes=list(made.notes),
        unblocked=list(edit.unblocked),
        commit=made.commit,
        progress=documents.progress_part(Progress.of(tasks, graph, workspace.now().epoch)),
    )


def _say_import(settings: Settings, arrivals: Arrivals, made: Report, dry_run: bool) -> None:
    edit = made.edit
    if not edit.made:
        output.say("nothing to change: all of it is in the list already")
    elif dry_run and not settings.quiet:
        output.say("would change:")
    output.say_changes(settings, made, [])
    if settings.quiet:
        return
    for note in made.notes:
        output.say(clean(note))
    if arrivals.losses:
        output.say("not carried over:")
    for loss in arrivals.losses:
        output.say(f"  {clean(_loss_line(loss, len(arrivals.tasks)))}")


def _loss_line(loss: Loss, count: int) -> str:
    if len(loss.tasks) >= count > _SHOWN:
        return f"{loss.what} ({loss.why}): all of them"
    return f"{loss.what} ({loss.why}): {listed(loss.tasks, _SHOWN)}"
