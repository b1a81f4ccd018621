"""A whole job of thirteen tasks in eight phases, by tools and by commands: what it costs an agent.

It is the worked example of the specification, with a loop in the place of its review, which ends
early, and with work that is found on the way. Tokens are bounded from above by one for every
three bytes. docs/agents.md has the figures.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from support import agents
from support.agents import text_of
from support.repositories import Repo

from gittasks.mcp_server.schemas import TOOLS

DOCUMENT = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "agents.md")


def task(
    task_id: str, subject: str, activity: str, blocker: str = "", **more: Any
) -> dict[str, Any]:
    """A task of the plan."""
    waits = {"blockedBy": [blocker]} if blocker else {}
    return {"id": task_id, "subject": subject, "activeForm": activity, **waits, **more}


PLAN = [
    task("p1", "PHASE 1: Ask user for requirements", "Asking user"),
    task("p2", "PHASE 2: Generate architecture plan", "Generating plan", "p1"),
    task("p3a", "PHASE 3: Implement core logic", "Implementing core", "p2"),
    task("p3b", "PHASE 3: Add error handling", "Adding error handling", "p3a"),
    task("p3c", "PHASE 3: Write tests", "Writing tests", "p3b"),
    task("p4", "PHASE 4: Run test suite", "Running tests", "p3c"),
    task("p5", "Code review", "Reviewing", "p4", phase="PHASE 5", iterations=3),
    task("p6", "PHASE 6: Fix review issues", "Fixing issues", "p5"),
    task("p7", "PHASE 7: User acceptance", "User validating", "p6"),
    task("p8", "PHASE 8: Generate report", "Generating report", "p7"),
]
FOUND = task("p3d", "PHASE 3: Refactor legacy code", "Refactoring", "p3a", after="p3a")
STEPS = [
    *("p1", "p2", "found", "p3a", "p3d", "p3b", "p3c", "p4: 214 passed"),
    *("p5-1: 2 issues", "p5-2: PASS", "p6", "p7", "p8"),
]
"""What is finished in turn, with its result; the second iteration passes, so the loop ends."""


class Cost(NamedTuple):
    """What a job cost."""

    calls: int
    refusals: int
    size: int

    @property
    def tokens(self) -> int:
        """A bound from above."""
        return -(-self.size // 3)


def cost(replies: Iterable[tuple[bool, str]]) -> Cost:
    """The cost of replies, each refused or not, and what an agent reads of it."""
    every = list(replies)
    size = sum(len(text.encode()) for _, text in every)
    return Cost(len(every), sum(refused for refused, _ in every), size)


def by_tools(repo: Repo) -> Cost:
    """The job by MCP, as a client sees it that shows data where there is some."""
    calls: list[tuple[str, dict[str, Any]]] = [
        ("TaskCreateMany", {"tasks": PLAN, "title": "Sign-in"}),
        ("TaskUpdate", {"taskId": "p1", "status": "in_progress"}),
    ]
    for step in STEPS:
        task_id, _, result = step.partition(": ")
        if step == "found":
            calls.append(("TaskCreate", {**FOUND, "blocks": ["p3b"]}))
            continue
        given = {"taskId": task_id, "status": "completed", "startNext": True}
        more = {"result": result} if result else {}
        calls.append(("TaskUpdate", {**given, **more, "endLoop": result == "PASS"}))
    replies = []
    with agents.in_memory(repo.path) as agent:
        for tool, given in calls:
            reply = agent.call(tool, given)
            data = json.dumps(reply.structured_content, ensure_ascii=False, separators=(",", ":"))
            replies.append((reply.is_error, text_of(reply) if reply.is_error else data))
    return cost(replies)


def by_commands(repo: Repo) -> Cost:
    """The job in a shell."""
    plan = json.dumps({"title": "Sign-in", "tasks": PLAN})
    commands = [["init", "sign-in"], ["apply", "-"], ["start", "p1"]]
    for step in STEPS:
        task_id, _, result = step.partition(": ")
        if step == "found":
            words = {"--id": "id", "--active-form": "activeForm", "--after": "after"}
            options = [word for name, key in words.items() for word in (name, str(FOUND[key]))]
            commands.append(
                ["create", FOUND["subject"], *options, "--blocked-by", "p3a", "--blocks", "p3b"]
            )
            continue
        outcome = ["--result", result] if result else []
        ends = ["--end-loop"] if result == "PASS" else []
        commands.append(["done", task_id, *outcome, *ends, "--next"])
    replies = []
    for command in commands:
        ended = repo.run(*command, stdin=plan if command[0] == "apply" else "")
        replies.append((ended.code != 0, ended.out + ended.err))
    return cost(replies)


def table(tools: Cost, commands: Cost) -> list[str]:
    """The figures as docs/agents.md has them."""
    told = [{"name": t.name, "description": t.description, "input": t.input} for t in TOOLS]
    size = -(-len(json.dumps(told, ensure_ascii=False).encode()) // 3)
    rows = (("MCP", tools), ("command line", commands))
    return [
        *(f"| {n} | {c.calls} | {c.refusals} | {round(c.tokens, -2):,} |" for n, c in rows),
        f"| descriptions of all tools | | | {round(size, -2):,} |",
    ]


def test_a_job_of_thirteen_tasks(repo: Repo, tmp_path: object) -> None:
    """Nothing is refused, in at most 15 calls of tools and 16 commands; the replies of the tools
    stay under 1,500 tokens in all. The table of the document says so."""
    other = Repo.create(os.path.join(str(tmp_path), "other"))
    tools, commands = by_tools(repo), by_commands(other)
    for done in (repo, other):
        tasks = done.tasks()
        assert len(tasks) == 13
        assert {t["status"] for t in tasks.values()} == {"completed", "skipped"}
    assert (tools.calls, tools.refusals, tools.tokens < 1500) == (15, 0, True), tools
    assert (commands.calls, commands.refusals) == (16, 0), commands
    with open(DOCUMENT, encoding="utf-8") as file:
        rows = re.findall(r"^\| .* \|$", file.read(), re.MULTILINE)
    assert [row for row in table(tools, commands) if row not in rows] == []
