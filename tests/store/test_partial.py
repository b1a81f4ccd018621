"""A partial clone fetches what a list needs in one go, or says at once that it cannot."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from support import gits
from support.repositories import Repo, git
from support.templates import copied
from support.traces import traced

from gittasks.core.operations import AddNote

TASKS = 120
"""Tasks of the list: more than fetches could be hidden in, and quick to make."""


@pytest.fixture
def team(tmp_path: Path) -> Repo:
    """A clone with the whole list, which the hub has too."""
    return _team(tmp_path, TASKS)


@pytest.fixture
def crowd(tmp_path: Path) -> Repo:
    """The same with a thousand tasks."""
    return _team(tmp_path, 1000)


def _team(tmp_path: Path, tasks: int) -> Repo:
    def build(folder: str) -> None:
        team = Repo.create(os.path.join(folder, "team"))
        team.ok("init", "plan")
        create = [{"op": "create", "id": f"t{n}", "subject": f"Task {n}"} for n in range(tasks)]
        team.ok("batch", stdin="\n".join(json.dumps(operation) for operation in create))
        if tasks > TASKS:
            team.git("gc", "-q")
        hub = team.clone(os.path.join(folder, "hub.git"), "--bare")
        hub.git("config", "uploadpack.allowFilter", "true")
        hub.git("config", "uploadpack.allowAnySHA1InWant", "true")
        team.git("remote", "add", "origin", hub.path)
        team.ok("sync")

    copied(("partial", tasks), build, str(tmp_path))
    return Repo(str(tmp_path / "team"))


def partial(team: Repo, kind: str = "blob:none") -> Repo:
    """A partial clone of the hub, in which no list is checked out."""
    folder = os.path.dirname(team.path)
    path = os.path.join(folder, "partial")
    git(folder, "clone", "-q", f"--filter={kind}", f"file://{folder}/hub.git", path)
    return Repo(path)


def take_away(team: Repo) -> None:
    """Let the hub be out of reach."""
    hub = os.path.join(os.path.dirname(team.path), "hub.git")
    os.rename(hub, f"{hub}-away")


def _of_refs(repo: Repo) -> int:
    """The gits that read the refs."""
    return not gits.has_ref_files(repo.git_dir)


@pytest.mark.parametrize("kind", ["blob:none", "tree:0"])
def test_a_list_is_fetched_in_one_go(crowd: Repo, kind: str) -> None:
    clone = partial(crowd, kind)
    run = traced(clone, "list", "--all", "--json")
    assert run.result.code == 0, run.result
    assert len(run.result.json()["tasks"]) == 1000
    assert run.fetches <= 3, run.started
    assert len(run.started) <= 6 + _of_refs(clone), run.started
    again = traced(clone, "list", "--all", "--json")
    assert again.result.out == run.result.out
    assert again.fetches == 0


@pytest.mark.parametrize("kind", ["blob:none", "tree:0"])
def test_a_merge_needs_few_fetches_too(team: Repo, kind: str) -> None:
    """What both sides changed since they parted is brought together without one each."""
    clone = partial(team, kind)
    clone.ok("note", "t1", "mine")
    for n in range(12):
        team.edit(AddNote(f"t{n}", "theirs"))
    team.ok("sync")
    clone.git("fetch", "-q", "origin")
    run = traced(clone, "list", "--all", "--json")
    notes = {task["id"]: len(task["notes"]) for task in run.result.json()["tasks"]}
    assert [notes[f"t{n}"] for n in range(3)] == [1, 2, 1]
    assert run.fetches <= 3, run.started
    clone.ok("sync")
    team.ok("pull")
    assert len(team.tasks()["t1"]["notes"]) == 2


@pytest.mark.parametrize("kind", ["blob:none", "tree:0"])
def test_out_of_reach_is_said_once(crowd: Repo, kind: str) -> None:
    """One question to a remote that is not there, one sentence; later the list is whole."""
    clone = partial(crowd, kind)
    take_away(crowd)
    run = traced(clone, "list")
    assert run.result.code == 4, run.result
    assert "partial clone" in run.result.err
    assert "origin" in run.result.err
    assert len(run.result.err.splitlines()) <= 4
    assert run.fetches == 1, run.started
    hub = os.path.join(os.path.dirname(crowd.path), "hub.git")
    os.rename(f"{hub}-away", hub)
    assert len(clone.tasks()) == 1000


def test_what_is_here_is_shown_when_some_is_out_of_reach(team: Repo) -> None:
    clone = partial(team)
    clone.ok("list")
    team.ok("note", "t1", "news")
    team.ok("sync")
    clone.git("fetch", "-q", "origin")
    take_away(team)
    run = traced(clone, "list", "--all", "--json")
    assert len(run.result.json()["tasks"]) == TASKS - 1
    assert run.fetches == 1, run.started


@pytest.mark.parametrize("way", ["option", "setting"])
def test_nothing_is_fetched_where_that_is_forbidden(team: Repo, way: str) -> None:
    clone = partial(team)
    if way == "setting":
        clone.git("config", "gittasks.fetchOnRead", "false")
    run = traced(clone, "list", *(["--no-fetch"] if way == "option" else []))
    assert run.result.code == 4, run.result
    assert run.fetches == 0, run.started
    assert ("--no-fetch" if way == "option" else "gittasks.fetchOnRead") in run.result.err


def test_a_whole_clone_asks_nobody(team: Repo) -> None:
    """A lost object of a clone that is not partial is lost; no remote is asked on the way."""
    blob = team.git("rev-parse", "gittasks/plan:tasks/t1.yaml")
    team.remove("objects", blob[:2], blob[2:])
    team.remove("gittasks", "cache", "lists")
    team.remove("gittasks", "journal")
    run = traced(team, "list", "--all", "--json")
    assert len(run.result.json()["tasks"]) == TASKS - 1
    assert run.fetches == 0


def test_lost_objects_cost_one_process(team: Repo) -> None:
    """git is asked for what cannot be read here, by one process for them all."""
    for n in range(8):
        blob = team.git("rev-parse", f"gittasks/plan:tasks/t{n}.yaml")
        team.remove("objects", blob[:2], blob[2:])
    team.remove("gittasks", "cache", "lists")
    team.remove("gittasks", "journal")
    run = traced(team, "list", "--all", "--json")
    assert len(run.result.json()["tasks"]) == TASKS - 8
    assert sum("cat-file" in argv for argv in run.started) == 1, run.started


def test_a_sync_may_fetch_whatever_is_set_for_reads(team: Repo) -> None:
    clone = partial(team)
    clone.git("config", "gittasks.fetchOnRead", "false")
    clone.ok("sync")
    team.ok("note", "t1", "theirs")
    team.ok("sync")
    clone.ok("pull")
    assert len(clone.tasks()["t1"]["notes"]) == 1


def test_one_object_that_the_remote_lacks_hides_no_other(team: Repo) -> None:
    """git's answer to a batch with one unknown id is a refusal of them all."""
    clone = partial(team)
    clone.git("update-ref", "refs/heads/gittasks/plan", "refs/remotes/origin/gittasks/plan")
    clone.hand_edit({"tasks/t1.yaml": "subject: Made here\n"})
    blob = clone.git("rev-parse", "gittasks/plan:tasks/t1.yaml")
    clone.remove("objects", blob[:2], blob[2:])
    run = traced(clone, "list", "--all", "--json")
    assert {task["id"] for task in run.result.json()["tasks"]} == {
        f"t{n}" for n in range(TASKS) if n != 1
    }
    assert run.fetches <= 3, run.started


@pytest.mark.parametrize(
    ("kind", "command"),
    [("blob:none", ("log",)), ("tree:0", ("show", "t1")), ("tree:0", ("list", "--since", "1h"))],
)
def test_the_history_is_fetched_in_few_goes(
    team: Repo, kind: str, command: tuple[str, ...]
) -> None:
    """Each commit has files of its own, and none costs a fetch of its own."""
    for n in range(9):
        team.edit(AddNote("t1", f"note {n}"))
    team.ok("sync")
    clone = partial(team, kind)
    run = traced(clone, *command, "--json")
    assert run.result.code == 0, run.result
    assert "note 8" in run.result.out
    assert run.fetches <= 5, run.started
    assert len(run.started) <= 9 + _of_refs(clone), run.started
    assert traced(clone, *command, "--json").fetches == 0
