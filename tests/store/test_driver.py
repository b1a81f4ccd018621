"""The merge driver by itself: how it is configured, and three versions of one file merged."""

from __future__ import annotations

import os

import pytest
from support.repositories import Repo

from gittasks.codec.canonical import encode_task
from gittasks.core.model import Status, Task
from gittasks.errors import FormatTooNew, InvalidData, Refused
from gittasks.store import merge_driver
from gittasks.store.repository import Repository

PATH = "tasks/a.yaml"
BASE = encode_task(Task(id="a", subject="Task a"))


def _opened(repo: Repo, **env: str) -> Repository:
    return Repository(repo.path, {**os.environ, **env})


class TestConfiguration:
    """In the repository alone, and never over what somebody else configured."""

    def test_it_is_set_once_and_taken_out_whole(self, repo: Repo) -> None:
        repository = _opened(repo)
        assert not merge_driver.is_installed(repository)
        assert not merge_driver.is_other(repository)
        assert merge_driver.uninstall(repository) is False
        assert merge_driver.install(repository) is True
        assert repo.git("config", "--local", "merge.gittasks.driver") == merge_driver.DRIVER
        assert repo.git("config", "--local", "merge.gittasks.name") == "task lists, field by field"
        assert merge_driver.install(repository) is False
        assert merge_driver.is_installed(repository)
        assert not merge_driver.is_other(repository)
        assert merge_driver.uninstall(repository) is True
        assert "merge.gittasks" not in repo.git("config", "--local", "--list")

    def test_an_earlier_one_of_ours_is_replaced(self, repo: Repo) -> None:
        repo.git("config", "merge.gittasks.driver", "gittasks merge-driver %O %A %B")
        repository = _opened(repo)
        assert not merge_driver.is_installed(repository)
        assert not merge_driver.is_other(repository)
        assert merge_driver.install(repository) is True
        assert merge_driver.is_installed(repository)

    def test_another_stays(self, repo: Repo) -> None:
        repo.git("config", "merge.gittasks.driver", "mine %O")
        repository = _opened(repo)
        assert merge_driver.is_other(repository)
        assert merge_driver.uninstall(repository) is False
        with pytest.raises(Refused) as caught:
            merge_driver.install(repository)
        error = caught.value
        assert error.rule == "merge-driver"
        assert error.message == "git config merge.gittasks.driver is set already, to: mine %O"
        assert str(error.hint).startswith("it was left as it is; unset it first")
        assert repo.git("config", "merge.gittasks.driver") == "mine %O"


class TestVersions:
    """Where git merges something else than two heads of a list, the three versions decide."""

    def _merged(self, repo: Repo, ours: bytes, theirs: bytes, base: bytes = BASE) -> str:
        return merge_driver.merge_file(_opened(repo), PATH, base, ours, theirs).decode()

    def test_each_field_by_itself(self, repo: Repo) -> None:
        ours = encode_task(Task(id="a", subject="Ours", phase="2"))
        theirs = encode_task(Task(id="a", subject="Task a", status=Status.COMPLETED))
        text = self._merged(repo, ours, theirs)
        assert "subject: Ours\n" in text
        assert 'phase: "2"\n' in text
        assert "status: completed\n" in text
        assert self._merged(repo, theirs, ours) == text

    def test_one_that_is_as_it_was_gives_way(self, repo: Repo) -> None:
        ours = encode_task(Task(id="a", subject="Ours"))
        for pair in ((ours, BASE), (BASE, ours), (ours, ours)):
            assert self._merged(repo, *pair) == ours.decode()

    @pytest.mark.parametrize("base", [b"", b"subject: [\n"])
    def test_without_a_base_each_only_adds(self, repo: Repo, base: bytes) -> None:
        ours = encode_task(Task(id="a", subject="Task a", result="PASS"))
        theirs = encode_task(Task(id="a", subject="Task a", tags=("x",)))
        text = self._merged(repo, ours, theirs, base)
        assert "result: PASS\n" in text
        assert "- x\n" in text

    @pytest.mark.parametrize("ours", [True, False])
    def test_a_version_that_cannot_be_read_is_left_to_git(self, repo: Repo, ours: bool) -> None:
        versions = (b"subject: [\n", BASE)
        with pytest.raises(InvalidData) as caught:
            self._merged(repo, *(versions if ours else versions[::-1]))
        error = caught.value
        words = "a version of it cannot be read, so git merges it line by line"
        assert (error.message, error.where) == (words, PATH)
        assert error.commands == (("gittasks", "doctor"),)
        assert error.ways[0].purpose == "see which, and why"


class TestHistory:
    """During `git merge` the history of both heads decides."""

    def _sides(self, repo: Repo, head: str, other: str) -> tuple[bytes, bytes]:
        ours, theirs = (repo.git("show", f"{c}:{PATH}").encode() + b"\n" for c in (head, other))
        return ours, theirs

    @pytest.fixture
    def forked(self, listed: Repo) -> tuple[Repo, str]:
        """On the branch of the list, whose other head changed and changed back one field."""
        before = listed.head()
        text = listed.git("show", f"gittasks/plan:{PATH}")
        listed.hand_edit({PATH: f"{text}\nresult: theirs\n"})
        other = listed.hand_edit({PATH: f"{text}\ndescription: theirs\n"})
        listed.git("update-ref", "refs/heads/gittasks/plan", before)
        listed.hand_edit({PATH: f"{text}\nactiveForm: ours\n"})
        listed.git("symbolic-ref", "HEAD", "refs/heads/gittasks/plan")
        return listed, other

    def test_of_two_heads(self, forked: tuple[Repo, str]) -> None:
        repo, other = forked
        ours, theirs = self._sides(repo, "gittasks/plan", other)
        repository = _opened(repo, **{f"GITHEAD_{other}": "x"})
        merged = merge_driver.merge_file(repository, PATH, b"", ours, theirs).decode()
        assert "activeForm: ours\n" in merged
        assert "description: theirs\n" in merged
        blobs = [repository.objects.form.new("blob", data) for data in (ours, theirs)]
        ref = "refs/heads/gittasks/plan"
        cases: list[tuple[str | None, list[str]]] = [
            (ref, []),
            (ref, [other, other]),
            (None, [other]),
            ("refs/heads/none", [other]),
            (ref, ["1" * 40]),
        ]
        for name, others in cases:
            assert merge_driver._by_history(repository, name, others, PATH, blobs) is None
        assert merge_driver._by_history(repository, ref, [other], PATH, blobs[::-1]) is None
        assert merge_driver._by_history(repository, ref, [other], "tasks/none.yaml", blobs) is None
        direct = merge_driver._by_history(repository, ref, [other], PATH, blobs)
        assert direct == merged.encode()

    def test_the_other_heads_are_those_that_git_names(
        self, forked: tuple[Repo, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """By variables of one name; what else ends in an id is somebody else's."""
        repo, other = forked
        seen: list[list[str]] = []

        def by_history(_: object, __: object, others: list[str], *___: object) -> bytes:
            seen.append(others)
            return b"merged"

        monkeypatch.setattr(merge_driver, "_by_history", by_history)
        names = (f"GITHEAD_{other}", f"GITHEAX_{repo.head()}", "GITHEAD_x", f"GITHEAD_{other}0")
        repository = _opened(repo, **dict.fromkeys(names, "x"))
        assert merge_driver.merge_file(repository, PATH, b"", BASE, BASE) == b"merged"
        assert seen == [[other]]

    def test_later_rules_of_either_head_stop_it(self, forked: tuple[Repo, str]) -> None:
        repo, other = forked
        info = repo.git("show", "gittasks/plan:list.yaml").replace("rules: 1", "rules: 9")
        ours, theirs = self._sides(repo, "gittasks/plan", other)
        head = repo.head()
        newer = repo.hand_edit({"list.yaml": f"{info}\n"})
        with pytest.raises(FormatTooNew):
            merge_driver.merge_file(_opened(repo), PATH, b"", ours, theirs)
        repo.git("update-ref", "refs/heads/gittasks/plan", head)
        repository = _opened(repo, **{f"GITHEAD_{newer}": "x"})
        with pytest.raises(FormatTooNew):
            merge_driver.merge_file(repository, PATH, b"", ours, theirs)
        assert merge_driver.merge_file(_opened(repo, GITHEAD_x="x"), PATH, b"", ours, theirs)
