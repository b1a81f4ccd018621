"""The command help, and the manual page that is made from the commands."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from gittasks import __version__
from gittasks.cli.options import command
from gittasks.cli.output import say


@command("help")
@click.argument("words", metavar="[COMMAND]", nargs=-1)
@click.option("--man", is_flag=True, hidden=True, help="Print the manual page (roff).")
@click.pass_context
def help_command(ctx: click.Context, words: tuple[str, ...], man: bool) -> int:
    """Explain a command, or list them all."""
    root = ctx.find_root()
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
