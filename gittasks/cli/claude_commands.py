"""Commands for Claude Code that people run: its settings, its own task files."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gittasks import render
from gittasks.claude import settings as claude_settings
from gittasks.claude import transfer
from gittasks.cli.options import Choice, argument, command, option, owner_option
from gittasks.cli.output import Answer, Settings
from gittasks.errors import GittasksError, NoList, NoRepository
from gittasks.store import git, platform

if TYPE_CHECKING:
    from gittasks.claude.settings import SettingsChange, Site
    from gittasks.claude.task_files import Skipped

_SCOPES = ("local", "project", "user")


_scope_option = option(
    "--scope",
    type=Choice(_SCOPES),
    default="local",
    show_default=True,
    help="For me in this repository, for everybody in it, or for me everywhere.",
)
_dry_run_option = option("--dry-run", is_flag=True, help="Only show what would be done.")


@command(
    "install",
    _scope_option,
    _dry_run_option,
    option("--print", "show", is_flag=True, help="Print the settings to put in by hand."),
    option(
        "--stop",
        type=Choice(("remind", "hold")),
        help="When its tasks are in progress: remind it of each once (as it is at first), "
        "or hold it.",
    ),
    short_help="Put hooks and more into its settings.",
    in_steps=True,
)
def install_command(
    settings: Settings, scope: str, dry_run: bool, show: bool, stop: str | None
) -> Answer:
    """Put hooks, the list's name and the MCP server into Claude Code's settings."""
    site, list_id = _site(settings, scope)
    if show:
        return _printed_settings(list_id, hold=stop == "hold")
    changes = claude_settings.to_install(
        site,
        list_id,
        replace=settings.list_id is not None,
        hold=None if stop is None else stop == "hold",
    )
    if not dry_run:
        claude_settings.install(site, changes)
    server = _tell_client(settings, "add", scope, dry_run=dry_run)
    hints = _install_hints(settings, site, list_id)
    answer = _answer("install", scope, changes, server, dry_run=dry_run)
    return answer._replace(notices=hints)


def _install_hints(settings: Settings, site: Site, list_id: str | None) -> list[str]:
    hints = []
    twice = [s for s in _SCOPES if s != site.scope and _has_hooks(settings, s)]
    if twice:
        hints.append(f"there are hooks in the scope {twice[0]} as well; one of the two is enough")
    if platform.program("gittasks") is None:
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


@command(
    "uninstall",
    _scope_option,
    _dry_run_option,
    in_steps=True,
)
def uninstall_command(settings: Settings, scope: str, dry_run: bool) -> Answer:
    """Take out what install put in, and nothing else."""
    site, _ = _site(settings, scope)
    changes = claude_settings.to_uninstall(site, _lists(settings, scope))
    if not dry_run:
        claude_settings.uninstall(site, changes)
    server = _tell_client(settings, "remove", scope, dry_run=dry_run)
    return _answer("uninstall", scope, changes, server, dry_run=dry_run)


@command("status", short_help="Show what is in its settings.")
def status_command(settings: Settings) -> Answer:
    """Show what is in Claude Code's settings; exit code 1 when nothing is."""
    rows = []
    for scope in _SCOPES:
        try:
            site, _ = _site(settings, scope)
        except NoRepository:
            continue
        row = {"scope": scope, **claude_settings.state(site)}
        if scope != "project":
            work_tree = None if scope == "user" else _work_tree(settings)
            row["mcp"] = claude_settings.registered(os.environ, work_tree)
        rows.append(row)
    return Answer(
        lambda: render.documents.claude_status_document(rows),
        lambda _: "\n".join(map(_status_line, rows)) or None,
        quiet=(),
        exit_code=0 if any(row["hooks"] or row["mcp"] for row in rows) else 1,
    )


def _status_line(row: dict[str, Any]) -> str:
    words = {True: "set up", False: "not set up", None: "unknown"}
    list_note = f", list {render.text.clean(str(row['env']))}" if row["env"] else ""
    hooks, mcp = words[row["hooks"]], words[row["mcp"]]
    return f"{row['scope']}: hooks {hooks}, MCP server {mcp}{list_note}"


def _has_hooks(settings: Settings, scope: str) -> bool:
    try:
        return bool(claude_settings.state(_site(settings, scope)[0])["hooks"])
    except GittasksError:
        return False


def _site(settings: Settings, scope: str) -> tuple[Site, str | None]:
    """The files of a scope, and the list that they are to name."""
    if scope == "user":
        return claude_settings.user_site(os.environ), None
    workspace = settings.workspace()
    site = claude_settings.repository_site(scope, _work_tree(settings), workspace.common_dir)
    try:
        list_id = workspace.list_id
    except NoList as error:
        if error.details.get("lists"):
            raise
        return site, None
    workspace.branch()  # a list that is named is there
    return site, list_id


def _work_tree(settings: Settings) -> str:
    folder = settings.workspace().work_tree
    if folder is None:
        raise NoRepository(
            "this repository has no work tree, so Claude Code keeps no settings in it",
            hint="run this in a worktree, or for all repositories with: --scope user",
        )
    return folder


def _lists(settings: Settings, scope: str) -> list[str]:
    if scope == "user":
        return []
    return [listed.id for listed in settings.workspace().lists()]


def _printed_settings(list_id: str | None, *, hold: bool) -> Answer:
    settings_content = claude_settings.wanted(list_id, hold=hold)
    servers = claude_settings.servers()
    files = (("settings.json", settings_content), (".mcp.json", servers))
    return Answer(
        lambda: render.documents.claude_print_document(settings_content, servers),
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
    is_registered = claude_settings.registered(
        os.environ, None if scope == "user" else _work_tree(settings)
    )
    if is_registered is (verb == "add"):
        return None
    line = ["claude", "mcp", verb, "--scope", scope, "gittasks"]
    if verb == "add":
        line += ["--", "gittasks", "mcp"]
    report: dict[str, Any] = {"command": line, "ran": False, "said": None}
    client = platform.program(line[0])
    if dry_run or client is None:
        return report
    folder = None if scope == "user" else _work_tree(settings)
    try:
        done = subprocess.run(
            [client, *line[1:]], cwd=folder, capture_output=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {**report, "said": str(error)}
    output = (done.stdout + done.stderr).decode("utf-8", "replace").strip().splitlines()
    return {**report, "ran": done.returncode == 0, "said": output[0] if output else None}


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


# --- native task files -----------------------------------------------------------------------


@command(
    "import",
    argument("name", required=False, metavar="[NAME]"),
    owner_option,
    option("--dry-run", is_flag=True, help="Only show what would be done."),
    short_help="Take its own tasks into the list.",
)
def import_command(
    settings: Settings, name: str | None, owner: str | None, dry_run: bool
) -> Answer:
    """Take Claude Code's own tasks into the list, as one commit.

    NAME is a folder of ~/.claude/tasks; without it that of the session, or the one called as
    the list.
    """

    workspace = settings.workspace(owner)
    imported = transfer.import_tasks(workspace, name, dry_run=dry_run)
    return Answer(
        lambda: render.documents.claude_import_document(
            workspace.snapshot().info,
            imported.name,
            imported.edit,
            imported.report.commit if imported.report else None,
            {number: link.task for number, link in imported.links.items()},
            imported.faults,
        ),
        lambda marks: (
            render.plain.edited(imported.report.edit, marks)
            if imported.report
            else f"{imported.name}: nothing new in {len(imported.links)} tasks"
        ),
        quiet=(),
        beside=_fault_lines(imported.faults),
        workspace=workspace,
    )


@command(
    "export",
    argument("name", required=False, metavar="[NAME]"),
    option("--dry-run", is_flag=True, help="Only show what would be done."),
    short_help="Write the list as its own tasks.",
)
def export_command(settings: Settings, name: str | None, dry_run: bool) -> Answer:
    """Write the list as Claude Code's own tasks, into the folder NAME of ~/.claude/tasks.

    Without NAME it is the one that CLAUDE_CODE_TASK_LIST_ID names, or is called as the list.
    """

    workspace = settings.workspace()
    exported = transfer.export_tasks(workspace, name, dry_run=dry_run)
    written = len(exported.written)
    removed = f", {len(exported.removed)} removed" if exported.removed else ""
    return Answer(
        lambda: render.documents.claude_export_document(
            workspace.snapshot().info,
            exported.name,
            exported.written,
            exported.removed,
            {number: link.task for number, link in exported.links.items()},
            exported.faults,
        ),
        lambda _: f"{exported.name}: {written} of {len(exported.links)} tasks written{removed}",
        quiet=(),
        beside=_fault_lines(exported.faults),
        workspace=workspace,
    )


def _fault_lines(faults: Sequence[Skipped]) -> list[str]:
    return [f"not carried over: {render.text.clean(str(fault))}" for fault in faults]
