"""One list's branch: read it into a Branch, and write the next commit of it.

    refs/heads/<prefix><list-id>
        list.yaml  .gitattributes  tasks/<task-id>.yaml

Whatever else somebody put on the branch is carried along untouched.
"""

from __future__ import annotations

from gittasks.codec.canonical import encode_list, encode_task, read_canonical
from gittasks.core.changes import same_task
from gittasks.core.ids import task_id_fault
from gittasks.core.lookup import unreadable
from gittasks.core.model import ListInfo, Problem, Snapshot, Task
from gittasks.errors import InvalidData
from gittasks.store.history import Signature, new_commit, read_commit
from gittasks.store.layout import FOLDER, REGULAR, Branch, TaskFile, TreeEntry
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
    objects: ObjectStore, list_id: str, commit_id: str, known: Branch | None = None
) -> Branch:
    """Read the list at a commit, parsing only what differs from `known`.

    A task file that cannot be read becomes a Problem of the snapshot and hides no other; raises
    InvalidData only when the commit itself is unreadable, FormatTooNew for a newer format.
    """
    root = read_tree(objects, read_commit(objects, commit_id).tree)
    problems = _doubled("", root)
    info, whole = _read_info(objects, list_id, root, problems)
    tasks: dict[str, Task] = {}
    files: dict[str, TaskFile] = {}
    rest: list[TreeEntry] = []
    folder = next((e for e in root if e.name == "tasks"), None)
    if folder and folder.mode != FOLDER:
        problems.append(Problem("tasks", None, "not a folder, so no task is read"))
        folder = None
    entries = read_tree(objects, folder.id) if folder else []
    twice = _doubled("tasks/", entries)
    problems += twice
    doubled = {problem.path for problem in twice}
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
    rows = {i: known.rows[i] for i in files if i in known.rows} if known else {}
    rows = {i: row for i, row in rows.items() if known and known.files[i] == files[i]}
    return Branch(
        commit_id,
        Snapshot(info=info, tasks=tasks, problems=tuple(problems)),
        files,
        tuple(e for e in root if e is not folder),
        tuple(rest),
        rows,
        whole,
    )


def next_branch(
    objects: ObjectStore, old: Branch, after: Snapshot
) -> tuple[str, Branch, list[NewObject]]:
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
            damaged = Problem(f"tasks/{task_id}.yaml", None, "damaged")
            problems = (p for p in old.snapshot.problems if p.task == task_id)
            raise unreadable(next(problems, damaged))
        blob, tasks[task_id], files[task_id] = _write_task(objects, old, task)
        new.append(blob)
    root, info = list(old.root), old.snapshot.info
    if after.info != info:
        blob, info = _write_info(after.info)
        new.append(blob)
        root = [e._replace(id=blob.id) if e.name == "list.yaml" else e for e in root]
    entries = [TreeEntry(_file_name(i), REGULAR, file.blob) for i, file in files.items()]
    if entries or old.rest:
        folder = new_object("tree", serialize_tree([*entries, *old.rest]))
        new.append(folder)
        root.append(TreeEntry("tasks", FOLDER, folder.id))
    tree = new_object("tree", serialize_tree(root))
    new.append(tree)
    kept = tuple(e for e in root if e.name != "tasks" or e.mode != FOLDER)
    snapshot = Snapshot(info=info, tasks=tasks, problems=old.snapshot.problems)
    branch = old._replace(snapshot=snapshot, files=files, root=kept, rows=rows)
    return tree.id, branch, new


def holds_list(objects: ObjectStore, commit_id: str) -> bool:
    """Whether the tree of a commit has a `list.yaml`, so that its branch is a task list."""
    try:
        entries = read_tree(objects, read_commit(objects, commit_id).tree)
    except InvalidData:
        return False
    return any(e.name == "list.yaml" for e in entries)


def _file_name(task_id: str) -> str:
    return f"{task_id}.yaml"


def _write_task(objects: ObjectStore, old: Branch, task: Task) -> tuple[NewObject, Task, TaskFile]:
    """The file of a task, and the task as the file says it."""
    file, wanted = old.files.get(task.id), encode_task(task)
    data, back = wanted, None
    if file and not file.canonical:
        from gittasks.codec.patch import rewrite_task  # only files that a person edited need it

        before = old.snapshot.tasks[task.id]
        data = rewrite_task(objects.read(file.blob, "blob"), before, task)
    if data == wanted:
        back = read_canonical(data, task.id)
    else:
        from gittasks.codec.task_file import decode_task

        back = decode_task(data, task.id, f"tasks/{_file_name(task.id)}")
    if back is None:
        raise InvalidData(f"the task {task.id} cannot be stored as it was given", where=task.id)
    blob = new_object("blob", data)
    return blob, back, TaskFile(blob.id, data == wanted)


def _write_info(info: ListInfo) -> tuple[NewObject, ListInfo]:
    from gittasks.codec.list_file import decode_list

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
    """What list.yaml says, and whether it could be had; faults are added to `problems`."""
    from gittasks.codec.list_file import decode_list

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
    told = error.details.get("problems")
    if told:
        return [Problem(p["path"], p["line"], p["message"]) for p in told]
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

    named = [(e.name.encode("utf-8", "surrogateescape"), e) for e in entries]
    return b"".join(
        b"%o %s\0%s" % (entry.mode, name, bytes.fromhex(entry.id))
        for name, entry in sorted(named, key=git_order)
    )
