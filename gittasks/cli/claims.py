"""Commands for claims: claim, heartbeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gittasks.cli import output
from gittasks.cli.options import (
    command,
    force_option,
    offline_option,
    owner_option,
    parallel_option,
    remote_option,
    resume_option,
)
from gittasks.cli.settings import Settings
from gittasks.core.clock import duration, duration_words
from gittasks.core.operations import Claim
from gittasks.errors import Refused, RemoteFailure
from gittasks.render.text import clean

if TYPE_CHECKING:
    from gittasks.workspace import Claimed, Workspace


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
) -> int:
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
    return _answer(settings, workspace, made)


def _answer(settings: Settings, workspace: Workspace, made: Claimed) -> int:
    if settings.json:
        from gittasks.render import documents

        edit, graph = made.report.edit, made.report.graph
        task = made.task and documents.task(made.task, graph, workspace.actor.owner)
        output.document(
            documents.envelope(
                "claim",
                list=documents.list_part(edit.after.info),
                task=task,
                changed=edit.made,
                commit=made.report.commit,
                remote=workspace.store.remote if not made.tentative else None,
                tentative=made.tentative,
            )
        )
    elif made.task is None:
        output.say("nothing is ready to be claimed")
    elif settings.quiet:
        output.say(made.task.id)
    else:
        output.say(clean(workspace.claim_words(made.task, made)))
        output.say_changes(settings, made.report, [made.task.id])
    output.notices(settings, workspace)
    return 0 if made.task else 1


@command("heartbeat")
@click.argument("task_id", metavar="[ID]", required=False)
@owner_option
@click.pass_obj
def heartbeat_command(settings: Settings, task_id: str | None, owner: str | None) -> int:
    """Say that I am still at it: renews the lease of my claims. No commit is made.

    Exit code 5 when one of them was taken over.
    """
    workspace = settings.workspace(owner)
    lease, lost = workspace.heartbeat(task_id)
    if settings.json:
        from gittasks.render import documents

        output.document(
            documents.envelope(
                "heartbeat",
                list=documents.list_part(workspace.snapshot().info),
                claims=[{"task": i, "claim": e} for i, e in lease.claims.items()],
                lost=list(lost),
                leaseSeconds=lease.seconds,
                beat=lease.beat,
            )
        )
    elif not settings.quiet:
        held = ", ".join(lease.claims) or "nothing"
        output.say(f"renewed for {duration_words(lease.seconds)}: {held}")
        for name in lost:
            output.say(f"{name} was taken over: gittasks show {name}")
    output.notices(settings, workspace)
    return Refused.exit_code if lost else 0
