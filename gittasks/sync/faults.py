"""What can be wrong between a list here and the same list on a remote, as errors."""

from __future__ import annotations

from gittasks.core.model import Unmerged
from gittasks.errors import (
    FormatTooNew,
    GittasksError,
    HistoryRewritten,
    NoList,
    RemoteFailure,
)


def rewritten(list_id: str, remote: str) -> HistoryRewritten:
    """The remote's history lost something."""
    return HistoryRewritten(
        f'the history of "{list_id}" was rewritten on {remote}: it no longer holds what was '
        "fetched or pushed before, so nothing was merged",
        hint="ask who did that; gittasks sync --accept-rewrite merges both histories, and "
        "nothing here is lost",
        details={"list": list_id},
    )


def removed(list_id: str, remote: str) -> HistoryRewritten:
    """The remote has the list no more."""
    return HistoryRewritten(
        f'"{list_id}" was removed from {remote}, which had it before',
        hint="it is all here still; push it there again with: gittasks push --accept-rewrite",
        details={"list": list_id},
    )


def shallow(list_id: str, remote: str) -> RemoteFailure:
    """A shallow clone lacks what a merge needs."""
    return RemoteFailure(
        f'"{list_id}" cannot be merged: this is a shallow clone, which lacks where the two '
        "histories part",
        hint=f"get the whole history with: git fetch --unshallow {remote}",
        details={"list": list_id},
    )


def newer(list_id: str, remote: str) -> FormatTooNew:
    """Somebody works on the list with a later version of gittasks."""
    return FormatTooNew(
        f'"{list_id}" on {remote} was written by a later version of gittasks',
        hint="update gittasks: pip install --upgrade gittasks; your work is safe here until then",
        details={"list": list_id},
    )


def apart(why: Unmerged, list_id: str, remote: str) -> GittasksError:
    """The error for a branch that what was fetched is not in; see `Branch.apart`."""
    errors = {Unmerged.SHALLOW: shallow, Unmerged.NEWER: newer, Unmerged.REWRITTEN: rewritten}
    return errors[why](list_id, remote)


def refused(list_id: str, remote: str, reason: str) -> RemoteFailure:
    """The remote does not take it, or says nothing."""
    return RemoteFailure(
        f'{remote} refused "{list_id}": {reason or "it ended the connection without a word"}',
        hint="your work is safe in the local branch; it is not on the remote",
        details={"list": list_id},
    )


def nowhere(list_id: str, remote: str) -> NoList:
    """There is no such list, neither here nor there."""
    return NoList(
        f'there is no task list "{list_id}" here or on {remote}',
        hint=f"make it with: gittasks init {list_id}",
    )


def not_taken(list_id: str, remote: str, reason: str) -> RemoteFailure:
    """The remote did not take a write that it has to agree to, so it was not made here either."""
    return RemoteFailure(
        f'{remote} did not take the change to "{list_id}": {reason or "no reason was given"}',
        hint="nothing was changed; try again, or work without asking the remote: --offline",
        details={"list": list_id},
    )


def in_doubt(error: RemoteFailure, list_id: str) -> RemoteFailure:
    """The connection ended in the middle of a push, and the remote cannot be asked any more."""
    return RemoteFailure(
        f"{error.message}; it may have taken the change before that",
        hint="look whether it did, as soon as it can be reached: gittasks pull",
        details={"list": list_id, "uncertain": True},
    )
