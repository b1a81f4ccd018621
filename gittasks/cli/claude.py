"""The group `gittasks claude` and the hook that Claude Code calls, which loads nothing else."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from gittasks.cli import output
from gittasks.cli.options import Command, common_options
from gittasks.cli.settings import Settings

_EVENT_LIMIT = 4 * 1024 * 1024
"""Most bytes of an event that are read."""
_FOR_PEOPLE = ("install", "uninstall", "status", "import", "export")


class ClaudeGroup(click.Group):
    """The commands that people run are in a module of their own, which a hook does not load."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """All names, in the order of the help text."""
        return [*_FOR_PEOPLE, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in _FOR_PEOPLE:
            return super().get_command(ctx, cmd_name)
        module = import_module("gittasks.cli.claude_commands")
        result: click.Command = getattr(module, f"{cmd_name}_command")
        return result


@click.group("claude", cls=ClaudeGroup, params=common_options(), add_help_option=False)
def claude_command() -> None:
    """Let Claude Code work on the list: settings, hooks, its own task files."""


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
    for line in answer.messages:
        output.say(f"gittasks: {line}", err=True)
    return answer.code


def _read_event() -> bytes:
    return b"" if sys.stdin.isatty() else sys.stdin.buffer.read(_EVENT_LIMIT)
