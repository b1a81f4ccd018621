"""What differs between systems, in one module: renames, copies, clocks, processes, terminals."""

from __future__ import annotations

import errno
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

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


class TestWindows:
    """What is done instead where there is no fork, played beside modules that stand in."""

    @pytest.fixture(autouse=True)
    def windows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(platform, "WINDOWS", True)

    def test_a_folder_and_a_read_only_file_are_not_synced(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened: list[tuple[str, int]] = []
        real = os.open

        def open_(path: str, flags: int, mode: int = 0o777) -> int:
            opened.append((path, flags))
            if not os.stat(path).st_mode & 0o200 or "denied" in path:
                raise PermissionError(errno.EACCES, "x", path)
            return real(path, flags, mode)

        for name, mode in (("file", 0o644), ("read-only", 0o444), ("denied", 0o644)):
            (tmp_path / name).touch()
            (tmp_path / name).chmod(mode)
        monkeypatch.setattr(os, "open", open_)
        platform.sync_path(str(tmp_path))
        assert opened == []
        platform.sync_path(str(tmp_path / "file"))
        assert opened == [(str(tmp_path / "file"), os.O_RDWR)]
        platform.sync_path(str(tmp_path / "read-only"))
        with pytest.raises(PermissionError):
            platform.sync_path(str(tmp_path / "denied"))

    def test_a_read_only_file_is_removed_and_replaced(
        self, files: tuple[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is made writable first; of another that refuses, the error is told."""
        new, old = files

        def refusing(real: Callable[..., None]) -> Callable[..., None]:
            def act(path: str, *others: str) -> None:
                if not os.stat(others[0] if others else path).st_mode & 0o200:
                    raise PermissionError(errno.EACCES, "read-only", path)
                real(path, *others)

            return act

        monkeypatch.setattr(os, "unlink", refusing(os.unlink))
        monkeypatch.setattr(os, "replace", refusing(os.replace))
        os.chmod(old, 0o444)
        platform.replace(new, old)
        assert _read(old) == "new"
        os.chmod(old, 0o444)
        platform.unlink(old)
        assert not os.path.exists(old)

        def denied(_: str) -> None:
            raise PermissionError

        Path(new).touch()
        monkeypatch.setattr(os, "unlink", denied)
        with pytest.raises(PermissionError):
            platform.unlink(new)

    def test_a_byte_far_behind_all_is_locked(
        self, files: tuple[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        calls: list[tuple[int, int, int]] = []

        class Msvcrt:
            LK_NBLCK = 7

            def locking(self, descriptor: int, mode: int, count: int) -> None:
                calls.append((os.lseek(descriptor, 0, os.SEEK_CUR), mode, count))
                if len(calls) == 2:
                    raise PermissionError
                if len(calls) == 3:
                    raise OSError(errno.EIO, "x")

        monkeypatch.setitem(sys.modules, "msvcrt", Msvcrt())
        file = os.open(files[0], os.O_RDWR)
        assert platform.try_lock(file) is True
        assert platform.try_lock(file) is False
        with pytest.raises(OSError, match="x"):
            platform.try_lock(file)
        assert calls == [(1 << 30, 7, 1)] * 3
        assert platform.request_lock(file) is None
        monkeypatch.setitem(sys.modules, "msvcrt", None)
        with pytest.raises(OSError, match=os.strerror(errno.ENOSYS)):
            platform.try_lock(file)
        os.close(file)

    @pytest.mark.parametrize(
        ("handle", "error", "answered", "code", "alive"),
        [
            (5, 0, 1, 259, True),
            (5, 0, 1, 0, False),
            (5, 0, 0, 0, True),
            (0, 5, 0, 0, True),
            (0, 87, 0, 0, False),
        ],
    )
    def test_a_process_is_asked_for_and_never_signalled(
        self,
        monkeypatch: pytest.MonkeyPatch,
        handle: int,
        error: int,
        answered: int,
        code: int,
        alive: bool,
    ) -> None:
        import ctypes

        calls: list[tuple[object, ...]] = []

        def open_process(*words: object) -> int:
            calls.append(words)
            return handle

        def get_code(of: int, to: object) -> int:
            assert of == handle
            to._obj.value = code  # type: ignore[attr-defined]
            return answered

        kernel = SimpleNamespace(
            OpenProcess=open_process,
            GetExitCodeProcess=get_code,
            CloseHandle=lambda of: calls.append((of,)),
        )
        monkeypatch.setattr(ctypes, "WinDLL", lambda _: kernel, raising=False)
        monkeypatch.setattr(ctypes, "get_last_error", lambda: error, raising=False)
        monkeypatch.setattr(os, "kill", None)
        assert platform.is_alive(77) is alive
        assert calls == [(0x1000, False, 77), *([(handle,)] if handle else [])]

    def test_where_nothing_tells_a_process_lives(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "kill", None)
        assert platform.is_alive(77) is True

    def test_a_keyboard_is_asked_in_turns(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The keys of a console come one by one; what else is waited for is not watched."""
        slept: list[float] = []
        waiting = [0, 0, 1, 1, 0]
        console = SimpleNamespace(kbhit=lambda: waiting.pop(0), getwch=lambda: "q")
        monkeypatch.setitem(sys.modules, "msvcrt", console)
        monkeypatch.setattr(time, "sleep", slept.append)
        monkeypatch.setattr(os, "isatty", lambda descriptor: descriptor == 7)
        monkeypatch.delattr(select, "poll")
        waiter = platform.Waiter()
        for descriptor, reading in ((7, True), (8, True), (9, False)):
            waiter.watch(descriptor, reading=reading)
        assert waiter.wait(60) == platform.Ready(frozenset({7}))
        assert slept == [0.05, 0.05]
        assert platform.read_keys(7) == "q"
        waiter.forget(7)
        waiter.forget(6)
        assert waiter.wait(-1) == platform.Ready()
        assert waiting == [0]
        monkeypatch.setitem(sys.modules, "termios", None)
        platform.take_keys(7)()

    def test_a_program_is_ended_with_its_helpers_by_taskkill(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[tuple[str, ...]] = []
        monkeypatch.setattr(platform, "_output", lambda *words: asked.append(words))

        class Program:
            pid, code, ended = 77, None, 0

            def poll(self) -> int | None:
                return self.code

            def terminate(self) -> None:
                self.ended += 1

        program = Program()
        platform.terminate(program)  # type: ignore[arg-type]
        assert asked == [("taskkill", "/T", "/F", "/PID", "77")]
        assert program.ended == 1
        program.code = 0  # type: ignore[assignment]
        platform.terminate(program)  # type: ignore[arg-type]
        assert len(asked) == 1

    def test_nothing_is_asked_of_ps_and_programs_are_looked_for(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(platform, "program", {"npm": "C:\\npm.cmd"}.get)
        assert platform._ps(1, "args") == ""
        assert platform.runnable(["npm", "x"]) == ["C:\\npm.cmd", "x"]
        assert platform.runnable(["other", "x"]) == ["other", "x"]
        monkeypatch.setattr(platform, "WINDOWS", False)
        assert platform.runnable(["npm", "x"]) == ["npm", "x"]


class TestLacks:
    """What a system lacks is done in another way."""

    def test_a_read_only_file_is_synced_where_that_can_be_opened(
        self, files: tuple[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Elsewhere than on Windows a refusal is an error, whatever the file allows."""
        os.chmod(files[0], 0o444)
        platform.sync_path(files[0])

        def refuse(path: str, _: int) -> int:
            raise PermissionError(errno.EACCES, "x", path)

        monkeypatch.setattr(os, "open", refuse)
        with pytest.raises(PermissionError):
            platform.sync_path(files[0])

    def test_a_file_is_read_and_written_at_a_place(
        self, files: tuple[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("none", "pread", "pwrite"):
            monkeypatch.delattr(os, name, raising=False)
            file = os.open(files[0], os.O_RDWR)
            os.write(file, b"0123456789")
            platform.write_at(file, b"ab", 3)
            assert platform.read_at(file, 4, 2) == b"2ab5"
            assert platform.read_at(file, 40, 8) == b"89"
            os.close(file)

    def test_a_file_without_a_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for _ in range(2):
            with platform.scratch_file() as file:
                file.write(b"x")
                file.seek(0)
                assert file.read() == b"x"
            monkeypatch.delattr(os, "memfd_create", raising=False)

    @pytest.mark.parametrize("full", [True, False])
    @pytest.mark.parametrize("answer", [None, errno.ENOTSUP, errno.ENOTTY, errno.EIO])
    def test_macos_syncs_past_its_cache_or_keeps_the_order(
        self, monkeypatch: pytest.MonkeyPatch, full: bool, answer: int | None
    ) -> None:
        import fcntl

        calls: list[object] = []

        def call(_: int, command: object) -> None:
            calls.append(command)
            if answer:
                raise OSError(answer, "x")

        monkeypatch.setattr(fcntl, "F_FULLFSYNC", "full", raising=False)
        monkeypatch.setattr(fcntl, "fcntl", call)
        monkeypatch.setattr(os, "fsync", lambda _: calls.append("fsync"))
        expected: list[object] = ["full" if full else 85]
        if answer == errno.EIO:
            with pytest.raises(OSError, match="x"):
                platform.sync(3, full=full)
        else:
            platform.sync(3, full=full)
            expected += ["fsync"] if answer else []
        assert calls == expected

    @pytest.mark.parametrize(
        ("name", "own", "same"),
        [
            ("MACHINE-1", "MACHINE-1", True),
            ("machine-1.lan", "MACHINE-1", True),
            ("other", "MACHINE-1", False),
            ("other", "", True),
        ],
    )
    def test_a_host_without_uname_is_known_by_its_first_letters(
        self, monkeypatch: pytest.MonkeyPatch, name: str, own: str, same: bool
    ) -> None:
        monkeypatch.delattr(os, "uname")
        monkeypatch.setenv("COMPUTERNAME", own)
        assert platform.is_this_host(name) is same

    def test_a_clock_that_nothing_can_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(platform, "_boot", lambda: "boot")
        boot, seconds = platform.steady_clock()
        assert boot == "boot"
        assert abs(seconds - time.clock_gettime(time.CLOCK_BOOTTIME)) < 60
        monkeypatch.delattr(time, "CLOCK_BOOTTIME")
        assert abs(platform.steady_clock()[1] - time.monotonic()) < 60
        monkeypatch.delattr(time, "clock_gettime")
        assert abs(platform.steady_clock()[1] - time.monotonic()) < 60

    def test_a_run_of_the_machine_has_a_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = open

        def lacking(path: str, *words: object, **options: object) -> object:
            if str(path).startswith("/proc"):
                raise FileNotFoundError(path)
            return real(path, *words, **options)  # type: ignore[call-overload]

        asked: list[tuple[str, ...]] = []
        assert platform._boot() == _read("/proc/sys/kernel/random/boot_id").strip()
        monkeypatch.setattr("builtins.open", lacking)

        def output(*words: str) -> str:
            asked.append(words)
            return "uuid"

        monkeypatch.setattr(platform, "_output", output)
        assert platform._boot() == "uuid"
        assert asked == [("sysctl", "-n", "kern.bootsessionuuid")]
        assert platform.command_line(7) == ["uuid"]
        assert asked[1] == ("ps", "-ww", "-o", "args=", "-p", "7")
        assert platform.parent(7) is None
        monkeypatch.setattr(platform, "_output", lambda *_: "12")
        assert platform.parent(7) == 12
        monkeypatch.setattr(platform, "WINDOWS", True)
        assert platform._boot() == ""
        assert platform.command_line(7) is None


class TestHolders:
    """Who holds a lock or has a file open, as /proc shows it."""

    def test_the_holder_of_a_lock(self, files: tuple[str, str]) -> None:
        file = os.open(files[0], os.O_RDWR)
        assert platform.holder_of(files[0]) is None
        assert platform.try_lock(file)
        holder = platform.holder_of(files[0])
        assert holder
        assert (holder.pid, holder.stopped) == (os.getpid(), False)
        assert str(holder) == f"process {os.getpid()} ({holder.command})"
        assert str(holder._replace(stopped=True)).endswith(f"({holder.command}, stopped)")
        assert platform.holder_of(files[1]) is None
        assert platform.holder_of(files[0] + "x") is None
        os.close(file)
        assert platform.holder_of(files[0]) is None

    def test_who_has_a_file_open(self, files: tuple[str, str]) -> None:
        assert platform.opener_of(files[0]) is None
        with open(files[0], encoding="utf-8"):
            opener = platform.opener_of(files[0])
        assert opener
        assert opener.pid == os.getpid()
        assert platform.opener_of(files[0] + "x") is None

    def test_a_stopped_process_is_known(self) -> None:
        child = subprocess.Popen(["sleep", "60"])
        os.kill(child.pid, signal.SIGSTOP)
        os.waitpid(child.pid, os.WUNTRACED)
        holder = platform._holder(str(child.pid))
        child.kill()
        child.wait(60)
        assert holder == platform.Holder(child.pid, "sleep", stopped=True)

    def test_what_who_started_this_left_open_is_inherited(self, files: tuple[str, str]) -> None:
        file, other = (os.open(name, os.O_RDONLY) for name in files)
        os.set_inheritable(file, True)
        inherited = platform.inherited_files()
        os.close(file)
        os.close(other)
        assert file in inherited
        assert other not in inherited
        assert min(inherited) > 2

    def test_a_place_in_the_queue_is_given_when_the_lock_is(self, files: tuple[str, str]) -> None:
        first, second = (os.open(files[0], os.O_RDWR) for _ in range(2))
        assert platform.try_lock(first)
        request = platform.request_lock(second)
        assert request
        assert (request.is_settled(0.01), request.granted) == (False, False)
        os.close(first)
        assert (request.is_settled(60), request.granted) == (True, True)
        third = os.open(files[0], os.O_RDWR)
        assert not platform.try_lock(third)
        os.close(second)
        assert platform.try_lock(third)
        os.close(third)


def test_only_what_cannot_be_synced_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a folder; a file that cannot be is an error, and so is a disk that failed."""
    (tmp_path / "file").touch()

    numbers: list[int] = []

    def fail(_: int, *, full: bool) -> None:
        raise OSError(numbers[-1], "x")

    monkeypatch.setattr(platform, "sync", fail)
    for number in (errno.EINVAL, errno.ENOSYS, errno.ENOTTY):
        numbers.append(number)
        platform.sync_path(str(tmp_path))
        with pytest.raises(OSError, match="x"):
            platform.sync_path(str(tmp_path / "file"))
    numbers.append(errno.EIO)
    with pytest.raises(OSError, match="x"):
        platform.sync_path(str(tmp_path))


def test_a_program_of_the_system_that_fails_says_nothing() -> None:
    assert platform._output("sh", "-c", "echo ' x '; echo y >&2") == "x"
    assert platform._output("sh", "-c", "echo $LC_ALL") == "C"
    assert platform._output("sh", "-c", "echo x; exit 1") == ""
    assert platform._output("no-such-program") == ""


@pytest.mark.parametrize(
    ("error", "alive"),
    [(PermissionError, True), (ProcessLookupError, False), (OverflowError, False)],
)
def test_a_process_is_asked_by_a_signal_that_does_nothing(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception], alive: bool
) -> None:
    """That of another user lives; a number too large is nobody's."""
    signals: list[int] = []

    def refuse(_: int, number: int) -> None:
        signals.append(number)
        raise error

    monkeypatch.setattr(os, "kill", refuse)
    assert platform.is_alive(7) is alive
    assert signals == [0]


def test_two_names_of_one_file_are_no_rename_that_was_done(
    files: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    new, old = files
    os.unlink(old)
    os.link(new, old)
    monkeypatch.setattr(os, "replace", failing(errno.EIO))
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        platform.replace(new, old)
    assert os.path.exists(new)


@pytest.mark.parametrize(
    ("error", "copied"),
    [
        (NotImplementedError(), True),
        (OSError(errno.EPERM, "x"), True),
        (OSError(errno.EIO, "x"), False),
    ],
)
def test_a_second_name_is_a_copy_where_there_are_no_links(
    files: tuple[str, str], monkeypatch: pytest.MonkeyPatch, error: Exception, copied: bool
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(os, "link", refuse)
    source, target = files[0], files[0] + "-copy"
    os.chmod(source, 0o640)
    if copied:
        platform.link_or_copy(source, target)
        assert (_read(target), os.stat(target).st_mode & 0o777) == ("new", 0o640)
        with pytest.raises(FileExistsError):
            platform.link_or_copy(source, target)
    else:
        with pytest.raises(OSError, match="x"):
            platform.link_or_copy(source, target)


def test_where_there_are_no_locks_none_is_granted(
    files: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    def refuse(_: int, __: int) -> None:
        raise OSError(errno.ENOLCK, "x")

    monkeypatch.setattr(fcntl, "flock", refuse)
    file = os.open(files[0], os.O_RDWR)
    request = platform.request_lock(file)
    assert request
    assert (request.is_settled(60), request.granted) == (True, False)
    os.close(file)


def test_one_that_is_not_ours_to_end_with_its_helpers_is_ended_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended: list[str] = []

    def refuse(_: int) -> int:
        raise PermissionError

    program = SimpleNamespace(pid=7, poll=lambda: None, terminate=lambda: ended.append("end"))
    monkeypatch.setattr(os, "getpgid", refuse)
    platform.terminate(program)
    assert ended == ["end"]
    monkeypatch.setattr(os, "getpgid", lambda _: 1)
    platform.terminate(program)
    assert ended == ["end", "end"]
