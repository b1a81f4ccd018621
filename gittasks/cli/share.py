"""Commands that share lists: pull, push, sync; and conflicts, which that can leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from gittasks.cli import output
from gittasks.cli.options import F, Settings, command
from gittasks.errors import InvalidData

if TYPE_CHECKING:
    from gittasks.core.trouble import Trouble
    from gittasks.sync import Synced, Wish
    from gittasks.workspace import Workspace
    from gittasks.workspace.audit import LogEntry
    from gittasks.workspace.sharing import OpenConflict, Side

_SHOWN = 20
"""Changes in one direction that are shown one by one."""
_LONG = 60
"""Characters of a value that are shown."""


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
        from gittasks.core.trouble import troubles
        from gittasks.store.list_store import ListStore
        from gittasks.workspace import audit, sharing

        self.one = one
        self.received: list[LogEntry] = []
        self.sent: list[LogEntry] = []
        self.conflicts: list[OpenConflict] = []
        self.troubles: list[Trouble] = []
        if one.branch is None:
            return
        store = ListStore(workspace.repository, one.list_id, one.remote)
        if one.received or one.sent:
            incoming, outgoing = ({c.id for c in part} for part in (one.received, one.sent))
            for entry in reversed(audit.log(store)):
                self.received += [entry] if entry.commit in incoming else []
                self.sent += [entry] if entry.commit in outgoing else []
        parallel = workspace.repository.config.flag("gittasks.parallel")
        self.troubles = troubles(one.branch.snapshot, parallel=parallel)
        involved = {c.id for c in (*one.received, *one.sent)}
        self.conflicts = [
            conflict
            for conflict in sharing.told(store, one.branch.snapshot, one.conflicts)
            if involved & {conflict.winner.commit, *(x.side.commit for x in conflict.losers)}
        ]

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
        from gittasks.render.text import clean

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
        parts = (("<", self.received), (">", [] if one.created else self.sent))
        for sign, entries in parts:
            shown = entry_lines(entries[-_SHOWN:], marks, with_task=True)
            if len(entries) > _SHOWN:
                shown.insert(0, f"... {len(entries) - _SHOWN} more: gittasks log")
            lines += [f"  {sign} {line}" for line in shown]
        lines += [f"  ! {line}" for c in self.conflicts for line in conflict_lines(c)]
        lines += [f"  ! {clean(t.message)}; {clean(t.hint)}" for t in self.troubles]
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
            "received": entry_documents(self.received),
            "sent": entry_documents(self.sent),
            "conflicts": [conflict_document(c) for c in self.conflicts],
            "troubles": [{"kind": t.kind, "tasks": list(t.tasks)} for t in self.troubles],
            "openConflicts": len(one.conflicts),
            "commit": (heads.local or heads.tracked) if heads else None,
            "rounds": one.rounds,
            "error": error,
        }


def _changes(count: int) -> str:
    return f"{count} {'change' if count == 1 else 'changes'}"


# --- conflicts ------------------------------------------------------------------------------


@command("conflicts")
@click.argument("task_id", metavar="[ID]", required=False)
@click.option("--keep", is_flag=True, help="Settle them: what stands is right.")
@click.pass_obj
def conflicts_command(settings: Settings, task_id: str | None, keep: bool) -> int:
    """Show what was changed in two places at once: what stands, what does not, how to swap.

    Nothing has to be done about them: one value stands everywhere. A conflict is gone when
    somebody changes that field again, or keeps what stands. Exit code 1 when there are some.
    """
    from gittasks.core.lookup import find

    workspace = settings.workspace()
    snapshot = workspace.snapshot()
    chosen = find(snapshot, task_id) if task_id else None
    settled = workspace.keep_conflicts(chosen) if keep else 0
    found = [c for c in workspace.conflicts() if chosen in (None, c.task)]
    if settings.json:
        from gittasks.render import documents

        output.document(
            documents.envelope(
                "conflicts",
                list=documents.list_part(snapshot.info),
                conflicts=[conflict_document(c) for c in found],
                settled=settled,
            )
        )
    elif settings.quiet:
        for name in dict.fromkeys(c.task or "" for c in found):
            output.say(name)
    else:
        lines = [f"settled {settled}: what stands is kept"] if settled else []
        lines += [line for c in found for line in conflict_lines(c, full=True)]
        if found:
            lines.append("when all that stands is right: gittasks conflicts --keep")
        output.say("\n".join(lines) if lines else "no conflicts")
    return 1 if found else 0


_RULES = {
    "later": "the later change counts",
    "status-order": "deleted, then the higher claim, then completed before skipped before "
    "in_progress before pending; of equals the first start, the first finish, the last word",
    "with-status": "the result of who decided the status counts",
    "add-wins": "what one adds and another removes stays",
    "present-wins": "a file that is removed and changed stays",
    "earliest": "the earlier one counts",
    "greatest": "the greater one counts",
}


def conflict_lines(conflict: OpenConflict, *, full: bool = False) -> list[str]:
    """What competed in a line; `full`: with the rule, and how to take the other value."""
    from gittasks.render.text import clean

    name = clean(conflict.task or ("list" if conflict.path == "list.yaml" else conflict.path))
    field = clean(" ".join(filter(None, (conflict.field, conflict.member))))
    won = conflict.winner
    others = ", ".join(f"{_value(x.side)} by {clean(x.side.by)}" for x in conflict.losers)
    head = f"{name} {field}: {_value(won)} by {clean(won.by)} stands, not {others}"
    if not full:
        return [head]
    lines = [head, f"    rule: {_RULES.get(conflict.rule, conflict.rule)}"]
    for loser in conflict.losers:
        at = loser.side.at.replace("T", " ")
        lines.append(
            f"    {_value(loser.side)}: {at} {loser.side.commit[:7]} {clean(loser.side.by)}"
        )
        lines.append(f"      instead: {_instead(conflict, loser.side.commit, loser.commands)}")
    return lines


def _instead(conflict: OpenConflict, commit: str, commands: Sequence[Sequence[str]]) -> str:
    import shlex

    from gittasks.render.text import clean

    words = " && ".join(shlex.join(c) for c in commands)
    # What would have to be escaped is no longer the value, so it is not offered as a command.
    if words and clean(words) == words:
        return words
    return f"edit {clean(conflict.path)} by hand; see: git show {commit[:7]}"


def _value(side: Side) -> str:
    from gittasks.render.text import clean

    if not side.there:
        return "none"
    if isinstance(side.value, dict) and "status" in side.value:
        owner = side.value.get("owner")
        return clean(side.value["status"] + (f" ({owner})" if owner else ""))
    if side.value is True:
        return "there"
    text = clean(str(side.value))
    return text if len(text) <= _LONG else text[: _LONG - 1] + "…"


def conflict_document(conflict: OpenConflict) -> dict[str, Any]:
    """A conflict as JSON; a value is null where the write removed what was there."""
    return {
        "task": conflict.task,
        "path": conflict.path,
        "field": conflict.field,
        "member": conflict.member,
        "kind": conflict.kind,
        "rule": conflict.rule,
        "winner": _side(conflict.winner),
        "losers": [
            {**_side(x.side), "instead": [list(c) for c in x.commands]} for x in conflict.losers
        ],
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "value": side.value,
        "removed": not side.there,
        "commit": side.commit,
        "at": side.at,
        "by": side.by,
    }
