"""A command line read without click, where the command is hot and each word is known for certain.

Whatever is in doubt or wrong is left to `click_commands`, which can read every command line, so
that errors and help have one home. What is read here means the same there: the tests compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from gittasks.cli.commands import ALIASES, MODULES, load
from gittasks.cli.options import (
    COMMON,
    HELP_OPTION,
    Choice,
    Command,
    Group,
    IntRange,
    Parameter,
    version_command,
)
from gittasks.cli.settings import Settings
from gittasks.light import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Any

COMPLETION = "_GITTASKS_COMPLETE"
"""The variable by which a shell asks what may come next on a line."""
_ALONE = {"overview": "view"}
"""The command of `gittasks` without any."""


class Call(NamedTuple):
    """A command with its keyword arguments, and the values of the common options."""

    command: Command
    values: Mapping[str, Any]
    common: Mapping[str, Any]

    def run(self, settings: Settings) -> int:
        """Run the command; its exit code."""
        settings.set(self.common)
        return self.command.run(settings, self.values)


class Doubt(Exception):
    """Something on the line that click has to read."""


def read(args: Sequence[str]) -> Call | None:
    """The call that a command line asks for; None when click has to read it."""
    if list(args) == ["--version"]:
        return Call(version_command, {}, {})
    try:
        if args and args[-1] in HELP_OPTION.words:
            return _help(args[:-1])
        return Line(args).call()
    except Doubt:
        return None


def _help(names: Sequence[str]) -> Call:
    """The call of `help` that a line ending with `--help` asks for."""
    line = Line(names)
    if line.common or line.given or line.texts or line.waiting:
        raise Doubt
    return Line(["help", *names]).call()


class Line:
    """A command line, read from the left as far as it goes; Doubt."""

    def __init__(self, args: Iterable[str]) -> None:
        self.modules: Mapping[str, str] = MODULES
        """The commands of which the line may name one, while it names none."""
        self.command: Command | None = None
        self.common: dict[str, Any] = {}
        self.given: dict[str, Any] = {}
        """Values of the command's own options."""
        self.texts: list[str] = []
        """Arguments of the command."""
        self.waiting: Parameter | None = None
        """The option at the end of the line whose value is not there."""
        self.options = {word: option for option in COMMON for word in option.words}
        self._read(iter(args))

    def call(self) -> Call:
        """The call of a line that is whole, of a command that is hot."""
        alone = _ALONE if self.modules is MODULES else {}
        command = self.command or _declared(alone, "overview")
        if isinstance(command, Group) or not command.hot or self.waiting:
            raise Doubt
        return Call(command, _values(command, self.given, self.texts), self.common)

    def _read(self, words: Iterator[str]) -> None:
        for word in words:
            if word == "--" and self.command:
                self.texts += words
            elif _is_option(word):
                self._read_option(word, words)
            elif self.command:
                self.texts.append(word)
            else:
                self._read_name(word)

    def _read_name(self, word: str) -> None:
        name = ALIASES.get(word, word) if self.modules is MODULES else word
        declared = _declared(self.modules, name)
        if isinstance(declared, Group):
            self.modules = declared.modules
            return
        self.command = declared
        self.options |= {word: option for option in declared.parameters for word in option.words}

    def _read_option(self, word: str, words: Iterator[str]) -> None:
        """Read an option; its value is in the word itself or the next one."""
        name, sign, rest = word.partition("=") if word.startswith("--") else (word, "", "")
        option = self.options.get(name)
        if option is None or option.bare is not None or (option.is_flag and sign):
            raise Doubt
        text = rest if sign or option.is_flag else next(words, None)
        if text is None:
            self.waiting = option
            return
        value = True if option.is_flag else _converted(option, text)
        values = self.common if option.common else self.given
        if option.multiple:
            values[option.name] = (*values.get(option.name, ()), value)
        elif option.name in values:
            raise Doubt
        else:
            values[option.name] = value


def _declared(modules: Mapping[str, str], name: str) -> Command | Group:
    if name not in modules:
        raise Doubt
    return load(modules, name)


def _is_option(word: str) -> bool:
    return word.startswith("-") and word != "-"


def _converted(parameter: Parameter, text: str) -> str | int:
    kind = parameter.kind
    if kind is str:
        return text
    if isinstance(kind, Choice):
        word = kind.spelled(text)
        if word not in kind.words:
            raise Doubt
        return word
    try:
        number = int(text)
    except ValueError:
        raise Doubt from None
    if isinstance(kind, IntRange) and number not in kind:
        raise Doubt
    return number


def _values(command: Command, given: Mapping[str, Any], texts: Sequence[str]) -> dict[str, Any]:
    """The keyword arguments of a command: of each option and argument, given or not."""
    values: dict[str, Any] = {}
    for parameter in command.parameters:
        if parameter.words:
            value: Any = given.get(parameter.name, parameter.absent)
        elif parameter.nargs < 0:
            value, texts = tuple(_converted(parameter, text) for text in texts), ()
        else:
            value, texts = _converted(parameter, texts[0]) if texts else None, texts[1:]
        if parameter.required and value in (None, ()):
            raise Doubt
        values[parameter.name] = value
    if texts:
        raise Doubt
    return values
