"""People who share a list with git alone, in every way that git has: nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import clones, repositories
from support.clones import (
    Pair,
    assert_nothing_lost,
    automatic,
    compete,
    merge,
    on_hub,
    settle,
    tasks,
)
from support.repositories import Repo, on_path

from gittasks.core.model import Status
from gittasks.core.operations import AddNote, Create, Transition, Update, Verb


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """Two clones; Bob's list is checked out in a worktree."""
    return clones.checked_out(tmp_path)


@pytest.fixture
def driven(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """With the merge driver in Bob's clone, and gittasks on the PATH."""
    monkeypatch.setenv("PATH", on_path())
    pair.bob.ok("hooks", "install")
    return pair


# --- without the driver ----------------------------------------------------------------------


def test_push_and_fetch_are_enough_to_share(pair: Pair) -> None:
    """A write stands on what was fetched, so it can be pushed without any merge by hand."""
    ada, bob, _ = pair
    for turn in range(2):
        for repo, task in ((ada, "a"), (bob, "b")):
            repo.git("fetch", "-q")
            repo.edit(AddNote(task, f"{turn}"))
            repo.git("push", "-q", "origin", "refs/heads/gittasks/*")
    for repo in (ada, bob):
        repo.git("fetch", "-q")
        assert [[n.text for n in tasks(repo)[t].notes] for t in "abc"] == [["0", "1"]] * 2 + [[]]
    assert automatic(bob) == 0


def _markers(tree: Repo) -> None:
    assert merge(tree, check=False) == 1
    assert "<<<<<<<" in tree.read("tasks/a.yaml")
    tree.git("commit", "-qam", "Merge, markers and all")


def _ours(tree: Repo) -> None:
    assert merge(tree, check=False) == 1
    tree.git("checkout", "--ours", "tasks/a.yaml")
    tree.git("commit", "-qam", "Merge, ours")


def _theirs(tree: Repo) -> None:
    assert merge(tree, check=False) == 1
    tree.git("checkout", "--theirs", "tasks/a.yaml")
    tree.git("commit", "-qam", "Merge, theirs")


def _rm(tree: Repo) -> None:
    assert merge(tree, check=False) == 1
    tree.git("checkout", "--ours", "tasks/a.yaml")
    tree.git("add", ".")
    tree.git("checkout", "HEAD", "--", ".")
    tree.git("commit", "-qm", "Merge, and all of theirs is gone")


BLIND = {
    "markers": (_markers, None),
    "checkout --ours": (_ours, "Bob's"),
    "checkout --theirs": (_theirs, "Ada's"),
    "-X ours": (lambda tree: merge(tree, "-X", "ours"), "Bob's"),
    "-X theirs": (lambda tree: merge(tree, "-X", "theirs"), "Ada's"),
    "-s ours": (lambda tree: merge(tree, "-s", "ours"), "Bob's"),
    "everything of ours": (_rm, "Bob's"),
}


@pytest.mark.parametrize("how", BLIND)
def test_a_blind_merge_is_healed_once(pair: Pair, how: str) -> None:
    """What it dropped is shown at once; one automatic commit writes it down, for everybody."""
    ada, bob, tree = pair
    compete(pair)
    merged, subject = BLIND[how]
    merged(tree)
    by_hand = bob.head()
    assert_nothing_lost(bob, subject)
    assert bob.sync().error is None
    heal = bob.head()
    assert bob.git("rev-list", f"{by_hand}..{heal}").split() == [heal], "exactly one"
    assert automatic(bob) == 1
    assert tree.git("status", "--porcelain") == ""
    for repo in (bob, ada, bob):
        assert repo.sync().error is None
        assert repo.head() == on_hub(repo) == heal
        assert_nothing_lost(repo, subject)
    assert "<<<<<<<" not in tree.read("tasks/a.yaml")
    bob.fsck()


@pytest.mark.parametrize("who", ["writes", "only reads"])
def test_a_blind_merge_that_was_pushed_is_healed_by_whoever_is_next(pair: Pair, who: str) -> None:
    """A write goes on top of the healed tree; who only reads sees it right and writes nothing."""
    ada, bob, tree = pair
    compete(pair)
    _markers(tree)
    tree.git("push", "-q", "origin", "gittasks/plan")
    ada.git("fetch", "-q")
    assert_nothing_lost(ada, None)
    if who == "only reads":
        assert not ada.git("rev-list", "gittasks/plan..", "^main")
        return
    ada.edit(Update("a", result="Ada's"), at=5)
    assert_nothing_lost(ada, None)
    settle(ada, bob)
    assert automatic(bob) == 1
    assert tasks(bob)["a"].result == "Ada's"


# --- other ways of git -----------------------------------------------------------------------


def test_a_rebase_of_unpublished_work_loses_nothing(driven: Pair) -> None:
    """`git pull --rebase` replays Bob's commits on Ada's; the list then is one line."""
    ada, bob, tree = driven
    compete(driven)
    tree.git("pull", "-q", "--rebase")
    assert bob.git("rev-list", "--min-parents=2", "gittasks/plan") == ""
    # Of two versions of a file the id decides, so the hash does.
    assert_nothing_lost(bob, "Bob's" if len(bob.head()) == 40 else "Ada's")
    settle(bob, ada)
    assert automatic(ada) == 0


def test_a_rebase_of_published_work_loses_nothing(driven: Pair, tmp_path: Path) -> None:
    """Copy and original are two writers of the same; who builds on either is heard."""
    ada, bob, tree = driven
    compete(driven)
    bob.git("push", "-q", "origin", "gittasks/plan:gittasks/elsewhere")
    tree.git("pull", "-q", "--rebase")
    ada.git("fetch", "-q")
    ada.edit(Update("b", phase="7"), at=7)
    ada.git("worktree", "add", "-q", str(tmp_path / "hers"), "gittasks/plan")
    ada.ok("hooks", "install")
    repositories.git(
        str(tmp_path / "hers"), "merge", "-q", "--no-edit", "origin/gittasks/elsewhere"
    )
    settle(ada, bob)
    assert_nothing_lost(bob)
    assert tasks(bob)["b"].phase == "7"


def test_a_cherry_pick_is_a_write_of_its_own(pair: Pair, tmp_path: Path) -> None:
    """The same change twice is no conflict, and the pick may be built on."""
    ada, bob, tree = pair
    picked = ada.edit(Update("a", result="Ada's"), at=1)
    ada.edit(Update("b", result="Ada's"), at=2)
    ada.sync()
    bob.git("fetch", "-q")
    tree.git("cherry-pick", picked)
    bob.edit(AddNote("a", "Bob's"), at=3)
    settle(bob, ada)
    assert ada.workspace("plan").conflicts() == []
    shown = tasks(ada)
    assert (shown["a"].result, shown["b"].result) == ("Ada's", "Ada's")
    assert [n.text for n in shown["a"].notes] == ["Bob's"]


def test_a_revert_takes_back_what_it_names_alone(pair: Pair) -> None:
    """It is an ordinary write of the values of before; what came in between or beside it stays."""
    ada, bob, tree = pair
    mistake = bob.edit(Update("a", result="mistake"), at=1)
    bob.edit(Update("b", result="right"), at=2)
    settle(bob, ada)
    ada.edit(AddNote("a", "Ada's"), at=3)
    tree.git("revert", "--no-edit", mistake)
    settle(ada, bob)
    shown = tasks(ada)
    assert (shown["a"].result, shown["b"].result) == (None, "right")
    assert [n.text for n in shown["a"].notes] == ["Ada's"]
    assert ada.workspace("plan").conflicts() == []


def test_the_merge_button_of_a_forge_is_healed(pair: Pair, tmp_path: Path) -> None:
    """A clone that knows nothing of gittasks merges one branch of a list into another."""
    ada, bob, _ = pair
    ada.edit(Update("a", description="Ada's"), at=1)
    ada.sync()
    bob.edit(Create("New", id="new"), Update("c", phase="2"), at=2)
    bob.git("push", "-q", "origin", "gittasks/plan:topic")
    forge = Repo(str(tmp_path / "forge"))
    hub = ada.git("remote", "get-url", "origin")
    repositories.git(str(tmp_path), "clone", "-q", "-b", "gittasks/plan", hub, forge.path)
    forge.git("merge", "-q", "--no-ff", "-m", "Merge pull request", "origin/topic")
    forge.git("push", "-q")
    pressed = forge.head()
    settle(ada, bob)
    assert bob.head() == pressed, "a merge that dropped nothing needs no other"
    shown = tasks(ada)
    assert (shown["a"].description, shown["c"].phase, shown["new"].subject) == ("Ada's", "2", "New")


def test_an_octopus_counts_as_one_merge(pair: Pair) -> None:
    """Three histories at once, of different tasks: all is there, and no automatic merge is made."""
    ada, bob, tree = pair
    base = bob.head()
    for task in "abc":
        bob.git("update-ref", "refs/heads/gittasks/plan", base)
        tree.git("reset", "-q", "--hard")
        bob.edit(Update(task, result=f"on {task}"))
        bob.git("branch", f"side-{task}", "gittasks/plan")
    bob.git("update-ref", "refs/heads/gittasks/plan", base)
    tree.git("reset", "-q", "--hard")
    tree.git("merge", "-q", "--no-ff", "-m", "All", "side-a", "side-b", "side-c")
    assert len(bob.git("rev-list", "--parents", "-1", "gittasks/plan").split()) == 5
    settle(bob, ada)
    assert [tasks(ada)[t].result for t in "abc"] == ["on a", "on b", "on c"]
    assert automatic(ada) == 0


def test_an_octopus_that_drops_everything_is_healed(pair: Pair) -> None:
    """`-s ours` with pair others: each of their writes stands."""
    ada, bob, tree = pair
    base = bob.head()
    for task in "abc":
        bob.git("update-ref", "refs/heads/gittasks/plan", base)
        tree.git("reset", "-q", "--hard")
        bob.edit(Update(task, result=f"on {task}"), AddNote("a", f"of {task}"))
        bob.git("branch", f"side-{task}", "gittasks/plan")
    tree.git("merge", "-q", "-s", "ours", "-m", "Mine", "side-a", "side-b")
    settle(bob, ada)
    assert [tasks(ada)[t].result for t in "abc"] == ["on a", "on b", "on c"]
    assert {n.text for n in tasks(ada)["a"].notes} == {"of a", "of b", "of c"}
    assert automatic(ada) == 1


def test_an_edit_in_an_editor_is_an_ordinary_write(pair: Pair) -> None:
    """Edited and committed in the worktree, with a comment and an unknown key: merged and kept."""
    ada, bob, tree = pair
    text = tree.read("tasks/a.yaml").replace("Task a", "By hand  # as agreed")
    tree.write("tasks/a.yaml", text + "estimate: 3\n")
    tree.git("commit", "-qam", "Edit")
    ada.edit(Transition(Verb.DONE, "a", "PASS"), at=2)
    settle(bob, ada)
    task = tasks(ada)["a"]
    assert (task.subject, task.status, task.result) == ("By hand", Status.COMPLETED, "PASS")
    assert dict(task.extra) == {"estimate": 3}
    assert "# as agreed" in tree.read("tasks/a.yaml")


@pytest.mark.parametrize("place", ["replace", "grafts"])
def test_a_history_that_is_shown_as_another_is_shared_as_it_is(tmp_path: Path, place: str) -> None:
    """`git replace` and grafts change what git shows in one clone, and not what is in a list."""
    (ada,) = clones.share(str(tmp_path), "ada")
    ada.ok("note", "a", "one")
    head = ada.head()
    if place == "replace":
        ada.git("replace", head, "gittasks/plan~2")
    else:
        grafts = Path(ada.git_dir, "info", "grafts")
        grafts.parent.mkdir(exist_ok=True)
        grafts.write_text(f"{head}\n", encoding="utf-8")
    ada.ok("note", "a", "two")
    ada.git("update-ref", "-d", "refs/remotes/origin/gittasks/plan")
    ada.ok("sync")
    assert on_hub(ada) == ada.head()
