"""Lists on disks with the rules of other systems, real ones, which the kernel mounts."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import clones, disks, gits, systems
from support.repositories import Repo

SMB = ("no-links", "no-folder-sync", "busy-renames")
NFS = ("lost-renames", "full")
MAC = ("ignores-case", "decomposes", "utf-8")


@pytest.fixture
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A disk with the rules of the parameter."""
    with disks.mounted(tmp_path, *request.param) as mountpoint:
        yield mountpoint


def _leftovers(repo: Repo) -> list[str]:
    """Files in the git directory that are no more than drafts."""
    files = [name for _, _, names in os.walk(repo.git_dir) for name in names]
    return [name for name in files if name.startswith("tmp_obj_") or "~" in name]


def _live(repo: Repo) -> None:
    """A day of a list: worked on, claimed, shared, taken back; git finds nothing wrong."""
    for line in (
        "create D --id d --blocked-by a",
        "start a",
        "done a --result PASS",
        "undo",
        "claim b --parallel",
        "done b",
        "sync",
        "hooks install",
        "doctor",
    ):
        repo.ok(*line.split())
    states = {task["id"]: task["status"] for task in repo.tasks().values()}
    assert states == {"a": "in_progress", "b": "completed", "c": "pending", "d": "pending"}
    assert clones.on_hub(repo) == repo.head()
    repo.fsck()


@pytest.mark.parametrize("disk", [{*SMB, *NFS}], indirect=True, ids=["servers"])
def test_a_list_is_written_and_shared(disk: Path) -> None:
    """No rename is lost, none is done twice, and nothing is left over."""
    repo = clones.share(str(disk), "ada")[0]
    Path(repo.git_dir, "hooks").mkdir(exist_ok=True)
    hook = Path(repo.git_dir, "hooks", "post-commit")
    hook.write_text("#!/bin/sh\n", encoding="utf-8")
    hook.chmod(0o755)
    log = disk.parent / "log"
    for task, env in (("a", {}), ("b", systems.macos(log)), ("c", systems.windows(log))):
        repo.ok("hooks", "install", env=env)  # keeps the one that is there by a link, or a copy
        repo.ok("done", task, "--result", "PASS", env=env)
        repo.ok("hooks", "uninstall", env=env)
        assert hook.read_text(encoding="utf-8") == "#!/bin/sh\n"
    repo.ok("sync")
    assert clones.on_hub(repo) == repo.head()
    assert [task["result"] for task in repo.tasks().values()] == ["PASS"] * 3
    assert _leftovers(repo) == []


@pytest.mark.deep
@pytest.mark.parametrize("disk", [SMB, NFS, MAC], indirect=True, ids=["smb", "nfs", "mac"])
def test_a_list_lives_on_the_disk(disk: Path) -> None:
    repo = clones.share(str(disk), "ada")[0]
    repo.ok("init", "other")
    repo.ok("use", "plan")
    _live(repo)
    assert _leftovers(repo) == []


@pytest.mark.parametrize("disk", [NFS], indirect=True, ids=["nfs"])
def test_a_full_disk_is_told_and_nothing_is_lost(disk: Path) -> None:
    repo = clones.share(str(disk), "ada")[0]
    before = repo.head()
    (disk.parent / "disk-files" / "full").touch()
    wrong = repo.run("start", "a")
    assert wrong.code == 4
    assert "the disk is full" in wrong.err
    (disk.parent / "disk-files" / "full").unlink()
    assert repo.head() == before
    repo.ok("start", "a")
    repo.fsck()


@gits.files_only
@pytest.mark.parametrize("disk", [MAC], indirect=True, ids=["mac"])
def test_names_are_found_as_the_disk_stores_them(disk: Path) -> None:
    """A list in another case is the stored one; a plan is found, and paths that it names agree."""
    repo = clones.share(str(disk), "ada")[0]
    env = systems.macos(disk.parent / "log")
    repo.ok("start", "a", "--list", "PLAN", env=env)
    assert repo.tasks()["a"]["status"] == "in_progress"
    assert os.listdir(repo.file(".git/refs/heads/gittasks")) == ["plan"]
    composed, decomposed = (unicodedata.normalize(form, "pläne.md") for form in ("NFC", "NFD"))
    repo.write(composed, "- [ ] Ärger\n")
    assert decomposed in os.listdir(repo.path)
    repo.ok("apply", composed, env=env)
    repo.ok("apply", decomposed, env=env)
    subjects = [task["subject"] for task in repo.tasks().values()]
    assert subjects.count("Ärger") == 1
