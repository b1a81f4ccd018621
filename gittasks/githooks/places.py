"""Where hooks can be put here: git's own folder, git's configuration, or a file that somebody
else looks after, for which there are only words to say."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from gittasks.githooks.running import NAMES
from gittasks.store import git
from gittasks.store.repository import Repository

_CONFIGURED = (2, 54)
"""The first git that runs hooks from its configuration (git-hook)."""

_OFF = "core.hooksPath (no folder)"
"""The manager where git is told to look for hooks where none can be: people switch them off so."""


class Place(NamedTuple):
    """`folder`: scripts go there. Otherwise `manager` says who looks after the hooks, and
    `configured` whether git's configuration can hold ours beside that."""

    folder: str
    manager: str | None = None
    configured: bool = False


def find(repository: Repository) -> Place:
    """Where the hooks of this repository belong."""
    folder = _hooks_folder(repository)
    manager = _manager(repository, folder)
    return Place(folder, manager, bool(manager) and _version(repository) >= _CONFIGURED)


def _hooks_folder(repository: Repository) -> str:
    """The folder that git looks for hooks in, core.hooksPath and worktrees considered."""
    if repository.config.get("core.hookspath") == "":
        return os.devnull
    answer = _ask(repository, "rev-parse", "--git-path", "hooks")
    return os.path.normpath(os.path.join(repository.start, answer))


def _manager(repository: Repository, folder: str) -> str | None:
    """Who looks after the hooks, when it is not git alone."""
    tree = repository.found.work_tree
    if os.path.exists(folder) and not os.path.isdir(folder):
        return _OFF
    own = os.path.realpath(folder).startswith(os.path.realpath(repository.common) + os.sep)
    if os.path.basename(folder.removesuffix(f"{os.sep}_")) == ".husky":
        return "husky"
    for name in NAMES:
        if _says(os.path.join(folder, name), b"lefthook"):
            return "lefthook"
    if own:
        return None
    if tree and os.path.realpath(folder).startswith(os.path.realpath(tree) + os.sep):
        return f"core.hooksPath ({os.path.relpath(folder, tree)}, a part of the work tree)"
    scope = _ask(repository, "config", "--show-scope", "--get", "core.hooksPath").split()[:1]
    if scope in (["local"], ["worktree"]):
        return None
    return f"core.hooksPath ({folder}, for more repositories than this one)"


def _says(path: str, word: bytes) -> bool:
    try:
        with open(path, "rb") as file:
            return word in file.read(65536).lower()
    except OSError:
        return False


def is_of_pre_commit(path: str) -> bool:
    """Whether a hook is the pre-commit framework's, which runs `<name>.legacy` beside it."""
    return _says(path, b"pre-commit.com") or _says(path, b"pre_commit")


def by_hand(place: Place, tree: str) -> dict[str, str]:
    """For each hook the file that a person keeps, and whether it calls gittasks: '' if not."""
    files = {}
    for name in NAMES:
        if place.manager == "husky":
            path = os.path.join(place.folder.removesuffix(f"{os.sep}_"), name)
        elif place.manager == "lefthook":
            names = ("lefthook.yml", ".lefthook.yml", "lefthook.yaml", "lefthook-local.yml")
            there = (os.path.join(tree, n) for n in names)
            path = next((p for p in there if os.path.exists(p)), os.path.join(tree, names[0]))
        else:
            path = os.path.join(place.folder, name)
        files[name] = path if _says(path, f"gittasks hook {name}".encode()) else ""
    return files


def words(place: Place) -> list[str]:
    """What a person has to add, when we cannot."""
    if place.manager == _OFF:
        return [
            "git runs no hooks here, for core.hooksPath names no folder",
            "see where that is set with: git config --show-origin core.hooksPath",
            "take it out, then: gittasks hooks install",
        ]
    if place.manager == "lefthook":
        lines = ["lefthook looks after the hooks here; add to lefthook.yml, then: lefthook install"]
        for name in NAMES:
            stdin = ["      use_stdin: true"] if name in ("post-rewrite", "pre-push") else []
            lines += [f"  {name}:", "    commands:", "      gittasks:"]
            lines += [f"        run: {_line(name, '{0}')}", *(f"  {s}" for s in stdin)]
        return lines
    where = ".husky/NAME" if place.manager == "husky" else os.path.join(place.folder, "NAME")
    lines = [f"{place.manager} looks after the hooks here; add one line to each file {where}:"]
    lines += [f"  {name}: {_line(name, chr(34) + '$@' + chr(34))}" for name in NAMES]
    return lines


def _line(name: str, args: str) -> str:
    """A hook's call; only a refusal by gittasks.strictTrailers may stop a commit."""
    end = "[ $? -ne 5 ]" if name == "commit-msg" else "true"
    return f"gittasks hook {name} {args} || {end}"


def _version(repository: Repository) -> tuple[int, ...]:
    found = re.search(r"(\d+)\.(\d+)", _ask(repository, "version"))
    return tuple(map(int, found.groups())) if found else (0, 0)


def _ask(repository: Repository, *args: str) -> str:
    answer = git.run(args, cwd=repository.start, env=repository.env)
    return answer.stdout.decode("utf-8", "surrogateescape").strip()
