"""`log --timeline`: when each task was worked on, drawn with characters."""

from __future__ import annotations

import shutil
import sys

from gittasks.cli import output
from gittasks.cli.history import phase_lines
from gittasks.cli.settings import Settings
from gittasks.core.history import phase_times
from gittasks.core.lookup import find
from gittasks.core.timeline import timeline
from gittasks.errors import InvalidData

_PIPE = 100
"""Columns where there is no terminal, unless COLUMNS says another number."""


def show_timeline(settings: Settings, task_id: str | None, limit: int | None = None) -> int:
    """Print the timeline of the list at work, or of one task; returns the exit code."""
    from gittasks.render.timeline import timeline_document, timeline_lines

    workspace = settings.workspace()
    snapshot, now = workspace.snapshot(), workspace.now().epoch
    chosen = find(snapshot, task_id) if task_id else None
    shown = timeline(snapshot, workspace.log(), now)
    phases = phase_times(snapshot.ordered(), now)
    if settings.json:
        output.document(timeline_document(shown, snapshot, phases, chosen))
    elif settings.quiet:
        for name in shown.by_task():
            if chosen in (None, name):
                output.say(name)
    else:
        lines = timeline_lines(shown, snapshot, settings.marks(), _columns(), chosen, limit)
        lines += phase_lines(phases if chosen is None else [])
        output.say("\n".join(lines))
    return InvalidData.exit_code if snapshot.problems else 0


def _columns() -> int:
    fallback = (_PIPE, 24)
    if sys.stdout.isatty():
        return shutil.get_terminal_size(fallback).columns - 1
    return shutil.get_terminal_size(fallback).columns
