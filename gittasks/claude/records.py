"""What this machine remembers of the numbers of native lists: a small file for each number.

They are under the common git directory, so all worktrees share them, and one for each number, so
that two sessions never write to the same. Damage reads as absence: then what the tasks themselves
say decides (`links`).
"""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gittasks.claude import native
from gittasks.claude.links import Link
from gittasks.claude.native import NativeTask
from gittasks.core.ids import task_id_fault
from gittasks.store import disk

if TYPE_CHECKING:
    from gittasks.workspace import Workspace

_DAYS = 30
"""Days after which it is forgotten what a session was reminded of."""


def _folder(workspace: Workspace, *parts: str) -> str:
    return os.path.join(workspace.repository.common, "gittasks", "claude", *parts)


def load(workspace: Workspace, native_list: str) -> dict[str, Link]:
    """The links of a native list to the list at work, as they were recorded."""
    folder = _folder(workspace, "numbers", workspace.list_id, native_list)
    try:
        names = sorted((n for n in os.listdir(folder) if native.is_number(n)), key=int)
    except OSError:
        return {}
    found = {n: _link(n, os.path.join(folder, n)) for n in names}
    return {n: link for n, link in found.items() if link}


def _link(number: str, path: str) -> Link | None:
    try:
        found = json.loads(disk.read(path))
        name, base = found["task"], found["base"]
        if not isinstance(name, str) or task_id_fault(name):
            return None
        kept = native.read(number, json.dumps(base).encode()) if base else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return Link(name, kept if isinstance(kept, NativeTask) else None)


def save(workspace: Workspace, native_list: str, links: Mapping[str, Link]) -> None:
    """Record links; one that cannot be written is worked out again the next time."""
    folder = _folder(workspace, "numbers", workspace.list_id, native_list)
    known = load(workspace, native_list)
    for number, link in links.items():
        if known.get(number) == link:
            continue
        base = json.loads(native.write(link.base)) if link.base else None
        data = json.dumps({"task": link.task, "base": base}).encode()
        disk.put(os.path.join(folder, number), data, workspace.repository.shared)


def reminded(workspace: Workspace, session: str, of: str) -> bool:
    """Whether a session was told of just this before; from now on it was."""
    folder = _folder(workspace, "reminded")
    path = os.path.join(folder, f"{zlib.crc32(session.encode()):08x}")
    data = f"{session}\n{of}".encode()
    try:
        if disk.read(path) == data:
            return True
    except OSError:
        _forget_old(folder)
    # Where nothing can be remembered, silence is better than the same words at every turn.
    return not disk.put(path, data, workspace.repository.shared)


def _forget_old(folder: str) -> None:
    try:
        for entry in os.scandir(folder):
            if time.time() - entry.stat().st_mtime > _DAYS * 86400:
                disk.remove(entry.path)
    except OSError:
        return
