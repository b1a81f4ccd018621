"""What the tools do with others: TaskClaim and TaskSync."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gittasks.core.clock import duration
from gittasks.core.operations import Claim
from gittasks.core.progress import summary
from gittasks.errors import RemoteFailure
from gittasks.mcp_server import replies
from gittasks.mcp_server.replies import Arguments, Reply
from gittasks.render import plain
from gittasks.render.text import clean
from gittasks.sync import Synced, Wish
from gittasks.workspace import Workspace


def claim(workspace: Workspace, given: Arguments) -> Reply:
    """Take a task, or the next that is ready. Raises GittasksError."""
    wanted = Claim(
        given.get("taskId"),
        given.get("owner"),
        given.get("takeOver", False),
        resume=given.get("resume", False),
        anew=True,
    )
    try:
        made = workspace.claim(
            wanted,
            duration(given["lease"], "lease") if "lease" in given else None,
            force=given.get("force", False),
            parallel=given.get("parallel", False),
            offline=given.get("offline", False),
        )
    except RemoteFailure as error:
        if not error.details.get("uncertain"):
            error.hint = "nothing was claimed; try again, or give offline: true"
        raise
    words = replies.progress_words(made.report)
    if made.task is None:
        message = "nothing is ready to be claimed"
        nothing = {"task": None, "message": message, "summary": words}
        return Reply(f"{message}\n{clean(words)}", nothing)
    message = workspace.claim_words(made.task, made)
    task = replies.details(made.task, made.report.graph, workspace.actor.owner)
    data: dict[str, Any] = {"task": task, "message": message, "summary": words}
    if made.tentative:
        data["tentative"] = True
    return Reply(f"{clean(message)}\n{replies.changed_text(made.report, [made.task.id])}", data)


_WISHES = {"both": Wish(True, True), "pull": Wish(True, False), "push": Wish(False, True)}
_TOLD = 20
"""Changes of others that are told one by one."""


def sync(workspace: Workspace, given: Arguments) -> Reply:
    """Exchange the list, or all lists, with a remote. Raises GittasksError."""
    wish = _WISHES[given.get("direction", "both")]
    done = workspace.exchange(wish, given.get("remote"), all_lists=given.get("all", False))
    if len(done) == 1 and done[0].error:
        raise done[0].error
    lists = [_exchanged(workspace, one) for one in done]
    text = "\n".join(line for one in lists for line in _exchange_lines(one))
    return Reply(text or "there is no list to share", {"lists": lists})


def _exchanged(workspace: Workspace, one: Synced) -> dict[str, Any]:
    """What became of one list; `received` tells what others did, the newest at the end."""
    found: dict[str, Any] = {"list": one.list_id, "remote": one.remote}
    if one.error:
        return {**found, "error": replies.error_text(one.error)}
    exchange = workspace.exchanged(one)
    did = [f"{e.who}: {replies.did(e, one.list_id)}" for e in exchange.received]
    if len(did) > _TOLD:
        did = [f"... {len(did) - _TOLD} more before these: TaskLog", *did[-_TOLD:]]
    found |= {"received": did, "sent": len(one.sent)}
    if one.conflicts:
        found["conflicts"] = len(one.conflicts)
    if one.branch is not None:
        snapshot = one.branch.snapshot
        if exchange.troubles:
            found["troubles"] = [t.message for t in exchange.troubles]
        found["summary"] = summary(snapshot.tasks.values())
    return found


def _exchange_lines(one: Mapping[str, Any]) -> list[str]:
    name, remote = clean(one["list"]), clean(one["remote"])
    if "error" in one:
        return [f"{name}: {one['error']}"]
    came, went = len(one["received"]), one["sent"]
    received = f"{came} from {remote}" if came else ""
    sent = f"{went} to {remote}" if went else ""
    words = ", ".join(filter(None, (received, sent))) or f"up to date with {remote}"
    lines = [f"{name}: {words}"]
    lines += [f"  < {clean(did)}" for did in one["received"]]
    if count := one.get("conflicts"):
        lines += [clean(line) for line in plain.sharing_lines(count, None)]
    lines += [f"  ! {clean(trouble)}" for trouble in one.get("troubles", ())]
    return [*lines, *([clean(one["summary"])] if "summary" in one else [])]
