"""A claim is one push: nothing is fetched where nobody came in between, and nothing is guessed."""

from __future__ import annotations

import os
import subprocess
import time
from collections import Counter
from threading import Thread
from typing import Any

import pytest
from support import gits
from support.clones import on_hub, share
from support.repositories import Repo

from gittasks.core.model import Status
from gittasks.core.operations import AddNote, Claim, Transition, Verb
from gittasks.errors import HistoryRewritten
from gittasks.mcp_server.server import answer
from gittasks.store import remotes
from gittasks.store.remotes import Pushed, PushOutcome
from gittasks.sync import SyncOptions, exchange
from gittasks.workspace import Workspace


class Git:
    """The processes of git that this process starts, by the word that says what they do."""

    def __init__(self, git_dir: str) -> None:
        self.words: list[str] = []
        self._git_dir = git_dir

    def asked(self) -> list[str]:
        """Those since the last call, beside what a reftable costs."""
        words, self.words = self.words, []
        return gits.beside_refs(self._git_dir, words)


@pytest.fixture
def git(agents: tuple[Agent, Agent], monkeypatch: pytest.MonkeyPatch) -> Git:
    """Watch each process that is started."""
    seen, popen, spawn = Git(agents[0].repo.git_dir), subprocess.Popen, os.posix_spawn

    def note(words: list[str]) -> None:
        known = (word for word in words if word in ("fetch", "push", "ls-remote"))
        seen.words.append(next(known, " ".join(words)))

    class Watched(popen):  # type: ignore[misc, valid-type]
        def __init__(self, args: list[str], *more: Any, **options: Any) -> None:
            note(args)
            super().__init__(args, *more, **options)

    def spawned(path: str, words: list[str], *more: Any, **options: Any) -> int:
        note(words)
        return spawn(path, words, *more, **options)

    monkeypatch.setattr(subprocess, "Popen", Watched)
    monkeypatch.setattr(os, "posix_spawn", spawned)
    return seen


class Agent:
    """An agent in a clone."""

    def __init__(self, repo: Repo, name: str) -> None:
        self.repo = repo
        self.actor = {"GITTASKS_OWNER": name, "GITTASKS_SESSION": f"of-{name}"}

    def workspace(self) -> Workspace:
        """The list as the next call of a tool opens it."""
        return Workspace.open(self.repo.path, list_id="plan", env={**os.environ, **self.actor})

    def claim(self, task: str | None = None) -> str:
        """Claim a task, or the next; its id."""
        task_id = self.workspace().edit([Claim(task)]).edit.focus[0]
        assert task_id
        return task_id

    def end(self, task: str, verb: Verb = Verb.DONE) -> None:
        """Finish a task, or give it back."""
        assert self.workspace().edit([Transition(verb, task)]).commit


@pytest.fixture
def agents(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> tuple[Agent, Agent]:
    """Two agents, of whom the first was the last to write, twice; no write is a moment ago."""
    monkeypatch.setattr(exchange, "_MOMENT", -1)
    repos = share(str(tmp_path), "ann", "bob", tasks=["a", "b", "c", "d"])
    ann, bob = Agent(repos[0], "ann"), Agent(repos[1], "bob")
    time.sleep(0.1)  # settings that changed in the last 50 ms are not remembered
    ann.end(ann.claim("a"))
    return ann, bob


def test_a_claim_and_a_finish_are_one_push_each(agents: tuple[Agent, Agent], git: Git) -> None:
    """Who wrote the last two commits of the branch has nothing to fetch."""
    ann, _ = agents
    task = ann.claim()
    assert git.asked() == ["push"]
    ann.end(task)
    assert git.asked() == ["push"]
    assert on_hub(ann.repo) == ann.repo.head()


def test_an_agent_that_comes_anew_looks_first(agents: tuple[Agent, Agent], git: Git) -> None:
    """The branch is somebody else's last, so more is likely to have come."""
    _, bob = agents
    assert bob.claim() == "b"
    assert git.asked().count("fetch") == 1


def test_who_wrote_the_last_commit_alone_looks_as_well(
    agents: tuple[Agent, Agent], git: Git
) -> None:
    """The commit before it is another's, who is at work and may have come again."""
    _, bob = agents
    bob.claim()
    git.asked()
    bob.end("b")
    assert git.asked().count("fetch") == 1
    bob.claim()
    assert git.asked().count("fetch") == 0


def test_a_running_server_starts_one_git_a_claim(
    agents: tuple[Agent, Agent], git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its tools as by the commands, whatever the number of claims before."""
    ann, _ = agents
    for name, value in ann.actor.items():
        monkeypatch.setenv(name, value)
    reply = answer(ann.repo.path, "plan", "TaskClaim", {})
    assert reply.structured_content
    assert git.asked() == ["push"]
    given = {"taskId": reply.structured_content["task"]["id"], "status": "completed"}
    assert not answer(ann.repo.path, "plan", "TaskUpdate", given).is_error
    assert git.asked() == ["push"]


def test_who_writes_without_a_pause_looks_now_and_then(
    agents: tuple[Agent, Agent], git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others, who have to look first, would never be first else."""
    ann, _ = agents
    monkeypatch.setattr(exchange, "_MOMENT", 3600)
    looks = []
    for each in (1, 10**60):
        monkeypatch.setattr(exchange, "_LOOK_EACH", each)
        ann.end(ann.claim())
        looks.append(git.asked().count("fetch"))
    assert looks == [2, 0]


def test_agents_of_one_clone_do_not_look_between_their_claims(
    agents: tuple[Agent, Agent], git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one of them pushed a moment ago, the next one knows; what another clone did, not."""
    ann, bob = agents
    cid, dan = Agent(ann.repo, "cid"), Agent(ann.repo, "dan")
    assert cid.claim() == "b"
    assert git.asked().count("fetch") == 1  # what was pushed last is no moment ago
    monkeypatch.setattr(exchange, "_MOMENT", 3600)
    monkeypatch.setattr(exchange, "_LOOK_EACH", 10**60)
    dan.end(dan.claim())
    assert git.asked() == ["push", "push"]
    assert bob.claim() == "d"
    git.asked()
    cid.end("b")
    assert git.asked() == ["push", "fetch", "push"]
    assert on_hub(ann.repo) == ann.repo.head()


def test_agents_of_one_clone_queue_for_the_remote(
    agents: tuple[Agent, Agent], git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the same moment as well: no push of one is refused for another's."""
    ann, _ = agents
    monkeypatch.setattr(exchange, "_MOMENT", 3600)
    monkeypatch.setattr(exchange, "_LOOK_EACH", 10**60)
    claimed: list[str] = []
    several = [Agent(ann.repo, name) for name in ("cid", "dan", "eve")]
    threads = [Thread(target=lambda a=a: claimed.append(a.claim())) for a in several]
    with exchange._turn_of(ann.workspace().store):
        for thread in threads:
            thread.start()
        threads[0].join(0.3)
        assert not claimed
    for thread in threads:
        thread.join(60)
    assert sorted(claimed) == ["b", "c", "d"]
    assert Counter(git.asked()) == {"fetch": 1, "push": 3}  # who comes first looks
    assert on_hub(ann.repo) == ann.repo.head()


def test_who_was_first_meanwhile_is_first(agents: tuple[Agent, Agent], git: Git) -> None:
    """The push that was not preceded by a look is refused, and the next task taken."""
    ann, bob = agents
    assert bob.claim() == "b"
    git.asked()
    assert ann.claim() == "c"
    assert git.asked() == ["push", "fetch", "push"]
    tasks = ann.workspace().tasks
    assert (tasks["b"].owner, tasks["c"].owner) == ("bob", "ann")
    assert on_hub(ann.repo) == ann.repo.head()


def test_no_refusal_is_believed_before_a_look(agents: tuple[Agent, Agent], git: Git) -> None:
    """A task that is held here, and was given back there, is claimed."""
    ann, bob = agents
    bob.claim("b")
    ann.end(ann.claim("c"))
    bob.end("b", Verb.RELEASE)
    git.asked()
    assert ann.workspace().tasks["b"].status is Status.IN_PROGRESS
    assert ann.claim("b") == "b"
    assert git.asked() == ["fetch", "push"]


def test_a_list_that_was_removed_is_not_put_back(agents: tuple[Agent, Agent]) -> None:
    """The push goes to the head that was seen, or nowhere."""
    ann, _ = agents
    hub = Repo(ann.repo.git("remote", "get-url", "origin"))
    hub.git("update-ref", "-d", "refs/heads/gittasks/plan")
    with pytest.raises(HistoryRewritten):
        ann.claim()
    assert hub.git("for-each-ref", "refs/heads/gittasks") == ""


def test_a_branch_that_was_set_back_is_looked_at(agents: tuple[Agent, Agent], git: Git) -> None:
    """What it lost goes there again, with the claim on top of it."""
    ann, _ = agents
    hub, before = Repo(ann.repo.git("remote", "get-url", "origin")), ann.repo.head()
    hub.git("update-ref", "refs/heads/gittasks/plan", f"{before}~1")
    git.asked()
    assert ann.claim() == "b"
    assert git.asked()[:2] == ["push", "fetch"]
    ann.repo.git("merge-base", "--is-ancestor", before, on_hub(ann.repo))


def test_a_lost_answer_is_looked_up(
    agents: tuple[Agent, Agent], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The push went in and nobody said so: one claim, one commit."""
    ann, _ = agents
    push, before = remotes.push, ann.repo.count()

    def silent(*args: Any) -> dict[str, Pushed]:
        return {ref: Pushed(PushOutcome.UNKNOWN) for ref in push(*args)}

    monkeypatch.setattr(remotes, "push", silent)
    assert ann.claim() == "b"
    assert ann.repo.count() == before + 1
    assert on_hub(ann.repo) == ann.repo.head()


def test_a_push_takes_nothing_away_that_another_process_here_pushed_meanwhile(
    agents: tuple[Agent, Agent], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit was chosen before; by the time it goes, the remote is known to be further."""
    ann, bob = agents
    ann.workspace().edit([AddNote("a", "mine")])
    push = exchange._push

    def late(*args: Any, **options: Any) -> None:
        monkeypatch.setattr(exchange, "_push", push)
        other = {"GITTASKS_OWNER": "eve", "GITTASKS_SESSION": "of-eve"}
        ann.repo.ok("claim", "b", env=other)
        push(*args, **options)

    monkeypatch.setattr(exchange, "_push", late)
    (done,) = ann.workspace().exchange(SyncOptions(fetch=False, push=True))
    assert done.error is None
    bob.repo.git("fetch", "-q")
    task = bob.repo.tasks("plan")["b"]
    assert (task["status"], task["session"], task["claim"]) == ("in_progress", "of-eve", 1)
    assert on_hub(ann.repo) == ann.repo.head()
    assert [note["text"] for note in bob.repo.tasks("plan")["a"]["notes"]] == ["mine"]
