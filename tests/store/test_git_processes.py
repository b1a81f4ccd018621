"""A git that is started: its streams, what it inherits, and how it is ended, in both ways to it."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
import threading
import time
from pathlib import Path

import pytest

from gittasks.errors import NoRepository
from gittasks.store import git, platform

_of_proc = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")


@pytest.fixture(params=["spawned", "subprocess", "with a thread"], autouse=True)
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "spawned":
        monkeypatch.setattr(git, "SPAWNS", False)
        if request.param == "with a thread":
            monkeypatch.setattr(platform, "chunks", platform._chunks_by_thread)
    elif not git.SPAWNS:
        pytest.skip("this system starts programs by subprocess alone")


def _sh(folder: Path, script: str, **options: object) -> git.Completed:
    """A git that runs a script of sh."""
    words = ["-c", f"alias.sh=!{script}", "sh"]
    return git.run(words, cwd=str(folder), env=dict(os.environ), **options)  # type: ignore[arg-type]


def test_streams_of_any_length_and_the_exit_code(tmp_path: Path) -> None:
    """Neither is cut, and none waits for another to be read."""
    data = b"a line\n" * 100_000
    answer = _sh(tmp_path, "pwd; cat; pwd >&2; exit 3", stdin=data)
    where = os.fsencode(tmp_path) + b"\n"
    assert answer == (3, where + data, where)


@_of_proc
def test_it_inherits_the_files_that_it_is_to_keep_and_no_other(tmp_path: Path) -> None:
    """A lock is held by a git that was given it, and not by one that happens to be started."""
    locks = [os.open(tmp_path / name, os.O_CREAT | os.O_RDWR) for name in ("given", "other")]
    for lock in locks:
        fcntl.flock(lock, fcntl.LOCK_EX)
    os.set_inheritable(locks[1], True)  # as a shell leaves open what it locks
    listed = _sh(tmp_path, "ls -l /proc/self/fd", keep=locks[:1]).stdout.decode()
    for lock in locks:
        os.close(lock)
    assert f"{tmp_path}/given\n" in listed
    assert f"{tmp_path}/other\n" not in listed


@_of_proc
def test_a_broken_pipe_ends_what_it_runs(tmp_path: Path) -> None:
    """Python ignores that signal, and that of files that grow too long: no program inherits it."""
    assert _sh(tmp_path, "yes | head -n 1").stdout == b"y\n"
    ignored = _sh(tmp_path, "grep SigIgn /proc/self/status").stdout.split()[1]
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # git itself minds the first alone
        assert not int(ignored, 16) & (1 << (number - 1)), number


def test_the_path_is_that_of_the_environment(tmp_path: Path) -> None:
    """A git that is not there is said to be missing."""
    with pytest.raises(NoRepository, match="git is not installed"):
        git.run(["version"], cwd=str(tmp_path), env={"PATH": str(tmp_path)})
    assert git.run(["version"], cwd=str(tmp_path), env=dict(os.environ)).returncode == 0


def test_a_signal_that_is_ignored_ends_no_talk() -> None:
    """`nohup` keeps a sync from ending with its terminal; any other program is ended."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with git._ends_when_told():
            try:
                signal.raise_signal(signal.SIGHUP)
            except KeyboardInterrupt:
                pytest.fail("the talk was ended")
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_was_said_is_returned_from_any_thread(tmp_path: Path) -> None:
    """Signals are heard on the main thread alone; a talk with a remote goes on without."""
    answers: list[git.Completed] = []

    def talk() -> None:
        words = ["-c", "alias.sh=!echo out; echo err >&2; exit 4", "sh"]
        answers.append(git.run_remote(words, cwd=str(tmp_path), env=dict(os.environ)))

    thread = threading.Thread(target=talk)
    thread.start()
    thread.join(60)
    talk()
    assert answers == [(4, b"out\n", b"err\n")] * 2


@pytest.mark.parametrize("number", [255, 300])
def test_a_file_of_a_high_number_is_in_nobodys_way(tmp_path: Path, number: int) -> None:
    """What is to be inherited gets a number that there is; a limit may be lower than a file."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    given = os.open(tmp_path / "given", os.O_CREAT | os.O_RDWR)
    last = fcntl.fcntl(given, fcntl.F_DUPFD, number)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        listed = _sh(tmp_path, "ls -l /proc/self/fd", keep=[given]).stdout.decode()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        os.close(given)
        os.close(last)
    assert listed.count(f"{tmp_path}/given\n") == 1


def test_an_interrupted_git_may_remove_its_locks(tmp_path: Path) -> None:
    """It is asked to end, and not killed where it stands."""
    program, lock = tmp_path / "git", tmp_path / "lock"
    script = (
        "#!/bin/sh",
        "trap 'rm lock; exit 1' TERM",
        'cd "$2"; : > lock',
        "while sleep 0.02; do :; done",
    )
    program.write_text("\n".join(script))
    program.chmod(0o755)
    limit = time.monotonic() + 60

    def interrupt() -> None:
        while not lock.exists() and time.monotonic() < limit:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        git.run([], cwd=str(tmp_path), env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    thread.join()
    assert not lock.exists()


@pytest.mark.parametrize("_way", ["spawned"], indirect=True)  # else subprocess sees to that
def test_how_it_ended_is_known_to_the_thread_that_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where another one asks as it ends; and to end it then is no error."""
    with platform.scratch_file() as file:
        streams = (file.fileno(),) * 3
        script = ["-c", "alias.sh=!exit 3", "sh"]
        process = git._start(script, str(tmp_path), dict(os.environ), streams, ())
    real = os.waitpid

    def beside(pid: int, options: int) -> tuple[int, int]:
        if not options:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            other = threading.Thread(target=process.poll)
            other.start()
            other.join(60)
        return real(pid, options)

    monkeypatch.setattr(os, "waitpid", beside)
    assert process.wait() == 3
    platform.end(process.pid)
    process.kill()


def test_the_last_words_are_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a git that speaks and ends between a look at its pipe and one at itself."""
    monkeypatch.setattr(git, "NO_PROGRESS", 0.4)
    voice, stderr = os.pipe()  # which stays open, as by the master of ssh connections

    class Ending:
        pid, looks = 0, 0

        def poll(self) -> int | None:
            self.looks += 1
            if self.looks == 2:
                os.write(stderr, b"fatal: gone\n")
            return 0 if self.looks > 1 else None

        def wait(self) -> int:
            return 0

        def terminate(self) -> None:
            raise AssertionError("it has ended")

        kill = terminate

    text = git._follow(Ending(), voice)
    os.close(voice)
    os.close(stderr)
    assert text == b"fatal: gone\n"


def test_no_file_is_left_open_where_a_talk_cannot_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that runs out of files comes back from that."""

    def none_left() -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(NoRepository):
        git.run_remote(["version"], cwd=str(tmp_path), env={"PATH": str(tmp_path)})
    monkeypatch.setattr(platform, "scratch_file", none_left)
    with pytest.raises(OSError, match="open files"):
        git.run_remote(["version"], cwd=str(tmp_path), env=dict(os.environ))
    assert set(os.listdir("/proc/self/fd")) <= before
