"""Commands that move tasks: start, done, skip, reopen, release, claim, heartbeat, run."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gittasks import render
from gittasks.cli import output
from gittasks.cli.options import (
    argument,
    command,
    first_option,
    force_option,
    ids_argument,
    offline_option,
    option,
    owner_option,
    parallel_option,
    prose,
    remote_option,
    resume_option,
    several,
)
from gittasks.cli.output import Answer, Settings, edit
from gittasks.core.graph import Graph
from gittasks.core.ids import task_id_fault
from gittasks.core.model import Status
from gittasks.core.operations import AddNote, Claim, Operation, StartNext, Transition, Verb
from gittasks.core.progress import nothing_ready
from gittasks.core.times import duration, duration_words
from gittasks.core.validation import escape_line
from gittasks.errors import GittasksError, NotFound, Refused, RemoteFailure, Way

if TYPE_CHECKING:
    from gittasks.cli.programs import ChildEnd
    from gittasks.render.text import StatusMarks
    from gittasks.workspace import Claimed, EditResult, Workspace


_NOTE_LENGTH = 500
"""Characters of a command line that a note keeps."""


@command(
    "start",
    argument("task_id", metavar="ID"),
    resume_option,
    owner_option,
    force_option,
    parallel_option,
    hot=True,
)
def start_command(
    settings: Settings,
    task_id: str,
    resume: bool,
    owner: str | None,
    force: bool,
    parallel: bool,
) -> Answer:
    """Start a task: pending to in_progress; with --resume go on with an earlier session's.

    Needs all blockers closed and no other task of this owner in progress in this session.
    """
    operation = Transition(Verb.START, task_id, owner=owner, resume=resume)
    return edit(settings, [operation], owner=owner, force=force, parallel=parallel)


@command(
    "done",
    ids_argument,
    option("--result", metavar="TEXT", help='The outcome in a few words, such as "PASS".'),
    option("--end-loop", is_flag=True, help="End the loop: skip its remaining iterations."),
    option("--next", "start_next", is_flag=True, help="Start the next ready task as well."),
    owner_option,
    force_option,
    parallel_option,
    offline_option,
    remote_option,
    hot=True,
)
def done_command(
    settings: Settings,
    task_ids: tuple[str, ...],
    result: str | None,
    end_loop: bool,
    start_next: bool,
    owner: str | None,
    force: bool,
    parallel: bool,
    offline: bool,
    remote: str | None,
) -> Answer:
    """Complete tasks, and show which tasks became ready.

    The end of a claim has to be accepted by the list's remote.
    """
    outcome = prose(result)
    operations: list[Operation] = [
        Transition(Verb.DONE, task_id, result=outcome, owner=owner, end_loop=end_loop)
        for task_id in several(task_ids)
    ]
    if start_next:
        operations.append(StartNext(owner))
    try:
        return edit(
            settings,
            operations,
            owner=owner,
            force=force,
            parallel=parallel,
            offline=offline,
            remote=remote,
            starts_next=start_next,
        )
    except NotFound as error:
        raise _meant_as_result(error, task_ids) from error


def _meant_as_result(error: NotFound, task_ids: Sequence[str]) -> NotFound:
    """The error for a word behind an id that is no id: `done p1 PASS`."""
    known = error.details.get("candidates")
    if known or task_id_fault(task_ids[-1]) is None or len(task_ids) < 2:
        return error
    return error.with_hint("the outcome goes with --result TEXT", *error.ways)


@command(
    "skip",
    ids_argument,
    option("--result", metavar="TEXT", help="Why, in a few words."),
    owner_option,
    force_option,
    offline_option,
    remote_option,
    hot=True,
)
def skip_command(
    settings: Settings,
    task_ids: tuple[str, ...],
    result: str | None,
    owner: str | None,
    force: bool,
    offline: bool,
    remote: str | None,
) -> Answer:
    """Close tasks without doing them; tasks that waited for them may start."""
    reason = prose(result)
    skips = [Transition(Verb.SKIP, task_id, result=reason) for task_id in several(task_ids)]
    return edit(settings, skips, owner=owner, force=force, offline=offline, remote=remote)


@command("reopen", ids_argument, owner_option, force_option, hot=True)
def reopen_command(
    settings: Settings, task_ids: tuple[str, ...], owner: str | None, force: bool
) -> Answer:
    """Make completed or skipped tasks pending again."""
    moves = [Transition(Verb.REOPEN, task_id) for task_id in several(task_ids)]
    return edit(settings, moves, owner=owner, force=force)


@command(
    "release", ids_argument, owner_option, force_option, offline_option, remote_option, hot=True
)
def release_command(
    settings: Settings,
    task_ids: tuple[str, ...],
    owner: str | None,
    force: bool,
    offline: bool,
    remote: str | None,
) -> Answer:
    """Give tasks back: pending, and nobody's."""
    workspace = settings.workspace(owner, remote)
    ids = several(task_ids)
    lost = [task_id for task_id in ids if workspace.forget_lost_claim(task_id)]
    if len(lost) == len(ids):
        return Answer(
            lambda: render.documents.release_document(lost[0]),
            lambda _: "\n".join(f"the lost claim of {task_id} is forgotten" for task_id in lost),
            quiet=(),
        )
    moves = [Transition(Verb.RELEASE, task_id) for task_id in ids if task_id not in lost]
    return edit(settings, moves, owner=owner, force=force, offline=offline, remote=remote)


@command(
    "run",
    argument("task_id", metavar="ID"),
    argument("program", nargs=-1, required=True, metavar="-- COMMAND..."),
    resume_option,
    owner_option,
    force_option,
    parallel_option,
)
def run_command(
    settings: Settings,
    task_id: str,
    program: tuple[str, ...],
    resume: bool,
    owner: str | None,
    force: bool,
    parallel: bool,
) -> Answer | int:
    """Start a task, run COMMAND in this terminal, and complete the task when it succeeds.

    Otherwise the task stays in progress with a note that holds the exit code. The exit code of
    COMMAND is passed on. With --json what COMMAND prints goes to standard error.
    """

    workspace = settings.workspace(owner)
    start = Transition(Verb.START, task_id, owner=owner, resume=resume)
    begun = workspace.edit([start], force=force, parallel=parallel)
    started = begun.edit.focus[0]
    from gittasks.cli.programs import run_child  # it brings subprocess

    child = run_child(program, stdout=sys.stderr if settings.json else None)
    if child.code == 0:
        operation: Operation = Transition(Verb.DONE, started)
    else:
        operation = AddNote(started, escape_line(f"{child.words}: {child.command}", _NOTE_LENGTH))
    try:
        report = workspace.edit([operation])
    except GittasksError:
        if child.code == 0:
            raise
        output.say(f"{started}: {child.words}, which could not be noted", err=True)
        return child.code
    return _ended(workspace, report, started, child)


def _ended(workspace: Workspace, report: EditResult, started: str, child: ChildEnd) -> Answer:
    change, me = report.edit, workspace.actor.owner
    status = change.after.tasks[started].status
    became = "still in progress" if status is Status.IN_PROGRESS else status
    # The child had stdout to itself; when it failed, the fate of the task is not mixed into it.
    failed = [f"{started}: {child.words}; {became}"] if child.code else []
    return Answer(
        lambda: render.documents.run_document(change, report.commit, me, child.code, child.words),
        lambda marks: None if failed else render.plain.edited(change, marks, [started]),
        quiet=(),
        beside=failed,
        workspace=workspace,
        exit_code=child.code,
    )


@command(
    "claim",
    argument("task_id", metavar="[ID]", required=False),
    option("--lease", metavar="TIME", help="Others may take it after this silence: 30m, 2h."),
    option("--take-over", is_flag=True, help="Take a task whose lease has expired."),
    option(
        "--wait",
        is_flag=False,
        flag_value="",
        metavar="[TIME]",
        help="Wait until a task is ready, at most TIME.",
    ),
    option(
        "--disjoint", is_flag=True, help="Without ID: prefer a task whose paths nobody works on."
    ),
    resume_option,
    offline_option,
    first_option,
    remote_option,
    owner_option,
    force_option,
    parallel_option,
    hot=True,
)
def claim_command(
    settings: Settings,
    task_id: str | None,
    lease: str | None,
    take_over: bool,
    wait: str | None,
    disjoint: bool,
    resume: bool,
    offline: bool,
    first: bool,
    remote: str | None,
    owner: str | None,
    force: bool,
    parallel: bool,
) -> Answer:
    """Claim a task, for me alone on all machines: ID, else the next that is ready.

    The list's remote decides: of two that claim at once it takes one. Exit code 5 when somebody
    else has the task, 1 when nothing is ready, 7 when the remote cannot be reached.
    """
    seconds = duration(lease, "--lease") if lease else None
    workspace = settings.workspace(owner, remote)
    intent = Claim(task_id, owner, take_over, resume=resume, disjoint=disjoint)
    limit = duration(wait, "--wait") if wait else None
    how = {"force": force, "parallel": parallel, "offline": offline, "first": first}
    try:
        claimed = workspace.claim(intent, seconds, **how)
        while claimed.task is None and wait is not None:
            if not workspace.wait_until_ready(limit):
                break
            claimed = workspace.claim(intent, seconds, **how)
    except RemoteFailure as error:
        if error.details.get("outcome") == "unknown":
            raise
        offline_way = ("gittasks", "claim", *([task_id] if task_id else []), "--offline")
        offline_claim = Way("claim without asking the remote", offline_way)
        raise error.with_ways([offline_claim, *error.ways]) from error
    return _answer(workspace, claimed)


def _answer(workspace: Workspace, claimed: Claimed) -> Answer:
    edit, task, nothing = claimed.report.edit, claimed.task, ""
    if task is None:
        graph = Graph.of(edit.after, workspace.now().text)
        nothing = render.text.clean(nothing_ready(graph, workspace.actor.owner))

    def text(marks: StatusMarks) -> str:
        if task is None:
            return nothing
        words = render.text.clean(workspace.claim_words(task, claimed))
        return f"{words}\n{render.plain.edited(edit, marks, [task.id])}"

    return Answer(
        lambda: render.documents.claim_document(
            edit,
            claimed.report.commit,
            task and task.id,
            workspace.actor.owner,
            None if claimed.tentative else workspace.home_remote,
            tentative=claimed.tentative,
        ),
        text,
        quiet=[task.id if task else nothing],
        workspace=workspace,
        exit_code=0 if task else 1,
    )


@command("heartbeat", argument("task_id", metavar="[ID]", required=False), owner_option, hot=True)
def heartbeat_command(settings: Settings, task_id: str | None, owner: str | None) -> Answer:
    """Renew the lease of my claims: I am still at work. No commit is made.

    Exit code 5 when one of them was taken over.
    """
    workspace = settings.workspace(owner)
    lease, lost = workspace.heartbeat(task_id)
    held = ", ".join(lease.claims) or "nothing"
    lines = [f"renewed for {duration_words(lease.seconds)}: {held}"]
    lines += [f"{name} was taken over: gittasks show {name}" for name in lost]
    return Answer(
        lambda: render.documents.heartbeat_document(
            workspace.snapshot().info, lease.claims, lost, lease.seconds, lease.beat
        ),
        lambda _: "\n".join(lines),
        quiet=(),
        workspace=workspace,
        exit_code=Refused.exit_code if lost else 0,
    )
