"""What tests stand on: copied repositories are as made ones, forked commands as started ones."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import clones, launcher, limits, repositories
from support.launcher import Launcher
from support.repositories import GITTASKS, Repo, git
from support.templates import copied

_OWN = ("objects", "cache", "journal", "lock")
"""Folders whose files are named by ids, or belong to one process."""


def _pair(folder: str) -> list[Repo]:
    """A clone with everything that holds a path: a remote, a worktree, logs, hooks."""
    ada, bob, tree = clones.checked_out(Path(folder))
    bob.ok("hooks", "install")
    return [ada, bob, tree]


def _files(folder: str) -> dict[str, bytes]:
    """The files below a folder by their paths; what is in them as if it were the folder `/`."""
    files = {}
    for place, _, names in os.walk(folder):
        if not set(place.split(os.sep)) & set(_OWN):
            for name in names:
                data = Path(place, name).read_bytes().replace(os.fsencode(folder), b"/")
                files[os.path.relpath(os.path.join(place, name), folder)] = data
    return files


@pytest.fixture
def made_and_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The same twice: what was made, and the copy of it that a test gets."""
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(name, "2030-01-01T00:00:00Z")
    made: list[str] = []

    def build(folder: str) -> None:
        _pair(folder)
        made.append(folder)

    copy = tmp_path / "copy"
    copied(f"law of copies {tmp_path}", build, str(copy))
    return made[0], str(copy)


def test_a_copy_holds_what_was_made(made_and_copied: tuple[str, str]) -> None:
    """Each file is there, with the copy's paths in place of those of the template."""
    made, copy = made_and_copied
    theirs, ours = _files(made), _files(copy)
    assert theirs.keys() == ours.keys()
    other = [path for path in ours if ours[path] != theirs[path]]
    assert {os.path.basename(path) for path in other} <= {"index"}, "what git knows of times"
    assert any(b"//hub.git" in data for data in ours.values())
    named = [path for path, data in ours.items() if os.fsencode(made) in data]
    assert named == []


def test_a_copy_is_a_repository_of_its_own(made_and_copied: tuple[str, str]) -> None:
    """Remotes, worktrees and index are the copy's; a write is neither seen nor felt elsewhere."""
    made, copy = made_and_copied
    before = _files(made)
    ada, bob, tree = (Repo(os.path.join(copy, name)) for name in ("ada", "bob", "tree"))
    assert bob.git("remote", "get-url", "origin") == os.path.join(copy, "hub.git")
    assert tree.path in bob.git("worktree", "list")
    for repo in (ada, bob, tree):
        assert repo.git("diff-files") == ""
        assert repo.git("status", "--porcelain") == ""
        repo.fsck()
    bob.ok("note", "a", "from bob")
    bob.ok("sync")
    ada.ok("sync")
    assert [note["text"] for note in ada.tasks()["a"]["notes"]] == ["from bob"]
    assert "from bob" in tree.read("tasks/a.yaml")
    assert _files(made) == before


def test_another_environment_gets_a_copy_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is set in a test counts, although the same was made before without it."""
    usual = Repo.create(str(tmp_path / "usual"))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Eve")
    other = Repo.create(str(tmp_path / "other"))
    git(str(tmp_path), "config", "--global", "init.defaultBranch", "trunk")
    trunk = Repo.create(str(tmp_path / "trunk"))
    assert usual.git("log", "--format=%an") == "Ada"
    assert other.git("log", "--format=%an") == "Eve"
    assert trunk.git("branch", "--show-current") == "trunk"


@pytest.mark.parametrize(
    ("args", "stdin", "env"),
    [
        (("list",), "", {}),
        (("status", "--json"), "", {}),
        (("-h",), "", {}),
        (("show", "zz"), "", {}),
        (("show", "zz", "--json"), "", {}),
        (("nonsense",), "", {}),
        (("list", "--list", "zz"), "", {}),
        (("list",), "", {"GITTASKS_LIST": "zz"}),
        (("list",), "", {"NO_COLOR": "1", "TZ": "Asia/Tokyo"}),
        (("batch", "--json"), '{"op": "note", "id": "zz", "text": "x"}', {}),
        (("batch",), '{"op": "note", "id": "zz", "text": "%s"}' % ("x" * 70000), {}),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, tuple) else "",
)
def test_a_forked_command_answers_as_a_started_one(
    listed: Repo, args: Sequence[str], stdin: str, env: dict[str, str]
) -> None:
    """Exit code, output and errors are the same to the byte."""
    whole = {**os.environ, **env}
    command = [GITTASKS, *args]
    done = subprocess.run(
        command, cwd=listed.path, env=whole, input=stdin.encode(), capture_output=True, timeout=60
    )
    forks = repositories.launcher()
    if forks is None:
        pytest.skip("each command is started afresh")
    forked = forks.run(command, listed.path, whole, stdin.encode(), 60)
    assert forked == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("words", "env"),
    [
        ("list", {}),
        ("show zz", {}),
        ("batch --json", {}),
        ("list <&-", {}),
        ("list", {"LC_ALL": "C"}),
        ("mcp --help", {"GITTASKS_LIST": "zz"}),
    ],
)
def test_a_command_called_by_its_name_answers_as_a_started_one(
    listed: Repo, words: str, env: dict[str, str]
) -> None:
    """For what a hook or a shell finds on its PATH it makes no difference that it is forked."""
    answers = []
    for path in (repositories.on_path(), os.path.dirname(GITTASKS)):
        done = subprocess.run(
            ["sh", "-c", f"gittasks {words}; echo $?"],
            cwd=listed.path,
            env={**os.environ, **env, "PATH": f"{path}{os.pathsep}{os.environ['PATH']}"},
            input=b'{"op": "note", "id": "zz", "text": "x"}',
            capture_output=True,
            timeout=60,
            check=False,
        )
        answers.append((done.stdout, done.stderr))
    assert answers[0] == answers[1]


def test_a_launcher_does_not_serve_where_python_starts_otherwise() -> None:
    """Encodings and paths of modules are settled when Python starts."""
    launcher = Launcher(GITTASKS)
    assert launcher.serves(os.environ)
    for name in ("PYTHONIOENCODING", "PYTHONPATH", "LC_ALL", "LANG"):
        assert not launcher.serves({**os.environ, name: "other"})
    launcher.close()


def test_a_forked_command_ends_in_time(listed: Repo) -> None:
    """What waits for ever is killed when its time is over, and others run meanwhile and after."""
    for task in "abc":
        listed.ok("skip", task)
    with pytest.raises(subprocess.TimeoutExpired):
        listed.run("ready", "--watch", "60s", timeout=0.5)
    assert listed.run("list").code == 0


# --- time limits --------------------------------------------------------------------------------


def test_a_law_that_hangs_ends_at_its_limit(request: pytest.FixtureRequest) -> None:
    """Every test has one, and Hypothesis does not try again, without one, what hung."""
    tries: list[None] = []

    @given(st.none())
    def law(nothing: None) -> None:
        tries.append(nothing)
        signal.raise_signal(signal.SIGALRM)

    limit = request.node.get_closest_marker("timeout")
    assert limit is not None
    assert 0 < limit.args[0] <= 600
    item, settings = SimpleNamespace(obj=law), SimpleNamespace(timeout=600)
    request.config.hook.pytest_timeout_set_timer(item=item, settings=settings)
    with pytest.raises(limits.TimeLimit):
        law()
    item.cancel_timeout()
    assert tries == [None]


def test_a_command_ends_with_the_test_that_waits_for_it() -> None:
    """Nothing of a test that reached its limit goes on behind those that follow."""
    command = subprocess.Popen(["sleep", "60"])

    class Answers:
        """Those of a command that tells its number and no more, until the alarm of the test."""

        def __init__(self) -> None:
            self.words = [b"%d " % command.pid]

        def settimeout(self, seconds: float) -> None:
            assert 0 < seconds <= 60

        def recv(self, _: int) -> bytes:
            if not self.words:
                signal.raise_signal(signal.SIGALRM)
            return self.words.pop()

    answers: Any = Answers()
    cancel = limits.alarm(600)
    with pytest.raises(limits.TimeLimit):
        launcher._exit_code(answers, ["sleep"], 60)
    cancel()
    assert command.wait(10) == -signal.SIGKILL
