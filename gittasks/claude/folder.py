"""The folder of a native list: `~/.claude/tasks/<list>/`, read and written under its lock.

Claude Code takes that lock by making the folder `.lock.lock` beside the empty file `.lock`, and
holds one that was not touched for some seconds to be a dead one's (as npm's proper-lockfile).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from gittasks.claude import native
from gittasks.claude.native import Fault, NativeTask
from gittasks.core.ids import list_id_fault
from gittasks.errors import Busy, InvalidData, NotFound, Usage
from gittasks.store import disk

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
    """What a folder holds: the tasks by number, the files that cannot be used, the last number."""

    tasks: Mapping[str, NativeTask]
    faults: tuple[Fault, ...]
    last: int


def config_root(env: Mapping[str, str]) -> str:
    """Claude Code's own folder: `CLAUDE_CONFIG_DIR`, else `~/.claude`."""
    home = env.get("HOME") or os.path.expanduser("~")
    return os.path.abspath(env.get("CLAUDE_CONFIG_DIR") or os.path.join(home, ".claude"))


def path_of(env: Mapping[str, str], name: str) -> str:
    """Folder of the native list `name`; Usage when that is no name of a list."""
    if fault := list_id_fault(name):
        raise Usage(f'"{name}" is no name of a list of Claude Code: {fault}')
    return os.path.join(config_root(env), "tasks", name)


def named(env: Mapping[str, str], names: Sequence[str]) -> str:
    """The first of these native lists that has a folder; NotFound tells which lists there are."""
    for name in names:
        if name and list_id_fault(name) is None and os.path.isdir(path_of(env, name)):
            return name
    there = existing(env)
    shown = ", ".join(there[:_SHOWN]) + (" …" if len(there) > _SHOWN else "")
    wanted = names[0] if names else "none was named"
    raise NotFound(
        f'Claude Code has no task list "{wanted}" here',
        hint=f"name one of: {shown}"
        if there
        else "it keeps one once a session made a task with its own tools",
        details={"candidates": there},
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
    faults: list[Fault] = []
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        names = []
    except OSError as error:
        raise InvalidData(f"cannot read {folder}: {error.strerror}") from error
    found = [n.removesuffix(".json") for n in names if n.endswith(".json")]
    found = sorted((n for n in found if native.is_number(n)), key=int)
    for number in found[:_MOST]:
        one = read_one(folder, number)
        if isinstance(one, NativeTask):
            tasks.append(one)
        elif one is not None:
            faults.append(one)
    faults += [Fault(n, f"is beyond the first {_MOST} files") for n in found[_MOST:]]
    return Contents(native.joined(tasks), tuple(faults), _last(folder))


def read_one(folder: str, number: str) -> NativeTask | Fault | None:
    """One task file; None when it is not there."""
    path = os.path.join(folder, f"{number}.json")
    made: NativeTask | Fault | None = None
    for pause in (0.05, 0.0):  # the writer may be in the middle of it
        try:
            if os.path.getsize(path) > native.SIZE_LIMIT:
                return Fault(number, f"the file has more than {native.SIZE_LIMIT} bytes")
            made = native.read(number, disk.read(path))
        except FileNotFoundError:
            return None
        except OSError as error:
            made = Fault(number, f"the file cannot be read: {error.strerror}")
        if isinstance(made, NativeTask):
            break
        time.sleep(pause)
    return made


def _last(folder: str) -> int:
    try:
        text = disk.read(os.path.join(folder, _LAST))[:32].decode("ascii", "replace").strip()
    except OSError:
        return 0
    return int(text) if native.is_number(text) else 0


def write(folder: str, tasks: Sequence[NativeTask], remove: Sequence[str], last: int) -> None:
    """Put task files in place, each whole, and remove others; the caller holds the lock."""
    for task in tasks:
        # Not synced: what must not be lost is in the list.
        disk.replace_file(os.path.join(folder, f"{task.number}.json"), native.write(task))
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
