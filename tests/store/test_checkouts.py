"""A worktree that has the list's branch checked out is brought along, or the write refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.repositories import Repo

from gittasks.core.operations import Create
from gittasks.store import worktrees


@pytest.fixture
def tree(listed: Repo, tmp_path: Path) -> Repo:
    """A linked worktree on the branch of the list."""
    listed.git("worktree", "add", "-q", str(tmp_path / "tree"), "gittasks/plan")
    return Repo(str(tmp_path / "tree"))


def assert_equals_head(tree: Repo) -> None:
    """Index and files are those of the branch."""
    assert tree.git("status", "--porcelain") == ""
    assert tree.git("write-tree") == tree.git("rev-parse", "HEAD^{tree}")
    assert tree.git("diff", "HEAD", "--stat") == ""


@pytest.mark.parametrize("where", ["linked", "main", "inside"])
def test_a_clean_checkout_is_brought_along(listed: Repo, tmp_path: Path, where: str) -> None:
    """Files and index equal the branch after each write, wherever the command ran."""
    place = caller = listed
    if where == "main":
        listed.git("checkout", "-q", "gittasks/plan")
    else:
        place = Repo(str(tmp_path / "tree"))
        listed.git("worktree", "add", "-q", place.path, "gittasks/plan")
        caller = place if where == "inside" else listed
    caller.ok("start", "a")
    assert "in_progress" in place.read("tasks/a.yaml")
    assert_equals_head(place)
    caller.ok("create", "New", "--id", "new")
    assert os.path.exists(place.file("tasks/new.yaml"))
    caller.ok("undo")
    assert_equals_head(place)


def test_untracked_and_ignored_files_there_are_left_alone(listed: Repo, tree: Repo) -> None:
    tree.write("mine.txt", "mine\n")
    tree.write("tasks/mine.txt", "mine\n")
    listed.ok("start", "a")
    assert tree.read("mine.txt") == tree.read("tasks/mine.txt") == "mine\n"
    assert tree.git("status", "--porcelain", "--untracked-files=no") == ""


@pytest.mark.parametrize("dirt", ["file", "index", "removed", "added"])
def test_a_dirty_checkout_is_refused_and_nothing_is_written(
    listed: Repo, tree: Repo, dirt: str
) -> None:
    """Exit 5, naming the worktree; ref, files and objects are as before."""
    if dirt in ("file", "index"):
        tree.write("tasks/b.yaml", "subject: Half done\n")
    if dirt == "index":
        tree.git("add", "-A")
    if dirt == "removed":
        os.unlink(tree.file("tasks/b.yaml"))
    if dirt == "added":
        tree.write("x.txt", "x\n")
        tree.git("add", "x.txt")
    before = listed.head(), tree.git("status", "--porcelain=v2"), listed.git("count-objects")
    result = listed.run("start", "a", "--json")
    assert result.code == 5
    assert result.json()["error"]["rule"] == "checked-out"
    assert tree.path in result.json()["error"]["message"]
    assert (listed.head(), tree.git("status", "--porcelain=v2"), listed.git("count-objects")) == (
        before
    )


def test_a_file_that_was_only_touched_is_clean(listed: Repo, tree: Repo) -> None:
    os.utime(tree.file("tasks/a.yaml"), (1, 1))
    listed.ok("start", "a")
    assert_equals_head(tree)


def test_an_untracked_file_in_the_way_is_refused(listed: Repo, tree: Repo) -> None:
    """It would be overwritten: exit 5, and the file and the branch stay."""
    tree.write("tasks/new.yaml", "precious\n")
    before = listed.head()
    result = listed.run("create", "New", "--id", "new")
    assert result.code == 5
    assert "new.yaml" in result.err
    assert tree.read("tasks/new.yaml") == "precious\n"
    assert listed.head() == before
    listed.ok("start", "a")


def _killed_before_it_brought_along(repo: Repo) -> None:
    """A writer of ours that dies between the move of the ref and the worktree's turn."""
    code = (
        "import os, signal\n"
        "from gittasks.store import worktrees\n"
        "worktrees.bring_along = lambda *a: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from gittasks.cli.main import run\n"
        "run(['note', 'b', 'of the dead'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=repo.path, check=False)
    assert done.returncode == -9


def test_a_checkout_that_a_killed_writer_left_behind_is_mended(listed: Repo, tree: Repo) -> None:
    """The next write brings it along."""
    old = listed.head()
    _killed_before_it_brought_along(listed)
    assert tree.git("diff", "--cached", "--name-only") == "tasks/b.yaml"
    listed.ok("start", "a")
    assert "of the dead" in tree.read("tasks/b.yaml")
    assert_equals_head(tree)
    assert listed.git("rev-parse", "gittasks/plan~2") == old


def test_a_branch_moved_by_another_program_is_no_lag_of_ours(listed: Repo, tree: Repo) -> None:
    """It may as well be a revert that the user has staged: refused."""
    listed.hand_edit({"README.md": "by plumbing\n"})
    staged = tree.git("diff", "--cached", "--name-status")
    assert listed.run("start", "a").code == 5
    assert tree.git("diff", "--cached", "--name-status") == staged != ""


@pytest.mark.parametrize("how", ["revert", "checkout", "merge"])
def test_a_staged_revert_is_the_users_work(listed: Repo, tree: Repo, how: str) -> None:
    """It equals an older commit, as a lag does; it is refused and stays as it is."""
    listed.ok("note", "b", "to be reverted")
    if how == "revert":
        tree.git("revert", "--no-commit", "HEAD")
    elif how == "checkout":
        tree.git("checkout", "HEAD~1", "--", ".")
    else:
        side = listed.git(
            "commit-tree", "-p", "gittasks/plan~1", "-m", "side", "gittasks/plan~1^{tree}"
        )
        tree.git("merge", "-q", "--no-commit", "-s", "ours", side)
    before = tree.git("status", "--porcelain=v2"), listed.head()
    assert listed.run("start", "a").code == 5
    assert (tree.git("status", "--porcelain=v2"), listed.head()) == before


def test_a_checkout_that_cannot_be_brought_along_is_named(
    listed: Repo, tree: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write is done and said to be done; the folder is told."""
    real = worktrees.check_movable

    def late(*args: object) -> None:
        real(*args)  # type: ignore[arg-type]
        tree.write("tasks/new.yaml", "came in between\n")

    monkeypatch.setattr(worktrees, "check_movable", late)
    workspace = listed.workspace()
    assert workspace.edit([Create("new", id="new")]).commit == listed.head()
    assert [tree.path in notice for notice in workspace.notices] == [True]
    assert tree.read("tasks/new.yaml") == "came in between\n"


def test_two_checkouts_are_both_brought_along(listed: Repo, tree: Repo, tmp_path: Path) -> None:
    second = Repo(str(tmp_path / "second"))
    listed.git("worktree", "add", "-qf", second.path, "gittasks/plan")
    listed.ok("start", "a")
    assert_equals_head(tree)
    assert_equals_head(second)


def test_a_worktree_that_was_deleted_by_hand_is_no_obstacle(listed: Repo, tree: Repo) -> None:
    for root, folders, files in os.walk(tree.path, topdown=False):
        for name in files:
            os.unlink(os.path.join(root, name))
        for name in folders:
            os.rmdir(os.path.join(root, name))
    os.rmdir(tree.path)
    listed.ok("start", "a")


def test_no_hook_runs_in_a_checkout_that_is_brought_along(
    listed: Repo, tree: Repo, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    hooks = Path(listed.git_dir, "hooks")
    hooks.mkdir(exist_ok=True)
    for name in ("post-index-change", "post-checkout", "reference-transaction", "monitor"):
        (hooks / name).write_text(f'#!/bin/sh\necho {name} >> "{canary}"\n')
        (hooks / name).chmod(0o755)
    listed.git("config", "core.fsmonitor", str(hooks / "monitor"))
    listed.ok("start", "a")
    assert not canary.exists(), canary.read_text()
    listed.git("config", "--unset", "core.fsmonitor")
    listed.git("config", "core.hooksPath", os.devnull)
    assert_equals_head(tree)


@pytest.mark.parametrize("backend", ["merge", "apply"])
def test_a_write_during_a_rebase_of_the_list_is_refused(
    listed: Repo, tree: Repo, backend: str
) -> None:
    """HEAD is detached there, and the branch is where the rebase began: it could never end."""
    start = listed.git("rev-parse", "gittasks/plan")
    text = tree.read("tasks/a.yaml")
    for number, subject in enumerate(("X", "Y")):
        if number:
            tree.git("checkout", "-q", "-B", "gittasks/plan", "gittasks/plan~1")
        tree.write("tasks/a.yaml", f"subject: {subject}\n{text.partition(chr(10))[2]}")
        tree.git("commit", "-q", "-a", "-m", subject)
        tree.git("branch", "-f", subject.lower())
    with pytest.raises(AssertionError, match="rebase"):
        tree.git("rebase", "-q", f"--{backend}", "x")
    before = listed.git("rev-parse", "gittasks/plan")
    refused = listed.run("start", "a", "--json")
    assert (refused.code, refused.json()["error"]["rule"]) == (5, "checked-out")
    assert "in the middle of a rebase" in refused.json()["error"]["message"]
    assert listed.git("rev-parse", "gittasks/plan") == before != start
    tree.git("rebase", "--skip")
    listed.ok("start", "a")
    assert_equals_head(tree)


def test_another_branch_may_be_rebased_meanwhile(listed: Repo, tree: Repo) -> None:
    """A detached HEAD alone, or one of another branch, stops nothing."""
    tree.git("checkout", "-q", "--detach")
    listed.ok("start", "a")
