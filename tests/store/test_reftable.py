"""Refs in a reftable: git moves them, guarded, and what was read of them is kept while it holds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import gits, meter
from support.commits import commit, status
from support.repositories import Repo, git

from gittasks.core.operations import Claim, Transition, Verb
from gittasks.errors import Busy, DiskFailure
from gittasks.store import reftable
from gittasks.store.reftable import TableRefs

REF = "refs/heads/gittasks/plan"
START_A = Transition(Verb.START, "a")


@pytest.fixture(autouse=True)
def new_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """A git that knows reftables, and makes them; hooks find gittasks as they do for a user."""
    for name, value in gits.of_format("sha1-reftable").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}")


def _stack(repo: Repo) -> Path:
    return Path(repo.git_dir, "reftable", "tables.list")


def _lock(repo: Repo) -> Path:
    return Path(f"{_stack(repo)}.lock")


def _warm(repo: Repo) -> None:
    time.sleep(0.1)  # settings that changed in the last 50 ms are not remembered
    repo.ok("list")


# --- what it costs -------------------------------------------------------------------------------


def test_a_warm_read_runs_no_git_and_a_write_one(listed: Repo) -> None:
    """Nor does the read that follows a write: what it moved is known."""
    _warm(listed)
    for words in (["status", "--json"], ["prime"]):
        assert meter.measure(listed, *words).processes == (), words
    for words in (["start", "a"], ["create", "d"]):
        (process,) = meter.measure(listed, *words).processes
        assert "update-ref" in process
        assert meter.measure(listed, "list").processes == (), words


def test_what_a_move_wrote_is_synced(listed: Repo, tmp_path: Path) -> None:
    """git syncs no ref by itself: its trace counts the syncs of the table and of its list."""
    trace = tmp_path / "trace"
    listed.ok("start", "a", env={"GIT_TEST_FSYNC": "1", "GIT_TRACE2_EVENT": str(trace)})
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    syncs = [event["count"] for event in events if event.get("name") == "hardware-flush"]
    assert sum(syncs) >= 2


def test_a_move_by_another_program_is_read_once(listed: Repo) -> None:
    """A commit of code, a branch that is moved by hand, a stack that is packed."""
    before = listed.head()
    listed.ok("start", "a")
    listed.git("update-ref", REF, before)
    assert status(listed, "a") == "pending"
    _warm(listed)
    assert meter.measure(listed, "list").processes == ()
    listed.git("commit", "-q", "--allow-empty", "-m", "x")
    (process,) = meter.measure(listed, "list").processes
    assert "for-each-ref" in process
    listed.git("pack-refs", "--all")
    assert status(listed, "a") == "pending"


def test_what_is_kept_is_no_older_than_a_move_that_came_between(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our move and another's in one moment: the next look asks git."""
    real = TableRefs._transact

    def beside(self: TableRefs, *args: object) -> object:
        answer = real(self, *args)  # type: ignore[arg-type]
        listed.git("update-ref", "refs/heads/gittasks/other", listed.head())
        return answer

    workspace = listed.workspace()
    with monkeypatch.context() as patch:
        patch.setattr(TableRefs, "_transact", beside)
        workspace.edit([START_A])
    names = [name for name, _ in workspace.repository.refs.listed("refs/heads/gittasks/")]
    assert names == ["refs/heads/gittasks/other", REF]


def test_a_stack_that_is_compacted_under_a_reader_is_not_damaged(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that is gone since the list was read is looked for in the new one."""
    real = reftable._has_content
    removed: list[bool] = []

    def compacted(path: str) -> bool:
        if not removed:
            listed.git("pack-refs", "--all")
            removed.append(not os.path.exists(path))
        return real(path)

    listed.remove("gittasks", "cache")
    listed.git("update-ref", "refs/heads/other", "HEAD")
    monkeypatch.setattr(reftable, "_has_content", compacted)
    assert listed.workspace().tasks
    assert removed == [True]


def test_a_commit_that_was_pruned_before_its_move_is_written_again(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As often as a prune wins, and no more than some times."""
    real = TableRefs._transact
    attempts = 0

    def pruned(self: TableRefs, *args: object) -> object:
        nonlocal attempts
        attempts += 1
        if attempts < prunes:
            listed.git("prune", "--expire=now")
        return real(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(TableRefs, "_transact", pruned)
    prunes = 3
    listed.workspace().edit([START_A])
    assert attempts == 3
    listed.fsck()
    prunes, before = 1000, listed.head()
    monkeypatch.setattr(reftable, "_RESTORATIONS", 2)
    with pytest.raises(DiskFailure, match="nonexistent object"):
        listed.workspace().edit([Transition(Verb.DONE, "a")])
    assert listed.head() == before


def test_a_claim_that_was_pruned_before_it_is_recorded_is_written_again(
    listed: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The remote has it, and no ref here: of a single branch's clone git tracks no other."""
    git(str(tmp_path), "init", "-q", "--bare", "hub.git")
    listed.git("remote", "add", "origin", str(tmp_path / "hub.git"))
    listed.git("push", "-q", "origin", "HEAD")
    listed.git("config", "remote.origin.fetch", "+refs/heads/main:refs/remotes/origin/main")
    listed.ok("sync")
    real, moved = TableRefs._transact, list[str]()

    def pruned(self: TableRefs, orders: list[str], *args: object) -> object:
        if not moved:
            listed.git("prune", "--expire=now")
        moved.append(orders[0].split()[1])
        return real(self, orders, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(TableRefs, "_transact", pruned)
    workspace = listed.workspace()
    assert workspace.claim(Claim("a")).task
    assert workspace.notices == []
    assert moved[:2] == ["refs/remotes/origin/gittasks/plan"] * 2
    tracked = listed.git("rev-parse", "origin/gittasks/plan")
    assert listed.head() == tracked == git(str(tmp_path / "hub.git"), "rev-parse", "gittasks/plan")
    listed.fsck()


# --- guarded moves -------------------------------------------------------------------------------


_RACER = """
import os, sys
from gittasks.store.repository import Repository
refs = Repository(sys.argv[1], os.environ).refs
head, mine = sys.argv[2], sys.argv[3:]
print("ready", flush=True)
sys.stdin.readline()
won = []
for round, commit in enumerate(mine):
    if refs.move(f"refs/heads/gittasks/r{round}", None if head == "-" else head, commit):
        won.append(round)
print(won)
"""


@pytest.mark.parametrize("made", [False, True])
def test_one_of_many_wins_each_swap(repo: Repo, made: bool) -> None:
    """Processes that compare and swap the same refs at once: of each exactly one moves it."""
    racers, rounds = 4, 6
    head = repo.git("rev-parse", "HEAD")
    tree = repo.git("rev-parse", "HEAD^{tree}")
    if made:
        orders = "".join(f"create refs/heads/gittasks/r{n} {head}\n" for n in range(rounds))
        repo.git("update-ref", "--stdin", stdin=orders)
    processes = []
    commits = {}
    for racer in range(racers):
        own = [repo.git("commit-tree", "-m", f"{racer} {n}", tree) for n in range(rounds)]
        commits[racer] = own
        process = subprocess.Popen(
            [sys.executable, "-c", _RACER, repo.path, head if made else "-", *own],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    for number in range(rounds):
        winners = [racer for racer, won in enumerate(answers) if number in won]
        assert len(winners) == 1, answers
        held = repo.git("rev-parse", f"refs/heads/gittasks/r{number}")
        assert held == commits[winners[0]][number]


def test_a_lost_race_applies_the_intent_again(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody's commit goes in between read and move: both changes stay, on one line."""
    real = TableRefs.move
    losses: list[str] = []

    def beaten(self: TableRefs, *args: object, **options: object) -> bool:
        if len(losses) < 2:
            losses.append(listed.hand_edit({f"extra{len(losses)}": "x\n"}))
        return real(self, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(TableRefs, "move", beaten)
    listed.workspace().edit([START_A])
    assert listed.git("rev-parse", "gittasks/plan~1") == losses[-1]
    assert listed.count() == 2 + 2 + 1


def test_a_foreign_lock_is_waited_for_and_then_told(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be that of a program at work: nothing is moved, nothing of it removed."""
    monkeypatch.setattr(reftable, "_PATIENCE", 0.1)
    before = listed.head()
    _lock(listed).touch()
    os.utime(_lock(listed), (1, 1))
    with pytest.raises(Busy, match="the reftable is locked by another program"):
        listed.workspace().edit([START_A])
    found = [s for s in listed.run("doctor", "--json").json()["findings"] if s["check"] == "lock"]
    assert str(_lock(listed)) in found[0]["message"]
    _lock(listed).unlink()
    assert listed.head() == before
    listed.ok("start", "a")


def test_a_lock_that_outlasted_one_move_is_not_waited_for_by_the_next(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All refs have one lock, and a claim moves two: it waits once, and for another lock anew."""
    clock = _Pauses()
    monkeypatch.setattr(reftable, "time", clock)
    monkeypatch.setattr(reftable, "_BACKOFF", clock)
    workspace = listed.workspace()
    with open(_lock(listed), "x"), pytest.raises(Busy) as caught:
        workspace.edit([START_A])
    assert caught.value.where == str(_lock(listed))
    assert f"locked by process {os.getpid()} (" in caught.value.message
    assert "can be removed" not in str(caught.value.hint)
    assert clock.seconds > reftable._PATIENCE
    before = clock.seconds
    with pytest.raises(Busy, match="locked by another program"):
        workspace.edit([START_A])
    assert clock.seconds == before
    _lock(listed).rename(f"{listed.path}-kept")  # so that its inode does not recur
    _lock(listed).touch()
    with pytest.raises(Busy):
        workspace.edit([START_A])
    assert clock.seconds > before
    _lock(listed).unlink()
    workspace.edit([START_A])
    assert status(listed, "a") == "in_progress"


class _Pauses:
    """A clock on which nothing but pauses takes time."""

    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def wait(self, attempt: int) -> None:
        self.seconds += reftable._PATIENCE / 2


def test_the_lock_of_a_killed_git_of_ours_is_cleared(listed: Repo, tmp_path: Path) -> None:
    """Killed in the middle of the move, writer and git alike: the next write succeeds."""
    shim = tmp_path / "shim" / "git"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\n: >"{_lock(listed)}"\nkill -9 $PPID $$\n')
    shim.chmod(0o755)
    env = {"PATH": f"{shim.parent}{os.pathsep}{os.environ['PATH']}"}
    _warm(listed)
    writer = listed.start("start", "a", env=env)
    writer.communicate(timeout=60)
    assert writer.returncode == -signal.SIGKILL
    assert _lock(listed).exists()
    assert status(listed, "a") == "pending"
    listed.ok("start", "a")
    assert status(listed, "a") == "in_progress"
    assert not _lock(listed).exists()


def test_a_git_that_is_killed_after_the_move_has_moved_it(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer was lost, so the ref tells; the change is not made twice."""
    real = TableRefs._transact

    def killed(self: TableRefs, *args: object) -> object:
        answer = real(self, *args)  # type: ignore[arg-type]
        return answer._replace(stdout=b"start: ok\n", returncode=-signal.SIGKILL)

    with monkeypatch.context() as patch:
        patch.setattr(TableRefs, "_transact", killed)
        assert listed.workspace().edit([START_A]).commit == listed.head()
    assert listed.count() == 3


@pytest.mark.parametrize("name", ["gittasks", "gittasks/plan/sub"])
def test_a_branch_in_the_way_is_told(repo: Repo, name: str) -> None:
    repo.git("branch", name)
    result = repo.run("init", "plan", "--json")
    assert result.code == 5
    assert f'"{name}"' in result.json()["error"]["message"]


def test_what_stands_in_the_way_of_our_record_does_not_stop_a_write(listed: Repo) -> None:
    """The ref that keeps acknowledged objects alive is a courtesy."""
    listed.git("update-ref", "-d", "refs/gittasks/acknowledged/gittasks/plan/0")
    listed.git("update-ref", "refs/gittasks/acknowledged/gittasks/plan/0/x", listed.head())
    listed.ok("start", "a")
    assert status(listed, "a") == "in_progress"


def test_a_lost_branch_is_noticed_and_brought_back(listed: Repo) -> None:
    listed.ok("start", "a")
    listed.git("branch", "-qD", "gittasks/plan")
    assert listed.run("list", "--list", "plan").code == 8
    listed.ok("lists", "restore", "plan")
    assert status(listed, "a") == "in_progress"


def test_a_symbolic_ref_is_followed(listed: Repo) -> None:
    """Both ways: what it points to is read, and moved."""
    listed.git("branch", "-qm", "gittasks/plan", "gittasks/elsewhere")
    listed.git("symbolic-ref", REF, "refs/heads/gittasks/elsewhere")
    before = listed.git("rev-parse", "gittasks/elsewhere")
    listed.ok("start", "a", "--list", "plan")
    assert listed.git("symbolic-ref", REF) == "refs/heads/gittasks/elsewhere"
    assert listed.git("rev-parse", "gittasks/elsewhere~1") == before
    assert listed.workspace().repository.local_lists()["elsewhere"] == listed.head()


def test_a_stack_that_lost_a_table_is_told(listed: Repo) -> None:
    """git itself reads it as one without refs; nothing is taken for missing, nor written."""
    listed.remove("gittasks", "cache")
    table = _stack(listed).parent / _stack(listed).read_text().split()[-1]
    content = table.read_bytes()
    table.write_bytes(b"")
    for words in (["list"], ["start", "a"], ["init", "plan"]):
        result = listed.run(*words)
        assert result.code == 4, result
        assert str(table) in result.err
    table.write_bytes(content)
    listed.ok("start", "a")


def test_no_hook_of_the_user_runs(listed: Repo, tmp_path: Path) -> None:
    hook = Path(listed.git_dir, "hooks", "reference-transaction")
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'#!/bin/sh\ntouch "{tmp_path}/ran"\n')
    hook.chmod(0o755)
    listed.ok("start", "a")
    assert not (tmp_path / "ran").exists()


# --- worktrees, each of which has a stack of its own ---------------------------------------------


def test_linked_worktrees_have_their_own_head(listed: Repo, tmp_path: Path) -> None:
    """A list is known by the branch that the worktree is on, before and after it is switched."""
    listed.ok("init", "topic")
    listed.ok("init", "other")
    tree = Repo(str(tmp_path / "tree"))
    listed.git("worktree", "add", "-q", tree.path, "-b", "topic")
    assert tree.ok("status", "--json").json()["list"]["id"] == "topic"
    tree.git("checkout", "-q", "-b", "other")
    assert tree.ok("status", "--json").json()["list"]["id"] == "other"
    _warm(tree)
    assert meter.measure(tree, "status").processes == ()


def test_a_checkout_of_the_list_comes_along(listed: Repo, tmp_path: Path) -> None:
    """A clean one; one left behind by a killed writer is mended; a dirty one is refused."""
    folder = str(tmp_path / "files")
    listed.git("worktree", "add", "-q", folder, "gittasks/plan")
    file = Path(folder, "tasks", "a.yaml")
    listed.ok("note", "a", "first")
    assert "first" in file.read_text()
    _killed_before_the_checkout(listed, ["note", "a", "second"])
    assert "second" not in file.read_text()
    listed.ok("note", "a", "third")
    assert "second" in file.read_text()
    assert git(folder, "status", "--porcelain") == ""
    file.write_text(file.read_text() + "# mine\n")
    assert listed.run("note", "a", "fourth").code == 5


def _killed_before_the_checkout(repo: Repo, words: list[str]) -> None:
    code = (
        "import os, signal\n"
        "from gittasks.store import transaction\n"
        "transaction._finish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from gittasks.cli.main import run\n"
        f"run({words!r})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=repo.path, check=False)
    assert done.returncode == -signal.SIGKILL


def test_hooks_know_what_moved_head(listed: Repo) -> None:
    """`commit --amend` is told from a commit by the reflog, which is in the reftable too."""
    listed.ok("hooks", "install")
    commit(listed, "x\n\nTask: a start")
    listed.git("commit", "-q", "--amend", "-m", "y\n\nTask: a start")
    (link,) = listed.tasks()["a"]["commits"]
    assert link["sha"] == listed.git("rev-parse", "HEAD")


# --- a git that does not know it -----------------------------------------------------------------


def test_an_older_git_is_told_what_is_needed(listed: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cold and warm, reading and writing; nothing is written where neither would look."""
    before, git_dir = listed.head(), listed.git_dir
    monkeypatch.setenv("PATH", gits.OWN_PATH)
    monkeypatch.delenv("GIT_EXEC_PATH", raising=False)
    gits.old_git()
    for words in (["start", "a"], ["init", "new"], ["sync"]):
        result = listed.run(*words)
        assert result.code in (4, 8), result
        assert "needs git 2.45 or newer" in result.err
    listed.remove("gittasks", "cache")
    for words in (["list"], ["start", "a"], ["doctor"]):
        result = listed.run(*words)
        assert result.code == 8, result
        assert "needs git 2.45 or newer" in result.err
    assert os.listdir(os.path.join(git_dir, "refs")) == ["heads"]
    new = gits.new_git()
    assert listed.git("rev-parse", REF, env=new) == before
