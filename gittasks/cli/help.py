"""Help: the command help, the manual page, and hints for a wrong command line."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from gittasks import __version__
from gittasks.cli.commands import ALIASES, MODULES
from gittasks.cli.options import COMMON, argument, command, option
from gittasks.cli.output import say
from gittasks.cli.settings import Settings
from gittasks.core.ids import near_matches
from gittasks.core.suggestions import (
    COMMANDS_MEANT,
    OPTIONS_ELSEWHERE,
    field_meant,
    status_meant,
    tool_meant,
)
from gittasks.errors import Usage, Way


@command(
    "help",
    argument("words", metavar="[COMMAND]", nargs=-1),
    option("--man", is_flag=True, hidden=True, help="Print the manual page (roff)."),
)
def help_command(_settings: Settings, words: tuple[str, ...], man: bool) -> int:
    """Explain a command, or list them all."""
    root = click.get_current_context().find_root()
    if man:
        say("\n".join(manual(root)))
        return 0
    context = root
    for word in words:
        context = _inner(context, word)
    say(context.get_help())
    return 0


def _inner(context: click.Context, word: str) -> click.Context:
    """The context of a command of a group; an error with near names when it has none of that."""
    group = context.command
    if not isinstance(group, click.Group):
        raise click.UsageError(f'{context.command_path} has no command "{word}"', context)
    _, inner, _ = group.resolve_command(context, [word])
    assert inner is not None  # noqa: S101  else it was an error
    return click.Context(inner, parent=context, info_name=inner.name)


# --- the manual page -------------------------------------------------------------------------


def manual(root: click.Context) -> Iterator[str]:
    """The manual page as lines of roff: every command with its options."""
    yield f'.TH GITTASKS 1 "" "gittasks {__version__}" "gittasks manual"'
    yield ".SH NAME"
    yield r"gittasks \- a task list that lives in your git repository"
    yield ".SH SYNOPSIS"
    yield r"\fBgittasks\fR [\fIOPTIONS\fR] \fICOMMAND\fR [\fIARGS\fR]..."
    yield ".br"
    yield r"\fBgit gittasks\fR [\fIOPTIONS\fR] \fICOMMAND\fR [\fIARGS\fR]..."
    yield ".SH DESCRIPTION"
    yield from _paragraphs(root.command.help or "")
    yield ".SH COMMON OPTIONS"
    yield "Every command takes them, before or after its name."
    common = [*_option_records(root)]
    yield from _definitions(common)
    yield ".SH COMMANDS"
    yield from _commands(root, {names for names, _ in common})


def _commands(parent: click.Context, common: set[str]) -> Iterator[str]:
    group = parent.command
    assert isinstance(group, click.Group)  # noqa: S101  only groups are asked
    for name in group.list_commands(parent):
        context = _inner(parent, name)
        pieces = " ".join(p for p in context.command.collect_usage_pieces(context) if p)
        yield f".SS {_roff(f'{context.command_path} {pieces}'.strip())}"
        yield from _paragraphs(context.command.help or "")
        yield from _definitions([r for r in _option_records(context) if r[0] not in common])
        if isinstance(context.command, click.Group):
            yield from _commands(context, common)


def _option_records(context: click.Context) -> Iterator[tuple[str, str]]:
    for parameter in context.command.get_params(context):
        if isinstance(parameter, click.Option) and (r := parameter.get_help_record(context)):
            yield r


def _definitions(records: list[tuple[str, str]]) -> Iterator[str]:
    for names, text in records:
        yield ".TP"
        yield rf"\fB{_roff(names)}\fR"
        yield _roff(text)


def _paragraphs(text: str) -> Iterator[str]:
    """Paragraphs of a help text; those that click leaves as they are stay so here too."""
    for paragraph in re.split(r"\n\s*\n", click.unstyle(text).strip()):
        lines = [line.strip() for line in paragraph.splitlines()]
        yield ".PP"
        if lines[0] == "\b":
            yield ".nf"
            yield from map(_roff, lines[1:])
            yield ".fi"
        else:
            yield _roff(" ".join(lines))


def _roff(text: str) -> str:
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


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
    if isinstance(error, click.BadParameter) and error.param and "--status" in error.param.opts:
        wrong = re.search(r"'([^']*)' is not one of", error.format_message())
        status = status_meant(wrong[1]) if wrong else None
        return f"did you mean --status {status}?" if status else None
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
