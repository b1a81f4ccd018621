"""The commits between the heads of a list and one that all of their history goes through."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from gittasks.core.dag import BEGINNING, next_order
from gittasks.core.picks import Order
from gittasks.store.checkpoints import Checkpoint
from gittasks.store.history import CommitInfo, read_commit
from gittasks.store.objects import ObjectStore


class Region(NamedTuple):
    """`commits` by id, parents before children; `base` is what all of them descend from.

    Without a base they go back to the beginning. `cut`: a shallow clone ends among them.
    """

    base: Checkpoint | None
    commits: Mapping[str, CommitInfo]
    cut: bool

    def order_along(self, line: Iterable[CommitInfo]) -> Order:
        """The order of the last of commits that follow the base one after the other."""
        order = self.base.order if self.base else None
        for commit in line:
            order = next_order(commit.author.time, (order,) if order else ())
        return order or BEGINNING

    @property
    def is_line(self) -> bool:
        """Whether each commit follows the one before."""
        last = self.base.commit if self.base else None
        for commit in self.commits.values():
            if commit.parents != ((last,) if last else ()):
                return False
            last = commit.id
        return True

    def line(self, heads: Collection[str]) -> list[CommitInfo]:
        """The commits from the base on until one is a head, or the history forks, joins or ends."""
        children: dict[str | None, list[CommitInfo]] = {}
        for commit in self.commits.values():
            for parent in commit.parents or (None,):
                children.setdefault(parent, []).append(commit)
        found: list[CommitInfo] = []
        here = self.base.commit if self.base else None
        while here not in heads and len(following := children.get(here, [])) == 1:
            if len(following[0].parents) > 1:
                break
            found.append(following[0])
            here = following[0].id
        return found

    def behind(self, base: Checkpoint, commits: Iterable[str]) -> Region:
        """This region without `commits`, which `base` stands for."""
        gone = set(commits)
        return Region(base, {i: c for i, c in self.commits.items() if i not in gone}, self.cut)


def region(
    objects: ObjectStore, heads: Iterable[str], checkpoints: Mapping[str, Checkpoint]
) -> Region:
    """The commits that the heads reach, back to the nearest checkpoint that all paths meet."""
    found: dict[str, CommitInfo] = {}
    stops: dict[str, Checkpoint] = {}
    todo = list(dict.fromkeys(heads))
    while todo:
        while todo:
            commit_id = todo.pop()
            if commit_id in found or commit_id in stops:
                continue
            if commit_id in checkpoints:
                stops[commit_id] = checkpoints[commit_id]
                continue
            found[commit_id] = commit = read_commit(objects, commit_id)
            todo.extend(commit.parents)
        if len(stops) > 1 or (stops and _begins(found)):
            # Of several the one with the longest history cannot be behind the others.
            top = max(stops.values(), key=lambda c: (c.length, c.commit))
            del stops[top.commit]
            found[top.commit] = commit = read_commit(objects, top.commit)
            todo.extend(commit.parents)
    base = next(iter(stops.values()), None)
    cut = any(objects.is_boundary(commit_id) for commit_id in found)
    return Region(base, {c.id: c for c in _parents_first(found)}, cut)


def is_ancestor(objects: ObjectStore, commit_id: str, head: str) -> bool:
    """Whether a commit is in the history of a head, or is the head itself."""
    seen: set[str] = set()
    todo = [head]
    for here in todo:  # grows while it is walked: nearest first
        if here == commit_id:
            return True
        if here not in seen:
            seen.add(here)
            todo += read_commit(objects, here).parents
    return False


def _begins(commits: Mapping[str, CommitInfo]) -> bool:
    return any(not commit.parents for commit in commits.values())


def _parents_first(commits: Mapping[str, CommitInfo]) -> Iterator[CommitInfo]:
    given: set[str] = set()
    for head in commits:
        path = [head]
        while path:
            commit = commits[path[-1]]
            missing = [p for p in commit.parents if p in commits and p not in given]
            if missing and commit.id not in given:
                path += missing
                continue
            path.pop()
            if commit.id not in given:
                given.add(commit.id)
                yield commit
