"""Forges that check who made a commit and whether it is signed; what people see on them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.repositories import Repo, git, plan

_MAIL = """
    case $(git log -1 --format=%ce,%ae "$commit") in
      *@example.com,*@example.com) ;;
      *) echo "GL: committer's email of $commit is not of example.com"; exit 1 ;;
    esac"""
_SIGNED = """
    git verify-commit "$commit" || { echo "commits must have verified signatures"; exit 1; }"""


_NAMES = """
    case $ref in
      refs/heads/claude/*) ;;
      *) echo "only branches claude/* may be pushed"; exit 1 ;;
    esac"""


@pytest.fixture
def forge(tmp_path: Path) -> Path:
    """A bare repository, with a key that it knows beside it."""
    hub = tmp_path / "hub.git"
    git(str(tmp_path), "init", "-q", "--bare", str(hub))
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True
    )
    public = (tmp_path / "key.pub").read_text(encoding="utf-8")
    (tmp_path / "signers").write_text(f"*@example.com {public}", encoding="utf-8")
    git(str(hub), "config", "gpg.format", "ssh")
    git(str(hub), "config", "gpg.ssh.allowedSignersFile", str(tmp_path / "signers"))
    return hub


def _clone(forge: Path, name: str) -> Repo:
    """A repository with code on the forge."""
    repo = Repo.create(str(forge.parent / name))
    repo.git("remote", "add", "origin", str(forge))
    repo.git("push", "-q", "-f", "origin", "main")
    return repo


def _check(forge: Path, *checks: str) -> None:
    hook = forge / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    commits = '$(git rev-list "$new" --not --all)'
    lines = ["#!/bin/sh", "while read old new ref; do", f"  for commit in {commits}; do"]
    hook.write_text("\n".join([*lines, *checks, "  done", "done", ""]), encoding="utf-8")
    hook.chmod(0o755)


def _sign(repo: Repo, forge: Path) -> None:
    repo.git("config", "gpg.format", "ssh")
    repo.git("config", "user.signingKey", str(forge.parent / "key.pub"))
    repo.git("config", "gittasks.sign", "true")


def _say_so(repo: Repo) -> None:
    repo.git("config", "gittasks.identity", "Tasks <tasks@example.com>")


def test_a_refusal_of_the_name_of_the_branch_names_the_setting_and_it_helps(forge: Path) -> None:
    ann = plan(_clone(forge, "ann"), "a")
    ann.ok("sync")
    ann.ok("note", "a", "more")
    _check(forge, _NAMES)
    for words in (["sync"], ["claim", "a"]):
        refusal = ann.run(*words)
        assert refusal.code == 7
        assert "git config gittasks.pushAs NAME" in refusal.err
    ann.git("config", "gittasks.pushAs", "claude/tasks-*")
    ann.ok("sync")
    assert ann.git("ls-remote", "origin", "refs/heads/claude/tasks-plan").split()[0] == ann.head()


def test_a_refusal_names_both_settings_and_they_help(forge: Path) -> None:
    """What was never pushed is made anew, with the same trees, authors and dates."""
    ann = plan(_clone(forge, "ann"), "a", "b")
    ann.ok("start", "a")
    _check(forge, _MAIL)
    done = ann.run("sync")
    assert done.code == 7
    assert "gittasks.identity" in done.err
    assert "gittasks.sign" in done.err
    before = ann.git("log", "--format=%T %ad %s", "gittasks/plan")
    _say_so(ann)
    ann.ok("sync")
    assert ann.git("log", "--format=%T %ad %s", "gittasks/plan") == before
    people = set(ann.git("log", "--format=%ae", "gittasks/plan").split())
    assert people == {"tasks@example.com", "ada@example.com"}
    head = ann.head()
    ann.ok("sync")
    assert ann.head() == head
    assert ann.git("fsck", "--strict", "--no-dangling") == ""


def test_signatures_of_operations_merges_and_roots(forge: Path) -> None:
    """The forge verifies each commit that it takes, also of clones that worked apart."""
    ann, bob = _clone(forge, "ann"), _clone(forge, "bob")
    for repo in (ann, bob):
        _say_so(repo)
        _sign(repo, forge)
    _check(forge, _MAIL, _SIGNED)
    plan(ann, "a", "b")
    ann.ok("sync")
    bob.ok("pull")
    ann.ok("start", "a")
    bob.ok("update", "a", "--priority", "1")
    ann.ok("sync")
    bob.ok("sync")
    ann.ok("sync")
    assert ann.head() == bob.head()
    assert ann.ok("claim", "b", "--parallel").code == 0
    assert ann.run("conflicts").code == 0
    assert ann.git("log", "-1", "--format=%s", "gittasks/plan^") == "plan: automatic merge"


def test_clones_of_other_identities_agree(forge: Path) -> None:
    """Whoever makes a root or an automatic merge: the trees are the same, and nothing conflicts."""
    ann, bob = _clone(forge, "ann"), _clone(forge, "bob")
    _say_so(ann)
    plan(ann, "a", "b")
    plan(bob, "c")
    for repo in (ann, bob, ann, bob):
        repo.ok("sync")
    assert ann.head() == bob.head()
    for _ in range(2):
        ann.ok("note", "a", "x")
        bob.ok("note", "c", "y")
        for repo in (ann, bob, ann):
            repo.ok("sync")
        assert ann.head() == bob.head()
    assert set(ann.tasks()) == {"a", "b", "c"}
    assert ann.run("conflicts").code == bob.run("conflicts").code == 0


def test_commits_that_were_pushed_stay(forge: Path) -> None:
    """Settings that come later change nothing of what others have."""
    ann = plan(_clone(forge, "ann"), "a")
    ann.ok("sync")
    pushed = ann.head()
    ann.ok("start", "a")
    _say_so(ann)
    _sign(ann, forge)
    ann.ok("sync")
    assert ann.git("merge-base", pushed, "gittasks/plan") == pushed
    assert "gpgsig" in ann.git("cat-file", "commit", "gittasks/plan")
    assert "gpgsig" not in ann.git("cat-file", "commit", pushed)


@pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")
def test_gpg_signs_as_well(forge: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a key without a passphrase, found by the committer's address, the root too."""
    home = tmp_path / "g"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    params = ["--batch", "--passphrase", "", "--quick-gen-key", "Ada <ada@example.com>"]
    params += ["ed25519", "sign"]
    made = subprocess.run(["gpg", *params], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"gpg makes no key here: {made.stderr}")
    ann = plan(_clone(forge, "ann"), "a")
    _check(forge, _MAIL, _SIGNED)
    git(str(forge), "config", "--unset", "gpg.format")
    for refused in ("a root by nobody", "no signature"):
        assert ann.run("sync").code == 7, refused
        _say_so(ann)
    ann.git("config", "gittasks.sign", "true")
    ann.ok("sync")
    ann.ok("start", "a")
    ann.ok("sync")
    assert set(ann.git("log", "--format=%G?", "gittasks/plan").split()) == {"G"}
    subprocess.run(["gpgconf", "--kill", "all"], check=False)


@pytest.mark.parametrize("key", [None, "/nowhere/key.pub"])
def test_a_signature_that_cannot_be_made_writes_nothing(listed: Repo, key: str | None) -> None:
    """The error says so, before anything is in the history."""
    listed.git("config", "gittasks.sign", "true")
    listed.git("config", "gpg.format", "ssh")
    if key:
        listed.git("config", "user.signingKey", key)
    head = listed.head()
    done = listed.run("start", "a")
    assert done.code == 4
    assert "user.signingKey" in done.err
    assert listed.head() == head


def test_the_branch_says_what_it_is(listed: Repo) -> None:
    """Three lines for people who meet it on a forge; they stay in later commits."""
    listed.ok("start", "a")
    lines = listed.git("show", "gittasks/plan:README.md").splitlines()
    assert len(lines) == 3
    assert "`gittasks list --list plan`" in lines[2]
    assert not os.path.exists(listed.file("README.md"))
