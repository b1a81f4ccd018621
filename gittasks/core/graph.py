"""The dependency graph: blockers, ready tasks, cycles, layers, the critical path.

Only `blockedBy` is stored; everything here is derived from it. Deleted tasks take no part, and
an id in `blockedBy` that is not in the list blocks nothing; one whose file cannot be read blocks,
for it may well be open. A merge can leave a cycle in the data, so nothing here assumes that there
is none.

`Graph` answers questions about one task at a time, the functions below it look at all tasks
together: there the dependencies that close a cycle are set apart, so that what is left always has
an order. Nothing here recurses, so chains may be of any length.
"""

from __future__ import annotations

from gittasks.core.model import (
    COMPLETED,
    DELETED,
    PENDING,
    Snapshot,
    Status,
    Task,
    in_order,
    task_seconds,
)
from gittasks.core.times import format_time, parse_time, seconds_between
from gittasks.light import TYPE_CHECKING, NamedTuple, attrgetter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Graph:
    """Dependencies of the given tasks, which must not change while the graph is in use.

    Making one costs nothing: each derived table is built when it is first asked for.
    """

    __slots__ = ("_blocks", "_now", "_tasks", "_unreadable")

    def __init__(
        self,
        tasks: Mapping[str, Task],
        unreadable: frozenset[str] = frozenset(),
        now: str = "",
    ) -> None:
        self._tasks = tasks
        self._now = now
        self._unreadable = unreadable
        self._blocks: dict[str, list[str]] | None = None

    @classmethod
    def of(cls, snapshot: Snapshot, now: str = "") -> Graph:
        """The dependencies of a list; `now` (RFC 3339) decides what is due."""
        return cls(snapshot.tasks, snapshot.unreadable, now)

    def _waiting(self) -> list[Task]:
        """The tasks that wait for others, in order of display."""
        return in_order(t for t in self._tasks.values() if t.blocked_by and t.status is not DELETED)

    def blocks(self, task_id: str) -> tuple[str, ...]:
        """Ids of the tasks that have `task_id` as a blocker, in order of display."""
        if self._blocks is None:
            self._blocks = {}
            for task in self._waiting():
                for blocker in dict.fromkeys(task.blocked_by):
                    self._blocks.setdefault(blocker, []).append(task.id)
        return tuple(self._blocks.get(task_id, ()))

    def open_blockers(self, task_id: str) -> tuple[str, ...]:
        """Ids of the blockers of `task_id` that are not closed, in display order.

        Those whose files cannot be read come last. Empty for a deleted task and for an id that
        is not in the list.
        """
        task = self._tasks.get(task_id)
        if task is None or not task.blocked_by or task.status is DELETED:
            return ()
        ids = dict.fromkeys(task.blocked_by)
        blockers = (self._tasks.get(i) for i in ids)
        still_open = [t for t in blockers if t is not None and not t.status.closed]
        known = (t.id for t in in_order(still_open))
        return (*known, *(i for i in ids if i in self._unreadable))

    @property
    def unread(self) -> int:
        """The number of tasks on the branch whose files cannot be read."""
        return len(self._unreadable)

    def unreadable(self, ids: Iterable[str]) -> list[str]:
        """The ids whose files are on the branch but cannot be read."""
        return [i for i in ids if i in self._unreadable]

    def is_blocked(self, task_id: str) -> bool:
        """True when `task_id` has an open blocker."""
        task = self._tasks.get(task_id)
        if task is None or not task.blocked_by or task.status is DELETED:
            return False
        return any(
            not self._tasks[i].status.closed if i in self._tasks else i in self._unreadable
            for i in task.blocked_by
        )

    def is_due(self, task: Task) -> bool:
        """True unless it is known that the task's `notBefore` is still to come."""
        return not (self._now and task.not_before and task.not_before > self._now)

    def ready(self, owner: str | None = None) -> list[Task]:
        """Tasks that `owner` can start now, by priority, then in order of display.

        That is: pending, due, without an open blocker, and owned by nobody or by `owner`.
        """
        return [task for task in self.ready_for_anyone() if task.owner in (None, owner)]

    def ready_for_anyone(self) -> list[Task]:
        """Tasks that their owner, or for want of one anybody, can start now, as in `ready`."""
        ready = [
            task
            for task in self._tasks.values()
            if task.status is PENDING
            and not (task.not_before and not self.is_due(task))
            and not (task.blocked_by and self.is_blocked(task.id))
        ]
        return sorted(in_order(ready), key=attrgetter("priority"))

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
        waiting = {task.id: task.blocked_by for task in self._waiting()}
        left = {i: [b for b in blockers if b in waiting] for i, blockers in waiting.items()}
        done: set[str] = set()
        for root in left:
            path: dict[str, None] = {}  # the way from the root; a dict keeps its order
            current: str | None = None if root in done else root
            while current is not None:
                path[current] = None
                while left[current] and left[current][-1] in done:
                    left[current].pop()
                if not left[current]:
                    done.add(current)
                    del path[current]
                    current = next(reversed(path), None)
                elif (following := left[current].pop()) in path:
                    ids = list(path)
                    return (*ids[ids.index(following) :], following)
                else:
                    current = following
        return None

    def deadlock(self) -> tuple[str, ...] | None:
        """A cycle that keeps all its tasks from starting; one with a closed task keeps nobody."""
        waiting = {i: t for i, t in self._tasks.items() if t.blocked_by and not t.status.closed}
        return Graph(waiting).find_cycle() if waiting else None


class DependencyGraph(NamedTuple):
    """Tasks, each behind all that it waits for, and the dependencies among them.

    `waits` maps each id to the ids of its blockers, `frees` to those of the tasks that wait for
    it, both in order of display. Blockers that are deleted or not in the list are left out;
    `closing` are the pairs (task, blocker) that close a cycle, which are in neither.
    """

    tasks: tuple[Task, ...]
    waits: Mapping[str, tuple[str, ...]]
    frees: Mapping[str, tuple[str, ...]]
    closing: tuple[tuple[str, str], ...]


class CriticalPath(NamedTuple):
    """The chain of tasks that decides when the list is finished, first to last.

    `left` are those of them that are not closed; `seconds` is how long these will take by the
    durations so far, None when there are none to judge by or nothing is left.
    """

    tasks: tuple[str, ...]
    left: tuple[str, ...]
    seconds: int | None


def web(tasks: Iterable[Task]) -> DependencyGraph:
    """The dependencies of some tasks of a list; deleted tasks take no part."""
    alive = in_order(t for t in tasks if t.status is not DELETED)
    place = {task.id: n for n, task in enumerate(alive)}
    waits = {
        t.id: sorted({b for b in t.blocked_by if b in place}, key=place.__getitem__) for t in alive
    }
    closing = tuple(_take_out_cycles(waits))
    frees: dict[str, list[str]] = {i: [] for i in waits}
    for task in alive:
        for blocker in waits[task.id]:
            frees[blocker].append(task.id)
    return DependencyGraph(
        tuple(alive[place[i]] for i in _in_order(waits, frees, place)),
        {i: tuple(ids) for i, ids in waits.items()},
        {i: tuple(ids) for i, ids in frees.items()},
        closing,
    )


def _take_out_cycles(waits: Mapping[str, list[str]]) -> list[tuple[str, str]]:
    """Remove from `waits` what closes a cycle on a walk in depth; the pairs that were removed."""
    closing = []
    done: set[str] = set()
    for root in waits:
        on_way: dict[str, int] = {} if root in done else {root: 0}  # how many blockers were seen
        while on_way:
            current, seen = on_way.popitem()
            if seen == len(waits[current]):
                done.add(current)
                continue
            blocker = waits[current][seen]
            if blocker == current or blocker in on_way:
                closing.append((current, blocker))
                del waits[current][seen]
                on_way[current] = seen
                continue
            on_way[current] = seen + 1
            if blocker not in done:
                on_way[blocker] = 0
    return closing


def _in_order(
    waits: Mapping[str, list[str]], frees: Mapping[str, list[str]], place: Mapping[str, int]
) -> list[str]:
    """Ids so that blockers come first, and else in order of display."""
    import heapq

    missing = {i: len(ids) for i, ids in waits.items()}
    free = [place[i] for i, n in missing.items() if not n]  # ascending, and so a heap
    ids = list(place)
    order = []
    while free:
        task_id = ids[heapq.heappop(free)]
        order.append(task_id)
        for follower in frees[task_id]:
            missing[follower] -= 1
            if not missing[follower]:
                heapq.heappush(free, place[follower])
    return order


def layers(net: DependencyGraph) -> dict[str, int]:
    """For each id the length of the longest chain before it: 0 for a task that waits for none."""
    depth: dict[str, int] = {}
    for task in net.tasks:
        depth[task.id] = max((depth[b] + 1 for b in net.waits[task.id]), default=0)
    return depth


def related(net: DependencyGraph, task_id: str) -> set[str]:
    """A task with all that has to come before it and all that comes after."""
    family = {task_id}
    for steps in (net.waits, net.frees):
        todo, seen = [task_id], {task_id}
        while todo:
            new = [i for i in steps[todo.pop()] if i not in seen]
            seen.update(new)
            todo += new
        family |= seen
    return family


def transitive_edges(net: DependencyGraph) -> list[tuple[str, str]]:
    """Pairs (task, blocker) that say nothing new: the task waits for another that waits for it."""
    bit = {task.id: 1 << n for n, task in enumerate(net.tasks)}
    before: dict[str, int] = {}  # a set of ids as bits of a number: all that comes before
    pairs = []
    for task in net.tasks:
        blockers = net.waits[task.id]
        earlier = 0
        for blocker in blockers:
            earlier |= before[blocker]
        pairs += [(task.id, b) for b in blockers if bit[b] & earlier]
        for blocker in blockers:
            earlier |= bit[blocker]
        before[task.id] = earlier
    return pairs


def critical_path(net: DependencyGraph, now: str | None = None) -> CriticalPath:
    """The longest chain of what is left, and before it what its first task had to wait for.

    Tasks that are left count with what they will take (`_durations`); without a basis for that
    each counts the same. When nothing is left it is the chain that came to its end last.
    """
    by_id = {task.id: task for task in net.tasks}
    cost = _durations(net.tasks, now)
    plain = cost or {t.id: 0 if t.status.closed else 1 for t in net.tasks}
    after: dict[str, int] = {}
    following: dict[str, str | None] = {}
    for task in reversed(net.tasks):
        nearest = max(net.frees[task.id], key=after.__getitem__, default=None)
        following[task.id] = nearest
        after[task.id] = plain[task.id] + (after[nearest] if nearest else 0)
    unfinished = [t.id for t in net.tasks if not t.status.closed]
    if not unfinished:
        return CriticalPath(_history(net, by_id, _last(net.tasks)), (), None)
    current: str | None = max(unfinished, key=after.__getitem__)
    chain = []
    while current is not None:
        chain.append(current)
        current = following[current]
    left = tuple(i for i in chain if not by_id[i].status.closed)
    seconds = sum(cost[i] for i in left) if cost else None
    past = _history(net, by_id, chain[0])
    return CriticalPath((*past, *chain[1:]), left, seconds)


_MIN_SAMPLES = 2
"""Finished tasks that an estimate needs at least: one duration says nothing about the others."""
_OWN_SAMPLES = 3
"""Finished tasks from which a phase or loop is judged by itself, not by the list."""


def time_left(tasks: Iterable[Task], now: str | None = None) -> int | None:
    """Seconds until a list is finished, as an estimate; None without a basis for one."""
    counted = list(tasks)
    took_time = [t for t in counted if t.status is COMPLETED and t.started != t.finished]
    if sum(bool(task_seconds(task)) for task in took_time) < _MIN_SAMPLES:
        return None  # before all tasks are put in order for nothing
    net = web(counted)
    return _time_left(net, critical_path(net, now), now)


def _time_left(net: DependencyGraph, way: CriticalPath, now: str | None) -> int | None:
    """The time left, by the parallelism so far; never less than the critical path."""
    samples = sum(bool(task_seconds(task)) for task in net.tasks)
    if way.seconds is None or samples < _MIN_SAMPLES:
        return None
    work = sum(_durations(net.tasks, now).values())
    return max(1, way.seconds, round(work / _parallelism(net.tasks)))


def _parallelism(tasks: Sequence[Task]) -> float:
    """The tasks that run at a time: the mean while any ran, or those that run now, if more."""
    running = sum(task.status is Status.IN_PROGRESS for task in tasks)
    busy, covered = sum(task_seconds(task) or 0 for task in tasks), time_spent(tasks)
    return max(busy / covered if covered else 1, running, 1)


def time_spent(tasks: Iterable[Task]) -> int:
    """Seconds in which at least one of the finished tasks was in progress."""
    spans = []
    for task in tasks:
        if (seconds := task_seconds(task)) and task.started:
            start = parse_time(task.started)
            spans.append((start, start + seconds))
    covered, end = 0, 0
    for start, finish in sorted(spans):
        covered += max(0, finish - max(start, end))
        end = max(end, finish)
    return covered


def _durations(tasks: Iterable[Task], now: str | None) -> dict[str, int]:
    """Seconds that each task will still take, at least 1 for an open one; {} without a basis.

    That is the median of the finished ones in its phase or loop, or where these are few in the
    list, less what has passed until `now` of one in progress. Not the mean: one task that lay for
    a day would say that each takes hours.
    """
    known: dict[str, list[int]] = {}
    members = {task.id: (_kind(task), task) for task in tasks}
    for kind, task in members.values():
        if seconds := task_seconds(task):
            known.setdefault(kind, []).append(seconds)
            known.setdefault("", []).append(seconds)
    if not known:
        return {}
    usual = {k: _median(s) for k, s in known.items() if not k or len(s) >= _OWN_SAMPLES}
    left = {}
    for kind, task in members.values():
        if task.status.closed:
            left[task.id] = 0
            continue
        passed = seconds_between(task.started, now) if task.status is Status.IN_PROGRESS else 0
        left[task.id] = max(1, usual.get(kind, usual[""]) - (passed or 0))
    return left


def _median(numbers: list[int]) -> int:
    ordered, half = sorted(numbers), len(numbers) // 2
    return ordered[half] if len(numbers) % 2 else (ordered[half - 1] + ordered[half]) // 2


def _kind(task: Task) -> str:
    """The group whose tasks take about as long: a loop, a phase, or the rest."""
    place = task.iteration
    return f"loop {place.name}" if place else task.phase_label or " "


def _last(tasks: Iterable[Task]) -> str | None:
    """Id of the task that was finished last."""
    ends = [(t.finished or "", n, t.id) for n, t in enumerate(tasks)]
    return max(ends)[2] if ends else None


def _history(net: DependencyGraph, by_id: Mapping[str, Task], end: str | None) -> tuple[str, ...]:
    """The way to `end` by the blocker that kept each task waiting longest, first to last."""
    way = []
    while end is not None:
        way.append(end)
        blockers = [(by_id[b].finished or "", n, b) for n, b in enumerate(net.waits[end])]
        end = max(blockers)[2] if blockers else None
    return tuple(reversed(way))


_CYCLES = 10
"""Cycles that are written out: each is a search, and one is enough to know what to mend."""


class Picture(NamedTuple):
    """Tasks and dependencies as they are drawn.

    `missing` maps ids of tasks to those of their blockers that are not in the list or cannot be
    read; each of `cycles` is written as `Graph.cycle_through` does. `eta_seconds` is `time_left`,
    None where the picture leaves out some of what is left.
    """

    net: DependencyGraph
    critical: CriticalPath
    missing: Mapping[str, tuple[str, ...]]
    cycles: tuple[tuple[str, ...], ...]
    eta_seconds: int | None = None

    @property
    def layers(self) -> Mapping[str, int]:
        """The layer of each task: 0 for those that wait for nothing."""
        return layers(self.net)

    @property
    def critical_steps(self) -> set[tuple[str, str]]:
        """Pairs (task, blocker) that follow each other on the critical path."""
        way = self.critical.tasks
        return set(zip(way[1:], way, strict=False))


def picture(
    snapshot: Snapshot, now: int, *, only_open: bool = False, task_id: str | None = None
) -> Picture:
    """The whole list, or what comes before and after one task; `only_open` without closed ones.

    The critical path is that of the whole list, as far as it is in the picture.
    """
    whole = web(snapshot.tasks.values())
    at = format_time(now)
    way = critical_path(whole, at)
    near = related(whole, task_id) if task_id else {t.id for t in whole.tasks}
    shown = [
        t
        for t in whole.tasks
        if t.id in near and (t.id == task_id or not (only_open and t.status.closed))
    ]
    net = whole if len(shown) == len(whole.tasks) else web(shown)
    drawn = {t.id for t in shown}
    missing = {
        t.id: absent
        for t in shown
        if (absent := tuple(dict.fromkeys(b for b in t.blocked_by if b not in snapshot.tasks)))
    }
    graph = Graph({t.id: t for t in shown})
    cycles = (graph.cycle_through(t, [b]) for t, b in net.closing[:_CYCLES])
    left = tuple(i for i in way.left if i in drawn)
    seconds = way.seconds if left == way.left else None
    return Picture(
        net,
        CriticalPath(tuple(i for i in way.tasks if i in drawn), left, seconds),
        missing,
        tuple(c for c in cycles if c),
        _time_left(whole, way, at) if left == way.left else None,
    )
