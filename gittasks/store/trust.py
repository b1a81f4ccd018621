"""The ownership rule: settled before any file of the repository is believed.

Only the plain yes is decided here: everything that git looks at belongs to the user who runs
this. Every other case is put to git, in that folder and by its own discovery, for with GIT_DIR or
`--git-dir` git checks nothing. Nothing inside a repository can say that it is trusted, so git's
yes is kept in this process alone.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Mapping, Sequence

from gittasks.errors import Untrusted
from gittasks.store import git
from gittasks.store.discovery import GitDir

_BARE_TOO = ("-c", "safe.bareRepository=all")
_accepted: set[tuple[object, ...]] = set()
"""What git accepted: the places, their owners, and the environment that it was asked in."""


def check(found: GitDir, start: str, env: Mapping[str, str]) -> None:
    """Raise Untrusted, with git's own words, unless git would work in this repository.

    A repository that GIT_DIR names is no exception, although it is one for git.
    """
    by_variable = bool(env.get("GIT_DIR"))
    dirs = (found.path, found.common)
    if by_variable:
        _settle(dirs, start, env, dirs, by_variable=True)
    elif found.work_tree is None:  # may be a part of somebody's commit: git knows what is wanted
        _settle((), start, env, dirs)
    else:
        link = os.path.join(found.work_tree, ".git")
        _settle((found.work_tree, link, *dirs), start, env, dirs)


def check_worktree(git_dir: str, folder: str, env: Mapping[str, str]) -> None:
    """Raise Untrusted unless git would work in `folder`, another worktree of the repository."""
    _settle((git_dir, folder), folder, env, (git_dir,))


def plainly_own(owners: Collection[int | None], user: int | None) -> bool:
    """Tell if all these owners are `user`; None, of either, is what only git can judge."""
    return bool(owners) and user is not None and all(owner == user for owner in owners)


def _settle(
    judged: Sequence[str],
    start: str,
    env: Mapping[str, str],
    dirs: Sequence[str],
    *,
    by_variable: bool = False,
) -> None:
    """Return if all that is `judged` is the user's own, or git works with `dirs` from `start`."""
    owners = [_owner(path) for path in judged]
    if plainly_own(owners, _user(env)):
        return
    question = (start, *dirs, *owners, *sorted(env.items()))
    if question in _accepted:
        return
    refusal = _refusal(start, env, dirs)
    if (
        refusal and by_variable
    ):  # from elsewhere: each is looked at from where git finds it by itself
        refusals = (_refusal(_home(path), env, (path,), *_BARE_TOO) for path in dict.fromkeys(dirs))
        refusal = next(filter(None, refusals), None)
    if refusal:
        raise Untrusted(f"git refuses this repository: {refusal}")
    _accepted.add(question)


def _user(env: Mapping[str, str]) -> int | None:
    """The effective user; None where files have no such owners, or git is to assume another."""
    if env.get("GIT_TEST_ASSUME_DIFFERENT_OWNER") or not hasattr(os, "geteuid"):
        return None
    return os.geteuid()


def _owner(path: str) -> int | None:
    """Owner of `path` itself; None for nothing there, and for a link to somewhere else."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return None if stat.S_ISLNK(status.st_mode) else status.st_uid


def _home(git_dir: str) -> str:
    """The folder from which git finds a git dir."""
    above, name = os.path.split(git_dir)
    return above if name == ".git" else git_dir


def _refusal(folder: str, env: Mapping[str, str], dirs: Sequence[str], *options: str) -> str | None:
    """Reason why git does not work with the git dirs `dirs` from `folder`; None when it does."""
    question = [*options, "rev-parse", "--absolute-git-dir", "--git-common-dir"]
    answer = git.run(question, cwd=folder, env=git.searching(env))
    if answer.returncode != 0:
        return git.whole_message(answer.stderr)
    lines = answer.stdout.decode("utf-8", "surrogateescape").splitlines()
    git_dirs = {os.path.realpath(os.path.join(folder, line)) for line in lines}
    if missing := [path for path in dirs if os.path.realpath(path) not in git_dirs]:
        return f"from {folder} it finds {' and '.join(sorted(git_dirs))}, and not {missing[0]}"
    return None
