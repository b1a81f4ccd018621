"""Checks of a repository and its lists, each with what to do."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from gittasks.core.invariants import violations
from gittasks.core.model import Unmerged
from gittasks.errors import GittasksError, RemoteFailure
from gittasks.store import acknowledged, damage, leftovers, merge_driver, transaction
from gittasks.store.list_store import ListStore
from gittasks.workspace import commit_links, sharing
from gittasks.workspace.session import lost_notice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gittasks.store.list_version import ListVersion
    from gittasks.workspace.session import Session


_NEWEST = 500
"""Commits of a list whose dates are looked at."""
_APART = {
    Unmerged.REWRITTEN: "its history there was rewritten",
    Unmerged.SHALLOW: "this clone is shallow",
    Unmerged.NEWER: "a later version of gittasks wrote it",
}

_LOCK_AGE = 60
"""Seconds for which a lock may be that of a program at work."""


class Symptom(NamedTuple):
    """Something to see to: in which list, if in one; what to do; whether it was done just now."""

    check: str
    list_id: str | None
    message: str
    hint: str
    fixed: bool = False


def examine(session: Session, *, fix: bool) -> list[Symptom]:
    """All findings, those of the repository first. Reads every list; writes only to fix."""
    lists = session.repository.known_lists()
    symptoms = [*_setup(session, shared=bool(lists), fix=fix), *_commits(session, fix=fix)]
    symptoms += _doubles(lists)
    symptoms += _gone(session, lists)
    symptoms += _locks(session, lists, fix=fix)
    for list_id in lists:
        store = ListStore(session.repository, list_id)
        try:
            symptoms += _damage(store, fix=fix)
            symptoms += _list(session, store, fix=fix)
        except GittasksError as error:
            hint = error.hint or f"see: git log {store.ref.removeprefix('refs/heads/')}"
            symptoms.append(Symptom("unreadable", list_id, error.message, hint))
    return symptoms


def _doubles(lists: Sequence[str]) -> Iterator[Symptom]:
    """Lists that a disk which ignores case would mix."""
    for number, list_id in enumerate(lists):
        for other in lists[number + 1 :]:
            if other.casefold() == list_id.casefold():
                yield Symptom(
                    "case",
                    list_id,
                    f"the lists {list_id} and {other} differ only in upper and lower case",
                    "on macOS and Windows they are one file: move the tasks of one of them to a "
                    "list of another name with: gittasks export, gittasks import",
                )


def _setup(session: Session, *, shared: bool, fix: bool) -> Iterator[Symptom]:
    repository = session.repository
    if repository.config.author is None:
        yield Symptom(
            "identity",
            None,
            "git knows no name for you",
            'git config --global user.name "Your Name", and user.email',
        )
    if shared and merge_driver.is_other(repository):
        yield Symptom(
            "merge-driver",
            None,
            "git config merge.gittasks.driver is set to something else than gittasks",
            "unset it, then: gittasks hooks install",
        )
    elif shared and not merge_driver.is_installed(repository):
        yield Symptom(
            "merge-driver",
            None,
            "plain git merge and git pull would merge task files line by line",
            "gittasks hooks install",
            fixed=fix and merge_driver.install(repository),
        )
    if repository.config.get("gc.auto") == "0":
        yield Symptom(
            "gc",
            None,
            "git config gc.auto is 0, so objects pile up as loose files",
            "run git gc now and then, or: git config --unset gc.auto",
        )


def _locks(session: Session, lists: Sequence[str], *, fix: bool) -> Iterator[Symptom]:
    """Locks that are there, whoever made them, and writers that others wait for."""
    common = session.repository.common
    for list_id in lists:
        lock = transaction.lock_of(ListStore(session.repository, list_id))
        if (holder := lock.holder()) and holder.stopped:
            yield Symptom(
                "writer",
                list_id,
                f"{holder} holds the list's lock, so that each write waits for it",
                f"let it go on (kill -CONT {holder.pid}), or end it",
            )
        elif fix:
            with lock:  # whoever takes it removes what a dead writer left
                pass
    for path, age in leftovers.locks(common):
        ours = any(path in remains.leftover_locks() for remains in leftovers.found(common))
        yield Symptom(
            "lock",
            None,
            f"{path} has been there for {age:.0f} seconds",
            "a git of ours that is dead left it: gittasks doctor --fix"
            if ours
            else "another program may be at work: look again in a minute"
            if age < _LOCK_AGE
            else "if no git is running here, that file is a leftover, and can be removed",
            fixed=fix and ours and leftovers.clear(common, [path]),
        )


def _commits(session: Session, *, fix: bool) -> Iterator[Symptom]:
    """Trailers of code commits that could not be applied."""
    if not commit_links.read(session.repository):
        return

    for row in commit_links.outstanding(session):
        yield Symptom(
            "commit",
            row.list_id or None,
            f'commit {row.sha[:7]} ({row.subject}) says "{row.trailer}": {row.why}',
            "see to that, then: gittasks doctor --fix; to let go of all such: "
            "gittasks hooks catch-up --dismiss",
            fixed=fix and commit_links.try_again(session, row),
        )


def _damage(store: ListStore, *, fix: bool) -> Iterator[Symptom]:
    """Objects of a list that cannot be had, fetched again from its remote when it has them."""
    losses = damage.damaged(store)
    if not losses:
        return
    remote = store.remote
    packs = [] if all(x.torn for x in losses) else damage.damaged_packs(store.repository)
    for path in packs:
        again = f"git fetch --refetch {remote}" if remote else "git fetch --refetch URL BRANCH"
        yield Symptom(
            "damage",
            None,
            f"the pack {path}, or its index, is damaged",
            f"move both away, then: {again}; keep them for what was never pushed",
        )
    failure, left = "", {loss.id for loss in losses}
    if fix and remote and not packs:
        try:
            left = {loss.id for loss in damage.bring_back(store, losses)}
        except RemoteFailure as error:
            failure = f"{error.message}; "
    for loss in losses:
        if packs:
            hint = "it may be in the damaged pack"
        elif not remote:
            hint = "fetch it from a clone that has it: git fetch --refetch URL BRANCH"
        elif fix:
            hint = f"{failure}fetch it from another clone: git fetch --refetch URL BRANCH"
        else:
            hint = f"gittasks doctor --fix fetches it again from {remote}"
        aside = f", in the file {loss.torn}" if loss.torn else ""
        yield Symptom(
            "damage", store.list_id, f"{loss.message}{aside}", hint, fixed=loss.id not in left
        )


def _list(session: Session, store: ListStore, *, fix: bool) -> Iterator[Symptom]:
    repository, list_id = session.repository, store.list_id
    branch = store.load()
    if branch.lost:
        yield _lost(list_id, branch.lost)
    yield from _sharing(store, branch, fix=fix)
    yield from _others(store)
    lost = [loss.id for loss in damage.damaged(store)] if branch.snapshot.problems else []
    for problem in branch.snapshot.problems:
        if any(object_id in problem.message for object_id in lost):
            continue  # of its objects, which is said already
        yield Symptom(
            "unreadable",
            list_id,
            str(problem),
            "repair the file by hand: git worktree add gives you the list's branch as files",
        )
    if not any(entry.name == ".gitattributes" for entry in branch.root):
        yield Symptom(
            "attributes",
            list_id,
            ".gitattributes is missing on the branch, so plain git merges line by line",
            "add one that says: tasks/*.yaml -text merge=gittasks",
        )
    parallel = repository.config.flag("gittasks.parallel")
    for trouble in violations(branch.snapshot, parallel=parallel):
        yield Symptom(trouble.kind, list_id, trouble.message, trouble.hint)


def _lost(list_id: str, count: int) -> Symptom:
    message, _, hint = lost_notice(list_id, count).partition("; ")
    return Symptom("lost", list_id, message, hint)


def _gone(session: Session, lists: Sequence[str]) -> Iterator[Symptom]:
    """Lists whose branch is gone with all that was made here."""
    for list_id in acknowledged.lists(session.repository):
        if list_id not in lists:
            count = len(acknowledged.lost(session.repository, list_id, ()))
            if count:
                yield _lost(list_id, count)


def _sharing(store: ListStore, branch: ListVersion, *, fix: bool) -> Iterator[Symptom]:
    if branch.apart:
        yield Symptom(
            "apart",
            store.list_id,
            f"what was fetched from {store.remote} cannot be merged: {_APART[branch.apart]}",
            "gittasks sync says what can be done",
        )
    elif branch.heads.local and branch.commit != branch.heads.local:
        lags = branch.heads.tracked is None or branch.commit != branch.heads.tracked
        hint, fixed = "the next change or gittasks pull brings it along", False
        if fix:
            try:
                fixed = bool(transaction.integrate(store))
            except GittasksError as error:
                hint = f"{error.message}; {error.hint or hint}"
        yield Symptom(
            "unmerged",
            store.list_id,
            "the branch lags behind what the list says"
            if lags
            else f"what was fetched from {store.remote} is not in the local branch yet",
            hint,
            fixed,
        )
    if branch.conflicts:
        word = "field was" if branch.conflicts == 1 else "fields were"
        yield Symptom(
            "conflicts",
            store.list_id,
            f"{branch.conflicts} {word} changed at once and differently",
            "gittasks conflicts",
        )


def _others(store: ListStore) -> Iterator[Symptom]:
    """Changes on another remote, and people whose clock is wrong."""
    for remote in sharing.unseen_elsewhere(store):
        yield Symptom(
            "elsewhere",
            store.list_id,
            f"{remote} holds changes that are not here",
            f"gittasks pull {remote} --list {store.list_id}",
        )
    author = store.repository.config.author
    for ahead in sharing.dates_ahead(islice(store.walk(), _NEWEST), author):
        yield Symptom(
            "clock",
            store.list_id,
            str(ahead),
            "set the clock that is wrong: what was done first goes by dates",
        )
