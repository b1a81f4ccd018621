"""Two agents on the same files: said before they edit, by command and by tool."""

from __future__ import annotations

import pytest
from support import agents
from support.repositories import Repo

PLAN = """\
tasks:
- {id: a, subject: Lexer, paths: ["src/parser/lexer.py"]}
- {id: b, subject: Parser, paths: ["src/parser/**", docs]}
- {id: c, subject: Pages, paths: [web]}
"""
WORDS = "b may touch what a (in progress, ann) touches: src/parser/lexer.py"


@pytest.fixture
def shared(empty: Repo) -> Repo:
    """A list in which Ann is at work on a file."""
    empty.ok("apply", "-", stdin=PLAN)
    empty.ok("start", "a", "--as", "ann")
    return empty


def test_ready_and_prime_tell_and_disjoint_puts_it_last(shared: Repo) -> None:
    """Its JSON has the same; --limit counts after the order."""
    assert WORDS in shared.ok("ready", "--as", "bob").out
    assert "may touch" not in shared.ok("ready", "--as", "ann").out
    assert shared.ok("ready", "--as", "bob", "-q").out.split() == ["b", "c"]
    assert shared.ok("ready", "--as", "bob", "--disjoint", "--limit", "1", "-q").out.split() == [
        "c"
    ]
    (told,) = shared.ok("ready", "--as", "bob", "--json").json()["overlaps"]
    assert told == {"task": "b", "with": "a", "owner": "ann", "paths": ["src/parser/lexer.py"]}
    assert WORDS in shared.ok("prime", "--as", "bob").out


@pytest.mark.parametrize("verb", ["start", "claim"])
def test_who_begins_it_is_told(shared: Repo, verb: str) -> None:
    """It is begun all the same."""
    begun = shared.ok(verb, "b", "--as", "bob")
    assert WORDS in begun.err
    assert shared.tasks("plan")["b"]["owner"] == "bob"


def test_claim_takes_another_rather(shared: Repo) -> None:
    """By command and by tool; without a choice it takes what there is."""
    with agents.in_memory(shared.path) as agent:
        claimed = agent.ok("TaskClaim", owner="bob", disjoint=True)
        assert claimed["task"]["id"] == "c"
        claimed = agent.ok("TaskClaim", owner="cy", disjoint=True)
        assert claimed["task"]["id"] == "b"
        assert any(WORDS in hint for hint in claimed["hints"])
