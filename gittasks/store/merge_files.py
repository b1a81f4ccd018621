"""Files of a list as the merge sees them, parsed by blob; snapshots cut down to what differs.

They are written in the canonical form. `Comparisons` sets a commit beside its parents: the log of
a thousand commits reads a thousand files, not a thousand lists, and what two sides of a history
share is parsed once, however they alternate.
"""

from __future__ import annotations

import stat
from itertools import islice

from gittasks.codec.canonical import encode_list, encode_task
from gittasks.core.fields import LISTS, Kind
from gittasks.core.ids import task_id_fault
from gittasks.core.merge.dag import Commit, File, Registers, Tree
from gittasks.core.merge.registers import (
    HOLD_NULL,
    STATE,
    Register,
    State,
    from_list_registers,
    from_registers,
    list_registers,
    register_of,
    registers,
)
from gittasks.core.merge.resolution import CommitOrder
from gittasks.core.model import ListInfo, Problem, Snapshot, Task
from gittasks.errors import FormatTooNew, InvalidData
from gittasks.light import TYPE_CHECKING, NamedTuple, pattern
from gittasks.store.commits import (
    CommitInfo,
    Graph,
    Signature,
    new_commit,
    read_commit,
)
from gittasks.store.list_tree import (
    LIST,
    TASKS,
    Folder,
    ParsedFiles,
    read_info,
    read_tasks,
    serialize_tree,
)
from gittasks.store.list_version import (
    FOLDER,
    MERGE_SIGNER,
    REGULAR,
    ListVersion,
    TaskFile,
    TreeEntry,
    merge_subject,
)
from gittasks.store.objects import Malformed, NewObject, ObjectStore, Unavailable
from gittasks.store.plumbing import Node, TreeChange

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from typing import Any


class ListContents:
    """Versions of the files of one list; a blob is named by its mode and id."""

    def __init__(self, objects: ObjectStore, list_id: str) -> None:
        self._objects = objects
        self._list_id = list_id
        self._parsed = ParsedFiles(objects, list_id)
        self._files: dict[tuple[str, str], File] = {}
        self._made: dict[str, NewObject] = {}
        length = objects.form.id_length
        self._root, self._tasks = _Entries("", length), _Entries(TASKS, length)

    def bring(self, tree_ids: Sequence[str]) -> None:
        """Let a partial clone fetch the files of these root trees in a few goes."""
        if self._objects.whole:
            return
        self._objects.need(tree_ids)
        blobs: dict[str, None] = {}
        for tree_id in tree_ids:
            for path, blob in self.tree(tree_id).items():
                mode, _, object_id = blob.partition(" ")
                if int(mode, 8) == REGULAR and (path == LIST or task_of(path)):
                    blobs[object_id] = None
        self._objects.need(blobs)

    def tree(self, tree_id: str) -> Tree:
        """The files below a root tree by path, those of `tasks/` among them."""
        return self._with_tasks(self._top(tree_id))

    def trees(self, tree_ids: Sequence[str]) -> list[Tree]:
        """The files below some root trees; what is new of them is read in one go, as the trees."""
        self._objects.read_ahead(tree_ids, "tree")
        roots = [self._top(tree_id) for tree_id in tree_ids]
        folders = (root.get("tasks", "") for root in roots)
        self._objects.read_ahead((f.partition(" ")[2] for f in folders if f), "tree")
        known = len(self._tasks)
        trees = [self._with_tasks(root) for root in roots]
        new = islice(self._tasks.values(), known, None)
        blobs = (blob.partition(" ")[2] for path, blob in new if task_of(path))
        self._objects.read_ahead(blobs, "blob")
        return trees

    def _top(self, tree_id: str) -> dict[str, str]:
        """The entries of a root tree, `tasks` as one of them."""
        return self._root.of(self._objects.read(tree_id, "tree"), tree_id)

    def _with_tasks(self, files: dict[str, str]) -> Tree:
        folder = files.pop("tasks", "")
        if folder.startswith(f"{FOLDER:o} "):
            folder_id = folder.partition(" ")[2]
            files |= self._tasks.of(self._objects.read(folder_id, "tree"), folder_id)
        return files

    def tree_objects(self, tree: Tree) -> list[NewObject]:
        """The objects of a tree that are new: blobs, the folder of tasks, the root tree last."""
        objects = [self._made[blob] for blob in tree.values() if blob in self._made]
        entries: dict[bool, list[TreeEntry]] = {True: [], False: []}
        for path, blob in tree.items():
            mode, _, object_id = blob.partition(" ")
            name = path.removeprefix(TASKS)
            entries[name != path].append(TreeEntry(name, int(mode, 8), object_id))
        root = entries[False]
        if entries[True]:
            folder = self._objects.form.new("tree", serialize_tree(entries[True]))
            root.append(TreeEntry("tasks", FOLDER, folder.id))
            objects.append(folder)
        return [*objects, self._objects.form.new("tree", serialize_tree(root))]

    def automatic_commit(self, tree: str, parents: Iterable[str], order: CommitOrder) -> NewObject:
        """The automatic commit on some commits: nothing in it depends on who makes it, or when."""
        signer = Signature(self._objects.identity or MERGE_SIGNER, max(order[0], 0))
        message = f"{merge_subject(self._list_id)}\n"
        return new_commit(self._objects.form, tree, tuple(sorted(parents)), signer, signer, message)

    # --- Contents, for the merge ------------------------------------------------------------

    def read(self, path: str, blob: str) -> File:
        """The version of a file; raises Unavailable when git cannot give it, FormatTooNew."""
        if (known := self._files.get((path, blob))) is None:
            known = File(blob, self._registers(path, blob))
            self._files[path, blob] = known
        return known

    def _registers(self, path: str, blob: str) -> dict[Register, Any] | None:
        mode, _, object_id = blob.partition(" ")
        task_id = task_of(path)
        if task_id is None and path != LIST:
            return {}
        if int(mode, 8) != REGULAR:
            return None
        try:
            data = self._objects.read(object_id, "blob")
            if task_id is None:
                from gittasks.codec.task_file import decode_list

                return _stated(list_registers(decode_list(data, self._list_id, path)))
            return _stated(registers(self._parsed.parse(data, object_id, task_id, path)[0]))
        except (Unavailable, FormatTooNew):
            raise
        except InvalidData:
            return None

    def encode(self, path: str, registers: Registers, layouts: Sequence[File]) -> File:
        """A version with these registers; the last of `layouts` when it would not fit a file."""
        task_id = task_of(path)
        try:
            if task_id is None:
                data = encode_list(from_list_registers(self._list_id, registers))
            else:
                data = self._task_file(task_id, path, registers, layouts)
        except InvalidData:
            return layouts[-1]
        blob = self._objects.form.new("blob", data)
        self._objects.stage([blob])
        name = f"{REGULAR:o} {blob.id}"
        self._made[name] = blob
        return self.read(path, name)

    def _task_file(
        self, task_id: str, path: str, registers: Registers, layouts: Sequence[File]
    ) -> bytes:
        task = _ordered(from_registers(task_id, registers), layouts)
        for layout in reversed(layouts):
            old_bytes = self._objects.read(layout.blob.partition(" ")[2], "blob")
            old = from_registers(task_id, layout.registers or {})
            if old_bytes != encode_task(old):  # somebody's comments are in it
                from gittasks.codec.patch import rewrite_task
                from gittasks.codec.task_file import decode_task

                return rewrite_task(old_bytes, decode_task(old_bytes, task_id, path), task)
        return encode_task(task)

    def is_recipe(self, commit: Commit, order: CommitOrder) -> bool:  # noqa: ARG002
        """Is a commit the automatic one on its parents? Who made or signed it does not count."""
        return list(commit.parents) == sorted(commit.parents)


def task_of(path: str) -> str | None:
    """Id of the task that the file at a path holds, None for any other file."""
    name = path.removeprefix(TASKS)
    task_id = name.removesuffix(".yaml")
    return task_id if path != name != task_id and not task_id_fault(task_id) else None


class _Entries(dict[bytes, tuple[str, str]]):
    """Path and blob of each tree entry that was ever seen: from one commit to the next nearly all
    of a large tree stays, and taking it apart anew would be most of the cost of a merge."""

    def __init__(self, folder: str, id_length: int) -> None:
        super().__init__()
        self._folder = folder
        # As of `list_tree.entry_pattern`, so that both take the same trees; without groups, to
        # have each entry whole.
        self._entry = pattern(rb"(?s)[0-7]{1,7} [^\0]+\0.{%d}" % id_length)

    def __missing__(self, raw: bytes) -> tuple[str, str]:
        head, _, object_id = raw.partition(b"\0")
        mode, _, name = head.partition(b" ")
        path = self._folder + name.decode("utf-8", "surrogateescape")
        self[raw] = entry = (path, f"{int(mode, 8):o} {object_id.hex()}")
        return entry

    def of(self, data: bytes, tree_id: str) -> dict[str, str]:
        """The entries of a tree object; Malformed when it is none."""
        entries = self._entry.findall(data)
        if sum(map(len, entries)) != len(data):
            raise Malformed(f"the tree {tree_id} is malformed", where=tree_id)
        return dict(map(self.__getitem__, entries))


def _stated(regs: Mapping[Register, Any]) -> dict[Register, Any]:
    """Without what is absent or as it is by default: who makes a task says nothing about that."""
    return {
        r: value
        for r, value in regs.items()
        if (value is not None or r[0] in HOLD_NULL) and (r != STATE or value != State())
    }


def _ordered(task: Task, layouts: Sequence[File]) -> Task:
    """Members in an order that depends on the files alone: as they stand there, one file after
    the other; notes by their time."""
    places: dict[Register, int] = {}
    for layout in layouts:
        for register in layout.registers or ():
            places.setdefault(register, len(places))
    last = len(places)
    lists: dict[str, Any] = {}
    for field in LISTS:
        members = {register_of(field, item): item for item in getattr(task, field.attr)}
        if field.kind is Kind.NOTES:
            order = sorted(members)
        else:
            order = sorted(members, key=lambda register: (places.get(register, last), register))
        lists[field.attr] = tuple(members[register] for register in order)
    return task._replace(**lists)


# --- commits beside their parents ---------------------------------------------------------

_TREES = 64
"""How many trees are kept: the parents of what comes next are mostly among the last ones."""


_FEW = 16
"""Commits whose trees are read here: to start git for them costs as much."""
_AT_ONCE = 256
"""Commits whose files are read in one go."""
_MOST_PARSED = 20_000
"""Versions of tasks that are kept: most of what comes next differs from one of them."""


class Comparison(NamedTuple):
    """A commit beside its parents: in each only the tasks that are not the same in all of them.

    `whole`: no object was lacking.
    """

    befores: Sequence[Snapshot]
    after: Snapshot
    whole: bool


class Comparisons:
    """Compares commits of one list with their parents, best in the order of the history.

    `known` is a version of the list whose tasks need not be parsed again.
    """

    def __init__(
        self, objects: ObjectStore, list_id: str, known: ListVersion | None = None
    ) -> None:
        self._objects = objects
        self._list_id = list_id
        self._contents = ListContents(objects, list_id)
        self._trees: dict[str, Tree] = {}
        self._info = ListInfo(id=list_id)
        files = known.files if known else {}
        self._parsed: dict[tuple[str, str], tuple[Task, TaskFile]] = {
            (i, file.blob): (known.snapshot.tasks[i], file) for i, file in files.items() if known
        }
        self._whole = True

    def bring(self, commits: Sequence[CommitInfo]) -> None:
        """Let a partial clone fetch the files of commits and of their parents in a few goes."""
        if self._objects.whole or not commits:
            return
        trees = {commit.id: commit.tree for commit in commits}
        for parent in {parent for commit in commits for parent in commit.parents} - trees.keys():
            trees[parent] = self._tree_id(parent)
        self._contents.bring([*dict.fromkeys(trees.values())])

    def each(
        self, graph: Graph, commit_ids: Sequence[str]
    ) -> Iterator[tuple[CommitInfo, Comparison]]:
        """Commits beside their parents; where they are many, git compares the trees."""
        if len(commit_ids) <= _FEW:
            few = list(graph.commits(commit_ids))
            self.bring(few)
            yield from ((commit, self.of(commit)) for commit in few)
            return
        if not self._objects.whole:
            self.bring(list(graph.commits(commit_ids)))
        differences = self._differences(graph, commit_ids)
        commits = graph.commits(commit_ids)
        while batch := [*zip(islice(commits, _AT_ONCE), differences, strict=False)]:
            self._read_ahead(files for _, files in batch if files)
            for commit, files in batch:
                yield commit, self._beside(*files) if files else self.of(commit)

    def of(self, commit: CommitInfo) -> Comparison:
        """A commit beside its parents; a root beside an empty list."""
        tree = self._tree(commit.tree)
        return self._beside(tree, [self._tree(self._tree_id(p)) for p in commit.parents])

    def _beside(self, tree: Tree, parents: Sequence[Tree]) -> Comparison:
        self._whole = True
        paths = {path for p in parents or [{}] for path, _ in p.items() ^ tree.items()}
        files = ParsedFiles(self._objects, self._list_id)
        befores = [self._snapshot(parent, paths, files) for parent in parents]
        befores = befores or [Snapshot(info=self._info)]
        after = self._snapshot(tree, paths, files)
        return Comparison(befores, after, self._whole)

    def _differences(self, graph: Graph, commit_ids: Sequence[str]) -> Iterator[_Files | None]:
        """By commit the files in which it differs from its parents; None where git does not say."""
        nodes = [graph.node(commit_id) for commit_id in commit_ids]
        nothing = self._objects.form.id_of("tree", b"")
        trees = [[graph.node(p).tree for p in node.parents] or [nothing] for node in nodes]
        stored = [
            not any(map(self._objects.is_staged, (node.tree, *before)))
            for node, before in zip(nodes, trees, strict=True)
        ]
        pairs = [
            (before, node.tree)
            for node, befores, is_stored in zip(nodes, trees, stored, strict=True)
            for before in (befores if is_stored else ())
        ]
        changes = self._objects.plumbing.tree_changes(pairs)
        for node, is_stored in zip(nodes, stored, strict=True):
            yield _files(node, changes) if is_stored else None

    def _read_ahead(self, batch: Iterator[_Files]) -> None:
        blobs = (
            blob.partition(" ")[2]
            for tree, parents in batch
            for files in (tree, *parents)
            for path, blob in files.items()
            if (path == LIST or (task_of(path), blob.partition(" ")[2]) not in self._parsed)
            and blob.startswith("100")
        )
        self._objects.read_ahead(blobs, "blob")
        while len(self._parsed) > _MOST_PARSED:
            del self._parsed[next(iter(self._parsed))]

    def _tree_id(self, commit_id: str) -> str:
        return read_commit(self._objects, commit_id).tree

    def _tree(self, tree_id: str) -> Tree:
        tree = self._trees.pop(tree_id, None) or self._contents.tree(tree_id)
        self._trees[tree_id] = tree
        while len(self._trees) > _TREES:
            del self._trees[next(iter(self._trees))]
        return tree

    def _snapshot(self, tree: Tree, paths: Collection[str], files: ParsedFiles) -> Snapshot:
        """The list as a tree says it, as far as it goes by these paths."""
        problems: list[Problem] = []
        info = self._info
        entries = [_entry(path, tree[path]) for path in sorted(paths) if path in tree]
        if LIST in paths:
            root = [entry for entry in entries if entry.name == LIST]
            info, whole = read_info(self._objects, self._list_id, root, problems)
            self._whole = self._whole and whole
        tasks = [
            entry._replace(name=entry.name.removeprefix(TASKS))
            for entry in entries
            if entry.name.startswith(TASKS)
        ]
        folder = self._all_parsed(tasks) or read_tasks(self._objects, files, tasks, self._known)
        for task_id, file in folder.files.items():
            self._parsed[task_id, file.blob] = folder.tasks[task_id], file
        self._whole = self._whole and folder.whole
        return Snapshot(info=info, tasks=folder.tasks, problems=(*problems, *folder.problems))

    def _all_parsed(self, entries: Sequence[TreeEntry]) -> Folder | None:
        """The folder of entries that were all parsed before, as those of a parent mostly were."""
        tasks: dict[str, Task] = {}
        files: dict[str, TaskFile] = {}
        for entry in entries:
            name = entry.name.removesuffix(".yaml")
            parsed = self._parsed.get((name, entry.id))
            if parsed is None or entry.mode != REGULAR or name == entry.name:
                return None
            tasks[name], files[name] = parsed
        return Folder(tasks, files, [], [], whole=True)

    def _known(self, task_id: str, blob: str) -> tuple[Task, TaskFile] | None:
        return self._parsed.get((task_id, blob))


_Files = tuple[Tree, list[Tree]]
"""A commit and its parents, cut down to the files in which they differ."""


def _files(node: Node, changes: Iterator[list[TreeChange] | None]) -> _Files | None:
    """The files of a commit, by the next answers of git: one for each parent, or for none."""
    answers = [next(changes, None) for _ in node.parents or [None]]
    sides = [{change.path: change for change in answer} for answer in answers if answer is not None]
    if len(sides) < len(answers):
        return None
    after = {path: change.after for side in sides for path, change in side.items()}
    befores = (
        {path: side[path].before if path in side else blob for path, blob in after.items()}
        for side in sides
    )
    return _present(after), [*map(_present, befores)] if node.parents else []


def _present(files: Mapping[str, str | None]) -> Tree:
    return {path: blob for path, blob in files.items() if blob is not None}


def _entry(path: str, blob: str) -> TreeEntry:
    mode, _, object_id = blob.partition(" ")
    number = int(mode, 8)
    # As git takes it: permissions of a regular file count only for its owner's "x".
    plain = stat.S_ISREG(number) and not number & stat.S_IXUSR
    return TreeEntry(path, REGULAR if plain else number, object_id)
