"""Commands for Claude Code: its task files, its settings, the hook that it calls."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gittasks import render
from gittasks.claude import settings as ours
from gittasks.claude import settings as settings_
from gittasks.claude import transfer
from gittasks.cli import output
from gittasks.cli.options import Command, command, common_options, owner_option
from gittasks.cli.output import Answer
from gittasks.cli.settings import Settings
from gittasks.errors import GittasksError, NoList, NoRepository
from gittasks.store import git

if TYPE_CHECKING:
    from gittasks.claude.settings import SettingsChange, Site
    from gittasks.claude.task_files import Skipped

_EVENT_LIMIT = 4 * 1024 * 1024
"""Most bytes of an event that are read."""
_ABOUT_SETTINGS = ("install", "uninstall", "status")


class ClaudeGroup(click.Group):
    """The commands about settings are in a module of their own, which a hook does not load."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """All names, in the order of the help text."""
        return [*_ABOUT_SETTINGS, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in _ABOUT_SETTINGS:
            return super().get_command(ctx, cmd_name)

        found: click.Command = globals()[f"{cmd_name}_command"]
        return found


@click.group("claude", cls=ClaudeGroup, params=common_options(), add_help_option=False)
def claude_command() -> None:
    """Let Claude Code work on the list: settings, hooks, its own task files."""


# --- native task files -----------------------------------------------------------------------


@claude_command.command("import", cls=Command, short_help="Take its own tasks into the list.")
@click.argument("name", required=False, metavar="[NAME]")
@owner_option
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@click.pass_obj
def import_command(
    settings: Settings, name: str | None, owner: str | None, dry_run: bool
) -> Answer:
    """Take Claude Code's own tasks into the list, as one commit.

    NAME is a folder of ~/.claude/tasks; without it that of the session, or the one called as
    the list.
    """

    workspace = settings.workspace(owner)
    taken = transfer.import_tasks(workspace, name, dry_run=dry_run)
    return Answer(
        lambda: render.documents.claude_import_document(
            workspace.snapshot().info,
            taken.name,
            taken.edit,
            taken.report.commit if taken.report else None,
            {number: link.task for number, link in taken.links.items()},
            taken.faults,
        ),
        lambda marks: (
            render.plain.edited(taken.report.edit, marks)
            if taken.report
            else f"{taken.name}: nothing new in {len(taken.links)} tasks"
        ),
        quiet=(),
        beside=_fault_lines(taken.faults),
        workspace=workspace,
    )


@claude_command.command("export", cls=Command, short_help="Write the list as its own tasks.")
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@click.pass_obj
def export_command(settings: Settings, name: str | None, dry_run: bool) -> Answer:
    """Write the list as Claude Code's own tasks, into the folder NAME of ~/.claude/tasks.

    Without NAME it is the one that CLAUDE_CODE_TASK_LIST_ID names, or is called as the list.
    """

    workspace = settings.workspace()
    sent = transfer.export_tasks(workspace, name, dry_run=dry_run)
    removed = f", {len(sent.removed)} removed" if sent.removed else ""
    return Answer(
        lambda: render.documents.claude_export_document(
            workspace.snapshot().info,
            sent.name,
            sent.written,
            sent.removed,
            {number: link.task for number, link in sent.links.items()},
            sent.faults,
        ),
        lambda _: f"{sent.name}: {len(sent.written)} of {len(sent.links)} tasks written{removed}",
        quiet=(),
        beside=_fault_lines(sent.faults),
        workspace=workspace,
    )


def _fault_lines(faults: Sequence[Skipped]) -> list[str]:
    return [f"not carried over: {render.text.clean(str(fault))}" for fault in faults]


# --- events ----------------------------------------------------------------------------------


class HookCommand(Command):
    """A command whose exit code is never 2, whatever it is called with: that would block."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, but a wrong command line is a failure like any other."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            output.say(f"gittasks: {error.format_message()}", err=True)
            ctx.exit(1)


@claude_command.command("hook", cls=HookCommand, short_help="Answer an event (on stdin).")
@click.argument("event", required=False, metavar="[EVENT]")
@click.pass_obj
def hook_command(settings: Settings, event: str | None) -> int:
    """Answer an event of Claude Code, read as JSON on standard input.

    Exit code 0, or 1 with a line on standard error; never 2, which would block Claude Code.
    """
    from gittasks.claude import hook

    directory = None if settings.directory == "." else settings.directory
    answer = hook.answer(
        _read_event,
        event or "",
        settings.environment(),
        directory=directory,
        list_id=settings.list_id,
    )
    if answer.out:
        output.say(answer.out)
    for line in answer.said:
        output.say(f"gittasks: {line}", err=True)
    return answer.code


def _read_event() -> bytes:
    return b"" if sys.stdin.isatty() else sys.stdin.buffer.read(_EVENT_LIMIT)


F = TypeVar("F", bound=Callable[..., Any])
_SCOPES = ("local", "project", "user")


def _scope_option(function: F) -> F:
    return click.option(
        "--scope",
        type=click.Choice(_SCOPES),
        default="local",
        show_default=True,
        help="For me in this repository, for everybody in it, or for me everywhere.",
    )(function)


def _dry_run_option(function: F) -> F:
    text = "Only show what would be done."
    return click.option("--dry-run", is_flag=True, help=text)(function)


@command("install", short_help="Put hooks and more into its settings.")
@_scope_option
@_dry_run_option
@click.option("--print", "show", is_flag=True, help="Print the settings to put in by hand.")
@click.pass_obj
def install_command(settings: Settings, scope: str, dry_run: bool, show: bool) -> Answer:
    """Put hooks, the list's name and the MCP server into Claude Code's settings."""
    site, list_id = _site(settings, scope)
    if show:
        return _printed_settings(list_id)
    changes = settings_.to_install(site, list_id, replace=settings.list_id is not None)
    if not dry_run:
        settings_.install(site, changes)
    server = _tell_client(settings, "add", scope, dry_run=dry_run)
    hints = _install_hints(settings, site, list_id)
    answer = _answer("install", scope, changes, server, dry_run=dry_run)
    return answer._replace(notices=hints)


def _install_hints(settings: Settings, site: Site, list_id: str | None) -> list[str]:
    hints = []
    twice = [s for s in _SCOPES if s != site.scope and _has_hooks(settings, s)]
    if twice:
        hints.append(f"there are hooks in the scope {twice[0]} as well; one of the two is enough")
    if shutil.which("gittasks") is None:
        hints.append("gittasks is not on PATH here; Claude Code has to find it there")
    if site.scope == "user":
        return hints
    if list_id is None:
        hints.append("there is no list yet, so none is named: gittasks init NAME, then this again")
    if site.scope == "local":
        args = ["check-ignore", "-q", site.places[0].path]
        if git.run(args, cwd=_work_tree(settings), env=os.environ).returncode == 1:
            name = site.places[0].name
            hints.append(f"{name} is yours alone; keep it out of git with a line in .gitignore")
    return hints


@command("uninstall")
@_scope_option
@_dry_run_option
@click.pass_obj
def uninstall_command(settings: Settings, scope: str, dry_run: bool) -> Answer:
    """Take out what install put in, and nothing else."""
    site, _ = _site(settings, scope)
    changes = settings_.to_uninstall(site, _lists(settings, scope))
    if not dry_run:
        settings_.uninstall(site, changes)
    server = _tell_client(settings, "remove", scope, dry_run=dry_run)
    return _answer("uninstall", scope, changes, server, dry_run=dry_run)


@command("status", short_help="Show what is in its settings.")
@click.pass_obj
def status_command(settings: Settings) -> Answer:
    """Show what is in Claude Code's settings; exit code 1 when nothing is."""
    rows = []
    for scope in _SCOPES:
        try:
            site, _ = _site(settings, scope)
        except NoRepository:
            continue
        row = {"scope": scope, **settings_.state(site)}
        if scope != "project":
            work_tree = None if scope == "user" else _work_tree(settings)
            row["mcp"] = settings_.registered(os.environ, work_tree)
        rows.append(row)
    return Answer(
        lambda: render.documents.claude_status_document(rows),
        lambda _: "\n".join(map(_status_line, rows)) or None,
        quiet=(),
        exit_code=0 if any(row["hooks"] or row["mcp"] for row in rows) else 1,
    )


def _status_line(row: dict[str, Any]) -> str:
    words = {True: "set up", False: "not set up", None: "unknown"}
    named = f", list {render.text.clean(str(row['env']))}" if row["env"] else ""
    hooks, mcp = words[row["hooks"]], words[row["mcp"]]
    return f"{row['scope']}: hooks {hooks}, MCP server {mcp}{named}"


def _has_hooks(settings: Settings, scope: str) -> bool:
    try:
        return bool(settings_.state(_site(settings, scope)[0])["hooks"])
    except GittasksError:
        return False


def _site(settings: Settings, scope: str) -> tuple[Site, str | None]:
    """The files of a scope, and the list that they are to name."""
    if scope == "user":
        return settings_.user_site(os.environ), None
    workspace = settings.workspace()
    site = settings_.repository_site(scope, _work_tree(settings), workspace.repository.common)
    try:
        list_id = workspace.list_id
    except NoList as error:
        if error.details.get("lists"):
            raise
        return site, None
    workspace.branch()  # a list that is named is there
    return site, list_id


def _work_tree(settings: Settings) -> str:
    found = settings.workspace().repository.found.work_tree
    if found is None:
        raise NoRepository(
            "this repository has no work tree, so Claude Code keeps no settings in it",
            hint="run this in a worktree, or for all repositories with: --scope user",
        )
    return found


def _lists(settings: Settings, scope: str) -> list[str]:
    if scope == "user":
        return []
    return [one.id for one in settings.workspace().lists()]


def _printed_settings(list_id: str | None) -> Answer:
    wanted, servers = ours.wanted(list_id), ours.servers()
    files = (("settings.json", wanted), (".mcp.json", servers))
    return Answer(
        lambda: render.documents.claude_print_document(wanted, servers),
        lambda _: "\n".join(f"{name}:\n{json.dumps(text, indent=2)}" for name, text in files),
    )


def _tell_client(
    settings: Settings, verb: str, scope: str, *, dry_run: bool
) -> dict[str, Any] | None:
    """Have Claude Code itself change the file that it keeps the servers of these scopes in.

    None where there is nothing to do: for a project they are in a file of their own.
    """
    if scope == "project":
        return None
    there = settings_.registered(os.environ, None if scope == "user" else _work_tree(settings))
    if there is (verb == "add"):
        return None
    line = ["claude", "mcp", verb, "--scope", scope, "gittasks"]
    if verb == "add":
        line += ["--", "gittasks", "mcp"]
    told: dict[str, Any] = {"command": line, "ran": False, "said": None}
    if dry_run or shutil.which("claude") is None:
        return told
    folder = None if scope == "user" else _work_tree(settings)
    try:
        done = subprocess.run(line, cwd=folder, capture_output=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired) as error:
        return {**told, "said": str(error)}
    said = (done.stdout + done.stderr).decode("utf-8", "replace").strip().splitlines()
    return {**told, "ran": done.returncode == 0, "said": said[0] if said else None}


def _answer(
    action: str,
    scope: str,
    changes: Sequence[SettingsChange],
    server: dict[str, Any] | None,
    *,
    dry_run: bool,
) -> Answer:
    files = [(change.place.name, change.made) for change in changes]
    return Answer(
        lambda: render.documents.claude_settings_document(
            action, scope, files, server, dry_run=dry_run
        ),
        lambda _: "\n".join([*_file_lines(files, dry_run), *_server_lines(action, server)]) or None,
        quiet=(),
    )


def _file_lines(files: Sequence[tuple[str, bool]], dry_run: bool) -> list[str]:
    done = "would be changed" if dry_run else "changed"
    return [f"{name}: {done if changed else 'as it is already'}" for name, changed in files]


def _server_lines(action: str, server: dict[str, Any] | None) -> list[str]:
    if server is None:
        return []
    line = " ".join(server["command"])
    if server["ran"]:
        return [f"{line}: done"]
    if server["said"] is None:
        verb = "added" if action == "install" else "removed"
        return [f"the MCP server is still to be {verb}", f"  with: {line}"]
    return [f"{line}: failed ({render.text.clean(server['said'])})"]
