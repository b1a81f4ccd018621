"""deinit: a clone without a trace of gittasks, and nothing lost that is nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support import gits
from support.clones import on_hub, settle, share
from support.repositories import Repo

from gittasks.core.operations import AddNote


def _traces(repo: Repo) -> list[str]:
    """Refs, files and settings in the git directory that name gittasks; lists and logs apart."""
    refs = repo.git("for-each-ref", "--format=%(refname)", "refs/gittasks/").splitlines()
    paths = [str(p.relative_to(repo.git_dir)) for p in Path(repo.git_dir).rglob("*gittasks*")]
    files = [p for p in paths if not p.startswith(("refs/heads", "refs/remotes", "logs/"))]
    keys = repo.git("config", "--local", "--list", "--name-only").splitlines()
    hooks = Path(repo.git_dir, "hooks")
    named = [str(p) for p in hooks.glob("*") if "gittasks" in p.read_text(errors="replace")]
    return [*refs, *files, *(key for key in keys if "gittasks" in key), *named]


def test_a_clone_is_as_if_gittasks_had_never_been_there(tmp_path: Path) -> None:
    """Hooks, settings, records, refs and choices go, also of a linked worktree; the list stays."""
    (repo,) = share(str(tmp_path), "a")
    linked = Repo(f"{repo.path}-linked")
    repo.git("worktree", "add", "-q", "-b", "side", linked.path)
    linked.ok("use", "plan")
    repo.ok("hooks", "install")
    repo.ok("claude", "install")
    repo.git("config", "gittasks.parallel", "true")
    head = repo.head()
    planned = repo.ok("deinit", "--claude", "--dry-run", "--json").json()
    assert _traces(repo)
    done = repo.ok("deinit", "--claude", "--json").json()
    assert _traces(repo) == []
    assert {**planned, "dryRun": False} == done
    assert repo.head() == head == on_hub(repo)
    assert planned["claude"] == [".claude/settings.local.json"]
    assert not os.path.exists(repo.file(".claude"))
    repo.remove("gittasks")
    assert repo.ok("deinit").out == "nothing of gittasks is in this clone\n"


def test_lists_go_only_when_all_of_them_is_elsewhere(tmp_path: Path) -> None:
    """Asked for, their branches go; unsent work keeps everything as it was."""
    (repo,) = share(str(tmp_path), "a")
    sent = on_hub(repo)
    repo.edit(AddNote("a", "mine alone"))
    repo.ok("hooks", "install")
    before = _traces(repo)
    refused = repo.run("deinit", "--lists", "--json")
    assert refused.code == 5
    assert refused.json()["error"]["lists"] == ["plan"]
    assert _traces(repo) == before
    repo.ok("deinit", "--lists", "--unshared")
    assert repo.git("for-each-ref", "refs/heads/gittasks/", "refs/gittasks/") == ""
    assert on_hub(repo) == sent


def test_records_that_alone_keep_lost_work_are_not_removed_unasked(tmp_path: Path) -> None:
    """A branch that another program moved back: what it lost is only in a ref of ours."""
    (repo,) = share(str(tmp_path), "a")
    sent = repo.head()
    repo.edit(AddNote("a", "mine alone"))
    repo.git("update-ref", "refs/heads/gittasks/plan", sent)
    assert repo.run("deinit").code == 5
    assert repo.ok("lists", "restore", "plan").code == 0
    repo.ok("deinit")


def test_lost_work_that_was_let_go_is_not_told_again(listed: Repo) -> None:
    """A branch whose file is gone: its reflog goes as well, or the list would be missing anew."""
    if not gits.has_ref_files(listed.git_dir):
        pytest.skip("git removes a reflog in a reftable with its branch")
    os.remove(listed.file(".git/refs/heads/gittasks/plan"))
    assert listed.run("deinit").code == 5
    listed.ok("deinit", "--unshared")
    assert "missing" not in listed.ok("lists").err
    listed.ok("deinit")


def test_a_sync_removes_the_leases_that_have_ended(tmp_path: Path) -> None:
    """Here and on the remote; one for a task in progress stays."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    bob.workspace().init("plan", None)
    settle(ada, bob)
    ada.ok("claim", "a", "--lease", "10m", "--as", "agent", env={"GITTASKS_SESSION": "s"})

    def leases() -> str:
        return ada.git("ls-remote", "origin", "refs/gittasks/leases/*")

    assert leases()
    ada.ok("sync")
    assert leases(), "it is at work"
    ada.ok("done", "a", "--as", "agent", env={"GITTASKS_SESSION": "s"})
    ada.ok("sync")
    assert leases() == ""
    assert ada.git("for-each-ref", "refs/gittasks/leases/") == ""
