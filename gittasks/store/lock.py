"""An advisory lock per list, so that writers on one machine queue instead of colliding.

It only saves retries and lets the next writer know a dead one's leftovers: correctness is the
compare-and-swap of the ref. The kernel frees it when its holder dies.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from gittasks.store import platform
from gittasks.store.disk import PRIVATE, Sharing, make_folders
from gittasks.store.retry import Backoff

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
    first removes the `<ref>.lock` that the dead one left. Only who won the queue touches marks.
    """

    def __init__(
        self,
        path: str,
        ref_lock: str,
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
        assert self._handle is not None  # noqa: S101
        began, attempt, announced = time.monotonic(), 0, False
        while True:
            try:
                if platform.try_lock(self._handle):
                    return True
            except OSError:
                return False  # a file system without locks
            waited = time.monotonic() - began
            if waited > _PATIENCE:
                return False
            if waited > _SILENCE and not announced:
                announced = True
                if self._tell_of_holder():
                    return False
            _BACKOFF.wait(attempt)
            attempt += 1

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
        while mark:
            content, age = _content_and_age(self._ref_lock)
            if content is None or content not in ("", mark):
                break  # there is none, or it is another program's
            if content == mark or age > _EMPTY_LOCK_AGE or time.monotonic() > deadline:
                os.unlink(self._ref_lock)
                break
            time.sleep(0.05)  # another program may just have made it, and will fill it in
        if mark:
            os.ftruncate(self._handle, 0)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._handle is not None:
            with suppress(OSError):  # the kernel lets go of it all the same
                os.close(self._handle)
            self._handle, self._held = None, False

    def mark(self, commit: str) -> None:
        """Write down that `<ref>.lock` is about to be made, to move the ref to `commit`."""
        if self._held and self._handle is not None:
            platform.write_at(self._handle, commit.encode(), 0)

    def clear(self) -> None:
        """Forget the mark: there is no `<ref>.lock` of ours."""
        if self._held and self._handle is not None:
            os.ftruncate(self._handle, 0)


def _content_and_age(path: str) -> tuple[str | None, float]:
    """Content of a small file, None if it cannot be read; seconds since it was written."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read(64).strip(), time.time() - os.fstat(file.fileno()).st_mtime
    except OSError:
        return None, 0.0
