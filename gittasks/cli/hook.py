"""The command that git's hooks run; a module of its own, since each commit starts it."""

from __future__ import annotations

import sys

from gittasks import render
from gittasks.cli import output
from gittasks.cli.main import unexpected
from gittasks.cli.options import argument, command
from gittasks.cli.output import Settings
from gittasks.errors import DiskFailure, GittasksError, Refused, Untrusted
from gittasks.githooks import commits, dispatch

_MOST = 12
"""Lines that a hook says: what a commit prints should be read."""


@command("hook", argument("name"), argument("arguments", nargs=-1), unknown_options=True, hot=True)
def hook_command(settings: Settings, name: str, arguments: tuple[str, ...]) -> int:
    """Do what a git hook does. git calls this through the scripts that hooks install puts in place.

    Nothing that goes wrong here may stop git: the exit code is 0, or 5 for a commit that
    gittasks.strictTrailers refuses.
    """
    reads = name in dispatch.READING and not sys.stdin.isatty()
    stdin = sys.stdin.buffer.read().decode("utf-8", "replace") if reads else ""
    try:
        lines = dispatch.run(
            name,
            arguments,
            stdin,
            start=settings.directory,
            env=settings.environment(),
            list_id=settings.list_id,
        )
    except Refused as refusal:
        if name == "commit-msg" and refusal.rule == "trailer":
            raise
        lines = [str(refusal)]
    except Untrusted as error:
        lines = error.message.splitlines()
    except GittasksError as error:
        lines = [f"{error.message}{f' ({error.hint})' if error.hint else ''}"]
    except OSError as error:
        failure = DiskFailure.of(error)
        place = f"{failure.where}: " if failure.where else ""
        later = f" (later: {commits.CATCH_UP})" if name == "post-commit" else ""
        lines = [f"{place}{failure.message}{later}"]
    except Exception as error:  # noqa: BLE001  not even a bug of ours may stop git
        lines = [str(unexpected(error))]
    if not settings.quiet:
        for line in lines[:_MOST]:
            output.say(f"gittasks: {render.text.clean(line)}", err=True)
        if len(lines) > _MOST:
            output.say(f"gittasks: and {len(lines) - _MOST} lines more", err=True)
    return 0
