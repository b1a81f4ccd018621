"""git's configuration as we read it, value by value, and changes of it that git makes for us."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.repositories import Repo

from gittasks.errors import Busy, DiskFailure, InvalidData, NoRepository
from gittasks.store import config, discovery, git
from gittasks.store.config import Config
from gittasks.store.disk import PRIVATE, Backoff
from gittasks.store.git import Completed


def _loaded(repo: Repo, **env: str) -> Config:
    whole = {**os.environ, **env}
    return config.load(discovery.discover(repo.path, whole), repo.path, whole)


class TestValues:
    """One value, all of a URL's, and what is yes or no."""

    def test_the_last_value_counts_and_a_key_without_one_is_true(self, repo: Repo) -> None:
        path = Path(repo.git_dir, "config")
        path.write_text(path.read_text() + "[x]\n\ta = 1\n\ta = 2\n\tb\n\tc =\n\td = e\\nf\n")
        values = _loaded(repo)
        assert [values.get(f"x.{key}") for key in "abcdz"] == ["2", "true", "", "e\nf", None]
        assert values.keys_of("x.") == ["x.a", "x.b", "x.c", "x.d"]

    def test_of_urls_all_count_and_an_empty_one_ends_those_before(self, repo: Repo) -> None:
        for url in ("one", "two", "", "three", "four"):
            repo.git("config", "--add", "remote.o.pushurl", url)
        for key, url in (("remote.o.url", "u"), ("remote.p.url", ""), ("x.several", "s")):
            repo.git("config", "--add", key, url)
        repo.git("config", "--add", "x.several", "t")
        repo.git("config", "--add", "url.a.insteadof", "b")
        repo.git("config", "--add", "url.a.insteadof", "c")
        values = _loaded(repo)
        assert values.every("remote.o.pushurl") == ("three", "four")
        assert values.every("remote.o.url") == ("u",)
        assert values.every("remote.p.url") == values.every("remote.q.url") == ()
        assert values.every("url.a.insteadof") == ("b", "c")
        assert values.every("x.several") == ("t",)
        assert values.get("remote.o.pushurl") == "four"

    def test_yes_and_no_as_git_reads_them(self) -> None:
        words = {"true": True, "Yes": True, "on": True, "1": True}
        words |= {"false": False, "NO": False, "off": False, "0": False, "": False}
        for word, meaning in words.items():
            assert Config({"a.b": word}, None, None).flag("a.b", default=not meaning) is meaning
        assert Config({}, None, None).flag("a.b") is False
        assert Config({}, None, None).flag("a.b", default=True) is True
        with pytest.raises(InvalidData) as caught:
            Config({"a.b": "maybe"}, None, None).flag("a.b")
        assert caught.value.message == 'git config a.b is "maybe"'
        assert caught.value.hint == "use true or false"

    def test_the_format_is_taken_from_the_repository_s_own_file_alone(self, repo: Repo) -> None:
        repo.git("config", "--global", "extensions.objectFormat", "sha999")
        repo.git("config", "--global", "x.y", "z")
        Path(repo.git_dir, "more").write_text("[extensions]\n\tpartialClone = origin\n")
        repo.git("config", "include.path", "more")
        values = _loaded(repo)
        own = repo.git("rev-parse", "--show-object-format")
        assert values.get("extensions.objectformat") in (None, own)
        assert values.get("extensions.partialclone") is None
        assert values.get("x.y") == "z"


class TestPeople:
    """Who writes and who commits."""

    def test_they_are_one_unless_something_says_otherwise(self, repo: Repo) -> None:
        ada = "Ada <ada@example.com>"
        assert (_loaded(repo).author, _loaded(repo).committer) == (ada, ada)
        other = _loaded(repo, GIT_COMMITTER_EMAIL="c@example.com", GIT_AUTHOR_NAME="A")
        assert (other.author, other.committer) == ("A <ada@example.com>", "Ada <c@example.com>")
        repo.git("config", "committer.name", "Cy")
        assert (_loaded(repo).author, _loaded(repo).committer) == (ada, "Cy <ada@example.com>")

    def test_one_that_git_cannot_tell_is_none(self, repo: Repo) -> None:
        Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text("[user]\n\tuseConfigOnly = true\n")
        assert (_loaded(repo).author, _loaded(repo).committer) == (None, None)


class TestQuestions:
    """git is asked for as little as tells all."""

    def _questions(self, repo: Repo, monkeypatch: pytest.MonkeyPatch, **env: str) -> list[str]:
        questions: list[str] = []
        real = git.run

        def run(args: Sequence[str], **options: Any) -> Completed:
            questions.append(" ".join(word for word in args if not word.startswith("-")) or "-")
            return real(args, **options)

        with monkeypatch.context() as patch:
            patch.setattr(git, "run", run)
            whole = {**os.environ, **env}
            found = discovery.discover(repo.path, whole)
            config._ask_git(found, repo.path, whole)
        return questions

    def test_who_commits_is_asked_where_it_may_be_another(
        self, repo: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        author = "var GIT_AUTHOR_IDENT"
        both = ["config", author, "var GIT_COMMITTER_IDENT"]
        assert self._questions(repo, monkeypatch) == ["config", author]
        assert self._questions(repo, monkeypatch, GIT_COMMITTER_NAME="Bo") == both
        repo.git("config", "author.email", "a@example.com")
        assert self._questions(repo, monkeypatch) == both

    def test_the_system_s_file_is_asked_for_unless_it_is_switched_off(
        self, repo: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("GIT_CONFIG_NOSYSTEM")
        assert self._questions(repo, monkeypatch) == ["config", "config", "var GIT_AUTHOR_IDENT"]

    def test_a_repository_that_names_no_format_is_put_to_git(
        self, repo: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """`git config` alone passes over one that git refuses."""
        repo.git("config", "--unset", "core.repositoryFormatVersion")
        questions = self._questions(repo, monkeypatch)
        assert questions == ["config", "rev-parse", "var GIT_AUTHOR_IDENT"]


class TestCache:
    """What git answered is remembered with the files and variables that it depends on."""

    @pytest.fixture
    def asked(self, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """One for each time that git is asked; all files are of long ago."""
        asked: list[int] = []
        real = config._ask_git

        def ask(*args: object) -> object:
            asked.append(1)
            return real(*args)  # type: ignore[arg-type]

        monkeypatch.setattr(config, "_ask_git", ask)
        for path in (Path(repo.git_dir, "config"), os.environ["GIT_CONFIG_GLOBAL"]):
            os.utime(path, (1, 1))
        return asked

    def _settled(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(config, "_FRESH", -(10**10))  # the time of a change of owner counts

    def test_it_is_asked_once_and_all_of_it_is_remembered(
        self, repo: Repo, asked: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._settled(monkeypatch)
        for url in ("one", "two"):
            repo.git("config", "--add", "remote.o.url", url)
        first, second = _loaded(repo), _loaded(repo)
        assert len(asked) == 1
        assert (first.author, first.committer) == (second.author, second.committer)
        assert first.files == second.files
        assert first.keys_of("") == second.keys_of("")
        assert second.every("remote.o.url") == ("one", "two")
        assert os.environ["GIT_CONFIG_GLOBAL"] in second.files
        assert os.path.join(repo.git_dir, "config.worktree") in second.files

    def test_a_variable_that_it_depends_on_is_asked_about(
        self, repo: Repo, asked: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._settled(monkeypatch)
        _loaded(repo)
        for env in (
            {"EMAIL": "x@example.com"},
            {"GIT_AUTHOR_NAME": "x"},
            {"GIT_CONFIG_COUNT": "0"},
        ):
            before = len(asked)
            _loaded(repo, **env)
            assert len(asked) == before + 1, env
            _loaded(repo, **env)
            assert len(asked) == before + 1, env
        before = len(asked)
        _loaded(repo, **env, OTHER="x")
        assert len(asked) == before

    def test_what_changed_a_moment_ago_is_asked_again(self, repo: Repo, asked: list[int]) -> None:
        repo.git("config", "x.y", "z")
        _loaded(repo)
        _loaded(repo)
        assert len(asked) == 2

    def test_each_worktree_has_its_own(
        self, repo: Repo, tmp_path: Path, asked: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._settled(monkeypatch)
        repo.git("worktree", "add", "-q", str(tmp_path / "tree"), "-b", "tree")
        for _ in range(2):
            _loaded(repo)
            _loaded(Repo(str(tmp_path / "tree")))
        assert len(asked) == 2
        names = os.listdir(Path(repo.git_dir, "gittasks", "cache"))
        assert sorted(names) == ["config", "config-tree"]

    @pytest.mark.parametrize("body", ["{}", "[]", "x", '{"git_dir": 1}', "null"])
    def test_one_of_no_form_is_asked_anew(
        self, repo: Repo, asked: list[int], monkeypatch: pytest.MonkeyPatch, body: str
    ) -> None:
        self._settled(monkeypatch)
        found = discovery.discover(repo.path, os.environ)
        config.FILE.write(config._cache_path(found), body.encode(), PRIVATE)
        assert _loaded(repo).author == "Ada <ada@example.com>"
        assert len(asked) == 1


class TestChanges:
    """`git config` run for a change, as long as it takes and no longer."""

    @pytest.fixture(autouse=True)
    def _at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(config, "_BACKOFF", Backoff(first=0, most=0))
        monkeypatch.setattr(config, "_ATTEMPTS", 3)

    def _change(self, repo: Repo, *args: str) -> None:
        config.change(args, cwd=repo.path, env=os.environ)

    def test_scopes_are_told_and_all_values_are_removed(self, repo: Repo) -> None:
        self._change(repo, "--local", "x.a", "1")
        repo.git("config", "--add", "x.a", "2")
        repo.git("config", "--global", "x.b", "1")
        env = {**os.environ, "GIT_CONFIG_COUNT": "1"}
        env |= {"GIT_CONFIG_KEY_0": "x.b", "GIT_CONFIG_VALUE_0": "1"}
        assert config.scopes(repo.path, os.environ)["x.a"] == "local"
        assert config.scopes(repo.path, os.environ)["x.b"] == "global"
        assert config.scopes(repo.path, env)["x.b"] == "command"
        for _ in range(2):
            config.unset("--local", "x.a", cwd=repo.path, env=os.environ)
            config.unset("--local", "x.b", cwd=repo.path, env=os.environ)
        assert "x.a" not in config.scopes(repo.path, os.environ)
        assert repo.git("config", "x.b") == "1"

    def test_a_lock_that_stays_is_named(self, repo: Repo) -> None:
        lock = Path(repo.git_dir, "config.lock")
        lock.touch()
        with pytest.raises(Busy) as caught:
            self._change(repo, "--local", "x.a", "a value")
        assert re.fullmatch(
            "git config could not set x.a: another program holds the configuration file, "
            r"for \d+ seconds now",
            caught.value.message,
        )
        assert caught.value.where == str(lock)
        assert str(caught.value.hint).startswith(
            "do it in a moment: git config --local x.a 'a value'; if no git is running"
        )

    def test_a_lock_that_goes_is_waited_for(
        self, repo: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lock = Path(repo.git_dir, "config.lock")
        lock.touch()
        waits = []

        def wait(_self: Backoff, attempt: int) -> None:
            waits.append(attempt)
            if attempt == 1:
                lock.unlink()

        monkeypatch.setattr(Backoff, "wait", wait)
        self._change(repo, "--local", "x.a", "1")
        assert waits == [0, 1]
        assert repo.git("config", "x.a") == "1"

    def test_what_git_refuses_is_told_at_once(self, repo: Repo) -> None:
        with pytest.raises(NoRepository, match=r"^git config failed: .*invalid key"):
            self._change(repo, "--local", "x.a b", "1")

    @pytest.mark.parametrize(
        "number",
        [errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.EIO],
    )
    def test_a_disk_that_takes_no_lock_is_told_at_once(self, number: int) -> None:
        with pytest.raises(DiskFailure) as caught:
            config._raise_disk(os.strerror(number), "/x/config.lock")
        assert caught.value.where == "/x/config.lock"
        config._raise_disk(os.strerror(errno.EEXIST), "/x/config.lock")


def test_a_repository_that_git_refuses_is_refused_in_its_words(repo: Repo) -> None:
    """A broken file by `git config`, a format that it does not know by `git rev-parse`."""
    path = Path(repo.git_dir, "config")
    text = path.read_text()
    path.write_text(text + "[x\n")
    with pytest.raises(NoRepository, match=r"^git refuses this repository: bad config") as caught:
        _loaded(repo)
    assert caught.value.hint == "see what git says with: git status"
    format_key = "\trepositoryformatversion = "
    lines = [line for line in text.splitlines() if not line.startswith(format_key)]
    for number in ("99", None):
        first = [f"[core]\n{format_key}{number}"] if number else []
        path.write_text("\n".join([*first, *lines]) + "\n")
        if number:
            with pytest.raises(NoRepository, match=r"^git refuses this repository: .*version"):
                _loaded(repo)


def test_a_home_folder_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert config._expanded("~/x", {"HOME": "/h"}) == "/h/x"
    assert config._expanded("/x", {"HOME": "/h"}) == "/x"
    monkeypatch.setattr(os.path, "expanduser", lambda path: f"/expanded{path}")
    assert config._expanded("~ada/x", {"HOME": "/h"}) == "/expanded~ada/x"


def test_the_files_that_git_reads_by_rule(repo: Repo) -> None:
    """By the variables where they are set, else below the home folder."""
    found = discovery.discover(repo.path, os.environ)
    own = [os.path.join(repo.git_dir, name) for name in ("config", "config.worktree")]
    assert list(config._standard_files(found, {"HOME": "/h"})) == [
        "/etc/gitconfig",
        "/h/.gitconfig",
        "/h/.config/git/config",
        *own,
    ]
    env = {"HOME": "/h", "GIT_CONFIG_SYSTEM": "/s", "GIT_CONFIG_GLOBAL": "/g"}
    assert list(config._standard_files(found, {**env, "XDG_CONFIG_HOME": "/x"})) == [
        "/s",
        "/g",
        "/x/git/config",
        *own,
    ]


@pytest.mark.parametrize("closed", ["objects", "refs"])
def test_a_repository_that_may_not_be_read_is_named_with_its_path(
    listed: Repo, monkeypatch: pytest.MonkeyPatch, closed: str
) -> None:
    """git calls it "not a git repository", which it is."""
    closed_path, scandir = os.path.join(listed.git_dir, closed), os.scandir
    refused = Completed(128, b"", b"fatal: not a git repository: .git\n")
    monkeypatch.setattr(git, "run", lambda *_, **__: refused)

    def opened(path: str) -> object:
        if path == closed_path:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    listed.remove("gittasks", "cache")
    with pytest.raises(NoRepository, match="not a git repository"):
        listed.workspace("plan").snapshot()
    monkeypatch.setattr(os, "scandir", opened)
    with pytest.raises(DiskFailure, match="permission denied") as failure:
        listed.workspace("plan").snapshot()
    assert failure.value.where == closed_path
