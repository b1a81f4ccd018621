"""git objects: read any, write loose ones that are on the disk when the call returns.

Objects are written under git's own temporary names and renamed into place, so that git sweeps
what a killed process leaves and two writers of one object never wait for each other.
Packed objects are read through dulwich, missing ones of a partial clone through git.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from gittasks.errors import InvalidData
from gittasks.store import git
from gittasks.store.discovery import read_shallow
from gittasks.store.disk import sync_all

if TYPE_CHECKING:
    from dulwich.object_store import DiskObjectStore

_KIND_NUMBERS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
_DAMAGED = ("damaged", b"")
_ATTEMPTS = 20
"""Times that a file or folder may vanish under one write before that is an error."""
_LOOSE_LEVEL = 1
"""zlib level of loose objects: git's own default for them, the quickest."""


class NewObject(NamedTuple):
    """An object to write: its id, its kind, its content."""

    id: str
    kind: str
    data: bytes


def new_object(kind: str, data: bytes) -> NewObject:
    """Name `data` as git does: SHA-1 over kind, length and content."""
    from dulwich.objects import ShaFile

    made = ShaFile.from_raw_string({"commit": 1, "tree": 2, "blob": 3}[kind], data)
    return NewObject(made.id.decode(), kind, data)


def _names(object_id: str, kind: str, data: bytes) -> bool:
    """Whether `object_id` is the name of that content: git does not check this on every read."""
    from hashlib import sha1

    header = f"{kind} {len(data)}\0".encode()
    return sha1(header + data, usedforsecurity=False).hexdigest() == object_id


class ObjectStore:
    """The objects of one repository, by id."""

    def __init__(self, common: str, env: Mapping[str, str], *, durable: bool = True) -> None:
        self._folder = os.path.join(common, "objects")
        self._common = common
        self._env = env
        self._durable = durable
        self._packs: DiskObjectStore | None = None

    def read(self, object_id: str, kind: str, *, limit: int | None = None) -> bytes:
        """Return the content of an object of `kind`.

        Raises InvalidData when it is missing, damaged, of another kind, or a loose one longer
        than `limit` bytes (which is then not even unpacked).
        """
        damaged = False
        for source in (
            self._read_loose,
            self._read_packed,
            # A repack may have moved it from loose to a new pack between the two looks.
            self._read_loose,
            self._rescan_packs,
            self._ask_git,
        ):
            found = source(object_id, limit)
            if found and _names(object_id, *found):
                break
            damaged = damaged or found is not None
        else:
            raise InvalidData(
                f"the object file of the {kind} {object_id} is damaged"
                if damaged
                else f"the repository lacks the {kind} {object_id}",
                where=object_id,
                hint="git fsck tells what is damaged; git fetch may bring it back",
            )
        actual, data = found
        if actual != kind:
            raise InvalidData(f"{object_id} is a {actual}, not a {kind}", where=object_id)
        if limit is not None and len(data) > limit:
            raise InvalidData(f"larger than {limit} bytes", where=object_id)
        return data

    def _loose_path(self, object_id: str) -> str:
        return os.path.join(self._folder, object_id[:2], object_id[2:])

    def _read_loose(self, object_id: str, limit: int | None) -> tuple[str, bytes] | None:
        try:
            with open(self._loose_path(object_id), "rb") as file:
                packed = file.read()
        except OSError:
            return None
        try:
            unpacker = zlib.decompressobj()
            header, _, start = unpacker.decompress(packed, 64).partition(b"\0")
            kind, _, size = header.decode("ascii").partition(" ")
            length = int(size)
            if limit is not None and length > limit:
                raise InvalidData(f"larger than {limit} bytes", where=object_id)
            data = start + unpacker.decompress(unpacker.unconsumed_tail) + unpacker.flush()
        except (zlib.error, ValueError):
            return _DAMAGED
        return (kind, data) if len(data) == length else _DAMAGED

    def _read_packed(self, object_id: str, _limit: int | None) -> tuple[str, bytes] | None:
        if self._packs is None:
            from dulwich.object_store import DiskObjectStore

            self._packs = DiskObjectStore(self._folder)
        try:
            number, data = self._packs.get_raw(object_id.encode())  # type: ignore[arg-type]
            return _KIND_NUMBERS[number], data
        except KeyError:
            return None
        except Exception:  # noqa: BLE001  dulwich raises whatever it meets in damaged bytes
            return None  # a pack that vanished or is damaged: look again, then ask git

    def _rescan_packs(self, object_id: str, limit: int | None) -> tuple[str, bytes] | None:
        self.close()
        return self._read_packed(object_id, limit)

    def close(self) -> None:
        """Let go of the packs; the next read opens them again."""
        if self._packs is not None:
            self._packs.close()
            self._packs = None

    def __del__(self) -> None:
        self.close()

    def _ask_git(self, object_id: str, _limit: int | None) -> tuple[str, bytes] | None:
        answer = git.run(
            [f"--git-dir={self._common}", "cat-file", "--batch"],
            cwd=self._common,
            env=git.unbound(self._env),
            stdin=object_id.encode() + b"\n",
        )
        header, _, rest = answer.stdout.partition(b"\n")
        words = header.decode("ascii", "replace").split()
        if answer.returncode != 0 or len(words) != 3:
            return None
        return words[1], rest[: int(words[2])]

    def write(self, objects: Iterable[NewObject]) -> None:
        """Write objects as loose files; when durable, they and their folders are synced."""
        wanted = list(objects)
        for attempt in range(_ATTEMPTS):
            try:
                self._write_once(wanted)
                break
            except FileNotFoundError:
                # `git gc` packed what was already there, and removed it or its empty folder.
                if attempt == _ATTEMPTS - 1:
                    raise

    def _write_once(self, objects: Iterable[NewObject]) -> None:
        paths = {self._loose_path(item.id): item for item in objects}
        new = {path: item for path, item in paths.items() if not _freshen(path)}
        staged = {path: _stage(path, item) for path, item in new.items()}
        try:
            if self._durable:
                sync_all([staged.get(path, path) for path in paths])
            for path, temporary in staged.items():
                os.replace(temporary, path)
        except BaseException:
            for temporary in staged.values():
                _discard(temporary)
            raise
        if self._durable:
            sync_all([self._folder, *{os.path.dirname(path) for path in paths}])

    def is_boundary(self, commit_id: str) -> bool:
        """Whether a shallow clone ends at this commit (gitrepository-layout, `shallow`)."""
        return commit_id in read_shallow(self._common).split()

    def missing(self, objects: Iterable[NewObject]) -> list[NewObject]:
        """Those of `objects` that are no loose files now (a foreign `gc --prune=now` ran)."""
        return [item for item in objects if not os.path.exists(self._loose_path(item.id))]


def _freshen(path: str) -> bool:
    """Make an object that is already there young again, so that gc keeps it; False if it is not."""
    try:
        if os.stat(path).st_size == 0:  # left by a power cut; git would keep it for ever
            return False
        os.utime(path)
    except OSError:
        return False
    return True


def _stage(path: str, item: NewObject) -> str:
    """Write an object under one of git's temporary names beside `path`; return that name."""
    packed = zlib.compress(f"{item.kind} {len(item.data)}\0".encode() + item.data, _LOOSE_LEVEL)
    folder = os.path.dirname(path)
    temporary = os.path.join(folder, f"tmp_obj_{os.urandom(6).hex()}")
    for attempt in range(_ATTEMPTS):
        try:
            os.makedirs(folder, exist_ok=True)
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
            break
        except FileNotFoundError:  # git gc removed the empty folder in between
            if attempt == _ATTEMPTS - 1:
                raise
    try:
        with open(handle, "wb") as file:
            file.write(packed)
    except BaseException:
        _discard(temporary)
        raise
    return temporary


def _discard(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
