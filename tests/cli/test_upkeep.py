"""hooks, merge-driver and doctor: what people and programs see of them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import NamedTuple

import pytest
from support import gits
from support.clones import share
from support.repositories import Repo, plan
from support.templates import copied
from test_json import check_document

from gittasks.core.operations import AddNote, Update

# --- hooks -------------------------------------------------------------------------------------


def driver(repo: Repo) -> str:
    """Configuration of the repository itself that has to do with the merge driver."""
    listed = repo.git("config", "--local", "--list").splitlines()
    return "\n".join(line for line in listed if line.startswith("merge."))


def test_hooks_are_installed_and_taken_out(listed: Repo) -> None:
    """install, uninstall and status say what is so; doing it again changes nothing."""
    untouched = listed.read(".git/config")
    assert listed.run("hooks", "status").out.endswith("merge driver        missing\n")
    assert listed.run("hooks", "status").code == 1
    assert listed.ok("hooks", "install").out.endswith("merge driver        installed\n")
    assert "merge.gittasks.driver=gittasks merge-driver %O %A %B %P ||" in driver(listed)
    installed = listed.read(".git/config")
    assert listed.ok("hooks", "install").out.endswith("merge driver        installed\n")
    assert listed.read(".git/config") == installed
    assert listed.ok("hooks", "status").out.endswith("merge driver        installed\n")
    assert listed.ok("hooks", "uninstall").out.endswith("merge driver        missing\n")
    assert driver(listed) == ""
    assert listed.ok("hooks", "uninstall").out.endswith("merge driver        missing\n")
    assert listed.read(".git/config") == untouched


def test_hooks_answer_in_json_and_quietly(listed: Repo) -> None:
    """Kind `hooks` says whether something was changed, and what is so now; -q says nothing."""
    expected = [
        ("status", 1, False, False),
        ("install", 0, True, True),
        ("install", 0, False, True),
    ]
    expected += [("status", 0, False, True), ("uninstall", 0, True, False)]
    for action, code, changed, installed in expected:
        done = listed.run("hooks", action, "--json")
        check_document(done.json(), "hooks")
        assert (done.code, done.json()["changed"]) == (code, changed)
        assert done.json()["mergeDriver"] == installed
    for action in ("install", "status", "uninstall"):
        done = listed.ok("hooks", action, "-q")
        assert (done.out, done.err) == ("", "")


def test_a_driver_from_elsewhere_is_left_alone(listed: Repo) -> None:
    """What somebody else set is neither replaced nor taken out, and not taken for ours."""
    listed.git("config", "merge.gittasks.driver", "mine %A")
    before = listed.read(".git/config")
    done = listed.run("hooks", "install")
    assert (done.code, done.out) == (5, "")
    assert "mine %A" in done.err
    assert listed.run("hooks", "status").code == 1
    listed.run("hooks", "uninstall")
    assert listed.read(".git/config") == before


def test_hooks_count_for_all_worktrees(listed: Repo) -> None:
    """The driver is set up once for the repository, wherever the command is run."""
    listed.git("worktree", "add", "-q", f"{listed.path}-tree")
    assert listed.run("hooks", "install", cwd=f"{listed.path}-tree").code == 0
    assert listed.ok("hooks", "status").code == 0


@pytest.mark.parametrize("args", [("hooks",), ("hooks", "nope"), ("hooks", "install", "x")])
def test_hooks_need_to_know_what_to_do(listed: Repo, args: tuple[str, ...]) -> None:
    """Without an action, or with one that is unknown: 2, and nothing is set up."""
    assert listed.run(*args).code == 2
    assert driver(listed) == ""


# --- merge-driver ------------------------------------------------------------------------------


def versions(repo: Repo, **texts: str) -> list[str]:
    """Files BASE, OURS and THEIRS with these texts; the arguments of the driver."""
    for name, text in texts.items():
        repo.write(name, text)
    return ["base", "ours", "theirs", "tasks/a.yaml"]


def test_the_driver_merges_three_versions(listed: Repo) -> None:
    """The result replaces OURS, and nothing is said."""
    base = listed.git("show", "gittasks/plan:tasks/a.yaml") + "\n"
    theirs = base.replace("Task a", "New")
    args = versions(listed, base=base, ours=base + "result: PASS\n", theirs=theirs)
    done = listed.ok("merge-driver", *args)
    assert (done.out, done.err) == ("", "")
    assert "subject: New" in listed.read("ours")
    assert "result: PASS" in listed.read("ours")
    assert (listed.read("base"), listed.read("theirs")) == (base, theirs)


def test_the_driver_without_its_files(listed: Repo, tmp_path: object) -> None:
    """Too few arguments: 2; a file that is not there: 3; no repository: 8; OURS stays."""
    args = versions(listed, base="", ours="subject: A\n", theirs="subject: B\n")
    for few in range(4):
        assert listed.run("merge-driver", *args[:few]).code == 2
    for missing in range(3):
        there = [*args[:missing], "missing", *args[missing + 1 :]]
        done = listed.run("merge-driver", *there)
        assert (done.code, done.out) == (3, "")
        assert "cannot read missing: No such file" in done.err
    outside = os.path.join(str(tmp_path), "outside")
    os.mkdir(outside)
    files = [listed.file(name) for name in args[:3]]
    assert listed.run("merge-driver", *files, args[3], cwd=outside).code == 8
    assert listed.read("ours") == "subject: A\n"


@pytest.mark.parametrize("broken", ["ours", "theirs"])
def test_the_driver_leaves_to_git_what_it_cannot_read(listed: Repo, broken: str) -> None:
    """A version that is no task: 4 and the file's name, so that git merges lines; OURS stays."""
    texts = {"base": "subject: A\n", "ours": "subject: B\n", "theirs": "subject: C\n"}
    texts[broken] = "subject: [\n"
    done = listed.run("merge-driver", *versions(listed, **texts))
    assert (done.code, done.out) == (4, "")
    assert done.err.startswith("error: tasks/a.yaml: a version of it cannot be read")
    assert listed.read("ours") == texts["ours"]
    assert sorted(os.listdir(listed.path)) == [".git", "base", "code.txt", "ours", "theirs"]


# --- doctor ------------------------------------------------------------------------------------


@pytest.fixture
def bob(tmp_path: object) -> Repo:
    """A clone of the list `plan` with no problems found; Ann's clone is beside it."""
    copied("clones without a fault", _clone, str(tmp_path))
    return Repo(os.path.join(str(tmp_path), "bob"))


def _clone(folder: str) -> None:
    _, bob = share(folder, "ann", "bob")
    bob.workspace().init("plan", None)
    bob.ok("hooks", "install")


def beside(repo: Repo) -> Repo:
    return Repo(os.path.join(os.path.dirname(repo.path), "ann"))


def news(repo: Repo) -> None:
    """Ann has pushed something that Bob fetched."""
    ann = beside(repo)
    ann.edit(AddNote("a", "news"), Update("a", subject="Ann's"))
    ann.sync()
    repo.git("fetch", "-q")


def task(repo: Repo, name: str, text: str) -> None:
    """Write lines into a task file by hand, instead of its status."""
    file = repo.git("show", f"gittasks/plan:tasks/{name}.yaml")
    repo.hand_edit({f"tasks/{name}.yaml": file.replace("status: pending", text) + "\n"})


def _no_driver(repo: Repo) -> None:
    repo.ok("hooks", "uninstall")


def _gc(repo: Repo) -> None:
    repo.git("config", "gc.auto", "0")


def _lock(repo: Repo) -> None:
    path = repo.ref_lock()
    with open(path, "w", encoding="utf-8"):
        pass
    os.utime(path, (time.time() - 3600,) * 2)


def _broken_task(repo: Repo) -> None:
    repo.hand_edit({"tasks/b.yaml": "subject: [\n"})


def _broken_ref(repo: Repo) -> None:
    repo.write(".git/refs/heads/gittasks/plan", "nonsense\n")


def _attributes(repo: Repo) -> None:
    repo.hand_edit({".gitattributes": None})


def _conflict(repo: Repo) -> None:
    repo.edit(Update("a", subject="Bob's"))
    news(repo)
    repo.sync()


def _half_merged(repo: Repo) -> None:
    """A merge that dropped what the other side did, as `git merge -s ours` does."""
    news(repo)
    repo.git("update-ref", "refs/heads/gittasks/plan", repo.git(
        "commit-tree", "-p", "gittasks/plan", "-p", "origin/gittasks/plan", "-m", "Ours",
        "gittasks/plan^{tree}",
    ))  # fmt: skip


def _rewritten(repo: Repo) -> None:
    repo.edit(AddNote("a", "mine"))
    repo.sync()
    tree = repo.git("rev-parse", "gittasks/plan~1^{tree}")
    other = repo.git("commit-tree", "-p", "gittasks/plan~1", "-m", "Other", tree)
    repo.git("push", "-q", "--force", "origin", f"{other}:gittasks/plan")


def _newer(repo: Repo) -> None:
    repo.edit(AddNote("a", "mine"))
    ann = beside(repo)
    file = ann.git("show", "gittasks/plan:list.yaml")
    ann.hand_edit({"list.yaml": file.replace("format: 1", "format: 99") + "\n"})
    ann.git("push", "-q", "origin", "gittasks/plan")
    repo.git("fetch", "-q")


def _cycle(repo: Repo) -> None:
    task(repo, "a", "status: pending\nblockedBy:\n  - b")
    task(repo, "b", "status: pending\nblockedBy:\n  - a")


def _two_running(repo: Repo) -> None:
    for name in "ab":
        task(repo, name, "status: in_progress\nowner: eve")


def _blocked(repo: Repo) -> None:
    task(repo, "a", "status: in_progress\nowner: eve\nblockedBy:\n  - b")


class Ill(NamedTuple):
    """How to bring something about, and what doctor says of it; `{lock}` is the lock of the ref."""

    spoil: Callable[[Repo], None]
    says: str
    fixed: bool = False


ILLS = {
    "merge-driver": Ill(_no_driver, "line by line", fixed=True),
    "gc": Ill(_gc, "gc.auto is 0"),
    "lock": Ill(_lock, "{lock} has been there for 36"),
    "unreadable": Ill(_broken_task, "plan: tasks/b.yaml:"),
    "damage of a ref": Ill(_broken_ref, "plan: "),
    "attributes": Ill(_attributes, "plan: .gitattributes is missing"),
    "unmerged": Ill(news, "plan: what was fetched from origin is not in the local", fixed=True),
    "unmerged lag": Ill(_half_merged, "plan: the branch lags behind what the list", fixed=True),
    "conflicts": Ill(_conflict, "plan: 1 field was changed at once and differently"),
    "apart": Ill(_rewritten, "cannot be merged: its history there was rewritten"),
    "apart newer": Ill(_newer, "a later version of gittasks"),
    "cycle": Ill(_cycle, "plan: these tasks wait for each other: a → b → a"),
    "two-in-progress": Ill(_two_running, "plan: eve has 2 tasks in progress: a, b"),
    "running-while-blocked": Ill(_blocked, "plan: a is in progress and blocked by b"),
}


def state(repo: Repo) -> tuple[str, str]:
    return repo.git("config", "--local", "--list"), repo.git("for-each-ref")


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[gits.files_only] * (ILLS[n].spoil is _broken_ref)) for n in ILLS],
)
def test_doctor_finds_and_mends(bob: Repo, name: str) -> None:
    """Each finding is told with a next step, exit code 1, and nothing is changed without --fix.

    With it, what needs no choice is mended, so that the next look finds nothing.
    """
    assert bob.ok("doctor").out == "no problems found\n"
    ill = ILLS[name]
    ill.spoil(bob)
    before = state(bob)
    done = bob.run("doctor")
    assert (done.code, done.err) == (1, "")
    assert ill.says.format(lock=os.path.relpath(bob.ref_lock(), bob.git_dir)) in done.out
    findings = done.out.splitlines()
    assert len(findings) % 2 == 0
    assert all(line.startswith("  ") and line.strip() for line in findings[1::2])
    answer = bob.run("doctor", "--json").json()
    check_document(answer, "doctor")
    assert name.partition(" ")[0] in [f["check"] for f in answer["findings"]]
    assert state(bob) == before
    done = bob.run("doctor", "--fix")
    assert done.code == (0 if ill.fixed else 1)
    assert ("\n  fixed\n" in done.out) == ill.fixed
    if ill.fixed:
        assert bob.ok("doctor").out == "no problems found\n"


def test_doctor_does_not_mistake_a_writer_for_a_leftover(bob: Repo) -> None:
    """A lock that is seconds old may belong to a git that is at work: it is named, no more."""
    with open(bob.ref_lock(), "w", encoding="utf-8"):
        pass
    told = bob.run("doctor")
    assert told.code == 1
    assert f"{os.path.basename(bob.ref_lock())} has been there for" in told.out
    assert "look again in a minute" in told.out
    assert "leftover" not in told.out


def test_doctor_leaves_a_driver_from_elsewhere(bob: Repo) -> None:
    """--fix does not replace it, says so, and goes on to what it can mend."""
    bob.git("config", "merge.gittasks.driver", "mine %A")
    news(bob)
    done = bob.run("doctor", "--fix", "--json")
    assert done.code == 1
    fixed = {f["check"]: f["fixed"] for f in done.json()["findings"]}
    assert fixed == {"merge-driver": False, "unmerged": True}
    assert bob.git("config", "merge.gittasks.driver") == "mine %A"


def test_doctor_knows_no_name(bob: Repo, tmp_path: object) -> None:
    """Where git knows no identity, doctor says how to set one."""
    empty = os.path.join(str(tmp_path), "no-config")
    with open(empty, "w", encoding="utf-8"):
        pass
    done = bob.run("doctor", env={"GIT_CONFIG_GLOBAL": empty})
    assert done.code == 1
    assert done.out.splitlines()[0] == "git knows no name for you"
    assert "git config --global user.name" in done.out.splitlines()[1]


@gits.files_only
def test_doctor_looks_at_every_list(bob: Repo) -> None:
    """One list that is ill hides no other; each finding names its list; -q prints nothing."""
    plan(bob, list_id="other")
    bob.hand_edit({".gitattributes": None}, list_id="other")
    _broken_ref(bob)
    answer = bob.run("doctor", "--json").json()
    found = {(f["list"], f["check"]) for f in answer["findings"]}
    assert {("plan", "damage"), ("other", "attributes")} <= found
    done = bob.run("doctor", "-q")
    assert (done.code, done.out, done.err) == (1, "", "")


def test_doctor_mends_around_what_it_cannot(bob: Repo) -> None:
    """A worktree with changes stops the merge there, is named, and stays as it is."""
    bob.git("worktree", "add", "-q", f"{bob.path}-tree", "gittasks/plan")
    news(bob)
    Repo(f"{bob.path}-tree").write("list.yaml", "changed")
    before = state(bob)
    done = bob.run("doctor", "--fix", "--json")
    assert done.code == 1
    assert any(f"{bob.path}-tree" in f["message"] + f["hint"] for f in done.json()["findings"])
    assert "unreadable" not in [f["check"] for f in done.json()["findings"]]
    assert state(bob) == before
    assert Repo(f"{bob.path}-tree").read("list.yaml") == "changed"


def test_doctor_where_there_is_nothing(repo: Repo, tmp_path: object) -> None:
    """A repository without lists is in order; outside of one there is nothing to look at: 8."""
    assert repo.run("doctor").out == "no problems found\n"
    outside = os.path.join(str(tmp_path), "outside")
    os.mkdir(outside)
    assert repo.run("doctor", cwd=outside).code == 8
