"""Refs that are files: read, listed, moved step by step, and logged, without a git beside them."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import Any

import pytest
from support.marks import Marks

from gittasks.errors import Busy, InvalidData, Refused
from gittasks.store import disk, platform, refs
from gittasks.store.commits import Signature
from gittasks.store.disk import Backoff, Sharing
from gittasks.store.refs import FileRefs, Logged, Reason, Unsynced

ONE, TWO, THREE = (digit * 40 for digit in "123")
PLAN = "refs/heads/gittasks/plan"


class Folder:
    """A git directory of nothing but refs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "refs" / "heads").mkdir(parents=True)

    def put(self, name: str, text: str) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def packed(self, *rows: tuple[str, str]) -> None:
        lines = "".join(f"{value} {name}\n" for value, name in rows)
        self.put("packed-refs", f"# pack-refs with: peeled fully-peeled sorted \n{lines}")

    def refs(self, **options: Any) -> FileRefs:
        return FileRefs(str(self.path), {}, **options)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "git")


# --- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "is_id"),
    [
        ("a" * 40, True),
        ("0123456789abcdef" * 4, True),
        ("a" * 39, False),
        ("a" * 41, False),
        ("A" * 40, False),
        ("g" * 40, False),
        ("", False),
    ],
)
def test_an_id_is_known_by_its_form(text: str, is_id: bool) -> None:
    assert refs.is_object_id(text) is is_id


def test_a_file_comes_before_packed_refs(folder: Folder) -> None:
    folder.packed((ONE, PLAN), (TWO, f"{PLAN}x"), ("bad", "refs/heads/bad"))
    assert folder.refs().read(PLAN) == ONE
    assert folder.refs().read(f"{PLAN}x") == TWO
    assert folder.refs().read("refs/heads/pla") is None
    assert folder.refs().read("refs/heads/bad") is None
    folder.put(PLAN, f"{THREE}\n")
    assert folder.refs().read(PLAN) == THREE
    folder.packed()
    assert folder.refs().read(f"{PLAN}x") is None
    os.unlink(folder.path / "packed-refs")
    assert folder.refs().read(f"{PLAN}x") is None


def test_a_new_folder_is_synced_before_the_list_is_handed_on(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is next does not see that it is new, and syncs that folder alone."""
    synced: list[list[str]] = []
    monkeypatch.setattr(disk, "sync_all", lambda paths, **_: synced.append([*paths]))
    later: list[str] = []
    heads = f"{folder.path}/refs/heads"
    assert folder.refs().move(PLAN, None, ONE, later=later)
    assert (synced.pop(), later) == ([f"{heads}/gittasks", heads], [])
    assert folder.refs().move(PLAN, ONE, TWO, later=later)
    assert later == [f"{heads}/gittasks"]


def test_a_symbolic_ref_leads_to_another(folder: Folder) -> None:
    folder.put("refs/heads/a", "ref: refs/heads/b\n")
    folder.put("refs/heads/b", f"{ONE}\n")
    (folder.path / "refs/heads/c").symlink_to("refs/heads/b")
    assert [folder.refs().read(f"refs/heads/{name}") for name in "abc"] == [ONE] * 3
    assert folder.refs().own_lock("refs/heads/a") == f"{folder.path}/refs/heads/b.lock"
    assert folder.refs().own_lock("refs/heads/b") == f"{folder.path}/refs/heads/b.lock"
    for number in range(5):
        folder.put(f"refs/heads/{number}", f"ref: refs/heads/{number + 1}")
    folder.put("refs/heads/5", ONE)
    assert folder.refs().read("refs/heads/1") == ONE
    with pytest.raises(InvalidData) as caught:
        folder.refs().read("refs/heads/0")
    assert caught.value.message == "refs/heads/5 is a loop of symbolic refs"
    assert folder.refs().own_lock("refs/heads/0") == f"{folder.path}/refs/heads/0.lock"


@pytest.mark.parametrize("target", ["HEAD", "refs/../x", "../x"])
def test_what_leads_out_of_the_refs_is_refused(folder: Folder, target: str) -> None:
    folder.put("refs/heads/a", f"ref: {target}\n")
    with pytest.raises(InvalidData) as caught:
        folder.refs().read("refs/heads/a")
    assert caught.value.message == f"a symbolic ref points to {target!a}, which is not a ref"
    assert caught.value.where == target


def test_a_damaged_file_is_told_with_where_its_last_value_is(folder: Folder) -> None:
    folder.put(PLAN, "x\n")
    with pytest.raises(InvalidData) as caught:
        folder.refs().read(PLAN)
    error = caught.value
    assert error.message == f"the ref file {PLAN} is damaged: it holds no commit id"
    assert error.where == PLAN
    words = f"its last good value is the last line of logs/{PLAN} in the git directory"
    assert str(error.hint).endswith(words)
    assert error.commands == (("gittasks", "doctor"),)


def test_those_of_a_prefix_come_in_order_and_once(folder: Folder) -> None:
    """Loose and packed ones; damaged ones without an id, symbolic ones with that of the other."""
    folder.packed((ONE, f"{PLAN}-b"), (ONE, f"{PLAN}-d"), ("bad", f"{PLAN}-e"), (ONE, "refs/x"))
    folder.put(f"{PLAN}-a", THREE)
    folder.put(f"{PLAN}-b", TWO)
    folder.put(f"{PLAN}-b.lock", TWO)
    folder.put(f"{PLAN}-c", "x")
    folder.put(f"{PLAN}-f", "ref: refs/x\n")
    folder.put(f"{PLAN}-g", "ref: refs/nowhere\n")
    folder.put("refs/heads/gittasks/other", ONE)
    assert [*folder.refs().listed(f"{PLAN}-")] == [
        (f"{PLAN}-a", THREE),
        (f"{PLAN}-b", TWO),
        (f"{PLAN}-c", ""),
        (f"{PLAN}-d", ONE),
        (f"{PLAN}-e", ""),
        (f"{PLAN}-f", ONE),
    ]
    assert [*folder.refs().listed("refs/none/")] == []
    assert folder.refs().below("refs/heads/") == {"gittasks"}
    assert folder.refs().below("refs/none/") == set()


def test_the_branch_of_a_worktree_is_in_its_head(folder: Folder) -> None:
    head = folder.put("HEAD", "ref: refs/heads/main \n")
    read = folder.refs().head
    assert read(str(folder.path)) == "refs/heads/main"
    head.write_text(f"{ONE}\n")
    assert read(str(folder.path)) is None
    head.unlink()
    assert read(str(folder.path)) is None
    head.symlink_to("refs/heads/topic")
    assert read(str(folder.path)) == "refs/heads/topic"


def test_a_trace_differs_once_a_ref_may_have_moved(folder: Folder) -> None:
    seen = {folder.refs().trace([PLAN])}
    file = folder.put(PLAN, ONE)
    seen.add(folder.refs().trace([PLAN]))
    file.write_text(f"{ONE}\n")
    seen.add(folder.refs().trace([PLAN]))
    os.utime(file, ns=(5, 5))
    seen.add(folder.refs().trace([PLAN]))
    again = file.with_name("again")
    again.write_text(f"{ONE}\n")
    os.utime(again, ns=(5, 5))
    again.rename(file)
    seen.add(folder.refs().trace([PLAN]))
    folder.packed((ONE, PLAN))
    seen.add(folder.refs().trace([PLAN]))
    assert len(seen) == 6
    assert folder.refs().trace([PLAN]) in seen
    assert folder.refs().trace([]) == folder.refs().trace(["none"])[:-1]


def test_a_name_is_said_as_it_is_stored(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk ignores case, another spelling is there as well."""
    folder.put("refs/heads/gittasks/Plan", ONE)
    folder.put("refs/heads/gittasks/zebra", ONE)
    assert folder.refs().stored_name("refs/heads/gittasks/Plan") == "refs/heads/gittasks/Plan"
    assert folder.refs().stored_name(PLAN) is None
    monkeypatch.setattr(os.path, "lexists", lambda _: True)
    assert folder.refs().stored_name(PLAN) == "refs/heads/gittasks/Plan"
    assert folder.refs().stored_name(f"{PLAN}x") == f"{PLAN}x"


# --- names in the way ----------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("other", ["refs/heads/gittasks", f"{PLAN}/x", f"{PLAN}/x/y"])
def test_a_file_in_the_place_of_a_folder_is_refused(
    folder: Folder, packed: bool, other: str
) -> None:
    if packed:
        folder.packed((ONE, "refs/heads/a"), (ONE, other), (ONE, "refs/heads/z"))
    else:
        folder.put(other, ONE)
    with pytest.raises(Refused) as caught:
        folder.refs().check_creatable(PLAN)
    error = caught.value
    name = other.removeprefix("refs/heads/")
    assert error.message == (
        f'the branch "{name}" stands in the way of "gittasks/plan": git cannot hold both'
    )
    assert error.rule == "branch-name"
    assert str(error.hint).endswith("or rename that branch")
    (way,) = error.ways
    assert way.command == ("git", "config", "gittasks.branchPrefix", "tasks-")
    assert (way.purpose, way.decision) == ("choose another prefix", True)


def test_what_is_beside_is_in_nobodys_way(folder: Folder) -> None:
    """Empty folders are cleared away."""
    folder.packed((ONE, f"{PLAN}-x"), (ONE, "refs/heads/gittasks-not"), (ONE, "refs/heads"))
    folder.put("refs/heads/gittasks/other", ONE)
    (folder.path / PLAN / "x" / "y").mkdir(parents=True)
    folder.refs().check_creatable(PLAN)
    assert not (folder.path / PLAN).exists()


# --- moving --------------------------------------------------------------------------------------


def test_a_ref_moves_from_where_it_was_expected(folder: Folder) -> None:
    moves, marks = folder.refs(), Marks()
    assert moves.move(PLAN, None, ONE, marks=marks) is True
    assert (folder.path / PLAN).read_text() == f"{ONE}\n"
    assert moves.move(PLAN, None, TWO, marks=marks) is False
    assert moves.move(PLAN, TWO, THREE, marks=marks) is False
    assert moves.move(PLAN, ONE, TWO, marks=marks) is True
    assert moves.read(PLAN) == TWO
    assert marks.notes == [ONE, "clear", TWO, "clear", THREE, "clear", TWO, "clear"]
    assert sorted(os.listdir((folder.path / PLAN).parent)) == ["plan"]
    assert moves.locks([PLAN, "x"]) == [f"{folder.path}/{PLAN}.lock", f"{folder.path}/x.lock"]


def test_the_steps_of_a_move_are_in_order(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mark before the lock, the id before the log, the log before the rename, then the sync."""
    steps: list[str] = []

    def noted(module: Any, name: str) -> None:
        real = getattr(module, name)

        def act(*args: Any, **options: Any) -> Any:
            steps.append(name)
            return real(*args, **options)

        monkeypatch.setattr(module, name, act)

    class Noting(Marks):
        def mark(self, commit: str) -> None:
            assert not os.path.lexists(f"{folder.path}/{PLAN}.lock")
            steps.append("mark")

        def clear(self) -> None:
            steps.append("clear")

    for module, name in (
        (refs, "_open_lock"),
        (refs, "_write_id"),
        (refs, "sync_before"),
        (disk, "append"),
        (platform, "replace"),
        (refs, "sync_move"),
    ):
        noted(module, name)
    reason = Reason(Signature("Ada <a@b>", 5), "why")
    assert folder.refs().move(PLAN, None, ONE, marks=Noting(), reason=reason)
    assert steps == [
        "_open_lock",
        "mark",
        "_write_id",
        "sync_before",
        "append",
        "replace",
        "clear",
        "sync_move",
    ]
    steps.clear()
    assert not folder.refs().move(PLAN, None, TWO, marks=Noting(), reason=reason)
    assert steps == ["_open_lock", "mark", "clear"]
    steps.clear()
    assert folder.refs(durable=False).move(PLAN, ONE, TWO)
    assert "sync_move" not in steps


def test_what_is_synced_with_a_move(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock and the folders of objects before; the ref's folder, and its new ones, after."""
    synced: list[tuple[list[object], list[object]]] = []

    def sync(items: list[object], *, full: list[object]) -> None:
        synced.append(([i for i in items if isinstance(i, str)], [*full]))

    monkeypatch.setattr(disk, "sync_all", sync)
    assert folder.refs().move(PLAN, None, ONE, folders=["/objects"])
    (before, handle), (after, full) = synced
    assert before == ["/objects"]
    assert len(handle) == 1
    heads = str(folder.path / "refs" / "heads")
    assert after == full == [f"{heads}/gittasks", heads]
    synced.clear()
    assert folder.refs(durable=False).move(PLAN, ONE, TWO, folders=["/objects"])
    assert synced == [(["/objects"], [])]


def test_a_folder_that_cannot_be_synced_after_the_move_says_that_it_has_moved(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        if (folder.path / PLAN).exists():
            raise error

    error: OSError = FileNotFoundError(errno.ENOENT, "gone", "/x")
    monkeypatch.setattr(disk, "sync_all", fail)
    assert folder.refs().move(PLAN, None, ONE), "packed meanwhile, and synced by git"
    error = OSError(errno.EIO, "Input/output error", "/x")
    with pytest.raises(Unsynced) as caught:
        refs.sync_move(["/x"])
    hint = str(caught.value.hint)
    assert "the change is in the history, but a power cut may undo it" in hint
    assert caught.value.commands == (("gittasks", "log", "-n", "1"),)
    assert caught.value.where == "/x"


def test_a_lock_of_another_is_waited_for(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = folder.put(f"{PLAN}.lock", "")
    waits: list[int] = []

    def wait(_: Backoff, attempt: int) -> None:
        waits.append(attempt)
        if len(waits) == 3:
            lock.unlink()

    monkeypatch.setattr(Backoff, "wait", wait)
    marks = Marks()
    assert folder.refs().move(PLAN, None, ONE, marks=marks)
    assert waits == [0, 1, 2]
    assert marks.notes == [ONE, "clear"]
    lock.touch()
    now = time.time()
    os.utime(lock, (now - 7, now - 7))
    monkeypatch.setattr(time, "time", lambda: now)
    monkeypatch.setattr(refs, "_LOCK_PATIENCE", -1.0)
    with pytest.raises(Busy) as caught:
        folder.refs().move(PLAN, ONE, TWO, marks=marks)
    error = caught.value
    assert error.message == "gittasks/plan is locked by another program, for 7 seconds now"
    assert error.where == str(lock)
    assert error.hint == (
        "wait and run this again; if no git is running here, that lock file is a leftover, and "
        "can be removed"
    )
    assert marks.notes == [ONE, "clear"], "no mark for what is not made"
    assert lock.exists()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("refs/heads/x/plan.lock", "x/plan"),
        ("refs/remotes/o/x.lock", "remotes/o/x"),
        ("reftable/tables.list.lock", "the reftable"),
    ],
)
def test_who_has_a_lock_open_is_named(tmp_path: Path, path: str, name: str) -> None:
    lock = tmp_path / path
    lock.parent.mkdir(parents=True)
    with open(lock, "x", encoding="ascii"):
        error = refs.still_locked(str(lock))
    assert error.message.startswith(f"{name} is locked by process {os.getpid()} (")
    assert error.hint == "wait and run this again"
    lock.unlink()
    gone = refs.still_locked(str(lock))
    assert gone.message == f"{name} is locked by another program"


@pytest.mark.parametrize("error", [FileNotFoundError, IsADirectoryError])
def test_a_folder_that_vanishes_is_made_again(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, error: type[OSError]
) -> None:
    """Twenty times at most."""
    real, failures = refs._swap, [0]

    def swap(*args: Any, **options: Any) -> bool:
        if failures[0]:
            failures[0] -= 1
            raise error
        return real(*args, **options)

    monkeypatch.setattr(refs, "_swap", swap)
    failures[0] = 20
    assert folder.refs().move(PLAN, None, ONE)
    failures[0] = 21
    with pytest.raises(error):
        folder.refs().move(PLAN, ONE, TWO)


def test_a_rename_that_failed_leaves_the_ref_and_no_lock(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose answer was lost is done."""
    real, marks = platform.replace, Marks()

    def failing(source: str, target: str) -> None:
        if lost:
            real(source, target)
        raise OSError(errno.EIO, "x")

    monkeypatch.setattr(platform, "replace", failing)
    lost = False
    with pytest.raises(OSError, match="x"):
        folder.refs().move(PLAN, None, ONE, marks=marks)
    assert marks.notes == [ONE, "clear"]
    assert not (folder.path / f"{PLAN}.lock").exists()
    assert folder.refs().read(PLAN) is None
    lost = True
    assert folder.refs().move(PLAN, None, ONE, marks=marks)
    assert folder.refs().move(PLAN, ONE, TWO)
    assert folder.refs().read(PLAN) == TWO


def test_a_rename_whose_outcome_cannot_be_read_is_told_by_its_lock(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(source: str, _: str) -> None:
        if gone:
            os.unlink(source)
        raise OSError(errno.EIO, "x")

    monkeypatch.setattr(platform, "replace", fail)
    lock = folder.put(f"{PLAN}.lock", ONE)
    folder.put(PLAN, "damaged")
    gone = False
    with pytest.raises(OSError, match="x"):
        refs._rename(str(folder.path), PLAN, ONE, str(lock))
    gone = True
    assert refs._rename(str(folder.path), PLAN, ONE, str(lock)) is True


def test_only_our_own_lock_is_taken_away(tmp_path: Path) -> None:
    lock = tmp_path / "x.lock"
    lock.touch()
    inode = lock.stat().st_ino
    assert refs._unlock(str(lock), inode + 1) is True
    assert lock.exists()
    assert refs._unlock(str(lock), inode) is True
    assert not lock.exists()
    assert refs._unlock(str(lock), inode) is True
    lock.touch()
    assert refs._unlock(str(lock), 0) is True
    assert not lock.exists()
    lock.mkdir()
    assert refs._unlock(str(lock), 0) is False


def test_a_lock_whose_making_was_answered_wrongly_stays_marked(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network disk may have made it: then the mark tells whose it is."""
    (folder.path / PLAN).parent.mkdir(parents=True)
    lock = f"{folder.path}/{PLAN}.lock"
    real = os.open

    def answering(number: int, made: bool) -> Any:
        def open_(path: str, *words: int) -> int:
            if path == lock:
                if made:
                    os.close(real(path, *words))
                raise OSError(number, "x", path)
            return real(path, *words)

        return open_

    for number, made, notes in (
        (errno.EIO, True, [ONE]),
        (errno.EIO, False, [ONE, "clear"]),
        (errno.EEXIST, False, [ONE, "clear"]),
    ):
        marks = Marks()
        with monkeypatch.context() as patch:
            patch.setattr(os, "open", answering(number, made))
            with pytest.raises(OSError, match="x"):
                refs._open_lock(lock, ONE, marks)
        assert marks.notes == notes
        Path(lock).unlink(missing_ok=True)


def test_a_full_disk_writes_no_half_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for written, fits in ((41, True), (40, False), (0, False)):
        monkeypatch.setattr(os, "write", lambda _, __, written=written: written)
        if fits:
            refs._write_id(3, ONE)
        else:
            with pytest.raises(OSError, match="No space left") as caught:
                refs._write_id(3, ONE)
            assert caught.value.errno == errno.ENOSPC


# --- logs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "written"),
    [(0, "+0000"), (59, "+0059"), (90, "+0130"), (-1, "-0001"), (-210, "-0330"), (840, "+1400")],
)
def test_a_move_is_logged_as_git_does(folder: Folder, zone: int, written: str) -> None:
    reason = Reason(Signature("Ada <a@b>", 1_800_000_000, zone), "gittasks: why")
    for old, new in ((None, ONE), (ONE, TWO)):
        assert folder.refs().move(PLAN, old, new, reason=reason)
    log = folder.path / "logs" / PLAN
    end = f"Ada <a@b> 1800000000 {written}\tgittasks: why"
    assert log.read_text().splitlines() == [f"{'0' * 40} {ONE} {end}", f"{ONE} {TWO} {end}"]
    first, second = Logged("0" * 40, ONE, "gittasks: why"), Logged(ONE, TWO, "gittasks: why")
    assert folder.refs().last_moves(PLAN, 1) == [second]
    assert folder.refs().last_moves(PLAN, 2) == [second, first]
    assert folder.refs().last_moves(PLAN, 3) == [second, first]
    assert folder.refs().last_moves("refs/none", 3) == []
    assert folder.refs().moved_at(PLAN) == log.stat().st_mtime_ns
    assert folder.refs().moved_at("refs/none") is None


def test_a_log_is_begun_where_that_is_wanted_and_goes_on_where_there_is_one(
    folder: Folder,
) -> None:
    log, who = folder.path / "logs" / PLAN, Signature("Ada <a@b>", 5)
    assert folder.refs(logs=False).move(PLAN, None, ONE, reason=Reason(who, "one"))
    assert not log.exists()
    assert folder.refs().move(PLAN, ONE, TWO)
    assert not log.exists(), "without a reason there is nothing to say"
    shared = Sharing(0o660)
    assert folder.refs(shared=shared).move(PLAN, TWO, ONE, reason=Reason(who, "two"))
    assert folder.refs(logs=False).move(PLAN, ONE, TWO, reason=Reason(who, "three"))
    assert [line.partition("\t")[2] for line in log.read_text().splitlines()] == ["two", "three"]
    fresh = "refs/heads/fresh"
    assert folder.refs(shared=shared).move(fresh, None, ONE, reason=Reason(who, "x"))
    assert (folder.path / "logs" / fresh).stat().st_mode & 0o060 == 0o060
    blocked = "refs/heads/blocked"
    (folder.path / "logs" / blocked).mkdir()
    assert folder.refs().move(blocked, None, ONE, reason=Reason(who, "x"))
    assert folder.refs().read(blocked) == ONE


def test_the_last_action_of_a_worktree_is_in_its_log(folder: Folder) -> None:
    assert folder.refs().last_action(str(folder.path)) == ""
    lines = [f"{ONE} {TWO} A <a> 1 +0000\t{number}: {'x' * 100}" for number in range(100)]
    folder.put("logs/HEAD", "\n".join([*lines, f"{ONE} {TWO} A <a> 2 +0000\tcommit (amend): y\n"]))
    assert folder.refs().last_action(str(folder.path)) == "commit (amend): y"
    assert len(refs._log_end(str(folder.path / "logs" / "HEAD"))) < 60


# --- refs of ours --------------------------------------------------------------------------------


def test_refs_of_ours_are_put_from_a_draft_elsewhere(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a killed writer leaves among the refs, git takes for one."""
    drafts: list[str] = []
    real = platform.replace

    def replace(source: str, target: str) -> None:
        drafts.append(source)
        real(source, target)

    (folder.path / "gittasks").mkdir()
    monkeypatch.setattr(platform, "replace", replace)
    folder.refs().put({"refs/gittasks/a": ONE, "refs/gittasks/b": TWO})
    assert folder.refs().read("refs/gittasks/a") == ONE
    assert (folder.path / "refs/gittasks/b").read_text() == f"{TWO}\n"
    assert len(drafts) == 2
    assert all(draft.startswith(f"{folder.path}/gittasks/ref~") for draft in drafts)


def test_what_is_removed_is_said_to_git_line_by_line() -> None:
    names = ["refs/gittasks/a", "refs/gittasks/b"]
    assert refs.deletions(names, {"refs/gittasks/b": ONE}) == [
        "delete refs/gittasks/a",
        f"delete refs/gittasks/b {ONE}",
    ]
    assert refs.deletions([], {}) == []
