"""Recognition of lists: the list that a commit holds by its tree, whatever its branch is called."""

from __future__ import annotations

from gittasks.core.ids import list_id_fault
from gittasks.errors import InvalidData
from gittasks.light import TYPE_CHECKING, pattern
from gittasks.store.commits import read_commit
from gittasks.store.list_tree import LIST, read_tree, root_objects
from gittasks.store.list_version import REGULAR
from gittasks.store.objects import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.store.objects import ObjectStore

_LIST_ID = pattern(rb"""(?m)^id: *["']?([A-Za-z0-9._-]{1,100})["']? *$""")
_MESSAGE = pattern(r"[A-Za-z0-9._-]{1,100}: ")
"""The beginning of the message of a commit of a list."""


def holds_list(objects: ObjectStore, commit_id: str) -> bool:
    """Has the tree of a commit a `list.yaml`, so that its branch is a task list?"""
    try:
        entries = read_tree(objects, read_commit(objects, commit_id).tree)
    except InvalidData:
        return False
    return any(e.name == "list.yaml" for e in entries)


def held_lists(objects: ObjectStore, commit_ids: Sequence[str]) -> dict[str, str | None]:
    """The list that each of some commits holds, by its `list.yaml`; None where it holds none.

    Without those that cannot be had just now.
    """
    held: dict[str, str | None] = dict.fromkeys(commit_ids)
    infos = [read_commit(objects, commit) for commit in commit_ids if objects.has(commit)]
    if not objects.whole:  # the trees of code are left where they are
        infos = [info for info in infos if _MESSAGE.match(info.message)]
        objects.need(info.tree for info in infos)
    blobs: dict[str, str] = {}
    for info in infos:
        try:
            entries = read_tree(objects, info.tree)
        except InvalidData:
            del held[info.id]
            continue
        for entry in entries:
            if entry.name == LIST and entry.mode == REGULAR:
                blobs[info.id] = entry.id
    objects.need(blobs.values())
    for commit, blob in blobs.items():
        try:
            held[commit] = _list_in(objects.read(blob, "blob"))
        except Unavailable:
            del held[commit]
        except InvalidData:  # too long, or no file
            continue
    return held


def _list_in(data: bytes) -> str | None:
    match = _LIST_ID.search(data)
    list_id = match.group(1).decode("ascii") if match else ""
    return list_id if list_id_fault(list_id) is None else None


def is_root(objects: ObjectStore, list_id: str, commit_id: str) -> bool:
    """Is a commit the first of a list? It is known by its tree."""
    return read_commit(objects, commit_id).tree == root_objects(objects, list_id)[-2].id
