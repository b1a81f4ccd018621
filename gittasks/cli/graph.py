"""The command graph."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from gittasks.cli import output
from gittasks.cli.options import command
from gittasks.cli.settings import Settings
from gittasks.core.lookup import find
from gittasks.core.picture import Picture, picture
from gittasks.errors import InvalidData

if TYPE_CHECKING:
    from gittasks.core.model import Snapshot

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
def graph_command(settings: Settings, task_id: str | None, form: str, only_open: bool) -> int:
    """Show what waits for what, and the critical path.

    With ID only what has to come before that task and what comes after it.
    """
    workspace = settings.workspace()
    snapshot, now = workspace.snapshot(), workspace.now().epoch
    chosen = find(snapshot, task_id) if task_id else None
    shown = picture(snapshot, now, only_open=only_open, task_id=chosen)
    if settings.json:
        output.document(graph_document(snapshot, shown))
    elif settings.quiet:
        output.say_ids(shown.net.tasks)
    elif form == "text":
        from gittasks.render import plain, tree

        marks = settings.marks()
        lines = tree.lines_for(marks, terminal=sys.stdout.isatty())
        drawn = tree.tree(shown, marks, lines, now)
        output.say("\n".join([drawn, *plain.problem_lines(snapshot.problems)]))
    else:
        _say_diagram(settings, snapshot, shown, form)
    output.notices(settings, workspace)
    return InvalidData.exit_code if snapshot.problems else 0


def _say_diagram(settings: Settings, snapshot: Snapshot, shown: Picture, form: str) -> None:
    from gittasks.render import diagrams
    from gittasks.render.text import marks

    plain_marks, problems = marks(sys.stdout.encoding), list(map(str, snapshot.problems))
    if form == "dot":
        output.say(diagrams.dot(snapshot.info, shown, plain_marks, problems))
        return
    output.say(diagrams.mermaid(shown, plain_marks, problems))
    arrows = sum(map(len, shown.net.waits.values()))
    if arrows > _MERMAID_ARROWS and not settings.quiet:
        output.say(
            f"hint: Mermaid draws {_MERMAID_ARROWS} arrows unless its maxEdges is set, and these "
            f"are {arrows}; --open or an ID shows fewer",
            err=True,
        )


def graph_document(snapshot: Snapshot, shown: Picture) -> dict[str, Any]:
    """The answer of `graph` as JSON."""
    from gittasks.core.paths import layers
    from gittasks.render import documents

    depth, steps, critical = layers(shown.net), shown.critical_steps, set(shown.critical.tasks)
    edges = [(t.id, b) for t in shown.net.tasks for b in shown.net.waits[t.id]]
    return documents.envelope(
        "graph",
        list=documents.list_part(snapshot.info),
        nodes=[
            {
                "id": t.id,
                "subject": t.subject,
                "status": str(t.status),
                "owner": t.owner,
                "phase": t.phase_label,
                "layer": depth[t.id],
                "critical": t.id in critical,
                "missing": list(shown.missing.get(t.id, ())),
            }
            for t in shown.net.tasks
        ],
        edges=[
            {"from": b, "to": t, "critical": (t, b) in steps, "cycle": closes}
            for pairs, closes in ((edges, False), (shown.net.closing, True))
            for t, b in pairs
        ],
        criticalPath={
            "tasks": list(shown.critical.tasks),
            "left": list(shown.critical.left),
            "seconds": shown.critical.seconds,
        },
        cycles=[list(cycle) for cycle in shown.cycles],
        problems=documents.problems_part(snapshot.problems),
    )
