"""Damage, and the way back that doctor names: each is tried on the damage that it is for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support import gits
from support.clones import share
from support.repositories import Repo

from gittasks.workspace import doctor

_REFETCH = "git fetch --refetch URL BRANCH"


def _file(repo: Repo, name: str) -> Path:
    object_id = repo.git("rev-parse", name)
    return Path(repo.git_dir, "objects", object_id[:2], object_id[2:])


def _lose(path: Path) -> None:
    path.unlink()


def _tear(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:9])


def _empty(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("gittasks/plan:tasks/a.yaml", _lose),
        ("gittasks/plan:tasks/a.yaml", _tear),
        ("gittasks/plan:tasks", _empty),
        ("gittasks/plan^{tree}", _tear),
        ("gittasks/plan", _lose),
        ("gittasks/plan", _empty),
        ("gittasks/plan~1", _lose),
        ("gittasks/plan~1", _tear),
        ("gittasks/plan~1:tasks", _lose),
        ("gittasks/plan~1:tasks", _empty),
    ],
)
def test_an_object_that_the_remote_has_is_fetched_again(
    tmp_path: Path, name: str, harm: object
) -> None:
    """Doctor names it, and what it says to run brings it back; a torn file is kept aside.

    In the history as well, where no read may have seen it, and once alone.
    """
    (repo,) = share(str(tmp_path), "a")
    repo.ok("note", "a", "Late")
    repo.ok("sync")
    path = _file(repo, name)
    whole = repo.tasks()
    repo.remove("gittasks", "journal")
    assert callable(harm)
    harm(path)
    torn = path.exists()
    repo.remove("gittasks", "cache")
    findings = repo.run("doctor", "--json").json()["findings"]
    (finding,) = [f for f in findings if f["check"] == "damage"]
    assert path.parent.name + path.name in finding["message"]
    assert (str(path) in finding["message"]) is torn
    assert finding["hint"].startswith("gittasks doctor --fix fetches it again from origin")
    assert not [f for f in findings if f["check"] == "unreadable"]
    if name.endswith("a.yaml"):
        error = json.loads(repo.run("show", "a", "--json").err)["error"]
        assert error["commands"] == [["gittasks", "doctor"]]
    repo.run("doctor", "--fix")
    assert repo.tasks() == whole
    assert Path(repo.git_dir, "gittasks", "damaged", path.parent.name + path.name).exists() is torn
    assert not [
        f for f in repo.run("doctor", "--json").json()["findings"] if f["check"] == "damage"
    ]
    repo.fsck()


def test_a_damaged_pack_is_named_with_what_brings_its_objects_back(tmp_path: Path) -> None:
    """Moved away by a person, as work that was never pushed may be in it alone."""
    (repo,) = share(str(tmp_path), "a")
    repo.git("gc", "-q")
    repo.remove("gittasks", "journal")
    (pack,) = Path(repo.git_dir, "objects", "pack").glob("*.pack")
    blob = repo.git("rev-parse", "gittasks/plan:tasks/a.yaml")
    entries = repo.git("verify-pack", "-v", str(pack.with_suffix(".idx"))).splitlines()
    (offset,) = [int(line.split()[4]) for line in entries if line.startswith(blob)]
    pack.chmod(0o644)
    data = bytearray(pack.read_bytes())
    data[offset + 4 : offset + 12] = bytes(8)
    pack.write_bytes(data)
    repo.remove("gittasks", "cache")
    findings = repo.run("doctor", "--fix", "--json").json()["findings"]
    hints = {f["message"]: f["hint"] for f in findings if f["check"] == "damage"}
    assert any(blob in message for message in hints)
    hint = hints[f"the pack {pack}, or its index, is damaged"]
    assert hint.startswith("move both away, then: git fetch --refetch origin; ")
    for part in (pack, pack.with_suffix(".idx")):
        part.rename(tmp_path / part.name)
    repo.git("fetch", "-q", "--refetch", "origin")
    assert set(repo.tasks()) == {"a", "b", "c"}


@pytest.mark.parametrize("harm", [_lose, _tear, _empty])
@pytest.mark.parametrize("how", ["by doctor", "by git"])
def test_a_damaged_index_is_made_anew_from_its_pack(
    listed: Repo, tmp_path: Path, harm: object, how: str
) -> None:
    """Without any remote: the pack holds all that an index says."""
    listed.git("gc", "-q")
    listed.remove("gittasks", "journal")
    (pack,) = Path(listed.git_dir, "objects", "pack").glob("*.pack")
    assert callable(harm)
    harm(pack.with_suffix(".idx"))
    listed.remove("gittasks", "cache")
    findings = listed.run("doctor", "--json").json()["findings"]
    hints = {f["message"]: f["hint"] for f in findings if f["check"] == "damage"}
    hint = hints[f"the index of the pack {pack} is missing or damaged"]
    command = f"git index-pack {pack}"
    assert hint == f"gittasks doctor --fix makes it anew, as does: {command}"
    if how == "by git":
        listed.git(*command.split()[1:])
    else:
        listed.run("doctor", "--fix")
    assert set(listed.tasks()) == {"a", "b", "c"}
    listed.fsck()


@pytest.mark.parametrize("harm", [_lose, _tear, _empty])
@pytest.mark.parametrize("how", ["by doctor", "by git"])
def test_a_stale_multi_pack_index_is_made_anew(listed: Repo, harm: object, how: str) -> None:
    """git leaves one that names packs that went (`harm` of one), or a torn one."""
    listed.git("repack", "-dq")
    listed.ok("note", "a", "Later")
    listed.git("repack", "-dq")
    folder = Path(listed.git_dir, "objects", "pack")
    joint = folder / "multi-pack-index"
    listed.git("multi-pack-index", "write")
    assert callable(harm)
    if harm is _lose:
        named = joint.read_bytes()
        listed.git("repack", "-adq")
        joint.write_bytes(named)
    else:
        harm(joint)
    findings = listed.run("doctor", "--json").json()["findings"]
    hints = {f["message"]: f["hint"] for f in findings if f["check"] == "damage"}
    hint = hints[f"{joint} is damaged, or names packs that went"]
    _, _, commands = hint.partition("as do: ")
    if how == "by git":
        for command in commands.split(", then: "):
            subprocess.run(command.split(), cwd=listed.path, check=True)
    else:
        listed.run("doctor", "--fix")
    assert joint.exists()
    listed.git("multi-pack-index", "verify")
    assert not [
        f for f in listed.run("doctor", "--json").json()["findings"] if f["check"] == "damage"
    ]
    assert len(listed.tasks()["a"]["notes"]) == 1
    listed.fsck()


def test_a_torn_file_stays_where_the_remote_cannot_be_reached(tmp_path: Path) -> None:
    """The two commands that help are said, and they do, once it can be reached again."""
    (repo,) = share(str(tmp_path), "a")
    path = _file(repo, "gittasks/plan:tasks/a.yaml")
    _tear(path)
    repo.remove("gittasks", "cache")
    repo.remove("gittasks", "journal")
    hub = tmp_path / "hub.git"
    hub.rename(tmp_path / "away")
    findings = repo.run("doctor", "--fix", "--json").json()["findings"]
    (finding,) = [f for f in findings if f["check"] == "damage"]
    assert not finding["fixed"]
    _, _, commands = finding["hint"].partition("when it can be reached: ")
    move, fetch = commands.split(", then: ")
    assert path.exists()
    (tmp_path / "away").rename(hub)
    for command in (move, fetch):
        subprocess.run(command.split(), cwd=repo.path, check=True, capture_output=True)
    assert set(repo.tasks()) == {"a", "b", "c"}


def test_what_the_journal_keeps_of_a_torn_file_is_written_again(listed: Repo) -> None:
    """Without any remote: after a power cut it is the newest work that is torn."""
    listed.ok("note", "a", "Late")
    paths = [_file(listed, f"gittasks/plan{what}") for what in ("", "^{tree}", ":tasks/a.yaml")]
    for path in paths:
        _empty(path)
    listed.remove("gittasks", "cache")
    refused = json.loads(listed.run("list", "--json").err)["error"]
    assert refused["commands"] == [["gittasks", "doctor"]]
    findings = listed.run("doctor", "--json").json()["findings"]
    hints = [f["hint"] for f in findings if f["check"] == "damage"]
    assert hints == ["gittasks doctor --fix writes it again from the journal"]
    listed.run("doctor", "--fix")
    assert len(listed.tasks()["a"]["notes"]) == 1
    assert all(path.stat().st_size for path in paths)
    listed.fsck()


def test_a_write_to_a_list_whose_file_is_lost_names_doctor(listed: Repo) -> None:
    """Nothing is wrong in the text of list.yaml, so nothing is there to repair by hand."""
    _lose(_file(listed, "gittasks/plan:list.yaml"))
    listed.remove("gittasks", "journal")
    listed.remove("gittasks", "cache")
    error = json.loads(listed.run("note", "a", "Late", "--json").err)["error"]
    assert error["commands"] == [["gittasks", "doctor"]]
    assert "by hand" not in error["hint"]


def test_what_no_remote_has_is_said(listed: Repo) -> None:
    """Nothing is invented, and nothing is moved aside."""
    path = _file(listed, "gittasks/plan:tasks/a.yaml")
    _tear(path)
    listed.remove("gittasks", "cache")
    listed.remove("gittasks", "journal")
    findings = listed.run("doctor", "--fix", "--json").json()["findings"]
    (finding,) = [f for f in findings if f["check"] == "damage"]
    assert not finding["fixed"]
    move = f"mv {path} {path}.damaged"
    assert finding["hint"] == f"from a clone that has it: {move}, then: {_REFETCH}"
    assert path.exists()


@gits.files_only
@pytest.mark.parametrize("gone", ["packed-refs", "ref", "ref and reflog", "ref and records"])
def test_a_list_whose_branch_is_gone_is_said_with_its_commit(listed: Repo, gone: str) -> None:
    """What doctor says to run brings it back as it was; nothing offers to make it anew."""
    listed.ok("list")
    head = listed.head()
    if gone == "packed-refs":
        listed.git("pack-refs", "--all")
        listed.remove("packed-refs")
    else:
        listed.remove("refs", "heads", "gittasks", "plan")
    if "reflog" in gone:
        shutil.rmtree(os.path.join(listed.git_dir, "logs", "refs", "heads", "gittasks"))
    if "records" in gone:
        listed.remove("gittasks")
        listed.remove("refs", "gittasks")
    findings = listed.run("doctor", "--json").json()["findings"]
    (lost,) = [f for f in findings if f["check"] == "lost"]
    assert lost["list"] == "plan"
    assert lost["message"].endswith(f"; it was at {head}")
    for words in (["list", "--list", "plan"], ["list"], []):
        refused = listed.run(*words)
        assert refused.code == 8
        assert "gittasks init" not in refused.err
        assert "gittasks lists restore plan" in refused.err
    listed.ok("lists", "restore", "plan")
    assert listed.head() == head
    assert set(listed.tasks()) == {"a", "b", "c"}


@gits.files_only
@pytest.mark.parametrize("records", [True, False])
def test_a_damaged_ref_file_is_brought_back_from_what_is_remembered(
    listed: Repo, *, records: bool
) -> None:
    """By the records or the reflog, and never from an older value in packed-refs."""
    listed.git("pack-refs", "--all")
    listed.ok("note", "a", "Late")
    head, path = listed.head(), Path(listed.git_dir, "refs", "heads", "gittasks", "plan")
    if not records:
        listed.remove("gittasks")
        listed.git("update-ref", "-d", "refs/gittasks/acknowledged/gittasks/plan/0")
    path.write_bytes(b"\0" * 41)
    error = json.loads(listed.run("list", "--list", "plan", "--json").err)["error"]
    assert error["commands"] == [["gittasks", "doctor", "--list", "plan"]]
    findings = listed.run("doctor", "--fix", "--json").json()["findings"]
    (damage,) = [f for f in findings if f["check"] == "damage"]
    assert damage["hint"] == f"it was at {head}; bring back: gittasks lists restore plan"
    assert not damage["fixed"]
    listed.ok("lists", "restore", "plan")
    assert listed.head() == head
    assert Path(listed.git_dir, "gittasks", "damaged", "refs-heads-gittasks-plan").exists()
    listed.fsck()


@gits.files_only
def test_a_damaged_tracking_ref_is_moved_away_and_fetched_again(tmp_path: Path) -> None:
    """git itself would not fetch over it; what it held is at the remote."""
    (repo,) = share(str(tmp_path), "a")
    path = Path(repo.git_dir, "refs", "remotes", "origin", "gittasks", "plan")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    findings = repo.run("doctor", "--json").json()["findings"]
    (damage,) = [f for f in findings if f["check"] == "damage"]
    assert damage["hint"] == (
        "gittasks doctor --fix moves it away, and then: gittasks pull --list plan"
    )
    repo.run("doctor", "--fix")
    repo.ok("pull", "--list", "plan")
    assert set(repo.tasks()) == {"a", "b", "c"}
    repo.ok("sync")


def test_a_write_to_a_list_whose_branch_is_gone_says_how_to_bring_it_back(listed: Repo) -> None:
    """As reads do: whoever makes the list anew instead has an empty one."""
    listed.git("update-ref", "-d", "refs/heads/gittasks/plan")
    refused = listed.run("note", "a", "text", "--json")
    assert refused.code == 8
    assert refused.json()["error"] == listed.run("list", "--json").json()["error"]
    assert ["gittasks", "lists", "restore", "plan"] in refused.json()["error"]["commands"]
    listed.ok("lists", "restore", "plan")
    listed.ok("note", "a", "text")


def test_of_many_lost_objects_some_are_named_and_all_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And all of them are fetched again at once."""
    monkeypatch.setattr(doctor, "_MOST", 2)
    (repo,) = share(str(tmp_path), "a")
    for name in "abc":
        _lose(_file(repo, f"gittasks/plan:tasks/{name}.yaml"))
    repo.remove("gittasks", "journal")
    repo.remove("gittasks", "cache")
    for fix in (False, True):
        findings = repo.workspace("plan").doctor(fix=fix)
        damage = [f for f in findings if f.check == "damage"]
        assert len(damage) == 3
        assert damage[2].message == "1 more object of the list cannot be had"
        assert [f.fixed for f in damage] == [fix] * 3
    assert set(repo.tasks()) == {"a", "b", "c"}


def test_a_repair_that_fails_hides_no_finding(listed: Repo) -> None:
    """A lock on the configuration keeps the merge driver out, and is named; the rest is told."""
    _lose(_file(listed, "gittasks/plan:tasks/a.yaml"))
    listed.remove("gittasks", "journal")
    lock = Path(listed.git_dir, "config.lock")
    lock.touch()
    done = listed.run("doctor", "--fix", "--json")
    assert done.code == 1
    findings = {f["check"]: f for f in done.json()["findings"]}
    assert findings["unreadable"]["message"].startswith(f"{lock}: git config could not set")
    assert not findings["unreadable"]["fixed"]
    assert findings["damage"]["list"] == "plan"
    assert "config.lock" in findings["lock"]["message"]
