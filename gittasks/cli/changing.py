"""Answers of commands that change a list: the tasks, newly ready ones, progress."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gittasks import render
from gittasks.cli.output import Answer

if TYPE_CHECKING:
    from gittasks.cli.settings import Settings
    from gittasks.core.operations import Operation
    from gittasks.workspace import EditResult, Workspace


def edit(
    settings: Settings,
    operations: Sequence[Operation],
    *,
    owner: str | None = None,
    force: bool = False,
    parallel: bool = False,
    offline: bool = False,
    remote: str | None = None,
    starts_next: bool = False,
) -> Answer:
    """Apply operations to the list at work; the answer tells what became of their tasks.

    `starts_next`: the last of them begins the next task that is ready.
    """
    workspace = settings.workspace(owner, remote)
    report = workspace.edit(operations, force=force, parallel=parallel, offline=offline)
    return edited(workspace, report, starts_next=starts_next)


def make_named_list(workspace: Workspace) -> None:
    """Make the list that a variable names if it is nowhere yet, and say so."""
    if workspace.make_list_if_named():
        branch = workspace.store.ref.removeprefix("refs/heads/")
        chosen = workspace.chosen
        workspace.notices.append(
            f'made the task list "{chosen.id}" (branch {branch}), which {chosen.by} names'
        )


def edited(workspace: Workspace, report: EditResult, *, starts_next: bool = False) -> Answer:
    """The answer of an edit: the task that it was about, all that changed, what is ready now."""
    focus = [task_id for task_id in dict.fromkeys(report.edit.focus) if task_id]
    me, now = workspace.actor.owner, workspace.now().epoch
    started = (report.edit.focus[-1] or None) if starts_next else None
    return changed(
        workspace,
        report,
        lambda: render.documents.edit_document(report.edit, report.commit, me, now, started),
        focus,
    )


def changed(
    workspace: Workspace,
    report: EditResult,
    json: Callable[[], Mapping[str, Any]],
    focus: Sequence[str] = (),
    *,
    above: Iterable[str] = (),
    below: Iterable[str] = (),
    hints: Callable[[], Iterable[str]] = tuple,
) -> Answer:
    """The answer of a command that changed a list, as `json` or as text between these lines."""
    return Answer(
        json,
        lambda marks: "\n".join([*above, render.plain.edited(report.edit, marks, focus), *below]),
        quiet=changed_ids(report, focus),
        hints=hints,
        workspace=workspace,
    )


def changed_ids(report: EditResult, focus: Sequence[str] = ()) -> list[str]:
    """Ids of the tasks that an answer is about, for --quiet."""
    shown = dict.fromkeys([*focus, *report.edit.changed])
    return [task_id for task_id in shown if task_id in report.edit.after.tasks]
