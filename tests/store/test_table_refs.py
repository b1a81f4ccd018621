"""Refs in a reftable beside a git that is played: what it is asked, and what its answers mean."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.marks import Marks

from gittasks.errors import Busy, DiskFailure, InvalidData, Refused
from gittasks.store import git, lock_files, reftable
from gittasks.store.commits import Signature
from gittasks.store.discovery import GitDir
from gittasks.store.disk import PRIVATE
from gittasks.store.git import Completed
from gittasks.store.refs import Logged, Reason
from gittasks.store.reftable import TableRefs

PREFIX = "refs/heads/gittasks/"
PLAN = f"{PREFIX}plan"
ONE, TWO, THREE = (digit * 40 for digit in "123")
DONE = Completed(0, b"start: ok\nprepare: ok\ncommit: ok\n", b"")


class Call(NamedTuple):
    args: list[str]
    stdin: str
    env: dict[str, str]
    cwd: str


class Played:
    """A git whose refs are a mapping, and that moves them as it is told to."""

    def __init__(self, folder: Path) -> None:
        self.common = str(folder / "git")
        self.refs: dict[str, str] = {}
        self.head: str | None = "refs/heads/main"
        self.symbolic: dict[str, str] = {}
        self.calls: list[Call] = []
        self.answers: list[Completed | Callable[[], Completed]] = []
        """The next answers to `update-ref`; without one it is done."""
        self.reads: list[Completed | Callable[[], Completed]] = []
        """The same for all else."""
        self.number = 1
        Path(self.common, "reftable").mkdir(parents=True)
        self.write()

    def write(self, *, first: int = 1) -> None:
        """A stack of one table."""
        name = f"0x{first:012x}-0x{self.number:012x}-{self.number:08x}.ref"
        Path(self.common, "reftable", name).write_text("x")
        Path(self.common, "reftable", "tables.list").write_text(f"{name}\n")

    def run(
        self, args: Sequence[str], *, cwd: str, env: Mapping[str, str], **options: Any
    ) -> Completed:
        stdin = options.get("stdin", b"").decode()
        self.calls.append(Call([*args], stdin, dict(env), cwd))
        if "update-ref" in args:
            answer = self.answers.pop(0) if self.answers else self.move
        elif self.reads:
            answer = self.reads.pop(0)
        else:
            answer = self.read
        return answer() if callable(answer) else answer

    def move(self) -> Completed:
        for words in (line.split() for line in self.calls[-1].stdin.splitlines()):
            if words[0] == "update":
                self.refs[words[1]] = words[2]
        self.number += 1
        self.write()
        return DONE

    def read(self) -> Completed:
        args = self.calls[-1].args
        if "symbolic-ref" in args:
            return Completed(0 if self.head else 1, f"{self.head}\n".encode(), b"")
        lines = [f"{v} {n} {self.symbolic.get(n, '')}\n" for n, v in self.refs.items()]
        if "HEAD" in args and self.head in self.refs:
            lines.append(f"{self.refs[self.head]} HEAD {self.head}\n")
        return Completed(0, "".join(lines).encode(), b"")

    def table(self, prefix: str = PREFIX, path: str = "", **env: str) -> TableRefs:
        """The refs as a new process opens them."""
        place = GitDir(path or self.common, self.common, None)
        cache = os.path.join(self.common, "cache")
        return TableRefs(place, self.common, env, PRIVATE, prefix, cache)

    def asked(self) -> list[str]:
        """The commands of git since the last look."""
        names = {"for-each-ref", "update-ref", "symbolic-ref", "log", "merge-base", "version"}
        asked = [next(word for word in call.args if word in names) for call in self.calls]
        self.calls.clear()
        return asked


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    played = Played(tmp_path)
    monkeypatch.setattr(git, "run", played.run)
    return played


# --- reading -------------------------------------------------------------------------------------


def test_what_lists_need_is_asked_once_for_one_state_of_the_table(played: Played) -> None:
    """By any process, until the table is another; what is of no list is asked each time."""
    origin = "refs/remotes/origin/gittasks/plan"
    played.refs |= {PLAN: ONE, origin: TWO, "refs/gittasks/x": ONE, "refs/heads/main": THREE}
    table = played.table()
    assert [table.read(name) for name in (PLAN, origin, "refs/gittasks/x")] == [ONE, TWO, ONE]
    assert played.asked() == ["for-each-ref"]
    assert table.read(f"{PREFIX}none") is None
    other = played.table()
    assert other.read(PLAN) == ONE
    assert played.asked() == []
    assert other.read("refs/heads/main") == THREE
    assert other.read("refs/remotes/origin/main") is None
    assert played.asked() == ["for-each-ref"] * 2
    played.refs[PLAN] = THREE
    assert other.read(PLAN) == ONE
    played.number += 1
    played.write()
    assert other.read(PLAN) == THREE
    assert played.asked() == ["for-each-ref"]
    assert other.trace([PLAN]) == other.trace([]) != played.table().trace([])[:0]
    assert other.trace([])[0] == Path(played.common, "reftable", "tables.list").read_text()


@pytest.mark.parametrize("damage", [b"x", b"[]", b'["a",1]', b'["p","t",{},{"x":1},false]'])
def test_what_is_kept_of_another_form_or_prefix_is_none(played: Played, damage: bytes) -> None:
    played.refs |= {PLAN: ONE, "refs/heads/main": TWO}
    played.table().read(PLAN)
    played.asked()
    assert played.table("refs/heads/other/").read("refs/heads/other/plan") is None
    assert played.asked() == ["for-each-ref"]
    reftable._FILE.write(os.path.join(played.common, "cache"), damage, PRIVATE)
    assert played.table().read(PLAN) == ONE
    assert played.asked() == ["for-each-ref"]


def test_those_of_a_prefix_come_in_order(played: Played) -> None:
    names = [f"{PREFIX}b", f"{PREFIX}a", "refs/heads/gitt", "refs/remotes/o/gittasks/a"]
    played.refs |= dict.fromkeys(names, ONE)
    table = played.table()
    assert [*table.listed(PREFIX)] == [(f"{PREFIX}a", ONE), (f"{PREFIX}b", ONE)]
    assert [*table.listed("refs/heads/g")] == [(n, ONE) for n in sorted(names[:3])]
    assert table.below("refs/remotes/o/") == {"gittasks"}
    assert table.below(PREFIX) == {"a", "b"}


def test_a_name_is_known_as_it_is_stored_where_the_disk_ignores_case(played: Played) -> None:
    played.refs[PLAN] = ONE
    table = played.table()
    assert table.stored_name(PLAN) == PLAN
    assert table.stored_name(f"{PREFIX}Plan") is None
    Path(played.common, "REFTABLE").touch()
    assert table.stored_name(f"{PREFIX}Plan") == PLAN
    assert table.stored_name(f"{PREFIX}Other") is None


def test_the_branch_of_each_worktree_is_kept_with_its_own_table(played: Played) -> None:
    played.refs |= {PLAN: ONE, "refs/heads/main": TWO}
    tree = Path(played.common, "worktrees", "tree")
    (tree / "reftable").mkdir(parents=True)
    table = played.table()
    assert table.head(played.common) == "refs/heads/main"
    assert played.asked() == ["for-each-ref"]
    played.head = "refs/heads/topic"
    assert table.head(str(tree)) == "refs/heads/topic"
    assert played.asked() == ["symbolic-ref"]
    assert [table.head(str(tree)), table.head(played.common)] == [played.head, "refs/heads/main"]
    assert played.table().head(str(tree)) == "refs/heads/topic"
    assert played.asked() == []
    (tree / "reftable" / "tables.list").write_text("x\n")
    played.head = None
    assert table.head(str(tree)) is None
    assert played.calls[-1].args[0] == f"--git-dir={tree}"
    assert played.asked() == ["symbolic-ref"]


def test_a_branch_that_is_yet_to_be_born_is_asked_for(played: Played) -> None:
    """for-each-ref does not list a HEAD that holds no commit."""
    assert played.table().head(played.common) == "refs/heads/main"
    assert played.asked() == ["for-each-ref", "symbolic-ref"]


def test_what_moves_while_it_is_read_is_not_kept(played: Played) -> None:
    """Three looks, and what the last one saw is used once."""
    played.refs |= {PLAN: ONE, "refs/heads/main": TWO}

    def moving() -> Completed:
        answer = played.read()
        played.number += 1
        played.write()
        return answer

    played.reads += [moving] * 3
    table = played.table()
    assert table.read(PLAN) == ONE
    assert played.asked() == ["for-each-ref"] * 3
    assert table.read(PLAN) == ONE
    assert played.asked() == ["for-each-ref"]
    assert table.read(PLAN) == ONE
    assert played.asked() == []


def test_a_table_that_is_lost_or_empty_is_damage(played: Played) -> None:
    """git reads it as a stack without refs; one that was replaced meanwhile is read anew."""
    played.refs |= {PLAN: ONE, "refs/heads/main": TWO}
    folder = Path(played.common, "reftable")
    name = (folder / "tables.list").read_text().strip()
    (folder / name).write_text("")
    for _ in range(2):
        with pytest.raises(InvalidData) as caught:
            played.table().read(PLAN)
        error = caught.value
        assert error.message == "the reftable is damaged: a table of it is missing or empty"
        assert error.where == str(folder / name)
        assert error.hint == "see what git says with: git refs verify"
        (folder / name).unlink(missing_ok=True)


# --- what git says -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stderr", "hint"),
    [
        (b"fatal: broken table", "see what git says with: git refs verify"),
        (b"fatal: unknown extension: RefStorage", "its refs are in a reftable, which needs git "),
    ],
)
def test_a_git_that_fails_is_quoted_with_a_way_out(
    played: Played, stderr: bytes, hint: str
) -> None:
    played.reads.append(Completed(128, b"", stderr))
    with pytest.raises(DiskFailure) as caught:
        played.table().read(PLAN)
    error = caught.value
    words = stderr.decode().removeprefix("fatal: ")
    assert error.message == f"git cannot read or write the reftable: {words}"
    assert error.where == os.path.join(played.common, "reftable")
    assert str(error.hint).startswith(hint)


@pytest.mark.parametrize(
    ("zone", "written"),
    [(0, "+0000"), (1, "+0001"), (90, "+0130"), (-1, "-0001"), (-210, "-0330"), (840, "+1400")],
)
def test_the_reflog_has_who_moved_it_when_and_why(played: Played, zone: int, written: str) -> None:
    who = Signature("Ada Lo <ada@example.com>", 1_800_000_000, zone)
    table = played.table(GIT_COMMITTER_NAME="x", OTHER="y")
    assert table.move(PLAN, None, ONE, reason=Reason(who, "gittasks: because"))
    (call,) = [c for c in played.calls if "update-ref" in c.args]
    assert call.args[-4:] == ["update-ref", "-m", "gittasks: because", "--stdin"]
    assert {k: v for k, v in call.env.items() if k.startswith("GIT_COMMITTER")} == {
        "GIT_COMMITTER_NAME": "Ada Lo",
        "GIT_COMMITTER_EMAIL": "ada@example.com",
        "GIT_COMMITTER_DATE": f"@1800000000 {written}",
    }
    assert call.env["OTHER"] == "y"
    assert "core.fsync=reference" in call.args
    assert f"core.hooksPath={os.devnull}" in call.args


def test_the_last_moves_are_those_of_the_log(played: Played) -> None:
    """The id before is that of the line below; git is asked for one line more."""
    log = f"{THREE} gittasks: three\n{TWO} two\n{ONE} one\n".encode()
    moves = [Logged(TWO, THREE, "gittasks: three"), Logged(ONE, TWO, "two"), Logged("", ONE, "one")]
    for count in (1, 2, 3, 4):
        lines = log.splitlines(keepends=True)[: count + 1]
        played.reads.append(Completed(0, b"".join(lines), b""))
        assert played.table().last_moves(PLAN, count) == moves[:count]
        assert f"-n{count + 1}" in played.calls[-1].args
        assert played.calls[-1].args[-2:] == [PLAN, "--"]
    played.reads.append(Completed(128, b"", b"no log"))
    assert played.table().last_moves(PLAN, 2) == []
    played.reads.append(Completed(0, b"commit (amend): x\n", b""))
    assert played.table().last_action("/x") == "commit (amend): x"
    assert played.calls[-1].args[0] == "--git-dir=/x"


@pytest.mark.parametrize(
    ("tables", "number"),
    [
        ("", 0),
        ("0x000000000001-0x00000000000a-f00.ref\n", 10),
        ("0x000000000001-0x00000000000a-f00.ref\n0x00000000000b-0x00000000000b-f01.ref\n", 11),
        ("0x00000000000b-0x00000000000b-f01.ref\n0x000000000001-0x00000000000a-f00.ref\n", 11),
        ("other\n", 0),
        ("a-xyz-b\n", -2),
    ],
)
def test_a_stack_tells_the_number_of_its_last_move(tables: str, number: int) -> None:
    assert reftable._last_number(tables) == number


# --- moving --------------------------------------------------------------------------------------


def test_a_move_is_one_transaction_and_is_known_afterwards(played: Played) -> None:
    played.refs |= {PLAN: ONE, "refs/heads/main": TWO}
    table, marks = played.table(), Marks()
    assert table.read(PLAN) == ONE
    played.asked()
    along = {"refs/gittasks/x": TWO, "refs/other": TWO}
    assert table.move(PLAN, ONE, TWO, marks=marks, along=along) is True
    orders = played.calls[-1].stdin
    assert orders == (
        f"start\nupdate {PLAN} {TWO} {ONE}\nupdate refs/gittasks/x {TWO}\n"
        f"update refs/other {TWO}\nprepare\ncommit\n"
    )
    assert marks.notes == [TWO, "clear"]
    assert played.asked() == ["update-ref"]
    for opened in (table, played.table()):
        assert [opened.read(PLAN), opened.read("refs/gittasks/x")] == [TWO, TWO]
        assert opened.head(played.common) == "refs/heads/main"
    assert played.asked() == []


def test_a_new_ref_is_made_only_where_there_is_none(played: Played) -> None:
    assert played.table().move(PLAN, None, ONE)
    assert f"update {PLAN} {ONE} {'0' * 40}\n" in played.calls[-1].stdin


@pytest.mark.parametrize("case", ["symbolic", "beside"])
def test_what_another_may_have_moved_is_asked_for(played: Played, case: str) -> None:
    """A move of a symbolic ref moves another; a number too high is somebody else's move."""
    played.refs[PLAN] = ONE
    if case == "symbolic":
        played.symbolic[PLAN] = "refs/heads/x"
    table = played.table()
    table.read(PLAN)

    def beside() -> Completed:
        played.number += case == "beside"
        return played.move()

    played.answers.append(beside)
    assert table.move(PLAN, ONE, TWO)
    played.asked()
    played.refs[PLAN] = THREE
    assert table.read(PLAN) == THREE
    assert "for-each-ref" in played.asked()


def test_a_lost_race_is_no_error(played: Played) -> None:
    def beaten() -> Completed:
        played.refs[PLAN] = THREE
        played.number += 1
        played.write()
        return Completed(128, b"start: ok\n", b"fatal: cannot lock ref: is at 3 but expected 1")

    played.refs[PLAN] = ONE
    marks, table = Marks(), played.table()
    played.answers.append(beaten)
    assert table.move(PLAN, ONE, TWO, marks=marks) is False
    assert marks.notes == [TWO, "clear"]


def test_a_commit_that_a_prune_took_is_written_again(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As often as it may; without a way to do so it is an error."""
    gone = Completed(128, b"", b"fatal: trying to write ref with nonexistent object 2")
    monkeypatch.setattr(reftable, "_RESTORATIONS", 2)
    played.refs[PLAN] = ONE
    restored: list[int] = []
    for count, result in ((1, True), (2, True), (3, None)):
        played.answers[:] = [gone] * count
        restored.clear()
        if result:
            assert played.table().move(PLAN, ONE, TWO, restore=lambda: restored.append(1))
            played.refs[PLAN] = ONE
            played.number += 1
            played.write()
            assert len(restored) == count
        else:
            with pytest.raises(DiskFailure, match="nonexistent object"):
                played.table().move(PLAN, ONE, TWO, restore=lambda: restored.append(1))
            assert len(restored) == 2
    played.answers[:] = [gone]
    with pytest.raises(DiskFailure, match="nonexistent object"):
        played.table().move(PLAN, ONE, TWO)


def test_what_goes_along_does_not_stop_the_move(played: Played) -> None:
    played.refs[PLAN] = ONE
    played.answers[:] = [Completed(128, b"", b"fatal: refs/gittasks/x: in the way")]
    assert played.table().move(PLAN, ONE, TWO, along={"refs/gittasks/x": TWO})
    assert "refs/gittasks/x" not in played.calls[-1].stdin
    assert f"update {PLAN} {TWO} {ONE}" in played.calls[-1].stdin
    assert played.table().read("refs/gittasks/x") is None


@pytest.mark.parametrize(
    ("words", "locked"),
    [
        (b"fatal: cannot lock references: x", True),
        (b"error: reftable: transaction prepare: data is locked", True),
        (b"fatal: Unable to create tables.list.lock: File exists", True),
        (b"fatal: disk full", False),
    ],
)
def test_a_lock_is_waited_for_and_anything_else_told(
    played: Played, monkeypatch: pytest.MonkeyPatch, words: bytes, locked: bool
) -> None:
    waits: list[int] = []
    now = [0.0]

    class Backoff:
        def wait(self, attempt: int) -> None:
            waits.append(attempt)
            now[0] += 4

    monkeypatch.setattr(reftable, "_BACKOFF", Backoff())
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    played.refs[PLAN] = ONE
    lock = Path(played.common, "reftable", "tables.list.lock")
    lock.touch()
    played.answers[:] = [Completed(128, b"", words)] * 9
    table = played.table()
    with pytest.raises(Busy if locked else DiskFailure) as caught:
        table.move(PLAN, ONE, TWO)
    assert waits == ([0, 1, 2] if locked else [])
    if locked:
        assert caught.value.where == str(lock)
        with pytest.raises(Busy):
            table.move(PLAN, ONE, TWO)
        assert waits == [0, 1, 2], "nobody waits twice for one lock"
    assert table.locks([PLAN]) == [str(lock)]
    assert table.own_lock(PLAN) is None


@pytest.mark.parametrize(
    ("now", "moved"), [(ONE, False), (TWO, True), (THREE, True), (None, False)]
)
def test_of_a_git_that_was_killed_the_refs_tell(
    played: Played, now: str | None, moved: bool
) -> None:
    """It may have moved the ref before; then others may have gone on from there."""
    killed = Completed(-9, b"start: ok\n", b"")
    played.refs |= {PLAN: ONE} if now else {}
    table = played.table()
    assert table._has_moved(killed, PLAN, ONE, TWO) is False
    played.refs |= {PLAN: now} if now else {}
    played.number += 1
    played.write()
    played.reads[:] = [played.read] if played.refs else []
    assert table._has_moved(killed, PLAN, ONE, TWO) is moved
    played.calls.clear()
    assert table._has_moved(killed._replace(returncode=1), PLAN, ONE, TWO) is False
    assert table._has_moved(DONE, PLAN, ONE, TWO) is True
    assert played.calls == []


@pytest.mark.parametrize("other", ["refs/heads/gittasks", f"{PLAN}/below"])
def test_another_name_in_the_way_is_refused(played: Played, other: str) -> None:
    played.refs |= {other: ONE, "refs/heads/gittasks-not": ONE}
    with pytest.raises(Refused) as caught:
        played.table().check_creatable(PLAN)
    assert caught.value.rule == "branch-name"
    assert f'"{other.removeprefix("refs/heads/")}"' in caught.value.message
    assert played.calls[-1].args[-1] == "refs/heads/gittasks"
    played.refs.pop(other)
    played.table().check_creatable(PLAN)


def test_refs_of_ours_are_set_where_they_are_others_and_removed_at_what_they_are(
    played: Played,
) -> None:
    played.refs |= {PLAN: ONE, "refs/gittasks/a": ONE, "refs/gittasks/b": ONE}
    table = played.table()
    table.put({"refs/gittasks/a": ONE})
    assert played.asked() == ["for-each-ref", "symbolic-ref"]
    table.put({"refs/gittasks/a": ONE, "refs/gittasks/b": TWO})
    assert played.calls[-1].stdin == f"start\nupdate refs/gittasks/b {TWO}\nprepare\ncommit\n"
    played.asked()
    assert table.read("refs/gittasks/b") == TWO
    assert played.asked() == []
    table.remove(["refs/gittasks/a", "refs/gittasks/b"], {"refs/gittasks/b": TWO})
    assert "delete refs/gittasks/a\ndelete refs/gittasks/b 2222" in played.calls[-1].stdin
    played.asked()
    table.remove([])
    assert played.asked() == []


def test_a_move_of_ours_is_dated_by_its_mark(played: Played) -> None:
    table = played.table()
    assert table.moved_at(PLAN) is None
    path = Path(lock_files.path_of(played.common, PLAN))
    path.parent.mkdir(parents=True)
    path.touch()
    os.utime(path, ns=(5, 7))
    assert table.moved_at(PLAN) == 7


def test_a_git_that_a_signal_ended_is_tried_again_and_leaves_its_note(played: Played) -> None:
    """The locks that it names are leftovers then, and are cleared on the way to the next try."""
    lock = Path(played.common, "reftable", "tables.list.lock")

    def killed() -> Completed:
        lock.touch()
        os.utime(lock, (time.time() - 2, time.time() - 2))
        return Completed(-9, b"start: ok\n", b"")

    played.refs |= {PLAN: ONE, "refs/heads/main": TWO}
    played.answers[:] = [killed]
    assert played.table().move(PLAN, ONE, TWO)
    assert not lock.exists()
    assert played.refs[PLAN] == TWO
    running = Path(played.common, "gittasks", "running")
    assert os.listdir(running) == []
    assert reftable._state(str(lock)) is None
