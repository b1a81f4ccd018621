"""Worktrees on a list's branch: which there are, what is in the way there, and whose a file is."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from support.repositories import Repo

from gittasks.errors import Busy, Refused
from gittasks.store import git, worktrees
from gittasks.store.disk import Backoff
from gittasks.store.repository import Repository
from gittasks.store.worktrees import Checkout

REF = "refs/heads/gittasks/plan"


def _opened(path: str, **env: str) -> Repository:
    return Repository(path, {**os.environ, **env})


@pytest.fixture
def tree(listed: Repo, tmp_path: Path) -> Repo:
    """A linked worktree on the branch of the list."""
    listed.git("worktree", "add", "-q", str(tmp_path / "tree"), "gittasks/plan")
    return Repo(str(tmp_path / "tree"))


def _dir(tree: Repo) -> Path:
    return Path(tree.git("rev-parse", "--absolute-git-dir"))


def _clean(repo: Repo) -> list[Checkout]:
    return worktrees.find_clean(_opened(repo.path), REF, repo.head())


def _refused(repo: Repo) -> Refused:
    with pytest.raises(Refused) as caught:
        _clean(repo)
    assert caught.value.rule == "checked-out"
    return caught.value


class TestPlaces:
    """The folders in which the branch is checked out."""

    def test_the_main_one_and_the_linked_ones(self, listed: Repo, tree: Repo) -> None:
        assert worktrees.folders(_opened(listed.path), REF) == [tree.path]
        tree.git("checkout", "-q", "--detach")
        assert worktrees.folders(_opened(listed.path), REF) == []
        listed.git("checkout", "-q", "gittasks/plan")
        for path in (listed.path, tree.path):
            assert worktrees.folders(_opened(path), REF) == [listed.path]
        assert _clean(listed) == [Checkout(listed.path, listed.git_dir, listed.head())]
        assert worktrees.folders(_opened(listed.path), "refs/heads/main") == []

    def test_one_whose_files_are_elsewhere(self, listed: Repo, tmp_path: Path) -> None:
        """By `core.worktree`, from the git dir; where nothing tells, beside that."""
        listed.git("checkout", "-q", "gittasks/plan")
        env = {"GIT_DIR": listed.git_dir}
        assert worktrees.folders(_opened(str(tmp_path), **env), REF) == [listed.path]
        (tmp_path / "files").mkdir()
        listed.git("config", "core.worktree", "../../files")
        files = str(tmp_path / "files")
        assert worktrees.folders(_opened(str(tmp_path), **env), REF) == [files]
        listed.git("config", "--unset", "core.worktree")
        listed.git("config", "core.bare", "true")
        assert worktrees.folders(_opened(listed.path), REF) == []
        listed.git("config", "core.bare", "false")
        moved = tmp_path / "elsewhere"
        Path(listed.git_dir).rename(moved)
        assert worktrees.folders(_opened(str(tmp_path), GIT_DIR=str(moved)), REF) == []

    def test_one_that_was_deleted_by_hand_is_none(self, listed: Repo, tree: Repo) -> None:
        git_dir = _dir(tree)
        os.rename(tree.path, f"{tree.path}-gone")
        assert worktrees.folders(_opened(listed.path), REF) == []
        os.rename(f"{tree.path}-gone", tree.path)
        (git_dir / "gitdir").unlink()
        assert worktrees.folders(_opened(listed.path), REF) == []

    @pytest.mark.parametrize("name", ["rebase-merge", "rebase-apply"])
    def test_one_whose_rebase_of_it_is_not_finished(
        self, listed: Repo, tree: Repo, name: str
    ) -> None:
        tree.git("checkout", "-q", "--detach")
        folder = _dir(tree) / name
        folder.mkdir()
        (folder / "head-name").write_text("refs/heads/other\n")
        assert worktrees.folders(_opened(listed.path), REF) == []
        (folder / "head-name").write_text(f"{REF}\n")
        assert worktrees.folders(_opened(listed.path), REF) == [tree.path]


class TestObstacles:
    """What stops a write before anything has moved, said with the folder and what to do there."""

    @pytest.mark.parametrize(
        ("name", "operation"),
        [
            ("rebase-merge", "rebase"),
            ("rebase-apply", "rebase"),
            ("MERGE_HEAD", "merge"),
            ("CHERRY_PICK_HEAD", "cherry-pick"),
            ("REVERT_HEAD", "revert"),
        ],
    )
    def test_an_operation_under_way(
        self, listed: Repo, tree: Repo, name: str, operation: str
    ) -> None:
        (_dir(tree) / name).touch()
        error = _refused(listed)
        assert error.message == (
            f"{tree.path} is in the middle of a {operation} of the list's branch"
        )
        assert error.hint == f"finish it there first; see: git -C {tree.path} status"

    def test_a_change(self, listed: Repo, tree: Repo) -> None:
        Path(tree.file("tasks/a.yaml")).write_text("x\n")
        error = _refused(listed)
        assert error.message == (
            f"the list's branch is checked out in {tree.path}, with uncommitted changes"
        )
        assert str(error.hint).startswith("commit or undo them there, or switch that worktree to")
        tree.git("add", ".")
        assert _refused(listed).message == error.message
        tree.git("reset", "-q", "--hard")
        assert [checkout.base for checkout in _clean(listed)] == [listed.head()]

    def test_a_file_in_the_way(self, listed: Repo, tree: Repo) -> None:
        checkouts = _clean(listed)
        Path(tree.file("new")).write_text("mine")
        blob = listed.blob("theirs")
        head = listed.head()
        new = listed.hand_edit({}, raw_entries=[f"100644 {blob}\tnew"])
        listed.git("update-ref", REF, head)
        with pytest.raises(Refused) as caught:
            worktrees.check_movable(_opened(listed.path), checkouts, new)
        assert caught.value.message.startswith(
            f"the list's branch is checked out in {tree.path}, which cannot be updated: "
        )
        assert str(caught.value.hint).startswith("move that file away, or switch that worktree")
        assert worktrees.bring_along(_opened(listed.path), checkouts, new) == (tree.path,)
        assert tree.read("new") == "mine"
        os.unlink(tree.file("new"))
        worktrees.check_movable(_opened(listed.path), checkouts, new)
        assert not os.path.exists(tree.file("new"))
        assert worktrees.bring_along(_opened(listed.path), checkouts, new) == ()
        assert tree.read("new") == "theirs"
        assert worktrees.bring_along(_opened(listed.path), checkouts, "0" * 40) == (tree.path,)

    def test_an_index_that_stays_locked(
        self, listed: Repo, tree: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(worktrees, "_INDEX_ATTEMPTS", 3)
        waits: list[int] = []
        monkeypatch.setattr(Backoff, "wait", lambda _, attempt: waits.append(attempt))
        lock = _dir(tree) / "index.lock"
        lock.touch()
        moment = time.time() - 90
        os.utime(lock, (moment, moment))
        with pytest.raises(Busy) as caught:
            _clean(listed)
        assert waits == [0, 1, 2]
        assert caught.value.where == str(lock)
        assert caught.value.message.startswith(
            f"the list's branch is checked out in {tree.path}, where the index is locked, for 9"
        )
        assert "if no git is running there, that lock file is a leftover" in str(caught.value.hint)

    def test_one_that_is_free_again(
        self, listed: Repo, tree: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lock = _dir(tree) / "index.lock"
        lock.touch()
        monkeypatch.setattr(Backoff, "wait", lambda *_: lock.unlink())
        assert [checkout.folder for checkout in _clean(listed)] == [tree.path]

    def test_a_git_that_is_killed_every_time(
        self, listed: Repo, tree: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Once is nothing."""
        kills = [-9, -9, -9]
        real = git.run

        def run(args: list[str], **options: object) -> object:
            if "update-index" in args and kills:
                return git.Completed(kills.pop(), b"", b"")
            return real(args, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(git, "run", run)
        with pytest.raises(Busy) as caught:
            _clean(listed)
        assert caught.value.message == (
            f"git was killed while it looked at {tree.path}, where the list's branch is checked out"
        )
        assert caught.value.hint == "nothing was changed; run this again"
        assert len(kills) == 1
        assert [checkout.folder for checkout in _clean(listed)] == [tree.path]
        assert kills == []


class TestFiles:
    """A file that a killed git of ours was about to write: as it was, as it should be, or half."""

    @pytest.mark.parametrize(
        ("content", "ours"),
        [
            (None, True),
            (b"old", True),
            (b"new text", True),
            (b"new", True),
            (b"", True),
            (b"new text and more", False),
            (b"mine", False),
        ],
    )
    def test_of_both_versions(
        self, repo: Repo, tmp_path: Path, content: bytes | None, ours: bool
    ) -> None:
        old, new = repo.blob("old"), repo.blob("new text")
        path = tmp_path / "file"
        if content is not None:
            path.write_bytes(content)
        assert worktrees._is_between(_opened(repo.path), str(path), old, new) is ours

    def test_of_one_version_alone(self, repo: Repo, tmp_path: Path) -> None:
        """One that comes may be half there, one that goes may not."""
        blob, none = repo.blob("text"), "0" * 40
        path = tmp_path / "file"
        repository = _opened(repo.path)
        for content, comes, goes in ((b"text", True, True), (b"te", True, False)):
            path.write_bytes(content)
            assert worktrees._is_between(repository, str(path), none, blob) is comes
            assert worktrees._is_between(repository, str(path), blob, none) is goes
        path.unlink()
        path.mkdir()
        assert not worktrees._is_between(repository, str(path), none, blob)


def test_a_checkout_that_lags_behind_a_move_of_ours_is_known(listed: Repo, tree: Repo) -> None:
    """By the reflog; not once its index was written since: then it is the user's doing."""
    earlier = listed.head()
    index = _dir(tree) / "index"
    before = index.stat()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worktrees, "bring_along", lambda *_: ())
        listed.workspace("plan").note("a", "x")
    os.utime(index, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [checkout.base for checkout in _clean(listed)] == [earlier]
    os.utime(index, (time.time() + 5, time.time() + 5))
    assert "uncommitted changes" in _refused(listed).message
    tree.git("reset", "-q", "--hard")
    assert [checkout.base for checkout in _clean(listed)] == [listed.head()]
