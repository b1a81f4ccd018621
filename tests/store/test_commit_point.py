"""The commit point: what a command says of itself is what the history holds."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import shutil
from pathlib import Path

import pytest
from support import gits
from support.clones import on_hub, share
from support.faults import (
    CASES,
    Calls,
    Case,
    Fault,
    attempt,
    injected,
    keep_the_law,
    parts_done,
    perform,
    prepared,
    without_git,
)
from support.repositories import Repo, Workspace

from gittasks.cli.main import run
from gittasks.core.model import Status
from gittasks.core.operations import AddNote, Claim

_ERRORS = (errno.EIO, errno.EROFS, errno.ENOENT, errno.ENOSPC, errno.EACCES, errno.EMFILE)


@pytest.mark.parametrize(
    "name",
    [
        "create", "start", "undo", "init", "batch", "import", "trailers", "push", "pull",
        "claim here", "claim", "done of a claim",
    ],
)  # fmt: skip
def test_what_is_said_is_what_is_in_the_history(
    name: str, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """Errors of the system at calls around the commit point, before they are done and after."""

    def late(count: int) -> list[Fault]:
        step = 4 if name in ("create", "start", "undo", "init", "claim") else 11
        calls = enumerate(range(count, count // 2, -step))
        return [Fault(n, _ERRORS[i % len(_ERRORS)], n % 2 == 0) for i, n in calls]

    assert keep_the_law(str(tmp_path), name, late, capsys) > 3


@pytest.mark.parametrize("name", ["push", "sync", "claim"])
def test_a_push_whose_answer_was_lost_is_not_denied_when_no_git_starts_any_more(
    name: str, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each git of a command does its work, is not heard, and was the last: unknown is said."""

    def each(count: int) -> list[Fault]:
        return [Fault(n, errno.EAGAIN, lost=True, lasting=True) for n in range(1, count + 1)]

    assert keep_the_law(str(tmp_path), name, each, capsys, inject=without_git) > 1


def _done(workspace: Workspace) -> bool:
    return workspace.tasks["a"].status is Status.COMPLETED


@pytest.mark.parametrize(
    ("number", "lasting", "step"), [(errno.ENOSPC, True, 19), (errno.EIO, False, 17)]
)
def test_what_a_commit_asks_for_and_a_disk_refused_is_said_and_caught_up(
    tmp_path: object,
    capsys: pytest.CaptureFixture[str],
    number: int,
    lasting: bool,
    step: int,
) -> None:
    """The commit of the code stands; the hook says what failed, and the command that does it."""

    def commit(repo: Repo) -> None:
        repo.git("commit", "-q", "--allow-empty", "-m", "Do it\n\nTask: a done")

    case = Case(["hook", "post-commit"], _done, prepare=commit, silent=True)
    whole = attempt(os.path.join(str(tmp_path), "whole"), case, Fault(0, 0), capsys)
    undone, later = 0, "gittasks hooks catch-up HEAD^!"
    for call in range(11, whole.calls.count, step):  # by then the repository is known
        repo = prepared(os.path.join(str(tmp_path), str(call)), case)
        with injected(repo.path, Fault(call, number, lasting=lasting)) as calls:
            assert perform(repo, case) == 0
        said = capsys.readouterr().err
        if parts_done(repo, case) == {True}:
            assert said.startswith("gittasks: plan: a completed"), calls.place
            continue
        undone += 1
        kept = 'not done, kept for gittasks doctor: "a completed": '
        assert later in said or kept in said, calls.place
        assert repo.path in said, calls.place
        assert len(repo.workspace("plan").unapplied()) == (kept in said)
        with contextlib.chdir(repo.path):
            assert run(later.split()[1:]) == 0
        assert parts_done(repo, case) == {True}
    assert undone > 2


def test_a_cache_that_cannot_be_used_takes_nothing_back(listed: Repo) -> None:
    """Each call that touches a cache fails once: the note is there, and exit 0 says so."""
    listed.ok("log")
    cache, number, struck = os.path.join(listed.git_dir, "gittasks", "cache"), 0, "first"
    with contextlib.chdir(listed.path):
        while struck:
            number += 1
            with injected(cache, Fault(number, errno.EIO)) as calls:
                assert run(["note", "a", f"{number}"]) == 0, calls.place
            struck = calls.struck
    assert number > 9
    notes = [note["text"] for note in listed.tasks()["a"]["notes"]]
    assert notes == [str(n) for n in range(1, number + 1)]


def test_a_history_that_cannot_be_read_from_its_cache_is_read_without(
    listed: Repo, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each call that touches its cache fails once: `log` says what it says without."""
    listed.ok("log")
    said = listed.ok("log", "-n", "3").out
    cache, number, struck = os.path.join(listed.git_dir, "gittasks", "cache"), 0, "first"
    with contextlib.chdir(listed.path), contextlib.ExitStack() as ends:
        gc.freeze()  # what other tests have left is not looked through each time
        ends.callback(gc.unfreeze)
        while struck:
            number += 1
            with injected(cache, Fault(number, errno.EIO)) as calls:
                assert run(["log", "-n", "3"]) == 0, calls.place
            assert capsys.readouterr().out == said, calls.place
            struck = calls.struck
            gc.collect()  # which tells of files that nobody closed
    assert number > 9


def test_a_list_that_is_back_is_not_said_to_be_missing(
    tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """The restored list cannot be shown: it is back all the same."""

    def late(count: int) -> list[Fault]:
        return [Fault(number, errno.EMFILE) for number in range(count, count - 36, -3)]

    assert keep_the_law(str(tmp_path), "lists restore", late, capsys) > 9


@gits.files_only
def test_a_list_that_was_made_is_not_said_to_be_missing(
    tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """The look at packed refs for an earlier record of it fails: it is made all the same."""

    def each(count: int) -> list[Fault]:
        return [Fault(number, errno.ENOSPC) for number in range(1, count + 1)]

    assert keep_the_law(str(tmp_path), "init", each, capsys, within=".git/packed-refs") > 3


def test_a_list_whose_title_could_not_be_set_is_not_said_to_be_missing(
    tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is made before its title is: exit 0, and the title is there or said not to be."""
    case = CASES["init"]._replace(args=["init", "other", "--title", "The other"])
    titles = set[bool]()

    def outcome(number: int) -> Calls:
        repo = prepared(os.path.join(str(tmp_path), str(number)), case)
        with injected(repo.path, Fault(number, errno.EIO)) as calls:
            code = perform(repo, case)
        said = capsys.readouterr().err
        made = "refs/heads/gittasks/other" in repo.git("for-each-ref")
        assert (code == 0) is made, f"{number}: {code} {said}{calls.place}"
        if made:
            titles.add(titled := "title: The other" in repo.git("show", "gittasks/other:list.yaml"))
            assert titled or "done, but" in said, f"{number}: {said}{calls.place}"
        return calls

    for number in range(outcome(0).count, 0, -9):
        outcome(number)
    assert titles == {True, False}


@gits.files_only
@pytest.mark.parametrize("name", ["pull", "push"])
def test_a_ref_that_is_missing_for_once_is_not_passed_over(
    name: str, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """The disk says of one ref, once, that it is not there: exit 0 tells of no work undone."""

    def each(count: int) -> list[Fault]:
        return [Fault(number, errno.ENOENT, lost=True) for number in range(count - 1, 0, -2)]

    assert keep_the_law(str(tmp_path), name, each, capsys, within=".git/refs") > 3


@gits.files_only
@pytest.mark.parametrize("name", ["start a", "undo"])
def test_a_rename_whose_answer_was_lost_was_done(
    listed: Repo, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The ref is read again after an error: nothing is written twice, and nothing is refused."""
    if name == "undo":
        listed.ok("start", "a")
    before, rename = listed.count(), os.replace
    lost: list[str] = []

    def replace(source: str, target: str) -> None:
        rename(source, target)
        if target.endswith("heads/gittasks/plan") and not lost:
            lost.append(target)
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), source)

    monkeypatch.setattr(os, "replace", replace)
    workspace = listed.workspace("plan")
    if name == "undo":
        workspace.undo()
    else:
        workspace.edit([AddNote("a", "one")])
    assert lost
    assert listed.count() == before + 1
    assert not Path(listed.git_dir, "refs/heads/gittasks/plan.lock").exists()


@gits.files_only
def test_a_lock_whose_answer_was_lost_is_known_as_ours(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk made it and reported an error: the next writer removes it, and no person has to."""
    lock, make = listed.ref_lock(), os.open

    def lose(path: str, *args: int) -> int:
        handle = make(path, *args)
        if path == lock:
            os.close(handle)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        return handle

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", lose)
        with pytest.raises(OSError, match="No space"):
            listed.workspace("plan").edit([AddNote("a", "one")])
    assert os.path.exists(lock)
    listed.ok("note", "a", "two")
    assert [note["text"] for note in listed.tasks()["a"]["notes"]] == ["two"]


@gits.files_only
def test_a_rename_that_failed_left_the_ref(listed: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the error is told, no lock stays, and the next write succeeds."""
    before, rename = listed.head(), os.replace

    def replace(source: str, target: str) -> None:
        if target.endswith("heads/gittasks/plan"):
            raise OSError(errno.EIO, os.strerror(errno.EIO), source)
        rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        with pytest.raises(OSError, match="Input/output"):
            listed.workspace("plan").edit([AddNote("a", "one")])
    assert listed.head() == before
    listed.ok("note", "a", "two")


@pytest.mark.parametrize("place", ["heads/gittasks/plan", "remotes/origin/gittasks/plan"])
def test_a_claim_that_the_remote_took_is_not_taken_back_by_a_lock_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Whichever ref is locked: the claim is granted, says what is left to do, and is ours."""
    (repo,) = share(str(tmp_path), "a")
    monkeypatch.setattr("gittasks.store.refs._LOCK_PATIENCE", 0.1)
    monkeypatch.setattr("gittasks.store.reftable._PATIENCE", 0.1)
    lock = Path(repo.ref_lock(f"refs/{place}"))
    lock.touch()
    monkeypatch.setenv("GITTASKS_SESSION", "s1")
    workspace = repo.workspace("plan")
    claimed = workspace.claim(Claim("a"))
    assert claimed.task
    assert claimed.report.commit == on_hub(repo)
    assert str(workspace.notices).count("done, but ") == 1
    assert lock.exists()
    if "remotes" in place and gits.has_ref_files(repo.git_dir):
        assert repo.tasks()["a"]["status"] == "in_progress"
        finish = repo.run("done", "a")  # only the remote decides on the end of a claim
        assert finish.code
        assert str(lock) in finish.err
        assert claimed.report.commit == on_hub(repo)
    lock.unlink()
    repo.ok("claim", "a")
    repo.ok("done", "a")


def _state(repo: Repo) -> dict[str, bytes]:
    """The files of a repository, but for objects and what may be deleted."""
    top = Path(repo.path)
    files = (p for p in top.rglob("*") if p.is_file() and not {"objects", "cache"} & {*p.parts})
    return {str(p.relative_to(top)): p.read_bytes() for p in files}


@pytest.mark.parametrize(
    ("before", "args"),
    [
        ([], ["hooks", "install"]),
        ([["note", "a", "gone"]], ["lists", "forget", "plan"]),
        ([], ["doctor", "--fix"]),
    ],
    ids=lambda words: " ".join(words) if words and isinstance(words[0], str) else "",
)
def test_what_was_done_in_steps_is_not_denied_when_the_next_one_fails(
    listed: Repo,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    before: list[list[str]],
    args: list[str],
) -> None:
    """A full disk in the midst: nothing says that nothing was changed where something was."""
    for words in before:
        listed.ok(*words)
    if "forget" in args:
        listed.git("branch", "-q", "-D", "gittasks/plan")
    calls, denied, partial = 0, [], 0
    for number in range(9):
        path = shutil.copytree(listed.path, tmp_path / str(number), symlinks=True)
        repo = Repo(str(path))
        old = _state(repo)
        capsys.readouterr()
        fault = Fault(calls // 2 + calls * number // 26, errno.ENOSPC)
        with contextlib.chdir(path), injected(str(path), fault) as made:
            run(args)
        calls = calls or made.count
        told = capsys.readouterr().err
        if made.place and _state(repo) != old:
            partial += 1
            denied += [told] if "nothing was changed" in told else []
    assert partial
    assert not denied
