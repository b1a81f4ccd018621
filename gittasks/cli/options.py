"""Commands and their options, declared once for both readers of a command line, free of click."""

from __future__ import annotations

import sys

from gittasks import __version__
from gittasks.cli.output import Answer, Settings, answer, say
from gittasks.errors import UNCHANGED, DiskFailure, Usage
from gittasks.light import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, BinaryIO

_MOST_TEXT = 1024 * 1024
"""Bytes of a text that are read; what a field may hold is less, and checked when it is written."""


class Choice:
    """A value that is one of some words; `spelled` brings what was typed to their spelling."""

    def __init__(self, words: Iterable[str], spelled: Callable[[str], str] = str) -> None:
        self.words, self.spelled = tuple(words), spelled


class IntRange:
    """A value that is a whole number within bounds."""

    def __init__(self, least: int, most: int | None = None) -> None:
        self.least, self.most = least, most

    def __contains__(self, number: int) -> bool:
        return self.least <= number and (self.most is None or number <= self.most)

    def __str__(self) -> str:
        least, most = self.least, self.most
        bounds = f"of {least} or more" if most is None else f"from {least} to {most}"
        return f"a whole number {bounds}"


Kind = Choice | IntRange | type[str] | type[int]
"""The kind of value that an option or argument takes."""


class Parameter(NamedTuple):
    """An option or an argument of a command, and how it is named among the keyword arguments."""

    name: str
    words: tuple[str, ...] = ()
    """The option as it is typed: `-d`, `--description`; none for an argument."""
    kind: Kind = str
    is_flag: bool = False
    bare: str | None = None
    """The value of an option that may be given without one."""
    multiple: bool = False
    nargs: int = 1
    """-1 for an argument that takes all that are there."""
    required: bool = False
    default: str | None = None
    common: bool = False
    """True for an option that every command takes: it goes into the Settings."""
    help: Mapping[str, Any] = {}
    """What only help is concerned with, by click's names: `metavar`, `help`, `hidden`, ..."""

    @property
    def absent(self) -> Any:
        """The value of an option that is not given."""
        return False if self.is_flag else () if self.multiple else self.default


class Command(NamedTuple):
    """A command: its function, its options and arguments, and how its command line is read."""

    name: str
    function: Callable[..., Answer | int | None]
    parameters: tuple[Parameter, ...]
    hot: bool = False
    """True for a command that is called so often that its line is read without click."""
    unknown_options: bool = False
    """True where what looks like an option may be an argument."""
    usage_code: int = 2
    """The exit code of a wrong command line."""
    short_help: str | None = None
    in_steps: bool = False
    """True where it changes several things one after the other, which stay when the next fails."""

    def run(self, settings: Settings, values: Mapping[str, Any]) -> int:
        """Run the command, print its answer; the exit code."""
        value = self._done(settings, values)
        return value if isinstance(value, int) else answer(settings, value) if value else 0

    def _done(self, settings: Settings, values: Mapping[str, Any]) -> Answer | int | None:
        try:
            return self.function(settings, **values)
        except (OSError, DiskFailure) as error:
            if not self.in_steps or isinstance(error, BrokenPipeError):
                raise
            failure = error if isinstance(error, DiskFailure) else DiskFailure.of(error)
            if failure.hint != UNCHANGED:
                raise failure from error
            stays = "what was done before that stays; fix the cause and run this again"
            raise failure.with_hint(stays) from error


class Group(NamedTuple):
    """A command that has commands: their modules in gittasks.cli, by their names."""

    name: str
    help: str | None
    modules: Mapping[str, str]
    parameters: tuple[Parameter, ...] = ()


def option(
    *words: str,
    type: Kind = str,  # noqa: A002  as click calls it
    is_flag: bool = False,
    flag_value: str | None = None,
    multiple: bool = False,
    default: str | None = None,
    common: bool = False,
    **help: Any,  # noqa: A002
) -> Parameter:
    """An option; the word without hyphens is its name, else that of the long form is."""
    typed = tuple(word for word in words if word.startswith("-"))
    names = [word for word in words if not word.startswith("-")]
    name = names[0] if names else max(typed, key=len).lstrip("-").replace("-", "_")
    return Parameter(
        name, typed, type, is_flag, flag_value, multiple, default=default, common=common, help=help
    )


def argument(
    name: str,
    *,
    type: Kind = str,  # noqa: A002
    nargs: int = 1,
    required: bool | None = None,
    **help: Any,  # noqa: A002
) -> Parameter:
    """An argument, required unless it takes all that are there."""
    needed = nargs > 0 if required is None else required
    return Parameter(name, kind=type, nargs=nargs, required=needed, help=help)


def command(
    name: str, *parameters: Parameter, **attributes: Any
) -> Callable[[Callable[..., Answer | int | None]], Command]:
    """Decorator: a command with these options and arguments, called with the Settings first."""
    return lambda function: Command(name, function, parameters, **attributes)


COMMON = (
    option("-C", "directory", metavar="DIR", help="Work in this folder.", common=True),
    option(
        "-l", "--list", "list_id", metavar="LIST", help="The list to work on, by id.", common=True
    ),
    option("--as", "acting", metavar="NAME", help="Act as NAME.", common=True),
    option("--json", is_flag=True, help="One JSON document on stdout.", common=True),
    option(
        "--color",
        type=Choice(("auto", "always", "never")),
        help="When to colour the output.",
        common=True,
    ),
    option("-q", "--quiet", is_flag=True, help="Print ids and nothing else.", common=True),
    option(
        "--no-fetch",
        is_flag=True,
        help="Do not fetch missing lists, or objects that a partial clone lacks.",
        common=True,
    ),
    option("--no-pager", is_flag=True, help="Do not use a pager.", common=True),
)
"""Options that every command takes, before or after its name, named as in the Settings."""


@command("--version")
def version_command(_settings: Settings) -> int:
    """Show the version and exit."""
    say(f"gittasks {__version__}")
    return 0


VERSION_OPTION = option("--version", is_flag=True, help="Show the version and exit.")
HELP_OPTION = option("-h", "--help", is_flag=True, help="Show this message and exit.")


def offered(declared: Command | Group) -> tuple[Parameter, ...]:
    """Options and arguments of a command, with the options that every command takes."""
    return (*declared.parameters, *COMMON, HELP_OPTION)


ids_argument = argument("task_ids", nargs=-1, required=True, metavar="ID...")
owner_option = option("--owner", metavar="NAME", help="Act as NAME.")
force_option = option(
    "--force",
    is_flag=True,
    help="Override the rules blocked, held and one-in-progress; it is recorded.",
)
parallel_option = option(
    "--parallel", is_flag=True, help="Allow several tasks in progress for one owner."
)
resume_option = option(
    "--resume", is_flag=True, help="Go on with what an earlier session of this owner began."
)
offline_option = option(
    "--offline", is_flag=True, help="Do not ask the remote; the claim is tentative."
)
first_option = option(
    "--first",
    is_flag=True,
    help="Push also to a remote that has no branch yet, before the code.",
)
remote_option = option(
    "--remote", metavar="NAME", help="Ask this remote instead of the list's own."
)


def variable_option(text: str) -> Parameter:
    """`-D NAME=VALUE`, variables of a plan."""
    return option("-D", "variables", multiple=True, metavar="NAME=VALUE", help=text)


def status_choice(statuses: Iterable[str]) -> Choice:
    """The words for a state; `in-progress` and `Completed` are understood too."""
    return Choice(map(str, statuses), lambda word: word.lower().replace("-", "_"))


def several(texts: Sequence[str]) -> tuple[str, ...]:
    """The ids of arguments or options that take several, each once.

    A text without any stays as the id "", which names no task: a shell variable that is not set.
    """
    parts = ([part.strip() for part in text.split(",")] for text in texts)
    return tuple(dict.fromkeys(n for names in parts for n in list(filter(None, names)) or [""]))


def values_of(pairs: Sequence[str]) -> dict[str, str]:
    """The values of variables, by name, from `NAME=VALUE`; Usage."""
    values: dict[str, str] = {}
    for pair in pairs:
        name, is_pair, value = pair.partition("=")
        if not is_pair or not name:
            raise Usage(f'-D takes NAME=VALUE, not "{pair}"', hint="as in: -D feature=login")
        values[name] = value
    return values


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
