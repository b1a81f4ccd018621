"""Commands about git itself: merge-driver, doctor."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from gittasks import render
from gittasks.cli.options import command
from gittasks.cli.output import Answer
from gittasks.cli.settings import Settings
from gittasks.errors import NotFound

if TYPE_CHECKING:
    from gittasks.workspace import Finding
from gittasks.store import disk


@command("merge-driver")
@click.argument("base")
@click.argument("ours")
@click.argument("theirs")
@click.argument("path")
@click.pass_obj
def merge_driver_command(settings: Settings, base: str, ours: str, theirs: str, path: str) -> None:
    """Merge one task file for git: BASE OURS THEIRS are files, the result goes into OURS.

    git calls this (gitattributes, "Defining a custom merge driver"); hooks install sets it up.
    """
    from gittasks.store.merge_file import merge_file
    from gittasks.store.repository import Repository

    versions = [_read(name) for name in (base, ours, theirs)]
    merged = merge_file(Repository(settings.directory, dict(os.environ)), path, *versions)
    disk.replace_file(ours, merged, like=ours)


def _read(name: str) -> bytes:
    try:
        with open(name, "rb") as file:
            return file.read()
    except OSError as error:
        raise NotFound(f"cannot read {name}: {error.strerror}") from error


@command("doctor")
@click.option("--fix", is_flag=True, help="Mend what can be mended without a choice.")
@click.pass_obj
def doctor_command(settings: Settings, fix: bool) -> Answer:
    """Look over the repository and all its lists; exit code 1 when there is something to see to."""
    workspace = settings.workspace()
    findings = workspace.doctor(fix=fix)
    return Answer(
        lambda: render.documents.doctor_document(findings),
        lambda _: "\n".join(_lines(findings)),
        quiet=(),
        workspace=workspace,
        exit_code=1 if any(not finding.fixed for finding in findings) else 0,
    )


def _lines(findings: list[Finding]) -> list[str]:
    clean, lines = render.text.clean, []
    for finding in findings:
        where = f"{clean(finding.list_id)}: " if finding.list_id else ""
        lines.append(f"{where}{clean(finding.message)}")
        lines.append("  fixed" if finding.fixed else f"  {clean(finding.hint)}")
    return lines or ["nothing to see to"]
