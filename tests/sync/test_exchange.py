"""Clones that share a list through a real remote, over each transport, end with the same bytes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import pytest
from support import transports
from support.clones import automatic, on_hub, settle, share
from support.repositories import GITTASKS, Repo, Result, by_name, git, plan
from support.transports import Remote

from gittasks.core.operations import AddNote, Update

by_path = pytest.mark.parametrize("remote", ["path"], indirect=True)
"""For rules that have nothing to do with the transport."""


def begin(remote: Remote, path: str) -> Repo:
    """A repository whose remote `origin` has its code and the list `plan`: tasks a, b and c."""
    repo = Repo.listed(path, "a", "b", "c")
    repo.git("remote", "add", "origin", remote.url)
    repo.git("push", "-q", "origin", "main")
    repo.ok("push")
    return repo


def clone(remote: Remote, path: str) -> Repo:
    """A plain `git clone` of a remote."""
    git(os.path.dirname(path), "clone", "-q", remote.url, path)
    return Repo(path)


def subjects(answer: Result, key: str) -> list[str]:
    """What a `--json` answer says of the only list: subjects of the changes that came or went."""
    (one,) = answer.json()["lists"]
    return [entry["subject"] for entry in one[key]]


def in_line(remote: Remote, *repos: Repo) -> None:
    """All clones and the remote hold the same commit, each knows it, and nothing is damaged."""
    heads = {repo.head() for repo in repos}
    tracked = {repo.git("rev-parse", "refs/remotes/origin/gittasks/plan") for repo in repos}
    assert heads == tracked == {remote.tip("gittasks/plan")}
    for repo in repos:
        repo.fsck()


def test_two_clones_work_offline_and_meet(remote: Remote, tmp_path: object) -> None:
    """A push that git refuses is merged and tried again; everybody's work is in everybody's list.

    The reports name what came in and what went out, and a fresh plain clone sees all of it.
    """
    ann = begin(remote, os.path.join(str(tmp_path), "ann"))
    bob = clone(remote, os.path.join(str(tmp_path), "bob"))
    bob.ok("init", "plan")
    with remote.away():
        ann.ok("start", "a", "--owner", "ann")
        ann.ok("done", "a", "--result", "PASS", "--owner", "ann")
        bob.ok("note", "a", "from bob")
        bob.ok("create", "Fourth", "--id", "d")
    done = ann.ok("sync", "--json")
    anns = ["plan: a pending → in_progress", "plan: a in_progress → completed (PASS)"]
    assert (subjects(done, "received"), subjects(done, "sent")) == ([], anns)

    bobs = ["plan: a note: from bob", "plan: d created: Fourth"]
    done = bob.ok("push", "--json")
    assert (subjects(done, "received"), subjects(done, "sent")) == (anns, bobs)
    (one,) = done.json()["lists"]
    assert (one["rounds"], one["created"], one["error"]) == (2, False, None)

    done = ann.ok("pull", "--json")
    assert (subjects(done, "received"), subjects(done, "sent")) == (bobs, [])
    in_line(remote, ann, bob)
    assert ann.tasks() == bob.tasks()
    task = ann.tasks()["a"]
    assert (task["status"], task["notes"][0]["text"]) == ("completed", "from bob")
    assert "up to date" in bob.ok("sync").out

    fresh = clone(remote, os.path.join(str(tmp_path), "fresh"))
    assert fresh.tasks() == ann.tasks()
    assert fresh.git("branch", "--list", "gittasks/*") == ""


@by_path
def test_a_first_push_makes_the_list_there(remote: Remote, tmp_path: object) -> None:
    """The first push creates the branch, names all operations, and says that the list is new."""
    repo = Repo.create(os.path.join(str(tmp_path), "repo"))
    repo.git("remote", "add", "origin", remote.url)
    repo.git("push", "-q", "origin", "main")
    plan(repo, "a")
    done = repo.ok("push", "--json")
    (one,) = done.json()["lists"]
    assert one["created"] is True
    assert remote.tip("gittasks/plan") == one["commit"] == repo.head()
    assert "plan: a created: Task a" in subjects(done, "sent")
    (one,) = repo.ok("push", "--json").json()["lists"]
    assert (one["created"], one["sent"]) == (False, [])


@by_path
def test_two_clones_begin_the_same_list_apart(remote: Remote, tmp_path: object) -> None:
    """Lists of the same id that were begun in two clones are one list once they meet."""
    ann = begin(remote, os.path.join(str(tmp_path), "ann"))
    bob = Repo.create(os.path.join(str(tmp_path), "bob"))
    bob.git("remote", "add", "origin", remote.url)
    plan(bob, "b", "z")
    (one,) = bob.ok("push", "--json").json()["lists"]
    ann.ok("sync")
    in_line(remote, ann, bob)
    assert sorted(ann.tasks()) == ["a", "b", "c", "z"]
    assert ann.tasks() == bob.tasks()
    assert one["created"] is False


@pytest.mark.parametrize("command", ["pull", "sync"])
def test_the_answer_names_the_commit_of_the_list(command: str, tmp_path: object) -> None:
    """`commit` is where the list is when the command ends, after a merge too."""
    ann, bob = share(str(tmp_path), "ann", "bob")
    bob.workspace().init("plan", None)
    ann.edit(AddNote("a", "news"))
    ann.sync()
    bob.edit(AddNote("a", "mine"))
    (one,) = bob.ok(command, "--json").json()["lists"]
    assert one["commit"] == bob.head()


def test_a_pull_without_a_local_branch_names_what_came(tmp_path: object) -> None:
    """A clone that only reads is told what others did, though it has no branch to merge it into."""
    ann, bob = share(str(tmp_path), "ann", "bob")
    ann.edit(AddNote("a", "news"))
    ann.sync()
    done = bob.ok("pull", "--json")
    assert bob.tasks() == ann.tasks()
    assert bob.git("branch", "--list", "gittasks/*") == ""
    assert subjects(done, "received") == ["plan: a note: news"]


def test_clones_that_agree_make_no_more_merges(tmp_path: object) -> None:
    """Once two clones agree, further exchanges in any order change nothing."""
    ann, bob = share(str(tmp_path), "ann", "bob")
    bob.workspace().init("plan", None)
    for repo, owner in ((ann, "ann"), (bob, "bob")):
        repo.edit(Update("a", subject=owner))
    ann.ok("push")
    bob.ok("push")
    head = bob.head()
    for repo in (ann, bob, ann, bob):
        repo.ok("sync")
    assert {ann.head(), bob.head(), on_hub(ann)} == {head}
    assert automatic(ann) == 1


# --- many at once ------------------------------------------------------------------------------

_WORK = """
for i in 1 2 3; do
  "$0" create "$1 $i" --id "$1-$i" && "$0" sync || echo "$1 $i failed"
done
"""


def test_many_processes_sync_at_once(tmp_path: object) -> None:
    """In one clone, its worktree and another clone, a plain fetch between: nothing is lost."""
    ann, bob = share(str(tmp_path), "ann", "bob")
    bob.workspace().init("plan", None)
    ann.git("worktree", "add", "-q", f"{ann.path}-tree")
    folders = {"p": ann.path, "q": f"{ann.path}-tree", "r": bob.path, "s": bob.path}
    running = [
        subprocess.Popen(
            ["sh", "-c", _WORK, by_name(), name], cwd=folder, stdout=subprocess.PIPE, text=True
        )
        for name, folder in folders.items()
    ]
    while running[0].poll() is None:
        subprocess.run(["git", "fetch", "-q"], cwd=ann.path, check=False, capture_output=True)
    said = [process.communicate(timeout=120)[0] for process in running]
    assert "failed" not in "".join(said), said
    settle(ann, bob)
    made = {f"{name}-{i}" for name in folders for i in (1, 2, 3)}
    assert ann.tasks().keys() == bob.tasks().keys() == made | {"a", "b", "c"}
    ann.fsck()


def test_another_fetch_moves_the_tracking_ref_meanwhile(tmp_path: object) -> None:
    """When somebody else's fetch was first git reports a lost race; a sync tries again."""
    ann, bob = share(str(tmp_path), "ann", "bob")
    bob.edit(AddNote("a", "news"))
    bob.sync()
    ann.edit(AddNote("b", "mine"))
    ref = "refs/remotes/origin/gittasks/plan"
    once = f"test -e once || git --git-dir={ann.git_dir} update-ref {ref} {ref}~1; touch once"
    os.makedirs(os.path.join(str(tmp_path), "hooks"))
    transports.hook(str(tmp_path), "serve", 'git upload-pack "$@"', f"cd {tmp_path}; {once}")
    ann.git("config", "remote.origin.uploadpack", os.path.join(str(tmp_path), "hooks", "serve"))
    raced = subprocess.run(["git", "fetch"], cwd=ann.path, check=False, capture_output=True)
    assert b"cannot lock ref" in raced.stderr, "this git has no such race"
    os.unlink(os.path.join(str(tmp_path), "once"))
    bob.edit(AddNote("a", "more"))
    bob.sync()
    done = ann.ok("sync", "--json")
    assert subjects(done, "received") == ["plan: a note: news", "plan: a note: more"]
    settle(ann, bob)


def test_a_remote_that_denies_rewinds_takes_merges(tmp_path: object) -> None:
    """receive.denyNonFastForwards never matters: nothing is pushed with force."""
    ann, bob = share(str(tmp_path), "ann", "bob")
    bob.workspace().init("plan", None)
    transports.reject_rewinds(os.path.join(str(tmp_path), "hub.git"))
    for repo in (ann, bob):
        repo.edit(AddNote("a", "news"))
        repo.ok("push")
    settle(ann, bob)


# --- which remote, which lists -----------------------------------------------------------------


@pytest.mark.parametrize("args", [("pull",), ("push",), ("sync",), ("sync", "--all")], ids=" ".join)
def test_without_a_remote_there_is_nobody_to_share_with(repo: Repo, args: tuple[str, ...]) -> None:
    """No remote: 8, and how to add one. A name that is no remote: 3, and those that there are."""
    plan(repo, "a")
    done = repo.run(*args)
    assert (done.code, done.out) == (8, "")
    assert "git remote add" in done.err
    repo.git("remote", "add", "origin", "/nowhere")
    done = repo.run(*args, "orgin")
    assert (done.code, done.out) == (3, "")
    assert 'no remote "orgin"' in done.err
    assert "origin" in done.err.partition("hint:")[2]


def test_a_relative_url_counts_from_the_top(tmp_path: object) -> None:
    """In a folder of the work tree a relative URL leads to the same place, as for git."""
    (ann,) = share(str(tmp_path), "ann")
    ann.git("remote", "set-url", "origin", "../hub.git")
    os.mkdir(ann.file("folder"))
    done = ann.run("sync", cwd=ann.file("folder"))
    assert (done.code, done.err) == (0, "")


def test_a_url_is_rewritten_by_the_environment(tmp_path: object) -> None:
    """insteadOf counts wherever git finds it, as CI systems give it: in GIT_CONFIG_COUNT."""
    (ann,) = share(str(tmp_path), "ann")
    rewrite = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_VALUE_0": "forge:list"}
    rewrite["GIT_CONFIG_KEY_0"] = f"url.{ann.git('remote', 'get-url', 'origin')}.insteadOf"
    ann.git("remote", "set-url", "origin", "forge:list")
    ann.edit(AddNote("a", "news"))
    assert subjects(ann.ok("sync", "--json", env=rewrite), "sent") == ["plan: a note: news"]


def test_inside_a_hook(tmp_path: object) -> None:
    """The variables that git sets for hooks send neither gittasks nor its git astray."""
    (ann,) = share(str(tmp_path), "ann")
    ann.edit(AddNote("a", "one"))
    os.makedirs(os.path.join(ann.git_dir, "hooks"))
    transports.hook(ann.git_dir, "pre-commit", f"{GITTASKS} sync --json >answer 2>&1")
    ann.write("more.txt", "more")
    ann.git("add", "more.txt")
    ann.git("commit", "-qm", "Add more", "--", "more.txt")
    assert subjects(Result(0, ann.read("answer"), ""), "sent") == ["plan: a note: one"]
    ann.edit(AddNote("a", "two"))
    env = {"GIT_DIR": ann.git_dir, "GIT_INDEX_FILE": "/none", "GIT_WORK_TREE": ann.path}
    assert ann.run("sync", env=env, cwd=str(tmp_path)).code == 0
    assert on_hub(ann) == ann.head()


def test_a_clone_of_one_branch_gets_the_lists_by_a_pull(tmp_path: object) -> None:
    """`git clone --single-branch` fetches no list; `pull` asks for them by name."""
    (ann,) = share(str(tmp_path), "ann")
    hub = ann.git("remote", "get-url", "origin")
    git(str(tmp_path), "clone", "-q", "--single-branch", hub, "one")
    one = Repo(os.path.join(str(tmp_path), "one"))
    assert one.run("list").code == 8
    one.ok("pull")
    assert one.tasks() == ann.tasks()
    one.edit(AddNote("a", "news"))
    assert subjects(one.ok("push", "--json"), "sent") == ["plan: a note: news"]
    settle(ann, one)


def test_no_list_here_nor_there(repo: Repo, bare: str) -> None:
    """Without any list there is nothing to do; a list that was named and is nowhere is 8."""
    repo.git("remote", "add", "origin", bare)
    for args in (("pull",), ("push",), ("sync", "--all")):
        assert repo.ok(*args).out == "there is no list to share\n"
        assert repo.ok(*args, "--json").json()["lists"] == []
    for command in ("pull", "push", "sync"):
        done = repo.run(command, "--list", "none")
        assert (done.code, done.out) == (8, "")
        assert 'no task list "none" here or on origin' in done.err
        assert "gittasks init none" in done.err
    assert repo.git("for-each-ref", "refs/heads/gittasks") == ""


# --- all lists ---------------------------------------------------------------------------------


def _refused(repo: Repo) -> None:
    hook = ['case "$1" in *bad) echo not this one >&2; exit 1;; esac']
    hub = repo.git("remote", "get-url", "origin")
    os.makedirs(os.path.join(hub, "hooks"))
    transports.hook(hub, "update", *hook)


def _diverged(repo: Repo) -> None:
    there = repo.git("commit-tree", "-p", "gittasks/bad", "-m", "x", "gittasks/bad^{tree}")
    repo.git("push", "-q", "origin", f"{there}:refs/heads/gittasks/bad")


def _unreadable(repo: Repo) -> None:
    _diverged(repo)
    repo.hand_edit({"list.yaml": "["}, list_id="bad")


def _dirty(repo: Repo) -> None:
    _diverged(repo)
    repo.git("worktree", "add", "-q", f"{repo.path}-bad", "gittasks/bad")
    Repo(f"{repo.path}-bad").write("list.yaml", "changed")


@pytest.mark.parametrize(
    ("spoil", "code", "kind"),
    [(_refused, 7, "remote"), (_unreadable, 4, "invalid"), (_dirty, 5, "refused")],
)
def test_one_bad_list_stops_no_other(
    tmp_path: object, spoil: Callable[[Repo], None], code: int, kind: str
) -> None:
    """With --all the others are exchanged; the answer and the exit code are of the bad one."""
    (ann,) = share(str(tmp_path), "ann")
    for list_id in ("bad", "zebra"):
        plan(ann, "x", list_id=list_id)
        ann.ok("push", "-l", list_id)
    spoil(ann)
    for list_id in ("bad", "plan", "zebra"):
        ann.run("note", "-l", list_id, "a" if list_id == "plan" else "x", "news")
    done = ann.run("sync", "--all", "--json")
    assert done.code == code, done
    lists = {one["id"]: one for one in done.json()["lists"]}
    assert [i for i, one in lists.items() if one["error"]] == ["bad"]
    assert lists["bad"]["error"]["kind"] == kind
    assert [len(lists[i]["sent"]) for i in ("plan", "zebra")] == [1, 1]
    done = ann.run("sync", "--all")
    assert done.code == code
    assert "bad: error: " in done.out + done.err


def test_a_dead_remote_stops_no_list_of_another(tmp_path: object) -> None:
    """With --all every remote is tried, and --quiet is not silent about one that failed."""
    (ann,) = share(str(tmp_path), "ann")
    plan(ann, list_id="other")
    ann.git("remote", "add", "dead", "/nowhere")
    ann.git("config", "branch.gittasks/other.remote", "dead")
    ann.edit(AddNote("a", "news"))
    done = ann.run("sync", "--all", "-q")
    assert done.code == 7
    assert on_hub(ann) == ann.head()
    assert "dead" in done.err


def test_a_remote_may_have_thousands_of_refs(tmp_path: object) -> None:
    """What git lists of them fits in no pipe, so it must be read while git writes."""
    (ann,) = share(str(tmp_path), "ann")
    hub, name = ann.git("remote", "get-url", "origin"), "other/" + "x" * 200
    refs = (f"create refs/heads/gittasks/{name}-{i} main\n" for i in range(300))
    git(hub, "update-ref", "--stdin", stdin="".join(refs))
    assert ann.run("pull", "--all", timeout=15).out == "plan: up to date with origin\n"
