"""The table of commands: their groups, modules and one-line texts; each is loaded by its name."""

from __future__ import annotations

from importlib import import_module

from gittasks.light import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittasks.cli.options import Command, Group

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Lists": {
        "init": ("lists", "Create or adopt a task list, and use it."),
        "lists": ("lists", "Show the lists of this repository."),
        "use": ("lists", "Choose the list that commands work on here."),
        "archive": ("lists", "Put a finished list away."),
        "unarchive": ("lists", "Reopen a list that was archived or dropped."),
        "drop": ("lists", "Drop a list; with --purge delete it for good."),
        "apply": ("lists", "Apply a plan (YAML or Markdown) to the list."),
        "template": ("transfer", "Print the list as a plan without states."),
        "export": ("transfer", "Print the whole list as JSON, Markdown or CSV."),
        "import": ("transfer", "Import tasks from another tool, or an exported list."),
    },
    "Tasks": {
        "create": ("tasks", "Create a task, or a loop of them."),
        "update": ("tasks", "Change fields of a task."),
        "note": ("tasks", "Add a note to a task."),
        "delete": ("tasks", "Delete a task: hide it until it is restored."),
        "restore": ("tasks", "Restore a deleted task."),
        "batch": ("tasks", "Apply many operations (JSON lines on stdin), all or none."),
        "undo": ("tasks", "Undo my last operation, or another of mine."),
        "redo": ("tasks", "Undo my last undo."),
    },
    "Work": {
        "ready": ("view", "Show what can be started now."),
        "claim": ("transitions", "Claim a task: mine alone, on all machines."),
        "heartbeat": ("transitions", "Renew the lease of my claims."),
        "start": ("transitions", "Start a task."),
        "done": ("transitions", "Complete a task."),
        "skip": ("transitions", "Close a task without doing it."),
        "reopen": ("transitions", "Make a closed task pending again."),
        "release": ("transitions", "Give a task back."),
        "run": ("transitions", "Start a task, run a command, complete it on success."),
    },
    "Progress": {
        "list": ("view", "Show the tasks."),
        "show": ("view", "Show everything about one task."),
        "status": ("view", "Show how far the list is."),
        "watch": ("watch", "Show the list as it changes."),
        "log": ("inspect", "Show who did what when."),
        "graph": ("inspect", "Show what waits for what, and the critical path."),
        "lint": ("inspect", "Give advice: what makes progress hard to see."),
        "insights": ("inspect", "Show where the work lost its time."),
        "report": ("report", "Write a report: one page, or Markdown."),
        "serve": ("report", "Show the report as a live page on this machine."),
        "conflicts": ("sync", "Show fields that were changed in two places at once."),
    },
    "Sharing": {
        "pull": ("sync", "Fetch and merge the work of others."),
        "push": ("sync", "Push my work to the remote."),
        "sync": ("sync", "Pull, then push."),
    },
    "Git": {
        "hooks": ("setup", "Install, uninstall and check the git hooks."),
        "hook": ("hook", "Run a git hook; git calls this."),
        "merge-driver": ("setup", "Merge one task file for git."),
        "doctor": ("setup", "Check the repository and all its lists."),
        "config": ("setup", "Show, set and unset settings."),
        "deinit": ("setup", "Remove gittasks from this clone."),
    },
    "Agents": {
        "mcp": ("agents", "Serve the task tools to an agent (MCP)."),
        "prime": ("agents", "Print the manual for agents."),
        "claude": ("agents", "Claude Code: settings, hooks, its own task files."),
        "completion": ("completion", "Print the completion script for a shell."),
        "help": ("help", "Explain a command, or list them all."),
    },
}
ALIASES = {"add": "create", "ls": "list", "get": "show", "complete": "done"}
MODULES = {name: module for group in COMMANDS.values() for name, (module, _) in group.items()}
"""The module of each command in gittasks.cli, which is imported when the command is called."""


def load(modules: Mapping[str, str], name: str) -> Command | Group:
    """The declaration of a command, in the module that its group has for the name."""
    module = import_module(f"gittasks.cli.{modules[name]}")
    declared: Command | Group = getattr(module, f"{name.replace('-', '_')}_command")
    return declared
