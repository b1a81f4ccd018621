"""Print what a command answers: text, or one JSON document."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gittasks.cli.settings import Settings
    from gittasks.core.model import Task
    from gittasks.core.operations import Operation
    from gittasks.workspace import Report, Workspace


class LostOutput(Exception):
    """What a command says cannot be written (a full disk), so nobody knows what it did."""


def say(text: str, *, err: bool = False) -> None:
    """Print text to standard output or error; what it cannot hold is shown as escapes.

    Not click.echo: that writes UTF-8 where Python was told that the terminal holds only ASCII.
    """
    stream = sys.stderr if err else sys.stdout
    try:
        try:
            stream.write(f"{text}\n")
        except UnicodeEncodeError as error:
            shown = text.replace("\u200e", "")  # a mark of ours, not a sign: those are escaped
            held = shown.encode(error.encoding, "backslashreplace").decode(error.encoding)
            stream.write(f"{held}\n")
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise LostOutput(error.strerror or str(error)) from error


def say_ids(tasks: Iterable[Task]) -> None:
    """Print the ids alone, one a line, for scripts."""
    for task in tasks:
        say(task.id)


def document(content: Mapping[str, Any]) -> None:
    """Print one JSON document to standard output."""
    from gittasks.render import documents

    say(documents.dumps(content))


def notices(settings: Settings, workspace: Workspace) -> None:
    """Print the hints that came up, to standard error."""
    if not settings.quiet:
        for notice in (*workspace.notices, *workspace.claim_notices()):
            say(f"hint: {notice}", err=True)


def edit_and_answer(
    settings: Settings,
    operations: Sequence[Operation],
    *,
    owner: str | None = None,
    force: bool = False,
    parallel: bool = False,
    offline: bool = False,
    remote: str | None = None,
) -> None:
    """Apply operations to the list at work, and answer with what became of them."""
    workspace = settings.workspace(owner, remote)
    made = workspace.edit(operations, force=force, parallel=parallel, offline=offline)
    report(settings, workspace, made)


def remark(settings: Settings, workspace: Workspace, made: Report) -> None:
    """Say at once what new tasks make hard to see; to a person, so not beside JSON."""
    if made.edit.created and not settings.json and not settings.quiet:
        from gittasks.core.lint.early import remarks

        workspace.notices += remarks(made.edit.before, made.edit.after, made.edit.created)


def report(settings: Settings, workspace: Workspace, made: Report) -> None:
    """Answer an edit: what became of the task that it was about, and what is ready now."""
    edit, graph = made.edit, made.graph
    focus = next((i for i in edit.focus if i), "")
    if settings.json:
        from gittasks.render import documents

        document(
            documents.task_document(
                edit.after.tasks[focus],
                graph,
                changed=edit.made,
                unblocked=edit.unblocked,
                commit=made.commit,
                me=workspace.actor.owner,
                info=edit.after.info,
            )
        )
    else:
        say_changes(settings, made, [i for i in dict.fromkeys(edit.focus) if i])
    remark(settings, workspace, made)
    notices(settings, workspace)


def say_changes(settings: Settings, made: Report, focus: Sequence[str]) -> None:
    """The lines of an edit: tasks in focus and all that changed, unblocked ones, the summary."""
    from gittasks.core.progress import summary
    from gittasks.render import plain

    edit = made.edit
    shown = [i for i in dict.fromkeys([*focus, *edit.changed]) if i in edit.after.tasks]
    pairs = [(edit.before.tasks.get(i), edit.after.tasks[i]) for i in shown]
    if settings.quiet:
        for _, task in pairs:
            say(task.id)
        return
    words = summary(edit.after.tasks.values())
    say(plain.changes(pairs, settings.marks(), edit.unblocked, words))
