"""`insights` on the history of real repositories: text, JSON, several lists, code commits."""

from __future__ import annotations

from pathlib import Path

from support.clones import share
from support.repositories import Repo

from gittasks.core.model import CodeCommit
from gittasks.core.operations import LinkCommit

_BEGAN = 1893456000


def at(minute: int, **who: str) -> dict[str, str]:
    """The environment in which a command happens at that minute of 2030, as an agent."""
    return {"GIT_AUTHOR_DATE": f"{_BEGAN + 60 * minute} +0000", **who}


def agent(name: str, minute: int) -> dict[str, str]:
    """The same for an agent in a session of its own."""
    return at(minute, GITTASKS_OWNER=name, GITTASKS_SESSION=f"of-{name}")


def test_what_cost_most_comes_first_with_its_commits(empty: Repo) -> None:
    """Text and JSON name the same; nothing is written."""
    for name in "ab":
        empty.ok("create", f"Task {name}", "--id", name, env=at(0))
    empty.ok("start", "a", env=agent("ann", 0))
    empty.ok("done", "a", env=agent("ann", 10))
    empty.ok("start", "b", env=agent("bob", 70))
    empty.ok("done", "b", env=agent("bob", 80))
    before = empty.head()
    shown = empty.ok("insights", env=at(90)).out.splitlines()
    assert shown[1] == "What cost most:"
    words = "nobody worked for 1 hour while b was ready, until bob (session of-bob) began b"
    assert shown[2].startswith(f"  1. {words} [")
    assert any(line.startswith("  b: waited 1 h 10 min, active 10 min [") for line in shown)
    assert any(line.startswith("  ann (session of-ann): 1 task, 10 min useful") for line in shown)
    (part,) = empty.ok("insights", "--json", env=at(90)).json()["lists"]
    (loss,) = part["top"]
    assert (loss["kind"], loss["tasks"], loss["seconds"]) == ("idle", ["b"], 3600)
    ids = empty.git("rev-list", "gittasks/plan").split()
    assert set(loss["commits"]) < set(ids)
    assert empty.head() == before
    since = empty.ok("insights", "--since", "2030-01-01T01:00:00Z", "--json", env=at(90))
    (late,) = since.json()["lists"]
    assert late["tasks"][0]["task"] == "b"
    assert late["since"] == "2030-01-01T01:00:00Z"


def test_two_clones_that_did_one_task_are_found(tmp_path: Path) -> None:
    """A start in each, without a claim; the merge shows one of them."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    ada.ok("start", "a", env=agent("ada", 10))
    bob.ok("start", "a", env=agent("bob", 12))
    ada.ok("done", "a", env=agent("ada", 30))
    bob.ok("done", "a", env=agent("bob", 40))
    ada.ok("push", "-q")
    bob.ok("sync", "-q")
    (part,) = bob.ok("insights", "--json").json()["lists"]
    kinds = [loss["kind"] for loss in part["losses"] if loss["kind"] != "idle"]
    assert kinds == ["done twice"]


def test_all_lists_and_a_list_without_work(empty: Repo) -> None:
    """One part for each list; a list in which nothing happened says so."""
    empty.ok("init", "other")
    shown = empty.ok("insights", "--all").out
    assert shown.split("\n\n") == [
        "other\nnothing has happened yet",
        "plan\nnothing has happened yet\n",
    ]


def test_a_repository_without_a_list_has_nothing_to_show(repo: Repo) -> None:
    """With --all too, the answer is how to make one."""
    for options in ((), ("--all",)):
        refused = repo.run("insights", *options)
        assert (refused.code, "has no task list" in refused.err) == (8, True)


def test_a_commit_outside_the_declared_paths(empty: Repo) -> None:
    """One that is not in this clone is passed over, and an id of another hash, or cut short."""
    empty.ok("create", "Parser", "--id", "a", "--path", "src/**")
    empty.ok("start", "a")
    empty.write("docs.md", "text\n")
    empty.git("add", "docs.md")
    empty.git("commit", "-qm", "Docs")
    for commit in (empty.git("rev-parse", "HEAD"), "1" * 40, "2" * 64, "33333333"):
        empty.edit(LinkCommit("a", CodeCommit(commit)))
    words = "a changed docs.md, outside its paths"
    assert words in empty.ok("insights").out
