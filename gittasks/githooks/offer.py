"""The trailer that a commit is offered, and the record by which sh offers it without Python.

The record says for whom it is, which trailer that is, and all that it depends on: the settings, by
their files, and the lists, by their refs. hooks/prepare-commit-msg reads it, and writes one that is
for anybody where nothing is in progress.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from gittasks.core.actors import is_mine
from gittasks.core.trailers import KEY, TaskTrailer
from gittasks.errors import NoList
from gittasks.store import disk
from gittasks.store.repository import Repository
from gittasks.workspace import Workspace

_FORM = 2
_VARIABLES = (
    "GITTASKS_OWNER",
    "GITTASKS_SESSION",
    "CLAUDE_CODE_SESSION_ID",
    "GITTASKS_LIST",
    "CLAUDE_CODE_TASK_LIST_ID",
    "HOME",
    "XDG_CONFIG_HOME",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
    "LOGNAME",
    "USER",
    "USERNAME",
)
"""Variables that decide who acts on which list, in the order of the script."""
_PREFIX = "refs/heads/gittasks/"
"""Where the script looks for lists."""
_TICK = 50_000_000
"""Nanoseconds in which two changes of a file may have the same time."""


def trailer(workspace: Workspace) -> str | None:
    """The trailer of the only task that is in progress for who acts; None for none.

    `gittasks.offerTrailer` false switches that off.
    """
    repository = workspace.repository
    if not repository.config.flag("gittasks.offertrailer", default=True):
        return None
    try:
        snapshot = workspace.snapshot()
    except NoList:
        return None
    mine = [t for t in snapshot.ordered() if is_mine(t, workspace.actor)]
    if len(mine) != 1:
        return None
    several = len(workspace.known_lists()) > 1
    return f"{KEY}: {TaskTrailer(mine[0].id, workspace.list_id if several else None)}"


def record(workspace: Workspace, began: int) -> str | None:
    """Record the trailer for the next commit, and return it; settings were read after `began`."""
    repository = workspace.repository
    refs = list(_refs(repository))  # before the lists: one that moves meanwhile is noticed
    offered = trailer(workspace)
    files = [*repository.config.files, os.path.join(repository.common, "packed-refs")]
    lines = [str(_FORM), _whom(repository), offered or ""]
    lines += [f"{'file' if os.path.exists(path) else 'absent'} {path}" for path in files] + refs
    is_legible = _is_legible(repository, lines)
    if is_legible:
        data = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
        disk.put(_path(repository), data, repository.shared)
    # Looked at last: what changes after this is newer than the record.
    if not is_legible or any(_changed(path) >= began - _TICK for path in files):
        disk.remove(_path(repository))
    return offered


def _is_legible(repository: Repository, lines: Iterable[str]) -> bool:
    """True where sh can read the lines, and all that they are about."""
    if repository.prefix != _PREFIX or repository.config.get("extensions.refstorage") == "reftable":
        return False
    if repository.env.get("GIT_CONFIG_COUNT"):  # settings in variables of any number
        return False
    return all(line == line.strip() and "\n" not in line for line in lines)


def _refs(repository: Repository) -> Iterator[str]:
    """A line for each branch of a list, here and as fetched."""
    refs = {repository.ref(list_id): tip for list_id, tip in repository.local_lists().items()}
    for remote, lists in repository.tracked_lists().items():
        refs |= {repository.tracking_ref(remote, list_id): tip for list_id, tip in lists.items()}
    for ref, tip in refs.items():
        is_loose = os.path.lexists(os.path.join(repository.common, ref))
        yield f"{'loose' if is_loose else 'packed'} {tip} {ref}"


def _whom(repository: Repository) -> str:
    """The person or agent that commits, the branch, and the list that was chosen, in a line."""
    values = [repository.env.get(name, "") for name in _VARIABLES]
    for name, count in (("HEAD", 1), ("gittasks-list", 2)):
        lines = _text(os.path.join(repository.found.path, name)).split("\n")
        values += (lines + [""] * count)[:count]
    return "|".join(values)


def _text(path: str) -> str:
    try:
        return disk.read(path).decode("utf-8", "surrogateescape")
    except OSError:
        return ""


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def _path(repository: Repository) -> str:
    """A record for each work tree."""
    path = os.path.join(repository.common, "gittasks", "offer")
    found = repository.found
    return path if found.path == found.common else f"{path}-{os.path.basename(found.path)}"
