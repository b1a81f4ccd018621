"""Commands that set up this clone for gittasks: hooks, the merge driver, doctor, config, deinit."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from gittasks import render
from gittasks.cli.options import Choice, Group, argument, command, option
from gittasks.cli.output import Answer, Settings
from gittasks.errors import InvalidData, NotFound, Usage
from gittasks.githooks import catch_up, install
from gittasks.githooks.install import HookState
from gittasks.store import disk
from gittasks.store.merge_driver import merge_file
from gittasks.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.claude.settings import SettingsChange
    from gittasks.core.rules import Symptom
    from gittasks.githooks.install import HookStatus
    from gittasks.workspace import SettingValue, Workspace

    _ClaudeRemoval = tuple[list[SettingsChange], Callable[[], None]]

hooks_command = Group(
    "hooks",
    """Let git call gittasks: install, uninstall, status, catch-up.

    Hooks link commits to the tasks that they name (Task: ID completed) and move them; lists are
    pushed with the code. The merge driver lets plain git merge task files field by field.
    """,
    dict.fromkeys(("catch-up", "install", "status", "uninstall"), "setup"),
)


@command("install", in_steps=True)
def install_command(settings: Settings) -> Answer:
    """Set up hooks and merge driver here; hooks that are there are kept and run first."""
    return _hooks_answer(settings, install.install)


@command("uninstall", in_steps=True)
def uninstall_command(settings: Settings) -> Answer:
    """Remove what install set up, and restore what was there before."""
    return _hooks_answer(settings, install.uninstall)._replace(exit_code=0)


@command("status")
def status_command(settings: Settings) -> Answer:
    """Show what is installed; exit code 1 when something is missing."""
    return _hooks_answer(settings, install.status)


@command(
    "catch-up",
    argument("commits", metavar="[RANGE]", nargs=-1),
    option("--all", "everybody", is_flag=True, help="Also of authors unknown to the list."),
    option("--dismiss", is_flag=True, help="Dismiss all that could not be done so far."),
    in_steps=True,
)
def catch_up_command(
    settings: Settings, commits: tuple[str, ...], everybody: bool, dismiss: bool
) -> Answer:
    """Move the tasks named by commits that no hook saw: new ones of the upstream, or RANGE.

    Each commit acts for its author, at its date, and counts once, whichever clone catches up.
    It completes, skips and links; it starts, reopens and deletes nothing.
    """
    workspace = settings.workspace()
    report = None
    if dismiss:
        catch_up.dismiss(workspace)
    elif commits:
        report = catch_up.run_range(workspace, " ".join(commits), everybody=everybody)
    else:
        report = catch_up.run(workspace, most=None, everybody=everybody)
    lines = report.lines() if report else []
    text = lines or [_nothing_left(commits, dismiss=dismiss)]
    return Answer(
        lambda: render.documents.catch_up_document(
            report.span if report else None,
            [
                (done.list_id, task.id, task.status)
                for done in (report.linked if report else ())
                if done.report is not None
                for task in [done.report.edit.after.tasks[i] for i in done.report.changed]
            ],
            strangers=report.strangers if report else 0,
            lines=lines,
        ),
        lambda _: "\n".join(map(render.text.clean, text)),
        quiet=(),
        workspace=workspace,
    )


def _nothing_left(commits: tuple[str, ...], *, dismiss: bool) -> str:
    """The line of a catch-up that had nothing to do, with the commits that it looked at."""
    which = f"of {' '.join(commits)} " if commits else "that came into the upstream "
    return f"no commit {'' if dismiss else which}names a task that is left to handle"


def _hooks_answer(settings: Settings, action: Callable[[Repository], HookStatus]) -> Answer:
    status = action(settings.workspace().repository)
    return Answer(
        lambda: render.documents.hooks_document(
            [(h.name, h.state, h.after is not None) for h in status.hooks],
            status.left,
            stopped=status.stopped,
            changed=status.changed,
            merge_driver=status.merge_driver,
        ),
        lambda _: "\n".join(map(render.text.clean, _hook_lines(status))),
        quiet=(),
        exit_code=0 if status.complete else 1,
    )


def _hook_lines(status: HookStatus) -> list[str]:
    width = max(len(h.name) for h in status.hooks)
    lines = []
    for hook in status.hooks:
        after = ", after the hook that was there" if hook.after else ""
        lines.append(f"{hook.name:<{width}}  {hook.state}{after}")
    driver = "installed" if status.merge_driver else "missing"
    lines.append(f"{'merge driver':<{width}}  {driver}")
    if status.stopped:
        lines.append(
            f"installed here once, and no longer called by git: {', '.join(status.stopped)}"
        )
    return [*lines, *status.left]


@command(
    "merge-driver",
    argument("base"),
    argument("ours"),
    argument("theirs"),
    argument("path"),
)
def merge_driver_command(settings: Settings, base: str, ours: str, theirs: str, path: str) -> None:
    """Merge one task file for git: BASE OURS THEIRS are files, the result goes into OURS.

    git calls this (gitattributes, "Defining a custom merge driver"); hooks install sets it up.
    """
    versions = [_read(name) for name in (base, ours, theirs)]
    merged = merge_file(Repository(settings.directory, dict(os.environ)), path, *versions)
    disk.replace_file(ours, merged, like=ours)


def _read(name: str) -> bytes:
    try:
        with open(name, "rb") as file:
            return file.read()
    except OSError as error:
        raise NotFound(f"cannot read {name}: {error.strerror}") from error


@command(
    "doctor",
    option("--fix", is_flag=True, help="Fix what can be fixed without a choice."),
    in_steps=True,
)
def doctor_command(settings: Settings, fix: bool) -> Answer:
    """Check the repository and all its lists; exit code 1 when there are problems."""
    workspace = settings.workspace()
    findings = [*install.symptoms(workspace, fix=fix), *workspace.doctor(fix=fix)]
    return Answer(
        lambda: render.documents.doctor_document(findings),
        lambda _: "\n".join(_symptom_lines(findings)),
        quiet=(),
        workspace=workspace,
        exit_code=1 if any(not finding.fixed for finding in findings) else 0,
    )


def _symptom_lines(findings: list[Symptom]) -> list[str]:
    clean, lines = render.text.clean, []
    for finding in findings:
        where = f"{clean(finding.list_id)}: " if finding.list_id else ""
        lines.append(f"{where}{clean(finding.message)}")
        lines.append("  fixed" if finding.fixed else f"  {clean(finding.hint)}")
    return lines or ["no problems found"]


_SCOPES = ("local", "worktree", "global", "system")


@command(
    "config",
    argument("setting_name", required=False, metavar="[NAME]"),
    argument("value", required=False, metavar="[VALUE]"),
    option("--unset", is_flag=True, help="Remove the setting, so that its default applies."),
    option(
        "--scope",
        type=Choice(_SCOPES),
        help="Where it is set or unset: this clone (local), this worktree, my account, "
        "the machine.",
    ),
)
def config_command(
    settings: Settings, setting_name: str | None, value: str | None, unset: bool, scope: str | None
) -> Answer:
    """Show all settings or one, with where its value comes from; set one to VALUE.

    They are git's own (git config gittasks.NAME), so git's ways to set them work too. Exit code 4
    when a value that is shown cannot be used.
    """
    workspace, name = settings.workspace(), setting_name
    if (unset or scope) and name is None:
        raise Usage("name the setting", hint="such as: gittasks config NAME --unset")
    if unset and value is not None:
        raise Usage("--unset takes no value")
    if scope and value is None and not unset:
        raise Usage("--scope goes with a value, or with --unset")
    changes = name is not None and (unset or value is not None)
    if name is not None and changes:
        rows = [workspace.change_setting(name, value, scope or "local")]
    else:
        rows = workspace.settings(name)
    return Answer(
        lambda: render.documents.config_document(
            (r.setting.name, r.value, r.setting.default, r.source, r.fault) for r in rows
        ),
        lambda _: "\n".join(map(render.text.clean, _setting_lines(rows, whole=name is not None))),
        quiet=[row.value for row in rows] if name else [row.setting.name for row in rows],
        workspace=workspace,
        exit_code=InvalidData.exit_code if any(row.fault for row in rows) else 0,
    )


def _setting_lines(rows: Sequence[SettingValue], *, whole: bool) -> list[str]:
    """`parallel  true (local)`; of one that was named its meaning and its values too."""
    width = max(len(row.setting.name) for row in rows)
    lines = []
    for row in rows:
        fault = f"; cannot be used: {row.fault}" if row.fault else ""
        name, source = f"{row.setting.name:<{width}}", row.source or "default"
        lines.append(f"{name}  {row.value or '-'} ({source}{fault})")
        if whole:
            lines += [f"  {row.setting.meaning}", f"  values: {row.setting.values.words}"]
    return lines


@command(
    "deinit",
    option("--lists", is_flag=True, help="Also delete the branches of the lists here."),
    option("--claude", is_flag=True, help="Also remove gittasks from Claude Code's settings here."),
    option("--unshared", is_flag=True, help="Also delete work that exists nowhere else."),
    option("--dry-run", is_flag=True, help="Only show what would be removed."),
    in_steps=True,
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
    removals = _claude_removals(workspace) if claude else []
    files = [change.place.name for changes, _ in removals for change in changes if change.made]
    if not dry_run:
        workspace.check_traces(traces, unshared=unshared)
        install.uninstall(repository)
        for _, remove in removals:
            remove()
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


def _claude_removals(workspace: Workspace) -> list[_ClaudeRemoval]:
    """The changes that take ours out of Claude Code's settings in this repository."""
    from gittasks.claude import settings  # for --claude alone: a merge starts this module too

    folder = workspace.work_tree
    if not folder:
        return []
    removals: list[_ClaudeRemoval] = []
    for scope in ("local", "project"):
        site = settings.repository_site(scope, folder, workspace.common_dir)
        changes = settings.to_uninstall(site, workspace.known_lists())
        removals.append((changes, partial(settings.uninstall, site, changes)))
    return removals
