"""The gits of the suite: the machine's own, a new one that knows reftables, and the newest.

Either of the others is the machine's where that is new enough, else one that `make` puts beside
the virtual environment: the new one from a package (2.45 or newer), which has no http and lacks
the shell library that its scripts need, and the newest from Debian (2.54 or newer), which has all.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from functools import cache

import pytest

from support.templates import scratch

__all__ = [
    "FORMATS",
    "OWN_PATH",
    "beside_refs",
    "chosen",
    "files_only",
    "has_configured_hooks",
    "has_http",
    "has_ref_files",
    "is_new",
    "new_git",
    "newest_git",
    "of_format",
    "old_git",
]

FORMATS = [f"{hash_}-{refs}" for hash_ in ("sha1", "sha256") for refs in ("files", "reftable")]
"""The formats of repositories, as the tests name them."""
_VENV = os.path.dirname(os.path.dirname(sys.executable))
_WITH_REFTABLES = (2, 45)
_WITH_CONFIGURED_HOOKS = (2, 54)
OWN_PATH = os.environ["PATH"]
"""The path of the machine's git."""
_LIBRARY = ("git-sh-setup", "git-sh-i18n", "git-sh-i18n--envsubst")


def has_ref_files(git_dir: str) -> bool:
    """Are the refs of a repository files?"""
    return not os.path.isdir(os.path.join(git_dir, "reftable"))


_OF_REFS = frozenset({"for-each-ref", "update-ref"})
"""The commands of git that read and move refs for us where these are in a reftable."""


def beside_refs(git_dir: str, lines: Iterable[str]) -> list[str]:
    """The command lines of git but for those that a reftable costs on top of them."""
    if has_ref_files(git_dir):
        return [*lines]
    return [line for line in lines if _OF_REFS.isdisjoint(line.split())]


_CHOSEN, _GIT = os.environ.get("TESTS_FORMAT", ""), os.environ.get("TESTS_GIT", "")
files_only = pytest.mark.skipif("reftable" in _CHOSEN, reason="it is about refs that are files")
"""A test of what only refs in files have: locks of one ref, damaged or packed files."""


def chosen() -> dict[str, str]:
    """The variables for the format and the git that all tests are to run in.

    `make deep` sets TESTS_FORMAT, one of `FORMATS`, and TESTS_GIT, `new` or `newest`.
    """
    git = {"new": new_git, "newest": newest_git}[_GIT]() if _GIT else {}
    return {**(of_format(_CHOSEN) if _CHOSEN else {}), **git}


@cache
def version(path: str) -> tuple[int, ...]:
    """The version of the git that a PATH leads to."""
    env = {**os.environ, "PATH": path}
    words = subprocess.run(
        ["git", "--version"], env=env, capture_output=True, text=True, check=True
    )
    return tuple(map(int, re.findall(r"\d+", words.stdout)[:2]))


def is_new(path: str | None = None) -> bool:
    """True when the git on PATH, or on another path, knows reftables."""
    return version(path or os.environ["PATH"]) >= _WITH_REFTABLES


def has_configured_hooks() -> bool:
    """True when the git on PATH runs hooks that its configuration holds."""
    return version(os.environ["PATH"]) >= _WITH_CONFIGURED_HOOKS


def has_http() -> bool:
    """True when the git on PATH has the helper for http, which is a package of its own."""
    words = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True)
    return os.path.exists(os.path.join(words.stdout.strip(), "git-remote-http"))


def old_git() -> None:
    """Skip a test of how a git without reftables meets one where the machine has no such git."""
    if is_new():
        pytest.skip(
            "the machine's git knows reftables, so that an older one refuses them is NOT tested"
        )


def new_git() -> dict[str, str]:
    """The variables with which `git` is one that knows reftables; without one the test is skipped.

    The reason says so: `make test` lists it, and nothing of reftables is tested then.
    """
    return _beside("new-git", _WITH_REFTABLES, "git that knows reftables, so they are")


def newest_git() -> dict[str, str]:
    """The same for one that has http as well, and runs hooks that its configuration holds."""
    return _beside(
        "newest-git", _WITH_CONFIGURED_HOOKS, "git of 2.54 or newer, so what only that has is"
    )


def _beside(name: str, least: tuple[int, int], words: str) -> dict[str, str]:
    if version(os.environ["PATH"]) >= least:
        return {}
    root = os.path.join(_VENV, name)
    if not os.path.exists(os.path.join(root, ".installed")):
        pytest.skip(f"no {words} NOT tested: make .venv/{name}/.installed")
    path = f"{os.path.join(root, 'bin')}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "GIT_EXEC_PATH": _programs(root), "GIT_TEMPLATE_DIR": _template()}


def of_format(form: str) -> dict[str, str]:
    """The variables with which `git init` and `git clone` make repositories of a format."""
    hash_, refs = form.split("-")
    chosen = {"GIT_DEFAULT_HASH": hash_, "GIT_DEFAULT_REF_FORMAT": refs}
    return {**new_git(), **chosen} if refs == "reftable" else chosen


@cache
def _template() -> str:
    """The folders that a new repository has from git's own template."""
    folder = scratch()
    for name in ("hooks", "info"):
        os.mkdir(os.path.join(folder, name))
    return folder


@cache
def _programs(root: str) -> str:
    """A folder of the programs that a git calls, and the shell library that they need."""
    folder = scratch()
    theirs = os.path.join(root, "libexec", "git-core")
    env = {**os.environ, "PATH": OWN_PATH}
    env.pop("GIT_EXEC_PATH", None)
    asked = subprocess.run(
        ["git", "--exec-path"], env=env, capture_output=True, text=True, check=True
    )
    own = asked.stdout.strip()
    sources = {name: own for name in _LIBRARY if os.path.exists(os.path.join(own, name))}
    sources |= dict.fromkeys(os.listdir(theirs), theirs)
    for name, source in sources.items():
        os.symlink(os.path.join(source, name), os.path.join(folder, name))
    return folder
