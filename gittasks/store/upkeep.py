"""Keep the object database small without the user's doing, and never in the way of a command."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from gittasks.store import disk, git
from gittasks.store.repository import Repository

if TYPE_CHECKING:
    from subprocess import Popen

_LOOSE_SAMPLE = 27
"""Entries of one of the 256 fan-out folders at which git's own estimate is 6,700 loose objects."""
_PAUSE = 300
"""Seconds between two tries, so that a gc that cannot help is not started by every command."""
_running: list[Popen[bytes]] = []
"""Those that a long-lived process started and has not yet seen the end of."""


def is_due(repository: Repository) -> bool:
    """Whether enough loose objects piled up (`gc.auto`), judged as `git gc --auto` does."""
    setting = repository.config.get("gc.auto")
    limit = _LOOSE_SAMPLE
    if setting is not None and setting.lstrip("-").isdecimal():
        if int(setting) <= 0:
            return False
        limit = (int(setting) + 255) // 256
    try:
        loose = len(os.listdir(os.path.join(repository.common, "objects", "17")))
    except OSError:
        return False
    return loose > limit and not os.path.exists(os.path.join(repository.common, "gc.pid"))


def start(repository: Repository) -> None:
    """Start `git maintenance run --auto` on its own, without hooks; once in five minutes."""
    stamp = os.path.join(repository.common, "gittasks", "upkeep")
    try:
        if time.time() - os.stat(stamp).st_mtime < _PAUSE:
            return
    except OSError:
        pass
    import subprocess

    try:
        disk.put(stamp, b"", repository.shared)
        place = [f"--git-dir={repository.common}", *git.NO_HOOKS]
        made = subprocess.Popen(
            ["git", *place, "maintenance", "run", "--auto", "--quiet"],
            cwd=repository.common,
            env=git.unbound(repository.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        _running[:] = [process for process in [*_running, made] if process.poll() is None]
    except OSError:
        return  # upkeep is a courtesy: the next command tries again
