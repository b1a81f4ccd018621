"""Repositories of each format: every command works, and two hashes share nothing.

SHA-1 and SHA-256, refs as files and in a reftable. Where the machine's git does not know
reftables, those run on one that does (`support.gits`).
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from support import agents, gits, transports
from support.commits import commit, ran, shas, status
from support.repositories import Repo, git, on_path, plan


def _length(form: str) -> int:
    return 40 if form.startswith("sha1") else 64


@pytest.fixture(autouse=True)
def gittasks_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hooks find gittasks on PATH, as they do for a user."""
    monkeypatch.setenv("PATH", on_path())


@pytest.fixture(params=gits.FORMATS)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A format in which git makes all repositories from here on, by the newest git if so marked."""
    form, _, newest = str(request.param).partition("@")
    for name, value in {**gits.of_format(form), **(gits.newest_git() if newest else {})}.items():
        monkeypatch.setenv(name, value)
    return form


@pytest.fixture
def pair(form: str, tmp_path: Path) -> tuple[Repo, Repo]:
    """Two clones of one hub that share the list `plan`."""
    hub = str(tmp_path / "hub.git")
    git(str(tmp_path), "init", "-q", "--bare", hub)
    git(hub, "config", "http.receivepack", "true")
    ann = plan(Repo.create(str(tmp_path / "ann")), "a", "b", "c")
    ann.git("remote", "add", "origin", hub)
    ann.git("push", "-q", "-u", "origin", "main")
    ann.ok("sync")
    git(str(tmp_path), "clone", "-q", hub, "bob")
    bob = Repo(str(tmp_path / "bob"))
    bob.git("config", "user.name", "Bob")
    return ann, bob


def test_ids_have_the_length_of_the_repository(pair: tuple[Repo, Repo], form: str) -> None:
    """In branches, replies and the log; git finds nothing wrong with what was written."""
    ann, _ = pair
    done = ann.ok("done", "a", "--json").json()
    assert len(done["commit"]) == _length(form)
    assert done["commit"] == ann.head()
    assert {len(e["commit"]) for e in ann.ok("log", "--json").json()["entries"]} == {_length(form)}
    assert ann.git("fsck", "--strict", "--no-dangling") == ""
    assert ann.ok("list", "--at", done["commit"], "--json").json()["tasks"]


def test_clones_that_write_apart_come_together(pair: tuple[Repo, Repo]) -> None:
    """Merges, claims and leases, from loose objects, packs and packed refs."""
    ann, bob = pair
    bob.ok("pull")
    ann.ok("start", "a")
    bob.ok("update", "a", "--priority", "1")
    bob.ok("claim", "b", "--lease", "60", env={"GITTASKS_SESSION": "s1"})
    ann.ok("sync")
    bob.ok("sync")
    ann.ok("sync")
    assert ann.head() == bob.head()
    ann.git("gc", "-q", "--prune=now")
    ann.remove("gittasks", "cache")
    assert (status(ann, "a"), status(ann, "b")) == ("in_progress", "in_progress")
    assert ann.run("claim", "b").code == 5
    bob.ok("done", "b", env={"GITTASKS_SESSION": "s1"})
    ann.ok("note", "c", "packed below")
    ann.ok("undo")
    ann.ok("sync")
    assert ann.run("doctor").code == 1  # no merge driver yet
    assert ann.git("fsck", "--strict", "--no-dangling") == ""


def test_leases_are_given_renewed_seen_and_removed(pair: tuple[Repo, Repo], form: str) -> None:
    """With a remote and without: each change moves a ref, and ends with the last claim."""
    ann, bob = pair
    as_ann = {"GITTASKS_OWNER": "ann", "GITTASKS_SESSION": "s1"}
    ann.ok("claim", "a", "--lease", "60", env=as_ann)
    before = _leases(ann)
    assert len(next(iter(before.values()))) == _length(form)
    bob.ok("sync")
    assert _leases(bob, "seen/origin") == before
    assert bob.run("claim", "a", "--take-over").code == 5
    ann.ok("heartbeat", env=as_ann)
    ann.ok("claim", "b", "--parallel", "--lease", "60", env=as_ann)
    ann.git("pack-refs", "--all")
    after = _leases(ann)
    assert after.keys() == before.keys()
    assert after != before
    bob.ok("sync")
    assert _leases(bob, "seen/origin") == after
    refused = bob.run("claim", "b", "--take-over", "--json").json()["error"]
    assert (refused["owner"], refused["exitCode"]) == ("ann", 5)
    ann.ok("done", "a", env=as_ann)
    ann.ok("sync")
    assert _leases(ann) == after  # it is for the other task still
    ann.ok("release", "b", env=as_ann)
    ann.ok("sync")
    assert _leases(ann) == {}
    assert "refs/gittasks/leases" not in ann.git("ls-remote", "origin")
    ann.git("config", "branch.gittasks/plan.gittasksHome", ".")
    ann.ok("claim", "c", "--lease", "60", env=as_ann)
    local = _leases(ann)
    ann.ok("heartbeat", env=as_ann)
    assert _leases(ann).keys() == local.keys()
    assert _leases(ann) != local
    ann.fsck()


def _leases(repo: Repo, where: str = "leases") -> dict[str, str]:
    """The refs of leases that a repository has or has seen, by their last part."""
    rows = repo.git(
        "for-each-ref", "--format=%(refname:lstrip=-1) %(objectname)", f"refs/gittasks/{where}"
    )
    return dict(line.split() for line in rows.splitlines())


def test_hooks_and_plain_git(pair: tuple[Repo, Repo]) -> None:
    """Links follow commits; a worktree of the list comes along; git itself merges the branch."""
    ann, bob = pair
    ann.ok("hooks", "install")
    assert commit(ann, "x\n\nTask: a completed") == ["plan: a completed [1/3 complete]"]
    ran(ann.path, "commit", "-q", "--amend", "-m", "y\n\nTask: a completed")
    assert shas(ann, "a") == [ann.git("rev-parse", "HEAD")]
    folder = os.path.join(ann.path, "..", "files")
    ann.git("worktree", "add", "-q", folder, "gittasks/plan")
    ann.ok("note", "b", "in the worktree as well")
    assert "as well" in Path(folder, "tasks", "b.yaml").read_text(encoding="utf-8")
    bob.ok("pull")
    bob.ok("update", "b", "--priority", "0")
    bob.git("push", "-q", "origin", "gittasks/plan")
    git(folder, "pull", "-q", "--no-rebase", "--no-edit", "origin", "gittasks/plan")
    assert ann.tasks()["b"]["priority"] == 0
    assert ann.ok("sync").code == 0


@pytest.mark.parametrize(
    ("form", "transport"),
    [
        ("sha256-reftable", "ssh"),
        ("sha256-files", "http"),
        ("sha256-reftable@newest", "http"),
        pytest.param("sha1-reftable", "ssh", marks=pytest.mark.deep),
        pytest.param("sha256-files", "ssh", marks=pytest.mark.deep),
        pytest.param("sha1-reftable@newest", "http", marks=pytest.mark.deep),
    ],
    indirect=["form"],
)
def test_servers(pair: tuple[Repo, Repo], transport: str) -> None:
    """What clones share over a server: a claim that it decides, and what was written apart."""
    ann, bob = pair
    hub = ann.git("remote", "get-url", "origin")
    with transports.TRANSPORTS[transport](hub) as server:
        for repo in pair:
            repo.git("remote", "set-url", "origin", server.url)
        bob.ok("claim", "a", env={**server.env, "GITTASKS_SESSION": "s1"})
        refused = ann.run("claim", "a", env={**server.env, "GITTASKS_SESSION": "s2"})
        assert refused.code == 5
        assert "Bob" in refused.err
        ann.ok("note", "b", "apart", env=server.env)
        bob.ok("done", "a", env={**server.env, "GITTASKS_SESSION": "s1"})
        for repo in (ann, bob):
            repo.ok("sync", env=server.env)
        assert ann.head() == bob.head() == server.tip("gittasks/plan")


def test_agents_plans_and_the_past(pair: tuple[Repo, Repo]) -> None:
    """Tools of agents, a plan, exports, a tree of files, undo and redo, lists that come and go."""
    ann, _ = pair
    with agents.in_memory(ann.path) as agent:
        task = agent.ok("TaskCreate", subject="Of an agent", description="x")["task"]["id"]
        agent.ok("TaskUpdate", taskId=task, status="in_progress")
        assert status(ann, task) == "in_progress"
        agent.ok("TaskUpdate", taskId=task, status="completed")
    ann.ok("apply", "-", stdin="tasks:\n  - id: p\n    subject: Of a plan\n")
    ann.ok("undo")
    assert "p" not in {i for i, t in ann.tasks().items() if t["status"] != "deleted"}
    ann.ok("redo")
    assert status(ann, "p") == "pending"
    assert ann.ok("export", "--json").out
    ann.ok("archive", "plan")
    ann.ok("unarchive", "plan")
    ann.ok("init", "second")
    ann.ok("sync", "--all")
    ann.ok("drop", "second")
    ann.git("branch", "-qD", "gittasks/plan")
    ann.ok("lists", "restore", "plan")
    assert ann.tasks("plan")[task]["status"] == "completed"


_CLONES = {
    "shallow": ["--depth=1", "--no-single-branch"],
    "partial": ["--filter=blob:none"],
    "bare": ["--mirror"],
}


@pytest.mark.parametrize("way", ["shallow", "partial", "bare", "submodule"])
def test_other_kinds_of_clones(pair: tuple[Repo, Repo], way: str, tmp_path: Path) -> None:
    """Shallow and partial clones, a mirror and a submodule read the list and write to it."""
    ann, _ = pair
    hub, place = ann.git("remote", "get-url", "origin"), str(tmp_path / "other")
    if way == "submodule":
        outer = Repo.create(str(tmp_path / "outer"))
        outer.git("submodule", "add", "-q", hub, "inner")
        place = os.path.join(outer.path, "inner")
    else:
        git(hub, "config", "uploadpack.allowFilter", "true")
        git(str(tmp_path), "clone", "-q", *_CLONES[way], f"file://{hub}", place)
    other = Repo(place)
    assert set(other.tasks()) == {"a", "b", "c"}
    other.ok("start", "a")
    assert status(other, "a") == "in_progress"
    other.ok("claim", "b", "--offline", env={"GITTASKS_OWNER": "bob", "GITTASKS_SESSION": "s1"})
    assert status(other, "b") == "in_progress"


def test_the_defaults_of_git_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SHA-256, a reftable, main, and bare repositories only where they are named."""
    for name, value in gits.of_format("sha256-reftable").items():
        monkeypatch.setenv(name, value)
    git(str(tmp_path), "config", "--global", "safe.bareRepository", "explicit")
    hub = str(tmp_path / "hub.git")
    git(str(tmp_path), "init", "-q", "--bare", hub)
    ann = plan(Repo.create(str(tmp_path / "ann")), "a", "b")
    ann.git("remote", "add", "origin", hub)
    ann.ok("hooks", "install")
    ann.git("push", "-q", "-u", "origin", "main")
    ann.ok("sync")
    bob = Repo(str(tmp_path / "bob"))
    git(str(tmp_path), "clone", "-q", hub, bob.path)
    bob.ok("claim", "a", env={"GITTASKS_SESSION": "s1"})
    commit(ann, "x\n\nTask: b completed")
    ann.ok("sync")
    bob.ok("done", "a", env={"GITTASKS_SESSION": "s1"})
    ann.ok("pull")
    assert {task["status"] for task in ann.tasks().values()} == {"completed"}
    ann.git("gc", "-q")
    ann.git("branch", "-qD", "gittasks/plan")
    ann.ok("lists", "restore", "plan")
    assert ann.ok("doctor").out == "no problems found\n"
    bare = Repo(hub)
    assert "safe.bareRepository" in bare.run("list").err
    assert set(json.loads(bare.ok("list", "--json", env={"GIT_DIR": hub}).out)["tasks"][0])
    assert git(hub, "fsck", "--strict", env={"GIT_DIR": hub}) == ""


def test_two_formats_share_nothing(tmp_path: Path) -> None:
    """Both ways the error says why, and nothing is lost."""
    for mine, theirs in (("sha1", "sha256"), ("sha256", "sha1")):
        hub = str(tmp_path / f"{theirs}.git")
        git(str(tmp_path), "init", "-q", "--bare", f"--object-format={theirs}", hub)
        there = plan(Repo.create(str(tmp_path / f"of-{theirs}"), f"--object-format={theirs}"), "x")
        there.git("push", "-q", hub, "main", "gittasks/plan")
        here = plan(Repo.create(str(tmp_path / f"is-{mine}"), f"--object-format={mine}"), "a")
        here.git("remote", "add", "origin", hub)
        done = here.run("sync")
        assert done.code == 7, done
        assert "one of the two repositories names its objects by SHA-1" in done.err
        assert set(here.tasks()) == {"a"}
        here.ok("init", "other")  # a list that is not there: the push is what meets the other hash
        here.ok("create", "B", "--id", "b")
        for words in ("sync", "claim b"):
            done = here.run(*words.split(), "--list", "other", "--json")
            assert done.code == 7, done
            error = done.json()["error"]
            assert "one of the two repositories names its objects by SHA-1" in error["message"]
            assert error.get("outcome") is None
            assert "clone one that has the format of the remote" in error["hint"]
            assert "try again" not in error["hint"]
        assert "clone one that has the format of the remote" in here.run("sync").err
