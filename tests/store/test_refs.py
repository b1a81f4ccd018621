"""One ref moves, once, guarded: loose, packed, locked, damaged, or in the way."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support import gits
from support.repositories import Repo

from gittasks.core.operations import Transition, Verb
from gittasks.errors import Busy
from gittasks.store import lock_files, refs
from gittasks.workspace import Workspace

pytestmark = gits.files_only
REF = "refs/heads/gittasks/plan"
START_A = Transition(Verb.START, "a")


def _refs(repo: Repo) -> refs.FileRefs:
    return refs.FileRefs(repo.git_dir, os.environ)


def _path(repo: Repo, name: str = REF) -> Path:
    return Path(repo.git_dir, name)


def test_packed_refs_are_read_and_moved(listed: Repo) -> None:
    listed.git("pack-refs", "--all")
    assert not _path(listed).exists()
    before = listed.head()
    assert set(listed.tasks()) == {"a", "b", "c"}
    listed.ok("start", "a")
    assert listed.git("rev-parse", "gittasks/plan~1") == before
    listed.git("pack-refs", "--all")
    listed.ok("done", "a")
    assert listed.count() == 4
    listed.fsck()


def test_five_thousand_packed_refs(listed: Repo) -> None:
    """Neighbours with longer and shorter names do not confuse the search."""
    head, code = listed.head(), listed.git("rev-parse", "main")
    lines = [f"create refs/tags/t{i} {code}" for i in range(5000)]
    similar = ("plan2", "pla", "a-plan", "plan.x")
    lines += [f"create refs/heads/gittasks/{name} {code}" for name in similar]
    lines.append(f"create refs/remotes/origin/gittasks/plan {code}")
    lines.append(f"create refs/heads/x/refs/heads/gittasks/plan {code}")
    listed.git("update-ref", "--stdin", stdin="\n".join(lines) + "\n")
    listed.git("pack-refs", "--all")
    assert _refs(listed).read(REF) == head
    assert _refs(listed).read("refs/heads/gittasks/plan2") == code
    assert _refs(listed).read("refs/heads/gittasks/none") is None
    listed.ok("start", "a", "--list", "plan")
    assert listed.git("rev-parse", "gittasks/plan~1") == head
    assert len(listed.git("for-each-ref").split("\n")) == 5000 + 8 + 1  # one keeps the head


def test_annotated_tags_in_packed_refs_are_passed_over(listed: Repo) -> None:
    """Their peeled lines begin with ^."""
    listed.git("tag", "-a", "v1", "-m", "v1")
    listed.git("tag", "-a", "zz", "-m", "zz")
    listed.git("pack-refs", "--all")
    names = [name for name, _ in _refs(listed).listed("refs/tags/")]
    assert names == ["refs/tags/v1", "refs/tags/zz"]
    listed.ok("start", "a")


def test_a_repository_after_gc_is_read_and_written(listed: Repo) -> None:
    """All objects in one pack, all refs packed."""
    listed.git("gc", "-q", "--aggressive", "--prune=now")
    listed.remove("gittasks", "cache")
    assert set(listed.tasks()) == {"a", "b", "c"}
    listed.ok("start", "a")
    assert len(listed.ok("log", "--json").json()["entries"]) == 3
    listed.fsck()


@pytest.mark.parametrize("packed", [False, True])
def test_a_branch_named_as_the_prefix_is_refused(repo: Repo, packed: bool) -> None:
    """git cannot hold `gittasks` and `gittasks/plan`; nothing is written."""
    repo.git("branch", "gittasks")
    if packed:
        repo.git("pack-refs", "--all")
    result = repo.run("init", "plan", "--json")
    assert result.code == 5
    error = result.json()["error"]
    assert '"gittasks"' in error["message"]
    assert "branchPrefix" in error["hint"]
    assert repo.git("for-each-ref", "--format=%(refname)", "refs/heads").split() == [
        "refs/heads/gittasks",
        "refs/heads/main",
    ]
    repo.git("config", "gittasks.branchPrefix", "tasks-")
    repo.ok("init", "plan")
    assert "refs/heads/tasks-plan" in repo.git("for-each-ref")


def test_a_code_branch_is_made_no_list(repo: Repo) -> None:
    """With an empty prefix a branch of code may have the name: refused, and nothing is written."""
    repo.git("config", "gittasks.branchPrefix", "")
    before = repo.git("for-each-ref")
    refused = repo.run("init", "main", "--json")
    assert refused.code == 5
    error = refused.json()["error"]
    assert error["message"] == 'the branch "main" is here and holds no task list'
    assert error["decisions"] == [["git", "config", "gittasks.branchPrefix", "gittasks/"]]
    assert repo.git("for-each-ref") == before
    repo.git(*error["decisions"][0][1:])
    assert "(branch gittasks/main)" in repo.ok("init", "main").out


@pytest.mark.parametrize("prefix", ["tasks-", "team/tasks-", ""])
def test_a_prefix_may_end_in_no_slash(repo: Repo, prefix: str) -> None:
    """The id of a list is what stands after the prefix, however the list is named."""
    repo.git("config", "gittasks.branchPrefix", prefix)
    assert f"(branch {prefix}plan)" in repo.ok("init", "plan").out
    repo.ok("create", "x", "--id", "x", "--list", "plan")
    assert repo.ok("list", "-q", env={"GITTASKS_LIST": "plan"}).out.split() == ["x"]
    assert repo.workspace().repository.stored_id("plan") == "plan"


@pytest.mark.parametrize("packed", [False, True])
def test_a_branch_below_the_list_is_refused(repo: Repo, packed: bool) -> None:
    repo.git("branch", "gittasks/plan/sub")
    if packed:
        repo.git("pack-refs", "--all")
    result = repo.run("init", "plan")
    assert result.code == 5
    assert "gittasks/plan/sub" in result.err


def test_an_empty_folder_at_the_place_of_a_new_ref_is_cleared(repo: Repo) -> None:
    """git leaves such folders when branches are deleted, and removes them itself."""
    os.makedirs(_path(repo) / "left" / "over")
    repo.ok("init", "plan")
    repo.ok("create", "x", "--id", "x")
    repo.fsck()


def test_an_empty_folder_at_the_place_of_a_packed_ref_is_cleared(listed: Repo) -> None:
    listed.git("pack-refs", "--all")
    os.makedirs(_path(listed) / "left" / "over")
    assert set(listed.tasks()) == {"a", "b", "c"}
    listed.ok("start", "a")
    assert listed.count() == 3


@pytest.mark.parametrize("content", [b"", b"\0" * 41, b"\n", b"not hex\n", b"abc123\n"])
def test_a_damaged_ref_file_is_told_and_never_overwritten(listed: Repo, content: bytes) -> None:
    """Exit 4, with where the last good value is; an older packed value is not taken instead."""
    listed.git("pack-refs", "--all")
    listed.ok("start", "a")
    _path(listed).write_bytes(content)
    for words in (["list"], ["done", "a"], ["log"]):
        result = listed.run(*words, "--list", "plan")
        assert result.code == 4, result
        assert f"logs/{REF}" in result.err
    assert _path(listed).read_bytes() == content


def test_a_damaged_ref_of_one_list_does_not_hide_the_others(listed: Repo) -> None:
    listed.ok("init", "other")
    _path(listed).write_bytes(b"")
    result = listed.run("lists")
    assert result.code == 4
    assert "other" in result.out
    assert f"the ref file {REF} is damaged" in result.out, "and it is named itself"
    listed.ok("create", "x", "--list", "other")


@pytest.mark.parametrize("prefix", ["gittasks/", ""])
def test_a_damaged_ref_is_listed_with_no_id(repo: Repo, prefix: str) -> None:
    """With an empty prefix too, if it was a list when it was last read."""
    repo.git("config", "gittasks.branchPrefix", prefix)
    repo.ok("init", "plan")
    repo.ok("list")
    repo.git("branch", "topic")
    for name in (f"{prefix}plan", "topic"):
        Path(repo.git_dir, "refs/heads", name).write_bytes(b"torn")
    assert repo.workspace().repository.local_lists() == {"plan": ""}


def test_a_damaged_tracking_ref_is_told(listed: Repo, tmp_path: Path) -> None:
    clone = listed.clone(str(tmp_path / "clone"))
    clone.git("config", "gittasks.list", "plan")
    Path(clone.git_dir, "refs/remotes/origin/gittasks").mkdir(parents=True, exist_ok=True)
    Path(clone.git_dir, "refs/remotes/origin/gittasks/plan").write_bytes(b"")
    result = clone.run("list")
    assert result.code == 4
    assert "refs/remotes/origin/gittasks/plan" in result.err


def test_packed_refs_are_read_once_for_all_names(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not once for each of some thousand branches."""
    code = listed.git("rev-parse", "main")
    lines = [f"create refs/heads/b{i} {code}\n" for i in range(300)]
    listed.git("update-ref", "--stdin", stdin="".join(lines))
    listed.git("pack-refs", "--all")
    reads: list[str] = []
    real = refs._packed

    def counted(common: str) -> bytes:
        reads.append(common)
        return real(common)

    monkeypatch.setattr(refs, "_packed", counted)
    assert len(list(_refs(listed).listed("refs/heads/"))) == 302
    assert len(reads) == 1


def test_refs_that_are_packed_while_they_are_listed_stay_listed(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loose when the folder was read, packed when the file was opened."""
    real = refs._followed

    def late(common: str, name: str, packed: bytes | None = None) -> tuple[str, str | None]:
        listed.git("pack-refs", "--all", "--prune")
        return real(common, name, packed)

    monkeypatch.setattr(refs, "_followed", late)
    assert [*_refs(listed).listed("refs/heads/")] == [
        (REF, listed.head()),
        ("refs/heads/main", listed.git("rev-parse", "main")),
    ]


def test_a_symbolic_ref_is_followed(listed: Repo) -> None:
    """Both ways: what it points to is read, and moved."""
    listed.git("branch", "-qm", "gittasks/plan", "elsewhere")
    listed.git("symbolic-ref", REF, "refs/heads/elsewhere")
    assert set(listed.tasks()) == {"a", "b", "c"}
    before = listed.git("rev-parse", "elsewhere")
    listed.ok("start", "a")
    assert listed.git("symbolic-ref", REF) == "refs/heads/elsewhere"
    assert listed.git("rev-parse", "elsewhere~1") == before


def test_a_loop_of_symbolic_refs_is_told(listed: Repo) -> None:
    _path(listed).write_text(f"ref: {REF}\n")
    result = listed.run("list", "--list", "plan")
    assert result.code == 4
    assert "loop" in result.err


def _killed_in_the_move(repo: Repo, *, empty: bool) -> None:
    """A writer that dies after it took the ref's lock: before or after it wrote the id."""
    code = (
        "import os, signal\n"
        "from gittasks.store import refs\n"
        "def die(*args):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        f"refs.os.{'fstat' if empty else 'fsync'} = die\n"
        "from gittasks.cli.main import run\n"
        "run(['start', 'a'])\n"
    )
    code = code.replace(
        "def die(*args):\n",
        "def die(handle):\n"
        "    if not os.readlink(f'/proc/self/fd/{handle}').endswith('plan.lock'):\n"
        "        return real(handle)\n",
    ).replace("def die", f"real = os.{'fstat' if empty else 'fsync'}\ndef die")
    done = subprocess.run([sys.executable, "-c", code], cwd=repo.path, check=False)
    assert done.returncode == -9
    written = Path(f"{_path(repo)}.lock").read_text()
    assert written == "" if empty else re.fullmatch(r"[0-9a-f]{40}\n", written)


@pytest.mark.parametrize("empty", [False, True])
def test_the_ref_lock_of_a_killed_writer_is_cleared_by_the_next(listed: Repo, empty: bool) -> None:
    """Killed between mark and rename: the next write succeeds without any manual repair."""
    before = listed.head()
    _killed_in_the_move(listed, empty=empty)
    assert listed.head() == before
    assert listed.tasks()["a"]["status"] == "pending"
    listed.ok("start", "a")
    assert listed.tasks()["a"]["status"] == "in_progress"
    assert not Path(f"{_path(listed)}.lock").exists()
    listed.git("update-ref", REF, before)
    listed.fsck()


def test_a_killed_first_write_of_a_list_is_recovered(repo: Repo) -> None:
    Path(repo.git_dir, "gittasks", "lock", "gittasks").mkdir(parents=True)
    repo.ok("init", "plan")
    root = repo.head()
    repo.git("update-ref", "-d", REF)
    _path(repo).parent.mkdir(exist_ok=True)
    Path(f"{_path(repo)}.lock").write_text(root + "\n")
    Path(repo.git_dir, "gittasks/lock/gittasks/plan").write_text(root)
    repo.ok("init", "plan")
    assert repo.head() == root


def test_a_foreign_lock_is_waited_for_and_then_told(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock that is not ours is never removed: Busy, exit 6, nothing written."""
    foreign = Path(f"{_path(listed)}.lock")
    before = listed.head()
    monkeypatch.setattr(refs, "_LOCK_PATIENCE", 0.05)
    for content in ("", "0" * 40 + "\n", listed.git("rev-parse", "main") + "\n"):
        foreign.write_text(content)
        os.utime(foreign, (time.time() - 3600,) * 2)
        with pytest.raises(Busy) as caught:
            listed.workspace().edit([START_A])
        assert caught.value.exit_code == 6
        assert caught.value.hint
        assert foreign.read_text() == content
    foreign.unlink()
    assert listed.head() == before
    listed.ok("start", "a")


def _wait_for_writer(repo: Repo, writer: subprocess.Popen[bytes]) -> None:
    """Return as soon as another process writes the list (it holds the lock of writers), or has."""
    deadline = time.monotonic() + 60
    with open(_marks(repo), "ab") as file:
        while writer.poll() is None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            fcntl.flock(file, fcntl.LOCK_UN)
            assert time.monotonic() < deadline, "no writer came"
            time.sleep(0.01)


def test_a_foreign_lock_that_goes_away_is_waited_out(listed: Repo) -> None:
    foreign = Path(f"{_path(listed)}.lock")
    foreign.write_text("")
    writer = listed.start("start", "a")
    _wait_for_writer(listed, writer)
    time.sleep(0.1)
    assert writer.poll() is None
    foreign.unlink()
    _, error = writer.communicate(timeout=60)
    assert writer.returncode == 0, error
    assert listed.tasks()["a"]["status"] == "in_progress"


def test_a_lock_file_of_packed_refs_does_not_stop_a_write(listed: Repo) -> None:
    Path(listed.git_dir, "packed-refs.lock").touch()
    listed.ok("start", "a")


@pytest.mark.parametrize("content", ["", "mark"])
def test_an_interrupt_beside_a_dead_writers_lock_blocks_nobody(listed: Repo, content: str) -> None:
    """kill -9, then Ctrl-C while the leftover is being judged: the next write succeeds."""
    dead = "d" * 40
    _marks(listed).write_text(dead)
    Path(f"{_path(listed)}.lock").write_text(dead + "\n" if content else "")
    writer = listed.start("start", "a")
    _wait_for_writer(listed, writer)
    time.sleep(0.1)
    writer.send_signal(signal.SIGINT)
    writer.communicate(timeout=60)
    listed.ok("note", "b", "after")
    assert not Path(f"{_path(listed)}.lock").exists()
    assert _marks(listed).read_text() == ""


@pytest.mark.parametrize("call", ["fstat", "fsync", "replace"])
def test_an_interrupt_in_the_move_leaves_no_lock_without_a_mark(
    listed: Repo, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Whatever breaks it off, the ref's lock goes, or its mark stays for the next writer."""
    held, real = Path(f"{_path(listed)}.lock"), getattr(os, call)

    def interrupt(*args: object) -> object:
        if held.exists():
            raise KeyboardInterrupt
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, interrupt)
        with pytest.raises(KeyboardInterrupt):
            listed.workspace().edit([START_A])
    assert not held.exists()
    assert len(_marks(listed).read_text()) == (40 if held.exists() else 0)
    listed.ok("start", "a")
    assert not held.exists()


def test_a_lock_taken_by_another_program_is_not_marked_as_ours(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the next writer would take the lock of a slow program for a leftover."""
    foreign = Path(f"{_path(listed)}.lock")
    foreign.touch()
    monkeypatch.setattr(refs, "_LOCK_PATIENCE", 0.05)
    with pytest.raises(Busy):
        listed.workspace().edit([START_A])
    assert _marks(listed).read_text() == ""
    assert foreign.exists()


def test_who_did_not_win_the_queue_touches_no_mark(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark of the writer that has the queue is its own."""
    monkeypatch.setattr(lock_files, "_PATIENCE", 0.05)
    with _queue(listed) as first:
        first.mark("f" * 40)
        assert listed.workspace().edit([START_A]).commit
        assert _marks(listed).read_text() == "f" * 40


def test_a_full_disk_in_the_move_leaves_no_lock_and_no_traceback(listed: Repo) -> None:
    """The message names the file; the ref stays, and the next write succeeds."""
    before = listed.head()
    code = (
        "import errno, os\n"
        "from gittasks.store import refs\n"
        "def full(handle, data):\n"
        "    raise OSError(errno.ENOSPC, 'No space left on device')\n"
        "class Os:\n"
        "    def __getattr__(self, name):\n"
        "        return full if name == 'write' else getattr(os, name)\n"
        "refs.os = Os()\n"
        "from gittasks.cli.main import run\n"
        "raise SystemExit(run(['start', 'a']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=listed.path, check=False, capture_output=True, text=True
    )
    assert done.returncode
    assert "gittasks/plan.lock: the disk is full\n" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert "b'" not in done.stderr
    assert listed.head() == before
    listed.ok("start", "a")


def test_folders_made_for_a_ref_are_synced_with_their_parents(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ref in a folder that a power cut takes back would be lost; also after a lost race."""
    seen: list[str] = []
    real, swap, turns = os.fsync, refs._swap, iter([False])

    def swap_or_lose(*args: Any, **options: Any) -> bool:
        if next(turns, True):
            return swap(*args, **options)
        raise FileExistsError

    def record(handle: int) -> None:
        seen.append(os.path.relpath(os.readlink(f"/proc/self/fd/{handle}"), repo.git_dir))
        real(handle)

    repo.git("config", "gittasks.branchPrefix", "deep/er/")
    monkeypatch.setattr(os, "fsync", record)
    monkeypatch.setattr(refs, "_swap", swap_or_lose)
    repo.workspace().init("plan", None)
    assert {"refs/heads", "refs/heads/deep", "refs/heads/deep/er"} <= set(seen)


def _marks(repo: Repo) -> Path:
    return Path(repo.git_dir, "gittasks/lock/gittasks/plan")


def _queue(repo: Repo) -> lock_files.ListLock:
    return lock_files.ListLock(str(_marks(repo)), f"{_path(repo)}.lock")


def test_a_live_writer_is_queued_for_and_then_raced(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue only saves retries: when it does not move, the guarded ref decides."""
    monkeypatch.setattr(lock_files, "_PATIENCE", 0.05)
    with _queue(listed):
        assert listed.workspace().edit([START_A]).commit
    assert listed.tasks()["a"]["status"] == "in_progress"


def test_a_lost_race_applies_the_intent_again(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody's commit goes in between read and move: both changes stay, on one line."""
    workspace: Workspace = listed.workspace()
    real = refs.FileRefs.move
    losses: list[str] = []

    def beaten(*args: object, **options: object) -> bool:
        if len(losses) < 3:
            losses.append(listed.hand_edit({f"extra{len(losses)}": "x\n"}))
        return real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(refs.FileRefs, "move", beaten)
    workspace.edit([START_A])
    assert len(losses) == 3
    assert listed.git("rev-parse", "gittasks/plan~1") == losses[-1]
    assert listed.count() == 2 + 3 + 1


def test_checks_are_made_again_on_the_new_head(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loser of a race for a task is refused by the winner's state."""
    real = refs.FileRefs.move
    raced: list[int] = []

    def beaten(*args: object, **options: object) -> bool:
        if not raced:
            raced.append(listed.run("start", "a", "--owner", "winner", env=WINNER).code)
        return real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(refs.FileRefs, "move", beaten)
    workspace = listed.workspace(GITTASKS_SESSION="loser")
    # The winner runs without our queue, as a program that does not know it would.
    monkeypatch.setattr(lock_files.ListLock, "_queue", lambda _: False)
    with pytest.raises(Exception, match=r"held|winner"):
        workspace.edit([START_A])
    assert raced == [0]
    assert listed.tasks()["a"]["owner"] == "winner"


WINNER = {"GITTASKS_SESSION": "winner"}


def test_the_reflog_is_written_as_git_does(listed: Repo) -> None:
    """`git reflog`, `@{1}` and the file's form."""
    before = listed.head()
    listed.ok("start", "a")
    assert listed.git("rev-parse", "gittasks/plan@{1}") == before
    mine = Path(listed.git_dir, "logs", REF).read_text().splitlines()[-1]
    listed.hand_edit({"x": "x\n"})
    git_s = Path(listed.git_dir, "logs", REF).read_text().splitlines()[-1]
    assert mine.split(" ")[:2] == [before, listed.git("rev-parse", "gittasks/plan~1")]
    who, git_s_who = (line.partition("\t")[0].split(" ")[2:] for line in (mine, git_s))
    assert (who[:2], who[-1]) == (git_s_who[:2], git_s_who[-1])
    assert mine.partition("\t")[2] == "gittasks: plan: a pending → in_progress"


@pytest.mark.parametrize("never", ["false", "no", "Off", "0"])
def test_the_reflog_honours_log_all_ref_updates(repo: Repo, never: str) -> None:
    """false: none is begun; one that exists is continued, as git continues it."""
    repo.git("config", "core.logAllRefUpdates", never)
    repo.ok("init", "plan")
    repo.ok("create", "x", "--id", "x")
    log = Path(repo.git_dir, "logs", REF)
    assert not log.exists()
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch()
    repo.ok("start", "x")
    assert len(log.read_text().splitlines()) == 1
    bare = repo.clone(f"{repo.path}.git", "--bare")
    bare.git("config", "core.logAllRefUpdates", "always")
    bare.ok("done", "x", "--list", "plan")
    assert len(Path(bare.path, "logs", REF).read_text().splitlines()) == 1


def test_a_branch_moved_back_by_hand_is_the_truth(listed: Repo) -> None:
    """`git update-ref` to an older commit: reads, log and writes follow the ref."""
    before = listed.head()
    listed.ok("start", "a")
    listed.ok("log")
    listed.git("update-ref", REF, before)
    assert listed.tasks()["a"]["status"] == "pending"
    assert len(listed.ok("log", "--json").json()["entries"]) == 2
    listed.ok("start", "b")
    assert listed.ok("log", "--json").json()["entries"][0]["changes"][0]["task"] == "b"


def test_a_deleted_branch_is_gone(listed: Repo) -> None:
    listed.git("branch", "-qD", "gittasks/plan")
    assert listed.run("list", "--list", "plan").code == 8
    assert listed.run("start", "a", "--list", "plan").code == 8
    listed.ok("init", "plan")
    assert listed.tasks() == {}


def test_a_short_write_never_becomes_the_ref(listed: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half an id on the disk is an error: the old head stays, and no lock."""
    before, real = listed.head(), os.write
    lock = Path(f"{_path(listed)}.lock")

    def short(handle: int, data: bytes) -> int:
        return real(handle, data[:20]) if lock.exists() else real(handle, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", short)
        with pytest.raises(OSError, match="No space left"):
            listed.workspace().edit([START_A])
    assert listed.head() == before
    assert not lock.exists()
    listed.ok("start", "a")


def test_a_foreign_lock_beside_a_dead_writers_mark_stays(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the lock that the mark names is the dead one's."""
    monkeypatch.setattr("gittasks.store.refs._LOCK_PATIENCE", 0.1)
    before = listed.head()
    lock = Path(f"{_path(listed)}.lock")
    _marks(listed).write_text("f" * 40)
    lock.write_text("e" * 40 + "\n")
    with pytest.raises(Busy):
        listed.workspace().edit([START_A])
    assert lock.read_text() == "e" * 40 + "\n"
    assert listed.head() == before
