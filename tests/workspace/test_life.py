"""The life of a list: archived, dropped and opened again, by marks that merge like any change."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.clones import on_hub, settle, share
from support.repositories import Repo, plan

from gittasks.core.model import ListState
from gittasks.core.operations import AddNote
from gittasks.errors import RemoteFailure


def _state(repo: Repo, list_id: str = "plan") -> ListState:
    return repo.workspace(list_id).snapshot().info.state


def _open(repo: Repo) -> list[str]:
    return [row["id"] for row in repo.ok("lists", "--json").json()["lists"]]


def _two(folder: Path) -> tuple[Repo, Repo]:
    """Two clones that both have the list, and have it alike."""
    ada, bob = share(str(folder), "ada", "bob")
    bob.workspace().init("plan", None)
    settle(ada, bob)
    return ada, bob


def test_a_list_that_is_not_open_is_hidden_and_opened_again(listed: Repo) -> None:
    """`lists` leaves it out, `--all` says since when; it says so itself, and `unarchive` helps."""
    for command, state in (("archive", "archived"), ("drop", "dropped")):
        answer = listed.ok(command, "plan", "--json").json()
        assert (answer["state"], answer["changed"], answer["remote"]) == (state, True, None)
        assert not listed.ok(command, "plan", "--json").json()["changed"], "it is so already"
        assert _open(listed) == []
        (row,) = listed.ok("lists", "--all", "--json").json()["lists"]
        assert row["state"] == state
        assert row[state] == answer[state] <= row["changed"]
        assert f"{state} {answer[state][:10]}" in listed.ok("lists", "--all").out
    assert "has been dropped since" in listed.ok("note", "a", "still works", "-l", "plan").err
    assert listed.ok("unarchive", "plan").out == '"plan" is open\n'
    assert _open(listed) == ["plan"]
    assert "dropped" not in listed.git("show", "gittasks/plan:list.yaml")


def test_the_only_open_list_is_the_one_that_is_meant(listed: Repo) -> None:
    """An archived list is meant by who names it; with none open, nothing is written to any."""
    plan(listed, "x", list_id="other")
    listed.forget_choice()
    assert listed.run("status").code == 8
    listed.ok("archive", "plan")
    assert listed.ok("status", "--json").json()["list"]["id"] == "other"
    listed.ok("archive", "other")
    refused = listed.run("create", "More", "--json")
    assert refused.code == 8
    error = refused.json()["error"]
    assert "no task list is open here" in error["message"]
    for command in error["commands"]:
        assert listed.run(*command[1:]).code == 0, command


def test_the_only_list_is_not_written_once_it_is_archived(listed: Repo) -> None:
    """There too a write that names no list would go where nobody looks."""
    listed.ok("archive")
    listed.forget_choice()
    before = listed.head()
    assert listed.run("create", "More").code == 8
    assert listed.run("status").code == 8
    assert listed.head() == before
    listed.ok("create", "More", "--list", "plan")


def test_archived_here_and_worked_on_there(tmp_path: Path) -> None:
    """The mark is on the remote at once; work that did not know of it merges, and both stay."""
    ada, bob = _two(tmp_path)
    bob.edit(AddNote("a", "found something"))
    marked = ada.workspace().mark_list("plan", ListState.ARCHIVED)
    assert marked.remote == "origin"
    assert on_hub(ada) == ada.head() == marked.commit
    settle(bob, ada)
    for repo in (ada, bob):
        assert _state(repo) is ListState.ARCHIVED
        assert [n.text for n in repo.workspace("plan").tasks["a"].notes] == ["found something"]
    assert bob.ok("sync", "--all").code == 0
    assert "plan" not in _open(bob)


def test_two_who_mark_at_once_agree_in_every_order(tmp_path: Path) -> None:
    """Archived and dropped is dropped; two times of one mark are no conflict; opened, it is."""
    ada, bob = _two(tmp_path)
    for repo, state in ((ada, ListState.ARCHIVED), (bob, ListState.DROPPED)):
        repo.workspace().mark_list("plan", state, offline=True)
    settle(ada, bob)
    assert _state(ada) is _state(bob) is ListState.DROPPED
    assert not ada.workspace("plan").conflicts()
    ada.workspace().mark_list("plan", ListState.OPEN)
    settle(bob, ada)
    assert _state(bob) is ListState.OPEN
    for minute, repo in ((1, ada), (2, bob)):
        at = repo.workspace(GIT_AUTHOR_DATE=f"{1893456000 + 60 * minute} +0000")
        at.mark_list("plan", ListState.DROPPED, offline=True)
    settle(ada, bob)
    assert not ada.workspace("plan").conflicts(), "both say the same"


def test_opened_here_and_dropped_there_is_a_conflict_with_a_way_out(tmp_path: Path) -> None:
    """The later one stands, and the command that is offered takes the other."""
    ada, bob = _two(tmp_path)
    ada.workspace().mark_list("plan", ListState.ARCHIVED)
    settle(bob, ada)
    early, late = ({"GIT_AUTHOR_DATE": f"{1893456000 + 60 * m} +0000"} for m in (1, 2))
    ada.workspace(**late).mark_list("plan", ListState.OPEN, offline=True)
    bob.workspace(**early).mark_list("plan", ListState.DROPPED, offline=True)
    settle(ada, bob)
    assert _state(ada) is _state(bob) is ListState.DROPPED, "only ada's archiving was taken back"
    ada.ok("unarchive", "plan")
    settle(bob, ada)
    assert _state(bob) is ListState.OPEN


def test_where_the_remote_cannot_be_asked_the_mark_is_made_here(tmp_path: Path) -> None:
    """The refusal changes nothing and names the command that does; the next sync brings it."""
    ada, bob = _two(tmp_path)
    hub = ada.git("remote", "get-url", "origin")
    ada.git("remote", "set-url", "origin", str(tmp_path / "away"))
    with pytest.raises(RemoteFailure) as error:
        ada.workspace().mark_list("plan", ListState.DROPPED)
    assert error.value.exit_code == 7
    assert _state(ada) is ListState.OPEN
    ada.ok(*error.value.commands[-1][1:])
    assert _state(ada) is ListState.DROPPED
    ada.git("remote", "set-url", "origin", hub)
    settle(ada, bob)
    assert _state(bob) is ListState.DROPPED


def test_undo_takes_a_mark_back(listed: Repo) -> None:
    """It is an operation like any other."""
    listed.ok("archive", "plan")
    listed.ok("undo", "-l", "plan")
    assert _state(listed) is ListState.OPEN
    assert "list archived" in listed.git("log", "--format=%s", "gittasks/plan")
