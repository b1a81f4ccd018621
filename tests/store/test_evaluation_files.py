"""What a list says when something is in the way of the merge, and file by file where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import clones, repositories
from support.clones import BROKEN, assert_caches_change_nothing, on_hub, settle
from support.repositories import Repo

from gittasks.core.model import Status
from gittasks.core.operations import AddNote, Create, Retitle, Transition, Update, Verb


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Repo, Repo]:
    """Two clones of one hub; Ada has made the list there, Bob has the branch as well."""
    ada, bob = clones.share(str(tmp_path), "ada", "bob")
    bob.git("branch", "-q", "--no-track", "gittasks/plan", "origin/gittasks/plan")
    return ada, bob


def text_of(repo: Repo, path: str, commit: str = "gittasks/plan") -> str:
    return repo.git("show", f"{commit}:{path}") + "\n"


# --- what is in the way ----------------------------------------------------------------------


def _rewrite(ada: Repo) -> None:
    """Somebody replaces the last commit on the hub with another one, by force."""
    ada.git("update-ref", "refs/heads/gittasks/plan", "gittasks/plan~1")
    text = text_of(ada, "tasks/a.yaml").replace("result: first", "result: instead")
    ada.hand_edit({"tasks/a.yaml": text})
    ada.git("push", "-qf", "origin", "gittasks/plan")


@pytest.mark.parametrize("plain", [True, False])
def test_a_history_rewritten_upstream_is_not_merged(pair: tuple[Repo, Repo], plain: bool) -> None:
    """Local work is shown, writes go on, sync says what is wrong; accepting it merges both."""
    ada, bob = pair
    ada.edit(Update("a", result="first"), at=1)
    settle(ada, bob)
    bob.edit(Update("b", result="Bob's"), at=2)
    settle(bob, ada)
    _rewrite(ada)
    bob.edit(AddNote("b", "mine"), at=10)
    if plain:
        bob.git("fetch", "-q")
    before = bob.head()
    branch = bob.workspace("plan").branch()
    assert branch.apart == ("rewritten" if plain else None)
    assert branch.snapshot.tasks["b"].result == "Bob's"
    assert_caches_change_nothing(bob)
    if plain:
        assert "rewritten" in bob.ok("list").out
    for command in ("sync", "pull", "push"):
        result = bob.run(command, "--json")
        assert (result.code, result.json()["error"]["kind"]) == (7, "history-rewritten"), command
    assert bob.head() == before
    assert bob.git("rev-parse", "origin/gittasks/plan") == on_hub(bob) == ada.head()
    bob.edit(AddNote("c", "still"), at=11)
    bob.ok("sync", "--accept-rewrite")
    tasks = bob.workspace("plan").snapshot().tasks
    assert [n.text for n in tasks["b"].notes] == ["mine"]
    assert tasks["b"].result == "Bob's"
    assert tasks["a"].result == "instead"
    assert bob.workspace("plan").conflicts() == []
    assert bob.git("merge-base", "--is-ancestor", ada.head(), bob.head()) == ""
    assert not ada.sync().error
    assert ada.head() == bob.head()
    assert not bob.sync().error
    assert_caches_change_nothing(bob)


@pytest.mark.parametrize("shared_by", ["clone", "fetch", "push"])
def test_a_rewritten_history_is_noticed_without_a_sync_before(
    pair: tuple[Repo, Repo], shared_by: str
) -> None:
    """A squash is a write of everything: it is not merged because the last exchange was git's."""
    ada, bob = pair
    kept = ["-p", ada.head()] if shared_by != "clone" else []
    if shared_by != "clone":
        bob.sync()
        if shared_by == "push":
            bob.edit(Update("a", result="pushed"), at=1)
            bob.git("push", "-q", "origin", "gittasks/plan")
            ada.git("fetch", "-q")
        else:
            ada.edit(Update("a", phase="2"), at=1)
            ada.git("push", "-q", "origin", "gittasks/plan")
            bob.git("fetch", "-q")
    bob.edit(Update("b", result="unpublished"), at=2)
    squash = ada.git("commit-tree", *kept, "-m", "Squash", "origin/gittasks/plan^{tree}")
    ada.git("push", "-qf", "origin", f"{squash}:gittasks/plan")
    bob.git("fetch", "-q")
    assert bob.workspace("plan").branch().apart == "rewritten"
    assert bob.run("sync").code == 7
    assert on_hub(bob) == squash


def test_a_list_removed_on_the_remote_stays_here(pair: tuple[Repo, Repo]) -> None:
    """Nothing is deleted and nothing sent again unasked; accepting it pushes the list anew."""
    ada, bob = pair
    bob.edit(AddNote("b", "mine"))
    bob.sync()
    ada.git("push", "-q", "origin", ":gittasks/plan")
    before = bob.head()
    for prune in (False, True):
        if prune:
            bob.git("fetch", "-q", "--prune")
        result = bob.run("sync", "--json")
        assert (result.code, result.json()["error"]["kind"]) == (7, "history-rewritten")
        assert bob.head() == before
        assert on_hub(bob) == ""
        assert set(bob.tasks()) == {"a", "b", "c"}
    bob.ok("sync", "--accept-rewrite")
    assert on_hub(bob) == before


def test_a_shallow_clone_completes_the_history_of_its_list(
    pair: tuple[Repo, Repo], tmp_path: Path
) -> None:
    """What it cannot see it fetches, of the list alone, and merges; the code stays shallow."""
    ada, _ = pair
    ada.edit(Update("a", result="first"), at=1)
    ada.sync()
    hub = ada.git("remote", "get-url", "origin")
    path = str(tmp_path / "shallow")
    repositories.git(
        str(tmp_path), "clone", "-q", "--depth=1", "--no-single-branch", f"file://{hub}", path
    )
    cut = Repo(path)
    assert set(cut.tasks()) == {"a", "b", "c"}
    cut.edit(AddNote("b", "mine"), at=2)
    assert not cut.sync().error, "nothing to merge: its own work is sent"
    ada.sync()
    for minute in (3, 4):
        ada.edit(Update("a", result=f"at {minute}"), at=minute)
    ada.sync()
    cut.edit(AddNote("b", "more"), at=5)
    cut.git("fetch", "-q", "--depth=1")
    assert [n["text"] for n in cut.tasks()["b"]["notes"]] == ["mine", "more"]
    assert "this clone is shallow" in cut.run("list").out
    pushed = cut.run("push")
    assert (pushed.code, "git fetch --unshallow origin" in pushed.err) == (7, True)
    cut.ok("sync")
    assert cut.tasks()["a"]["result"] == "at 4"
    assert [n["text"] for n in cut.tasks()["b"]["notes"]] == ["mine", "more"]
    ada.sync()
    assert ada.head() == cut.head()


# --- files -----------------------------------------------------------------------------------


def test_a_broken_file_is_kept_and_told_and_holds_nothing_up(pair: tuple[Repo, Repo]) -> None:
    """Exit 4 wherever it is read; the other tasks merge; a write to the task is refused."""
    ada, bob = pair
    broken = text_of(ada, "tasks/a.yaml") + BROKEN
    ada.hand_edit({"tasks/a.yaml": broken})
    ada.sync()
    bob.edit(AddNote("a", "meanwhile"), Update("b", result="Bob's"), at=2)
    result = bob.run("sync", "--json")
    assert result.code == 4
    assert result.json()["lists"][0]["error"] is None
    assert text_of(bob, "tasks/a.yaml") == broken
    listed = bob.run("list", "--json")
    assert listed.code == 4
    assert {t["id"]: t["result"] for t in listed.json()["tasks"]} == {"b": "Bob's", "c": None}
    assert [p["path"] for p in listed.json()["problems"]] == ["tasks/a.yaml"]
    assert bob.run("note", "a", "x").code == 4
    bob.edit(AddNote("c", "goes on"), at=3)
    assert_caches_change_nothing(bob)
    settle(ada, bob)


def test_a_repair_by_hand_undoes_nothing_of_the_other_side(pair: tuple[Repo, Repo]) -> None:
    """Whoever repairs a file means what it then says that it did not say before it was broken."""
    ada, bob = pair
    whole = text_of(ada, "tasks/a.yaml")
    ada.hand_edit({"tasks/a.yaml": whole + BROKEN})
    ada.sync()
    bob.edit(AddNote("a", "meanwhile"), Update("a", description="Bob's", phase="2"), at=2)
    settle(bob, ada)
    ada.hand_edit({"tasks/a.yaml": whole.replace("Task a", "Repaired")})
    for repo in (ada, bob):
        assert_caches_change_nothing(repo)
    settle(ada, bob)
    task = bob.workspace("plan").snapshot().tasks["a"]
    assert (task.subject, task.description, task.phase) == ("Repaired", "Bob's", "2")
    assert [n.text for n in task.notes] == ["meanwhile"]
    assert bob.run("sync").code == 0


def test_comments_survive_the_merge_with_an_edit_by_the_tool(pair: tuple[Repo, Repo]) -> None:
    """The layout of a person's file stays where the other side changed another field of it."""
    ada, bob = pair
    by_hand = "# look out\n" + text_of(ada, "tasks/a.yaml").replace(
        "subject: Task a", "subject: Task a  # really"
    )
    ada.hand_edit({"tasks/a.yaml": by_hand})
    ada.sync()
    bob.edit(Update("a", result="PASS", description="More\nwords."), at=2)
    settle(bob, ada)
    text = text_of(ada, "tasks/a.yaml")
    assert text.startswith("# look out\n")
    assert "subject: Task a  # really\n" in text
    assert "result: PASS\n" in text
    assert ada.workspace("plan").conflicts() == []


@pytest.mark.parametrize("first", ["ada", "bob"])
def test_the_list_itself_and_foreign_files_are_merged(pair: tuple[Repo, Repo], first: str) -> None:
    """list.yaml field by field, any other file as a whole, folders of others untouched."""
    ada, bob = pair
    ada.edit(Retitle("Ada's"), at=1)
    ada.hand_edit({"README.md": "Ada\n", "both.txt": "Ada\n"})
    bob.hand_edit(
        {
            "list.yaml": text_of(bob, "list.yaml") + "settings:\n  colour: red\nx-key: 1\n",
            "notes.txt": "Bob\n",
            "both.txt": "Bob\n",
        }
    )
    settle(*((ada, bob) if first == "ada" else (bob, ada)))
    info = ada.workspace("plan").snapshot().info
    assert (info.title, dict(info.settings), dict(info.extra)) == (
        "Ada's",
        {"colour": "red"},
        {"x-key": 1},
    )
    files = ada.git("ls-tree", "-r", "--name-only", "gittasks/plan").split()
    assert {"README.md", "notes.txt", "both.txt", ".gitattributes"} < set(files)
    assert text_of(ada, "both.txt") in ("Ada\n", "Bob\n")
    assert ada.run("conflicts").code == 0, "nobody is told about files that are not ours"


@pytest.fixture
def unprefixed(tmp_path: Path) -> tuple[Repo, Repo]:
    """Two clones with an empty branch prefix; Ada has made the list `work` and sent it."""
    ada, bob = clones.share(str(tmp_path), "ada", "bob")
    ada.forget_choice()
    for repo in (ada, bob):
        repo.git("config", "gittasks.branchPrefix", "")
    ada.ok("init", "work")
    ada.ok("create", "One", "--id", "one")
    ada.ok("sync")
    bob.git("fetch", "-q")
    return ada, bob


def test_without_a_prefix_the_branch_is_the_id_of_the_list(unprefixed: tuple[Repo, Repo]) -> None:
    """`gittasks.branchPrefix` may be empty: reads, merges and syncs go by plain branch names."""
    ada, bob = unprefixed
    assert set(bob.tasks("work")) == {"one"}
    bob.ok("note", "one", "Bob's", "--list", "work")
    ada.ok("note", "one", "Ada's")
    ada.ok("sync")
    bob.ok("sync", "--list", "work")
    assert "gittasks/plan" not in ada.ok("sync").err  # a branch, and no list of this prefix
    assert ada.git("rev-parse", "work") == bob.git("rev-parse", "work")
    assert {n["text"] for n in ada.tasks()["one"]["notes"]} == {"Ada's", "Bob's"}


@pytest.mark.parametrize("command", [["sync"], ["sync", "--all"]])
def test_without_a_prefix_branches_of_code_are_no_lists(
    unprefixed: tuple[Repo, Repo], command: list[str]
) -> None:
    """Only a branch that holds list.yaml is one; nobody's code is pushed."""
    _, bob = unprefixed
    bob.write("secret.txt", "not ready\n")
    bob.git("add", "secret.txt")
    bob.git("commit", "-qm", "Not ready")
    before = bob.git("ls-remote", "origin", "main")
    bob.run(*command)
    assert bob.git("ls-remote", "origin", "main") == before
    assert [i["id"] for i in bob.ok("lists", "--json").json()["lists"]] == ["work"]
    assert set(bob.tasks()) == {"one"}


def test_a_tombstone_keeps_the_edit_that_was_made_at_once(pair: tuple[Repo, Repo]) -> None:
    """Deleted wins, whatever the clocks say; a restore brings the task back with the edit."""
    ada, bob = pair
    ada.edit(Transition(Verb.DELETE, "a"), at=1)
    bob.edit(Update("a", description="Bob's", status=Status.IN_PROGRESS), at=2)
    settle(ada, bob)
    for repo in (ada, bob):
        task = repo.workspace("plan").snapshot().tasks["a"]
        assert (task.status, task.description) == (Status.DELETED, "Bob's")
    assert [c.field for c in bob.workspace("plan").conflicts()] == ["status"]
    bob.edit(Transition(Verb.RESTORE, "a"), at=3)
    settle(bob, ada)
    task = ada.workspace("plan").snapshot().tasks["a"]
    assert (task.status, task.description) == (Status.PENDING, "Bob's")
    assert ada.workspace("plan").conflicts() == []


@pytest.mark.parametrize("first", ["ada", "bob"])
def test_a_removed_file_stays_where_somebody_changed_it(
    pair: tuple[Repo, Repo], first: str
) -> None:
    """`git rm` does not beat work; it is told, and a removal that nobody competes with counts."""
    ada, bob = pair
    ada.hand_edit({"tasks/a.yaml": None, "tasks/b.yaml": None})
    bob.edit(Update("a", description="Bob's"), at=2)
    settle(*((ada, bob) if first == "ada" else (bob, ada)))
    tasks = ada.workspace("plan").snapshot().tasks
    assert set(tasks) == {"a", "c"}
    assert (tasks["a"].subject, tasks["a"].description) == ("Task a", "Bob's")
    assert [(c.task, c.kind) for c in ada.workspace("plan").conflicts()] == [("a", "delete-update")]
    assert_caches_change_nothing(bob)
    ada.hand_edit({"tasks/a.yaml": None})
    settle(ada, bob)
    assert set(bob.workspace("plan").snapshot().tasks) == {"c"}
    assert bob.workspace("plan").conflicts() == []


def test_a_removed_file_that_is_made_again_is_a_new_one(pair: tuple[Repo, Repo]) -> None:
    """What it said before it was removed does not come back."""
    ada, bob = pair
    ada.edit(Update("a", description="old", metadata={"k": "old"}), at=1)
    settle(ada, bob)
    ada.hand_edit({"tasks/a.yaml": None})
    bob.edit(AddNote("b", "meanwhile"), at=3)
    settle(ada, bob)
    bob.edit(Create("New", id="a"), at=4)
    settle(bob, ada)
    task = ada.workspace("plan").snapshot().tasks["a"]
    assert (task.subject, task.description, dict(task.metadata)) == ("New", None, {})
