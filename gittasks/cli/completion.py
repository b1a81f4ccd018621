"""The completion command."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from gittasks import render
from gittasks.cli.options import command
from gittasks.cli.output import Answer

_VARIABLE = "_GITTASKS_COMPLETE"


@command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(ctx: click.Context, shell: str) -> Answer:
    """Print what SHELL has to run so that Tab completes commands, options, and ids.

    \b
    bash  echo 'eval "$(gittasks completion bash)"' >>~/.bashrc
    zsh   echo 'eval "$(gittasks completion zsh)"' >>~/.zshrc
    fish  gittasks completion fish >~/.config/fish/completions/gittasks.fish
    """
    dialect = get_completion_class(shell)
    assert dialect is not None  # noqa: S101  click has all three
    complete = dialect(ctx.find_root().command, {}, "gittasks", _VARIABLE)
    script = complete.source_template % complete.source_vars()
    return Answer(
        lambda: render.documents.completion_document(shell, script), lambda _: script.strip()
    )
