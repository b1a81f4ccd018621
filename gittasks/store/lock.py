"""An advisory lock per list, so that writers on one machine queue instead of colliding.

It only saves retries and lets the next writer know a dead one's leftovers: correctness is the
compare-and-swap of the ref. The kernel frees it when its holder dies.
"""

from __future__ import annotations

import os
import time
from types import TracebackType

try:
    import fcntl
except ImportError:  # Windows: the compare-and-swap alone decides
    fcntl = None  # type: ignore[assignment]

_PATIENCE = 30.0
"""Seconds to queue; after that the compare-and-swap decides without a queue."""
_EMPTY_LOCK_AGE = 1.0
"""Seconds after which an empty `<ref>.lock` beside our dead writer's mark is its leftover."""


class ListLock:
    """`with ListLock(...) as lock:` while one operation reads, decides and moves the ref.

    Between `mark(commit)` and `clear()` the lock file names the commit that the ref is being
    moved to. Whoever finds a mark there has queued behind a writer that died in that moment.
    """

    def __init__(self, common: str, name: str) -> None:
        self._path = os.path.join(common, "gittasks", "lock", name)
        self._handle: int | None = None
        self._dead_mark = ""

    def __enter__(self) -> ListLock:
        try:
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError:
            return self  # no place for a lock file: the write itself will say what is wrong
        if fcntl is not None and self._queue():
            self._dead_mark = os.pread(self._handle, 64, 0).decode("ascii", "replace").strip()
        return self

    def _queue(self) -> bool:
        assert self._handle is not None  # noqa: S101
        deadline = time.monotonic() + _PATIENCE
        pause = 0.002
        while True:
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    return False
                import random  # only when there is somebody to queue behind

                time.sleep(random.uniform(pause / 2, pause))  # noqa: S311  jitter, not a secret
                pause = min(pause * 2, 0.05)
            except OSError:
                return False  # a file system without locks
            else:
                return True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def mark(self, commit: str) -> None:
        """Write down that the ref is about to be moved to `commit`."""
        if self._handle is not None:
            os.pwrite(self._handle, commit.encode(), 0)

    def clear(self) -> None:
        """Forget the mark: the ref's own lock is gone."""
        self._dead_mark = ""
        if self._handle is not None:
            os.ftruncate(self._handle, 0)

    def is_leftover(self, ref_lock: str) -> bool:
        """Whether the file `ref_lock` was left by the dead writer whose mark we found."""
        if not self._dead_mark:
            return False
        try:
            with open(ref_lock, encoding="ascii", errors="replace") as file:
                content = file.read(64).strip()
            age = time.time() - os.stat(ref_lock).st_mtime
        except OSError:
            return False
        return content == self._dead_mark or (not content and age > _EMPTY_LOCK_AGE)
