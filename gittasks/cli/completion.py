"""The completion command, and what Tab finds: ids of tasks and lists, with their subjects."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem, get_completion_class

from gittasks.cli import output
from gittasks.cli.options import Settings, command
from gittasks.core.model import Status, Task
from gittasks.errors import GittasksError

if TYPE_CHECKING:
    from gittasks.workspace import Workspace

_VARIABLE = "_GITTASKS_COMPLETE"
_SUITS: dict[str, Callable[[Task], bool]] = {
    "start": lambda task: task.status is Status.PENDING,
    "claim": lambda task: task.status is Status.PENDING,
    "run": lambda task: task.status is Status.PENDING,
    "done": lambda task: not task.status.closed,
    "skip": lambda task: not task.status.closed,
    "release": lambda task: task.status is Status.IN_PROGRESS,
    "heartbeat": lambda task: task.status is Status.IN_PROGRESS,
    "reopen": lambda task: task.status in (Status.COMPLETED, Status.SKIPPED),
    "restore": lambda task: task.status is Status.DELETED,
}
"""Which tasks a command is for; any but the deleted ones unless it stands here."""


def _is_there(task: Task) -> bool:
    return task.status is not Status.DELETED


@command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(ctx: click.Context, shell: str) -> None:
    """Print what SHELL has to run so that Tab completes commands, options, and ids.

    \b
    bash  echo 'eval "$(gittasks completion bash)"' >>~/.bashrc
    zsh   echo 'eval "$(gittasks completion zsh)"' >>~/.zshrc
    fish  gittasks completion fish >~/.config/fish/completions/gittasks.fish
    """
    made = get_completion_class(shell)
    assert made is not None  # noqa: S101  click has all three
    complete = made(ctx.find_root().command, {}, "gittasks", _VARIABLE)
    script = complete.source_template % complete.source_vars()
    settings = ctx.find_object(Settings)
    if settings and settings.json:
        from gittasks.render import documents

        output.document(documents.envelope("completion", shell=shell, script=script))
    else:
        output.say(script.strip())


def tasks(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Ids of tasks that begin so, those that the command is for."""
    try:
        found = _workspace(ctx).snapshot().ordered(deleted=True)
    except GittasksError:  # no repository, no list: nothing to complete
        return []
    suits = _SUITS.get(str(ctx.info_name), _is_there)
    return [
        CompletionItem(task.id, help=_told(task))
        for task in found
        if task.id.startswith(incomplete) and suits(task)
    ]


def lists(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Ids of lists that begin so, local and fetched."""
    try:
        found = _workspace(ctx).known_lists()
    except GittasksError:
        return []
    return [CompletionItem(name) for name in found if name.startswith(incomplete)]


def _workspace(ctx: click.Context) -> Workspace:
    settings = ctx.find_object(Settings)
    return (settings or Settings()).workspace()


def _told(task: Task) -> str:
    from gittasks.render.text import clean

    return clean(task.subject)
