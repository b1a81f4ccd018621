"""The dependency graph as it is drawn: in layers, without cycles, its critical path marked.

`graph` answers questions about one task at a time; here all tasks are looked at together. A merge
can leave cycles in the data: the dependencies that close one are set apart, so that what is left
always has an order. Nothing here recurses, so chains may be of any length.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gittasks.core.clock import seconds_between
from gittasks.core.model import Status, Task, task_seconds


class Web(NamedTuple):
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


def web(tasks: Iterable[Task]) -> Web:
    """The dependencies of some tasks of a list; deleted tasks take no part."""
    alive = sorted((t for t in tasks if t.status is not Status.DELETED), key=lambda t: t.sort_key)
    place = {task.id: n for n, task in enumerate(alive)}
    waits = {
        t.id: sorted({b for b in t.blocked_by if b in place}, key=place.__getitem__) for t in alive
    }
    closing = tuple(_take_out_cycles(waits))
    frees: dict[str, list[str]] = {i: [] for i in waits}
    for task in alive:
        for blocker in waits[task.id]:
            frees[blocker].append(task.id)
    return Web(
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
            here, seen = on_way.popitem()
            if seen == len(waits[here]):
                done.add(here)
                continue
            blocker = waits[here][seen]
            if blocker == here or blocker in on_way:
                closing.append((here, blocker))
                del waits[here][seen]
                on_way[here] = seen
                continue
            on_way[here] = seen + 1
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
        here = ids[heapq.heappop(free)]
        order.append(here)
        for follower in frees[here]:
            missing[follower] -= 1
            if not missing[follower]:
                heapq.heappush(free, place[follower])
    return order


def layers(net: Web) -> dict[str, int]:
    """For each id the length of the longest chain before it: 0 for a task that waits for none."""
    depth: dict[str, int] = {}
    for task in net.tasks:
        depth[task.id] = max((depth[b] + 1 for b in net.waits[task.id]), default=0)
    return depth


def around(net: Web, task_id: str) -> set[str]:
    """A task with all that has to come before it and all that comes after."""
    found = {task_id}
    for steps in (net.waits, net.frees):
        todo, seen = [task_id], {task_id}
        while todo:
            new = [i for i in steps[todo.pop()] if i not in seen]
            seen.update(new)
            todo += new
        found |= seen
    return found


def redundant(net: Web) -> list[tuple[str, str]]:
    """Pairs (task, blocker) that say nothing new: the task waits for another that waits for it."""
    bit = {task.id: 1 << n for n, task in enumerate(net.tasks)}
    before: dict[str, int] = {}  # a set of ids as bits of a number: all that comes before
    found = []
    for task in net.tasks:
        blockers = net.waits[task.id]
        earlier = 0
        for blocker in blockers:
            earlier |= before[blocker]
        found += [(task.id, b) for b in blockers if bit[b] & earlier]
        for blocker in blockers:
            earlier |= bit[blocker]
        before[task.id] = earlier
    return found


def critical_path(net: Web, now: str | None = None) -> CriticalPath:
    """The longest chain of what is left, and before it what its first task had to wait for.

    Tasks that are left count with the mean duration of the finished ones in their phase or loop,
    else in the list, less what has passed until `now` of one in progress; without any duration
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
    here: str | None = max(unfinished, key=after.__getitem__)
    chain = []
    while here is not None:
        chain.append(here)
        here = following[here]
    left = tuple(i for i in chain if not by_id[i].status.closed)
    seconds = sum(cost[i] for i in left) if cost else None
    past = _history(net, by_id, chain[0])
    return CriticalPath((*past, *chain[1:]), left, seconds)


def _durations(tasks: Iterable[Task], now: str | None) -> dict[str, int]:
    """Seconds that each task will still take, at least 1 for an open one; {} without a basis."""
    known: dict[str, list[int]] = {}
    members = {task.id: (_kind(task), task) for task in tasks}
    for kind, task in members.values():
        if seconds := task_seconds(task):
            known.setdefault(kind, []).append(seconds)
            known.setdefault("", []).append(seconds)
    if not known:
        return {}
    mean = {kind: sum(s) // len(s) for kind, s in known.items()}
    left = {}
    for kind, task in members.values():
        if task.status.closed:
            left[task.id] = 0
            continue
        passed = seconds_between(task.started, now) if task.status is Status.IN_PROGRESS else 0
        left[task.id] = max(1, mean.get(kind, mean[""]) - (passed or 0))
    return left


def _kind(task: Task) -> str:
    """What tasks of like length have in common."""
    place = task.iteration
    return f"loop {place.name}" if place else task.phase_label or " "


def _last(tasks: Iterable[Task]) -> str | None:
    """Id of the task that was finished last."""
    ends = [(t.finished or "", n, t.id) for n, t in enumerate(tasks)]
    return max(ends)[2] if ends else None


def _history(net: Web, by_id: Mapping[str, Task], end: str | None) -> tuple[str, ...]:
    """The way to `end` by the blocker that kept each task waiting longest, first to last."""
    way = []
    while end is not None:
        way.append(end)
        blockers = [(by_id[b].finished or "", n, b) for n, b in enumerate(net.waits[end])]
        end = max(blockers)[2] if blockers else None
    return tuple(reversed(way))
