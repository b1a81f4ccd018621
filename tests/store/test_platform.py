"""What differs between systems, in one module: renames, copies, clocks, processes, terminals."""

from __future__ import annotations

import errno
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gittasks.store import platform


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A file to rename, and one to be replaced."""
    for name in ("new", "old"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    return str(tmp_path / "new"), str(tmp_path / "old")


def failing(*numbers: int, after: bool = False) -> Callable[[str, str], None]:
    """A rename that fails so often, with these errors; `after`: it is done all the same."""
    real, errors = os.replace, list(numbers)

    def replace(source: str, target: str) -> None:
        if errors and after:
            real(source, target)
        if errors:
            number = errors.pop(0)
            raise OSError(number, os.strerror(number), source)
        real(source, target)

    return replace


def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def test_a_refused_rename_is_tried_again(
    files: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scanner has the file open for a moment; whoever never lets go is told."""
    monkeypatch.setattr(os, "replace", failing(errno.EACCES, errno.EBUSY, errno.EPERM))
    platform.replace(*files)
    assert _read(files[1]) == "new"
    Path(files[0]).write_text("newer", encoding="utf-8")
    monkeypatch.setattr(os, "replace", failing(*[errno.EACCES] * 99))
    with pytest.raises(PermissionError):
        platform.replace(*files)
    assert _read(files[1]) == "new"


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EIO, errno.ESTALE])
def test_a_rename_whose_answer_was_lost_is_done(
    files: tuple[str, str], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A file server that is asked twice finds nothing to rename the second time."""
    monkeypatch.setattr(os, "replace", failing(number, after=True))
    platform.replace(*files)
    assert _read(files[1]) == "new"


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EIO, errno.ENOSPC])
def test_a_rename_that_failed_is_told(
    files: tuple[str, str], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "replace", failing(number))
    with pytest.raises(OSError, match=os.strerror(number)):
        platform.replace(*files)
    assert _read(files[1]) == "old"


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS])
def test_a_file_is_copied_where_there_are_no_hard_links(
    files: tuple[str, str], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """With its permissions; a symbolic link stays one, and nothing is ever written over."""

    def link(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", link)
    source, other = files
    os.chmod(source, 0o700)
    platform.link_or_copy(source, source + "-copy")
    assert (_read(source + "-copy"), os.stat(source + "-copy").st_mode & 0o777) == ("new", 0o700)
    with pytest.raises(FileExistsError):
        platform.link_or_copy(source, other)
    assert _read(other) == "old"
    os.symlink("nowhere", source + "-link")
    platform.link_or_copy(source + "-link", source + "-again")
    assert os.readlink(source + "-again") == "nowhere"


def test_a_lock_is_held_until_it_is_closed(files: tuple[str, str]) -> None:
    first, second = (os.open(files[0], os.O_RDWR) for _ in range(2))
    assert platform.try_lock(first)
    assert not platform.try_lock(second)
    os.close(first)
    assert platform.try_lock(second)
    os.close(second)


def test_a_process_is_known_by_its_number() -> None:
    """Its words, its parent, and that it lives."""
    words = [sys.executable, "-c", "print(flush=True); input()", "push", "-n"]
    child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout
    child.stdout.readline()
    try:
        assert platform.is_alive(child.pid)
        assert (platform.command_line(child.pid) or [])[-2:] == ["push", "-n"]
        assert platform.parent(child.pid) == os.getpid()
    finally:
        child.communicate(b"\n")
    assert not platform.is_alive(child.pid)
    assert platform.command_line(child.pid) is None
    assert platform.parent(child.pid) is None


def test_terminate_ends_the_helpers_of_a_program(tmp_path: Path) -> None:
    """A helper that holds the pipe would keep its reader waiting for ever."""
    script = "sleep 600 & echo; wait"
    for session in (True, False):
        child = subprocess.Popen(
            ["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=session, cwd=tmp_path
        )
        assert child.stdout
        child.stdout.readline()
        platform.terminate(child)
        assert child.wait(30) < 0
        if session:
            assert child.stdout.read() == b""
        child.stdout.close()


class _Refusing:
    """A poll that says of a terminal what that of macOS says."""

    def __init__(self, terminal: int) -> None:
        self._terminal, self._others = terminal, real_poll()
        self._asked = False

    def register(self, descriptor: int, events: int) -> None:
        self._asked = self._asked or descriptor == self._terminal
        if descriptor != self._terminal:
            self._others.register(descriptor, events)

    def unregister(self, descriptor: int) -> None:
        if descriptor == self._terminal:
            self._asked = False
        else:
            self._others.unregister(descriptor)

    def poll(self, milliseconds: float) -> list[tuple[int, int]]:
        if self._asked:
            return [(self._terminal, select.POLLNVAL)]
        return self._others.poll(milliseconds)


real_poll = select.poll


@pytest.mark.parametrize("polled", [True, False])
def test_keys_are_waited_for_also_where_terminals_cannot_be_polled(
    monkeypatch: pytest.MonkeyPatch, polled: bool
) -> None:
    """POLLNVAL is no hang-up: the keyboard is selected from then on."""
    master, terminal = pty.openpty()
    reader, writer = os.pipe()
    if not polled:
        monkeypatch.setattr(select, "poll", lambda: _Refusing(terminal))
    waiter = platform.Waiter()
    put_back = platform.take_keys(terminal)
    waiter.watch(terminal, reading=True)
    waiter.watch(writer, reading=False)
    waiter.wait(0)
    assert waiter.wait(0) == platform.Ready()
    os.write(master, b"q")
    assert waiter.wait(10).readable == {terminal}
    assert platform.read_keys(terminal) == "q"
    os.close(reader)
    assert waiter.wait(0).closed == {writer}
    waiter.forget(terminal)
    put_back()
    for descriptor in (master, terminal, writer):
        os.close(descriptor)


def test_a_wait_without_poll_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(select, "poll")
    waiter = platform.Waiter()
    waiter.watch(0, reading=True)
    before = time.monotonic()
    assert waiter.wait(0.01) == platform.Ready()
    assert time.monotonic() - before >= 0.01


def test_a_thread_that_listens_on_reads_no_other_file() -> None:
    """The number of a pipe that was closed is soon that of something else."""
    voice, stderr = os.pipe()
    chunks = platform._chunks_by_thread(voice, 0.01)
    assert next(chunks) is None
    os.close(voice)
    other, speech = os.pipe()
    assert other == voice
    os.write(stderr, b"still there\n")
    assert next(chunk for chunk in chunks if chunk) == b"still there\n"
    time.sleep(0.1)  # until it reads again
    os.write(speech, b"mine")
    time.sleep(0.1)
    os.set_blocking(other, False)
    assert os.read(other, 10) == b"mine"
    for file in (other, speech, stderr):
        os.close(file)


def test_keys_are_read_until_there_are_no_more() -> None:
    reader, writer = os.pipe()
    os.write(writer, "q\N{LATIN SMALL LETTER E WITH ACUTE}".encode())
    assert platform.read_keys(reader) == "q\N{LATIN SMALL LETTER E WITH ACUTE}"
    os.close(writer)
    assert platform.read_keys(reader) is None
    os.close(reader)
