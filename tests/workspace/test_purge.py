"""A dropped list is deleted for good, and nothing that only one clone has goes with it unasked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.clones import on_hub, settle, share
from support.repositories import GittasksError, Repo

from gittasks.core.model import ListState
from gittasks.core.operations import AddNote
from gittasks.errors import Refused, RemoteFailure
from gittasks.sync import SyncOptions, SyncResult


def _two(folder: Path, *, dropped: bool = True) -> tuple[Repo, Repo]:
    """Two clones that have the list alike, and know that it is dropped."""
    ada, bob = share(str(folder), "ada", "bob")
    bob.workspace().init("plan", None)
    settle(ada, bob)
    if dropped:
        ada.workspace().mark_list("plan", ListState.DROPPED)
        settle(bob, ada)
    return ada, bob


def _all(repo: Repo) -> SyncResult:
    (done,) = repo.workspace().exchange(SyncOptions(True, True), all_lists=True)
    return done


def _traces(repo: Repo) -> list[str]:
    """Refs and files that are about the list; its lock files stay."""
    names = repo.git("for-each-ref", "--format=%(refname)").splitlines()
    folder = Path(repo.git_dir, "gittasks")
    names += [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    names += repo.git("config", "--local", "--list", "--name-only").splitlines()
    return [name for name in names if "plan" in name and not name.startswith(("lock/", "turn/"))]


def test_a_purged_list_is_gone_there_and_here_and_others_follow(tmp_path: Path) -> None:
    """Refs, records and settings of it go, and nothing is reported as missing afterwards."""
    ada, bob = _two(tmp_path)
    purged = ada.workspace().purge_list("plan")
    assert purged.remote == "origin"
    assert purged.head == bob.head()
    assert on_hub(ada) == ""
    assert _traces(ada) == []
    done = _all(bob)
    assert (done.error, done.deleted, done.kept) == (None, True, False)
    assert _traces(bob) == []
    for repo in (ada, bob):
        assert not [f for f in repo.workspace().doctor() if f.list_id == "plan"]
        assert repo.run("sync", "--all").code == 0


def test_a_clone_that_only_fetched_a_list_forgets_it_too(tmp_path: Path) -> None:
    """No tracking ref is left that every later sync would report as removed."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    ada.workspace().mark_list("plan", ListState.DROPPED)
    bob.workspace().exchange(SyncOptions(True, True), all_lists=True)
    assert not bob.git("for-each-ref", "refs/heads/gittasks/")
    ada.workspace().purge_list("plan")
    assert _all(bob).deleted
    assert _traces(bob) == []
    assert bob.workspace().exchange(SyncOptions(True, True), all_lists=True) == []


def test_only_a_dropped_list_is_purged(tmp_path: Path) -> None:
    """The refusal names the step that comes first, and changes nothing."""
    ada, _ = _two(tmp_path, dropped=False)
    before = on_hub(ada)
    with pytest.raises(Refused, match="has not been dropped") as refused:
        ada.workspace().purge_list("plan")
    assert refused.value.commands == (("gittasks", "drop", "plan"),)
    assert on_hub(ada) == ada.head() == before


def test_what_came_after_the_mark_keeps_the_list(tmp_path: Path) -> None:
    """Somebody worked on: it is dropped once more, with that, or not at all."""
    ada, bob = _two(tmp_path)
    bob.edit(AddNote("a", "not so fast"))
    assert not bob.sync().error
    with pytest.raises(Refused, match="1 change came into"):
        ada.workspace().purge_list("plan")
    assert ada.workspace().mark_list("plan", ListState.DROPPED).commit
    ada.workspace().purge_list("plan")
    assert on_hub(ada) == ""
    done = _all(bob)
    assert done.removed, "it was there, all of it"
    assert done.deleted, "and bob knew that it was dropped"


def test_a_remote_that_moved_in_between_keeps_its_branch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deletion is for the head that was seen, whatever comes between the look and it."""
    ada, bob = _two(tmp_path)
    from gittasks.store import removal

    checked = removal.check_not_checked_out

    def meanwhile(*args: object) -> None:
        checked(*args)  # type: ignore[arg-type]
        if not Path(tmp_path, "once").exists():
            Path(tmp_path, "once").touch()
            bob.edit(AddNote("a", "first"))
            assert not bob.sync().error

    monkeypatch.setattr(removal, "check_not_checked_out", meanwhile)
    with pytest.raises(Refused, match="changed on origin meanwhile"):
        ada.workspace().purge_list("plan")
    assert on_hub(ada) == bob.head()
    assert ada.head()


def test_work_that_only_this_clone_has_is_not_purged_unasked(tmp_path: Path) -> None:
    """Neither here, nor where the list was never shared; `--unshared` says that it may go."""
    ada, _ = _two(tmp_path)
    hub = on_hub(ada)
    ada.edit(AddNote("a", "mine alone"))
    ada.workspace().mark_list("plan", ListState.DROPPED, offline=True)
    with pytest.raises(Refused, match="does not have 1 change") as refused:
        ada.workspace().purge_list("plan")
    assert all("--purge" not in command for command in refused.value.commands)
    assert on_hub(ada) == hub
    ada.workspace().purge_list("plan", unshared=True)
    assert on_hub(ada) == ""


def test_a_list_without_a_remote(listed: Repo) -> None:
    """Nobody else has it, so that it goes only when that is said; the choice of it goes too."""
    listed.ok("drop", "plan")
    assert listed.run("drop", "plan", "--purge").code == 5
    assert listed.run("drop", "plan", "--unshared").code == 2
    answer = listed.ok("drop", "plan", "--purge", "--unshared", "--json").json()
    assert (answer["deleted"], answer["remote"]) == (True, None)
    assert _traces(listed) == []
    assert not os.path.exists(os.path.join(listed.git_dir, "gittasks-list"))


def test_without_the_remote_nothing_is_purged(tmp_path: Path) -> None:
    """It has to agree: a branch that stays there would come back."""
    ada, _ = _two(tmp_path)
    ada.git("remote", "set-url", "origin", str(tmp_path / "away"))
    with pytest.raises(RemoteFailure):
        ada.workspace().purge_list("plan")
    assert ada.head()


def test_a_remote_that_forbids_deletion(tmp_path: Path) -> None:
    """Its words are passed on, and the branch here stays."""
    ada, _ = _two(tmp_path)
    Repo(str(tmp_path / "hub.git")).git("config", "receive.denyDeletes", "true")
    with pytest.raises(RemoteFailure, match="did not delete"):
        ada.workspace().purge_list("plan")
    assert ada.head() == on_hub(ada)


def test_a_branch_that_is_checked_out_is_not_deleted(tmp_path: Path) -> None:
    """Not by the purge, and not by a sync that follows one, which says so."""
    ada, bob = _two(tmp_path)
    for repo in (ada, bob):
        repo.git("worktree", "add", "-q", f"{repo.path}-list", "gittasks/plan")
    with pytest.raises(Refused, match="checked out"):
        ada.workspace().purge_list("plan")
    ada.git("worktree", "remove", f"{ada.path}-list")
    ada.workspace().purge_list("plan")
    done = _all(bob)
    assert isinstance(done.error, Refused)
    assert bob.head()
    bob.git("worktree", "remove", f"{bob.path}-list")
    assert _all(bob).deleted


def test_who_has_more_keeps_it_and_can_put_it_back(tmp_path: Path) -> None:
    """Work that never went there is said as an error, and both ways out work."""
    ada, bob = _two(tmp_path)
    bob.edit(AddNote("a", "mine"))
    ada.workspace().purge_list("plan")
    done = _all(bob)
    assert isinstance(done.error, GittasksError)
    assert "1 change here never went there" in done.error.message
    bob.ok("push", "--accept-rewrite", "--list", "plan")
    assert on_hub(bob) == bob.head()


def test_a_branch_that_was_deleted_by_hand_ends_no_sync_of_all_lists(tmp_path: Path) -> None:
    """All of it is here still; it is put back, or dropped here as well."""
    ada, bob = _two(tmp_path, dropped=False)
    ada.git("push", "-q", "origin", ":gittasks/plan")
    for _ in range(2):
        shown = bob.ok("sync", "--all").out
        assert "plan: removed from origin, and all of it is here" in shown
    assert bob.run("sync").code == 7
    bob.ok("drop", "plan", "--offline")
    assert bob.run("drop", "plan", "--purge").code == 0
    assert _traces(bob) == []


def test_a_renamed_branch_is_known_by_the_id_in_it(listed: Repo) -> None:
    """It is not written, and the command that helps is named; so is a copy."""
    listed.git("branch", "-m", "gittasks/plan", "gittasks/other")
    refused = listed.run("note", "a", "x", "--list", "other", "--json").json()["error"]
    back = ["git", "branch", "-m", "gittasks/other", "gittasks/plan"]
    assert refused["decisions"] == [back]
    assert "gittasks init plan --title TEXT" in refused["hint"]
    (found,) = [f for f in listed.workspace().doctor() if f.check == "renamed"]
    assert found.message == refused["message"]
    listed.git("branch", "-c", "gittasks/other", "gittasks/plan")
    copy = listed.run("note", "a", "x", "--list", "other", "--json").json()["error"]
    assert copy["decisions"] == []
    assert "it is a copy" in copy["hint"]
