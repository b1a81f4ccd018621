"""Candidates of the Tab key: ids of tasks and lists, with their subjects."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from gittasks.cli.settings import Settings
from gittasks.core.model import Status, Task
from gittasks.errors import GittasksError
from gittasks.render.text import clean

if TYPE_CHECKING:
    from gittasks.workspace import Workspace

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


def tasks(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Ids of tasks that begin so, those that the command is for."""
    try:
        known = _workspace(ctx).snapshot().ordered(deleted=True)
    except GittasksError:  # no repository, no list: nothing to complete
        return []
    suits = _SUITS.get(str(ctx.info_name), _is_there)
    return [
        CompletionItem(task.id, help=_label(task))
        for task in known
        if task.id.startswith(incomplete) and suits(task)
    ]


def lists(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Ids of lists that begin so, local and fetched."""
    try:
        names = _workspace(ctx).known_lists()
    except GittasksError:
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _workspace(ctx: click.Context) -> Workspace:
    settings = ctx.find_object(Settings)
    return (settings or Settings()).workspace()


def _label(task: Task) -> str:
    return clean(task.subject)
