"""Commits that no hook saw move the tasks that they name: whose, as whom, once, from where on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from support.commits import commit, ran, said, status
from support.gits import beside_refs
from support.repositories import Repo, git
from support.templates import copied
from support.traces import started

from gittasks.githooks.commits import CATCH_UP

_OFF = {"GITTASKS_HOOKS": "0"}
_WHEN = "2026-11-20T10:00:00+0100"


@pytest.fixture
def team(tmp_path: Path) -> tuple[Repo, Repo, Repo]:
    """Ada and Cleo with hooks, Bob with git alone; all three have written to the list `plan`."""
    copied("team", _gather, str(tmp_path))
    ada, bob, cleo = (Repo(str(tmp_path / name)) for name in ("ada", "bob", "cleo"))
    return ada, bob, cleo


def _gather(folder: str) -> None:
    hub = os.path.join(folder, "hub")
    hooked = Repo.listed(os.path.join(folder, "ada"), "a", "b", "c", hooks=True)
    git(hooked.path, "init", "-q", "--bare", hub)
    hooked.git("remote", "add", "origin", hub)
    hooked.git("push", "-q", "-u", "origin", "main")
    people = [hooked]
    for name in ("Bob", "Cleo"):
        git(folder, "clone", "-q", hub, name.lower())
        repo = Repo(os.path.join(folder, name.lower()))
        repo.git("config", "user.name", name)
        repo.git("config", "user.email", f"{name.lower()}@example.com")
        people.append(repo)
    hooked.ok("sync")
    for repo in people[1:]:
        repo.ok("pull")
        repo.ok("note", "c", f"seen by {repo.path}")
        repo.ok("sync")
    hooked.ok("sync")
    hooked.ok("hooks", "install")
    people[2].ok("pull")
    people[2].ok("hooks", "install")


def _work(repo: Repo, message: str, *args: str, push: bool = True) -> str:
    """A commit that no hook sees, pushed; its id."""
    env = {**_OFF, "GIT_AUTHOR_DATE": _WHEN}
    assert commit(repo, message, *args, env=env) == []
    if push:
        repo.git("push", "-q", "origin", "HEAD:main")
    return repo.git("rev-parse", "HEAD")


def _pull(repo: Repo, *args: str) -> list[str]:
    code, output = ran(repo.path, "pull", "-q", *args)
    assert code == 0, output
    return [
        line
        for line in said(output)
        if "completed" in line or "commit" in line or "not done" in line
    ]


def _task(repo: Repo, task_id: str) -> dict[str, Any]:
    task: dict[str, Any] = repo.tasks()[task_id]
    return task


def test_a_teammate_with_git_alone_moves_a_task(team: tuple[Repo, Repo, Repo]) -> None:
    """The pull of a clone with hooks does it, for the author of the commit and at its date."""
    ada, bob, _ = team
    sha = _work(bob, "x\n\nTask: a completed")
    assert _pull(ada) == ["plan: a completed [1/3 complete]"]
    task = _task(ada, "a")
    assert (task["status"], task["owner"], task["finished"]) == (
        "completed",
        "Bob",
        max("2026-11-20T09:00:00Z", task["created"]),
    )
    assert [link["sha"] for link in task["commits"]] == [sha]
    author = ada.git("log", "-1", "--format=%an <%ae> %aI | %cn", "gittasks/plan")
    assert author == "Bob <bob@example.com> 2026-11-20T10:00:00+01:00 | Bob"
    nothing = "no commit that came into the upstream names a task that is left to handle\n"
    assert ada.ok("hooks", "catch-up").out == nothing


def test_clones_that_catch_up_apart_write_the_same(team: tuple[Repo, Repo, Repo]) -> None:
    """On one head it is one commit; on heads that differ it is one operation, and no conflict."""
    ada, bob, cleo = team
    _work(bob, "x\n\nTask: a completed")
    _pull(ada)
    _pull(cleo)
    assert ada.head() == cleo.head()
    ada.ok("note", "c", "apart")
    _work(bob, "y\n\nTask: b skipped")
    _pull(ada)
    _pull(cleo)
    assert ada.head() != cleo.head()
    for repo in (ada, cleo, ada):
        repo.ok("sync")
    assert ada.head() == cleo.head()
    assert (status(ada, "b"), status(cleo, "b")) == ("skipped", "skipped")
    assert ada.run("conflicts").code == 0
    ops = ada.git("log", "--format=%(trailers:key=Gittasks-Op,valueonly)", "gittasks/plan").split()
    assert len(ops) == len(set(ops)) + 1
    assert ada.ok("doctor").out == cleo.ok("doctor").out == "no problems found\n"


def test_what_was_reopened_before_clones_met_stays_open(team: tuple[Repo, Repo, Repo]) -> None:
    """Who catches up apart says nothing that whoever reopened the task has not seen."""
    ada, bob, cleo = team
    ada.ok("note", "c", "apart")
    _work(bob, "x\n\nTask: a completed")
    _pull(ada)
    _pull(cleo)
    ada.ok("reopen", "a")
    for repo in (ada, cleo, ada):
        repo.ok("sync")
    assert ada.head() == cleo.head()
    assert (status(ada, "a"), status(cleo, "a")) == ("pending", "pending")
    assert ada.run("conflicts").code == 0


@pytest.mark.parametrize("how", ["rebase", "cherry-pick", "squash", "merge"])
def test_copies_made_by_a_forge_move_nothing_twice(team: tuple[Repo, Repo, Repo], how: str) -> None:
    """Whatever button merged it: what a hook saw, and somebody reopened since, stays open."""
    ada, bob, cleo = team
    ada.git("switch", "-q", "-c", "topic")
    env = {"GIT_AUTHOR_DATE": _WHEN}
    assert commit(ada, "Topic\n\nTask: a completed", env=env)
    ada.git("push", "-q", "origin", "topic")
    ada.ok("reopen", "a")
    ada.ok("sync")
    cleo.ok("sync")
    _work(bob, "other")
    bob.git("fetch", "-q")
    if how == "merge":
        ran(bob.path, "merge", "-q", "--no-ff", "-Xours", "-m", "Merge topic", "origin/topic")
    elif how == "squash":
        message = "Topic (#1)\n\n* Topic\n\nTask: a completed"
        commit(bob, message, env=_OFF)
    else:
        ran(bob.path, "cherry-pick", "-Xtheirs", "origin/topic", env=_OFF)
    assert bob.git("log", "-1", "--format=%s") != "other"
    bob.git("push", "-q", "origin", "HEAD:main")
    _pull(cleo)
    cleo.ok("doctor", "--fix")
    assert status(cleo, "a") == "pending"


def test_what_was_reopened_since_stays_open(team: tuple[Repo, Repo, Repo]) -> None:
    """A commit made before a task was reopened does not close it again."""
    ada, bob, _ = team
    _work(bob, "x\n\nTask: a completed", push=False)
    ada.ok("done", "a")
    ada.ok("reopen", "a")
    bob.git("push", "-q", "origin", "HEAD:main")
    _pull(ada)
    assert status(ada, "a") == "pending"
    assert len(_task(ada, "a")["commits"]) == 1


def test_it_starts_and_reopens_nothing(team: tuple[Repo, Repo, Repo]) -> None:
    """A trailer without a status, or with in_progress, links."""
    ada, bob, _ = team
    ada.ok("done", "c")
    _work(bob, "x\n\nTask: a\nTask: b in_progress\nTask: c skipped")
    _pull(ada)
    assert [status(ada, i) for i in "abc"] == ["pending", "pending", "completed"]
    assert [len(_task(ada, i)["commits"]) for i in "abc"] == [1, 1, 1]


@pytest.mark.parametrize("trailer", ["PROJ-1", "T123 completed", "none", "a-b/c d", "other/a"])
def test_foreign_trailers_are_passed_over(team: tuple[Repo, Repo, Repo], trailer: str) -> None:
    """Without a word, and without anything to see to."""
    ada, bob, _ = team
    head = ada.head()
    _work(bob, f"x\n\nTask: {trailer}")
    assert _pull(ada) == []
    assert ada.head() == head
    assert ada.ok("doctor").out == "no problems found\n"


def test_ids_are_exact(team: tuple[Repo, Repo, Repo]) -> None:
    """The beginning of an id names a task where a person is asked, and none here."""
    ada, bob, _ = team
    ada.ok("create", "Long", "--id", "fix-login")
    _work(bob, "x\n\nTask: fix completed")
    _pull(ada)
    assert status(ada, "fix-login") == "pending"


_ODD = [
    "Bob <bob@example.com> someday +0000",
    "Bob <bob@example.com> 99999999999999999999 +9999",
    "B<b <bob@example.com> x> 1700000000 +0000",
    "Bob <bob@example.com> 0 -1200",
]
"""Authors as some programs have written them, which git itself never does."""


def test_odd_authors_and_dates_stop_nothing(team: tuple[Repo, Repo, Repo]) -> None:
    """Each counts, at the committer's date where its own is none; what we write is sound."""
    ada, _, _ = team
    ada.ok("create", "D", "--id", "d")
    ada.git("config", "gittasks.catchUp", "all")
    hub = Repo(ada.git("remote", "get-url", "origin"))
    tip, tree = hub.git("rev-parse", "main"), hub.git("rev-parse", "main^{tree}")
    for author, task in zip(_ODD, "abcd", strict=True):
        head = f"tree {tree}\nparent {tip}\nauthor {author}\n"
        text = (
            f"{head}committer C <c@example.com> 1700000000 +0000\n\nx\n\nTask: {task} completed\n"
        )
        tip = hub.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=text)
    hub.git("update-ref", "refs/heads/main", tip)
    assert len(_pull(ada)) == 4
    assert {task["status"] for task in ada.tasks().values()} == {"completed"}
    hub.git("config", "receive.fsckObjects", "true")
    ada.ok("sync")
    assert ada.ok("doctor").out == "no problems found\n"


def test_a_rebase_catches_up_as_a_merge_does(team: tuple[Repo, Repo, Repo]) -> None:
    """`git pull --rebase` under commits of one's own."""
    ada, bob, _ = team
    _work(bob, "x\n\nTask: a completed")
    ada.git("commit", "-q", "--allow-empty", "-m", "own")
    assert _pull(ada, "--rebase") == ["plan: a completed [1/3 complete]"]


def test_strangers_are_counted_and_their_command_takes_them(
    team: tuple[Repo, Repo, Repo],
) -> None:
    """Who has not written to the list moves nothing, until a person or the setting says so."""
    ada, bob, _ = team
    bob.git("config", "user.email", "mallory@example.com")
    _work(bob, "x\n\nTask: a completed")
    (line,) = _pull(ada)
    assert line.startswith("1 commit names tasks, by authors who have not written to the list;")
    assert status(ada, "a") == "pending"
    command = line.partition("gittasks ")[2].split()
    assert "a completed" in ada.ok(*command).out
    assert status(ada, "a") == "completed"
    ada.git("config", "gittasks.catchUp", "all")
    _work(bob, "y\n\nTask: b completed")
    _pull(ada)
    assert status(ada, "b") == "completed"
    ada.git("config", "gittasks.catchUp", "off")
    _work(bob, "z\n\nTask: c completed")
    assert _pull(ada) == []
    assert status(ada, "c") == "pending"


def test_it_begins_where_the_hooks_came(team: tuple[Repo, Repo, Repo], tmp_path: Path) -> None:
    """Older commits count for nothing; a branch that is only checked out neither."""
    ada, bob, _ = team
    _work(bob, "old\n\nTask: a completed")
    git(str(tmp_path), "clone", "-q", ada.git("remote", "get-url", "origin"), "dora")
    dora = Repo(str(tmp_path / "dora"))
    dora.ok("hooks", "install")
    _work(bob, "new\n\nTask: b completed")
    bob.git("switch", "-q", "-c", "topic")
    _work(bob, "topic\n\nTask: c completed", push=False)
    bob.git("push", "-q", "-u", "origin", "topic")
    _pull(dora)
    dora.git("fetch", "-q")
    dora.git("switch", "-q", "topic")
    dora.ok("doctor", "--fix")
    assert [status(dora, i) for i in "abc"] == ["pending", "completed", "pending"]
    dora.git("switch", "-q", "main")
    bob.git("push", "-q", "origin", "topic:main")
    _pull(dora)
    assert status(dora, "c") == "completed"
    dora.ok("hooks", "catch-up", "--all")  # of whoever wrote them, not of whenever
    assert status(dora, "a") == "pending"
    assert "a completed" in dora.ok("hooks", "catch-up", "main").out


def test_a_remote_without_a_head_has_a_default_branch(team: tuple[Repo, Repo, Repo]) -> None:
    """A clone of an empty repository knows none before git 2.48; its usual name is taken."""
    ada, bob, _ = team
    ada.git("switch", "-q", "-c", "topic")
    assert ada.git("for-each-ref", "refs/remotes/*/HEAD") == ""
    _work(bob, "x\n\nTask: a completed")
    ada.git("fetch", "-q")
    ada.git("merge", "-q", "origin/main")
    assert status(ada, "a") == "completed"


def test_an_upstream_that_comes_after_the_hooks_begins_where_they_came(
    team: tuple[Repo, Repo, Repo],
) -> None:
    ada, bob, _ = team
    ada.git("branch", "--unset-upstream")
    ada.git("update-ref", "-d", "refs/remotes/origin/main")
    ada.ok("hooks", "uninstall")
    ada.ok("hooks", "install")
    _work(bob, "x\n\nTask: a completed")
    ada.git("fetch", "-q")
    ada.git("merge", "-q", "origin/main")
    assert status(ada, "a") == "completed"


def test_many_commits_are_left_to_the_command(
    team: tuple[Repo, Repo, Repo], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than the limit stop no pull; the command takes them all."""
    from gittasks.githooks import catch_up, dispatch

    ada, bob, _ = team
    for number in range(3):
        _work(bob, f"{number}\n\nTask: a completed", push=False)
    bob.git("push", "-q", "origin", "HEAD:main")
    ada.git("fetch", "-q")
    workspace = ada.workspace("plan")
    report = catch_up.run(workspace, most=2)
    assert report is not None
    assert report.too_many
    assert "gittasks hooks catch-up" in report.lines()[0]
    assert status(ada, "a") == "pending"
    assert dispatch.NAMES  # the hook and the command read one position
    assert ada.ok("hooks", "catch-up", "--json").json()["tasks"][0]["id"] == "a"
    assert status(ada, "a") == "completed"


def _import(hub: str, first: int, last: int, every: int) -> None:
    """Commits of Bob's on main, from number `first` on; one in so many completes a task."""
    lines = []
    for number in range(first, last + 1):
        trailer = "" if number % every else f"\n\nTask: {'abc'[number // every % 3]} completed"
        text = f"Commit {number}{trailer}"
        lines += ["commit refs/heads/main"]
        lines += [f"author Bob <bob@example.com> {number * 60 + 1} +0000"]
        lines += [f"committer Bob <bob@example.com> {2000000000 + number} +0000"]
        lines += [f"data {len(text)}", text]
        lines += ["from refs/heads/main^0"] if number == first else []
    git(hub, "fast-import", "--quiet", stdin="\n".join([*lines, ""]))


@pytest.mark.parametrize(
    ("here", "new"), [(200, 1_100), pytest.param(100_000, 10_000, marks=pytest.mark.deep)]
)
def test_the_cost_is_bounded_where_the_history_is_long(
    team: tuple[Repo, Repo, Repo], tmp_path: Path, here: int, new: int
) -> None:
    """The first install reads no history; a pull counts what came in, and no further than 1,001.

    The command that takes it all runs as many processes for a hundred commits as for one.
    """
    hub = team[0].git("remote", "get-url", "origin")
    _import(hub, 1, here, 10)
    git(str(tmp_path), "clone", "-q", hub, "dora")
    dora = Repo(str(tmp_path / "dora"))
    dora.ok("pull")
    _, gits = started(dora, lambda: dora.ok("hooks", "install"))
    assert not [argv for argv in gits if {"log", "rev-list"} & set(argv)], gits
    assert len(gits) <= 40, gits
    assert status(dora, "a") == "pending"
    _import(hub, here + 1, here + new, max(10, new // 100))
    lines, gits = started(dora, lambda: _pull(dora))
    assert lines[0].startswith("more than 1000 commits came in, and none of them was looked at")
    # A reflog is no history; where it is in a reftable, git reads it.
    assert not [argv for argv in gits if "log" in argv and "-g" not in argv], gits
    assert sum("--max-count=1001" in argv for argv in gits) == 1, gits
    done, gits = started(dora, lambda: dora.ok("hooks", "catch-up"))
    assert done.out.count("linked") + done.out.count("completed [") >= 100
    # Of a reftable each move is a git.
    assert len(beside_refs(dora.git_dir, map(" ".join, gits))) <= 10, gits
    assert {task["status"] for task in dora.tasks().values()} == {"completed"}


def test_what_a_rule_forbids_is_told_once_and_can_be_dismissed(
    team: tuple[Repo, Repo, Repo],
) -> None:
    """A blocked task stays as it is, is linked, and is doctor's until it is let go of."""
    ada, bob, _ = team
    ada.ok("update", "b", "--add-blocked-by", "c")
    _work(bob, "x\n\nTask: b completed")
    ada.ok("start", "b", "--force")
    (line,) = [text for text in _pull(ada) if "not done" in text]
    assert '"plan/b completed"' in line
    assert _pull(ada) == []
    assert 'says "plan/b completed"' in ada.run("doctor").out
    ada.ok("hooks", "catch-up", "--dismiss")
    assert "says" not in ada.run("doctor").out


def test_ones_own_commits_without_hooks_are_named(hooked: Repo) -> None:
    """Without any remote doctor names them, and the command that it gives moves the task."""
    _work(hooked, "x\n\nTask: a completed", push=False)
    out = hooked.run("doctor").out
    assert "commits of this branch that no hook saw name a" in out
    assert "no commit that came into the upstream" in hooked.ok("hooks", "catch-up", "--all").out
    span = out.partition("gittasks hooks catch-up ")[2].split()[0]
    hooked.ok("hooks", "catch-up", span)
    assert status(hooked, "a") == "completed"
    assert hooked.ok("doctor").out == "no problems found\n"


@pytest.mark.parametrize("way", ["am", "plumbing"])
def test_what_calls_no_hook_is_named(hooked: Repo, way: str) -> None:
    """`git am`, and programs that make commits without git: jj, and clients with libgit2."""
    commit(hooked, "x\n\nTask: b completed", env=_OFF)
    if way == "am":
        patch = hooked.git("format-patch", "--stdout", "-1")
        hooked.git("reset", "-q", "--hard", "HEAD~")
        hooked.git("am", "-q", stdin=patch + "\n")
    else:
        hooked.git("reset", "-q", "--soft", "HEAD~")
        tree, parent = hooked.git("write-tree"), hooked.git("rev-parse", "HEAD")
        made = hooked.git("commit-tree", "-m", "x\n\nTask: b completed", "-p", parent, tree)
        hooked.git("update-ref", "refs/heads/main", made)
    assert status(hooked, "b") == "pending"
    span = hooked.run("doctor").out.partition("gittasks hooks catch-up ")[2].split()[0]
    assert "b completed" in hooked.ok("hooks", "catch-up", span).out
    assert hooked.ok("doctor").out == "no problems found\n"


def test_a_clone_without_hooks_names_what_they_missed(team: tuple[Repo, Repo, Repo]) -> None:
    """Doctor says that none are installed, and offers what links and moves; foreign words do not
    count."""
    _, bob, _ = team
    _work(bob, "x\n\nTask: PROJ-1")
    assert "hooks of gittasks" not in bob.run("doctor").out
    _work(bob, "x\n\nTask: a completed")
    out = bob.run("doctor", "--fix").out
    assert "commits of this branch name a, and no hooks of gittasks are installed here" in out
    assert status(bob, "a") == "pending"
    bob.ok("hooks", "install")
    span = out.partition("gittasks hooks catch-up ")[2].split()[0]
    bob.ok("hooks", "catch-up", span)
    assert status(bob, "a") == "completed"
    assert bob.ok("doctor").out == "no problems found\n"


def test_a_range_that_git_does_not_know_is_a_mistake_of_the_caller(hooked: Repo) -> None:
    """Exit code 2, and nothing is run with it."""
    for span in ("nowhere..main", "--output=x"):
        assert hooked.run("hooks", "catch-up", "--", span).code == 2
    assert not os.path.exists(hooked.file("x"))


@pytest.mark.parametrize("kind", ["first", "merge"])
def test_the_command_for_the_last_commit_takes_that_alone(listed: Repo, kind: str) -> None:
    """It is offered where a disk refused what the commit asks for, of whichever kind that is."""
    if kind == "merge":
        commit(listed, "base", env=_OFF)
        listed.git("switch", "-q", "-c", "side")
        commit(listed, "x\n\nTask: b completed", env=_OFF)
        listed.git("switch", "-q", "-")
        listed.git("merge", "-q", "--no-ff", "-m", "Merge\n\nTask: a completed", "side")
    else:
        listed.git("switch", "-q", "--orphan", "new")
        listed.git("commit", "-q", "--allow-empty", "-m", "x\n\nTask: a completed")
    listed.ok(*CATCH_UP.split()[1:])
    assert [i for i in ("a", "b") if status(listed, i) == "completed"] == ["a"]
