"""A command line read without click, where the command is hot and each word is known for certain.

Whatever is in doubt or wrong is left to `click_commands`, which can read every command line, so
that errors and help have one home. What is read here means the same there: the tests compare.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from gittasks.cli.commands import ALIASES, MODULES, load
from gittasks.cli.options import (
    COMMON,
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
        for name, value in self.common.items():
            setattr(settings, name, value)
        return self.command.run(settings, self.values)


class _Doubt(Exception):
    """Something on the line that click has to read."""


def read(args: Sequence[str]) -> Call | None:
    """The call that a command line asks for; None when click has to read it."""
    if COMPLETION in os.environ:
        return None
    if list(args) == ["--version"]:
        return Call(version_command, {}, {})
    try:
        return _read(iter(args))
    except _Doubt:
        return None


def _read(words: Iterator[str]) -> Call:
    options = {word: option for option in COMMON for word in option.words}
    common: dict[str, Any] = {}
    command = _command(words, options, common)
    given: dict[str, Any] = {}
    texts: list[str] = []
    options |= {word: option for option in command.parameters for word in option.words}
    for word in words:
        if word == "--":
            texts += words
        elif _is_option(word):
            option, value = _option(word, words, options)
            _keep(option, value, common if option.common else given)
        else:
            texts.append(word)
    return Call(command, _values(command, given, texts), common)


def _command(
    words: Iterator[str], options: Mapping[str, Parameter], common: dict[str, Any]
) -> Command:
    """The command that the line names, with the common options before its name."""
    modules: Mapping[str, str] = MODULES
    for word in words:
        if _is_option(word):
            option, value = _option(word, words, options)
            _keep(option, value, common)
            continue
        name = ALIASES.get(word, word) if modules is MODULES else word
        declared = _declared(modules, name)
        if isinstance(declared, Command):
            return declared
        modules = declared.modules
    alone = _declared(_ALONE if modules is MODULES else {}, "overview")
    assert isinstance(alone, Command)  # noqa: S101  it is no group
    return alone


def _declared(modules: Mapping[str, str], name: str) -> Command | Group:
    if name not in modules:
        raise _Doubt
    declared = load(modules, name)
    if isinstance(declared, Command) and not declared.hot:
        raise _Doubt
    return declared


def _is_option(word: str) -> bool:
    return word.startswith("-") and word != "-"


def _option(
    word: str, words: Iterator[str], options: Mapping[str, Parameter]
) -> tuple[Parameter, str | int]:
    """An option with its value, which is in the word itself or the next one."""
    name, sign, text = word.partition("=") if word.startswith("--") else (word, "", "")
    option = options.get(name)
    if option is None or option.bare is not None or (option.is_flag and sign):
        raise _Doubt
    if option.is_flag:
        return option, True
    value = text if sign else next(words, None)
    if value is None:
        raise _Doubt
    return option, _converted(option, value)


def _keep(option: Parameter, value: str | int, given: dict[str, Any]) -> None:
    if option.multiple:
        given[option.name] = (*given.get(option.name, ()), value)
    elif option.name in given:
        raise _Doubt
    else:
        given[option.name] = value


def _converted(parameter: Parameter, text: str) -> str | int:
    kind = parameter.kind
    if kind is str:
        return text
    if isinstance(kind, Choice):
        word = kind.spelled(text)
        if word not in kind.words:
            raise _Doubt
        return word
    try:
        number = int(text)
    except ValueError:
        raise _Doubt from None
    if isinstance(kind, IntRange) and number not in kind:
        raise _Doubt
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
            raise _Doubt
        values[parameter.name] = value
    if texts:
        raise _Doubt
    return values
