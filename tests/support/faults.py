"""Errors of the system at the n-th call that touches a repository, and the law they must keep.

Exit 0 or "done, but" if and only if what was asked is in the history; no refusal of what is done.
"""

from __future__ import annotations

import builtins
import contextlib
import fcntl
import io
import os
import re
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Self

import pytest

from gittasks.cli.main import run
from gittasks.core.model import Status
from gittasks.errors import _DISK_WORDS
from gittasks.store import git
from gittasks.workspace import Workspace, log
from support.clones import on_hub, share
from support.repositories import Repo
from support.templates import copied

_BY_PATH = (
    *("open", "replace", "rename", "unlink", "mkdir", "rmdir", "utime", "stat", "lstat"),
    *("listdir", "scandir", "chmod", "link", "symlink", "readlink"),
)
_BY_HANDLE = ("write", "fsync", "fstat", "ftruncate", "pwrite", "pread", "read", "lseek", "close")
_BY_FILE = ("read", "readline", "readinto", "write", "flush", "truncate", "seek")
_HANDLES = "/proc/self/fd"
_NEEDS_ROOM = frozenset(
    {"write", "pwrite", "flush", "mkdir", "ftruncate", "replace", "rename", "link", "symlink"}
)


EACH = -1
"""Instead of the number of a call: each of them."""
KILL = -1
"""Instead of an error of the system: the process ends at once, as by SIGKILL."""


class Fault(NamedTuple):
    """The n-th call fails with an error, or is done and its answer `lost`.

    With `beside` it does not fail: this happens just before it, and before each where n is EACH.
    With `lasting` each later call that needs room on the disk fails as well.
    """

    number: int
    errno: int
    lost: bool = False
    beside: Callable[[], object] | None = None
    lasting: bool = False


class Calls:
    """Calls that touched the folder so far, the first that failed, and its stack."""

    def __init__(self) -> None:
        self.count = 0
        self.struck = ""
        self.place = ""


class _File:
    """A file object whose reads, writes and close are calls that touch the repository as well."""

    def __init__(self, file: Any, strike: Callable[..., Any]) -> None:
        self._file = file
        self._strike = strike

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._file, name)
        if name not in _BY_FILE:
            return value
        return lambda *args, **named: self._strike(value, self._file.name, *args, **named)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.readline, self._file.read(0))

    def close(self) -> None:
        """Close the file, once, as its end or a finalizer may do."""
        if not self._file.closed:
            self._strike(self._file.close, self._file.name)


@contextlib.contextmanager
def injected(folder: str, fault: Fault) -> Iterator[Calls]:
    """Let the n-th call that touches a path below `folder`, or a handle of one, fail."""
    calls, handles, root = Calls(), dict[int, tuple[int, int]](), os.path.realpath(folder)
    turn = threading.Lock()

    def strike(call: Callable[..., Any], path: object, *args: Any, **named: Any) -> Any:
        calls.count += 1
        if fault.number == EACH and fault.beside and turn.acquire(blocking=False):
            try:
                fault.beside()  # its own calls, and those of other threads meanwhile, are let be
            finally:
                turn.release()
        if calls.count != fault.number and not (calls.struck and full(call, args)):
            return call(*args, **named)
        calls.struck = calls.struck or call.__name__
        calls.place = calls.place or "".join(traceback.format_stack(limit=14)[:-2])
        if fault.beside:
            fault.beside()
            return call(*args, **named)
        if fault.lost or call.__name__ == "close":  # a handle is gone, whatever its close says
            value = call(*args, **named)
            if call is real_open:
                real_close(value)
            elif call in (real_builtin, real_scandir):
                value.close()
        if fault.errno == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(
            fault.errno, os.strerror(fault.errno), path if isinstance(path, str) else None
        )

    def full(call: Callable[..., Any], args: tuple[Any, ...]) -> bool:
        """Does the call fail on a disk without room, which this one stays?"""
        if call is real_open and args[1] & os.O_CREAT:
            return fault.lasting
        makes = call is real_builtin and args[1:] and set(args[1]) & set("wax")
        return fault.lasting and bool(makes or call.__name__ in _NEEDS_ROOM)

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
        if isinstance(file, int) and known(file):
            return _File(real_builtin(file, *args, **named), strike)
        if not inside(file):
            return real_builtin(file, *args, **named)
        value = strike(real_builtin, str(file), file, *args, **named)
        handles[value.fileno()] = identity(value.fileno())
        return _File(value, strike)

    real_open, real_close, real_builtin = os.open, os.close, builtins.open
    real_fstat, real_scandir = os.fstat, os.scandir
    with pytest.MonkeyPatch.context() as patch:
        for name in _BY_PATH:
            patch.setattr(os, name, by_path(getattr(os, name)))
        for name in _BY_HANDLE:
            patch.setattr(os, name, by_handle(getattr(os, name)))
        patch.setattr(builtins, "open", opened)
        patch.setattr(fcntl, "flock", by_handle(fcntl.flock))
        patch.setattr(log, "FileIO", lambda handle, mode: _File(io.FileIO(handle, mode), strike))
        yield calls


class _Killed:
    """A git that was killed, as whoever waits for it sees it."""

    pid = 2**22 + 1
    returncode = -signal.SIGKILL

    def poll(self) -> int:
        """Its exit code."""
        return self.returncode

    wait = poll

    def terminate(self) -> None:
        """It has ended."""

    kill = terminate


@contextlib.contextmanager
def without_git(_folder: str, fault: Fault) -> Iterator[Calls]:
    """Let the n-th git of a command not start, or end, and its answer be `lost`; or be killed.

    Only those that are waited for: one that answers questions writes nothing. With `lasting` none
    starts from there on.
    """
    calls, start = Calls(), git._start

    def strike(args: Sequence[str], *rest: Any, **named: Any) -> Any:
        calls.count += 1
        if calls.count != fault.number and not (calls.struck and fault.lasting):
            return start(args, *rest, **named)
        stack = "".join(traceback.format_stack(limit=14))
        calls.place = calls.place or f"{args}\n{stack}"
        if fault.lost and not calls.struck:
            start(args, *rest, **named).wait()
        calls.struck = "git"
        if fault.errno == KILL:
            return _Killed()
        raise OSError(fault.errno, os.strerror(fault.errno), "git")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(git, "_start", strike)
        yield calls


# --- the law ----------------------------------------------------------------------------------

_NAMELESS = re.compile(f"^error: ({'|'.join(map(re.escape, _DISK_WORDS.values()))})", re.MULTILINE)
"""An error of the disk that names no path."""
Holds = Callable[[Workspace], bool | Sequence[bool]]
"""Tells from the list, read without faults, whether what was asked holds: all parts or none."""


class Case(NamedTuple):
    """A command, how the list is prepared, and the proof that it was done.

    `shared`: the hub decides, so what it holds is the proof; `shares`: there is one, which does
    not. `prepare` does what no command of ours does. `silent`: the exit code is 0 whatever comes,
    as git's hooks have it; then what was not done is said.
    """

    args: Sequence[str]
    holds: Holds
    before: Sequence[Sequence[str]] = ()
    shared: bool = False
    shares: bool = False
    stdin: str = ""
    prepare: Callable[[Repo], object] = lambda repo: repo
    silent: bool = False


def _status(*statuses: Status) -> Holds:
    """The tasks a and b have these statuses."""
    return lambda workspace: [
        workspace.tasks[name].status is status for name, status in zip("ab", statuses, strict=False)
    ]


def _made(*ids: str) -> Holds:
    return lambda workspace: [i in workspace.tasks for i in ids]


def _code_commit(repo: Repo) -> None:
    repo.git("commit", "-q", "--allow-empty", "-m", "Do it\n\nTask: a done\nTask: b start")


def _hand_edit(repo: Repo) -> None:
    repo.hand_edit({"tasks/a.yaml": "# by hand\nsubject:   A\nnotes: [one]\n"})


def _elsewhere(repo: Repo) -> None:
    """A task x on the hub that was not fetched."""
    local, tracking = "refs/heads/gittasks/plan", "refs/remotes/origin/gittasks/plan"
    here, there = repo.head(), on_hub(repo)
    repo.git("update-ref", local, there)
    new = repo.hand_edit({"tasks/x.yaml": "subject: X\n"})
    repo.git("push", "-q", "origin", f"{new}:{local}")
    repo.git("update-ref", local, here)
    repo.git("update-ref", tracking, there)


def _here(workspace: Workspace) -> bool:
    """Is the task x in the local branch?"""
    head = workspace.store.heads().local
    return head is not None and "x" in workspace.store.load_at(head).snapshot.tasks


def _gone(repo: Repo) -> None:
    repo.git("update-ref", "-d", "refs/heads/gittasks/plan")


_CLAIM = ["claim", "a"]
_BATCH = """\
{"op": "create", "id": "n", "subject": "New"}
{"op": "note", "id": "a", "text": "seen"}
{"op": "start", "id": "b"}
"""
_PLAN = "tasks:\n- id: p\n  subject: First\n- id: q\n  subject: Second\n  blockedBy: [p]\n"
_BEADS = (
    '{"id":"bd-1","title":"One","status":"open","priority":1,"issue_type":"task"}\n'
    '{"id":"bd-2","title":"Two","status":"closed","priority":1,"issue_type":"task"}\n'
)
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
    "redo": Case(["redo"], _status(Status.IN_PROGRESS), [["start", "a"], ["undo"]]),
    "several": Case(["done", "a", "b"], _status(Status.COMPLETED, Status.COMPLETED)),
    "several fields": Case(
        ["update", "a", "b", "--phase", "two"],
        lambda w: [w.tasks[i].phase == "two" for i in "ab"],
    ),
    "done and next": Case(
        ["done", "a", "--next"],
        _status(Status.COMPLETED, Status.IN_PROGRESS),
        [["start", "a"]],
    ),
    "move": Case(
        ["update", "a", "--after", "b"],
        lambda w: [t.id for t in w.snapshot().ordered()] == ["b", "a"],
    ),
    "batch": Case(
        ["batch"],
        lambda w: [
            "n" in w.tasks,
            bool(w.tasks["a"].notes),
            w.tasks["b"].status is Status.IN_PROGRESS,
        ],
        stdin=_BATCH,
    ),
    "apply": Case(["apply", "-"], _made("p", "q"), stdin=_PLAN),
    "import": Case(["import", "-"], _made("bd-1", "bd-2"), stdin=_BEADS),
    "note by hand": Case(
        ["note", "a", "two"],
        lambda w: [n.text for n in w.tasks["a"].notes] == ["one", "two"],
        prepare=_hand_edit,
    ),
    "archive": Case(["archive", "plan"], lambda w: bool(w.snapshot().info.archived)),
    "lists restore": Case(
        ["lists", "restore", "plan"],
        lambda w: "plan" in w.known_lists(),
        [["note", "a", "seen"]],
        prepare=_gone,
    ),
    "trailers": Case(
        ["hook", "post-commit"],
        _status(Status.COMPLETED, Status.IN_PROGRESS),
        prepare=_code_commit,
        silent=True,
    ),
    "push": Case(["push"], _made("n"), [["create", "New", "--id", "n"]], shared=True),
    "pull": Case(["pull"], _here, shares=True, prepare=_elsewhere),
    "sync": Case(
        ["sync"], _made("n"), [["create", "New", "--id", "n"]], shared=True, prepare=_elsewhere
    ),
    "release of a claim": Case(["release", "a"], _status(Status.PENDING), [_CLAIM], shared=True),
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
    parts: frozenset[bool]
    calls: Calls
    silent: bool

    @property
    def done(self) -> bool:
        """Is all of it done?"""
        return False not in self.parts

    def judge(self) -> None:
        """Raise AssertionError where the two differ."""
        story = f"{self.fault}: exit {self.code}, done: {set(self.parts)}\n{self.said}"
        story += self.calls.place
        assert not _NAMELESS.search(self.said), story
        if self.silent:
            assert self.code == 0, story
            assert self.done or self.said, story
            return
        assert len(self.parts) == 1, story
        if "is unknown" in self.said:
            assert self.code == 7, story
            return
        assert (self.code == 0 or "done, but" in self.said) is self.done, story
        assert self.code != 70, story
        assert not (self.done and "nothing was" in self.said), story


def prepared(folder: str, case: Case) -> Repo:
    """A repository in which a command can be run, below `folder`."""
    shared = case.shared or case.shares
    kind = ("case", shared, *map(tuple, case.before), case.prepare)

    def build(place: str) -> None:
        if shared:
            (repo,) = share(place, "a")
        else:
            repo = Repo.listed(os.path.join(place, "a"), "a", "b")
        with contextlib.chdir(repo.path):
            for args in case.before:
                assert run(args) == 0
            case.prepare(repo)

    copied(kind, build, folder)
    return Repo(os.path.join(folder, "a"))


def open_below(folder: str) -> list[str]:
    """The files of a folder of which this process has a handle; none where no system tells."""
    paths = []
    for handle in os.listdir(_HANDLES) if os.path.isdir(_HANDLES) else ():
        with contextlib.suppress(OSError):
            paths.append(os.readlink(os.path.join(_HANDLES, handle)))
    return [path for path in paths if path.startswith(f"{os.path.realpath(folder)}{os.sep}")]


def perform(repo: Repo, case: Case) -> int:
    """Run the command of a case in this process; its exit code."""
    with contextlib.chdir(repo.path), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(case.stdin.encode())))
        return run(case.args)


def parts_done(repo: Repo, case: Case) -> frozenset[bool]:
    """Of each part of what was asked: does it hold, where that is decided?"""
    hub = Repo(os.path.join(os.path.dirname(repo.path), "hub.git"))
    holds = case.holds((hub if case.shared else repo).workspace("plan"))
    return frozenset([holds] if isinstance(holds, bool) else holds)


Inject = Callable[[str, Fault], AbstractContextManager[Calls]]
"""`injected` or `without_git`."""


def attempt(
    folder: str,
    case: Case,
    fault: Fault,
    capsys: pytest.CaptureFixture[str],
    *,
    within: str = "",
    inject: Inject = injected,
) -> Run:
    """Run a command with a fault `within` a repository of its own, in `folder`."""
    repo = prepared(folder, case)
    capsys.readouterr()
    with inject(os.path.join(repo.path, within), fault) as calls:
        code = perform(repo, case)
    said = capsys.readouterr().err
    assert not (left := open_below(repo.path)), f"{fault}: left open: {left}\n{calls.place}"
    repo.remove("gittasks", "cache")
    parts = parts_done(repo, case)
    shutil.rmtree(folder)
    return Run(fault, code, said, parts, calls, case.silent)


def keep_the_law(
    folder: str,
    name: str,
    faults: Callable[[int], Iterable[Fault]],
    capsys: pytest.CaptureFixture[str],
    *,
    within: str = "",
    inject: Inject = injected,
) -> int:
    """Try the faults that are chosen for a number of calls `within` a repository; how many hit."""
    case = CASES[name]

    def run_with(fault: Fault, number: object) -> Run:
        place = os.path.join(folder, str(number))
        return attempt(place, case, fault, capsys, within=within, inject=inject)

    whole = run_with(Fault(0, 0), "whole")
    assert whole.code == 0, whole.said
    assert whole.done, whole.said
    hits = 0
    for number, fault in enumerate(faults(whole.calls.count)):
        result = run_with(fault, number)
        result.judge()
        hits += bool(result.calls.place)
    return hits
