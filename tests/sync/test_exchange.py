"""Clones that share a list through a real remote, over each transport, end with the same bytes."""

from __future__ import annotations

import os

import pytest
from clones import automatic, on_hub, share
from support import Repo, Result, git, plan
from transports import Remote

from gittasks.core.operations import AddNote, Update

by_path = pytest.mark.parametrize("remote", ["path"], indirect=True)
"""For rules that have nothing to do with the transport."""


def begin(remote: Remote, path: str) -> Repo:
    """A repository whose remote `origin` has its code and the list `plan`: tasks a, b and c."""
    repo = Repo.create(path)
    repo.git("remote", "add", "origin", remote.url)
    repo.git("push", "-q", "origin", "main")
    plan(repo, "a", "b", "c")
    repo.ok("push")
    return repo


def clone(remote: Remote, path: str) -> Repo:
    """A plain `git clone` of a remote."""
    git(os.path.dirname(path), "clone", "-q", remote.url, path)
    return Repo(path)


def subjects(answer: Result, key: str) -> list[str]:
    """What a `--json` answer says of the only list: subjects of the changes that came or went."""
    (one,) = answer.json()["lists"]
    return [entry["subject"] for entry in one[key]]


def in_line(remote: Remote, *repos: Repo) -> None:
    """All clones and the remote hold the same commit, each knows it, and nothing is damaged."""
    heads = {repo.head() for repo in repos}
    tracked = {repo.git("rev-parse", "refs/remotes/origin/gittasks/plan") for repo in repos}
    assert heads == tracked == {remote.tip("gittasks/plan")}
    for repo in repos:
        repo.fsck()


def test_two_clones_work_offline_and_meet(remote: Remote, tmp_path: object) -> None:
    """A push that git refuses is merged and tried again; everybody's work is in everybody's list.

    The reports name what came in and what went out, and a fresh plain clone sees all of it.
    """
    ann = begin(remote, os.path.join(str(tmp_path), "ann"))
    bob = clone(remote, os.path.join(str(tmp_path), "bob"))
    bob.ok("init", "plan")
    with remote.away():
        ann.ok("start", "a", "--owner", "ann")
        ann.ok("done", "a", "--result", "PASS", "--owner", "ann")
        bob.ok("note", "a", "from bob")
        bob.ok("create", "Fourth", "--id", "d")
    done = ann.ok("sync", "--json")
    anns = ["plan: a pending → in_progress", "plan: a in_progress → completed (PASS)"]
    assert (subjects(done, "received"), subjects(done, "sent")) == ([], anns)

    bobs = ["plan: a note: from bob", "plan: d created: Fourth"]
    done = bob.ok("push", "--json")
    assert (subjects(done, "received"), subjects(done, "sent")) == (anns, bobs)
    (one,) = done.json()["lists"]
    assert (one["rounds"], one["created"], one["error"]) == (2, False, None)

    done = ann.ok("pull", "--json")
    assert (subjects(done, "received"), subjects(done, "sent")) == (bobs, [])
    in_line(remote, ann, bob)
    assert ann.tasks() == bob.tasks()
    task = ann.tasks()["a"]
    assert (task["status"], task["notes"][0]["text"]) == ("completed", "from bob")
    assert "up to date" in bob.ok("sync").out

    fresh = clone(remote, os.path.join(str(tmp_path), "fresh"))
    assert fresh.tasks() == ann.tasks()
    assert fresh.git("branch", "--list", "gittasks/*") == ""


@by_path
def test_a_first_push_makes_the_list_there(remote: Remote, tmp_path: object) -> None:
    """The first push creates the branch, names all operations, and says that the list is new."""
    repo = Repo.create(os.path.join(str(tmp_path), "repo"))
    repo.git("remote", "add", "origin", remote.url)
    plan(repo, "a")
    done = repo.ok("push", "--json")
    (one,) = done.json()["lists"]
    assert one["created"] is True
    assert remote.tip("gittasks/plan") == one["commit"] == repo.head()
    assert "plan: a created: Task a" in subjects(done, "sent")
    (one,) = repo.ok("push", "--json").json()["lists"]
    assert (one["created"], one["sent"]) == (False, [])


@by_path
def test_two_clones_begin_the_same_list_apart(remote: Remote, tmp_path: object) -> None:
    """Lists of the same id that were begun in two clones are one list once they meet."""
    ann = begin(remote, os.path.join(str(tmp_path), "ann"))
    bob = Repo.create(os.path.join(str(tmp_path), "bob"))
    bob.git("remote", "add", "origin", remote.url)
    plan(bob, "b", "z")
    (one,) = bob.ok("push", "--json").json()["lists"]
    ann.ok("sync")
    in_line(remote, ann, bob)
    assert sorted(ann.tasks()) == ["a", "b", "c", "z"]
    assert ann.tasks() == bob.tasks()
    assert one["created"] is False


@pytest.mark.parametrize("command", ["pull", "sync"])
def test_the_answer_names_the_commit_of_the_list(command: str, tmp_path: object) -> None:
    """`commit` is where the list is when the command ends, after a merge too."""
    ann, bob = share(str(tmp_path), "ann", "bob")
    bob.workspace().init("plan", None)
    ann.edit(AddNote("a", "news"))
    ann.sync()
    bob.edit(AddNote("a", "mine"))
    (one,) = bob.ok(command, "--json").json()["lists"]
    assert one["commit"] == bob.head()


def test_a_pull_without_a_local_branch_names_what_came(tmp_path: object) -> None:
    """A clone that only reads is told what others did, though it has no branch to merge it into."""
    ann, bob = share(str(tmp_path), "ann", "bob")
    ann.edit(AddNote("a", "news"))
    ann.sync()
    done = bob.ok("pull", "--json")
    assert bob.tasks() == ann.tasks()
    assert bob.git("branch", "--list", "gittasks/*") == ""
    assert subjects(done, "received") == ["plan: a note: news"]


def test_clones_that_agree_make_no_more_merges(tmp_path: object) -> None:
    """Once two clones agree, further exchanges in any order change nothing."""
    ann, bob = share(str(tmp_path), "ann", "bob")
    bob.workspace().init("plan", None)
    for repo, owner in ((ann, "ann"), (bob, "bob")):
        repo.edit(Update("a", subject=owner))
    ann.ok("push")
    bob.ok("push")
    head = bob.head()
    for repo in (ann, bob, ann, bob):
        repo.ok("sync")
    assert {ann.head(), bob.head(), on_hub(ann)} == {head}
    assert automatic(ann) == 1
