"""ListView: a list at one moment with everything to show of it; every renderer takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from gittasks.core.graph import Graph
from gittasks.core.ids import shortened
from gittasks.core.model import ListInfo, Problem, Snapshot, Task, Unmerged
from gittasks.core.progress import Progress
from gittasks.core.times import format_time


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
        """Who has tasks, in order of display; deleted ones do not count."""
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
