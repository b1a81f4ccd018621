"""Commands about Claude Code: its own task files, and the events that it tells hooks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from gittasks import render
from gittasks.cli import output
from gittasks.cli.options import Command, common_options, owner_option
from gittasks.cli.output import Answer
from gittasks.cli.settings import Settings

if TYPE_CHECKING:
    from gittasks.claude.native import Fault

_EVENT_LIMIT = 4 * 1024 * 1024
"""Most bytes of an event that are read."""
_ABOUT_SETTINGS = ("install", "uninstall", "status")


class ClaudeGroup(click.Group):
    """The commands about settings are in a module of their own, which a hook does not load."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """All names, in the order of the help text."""
        return [*_ABOUT_SETTINGS, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in _ABOUT_SETTINGS:
            return super().get_command(ctx, cmd_name)
        from gittasks.cli import claude_settings

        found: click.Command = getattr(claude_settings, f"{cmd_name}_command")
        return found


@click.group("claude", cls=ClaudeGroup, params=common_options(), add_help_option=False)
def claude_command() -> None:
    """Let Claude Code work on the list: settings, hooks, its own task files."""


# --- native task files -----------------------------------------------------------------------


@claude_command.command("import", cls=Command, short_help="Take its own tasks into the list.")
@click.argument("name", required=False, metavar="[NAME]")
@owner_option
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@click.pass_obj
def import_command(
    settings: Settings, name: str | None, owner: str | None, dry_run: bool
) -> Answer:
    """Take Claude Code's own tasks into the list, as one commit.

    NAME is a folder of ~/.claude/tasks; without it that of the session, or the one called as
    the list.
    """
    from gittasks.claude import transfer  # a hook does without

    workspace = settings.workspace(owner)
    taken = transfer.import_tasks(workspace, name, dry_run=dry_run)
    return Answer(
        lambda: render.documents.claude_import_document(
            workspace.snapshot().info,
            taken.name,
            taken.edit,
            taken.report.commit if taken.report else None,
            {number: link.task for number, link in taken.links.items()},
            taken.faults,
        ),
        lambda marks: (
            render.plain.edited(taken.report.edit, marks)
            if taken.report
            else f"{taken.name}: nothing new in {len(taken.links)} tasks"
        ),
        quiet=(),
        beside=_fault_lines(taken.faults),
        workspace=workspace,
    )


@claude_command.command("export", cls=Command, short_help="Write the list as its own tasks.")
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@click.pass_obj
def export_command(settings: Settings, name: str | None, dry_run: bool) -> Answer:
    """Write the list as Claude Code's own tasks, into the folder NAME of ~/.claude/tasks.

    Without NAME it is the one that CLAUDE_CODE_TASK_LIST_ID names, or is called as the list.
    """
    from gittasks.claude import transfer  # a hook does without

    workspace = settings.workspace()
    sent = transfer.export_tasks(workspace, name, dry_run=dry_run)
    removed = f", {len(sent.removed)} removed" if sent.removed else ""
    return Answer(
        lambda: render.documents.claude_export_document(
            workspace.snapshot().info,
            sent.name,
            sent.written,
            sent.removed,
            {number: link.task for number, link in sent.links.items()},
            sent.faults,
        ),
        lambda _: f"{sent.name}: {len(sent.written)} of {len(sent.links)} tasks written{removed}",
        quiet=(),
        beside=_fault_lines(sent.faults),
        workspace=workspace,
    )


def _fault_lines(faults: Sequence[Fault]) -> list[str]:
    return [f"not carried over: {render.text.clean(str(fault))}" for fault in faults]


# --- events ----------------------------------------------------------------------------------


class HookCommand(Command):
    """A command whose exit code is never 2, whatever it is called with: that would block."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, but a wrong command line is a failure like any other."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            output.say(f"gittasks: {error.format_message()}", err=True)
            ctx.exit(1)


@claude_command.command("hook", cls=HookCommand, short_help="Answer an event (on stdin).")
@click.argument("event", required=False, metavar="[EVENT]")
@click.pass_obj
def hook_command(settings: Settings, event: str | None) -> int:
    """Answer an event of Claude Code, read as JSON on standard input.

    Exit code 0, or 1 with a line on standard error; never 2, which would block Claude Code.
    """
    from gittasks.claude import hook

    directory = None if settings.directory == "." else settings.directory
    answer = hook.answer(
        _read_event,
        event or "",
        settings.environment(),
        directory=directory,
        list_id=settings.list_id,
    )
    if answer.out:
        output.say(answer.out)
    for line in answer.said:
        output.say(f"gittasks: {line}", err=True)
    return answer.code


def _read_event() -> bytes:
    return b"" if sys.stdin.isatty() else sys.stdin.buffer.read(_EVENT_LIMIT)
