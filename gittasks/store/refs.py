"""Refs of the common git dir: read one, list those of a prefix, move one under a guard.

Reading is a file or a byte search, so it costs the same beside 5 refs and 50,000. Moving goes
through dulwich's compare-and-swap under git's own `<ref>.lock`. It is never called with "no
expected value": a new ref is expected to be the zero id.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from gittasks.errors import Busy, InvalidData, Refused
from gittasks.store import disk

if TYPE_CHECKING:
    from dulwich.objects import ObjectID
    from dulwich.refs import Ref

ZERO = "0" * 40
_HEX = frozenset("0123456789abcdef")
_MAX_SYMREFS = 5
_LOCK_PATIENCE = 10.0
"""Seconds to wait for somebody else's `<ref>.lock`; git holds one for milliseconds."""

Reflog = Callable[[str, str], None]
"""Called with (old id, new id) while the ref is locked, to append to its reflog."""


def is_object_id(text: str) -> bool:
    """Whether `text` is a full SHA-1 object id in lower-case hex."""
    return len(text) == 40 and _HEX.issuperset(text)


def read(common: str, name: str) -> str | None:
    """Return the commit id that ref `name` holds, None if there is no such ref.

    Raises InvalidData when the ref exists but is damaged (an empty or torn file).
    """
    for _ in range(_MAX_SYMREFS):
        try:
            with open(os.path.join(common, name), "rb") as file:
                text = file.read(4096).decode("utf-8", "replace").strip()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return _find_packed(_packed(common), name)
        if not text.startswith("ref: "):
            if is_object_id(text):
                return text
            raise InvalidData(
                f"the ref file {name} is damaged: it holds no commit id",
                where=name,
                hint=f"its last good value is the last line of logs/{name} in the git directory",
            )
        name = text[5:].strip()
    raise InvalidData(f"{name} is a loop of symbolic refs", where=name)


def listed(common: str, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield (name, id) of the refs that begin with `prefix`, in order of name.

    Damaged ref files are passed over: they have no id to give.
    """
    needle = b" " + prefix.encode()
    packed = _packed(common)
    names: set[str] = set()
    at = packed.find(needle)
    while at >= 0:
        end = packed.find(b"\n", at)
        names.add(packed[at + 1 : end if end >= 0 else None].decode("utf-8", "replace"))
        at = packed.find(needle, at + 1)
    folder = os.path.dirname(prefix)
    for root, _, files in os.walk(os.path.join(common, folder)):
        base = os.path.relpath(root, common).replace(os.sep, "/")
        names.update(f"{base}/{file}" for file in files if not file.endswith(".lock"))
    for name in sorted(names):
        if name.startswith(prefix):
            try:
                value = read(common, name)
            except InvalidData:
                continue
            if value:
                yield name, value


def _packed(common: str) -> bytes:
    try:
        with open(os.path.join(common, "packed-refs"), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def _find_packed(packed: bytes, name: str) -> str | None:
    at = packed.find(b" " + name.encode() + b"\n")
    value = packed[max(at - 40, 0) : at].decode("ascii", "replace") if at >= 40 else ""
    return value if is_object_id(value) else None


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


def move(
    common: str,
    name: str,
    old: str | None,
    new: str,
    *,
    reflog: Reflog | None,
    is_leftover: Callable[[str], bool],
) -> bool:
    """Move ref `name` from `old` (None: it must not exist) to `new`; False if it was elsewhere.

    Waits for somebody else's lock with jittered pauses; removes a `<ref>.lock` only when
    `is_leftover(path)` knows it as one of ours whose writer died. Raises Busy after 10 seconds.
    The ref and its folder are on the disk before this returns.
    """
    import random
    import time

    from dulwich.file import FileLocked

    refs = _guarded_refs(common, name, reflog)
    deadline = time.monotonic() + _LOCK_PATIENCE
    pause, retry_folder = 0.005, True
    while True:
        try:
            moved: bool = refs.set_if_equals(
                _ref(name), _id(old or ZERO), _id(new), message=b"gittasks"
            )
        except FileLocked:
            lock = os.path.join(common, name) + ".lock"
            if is_leftover(lock):
                _remove(lock)
                continue
            if time.monotonic() > deadline:
                raise _still_locked(lock, name) from None
            time.sleep(random.uniform(pause / 2, pause))  # noqa: S311  jitter, not a secret
            pause = min(pause * 2, 0.5)
        except FileNotFoundError:
            continue  # `git pack-refs` removed the emptied folder between mkdir and open
        except (NotADirectoryError, IsADirectoryError):
            # Another branch is in the way, or a folder that git left empty (cleared here).
            check_creatable(common, name)
            if not retry_folder:
                raise
            retry_folder = False
        else:
            if moved:
                disk.sync(os.path.dirname(os.path.join(common, name)))
            return moved


def _guarded_refs(common: str, name: str, reflog: Reflog | None):  # type: ignore[no-untyped-def]
    from dulwich.refs import DiskRefsContainer

    class OneRef(DiskRefsContainer):
        """dulwich's compare-and-swap, told only of the packed refs that matter to this one."""

        def get_packed_refs(self) -> dict[Ref, ObjectID]:
            packed = _packed(common)
            found, part = {}, name
            while part.count("/") >= 2:
                if value := _find_packed(packed, part):
                    found[_ref(part)] = _id(value)
                part = os.path.dirname(part)
            return found

    def log(
        _ref: bytes,
        old: bytes,
        new: bytes,
        _who: bytes | None,
        _time: int | None,
        _zone: int | None,
        _message: bytes,
    ) -> None:
        if reflog:
            reflog(old.decode(), new.decode())

    return OneRef(common, logger=log)


def _ref(name: str) -> Ref:
    return name.encode()  # type: ignore[return-value]


def _id(value: str) -> ObjectID:
    return value.encode()  # type: ignore[return-value]


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def _still_locked(lock: str, name: str) -> Busy:
    import time

    try:
        age = f", for {time.time() - os.stat(lock).st_mtime:.0f} seconds now"
    except OSError:
        age = ""
    return Busy(
        f"the branch {name.removeprefix('refs/heads/')} is locked by another program{age}",
        where=f"{name}.lock",
        hint="wait and run this again; if no git is running here, that lock file is a leftover",
    )
