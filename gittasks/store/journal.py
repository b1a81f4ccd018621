"""Journal of the last writes of each list: their objects once more, for what git removes beside.

    we    write objects     move the ref, say "done"
    git                  |                            |
          looks at the refs: no ref names them        removes them, for all that names them now

`git prune`, `git repack -d`, `git multi-pack-index expire` and what runs them have no lock that
would keep this from happening ("git help gc", NOTES), and may end long after a write. So whatever
looks for an object of a list in vain finds it here, and puts it back. The journal is not synced:
it is needed only while no power cut has come between.

One file a write, named by its last commit: a line that says what came before and what it holds,
then the objects one after the other. Each is checked against its id when it is read.
"""

from __future__ import annotations

import os
import time

from gittasks.light import TYPE_CHECKING, NamedTuple, suppress
from gittasks.store.disk import PRIVATE, Sharing, make_folders, names_in, open_file, remove

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WRITES = 256
_BYTES = 8 * 1024 * 1024
"""What is kept of a list: the last writes, or fewer large ones, and for a while some more."""
_FORM = "gittasks-journal 1"
_SETTLED = 100_000_000
"""Nanoseconds after which a folder that changes once more has another time."""


class Item(NamedTuple):
    """An object of a write, where it is in the file of that."""

    id: str
    kind: str
    size: int


class Entry(NamedTuple):
    """A write: the packs when all before it was there, the commits before it, its objects."""

    path: str
    packs: int
    parents: tuple[str, ...]
    items: tuple[Item, ...]

    def contents(self) -> Iterator[tuple[Item, bytes]]:
        """The objects with their contents, as far as the file goes; unchecked."""
        with suppress(OSError), open_file(self.path) as file:
            file.readline()
            for item in self.items:
                yield item, file.read(item.size)


def packs(common: str) -> int:
    """A number that is another once a pack came or went; 0 where that cannot be told yet."""
    try:
        changed = os.stat(os.path.join(common, "objects", "pack")).st_mtime_ns
    except OSError:
        return 0
    return changed if abs(time.time_ns() - changed) > _SETTLED else 0


def find(common: str, object_id: str) -> Iterator[tuple[str, bytes]]:
    """Kind and content of an object as it is kept of any list; unchecked."""
    for root, _, names in os.walk(os.path.join(common, "gittasks", "journal")):
        for name in names:
            entry = _read(os.path.join(root, name))
            if entry and any(item.id == object_id for item in entry.items):
                yield from ((i.kind, data) for i, data in entry.contents() if i.id == object_id)


class Journal:
    """The last writes to one branch."""

    def __init__(self, common: str, ref: str, shared: Sharing = PRIVATE) -> None:
        branch = ref.removeprefix("refs/heads/")
        self._folder = os.path.join(common, "gittasks", "journal", branch)
        self._shared = shared

    def note(self, packs: int, objects: Sequence[tuple[str, str, bytes]]) -> None:
        """Keep the objects of a write, the commit last; where that fails, nothing happens."""
        path = os.path.join(self._folder, objects[-1][0])
        commits = [data for _, kind, data in objects if kind == "commit"]
        parents = dict.fromkeys(parent for data in commits for parent in _parents(data))
        items = " ".join(f"{i} {kind} {len(data)}" for i, kind, data in objects)
        head = f"{_FORM} {packs} {','.join(parents) or '-'} {items}\n".encode("ascii")
        with suppress(OSError):
            make_folders(self._folder, self._shared)
            with open(path, "wb", buffering=0) as file:
                file.write(b"".join((head, *(data for _, _, data in objects))))
            self._shared.apply(path)
            if path[-1] == "0":  # one write in sixteen, as ids go
                self._tidy()

    def doubtful(self, head: str, packs: int) -> list[Entry]:
        """The writes of which something may be lacking: the last one, and with other packs all.

        An object that is in a pack may go with it: a repack that began before the ref moved does
        not take it along.
        """
        last = self._read(head)
        if last is None:
            return []
        return [last] if packs and packs == last.packs else list(self._history(last))

    def _history(self, last: Entry) -> Iterator[Entry]:
        """A write and those before it, as far as they are kept."""
        todo, seen = [last], set[str]()
        while todo:
            entry = todo.pop()
            yield entry
            before = [parent for parent in entry.parents if parent not in seen]
            seen.update(before)
            todo += [earlier for parent in before if (earlier := self._read(parent))]

    def drop(self) -> None:
        """Forget them."""
        for name in names_in(self._folder):
            remove(os.path.join(self._folder, name))

    def _read(self, commit: str) -> Entry | None:
        return _read(os.path.join(self._folder, commit))

    def _tidy(self) -> None:
        """Remove the writes that came before the last ones."""
        files = []
        for file in os.scandir(self._folder):
            with suppress(OSError):
                status = file.stat()
                files.append((status.st_mtime_ns, status.st_size, file.path))
        size = 0
        for number, (_, length, path) in enumerate(sorted(files, reverse=True)):
            size += length
            if number >= _WRITES or (number and size > _BYTES):
                remove(path)


def _read(path: str) -> Entry | None:
    try:
        with open_file(path) as file:
            form, number, packs, parents, *words = file.readline().decode("ascii").split()
        if f"{form} {number}" != _FORM:
            return None
        triples = zip(words[::3], words[1::3], words[2::3], strict=True)
        items = tuple(Item(i, kind, int(size)) for i, kind, size in triples)
        before = () if parents == "-" else tuple(parents.split(","))
        return Entry(path, int(packs), before, items)
    except (OSError, ValueError):
        return None


def _parents(commit: bytes) -> list[str]:
    """The parents that the content of a commit names."""
    head = commit.partition(b"\n\n")[0].split(b"\n")
    return [line[7:].decode("ascii") for line in head if line.startswith(b"parent ")]
