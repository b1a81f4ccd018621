"""The log of a list: who did what when, and what to undo; kept beside the other caches.

What changed is read from the trees, not from the messages, so edits made by hand with plain git
are told as well.

The cache is a text file a list: a line that names its format, then one line a commit, oldest
first, `checksum commit before content`, where `before` is the commit of the line above. It grows
with the history, by some 300 bytes a commit. A torn, doubled or foreign line makes the whole file
unreadable, and whoever reads it makes it anew. A last line without its newline is one that is
just being written: it is passed over.
"""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from gittasks.core.history import Change, ChangeKind, LogEntry, diff, logged
from gittasks.core.times import format_time
from gittasks.store import disk
from gittasks.store.list_version import merge_subject

if TYPE_CHECKING:
    from io import FileIO

    from gittasks.core.apply import Edit
    from gittasks.core.model import Snapshot
    from gittasks.store.commits import CommitInfo
    from gittasks.store.list_store import ListStore


def log(
    store: ListStore,
    task_id: str | None = None,
    limit: int | None = None,
    *,
    only: Collection[str] | None = None,
    without: Collection[str] = (),
) -> list[LogEntry]:
    """Entries newest first, of the whole list or of one task; of those commits alone, or not."""
    quoted, quiet = f'"{task_id}"', merge_subject(store.list_id)
    entries = []
    for line in reversed(_lines(store)):
        if task_id is not None and quoted not in line.content:
            continue
        if line.commit in without or (only is not None and line.commit not in only):
            continue
        entry = _decoded(line)
        if not entry.changes and entry.subject == quiet:
            continue
        if task_id is not None:
            changes = entry.changes_of(task_id)
            if not changes:
                continue
            entry = entry._replace(changes=changes)
        entries.append(entry)
        if limit is not None and len(entries) >= limit:
            break
    return entries


def gained(store: ListStore, known: frozenset[str] | None) -> tuple[list[LogEntry], frozenset[str]]:
    """Entries of the commits that are not `known`, oldest first, and the ids of all commits.

    With None nothing is known yet, and there are no entries.
    """
    lines, quiet = _lines(store), merge_subject(store.list_id)
    new = [_decoded(line) for line in lines if known is not None and line.commit not in known]
    news = [entry for entry in new if entry.changes or entry.subject != quiet]
    return news, frozenset(line.commit for line in lines)


def commits(store: ListStore) -> frozenset[str]:
    """Ids of all commits of the list, automatic ones included."""
    return frozenset(line.commit for line in _lines(store))


def remember(store: ListStore, written: Sequence[tuple[CommitInfo, Edit]]) -> None:
    """Keep the changes of commits that were just written, oldest first."""
    lines = [_encoded(_entry(commit, edit.changes)) for commit, edit in written]
    append_to_cache(store.history_path, written[0][0].parents[0], lines)


def _lines(store: ListStore) -> list[CacheLine]:
    """The remembered changes of all commits, oldest first, completed from the repository."""
    head = store.load_readable()
    path = store.history_path
    lines = read_cache(path)
    if lines and lines[-1].commit == head.commit:
        return lines
    if lines and (missing := _straight_line(store, head.commit, lines[-1].commit)):
        new, whole = _read(store, missing[::-1])
        if not whole or append_to_cache(path, lines[-1].commit, new):
            return [*lines, *new]
        lines = [*lines, *new]
    else:
        known = {line.commit: line for line in lines}
        walked = list(store.walk(head.commit))
        new, whole = _read(store, [c for c in reversed(walked) if c.id not in known])
        known |= {line.commit: line for line in new}
        lines = [known[commit.id] for commit in reversed(walked)]
    if whole:
        write_cache(path, lines, store.repository.shared)
    return lines


def _straight_line(store: ListStore, head: str, down_to: str) -> list[CommitInfo] | None:
    """Commits from `head` down to but without `down_to`; None when a merge or root is between."""
    commits = []
    commit = store.commit(head)
    while commit.id != down_to:
        if len(commit.parents) != 1:
            return None
        commits.append(commit)
        commit = store.commit(commit.parents[0])
    return commits


def entries_of(store: ListStore, chosen: Sequence[CommitInfo]) -> list[LogEntry]:
    """Entries of these commits alone, in their order; nothing else is looked at or kept."""
    return [_decoded(line) for line in _read(store, chosen)[0]]


def _read(store: ListStore, oldest_first: Sequence[CommitInfo]) -> tuple[list[CacheLine], bool]:
    """Compare each commit with its parents; whether all could be had."""
    compared = store.comparisons()
    compared.bring(oldest_first)
    lines, whole = [], True
    for commit in oldest_first:
        comparison = compared.of(commit)
        changes = _changes(comparison.befores, comparison.after)
        lines.append(_encoded(_entry(commit, changes)))
        whole = whole and comparison.whole
    return lines, whole


def _entry(commit: CommitInfo, changes: Iterable[Change]) -> LogEntry:
    from gittasks.core.messages import parse_trailers

    trailers = parse_trailers(commit.message)
    return LogEntry(
        commit=commit.id,
        at=format_time(commit.author.time),
        by=commit.author.name,
        owner=last_value(trailers.get("Gittasks-Owner")),
        session=last_value(trailers.get("Gittasks-Session")),
        subject=commit.message.partition("\n")[0],
        changes=logged(changes),
        forced=tuple(trailers.get("Gittasks-Forced", ())),
        undo_of=last_value(trailers.get("Gittasks-Undo")),
    )


def _changes(befores: Sequence[Snapshot], after: Snapshot) -> list[Change]:
    """The changes of a commit; of a merge, only what is so in none of its parents."""
    first, *others = ([*diff(before, after)] for before in befores)
    for other in others:
        fields = {(c.task, c.field) for c in other}
        first = [c for c in first if (c.task, c.field) in fields]
    return first


def _encoded(entry: LogEntry) -> CacheLine:
    import json

    _, *rest = entry
    content = json.dumps(rest, separators=(",", ":"), default=str)
    return CacheLine(entry.commit, content)


def _decoded(line: CacheLine) -> LogEntry:
    import json

    at, by, owner, session, subject, changes, forced, undo_of = json.loads(line.content)
    parts = tuple(Change(i, field, old, new, ChangeKind(k)) for i, field, old, new, k in changes)
    return LogEntry(line.commit, at, by, owner, session, subject, parts, tuple(forced), undo_of)


def last_value(values: Iterable[str] | None) -> str | None:
    """The value of a trailer that counts: of several the last; None without any."""
    return list(values)[-1] if values else None


_HEADER = b"gittasks-history 3\n"
"""The number of the form, as in `disk.CacheFile`; here each line has a checksum of its own."""
_FIRST = "-"


class CacheLine(NamedTuple):
    """One commit and what is remembered of it, as JSON text."""

    commit: str
    content: str


def read_cache(path: str) -> list[CacheLine]:
    """Lines of the file, oldest first; [] when there is none or they do not hang together."""
    try:
        data = disk.read(path)
    except OSError:
        return []
    if not data.startswith(_HEADER):
        return []
    lines: list[CacheLine] = []
    before = _FIRST
    for raw in data[len(_HEADER) :].splitlines(keepends=True):
        if not raw.endswith(b"\n"):
            break
        checksum, _, rest = raw.partition(b" ")
        words = rest.decode("ascii", "replace").rstrip("\n").split(" ", 2)
        if checksum != b"%08x" % zlib.crc32(rest) or len(words) != 3 or words[1] != before:
            return []
        lines.append(CacheLine(words[0], words[2]))
        before = words[0]
    return lines


def append_to_cache(path: str, after: str | None, lines: Iterable[CacheLine]) -> bool:
    """Add lines behind the one of commit `after`; False when the file does not end with that one.

    It then has to be made anew, which is left to whoever reads it next.
    """
    expected = after or _FIRST
    try:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | getattr(os, "O_NONBLOCK", 0))
        with open(handle, "r+b", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode) or file.read(len(_HEADER)) != _HEADER:
                return False
            last = _last_line(file)
            words = last.split(b" ", 2)
            if last == _HEADER:
                fits = after is None
            else:
                fits = last.endswith(b"\n") and len(words) == 3 and words[1] == expected.encode()
            if fits:
                file.write(_rendered(expected, lines))
            return fits
    except OSError:
        return False


def _last_line(file: FileIO) -> bytes:
    """The last line of a file, whole and with its newline if it has one; b"" for an empty file."""
    start = file.seek(0, os.SEEK_END)
    tail = b""
    while start > 0 and tail.count(b"\n", 0, -1) == 0:
        step = min(start, 65536)
        start = file.seek(start - step)
        tail = file.read(step) + tail
    return tail[tail.rfind(b"\n", 0, -1) + 1 :]


def write_cache(path: str, lines: Iterable[CacheLine], shared: disk.Sharing) -> None:
    """Make the file anew; a place that cannot be written is left alone."""
    disk.put(path, _HEADER + _rendered(_FIRST, lines), shared)


def _rendered(before: str, lines: Iterable[CacheLine]) -> bytes:
    parts = []
    for line in lines:
        rest = f"{line.commit} {before} {line.content}\n".encode("ascii", "replace")
        parts.append(b"%08x %s" % (zlib.crc32(rest), rest))
        before = line.commit
    return b"".join(parts)
