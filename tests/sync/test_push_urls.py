"""A remote that is fetched from one URL and pushed to others: one of them decides, or none does."""

from __future__ import annotations

import contextlib
import os
from typing import Any, NamedTuple

import pytest
from support import gits, transports
from support.clones import on_hub, share
from support.repositories import Repo, Result, on_path

from gittasks import SyncOptions, Workspace
from gittasks.cli.main import run
from gittasks.core.operations import Claim
from gittasks.store import git, home, refs, remotes

PLAN = "refs/heads/gittasks/plan"


class Clones(NamedTuple):
    """Two clones of a hub, each with a bare fork of its own that has all the hub has."""

    ada: Repo
    bob: Repo
    hub: str
    forks: tuple[str, str]


@pytest.fixture
def clones(tmp_path: object) -> Clones:
    ada, bob = share(str(tmp_path), "ada", "bob")
    hub = os.path.join(str(tmp_path), "hub.git")
    forks = []
    for name in ("ada", "bob"):
        forks.append(os.path.join(str(tmp_path), f"fork-{name}.git"))
        ada.git("clone", "-q", "--bare", hub, forks[-1])
    return Clones(ada, bob, hub, (forks[0], forks[1]))


def _claim(repo: Repo, who: str, *args: str) -> Result:
    env = {"GITTASKS_OWNER": who, "GITTASKS_SESSION": who}
    return repo.run("claim", "a", "--json", *args, env=env)


def _at(repo: Repo, url: str) -> str:
    return repo.git("ls-remote", url, PLAN).partition("\t")[0]


def _file(url: str) -> str:
    return git.run(["show", f"{PLAN}:tasks/a.yaml"], cwd=url, env=os.environ).stdout.decode()


def test_forks_that_are_pushed_to_grant_nothing(clones: Clones) -> None:
    """Each pushes to its own fork and fetches from the hub: nobody gets the task, and the forks
    do not say that somebody has it."""
    ada, bob, hub, forks = clones
    before = _at(ada, hub), _file(hub)
    for repo, fork, name in ((ada, forks[0], "ada"), (bob, forks[1], "bob")):
        repo.git("config", "remote.origin.pushurl", fork)
        refused = _claim(repo, name)
        assert (refused.code, refused.json()["error"]["kind"]) == (8, "no-remote")
        assert "it was taken back there" in refused.err
        assert hub in refused.err
        assert fork in refused.err
        assert "status: in_progress" not in _file(fork)
        assert '"status":"pending"' in repo.ok("show", "a", "--json").out
    assert (_at(ada, hub), _file(hub)) == before


def test_a_fork_that_differs_is_pushed_nothing(clones: Clones) -> None:
    """Where both show different heads beforehand, the claim leaves no trace."""
    ada, bob, _, forks = clones
    ada.ok("note", "a", "the hub goes on")
    ada.ok("sync", "-q")
    bob.git("config", "remote.origin.pushurl", forks[1])
    before = _at(bob, forks[1])
    refused = _claim(bob, "bob")
    assert (refused.code, refused.json()["error"]["kind"]) == (8, "no-remote")
    assert _at(bob, forks[1]) == before


def test_two_ways_to_one_repository_are_one(clones: Clones) -> None:
    """A push URL that is the fetched repository by another way grants, once."""
    ada, bob, hub, _ = clones
    for repo in (ada, bob):
        repo.git("config", "remote.origin.pushurl", f"file://{hub}")
    codes = [_claim(ada, "ada").code, _claim(bob, "bob").code]
    assert codes == [0, 5]
    assert on_hub(ada) == ada.head()


@pytest.mark.parametrize(
    "form", ["file://{0}", "{0}/", "../hub", "{0}/../link.git", "short:hub.git"]
)
def test_another_spelling_is_the_same_repository(clones: Clones, form: str) -> None:
    """It costs no look of its own: the push is all that a sync does after the fetch."""
    ada, _, hub, _ = clones
    os.symlink(hub, f"{os.path.dirname(hub)}/link.git")
    ada.git("config", f"url.{os.path.dirname(hub)}/.insteadOf", "short:")
    ada.git("config", "remote.origin.pushurl", form.format(hub))
    urls = home.urls_of(Workspace.open(ada.path).repository, "origin")
    assert urls is not None
    assert not urls.apart


@pytest.mark.parametrize(
    ("fetched", "pushed", "apart"),
    [
        ("git@forge.example:a/b.git", "ssh://git@forge.example/~/a/b.git", False),
        ("ssh://git@Forge.example:22/a/b.git", "git@forge.example:/a/b.git/", False),
        ("git@forge.example:a/b.git", "ssh://git@forge.example/a/b.git", True),
        ("git@forge.example:a/b.git", "other@forge.example:a/b.git", True),
        ("ssh://git@forge.example:22/a", "ssh://git@forge.example:2222/a", True),
        ("https://forge.example/a/b.git", "git@forge.example:a/b.git", True),
    ],
)
def test_hosts_are_told_apart_by_user_port_and_folder(
    clones: Clones, fetched: str, pushed: str, apart: bool
) -> None:
    """What only the host could tell is not guessed."""
    clones.ada.git("config", "remote.origin.url", fetched)
    clones.ada.git("config", "remote.origin.pushurl", pushed)
    urls = home.urls_of(Workspace.open(clones.ada.path).repository, "origin")
    assert urls is not None
    assert urls.apart is apart


@pytest.mark.parametrize("claims", [True, False], ids=["claim", "sync"])
def test_who_pushes_by_another_way_is_not_always_beaten(
    clones: Clones, monkeypatch: pytest.MonkeyPatch, claims: bool
) -> None:
    """Others push between its looks at the two: one more fetch settles that, and it is done."""
    ada, bob, hub, _ = clones
    ada.git("config", "remote.origin.pushurl", f"file://{hub}")
    monkeypatch.setattr(home, "_place", lambda address, _: address)
    looks: list[object] = []
    list_branches = remotes.branches

    def branches(*place: Any) -> dict[str, str]:
        looks.append(place)
        bob.ok("note", "a", f"look {len(looks)}")
        bob.ok("sync", "-q")
        return list_branches(*place)

    monkeypatch.setattr(remotes, "branches", branches)
    workspace = Workspace.open(ada.path, owner="ada", env={**os.environ, "GITTASKS_SESSION": "1"})
    if claims:
        assert workspace.claim(Claim("a")).report.commit
    else:
        ada.ok("note", "a", "mine")
        assert workspace.exchange(SyncOptions(fetch=True, push=True))[0].error is None
    assert len(looks) == 1
    assert on_hub(ada) == ada.head()


def test_the_end_of_a_claim_is_asked_of_the_same_repository(clones: Clones) -> None:
    """A finish that goes to a fork is refused and taken back, too."""
    ada, _, hub, forks = clones
    me = {"GITTASKS_OWNER": "ada", "GITTASKS_SESSION": "ada"}
    assert _claim(ada, "ada").code == 0
    ada.git("push", "-q", forks[0], PLAN)
    ada.git("config", "remote.origin.pushurl", forks[0])
    assert ada.run("done", "a", env=me).code == 8
    assert "status: in_progress" in _file(forks[0])
    assert "status: in_progress" in _file(hub)


@pytest.mark.parametrize("first", [True, False], ids=["fetched-first", "fetched-last"])
def test_of_several_push_urls_the_fetched_one_decides(clones: Clones, first: bool) -> None:
    """Whatever their order; another one that fails is said, and the claim stands."""
    ada, bob, hub, _ = clones
    gone = f"{hub}-gone"
    for url in (hub, gone) if first else (gone, hub):
        ada.git("config", "--add", "remote.origin.pushurl", url)
    granted = ada.run("claim", "a", env={"GITTASKS_OWNER": "ada", "GITTASKS_SESSION": "1"})
    assert granted.code == 0
    assert f"{gone} did not take it" in granted.err
    assert on_hub(bob) == ada.head()
    assert _claim(bob, "bob").code == 5


def test_a_claim_that_the_fetched_url_refuses_goes_nowhere(clones: Clones) -> None:
    """The other URL would have taken it."""
    ada, bob, hub, forks = clones
    for url in (forks[0], hub):
        ada.git("config", "--add", "remote.origin.pushurl", url)
    assert _claim(bob, "bob").code == 0
    before = _at(ada, forks[0])
    assert _claim(ada, "ada").code == 5
    assert _at(ada, forks[0]) == before


@pytest.mark.parametrize("command", ["push", "sync"])
def test_a_url_that_fails_is_no_success(clones: Clones, command: str) -> None:
    """Exit code 7 until every URL took it, which a later call sees to."""
    ada, _, hub, forks = clones
    for url in (forks[0], hub):
        ada.git("config", "--add", "remote.origin.pushurl", url)
    ada.ok("note", "a", "news")
    os.rename(forks[0], f"{forks[0]}.away")
    for _ in range(2):
        failed = ada.run(command)
        assert failed.code == 7
        assert f"{forks[0]} did not take it" in failed.err
        assert on_hub(ada) == ada.head()
    os.rename(f"{forks[0]}.away", forks[0])
    ada.ok(command)
    assert _at(ada, forks[0]) == ada.head()


@pytest.mark.parametrize("command", ["push", "sync"])
def test_what_only_a_fork_took_is_not_shared(clones: Clones, command: str) -> None:
    """The next one who fetches does not get it, so it is an error, not a success."""
    ada, _, hub, forks = clones
    ada.git("config", "remote.origin.pushurl", forks[0])
    before = on_hub(ada)
    ada.ok("note", "a", "news")
    failed = ada.run(command, "--json")
    assert (failed.code, failed.json()["error"]["kind"]) == (8, "no-remote")
    assert ada.git("rev-parse", "origin/gittasks/plan") == before
    ada.git("config", "--unset-all", "remote.origin.pushurl")
    ada.ok(command)
    assert _at(ada, hub) == ada.head()


@pytest.mark.parametrize("place", ["config", "worktree", "include", "command"])
def test_the_way_out_fits_where_the_setting_is(clones: Clones, place: str) -> None:
    """What another file or a variable says cannot be unset here; the claim goes on all the same."""
    ada, _, hub, forks = clones
    env = {"GITTASKS_OWNER": "ada", "GITTASKS_SESSION": "ada"}
    if place == "command":
        env |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "remote.origin.pushurl"}
        env["GIT_CONFIG_VALUE_0"] = forks[0]
    elif place == "include":
        ada.git("config", "-f", ada.file(".git/more"), "remote.origin.pushurl", forks[0])
        ada.git("config", "include.path", "more")
    else:
        ada.git("config", "extensions.worktreeConfig", "true")
        scope = "--worktree" if place == "worktree" else "--local"
        ada.git("config", scope, "remote.origin.pushurl", forks[0])
    refused = ada.run("claim", "a", "--json", env=env)
    assert refused.code == 8
    (command,) = refused.json()["error"]["decisions"]
    ada.git(*command[1:], env=env)
    granted = ada.run("claim", "a", "--json", env=env)
    assert granted.code == 0, granted.err
    assert "in_progress" in _file(hub)


def test_settings_of_the_remote_hold_for_each_url(clones: Clones) -> None:
    """A program that the remote needs on its side is named for all of them."""
    ada, _, hub, forks = clones
    program = os.path.join(os.path.dirname(hub), "receive")
    with open(program, "w", encoding="utf-8") as file:
        file.write(f'#!/bin/sh\necho "$1" >> {program}.log\nexec git-receive-pack "$@"\n')
    os.chmod(program, 0o700)
    ada.git("config", "remote.origin.receivepack", program)
    for url in (hub, forks[0]):
        ada.git("config", "--add", "remote.origin.pushurl", url)
    ada.ok("note", "a", "news")
    ada.ok("sync")
    with open(f"{program}.log", encoding="utf-8") as log:
        assert log.read().split() == [hub, forks[0]]


# --- the first branch ---------------------------------------------------------------------------


@pytest.fixture
def fresh(tmp_path: object) -> tuple[Repo, str]:
    """A repository with code, a list and hooks, whose remote is empty, as a forge makes it."""
    repo = Repo.listed(os.path.join(str(tmp_path), "repo"), "a", hooks=True)
    hub = transports.bare(os.path.join(str(tmp_path), "forge.git"))
    repo.git("remote", "add", "origin", hub)
    return repo, hub


@pytest.mark.parametrize("args", [["sync"], ["push"], ["sync", "--all"], ["claim", "a"]])
def test_a_list_is_never_the_first_branch(fresh: tuple[Repo, str], args: list[str]) -> None:
    """A forge makes the first branch the default one: refused, with the way on."""
    repo, hub = fresh
    refused = repo.run(*args, "--json")
    assert refused.code == 8
    assert "push your code first" in refused.err + refused.out
    assert repo.git("ls-remote", hub) == ""
    assert "git push origin HEAD" in refused.err + refused.out, "needs no upstream"
    repo.git("push", "-q", "--no-verify", "origin", "HEAD")
    repo.ok(*args)
    assert _at(repo, hub) == repo.head()


@pytest.mark.parametrize("args", [["sync"], ["push"], ["claim", "a"]])
def test_a_list_is_the_first_branch_when_that_is_wanted(
    fresh: tuple[Repo, str], args: list[str]
) -> None:
    repo, hub = fresh
    repo.ok(*args, "--first")
    assert _at(repo, hub) == repo.head()


def test_the_hook_leaves_the_first_push_to_the_code(fresh: tuple[Repo, str]) -> None:
    """The first `git push` takes the code alone, and says when the list goes: with the next."""
    repo, hub = fresh
    done = git.run(["push", "origin", "main"], cwd=repo.path, env=_with_gittasks())
    assert done.returncode == 0
    assert b"plan goes to origin with the next push" in done.stderr
    assert repo.git("ls-remote", "--heads", hub).split()[1:] == ["refs/heads/main"]
    done = git.run(["push", "origin", "main"], cwd=repo.path, env=_with_gittasks())
    assert done.returncode == 0
    assert _at(repo, hub) == repo.head()


def _with_gittasks() -> dict[str, str]:
    return {**os.environ, "PATH": on_path()}


def test_a_repository_without_code_pushes(tmp_path: object) -> None:
    """Where there is no code there is no better first branch."""
    folder = str(tmp_path)
    hub = transports.bare(os.path.join(folder, "hub.git"))
    path = os.path.join(folder, "lists")
    git.run(["init", "-q", path], cwd=folder, env=os.environ)
    repo = Repo(path)
    repo.git("remote", "add", "origin", hub)
    repo.ok("init", "plan")
    repo.ok("sync")
    assert _at(repo, hub) == repo.head()


# --- names in the way ---------------------------------------------------------------------------


@pytest.mark.parametrize("args", [["sync"], ["push"], ["claim", "a"]])
def test_a_branch_of_the_remote_in_the_way_is_named(tmp_path: object, args: list[str]) -> None:
    """git cannot hold `gittasks` and `gittasks/plan`: the error says so, and what helps."""
    repo = Repo.listed(os.path.join(str(tmp_path), "repo"), "a")
    hub = transports.bare(os.path.join(str(tmp_path), "hub.git"))
    repo.git("remote", "add", "origin", hub)
    repo.git("push", "-q", "origin", "main", "main:refs/heads/gittasks")
    refused = repo.run(*args)
    assert refused.code == 5
    assert 'the branch "gittasks" on origin stands in the way of "gittasks/plan"' in refused.err
    assert "git config gittasks.branchPrefix" in refused.err
    repo.git("push", "-q", "origin", ":gittasks")
    repo.ok(*args)


def test_every_git_s_words_for_a_ref_that_is_another_than_was_seen_are_known() -> None:
    """Then it is looked at again; git 2.50 and newer say of each ref why it was left alone."""
    for words in (
        "[remote rejected] (incorrect old value provided)",
        "[remote rejected] (reference does not exist)",
        "[remote rejected] (reference already exists)",
        "[remote rejected] (refname conflict)",
        "[remote rejected] (failed to update ref)",
        "[remote rejected] (cannot lock ref 'refs/heads/x': is at 1 but expected 2)",
        "[rejected] (stale info)",
        "[rejected] (fetch first)",
        "[rejected] (non-fast-forward)",
        "[rejected] (needs force)",
    ):
        assert remotes._outcome("!", words).outcome is remotes.PushOutcome.LOST, words
    refused = remotes._outcome("!", "[remote rejected] (pre-receive hook declined)")
    assert refused.outcome is remotes.PushOutcome.REFUSED


@pytest.mark.parametrize("args", [["sync"], ["pull"], ["claim", "a"]])
def test_a_stale_tracking_ref_in_the_way_is_named(tmp_path: object, args: list[str]) -> None:
    """A branch `gittasks` that was fetched once and is gone: git's own prune helps, and is said."""
    _, bob = share(str(tmp_path), "ada", "bob")
    bob.git("update-ref", "-d", "refs/remotes/origin/gittasks/plan")
    bob.git("update-ref", "refs/remotes/origin/gittasks", "origin/main")
    refused = bob.run("-l", "plan", *args)
    assert refused.code == 5
    assert "git remote prune origin" in refused.err
    bob.git("remote", "prune", "origin")
    bob.ok("-l", "plan", *args)


def test_another_program_that_keeps_a_tracking_ref_locked_is_named(tmp_path: object) -> None:
    """The lock of a git that was killed stops a fetch that has news: its path is said."""
    ada, bob = share(str(tmp_path), "ada", "bob")
    ada.ok("note", "a", "news")
    ada.ok("sync", "-q")
    lock = bob.ref_lock("refs/remotes/origin/gittasks/plan")
    os.makedirs(os.path.dirname(lock), exist_ok=True)
    with open(lock, "w", encoding="utf-8"):
        pass
    busy = bob.run("sync")
    assert busy.code == 6
    assert lock in busy.err
    os.remove(lock)
    bob.ok("sync")


@gits.files_only
def test_a_claim_holds_whatever_becomes_of_the_tracking_ref(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The list here says what the remote took, though its tracking ref could not be moved.

    A reftable has one lock for both: the claim holds there as well, and a pull brings it.
    """
    ada, bob = share(str(tmp_path), "ada", "bob")
    me = {"GITTASKS_OWNER": "bob", "GITTASKS_SESSION": "s"}
    lock = bob.ref_lock("refs/remotes/origin/gittasks/plan")
    os.makedirs(os.path.dirname(lock), exist_ok=True)
    with open(lock, "w", encoding="utf-8"):
        pass
    monkeypatch.setattr(refs, "_LOCK_PATIENCE", 0.1)  # as short as a test can wait
    with contextlib.chdir(bob.path), monkeypatch.context() as patch:
        for name, value in me.items():
            patch.setenv(name, value)
        assert run(["claim", "a"]) == 0
    words = f"done, but that origin has it is not recorded here; gittasks pull does that ({lock}"
    assert words in capsys.readouterr().err
    assert '"status":"in_progress"' in bob.ok("show", "a", "--json").out
    assert on_hub(ada) == bob.head()
    assert bob.run("done", "a", env=me).code == 6
    os.remove(lock)
    bob.ok("done", "a", env=me)
    assert on_hub(ada) == bob.head()
