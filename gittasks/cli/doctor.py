"""The command doctor: the repository, its hooks and all its lists looked over."""

from __future__ import annotations

import click

from gittasks import render
from gittasks.cli.options import command
from gittasks.cli.output import Answer
from gittasks.cli.settings import Settings
from gittasks.githooks import upkeep
from gittasks.workspace import Symptom


@command("doctor")
@click.option("--fix", is_flag=True, help="Mend what can be mended without a choice.")
@click.pass_obj
def doctor_command(settings: Settings, fix: bool) -> Answer:
    """Look over the repository and all its lists; exit code 1 when there is something to see to."""
    workspace = settings.workspace()
    findings = [*upkeep.examine(workspace, fix=fix), *workspace.doctor(fix=fix)]
    return Answer(
        lambda: render.documents.doctor_document(findings),
        lambda _: "\n".join(_symptom_lines(findings)),
        quiet=(),
        workspace=workspace,
        exit_code=1 if any(not finding.fixed for finding in findings) else 0,
    )


def _symptom_lines(findings: list[Symptom]) -> list[str]:
    clean, lines = render.text.clean, []
    for finding in findings:
        where = f"{clean(finding.list_id)}: " if finding.list_id else ""
        lines.append(f"{where}{clean(finding.message)}")
        lines.append("  fixed" if finding.fixed else f"  {clean(finding.hint)}")
    return lines or ["nothing to see to"]
