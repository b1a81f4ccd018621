"""Clocks that jump, and moments that other programs cannot count: nothing depends on them."""

from __future__ import annotations

import pytest
from support.clones import settle, share, tasks
from support.figures import record
from support.repositories import Repo

from gittasks.core.model import Status
from gittasks.core.operations import AddNote, Transition, Verb

_MOMENTS = {
    "1970": 1,
    "2038": (1 << 31) + 1,
    "2106": (1 << 32) + 1,
    "leap day": 1_709_164_799,
    "9999": 253_402_300_799,
}
"""Seconds since the epoch, past what 31 and 32 bits hold among them."""
_BEGIN = 1_893_456_000


def _at(repo: Repo, moment: int, verb: Verb, task: str) -> None:
    workspace = repo.workspace("plan", GIT_AUTHOR_DATE=f"@{moment} +0000")
    assert workspace.edit([Transition(verb, task), AddNote(task, f"{verb} {moment}")]).commit


@pytest.mark.parametrize("moment", _MOMENTS.values(), ids=_MOMENTS)
def test_a_clock_that_jumps_changes_no_outcome(tmp_path: object, moment: int) -> None:
    """Each transition holds, times never run backwards, both clones end with the same bytes."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    bob.git("branch", "-q", "gittasks/plan", "origin/gittasks/plan")
    _at(ada, _BEGIN, Verb.START, "a")
    _at(ada, moment, Verb.DONE, "a")
    _at(bob, moment, Verb.START, "b")
    _at(bob, _BEGIN, Verb.DONE, "b")
    settle(ada, bob)
    assert tasks(ada) == tasks(bob)
    for name in "ab":
        task = tasks(ada)[name]
        assert task.status is Status.COMPLETED
        assert task.started
        assert task.finished
        assert task.started <= task.finished
        assert len(task.notes) == 2
    for repo in (ada, bob):
        repo.fsck()
    record("wrong clocks", "1970 to 9999, forwards and back, in one of two clones", 4, "the same")
