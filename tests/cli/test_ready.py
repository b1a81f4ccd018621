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


def test_a_time_to_come_is_given_as_people_write_it(empty: Repo) -> None:
    """A date, a span from now on, any zone; what is none is refused, and nothing is written."""
    empty.ok("create", "A", "--id", "a", "--not-before", "2199-12-01")
    assert empty.tasks()["a"]["notBefore"].startswith(("2199-11-30", "2199-12-01"))
    empty.ok("update", "a", "--not-before", "2h", "--priority", "1")
    assert empty.run("ready", "-q").code == 1
    written = "2020-12-01T09:00:00+02:00"
    empty.ok("batch", stdin=f'{{"op": "update", "id": "a", "notBefore": "{written}"}}\n')
    assert empty.tasks()["a"]["notBefore"] == "2020-12-01T07:00:00Z"
    assert empty.ok("ready", "-q").out == "a\n"
    head = empty.head()
    for text in ("2h ago", "soon", "2026-02-30"):
        refused = empty.run("update", "a", "--not-before", text)
        assert (refused.code, "is no time to come" in refused.err) == (2, True)
    assert empty.head() == head
