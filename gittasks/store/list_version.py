"""A list at one commit, the heads it is merged from, as values; the cache of the last one.

The cache is under the common git dir, so that an unchanged list is read without git. One file a
list: a checksum, then in a line each what the list is at one commit, its tasks, and their files.
A line is decoded when it is asked for. It is keyed by the commit ids of the heads, so it is never
stale, only unused; deleting it is safe, and a damaged one reads as absent.
"""

from __future__ import annotations

import os

from gittasks import light
from gittasks.core.fields import FIELDS, Kind
from gittasks.core.model import (
    CodeCommit,
    ListInfo,
    Note,
    Problem,
    Snapshot,
    Status,
    Task,
    Unmerged,
)
from gittasks.light import TYPE_CHECKING, Mapping, NamedTuple, cached_property
from gittasks.store import disk

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from typing import Any


MERGE_SIGNER = "gittasks <merge@gittasks.invalid>"
"""Author of automatic commits, unless `gittasks.identity` says otherwise."""
ROOT_SIGNER = "gittasks <root@gittasks.invalid>"
"""Author of root commits, likewise."""


def merge_subject(list_id: str) -> str:
    """The message of every automatic commit of a list."""
    return f"{list_id}: automatic merge"


def is_automatic(message: str) -> bool:
    """True for the message of an automatic merge, whoever made or signed that."""
    return message.endswith(": automatic merge\n") and message.count("\n") == 1


REGULAR, FOLDER = 0o100644, 0o040000
"""Modes of a plain file and of a folder in a tree."""


class TreeEntry(NamedTuple):
    """One entry of a git tree that is carried along untouched."""

    name: str
    mode: int
    id: str


class TaskFile(NamedTuple):
    """The file of a task: its blob, and whether its bytes are the canonical ones."""

    blob: str
    canonical: bool


class Heads(NamedTuple):
    """The commits of a list's branch: here, and on its remote when that was last looked at.

    `published` is the commit that the remote was last known to hold.
    """

    local: str | None = None
    tracked: str | None = None
    published: str | None = None

    @property
    def all(self) -> tuple[str | None, ...]:
        """The commits whose histories make up the list."""
        return self.local, self.tracked

    def at_same_commits(self, other: Heads) -> bool:
        """Is the branch where it was, here and where it was fetched to?"""
        return (self.local, self.tracked) == (other.local, other.tracked)


class ListVersion(NamedTuple):
    """A list's branch at one commit: what it says, and what it takes to write the next one.

    `root` and `rest` are the entries of the root tree and of `tasks/` that are no readable tasks.
    """

    commit: str
    snapshot: Snapshot
    files: Mapping[str, TaskFile]
    root: tuple[TreeEntry, ...]
    rest: tuple[TreeEntry, ...]
    whole: bool = True
    """False when an object could not be had just now: the next look may see more."""
    heads: Heads = Heads()
    """The heads that were brought together; `commit` may be one of them or in memory alone."""
    contested: tuple[str, ...] = ()
    """For each open conflict the path of the file that it is in."""
    apart: Unmerged | None = None
    """Why what was fetched is not in this."""
    lost: int = 0
    """How many operations were acknowledged here and are in none of the heads."""

    @property
    def conflicts(self) -> int:
        """The number of registers written concurrently and differently, and not again since."""
        return len(self.contested)

    @property
    def in_memory(self) -> bool:
        """Is the commit an automatic one that was not written?"""
        return bool(self.heads.local or self.heads.tracked) and self.commit not in self.heads


CACHE = disk.CacheFile("cache", 7, disk.fields_of(Task, Note, CodeCommit, ListInfo))


def pieces_path(common: str, list_id: str) -> str:
    """The file of what was parsed of a list while it was not read whole (`list_tree`)."""
    return os.path.join(common, "gittasks", "cache", "parsed", list_id)


class CachedList:
    """A list as its cache file holds it, of which only the first line is decoded yet."""

    def __init__(self, body: bytes, version: ListVersion | None = None) -> None:
        """Any error where no line like that can be read; `version` is what it was written from."""
        self.body = body
        if version:
            self.heads, self.commit = version.heads, version.commit
            self.version = version
            return
        top, self._tasks, self._files = body.split(b"\n")
        self._top = light.read_json(top)
        self.heads = Heads(*self._top["heads"])
        self.commit = self._top["commit"]

    @property
    def in_memory(self) -> bool:
        """As of ListVersion."""
        return self.commit not in self.heads

    @cached_property
    def version(self) -> ListVersion | None:
        """The whole of it; None when it is none."""
        top = self._top
        try:
            tasks = unpack(Columns(*light.read_json(self._tasks)))
            ids = [task.id for task in tasks]
            snapshot = Snapshot(
                info=ListInfo(**top["info"]),
                tasks=dict(zip(ids, tasks, strict=True)),
                problems=tuple(Problem(*p) for p in top["problems"]),
            )
            return ListVersion(
                self.commit,
                snapshot,
                _CachedFiles(ids, self._files, len(self.commit)),
                tuple(TreeEntry(*e) for e in top["root"]),
                tuple(TreeEntry(*e) for e in top["rest"]),
                heads=self.heads,
                contested=tuple(top["contested"]),
                apart=Unmerged(top["apart"]) if top["apart"] else None,
                lost=top["lost"],
            )
        except Exception:  # noqa: BLE001  whatever is wrong with a cache, it is as if there were none
            return None


class _CachedFiles(Mapping[str, TaskFile]):
    """The files of tasks, by id: only whoever writes or compares asks for them."""

    def __init__(self, ids: list[str], line: bytes, width: int) -> None:
        """`width` is that of an object id. Any error where the line is of another form."""
        self._ids = ids
        self._blobs, by_hand = light.read_json(line)
        self._by_hand = frozenset(by_hand)
        self._width = width
        size = width * len(ids)
        if (len(self._blobs), 2 * len(bytes.fromhex(self._blobs))) != (size, size):
            raise ValueError("not an object id for each task")
        if self._by_hand and not self._by_hand.issubset(ids):
            raise ValueError("a file of a task that is not there")

    @cached_property
    def _files(self) -> dict[str, TaskFile]:
        width, all_of_them = self._width, self._blobs
        blobs = [all_of_them[start : start + width] for start in range(0, len(all_of_them), width)]
        files = [tuple.__new__(TaskFile, (blob, True)) for blob in blobs]
        by_id = dict(zip(self._ids, files, strict=True))
        by_id.update((i, by_id[i]._replace(canonical=False)) for i in self._by_hand)
        return by_id

    def __getitem__(self, task_id: str) -> TaskFile:
        return self._files[task_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


_opened: dict[str, CachedList] = {}
"""The cache files that this process has read or written, by path: what a file still holds byte for
byte need not be decoded again."""
_MOST_OPENED = 8


def open_cache(path: str) -> CachedList | None:
    """Return what cache file `path` holds, None if there is none or it is damaged."""
    body = CACHE.read(path)
    if body is None:
        return None
    cached = _opened.get(path)
    if cached is None or cached.body != body:
        try:
            cached = CachedList(body)
        except Exception:  # noqa: BLE001  whatever is wrong with a cache, it is as if there were none
            return None
        _hold(path, cached)
    return cached


def _hold(path: str, cached: CachedList) -> None:
    if len(_opened) >= _MOST_OPENED:
        _opened.clear()
    _opened[path] = cached


def read_cache(path: str) -> ListVersion | None:
    """The whole of what cache file `path` holds, None as of `open_cache`."""
    cached = open_cache(path)
    return cached.version if cached else None


def write_cache(path: str, branch: ListVersion, shared: disk.Sharing) -> None:
    """Put `branch` into cache file `path`; a place that cannot be written is left alone."""
    info, tasks = branch.snapshot.info, branch.snapshot.tasks
    top = {
        "commit": branch.commit,
        "heads": branch.heads,
        "contested": branch.contested,
        "apart": branch.apart,
        "lost": branch.lost,
        "info": {
            **info._asdict(),
            "settings": dict(info.settings),
            "extra": dict(info.extra),
        },
        "problems": branch.snapshot.problems,
        "root": branch.root,
        "rest": branch.rest,
    }
    files = [branch.files[task_id] for task_id in tasks]
    by_hand = [i for i, file in zip(tasks, files, strict=True) if not file.canonical]
    lines = (top, pack(tasks.values()), ("".join([file.blob for file in files]), by_hand))
    body = b"\n".join(light.write_json(line).encode() for line in lines)
    CACHE.write(path, body, shared)
    _hold(path, CachedList(body, branch))


# --- tasks as columns ------------------------------------------------------------------------
#
# A long list is read by loops in C, not field by field. Most fields of most tasks are as they are
# by default: the names of fields stand once, and what is absent not at all.


class Columns(NamedTuple):
    """Some tasks, by field.

    `full` has columns with a value for each of the `size` tasks, `sparse` those of which only
    some have one: their places and these values. What is in neither is absent everywhere.
    """

    size: int
    full: Mapping[str, Any]
    sparse: Mapping[str, tuple[Sequence[int], Sequence[Any]]]


_LETTERS = {str(status)[0]: status for status in Status}
_KINDS: dict[Kind, Callable[[Any], Any]] = {
    Kind.STATUS: _LETTERS.__getitem__,
    Kind.IDS: tuple,
    Kind.WORDS: tuple,
    Kind.PATHS: tuple,
    Kind.NOTES: lambda values: tuple([Note(*value) for value in values]),
    Kind.COMMITS: lambda values: tuple([CodeCommit(*value) for value in values]),
}
_READERS = {field.attr: _KINDS[field.kind] for field in FIELDS if field.kind in _KINDS}
"""By field what makes a value of what JSON has, where that is not the same."""
_MAPS = frozenset({"extra", *(field.attr for field in FIELDS if field.kind is Kind.MAP)})
_ABSENT = {name: value for name, value in Task._field_defaults.items() if name != "status"}
"""The values that are left out; a status is always there."""


def pack(tasks: Collection[Task]) -> Columns:
    """The columns of tasks: what `unpack` reads, once it went through JSON."""
    full: dict[str, Any] = {}
    sparse: dict[str, tuple[Sequence[int], Sequence[Any]]] = {}
    for name, column in zip(Task._fields, zip(*tasks, strict=True), strict=False):
        if name == "status":
            full[name] = "".join([status[0] for status in column])
        elif name not in _ABSENT:
            full[name] = column
        elif not (missing := column.count(absent := _ABSENT[name])):
            full[name] = _plain(name, column)
        elif missing < len(column):
            places = [place for place, value in enumerate(column) if value != absent]
            sparse[name] = places, _plain(name, [column[place] for place in places])
    return Columns(len(tasks), full, sparse)


def _plain(name: str, column: Sequence[Any]) -> Sequence[Any]:
    """A column as JSON can hold it."""
    return [dict(value) for value in column] if name in _MAPS else column


def unpack(columns: Columns) -> list[Task]:
    """The tasks of columns; some error where `pack` did not make these."""
    if not columns.size:
        return []
    by_field = [_column(name, columns) for name in Task._fields]
    return [tuple.__new__(Task, values) for values in zip(*by_field, strict=True)]


def _column(name: str, columns: Columns) -> Iterable[Any]:
    """The values of a field, one for each task."""
    read = _READERS.get(name)
    if name in columns.full:
        column = columns.full[name]
        return map(read, column) if read else column
    if name not in columns.sparse:
        return [_ABSENT[name]] * columns.size
    places, values = columns.sparse[name]
    whole = [_ABSENT[name]] * columns.size
    for place, value in zip(places, map(read, values) if read else values, strict=True):
        whole[place] = value
    return whole
