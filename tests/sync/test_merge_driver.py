"""The merge driver: plain `git merge` and `git pull` merge as a sync does."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support import clones, repositories
from support.clones import Pair, assert_nothing_lost, automatic, compete, merge, on_hub, settle
from support.repositories import Repo, on_path


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """Two clones; Bob's list is checked out in a worktree."""
    return clones.checked_out(tmp_path)


@pytest.fixture
def driven(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """With the driver in Bob's clone, and gittasks on the PATH."""
    monkeypatch.setenv("PATH", on_path())
    pair.bob.ok("hooks", "install")
    return pair


def twin_of(repo: Repo, path: Path) -> Repo:
    """A copy of a clone, without its worktrees."""
    shutil.copytree(repo.path, path)
    shutil.rmtree(path / ".git" / "worktrees", ignore_errors=True)
    return Repo(str(path))


def tree_of(repo: Repo, commit: str = "gittasks/plan") -> str:
    return repo.git("rev-parse", f"{commit}^{{tree}}")


def test_a_pull_with_the_driver_is_the_merge_of_a_sync(driven: Pair, tmp_path: Path) -> None:
    """No conflict stops it, the tree is the same to the byte, and the next sync adds nothing."""
    ada, bob, tree = driven
    compete(driven)
    twin = twin_of(bob, tmp_path / "twin")
    tree.git("pull", "-q", "--no-rebase", "--no-edit")
    assert twin.sync().error is None
    assert tree_of(bob) == tree_of(twin)
    assert_nothing_lost(bob)
    mine = bob.head()
    settle(bob, ada)
    assert on_hub(ada) == bob.head()
    assert bob.git("merge-base", "--is-ancestor", mine, bob.head()) == ""
    assert tree_of(bob) == tree_of(twin)


def test_both_sides_driven_at_once_come_to_one(driven: Pair, tmp_path: Path) -> None:
    """Ada merges Bob's and Bob Ada's, each with the driver: the same tree, and one head at last."""
    ada, bob, tree = driven
    compete(driven)
    ada.ok("hooks", "install")
    ada.git("fetch", "-q", bob.path, "gittasks/plan:bobs")
    ada.git("worktree", "add", "-q", str(tmp_path / "hers"), "gittasks/plan")
    repositories.git(str(tmp_path / "hers"), "merge", "-q", "--no-edit", "bobs")
    merge(tree)
    assert tree_of(ada) == tree_of(bob)
    assert ada.head() != bob.head()
    settle(ada, bob)
    assert_nothing_lost(ada)


def test_without_gittasks_on_the_path_the_driver_falls_back(pair: Pair) -> None:
    """It is git's own merge then, with markers where lines compete; healed by the next sync."""
    ada, bob, tree = pair
    bob.ok("hooks", "install")
    compete(pair)
    path = os.pathsep.join([os.path.dirname(shutil.which("git") or ""), os.defpath])
    assert shutil.which("gittasks", path=path) is None
    env = {"PATH": path}
    command = ["git", "merge", "-q", "--no-edit", "origin/gittasks/plan"]
    done = subprocess.run(command, cwd=tree.path, env={**os.environ, **env}, check=False)
    assert done.returncode == 1
    text = tree.read("tasks/a.yaml")
    assert all(f"subject: {who}'s" in text for who in ("Ada", "Bob"))
    assert "description: Ada's" in text
    assert "activeForm: Bob's" in text
    assert tree.git("diff", "--name-only", "--diff-filter=U") == "tasks/a.yaml"
    tree.git("commit", "-qam", "Merge, markers and all")
    settle(bob, ada)
    assert_nothing_lost(ada, None)
    assert automatic(bob) == 1


def test_a_version_that_cannot_be_read_is_left_to_git(driven: Pair) -> None:
    """The driver gives up on that file alone: git's markers, nothing silently dropped."""
    ada, bob, tree = driven
    compete(driven)
    ada.hand_edit({"tasks/a.yaml": "subject: Ada's\n" + clones.BROKEN})
    ada.sync()
    bob.git("fetch", "-q")
    assert merge(tree, check=False) == 1
    assert tree.git("diff", "--name-only", "--diff-filter=U") == "tasks/a.yaml"
    assert "<<<<<<<" in tree.read("tasks/a.yaml")
    assert "result: Ada's" in tree.read("tasks/b.yaml")


def _drive(tree: Repo, base: str, ours: str, theirs: str) -> str:
    """What the driver makes of three versions when git tells it of no merge."""
    for name, text in (("O", base), ("A", ours), ("B", theirs)):
        tree.write(name, text)
    tree.ok("merge-driver", "O", "A", "B", "tasks/a.yaml")
    return tree.read("A")


@pytest.mark.parametrize("base", [True, False])
def test_without_heads_the_driver_merges_three_versions(driven: Pair, base: bool) -> None:
    """The same either way round; with itself it changes nothing; nothing uncontested is lost."""
    tree = driven.tree
    root = tree.read("tasks/a.yaml")
    ours = root.replace("Task a", "Ours") + "metadata:\n  ours: 1\n"
    theirs = "# theirs\n" + root.replace("pending", "completed") + "metadata:\n  theirs: 1\n"
    given = root if base else ""
    merged = _drive(tree, given, ours, theirs)
    assert _drive(tree, given, theirs, ours) == merged
    assert _drive(tree, given, ours, ours) == ours
    assert "status: completed\n" in merged
    assert "  ours: 1\n" in merged
    assert "  theirs: 1\n" in merged
    if base:
        assert "subject: Ours\n" in merged
        assert _drive(tree, root, ours, root) == ours
        assert _drive(tree, root, root, theirs) == theirs


# --- setting it up ---------------------------------------------------------------------------


def test_install_and_uninstall_leave_no_trace(repo: Repo) -> None:
    """Twice changes nothing; uninstall gives the configuration back as it was, to the byte."""
    path = Path(repo.git_dir, "config")
    path.write_bytes(path.read_bytes() + b"# mine\n[alias]\n\tx = log\n")
    before = path.read_bytes()
    assert repo.run("hooks", "status").code == 1
    repo.ok("hooks", "install")
    installed = path.read_bytes()
    assert installed != before
    assert repo.ok("hooks", "install", "--json").json()["changed"] is False
    assert path.read_bytes() == installed
    assert repo.run("hooks", "status").code == 0
    repo.ok("hooks", "uninstall")
    assert path.read_bytes() == before
    assert repo.ok("hooks", "uninstall", "--json").json()["changed"] is False
    assert path.read_bytes() == before
