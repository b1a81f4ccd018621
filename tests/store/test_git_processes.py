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


def test_an_interrupted_git_may_remove_its_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked to end, and not killed where it stands."""
    monkeypatch.setattr(git, "_LAST_WORDS", 60.0)  # a busy machine may take its time
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


@pytest.mark.parametrize("_way", ["spawned"], indirect=True)
def test_where_nobody_wants_to_know_how_children_end_what_was_said_counts(tmp_path: Path) -> None:
    """A program that ignores its children's ends, as some servers do, is told of none."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        answer = git.run(["version", "--none"], cwd=str(tmp_path), env=dict(os.environ))
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert answer.returncode == 0
    assert answer.stderr.startswith(b"error: unknown option")


@pytest.mark.parametrize("_way", ["spawned"], indirect=True)
def test_one_that_runs_is_ended_and_one_that_ended_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[tuple[int, bool]] = []
    real = platform.end

    def end(pid: int, *, force: bool = False) -> None:
        ended.append((pid, force))
        real(pid, force=force)

    monkeypatch.setattr(platform, "end", end)
    for force, number in ((False, signal.SIGTERM), (True, signal.SIGKILL)):
        with platform.scratch_file() as file:
            streams = (file.fileno(),) * 3
            words = ["-c", "alias.sh=!exec sleep 60", "sh"]
            process = git._start(words, str(tmp_path), dict(os.environ), streams, ())
        assert process.poll() is None
        (process.kill if force else process.terminate)()
        assert process.wait() in (-number, 128 + number)
        assert process.poll() == process.wait()
        process.kill()
        process.terminate()
        assert ended == [(process.pid, force)]
        ended.clear()


@pytest.mark.parametrize("_way", ["spawned"], indirect=True)
def test_a_program_is_a_file_on_the_path_that_may_be_run(tmp_path: Path) -> None:
    """Neither a folder nor a file of another kind; the first counts."""
    folders = [tmp_path / name for name in ("a", "b", "c", "d")]
    for folder in folders:
        folder.mkdir()
    (folders[0] / "git").mkdir()
    for folder, mode in zip(folders[1:], (0o644, 0o755, 0o755), strict=True):
        (folder / "git").touch()
        (folder / "git").chmod(mode)
    env = {"PATH": os.pathsep.join(map(str, folders))}
    assert git._file("git", env) == str(folders[2] / "git")
    assert git._file("git", {"PATH": str(folders[3])}) == str(folders[3] / "git")
    with pytest.raises(FileNotFoundError):
        git._file("git", {"PATH": str(folders[0])})
    assert git._file("sh", {}).endswith("/sh")


@pytest.mark.parametrize("_way", ["spawned"], indirect=True)
@pytest.mark.parametrize("may_fetch", [False, True])
def test_a_git_fetches_nothing_by_itself_and_asks_nothing(tmp_path: Path, may_fetch: bool) -> None:
    script = "echo ${GIT_NO_LAZY_FETCH-none} $GIT_TERMINAL_PROMPT $LC_ALL"
    answer = _sh(tmp_path, script, may_fetch=may_fetch)
    assert answer.stdout.decode().split() == ["none" if may_fetch else "1", "0", "C"]


class TestTalk:
    """A git that talks to a remote: heard, shown on a terminal, given up when it falls silent."""

    class Silent:
        """A program that never ends by itself."""

        pid = 0

        def __init__(self) -> None:
            self.code: int | None = None

        def poll(self) -> int | None:
            return self.code

        def wait(self) -> int:
            return self.code or 0

        def terminate(self) -> None:
            self.code = 1

        kill = terminate

    @pytest.mark.parametrize("_way", ["spawned"], indirect=True)
    def test_one_that_falls_silent_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(git, "NO_PROGRESS", 0.2)
        monkeypatch.setattr(platform, "terminate", lambda process: process.terminate())
        voice, stderr = os.pipe()
        os.write(stderr, b"10%\n")
        process = self.Silent()
        text = git._follow(process, voice)
        os.close(voice)
        os.close(stderr)
        assert text == b"10%\n\nfatal: no progress for 0 seconds, given up\n"
        assert process.code == 1

    @pytest.mark.parametrize("_way", ["spawned"], indirect=True)
    @pytest.mark.parametrize(("silence", "terminal"), [(0.0, True), (60.0, True), (0.0, False)])
    def test_progress_is_shown_on_a_terminal_after_a_while(
        self, monkeypatch: pytest.MonkeyPatch, silence: float, terminal: bool
    ) -> None:
        shown: list[str] = []

        class Screen:
            def isatty(self) -> bool:
                return terminal

            def write(self, text: str) -> None:
                shown.append(text)

            def flush(self) -> None:
                shown.append("flush")

        monkeypatch.setattr(git, "_SILENCE", silence)
        monkeypatch.setattr("sys.stderr", Screen())
        voice, stderr = os.pipe()
        os.write(stderr, b"Receiving \xff\n")
        os.close(stderr)
        process = self.Silent()
        process.code = 0
        assert git._follow(process, voice) == b"Receiving \xff\n"
        os.close(voice)
        expected = ["Receiving \N{REPLACEMENT CHARACTER}\n", "flush"]
        assert shown == (expected if terminal and not silence else [])

    @pytest.mark.parametrize("_way", ["spawned"], indirect=True)
    def test_one_that_does_not_end_when_it_is_asked_is_ended(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(git, "_LAST_WORDS", 0.1)
        asked: list[str] = []
        monkeypatch.setattr(platform, "terminate", lambda _: asked.append("end"))

        class Deaf(self.Silent):  # type: ignore[misc,name-defined]
            def kill(self) -> None:
                asked.append("kill")
                self.code = -9

        deaf = Deaf()
        git._give_up(deaf)
        assert asked == ["end", "kill"]
        assert deaf.code == -9

    @pytest.mark.parametrize("_way", ["spawned"], indirect=True)
    def test_all_that_talk_are_ended_with_this_process(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ended: list[object] = []
        talking: list[set[object]] = []
        monkeypatch.setattr(platform, "terminate", ended.append)

        def follow(process: object, _: int) -> bytes:
            talking.append({*git._talking})
            git.terminate_all()
            assert ended == [process]
            return b""

        monkeypatch.setattr(git, "_follow", follow)
        git.run_remote(["version"], cwd=str(tmp_path), env=dict(os.environ))
        assert talking == [{*ended}]
        assert git._talking == set()

    @pytest.mark.parametrize("_way", ["spawned"], indirect=True)
    def test_off_a_terminal_it_asks_nothing_and_leads_a_session(self, tmp_path: Path) -> None:
        script = "echo $GIT_TERMINAL_PROMPT $(ps -o sess= -p $$) >&2; cat"
        with platform.scratch_file() as question:
            question.write(b"question\n")
            question.seek(0)
            answer = git.run_remote(
                ["-c", f"alias.sh=!{script}", "sh"],
                cwd=str(tmp_path),
                env=dict(os.environ),
                stdin=question,
            )
        prompt, session = answer.stderr.decode().split()
        assert (answer.returncode, answer.stdout, prompt) == (0, b"question\n", "0")
        assert int(session) != os.getsid(0)


@pytest.mark.parametrize("_way", ["spawned"], indirect=True)
def test_one_that_answers_questions_keeps_to_its_streams(tmp_path: Path) -> None:
    script = "echo $GIT_NO_LAZY_FETCH $GIT_TERMINAL_PROMPT $LC_ALL; cat; echo noise >&2"
    words = ["-c", f"alias.sh=!{script}", "sh"]
    with platform.scratch_file() as question:
        question.write(b"all of it\n")
        question.seek(0)
        process = git.start_answering(
            words, cwd=str(tmp_path), env=dict(os.environ), stdin=question
        )
        assert process.communicate(timeout=60)[0] == b"1 0 C\nall of it\n"
    process = git.start_answering(words, cwd=str(tmp_path), env=dict(os.environ))
    assert process.communicate(b"one\n", timeout=60)[0] == b"1 0 C\none\n"
    nowhere = {"PATH": str(tmp_path)}
    with pytest.raises(NoRepository, match="git is not installed") as caught:
        git.start_answering(words, cwd=str(tmp_path), env=nowhere)
    assert caught.value.hint == "install git, then run this again"
    with platform.scratch_file() as told:
        with pytest.raises(NoRepository, match="git is not installed"):
            git.start_remote(words, cwd=str(tmp_path), env=nowhere, told=told)
        process = git.start_remote(
            ["-c", "alias.sh=!echo $GIT_TERMINAL_PROMPT $LC_ALL >&2; cat", "sh"],
            cwd=str(tmp_path),
            env=dict(os.environ),
            told=told,
        )
        assert process.wait(60) == 0
        told.seek(0)
        assert told.read() == b"0 C\n"


@pytest.mark.parametrize("_way", ["spawned"], indirect=True)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_stream_of_a_low_number_is_left_to_subprocess(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    """Where this process has none of its own, a scratch file gets its number, and another's."""

    def spawn(*_: object, **__: object) -> None:
        raise AssertionError("it would be overwritten on the way")

    monkeypatch.setattr(git, "_spawn", spawn)
    with platform.scratch_file() as file:
        streams = [file.fileno()] * 3
        streams[place] = place
        words = ["-c", "alias.sh=!exit 3", "sh"]
        first, second, third = streams
        process = git._start(words, str(tmp_path), dict(os.environ), (first, second, third), ())
        assert process.wait() == 3
