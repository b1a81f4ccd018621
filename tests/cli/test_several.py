"""Several ids in one call, all or nothing; every transition that was asked for is a commit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.clones import share
from support.repositories import Repo


def _subjects(repo: Repo, count: int) -> list[str]:
    lines = repo.git("log", f"-{count}", "--reverse", "--format=%s", "gittasks/plan").splitlines()
    return [line.removeprefix("plan: ") for line in lines]


@pytest.mark.parametrize(
    ("before", "command", "status"),
    [
        ((), ("done",), "completed"),
        ((), ("skip",), "skipped"),
        ((), ("delete",), "deleted"),
        (("done", "a", "b", "c"), ("reopen",), "pending"),
        (("delete", "a", "b", "c"), ("restore",), "pending"),
    ],
)
def test_several_tasks_are_moved_at_once(
    listed: Repo, before: tuple[str, ...], command: tuple[str, ...], status: str
) -> None:
    """`done a b c` moves all three, each in a commit of its own."""
    if before:
        listed.ok(*before)
    count = listed.count()
    listed.ok(*command, "a", "b", "c")
    assert {task["status"] for task in listed.tasks().values()} == {status}
    assert listed.count() == count + 3
    assert [line.split()[0] for line in _subjects(listed, 3)] == ["a", "b", "c"]
    listed.fsck()


def test_release_of_several(listed: Repo) -> None:
    """Tasks in progress are given back together, with commas as well."""
    for name in "ab":
        listed.ok("start", name, "--parallel")
    listed.ok("release", "a,b")
    assert {task["status"] for task in listed.tasks().values()} == {"pending"}


def test_update_of_several(listed: Repo) -> None:
    """The same fields of several tasks are one commit."""
    count = listed.count()
    listed.ok("update", "a", "b", "--phase", "Build")
    assert [listed.tasks()[i]["phase"] for i in "abc"] == ["Build", "Build", None]
    assert listed.count() == count + 1


def test_all_or_nothing(listed: Repo) -> None:
    """One task that is refused stops the others, and the error says which."""
    listed.ok("update", "b", "--add-blocked-by", "c")
    head = listed.head()
    result = listed.run("done", "a", "b", "--json")
    assert result.code == 5
    assert result.json()["error"]["tasks"] == ["c"]
    assert listed.head() == head


def test_blockers_with_commas(listed: Repo) -> None:
    """`--blocked-by a,b` names two tasks."""
    listed.ok("create", "D", "--id", "d", "--blocked-by", "a,b")
    assert listed.tasks()["d"]["blockedBy"] == ["a", "b"]
    listed.ok("update", "d", "--remove-blocked-by", "a,b", "--add-blocked-by", "c")
    assert listed.tasks()["d"]["blockedBy"] == ["c"]


@pytest.mark.parametrize(
    "call",
    [
        ("done", ""),
        ("done", "", "--next"),
        ("done", "a", ""),
        ("done", ","),
        ("skip", "", "--result", "no"),
        ("reopen", ""),
        ("release", ""),
        ("delete", ""),
        ("restore", ""),
        ("update", "", "--priority", "1"),
        ("update", "a", "--add-blocked-by", ""),
        ("create", "New", "--blocked-by", ""),
        ("create", "New", "--blocks", ""),
        ("start", ""),
    ],
)
def test_an_empty_id_is_none(listed: Repo, call: tuple[str, ...]) -> None:
    """A variable of the shell that is not set names no task: nothing is done in its name."""
    before = listed.git("rev-parse", "gittasks/plan")
    refused = listed.run(*call)
    assert (refused.code, refused.err.splitlines()[0]) == (3, 'error: no task ""')
    assert "did you mean" not in refused.err
    assert listed.git("rev-parse", "gittasks/plan") == before


def test_start_and_done_in_a_batch_are_two_commits(listed: Repo) -> None:
    """The transition between is in the history; what else the batch does is one commit."""
    count = listed.count()
    lines = [
        {"op": "create", "id": "d", "subject": "D"},
        {"op": "start", "id": "a"},
        {"op": "note", "id": "b", "text": "seen"},
        {"op": "done", "id": "a", "result": "PASS"},
    ]
    listed.ok("batch", stdin="\n".join(map(json.dumps, lines)))
    assert listed.count() == count + 3
    assert _subjects(listed, 2) == ["a pending → in_progress", "a in_progress → completed (PASS)"]
    told = [entry["subject"] for entry in listed.ok("log", "a", "--json").json()["entries"]]
    assert told[:2] == [f"plan: {line}" for line in reversed(_subjects(listed, 2))]
    listed.fsck()


def test_the_log_of_steps_is_what_the_trees_say(listed: Repo) -> None:
    """What is remembered of a write is what is read from the commits without the cache."""
    listed.ok("done", "a", "b", "--next")
    written = listed.ok("log", "--json").json()
    listed.remove("gittasks", "cache")
    assert listed.ok("log", "--json").json() == written


def test_undo_takes_a_call_back_whole(listed: Repo) -> None:
    """One call is one operation, however many commits it made."""
    listed.ok("done", "c")
    listed.ok("done", "a", "--next")
    listed.ok("undo")
    assert [listed.tasks()[i]["status"] for i in "abc"] == ["pending", "pending", "completed"]
    listed.ok("redo")
    assert [listed.tasks()[i]["status"] for i in "ab"] == ["completed", "in_progress"]


def test_steps_of_a_claim_go_to_the_remote_together(tmp_path: Path) -> None:
    """Who finishes a claimed task and claims the next sends both commits in one push."""
    (listed,) = share(str(tmp_path), "one")
    env = {"GITTASKS_SESSION": "s"}
    listed.ok("claim", "a", env=env)
    answer = listed.ok("done", "a", "--next", "--json", env=env).json()
    assert answer["started"] == "b"
    assert listed.head() == listed.git("rev-parse", "refs/remotes/origin/gittasks/plan")
    assert [line.split()[0] for line in _subjects(listed, 2)] == ["a", "b"]


def test_who_has_a_session_is_not_told_to_take_one(listed: Repo) -> None:
    """A start that is repeated says since when; that names are shared, only without a session."""
    for session, advised in (({"GITTASKS_SESSION": "s1"}, False), ({}, True)):
        listed.ok("start", "a", env=session)
        again = listed.ok("start", "a", env=session)
        assert "a has been in progress for" in again.err
        assert ("need a session" in again.err) is advised
        listed.ok("release", "a", env=session)


def test_done_next_names_what_it_began(listed: Repo) -> None:
    """`started` is the task that `--next` began, null when nothing was ready."""
    assert listed.ok("done", "a", "--next", "--json").json()["started"] == "b"
    listed.ok("done", "c")
    assert listed.ok("done", "b", "--next", "--json").json()["started"] is None


def test_an_outcome_in_the_place_of_an_id(listed: Repo) -> None:
    """`done a PASS` completes nothing, and says where the outcome goes."""
    refused = listed.run("done", "a", "PASS")
    assert refused.code == 3
    assert "the outcome goes with --result TEXT" in refused.err
    assert listed.tasks()["a"]["status"] == "pending"
