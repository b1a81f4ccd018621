"""A list is an ordinary branch: stock git reads its history, and every write adds one commit."""

from __future__ import annotations

import json
import subprocess

import pytest
from support import repositories
from support.repositories import Repo

from gittasks.core.model import FORMAT

ROOTS_OF_PLAN = {40: "fb99021", 64: "778da01"}


def test_two_clones_mint_the_same_root_commit(repo: Repo, tmp_path: object) -> None:
    """The root depends on the list id alone: not on person, clock, zone or repository."""
    other = Repo.create(f"{tmp_path}/other")
    repo.ok("init", "plan")
    env = {
        "TZ": "Asia/Tokyo",
        "GIT_AUTHOR_NAME": "Bob",
        "GIT_COMMITTER_EMAIL": "bob@example.com",
        "GIT_AUTHOR_DATE": "1999-01-01T00:00:00+0100",
    }
    other.ok("init", "plan", env=env)
    assert repo.head() == other.head()
    root = ROOTS_OF_PLAN[len(repo.head())]
    assert repo.head().startswith(root), "lists that exist keep this root for ever"
    other.ok("init", "other")
    assert other.head("other") != other.head("plan")


def test_adopting_a_fetched_list_starts_at_its_head(listed: Repo, tmp_path: object) -> None:
    """`init` in a clone makes the local branch at what was fetched, not a new root."""
    clone = listed.clone(f"{tmp_path}/clone")
    assert set(clone.tasks()) == {"a", "b", "c"}, "a fetched list is read without init"
    clone.ok("init", "plan")
    assert clone.head() == listed.head()


def test_the_first_write_in_a_clone_builds_on_what_was_fetched(
    listed: Repo, tmp_path: object
) -> None:
    """Without a local branch, the first write makes one on top of the fetched commit."""
    clone = listed.clone(f"{tmp_path}/clone")
    clone.ok("start", "a")
    assert clone.git("rev-parse", "gittasks/plan~1") == listed.head()


def test_tree_holds_list_attributes_and_one_file_a_task(listed: Repo) -> None:
    names = listed.git("ls-tree", "-r", "--name-only", "gittasks/plan").split("\n")
    assert names == [
        ".gitattributes",
        "README.md",
        "list.yaml",
        "tasks/a.yaml",
        "tasks/b.yaml",
        "tasks/c.yaml",
    ]
    assert f"format: {FORMAT}" in listed.git("show", "gittasks/plan:list.yaml")
    assert "merge=gittasks" in listed.git("show", "gittasks/plan:.gitattributes")


def test_stock_git_shows_who_did_what(listed: Repo) -> None:
    """Trailers, the file of a task, and blame come from git alone."""
    listed.ok("start", "a", "--owner", "bot", env={"GITTASKS_SESSION": "s1"})
    listed.ok("done", "a", "--owner", "bot", "--result", "PASS", env={"GITTASKS_SESSION": "s1"})
    shown = listed.git(
        "log",
        "--format=%(trailers:key=Gittasks-Task,valueonly,separator=)|"
        "%(trailers:key=Gittasks-Status,valueonly,separator=)|"
        "%(trailers:key=Gittasks-Owner,valueonly,separator=)",
        "-2",
        "gittasks/plan",
    ).split("\n")
    assert shown == ["a|completed|bot", "a|in_progress|bot"]
    operations = listed.git(
        "log", "--format=%(trailers:key=Gittasks-Op,valueonly,separator=)", "gittasks/plan"
    ).split("\n")
    assert len(set(operations)) == len(operations)
    file = listed.git("show", "gittasks/plan:tasks/a.yaml")
    assert "subject: Task a" in file
    assert "status: completed" in file
    blame = listed.git("blame", "--line-porcelain", "gittasks/plan", "--", "tasks/a.yaml")
    assert "author Ada" in blame
    status_line = listed.git("blame", "-s", "gittasks/plan", "--", "tasks/a.yaml").split("\n")
    result = next(line for line in status_line if "result: PASS" in line)
    assert listed.head().startswith(result.split()[0].lstrip("^"))


def test_author_is_the_git_identity_and_its_date(listed: Repo) -> None:
    env = {
        "GIT_AUTHOR_NAME": "Bob B",
        "GIT_AUTHOR_EMAIL": "bob@x.org",
        "GIT_COMMITTER_NAME": "Carol",
        "GIT_COMMITTER_EMAIL": "carol@x.org",
        "GIT_AUTHOR_DATE": "2026-03-04T05:06:07+0530",
    }
    listed.ok("start", "a", env=env)
    told = listed.git("log", "-1", "--format=%an <%ae> %cn <%ce> %aI", "gittasks/plan")
    assert told == "Bob B <bob@x.org> Carol <carol@x.org> 2026-03-04T05:06:07+05:30"


def test_without_an_identity_work_goes_on_with_a_hint(listed: Repo) -> None:
    """No user.name: the write succeeds under the login's name, and says how to set one."""
    env = {"GIT_CONFIG_GLOBAL": "/dev/null", "LOGNAME": "someone", "EMAIL": ""}
    env |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.useConfigOnly"}
    env |= {"GIT_CONFIG_VALUE_0": "true"}
    result = listed.ok("start", "a", env=env)
    assert "git config --global user.name" in result.err
    assert listed.git("log", "-1", "--format=%an <%ae>", "gittasks/plan") == (
        "someone <someone@localhost>"
    )
    listed.fsck()


@pytest.mark.parametrize(
    "again",
    [
        ["start", "a"],
        ["update", "a", "--subject", "Task a"],
        ["create", "Task a", "--id", "a"],
        ["init", "plan"],
    ],
)
def test_a_transition_made_twice_makes_no_commit(listed: Repo, again: list[str]) -> None:
    listed.ok("start", "a")
    before = listed.head()
    listed.ok(*again)
    assert listed.head() == before


def test_a_batch_is_all_or_nothing_and_each_transition_a_commit(listed: Repo) -> None:
    """What fails writes nothing; the rest of a batch is one commit beside its transitions."""
    before = listed.head()
    bad = '{"op": "start", "id": "a"}\n{"op": "done", "id": "no-such-task"}'
    assert listed.run("batch", stdin=bad).code == 3
    assert listed.head() == before
    listed.ok("batch", stdin='{"op": "start", "id": "a"}\n{"op": "note", "id": "b", "text": "x"}')
    assert listed.git("rev-parse", "gittasks/plan~2") == before


def test_two_equal_operations_in_one_second_are_two_commits(listed: Repo, tmp_path: object) -> None:
    """Otherwise two clones that race for a task would both hold the winning commit."""
    clone = listed.clone(f"{tmp_path}/clone")
    env = {"GIT_AUTHOR_DATE": "2026-03-04T05:06:07Z", "GIT_COMMITTER_DATE": "2026-03-04T05:06:07Z"}
    for place in (listed, clone):
        place.ok("start", "a", env=env)
    assert listed.git("show", "gittasks/plan:tasks/a.yaml") == clone.git(
        "show", "gittasks/plan:tasks/a.yaml"
    )
    assert listed.head() != clone.head()


def test_files_of_other_people_are_kept_by_writes(listed: Repo) -> None:
    """A README, a folder, a symlink, an executable: untouched, entry by entry."""
    link = listed.blob("list.yaml")
    script = listed.blob("#!/bin/sh\n")
    sub = listed.git("rev-parse", "main")
    listed.hand_edit(
        {"README.md": "About\n", "docs/more.txt": "more\n", "zebra": "z\n", "tasks.txt": "t\n"},
        raw_entries=[
            f"120000 {link}\tlink",
            f"100755 {script}\trun.sh",
            f"160000 {sub}\tvendor",
        ],
    )
    before = listed.git("ls-tree", "-r", "gittasks/plan").split("\n")
    listed.ok("start", "a")
    listed.ok("create", "New", "--id", "new")
    after = listed.git("ls-tree", "-r", "gittasks/plan").split("\n")
    changed = [line for line in before if line not in after]
    assert [line.split("\t")[1] for line in changed] == ["tasks/a.yaml"]
    listed.fsck()


def test_a_hand_edit_is_an_ordinary_write(listed: Repo) -> None:
    """What a person commits with plain git is read, told by log, and kept, comments included."""
    text = listed.git("show", "gittasks/plan:tasks/a.yaml") + "\n"
    edited = text.replace("Task a", "Renamed by hand") + "x-team: red  # ours\n"
    listed.hand_edit({"tasks/a.yaml": edited})
    assert listed.tasks()["a"]["subject"] == "Renamed by hand"
    assert "Renamed by hand" in listed.ok("log").out
    listed.ok("start", "a")
    kept = listed.git("show", "gittasks/plan:tasks/a.yaml")
    assert "x-team: red  # ours" in kept
    assert "status: in_progress" in kept


def test_a_hand_made_task_file_and_its_removal_are_read(listed: Repo) -> None:
    listed.hand_edit({"tasks/d.yaml": "subject: By hand\n", "tasks/c.yaml": None})
    tasks = listed.tasks()
    assert set(tasks) == {"a", "b", "d"}
    assert tasks["d"]["subject"] == "By hand"
    listed.ok("start", "d")
    listed.fsck()


def test_a_list_of_a_thousand_tasks_is_one_commit_with_few_open_files(repo: Repo) -> None:
    """A big batch must not need a thread or a file handle for each task."""
    repo.ok("init", "big")
    lines = [
        json.dumps({"op": "create", "id": f"t{i}", "subject": f"Task number {i}"})
        for i in range(1000)
    ]
    done = subprocess.run(
        ["sh", "-c", f'ulimit -n 64; exec "{repositories.GITTASKS}" batch'],
        cwd=repo.path,
        input="\n".join(lines).encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert repo.count("big") == 2
    assert len(repo.tasks()) == 1000
    repo.ok("start", "t7")
    assert repo.ok("log", "-n", "1", "--json").json()["entries"][0]["changes"][0]["task"] == "t7"
    repo.fsck()
