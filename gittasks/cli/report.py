"""The command report: the list as a page, or as Markdown for a pull request."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from gittasks import render
from gittasks.cli.looking import at_option, exit_code, look
from gittasks.cli.options import command
from gittasks.cli.output import Answer
from gittasks.cli.settings import Settings
from gittasks.core.history import phase_times
from gittasks.core.picture import picture
from gittasks.core.timeline import timeline
from gittasks.core.trouble import troubles
from gittasks.errors import Usage
from gittasks.render.history_text import conflict_lines, in_words
from gittasks.render.report import MARKER, Activity, Matter, Report
from gittasks.render.text import UNICODE
from gittasks.store import disk

if TYPE_CHECKING:
    from gittasks.core.view import ListView
    from gittasks.workspace import Workspace

_HEAD = 2000
"""Bytes at the beginning of a file in which a report says that it is one."""


@command("report")
@click.option(
    "-o", "--output", "target", metavar="FILE", help="Write it to FILE; - is standard output."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "markdown"]),
    default="html",
    help="A page (the default), or Markdown for a pull request.",
)
@click.option("--force", is_flag=True, help="Overwrite FILE whatever it is.")
@at_option
@click.pass_obj
def report_command(
    settings: Settings, target: str | None, form: str, force: bool, at: str | None
) -> Answer:
    """Write a report: progress, timeline, burn-up, dependencies, people, conflicts, tasks.

    The page is one file that needs no network. Without --output it goes to standard output, on a
    terminal to a file in the git directory, which is named; Markdown always to standard output.
    """
    if settings.json and target == "-":
        raise Usage("--json and --output - both want standard output", hint="give it a file")
    workspace = settings.workspace()
    view = look(workspace, at)
    text = _written(gather(workspace, view), form)
    code = exit_code(view.snapshot)
    if target == "-" or (target is None and not settings.json and _to_stdout(form)):
        return Answer.of_file(text.removesuffix("\n"), workspace, code)
    own = target is None
    path = _own_file(workspace, form) if own else str(target)
    if not own and not force:
        _check_replaceable(path)
    _write(path, text)
    size = len(text.encode())
    return Answer(
        lambda: render.documents.report_document(view.info, form, path, size),
        lambda _: f"report written to {path}",
        quiet=[path],
        workspace=workspace,
        exit_code=code,
    )


def _to_stdout(form: str) -> bool:
    return form == "markdown" or not sys.stdout.isatty()


def _written(report: Report, form: str) -> str:
    if form == "markdown":
        return render.markdown_report.markdown(report)
    return render.page.page(report)


def gather(workspace: Workspace, view: ListView) -> Report:
    """Everything that a report tells of a list as it is, or as it was."""
    snapshot, now = view.snapshot, view.now
    entries = workspace.log(without=view.past.later if view.past else ())
    return Report(
        view,
        phase_times(view.tasks, now),
        timeline(snapshot, entries, now),
        _matters(workspace, view),
        [Activity(e.at, e.commit, e.who, in_words(e, UNICODE)) for e in entries],
        picture(snapshot, now),
    )


def _matters(workspace: Workspace, view: ListView) -> list[Matter]:
    found = [Matter("Unreadable", str(problem)) for problem in view.problems]
    # What competed is worked out for the list as it is now; of the past there is the number.
    for conflict in () if view.past else workspace.conflicts():
        first, *more = conflict_lines(conflict, full=True)
        found.append(Matter("Conflict", first, tuple(line.strip() for line in more)))
    parallel = workspace.repository.config.flag("gittasks.parallel")
    left = troubles(view.snapshot, parallel=parallel)
    found += (Matter("Trouble", t.message, (t.hint,)) for t in left)
    found += [Matter("Silent", render.plain.stale_line(stale)) for stale in view.stale]
    open_then = view.conflicts if view.past else 0
    found += [Matter("Sharing", line) for line in render.plain.sharing_lines(open_then, view.apart)]
    return found


# --- the file ----------------------------------------------------------------------------------


def _own_file(workspace: Workspace, form: str) -> str:
    """Where a report goes that was not told where to: beside the caches, in nobody's way."""
    folder = os.path.join(workspace.repository.common, "gittasks", "report")
    os.makedirs(folder, exist_ok=True)
    name = f"{workspace.list_id}.{'html' if form == 'html' else 'md'}"
    return os.path.relpath(os.path.join(folder, name))


def _check_replaceable(path: str) -> None:
    """Refuse to write over a file that is no report; one that is not there yet is fine."""
    if not os.path.isfile(path) or not os.path.getsize(path):
        return
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    if MARKER.encode() not in head:
        raise Usage(
            f"{path} is there, and is no report of gittasks",
            hint="name another file, or say --force to replace it",
        )


def _write(path: str, text: str) -> None:
    """Write the whole file or nothing; what is no plain file (a pipe, /dev/stdout) as it is."""
    data = text.encode()
    path = os.path.realpath(path)
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as file:
            file.write(data)
        return
    try:
        disk.replace_file(path, data, like=path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error
