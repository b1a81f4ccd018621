"""Commands about git itself: hooks, merge-driver, doctor."""

from __future__ import annotations

import os
from typing import Any

import click

from gittasks.cli import output
from gittasks.cli.options import Settings, command, common_options
from gittasks.errors import NotFound


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
    temporary = f"{ours}.gittasks"
    with open(temporary, "wb") as file:
        file.write(merged)
    os.replace(temporary, ours)


def _read(name: str) -> bytes:
    try:
        with open(name, "rb") as file:
            return file.read()
    except OSError as error:
        raise NotFound(f"cannot read {name}: {error.strerror}") from error


@click.group("hooks", params=common_options(), add_help_option=False)
def hooks_command() -> None:
    """Let git call gittasks: install, uninstall, status.

    Installed is the merge driver, with which plain git merge and git pull in a worktree of a
    list's branch merge task files field by field.
    """


@hooks_command.command("install", params=common_options(), add_help_option=False)
@click.pass_obj
def install_command(settings: Settings) -> None:
    """Set up the merge driver in this repository's git configuration."""
    _answer(settings, "install")


@hooks_command.command("uninstall", params=common_options(), add_help_option=False)
@click.pass_obj
def uninstall_command(settings: Settings) -> None:
    """Take out what install set up."""
    _answer(settings, "uninstall")


@hooks_command.command("status", params=common_options(), add_help_option=False)
@click.pass_obj
def status_command(settings: Settings) -> int:
    """Show what is set up; exit code 1 when it is not."""
    return 0 if _answer(settings, "status") else 1


def _answer(settings: Settings, action: str) -> bool:
    from gittasks.workspace import merge_driver

    workspace = settings.workspace()
    changed = False
    if action != "status":
        change = merge_driver.install if action == "install" else merge_driver.uninstall
        changed = change(workspace.repository)
    installed = merge_driver.is_installed(workspace.repository)
    if settings.json:
        from gittasks.render import documents

        output.document(documents.envelope("hooks", changed=changed, mergeDriver=installed))
    elif not settings.quiet:
        state = "is set up" if installed else "is not set up"
        already = "" if changed or action == "status" else " already"
        output.say(f"the merge driver {state}{already}")
    return installed


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
        from gittasks.render.text import clean

        for f in found:
            where = f"{clean(f.list_id)}: " if f.list_id else ""
            output.say(f"{where}{clean(f.message)}")
            output.say("  fixed" if f.fixed else f"  {clean(f.hint)}")
        if not found:
            output.say("nothing to see to")
    output.notices(settings, workspace)
    return 1 if any(not f.fixed for f in found) else 0
