"""Whose repository it is: settled before any file of the repository is believed.

Only the plain yes is decided here: everything that git looks at belongs to the user who runs
this. Every other case is put to git, in that folder and by its own discovery, for with GIT_DIR or
`--git-dir` git checks nothing. Nothing inside a repository can say that it is trusted, so git's
yes is kept in this process alone.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping

from gittasks.errors import NoRepository
from gittasks.store import git
from gittasks.store.discovery import GitDir

_accepted: set[tuple[object, ...]] = set()
"""Repositories that git accepted, with their owners and the environment that it was asked in."""


def check(found: GitDir, start: str, env: Mapping[str, str]) -> None:
    """Raise NoRepository, with git's own words, unless git would work in this repository."""
    explicit = bool(env.get("GIT_DIR"))
    owners = [_owner(path) for path in _judged(found, explicit=explicit)]
    # A bare repository that is merely stood in may be part of somebody's commit.
    implicit_bare = found.work_tree is None and not explicit
    if not implicit_bare and plainly_own(owners, _user(env)):
        return
    question = (found, start, *owners, *sorted(env.items()))
    if question not in _accepted:
        _ask(found, start, env, explicit=explicit)
        _accepted.add(question)


def plainly_own(owners: Iterable[int | None], user: int | None) -> bool:
    """Whether every owner is `user`; None, of either, is what only git can judge."""
    return user is not None and all(owner == user for owner in owners)


def _user(env: Mapping[str, str]) -> int | None:
    """The effective user; None where files have no such owners, or git is to assume another."""
    if env.get("GIT_TEST_ASSUME_DIFFERENT_OWNER") or not hasattr(os, "geteuid"):
        return None
    return os.geteuid()


def _owner(path: str) -> int | None:
    """Who owns what is at `path` itself; None for nothing, and for a link to somewhere else."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return None if stat.S_ISLNK(status.st_mode) else status.st_uid


def _judged(found: GitDir, *, explicit: bool) -> set[str]:
    """What has to be the user's own: a work tree that is only named by a variable has no say."""
    places = {found.path, found.common}
    if found.work_tree is not None and not explicit:
        places |= {found.work_tree, os.path.join(found.work_tree, ".git")}
    return places


def _ask(found: GitDir, start: str, env: Mapping[str, str], *, explicit: bool) -> None:
    """Put the repository to git; raise NoRepository unless it finds and accepts this one."""
    refusal = _refusal(start, env, {found.path, found.common})
    if explicit and refusal:
        # Named from elsewhere: git is asked where each of its folders is found by itself.
        for path in dict.fromkeys((found.path, found.common)):
            folder = os.path.dirname(path) if os.path.basename(path) == ".git" else path
            if refusal := _refusal(folder, env, {path}, "-c", "safe.bareRepository=all"):
                break
    if refusal:
        raise NoRepository(f"git refuses this repository: {refusal}")


def _refusal(
    folder: str, env: Mapping[str, str], wanted: Iterable[str], *options: str
) -> str | None:
    """Why git does not accept the git dirs `wanted` from `folder`; None when it does."""
    local = git.LOCAL_ENV - git.CONFIG_ENV
    discovering = {name: value for name, value in env.items() if name not in local}
    question = [*options, "rev-parse", "--absolute-git-dir", "--git-common-dir"]
    answer = git.run(question, cwd=folder, env=discovering)
    if answer.returncode != 0:
        return git.whole_message(answer.stderr)
    lines = answer.stdout.decode("utf-8", "surrogateescape").splitlines()
    dirs = {os.path.realpath(os.path.join(folder, line)) for line in lines}
    if missing := [path for path in wanted if os.path.realpath(path) not in dirs]:
        return f"from {folder} it finds {' and '.join(sorted(dirs))}, and not {missing[0]}"
    return None
