"""The gits of the suite: the machine's own, and one that knows reftables (2.45 or newer).

The second is the machine's where that is new enough, else the one that `make` puts beside the
virtual environment. It comes without templates and without the shell library of the machine's,
which the helpers that are scripts need; here the two are put together.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache

import pytest

from support.templates import scratch

__all__ = [
    "FORMATS",
    "OWN_PATH",
    "chosen",
    "files_only",
    "has_ref_files",
    "is_new",
    "new_git",
    "of_format",
    "old_git",
]

FORMATS = [f"{hash_}-{refs}" for hash_ in ("sha1", "sha256") for refs in ("files", "reftable")]
"""The formats of repositories, as the tests name them."""
_NEW = os.path.join(os.path.dirname(os.path.dirname(sys.executable)), "new-git")
_WITH_REFTABLES = (2, 45)
OWN_PATH = os.environ["PATH"]
"""The path of the machine's git."""
_LIBRARY = ("git-sh-setup", "git-sh-i18n", "git-sh-i18n--envsubst")


def has_ref_files(git_dir: str) -> bool:
    """Are the refs of a repository files?"""
    return not os.path.isdir(os.path.join(git_dir, "reftable"))


_CHOSEN, _GIT = os.environ.get("TESTS_FORMAT", ""), os.environ.get("TESTS_GIT", "")
files_only = pytest.mark.skipif("reftable" in _CHOSEN, reason="it is about refs that are files")
"""A test of what only refs in files have: locks of one ref, damaged or packed files."""


def chosen() -> dict[str, str]:
    """The variables for the format and the git that all tests are to run in.

    `make deep` sets TESTS_FORMAT, one of `FORMATS`, and TESTS_GIT, which may be `new`.
    """
    git = new_git() if _GIT == "new" else {}
    return {**git, **(of_format(_CHOSEN) if _CHOSEN else {})}


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
    if is_new():
        return {}
    if not os.path.exists(os.path.join(_NEW, ".installed")):
        pytest.skip(
            "no git that knows reftables in .venv/new-git, so they are NOT tested: "
            "make .venv/new-git/.installed"
        )
    path = f"{os.path.join(_NEW, 'bin')}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "GIT_EXEC_PATH": _programs(), "GIT_TEMPLATE_DIR": _template()}


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
def _programs() -> str:
    """A folder of the programs that the new git calls, and the shell library that they need."""
    folder = scratch()
    theirs = os.path.join(_NEW, "libexec", "git-core")
    asked = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True)
    own = asked.stdout.strip()
    sources = dict.fromkeys(os.listdir(theirs), theirs)
    sources |= {name: own for name in _LIBRARY if os.path.exists(os.path.join(own, name))}
    for name, source in sources.items():
        os.symlink(os.path.join(source, name), os.path.join(folder, name))
    return folder
