"""The tools: each call turned into operations of the list."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gittasks.core.apply import Edit
from gittasks.core.fields import BY_NAME, SIMPLE, arranged
from gittasks.core.graph import Graph
from gittasks.core.ids import find
from gittasks.core.lint import remarks
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
from gittasks.core.progress import nothing_ready, ready_for_others, summary
from gittasks.core.times import duration
from gittasks.core.view import Filter, ListView
from gittasks.errors import BranchGone, GittasksError, NoList, RemoteFailure, Usage
from gittasks.mcp_server import replies
from gittasks.mcp_server.replies import MARKS, Arguments, Reply
from gittasks.render import plain
from gittasks.render.plain import ways_on
from gittasks.render.text import clean
from gittasks.sync import SyncOptions, SyncResult
from gittasks.workspace import Workspace


def claim(workspace: Workspace, given: Arguments) -> Reply:
    """Take a task, or the next that is ready. Raises GittasksError."""
    operation = Claim(
        given.get("taskId"),
        given.get("owner"),
        given.get("takeOver", False),
        resume=given.get("resume", False),
        anew=True,
        disjoint=given.get("disjoint", False),
    )
    try:
        result = workspace.claim(
            operation,
            duration(given["lease"], "lease") if "lease" in given else None,
            force=given.get("force", False),
            parallel=given.get("parallel", False),
            offline=given.get("offline", False),
        )
    except RemoteFailure as error:
        if error.details.get("outcome") == "unknown":
            raise
        hint = "nothing was claimed; offline: true claims without asking the remote"
        raise error.with_hint(hint) from error
    progress = replies.progress_data(result.report.edit)
    if result.task is None:
        graph = Graph.of(result.report.edit.after, workspace.now().text)
        message = nothing_ready(graph, given.get("owner") or workspace.actor.owner)
        nothing = {"task": None, "message": message, **progress}
        return Reply(f"{message}\n{clean(progress['summary'])}", nothing)
    message = workspace.claim_words(result.task, result)
    task = replies.claimed(result.task, result.report.graph, workspace.actor.owner)
    data: dict[str, Any] = {"task": task, "message": message, **progress}
    if result.tentative:
        data["tentative"] = True
    return Reply(f"{clean(message)}\n{replies.changed_text(result.report, [result.task.id])}", data)


_WISHES = {
    "both": SyncOptions(True, True),
    "pull": SyncOptions(True, False),
    "push": SyncOptions(False, True),
}
_MOST_TASKS = 100
"""Tasks that TaskList shows unless asked for more."""
_TOLD = 20
"""Changes of others that are told one by one."""


def sync(workspace: Workspace, given: Arguments) -> Reply:
    """Exchange the list, or all lists, with a remote. Raises GittasksError."""
    wish = _WISHES[given.get("direction", "both")]
    results = workspace.exchange(wish, given.get("remote"), all_lists=given.get("all", False))
    if len(results) == 1 and results[0].error:
        raise results[0].error
    lists = [_exchanged(workspace, result) for result in results]
    text = "\n".join(line for data in lists for line in _exchange_lines(data))
    return Reply(text or "there is no list to share", {"lists": lists})


def _exchanged(workspace: Workspace, result: SyncResult) -> dict[str, Any]:
    """The exchange of one list; `received` tells what others did, the newest at the end."""
    data: dict[str, Any] = {"list": result.list_id, "remote": result.remote}
    if result.error:
        return {**data, "error": replies.error_text(result.error)}
    exchange = workspace.exchanged(result, _TOLD)
    lines = [f"{e.who}: {replies.action_text(e, result.list_id)}" for e in exchange.received]
    if (rest := len(result.received) - len(lines)) > 0:
        lines.insert(0, f"... {rest} more before these: TaskLog")
    data |= {"received": lines, "sent": len(result.sent)}
    flags = {"behind": result.behind, "removed": result.removed}
    data |= {name: True for name, holds in flags.items() if holds}
    branches = {"pushedAs": result.pushed_as, "taken": result.taken, "untaken": result.untaken}
    data |= {name: value for name, value in branches.items() if value}
    if exchange.dates_ahead:
        data["datesAhead"] = [str(ahead) for ahead in exchange.dates_ahead]
    if result.conflicts:
        data["conflicts"] = len(result.conflicts)
    if result.branch is not None:
        snapshot = result.branch.snapshot
        if exchange.troubles:
            data["troubles"] = [t.message for t in exchange.troubles]
        data["summary"] = summary(snapshot.tasks.values(), len(snapshot.unreadable))
    return data


def _exchange_lines(data: Mapping[str, Any]) -> list[str]:
    name, remote = clean(data["list"]), clean(data["remote"])
    if "error" in data:
        return [f"{name}: {data['error']}"]
    counts = ((len(data["received"]), "from"), (data["sent"], "to"))
    if data.get("removed"):
        return [f"{name}: removed from {remote}, and not here"]
    pushed_as = f" as {clean(data['pushedAs'])}" if data["sent"] and "pushedAs" in data else ""
    moves = ", ".join(f"{count} {way} {remote}" for count, way in counts if count) + pushed_as
    lines = [f"{name}: {moves or f'up to date with {remote}'}"]
    lines += [f"  < {clean(line)}" for line in data["received"]]
    lines += [f"  ! {clean(sentence)}" for sentence in data.get("untaken", ())]
    if count := data.get("conflicts"):
        lines += [clean(replies.sentence(way)) for way in plain.sharing(count, None)]
    if data.get("behind"):
        lines.append("  ! it was behind: it lacked changes that it had before, and nothing else")
    lines += [f"  ! {clean(trouble)}" for trouble in data.get("troubles", ())]
    lines += [f"  ! {clean(ahead)}" for ahead in data.get("datesAhead", ())]
    return [*lines, *([clean(data["summary"])] if "summary" in data else [])]


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
        raise error.with_hint(_way_to_a_list(workspace, error)) from error
    try:
        hints = replies.workspace_hints(workspace)
        if workspace.has_several_lists:
            hints.insert(0, f"list: {workspace.list_id}")
    except (GittasksError, OSError):  # of a list that is not there any more: the answer stands
        hints = list(workspace.notices)
    return replies.with_hints(reply, hints, actor_of(tool, given))


def _way_to_a_list(workspace: Workspace, error: NoList) -> str:
    if isinstance(error, BranchGone):
        return f"in a shell: gittasks lists restore {workspace.list_id} brings it back"
    others = ", ".join(error.details.get("lists", ())[:10])
    if others and not _is_named(workspace):
        return f"give list in each call: one of {others}; in a shell: gittasks use LIST"
    fetch = "TaskSync fetches the lists of others; " if workspace.remotes() else ""
    return f"{fetch}TaskCreate or TaskCreateMany makes it" + (
        f"; there is also: {others}" if others else ""
    )


def _is_named(workspace: Workspace) -> bool:
    """True when it is known which list is meant, there or not."""
    try:
        return bool(workspace.chosen)
    except NoList:
        return False


# --- creating ------------------------------------------------------------------------------


def _make_list(workspace: Workspace) -> None:
    """Make the list if there is none, and say so."""
    if workspace.make_list_if_none():
        branch = workspace.branch_name
        words = f'made the task list "{workspace.list_id}" on the branch {branch}: there was none'
        workspace.notices.append(words)


def _remark(workspace: Workspace, edit: Edit) -> None:
    """Say at once what new tasks make hard to see: nobody learns it sooner than who made them."""
    workspace.notices += remarks(edit.before, edit.after, edit.created)


def _new_fields(given: Arguments) -> dict[str, Any]:
    """The fields of a new task, by the names that the operations have for them."""
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
    result = workspace.edit([Create(**_new_fields(given))])
    edit, task = result.edit, result.edit.after.tasks[result.edit.focus[0]]
    _remark(workspace, edit)
    data: dict[str, Any] = {"task": replies.brief(task)}
    if "iterations" in given:
        data["created"] = list(edit.created)
    data |= replies.progress_data(result.edit)
    return Reply(replies.changed_text(result, [task.id]), data)


def _create_many(workspace: Workspace, given: Arguments) -> Reply:
    _make_list(workspace)
    planned = [
        PlannedTask(number, **_new_fields(entry)) for number, entry in enumerate(given["tasks"], 1)
    ]
    plan = Plan(given.get("title"), tuple(planned), "TaskCreateMany", title_line=0)
    ids = [task.id or "" for task in assign_ids(plan).tasks]
    result = workspace.apply_plan(plan)
    _remark(workspace, result.edit)
    data: dict[str, Any] = {"ids": ids}
    old = [i for i in ids if i not in result.edit.created]
    if old:
        data["kept"] = old
    if result.notes:
        data["notes"] = list(result.notes)
    data |= replies.progress_data(result.edit)
    text = replies.changed_text(result, old)
    return Reply("\n".join([text, *map(clean, result.notes)]), data)


# --- changing ------------------------------------------------------------------------------


def _update(workspace: Workspace, given: Arguments) -> Reply:
    operations = _operations(given)
    force, parallel = given.get("force", False), given.get("parallel", False)
    result = workspace.edit(operations, force=force, parallel=parallel)
    edit, task_id = result.edit, result.edit.focus[0]
    before, after = edit.before.tasks[task_id], edit.after.tasks[task_id]
    fields = _updated(before, after)
    data: dict[str, Any] = {"success": True, "taskId": task_id, "updatedFields": fields}
    if before.status is not after.status:
        data["statusChange"] = {"from": before.status.value, "to": after.status.value}
    if edit.unblocked:
        data["unblocked"] = list(edit.unblocked)
    started = edit.focus[-1] if isinstance(operations[-1], StartNext) else ""
    if others := [i for i in edit.changed if i not in (task_id, started)]:
        data["alsoChanged"] = others
    text = replies.changed_text(result, [task_id])
    if started:
        data["started"] = started
    data |= replies.progress_data(result.edit)
    return Reply(text, data)


def _operations(given: Arguments) -> list[Operation]:
    """The operations of a TaskUpdate; the first is about the task itself."""
    task_id = given["taskId"]
    status = Status(given["status"]) if "status" in given else None
    if given.get("endLoop") and status is not Status.COMPLETED:
        raise Usage("endLoop ends a loop whose iteration is done", hint='give status "completed"')
    if given.get("startNext") and status not in (Status.COMPLETED, Status.SKIPPED):
        raise Usage("startNext goes on from a task that ends", hint='give status "completed" too')
    update, move = _update_of(given, status), _move_of(given, status)
    operations: list[Operation] = [] if update == Update(id=task_id) and move else [update]
    operations += [move] if move else []
    if given.get("note"):
        operations.append(AddNote(task_id, given["note"]))
    if operations == [Update(id=task_id)]:
        raise Usage(
            "nothing to change was given", hint='give status "in_progress", or another field'
        )
    if given.get("startNext"):
        operations.append(StartNext())
    return operations


def _update_of(given: Arguments, status: Status | None) -> Update:
    """The fields of a TaskUpdate; to begin and to complete a task are moves of their own."""
    done, starts = status is Status.COMPLETED, status is Status.IN_PROGRESS
    acts = done or starts or status is Status.SKIPPED  # then `owner` says who acts
    return Update(
        id=given["taskId"],
        subject=given.get("subject"),
        description=given.get("description"),
        active_form=given.get("activeForm"),
        status=None if done or starts else status,
        owner=None if acts else given.get("owner"),
        result=None if done else given.get("result"),
        order=given.get("order"),
        after=given.get("after"),
        phase=given.get("phase"),
        add_blocked_by=tuple(given.get("addBlockedBy", ())),
        remove_blocked_by=tuple(given.get("removeBlockedBy", ())),
        add_blocks=tuple(given.get("addBlocks", ())),
        remove_blocks=tuple(given.get("removeBlocks", ())),
        metadata=given.get("metadata", {}),
        clear=tuple(given.get("clear", ())),
        fields={f.attr: given[f.name] for f in SIMPLE if f.name in given},
        added=_members(given, "add"),
        removed=_members(given, "remove"),
    )


def _move_of(given: Arguments, status: Status | None) -> Transition | None:
    """The beginning or the end of a task.

    Not as a field of the update: an end that comes after the claim was lost is kept.
    """
    task_id, owner = given["taskId"], given.get("owner")
    if status is Status.COMPLETED:
        ends = given.get("endLoop", False)
        return Transition(Verb.DONE, task_id, given.get("result"), owner, ends)
    if status is Status.IN_PROGRESS:
        return Transition(Verb.START, task_id, owner=owner, resume=given.get("resume", False))
    return None


def _members(given: Arguments, way: str) -> dict[str, tuple[str, ...]]:
    """Members of lists to add or to remove, by the attribute."""
    return {f.attr: tuple(given[name]) for f in SIMPLE if (name := f.members(way)) in given}


def _updated(before: Task, after: Task) -> list[str]:
    """The fields that changed, without those that a change of the status changes."""
    moved = before.status is not after.status
    return [
        word
        for name, word in _UPDATED.items()
        if getattr(before, name) != getattr(after, name) and not (moved and word in _MOVED)
    ]


_MOVED = ("status", "owner", "result")


# --- looking -------------------------------------------------------------------------------


def _list(workspace: Workspace, given: Arguments) -> Reply:
    try:
        branch = workspace.branch()
    except NoList as error:
        if error.details.get("lists") and not _is_named(workspace):
            raise
        words = f"{error.message}; {_way_to_a_list(workspace, error)}"
        return Reply(words, {"list": None, "tasks": [], "summary": words})
    view = ListView(
        branch.snapshot,
        workspace.now().epoch,
        conflicts=branch.conflicts,
        apart=branch.apart,
        stale=workspace.stale_claims(branch.snapshot),
    )
    owner = given.get("owner")
    me = workspace.actor.owner
    tasks = _filter(given).of(view.snapshot, view.graph, owner or me)
    shown = _open_first(tasks, given.get("limit", _MOST_TASKS))
    workspace.notices += plain.remarks(view)
    workspace.notices += ways_on(tasks, view.tasks, workspace.actor, view.now)
    text = plain.task_list(view, shown, MARKS)
    if given.get("ready") and (others := ready_for_others(view.graph, owner or me)):
        workspace.notices.append(others if shown else nothing_ready(view.graph, owner or me))
    data: dict[str, Any] = {
        "list": view.info.id,
        "tasks": [replies.row(task, view.graph) for task in shown],
    }
    if len(shown) < len(tasks):
        rest = Counter(t.status.value for t in tasks) - Counter(t.status.value for t in shown)
        data["more"] = dict(rest)
        counts = ", ".join(f"{count} {status}" for status, count in rest.items())
        text = f"{text}\nnot shown: {counts}; give limit, status, phase or search"
    if lines := plain.progress_lines(view.progress):
        data["lines"] = lines
    if view.progress.eta_seconds:
        data["etaSeconds"] = view.progress.eta_seconds
    return Reply(text, {**data, "summary": view.progress.summary})


def _filter(given: Arguments) -> Filter:
    """The tasks that a TaskList asks for.

    Of what is ready the owner is who asks: tasks of nobody are ready for them as well.
    """
    ready = given.get("ready", False)
    return Filter(
        given.get("status", ()),
        None if ready else given.get("owner"),
        mine=given.get("mine", False),
        phase=given.get("phase"),
        ready=ready,
        anyone=given.get("anyone", False),
        tags=given.get("tags", ()),
        priorities=given.get("priority", ()),
        blocked=given.get("blocked", False),
        where=given.get("where", {}),
        search=given.get("search"),
        sort=given.get("sort"),
    )


def _open_first(tasks: Sequence[Task], most: int) -> Sequence[Task]:
    """At most so many tasks, in their order: open ones first, then those closed last."""
    if len(tasks) <= most:
        return tasks
    still_open = [t.id for t in tasks if not t.status.closed][:most]
    closed = [t.id for t in tasks if t.status.closed]
    chosen = {*still_open, *closed[max(0, len(closed) - (most - len(still_open))) :]}
    return [t for t in tasks if t.id in chosen]


def _get(workspace: Workspace, given: Arguments) -> Reply:
    view = ListView(workspace.snapshot(), workspace.now().epoch)
    task = view.snapshot.tasks[find(view.snapshot, given["taskId"])]
    text = plain.task_details(view, task, MARKS)
    return Reply(text, {"task": replies.details(task, view.graph, workspace.actor.owner)})


def _log(workspace: Workspace, given: Arguments) -> Reply:
    if given.get("operation") == "undo":
        if "taskId" in given:
            raise Usage("undo takes back your last change, of whatever task", hint="give no taskId")
        return _undo(workspace)
    snapshot = workspace.snapshot()
    chosen = find(snapshot, given["taskId"]) if "taskId" in given else None
    if given.get("operation") == "lint":
        return _lint(workspace, chosen)
    log = workspace.log(chosen, limit=given.get("limit", 20))
    entries = [
        {
            "at": entry.at,
            "by": entry.who,
            "did": replies.action_text(entry, workspace.list_id),
            "commit": entry.commit[:12],
        }
        for entry in log
    ]
    dates = ["" if entry.is_root else f"{entry.at} " for entry in log]
    lines = [clean(f"{date}{e['by']}: {e['did']}") for date, e in zip(dates, entries, strict=True)]
    return Reply("\n".join(lines) or "nothing happened yet", {"entries": entries})


def _undo(workspace: Workspace) -> Reply:
    undone = workspace.undo()
    title = undone.title
    data = {
        "undone": title,
        "changed": list(undone.report.changed),
        **replies.progress_data(undone.report.edit),
    }
    return Reply(f"{clean(title)}\n{replies.changed_text(undone.report, [])}", data)


def _lint(workspace: Workspace, chosen: str | None) -> Reply:
    findings = workspace.lint(workspace.snapshot())
    advice = [
        {
            "rule": finding.rule,
            "severity": finding.severity.value,
            "tasks": list(finding.tasks),
            "message": finding.message,
            "hint": re.sub(_COMMAND, "", finding.hint),
        }
        for finding in findings
        if chosen is None or chosen in finding.tasks
    ]
    lines = [clean(f"{a['severity']}: {a['message']} [{a['rule']}]: {a['hint']}") for a in advice]
    return Reply("\n".join(lines) or "nothing to improve", {"findings": advice})


_COMMAND = re.compile(r":? gittasks [^,;]*")
"""A command in a hint: who calls tools may have no shell."""


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
