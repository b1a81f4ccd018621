"""The outcome of an exchange for one list, what is wished of it, and what a fetch showed."""

from __future__ import annotations

from gittasks.light import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gittasks.core.merge.resolution import Conflict
    from gittasks.errors import GittasksError
    from gittasks.store.commits import CommitInfo
    from gittasks.store.list_version import Heads, ListVersion


class SyncResult(NamedTuple):
    """Outcome for one list: operations that came in and went out, parents first.

    `branch` is the list as it is now, None when it could not be read; `conflicts` are all that
    are open, `error` says why the list is not in line with the remote.
    """

    list_id: str
    remote: str
    branch: ListVersion | None = None
    received: tuple[CommitInfo, ...] = ()
    sent: tuple[CommitInfo, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    created: bool = False
    """The remote did not have the list before."""
    absent: bool = False
    """The remote does not have the list."""
    behind: bool = False
    """The remote lacked operations that it had before."""
    removed: bool = False
    """The remote had the list and has it no more; all that is here was there."""
    kept: bool = False
    """There is a branch of a list here that was removed there."""
    deleted: bool = False
    """The list had been dropped, and was deleted here as it was there."""
    pushed_as: str | None = None
    """The branch that it is pushed to, where `gittasks.pushAs` names one."""
    taken: tuple[str, ...] = ()
    """Side branches that were taken in."""
    untaken: tuple[str, ...] = ()
    """Sentences about those that could not be."""
    rounds: int = 0
    lagging: tuple[str, ...] = ()
    error: GittasksError | None = None


class SyncOptions(NamedTuple):
    """Steps to take: `fetch` first, `push` at the end; take over a rewritten history or not."""

    fetch: bool
    push: bool
    accept_rewrite: bool = False
    first: bool = False
    """Push to a remote that has no branch yet, whatever the code."""


class Look(NamedTuple):
    """The news of a fetch of one list: the heads before it, absent lists, or how it failed."""

    before: Heads
    absent: frozenset[str] = frozenset()
    error: GittasksError | None = None
