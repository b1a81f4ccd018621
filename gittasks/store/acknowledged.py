"""Heads of a list that were acknowledged here, and the operations that a branch lost since.

    o--A--B--C   acknowledged: C is recorded, and a ref of ours keeps its objects from `git gc`
    o--A         the branch now: another program moved it back, or deleted it (A is on the remote)

B and C are missing until somebody merges them again or lets them go. A rebase makes copies of
commits, so an operation is known by its `Gittasks-Op`; an automatic merge carries nothing, and
is never missed. Record and ref are written after the ref of the list, and are not synced: one
that a power cut took back, or a pruning fetch deleted, leaves the other. Where both are gone and
the branch with them, its reflog is left: git removes that with a branch, but not with a lost file.
"""

from __future__ import annotations

import os

from gittasks.core.ids import list_id_fault
from gittasks.errors import GittasksError
from gittasks.light import TYPE_CHECKING, NamedTuple, suppress
from gittasks.store import disk, refs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gittasks.store.objects import ObjectStore
    from gittasks.store.repository import Repository

_PREFIX = "refs/gittasks/acknowledged/"
"""Below it, by the name of the branch and a number: the recorded head first, then the lost ones."""
_LONGEST = 4096
"""Bytes of a record with those of before, after which they are left out."""


class Record(NamedTuple):
    """The last head that was acknowledged, and earlier ones of which something is missing."""

    head: str | None = None
    lost: tuple[str, ...] = ()

    @property
    def heads(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.lost, *([self.head] if self.head else []))


def read(repository: Repository, list_id: str) -> Record:
    """The record of a list, from its file or else from the refs.

    In the file it is the last whole line that names something: the others are of before. A file
    of nothing but an id a line is one record, of an earlier form.
    """
    try:
        lines = disk.read(_path(repository, list_id)).decode("ascii", "replace").split("\n")[:-1]
    except OSError:
        lines = [" ".join(_guarded(repository, list_id))]
    if all(map(refs.is_object_id, lines)):
        lines = [" ".join(lines)]
    for line in reversed(lines):
        if ids := [word for word in line.split() if refs.is_object_id(word)]:
            return Record(ids[0], tuple(ids[1:]))
    return Record()


def all_heads(repository: Repository, list_id: str) -> tuple[str, ...]:
    """The heads of file and refs: where the last write failed, one of them is of before.

    Where there are none, and no branch either, the last one of its reflog.
    """
    record = read(repository, list_id)
    heads = tuple(dict.fromkeys((*record.heads, *_guarded(repository, list_id))))
    return heads or _logged(repository, list_id)


def _logged(repository: Repository, list_id: str) -> tuple[str, ...]:
    """The last head in the reflog of a branch that is gone or damaged, and was no code's."""
    if not _tells_lists_apart(repository):
        return ()
    ref = repository.ref(list_id)
    with suppress(refs.DamagedRef):
        if repository.refs.read(ref):
            return ()
    ids = [move.new for move in repository.refs.last_moves(ref, 1)]
    return tuple(i for i in ids if refs.is_object_id(i) and i.strip("0"))


def _tells_lists_apart(repository: Repository) -> bool:
    """Is the reflog of a list told from that of a branch of code by its name?"""
    return repository.prefix != "refs/heads/"


def _guarded(repository: Repository, list_id: str) -> list[str]:
    return [commit for _, commit in repository.refs.listed(_refs(repository, list_id))]


def lists(repository: Repository) -> list[str]:
    """The ids of the lists of which something is recorded, by the prefix that branches have now.

    What was recorded under a longer prefix is no list while that one is empty.
    """
    prefix = repository.ref("")
    folder = os.path.join(repository.common, "gittasks", "acknowledged")
    names = [
        os.path.relpath(os.path.join(root, name), folder).replace(os.sep, "/")
        for root, _, files in os.walk(folder)
        for name in files
        if "~" not in name
    ]
    if _tells_lists_apart(repository):
        logs = os.path.join(repository.common, "logs", "refs", "heads")
        folder = os.path.join(logs, os.path.dirname(prefix.removeprefix("refs/heads/")))
        names += [
            os.path.relpath(os.path.join(root, name), logs).replace(os.sep, "/")
            for root, _, files in os.walk(folder)
            for name in files
        ]
    guards = (name for name, _ in repository.refs.listed(_PREFIX))
    names += (name.removeprefix(_PREFIX).rpartition("/")[0] for name in guards)
    branches = (f"refs/heads/{name}" for name in names)
    ids = {name.removeprefix(prefix) for name in branches if name.startswith(prefix)}
    return sorted(name for name in ids if not list_id_fault(name))


def note(repository: Repository, list_id: str, old: str | None, new: str) -> None:
    """Record that the branch moved from `old` to `new`, and was acknowledged there."""
    record = read(repository, list_id)
    lost = record.lost
    if record.head not in (None, old, new) and _may_miss(repository, record.head, new):
        lost = (*lost, record.head)
    _write(repository, list_id, Record(new, lost), _add)


def _may_miss(repository: Repository, head: str, new: str) -> bool:
    """Tell if something of a head may be missing from a new one; True where nobody can tell."""
    try:
        return bool(_missing(repository.objects, head, [new]))
    except (GittasksError, OSError):
        return True


def write(repository: Repository, list_id: str, record: Record) -> None:
    """Put a record in place, and refs for what it names; where that fails, nothing happens."""
    _write(repository, list_id, record, disk.put)


def _write(
    repository: Repository,
    list_id: str,
    record: Record,
    keep: Callable[[str, bytes, disk.Sharing], object],
) -> None:
    ids = [*([record.head] if record.head else []), *record.lost]
    line = f"{' '.join(ids)}\n".encode("ascii") if ids else b""
    keep(_path(repository, list_id), line, repository.shared)
    prefix = _refs(repository, list_id)
    repository.refs.put({f"{prefix}{number}": commit for number, commit in enumerate(ids)})


def _add(path: str, line: bytes, shared: disk.Sharing) -> None:
    """Add a line to a file while that is short: a new file in its place takes thirty times as long.

    It begins on a line of its own, also behind one that was torn.
    """
    try:
        if 0 < os.stat(path).st_size < _LONGEST:
            disk.append(path, b"\n" + line, shared)
            return
    except OSError:
        pass  # there is none yet, or no more place in it
    disk.put(path, line, shared)


def guard(repository: Repository, list_id: str, head: str) -> dict[str, str]:
    """The ref that `note` puts for a head to which the branch is about to move."""
    return {f"{_refs(repository, list_id)}0": head}


def replace(repository: Repository, list_id: str, head: str | None) -> None:
    """Record a head alone, and nothing as lost; what was recorded goes after it is written."""
    write(repository, list_id, Record(head))
    present = guard(repository, list_id, head) if head else {}
    names = [name for name, _ in repository.refs.listed(_refs(repository, list_id))]
    repository.refs.remove([name for name in names if name not in present])


def drop(repository: Repository, list_id: str) -> None:
    """Remove record and refs of a list, and what is left of the reflog of a branch that is gone."""
    disk.remove(_path(repository, list_id))
    if _logged(repository, list_id):
        disk.remove(os.path.join(repository.common, "logs", repository.ref(list_id)))
    names = [name for name, _ in repository.refs.listed(_refs(repository, list_id))]
    repository.refs.remove(names)


def lost(repository: Repository, list_id: str, heads: Iterable[str | None]) -> tuple[str, ...]:
    """The operations that were acknowledged here and that none of the heads has."""
    known = [head for head in heads if head]

    def beyond(recorded: Iterable[str]) -> dict[str, None]:
        tips = (head for head in recorded if head not in known)
        return {name: None for tip in tips for name in _missing(repository.objects, tip, known)}

    operations = beyond(read(repository, list_id).heads)
    if not operations and not known:
        operations = beyond(_logged(repository, list_id))
    return tuple(beyond(all_heads(repository, list_id)) if operations else operations)


def gone(repository: Repository) -> dict[str, int]:
    """Lists whose branch is nowhere any more: how many operations were acknowledged here."""
    known = repository.known_lists()
    counts = {i: len(lost(repository, i, ())) for i in lists(repository) if i not in known}
    return {list_id: count for list_id, count in counts.items() if count}


def _missing(objects: ObjectStore, head: str, heads: Sequence[str]) -> tuple[str, ...]:
    from gittasks.store import commits  # nearly always the head recorded is that of the branch

    return commits.missing_operations(objects, head, heads)


def _branch(repository: Repository, list_id: str) -> str:
    return repository.ref(list_id).removeprefix("refs/heads/")


def _path(repository: Repository, list_id: str) -> str:
    folder = os.path.join(repository.common, "gittasks", "acknowledged")
    return os.path.join(folder, *_branch(repository, list_id).split("/"))


def _refs(repository: Repository, list_id: str) -> str:
    return f"{_PREFIX}{_branch(repository, list_id)}/"
