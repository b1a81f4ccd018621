"""One list's branch: read it into a Branch, and write the next commit of it.

    refs/heads/<prefix><list-id>
        list.yaml  .gitattributes  tasks/<task-id>.yaml

Whatever else somebody put on the branch is carried along untouched.
"""

from __future__ import annotations

from gittasks.codec.canonical import encode_list, encode_task
from gittasks.core.changes import same_task
from gittasks.core.ids import task_id_fault
from gittasks.core.model import ListInfo, Problem, Snapshot, Task
from gittasks.errors import InvalidData
from gittasks.store.cache import Branch, TaskFile, TreeEntry
from gittasks.store.history import Signature, new_commit, read_commit
from gittasks.store.objects import NewObject, ObjectStore, new_object

FILE_LIMIT = 256 * 1024
"""Bytes; a longer task file is reported, not read."""
_REGULAR, _FOLDER = 0o100644, 0o040000
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
        _serialize(
            [
                TreeEntry("list.yaml", _REGULAR, info.id),
                TreeEntry(".gitattributes", _REGULAR, attributes.id),
            ]
        ),
    )
    message = f"{list_id}: task list\n"
    commit = new_commit(tree.id, (), _ROOT_SIGNATURE, _ROOT_SIGNATURE, message)
    return [info, attributes, tree, commit]


def read_branch(
    objects: ObjectStore, list_id: str, commit_id: str, known: Branch | None = None
) -> Branch:
    """Read the list at a commit, parsing only what differs from `known`.

    A task file that cannot be read becomes a Problem of the snapshot and hides no other; raises
    InvalidData only when the commit itself is unreadable, FormatTooNew for a newer format.
    """
    root = _entries(objects, read_commit(objects, commit_id).tree)
    problems: list[Problem] = []
    info = _read_info(objects, list_id, root, problems)
    tasks: dict[str, Task] = {}
    files: dict[str, TaskFile] = {}
    rest: list[TreeEntry] = []
    folder = next((e for e in root if e.name == "tasks"), None)
    if folder and folder.mode != _FOLDER:
        problems.append(Problem("tasks", None, "not a folder, so no task is read"))
        folder = None
    for entry in _entries(objects, folder.id) if folder else ():
        try:
            task_id = _id_of(entry)
            file = known.files.get(task_id) if known else None
            if known and file and file.blob == entry.id:
                tasks[task_id], files[task_id] = known.snapshot.tasks[task_id], file
            else:
                tasks[task_id], files[task_id] = _read_task(objects, entry, task_id)
        except InvalidData as error:
            rest.append(entry)
            problems.extend(_problems(f"tasks/{entry.name}", error))
    rows = {i: known.rows[i] for i in files if i in known.rows} if known else {}
    rows = {i: row for i, row in rows.items() if known and known.files[i] == files[i]}
    return Branch(
        commit_id,
        Snapshot(info=info, tasks=tasks, problems=tuple(problems)),
        files,
        tuple(e for e in root if e is not folder),
        tuple(rest),
        rows,
    )


def next_branch(
    objects: ObjectStore, old: Branch, after: Snapshot
) -> tuple[str, Branch, list[NewObject]]:
    """Build the tree of snapshot `after` on top of `old`: (tree id, branch, objects to write).

    The branch that is returned still carries the old commit id. Raises InvalidData when a task
    would take the place of a file that could not be read.
    """
    new: list[NewObject] = []
    files: dict[str, TaskFile] = {}
    rows: dict[str, bytes] = {}
    unreadable = {entry.name for entry in old.rest}
    for task_id, task in after.tasks.items():
        before = old.snapshot.tasks.get(task_id)
        if before is not None and same_task(before, task):
            files[task_id] = old.files[task_id]
            if task_id in old.rows:
                rows[task_id] = old.rows[task_id]
            continue
        if f"{task_id}.yaml" in unreadable:
            raise unreadable_task(old.snapshot, task_id)
        blob, canonical = _task_blob(objects, old, task)
        new.append(blob)
        files[task_id] = TaskFile(blob.id, canonical)
    root = list(old.root)
    if after.info != old.snapshot.info:
        blob = new_object("blob", encode_list(after.info))
        new.append(blob)
        root = [e for e in root if e.name != "list.yaml"]
        root.append(TreeEntry("list.yaml", _REGULAR, blob.id))
    entries = [TreeEntry(f"{i}.yaml", _REGULAR, file.blob) for i, file in files.items()]
    if entries or old.rest:
        tasks = new_object("tree", _serialize([*entries, *old.rest]))
        new.append(tasks)
        root.append(TreeEntry("tasks", _FOLDER, tasks.id))
    tree = new_object("tree", _serialize(root))
    new.append(tree)
    kept = tuple(e for e in root if e.name != "tasks" or e.mode != _FOLDER)
    return tree.id, Branch(old.commit, after, files, kept, old.rest, rows), new


def holds_list(objects: ObjectStore, commit_id: str) -> bool:
    """Whether the tree of a commit has a `list.yaml`, so that its branch is a task list."""
    try:
        entries = _entries(objects, read_commit(objects, commit_id).tree)
    except InvalidData:
        return False
    return any(e.name == "list.yaml" for e in entries)


def unreadable_task(snapshot: Snapshot, task_id: str) -> InvalidData:
    """The error for a change to a task whose file cannot be read."""
    path = f"tasks/{task_id}.yaml"
    why = next((p for p in snapshot.problems if p.task == task_id), None)
    return InvalidData(
        f"the file of task {task_id} cannot be read: {why.message if why else 'damaged'}",
        where=f"{path}:{why.line}" if why and why.line else path,
        hint="repair the file by hand: git worktree add gives you the list's branch as files",
    )


def _task_blob(objects: ObjectStore, old: Branch, task: Task) -> tuple[NewObject, bool]:
    file = old.files.get(task.id)
    if file is None or file.canonical:
        return new_object("blob", encode_task(task)), True
    from gittasks.codec.patch import rewrite_task  # only files that a person edited need it

    data = objects.read(file.blob, "blob", limit=FILE_LIMIT)
    made = rewrite_task(data, old.snapshot.tasks[task.id], task)
    return new_object("blob", made), made == encode_task(task)


def _id_of(entry: TreeEntry) -> str:
    """Id of the task that an entry of `tasks/` holds; InvalidData when it cannot hold one."""
    path, task_id = f"tasks/{entry.name}", entry.name.removesuffix(".yaml")
    if entry.mode != _REGULAR:
        raise InvalidData("not a regular file, so it is not read", where=path)
    if task_id == entry.name:
        raise InvalidData("not a task file: its name does not end in .yaml", where=path)
    if fault := task_id_fault(task_id):
        raise InvalidData(f"its name is no task id: {fault}", where=path)
    return task_id


def _read_task(objects: ObjectStore, entry: TreeEntry, task_id: str) -> tuple[Task, TaskFile]:
    from gittasks.codec.task_file import decode_task

    path = f"tasks/{entry.name}"
    data = objects.read(entry.id, "blob", limit=FILE_LIMIT)
    task = decode_task(data, task_id, path)
    return task, TaskFile(entry.id, encode_task(task) == data)


def _read_info(
    objects: ObjectStore, list_id: str, root: list[TreeEntry], problems: list[Problem]
) -> ListInfo:
    from gittasks.codec.list_file import decode_list

    entry = next((e for e in root if e.name == "list.yaml" and e.mode == _REGULAR), None)
    if entry is None:
        problems.append(Problem("list.yaml", None, "missing, so this may be no task list"))
        return ListInfo(id=list_id)
    try:
        data = objects.read(entry.id, "blob", limit=FILE_LIMIT)
        return decode_list(data, list_id, "list.yaml")
    except InvalidData as error:
        problems.extend(_problems("list.yaml", error))
        return ListInfo(id=list_id)


def _problems(path: str, error: InvalidData) -> list[Problem]:
    told = error.details.get("problems")
    if told:
        return [Problem(p["path"], p["line"], p["message"]) for p in told]
    _, _, line = (error.where or "").rpartition(":")
    return [Problem(path, int(line) if line.isdecimal() else None, error.message)]


def _entries(objects: ObjectStore, tree_id: str) -> list[TreeEntry]:
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


def _serialize(entries: list[TreeEntry]) -> bytes:
    def git_order(entry: tuple[bytes, TreeEntry]) -> bytes:
        return entry[0] + b"/" if entry[1].mode == _FOLDER else entry[0]

    named = [(e.name.encode("utf-8", "surrogateescape"), e) for e in entries]
    return b"".join(
        b"%o %s\0%s" % (entry.mode, name, bytes.fromhex(entry.id))
        for name, entry in sorted(named, key=git_order)
    )
