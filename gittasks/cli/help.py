"""Help: the texts of commands from their declarations, without click, and the manual page."""

from __future__ import annotations

import os
import sys

from gittasks import __version__
from gittasks.cli.command_line import ALIASES, COMMANDS, MODULES, load
from gittasks.cli.options import (
    VERSION_OPTION,
    Choice,
    Command,
    Group,
    IntRange,
    Parameter,
    argument,
    command,
    offered,
    option,
)
from gittasks.cli.output import Settings, say
from gittasks.errors import Usage, Way
from gittasks.light import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ABOUT = """A task list that lives in your git repository.

Each task is a YAML file on the branch gittasks/LIST, each change one commit. Teams share it
by push and pull; nothing touches your index, work tree or code branches.
"""
ROOT = Group("gittasks", _ABOUT, MODULES, (VERSION_OPTION,))
"""`gittasks` itself."""
_NAMES_AT_MOST = 30
"""The widest first column of a table; a longer name has a line of its own."""


def help_text(path: str, declared: Command | Group) -> str:
    """The help text of the command that the words of `path` call, as wide as the terminal."""
    width = max(min(_columns(), 100) - 2, 50)
    lines = _usage(f"Usage: {path} ", " ".join(usage_pieces(declared)), width)
    if text := about(declared):
        lines += ["", *(f"  {line}".rstrip() for line in _wrapped(text, width - 2))]
    for title, rows in (("Options", records(declared)), *_commands(declared)):
        lines += ["", f"{title}:", *_table(rows, width)]
    if declared is ROOT:
        aliases = ", ".join(f"{alias} = {name}" for alias, name in ALIASES.items())
        lines += ["", *_filled(f"Short names: {aliases}.", width)]
    return "\n".join(lines)


def about(declared: Command | Group) -> str:
    """The text about a command, without the indentation of a docstring."""
    text = declared.help if isinstance(declared, Group) else declared.function.__doc__
    first, *rest = (text or "").strip("\n").split("\n")
    margin = min((len(line) - len(line.lstrip()) for line in rest if line.strip()), default=0)
    return "\n".join([first, *(line[margin:].rstrip() for line in rest)]).rstrip()


def usage_pieces(declared: Command | Group) -> list[str]:
    """The words behind the name of a command, as its usage shows them."""
    if isinstance(declared, Group):
        return ["[OPTIONS]", "[COMMAND]" if declared is ROOT else "COMMAND", "[ARGS]..."]
    arguments = (parameter for parameter in declared.parameters if not parameter.words)
    return ["[OPTIONS]", *map(_argument, arguments)]


def records(declared: Command | Group) -> list[tuple[str, str]]:
    """The options of a command as they are typed, each with what it does."""
    return [
        (_typed(option), _meaning(option))
        for option in offered(declared)
        if option.words and not option.help.get("hidden")
    ]


def _argument(argument: Parameter) -> str:
    if metavar := argument.help.get("metavar"):
        return str(metavar)
    words = argument.kind.words if isinstance(argument.kind, Choice) else ()
    name = "|".join(words) or argument.name.upper()
    if not argument.required:
        name = f"[{name}]"
    elif words:
        name = f"{{{name}}}"
    return name if argument.nargs == 1 else f"{name}..."


def _typed(option: Parameter) -> str:
    words = ", ".join(sorted(option.words, key=lambda word: word.startswith("--")))
    return words if option.is_flag else f"{words} {option.help.get('metavar') or _value(option)}"


def _value(option: Parameter) -> str:
    if isinstance(option.kind, Choice):
        return f"[{'|'.join(option.kind.words)}]"
    if isinstance(option.kind, IntRange):
        return "INTEGER RANGE"
    return "INTEGER" if option.kind is int else "TEXT"


def _meaning(option: Parameter) -> str:
    notes = []
    if option.help.get("show_default"):
        notes.append(f"default: {option.default}")
    if isinstance(option.kind, IntRange):
        least, most = option.kind.least, option.kind.most
        notes.append(f"x>={least}" if most is None else f"{least}<=x<={most}")
    text = str(option.help.get("help", ""))
    return f"{text}  [{'; '.join(notes)}]" if notes else text


def _commands(declared: Command | Group) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The commands of a group in their sections, each with what it does."""
    if declared is ROOT:  # from the table: no module is imported
        for title, group in COMMANDS.items():
            yield title, [(name, text) for name, (_, text) in group.items()]
    elif isinstance(declared, Group):
        yield "Commands", [(n, _in_short(load(declared.modules, n))) for n in declared.modules]


def _in_short(declared: Command | Group) -> str:
    if isinstance(declared, Command) and declared.short_help:
        return declared.short_help
    sentence, end, _ = " ".join(about(declared).partition("\n\n")[0].split()).partition(". ")
    return f"{sentence}." if end else sentence


# --- lines ---------------------------------------------------------------------------------------


def _usage(prefix: str, pieces: str, width: int) -> list[str]:
    if width >= len(prefix) + 20:
        first, *rest = _filled(pieces, width - len(prefix))
        return [prefix + first, *(" " * len(prefix) + line for line in rest)]
    indent = " " * len("Usage:     ")
    return [prefix, *(indent + line for line in _filled(pieces, width - len(indent)))]


def _table(rows: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    """Names with texts beside them."""
    column = min(max(len(name) for name, _ in rows), _NAMES_AT_MOST) + 2
    for name, text in rows:
        first, *rest = [*_wrapped(text, max(width - column - 2, 10))]
        if len(name) > column - 2:
            yield f"  {name}"
            name = ""
        yield f"  {name:{column}}{first}".rstrip()
        yield from (f"  {'':{column}}{line}" for line in rest)


def _wrapped(text: str, width: int) -> Iterator[str]:
    """Paragraphs in lines of this width; one below a line of \\b stays as it is."""
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ""
        if paragraph.startswith("\b\n"):
            yield from paragraph.split("\n")[1:]
        else:
            yield from _filled(paragraph.replace("\n", " "), width)


def _filled(text: str, width: int) -> Iterator[str]:
    """Lines of words, none of which is broken."""
    line = ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > width:
            yield line.rstrip()
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


def _columns() -> int:
    """Columns of the terminal, or as many as the environment says."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80  # type: ignore[union-attr]
    except (AttributeError, ValueError, OSError):
        return 80


@command(
    "help",
    argument("words", metavar="[COMMAND]", nargs=-1),
    option("--man", is_flag=True, hidden=True, help="Print the manual page (roff)."),
    hot=True,
)
def help_command(_settings: Settings, words: tuple[str, ...], man: bool) -> int:
    """Explain a command, or list them all."""
    if man:
        say("\n".join(manual()))
        return 0
    path: list[str] = ["gittasks"]
    declared: Command | Group = ROOT
    for word in words:
        declared = _inner(path, declared, word)
        path.append(declared.name)
    say(help_text(" ".join(path), declared))
    return 0


def _inner(path: list[str], group: Command | Group, word: str) -> Command | Group:
    """The command of a group that a word names; Usage when it has none of that name."""
    way = Way("see", (*path, "--help"))
    if isinstance(group, Command):
        raise Usage(f'{" ".join(path)} has no command "{word}"', ways=[way])
    name = ALIASES.get(word, word) if group is ROOT else word
    if name in group.modules:
        return load(group.modules, name)
    if group is not ROOT:
        raise Usage(f"no such command '{word}'", ways=[way])
    from gittasks.cli.usage_errors import unknown_command  # it imports click

    raise unknown_command(word)


# --- the manual page -------------------------------------------------------------------------


def manual() -> Iterator[str]:
    """The manual page as lines of roff: every command with its options."""
    yield f'.TH GITTASKS 1 "" "gittasks {__version__}" "gittasks manual"'
    yield ".SH NAME"
    yield r"gittasks \- a task list that lives in your git repository"
    yield ".SH SYNOPSIS"
    yield r"\fBgittasks\fR [\fIOPTIONS\fR] \fICOMMAND\fR [\fIARGS\fR]..."
    yield ".br"
    yield r"\fBgit gittasks\fR [\fIOPTIONS\fR] \fICOMMAND\fR [\fIARGS\fR]..."
    yield ".SH DESCRIPTION"
    yield from _paragraphs(about(ROOT))
    yield ".SH COMMON OPTIONS"
    yield "Every command takes them, before or after its name."
    common = records(ROOT)
    yield from _definitions(common)
    yield ".SH COMMANDS"
    yield from _manual_of("gittasks", ROOT, {names for names, _ in common})


def _manual_of(path: str, group: Group, common: set[str]) -> Iterator[str]:
    for name in group.modules:
        declared = load(group.modules, name)
        yield f".SS {_roff(' '.join([path, name, *usage_pieces(declared)]))}"
        yield from _paragraphs(about(declared))
        yield from _definitions([r for r in records(declared) if r[0] not in common])
        if isinstance(declared, Group):
            yield from _manual_of(f"{path} {name}", declared, common)


def _definitions(records: list[tuple[str, str]]) -> Iterator[str]:
    for names, text in records:
        yield ".TP"
        yield rf"\fB{_roff(names)}\fR"
        yield _roff(text)


def _paragraphs(text: str) -> Iterator[str]:
    """Paragraphs of a help text; those that stay as they are do so here too."""
    for paragraph in text.split("\n\n"):
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
