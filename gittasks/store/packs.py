"""Packed objects and those of alternates, read through dulwich, their size known beforehand."""

from __future__ import annotations

import os
import zlib
from typing import Any, BinaryIO

from dulwich.object_store import DiskObjectStore
from dulwich.pack import Pack

from gittasks.errors import InvalidData
from gittasks.store.objects import check_size, read_loose

_KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
_OFS_DELTA, _REF_DELTA = 6, 7
_STEP = 64 * 1024 * 1024
"""Bytes that a step on the way to an object may have: the base of a delta, or the delta."""
_LONGEST_CHAIN = 5000
_HEAD = 512
"""Bytes of an entry that are enough for its header and the two sizes that open a delta."""


class Packs:
    """The packs of one object folder and of its alternates, as they are at the first look."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._stores: list[tuple[DiskObjectStore, list[Pack]]] = []
        self._files: dict[str, BinaryIO] = {}
        todo, seen = [DiskObjectStore(folder)], set[str]()
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
                found = read_loose(os.path.join(path, object_id[:2], object_id[2:]), limit)
                if found is not None:
                    return found
        return None

    def _sizes(self, pack: Pack, offset: int) -> tuple[int, int]:
        """Size of the object at `offset` of a pack, and of the largest thing on the way to it."""
        path = os.fsdecode(pack.data.path)
        if path not in self._files:
            self._files[path] = open(path, "rb")  # noqa: SIM115  close() closes it
        handle = self._files[path].fileno()
        own, most = -1, 0
        for _ in range(_LONGEST_CHAIN):
            head = os.pread(handle, _HEAD, offset)
            kind, size, at = _entry_header(head)
            if kind not in (_OFS_DELTA, _REF_DELTA):
                return (size if own < 0 else own), max(most, size)
            if kind == _OFS_DELTA:
                back, at = _base_distance(head, at)
                offset -= back
            else:
                base_id: Any = head[at : at + 20]
                offset, at = pack.index.object_offset(base_id), at + 20
            opening = zlib.decompressobj().decompress(head[at:], 32)
            base, used = _varint(opening, 0)
            result, _ = _varint(opening, used)
            own = result if own < 0 else own
            most = max(most, size, base, result)
        raise ValueError("a delta chain without an end")


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
    """How far before a delta its base is: groups of seven bits, the highest first."""
    value = data[at] & 0x7F
    while data[at] & 0x80:
        at += 1
        value = (value + 1) << 7 | data[at] & 0x7F
    return value, at + 1
