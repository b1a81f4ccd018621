"""The write and what is around it: what is waited for, started, and said when it fails."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from support.repositories import Repo

from gittasks.core.model import Problem
from gittasks.errors import Busy, DiskFailure, InvalidData, Refused
from gittasks.store import (
    acknowledged,
    platform,
    refs,
    reftable,
    removal,
    transaction,
    worktrees,
)
from gittasks.store.commits import Signature
from gittasks.store.disk import Backoff
from gittasks.store.list_store import ListStore
from gittasks.store.list_version import Heads, TaskFile
from gittasks.store.lock_files import ListLock, path_of
from gittasks.store.objects import NewObject
from gittasks.store.repository import Repository
from gittasks.store.transaction import Aftermath, Proposal, Signatures

ADA = Signature("Ada <ada@example.com>", 1_800_000_000)
BY_ADA = Signatures(ADA, ADA)
REF = "refs/heads/gittasks/plan"


def _opened(repo: Repo) -> Repository:
    return Repository(repo.path, os.environ)


def _store(repo: Repo) -> ListStore:
    return ListStore(_opened(repo), "plan")


def _titled(title: str) -> Any:
    def propose(branch: Any) -> Proposal:
        info = branch.snapshot.info._replace(title=title)
        return Proposal(branch.snapshot._replace(info=info), f"plan: {title}\n")

    return propose


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The pauses of who lost a race, which take no time."""
    waits: list[int] = []
    monkeypatch.setattr(Backoff, "wait", lambda _, attempt: waits.append(attempt))
    return waits


# --- the queue -----------------------------------------------------------------------------------


def test_the_list_is_handed_on_before_the_folder_of_its_ref_is_synced(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is next syncs it again before it is done; what failed of it is said of the write."""
    store, free = _store(listed), list[bool]()
    lock, real = path_of(store.repository.common, REF), refs.sync_move

    def synced(folders: list[str], later: list[str] | None = None) -> None:
        if later is not None:
            real(folders, later)
            return
        handle = os.open(lock, os.O_RDWR)
        free.append(bool(folders) and platform.try_lock(handle))
        os.close(handle)
        raise refs.Unsynced("the disk is gone")

    for module in (refs, reftable):
        monkeypatch.setattr(module, "sync_move", synced)
    written = transaction.update(store, _titled("Another"), BY_ADA)
    assert free == [True]
    assert written.unfinished == (f"{transaction._UNSYNCED} (the disk is gone)",)


# --- beside git gc -------------------------------------------------------------------------------


class TestPruner:
    """Only a gc that runs here and removes what is young is waited for."""

    @pytest.fixture
    def pid(self, repo: Repo) -> Path:
        return Path(repo.git_dir, "gc.pid")

    def test_who_is_alive(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(platform, "is_alive", lambda number: number == 7)
        host = os.uname().nodename
        assert transaction._is_alive(f"7 {host}\n")
        assert not transaction._is_alive(f"8 {host}")
        assert not transaction._is_alive(f"7 {host}x")
        assert not transaction._is_alive(f"-7 {host}")
        assert not transaction._is_alive("")

    @pytest.mark.parametrize(
        ("setting", "words", "prunes"),
        [
            (None, ["git", "gc"], False),
            (None, ["git", "gc", "--prune=now"], True),
            (None, ["git", "gc", "--prune=2.weeks.ago"], False),
            (None, ["git", "gc", "--prune", "now"], False),
            (None, None, True),
            ("2.weeks.ago", ["git", "gc"], False),
            ("1.day.ago", ["git", "gc"], False),
            ("3.months", ["git", "gc"], False),
            ("1.year", ["git", "gc"], False),
            ("never", ["git", "gc"], False),
            ("never", ["git", "gc", "--prune=1.hour.ago"], True),
            ("now", ["git", "gc"], True),
            ("10.minutes.ago", ["git", "gc"], True),
        ],
    )
    def test_what_removes_young_objects(
        self,
        repo: Repo,
        monkeypatch: pytest.MonkeyPatch,
        setting: str | None,
        words: list[str] | None,
        prunes: bool,
    ) -> None:
        if setting:
            repo.git("config", "gc.pruneExpire", setting)
        lines = {7: words}
        monkeypatch.setattr(platform, "command_line", lines.__getitem__)
        assert transaction._prunes(_opened(repo), "7 host") is prunes

    def test_it_is_waited_for_until_it_ends_or_is_another(
        self, repo: Repo, pid: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        repo.git("config", "gc.pruneExpire", "now")
        repository, pauses = _opened(repo), list[float]()
        host = os.uname().nodename
        alive = {7}
        now = [0.0]

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            now[0] += 5
            if len(pauses) == 2 and ends == "process":
                alive.clear()
            elif len(pauses) == 2 and ends == "file":
                pid.write_text(f"9 {host}")

        monkeypatch.setattr(platform, "is_alive", lambda number: number in alive)
        monkeypatch.setattr(time, "sleep", sleep)
        monkeypatch.setattr(time, "monotonic", lambda: now[0])
        for ends, count in (("process", 2), ("file", 2), ("never", 4)):
            pid.write_text(f"7 {host}")
            alive.add(7)
            pauses.clear()
            transaction.ensure_present(repository, [])
            assert pauses == [0.01] * count, ends
        pid.write_text(f"8 {host}")
        pauses.clear()
        transaction.ensure_present(repository, [])
        assert pauses == []

    def test_what_is_gone_is_written_again(self, repo: Repo) -> None:
        repository = _opened(repo)
        new = repository.objects.form.new("blob", b"mine")
        transaction.ensure_present(repository, [new])
        assert repo.git("cat-file", "-p", new.id) == "mine"


class TestUpkeep:
    """git's own upkeep is started where it would find something to do, and now and then."""

    @pytest.mark.parametrize(
        ("setting", "loose", "due"),
        [
            (None, 27, False),
            (None, 28, True),
            ("0", 300, False),
            ("-1", 300, False),
            ("1", 1, False),
            ("1", 2, True),
            ("256", 1, False),
            ("256", 2, True),
            ("257", 2, False),
            ("257", 3, True),
            ("many", 28, True),
        ],
    )
    def test_when_it_is_due(self, repo: Repo, setting: str | None, loose: int, due: bool) -> None:
        if setting:
            repo.git("config", "gc.auto", setting)
        folder = Path(repo.git_dir, "objects", "17")
        folder.mkdir(exist_ok=True)
        for number in range(loose - len(os.listdir(folder))):
            (folder / f"{number}").touch()
        repository = _opened(repo)
        assert transaction.is_due(repository) is due
        Path(repo.git_dir, "gc.pid").touch()
        assert not transaction.is_due(repository)

    def test_without_the_folder_it_is_not(self, repo: Repo) -> None:
        repo.remove("objects", "17")
        assert not transaction.is_due(_opened(repo))

    def test_it_is_started_once_in_five_minutes(
        self, repo: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        calls: list[tuple[list[str], dict[str, Any]]] = []
        ended: list[object] = []

        class Started:
            def __init__(self, words: list[str], **options: Any) -> None:
                calls.append((words, options))

            def poll(self) -> int | None:
                return 0 if self in ended else None

        transaction._running.clear()
        repository, stamp = _opened(repo), Path(repo.git_dir, "gittasks", "upkeep")
        assert repository.config
        monkeypatch.setattr(subprocess, "Popen", Started)
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now)
        for age in (None, 0, 299, 301):
            if age is not None:
                os.utime(stamp, (now - age,) * 2)
            transaction.start(repository)
        assert len(calls) == 2
        words, options = calls[0]
        assert words[-4:] == ["maintenance", "run", "--auto", "--quiet"]
        assert words[:2] == ["git", f"--git-dir={repository.common}"]
        assert f"core.hooksPath={os.devnull}" in words
        assert (options["cwd"], options["start_new_session"]) == (repository.common, True)
        assert {options[name] for name in ("stdin", "stdout", "stderr")} == {subprocess.DEVNULL}
        assert "GIT_DIR" not in options["env"]
        assert len(transaction._running) == 2
        ended += transaction._running[:1]
        os.utime(stamp, (1, 1))
        transaction.start(repository)
        assert len(transaction._running) == 2
        assert transaction._running[0] not in ended
        transaction._running.clear()

        def none(*_: object, **__: object) -> None:
            raise OSError

        monkeypatch.setattr(subprocess, "Popen", none)
        stamp.unlink()
        transaction.start(repository)
        assert transaction._running == []

    def test_a_write_starts_it_and_minds_no_failure(
        self, listed: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        started: list[int] = []

        def start(_: Repository) -> None:
            started.append(1)
            raise OSError

        monkeypatch.setattr(transaction, "start", start)
        for due, starts in ((False, []), (True, [1])):
            with monkeypatch.context() as patch:
                patch.setattr(transaction, "is_due", lambda _, due=due: due)
                assert transaction.update(_store(listed), _titled(f"{due}"), BY_ADA).commit
            assert started == starts


# --- the write -----------------------------------------------------------------------------------


def test_a_write_that_always_loses_says_so(
    listed: Repo, waits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "_ATTEMPTS", 3)
    monkeypatch.setattr(transaction, "_put", lambda *_: None)
    with pytest.raises(Busy) as caught:
        transaction.update(_store(listed), _titled("x"), BY_ADA)
    assert caught.value.message == 'other writers changed "plan" 3 times in a row'
    assert caught.value.hint == "nothing was written; run this again in a moment"
    assert waits == [0, 1, 2]


def test_a_lost_race_asks_again_on_the_new_head(listed: Repo, waits: list[int]) -> None:
    seen: list[str] = []
    titled: transaction.Propose = _titled("t")

    def propose(branch: Any) -> Proposal | None:
        if not seen:
            listed.hand_edit({"x": "x\n"})
        seen.append(branch.commit)
        return titled(branch)

    first = listed.head()
    done = transaction.update(_store(listed), propose, BY_ADA)
    assert done.commit
    assert seen == [first, *done.commit.parents]
    assert waits == [0]
    assert (done.lagging, done.unfinished, done.earlier) == ((), (), ())
    assert listed.head() == done.commit.id


def test_nothing_to_change_makes_no_commit(listed: Repo) -> None:
    before = listed.head()
    assert transaction.update(_store(listed), lambda _: None, BY_ADA).commit is None
    assert listed.head() == before


def test_several_steps_are_commits_of_one_move(listed: Repo) -> None:
    def propose(branch: Any) -> Proposal | None:
        first, second = (_titled(title)(branch) for title in ("one", "two"))
        return Proposal(second.after, second.message, (first,))

    before = listed.head()
    done = transaction.update(_store(listed), propose, BY_ADA)
    assert done.commit
    (earlier,) = done.earlier
    assert (earlier.parents, done.commit.parents) == ((before,), (earlier.id,))
    assert (earlier.message, done.commit.message) == ("plan: one\n", "plan: two\n")
    assert done.commit.author == done.commit.committer == ADA
    assert listed.git("log", "-3", "--format=%s", "gittasks/plan").split("\n")[:2] == [
        "plan: two",
        "plan: one",
    ]
    (line, _) = listed.git("reflog", "-2", "--format=%gs", "gittasks/plan").split("\n")
    assert line == "gittasks: plan: two"
    loaded = _store(listed).cached()
    assert loaded
    assert (loaded.commit, loaded.snapshot.info.title) == (done.commit.id, "two")


@pytest.mark.parametrize(
    ("problem", "message", "where"),
    [
        (
            Problem("tasks", None, "not a folder"),
            "tasks, without which nothing is written, cannot be read: not a folder",
            "tasks",
        ),
        (
            Problem("list.yaml", 3, "no map"),
            "list.yaml, without which nothing is written, cannot be read: no map",
            "list.yaml:3",
        ),
        (Problem("tasks/a.yaml", 3, "no map"), None, None),
    ],
)
def test_a_list_that_cannot_be_read_is_not_written(
    listed: Repo, problem: Problem, message: str | None, where: str | None
) -> None:
    """A single task that cannot be read is in nobody's way."""
    store = _store(listed)
    branch = store.load()
    branch = branch._replace(snapshot=branch.snapshot._replace(problems=(problem,)))
    if message is None:
        transaction.check_writable(store, branch)
        return
    with pytest.raises(InvalidData) as caught:
        transaction.check_writable(store, branch)
    error = caught.value
    assert (error.message, error.where) == (message, where)
    assert str(error.hint).startswith("repair the file by hand: git worktree add gives you")


@pytest.mark.parametrize("case", ["renamed", "copied", "unusable"])
def test_a_branch_that_holds_another_list_is_no_place_to_write(repo: Repo, case: str) -> None:
    repo.ok("init", "other")
    if case == "copied":
        repo.git("branch", "gittasks/plan", "gittasks/other")
    else:
        repo.git("branch", "-m", "gittasks/other", "gittasks/plan")
    if case == "unusable":
        text = repo.git("show", "gittasks/plan:list.yaml").replace("id: other", "id: -x")
        repo.hand_edit({"list.yaml": text + "\n"})
    before = repo.head()
    with pytest.raises(InvalidData) as caught:
        transaction.update(_store(repo), _titled("x"), BY_ADA)
    error = caught.value
    assert error.message.startswith("the branch gittasks/plan holds another list: ")
    assert error.where == "list.yaml"
    title = "a list keeps its id, its title changes: gittasks init other --title TEXT"
    words = ("git", "branch", "-m", "gittasks/plan", "gittasks/other")
    hints = {
        "renamed": title,
        "copied": f"it is a copy, and gittasks/other is here too; {title}",
        "unusable": "repair it by hand: git worktree add gives you the list's branch as files",
    }
    assert str(error.hint).endswith(hints[case])
    assert [way.command for way in error.ways] == ([words] if case == "renamed" else [])
    assert repo.head() == before


def test_a_change_settles_a_conflict_where_its_file_changes(listed: Repo) -> None:
    before = _store(listed).load()
    other = {**before.files, "a": TaskFile("1" * 40, True)}
    for contested, files, settles in (
        ((), other, False),
        (("tasks/b.yaml",), other, False),
        (("tasks/a.yaml",), other, True),
        (("tasks/a.yaml",), before.files, False),
        (("tasks/b.yaml", "tasks/a.yaml"), other, True),
        (("list.yaml",), before.files, True),
        (("tasks/gone.yaml",), before.files, False),
    ):
        after = before._replace(files=files)
        assert transaction._settles(before._replace(contested=contested), after) is settles


class TestAftermath:
    """What fails after the commit point is a sentence."""

    def test_each_failure_says_what_and_why(self) -> None:
        after = Aftermath()

        def step(sentence: str, error: Exception) -> None:
            with after.step(sentence):
                raise error

        with after.step("fine"):
            pass
        step("the first is not done", OSError(28, "No space left on device", "/x"))
        step("the second is not done", Busy("somebody has it"))
        with pytest.raises(ValueError, match="a bug"):
            step("x", ValueError("a bug"))
        assert len(after.unfinished) == 2
        first, second = after.unfinished
        failure = DiskFailure.of(OSError(28, "No space left on device", "/x"))
        assert first == f"the first is not done (/x: {failure.message})"
        assert second == "the second is not done (somebody has it)"

    def test_what_a_write_could_not_finish_is_told(
        self, listed: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise OSError(5, "Input/output error", "/y")

        monkeypatch.setattr(transaction, "ensure_present", fail)
        done = transaction.update(_store(listed), _titled("x"), BY_ADA)
        assert done.commit
        (sentence,) = done.unfinished
        assert sentence.startswith(
            "what git gc removed meanwhile is not written again; look with: git fsck (/y: "
        )
        assert listed.head() == done.commit.id

    def test_a_record_that_cannot_be_kept_is_no_failure(
        self, listed: Repo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise OSError

        monkeypatch.setattr(acknowledged, "note", fail)
        assert transaction.update(_store(listed), _titled("x"), BY_ADA).unfinished == ()


# --- branches made and moved ---------------------------------------------------------------------


def test_a_branch_is_made_once(repo: Repo) -> None:
    """Empty, at what was fetched, or at a commit that is given."""
    made = transaction.create(_store(repo))
    root = repo.head()
    assert (made.created, made.unfinished) == (True, ())
    assert repo.git("rev-list", "--count", "gittasks/plan") == "1"
    assert repo.git("reflog", "--format=%gs", "gittasks/plan") == "gittasks: create"
    assert transaction.create(_store(repo)).created is False
    repo.git("branch", "-D", "gittasks/plan")
    assert transaction.create(_store(repo), root).created
    assert repo.head() == root
    repo.git("branch", "-D", "gittasks/plan")
    repo.git("branch", "gittasks/plan/x")
    with pytest.raises(Refused):
        transaction.create(_store(repo))


def test_a_commit_that_a_remote_took_is_followed_from_where_it_was_prepared(listed: Repo) -> None:
    listed.git("remote", "add", "origin", "/nowhere")
    store = _store(listed)
    before = store.load()
    prepared = transaction.compose(store, before, _titled("x")(before), BY_ADA)
    store.repository.objects.write(prepared.objects)
    listed.git("update-ref", "refs/remotes/origin/gittasks/plan", prepared.commit.id)
    nowhere = before._replace(heads=Heads(None, before.commit))
    assert transaction.follow(store, nowhere, prepared) is None
    elsewhere = before._replace(heads=Heads("1" * 40, None))
    assert transaction.follow(store, elsewhere, prepared) is None
    assert listed.head() == before.commit
    assert transaction.follow(store, before, prepared) == ((), ())
    assert listed.head() == prepared.commit.id
    assert listed.git("reflog", "-1", "--format=%gs", "gittasks/plan") == "gittasks: plan: x"
    assert transaction.follow(store, before, prepared) is None
    cached = store.cached()
    assert cached
    assert cached.commit == prepared.commit.id


def test_a_merge_is_brought_in_once(listed: Repo) -> None:
    theirs = listed.fetched({"theirs": "x\n"})
    done = transaction.integrate(_store(listed))
    assert listed.head() == theirs == done.evaluated.branch.commit
    assert listed.git("reflog", "-1", "--format=%gs", "gittasks/plan") == "gittasks: merge"
    again = transaction.integrate(_store(listed), apart=True)
    assert again.evaluated.received == ()
    assert (again.lagging, again.unfinished) == ((), ())


def test_what_the_remote_is_known_to_hold_counts_beside_its_tracking_ref(listed: Repo) -> None:
    """A push was taken, and the ref that says so could not be moved here."""
    before, theirs = listed.head(), listed.fetched({"theirs": "x\n"})
    listed.git("update-ref", "refs/remotes/origin/gittasks/plan", before)
    store = _store(listed)
    assert store.evaluate().branch.commit == before
    assert store.evaluate(theirs).branch.commit == theirs
    heads = transaction.integrate(store, theirs).evaluated.branch.heads
    assert heads == Heads(before, theirs, before)
    assert listed.head() == theirs


def test_a_commit_that_says_the_same_replaces_another(listed: Repo) -> None:
    store, before = _store(listed), listed.head()
    new = NewObject(listed.hand_edit({"x": "x\n"}), "commit", b"")
    listed.git("update-ref", REF, before)
    data = store.repository.objects.read(new.id, "commit")
    assert transaction.replace(store, before, [new._replace(data=data)]) is True
    assert listed.head() == new.id
    assert transaction.replace(store, before, [new._replace(data=data)]) is False


def test_a_lock_that_stays_names_who_writes(listed: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the lock of the list is another's, that is who to look for."""
    holder = platform.Holder(7, "gittasks", stopped=True)

    def busy(*_: object, **__: object) -> bool:
        raise Busy("plan is locked", where="/lock")

    store = _store(listed)
    for known in (holder, None):
        monkeypatch.setattr(ListLock, "holder", lambda _, known=known: known)
        monkeypatch.setattr(type(store.repository.refs), "move", busy)
        with pytest.raises(Busy) as caught:
            transaction.update(store, _titled("x"), BY_ADA)
        if known:
            words = "process 7 (gittasks, stopped) is in the middle of a write to this list"
            assert caught.value.message == words
            assert caught.value.hint == "let it go on, or end it; then run this again"
        else:
            assert caught.value.message == "plan is locked"
        assert caught.value.where == "/lock"


def test_checkouts_are_looked_at_before_the_move_and_brought_along_at_the_end(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    def noted(name: str, real: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            order.append(name)
            return real(*args, **options)

        return call

    for module, name in (
        (worktrees, "find_clean"),
        (worktrees, "check_movable"),
        (worktrees, "bring_along"),
        (transaction, "_move"),
        (transaction, "_finish"),
    ):
        monkeypatch.setattr(module, name, noted(name, getattr(module, name)))
    transaction.update(_store(listed), _titled("x"), BY_ADA)
    assert order == ["find_clean", "check_movable", "_move", "_finish", "bring_along"]


def test_a_commit_is_made_on_the_head_that_the_proposal_was_made_on(listed: Repo) -> None:
    """By which its move is guarded."""
    store = _store(listed)
    branch = store.load()
    prepared = transaction.compose(store, branch, _titled("x")(branch), BY_ADA)
    assert prepared.commit.parents == (branch.commit,)
    assert prepared.after.commit == prepared.commit.id == prepared.objects[-1].id
    assert [o.kind for o in prepared.objects].count("commit") == 1
    assert prepared.earlier == ()


def test_a_merge_that_always_loses_says_so(
    listed: Repo, waits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what was fetched, and of what is brought back."""
    before = listed.head()
    listed.fetched({"x": "x\n"}, "o")
    monkeypatch.setattr(transaction, "_ATTEMPTS", 2)
    with monkeypatch.context() as patch:
        patch.setattr(transaction, "_put", lambda *_: None)
        with pytest.raises(Busy, match="2 times in a row"):
            transaction.integrate(_store(listed))
    assert waits == [0, 1]
    waits.clear()
    listed.git("update-ref", "-d", "refs/remotes/o/gittasks/plan")
    assert transaction.restore(_store(listed)) == 0
    listed.ok("start", "a")
    done = listed.head()
    listed.git("update-ref", REF, before)
    with monkeypatch.context() as patch:
        patch.setattr(transaction, "_put", lambda *_: None)
        with pytest.raises(Busy, match="2 times in a row"):
            transaction.restore(_store(listed))
    assert waits == [0, 1]
    assert transaction.restore(_store(listed)) == 1
    assert listed.git("merge-base", "--is-ancestor", done, "gittasks/plan") == ""
    assert listed.git("reflog", "-1", "--format=%gs", "gittasks/plan") == "gittasks: restore"
    assert transaction.restore(_store(listed)) == 0


def test_what_is_let_go_is_recorded_no_more(listed: Repo) -> None:
    before = listed.head()
    listed.ok("start", "a")
    listed.git("update-ref", REF, before)
    assert _store(listed).load().lost == 1
    assert transaction.forget(_store(listed)) == 1
    assert acknowledged.read(_opened(listed), "plan").heads == (before,)
    assert _store(listed).load().lost == 0
    assert transaction.forget(_store(listed)) == 0


def test_what_an_operation_stands_on_may_be_another_by_now(
    listed: Repo, waits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A merge in memory that is no more what the heads say is worked out and asked for again."""
    listed.git("remote", "add", "o", "/nowhere")
    before = listed.head()
    fork = listed.hand_edit({"theirs": "x\n"})
    later = listed.hand_edit({"theirs": "y\n"})
    listed.git("update-ref", "refs/remotes/o/gittasks/plan", fork)
    listed.git("update-ref", REF, before)
    listed.hand_edit({"mine": "x\n"})
    asked: list[str] = []
    titled: transaction.Propose = _titled("t")

    def propose(branch: Any) -> Proposal | None:
        asked.append(branch.commit)
        if len(asked) == 1:
            listed.git("update-ref", "refs/remotes/o/gittasks/plan", later)
        return titled(branch)

    done = transaction.update(_store(listed), propose, BY_ADA)
    assert done.commit
    assert len(asked) == len({*asked}) == 2
    assert done.commit.parents == (asked[1],)
    assert listed.git("show", "gittasks/plan:theirs") == "y"
    assert waits == [0]


def test_a_branch_that_moved_meanwhile_is_not_deleted(listed: Repo) -> None:
    """All goes in one transaction of git's, or nothing; then the caches go as well."""
    listed.git("remote", "add", "o", "/nowhere")
    listed.git("update-ref", "refs/remotes/o/gittasks/plan", listed.head())
    listed.git("config", "branch.gittasks/plan.remote", "o")
    store, head = _store(listed), listed.head()
    store.load()
    cache = Path(store.repository.cache_path("lists", REF))
    assert cache.exists()
    listed.hand_edit({"x": "x\n"})
    with pytest.raises(Busy) as caught:
        removal.remove(_store(listed), "o", head)
    assert caught.value.message.startswith('the branch of "plan" was not deleted here: ')
    assert caught.value.hint == "see its state with: gittasks log; then run this again"
    assert listed.git("rev-parse", "refs/remotes/o/gittasks/plan") == head
    removal.remove(_store(listed), "o", listed.head())
    assert listed.git("for-each-ref", "refs/heads/gittasks", "refs/remotes", "refs/gittasks") == ""
    assert not cache.exists()
    assert "branch.gittasks/plan" not in listed.git("config", "--list")


def test_a_branch_that_is_checked_out_is_not_deleted(listed: Repo) -> None:
    listed.git("checkout", "-q", "gittasks/plan")
    with pytest.raises(Refused) as caught:
        removal.remove(_store(listed), None, listed.head())
    assert caught.value.rule == "checked-out"
    assert caught.value.message == f"the list's branch is checked out in {listed.path}"
    assert caught.value.hint == "switch that worktree to another branch, or remove it"


def test_what_a_remote_lacks_is_unsent(listed: Repo) -> None:
    before = listed.head()
    listed.ok("start", "a")
    assert len(removal.unsent(_store(listed), before)) == 1
    assert removal.unsent(_store(listed), listed.head()) == ()
    whole = removal.unsent(_store(listed), None)
    assert len(whole) == listed.count() - 1, "the root is none"
    listed.git("update-ref", "-d", REF)
    assert removal.unsent(_store(listed), before) == ()
