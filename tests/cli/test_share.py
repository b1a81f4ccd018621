"""pull, push, sync and conflicts as people and programs see them; undo of what was shared."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import Any

import pytest
from support.clones import settle, share
from support.repositories import Repo, on_path, plan
from support.templates import copied
from test_imports import _loaded, _of, _warm
from test_json import check_document

from gittasks.core.operations import AddNote, Create, Operation, Transition, Update, Verb

Pair = tuple[Repo, Repo]


@pytest.fixture
def pair(tmp_path: object) -> Pair:
    """Two clones that hold the list `plan` with the tasks a, b and c."""
    copied("clones of plan", _clone, str(tmp_path))
    return Repo(os.path.join(str(tmp_path), "ann")), Repo(os.path.join(str(tmp_path), "bob"))


def _clone(folder: str) -> None:
    _, bob = share(folder, "ann", "bob")
    bob.workspace().init("plan", None)


def collide(pair: Pair, *ops: tuple[Operation, Operation]) -> Repo:
    """Ann at 00:01 and Bob at 00:02 change something at once; the clone that merged it."""
    ann, bob = pair
    for one, other in ops:
        ann.edit(one, at=1)
        bob.edit(other, at=2)
    ann.sync()
    return bob


# --- the answers of an exchange ----------------------------------------------------------------


def lines(repo: Repo, *args: str, code: int = 0) -> list[str]:
    """What a command prints, commit ids replaced by `~`."""
    done = repo.run(*args)
    assert (done.code, done.err) == (code, ""), done
    return re.sub(r"\b[0-9a-f]{7,40}\b", "~", done.out).splitlines()


def test_the_text_of_an_exchange(pair: Pair) -> None:
    """One line says how much came and went, then `<`, `>` and `!` lines, then the progress."""
    bob = collide(pair, (Update("a", subject="Ann's"), Update("a", subject="Bob's")))
    bob.edit(Transition(Verb.START, "b"), at=3)
    assert lines(bob, "sync") == [
        "plan: 1 change from origin, 2 changes to origin",
        "  < 2030-01-01 00:01:00Z ~ Ada  a: subject → Ann's",
        "  > 2030-01-01 00:02:00Z ~ Ada  a: subject → Bob's",
        "  > 2030-01-01 00:03:00Z ~ Ada  b: pending → in_progress",
        "  ! a subject: kept Bob's by Ada; discarded Ann's by Ada",
        "0/3 tasks complete (0%), currently Task b",
    ]
    assert lines(bob, "sync") == ["plan: up to date with origin"]
    ann, _ = pair
    assert lines(ann, "pull")[0] == "plan: 2 changes from origin"
    assert lines(ann, "push") == ["plan: up to date with origin"]


def test_a_list_that_the_remote_lacks_is_not_up_to_date(pair: Pair) -> None:
    """A pull of a list that was never pushed says that it is only here."""
    ann, _ = pair
    plan(ann, list_id="fresh")
    assert "up to date" not in ann.ok("pull").out
    assert lines(ann, "push")[0] == "fresh: now on origin"


def test_many_changes_are_cut(pair: Pair) -> None:
    """Of more than twenty changes in one direction the newest are shown, and how many more."""
    ann, bob = pair
    for turn in range(23):
        ann.edit(AddNote("a", f"note {turn}"), at=turn)
    ann.sync()
    shown = [line for line in lines(bob, "pull") if line.startswith("  <")]
    assert shown[0] == "  < ... 3 more: gittasks log"
    assert len(shown) == 21
    assert shown[-1].endswith("note: note 22")


def test_trouble_is_shown_with_a_next_step(pair: Pair) -> None:
    """What only a merge can bring about, such as a cycle, is told when it comes about."""
    ops = (Update("a", add_blocked_by=("b",)), Update("b", add_blocked_by=("a",)))
    bob = collide(pair, ops)
    (trouble,) = [line for line in lines(bob, "sync") if line.startswith("  !")]
    assert "these tasks wait for each other: a → b → a" in trouble
    command = trouble.partition("drop one dependency: ")[2]
    assert bob.ok(*command.split()[1:]).code == 0
    (one,) = bob.ok("sync", "--json").json()["lists"]
    assert one["troubles"] == []


def test_json_of_an_exchange(pair: Pair) -> None:
    """Each command answers kind `sync` with all keys of docs/json.md, on success and on failure."""
    ann, bob = pair
    for command in ("pull", "push", "sync"):
        check_document(ann.ok(command, "--json").json(), "sync")
    ops = (Update("a", subject="Ann's"), Update("a", subject="Bob's"))
    collide(pair, ops, (Transition(Verb.START, "b"), Transition(Verb.START, "c")))
    answer = bob.ok("sync", "--json").json()
    check_document(answer, "sync")
    (one,) = answer["lists"]
    assert [c["field"] for c in one["conflicts"]] == ["subject"]
    assert one["openConflicts"] == 1
    assert one["troubles"] == [{"kind": "two-in-progress", "tasks": ["b", "c"]}]
    plan(bob, list_id="other")
    bob.git("remote", "add", "dead", "/nowhere")
    bob.git("config", "branch.gittasks/other.remote", "dead")
    done = bob.run("push", "--all", "--json")
    assert done.code == 7
    check_document(done.json(), "sync")


def test_quiet_prints_nothing(pair: Pair) -> None:
    """-q leaves the exit code to speak, and of conflicts the ids of the tasks."""
    bob = collide(pair, (Update("a", subject="Ann's"), Update("a", subject="Bob's")))
    for command in ("pull", "push", "sync"):
        done = bob.ok(command, "-q")
        assert (done.out, done.err) == ("", "")
    assert bob.run("conflicts", "-q").out == "a\n"


def test_a_rewritten_history_is_no_merge(pair: Pair) -> None:
    """A remote that lost commits stops the exchange with 7; --accept-rewrite merges both."""
    ann, bob = pair
    ann.edit(AddNote("a", "lost"))
    ann.sync()
    bob.sync()
    other = ann.git("commit-tree", "-p", "gittasks/plan~1", "-m", "x", "gittasks/plan~1^{tree}")
    ann.git("push", "-q", "--force", "origin", f"{other}:gittasks/plan")
    bob.edit(AddNote("a", "mine"))
    for command in ("pull", "sync"):
        done = bob.run(command, "--json")
        assert (done.code, done.json()["error"]["kind"]) == (7, "history-rewritten")
        assert "--accept-rewrite" in done.json()["error"]["hint"]
    bob.git("fetch", "-q")  # which takes what it is given
    assert bob.run("list", "--json").json()["apart"] == "rewritten"
    assert "rewritten" in bob.ok("list").out
    assert "rewritten" in bob.ok("status").out
    bob.ok("sync", "--accept-rewrite")
    assert [n["text"] for n in bob.tasks()["a"]["notes"]] == ["lost", "mine"]
    settle(ann, bob)


@pytest.mark.parametrize("args", [("list",), ("status",), ("list", "--json")], ids=" ".join)
def test_a_warm_read_after_a_sync_loads_no_library(pair: Pair, args: tuple[str, ...]) -> None:
    """What was fetched and merged is read from the cache, conflicts and all."""
    bob = collide(pair, (Update("a", subject="Ann's"), Update("a", subject="Bob's")))
    bob.ok("sync")
    _warm(bob, *args)
    assert _of(_loaded(bob, *args), "dulwich", "ruamel", "rich", "subprocess", "difflib") == []


# --- conflicts ---------------------------------------------------------------------------------


def test_list_and_status_say_that_there_are_conflicts(pair: Pair) -> None:
    """How many there are, and the command that shows them; with `conflicts` the exit code is 1."""
    ann, bob = pair
    assert lines(ann, "conflicts") == ["no conflicts"]
    collide(pair, (Update("a", subject="Ann's"), Update("a", subject="Bob's")))
    bob.ok("sync")
    assert lines(bob, "list")[-1] == "1 conflict of changes made at once: gittasks conflicts"
    assert lines(bob, "status")[-1] == "1 conflict of changes made at once: gittasks conflicts"
    for args, kind in ((("list",), "taskList"), (("status",), "progress")):
        answer = bob.ok(*args, "--json").json()
        check_document(answer, kind)
        assert (answer["conflicts"], answer["apart"]) == (1, None)
    assert lines(bob, "conflicts", code=1) == [
        "a subject: kept Bob's by Ada; discarded Ann's by Ada",
        "    rule: the later change counts",
        "    Ann's: 2030-01-01 00:01:00Z ~ Ada",
        """      instead: gittasks update a --subject 'Ann'"'"'s'""",
        "when all values shown are right: gittasks conflicts --keep",
    ]
    assert lines(bob, "conflicts", "b") == ["no conflicts"]
    assert bob.run("conflicts", "zzz").code == 3
    done = bob.run("conflicts", "--json")
    assert done.code == 1
    check_document(done.json(), "conflicts")
    (conflict,) = done.json()["conflicts"]
    assert (conflict["task"], conflict["field"], conflict["rule"]) == ("a", "subject", "later")
    assert conflict["winner"]["value"] == "Bob's"
    (loser,) = conflict["losers"]
    assert loser["instead"] == [["gittasks", "update", "a", "--subject", "Ann's"]]


def do(verb: str, owner: str | None = None, result: str | None = None) -> Transition:
    return Transition(Verb(verb), "t", result, owner)


def put(**fields: Any) -> Update:
    return Update("t", **fields)


def is_(status: str, **more: str | None) -> dict[str, Any]:
    return {"status": status, **more}


_ODD = """it's "x" $(touch pwned) `y` \\ * ; #"""
CASES: list[tuple[str, Operation | None, list[Operation], Operation, dict[str, Any]]] = [
    ("subject", None, [put(subject=_ODD)], put(subject="B"), {"subject": _ODD}),
    ("text", None, [put(description="A")], put(description="B"), {"description": "A"}),
    ("cleared", put(phase="x"), [put(phase="")], put(phase="B"), {"phase": None}),
    ("activeForm", None, [put(active_form="A")], put(active_form="B"), {"activeForm": "A"}),
    ("order", None, [put(order=7)], put(order=8.5), {"order": 7}),
    ("key", None, [put(metadata={"k": _ODD})], put(metadata={"k": "B"}), {"metadata": {"k": _ODD}}),
    ("unset", put(metadata={"k": "x"}), [put(unset=("k",))], put(metadata={"k": "B"}),
     {"metadata": {}}),
    ("waits", None, [put(add_blocked_by=("a",)), put(remove_blocked_by=("a",))],
     put(add_blocked_by=("a",)), {"blockedBy": []}),
    ("two starts", None, [do("start", "ann")], do("start", "bob"), is_("in_progress", owner="bob")),
    ("done, start", None, [do("done", "ann")], do("start", "bob"), is_("in_progress", owner="bob")),
    ("two done", None, [do("done", "ann", "A")], do("done", "bob", "B"),
     is_("completed", owner="bob", result="B")),
    ("done, skip", None, [do("done")], do("skip", None, "B"), is_("skipped", result="B")),
    ("start, give", None, [do("start", "ann")], put(owner="bob"), is_("pending", owner="bob")),
    ("done, release", do("start"), [do("done")], do("release"), is_("pending", owner=None)),
    ("delete, done", None, [do("delete")], do("done", "bob", "B"), is_("completed", result="B")),
    ("delete, reopen", do("done"), [do("delete")], do("reopen"), is_("pending")),
    ("skip, start", None, [do("skip")], do("start", "bob"), is_("in_progress", owner="bob")),
]  # fmt: skip
"""About the task `t`: what was before, what Ann and then Bob did, what the loser said."""


def shell(repo: Repo, command: str) -> None:
    """Run a line that gittasks printed, as a person who copies it does."""
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=repo.path,
        env={**os.environ, "PATH": on_path()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert not os.path.exists(repo.file("pwned"))


def offers(repo: Repo, *args: str) -> list[str]:
    """The commands that `conflicts` prints, in its order."""
    shown = repo.run("conflicts", *args).out
    return re.findall(r"^      instead: (.*)$", shown, re.MULTILINE)


@pytest.mark.parametrize(
    ("before", "anns", "bobs", "wanted"), [pytest.param(*c[1:], id=c[0]) for c in CASES]
)
def test_the_other_value_is_taken_with_the_printed_command(
    pair: Pair,
    before: Operation | None,
    anns: list[Operation],
    bobs: Operation,
    wanted: dict[str, Any],
) -> None:
    """Run as printed, each `instead:` line takes what did not stand, and the conflict is gone."""
    ann, bob = pair
    ann.edit(Create("Task t", id="t"), *([before] if before else []), at=0)
    settle(ann, bob)
    for op in anns:
        ann.edit(op, at=1)
    bob.edit(bobs, at=2)
    ann.sync()
    bob.sync()
    assert bob.run("conflicts").code == 1
    for command in offers(bob, "t"):
        shell(bob, command)
    assert bob.run("conflicts").out == "no conflicts\n"
    task = bob.tasks()["t"]
    assert {key: task[key] for key in wanted} == wanted
    settle(ann, bob)
    assert ann.run("conflicts").code == 0


def test_the_printed_command_is_for_the_list_that_was_asked_about(pair: Pair) -> None:
    """With --list, the command names the list: another may have a task of the same id."""
    ann, bob = pair
    plan(ann, list_id="other")
    ann.ok("use", "plan")
    ops = (Update("a", subject="Ann's"), Update("a", subject="Bob's"))
    collide(pair, ops)
    bob.sync()
    plan(bob, list_id="other")
    for command in offers(bob, "--list", "plan"):
        subprocess.run(["sh", "-c", command], cwd=bob.path, check=False, capture_output=True)
        shell(bob, command)
    assert bob.tasks("plan")["a"]["subject"] == "Ann's"


def test_the_printed_command_works_for_who_holds_nothing(pair: Pair) -> None:
    """Two sessions began one task; whoever looks can give it to the other as printed."""
    ann, bob = pair
    for repo, name, at in ((ann, "ann", 1), (bob, "bob", 2)):
        env = {"GITTASKS_OWNER": name, "GITTASKS_SESSION": name}
        repo.ok("start", "a", env={**env, "GIT_AUTHOR_DATE": f"{1893456000 + at} +0000"})
        repo.sync()
    for command in offers(bob, "a"):
        shell(bob, command)
    assert (bob.tasks()["a"]["owner"], bob.run("conflicts").code) == ("bob", 0)


def test_what_two_agree_on_is_no_conflict(pair: Pair) -> None:
    """One person who completes a task in two clones, some seconds apart, is told of nothing."""
    bob = collide(pair, (Transition(Verb.DONE, "a"), Transition(Verb.DONE, "a")))
    bob.sync()
    assert lines(bob, "conflicts") == ["no conflicts"]


@pytest.mark.parametrize(
    "text", ["\x1b[31mred", "two\nlines", "-x", "@/etc/passwd", "a\u202eb", "'; touch pwned; '"]
)
def test_hostile_text_is_shown_and_offered_safely(pair: Pair, text: str) -> None:
    """No raw control character is printed; a command is offered only if it gives the same text."""
    ann, bob = pair
    for repo, who in zip(pair, "AB", strict=True):
        file = repo.git("show", "gittasks/plan:tasks/a.yaml")
        quoted, value = json.dumps(text), json.dumps(text + who)
        file += f"\ndescription: {value}\nmetadata:\n  {quoted}: {value}\n{quoted}: {value}\n"
        repo.hand_edit({"tasks/a.yaml": file})
    ann.sync()
    bob.sync()
    shown = bob.run("conflicts").out
    assert all(line.isprintable() for line in shown.split("\n"))
    found = bob.run("conflicts", "--json").json()["conflicts"]
    (wanted,) = [c["losers"][0]["value"] for c in found if c["field"] == "description"]
    for command in offers(bob):
        by_hand = command.startswith("edit tasks/a.yaml by hand; see: git show ")
        shell(bob, command.partition("; see: ")[2] if by_hand else command)
    left = [c["field"] for c in bob.run("conflicts", "--json").json()["conflicts"]]
    assert "description" in left or bob.tasks()["a"]["description"] == wanted


# --- undo of what was shared -------------------------------------------------------------------


def undo(repo: Repo, who: str) -> int:
    return repo.run("undo", env={"GITTASKS_OWNER": who}).code


def change_as(repo: Repo, who: str, at: int, *args: str) -> None:
    env = {"GITTASKS_OWNER": who, "GIT_AUTHOR_DATE": f"{1893456000 + at} +0000"}
    repo.ok("update", "a", *args, env=env)
    repo.sync()


def test_undo_takes_back_only_mine_after_a_merge(pair: Pair) -> None:
    """What somebody else did to the same task at once stays; the other clone sees the undo."""
    ann, bob = pair
    change_as(ann, "ann", 1, "--subject", "Ann's")
    change_as(bob, "bob", 2, "--description", "Bob's")
    ann.sync()
    assert undo(ann, "ann") == 0
    settle(ann, bob)
    task = bob.tasks()["a"]
    assert (task["subject"], task["description"]) == ("Task a", "Bob's")


def test_undo_is_refused_once_others_built_on_it(pair: Pair) -> None:
    """Somebody who saw my change changed the field again: 5, and theirs stays."""
    ann, bob = pair
    change_as(ann, "ann", 1, "--subject", "Ann's")
    bob.sync()
    change_as(bob, "bob", 2, "--subject", "Bob's")
    ann.sync()
    assert undo(ann, "ann") == 5
    assert ann.tasks()["a"]["subject"] == "Bob's"


@pytest.mark.parametrize("who", ["ann", "bob"])
def test_undo_of_one_side_of_a_conflict_never_loses_the_other(pair: Pair, who: str) -> None:
    """It is refused with 5, or what the other one wrote stands."""
    ann, bob = pair
    change_as(ann, "ann", 1, "--subject", "ann's")
    change_as(bob, "bob", 2, "--subject", "bob's")
    code, other = undo(bob, who), "bob" if who == "ann" else "ann"
    shown = bob.tasks()["a"]["subject"]
    assert (code, shown) == (5, "bob's") or (code == 0 and shown == f"{other}'s")


@pytest.mark.parametrize("verb", ["pull", "push", "sync"])
def test_of_several_lists_all_are_offered(pair: Pair, verb: str) -> None:
    """Where no list is chosen, the command for all of them is offered."""
    here, _ = pair
    here.ok("init", "other")
    here.forget_choice()
    refused = here.run(verb, "--json")
    assert refused.code == 8
    assert refused.json()["error"]["commands"][0] == ["gittasks", verb, "--all"]
