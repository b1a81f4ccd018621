"""The merge run over a stretch of history, and the automatic commit that would follow.

Nothing is written but the caches. The automatic commits that a sync would make are made in memory,
so that what is shown is what it will be.
"""

from __future__ import annotations

from itertools import islice

from gittasks.core.merge.dag import Commit, History, MergedState, Tree, choose_heads
from gittasks.core.merge.resolution import Conflict
from gittasks.core.model import Unmerged
from gittasks.core.trailers import parse_kept, parse_operation
from gittasks.errors import FormatTooNew, InvalidData, Way
from gittasks.light import TYPE_CHECKING, NamedTuple, deque, or_, reduce
from gittasks.store import ancestry
from gittasks.store.ancestry import Checkpoint, Region, is_passed, newest, region
from gittasks.store.commits import CommitInfo, read_commit
from gittasks.store.list_tree import Evaluated, read_branch, tree_objects
from gittasks.store.list_version import Heads, ListVersion, merge_subject
from gittasks.store.merge_files import ListContents
from gittasks.store.objects import Malformed, NewObject, ObjectStore
from gittasks.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

_PASSED = 64
"""Commits whose state is kept though nothing in sight builds on them."""
_TOGETHER = 64
"""Commits whose files are read in one go."""
_NEWS = 1000
"""The most commits that a replay grows by in all: what a watch holds would not end growing else."""


class Replay(NamedTuple):
    """The merge of a stretch of history.

    `before` are the conflicts that were open at the base; `lengths` are those of the longest path
    to each commit.
    """

    contents: ListContents
    history: History
    area: Region
    before: tuple[Conflict, ...]
    lengths: dict[str, int]
    near: ListVersion | None
    """A version of the list that was read on the way."""
    needed: set[str]
    """Commits that are looked at again: heads, and those under a merge that may be dropped."""
    passed: deque[str]
    """The last of those with no children to come, on which others may build all the same."""
    news: int = 0
    """How many commits it has grown by."""

    def work_through(self, list_id: str, commit_ids: Collection[str], heads: Iterable[str]) -> None:
        """Work out what commits of the area say, parents first."""
        self.needed.update(heads)
        nodes = self.area.commits
        children: dict[str, int] = {}
        for parent in (parent for i in commit_ids for parent in nodes[i].parents):
            children[parent] = children.get(parent, 0) + 1
        commits = self.area.graph.commits(commit_ids)
        while batch := [*islice(commits, _TOGETHER)]:
            trees = self.contents.trees([info.tree for info in batch])
            for info, tree in zip(batch, trees, strict=True):
                self._add(info, tree, f"{merge_subject(list_id)}\n")
                for parent in info.parents:
                    children[parent] -= 1
                self.passed.extend(parent for parent in info.parents if not children[parent])
                while len(self.passed) > _PASSED:
                    self._let_go(self.passed.popleft(), children)

    def _add(self, info: CommitInfo, tree: Tree, merge_message: str) -> None:
        marked = info.message == merge_message
        settled, operation = parse_kept(info.message), parse_operation(info.message)
        commit = Commit(info.id, info.parents, info.author.time, tree, marked, settled, operation)
        self.history.add(commit)
        self.lengths[info.id] = 1 + max((self.lengths[p] for p in info.parents), default=0)
        if marked:  # it may be dropped, and then these are looked at
            self.needed.update(info.parents)

    def _let_go(self, commit_id: str, children: Mapping[str, int]) -> None:
        """Forget a commit, unless it is looked at again or has children to come by now."""
        if commit_id not in self.needed and not children.get(commit_id):
            self.history.forget(commit_id)

    def grown(
        self, objects: ObjectStore, list_id: str, heads: Sequence[str], near: ListVersion | None
    ) -> Replay | None:
        r"""This replay with what came since; None where that is not built on what it still has.

            o---l               here
             \
              r---r---r---x      the remote, all but x was replayed with l: x alone is looked at
        """
        area = self.area.grown(objects, heads, self.history.points, _NEWS - self.news)
        if area is None:
            return None
        new = [i for i in area.commits if i not in self.area.commits]
        if not objects.whole:
            self.contents.bring([commit.tree for commit in area.graph.commits(new)])
        run = self._replace(area=area, near=near, news=self.news + len(new))
        run.work_through(list_id, new, heads)
        return run

    def parents_of(self, commit_id: str) -> tuple[str, ...]:
        """Parents of a commit of the stretch."""
        return self.area.commits[commit_id].parents

    def checkpoint(self, commit_id: str, heads: Iterable[str]) -> Checkpoint | None:
        """A commit as a base for later; None when its tree is not all that the list says."""
        point = self.history.points[commit_id]
        if point.lag or point.basis:
            return None
        conflicts = tuple(self.history.open_conflicts(point.written, self.before))
        holds = self.held([commit_id], heads)
        return Checkpoint(commit_id, point.order, self.lengths[commit_id], conflicts, holds)

    def held(self, commits: Iterable[str], heads: Iterable[str]) -> tuple[str, ...]:
        """The heads in the history of some commits that lack some of their operations.

        A head that is not in this stretch was left out of it for being one.
        """
        points = [self.history.points[i] for i in commits]
        operations = reduce(or_, (point.operations for point in points))

        def is_held(head: str) -> bool:
            known = self.history.points.get(head)
            return known is None or (
                any(self.history.reaches(point, head) for point in points)
                and bool(operations & ~known.operations)
            )

        return tuple(head for head in heads if is_held(head))


def replay(
    objects: ObjectStore, list_id: str, area: Region, heads: Sequence[str], near: ListVersion | None
) -> Replay:
    """Work out what the list says at the heads; `near` is a version that may save some reading."""
    contents = ListContents(objects, list_id)
    if not objects.whole:
        contents.bring(_trees(objects, area, heads))
    area, near = _shortened(objects, list_id, area, heads, near)
    base, lengths = None, dict[str, int]()
    if area.base:
        tree = contents.tree(read_commit(objects, area.base.commit).tree)
        base = MergedState(area.base.commit, tree, area.base.order)
        lengths[area.base.commit] = area.base.length
    before = area.base.conflicts if area.base else ()
    run = Replay(contents, History(contents, base), area, before, lengths, near, set(), deque())
    run.work_through(list_id, area.commits, heads)
    return run


def _trees(objects: ObjectStore, area: Region, heads: Sequence[str]) -> list[str]:
    """The trees that a replay looks at: of the region without the line that it begins with."""
    along = {commit.id for commit in area.line(heads)[:-1]}
    beside = (commit_id for commit_id in area.commits if commit_id not in along)
    trees = [commit.tree for commit in area.graph.commits(beside)]
    return [read_commit(objects, area.base.commit).tree, *trees] if area.base else trees


def _shortened(
    objects: ObjectStore, list_id: str, area: Region, heads: Sequence[str], near: ListVersion | None
) -> tuple[Region, ListVersion | None]:
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


_MEND = Way("see who made it, and how the branch is taken back", ("gittasks", "doctor"))
"""The step where nothing else can be read instead."""


class Memory:
    """The replay of a list that was worked out last: the next one begins there, if it can.

    Whoever loses a race for the remote looks at the same two histories once more, and at the few
    commits that were pushed meanwhile.
    """

    def __init__(self) -> None:
        self._replays: list[Replay] = []

    def grown(
        self, objects: ObjectStore, list_id: str, heads: Sequence[str], near: ListVersion | None
    ) -> Replay | None:
        """The replay of these heads, of which what is new is read alone; None where none serves."""
        if not self._replays:
            return None
        # Taken out: one that ends halfway, at a commit that cannot be read, is of no use.
        return self._replays.pop().grown(objects, list_id, heads, near)

    def keep(self, run: Replay) -> None:
        """Begin the next one with this."""
        self._replays = [run]


def evaluate(
    repository: Repository,
    list_id: str,
    heads: Heads,
    near: ListVersion | None,
    *,
    apart: bool = False,
    memory: Memory | None = None,
) -> Evaluated:
    """Work out what the list says; `near` is a version of it that may save some reading.

    With `apart`, also the operations that only one of the heads has, however long ago they parted.
    What was fetched and cannot be read is left out. `memory` is of the same list.
    """
    memory = memory or Memory()
    try:
        return _evaluate(repository, list_id, heads, near, memory, apart=apart)
    except (FormatTooNew, Malformed) as error:
        is_malformed = isinstance(error, Malformed)
        if is_malformed and heads.published not in (None, *heads.all):  # it was taken back
            heads = heads._replace(published=None)
            return evaluate(repository, list_id, heads, near, apart=apart, memory=memory)
        if not heads.local or not heads.tracked:
            raise error.with_ways([_MEND] if is_malformed else error.ways) from error.__cause__
        why = Unmerged.MALFORMED if is_malformed else Unmerged.NEWER
        return _alone(repository, list_id, heads._replace(published=None), why, near)


def _evaluate(
    repository: Repository,
    list_id: str,
    heads: Heads,
    near: ListVersion | None,
    memory: Memory,
    *,
    apart: bool,
) -> Evaluated:
    objects = repository.objects
    path = _kept_at(repository, list_id)
    checkpoints = ancestry.read_checkpoints(path)
    heads = heads._replace(published=_before(objects, heads, checkpoints))
    tips = tuple(head for head in heads if head)
    is_plain = not apart and heads.published is None
    if is_plain and (merge := _made_again(objects, list_id, heads, near, checkpoints)):
        return merge
    run = memory.grown(objects, list_id, tips, near)
    if run is None:
        tips = newest(objects, tips, checkpoints) if is_plain else tips
        area = region(objects, tips, checkpoints)
        if heads.local and heads.tracked and area.cut and not area.is_line:
            alone = heads._replace(published=None)
            return _alone(repository, list_id, alone, Unmerged.SHALLOW, near)
        if area.is_line and not (area.base and area.base.conflicts):
            evaluated, new = _line(objects, list_id, heads, tips, area, near, apart=apart)
            _keep(repository, path, checkpoints, new, area.base if len(tips) == 1 else None)
            return evaluated
        run = replay(objects, list_id, area, tips, near)
    memory.keep(run)
    if (lost := _lost(run, heads)) and lost.needed:
        return _as_before(repository, list_id, heads, lost, near, memory, apart=apart)
    evaluated, new = _graph(objects, list_id, heads, tips, run, apart=apart)
    _keep(repository, path, checkpoints, new, run.area.base if len(tips) == 1 else None)
    return evaluated._replace(behind=lost is not None)


def _keep(
    repository: Repository,
    path: str,
    checkpoints: dict[str, Checkpoint],
    new: Sequence[Checkpoint],
    base: Checkpoint | None,
) -> None:
    """Write down what is new of `new`, in place of a `base` that it stands for from now on."""
    missing = [c for c in new if not _is_kept(c, checkpoints)]
    if missing and base and base.holds == missing[0].holds != ():
        del checkpoints[base.commit]
    if missing:
        ancestry.write_checkpoints(path, checkpoints, missing, repository.shared)


def _is_kept(point: Checkpoint, checkpoints: Mapping[str, Checkpoint]) -> bool:
    known = checkpoints.get(point.commit)
    return known is not None and set(point.holds) <= set(known.holds)


def evaluate_past(
    repository: Repository, list_id: str, heads: tuple[str, ...], near: ListVersion | None
) -> ListVersion:
    """The list as it was when its history ended at these commits; nothing is remembered of it."""
    objects = repository.objects
    area = region(objects, heads, ancestry.read_checkpoints(_kept_at(repository, list_id)))
    if area.is_line and not (area.base and area.base.conflicts):
        return read_branch(objects, list_id, heads[0], near)
    run = replay(objects, list_id, area, heads, near)
    return _shown(objects, list_id, run, heads)[0]


def _made_again(
    objects: ObjectStore,
    list_id: str,
    heads: Heads,
    cached: ListVersion | None,
    checkpoints: Mapping[str, Checkpoint],
) -> Evaluated | None:
    """The merge in memory that the cached version is at, without a look at the history.

    Its objects follow from what the list says; that they come to the same id is the proof. None
    where they do not, as in a list with somebody's comments in it.
    """
    if cached is None or cached.apart or not cached.heads.at_same_commits(heads):
        return None
    known = checkpoints.get(cached.commit) if cached.in_memory else None
    ids = [head for head in heads.all if head]
    if known is None or len(ids) < 2:
        return None
    contents = ListContents(objects, list_id)
    trees = (contents.tree(read_commit(objects, head).tree) for head in ids)
    present = {blob.partition(" ")[2] for tree in trees for blob in tree.values()}
    new = tree_objects(objects.form, cached, present)
    if new is None:
        return None
    commit = contents.automatic_commit(new[-1].id, ids, known.order)
    if commit.id != cached.commit:
        return None
    objects.stage([*new, commit])
    return Evaluated(cached, (*new, commit), known.conflicts, (), ())


def _kept_at(repository: Repository, list_id: str) -> str:
    return repository.cache_path("merge", repository.ref(list_id))


def _alone(
    repository: Repository, list_id: str, heads: Heads, why: Unmerged, near: ListVersion | None
) -> Evaluated:
    """The list as it is here, without what was fetched."""
    evaluated = evaluate(repository, list_id, heads._replace(tracked=None), near)
    return evaluated._replace(branch=evaluated.branch._replace(heads=heads, apart=why))


class _Lost(NamedTuple):
    """Operations that the remote had and has no more.

    `behind`: it has none that those did not know, as a replica that lags or a branch that was
    reset. `needed`: the local branch does not hold them all, or must not be brought together
    with what is there now.
    """

    behind: bool
    needed: bool


def _before(
    objects: ObjectStore, heads: Heads, checkpoints: Mapping[str, Checkpoint]
) -> str | None:
    """The head that the remote had before the one that was fetched, where some of it may be lost.

    None when it is gone, or seen at once to be in the history of what was fetched.
    """
    before = heads.published
    if before is None or before == heads.tracked or heads.tracked is None:
        return None
    try:
        read_commit(objects, before)
    except InvalidData:
        return None
    return None if is_passed(objects, before, heads.tracked, checkpoints) else before


def _lost(run: Replay, heads: Heads) -> _Lost | None:
    """Operations that the remote lost between two looks at it.

    o--A--B     before          o--A--B--M   before, M an automatic merge
    o--A        behind          o--A--B--N   nothing is missing, whatever became of M
    o--C        rewritten: B is missing, and C is there instead
    """
    if heads.published is None or heads.tracked is None:
        return None
    before, now = (run.history.points[h].operations for h in (heads.published, heads.tracked))
    if not before & ~now:
        return None
    behind = not now & ~before
    ours = run.history.points[heads.local].operations if heads.local else 0
    return _Lost(behind, needed=not behind or bool(before & ~now & ~ours))


def _as_before(
    repository: Repository,
    list_id: str,
    heads: Heads,
    lost: _Lost,
    near: ListVersion | None,
    memory: Memory,
    *,
    apart: bool,
) -> Evaluated:
    """The list with what the remote had before it lost some of it."""
    known = Heads(heads.local, heads.published)
    evaluated = evaluate(repository, list_id, known, near, apart=apart, memory=memory)
    why = None if lost.behind else Unmerged.REWRITTEN
    return evaluated._replace(
        branch=evaluated.branch._replace(heads=heads, apart=why), behind=lost.behind
    )


def _line(
    objects: ObjectStore,
    list_id: str,
    heads: Heads,
    tips: Sequence[str],
    area: Region,
    near: ListVersion | None,
    *,
    apart: bool,
) -> tuple[Evaluated, list[Checkpoint]]:
    """One head is behind the other, and nothing was ever merged: the newer one says it all."""
    commits = list(area.commits.values())
    tip = commits[-1].id if commits else tips[0]
    branch = read_branch(objects, list_id, tip, near)._replace(heads=heads)
    places = {commit.id: place for place, commit in enumerate(commits, 1)}
    ours, theirs = places.get(heads.local or "", 0), places.get(heads.tracked or "", 0)
    before = places.get(heads.published or "", 0)
    behind = before > theirs
    if before > ours:  # what the remote had is still to come in
        theirs = max(theirs, before)
    if heads.tracked is None or heads.local is None:
        ours = theirs = len(commits)
    new = []
    if commits and not branch.snapshot.problems and branch.whole:
        length = (area.base.length if area.base else 0) + len(commits)
        holds = tuple(head for head in heads.all if head and head != tip)
        new = [Checkpoint(tip, area.order_along(commits), length, holds=holds)]
    received, unsent = (
        tuple(area.graph.commits(commit.id for commit in part)) if apart else ()
        for part in (commits[ours:theirs], commits[theirs:ours])
    )
    return Evaluated(branch, (), (), received, unsent, behind), new


def _graph(
    objects: ObjectStore,
    list_id: str,
    heads: Heads,
    tips: Sequence[str],
    run: Replay,
    *,
    apart: bool,
) -> tuple[Evaluated, list[Checkpoint]]:
    ids = [head for head in heads.all if head]
    chosen = tuple(i for i in ids if i in tips)
    if len(chosen) > 1:
        local, remote = chosen
        chosen = choose_heads(run.history, local, remote, run.parents_of)
    branch, new, conflicts = _shown(objects, list_id, run, chosen)
    branch = branch._replace(heads=heads)
    received, unsent = _apart(run, ids) if apart and len(ids) > 1 else ((), ())
    evaluated = Evaluated(branch, tuple(new), tuple(conflicts), received, unsent)
    checkpoints = [c for i in tips if i in ids and (c := run.checkpoint(i, ids))]
    if new and not branch.snapshot.problems:
        order = max(run.history.points[i].order for i in chosen)
        length = 1 + max(run.lengths[i] for i in chosen)
        holds = run.held(chosen, ids)
        checkpoints.append(Checkpoint(branch.commit, order, length, tuple(conflicts), holds))
    return evaluated, checkpoints


def _shown(
    objects: ObjectStore, list_id: str, run: Replay, chosen: tuple[str, ...]
) -> tuple[ListVersion, list[NewObject], list[Conflict]]:
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
    received, unsent = theirs - ours, ours - theirs
    graph, commits = run.area.graph, run.area.commits
    return (
        tuple(graph.commits(i for i in commits if i in received)),
        tuple(graph.commits(i for i in commits if i in unsent)),
    )
