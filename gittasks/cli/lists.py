"""Commands about whole lists: init, lists, use, apply."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from gittasks.cli import output
from gittasks.cli.options import command, force_option, owner_option, parallel_option
from gittasks.cli.settings import Settings
from gittasks.core.model import Problem
from gittasks.core.progress import Progress
from gittasks.core.view import ListView
from gittasks.errors import InvalidData, NotFound

if TYPE_CHECKING:
    from gittasks.workspace import Workspace


@command("init")
@click.argument("list_id", metavar="[ID]", required=False)
@click.option("--title", metavar="TEXT", help="What the list is about, for people.")
@click.pass_obj
def init_command(settings: Settings, list_id: str | None, title: str | None) -> None:
    """Create a task list, or adopt one that is there, and use it from now on.

    Without ID it is named after the code branch, or after the folder on a main branch.
    """
    workspace = settings.workspace()
    made = workspace.init(list_id, title)
    workspace = workspace.select(made.id)
    branch = workspace.store.ref.removeprefix("refs/heads/")
    if settings.json:
        from gittasks.render import documents

        info = workspace.snapshot().info
        output.document(
            documents.envelope(
                "init", list=documents.list_part(info), created=made.created, branch=branch
            )
        )
    elif settings.quiet:
        output.say(made.id)
    else:
        did = "created and in use" if made.created else "in use"
        output.say(f'task list "{made.id}" is {did} (branch {branch})')
        if made.created:
            output.say('next: gittasks create "PHASE 1: ...", or gittasks apply plan.md')
            _remark_on_id(workspace, made.id)
    output.notices(settings, workspace)


def _remark_on_id(workspace: Workspace, list_id: str) -> None:
    from gittasks.core.lint.early import is_generic

    if is_generic(list_id):
        workspace.notices.append(
            f'"{list_id}" says nothing about the work; name a list after what it is for: '
            "gittasks init feature-auth"
        )


@command("lists")
@click.pass_obj
def lists_command(settings: Settings) -> int:
    """Show all lists of this repository, local and fetched, with their progress."""
    return show_lists(settings)


def show_lists(settings: Settings, *, places: bool = False) -> int:
    """One line a list; with `places` also where it is. Exit code 4 when one cannot be read."""
    workspace = settings.workspace()
    rows: list[ListView] = []
    unreadable: list[Problem] = []
    now = workspace.now().epoch
    for summary in workspace.lists():
        where = (*(("here",) if summary.local else ()), *summary.remotes)
        row = ListView(summary.snapshot, now, chosen=summary.current, places=where)
        unreadable += [p._replace(path=f"{row.info.id}: {p.path}") for p in row.problems]
        rows.append(row)
    if settings.json:
        from gittasks.render import documents

        output.document(documents.lists_document(rows))
    else:
        from gittasks.render import plain

        if places and settings.on_terminal():
            from gittasks.cli.screen import console, printed, terminal_signs
            from gittasks.render.terminal.views import overview

            on = console(settings)
            table = printed(on, overview(rows, terminal_signs(), on.width))
        else:
            table = plain.lists_table(rows, places=places)
        output.say("\n".join([table, *plain.problem_lines(unreadable)]))
    return InvalidData.exit_code if unreadable else 0


@command("use")
@click.argument("list_id", metavar="ID")
@click.pass_obj
def use_command(settings: Settings, list_id: str) -> None:
    """Choose the list that commands mean here (git config gittasks.list)."""
    workspace = settings.workspace()
    workspace.use(list_id)
    if settings.json:
        from gittasks.render import documents

        output.document(documents.envelope("use", list={"id": list_id}))
    else:
        output.say(f'using "{list_id}"')
    output.notices(settings, workspace)


@command("apply")
@click.argument("file")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@owner_option
@force_option
@parallel_option
@click.pass_obj
def apply_command(
    settings: Settings, file: str, dry_run: bool, owner: str | None, force: bool, parallel: bool
) -> None:
    """Bring the list to what a plan says, in one commit. FILE may be - for stdin.

    A plan is YAML or Markdown. Applying it again changes nothing; progress made since is kept.
    """
    from gittasks.codec.plan import read_plan

    workspace = settings.workspace(owner)
    plan = read_plan(_read(file), "standard input" if file == "-" else file)
    made = workspace.apply_plan(plan, dry_run=dry_run, force=force, parallel=parallel)
    if settings.json:
        from gittasks.render import documents

        edit, graph = made.edit, made.graph
        output.document(
            documents.envelope(
                "apply",
                list=documents.list_part(edit.after.info),
                dryRun=dry_run,
                changed=edit.made,
                created=list(edit.created),
                updated=[i for i in edit.changed if i not in edit.created],
                notes=list(made.notes),
                tasks=[documents.task(edit.after.tasks[i], graph) for i in edit.changed],
                unblocked=list(edit.unblocked),
                commit=made.commit,
                progress=documents.progress_part(
                    Progress.of(edit.after.tasks.values(), graph, workspace.now().epoch)
                ),
            )
        )
    else:
        if not made.edit.made:
            output.say("nothing to change: the list is as the plan says")
        if dry_run and made.edit.made:
            output.say("would change:")
        output.say_changes(settings, made, [])
        for note in made.notes:
            output.say(note)
    output.remark(settings, workspace, made)
    output.notices(settings, workspace)


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        with open(name, "rb") as file:
            return file.read()
    except OSError as error:
        hint = "give the path of a plan, or - to read it from stdin"
        raise NotFound(f"cannot read {name}: {error.strerror}", hint=hint) from error
