"""Checks of a repository and its lists, each with what to do.

Of a branch with a commit that nobody can read they name that commit, and the last one before it.
"""

from __future__ import annotations

import os
import re
from itertools import islice
from shlex import join, quote
from typing import TYPE_CHECKING, NamedTuple

from gittasks.core.ids import repair_of
from gittasks.core.model import Unmerged
from gittasks.core.rules import Symptom, violations
from gittasks.errors import Busy, DiskFailure, GittasksError, InvalidData
from gittasks.store import (
    acknowledged,
    lock_files,
    merge_driver,
    platform,
    side_branches,
    transaction,
)
from gittasks.store.commits import ancestors, read_commit
from gittasks.store.list_store import ListStore
from gittasks.store.list_tree import read_tree
from gittasks.store.objects import Malformed
from gittasks.store.refs import DamagedRef
from gittasks.store.repository import Repository
from gittasks.workspace import commit_links, news
from gittasks.workspace.damage import (
    Damage,
    DamagedPack,
    bring_back,
    clear_refs,
    damaged,
    damaged_packs,
    damaged_refs,
    exit_code,
    is_kept,
    rebuild_index,
    set_aside,
)
from gittasks.workspace.session import lost_ways, lost_words

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
    Unmerged.MALFORMED: "a commit there cannot be read",
}

_MOST = 20
"""Lost objects of a list that are named, each with its file; a damaged pack may hold them all."""
_LOCK_AGE = 60
"""Seconds for which a lock may be that of a program at work."""


def examine(session: Session, *, fix: bool) -> list[Symptom]:
    """All findings, those of the repository first. Reads every list; writes only to fix."""
    lists = session.repository.known_lists()
    symptoms: list[Symptom] = []
    for findings in (
        _setup(session, shared=bool(lists), fix=fix),
        _commits(session, fix=fix),
        _doubles(lists),
        _gone(session.repository),
        _locks(session, lists, fix=fix),
        _joint_index(session.repository, fix=fix),
    ):
        try:
            symptoms += findings
        except (GittasksError, OSError) as error:
            symptoms.append(_failed(error, None))
    for list_id in lists:
        store, losses = ListStore(session.repository, list_id), list[Damage]()
        try:
            symptoms += _removed(store)
            losses = damaged(store)
            symptoms += _damage(store, losses, fix=fix)
            symptoms += _list(session, store, losses, fix=fix)
        except Malformed:
            symptoms += _malformed(store)
        except DamagedRef:
            symptoms += _refs(store, fix=fix)
        except (GittasksError, OSError) as error:
            if isinstance(error, OSError) or error.where not in {loss.id for loss in losses}:
                symptoms.append(_failed(error, store))  # else said already, with what helps
    return symptoms


def _failed(error: GittasksError | OSError, store: ListStore | None) -> Symptom:
    """A check or a repair that came to no end; the others go on."""
    failure = DiskFailure.of(error) if isinstance(error, OSError) else error
    look = f"see: git log {store.ref.removeprefix('refs/heads/')}" if store else "look again"
    place = f"{failure.where}: " if isinstance(failure, (DiskFailure, Busy)) else ""
    list_id = store.list_id if store else None
    return Symptom("unreadable", list_id, f"{place}{failure.message}", failure.hint or look)


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
        store = ListStore(session.repository, list_id)
        lock, turn = transaction.lock_of(store), lock_files.turn_path_of(common, store.ref)
        writer, asker = lock.holder(), platform.holder_of(turn)
        for holder, waiting in ((writer, "write"), (asker, "claim")):
            if holder and holder.stopped:
                message = f"{holder} holds the list's lock, so that each {waiting} waits for it"
                hint = f"let it go on (kill -CONT {holder.pid}), or end it"
                yield Symptom("writer", list_id, message, hint)
        if fix and not (writer and writer.stopped):
            with lock:  # whoever takes it removes what a dead writer left
                pass
    for path, age in lock_files.git_locks(common):
        ours = any(remains.has_left(path) for remains in lock_files.leftovers(common))
        yield Symptom(
            "lock",
            None,
            f"{path} has been there for {age:.0f} seconds",
            "a git of ours that is dead left it: gittasks doctor --fix"
            if ours
            else "another program may be at work: look again in a minute"
            if age < _LOCK_AGE
            else "if no git is running here, that file is a leftover, and can be removed",
            fixed=fix and ours and lock_files.clear_leftovers(common, [path]),
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
            "resolve that, then: gittasks doctor --fix; to dismiss all of these: "
            "gittasks hooks catch-up --dismiss",
            fixed=fix and commit_links.try_again(session, row),
        )


def _removed(store: ListStore) -> Iterator[Symptom]:
    """Objects that git removed beside our writes; any command that misses one puts it back."""
    head = store.repository.refs.read(store.ref)
    count = store.repository.objects.put_back(store.ref, head, whole=True) if head else 0
    if count:
        words = "1 object was" if count == 1 else f"{count} objects were"
        yield Symptom(
            "removed",
            store.list_id,
            f"{words} removed by git while a change was written, and put back from the journal",
            "let no git prune, repack or incremental-repack run beside other work",
            fixed=True,
        )


def _damage(store: ListStore, losses: list[Damage], *, fix: bool) -> Iterator[Symptom]:
    """Objects of a list that cannot be had, brought back from where they can be."""
    if not losses:
        return
    packs = [] if all(x.torn for x in losses) else damaged_packs(store.repository)
    for pack in packs:
        yield _pack_symptom(store, pack, fix=fix)
    if fix and any(pack.sound for pack in packs):
        store.repository.objects.close()
        losses, packs = damaged(store), [pack for pack in packs if not pack.sound]
    failure, left = "", losses
    if fix and losses and not packs:
        failure, left = bring_back(store, losses)
    lost = {loss.id for loss in left}
    told = {loss.id: loss for loss in (*left, *losses)}
    for loss in [*told.values()][:_MOST]:
        if packs:
            hint = "it may be in the damaged pack"
        elif not fix and is_kept(store.repository, loss):
            hint = "gittasks doctor --fix writes it again from the journal"
        elif not fix and store.remote:
            hint = f"gittasks doctor --fix fetches it again from {store.remote}"
        else:
            hint = failure + _by_hand(loss, store.remote if failure else None)
        aside = f", in the file {loss.torn}" if loss.torn else ""
        yield Symptom(
            "damage", store.list_id, f"{loss.message}{aside}", hint, fixed=loss.id not in lost
        )
    if more := list(told)[_MOST:]:
        noun = "object" if len(more) == 1 else "objects"
        words = f"{len(more)} more {noun} of the list cannot be had"
        rest = not lost.isdisjoint(more)
        yield Symptom("damage", store.list_id, words, "as those above", fixed=fix and not rest)


def _by_hand(loss: Damage, remote: str | None) -> str:
    """The commands that fetch an object: git writes none over a file that lies there."""
    fetch = f"git fetch --refetch {remote or 'URL BRANCH'}"
    place = "when it can be reached" if remote else "from a clone that has it"
    if loss.torn:
        torn = quote(loss.torn)
        return f"{place}: mv {torn} {torn}.damaged, then: {fetch}"
    return f"{place}: {fetch}"


def _pack_symptom(store: ListStore, pack: DamagedPack, *, fix: bool) -> Symptom:
    """The fault of a pack; an index is made anew from a pack that is sound."""
    if pack.sound:
        fixed = fix and rebuild_index(store.repository, pack)
        hint = f"gittasks doctor --fix makes it anew, as does: git index-pack {quote(pack.path)}"
        message = f"the index of the pack {pack.path} is missing or damaged"
        return Symptom("damage", None, message, hint, fixed=fixed)
    again = f"git fetch --refetch {store.remote or 'URL BRANCH'}"
    hint = f"move both away, then: {again}; keep them for what was never pushed"
    return Symptom("damage", None, f"the pack {pack.path}, or its index, is damaged", hint)


def _joint_index(repository: Repository, *, fix: bool) -> Iterator[Symptom]:
    """A multi-pack-index that is of other packs, as git leaves it where two repacks met."""
    # Each pack has an index of its own, so that it can go; to a stale one git adds what is new.
    path = os.path.join(repository.common, "objects", "pack", "multi-pack-index")
    if not os.path.lexists(path) or exit_code(repository, "multi-pack-index", "verify") == 0:
        return
    if fix:
        set_aside(repository, path)
        repository.objects.close()
        # Without it git reads the index of each pack.
        exit_code(repository, "multi-pack-index", "write")
    by_hand = f"rm -f {quote(path)}, then: git multi-pack-index write"
    hint = f"gittasks doctor --fix moves it away and has git make it anew, as do: {by_hand}"
    yield Symptom("damage", None, f"{path} is damaged, or names packs that went", hint, fixed=fix)


def _list(
    session: Session, store: ListStore, losses: list[Damage], *, fix: bool
) -> Iterator[Symptom]:
    repository, list_id = session.repository, store.list_id
    branch = store.load()
    if branch.lost:
        yield _lost(list_id, branch.lost)
    yield from _sharing(store, branch, fix=fix)
    yield from _others(store)
    for problem in branch.snapshot.problems:
        if any(loss.id in problem.message for loss in losses):
            continue  # of its objects, which is said already
        if problem.is_other_list:
            error = transaction.other_list(store.repository, list_id, problem)
            yield Symptom("renamed", list_id, error.message, error.hint or "")
            continue
        yield Symptom("unreadable", list_id, str(problem), repair_of(problem))
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
    hint = "; ".join(map(str, lost_ways(list_id)))
    return Symptom("lost", list_id, lost_words(list_id, count), hint)


def _gone(repository: Repository) -> Iterator[Symptom]:
    """Lists whose branch is nowhere any more, with the commit that it was at."""
    for list_id, count in acknowledged.gone(repository).items():
        symptom, heads = _lost(list_id, count), acknowledged.all_heads(repository, list_id)
        yield symptom._replace(message=f"{symptom.message}; it was at {heads[0]}")


def _refs(store: ListStore, *, fix: bool) -> Iterator[Symptom]:
    """Ref files that hold no commit id; one of which nothing is remembered says nothing."""
    heads = acknowledged.all_heads(store.repository, store.list_id)
    names = damaged_refs(store)
    if not (remembered := bool(heads) and store.ref in names) and fix:
        with transaction.lock_of(store):
            clear_refs(store, acknowledged.Record())
    for name in names:
        hint = "gittasks doctor --fix moves it away"
        if remembered:
            hint = f"it was at {heads[0]}; {lost_ways(store.list_id)[0]}"
        elif store.remote:
            hint += f", and then: gittasks pull --list {store.list_id}"
        words = f"the ref file {name} is damaged: it holds no commit id"
        yield Symptom("damage", store.list_id, words, hint, fixed=fix and not remembered)


def _malformed(store: ListStore) -> Iterator[Symptom]:
    """Commits that nobody can read, with the command that takes the branch back behind them."""
    heads, branch = store.heads(), store.ref.removeprefix("refs/heads/")
    for head in dict.fromkeys(filter(None, heads.all)):
        if (fault := fault_of(store.repository, head)) is None:
            continue
        remote = None if head == heads.local else store.remote or "REMOTE"
        author = f", by {fault.author}," if fault.author else ""
        place = f"{remote}/{branch}" if remote else branch
        hint = f"nothing before it can be read: have {branch} pushed by force from a good clone"
        if fault.last_good:
            lease = f"--force-with-lease={branch}:{head}"
            push = ["git", "push", lease, remote or "", f"{fault.last_good}:{store.ref}"]
            back = push if remote else ["git", "update-ref", store.ref, fault.last_good, head]
            hint = f"take the branch back to the commit before it: {join(back)}"
            if fault.spoiled > 1:
                hint += f"; {fault.spoiled} commits go with that: git log {fault.last_good}..{head}"
        words = f"the commit {fault.commit}{author} in {place} cannot be read"
        yield Symptom("malformed", store.list_id, words, hint)


def _sharing(store: ListStore, branch: ListVersion, *, fix: bool) -> Iterator[Symptom]:
    if branch.apart is Unmerged.MALFORMED:
        yield from _malformed(store)
    elif branch.apart:
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
    for remote in news.unseen_elsewhere(store):
        yield Symptom(
            "elsewhere",
            store.list_id,
            f"{remote} holds changes that are not here",
            f"gittasks pull {remote} --list {store.list_id}",
        )
    for side in side_branches.unmerged(store):
        yield Symptom(
            "elsewhere",
            store.list_id,
            f"{side.name} holds changes that are not here",
            f"gittasks pull --list {store.list_id}",
        )
    author = store.repository.config.author
    for ahead in news.dates_ahead(islice(store.walk(), _NEWEST), author):
        yield Symptom(
            "clock",
            store.list_id,
            str(ahead),
            "set the clock that is wrong: what was done first goes by dates",
        )


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
