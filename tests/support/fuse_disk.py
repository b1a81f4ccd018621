"""A disk with the rules of another system: a folder served through FUSE, by a process of its own.

    python fuse_disk.py FOLDER MOUNTPOINT RULE...

| rule | as | does |
|---|---|---|
| `no-links` | FAT, SMB, many FUSE disks | has no hard links |
| `no-folder-sync` | SMB, many FUSE disks | cannot sync folders |
| `lost-renames` | NFS | does every second rename of ours and answers that the file is not there |
| `busy-renames` | SMB, a scanner | refuses each rename of ours once |
| `ignores-case` | APFS, NTFS | finds a file in any spelling |
| `decomposes` | HFS+ | stores names in NFD, and finds them in any form |
| `utf-8` | APFS, HFS+ | refuses names that are no UTF-8 |
| `full` | | has no room for objects, once there is a file `full` at its top |
"""

from __future__ import annotations

import errno
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from typing import Any

from fuse import FUSE, FuseOSError, Operations

__all__ = ["Disk"]


_OURS = re.compile(r"/tmp_obj_[0-9a-f]{12}$")
"""Temporary names of objects as gittasks writes them; git's are shorter."""


class Disk(Operations):  # type: ignore[misc]
    """The operations of the disk, on the files of a folder."""

    def __init__(self, root: str, rules: frozenset[str]) -> None:
        self._root, self._rules = root, rules
        self._renames = 0
        self._refused: set[tuple[str, str]] = set()

    # --- names ----------------------------------------------------------------------------------

    def _place(self, path: str) -> str:
        """The file that a path means, in the spelling that is stored, else as it would be."""
        place = self._root
        for name in filter(None, path.split("/")):
            if "utf-8" in self._rules and any(0xDC80 <= ord(c) <= 0xDCFF for c in name):
                raise FuseOSError(errno.EILSEQ)
            place = os.path.join(place, self._stored(place, name))
        return place

    def _stored(self, folder: str, name: str) -> str:
        if "decomposes" in self._rules:
            name = unicodedata.normalize("NFD", name)
        if "ignores-case" not in self._rules or os.path.lexists(os.path.join(folder, name)):
            return name
        try:
            names = os.listdir(folder)
        except OSError:
            return name
        return next((n for n in names if n.casefold() == name.casefold()), name)

    # --- what the rules are about ---------------------------------------------------------------

    def link(self, target: str, source: str) -> int:
        if "no-links" in self._rules:
            raise FuseOSError(errno.EPERM)
        os.link(self._place(source), self._place(target))
        return 0

    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
        if "no-folder-sync" in self._rules:
            raise FuseOSError(errno.EINVAL)
        return 0

    def rename(self, old: str, new: str) -> int:
        ours = _OURS.search(old) is not None or ("/gittasks" in new and "/logs/" not in new)
        self._renames += ours
        if "busy-renames" in self._rules and ours and (old, new) not in self._refused:
            self._refused.add((old, new))
            raise FuseOSError(errno.EACCES)
        source, target = self._place(old), self._place(new)
        if os.path.lexists(target) and source != target and os.path.samefile(source, target):
            target = os.path.join(os.path.dirname(target), os.path.basename(new))
        os.rename(source, target)
        if "lost-renames" in self._rules and ours and self._renames % 2:
            raise FuseOSError(errno.ENOENT)
        return 0

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        full = "full" in self._rules and os.path.exists(os.path.join(self._root, "full"))
        if full and "/objects/" in path:
            raise FuseOSError(errno.ENOSPC)
        return os.pwrite(fh, data, offset)

    # --- the rest -------------------------------------------------------------------------------

    def access(self, path: str, mode: int) -> int:
        if not os.access(self._place(path), mode):
            raise FuseOSError(errno.EACCES)
        return 0

    def chmod(self, path: str, mode: int) -> int:
        os.chmod(self._place(path), mode)
        return 0

    def chown(self, path: str, uid: int, gid: int) -> int:
        os.chown(self._place(path), uid, gid, follow_symlinks=False)
        return 0

    def create(self, path: str, mode: int, fi: object = None) -> int:
        return os.open(self._place(path), os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)

    def open(self, path: str, flags: int) -> int:
        return os.open(self._place(path), flags & ~os.O_APPEND)

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        return os.pread(fh, size, offset)

    def flush(self, path: str, fh: int) -> int:
        return 0

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        os.fsync(fh)
        return 0

    def release(self, path: str, fh: int) -> int:
        os.close(fh)
        return 0

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        os.truncate(self._place(path), length)
        return 0

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        status = os.lstat(self._place(path))
        names = ("atime", "ctime", "mtime", "gid", "mode", "nlink", "size", "uid", "ino")
        return {f"st_{name}": getattr(status, f"st_{name}") for name in names}

    def readdir(self, path: str, fh: int) -> Iterator[str]:
        yield from (".", "..", *os.listdir(self._place(path)))

    def readlink(self, path: str) -> str:
        return os.readlink(self._place(path))

    def symlink(self, target: str, source: str) -> int:
        os.symlink(source, self._place(target))
        return 0

    def mkdir(self, path: str, mode: int) -> int:
        os.mkdir(self._place(path), mode)
        return 0

    def rmdir(self, path: str) -> int:
        os.rmdir(self._place(path))
        return 0

    def unlink(self, path: str) -> int:
        os.unlink(self._place(path))
        return 0

    def utimens(self, path: str, times: tuple[float, float] | None = None) -> int:
        os.utime(self._place(path), times)
        return 0

    def statfs(self, path: str) -> dict[str, int]:
        state = os.statvfs(self._place(path))
        names = ("bavail", "bfree", "blocks", "bsize", "favail", "ffree", "files", "frsize")
        return {f"f_{name}": getattr(state, f"f_{name}") for name in names}


if __name__ == "__main__":
    folder, mountpoint, *rules = sys.argv[1:]
    FUSE(
        Disk(folder, frozenset(rules)),
        mountpoint,
        foreground=True,
        nothreads=True,
        hard_remove=True,
        use_ino=True,
        attr_timeout=0,
        entry_timeout=0,
        negative_timeout=0,
        encoding="utf-8",
    )
