"""Objects that git removes beside a write: those that no ref named when it began to look."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import pytest

from gittasks.cli.main import run
from support.faults import CASES, Fault, Run, attempt, injected, parts_done, perform, prepared
from support.repositories import Repo


def loose(repo: Repo) -> Iterator[str]:
    """The paths of all loose objects, and of what is about to become one."""
    folder = os.path.join(repo.git_dir, "objects")
    for name in os.listdir(folder):
        if len(name) == 2:
            yield from (
                os.path.join(folder, name, n) for n in os.listdir(os.path.join(folder, name))
            )


def object_id(path: str) -> str:
    """The id of the loose object that a path belongs to."""
    return os.path.basename(os.path.dirname(path)) + os.path.basename(path)


def reachable(repo: Repo) -> frozenset[str]:
    """The objects that refs name now."""
    return frozenset(repo.git("rev-list", "--objects", "--no-object-names", "--all").split())


def prune(repo: Repo, known: frozenset[str]) -> None:
    """Go on as a `git prune --expire=now` that had found out what is reachable.

    What git itself has fetched meanwhile is left, which is not ours to keep.
    """
    hub = os.path.join(os.path.dirname(repo.path), "hub.git")
    for path in loose(repo):
        if object_id(path) not in known and not _holds(hub, object_id(path)):
            os.unlink(path)


class EmptyFolders:
    """git as it removes folders of objects, refs and reflogs that are empty; each some times."""

    def __init__(self, repo: Repo, times: int) -> None:
        self.removed: Counter[str] = Counter()
        self._roots = [
            os.path.join(repo.git_dir, *path)
            for path in (["objects"], ["refs", "heads"], ["refs", "gittasks"], ["logs"])
        ]
        self._times = times

    def __call__(self) -> None:
        for root in self._roots:
            for folder, _, files in os.walk(root, topdown=False):
                if files or folder == root or self.removed[folder] == self._times:
                    continue
                with contextlib.suppress(OSError):  # it has folders
                    os.rmdir(folder)
                    self.removed[folder] += 1


def pack_new(repo: Repo, known: frozenset[str]) -> int:
    """Pack the loose objects that are not known, as `git maintenance` does; how many."""
    paths = [p for p in loose(repo) if object_id(p) not in known and "tmp_obj" not in p]
    if paths:
        names = "\n".join(map(object_id, paths))
        repo.git("pack-objects", "-q", ".git/objects/pack/pack", stdin=names)
        repo.git("prune-packed", "-q")
    return len(paths)


def _holds(hub: str, name: str) -> bool:
    return os.path.exists(os.path.join(hub, "objects", name[:2], name[2:]))


def survive_prunes(
    folder: str,
    name: str,
    chosen: Callable[[int], Iterable[int]],
    capsys: pytest.CaptureFixture[str],
) -> int:
    """Prune before the calls that are chosen of a number of them, each apart; how many hit.

    What is said is true, what was acknowledged stays, and the next command mends what is left.
    """
    case = CASES[name]
    whole = attempt(os.path.join(folder, "whole"), case, Fault(0, 0), capsys)
    hits = 0
    for number in chosen(whole.calls.count):
        place = os.path.join(folder, str(number))
        repo = prepared(place, case)
        known = reachable(repo)
        fault = Fault(number, 0, beside=functools.partial(prune, repo, known))
        with injected(repo.path, fault) as calls:
            code = perform(repo, case)
        said = capsys.readouterr().err
        prune_late = number > whole.calls.count
        if prune_late:
            prune(repo, known)
        hits += bool(calls.place) or prune_late
        with contextlib.chdir(repo.path):
            story = f"{name}, before call {number}: exit {code}\n{said}{calls.place}"
            assert run(["-l", "plan", "note", "b", "afterwards"]) == 0, (
                story + capsys.readouterr().err
            )
            if name == "init":  # of another list, at which nobody has looked since
                run(["doctor"])
        if case.shared and code == 7:  # git did not find what it was to push
            assert "nothing was changed" in said or "your work is safe" in said, story
        else:
            parts = parts_done(repo, case)
            Run(fault, code, said, parts, calls, case.silent).judge()
            assert code == 0, story
        repo.fsck()
        shutil.rmtree(place)
    return hits
