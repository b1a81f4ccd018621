"""Anything may happen in clones of one hub; in the end all agree, and nothing is lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from support import clones, machine

from gittasks.core.operations import Verb

_FEW = settings(
    max_examples=8,
    stateful_step_count=12,
    phases=[Phase.generate],  # to shrink what fails takes minutes: `make deep` does
    report_multiple_bugs=False,
)


def test_whatever_happens_all_clones_agree_and_nothing_is_lost(tmp_path: Path) -> None:
    """One head everywhere, every sole write shown, no value of nobody; `make deep` tries more."""
    machine.run(str(tmp_path), _FEW)


def test_peers_and_forks_agree_as_clones_of_one_hub_do(tmp_path: Path) -> None:
    """A fork, a clone of a working clone, and exchanges past the repository that decides."""
    machine.run(str(tmp_path), settings(_FEW, max_examples=5), machine.Peers)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[machine.Clones]:
    """A machine to be driven by hand, in which two subjects of b compete; Cy's clock is late."""
    machine.template(str(tmp_path))
    world = machine.Clones(str(tmp_path))
    world.clocks((0, 0, -500))
    world.work(0, "b", ["subject"])
    world.work(1, "b", ["subject"])
    for who in (0, 1, 0, 2):
        world.share(who, "sync")
    yield world
    os.environ.pop("GIT_AUTHOR_DATE", None)


def subject(world: machine.Clones) -> str:
    """The subject of b that stands in the end; nothing competes with it."""
    world.teardown()
    workspace = world.clones[0].workspace("plan")
    assert workspace.conflicts() == []
    return workspace.snapshot().tasks["b"].subject


def test_what_is_kept_in_a_file_that_cannot_be_read_is_on_record(world: machine.Clones) -> None:
    """A conflict is settled by `--keep` while a slip in an editor hides the task, and somebody who
    had seen it writes that field at the same time: keeping is no write, and does not compete."""
    world.hand(0, "b", "break")
    world.work(0, "b", ["keep"])
    world.work(2, "b", ["subject"])
    assert subject(world) == "v5"


def test_a_rebased_keep_is_on_record_with_what_stands_where_it_is_put(
    world: machine.Clones,
) -> None:
    """Here that is not what was kept at first; a write by who had seen it is shown."""
    world.rebase(task="b", theirs=["subject"], ours=["keep"], driver=True)
    world.share(2, "pull")
    world.work(2, "b", ["subject"])
    assert subject(world) == "v6"


def test_a_rebased_keep_brings_no_file_back(world: machine.Clones) -> None:
    """It is put on a removal, about which it says nothing."""
    world.hand(0, "b", "remove")
    world.rebase(task="b", theirs=["title"], ours=["keep"], driver=True)
    world.teardown()
    assert "b" not in clones.tasks(world.clones[0])


@pytest.mark.parametrize("theirs", [[Verb.DELETE], ["subject"]])
def test_a_result_of_a_claimed_task_may_be_refused(
    world: machine.Clones, theirs: list[str]
) -> None:
    """When the remote, which is asked then, knows that the task was deleted; and only then."""
    world.work(1, "c", ["claim"])
    world.rebase(task="c", theirs=theirs, ours=["console"], driver=False)
    world.teardown()
    assert clones.tasks(world.clones[0])["c"].result == (None if Verb.DELETE in theirs else "v5")
