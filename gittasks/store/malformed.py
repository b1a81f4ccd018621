"""The commit of a branch that nobody can read, and the last one that does not come from it."""

from __future__ import annotations

import re
from typing import NamedTuple

from gittasks.errors import InvalidData
from gittasks.store.commits import ancestors, read_commit
from gittasks.store.list_tree import read_tree
from gittasks.store.objects import Malformed
from gittasks.store.repository import Repository

_FOLDER = 0o40000
_PARENT = re.compile(rb"^parent ([0-9a-f]{40,64})$", re.MULTILINE)
_AUTHOR = re.compile(rb"^author ([^<>\n]*<[^<>\n]*>)", re.MULTILINE)


class Fault(NamedTuple):
    """The first commit that cannot be read, and how far a branch has to go back for it.

    `spoiled` counts the commits that come from such ones, these included; `author` is who
    made it, as far as it says so.
    """

    commit: str
    author: str
    last_good: str | None
    spoiled: int


class _Loose(NamedTuple):
    """A commit as far as anything can be made of it."""

    id: str
    parents: tuple[str, ...]
    author: str
    is_good: bool


def fault_of(repository: Repository, head: str) -> Fault | None:
    """The first commit behind a head that cannot be read, None where all can. Reads them all."""
    reader = _Reader(repository)
    history = ancestors(head, reader.commit)
    children: dict[str, list[str]] = {}
    for commit in history.values():
        for parent in commit.parents:
            children.setdefault(parent, []).append(commit.id)
    bad = [commit for commit in history.values() if not commit.is_good]
    spoiled: set[str] = set()
    waiting = [commit.id for commit in bad]
    while waiting:
        commit_id = waiting.pop()
        if commit_id not in spoiled:
            spoiled.add(commit_id)
            waiting += children.get(commit_id, ())
    first = [commit for commit in bad if not spoiled.intersection(commit.parents)]
    if not first:
        return None
    line, last_good = history.get(head), None
    while line and last_good is None:
        last_good = None if line.id in spoiled else line.id
        line = history.get(line.parents[0]) if line.parents else None
    return Fault(first[0].id, first[0].author, last_good, len(spoiled))


class _Reader:
    """Commits and their trees, each tree looked at once; what is lost is no fault of theirs."""

    def __init__(self, repository: Repository) -> None:
        self._objects = repository.objects
        self._trees: dict[str, bool] = {}

    def commit(self, commit_id: str) -> _Loose | None:
        try:
            data = self._objects.read(commit_id, "commit")
        except Malformed:
            return _Loose(commit_id, (), "", is_good=False)
        except InvalidData:
            return None
        header = data.partition(b"\n\n")[0]
        author = _AUTHOR.search(header)
        parents = () if self._objects.is_boundary(commit_id) else _PARENT.findall(header)
        return _Loose(
            commit_id,
            tuple(parent.decode("ascii") for parent in parents),
            author[1].decode("utf-8", "replace") if author else "",
            self._is_good(commit_id),
        )

    def _is_good(self, commit_id: str) -> bool:
        try:
            tree = read_commit(self._objects, commit_id).tree
        except Malformed:
            return False
        return not self._objects.whole or self._is_tree(tree)

    def _is_tree(self, tree_id: str) -> bool:
        if tree_id not in self._trees:
            try:
                entries = read_tree(self._objects, tree_id)
                folders = [entry.id for entry in entries if entry.mode == _FOLDER]
                self._trees[tree_id] = all(map(self._is_tree, folders))
            except Malformed:
                self._trees[tree_id] = False
            except InvalidData:
                self._trees[tree_id] = True
        return self._trees[tree_id]
