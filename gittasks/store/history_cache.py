"""What each commit of a list changed, kept so that `show` and `log` need not read old trees.

A text file a list: one line a commit, oldest first, `checksum commit before content`, where
`before` is the commit of the line above. It grows with the history, by some 300 bytes a commit.
A torn, doubled or foreign line makes the whole file unreadable, and whoever reads it makes it
anew. A last line without its newline is one that is just being written: it is passed over.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable
from typing import BinaryIO, NamedTuple

_FIRST = "-"


class Line(NamedTuple):
    """One commit and what is remembered of it, as JSON text."""

    commit: str
    content: str


def read(path: str) -> list[Line]:
    """Lines of the file, oldest first; [] when there is none or they do not hang together."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return []
    lines: list[Line] = []
    before = _FIRST
    for raw in data.splitlines(keepends=True):
        if not raw.endswith(b"\n"):
            break
        checksum, _, rest = raw.partition(b" ")
        words = rest.decode("ascii", "replace").rstrip("\n").split(" ", 2)
        if checksum != b"%08x" % zlib.crc32(rest) or len(words) != 3 or words[1] != before:
            return []
        lines.append(Line(words[0], words[2]))
        before = words[0]
    return lines


def append(path: str, after: str | None, lines: Iterable[Line]) -> None:
    """Add lines behind the one of commit `after`; nothing happens when another one is last."""
    expected = after or _FIRST
    try:
        with open(path, "rb") as file:
            last = _last_line(file)
    except OSError:
        return
    words = last.split(b" ", 2)
    if last:
        if not last.endswith(b"\n") or len(words) != 3 or words[1] != expected.encode():
            return
    elif after is not None:
        return
    _put(path, "ab", _rendered(expected, lines))


def _last_line(file: BinaryIO) -> bytes:
    """The last line of a file, whole and with its newline if it has one; b"" for an empty file."""
    start = file.seek(0, os.SEEK_END)
    tail = b""
    while start > 0 and tail.count(b"\n", 0, -1) == 0:
        step = min(start, 65536)
        start = file.seek(start - step)
        tail = file.read(step) + tail
    return tail[tail.rfind(b"\n", 0, -1) + 1 :]


def write(path: str, lines: Iterable[Line]) -> None:
    """Make the file anew."""
    temporary = f"{path}.{os.getpid()}"
    if _put(temporary, "wb", _rendered(_FIRST, lines)):
        try:
            os.replace(temporary, path)
        except OSError:
            return  # a place that cannot be written is left alone


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
