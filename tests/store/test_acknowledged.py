"""What was acknowledged here stays known, whatever another program does to the branch."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support import gits
from support.repositories import Repo

from gittasks.core.operations import AddNote
from gittasks.errors import DiskFailure
from gittasks.store import acknowledged

BRANCH = "gittasks/plan"
RECORD = ".git/gittasks/acknowledged/gittasks/plan"


def _delete(repo: Repo) -> None:
    repo.git("branch", "-D", BRANCH)


def _move_back(repo: Repo) -> None:
    repo.git("branch", "-f", BRANCH, f"{BRANCH}~1")


def _sideways(repo: Repo) -> None:
    """Another commit in the place of the last one."""
    tree = repo.git("rev-parse", f"{BRANCH}~1^{{tree}}")
    repo.git("branch", "-f", BRANCH, repo.git("commit-tree", tree, "-p", f"{BRANCH}~1", "-m", "x"))


def _lose_packed_refs(repo: Repo) -> None:
    if not gits.has_ref_files(repo.git_dir):
        pytest.skip("it is about refs that are files")
    repo.git("pack-refs", "--all")
    os.remove(repo.file(".git/packed-refs"))
    repo.git("fetch", "-q")


WAYS = {f.__name__: f for f in (_delete, _move_back, _sideways, _lose_packed_refs)}


@pytest.fixture
def shared(listed: Repo, tmp_path: Path) -> Repo:
    """A list that is on a remote, and one change that is not."""
    listed.git("init", "-q", "--bare", str(tmp_path / "hub"))
    listed.git("remote", "add", "origin", str(tmp_path / "hub"))
    listed.git("push", "-q", "origin", "HEAD:refs/heads/main")
    listed.ok("sync")
    listed.ok("note", "a", "Only here")
    return listed


def _notes(repo: Repo) -> list[str]:
    return [note["text"] for note in repo.tasks()["a"].get("notes", [])]


@pytest.mark.parametrize("way", WAYS)
def test_reads_and_doctor_say_what_is_gone_until_it_is_brought_back(shared: Repo, way: str) -> None:
    """No sync fails over it, and neither that nor a write of ours changes it."""
    WAYS[way](shared)
    assert _notes(shared) == []
    for args in (("list",), ("status",), ("sync",), ("list",)):
        shared.ok(*args)
        assert "1 change made here is missing" in shared.ok("list").err
    shared.ok("note", "b", "Later")
    assert "1 change made here is missing" in shared.ok("list").err
    assert any(s["check"] == "lost" for s in shared.run("doctor", "--json").json()["findings"])
    assert "restored 1 change of plan" in shared.ok("lists", "restore", "plan").out
    assert _notes(shared) == ["Only here"]
    assert "gone" not in shared.ok("list").err
    assert shared.tasks()["b"]["notes"][0]["text"] == "Later"
    assert "nothing is missing from plan" in shared.ok("lists", "restore", "plan").out
    shared.ok("sync")
    shared.fsck()


@pytest.mark.parametrize("way", WAYS)
def test_what_is_let_go_is_not_told_again(shared: Repo, way: str) -> None:
    """It was removed on purpose, and stays away."""
    WAYS[way](shared)
    assert "1 change made here is missing" in shared.ok("list").err
    assert "forgot 1 change of plan" in shared.ok("lists", "forget", "plan").out
    assert "gone" not in shared.ok("list").err
    shared.ok("note", "b", "Later")
    assert "gone" not in shared.ok("list").err
    assert _notes(shared) == []


@pytest.mark.parametrize("lost", ["record", "refs"])
def test_the_record_or_the_refs_may_be_lost(shared: Repo, lost: str) -> None:
    """A power cut takes back the one, a pruning mirror fetch the other."""
    if lost == "record":
        os.remove(shared.file(RECORD))
    else:
        for ref in shared.git("for-each-ref", "--format=%(refname)", "refs/gittasks").split():
            shared.git("update-ref", "-d", ref)
    _move_back(shared)
    assert "1 change made here is missing" in shared.ok("list").err
    shared.ok("lists", "restore", "plan")
    assert _notes(shared) == ["Only here"]


@pytest.mark.parametrize("stale", ["record", "refs"])
def test_the_record_or_the_refs_may_be_of_before(shared: Repo, stale: str) -> None:
    """The disk refused one of the two at the last write: the other one has its head."""
    place, ref = Path(shared.file(RECORD)), "refs/gittasks/acknowledged/gittasks/plan/0"
    record, head = place.read_bytes(), shared.head()
    shared.ok("note", "a", "The last")
    if stale == "record":
        place.write_bytes(record)
    else:
        shared.git("update-ref", ref, head)
    _delete(shared)
    shared.git("update-ref", "-d", "refs/remotes/origin/gittasks/plan")
    assert "restored 3 changes of plan" in shared.ok("lists", "restore", "plan").out
    assert _notes(shared) == ["Only here", "The last"]
    assert shared.git("for-each-ref", "--format=%(objectname)", "refs/gittasks") == shared.head()


def test_a_head_that_cannot_be_compared_is_recorded_as_lost(
    shared: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails at the comparison keeps neither the old head nor the new one out."""
    old = shared.head()
    _move_back(shared)
    repository, before = shared.workspace("plan").repository, shared.head()
    new = shared.git("commit-tree", f"{before}^{{tree}}", "-p", before, "-m", "Later")

    def unreadable(*_: object) -> tuple[str, ...]:
        raise DiskFailure("the disk reports an I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(acknowledged, "_missing", unreadable)
        acknowledged.note(repository, "plan", before, new)
    assert acknowledged.read(repository, "plan") == acknowledged.Record(new, (old,))


def test_a_mirror_fetch_takes_nothing_away_for_good(shared: Repo) -> None:
    """It moves the branch back, and prunes our refs too."""
    shared.git("checkout", "-q", "--detach")
    shared.git("fetch", "-q", "--prune", "origin", "+refs/*:refs/*")
    assert "1 change made here is missing" in shared.ok("list").err
    shared.ok("lists", "restore", "plan")
    assert _notes(shared) == ["Only here"]


def test_a_list_that_is_gone_whole_is_brought_back(listed: Repo) -> None:
    """It was nowhere else: the error and doctor name the command; `git gc` took nothing."""
    tree = listed.git("rev-parse", f"{BRANCH}^{{tree}}")
    _delete(listed)
    listed.git("reflog", "expire", "--expire=now", "--all")
    listed.git("gc", "-q", "--prune=now")
    refused = listed.run("list", "--list", "plan", "--json")
    assert refused.code == 8
    [command] = refused.json()["error"]["commands"]
    assert command[:4] == ["gittasks", "lists", "restore", "plan"]
    assert "gittasks lists restore plan" in listed.run("doctor").out
    listed.ok(*command[1:])
    assert listed.git("rev-parse", f"{BRANCH}^{{tree}}") == tree


def test_restoring_one_list_tells_of_the_other_that_is_gone(listed: Repo) -> None:
    """The answer shows all lists, and what is missing from them, as `lists` does."""
    listed.ok("init", "other")
    listed.ok("create", "X", "--list", "other")
    listed.git("update-ref", "-d", "refs/heads/gittasks/other")
    _move_back(listed)
    for output in ([], ["--json"]):
        assert "gittasks lists restore other" in listed.ok("lists", "restore", "plan", *output).err


def test_a_rebase_or_a_pull_of_git_loses_nothing(shared: Repo, tmp_path: Path) -> None:
    """An operation is known in its copy, and who only goes on from the head has all of it."""
    base = shared.git("commit-tree", f"{BRANCH}~1^{{tree}}", "-p", f"{BRANCH}~1", "-m", "x")
    shared.git("worktree", "add", "-q", str(tmp_path / "tree"), BRANCH)
    tree = Repo(str(tmp_path / "tree"))
    tree.git("rebase", "-q", base)
    assert "gone" not in shared.ok("list").err
    tree.git("commit", "-q", "--allow-empty", "-m", "by hand")
    assert "gone" not in shared.ok("list").err
    shared.ok("note", "b", "Later")
    assert "gone" not in shared.ok("list").err


def test_only_a_list_can_be_restored(listed: Repo) -> None:
    """An id of nothing is named, and an action takes one."""
    assert listed.run("lists", "restore", "other").code == 8
    assert listed.run("lists", "forget").code == 2
    assert listed.run("lists", "remove", "plan").code == 2


def test_a_record_of_nothing_leaves_no_ref(listed: Repo) -> None:
    """A branch that another program deletes in that moment is not missed later for the ref."""
    repository = listed.workspace("plan").repository
    guards = "refs/gittasks/acknowledged/"
    assert [*repository.refs.listed(guards)]
    acknowledged.replace(repository, "plan", None)
    assert not [*repository.refs.listed(guards)]
    assert acknowledged.read(repository, "plan") == acknowledged.Record()


def test_what_is_recorded_of_which_lists(listed: Repo) -> None:
    """By file or by ref, under the prefix that branches have now; a draft is no list."""
    folder = Path(listed.git_dir, "gittasks", "acknowledged")
    head = listed.head()
    for name in ("gittasks/two", "gittasks/two~7-1", "gittasks/a b", "other/three", "four"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"{head}\n")
    listed.git("update-ref", "refs/gittasks/acknowledged/gittasks/five/0", head)
    repository = listed.workspace().repository
    assert acknowledged.lists(repository) == ["five", "plan", "two"]
    listed.git("config", "gittasks.branchPrefix", "")
    assert acknowledged.lists(listed.workspace().repository) == ["four"]


def test_a_record_is_read_from_its_file_and_else_from_refs(listed: Repo) -> None:
    """Its last whole line: the head, then those of which something is missing; no other words."""
    repository = listed.workspace().repository
    ids = ("a" * 40, "b" * 40, "c" * 40)
    path = Path(listed.git_dir, "gittasks", "acknowledged", *BRANCH.split("/"))
    path.write_text(f"{ids[2]}\n{ids[0]} nonsense {ids[1]} {ids[2]}\n\nnonsense\n{ids[1]}")
    record = acknowledged.read(repository, "plan")
    assert record == acknowledged.Record(ids[0], ids[1:])
    assert record.heads == (*ids[1:], ids[0])
    assert acknowledged.all_heads(repository, "plan") == (*record.heads, listed.head())
    path.write_text("nonsense\n")
    assert acknowledged.read(repository, "plan") == acknowledged.Record()
    path.unlink()
    assert acknowledged.read(repository, "plan") == acknowledged.Record(listed.head())
    acknowledged.replace(repository, "plan", None)
    assert acknowledged.all_heads(repository, "plan") == ()
    earlier = listed.git("rev-parse", f"{listed.head()}~1")
    acknowledged.write(repository, "plan", acknowledged.Record(listed.head(), (earlier,)))
    path.unlink()
    assert acknowledged.read(repository, "plan").lost == (earlier,)
    acknowledged.replace(repository, "plan", earlier)
    assert acknowledged.all_heads(repository, "plan") == (earlier,)
    acknowledged.drop(repository, "plan")
    assert not path.exists()
    assert acknowledged.all_heads(repository, "plan") == ()


def test_what_a_move_may_have_lost_is_noted_until_it_is_there(listed: Repo) -> None:
    repository = listed.workspace("plan").repository
    first, second = listed.head(), listed.edit(AddNote("a", "x"))
    third = listed.git("commit-tree", f"{first}^{{tree}}", "-p", first, "-m", "apart")
    acknowledged.replace(repository, "plan", second)
    acknowledged.note(repository, "plan", first, third)
    record = acknowledged.read(repository, "plan")
    assert record == acknowledged.Record(third, (second,))
    assert len(acknowledged.lost(repository, "plan", [third])) == 1
    assert acknowledged.lost(repository, "plan", [third, second]) == ()
    acknowledged.replace(repository, "plan", second)
    acknowledged.note(repository, "plan", second, third)
    assert acknowledged.read(repository, "plan") == acknowledged.Record(third), "it was there"
    acknowledged.note(repository, "plan", None, third)
    assert acknowledged.read(repository, "plan") == acknowledged.Record(third)
    acknowledged.replace(repository, "plan", "d" * 40)
    acknowledged.note(repository, "plan", first, third)
    assert acknowledged.read(repository, "plan").lost == ("d" * 40,), "nobody can tell"


def test_a_record_is_added_behind_those_of_before_until_there_are_many(listed: Repo) -> None:
    """Each on a line of its own, also behind one that a power cut has torn."""
    repository, path = listed.workspace("plan").repository, Path(listed.file(RECORD))
    first, second = listed.head(), listed.edit(AddNote("a", "x"))
    acknowledged.replace(repository, "plan", first)
    path.write_bytes(path.read_bytes() + b"\0\0torn")
    acknowledged.note(repository, "plan", first, second)
    assert path.read_text().split("\n") == [first, "\0\0torn", second, ""]
    assert acknowledged.read(repository, "plan") == acknowledged.Record(second)
    for _ in range(200):
        acknowledged.note(repository, "plan", second, second)
    assert path.stat().st_size < 4200
    assert acknowledged.read(repository, "plan") == acknowledged.Record(second)


def test_a_record_of_an_earlier_form_is_read_as_it_was_meant(listed: Repo) -> None:
    """An id a line: the head, then those of which something is missing; what is added is a line."""
    repository, path = listed.workspace("plan").repository, Path(listed.file(RECORD))
    lost, head = "b" * 40, listed.head()
    path.write_text(f"{head}\n{lost}\n")
    assert acknowledged.read(repository, "plan") == acknowledged.Record(head, (lost,))
    new = listed.edit(AddNote("a", "x"))
    assert acknowledged.read(repository, "plan") == acknowledged.Record(new, (lost,))


def test_a_lost_branch_of_code_is_no_list(repo: Repo) -> None:
    """Without a prefix a list may be called as it was; its reflog is left to git."""
    if not gits.has_ref_files(repo.git_dir):
        pytest.skip("git removes a reflog in a reftable with its branch")
    repo.git("config", "gittasks.branchPrefix", "")
    repo.git("branch", "side")
    os.remove(repo.file(".git/refs/heads/side"))
    assert acknowledged.all_heads(repo.workspace().repository, "side") == ()
    repo.run("lists", "forget", "side")
    assert os.path.exists(repo.file(".git/logs/refs/heads/side"))
    repo.ok("init", "side")
