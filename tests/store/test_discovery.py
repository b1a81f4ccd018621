"""The repository that git would find, and whose it is: settled before a file of it is believed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from support.repositories import Repo, git

from gittasks import store
from gittasks.errors import NoRepository, Untrusted, Usage
from gittasks.store import discovery
from gittasks.store.discovery import GitDir, check_trust, discover
from gittasks.store.git import Completed


def _made(path: Path) -> Path:
    """What makes a folder a git directory."""
    for name in ("objects", "refs"):
        (path / name).mkdir(parents=True)
    (path / "HEAD").write_text("ref: refs/heads/main\n")
    return path


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A work tree with a folder in it."""
    _made(tmp_path / "top" / ".git")
    (tmp_path / "top" / "deep" / "er").mkdir(parents=True)
    return tmp_path / "top"


def _found(start: Path, **env: str) -> GitDir:
    return discover(str(start), env)


def test_it_is_looked_for_upwards(top: Path) -> None:
    expected = GitDir(f"{top}/.git", f"{top}/.git", str(top))
    assert _found(top) == _found(top / "deep") == _found(top / "deep" / "er") == expected
    with pytest.raises(Usage, match="no such folder: "):
        _found(top / "none")


def test_but_not_into_a_ceiling(top: Path, tmp_path: Path) -> None:
    """What stands there is real, and may be a link; the folder itself is looked at."""
    (tmp_path / "link").symlink_to(top)
    deep = top / "deep"
    for ceiling in (str(top), f"/none{os.pathsep}{tmp_path / 'link'}"):
        with pytest.raises(NoRepository) as caught:
            _found(deep, GIT_CEILING_DIRECTORIES=ceiling)
        assert caught.value.message == f"not in a git repository: {deep}"
        assert caught.value.hint == "go into one, or make one with: git init"
        assert _found(top, GIT_CEILING_DIRECTORIES=ceiling).work_tree == str(top)
    assert _found(deep, GIT_CEILING_DIRECTORIES=f"top{os.pathsep}").work_tree == str(top)


@pytest.mark.parametrize("lacking", ["HEAD", "objects", "refs"])
def test_what_is_no_git_directory_is_passed_over(top: Path, lacking: str) -> None:
    (top / ".git" / lacking).rename(top / "away")
    with pytest.raises(NoRepository):
        _found(top / "deep")


def test_a_bare_one_has_no_work_tree(tmp_path: Path) -> None:
    bare = _made(tmp_path / "bare.git")
    (bare / "hooks").mkdir()
    for start in (bare, bare / "hooks"):
        assert _found(start) == GitDir(str(bare), str(bare), None)


def test_a_link_file_leads_to_a_worktree_s_own_directory(top: Path, tmp_path: Path) -> None:
    own = top / ".git" / "worktrees" / "tree"
    own.mkdir(parents=True)
    (own / "HEAD").write_text("x")
    (own / "commondir").write_text("../..\n")
    tree = tmp_path / "tree"
    tree.mkdir()
    for target in (str(own), "../top/.git/worktrees/tree"):
        (tree / ".git").write_text(f"gitdir: {target}\r\n")
        assert _found(tree) == GitDir(str(own), f"{top}/.git", str(tree))
    (tree / ".git").write_text("gitdir: /none\n")
    with pytest.raises(NoRepository) as caught:
        _found(tree)
    message = f"{tree}/.git points to a git directory that is not there"
    assert (caught.value.message, caught.value.hint) == (
        message,
        "git worktree repair may fix the link",
    )
    (tree / ".git").write_text("none\n")
    with pytest.raises(NoRepository) as caught:
        _found(tree)
    assert caught.value.message == f"{tree}/.git is not a git link file"
    assert caught.value.hint == "git worktree repair may fix it"


def test_variables_say_where_it_is(top: Path, tmp_path: Path) -> None:
    other = _made(tmp_path / "other.git")
    assert _found(top, GIT_DIR=str(other)) == GitDir(str(other), str(other), str(top))
    relative = _found(top, GIT_DIR="../other.git", GIT_WORK_TREE="deep")
    assert relative == GitDir(str(other), str(other), f"{top}/deep")
    (tmp_path / "link").write_text(f"gitdir: {other}\n")
    assert _found(top, GIT_DIR="../link").path == str(other)
    assert _found(top, GIT_COMMON_DIR=str(other)) == GitDir(f"{top}/.git", str(other), str(top))
    with pytest.raises(NoRepository) as caught:
        _found(top, GIT_DIR="none")
    words = "GIT_DIR is set to none, which is not a git repository"
    assert (caught.value.message, caught.value.hint) == (
        words,
        "unset GIT_DIR, or set it to a repository",
    )


def test_where_a_shallow_clone_ends(top: Path) -> None:
    assert discovery.read_shallow(str(top)) == ""
    (top / "shallow").write_text("1\n2\n")
    assert discovery.read_shallow(str(top)) == "1\n2\n"


# --- whose it is ---------------------------------------------------------------------------------


class Asked:
    """The questions to git, and its answer."""

    def __init__(self) -> None:
        self.questions: list[tuple[list[str], str]] = []
        self.refusals: list[str | None] = []
        self.dirs: list[str] = []

    def run(self, args: list[str], *, cwd: str, **_: Any) -> Completed:
        self.questions.append(([*args], cwd))
        refusal = self.refusals.pop(0) if self.refusals else None
        if refusal:
            return Completed(128, b"", f"fatal: {refusal}\n".encode())
        return Completed(0, "".join(f"{path}\n" for path in self.dirs).encode(), b"")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    asked = Asked()
    monkeypatch.setattr(store.git, "run", asked.run)
    discovery._accepted.clear()
    return asked


@pytest.fixture
def owners(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Owners of some paths; of all others it is who runs this."""
    owners: dict[str, int] = {}
    real = discovery._owner
    monkeypatch.setattr(discovery, "_owner", lambda path: owners.get(path, real(path)))
    return owners


@pytest.mark.parametrize(
    ("all_owners", "user", "own"),
    [
        ([5, 5], 5, True),
        ([5, 6], 5, False),
        ([5, None], 5, False),
        ([None], None, False),
        ([5], None, False),
        ([], 5, False),
        ([0], 0, True),
    ],
)
def test_only_the_plain_yes_is_decided_here(
    all_owners: list[int | None], user: int | None, own: bool
) -> None:
    assert discovery.plainly_own(all_owners, user) is own


@pytest.mark.parametrize("path", ["", "/.git"])
def test_git_is_asked_where_anything_is_another_s(
    top: Path, asked: Asked, owners: dict[str, int], path: str
) -> None:
    """Once, where it says yes; a no is passed on in its words, and asked again."""
    found = _found(top)
    check_trust(found, str(top), {})
    assert asked.questions == []
    owners[f"{top}{path}"] = 12345
    asked.dirs = [f"{top}/.git", ".git"]
    check_trust(found, str(top), {"A": "1"})
    check_trust(found, str(top), {"A": "1"})
    question = ["rev-parse", "--absolute-git-dir", "--git-common-dir"]
    assert asked.questions == [(question, str(top))]
    check_trust(found, str(top), {"A": "2"})
    assert len(asked.questions) == 2
    owners[f"{top}{path}"] = 12346
    asked.refusals = ["detected dubious ownership", "detected dubious ownership"]
    for _ in range(2):
        with pytest.raises(Untrusted) as caught:
            check_trust(found, str(top), {"A": "1"})
        words = "git refuses this repository: detected dubious ownership"
        assert (caught.value.message, caught.value.exit_code) == (words, 8)
    assert len(asked.questions) == 4


def test_a_repository_that_git_does_not_find_there_is_not_trusted(
    top: Path, asked: Asked, owners: dict[str, int]
) -> None:
    owners[str(top)] = 12345
    asked.dirs = ["/elsewhere/.git"]
    with pytest.raises(Untrusted) as caught:
        check_trust(_found(top), str(top), {})
    words = f"from {top} it finds /elsewhere/.git, and not {top}/.git"
    assert caught.value.message == f"git refuses this repository: {words}"


def test_a_bare_one_is_always_git_s_to_judge(tmp_path: Path, asked: Asked) -> None:
    bare = _made(tmp_path / "bare.git")
    asked.dirs = [str(bare)]
    check_trust(_found(bare), str(bare), {})
    assert len(asked.questions) == 1


def test_one_that_a_variable_names_is_judged_where_git_finds_it_by_itself(
    top: Path, tmp_path: Path, asked: Asked, owners: dict[str, int]
) -> None:
    """It may be bare there, for the variable names it."""
    other = _made(tmp_path / "other" / ".git")
    env = {"GIT_DIR": str(other)}
    found = discover(str(top), env)
    check_trust(found, str(top), env)
    assert asked.questions == []
    owners[str(other)] = 12345
    asked.dirs, asked.refusals = [str(other)], ["not a git repository", None]
    check_trust(found, str(top), env)
    assert [cwd for _, cwd in asked.questions] == [str(top), f"{tmp_path}/other"]
    assert asked.questions[1][0][:2] == ["-c", "safe.bareRepository=all"]
    owners[str(other)] = 12346
    asked.refusals = ["not a git repository", "dubious"]
    with pytest.raises(Untrusted, match="git refuses this repository: dubious"):
        check_trust(found, str(top), env)


def test_another_worktree_is_judged_by_its_own_places(
    top: Path, asked: Asked, owners: dict[str, int]
) -> None:
    discovery.check_worktree_trust(f"{top}/.git", str(top), {})
    assert asked.questions == []
    owners[str(top)] = 12345
    asked.dirs = [f"{top}/.git"]
    discovery.check_worktree_trust(f"{top}/.git", str(top), {})
    assert [cwd for _, cwd in asked.questions] == [str(top)]


def test_a_link_or_an_unknown_user_is_no_plain_yes(
    top: Path, tmp_path: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(top)
    assert discovery._owner(str(tmp_path / "link")) is None
    assert discovery._owner(str(tmp_path / "none")) is None
    assert discovery._owner(str(top)) == os.geteuid() == discovery._user({})
    assert discovery._user({"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}) is None
    monkeypatch.delattr(os, "geteuid")
    assert discovery._user({}) is None
    asked.dirs = [f"{top}/.git"]
    check_trust(_found(top), str(top), {})
    assert len(asked.questions) == 1


def test_git_itself_says_the_same(repo: Repo, tmp_path: Path) -> None:
    git(repo.path, "worktree", "add", "-q", str(tmp_path / "tree"))
    for start in (repo.path, str(tmp_path / "tree")):
        found = discover(start, {})
        assert found.path == git(start, "rev-parse", "--absolute-git-dir")
        assert found.common == os.path.join(start, git(start, "rev-parse", "--git-common-dir"))
