"""Programs started without `subprocess`, which takes longer to import than git to run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from gittasks.light import NamedTuple
from gittasks.store import platform
from gittasks.store.platform import Process

SPAWNS = hasattr(os, "posix_spawn") and hasattr(os, "memfd_create")
"""True on Linux. Elsewhere `subprocess` starts them, whose ways there are better known."""


class Completed(NamedTuple):
    """A program that has ended, and what it said."""

    returncode: int
    stdout: bytes
    stderr: bytes


def start(
    words: Sequence[str],
    *,
    env: Mapping[str, str],
    stdin: int,
    stdout: int,
    stderr: int,
    keep: Sequence[int] = (),
    leads_session: bool = False,
) -> Process:
    """Start a program on PATH with these streams; of other files it inherits those in `keep`.

    Raises FileNotFoundError when there is none. Who starts it waits for its end.
    """
    streams = (stdin, stdout, stderr)
    # A stream whose number is that of another one would be overwritten on the way.
    if SPAWNS and min(streams) > 2:
        return _Spawned(_spawn(words, env, streams, keep, leads_session=leads_session))
    import subprocess

    return subprocess.Popen(
        words,
        env=env,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        pass_fds=keep,
        start_new_session=leads_session,
    )


def _spawn(
    words: Sequence[str],
    env: Mapping[str, str],
    streams: Sequence[int],
    keep: Sequence[int],
    *,
    leads_session: bool,
) -> int:
    # Python ignores both signals, and a program inherits that; `signal` would name all others.
    from _signal import SIGPIPE, SIGXFSZ  # type: ignore[import-not-found]

    foreign = platform.inherited_files()
    free = max(*streams, *keep, *foreign, 2) + 1
    copies = [*enumerate(streams), *enumerate(keep, free)]  # the same files, by other numbers
    return os.posix_spawn(
        _file(words[0], env),
        list(words),
        env,
        file_actions=[
            *((os.POSIX_SPAWN_DUP2, file, number) for number, file in copies),
            *((os.POSIX_SPAWN_CLOSE, file) for file in foreign),
        ],
        setsid=leads_session,
        setsigdef=(SIGPIPE, SIGXFSZ),
    )


def _file(name: str, env: Mapping[str, str]) -> str:
    """The file of a program on the PATH that it is given."""
    for folder in os.get_exec_path(env):
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    raise FileNotFoundError(name)


class _Spawned:
    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self._reap(os.WNOHANG)

    def wait(self) -> int:
        code = self._reap(0)
        assert code is not None  # noqa: S101  it has ended
        return code

    def _reap(self, options: int) -> int | None:
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, options)
            except ChildProcessError:  # where nobody wants to know how children end
                pid, status = self.pid, 0
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def terminate(self) -> None:
        if self.poll() is None:
            platform.end(self.pid)

    def kill(self) -> None:
        if self.poll() is None:
            platform.end(self.pid, force=True)
