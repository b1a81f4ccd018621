"""The command graph."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from gittasks import render
from gittasks.cli import looking
from gittasks.cli.options import command
from gittasks.cli.output import Answer
from gittasks.cli.settings import Settings
from gittasks.core.lookup import find
from gittasks.core.picture import Picture, picture

if TYPE_CHECKING:
    from gittasks.core.model import Snapshot
    from gittasks.render.text import Marks

_MERMAID_ARROWS = 500
"""Arrows that Mermaid draws unless it is configured otherwise (`maxEdges`)."""


@command("graph")
@click.argument("task_id", metavar="[ID]", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "mermaid", "dot"]),
    default="text",
    help="text (a tree), mermaid (for Markdown) or dot (for Graphviz).",
)
@click.option("--open", "only_open", is_flag=True, help="Leave closed tasks out.")
@click.pass_obj
def graph_command(settings: Settings, task_id: str | None, form: str, only_open: bool) -> Answer:
    """Show what waits for what, and the critical path.

    With ID only what has to come before that task and what comes after it.
    """
    workspace = settings.workspace()
    snapshot, now = workspace.snapshot(), workspace.now().epoch
    chosen = find(snapshot, task_id) if task_id else None
    shown = picture(snapshot, now, only_open=only_open, task_id=chosen)
    return Answer(
        lambda: render.documents.graph_document(snapshot, shown),
        lambda marks: _drawn(snapshot, shown, form, marks, now),
        quiet=[task.id for task in shown.net.tasks],
        hints=lambda: _hints(shown, form),
        workspace=workspace,
        exit_code=looking.exit_code(snapshot),
    )


def _drawn(snapshot: Snapshot, shown: Picture, form: str, marks: Marks, now: int) -> str:
    if form == "text":
        lines = render.tree.lines_for(marks, terminal=sys.stdout.isatty())
        drawn = render.tree.tree(shown, marks, lines, now)
        return "\n".join([drawn, *render.plain.problem_lines(snapshot.problems)])
    plain_marks = render.text.marks(sys.stdout.encoding)
    problems = list(map(str, snapshot.problems))
    if form == "dot":
        return render.diagrams.dot(snapshot.info, shown, plain_marks, problems)
    return render.diagrams.mermaid(shown, plain_marks, problems)


def _hints(shown: Picture, form: str) -> list[str]:
    arrows = sum(map(len, shown.net.waits.values()))
    if form != "mermaid" or arrows <= _MERMAID_ARROWS:
        return []
    limit = f"Mermaid draws {_MERMAID_ARROWS} arrows unless its maxEdges is set"
    return [f"{limit}, and these are {arrows}; --open or an ID shows fewer"]
