"""Finding the task that somebody names, those whose files cannot be read included."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from gittasks.core.ids import resolve
from gittasks.core.model import Problem, Snapshot, Task
from gittasks.errors import InvalidData


def find(snapshot: Snapshot, text: str) -> str:
    """The id that `text` names in full or by its beginning; see `named`."""
    return named(text, snapshot.tasks, snapshot.problems)


def named(
    text: str,
    tasks: Mapping[str, Task],
    problems: Collection[Problem],
    also: Collection[str] = (),
) -> str:
    """The id that `text` names among the tasks and the ids `also`.

    Raises NotFound, Ambiguous, or InvalidData when it names a task whose file cannot be read: to
    take another one instead whose id begins alike would change the wrong task.
    """
    wanted = text.strip()
    if wanted in tasks:
        return wanted
    broken = {p.task: p for p in problems if p.task and p.task not in tasks}
    found = resolve(text, {*tasks, *also, *broken})
    if found in broken and found not in also:
        raise unreadable(broken[found])
    return found


def unreadable(problem: Problem) -> InvalidData:
    """The error for doing something with a task whose file cannot be read."""
    return InvalidData(
        f"the file of task {problem.task} cannot be read: {problem.message}",
        where=f"{problem.path}:{problem.line}" if problem.line else problem.path,
        hint="repair the file by hand: git worktree add gives you the list's branch as files",
    )
