"""The filter of tasks: one for `list`, `ready`, `export` and TaskList."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from gittasks.core.graph import Graph
from gittasks.core.model import Snapshot, Status, Task


class Filter(NamedTuple):
    """Conditions on tasks, of which all must hold; how to sort the tasks, and how many to take.

    `statuses` empty means all but deleted. `mine` are the tasks of who asks, `ready` those that
    may be started by them, by priority; `anyone` adds those that are meant for others. All `tags`
    must be there, and one of the `priorities`. `where` maps keys of the metadata to values as
    text. `search` is a text in the id, subject, description, result or a note, whatever the case.
    `sort` is one of SORTS, after a `-` the other way round.
    """

    statuses: Collection[str] = ()
    owner: str | None = None
    mine: bool = False
    phase: str | None = None
    tags: Collection[str] = ()
    priorities: Collection[int] = ()
    ready: bool = False
    anyone: bool = False
    blocked: bool = False
    where: Mapping[str, str] = {}
    search: str | None = None
    deleted: bool = False
    among: Collection[str] | None = None
    sort: str | None = None
    limit: int | None = None

    def of(self, snapshot: Snapshot, graph: Graph, me: str) -> list[Task]:
        """The tasks that fit, in order of display unless sorted; `me` is who asks."""
        if self.ready:
            tasks = graph.ready_for_anyone() if self.anyone else graph.ready(me)
        else:
            tasks = snapshot.ordered(deleted=self.deleted or "deleted" in self.statuses)
        chosen = [
            task
            for task in tasks
            if (not self.blocked or (task.status is Status.PENDING and graph.is_blocked(task.id)))
            and self._fits(task, me)
        ]
        if self.sort is not None:
            chosen = _sorted(chosen, self.sort)
        return chosen[: self.limit]

    def _fits(self, task: Task, me: str) -> bool:
        """True when the conditions on the task alone hold."""
        return (
            (not self.statuses or task.status in self.statuses)
            and (self.owner is None or (task.owner or "") == self.owner)
            and (not self.mine or task.owner == me)
            and (self.phase is None or _is_of_phase(task, self.phase))
            and set(self.tags) <= set(task.tags)
            and (not self.priorities or task.priority in self.priorities)
            and (self.among is None or task.id in self.among)
            and all(_metadata_text(task, key) == value for key, value in self.where.items())
            and (self.search is None or self.search.casefold() in _searched(task))
        )


def _is_of_phase(task: Task, name: str) -> bool:
    label = (task.phase_label or "").lower()
    return name.lower() in (label, label.removeprefix("phase "))


def _metadata_text(task: Task, key: str) -> str | None:
    """A value of the metadata as it is written on a command line: text as it is, else as JSON."""
    value = task.metadata.get(key)
    if value is None or isinstance(value, str):
        return value
    import json  # only for metadata that holds more than text

    return json.dumps(value)


def _searched(task: Task) -> str:
    texts = (task.id, task.subject, task.description, task.result, *(n.text for n in task.notes))
    return "\n".join(text for text in texts if text).casefold()


def _sorted(tasks: list[Task], sort: str) -> list[Task]:
    """The tasks by one of SORTS; equals keep their order, those without the value come last."""
    name = sort.removeprefix("-")
    values = {task.id: SORTS[name](task) for task in tasks}
    with_value = [task for task in tasks if values[task.id] is not None]
    with_value.sort(key=lambda task: values[task.id], reverse=name != sort)
    return [*with_value, *(task for task in tasks if values[task.id] is None)]


_STATUS_ORDER = {status: place for place, status in enumerate(Status)}
SORTS: Mapping[str, Callable[[Task], Any]] = {
    "order": lambda task: task.sort_key,
    "subject": lambda task: task.subject.casefold(),
    "status": lambda task: _STATUS_ORDER[task.status],
    "owner": lambda task: task.owner,
    "priority": lambda task: (task.priority, *task.sort_key),
    "created": lambda task: task.created,
    "started": lambda task: task.started,
    "finished": lambda task: task.finished,
}
"""What tasks can be sorted by: the value of a task, None where it has none."""
