"""Help: the command help, and the manual page."""

from __future__ import annotations

from collections.abc import Iterator

from gittasks import __version__
from gittasks.cli.commands import ALIASES, load
from gittasks.cli.help_text import ROOT, about, help_text, records, usage_pieces
from gittasks.cli.options import Command, Group, argument, command, option
from gittasks.cli.output import say
from gittasks.cli.settings import Settings
from gittasks.errors import Usage, Way


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
    yield from _commands("gittasks", ROOT, {names for names, _ in common})


def _commands(path: str, group: Group, common: set[str]) -> Iterator[str]:
    for name in group.modules:
        declared = load(group.modules, name)
        yield f".SS {_roff(' '.join([path, name, *usage_pieces(declared)]))}"
        yield from _paragraphs(about(declared))
        yield from _definitions([r for r in records(declared) if r[0] not in common])
        if isinstance(declared, Group):
            yield from _commands(f"{path} {name}", declared, common)


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
