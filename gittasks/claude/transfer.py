"""Import and export runs over Claude Code's folder `~/.claude/tasks/<list>/`, under its lock.

Claude Code takes that lock by making the folder `.lock.lock` beside the empty file `.lock`, and
holds one that was not touched for some seconds to be a dead one's (as npm's proper-lockfile).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from gittasks.claude import links as recorded_links
from gittasks.claude import task_files
from gittasks.claude.links import Link, find
from gittasks.claude.mapping import Step, admit, agreed, files, wanted
from gittasks.claude.task_files import NativeTask, Skipped
from gittasks.core.ids import list_id_fault
from gittasks.core.operations import Context
from gittasks.errors import Busy, InvalidData, NotFound, Refused, Usage
from gittasks.store import disk

if TYPE_CHECKING:
    from gittasks.core.apply import Edit
    from gittasks.workspace import EditResult, Workspace

_STALE = 10.0
"""Seconds after which a lock that nobody touched is a dead one's."""
_PATIENCE = 12.0
"""Seconds to wait for the lock: long enough to see that it is a dead one's."""
_LOCK = ".lock.lock"
_LAST = ".highwatermark"
"""The file with the last number that was given before files were removed."""
_MOST = 5000
"""Files that are read; a list of more is none that anybody works on."""
_SHOWN = 8


class Contents(NamedTuple):
    """The content of a folder: tasks by number, unusable files, the last number."""

    tasks: Mapping[str, NativeTask]
    faults: tuple[Skipped, ...]
    last: int


def config_root(env: Mapping[str, str]) -> str:
    """Claude Code's own folder: `CLAUDE_CONFIG_DIR`, else `~/.claude`."""
    home = env.get("HOME") or os.path.expanduser("~")
    return os.path.abspath(env.get("CLAUDE_CONFIG_DIR") or os.path.join(home, ".claude"))


def path_of(env: Mapping[str, str], name: str) -> str:
    """Folder of the native list `name`; Usage when that is no name of a list."""
    if fault := list_id_fault(name):
        raise Usage(f'"{name}" cannot be the name of a list of Claude Code: {fault}')
    return os.path.join(config_root(env), "tasks", name)


def folder_for(env: Mapping[str, str], names: Sequence[str]) -> str:
    """The first of these native lists that has a folder; NotFound tells which lists there are."""
    for name in names:
        if name and list_id_fault(name) is None and os.path.isdir(path_of(env, name)):
            return name
    candidates = existing(env)
    shown = ", ".join(candidates[:_SHOWN]) + (" …" if len(candidates) > _SHOWN else "")
    missing = names[0] if names else "none was named"
    raise NotFound(
        f'Claude Code has no task list "{missing}" here',
        hint=f"name one of: {shown}"
        if candidates
        else "it keeps one once a session made a task with its own tools",
        details={"candidates": candidates},
    )


def existing(env: Mapping[str, str]) -> list[str]:
    """Names of the native lists, the one that was changed last first."""
    root = os.path.join(config_root(env), "tasks")
    try:
        entries = [e for e in os.scandir(root) if e.is_dir() and list_id_fault(e.name) is None]
    except OSError:
        return []
    return [e.name for e in sorted(entries, key=_changed, reverse=True)]


def _changed(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat().st_mtime
    except OSError:
        return 0.0


def read(folder: str) -> Contents:
    """All task files of a folder; what is no task file is passed over. A missing one is empty."""
    tasks: list[NativeTask] = []
    faults: list[Skipped] = []
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        names = []
    except OSError as error:
        raise InvalidData(f"cannot read {folder}: {error.strerror}") from error
    file_numbers = [n.removesuffix(".json") for n in names if n.endswith(".json")]
    file_numbers = sorted((n for n in file_numbers if task_files.is_number(n)), key=int)
    for number in file_numbers[:_MOST]:
        native = read_one(folder, number)
        if isinstance(native, NativeTask):
            tasks.append(native)
        elif native is not None:
            faults.append(native)
    faults += [Skipped(n, f"is beyond the first {_MOST} files") for n in file_numbers[_MOST:]]
    return Contents(task_files.normalised(tasks), tuple(faults), _last(folder))


def read_one(folder: str, number: str) -> NativeTask | Skipped | None:
    """One task file; None when it is not there."""
    path = os.path.join(folder, f"{number}.json")
    result: NativeTask | Skipped | None = None
    for pause in (0.05, 0.0):  # the writer may be in the middle of it
        try:
            if os.path.getsize(path) > task_files.SIZE_LIMIT:
                return Skipped(number, f"the file has more than {task_files.SIZE_LIMIT} bytes")
            result = task_files.read(number, disk.read(path))
        except FileNotFoundError:
            return None
        except OSError as error:
            result = Skipped(number, f"the file cannot be read: {error.strerror}")
        if isinstance(result, NativeTask):
            break
        time.sleep(pause)
    return result


def _last(folder: str) -> int:
    try:
        text = disk.read(os.path.join(folder, _LAST))[:32].decode("ascii", "replace").strip()
    except OSError:
        return 0
    return int(text) if task_files.is_number(text) else 0


def write_folder(
    folder: str, tasks: Sequence[NativeTask], remove: Sequence[str], last: int
) -> None:
    """Put task files in place, each whole, and remove others; the caller holds the lock."""
    for task in tasks:
        # Not synced: what must not be lost is in the list.
        disk.replace_file(os.path.join(folder, f"{task.number}.json"), task_files.write(task))
        with suppress(OSError):  # a long list takes its time: the lock is nobody dead's
            os.utime(os.path.join(folder, _LOCK))
    if remove:
        disk.replace_file(os.path.join(folder, _LAST), str(last).encode())
    for number in remove:
        disk.remove(os.path.join(folder, f"{number}.json"))


@contextmanager
def locked(folder: str) -> Iterator[None]:
    """Keep Claude Code from writing there meanwhile. Raises Busy when it does not let go."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, ".lock"), "ab"):
        pass
    lock = os.path.join(folder, _LOCK)
    deadline = time.monotonic() + _PATIENCE
    while not _take(lock):
        if time.monotonic() > deadline:
            raise Busy(
                "Claude Code is writing to its task list just now",
                hint="run this again in a moment",
            )
        time.sleep(0.05)
    try:
        yield
    finally:
        with suppress(OSError):
            os.rmdir(lock)


def _take(lock: str) -> bool:
    """Make the lock, or clear away a dead one's; whether it is ours now."""
    try:
        os.mkdir(lock)
    except FileExistsError:
        with suppress(OSError):
            if time.time() - os.stat(lock).st_mtime > _STALE:
                os.rmdir(lock)
        return False
    return True


_ATTEMPTS = 5
"""Times that the list may change under an import before what it refuses is an error."""


class Imported(NamedTuple):
    """The outcome of an import; `report` is None when there was nothing to change.

    `links` are all numbers that are known now, `faults` what was not carried over.
    """

    name: str
    report: EditResult | None
    links: Mapping[str, Link]
    faults: tuple[Skipped, ...]

    @property
    def edit(self) -> Edit | None:
        """The changes, if any were made."""
        return self.report.edit if self.report and self.report.edit.made else None


class Exported(NamedTuple):
    """The outcome of an export: numbers of files written and removed, and all links."""

    name: str
    written: tuple[str, ...]
    removed: tuple[str, ...]
    links: Mapping[str, Link]
    faults: tuple[Skipped, ...]


def import_tasks(workspace: Workspace, name: str | None, *, dry_run: bool = False) -> Imported:
    """Take the tasks of a native list into the list at work.

    Raises NotFound when there is no such native list, and what an edit raises.
    """
    env = workspace.environment
    chosen = _source(workspace, name)
    path = path_of(env, chosen)
    contents = read(path)
    imported = merge_tasks(workspace, chosen, contents.tasks, dry_run=dry_run)
    return imported._replace(faults=(*contents.faults, *imported.faults))


def _source(workspace: Workspace, name: str | None) -> str:
    """The native list: as named; of the variable, the session, or the name of our list."""
    env = workspace.environment
    if name is not None:
        path_of(env, name)
        return folder_for(env, [name])
    variables = ("CLAUDE_CODE_TASK_LIST_ID", "CLAUDE_CODE_SESSION_ID")
    names = [value for v in variables if (value := env.get(v))]
    return folder_for(env, [*names, workspace.list_id])


def merge_tasks(
    workspace: Workspace,
    native_list: str,
    natives: Mapping[str, NativeTask],
    *,
    dry_run: bool = False,
) -> Imported:
    """Bring the list in line with these native tasks, as one commit, and record the numbers."""
    snapshot = workspace.snapshot()
    links = find(natives, snapshot, recorded_links.load(workspace, native_list), native_list)
    plan = wanted(natives, snapshot, links, native_list)
    if dry_run:
        passed = admit(snapshot, plan.steps, context(workspace))
        return Imported(native_list, None, plan.links, (*plan.faults, *passed.faults))
    report, refused = apply_steps(workspace, plan.steps)
    recorded_links.save(workspace, native_list, agreed(natives, plan.links, refused))
    return Imported(native_list, report, plan.links, (*plan.faults, *refused))


def apply_steps(
    workspace: Workspace, steps: Sequence[Step]
) -> tuple[EditResult | None, tuple[Skipped, ...]]:
    """Apply what the list lets pass, as one commit; the rest is told."""
    for attempt in range(_ATTEMPTS):
        passed = admit(workspace.snapshot(), steps, context(workspace))
        if not passed.steps:
            return None, passed.faults
        try:
            report = workspace.edit([s.operation for s in passed.steps], parallel=True)
        except Refused:
            if attempt + 1 == _ATTEMPTS:
                raise
            continue  # the list changed meanwhile: what it refuses now is worked out anew
        return report, passed.faults
    raise AssertionError("unreachable")


def context(workspace: Workspace) -> Context:
    """The context in which rules refuse beforehand; any number of tasks in progress."""
    return Context(workspace.now().text, workspace.actor, 0, parallel=True)


def export_tasks(workspace: Workspace, name: str | None, *, dry_run: bool = False) -> Exported:
    """Write the list at work into the folder of a native list. Raises Busy, Usage."""
    env = workspace.environment
    pinned = env.get("CLAUDE_CODE_TASK_LIST_ID") or workspace.list_id
    chosen = pinned if name is None else name
    path = path_of(env, chosen)
    if dry_run:
        return _export(workspace, chosen, path, write=False)
    with locked(path):
        return _export(workspace, chosen, path, write=True)


def _export(workspace: Workspace, chosen: str, path: str, *, write: bool) -> Exported:
    snapshot = workspace.snapshot()
    contents = read(path)
    known = recorded_links.load(workspace, chosen)
    links = find(contents.tasks, snapshot, known, chosen)
    unusable = [int(fault.number) for fault in contents.faults]
    export = files(snapshot, contents.tasks, links, max([contents.last, *unusable, 0]))
    if write:
        write_folder(path, export.write, export.remove, export.last)
        recorded_links.save(workspace, chosen, export.links)
    written = tuple(t.number for t in export.write)
    faults = (*contents.faults, *export.faults)
    return Exported(chosen, written, export.remove, export.links, faults)
