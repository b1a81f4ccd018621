"""A history is rewritten when an operation is missing; automatic merges may come and go."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from support import agents
from support.clones import on_hub, share
from support.repositories import Repo, git


def _clone_of(repo: Repo, path: Path) -> Repo:
    """A clone of a working repository: an agent's, whose origin is the user's own."""
    git(repo.path, "clone", "-q", "--template=", repo.path, str(path))
    return Repo(str(path))


def _hub(repo: Repo) -> str:
    return repo.git("remote", "get-url", "origin")


def _reset(repo: Repo, back: int) -> None:
    """Move the hub's branch back, as a lagging replica shows it or a person resets it."""
    git(_hub(repo), "update-ref", "refs/heads/gittasks/plan", f"{on_hub(repo)}~{back}")


def _squash(repo: Repo, tmp_path: Path, gone: str) -> None:
    """Let the hub's branch be one new commit without a task."""
    other = tmp_path / "squash"
    git(repo.path, "clone", "-q", "-b", "gittasks/plan", _hub(repo), str(other))
    git(str(other), "rm", "-q", f"tasks/{gone}.yaml")
    made = git(str(other), "commit-tree", git(str(other), "write-tree"), "-m", "squash")
    git(str(other), "push", "-q", "--force", "origin", f"{made}:refs/heads/gittasks/plan")


@pytest.mark.parametrize("synced", [True, False], ids=["after-a-sync", "at-once"])
def test_an_automatic_merge_that_was_dropped_is_no_rewrite(synced: bool, tmp_path: Path) -> None:
    """Who fetched a merge that its maker then left out goes on as if nothing had happened."""
    user, mate = share(str(tmp_path), "user", "mate")
    agent = _clone_of(user, tmp_path / "agent")
    mate.ok("note", "a", "mate 1")
    mate.ok("sync", "-q")
    user.ok("note", "a", "user 1")
    user.ok("pull", "-q")  # an automatic merge that is not pushed
    agent.ok("pull", "-q")
    merged = agent.git("rev-parse", "origin/gittasks/plan")
    mate.ok("note", "a", "mate 2")
    mate.ok("sync", "-q")
    user.ok("sync", "-q")
    assert merged not in user.git("rev-list", "gittasks/plan").splitlines()
    if synced:
        agent.ok("sync", "-q")
    agent.ok("claim", "b", "-q")
    assert user.git("rev-parse", "gittasks/plan") == agent.head()
    notes = {note["text"] for note in agent.tasks("plan")["a"]["notes"]}
    assert notes == {"mate 1", "mate 2", "user 1"}


def test_peers_that_fetch_from_each_other_settle(tmp_path: Path) -> None:
    """Working clones that exchange in random pairs all end with the same, and none is refused."""
    first, *others = share(str(tmp_path), "p0", "p1", "p2", "p3")
    peers = [first, *others]
    for repo in others:
        repo.ok("note", "a", "begin")
    for n, repo in enumerate(peers):
        for m, peer in enumerate(peers):
            if n != m:
                repo.git("remote", "add", f"p{m}", peer.path)
    dice = random.Random(7)
    for turn in range(24):
        repo = dice.choice(peers)
        if dice.random() < 0.5:
            repo.ok("note", "a", f"turn {turn}")
        names = [f"p{m}" for m, peer in enumerate(peers) if peer is not repo]
        repo.ok("pull", dice.choice(names), "-q")
    for _ in range(2):
        for n, repo in enumerate(peers):
            repo.ok("pull", f"p{(n + 1) % 4}", "-q")
            repo.ok("pull", f"p{(n + 2) % 4}", "-q")
            repo.ok("pull", f"p{(n + 3) % 4}", "-q")
    trees = {repo.git("rev-parse", "gittasks/plan^{tree}") for repo in peers}
    assert len(trees) == 1


@pytest.mark.parametrize("command", ["sync", "push", "claim"])
@pytest.mark.parametrize("adopted", [True, False], ids=["adopted", "fetched"])
def test_a_remote_that_is_behind_stops_nothing(command: str, adopted: bool, tmp_path: Path) -> None:
    """What it lacks is still shown, is said by a sync, and goes there with the next push."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    ada.ok("note", "a", "one")
    ada.ok("note", "a", "two")
    ada.ok("sync", "-q")
    if adopted:
        bob.ok("note", "b", "mine")
    bob.ok("sync", "-q")
    _reset(bob, 2)
    bob.git("fetch", "-q")
    assert [n["text"] for n in bob.tasks("plan")["a"]["notes"]] == ["one", "two"]
    said = bob.ok("claim", "c") if command == "claim" else bob.ok(command)
    assert command != "sync" or "behind" in said.out
    assert [n["text"] for n in bob.tasks("plan")["a"]["notes"]] == ["one", "two"]
    if adopted or command == "claim":
        assert on_hub(bob) == bob.head()


def test_programs_are_told_that_a_remote_is_behind(tmp_path: Path) -> None:
    """`sync --json` and the tool say it each, once."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    ada.ok("note", "a", "one")
    ada.ok("sync", "-q")
    bob.ok("note", "b", "mine")
    bob.ok("sync", "-q")
    for told in (_by_command, _by_tool):
        _reset(bob, 1)
        bob.git("fetch", "-q")
        assert told(bob) is True
        assert told(bob) is False


def _by_command(repo: Repo) -> bool:
    (one,) = repo.ok("sync", "--json").json()["lists"]
    return bool(one["behind"])


def _by_tool(repo: Repo) -> bool:
    with agents.in_memory(repo.path, "plan") as agent:
        (one,) = agent.ok("TaskSync")["lists"]
    return bool(one.get("behind", False))


def _by_sync(repo: Repo) -> None:
    repo.ok("sync", "-q")


def _by_git(repo: Repo) -> None:
    repo.git("fetch", "-q")
    repo.ok("list", "-q")


def _nothing(repo: Repo) -> None:
    pass


# Where nothing of ours looked before git fetched the new history, nothing can be known.
@pytest.mark.parametrize(
    ("seen", "adopted", "fetched"),
    [
        case
        for case in product((_by_sync, _by_git, _nothing), (True, False), (True, False))
        if case != (_nothing, False, True)
    ],
)
def test_a_rewritten_history_is_refused_and_accepting_it_loses_nothing(
    seen: Callable[[Repo], None], adopted: bool, fetched: bool, tmp_path: Path
) -> None:
    """In a clone that wrote and in one that only read; whoever fetched it before and after."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    if adopted:
        bob.ok("note", "b", "mine")
    seen(bob)
    _squash(ada, tmp_path, "c")
    if fetched:
        bob.git("fetch", "-q")
    assert set(bob.tasks("plan")) == {"a", "b", "c"}
    refused = bob.run("sync", "--json")
    assert (refused.code, refused.json()["error"]["kind"]) == (7, "history-rewritten")
    assert set(bob.tasks("plan")) == {"a", "b", "c"}
    bob.ok("sync", "--accept-rewrite", "-q")
    assert set(bob.tasks("plan")) == {"a", "b", "c"}
    assert on_hub(bob) == bob.head()


@pytest.mark.parametrize("fetched", ["synced", "by-git"])
def test_a_push_puts_nothing_back_that_was_removed(fetched: str, tmp_path: Path) -> None:
    """It does not fetch, and obeys the same rule as a sync all the same."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    if fetched == "synced":
        bob.ok("sync", "-q")
    bob.ok("note", "a", "made here")
    git(_hub(ada), "update-ref", "-d", "refs/heads/gittasks/plan")
    refused = bob.run("push", "--json")
    assert refused.code == 7
    error = refused.json()["error"]
    assert error["kind"] == "history-rewritten"
    assert "was removed from origin" in error["message"]
    assert not on_hub(bob)
    bob.ok("push", "--accept-rewrite", "-q")
    assert on_hub(bob) == bob.head()


def test_what_is_gone_with_its_branch_is_said_by_exchanges_and_lists(tmp_path: Path) -> None:
    """`git branch -D` and a prune leave nothing to read, and no exchange fails over it."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    bob.ok("note", "a", "made here")
    git(_hub(ada), "update-ref", "-d", "refs/heads/gittasks/plan")
    bob.git("fetch", "-q", "--prune")
    bob.git("branch", "-q", "-D", "gittasks/plan")
    for args in (["lists"], ["sync"], ["pull"], ["sync", "--all"]):
        told = bob.run(*args)
        assert told.code == 0, told.err
        assert "missing from the branch" in told.err
        assert "gittasks lists restore plan" in told.err
        assert "gittasks lists forget plan" in told.err
    named = bob.run("sync", "--list=plan", "--json")
    assert named.code == 8
    restore = ["gittasks", "lists", "restore", "plan"]
    assert restore in [words[:4] for words in named.json()["error"]["commands"]]
    bob.ok("lists", "restore", "plan")
    assert [note["text"] for note in bob.tasks("plan")["a"]["notes"]] == ["made here"]
    bob.git("branch", "-q", "-D", "gittasks/plan")
    bob.ok("lists", "forget", "plan")
    assert "missing from the branch" not in bob.run("lists").err


@pytest.mark.parametrize("adopted", [True, False], ids=["adopted", "fetched"])
@pytest.mark.parametrize("command", [["sync"], ["claim", "b"]], ids=["sync", "claim"])
def test_a_new_address_lost_nothing_that_the_old_one_had(
    adopted: bool, command: list[str], tmp_path: Path
) -> None:
    """The forge moved before the last push: its new address never showed what went to the old."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    moved = str(tmp_path / "moved.git")
    git(str(tmp_path), "clone", "-q", "--bare", _hub(ada), moved)
    if adopted:
        bob.ok("note", "a", "mine")
        bob.ok("sync", "-q")
    else:
        ada.ok("note", "a", "another's")
        ada.ok("sync", "-q")
        bob.ok("sync", "-q")
    git(str(tmp_path), "clone", "-q", moved, "cyd")
    cyd = Repo(str(tmp_path / "cyd"))
    cyd.ok("note", "a", "at the new address", "--list=plan")
    cyd.ok("sync", "-q")
    bob.git("remote", "set-url", "origin", moved)
    bob.ok(*command, "--list=plan", "-q")
    notes = {note["text"] for note in bob.tasks("plan")["a"]["notes"]}
    assert notes == {"at the new address", *["mine"][: bool(adopted)]}
    _squash(cyd, tmp_path, "c")
    assert bob.run("sync", "--list=plan").code == 7, "what it shows from now on is known"
