"""A write touches objects and one ref; what is the user's stays the user's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support import Repo

HOOKS = """
applypatch-msg commit-msg fsmonitor-watchman post-applypatch post-checkout post-commit
post-index-change post-merge post-receive post-rewrite post-update pre-applypatch pre-auto-gc
pre-commit pre-merge-commit pre-push pre-rebase pre-receive prepare-commit-msg proc-receive
push-to-checkout reference-transaction sendemail-validate update
"""


def _trap(folder: str, canary: str) -> None:
    os.makedirs(folder, exist_ok=True)
    for name in HOOKS.split():
        path = os.path.join(folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\necho {name} "$@" >> "{canary}"\nexit 1\n')
        os.chmod(path, 0o700)


def _everything(repo: Repo) -> None:
    """One of each kind of command that writes, and the ones that read."""
    repo.ok("init", "other", "--title", "Other")
    repo.ok("use", "plan")
    repo.ok("create", "New", "--id", "new", "--blocked-by", "a")
    repo.ok("start", "a")
    repo.ok("note", "a", "half way")
    repo.ok("done", "a", "--result", "PASS")
    repo.ok("undo")
    repo.ok("update", "b", "--subject", "Bee")
    repo.ok("delete", "c")
    repo.ok("restore", "c")
    repo.ok("batch", stdin='{"op": "note", "id": "b", "text": "x"}')
    repo.ok("apply", "-", stdin="tasks:\n- subject: Planned\n  id: planned\n")
    for name in ("list", "status", "ready", "log", "lists", "export"):
        repo.ok(name)
    repo.ok("show", "a")


@pytest.mark.parametrize("where", ["hooks", "hooksPath"])
def test_no_hook_of_the_user_ever_runs(listed: Repo, tmp_path: Path, where: str) -> None:
    """Nothing fires: no hook, no fsmonitor, no signing program, no template, no editor."""
    canary = str(tmp_path / "canary")
    program = str(tmp_path / "program")
    Path(program).write_text(f'#!/bin/sh\necho "$0 $@" >> "{canary}"\nexit 1\n')
    os.chmod(program, 0o700)
    if where == "hooks":
        _trap(os.path.join(listed.git_dir, "hooks"), canary)
    else:
        _trap(str(tmp_path / "elsewhere"), canary)
        listed.git("config", "core.hooksPath", str(tmp_path / "elsewhere"))
    for key, value in {
        "commit.gpgSign": "true",
        "gpg.program": program,
        "user.signingKey": "0xDEADBEEF",
        "commit.template": str(tmp_path / "no-such-template"),
        "core.fsmonitor": program,
        "core.editor": program,
        "core.pager": program,
        "core.sshCommand": program,
        "credential.helper": program,
        "filter.trap.clean": program,
        "filter.trap.smudge": program,
        "diff.external": program,
    }.items():
        listed.git("config", key, value)
    Path(listed.git_dir, "info", "attributes").write_text("* filter=trap diff=trap\n")
    _everything(listed)
    assert not os.path.exists(canary), Path(canary).read_text()


def test_index_work_tree_head_and_stash_stay_as_they_are(listed: Repo) -> None:
    listed.write("code.txt", "stashed\n")
    listed.git("stash")
    listed.write("code.txt", "staged\n")
    listed.git("add", "code.txt")
    listed.write("code.txt", "staged\nand not\n")
    listed.write("new.txt", "untracked\n")

    def state() -> dict[str, bytes | str]:
        files = {n: Path(listed.git_dir, n).read_bytes() for n in ("index", "HEAD", "logs/HEAD")}
        files |= {n: Path(listed.path, n).read_bytes() for n in ("code.txt", "new.txt")}
        git = {
            "status": listed.git("--no-optional-locks", "status", "--porcelain=v2"),
            "stash": listed.git("stash", "list", "--format=%H"),
            "names": " ".join(sorted(os.listdir(listed.path))),
            "refs": listed.git("for-each-ref", "refs/stash", "refs/heads/main", "refs/tags"),
        }
        return {**files, **git}

    before = state()
    _everything(listed)
    assert state() == before


def test_a_clean_work_tree_stays_clean_and_its_index_byte_for_byte(listed: Repo) -> None:
    index = Path(listed.git_dir, "index").read_bytes()
    _everything(listed)
    assert Path(listed.git_dir, "index").read_bytes() == index
    assert listed.git("status", "--porcelain") == ""


def test_only_the_refs_of_lists_move(listed: Repo) -> None:
    listed.git("tag", "v1")
    listed.git("branch", "gittasks-not")
    before = listed.git("for-each-ref")
    _everything(listed)
    after = listed.git("for-each-ref").split("\n")
    others = [line for line in after if "refs/heads/gittasks/" not in line]
    assert others == [line for line in before.split("\n") if "refs/heads/gittasks/" not in line]


def test_an_unborn_head_is_no_obstacle(tmp_path: Path) -> None:
    """A list can be made before the first commit of code, and makes none."""
    place = Repo(str(tmp_path / "fresh"))
    os.mkdir(place.path)
    place.git("init", "-q")
    place.ok("init", "plan")
    place.ok("create", "First", "--id", "first")
    assert place.git("symbolic-ref", "HEAD") == "refs/heads/main"
    assert place.git("for-each-ref", "--format=%(refname)") == "refs/heads/gittasks/plan"
    assert place.git("status", "--porcelain") == ""
