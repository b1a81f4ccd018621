"""A commit that nobody can read, on a list's branch: the list is read without it, and mended."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from support import gits
from support.clones import share
from support.repositories import Repo

_SIGNED = "Eve <eve@example.com>"


def _commit(repo: Repo, tree: str, parent: str, time: str = "notatime") -> str:
    """A commit by Eve, as no git would write it."""
    lines = [f"tree {tree}", f"parent {parent}", f"author {_SIGNED} {time} +0000"]
    text = "\n".join([*lines, f"committer {_SIGNED} 1790000000 +0000", "", "Bad\n"])
    return repo.git(
        "hash-object", "-t", "commit", "--literally", "-w", "--stdin", stdin=text.encode()
    )


def _no_date(repo: Repo, head: str) -> str:
    return _commit(repo, repo.git("rev-parse", f"{head}^{{tree}}"), head)


def _no_tree(repo: Repo, head: str) -> str:
    data = b"100644 a\0short"
    tree = repo.git("hash-object", "-t", "tree", "--literally", "-w", "--stdin", stdin=data)
    return _commit(repo, tree, head, "1790000000")


def _long_mode(repo: Repo, head: str, mode: str) -> str:
    """A commit by Eve that gives list.yaml a mode of more digits than git writes."""
    data = b""
    for line in repo.git("ls-tree", head).splitlines():
        words, _, name = line.partition("\t")
        plain, _, object_id = words.split(" ")
        usual = plain.lstrip("0")
        data += f"{mode if name == 'list.yaml' else usual} {name}\0".encode()
        data += bytes.fromhex(object_id)
    tree = repo.git("hash-object", "-t", "tree", "--literally", "-w", "--stdin", stdin=data)
    return _commit(repo, tree, head, "1790000000")


def _symptom(repo: Repo) -> tuple[str, str]:
    findings = repo.run("doctor", "--json").json()["findings"]
    ((message, hint),) = [(f["message"], f["hint"]) for f in findings if f["check"] == "malformed"]
    return message, hint


def _obey(repo: Repo, hint: str) -> None:
    program, *words = shlex.split(hint.partition(": ")[2].partition(";")[0])
    assert program == "git"
    repo.git(*words)


@pytest.mark.parametrize("mode", ["00100644", f"{7**40:o}100644"])
def test_a_mode_that_no_git_writes_spoils_a_commit_for_merges_as_well(
    tmp_path: Path, mode: str
) -> None:
    """A clone that has work of its own says the same of it as one that only follows the branch."""
    (ada,) = share(str(tmp_path), "ada")
    bad = _long_mode(ada, ada.head(), mode)
    ada.ok("note", "a", "mine")
    ada.git("update-ref", "refs/remotes/origin/gittasks/plan", bad)
    assert ada.run("list", "--json").json()["apart"] == "malformed"


@pytest.mark.parametrize("later", [0, 2])
def test_what_was_pushed_is_left_out_until_the_branch_is_taken_back(
    tmp_path: Path, later: int
) -> None:
    """Reads and writes go on, sync refuses, and what doctor says to run mends it for everybody."""
    (ada,) = share(str(tmp_path), "ada")
    good = ada.head()
    bad = tip = _no_date(ada, good)
    for _ in range(later):  # a git that does not look at what it builds upon
        tip = ada.git("commit-tree", "-p", tip, "-m", "Later", f"{good}^{{tree}}")
    hub = ada.git("remote", "get-url", "origin")
    ada.git("update-ref", "refs/heads/spoiled", tip)
    ada.git("-C", hub, "fetch", "-q", ada.path, "+spoiled:gittasks/plan")
    ada.git("fetch", "-q")
    assert ada.run("list", "--json").json()["apart"] == "malformed"
    ada.ok("note", "a", "mine")
    refused = ada.run("sync", "--json").json()["error"]
    assert (refused["exitCode"], refused["commands"]) == (4, [["gittasks", "doctor"]])
    fresh = Repo(str(tmp_path / "fresh"))
    ada.git("clone", "-q", "--no-checkout", hub, fresh.path)
    unread = fresh.run("list", "--json").json()["error"]
    assert (unread["exitCode"], unread["commands"]) == (4, [["gittasks", "doctor"]])
    message, hint = _symptom(fresh)
    assert (message, hint) == _symptom(ada)
    assert bad in message
    assert f"by {_SIGNED}" in message
    assert ("3 commits go with that" in hint) is bool(later)
    _obey(ada, hint)
    ada.ok("sync")
    fresh.git("fetch", "-q")
    assert [note["text"] for note in fresh.tasks()["a"]["notes"]] == ["mine"]


@gits.files_only
@pytest.mark.parametrize("spoil", [_no_date, _no_tree])
def test_a_local_branch_is_taken_back_too(
    tmp_path: Path, spoil: Callable[[Repo, str], str]
) -> None:
    (ada,) = share(str(tmp_path), "ada")
    good = ada.head()
    bad = spoil(ada, good)
    Path(ada.git_dir, "refs/heads/gittasks/plan").write_text(f"{bad}\n", encoding="ascii")
    assert ada.run("list").code == 4
    message, hint = _symptom(ada)
    assert f"{bad}, by {_SIGNED}, in gittasks/plan" in message
    _obey(ada, hint)
    assert ada.head() == good
    assert set(ada.tasks()) == {"a", "b", "c"}


def test_where_nothing_good_is_before_it_a_good_clone_is_asked_for(tmp_path: Path) -> None:
    (ada,) = share(str(tmp_path), "ada")
    tree = ada.git("rev-parse", "gittasks/plan^{tree}")
    text = f"tree {tree}\nauthor {_SIGNED} x +0000\n\nBad\n".encode()
    bad = ada.git("hash-object", "-t", "commit", "--literally", "-w", "--stdin", stdin=text)
    hub = ada.git("remote", "get-url", "origin")
    ada.git("update-ref", "refs/heads/spoiled", bad)
    ada.git("-C", hub, "fetch", "-q", ada.path, "+spoiled:gittasks/plan")
    ada.git("fetch", "-q")
    assert "from a good clone" in _symptom(ada)[1]
