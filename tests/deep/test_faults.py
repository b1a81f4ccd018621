"""Errors of the system and kills at every call of every writing command: see `support.faults`."""

from __future__ import annotations

import errno
import os
from random import Random

import pytest
from support import figures
from support.faults import CASES, KILL, Fault, keep_the_law, without_git
from support.kills import kill, survive_kills
from support.pruning import survive_prunes

pytestmark = [pytest.mark.deep, pytest.mark.timeout(4 * 3600)]

_ERRORS = (errno.EIO, errno.ENOSPC, errno.EACCES, errno.EMFILE, errno.EROFS, errno.ENOENT)
_STEP = int(os.environ.get("GITTASKS_STEP", "1"))
"""At each call, or only at some, for a run that must be short."""
_EACH = f"{'every call' if _STEP == 1 else f'one call in {_STEP}'} of each of {len(CASES)} commands"
_PAIRS = int(os.environ.get("GITTASKS_PAIRS", "200"))
_TRUE = "exit 0 or “done, but” if and only if it is in the history"
_SURVIVED = "done or not, the next command succeeds, no lock left, fsck clean"


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("number", _ERRORS, ids=errno.errorcode.get)
def test_every_call_may_fail(
    name: str, number: int, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each call once before it is done, and once after, as a network disk loses answers.

    A run that must be short has other calls for each error, so that all are spread over all.
    """
    each = [(error, lost) for error in _ERRORS for lost in (False, True)]

    def all_calls(count: int) -> list[Fault]:
        first = {kind: 1 + n * _STEP // len(each) for n, kind in enumerate(each)}
        return [
            Fault(n, number, lost)
            for lost in (False, True)
            for n in range(first[number, lost], count + 1, _STEP)
        ]

    hits = keep_the_law(str(tmp_path), name, all_calls, capsys)
    assert hits > 30 // _STEP
    kinds = ", ".join(sorted(errno.errorcode[e] for e in _ERRORS))
    how = f"{kinds} at {_EACH}, before it is done and after"
    figures.record("an error of the system", how, hits, _TRUE)


@pytest.mark.parametrize("name", CASES)
def test_every_git_may_fail(
    name: str, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each git cannot be started, or is killed, or none is from it on, before or after its work."""

    def all_gits(count: int) -> list[Fault]:
        kinds = ((errno.EAGAIN, False), (errno.EAGAIN, True), (KILL, False))
        return [
            Fault(n, number, lost, lasting=lasting)
            for n in range(1, count + 1)
            for number, lasting in kinds
            for lost in (False, True)
        ]

    hits = keep_the_law(str(tmp_path), name, all_gits, capsys, inject=without_git)
    assert hits or not CASES[name].shared
    how = f"each git of each of {len(CASES)} commands does not start, or is killed, before or after"
    figures.record("a git that fails", how, hits, _TRUE)


@pytest.mark.parametrize("name", CASES)
def test_every_call_may_be_the_last(
    name: str, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """A kill before each call that touches the repository, and right after it."""

    def all_calls(count: int) -> list[list[Fault]]:
        return [
            [kill(n, after=after)] for n in range(1, count + 1, _STEP) for after in (False, True)
        ]

    hits = survive_kills(str(tmp_path), name, all_calls, capsys)
    assert hits > 30 // _STEP
    how = f"at {_EACH}, before it is done and after"
    figures.record("a kill", how, hits, _SURVIVED)


@pytest.mark.parametrize("name", CASES)
def test_two_kills_are_survived(
    name: str, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same command again, killed as well; 200 random pairs of calls."""
    chance = Random(name)

    def pairs(count: int) -> list[list[Fault]]:
        return [
            [kill(chance.randint(1, count), after=chance.random() < 0.5) for _ in range(2)]
            for _ in range(_PAIRS)
        ]

    hits = survive_kills(str(tmp_path), name, pairs, capsys)
    assert hits > _PAIRS // 2
    how = f"{_PAIRS} random pairs of calls of each of {len(CASES)} commands"
    figures.record("two kills", how, hits, _SURVIVED)


@pytest.mark.parametrize("name", CASES)
def test_an_error_after_a_kill_is_survived(
    name: str, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same command again, while it clears away what a kill left; 200 random pairs of calls."""
    chance = Random(name)

    def pairs(count: int) -> list[list[Fault]]:
        return [
            [
                kill(chance.randint(1, count), after=chance.random() < 0.5),
                Fault(chance.randint(1, count), chance.choice(_ERRORS), chance.random() < 0.5),
            ]
            for _ in range(_PAIRS)
        ]

    hits = survive_kills(str(tmp_path), name, pairs, capsys)
    assert hits > _PAIRS // 3
    kinds = ", ".join(sorted(errno.errorcode[e] for e in _ERRORS))
    how = f"{_PAIRS} random pairs of calls of each of {len(CASES)} commands, then {kinds}"
    figures.record("an error after a kill", how, hits, _SURVIVED)


@pytest.mark.parametrize("name", CASES)
def test_a_prune_before_every_call_takes_nothing(
    name: str, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that began before the command removes what no ref named then; also after its end."""
    hits = survive_prunes(str(tmp_path), name, lambda count: range(count + 1, 0, -_STEP), capsys)
    assert hits > 30 // _STEP
    how = f"a `git prune --expire=now` that began before, at {_EACH}"
    result = "what was acknowledged is there, the next command mends the rest, fsck clean"
    figures.record("objects that git removes beside a write", how, hits, result)
