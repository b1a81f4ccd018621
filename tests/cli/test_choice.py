"""Which list a command means, in one clone, in several worktrees, and fresh from a remote."""

from __future__ import annotations

import os

import pytest
from support.repositories import Repo, plan


def _list_id(repo: Repo, *args: str, **env: str) -> str:
    return str(repo.ok("list", "--json", *args, env=env).json()["list"]["id"])


@pytest.fixture
def three(repo: Repo) -> Repo:
    """The lists one, two and three; two is in use."""
    for name in ("one", "two", "three"):
        plan(repo, list_id=name)
    repo.ok("use", "two")
    return repo


def test_order_of_precedence(three: Repo) -> None:
    """--list, GITTASKS_LIST, CLAUDE_CODE_TASK_LIST_ID, git config, branch, the only list."""
    both = {"GITTASKS_LIST": "one", "CLAUDE_CODE_TASK_LIST_ID": "three"}
    assert _list_id(three, "-l", "two", **both) == "two"
    assert _list_id(three, **both) == "one"
    assert _list_id(three, CLAUDE_CODE_TASK_LIST_ID="three") == "three"
    assert _list_id(three, GITTASKS_LIST="") == "two"
    assert _list_id(three) == "two"
    three.git("config", "--unset", "gittasks.list")
    three.git("checkout", "-q", "-b", "three")
    assert _list_id(three) == "three"


def test_the_only_list(repo: Repo) -> None:
    """Where there is one list, nothing has to be said."""
    plan(repo, list_id="only")
    repo.git("config", "--unset", "gittasks.list")
    assert _list_id(repo) == "only"


def test_named_list_that_is_not_there(three: Repo) -> None:
    """A variable that names no list is an error that tells who named it; nothing is made."""
    done = three.run("create", "x", env={"CLAUDE_CODE_TASK_LIST_ID": "tow"})
    assert done.code == 8
    assert 'no task list "tow" here (named by CLAUDE_CODE_TASK_LIST_ID)' in done.err
    assert "two" in done.err
    assert "gittasks init tow" in done.err
    done = three.run("list", env={"GITTASKS_LIST": "../x"})
    assert done.code == 2
    assert "GITTASKS_LIST" in done.err


def test_init_takes_the_name_from_variable_branch_or_folder(repo: Repo) -> None:
    """Without ID the list is named by the variable, else the code branch, else the folder."""
    assert repo.ok("init", "-q", env={"CLAUDE_CODE_TASK_LIST_ID": "feature-x"}).out == "feature-x\n"
    repo.git("config", "--unset", "gittasks.list")
    assert repo.ok("init", "-q").out == "repo\n"
    repo.git("config", "--unset", "gittasks.list")
    repo.git("checkout", "-q", "-b", "feat/New_Login")
    assert repo.ok("init", "-q").out == "feat-new-login\n"


def test_init_again_adopts(repo: Repo) -> None:
    """init of a list that is there uses it and leaves it as it is; a new title is set."""
    plan(repo, "a")
    head = repo.head()
    done = repo.ok("init", "plan", "--json").json()
    assert (done["created"], repo.head()) == (False, head)
    repo.ok("init", "plan", "--title", "The plan")
    assert repo.ok("status").out.startswith("plan: The plan\n")
    assert set(repo.tasks()) == {"a"}


def test_lists_marks_the_one_in_use(three: Repo) -> None:
    """`lists` shows all, with a star at the one that commands mean."""
    assert three.ok("lists").out == (
        "  one    no tasks yet\n  three  no tasks yet\n* two    no tasks yet\n"
    )
    assert "* one" in three.ok("lists", "-l", "one").out


def test_use_of_an_unknown_list(three: Repo) -> None:
    """use takes what is there and names what is near."""
    done = three.run("use", "oen")
    assert done.code == 8
    assert "there is one" in done.err


def test_use_in_a_linked_worktree(three: Repo, tmp_path: object) -> None:
    """With git's worktree configuration each worktree has its own list in use."""
    path = os.path.join(str(tmp_path), "linked")
    three.git("worktree", "add", "-q", path, "-b", "work")
    three.git("config", "extensions.worktreeConfig", "true")
    linked = Repo(path)
    assert _list_id(linked) == "two"
    linked.ok("use", "one")
    assert (_list_id(linked), _list_id(three)) == ("one", "two")
    linked.ok("create", "From the worktree", "--id", "w")
    assert "w" in three.tasks("one")


class TestClone:
    """A clone knows the lists of its origin at once."""

    @pytest.fixture
    def clone(self, listed: Repo, tmp_path: object) -> Repo:
        listed.ok("done", "a")
        return listed.clone(os.path.join(str(tmp_path), "clone"))

    def test_reading_needs_no_local_branch(self, clone: Repo) -> None:
        """list, status, log and show work with only origin/gittasks/plan, and make no branch."""
        assert "1/3 tasks complete" in clone.ok("list").out
        assert "1/3 tasks complete" in clone.ok("status").out
        assert "a: pending → completed" in clone.ok("log").out
        assert "[✓] a" in clone.ok("show", "a").out
        assert clone.ok("lists").out.startswith("* plan")
        assert clone.git("branch", "--list", "gittasks/*") == ""

    def test_first_write_makes_the_branch(self, clone: Repo, listed: Repo) -> None:
        """The first change begins the local branch at what was fetched."""
        clone.ok("start", "b")
        assert clone.git("rev-parse", "gittasks/plan~1") == listed.head()
        assert clone.git("rev-parse", "origin/gittasks/plan") == listed.head()

    def test_init_adopts(self, clone: Repo, listed: Repo) -> None:
        """init with the name of a fetched list adopts it instead of making another."""
        clone.ok("init", "plan")
        assert clone.head() == listed.head()
        done = clone.run("init", "Plan")
        assert done.code == 5
        assert "only in upper and lower case" in done.err

    def test_same_root_everywhere(self, clone: Repo, listed: Repo) -> None:
        """A list made in two clones under one name has the same first commit."""
        listed.ok("init", "both")
        clone.ok("init", "both")
        assert listed.head("both") == clone.head("both")
