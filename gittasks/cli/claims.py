"""Commands for claims: claim, heartbeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gittasks import render
from gittasks.cli.options import (
    command,
    force_option,
    offline_option,
    owner_option,
    parallel_option,
    remote_option,
    resume_option,
)
from gittasks.cli.output import Answer
from gittasks.cli.settings import Settings
from gittasks.core.clock import duration, duration_words
from gittasks.core.operations import Claim
from gittasks.errors import Refused, RemoteFailure

if TYPE_CHECKING:
    from gittasks.render.text import Marks
    from gittasks.workspace import Claimed, Workspace


_NOTHING = "nothing is ready to be claimed"


@command("claim")
@click.argument("task_id", metavar="[ID]", required=False)
@click.option("--lease", metavar="TIME", help="Others may take it when I am silent so long.")
@click.option("--take-over", is_flag=True, help="Take one whose holder's lease ran out.")
@click.option(
    "--wait",
    is_flag=False,
    flag_value="",
    metavar="[TIME]",
    help="Wait until something is ready; at most TIME.",
)
@resume_option
@offline_option
@remote_option
@owner_option
@force_option
@parallel_option
@click.pass_obj
def claim_command(
    settings: Settings,
    task_id: str | None,
    lease: str | None,
    take_over: bool,
    wait: str | None,
    resume: bool,
    offline: bool,
    remote: str | None,
    owner: str | None,
    force: bool,
    parallel: bool,
) -> Answer:
    """Take a task for me alone, on all machines: ID, else the next that is ready.

    The list's remote decides: of two that claim at once it takes one. Exit code 5 when somebody
    else has the task, 1 when nothing is ready, 7 when the remote cannot be reached.
    """
    seconds = duration(lease, "--lease") if lease else None
    workspace = settings.workspace(owner, remote)
    wanted = Claim(task_id, owner, take_over, resume=resume)
    limit = duration(wait, "--wait") if wait else None
    how = {"force": force, "parallel": parallel, "offline": offline}
    try:
        made = workspace.claim(wanted, seconds, **how)
        while made.task is None and wait is not None:
            if not workspace.wait_until_ready(limit):
                break
            made = workspace.claim(wanted, seconds, **how)
    except RemoteFailure as error:
        if not error.details.get("uncertain"):
            error.hint = (
                "nothing was claimed; try again, or claim without asking the remote: "
                "gittasks claim --offline"
            )
        raise
    return _answer(workspace, made)


def _answer(workspace: Workspace, claimed: Claimed) -> Answer:
    edit, task = claimed.report.edit, claimed.task

    def text(marks: Marks) -> str:
        if task is None:
            return _NOTHING
        words = render.text.clean(workspace.claim_words(task, claimed))
        return f"{words}\n{render.plain.edited(edit, marks, [task.id])}"

    return Answer(
        lambda: render.documents.claim_document(
            edit,
            claimed.report.commit,
            task and task.id,
            workspace.actor.owner,
            None if claimed.tentative else workspace.store.remote,
            tentative=claimed.tentative,
        ),
        text,
        quiet=[task.id if task else _NOTHING],
        workspace=workspace,
        exit_code=0 if task else 1,
    )


@command("heartbeat")
@click.argument("task_id", metavar="[ID]", required=False)
@owner_option
@click.pass_obj
def heartbeat_command(settings: Settings, task_id: str | None, owner: str | None) -> Answer:
    """Say that I am still at it: renews the lease of my claims. No commit is made.

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
