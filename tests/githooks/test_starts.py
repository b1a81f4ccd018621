"""What a commit starts: hooks decide in sh as far as they can, and miss no trailer by that."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
from support import gits
from support.commits import commit, status
from support.repositories import Repo, on_path, plan

from gittasks import Workspace
from gittasks.githooks import offer
from gittasks.store import disk

WITHOUT_VERIFYING = ("--no-verify",)


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that git and gittasks are noted in, a line for each start of one."""
    log, folder = tmp_path / "started", tmp_path / "shims"
    folder.mkdir()
    for name in ("git", "gittasks"):
        shim, program = folder / name, shutil.which(name)
        shim.write_text(f'#!/bin/sh\necho "{name} $1 $2" >>"{log}"\nexec "{program}" "$@"\n')
        shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return log


def _starts(log: Path) -> list[str]:
    """The starts since the last look, without the commit itself."""
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return [line for line in lines if not line.startswith("git commit ")]


def _ours(lines: list[str]) -> list[str]:
    return [" ".join(line.split()[1:3]) for line in lines if line.startswith("gittasks ")]


@gits.files_only
@pytest.mark.parametrize("packed", [False, True], ids=["loose", "packed"])
def test_a_commit_that_names_no_task_starts_nothing(
    hooked: Repo, started: Path, packed: bool
) -> None:
    """Once it is known that nothing is in progress, hooks run no program at all."""
    if packed:
        hooked.git("pack-refs", "--all")
    time.sleep(0.05)  # what is remembered has to be newer than git's settings
    commit(hooked, "First")
    _starts(started)
    commit(hooked, "Second\n\nOf the task at hand: nothing.")
    assert _starts(started) == []


@gits.files_only
def test_a_trailer_that_is_known_is_offered_without_python(hooked: Repo, started: Path) -> None:
    """So a commit with the task in progress starts it once, to link it; with another's, never."""
    time.sleep(0.1)  # what is remembered has to be newer than git's settings
    hooked.ok("start", "a")
    commit(hooked, "First")
    _starts(started)
    assert commit(hooked, "Second") == ["plan: a linked [0/3 complete]"]
    assert _ours(_starts(started)) == ["hook post-commit"]
    assert _trailer(hooked) == "Task: a"
    hooked.ok("done", "a")
    hooked.ok("start", "b", "--owner", "bob", env={"GITTASKS_SESSION": "s1"})
    commit(hooked, "Third")
    _starts(started)
    commit(hooked, "Fourth")
    assert _starts(started) == []
    assert _trailer(hooked) == ""


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("done", "a", "--next"), "Task: b"),
        (("use", "other"), ""),
        (("config", "gittasks.offerTrailer", "false"), ""),
        (("checkout", "-q", "-b", "other"), ""),
        (("fixup! First",), ""),
        (("Second\n\nThis reverts commit of mine.",), ""),
        (("Second\n\nTask: c done",), "Task: c done"),
        ((), "Task: a"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_offered_follows_all_that_it_depends_on(
    hooked: Repo, change: tuple[str, ...], expected: str
) -> None:
    """The lists, the one in use, the settings, the branch, and the message itself."""
    plan(hooked, "z", list_id="other")
    hooked.git("config", "gittasks.list", "plan")
    os.unlink(hooked.file(".git/gittasks-list"))
    time.sleep(0.1)  # what is remembered has to be newer than git's settings
    hooked.ok("start", "a")
    commit(hooked, "First")
    message = change[0] if len(change) == 1 else "Second"
    if len(change) > 1:
        run = hooked.git if change[0] in ("config", "checkout") else hooked.ok
        run(*change)
    commit(hooked, message)
    assert _trailer(hooked).replace("plan/", "") == expected


def _trailer(repo: Repo) -> str:
    return repo.git("log", "-1", "--format=%(trailers:key=Task)").strip()


def test_settings_in_variables_are_not_taken_for_those_of_another(hooked: Repo) -> None:
    """GIT_CONFIG_COUNT is the same for two who commit under different names."""

    def acting(owner: str) -> dict[str, str]:
        names = ("GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0")
        return dict(zip(names, ("1", "gittasks.owner", owner), strict=True))

    time.sleep(0.1)  # what is remembered has to be newer than git's settings
    hooked.ok("start", "a", env=acting("bob"))
    for owner, expected in (("bob", "Task: a"), ("cleo", "")):
        commit(hooked, "More", env=acting(owner))
        assert _trailer(hooked) == expected


def test_settings_that_go_away_are_noticed(hooked: Repo, tmp_path: Path) -> None:
    """A file that is gone is as little what it was as one that has changed."""
    included = tmp_path / "settings"
    hooked.git("config", "include.path", str(included))
    hooked.git("config", "-f", str(included), "gittasks.owner", "bob")
    time.sleep(0.1)  # what is remembered has to be newer than git's settings
    hooked.ok("start", "a")
    for expected in ("Task: a", ""):
        commit(hooked, "More")
        assert _trailer(hooked) == expected
        included.unlink(missing_ok=True)


def test_a_record_that_cannot_be_written_stops_no_commit(hooked: Repo) -> None:
    """It only saves starts; sh goes on without it, and so does Python."""
    os.mkdir(hooked.file(".git/gittasks/offer"))
    assert commit(hooked, "First") == []
    hooked.ok("start", "a")
    assert commit(hooked, "Second") == ["plan: a linked [0/3 complete]"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
@pytest.mark.parametrize("name", ["offer", "message"])
def test_a_pipe_in_the_place_of_a_record_is_not_waited_for(hooked: Repo, name: str) -> None:
    """sh would wait at it for ever, and git with it."""
    os.mkfifo(hooked.file(f".git/gittasks/{name}"))
    hooked.ok("start", "a")
    told = commit(hooked, "First")
    assert told == ["plan: a linked [0/3 complete]"]


def test_settings_that_change_while_it_is_recorded_leave_no_record(
    hooked: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would be older than the record, and the next commit would not notice them."""
    hooked.ok("start", "a")
    record, put = hooked.file(".git/gittasks/offer"), disk.put

    def change_and_put(path: str, data: bytes, shared: disk.Sharing) -> bool:
        os.utime(hooked.file(".git/config"))
        return put(path, data, shared)

    monkeypatch.setattr(disk, "put", change_and_put)
    time.sleep(0.1)  # what is remembered has to be newer than git's settings
    began = time.time_ns()
    assert offer.record(Workspace.open(hooked.path), began) == "Task: a"
    assert not os.path.exists(record)


@pytest.mark.parametrize(
    "line",
    [
        "Task: a done",
        "task: a done",
        "TASK: a done",
        "TaSk : a done",
        "Task: a\n done",
        "task: a done\r",
    ],
)
@pytest.mark.parametrize("options", [(), WITHOUT_VERIFYING], ids=["", "no-verify"])
def test_a_commit_that_moves_a_task_starts_python_once(
    hooked: Repo, started: Path, line: str, options: tuple[str, ...]
) -> None:
    """In every spelling of a trailer, and also where git leaves commit-msg out."""
    commit(hooked, f"x\n\nWhy.\n\n{line}", *options)
    assert _ours(_starts(started)) == ["hook post-commit"]
    assert status(hooked, "a") == "completed"


@pytest.mark.parametrize("change", ["start", "pack", "other list"])
def test_what_came_to_be_in_progress_is_offered(hooked: Repo, change: str) -> None:
    """That nothing was in progress is remembered by the branches, however they moved since."""
    commit(hooked, "First")
    if change == "other list":
        hooked.ok("init", "other")
        hooked.ok("create", "Other", "--id", "other")
        hooked.ok("start", "other")
    else:
        hooked.ok("start", "a")
    if change == "pack":
        hooked.git("pack-refs", "--all")
    commit(hooked, "Second")
    assert hooked.git("log", "-1", "--format=%(trailers:key=Task)").strip()


@pytest.mark.parametrize("refs", ["files", "reftable"])
def test_the_first_list_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refs: str
) -> None:
    """That there was no list is remembered no longer than there is none, wherever refs are."""
    for name, value in gits.of_format(f"sha1-{refs}").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", on_path())
    repo = Repo.create(str(tmp_path / "repo"))
    repo.ok("hooks", "install")
    time.sleep(0.05)  # what is remembered has to be newer than git's settings
    repo.git("commit", "-q", "--allow-empty", "-m", "First")
    repo.ok("init", "plan")
    repo.ok("create", "A", "--id", "a")
    repo.ok("start", "a")
    repo.git("commit", "-q", "--allow-empty", "-m", "Second")
    assert repo.git("log", "-1", "--format=%(trailers:key=Task)").strip()


def test_a_message_of_another_commit_is_not_taken_for_this_one(hooked: Repo) -> None:
    """A commit that was given up leaves its message behind; the next one's is read all the same."""
    assert commit(hooked, "", "--allow-empty-message", "--cleanup=strip") == []
    hooked.git("commit", "-q", "--allow-empty", "-m", "Task\n\nTask: b done", "--no-verify")
    assert status(hooked, "b") == "completed"
    commit(hooked, "Nothing")
    hooked.git("commit", "-q", "--amend", "-m", "Now\n\nTask: c done")
    assert status(hooked, "c") == "completed"


def test_a_message_of_another_work_tree_is_not_taken_for_this_one(
    hooked: Repo, tmp_path: Path
) -> None:
    """The file that its last commit left is there still, and says nothing of a commit here."""
    other = str(tmp_path / "other")
    hooked.git("worktree", "add", "-q", other)
    hooked.git("-C", other, "commit", "-q", "--allow-empty", "-m", "Nothing")
    hooked.git("commit", "-q", "--allow-empty", "-m", "x\n\nTask: a done", *WITHOUT_VERIFYING)
    assert status(hooked, "a") == "completed"


def test_long_messages_are_read_to_their_end(hooked: Repo) -> None:
    """The trailer stands behind more lines than sh reads."""
    commit(hooked, "x\n\n" + "word\n" * 400 + "\nTask: a done")
    assert status(hooked, "a") == "completed"
