"""Run the installed git. Arguments are a list, never a shell; nothing is prompted for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from os import devnull

from gittasks.errors import NoRepository, Refused
from gittasks.light import TYPE_CHECKING
from gittasks.store import platform

if TYPE_CHECKING:
    import subprocess
    from typing import BinaryIO

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
NO_HOOKS = ("-c", f"core.hooksPath={devnull}")
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
_LAST_WORDS = 5.0
"""Seconds that a git which is ended may take for that."""
_MOST = 64 * 1024
"""Bytes of what a remote says that are kept."""
_SHOWN, _LINE = 8, 300
"""Lines of it that an error repeats, and characters of each."""
_talking: set[subprocess.Popen[bytes]] = set()
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
) -> subprocess.CompletedProcess[bytes]:
    """Run `git ARGS` in `cwd` and return it finished, whatever its exit code.

    Only with `may_fetch` does it fetch what a partial clone lacks, by the programs that the
    repository names for that. `keep` are file handles that it inherits.
    """
    import subprocess  # 4 ms, and most commands never run git

    stay = {} if may_fetch else {"GIT_NO_LAZY_FETCH": "1"}
    try:
        return subprocess.run(
            ["git", *args],
            cwd=cwd,
            env={**env, **stay, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
            input=stdin,
            capture_output=True,
            check=False,
            pass_fds=keep,
        )
    except FileNotFoundError as error:
        raise no_git() from error


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
) -> subprocess.CompletedProcess[bytes]:
    """Run a git that talks to a remote; on a terminal it may ask, and its progress is shown.

    Off a terminal it never asks. What it says on standard error is returned as well as shown.
    It reads the file `stdin`, if there is one.
    """
    with _ends_when_told():
        return _talk(args, cwd, env, keep, stdin)


@contextmanager
def _ends_when_told() -> Iterator[None]:
    """Let a signal that ends this process end the git that it waits for as well."""
    import signal
    import threading

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    # Another thread gets no signals: what runs several has to see to `end_talks` itself.
    on_main_thread = threading.current_thread() is threading.main_thread()
    names = [n for n in ("SIGTERM", "SIGHUP") if on_main_thread and hasattr(signal, n)]
    before = {n: signal.signal(getattr(signal, n), stop) for n in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def _talk(
    args: Sequence[str],
    cwd: str,
    env: Mapping[str, str],
    keep: Sequence[int],
    stdin: BinaryIO | None,
) -> subprocess.CompletedProcess[bytes]:
    import subprocess
    import sys

    terminal = sys.stdin.isatty() and sys.stderr.isatty()
    quiet = {} if terminal else {"GIT_TERMINAL_PROMPT": "0"}
    try:
        with (
            platform.scratch_file() as answer,  # no pipe: nobody reads it while git writes
            subprocess.Popen(
                ["git", *args],
                cwd=cwd,
                env={**env, **quiet, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                stdout=answer,
                stderr=subprocess.PIPE,
                pass_fds=keep,
                start_new_session=not terminal,  # then ssh finds no terminal to ask on either
            ) as process,
        ):
            _talking.add(process)
            try:
                text = _follow(process)
            except BaseException:
                platform.terminate(process)
                raise
            finally:
                _talking.discard(process)
            answer.seek(0)
            output = answer.read()
    except FileNotFoundError as error:
        raise no_git() from error
    return subprocess.CompletedProcess(args, process.returncode, output, text)


def _follow(process: subprocess.Popen[bytes]) -> bytes:
    """Wait for the end of a git; what it said. One that falls silent is given up.

    A silent remote looks the same by every transport, and git itself minds it by none but http.
    """
    import subprocess
    from time import monotonic

    voice = _Voice(process)
    # What git leaves running, as the master of ssh connections, may hold the stream open.
    while not voice.ended.wait(min(1.0, NO_PROGRESS / 4)) and process.poll() is None:
        if monotonic() - voice.heard < NO_PROGRESS:
            continue
        platform.terminate(process)
        try:
            process.wait(_LAST_WORDS)
        except subprocess.TimeoutExpired:
            process.kill()
        voice.text += b"\nfatal: no progress for %d seconds, given up\n" % NO_PROGRESS
        break
    voice.muted = True
    process.wait()
    return voice.text


class _Voice:
    """The standard error of a git, read as it comes and shown on a terminal after a while."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        import threading
        from time import monotonic

        assert process.stderr  # noqa: S101
        self.text = b""
        self.heard = monotonic()
        self.muted = False
        self.ended = threading.Event()
        self._stream = process.stderr.fileno()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        import os
        import sys
        from time import monotonic

        began = monotonic()
        with suppress(OSError):
            # Not by the stream itself: closing that would wait for a read that goes on.
            while chunk := os.read(self._stream, 65536):
                if self.muted:
                    return
                self.heard = monotonic()
                self.text = _shortened(self.text + chunk)
                if sys.stderr.isatty() and self.heard - began > _SILENCE:
                    sys.stderr.write(chunk.decode("utf-8", "replace"))
                    sys.stderr.flush()
        self.ended.set()


def _shortened(text: bytes) -> bytes:
    """The beginning and the end of what is too long: a remote may talk without end."""
    return text if len(text) <= _MOST else text[: _MOST // 2] + b"\n" + text[-_MOST // 4 :]


def terminate_all() -> None:
    """End every git of this process that talks to a remote, as this process is about to end."""
    for process in list(_talking):
        platform.terminate(process)


def remote_message(stderr: bytes) -> str:
    """The reasons that git and the remote gave, in one line: errors, else what a hook printed."""
    lines = [
        line.rpartition("\r")[2].strip() for line in stderr.decode("utf-8", "replace").splitlines()
    ]
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
