"""Run the installed git. Arguments are a list, never a shell; nothing is prompted for.

It is started without `subprocess`, which takes longer to import than git to run.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` names all signals first
import os
from _thread import allocate_lock

from gittasks.errors import NoRepository, Refused
from gittasks.light import TYPE_CHECKING, NamedTuple, suppress
from gittasks.store import platform
from gittasks.store.platform import Process

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence
    from typing import Any, BinaryIO

LOCAL_ENV = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_CONFIG_COUNT",
        "GIT_CONFIG_PARAMETERS",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_NAMESPACE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_QUARANTINE_PATH",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)
"""Variables that tie a process to one repository (`git rev-parse --local-env-vars`)."""

CONFIG_ENV = frozenset({"GIT_CONFIG", "GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS"})
"""Those of them that hold configuration: of `git -c`, and what CI systems set for credentials."""
NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")
"""Options of a git that runs none of the hooks in files."""
_REPEATED = ("error: failed to push some refs", "error: hook declined")
"""What git says once more beside the answer for the ref."""
_REASONS = ("verification failed", "Permission denied", "refused", "timed out", "unreachable")
"""How the lines end in which ssh, and not git, says what is wrong."""
_PROGRESS = ("Enumerating", "Counting", "Compressing", "Total", "Resolving", "Receiving")
_ADVICE = "Another git process"
_SILENCE = 1.5
"""Seconds that a remote may take before its progress is shown on a terminal."""
NO_PROGRESS = 120.0
"""Seconds without a word after which a remote is given up."""
_TURN = 0.5
"""Seconds of silence after which it is asked if a git has ended."""
_LAST_WORDS = 5.0
"""Seconds that a git which is ended may take for that."""
_MOST = 64 * 1024
"""Bytes of what a remote says that are kept."""
_SHOWN, _LINE = 8, 300
"""Lines of it that an error repeats, and characters of each."""
_talking: set[Process] = set()
"""Those that talk to a remote now; several only where there are several threads."""


def unbound(env: Mapping[str, str]) -> dict[str, str]:
    """`env` without the variables that would send a child git to another repository."""
    return {k: v for k, v in env.items() if k not in LOCAL_ENV}


def searching(env: Mapping[str, str]) -> dict[str, str]:
    """`env` in which a child git looks for the repository itself, with the settings of `git -c`."""
    return {k: v for k, v in env.items() if k not in LOCAL_ENV - CONFIG_ENV}


def run(
    args: Sequence[str],
    *,
    cwd: str,
    env: Mapping[str, str],
    stdin: bytes = b"",
    may_fetch: bool = False,
    keep: Sequence[int] = (),
) -> Completed:
    """Run `git ARGS` in `cwd` and return it finished, whatever its exit code.

    Only with `may_fetch` does it fetch what a partial clone lacks, by the programs that the
    repository names for that. `keep` are file handles that it inherits.
    """
    stay = {} if may_fetch else {"GIT_NO_LAZY_FETCH": "1"}
    # Files and no pipes: neither has to be read while the other is written.
    with (
        platform.scratch_file() as question,
        platform.scratch_file() as answer,
        platform.scratch_file() as words,
    ):
        question.write(stdin)
        question.seek(0)
        process = _start(
            args,
            cwd,
            {**env, **stay, "GIT_TERMINAL_PROMPT": "0"},
            (question.fileno(), answer.fileno(), words.fileno()),
            keep,
        )
        try:
            code = process.wait()
        except BaseException:
            _give_up(process)
            raise
        return Completed(code, _content(answer), _content(words))


def _content(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


def start_remote(
    args: Sequence[str], *, cwd: str, env: Mapping[str, str], told: BinaryIO
) -> subprocess.Popen[bytes]:
    """Start a git that talks to a remote and go on at once; what it says goes to the file `told`.

    It never asks anything, and has no terminal to ask on. Who starts it ends it.
    """
    import subprocess

    try:
        return subprocess.Popen(
            ["git", *args],
            cwd=cwd,
            env={**env, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=told,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise no_git() from error


def start_answering(
    args: Sequence[str], *, cwd: str, env: Mapping[str, str], stdin: BinaryIO | None = None
) -> subprocess.Popen[bytes]:
    """Start a git that answers questions on its streams until they close; it fetches nothing.

    Where a file `stdin` is given, it holds all of the questions.
    """
    import subprocess

    try:
        return subprocess.Popen(
            ["git", *args],
            cwd=cwd,
            env={**env, "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
            stdin=subprocess.PIPE if stdin is None else stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        raise no_git() from error


def no_git() -> NoRepository:
    """The error when there is no git to run."""
    return NoRepository(
        "git is not installed, or not on PATH", hint="install git, then run this again"
    )


def run_remote(
    args: Sequence[str],
    *,
    cwd: str,
    env: Mapping[str, str],
    keep: Sequence[int] = (),
    stdin: BinaryIO | None = None,
) -> Completed:
    """Run a git that talks to a remote; on a terminal it may ask, and its progress is shown.

    Off a terminal it never asks. What it says on standard error is returned as well as shown.
    It reads the file `stdin`, if there is one.
    """
    with _ends_when_told():
        return _talk(args, cwd, env, keep, stdin)


class _ends_when_told:  # noqa: N801  called as a function, as `suppress` is
    """Let a signal that ends this process end the git that it waits for as well."""

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        # Another thread gets no signals: what runs several has to see to `terminate_all` itself.
        with suppress(ValueError):
            for name in ("SIGTERM", "SIGHUP"):
                number = getattr(_signal, name, None)
                if number and _signal.getsignal(number) != _signal.SIG_IGN:  # as `nohup` has it
                    self._before[number] = _signal.signal(number, self._stop)

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._before.items():
            _signal.signal(number, handler)

    @staticmethod
    def _stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt


def _talk(
    args: Sequence[str],
    cwd: str,
    env: Mapping[str, str],
    keep: Sequence[int],
    stdin: BinaryIO | None,
) -> Completed:
    import sys

    terminal = sys.stdin.isatty() and sys.stderr.isatty()
    quiet = {} if terminal else {"GIT_TERMINAL_PROMPT": "0"}
    # The answer goes to no pipe: nobody reads it while git writes.
    with platform.scratch_file() as answer, platform.scratch_file() as nothing:
        voice, stderr = os.pipe()
        try:
            try:
                process = _start(
                    args,
                    cwd,
                    {**env, **quiet},
                    ((stdin or nothing).fileno(), answer.fileno(), stderr),
                    keep,
                    leads_session=not terminal,  # then ssh finds no terminal to ask on either
                )
            finally:
                os.close(stderr)
            _talking.add(process)
            try:
                text = _follow(process, voice)
            except BaseException:
                _give_up(process)
                raise
            finally:
                _talking.discard(process)
        finally:
            os.close(voice)
        return Completed(process.wait(), _content(answer), text)


def _follow(process: Process, voice: int) -> bytes:
    """Wait for the end of a git; what it said, shown on a terminal after a while.

    One that falls silent is given up: a silent remote looks the same by every transport, and git
    itself minds it by none but http.
    """
    import sys
    from time import monotonic

    began = heard = monotonic()
    text, ended = b"", False
    for chunk in platform.chunks(voice, min(_TURN, NO_PROGRESS / 4)):
        if chunk:
            heard = monotonic()
            text = _shortened(text + chunk)
            if sys.stderr.isatty() and heard - began > _SILENCE:
                sys.stderr.write(chunk.decode("utf-8", "replace"))
                sys.stderr.flush()
        elif chunk is not None or ended:
            break  # what git leaves running, as the master of ssh connections, holds the pipe open
        elif monotonic() - heard > NO_PROGRESS:
            _give_up(process)
            text += b"\nfatal: no progress for %d seconds, given up\n" % NO_PROGRESS
            break
        # Asked before the pipe is: by then its last words are in there.
        ended = process.poll() is not None
    process.wait()
    return text


def _give_up(process: Process) -> None:
    """End a git, which then removes its lock files; by force when it takes too long for that."""
    from time import monotonic, sleep

    platform.terminate(process)
    end = monotonic() + _LAST_WORDS
    while process.poll() is None and monotonic() < end:
        sleep(0.02)
    process.kill()
    process.wait()


def _shortened(text: bytes) -> bytes:
    """The beginning and the end of what is too long: a remote may talk without end."""
    return text if len(text) <= _MOST else text[: _MOST // 2] + b"\n" + text[-_MOST // 4 :]


def terminate_all() -> None:
    """End every git of this process that talks to a remote, as this process is about to end."""
    for process in list(_talking):
        platform.terminate(process)


def remote_message(stderr: bytes) -> str:
    """The reasons that git and the remote gave, in one line: errors, else what a hook printed."""
    # Of a line that was written over, as progress is, the last state counts; ssh ends with "\r\n".
    text = stderr.decode("utf-8", "replace")
    lines = [line.rstrip("\r").rpartition("\r")[2].strip() for line in text.split("\n")]
    errors = [line for line in lines if line.startswith(("fatal: ", "error: ", "ssh: "))]
    errors = [line for line in errors if not line.startswith(_REPEATED)]
    reasons = [line for line in lines if line.rstrip(".").endswith(_REASONS)]
    remote = [line.removeprefix("remote:").strip() for line in lines if line.startswith("remote:")]
    printed = [line for line in remote if line and not line.startswith(_PROGRESS)]
    printed = [line for line in printed if not line.startswith(_REPEATED)]
    # What git advises about a lock there is left out: the line before names it.
    advice = next((n for n, line in enumerate(printed) if line.startswith(_ADVICE)), None)
    printed = printed[:advice]
    words = [line for line in reasons if line not in errors]
    words += [line.partition(": ")[2] for line in errors] + printed
    shown = [word if len(word) <= _LINE else f"{word[:_LINE]}…" for word in dict.fromkeys(words)]
    more = [f"and {len(shown) - _SHOWN} lines more"] if len(shown) > _SHOWN else []
    return "; ".join(shown[:_SHOWN] + more)


def check_no_push(env: Mapping[str, str]) -> None:
    """Raise Refused inside of a push that is not accepted yet, where git moves no refs either."""
    if env.get("GIT_QUARANTINE_PATH"):
        raise Refused(
            "quarantine",
            "a push is being received here, and nothing is written before it is accepted",
            hint="lists can be read in a pre-receive or update hook; write in post-receive",
        )


_REFTABLES = "2.45"
"""The first git that knows reftables."""


def reftable_hint(stderr: bytes, cwd: str, env: Mapping[str, str]) -> str | None:
    """The hint for a git that is too old for a repository with a reftable, else None."""
    if b"refstorage" not in stderr.lower():
        return None
    version = run(["version"], cwd=cwd, env=unbound(env)).stdout.decode("utf-8", "replace").strip()
    return (
        f"its refs are in a reftable, which needs git {_REFTABLES} or newer; this is {version}. "
        "Where a newer one can be run: git refs migrate --ref-format=files"
    )


def whole_message(stderr: bytes) -> str:
    """All that git said, without empty lines and the `fatal: ` prefix of the first."""
    text = stderr.decode("utf-8", "replace").expandtabs(4).strip()
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    words = "\n".join(lines) or "git failed without a message"
    return words.removeprefix("fatal: ").removeprefix("error: ")


def first_line(stderr: bytes) -> str:
    """The first line that git said, without its `fatal: ` prefix."""
    text = stderr.decode("utf-8", "replace").strip()
    line = text.splitlines()[0] if text else "git failed without a message"
    return line.removeprefix("fatal: ").removeprefix("error: ")


SPAWNS = hasattr(os, "memfd_create") and not platform.WINDOWS
"""True on Linux. Elsewhere `subprocess` starts them, whose ways there are better known."""


class Completed(NamedTuple):
    """A program that has ended, and what it said."""

    returncode: int
    stdout: bytes
    stderr: bytes


def _start(
    args: Sequence[str],
    cwd: str,
    env: Mapping[str, str],
    streams: tuple[int, int, int],
    keep: Sequence[int],
    *,
    leads_session: bool = False,
) -> Process:
    """Start `git ARGS` in `cwd` with these streams; of other files it inherits those in `keep`.

    Who starts it waits for its end.
    """
    words, env = ["git", "-C", cwd, *args], {**env, "LC_ALL": "C"}
    foreign = platform.inherited_files() if SPAWNS else []
    try:
        # A stream whose number is that of another one would be overwritten on the way, and a file
        # whose number is over a limit that was lowered since cannot be closed there.
        if SPAWNS and min(streams) > 2 and max(foreign, default=0) < os.sysconf("SC_OPEN_MAX"):
            process = _spawn(words, env, streams, keep, foreign, leads_session=leads_session)
            return _Spawned(process)
        import subprocess

        stdin, stdout, stderr = streams
        return subprocess.Popen(
            words,
            env=env,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=keep,
            start_new_session=leads_session,
        )
    except FileNotFoundError as error:
        raise no_git() from error


def _spawn(
    words: Sequence[str],
    env: Mapping[str, str],
    streams: Sequence[int],
    keep: Sequence[int],
    foreign: Sequence[int],
    *,
    leads_session: bool,
) -> int:
    taken = {*streams, *keep, *foreign}
    free = [n for n in range(3, 3 + len(taken) + len(keep)) if n not in taken]
    # The same files, by other numbers.
    copies = [*enumerate(streams), *zip(free, keep, strict=False)]
    return os.posix_spawn(
        _file(words[0], env),
        list(words),
        env,
        file_actions=[
            *((os.POSIX_SPAWN_DUP2, file, number) for number, file in copies),
            *((os.POSIX_SPAWN_CLOSE, file) for file in foreign),
        ],
        setsid=leads_session,
        # Python ignores both, and a program inherits that.
        setsigdef=(_signal.SIGPIPE, _signal.SIGXFSZ),
    )


def _file(name: str, env: Mapping[str, str]) -> str:
    """The file of a program on the PATH that it is given."""
    for folder in env.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    raise FileNotFoundError(name)


class _Spawned:
    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._reaping = allocate_lock()
        """Held by the thread that asks how it ended: the system says that once."""

    def poll(self) -> int | None:
        if self._reaping.acquire(blocking=False):
            try:
                self._reap(os.WNOHANG)
            finally:
                self._reaping.release()
        return self.returncode

    def wait(self) -> int:
        with self._reaping:
            self._reap(0)
        assert self.returncode is not None  # noqa: S101  it has ended
        return self.returncode

    def _reap(self, options: int) -> None:
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, options)
            except ChildProcessError:  # where nobody wants to know how children end
                pid, status = self.pid, 0
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)

    def terminate(self) -> None:
        if self.poll() is None:
            platform.end(self.pid)

    def kill(self) -> None:
        if self.poll() is None:
            platform.end(self.pid, force=True)
