"""Commands for reports: report, serve."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from gittasks import render
from gittasks.cli import output
from gittasks.cli.options import Choice, IntRange, command, option
from gittasks.cli.output import Answer, Settings
from gittasks.cli.view import at_option, exit_code, read_list, unread
from gittasks.core.graph import picture
from gittasks.core.history import phase_times, timeline
from gittasks.core.rules import violations
from gittasks.core.times import duration
from gittasks.errors import GittasksError, Usage
from gittasks.render.history_text import conflict_lines
from gittasks.render.report import MARKER, Matter, Report
from gittasks.store import disk
from gittasks.web import LivePage, Server, port_is_taken

if TYPE_CHECKING:
    from gittasks.core.view import ListView
    from gittasks.workspace import Workspace

_HEAD = 2000
"""Bytes at the beginning of a file in which a report says that it is one."""


@command(
    "report",
    option("-o", "--output", "target", metavar="FILE", help="Write to FILE; - is standard output."),
    option(
        "--format",
        "form",
        type=Choice(["html", "markdown"]),
        default="html",
        help="A page (the default), or Markdown for a pull request.",
    ),
    option("--force", is_flag=True, help="Overwrite FILE even if it is not a report."),
    at_option,
)
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
    view = read_list(workspace, at)
    text = _written(gather(workspace, view), form)
    code, notices = exit_code(view.snapshot), unread(view.snapshot)
    if target == "-" or (target is None and not settings.json and _to_stdout(form)):
        return Answer.of_file(text.removesuffix("\n"), workspace, code, notices)
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
        notices=notices,
    )


def _to_stdout(form: str) -> bool:
    return form == "markdown" or not sys.stdout.isatty()


def _written(report: Report, form: str) -> str:
    if form == "markdown":
        return render.report.markdown(report)
    return render.html.page(report)


def gather(workspace: Workspace, view: ListView) -> Report:
    """Everything that a report tells of a list as it is, or as it was."""
    snapshot, now = view.snapshot, view.now
    entries = workspace.log(without=view.past.later if view.past else ())
    course = timeline(snapshot, entries, now)
    return Report(
        view,
        phase_times(view.tasks, now),
        course,
        _matters(workspace, view),
        entries,
        picture(snapshot, now),
        render.report.owner_places(view.tasks, course),
        () if view.past else workspace.insights().top,
    )


def _matters(workspace: Workspace, view: ListView) -> list[Matter]:
    matters = [Matter("Unreadable", str(problem)) for problem in view.problems]
    # What competed is worked out for the list as it is now; of the past there is the number.
    for conflict in () if view.past else workspace.conflicts():
        first, *more = conflict_lines(conflict, full=True)
        matters.append(Matter("Conflict", first, tuple(line.strip() for line in more)))
    parallel = workspace.flag("gittasks.parallel")
    left = violations(view.snapshot, parallel=parallel)
    matters += (Matter("Trouble", t.message, (t.hint,)) for t in left)
    plain = render.plain
    silent = plain.way_lines(map(plain.silence, view.stale))
    matters += [Matter("Silent", line) for line in silent]
    sharing = plain.way_lines(plain.sharing(view.conflicts if view.past else 0, view.apart))
    matters += [Matter("Sharing", line) for line in sharing]
    return matters


# --- the file ----------------------------------------------------------------------------------


def _own_file(workspace: Workspace, form: str) -> str:
    """The default path of a report: beside the caches, in nobody's way."""
    folder = workspace.own_path("report")
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


_PORT = 7373
"""Tried first, so that an address that was kept goes on working."""


@command(
    "serve",
    option(
        "-p",
        "--port",
        type=IntRange(0, 65535),
        metavar="N",
        help=f"Serve on this port; 0 is any. Without it {_PORT}, or any when that is taken.",
    ),
    option("--fetch", metavar="TIME", help="Fetch from the remote this often: 30s, 5m."),
)
def serve_command(settings: Settings, port: int | None, fetch: str | None) -> int:
    """Show the report as a live page on this machine, until Ctrl-C.

    The page renews itself when the list moves. It is read-only, and served to this machine alone.
    """
    workspace = settings.workspace()
    workspace.branch()  # a list that is not there is told now
    every = duration(fetch, "--fetch") if fetch else None
    source = _List(settings, workspace, every)
    server = _server(source, port)
    output.answer(
        settings,
        Answer(
            lambda: render.documents.serve_document(
                workspace.snapshot().info, server.address, server.server_port
            ),
            lambda _: f"{workspace.list_id}: {server.address} (Ctrl-C ends it)",
            quiet=[server.address],
            workspace=workspace,
        ),
    )
    try:
        server.run()
    finally:
        source.close()
    return 0


class _List:
    """The list at work as the source of a page; the same list, whatever is `use`d meanwhile."""

    def __init__(self, settings: Settings, workspace: Workspace, every: float | None) -> None:
        settings.list_id = workspace.list_id
        self._settings = settings
        self._follower = workspace.follow(every)

    def moved(self) -> bool:
        try:
            return self._follower.look() is not None
        except GittasksError:
            return True

    def page(self) -> str:
        try:
            workspace = self._settings.workspace()
            return render.html.page(gather(workspace, read_list(workspace)), is_live=True)
        except GittasksError as error:
            reason = f"{error.message}\n{error.hint or ''}"
            return render.html.notice_page("No report just now", reason)

    def close(self) -> None:
        self._follower.close()


def _server(source: _List, port: int | None) -> Server:
    live = LivePage(source)
    try:
        return Server(_PORT if port is None else port, live, render.html.policy(is_live=True))
    except OSError as error:
        if port is None and port_is_taken(error):
            return Server(0, live, render.html.policy(is_live=True))
        raise Usage(
            f"cannot serve on port {port}: {error.strerror or error}",
            hint="choose another with --port, or leave it out",
        ) from error
