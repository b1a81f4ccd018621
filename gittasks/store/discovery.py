"""The repository that git itself would find from a folder, and whether its owner is to be trusted.

It is found without running git. The ownership rule is settled before any file of the repository
is believed. Only the plain yes is decided here: everything that git looks at belongs to the user
who runs this. Every other case is put to git, in that folder and by its own discovery, for with
GIT_DIR or `--git-dir` git checks nothing. Nothing inside a repository can say that it is trusted,
so git's yes is kept in this process alone.
"""

from __future__ import annotations

import os
import stat

from gittasks import store
from gittasks.errors import NoRepository, Untrusted, Usage
from gittasks.light import TYPE_CHECKING, NamedTuple, suppress
from gittasks.store import disk

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence


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
                    hint="git worktree repair may fix the link",
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
        raise NoRepository(f"{path} is not a git link file", hint="git worktree repair may fix it")
    return os.path.normpath(os.path.join(os.path.dirname(path), text[8:].rstrip("\r\n")))


def _resolve(path: str, env: Mapping[str, str]) -> tuple[str, str] | None:
    """(git dir, common dir) if `path` is a git directory, else None."""
    if not os.path.lexists(os.path.join(path, "HEAD")):
        return None
    common = path
    if shared := env.get("GIT_COMMON_DIR"):
        common = os.path.abspath(shared)
    else:
        with suppress(OSError):
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


_BARE_TOO = ("-c", "safe.bareRepository=all")
_accepted: set[tuple[object, ...]] = set()
"""What git accepted: the places, their owners, and the environment that it was asked in."""


def check_trust(found: GitDir, start: str, env: Mapping[str, str]) -> None:
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


def check_worktree_trust(git_dir: str, folder: str, env: Mapping[str, str]) -> None:
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
    answer = store.git.run(question, cwd=folder, env=store.git.searching(env))
    if answer.returncode != 0:
        return store.git.whole_message(answer.stderr)
    lines = answer.stdout.decode("utf-8", "surrogateescape").splitlines()
    git_dirs = {os.path.realpath(os.path.join(folder, line)) for line in lines}
    if missing := [path for path in dirs if os.path.realpath(path) not in git_dirs]:
        return f"from {folder} it finds {' and '.join(sorted(git_dirs))}, and not {missing[0]}"
    return None
