"""Options that every command takes, before or after its name, and their values."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import click

from gittasks.cli.output import Answer, answer
from gittasks.cli.settings import Settings
from gittasks.errors import Usage

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_MOST_TEXT = 1024 * 1024
"""Bytes of a text that are read; what a field may hold is less, and checked when it is written."""
F = TypeVar("F", bound=Callable[..., Any])


def _store(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Keep an option's value in the Settings; the one nearest to the end of the line counts."""
    if value is not None and value is not False:
        if param.name == "common_color":
            ctx.color = value == "always" or None
        setattr(ctx.find_object(Settings), (param.name or "").removeprefix("common_"), value)


class _Id(click.types.StringParamType):
    """An id or another word of a list, which Tab completes; `noun` is a function of candidates."""

    def __init__(self, noun: str) -> None:
        self.noun = noun

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """The words that begin so; none where they cannot be had."""
        from gittasks.cli import candidates  # for the Tab key alone

        find = getattr(candidates, self.noun)
        items: list[CompletionItem] = find(ctx, incomplete)
        return items


_TASK_ID, _LIST_ID = _Id("tasks"), _Id("lists")
_OWNER, _TAG = _Id("owners"), _Id("tags")


def common_options() -> list[click.Parameter]:
    """Fresh copies of the common options."""
    options: list[click.Parameter] = [
        click.Option(["-C", "common_directory"], metavar="DIR", help="Work in this folder."),
        click.Option(
            ["-l", "--list", "common_list_id"],
            type=_LIST_ID,
            metavar="LIST",
            help="The list to work on, by id.",
        ),
        click.Option(
            ["--as", "common_acting"], type=_OWNER, metavar="NAME", help="Who acts, when not you."
        ),
        click.Option(["--json", "common_json"], is_flag=True, help="One JSON document on stdout."),
        click.Option(
            ["--color", "common_color"],
            type=click.Choice(["auto", "always", "never"]),
            help="When to colour the output.",
        ),
        click.Option(
            ["-q", "--quiet", "common_quiet"], is_flag=True, help="Print ids and nothing else."
        ),
        click.Option(
            ["--no-fetch", "common_no_fetch"],
            is_flag=True,
            help="Fetch no list that is missing, and nothing that a partial clone lacks.",
        ),
        click.Option(
            ["--no-pager", "common_no_pager"], is_flag=True, help="Print long answers at once."
        ),
    ]
    for option in options:
        option.expose_value = False
        option.callback = _store
        option.is_eager = True
    return [*options, help_option()]


def help_option() -> click.Option:
    """`--help` as click has it, without the look-up of translations that costs a millisecond."""

    def show(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
        if wanted and not ctx.resilient_parsing:
            click.echo(ctx.get_help())
            ctx.exit()

    return click.Option(
        ["-h", "--help"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help="Show this message and exit.",
    )


class Command(click.Command):
    """A command that takes the common options too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["add_help_option"] = False
        super().__init__(*args, **kwargs)
        names = {name for param in self.params for name in param.opts}
        self.params += [o for o in common_options() if not names.intersection(o.opts)]
        for param in self.params:
            if kind := _IDS.get(param.name or ""):
                param.type = kind

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and answer what it returns; the exit code."""
        value = super().invoke(ctx)
        settings = ctx.find_object(Settings) or Settings()
        return answer(settings, value) if isinstance(value, Answer) else value


_IDS = {
    **dict.fromkeys(
        ("task_id", "blocked_by", "blocks", "add_blocked_by", "remove_blocked_by"), _TASK_ID
    ),
    **dict.fromkeys(("add_blocks", "remove_blocks", "task_ids"), _TASK_ID),
    "list_id": _LIST_ID,
    "owner": _OWNER,
    "phase": _Id("phases"),
    **dict.fromkeys(("tags", "add_tags", "remove_tags", "tag"), _TAG),
    "setting_name": _Id("settings"),
}
"""Parameters that take an id, or a word that Tab completes, by their names."""


def command(name: str, **attributes: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """Decorator: a command of this program."""
    return click.command(name, cls=Command, **attributes)


def ids_argument(function: F) -> F:
    """Decorator: one or more ids of tasks, apart or with commas."""
    return click.argument("task_ids", nargs=-1, required=True, metavar="ID...")(function)


def several(texts: Sequence[str]) -> tuple[str, ...]:
    """The ids of arguments or options that take several, each once.

    A text without any stays as the id "", which names no task: a shell variable that is not set.
    """
    parts = ([part.strip() for part in text.split(",")] for text in texts)
    return tuple(dict.fromkeys(n for names in parts for n in list(filter(None, names)) or [""]))


def owner_option(function: F) -> F:
    """Decorator: `--owner`, who acts."""
    return click.option("--owner", metavar="NAME", help="Who acts, when not you.")(function)


def force_option(function: F) -> F:
    """Decorator: `--force`, recorded in the history."""
    text = "Override the rules blocked, held and one-in-progress; recorded."
    return click.option("--force", is_flag=True, help=text)(function)


def parallel_option(function: F) -> F:
    """Decorator: `--parallel`, several tasks in progress for one owner."""
    text = "Allow several tasks in progress for one owner."
    return click.option("--parallel", is_flag=True, help=text)(function)


def variable_option(text: str) -> Callable[[F], F]:
    """Decorator: `-D NAME=VALUE`, variables of a plan."""
    return click.option("-D", "variables", multiple=True, metavar="NAME=VALUE", help=text)


def values_of(pairs: Sequence[str]) -> dict[str, str]:
    """The values of variables, by name, from `NAME=VALUE`; Usage."""
    values: dict[str, str] = {}
    for pair in pairs:
        name, is_pair, value = pair.partition("=")
        if not is_pair or not name:
            raise Usage(f'-D takes NAME=VALUE, not "{pair}"', hint="as in: -D feature=login")
        values[name] = value
    return values


def resume_option(function: F) -> F:
    """Decorator: `--resume`, go on with what another session of the same owner began."""
    text = "Go on with what an earlier session of the same owner began."
    return click.option("--resume", is_flag=True, help=text)(function)


def offline_option(function: F) -> F:
    """Decorator: `--offline`, do not ask the remote."""
    text = "Do not ask the remote; what is claimed so is tentative."
    return click.option("--offline", is_flag=True, help=text)(function)


def first_option(function: F) -> F:
    """Decorator: `--first`, push where there is no branch yet."""
    text = "Push also to a remote that has no branch yet, before the code."
    return click.option("--first", is_flag=True, help=text)(function)


def remote_option(function: F) -> F:
    """Decorator: `--remote`, who decides this once."""
    text = "Ask this remote, whatever the list's own is."
    return click.option("--remote", metavar="NAME", help=text)(function)


class StatusChoice(click.Choice[str]):
    """The words for a state; `in-progress` and `Completed` are understood too."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word as it stands in a task."""
        if isinstance(value, str):
            value = value.lower().replace("-", "_")
        return super().convert(value, param, ctx)


def prose(value: str | None) -> str | None:
    """Text given as such, as `-` (standard input) or as `@FILE`; `@@x` is the text `@x`."""
    if value is None or not value.startswith("@"):
        return text_or_stdin(value)
    if value.startswith("@@"):
        return value.removeprefix("@")
    try:
        with open(value[1:], "rb") as file:
            return _decoded(file, value[1:])
    except OSError as error:
        raise Usage(
            f"cannot read {value[1:]}: {error.strerror}",
            hint="to begin a text with @, write @@",
        ) from error


def text_or_stdin(value: str | None) -> str | None:
    """Text given as such, whatever it begins with, or as `-` (standard input)."""
    return _decoded(sys.stdin.buffer, "standard input") if value == "-" else value


def _decoded(file: BinaryIO, name: str) -> str:
    data = file.read(_MOST_TEXT + 1)
    if len(data) > _MOST_TEXT:
        raise Usage(
            f"{name} has more than {_MOST_TEXT // 1024} KiB of text",
            hint="keep large texts in a file and name its path here",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Usage(f"{name} is not UTF-8 text") from error
