"""Folders with repositories in them, made once in a test process and then copied.

A copy is what a made one would be: paths in remotes, worktrees and logs are those of the copy, and
git need not look at a file to know that it is unchanged. Only the cache of settings is left out,
which belongs to one folder and one HOME; the first command makes it anew.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Hashable, Iterator
from functools import cache
from typing import NamedTuple

__all__ = ["SEALED", "copied", "scratch"]

SEALED = ("HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL")
"""Variables that differ from test to test, and say the same in each."""
_MATTERS = ("GIT_", "GITTASKS_", "CLAUDE_", "PATH", "TZ", "LC_")
_SETTINGS = os.path.join("gittasks", "cache", "config")


class _Template(NamedTuple):
    """What was made, and the files in it that name its folder."""

    folder: str
    named: tuple[str, ...]
    trees: tuple[str, ...]


_templates: dict[Hashable, _Template] = {}


def copied(name: Hashable, build: Callable[[str], object], target: str) -> None:
    """Make in `target` what `build` makes in a folder; the same name stands for the same build.

    Where the environment is another than usual, it is made for that one as well.
    """
    key = (name, _environment())
    if key not in _templates:
        folder = scratch()
        build(folder)
        _templates[key] = _examine(folder)
    template = _templates[key]
    shutil.copytree(template.folder, target, symlinks=True, dirs_exist_ok=True)
    for path in template.named:
        with open(os.path.join(target, path), "r+b") as file:
            text = file.read().replace(os.fsencode(template.folder), os.fsencode(target))
            file.seek(0)
            file.truncate()
            file.write(text)
    for tree in template.trees:
        folder = os.path.join(target, tree)
        subprocess.run(["git", "update-index", "-q", "--refresh"], cwd=folder, check=True)


def scratch() -> str:
    """A new folder that goes when this process ends."""
    return tempfile.mkdtemp(dir=_root())


@cache
def _root() -> str:
    """The folder of all templates of this process, which goes when it ends."""
    folder = os.path.realpath(tempfile.mkdtemp(prefix="gittasks-templates-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _environment() -> Hashable:
    """What git and gittasks see of the environment."""
    with open(os.environ["GIT_CONFIG_GLOBAL"], "rb") as file:
        config = file.read()
    names = (name for name in os.environ if name.startswith(_MATTERS) and name not in SEALED)
    return config, tuple(sorted((name, os.environ[name]) for name in names))


def _examine(folder: str) -> _Template:
    named, trees = [], []
    for path in _files(folder):
        if path.endswith(_SETTINGS):
            os.unlink(os.path.join(folder, path))
            continue
        place, name = os.path.split(path)
        if name == ".git" or (name == "HEAD" and os.path.basename(place) == ".git"):
            trees.append(os.path.dirname(path) if name == ".git" else os.path.dirname(place))
        if f"{os.sep}objects{os.sep}" in path and name != "alternates":
            continue  # an object is called by what is in it
        with open(os.path.join(folder, path), "rb") as file:
            if os.fsencode(folder) in file.read():
                named.append(path)
    return _Template(folder, tuple(named), tuple(trees))


def _files(folder: str) -> Iterator[str]:
    for place, _, names in os.walk(folder):
        for name in names:
            if not os.path.islink(os.path.join(place, name)):
                yield os.path.relpath(os.path.join(place, name), folder)
