"""Replies of the tools: a short text, and the same as data.

Some clients show the model only the text, others (Claude Code among them) only the data, so each
has to say all that matters: the id, what changed, what became ready, how far the list is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from gittasks.core.apply import Edit
from gittasks.core.fields import FIELDS, Kind
from gittasks.core.graph import Graph
from gittasks.core.history import Change, ChangeKind, LogEntry
from gittasks.core.model import Task
from gittasks.core.progress import summary
from gittasks.errors import GittasksError, NoRepository, NotFound, Refused, Untrusted
from gittasks.render import documents, plain
from gittasks.render.text import UNICODE, clean, clean_block
from gittasks.workspace import EditResult, Workspace

Arguments = Mapping[str, Any]
"""Of a call, as the schema of its tool has them."""
MARKS = UNICODE
_TASKS = 10
"""Tasks of one commit that are told one by one."""


class Reply(NamedTuple):
    """Text and data of an answer."""

    text: str
    data: Mapping[str, Any]


def brief(task: Task) -> dict[str, Any]:
    """A task by id and subject."""
    return {"id": task.id, "subject": task.subject}


def row(task: Task, graph: Graph) -> dict[str, Any]:
    """A task as it stands in a list."""
    return _filled(
        {
            **brief(task),
            "status": task.status.value,
            "owner": task.owner,
            "blockedBy": list(graph.open_blockers(task.id)),
            "result": task.result,
        }
    )


def details(task: Task, graph: Graph, me: str | None) -> dict[str, Any]:
    """Everything about a task, without what is empty."""
    document = documents.task(task, graph, me)
    default = {f.name for f in FIELDS if f.kind is Kind.COUNT and document[f.name] == f.default}
    return {
        name: value
        for name, value in document.items()
        if name not in default and value not in (None, [], {})
    }


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in values.items() if v not in (None, [], {}, 0) or v is False}


def with_hints(reply: Reply, hints: Iterable[str]) -> Reply:
    """A reply with sentences that concern it but answer nothing."""
    sentences = list(hints)
    if not sentences:
        return reply
    text = "\n".join([reply.text, *(f"hint: {clean(hint)}" for hint in sentences)])
    return Reply(text, {**reply.data, "hints": sentences})


def changed_text(result: EditResult, focus: Sequence[str]) -> str:
    """The lines of an edit, as the command line has them."""
    return plain.edited(result.edit, MARKS, focus)


def progress_data(edit: Edit) -> dict[str, Any]:
    """The progress after an edit: `3/7 tasks complete …`, and the lines of what it touched."""
    lines = plain.edit_lines(edit)
    words = summary(edit.after.tasks.values())
    return {"lines": lines, "summary": words} if lines else {"summary": words}


def action_text(entry: LogEntry, list_id: str) -> str:
    """An entry of the history on one line: its subject, or each of several tasks."""
    tasks = entry.tasks
    words = entry.subject.removeprefix(f"{list_id}: ")
    if len(tasks) > 1:
        parts = [_became(entry.changes_of(i)) for i in tasks[:_TASKS]]
        more = [f"and {len(tasks) - _TASKS} more"] if len(tasks) > _TASKS else []
        words = "; ".join([*parts, *more])
    return f"{words} (forced: {', '.join(entry.forced)})" if entry.forced else words


def _became(changes: Sequence[Change]) -> str:
    """`p1 pending → in_progress`, or which fields of a task changed."""
    name = changes[0].task or "list"
    for change in changes:
        if change.kind is not ChangeKind.FIELD:
            return f"{name} {change.kind}"
        if change.field == "status":
            return f"{name} {change.before} {MARKS.arrow} {change.after}"
    return f"{name} {', '.join(dict.fromkeys(c.field for c in changes))} changed"


# --- errors --------------------------------------------------------------------------------


def error_text(error: GittasksError) -> str:
    """An error and what to call instead, in the words of the tools where there are some."""
    where = f"{clean(error.where)}: " if error.where else ""
    lines = [f"{where}{clean_block(error.message)}"]
    problems = error.details.get("problems", [])
    if problems:  # of TaskCreateMany: all of them, each with the number of the task
        names = [f"task {p['line']}" if p["line"] else "title" for p in problems]
        lines = [f"{n}: {clean(p['message'])}" for n, p in zip(names, problems, strict=True)]
    if fix := _fix(error):
        lines.append(f"Fix: {clean_block(fix)}")
    return "\n".join(lines)


def _fix(error: GittasksError) -> str | None:
    if isinstance(error, Refused) and error.tasks and (way := _way_on(error, error.tasks[0])):
        return way
    if isinstance(error, Refused) and error.rule in _FIXES:
        return _FIXES[error.rule].format(task=error.tasks[0] if error.tasks else "ID")
    if isinstance(error, NotFound) and error.details.get("candidates") == []:
        return "TaskList shows all ids"
    if isinstance(error, NoRepository) and not isinstance(error, Untrusted):
        return "start the server in a repository, or with: gittasks mcp -C DIR"
    return _SAID_OTHERWISE.get(error.hint or "", error.hint)


def _way_on(error: Refused, task_id: str) -> str | None:
    """The call that goes on with a task that is held, or in the way, where known."""
    details = error.details
    if details.get("goOn") == "start":
        return f'go on with it: TaskUpdate taskId "{task_id}" status "in_progress" resume: true'
    if details.get("goOn") == "claim":
        return f'go on with it: TaskClaim taskId "{task_id}" resume: true'
    if owner := details.get("actAs"):
        return (
            f"when you are {clean(owner)}, give that as owner; else begin another: TaskList with "
            "ready: true"
        )
    if error.rule == "one-in-progress" and details.get("waits"):
        return (
            f'give it back: TaskUpdate taskId "{task_id}" status "pending"; to work on both give '
            "parallel: true"
        )
    return None


_FIXES = {
    "handed-out": "go on with {task}; for another agent give owner",
    "blocked": "finish that first, or begin another: TaskList with ready: true",
    "held": "begin another: TaskList with ready: true; when that agent is surely gone, force: true",
    "one-in-progress": 'finish it (TaskUpdate taskId "{task}" status "completed") or give it back '
    '(status "pending"); to work on both give parallel: true',
    "assigned": "claim another: TaskClaim; force: true takes it all the same",
    "claimed": "claim another: TaskClaim without taskId; when its holder is surely gone: takeOver: "
    "true and force: true",
    "lost-lease": 'see what became of it: TaskGet taskId "{task}"; go on with TaskClaim',
    "closed": 'open it again first: TaskUpdate taskId "{task}" status "pending"',
    "in-progress": 'give it back first: TaskUpdate taskId "{task}" status "pending"',
    "deleted": 'bring it back: TaskUpdate taskId "{task}" status "pending"',
    "exists": 'give another id, or see that one: TaskGet taskId "{task}"',
    "cycle": "leave one of these dependencies out, or drop one: TaskUpdate with removeBlockedBy",
    "no-loop": "complete it without endLoop",
}
"""What an agent can call instead, by the name of the rule."""
_SAID_OTHERWISE = {
    "see them with: gittasks list --all": "TaskList shows all ids",
    "a loop may end early: gittasks done ID --end-loop": "a loop may end early: TaskUpdate with "
    "endLoop: true",
}
"""Hints for the command line that belong to no rule, in the words of the tools."""


def workspace_hints(workspace: Workspace) -> list[str]:
    """Notices that came up during a call."""
    return [*workspace.notices, *workspace.claim_notices()]
