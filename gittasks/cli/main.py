"""The group of commands, loaded one at a time, and the one place where errors are printed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import click

from gittasks import __version__
from gittasks.cli.options import common_options
from gittasks.cli.output import LostOutput, answer, say
from gittasks.cli.settings import Settings
from gittasks.errors import Bug, DiskFailure, GittasksError, Usage, Way

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Lists": {
        "init": ("lists", "Create or adopt a task list, and use it."),
        "lists": ("lists", "Show the lists of this repository."),
        "use": ("lists", "Choose the list that commands mean here."),
        "archive": ("lists", "Put a list that is done with away."),
        "unarchive": ("lists", "Open a list again that was archived or dropped."),
        "drop": ("lists", "Give a list up; with --purge delete it."),
        "apply": ("lists", "Bring the list to what a plan (YAML or Markdown) says."),
        "template": ("transfer", "Print the list as a plan without states."),
        "export": ("transfer", "Print the whole list as JSON, Markdown or CSV."),
        "import": ("transfer", "Take tasks from another tool, or an exported list."),
    },
    "Tasks": {
        "create": ("tasks", "Create a task, or a loop of them."),
        "update": ("tasks", "Change fields of a task."),
        "note": ("tasks", "Add a note to a task."),
        "delete": ("tasks", "Hide a task; restore brings it back."),
        "restore": ("tasks", "Bring a deleted task back."),
        "batch": ("batch", "Apply many operations (JSON lines on stdin), all or none."),
        "undo": ("tasks", "Take back my last operation, or another of mine."),
        "redo": ("tasks", "Take back my last undo."),
    },
    "Work": {
        "ready": ("view", "Show what can be started now."),
        "claim": ("transitions", "Take a task for me alone, on all machines."),
        "heartbeat": ("transitions", "Renew the lease of my claims."),
        "start": ("transitions", "Begin a task."),
        "done": ("transitions", "Complete a task."),
        "skip": ("transitions", "Close a task without doing it."),
        "reopen": ("transitions", "Make a closed task pending again."),
        "release": ("transitions", "Give a task back."),
        "run": ("transitions", "Start a task, run a command, complete it on success."),
    },
    "Progress": {
        "list": ("view", "Show the tasks."),
        "show": ("view", "Show everything about one task."),
        "status": ("view", "Show how far the list is."),
        "watch": ("watch", "Show the list as it changes."),
        "log": ("view", "Show who did what when."),
        "graph": ("inspect", "Show what waits for what, and the critical path."),
        "lint": ("inspect", "Say what makes progress hard to see."),
        "insights": ("inspect", "Show where the work lost its time."),
        "report": ("report", "Write a report: one page, or Markdown."),
        "serve": ("report", "Show the report as a live page on this machine."),
        "conflicts": ("sync", "Show what was changed in two places at once."),
    },
    "Sharing": {
        "pull": ("sync", "Fetch what others did, and merge it."),
        "push": ("sync", "Send my work to the remote."),
        "sync": ("sync", "Pull, then push."),
    },
    "Git": {
        "hooks": ("git", "Let git call gittasks: install, uninstall, status."),
        "hook": ("git", "What the hooks call."),
        "merge-driver": ("git", "Merge one task file for git."),
        "doctor": ("git", "Look over the repository and all its lists."),
        "config": ("config", "Show, set and unset settings."),
        "deinit": ("deinit", "Take gittasks out of this clone."),
    },
    "Agents": {
        "mcp": ("agents", "Serve the task tools to an agent (MCP)."),
        "prime": ("agents", "Tell an agent how to use gittasks."),
        "claude": ("agents", "Claude Code: settings, hooks, its own task files."),
        "completion": ("help", "Print what a shell needs to complete with Tab."),
        "help": ("help", "Explain a command, or list them all."),
    },
}
ALIASES = {"add": "create", "ls": "list", "get": "show", "complete": "done"}
_MODULES = {name: module for group in COMMANDS.values() for name, (module, _) in group.items()}


class CommandGroup(click.Group):
    """Knows its commands by name alone; the module of one is imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """All names, in the order of the help text."""
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command behind a name or an alias."""
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in _MODULES:
            return None
        module = import_module(f"gittasks.cli.{_MODULES[name]}")
        command: click.Command = getattr(module, f"{name.replace('-', '_')}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but an unknown word is answered with the command that was meant."""
        unknown = args and self.get_command(ctx, args[0]) is None
        if unknown and not ctx.resilient_parsing:
            raise unknown_command(args[0])
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands that begin so, from the table above; else options."""
        from click.shell_completion import CompletionItem

        texts = {name: text for group in COMMANDS.values() for name, (_, text) in group.items()}
        items = [CompletionItem(n, help=t) for n, t in texts.items() if n.startswith(incomplete)]
        return items or click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Commands by group, from the table above: no module is imported for help."""
        for title, group in COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl([(name, text) for name, (_, text) in group.items()])
        formatter.write_paragraph()
        aliases = ", ".join(f"{alias} = {name}" for alias, name in ALIASES.items())
        formatter.write_text(f"Short names: {aliases}.")


def unknown_command(word: str) -> Usage:
    """The error for a word that is no command, with the one that was meant if it can be told."""
    # Only for who is told what was meant: no other command needs these words.
    from gittasks.core.ids import near_matches
    from gittasks.core.suggestions import COMMANDS_MEANT, tool_meant

    if suggestion := tool_meant(word) or COMMANDS_MEANT.get(word):
        near = [suggestion]
    else:
        near = near_matches(word, [*_MODULES, *ALIASES], 2)
    near = list(dict.fromkeys(ALIASES.get(name, name) for name in near))
    way = Way("see them all", ("gittasks", "--help"))
    if near:
        guess = f"did you mean: gittasks {' or '.join(near)}?"
        words = near[0].split()
        known = words[
            : next((n for n, w in enumerate(words) if not w.isalpha() or w.isupper()), len(words))
        ]
        single = len(near) == 1 and "or" not in words
        way = Way(f"{guess} see how", ("gittasks", "help", *known)) if single else Way(guess)
    return Usage(f'there is no command "{word}"', ways=[way])


def version_option() -> click.Option:
    """`--version`."""

    def show(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
        if wanted:
            click.echo(f"gittasks {__version__}")
            ctx.exit()

    return click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help="Show the version and exit.",
    )


@click.group(
    cls=CommandGroup,
    context_settings={"max_content_width": 100},
    add_help_option=False,
    invoke_without_command=True,
    params=[version_option(), *common_options()],
)
@click.pass_context
def cli(ctx: click.Context) -> int:
    """A task list that lives in your git repository.

    Each task is a YAML file on the branch gittasks/LIST, each change one commit. Teams share it
    by push and pull; nothing touches your index, work tree or code branches.
    """
    if ctx.invoked_subcommand is not None:
        return 0
    from gittasks.cli.view import overview  # no command needs it

    return answer(ctx.obj, overview(ctx.obj))


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
        code = cli.main(list(args), prog_name="gittasks", standalone_mode=False, obj=settings)
        return code if isinstance(code, int) else 0
    except GittasksError as error:
        return error
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        return 2
    except click.ClickException as error:
        return _as_usage(error)
    except click.Abort:
        return 130
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


def _as_usage(error: click.ClickException) -> Usage:
    from gittasks.cli.help import hint_for

    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else "gittasks"
    message = error.format_message().rstrip(".")
    hint = hint_for(error)
    if hint and isinstance(error, click.NoSuchOption):
        message = error.message.rstrip(".")  # without click's own guess, which knows less
    ways = [Way(hint) if isinstance(hint, str) else hint or Way("see", (*path.split(), "--help"))]
    return Usage(message[:1].lower() + message[1:], ways=ways)


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
