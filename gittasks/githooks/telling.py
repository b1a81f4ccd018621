"""What a hook says: one line for what moved in a list, one for each thing that could not be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gittasks.core.ids import listed
from gittasks.core.model import Status, Task
from gittasks.errors import GittasksError
from gittasks.githooks.code import Change
from gittasks.workspace import EditResult, Linked, NotDone, Workspace

_SHOWN = 5
_MOVED = {
    Status.PENDING: "is open again",
    Status.IN_PROGRESS: "started",
    Status.COMPLETED: "completed",
    Status.SKIPPED: "skipped",
    Status.DELETED: "deleted",
}


def some(names: Sequence[str]) -> str:
    """Names in a row, cut after some."""
    return listed(names, _SHOWN)


def place(tasks: Iterable[Task]) -> str:
    """`[3/7 complete]`."""
    counted = [t.status for t in tasks if t.status not in (Status.SKIPPED, Status.DELETED)]
    return f"[{counted.count(Status.COMPLETED)}/{len(counted)} complete]"


def lines_of(done: Sequence[Linked]) -> list[str]:
    """What became of the lists, and of what could not be done."""
    told = []
    for one in done:
        if one.report is not None and one.report.edit.made:
            told.append(f"{one.list_id}: {_moved(one.report)}")
        told += [_refused(one, each) for each in one.not_done]
    return told


def _moved(report: EditResult) -> str:
    """`a completed, b linked; now ready: c [1/3 complete]`."""
    before, after = report.edit.before.tasks, report.edit.after.tasks
    words = []
    for task_id in report.edit.changed:
        old, new = before[task_id], after[task_id]
        moved = old.status is not new.status
        words.append(f"{task_id} {_MOVED[new.status] if moved else _linked(old, new)}")
    ready = f"; now ready: {some(report.edit.unblocked)}" if report.edit.unblocked else ""
    return f"{some(words)}{ready} {place(after.values())}"


def _linked(old: Task, new: Task) -> str:
    rewritten = {c.sha for c in old.commits} - {c.sha for c in new.commits}
    closed = f", {new.status} before" if new.status.closed and not rewritten else ""
    return f"{'linked anew' if rewritten else 'linked'}{closed}"


def _refused(one: Linked, each: NotDone) -> str:
    where = f"{one.list_id}: " if one.list_id else ""
    if not each.mention.task:
        return f"{where}links were not remapped: {each.error.message}"
    return where + kept(str(each.mention), each.error)


def kept(trailer: str, error: GittasksError) -> str:
    """That what a trailer asks for could not be done; commit-msg has told what was meant."""
    return f'not done, kept for gittasks doctor: "{trailer}": {error.message}'


def reverted_lines(workspace: Workspace, change: Change) -> list[str]:
    """A commit that reverts others reopens nothing: say what they had finished, and how to."""
    if not change.reverts:
        return []
    told = []
    for list_id in workspace.known_lists():
        tasks = workspace.for_list(list_id).snapshot().ordered()
        hit = [
            t.id
            for t in tasks
            if t.status is Status.COMPLETED and {c.sha for c in t.commits} & set(change.reverts)
        ]
        if hit:
            told.append(
                f"{list_id}: this reverts a commit of {some(hit)}, completed; when there is work "
                f"left again: gittasks reopen {hit[0]} --list {list_id}"
            )
    return told
