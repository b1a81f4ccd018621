"""Live beside a `git gc --prune=now`: it may take objects away that no ref names yet.

git itself has no defence. Ours: once the ref names them, wait for a pruning gc that began
before, and write again what it took.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from gittasks.store.objects import NewObject
from gittasks.store.repository import Repository

_PATIENCE = 20.0
"""Seconds to wait for a gc that prunes everything; a gc of a large repository takes longer."""
_PAUSE = 0.01
_CAREFUL = ("day", "week", "month", "year", "never")
"""Words in `gc.pruneExpire` with which gc keeps what is as young as a write of ours."""


def settle(repository: Repository, written: Sequence[NewObject]) -> None:
    """Make sure that the objects of a move that was just made are there, and stay.

    Raises OSError when they are gone and cannot be written again.
    """
    path = os.path.join(repository.common, "gc.pid")
    running = _pruner(repository, path)
    deadline = time.monotonic() + _PATIENCE
    # A gc that starts now sees the ref as it is: only the one that was running can do harm.
    while running and _read(path) == running and time.monotonic() < deadline:
        time.sleep(_PAUSE)
        if not _is_alive(running):
            break
    if lost := repository.objects.missing(written):
        repository.objects.write(lost)


def _pruner(repository: Repository, path: str) -> str:
    """What gc.pid says, when a gc is running here that may remove young objects; else ""."""
    content = _read(path)
    return content if content and _is_alive(content) and _prunes(repository, content) else ""


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1024)
    except OSError:
        return ""


def _is_alive(content: str) -> bool:
    """Whether a content of gc.pid (`process host`) names a live process of this host."""
    number, _, host = content.strip().partition(" ")
    if not number.isdecimal() or host != os.uname().nodename:
        return False
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # somebody else's
    return True


def _prunes(repository: Repository, content: str) -> bool:
    """Whether that gc removes young objects: told so by an argument or by the configuration.

    git's own upkeep leaves what is younger than two weeks, and nobody should wait for it.
    """
    expire = repository.config.get("gc.pruneexpire") or "never"
    if not any(word in expire for word in _CAREFUL):
        return True
    try:
        with open(f"/proc/{content.split()[0]}/cmdline", "rb") as file:
            words = file.read().decode("utf-8", "replace").split("\0")
    except OSError:
        return True  # a system that does not tell
    return any(w.startswith("--prune=") and not any(c in w for c in _CAREFUL) for w in words)
