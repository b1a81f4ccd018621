"""The merge driver: one file of a list, for a merge that git itself is making."""

from __future__ import annotations

from collections.abc import Sequence

from gittasks.core.dag import Commit, Point
from gittasks.core.merge import History
from gittasks.errors import GittasksError, InvalidData
from gittasks.store import checkpoints, refs
from gittasks.store.ancestry import region
from gittasks.store.contents import ListContents
from gittasks.store.history import read_commit
from gittasks.store.objects import NewObject, new_object
from gittasks.store.replay import replay
from gittasks.store.repository import Repository, head_ref


def merge_file(repository: Repository, path: str, base: bytes, ours: bytes, theirs: bytes) -> bytes:
    """The merge of two versions of the file at `path`; `base` is empty when both made it.

    During `git merge` the history of both sides decides, as in a sync. Where git merges something
    else (a rebase, a cherry-pick, a base that it made up), the three versions do, by the same
    rules. Raises InvalidData when a version cannot be read.
    """
    sides = [new_object("blob", data) for data in (ours, theirs)]
    merged = _by_history(repository, path, sides)
    return merged if merged is not None else _by_versions(repository, path, base, sides)


def _by_history(repository: Repository, path: str, sides: Sequence[NewObject]) -> bytes | None:
    """What the two heads of the merge under way come to; None when they do not hold these files."""
    head = refs.read(repository.common, ref) if (ref := head_ref(repository.found.path)) else None
    names = [n for n in repository.env if n.startswith("GITHEAD_")]
    if head is None or len(names) != 1 or not refs.is_object_id(names[0][8:]):
        return None
    objects, heads = repository.objects, [head, names[0][8:]]
    try:
        list_id = (ref or "").removeprefix(repository.prefix)
        contents = ListContents(objects, list_id)
        for commit, side in zip(heads, sides, strict=True):
            tree = contents.tree(read_commit(objects, commit).tree)
            if tree.get(path, "").partition(" ")[2] != side.id:
                return None
        kept = checkpoints.read(repository.cache_path("merge", ref or ""))
        area = region(objects, heads, kept)
        if area.cut:
            return None
        run = replay(objects, list_id, area, heads, None)
        joined = run.history.join([run.history.points[h] for h in heads])
        file = run.contents.read(path, joined.tree[path])
    except (GittasksError, KeyError):
        return None  # the three versions are here in any case
    if file.registers is None:
        raise _unreadable(path)
    return objects.read(file.blob.partition(" ")[2], "blob")


def _by_versions(
    repository: Repository, path: str, base: bytes, sides: Sequence[NewObject]
) -> bytes:
    """A merge of three versions: two edits of one commit, neither of them later."""
    versions = {side.id: side for side in sides}
    root = new_object("blob", base)
    repository.objects.stage([root, *sides])
    contents = ListContents(repository.objects, "")
    point = None
    if base and contents.read(path, f"100644 {root.id}").registers is not None:
        point = Point("", {path: f"100644 {root.id}"}, (0, 0))
    history = History(contents, point)
    parents = ("",) if point else ()
    for side in versions.values():
        if contents.read(path, f"100644 {side.id}").registers is None:
            raise _unreadable(path)
        history.add(Commit(side.id, parents, 1, {path: f"100644 {side.id}"}))
    heads = [p for name, p in history.points.items() if name]
    joined = history.join(heads)
    return repository.objects.read(joined.tree[path].partition(" ")[2], "blob")


def _unreadable(path: str) -> InvalidData:
    return InvalidData(
        "a version of it cannot be read, so git merges it line by line",
        where=path,
        hint="see which, and why, with: gittasks list",
    )
