"""Commands that carry lists in and out: import, export, template."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from gittasks import render
from gittasks.cli import view
from gittasks.cli.options import (
    Choice,
    argument,
    command,
    option,
    owner_option,
    values_of,
    variable_option,
)
from gittasks.cli.output import Answer, Settings, changed_ids
from gittasks.cli.view import filter_of, filter_options
from gittasks.codec.importers import MAX_BYTES, SourceFile, read_source
from gittasks.codec.plan_markdown import write_markdown
from gittasks.codec.plan_yaml import write_template
from gittasks.core.graph import Graph
from gittasks.core.ids import listed
from gittasks.core.imports import assign_ids
from gittasks.core.model import Status
from gittasks.errors import InvalidData, NotFound
from gittasks.store import disk

if TYPE_CHECKING:
    from gittasks.core.imports import Dropped, ImportBatch
    from gittasks.core.model import Snapshot, Task
    from gittasks.render.text import StatusMarks
    from gittasks.workspace import EditResult

MOST_FILES = 20_000
_HOMES = ((".tickets",), ("backlog", "tasks"), (".beads", "issues.jsonl"))
"""Where the tools keep their tasks in a project, as a path below it."""
_BACKLOG = (("tasks",), ("completed",), ("drafts",), ("archive", "tasks"))


def read_files(name: str) -> list[SourceFile]:
    """The files that `name` stands for. Raises NotFound and InvalidData."""
    if name == "-":
        return [SourceFile("standard input", sys.stdin.buffer.read(MAX_BYTES + 1))]
    try:
        if os.path.isdir(name):
            return _folder(name)
        return [SourceFile(name, _bytes(name, MAX_BYTES))]
    except OSError as error:
        hint = "give a file, the folder of another tool, or - for stdin"
        raise NotFound(f"cannot read {name}: {error.strerror}", hint=hint) from error


def _folder(name: str) -> list[SourceFile]:
    for parts in _HOMES:
        inner = os.path.join(name, *parts)
        if os.path.exists(inner):
            folder = os.path.join(name, "backlog") if parts[0] == "backlog" else inner
            if os.path.isfile(folder):
                return [SourceFile(folder, _bytes(folder, MAX_BYTES))]
            return _markdown(folder)
    return _markdown(name)


def _markdown(folder: str) -> list[SourceFile]:
    parts: list[tuple[str, ...]] = [p for p in _BACKLOG if os.path.isdir(os.path.join(folder, *p))]
    if not os.path.isdir(os.path.join(folder, "tasks")):
        parts = [()]
    paths = [path for part in parts for path in _below(os.path.join(folder, *part))]
    if not paths:
        hint = "give .tickets, the folder of Backlog.md, or a file"
        raise InvalidData("there is no Markdown file in this folder", where=folder, hint=hint)
    if len(paths) > MOST_FILES:
        raise InvalidData(f"more than {MOST_FILES} files", where=folder)
    files, room = [], MAX_BYTES
    for path in paths:
        data = _bytes(path, room)
        room -= len(data)
        files.append(SourceFile(path, data))
    return files


def _below(folder: str) -> Iterator[str]:
    """Its Markdown files, in natural order (9 before 10); links are not followed."""
    with os.scandir(folder) as entries:
        names = [
            e.name for e in entries if e.name.endswith(".md") and e.is_file(follow_symlinks=False)
        ]
    for name in sorted(names, key=_natural):
        yield os.path.join(folder, name)


def _natural(name: str) -> list[tuple[int, str]]:
    parts = re.split("([0-9]+)", name)
    return [(int(p), "") if n % 2 and len(p) < 19 else (0, p) for n, p in enumerate(parts)]


def _bytes(path: str, most: int) -> bytes:
    with open(path, "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise InvalidData(f"this is more than {MAX_BYTES // 1024 // 1024} MiB", where=path)
    return data


_SHOWN = 3
"""Tasks that are named for each thing that is not carried over."""


@command(
    "export",
    option(
        "--format",
        "form",
        type=Choice(["json", "markdown", "csv"]),
        help="json: everything. markdown: a plan for apply. csv: for a spreadsheet.",
    ),
    option("-o", "--output", "path", metavar="FILE", help="Write to FILE instead of stdout."),
    option("--status", "statuses", multiple=True, type=view.STATUSES, help="Only in this state."),
    option("--owner", metavar="NAME", help="Only tasks of NAME."),
    *filter_options,
    view.at_option,
)
def export_command(
    settings: Settings, /, form: str | None, path: str | None, at: str | None, **conditions: Any
) -> Answer:
    """Print the list, deleted tasks included in JSON.

    Without --format the ending of FILE tells the form (.md, .csv), else it is JSON.
    """
    form = form or _form_of(path)
    workspace = settings.workspace()
    snapshot = workspace.look_back(at).branch.snapshot if at else workspace.snapshot()
    chosen = filter_of(conditions, deleted=True)
    tasks = chosen.of(snapshot, Graph.of(snapshot), workspace.actor.owner)
    text = _exported(snapshot, tasks, form)
    code, unread = view.exit_code(snapshot), view.unread(snapshot)
    if path is None:
        return Answer.of_file(text, workspace, code, unread)
    _write(path, text)
    count = len(tasks)
    noun = "task" if count == 1 else "tasks"
    return Answer(
        lambda: render.documents.exported_document(snapshot.info, form, count),
        lambda _: f"{count} {noun} written as {form}",
        quiet=(),
        workspace=workspace,
        exit_code=code,
        notices=unread,
    )


@command(
    "template",
    variable_option("Write ${NAME} where the list says VALUE. Repeatable."),
    option("-o", "--output", "path", metavar="FILE", help="Write to FILE instead of stdout."),
)
def template_command(settings: Settings, variables: tuple[str, ...], path: str | None) -> Answer:
    """Print the list as a plan to be used again: without states, owners, results and times.

    `apply` makes the tasks of a new list from it; -D gives its variables other values there.
    """
    values = values_of(variables)
    workspace = settings.workspace()
    snapshot = workspace.snapshot()
    text = render.text.clean_block(write_template(snapshot, values))
    code, unread = view.exit_code(snapshot), view.unread(snapshot)
    if path is None:
        return Answer.of_file(text, workspace, code, unread)
    _write(path, text)
    count = len(snapshot.ordered())
    return Answer(
        lambda: render.documents.exported_document(snapshot.info, "plan", count),
        lambda _: f"{count} {'task' if count == 1 else 'tasks'} written as a plan",
        quiet=(),
        workspace=workspace,
        exit_code=code,
        notices=unread,
    )


def _form_of(path: str | None) -> str:
    ending = os.path.splitext(path or "")[1].lower()
    return {".md": "markdown", ".markdown": "markdown", ".csv": "csv"}.get(ending, "json")


def _exported(snapshot: Snapshot, tasks: Sequence[Task], form: str) -> str:
    if form == "markdown":
        text = write_markdown(snapshot.info, tasks)
        return render.text.clean_block(text).rstrip("\n")
    if form == "csv":
        shown = [task for task in tasks if task.status is not Status.DELETED]
        return render.report.csv_table(shown, Graph.of(snapshot)).rstrip("\n")
    return render.documents.dumps(render.documents.export_document(snapshot, tasks))


def _write(path: str, text: str) -> None:
    """Write the file, or leave the one that is there as it was."""
    try:
        disk.replace_file(path, f"{text}\n".encode(), like=path)
    except OSError as error:
        hint = "the list was only read; choose another place"
        raise InvalidData(f"cannot write {path}: {error.strerror}", hint=hint) from error


@command(
    "import",
    argument("source", metavar="FILE|DIR|-"),
    option(
        "--format",
        "form",
        type=Choice(["json", "beads", "taskwarrior", "ticket", "backlog"]),
        help="The tool that wrote the files; by default the content tells.",
    ),
    option("--dry-run", is_flag=True, help="Only show what would change."),
    owner_option,
)
def import_command(
    settings: Settings, source: str, form: str | None, dry_run: bool, owner: str | None
) -> Answer:
    """Import tasks from another tool, or an exported list, in one commit.

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
            assign_ids(arrivals.tasks, edit.after),
            dry_run=dry_run,
        ),
        lambda marks: "\n".join(_import_lines(arrivals, report, marks, dry_run=dry_run)),
        quiet=[*([] if edit.made else [_NOTHING]), *changed_ids(report)],
        workspace=workspace,
    )


_NOTHING = "nothing to change: all of it is in the list already"


def _import_lines(
    arrivals: ImportBatch, report: EditResult, marks: StatusMarks, *, dry_run: bool
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


def _loss_line(loss: Dropped, count: int) -> str:
    if len(loss.tasks) >= count > _SHOWN:
        return f"{loss.what} ({loss.why}): all of them"
    return f"{loss.what} ({loss.why}): {listed(loss.tasks, _SHOWN)}"
