"""The answers of git's plumbing, taken apart: what does not add up is nobody's change."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence

import pytest
from support.repositories import Repo

from gittasks.errors import InvalidData
from gittasks.store import plumbing
from gittasks.store.plumbing import Plumbing, TreeChange

NONE, ONE, TWO = "0" * 40, "1" * 40, "2" * 40
HEADERS = [f"{ONE} {TWO}\n".encode(), f"{TWO} {ONE}\n".encode()]


def _row(path: str, before: str, after: str) -> bytes:
    modes = ["000000" if name == NONE else "100644" for name in (before, after)]
    return f":{modes[0]} {modes[1]} {before} {after} M\0{path}\0".encode()


def _answers(data: bytes, headers: Sequence[bytes] = HEADERS) -> list[list[TreeChange] | None]:
    return list(plumbing._by_pair(headers, io.BytesIO(data)))


def test_changes_of_each_pair() -> None:
    """What came, went or changed, with the mode; also in a file whose name has line ends."""
    odd = f"tasks/{ONE} {TWO}\n\nb.yaml"
    rows = _row("tasks/a.yaml", ONE, TWO) + _row(odd, NONE, ONE)
    first = [
        TreeChange("tasks/a.yaml", f"100644 {ONE}", f"100644 {TWO}"),
        TreeChange(odd, None, f"100644 {ONE}"),
    ]
    assert _answers(HEADERS[0] + rows + HEADERS[1]) == [first, []]
    second = [TreeChange("list.yaml", f"100644 {TWO}", None)]
    assert _answers(HEADERS[0] + HEADERS[1] + _row("list.yaml", TWO, NONE)) == [[], second]


def test_of_a_git_that_has_ended_what_is_whole_counts() -> None:
    rows = _row("list.yaml", ONE, TWO)
    assert _answers(HEADERS[0] + rows) == []
    assert _answers(b"") == _answers(HEADERS[1]) == []
    assert _answers(b"", []) == []


def test_what_does_not_add_up_is_none() -> None:
    """Words between, half a row, a folder in the place of a task."""
    row = _row("list.yaml", ONE, TWO)
    for text in (row + b"x", b"x" + row, row[:-1], _row("tasks/a/b.yaml", ONE, TWO)):
        assert _answers(HEADERS[0] + text, HEADERS[:1]) == [None], text
    assert _answers(HEADERS[0] + row, HEADERS[:1]) != [None]


@pytest.fixture
def asked(repo: Repo) -> Plumbing:
    """The plumbing of a repository with the code of one commit."""
    return Plumbing(repo.git_dir, os.environ)


class TestObjects:
    """One git is asked for objects, their sizes first."""

    def test_one_after_the_other(self, repo: Repo, asked: Plumbing) -> None:
        ids = [repo.blob(text) for text in ("", "text\n", "x" * 100)]
        git = asked.cat_file()
        try:
            assert [git.read(i, 100) for i in ids] == [
                ("blob", b""),
                ("blob", b"text\n"),
                ("blob", b"x" * 100),
            ]
            assert git.read(ONE, 100) is None
            with pytest.raises(InvalidData) as caught:
                git.read(ids[2], 99)
            assert (caught.value.message, caught.value.where) == ("larger than 99 bytes", ids[2])
            assert git.read(ids[1], 99) == ("blob", b"text\n")
        finally:
            git.close()

    @pytest.mark.parametrize("window", [1, 60, 130, 10**6])
    def test_many_at_once(
        self, repo: Repo, asked: Plumbing, monkeypatch: pytest.MonkeyPatch, window: int
    ) -> None:
        """In windows that fit a pipe; without those that are lacking, or too long."""
        monkeypatch.setattr(plumbing, "_WINDOW", window)
        ids = [repo.blob(f"{number:03}") for number in range(9)]
        longer = repo.blob("long")
        git = asked.cat_file()
        try:
            contents = dict(git.read_many([*ids, ONE, longer], 3))
            assert contents == {i: ("blob", b"%03d" % n) for n, i in enumerate(ids)}
            assert dict(git.read_many([longer], None)) == {longer: ("blob", b"long")}
            assert list(git.read_many([], 3)) == []
        finally:
            git.close()

    def test_one_that_has_ended_says_so(self, repo: Repo, asked: Plumbing) -> None:
        blob = repo.blob("x")
        git = asked.cat_file()
        git._process.kill()
        git._process.wait()
        for _ in range(2):
            with pytest.raises(EOFError):
                git.read(blob, 100)
        git.close()
