"""`undo` and `log`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import clones
from support.repositories import Repo

OPERATIONS: list[tuple[str, ...]] = [
    ("create", "New", "--blocked-by", "a", "--blocks", "c"),
    ("create", "Loop", "--iterations", "3"),
    ("update", "b", "--subject", "Other", "--metadata", "k=v", "--phase", "2"),
    ("update", "b", "--add-blocked-by", "a", "--order", "0.5"),
    ("update", "b", "--status", "in_progress", "--owner", "eve"),
    ("note", "b", "A note"),
    ("delete", "b"),
    ("start", "b"),
    ("done", "b", "--result", "PASS"),
    ("done", "b", "--next"),
    ("skip", "b"),
]


@pytest.mark.parametrize("args", OPERATIONS, ids=" ".join)
def test_undo_restores_the_bytes(listed: Repo, args: tuple[str, ...]) -> None:
    """After undo the tree of the list is what it was, byte for byte, by one new commit."""
    tree = listed.git("rev-parse", "gittasks/plan^{tree}")
    listed.ok(*args)
    assert listed.git("rev-parse", "gittasks/plan^{tree}") != tree
    done = listed.ok("undo")
    assert done.out.startswith(f"undid {listed.git('rev-parse', 'gittasks/plan~1')[:7]}: plan: ")
    assert listed.git("rev-parse", "gittasks/plan^{tree}") == tree
    listed.fsck()


def test_undo_of_batch_and_plan(listed: Repo) -> None:
    """A batch and a plan are one operation each."""
    tree = listed.git("rev-parse", "gittasks/plan^{tree}")
    listed.ok("batch", stdin='{"op": "start", "id": "a"}\n{"op": "create", "subject": "x"}\n')
    batch = listed.head()
    batch = listed.head()
    listed.ok("apply", "-", stdin="# Title\n- [ ] One\n- [ ] Two\n")
    assert listed.ok("undo", "--json").json()["removed"]
    listed.ok("undo", batch)
    assert listed.git("rev-parse", "gittasks/plan^{tree}") == tree


def test_an_undo_that_is_repeated_takes_back_one_operation(listed: Repo) -> None:
    """It changes nothing and names the commit of the operation before, which can be given."""
    listed.ok("start", "a")
    started = listed.head()
    listed.ok("note", "a", "Hello")
    assert "note: Hello" in listed.ok("undo").out
    head = listed.head()
    again = listed.ok("undo", "--json").json()
    assert listed.head() == head
    assert (again["changed"], again["undone"], again["commit"]) == (False, None, None)
    assert again["next"]["commit"] == started
    assert f"gittasks undo {started[:10]}" in listed.ok("undo").out
    assert "pending → in_progress" in listed.ok("undo", started[:10]).out
    assert listed.ok("undo", started, "--json").json()["changed"] is False
    assert listed.tasks()["a"]["status"] == "pending"


def test_there_may_be_nothing_to_undo_or_redo(listed: Repo) -> None:
    """Exit code 3 for who has done nothing here."""
    for command in ("undo", "redo"):
        done = listed.run(command, env={"GITTASKS_OWNER": "eve"})
        assert (done.code, done.out) == (3, "")
        assert f"no operation of eve to {command}" in done.err


def test_redo_takes_back_the_undo_and_undo_the_redo(listed: Repo) -> None:
    """Both may be repeated: a second redo changes nothing, as a second undo."""
    before = listed.git("rev-parse", "gittasks/plan^{tree}")
    listed.ok("note", "a", "Hello")
    noted = listed.git("rev-parse", "gittasks/plan^{tree}")
    for _ in range(2):
        listed.ok("undo")
        listed.ok("undo")
        assert listed.git("rev-parse", "gittasks/plan^{tree}") == before
        listed.ok("redo")
        head = listed.head()
        assert listed.ok("redo", "--json").json()["changed"] is False
        assert "nothing to redo" in listed.ok("redo").out
        assert listed.head() == head
        assert listed.git("rev-parse", "gittasks/plan^{tree}") == noted


def test_a_dry_run_of_undo_writes_nothing(listed: Repo) -> None:
    """It tells what would be taken back, or why not."""
    listed.ok("start", "a")
    head = listed.head()
    answer = listed.ok("undo", "--dry-run", "--json").json()
    assert (answer["dryRun"], answer["changed"], answer["undone"]["commit"]) == (True, False, head)
    assert answer["tasks"][0]["status"] == "pending"
    assert listed.head() == head
    assert "would undo" in listed.ok("undo", "--dry-run").out


def test_a_commit_to_undo_has_to_be_an_operation_of_mine(listed: Repo) -> None:
    """Of another session, but not of another owner, nor the root or what is no commit."""
    listed.ok("start", "a", env={"GITTASKS_SESSION": "s-1"})
    mine = listed.head()
    listed.ok("start", "b", env={"GITTASKS_OWNER": "eve"})
    refused = listed.run("undo", listed.head(), "--json")
    assert (refused.code, refused.json()["error"]["rule"]) == (5, "not-mine")
    root = listed.git("rev-list", "--max-parents=0", "gittasks/plan")
    assert listed.run("undo", root).code == 3
    assert listed.run("undo", "0123456789").code == 3
    listed.ok("undo", mine)
    assert listed.tasks()["a"]["status"] == "pending"


def test_a_merge_that_unites_what_two_wrote_is_no_change(tmp_path: Path) -> None:
    """Notes, tags and metadata of both are there, and in the log each stands once; news alike."""
    ada, bob = clones.share(str(tmp_path), "ada", "bob")
    bob.sync()
    for repo, word in ((ada, "one"), (bob, "two")):
        repo.ok("update", "a", "--add-tag", word, "--metadata", f"{word}=1")
        repo.ok("note", "a", f"said {word}")
        repo.sync()
    ada.sync()
    task = ada.tasks()["a"]
    assert (len(task["notes"]), sorted(task["tags"])) == (2, ["one", "two"])
    lines = ada.ok("log", "a").out.splitlines()
    assert [sum(f"said {word}" in line for line in lines) for word in ("one", "two")] == [1, 1]
    assert len(lines) == 5
    bob.ok("update", "a", "--remove-tag", "one")
    ada.ok("note", "a", "three")
    bob.sync()
    ada.sync()
    assert ada.tasks()["a"]["tags"] == ["two"]
    assert len(ada.ok("log", "a").out.splitlines()) == 7


def test_undo_is_only_of_mine(listed: Repo) -> None:
    """Operations of others are passed over, and keep what they did."""
    listed.ok("start", "a")
    listed.ok("start", "b", env={"GITTASKS_OWNER": "eve"})
    listed.ok("note", "c", "From a session", env={"GITTASKS_SESSION": "s-1"})
    assert "a pending → in_progress" in listed.ok("undo").out
    tasks = listed.tasks()
    assert (tasks["a"]["status"], tasks["b"]["status"]) == ("pending", "in_progress")
    assert len(tasks["c"]["notes"]) == 1


def test_undo_is_refused_when_others_built_on_it(listed: Repo) -> None:
    """What somebody changed or began since stays, with exit code 5 and the task in the message."""
    listed.ok("update", "b", "--add-blocked-by", "a")
    listed.ok("done", "a")
    listed.ok("start", "b", env={"GITTASKS_OWNER": "eve"})
    head = listed.head()
    done = listed.run("undo")
    assert (done.code, done.out) == (5, "")
    assert "cannot undo: b was waiting for a and is in_progress since" in done.err
    assert listed.head() == head
    error = listed.run("undo", "--json").json()["error"]
    assert error["rule"] == "built-on"


class TestLog:
    """`log` tells who did what when."""

    @pytest.fixture
    def logged(self, listed: Repo) -> Repo:
        for second, args in enumerate(
            [
                ("create", "PHASE 1: One", "--id", "p1"),
                ("start", "p1"),
                ("done", "p1", "--result", "PASS"),
                ("start", "b", "--owner", "eve"),
            ]
        ):
            listed.ok(*args, env={"GIT_AUTHOR_DATE": f"2026-11-22T10:0{second}:00Z"})
        return listed

    def test_newest_first(self, logged: Repo) -> None:
        """One line a commit: time, commit, who, task, change; then how long the phases took."""
        lines = [re.sub(r"Z [0-9a-f]{7} ", "Z ", line) for line in logged.ok("log").out.split("\n")]
        assert lines[:4] == [
            "2026-11-22 10:03:00Z eve (Ada)  b: pending → in_progress",
            "2026-11-22 10:02:00Z Ada        p1: in_progress → completed (PASS)",
            "2026-11-22 10:01:00Z Ada        p1: pending → in_progress",
            "2026-11-22 10:00:00Z Ada        p1: created PHASE 1: One",
        ]
        assert lines[-3:] == ["", "PHASE 1: 1 minute", ""]

    def test_limit_and_order(self, logged: Repo) -> None:
        """-n takes the newest, --reverse turns them round, an ID leaves other tasks out."""
        newest = logged.ok("log", "-n", "2").out.splitlines()[:2]
        turned = logged.ok("log", "-n", "2", "--reverse").out.splitlines()[:2]
        assert turned == newest[::-1]
        one = logged.ok("log", "p1").out.splitlines()
        assert len(one) == 3
        assert all("p1" not in line for line in one)

    def test_edit_by_hand_is_told(self, logged: Repo) -> None:
        """A commit made with plain git is in the log with its author and what it changed."""
        logged.hand_edit({"tasks/c.yaml": "subject: Changed by hand\n"})
        entry = logged.ok("log", "c", "--json", "-n", "1").json()["entries"][0]
        assert (entry["by"], entry["owner"]) == ("Ada", None)
        subject = next(c for c in entry["changes"] if c["field"] == "subject")
        assert (subject["from"], subject["to"]) == ("Task c", "Changed by hand")
        assert "subject → Changed by hand" in logged.ok("log", "-n", "1").out

    def test_plain_git_reads_the_same(self, logged: Repo) -> None:
        """Stock `git log` shows the transition, and its trailers name task, status and owner."""
        form = "--format=%s|%(trailers:key=Gittasks-Task,valueonly,separator=%x2C)"
        lines = logged.git("log", form, "gittasks/plan").splitlines()
        assert lines[0] == "plan: b pending → in_progress|b"
        assert lines[1] == "plan: p1 in_progress → completed (PASS)|p1"


def test_log_shows_the_git_author_beside_an_owner_that_differs(listed: Repo) -> None:
    """An owner is what a commit says; who made it is git's to say."""
    listed.ok("note", "a", "Mine")
    author = listed.git("log", "-1", "--format=%an", "gittasks/plan")
    listed.ok("note", "a", "Theirs", env={"GITTASKS_OWNER": "Boss"})
    last, before = listed.ok("log", "-n", "2").out.splitlines()
    assert f" Boss ({author})  a: note: Theirs" in last
    assert re.search(rf" {re.escape(author)} +a: note: Mine", before)
