"""What each commit of a list changed, kept so that `show` and `log` need not read old trees.

A text file a list: one line a commit, oldest first, `checksum commit before content`, where
`before` is the commit of the line above. It grows with the history, by some 300 bytes a commit.
A torn, doubled or foreign line makes the rest unreadable, and whoever reads it makes it anew.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable
from typing import NamedTuple

_FIRST = "-"


class Line(NamedTuple):
    """One commit and what is remembered of it, as JSON text."""

    commit: str
    content: str


def read(path: str) -> list[Line]:
    """Lines of the file as far as they hang together, oldest first; [] when there is none."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return []
    lines: list[Line] = []
    before = _FIRST
    for raw in data.splitlines(keepends=True):
        checksum, _, rest = raw.partition(b" ")
        if not raw.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(rest):
            break
        commit, above, content = rest.decode("ascii", "replace").rstrip("\n").split(" ", 2)
        if above != before:
            break
        lines.append(Line(commit, content))
        before = commit
    return lines


def append(path: str, after: str | None, lines: Iterable[Line]) -> None:
    """Add lines behind the one of commit `after`; nothing happens when another one is last."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - 65536, 0))
            tail = file.read().splitlines()
    except OSError:
        return
    last = tail[-1].split(b" ", 2)[1].decode("ascii", "replace") if tail else _FIRST
    if last != (after or _FIRST):
        return
    _put(path, "ab", _rendered(after or _FIRST, lines))


def write(path: str, lines: Iterable[Line]) -> None:
    """Make the file anew."""
    temporary = f"{path}.{os.getpid()}"
    if _put(temporary, "wb", _rendered(_FIRST, lines)):
        os.replace(temporary, path)


def _rendered(before: str, lines: Iterable[Line]) -> bytes:
    parts = []
    for line in lines:
        rest = f"{line.commit} {before} {line.content}\n".encode("ascii", "replace")
        parts.append(b"%08x %s" % (zlib.crc32(rest), rest))
        before = line.commit
    return b"".join(parts)


def _put(path: str, mode: str, data: bytes) -> bool:
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, mode) as file:
            file.write(data)
    except OSError:
        return False
    return True
