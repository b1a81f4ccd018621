"""Files on the disk: read regular files only, replace atomically, share as configured, sync.

Also the pauses of whoever lost a race for a file.
"""

from __future__ import annotations

import errno
import os
import stat
import time
import zlib
from _thread import allocate_lock, get_ident, start_new_thread

from gittasks import light, store
from gittasks.light import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from _thread import LockType
    from collections.abc import Callable, Sequence
    from typing import Any, BinaryIO, TypeVar

    T = TypeVar("T")

_ATTEMPTS = 20
"""Times that a folder may vanish before a file is in it, until that is an error."""
_AT_ONCE = 16
"""How many files are synced side by side; each needs a thread and a file handle."""
_TO_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0)
_TO_REPLACE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
_TO_ADD = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
_PART = 65_536
"""Bytes of a file that grows while it is read, at a time."""


class Sharing(NamedTuple):
    """Permission bits that `core.sharedRepository` adds, or has instead."""

    bits: int = 0
    replaces: bool = False

    def apply(self, path: str) -> None:
        """Give what we just created at `path` these permissions, as git does; else leave it."""
        if not self.bits:
            return
        try:
            old = os.stat(path).st_mode
            bits = self.bits if old & stat.S_IWUSR else self.bits & ~0o222
            if old & stat.S_IXUSR:
                bits |= (bits & 0o444) >> 2
            mode = (old & ~0o777) | bits if self.replaces else old | bits
            if stat.S_ISDIR(old) and mode & 0o060:
                mode |= stat.S_ISGID
            if mode != old:
                os.chmod(path, stat.S_IMODE(mode))
        except OSError:
            return  # somebody removed it, or a file system without permissions


PRIVATE = Sharing()
"""Whatever the umask gives: git's default."""


def sharing(setting: str | None) -> Sharing:
    """The meaning of a value of `core.sharedRepository` (git-config)."""
    word = (setting or "umask").lower()
    if word in ("group", "true", "yes", "on", "1"):
        return Sharing(0o660)
    if word in ("all", "world", "everybody", "2"):
        return Sharing(0o664)
    try:
        mode = int(word, 8)
    except ValueError:
        return PRIVATE
    return Sharing(mode & 0o666, replaces=True) if mode & 0o600 == 0o600 else PRIVATE


def make_folders(folder: str, shared: Sharing) -> list[str]:
    """Make `folder` and those above it that are missing; return what must be synced for that.

    Another process may make or remove them at the same time. Raises OSError.
    """
    missing = []
    while not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for path in reversed(missing):
        try:
            os.mkdir(path)
        except FileExistsError:
            continue
        shared.apply(path)
    return [os.path.dirname(path) for path in missing]


def in_folder(folder: str, shared: Sharing, put_there: Callable[[], T]) -> T:
    """Make a folder and then a file in it, again where git removes the folder in between.

    git removes folders of objects and of refs that are empty. Raises OSError.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            make_folders(folder, shared)
            return put_there()
        except FileNotFoundError:
            continue
    make_folders(folder, shared)
    return put_there()


def names_in(folder: str) -> list[str]:
    """The names in a folder, in order; none where there is no such folder. Raises OSError."""
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def open_file(path: str) -> BinaryIO:
    """Open a regular file. Raises OSError for anything else, and never waits for a pipe."""
    handle = _opened(path)[0]
    try:
        return open(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def _opened(path: str) -> tuple[int, int]:
    """A handle of a regular file, and the bytes in that, as of `open_file`."""
    handle = os.open(path, _TO_READ | getattr(os, "O_NONBLOCK", 0))
    try:
        status = os.fstat(handle)
    except OSError as error:
        os.close(handle)
        error.filename = path
        raise
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is not a regular file", path)
    return handle, status.st_size


def read(path: str) -> bytes:
    """Content of a regular file, as of `open_file`."""
    handle, size = _opened(path)
    # By the system's calls: a file object makes twice as many, and every command reads many files.
    # Their errors name no file; `naming`, which costs as much as a read, is for those that write.
    try:
        try:
            content = os.read(handle, size + 1)
            while more := os.read(handle, _PART):
                content += more
        finally:
            os.close(handle)
    except OSError as error:
        error.filename = path
        raise
    return content


def read_first(path: str, size: int) -> bytes:
    """The first bytes of a file of any kind. Raises OSError."""
    handle = os.open(path, _TO_READ)
    try:
        try:
            return os.read(handle, size)
        finally:
            os.close(handle)
    except OSError as error:
        error.filename = path
        raise


class naming:  # noqa: N801  called as a function, as `suppress` is
    """Have errors of the system that name no file, those of writes and syncs, name this one."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError) and error.filename is None:
            error.filename = self._path


def replace_file(
    path: str,
    data: bytes,
    *,
    durable: bool = False,
    like: str | None = None,
    shared: Sharing = PRIVATE,
    draft: str | None = None,
) -> None:
    """Put a whole file in the place of `path`, or leave what is there. Raises OSError.

    It is written beside `draft` first, by default beside `path`, under a name with a `~`, which
    no list id and no ref has.
    `durable`: it is synced before. It gets the permissions of `like`, if there is such a file.
    """
    temporary = f"{draft or path}~{os.getpid()}-{get_ident()}"
    try:
        with naming(path):
            handle = os.open(temporary, _TO_REPLACE, 0o666)
            try:
                write_whole(handle, data)
                if durable:
                    store.platform.sync(handle)
            finally:
                os.close(handle)
        if like and os.path.exists(like):
            os.chmod(temporary, stat.S_IMODE(os.stat(like).st_mode))
        shared.apply(temporary)
        store.platform.replace(temporary, path)
    except BaseException:
        remove(temporary)
        raise


def write_whole(handle: int, data: bytes) -> None:
    """Write by the system's calls, of which a file object makes three times as many."""
    while data:
        data = data[os.write(handle, data) :]


def put(path: str, data: bytes, shared: Sharing, *, draft: str | None = None) -> bool:
    """Replace a file that may be missing, in a folder that may be; False if that fails."""
    try:
        in_folder(
            os.path.dirname(path),
            shared,
            lambda: replace_file(path, data, shared=shared, draft=draft),
        )
    except OSError:
        return False
    return True


def append(path: str, data: bytes, shared: Sharing) -> None:
    """Add whole lines to a file by one write, beside others who do. Raises OSError.

    It never waits for a pipe.
    """
    with naming(path):
        handle = os.open(path, _TO_ADD | getattr(os, "O_NONBLOCK", 0), 0o666)
        try:
            if os.write(handle, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(handle)
    shared.apply(path)


class CacheFile(NamedTuple):
    """The form of a file that may be deleted: its name, its number, a checksum, then the body.

    The number is that of the form, not of the program, so that an upgrade keeps what is there.
    Raise it whenever the same bytes would be written or read otherwise. `fields` stands for the
    names of what values in the body hold: with another field the form is another by itself.
    """

    kind: str
    number: int
    fields: int = 0

    def read(self, path: str) -> bytes | None:
        """The body of a file; None when there is none, or it is damaged or of another form."""
        try:
            head, _, body = read(path).partition(b"\n")
        except OSError:
            return None
        return body if head == self._head(body) else None

    def write(self, path: str, body: bytes, shared: Sharing) -> None:
        """Put a file with this body in place; where that cannot be done, nothing happens."""
        put(path, self._head(body) + b"\n" + body, shared)

    def _head(self, body: bytes) -> bytes:
        form = f"{self.number} {self.fields}" if self.fields else str(self.number)
        return f"gittasks-{self.kind} {form} {zlib.crc32(body)}".encode("ascii")


def fields_of(*nouns: Any) -> int:
    """A number for the names of the fields of some NamedTuples."""
    return zlib.crc32(";".join(",".join(noun._fields) for noun in nouns).encode("ascii"))


def short_hash(text: str) -> str:
    """The name of a text where a file or a ref is called by it: 20 hex digits."""
    return light.sha1(text.encode("utf-8", "surrogateescape"))[:20]


def age_words(path: str) -> str:
    """`, for 30 seconds now`, of a file that is there; else nothing."""
    try:
        return f", for {time.time() - os.stat(path).st_mtime:.0f} seconds now"
    except OSError:
        return ""


def remove(path: str) -> None:
    """Remove a file if that can be done."""
    try:
        store.platform.unlink(path)
    except OSError:
        return


def sync_all(unsynced: Sequence[str | int], *, full: Sequence[str | int] = ()) -> None:
    """Sync files and folders at the same time: the file system then commits them together.

    Each is a path, or the handle of an open file; those of `full` past the cache of the disk as
    well. One after the other each would wait for a commit of its own. Raises the first error; one
    of the disk before one of a file that has vanished.
    """
    errors: list[BaseException] = []

    def share(first: int, unfinished: LockType | None = None) -> None:
        for item in unsynced[first::_AT_ONCE]:
            try:
                if isinstance(item, int):
                    store.platform.sync(item, full=item in full)
                else:
                    with naming(item):
                        store.platform.sync_path(item, full=item in full)
            except BaseException as error:  # noqa: BLE001  what is not synced must not pass for it
                errors.append(error)
        if unfinished:
            unfinished.release()

    # By `_thread`: `threading` waits until each one runs, which is when its sync is over.
    shares: list[LockType] = []
    for first in range(1, min(_AT_ONCE, len(unsynced))):
        unfinished = allocate_lock()
        unfinished.acquire()
        try:
            start_new_thread(share, (first, unfinished))
        except RuntimeError:  # no more threads here: then one after the other
            share(first)
        else:
            shares.append(unfinished)
    share(0)
    for unfinished in shares:
        unfinished.acquire()
    if errors:
        raise min(errors, key=lambda error: isinstance(error, FileNotFoundError))


class Backoff(NamedTuple):
    """Pauses in seconds: the longest one doubles from `first` with each attempt, up to `most`.

    Each is drawn between `least` (a share of that) and the whole of it, so that those who were
    beaten together do not come back together.
    """

    first: float
    most: float
    least: float = 0.0

    def seconds(self, attempt: int) -> float:
        """The pause after an attempt; they are counted from 0."""
        import random  # third of a millisecond, and only for those that were beaten

        longest = min(self.first * 2 ** min(attempt, 32), self.most)
        return random.uniform(longest * self.least, longest)  # noqa: S311  jitter, not a secret

    def wait(self, attempt: int) -> None:
        """Sleep for that long."""
        time.sleep(self.seconds(attempt))
