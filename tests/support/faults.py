"""Errors of the system at the n-th call that touches a repository, and the law they must keep.

Exit 0 or "done, but" if and only if what was asked is in the history; no refusal of what is done.
"""

from __future__ import annotations

import builtins
import contextlib
import fcntl
import os
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gittasks.cli.main import run
from gittasks.core.model import Status
from gittasks.workspace import Workspace
from support.clones import on_hub, share
from support.repositories import Repo

_BY_PATH = ("open", "replace", "rename", "unlink", "mkdir", "rmdir", "utime", "stat", "listdir")
_BY_HANDLE = ("write", "fsync", "fstat", "ftruncate", "pwrite", "pread", "close")


class Fault(NamedTuple):
    """The n-th call fails with an error, or is done and its answer `lost`."""

    number: int
    errno: int
    lost: bool = False


class Calls:
    """Calls that touched the folder so far, and the stack of the one that failed."""

    def __init__(self) -> None:
        self.count = 0
        self.place = ""


@contextlib.contextmanager
def injected(folder: str, fault: Fault) -> Iterator[Calls]:
    """Let the n-th call that touches a path below `folder`, or a handle of one, fail."""
    calls, handles, root = Calls(), dict[int, tuple[int, int]](), os.path.realpath(folder)

    def strike(call: Callable[..., Any], path: object, *args: Any, **named: Any) -> Any:
        calls.count += 1
        if calls.count != fault.number:
            return call(*args, **named)
        calls.place = "".join(traceback.format_stack(limit=7)[:-2])
        if fault.lost:
            value = call(*args, **named)
            if call is real_open:
                real_close(value)
            elif call is real_builtin:
                value.close()
        raise OSError(
            fault.errno, os.strerror(fault.errno), path if isinstance(path, str) else None
        )

    def identity(handle: Any) -> tuple[int, int]:
        try:
            status = real_fstat(handle)
        except OSError:
            return (-1, -1)
        return status.st_dev, status.st_ino

    def known(handle: Any) -> bool:
        """Whether it still is of the file that was opened: a file object closes it unseen, and a
        pipe to git may have its number then, whose close must not fail."""
        return handle in handles and handles[handle] == identity(handle)

    def inside(path: object) -> bool:
        if not isinstance(path, (str, os.PathLike)):
            return False
        return os.path.abspath(os.fspath(path)).startswith(root)

    def by_path(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(path: Any, *args: Any, **named: Any) -> Any:
            if isinstance(path, int) and known(path):
                return strike(call, None, path, *args, **named)
            if not inside(path):
                return call(path, *args, **named)
            value = strike(call, path, path, *args, **named)
            if call is real_open:
                handles[value] = identity(value)
            return value

        return wrapped

    def by_handle(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(handle: Any, *args: Any, **named: Any) -> Any:
            if not known(handle):
                return call(handle, *args, **named)
            if call is real_close:
                del handles[handle]
            return strike(call, None, handle, *args, **named)

        return wrapped

    def opened(file: Any, *args: Any, **named: Any) -> Any:
        if not inside(file):
            return real_builtin(file, *args, **named)
        return strike(real_builtin, str(file), file, *args, **named)

    real_open, real_close, real_builtin = os.open, os.close, builtins.open
    real_fstat = os.fstat
    with pytest.MonkeyPatch.context() as patch:
        for name in _BY_PATH:
            patch.setattr(os, name, by_path(getattr(os, name)))
        for name in _BY_HANDLE:
            patch.setattr(os, name, by_handle(getattr(os, name)))
        patch.setattr(builtins, "open", opened)
        patch.setattr(fcntl, "flock", by_handle(fcntl.flock))
        yield calls


# --- the law ----------------------------------------------------------------------------------

Holds = Callable[[Workspace], bool]
"""Tells from the list, read without faults, whether what was asked holds."""


class Case(NamedTuple):
    """A command, how the list is prepared, and the proof that it was done.

    `shared`: the hub decides, so what it holds is the proof.
    """

    args: Sequence[str]
    holds: Holds
    before: Sequence[Sequence[str]] = ()
    shared: bool = False


def _status(status: Status) -> Holds:
    return lambda workspace: workspace.tasks["a"].status is status


_CLAIM = ["claim", "a"]
CASES = {
    "create": Case(["create", "New", "--id", "n"], lambda w: "n" in w.tasks),
    "update": Case(["update", "a", "--phase", "two"], lambda w: w.tasks["a"].phase == "two"),
    "note": Case(["note", "a", "seen"], lambda w: [n.text for n in w.tasks["a"].notes] == ["seen"]),
    "start": Case(["start", "a"], _status(Status.IN_PROGRESS)),
    "done": Case(["done", "a"], _status(Status.COMPLETED), [["start", "a"]]),
    "skip": Case(["skip", "a"], _status(Status.SKIPPED)),
    "reopen": Case(["reopen", "a"], _status(Status.PENDING), [["skip", "a"]]),
    "release": Case(["release", "a"], _status(Status.PENDING), [["start", "a"]]),
    "delete": Case(["delete", "a"], _status(Status.DELETED)),
    "restore": Case(["restore", "a"], _status(Status.PENDING), [["delete", "a"]]),
    "undo": Case(["undo"], _status(Status.PENDING), [["start", "a"]]),
    "init": Case(["init", "other"], lambda w: "other" in w.known_lists()),
    "claim here": Case(_CLAIM, _status(Status.IN_PROGRESS)),
    "claim": Case(_CLAIM, _status(Status.IN_PROGRESS), shared=True),
    "done of a claim": Case(["done", "a"], _status(Status.COMPLETED), [_CLAIM], shared=True),
}


class Run(NamedTuple):
    """What a command said of itself under a fault, and what became of the list."""

    fault: Fault
    code: int
    said: str
    done: bool
    calls: Calls

    def judge(self) -> None:
        """Raise AssertionError where the two differ."""
        story = f"{self.fault}: exit {self.code}, done: {self.done}\n{self.said}{self.calls.place}"
        if "is unknown" in self.said:
            assert self.code == 7, story
            return
        assert (self.code == 0 or "done, but" in self.said) is self.done, story
        assert self.code != 70, story
        assert not (self.done and "nothing was" in self.said), story


def attempt(folder: str, case: Case, fault: Fault, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command with a fault in a repository of its own, in `folder`."""
    os.makedirs(folder)
    repo = share(folder, "a")[0] if case.shared else Repo.listed(os.path.join(folder, "a"), "a")
    with contextlib.chdir(repo.path):
        for args in case.before:
            assert run(args) == 0
        capsys.readouterr()
        with injected(repo.path, fault) as calls:
            code = run(case.args)
    said = capsys.readouterr().err
    repo.remove("gittasks", "cache")
    if case.shared and (head := on_hub(repo)):
        # A lock whose removal was the fault stays; git would refuse to show the remote's list here.
        Path(repo.git_dir, "refs/heads/gittasks/plan.lock").unlink(missing_ok=True)
        repo.git("fetch", "-q", "origin", "gittasks/plan")
        repo.git("update-ref", "refs/heads/gittasks/plan", head)
    return Run(fault, code, said, case.holds(repo.workspace("plan")), calls)


def keep_the_law(
    folder: str,
    name: str,
    faults: Callable[[int], Iterable[Fault]],
    capsys: pytest.CaptureFixture[str],
) -> int:
    """Try the faults that are chosen for a number of calls, each apart; how many hit."""
    case = CASES[name]
    whole = attempt(os.path.join(folder, "whole"), case, Fault(0, 0), capsys)
    assert whole.code == 0
    assert whole.done
    hits = 0
    for number, fault in enumerate(faults(whole.calls.count)):
        result = attempt(os.path.join(folder, str(number)), case, fault, capsys)
        result.judge()
        hits += bool(result.calls.place)
    return hits
