"""The commands as click has them, from their declarations: completion, errors, the rest."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from gittasks.cli import output
from gittasks.cli.command_line import ALIASES, COMMANDS, load
from gittasks.cli.help import ROOT, help_text
from gittasks.cli.options import (
    COMMON,
    HELP_OPTION,
    VERSION_OPTION,
    Choice,
    Command,
    Group,
    IntRange,
    Kind,
    Parameter,
    version_command,
)
from gittasks.cli.output import Settings

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def run(args: Sequence[str], settings: Settings) -> int:
    """Run a command line; its exit code. Usage when it is wrong."""
    try:
        code = Root().main(list(args), prog_name="gittasks", standalone_mode=False, obj=settings)
    except click.exceptions.NoArgsIsHelpError as error:
        output.say(error.ctx.get_help() if error.ctx else "", err=True)
        return 2
    except click.ClickException as error:
        from gittasks.cli.usage_errors import (
            usage_error,  # the words of many tools, for errors alone
        )

        raise usage_error(error) from error
    except click.Abort:
        return 130
    return code if isinstance(code, int) else 0


# --- commands and groups ------------------------------------------------------------------------


class ClickCommand(click.Command):
    """A command that is run as it is declared."""

    def __init__(self, declared: Command) -> None:
        super().__init__(
            declared.name,
            help=declared.function.__doc__,
            short_help=declared.short_help,
            params=[*map(_parameter, declared.parameters), *_common_parameters()],
            add_help_option=False,
            context_settings={"ignore_unknown_options": declared.unknown_options},
        )
        self.declared = declared

    def get_help(self, ctx: click.Context) -> str:
        """The help text, from the declaration."""
        return help_text(_path(ctx), self.declared)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does; where the command must not end with 2, the error is said at once."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            if self.declared.usage_code == error.exit_code:
                raise
            output.say(f"gittasks: {error.format_message()}", err=True)
            ctx.exit(self.declared.usage_code)

    def invoke(self, ctx: click.Context) -> int:
        """Run the command; its exit code."""
        return self.declared.run(ctx.find_object(Settings) or Settings(), ctx.params)


class ClickGroup(click.Group):
    """A group that knows its commands by name; the module of one is imported when it is called."""

    def __init__(self, declared: Group, **attributes: Any) -> None:
        super().__init__(
            declared.name,
            help=declared.help,
            params=_common_parameters(),
            add_help_option=False,
            **attributes,
        )
        self.declared = declared
        self.modules = declared.modules

    def get_help(self, ctx: click.Context) -> str:
        """The help text, from the declaration."""
        return help_text(_path(ctx), self.declared)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """All names, in the order of the help text."""
        return list(self.modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name."""
        if cmd_name not in self.modules:
            return None
        declared = load(self.modules, cmd_name)
        return ClickGroup(declared) if isinstance(declared, Group) else ClickCommand(declared)


def _path(ctx: click.Context) -> str:
    """The names of a command and of the groups around it; not the alias that was typed."""
    name = str(ctx.command.name)
    return f"{_path(ctx.parent)} {name}" if ctx.parent else name


class Root(ClickGroup):
    """`gittasks` itself: commands in groups, with aliases; alone it shows the overview."""

    def __init__(self) -> None:
        super().__init__(
            ROOT,
            callback=_overview,
            invoke_without_command=True,
        )
        self.params.insert(0, _version_option())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command behind a name or an alias."""
        return super().get_command(ctx, ALIASES.get(cmd_name, cmd_name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but an unknown word is answered with the command that was meant."""
        name = ALIASES.get(args[0], args[0]) if args else ""
        if name not in self.modules and not ctx.resilient_parsing:
            from gittasks.cli.usage_errors import unknown_command  # as above

            raise unknown_command(args[0])
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands that begin so, from the table; else options."""
        from click.shell_completion import CompletionItem

        texts = {name: text for group in COMMANDS.values() for name, (_, text) in group.items()}
        items = [CompletionItem(n, help=t) for n, t in texts.items() if n.startswith(incomplete)]
        return items or click.Command.shell_complete(self, ctx, incomplete)


@click.pass_context
def _overview(ctx: click.Context) -> int:
    if ctx.invoked_subcommand is not None:
        return 0
    from gittasks.cli.view import overview_command  # no command needs it

    return overview_command.run(ctx.obj, {})


# --- options and arguments ----------------------------------------------------------------------


def _complete(
    declared: Parameter, ctx: click.Context, _param: click.Parameter, beginning: str
) -> list[CompletionItem]:
    """The values that begin so; none where they cannot be had."""
    from click.shell_completion import CompletionItem

    from gittasks.cli import completion  # for the Tab key alone

    known = completion.candidates_of(
        declared, ctx.command.name, beginning, ctx.find_object(Settings) or Settings()
    )
    return [CompletionItem(word, help=meaning) for word, meaning in known]


class _ChoiceType(click.Choice[str]):
    """A choice among words that may be typed otherwise than they are spelled."""

    def __init__(self, choice: Choice) -> None:
        super().__init__(choice.words)
        self._spelled = choice.spelled

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word as it is spelled."""
        return super().convert(self._spelled(value), param, ctx)


class _NumberType(click.IntRange):
    """A number within bounds; another value is refused in the words that tasks' fields have."""

    def __init__(self, bounds: IntRange) -> None:
        super().__init__(bounds.least, bounds.most)
        self._bounds = bounds

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is not {self._bounds}", param, ctx)


def _type(kind: Kind) -> click.ParamType[Any]:
    if isinstance(kind, Choice):
        return _ChoiceType(kind)
    if isinstance(kind, IntRange):
        return _NumberType(kind)
    return click.INT if kind is int else click.STRING


def _parameter(declared: Parameter) -> click.Parameter:
    kind, how = _type(declared.kind), dict(declared.help)
    how["shell_complete"] = partial(_complete, declared)
    if not declared.words:
        required, nargs = declared.required, declared.nargs
        return click.Argument([declared.name], type=kind, required=required, nargs=nargs, **how)
    name = f"common_{declared.name}" if declared.common else declared.name
    if declared.is_flag:
        how["is_flag"] = True
    else:
        how |= {"type": kind, "multiple": declared.multiple}
        if declared.bare is not None:
            how |= {"is_flag": False, "flag_value": declared.bare}
        if declared.default is not None:
            how["default"] = declared.default
    if declared.common:
        how |= {"expose_value": False, "is_eager": True, "callback": _store}
    return click.Option([*declared.words, name], **how)


def _store(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Keep a common option's value in the Settings; the one nearest to the end counts."""
    name = (param.name or "").removeprefix("common_")
    if value is not None and value is not False:
        if name == "color":
            ctx.color = value == "always" or None
        setattr(ctx.find_object(Settings), name, value)


def _common_parameters() -> list[click.Parameter]:
    return [*map(_parameter, COMMON), _help_option()]


def _help_option() -> click.Option:
    """`--help` as click has it, without the look-up of translations that costs a millisecond."""

    def show(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
        if wanted and not ctx.resilient_parsing:
            output.say(ctx.get_help())
            ctx.exit()

    return click.Option(
        [*HELP_OPTION.words],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help=HELP_OPTION.help["help"],
    )


def _version_option() -> click.Option:
    def show(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
        if wanted:
            ctx.exit(version_command.run(ctx.obj, {}))

    return click.Option(
        [*VERSION_OPTION.words],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help=VERSION_OPTION.help["help"],
    )
