"""The merge run over a stretch of history, commit by commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gittasks.core.dag import Commit, Point
from gittasks.core.merge import History
from gittasks.core.messages import parse_kept
from gittasks.core.picks import Conflict
from gittasks.store.ancestry import Region
from gittasks.store.branch import read_branch
from gittasks.store.checkpoints import Checkpoint
from gittasks.store.contents import ListContents
from gittasks.store.history import MERGE_SIGNER, CommitInfo, read_commit
from gittasks.store.layout import Branch
from gittasks.store.objects import ObjectStore


class Replay(NamedTuple):
    """What came of it. `before` are the conflicts that were open at the base; `lengths` are those
    of the longest path to each commit."""

    contents: ListContents
    history: History
    commits: Mapping[str, CommitInfo]
    before: tuple[Conflict, ...]
    lengths: Mapping[str, int]
    near: Branch | None
    """A version of the list that was read on the way."""

    def parents_of(self, commit_id: str) -> tuple[str, ...]:
        """Parents of a commit of the stretch."""
        return self.commits[commit_id].parents

    def checkpoint(self, commit_id: str) -> Checkpoint | None:
        """A commit as a base for later; None when its tree is not all that the list says."""
        point = self.history.points[commit_id]
        if point.lag or point.basis:
            return None
        conflicts = self.history.open_conflicts(point.written, self.before)
        return Checkpoint(commit_id, point.order, self.lengths[commit_id], tuple(conflicts))


def replay(
    objects: ObjectStore, list_id: str, area: Region, heads: Sequence[str], near: Branch | None
) -> Replay:
    """Work out what the list says at the heads; `near` is a version that may save some reading."""
    contents = ListContents(objects, list_id)
    area, near = _shortened(objects, list_id, area, heads, near)
    base, lengths = None, {}
    if area.base:
        tree = contents.tree(read_commit(objects, area.base.commit).tree)
        base = Point(area.base.commit, tree, area.base.order)
        lengths[area.base.commit] = area.base.length
    history = History(contents, base)
    children = Counter(parent for commit in area.commits.values() for parent in commit.parents)
    needed = set(heads)
    for info in area.commits.values():
        marked = info.author.person == MERGE_SIGNER
        tree = contents.tree(info.tree)
        kept = parse_kept(info.message)
        history.add(Commit(info.id, info.parents, info.author.time, tree, marked, kept))
        lengths[info.id] = 1 + max((lengths[p] for p in info.parents), default=0)
        children.subtract(info.parents)
        if marked:  # it may be dropped, and then these are looked at
            needed.update(info.parents)
        for parent in info.parents:
            if not children[parent] and parent not in needed:
                history.forget(parent)
    before = area.base.conflicts if area.base else ()
    return Replay(contents, history, area.commits, before, lengths, near)


def _shortened(
    objects: ObjectStore, list_id: str, area: Region, heads: Sequence[str], near: Branch | None
) -> tuple[Region, Branch | None]:
    """The region from a head, or where the history forks: up to there each commit says what it is.

    With the list as it is there, if it was read.
    """
    line = area.line(heads)
    if not line or (area.base and area.base.conflicts):
        return area, near
    branch = read_branch(objects, list_id, line[-1].id, near)
    if branch.snapshot.problems:
        return area, branch
    length = (area.base.length if area.base else 0) + len(line)
    base = Checkpoint(line[-1].id, area.order_along(line), length)
    return area.behind(base, (c.id for c in line)), branch
