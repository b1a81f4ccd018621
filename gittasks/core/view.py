"""ListView: a list at one moment with everything to show of it, and the filter of its tasks."""

from __future__ import annotations

from gittasks.core.graph import Graph
from gittasks.core.ids import composed, shortened
from gittasks.core.model import ListInfo, Problem, Snapshot, Status, Task, Unmerged
from gittasks.core.progress import Progress
from gittasks.core.times import format_time
from gittasks.light import TYPE_CHECKING, NamedTuple, cached_property

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from typing import Any


class StaleClaim(NamedTuple):
    """A task whose holder was silent for so many seconds, with a lease of so many."""

    task: str
    owner: str
    silent: int
    lease: int


class Moment(NamedTuple):
    """A moment of the past, `at` in RFC 3339.

    `commit` is the one that was asked for, None when a time was. `later` are the commits that the
    list has gained since.
    """

    at: str
    commit: str | None = None
    later: frozenset[str] = frozenset()


class ListView:
    """A list as it is at `now` (epoch seconds).

    `apart` says why what was fetched is not in it. `past` is
    the moment that was asked for, None for the list as it is. `commit` is where the list is;
    `in_memory` when that is a merge that was not written. In an overview `chosen` marks the list
    that commands without --list mean, and `places` are `here`, for a local branch, and the remotes
    that have it; `changed` is when it was last written, in RFC 3339.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        now: int,
        *,
        conflicts: int = 0,
        apart: Unmerged | None = None,
        stale: Sequence[StaleClaim] = (),
        past: Moment | None = None,
        commit: str = "",
        in_memory: bool = False,
        chosen: bool = False,
        places: Sequence[str] = (),
        changed: str | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.now = now
        self.conflicts = conflicts
        self.apart = apart
        self.stale = stale
        self.past = past
        self.commit = commit
        self.in_memory = in_memory
        self.chosen = chosen
        self.places = places
        self.changed = changed

    @property
    def info(self) -> ListInfo:
        """The list itself."""
        return self.snapshot.info

    @property
    def problems(self) -> Sequence[Problem]:
        """Everything on the branch that cannot be read."""
        return self.snapshot.problems

    @cached_property
    def tasks(self) -> list[Task]:
        """The tasks in order of display, without deleted ones."""
        return self.snapshot.ordered()

    @cached_property
    def owners(self) -> list[str]:
        """Owners of tasks, in order of display; deleted ones do not count."""
        return list(dict.fromkeys(task.owner for task in self.tasks if task.owner))

    @cached_property
    def graph(self) -> Graph:
        """The dependencies of the tasks."""
        return Graph.of(self.snapshot, format_time(self.now))

    @cached_property
    def progress(self) -> Progress:
        """Counts and words: how far the list is."""
        return Progress.of(self.snapshot.tasks.values(), self.graph, self.now)

    @cached_property
    def _short_ids(self) -> Mapping[str, str]:
        return shortened(self.snapshot.tasks)

    def short_id(self, task_id: str) -> str:
        """The id of a task as a person reads it: a long one cut where it is still unique."""
        return self._short_ids.get(task_id, task_id)

    @cached_property
    def silent(self) -> Mapping[str, StaleClaim]:
        """The stale claims by task."""
        return {claim.task: claim for claim in self.stale}


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
        if self.blocked:
            pending = (task for task in tasks if task.status is Status.PENDING)
            tasks = [task for task in pending if graph.is_blocked(task.id)]
        for fits in self._conditions(me):
            tasks = [task for task in tasks if fits(task)]
        if self.sort is not None:
            tasks = _sorted(tasks, self.sort)
        return tasks[: self.limit]

    def _conditions(self, me: str) -> Iterator[Callable[[Task], bool]]:
        """The conditions on a task alone, those that cost least first."""
        if self.statuses:
            yield lambda task: task.status in self.statuses
        if self.owner is not None:
            yield lambda task: (task.owner or "") == self.owner
        if self.mine:
            yield lambda task: task.owner == me
        if self.priorities:
            yield lambda task: task.priority in self.priorities
        if (among := self.among) is not None:
            yield lambda task: task.id in among
        if self.phase is not None:
            phase = self.phase.lower()
            yield lambda task: phase in _phase_names(task)
        if self.tags:
            tags = {*map(composed, self.tags)}
            yield lambda task: tags <= {*map(composed, task.tags)}
        for key, value in self.where.items():
            yield _has_metadata(key, value)
        if self.search is not None:
            text = composed(self.search).casefold()
            yield lambda task: text in _searched(task)


def _phase_names(task: Task) -> tuple[str, str]:
    label = (task.phase_label or "").lower()
    return label, label.removeprefix("phase ")


def _has_metadata(key: str, value: str) -> Callable[[Task], bool]:
    return lambda task: _metadata_text(task, key) == value


def _metadata_text(task: Task, key: str) -> str | None:
    """A value of the metadata as it is written on a command line: text as it is, else as JSON."""
    value = task.metadata.get(key)
    if value is None or isinstance(value, str):
        return value
    import json  # only for metadata that holds more than text

    return json.dumps(value)


def _searched(task: Task) -> str:
    texts = (task.id, task.subject, task.description, task.result, *(n.text for n in task.notes))
    return composed("\n".join(text for text in texts if text)).casefold()


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
