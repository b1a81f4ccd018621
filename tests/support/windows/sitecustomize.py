"""A Python that lacks what Windows lacks and refuses what Windows refuses, for commands under test.

It stands first on PYTHONPATH, so that each command and its hooks begin with it. The files of git
itself are as ever. What is refused is noted in the file that WINDOWS_LOG names.
"""

from __future__ import annotations

# The standard library was made for this system: what it needs of it is loaded while it is there.
import asyncio  # noqa: F401
import builtins
import errno
import http.server  # noqa: F401
import os
import select
import shutil  # noqa: F401
import signal
import stat
import subprocess
import sys
import tempfile  # noqa: F401
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

_MODULES = ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty")
_MISSING: dict[ModuleType, tuple[str, ...]] = {
    os: (
        *("fork", "forkpty", "uname", "getuid", "geteuid", "getgid", "getegid", "getpgid"),
        *("getpgrp", "killpg", "setsid", "pread", "pwrite", "fchmod", "mkfifo", "O_NONBLOCK"),
        *("O_DIRECTORY", "sync", "statvfs"),
    ),
    select: ("poll", "epoll", "POLLIN", "POLLNVAL"),
    signal: (
        *("SIGHUP", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGQUIT", "SIGTSTP", "SIGCONT"),
        *("SIGWINCH", "SIGPIPE", "setitimer", "ITIMER_REAL", "alarm"),
    ),
    time: ("clock_gettime", "CLOCK_MONOTONIC", "CLOCK_BOOTTIME", "CLOCK_REALTIME", "tzset"),
}
_OURS = ("gittasks", "dulwich")
_F_GETFL = 3
_held: set[str] = set()
"""Targets of renames that a scanner held open once."""


def _without_modules(real: Callable[..., Any]) -> Callable[..., Any]:
    """Imports of modules that Windows has not fail; other packages were made for this system."""

    def load(name: str, names: Any = None, *args: Any, **options: Any) -> Any:
        if name in _MODULES and str((names or {}).get("__name__")).startswith(_OURS):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, names, *args, **options)

    return load


def _note(words: str) -> None:
    if log := os.environ.get("WINDOWS_LOG"):
        with real_open(log, "a", encoding="utf-8") as file:
            file.write(words + "\n")


def _refused(path: Any) -> PermissionError:
    return PermissionError(errno.EACCES, "Access is denied", path)


def _is_read_only(path: Any) -> bool:
    try:
        return not os.stat(path).st_mode & stat.S_IWUSR
    except OSError:
        return False


def _no_folders(real: Callable[..., int]) -> Callable[..., int]:
    def open_file(path: Any, flags: int, *args: Any, **options: Any) -> int:
        if os.path.isdir(path) or (flags & os.O_RDWR and _is_read_only(path)):
            raise _refused(path)
        return real(path, flags, *args, **options)

    return open_file


def _writers_only(real: Callable[[Any], None]) -> Callable[[int], None]:
    import ctypes

    flags_of = ctypes.CDLL(None).fcntl

    def fsync(descriptor: int) -> None:
        if flags_of(descriptor, _F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        real(descriptor)

    return fsync


def _careful(real: Callable[..., None]) -> Callable[..., None]:
    def replace(source: Any, target: Any, **options: Any) -> None:
        if _is_read_only(target):
            _note("read-only")
            raise _refused(source)
        if str(target) not in _held:
            _held.add(str(target))
            _note("scanned")
            raise _refused(source)
        real(source, target, **options)

    return replace


def _not_read_only(real: Callable[..., None]) -> Callable[..., None]:
    def unlink(path: Any, **options: Any) -> None:
        if _is_read_only(path):
            raise _refused(path)
        real(path, **options)

    return unlink


def _no_questions(real: Callable[[int, int], None]) -> Callable[[int, int], None]:
    def kill(process: int, number: int) -> None:
        if sys._getframe(1).f_code.co_filename != subprocess.__file__:
            _note("killed")
            raise SystemExit(f"a signal {number} ends process {process} on Windows")
        real(process, number)

    return kill


def _no_proc(real: Callable[..., Any]) -> Callable[..., Any]:
    def open_file(file: Any, *args: Any, **options: Any) -> Any:
        if isinstance(file, str) and file.startswith(("/proc/", "/dev/")):
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", file)
        return real(file, *args, **options)

    return open_file


real_open = builtins.open
builtins.open = _no_proc(builtins.open)
os.open = _no_folders(os.open)
os.fsync = _writers_only(os.fsync)  # type: ignore[assignment]
os.replace = _careful(os.replace)
os.unlink = os.remove = _not_read_only(os.unlink)
os.kill = _no_questions(os.kill)
builtins.__import__ = _without_modules(builtins.__import__)
for _module, _names in _MISSING.items():
    for _name in _names:
        if hasattr(_module, _name):
            delattr(_module, _name)
