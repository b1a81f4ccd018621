"""The table of who acts, by each way in: the command line, the tools, trailers of commits."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from support.agents import in_memory
from support.repositories import Repo


class Way(NamedTuple):
    """Who tries something with a task, and in which session."""

    owner: str | None
    session: str | None

    @property
    def env(self) -> dict[str, str]:
        """The variables of it."""
        named = {"GITTASKS_OWNER": self.owner} if self.owner else {}
        return {**named, **({"GITTASKS_SESSION": self.session} if self.session else {})}


ANN = Way("ann", "s1")
LATER = Way("ann", "s2")
BOB = Way("bob", "s3")
DEFAULT = Way(None, None)

# Who tries it, on a task that was claimed or only started: does it go through?
STARTS = [(ANN, False, True), (LATER, False, False), (BOB, False, False), (LATER, True, False)]
ENDS = [
    (ANN, False, True),
    (LATER, False, True),
    (BOB, False, False),
    (DEFAULT, False, True),
    (ANN, True, True),
    (LATER, True, False),
    (BOB, True, False),
    (DEFAULT, True, False),
]
CLAIMS = [(ANN, True, True), (LATER, True, False), (BOB, True, False), (LATER, False, False)]
ENDINGS = {"done": "completed", "skip": "skipped", "release": "pending"}
_DEEDS = {"done": "completed it", "skip": "skipped it", "release": "gave it back"}


def _held(repo: Repo, *, claimed: bool) -> None:
    repo.ok("claim" if claimed else "start", "a", env=ANN.env)


def _statuses(way: Way, claimed: bool) -> str:
    return f"{way.owner or 'default'}-{way.session}-{'claimed' if claimed else 'started'}"


def _ids(rows: list[tuple[Way, bool, bool]]) -> list[str]:
    return [_statuses(way, claimed) for way, claimed, _ in rows]


@pytest.mark.parametrize(("way", "claimed", "allowed"), STARTS, ids=_ids(STARTS))
def test_start_by_command_and_tool(
    listed: Repo, monkeypatch: pytest.MonkeyPatch, way: Way, claimed: bool, allowed: bool
) -> None:
    """`start` of a task in progress: the holder's is no change, the rest is refused."""
    _held(listed, claimed=claimed)
    head = listed.head()
    assert listed.run("start", "a", env=way.env).code == (0 if allowed else 5)
    for name, value in way.env.items():
        monkeypatch.setenv(name, value)
    with in_memory(listed.path) as agent:
        result = agent.call("TaskUpdate", taskId="a", status="in_progress")
    assert result.is_error is not allowed
    assert listed.head() == head


@pytest.mark.parametrize("verb", ENDINGS)
@pytest.mark.parametrize(("way", "claimed", "allowed"), ENDS, ids=_ids(ENDS))
def test_the_end_by_command(
    listed: Repo, way: Way, claimed: bool, allowed: bool, verb: str
) -> None:
    """`done`, `skip` and `release` by each of them; the owner stays whose task it was."""
    _held(listed, claimed=claimed)
    result = listed.run(verb, "a", env=way.env)
    assert result.code == (0 if allowed else 5)
    if "the history says" in result.err:
        assert _DEEDS[verb] in result.err
    task = listed.tasks()["a"]
    assert task["status"] == (ENDINGS[verb] if allowed else "in_progress")
    if verb != "release":
        assert task["owner"] == "ann"


@pytest.mark.parametrize("status", ENDINGS.values())
@pytest.mark.parametrize(("way", "claimed", "allowed"), ENDS, ids=_ids(ENDS))
def test_the_end_by_tool(
    listed: Repo,
    monkeypatch: pytest.MonkeyPatch,
    way: Way,
    claimed: bool,
    allowed: bool,
    status: str,
) -> None:
    """TaskUpdate decides as the command does."""
    _held(listed, claimed=claimed)
    for name, value in way.env.items():
        monkeypatch.setenv(name, value)
    with in_memory(listed.path) as agent:
        result = agent.call("TaskUpdate", taskId="a", status=status)
    assert result.is_error is not allowed
    assert listed.tasks()["a"]["status"] == (status if allowed else "in_progress")


@pytest.mark.parametrize(("way", "claimed", "allowed"), ENDS, ids=_ids(ENDS))
def test_the_end_by_trailer(listed: Repo, way: Way, claimed: bool, allowed: bool) -> None:
    """A commit of the code links the task for everybody, and completes it for whom `done` does."""
    listed.ok("hooks", "install")
    _held(listed, claimed=claimed)
    listed.git("commit", "-q", "--allow-empty", "-m", "x\n\nTask: a completed", env=way.env)
    task = listed.tasks()["a"]
    assert len(task["commits"]) == 1
    assert task["status"] == ("completed" if allowed else "in_progress")


@pytest.mark.parametrize(("way", "claimed", "allowed"), CLAIMS, ids=_ids(CLAIMS))
def test_claim_by_command_and_tool(
    listed: Repo, monkeypatch: pytest.MonkeyPatch, way: Way, claimed: bool, allowed: bool
) -> None:
    """`claim` of a task in progress: nothing new for the holder, refused for the others."""
    _held(listed, claimed=claimed)
    head = listed.head()
    assert listed.run("claim", "a", env=way.env).code == (0 if allowed else 5)
    for name, value in way.env.items():
        monkeypatch.setenv(name, value)
    with in_memory(listed.path) as agent:
        assert agent.call("TaskClaim", taskId="a").is_error is not allowed
    assert listed.head() == head


@pytest.mark.parametrize("way", [ANN, LATER, BOB, DEFAULT], ids=lambda way: str(way.session))
@pytest.mark.parametrize("claimed", [False, True])
def test_notes_and_fields_are_open_to_all(listed: Repo, way: Way, claimed: bool) -> None:
    """Notes, fields and links of a task that somebody holds may be written by anybody."""
    _held(listed, claimed=claimed)
    listed.ok("note", "a", "seen", env=way.env)
    listed.ok("update", "a", "--description", "more", env=way.env)
    assert listed.tasks()["a"]["owner"] == "ann"


@pytest.mark.parametrize("claimed", [False, True])
def test_resume_keeps_the_start_and_says_since_when(listed: Repo, claimed: bool) -> None:
    """A new session of the same owner goes on; the reply says since when the work goes on."""
    _held(listed, claimed=claimed)
    before = listed.tasks()["a"]
    result = listed.ok("claim" if claimed else "start", "a", "--resume", env=LATER.env)
    after = listed.tasks()["a"]
    assert (after["started"], after["session"]) == (before["started"], "s2")
    assert f"a has been in progress since {before['started']}" in result.err
    if claimed:
        assert after["claim"] == before["claim"] + 1
