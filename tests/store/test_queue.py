"""The queue of writers: who came first is first; who gives up or is killed holds up nobody."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from gittasks.store import lock_files, platform
from gittasks.store.lock_files import ListLock

PATIENCE = 30.0
pytestmark = pytest.mark.skipif(
    not os.path.exists("/proc/locks"), reason="who stands in a queue is in /proc"
)


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A lock file that nobody has yet."""
    (tmp_path / "lock").touch()
    return str(tmp_path / "lock")


def waiting(path: str) -> int:
    """How many wait for a lock, by the system's table."""
    inode = os.stat(path).st_ino
    with open("/proc/locks", encoding="ascii") as table:
        rows = [line.split() for line in table]
    return sum("->" in row and row[-3].endswith(f":{inode}") for row in rows)


def until(path: str, number: int) -> None:
    """Wait until so many wait for a lock."""
    deadline = time.monotonic() + PATIENCE
    while waiting(path) != number:
        assert time.monotonic() < deadline
        time.sleep(0.002)


class Writer(threading.Thread):
    """A writer that takes the lock, notes that it has it, and lets go."""

    def __init__(self, path: str, name: str, grants: list[str]) -> None:
        super().__init__(name=name)
        self._path, self._grants = path, grants
        self.start()

    def run(self) -> None:
        """Take the lock once."""
        with ListLock(self._path, None) as lock:
            assert lock.holder() is None
            self._grants.append(self.name)


def queued(path: str, names: str, grants: list[str], already: int = 0) -> Iterator[Writer]:
    """Writers that come one after the other, each when the one before stands in the queue."""
    for number, name in enumerate(names, 1):
        yield Writer(path, name, grants)
        until(path, already + number)


def test_writers_are_granted_the_lock_in_the_order_in_which_they_came(path: str) -> None:
    """Also those that come while others are already waiting."""
    grants: list[str] = []
    with ListLock(path, None):
        writers = [*queued(path, "abcdefgh", grants)]
        assert grants == []
    for writer in writers:
        writer.join(PATIENCE)
    assert grants == list("abcdefgh")


def test_nobody_waits_for_more_turns_than_there_are_others(path: str) -> None:
    """Who has written goes to the end: all others that wait come before its next turn."""
    grants: list[str] = []
    names = "abcdef"
    with ListLock(path, None):
        first = [*queued(path, names, grants)]
        second = [*queued(path, names, grants, already=len(names))]
    for writer in (*first, *second):
        writer.join(PATIENCE)
    assert Counter(grants[: len(names)]) == Counter(names)
    assert grants == [*names, *names]


def test_who_gives_up_leaves_the_queue_without_a_trace(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock that is granted too late is given back at once."""
    grants: list[str] = []
    with ListLock(path, None):
        with monkeypatch.context() as patch:
            patch.setattr(lock_files, "_PATIENCE", 0.05)
            with ListLock(path, None) as late:
                assert late.holder() is not None
        writers = [*queued(path, "ab", grants, already=1)]
    for writer in writers:
        writer.join(PATIENCE)
    assert grants == ["a", "b"]
    until(path, 0)
    with ListLock(path, None) as lock:
        assert lock.holder() is None


def test_it_is_said_once_who_is_waited_for(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while, and the wait goes on."""
    monkeypatch.setattr(lock_files, "_SILENCE", 0.05)
    sentences: list[str] = []
    said = threading.Event()

    def announce(sentence: str) -> None:
        sentences.append(sentence)
        said.set()

    def write() -> None:
        with ListLock(path, None, announce=announce) as lock:
            assert lock.holder() is None

    with ListLock(path, None):
        writer = threading.Thread(target=write)
        writer.start()
        assert said.wait(PATIENCE)
        assert waiting(path) == 1
    writer.join(PATIENCE)
    assert len(sentences) == 1
    assert sentences[0].endswith("is writing to this list: waiting")


def test_where_the_system_has_no_queue_it_is_tried_again(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows: the lock is had when it is free, and given up after the same time."""
    monkeypatch.setattr(platform, "request_lock", lambda _: None)
    grants: list[str] = []
    with ListLock(path, None):
        with monkeypatch.context() as patch:
            patch.setattr(lock_files, "_PATIENCE", 0.01)
            with ListLock(path, None) as late:
                assert late.holder() is not None
        writers = [Writer(path, name, grants) for name in "abc"]
        assert grants == []
    for writer in writers:
        writer.join(PATIENCE)
    assert sorted(grants) == ["a", "b", "c"]
