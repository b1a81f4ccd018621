"""A command line run: read, answered, its errors printed, its exit code."""

from __future__ import annotations

import os
import sys

from gittasks.cli import command_line
from gittasks.cli.output import LostOutput, Settings, say
from gittasks.errors import Bug, DiskFailure, GittasksError, Way
from gittasks.light import TYPE_CHECKING, suppress

if TYPE_CHECKING:
    from collections.abc import Sequence


def run(args: Sequence[str]) -> int:
    """Run one command line; return its exit code."""
    settings = Settings(json="--json" in _before_separator(args))
    code = 0
    try:
        done = _invoke(args, settings)
        code = done if isinstance(done, int) else done.exit_code
        if isinstance(done, GittasksError):
            _print_error(_addressed(done, settings), settings)
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):
        # The reader went away (`gittasks log | head`): nothing is wrong, and nobody listens.
        # click turns that into SystemExit, and uses it for nothing else here.
        return code
    except KeyboardInterrupt:
        with suppress(OSError, LostOutput):
            say("", err=True)  # as click does: the prompt begins on a line of its own
        return 130
    except (LostOutput, OSError) as error:
        return code or _report_lost_output(error, settings)
    return code


def _addressed(error: GittasksError, settings: Settings) -> GittasksError:
    """The error with commands that name the same folder, list and actor as this one did."""
    return error.with_ways(map(settings.addressed, error.ways))


def _before_separator(args: Sequence[str]) -> Sequence[str]:
    return args[: args.index("--")] if "--" in args else args


def _invoke(args: Sequence[str], settings: Settings) -> int | GittasksError:
    """The exit code of a command, or the error that it ended with."""
    try:
        if os.environ.get(command_line.COMPLETION):
            from gittasks.cli import completion  # for the Tab key alone

            if completion.answer(settings):
                return 0
        elif call := command_line.read(args):
            return call.run(settings)
        from gittasks.cli import click_commands  # most of the time that a hot command takes

        return click_commands.run(args, settings)
    except GittasksError as error:
        return error
    except (BrokenPipeError, LostOutput):
        raise
    except Exception as error:  # noqa: BLE001  the last boundary: a bug of ours becomes one line
        return unexpected(error)


def unexpected(error: Exception) -> GittasksError:
    """The error for an exception that is none of ours: of the system, or else a bug."""
    return DiskFailure.of(error) if isinstance(error, OSError) else _as_bug(error)


def _report_lost_output(error: Exception, settings: Settings) -> int:
    """The answer could not be written (a full disk): what the command did stays done."""
    lost = DiskFailure(
        f"the answer could not be written: {error}",
        ways=[Way("what was to be done is done; see it", ("gittasks", "log", "-n", "1"))],
    )
    _print_error(lost, settings)
    return lost.exit_code


def _as_bug(error: Exception) -> Bug:
    import tempfile
    import traceback

    place = ""
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="gittasks-bug-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.write(traceback.format_exc())
        place = f"; what happened is in {file.name}"
    except OSError:
        place = "; run it with python -X dev -m gittasks to see more"
    return Bug(f"a bug in gittasks ({type(error).__name__}: {error}){place}")


def _print_error(error: GittasksError, settings: Settings) -> None:
    if settings.json:
        from gittasks.render import documents

        say(documents.dumps(documents.error_document(error)), err=True)
        return
    from gittasks.render.text import clean, clean_block

    where = f"{clean(error.where)}: " if error.where else ""
    say(f"error: {where}{clean_block(error.message)}", err=True)
    for problem in error.details.get("problems", [])[1:]:
        place = f"{problem['path']}:{problem['line']}" if problem["line"] else problem["path"]
        say(f"error: {clean(place)}: {clean(problem['message'])}", err=True)
    if error.hint:
        say(f"hint: {clean_block(error.hint)}", err=True)
