"""`lint` from the command line, on the history of real repositories."""

from __future__ import annotations

import os
import re

import pytest
from support import transcripts
from support.repositories import Repo

from gittasks.core.lint.rules import RULES

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def at(minute: int, second: int = 0) -> dict[str, str]:
    """The environment in which commands happen at that minute of 2030."""
    return {"GIT_AUTHOR_DATE": f"{1893456000 + 60 * minute + second} +0000"}


def rules(repo: Repo, minute: int, *args: str) -> dict[str, list[str]]:
    """The rules that find something at that minute, and the tasks of each finding."""
    made = repo.run("lint", "--json", *args, env=at(minute)).json()
    return {f["rule"]: f["tasks"] for f in made["findings"]}


@pytest.fixture
def bad(repo: Repo) -> Repo:
    """A list that does what the specification says not to do."""
    repo.ok("init", "tasks")
    for name, subject in (("p1", "PHASE 1: Design"), ("p2", "PHASE 2: Design validation loop")):
        repo.ok("create", subject, "--id", name, env=at(0))
    repo.ok("start", "p1", env=at(0))
    repo.ok("start", "p2", "--parallel", env=at(1))
    repo.ok("create", "PHASE 3: Surprise", "--id", "p3", env=at(2))
    repo.ok("create", "Did some work", "--id", "did", "--status", "completed", env=at(3))
    repo.ok("done", "p1", env=at(20))
    repo.ok("done", "p2", env=at(20, 2))
    repo.ok("start", "p3", env=at(21))
    return repo


def test_every_dont_is_found_in_the_history(bad: Repo) -> None:
    """Hidden phases, batches, silence, work told after the fact: read from the commits."""
    assert rules(bad, 40) == {
        "stuck": ["p3"],
        "late-phase": ["p3"],
        "after-the-fact": ["did"],
        "batched-completions": ["p1", "p2"],
        "generic-list-id": [],
        "silent-work": ["p1", "p2"],
        "one-task-phase": ["p3"],
        "task-count": [],
        "no-active-form": ["p3"],
    }


def test_text_names_rule_tasks_and_what_to_do(bad: Repo) -> None:
    """Two lines a finding, worst first, then the count; exit code 1."""
    done = bad.run("lint", "--rule", "late-phase", "--rule", "no-active-form", env=at(22))
    assert (done.code, done.err) == (1, "")
    assert done.out.split("\n") == [
        "warning: PHASE 3 was made after the work had begun, so nobody saw it coming [late-phase]",
        "  make all phases before the first task starts, in one step: gittasks apply plan.md",
        "info: p3 has no activeForm, which is what is said while a task runs [no-active-form]",
        '  give one: gittasks update p3 --active-form "Running tests"',
        "2 findings: 1 warning, 1 info",
        "",
    ]
    assert bad.run("lint", "-q", "--rule", "late-phase", env=at(22)).out == "p3\n"


def test_rules_are_chosen_by_options_and_configuration(bad: Repo) -> None:
    """--ignore and gittasks.lintIgnore leave rules out; --rule asks for one all the same."""
    assert "stuck" not in rules(bad, 40, "--ignore", "stuck")
    bad.git("config", "gittasks.lintIgnore", "stuck, late-phase,bogus")
    assert not {"stuck", "late-phase"} & rules(bad, 40).keys()
    assert list(rules(bad, 40, "--rule", "stuck")) == ["stuck"]
    assert 'no rule is called "bogus"' in bad.run("lint", env=at(40)).err
    done = bad.run("lint", "--rule", "stuk")
    assert (done.code, done.out) == (2, "")
    assert "did you mean stuck?" in done.err


def test_whoever_works_on_several_tasks_says_so_once(listed: Repo) -> None:
    """`git config gittasks.parallel` lifts the rule here as it does for `start`."""
    listed.ok("start", "a")
    listed.ok("start", "b", "--parallel")
    assert listed.run("lint", "--rule", "two-in-progress", "-q").out.split() == ["a", "b"]
    listed.git("config", "gittasks.parallel", "true")
    assert listed.ok("lint", "--rule", "two-in-progress").out == "nothing to improve\n"


def test_a_good_list_is_praised(repo: Repo) -> None:
    """Nothing to say: exit code 0; the same as JSON."""
    repo.ok("init", "feature-auth")
    repo.ok("create", "PHASE 1: Ask", "--id", "p1", "--active-form", "Asking")
    assert repo.ok("lint").out == "nothing to improve\n"
    assert repo.ok("lint", "--json").json()["findings"] == []


def test_hints_do_what_they_say(repo: Repo) -> None:
    """The command that a finding offers makes it go away."""
    repo.ok("init", "feature-auth")
    for n in "abc":
        blockers = [f"--blocked-by={b}" for b in "abc" if b < n]
        repo.ok("create", f"Task {n}", "--id", n, *blockers, env=at(0))
    repo.ok("create", "Check", "--id", "it", "--iterations", "3", env=at(0))
    repo.ok("create", "After", "--id", "after", env=at(0))
    repo.ok("start", "it-1", env=at(1))
    repo.ok("done", "it-1", env=at(2))
    repo.ok("start", "after", env=at(3))
    file = repo.git("show", "gittasks/feature-auth:tasks/after.yaml")
    repo.hand_edit({"tasks/after.yaml": f"{file}\nblockedBy:\n- gone\n"}, list_id="feature-auth")
    wanted = {"redundant-dependency", "unfinished-loop", "dangling-dependency", "stuck"}
    assert wanted <= rules(repo, 60).keys()
    made = repo.run("lint", "--json", env=at(60)).json()
    for found in made["findings"]:
        if found["rule"] in wanted - {"stuck"}:
            words = found["hint"].partition("gittasks ")[2].split()
            repo.ok(*words, env=at(60))
    repo.ok("note", "after", "Half of it", env=at(60))
    assert not wanted & rules(repo, 61).keys()


def test_a_file_that_cannot_be_read_is_told(listed: Repo) -> None:
    """The rest is judged; the exit code says that it is not all."""
    listed.hand_edit({"tasks/bad.yaml": "subject: [\n"})
    done = listed.run("lint")
    assert done.code == 4
    assert "unreadable: tasks/bad.yaml" in done.out
    assert "[no-active-form]" in done.out


class TestAtOnce:
    """What `init`, `create` and `apply` say in the moment."""

    def test_init_of_a_list_with_a_name_that_says_nothing(self, repo: Repo) -> None:
        done = repo.ok("init", "work")
        assert done.err.startswith('hint: "work" says nothing about the work')
        assert done.err.count("\n") == 1
        assert repo.ok("init", "work").err == ""
        assert repo.ok("init", "feature-auth").err == "list: feature-auth\n"
        for quiet in ("--json", "-q"):
            assert repo.ok("init", f"tas{'k' if quiet == '-q' else 'ks'}", quiet).err == ""

    def test_create(self, repo: Repo) -> None:
        repo.ok("init", "feature-auth")
        assert repo.ok("create", "PHASE 1: Ask", "--id", "p1").err == ""
        assert "--iterations" in repo.ok("create", "PHASE 1: Review loop").err
        assert repo.ok("create", "Fix the loop").err == ""
        repo.ok("start", "p1")
        assert repo.ok("create", "PHASE 1: Refactor").err == ""
        assert "PHASE 2 is new, and the work has begun" in repo.ok("create", "PHASE 2: More").err
        assert repo.ok("create", "PHASE 3: More", "--json").err == ""
        assert repo.ok("create", "PHASE 4: More", "-q").err == ""

    def test_too_many_tasks_is_said_once(self, repo: Repo) -> None:
        repo.ok("init", "feature-auth")
        plan = "\n".join(f"- [ ] `t{n}` Task {n}" for n in range(21))
        assert "the list has 21 tasks" in repo.ok("apply", "-", stdin=plan).err
        assert repo.ok("create", "One more").err == ""


@pytest.mark.parametrize("name", ["1-eight-phases", "2-iteration-loop", "3-parallel-reviews"])
def test_the_specifications_own_examples_are_clean(name: str) -> None:
    """Work done as the specification says is not blamed: only an activeForm may be missing."""
    document = os.path.join(ROOT, "docs", "examples", f"{name}.md")
    repo = Repo(transcripts.performed(document).project)
    (list_id,) = repo.git(
        "for-each-ref", "--format=%(refname:lstrip=3)", "refs/heads/gittasks"
    ).split()
    last = repo.git("log", "-1", "--format=%at +0000", f"gittasks/{list_id}")
    args = ("lint", "--json", "-l", list_id)
    made = repo.run(*args, env={"GIT_AUTHOR_DATE": last}).json()
    assert {f["rule"] for f in made["findings"]} <= {"no-active-form"}


def test_the_document_has_every_rule_with_its_severity() -> None:
    """docs/lint.md has a section for each rule, in the table's order, and says how bad it is."""
    with open(os.path.join(ROOT, "docs", "lint.md"), encoding="utf-8") as file:
        sections = re.findall(r"^### `([a-z-]+)` \((\w+)\)$", file.read(), re.MULTILINE)
    assert sections == [(rule.name, rule.severity) for rule in RULES]
