"""The command lint."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from gittasks import render
from gittasks.cli import looking
from gittasks.cli.options import command
from gittasks.cli.output import Answer
from gittasks.cli.settings import Settings

if TYPE_CHECKING:
    from gittasks.core.lint.table import Finding


@command("lint")
@click.option("--rule", "only", multiple=True, metavar="RULE", help="Only this rule.")
@click.option("--ignore", multiple=True, metavar="RULE", help="All but this rule.")
@click.pass_obj
def lint_command(settings: Settings, only: tuple[str, ...], ignore: tuple[str, ...]) -> Answer:
    """Say what makes the progress of this list hard to see, and what to do about it.

    It reads the list and its history and changes nothing. Exit code 1 when it finds something.
    """
    workspace = settings.workspace()
    snapshot = workspace.snapshot()
    findings = workspace.lint(snapshot, only, ignore)
    return Answer(
        lambda: render.documents.lint_document(snapshot, findings),
        lambda _: "\n".join([*_lines(findings), *render.plain.problem_lines(snapshot.problems)]),
        quiet=dict.fromkeys(task_id for finding in findings for task_id in finding.tasks),
        workspace=workspace,
        exit_code=looking.exit_code(snapshot) or (1 if findings else 0),
    )


def _lines(found: list[Finding]) -> list[str]:
    """Two lines a finding, then how many there are."""
    clean = render.text.clean
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
