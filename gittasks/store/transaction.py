"""Write one list: the transaction that every change goes through.

Read the head, let the caller propose a snapshot, write blobs, tree and commit, then move the
ref once, guarded by the head that was read. A lost race asks the caller again on the new head.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import dulwich.objects  # noqa: F401  loaded here, not while the lock is held

from gittasks.core.model import Snapshot
from gittasks.errors import Busy, InvalidData
from gittasks.store import checkouts, history, home, prune, refs, upkeep
from gittasks.store.branch import next_branch, root_objects
from gittasks.store.disk import make_folders
from gittasks.store.history import Signature
from gittasks.store.layout import Branch, Heads
from gittasks.store.list_store import ListStore
from gittasks.store.lock import ListLock
from gittasks.store.objects import NewObject
from gittasks.store.retry import Backoff

if TYPE_CHECKING:
    from gittasks.store.evaluation import Evaluated

_ATTEMPTS = 50
"""Races that one operation may lose; each loss means that somebody else's write went in."""
_BACKOFF = Backoff(first=0.005, most=0.5)


class Proposal(NamedTuple):
    """What a caller wants the list to become, and the commit message that says so."""

    after: Snapshot
    message: str


class Written(NamedTuple):
    """What `update` did: the commit it made, None if nothing changed.

    `lagging` are folders that have the list's branch checked out and could not be brought along:
    there `git status` now shows the change taken back.
    """

    commit: history.CommitInfo | None
    lagging: tuple[str, ...] = ()


class Composed(NamedTuple):
    """A commit that could be made: itself, the branch after it, the objects to write."""

    commit: history.CommitInfo
    after: Branch
    objects: list[NewObject]


class Integrated(NamedTuple):
    """What `integrate` found, and the checkouts that it could not bring along; see `Written`."""

    found: Evaluated
    lagging: tuple[str, ...] = ()


class Signatures(NamedTuple):
    """Author and committer of the commits that this process makes."""

    author: Signature
    committer: Signature


Propose = Callable[[Branch], Proposal | None]
"""Decides on the head it is given; None means there is nothing to change. May be called again."""


def create(store: ListStore) -> bool:
    """Make the local branch: at what was fetched, else empty. False if it was there."""
    common = store.repository.common
    with _lock(store) as lock:
        if refs.read(common, store.ref):
            return False
        refs.check_creatable(common, store.ref)
        commit = store.heads().tracked
        new: list[NewObject] = []
        if commit is None:
            new = root_objects(store.list_id)
            store.repository.objects.write(new)
            commit = new[-1].id
        made = _move(store, lock, None, commit, "create")
        if made:
            _adopt(store)
            prune.settle(store.repository, new)
        return made


def hold(store: ListStore) -> None:
    """Let the local branch hold what the remote had, before that is forgotten for what it has."""
    found = store.evaluate()
    if found.branch.apart is None and not found.behind:
        return
    if found.branch.heads.local:
        integrate(store)
        return
    with _lock(store) as lock:
        refs.check_creatable(store.repository.common, store.ref)
        store.repository.objects.write(found.new)
        if _move(store, lock, None, found.branch.commit, "create"):
            _adopt(store)
            prune.settle(store.repository, found.new)


def update(store: ListStore, propose: Propose, signatures: Signatures) -> Written:
    """Apply `propose` to the head until it sticks; return what was written.

    When it returns, the change is on the disk and in the history. Raises whatever `propose`
    raises, Refused for a dirty checkout, Busy when other writers always came first.
    """
    with _lock(store) as lock:
        for attempt in range(_ATTEMPTS):
            written = _try(store, lock, propose, signatures)
            if written is not None:
                break
            _BACKOFF.wait(attempt)
        else:
            raise _always_beaten(store)
    if upkeep.is_due(store.repository):
        upkeep.start(store.repository)
    return written


def _always_beaten(store: ListStore) -> Busy:
    return Busy(
        f'other writers changed "{store.list_id}" {_ATTEMPTS} times in a row',
        hint="nothing was written; run this again in a moment",
    )


def _try(
    store: ListStore, lock: ListLock, propose: Propose, signatures: Signatures
) -> Written | None:
    """One attempt; None when another writer moved the ref first."""
    repository = store.repository
    local = refs.read(repository.common, store.ref)
    branch = store.load()
    if branch.heads.local != local:
        return None
    proposal = propose(branch)
    if proposal is None:
        return Written(None)
    new: list[NewObject] = []
    if branch.in_memory:  # what the operation stands on is written along with it
        found = store.evaluate()
        if found.branch.commit != branch.commit:
            return None
        branch, new = found.branch, list(found.new)
    made = compose(store, branch, proposal, signatures)
    subject = proposal.message.partition("\n")[0]
    lagging = _put(
        store, lock, local, made.commit.id, [*new, *made.objects], subject, signatures.committer
    )
    if lagging is None:
        return None
    if not _settles(branch, made.after):
        heads = Heads(made.commit.id, branch.heads.tracked)
        store.remember(made.after._replace(commit=made.commit.id, heads=heads))
    return Written(made.commit, lagging)


def compose(
    store: ListStore, branch: Branch, proposal: Proposal, signatures: Signatures
) -> Composed:
    """The commit of a proposal on top of a branch, and all objects that are new; unwritten."""
    check_writable(branch)
    tree, after, objects = next_branch(store.repository.objects, branch, proposal.after)
    parents = (branch.commit,)
    commit = history.new_commit(tree, parents, *signatures, proposal.message)
    info = history.CommitInfo(commit.id, tree, parents, *signatures, proposal.message)
    return Composed(info, after, [*objects, commit])


def _settles(before: Branch, after: Branch) -> bool:
    """Whether a change may have settled a conflict: then the next look works that out."""
    return any(
        path == "list.yaml" or before.files.get(i) != after.files.get(i)
        for path in before.contested
        for i in [path.removeprefix("tasks/").removesuffix(".yaml")]
    )


def integrate(store: ListStore) -> Integrated:
    """Bring the local branch to what the list says, with what was fetched from its remote.

    A list that is only on the remote gets no local branch by that. Raises as `update` does, and
    NoList.
    """
    with _lock(store) as lock:
        for attempt in range(_ATTEMPTS):
            found = store.evaluate()
            local, target = found.branch.heads.local, found.branch.commit
            if local is None or local == target:
                return Integrated(found)
            check_writable(found.branch)
            lagging = _put(store, lock, local, target, found.new, "merge")
            if lagging is not None:
                heads = found.branch.heads._replace(local=target)
                store.remember(found.branch._replace(heads=heads))
                return Integrated(found, lagging)
            _BACKOFF.wait(attempt)
    raise _always_beaten(store)


def _put(
    store: ListStore,
    lock: ListLock,
    old: str | None,
    new: str,
    objects: Sequence[NewObject],
    subject: str,
    who: Signature | None = None,
) -> tuple[str, ...] | None:
    """Write the objects of commit `new` and move the ref there; None when it was not at `old`.

    Returns the folders of checkouts that could not be brought along.
    """
    repository = store.repository
    if old is None:
        refs.check_creatable(repository.common, store.ref)
    found = checkouts.find_clean(repository, store.ref, old or new)
    repository.objects.write(objects)
    checkouts.check_movable(repository, found, new)
    if not _move(store, lock, old, new, subject, who):
        return None
    if old is None:
        _adopt(store)
    prune.settle(repository, objects)
    return checkouts.bring_along(repository, found, new)


def _adopt(store: ListStore) -> None:
    """A list that was fetched has its branch here now: from where is written down with it."""
    if store.remote and store.heads().tracked:
        home.adopt(store.repository, store.list_id, store.remote)


def check_writable(branch: Branch) -> None:
    """Raise InvalidData when the list itself, or where its tasks are, cannot be read."""
    fatal = (p for p in branch.snapshot.problems if p.path in ("list.yaml", "tasks"))
    if problem := next(fatal, None):
        raise InvalidData(
            f"{problem.path} cannot be read, so the list is not written: {problem.message}",
            where=f"{problem.path}:{problem.line}" if problem.line else problem.path,
            hint="repair it by hand: git worktree add gives you the list's branch as files",
        )


def _move(
    store: ListStore,
    lock: ListLock,
    old: str | None,
    new: str,
    subject: str,
    who: Signature | None = None,
) -> bool:
    person = who or Signature("gittasks <root@gittasks.invalid>", int(time.time()))
    return refs.move(
        store.repository.common,
        store.ref,
        old,
        new,
        marks=lock,
        reflog=lambda was, now: _append_reflog(store, was, now, person, subject),
        shared=store.repository.shared,
    )


def _append_reflog(store: ListStore, old: str, new: str, who: Signature, subject: str) -> None:
    """Record the move as git does (`core.logAllRefUpdates`; on unless bare)."""
    path = os.path.join(store.repository.common, "logs", store.ref)
    setting = store.repository.config.get("core.logallrefupdates")
    bare = store.repository.config.flag("core.bare")
    wanted = not bare if setting is None else setting.lower() not in ("false", "no", "off", "0")
    if not wanted and not os.path.exists(path):
        return
    sign, minutes = "-" if who.zone < 0 else "+", abs(who.zone)
    zone = f"{sign}{minutes // 60:02d}{minutes % 60:02d}"
    line = f"{old} {new} {who.person} {who.time} {zone}\tgittasks: {subject}\n"
    try:
        make_folders(os.path.dirname(path), store.repository.shared)
        with open(path, "ab") as file:
            file.write(line.encode("utf-8", "surrogateescape"))
        if old == refs.ZERO:
            store.repository.shared.apply(path)
    except OSError:
        return  # the reflog is a convenience; the branch itself holds the history


def _lock(store: ListStore) -> ListLock:
    common, name = store.repository.common, store.ref.removeprefix("refs/heads/")
    path = os.path.join(common, "gittasks", "lock", name)
    return ListLock(path, refs.lock_path(common, store.ref), store.repository.shared)
