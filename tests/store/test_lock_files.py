"""Lock files: the mark of a dead writer, whose lock it is, the notes of gits, and all locks."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from gittasks.store import lock_files, platform
from gittasks.store.disk import Backoff, Sharing
from gittasks.store.lock_files import ListLock, LockFile
from gittasks.store.platform import Holder

COMMIT = "c" * 40
OTHER = "d" * 40


@pytest.fixture
def ref_lock(tmp_path: Path) -> Path:
    """Where git's lock of the ref would be."""
    return tmp_path / "ref.lock"


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses, of which each is over at once."""
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    return pauses


def _left(folder: Path, mark: str = COMMIT) -> str:
    """The lock of a list in which a dead writer left a mark."""
    path = folder / "lock" / "plan"
    path.parent.mkdir(exist_ok=True)
    path.write_text(mark)
    return str(path)


def _old(path: Path, content: str, seconds: float = 100) -> None:
    path.write_text(content)
    moment = time.time() - seconds
    os.utime(path, (moment, moment))


class TestMark:
    """What a writer that died in a move leaves is cleared by the one that comes after it."""

    @pytest.mark.parametrize(
        ("content", "age"), [(COMMIT, 0), (f"{COMMIT}\n", 0), (COMMIT, 100), ("", 100)]
    )
    def test_its_lock_of_the_ref_is_removed(
        self, tmp_path: Path, ref_lock: Path, content: str, age: float, slept: list[float]
    ) -> None:
        path = _left(tmp_path)
        _old(ref_lock, content, age)
        with ListLock(path, str(ref_lock)) as lock:
            assert lock.mark_before == COMMIT
            assert not ref_lock.exists()
            assert os.path.getsize(path) == 0
        with ListLock(path, str(ref_lock)) as lock:
            assert lock.mark_before == ""
        assert slept == []

    def test_that_of_another_program_stays(
        self, tmp_path: Path, ref_lock: Path, slept: list[float]
    ) -> None:
        path = _left(tmp_path)
        _old(ref_lock, OTHER)
        with ListLock(path, str(ref_lock)) as lock:
            assert lock.mark_before == COMMIT
        assert ref_lock.exists()
        assert os.path.getsize(path) == 0
        assert slept == []

    def test_an_empty_one_may_be_filled_in_for_a_second(
        self, tmp_path: Path, ref_lock: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is looked at again until it is: by another program, so it stays."""
        path = _left(tmp_path)
        ref_lock.touch()
        monkeypatch.setattr("time.sleep", lambda _: ref_lock.write_text(OTHER))
        with ListLock(path, str(ref_lock)):
            assert ref_lock.read_text() == OTHER

    def test_one_that_stays_empty_is_a_leftover(
        self, tmp_path: Path, ref_lock: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also where the clock of the file system is ahead."""
        path = _left(tmp_path)
        _old(ref_lock, "", -100)
        monkeypatch.setattr(lock_files, "_EMPTY_LOCK_AGE", 0.01)
        with ListLock(path, str(ref_lock)):
            assert not ref_lock.exists()

    @pytest.mark.parametrize("number", [errno.EROFS, errno.EMFILE, errno.ENOENT, errno.EIO])
    def test_one_that_cannot_be_read_now_is_known_later(
        self, tmp_path: Path, ref_lock: Path, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        """It is there all the same: the mark stays for the next writer, who removes the lock."""
        path = _left(tmp_path)
        _old(ref_lock, "")

        def fail(*_: object, **__: object) -> None:
            raise OSError(number, os.strerror(number), str(ref_lock))

        with monkeypatch.context() as patch:
            patch.setattr("builtins.open", fail)
            with ListLock(path, str(ref_lock)):
                assert os.path.getsize(path) == len(COMMIT)
        assert ref_lock.exists()
        with ListLock(path, str(ref_lock)):
            assert not ref_lock.exists()

    @pytest.mark.parametrize("named", [True, False])
    def test_without_a_lock_the_mark_alone_goes(
        self, tmp_path: Path, ref_lock: Path, slept: list[float], named: bool
    ) -> None:
        """There is none, or moves of this kind make none."""
        path = _left(tmp_path)
        if not named:
            ref_lock.write_text(COMMIT)
        with ListLock(path, str(ref_lock) if named else None) as lock:
            assert lock.mark_before == COMMIT
        assert ref_lock.exists() is not named
        assert os.path.getsize(path) == 0
        assert slept == []

    def test_without_a_mark_nothing_is_touched(self, tmp_path: Path, ref_lock: Path) -> None:
        path = _left(tmp_path, "")
        _old(ref_lock, COMMIT)
        with ListLock(path, str(ref_lock)):
            assert ref_lock.exists()

    def test_it_is_written_and_forgotten(self, tmp_path: Path) -> None:
        path = tmp_path / "below" / "plan"
        with ListLock(str(path), None, Sharing(0o660)) as lock:
            lock.mark(COMMIT)
            assert path.read_text() == COMMIT
            lock.clear()
            assert path.read_text() == ""
            assert path.stat().st_mode & 0o660 == 0o660
            assert path.parent.stat().st_mode & 0o070 == 0o070
        lock.mark(COMMIT)
        lock.clear()
        assert path.read_text() == ""
        assert lock.holder() is None


class TestTurn:
    """Who has the lock, who waits, and who goes on without."""

    def test_where_there_is_no_place_for_it_the_write_goes_on(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with ListLock(str(tmp_path / "file" / "lock"), None) as lock:
            lock.mark(COMMIT)
        assert (tmp_path / "file").read_text() == ""

    def test_a_file_system_without_locks_has_no_queue(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody has the lock, so no mark of another is touched."""

        def refuse(_handle: int) -> bool:
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

        monkeypatch.setattr(platform, "try_lock", refuse)
        path = _left(tmp_path)
        with ListLock(path, None) as lock:
            lock.mark(OTHER)
            lock.clear()
            assert lock.mark_before == ""
        assert Path(path).read_text() == COMMIT

    @pytest.mark.parametrize("stopped", [False, True])
    def test_who_is_waited_for_is_said_once_and_a_stopped_one_not_waited_for(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slept: list[float], stopped: bool
    ) -> None:
        """Also where the system has no queue, and the lock is tried again and again."""
        tries: list[int] = []

        def try_lock(_handle: int) -> bool:
            tries.append(1)
            return len(tries) == 5

        monkeypatch.setattr(platform, "try_lock", try_lock)
        monkeypatch.setattr(platform, "request_lock", lambda _: None)
        monkeypatch.setattr(platform, "holder_of", lambda _: Holder(7, "vi", stopped))
        monkeypatch.setattr(lock_files, "_SILENCE", -1.0)
        sentences: list[str] = []
        path = _left(tmp_path)
        with ListLock(path, None, announce=sentences.append) as lock:
            held = lock.holder() is None
        assert held is not stopped
        assert lock.mark_before == ("" if stopped else COMMIT)
        assert sentences == [
            "process 7 (vi, stopped) is writing to this list: going on beside it"
            if stopped
            else "process 7 (vi) is writing to this list: waiting"
        ]
        assert len(slept) == (0 if stopped else 3)

    def test_one_whose_holder_is_unknown_is_another_program(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(platform, "holder_of", lambda _: None)
        monkeypatch.setattr(lock_files, "_SILENCE", 0.01)
        monkeypatch.setattr(lock_files, "_PATIENCE", 0.02)
        sentences: list[str] = []
        path = _left(tmp_path)
        with ListLock(path, None), ListLock(path, None, announce=sentences.append):
            pass
        assert sentences == ["another program is writing to this list: waiting"]

    def test_who_waits_no_longer_than_the_silence_says_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lock_files, "_PATIENCE", 0.02)
        path = _left(tmp_path)
        with ListLock(path, None), ListLock(path, None, announce=pytest.fail):
            pass

    def test_lists_have_locks_of_their_own(self) -> None:
        ref = "refs/heads/gittasks/plan"
        assert lock_files.path_of("/x", ref) == "/x/gittasks/lock/gittasks/plan"
        assert lock_files.turn_path_of("/x", ref) == "/x/gittasks/turn/gittasks/plan"


class TestNotes:
    """A note of a git of ours tells whose a lock is once that git is dead."""

    def _dead(self, common: Path, locks: list[Path], text: str = "") -> Path:
        """The note of a dead git: its file."""
        with lock_files.noting(str(common), [str(lock) for lock in locks], text) as note:
            note.keep()
        (name,) = os.listdir(common / "gittasks" / "running")
        return common / "gittasks" / "running" / name

    def test_it_goes_with_its_git(self, tmp_path: Path) -> None:
        running = tmp_path / "gittasks" / "running"
        with lock_files.noting(str(tmp_path), ["/a"], shared=Sharing(0o660)) as note:
            (name,) = os.listdir(running)
            assert name.startswith(f"{os.getpid()}-")
            assert (running / name).stat().st_mode & 0o660 == 0o660
            assert running.stat().st_mode & 0o070 == 0o070
            (handle,) = note.inherited
            os.fstat(handle)
        assert os.listdir(running) == []
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(handle)

    def test_where_there_is_no_place_for_one_the_git_runs_all_the_same(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "gittasks").touch()
        with lock_files.noting(str(tmp_path), ["/a"]) as note:
            assert note.inherited == ()
        assert lock_files.leftovers(str(tmp_path)) == []

    def test_one_that_cannot_be_filled_in_goes_as_well(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", refuse)
            with lock_files.noting(str(tmp_path), ["/a"]) as note:
                assert len(note.inherited) == 1
        assert os.listdir(tmp_path / "gittasks" / "running") == []

    def test_a_dead_one_names_locks_and_purpose(self, tmp_path: Path) -> None:
        path = self._dead(tmp_path, [tmp_path / "a", tmp_path / "b"], "one\n\ntwo")
        (remains,) = lock_files.leftovers(str(tmp_path))
        assert remains.locks == (str(tmp_path / "a"), str(tmp_path / "b"))
        assert (remains.text, remains.path) == ("one\n\ntwo", str(path))
        assert remains.since == path.stat().st_mtime

    def test_only_locks_of_its_time_are_its_leftovers(self, tmp_path: Path) -> None:
        """File systems count time in ticks: two seconds do not matter."""
        locks = [tmp_path / name for name in ("gone", "older", "as-old", "newer")]
        self._dead(tmp_path, locks)
        for lock, age in zip(locks[1:], (10, 1, -10), strict=True):
            _old(lock, "", age)
        (remains,) = lock_files.leftovers(str(tmp_path))
        assert remains.leftover_locks() == [str(lock) for lock in locks[2:]]

    def test_one_that_is_made_just_now_is_waited_for(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Until it is a second old; one of another program is gone before that."""
        lock = tmp_path / "lock"
        path = self._dead(tmp_path, [lock])
        lock.touch()
        waits: list[int] = []

        def wait(_self: object, attempt: int) -> None:
            waits.append(attempt)
            if attempt == 2:
                _old(lock, "", 1.5)

        monkeypatch.setattr(Backoff, "wait", wait)
        (remains,) = lock_files.leftovers(str(tmp_path))
        remains.remove(forget=False)
        assert waits == [0, 1, 2]
        assert not lock.exists()
        assert path.exists()
        remains.remove()
        assert not path.exists()

    def test_they_are_cleared_where_the_lock_is_in_the_way(self, tmp_path: Path) -> None:
        """A note that says what was about to be done is kept for who finishes that."""
        lock = tmp_path / "lock"
        for text in ("", "purpose"):
            path = self._dead(tmp_path, [lock], text)
            assert not lock_files.clear_leftovers(str(tmp_path), ["/other"])
            assert path.exists() is bool(text)
            path = path if text else self._dead(tmp_path, [lock], text)
            _old(lock, "", 1.5)
            assert lock_files.clear_leftovers(str(tmp_path), [str(lock), "/other"])
            assert not lock.exists()
            assert path.exists() is bool(text)

    @pytest.mark.parametrize(
        ("call", "number"), [("stat", errno.EIO), ("stat", errno.ENOENT), ("unlink", errno.EIO)]
    )
    def test_one_whose_lock_is_out_of_reach_now_is_kept(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
    ) -> None:
        """The disk fails for once; the next who finds the lock in the way knows it all the same."""
        lock = tmp_path / "lock"
        path = self._dead(tmp_path, [lock])
        _old(lock, "", 1.5)
        real = getattr(os, call)

        def fail(name: str, *args: object, **named: object) -> object:
            if str(name) == str(lock):
                raise OSError(number, os.strerror(number), name)
            return real(name, *args, **named)

        with monkeypatch.context() as patch:
            patch.setattr(os, call, fail)
            assert not lock_files.clear_leftovers(str(tmp_path), [str(lock)])
        assert path.exists()
        assert lock_files.clear_leftovers(str(tmp_path), [str(lock)])
        assert not lock.exists()
        assert not path.exists()


class TestAllLocks:
    """All locks of a repository that stay, the oldest first."""

    def test_of_each_worktree_and_kind(self, tmp_path: Path, slept: list[float]) -> None:
        linked = tmp_path / "worktrees" / "tree"
        paths = [
            tmp_path / "packed-refs.lock",
            tmp_path / "config.lock",
            tmp_path / "refs" / "heads" / "x" / "y.lock",
            tmp_path / "reftable" / "tables.list.lock",
            linked / "index.lock",
            linked / "HEAD.lock",
            linked / "config.worktree.lock",
            tmp_path / "shallow.lock",
        ]
        for age, path in enumerate([*paths, tmp_path / "refs" / "heads" / "x" / "z"], 10):
            path.parent.mkdir(parents=True, exist_ok=True)
            _old(path, "", 60 * age)
        locks = lock_files.git_locks(str(tmp_path))
        assert [lock.path for lock in locks] == [str(path) for path in reversed(paths)]
        ages = [round(lock.age / 60) for lock in locks]
        assert ages == [*range(17, 9, -1)]
        assert slept == []

    def test_one_that_goes_or_changes_within_a_second_is_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("config", "HEAD", "index"):
            (tmp_path / f"{name}.lock").touch()
        stays = os.stat(tmp_path / "index.lock").st_mtime
        pauses: list[float] = []

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            (tmp_path / "config.lock").unlink()
            _old(tmp_path / "HEAD.lock", "", -5)
            (tmp_path / "shallow.lock").touch()

        monkeypatch.setattr("time.sleep", pause)
        (lock,) = lock_files.git_locks(str(tmp_path))
        assert pauses == [1.0]
        assert lock == LockFile(str(tmp_path / "index.lock"), lock.age)
        assert 0 <= lock.age <= time.time() - stays
