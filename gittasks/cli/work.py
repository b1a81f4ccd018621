"""Commands that move a task: start, done, skip, reopen, release, run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from gittasks.cli import output
from gittasks.cli.options import (
    command,
    force_option,
    offline_option,
    owner_option,
    parallel_option,
    prose,
    remote_option,
    resume_option,
)
from gittasks.cli.settings import Settings
from gittasks.core.model import Status
from gittasks.core.operations import AddNote, Operation, StartNext, Transition, Verb
from gittasks.core.texts import printable
from gittasks.errors import GittasksError

if TYPE_CHECKING:
    from gittasks.cli.child import ChildEnd
    from gittasks.workspace import Report

_NOTE_LENGTH = 500
"""Characters of a command line that a note keeps."""


@command("start")
@click.argument("task_id", metavar="ID")
@resume_option
@owner_option
@force_option
@parallel_option
@click.pass_obj
def start_command(
    settings: Settings,
    task_id: str,
    resume: bool,
    owner: str | None,
    force: bool,
    parallel: bool,
) -> None:
    """Begin a task: pending to in_progress; with --resume go on with an earlier session's.

    Needs all blockers closed and no other task of this owner in progress in this session.
    """
    operation = Transition(Verb.START, task_id, owner=owner, resume=resume)
    output.edit_and_answer(settings, [operation], owner=owner, force=force, parallel=parallel)


@command("done")
@click.argument("task_id", metavar="ID")
@click.option("--result", metavar="TEXT", help='The outcome in a few words, such as "PASS".')
@click.option("--end-loop", is_flag=True, help="End the loop: skip its remaining iterations.")
@click.option("--next", "start_next", is_flag=True, help="Start the next ready task as well.")
@owner_option
@force_option
@parallel_option
@offline_option
@remote_option
@click.pass_obj
def done_command(
    settings: Settings,
    task_id: str,
    result: str | None,
    end_loop: bool,
    start_next: bool,
    owner: str | None,
    force: bool,
    parallel: bool,
    offline: bool,
    remote: str | None,
) -> None:
    """Complete a task, and say what became ready by it.

    To the end of a claim the list's remote has to agree.
    """
    operations: list[Operation] = [
        Transition(Verb.DONE, task_id, result=prose(result), owner=owner, end_loop=end_loop)
    ]
    if start_next:
        operations.append(StartNext(owner))
    output.edit_and_answer(
        settings,
        operations,
        owner=owner,
        force=force,
        parallel=parallel,
        offline=offline,
        remote=remote,
    )


@command("skip")
@click.argument("task_id", metavar="ID")
@click.option("--result", metavar="TEXT", help="Why, in a few words.")
@owner_option
@force_option
@offline_option
@remote_option
@click.pass_obj
def skip_command(
    settings: Settings,
    task_id: str,
    result: str | None,
    owner: str | None,
    force: bool,
    offline: bool,
    remote: str | None,
) -> None:
    """Close a task without doing it; what waited for it may start."""
    skip = Transition(Verb.SKIP, task_id, result=prose(result))
    output.edit_and_answer(
        settings, [skip], owner=owner, force=force, offline=offline, remote=remote
    )


@command("reopen")
@click.argument("task_id", metavar="ID")
@owner_option
@force_option
@click.pass_obj
def reopen_command(settings: Settings, task_id: str, owner: str | None, force: bool) -> None:
    """Make a completed or skipped task pending again."""
    output.edit_and_answer(settings, [Transition(Verb.REOPEN, task_id)], owner=owner, force=force)


@command("release")
@click.argument("task_id", metavar="ID")
@owner_option
@force_option
@offline_option
@remote_option
@click.pass_obj
def release_command(
    settings: Settings,
    task_id: str,
    owner: str | None,
    force: bool,
    offline: bool,
    remote: str | None,
) -> None:
    """Give a task back: pending, and nobody's."""
    workspace = settings.workspace(owner, remote)
    if workspace.forget_lost_claim(task_id):
        if settings.json:
            from gittasks.render import documents

            output.document(documents.envelope("release", forgotten=task_id))
        elif not settings.quiet:
            output.say(f"the lost claim of {task_id} is forgotten")
        return
    release = Transition(Verb.RELEASE, task_id)
    output.edit_and_answer(
        settings, [release], owner=owner, force=force, offline=offline, remote=remote
    )


@command("run")
@click.argument("task_id", metavar="ID")
@click.argument("program", nargs=-1, required=True, metavar="-- COMMAND...")
@resume_option
@owner_option
@force_option
@parallel_option
@click.pass_obj
def run_command(
    settings: Settings,
    task_id: str,
    program: tuple[str, ...],
    resume: bool,
    owner: str | None,
    force: bool,
    parallel: bool,
) -> int:
    """Start a task, run COMMAND in this terminal, and complete the task when it succeeds.

    Otherwise the task stays in progress with a note that holds the exit code. The exit code of
    COMMAND is passed on. With --json what COMMAND prints goes to standard error.
    """
    from gittasks.cli.child import run_child

    workspace = settings.workspace(owner)
    start = Transition(Verb.START, task_id, owner=owner, resume=resume)
    begun = workspace.edit([start], force=force, parallel=parallel)
    started = begun.edit.focus[0]
    child = run_child(program, stdout=sys.stderr if settings.json else None)
    if child.code == 0:
        operation: Operation = Transition(Verb.DONE, started)
    else:
        operation = AddNote(started, printable(f"{child.words}: {child.command}", _NOTE_LENGTH))
    try:
        made = workspace.edit([operation])
    except GittasksError:
        if child.code == 0:
            raise
        output.say(f"{started}: {child.words}, which could not be noted", err=True)
        return child.code
    if settings.json:
        output.document(_run_document(made, started, child, workspace.actor.owner))
    elif child.code != 0 and not settings.quiet:
        # The child had stdout to itself; what became of the task must not be mixed into it.
        status = made.edit.after.tasks[started].status
        became = "still in progress" if status is Status.IN_PROGRESS else status
        output.say(f"{started}: {child.words}; {became}", err=True)
    elif not settings.quiet:
        output.say_changes(settings, made, [started])
    output.notices(settings, workspace)
    return child.code


def _run_document(made: Report, started: str, child: ChildEnd, me: str) -> dict[str, object]:
    from gittasks.render import documents

    edit, graph = made.edit, made.graph
    return documents.envelope(
        "run",
        list=documents.list_part(edit.after.info),
        task=documents.task(edit.after.tasks[started], graph, me),
        exitCode=child.code,
        outcome=child.words,
        changed=True,
        unblocked=list(edit.unblocked),
        commit=made.commit,
    )
