"""Change git's configuration with git, which other programs may be changing too."""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING

from gittasks.errors import Busy, DiskFailure, NoRepository
from gittasks.store import git
from gittasks.store.retry import Backoff

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LOCKED = re.compile(r"could not lock config file (.+): ([^:]+)$")
_ATTEMPTS = 12
"""Tries to change git's configuration, some 1.5 seconds in all."""
_BACKOFF = Backoff(first=0.02, most=0.2, least=0.8)


def change(args: Sequence[str], *, cwd: str, env: Mapping[str, str], again: str) -> None:
    """Run `git config`, again for a while when another one holds the file's lock."""
    lock = ""
    for attempt in range(_ATTEMPTS):
        answer = git.run(["config", *args], cwd=cwd, env=env)
        if answer.returncode == 0:
            return
        message = git.first_line(answer.stderr)
        locked = _LOCKED.search(message)
        if locked is None:
            raise NoRepository(f"git config failed: {message}")
        lock = os.path.join(cwd, f"{locked[1]}.lock")
        _raise_disk(locked[2], lock)
        _BACKOFF.wait(attempt)
    raise Busy(
        f"git config could not set {args[1]}: another program holds the configuration file",
        where=lock,
        hint=f"run this again in a moment: {again}; if no git is running, that file is a leftover",
    )


def _raise_disk(reason: str, path: str) -> None:
    """Raise DiskFailure when git could not make a file for a reason that does not pass."""
    for number in (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.EIO):
        if os.strerror(number) == reason:
            raise DiskFailure.of(OSError(number, reason, path))
