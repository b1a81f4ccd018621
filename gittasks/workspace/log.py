"""The log of a list: who did what when, and what to undo; kept beside the other caches.

What changed is read from the trees, not from the messages, so edits made by hand with plain git
are told as well.

The cache is a text file a list: a line that names its format, then one line a commit, oldest
first, `commit content checksum`. It grows with the history, by some 300 bytes a commit: of a long
value a line holds the parts that its commit changed (`_LongValues`). A checksum
is over all of the file before it, so the last one vouches for all lines, and for any last ones
of them from where an earlier one leaves off: a few lines are read without the others. From a
torn, doubled or foreign line on nothing is believed, and whoever reads that makes it anew. A last
line without its newline is one that is just being written: it is passed over.
"""

from __future__ import annotations

import os
import stat
import zlib
from io import FileIO
from itertools import islice

from gittasks import light
from gittasks.core.changes import Change, ChangeKind, Splice, diff, logged, plain, spliced
from gittasks.core.fields import BY_NAME
from gittasks.core.history import LogEntry
from gittasks.core.times import format_time
from gittasks.core.trailers import parse_trailers
from gittasks.errors import InvalidData
from gittasks.light import TYPE_CHECKING, Mapping, NamedTuple, cached_property, suppress
from gittasks.store import disk
from gittasks.store.list_version import merge_subject

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from typing import Any

    from gittasks.core.apply import Edit
    from gittasks.core.model import Snapshot
    from gittasks.store.commits import CommitInfo, Graph
    from gittasks.store.list_store import ListStore
    from gittasks.store.list_version import ListVersion
    from gittasks.store.merge_files import Comparison


def log(
    store: ListStore,
    task_id: str | None = None,
    limit: int | None = None,
    *,
    only: Collection[str] | None = None,
    without: Collection[str] = (),
) -> list[LogEntry]:
    """Entries newest first, of the whole list or of one task; of those commits alone, or not."""
    quiet, values = merge_subject(store.list_id), _LongValues(store)
    entries = []
    for line in _newest_first(store, task_id, limit):
        if line.commit in without or (only is not None and line.commit not in only):
            continue
        entry = values.entry(line, task_id)
        if not entry.changes and (task_id is not None or entry.subject == quiet):
            continue
        entries.append(entry)
        if limit is not None and len(entries) >= limit:
            break
    return entries


def gained(store: ListStore, known: frozenset[str] | None) -> tuple[list[LogEntry], frozenset[str]]:
    """Entries of the commits that are not `known`, oldest first, and the ids of all commits.

    With None nothing is known yet, and there are no entries.
    """
    lines, quiet, values = _lines(store), merge_subject(store.list_id), _LongValues(store)
    unknown = (line for line in reversed(lines) if known is not None and line.commit not in known)
    news = [e for e in map(values.entry, unknown) if e.changes or e.subject != quiet]
    return news[::-1], frozenset(line.commit for line in lines)


def commits(store: ListStore) -> frozenset[str]:
    """Ids of all commits of the list, automatic ones included."""
    return frozenset(line.commit for line in _lines(store))


def remember(store: ListStore, written: Sequence[tuple[CommitInfo, Edit]]) -> None:
    """Keep the changes of commits that were just written, oldest first."""
    lines = [_line(commit, edit.changes) for commit, edit in written]
    append_to_cache(store.history_path, written[0][0].parents[0], lines)


_FEW = 100
"""Entries up to which the newest ones of a history are read without the others."""


def _newest_first(store: ListStore, task_id: str | None, limit: int | None) -> Iterator[CacheLine]:
    """Lines newest first; those about a task if one is given, with some others.

    Only what is looked at is read, where the file is up to date, or can be brought there; and of a
    history that nobody has read yet its newest commits, if no more of it is asked for, or where it
    is long those about the task.
    """
    head = store.readable_commit()
    few = limit is not None and limit <= _FEW
    seen: set[str] = set()
    file = _opened_at(store, head)
    try:
        lines: Iterator[CacheLine | None] = iter([None])
        if file:
            lines = read_newest(file, task_id, few=few)
        elif not os.path.exists(store.history_path):
            if task_id is not None:
                lines = _commits_about(store, head, task_id)
            elif few:
                lines = _newest_commits(store, head)
        for line in lines:
            if line is None:  # damage, or there is more than that
                yield from (line for line in reversed(_lines(store)) if line.commit not in seen)
                return
            seen.add(line.commit)
            yield line
    finally:
        _close(file)


def _opened_at(store: ListStore, head: str) -> FileIO | None:
    """The file that ends with the commit `head`, brought there where it is a line behind."""
    for _ in range(2):  # another process may put a new file in its place
        file = _opened(store.history_path, os.O_RDONLY)
        last = _last_commit(file) if file else None
        if file is None or last == head:
            return file
        _close(file)
        if last is None or not _bring_up(store, head, last):
            break
    return None


def _newest_commits(store: ListStore, head: str) -> Iterator[CacheLine | None]:
    """Lines of the newest commits; None where the history does not go on in a line."""
    graph, compared = store.graph(head), store.comparisons()
    ids = _straight(graph, head)
    while batch := list(islice(ids, 16)):
        for commit, comparison in compared.each(graph, batch):
            yield _line(commit, *_changes(comparison))
    if graph.node(commit.id).parents:
        yield None


_LONG = 5000
"""Commits from which on a history is not read whole, and remembered, to show one task of it."""


def _commits_about(store: ListStore, head: str, task_id: str) -> Iterator[CacheLine | None]:
    """Lines of the commits about a task; None where the history is short, or git cannot tell."""
    graph = store.graph(head, wanted=True)
    ids = [*graph.newest_first(head)]
    about = graph.touching(head, f"tasks/{task_id}.yaml") if len(ids) > _LONG else None
    if about is None:
        yield None
        return
    for commit, comparison in store.comparisons().each(graph, [i for i in ids if i in about]):
        yield _line(commit, *_changes(comparison))


def _straight(graph: Graph, head: str) -> Iterator[str]:
    """Commits from `head` on back to the first merge."""
    node = graph.node(head)
    while len(node.parents) == 1:
        yield node.id
        node = graph.node(node.parents[0])
    yield node.id


def _bring_up(store: ListStore, head: str, last: str) -> bool:
    """Add the commits up to `head` to the file; False when they are more than a line from `last`,
    or cannot be added."""
    graph = store.graph(head, [last])
    missing = _straight_line(graph, head, last)
    if missing is None:
        return False
    new, whole = _read(store, graph, missing[::-1])
    return whole and append_to_cache(store.history_path, last, new)


def _lines(store: ListStore) -> list[CacheLine]:
    """The remembered changes of all commits, oldest first, completed from the repository."""
    branch = store.load_readable()
    head, path = branch.commit, store.history_path
    lines = read_cache(path)
    if lines and lines[-1].commit == head:
        return lines
    known = {line.commit: line for line in lines}
    graph = store.graph(head, [lines[-1].commit] if lines else [], wanted=not lines)
    missing = _straight_line(graph, head, lines[-1].commit) if lines else None
    newest_first = [*missing, *reversed(known)] if missing is not None else graph.newest_first(head)
    ids = [*newest_first][::-1]
    unread = [i for i in ids if i not in known]
    new, whole = _read(store, graph, unread, branch)
    known |= {line.commit: line for line in new}
    lines = [known[commit_id] for commit_id in ids]
    if whole and not (missing and append_to_cache(path, lines[-1 - len(new)].commit, new)):
        write_cache(path, lines, store.repository.shared)
    return lines


def _straight_line(graph: Graph, head: str, down_to: str) -> list[str] | None:
    """Commits from `head` down to but without `down_to`; None when a merge or root is between."""
    ids = []
    node = graph.node(head)
    while node.id != down_to:
        if len(node.parents) != 1:
            return None
        ids.append(node.id)
        node = graph.node(node.parents[0])
    return ids


def entries_of(store: ListStore, chosen: Sequence[CommitInfo]) -> list[LogEntry]:
    """Entries of these commits alone, in their order; nothing else is looked at or kept."""
    if not chosen:
        return []
    graph = store.graph(chosen[-1].id)
    graph.add(chosen)
    compared = store.comparisons().each(graph, [commit.id for commit in chosen])
    return [_entry(commit, logged(_changes(comparison)[0])) for commit, comparison in compared]


def _read(
    store: ListStore,
    graph: Graph,
    oldest_first: Sequence[str],
    near: ListVersion | None = None,
) -> tuple[list[CacheLine], bool]:
    """Compare each commit with its parents; whether all could be had."""
    lines, whole = [], True
    for commit, comparison in store.comparisons(near).each(graph, oldest_first):
        lines.append(_line(commit, *_changes(comparison)))
        whole = whole and comparison.whole
    return lines, whole


def _entry(commit: CommitInfo, changes: tuple[Change, ...] = ()) -> LogEntry:
    trailers = parse_trailers(commit.message)
    return LogEntry(
        commit=commit.id,
        at=format_time(commit.author.time),
        by=commit.author.name,
        owner=last_value(trailers.get("Gittasks-Owner")),
        session=last_value(trailers.get("Gittasks-Session")),
        subject=commit.message.partition("\n")[0],
        changes=changes,
        forced=tuple(trailers.get("Gittasks-Forced", ())),
        undo_of=last_value(trailers.get("Gittasks-Undo")),
    )


def _changes(comparison: Comparison) -> tuple[list[Change], list[Change]]:
    """The changes of a commit, of a merge only what is so in none of its parents; and the others,
    by which a merge differs from one of them."""
    after = comparison.after
    each = [{(c.task, c.field): c for c in diff(before, after)} for before in comparison.befores]
    first, *others = each
    if not others:
        return [*first.values()], []
    own = {
        key: change
        for key, change in first.items()
        if all(key in other for other in others)
        and not _is_united(change.after, [changes[key].before for changes in each])
    }
    sides = [c for changes in each for key, c in changes.items() if c is not own.get(key)]
    return [*own.values()], sides


def _is_united(value: object, parents: Sequence[object]) -> bool:
    """Has a value of several parts no part of its own: are all of a parent, none was in each?"""
    united, *parts = map(_parts, (value, *parents))
    if united is None or None in parts:
        return False
    theirs = [part for parent in parts for part in parent or ()]
    shared = [part for part in parts[0] or () if all(part in (p or ()) for p in parts)]
    return all(part in theirs for part in united) and all(part in united for part in shared)


def _parts(value: object) -> tuple[object, ...] | None:
    """Notes, tags, links and the like, each for itself; None of a value that is one."""
    if isinstance(value, Mapping):
        return tuple(value.items())
    return value if isinstance(value, tuple) else None


def _line(commit: CommitInfo, changes: Iterable[Change], sides: Iterable[Change] = ()) -> CacheLine:
    _, at, by, owner, session, subject, _, forced, undo_of = _entry(commit)
    rows = [_part(change, change.kind) or [*logged([change])[0]] for change in changes]
    rows += [part for change in sides if (part := _part(change, None))]
    rest = [at, by, owner, session, subject, rows, forced, undo_of]
    return CacheLine(commit.id, light.write_json(rest))


_SHORT = 400
"""Characters of a value that a line holds whole, as JSON text."""
_WITH_PARTS = str, tuple, list, dict


def _part(change: Change, kind: str | None) -> list[Any] | None:
    """The part of a long value that changed, its place, and the names of both values.

    None for any other change. Without a kind it is none of the commit, a merge, but leads to the
    value on one of its sides. A new value that is short stands whole, and has no name.
    """
    task, field, before, after, _ = change
    if type(before) is not type(after) or not isinstance(before, _WITH_PARTS):
        return None
    # An edit may have the keys of a map in another order than the file.
    old, new = (light.write_json(value, by_key=True) for value in (before, after))
    if max(len(old), len(new)) <= _SHORT:
        return None
    is_short = len(new) <= _SHORT
    start, removed, added = Splice(0, before, after) if is_short else spliced(before, after)
    names = _name(old), None if is_short else _name(new)
    return [task, field, plain(removed), plain(added), kind, start, *names]


def _name(text: str) -> str:
    """The name of a value by its JSON text; no other has it, as with the ids of git's objects."""
    return light.sha1(text.encode("ascii"))


def _named(value: object) -> dict[str, Any]:
    """A value by its name; nothing for one that has no parts."""
    is_named = isinstance(value, _WITH_PARTS)
    return {_name(light.write_json(value, by_key=True)): plain(value)} if is_named else {}


class _LongValues:
    r"""Values of which lines hold parts alone, put together from line to line, newest first.

        o---a---b---M---c      c made what the list has now; before that it was as M has it,
             \     /           which leads to what b made and to what x made; that of b to a's
              x---´

    Where no newer line leads to what an entry made, the entry is read from its commit again.
    """

    def __init__(self, store: ListStore) -> None:
        self._store = store
        self._known: dict[tuple[str, str], dict[str, Any]] = {}

    def entry(self, line: CacheLine, task_id: str | None = None) -> LogEntry:
        """The entry of a line; with a task, the changes of that alone."""
        at, by, owner, session, subject, rows, forced, undo_of = light.read_json(line.content)
        if task_id is not None:
            rows = [row for row in rows if row[0] == task_id]
        if any(map(self._is_loose, rows)):
            self._read(line.commit, rows)
        changes = tuple(change for row in rows if (change := self._change(*row)))
        return LogEntry(
            line.commit, at, by, owner, session, subject, changes, tuple(forced), undo_of
        )

    def _change(
        self, task: str, field: str, before: Any, after: Any, kind: str | None, *part: Any
    ) -> Change | None:
        """The change of a row, both values whole; None for one that leads to the value of a side.

        A value that cannot be had any more is its part.
        """
        if part:
            start, old, new = part
            known = self._values(task, field)
            if new is None or new in known:
                splice, after = Splice(start, before, after), known.get(new, after)
                before = known.setdefault(old, splice.undone(after))
        return None if kind is None else Change(task, field, before, after, ChangeKind(kind))

    def _is_loose(self, row: list[Any]) -> bool:
        """Is a row about a long value to which no newer one led?"""
        task, field, *_, new = row
        is_part = len(row) > len(Change._fields) and new is not None
        return is_part and new not in self._values(task, field)

    def _read(self, commit_id: str, rows: Iterable[list[Any]]) -> None:
        """Take the values of these rows from their commit, as far as it can be read."""
        with suppress(InvalidData):
            comparison = self._store.comparisons().of(self._store.commit(commit_id))
            for task, field, *_ in filter(self._is_loose, rows):
                self._values(task, field).update(_named(_value(comparison.after, task, field)))

    def _values(self, task: str, field: str) -> dict[str, Any]:
        """The values of a field that are known, by name; the one of now to begin with."""
        values = self._known.get((task, field))
        if values is None:
            values = self._known[task, field] = _named(_value(self._now, task, field))
        return values

    @cached_property
    def _now(self) -> Snapshot:
        return self._store.load_readable().snapshot


def _value(snapshot: Snapshot, task_id: str, name: str) -> object:
    """The value of a field of a task, or of the list itself."""
    if not task_id:
        return getattr(snapshot.info, name)
    task = snapshot.tasks.get(task_id)
    if task is None:
        return None
    return getattr(task, BY_NAME[name].attr) if name in BY_NAME else task.extra.get(name)


def last_value(values: Iterable[str] | None) -> str | None:
    """The value of a trailer that counts: of several the last; None without any."""
    return list(values)[-1] if values else None


_HEADER = b"gittasks-history 7\n"
"""The number of the form, as in `disk.CacheFile`; here each line has a checksum of its own."""
_BEGUN = zlib.crc32(_HEADER)
_CHECKSUM = 9
"""Bytes of a checksum and the end of its line."""
_BLOCK = 1 << 16
"""Bytes that are read for the newest lines; where that is not enough, four times as many."""


class CacheLine(NamedTuple):
    """One commit and what is remembered of it, as JSON text."""

    commit: str
    content: str


def read_cache(path: str) -> list[CacheLine]:
    """Lines of the file, oldest first, up to the first that does not follow the one before."""
    try:
        data = disk.read(path)
    except OSError:
        return []
    if not data.startswith(_HEADER):
        return []
    lines: list[CacheLine] = []
    checksum = _BEGUN
    for raw in data[len(_HEADER) :].splitlines(keepends=True):
        checksum = zlib.crc32(raw[:-_CHECKSUM], checksum)
        if raw[-_CHECKSUM:] != b"%08x\n" % checksum:
            break
        checksum = zlib.crc32(raw[-_CHECKSUM:], checksum)
        lines.append(_parsed(raw))
    return lines


def read_newest(file: FileIO, task_id: str | None, *, few: bool) -> Iterator[CacheLine | None]:
    """Lines of the file, newest first, a `few` without reading the others; None where it is torn.

    With a task only those that name it. One that cannot be read is as good as torn.
    """
    quoted = b"" if task_id is None else f'"{task_id}"'.encode()
    with suppress(OSError):
        size = end = os.fstat(file.fileno()).st_size
        step = _BLOCK if few else size
        while True:
            begin = max(size - step, 0)
            file.seek(begin)
            block = file.read(size - begin)
            block = block[: block.rfind(b"\n") + 1]
            if (start := _vouched_from(block, whole=begin == 0)) is None:
                break
            yield from _backwards(block, start, end - begin, quoted)
            if begin == 0:
                return
            end, step = begin + start, 4 * step
    yield None


def _vouched_from(block: bytes, *, whole: bool) -> int | None:
    """The first place in the end of a file from which its last checksum vouches for all lines.

    None where it does not.
    """
    if whole:
        start, checksum = len(_HEADER), _BEGUN
        if not block.startswith(_HEADER):
            return None
    else:
        start = block.find(b"\n", _CHECKSUM) + 1
        if start in (0, len(block)):
            return len(block)  # in the midst of a long line: a longer end will tell
        before = block[start - _CHECKSUM : start]
        if (stated := _number(before)) is None:
            return None
        checksum = zlib.crc32(before, stated)
    checksum = zlib.crc32(block[start:-_CHECKSUM], checksum)
    fits = start == len(block) or block[-_CHECKSUM:] == b"%08x\n" % checksum
    return start if fits else None


def _backwards(block: bytes, start: int, end: int, quoted: bytes) -> Iterator[CacheLine]:
    """The lines between two places of a block in which a text stands, the last one first."""
    end = min(end, len(block))
    while (at := block.rfind(quoted, start, end)) > start or (at == start < end):
        line = block.rfind(b"\n", start, at if quoted else end - 1) + 1 or start
        yield _parsed(block[line : block.find(b"\n", line) + 1])
        end = line


def _parsed(raw: bytes) -> CacheLine:
    commit, _, content = raw[: -_CHECKSUM - 1].decode("ascii", "replace").partition(" ")
    return CacheLine(commit, content)


def _last_commit(file: FileIO) -> str | None:
    """The commit of the last line; None where that is not whole, or cannot be read."""
    with suppress(OSError):
        if file.read(len(_HEADER)) != _HEADER:
            return None
        last = _last_line(file)
        if last != _HEADER and last.endswith(b"\n"):
            return last.partition(b" ")[0].decode("ascii", "replace")
    return None


def _close(file: FileIO | None) -> None:
    """Close a file that was read; the system lets go of it whatever it answers."""
    with suppress(OSError):
        if file:
            file.close()


def _opened(path: str, mode: int) -> FileIO | None:
    """A regular file, and never a wait for a pipe; None where there is none to be had."""
    try:
        handle = os.open(path, mode | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return None
    with suppress(OSError):
        if stat.S_ISREG(os.fstat(handle).st_mode):
            return FileIO(handle, "r+" if mode & os.O_RDWR else "r")
    with suppress(OSError):
        os.close(handle)
    return None


_HEX_DIGITS = frozenset(b"0123456789abcdef")


def _number(checksum: bytes) -> int | None:
    digits = checksum.removesuffix(b"\n")
    whole = len(checksum) == 9 and len(digits) == 8 and _HEX_DIGITS.issuperset(digits)
    return int(digits, 16) if whole else None


def append_to_cache(path: str, after: str | None, lines: Iterable[CacheLine]) -> bool:
    """Add lines behind the one of commit `after`; False when the file does not end with that one.

    It then has to be made anew, which is left to whoever reads it next.
    """
    file = _opened(path, os.O_RDWR | os.O_APPEND)
    if file is None:
        return False
    with suppress(OSError), file:
        if file.read(len(_HEADER)) != _HEADER:
            return False
        last = _last_line(file)
        end, commit = last[-_CHECKSUM:], last.partition(b" ")[0]
        if last == _HEADER and after is None:
            checksum = _BEGUN
        elif commit == (after or "").encode() and (stated := _number(end)) is not None:
            checksum = zlib.crc32(end, stated)
        else:
            return False
        file.write(_rendered(checksum, lines))
        return True
    return False


def _last_line(file: FileIO) -> bytes:
    """The last line of a file, whole and with its newline if it has one; b"" for an empty file."""
    start = file.seek(0, os.SEEK_END)
    tail = b""
    while start > 0 and tail.count(b"\n", 0, -1) == 0:
        step = min(start, max(4096, len(tail)))
        start = file.seek(start - step)
        tail = file.read(step) + tail
    return tail[tail.rfind(b"\n", 0, -1) + 1 :]


def write_cache(path: str, lines: Iterable[CacheLine], shared: disk.Sharing) -> None:
    """Make the file anew; a place that cannot be written is left alone."""
    disk.put(path, _HEADER + _rendered(_BEGUN, lines), shared)


def _rendered(checksum: int, lines: Iterable[CacheLine]) -> bytes:
    parts = []
    for line in lines:
        text = f"{line.commit} {line.content} ".encode("ascii", "replace")
        checksum = zlib.crc32(text, checksum)
        end = b"%08x\n" % checksum
        checksum = zlib.crc32(end, checksum)
        parts += [text, end]
    return b"".join(parts)
