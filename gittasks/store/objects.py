"""git objects: read any, write loose ones that are on the disk when the call returns.

Objects are written under git's own temporary names and renamed into place, so that git sweeps
what a killed process leaves and two writers of one object never wait for each other; we sweep the
one folder of ours where they are written while git prunes all the time.
Packed objects are read by git, and through dulwich where it cannot; what a partial clone lacks is
fetched in one go from the remote that promised it. It is long because both ends of an object, and
all its forms, are here.
"""

from __future__ import annotations

import os
import zlib
from time import monotonic, time

from gittasks import light
from gittasks.core.model import FETCHED_AGAIN, LACKS, PROMISED, TORN
from gittasks.errors import GittasksError, InvalidData, Way
from gittasks.light import TYPE_CHECKING, NamedTuple, cached_property, partial, pattern, suppress
from gittasks.store import git, journal, platform
from gittasks.store.discovery import GitDir, read_shallow
from gittasks.store.disk import (
    PRIVATE,
    Backoff,
    Sharing,
    in_folder,
    names_in,
    naming,
    remove,
    sync_all,
    write_whole,
)
from gittasks.store.plumbing import CatFile, Node, Plumbing, check_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, BinaryIO

    from dulwich.object_store import DiskObjectStore
    from dulwich.pack import Pack

LIMITS = {"blob": 256 * 1024, "tree": 32 * 1024 * 1024, "commit": 8 * 1024 * 1024}
"""Bytes that an object of a list may have; a longer one is reported, and not even unpacked."""
_DAMAGED = ("damaged", b"")
_ATTEMPTS = 20
"""Times that a file or folder may vanish under one write before that is an error."""
_BACKOFF = Backoff(first=0.001, most=0.2)
_TO_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_ABANDONED = 86_400
"""Seconds after which nobody writes a draft any more."""
_LOOSE_LEVEL = 1
"""zlib level of loose objects: git's own default for them, the quickest."""
_SMALL, _SMALL_WINDOW, _SMALL_MEMORY = 4000, 9, 1
"""Bytes of a small object, the exponent of its zlib window, and how much zlib takes beside it."""
_KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
_OFS_DELTA, _REF_DELTA = 6, 7
_STEP = 64 * 1024 * 1024
"""Bytes that a step on the way to an object may have: the base of a delta, or the delta."""
_LONGEST_CHAIN = 5000
_FEW = 16
"""Loose objects that are read one by one rather than by git."""
_MOST_AHEAD = 32 * 1024 * 1024
"""Bytes of objects that are read ahead and kept for that."""
_HEAD = 512
"""Bytes of an entry that are enough for its header and the two sizes that open a delta."""


class Unavailable(InvalidData):
    """An object that is missing or damaged, or cannot be read just now: not the list's own fault.

    The next look may find it, so nothing that is said because of it may be remembered.
    """


class Malformed(InvalidData):
    """An object that is whole, and is not the commit or tree that it should be.

    Whoever made it made it so: every look, in every clone, finds the same.
    """


class NewObject(NamedTuple):
    """An object to write: its id, its kind, its content."""

    id: str
    kind: str
    data: bytes


class ObjectFormat(NamedTuple):
    """The hash that names objects (`extensions.objectFormat`): its name, bytes of an id."""

    name: str
    id_length: int

    def new(self, kind: str, data: bytes) -> NewObject:
        """An object of a kind with this content, named as git does."""
        return NewObject(self.id_of(kind, data), kind, data)

    def id_of(self, kind: str, data: bytes) -> str:
        """The id of an object: the hash over kind, length and content."""
        content = f"{kind} {len(data)}\0".encode() + data
        if self.name == "sha1":
            return light.sha1(content)
        import hashlib

        return hashlib.new(self.name, content, usedforsecurity=False).hexdigest()


FORMATS = {form.name: form for form in (ObjectFormat("sha1", 20), ObjectFormat("sha256", 32))}
"""The object formats that git has, by the names in its configuration."""


class ObjectStore:
    """The objects of one repository, by id."""

    def __init__(
        self,
        common: str,
        env: Mapping[str, str],
        *,
        form: ObjectFormat = FORMATS["sha1"],
        identity: str | None = None,
        durable: bool = True,
        shared: Sharing = PRIVATE,
        promisor: Promisor | None = None,
    ) -> None:
        self.form = form
        self.identity = identity
        """`Name <mail>` for commits that nobody makes, where `gittasks.identity` says so."""
        self._folder = os.path.join(common, "objects")
        self.common = common
        self._env = env
        self._durable = durable
        self.shared = shared
        self._promisor = promisor
        self._cat: CatFile | None = None
        self._packs: _Packs | None = None
        self._staged: dict[str, NewObject] = {}
        self._ahead: dict[str, tuple[str, bytes]] = {}
        self.nodes: dict[str, Node] = {}
        """The graph of the commits as far as it was looked at."""

    @property
    def plumbing(self) -> Plumbing:
        """The plumbing of git for what is asked of many objects."""
        return Plumbing(self.common, self._env)

    def stage(self, objects: Iterable[NewObject]) -> None:
        """Let `read` find objects that are not on the disk: those of a merge in memory."""
        self._staged.update((item.id, item) for item in objects)

    def read(self, object_id: str, kind: str) -> bytes:
        """Return the content of an object of `kind`.

        Raises Unavailable when it is missing or damaged, InvalidData when it is of another kind
        or longer than LIMITS allow.
        """
        damaged = False
        for source in (
            self._read_staged,
            self._take_ahead,
            self._read_loose,
            self._read_packed,
            # A repack may have moved it from loose to a new pack between the two looks.
            self._read_loose,
            self._rescan_packs,
            self._read_journal,
            self._ask_git,
        ):
            if damaged and source == self._read_journal:
                continue  # a file is in its place: what to do with that is the user's to say
            content = source(object_id, LIMITS[kind])
            if content and self.form.id_of(*content) == object_id:
                break
            damaged = damaged or content is not None
        else:
            raise self._unavailable(object_id, kind, damaged)
        actual, data = content
        if actual != kind:
            raise Malformed(f"{object_id} is a {actual}, not a {kind}", where=object_id)
        return data

    def _unavailable(self, object_id: str, kind: str, damaged: bool) -> Unavailable:
        if damaged:
            words = f"{TORN}{kind} {object_id} is damaged"
        elif self._promisor and (reason := self._promisor.fetch([object_id])):
            return _promised(f"{PROMISED}the {kind} {object_id}; {reason}")
        else:
            words = f"{LACKS}{kind} {object_id}"
        return Unavailable(
            words,
            where=object_id,
            hint=FETCHED_AGAIN,
            ways=[Way("see what is damaged", ("gittasks", "doctor"))],
        )

    @property
    def whole(self) -> bool:
        """Is this no partial clone, so that nothing is left to fetch?"""
        return self._promisor is None

    def need(self, object_ids: Iterable[str]) -> Unavailable | None:
        """Fetch those of these objects that a partial clone lacks, all in one go.

        Returns the error for them when some did not come; those that did can be read.
        """
        if self._promisor is None:
            return None
        lacking = [i for i in dict.fromkeys(object_ids) if not self.has(i)]
        if lacking:  # or packed meanwhile
            self._close_packs()
            lacking = [i for i in lacking if not self.has(i)]
        if not lacking:
            return None
        reason = self._promisor.fetch(lacking)
        self._close_packs()
        if reason is None:
            return None
        others = f" and {len(lacking) - 1} more objects of the list" if len(lacking) > 1 else ""
        return _promised(f"{PROMISED}{lacking[0]}{others}; {reason}")

    def has(self, object_id: str) -> bool:
        """Is an object here, as far as its name says, without a fetch?"""
        if self.is_near(object_id):
            return True
        return self._opened_packs().has(object_id)

    def write_commit(
        self, ref: str, head: str | None, objects: Sequence[NewObject], *, named: bool = True
    ) -> list[str]:
        """Write the objects of a commit to a branch, the last of them; none below stays lost.

        Unless `named` the folders that have their names are returned unsynced, for `Refs.move`.
        """
        record, packs = journal.Journal(self.common, ref, self.shared), journal.packs(self.common)
        if head:
            self._put_back(record.doubtful(head, packs))
        folders = self._write(objects, named=named)
        if objects:
            record.note(packs, objects)
        return folders

    def put_back(self, ref: str, head: str, *, whole: bool = False) -> int:
        """Write again what git removed of the last writes to a branch; how many objects.

        Unless `whole` only the last write is looked for while no pack came or went.
        """
        record = journal.Journal(self.common, ref, self.shared)
        return self._put_back(record.doubtful(head, 0 if whole else journal.packs(self.common)))

    def _put_back(self, entries: Sequence[journal.Entry]) -> int:
        ids = dict.fromkeys(item.id for entry in entries for item in entry.items)
        packed = [i for i in ids if not os.path.exists(self.loose_path(i))]
        if packed:
            self._close_packs()  # others may have come
        lost = {i for i in packed if not self.has(i)}
        again = {
            item.id: new
            for entry in (entries if lost else ())
            for item, data in entry.contents()
            if item.id in lost and (new := self.form.new(item.kind, data)).id == item.id
        }
        if again:
            self.write(again.values())
        return len(again)

    def _read_staged(self, object_id: str, limit: int) -> tuple[str, bytes] | None:  # noqa: ARG002
        item = self._staged.get(object_id)
        return (item.kind, item.data) if item else None

    def _take_ahead(self, object_id: str, limit: int) -> tuple[str, bytes] | None:  # noqa: ARG002
        return self._ahead.pop(object_id, None)

    def read_ahead(self, object_ids: Iterable[str], kind: str) -> None:
        """Have git read objects in one go, each for the next `read` of it; not a few loose ones.

        Those that it cannot read are left to `read`, which says what is wrong with them.
        """
        ids = dict.fromkeys(object_ids)
        unread = [i for i in ids if i not in self._ahead and i not in self._staged]
        if len(unread) <= _FEW:
            unread = [i for i in unread if not self.is_near(i)]
        if not self.whole:  # an older git would fetch what is not here, each by itself
            unread = [i for i in unread if self.has(i)]
        if not unread:
            return
        size = sum(len(data) for _, data in self._ahead.values())
        if size > _MOST_AHEAD // 2:
            self._ahead, size = {}, 0
        try:
            # The graph has taken commits to pieces already, however long they are.
            limit = None if kind == "commit" else LIMITS[kind]
            for object_id, content in self._cat_file().read_many(unread, limit):
                self._ahead[object_id] = content
                size += len(content[1])
                if size > _MOST_AHEAD:
                    break
        except EOFError:
            self._end_cat()

    def _cat_file(self) -> CatFile:
        if self._cat is None:
            self._cat = self.plumbing.cat_file()
        return self._cat

    def _end_cat(self) -> None:
        if self._cat is not None:
            self._cat.close()
            self._cat = None

    def _read_by_git(self, object_id: str, limit: int) -> tuple[str, bytes] | None:
        try:
            return self._cat_file().read(object_id, limit)
        except EOFError:  # damage has ended it; the next object gets another
            self._end_cat()
            return None

    def is_near(self, object_id: str) -> bool:
        """Is an object in memory or in a file of its own, so that git need not be asked?"""
        return object_id in self._staged or os.path.exists(self.loose_path(object_id))

    def is_staged(self, object_id: str) -> bool:
        """Is an object in memory, so that git cannot be asked for it?"""
        return object_id in self._staged

    def loose_path(self, object_id: str) -> str:
        """Path of the file of an object, if it is a loose one."""
        return os.path.join(self._folder, object_id[:2], object_id[2:])

    def _read_loose(self, object_id: str, limit: int) -> tuple[str, bytes] | None:
        return read_loose(self.loose_path(object_id), limit)

    def _read_packed(self, object_id: str, limit: int) -> tuple[str, bytes] | None:
        # To start git is cheaper than to load what reads packs.
        if self._packs is None and self.whole and (content := self._read_by_git(object_id, limit)):
            return content
        return self._opened_packs().read(object_id, limit)

    def _opened_packs(self) -> _Packs:
        if self._packs is None:
            self._packs = _Packs(self._folder, self.form)
        return self._packs

    def _rescan_packs(self, object_id: str, limit: int) -> tuple[str, bytes] | None:
        self._close_packs()
        return self._opened_packs().read(object_id, limit)

    def _read_journal(self, object_id: str, limit: int) -> tuple[str, bytes] | None:
        """An object that git removed beside a write of ours; it is put back in its place."""
        for kind, data in journal.find(self.common, object_id):
            if len(data) <= limit and self.form.id_of(kind, data) == object_id:
                with suppress(GittasksError, OSError):
                    self.write([NewObject(object_id, kind, data)])
                return kind, data
        return None

    def close(self) -> None:
        """Let go of the packs and of the git that was asked; the next read has them again."""
        self._close_packs()
        self._end_cat()

    def _close_packs(self) -> None:
        if self._packs is not None:
            self._packs.close()
            self._packs = None

    def __del__(self) -> None:
        self.close()

    def _ask_git(self, object_id: str, limit: int) -> tuple[str, bytes] | None:
        """The remote that promised an object, then git itself, which may read it where we cannot.

        Where the remote does not give it, git is not asked: it would try the same once more.
        """
        if self._promisor is not None:
            if self._promisor.fetch([object_id]):
                return None
            if content := self._rescan_packs(object_id, limit):
                return content
        return self._read_by_git(object_id, limit)

    def write(self, objects: Iterable[NewObject]) -> None:
        """Write objects as loose files; when durable, they and their folders are synced."""
        self._write(objects, named=True)

    def _write(self, objects: Iterable[NewObject], *, named: bool) -> list[str]:
        """Write objects; the folders that are yet to be synced, none where all of them are."""
        git.check_no_push(self._env)
        batch, folders = list(objects), list[str]()
        for attempt in range(_ATTEMPTS):
            try:
                if attempt:
                    batch = self._unpacked(batch)
                folders = self._write_once(batch, aside=attempt > 2)
                if named:
                    sync_all(folders)
                break
            except (FileNotFoundError, FileExistsError):
                # `git gc` packed what was already there, removed an empty folder, or pruned
                # what is not yet in its place.
                if attempt == _ATTEMPTS - 1:
                    raise
                _BACKOFF.wait(attempt)
        return [] if named else folders

    def _unpacked(self, objects: Sequence[NewObject]) -> list[NewObject]:
        """Select the objects that no pack has: a loose one beside, each gc would remove."""
        self._close_packs()  # others may have come
        packs = self._opened_packs()
        lacking = [item for item in objects if not packs.has(item.id)]
        self._close_packs()
        return lacking

    def _write_once(self, objects: Iterable[NewObject], *, aside: bool) -> list[str]:
        paths = {self.loose_path(item.id): item for item in objects}
        new = {path: item for path, item in paths.items() if not _freshen(path)}
        staged: dict[str, str] = {}
        try:
            for path, item in new.items():
                staged[path] = self._stage(path, item, aside=aside)
            if self._durable:
                sync_all([staged.get(path, path) for path in paths])
            for path, temporary in staged.items():
                put = partial(platform.replace, temporary, path)
                in_folder(os.path.dirname(path), self.shared, put) if aside else put()
        except BaseException:
            for temporary in staged.values():
                remove(temporary)
            raise
        durable = self._durable and paths
        return [self._folder, *{os.path.dirname(path) for path in paths}] if durable else []

    def _stage(self, path: str, item: NewObject, *, aside: bool) -> str:
        """Write an object under one of git's temporary names beside `path`; return that name.

        With `aside` it is in a folder of ours, where no `git prune` looks that runs all the time.
        """
        header = f"{item.kind} {len(item.data)}\0".encode()
        packed = _deflated(header + item.data)
        folder = os.path.dirname(path)
        if aside:
            folder = os.path.join(self.common, "gittasks", "drafts")
            _sweep(folder)
        temporary = os.path.join(folder, f"tmp_obj_{os.urandom(6).hex()}")
        handle = in_folder(folder, self.shared, lambda: os.open(temporary, _TO_MAKE, 0o444))
        try:
            with naming(path):
                try:
                    write_whole(handle, packed)
                    if platform.WINDOWS and self._durable:
                        platform.sync(handle)
                finally:
                    os.close(handle)
            self.shared.apply(temporary)
        except BaseException:
            remove(temporary)
            raise
        return temporary

    @cached_property
    def _boundaries(self) -> frozenset[str]:
        return frozenset(read_shallow(self.common).split())

    def is_boundary(self, commit_id: str) -> bool:
        """Tell if a shallow clone ends at this commit (gitrepository-layout, `shallow`)."""
        return commit_id in self._boundaries

    def missing(self, objects: Iterable[NewObject]) -> list[NewObject]:
        """The objects that are no loose files now: packed meanwhile, or pruned."""
        return [item for item in objects if not os.path.exists(self.loose_path(item.id))]


def _deflated(content: bytes) -> bytes:
    """Deflate as git does; a small content is stored, as git does with `core.looseCompression` 0.

    It takes a block of the disk either way, and a pack deflates it anew. The usual window is
    256 KB of memory, which take a hundred times as long to get as a small content to store.
    """
    if len(content) > _SMALL:
        return zlib.compress(content, _LOOSE_LEVEL)
    packer = zlib.compressobj(0, zlib.DEFLATED, _SMALL_WINDOW, _SMALL_MEMORY)
    return packer.compress(content) + packer.flush()


def _sweep(folder: str) -> None:
    """Remove what a process that was killed left in a folder of ours: git does not look there."""
    for name in names_in(folder):
        path = os.path.join(folder, name)
        with suppress(OSError):
            if time() - os.stat(path).st_mtime > _ABANDONED:
                remove(path)


def _promised(words: str) -> Unavailable:
    return Unavailable(words, hint="run this again when the remote can be reached")


def read_loose(path: str, limit: int) -> tuple[str, bytes] | None:
    """Kind and content of a loose object file, None without one; never inflates past `limit`."""
    try:
        with open(path, "rb") as file:
            packed = file.read(min(os.fstat(file.fileno()).st_size, 2 * limit + 4096))
    except OSError:
        return None
    try:
        unpacker = zlib.decompressobj()
        header, _, start = unpacker.decompress(packed, 64).partition(b"\0")
        kind, _, size = header.decode("ascii").partition(" ")
        length = int(size)
        check_size(length, limit, os.path.basename(os.path.dirname(path)) + os.path.basename(path))
        data = start + unpacker.decompress(unpacker.unconsumed_tail, length + 1)
    except (zlib.error, ValueError):
        return _DAMAGED
    return (kind, data) if len(data) == length and unpacker.eof else _DAMAGED


def _freshen(path: str) -> bool:
    """Make an object that is already there young again, so that gc keeps it; False if it is not."""
    try:
        if os.stat(path).st_size == 0:  # left by a power cut; git would keep it for ever
            return False
        os.utime(path)
    except OSError:
        return False
    return True


# --- packs -----------------------------------------------------------------------------------


class _Packs:
    """The packs of one object folder and of its alternates, as they are at the first look."""

    def __init__(self, folder: str, form: ObjectFormat) -> None:
        # Only what is packed needs it.
        from dulwich.object_format import get_object_format
        from dulwich.object_store import DiskObjectStore

        self._folder = folder
        self._stores: list[tuple[DiskObjectStore, list[Pack]]] = []
        self._files: dict[str, BinaryIO] = {}
        self._known_sizes: dict[tuple[str, int], tuple[int, int]] = {}
        self._id_length = form.id_length
        objects = DiskObjectStore(folder, object_format=get_object_format(form.name))
        todo, seen = [objects], set[str]()
        while todo:
            store = todo.pop(0)
            path = os.path.realpath(os.fsdecode(store.path))
            if path not in seen:
                seen.add(path)
                self._stores.append((store, list(store.packs)))
                todo += [s for s in store.alternates if isinstance(s, DiskObjectStore)]

    def close(self) -> None:
        """Let go of the files."""
        for store, _ in self._stores:
            store.close()
        for file in self._files.values():
            file.close()
        self._stores, self._files = [], {}

    def has(self, object_id: str) -> bool:
        """Is an object in one of the packs, or a loose one of an alternate?"""
        sha: Any = bytes.fromhex(object_id)
        for store, packs in self._stores:
            for pack in packs:
                try:
                    pack.index.object_offset(sha)
                except Exception:  # noqa: BLE001, S112  it lacks it, has vanished, or is damaged
                    continue
                return True
            folder = os.path.join(os.fsdecode(store.path), object_id[:2])
            if os.path.exists(os.path.join(folder, object_id[2:])):
                return True
        return False

    def read(self, object_id: str, limit: int) -> tuple[str, bytes] | None:
        """Kind and content of an object, None when it is not here or damaged.

        Raises InvalidData for one longer than `limit` bytes, before it is unpacked.
        """
        sha: Any = bytes.fromhex(object_id)
        for store, packs in self._stores:
            for pack in packs:
                try:
                    offset = pack.index.object_offset(sha)
                    size, most = self._sizes(pack, offset)
                    check_size(size, limit, object_id)
                    check_size(most, max(limit, _STEP), object_id)
                    number, data = pack.get_raw(sha)
                    kind = _KINDS.get(number, "")
                except KeyError:
                    continue
                except InvalidData:
                    raise
                except Exception:  # noqa: BLE001, S112  dulwich raises whatever damage leads to
                    continue  # vanished or damaged: the caller looks again, then asks git
                if kind:  # else a damaged header
                    return kind, data
            path = os.fsdecode(store.path)
            if path != self._folder:
                loose = read_loose(os.path.join(path, object_id[:2], object_id[2:]), limit)
                if loose is not None:
                    return loose
        return None

    def _sizes(self, pack: Pack, offset: int) -> tuple[int, int]:
        """Size of the object at `offset` of a pack, and of the largest thing on the way to it.

        Remembered by offset: the versions of a file are one chain of deltas, and each of them
        would walk it to its end again.
        """
        path = os.fsdecode(pack.data.path)
        if path not in self._files:
            self._files[path] = open(path, "rb")  # noqa: SIM115  close() closes it
        handle = self._files[path].fileno()
        chain: list[tuple[int, int, int]] = []
        while (path, offset) not in self._known_sizes:
            if len(chain) == _LONGEST_CHAIN:
                raise ValueError("a delta chain without an end")
            head = platform.read_at(handle, _HEAD, offset)
            kind, size, at = _entry_header(head)
            if kind not in (_OFS_DELTA, _REF_DELTA):
                self._known_sizes[path, offset] = size, size
                break
            start = offset
            if kind == _OFS_DELTA:
                back, at = _base_distance(head, at)
                offset -= back
            else:
                base_id: Any = head[at : at + self._id_length]
                offset, at = pack.index.object_offset(base_id), at + self._id_length
            opening = zlib.decompressobj().decompress(head[at:], 32)
            base, used = _varint(opening, 0)
            result, _ = _varint(opening, used)
            chain.append((start, result, max(size, base, result)))
        sizes = self._known_sizes[path, offset]
        for start, result, most in reversed(chain):
            sizes = self._known_sizes[path, start] = result, max(most, sizes[1])
        return sizes


def _entry_header(head: bytes) -> tuple[int, int, int]:
    """Kind and size of an entry, and where what follows begins (gitformat-pack)."""
    kind, size = head[0] >> 4 & 7, head[0] & 15
    if not head[0] & 0x80:
        return kind, size, 1
    rest, at = _varint(head, 1)
    return kind, size | rest << 4, at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and where it ends."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return value, at


def _base_distance(data: bytes, at: int) -> tuple[int, int]:
    """The distance of a delta to its base: groups of seven bits, the highest first."""
    value = data[at] & 0x7F
    while data[at] & 0x80:
        at += 1
        value = (value + 1) << 7 | data[at] & 0x7F
    return value, at + 1


_REFUSED = pattern(r"not our ref ([0-9a-f]{40,64})")
_FETCHES = 3
"""Fetches of one batch: a remote names one object that it has not, and gives none of the others."""
_RESPITE = 60.0
"""Seconds after a failure in which the remote is not asked again by this process."""
_OPTIONS = (
    *("--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--no-auto-maintenance"),
    *("--filter=blob:none", "--stdin", "--end-of-options"),
)
"""As git itself fetches what was promised; nothing but the objects comes, no ref moves."""


class Promisor:
    """The remotes of a partial clone that have what it lacks."""

    def __init__(
        self,
        place: GitDir,
        env: Mapping[str, str],
        remotes: Sequence[str],
        prohibition: Callable[[], str | None],
    ) -> None:
        self._place = place
        self._env = env
        self._remotes = remotes
        self._prohibition = prohibition
        self._absent: set[str] = set()
        self._failure: tuple[float, str] | None = None

    def fetch(self, object_ids: Sequence[str]) -> str | None:
        """Fetch objects; the reason when some of them did not come, else None."""
        if reason := self._prohibition():
            return reason
        if self._failure and monotonic() < self._failure[0] + _RESPITE:
            return self._failure[1]
        self._failure = None
        reason = None
        for remote in self._remotes:
            reason, final = self._fetch_from(remote, object_ids)
            if reason is None:
                return None
            if final:
                self._failure = (monotonic(), reason)
        return reason

    def _fetch_from(self, remote: str, object_ids: Sequence[str]) -> tuple[str | None, bool]:
        """The reason when some did not come, and whether the remote gives nothing at all."""
        absent = f"{remote} has not all of its objects either"
        for _ in range(_FETCHES):
            missing = [object_id for object_id in object_ids if object_id not in self._absent]
            if not missing:
                return absent, False
            answer = self._ask(remote, missing)
            if answer is None:
                return (None if len(missing) == len(object_ids) else absent), False
            refused = set(_REFUSED.findall(answer)).intersection(missing)
            if not refused:
                return f"it cannot be fetched from {remote}: {answer}", True
            self._absent |= refused
        return absent, False

    def _ask(self, remote: str, object_ids: Sequence[str]) -> str | None:
        """Fetch from one remote; git's words when that failed."""
        import tempfile  # only what a partial clone lacks needs it

        options = [f"--git-dir={self._place.path}", *git.NO_HOOKS, "-c", "color.ui=false"]
        options += ["-c", "fetch.negotiationAlgorithm=noop"]
        with tempfile.TemporaryFile() as ids:
            ids.write("".join(f"{object_id}\n" for object_id in object_ids).encode("ascii"))
            ids.seek(0)
            answer = git.run_remote(
                [*options, "fetch", *_OPTIONS, remote],
                # git takes a path that is a URL from the top of the work tree.
                cwd=self._place.work_tree or self._place.path,
                env=git.searching(self._env),
                stdin=ids,
            )
        if answer.returncode == 0:
            return None
        return git.remote_message(answer.stderr) or "git failed without a message"
