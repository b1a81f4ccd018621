"""Commits between heads: regions, ancestors, the history cut at a time or a commit; checkpoints.

A checkpoint is the state of the merge at an earlier head, where the next merge begins. They are a
small file a list, beside the other caches: it is keyed by commit ids, carries a checksum, and
may be deleted. Only commits at which every file is readable and the tree says what the list
says are kept: from there on nothing that is older counts.
"""

from __future__ import annotations

from gittasks import light
from gittasks.core.merge.dag import BEGINNING, order_along
from gittasks.core.merge.registers import ABSENT, STATE, Register, State
from gittasks.core.merge.resolution import CommitOrder, Conflict, ConflictKind, RuleName, Write
from gittasks.core.model import Note, Status, Task
from gittasks.errors import InvalidData, Way
from gittasks.light import TYPE_CHECKING, NamedTuple
from gittasks.store import disk
from gittasks.store.commits import Graph, ancestors, is_ancestor
from gittasks.store.objects import ObjectStore
from gittasks.store.plumbing import Node

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from typing import Any


class Region(NamedTuple):
    """`commits` by id, parents before children; `base` is what all of them descend from.

    Without a base they go back to the beginning. `cut`: a shallow clone ends among them.
    """

    base: Checkpoint | None
    commits: Mapping[str, Node]
    cut: bool
    graph: Graph

    def order_along(self, line: Iterable[Node]) -> CommitOrder:
        """The order of the last of commits that follow the base one after the other."""
        order = self.base.order if self.base else BEGINNING
        return order_along((commit.time for commit in line), order)

    @property
    def is_line(self) -> bool:
        """Does each commit follow the one before?"""
        last = self.base.commit if self.base else None
        for commit in self.commits.values():
            if commit.parents != ((last,) if last else ()):
                return False
            last = commit.id
        return True

    def line(self, heads: Collection[str]) -> list[Node]:
        """The commits from the base on until one is a head, or the history forks, joins or ends."""
        children: dict[str | None, list[Node]] = {}
        for commit in self.commits.values():
            for parent in commit.parents or (None,):
                children.setdefault(parent, []).append(commit)
        commits: list[Node] = []
        last = self.base.commit if self.base else None
        while last not in heads and len(following := children.get(last, [])) == 1:
            if len(following[0].parents) > 1:
                break
            commits.append(following[0])
            last = following[0].id
        return commits

    def behind(self, base: Checkpoint, commits: Iterable[str]) -> Region:
        """This region without `commits`, which `base` stands for."""
        replaced = set(commits)
        rest = {i: c for i, c in self.commits.items() if i not in replaced}
        return self._replace(base=base, commits=rest)

    def grown(
        self, objects: ObjectStore, heads: Iterable[str], ends: Collection[str], most: int
    ) -> Region | None:
        """This region with what the heads reach besides, all of it built on the `ends` in it.

        None where that is not so, or where they are more than `most` commits.
        """
        new: dict[str, Node] = {}
        tips = tuple(dict.fromkeys(heads))
        todo, graph = [*tips], Graph(objects, tips, ends)
        while todo:
            commit_id = todo.pop()
            if commit_id in ends or commit_id in new:
                continue
            if commit_id in self.commits or len(new) >= most:
                return None
            new[commit_id] = commit = graph.node(commit_id)
            if not commit.parents:  # another beginning, or a shallow clone ends there
                return None
            todo += commit.parents
        commits = {**self.commits, **{c.id: c for c in _parents_first(new, tips)}}
        return self._replace(commits=commits, graph=graph)


def newest(
    objects: ObjectStore, heads: Iterable[str], checkpoints: Mapping[str, Checkpoint]
) -> tuple[str, ...]:
    r"""The heads without those that a checkpoint on the way back from another is known to hold.

        o---l---M---w      local: M joined l and r, and is a checkpoint that holds r
         \     /
          r--´             remote: nothing that is not in w, so w says it all

    Without that, every write would go back to the fork until it is pushed.
    """
    tips = tuple(dict.fromkeys(heads))
    if len(tips) < 2 or not any(row.holds for row in checkpoints.values()):
        return tips
    held: set[str] = set()
    graph = Graph(objects, tips, checkpoints)
    for tip in tips:
        bases = _way_back(graph, tip, checkpoints)
        held.update(*(row.holds for i in bases if (row := checkpoints.get(i))))
    return tuple(tip for tip in tips if tip not in held)


def is_passed(
    objects: ObjectStore, commit_id: str, head: str, checkpoints: Mapping[str, Checkpoint]
) -> bool:
    """Is a commit met on the way back from a head to the nearest checkpoints?

    False may also mean that it lies behind those, or that there are none.
    """
    if not checkpoints:
        return False
    return commit_id in _way_back(Graph(objects, [head], checkpoints), head, checkpoints)


def _way_back(graph: Graph, head: str, checkpoints: Mapping[str, Checkpoint]) -> set[str]:
    """The commits from a head back to the nearest checkpoints, these included."""
    ends = ancestors(head, lambda i: None if i in checkpoints else graph.node(i))
    return {head, *ends, *(i for c in ends.values() for i in c.parents)}


def region(
    objects: ObjectStore, heads: Iterable[str], checkpoints: Mapping[str, Checkpoint]
) -> Region:
    """The commits that the heads reach, back to the nearest checkpoint that all paths meet."""
    commits: dict[str, Node] = {}
    stops: dict[str, Checkpoint] = {}
    tips = tuple(dict.fromkeys(heads))
    todo = [*tips]
    graph, nodes = Graph(objects, tips, checkpoints, wanted=not checkpoints), objects.nodes
    while todo:
        while todo:
            commit_id = todo.pop()
            if commit_id in commits or commit_id in stops:
                continue
            if commit_id in checkpoints:
                stops[commit_id] = checkpoints[commit_id]
                continue
            commits[commit_id] = commit = nodes.get(commit_id) or graph.node(commit_id)
            todo += commit.parents
        if len(stops) > 1 or (stops and _begins(commits)):
            # Of several the one with the longest history cannot be behind the others.
            top = max(stops.values(), key=lambda c: (c.length, c.commit))
            del stops[top.commit]
            commits[top.commit] = commit = graph.node(top.commit)
            todo.extend(commit.parents)
    base = next(iter(stops.values()), None)
    cut = any(objects.is_boundary(commit_id) for commit_id in commits)
    return Region(base, {c.id: c for c in _parents_first(commits, tips)}, cut, graph)


def _begins(commits: Mapping[str, Node]) -> bool:
    return any(not commit.parents for commit in commits.values())


def _parents_first(commits: Mapping[str, Node], heads: Collection[str]) -> Iterator[Node]:
    if len(heads) == 1 and all(len(commit.parents) < 2 for commit in commits.values()):
        yield from reversed([*commits.values()])  # a line, as it was walked
        return
    yielded: set[str] = set()
    for head in commits:
        path = [head]
        while path:
            commit = commits[path[-1]]
            missing = [p for p in commit.parents if p in commits and p not in yielded]
            if missing and commit.id not in yielded:
                path += missing
                continue
            path.pop()
            if commit.id not in yielded:
                yielded.add(commit.id)
                yield commit


class HistoryCut(NamedTuple):
    """A history cut in two: `heads` are where the earlier part ends, none of them behind another;
    `later` are the commits that are not in it."""

    heads: tuple[str, ...]
    later: frozenset[str]


def cut_at_time(objects: ObjectStore, head: str, epoch: int) -> HistoryCut:
    """Cut the history of `head` behind what was made up to a moment.

    A commit comes with all that it was built on, so a wrong clock hides nothing. Before all
    commits the list is as its first one has it. Raises InvalidData where a shallow clone ends
    before that moment.
    """
    ends: set[str] = set()
    later: set[str] = set()
    joined = False
    graph = Graph(objects, [head])
    todo = [head]
    while todo:
        commit_id = todo.pop()
        if commit_id in ends or commit_id in later:
            continue
        commit = graph.node(commit_id)
        if commit.time > epoch and commit.parents:
            later.add(commit_id)
            todo += commit.parents
            joined = joined or len(commit.parents) > 1
        elif commit.time > epoch and objects.is_boundary(commit_id):
            raise InvalidData(
                "this clone is shallow, and its history begins only after that",
                where=commit_id,
                ways=[Way("fetch the rest", ("git", "fetch", "--unshallow"), decision=True)],
            )
        else:
            ends.add(commit_id)
    heads = _heads_of(objects, sorted(ends))
    if joined:  # one that came later by its clock may be behind a head all the same
        later = later.difference(*(ancestors(end, graph.node) for end in heads))
    return HistoryCut(heads, frozenset(later))


def cut_at_commit(objects: ObjectStore, head: str, commit_id: str) -> HistoryCut:
    """Cut the history of `head` behind a commit."""
    later: list[str] = []
    graph = Graph(objects, [head])
    current = head
    while current != commit_id:  # as far as there is no choice, nothing older is read
        commit = graph.node(current)
        later.append(current)
        if len(commit.parents) != 1:
            before = ancestors(commit_id, graph.node).keys()
            later = [*ancestors(head, graph.node).keys() - before]
            break
        current = commit.parents[0]
    return HistoryCut((commit_id,), frozenset(later))


def _heads_of(objects: ObjectStore, commits: Iterable[str]) -> tuple[str, ...]:
    """The commits among some that no other of them was built on."""
    ends = list(commits)
    if len(ends) == 1:
        return tuple(ends)
    return tuple(
        candidate
        for candidate in ends
        if not any(other != candidate and is_ancestor(objects, candidate, other) for other in ends)
    )


CHECKPOINTS = disk.CacheFile("checkpoints", 5, disk.fields_of(Task, Note, State))
_KEPT = 64
"""How many are kept: the heads of that many meetings with other clones."""


class Checkpoint(NamedTuple):
    """A commit: its order, how many commits its longest path is long, its open conflicts.

    `holds` are heads in its history that lack some of its operations: beside it, or beside
    what is built on it, they say nothing.
    """

    commit: str
    order: CommitOrder
    length: int
    conflicts: tuple[Conflict, ...] = ()
    holds: tuple[str, ...] = ()


def read_checkpoints(path: str) -> dict[str, Checkpoint]:
    """The checkpoints of a file by commit, oldest first; none when it is damaged or missing."""
    try:
        body = CHECKPOINTS.read(path)
        if body is None:
            return {}
        rows = [
            Checkpoint(
                commit, (time, count), length, tuple(map(_conflict, conflicts)), tuple(holds)
            )
            for commit, time, count, length, conflicts, holds in light.read_json(body)
        ]
        return {row.commit: row for row in rows}
    except Exception:  # noqa: BLE001  whatever is wrong with a cache, it is as if there were none
        return {}


def write_checkpoints(
    path: str,
    old: Mapping[str, Checkpoint],
    new: Iterable[Checkpoint],
    shared: disk.Sharing,
) -> None:
    """Keep `new` beside the `old` ones; a place that cannot be written is left alone."""
    rows = dict(old)
    for row in new:
        rows.pop(row.commit, None)
        rows[row.commit] = row
    body = light.write_json(
        [
            [r.commit, *r.order, r.length, [_plain(c) for c in r.conflicts], r.holds]
            for r in [*rows.values()][-_KEPT:]
        ]
    ).encode()
    CHECKPOINTS.write(path, body, shared)


def _plain(conflict: Conflict) -> list[Any]:
    writes = [
        [*w.order, w.commit, w.value is not ABSENT, _value(w.value), _value(w.beside), w.restated]
        for w in (conflict.winner, *conflict.losers)
    ]
    return [conflict.path, conflict.register, conflict.kind, conflict.rule, writes]


def _value(value: Any) -> Any:
    return None if value is ABSENT else value


def _conflict(row: list[Any]) -> Conflict:
    path, kinds, kind, rule, writes = row
    register = _register(kinds)
    winner, *losers = [
        Write((time, count), commit, _typed(register, value) if present else ABSENT, *tie)
        for time, count, commit, present, value, *tie in writes
    ]
    return Conflict(path, register, ConflictKind(kind), RuleName(rule), winner, tuple(losers))


def _register(parts: list[Any]) -> Register:
    return tuple(Note(*part) if isinstance(part, list) else part for part in parts)


def _typed(register: Register, value: Any) -> Any:
    if register != STATE:
        return value
    status, *rest = value
    return State(Status(status), *rest)
