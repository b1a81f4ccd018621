"""Commands that share lists: pull, push, sync."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gittasks.cli import output
from gittasks.cli.conflicts import conflict_document, conflict_lines
from gittasks.cli.options import F, command
from gittasks.cli.settings import Settings
from gittasks.errors import InvalidData
from gittasks.render.text import clean

if TYPE_CHECKING:
    from gittasks.sync import Synced, Wish
    from gittasks.workspace import Exchanged, Workspace

_SHOWN = 20
"""Changes in one direction that are shown one by one."""


def _options(function: F) -> F:
    text = "Merge a history that was rewritten on the remote as well."
    function = click.option("--accept-rewrite", is_flag=True, help=text)(function)
    function = click.option("--all", "all_lists", is_flag=True, help="All lists.")(function)
    return click.argument("remote", required=False, metavar="[REMOTE]")(function)


@command("pull")
@_options
@click.pass_obj
def pull_command(
    settings: Settings, remote: str | None, all_lists: bool, accept_rewrite: bool
) -> int:
    """Fetch what others did and merge it. REMOTE is the list's own, else origin."""
    from gittasks.sync import Wish

    return _exchange(settings, Wish(True, False, accept_rewrite), remote, all_lists)


@command("push")
@_options
@click.pass_obj
def push_command(
    settings: Settings, remote: str | None, all_lists: bool, accept_rewrite: bool
) -> int:
    """Send my work; what others pushed first is merged. Never with force."""
    from gittasks.sync import Wish

    return _exchange(settings, Wish(accept_rewrite, True, accept_rewrite), remote, all_lists)


@command("sync")
@_options
@click.pass_obj
def sync_command(
    settings: Settings, remote: str | None, all_lists: bool, accept_rewrite: bool
) -> int:
    """Fetch, merge and push: afterwards the remote and this clone hold the same."""
    from gittasks.sync import Wish

    return _exchange(settings, Wish(True, True, accept_rewrite), remote, all_lists)


def _exchange(settings: Settings, wish: Wish, remote: str | None, all_lists: bool) -> int:
    workspace = settings.workspace()
    done = workspace.sync(wish, remote, all_lists=all_lists)
    failed = [one.error for one in done if one.error]
    if len(done) == 1 and failed:
        raise failed[0]
    told = [_Told(workspace, one) for one in done]
    if settings.json:
        from gittasks.render import documents

        output.document(documents.envelope("sync", lists=[one.document() for one in told]))
    elif settings.quiet:
        for one in done:
            if one.error:
                output.say(f"error: {one.list_id}: {one.error.message}", err=True)
    else:
        lines = [line for one in told for line in one.lines(settings)]
        quiet = sum(one.nothing for one in told)
        if quiet and len(told) > 1:
            lines.append(f"{quiet} {'list' if quiet == 1 else 'lists'} up to date")
        output.say("\n".join(lines) if lines else "there is no list to share")
    for one in done:
        workspace.notices += _checkouts(one)
    output.notices(settings, workspace)
    unreadable = any(one.branch and one.branch.snapshot.problems for one in done)
    return failed[0].exit_code if failed else InvalidData.exit_code if unreadable else 0


def _checkouts(one: Synced) -> list[str]:
    return [
        f"{folder} has this branch checked out and could not be brought along; "
        f"before you commit there, see: git -C {folder} status"
        for folder in one.lagging
    ]


class _Told:
    """What became of one list, with the history behind it."""

    def __init__(self, workspace: Workspace, one: Synced) -> None:
        self.one = one
        self.behind: Exchanged = workspace.exchanged(one)

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to say but that it is up to date."""
        one = self.one
        return not (one.received or one.sent or one.error or one.created or one.absent)

    def lines(self, settings: Settings) -> list[str]:
        """`plan: 2 changes in, 1 out (origin)`, then one line for each of them."""
        from gittasks.cli.history import entry_lines
        from gittasks.core.progress import summary
        from gittasks.render.plain import problem_lines

        one, marks = self.one, settings.marks()
        remote = clean(one.remote)
        if one.error:
            return [f"{one.list_id}: error: {clean(one.error.message)}"]
        if one.absent:
            return [f"{one.list_id}: not on {remote}; put it there with: gittasks push"]
        if self.nothing:
            return [f"{one.list_id}: up to date with {remote}"]
        moved = [f"{_changes(len(one.received))} from {remote}"] if one.received else []
        moved += [f"{_changes(len(one.sent))} to {remote}"] if one.sent else []
        if one.created:
            moved = [f"now on {remote}"]
        lines = [f"{one.list_id}: {', '.join(moved)}"]
        parts = (("<", self.behind.received), (">", [] if one.created else self.behind.sent))
        for sign, entries in parts:
            shown = entry_lines(entries[-_SHOWN:], marks, with_task=True)
            if len(entries) > _SHOWN:
                shown.insert(0, f"... {len(entries) - _SHOWN} more: gittasks log")
            lines += [f"  {sign} {line}" for line in shown]
        lines += [f"  ! {line}" for c in self.behind.conflicts for line in conflict_lines(c)]
        lines += [f"  ! {clean(t.message)}; {clean(t.hint)}" for t in self.behind.troubles]
        if one.branch:
            lines += problem_lines(one.branch.snapshot.problems)
            lines.append(clean(summary(one.branch.snapshot.tasks.values())))
        return lines

    def document(self) -> dict[str, Any]:
        """The same as JSON."""
        from gittasks.cli.history import entry_documents
        from gittasks.render import documents

        one = self.one
        error = documents.error_document(one.error)["error"] if one.error else None
        heads = one.branch.heads if one.branch else None
        return {
            "id": one.list_id,
            "title": one.branch.snapshot.info.title if one.branch else None,
            "remote": one.remote,
            "created": one.created,
            "received": entry_documents(self.behind.received),
            "sent": entry_documents(self.behind.sent),
            "conflicts": [conflict_document(c) for c in self.behind.conflicts],
            "troubles": [{"kind": t.kind, "tasks": list(t.tasks)} for t in self.behind.troubles],
            "openConflicts": len(one.conflicts),
            "commit": (heads.local or heads.tracked) if heads else None,
            "rounds": one.rounds,
            "error": error,
        }


def _changes(count: int) -> str:
    return f"{count} {'change' if count == 1 else 'changes'}"
