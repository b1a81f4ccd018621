"""Clones that have not fetched the lists: one branch alone, shallow, of CI and hosted agents."""

from __future__ import annotations

import os

import pytest
from support.agents import over_stdio
from support.repositories import Repo, git, plan


@pytest.fixture
def hub(tmp_path: object) -> str:
    """A bare repository with the team's list, feature-auth."""
    path = os.path.join(str(tmp_path), "hub.git")
    team = plan(Repo.create(os.path.join(str(tmp_path), "team")), "a", "b", list_id="feature-auth")
    git(str(tmp_path), "init", "-q", "--bare", path)
    team.git("remote", "add", "origin", path)
    team.git("push", "-q", "origin", "main")
    team.ok("start", "a")
    team.ok("sync")
    return path


@pytest.fixture
def clone(hub: str, tmp_path: object) -> Repo:
    """A clone of one branch and one commit."""
    path = os.path.join(str(tmp_path), "ci")
    git(str(tmp_path), "clone", "-q", "--depth", "1", f"file://{hub}", path)
    return Repo(path)


_NAMED = {"GITTASKS_LIST": "feature-auth"}


@pytest.mark.parametrize("command", [("status",), ("list",), ("create", "X"), ("prime",)])
def test_to_fetch_is_offered_before_to_make(clone: Repo, command: tuple[str, ...]) -> None:
    """Nobody is led to make a second list beside the team's; what is offered works."""
    done = clone.run(*command)
    told = done.out + done.err
    assert "gittasks pull" in told
    assert told.index("gittasks pull") < told.index("gittasks init")
    clone.ok("pull")
    assert set(clone.tasks()) == {"a", "b"}


@pytest.mark.parametrize(
    "command", [("list",), ("status",), ("prime",), ("create", "X", "--id", "x"), ("start", "b")]
)
def test_a_named_list_is_fetched_alone(clone: Repo, command: tuple[str, ...]) -> None:
    """The first command brings it: that list, no code, and no second list of its name."""
    before = clone.git("rev-list", "--all", "--count")
    told = clone.ok(*command, env={**_NAMED, "GITTASKS_SESSION": "s", "GITTASKS_OWNER": "Bob"})
    assert "made the task list" not in told.err
    assert set(clone.tasks("feature-auth")) >= {"a", "b"}
    refs = clone.git("for-each-ref", "--format=%(refname)", "refs/remotes").split()
    assert "refs/remotes/origin/gittasks/feature-auth" in refs
    assert before == "1"
    assert clone.git("rev-list", "main", "--count") == "1"


def test_use_and_init_fetch_it(clone: Repo) -> None:
    done = clone.ok("init", "feature-auth")
    assert "adopted from origin" in done.out
    assert set(clone.tasks()) == {"a", "b"}


@pytest.mark.parametrize("way", ["option", "setting"])
def test_nothing_is_fetched_where_that_is_forbidden(clone: Repo, way: str) -> None:
    if way == "setting":
        clone.git("config", "gittasks.fetchOnRead", "false")
    option = ["--no-fetch"] if way == "option" else []
    assert clone.run("list", *option, env=_NAMED).code == 8
    assert "gittasks" not in clone.git("for-each-ref", "--format=%(refname)", "refs/remotes")


def test_after_a_failure_nobody_waits_again(clone: Repo, hub: str) -> None:
    """For an hour no read asks; `pull` does."""
    os.rename(hub, f"{hub}-away")
    assert clone.run("list", env=_NAMED).code == 8
    os.rename(f"{hub}-away", hub)
    assert clone.run("list", env=_NAMED).code == 8
    clone.ok("pull", env=_NAMED)
    assert "[→] a" in clone.ok("list", env=_NAMED).out


def test_an_agents_first_task_makes_no_second_list(clone: Repo) -> None:
    with over_stdio(clone, env=_NAMED) as agent:
        assert {t["id"] for t in agent.ok("TaskList")["tasks"]} == {"a", "b"}
        agent.ok("TaskCreate", subject="C", id="c")
    assert set(clone.tasks("feature-auth")) == {"a", "b", "c"}


def test_a_shallow_list_goes_on_syncing_and_claiming(hub: str, tmp_path: object) -> None:
    """The history of the list is completed; the code stays as shallow as it is."""
    path = os.path.join(str(tmp_path), "shallow")
    git(str(tmp_path), "clone", "-q", "--depth", "1", "--no-single-branch", f"file://{hub}", path)
    clone = Repo(path)
    team = Repo(os.path.join(str(tmp_path), "team"))
    team.git("commit", "-q", "--allow-empty", "-m", "more")
    team.ok("note", "a", "one")
    team.ok("sync")
    clone.ok("note", "a", "two", env=_NAMED)
    clone.ok("sync", env=_NAMED)
    clone.ok("claim", "b", env={**_NAMED, "GITTASKS_SESSION": "s", "GITTASKS_OWNER": "Bob"})
    team.ok("pull")
    assert len(team.tasks()["a"]["notes"]) == 2
    assert team.tasks()["b"]["owner"] == "Bob"
    assert clone.git("rev-list", "origin/main", "--count") == "1"
