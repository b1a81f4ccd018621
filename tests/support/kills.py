"""Commands killed at a call that touches the repository, and what must be true afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Sequence

import pytest

from gittasks.cli.main import run
from support.faults import (
    CASES,
    KILL,
    Case,
    Fault,
    attempt,
    injected,
    parts_done,
    perform,
    prepared,
)
from support.repositories import Repo


def killed(repo: Repo, case: Case, fault: Fault) -> bool:
    """Run a command in a process of its own that ends at a call; False when it got no so far."""
    child = os.fork()
    if not child:
        code = 99
        try:
            with injected(repo.path, fault):
                code = perform(repo, case)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) != 99, "the test itself failed"
    return os.WIFSIGNALED(status)


_NEXT = Case(["-l", "plan", "note", "b", "meanwhile"], lambda _: True)


def survive(folder: str, name: str, faults: Sequence[Fault]) -> int:
    """Kill a command, then the same again or, when it is done, another; how often one was hit.

    All of what was asked holds, or nothing; the same command then succeeds without any repair,
    another one as well; here and on the hub is the same, no lock is left and git finds nothing
    wrong.
    """
    case = CASES[name]
    repo, story = prepared(folder, case), f"{name}: {faults}"
    hits = 0
    for fault in faults:
        hits += killed(repo, _NEXT if parts_done(repo, case) == {True} else case, fault)
        parts = parts_done(repo, case)
        assert case.silent or len(parts) == 1, story
    with contextlib.chdir(repo.path):
        if case.shared or case.shares:
            assert run(["-l", "plan", "sync"]) == 0, story
        if False in parts_done(repo, case):
            assert perform(repo, case) == 0, story
        assert parts_done(repo, case) == parts_done(repo, case._replace(shared=False)) == {True}
        assert run(["-l", "plan", "note", "b", "afterwards"]) == 0, story
    locks = [n for _, _, names in os.walk(repo.git_dir) for n in names if n.endswith(".lock")]
    assert not locks, story
    repo.fsck()
    shutil.rmtree(folder)
    return hits


def survive_kills(
    folder: str,
    name: str,
    chosen: Callable[[int], Iterable[Sequence[Fault]]],
    capsys: pytest.CaptureFixture[str],
) -> int:
    """Try the kills that are chosen for a number of calls, each apart; how many hit."""
    whole = attempt(os.path.join(folder, "whole"), CASES[name], Fault(0, 0), capsys)
    hits = 0
    for number, faults in enumerate(chosen(whole.calls.count)):
        hits += survive(os.path.join(folder, str(number)), name, faults)
        capsys.readouterr()
    return hits


def kill(number: int, *, after: bool = False) -> Fault:
    """The end of a process before its n-th call, or right after it."""
    return Fault(number, KILL, after)
