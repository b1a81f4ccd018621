"""The specification's three examples, done through MCP by a real client and on the command line.

Both are given the same ids and the same moment, so they must end with the same tree, byte for
byte; and what the user sees on the way is in the answers to the agent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pytest
from support import agents
from support.repositories import Repo

MOMENT = {
    "GIT_AUTHOR_DATE": "2030-01-01T09:00:00Z",
    "GITTASKS_OWNER": "orchestrator",
    "GITTASKS_SESSION": "s",
}
_OPTIONS = {
    "description": "--description",
    "activeForm": "--active-form",
    "owner": "--owner",
    "status": "--status",
    "id": "--id",
}


class Step(NamedTuple):
    """One call of a tool, and the same as a command line."""

    tool: str
    given: Mapping[str, Any]
    command: Sequence[str]


def create(subject: str, **given: Any) -> Step:
    """TaskCreate as the specification calls it."""
    command = ["create", subject]
    for name, value in given.items():
        for one in value if isinstance(value, list) else [value]:
            command += [_OPTIONS.get(name, "--blocked-by"), one]
    return Step("TaskCreate", {"subject": subject, **given}, command)


def start(task_id: str) -> Step:
    """TaskUpdate to in_progress."""
    given = {"taskId": task_id, "status": "in_progress"}
    return Step("TaskUpdate", given, ["start", task_id])


def done(task_id: str, result: str | None = None, *, end_loop: bool = False) -> Step:
    """TaskUpdate to completed."""
    given: dict[str, Any] = {"taskId": task_id, "status": "completed"}
    command = ["done", task_id]
    if result:
        given["result"], command = result, [*command, "--result", result]
    if end_loop:
        given["endLoop"], command = True, [*command, "--end-loop"]
    return Step("TaskUpdate", given, command)


PHASES = [
    ("phase-1", "PHASE 1: Ask user for requirements", "Asking user"),
    ("phase-2", "PHASE 2: Generate architecture plan", "Generating plan"),
    ("phase-3a", "PHASE 3: Implement core logic", "Implementing core"),
    ("phase-3b", "PHASE 3: Add error handling", "Adding error handling"),
    ("phase-3c", "PHASE 3: Write tests", "Writing tests"),
    ("phase-4", "PHASE 4: Run test suite", "Running tests"),
    ("phase-5", "PHASE 5: Code review", "Reviewing"),
    ("phase-6", "PHASE 6: Fix review issues", "Fixing issues"),
    ("phase-7", "PHASE 7: User acceptance", "User validating"),
    ("phase-8", "PHASE 8: Generate report", "Generating report"),
]
EIGHT_PHASES = [
    *(
        create(subject, id=i, activeForm=form, **({"blockedBy": [PHASES[n - 1][0]]} if n else {}))
        for n, (i, subject, form) in enumerate(PHASES)
    ),
    *(step for i, _, _ in PHASES for step in (start(i), done(i))),
]
RESULTS = {1: "5 issues fixed", 2: "3 issues fixed", 3: "1 issue fixed"}
ITERATIONS = [
    create("PHASE 1: Gather design reference", id="phase-1", activeForm="Gathering design"),
    *(
        create(
            f"Iteration {n}/10: Designer validation",
            id=f"iter-{n}",
            activeForm=f"Designer validating (iter {n})",
            **({"blockedBy": ["phase-1"]} if n == 1 else {}),
        )
        for n in range(1, 11)
    ),
    create("PHASE 3: User validation gate", id="phase-3", activeForm="User validating"),
    start("phase-1"),
    done("phase-1"),
    *(s for n, r in RESULTS.items() for s in (start(f"iter-{n}"), done(f"iter-{n}", r))),
    start("iter-4"),
    done("iter-4", "PASS", end_loop=True),
    start("phase-3"),
    done("phase-3"),
]
MODELS = {"claude": "Claude", "grok": "Grok", "gemini": "Gemini", "gpt": "GPT-5"}
MODELS["deepseek"] = "DeepSeek"
REVIEWS = [
    create("PHASE 1: Prepare review context", id="phase-1", activeForm="Preparing context"),
    *(
        create(
            f"PHASE 2: {name} review",
            id=i,
            owner=f"{i}-agent",
            activeForm=f"{name} reviewing",
            blockedBy=["phase-1"],
        )
        for i, name in MODELS.items()
    ),
    create(
        "PHASE 3: Consolidate reviews",
        id="phase-3",
        activeForm="Consolidating",
        blockedBy=list(MODELS),
    ),
    create(
        "PHASE 4: Present results", id="phase-4", activeForm="Presenting", blockedBy=["phase-3"]
    ),
    start("phase-1"),
    done("phase-1"),
    *map(start, MODELS),
    *map(done, ("claude", "gemini", "gpt", "grok", "deepseek")),
    *(step for i in ("phase-3", "phase-4") for step in (start(i), done(i))),
]
EXAMPLES = {"eight-phases": EIGHT_PHASES, "iterations": ITERATIONS, "reviews": REVIEWS}
SEEN = {
    "eight-phases": [
        "10 tasks, 0 complete, Phase 1 starting...",
        *(f"{n}/10 tasks complete ({n}0%)" for n in range(1, 6)),
        "10/10 tasks complete (100%). Workflow finished!",
    ],
    "iterations": ["6/6 tasks complete (100%). Workflow finished!"],
    "reviews": ["8/8 tasks complete (100%). Workflow finished!"],
}
"""What the user sees, in order."""


def _tree(repo: Repo) -> str:
    return repo.git("rev-parse", "gittasks/plan^{tree}")


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_same_bytes_by_mcp_and_by_command(name: str, tmp_path: object) -> None:
    """Each example leaves the same tree whichever way it is done, and the words that the user is
    to see are in the answers, in order."""
    by_mcp = Repo.create(f"{tmp_path}/mcp")
    by_command = Repo.create(f"{tmp_path}/cli")
    with agents.over_stdio(by_mcp, "--list", "plan", env=MOMENT) as agent:
        replies = [agent.ok(step.tool, step.given) for step in EXAMPLES[name]]
    by_command.ok("init", "plan")
    for step in EXAMPLES[name]:
        by_command.ok(*step.command, env=MOMENT)
    assert _tree(by_mcp) == _tree(by_command)
    assert by_mcp.count() == by_command.count() == len(EXAMPLES[name]) + 1
    summaries = [reply["summary"] for reply in replies]
    places = [summaries.index(words) for words in SEEN[name]]
    assert places == sorted(places)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_a_workflow_in_one_call(name: str, tmp_path: object) -> None:
    """TaskCreateMany makes of all the tasks of an example what a plan on the command line makes of
    them: the same tree, in one commit each."""
    tasks = [step.given for step in EXAMPLES[name] if step.tool == "TaskCreate"]
    by_mcp = Repo.create(f"{tmp_path}/mcp")
    by_command = Repo.create(f"{tmp_path}/cli")
    with agents.over_stdio(by_mcp, "--list", "plan", env=MOMENT) as agent:
        agent.ok("TaskCreateMany", tasks=tasks)
    by_command.ok("init", "plan")
    lines = ["tasks:"]
    for task in tasks:
        fields = [
            f"{k}: {v if isinstance(v, list) else f'{chr(34)}{v}{chr(34)}'}"
            for k, v in task.items()
        ]
        lines += ["  - " + "\n    ".join(fields)]
    by_command.ok("apply", "-", stdin="\n".join(lines), env=MOMENT)
    assert _tree(by_mcp) == _tree(by_command)
    assert by_mcp.count() == by_command.count() == 2


def test_automatic_unblocking(tmp_path: object) -> None:
    """When the context is prepared, all five reviews are ready at once, and the agent is told."""
    repo = Repo.create(f"{tmp_path}/repo")
    with agents.over_stdio(repo, env=MOMENT) as agent:
        replies = [agent.ok(step.tool, step.given) for step in REVIEWS[:10]]
    assert replies[9]["unblocked"] == list(MODELS)
