"""Worktrees that have a list's branch checked out.

Moving a branch under a worktree makes the next `git commit -a` there take everybody's work
back. So a clean one is brought along, as receive.denyCurrentBranch=updateInstead does, and a
dirty one stops the write before anything moved.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from gittasks.errors import Refused
from gittasks.store import git
from gittasks.store.repository import Repository, head_ref

_LAG = 3
"""How many commits a checkout may lag behind its branch (a writer was killed) and be mended."""


class Checkout(NamedTuple):
    """A worktree on the list's branch, and the commit that its index and files equal."""

    folder: str
    base: str


def find_clean(repository: Repository, ref: str, commit: str) -> list[Checkout]:
    """Worktrees on `ref` (now at `commit`), all proven clean; Refused names a dirty one."""
    env = git.unbound(repository.env)
    found = []
    for folder in _folders(repository, ref):
        base = _clean_base(folder, commit, env)
        if base is None:
            raise Refused(
                "checked-out",
                f"the list's branch is checked out in {folder}, with uncommitted changes",
                hint="commit or undo them there, or switch that worktree to another branch",
            )
        found.append(Checkout(folder, base))
    return found


def check_movable(repository: Repository, checkouts: list[Checkout], new: str) -> None:
    """Refuse when a checkout could not take commit `new` (an untracked file is in its way)."""
    env = git.unbound(repository.env)
    for checkout in checkouts:
        args = ["read-tree", "-n", "-m", "-u", checkout.base, new]
        answer = git.run(args, cwd=checkout.folder, env=env)
        if answer.returncode != 0:
            raise Refused(
                "checked-out",
                f"the list's branch is checked out in {checkout.folder}, which cannot be updated: "
                f"{git.first_line(answer.stderr)}",
                hint="move that file away, or switch that worktree to another branch",
            )


def bring_along(repository: Repository, checkouts: list[Checkout], new: str) -> None:
    """Set index and files of the checkouts to commit `new`."""
    env = git.unbound(repository.env)
    for checkout in checkouts:
        git.run(["read-tree", "-m", "-u", checkout.base, new], cwd=checkout.folder, env=env)


def _folders(repository: Repository, ref: str) -> list[str]:
    found = []
    if head_ref(repository.common) == ref and (main := _main_folder(repository)):
        found.append(main)
    linked = os.path.join(repository.common, "worktrees")
    for name in sorted(os.listdir(linked)) if os.path.isdir(linked) else ():
        git_dir = os.path.join(linked, name)
        if head_ref(git_dir) != ref:
            continue
        try:
            with open(os.path.join(git_dir, "gitdir"), encoding="utf-8") as file:
                folder = os.path.dirname(os.path.join(git_dir, file.read().strip()))
        except OSError:
            continue
        if os.path.isdir(folder):
            found.append(folder)
    return found


def _main_folder(repository: Repository) -> str | None:
    """Work tree of the main checkout, None when the repository is bare."""
    if repository.config.flag("core.bare"):
        return None
    if configured := repository.config.get("core.worktree"):
        return os.path.normpath(os.path.join(repository.common, configured))
    return os.path.dirname(repository.common)


def _clean_base(folder: str, commit: str, env: Mapping[str, str]) -> str | None:
    """The commit that a worktree equals: `commit` or a near ancestor; None when it is dirty."""
    git.run(["update-index", "-q", "--refresh"], cwd=folder, env=env)
    if git.run(["diff-files", "--quiet"], cwd=folder, env=env).returncode != 0:
        return None
    for back in range(_LAG + 1):
        base = f"{commit}~{back}"
        answer = git.run(["diff-index", "--quiet", "--cached", base, "--"], cwd=folder, env=env)
        if answer.returncode == 0:
            return base
        if answer.returncode != 1:
            return None
    return None
