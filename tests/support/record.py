"""What was acknowledged in clones of a list, and what may therefore be shown.

Kept beside the clones and worked out from git's own ancestry, without asking the merge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from gittasks.core.changes import strictly_equal
from gittasks.core.merge.registers import ABSENT, STATE, Register, State, registers
from gittasks.core.merge.resolution import EXISTS, Conflict
from gittasks.core.model import Snapshot
from gittasks.core.trailers import parse_kept
from gittasks.store.commits import CommitInfo
from gittasks.store.list_version import MERGE_SIGNER
from gittasks.store.merge_files import task_of
from support.repositories import Repo

Place = tuple[str, Register]
"""A task ("" for the list itself) and a register of it."""
TITLE: Place = ("", ("title",))


def said(snapshot: Snapshot) -> dict[Place, Any]:
    """All that a list says and that is not as it is by default."""
    found: dict[Place, Any] = {TITLE: snapshot.info.title} if snapshot.info.title else {}
    for task in snapshot.tasks.values():
        found[task.id, EXISTS] = True
        for register, value in registers(task).items():
            if value is not None and not (register == STATE and value == State()):
                found[task.id, register] = value
    return found


def changes(before: Snapshot, after: Snapshot) -> dict[Place, Any]:
    """What was written between two versions, None for what is no more.

    Who removes a file says nothing else about it; who writes a status also writes the result
    that stands with it.
    """
    old, new = said(before), said(after)
    found = {p: new.get(p) for p in {**old, **new} if not strictly_equal(old.get(p), new.get(p))}
    gone = before.tasks.keys() - after.tasks.keys()
    results = {(task, ("result",)) for task, register in found if register == STATE}
    found = {**{p: new.get(p) for p in results}, **found}
    found = {p: v for p, v in found.items() if p[0] not in gone or p[1] == EXISTS}
    return {**{(task, EXISTS): True for task, _ in found if task in after.tasks}, **found}


def stands(conflicts: Iterable[Conflict]) -> dict[Place, Any]:
    """What is told to stand where something competes, in the words of `said`.

    Of a file that cannot be read, nothing else tells it.
    """
    found: dict[Place, Any] = {}
    for conflict in conflicts:
        value = conflict.winner.value
        default = value is ABSENT or (conflict.register == STATE and value == State())
        found[_place(conflict.path, conflict.register)] = None if default else value
    return found


def kept(message: str) -> list[Place]:
    """Where a commit says that it writes again what stands, `Gittasks-Keep`; and so that the task
    is there."""
    places = [_place(path, register) for path, register in parse_kept(message)]
    return list(dict.fromkeys([*places, *((task, EXISTS) for task, _ in places if task)]))


def _place(path: str, register: Register) -> Place:
    return task_of(path) or "", register


class Wished(NamedTuple):
    """One commit's write; one that is not `meant` need not count: a merge may have chosen it."""

    commit: int
    value: Any
    meant: bool


class Standing(dict[Place, list[Any]]):
    """By register the values that it may show: those that nobody has overwritten since."""

    unsure: set[Place]
    """Where some value is one that need not count."""


class Record:
    """Every acknowledged write, by commit."""

    def __init__(self) -> None:
        self.writes: dict[str, Mapping[Place, Any]] = {}
        self.picks: dict[str, Mapping[Place, Any]] = {}
        """What somebody who repaired a file may have chosen, or only left as it was."""
        self.due: set[str] = set()
        """The commits that every history has to hold in the end."""

    def add(self, commit: str, writes: Mapping[Place, Any]) -> None:
        self.writes[commit] = writes
        self.due.add(commit)

    def diff(self, repo: Repo, commit: str, hidden: Mapping[Place, Any]) -> dict[Place, Any]:
        """What a commit changed; of files that cannot be read before or after it, `hidden`."""
        store = repo.workspace("plan").store
        ids = (store.commit(commit).parents[0], commit)
        before, after = (store.load_at(i).snapshot for i in ids)
        closed = before.unreadable | after.unreadable
        found = {p: v for p, v in changes(before, after).items() if p[0] not in closed}
        return {**found, **{p: v for p, v in hidden.items() if p[0] in closed}}

    def replay(self, repo: Repo, old: Iterable[str], new: Iterable[str]) -> None:
        """Commits were made anew elsewhere: what the copies write counts, the originals may go."""
        store = repo.workspace("plan").store
        known = {store.commit(c).message: c for c in old if c in self.writes}
        self.due -= set(old)
        for commit in new:
            message = store.commit(commit).message
            if kept(message):  # a copy keeps what stands where it is now: `_picked` has that
                self.due.add(commit)
                continue
            if (origin := known.get(message)) is None:
                continue
            self.add(commit, self.diff(repo, commit, self.writes[origin]))
            if origin in self.picks:
                self.picks[commit] = self.picks[origin]

    @contextmanager
    def loosened(self, repo: Repo, commits: Iterable[str]) -> Iterator[None]:
        """Before commits are made anew elsewhere: those that keep what stands may find something
        else there, or no file, and are never in git's way."""
        store = repo.workspace("plan").store
        found = [c for c in commits if c in self.writes and kept(store.commit(c).message)]
        writes = {commit: self.writes.pop(commit) for commit in found}
        yield
        self.writes |= writes

    def torn(self, repo: Repo, old: Iterable[str], onto: str) -> dict[Place, list[Any]]:
        """What commits wrote that are to be made anew, and others in what they are put on."""
        found: dict[Place, list[Any]] = defaultdict(list)
        for commit in old:
            writes = self.writes.get(commit, {})
            for other in repo.git("rev-list", onto, f"^{commit}").split():
                theirs = self.writes.get(other, {})
                for place in writes.keys() & theirs.keys():
                    found[place] += [writes[place], theirs[place]]
        mine = [self.writes.get(commit, {}) for commit in old]
        return {p: [*values, *(w[p] for w in mine if p in w)] for p, values in found.items()}

    def standing(self, repo: Repo, *heads: str) -> Standing:
        """What may be shown at these heads together."""
        store = repo.workspace("plan").store
        order = repo.git("rev-list", "--topo-order", "--reverse", *heads).split()
        bits = {commit: 1 << n for n, commit in enumerate(order)}
        reached: dict[str, int] = {}
        wishes: dict[Place, list[Wished]] = defaultdict(list)
        for commit in order:
            info = store.commit(commit)
            reached[commit] = bits[commit]
            for parent in info.parents:
                reached[commit] |= reached[parent]
            for place, value in self.writes.get(commit, {}).items():
                wishes[place].append(Wished(reached[commit], value, True))
            for place, value in self._picked(repo, info, wishes, reached):
                wishes[place].append(Wished(reached[commit], value, False))
        whole = 0
        for head in heads:
            whole |= reached[head]
        found = {place: _unbeaten(made, whole) for place, made in wishes.items()}
        standing = Standing((p, _distinct(w.value for w in left)) for p, left in found.items())
        standing.unsure = {p for p, left in found.items() if not all(w.meant for w in left)}
        return standing

    def _picked(
        self,
        repo: Repo,
        commit: CommitInfo,
        wishes: Mapping[Place, Sequence[Wished]],
        reached: Mapping[str, int],
    ) -> list[tuple[Place, Any]]:
        """What a commit that nobody acknowledged may have chosen among what competed."""
        named: list[Place] = []
        if commit.id in self.picks:
            values = self.picks[commit.id]
        elif commit.id in self.writes or commit.committer.person == MERGE_SIGNER:
            return []
        else:
            branch = repo.workspace("plan").store.load_at(commit.id)
            named = kept(commit.message)
            values = {**dict.fromkeys(named or wishes), **said(branch.snapshot)}
            lost = {p.task for p in branch.snapshot.problems}
            values = {p: v for p, v in values.items() if p[0] not in lost}
        whole = 0
        for parent in commit.parents:
            whole |= reached[parent]
        found = []
        for place in named or values:
            left = _distinct(w.value for w in _unbeaten(wishes.get(place, ()), whole))
            shown = [v for v in left if place in values and strictly_equal(v, values[place])]
            if named:  # it writes whatever stands there, also where that cannot be read
                found += [(place, value) for value in shown or left]
            elif len(left) > 1:
                found += [(place, value) for value in shown]
        return found

    def faults(self, standing: Standing, snapshot: Snapshot) -> list[str]:
        """Where a list shows what it must not: a sole write is lost, or nobody wrote that."""
        shown, found = said(snapshot), []
        hidden = {p.task for p in snapshot.problems}
        for place in {**standing, **shown}:
            task, register = place
            if task in hidden or (task and register != EXISTS and task not in snapshot.tasks):
                continue
            left, value = standing.get(place, [None]), shown.get(place)
            there = register == EXISTS and place not in standing.unsure and True in left
            if not any(strictly_equal(value, v) for v in ([True] if there else left)):
                found.append(f"{task} {register}: {value!r} is shown, not {left!r}")
        return found


def _unbeaten(wishes: Sequence[Wished], whole: int) -> list[Wished]:
    """Those in a history that no later one, which was meant, is there for; see `Record`."""
    found: list[Wished] = []
    beaten = 0
    for wish in reversed(wishes):
        own = 1 << (wish.commit.bit_length() - 1)  # the commit is the last of all that it reaches
        if whole & own and not beaten & own:
            found.append(wish)
            beaten |= wish.commit if wish.meant else 0
    return found


def _distinct(values: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if not any(strictly_equal(value, v) for v in found):
            found.append(value)
    return found


def last_readable(repo: Repo, commit: str, task: str) -> str:
    """The commit itself if a task can be read there, else the one that it was broken on; or ""."""
    store, path = repo.workspace("plan").store, f"tasks/{task}.yaml"
    while task not in store.load_at(commit).snapshot.tasks:
        entry = repo.git("ls-tree", commit, path).split()
        if not entry:
            return ""
        changes = ["--format=%H", "--topo-order", "--reverse", "-m", f"--find-object={entry[2]}"]
        commit = store.commit(repo.git("log", *changes, commit).split()[0]).parents[0]
    return commit
