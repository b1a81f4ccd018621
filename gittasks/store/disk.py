"""Putting files and folders on the disk, so that a power cut cannot take them back."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence

_AT_ONCE = 16
"""How many files are synced side by side; each needs a thread and a file handle."""


def sync(path: str) -> None:
    """fsync a file or folder; a folder of a file system that cannot do that is passed over."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        if not os.path.isdir(path):
            raise
    finally:
        os.close(handle)


def sync_all(paths: Sequence[str]) -> None:
    """fsync all of them at the same time: the file system then commits them together.

    One after the other each would wait for a commit of its own. Raises the first error.
    """
    errors: list[OSError] = []

    def one(path: str) -> None:
        try:
            sync(path)
        except OSError as error:
            errors.append(error)

    def share(first: int) -> None:
        for path in paths[first::_AT_ONCE]:
            one(path)

    others = range(1, min(_AT_ONCE, len(paths)))
    threads = [threading.Thread(target=share, args=(first,)) for first in others]
    for thread in threads:
        thread.start()
    share(0)
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
