"""`log --timeline`: when each task was worked on, drawn with characters."""

from __future__ import annotations

import shutil
import sys

from gittasks import render
from gittasks.cli import looking
from gittasks.cli.output import Answer
from gittasks.cli.settings import Settings
from gittasks.core.history import phase_times
from gittasks.core.lookup import find
from gittasks.core.timeline import timeline, workers

_PIPE = 100
"""Columns where there is no terminal, unless COLUMNS says another number."""


def show_timeline(settings: Settings, task_id: str | None, limit: int | None = None) -> Answer:
    """The timeline of the list at work, or of one task."""
    workspace = settings.workspace()
    snapshot, now = workspace.snapshot(), workspace.now().epoch
    chosen = find(snapshot, task_id) if task_id else None
    shown = timeline(snapshot, workspace.log(), now)
    phases = phase_times(snapshot.ordered(), now) if chosen is None else []
    return Answer(
        lambda: render.documents.timeline_document(
            shown, snapshot.info, workers(shown), phases, chosen
        ),
        lambda marks: "\n".join(
            [
                *render.timeline.timeline_lines(shown, snapshot, marks, _columns(), chosen, limit),
                *render.history_text.phase_lines(phases),
            ]
        ),
        quiet=[name for name in shown.by_task() if chosen in (None, name)],
        exit_code=looking.exit_code(snapshot),
    )


def _columns() -> int:
    fallback = (_PIPE, 24)
    if sys.stdout.isatty():
        return shutil.get_terminal_size(fallback).columns - 1
    return shutil.get_terminal_size(fallback).columns
