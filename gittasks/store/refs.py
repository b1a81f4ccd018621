"""Refs of the common git dir: read one, list those of a prefix, move one under a guard.

Reading is a file or a byte search, so it costs the same beside 5 refs and 50,000. Moving is a
compare-and-swap under git's own `<ref>.lock`, so git and we never overwrite each other. It is our
own: dulwich's leaves its lock behind when the disk is full, and syncs no folder.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from gittasks.errors import Busy, DiskFailure, InvalidData, Refused
from gittasks.store import disk, platform
from gittasks.store.disk import Backoff

_LENGTHS = frozenset({40, 64})
"""Hex digits of an object id: SHA-1, SHA-256."""
_HEX = frozenset("0123456789abcdef")
_MAX_SYMREFS = 5
_LOCK_PATIENCE = 10.0
"""Seconds to wait for somebody else's `<ref>.lock`; git holds one for milliseconds."""
_BACKOFF = Backoff(first=0.005, most=0.5, least=0.5)
_HURDLES = 20
"""Times that a folder may vanish or be in the way under one move before that is an error."""

Reflog = Callable[[str, str], None]
"""Called with (old id, new id) while the ref is locked, to append to its reflog."""


def is_object_id(text: str) -> bool:
    """Is `text` a full object id, SHA-1 or SHA-256, in lower-case hex?"""
    return len(text) in _LENGTHS and _HEX.issuperset(text)


def read(common: str, name: str) -> str | None:
    """Return the commit id that ref `name` holds, None if there is no such ref.

    Raises InvalidData when the ref exists but is damaged (an empty or torn file).
    """
    return _followed(common, name)[1]


def stored_name(common: str, name: str) -> str | None:
    """Name a ref as the folder of its file spells it, None when it has no file.

    A disk that ignores case opens the file of `plan` for `Plan` too.
    """
    path = os.path.join(common, name)
    if not os.path.lexists(path):
        return None
    folder, last = os.path.split(path)
    names = os.listdir(folder)
    if last not in names:
        last = next((n for n in names if n.casefold() == last.casefold()), last)
    return f"{os.path.dirname(name)}/{last}"


def trace(common: str, names: Iterable[str]) -> tuple[object, ...]:
    """A value that differs once one of these refs may have moved: a few stats, nothing read."""
    stats: list[object] = []
    for name in ("packed-refs", *names):
        try:
            state = os.stat(os.path.join(common, name))
        except OSError:
            stats.append(None)
        else:
            stats += (state.st_ino, state.st_mtime_ns, state.st_size)
    return tuple(stats)


def lock_path(common: str, name: str) -> str:
    """Path of git's own lock for `name`, or for the ref that it points to if it is symbolic."""
    with contextlib.suppress(InvalidData):  # reading it will tell
        name, _ = _followed(common, name)
    return os.path.join(common, name) + ".lock"


def _followed(common: str, name: str, packed: bytes | None = None) -> tuple[str, str | None]:
    """The ref that `name` points to, itself unless it is symbolic, and the id that it holds."""
    for _ in range(_MAX_SYMREFS):
        if not name.startswith("refs/") or ".." in name:
            raise InvalidData(f"a symbolic ref points to {name!a}, which is no ref", where=name)
        try:
            with open(os.path.join(common, name), "rb") as file:
                text = file.read(4096).decode("utf-8", "replace").strip()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return name, _find_packed(_packed(common) if packed is None else packed, name)
        if not text.startswith("ref: "):
            if is_object_id(text):
                return name, text
            raise InvalidData(
                f"the ref file {name} is damaged: it holds no commit id",
                where=name,
                hint=f"its last good value is the last line of logs/{name} in the git directory",
            )
        name = text[5:].strip()
    raise InvalidData(f"{name} is a loop of symbolic refs", where=name)


def listed(common: str, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield (name, id) of the refs that begin with `prefix`, in order of name.

    A damaged one has the id "".
    """
    loose: dict[str, str] = {}
    dangling: dict[str, str] = {}
    for root, _, files in os.walk(os.path.join(common, os.path.dirname(prefix))):
        base = os.path.relpath(root, common).replace(os.sep, "/")
        for file in files:
            name = f"{base}/{file}"
            if name.startswith(prefix) and not name.endswith(".lock"):
                try:
                    real, value = _followed(common, name, b"")
                except InvalidData:
                    real, value = name, ""
                if value is None:
                    dangling[name] = real
                else:
                    loose[name] = value
    packed = _packed(common)  # last: `git pack-refs` may have moved loose ones there meanwhile
    values: dict[str, str] = {}
    needle = b" " + prefix.encode()
    at = packed.find(needle)
    while at >= 0:
        end = packed.find(b"\n", at)
        name = packed[at + 1 : end if end >= 0 else None].decode("utf-8", "replace")
        value = _id_before(packed, at)
        values[name] = value if is_object_id(value) else ""
        at = packed.find(needle, at + 1)
    values |= {name: v for name, real in dangling.items() if (v := _find_packed(packed, real))}
    yield from sorted((values | loose).items())


def _packed(common: str) -> bytes:
    try:
        with open(os.path.join(common, "packed-refs"), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def _find_packed(packed: bytes, name: str) -> str | None:
    at = packed.find(b" " + name.encode() + b"\n")
    value = _id_before(packed, at) if at >= 0 else ""
    return value if is_object_id(value) else None


def _id_before(packed: bytes, at: int) -> str:
    """The id on the line of packed-refs whose name begins behind `at`."""
    return packed[packed.rfind(b"\n", 0, at) + 1 : at].decode("ascii", "replace")


def check_creatable(common: str, name: str) -> None:
    """Raise Refused when another branch stands in the way of `name` (file against folder).

    Folders that git left empty are cleared away, as git does itself.
    """
    packed = _packed(common)
    parent = os.path.dirname(name)
    while parent.count("/") >= 2:
        if os.path.isfile(os.path.join(common, parent)) or _find_packed(packed, parent):
            raise _in_the_way(parent, name)
        parent = os.path.dirname(parent)
    path = os.path.join(common, name)
    if os.path.isdir(path):
        for root, _, files in os.walk(path, topdown=False):
            if files:
                raise _in_the_way(f"{os.path.relpath(root, common)}/{files[0]}", name)
            os.rmdir(root)
    at = packed.find(b" " + name.encode() + b"/")
    if at >= 0:
        end = packed.find(b"\n", at)
        raise _in_the_way(packed[at + 1 : end].decode("utf-8", "replace"), name)


def _in_the_way(other: str, name: str) -> Refused:
    other, name = other.removeprefix("refs/heads/"), name.removeprefix("refs/heads/")
    return Refused(
        "branch-name",
        f'the branch "{other}" stands in the way of "{name}": git cannot hold both',
        hint="rename that branch, or choose another prefix with: "
        "git config gittasks.branchPrefix tasks-",
    )


class LockMarker(Protocol):
    """Note of a writer that it is about to hold a ref's lock, for who finds it dead."""

    def mark(self, commit: str) -> None:
        """The lock is about to be made, to move the ref to `commit`."""

    def clear(self) -> None:
        """There is no lock of ours."""


def move(
    common: str,
    name: str,
    old: str | None,
    new: str,
    *,
    marks: LockMarker | None = None,
    reflog: Reflog | None = None,
    shared: disk.Sharing = disk.PRIVATE,
) -> bool:
    """Move ref `name` from `old` (None: it must not exist) to `new`; False if it was elsewhere.

    Waits for somebody else's lock with jittered pauses and raises Busy after 10 seconds. The ref
    and the folders made for it are on the disk before this returns.
    """
    import time

    name, _ = _followed(common, name)
    lock = os.path.join(common, name) + ".lock"
    deadline = time.monotonic() + _LOCK_PATIENCE
    losses = hurdles = 0
    while True:
        created = disk.make_folders(os.path.dirname(lock), shared)
        try:
            moved = _swap(common, name, old or "0" * len(new), new, marks, reflog, shared)
        except FileExistsError:
            if time.monotonic() > deadline:
                raise still_locked(lock) from None
            _BACKOFF.wait(losses)
            losses += 1
        except (FileNotFoundError, IsADirectoryError):
            # git removed the folder while it was empty, or left one in the place of the ref
            hurdles += 1
            if hurdles > _HURDLES:
                raise
            check_creatable(common, name)
        else:
            if moved:
                _sync_move([os.path.dirname(lock), *created])
            return moved


class Unsynced(DiskFailure):
    """The ref has moved, which cannot be taken back, and its folder could not be synced."""


def _sync_move(folders: Sequence[str]) -> None:
    """Sync the folders of a ref that moved; Unsynced."""
    try:
        # Without its folder the ref is in packed-refs by now, which git has synced.
        with contextlib.suppress(FileNotFoundError):
            disk.sync_all(folders, full=True)
    except OSError as error:
        raise Unsynced.of(
            error,
            hint="the change is in the history, and a power cut may take it back: see to the disk, "
            "then look with: gittasks log -n 1",
        ) from error


# The steps of a guarded move, which are those of `git update-ref` (`git help update-ref`):
#
#   make <ref>.lock, exclusively    no other git moves the ref from here on
#   read the ref: is it `old`?      only now, since before the lock it could still move
#   write and sync the new id       a name must never be durable before its content is
#   append to the reflog            while locked, so that its lines are in order
#   rename the lock to the ref      the commit point: readers see the old id or the new one


def _swap(
    common: str,
    name: str,
    old: str,
    new: str,
    marks: LockMarker | None,
    reflog: Reflog | None,
    shared: disk.Sharing,
) -> bool:
    """Compare and swap under git's own `<ref>.lock`; FileExistsError when somebody has that."""
    lock = f"{os.path.join(common, name)}.lock"
    handle = _open_lock(lock, new, marks)
    # Killed or interrupted so far, the mark stays, and tells the next writer whose lock that is.
    moved, ours = False, 0
    try:
        try:
            ours = os.fstat(handle).st_ino
            unmoved = (_followed(common, name)[1] or "0" * len(old)) == old
            if unmoved:
                _write_id(handle, lock, new)
        finally:
            os.close(handle)
        if unmoved:
            shared.apply(lock)
            if reflog:
                reflog(old, new)
            moved = _rename(common, name, old, lock)
    finally:
        # The mark of a lock that stays lets the next writer remove it.
        if (moved or _unlock(lock, ours)) and marks:
            with contextlib.suppress(OSError):  # a mark without a lock does no harm
                marks.clear()
    return moved


def _open_lock(lock: str, new: str, marks: LockMarker | None) -> int:
    """Make a lock file, marked as ours before; FileExistsError when somebody has it."""
    if os.path.lexists(lock):  # no mark for what is not going to be made
        raise FileExistsError(lock)
    if marks:
        marks.mark(new)
    try:
        return os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except OSError:
        if marks:
            marks.clear()
        raise


def _rename(common: str, name: str, old: str, lock: str) -> bool:
    """Rename a lock into the place of its ref; True. OSError when the ref is where it was.

    A rename whose answer was lost, on a network disk, is repeated and then reports an error
    although it was done.
    """
    try:
        platform.replace(lock, lock.removesuffix(".lock"))
    except OSError:
        try:
            moved = (_followed(common, name)[1] or "0" * len(old)) != old
        except (OSError, InvalidData):
            moved = not os.path.lexists(lock)
        if not moved:
            raise
    return True


def _unlock(lock: str, ours: int) -> bool:
    """Remove our lock; False when it stays. Another inode is the next one's already."""
    try:
        if ours in (0, os.stat(lock).st_ino):
            os.unlink(lock)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _write_id(handle: int, lock: str, commit: str) -> None:
    with disk.naming(lock):
        if os.write(handle, commit.encode() + b"\n") <= len(commit):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        platform.sync(handle, full=True)


def still_locked(lock: str) -> Busy:
    """The error for a ref that another program has locked, with the path and the age of that."""
    import time

    try:
        age = f", for {time.time() - os.stat(lock).st_mtime:.0f} seconds now"
    except OSError:
        age = ""
    name = lock.removesuffix(".lock")
    name = name[name.rfind("/refs/") + 1 :].removeprefix("refs/heads/").removeprefix("refs/")
    return Busy(
        f"{name} is locked by another program{age}",
        where=lock,
        hint="wait and run this again; if no git is running here, that lock file is a leftover, "
        "and can be removed",
    )
