"""A repository: what its configuration means for refs, objects, prefix, lists and remotes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support import gits
from support.repositories import Repo

from gittasks.errors import FormatTooNew, GittasksError, InvalidData, NoRepository
from gittasks.store.repository import Repository


def _opened(repo: Repo, **env: str) -> Repository:
    return Repository(repo.path, {**os.environ, **env})


class TestPlaces:
    """Formats and places that are unknown here are refused before anything is read."""

    def _refused(self, repo: Repo, **env: str) -> GittasksError:
        with pytest.raises((FormatTooNew, NoRepository)) as caught:
            _ = _opened(repo, **env).config
        return caught.value

    def test_an_unknown_format_is_too_new(
        self, repo: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever git makes of it: it is asked of its configuration alone."""
        from gittasks.store import config

        real = config.load

        def load(*args: object) -> config.Config:
            values = {key: real(*args).get(key) or "" for key in real(*args).keys_of("")}  # type: ignore[arg-type]
            return config.Config({**values, name: value}, None, None)

        monkeypatch.setattr(config, "load", load)
        name, value = "extensions.objectformat", "sha512"
        message = self._refused(repo).message
        assert message == "this repository names its objects by sha512, which is unknown here"
        name, value = "extensions.refstorage", "cloud"
        error = self._refused(repo)
        assert error.message == "this repository keeps its refs in cloud, which is unknown here"
        assert error.hint == "the refs of lists can be files or a reftable in the git directory"

    @gits.files_only
    def test_refs_in_another_place_are_unknown(self, repo: Repo) -> None:
        assert _opened(repo, GIT_REFERENCE_BACKEND="files").config
        error = self._refused(repo, GIT_REFERENCE_BACKEND="reftable")
        assert error.message == (
            'GIT_REFERENCE_BACKEND is "reftable", and this repository keeps its refs in files'
        )
        words = "unset GIT_REFERENCE_BACKEND: refs in another place are unknown here"
        assert error.hint == words

    def test_objects_of_another_place_are_refused(self, repo: Repo, tmp_path: Path) -> None:
        """But for those of a push that is being received, and a name of this very place."""
        other = str(tmp_path / "objects")
        os.mkdir(other)
        error = self._refused(repo, GIT_OBJECT_DIRECTORY=other)
        assert error.message.startswith(f"GIT_OBJECT_DIRECTORY is set to {other}, where git has")
        assert error.hint == "unset GIT_OBJECT_DIRECTORY"
        assert _opened(repo, GIT_OBJECT_DIRECTORY=".git/objects").config
        assert _opened(repo, GIT_OBJECT_DIRECTORY=other, GIT_QUARANTINE_PATH=other).config


class TestSettings:
    """What git's settings and ours mean."""

    @pytest.mark.parametrize(
        ("setting", "objects", "refs"),
        [
            (None, True, True),
            ("", True, True),
            ("none", False, False),
            ("none,reference", False, True),
            ("objects", True, True),
            ("-loose-object", False, True),
            ("all,-reference", True, False),
            ("-all, committed", True, True),
            ("none,pack", False, False),
            ("-objects,added", True, True),
            ("none,derived-metadata,loose-object", True, False),
        ],
    )
    def test_core_fsync(self, repo: Repo, setting: str | None, objects: bool, refs: bool) -> None:
        """The last component that counts decides, as git-config tells it."""
        if setting is not None:
            repo.git("config", "core.fsync", setting)
        repository = _opened(repo)
        assert repository.objects._durable is objects
        if gits.has_ref_files(repo.git_dir):
            assert repository.refs._durable is refs  # type: ignore[attr-defined]

    def test_the_older_setting_is_of_objects_alone(self, repo: Repo) -> None:
        repo.git("config", "core.fsyncObjectFiles", "false")
        assert _opened(repo).objects._durable is False
        repo.git("config", "core.fsync", "loose-object")
        assert _opened(repo).objects._durable is True

    @pytest.mark.parametrize(
        ("bare", "setting", "logs"),
        [
            ("false", None, True),
            ("true", None, False),
            ("true", "true", True),
            ("true", "always", True),
            *(("false", word, False) for word in ("false", "No", "off", "0")),
        ],
    )
    def test_core_log_all_ref_updates(
        self, repo: Repo, bare: str, setting: str | None, logs: bool
    ) -> None:
        repo.git("config", "core.bare", bare)
        repo.git("config", "--unset", "core.logAllRefUpdates")
        if setting:
            repo.git("config", "core.logAllRefUpdates", setting)
        repository = _opened(repo, GIT_DIR=repo.git_dir)
        assert repository._logs() is logs

    def test_the_prefix_of_branches(self, repo: Repo) -> None:
        assert _opened(repo).prefix == "refs/heads/gittasks/"
        for prefix in ("", "tasks/", "a/b/", "tasks-", "a/b-"):
            repo.git("config", "gittasks.branchPrefix", prefix)
            repository = _opened(repo)
            assert repository.prefix == f"refs/heads/{prefix}"
            assert repository.ref("x") == f"refs/heads/{prefix}x"
            assert repository.tracking_ref("o", "x") == f"refs/remotes/o/{prefix}x"
        for prefix in ("/", "a//", "a b/", "a/b c", "..", "x.lock/"):
            repo.git("config", "gittasks.branchPrefix", prefix)
            with pytest.raises(InvalidData) as caught:
                _ = _opened(repo).prefix
            assert caught.value.message == (
                f'git config gittasks.branchPrefix is "{prefix}", which no branch can begin with'
            )
            assert caught.value.hint == "use letters, digits and hyphens, with a slash at the end"

    def test_the_identity_of_what_nobody_makes(self, repo: Repo) -> None:
        assert _opened(repo)._identity() is None
        repo.git("config", "gittasks.identity", "Tasks <t@example.com>")
        assert _opened(repo)._identity() == "Tasks <t@example.com>"
        for identity in ("Tasks", "<t@example.com>", "Tasks <t@example.com", "a\nb <c>", ""):
            repo.git("config", "gittasks.identity", identity)
            with pytest.raises(InvalidData) as caught:
                _opened(repo)._identity()
            assert caught.value.message == f'git config gittasks.identity is "{identity}"'
            assert caught.value.hint == 'use: "Name <name@example.com>"'

    def test_the_remotes_that_promised_objects(self, repo: Repo) -> None:
        """The one of `extensions.partialClone` is asked last, as git does."""
        assert _opened(repo)._promisors() == []
        assert _opened(repo).objects.whole
        for name, promises in (("a", "true"), ("b", "true"), ("c", "false")):
            repo.git("config", f"remote.{name}.promisor", promises)
        assert _opened(repo)._promisors() == ["a", "b"]
        repo.git("config", "core.repositoryFormatVersion", "1")
        repo.git("config", "extensions.partialClone", "a")
        assert _opened(repo)._promisors() == ["b", "a"]
        assert not _opened(repo).objects.whole

    def test_what_keeps_a_read_from_fetching(self, repo: Repo) -> None:
        """Nothing does in a command that talks to a remote anyway."""
        repository = _opened(repo)
        assert repository.prohibition() is None
        repository.fetches = False
        assert repository.prohibition() == "--no-fetch keeps it from being fetched"
        repository.contacted = True
        assert repository.prohibition() is None
        repo.git("config", "gittasks.fetchOnRead", "false")
        words = "git config gittasks.fetchOnRead is false, so it is not fetched"
        assert _opened(repo).prohibition() == words

    def test_a_change_of_the_configuration_is_known_at_once(self, repo: Repo) -> None:
        repository = _opened(repo)
        assert repository.config.get("x.y") is None
        repository.set_config("--local", "x.y", "1")
        assert repository.config.get("x.y") == repo.git("config", "x.y") == "1"
        repository.unset_config("--local", "x.y")
        assert repository.config.get("x.y") is None
        repository.set_config("--local", "x.y", "1")
        assert repository.config.get("x.y") == "1"
        repository.remove_config_section("x")
        assert repository.config.get("x.y") is None


class TestLists:
    """The lists that are here, and those that were fetched."""

    def test_local_and_fetched_ones_in_order(self, repo: Repo) -> None:
        head = repo.git("rev-parse", "HEAD")
        for ref in (
            "refs/heads/gittasks/b",
            "refs/heads/gittasks/no+list",
            "refs/heads/gittasks/deep/er",
            "refs/heads/other",
            "refs/remotes/o/gittasks/a",
            "refs/remotes/gone/gittasks/c",
            "refs/remotes/o/other",
        ):
            repo.git("update-ref", ref, head)
        repo.git("remote", "add", "o", "u")
        repo.git("remote", "add", "p.q", "v")
        repo.git("config", "remote.pushdefault", "o")
        repository = _opened(repo)
        assert repository.local_lists() == {"b": head}
        assert repository.tracked_lists() == {"gone": {"c": head}, "o": {"a": head}, "p.q": {}}
        assert repository.known_lists() == ["a", "b", "c"]
        assert repository.remotes() == ["o", "p.q"]
        assert [repository.has_list(name) for name in "abcd"] == [True, True, False, False]

    def test_with_an_empty_prefix_a_list_is_what_holds_one(self, listed: Repo) -> None:
        listed.git("update-ref", "refs/heads/plan", "gittasks/plan")
        listed.git("config", "gittasks.branchPrefix", "")
        repository = _opened(listed)
        assert repository.known_lists() == ["plan"]
        assert repository.has_list("plan")
        assert not repository.has_list("main")

    @gits.files_only
    def test_a_damaged_ref_is_a_list_that_is_there(self, repo: Repo) -> None:
        """With an empty prefix where it was read as one before."""
        path = Path(repo.git_dir, "refs", "heads", "gittasks", "plan")
        path.parent.mkdir()
        path.write_text("x\n")
        assert _opened(repo).has_list("plan")
        assert _opened(repo).local_lists() == {"plan": ""}
        path.rename(path.parent.parent / "plan")
        repo.git("config", "gittasks.branchPrefix", "")
        assert _opened(repo).local_lists() == {}
        cache = Path(_opened(repo).cache_path("lists", "refs/heads/plan"))
        assert cache == Path(repo.git_dir, "gittasks", "cache", "lists", "plan")
        cache.parent.mkdir(parents=True)
        cache.touch()
        assert _opened(repo).local_lists() == {"plan": ""}

    def test_a_list_is_known_by_its_stored_spelling(
        self, repo: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Here before a remote, also where the prefix ends in no slash."""
        repo.git("config", "gittasks.branchPrefix", "tasks-")
        repo.git("remote", "add", "o", "u")
        repository = _opened(repo)
        names = {"refs/remotes/o/tasks-plan": "refs/remotes/o/tasks-PLAN"}
        monkeypatch.setattr(repository.refs, "stored_name", names.get)
        assert repository.stored_id("plan") == "PLAN"
        names["refs/heads/tasks-plan"] = "refs/heads/tasks-Plan"
        assert repository.stored_id("plan") == "Plan"
        assert repository.stored_id("other") == "other"

    def test_the_branch_that_a_worktree_is_on(self, repo: Repo, tmp_path: Path) -> None:
        assert _opened(repo).current_branch() == "main"
        repo.git("worktree", "add", "-q", str(tmp_path / "tree"), "-b", "feat/x")
        assert _opened(Repo(str(tmp_path / "tree"))).current_branch() == "feat/x"
        repo.git("checkout", "-q", "--detach")
        assert _opened(repo).current_branch() is None
