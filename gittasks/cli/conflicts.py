"""The command conflicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gittasks import render
from gittasks.cli.options import command
from gittasks.cli.output import Answer
from gittasks.cli.settings import Settings
from gittasks.core.lookup import find

if TYPE_CHECKING:
    from gittasks.core.conflicts import OpenConflict


@command("conflicts")
@click.argument("task_id", metavar="[ID]", required=False)
@click.option("--keep", is_flag=True, help="Settle them: what stands is right.")
@click.pass_obj
def conflicts_command(settings: Settings, task_id: str | None, keep: bool) -> Answer:
    """Show what was changed in two places at once: what stands, what does not, how to swap.

    Nothing has to be done about them: one value stands everywhere. A conflict is gone when
    somebody changes that field again, or keeps what stands. Exit code 1 when there are some.
    """
    workspace = settings.workspace()
    snapshot = workspace.snapshot()
    chosen = find(snapshot, task_id) if task_id else None
    settled = workspace.keep_conflicts(chosen) if keep else 0
    conflicts = [c for c in workspace.conflicts() if chosen in (None, c.task)]
    return Answer(
        lambda: render.documents.conflicts_document(snapshot.info, conflicts, settled),
        lambda _: "\n".join(_lines(conflicts, settled)),
        quiet=dict.fromkeys(conflict.task or "" for conflict in conflicts),
        exit_code=1 if conflicts else 0,
    )


def _lines(conflicts: list[OpenConflict], settled: int) -> list[str]:
    lines = [f"settled {settled}: what stands is kept"] if settled else []
    for conflict in conflicts:
        lines += render.history_text.conflict_lines(conflict, full=True)
    if conflicts:
        lines.append("when all that stands is right: gittasks conflicts --keep")
    return lines or ["no conflicts"]
