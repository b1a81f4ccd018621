"""The tools: each call turned into operations of the list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gittasks.core.apply import Edit
from gittasks.core.fields import BY_NAME, SIMPLE, arranged
from gittasks.core.ids import find
from gittasks.core.lint.list_rules import remarks
from gittasks.core.model import Status, Task
from gittasks.core.operations import (
    AddNote,
    Claim,
    Create,
    Operation,
    StartNext,
    Transition,
    Update,
    Verb,
)
from gittasks.core.plan import Plan, PlannedTask, assign_ids
from gittasks.core.progress import summary
from gittasks.core.query import Filter
from gittasks.core.times import duration
from gittasks.core.view import ListView
from gittasks.errors import GittasksError, NoList, RemoteFailure, Usage
from gittasks.mcp_server import replies
from gittasks.mcp_server.replies import MARKS, Arguments, Reply
from gittasks.render import plain
from gittasks.render.elsewhere import elsewhere_lines, tool_way
from gittasks.render.text import clean
from gittasks.sync import SyncOptions, SyncResult
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


_WISHES = {
    "both": SyncOptions(True, True),
    "pull": SyncOptions(True, False),
    "push": SyncOptions(False, True),
}
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


def _exchanged(workspace: Workspace, one: SyncResult) -> dict[str, Any]:
    """What became of one list; `received` tells what others did, the newest at the end."""
    found: dict[str, Any] = {"list": one.list_id, "remote": one.remote}
    if one.error:
        return {**found, "error": replies.error_text(one.error)}
    exchange = workspace.exchanged(one)
    did = [f"{e.who}: {replies.action_text(e, one.list_id)}" for e in exchange.received]
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


_UPDATED = {
    field.attr: "note" if field.name == "notes" else field.name
    for field in arranged(
        "subject description activeForm status owner result phase order blockedBy notes metadata"
    )
    if field.uses.given or field.name == "notes"
}


def actor_of(tool: str, given: Arguments) -> str | None:
    """The owner that a call acts for, if it gives one: agents that share a server are told apart
    by it when they take, begin and end tasks."""
    moves = given.get("status") in ("in_progress", "completed", "skipped")
    acts = tool == "TaskClaim" or (tool == "TaskUpdate" and moves)
    return given.get("owner") or None if acts else None


def call(tool: str, workspace: Workspace, given: Arguments) -> Reply:
    """Do what a tool is for. Raises GittasksError."""
    try:
        reply = _TOOLS[tool](workspace, given)
    except NoList as error:
        error.hint = _way_to_a_list(workspace, error)
        raise
    try:
        hints = replies.workspace_hints(workspace)
    except GittasksError:  # of a list that is not there any more: the answer stands
        hints = list(workspace.notices)
    return replies.with_hints(reply, hints)


def _way_to_a_list(workspace: Workspace, error: NoList) -> str:
    others = ", ".join(error.details.get("lists", ())[:10])
    if others and not _is_named(workspace):
        return "choose one in a shell: gittasks use LIST (no restart is needed)"
    return "TaskCreate or TaskCreateMany makes it" + (
        f"; there is also: {others}" if others else ""
    )


def _is_named(workspace: Workspace) -> bool:
    """Whether it is known which list is meant, there or not."""
    try:
        return bool(workspace.chosen)
    except NoList:
        return False


# --- creating ------------------------------------------------------------------------------


def _make_list(workspace: Workspace) -> None:
    """Make the list if there is none, and say so."""
    if workspace.make_list_if_none():
        branch = workspace.store.ref.removeprefix("refs/heads/")
        words = f'made the task list "{workspace.list_id}" on the branch {branch}: there was none'
        workspace.notices.append(words)


def _remark(workspace: Workspace, edit: Edit) -> None:
    """Say at once what new tasks make hard to see: nobody learns it sooner than who made them."""
    workspace.notices += remarks(edit.before, edit.after, edit.created)


def _new_fields(given: Arguments) -> dict[str, Any]:
    """What TaskCreate and TaskCreateMany have in common, as the operations call it."""
    fields = {BY_NAME[name].attr if name in BY_NAME else name: v for name, v in given.items()}
    simple = [field.attr for field in SIMPLE if field.attr in fields]
    fields["fields"] = {name: _value(fields.pop(name)) for name in simple}
    if "status" in fields:
        fields["status"] = Status(fields["status"])
    for name in ("blocked_by", "blocks"):
        if name in fields:
            fields[name] = tuple(fields[name])
    return fields


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _create(workspace: Workspace, given: Arguments) -> Reply:
    _make_list(workspace)
    made = workspace.edit([Create(**_new_fields(given))])
    edit, task = made.edit, made.edit.after.tasks[made.edit.focus[0]]
    _remark(workspace, edit)
    data: dict[str, Any] = {"task": replies.brief(task)}
    if "iterations" in given:
        data["created"] = list(edit.created)
    data["summary"] = replies.progress_words(made)
    return Reply(replies.changed_text(made, [task.id]), data)


def _create_many(workspace: Workspace, given: Arguments) -> Reply:
    _make_list(workspace)
    planned = [
        PlannedTask(number, **_new_fields(entry)) for number, entry in enumerate(given["tasks"], 1)
    ]
    plan = Plan(given.get("title"), tuple(planned), "TaskCreateMany", title_line=0)
    ids = [task.id or "" for task in assign_ids(plan).tasks]
    made = workspace.apply_plan(plan)
    _remark(workspace, made.edit)
    data: dict[str, Any] = {"ids": ids}
    if kept := [i for i in ids if i not in made.edit.created]:
        data["kept"] = kept
    if made.notes:
        data["notes"] = list(made.notes)
    data["summary"] = replies.progress_words(made)
    text = replies.changed_text(made, kept)
    return Reply("\n".join([text, *map(clean, made.notes)]), data)


# --- changing ------------------------------------------------------------------------------


def _update(workspace: Workspace, given: Arguments) -> Reply:
    operations = _operations(given)
    force, parallel = given.get("force", False), given.get("parallel", False)
    made = workspace.edit(operations, force=force, parallel=parallel)
    edit, task_id = made.edit, made.edit.focus[0]
    before, after = edit.before.tasks[task_id], edit.after.tasks[task_id]
    data: dict[str, Any] = {
        "success": True,
        "taskId": task_id,
        "updatedFields": _updated(before, after),
    }
    if before.status is not after.status:
        data["statusChange"] = {"from": before.status.value, "to": after.status.value}
    if edit.unblocked:
        data["unblocked"] = list(edit.unblocked)
    started = edit.focus[-1] if isinstance(operations[-1], StartNext) else ""
    if others := [i for i in edit.changed if i not in (task_id, started)]:
        data["alsoChanged"] = others
    text = replies.changed_text(made, [task_id])
    if isinstance(operations[-1], StartNext):
        if started:
            data["started"] = started
        else:
            workspace.notices.append("nothing is ready to be begun")
    data["summary"] = replies.progress_words(made)
    return Reply(text, data)


def _operations(given: Arguments) -> list[Operation]:
    """The operations of a TaskUpdate; the first is about the task itself."""
    task_id = given["taskId"]
    metadata = given.get("metadata", {})
    status = Status(given["status"]) if "status" in given else None
    done, starts = status is Status.COMPLETED, status is Status.IN_PROGRESS
    acts = done or starts or status is Status.SKIPPED  # then `owner` says who acts
    if given.get("endLoop") and not done:
        raise Usage("endLoop ends a loop whose iteration is done", hint='give status "completed"')
    if given.get("startNext") and status not in (Status.COMPLETED, Status.SKIPPED):
        raise Usage("startNext goes on from a task that ends", hint='give status "completed" too')
    update = Update(
        id=task_id,
        subject=given.get("subject"),
        description=given.get("description"),
        active_form=given.get("activeForm"),
        status=None if done or starts else status,
        owner=None if acts else given.get("owner"),
        result=None if done else given.get("result"),
        order=given.get("order"),
        phase=given.get("phase"),
        add_blocked_by=tuple(given.get("addBlockedBy", ())),
        remove_blocked_by=tuple(given.get("removeBlockedBy", ())),
        add_blocks=tuple(given.get("addBlocks", ())),
        remove_blocks=tuple(given.get("removeBlocks", ())),
        metadata={k: v for k, v in metadata.items() if v is not None},
        unset=tuple(k for k, v in metadata.items() if v is None),
        fields={f.attr: given[f.name] for f in SIMPLE if f.name in given},
        added=_members(given, "add"),
        removed=_members(given, "remove"),
    )
    operations: list[Operation] = [update]
    if done:
        # Not as a field of the update: an end that comes after the claim was lost is kept.
        end = Transition(
            Verb.DONE, task_id, given.get("result"), given.get("owner"), given.get("endLoop", False)
        )
        operations = [op for op in operations if op != Update(id=task_id)] + [end]
    if starts:
        start = Transition(
            Verb.START, task_id, owner=given.get("owner"), resume=given.get("resume", False)
        )
        operations = [op for op in operations if op != Update(id=task_id)] + [start]
    if given.get("note"):
        operations.append(AddNote(task_id, given["note"]))
    if operations == [Update(id=task_id)]:
        raise Usage(
            "nothing to change was given", hint='give status "in_progress", or another field'
        )
    if given.get("startNext"):
        operations.append(StartNext())
    return operations


def _members(given: Arguments, way: str) -> dict[str, tuple[str, ...]]:
    """Members of lists to add or to remove, by the attribute."""
    return {f.attr: tuple(given[name]) for f in SIMPLE if (name := f.members(way)) in given}


def _updated(before: Task, after: Task) -> list[str]:
    return [
        word for name, word in _UPDATED.items() if getattr(before, name) != getattr(after, name)
    ]


# --- looking -------------------------------------------------------------------------------


def _list(workspace: Workspace, given: Arguments) -> Reply:
    try:
        branch = workspace.branch()
    except NoList as error:
        if error.details.get("lists") and not _is_named(workspace):
            raise
        words = "There is no task list yet; TaskCreate or TaskCreateMany makes it."
        return Reply(words, {"list": None, "tasks": [], "summary": words})
    view = ListView(
        branch.snapshot,
        workspace.now().epoch,
        conflicts=branch.conflicts,
        apart=branch.apart,
        stale=workspace.stale_claims(branch.snapshot),
    )
    ready, owner = given.get("ready", False), given.get("owner")
    # Of what is ready the owner is who asks: tasks of nobody are ready for them as well.
    chosen = Filter(given.get("status", ()), None if ready else owner or None, ready=ready)
    tasks = chosen.of(view.snapshot, view.graph, owner or workspace.actor.owner)
    workspace.notices += plain.remark_lines(view)
    workspace.notices += elsewhere_lines(tasks, workspace.actor, view.now, tool_way)
    data = {
        "list": view.info.id,
        "tasks": [replies.row(task, view.graph) for task in tasks],
        "summary": view.progress.summary,
    }
    return Reply(plain.task_list(view, tasks, MARKS), data)


def _get(workspace: Workspace, given: Arguments) -> Reply:
    view = ListView(workspace.snapshot(), workspace.now().epoch)
    task = view.snapshot.tasks[find(view.snapshot, given["taskId"])]
    text = plain.task_details(view, task, MARKS)
    return Reply(text, {"task": replies.details(task, view.graph, workspace.actor.owner)})


def _log(workspace: Workspace, given: Arguments) -> Reply:
    snapshot = workspace.snapshot()
    chosen = find(snapshot, given["taskId"]) if "taskId" in given else None
    found = workspace.log(chosen, limit=given.get("limit", 20))
    entries = [
        {
            "at": entry.at,
            "by": entry.who,
            "did": replies.action_text(entry, workspace.list_id),
            "commit": entry.commit[:12],
        }
        for entry in found
    ]
    lines = [clean(f"{e['at']} {e['by']}: {e['did']}") for e in entries]
    return Reply("\n".join(lines) or "nothing happened yet", {"entries": entries})


_TOOLS: Mapping[str, Callable[[Workspace, Arguments], Reply]] = {
    "TaskCreate": _create,
    "TaskCreateMany": _create_many,
    "TaskUpdate": _update,
    "TaskList": _list,
    "TaskGet": _get,
    "TaskClaim": claim,
    "TaskSync": sync,
    "TaskLog": _log,
}
