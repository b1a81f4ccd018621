"""A write touches objects and one ref; what is the user's stays the user's."""

from __future__ import annotations

import os
import stat
import subprocess
import time
from pathlib import Path

import pytest
from support import gits, repositories
from support.repositories import Repo

from gittasks.store import transaction

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
        own = ["index", "HEAD", *(["logs/HEAD"] if gits.has_ref_files(listed.git_dir) else [])]
        files = {n: Path(listed.git_dir, n).read_bytes() for n in own}
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
    ours = ("refs/heads/gittasks/", "refs/gittasks/")
    others = [line for line in after if not any(prefix in line for prefix in ours)]
    assert others == [
        line for line in before.split("\n") if not any(prefix in line for prefix in ours)
    ]


def test_an_unborn_head_is_no_obstacle(tmp_path: Path) -> None:
    """A list can be made before the first commit of code, and makes none."""
    place = Repo(str(tmp_path / "fresh"))
    os.mkdir(place.path)
    place.git("init", "-q")
    place.ok("init", "plan")
    place.ok("create", "First", "--id", "first")
    assert place.git("symbolic-ref", "HEAD") == "refs/heads/main"
    branches = place.git("for-each-ref", "--format=%(refname)", "refs/heads", "refs/tags")
    assert branches == "refs/heads/gittasks/plan"
    assert place.git("status", "--porcelain") == ""


def test_upkeep_packs_and_runs_no_hook(listed: Repo, tmp_path: Path) -> None:
    """`git maintenance` for real, with a pre-auto-gc hook that would stop it."""
    canary = tmp_path / "canary"
    _trap(os.path.join(listed.git_dir, "hooks"), str(canary))
    listed.git("config", "gc.auto", "1")
    names = [f"blob {i}" for i in range(1200)]
    listed.git("hash-object", "-w", "--stdin-paths", stdin=_files(tmp_path, names))
    repository = listed.workspace().repository
    assert transaction.is_due(repository)
    transaction.start(repository)
    assert transaction._running[-1].wait(60) == 0
    for _ in range(600):
        if list(Path(listed.git_dir, "objects", "pack").glob("*.pack")):
            break
        time.sleep(0.1)
    else:
        raise AssertionError("git maintenance packed nothing")
    assert not canary.exists(), canary.read_text()


def _files(folder: Path, contents: list[str]) -> str:
    """Paths of files with these contents, one a line."""
    for number, content in enumerate(contents):
        (folder / f"f{number}").write_text(content)
    return "".join(f"{folder}/f{number}\n" for number in range(len(contents)))


@pytest.mark.parametrize(
    ("setting", "file", "folder"),
    [("group", 0o660, 0o2770), ("all", 0o664, 0o2775), ("0640", 0o640, 0o2750)],
)
def test_core_shared_repository_is_honoured(
    listed: Repo, setting: str, file: int, folder: int
) -> None:
    """Objects, refs, locks, caches and their folders get the mode that git would give."""
    listed.git("config", "core.sharedRepository", setting)
    listed.remove("gittasks")
    before = set(Path(listed.git_dir).rglob("*"))
    code = f"umask 077; exec '{repositories.GITTASKS}' init other --title Other"
    subprocess.run(["sh", "-c", code], cwd=listed.path, check=True, capture_output=True)
    subprocess.run(
        ["sh", "-c", f"umask 077; exec '{repositories.GITTASKS}' list"],
        cwd=listed.path, check=True, capture_output=True,
    )  # fmt: skip
    made = {path for path in Path(listed.git_dir).rglob("*") if path not in before}
    kinds = {path.relative_to(listed.git_dir).parts[0] for path in made}
    files = gits.has_ref_files(listed.git_dir)
    assert {"objects", "gittasks", *(("refs", "logs") if files else ("reftable",))} <= kinds
    for path in sorted(made):
        mode = stat.S_IMODE(path.stat().st_mode)
        expected = folder if path.is_dir() else file
        if "objects" in path.parts and path.is_file():
            expected &= ~0o222
        assert oct(mode) == oct(expected), path
