"""Locks: those of dead gits of ours are removed, all others are named with path and age."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import gits
from support.clones import checked_out, share
from support.repositories import Repo

from gittasks.core.operations import AddNote
from gittasks.errors import Busy
from gittasks.store import lock_files


def _git_that_dies(folder: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, first: str) -> None:
    """Put a git on PATH that kills itself, once, in a command that fits, after `first`."""
    script = folder / "bin" / "git"
    script.parent.mkdir()
    real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout
    script.write_text(
        f"""#!/bin/sh
case "$*" in {pattern})
  if [ ! -e "{folder}/died" ]; then touch "{folder}/died"; {first}; kill -9 $$; fi;;
esac
exec {real.strip()} "$@"
"""
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")


@contextmanager
def _stopped_holder(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds a lock, and is stopped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    code = (
        "import fcntl, os, signal, sys\n"
        "handle = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)\n"
        "fcntl.flock(handle, fcntl.LOCK_EX)\n"
        "os.kill(os.getpid(), signal.SIGSTOP)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(path)])
    os.waitpid(process.pid, os.WUNTRACED)
    yield process
    process.send_signal(signal.SIGCONT)
    process.kill()
    process.wait(30)


@pytest.fixture
def paused(listed: Repo) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds the lock of the list's writers, and is stopped."""
    with _stopped_holder(Path(listed.git_dir, "gittasks", "lock", "gittasks", "plan")) as process:
        yield process


@pytest.mark.skipif(not os.path.exists("/proc/locks"), reason="who holds a lock is in /proc")
def test_a_paused_writer_is_named_and_not_waited_for(
    listed: Repo, paused: subprocess.Popen[bytes]
) -> None:
    """The write says whose lock it is and goes on; doctor names it; a live lock is no leftover."""
    result = listed.ok("note", "a", "beside it")
    assert f"process {paused.pid} (" in result.err
    assert "stopped" in result.err
    symptoms = {s.check: s for s in listed.workspace("plan").doctor()}
    assert str(paused.pid) in symptoms["writer"].message
    lock = Path(listed.ref_lock())
    lock.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gittasks.store.refs._LOCK_PATIENCE", 0.1)
        patch.setattr("gittasks.store.reftable._PATIENCE", 0.1)
        patch.setattr("gittasks.store.lock_files._SILENCE", 0.1)
        with pytest.raises(Busy, match=f"process {paused.pid}") as caught:
            listed.workspace("plan").edit([AddNote("a", "again")])
    assert "leftover" not in str(caught.value.hint)
    assert lock.exists()


@pytest.mark.skipif(not os.path.exists("/proc/locks"), reason="who holds a lock is in /proc")
def test_who_is_stopped_while_it_asks_a_remote_is_named(listed: Repo) -> None:
    """Claims queue for the remote of a list; doctor says for whom they wait."""
    turn = Path(listed.git_dir, "gittasks", "turn", "gittasks", "plan")
    with _stopped_holder(turn) as process:
        (symptom,) = [s for s in listed.workspace("plan").doctor() if s.check == "writer"]
    assert f"process {process.pid}" in symptom.message
    assert "claim" in symptom.message


def test_the_lock_of_a_fetch_of_ours_that_was_killed_is_cleared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sync after it works; the lock of somebody else stays, and is named."""
    ann, bob = share(str(tmp_path), "ann", "bob")
    lock = Path(ann.ref_lock("refs/remotes/origin/gittasks/plan"))
    with monkeypatch.context() as patch:
        _git_that_dies(tmp_path, patch, '*" fetch "*', f'touch "{lock}"')
        assert ann.sync().error
    assert lock.exists()
    bob.edit(AddNote("a", "news"))
    assert not bob.sync().error
    assert [s.fixed for s in ann.workspace("plan").doctor() if s.check == "lock"] == [False]
    assert not ann.sync().error
    assert not lock.exists()
    assert ann.tasks()["a"]["notes"]

    lock.touch()
    bob.edit(AddNote("a", "more"))
    assert not bob.sync().error
    monkeypatch.setattr("gittasks.store.remotes._RACES", 1)
    error = ann.sync().error
    assert isinstance(error, Busy)
    assert error.where == str(lock)
    (symptom,) = [s for s in ann.workspace("plan").doctor(fix=True) if s.check == "lock"]
    assert symptom.message.startswith(f"{lock} has been there for ")
    assert lock.exists()


def test_locks_of_upkeep_are_named(listed: Repo) -> None:
    """Behind one of them git packs nothing any more, and does not say so."""
    names = ("maintenance", "pack/multi-pack-index", "info/commit-graph")
    locks = [Path(listed.git_dir, "objects", *f"{name}.lock".split("/")) for name in names]
    for lock in locks:
        lock.parent.mkdir(exist_ok=True)
        lock.touch()
        os.utime(lock, (1e9, 1e9))
    told = [s.message for s in listed.workspace("plan").doctor() if s.check == "lock"]
    assert sorted(message.partition(" has ")[0] for message in told) == sorted(map(str, locks))


@gits.files_only  # of a reftable git names no lock
def test_a_stale_lock_at_the_remote_is_named(tmp_path: Path) -> None:
    """With its path there: nobody finds it otherwise."""
    (ann,) = share(str(tmp_path), "ann")
    lock = Path(Repo(str(tmp_path / "hub.git")).ref_lock())
    lock.touch()
    ann.edit(AddNote("a", "news"))
    message = str(ann.sync().error)
    assert "refs/heads/gittasks/plan.lock" in message
    assert message.endswith("File exists.")


def test_a_git_that_was_killed_in_a_checkout_leaves_nothing_that_stops_a_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its index.lock is known for ours; half a tree is finished; a user's change there stays."""
    pair = checked_out(tmp_path)
    lock = Path(pair.tree.git("rev-parse", "--absolute-git-dir"), "index.lock")
    with monkeypatch.context() as patch:
        _git_that_dies(tmp_path, patch, '*" update-index "*', f'touch "{lock}"')
        pair.bob.workspace("plan").edit([AddNote("a", "one")])
    assert not lock.exists()
    (tmp_path / "died").unlink()
    half = f'touch "{lock}"; printf "" > "{pair.tree.path}/tasks/a.yaml"'
    with monkeypatch.context() as patch:
        (tmp_path / "bin" / "git").unlink()
        (tmp_path / "bin").rmdir()
        _git_that_dies(tmp_path, patch, '*" read-tree -m "*', half)
        pair.bob.workspace("plan").edit([AddNote("a", "two")])
    assert not lock.exists()
    assert pair.tree.git("status", "--porcelain") == ""
    assert "two" in pair.tree.read("tasks/a.yaml")


def test_half_a_tree_with_a_change_of_the_user_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is neither as it was nor as it should be is the user's, whoever died there."""
    pair = checked_out(tmp_path)
    mine = f'echo mine > "{pair.tree.path}/tasks/b.yaml"'
    with monkeypatch.context() as patch:
        _git_that_dies(tmp_path, patch, '*" read-tree -m "*', mine)
        workspace = pair.bob.workspace("plan")
        workspace.edit([AddNote("a", "one")])
    assert "could not be brought along" in str(workspace.notices)
    assert pair.tree.read("tasks/b.yaml") == "mine\n"
    assert pair.bob.run("note", "a", "two").code == 5


def test_a_locked_index_of_a_checkout_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is waited for, then told with its path; it is nobody's uncommitted change."""
    pair = checked_out(tmp_path)
    lock = Path(pair.tree.git("rev-parse", "--absolute-git-dir"), "index.lock")
    lock.touch()
    monkeypatch.setattr("gittasks.store.worktrees._INDEX_ATTEMPTS", 2)
    with pytest.raises(Busy) as caught:
        pair.bob.workspace("plan").edit([AddNote("a", "one")])
    assert caught.value.where == str(lock)
    (symptom,) = [s for s in pair.bob.workspace("plan").doctor() if s.check == "lock"]
    assert str(lock) in symptom.message


def test_a_note_that_is_held_is_of_a_live_git(tmp_path: Path) -> None:
    """Only when nobody holds it any more are its locks leftovers, and only newer ones."""
    lock, old = tmp_path / "x.lock", tmp_path / "y.lock"
    old.touch()
    os.utime(old, (1, 1))
    with lock_files.noting(str(tmp_path), [str(lock), str(old)]) as note:
        child = subprocess.Popen(["sleep", "60"], pass_fds=note.inherited)
        note.keep()
    lock.touch()
    assert lock_files.leftovers(str(tmp_path)) == []
    assert not lock_files.clear_leftovers(str(tmp_path), [str(lock)])
    child.kill()
    child.wait(30)
    time.sleep(0.01)
    assert lock_files.clear_leftovers(str(tmp_path), [str(lock), str(old)])
    assert not lock.exists()
    assert old.exists()
    assert lock_files.leftovers(str(tmp_path)) == []
