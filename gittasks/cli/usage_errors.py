"""Errors of a wrong command line, in our words, each with the command or option that was meant."""

from __future__ import annotations

import re

import click

from gittasks.cli.command_line import ALIASES, MODULES
from gittasks.cli.options import COMMON
from gittasks.core.ids import near_matches
from gittasks.core.suggestions import (
    COMMANDS_MEANT,
    OPTIONS_ELSEWHERE,
    field_meant,
    status_meant,
    tool_meant,
)
from gittasks.errors import Usage, Way


def unknown_command(word: str) -> Usage:
    """The error for a word that is no command, with the one that was meant if it can be told."""
    if suggestion := tool_meant(word) or COMMANDS_MEANT.get(word):
        near = [suggestion]
    else:
        near = near_matches(word, [*MODULES, *ALIASES], 2)
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


def usage_error(error: click.ClickException) -> Usage:
    """The error for a wrong command line, in our words, with its correction."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else "gittasks"
    message = error.format_message().rstrip(".")
    hint = _hint(error)
    if hint and isinstance(error, click.NoSuchOption):
        message = error.message.rstrip(".")  # without click's own guess, which knows less
    ways = [Way(hint) if isinstance(hint, str) else hint or Way("see", (*path.split(), "--help"))]
    return Usage(message[:1].lower() + message[1:], ways=ways)


_NOTES = {"--note", "--comment", "--message", "-m"}
_CHOICES = {"--mine", "--phase", "--priority", "--search", "--tag", "--where"}
"""Options that choose among ready tasks, which `claim` leaves to `ready`."""


def _hint(error: click.ClickException) -> Way | str | None:
    """The correction of a usage error; None when none can be told."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return None
    if isinstance(error, click.NoSuchOption):
        return _option(error.option_name, context)
    if isinstance(error, click.MissingParameter):
        return _missing(error.param, context)
    if isinstance(error, click.BadParameter) and isinstance(error.param, click.Option):
        wrong = re.search(r"'([^']*)' is not ", error.format_message())
        return _value(wrong[1], error.param) if wrong else None
    if "unexpected extra argument" in error.format_message():
        if context.info_name == "redo":
            return "redo takes back the last undo; any other is named to undo: gittasks undo COMMIT"
        if context.info_name in ("create", "note"):
            return f"quote a text of several words: {context.command_path} {_usage(context)}"
        if _takes_id(context):
            words = "one task at a time; many at once are a batch"
            return Way(words, ("gittasks", "help", "batch"))
    return None


def _option(wrong: str, context: click.Context) -> str | None:
    """The hint for an option that a command does not have."""
    command = str(context.info_name)
    if command == "run":
        return "put -- before the command: gittasks run ID -- COMMAND"
    if command in ("push", "sync") and wrong in ("--force", "-f"):
        return "nothing is pushed with force; --accept-rewrite merges a history that was rewritten"
    if wrong in _NOTES and command != "note":
        has_result = any("--result" in param.opts for param in context.command.params)
        or_result = "; the outcome is --result TEXT" if has_result else ""
        return f"a remark is a command of its own: gittasks note ID TEXT{or_result}"
    if command == "create" and wrong.lstrip("-") in ("parallel-with", "parent"):
        return "tasks wait for others with --blocked-by ID; there are no parents"
    if command == "claim" and wrong in _CHOICES:
        return f"ready takes {wrong}; claim an ID that it shows"
    if wrong in OPTIONS_ELSEWHERE:  # what other tools have is known better than what looks alike
        return OPTIONS_ELSEWHERE[wrong]
    names = _names(context.command)
    if wrong == "--where" and "metadata" in names:  # a filter, for a field of another name
        return "did you mean --metadata KEY=VALUE?"
    added = f"--add-{wrong.lstrip('-')}"  # what `create` sets, `update` adds to
    if added in names.values():
        return f"did you mean {added}?"
    if re.fullmatch("-[A-Za-z]", wrong):  # one letter is like too many words
        return _short(wrong[1], context.command)
    field = field_meant(wrong.lstrip("-"), names)
    if field is None and "addBlockedBy" in names:
        field = field_meant("add" + wrong.lstrip("-"), names)
    if field is not None:
        name = names[field]
        if name.startswith("-"):
            value = " KEY=VALUE" if name == "--metadata" else ""
            return f"did you mean {name}{value}?"
        return f"give it without an option: {context.command_path} {_usage(context)}"
    return None


def _value(wrong: str, option: click.Option) -> str | None:
    """The hint for a value that an option does not take."""
    name = option.opts[-1]
    values = [*filter(None, map(str.strip, wrong.split(",")))] if option.multiple else [wrong]
    statuses = [status_meant(value) if name == "--status" else None for value in values]
    if len(values) > 1:
        words = [
            f"{name} {status or value}" for status, value in zip(statuses, values, strict=True)
        ]
        return f"give the option once for each value: {' '.join(words)}"
    return f"did you mean {name} {statuses[0]}?" if any(statuses) else None


_SHORT = {"n": "--limit", "a": "--all", "m": "--message"}
"""Short options of other programs, where the long one that they stand for is here."""


def _short(letter: str, command: click.Command) -> str | None:
    """The options that a letter may stand for; several where it could be any of them."""
    names = _names(command).values()
    common = ["--help", *(word for param in COMMON for word in param.words)]
    longs = [name for name in (*names, *common) if name.startswith(f"--{letter.lower()}")]
    if _SHORT.get(letter) in names:
        longs = [_SHORT[letter]]
    return f"did you mean {' or '.join(sorted(set(longs)))}?" if longs else None


def _names(command: click.Command) -> dict[str, str]:
    """Options and arguments of a command by the names of the fields in JSON."""
    names: dict[str, str] = {}
    for param in command.params:
        if param.expose_value and isinstance(param, click.Argument):
            names[{"task_id": "id"}.get(param.name or "", param.name or "")] = "argument"
    for param in command.params:
        long = next((o for o in param.opts if o.startswith("--")), None)
        if long and param.expose_value and not getattr(param, "hidden", False):
            first, *rest = long.removeprefix("--").split("-")
            names.setdefault(first + "".join(map(str.capitalize, rest)), long)
    return names


def _missing(param: click.Parameter | None, context: click.Context) -> str | None:
    if param is None or not isinstance(param, click.Argument):
        return None
    if param.name in ("task_id", "task_ids"):
        return f"{context.command_path} {_usage(context)}; list shows the ids"
    if context.info_name == "note":
        return "gittasks note ID TEXT; a TEXT of - is read from stdin"
    return f"{context.command_path} {_usage(context)}"


def _usage(context: click.Context) -> str:
    metavars = [
        p.make_metavar(context) for p in context.command.params if isinstance(p, click.Argument)
    ]
    return " ".join(f'"{m}"' if m in ("SUBJECT", "TEXT") else m for m in metavars)


def _takes_id(context: click.Context) -> bool:
    return any(param.name == "task_id" for param in context.command.params)
