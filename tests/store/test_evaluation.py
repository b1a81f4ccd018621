"""What a list says: local and fetched work together, worked out without writing anything."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import clones, repositories
from support.clones import BROKEN, assert_caches_change_nothing, automatic, told
from support.repositories import Repo

from gittasks.core.model import Status
from gittasks.core.operations import AddNote, Create, Transition, Update, Verb
from gittasks.store.objects import ObjectStore


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Repo, Repo]:
    """Two clones of one hub; Ada has made the list there, Bob has no branch of it."""
    ada, bob = clones.share(str(tmp_path), "ada", "bob")
    return ada, bob


def everything(repo: Repo) -> dict[str, bytes]:
    """All files of the repository but our own caches."""
    own = os.path.join(repo.git_dir, "gittasks")
    return {
        os.path.join(folder, name): Path(folder, name).read_bytes()
        for folder, _, names in os.walk(repo.path)
        for name in names
        if not folder.startswith(own)
    }


# --- reads -----------------------------------------------------------------------------------


@pytest.mark.parametrize("local", ["no branch", "behind", "diverged", "ahead"])
def test_a_read_shows_what_was_fetched_and_writes_nothing(
    pair: tuple[Repo, Repo], local: str
) -> None:
    """Plain `git fetch` is enough to see others' work; refs, objects and files stay."""
    ada, bob = pair
    if local != "no branch":
        bob.edit(Update("b", result="early"), at=1)
        bob.sync()
        ada.sync()
    ada.edit(Update("a", description="by Ada"), at=2)
    ada.sync()
    if local == "diverged":
        bob.edit(AddNote("a", "by Bob"), at=3)
    bob.git("fetch", "-q")
    if local == "ahead":
        bob.sync()
        bob.edit(AddNote("a", "by Bob"), at=3)
    before = everything(bob)
    shown = bob.tasks()
    assert shown["a"]["description"] == "by Ada"
    assert [n["text"] for n in shown["a"]["notes"]] == (
        ["by Bob"] if local in ("diverged", "ahead") else []
    )
    assert "by Ada" in bob.ok("show", "a").out
    told(bob)
    for command in ("log", "status", "conflicts", "lists", "ready"):
        bob.ok(command)
    assert everything(bob) == before


def test_a_branch_that_is_far_behind_a_merge_needs_no_cache(pair: tuple[Repo, Repo]) -> None:
    """A local head in the straight part of the history, the fork only later: it is a head still."""
    ada, bob = pair
    bob.edit(AddNote("a", "first"), at=1)
    bob.sync()
    ada.sync()
    for name in ("one", "two"):  # Bob stays here
        ada.edit(AddNote("b", name), at=2)
    ada.sync()
    cleo = Repo(f"{ada.path}-cleo")
    repositories.git(
        os.path.dirname(ada.path), "clone", "-q", ada.git("remote", "get-url", "origin"), cleo.path
    )
    cleo.edit(AddNote("c", "by Cleo"), at=3)
    ada.edit(AddNote("c", "by Ada"), at=3)
    for repo in (ada, cleo):
        repo.sync()
    bob.git("fetch", "-q")
    shutil.rmtree(os.path.join(bob.git_dir, "gittasks", "cache"))
    assert [n["text"] for n in bob.tasks()["c"]["notes"]] == ["by Ada", "by Cleo"]
    bob.sync()
    assert bob.head() == cleo.head()


def test_a_fresh_clone_reads_and_its_first_write_makes_the_branch(pair: tuple[Repo, Repo]) -> None:
    """Nothing has to be set up; the branch begins on top of what the remote has, and syncs."""
    ada, bob = pair
    assert set(bob.tasks()) == {"a", "b", "c"}
    assert bob.git("for-each-ref", "refs/heads/gittasks") == ""
    assert bob.workspace().log()[0].commit == ada.head()
    bob.edit(AddNote("a", "first"))
    assert bob.git("rev-parse", "gittasks/plan~1") == ada.head()
    assert not bob.sync().error
    clones.settle(ada, bob)
    assert told(ada)[:5] == told(bob)[:5]
    assert automatic(ada) == 0


def test_a_fresh_clone_that_only_reads_gets_no_branch_from_a_sync(pair: tuple[Repo, Repo]) -> None:
    """`sync` brings what it shows up to date, and that is all."""
    ada, bob = pair
    ada.edit(AddNote("a", "news"))
    ada.sync()
    done = bob.sync()
    assert not done.error
    assert bob.git("for-each-ref", "refs/heads/gittasks") == ""
    assert [n.text for n in bob.workspace().snapshot().tasks["a"].notes] == ["news"]


def test_a_write_on_a_merged_view_is_one_move_of_the_ref(pair: tuple[Repo, Repo]) -> None:
    """The automatic merge that was shown and the operation on it are written together."""
    ada, bob = pair
    bob.edit(Update("b", result="Bob's"), at=1)
    ada.edit(Update("a", result="Ada's"), at=2)
    ada.sync()
    bob.git("fetch", "-q")
    shown, before = bob.workspace().branch().commit, bob.head()
    moves = len(bob.git("reflog", "gittasks/plan").split("\n"))
    written = bob.edit(Update("c", result="on both"), at=3)
    assert len(bob.git("reflog", "gittasks/plan").split("\n")) == moves + 1
    assert bob.git("rev-parse", "gittasks/plan@{1}") == before
    assert bob.git("rev-list", "--parents", "-1", written).split() == [written, shown]
    parents = bob.git("rev-list", "--parents", "-1", shown).split()[1:]
    assert parents == sorted([before, ada.head()])
    assert {i: t["result"] for i, t in bob.tasks().items()} == {
        "a": "Ada's",
        "b": "Bob's",
        "c": "on both",
    }
    bob.fsck()
    assert not bob.sync().error
    assert ada.sync().branch is not None
    assert ada.head() == bob.head() == written


def test_an_operation_is_checked_against_what_was_fetched(pair: tuple[Repo, Repo]) -> None:
    """The rules hold for the merged list, not for what the local branch alone says."""
    ada, bob = pair
    bob.edit(AddNote("c", "own branch"))
    ada.edit(Update("b", add_blocked_by=("a",)))
    ada.sync()
    bob.git("fetch", "-q")
    refused = bob.run("start", "b", "--json")
    assert refused.code == 5
    assert refused.json()["error"]["rule"] == "blocked"
    bob.ok("done", "a")
    bob.ok("start", "b")


# --- caches ----------------------------------------------------------------------------------


def _steps(ada: Repo, bob: Repo) -> Iterator[Repo]:
    """Meetings of every kind; yields who may see something else now."""
    for turn in range(3):
        at = 10 * turn
        ada.edit(Update("a", description=f"Ada {turn}"), at=at + 1)
        yield ada
        bob.edit(Update("a", description=f"Bob {turn}"), AddNote("b", f"Bob {turn}"), at=at + 2)
        yield bob
        ada.sync()
        bob.git("fetch", "-q")
        yield bob
        text = bob.git("show", "gittasks/plan:tasks/c.yaml")
        bob.hand_edit({"tasks/c.yaml": f"# turn {turn}\n{text}\n"})
        yield bob
        if turn == 1:
            ada.hand_edit({"tasks/b.yaml": BROKEN, "README.md": "Ada\n"})
            yield ada
        bob.sync()
        yield bob
        ada.git("fetch", "-q")
        yield ada
        if turn == 1:
            ada.hand_edit({"tasks/b.yaml": "subject: Repaired\n"})
            yield ada
        ada.sync()
        bob.sync()
        yield bob
    ada.edit(Transition(Verb.DELETE, "b"), Update("a", description="settled"), at=90)
    yield ada


def test_caches_change_no_answer(pair: tuple[Repo, Repo]) -> None:
    """After each step of a history with conflicts and hand edits: warm, cold, damaged."""
    for repo in _steps(*pair):
        assert_caches_change_nothing(repo)


def test_checkpoints_that_are_deleted_between_steps_change_nothing(
    pair: tuple[Repo, Repo], tmp_path: Path
) -> None:
    """A clone that never has any agrees with one that keeps them, step by step."""
    ada, bob = pair
    for repo in _steps(ada, bob):
        bob.remove("gittasks", "cache", "merge")
        twin = tmp_path / "twin"
        shutil.copytree(repo.path, twin)
        shutil.rmtree(twin / ".git" / "gittasks" / "cache", ignore_errors=True)
        assert told(Repo(str(twin))) == told(repo)
        shutil.rmtree(twin)


def test_a_checkpoint_is_used(pair: tuple[Repo, Repo], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without this the tests of checkpoints prove nothing: old commits are not read again."""
    ada, bob = pair
    for _ in _steps(ada, bob):
        pass
    ada.sync()
    bob.sync()
    told(bob)
    old = bob.git("rev-list", "gittasks/plan", "--skip=6").split()
    bob.edit(AddNote("a", "on top"))
    ada.edit(AddNote("c", "at once"))
    ada.sync()
    bob.git("fetch", "-q")
    read: list[str] = []
    real = ObjectStore.read

    def spy(store: ObjectStore, object_id: str, kind: str) -> bytes:
        read.append(object_id)
        return real(store, object_id, kind)

    monkeypatch.setattr("gittasks.store.objects.ObjectStore.read", spy)
    bob.workspace().branch()
    assert read
    assert not set(read) & set(old)


# --- histories -------------------------------------------------------------------------------


def test_criss_cross_merges_many_deep_come_to_one(tmp_path: Path) -> None:
    """Two clones that merge each other with plain git, over and over, at the same moment."""
    ada, bob = clones.share(str(tmp_path), "ada", "bob")
    bob.git("branch", "-q", "gittasks/plan", "origin/gittasks/plan")
    for one, other in ((ada, bob), (bob, ada)):
        one.git("remote", "add", "peer", other.path)
        one.git("worktree", "add", "-q", "tree", "gittasks/plan")
    for turn in range(8):
        ada.edit(AddNote("a", f"Ada {turn}"), Update("b", result=f"Ada {turn}"), at=2 * turn)
        bob.edit(AddNote("c", f"Bob {turn}"), at=2 * turn + 1)
        for one in (ada, bob):
            one.git("fetch", "-q", "peer")
        for one in (ada, bob):
            merge = ["merge", "-q", "--no-ff", "-m", f"turn {turn}", "peer/gittasks/plan"]
            repositories.git(one.file("tree"), *merge)
    heads = {ada.head(), bob.head()}
    assert len(heads) == 2
    ada.git("fetch", "-q", "peer")
    assert len(ada.git("merge-base", "--all", *heads).split()) == 2
    for repo in (ada, bob, ada):
        done = repo.sync()
        assert not done.error
        assert not done.conflicts
    assert ada.head() == bob.head()
    tasks = ada.workspace("plan").snapshot().tasks
    assert [n.text for n in tasks["a"].notes] == [f"Ada {turn}" for turn in range(8)]
    assert [n.text for n in tasks["c"].notes] == [f"Bob {turn}" for turn in range(8)]
    assert tasks["b"].result == "Ada 7"
    assert_caches_change_nothing(ada)
    assert ada.git("rev-parse", "gittasks/plan^{tree}") == bob.git(
        "rev-parse", "gittasks/plan^{tree}"
    )
    assert automatic(ada) <= 1


def _apart(folder: Path) -> tuple[Repo, Repo]:
    """Two clones of a hub without a list, in each of which one plan was applied."""
    ada, bob = clones.share(str(folder), "ada", "bob", tasks=())
    ada.git("push", "-q", "origin", ":gittasks/plan")
    ada.git("update-ref", "-d", "refs/heads/gittasks/plan")
    bob.git("remote", "prune", "origin")
    ada.remove("gittasks")
    plan = "tasks:\n- id: one\n  subject: One\n- id: two\n  subject: Two\n  blockedBy: [one]\n"
    for second, repo in enumerate((ada, bob)):
        repo.ok("init", "plan")
        env = {"GIT_AUTHOR_DATE": f"{1893456000 + second} +0000"}
        repo.ok("apply", "-", stdin=plan, env=env)
    return ada, bob


def test_one_plan_applied_in_two_clones_is_one_list(tmp_path: Path) -> None:
    """They share their root, have the same tasks, and nobody is told of a conflict."""
    ada, bob = _apart(tmp_path)
    assert ada.head() != bob.head()
    roots = {r.git("rev-list", "--max-parents=0", "gittasks/plan") for r in (ada, bob)}
    assert len(roots) == 1
    clones.settle(ada, bob)
    assert told(ada) == told(bob)
    assert ada.workspace("plan").conflicts() == []
    tasks = ada.workspace("plan").snapshot().tasks
    assert {t.id: t.created for t in tasks.values()} == {
        "one": "2030-01-01T00:00:00Z",
        "two": "2030-01-01T00:00:00Z",
    }
    assert tasks["two"].blocked_by == ("one",)


def test_work_on_one_of_two_equal_plans_is_no_conflict(tmp_path: Path) -> None:
    """The other clone only made the same task: that says nothing about its state."""
    ada, bob = _apart(tmp_path)
    bob.edit(Transition(Verb.DONE, "one"), at=5)
    clones.settle(ada, bob)
    workspace = ada.workspace("plan")
    assert workspace.snapshot().tasks["one"].status is Status.COMPLETED
    assert workspace.conflicts() == []


def _begin_by_hand(repo: Repo, task: str) -> None:
    """The list as somebody makes it who has only git: an orphan branch of files."""
    env = {"GIT_INDEX_FILE": os.path.join(repo.git_dir, "hand-index")}
    for path, text in (("list.yaml", "title: By hand\n"), (task, "subject: By hand\n")):
        entry = f"100644,{repo.blob(text)},{path}"
        repo.git("update-index", "--add", "--cacheinfo", entry, env=env)
    commit = repo.git("commit-tree", "-m", "By hand", repo.git("write-tree", env=env))
    repo.git("update-ref", "refs/heads/gittasks/plan", commit)


def test_a_list_with_a_root_of_its_own_is_merged(pair: tuple[Repo, Repo]) -> None:
    """Without a common commit each side only adds: the tasks of both are there."""
    ada, bob = pair
    _begin_by_hand(bob, "tasks/a.yaml")
    bob.edit(Create("New", id="new"))
    shown = bob.workspace("plan")
    assert set(shown.snapshot().tasks) == {"a", "b", "c", "new"}
    assert [(c.task, c.field) for c in shown.conflicts()] == [("a", "subject")]
    assert_caches_change_nothing(bob)
    for repo in (bob, ada, bob):
        assert not repo.sync().error
    assert ada.head() == bob.head()
    assert ada.workspace("plan").snapshot().info.title == "By hand"


def test_equal_notes_of_one_second_are_one(tmp_path: Path) -> None:
    """Added in two clones under one name; in one clone the second is told a second later."""
    ada, bob = clones.share(str(tmp_path), "ada", "bob")
    for repo in (ada, bob):
        repo.edit(AddNote("a", "it works"), at=5)
    clones.settle(ada, bob)
    assert [note.text for note in clones.tasks(bob)["a"].notes] == ["it works"]
    assert bob.workspace("plan").conflicts() == []
    bob.edit(AddNote("a", "it works"), at=5)
    first, second = clones.tasks(bob)["a"].notes
    assert (first.text, second.text) == ("it works", "it works")
    assert first.at < second.at
