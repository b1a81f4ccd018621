"""The journal of the last writes: what is kept of each, what may be lacking, what goes."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from gittasks.store import journal
from gittasks.store.disk import Sharing
from gittasks.store.journal import Entry, Item, Journal

REF = "refs/heads/gittasks/plan"


def _commit(*parents: str) -> bytes:
    lines = ["tree x", *(f"parent {parent}" for parent in parents), "author y"]
    return ("\n".join(lines) + "\n\nparent of nothing\n").encode()


def _folder(common: Path) -> Path:
    return common / "gittasks" / "journal" / "gittasks" / "plan"


def _note(common: Path, commit: str, *parents: str, packs: int = 7) -> Path:
    """Note a write of one blob and one commit; the file of it."""
    blob = (f"b{commit}", "blob", f"of {commit}".encode())
    Journal(str(common), REF).note(packs, [blob, (commit, "commit", _commit(*parents))])
    return _folder(common) / commit


def _names(entries: list[Entry]) -> list[str]:
    return [os.path.basename(entry.path) for entry in entries]


def test_a_write_is_read_back_whole(tmp_path: Path) -> None:
    """With the commits that came before it, and the objects one after the other."""
    path = _note(tmp_path, "c1", "p1", "p2")
    (entry,) = Journal(str(tmp_path), REF).doubtful("c1", 7)
    commit = _commit("p1", "p2")
    items = (Item("bc1", "blob", 5), Item("c1", "commit", len(commit)))
    assert entry == Entry(str(path), 7, ("p1", "p2"), items)
    assert list(entry.contents()) == [(items[0], b"of c1"), (items[1], commit)]
    assert path.read_bytes() == (
        f"gittasks-journal 1 7 p1,p2 bc1 blob 5 c1 commit {len(commit)}\nof c1".encode() + commit
    )


def test_the_parents_of_several_commits_are_named_once(tmp_path: Path) -> None:
    commits = [("c1", "commit", _commit("p1", "p2")), ("c2", "commit", _commit("c1", "p2"))]
    Journal(str(tmp_path), REF).note(0, commits)
    (entry,) = Journal(str(tmp_path), REF).doubtful("c2", 0)
    assert entry.parents == ("p1", "p2", "c1")
    Journal(str(tmp_path), REF).note(0, [("c3", "commit", _commit())])
    assert [e.parents for e in Journal(str(tmp_path), REF).doubtful("c3", 0)] == [()]


def test_permissions_are_those_of_the_repository(tmp_path: Path) -> None:
    Journal(str(tmp_path), REF, Sharing(0o660)).note(0, [("c1", "commit", _commit())])
    file = _folder(tmp_path) / "c1"
    assert file.stat().st_mode & 0o660 == 0o660
    assert file.parent.stat().st_mode & 0o070 == 0o070


def test_where_it_cannot_be_written_nothing_happens(tmp_path: Path) -> None:
    (tmp_path / "gittasks").touch()
    Journal(str(tmp_path), REF).note(0, [("c1", "commit", _commit())])
    assert Journal(str(tmp_path), REF).doubtful("c1", 0) == []
    Journal(str(tmp_path), REF).drop()


def test_with_the_same_packs_only_the_last_write_is_doubtful(tmp_path: Path) -> None:
    """Else all before it, each once, as far as they are kept."""
    for commit, parents in (("c1", ["c0"]), ("c2", ["c1"]), ("c3", ["c1"]), ("c4", ["c2", "c3"])):
        _note(tmp_path, commit, *parents)
    kept = Journal(str(tmp_path), REF)
    assert _names(kept.doubtful("c4", 7)) == ["c4"]
    for packs in (8, 0):
        names = _names(kept.doubtful("c4", packs))
        assert names[0] == "c4"
        assert sorted(names) == ["c1", "c2", "c3", "c4"]
    assert kept.doubtful("c9", 7) == []
    _note(tmp_path, "d1", "c4", packs=0)
    assert len(kept.doubtful("d1", 0)) == 5


def test_an_object_is_found_in_any_list(tmp_path: Path) -> None:
    for ref, text in (("refs/heads/gittasks/one", b"1"), (REF, b"2")):
        Journal(str(tmp_path), ref).note(0, [(text.decode(), "blob", text), ("x", "blob", b"x")])
    assert list(journal.find(str(tmp_path), "2")) == [("blob", b"2")]
    assert list(journal.find(str(tmp_path), "x")) == [("blob", b"x")] * 2
    assert list(journal.find(str(tmp_path), "3")) == []


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"gittasks-journal 2 7 - c1 commit 1\n",
        b"another 1 7 - c1 commit 1\n",
        b"gittasks-journal 1 x - c1 commit 1\n",
        b"gittasks-journal 1 7 - c1 commit\n",
        b"gittasks-journal 1 7 - c1 commit x\n",
        b"gittasks-journal 1\n",
        b"\xff\n",
    ],
)
def test_what_is_of_no_form_is_none(tmp_path: Path, head: bytes) -> None:
    path = _note(tmp_path, "c1")
    path.write_bytes(head + b"rest")
    assert Journal(str(tmp_path), REF).doubtful("c1", 7) == []
    assert list(journal.find(str(tmp_path), "c1")) == []


def test_a_file_that_is_gone_or_torn_gives_what_is_there(tmp_path: Path) -> None:
    path = _note(tmp_path, "c1")
    (entry,) = Journal(str(tmp_path), REF).doubtful("c1", 7)
    path.write_bytes(path.read_bytes()[: -len(_commit())])
    assert [data for _, data in entry.contents()] == [b"of c1", b""]
    path.unlink()
    assert list(entry.contents()) == []


def _aged(path: Path, age: int) -> Path:
    os.utime(path, ns=(0, 10**18 - age))
    return path


def test_now_and_then_all_but_the_last_writes_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One write in sixteen looks, the oldest go, and what was forgotten is not of another list."""
    monkeypatch.setattr(journal, "_WRITES", 3)
    other = _note(tmp_path, "c1").parent.parent / "other"
    other.mkdir()
    (other / "c1").touch()
    for age in range(2, 7):
        _aged(_note(tmp_path, f"c{age}"), age)
    _aged(_folder(tmp_path) / "c1", 1)
    assert len(os.listdir(_folder(tmp_path))) == 6
    _note(tmp_path, "c0")
    assert sorted(os.listdir(_folder(tmp_path))) == ["c0", "c1", "c2"]
    Journal(str(tmp_path), REF).drop()
    assert os.listdir(_folder(tmp_path)) == []
    assert os.listdir(other) == ["c1"]


def test_large_writes_go_sooner_and_the_last_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = _note(tmp_path, "c1").stat().st_size
    for age in (1, 2, 3):
        _aged(_note(tmp_path, f"c{age}"), age)
    monkeypatch.setattr(journal, "_BYTES", 3 * size)
    _note(tmp_path, "c0")
    assert sorted(os.listdir(_folder(tmp_path))) == ["c0", "c1", "c2"]
    monkeypatch.setattr(journal, "_BYTES", size - 1)
    _note(tmp_path, "d0")
    assert os.listdir(_folder(tmp_path)) == ["d0"]


def test_packs_are_known_by_the_time_of_their_folder_once_it_settled(tmp_path: Path) -> None:
    """A folder that changed just now may change again within the same tick, either way."""
    assert journal.packs(str(tmp_path)) == 0
    folder = tmp_path / "objects" / "pack"
    folder.mkdir(parents=True)
    now = time.time_ns()
    for age, number in ((0, 0), (-(10**9), now + 10**9), (10**9, now - 10**9)):
        os.utime(folder, ns=(0, now - age))
        assert journal.packs(str(tmp_path)) == number
