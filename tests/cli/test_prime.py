"""`prime`: what an agent is told, and what it may cost."""

from __future__ import annotations

import json
import re

import pytest
from support.repositories import Repo

from gittasks.cli.command_line import ALIASES, COMMANDS, MODULES, load
from gittasks.cli.options import COMMON, Command, Parameter

MOST_TOKENS = 1000


def tokens(text: str) -> float:
    """A bound from above: the tokenizer that was tried makes one of 3.5 bytes of the manual, of 2.7
    bytes of Chinese and of 2.5 bytes of letters and digits in no order."""
    manual = text.index("## Commands")
    return len(text[:manual].encode()) / 2 + len(text[manual:].encode()) / 3


@pytest.mark.parametrize("word", ["word ", "日本語", "x9-Zq7_", "🎉"])
def test_costs_less_than_a_thousand_tokens(empty: Repo, word: str) -> None:
    """Even of a list with very long texts, many of them in progress and many ready, in any
    script."""
    assert tokens(empty.ok("prime").out) < MOST_TOKENS
    lines = [
        {"op": "create", "subject": f"PHASE {n}: {word * 25}", "activeForm": word * 20}
        for n in range(12)
    ]
    empty.ok("batch", stdin="\n".join(map(json.dumps, lines)))
    for n, task_id in enumerate(empty.ok("list", "-q").out.split()[:6]):
        empty.ok("start", task_id, "--owner", f"agent-{n}")
    empty.ok("init", "plan", "--title", word * 20)
    told = empty.ok("prime").out
    assert tokens(told) < MOST_TOKENS
    assert "  and 4 more\nReady:" in told
    assert "  and 4 more\nNo session is set" in told


def test_tells_how_the_list_stands(listed: Repo) -> None:
    """The summary, what is in progress, what can be begun by whoever asks."""
    listed.ok("start", "a", env={"GITTASKS_OWNER": "bob"})
    listed.ok("update", "b", "--add-blocked-by", "a")
    session = {"GITTASKS_SESSION": "s9", "GIT_AUTHOR_DATE": "2040-01-01T00:00:00Z"}
    assert "export GITTASKS_SESSION=" in listed.ok("prime").out
    told = listed.ok("prime", env=session).out
    assert "export GITTASKS_SESSION=" not in told
    assert 'List "plan"\n0/3 tasks complete (0%), currently Task a\n' in told
    assert "In progress:\n  [→] a  Task a (in_progress, bob)\n    bob's, started" in told
    assert "\nReady:\n  [ ] c  Task c\n" in told
    document = listed.ok("prime", "--json", env=session).json()
    assert document["kind"] == "prime"
    assert document["list"] == {"id": "plan", "title": None}
    assert document["text"] == told
    assert document["progress"]["total"] == 3


def test_tells_what_is_ready_for_others(listed: Repo) -> None:
    """Who has nothing to begin reads that others have, and who they are."""
    for task_id in "abc":
        listed.ok("update", task_id, "--owner", "bob")
    assert "Ready for others: a (bob), b (bob), c (bob)" in listed.ok("prime").out


def test_says_what_may_be_repeated(listed: Repo) -> None:
    """Not everything: a second undo takes back more, a second note is another one."""
    assert "All but undo, note and create without --id may be repeated" in listed.ok("prime").out


def test_tells_how_to_begin(repo: Repo, tmp_path: object) -> None:
    """Without a list, with several and outside of a repository the manual is there all the same,
    with the way to a list."""
    assert "make one with: gittasks init NAME" in repo.ok("prime").out
    repo.ok("init", "one")
    repo.ok("init", "two")
    repo.forget_choice()
    assert (
        "several task lists are here: one, two\nwork on one: gittasks use one; work on two"
        in repo.ok("prime").out
    )
    outside = repo.run("prime", cwd=str(tmp_path))
    assert outside.code == 0
    assert "This is no git repository" in outside.out
    assert "## Commands" in outside.out


def test_a_list_that_a_variable_names_is_not_chosen_otherwise(repo: Repo) -> None:
    """`use` changes nothing while GITTASKS_LIST names a list that is not here; none offers it."""
    repo.ok("init", "one")
    said = repo.ok("prime", env={"GITTASKS_LIST": "gamma"}).out
    assert 'no task list "gamma" here (named by GITTASKS_LIST)' in said
    assert "make it: gittasks init gamma" in said
    assert "gittasks use NAME" not in said


def test_what_it_says_works(repo: Repo) -> None:
    """The commands that the manual shows whole can be run as they stand."""
    repo.ok("init", "plan")
    told = repo.ok("prime").out
    plan = re.search(r"apply - <<'END'\n(.*?)END\n", told, re.DOTALL)
    assert plan
    repo.ok("apply", "-", stdin=plan[1])
    assert set(repo.tasks()) == {"p1-ask", "p2-plan"}
    repo.ok("create", "PHASE 3: Validate", "--iterations", "10", "--id", "iter")
    repo.ok("done", "iter-1", "--result", "PASS", "--end-loop")


def test_it_names_what_exists(repo: Repo) -> None:
    """Every command and option that the manual names is there."""
    told = repo.ok("prime").out
    known = {*ALIASES, *(name for group in COMMANDS.values() for name in group)}
    declared = [p for name in MODULES for p in parameters_of(name)]
    options = {word for parameter in (*COMMON, *declared) for word in parameter.words}
    assert set(re.findall(r"gittasks ([a-z-]+)", told)) <= known
    assert set(re.findall(r"--[a-z][a-z-]+", told)) <= options


def parameters_of(name: str) -> tuple[Parameter, ...]:
    declared = load(MODULES, name)
    return declared.parameters if isinstance(declared, Command) else ()


def test_names_all_that_fit(empty: Repo) -> None:
    """Short tasks are all named, those in progress and those to begin; a command stands whole."""
    lines = [{"op": "create", "id": f"t{n}", "subject": f"Do {n}"} for n in range(8)]
    empty.ok("batch", stdin="\n".join(map(json.dumps, lines)))
    long = "a-task-with-an-id-that-says-what-it-is"
    empty.ok("create", "Long", "--id", long)
    for n in range(3):
        empty.ok("start", f"t{n}", "--parallel")
    empty.ok("start", long, env={"GITTASKS_SESSION": "s1"})
    told = empty.ok("prime", env={"GITTASKS_SESSION": "s2"}).out
    assert all(f"  [ ] t{n}  Do {n}" in told for n in range(3, 8))
    assert "\n  and " not in told
    assert f"    gittasks start {long} --resume\n" in told
