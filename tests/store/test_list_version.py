"""A list at one commit, and the cache of the last one: what it holds, and what is none."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from support.repositories import Repo

from gittasks.store import list_version
from gittasks.store.disk import PRIVATE
from gittasks.store.list_version import CACHE, CachedList, Heads, ListVersion


@pytest.fixture
def version(listed: Repo) -> ListVersion:
    """A version with a note, a task that a person wrote, and a file that is no task."""
    listed.workspace("plan").note("a", "a note")
    text = listed.git("show", "gittasks/plan:tasks/b.yaml")
    listed.hand_edit({"tasks/b.yaml": f"# by hand\n{text}\n", "tasks/other.txt": "x"})
    return listed.workspace("plan").branch()


def test_a_commit_is_in_memory_when_no_head_is_it(version: ListVersion, tmp_path: Path) -> None:
    path = str(tmp_path / "cache")
    for heads, in_memory in (
        (Heads(version.commit, None), False),
        (Heads("1" * 40, version.commit), False),
        (Heads("1" * 40, "2" * 40), True),
        (Heads(None, "2" * 40), True),
    ):
        one = version._replace(heads=heads)
        list_version.write_cache(path, one, PRIVATE)
        list_version._opened.clear()
        cached = list_version.open_cache(path)
        assert cached
        assert one.in_memory is cached.in_memory is in_memory
    assert version._replace(heads=Heads()).in_memory is False


def test_heads_are_the_same_by_where_they_stand() -> None:
    heads = Heads("a", "b", "c")
    assert heads.all == ("a", "b")
    assert heads.at_same_commits(Heads("a", "b", "d"))
    assert not heads.at_same_commits(Heads("a", "c", "c"))
    assert not heads.at_same_commits(Heads("b", "b", "c"))


def test_all_of_it_is_read_back(version: ListVersion, tmp_path: Path) -> None:
    path = str(tmp_path / "cache")
    whole = version._replace(contested=("tasks/a.yaml",), lost=3)
    list_version.write_cache(path, whole, PRIVATE)
    list_version._opened.clear()
    read = list_version.read_cache(path)
    assert read
    assert read._replace(files={}) == whole._replace(files={})
    assert dict(read.files) == dict(whole.files)
    assert len(read.files) == len(whole.files)
    assert [task_id for task_id, file in read.files.items() if not file.canonical] == ["b"]
    assert read.conflicts == 1


def test_what_a_file_still_holds_is_decoded_once(version: ListVersion, tmp_path: Path) -> None:
    path = str(tmp_path / "cache")
    list_version.write_cache(path, version, PRIVATE)
    first = list_version.open_cache(path)
    assert first
    assert first.version is version, "who wrote it has it"
    list_version._opened.clear()
    second = list_version.open_cache(path)
    assert second is list_version.open_cache(path)
    assert second is not first
    list_version.write_cache(path, version._replace(lost=1), PRIVATE)
    assert list_version.read_cache(path) == version._replace(lost=1)
    os.unlink(path)
    assert list_version.open_cache(path) is None
    assert list_version.read_cache(path) is None


def test_no_more_than_some_are_held(version: ListVersion, tmp_path: Path) -> None:
    list_version._opened.clear()
    for number in range(20):
        list_version.write_cache(str(tmp_path / str(number)), version, PRIVATE)
        assert len(list_version._opened) == number % 8 + 1


def _lines(version: ListVersion, path: str) -> Any:
    list_version.write_cache(path, version, PRIVATE)
    body = CACHE.read(path)
    assert body
    return [json.loads(line) for line in body.split(b"\n")]


def test_a_cache_whose_parts_do_not_fit_is_none(version: ListVersion, tmp_path: Path) -> None:
    """Ids too short or too many, a file of a task that is not there, a field that is missing."""
    path = str(tmp_path / "cache")
    top, tasks, (blobs, by_hand) = _lines(version, path)
    width = len(version.commit)
    fits = [top, tasks, [blobs, by_hand]]
    assert CachedList(_body(fits)).version
    for wrong in (
        [top, tasks, [blobs[:-1], by_hand]],
        [top, tasks, [blobs[:-width], by_hand]],
        [top, tasks, [blobs + blobs[:width], by_hand]],
        [top, tasks, [blobs[:-1] + "x", by_hand]],
        [top, tasks, [blobs, ["nowhere"]]],
        [top, [], [blobs, by_hand]],
        [{**top, "info": {}}, tasks, [blobs, by_hand]],
        [{k: v for k, v in top.items() if k != "lost"}, tasks, [blobs, by_hand]],
    ):
        assert CachedList(_body(wrong)).version is None, wrong
    list_version._opened.clear()
    for body in (b"", b"{}", b"{}\n\n", b"[]\n\n", _body([{"heads": []}, 1, 1])):
        CACHE.write(path, body, PRIVATE)
        assert list_version.open_cache(path) is None, body


def _body(lines: list[Any]) -> bytes:
    return b"\n".join(json.dumps(line, separators=(",", ":")).encode() for line in lines)
