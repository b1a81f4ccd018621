"""The lines that the specification lets the user see, each in the reply of the call that causes it.

The replies are those of the tools, as text and as data; the commands print the same text.
"""

from __future__ import annotations

import json
import os
from typing import Any

from support import agents
from support.agents import text_of
from support.repositories import Repo

DOCUMENT = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "agents.md")
Call = tuple[str, dict[str, Any], str]
"""A tool, its arguments, and the line that its reply has to hold ("" for none)."""


def begin(task_id: str, line: str = "", **more: Any) -> Call:
    """TaskUpdate to in_progress."""
    return "TaskUpdate", {"taskId": task_id, "status": "in_progress", **more}, line


def end(task_id: str, line: str = "", **more: Any) -> Call:
    """TaskUpdate to completed."""
    return "TaskUpdate", {"taskId": task_id, "status": "completed", **more}, line


def lay_out(line: str, *tasks: dict[str, Any], title: str = "") -> Call:
    """TaskCreateMany."""
    return "TaskCreateMany", {"tasks": list(tasks), "title": title}, line


PHASES: list[Call] = [
    lay_out(
        "7 tasks, 0 complete, Phase 1 starting...",
        {"id": "ask", "subject": "PHASE 1: Ask user"},
        {"id": "plan", "subject": "PHASE 2: Plan architecture"},
        {
            "id": "core",
            "subject": "PHASE 3: Implement core logic",
            "activeForm": "Implementing core logic",
        },
        {"id": "errors", "subject": "PHASE 3: Add error handling"},
        {"id": "tests", "subject": "PHASE 3: Write tests"},
        {"id": "review", "subject": "PHASE 4: Code review"},
        {"id": "accept", "subject": "PHASE 5: Accept"},
    ),
    end("ask", "1/7 tasks complete (14.2%)"),
    end("plan", "2/7 tasks complete (28.5%)"),
    end("errors", "PHASE 3: 1/3 complete"),
    begin("core", "3/7 tasks complete (42.8%), currently implementing core logic"),
    end("core", "PHASE 3: 2/3 complete"),
    (
        "TaskCreate",
        {"id": "re", "subject": "PHASE 3: Refactor legacy code", "activeForm": "Refactoring"},
        "Additional work discovered: refactoring. Total now 8 tasks.",
    ),
    *(end(task_id) for task_id in ("tests", "re", "review")),
    end("accept", "8/8 tasks complete (100%). Workflow finished!"),
]
LOOP: list[Call] = [
    ("TaskCreate", {"id": "i", "subject": "Designer validation", "iterations": 10}, ""),
    end("i-1", "Iteration 1/10 complete, 5 issues fixed", result="5 issues fixed"),
    end("i-2", "Iteration 2/10 complete, 8 remaining"),
    begin("i-3", "Iteration 3/10 in progress, 2 complete"),
    end("i-3"),
    end("i-4"),
    begin("i-5", "Iteration 5/10 (50% through max)"),
    end("i-5", "Iteration 5/10 complete, 5 remaining"),
    end("i-6"),
    end("i-7"),
    begin("i-8", "Iteration 8/10 - approaching max, may escalate to user if not PASS"),
    end("i-8"),
    end("i-9"),
    end("i-10", "Loop reached its maximum of 10 without PASS", result="NEEDS IMPROVEMENT"),
]
EARLY: list[Call] = [
    ("TaskCreate", {"id": "i", "subject": "Validation", "iterations": 10}, ""),
    end("i-1"),
    end("i-2", "Loop completed in 2/10 iterations", result="PASS", endLoop=True),
]
REVIEWERS = ("claude", "grok", "gemini", "gpt", "deepseek")
REVIEWS: list[Call] = [
    lay_out(
        "5 tasks, 0 complete, Phase 2 starting...",
        *({"id": n, "subject": f"PHASE 2: {n.title()} review", "owner": n} for n in REVIEWERS),
        title="Multi-model review",
    ),
    *(begin(name, owner=name) for name in REVIEWERS),
    end("claude", "1/5 reviews complete, 4 in progress", owner="claude"),
    end("grok", "PHASE 2: 2/5 complete, 3 in progress", owner="grok"),
    end("gemini", "3/5 reviews complete", owner="gemini"),
    end("gpt", "4/5 reviews complete", owner="gpt"),
    end("deepseek", "5/5 reviews complete!", owner="deepseek"),
]
LAST: list[Call] = [
    lay_out("1 task, 0 complete", {"id": "a", "subject": "Review"}, title="Multi-model review"),
    end("a", "Multi-model review complete"),
]


def play(repo: Repo, calls: list[Call]) -> list[str]:
    """Make the calls; the lines of the specification that a reply lacks, as text or as data."""
    lacking = []
    with agents.in_memory(repo.path) as agent:
        for tool, given, line in calls:
            reply = agent.call(tool, given)
            text = text_of(reply)
            assert not reply.is_error, text
            data = json.dumps(reply.structured_content, ensure_ascii=False)
            if line not in text or line not in data:
                lacking.append(f"{line}: {text} {data}")
    return lacking


def test_the_document_has_each_line() -> None:
    """docs/agents.md says of each line in which replies it stands; no line there is untested."""
    played = {line for calls in (PHASES, LOOP, EARLY, REVIEWS, LAST) for _, _, line in calls}
    with open(DOCUMENT, encoding="utf-8") as file:
        text = file.read().partition("| line | in the reply of |")[2].partition("\n\n")[0]
    rows = {line[2:].split("`")[1] for line in text.splitlines() if line.startswith("| `")}
    assert len(rows) == 17
    assert rows <= played


def test_phases(repo: Repo) -> None:
    """The share of the list and of the phase, what is done now, work found on the way, the end."""
    assert play(repo, PHASES) == []


def test_a_loop_to_its_maximum(repo: Repo) -> None:
    """Where the loop is, the warning from 80 % of the maximum, and that it ended without PASS."""
    assert play(repo, LOOP) == []


def test_a_loop_that_ends_early(repo: Repo) -> None:
    """In how many iterations it was completed."""
    assert play(repo, EARLY) == []


def test_parallel_reviews(repo: Repo) -> None:
    """The reviews counted by name, and the end of the whole."""
    assert play(repo, REVIEWS) == []


def test_the_end(repo: Repo) -> None:
    """The last task ends the whole, by its name."""
    assert play(repo, LAST) == []


def test_the_list_has_all_lines(repo: Repo) -> None:
    """TaskList and `list` tell of loops, phases and parallel work, `status` and `watch` too."""
    assert play(repo, REVIEWS[:7]) == []
    line = "1/5 reviews complete, 4 in progress"
    with agents.in_memory(repo.path) as agent:
        reply = agent.call("TaskList")
        assert line in text_of(reply).splitlines()
        assert line in (reply.structured_content or {})["lines"]
    assert line in repo.ok("list").out.splitlines()
    for command in (["status"], ["watch", "--once"]):
        assert line in repo.ok(*command).out


def test_commands_print_the_same_lines(listed: Repo) -> None:
    """A transition on the command line tells of the loop and the group that it touched."""
    listed.ok("create", "Validation", "--id", "i", "--iterations", "5")
    out = listed.ok("start", "i-1").out.splitlines()
    assert "Iteration 1/5 (20% through max)" in out
    done = listed.ok("done", "i-1", "--result", "2 issues", "--json").json()
    assert done["progress"]["loops"][0]["summary"] == ["Iteration 1/5 complete, 2 issues"]
    added = listed.ok("create", "Refactor", "--active-form", "Refactoring").out.splitlines()
    assert "Additional work discovered: refactoring. Total now 9 tasks." in added
