"""Differences between systems: durable files, renames, links, clocks, processes, terminals.

All other code calls these functions and not the system; the test suite checks that. A system is
known by what it lacks, not by its name. What only some commands need is imported
when it is needed. It is a long module since no other one may know of a system.
"""

from __future__ import annotations

import errno
import os
import stat
import time

from gittasks.light import TYPE_CHECKING, NamedTuple, Protocol, suppress

if TYPE_CHECKING:
    import select
    from collections.abc import Callable, Iterator, Sequence
    from typing import BinaryIO

WINDOWS = not hasattr(os, "fork")
"""A system on which a folder cannot be opened, a file is synced through the handle that wrote it,
a read-only file cannot be replaced, and a signal to a process is no question."""
_NO_SYNC = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOTTY})
"""Answers of a file system that cannot do a kind of sync."""
_BARRIER = 85
"""`F_BARRIERFSYNC` of macOS, which Python does not name."""
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EBUSY, errno.ETXTBSY})
"""Answers to a rename while another program has the file open (Windows, SMB, drvfs)."""
_PAUSES = (0.0, 0.001, 0.01, 0.02, 0.04)
"""Seconds before a refused rename is tried again, about as git waits on Windows."""
_NO_LINKS = frozenset(
    {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EXDEV}
    | {errno.EMLINK, errno.EINVAL}
)
"""Answers of a file system without hard links."""
_CHUNK = 64 * 1024
"""Bytes of a pipe that are read at once."""
_LOCKED_BYTE = 1 << 30
"""The byte that is locked where locks are of bytes: far behind all that is read or written."""
_QUESTION_LIMIT = 5.0
"""Seconds that another program may take to tell of a process."""
_KEY_TURN = 0.05
"""Seconds between two looks at a keyboard that cannot be waited for."""


# --- files -----------------------------------------------------------------------------------


def sync(descriptor: int, *, full: bool = False) -> None:
    """Sync the file that was written through `descriptor`. Raises OSError.

    `full`: past the cache of the disk as well. On macOS a plain fsync stops before that, so there
    this is `F_FULLFSYNC`, and otherwise `F_BARRIERFSYNC`, which keeps the order of writes.
    """
    if hasattr(os, "fork"):
        import fcntl  # only writers sync, and Windows has none

        if hasattr(fcntl, "F_FULLFSYNC"):
            try:
                fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC if full else _BARRIER)
            except OSError as error:
                if error.errno not in _NO_SYNC:
                    raise
            else:
                return
    os.fsync(descriptor)


def sync_path(path: str, *, full: bool = False) -> None:
    """Sync a file or folder; only what cannot be synced by its path is passed over.

    That is a folder on some file systems, and on Windows any folder and any read-only file: the
    latter is synced by the handle that wrote it. Raises OSError.
    """
    if WINDOWS and os.path.isdir(path):
        return
    try:
        descriptor = os.open(path, os.O_RDWR if WINDOWS else os.O_RDONLY)
    except PermissionError:
        if WINDOWS and _is_read_only(path):
            return
        raise
    try:
        sync(descriptor, full=full)
    except OSError as error:
        if error.errno not in _NO_SYNC or not os.path.isdir(path):
            raise
    finally:
        os.close(descriptor)


def replace(source: str, target: str) -> None:
    """Rename `source` to `target`, whether that exists or not. Raises OSError.

    A refusal is tried again for a moment, as git does: a scanner may have the file open. A rename
    that was done although the answer says otherwise (a file server that was asked twice) is done.
    """
    identity = _identity(source)
    for pause in (*_PAUSES, None):
        try:
            os.replace(source, target)
        except OSError as error:
            if identity is not None and _identity(target) == identity:
                if os.path.lexists(source):
                    raise  # two names of one file: nothing was done
                return
            if error.errno not in _REFUSED or pause is None:
                raise
            if WINDOWS:
                _make_writable(target)
            time.sleep(pause)
        else:
            return


def unlink(path: str) -> None:
    """Remove a file, also a read-only one. Raises OSError."""
    try:
        os.unlink(path)
    except PermissionError:
        if not WINDOWS or not _is_read_only(path):
            raise
        _make_writable(path)
        os.unlink(path)


def link_or_copy(source: str, target: str) -> None:
    """Give a file a second name, or where there are no links a copy. Raises FileExistsError."""
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except NotImplementedError:
        _copy(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _copy(source, target)


def _copy(source: str, target: str) -> None:
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
        return
    mode = stat.S_IMODE(os.stat(source).st_mode)
    with open(source, "rb") as file, open(target, "xb") as copy:
        copy.write(file.read())
    os.chmod(target, mode)


def read_at(descriptor: int, size: int, offset: int) -> bytes:
    """At most `size` bytes of a file from `offset` on."""
    if hasattr(os, "pread"):
        return os.pread(descriptor, size, offset)
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, size)


def write_at(descriptor: int, data: bytes, offset: int) -> None:
    """Write `data` into a file at `offset`."""
    if hasattr(os, "pwrite"):
        os.pwrite(descriptor, data, offset)
        return
    os.lseek(descriptor, offset, os.SEEK_SET)
    os.write(descriptor, data)


def scratch_file() -> BinaryIO:
    """A file without a name, empty, gone when it is closed."""
    if hasattr(os, "memfd_create"):  # tempfile would load the compressors and more, 0.4 p
        return open(os.memfd_create("gittasks"), "w+b")
    import tempfile
    from typing import cast

    return cast("BinaryIO", tempfile.TemporaryFile())


def try_lock(descriptor: int) -> bool:
    """Lock a file for this process until it is closed; False while another process has it.

    Raises OSError on a file system without locks.
    """
    try:
        if WINDOWS:
            import msvcrt

            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except ImportError as error:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS)) from error
    return True


class LockRequest:
    """A place in the system's queue for the lock on a file: who asked first has it first.

    A thread stands there, so that who asked can do something else meanwhile, or go away. Its
    descriptor is its own: one that was closed here could be another file's by then.
    """

    def __init__(self, descriptor: int) -> None:
        import threading  # only who finds a lock taken needs it

        self.granted = False
        """True from when the lock is had by whoever holds the descriptor that was given."""
        self._descriptor = os.dup(descriptor)
        self._settled = threading.Event()
        threading.Thread(target=self._stand, daemon=True).start()

    def _stand(self) -> None:
        import fcntl

        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            self.granted = True
        except OSError:
            pass  # a file system without locks: it is not granted
        finally:
            os.close(self._descriptor)  # the lock stays as long as the other one is open
            self._settled.set()

    def is_settled(self, seconds: float) -> bool:
        """Wait so long at most; True when it was granted, or cannot be."""
        return self._settled.wait(seconds)


def request_lock(descriptor: int) -> LockRequest | None:
    """Stand in the queue for a lock that another process has; None where it can only be tried."""
    return None if WINDOWS else LockRequest(descriptor)


def _identity(path: str) -> tuple[int, int] | None:
    """The device and the inode of a file."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_read_only(path: str) -> bool:
    try:
        return not os.stat(path).st_mode & stat.S_IWUSR
    except OSError:
        return False


def _make_writable(path: str) -> None:
    try:
        os.chmod(path, stat.S_IMODE(os.stat(path).st_mode) | stat.S_IWUSR)
    except OSError:
        return  # it is not there, or not ours: the next try tells


# --- clocks ----------------------------------------------------------------------------------


def steady_clock() -> tuple[str, float]:
    """Name this run of the machine, "" where nothing tells, and the seconds in it.

    Sleep counts where the system has such a clock.
    """
    if not hasattr(time, "clock_gettime"):
        return _boot(), time.monotonic()
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return _boot(), time.clock_gettime(clock)


def _boot() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return "" if WINDOWS else _output("sysctl", "-n", "kern.bootsessionuuid")


# --- processes -------------------------------------------------------------------------------


def is_this_host(name: str) -> bool:
    """True when git's name for the host of a process is this machine; also where nothing tells."""
    if hasattr(os, "uname"):
        return name == os.uname().nodename
    own = os.environ.get("COMPUTERNAME", "")  # in capitals, and no longer than 15
    return not own or name[: len(own)].casefold() == own.casefold()


def is_alive(process: int) -> bool:
    """True when there is such a process here, or nothing tells."""
    if WINDOWS:  # a signal, 0 included, would end it or others
        return _is_open(process)
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # somebody else's
    return True


def _is_open(process: int) -> bool:
    import ctypes

    try:
        kernel = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined, unused-ignore]
    except (AttributeError, OSError):
        return True
    query, still_active = 0x1000, 259  # PROCESS_QUERY_LIMITED_INFORMATION, STILL_ACTIVE
    handle = kernel.OpenProcess(query, False, process)
    if not handle:
        return bool(ctypes.get_last_error() == 5)  # type: ignore[attr-defined, unused-ignore]  # refused
    code = ctypes.c_ulong()
    answered = kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return not answered or code.value == still_active


def chunks(stream: int, patience: float) -> Iterator[bytes | None]:
    """Yield what comes through a pipe, as it comes, and b"" at its end.

    None says that nothing came for so many seconds.
    """
    if WINDOWS:
        yield from _chunks_by_thread(stream, patience)
    import select

    poll = select.poll()
    poll.register(stream, select.POLLIN)
    while True:
        yield os.read(stream, _CHUNK) if poll.poll(patience * 1000) else None


def _chunks_by_thread(stream: int, patience: float) -> Iterator[bytes | None]:
    """As `chunks`, where only a thread can wait for a pipe and for the time at once."""
    import queue
    import threading

    heard: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    own = os.dup(stream)  # the thread may outlast the other one, whose number may be reused then

    def listen() -> None:
        with suppress(OSError):
            while chunk := os.read(own, _CHUNK):
                heard.put(chunk)
        os.close(own)
        heard.put(b"")

    threading.Thread(target=listen, daemon=True).start()
    while True:
        try:
            yield heard.get(timeout=patience)
        except queue.Empty:
            yield None


def inherited_files() -> list[int]:
    """The files that who started this process left open: a lock of a shell, for one."""
    files = []
    with suppress(OSError):
        for name in os.listdir("/proc/self/fd"):
            with suppress(OSError):  # that of the listing itself
                if int(name) > 2 and os.get_inheritable(int(name)):
                    files.append(int(name))
    return files


class Process(Protocol):
    """A program that was started: of `subprocess.Popen` what is needed of one."""

    @property
    def pid(self) -> int:
        """Its number."""

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""

    def wait(self) -> int:
        """Its exit code, as soon as it has ended."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it."""


def end(process: int, *, force: bool = False) -> None:
    """Ask a child to end, or end it, unless it has ended."""
    import signal

    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL if force else signal.SIGTERM)


def terminate(process: Process) -> None:
    """End a program; where it leads a session of its own, also its helpers, which would wait on."""
    import signal

    try:
        if process.poll() is not None:
            return
        if WINDOWS:
            _output("taskkill", "/T", "/F", "/PID", str(process.pid))
        elif os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGTERM)
            return
    except OSError:
        pass  # it ended meanwhile, or is not ours to end with its helpers
    process.terminate()


def program(name: str) -> str | None:
    """The file of a program on PATH, `npm.cmd` and the like on Windows included, or None."""
    import shutil

    return shutil.which(name)


def command_line(process: int) -> list[str] | None:
    """The words that a process was started with, as far as the system tells; else None."""
    try:
        with open(f"/proc/{process}/cmdline", "rb") as file:
            return file.read().decode("utf-8", "replace").rstrip("\0").split("\0")
    except OSError:
        return _ps(process, "args").split() or None


def parent(process: int) -> int | None:
    """The process that started this one, or None where nothing tells."""
    try:
        with open(f"/proc/{process}/stat", encoding="ascii", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        number = _ps(process, "ppid").strip()
        return int(number) if number.isdecimal() else None


class Holder(NamedTuple):
    """A process that holds a lock file, as /proc shows it."""

    pid: int
    command: str
    stopped: bool

    def __str__(self) -> str:
        state = ", stopped" if self.stopped else ""
        return f"process {self.pid} ({self.command}{state})"


def holder_of(path: str) -> Holder | None:
    """The process that holds the lock on a file; None when that cannot be told."""
    try:
        inode = os.stat(path).st_ino
        with open("/proc/locks", encoding="ascii", errors="replace") as file:
            rows = [line.split() for line in file if "->" not in line]
        for row in rows:
            if row[1] == "FLOCK" and row[5].rpartition(":")[2] == str(inode):
                return _holder(row[4])
    except (OSError, IndexError, ValueError):
        pass  # another system, or it has just ended
    return None


def opener_of(path: str) -> Holder | None:
    """A process that has a file open, as git has its lock files; None when that cannot be told."""
    try:
        identity, processes = _identity(path), os.listdir("/proc")
    except OSError:
        return None
    for process in filter(str.isdecimal, processes):
        try:
            with os.scandir(f"/proc/{process}/fd") as handles:
                if identity and any(_leads_to(handle, identity) for handle in handles):
                    return _holder(process)
        except (OSError, IndexError, ValueError):
            continue  # another user's, or it has just ended
    return None


def _leads_to(handle: os.DirEntry[str], identity: tuple[int, int]) -> bool:
    try:
        status = handle.stat()
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == identity


def _holder(process: str) -> Holder:
    with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
        name, _, rest = file.read().rpartition(")")
    return Holder(int(process), name.partition("(")[2], rest.split()[0] in ("T", "t"))


def _ps(process: int, column: str) -> str:
    return "" if WINDOWS else _output("ps", "-ww", "-o", f"{column}=", "-p", str(process))


def _output(*words: str) -> str:
    """The output of a program of the system, "" when there is none or it fails."""
    import subprocess

    try:
        done = subprocess.run(
            words,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_QUESTION_LIMIT,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""


def runnable(words: Sequence[str]) -> list[str]:
    """A command line whose program the system starts: Windows looks only for `.exe` by itself."""
    first, *rest = words
    return [(program(first) if WINDOWS else None) or first, *rest]


# --- terminals -------------------------------------------------------------------------------


class Ready(NamedTuple):
    """The outcome of a wait: descriptors with something to read, and those whose end is gone."""

    readable: frozenset[int] = frozenset()
    closed: frozenset[int] = frozenset()


class Waiter:
    """Waiting for several descriptors at once.

    macOS does not poll every terminal: such a one is selected. Windows waits for sockets alone:
    there the keyboard is asked in turns, and the others are not watched.
    """

    def __init__(self) -> None:
        import select

        self._select = select.select
        self._poll = select.poll() if hasattr(select, "poll") else None
        self._readers: set[int] = set()
        self._unpolled = False

    def watch(self, descriptor: int, *, reading: bool) -> None:
        """Wait for input from now on, or else only for the end of who reads."""
        if self._poll is not None:
            from select import POLLIN

            self._poll.register(descriptor, POLLIN if reading else 0)
        if reading:
            self._readers.add(descriptor)

    def forget(self, descriptor: int) -> None:
        """Wait for it no longer."""
        self._readers.discard(descriptor)
        if self._poll is not None:
            with suppress(KeyError):  # one that could not be polled
                self._poll.unregister(descriptor)

    def wait(self, seconds: float) -> Ready:
        """Wait so long at most, or until a signal comes."""
        if self._poll is None:
            return self._in_turns(seconds)
        selected = frozenset[int]()
        if self._unpolled:
            selected = frozenset(self._select(list(self._readers), [], [], seconds)[0])
            seconds = 0
        polled = self._polled(self._poll, seconds)
        return polled._replace(readable=polled.readable | selected)

    def _polled(self, poll: select.poll, seconds: float) -> Ready:
        from select import POLLIN, POLLNVAL

        readable, closed = set(), set()
        for descriptor, event in poll.poll(seconds * 1000):
            if event & POLLNVAL:
                poll.unregister(descriptor)
                self._unpolled = self._unpolled or descriptor in self._readers
            elif event & POLLIN:
                readable.add(descriptor)
            else:
                closed.add(descriptor)
        return Ready(frozenset(readable), frozenset(closed))

    def _in_turns(self, seconds: float) -> Ready:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if _key_waits():
                return Ready(frozenset(filter(os.isatty, self._readers)))
            time.sleep(min(left, _KEY_TURN))
        return Ready()


def _key_waits() -> bool:
    try:
        import msvcrt
    except ImportError:
        return False
    return bool(msvcrt.kbhit())  # type: ignore[attr-defined, unused-ignore]


def read_keys(descriptor: int) -> str | None:
    """Read the keys that were pressed; None when there will be no more."""
    if _key_waits():
        import msvcrt

        return str(msvcrt.getwch())  # type: ignore[attr-defined, unused-ignore]
    return os.read(descriptor, 4096).decode("utf-8", "replace") or None


def take_keys(descriptor: int) -> Callable[[], None]:
    """Have keys come at once and unshown; the answer puts the terminal back as it was."""
    try:
        import termios
        import tty
    except ImportError:  # a Windows console gives single keys anyway
        return lambda: None
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)  # keeps Ctrl-C and Ctrl-Z

    def put_back() -> None:
        with suppress(termios.error, OSError):  # a terminal that went away
            termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)

    return put_back
