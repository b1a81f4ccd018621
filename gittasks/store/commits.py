"""Commits of a list's branch: read, written, walked, and cut at a time or a commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from gittasks.errors import InvalidData
from gittasks.store.objects import NewObject, ObjectFormat, ObjectStore

MERGE_SIGNER = "gittasks <merge@gittasks.invalid>"
"""Author of automatic commits, unless `gittasks.identity` says otherwise."""
ROOT_SIGNER = "gittasks <root@gittasks.invalid>"
"""Author of root commits, likewise."""
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


def read_commit(objects: ObjectStore, commit_id: str) -> CommitInfo:
    """Return commit `commit_id`; InvalidData when it is missing or malformed.

    Where a shallow clone ends, a commit has no parents, as in git. Times outside of the years
    1970 to 9999 become the nearest inside.
    """
    from dulwich.errors import ObjectFormatException
    from dulwich.objects import Commit

    data = objects.read(commit_id, "commit")
    try:
        commit = Commit.from_string(data)
        assert isinstance(commit, Commit)  # noqa: S101
        parents = tuple(p.decode("ascii") for p in commit.parents)
        return CommitInfo(
            commit_id,
            commit.tree.decode("ascii"),
            () if objects.is_boundary(commit_id) else parents,
            _signature(commit.author, commit.author_time, commit.author_timezone),
            _signature(commit.committer, commit.commit_time, commit.commit_timezone),
            _text(commit.message),
        )
    except (ObjectFormatException, ValueError, TypeError, AttributeError, KeyError) as error:
        raise InvalidData(f"the commit {commit_id} is malformed", where=commit_id) from error


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


def walk(objects: ObjectStore, head: str) -> Iterator[CommitInfo]:
    """Yield the commits that `head` reaches, children before parents, newest first.

    Newest is by commit time among those whose children have all been given, so a wrong clock
    never puts a parent before its child.
    """
    commit = read_commit(objects, head)
    while len(commit.parents) == 1:  # as far as there is no choice, nothing older is read
        yield commit
        commit = read_commit(objects, commit.parents[0])
    yield from _walk_graph(objects, commit.id)


def _walk_graph(objects: ObjectStore, head: str) -> Iterator[CommitInfo]:
    import heapq

    commits = ancestors(head, partial(read_commit, objects))
    waiting = dict.fromkeys(commits, 0)
    for commit in commits.values():
        for parent in commit.parents:
            waiting[parent] += 1
    ready = [(-commits[head].committer.time, head)]
    while ready:
        commit = commits[heapq.heappop(ready)[1]]
        yield commit
        for parent in commit.parents:
            waiting[parent] -= 1
            if not waiting[parent]:
                heapq.heappush(ready, (-commits[parent].committer.time, parent))


def ancestors(head: str, read: Callable[[str], CommitInfo | None]) -> dict[str, CommitInfo]:
    """A commit and all that it comes from, by id, as far as `read` gives them."""
    commits: dict[str, CommitInfo] = {}
    waiting = [head]
    while waiting:
        commit_id = waiting.pop()
        if commit_id not in commits and (commit := read(commit_id)):
            commits[commit_id] = commit
            waiting += commit.parents
    return commits


def _signature(person: bytes, time: float, zone: int) -> Signature:
    return Signature(_text(person), min(max(int(time), 0), _LAST_MOMENT), zone // 60)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
