"""Cache of the changes of each commit, so that `log` and `show` read no old trees.

A text file a list: a line that names its format, then one line a commit, oldest first,
`checksum commit before content`, where `before` is the commit of the line above. It grows with
the history, by some 300 bytes a commit.
A torn, doubled or foreign line makes the whole file unreadable, and whoever reads it makes it
anew. A last line without its newline is one that is just being written: it is passed over.
"""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from gittasks.store import disk

if TYPE_CHECKING:
    from io import FileIO

_HEADER = b"gittasks-history 3\n"
"""The number of the form, as in `disk.CacheFile`; here each line has a checksum of its own."""
_FIRST = "-"


class Line(NamedTuple):
    """One commit and what is remembered of it, as JSON text."""

    commit: str
    content: str


def read(path: str) -> list[Line]:
    """Lines of the file, oldest first; [] when there is none or they do not hang together."""
    try:
        data = disk.read(path)
    except OSError:
        return []
    if not data.startswith(_HEADER):
        return []
    lines: list[Line] = []
    before = _FIRST
    for raw in data[len(_HEADER) :].splitlines(keepends=True):
        if not raw.endswith(b"\n"):
            break
        checksum, _, rest = raw.partition(b" ")
        words = rest.decode("ascii", "replace").rstrip("\n").split(" ", 2)
        if checksum != b"%08x" % zlib.crc32(rest) or len(words) != 3 or words[1] != before:
            return []
        lines.append(Line(words[0], words[2]))
        before = words[0]
    return lines


def append(path: str, after: str | None, lines: Iterable[Line]) -> bool:
    """Add lines behind the one of commit `after`; False when the file does not end with that one.

    It then has to be made anew, which is left to whoever reads it next.
    """
    expected = after or _FIRST
    try:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | getattr(os, "O_NONBLOCK", 0))
        with open(handle, "r+b", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode) or file.read(len(_HEADER)) != _HEADER:
                return False
            last = _last_line(file)
            words = last.split(b" ", 2)
            if last == _HEADER:
                fits = after is None
            else:
                fits = last.endswith(b"\n") and len(words) == 3 and words[1] == expected.encode()
            if fits:
                file.write(_rendered(expected, lines))
            return fits
    except OSError:
        return False


def _last_line(file: FileIO) -> bytes:
    """The last line of a file, whole and with its newline if it has one; b"" for an empty file."""
    start = file.seek(0, os.SEEK_END)
    tail = b""
    while start > 0 and tail.count(b"\n", 0, -1) == 0:
        step = min(start, 65536)
        start = file.seek(start - step)
        tail = file.read(step) + tail
    return tail[tail.rfind(b"\n", 0, -1) + 1 :]


def write(path: str, lines: Iterable[Line], shared: disk.Sharing) -> None:
    """Make the file anew; a place that cannot be written is left alone."""
    disk.put(path, _HEADER + _rendered(_FIRST, lines), shared)


def _rendered(before: str, lines: Iterable[Line]) -> bytes:
    parts = []
    for line in lines:
        rest = f"{line.commit} {before} {line.content}\n".encode("ascii", "replace")
        parts.append(b"%08x %s" % (zlib.crc32(rest), rest))
        before = line.commit
    return b"".join(parts)
