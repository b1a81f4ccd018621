"""Trees of a list's branch: read as a ListVersion, parsed for the merge, written as a commit.

refs/heads/<prefix><list-id>
    list.yaml  .gitattributes  tasks/<task-id>.yaml

Task files are parsed within a budget for the list: what is over it is set aside for now. What was
parsed is appended to a file once it took a while, so that the next command goes on from there.
"""

from __future__ import annotations

import os
import zlib

from gittasks import light
from gittasks.codec.canonical import encode_list, encode_task, read_canonical
from gittasks.core.changes import same_task
from gittasks.core.ids import task_id_fault, unreadable
from gittasks.core.model import READ_ON, SET_ASIDE, ListInfo, Problem, Snapshot, Task
from gittasks.errors import InvalidData
from gittasks.light import (
    TYPE_CHECKING,
    Callable,
    NamedTuple,
    cached_property,
    itemgetter,
    lru_cache,
    partial,
    pattern,
)
from gittasks.store import disk
from gittasks.store.commits import CommitInfo, Signature, new_commit, read_commit
from gittasks.store.list_version import (
    CACHE,
    FOLDER,
    REGULAR,
    ROOT_SIGNER,
    Columns,
    ListVersion,
    TaskFile,
    TreeEntry,
    pack,
    pieces_path,
    unpack,
)
from gittasks.store.objects import Malformed, NewObject, ObjectFormat, ObjectStore, Unavailable

if TYPE_CHECKING:
    import re
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from gittasks.core.merge.resolution import Conflict

_README = """\
This branch is a task list, `{0}`, kept by gittasks: a file for each task, a commit for each step.
It has no history in common with the code and is never merged into it; clones share it by git.
To see it: `git fetch`, then `gittasks list --list {0}`; or with git alone, `git log`.
"""
"""What people read who meet the branch on a forge."""
_ATTRIBUTES = b"tasks/*.yaml -text merge=gittasks\n"
ROOT_SIGNATURE = Signature(ROOT_SIGNER, 1_767_225_600)
"""Author of root commits, dated 2026-01-01, so that all clones make the same one."""


class Evaluated(NamedTuple):
    """A list as its heads say it, and what it takes to write that down.

    `branch` is at the commit whose tree says it; `new` holds the objects of that commit that are
    not on the disk, empty when it is one of the heads. `received` and `unsent` are the commits
    that are operations and that only the remote, or only the local head has, parents first;
    they are worked out when `apart` was asked for.
    """

    branch: ListVersion
    new: tuple[NewObject, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    received: tuple[CommitInfo, ...] = ()
    unsent: tuple[CommitInfo, ...] = ()
    behind: bool = False
    """The remote lacks operations that it had, and has none that they lack."""


def root_objects(objects: ObjectStore, list_id: str) -> list[NewObject]:
    """The objects of an empty list's first commit, the commit last.

    They depend on the list id and the format alone, so lists that were begun apart in two clones
    share their root and can be merged.
    """
    info = objects.form.new("blob", encode_list(ListInfo(id=list_id)))
    attributes = objects.form.new("blob", _ATTRIBUTES)
    readme = objects.form.new("blob", _README.format(list_id).encode())
    tree = objects.form.new(
        "tree",
        serialize_tree(
            [
                TreeEntry("list.yaml", REGULAR, info.id),
                TreeEntry(".gitattributes", REGULAR, attributes.id),
                TreeEntry("README.md", REGULAR, readme.id),
            ]
        ),
    )
    message = f"{list_id}: task list\n"
    signer = ROOT_SIGNATURE._replace(person=objects.identity or ROOT_SIGNATURE.person)
    commit = new_commit(objects.form, tree.id, (), signer, signer, message)
    return [info, attributes, readme, tree, commit]


def read_branch(
    objects: ObjectStore, list_id: str, commit_id: str, known: ListVersion | None = None
) -> ListVersion:
    """Read the list at a commit, parsing only what differs from `known`.

    A task file that cannot be read becomes a Problem of the snapshot and hides no other; raises
    InvalidData only when the commit itself is unreadable, FormatTooNew for a newer format.
    """
    root = read_tree(objects, read_commit(objects, commit_id).tree)
    problems = _doubled("", root)
    folder = next((e for e in root if e.name == "tasks"), None)
    if folder and folder.mode != FOLDER:
        problems.append(Problem("tasks", None, "not a folder, so no task is read"))
        folder = None
    entries = read_tree(objects, folder.id) if folder else []
    _bring(objects, root, entries, known)
    info, whole = _known_info(known, root) or read_info(objects, list_id, root, problems)
    parsed = ParsedFiles(objects, list_id)
    branch = read_tasks(objects, parsed, entries, partial(_of_version, known))
    return ListVersion(
        commit_id,
        Snapshot(info=info, tasks=branch.tasks, problems=(*problems, *branch.problems)),
        branch.files,
        tuple(e for e in root if e is not folder),
        tuple(branch.rest),
        whole and branch.whole,
    )


def _bring(
    objects: ObjectStore,
    root: list[TreeEntry],
    entries: list[TreeEntry],
    known: ListVersion | None,
) -> None:
    """Let a partial clone fetch the files of a list in one go.

    Raises Unavailable when no task could be read afterwards; else each that is lacking is a
    problem of its own.
    """
    if objects.whole:
        return
    blobs = {file.blob for file in known.files.values()} if known else set()
    tasks = [e.id for e in entries if e.mode == REGULAR and e.id not in blobs]
    info = [e.id for e in root if e.name == "list.yaml" and e.mode == REGULAR]
    failure = objects.need([*tasks, *info])
    if failure and tasks and not blobs and not any(map(objects.has, tasks)):
        raise failure


Known = Callable[[str, str], tuple[Task, TaskFile] | None]
"""The task of an id that a blob is known to say, if it is."""


def _of_version(known: ListVersion | None, task_id: str, blob: str) -> tuple[Task, TaskFile] | None:
    file = known.files.get(task_id) if known else None
    if known is None or file is None or file.blob != blob:
        return None
    return known.snapshot.tasks[task_id], file


class Folder(NamedTuple):
    """The folder `tasks/` as it was read; `rest` are the entries that hold no readable task."""

    tasks: dict[str, Task]
    files: dict[str, TaskFile]
    rest: list[TreeEntry]
    problems: list[Problem]
    whole: bool


def read_tasks(
    objects: ObjectStore, parsed: ParsedFiles, entries: list[TreeEntry], known: Known
) -> Folder:
    """The tasks that entries of `tasks/` hold; what is `known` is not parsed again."""
    tasks: dict[str, Task] = {}
    files: dict[str, TaskFile] = {}
    rest: list[TreeEntry] = []
    problems = _doubled("tasks/", entries)
    doubled = {problem.path for problem in problems}
    whole = True
    for entry in _with_files(objects, entries, known):
        if f"tasks/{entry.name}" in doubled:
            rest.append(entry)
            continue
        try:
            task_id = _id_of(entry)
            read = known(task_id, entry.id)
            if read is None:
                data, path = objects.read(entry.id, "blob"), f"tasks/{entry.name}"
                task, canonical = parsed.parse(data, entry.id, task_id, path)
                read = task, TaskFile(entry.id, canonical)
            tasks[task_id], files[task_id] = read
        except InvalidData as error:
            rest.append(entry)
            whole = whole and not isinstance(error, Unavailable)
            problems.extend(_problems(f"tasks/{entry.name}", error))
    if not whole:
        parsed.flush()
    return Folder(tasks, files, rest, problems, whole)


_AT_ONCE = 256
"""Files that are read in one go: no more of them are in memory before they are parsed."""


def _with_files(
    objects: ObjectStore, entries: list[TreeEntry], known: Known
) -> Iterator[TreeEntry]:
    """Entries of `tasks/`, their files read ahead as far as they are not known."""
    for first in range(0, len(entries), _AT_ONCE):
        batch = entries[first : first + _AT_ONCE]
        unknown = (
            entry.id
            for entry in batch
            if entry.mode == REGULAR and not known(entry.name.removesuffix(".yaml"), entry.id)
        )
        objects.read_ahead(unknown, "blob")
        yield from batch


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
    others = {entry.name for entry in old.rest}
    for name in sorted([_file_name(task_id) for task_id in after.tasks]):
        task_id = name.removesuffix(".yaml")
        before, task = old.snapshot.tasks.get(task_id), after.tasks[task_id]
        if before is task or (before is not None and same_task(before, task)):
            tasks[task_id], files[task_id] = before, old.files[task_id]
            continue
        if name in others:
            raise _taken(old.snapshot, task_id)
        blob, tasks[task_id], files[task_id] = _write_task(objects, old, task)
        new.append(blob)
    root, info = list(old.root), old.snapshot.info
    if after.info != info:
        blob, info = _write_info(objects, after.info)
        new.append(blob)
        root = [e._replace(id=blob.id) if e.name == "list.yaml" else e for e in root]
    new += _trees(objects.form, root, files, old.rest)
    carried = tuple(e for e in root if e.name != "tasks" or e.mode != FOLDER)
    snapshot = Snapshot(info=info, tasks=tasks, problems=old.snapshot.problems)
    branch = old._replace(snapshot=snapshot, files=files, root=carried)
    return new[-1].id, branch, new


def tree_objects(
    form: ObjectFormat, branch: ListVersion, there: Collection[str]
) -> list[NewObject] | None:
    """The objects of the tree of a branch, made from what it says, the tree last.

    The blobs that are `there` are left out; None when another cannot be made from that.
    """
    files = [(file.blob, branch.snapshot.tasks[i]) for i, file in branch.files.items()]
    new = [form.new("blob", encode_task(task)) for blob, task in files if blob not in there]
    missing = [blob for blob, _ in files if blob not in there]
    if any(e.name == LIST and e.id not in there for e in branch.root):
        new.append(form.new("blob", encode_list(branch.snapshot.info)))
        missing += [e.id for e in branch.root if e.name == LIST]
    if [blob.id for blob in new] != missing:
        return None
    return [*new, *_trees(form, list(branch.root), branch.files, branch.rest)]


def _trees(
    form: ObjectFormat,
    root: list[TreeEntry],
    files: Mapping[str, TaskFile],
    rest: Sequence[TreeEntry],
) -> list[NewObject]:
    """The folder of tasks, if there is one, and the root tree, to which it is added."""
    new: list[NewObject] = []
    entries = [(_file_name(i), REGULAR, file.blob) for i, file in files.items()]
    if entries or rest:
        new.append(folder := form.new("tree", serialize_tree([*entries, *rest])))
        root.append(TreeEntry("tasks", FOLDER, folder.id))
    return [*new, form.new("tree", serialize_tree(root))]


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
    blob = objects.form.new("blob", data)
    return blob, back, TaskFile(blob.id, data == canonical)


def _write_info(objects: ObjectStore, info: ListInfo) -> tuple[NewObject, ListInfo]:
    from gittasks.codec.task_file import decode_list

    data = encode_list(info)
    return objects.form.new("blob", data), decode_list(data, info.id, "list.yaml")


def _id_of(entry: TreeEntry) -> str:
    """Id of the task that an entry of `tasks/` holds; InvalidData when it cannot hold one."""
    path, task_id = f"tasks/{entry.name}", entry.name.removesuffix(".yaml")
    if entry.mode != REGULAR:
        raise InvalidData("not a regular file, so it is not read", where=path)
    if task_id == entry.name:
        raise InvalidData("not a task file: its name does not end in .yaml", where=path)
    if fault := task_id_fault(task_id):
        raise InvalidData(f"its name is not a task id: {fault}", where=path)
    return task_id


def _known_info(known: ListVersion | None, root: list[TreeEntry]) -> tuple[ListInfo, bool] | None:
    """The list as a version has it whose list.yaml is the same, and was read without a fault."""
    if known is None or any(p.path == LIST for p in known.snapshot.problems):
        return None
    before, now = (next((e for e in r if e.name == LIST), None) for r in (known.root, root))
    return (known.snapshot.info, True) if now and now == before else None


def read_info(
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
    """The entries of a tree; Malformed when it is none."""
    data = objects.read(tree_id, "tree")
    entries, end = [], 0
    for match in entry_pattern(objects.form.id_length).finditer(data):
        mode, name, object_id = match.groups()
        entry = TreeEntry(name.decode("utf-8", "surrogateescape"), int(mode, 8), object_id.hex())
        entries.append(entry)
        end += match.end() - match.start()
    if end != len(data):
        raise Malformed(f"the tree {tree_id} is malformed", where=tree_id)
    return entries


@lru_cache(2)  # there are so many formats of ids
def entry_pattern(id_length: int) -> re.Pattern[bytes]:
    """One entry of a tree object: mode, name, id (git help ls-tree)."""
    return pattern(rb"(?s)([0-7]{1,7}) ([^\0]+)\0(.{%d})" % id_length)


def serialize_tree(entries: Iterable[tuple[str, int, str]]) -> bytes:
    """The content of a tree object of entries (as TreeEntry), in git's order."""
    content = []
    for text, mode, object_id in entries:
        name = text.encode("utf-8", "surrogateescape")
        place = name + b"/" if mode == FOLDER else name  # as git has it
        content.append((place, b"%o %s\0%s" % (mode, name, bytes.fromhex(object_id))))
    content.sort(key=itemgetter(0))
    return b"".join([entry for _, entry in content])


LIST, TASKS = "list.yaml", "tasks/"


BUDGET = 16 << 20
"""Bytes of task files that are read at once: some ten seconds of work."""
SLOW = 40
"""A byte that only the YAML parser can read counts for so many."""
KEEP_AFTER = 1 << 20
"""What was parsed is kept whenever so many bytes were: half a second of work."""
_LONGEST = 32 << 20
"""A file of parsed files that is longer is begun anew."""
_FORM = f"1 {CACHE.number} {CACHE.fields}".encode("ascii")


class SetAside(Unavailable):
    """A file that is over the budget of its list: the next command reads it."""


class Parsed(NamedTuple):
    """A task file as a value: its task, or its faults; `canonical` as in TaskFile."""

    blob: str
    task_id: str
    task: Task | None
    canonical: bool = False
    problems: tuple[dict[str, Any], ...] = ()

    def result(self) -> tuple[Task, bool]:
        """The task, and is its file canonical? InvalidData with the faults of a faulty file."""
        if self.task:
            return self.task, self.canonical
        first = self.problems[0]
        where = f"{first['path']}:{first['line']}"
        raise InvalidData(first["message"], where=where, details={"problems": [*self.problems]})


class ParsedFiles:
    """The task files of one list, parsed in one go within one budget."""

    def __init__(self, objects: ObjectStore, list_id: str) -> None:
        self._path = pieces_path(objects.common, list_id)
        self._shared = objects.shared
        self._spent = self._kept_at = 0
        self._new: list[Parsed] = []

    def parse(self, data: bytes, blob: str, task_id: str, where: str) -> tuple[Task, bool]:
        """The task in a file, and is that canonical? InvalidData for a faulty one, SetAside."""
        if self._spent >= KEEP_AFTER and (known := self._known.get((blob, task_id))):
            return known.result()
        self._spend(len(data), where)
        if task := read_canonical(data, task_id):
            return self._keep(Parsed(blob, task_id, task, canonical=True))
        from gittasks.codec import task_file, yaml_nodes  # only files that a person edited

        if root := yaml_nodes.parse_lines(data, where):
            task = task_file.task_of(root, task_id, where)
            return self._keep(Parsed(blob, task_id, task, encode_task(task) == data))
        if known := self._known.get((blob, task_id)):
            return known.result()
        self._spend(SLOW * len(data), where)
        try:
            task = task_file.task_of(yaml_nodes.parse_any(data, where), task_id, where)
        except InvalidData as error:
            problems = tuple(error.details["problems"])
            return self._keep(Parsed(blob, task_id, None, problems=problems))
        return self._keep(Parsed(blob, task_id, task, encode_task(task) == data))

    def flush(self) -> None:
        """Append what was parsed to the file; a place that cannot be written is left alone."""
        new = [p for p in self._new if (p.blob, p.task_id) not in self._known]
        self._new.clear()
        self._kept_at = self._spent
        self._known.update(((p.blob, p.task_id), p) for p in new)
        lines = b"".join(_line(p) for p in new)
        try:
            disk.make_folders(os.path.dirname(self._path), self._shared)
            disk.append(self._path, lines, self._shared)
        except OSError:
            return

    def _spend(self, cost: int, where: str) -> None:
        if self._spent + cost > BUDGET:
            self.flush()
            raise SetAside(SET_ASIDE, where=where, hint=READ_ON)
        self._spent += cost

    def _keep(self, parsed: Parsed) -> tuple[Task, bool]:
        self._new.append(parsed)
        if self._spent - self._kept_at >= KEEP_AFTER:
            self.flush()
        return parsed.result()

    @cached_property
    def _known(self) -> dict[tuple[str, str], Parsed]:
        """Files that earlier commands parsed; lines that are torn or of another form are none."""
        try:
            lines = disk.read(self._path).splitlines()
        except OSError:
            return {}
        if sum(map(len, lines)) > _LONGEST:
            disk.remove(self._path)
            return {}
        return {(p.blob, p.task_id): p for line in lines if (p := _parsed(line))}


def _line(parsed: Parsed) -> bytes:
    blob, task_id, task, canonical, problems = parsed
    body = pack([task]) if task else problems
    row = light.write_json([task_id, blob, canonical if task else None, body]).encode()
    return b"%08x %s\n" % (zlib.crc32(_FORM + row), row)


def _parsed(line: bytes) -> Parsed | None:
    checksum, _, row = line.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(_FORM + row):
        return None
    try:
        task_id, blob, canonical, body = light.read_json(row)
        if canonical is None:
            return Parsed(blob, task_id, None, problems=tuple(body))
        return Parsed(blob, task_id, unpack(Columns(*body))[0], canonical)
    except Exception:  # noqa: BLE001  whatever is wrong with a cache, it is as if there were none
        return None
