"""Replies of the tools: a short text, and the same as data; commands in hints as calls of tools.

Some clients show the model only the text, others (Claude Code among them) only the data, so each
has to say all that matters: the id, what changed, what became ready, how far the list is.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from gittasks.core.apply import Edit
from gittasks.core.changes import Change, ChangeKind
from gittasks.core.fields import FIELDS, Kind
from gittasks.core.graph import Graph
from gittasks.core.history import LogEntry
from gittasks.core.model import Status, Task
from gittasks.core.progress import summary
from gittasks.errors import (
    GittasksError,
    NoRepository,
    Notice,
    Refused,
    Untrusted,
    Way,
)
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
    ways: tuple[Way, ...] = ()
    """Steps that its hints offer."""


def brief(task: Task) -> dict[str, Any]:
    """A task by id and subject."""
    return {"id": task.id, "subject": task.subject}


def row(task: Task, graph: Graph) -> dict[str, Any]:
    """A task as it stands in a list; whose it was is told no more when it is closed."""
    return _filled(
        {
            **brief(task),
            "status": task.status.value,
            "owner": None if task.status.closed else task.owner,
            "blockedBy": list(graph.open_blockers(task.id)),
            "result": task.result,
        }
    )


def details(task: Task, graph: Graph, me: str | None) -> dict[str, Any]:
    """Everything about a task, without what is empty, and nothing twice."""
    document = documents.task(task, graph, me)
    without = {f.name for f in FIELDS if f.kind is Kind.COUNT and document[f.name] == f.default}
    without |= {"iteration"}  # as the subject has it
    if task.phase is None:  # so does a phase
        without.add("phase")
    if document["openBlockers"] == document["blockedBy"]:
        without.add("openBlockers")
    if not document["ready"]:
        without.add("ready")
    return {
        name: value
        for name, value in document.items()
        if name not in without and value not in (None, [], {})
    }


_SAID_OF_A_CLAIM = ("status", "owner", "session", "claim", "started")


def claimed(task: Task, graph: Graph, me: str | None) -> dict[str, Any]:
    """The details of a task that was just claimed, without what the message about it says."""
    document = details(task, graph, me)
    return {name: value for name, value in document.items() if name not in _SAID_OF_A_CLAIM}


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in values.items() if v not in (None, [], {}, 0) or v is False}


def with_hints(reply: Reply, hints: Sequence[Notice], owner: str | None = None) -> Reply:
    """A reply with sentences that concern it but answer nothing; `owner` acted in the call."""
    if not hints:
        return reply
    sentences = [sentence(hint, owner) for hint in hints]
    text = "\n".join([reply.text, *(f"hint: {clean(hint)}" for hint in sentences)])
    ways = tuple(hint for hint in hints if isinstance(hint, Way))
    return Reply(text, {**reply.data, "hints": sentences}, ways)


def changed_text(result: EditResult, focus: Sequence[str]) -> str:
    """The lines of an edit, as the command line has them."""
    return plain.edited(result.edit, MARKS, focus)


def progress_data(edit: Edit) -> dict[str, Any]:
    """The progress after an edit: `3/7 tasks complete …`, and the lines of what it touched."""
    lines = plain.edit_lines(edit)
    words = summary(edit.after.tasks.values(), len(edit.after.unreadable))
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


def error_text(error: GittasksError, owner: str | None = None) -> str:
    """The error and what to call instead, in the words of the tools where one does it.

    `owner` is who acted in the call.
    """
    where = f"{clean(error.where)}: " if error.where else ""
    lines = [f"{where}{clean_block(error.message)}"]
    problems = error.details.get("problems", [])
    if problems:  # of TaskCreateMany: all of them, each with the number of the task
        names = [f"task {p['line']}" if p["line"] else "title" for p in problems]
        lines = [f"{n}: {clean(p['message'])}" for n, p in zip(names, problems, strict=True)]
    if fix := _fix(error, owner):
        lines.append(f"Fix: {clean_block(fix)}")
    return "\n".join(lines)


def _fix(error: GittasksError, owner: str | None) -> str | None:
    if isinstance(error, NoRepository) and not isinstance(error, Untrusted):
        return "start the server in a repository, or with: gittasks mcp -C DIR"
    advice = error.advice
    if isinstance(error, Refused):
        advice = _ADVICE.get(error.rule, advice)
    advice = _SAID_OTHERWISE.get(advice or "", advice)
    steps = [step(way, owner) for way in error.ways]
    return "; ".join([*steps, *([in_tool_words(advice, owner)] if advice else [])]) or None


_ADVICE = {
    "handed-out": "go on with it; for another agent give owner",
    "cycle": "leave one of these dependencies out, or drop one: TaskUpdate with removeBlockedBy",
    "no-loop": "complete it without endLoop",
}
"""Advice of a rule in the words of the tools, where it names an option."""
_SAID_OTHERWISE = {
    "two runs under one name need different sessions (GITTASKS_SESSION)": "two agents of one "
    "name need different sessions; for another agent give owner",
    "a loop may end early: gittasks done ID --end-loop": "a loop may end early: TaskUpdate with "
    "endLoop: true",
}
"""Hints for the command line that belong to no rule, in the words of the tools."""


def workspace_hints(workspace: Workspace) -> list[Notice]:
    """Notices that came up during a call."""
    return [*workspace.notices, *workspace.claim_notices()]


class ToolCall(NamedTuple):
    """A call of a tool: its name and its arguments."""

    tool: str
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        """The call in a sentence: `TaskUpdate taskId "p1" status "completed"`."""
        return " ".join([self.tool, *(_argument(k, v) for k, v in self.arguments.items())])


def _argument(name: str, value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return f"{name} {text}" if isinstance(value, str) else f"{name}: {text}"


_STATUSES = {
    "start": Status.IN_PROGRESS,
    "done": Status.COMPLETED,
    "skip": Status.SKIPPED,
    "release": Status.PENDING,
    "reopen": Status.PENDING,
    "restore": Status.PENDING,
    "delete": Status.DELETED,
}
_FLAGS = {
    "--resume": "resume",
    "--force": "force",
    "--parallel": "parallel",
    "--take-over": "takeOver",
    "--offline": "offline",
    "--end-loop": "endLoop",
    "--next": "startNext",
}
_VALUES = {"--owner": "owner", "--as": "owner", "--lease": "lease"}
_MEMBERS = {"--add-blocked-by": "addBlockedBy", "--remove-blocked-by": "removeBlockedBy"}
_DIRECTIONS: Mapping[str, Mapping[str, Any]] = {
    "sync": {},
    "pull": {"direction": "pull"},
    "push": {"direction": "push"},
}


def call_of(command: Sequence[str], owner: str | None = None) -> ToolCall | None:
    """The call that does what a command does; None when no tool does it.

    `owner` acted in the call that this answers, and acts in this one.
    """
    if len(command) < 2 or command[0] != "gittasks":
        return None
    _, verb, *words = command
    ids, options = _parsed(words)
    if options is None:
        return None
    task: dict[str, Any] = {"taskId": ids[0]} if ids else {}
    acts = {"owner": owner} if owner and "owner" not in options else {}
    if verb in _STATUSES and len(ids) == 1:
        status = _STATUSES[verb]
        begins = verb in ("start", "done", "skip")
        return ToolCall(
            "TaskUpdate", {**task, "status": status.value, **options, **(acts if begins else {})}
        )
    if verb == "update" and len(ids) == 1:
        return ToolCall("TaskUpdate", {**task, **options})
    if verb == "note" and len(ids) == 2:
        return ToolCall("TaskUpdate", {**task, "note": ids[1]})
    if verb == "claim":
        return ToolCall("TaskClaim", {**task, **options, **acts})
    looks = {"show": "TaskGet", "log": "TaskLog", "list": "TaskList", "status": "TaskList"}
    if verb in looks:
        return ToolCall(looks[verb], task)
    if verb == "ready":
        return ToolCall("TaskList", {"ready": True, **acts})
    if verb in _DIRECTIONS and not ids:
        every = {"all": True} if "--all" in words else {}
        return ToolCall("TaskSync", {**_DIRECTIONS[verb], **every})
    return None


def _parsed(words: Sequence[str]) -> tuple[list[str], dict[str, Any] | None]:
    """Arguments, and options by the field of the tools; None for those that no tool has."""
    ids: list[str] = []
    options: dict[str, Any] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            ids.append(word)
        elif word in _FLAGS:
            options[_FLAGS[word]] = True
        elif word in _VALUES and rest:
            options[_VALUES[word]] = rest.pop(0)
        elif word in _MEMBERS and rest:
            options[_MEMBERS[word]] = rest.pop(0).split(",")
        elif word != "--all":
            return ids, None
    return ids, options


def step(way: Way, owner: str | None = None) -> str:
    """A step that an error offers, in the words of the tools where one does it."""
    call = call_of(way.command, owner)
    if call:
        return f"{way.purpose}: {call}"
    shell = way._replace(purpose=f"{way.purpose}, in a shell") if way.command else way
    return clean_block(str(shell))


def sentence(notice: Notice, owner: str | None = None) -> str:
    """A sentence beside an answer, in the words of the tools."""
    return in_tool_words(notice, owner) if isinstance(notice, str) else step(notice, owner)


def calls_of(ways: Iterable[Way], owner: str | None) -> dict[str, list[dict[str, Any]]]:
    """The calls that steps are, as data; those that a person decides on stand apart."""
    offers: dict[str, list[dict[str, Any]]] = {"commands": [], "decisions": []}
    for way in ways:
        if call := call_of(way.command, owner):
            kind = "decisions" if way.decision else "commands"
            offers[kind].append({"tool": call.tool, "arguments": dict(call.arguments)})
    return offers


_COMMAND = re.compile(r"gittasks [a-z]+(?: (?:--[a-z-]+|[a-zA-Z0-9][\w./-]*|'[^']*'))*")


def in_tool_words(text: str, owner: str | None = None) -> str:
    """A sentence whose commands are calls of the tools, where one does the same.

    The words behind a command that are no arguments of it end it: `gittasks sync to see`.
    """

    def replaced(match: re.Match[str]) -> str:
        words = shlex.split(match[0])
        for length in range(min(len(words), 8), 1, -1):
            call = call_of(tuple(words[:length]), owner)
            if call:
                return " ".join([str(call), *words[length:]])
        return match[0]

    return _COMMAND.sub(replaced, text)
