"""Side branches: which branches of other names hold a list, and what is taken from them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.repositories import Repo

from gittasks.errors import InvalidData, Refused
from gittasks.store import recognition, side_branches
from gittasks.store.list_store import ListStore
from gittasks.store.objects import ObjectStore
from gittasks.store.repository import Repository
from gittasks.store.side_branches import SideBranch

NONE = "-"


def _opened(repo: Repo) -> Repository:
    return Repository(repo.path, os.environ)


def _store(repo: Repo, remote: str | None = None) -> ListStore:
    return ListStore(_opened(repo), "plan", remote)


@pytest.fixture
def hosted(listed: Repo) -> Repo:
    """A remote `o` whose side branch `claude/x` is one commit ahead of the list here."""
    listed.fetched({"ahead": "x\n"}, "o", "claude/x")
    return listed


def _tip(repo: Repo, ref: str = "refs/remotes/o/claude/x") -> str:
    return repo.git("rev-parse", ref)


@pytest.mark.parametrize(
    ("ref", "name", "prefix"),
    [
        ("refs/heads/claude/plan", "claude/plan", "claude/"),
        ("refs/remotes/o/claude/plan", "o/claude/plan", "claude/"),
        ("refs/remotes/o/plan", "o/plan", ""),
        ("refs/heads/plan", "plan", ""),
        ("refs/heads/claude/x", "claude/x", None),
        ("refs/remotes/o/plan/x", "o/plan/x", None),
    ],
)
def test_a_side_branch_has_a_name_and_maybe_a_prefix(
    ref: str, name: str, prefix: str | None
) -> None:
    side = SideBranch(ref, "plan", "1" * 40)
    assert (side.name, side.prefix) == (name, prefix)


@pytest.mark.parametrize(
    ("setting", "ref", "branch"),
    [
        (None, "refs/heads/gittasks/plan", None),
        ("", "refs/heads/gittasks/plan", None),
        ("claude/x", "refs/heads/claude/x", "claude/x"),
        ("claude/*-*", "refs/heads/claude/plan-plan", "claude/plan-plan"),
        ("gittasks/*", "refs/heads/gittasks/plan", None),
    ],
)
def test_a_list_is_pushed_as_itself_unless_that_is_set(
    repo: Repo, setting: str | None, ref: str, branch: str | None
) -> None:
    if setting is not None:
        repo.git("config", "gittasks.pushAs", setting)
    repository = _opened(repo)
    assert side_branches.pushed_ref(repository, "plan") == ref
    assert side_branches.pushed_as(repository, "plan") == branch


def test_what_cannot_be_a_branch_is_said(repo: Repo) -> None:
    repo.git("config", "gittasks.pushAs", "a..b")
    with pytest.raises(InvalidData) as caught:
        side_branches.pushed_ref(_opened(repo), "plan")
    words = 'git config gittasks.pushAs is "a..b", which cannot be the name of a branch'
    assert caught.value.message == words
    assert caught.value.hint


def test_a_claim_that_cannot_be_pushed_says_what_can_be_done() -> None:
    for task, command in ((None, ("gittasks", "ready")), ("a", ("gittasks", "start", "a"))):
        error = side_branches.no_claim("plan", "o", "claude/x", task)
        assert (error.rule, error.exit_code) == ("push-as", 5)
        assert 'o grants claims on the branch of "plan", and from here only claude/x' in str(error)
        assert error.commands == (command, ("gittasks", "sync"))
        assert error.details["list"] == "plan"
        assert error.details["remote"] == "o"


def test_two_lists_are_not_pushed_to_one_branch(hosted: Repo) -> None:
    hosted.git("config", "gittasks.pushAs", "claude/x")
    repository = _opened(hosted)
    side_branches.check_own(repository, "o", "plan")
    side_branches.check_own(repository, "p", "other")
    with pytest.raises(Refused) as caught:
        side_branches.check_own(repository, "o", "other")
    error = caught.value
    assert error.rule == "branch-name"
    words = 'claude/x is the branch of the list "plan", so "other" cannot be pushed as that'
    assert error.message == words
    assert "a * stands for the id of the list" in str(error.hint)
    (way,) = error.ways
    assert (way.command, way.decision) == (("git", "config", "gittasks.pushAs", "claude/x-*"), True)
    assert error.details["list"] == "other"


def test_branches_are_told_by_what_they_hold(hosted: Repo) -> None:
    """Not those of lists by name, nor code, nor the HEAD of a remote."""
    tip, main = _tip(hosted), hosted.git("rev-parse", "main")
    hosted.git("update-ref", "refs/remotes/o/main", main)
    hosted.git("update-ref", "refs/remotes/o/gittasks/plan", tip)
    hosted.git("symbolic-ref", "refs/remotes/o/HEAD", "refs/remotes/o/claude/x")
    hosted.git("update-ref", "refs/heads/mine", tip)
    repository = _opened(hosted)
    there = SideBranch("refs/remotes/o/claude/x", "plan", tip)
    assert side_branches.fetched(repository, "o") == [there]
    assert side_branches.fetched(repository, "p") == []
    here = SideBranch("refs/heads/mine", "plan", tip)
    assert side_branches.everywhere(repository) == [here, there]
    assert side_branches.adoptable(repository, "plan") == here
    assert side_branches.adoptable(repository, "other") is None
    hosted.git("config", "gittasks.branchPrefix", "")
    assert side_branches.everywhere(_opened(hosted)) == [], "any branch may be a list by its name"


def test_a_branch_into_which_a_list_was_merged_is_none(hosted: Repo) -> None:
    """All of it has to come from the root of the list, or from what is known of that."""
    tree = hosted.git("rev-parse", "gittasks/plan^{tree}")
    other_root = hosted.git("commit-tree", "-m", "x", tree)
    mixed = hosted.git(
        "commit-tree",
        "-m",
        "x",
        "-p",
        "gittasks/plan",
        "-p",
        other_root,
        f"{_tip(hosted)}^{{tree}}",
    )
    hosted.git("update-ref", "refs/remotes/o/claude/x", mixed)
    assert [s.commit for s in side_branches.fetched(_opened(hosted), "o")] == [mixed]
    assert side_branches.unmerged(_store(hosted, "o")) == []
    assert side_branches.adoptable(_opened(hosted), "plan") is None


def test_only_what_no_head_holds_is_unmerged(hosted: Repo) -> None:
    tip = _tip(hosted)
    side = SideBranch("refs/remotes/o/claude/x", "plan", tip)
    store = _store(hosted, "o")
    assert side_branches.unmerged(store) == [side]
    assert side_branches.unmerged(store, []) == []
    assert side_branches.unmerged(store, [side._replace(list_id="other")]) == []
    hosted.git("update-ref", "refs/remotes/o/gittasks/plan", tip)
    assert side_branches.unmerged(_store(hosted, "o")) == []
    later = hosted.hand_edit({"later": "x\n"})
    hosted.git("update-ref", "refs/remotes/o/gittasks/plan", later)
    hosted.git("update-ref", "refs/remotes/o/claude/x", hosted.git("rev-parse", f"{later}~1"))
    assert side_branches.unmerged(_store(hosted, "o")) == []
    hosted.git("update-ref", "-d", "refs/heads/gittasks/plan")
    hosted.git("update-ref", "-d", "refs/remotes/o/gittasks/plan")
    hosted.git("update-ref", "refs/remotes/o/claude/x", tip)
    assert side_branches.unmerged(_store(hosted, "o")) == [side]


def test_what_a_deleted_list_left_on_side_branches_is_passed_over(hosted: Repo) -> None:
    """As far as it was merged when it was deleted; what comes there later counts again."""
    tip = _tip(hosted)
    assert side_branches.fetched(_opened(hosted), "o")
    side_branches.pass_over(_store(hosted, "o"))
    assert side_branches.fetched(_opened(hosted), "o"), "it has what no head of the list has"
    hosted.git("update-ref", "refs/heads/gittasks/plan", tip)
    side_branches.pass_over(_store(hosted, "o"))
    path = Path(hosted.git_dir, "gittasks", "passed-over", "plan")
    assert path.read_text() == tip
    assert side_branches.fetched(_opened(hosted), "o") == []
    assert side_branches.adoptable(_opened(hosted), "plan") is None
    later = hosted.hand_edit({"later": "x\n"})
    hosted.git("update-ref", "refs/remotes/o/claude/x", later)
    assert [s.commit for s in side_branches.fetched(_opened(hosted), "o")] == [later]
    side_branches.pass_over(_store(hosted, "o"))
    assert path.read_text().split("\n") == sorted([tip, later])


def test_nothing_is_noted_where_there_is_nothing_to_pass_over(listed: Repo) -> None:
    side_branches.pass_over(_store(listed))
    assert not Path(listed.git_dir, "gittasks", "passed-over").exists()


def test_verdicts_are_remembered_by_commit(hosted: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[list[str]] = []
    real = recognition.held_lists

    def noted(objects: ObjectStore, commits: list[str]) -> dict[str, str | None]:
        judged.append(list(commits))
        return real(objects, commits)

    monkeypatch.setattr(recognition, "held_lists", noted)
    tip, main = _tip(hosted), hosted.git("rev-parse", "main")
    hosted.git("update-ref", "refs/remotes/o/main", main)
    for _ in range(2):
        assert len(side_branches.fetched(_opened(hosted), "o")) == 1
    assert [sorted(commits) for commits in judged] == [sorted([tip, main])]
    later = hosted.hand_edit({"later": "x\n"})
    hosted.git("update-ref", "refs/remotes/o/claude/y", later)
    hosted.git("update-ref", "-d", "refs/remotes/o/main")
    assert len(side_branches.fetched(_opened(hosted), "o")) == 2
    assert judged[1:] == [[later]]
    body = side_branches._VERDICTS.read(_opened(hosted).cache_path("side", "refs/remotes/o"))
    assert body
    assert dict(line.split(" ") for line in body.decode().split("\n")) == {
        tip: "plan",
        later: "plan",
    }


@pytest.mark.parametrize(
    ("data", "list_id"),
    [
        (b"id: plan\n", "plan"),
        (b"format: 1\nid:   'plan'  \ntitle: x\n", "plan"),
        (b'id: "plan"', "plan"),
        (b"  id: plan\n", None),
        (b"id: plan x\n", None),
        (b"id: -x\n", None),
        (b"id: " + b"a" * 101, None),
        (b"title: plan\n", None),
        (b"", None),
    ],
)
def test_the_id_of_a_list_stands_in_its_file(data: bytes, list_id: str | None) -> None:
    assert recognition._list_in(data) == list_id


def test_what_cannot_be_had_now_gets_no_verdict(hosted: Repo) -> None:
    """What is no list gets one: a link in the place of the file, a file that is too long."""
    repository = _opened(hosted)
    root = hosted.git("rev-parse", "main")
    linked = hosted.hand_edit(
        {"list.yaml": None}, raw_entries=[f"120000 {hosted.blob('id: plan')}\tlist.yaml"]
    )
    lacking = hosted.hand_edit({"list.yaml": "id: plan\nlost: now\n"})
    blob = hosted.git("rev-parse", f"{lacking}:list.yaml")
    os.unlink(repository.objects.loose_path(blob))
    long = hosted.hand_edit({"list.yaml": "id: plan\n" + "#" * 300_000})
    assert recognition.held_lists(repository.objects, [root, linked, lacking, long, "1" * 40]) == {
        root: None,
        linked: None,
        long: None,
        "1" * 40: None,
    }
