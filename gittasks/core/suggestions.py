"""Suggestions for words that people and agents try, and our names for them: one place.

On the command line and in files a guess is only told, never acted on: what somebody meant is
theirs to say. A tool takes the few words (`TOOL_FIELDS`, `TOOL_STATUSES`) that can mean one thing.
"""

from __future__ import annotations

from gittasks.core.ids import near_matches
from gittasks.core.model import Status
from gittasks.light import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_FIELDS = {
    "subject": "name title task content summary text",
    "id": "taskid task ref key",
    "description": "desc details detail body content",
    "activeForm": "active activeform doing present",
    "owner": "assignee assigned assignedto assign agent user by",
    "status": "state",
    "blockedBy": "dependson depends dependencies deps dep dependency after needs requires waitsfor",
    "addBlockedBy": "blockedby dependson depends dependencies deps dep after needs requires",
    "addBlocks": "blocks before",
    "result": "outcome reason message summary resolution",
    "order": "position index place rank",
    "phase": "stage milestone group",
    "metadata": "meta due data fields",
    "tag": "tags label labels",
    "tags": "tag label labels",
    "addTag": "tag tags label labels",
    "addTags": "tag tags label labels",
    "priority": "prio importance urgency",
    "notBefore": "wait defer deferuntil scheduled schedule",
    "path": "paths file files glob",
    "paths": "path file files glob",
    "text": "note notes comment message body content",
    "iterations": "loop repeat times count max",
    "unset": "unsetmetadata removemetadata",
    "endLoop": "stop exitloop",
}
_STATUSES = {
    Status.PENDING: "pending open todo to-do new ready waiting backlog unstarted blocked",
    Status.IN_PROGRESS: "in_progress inprogress doing active started running working wip current",
    Status.COMPLETED: "completed complete done finished closed resolved success passed",
    Status.SKIPPED: "skipped skip cancelled canceled wontfix abandoned dropped",
    Status.DELETED: "deleted removed",
}
_VERBS = {
    "create": "add new make insert taskcreate",
    "update": "edit set change modify patch assign block taskupdate",
    "start": "begin inprogress work resume",
    "done": "complete finish close end resolve completed",
    "skip": "cancel abandon drop wontfix",
    "reopen": "open undone uncomplete reset",
    "release": "unclaim unassign pause stop giveback",
    "note": "comment annotate log addnote",
    "delete": "remove rm del archive",
    "restore": "undelete unarchive recover",
}
COMMANDS_MEANT = {
    "finish": "done",
    "finished": "done",
    "close": "done",
    "end": "done",
    "resolved": "done",
    "new": "create",
    "make": "create",
    "task": "create",
    "begin": "start",
    "resume": "start",
    "work": "start",
    "edit": "update",
    "set": "update",
    "change": "update",
    "modify": "update",
    "rename": "update ID --subject TEXT",
    "assign": "update ID --owner NAME",
    "block": "update ID --add-blocked-by ID",
    "unblock": "update ID --remove-blocked-by ID",
    "dep": "update ID --add-blocked-by ID",
    "move": "update ID --after ID",
    "comment": "note",
    "annotate": "note",
    "rm": "delete",
    "remove": "delete",
    "undelete": "restore",
    "next": "ready",
    "available": "ready",
    "tasks": "list",
    "todo": "list",
    "todos": "list",
    "blocked": "list --blocked",
    "view": "show",
    "info": "show",
    "cat": "show",
    "describe": "show",
    "history": "log",
    "search": "list --search TEXT",
    "find": "list --search TEXT",
    "grep": "list --search TEXT",
    "mv": "update ID --after ID",
    "settings": "config",
    "setting": "config",
    "archived": "lists --all",
    "delete-list": "drop ID",
    "remove-list": "drop ID",
    "close-list": "archive",
    "rename-list": "init ID --title TEXT",
    "retitle": "init ID --title TEXT",
    "plan": "apply",
    "load": "apply",
    "bulk": "batch",
    "progress": "status",
    "follow": "watch",
    "tail": "watch",
    "summary": "status",
    "cancel": "skip",
    "abandon": "skip",
    "pause": "release",
    "stop": "release",
    "dump": "export",
    "exec": "run",
    "revert": "undo",
    "switch": "use",
    "select": "use",
    "unclaim": "release",
    "take": "claim",
    "lock": "claim",
    "beat": "heartbeat",
    "fetch": "pull",
    "share": "sync",
    "merge": "pull",
    "resolve": "conflicts",
    "check": "lint",
    "html": "report",
    "timeline": "log",
    "dashboard": "serve",
    "web": "serve",
    "tree": "graph",
    "deps": "graph",
    "depend": "update ID --add-blocked-by ID",
    "link": "update ID --add-blocked-by ID",
    "uncomplete": "reopen",
    "unlock": "release",
    "mark": "done",
    "stats": "status",
    "current": "list --status in_progress",
    "gantt": "log --timeline",
    "board": "serve",
    "kanban": "serve",
    "validate": "lint",
    "loop": "create SUBJECT --iterations N",
    "create-many": "apply or batch",
    "update-many": "batch",
    "mcp-server": "mcp",
    "agent": "prime",
    "agents": "prime",
    "onboard": "prime",
    "quickstart": "prime",
    "instructions": "prime",
    "install": "hooks install or claude install",
    "setup": "hooks install or claude install",
    "uninstall": "hooks uninstall or claude uninstall",
}
"""Words that people and agents try, and the command that does it here."""
_TOOLS = {
    **{name: name for name in ("create", "update", "list", "claim", "sync", "log")},
    "get": "show",
    "createmany": "apply",
}
"""Tools of the MCP server without the word "Task", and the command that does the same."""

OPTIONS_ELSEWHERE = {
    "--format": "for programs: --json",
    "--output": "for programs: --json",
    "--pretty": "--json prints one line; make it pretty with: | jq",
    "--yes": "there are no prompts; leave it out",
    "-y": "there are no prompts; leave it out",
    "--no-input": "there are no prompts; leave it out",
    "--non-interactive": "there are no prompts; leave it out",
    "--verbose": "there is no longer output; leave it out",
    "-v": "there is no longer output; leave it out",
    "--no-color": "write: --color never",
    "--dry-run": "apply, import, undo, redo and deinit have it; undo takes an operation back",
    "--repo": "write: -C DIR",
    "--dir": "write: -C DIR",
    "--cwd": "write: -C DIR",
    "--project": "write: --list LIST",
    "--list-id": "write: --list LIST",
    "--task-list": "write: --list LIST",
    "--actor": "write: --as NAME",
    "--session": "set GITTASKS_SESSION instead",
    "--next": "with: gittasks done ID --next",
}
"""Options that other programs have, and what to write here."""
TOOL_FIELDS: Mapping[str, tuple[str, ...]] = {
    "id": ("taskId",),
    "taskid": ("id",),
    "task": ("taskId",),
    "title": ("subject",),
    "name": ("subject",),
    "content": ("subject",),
    "details": ("description",),
    "body": ("description",),
    "state": ("status",),
    "statuses": ("status",),
    "assignee": ("owner",),
    "agent": ("owner",),
    "dependson": ("blockedBy",),
    "dependencies": ("blockedBy",),
    "deps": ("blockedBy",),
    "blockers": ("blockedBy",),
    "addblockedby": ("blockedBy",),
    "addblocks": ("blocks",),
    "adddependencies": ("addBlockedBy",),
    "removedependencies": ("removeBlockedBy",),
    "outcome": ("result",),
    "comment": ("note",),
    "notes": ("note",),
    "meta": ("metadata",),
    "todos": ("tasks",),
    "items": ("tasks",),
    "count": ("limit",),
}
"""By the letters of a wrong word: the fields that it means, where the tool has one of them."""
TOOL_STATUSES = {
    "inprogress": "in_progress",
    "started": "in_progress",
    "active": "in_progress",
    "running": "in_progress",
    "complete": "completed",
    "done": "completed",
    "finished": "completed",
    "closed": "completed",
    "todo": "pending",
    "open": "pending",
    "notstarted": "pending",
    "skip": "skipped",
    "cancelled": "skipped",
    "canceled": "skipped",
    "delete": "deleted",
    "removed": "deleted",
}
"""By the letters of a wrong word: the status that it means."""


def plain(name: str) -> str:
    """A name without what tells spellings apart: `blocked_by`, `--blocked-by`, `blockedBy`."""
    return name.replace("_", "").replace("-", "").lower()


def field_meant(word: str, known: Collection[str]) -> str | None:
    """The field among `known` (names as in JSON) that `word` is meant for, or None."""
    letters = plain(word)
    for name in known:
        if plain(name) == letters:
            return name
    for name in known:
        if letters in _FIELDS.get(name, "").split():
            return name
    near = near_matches(letters, [plain(name) for name in known], 1)
    return next((name for name in known if near and plain(name) == near[0]), None)


def status_meant(word: str) -> Status | None:
    """The status that `word` is meant for, or None."""
    letters = plain(word.strip())
    for status, words in _STATUSES.items():
        if letters in map(plain, words.split()):
            return status
    near = near_matches(word.strip().lower(), [s.value for s in Status], 1)
    return Status(near[0]) if near else None


def verb_meant(word: str, known: Collection[str]) -> str | None:
    """The operation among `known` that `word` is meant for, or None."""
    letters = plain(word)
    for name, words in _VERBS.items():
        if name in known and letters in words.split():
            return name
    near = near_matches(letters, known, 1)
    return near[0] if near else None


def tool_meant(word: str) -> str | None:
    """The command that does what a tool of that name does: `TaskCreate`, `task-update`."""
    letters = plain(word)
    return _TOOLS.get(letters.removeprefix("task")) if letters.startswith("task") else None
