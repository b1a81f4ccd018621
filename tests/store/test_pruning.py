"""Objects that git removes beside a write are written again: nothing acknowledged is lost."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from support import gits
from support.faults import CASES, EACH, Fault, injected, parts_done, perform, prepared
from support.pruning import (
    EmptyFolders,
    loose,
    object_id,
    pack_new,
    reachable,
    survive_prunes,
)
from support.repositories import Repo

from gittasks.core.operations import AddNote
from gittasks.store import journal


@pytest.mark.parametrize(("name", "step"), [("note", 5), ("claim", 37)])
def test_a_prune_between_two_steps_takes_nothing(
    name: str, step: int, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that began before the command, and removes what it saw no ref name.

    What it removes after the command has ended, the next one puts back.
    """
    assert survive_prunes(
        str(tmp_path), name, lambda count: range(count + 1, count // 3, -step), capsys
    )


@pytest.mark.parametrize("name", ["note", "init", "claim"])
def test_a_folder_that_git_removes_while_it_is_empty_is_made_again(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of objects, refs and reflogs: before each call, until it was removed twelve times."""
    case = CASES[name]
    repo = prepared(str(tmp_path / "x"), case)
    repo.git("pack-refs", "--all", "--prune")
    repo.git("repack", "-adq")
    git = EmptyFolders(repo, 12)
    with injected(repo.path, Fault(EACH, 0, beside=git)):
        code = perform(repo, case)
    assert (code, capsys.readouterr().err.count("error")) == (0, 0)
    folders = {os.path.relpath(path, repo.git_dir).split(os.sep)[0] for path in git.removed}
    assert folders >= ({"objects", "refs"} if gits.has_ref_files(repo.git_dir) else {"objects"})
    assert parts_done(repo, case) == {True}
    repo.fsck()


def test_objects_that_git_packs_at_once_are_not_written_over_and_over(
    listed: Repo, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each loose one goes, with its folder, before the call that comes next."""
    known, packed = reachable(listed), 0

    def git() -> None:
        nonlocal packed
        packed += pack_new(listed, known)

    with injected(listed.path, Fault(EACH, 0, beside=git)):
        assert perform(listed, CASES["note"]) == 0, capsys.readouterr().err
    assert packed
    assert parts_done(listed, CASES["note"]) == {True}
    listed.fsck()


def test_a_pack_that_takes_acknowledged_work_with_it_does_no_harm(listed: Repo) -> None:
    """`maintenance` packs what is loose, and a repack that began before removes that pack.

    The branch goes on from there for some writes: all that is lacking is put back.
    """
    known = reachable(listed)
    for text in ("one", "two"):
        listed.ok("note", "a", text)
    young = [object_id(path) for path in loose(listed) if object_id(path) not in known]
    pack = listed.git("pack-objects", "-q", ".git/objects/pack/loose", stdin="\n".join(young))
    listed.git("prune-packed", "-q")
    listed.ok("note", "a", "three")
    for path in Path(listed.git_dir, "objects", "pack").glob(f"loose-{pack}.*"):
        path.unlink()
    time.sleep(0.2)  # the folder of packs has to have been changed a while ago to tell of a change
    listed.ok("note", "a", "four")
    assert [n["text"] for n in listed.tasks()["a"]["notes"]] == ["one", "two", "three", "four"]
    listed.fsck()
    listed.remove("gittasks", "cache")
    assert listed.count() == 6


def _vanish(repo: Repo, *names: str) -> None:
    for name in names:
        there = repo.git("rev-parse", name)
        os.unlink(os.path.join(repo.git_dir, "objects", there[:2], there[2:]))


def test_a_reader_puts_back_what_it_misses(listed: Repo) -> None:
    """Also in a log, also where it is the head itself; what is torn is left to doctor."""
    listed.ok("note", "a", "one")
    listed.remove("gittasks", "cache")
    _vanish(listed, "gittasks/plan:tasks/a.yaml", "gittasks/plan^{tree}", "gittasks/plan")
    assert [n["text"] for n in listed.tasks()["a"]["notes"]] == ["one"]
    listed.fsck()


def test_doctor_puts_back_what_is_lacking_and_says_so(listed: Repo) -> None:
    listed.ok("note", "a", "one")
    listed.ok("note", "a", "two")
    _vanish(listed, "gittasks/plan~1:tasks/a.yaml", "gittasks/plan")
    assert "2 objects were removed by git" in listed.run("doctor").out
    listed.fsck()
    assert "removed by git" not in listed.run("doctor").out


def test_the_journal_keeps_the_last_writes_only(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not what was forgotten, and nothing of a list that is gone."""
    monkeypatch.setattr(journal, "_WRITES", 4)
    folder = Path(listed.git_dir, "gittasks", "journal", "gittasks", "plan")
    workspace = listed.workspace()
    for number in range(100):
        workspace.edit([AddNote("a", str(number))])
        if listed.head()[-1] == "0":
            break
    kept = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert [path.name for path in kept] == listed.git(
        "rev-list", "--reverse", "--max-count=4", "gittasks/plan"
    ).split()
    listed.ok("drop", "plan")
    listed.ok("drop", "plan", "--purge", "--unshared")
    assert not folder.exists() or not list(folder.iterdir())


def test_a_damaged_journal_is_as_good_as_none(listed: Repo) -> None:
    """A file of it that a power cut tore brings nothing false."""
    listed.ok("note", "a", "one")
    file = Path(listed.git_dir, "gittasks", "journal", "gittasks", "plan", listed.head())
    data = file.read_bytes()
    blob = listed.git("rev-parse", "gittasks/plan:tasks/a.yaml")
    _vanish(listed, blob)
    for torn in (b"", data[:30], data.replace(b"one", b"two"), b"x" + data, data[:-200]):
        file.write_bytes(torn)
        listed.remove("gittasks", "cache")
        assert listed.run("show", "a").code == (0 if torn == data[:-200] else 4)


def test_a_pipe_in_the_journal_does_not_hang(listed: Repo) -> None:
    """It is as good as none, as in the place of any other file that is kept of a list."""
    listed.ok("note", "a", "one")
    file = Path(listed.git_dir, "gittasks", "journal", "gittasks", "plan", listed.head())
    file.unlink()
    os.mkfifo(file)
    assert listed.run("note", "a", "two", timeout=20).code == 0


def test_drafts_of_a_killed_writer_go(listed: Repo) -> None:
    """What is written aside removes what was left there a day ago, and nothing that is young."""
    objects = listed.workspace().store.repository.objects
    folder = Path(listed.git_dir, "gittasks", "drafts")
    folder.mkdir()
    for name, hours in (("tmp_obj_dead", 25), ("tmp_obj_alive", 1)):
        (folder / name).touch()
        moment = time.time() - 3600 * hours
        os.utime(folder / name, (moment, moment))
    blob = objects.form.new("blob", b"aside")
    objects._write_once([blob], aside=True)
    assert objects.read(blob.id, "blob") == b"aside"
    assert [path.name for path in folder.iterdir()] == ["tmp_obj_alive"]
