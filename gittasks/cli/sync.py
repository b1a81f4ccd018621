"""Commands that share lists: pull, push, sync, conflicts."""

from __future__ import annotations

from gittasks import render
from gittasks.cli.options import argument, command, first_option, option
from gittasks.cli.output import Answer, Settings
from gittasks.core.ids import find, listed
from gittasks.errors import InvalidData, NoList, Way
from gittasks.light import TYPE_CHECKING
from gittasks.sync import SyncOptions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from gittasks.core.history import LogEntry
    from gittasks.core.merge.resolution import OpenConflict
    from gittasks.render.text import StatusMarks
    from gittasks.sync import SyncResult
    from gittasks.workspace import Exchanged, Workspace

_SHOWN = 20
"""Changes in one direction that are shown one by one."""


_options = (
    argument("remote", required=False, metavar="[REMOTE]"),
    option("--all", "all_lists", is_flag=True, help="All lists."),
    option(
        "--accept-rewrite",
        is_flag=True,
        help="Also merge a history that was rewritten on the remote.",
    ),
)


@command("pull", *_options, hot=True)
def pull_command(
    settings: Settings, remote: str | None, all_lists: bool, accept_rewrite: bool
) -> Answer:
    """Fetch and merge the work of others. REMOTE is the list's own, else origin."""
    return _exchange(settings, SyncOptions(True, False, accept_rewrite), remote, all_lists)


@command("push", *_options, first_option, hot=True)
def push_command(
    settings: Settings, remote: str | None, all_lists: bool, accept_rewrite: bool, first: bool
) -> Answer:
    """Push my work; what others pushed first is merged. Never forces."""
    wish = SyncOptions(accept_rewrite, True, accept_rewrite, first)
    return _exchange(settings, wish, remote, all_lists)


@command("sync", *_options, first_option, hot=True)
def sync_command(
    settings: Settings, remote: str | None, all_lists: bool, accept_rewrite: bool, first: bool
) -> Answer:
    """Fetch, merge and push: afterwards the remote and this clone hold the same."""
    return _exchange(settings, SyncOptions(True, True, accept_rewrite, first), remote, all_lists)


def _exchange(settings: Settings, wish: SyncOptions, remote: str | None, all_lists: bool) -> Answer:
    workspace = settings.workspace()
    try:
        done = workspace.exchange(wish, remote, all_lists=all_lists)
    except NoList as error:
        raise _offering_all(error, wish) from error
    failed = [synced.error for synced in done if synced.error]
    if len(done) == 1 and failed:
        raise failed[0]
    unreadable = any(synced.branch and synced.branch.snapshot.problems for synced in done)
    for synced in done:
        workspace.note_lagging(synced.lagging)
    return Answer(
        lambda: render.documents.sync_document(
            _document(synced, workspace.exchanged(synced)) for synced in done
        ),
        lambda marks: "\n".join(_lines(workspace, done, marks)),
        quiet=(),
        failures=[f"error: {s.list_id}: {s.error.message}" for s in done if s.error],
        workspace=workspace,
        exit_code=failed[0].exit_code if failed else InvalidData.exit_code if unreadable else 0,
    )


def _offering_all(error: NoList, wish: SyncOptions) -> NoList:
    """The error where none of several lists was chosen, with the command for all of them."""
    if len(error.details.get("lists", ())) < 2:
        return error
    verb = "sync" if wish.fetch and wish.push else "push" if wish.push else "pull"
    return error.with_ways([Way("all of them", ("gittasks", verb, "--all")), *error.ways])


def _document(synced: SyncResult, exchange: Exchanged) -> dict[str, Any]:
    branch = synced.branch
    return render.documents.exchange_part(
        synced.list_id,
        branch.snapshot.info.title if branch else None,
        synced.remote,
        created=synced.created,
        received=exchange.received,
        sent=exchange.sent,
        conflicts=exchange.conflicts,
        troubles=exchange.troubles,
        open_conflicts=len(synced.conflicts),
        commit=(branch.heads.local or branch.heads.tracked) if branch else None,
        rounds=synced.rounds,
        behind=synced.behind,
        side=render.documents.side_part(synced.pushed_as, synced.taken, synced.untaken),
        removed=synced.removed,
        deleted=synced.deleted,
        dates_ahead={ahead.name: ahead.seconds for ahead in exchange.dates_ahead},
        error=synced.error,
    )


def _lines(workspace: Workspace, done: Sequence[SyncResult], marks: StatusMarks) -> list[str]:
    lines = [line for synced in done for line in _list_lines(workspace, synced, marks)]
    quiet = sum(map(_is_quiet, done))
    if quiet and len(done) > 1:
        lines.append(f"{quiet} {'list' if quiet == 1 else 'lists'} up to date")
    return lines or ["there is no list to share"]


def _is_quiet(synced: SyncResult) -> bool:
    """True when nothing is to be told of a list but that it is up to date."""
    moved = synced.received or synced.sent or synced.created
    return not (moved or synced.error or synced.absent or synced.removed)


def _list_lines(workspace: Workspace, synced: SyncResult, marks: StatusMarks) -> list[str]:
    """`plan: 2 changes from origin, 1 change to origin`, then one line for each of them."""
    clean, name = render.text.clean, synced.list_id
    remote = clean(synced.remote)
    if synced.error:
        return [f"{name}: error: {clean(synced.error.message)}"]
    if synced.deleted:
        return [f"{name}: dropped, and deleted on {remote}: it was deleted here as well"]
    if synced.removed:
        return _removed_lines(synced, remote)
    if synced.absent and not synced.taken:
        return [f"{name}: not on {remote}; put it there with: gittasks push"]
    untaken = [f"  ! {clean(sentence)}" for sentence in synced.untaken]
    if _is_quiet(synced):
        return [f"{name}: up to date with {remote}", *_behind(synced), *untaken]
    exchange = workspace.exchanged(synced, _SHOWN)
    lines = [f"{name}: {_moved(synced)}", *_behind(synced), *untaken]
    lines += _entry_lines("<", exchange.received, len(synced.received), marks)
    if not synced.created:
        lines += _entry_lines(">", exchange.sent, len(synced.sent), marks)
    for conflict in exchange.conflicts:
        lines += [f"  ! {line}" for line in render.history_text.conflict_lines(conflict)]
    lines += [f"  ! {clean(t.message)}; {clean(t.hint)}" for t in exchange.troubles]
    lines += [f"  ! {clean(str(ahead))}" for ahead in exchange.dates_ahead]
    if synced.branch:
        snapshot = synced.branch.snapshot
        lines += render.plain.problem_lines(snapshot.problems)
        lines.append(render.plain.summary_line(snapshot))
    return lines


def _removed_lines(synced: SyncResult, remote: str) -> list[str]:
    name = synced.list_id
    if not synced.kept:
        return [f"{name}: removed from {remote}, and not here"]
    return [
        f"{name}: removed from {remote}, and all of it is here",
        f"  put it there again with: gittasks push --accept-rewrite --list {name}",
        f"  or give it up here as well: gittasks drop {name} --offline",
    ]


def _moved(synced: SyncResult) -> str:
    """`2 changes from origin (origin/claude/plan), 1 change to origin as claude/plan`."""
    clean, remote = render.text.clean, render.text.clean(synced.remote)
    pushed_as = f" as {clean(synced.pushed_as)}" if synced.pushed_as else ""
    branches = f" ({clean(listed(synced.taken, 3))})" if synced.taken else ""
    incoming = (
        f"{_changes(len(synced.received))} from {remote}{branches}" if synced.received else ""
    )
    outgoing = f"{_changes(len(synced.sent))} to {remote}{pushed_as}" if synced.sent else ""
    if synced.created:
        incoming, outgoing = incoming if branches else "", f"now on {remote}{pushed_as}"
    return ", ".join(filter(None, [incoming, outgoing]))


def _behind(synced: SyncResult) -> list[str]:
    """A word about a remote that lags, or was reset to what it held before."""
    if not synced.behind:
        return []
    return ["  ! it was behind: it lacked changes that it had before, and nothing else"]


def _entry_lines(
    sign: str, entries: Sequence[LogEntry], count: int, marks: StatusMarks
) -> list[str]:
    """A line for each of the last entries of `count`."""
    lines = render.history_text.entry_lines(entries, marks, with_task=True)
    if count > len(entries):
        lines.insert(0, f"... {count - len(entries)} more: gittasks log")
    return [f"  {sign} {line}" for line in lines]


def _changes(count: int) -> str:
    return f"{count} {'change' if count == 1 else 'changes'}"


@command(
    "conflicts",
    argument("task_id", metavar="[ID]", required=False),
    option("--keep", is_flag=True, help="Settle them: the values shown are right."),
)
def conflicts_command(settings: Settings, task_id: str | None, keep: bool) -> Answer:
    """Show fields changed in two places at once: the value kept, those discarded, how to swap.

    Nothing has to be done about them: all clones show the same value. A conflict ends when
    somebody changes that field again, or keeps the value. Exit code 1 when there are some.
    """
    workspace = settings.workspace()
    snapshot = workspace.snapshot()
    chosen = find(snapshot, task_id, cut=True) if task_id else None
    settled = workspace.keep_conflicts(chosen) if keep else 0
    conflicts = [c for c in workspace.conflicts() if chosen in (None, c.task)]
    return Answer(
        lambda: render.documents.conflicts_document(snapshot.info, conflicts, settled),
        lambda _: "\n".join(_conflict_lines(conflicts, settled)),
        quiet=dict.fromkeys(conflict.task or "" for conflict in conflicts),
        exit_code=1 if conflicts else 0,
    )


def _conflict_lines(conflicts: list[OpenConflict], settled: int) -> list[str]:
    lines = [f"settled {settled}: the values shown are kept"] if settled else []
    for conflict in conflicts:
        lines += render.history_text.conflict_lines(conflict, full=True)
    if conflicts:
        lines.append("when all values shown are right: gittasks conflicts --keep")
    return lines or ["no conflicts"]
