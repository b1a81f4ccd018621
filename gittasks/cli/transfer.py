"""Commands that carry whole lists: export and import."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from gittasks import render
from gittasks.cli import looking
from gittasks.cli.changing import changed_ids
from gittasks.cli.options import command, owner_option
from gittasks.cli.output import Answer
from gittasks.cli.settings import Settings
from gittasks.cli.sources import read_files
from gittasks.codec.foreign.source import read_source
from gittasks.codec.plan_markdown import write_markdown
from gittasks.core.arrivals import named
from gittasks.core.graph import Graph
from gittasks.core.ids import listed
from gittasks.errors import InvalidData
from gittasks.store import disk

if TYPE_CHECKING:
    from gittasks.core.arrivals import Arrivals, Loss
    from gittasks.core.model import Snapshot
    from gittasks.render.text import Marks
    from gittasks.workspace import EditResult

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
def export_command(settings: Settings, form: str | None, path: str | None) -> Answer:
    """Print the whole list, deleted tasks included in JSON.

    Without --format the ending of FILE tells the form (.md, .csv), else it is JSON.
    """
    form = form or _form_of(path)
    workspace = settings.workspace()
    snapshot = workspace.snapshot()
    text = _exported(snapshot, form)
    code = looking.exit_code(snapshot)
    if path is None:
        return Answer.of_file(text, workspace, code)
    _write(path, text)
    count = len(snapshot.tasks)
    noun = "task" if count == 1 else "tasks"
    return Answer(
        lambda: render.documents.exported_document(snapshot.info, form, count),
        lambda _: f"{count} {noun} written as {form}",
        quiet=(),
        workspace=workspace,
        exit_code=code,
    )


def _form_of(path: str | None) -> str:
    ending = os.path.splitext(path or "")[1].lower()
    return {".md": "markdown", ".markdown": "markdown", ".csv": "csv"}.get(ending, "json")


def _exported(snapshot: Snapshot, form: str) -> str:
    if form == "markdown":
        text = write_markdown(snapshot.info, snapshot.ordered(deleted=True))
        return render.text.clean_block(text).rstrip("\n")
    if form == "csv":
        return render.csv_table.csv_table(snapshot.ordered(), Graph.of(snapshot)).rstrip("\n")
    tasks = snapshot.ordered(deleted=True)
    return render.documents.dumps(render.documents.export_document(snapshot, tasks))


def _write(path: str, text: str) -> None:
    """Write the file, or leave the one that is there as it was."""
    try:
        disk.replace_file(path, f"{text}\n".encode(), like=path)
    except OSError as error:
        hint = "the list was only read; choose another place"
        raise InvalidData(f"cannot write {path}: {error.strerror}", hint=hint) from error


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
) -> Answer:
    """Take tasks from another tool, or an exported list, into the list, in one commit.

    \b
    json         gittasks export >FILE
    beads        bd export -o FILE
    taskwarrior  task export >FILE
    ticket       the folder .tickets
    backlog      the folder backlog of Backlog.md

    Importing the same again changes nothing. What is not carried over is listed.
    """
    where = "standard input" if source == "-" else source
    arrivals = read_source(read_files(source), where, form)
    workspace = settings.workspace(owner)
    report = workspace.apply_plan(arrivals, dry_run=dry_run)
    edit, now = report.edit, workspace.now().epoch
    return Answer(
        lambda: render.documents.import_document(
            edit,
            report.commit,
            report.notes,
            now,
            arrivals,
            named(arrivals.tasks, edit.after),
            dry_run=dry_run,
        ),
        lambda marks: "\n".join(_import_lines(arrivals, report, marks, dry_run=dry_run)),
        quiet=[*([] if edit.made else [_NOTHING]), *changed_ids(report)],
        workspace=workspace,
    )


_NOTHING = "nothing to change: all of it is in the list already"


def _import_lines(
    arrivals: Arrivals, report: EditResult, marks: Marks, *, dry_run: bool
) -> list[str]:
    lines = ["would change:"] if dry_run else []
    if not report.edit.made:
        lines = [_NOTHING]
    lines.append(render.plain.edited(report.edit, marks))
    lines += map(render.text.clean, report.notes)
    lines += ["not carried over:"] if arrivals.losses else []
    for loss in arrivals.losses:
        lines.append(f"  {render.text.clean(_loss_line(loss, len(arrivals.tasks)))}")
    return lines


def _loss_line(loss: Loss, count: int) -> str:
    if len(loss.tasks) >= count > _SHOWN:
        return f"{loss.what} ({loss.why}): all of them"
    return f"{loss.what} ({loss.why}): {listed(loss.tasks, _SHOWN)}"
