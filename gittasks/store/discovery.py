"""Find the repository that git itself would find from a folder, without running git."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gittasks.errors import NoRepository, Usage
from gittasks.store import disk


class GitDir(NamedTuple):
    """The place of a repository: the git dir of this worktree, the shared one, the work tree.

    `work_tree` is None in a bare repository. All are absolute paths.
    """

    path: str
    common: str
    work_tree: str | None


def discover(start: str, env: Mapping[str, str]) -> GitDir:
    """Return the repository of folder `start`, a real path (gitrepository-layout, `git help git`).

    Honours GIT_DIR, GIT_COMMON_DIR, GIT_WORK_TREE and GIT_CEILING_DIRECTORIES; follows `.git`
    files of linked worktrees and submodules. Raises NoRepository, or Usage for no folder.
    """
    if not os.path.isdir(start):
        raise Usage(f"no such folder: {start}")
    if variable := env.get("GIT_DIR"):
        path = os.path.normpath(os.path.join(start, variable))
        path = _gitfile_target(path) if os.path.isfile(path) else path
        dirs = _resolve(path, env)
        if dirs is None:
            raise NoRepository(
                f"GIT_DIR is set to {variable}, which is not a git repository",
                hint="unset GIT_DIR, or set it to a repository",
            )
        tree = env.get("GIT_WORK_TREE")
        work_tree = os.path.join(start, tree) if tree else start
        return GitDir(*dirs, os.path.normpath(work_tree))
    for folder in _upwards(start, env):
        dot_git = os.path.join(folder, ".git")
        if os.path.isfile(dot_git):
            dirs = _resolve(_gitfile_target(dot_git), env)
            if dirs is None:
                raise NoRepository(
                    f"{dot_git} points to a git directory that is not there",
                    hint="git worktree repair may mend the link",
                )
            return GitDir(*dirs, folder)
        if dirs := _resolve(dot_git, env):
            return GitDir(*dirs, folder)
        if dirs := _resolve(folder, env):
            return GitDir(*dirs, None)
    raise NoRepository(
        f"not in a git repository: {start}",
        hint="go into one, or make one with: git init",
    )


def _upwards(start: str, env: Mapping[str, str]) -> Iterator[str]:
    """`start` and the folders above it, up to but not into a ceiling directory."""
    entries = env.get("GIT_CEILING_DIRECTORIES", "").split(os.pathsep)
    ceilings = {os.path.realpath(c) for c in entries if os.path.isabs(c)}
    folder = start
    while True:
        yield folder
        above = os.path.dirname(folder)
        if above == folder or os.path.realpath(above) in ceilings:
            return
        folder = above


def _gitfile_target(path: str) -> str:
    try:
        text = os.fsdecode(disk.read(path))
    except OSError as error:
        raise NoRepository(f"cannot read {path}: {error.strerror}") from error
    if not text.startswith("gitdir: "):
        raise NoRepository(f"{path} is not a git link file", hint="git worktree repair may mend it")
    return os.path.normpath(os.path.join(os.path.dirname(path), text[8:].rstrip("\r\n")))


def _resolve(path: str, env: Mapping[str, str]) -> tuple[str, str] | None:
    """(git dir, common dir) if `path` is a git directory, else None."""
    if not os.path.lexists(os.path.join(path, "HEAD")):
        return None
    common = path
    if shared := env.get("GIT_COMMON_DIR"):
        common = os.path.abspath(shared)
    else:
        with contextlib.suppress(OSError):
            text = os.fsdecode(disk.read(os.path.join(path, "commondir")))
            common = os.path.normpath(os.path.join(path, text.rstrip("\r\n")))
    if os.path.isdir(os.path.join(common, "objects")) and os.path.isdir(
        os.path.join(common, "refs")
    ):
        return path, common
    return None


def read_shallow(common: str) -> str:
    """Commits at which a shallow clone ends, one a line; "" for a whole repository."""
    try:
        with open(os.path.join(common, "shallow"), encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
