"""Forges where only certain branches may be pushed: work is shared, and taken in by everybody."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support import clones
from support.clones import on_hub, settle
from support.repositories import Repo, git

_ONLY_CLAUDE = """#!/bin/sh
[ "$PUSHED_BY" = agent ] || exit 0
while read old new ref; do
  case $ref in refs/heads/claude/*) continue ;; esac
  echo "only claude/* may be pushed, not $ref"
  exit 1
done
"""
AGENT = {"PUSHED_BY": "agent", "GITTASKS_OWNER": "agent"}


@pytest.fixture
def team(tmp_path: Path) -> tuple[Repo, Repo]:
    """Ada, who may push all, and a hosted agent, who may push `claude/*` alone."""
    ada, agent = clones.share(str(tmp_path), "ada", "agent")
    hook = tmp_path / "hub.git" / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(_ONLY_CLAUDE, encoding="utf-8")
    hook.chmod(0o755)
    agent.git("config", "gittasks.pushAs", "claude/*")
    return ada, agent


def _branches(repo: Repo) -> set[str]:
    lines = repo.git("ls-remote", "--heads", "origin").splitlines()
    return {line.split("refs/heads/")[1] for line in lines}


def test_work_goes_out_under_another_name_and_comes_in_everywhere(team: tuple[Repo, Repo]) -> None:
    ada, agent = team
    assert agent.run("start", "a", env=AGENT).code == 0
    out = agent.ok("sync", env=AGENT).out
    assert "1 change to origin as claude/plan" in out
    assert _branches(agent) == {"main", "gittasks/plan", "claude/plan"}
    assert agent.ok("sync", env=AGENT).out.startswith("plan: up to date with origin")

    ada.ok("note", "b", "Ada's")
    ada.git("fetch", "-q")
    assert "origin/claude/plan holds changes that are not here" in ada.run("doctor").out
    out = ada.ok("sync").out
    assert "1 change from origin (origin/claude/plan), 1 change to origin\n" in out
    assert ada.tasks()["a"]["owner"] == "agent"
    assert on_hub(ada) == ada.head()
    assert ada.ok("sync").out.startswith("plan: up to date")

    done = agent.ok("sync", "--json", env=AGENT).json()["lists"][0]
    assert (len(done["received"]), done["sent"], done["pushedAs"]) == (1, [], "claude/plan")
    assert agent.head() == ada.head()


def test_known_side_branches_are_fetched_by_the_sync_itself(team: tuple[Repo, Repo]) -> None:
    """Once one was seen, no `git fetch` is needed any more; two agents have a branch each."""
    ada, agent = team
    agent.git("config", "gittasks.pushAs", "claude/plan-1")
    agent.ok("note", "a", "one", env=AGENT)
    agent.ok("sync", env=AGENT)
    ada.git("fetch", "-q")
    ada.ok("sync")
    other = Repo(os.path.join(os.path.dirname(ada.path), "other"))
    git(
        os.path.dirname(ada.path), "clone", "-q", ada.git("remote", "get-url", "origin"), other.path
    )
    other.git("config", "gittasks.pushAs", "claude/plan-2")
    for n, repo in enumerate((agent, other, agent)):
        repo.ok("note", "b", f"{n}", env=AGENT)
        repo.ok("sync", env=AGENT)
    ada.ok("sync")
    assert [note["text"] for note in ada.tasks()["b"]["notes"]] == ["0", "2"]
    ada.git("fetch", "-q")
    ada.ok("pull")
    assert {note["text"] for note in ada.tasks()["b"]["notes"]} == {"0", "1", "2"}
    settle(ada)


def test_a_claim_is_refused_with_the_reason(team: tuple[Repo, Repo]) -> None:
    ada, agent = team
    before = agent.git("for-each-ref")
    refused = agent.run("claim", "a", "--json", env=AGENT)
    assert refused.code == 5
    error = refused.json()["error"]
    assert error["rule"] == "push-as"
    assert "only claude/plan is pushed" in error["message"]
    assert agent.git("for-each-ref") == before
    assert error["commands"] == [["gittasks", "start", "a"], ["gittasks", "sync"]]
    for argv in error["commands"]:
        assert agent.run(*argv[1:], env=AGENT).code == 0
    ada.ok("claim", "c", env={"GITTASKS_OWNER": "agent"})
    agent.git("fetch", "-q")
    again = agent.run("claim", "b", "--json", env=AGENT)  # a is in progress: no start is offered
    assert again.json()["error"]["commands"] == [["gittasks", "sync"]], again
    assert agent.run("claim", env=AGENT).code == 5
    done = agent.ok("done", "c", "--result", "PASS", env=AGENT)
    assert "not asked if the claim still holds" in done.err
    agent.ok("sync", env=AGENT)
    ada.git("fetch", "-q")
    ada.ok("sync")
    assert {i: t["status"] for i, t in ada.tasks().items()} == {
        "a": "in_progress",
        "b": "pending",
        "c": "completed",
    }


def test_a_list_that_is_only_there_under_another_name(team: tuple[Repo, Repo]) -> None:
    """It is named, not taken for missing; a pull takes it up, and a push gives it its branch."""
    ada, agent = team
    agent.ok("init", "made-by-agent", env=AGENT)
    agent.ok("create", "Found", "--id", "x", env=AGENT)
    agent.ok("sync", env=AGENT)
    ada.git("fetch", "-q")
    missing = ada.run("list", "--list", "made-by-agent", "--no-fetch", "--json")
    assert missing.code == 8
    error = missing.json()["error"]
    assert "origin/claude/made-by-agent" in error["message"]
    assert ["gittasks", "pull", "--list", "made-by-agent"] in error["commands"]
    ada.ok("pull", "--list", "made-by-agent")
    assert set(ada.tasks("made-by-agent")) == {"x"}
    ada.ok("push", "--list", "made-by-agent")
    assert "gittasks/made-by-agent" in _branches(ada)


def test_a_clone_that_has_nothing_else_pulls_it(team: tuple[Repo, Repo]) -> None:
    ada, agent = team
    agent.ok("note", "a", "one", env=AGENT)
    agent.ok("sync", env=AGENT)
    ada.git("push", "-q", "origin", ":gittasks/plan")
    fresh = Repo(os.path.join(os.path.dirname(ada.path), "fresh"))
    git(
        os.path.dirname(ada.path), "clone", "-q", ada.git("remote", "get-url", "origin"), fresh.path
    )
    error = fresh.run("list", "--json").json()["error"]
    assert "origin/claude/plan (plan)" in error["message"]
    assert error["commands"] == [["gittasks", "pull"]]
    fresh.ok("pull")
    assert len(fresh.tasks()["a"]["notes"]) == 1


def test_code_that_a_list_was_merged_into_is_no_list(team: tuple[Repo, Repo]) -> None:
    ada, _ = team
    ada.git("merge", "-q", "--allow-unrelated-histories", "-m", "Oops", "gittasks/plan")
    ada.git("push", "-q", "origin", "main", "gittasks/plan:backup")
    before = ada.head()
    ada.git("fetch", "-q")
    assert ada.ok("sync", "--json").json()["lists"][0]["taken"] == []
    assert ada.head() == before
    assert "code.txt" not in ada.git("ls-tree", "--name-only", "gittasks/plan")


def test_one_name_for_two_lists_is_refused(team: tuple[Repo, Repo]) -> None:
    """Whether both go out together or one is there already; nothing of one goes into the other."""
    _, agent = team
    agent.git("config", "gittasks.pushAs", "claude/tasks")
    agent.ok("init", "second", env=AGENT)
    agent.ok("note", "a", "one", "--list", "plan", env=AGENT)
    both = agent.run("sync", "--all", "--json", env=AGENT).json()["lists"]
    assert [done["error"] and done["error"]["rule"] for done in both] == [None, "branch-name"]
    again = agent.run("sync", "--list", "second", env=AGENT)
    assert again.code == 5
    assert "gittasks.pushAs" in again.err


@pytest.mark.parametrize("name", ["claude/../x", "-x", "a b", "x.lock", "claude//x"])
def test_a_name_that_is_none_is_an_error(team: tuple[Repo, Repo], name: str) -> None:
    _, agent = team
    agent.git("config", "gittasks.pushAs", name)
    wrong = agent.run("sync", env=AGENT)
    assert wrong.code == 4
    assert "gittasks.pushAs" in wrong.err


def test_another_prefix_is_recognised(tmp_path: Path) -> None:
    """A list that was made under another prefix is named with the setting, and nothing is made."""
    ada, bob = clones.share(str(tmp_path), "ada", "bob")
    bob.git("config", "gittasks.branchPrefix", "tasks/")
    wrong = bob.run("list", "--list", "plan", "--no-fetch", "--json").json()["error"]
    assert "origin/gittasks/plan (plan)" in wrong["message"]
    assert ["git", "config", "gittasks.branchPrefix", "gittasks/"] in wrong["decisions"]
    ada.git("config", "gittasks.branchPrefix", "tasks/")
    here = ada.run("list", "--list", "plan", "--no-fetch", "--json").json()["error"]
    assert "gittasks/plan (plan)" in here["message"]
    ada.ok("init", "plan")
    assert set(ada.tasks()) == {"a", "b", "c"}


def test_the_hook_pushes_under_the_other_name(team: tuple[Repo, Repo]) -> None:
    ada, agent = team
    agent.ok("note", "a", "one", env=AGENT)
    told = agent.run("hook", "pre-push", "origin", "url", env=AGENT)
    assert "1 change now on origin" in told.err
    assert "claude/plan" in _branches(agent)
    assert agent.run("hook", "pre-push", "origin", "url", env=AGENT).err == ""
    ada.git("fetch", "-q")
    assert "plan" in ada.run("hook", "pre-push", "origin", "url").err
    assert on_hub(ada) == ada.head()


def test_a_list_that_was_deleted_stays_so(team: tuple[Repo, Repo]) -> None:
    """The branch of an agent that is left over brings nothing back; new work on it does."""
    ada, agent = team
    agent.ok("note", "a", "one", env=AGENT)
    agent.ok("sync", env=AGENT)
    ada.git("fetch", "-q")
    ada.ok("sync")
    ada.ok("drop", "plan")
    ada.ok("drop", "plan", "--purge")
    assert ada.run("sync", "--all").out.strip() == "there is no list to share"
    agent.ok("note", "a", "two", env=AGENT)
    agent.ok("sync", "--accept-rewrite", env=AGENT)
    ada.git("fetch", "-q")
    ada.ok("sync", "--all")
    assert [note["text"] for note in ada.tasks("plan")["a"]["notes"]] == ["one", "two"]
