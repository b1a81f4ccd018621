"""Lists go along with a push of code, and a pull of code says what came in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.commits import commit, ran, said
from support.repositories import Repo, git
from support.templates import copied


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Repo, Repo]:
    """Two clones of one hub, hooks in both; the list is on the hub."""
    copied("hooked pair", _clone, str(tmp_path))
    return Repo(str(tmp_path / "ada")), Repo(str(tmp_path / "bob"))


def _clone(folder: str) -> None:
    hub = os.path.join(folder, "hub")
    hooked = Repo.listed(os.path.join(folder, "ada"), "a", "b", "c", hooks=True)
    git(hooked.path, "init", "-q", "--bare", hub)
    hooked.git("remote", "add", "origin", hub)
    hooked.git("push", "-q", "-u", "origin", "main")
    hooked.ok("sync")
    git(folder, "clone", "-q", hub, "bob")
    bob = Repo(os.path.join(folder, "bob"))
    bob.git("config", "user.name", "Bob")
    bob.ok("hooks", "install")


def _push(repo: Repo, *args: str) -> list[str]:
    code, output = ran(repo.path, "push", "-q", *args)
    assert code == 0, output
    return said(output)


def _lists(repo: Repo) -> str:
    """The lists on the hub, at which commits."""
    return repo.git("ls-remote", "origin", "refs/heads/gittasks/*")


def _pull(repo: Repo) -> list[str]:
    code, output = ran(repo.path, "pull", "-q")
    assert code == 0, output
    return said(output)


def test_a_push_of_code_takes_the_lists_along(pair: tuple[Repo, Repo]) -> None:
    """The remote has the list when the push is done; nothing to send, nothing said."""
    ada, bob = pair
    commit(ada, "x\n\nTask: a completed")
    assert _push(ada) == ["plan: 1 change now on origin"]
    assert git(ada.git("remote", "get-url", "origin"), "rev-parse", "gittasks/plan") == ada.head()
    commit(ada, "y")
    assert _push(ada) == []
    assert _pull(bob) == ["plan: Ada completed a [1/3 complete]"]
    assert bob.tasks()["a"]["status"] == "completed"


def test_what_was_told_is_told_once(pair: tuple[Repo, Repo]) -> None:
    """By pull, checkout and rebase; and not at all by who did it."""
    ada, bob = pair
    commit(ada, "x\n\nTask: a completed")
    _push(ada)
    bob.git("fetch", "-q")
    _, output = ran(bob.path, "checkout", "-q", "-b", "side")
    assert said(output) == ["plan: Ada completed a [1/3 complete]"]
    assert said(ran(bob.path, "checkout", "-q", "main")[1]) == []
    assert said(ran(ada.path, "checkout", "-q", "-b", "side")[1]) == []
    bob.ok("start", "b")
    ada.ok("done", "c", "--result", "PASS")
    ada.ok("push")
    assert _pull(bob) == ["plan: Ada completed c [2/3 complete]"]


def test_lists_that_others_changed_are_merged_first(pair: tuple[Repo, Repo]) -> None:
    """A push of code whose list was beaten merges and pushes it, as gittasks push does."""
    ada, bob = pair
    bob.ok("done", "b")
    bob.ok("push")
    commit(ada, "x\n\nTask: a completed")
    assert _push(ada) == ["plan: 1 change now on origin"]
    assert ada.tasks()["b"]["status"] == "completed"


def test_a_failure_of_ours_fails_no_push(pair: tuple[Repo, Repo]) -> None:
    """A remote that refuses the list takes the code all the same; a line says what to do."""
    ada, _ = pair
    hub = ada.git("remote", "get-url", "origin")
    refuse = Path(hub, "hooks", "update")
    refuse.write_text("#!/bin/sh\ncase $1 in *gittasks*) exit 1;; esac\n", encoding="utf-8")
    refuse.chmod(0o700)
    commit(ada, "x\n\nTask: a completed")
    told = _push(ada)
    assert len(told) == 1
    assert told[0].startswith("plan: not pushed to origin: ")
    assert told[0].endswith("later: gittasks push origin")
    assert git(hub, "rev-parse", "main") == ada.git("rev-parse", "HEAD")


def test_it_can_be_switched_off(pair: tuple[Repo, Repo]) -> None:
    """git config gittasks.pushWithCode false."""
    ada, _ = pair
    ada.git("config", "gittasks.pushWithCode", "false")
    before = _lists(ada)
    commit(ada, "x\n\nTask: a completed")
    assert _push(ada) == []
    assert _lists(ada) == before


def test_a_dry_run_pushes_nothing(pair: tuple[Repo, Repo]) -> None:
    """git push --dry-run runs the hook as well."""
    ada, _ = pair
    before = _lists(ada)
    commit(ada, "x\n\nTask: a completed")
    for option in ("--dry-run", "-n"):
        assert _push(ada, option) == []
    assert _lists(ada) == before


def test_our_own_push_runs_no_hook(pair: tuple[Repo, Repo], tmp_path: Path) -> None:
    """A push of lists runs neither the user's pre-push hook nor ours: that of code runs both."""
    ada, _ = pair
    ada.ok("hooks", "uninstall")
    hook = Path(ada.git_dir, "hooks", "pre-push")
    hook.write_text(f"#!/bin/sh\necho run >> {tmp_path}/log\n", encoding="utf-8")
    hook.chmod(0o700)
    ada.ok("hooks", "install")
    ada.ok("done", "a")
    ada.ok("push")
    assert not (tmp_path / "log").exists()
    commit(ada, "x\n\nTask: b completed")
    assert _push(ada) == ["plan: 1 change now on origin"]
    assert (tmp_path / "log").read_text(encoding="utf-8") == "run\n"


def test_a_list_that_is_pushed_by_hand_is_left_to_git(pair: tuple[Repo, Repo]) -> None:
    """git push origin gittasks/plan is not overtaken by its own hook."""
    ada, _ = pair
    ada.ok("done", "a")
    assert _push(ada, "origin", "gittasks/plan") == []
    hub = ada.git("remote", "get-url", "origin")
    assert git(hub, "rev-parse", "gittasks/plan") == ada.head()


def test_another_remote_gets_no_list_that_is_not_its_own(
    pair: tuple[Repo, Repo], tmp_path: Path
) -> None:
    """A list goes to its home with the code, and nowhere else: not to one that was sent it once."""
    ada, _ = pair
    other = str(tmp_path / "other")
    git(ada.path, "init", "-q", "--bare", other)
    ada.git("remote", "add", "deploy", other)
    commit(ada, "x\n\nTask: a completed")
    assert _push(ada, "deploy", "main") == []
    assert git(other, "for-each-ref", "refs/heads/gittasks") == ""
    ada.ok("push", "deploy")
    ada.ok("done", "b")
    assert _push(ada, "deploy", "main:again") == []
    assert _push(ada, "origin", "main") == ["plan: 2 changes now on origin"]


def test_a_new_list_comes_in(pair: tuple[Repo, Repo]) -> None:
    """One that was never here is told with its progress."""
    ada, bob = pair
    bob.git("fetch", "-q")
    ada.ok("init", "second")
    ada.ok("create", "X", "--id", "x")
    commit(ada, "code")
    _push(ada)
    assert "second: a task list came in [0/1 complete]" in _pull(bob)
