"""A commit of the code that names tasks: linked, moved, told in a line; never in git's way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.commits import commit, links, ran, said, shas, status
from support.repositories import Repo, git, plan

from gittasks.githooks.dispatch import NAMES


def test_a_commit_completes_a_task(hooked: Repo) -> None:
    """`Task: ID completed` links the commit, completes the task and tells what is ready now."""
    hooked.ok("update", "b", "--add-blocked-by", "a")
    told = commit(hooked, "Build a\n\nTask: a completed")
    assert told == ["plan: a completed; now ready: b [1/3 complete]"]
    assert status(hooked, "a") == "completed"
    assert links(hooked, "a") == ["Build a"]
    assert shas(hooked, "a") == [hooked.git("rev-parse", "HEAD")]


def test_without_a_status_a_pending_task_is_started(hooked: Repo) -> None:
    """`Task: ID` alone links, and starts what is pending; what is done stays done."""
    assert commit(hooked, "Begin\n\nTask: a") == ["plan: a started [0/3 complete]"]
    assert status(hooked, "a") == "in_progress"
    hooked.ok("done", "a")
    assert commit(hooked, "Polish\n\nTask: a") == [
        "plan: a linked, completed before [1/3 complete]"
    ]
    assert status(hooked, "a") == "completed"
    assert links(hooked, "a") == ["Begin", "Polish"]


def test_several_tasks_are_moved_at_once(hooked: Repo) -> None:
    """Each move is a commit of its own; blockers are done before what waits for them."""
    hooked.ok("update", "a", "--add-blocked-by", "b")
    before = hooked.count()
    told = commit(hooked, "All\n\nTask: c skipped\nTask: a completed\nTask: b completed")
    assert told == ["plan: a completed, b completed, c skipped [2/2 complete]"]
    assert hooked.count() == before + 4  # the links together, and three moves


def test_one_is_finished_before_the_next_is_begun(hooked: Repo) -> None:
    """A commit may end one task and begin another: one in progress an owner still holds."""
    hooked.ok("start", "a")
    told = commit(hooked, "Next\n\nTask: b in_progress\nTask: a completed")
    assert told == ["plan: a completed, b started [1/3 complete]"]


@pytest.mark.parametrize(
    ("message", "moved"),
    [
        ("x\n\nTask: a completed\nReviewed-by: Bob", True),
        ("x\n\nTASK: a completed", True),
        ("x\n\nTask : a completed", True),
        ("x\n\nTask: a\n  completed", True),
        ("x\n\nTask: a completed\n\nMore words at the end.", False),
        ("Task: a completed", False),
        ("x\n\nSubtask: a completed", False),
    ],
)
def test_trailers_are_what_git_says_they_are(hooked: Repo, message: str, moved: bool) -> None:
    """Last paragraph, any case, folded lines, as git interpret-trailers has it."""
    commit(hooked, message)
    assert (status(hooked, "a") == "completed") is moved


def test_configured_separators_count(hooked: Repo) -> None:
    """git config trailer.separators says what may stand behind the key."""
    hooked.git("config", "trailer.separators", ":=")
    commit(hooked, "x\n\nTask= a completed")
    assert status(hooked, "a") == "completed"


def test_a_trailer_names_a_whole_id(hooked: Repo) -> None:
    """A beginning names nothing; `LIST/ID` names a task of another list."""
    hooked.ok("create", "Write it", "--id", "write-it-now")
    plan(hooked, "a", list_id="other")
    hooked.ok("use", "plan")
    told = commit(hooked, "x\n\nTask: write completed\nTask: other/a completed")
    assert told[0] == (
        "plan: not done, kept for gittasks doctor: "
        '"write completed": no task "write"; did you mean write-it-now?'
    )
    assert hooked.tasks()["write-it-now"]["status"] == "pending"
    assert told[-1:] == [
        "other: a completed [1/1 complete]",
    ]
    assert status(hooked, "a") == "pending"
    assert hooked.tasks("other")["a"]["status"] == "completed"


def test_a_task_named_twice_is_one_mention(hooked: Repo) -> None:
    """The mention that brings a status counts."""
    told = commit(hooked, "x\n\nTask: a completed\nTask: a")
    assert told == ["plan: a completed [1/3 complete]"]


# --- what cannot be done --------------------------------------------------------------------


def test_a_rule_stops_the_move_not_the_commit_nor_the_link(hooked: Repo) -> None:
    """A blocked task is linked, not completed; said in a line, kept for doctor until it is so."""
    hooked.ok("update", "b", "--add-blocked-by", "a")
    told = commit(hooked, "Early\n\nTask: b completed")
    assert told[0] == "plan: b linked [0/3 complete]"
    assert told[1].startswith('plan: not done, kept for gittasks doctor: "b completed": b (Task b)')
    assert len(told) == 2
    assert links(hooked, "b") == ["Early"]

    found = hooked.run("doctor")
    assert found.code == 1
    assert 'says "b completed"' in found.out
    hooked.ok("done", "a")
    assert hooked.run("doctor", "--fix").out.count("fixed") == 1
    assert status(hooked, "b") == "completed"
    assert hooked.ok("doctor").out == "no problems found\n"


def test_what_became_so_in_another_way_is_told_no_more(hooked: Repo) -> None:
    """doctor is silent about a task that was finished by hand since."""
    hooked.ok("update", "b", "--add-blocked-by", "a")
    commit(hooked, "Early\n\nTask: b completed")
    hooked.ok("done", "a")
    hooked.ok("done", "b")
    assert hooked.ok("doctor").out == "no problems found\n"


def test_another_owners_task_is_linked_alone(hooked: Repo) -> None:
    """What somebody has claimed is not finished by a stranger's commit."""
    hooked.ok("claim", "a", "--owner", "bob", env={"GITTASKS_SESSION": "s1"})
    told = commit(hooked, "x\n\nTask: a completed")
    assert told[0] == "plan: a linked [0/3 complete]"
    assert "held by bob" in told[1]
    assert status(hooked, "a") == "in_progress"


def test_an_unknown_task_is_told_with_what_was_meant(hooked: Repo) -> None:
    """It is kept for later, and stops no commit."""
    hooked.ok("create", "Write it", "--id", "write-it")
    told = commit(hooked, "x\n\nTask: wrote-it completed")
    assert '"wrote-it completed": no task "wrote-it"' in told[0]
    assert "write-it" in told[0]
    assert hooked.run("doctor").code == 1


def test_a_trailer_without_end_is_cut(hooked: Repo) -> None:
    """What names no task does not fill the screen, nor the file of what could not be done."""
    told = commit(hooked, f"x\n\nTask: {'a' * 5000}")
    assert len(told) == 1
    assert max(map(len, told)) < 600
    assert max(map(len, hooked.run("doctor").out.splitlines())) < 600


def test_a_state_that_no_commit_can_bring_is_told(hooked: Repo) -> None:
    """`Task: a complet` is answered with the word that is meant; nothing is guessed."""
    told = commit(hooked, "x\n\nTask: a complet")
    assert told[0].endswith("write: Task: a completed")
    assert status(hooked, "a") == "pending"


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("done", "completed"),
        ("complete", "completed"),
        ("skip", "skipped"),
        ("start", "in_progress"),
    ],
)
def test_the_words_of_the_command_line_are_understood(hooked: Repo, word: str, state: str) -> None:
    """`Task: a done` does what `gittasks done a` does."""
    commit(hooked, f"x\n\nTask: a {word}")
    assert status(hooked, "a") == state
    assert hooked.ok("doctor").out == "no problems found\n"


def test_a_wrong_trailer_of_an_older_commit_can_be_let_go(hooked: Repo) -> None:
    """No amend reaches it: the command that doctor names is accepted, and doctor is content."""
    commit(hooked, "x\n\nTask: a wrong")
    commit(hooked, "y")
    told = hooked.run("doctor")
    assert (told.code, "gittasks hooks catch-up --dismiss" in told.out) == (1, True)
    hooked.ok("hooks", "catch-up", "--dismiss")
    assert hooked.ok("doctor").out == "no problems found\n"


def test_an_amended_message_settles_what_was_kept(hooked: Repo) -> None:
    """The right id in an amended message is applied, and the wrong one forgotten."""
    commit(hooked, "x\n\nTask: zz completed")
    code, output = ran(hooked.path, "commit", "-q", "--amend", "-m", "x\n\nTask: a completed")
    assert (code, said(output)) == (0, ["plan: a completed [1/3 complete]"])
    assert hooked.ok("doctor").out == "no problems found\n"


def test_a_finished_list_takes_links(hooked: Repo) -> None:
    """A commit after the end is linked, and moves nothing."""
    for task in "abc":
        hooked.ok("done", task)
    told = commit(hooked, "Late\n\nTask: a completed")
    assert told == ["plan: a linked, completed before [3/3 complete]"]


def test_a_merge_commit_counts_as_well(hooked: Repo) -> None:
    """git calls no post-commit for `git merge`; one that others made moves nothing here."""
    hooked.git("commit", "-q", "--allow-empty", "-m", "root")
    hooked.git("checkout", "-qb", "side")
    hooked.git("commit", "-q", "--allow-empty", "-m", "work")
    hooked.git("checkout", "-q", "-")
    message = "M\n\nTask: a completed"
    code, output = ran(hooked.path, "merge", "-q", "--no-ff", "-m", message, "side")
    assert (code, said(output)) == (0, ["plan: a completed [1/3 complete]"])
    assert links(hooked, "a") == ["M"]
    hooked.ok("reopen", "a")
    hooked.git("checkout", "-q", "side")
    assert said(ran(hooked.path, "merge", "-q", "--ff-only", "@{-1}")[1]) == []
    assert status(hooked, "a") == "pending"


def test_no_list_no_word(repo: Repo) -> None:
    """In a repository without lists hooks say nothing, whatever trailers there are."""
    repo.ok("hooks", "install")
    assert commit(repo, "x\n\nTask: PROJ-12") == []


def test_a_list_that_is_not_chosen_is_told(hooked: Repo) -> None:
    """With several lists and none in use, a bare id says how to name the list."""
    plan(hooked, "a", list_id="other")
    hooked.forget_choice()
    told = commit(hooked, "x\n\nTask: a completed")
    assert "several task lists are here" in told[0]


def test_a_missing_gittasks_stops_nothing(hooked: Repo, tmp_path: object) -> None:
    """Without gittasks anywhere commits, amends, checkouts and pushes go on, in silence."""
    for name in NAMES:
        script = Path(hooked.git_dir, "hooks", name)
        text = script.read_text(encoding="utf-8")
        script.write_text(text.replace("installed='", "installed='/gone"), encoding="utf-8")
    folder = os.path.join(str(tmp_path), "bin")
    os.makedirs(folder)
    for tool in ("git", "sh", "grep", "cat", "sed"):
        os.symlink(git(hooked.path, "-c", f"alias.w=!command -v {tool}", "w"), f"{folder}/{tool}")
    env = {"PATH": folder, "HOME": str(tmp_path)}
    assert commit(hooked, "x\n\nTask: a completed", env=env) == []
    assert ran(hooked.path, "commit", "--amend", "-qm", "y", env=env) == (0, "")
    assert ran(hooked.path, "checkout", "-q", "-b", "b2", env=env) == (0, "")


def test_a_broken_gittasks_stops_nothing(hooked: Repo, tmp_path: object) -> None:
    """One that ends with any code but the refusal's stops no commit."""
    folder = os.path.join(str(tmp_path), "bin")
    os.makedirs(folder)
    with open(f"{folder}/gittasks", "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nexit 1\n")
    os.chmod(f"{folder}/gittasks", 0o700)
    env = {"PATH": f"{folder}:{os.environ['PATH']}"}
    commit(hooked, "x\n\nTask: a completed", env=env)


def test_hooks_can_be_switched_off(hooked: Repo) -> None:
    """GITTASKS_HOOKS=0 in the environment, for one command."""
    assert commit(hooked, "x\n\nTask: a completed", env={"GITTASKS_HOOKS": "0"}) == []
    assert status(hooked, "a") == "pending"


# --- where git runs hooks -------------------------------------------------------------------


def test_a_commit_in_a_linked_worktree(hooked: Repo, tmp_path: object) -> None:
    """There git sets GIT_DIR and GIT_INDEX_FILE; the list moves, and no index but git's own."""
    folder = os.path.join(str(tmp_path), "wt")
    hooked.git("worktree", "add", "-q", "-b", "side", folder)
    told = commit(Repo(folder), "x\n\nTask: a completed")
    assert told == ["plan: a completed [1/3 complete]"]
    assert git(folder, "status", "--porcelain") == ""
    assert hooked.git("status", "--porcelain") == ""


def test_a_checkout_of_the_list_comes_along(hooked: Repo, tmp_path: object) -> None:
    """A worktree on the list's branch is brought along, not by way of the code's index."""
    folder = os.path.join(str(tmp_path), "wt")
    hooked.git("worktree", "add", "-q", folder, "gittasks/plan")
    assert commit(hooked, "x\n\nTask: a completed") == ["plan: a completed [1/3 complete]"]
    assert git(folder, "status", "--porcelain") == ""
    assert hooked.git("status", "--porcelain") == ""
    assert hooked.git("ls-files") == "code.txt"


def test_the_committer_acts_now(hooked: Repo) -> None:
    """An author and a date given for the commit of the code are not those of the list's."""
    env = {"GIT_AUTHOR_DATE": "2001-01-01T00:00:00Z", "GIT_AUTHOR_NAME": "Other"}
    commit(hooked, "x\n\nTask: a completed", "--author=Eve <eve@example.com>", env=env)
    author = hooked.git("log", "-1", "--format=%an %ad", "--date=format:%Y", "gittasks/plan")
    assert author.startswith("Ada 2")
    assert not author.endswith("2001")


def test_in_a_submodule(hooked: Repo, tmp_path: object) -> None:
    """A submodule has hooks and lists of its own."""
    inner = Repo.create(os.path.join(str(tmp_path), "inner"))
    hooked.git("submodule", "add", "-q", inner.path, "sub")
    sub = plan(Repo(hooked.file("sub")), "a")
    sub.ok("hooks", "install")
    assert commit(sub, "x\n\nTask: a completed") == ["plan: a completed [1/1 complete]"]
    assert status(hooked, "a") == "pending"
