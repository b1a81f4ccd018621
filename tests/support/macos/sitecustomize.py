"""A Python for commands under test that finds what macOS has: two more syncs, and no /proc.

It stands first on PYTHONPATH. Each sync is noted in the file that MACOS_LOG names: its kind and
the file. MACOS_REFUSES names a kind that the file system does not know.
"""

from __future__ import annotations

import builtins
import errno
import fcntl
import os
import time
from typing import Any

_KINDS = {51: "full", 85: "barrier"}
_real_fcntl, _real_fsync, _real_open = fcntl.fcntl, os.fsync, builtins.open


def _note(kind: str, descriptor: int) -> None:
    path = os.readlink(f"/proc/self/fd/{descriptor}")
    with _real_open(os.environ["MACOS_LOG"], "a", encoding="utf-8") as file:
        file.write(f"{kind} {path}\n")


def _fcntl(descriptor: int, command: int, *args: Any) -> Any:
    kind = _KINDS.get(command)
    if kind is None:
        return _real_fcntl(descriptor, command, *args)
    if kind == os.environ.get("MACOS_REFUSES"):
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    _note(kind, descriptor)
    return 0


def _fsync(descriptor: int) -> None:
    _note("plain", descriptor)
    _real_fsync(descriptor)


def _open(file: Any, *args: Any, **options: Any) -> Any:
    if isinstance(file, str) and file.startswith("/proc/"):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", file)
    return _real_open(file, *args, **options)


fcntl.F_FULLFSYNC = 51  # type: ignore[attr-defined, unused-ignore]
fcntl.fcntl = _fcntl  # type: ignore[assignment]
os.fsync = _fsync  # type: ignore[assignment]
builtins.open = _open
if hasattr(time, "CLOCK_BOOTTIME"):
    del time.CLOCK_BOOTTIME
