"""Which commits of a list had been made at a moment, and which came after."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

from gittasks.errors import InvalidData
from gittasks.store.ancestry import is_ancestor
from gittasks.store.history import ancestors, read_commit
from gittasks.store.objects import ObjectStore


class Cut(NamedTuple):
    """A history cut in two: `heads` are where the earlier part ends, none of them behind another;
    `later` are the commits that are not in it."""

    heads: tuple[str, ...]
    later: frozenset[str]


def cut_at_time(objects: ObjectStore, head: str, epoch: int) -> Cut:
    """Cut the history of `head` behind what was made up to a moment.

    A commit comes with all that it was built on, so a wrong clock hides nothing. Before all
    commits the list is as its first one has it. Raises InvalidData where a shallow clone ends
    before that moment.
    """
    ends: set[str] = set()
    later: set[str] = set()
    joined = False
    todo = [head]
    while todo:
        commit_id = todo.pop()
        if commit_id in ends or commit_id in later:
            continue
        commit = read_commit(objects, commit_id)
        if commit.author.time > epoch and commit.parents:
            later.add(commit_id)
            todo += commit.parents
            joined = joined or len(commit.parents) > 1
        elif commit.author.time > epoch and objects.is_boundary(commit_id):
            raise InvalidData(
                "this clone is shallow, and its history begins only after that",
                where=commit_id,
                hint="fetch the rest with: git fetch --unshallow",
            )
        else:
            ends.add(commit_id)
    heads = _heads_of(objects, sorted(ends))
    if joined:  # one that came later by its clock may be behind a head all the same
        later = later.difference(*(ancestors(end, partial(read_commit, objects)) for end in heads))
    return Cut(heads, frozenset(later))


def cut_behind(objects: ObjectStore, head: str, commit_id: str) -> Cut:
    """Cut the history of `head` behind a commit."""
    later: list[str] = []
    here = head
    while here != commit_id:  # as far as there is no choice, nothing older is read
        commit = read_commit(objects, here)
        later.append(here)
        if len(commit.parents) != 1:
            read = partial(read_commit, objects)
            later = [*ancestors(head, read).keys() - ancestors(commit_id, read).keys()]
            break
        here = commit.parents[0]
    return Cut((commit_id,), frozenset(later))


def _heads_of(objects: ObjectStore, commits: Iterable[str]) -> tuple[str, ...]:
    """Those of some commits that no other of them was built on."""
    found = list(commits)
    if len(found) == 1:
        return tuple(found)
    return tuple(
        one
        for one in found
        if not any(other != one and is_ancestor(objects, one, other) for other in found)
    )
