"""Commands about git itself: merge-driver, doctor."""

from __future__ import annotations

import os
from typing import Any

import click

from gittasks.cli import output
from gittasks.cli.options import command
from gittasks.cli.settings import Settings
from gittasks.errors import NotFound
from gittasks.render.text import clean
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
def doctor_command(settings: Settings, fix: bool) -> int:
    """Look over the repository and all its lists; exit code 1 when there is something to see to."""
    workspace = settings.workspace()
    found = workspace.doctor(fix=fix)
    if settings.json:
        from gittasks.render import documents

        rows: list[dict[str, Any]] = [
            {
                "check": f.check,
                "list": f.list_id,
                "message": f.message,
                "hint": f.hint,
                "fixed": f.fixed,
            }
            for f in found
        ]
        output.document(documents.envelope("doctor", findings=rows))
    elif not settings.quiet:
        for f in found:
            where = f"{clean(f.list_id)}: " if f.list_id else ""
            output.say(f"{where}{clean(f.message)}")
            output.say("  fixed" if f.fixed else f"  {clean(f.hint)}")
        if not found:
            output.say("nothing to see to")
    output.notices(settings, workspace)
    return 1 if any(not f.fixed for f in found) else 0
