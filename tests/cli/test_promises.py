"""A hint is a promise: what errors and replies offer is accepted and does what it says."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import NamedTuple

import pytest
from support import promises
from support.agents import in_memory, text_of
from support.clones import share
from support.repositories import Repo

from gittasks.mcp_server.replies import call_of


class Scene(NamedTuple):
    """Steps that lead to a refusal, each a session and a command, and what is refused."""

    steps: str
    refused: str
    session: str = "s2"
    owner: str = ""

    def play(self, repo: Repo) -> None:
        """Take the steps."""
        for line in filter(None, map(str.strip, self.steps.splitlines())):
            session, _, command = line.partition("> ")
            repo.ok(*shlex.split(command), env=_env(session))


def _env(session: str, owner: str = "") -> dict[str, str]:
    """The variables of who acts: `s1`, `s1=ann`, or `-` for nobody in particular."""
    session, _, name = session.partition("=")
    owner = owner or name
    env = {"GITTASKS_SESSION": session} if session != "-" else {}
    return {**env, **({"GITTASKS_OWNER": owner} if owner else {})}


SCENES = {
    "blocked": Scene("s1> update b --add-blocked-by a", "start b"),
    "blocked, nothing ready": Scene(
        "s1> update b --add-blocked-by a\ns1> skip c\ns1> start a", "start b"
    ),
    "one in progress": Scene("s2> start a", "start b"),
    "one in progress that waits": Scene("s2> start a\ns2> update a --add-blocked-by b", "start b"),
    "one in progress that waits for another": Scene(
        "s2> start a\ns2> update a --add-blocked-by c", "start b"
    ),
    "one in progress, claim": Scene("s2> start a", "claim b"),
    "one in progress, without a session": Scene("-> start a", "start b", "-"),
    "held, same owner": Scene("s1> start a", "start a"),
    "held, same owner, claim": Scene("s1> start a", "claim a"),
    "held, claimed by the same owner": Scene("s1> claim a", "done a"),
    "held, claimed by the same owner, start": Scene("s1> claim a", "start a"),
    "held by another, by default": Scene("s1> claim a --owner writer", "done a", "-"),
    "held by a named one": Scene("s1=ann> start a", "done a", "s2", "bob"),
    "held by a named one, start": Scene("s1=ann> start a", "start a", "s2", "bob"),
    "claimed by another": Scene("s1=ann> claim a", "claim a", "s2", "bob"),
    "claimed by another, nothing else": Scene(
        "s1=ann> claim a\ns1=ann> skip b\ns1=ann> skip c", "claim a", "s2", "bob"
    ),
    "claimed under one name": Scene("-> claim a", "claim a", "-"),
    "take-over of a live one": Scene("s1=ann> claim a", "claim a --take-over", "s2", "bob"),
    "meant for another": Scene("s1> update a --owner ann", "claim a", "s2", "bob"),
    "closed": Scene("s1> done a", "start a"),
    "deleted": Scene("s1> delete a", "update a --subject X"),
    "deleted, start": Scene("s1> delete a", "start a"),
    "reopen of one in progress": Scene("s2> start a", "reopen a"),
    "reopen of another's": Scene("s1=ann> start a", "reopen a", "s2", "bob"),
    "exists": Scene("", "create Other --id a"),
    "no loop": Scene("", "done a --end-loop"),
    "no loop, blocked": Scene("s1> update a --add-blocked-by b", "done a --end-loop"),
    "cycle": Scene(
        "s1> update b --add-blocked-by a\ns1> update c --add-blocked-by b",
        "update a --add-blocked-by c",
    ),
    "a cycle of itself": Scene("", "update a --add-blocked-by a"),
    "acting for another": Scene("s2=ann> start a", "start b --owner ann"),
    "as another": Scene("s2=ann> start a", "start b --as ann"),
    "nothing to undo": Scene("", "undo", "s3", "eve"),
    "not found, near": Scene("", "start aa"),
    "no such list": Scene("", "list --list plam"),
    "no such list at all": Scene("", "start a --list other"),
    "no remote": Scene("", "sync"),
    "usage": Scene("", "update a"),
    "move without a number": Scene("", "move a"),
    "no lease": Scene("s2> claim a", "heartbeat"),
}


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_commands_of_errors_are_accepted_at_once(listed: Repo, scene: Scene) -> None:
    """Each command of `error.commands` runs and does what it says; its hint names no other."""
    scene.play(listed)
    env = _env(scene.session, scene.owner)
    result = listed.run(*shlex.split(scene.refused), "--json", env=env)
    error = result.json()["error"]
    assert result.code == error["exitCode"] not in (0, 70), result
    for command in promises.offered(error):
        promises.keep(listed, command, env)
    for command in error["decisions"]:
        assert not set(command) & {"drop", "--purge", "forget", "-D", "--hard"}


@pytest.mark.parametrize("env", [{}, {"GITTASKS_LIST": "plam"}], ids=["option", "variable"])
def test_a_list_that_is_nowhere_is_not_offered_to_be_fetched(
    tmp_path: Path, env: dict[str, str]
) -> None:
    """Beside a remote those that there are can be fetched, whichever was named."""
    ada, _ = share(str(tmp_path), "ada", "bob")
    option = () if env else ("--list", "plam")
    error = ada.run("list", *option, "--json", env=env).json()["error"]
    assert error["commands"][0][:3] == ["gittasks", "pull", "--all"]
    for command in promises.offered(error):
        promises.keep(ada, command, env)


def test_all_lists_are_all_lists_by_mcp_too() -> None:
    """The call for a command about all lists is about all of them."""
    assert call_of(("gittasks", "sync", "--all")) == ("TaskSync", {"all": True})
    pull = call_of(("gittasks", "pull", "--all"))
    assert pull == ("TaskSync", {"direction": "pull", "all": True})
    assert call_of(("gittasks", "pull")) == ("TaskSync", {"direction": "pull"})


CALLS = {
    "blocked": ("s1> update b --add-blocked-by a", "TaskUpdate", "b", "in_progress"),
    "one in progress": ("s2> start a", "TaskUpdate", "b", "in_progress"),
    "waits": ("s2> start a\ns2> update a --add-blocked-by b", "TaskUpdate", "b", "in_progress"),
    "held": ("s1> start a", "TaskUpdate", "a", "in_progress"),
    "claimed": ("s1> claim a", "TaskUpdate", "a", "completed"),
    "claim of a held one": ("s1> start a", "TaskClaim", "a", None),
    "another's": ("s1=ann> claim a", "TaskClaim", "a", None),
    "another's, finished": ("s1=ann> claim a", "TaskUpdate", "a", "completed"),
    "closed": ("s1> done a", "TaskUpdate", "a", "in_progress"),
    "deleted": ("s1> delete a", "TaskUpdate", "a", "in_progress"),
    "handed out": ("s2> claim a", "TaskClaim", None, None),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("owner", [None, "bob"])
def test_calls_of_errors_are_accepted_at_once(
    listed: Repo,
    monkeypatch: pytest.MonkeyPatch,
    call: tuple[str, str, str | None, str | None],
    owner: str | None,
) -> None:
    """By MCP the same: the calls of an error are accepted, and no text of it is for a shell."""
    steps, tool, task, status = call
    Scene(steps, "").play(listed)
    monkeypatch.setenv("GITTASKS_SESSION", "s2")
    given = {k: v for k, v in (("taskId", task), ("status", status), ("owner", owner)) if v}
    with in_memory(listed.path) as agent:
        result = agent.call(tool, given)
    if not result.is_error:
        return
    assert "gittasks " not in text_of(result)
    for offer in (result.meta or {}).get("gittasks/commands", ()):
        with promises.twin(listed) as other, in_memory(other.path) as agent:
            agent.ok(offer["tool"], offer["arguments"])


REPLIES = {
    "an earlier session": Scene("s1> start a", "list"),
    "an earlier session, status": Scene("s1> start a", "status"),
    "an earlier session, claimed": Scene("s1> claim a", "list"),
    "another owner": Scene("s1=ann> start a", "list"),
    "of nobody in particular": Scene("s1=ann> start a", "list", "-"),
    "done for another": Scene("s1=ann> start a", "done a"),
    "start beside": Scene("s1> start a", "start b"),
    "many": Scene("s1> create 'PHASE 1: X' --id x", "create 'PHASE 3: Y'"),
}


@pytest.mark.parametrize("scene", REPLIES.values(), ids=REPLIES)
def test_commands_of_replies_are_accepted_at_once(listed: Repo, scene: Scene) -> None:
    """What the reply of a command that succeeded offers runs as well."""
    scene.play(listed)
    env = _env(scene.session, scene.owner)
    result = listed.ok(*shlex.split(scene.refused), env=env)
    for command in promises.in_text(result.out + result.err):
        if "--force" not in command:
            promises.keep(listed, command, env)
