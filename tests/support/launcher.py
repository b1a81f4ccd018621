"""Commands in processes that are forked from one that has imported the program.

Starting Python and importing are nine tenths of what a command costs, and the same for each. Here
a command still is a process of its own, with its own environment, folder, streams and exit code;
only its modules are there before it starts. What is about starting itself (which modules a
command imports, encodings, signals, races) starts the installed script instead.

Hooks, shells and documents call `gittasks` by its name: first on their PATH is a script of a few
lines in the launcher's `folder`, which hands its streams to the launcher and waits for the end.
"""

from __future__ import annotations

import contextlib
import io
import json
import marshal
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import IO, Any, NamedTuple, NoReturn

__all__ = ["Launcher", "Output", "unsynced"]

_PIPE = 65536
"""What a pipe holds while nobody reads."""
_AT_START = ("PYTHON", "LC_", "LANG")
"""Beginnings of the variables that Python reads only when it starts."""


_BY_NAME = """#!{python} -IS
import marshal, os, sys

def forked():
    env = {{**os.environ}}
    started = {{name: env[name] for name in env if name.startswith({at_start!r})}}
    if started != {environment!r} or sys.argv[1:3] == ["hook", "pre-push"]:
        return None  # a push is told from a dry run by the processes above the hook
    os.umask(mask := os.umask(0))
    request = [[{real!r}, *sys.argv[1:]], os.getcwd(), env, mask, None]
    if len(data := marshal.dumps(request)) > {pipe}:
        return None
    for number in range(3):
        os.fstat(number)
    import _socket
    line = _socket.socket(_socket.AF_UNIX)
    line.connect({door!r})
    order, write = os.pipe()
    os.write(write, data)
    os.close(write)
    numbers = b"".join(n.to_bytes(4, sys.byteorder) for n in (0, 1, 2, order))
    line.sendmsg([b"!"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, numbers)])
    words = b""
    while not words.endswith(b"."):
        words += line.recv(64) or b" 70."
    return int(words.split()[1].rstrip(b"."))

try:
    code = forked()
except OSError:
    code = None
if code is None:
    os.execv({real!r}, [{real!r}, *sys.argv[1:]])
if code < 0:
    os.kill(os.getpid(), -code)
os._exit(code)
"""
"""`gittasks` on the PATH of what tests start; the installed script where that would differ."""


def unsynced(descriptor: int) -> None:
    """Take a file as synced: nobody pulls the plug of a test, and to wait costs most of its time.

    A descriptor that is none is an error as before. Started commands do wait for the disk, and
    what is synced, in which order, is counted and recorded where that is the subject.
    """
    os.fstat(descriptor)


class Output(NamedTuple):
    """What a finished command left."""

    code: int
    out: bytes
    err: bytes


class Launcher:
    """The process that forks the commands of one test process, and ends with it.

    `folder` is for the front of a PATH: there is a `gittasks` in it that does as `installed`.
    One for `agents` has imported the server for them as well, and so forks what is larger.
    """

    def __init__(self, installed: str, *, agents: bool = False) -> None:
        self._control, theirs = socket.socketpair()
        self._environment = _at_start(os.environ)
        self.folder = tempfile.mkdtemp(prefix="gittasks-forks-")
        with theirs, self._door(installed) as door:
            numbers = [theirs.fileno(), door.fileno()]
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, *map(str, numbers), *["agents"][:agents]],
                pass_fds=numbers,
                cwd=os.path.abspath(os.sep),
                stdin=subprocess.DEVNULL,
            )

    def _door(self, installed: str) -> socket.socket:
        """Where `gittasks` in the folder, which is written here, calls the launcher."""
        path, name = (os.path.join(self.folder, name) for name in ("door", "gittasks"))
        door = socket.socket(socket.AF_UNIX)
        door.bind(path)
        door.listen(64)
        text = _BY_NAME.format(
            python=sys.executable,
            at_start=_AT_START,
            environment=self._environment,
            real=installed,
            pipe=_PIPE,
            door=path,
        )
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, 0o700)
        return door

    def serves(self, env: Mapping[str, str]) -> bool:
        """Whether Python would start in this environment as the launcher did."""
        return _at_start(env) == self._environment

    def run(
        self,
        args: Sequence[str],
        cwd: str,
        env: Mapping[str, str],
        stdin: bytes,
        timeout: float,
        offers: str | None = None,
    ) -> Output:
        """Run a command to its end; subprocess.TimeoutExpired when that takes too long.

        `offers` is a file in which it notes what it offers (`support.offers` reads it).
        """
        os.umask(mask := os.umask(0))
        request = [[*args], os.path.abspath(cwd), {**env}, mask, offers]
        with contextlib.ExitStack() as stack:
            order, out, err = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
            order.write(marshal.dumps(request))
            order.seek(0)
            given = stack.enter_context(_input(stdin))
            answers, theirs = (stack.enter_context(side) for side in socket.socketpair())
            streams: list[IO[bytes]] = [given, out, err, order]
            numbers = [*(file.fileno() for file in streams), theirs.fileno()]
            socket.send_fds(self._control, [b"!"], numbers)
            theirs.close()
            code = _exit_code(answers, args, timeout)
            out.seek(0)
            err.seek(0)
            return Output(code, out.read(), err.read())

    def close(self) -> None:
        """End the launcher; commands that still run go on."""
        self._control.close()
        self._process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)


def _at_start(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(_AT_START)}


def _input(data: bytes) -> IO[bytes]:
    """A pipe that ends after `data`; a file when that is more than a pipe holds."""
    if len(data) > _PIPE:
        file = tempfile.TemporaryFile()  # noqa: SIM115
        file.write(data)
        file.seek(0)
        return file
    reader, writer = os.pipe()
    with open(writer, "wb") as end:
        end.write(data)
    return open(reader, "rb")


def _exit_code(answers: socket.socket, args: Sequence[str], timeout: float) -> int:
    """The exit code that the launcher tells; before it, it tells the number of the process."""
    words, deadline = b"", time.monotonic() + timeout
    while not words.endswith(b"."):
        answers.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            data = answers.recv(64)
        except BaseException as error:  # at its own limit, or at that of the test
            for number in words.split()[:1]:
                os.kill(int(number), signal.SIGKILL)
            if isinstance(error, TimeoutError):
                raise subprocess.TimeoutExpired(list(args), timeout) from None
            raise
        if not data:
            raise AssertionError("the launcher of commands has ended")
        words += data
    return int(words.split()[1].rstrip(b"."))


# --- the process that forks ---------------------------------------------------------------------


class _Order(NamedTuple):
    """One command to run: its streams, what to run, and where its exit code is told."""

    stdin: int
    stdout: int
    stderr: int
    request: int
    answers: int


def _serve(control: socket.socket, door: socket.socket) -> None:
    """Fork a command for each order until the tests have ended."""
    wakes, wake = os.pipe()
    for end in (wakes, wake):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    running: dict[int, int] = {}
    while True:
        ready = select.select([control.fileno(), door.fileno(), wakes], [], [])[0]
        if wakes in ready:
            os.read(wakes, _PIPE)
            _reap(running)
        if control.fileno() in ready:
            data, descriptors, _, _ = socket.recv_fds(control, 1, len(_Order._fields))
            if not data:
                return
            _fork(_Order(*descriptors), running)
        if door.fileno() in ready:
            caller, _ = door.accept()
            _, descriptors, _, _ = socket.recv_fds(caller, 1, len(_Order._fields) - 1)
            _fork(_Order(*[*descriptors, caller.detach()]), running)


def _fork(order: _Order, running: dict[int, int]) -> None:
    pid = os.fork()
    if not pid:
        _become(order)
    running[pid] = order.answers
    with contextlib.suppress(OSError):
        os.write(order.answers, b"%d " % pid)
    for descriptor in order[:-1]:
        os.close(descriptor)


def _reap(running: dict[int, int]) -> None:
    """Tell the exit codes of the commands that have ended."""
    for pid, answers in list(running.items()):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            del running[pid]
            with contextlib.suppress(OSError):  # the test did not wait for it
                os.write(answers, b"%d." % os.waitstatus_to_exitcode(status))
            os.close(answers)


def _become(order: _Order) -> NoReturn:
    """Be the command: all that a process gets from the one that starts it."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with open(order.request, "rb") as file:
        args, folder, env, umask, offers = marshal.load(file)  # noqa: S302  from the tests
    for number, descriptor in enumerate(order[:3]):
        os.dup2(descriptor, number)
    os.chdir(folder)
    os.umask(umask)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    sys.argv[:] = args
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        text = {"encoding": getattr(sys, name).encoding, "errors": getattr(sys, name).errors}
        raw = open(number, f"{mode}b", closefd=False)  # noqa: SIM115
        setattr(sys, name, io.TextIOWrapper(raw, line_buffering=name == "stderr", **text))

    from gittasks.__main__ import main

    if offers:
        _note_offers(offers)
    main()
    raise SystemExit("a command leaves by itself")


def _note_offers(path: str) -> None:
    """Have the command that runs in this process note what it offers."""
    from gittasks.cli import main
    from gittasks.cli.output import Settings
    from gittasks.errors import GittasksError, Way

    addressed, print_error = Settings.addressed, main._print_error

    def note(**entry: Any) -> None:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def noting(self: Settings, way: Way) -> Way:
        offer = addressed(self, way)
        if offer.command:
            note(purpose=offer.purpose, command=offer.command, decision=offer.decision)
        return offer

    def noting_error(error: GittasksError, settings: Settings) -> None:
        known = [*error.commands, *error.decisions]
        rule = getattr(error, "rule", error.kind)
        note(error=rule, exit=error.exit_code, hint=error.hint, known=known)
        print_error(error, settings)

    Settings.addressed = noting  # type: ignore[method-assign]
    main._print_error = noting_error


_OF_AGENTS = ("mcp", "anyio", "jsonschema", "gittasks.mcp_server.")


def _preload(agents: bool) -> None:
    """Import all that a command may import; the server for agents, which is large, on demand."""
    import importlib
    import pkgutil
    import re

    import gittasks

    sys.modules.setdefault("_hashlib", None)  # type: ignore[arg-type]  # as __main__ has it
    libraries = set()
    for module in pkgutil.walk_packages(gittasks.__path__, "gittasks."):
        if module.name.startswith(_OF_AGENTS) and not agents:
            continue
        path = importlib.import_module(module.name).__file__
        assert path
        with open(path, encoding="utf-8") as file:
            libraries |= set(re.findall(r"(?m)^ *(?:from|import) ([\w.]+)", file.read()))
    for name in sorted(libraries):
        if agents or not name.startswith(_OF_AGENTS):
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
    if agents:
        importlib.import_module("anyio._backends._asyncio")  # imported when a server begins


_USUAL = ("init plan", "create A --id a", "note a x", "start a", "done a", "list --json", "log")
"""Commands that are run here once: what a process sets up on its first use, no fork does again."""


def _warm_up() -> None:
    """Run usual commands in a repository that goes at once; nothing of it is remembered.

    The program keeps nothing between commands but what it has imported, compiled and looked up.
    """
    from gittasks.cli.main import run

    before, environment = os.getcwd(), dict(os.environ)
    with (
        tempfile.TemporaryDirectory(prefix="gittasks-forks-") as folder,
        open(os.devnull, "w", encoding="utf-8") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        os.environ |= {"HOME": folder, "GIT_CONFIG_GLOBAL": os.devnull, "EMAIL": "a@example.com"}
        subprocess.run(["git", "init", "-q", folder], check=True)
        os.chdir(folder)
        for command in _USUAL:
            run(command.split())
        os.chdir(before)
    os.environ.clear()
    os.environ.update(environment)


if __name__ == "__main__":
    import gc

    _preload("agents" in sys.argv)
    os.fsync = unsynced  # type: ignore[assignment]
    _warm_up()
    gc.collect()
    gc.freeze()  # what is never looked at again is never copied by a fork
    _serve(*(socket.socket(fileno=int(number)) for number in sys.argv[1:3]))
