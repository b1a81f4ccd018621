"""Commands about Claude Code: install, uninstall, status, import, export, hook."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gittasks.cli import output
from gittasks.cli.options import Command, Settings, common_options, owner_option

if TYPE_CHECKING:
    from gittasks.claude.install import Change, Site
    from gittasks.claude.native import Fault
    from gittasks.claude.transfer import Exported, Imported

F = TypeVar("F", bound=Callable[..., Any])
_EVENT_LIMIT = 4 * 1024 * 1024
"""Most bytes of an event that are read."""


@click.group("claude", params=common_options(), add_help_option=False)
def claude_command() -> None:
    """Let Claude Code work on the list: settings, hooks, its own task files."""


def _scope_option(function: F) -> F:
    from gittasks.claude.install import SCOPES

    return click.option(
        "--scope",
        type=click.Choice(SCOPES),
        default="local",
        show_default=True,
        help="For me in this repository, for everybody in it, or for me everywhere.",
    )(function)


def _dry_run_option(function: F) -> F:
    text = "Only show what would be done."
    return click.option("--dry-run", is_flag=True, help=text)(function)


# --- settings --------------------------------------------------------------------------------


@claude_command.command("install", cls=Command)
@_scope_option
@_dry_run_option
@click.option("--print", "show", is_flag=True, help="Print the settings to put in by hand.")
@click.pass_obj
def install_command(settings: Settings, scope: str, dry_run: bool, show: bool) -> None:
    """Put hooks, the list's name and the MCP server into Claude Code's settings."""
    from gittasks.claude import install

    site, list_id = _site(settings, scope)
    if show:
        _print_settings(list_id)
        return
    changes = install.to_install(site, list_id, replace=settings.list_id is not None)
    if not dry_run:
        install.install(site, changes)
    server = None if scope == "project" else _tell_client("add", scope, dry_run=dry_run)
    _answer(settings, "install", scope, changes, server, dry_run=dry_run)
    if not settings.quiet and list_id is None and scope != "user":
        output.say("hint: there is no list yet, so none is named: gittasks init", err=True)


@claude_command.command("uninstall", cls=Command)
@_scope_option
@_dry_run_option
@click.pass_obj
def uninstall_command(settings: Settings, scope: str, dry_run: bool) -> None:
    """Take out what install put in, and nothing else."""
    from gittasks.claude import install

    site, _ = _site(settings, scope)
    changes = install.to_uninstall(site, _lists(settings, scope))
    if not dry_run:
        install.uninstall(site, changes)
    server = None if scope == "project" else _tell_client("remove", scope, dry_run=dry_run)
    _answer(settings, "uninstall", scope, changes, server, dry_run=dry_run)


@claude_command.command("status", cls=Command)
@click.pass_obj
def status_command(settings: Settings) -> int:
    """Show what is in Claude Code's settings; exit code 1 when nothing is."""
    from gittasks.claude import install
    from gittasks.errors import NoRepository
    from gittasks.render.text import clean

    rows = []
    for scope in install.SCOPES:
        try:
            site, _ = _site(settings, scope)
        except NoRepository:
            continue
        row = {"scope": scope, **install.state(site)}
        if scope != "project":
            work_tree = None if scope == "user" else _work_tree(settings)
            row["mcp"] = install.registered(os.environ, work_tree)
        rows.append(row)
    if settings.json:
        from gittasks.render import documents

        output.document(documents.envelope("claude", action="status", scopes=rows))
    elif not settings.quiet:
        for row in rows:
            words = {True: "set up", False: "not set up", None: "unknown"}
            named = f", list {clean(str(row['env']))}" if row["env"] else ""
            hooks, mcp = words[row["hooks"]], words[row["mcp"]]
            output.say(f"{row['scope']}: hooks {hooks}, MCP server {mcp}{named}")
    return 0 if any(row["hooks"] or row["mcp"] for row in rows) else 1


def _site(settings: Settings, scope: str) -> tuple[Site, str | None]:
    """The files of a scope, and the list that they are to name."""
    from gittasks.claude import install
    from gittasks.errors import NoList

    if scope == "user":
        return install.user_site(os.environ), None
    workspace = settings.workspace()
    site = install.repository_site(scope, _work_tree(settings), workspace.repository.common)
    try:
        list_id = workspace.list_id
    except NoList as error:
        if error.details.get("lists"):
            raise
        return site, None
    workspace.branch()  # a list that is named is there
    return site, list_id


def _work_tree(settings: Settings) -> str:
    from gittasks.errors import NoRepository

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


def _print_settings(list_id: str | None) -> None:
    import json

    from gittasks.claude import settings as ours

    for name, content in (
        ("settings", ours.wanted(list_id)),
        (".mcp.json", ours.servers()),
    ):
        output.say(f"// {name}")
        output.say(json.dumps(content, indent=2))


def _tell_client(verb: str, scope: str, *, dry_run: bool) -> dict[str, Any]:
    """Have Claude Code itself change the file that it keeps servers of these scopes in."""
    import shutil

    line = ["claude", "mcp", verb, "--scope", scope, "gittasks"]
    if verb == "add":
        line += ["--", "gittasks", "mcp"]
    told: dict[str, Any] = {"command": line, "ran": False, "said": None}
    if dry_run or shutil.which("claude") is None:
        return told
    import subprocess

    try:
        done = subprocess.run(line, capture_output=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired) as error:
        return {**told, "said": str(error)}
    said = (done.stdout + done.stderr).decode("utf-8", "replace").strip().splitlines()
    return {**told, "ran": done.returncode == 0, "said": said[0] if said else None}


def _answer(
    settings: Settings,
    action: str,
    scope: str,
    changes: Sequence[Change],
    server: dict[str, Any] | None,
    *,
    dry_run: bool,
) -> None:
    rows = [{"file": c.place.name, "changed": c.made} for c in changes]
    if settings.json:
        from gittasks.render import documents

        output.document(
            documents.envelope(
                "claude", action=action, scope=scope, dryRun=dry_run, files=rows, server=server
            )
        )
        return
    if settings.quiet:
        return
    from gittasks.render.text import clean

    for row in rows:
        done = "would be changed" if dry_run else "changed"
        output.say(f"{row['file']}: {done if row['changed'] else 'as it is already'}")
    if server is None:
        return
    line = " ".join(server["command"])
    if server["ran"]:
        output.say(f"{line}: done")
    else:
        said = f" ({clean(server['said'])})" if server["said"] else ""
        output.say(f"MCP server: {line}{said}")


# --- native task files -----------------------------------------------------------------------


@claude_command.command("import", cls=Command)
@click.argument("name", required=False, metavar="[NAME]")
@owner_option
@_dry_run_option
@click.pass_obj
def import_command(settings: Settings, name: str | None, owner: str | None, dry_run: bool) -> None:
    """Take Claude Code's own tasks into the list, as one commit.

    NAME is a folder of ~/.claude/tasks; without it that of the session, or the one called as
    the list.
    """
    from gittasks.claude import transfer

    workspace = settings.workspace(owner)
    made = transfer.import_tasks(workspace, name, dry_run=dry_run)
    if settings.json:
        _import_document(made)
    elif not settings.quiet:
        _say_import(settings, made)
    _say_faults(settings, made.faults)
    output.notices(settings, workspace)


def _say_import(settings: Settings, made: Imported) -> None:
    if made.report is None:
        output.say(f"{made.name}: nothing new in {len(made.links)} tasks")
    else:
        output.say_changes(settings, made.report, [])


def _import_document(made: Imported) -> None:
    from gittasks.render import documents

    edit = made.edit
    output.document(
        documents.envelope(
            "claude",
            action="import",
            name=made.name,
            changed=edit is not None,
            created=list(edit.created) if edit else [],
            updated=[i for i in edit.changed if i not in edit.created] if edit else [],
            numbers={n: link.task for n, link in made.links.items()},
            notCarriedOver=_fault_rows(made.faults),
            commit=made.report.commit if made.report else None,
        )
    )


@claude_command.command("export", cls=Command)
@click.argument("name", required=False, metavar="[NAME]")
@_dry_run_option
@click.pass_obj
def export_command(settings: Settings, name: str | None, dry_run: bool) -> None:
    """Write the list as Claude Code's own tasks, into the folder NAME of ~/.claude/tasks.

    Without NAME it is the one that CLAUDE_CODE_TASK_LIST_ID names, or is called as the list.
    """
    from gittasks.claude import transfer

    workspace = settings.workspace()
    made = transfer.export_tasks(workspace, name, dry_run=dry_run)
    if settings.json:
        _export_document(made)
    elif not settings.quiet:
        written = f"{len(made.written)} of {len(made.links)} tasks written"
        removed = f", {len(made.removed)} removed" if made.removed else ""
        output.say(f"{made.name}: {written}{removed}")
    _say_faults(settings, made.faults)
    output.notices(settings, workspace)


def _export_document(made: Exported) -> None:
    from gittasks.render import documents

    output.document(
        documents.envelope(
            "claude",
            action="export",
            name=made.name,
            changed=bool(made.written or made.removed),
            written=list(made.written),
            removed=list(made.removed),
            numbers={n: link.task for n, link in made.links.items()},
            notCarriedOver=_fault_rows(made.faults),
        )
    )


def _fault_rows(faults: Sequence[Fault]) -> list[dict[str, str]]:
    return [{"number": f.number, "message": f.message} for f in faults]


def _say_faults(settings: Settings, faults: Sequence[Fault]) -> None:
    if settings.json or settings.quiet:
        return
    from gittasks.render.text import clean

    for fault in faults:
        output.say(f"not carried over: {clean(str(fault))}", err=True)


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


@claude_command.command("hook", cls=HookCommand)
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
        dict(os.environ),
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
