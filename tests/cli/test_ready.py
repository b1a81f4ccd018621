"""Ready for whom: what waits for other owners is named wherever somebody is told of nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import agents
from support.agents import Agent, text_of
from support.repositories import Repo

PLAN = """\
tasks:
- {id: p2, subject: "PHASE 2: Design"}
- {id: be, subject: "PHASE 3: Backend", owner: backend-developer, blockedBy: [p2]}
- {id: fe, subject: "PHASE 3: Frontend", owner: frontend-developer, blockedBy: [p2]}
- {id: end, subject: "PHASE 4: Integration", blockedBy: [be, fe]}
"""
OTHERS = "for others: be (backend-developer), fe (frontend-developer)"


@pytest.fixture
def agent(empty: Repo) -> Iterator[Agent]:
    """An agent in a list in which only other owners' tasks come next."""
    empty.ok("apply", "-", stdin=PLAN)
    with agents.in_memory(empty.path) as connected:
        yield connected


def test_commands_name_those_for_whom_something_is_ready(agent: Agent, empty: Repo) -> None:
    """done --next, ready, claim and claim --wait; --all and --owner ask for those tasks."""
    done = empty.ok("done", "p2", "--next")
    assert "nothing is ready for" in done.err
    assert OTHERS in done.err
    for command in (["ready"], ["claim"], ["claim", "--wait", "0s"]):
        nothing = empty.run(*command)
        assert (nothing.code, OTHERS in nothing.out) == (1, True), nothing
    assert empty.ok("ready", "--all", "-q").out.split() == ["be", "fe"]
    mine = empty.ok("ready", "--owner", "backend-developer").out
    assert mine.splitlines()[1:] == ["for others: fe (frontend-developer)"]


def test_tools_name_those_for_whom_something_is_ready(agent: Agent) -> None:
    """startNext, TaskList and TaskClaim, in the text and in the data."""
    next_one = agent.ok("TaskUpdate", taskId="p2", status="completed", startNext=True)
    assert any(hint.endswith(OTHERS) for hint in next_one["hints"])
    listed = agent.call("TaskList", ready=True)
    assert OTHERS in text_of(listed)
    assert any(hint.endswith(OTHERS) for hint in (listed.structured_content or {})["hints"])
    assert agent.ok("TaskClaim")["message"].endswith(OTHERS)
    every = agent.ok("TaskList", ready=True, anyone=True)
    assert [task["id"] for task in every["tasks"]] == ["be", "fe"]
