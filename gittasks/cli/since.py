"""What changed since a moment, as lines and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gittasks.cli.history import change_document, changed_words
from gittasks.core.history import ChangeKind
from gittasks.core.model import Status, Task
from gittasks.errors import Usage
from gittasks.render.text import clean

if TYPE_CHECKING:
    from gittasks.core.view import ListView
    from gittasks.render.text import Marks
    from gittasks.workspace import Changed, Workspace


def compare(workspace: Workspace, since: str, view: ListView) -> Changed:
    """What is different at the moment that is looked at from one before."""
    before = workspace.look_back(since)
    if view.past and before.epoch > view.now:
        raise Usage(
            f"--since {since} is after --at {view.past.at}",
            hint="give an earlier time, or leave --at out",
        )
    return workspace.changed(before, view)


def changed_lines(view: ListView, found: Changed, tasks: Sequence[Task], marks: Marks) -> list[str]:
    """Each task with what became of it and by whom, then how many, and how far the list is."""
    from gittasks.render import plain

    lines = []
    width = max((len(t.id) for t in tasks), default=0)
    for task in tasks:
        changes = [c for c in found.changes if c.task == task.id]
        new = any(c.kind is ChangeKind.CREATED for c in changes)
        said = "created" if new else ", ".join(changed_words(changes, marks))
        who = ", ".join(dict.fromkeys(e.who for e in found.entries_of(task.id)))
        lines.append(plain.task_line(task, view.graph, marks, view.now, width))
        lines.append(f"    {said}{f' (by {clean(who)})' if who else ''}")
    for change in found.changes:
        if change.kind is ChangeKind.REMOVED:
            lines.append(f"{clean(change.task)}: its file was removed")
        elif not change.task:
            lines += [f"list: {word}" for word in changed_words([change], marks)]
    lines += [""] if lines else []
    return [*lines, _summary(view, found, tasks), clean(view.progress.summary)]


def _summary(view: ListView, found: Changed, tasks: Sequence[Task]) -> str:
    if not tasks:
        return f"nothing changed since {found.since.at}"
    done = sum(
        c.field == "status" and c.after == Status.COMPLETED and c.task in view.snapshot.tasks
        for c in found.changes
    )
    word = "task" if len(tasks) == 1 else "tasks"
    finished = f", {done} of them completed" if done else ""
    return f"since {found.since.at}: {len(tasks)} {word} changed{finished}"


def since_part(found: Changed) -> dict[str, Any]:
    """The keys of the JSON document that say what changed."""
    return {
        "since": {"at": found.since.at, "commit": found.since.commit},
        "changes": [change_document(c) for c in found.changes],
    }
