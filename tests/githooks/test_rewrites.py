"""Amend, rebase, fixup, cherry-pick, revert: links follow, nothing is done twice or reopened."""

from __future__ import annotations

import pytest
from support.commits import commit, links, ran, said, shas, status
from support.repositories import Repo

from gittasks.githooks import commits


def _file(repo: Repo, name: str, message: str) -> str:
    """Commit a file of its own; the commit's id."""
    repo.write(name, f"{name}\n")
    repo.git("add", name)
    repo.git("commit", "-qm", message)
    return repo.git("rev-parse", "HEAD")


@pytest.fixture
def branched(hooked: Repo) -> Repo:
    """On `side`: A, which completes a, and B, which starts b; one more commit on main."""
    hooked.git("checkout", "-q", "-b", "side")
    _file(hooked, "A", "A\n\nTask: a completed")
    _file(hooked, "B", "B\n\nTask: b")
    hooked.git("checkout", "-q", "main")
    hooked.git("config", "gittasks.offerTrailer", "false")
    _file(hooked, "M", "M")
    hooked.git("checkout", "-q", "side")
    return hooked


def _rebase(
    repo: Repo, *args: str, todo: str = "s/a/a/", editor: str = "true"
) -> tuple[int, list[str]]:
    env = {"GIT_SEQUENCE_EDITOR": f"sed -i '{todo}'", "GIT_EDITOR": editor}
    code, output = ran(repo.path, "rebase", "-q", *args, "main", env=env)
    return code, said(output)


def test_an_amended_commit_is_linked_in_its_place(hooked: Repo) -> None:
    """One link, to the new commit; what the old message said is not done again."""
    commit(hooked, "Old\n\nTask: a completed")
    hooked.ok("reopen", "a")
    ran(hooked.path, "commit", "-q", "--amend", "-m", "New\n\nTask: a completed")
    assert shas(hooked, "a") == [hooked.git("rev-parse", "HEAD")]
    assert links(hooked, "a") == ["New"]
    assert status(hooked, "a") == "pending"


def test_what_an_amended_message_says_anew_is_done(hooked: Repo) -> None:
    """A trailer that was added by the amend counts."""
    commit(hooked, "x\n\nTask: a")
    ran(hooked.path, "commit", "-q", "--amend", "-m", "x\n\nTask: a completed\nTask: b")
    assert (status(hooked, "a"), status(hooked, "b")) == ("completed", "in_progress")
    assert links(hooked, "b") == ["x"]


@pytest.mark.parametrize("how", [("--merge",), ("--apply",), ("-i",)], ids=str)
def test_links_follow_a_rebase(branched: Repo, how: tuple[str, ...]) -> None:
    """By every backend; a task that was reopened since stays open."""
    branched.ok("reopen", "a")
    assert _rebase(branched, *how) == (0, ["plan: a linked anew, b linked anew [0/3 complete]"])
    assert shas(branched, "a") == [branched.git("rev-parse", "HEAD~1")]
    assert shas(branched, "b") == [branched.git("rev-parse", "HEAD")]
    assert status(branched, "a") == "pending"


def test_commits_amended_inside_a_rebase(branched: Repo) -> None:
    """`rebase -x "git commit --amend"` rewrites each commit twice; links go to the last."""
    amend = "git commit -q --amend --no-edit --date=2020-01-01T00:00:00Z"
    code, _ = _rebase(branched, "-x", amend)
    assert code == 0
    assert shas(branched, "a") == [branched.git("rev-parse", "HEAD~1")]
    assert shas(branched, "b") == [branched.git("rev-parse", "HEAD")]


def test_commits_made_inside_a_rebase(branched: Repo) -> None:
    """A commit that is new in the rebase counts once the rebase is done."""
    new = 'exec echo N > N; git add N; git commit -qm N -m "Task: c completed"'
    code, told = _rebase(branched, "-i", todo=f"1a{new}")
    assert code == 0
    assert told[-1] == "plan: c completed [2/3 complete]"
    assert shas(branched, "c") == [branched.git("rev-parse", "HEAD~1")]


def test_an_aborted_rebase_was_never_there(branched: Repo) -> None:
    """Links stay with the old commits; what was committed on the way moves nothing."""
    before = shas(branched, "a"), shas(branched, "b")
    new = 'exec echo N > N; git add N; git commit -qm N -m "Task: c completed"; false'
    code, _ = _rebase(branched, "-i", todo=f"1a{new}")
    assert code != 0
    branched.git("rebase", "--abort")
    assert (shas(branched, "a"), shas(branched, "b")) == before
    assert status(branched, "c") == "pending"


def test_a_fixup_and_a_squash_leave_one_link(branched: Repo) -> None:
    """Commits that became one are one link; tasks of both are linked to it."""
    code, _ = _rebase(branched, "-i", todo="2s/^pick/squash/")
    assert code == 0
    head = branched.git("rev-parse", "HEAD")
    assert (shas(branched, "a"), shas(branched, "b")) == ([head], [head])
    branched.write("A", "again\n")
    branched.git("commit", "-qa", "--fixup", "HEAD")
    assert _rebase(branched, "-i", "--autosquash")[0] == 0
    assert shas(branched, "a") == [branched.git("rev-parse", "HEAD")]


def test_a_cherry_pick_is_linked_and_completes_nothing_again(branched: Repo) -> None:
    """A copy is a commit of the task too, but what it says was done by the original."""
    branched.ok("reopen", "a")
    branched.git("checkout", "-q", "main")
    branched.git("cherry-pick", "side~1")
    assert links(branched, "a") == ["A", "A"]
    assert status(branched, "a") == "pending"


def test_a_cherry_pick_of_what_was_never_applied_counts(hooked: Repo) -> None:
    """A commit made where there were no hooks is applied when it is picked."""
    hooked.git("checkout", "-q", "-b", "side")
    hooked.write("A", "A\n")
    hooked.git("add", "A")
    commit(hooked, "A\n\nTask: a completed", env={"GITTASKS_HOOKS": "0"})
    hooked.git("checkout", "-q", "main")
    code, output = ran(hooked.path, "cherry-pick", "side")
    assert (code, said(output)) == (0, ["plan: a completed [1/3 complete]"])


def test_a_revert_reopens_nothing_and_says_so(hooked: Repo) -> None:
    """Whether there is work left again is for a person to say."""
    commit(hooked, "x\n\nTask: a completed")
    _, output = ran(hooked.path, "revert", "--no-edit", "HEAD")
    assert len(said(output)) == 1
    assert said(output)[0].startswith("plan: this reverts a commit of a, completed")
    assert said(output)[0].endswith("gittasks reopen a --list plan")
    assert status(hooked, "a") == "completed"


def test_links_in_all_lists_follow(hooked: Repo) -> None:
    """A commit may be linked in several lists."""
    hooked.ok("init", "other")
    hooked.ok("create", "Z", "--id", "z")
    hooked.ok("use", "plan")
    commit(hooked, "x\n\nTask: a\nTask: other/z")
    ran(hooked.path, "commit", "-q", "--amend", "-m", "y\n\nTask: a\nTask: other/z")
    head = hooked.git("rev-parse", "HEAD")
    assert shas(hooked, "a") == [head]
    assert [c["sha"] for c in hooked.tasks("other")["z"]["commits"]] == [head]


def test_a_rebase_of_commits_without_tasks_says_nothing(hooked: Repo) -> None:
    """Nothing linked, nothing told, no commit on the list."""
    count = hooked.count()
    commit(hooked, "one")
    code, output = ran(hooked.path, "commit", "-q", "--amend", "-m", "two")
    assert (code, output, hooked.count()) == (0, "", count)


def test_what_was_kept_stays_kept_however_it_was_written(hooked: Repo) -> None:
    """An amend that does not mend the trailer keeps the entry for doctor, for the new commit."""
    message = "x\n\nTask: zz   COMPLETED"
    commit(hooked, message)
    ran(hooked.path, "commit", "-q", "--amend", "--allow-empty", "-m", f"again {message}")
    found = hooked.run("doctor")
    assert found.code == 1
    assert hooked.git("rev-parse", "HEAD")[:7] in found.out


def test_commits_of_a_rebase_count_in_their_order(branched: Repo) -> None:
    """What is new in a rebase is applied from the oldest on, whatever the ids are."""
    branched.git("config", "gittasks.parallel", "true")
    new = "exec " + "; ".join(
        f'echo {n} > N; git add N; git commit -qm N{n} -m "Task: c {status}"'
        for n, status in enumerate(["in_progress", "completed"] * 3)
    )
    code, told = _rebase(branched, "-i", "--strategy-option=theirs", todo=f"1a{new}")
    assert code == 0, told
    moves = [line for line in branched.ok("log", "c", "--reverse").out.splitlines() if "→" in line]
    assert "in_progress" in moves[0]
    assert links(branched, "c") == [f"N{n}" for n in range(6)]


def test_a_commit_that_was_amended_back_is_found_in_the_end() -> None:
    """An amend and its undoing name each other; a chain is followed to its end."""
    assert commits._newest("a", {"a": "b", "b": "c"}) == "c"
    assert commits._newest("a", {"a": "b", "b": "a"}) == "b"
    assert commits._newest("a", {}) == "a"
