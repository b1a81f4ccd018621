"""What the disk refuses is told in words of its own, with the path; and a sync that failed is."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.repositories import GITTASKS, Repo

from gittasks.core.operations import Transition, Verb
from gittasks.errors import Busy, DiskFailure
from gittasks.mcp_server import server
from gittasks.store import config, disk, platform

START_A = Transition(Verb.START, "a")


def failing(number: int, fails: Callable[[str], bool]) -> Callable[[int], None]:
    """An fsync that fails for the files and folders of which `fails` is true."""
    real = os.fsync

    def fsync(handle: int) -> None:
        if fails(os.readlink(f"/proc/self/fd/{handle}")):
            raise OSError(number, os.strerror(number))
        real(handle)

    return fsync


needs_proc = pytest.mark.skipif(
    not os.path.isdir("/proc/self/fd"), reason="no /proc tells which file a handle is"
)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EACCES, "permission denied"),
        (errno.EFBIG, "the file would be larger than this process may write"),
        (errno.EIO, "the disk reports an I/O error"),
        (errno.EMFILE, "too many files are open in this process"),
        (errno.ELOOP, os.strerror(errno.ELOOP)),
    ],
)
def test_an_error_of_the_system_has_words_and_names_the_path(number: int, words: str) -> None:
    for name in ("/some/file", b"/some/file"):
        failure = DiskFailure.of(OSError(number, os.strerror(number), name))
        assert (failure.message, failure.where) == (words, "/some/file")
        assert (failure.kind, failure.exit_code) == ("disk", 4)


@needs_proc
def test_a_sync_that_failed_is_told_before_a_folder_that_vanished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The latter is no error where git has packed what was in it."""
    monkeypatch.setattr(os, "fsync", failing(errno.EIO, lambda path: path == str(tmp_path)))
    with pytest.raises(OSError, match=os.strerror(errno.EIO)) as caught:
        disk.sync_all([*[str(tmp_path / "gone")] * disk._AT_ONCE, str(tmp_path)])
    assert caught.value.filename == str(tmp_path)


@needs_proc
def test_a_folder_that_cannot_be_synced_is_passed_over_and_one_that_failed_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setattr(os, "fsync", failing(errno.EINVAL, lambda _: True))
    disk.sync_all([str(tmp_path)])
    with pytest.raises(OSError, match="Invalid argument") as caught:
        disk.sync_all([str(file)])
    assert caught.value.filename == str(file)
    monkeypatch.setattr(os, "fsync", failing(errno.EIO, lambda _: True))
    for path in (str(tmp_path), str(file)):
        with pytest.raises(OSError, match="Input/output error") as caught:
            disk.sync_all([path])
        assert caught.value.filename == path


@needs_proc
def test_an_object_s_folder_that_cannot_be_synced_stops_the_write(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = listed.head()
    objects = os.path.join(listed.git_dir, "objects")
    monkeypatch.setattr(os, "fsync", failing(errno.EIO, lambda path: path == objects))
    with pytest.raises(OSError, match="Input/output error") as caught:
        listed.workspace("plan").edit([START_A])
    assert caught.value.filename == objects
    assert listed.head() == before
    answer = server.answer(listed.path, "plan", "TaskUpdate", {"taskId": "a", "status": "deleted"})
    assert answer.is_error
    text = answer.content[0].text  # type: ignore[union-attr]
    assert text.startswith(f"{objects}: the disk reports an I/O error\n")
    assert listed.head() == before


@needs_proc
def test_a_ref_s_folder_that_cannot_be_synced_is_told_for_what_it_is(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The branch has moved: nobody may hear that nothing was changed."""
    before = listed.head()
    folder = os.path.dirname(listed.ref_lock())
    workspace = listed.workspace("plan")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing(errno.EIO, lambda path: path == folder))
        assert workspace.edit([START_A]).commit
    (notice,) = workspace.notices
    assert isinstance(notice, str)
    assert notice.startswith("done, but a power cut may undo it")
    assert notice.endswith(f"({folder}: the disk reports an I/O error)")
    assert listed.head() != before


def test_the_lock_of_git_s_configuration_is_named(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = Path(listed.git_dir, "config.lock")
    lock.touch()
    monkeypatch.setattr(config, "_ATTEMPTS", 2)
    with pytest.raises(Busy, match="another program") as caught:
        listed.workspace().repository.set_config("--local", "a.b", "c")
    assert caught.value.where == str(lock)
    assert "leftover" in str(caught.value.hint)


def test_a_read_only_repository_is_called_so(listed: Repo) -> None:
    """Commands that write files, refs and git's configuration, and a read, which needs none."""
    probe = "mount --bind . . && mount -o remount,bind,ro ."
    if (
        not shutil.which("unshare")
        or subprocess.run(
            ["unshare", "-m", "sh", "-c", probe], cwd=listed.path, check=False, capture_output=True
        ).returncode
    ):
        pytest.skip("nothing can be mounted read-only here")
    for command in ("start a", "init another", "hooks install"):
        script = f'{probe} && cd "$PWD" && exec "{GITTASKS}" {command}'
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", script],
            cwd=listed.path,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 4, (command, done)
        assert done.stderr.startswith(f"error: {listed.path}/.git/"), (command, done)
        assert "the file system is read-only\n" in done.stderr, (command, done)
    script = f'{probe} && cd "$PWD" && exec "{GITTASKS}" list'
    read = ["unshare", "-m", "sh", "-c", script]
    assert subprocess.run(read, cwd=listed.path, check=False, capture_output=True).returncode == 0


def test_without_threads_files_are_synced_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system that gives no more threads is no reason to leave a file out."""
    names = [str(tmp_path / f"f{number}") for number in range(3)]
    for name in names:
        Path(name).touch()
    synced: list[str] = []

    def sync(path: str, **_options: bool) -> None:
        synced.append(path)

    def refuse(*_args: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(platform, "sync_path", sync)
    monkeypatch.setattr(disk, "start_new_thread", refuse)
    disk.sync_all(names)
    assert sorted(synced) == names


def test_whatever_goes_wrong_in_a_sync_is_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also on another thread, and also what is no error of the disk."""

    def fail(path: str, **_options: bool) -> None:
        raise ValueError(path)

    monkeypatch.setattr(platform, "sync_path", fail)
    with pytest.raises(ValueError, match="gone"):
        disk.sync_all([str(tmp_path / "gone")] * 3)


def test_a_file_is_read_whole_while_it_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was added after its size was asked for is part of it."""
    path = tmp_path / "file"
    path.write_bytes(b"a" * 10)
    real = os.fstat

    def fstat(handle: int) -> os.stat_result:
        status = real(handle)
        with open(path, "ab") as file:
            file.write(b"b" * 100_000)
        return status

    monkeypatch.setattr(os, "fstat", fstat)
    content = disk.read(str(path))
    assert content.startswith(b"a" * 10 + b"b" * 90_000)


@pytest.mark.parametrize("call", ["fstat", "open"])
def test_a_file_that_cannot_be_looked_at_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Its handle is given back when the look at what it is, or what reads it, fails."""
    path, closed, close = tmp_path / "file", list[int](), os.close
    path.write_text("")

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def note(handle: int) -> None:
        closed.append(handle)
        close(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os if call == "fstat" else disk, call, fail, raising=False)
        patch.setattr(os, "close", note)
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            disk.open_file(str(path))
    assert len(closed) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """Neither by who reads a file of ours nor by who adds to it."""
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    with pytest.raises(OSError, match="regular file"):
        disk.read(path)
    with pytest.raises(OSError, match=os.strerror(errno.ENXIO)):
        disk.append(path, b"a line\n", disk.PRIVATE)


def test_a_durable_file_is_synced_before_it_is_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And with all that was written: a rename may reach the disk before the bytes do."""
    path, synced = tmp_path / "file", list[tuple[bytes, bool]]()

    def sync(_handle: int, **_options: bool) -> None:
        (draft,) = tmp_path.iterdir()
        synced.append((draft.read_bytes(), draft == path))

    monkeypatch.setattr(platform, "sync", sync)
    disk.replace_file(str(path), b"whole", durable=True)
    assert synced == [(b"whole", False)]
    assert path.read_bytes() == b"whole"
