"""The command conflicts, and how a conflict is told in words and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from gittasks.cli import output
from gittasks.cli.options import command
from gittasks.cli.settings import Settings
from gittasks.core.texts import shorten
from gittasks.render.text import clean

if TYPE_CHECKING:
    from gittasks.workspace import OpenConflict, Side

_LONG = 60
"""Characters of a value that are shown."""


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

    words = " && ".join(shlex.join(c) for c in commands)
    # What would have to be escaped is no longer the value, so it is not offered as a command.
    if words and clean(words) == words:
        return words
    return f"edit {clean(conflict.path)} by hand; see: git show {commit[:7]}"


def _value(side: Side) -> str:
    if not side.there:
        return "none"
    if isinstance(side.value, dict) and "status" in side.value:
        owner = side.value.get("owner")
        return clean(side.value["status"] + (f" ({owner})" if owner else ""))
    if side.value is True:
        return "there"
    return shorten(clean(str(side.value)), _LONG)


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
