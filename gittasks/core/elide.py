"""Where two heads of a list meet, without a merge commit wherever none is needed.

Automatic merges carry no information, so they are dropped and made again at will. That, more
than their determinism, is what ends the exchange of merges between many clones.
"""

from __future__ import annotations

from collections.abc import Callable

from gittasks.core.dag import Point
from gittasks.core.merge import History


def meet(
    history: History, local: str, remote: str, parents_of: Callable[[str], tuple[str, ...]]
) -> tuple[str, ...]:
    """The commits that the new head is: one to take as it is, or two to join.

    It descends from `remote`, so that it can be pushed without force; from `local` only as far as
    that has operations of its own.
    """
    ours, theirs = history.points[local], history.points[remote]
    if _none_missing(ours, theirs):
        return (remote,)
    while not history.reaches(ours, remote):
        if not ours.automatic:
            return tuple(sorted((ours.commit, remote)))
        parents = [history.points[p] for p in parents_of(ours.commit)]
        needed = [p for p in parents if not _none_missing(p, theirs)]
        if len(needed) != 1:
            return tuple(sorted((ours.commit, remote)))
        ours = needed[0]
    return (ours.commit,)


def _none_missing(one: Point, other: Point) -> bool:
    """Whether `other` has all operations of `one`."""
    return not one.operations & ~other.operations
