"""Lock files: one a list, so that writers here queue; and those that a killed git of ours leaves.

The lock of a list only saves retries and lets the next writer know a dead one's leftovers:
correctness is the compare-and-swap of the ref. The kernel frees it when its holder dies, and
grants it in the order in which writers came.

Before a git of ours runs that takes locks, a note names them: a file that we and that git keep
locked while either lives. A note that nobody holds is that of a dead one, and the locks that it
names are leftovers. No other lock is ever removed.
"""

from __future__ import annotations

import os
import time

from gittasks.light import TYPE_CHECKING, NamedTuple, suppress
from gittasks.store import disk, platform
from gittasks.store.disk import PRIVATE, Backoff, Sharing, make_folders, names_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Self

_PATIENCE = 30.0
"""Seconds to queue; after that the compare-and-swap decides without a queue."""
_SILENCE = 2.0
"""Seconds after which it is said who is waited for."""
_BACKOFF = Backoff(first=0.002, most=0.05, least=0.5)
_EMPTY_LOCK_AGE = 1.0
"""Seconds after which an empty `<ref>.lock` beside our dead writer's mark is its leftover: git
and we fill it in at once."""


class ListLock:
    """`with ListLock(...) as lock:` while one operation reads, decides and moves the ref.

    Between `mark(commit)` and `clear()` the lock file names the commit that the ref is being
    moved to. Whoever finds a mark there has queued behind a writer that died in that moment, and
    first removes the `<ref>.lock` that the dead one left, where moves make one themselves. Only who
    won the queue touches marks; `mark_before` is what was there.
    """

    mark_before = ""

    def __init__(
        self,
        path: str,
        ref_lock: str | None,
        shared: Sharing = PRIVATE,
        announce: Callable[[str], None] | None = None,
    ) -> None:
        self._announce = announce
        self._path = path
        self._ref_lock = ref_lock
        self._shared = shared
        self._handle: int | None = None
        self._held = False

    def __enter__(self) -> ListLock:
        try:
            make_folders(os.path.dirname(self._path), self._shared)
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            self._shared.apply(self._path)
            self._held = self._queue()
            if self._held:
                self._clear_up()
        except OSError:
            pass  # no place for a lock file: the write itself will say what is wrong
        except BaseException:
            self._close()
            raise
        return self

    def _queue(self) -> bool:
        """Wait for the turn of this writer; False when the guarded move is to decide without."""
        assert self._handle is not None  # noqa: S101
        try:
            if platform.try_lock(self._handle):
                return True
            request = platform.request_lock(self._handle)
            if request is None:
                return self._poll(self._handle)
        except OSError:
            return False  # a file system without locks
        if not request.is_settled(min(_SILENCE, _PATIENCE)):
            if _SILENCE < _PATIENCE and self._tell_of_holder():
                return False
            request.is_settled(_PATIENCE - _SILENCE)
        return request.granted

    def _poll(self, handle: int) -> bool:
        """Try again and again, where the system has no queue; then who comes last may be first."""
        began, attempt, announced = time.monotonic(), 0, False
        while not platform.try_lock(handle):
            waited = time.monotonic() - began
            if waited > _PATIENCE:
                return False
            if waited > _SILENCE and not announced:
                announced = True
                if self._tell_of_holder():
                    return False
            _BACKOFF.wait(attempt)
            attempt += 1
        return True

    def _tell_of_holder(self) -> bool:
        """Say who is waited for; True when that is in vain, as it is stopped."""
        holder = self.holder()
        stopped = holder is not None and holder.stopped
        if self._announce:
            end = "going on beside it" if stopped else "waiting"
            who = holder or "another program"
            self._announce(f"{who} is writing to this list: {end}")
        return stopped

    def holder(self) -> platform.Holder | None:
        """The other process that holds this lock, if one does."""
        return None if self._held else platform.holder_of(self._path)

    def _clear_up(self) -> None:
        """Remove what the dead writer left whose mark is here, then the mark."""
        assert self._handle is not None  # noqa: S101
        mark = platform.read_at(self._handle, 64, 0).decode("ascii", "replace").strip()
        deadline = time.monotonic() + _EMPTY_LOCK_AGE
        while mark and self._ref_lock:
            content, age = _content_and_age(self._ref_lock)
            if content is None or content not in ("", mark):
                break  # there is none, or it is another program's
            if content == mark or age > _EMPTY_LOCK_AGE or time.monotonic() > deadline:
                os.unlink(self._ref_lock)
                break
            time.sleep(0.05)  # another program may just have made it, and will fill it in
        if mark:
            os.ftruncate(self._handle, 0)
        self.mark_before = mark

    def __exit__(self, *_error: object) -> None:
        self._close()

    def _close(self) -> None:
        if self._handle is not None:
            with suppress(OSError):  # the kernel lets go of it all the same
                os.close(self._handle)
            self._handle, self._held = None, False

    def mark(self, commit: str) -> None:
        """Write down that `<ref>.lock` is about to be made, to move the ref to `commit`."""
        if self._held and self._handle is not None:
            with disk.naming(self._path):
                platform.write_at(self._handle, commit.encode(), 0)

    def clear(self) -> None:
        """Forget the mark: there is no `<ref>.lock` of ours."""
        if self._held and self._handle is not None:
            with disk.naming(self._path):
                os.ftruncate(self._handle, 0)


def path_of(common: str, ref: str) -> str:
    """The lock file of the list on a branch; a move of the branch changes its time."""
    return os.path.join(common, "gittasks", "lock", ref.removeprefix("refs/heads/"))


def turn_path_of(common: str, ref: str) -> str:
    """The lock file of those here who ask a remote to decide on a list."""
    return os.path.join(common, "gittasks", "turn", ref.removeprefix("refs/heads/"))


def _content_and_age(path: str) -> tuple[str | None, float]:
    """Content of a small file, None where there is none; seconds since it was written."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read(64).strip(), time.time() - os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:
        if os.path.lexists(path):  # a network disk may say so of what is there
            raise
        return None, 0.0


_SETTLED = 1.0
"""Seconds that a lock must not have changed: another program's is gone before that."""
_SLACK = 2.0
"""Seconds by which the clocks of a note and of a lock may differ (file systems, ticks)."""
_SETTLING = Backoff(first=0.05, most=0.2)


class Note:
    """The note of one git, while that runs (`with`); `handle` is to be inherited by it."""

    def __init__(self, path: str | None, handle: int | None) -> None:
        self._path, self._handle = path, handle

    def __enter__(self) -> Self:
        return self

    @property
    def inherited(self) -> tuple[int, ...]:
        """File handles for the git to keep open."""
        return () if self._handle is None else (self._handle,)

    def keep(self) -> None:
        """Leave the note: that git was killed."""
        self._path = None

    def __exit__(self, *_error: object) -> None:
        """Take the note back, unless it is to be kept."""
        if self._path is not None:
            disk.remove(self._path)
        if self._handle is not None:
            with suppress(OSError):
                os.close(self._handle)


def noting(common: str, locks: Sequence[str], text: str = "", *, shared: Sharing = PRIVATE) -> Note:
    """Write the note of a git that may take these locks; `text` tells what it is about to do."""
    content = "\n".join([*locks, "", text])
    path = os.path.join(_folder(common), f"{os.getpid()}-{os.urandom(4).hex()}")
    if platform.WINDOWS:  # no handle is inherited there: what is left is nobody's
        return Note(None, None)
    handle = None
    try:
        make_folders(os.path.dirname(path), shared)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        shared.apply(path)
        platform.try_lock(handle)
        os.write(handle, content.encode("utf-8", "surrogateescape"))
    except OSError:  # no place for it: what is left then is nobody's
        return Note(None if handle is None else path, handle)
    return Note(path, handle)


class Remains(NamedTuple):
    """Leftovers of a dead git of ours: its locks, its purpose, the note of both."""

    locks: tuple[str, ...]
    text: str
    path: str
    since: float

    def leftover_locks(self) -> list[str]:
        """The locks that are there, and were made after the note was written."""
        return [lock for lock in self.locks if self.has_left(lock)]

    def has_left(self, lock: str) -> bool:
        """Is a file one of these locks? OSError where it cannot be looked at."""
        return lock in self.locks and _modified(lock) > self.since - _SLACK

    def remove(self, *, forget: bool = True) -> None:
        """Remove the locks, and the note unless somebody still needs it.

        OSError where a lock cannot be removed or looked at now: then the note stays as well.
        """
        for lock in self.leftover_locks():
            for attempt in range(20):
                age = time.time() - _modified(lock)
                if age > _SETTLED:
                    with suppress(FileNotFoundError):
                        platform.unlink(lock)
                    break
                _SETTLING.wait(attempt)  # another program may just have made it
        if forget:
            disk.remove(self.path)


def leftovers(common: str) -> list[Remains]:
    """The leftovers of gits of ours that are dead by now."""
    remains = []
    folder = _folder(common)
    for name in names_in(folder):
        path = os.path.join(folder, name)
        with suppress(OSError):
            if not _is_held(path):
                locks, _, text = (
                    disk.read(path).decode("utf-8", "surrogateescape").partition("\n\n")
                )
                remains.append(Remains(tuple(locks.split("\n")), text, path, _modified(path)))
    return remains


def clear_leftovers(common: str, locks: Sequence[str]) -> bool:
    """Remove these locks as far as dead gits of ours left them; True if there were some."""
    cleared = False
    for remains in leftovers(common):
        with suppress(OSError):  # the disk may let go of it later: the note stays until then
            if set(locks) & set(remains.leftover_locks()):
                remains.remove(forget=not remains.text)
                cleared = True
            elif not remains.text:
                disk.remove(remains.path)
    return cleared


def _is_held(path: str) -> bool:
    handle = os.open(path, os.O_RDWR)
    try:
        return not platform.try_lock(handle)
    finally:
        os.close(handle)


def _modified(path: str) -> float:
    """The time of a file's last change, long ago where there is none."""
    try:
        return os.stat(path).st_mtime
    except (FileNotFoundError, NotADirectoryError):
        if os.path.lexists(path):
            raise
        return float("-inf")


def _folder(common: str) -> str:
    return os.path.join(common, "gittasks", "running")


# --- all locks --------------------------------------------------------------------------------

_FILES = (
    "packed-refs",
    "config",
    "HEAD",
    "index",
    "shallow",
    "config.worktree",
    "objects/maintenance",
    "objects/pack/multi-pack-index",
    "objects/info/commit-graph",
    "objects/info/commit-graphs/commit-graph-chain",
)


class LockFile(NamedTuple):
    """A lock that is there: its path, and the seconds since it was made."""

    path: str
    age: float


def git_locks(common: str) -> list[LockFile]:
    """The locks of a repository that stay for a second, oldest first."""
    before = dict(_git_locks(common))
    if any(time.time() - since < _SETTLED for since in before.values()):
        time.sleep(_SETTLED)
    now = time.time()
    settled = [
        LockFile(p, now - since) for p, since in _git_locks(common) if before.get(p) == since
    ]
    return sorted(settled, key=lambda lock: -lock.age)


def _git_locks(common: str) -> Iterator[tuple[str, float]]:
    linked = os.path.join(common, "worktrees")
    names = names_in(linked)
    for folder in (common, *(os.path.join(linked, name) for name in names)):
        paths = [os.path.join(folder, *f"{name}.lock".split("/")) for name in _FILES]
        for root, _, files in os.walk(os.path.join(folder, "refs")):
            paths += [os.path.join(root, name) for name in files if name.endswith(".lock")]
        paths.append(os.path.join(folder, "reftable", "tables.list.lock"))
        yield from ((path, _modified(path)) for path in paths if os.path.lexists(path))
