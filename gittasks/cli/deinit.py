"""The command deinit: gittasks taken out of a clone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittasks import render
from gittasks.claude import settings as claude_settings
from gittasks.cli.options import command, option
from gittasks.cli.output import Answer
from gittasks.githooks import install
from gittasks.githooks.install import HookState

if TYPE_CHECKING:
    from gittasks.claude.settings import SettingsChange, Site
    from gittasks.cli.settings import Settings
    from gittasks.githooks.install import HookStatus
    from gittasks.workspace import Workspace


@command(
    "deinit",
    option("--lists", is_flag=True, help="Also delete the branches of the lists here."),
    option("--claude", is_flag=True, help="Also remove gittasks from Claude Code's settings here."),
    option("--unshared", is_flag=True, help="Also delete work that exists nowhere else."),
    option("--dry-run", is_flag=True, help="Only show what would be removed."),
)
def deinit_command(
    settings: Settings, lists: bool, claude: bool, unshared: bool, dry_run: bool
) -> Answer:
    """Remove gittasks from this clone: its hooks, settings, records and refs.

    The lists stay, here and on remotes; --lists deletes their branches here. Refused where
    work would be lost that is nowhere else.
    """
    workspace = settings.workspace()
    repository = workspace.repository
    traces = workspace.traces(lists=lists)
    hooks = _installed(install.status(repository))
    sites = _claude_changes(workspace) if claude else []
    files = [change.place.name for _, changes in sites for change in changes if change.made]
    if not dry_run:
        workspace.check_traces(traces, unshared=unshared)
        install.uninstall(repository)
        for site, changes in sites:
            claude_settings.uninstall(site, changes)
        workspace.remove_traces(traces)
    parts = {
        "hooks": hooks,
        "settings": traces.sections,
        "refs": traces.refs,
        "files": traces.files,
        "lists": traces.lists,
        "claude": files,
    }
    lines = [f"{name}: {', '.join(parts[name])}" for name in parts if parts[name]]
    title = "would remove:" if dry_run else "removed from this clone:"
    return Answer(
        lambda: render.documents.deinit_document(parts, dry_run=dry_run),
        lambda _: "\n".join([title, *map(render.text.clean, lines)]) if lines else _NOTHING_OURS,
        quiet=(),
    )


_NOTHING_OURS = "nothing of gittasks is in this clone"


def _installed(status: HookStatus) -> list[str]:
    """The hooks that are ours, and the merge driver, by name."""
    names = [hook.name for hook in status.hooks if hook.state is HookState.INSTALLED]
    return [*names, *(["merge driver"] if status.merge_driver else [])]


def _claude_changes(workspace: Workspace) -> list[tuple[Site, list[SettingsChange]]]:
    """The changes that take ours out of Claude Code's settings in this repository."""
    folder = workspace.work_tree
    sites = [
        claude_settings.repository_site(scope, folder, workspace.common_dir)
        for scope in (("local", "project") if folder else ())
        if folder
    ]
    return [(s, claude_settings.to_uninstall(s, workspace.known_lists())) for s in sites]
