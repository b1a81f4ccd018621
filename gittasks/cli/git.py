"""Commands for git: hooks, the merge driver, doctor."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from gittasks import render
from gittasks.cli.options import Group, argument, command, option
from gittasks.cli.output import Answer
from gittasks.cli.settings import Settings
from gittasks.errors import NotFound
from gittasks.githooks import catch_up, install
from gittasks.store import disk
from gittasks.store.merge_driver import merge_file
from gittasks.store.repository import Repository

if TYPE_CHECKING:
    from gittasks.core.rules import Symptom
    from gittasks.githooks.install import HookStatus


hooks_command = Group(
    "hooks",
    """Let git call gittasks: install, uninstall, status, catch-up.

    Hooks link commits to the tasks that they name (Task: ID completed) and move them; lists are
    pushed with the code. The merge driver lets plain git merge task files field by field.
    """,
    dict.fromkeys(("catch-up", "install", "status", "uninstall"), "git"),
)


@command("install")
def install_command(settings: Settings) -> Answer:
    """Set up hooks and merge driver here; hooks that are there are kept and run first."""
    return _answer(settings, install.install)


@command("uninstall")
def uninstall_command(settings: Settings) -> Answer:
    """Remove what install set up, and restore what was there before."""
    return _answer(settings, install.uninstall)._replace(exit_code=0)


@command("status")
def status_command(settings: Settings) -> Answer:
    """Show what is installed; exit code 1 when something is missing."""
    return _answer(settings, install.status)


@command(
    "catch-up",
    argument("commits", metavar="[RANGE]", nargs=-1),
    option("--all", "everybody", is_flag=True, help="Also of authors unknown to the list."),
    option("--dismiss", is_flag=True, help="Dismiss all that could not be done so far."),
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
    elif commits or everybody:
        report = catch_up.run_range(workspace, " ".join(commits) or "HEAD", everybody=everybody)
    else:
        report = catch_up.run(workspace, most=None)
    lines = report.lines() if report else []
    text = lines or ["no commit that names a task is left to handle"]
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


def _answer(settings: Settings, action: Callable[[Repository], HookStatus]) -> Answer:
    status = action(settings.workspace().repository)
    return Answer(
        lambda: render.documents.hooks_document(
            [(h.name, h.state, h.after is not None) for h in status.hooks],
            status.left,
            stopped=status.stopped,
            changed=status.changed,
            merge_driver=status.merge_driver,
        ),
        lambda _: "\n".join(map(render.text.clean, _lines(status))),
        quiet=(),
        exit_code=0 if status.complete else 1,
    )


def _lines(status: HookStatus) -> list[str]:
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
