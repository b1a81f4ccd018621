"""Commands about whole lists: init, lists, use, archive, drop, apply."""

from __future__ import annotations

import sys

from gittasks import render
from gittasks.cli.options import (
    Choice,
    argument,
    command,
    force_option,
    option,
    owner_option,
    parallel_option,
    values_of,
    variable_option,
)
from gittasks.cli.output import Answer, Settings, changed, make_named_list
from gittasks.cli.view import lists_answer
from gittasks.core.lint import is_generic, remarks
from gittasks.core.model import ListInfo, ListState
from gittasks.errors import NotFound, Usage
from gittasks.light import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_offline_mark_option = option(
    "--offline", is_flag=True, help="Do not ask the remote; the next sync sends it."
)


@command(
    "init",
    argument("list_id", metavar="[ID]", required=False),
    option("--title", metavar="TEXT", help="A title for people."),
)
def init_command(settings: Settings, list_id: str | None, title: str | None) -> Answer:
    """Create a task list, or adopt one that is there, and use it from now on.

    Without ID it is named after the code branch, or after the folder on a main branch.
    """
    workspace = settings.workspace()
    adopted = workspace.init(list_id, title)
    workspace = workspace.select(adopted.id)
    did = "created and in use" if adopted.created else "in use"
    if adopted.adopted:
        did = f"adopted from {adopted.adopted} and in use"

    def lines() -> Iterator[str]:
        yield f'task list "{adopted.id}" is {did} (branch {workspace.branch_name})'
        if adopted.created:
            yield 'next: gittasks create "PHASE 1: ...", or gittasks apply plan.md'

    return Answer(
        lambda: render.documents.init_document(
            workspace.snapshot().info,
            workspace.branch_name,
            created=adopted.created,
            adopted=adopted.adopted,
        ),
        lambda _: "\n".join(lines()),
        quiet=[adopted.id],
        hints=lambda: _remark_on_id(adopted.id) if adopted.created else (),
        workspace=workspace,
    )


def _remark_on_id(list_id: str) -> Sequence[str]:
    if not is_generic(list_id):
        return ()
    reason = f'"{list_id}" says nothing about the work; name a list after what it is for'
    return [f"{reason}: gittasks init feature-auth"]


@command(
    "lists",
    argument("action", type=Choice(["restore", "forget"]), required=False),
    argument("list_id", metavar="[ID]", required=False),
    option("--all", "every", is_flag=True, help="Also those that are archived or dropped."),
    in_steps=True,
)
def lists_command(
    settings: Settings, action: str | None, list_id: str | None, every: bool
) -> Answer:
    """Show the open lists of this repository, local and fetched: progress, owners, last change.

    `restore ID` brings back changes that were made here and are missing from its branch,
    since another program moved or deleted it; `forget ID` gives them up.
    """
    workspace = settings.workspace()
    if action is None:
        return lists_answer(workspace, every=every)
    if list_id is None:
        raise Usage(f"lists {action} takes the ID of a list", hint=f"lists {action} feature")
    restores = action == "restore"
    count = (workspace.restore_list if restores else workspace.forget_list)(list_id)
    changes = "1 change" if count == 1 else f"{count} changes"
    title = f"{'restored' if restores else 'forgot'} {changes} of {list_id}"
    if not count:
        title = f"nothing is missing from {list_id}"
    return Answer(
        lambda: lists_answer(workspace, every=every).json(),
        lambda marks: f"{title}\n{lists_answer(workspace, every=every).text(marks)}",
        notices=workspace.notices,
        done=title,
    )


@command(
    "archive",
    argument("list_id", metavar="[ID]", required=False),
    _offline_mark_option,
)
def archive_command(settings: Settings, list_id: str | None, offline: bool) -> Answer:
    """Put a finished list away, on its remote first. Nothing in it changes.

    `lists` shows it with --all; work that somebody still does there is kept.
    """
    return _marked(settings, list_id, ListState.ARCHIVED, offline)


@command(
    "unarchive",
    argument("list_id", metavar="ID"),
    _offline_mark_option,
)
def unarchive_command(settings: Settings, list_id: str, offline: bool) -> Answer:
    """Reopen a list that was archived or dropped."""
    return _marked(settings, list_id, ListState.OPEN, offline)


@command(
    "drop",
    argument("list_id", metavar="ID"),
    _offline_mark_option,
    option("--purge", is_flag=True, help="Delete a dropped list for good."),
    option("--unshared", is_flag=True, help="With --purge: also delete what only this clone has."),
    in_steps=True,
)
def drop_command(
    settings: Settings, list_id: str, offline: bool, purge: bool, unshared: bool
) -> Answer:
    """Mark a list as dropped, on its remote first; unarchive reopens it.

    --purge deletes its branch, once it is dropped: on the remote if nobody has changed it there
    since, and here. Clones that had the list follow with their next sync.
    """
    if purge and offline:
        raise Usage("--purge asks the remote", hint="leave --offline out")
    if unshared and not purge:
        raise Usage("--unshared goes with --purge")
    if not purge:
        return _marked(settings, list_id, ListState.DROPPED, offline)
    workspace = settings.workspace()
    purged = workspace.purge_list(list_id, unshared=unshared)
    where = f"here and on {purged.remote}" if purged.remote else "here"
    list_id = purged.list_id
    info = ListInfo(list_id, dropped=purged.dropped)
    return Answer(
        lambda: render.documents.list_state_document(
            info, purged.head, purged.remote, deleted=True
        ),
        lambda _: f'"{list_id}" is deleted {where}; its last commit was {purged.head or "none"}',
        quiet=[list_id],
        workspace=workspace,
    )


def _marked(settings: Settings, list_id: str | None, state: ListState, offline: bool) -> Answer:
    workspace = settings.workspace()
    marked = workspace.mark_list(list_id or workspace.list_id, state, offline=offline)
    list_id = marked.info.id
    word = "" if marked.commit else " already"
    where = f", on {marked.remote} too" if marked.remote else ""
    lines = [f'"{list_id}" is {marked.info.state}{word}{where}']
    if marked.commit and state is not ListState.OPEN:
        lines.append(f"see it with: gittasks lists --all; back with: gittasks unarchive {list_id}")
    return Answer(
        lambda: render.documents.list_state_document(marked.info, marked.commit, marked.remote),
        lambda _: "\n".join(lines),
        quiet=[list_id],
        workspace=workspace,
    )


@command(
    "use",
    argument("list_id", metavar="ID"),
)
def use_command(settings: Settings, list_id: str) -> Answer:
    """Choose the list that commands work on in this worktree."""
    workspace = settings.workspace()
    list_id = workspace.use(list_id)
    return Answer(
        lambda: render.documents.use_document(list_id),
        lambda _: f'using "{list_id}"',
        workspace=workspace,
    )


@command(
    "apply",
    argument("file"),
    option("--dry-run", is_flag=True, help="Only show what would change."),
    variable_option("The value of a variable of the plan, ${NAME} in its texts."),
    owner_option,
    force_option,
    parallel_option,
)
def apply_command(
    settings: Settings,
    file: str,
    dry_run: bool,
    variables: tuple[str, ...],
    owner: str | None,
    force: bool,
    parallel: bool,
) -> Answer:
    """Apply a plan to the list, in one commit. FILE may be - for stdin.

    A plan is YAML or Markdown. Applying it again changes nothing; progress made since is kept.
    """
    from gittasks.codec.plan_yaml import read_plan  # a plan may need ruamel

    workspace = settings.workspace(owner)
    name = "standard input" if file == "-" else file
    plan = read_plan(_read(file), name, values_of(variables))
    if not dry_run:
        make_named_list(workspace)
    report = workspace.apply_plan(plan, dry_run=dry_run, force=force, parallel=parallel)
    edit, now = report.edit, workspace.now().epoch
    above = ["would change:"] if dry_run else []
    if not edit.made:
        above = ["nothing to change: the list is as the plan says"]
    answer = changed(
        workspace,
        report,
        lambda: render.documents.apply_document(
            edit, report.commit, report.notes, now, dry_run=dry_run
        ),
        above=above,
        below=report.notes,
        hints=lambda: remarks(edit.before, edit.after, edit.created),
    )
    return answer._replace(quiet=[*above, *(answer.quiet or ()), *report.notes])


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        with open(name, "rb") as file:
            return file.read()
    except OSError as error:
        hint = "give the path of a plan, or - to read it from stdin"
        raise NotFound(f"cannot read {name}: {error.strerror}", hint=hint) from error
