"""Files below the git directory: read, made with their folders, replaced whole, shared, cached."""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
from pathlib import Path

import pytest

from gittasks.light import NamedTuple
from gittasks.store import disk, platform
from gittasks.store.disk import PRIVATE, Backoff, CacheFile, Sharing


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestSharing:
    """What `core.sharedRepository` means, as git-config tells it."""

    @pytest.mark.parametrize(
        ("setting", "sharing"),
        [
            *((word, Sharing(0o660)) for word in ("group", "TRUE", "yes", "on", "1")),
            *((word, Sharing(0o664)) for word in ("all", "World", "everybody", "2")),
            *((word, PRIVATE) for word in (None, "", "umask", "false", "no", "0", "nonsense", "9")),
            ("0640", Sharing(0o640, replaces=True)),
            ("0777", Sharing(0o666, replaces=True)),
            ("0600", Sharing(0o600, replaces=True)),
            ("0400", PRIVATE),
            ("0060", PRIVATE),
        ],
    )
    def test_meaning_of_a_value(self, setting: str | None, sharing: Sharing) -> None:
        assert disk.sharing(setting) == sharing

    @pytest.mark.parametrize(
        ("sharing", "before", "after"),
        [
            (PRIVATE, 0o600, 0o600),
            (Sharing(0o660), 0o600, 0o660),
            (Sharing(0o660), 0o400, 0o440),
            (Sharing(0o664), 0o700, 0o775),
            (Sharing(0o660), 0o755, 0o775),
            (Sharing(0o640, replaces=True), 0o666, 0o640),
            (Sharing(0o640, replaces=True), 0o777, 0o750),
            (Sharing(0o660, replaces=True), 0o444, 0o440),
        ],
    )
    def test_permissions_of_a_file(
        self, tmp_path: Path, sharing: Sharing, before: int, after: int
    ) -> None:
        """Who may read may execute what the owner may; what is read-only stays so."""
        file = tmp_path / "file"
        file.touch()
        file.chmod(before)
        sharing.apply(str(file))
        assert oct(_mode(file)) == oct(after)

    def test_without_sharing_nothing_is_changed(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o775)
        PRIVATE.apply(str(tmp_path))
        assert oct(_mode(tmp_path)) == oct(0o775)

    def test_a_folder_keeps_its_group(self, tmp_path: Path) -> None:
        """What is made in a folder for the group belongs to that group."""
        for sharing, mode in (
            (Sharing(0o660), 0o2770),
            (Sharing(0o640, replaces=True), 0o2750),
            (Sharing(0o600, replaces=True), 0o700),
        ):
            folder = tmp_path / oct(mode)
            folder.mkdir()
            folder.chmod(0o700)
            sharing.apply(str(folder))
            assert oct(_mode(folder)) == oct(mode)

    def test_what_has_them_is_left_alone_and_what_is_gone_passed_over(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "chmod", lambda *_: pytest.fail("it has them"))
        file = tmp_path / "file"
        file.touch(0o660)
        os.umask(before := os.umask(0))
        sharing = Sharing(0o660 & ~before)
        sharing.apply(str(file))
        sharing.apply(str(tmp_path / "gone"))


class TestFolders:
    """Folders that are made for a file, beside processes that make and remove them."""

    def test_those_above_what_was_made_are_to_be_synced(self, tmp_path: Path) -> None:
        deep = tmp_path / "a" / "b" / "c"
        above = [str(deep.parent), str(deep.parent.parent), str(tmp_path)]
        assert disk.make_folders(str(deep), Sharing(0o660)) == above
        assert deep.is_dir()
        assert all(_mode(path) & 0o2070 == 0o2070 for path in (deep, deep.parent))
        assert disk.make_folders(str(deep), PRIVATE) == []

    def test_another_may_have_made_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its permissions are then that one's."""
        real = os.mkdir

        def mkdir(path: str) -> None:
            real(path, 0o700)
            raise FileExistsError(errno.EEXIST, "", path)

        monkeypatch.setattr(os, "mkdir", mkdir)
        disk.make_folders(str(tmp_path / "a" / "b"), Sharing(0o660))
        assert _mode(tmp_path / "a" / "b") == 0o700

    @pytest.mark.parametrize("times", [0, 1, 18, 19])
    def test_one_that_goes_before_the_file_is_in_it_is_made_again(
        self, tmp_path: Path, times: int
    ) -> None:
        folder, tries = tmp_path / "a", []

        def put() -> str:
            tries.append(folder.is_dir())
            if len(tries) <= times:
                folder.rmdir()
                raise FileNotFoundError
            return "there"

        assert disk.in_folder(str(folder), PRIVATE, put) == "there"
        assert tries == [True] * (times + 1)

    def test_but_not_for_ever(self, tmp_path: Path) -> None:
        def put() -> None:
            tries.append(1)
            raise FileNotFoundError

        tries: list[int] = []
        with pytest.raises(FileNotFoundError):
            disk.in_folder(str(tmp_path / "a"), PRIVATE, put)
        assert len(tries) == 20

    def test_names_come_in_order_and_none_from_what_is_no_folder(self, tmp_path: Path) -> None:
        for name in "cab":
            (tmp_path / name).touch()
        assert disk.names_in(str(tmp_path)) == ["a", "b", "c"]
        assert disk.names_in(str(tmp_path / "gone")) == []
        assert disk.names_in(str(tmp_path / "a")) == []


class TestFiles:
    """One file, read if it is a regular one, and put in place whole or not at all."""

    def test_only_a_regular_file_is_read(self, tmp_path: Path) -> None:
        """A pipe is not waited for, and no handle is left open."""
        (tmp_path / "file").write_bytes(b"x")
        assert disk.read(str(tmp_path / "file")) == b"x"
        os.mkfifo(tmp_path / "pipe")
        before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
        for name in ("pipe", "."):
            path = str(tmp_path / name)
            with pytest.raises(OSError, match="it is not a regular file") as caught:
                disk.read(path)
            assert (caught.value.errno, caught.value.filename) == (errno.EINVAL, path)
        if before is not None:
            assert len(os.listdir("/proc/self/fd")) == before

    def test_it_is_replaced_whole_with_the_permissions_of_another(self, tmp_path: Path) -> None:
        target, like = tmp_path / "target", tmp_path / "like"
        for path, mode in ((target, 0o640), (like, 0o604)):
            path.write_bytes(b"old")
            path.chmod(mode)
        disk.replace_file(str(target), b"new", like=str(like))
        assert (target.read_bytes(), _mode(target)) == (b"new", 0o604)
        disk.replace_file(str(target), b"newer", like=str(tmp_path / "gone"), shared=Sharing(0o666))
        assert (target.read_bytes(), _mode(target) & 0o666) == (b"newer", 0o666)
        assert sorted(os.listdir(tmp_path)) == ["like", "target"]

    def test_a_replacement_that_fails_leaves_what_was_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Neither half a file nor a draft stays, and the error names the file."""
        target = tmp_path / "target"
        target.write_bytes(b"old")

        def refuse(descriptor: int) -> None:
            assert os.path.getsize(descriptor) == 3, "all of it was handed to the system"
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        with monkeypatch.context() as patch:
            patch.setattr(platform, "sync", refuse)
            disk.replace_file(str(tmp_path / "other"), b"new")
            with pytest.raises(OSError, match="Input/output") as caught:
                disk.replace_file(str(target), b"new", durable=True)
        assert caught.value.filename == str(target)
        with monkeypatch.context() as patch:
            patch.setattr(platform, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                disk.replace_file(str(target), b"new")
        assert target.read_bytes() == b"old"
        assert sorted(os.listdir(tmp_path)) == ["other", "target"]

    def test_the_draft_is_beside_a_name_that_may_be_given(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its own has a `~`, which no list has, and is another in each thread."""
        drafts = []
        real = platform.replace

        def replace(source: str, target: str) -> None:
            drafts.append(source)
            real(source, target)

        monkeypatch.setattr(platform, "replace", replace)
        target = str(tmp_path / "target")
        assert disk.put(target, b"1", PRIVATE, draft=str(tmp_path / "draft"))
        disk.replace_file(target, b"2")
        thread = threading.Thread(target=disk.replace_file, args=(target, b"3"))
        thread.start()
        thread.join()
        assert len(set(drafts)) == 3
        assert drafts[0].startswith(f"{tmp_path / 'draft'}~{os.getpid()}-")
        assert all(draft.startswith(f"{target}~{os.getpid()}-") for draft in drafts[1:])

    def test_a_file_is_put_with_its_folders_or_that_is_told(self, tmp_path: Path) -> None:
        path = tmp_path / "a" / "b" / "file"
        assert disk.put(str(path), b"x", Sharing(0o660))
        assert path.read_bytes() == b"x"
        assert _mode(path) & 0o660 == 0o660
        assert _mode(path.parent) & 0o070 == 0o070
        assert not disk.put(str(path / "below"), b"x", PRIVATE)

    def test_lines_are_added_by_one_write(self, tmp_path: Path) -> None:
        file = tmp_path / "file"
        for line in (b"1\n", b"2\n"):
            disk.append(str(file), line, Sharing(0o660))
        assert file.read_bytes() == b"1\n2\n"
        assert _mode(file) & 0o660 == 0o660

    def test_an_error_names_the_file_unless_it_names_another(self) -> None:
        for error, name in (
            (OSError(errno.EIO, "x"), "/file"),
            (OSError(errno.EIO, "x", "/other"), "/other"),
        ):
            with pytest.raises(OSError, match="x") as caught, disk.naming("/file"):
                raise error
            assert caught.value.filename == name

    def test_what_cannot_be_removed_stays(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        disk.remove(str(tmp_path / "file"))
        disk.remove(str(tmp_path / "file"))
        disk.remove(str(tmp_path))
        assert os.listdir(tmp_path) == []


class TestCacheFile:
    """A file that may be deleted is believed in its own form alone, and undamaged."""

    def test_it_is_read_as_it_was_written(self, tmp_path: Path) -> None:
        path = str(tmp_path / "below" / "file")
        for form in (CacheFile("kind", 3), CacheFile("kind", 3, 77)):
            for body in (b"", b"a\nb\n"):
                form.write(path, body, PRIVATE)
                assert form.read(path) == body
        assert CacheFile("kind", 3).read(str(tmp_path / "gone")) is None

    def test_another_form_or_a_damaged_one_is_none(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        form = CacheFile("kind", 3, 77)
        form.write(str(path), b"body", PRIVATE)
        for other in (
            form._replace(kind="other"),
            form._replace(number=4),
            form._replace(fields=78),
            form._replace(fields=0),
        ):
            assert other.read(str(path)) is None
        whole = path.read_bytes()
        for data in (whole[:-1], whole + b"x", whole.replace(b"body", b"boby"), b""):
            path.write_bytes(data)
            assert form.read(str(path)) is None, data

    def test_where_none_can_be_written_there_is_none(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        CacheFile("kind", 3).write(str(tmp_path / "file" / "below"), b"x", PRIVATE)
        assert os.listdir(tmp_path) == ["file"]

    def test_a_form_changes_with_the_fields_of_its_values(self) -> None:
        class One(NamedTuple):
            a: int
            b: int

        class Two(NamedTuple):
            a: int
            c: int

        class Three(NamedTuple):
            a: int

        numbers = [disk.fields_of(*nouns) for nouns in ((One,), (Two,), (One, Two), (Two, One))]
        assert len({*numbers, disk.fields_of(One, Three), disk.fields_of(Three, One)}) == 6
        assert disk.fields_of(One) == disk.fields_of(One)


class TestSync:
    """Files and folders that are synced side by side."""

    @pytest.mark.parametrize("count", [0, 1, 2, 15, 16, 17, 40])
    def test_each_is_synced_once(self, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
        synced = []
        monkeypatch.setattr(
            platform, "sync_path", lambda path, *, full: synced.append((path, full))
        )
        paths = [f"/{number}" for number in range(count)]
        disk.sync_all(paths)
        assert sorted(synced) == sorted((path, False) for path in paths)
        synced.clear()
        disk.sync_all(paths, full=paths[1::2])
        assert sorted(synced) == sorted((path, path in paths[1::2]) for path in paths)

    def test_all_are_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        synced = []

        def sync(path: str, *, full: bool) -> None:
            if threading.current_thread() is not threading.main_thread():
                time.sleep(0.05)
            synced.append(path)

        monkeypatch.setattr(platform, "sync_path", sync)
        disk.sync_all(["/a", "/b"])
        assert sorted(synced) == ["/a", "/b"]


class TestBackoff:
    """Pauses of those who lost a race."""

    def test_the_longest_pause_doubles_up_to_the_most(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        drawn: list[tuple[float, float]] = []

        def uniform(least: float, most: float) -> float:
            drawn.append((least, most))
            return most

        monkeypatch.setattr("random.uniform", uniform)
        backoff = Backoff(first=0.5, most=3.0, least=0.25)
        assert [backoff.seconds(attempt) for attempt in (0, 1, 2, 3, 5000)] == [0.5, 1, 2, 3, 3]
        assert drawn == [(0.125, 0.5), (0.25, 1), (0.5, 2), (0.75, 3), (0.75, 3)]
        assert Backoff(first=1, most=2).seconds(0) == 1
        assert drawn[-1] == (0, 1)

    def test_it_is_slept_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        slept: list[float] = []
        monkeypatch.setattr("time.sleep", slept.append)
        Backoff(first=1, most=8, least=1).wait(2)
        assert slept == [4]
