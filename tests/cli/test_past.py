"""Time travel: a list as it was, and what changed since."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from collections.abc import Callable, Sequence

import pytest
from support import clones
from support.repositories import Repo, git, plan

from gittasks.core.operations import AddNote, Create, Transition, Update, Verb

DAY = "2030-01-01T"


def at(clock: str) -> dict[str, str]:
    """The environment of a command that is run at that time of the day."""
    return {"GIT_AUTHOR_DATE": f"{DAY}{clock}:00Z", "GIT_COMMITTER_DATE": f"{DAY}{clock}:00Z"}


def _build(repo: Repo) -> None:
    plan(repo)
    for clock, args in (
        ("08:00", ("create", "PHASE 1: One", "--id", "one")),
        ("08:10", ("create", "PHASE 2: Two", "--id", "two", "--blocked-by", "one")),
        ("09:00", ("start", "one", "--owner", "kim")),
        ("09:30", ("done", "one", "--owner", "kim", "--result", "PASS")),
        ("10:00", ("start", "two", "--owner", "lee")),
        ("11:00", ("delete", "two", "--force")),
    ):
        repo.ok(*args, env=at(clock))


@pytest.fixture
def dated(copy_of: Callable[[str, Callable[[Repo], None]], Repo]) -> Repo:
    """A day of two tasks."""
    return copy_of("dated", _build)


def commits(repo: Repo) -> list[str]:
    """Commits of the list, oldest first, without its root."""
    return repo.git("rev-list", "--reverse", "gittasks/plan").split()[1:]


STATES = [
    ("07:59", {}),
    ("08:00", {"one": "pending"}),
    ("08:30", {"one": "pending", "two": "pending"}),
    ("09:29", {"one": "in_progress", "two": "pending"}),
    ("09:30", {"one": "completed", "two": "pending"}),
    ("10:59", {"one": "completed", "two": "in_progress"}),
    ("11:00", {"one": "completed", "two": "deleted"}),
]


@pytest.mark.parametrize(("clock", "states"), STATES)
def test_a_list_at_a_time(dated: Repo, clock: str, states: dict[str, str]) -> None:
    """What was committed up to that second is there, and nothing else."""
    told = dated.ok("list", "--all", "--json", "--at", f"{DAY}{clock}:00Z").json()
    assert {t["id"]: t["status"] for t in told["tasks"]} == states
    assert told["at"] == f"{DAY}{clock}:00Z"
    exported = dated.ok("export", "--at", f"{DAY}{clock}:00Z").json()
    assert {t["id"]: t["status"] for t in exported["tasks"]} == states


def test_a_list_at_a_commit(dated: Repo) -> None:
    """Each commit gives the list that its tree holds; a beginning of its id, or git's names, do."""
    for number, commit in enumerate(commits(dated)):
        for name in (commit, commit[:12], f"gittasks/plan~{5 - number}"):
            told = dated.ok("list", "--all", "--json", "--at", name).json()
            assert told["commit"] == commit
            files = dated.git("ls-tree", "--name-only", commit, "tasks/").split()
            assert [f"tasks/{t['id']}.yaml" for t in told["tasks"]] == files


def test_the_words_of_that_time(dated: Repo) -> None:
    """Summary, running times and blockers are those of the moment, with a line that says so."""
    assert dated.ok("list", "--at", f"{DAY}09:20:00Z").out.splitlines() == [
        f"plan as it was at {DAY}09:20:00Z:",
        "[→] one  PHASE 1: One (in_progress, kim, 20 min so far)",
        "[ ] two  PHASE 2: Two (blocked by one)",
        "",
        "0/2 tasks complete (0%), currently One",
    ]
    told = dated.ok("status", "--at", commits(dated)[3]).out
    assert f"commit {commits(dated)[3][:7]}:" in told
    assert "1/2 tasks complete (50%)" in told
    assert "PHASE 2: 0/1 complete" in told


def test_a_task_at_a_time(dated: Repo) -> None:
    """Its fields and its history end there; one that came later is told apart from none."""
    told = dated.ok("show", "one", "--json", "--at", f"{DAY}09:10:00Z").json()
    assert (told["task"]["status"], told["task"]["owner"]) == ("in_progress", "kim")
    assert [e["at"] for e in told["history"]] == [f"{DAY}09:00:00Z", f"{DAY}08:00:00Z"]
    assert told["at"] == f"{DAY}09:10:00Z"
    assert "result" not in dated.ok("show", "one", "--at", f"{DAY}09:10:00Z").out
    early = dated.run("show", "two", "--at", f"{DAY}08:05:00Z")
    assert early.code == 3
    assert f'"two" was not there yet at {DAY}08:05:00Z' in early.err
    assert dated.run("show", "nix", "--at", f"{DAY}08:05:00Z").code == 3


def test_what_changed_since(dated: Repo) -> None:
    """Net changes by task, deleted ones too, with who made them; nothing for what stayed."""
    assert dated.ok("list", "--since", f"{DAY}09:15:00Z").out.splitlines() == [
        "[✓] one  PHASE 1: One (PASS)",
        "    in_progress → completed (PASS) (by kim)",
        "[~] two  PHASE 2: Two (deleted)",
        "    pending → deleted (by Ada, lee)",
        "",
        f"since {DAY}09:15:00Z: 2 tasks changed, 1 of them completed",
        "1/1 task complete (100%). Workflow finished!",
    ]
    assert dated.ok("list", "--since", f"{DAY}10:30:00Z", "-q").out == "two\n"
    assert dated.ok("list", "--since", commits(dated)[-1]).out.startswith("nothing changed since")


def test_what_changed_between_two_moments(dated: Repo) -> None:
    """--since and --at together compare two moments of the past."""
    told = dated.ok("list", "--since", f"{DAY}08:05:00Z", "--at", "2030-01-01 09:10Z", "--json")
    changes = {(c["task"], c["field"]): c["to"] for c in told.json()["changes"]}
    assert changes["one", "status"] == "in_progress"
    assert changes["two", "created"] == "PHASE 2: Two"
    assert told.json()["since"] == {"at": f"{DAY}08:05:00Z", "commit": None}
    wrong = dated.run("list", "--since", f"{DAY}09:10:00Z", "--at", f"{DAY}08:05:00Z")
    assert wrong.code == 2


def test_the_log_since(dated: Repo) -> None:
    """Commits after the moment, or after the commit; the commit itself is not among them."""
    made = commits(dated)
    since = dated.ok("log", "--json", "--since", f"{DAY}09:00:00Z").json()["entries"]
    assert [e["commit"] for e in since] == made[:2:-1]
    since = dated.ok("log", "--json", "--since", made[3]).json()["entries"]
    assert [e["commit"] for e in since] == made[:3:-1]
    assert dated.ok("log", "two", "--since", made[-1], "--json").json()["entries"] == []


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("soon", 2, "neither a time nor a commit"),
        ("", 2, "neither a time nor a commit"),
        ("2030-02-30", 2, "no such time"),
        ("--help", 2, "neither a time nor a commit"),
        ("deadbeef", 3, "no commit"),
        ("main", 3, "is not a commit of the list"),
        ("gittasks/other", 3, "is not a commit of the list"),
        ("\x1b[2J", 2, "\\x1b[2J"),
    ],
)
def test_what_names_no_moment(dated: Repo, text: str, code: int, said: str) -> None:
    """The error says what is wrong with it and what would do."""
    dated.ok("init", "other")
    dated.ok("use", "plan")
    for args in (("list", f"--at={text}"), ("log", f"--since={text}")):
        done = dated.run(*args)
        assert done.code == code, done
        assert said in done.err
        assert "hint: " in done.err


def _commit_named(repo: Repo, fits: Callable[[str], bool]) -> str:
    """A commit on top of the list whose id fits; the id."""
    head = repo.head()
    content = repo.git("cat-file", "commit", head).partition("\n\n")[0].split("\n")
    lines = [line for line in content if not line.startswith("parent ")]
    lines.insert(1, f"parent {head}")
    kind = "sha256" if len(head) == 64 else "sha1"
    for number in itertools.count():
        data = "\n".join([*lines, "", f"Edit {number}", ""])
        name = hashlib.new(kind, f"commit {len(data)}\0{data}".encode()).hexdigest()
        if fits(name):
            break
    assert repo.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=data) == name
    repo.git("update-ref", "refs/heads/gittasks/plan", name, head)
    return name


def test_a_beginning_that_fits_several_commits(dated: Repo) -> None:
    """Which ones are listed."""
    first = _commit_named(dated, lambda name: name[0] in "abcef")  # 411d would be 411 days ago
    _commit_named(dated, lambda name: name.startswith(first[:4]))
    done = dated.run("list", "--at", first[:4])
    assert done.code == 3
    assert "matches 2 commits" in done.err


def test_no_list_and_no_list_then(repo: Repo) -> None:
    """Without a list the error is the one that every command gives."""
    assert repo.run("list", "--at", "now").code == 8
    plan(repo, "a")
    assert repo.ok("list", "--at", "1999-12-31").out.endswith("no tasks yet\n")


def test_all_lists_have_no_past(dated: Repo) -> None:
    """--at is about one list."""
    assert dated.run("status", "--all", "--at", "now").code == 2


# --- histories with merges ---------------------------------------------------------------------


def _ids(repo: Repo, *args: str) -> list[str]:
    return [t["id"] for t in repo.ok("list", "--json", *args).json()["tasks"]]


def test_a_time_between_two_clones(tmp_path: object) -> None:
    """What both had committed by then is there, though no commit holds both: it is merged."""
    ann, bob = clones.share(str(tmp_path), "ann", "bob", tasks=())
    ann.edit(Create("X", id="x"), at=10)
    bob.edit(Create("Y", id="y"), at=20)
    ann.edit(Create("Z", id="z"), at=30)
    bob.edit(Create("W", id="w"), at=40)
    clones.settle(ann, bob)
    for minute, ids in ((5, ""), (10, "x"), (25, "x y"), (35, "x y z"), (45, "w x y z")):
        for repo in (ann, bob):
            moment = f"{DAY}00:{minute:02}:00Z"
            assert sorted(_ids(repo, "--at", moment)) == ids.split()
            gained = repo.ok("log", "--json", "--since", moment).json()["entries"]
            assert {c["task"] for e in gained for c in e["changes"]} == (
                {"w", "x", "y", "z"} - set(ids.split())
            )


def test_a_commit_of_one_side(tmp_path: object) -> None:
    """A commit says what its own history says, not what others did at the same time."""
    ann, bob = clones.share(str(tmp_path), "ann", "bob", tasks=())
    mine = ann.edit(Create("X", id="x"), at=10)
    theirs = bob.edit(Create("Y", id="y"), at=5)
    clones.settle(ann, bob)
    assert _ids(ann, "--at", mine) == ["x"]
    assert _ids(ann, "--at", theirs) == ["y"]
    assert sorted(_ids(ann)) == ["x", "y"]
    since = ann.ok("log", "--since", mine, "--json").json()["entries"]
    assert [c["task"] for e in since for c in e["changes"]] == ["y"]


def test_a_merge_made_without_us_is_healed_in_the_past_too(tmp_path: object) -> None:
    """A merge commit by plain git that dropped a change says what a list read there says."""
    ann, bob = clones.share(str(tmp_path), "ann", "bob", tasks=("a",))
    mine = ann.edit(Update("a", subject="By Ann"), at=10)
    bob.workspace("plan").branch()
    bob.git("branch", "-q", "gittasks/plan", "origin/gittasks/plan")
    theirs = bob.edit(Transition(Verb.START, "a"), at=12)
    bob.git("push", "-q", "origin", "gittasks/plan")
    ann.git("fetch", "-q")
    env = {"GIT_AUTHOR_DATE": f"{DAY}00:15:00Z", "GIT_COMMITTER_DATE": f"{DAY}00:15:00Z"}
    merge = git(
        ann.path, "commit-tree", f"{mine}^{{tree}}", "-p", mine, "-p", theirs, "-m", "Ours", env=env
    )
    ann.git("update-ref", "refs/heads/gittasks/plan", merge)
    now = ann.tasks()["a"]
    assert (now["subject"], now["status"]) == ("By Ann", "in_progress")
    ann.edit(AddNote("a", "later"), at=20)
    for moment in (merge, f"{DAY}00:16:00Z"):
        then = ann.ok("list", "--json", "--at", moment).json()["tasks"][0]
        assert (then["subject"], then["status"], then["notes"]) == ("By Ann", "in_progress", [])


def test_the_past_of_what_was_only_fetched(tmp_path: object) -> None:
    """A clone without a local branch travels through the branch of its remote."""
    ann, bob = clones.share(str(tmp_path), "ann", "bob", tasks=("a",))
    ann.edit(Transition(Verb.START, "a"), at=10)
    ann.sync()
    bob.git("fetch", "-q")
    told = bob.ok("list", "--json", "--at", f"{DAY}00:05:00Z").json()["tasks"]
    assert [t["status"] for t in told] == ["pending"]
    assert bob.ok("list", "--since", f"{DAY}00:05:00Z", "-q").out == "a\n"


def test_a_clock_that_went_back_hides_nothing(listed: Repo) -> None:
    """A commit made on one with a later clock brings that along."""
    listed.ok("start", "a", env={"GIT_AUTHOR_DATE": f"{DAY}10:00:00Z"})
    listed.ok("done", "a", env={"GIT_AUTHOR_DATE": f"{DAY}09:00:00Z"})
    told = listed.ok("list", "--json", "--at", f"{DAY}09:30:00Z").json()["tasks"]
    assert told[0]["status"] == "completed"


def test_a_shallow_clone_says_where_it_ends(tmp_path: object, dated: Repo) -> None:
    """What is not there cannot be shown; the hint says how to get it."""
    path = os.path.join(str(tmp_path), "shallow")
    git(
        str(tmp_path),
        "clone",
        "-q",
        "--depth",
        "2",
        "--no-single-branch",
        f"file://{dated.path}",
        path,
    )
    shallow = Repo(path)
    assert shallow.ok("list", "--at", f"{DAY}10:30:00Z").out
    done = shallow.run("list", "--at", f"{DAY}08:30:00Z")
    assert done.code == 4
    assert "git fetch --unshallow" in done.err
    assert shallow.ok("list", "--since", commits(dated)[-2], "-q").out == "two\n"


# --- all lists ---------------------------------------------------------------------------------


def _lines(text: str) -> Sequence[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_status_of_all_lists(tmp_path: object) -> None:
    """One line a list, local and fetched, with where each is."""
    ann, bob = clones.share(str(tmp_path), "ann", "bob", tasks=("a", "b"))
    bob.ok("init", "mine", "--title", "My own")
    ann.edit(Transition(Verb.DONE, "a"))
    ann.sync()
    bob.git("fetch", "-q")
    shown = re.sub(r" \((?:\w+; )?changed [-0-9]+\)", "", bob.ok("status", "--all").out)
    assert _lines(shown) == [
        "* mine My own: no tasks yet (here)",
        "plan 1/2 tasks complete (50%) (origin)",
    ]
    told = bob.ok("status", "--all", "--json").json()["lists"]
    assert [(row["id"], row["places"]) for row in told] == [
        ("mine", ["here"]),
        ("plan", ["origin"]),
    ]
