"""Locks that a git of ours leaves when it is killed: noted before it runs, removed when it is dead.

A note is a file that we and that git keep locked while either lives. A note that nobody holds is
that of a dead one, and the locks that it names are leftovers. No other lock is ever removed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from gittasks.store import disk, platform
from gittasks.store.retry import Backoff

_SETTLED = 1.0
"""Seconds that a lock must not have changed: another program's is gone before that."""
_SLACK = 2.0
"""Seconds by which the clocks of a note and of a lock may differ (file systems, ticks)."""
_BACKOFF = Backoff(first=0.05, most=0.2)


class Note:
    """The note of one git: `handle` is to be inherited by it."""

    def __init__(self, path: str | None, handle: int | None) -> None:
        self._path, self._handle = path, handle

    @property
    def inherited(self) -> tuple[int, ...]:
        """File handles for the git to keep open."""
        return () if self._handle is None else (self._handle,)

    def keep(self) -> None:
        """Leave the note: that git was killed."""
        self._path = None

    def close(self) -> None:
        """Take the note back, unless it is to be kept."""
        if self._path is not None:
            disk.remove(self._path)
        if self._handle is not None:
            with suppress(OSError):
                os.close(self._handle)


@contextmanager
def noting(common: str, locks: Sequence[str], text: str = "") -> Iterator[Note]:
    """Run a git that may take these locks; `text` tells what it was about to do."""
    note = _written(common, "\n".join([*locks, "", text]))
    try:
        yield note
    finally:
        note.close()


def _written(common: str, content: str) -> Note:
    path = os.path.join(_folder(common), f"{os.getpid()}-{os.urandom(4).hex()}")
    if platform.WINDOWS:  # no handle is inherited there: what is left is nobody's
        return Note(None, None)
    handle = None
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
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
        return [lock for lock in self.locks if _modified(lock) > self.since - _SLACK]

    def remove(self, *, forget: bool = True) -> None:
        """Remove the locks, and the note unless somebody still needs it."""
        for lock in self.leftover_locks():
            for attempt in range(20):
                age = time.time() - _modified(lock)
                if age > _SETTLED:
                    disk.remove(lock)
                    break
                _BACKOFF.wait(attempt)  # another program may just have made it
        if forget:
            disk.remove(self.path)


def found(common: str) -> list[Remains]:
    """The leftovers of gits of ours that are dead by now."""
    remains = []
    folder = _folder(common)
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        path = os.path.join(folder, name)
        with suppress(OSError):
            if not _is_held(path):
                locks, _, text = (
                    disk.read(path).decode("utf-8", "surrogateescape").partition("\n\n")
                )
                remains.append(Remains(tuple(locks.split("\n")), text, path, _modified(path)))
    return remains


def clear(common: str, locks: Sequence[str]) -> bool:
    """Remove these locks as far as dead gits of ours left them; True if there were some."""
    cleared = False
    for remains in found(common):
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
    try:
        return os.stat(path).st_mtime
    except OSError:
        return float("-inf")


def _folder(common: str) -> str:
    return os.path.join(common, "gittasks", "running")


# --- all locks --------------------------------------------------------------------------------

_FILES = ("packed-refs", "config", "HEAD", "index", "shallow", "config.worktree")


class LockFile(NamedTuple):
    """A lock that is there: its path, and the seconds since it was made."""

    path: str
    age: float


def locks(common: str) -> list[LockFile]:
    """The locks of a repository that stay for a second, oldest first."""
    before = dict(_locks(common))
    if any(time.time() - since < _SETTLED for since in before.values()):
        time.sleep(_SETTLED)
    now = time.time()
    settled = [LockFile(p, now - since) for p, since in _locks(common) if before.get(p) == since]
    return sorted(settled, key=lambda lock: -lock.age)


def _locks(common: str) -> Iterator[tuple[str, float]]:
    linked = os.path.join(common, "worktrees")
    names = os.listdir(linked) if os.path.isdir(linked) else []
    for folder in (common, *(os.path.join(linked, name) for name in names)):
        paths = [os.path.join(folder, f"{name}.lock") for name in _FILES]
        for root, _, files in os.walk(os.path.join(folder, "refs")):
            paths += [os.path.join(root, name) for name in files if name.endswith(".lock")]
        yield from ((path, _modified(path)) for path in paths if os.path.lexists(path))
