"""Trees of a list's branch: read as a ListVersion, parsed for the merge, written as a commit.

refs/heads/<prefix><list-id>
    list.yaml  .gitattributes  tasks/<task-id>.yaml
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from gittasks.codec.canonical import encode_list, encode_task, read_canonical
from gittasks.core.fields import LISTS, Kind
from gittasks.core.history import same_task
from gittasks.core.ids import task_id_fault, unreadable
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
from gittasks.store.commits import MERGE_SIGNER, Signature, new_commit, read_commit
from gittasks.store.list_version import (
    FOLDER,
    REGULAR,
    ListVersion,
    TaskFile,
    TreeEntry,
    merge_subject,
)
from gittasks.store.objects import NewObject, ObjectStore, Unavailable, new_object

_ATTRIBUTES = b"tasks/*.yaml -text merge=gittasks\n"
_ROOT_SIGNATURE = Signature("gittasks <root@gittasks.invalid>", 1_767_225_600)
"""Author of every root commit, dated 2026-01-01, so that all clones make the same one."""


def root_objects(list_id: str) -> list[NewObject]:
    """The objects of an empty list's first commit, the commit last.

    They depend on the list id and the format alone, so lists that were begun apart in two clones
    share their root and can be merged.
    """
    info = new_object("blob", encode_list(ListInfo(id=list_id)))
    attributes = new_object("blob", _ATTRIBUTES)
    tree = new_object(
        "tree",
        serialize_tree(
            [
                TreeEntry("list.yaml", REGULAR, info.id),
                TreeEntry(".gitattributes", REGULAR, attributes.id),
            ]
        ),
    )
    message = f"{list_id}: task list\n"
    commit = new_commit(tree.id, (), _ROOT_SIGNATURE, _ROOT_SIGNATURE, message)
    return [info, attributes, tree, commit]


def read_branch(
    objects: ObjectStore, list_id: str, commit_id: str, known: ListVersion | None = None
) -> ListVersion:
    """Read the list at a commit, parsing only what differs from `known`.

    A task file that cannot be read becomes a Problem of the snapshot and hides no other; raises
    InvalidData only when the commit itself is unreadable, FormatTooNew for a newer format.
    """
    root = read_tree(objects, read_commit(objects, commit_id).tree)
    problems = _doubled("", root)
    info, whole = _read_info(objects, list_id, root, problems)
    folder = next((e for e in root if e.name == "tasks"), None)
    if folder and folder.mode != FOLDER:
        problems.append(Problem("tasks", None, "not a folder, so no task is read"))
        folder = None
    entries = read_tree(objects, folder.id) if folder else []
    branch = _read_tasks(objects, entries, known)
    rows = {i: known.rows[i] for i in branch.files if i in known.rows} if known else {}
    rows = {i: row for i, row in rows.items() if known and known.files[i] == branch.files[i]}
    return ListVersion(
        commit_id,
        Snapshot(info=info, tasks=branch.tasks, problems=(*problems, *branch.problems)),
        branch.files,
        tuple(e for e in root if e is not folder),
        tuple(branch.rest),
        rows,
        whole and branch.whole,
    )


class _Folder(NamedTuple):
    """The folder `tasks/` as it was read; `rest` are the entries that hold no readable task."""

    tasks: dict[str, Task]
    files: dict[str, TaskFile]
    rest: list[TreeEntry]
    problems: list[Problem]
    whole: bool


def _read_tasks(
    objects: ObjectStore, entries: list[TreeEntry], known: ListVersion | None
) -> _Folder:
    tasks: dict[str, Task] = {}
    files: dict[str, TaskFile] = {}
    rest: list[TreeEntry] = []
    problems = _doubled("tasks/", entries)
    doubled = {problem.path for problem in problems}
    whole = True
    for entry in entries:
        if f"tasks/{entry.name}" in doubled:
            rest.append(entry)
            continue
        try:
            task_id = _id_of(entry)
            file = known.files.get(task_id) if known else None
            if known and file and file.blob == entry.id:
                tasks[task_id], files[task_id] = known.snapshot.tasks[task_id], file
            else:
                tasks[task_id], files[task_id] = _read_task(objects, entry, task_id)
        except InvalidData as error:
            rest.append(entry)
            whole = whole and not isinstance(error, Unavailable)
            problems.extend(_problems(f"tasks/{entry.name}", error))
    return _Folder(tasks, files, rest, problems, whole)


def next_branch(
    objects: ObjectStore, old: ListVersion, after: Snapshot
) -> tuple[str, ListVersion, list[NewObject]]:
    """Build the tree of snapshot `after` on top of `old`: (tree id, branch, objects to write).

    The branch that is returned still carries the old commit id, and holds what the new files say,
    read back. Raises InvalidData when a task would take the place of a file that could not be
    read, or cannot be stored.
    """
    new: list[NewObject] = []
    tasks: dict[str, Task] = {}
    files: dict[str, TaskFile] = {}
    rows: dict[str, bytes] = {}
    others = {entry.name for entry in old.rest}
    for task_id in sorted(after.tasks, key=_file_name):
        before, task = old.snapshot.tasks.get(task_id), after.tasks[task_id]
        if before is not None and same_task(before, task):
            tasks[task_id], files[task_id] = before, old.files[task_id]
            if task_id in old.rows:
                rows[task_id] = old.rows[task_id]
            continue
        if _file_name(task_id) in others:
            raise _taken(old.snapshot, task_id)
        blob, tasks[task_id], files[task_id] = _write_task(objects, old, task)
        new.append(blob)
    root, info = list(old.root), old.snapshot.info
    if after.info != info:
        blob, info = _write_info(after.info)
        new.append(blob)
        root = [e._replace(id=blob.id) if e.name == "list.yaml" else e for e in root]
    entries = [TreeEntry(_file_name(i), REGULAR, file.blob) for i, file in files.items()]
    if entries or old.rest:
        new.append(folder := new_object("tree", serialize_tree([*entries, *old.rest])))
        root.append(TreeEntry("tasks", FOLDER, folder.id))
    new.append(tree := new_object("tree", serialize_tree(root)))
    carried = tuple(e for e in root if e.name != "tasks" or e.mode != FOLDER)
    snapshot = Snapshot(info=info, tasks=tasks, problems=old.snapshot.problems)
    branch = old._replace(snapshot=snapshot, files=files, root=carried, rows=rows)
    return tree.id, branch, new


def holds_list(objects: ObjectStore, commit_id: str) -> bool:
    """Has the tree of a commit a `list.yaml`, so that its branch is a task list?"""
    try:
        entries = read_tree(objects, read_commit(objects, commit_id).tree)
    except InvalidData:
        return False
    return any(e.name == "list.yaml" for e in entries)


def _taken(snapshot: Snapshot, task_id: str) -> InvalidData:
    """The error of a task whose place is taken by a file that cannot be read."""
    problems = (p for p in snapshot.problems if p.task == task_id)
    return unreadable(next(problems, Problem(f"tasks/{task_id}.yaml", None, "damaged")))


def _file_name(task_id: str) -> str:
    return f"{task_id}.yaml"


def _write_task(
    objects: ObjectStore, old: ListVersion, task: Task
) -> tuple[NewObject, Task, TaskFile]:
    """The file of a task, and the task as the file says it."""
    file, canonical = old.files.get(task.id), encode_task(task)
    data, back = canonical, None
    if file and not file.canonical:
        from gittasks.codec.patch import rewrite_task  # only files that a person edited need it

        before = old.snapshot.tasks[task.id]
        data = rewrite_task(objects.read(file.blob, "blob"), before, task)
    if data == canonical:
        back = read_canonical(data, task.id)
    else:
        from gittasks.codec.task_file import decode_task

        back = decode_task(data, task.id, f"tasks/{_file_name(task.id)}")
    if back is None:
        raise InvalidData(f"the task {task.id} cannot be stored as it was given", where=task.id)
    blob = new_object("blob", data)
    return blob, back, TaskFile(blob.id, data == canonical)


def _write_info(info: ListInfo) -> tuple[NewObject, ListInfo]:
    from gittasks.codec.task_file import decode_list

    data = encode_list(info)
    return new_object("blob", data), decode_list(data, info.id, "list.yaml")


def _id_of(entry: TreeEntry) -> str:
    """Id of the task that an entry of `tasks/` holds; InvalidData when it cannot hold one."""
    path, task_id = f"tasks/{entry.name}", entry.name.removesuffix(".yaml")
    if entry.mode != REGULAR:
        raise InvalidData("not a regular file, so it is not read", where=path)
    if task_id == entry.name:
        raise InvalidData("not a task file: its name does not end in .yaml", where=path)
    if fault := task_id_fault(task_id):
        raise InvalidData(f"its name is no task id: {fault}", where=path)
    return task_id


def _read_task(objects: ObjectStore, entry: TreeEntry, task_id: str) -> tuple[Task, TaskFile]:
    data = objects.read(entry.id, "blob")
    if task := read_canonical(data, task_id):
        return task, TaskFile(entry.id, True)
    from gittasks.codec.task_file import decode_task

    task = decode_task(data, task_id, f"tasks/{entry.name}")
    return task, TaskFile(entry.id, encode_task(task) == data)


def _read_info(
    objects: ObjectStore, list_id: str, root: list[TreeEntry], problems: list[Problem]
) -> tuple[ListInfo, bool]:
    """The list as list.yaml has it, and whether it could be had; faults are added to `problems`."""
    from gittasks.codec.task_file import decode_list

    entry = next((e for e in root if e.name == "list.yaml" and e.mode == REGULAR), None)
    if entry is None:
        problems.append(Problem("list.yaml", None, "missing, so this may be no task list"))
        return ListInfo(id=list_id), True
    try:
        data = objects.read(entry.id, "blob")
        return decode_list(data, list_id, "list.yaml"), True
    except InvalidData as error:
        problems.extend(_problems("list.yaml", error))
        return ListInfo(id=list_id), not isinstance(error, Unavailable)


def _doubled(folder: str, entries: list[TreeEntry]) -> list[Problem]:
    """A problem for each name that a tree lists more than once: none of them is believed."""
    seen: set[str] = set()
    twice: dict[str, None] = {}
    for entry in entries:
        if entry.name in seen:
            twice[entry.name] = None
        seen.add(entry.name)
    return [Problem(f"{folder}{n}", None, "listed twice in its folder (git fsck)") for n in twice]


def _problems(path: str, error: InvalidData) -> list[Problem]:
    listed = error.details.get("problems")
    if listed:
        return [Problem(p["path"], p["line"], p["message"]) for p in listed]
    _, _, line = (error.where or "").rpartition(":")
    return [Problem(path, int(line) if line.isdecimal() else None, error.message)]


def read_tree(objects: ObjectStore, tree_id: str) -> list[TreeEntry]:
    """The entries of a tree; InvalidData when it is malformed."""
    from dulwich.errors import ObjectFormatException
    from dulwich.objects import parse_tree

    data = objects.read(tree_id, "tree")
    try:
        return [
            TreeEntry(name.decode("utf-8", "surrogateescape"), mode, sha.decode("ascii"))
            for name, mode, sha in parse_tree(data, 20)
        ]
    except (ObjectFormatException, ValueError) as error:
        raise InvalidData(f"the tree {tree_id} is malformed", where=tree_id) from error


def serialize_tree(entries: list[TreeEntry]) -> bytes:
    """The content of a tree object, its entries in git's order."""

    def git_order(entry: tuple[bytes, TreeEntry]) -> bytes:
        return entry[0] + b"/" if entry[1].mode == FOLDER else entry[0]

    entries_by_name = [(e.name.encode("utf-8", "surrogateescape"), e) for e in entries]
    return b"".join(
        b"%o %s\0%s" % (entry.mode, name, bytes.fromhex(entry.id))
        for name, entry in sorted(entries_by_name, key=git_order)
    )


_LIST, _TASKS = "list.yaml", "tasks/"
_ENTRY = re.compile(rb"[0-7]+ [^\0]+\0.{20}", re.DOTALL)
"""One entry of a tree object: mode, name, id (gitformat: `git help ls-tree`)."""


class ListContents:
    """Versions of the files of one list; a blob is named by its mode and id."""

    def __init__(self, objects: ObjectStore, list_id: str) -> None:
        self._objects = objects
        self._list_id = list_id
        self._files: dict[tuple[str, str], File] = {}
        self._made: dict[str, NewObject] = {}
        self._root, self._tasks = _Entries(""), _Entries(_TASKS)

    def tree(self, tree_id: str) -> Tree:
        """The files below a root tree by path, those of `tasks/` among them."""
        files = self._root.of(self._objects.read(tree_id, "tree"), tree_id)
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
            name = path.removeprefix(_TASKS)
            entries[name != path].append(TreeEntry(name, int(mode, 8), object_id))
        root = entries[False]
        if entries[True]:
            folder = new_object("tree", serialize_tree(entries[True]))
            root.append(TreeEntry("tasks", FOLDER, folder.id))
            objects.append(folder)
        return [*objects, new_object("tree", serialize_tree(root))]

    def automatic_commit(self, tree: str, parents: Iterable[str], order: CommitOrder) -> NewObject:
        """The automatic commit on some commits: nothing in it depends on who makes it, or when."""
        signer = Signature(MERGE_SIGNER, max(order[0], 0))
        message = f"{merge_subject(self._list_id)}\n"
        return new_commit(tree, tuple(sorted(parents)), signer, signer, message)

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
        if task_id is None and path != _LIST:
            return {}
        if int(mode, 8) != REGULAR:
            return None
        try:
            data = self._objects.read(object_id, "blob")
            if task_id is None:
                from gittasks.codec.task_file import decode_list

                return _stated(list_registers(decode_list(data, self._list_id, path)))
            from gittasks.codec.task_file import decode_task

            return _stated(registers(decode_task(data, task_id, path)))
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
        blob = new_object("blob", data)
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

    def is_recipe(self, commit: Commit, order: CommitOrder) -> bool:
        """Is a commit to the byte the automatic one on its parents?"""
        root = self.tree_objects(commit.tree)[-1]
        return self.automatic_commit(root.id, commit.parents, order).id == commit.id


def task_of(path: str) -> str | None:
    """Id of the task that the file at a path holds, None for any other file."""
    name = path.removeprefix(_TASKS)
    task_id = name.removesuffix(".yaml")
    return task_id if path != name != task_id and not task_id_fault(task_id) else None


class _Entries(dict[bytes, tuple[str, str]]):
    """Path and blob of each tree entry that was ever seen: from one commit to the next nearly all
    of a large tree stays, and taking it apart anew would be most of the cost of a merge."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self._folder = folder

    def __missing__(self, raw: bytes) -> tuple[str, str]:
        head, _, object_id = raw.partition(b"\0")
        mode, _, name = head.partition(b" ")
        path = self._folder + name.decode("utf-8", "surrogateescape")
        self[raw] = entry = (path, f"{int(mode, 8):o} {object_id.hex()}")
        return entry

    def of(self, data: bytes, tree_id: str) -> dict[str, str]:
        """The entries of a tree object; InvalidData when it is malformed."""
        entries = _ENTRY.findall(data)
        if sum(map(len, entries)) != len(data):
            raise InvalidData(f"the tree {tree_id} is malformed", where=tree_id)
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
