"""The command log: the history as lines, or drawn along time."""

from __future__ import annotations

import sys

from gittasks import render
from gittasks.cli.options import IntRange, argument, command, option
from gittasks.cli.output import Answer
from gittasks.cli.settings import Settings
from gittasks.cli.view import exit_code, since_option
from gittasks.core.history import phase_times, timeline, workers
from gittasks.core.ids import find
from gittasks.errors import Usage
from gittasks.light import TYPE_CHECKING

if TYPE_CHECKING:
    from gittasks.render.text import StatusMarks

_PIPE = 100
"""Columns where there is no terminal, unless COLUMNS says another number."""


def show_timeline(settings: Settings, task_id: str | None, limit: int | None = None) -> Answer:
    """The timeline of the list at work, or of one task."""
    workspace = settings.workspace()
    snapshot, now = workspace.snapshot(), workspace.now().epoch
    chosen = find(snapshot, task_id, cut=True) if task_id else None
    shown = timeline(snapshot, workspace.log(), now)
    phases = phase_times(snapshot.ordered(), now) if chosen is None else []
    return Answer(
        lambda: render.documents.timeline_document(
            shown, snapshot.info, workers(shown), phases, chosen
        ),
        lambda marks: "\n".join(
            [
                *render.history_text.timeline_lines(
                    shown, snapshot, marks, _columns(), chosen, limit
                ),
                *render.history_text.phase_lines(phases),
            ]
        ),
        quiet=[name for name in shown.by_task() if chosen in (None, name)],
        exit_code=exit_code(snapshot),
    )


def _columns() -> int:
    import shutil  # it brings bz2 and lzma, which no warm read needs

    fallback = (_PIPE, 24)
    if sys.stdout.isatty():
        return shutil.get_terminal_size(fallback).columns - 1
    return shutil.get_terminal_size(fallback).columns


@command(
    "log",
    argument("task_id", metavar="[ID]", required=False),
    option("-n", "--limit", type=IntRange(1), metavar="N", help="Only the newest N."),
    option("--reverse", is_flag=True, help="Oldest first."),
    since_option,
    option("--timeline", "--graph", "drawn", is_flag=True, help="Draw when each task was done."),
    hot=True,
)
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
        if reverse or since:
            raise Usage("--reverse and --since do not go with --timeline")
        return show_timeline(settings, task_id, limit)
    workspace = settings.workspace()
    snapshot = workspace.snapshot()
    chosen = find(snapshot, task_id, cut=True) if task_id else None
    only = None if since is None else workspace.look_back(since).moment.later
    entries = workspace.log(chosen, limit=limit, only=only)
    if reverse:
        entries.reverse()
    times = phase_times(snapshot.ordered(), workspace.now().epoch) if chosen is None else []

    def text(marks: StatusMarks) -> str:
        lines = render.history_text.entry_lines(entries, marks, with_task=chosen is None)
        return "\n".join([*lines, *render.history_text.phase_lines(times)])

    return Answer(
        lambda: render.documents.log_document(snapshot.info, entries, times),
        text,
        drawing=lambda screen: screen.fitted(text(settings.marks())),
        paged=True,
        exit_code=exit_code(snapshot),
    )
