"""The command lint."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from gittasks.cli import output
from gittasks.cli.options import command
from gittasks.cli.settings import Settings
from gittasks.errors import InvalidData
from gittasks.render.text import clean

if TYPE_CHECKING:
    from gittasks.core.lint.table import Finding


@command("lint")
@click.option("--rule", "only", multiple=True, metavar="RULE", help="Only this rule.")
@click.option("--ignore", multiple=True, metavar="RULE", help="All but this rule.")
@click.pass_obj
def lint_command(settings: Settings, only: tuple[str, ...], ignore: tuple[str, ...]) -> int:
    """Say what makes the progress of this list hard to see, and what to do about it.

    It reads the list and its history and changes nothing. Exit code 1 when it finds something.
    """
    workspace = settings.workspace()
    snapshot = workspace.snapshot()
    found = workspace.lint(snapshot, only, ignore)
    if settings.json:
        from gittasks.render import documents

        output.document(
            documents.envelope(
                "lint",
                list=documents.list_part(snapshot.info),
                findings=[{**f._asdict(), "tasks": list(f.tasks)} for f in found],
                problems=documents.problems_part(snapshot.problems),
            )
        )
    elif settings.quiet:
        for task_id in dict.fromkeys(i for f in found for i in f.tasks):
            output.say(task_id)
    else:
        from gittasks.render.plain import problem_lines

        output.say("\n".join([*_lines(found), *problem_lines(snapshot.problems)]))
    output.notices(settings, workspace)
    if snapshot.problems:
        return InvalidData.exit_code
    return 1 if found else 0


def _lines(found: list[Finding]) -> list[str]:
    """Two lines a finding, then how many there are."""
    if not found:
        return ["nothing to improve"]
    lines = []
    for f in found:
        lines += [f"{f.severity}: {clean(f.message)} [{f.rule}]", f"  {clean(f.hint)}"]
    counts = Counter(f.severity for f in found)
    total = "1 finding" if len(found) == 1 else f"{len(found)} findings"
    parts = ", ".join(f"{n} {_plural(severity, n)}" for severity, n in counts.items())
    return [*lines, f"{total}: {parts}"]


def _plural(severity: str, count: int) -> str:
    return severity if count == 1 or severity == "info" else f"{severity}s"
