"""Claude Code's settings: claude install, uninstall, status."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gittasks import render
from gittasks.claude import install
from gittasks.claude import settings as ours
from gittasks.cli.options import command
from gittasks.cli.output import Answer
from gittasks.cli.settings import Settings
from gittasks.errors import GittasksError, NoList, NoRepository
from gittasks.store import git

if TYPE_CHECKING:
    from gittasks.claude.install import Change, Site

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
    changes = install.to_install(site, list_id, replace=settings.list_id is not None)
    if not dry_run:
        install.install(site, changes)
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
    changes = install.to_uninstall(site, _lists(settings, scope))
    if not dry_run:
        install.uninstall(site, changes)
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
        row = {"scope": scope, **install.state(site)}
        if scope != "project":
            work_tree = None if scope == "user" else _work_tree(settings)
            row["mcp"] = install.registered(os.environ, work_tree)
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
        return bool(install.state(_site(settings, scope)[0])["hooks"])
    except GittasksError:
        return False


def _site(settings: Settings, scope: str) -> tuple[Site, str | None]:
    """The files of a scope, and the list that they are to name."""
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
    there = install.registered(os.environ, None if scope == "user" else _work_tree(settings))
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
    changes: Sequence[Change],
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
