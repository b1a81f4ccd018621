"""The dependency graph of a list: who blocks whom, what is ready, where a cycle would close.

Only `blockedBy` is stored; everything here is derived from it. Deleted tasks take no part, and
an id in `blockedBy` that is not in the list blocks nothing; one whose file cannot be read blocks,
for it may well be open. A merge can leave a cycle in the data, so nothing here assumes that there
is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gittasks.core.model import Snapshot, Status, Task


class Graph:
    """Dependencies of the given tasks, which must not change while the graph is in use.

    Making one costs nothing: each derived table is built when it is first asked for.
    """

    __slots__ = ("_blocks", "_now", "_order", "_tasks", "_unreadable")

    def __init__(
        self,
        tasks: Mapping[str, Task],
        unreadable: frozenset[str] = frozenset(),
        now: str = "",
    ) -> None:
        self._tasks = tasks
        self._now = now
        self._unreadable = unreadable
        self._order: list[Task] | None = None
        self._blocks: dict[str, list[str]] | None = None

    @classmethod
    def of(cls, snapshot: Snapshot, now: str = "") -> Graph:
        """The dependencies of a list; `now` (RFC 3339) decides what is due."""
        return cls(snapshot.tasks, snapshot.unreadable, now)

    def _ordered(self) -> list[Task]:
        """The tasks that take part, in order of display."""
        if self._order is None:
            alive = (t for t in self._tasks.values() if t.status is not Status.DELETED)
            self._order = sorted(alive, key=lambda t: t.sort_key)
        return self._order

    def blocks(self, task_id: str) -> tuple[str, ...]:
        """Ids of the tasks that have `task_id` as a blocker, in order of display."""
        if self._blocks is None:
            self._blocks = {}
            for task in self._ordered():
                for blocker in dict.fromkeys(task.blocked_by):
                    self._blocks.setdefault(blocker, []).append(task.id)
        return tuple(self._blocks.get(task_id, ()))

    def open_blockers(self, task_id: str) -> tuple[str, ...]:
        """Ids of the blockers of `task_id` that are not closed, in display order.

        Those whose files cannot be read come last. Empty for a deleted task and for an id that
        is not in the list.
        """
        task = self._tasks.get(task_id)
        if task is None or not task.blocked_by or task.status is Status.DELETED:
            return ()
        ids = dict.fromkeys(task.blocked_by)
        found = (self._tasks.get(i) for i in ids)
        still_open = [t for t in found if t is not None and not t.status.closed]
        known = (t.id for t in sorted(still_open, key=lambda t: t.sort_key))
        return (*known, *(i for i in ids if i in self._unreadable))

    def unreadable(self, ids: Iterable[str]) -> list[str]:
        """Those of `ids` whose files are on the branch but cannot be read."""
        return [i for i in ids if i in self._unreadable]

    def is_blocked(self, task_id: str) -> bool:
        """Whether `task_id` has an open blocker."""
        task = self._tasks.get(task_id)
        if task is None or task.status is Status.DELETED:
            return False
        return any(
            not self._tasks[i].status.closed if i in self._tasks else i in self._unreadable
            for i in task.blocked_by
        )

    def is_due(self, task: Task) -> bool:
        """Whether the time before which a task is not to be started has passed, as far as known."""
        return not (self._now and task.not_before and task.not_before > self._now)

    def ready(self, owner: str | None = None) -> list[Task]:
        """Tasks that `owner` can start now, by priority, then in order of display.

        That is: pending, due, without an open blocker, and owned by nobody or by `owner`.
        """
        found = [
            task
            for task in self._tasks.values()
            if task.status is Status.PENDING
            and task.owner in (None, owner)
            and self.is_due(task)
            and not self.is_blocked(task.id)
        ]
        return sorted(found, key=lambda t: (t.priority, t.sort_key))

    def cycle_through(self, task_id: str, blocked_by: Iterable[str]) -> tuple[str, ...] | None:
        """The cycle that would close if `task_id` also had these blockers, or None.

        The ids are in order, each blocked by the next; the first and the last are `task_id`. The
        cycle is a shortest one. `task_id` need not be in the list yet.
        """
        reached: dict[str, str] = {}
        queue: list[str] = []
        for first in blocked_by:
            if first not in reached and self._takes_part(first, task_id):
                reached[first] = task_id
                queue.append(first)
        if not self._takes_part(task_id, task_id):
            return None
        for current in queue:  # grows while it is walked: breadth first
            if current == task_id:
                return self._path_to(task_id, reached)
            for blocker in self._tasks[current].blocked_by:
                if blocker not in reached and self._takes_part(blocker, task_id):
                    reached[blocker] = current
                    queue.append(blocker)
        return None

    def _takes_part(self, task_id: str, new: str) -> bool:
        task = self._tasks.get(task_id)
        return task_id == new if task is None else task.status is not Status.DELETED

    @staticmethod
    def _path_to(task_id: str, reached: Mapping[str, str]) -> tuple[str, ...]:
        path = [task_id, reached[task_id]]
        while path[-1] != task_id:
            path.append(reached[path[-1]])
        return tuple(reversed(path))

    def find_cycle(self) -> tuple[str, ...] | None:
        """Some cycle that is in the data, written as `cycle_through` does, or None."""
        left = {
            task.id: [b for b in task.blocked_by if b in self._tasks and self._takes_part(b, "")]
            for task in self._ordered()
        }
        done: set[str] = set()
        for root in left:
            path: dict[str, None] = {}  # the way from the root to here; a dict keeps its order
            here: str | None = None if root in done else root
            while here is not None:
                path[here] = None
                while left[here] and left[here][-1] in done:
                    left[here].pop()
                if not left[here]:
                    done.add(here)
                    del path[here]
                    here = next(reversed(path), None)
                elif (following := left[here].pop()) in path:
                    ids = list(path)
                    return (*ids[ids.index(following) :], following)
                else:
                    here = following
        return None

    def deadlock(self) -> tuple[str, ...] | None:
        """A cycle that keeps all its tasks from starting; one with a closed task keeps nobody."""
        still_open = {i: t for i, t in self._tasks.items() if not t.status.closed}
        return Graph(still_open).find_cycle()
