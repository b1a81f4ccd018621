"""What a list says, given its heads here and on the remote: `core.merge` on this repository.

Nothing is written but the caches. The automatic commits that a sync would make are made in memory,
so that what is shown is what it will be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gittasks.core.elide import meet
from gittasks.core.model import Unmerged
from gittasks.core.picks import Conflict
from gittasks.errors import FormatTooNew, InvalidData
from gittasks.store import checkpoints
from gittasks.store.ancestry import Region, region
from gittasks.store.branch import read_branch
from gittasks.store.checkpoints import Checkpoint
from gittasks.store.history import CommitInfo, read_commit
from gittasks.store.layout import Branch, Heads
from gittasks.store.objects import NewObject, ObjectStore
from gittasks.store.replay import Replay, replay
from gittasks.store.repository import Repository


class Evaluated(NamedTuple):
    """What a list says, and what it takes to write that down.

    `branch` is at the commit whose tree says it; `new` holds the objects of that commit that are
    not on the disk, empty when it is one of the heads. `received` and `unsent` are the commits
    that are operations and that only the remote, or only the local head has, parents first.
    """

    branch: Branch
    new: tuple[NewObject, ...]
    conflicts: tuple[Conflict, ...]
    received: tuple[CommitInfo, ...]
    unsent: tuple[CommitInfo, ...]
    behind: bool = False
    """The remote lacks operations that it had, and has none that they lack."""


def evaluate(repository: Repository, list_id: str, heads: Heads, near: Branch | None) -> Evaluated:
    """Work out what the list says; `near` is a version of it that may save some reading."""
    objects = repository.objects
    path = _kept_at(repository, list_id)
    kept = checkpoints.read(path)
    heads = heads._replace(published=_before(objects, heads))
    area = region(objects, [head for head in heads if head], kept)
    if heads.local and heads.tracked and area.cut and not area.is_line:
        return _alone(repository, list_id, heads._replace(published=None), Unmerged.SHALLOW, near)
    try:
        if area.is_line and not (area.base and area.base.conflicts):
            found, new = _line(objects, list_id, heads, area, near)
        else:
            run = replay(objects, list_id, area, [head for head in heads if head], near)
            lost = _lost(run, heads)
            if lost and lost.needed:
                return _as_before(repository, list_id, heads, lost, near)
            found, new = _graph(objects, list_id, heads, run)
            found = found._replace(behind=lost is not None)
    except FormatTooNew:
        if not heads.local or not heads.tracked:
            raise
        return _alone(repository, list_id, heads._replace(published=None), Unmerged.NEWER, near)
    if missing := [c for c in new if c.commit not in kept]:
        checkpoints.write(path, kept, missing, repository.shared)
    return found


def evaluate_past(
    repository: Repository, list_id: str, heads: tuple[str, ...], near: Branch | None
) -> Branch:
    """What the list said when its history ended at these commits; nothing is remembered of it."""
    objects = repository.objects
    area = region(objects, heads, checkpoints.read(_kept_at(repository, list_id)))
    if area.is_line and not (area.base and area.base.conflicts):
        return read_branch(objects, list_id, heads[0], near)
    run = replay(objects, list_id, area, heads, near)
    return _shown(objects, list_id, run, heads)[0]


def _kept_at(repository: Repository, list_id: str) -> str:
    return repository.cache_path("merge", repository.ref(list_id))


def _alone(
    repository: Repository, list_id: str, heads: Heads, why: Unmerged, near: Branch | None
) -> Evaluated:
    """What the list says here, without what was fetched."""
    found = evaluate(repository, list_id, heads._replace(tracked=None), near)
    return found._replace(branch=found.branch._replace(heads=heads, apart=why))


class _Lost(NamedTuple):
    """Operations that the remote had and has no more.

    `behind`: it has none that those did not know, as a replica that lags or a branch that was
    reset. `needed`: the local branch does not hold them all, or must not be brought together
    with what is there now.
    """

    behind: bool
    needed: bool


def _before(objects: ObjectStore, heads: Heads) -> str | None:
    """The head that the remote had before the one that was fetched; None when it is gone."""
    before = heads.published
    if before is None or before == heads.tracked or heads.tracked is None:
        return None
    try:
        read_commit(objects, before)
    except InvalidData:
        return None
    return before


def _lost(run: Replay, heads: Heads) -> _Lost | None:
    """What the remote lost between two looks at it.

    o--A--B     before          o--A--B--M   before, M an automatic merge
    o--A        behind          o--A--B--N   nothing is missing, whatever became of M
    o--C        rewritten: B is missing, and C is there instead
    """
    if heads.published is None or heads.tracked is None:
        return None
    before, there = (run.history.points[h].operations for h in (heads.published, heads.tracked))
    if not before & ~there:
        return None
    behind = not there & ~before
    ours = run.history.points[heads.local].operations if heads.local else 0
    return _Lost(behind, needed=not behind or bool(before & ~there & ~ours))


def _as_before(
    repository: Repository, list_id: str, heads: Heads, lost: _Lost, near: Branch | None
) -> Evaluated:
    """What the list says with what the remote had before it lost some of it."""
    known = Heads(heads.local, heads.published)
    found = evaluate(repository, list_id, known, near)
    apart = None if lost.behind else Unmerged.REWRITTEN
    return found._replace(
        branch=found.branch._replace(heads=heads, apart=apart), behind=lost.behind
    )


def _line(
    objects: ObjectStore, list_id: str, heads: Heads, area: Region, near: Branch | None
) -> tuple[Evaluated, list[Checkpoint]]:
    """One head is behind the other, and nothing was ever merged: the newer one says it all."""
    commits = list(area.commits.values())
    tip = commits[-1].id if commits else (heads.local or heads.tracked or "")
    branch = read_branch(objects, list_id, tip, near)._replace(heads=heads)
    places = {commit.id: place for place, commit in enumerate(commits, 1)}
    ours, theirs = places.get(heads.local or "", 0), places.get(heads.tracked or "", 0)
    behind = places.get(heads.published or "", 0) > theirs
    if heads.tracked is None or heads.local is None:
        ours = theirs = len(commits)
    new = []
    if commits and not branch.snapshot.problems and branch.whole:
        length = (area.base.length if area.base else 0) + len(commits)
        new = [Checkpoint(tip, area.order_along(commits), length)]
    received, unsent = tuple(commits[ours:theirs]), tuple(commits[theirs:ours])
    return Evaluated(branch, (), (), received, unsent, behind), new


def _graph(
    objects: ObjectStore, list_id: str, heads: Heads, run: Replay
) -> tuple[Evaluated, list[Checkpoint]]:
    ids = [head for head in (heads.local, heads.tracked) if head]
    chosen = tuple(ids)
    if heads.local and heads.tracked:
        chosen = meet(run.history, heads.local, heads.tracked, run.parents_of)
    branch, new, conflicts = _shown(objects, list_id, run, chosen)
    branch = branch._replace(heads=heads)
    received, unsent = _apart(run, ids) if len(ids) > 1 else ((), ())
    found = Evaluated(branch, tuple(new), tuple(conflicts), received, unsent)
    made = [c for i in ids if (c := run.checkpoint(i))]
    if new and not branch.snapshot.problems:
        order = max(run.history.points[i].order for i in chosen)
        length = 1 + max(run.lengths[i] for i in chosen)
        made.append(Checkpoint(branch.commit, order, length, tuple(conflicts)))
    return found, made


def _shown(
    objects: ObjectStore, list_id: str, run: Replay, chosen: tuple[str, ...]
) -> tuple[Branch, list[NewObject], list[Conflict]]:
    """The list at one commit, or at the automatic one that joins several or heals one; with what
    is new of that."""
    points = [run.history.points[i] for i in chosen]
    tip, written = chosen[0], points[0].written
    new: list[NewObject] = []
    if len(points) > 1 or points[0].lag:
        joined = run.history.join(points)
        new = run.contents.tree_objects(joined.tree)
        new.append(run.contents.automatic_commit(new[-1].id, chosen, joined.order))
        tip, written = new[-1].id, joined.written
        objects.stage(new)
    conflicts = run.history.open_conflicts(written, run.before)
    branch = read_branch(objects, list_id, tip, run.near)
    return branch._replace(contested=tuple(c.path for c in conflicts)), new, conflicts


def _apart(
    run: Replay, heads: Sequence[str]
) -> tuple[tuple[CommitInfo, ...], tuple[CommitInfo, ...]]:
    """The operations that only the second, and those that only the first of two heads has."""
    ours, theirs = (set(run.history.operations(run.history.points[head])) for head in heads)
    commits = run.commits.values()
    return (
        tuple(c for c in commits if c.id in theirs - ours),
        tuple(c for c in commits if c.id in ours - theirs),
    )
