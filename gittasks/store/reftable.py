"""Refs in a reftable, read and moved by git: it alone knows that format, and how to lock it.

What lists need of them is kept as it was last read, under the bytes of `tables.list`: the names of
the tables have a random part and a table never changes, so equal bytes mean equal refs. The file's
times and inode would not do: a stack that is compacted gets those of an earlier one back. A read of
refs that have not moved runs no git, nor does one after a move of ours that nobody came between:
each move raises the last number in the stack by one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from gittasks import light
from gittasks.errors import DiskFailure, InvalidData
from gittasks.light import TYPE_CHECKING, NamedTuple
from gittasks.store import disk, git, lock_files
from gittasks.store.disk import Backoff
from gittasks.store.refs import (
    LockMarker,
    Logged,
    Reason,
    deletions,
    in_the_way,
    still_locked,
    sync_before,
    sync_move,
)

if TYPE_CHECKING:
    from gittasks.store.discovery import GitDir
    from gittasks.store.git import Completed

_FILE = disk.CacheFile("refs", 1)
_LOOKS = 3
"""Reads of refs that others move meanwhile, before what was read is used and not kept."""
_PATIENCE = 10.0
"""Seconds to wait while other programs have the stack locked, which git does for milliseconds."""
_BACKOFF = Backoff(first=0.02, most=0.5, least=0.5)
_LOCKED = ("cannot lock references", "data is locked", "File exists")
"""Git's ways to say that another program has the stack locked."""
_NO_OBJECT = b"nonexistent object"
"""Git's words for an id that no object has: a prune took it before a ref named it."""
_RESTORATIONS = 50
"""Times that the objects of one move are written again; a prune that goes on may win as often."""
_OURS = "refs/gittasks/"
_REMOTES = "refs/remotes/"
_OPTIONS = ("-c", "hook.reference-transaction.enabled=false", "-c", "core.fsync=reference")
"""Options of a git that moves refs: it runs no hook, and syncs them, as it does only when told."""
_ROW = "--format=%(objectname) %(refname) %(symref)"


class _Snapshot(NamedTuple):
    """The refs that lists need, as they were while `tables.list` held these bytes.

    `heads` are the refs that HEAD of worktrees points to, each with the bytes of the worktree's
    own `tables.list`; the main one has none of its own, and stands under "". Where a ref is
    `symbolic`, a move of one moves another.
    """

    tables: str
    refs: dict[str, str]
    heads: dict[str, tuple[str, str | None]]
    symbolic: bool = False


class TableRefs:
    """The refs of a repository with a reftable; as `Refs` has it."""

    def __init__(
        self,
        place: GitDir,
        start: str,
        env: Mapping[str, str],
        shared: disk.Sharing,
        prefix: str,
        cache: str,
    ) -> None:
        self._common, self._git_dir = place.common, place.path
        self._start, self._env, self._shared = start, env, shared
        self._prefix = prefix
        self._remote = f"/{prefix.removeprefix('refs/heads/')}"
        self._cache = cache
        self._snapshot: _Snapshot | None = None
        self._outlasted: tuple[int, int] | None = None
        """The lock that was still there when a move gave up."""

    # --- reading ---------------------------------------------------------------------------------

    def read(self, name: str) -> str | None:
        if self._keeps(name):
            return self._current().refs.get(name)
        return dict(self._ask(name)).get(name)

    def listed(self, prefix: str) -> Iterator[tuple[str, str]]:
        rows = (
            self._current().refs.items()
            if self._keeps(prefix)
            else self._ask(os.path.dirname(prefix))
        )
        yield from sorted((name, value) for name, value in rows if name.startswith(prefix))

    def below(self, folder: str) -> set[str]:
        refs = self._current().refs
        return {name[len(folder) :].partition("/")[0] for name in refs if name.startswith(folder)}

    def head(self, git_dir: str) -> str | None:
        name, tables = self._worktree(git_dir), self._tables(git_dir)
        known = self._current().heads.get(name)
        if known is None or known[0] != tables:
            known = (tables, self._ask_head(git_dir))
            self._keep(self._current()._replace(heads={**self._current().heads, name: known}))
        return known[1]

    def trace(self, names: Iterable[str]) -> tuple[object, ...]:  # noqa: ARG002
        return (self._tables(self._common),)

    def stored_name(self, name: str) -> str | None:
        if self.read(name):
            return name
        # The table tells the two names apart, and the files that are kept of a list do not.
        if not os.path.lexists(os.path.join(self._common, "REFTABLE")):
            return None
        folded = name.casefold()
        return next((n for n in self._current().refs if n.casefold() == folded), None)

    def check_creatable(self, name: str) -> None:
        # All that can be in the way stands below the part that follows refs/heads/ or the like.
        names = [other for other, _ in self._ask("/".join(name.split("/")[:3]))]
        for other in names:
            if name.startswith(f"{other}/") or other.startswith(f"{name}/"):
                raise in_the_way(other, name)

    def _keeps(self, name: str) -> bool:
        """Is a ref, or are all that begin so, among those that are kept?"""
        if name.startswith(_REMOTES):
            return self._remote in name[len(_REMOTES) :]
        return name.startswith((self._prefix, _OURS))

    def _current(self) -> _Snapshot:
        """The refs as they are now; InvalidData."""
        tables = self._tables(self._common)
        if self._snapshot is None:
            self._snapshot = self._read_cache()
        if self._snapshot is None or self._snapshot.tables != tables:
            self._snapshot = self._refreshed()
        return self._snapshot

    def _refreshed(self) -> _Snapshot:
        """The refs as git reads them, kept where nobody moved one meanwhile."""
        name = self._worktree(self._git_dir)
        folders = [os.path.dirname(self._prefix), _REMOTES, _OURS, "HEAD"]
        for _ in range(_LOOKS):
            before = (self._tables(self._common), self._tables(self._git_dir))
            output = self._read_git(["for-each-ref", "--include-root-refs", _ROW, *folders])
            rows = [line.split(" ") for line in output.splitlines()]
            targets = [target or None for _, ref, target in rows if ref == "HEAD"]
            refs = {ref: value for value, ref, _ in rows if self._keeps(ref)}
            symbolic = any(target for _, ref, target in rows if ref in refs)
            # Nobody's commit is on a branch that is yet to be born.
            head = targets[0] if targets else self._ask_head(self._git_dir)
            if before == (self._tables(self._common), self._tables(self._git_dir)):
                if not self._are_whole(before[0]):
                    continue
                known = self._snapshot.heads if self._snapshot else {}
                heads = {**known, name: (before[1], head)}
                snapshot = _Snapshot(before[0], refs, heads, symbolic)
                self._keep(snapshot)
                return snapshot
        return _Snapshot("", refs, {name: (before[1], head)})

    def _are_whole(self, tables: str) -> bool:
        """Are all tables of a stack there? False where it was compacted since it was read.

        Raises InvalidData for a stack of which a table is lost: git takes it for an empty one.
        """
        for line in tables.split("\n"):
            path = os.path.join(self._common, "reftable", line)
            if line and not _has_content(path):
                # Git removes a table only after it has put a list in place without it.
                if self._tables(self._common) != tables:
                    return False
                raise InvalidData(
                    "the reftable is damaged: a table of it is missing or empty",
                    where=path,
                    hint="see what git says with: git refs verify",
                )
        return True

    def _keep(self, snapshot: _Snapshot) -> None:
        self._snapshot = snapshot
        body = light.write_json([self._prefix, *snapshot]).encode("ascii")
        _FILE.write(self._cache, body, self._shared)

    def _read_cache(self) -> _Snapshot | None:
        body = _FILE.read(self._cache)
        if body is None:
            return None
        try:
            prefix, tables, refs, heads, symbolic = light.read_json(body)
            heads = {name: (key, target) for name, (key, target) in heads.items()}
        except (ValueError, TypeError, AttributeError):
            return None
        return _Snapshot(tables, refs, heads, symbolic) if prefix == self._prefix else None

    def _tables(self, git_dir: str) -> str:
        """The names of the tables of a stack, which stand for what is in them."""
        try:
            path = os.path.join(git_dir, "reftable", "tables.list")
            return disk.read(path).decode("ascii", "replace")
        except OSError:
            return ""

    def _worktree(self, git_dir: str) -> str:
        return "" if git_dir == self._common else os.path.basename(git_dir)

    def _ask(self, pattern: str) -> Iterator[tuple[str, str]]:
        for line in self._read_git(["for-each-ref", _ROW, pattern]).splitlines():
            value, name, _ = line.split(" ")
            yield name, value

    def _ask_head(self, git_dir: str) -> str | None:
        args = [f"--git-dir={git_dir}", "symbolic-ref", "-q", "HEAD"]
        answer = git.run(args, cwd=self._common, env=git.unbound(self._env))
        text = answer.stdout.decode("utf-8", "surrogateescape").strip()
        return text if answer.returncode == 0 else None

    def _read_git(self, args: Sequence[str]) -> str:
        answer = git.run(args, cwd=self._start, env=self._env)
        if answer.returncode != 0:
            raise self._failure(answer)
        return answer.stdout.decode("utf-8", "surrogateescape")

    def _failure(self, answer: Completed) -> DiskFailure:
        return DiskFailure(
            f"git cannot read or write the reftable: {git.whole_message(answer.stderr)}",
            where=os.path.join(self._common, "reftable"),
            hint=git.reftable_hint(answer.stderr, self._start, self._env)
            or "see what git says with: git refs verify",
        )

    # --- writing ---------------------------------------------------------------------------------

    def move(
        self,
        name: str,
        old: str | None,
        new: str,
        *,
        marks: LockMarker | None = None,
        reason: Reason | None = None,
        along: Mapping[str, str] = {},
        restore: Callable[[], object] | None = None,
        folders: Sequence[str] = (),
        later: list[str] | None = None,
    ) -> bool:
        git.check_no_push(self._env)
        sync_before(folders)  # git syncs its table before it is named
        deadline, losses, restorations = time.monotonic() + _PATIENCE, 0, 0
        orders = [f"update {name} {new} {old or '0' * len(new)}"]
        others = [f"update {other} {value}" for other, value in along.items()]
        while True:
            before = self._current()
            answer = self._marked(new, marks, [*orders, *others], reason)
            if self._has_moved(answer, name, old, new):
                self._predict(before, {name: new, **(along if others else {})})
                sync_move([os.path.join(self._common, "reftable")], later)
                return True
            if self.read(name) != old:
                return False
            if self._is_locked(answer):
                self._wait_for_lock(deadline, losses)
                losses += 1
            elif restore and _NO_OBJECT in answer.stderr and restorations < _RESTORATIONS:
                restore()
                restorations += 1
            elif others:
                others = []  # what is in their way must not keep the list from being written
            else:
                self.check_creatable(name)
                raise self._failure(answer)

    def _marked(
        self, new: str, marks: LockMarker | None, orders: Sequence[str], reason: Reason | None
    ) -> Completed:
        """Run a transaction between marks: they date the move, for `moved_at`."""
        if marks is None:
            return self._transact(orders, reason)
        marks.mark(new)
        answer = self._transact(orders, reason)
        with suppress(OSError):
            marks.clear()
        return answer

    def _is_locked(self, answer: Completed) -> bool:
        """Did another program keep git from the stack, or a signal end git?"""
        if answer.returncode < 0:
            return True
        words = answer.stderr.decode("utf-8", "replace")
        writable = os.access(os.path.dirname(self._lock()), os.W_OK)
        return writable and any(word in words for word in _LOCKED)

    def _wait_for_lock(self, deadline: float, losses: int) -> None:
        """Pause while another program has the stack locked; Busy when that takes too long.

        The lock that outlasted an earlier move is that of all refs: nobody waits for it twice.
        """
        state = _state(self._lock())
        if time.monotonic() > deadline or (state and state == self._outlasted):
            self._outlasted = state
            raise still_locked(self._lock())
        if not lock_files.clear_leftovers(self._common, [self._lock()]):
            _BACKOFF.wait(losses)

    def _has_moved(self, answer: Completed, name: str, old: str | None, new: str) -> bool:
        """Did the ref move to `new`? Of a git that was killed before it said so, the refs tell."""
        if b"commit: ok" in answer.stdout:
            return True
        now = self.read(name)
        if answer.returncode >= 0 or now in (None, old):
            return False
        question = ["merge-base", "--is-ancestor", new, now or new]
        return git.run(question, cwd=self._start, env=self._env).returncode == 0

    def _transact(self, orders: Sequence[str], reason: Reason | None = None) -> Completed:
        """Run one transaction of git's; it is done when the output says `commit: ok`."""
        env, args = dict(self._env), ["update-ref", "--stdin"]
        if reason:
            who = reason.who
            name, _, mail = who.person.rpartition(" <")
            sign, minutes = "-" if who.zone < 0 else "+", abs(who.zone)
            env["GIT_COMMITTER_NAME"], env["GIT_COMMITTER_EMAIL"] = name, mail.removesuffix(">")
            zone = f"{sign}{minutes // 60:02d}{minutes % 60:02d}"
            env["GIT_COMMITTER_DATE"] = f"@{who.time} {zone}"
            args = ["update-ref", "-m", reason.message, "--stdin"]
        text = "\n".join(["start", *orders, "prepare", "commit", ""])
        with lock_files.noting(self._common, [self._lock()], shared=self._shared) as note:
            answer = git.run(
                [*git.NO_HOOKS, *_OPTIONS, *args],
                cwd=self._start,
                env=env,
                stdin=text.encode("utf-8", "surrogateescape"),
                keep=note.inherited,
            )
            if answer.returncode < 0:
                note.keep()
        return answer

    def _predict(self, before: _Snapshot, moved: Mapping[str, str]) -> None:
        """Keep what the refs are after a transaction of ours, where no other came between."""
        tables = self._tables(self._common)
        if before.symbolic or _last_number(tables) != _last_number(before.tables) + 1:
            return
        heads = dict(before.heads)
        if "" in heads and heads[""][0] == before.tables:
            heads[""] = (tables, heads[""][1])
        refs = before.refs | {name: new for name, new in moved.items() if self._keeps(name)}
        self._keep(_Snapshot(tables, refs, heads))

    def put(self, refs: Mapping[str, str]) -> None:
        before = self._current()
        new = {name: value for name, value in refs.items() if before.refs.get(name) != value}
        if new:
            answer = self._transact([f"update {name} {value}" for name, value in new.items()])
            if b"commit: ok" in answer.stdout:
                self._predict(before, new)

    def remove(self, names: Iterable[str], only_at: Mapping[str, str] = {}) -> None:
        if orders := deletions(names, only_at):
            self._transact(orders)

    def last_moves(self, name: str, count: int) -> list[Logged]:
        args = ["log", "-g", f"-n{count + 1}", "--format=%H %gs", "--end-of-options", name, "--"]
        answer = git.run(args, cwd=self._start, env=self._env)
        lines = answer.stdout.decode("utf-8", "replace").splitlines()
        rows = [line.partition(" ")[::2] for line in lines]
        older = [*rows[1:], ("", "")]  # below the last line nothing is known
        moves = zip(rows, older, strict=False)
        return [Logged(old, new, words) for (new, words), (old, _) in moves][:count]

    def moved_at(self, name: str) -> int | None:
        # The times in the log are those of commits, which anybody may set.
        try:
            return os.stat(lock_files.path_of(self._common, name)).st_mtime_ns
        except OSError:
            return None

    def last_action(self, git_dir: str) -> str:
        args = [f"--git-dir={git_dir}", "log", "-g", "-n1", "--format=%gs", "HEAD", "--"]
        answer = git.run(args, cwd=self._common, env=git.unbound(self._env))
        return answer.stdout.decode("utf-8", "replace").strip()

    def locks(self, names: Iterable[str]) -> list[str]:  # noqa: ARG002  one for all of them
        return [self._lock()]

    def own_lock(self, name: str) -> str | None:  # noqa: ARG002
        return None

    def _lock(self) -> str:
        return os.path.join(self._common, "reftable", "tables.list.lock")


def _has_content(path: str) -> bool:
    """Is there a file that is not empty?"""
    try:
        return os.stat(path).st_size > 0
    except OSError:
        return False


def _state(lock: str) -> tuple[int, int] | None:
    """A lock file told from a later one in its place, whose inode may be the same."""
    try:
        status = os.lstat(lock)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def _last_number(tables: str) -> int:
    """The number of the last transaction in a stack; tables are `0x<first>-0x<last>-<random>`."""
    numbers = [line.split("-")[1] for line in tables.split() if line.count("-") == 2]
    try:
        return max((int(number, 16) for number in numbers), default=0)
    except ValueError:
        return -2
