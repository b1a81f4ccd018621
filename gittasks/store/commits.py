"""Commits of a list's branch: read, written, walked, and cut at a time or a commit."""

from __future__ import annotations

from itertools import islice

from gittasks.core.trailers import OP, parse_trailers
from gittasks.errors import InvalidData
from gittasks.light import TYPE_CHECKING, NamedTuple, Protocol, pattern, suppress
from gittasks.store.list_version import is_automatic
from gittasks.store.objects import Malformed, NewObject, ObjectFormat, ObjectStore
from gittasks.store.plumbing import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

_LAST_MOMENT = 253_402_300_799
"""The end of the year 9999, the last that RFC 3339 can say; git takes later ones."""


class Signature(NamedTuple):
    """A person and a time: `Name <email>`, seconds since 1970, minutes east of UTC."""

    person: str
    time: int
    zone: int = 0

    @property
    def name(self) -> str:
        """The name without the address, or the address when there is no name."""
        return self.person.partition("<")[0].strip() or self.person


class CommitInfo(NamedTuple):
    """One commit as git stores it."""

    id: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str


_PERSON = rb"([^<>\n]*<[^<>\n]*>) ([0-9]{1,18}) ([+-])([0-9]{2})([0-9]{2})\n"
_ID = rb"[0-9a-f]{40}(?:[0-9a-f]{24})?"
_USUAL = pattern(
    rb"tree (%b)\n((?:parent %b\n)*)author %bcommitter %b"
    rb"(?:gpgsig(?:-sha256)? .*\n(?: .*\n)*)?\n(?=.)" % (_ID, _ID, _PERSON, _PERSON)
)


def read_commit(objects: ObjectStore, commit_id: str) -> CommitInfo:
    """Return commit `commit_id`; Unavailable or Malformed when it cannot be read.

    Where a shallow clone ends, a commit has no parents, as in git. Times outside of the years
    1970 to 9999 become the nearest inside.
    """
    data = objects.read(commit_id, "commit")
    cut = objects.is_boundary(commit_id)
    if not (usual := _USUAL.match(data)):
        return _parse_any(data, commit_id, cut=cut)
    tree, parents, *people = usual.groups()
    return CommitInfo(
        commit_id,
        tree.decode("ascii"),
        () if cut else tuple(parents.decode("ascii").split()[1::2]),
        _usual_signature(*people[:5]),
        _usual_signature(*people[5:]),
        _text(data[usual.end() :]),
    )


def _usual_signature(
    person: bytes, time: bytes, sign: bytes, hours: bytes, minutes: bytes
) -> Signature:
    zone = int(hours) * 60 + int(minutes)
    at = min(int(time), _LAST_MOMENT)
    return Signature(_text(person), at, -zone if sign == b"-" else zone)


def _parse_any(data: bytes, commit_id: str, *, cut: bool) -> CommitInfo:
    """A commit with rare headers or a strange person, as dulwich reads it."""
    from dulwich.errors import ObjectFormatException
    from dulwich.objects import Commit

    try:
        commit = Commit.from_string(data)
        assert isinstance(commit, Commit)  # noqa: S101
        parents = tuple(p.decode("ascii") for p in commit.parents)
        return CommitInfo(
            commit_id,
            commit.tree.decode("ascii"),
            () if cut else parents,
            _signature(commit.author, commit.author_time, commit.author_timezone),
            _signature(commit.committer, commit.commit_time, commit.commit_timezone),
            _text(commit.message),
        )
    except (ObjectFormatException, ValueError, TypeError, AttributeError, KeyError) as error:
        raise Malformed(f"the commit {commit_id} is malformed", where=commit_id) from error


def new_commit(
    form: ObjectFormat,
    tree: str,
    parents: tuple[str, ...],
    author: Signature,
    committer: Signature,
    message: str,
) -> NewObject:
    """Build a commit object; the same arguments give the same bytes in every clone."""
    from dulwich.objects import Commit, ObjectID

    commit = Commit()
    commit.tree = ObjectID(tree.encode())
    commit.parents = [ObjectID(p.encode()) for p in parents]
    commit.author = author.person.encode("utf-8", "surrogateescape")
    commit.author_time = author.time
    commit.author_timezone = author.zone * 60
    commit.committer = committer.person.encode("utf-8", "surrogateescape")
    commit.commit_time = committer.time
    commit.commit_timezone = committer.zone * 60
    commit.message = message.encode("utf-8", "replace")
    return form.new("commit", commit.as_raw_string())


_ONE_BY_ONE = 64
"""Commits that are read one by one before git is asked for all of the others: starting it costs
as much."""
_AT_ONCE = 256
"""Commits that are read in one go, and are in memory for that long."""


class Graph:
    """The graph of the commits that some heads reach.

    The first commits are read one by one, and each once; then git is asked for the rest, as far as
    it does not lie behind `ends`. Where all of a graph that may be large is wanted, git is asked
    as soon as a commit is packed.
    """

    def __init__(
        self,
        objects: ObjectStore,
        heads: Iterable[str],
        ends: Iterable[str] = (),
        *,
        wanted: bool = False,
    ) -> None:
        self._objects = objects
        self._wanted = wanted
        self._questions = [([*heads], [*ends])]
        self._nodes = objects.nodes
        self._commits: dict[str, CommitInfo] = {}

    def node(self, commit_id: str) -> Node:
        """The place of a commit in the graph; InvalidData as of `read_commit`."""
        if (node := self._nodes.get(commit_id)) is None:
            if self._questions and not self._is_near(commit_id):
                self._ask_git(commit_id)
            node = self._nodes.get(commit_id) or self._read(commit_id)
        return node

    def commit(self, commit_id: str) -> CommitInfo:
        """A commit as git stores it; raises as `read_commit`."""
        return self._commits.get(commit_id) or read_commit(self._objects, commit_id)

    def commits(self, commit_ids: Iterable[str]) -> Iterator[CommitInfo]:
        """The commits with these ids as git stores them, many read in one go."""
        ids, size = iter(commit_ids), 1
        while batch := list(islice(ids, size)):
            self._objects.read_ahead((i for i in batch if i not in self._commits), "commit")
            for commit_id in batch:
                yield self.commit(commit_id)
            size = _AT_ONCE if size > _ONE_BY_ONE else 2 * size

    def newest_first(self, head: str) -> Iterator[str]:
        """The ids of the commits that `head` reaches, children before parents, newest first.

        Newest is by commit time among those whose children have all been given, so a wrong clock
        never puts a parent before its child.
        """
        node = self.node(head)
        while len(node.parents) == 1:  # as far as there is no choice, nothing older is looked at
            yield node.id
            node = self.node(node.parents[0])
        yield from self._forked_newest_first(node.id)

    def _forked_newest_first(self, head: str) -> Iterator[str]:
        import heapq

        nodes = ancestors(head, self.node)
        waiting = dict.fromkeys(nodes, 0)
        for node in nodes.values():
            for parent in node.parents:
                waiting[parent] += 1
        ready = [(-nodes[head].committed, head)]
        while ready:
            node = nodes[heapq.heappop(ready)[1]]
            yield node.id
            for parent in node.parents:
                waiting[parent] -= 1
                if not waiting[parent]:
                    heapq.heappush(ready, (-nodes[parent].committed, parent))

    def touching(self, head: str, path: str) -> Collection[str] | None:
        """The commits behind `head` that touch a file, and may be some more; None where git does
        not say it."""
        staged, tips, todo = set[str](), [], [head]
        for commit_id in todo:  # grows while it is walked
            if self._objects.is_staged(commit_id):  # git has not seen it
                staged.add(commit_id)
                todo += self.node(commit_id).parents
            else:
                tips.append(commit_id)
        touching = self._objects.plumbing.touching(tips, path)
        return None if touching is None else touching | staged

    def add(self, commits: Iterable[CommitInfo]) -> None:
        """Take in commits that were read already."""
        for info in commits:
            self._commits[info.id] = info
            times = info.author.time, info.committer.time
            self._nodes[info.id] = Node(info.id, info.tree, info.parents, *times)

    def _is_near(self, commit_id: str) -> bool:
        """Is it cheaper to read one more commit than to start git?"""
        few = len(self._commits) < _ONE_BY_ONE
        return few and not (self._wanted and not self._objects.is_near(commit_id))

    def _read(self, commit_id: str) -> Node:
        self.add([read_commit(self._objects, commit_id)])
        return self._nodes[commit_id]

    def _ask_git(self, commit_id: str) -> None:
        """Have git show what the heads reach; if that is not enough, what a commit reaches."""
        heads, ends = self._questions.pop()
        known = [i for i in (*heads, commit_id) if not self._objects.is_staged(i)]
        nodes = self._nodes
        for node in self._objects.plumbing.graph(known, ends):
            nodes[node.id] = node
        if ends:
            self._questions = [([], [])]


class _WithParents(Protocol):
    @property
    def parents(self) -> tuple[str, ...]: ...


if TYPE_CHECKING:
    from typing import TypeVar

    _Commit = TypeVar("_Commit", bound=_WithParents)


def ancestors(head: str, read: Callable[[str], _Commit | None]) -> dict[str, _Commit]:
    """A commit and all that it comes from, by id, as far as `read` gives them."""
    commits: dict[str, _Commit] = {}
    waiting = [head]
    while waiting:
        commit_id = waiting.pop()
        if commit_id not in commits and (commit := read(commit_id)):
            commits[commit_id] = commit
            waiting += commit.parents
    return commits


def is_ancestor(objects: ObjectStore, commit_id: str, head: str) -> bool:
    """Is a commit in the history of a head, or the head itself?"""
    graph = Graph(objects, [head])
    # What it was built on is not built on it, so nothing is looked for behind that. Both walks go
    # step by step: the answer costs what lies between the two, not the length of the history.
    below = _nearest_first(graph, commit_id) if objects.is_near(commit_id) else iter(())
    older: set[str] = set()
    for current in _nearest_first(graph, head, older):
        if current == commit_id:
            return True
        with suppress(InvalidData):  # a damaged history ends there, and the other walk decides
            older.update(islice(below, 2))
        older.discard(commit_id)
    return False


def _nearest_first(graph: Graph, head: str, passed: Collection[str] = ()) -> Iterator[str]:
    """The commits that a head reaches, without those in `passed` and what lies behind them."""
    seen: set[str] = set()
    todo = [head]
    for current in todo:  # grows while it is walked
        if current in seen or current in passed:
            continue
        seen.add(current)
        yield current
        if current not in passed:
            todo += graph.node(current).parents


def missing_operations(
    objects: ObjectStore, head: str | None, heads: Sequence[str]
) -> tuple[str, ...]:
    """The operations of a head that none of some others has; its own id where it is unreadable."""
    if head is None or head in heads:
        return ()
    graph = Graph(objects, heads, [head])
    others: dict[str, Node] = {}
    reached = [False]

    def before(commit_id: str) -> Node | None:
        """Look at nothing older than the head, on which other programs mostly build."""
        reached[0] = reached[0] or commit_id == head
        return None if reached[0] else graph.node(commit_id)

    for tip in heads:
        if not reached[0]:
            others |= ancestors(tip, before)
    if reached[0]:
        return ()
    try:
        own = ancestors(head, lambda i: None if i in others else graph.node(i))
        operations = {name: None for c in graph.commits(own) if (name := _operation(c))}
    except InvalidData:
        return (head,)
    for commit in graph.commits(others if operations else ()):
        operations.pop(_operation(commit) or "", None)
    return tuple(operations)


def _operation(commit: CommitInfo) -> str | None:
    """The name of an operation, the same in its copies; None for an automatic merge or a root."""
    if is_automatic(commit.message) or not commit.parents:
        return None
    return (parse_trailers(commit.message).get(OP) or [commit.id])[-1]


def _signature(person: bytes, time: float, zone: int) -> Signature:
    return Signature(_text(person), min(max(int(time), 0), _LAST_MOMENT), zone // 60)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
