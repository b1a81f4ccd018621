"""What gittasks costs an agent in tokens: the tools, the manual, typical replies.

Tokens are bounded from above by one for every three bytes. Where the package anthropic-tokenizer
is installed, its count stands beside that: tokenizers differ, and none is a dependency.

    python benchmarks/tokens.py
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

from measuring import GITTASKS, environment, run

from gittasks import Workspace
from gittasks.mcp_server import arguments, tools
from gittasks.mcp_server.schemas import BY_NAME, INSTRUCTIONS, TOOLS, Tool

COUNT = 20
"""Tasks of the list."""


def main() -> None:
    """Measure and print."""
    try:
        count: Callable[[str], int] | None = importlib.import_module(
            "anthropic_tokenizer"
        ).count_tokens
    except ImportError:
        count = None
    print(f"{'':44}   bytes   bytes/3" + ("   counted" if count else ""))
    with tempfile.TemporaryDirectory() as scratch:
        environment(scratch)
        for name, text in measured(scratch):
            size = len(text.encode())
            counted = f"{count(text):>10,}" if count else ""
            print(f"{name:44}{size:>8,}{-(-size // 3):>10,}{counted}")


def measured(scratch: str) -> list[tuple[str, str]]:
    """Each text with its name."""
    repo = os.path.join(scratch, "repo")
    run(["git", "init", "-q", repo], scratch)
    run(["git", "commit", "-q", "--allow-empty", "-m", "first"], repo)
    found = [
        ("prime, no list yet", prime(repo)),
        ("instructions of the MCP server", INSTRUCTIONS),
        ("all tools (name, description, input)", shown(*TOOLS)),
        ("the five that are always loaded", shown(*(t for t in TOOLS if t.core))),
    ]
    found += [(f"  {tool.name}", shown(tool)) for tool in TOOLS]
    found.append(("all tools as they are sent (with output)", sent(*TOOLS)))
    for tool, given in calls():
        name = f"{tool} {given.get('status', '')}".strip()
        if tool == "TaskCreateMany":
            name = f"{tool}, {COUNT} tasks: the call"
            found.append((name, json.dumps(given)))
            name = f"{tool}, {COUNT} tasks"
        reply = tools.call(tool, Workspace.open(repo), arguments.read(tool, given).values)
        found.append((f"{name}: text", reply.text))
        found.append((f"{name}: data", json.dumps(reply.data, ensure_ascii=False)))
    found.append((f"prime, list of {COUNT} tasks", prime(repo)))
    return found


def prime(repo: str) -> str:
    """What `gittasks prime` prints there."""
    return subprocess.check_output([GITTASKS, "prime"], cwd=repo, text=True)


def calls() -> list[tuple[str, dict[str, Any]]]:
    """A short working day of an agent."""
    tasks = [
        {
            "id": f"p{n // 3 + 1}-step-{n}",
            "subject": f"PHASE {n // 3 + 1}: Implement part {n} of the feature",
            "activeForm": f"Implementing part {n}",
            **({"blockedBy": [f"p{(n - 1) // 3 + 1}-step-{n - 1}"]} if n else {}),
        }
        for n in range(COUNT)
    ]
    first = tasks[0]["id"]
    return [
        ("TaskCreateMany", {"tasks": tasks}),
        ("TaskUpdate", {"taskId": first, "status": "in_progress"}),
        ("TaskUpdate", {"taskId": first, "status": "completed", "result": "PASS"}),
        ("TaskCreate", {"subject": "PHASE 7: Write the report", "id": "report"}),
        ("TaskList", {}),
        ("TaskGet", {"taskId": first}),
        ("TaskClaim", {}),
        ("TaskLog", {"limit": 5}),
    ]


def shown(*which: Tool) -> str:
    """Tools as a model sees them."""
    return json.dumps(
        [{"name": t.name, "description": t.description, "input": t.input} for t in which]
    )


def sent(*which: Tool) -> str:
    """Tools with their output schemas, which clients keep for themselves."""
    whole: list[Mapping[str, Any]] = [BY_NAME[t.name]._asdict() for t in which]
    return json.dumps(whole)


if __name__ == "__main__":
    main()
