"""Candidates of the Tab key: ids of tasks and lists, owners, phases, tags, settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from gittasks.cli.settings import Settings
from gittasks.core.model import Status, Task
from gittasks.core.settings import SETTINGS
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


def owners(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Owners of tasks of the list."""
    return _said(ctx, incomplete, lambda task: [task.owner])


def phases(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Phases of the list, as `--phase` takes them."""
    return _said(ctx, incomplete, lambda task: [task.phase_label])


def tags(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Tags of the list."""
    return _said(ctx, incomplete, lambda task: task.tags)


def _said(
    ctx: click.Context, incomplete: str, words: Callable[[Task], Iterable[str | None]]
) -> list[CompletionItem]:
    """Words that tasks of the list have, each once, in order of display."""
    try:
        known = _workspace(ctx).snapshot().ordered()
    except GittasksError:
        return []
    there = dict.fromkeys(word for task in known for word in words(task) if word)
    return [CompletionItem(word) for word in there if word.startswith(incomplete)]


def settings(_: click.Context, incomplete: str) -> list[CompletionItem]:
    """Names of settings."""
    return [
        CompletionItem(known.name, help=known.meaning)
        for known in SETTINGS
        if known.name.lower().startswith(incomplete.lower())
    ]


def _workspace(ctx: click.Context) -> Workspace:
    settings = ctx.find_object(Settings)
    return (settings or Settings()).workspace()


def _label(task: Task) -> str:
    return clean(task.subject)
