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
    """--list, GITTASKS_LIST, CLAUDE_CODE_TASK_LIST_ID, the choice, branch, git config."""
    both = {"GITTASKS_LIST": "one", "CLAUDE_CODE_TASK_LIST_ID": "three"}
    assert _list_id(three, "-l", "two", **both) == "two"
    assert _list_id(three, **both) == "one"
    assert _list_id(three, CLAUDE_CODE_TASK_LIST_ID="three") == "three"
    assert _list_id(three, GITTASKS_LIST="") == "two"
    assert _list_id(three) == "two"
    three.forget_choice()
    three.git("config", "gittasks.list", "one")
    assert _list_id(three) == "one"
    three.git("checkout", "-q", "-b", "three")
    assert _list_id(three) == "three"
    three.git("checkout", "-q", "-b", "other")
    assert _list_id(three) == "one"
    three.git("config", "--unset", "gittasks.list")
    assert "one, three, two" in three.run("list").err


def test_the_only_list(repo: Repo) -> None:
    """Where there is one list, nothing has to be said."""
    plan(repo, list_id="only")
    repo.forget_choice()
    assert _list_id(repo) == "only"


def test_named_list_that_is_not_there(three: Repo) -> None:
    """What reads, and what is about tasks that are there, tells who named the list."""
    done = three.run("start", "x", env={"CLAUDE_CODE_TASK_LIST_ID": "four"})
    assert done.code == 8
    assert 'no task list "four" here (named by CLAUDE_CODE_TASK_LIST_ID)' in done.err
    assert "gittasks init four" in done.err
    done = three.run("list", env={"GITTASKS_LIST": "../x"})
    assert done.code == 2
    assert "GITTASKS_LIST" in done.err


def test_init_takes_the_name_from_variable_branch_or_folder(repo: Repo) -> None:
    """Without ID the list is named by the variable, else the code branch, else the folder."""
    assert repo.ok("init", "-q", env={"CLAUDE_CODE_TASK_LIST_ID": "feature-x"}).out == "feature-x\n"
    repo.forget_choice()
    assert repo.ok("init", "-q").out == "repo\n"
    repo.forget_choice()
    repo.git("checkout", "-q", "-b", "feat/New_Login")
    assert repo.ok("init", "-q").out == "feat-New_Login\n"
    repo.forget_choice()
    assert _list_id(repo) == "feat-New_Login"


def test_init_again_adopts(repo: Repo) -> None:
    """init of a list that is there uses it and leaves it as it is; a new title is set."""
    plan(repo, "a")
    head = repo.head()
    done = repo.ok("init", "plan", "--json").json()
    assert (done["created"], repo.head()) == (False, head)
    repo.ok("init", "plan", "--title", "The plan")
    assert repo.ok("status").out.startswith("plan: The plan\n")
    assert set(repo.tasks()) == {"a"}


def test_init_with_a_title_that_is_refused_makes_no_list(repo: Repo) -> None:
    """Nothing is there afterwards under the name that the refusal was about."""
    refused = repo.run("init", "plan", "--title", "two\nlines")
    assert refused.code == 2
    assert repo.git("for-each-ref", "refs/heads/gittasks", "refs/gittasks") == ""


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


class TestVariable:
    """A list that a variable names is made by the first write that makes tasks."""

    def test_create_makes_it_and_says_so(self, three: Repo) -> None:
        done = three.ok("create", "A", "--id", "a", env={"GITTASKS_LIST": "release-2"})
        assert 'made the task list "release-2" (branch gittasks/release-2)' in done.err
        assert "GITTASKS_LIST names" in done.err
        again = three.ok("create", "B", env={"GITTASKS_LIST": "release-2"})
        assert "made the task list" not in again.err
        assert "a" in three.tasks("release-2")

    def test_apply_makes_it_but_for_a_dry_run(self, three: Repo) -> None:
        env = {"CLAUDE_CODE_TASK_LIST_ID": "release-2"}
        assert three.run("apply", "--dry-run", "-", env=env, stdin="- [ ] A\n").code == 8
        done = three.ok("apply", "-", env=env, stdin="- [ ] A\n")
        assert 'made the task list "release-2"' in done.err

    @pytest.mark.parametrize("name", ["tow", "Two", "t-wo", "thre"])
    def test_a_slip_of_the_pen_makes_none(self, three: Repo, name: str) -> None:
        """A near name is refused with the way to either list, both of which work at once."""
        done = three.run("create", "x", env={"GITTASKS_LIST": name})
        assert done.code == 8
        meant = "three" if name == "thre" else "two"
        assert f"gittasks list --list {meant}; make this one: gittasks init {name}" in done.err
        assert name not in three.ok("lists").out.split()

    @pytest.mark.parametrize("name", ["one-2", "won", "four", "one-b"])
    def test_other_names_are_no_slips(self, three: Repo, name: str) -> None:
        three.ok("create", "x", env={"GITTASKS_LIST": name})
        three.ok("create", "x", env={"GITTASKS_LIST": f"{name}3"})

    def test_an_option_names_a_list_that_is_there(self, three: Repo) -> None:
        done = three.run("create", "x", "--list", "thre")
        assert done.code == 8
        assert "there is three" in done.err

    def test_hooks_make_none(self, three: Repo) -> None:
        three.ok("hooks", "install")
        env = {"GITTASKS_LIST": "four"}
        three.git("commit", "-q", "--allow-empty", "-m", "x", "-m", "Task: a completed", env=env)
        assert "four" not in three.ok("lists").out


class TestWorktrees:
    """The choice of a worktree is its own."""

    @pytest.fixture
    def pair(self, repo: Repo, tmp_path: object) -> tuple[Repo, Repo]:
        """Worktrees on the branches feat-a and feat-b, each with the list of its name in use."""
        worktrees = []
        for name in ("feat-a", "feat-b"):
            path = os.path.join(str(tmp_path), name)
            repo.git("worktree", "add", "-q", path, "-b", name)
            worktrees.append(Repo(path))
        first, second = worktrees
        first.ok("init")
        second.ok("init")
        return first, second

    def test_init_without_id_is_about_this_worktree(self, pair: tuple[Repo, Repo]) -> None:
        assert [_list_id(one) for one in pair] == ["feat-a", "feat-b"]

    def test_what_one_chooses_moves_no_other(self, pair: tuple[Repo, Repo]) -> None:
        _, second = pair
        second.ok("init", "other")
        second.ok("use", "feat-a")
        second.ok("use", "other")
        assert [_list_id(one) for one in pair] == ["feat-a", "other"]

    def test_replies_name_the_list(self, pair: tuple[Repo, Repo]) -> None:
        """More than one is here, so it could have been another."""
        first, _ = pair
        assert "list: feat-a\n" in first.ok("create", "A").err
        assert "list: feat-a\n" in first.ok("list").err
        assert first.ok("create", "B", "-q").err == ""

    def test_a_choice_lapses_on_a_branch_with_a_list_of_its_name(self, three: Repo) -> None:
        three.git("checkout", "-q", "-b", "one")
        assert _list_id(three) == "one"
        three.ok("use", "three")
        assert _list_id(three) == "three"
        three.git("checkout", "-q", "-b", "elsewhere")
        assert _list_id(three) == "three"
        three.git("checkout", "-q", "main")
        three.ok("use", "two")
        three.git("checkout", "-q", "one")
        assert _list_id(three) == "one"
        three.git("checkout", "-q", "main")
        assert _list_id(three) == "two"


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
        done = clone.ok("init", "plan")
        assert 'task list "plan" is adopted from origin and in use' in done.out
        assert clone.head() == listed.head()
        again = clone.ok("init", "plan", "--json").json()
        assert (again["created"], again["adopted"]) == (False, None)
        done = clone.run("init", "Plan")
        assert done.code == 5
        assert "only in upper and lower case" in done.err

    def test_same_root_everywhere(self, clone: Repo, listed: Repo) -> None:
        """A list made in two clones under one name has the same first commit."""
        listed.ok("init", "both")
        clone.ok("init", "both")
        assert listed.head("both") == clone.head("both")
