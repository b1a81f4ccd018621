"""Two sets of rules never merge one list: what newer ones wrote, an older program leaves alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.clones import on_hub, share
from support.repositories import Repo, git, on_path

from gittasks.store import merge_driver


def _raise_rules(repo: Repo) -> None:
    """As `gittasks upgrade-list` of a later version may."""
    text = repo.git("show", "gittasks/plan:list.yaml")
    assert "rules: 1" in text
    repo.hand_edit({"list.yaml": text.replace("rules: 1", "rules: 2") + "\n"})


@pytest.fixture
def apart(tmp_path: Path) -> tuple[Repo, Repo]:
    """Ada's list has newer rules, and is on the hub; Bob has a change of his own."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    bob.ok("note", "a", "mine")
    ada.ok("note", "a", "before")
    _raise_rules(ada)
    ada.git("push", "-q", "origin", "gittasks/plan")
    return ada, bob


def _is_unmerged(repo: Repo, theirs: str) -> bool:
    """True when no commit of the list has what newer rules have written in its history."""
    return theirs not in repo.git("rev-list", "--branches").splitlines()


@pytest.mark.parametrize(
    ("command", "fetched"),
    [
        (["sync"], True),
        (["sync"], False),
        (["sync", "--all"], False),
        (["sync", "--accept-rewrite"], True),
        (["pull"], True),
        (["push"], False),
        (["claim", "b"], True),
        (["claim", "b"], False),
    ],
)
def test_what_meets_a_remote_merges_nothing(
    command: list[str], fetched: bool, apart: tuple[Repo, Repo]
) -> None:
    """Exit code 4 with the way to go on; the list here and the remote's stay as they are."""
    ada, bob = apart
    before, theirs = bob.head(), on_hub(bob)
    if fetched:
        bob.git("fetch", "-q")
    told = bob.run(*command, "--json")
    assert told.code == 4, told
    assert "later version of gittasks" in told.err
    assert bob.head() == before
    assert on_hub(bob) == theirs == ada.head()


def test_reads_and_writes_go_on_beside_it(apart: tuple[Repo, Repo]) -> None:
    """With what is here alone, and they say so."""
    _ada, bob = apart
    bob.git("fetch", "-q")
    theirs = on_hub(bob)
    told = bob.ok("list")
    assert "later version of gittasks" in told.out + told.err
    bob.ok("note", "a", "more")
    assert [note["text"] for note in bob.tasks()["a"]["notes"]] == ["mine", "more"]
    assert _is_unmerged(bob, theirs)


def test_who_has_it_already_changes_nothing(apart: tuple[Repo, Repo]) -> None:
    """Neither a read nor a write understands what it may not merge."""
    ada, _bob = apart
    before = ada.head()
    for command in (["list"], ["note", "a", "more"], ["claim", "b"], ["sync"]):
        told = ada.run(*command)
        assert told.code == 4, told
        assert "merge rules 2; this gittasks knows 1" in told.err
    assert ada.head() == before == on_hub(ada)


@pytest.mark.parametrize("both", [True, False], ids=["both-sides", "their-side"])
@pytest.mark.parametrize("operation", ["merge", "rebase"])
def test_the_driver_leaves_the_merge_to_git(
    operation: str,
    both: bool,
    apart: tuple[Repo, Repo],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two notes are two lines to git: older rules put nothing in order that newer ones wrote."""
    _ada, bob = apart
    if both:
        _raise_rules(bob)
    monkeypatch.setenv("PATH", on_path())
    merge_driver.install(bob.workspace("plan").repository)
    tree = str(tmp_path / "tree")
    git(bob.path, "worktree", "add", "-q", tree, "gittasks/plan")
    bob.git("fetch", "-q")
    command = ["git", operation, "origin/gittasks/plan"]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done
    assert "<<<<<<<" in Path(tree, "tasks/a.yaml").read_text(encoding="utf-8")
    assert "merge rules 2; this gittasks knows 1" in done.stderr
