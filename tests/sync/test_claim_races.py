"""Claimers at the same moment, over real transports and their faults: never two for one task."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest
from support import transports
from support.claim_history import Event, Recorder, Written, faults, on_remote, recorded
from support.claimers import Claimer, race
from support.repositories import Repo, by_name, git
from support.transports import Remote

_ROUNDS = 3


def _clones(remote: Remote, folder: str, count: int) -> list[Repo]:
    """Clones that share the list `plan` with three tasks through a remote."""
    first = Repo.listed(os.path.join(folder, "c0"), "a", "b", "c")
    first.git("remote", "add", "origin", remote.url)
    first.git("push", "-q", "origin", "main")
    first.ok("sync")
    names = [os.path.join(folder, f"c{n}") for n in range(1, count)]
    for name in names:
        git(folder, "clone", "-q", remote.url, name)
    return [first, *map(Repo, names)]


_CLAIMER = """
import json, os, subprocess, sys, time
sys.path[:0] = json.loads(sys.argv[1])
from support.claim_history import Recorder
gittasks, folder, who, rounds = sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])
notes = Recorder(folder, who)
env = {**os.environ, "GITTASKS_OWNER": "agent", "GITTASKS_SESSION": who, "GITTASKS_LIST": "plan"}

def run(*words):
    began = time.monotonic()
    done = subprocess.run([gittasks, *words, "--json"], env=env, capture_output=True)
    answer = json.loads(done.stdout) if done.stdout else {}
    return began, done.returncode, answer.get("task") or {}

for turn in range(rounds):
    began, code, task = run("claim")
    told = {0: "ok", 1: "no", 5: "no"}.get(code, "unknown")
    notes.add("claim", told, task.get("id", ""), task.get("claim", 0), began)
    if told == "ok":
        began, code, after = run("release", task["id"])
        told = {0: "ok", 5: "no"}.get(code, "unknown")
        notes.add("release", told, task["id"], task["claim"], began)
"""


def _race(clones: list[Repo], folder: str, rounds: int) -> list[Event]:
    """One claimer a clone, all at once; what they were told."""
    paths = json.dumps([os.path.dirname(__file__), os.path.dirname(os.path.dirname(__file__))])
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _CLAIMER, paths, by_name(), folder, f"s{n}", str(rounds)],
            cwd=repo.path,
        )
        for n, repo in enumerate(clones)
    ]
    for process in running:
        assert process.wait(120) == 0
    return recorded(folder)


@pytest.mark.parametrize("remote", ["path", "ssh", "http"], indirect=True)
def test_claimers_over_each_transport(remote: Remote, tmp_path: object) -> None:
    """Whoever was told that a task is theirs is the only one, by the remote's own history."""
    folder = str(tmp_path)
    events = _race(_clones(remote, folder, 4), folder, _ROUNDS)
    assert faults(events, on_remote(remote.path)) == []
    assert sum(e.told == "ok" for e in events if e.kind == "claim") >= 4
    assert not [e for e in events if e.told == "unknown"]


def test_commands_tools_and_hooks_at_once(tmp_path: object, bare: str) -> None:
    """By whatever way somebody asks, the one who was told is the only one."""
    folder = str(tmp_path)
    with transports.over_path(bare) as remote:
        ways = ("command", "tool", "hook")
        racers = [
            Claimer(repo, f"s{n}", way)
            for n, (repo, way) in enumerate(zip(_clones(remote, folder, 3), ways, strict=True))
        ]
        outcome = race(racers, folder, tries=6, seconds=60)
        assert faults(recorded(folder), on_remote(bare)) == []
        assert outcome.granted.total() >= 3


def test_claimers_behind_a_proxy_that_loses_delays_and_cuts(
    bare: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lost reply is looked up, a cut is tried again; what stays in doubt claims nothing twice."""
    folder = str(tmp_path)
    with transports.over_http(bare) as plain, transports.behind_proxy(plain) as (remote, proxy):
        clones = _clones(plain, folder, 3)
        for repo in clones:
            repo.git("remote", "set-url", "origin", remote.url)
        proxy.lose_replies(3)
        proxy.fault(transports.Fault(delay_up=0.05, delay_down=0.05), connections=6)
        proxy.fault(transports.Fault(cut_after=600), connections=3)
        events = _race(clones, folder, _ROUNDS)
        assert proxy.lost
        assert faults(events, on_remote(bare)) == []
        assert any(e.told == "ok" for e in events)


def test_killed_claimers_ask_again_and_get_what_they_had(listed: Repo, tmp_path: object) -> None:
    """SIGKILL at any moment: the same session asks again, and has one claim at the end."""
    hub = os.path.join(str(tmp_path), "hub.git")
    git(str(tmp_path), "init", "-q", "--bare", hub)
    listed.git("remote", "add", "origin", hub)
    listed.git("push", "-q", "origin", "main")
    listed.ok("sync")
    notes = Recorder(str(tmp_path), "s1")
    env = {"GITTASKS_OWNER": "agent", "GITTASKS_SESSION": "s1"}
    for turn in range(8):
        process = listed.start("claim", "a", env=env)
        time.sleep(0.03 * turn)
        process.kill()
        process.communicate(timeout=60)
        began = time.monotonic()
        task = listed.ok("claim", "a", "--json", env=env).json()["task"]
        notes.add("claim", "ok", "a", task["claim"], began)
        listed.ok("release", "a", env=env)
        notes.add("release", "ok", "a", task["claim"], began)
    assert faults(recorded(str(tmp_path)), on_remote(hub)) == []
    listed.fsck()


def test_a_finish_that_is_overtaken_in_the_middle_is_refused(tmp_path: object, bare: str) -> None:
    """SIGSTOP between the look and the push: somebody takes over, and the finish comes too late."""
    with transports.over_path(bare) as remote:
        ann, bob = _clones(remote, str(tmp_path), 2)
        env = {"GITTASKS_OWNER": "ann", "GITTASKS_SESSION": "s1"}
        ann.ok("claim", "a", env=env)
        waiting, go = (os.path.join(bare, name) for name in ("waiting", "go"))
        transports.hook(
            bare,
            "late",
            f"touch {waiting}",
            f"until [ -e {go} ]; do sleep 0.05; done",
            'exec git-receive-pack "$@"',
        )
        ann.git("config", "remote.origin.receivepack", os.path.join(bare, "hooks", "late"))
        process = ann.start("done", "a", "--result", "PASS", env=env)
        while not os.path.exists(waiting):
            time.sleep(0.02)
        other = {"GITTASKS_OWNER": "bob", "GITTASKS_SESSION": "s2", "GITTASKS_LIST": "plan"}
        bob.ok("claim", "a", "--take-over", "--force", env=other)
        open(go, "w").close()
        _, err = process.communicate(timeout=30)
        assert process.returncode == 5, err
        assert "yours was lost" in err.decode()
        assert "PASS" in ann.tasks()["a"]["notes"][0]["text"]
        last = [w for w in on_remote(bare) if w.task == "a" and w.claim is not None][-1]
        assert (last.claim, last.holder) == (2, "s2")


@pytest.mark.parametrize("days", [-1, 1])
def test_a_wrong_clock_wins_nothing(tmp_path: object, bare: str, days: int) -> None:
    """Whose push came first has the task, whatever the clocks say."""
    with transports.over_path(bare) as remote:
        ann, bob = _clones(remote, str(tmp_path), 2)
        odd = f"{int(time.time()) + days * 86400} +0000"
        wrong = {"GITTASKS_SESSION": "s1", "GIT_AUTHOR_DATE": odd, "GIT_COMMITTER_DATE": odd}
        right = {"GITTASKS_SESSION": "s2", "GITTASKS_LIST": "plan"}
        bob.ok("claim", "a", env=right)
        assert ann.run("claim", "a", env=wrong).code == 5
        ann.ok("claim", "b", env=wrong)
        assert bob.run("claim", "b", "--parallel", env=right).code == 5
        assert bob.tasks("plan")["b"]["session"] == "s1"


class TestChecker:
    """The checker sees what must not be."""

    CLAIM = Event("s1", "claim", "ok", "a", 1, 0.0, 1.0)
    RELEASED = (
        Written("a", "in_progress", 1, "s1"),
        Written("a", "pending", None, "s1"),
        Written("a", "in_progress", 2, "s2"),
    )

    @pytest.mark.parametrize(
        ("events", "history", "word"),
        [
            ([CLAIM], [], "remote says None"),
            ([CLAIM], [Written("a", "in_progress", 1, "s2")], "remote says s2"),
            (
                [CLAIM, CLAIM._replace(who="s2")],
                [Written("a", "in_progress", 1, "s1")],
                "both have",
            ),
            ([], [Written("a", "in_progress", n, "s1") for n in (1, 1)], "twice"),
            ([], [Written("a", "in_progress", n, "s1") for n in (1, 3)], "go up by one"),
            (
                [],
                [Written("a", "in_progress", 1, "s1"), Written("a", "completed", None, "s2")],
                "which s1 held",
            ),
            ([CLAIM._replace(kind="done")], [Written("a", "in_progress", 1, "s1")], "does not say"),
            (
                [],
                [Written("a", "in_progress", n, f"s{n}") for n in (1, 2)],
                "s2 claimed a while s1 held it",
            ),
            (
                [CLAIM, CLAIM._replace(who="s2", claim=2, ended=1.5)],
                RELEASED,
                "under the claims 1 and 2 at once",
            ),
            (
                [CLAIM, CLAIM._replace(kind="release", told="no")],
                [Written("a", "in_progress", 1, "s1")],
                "nobody took over",
            ),
        ],
    )
    def test_each_fault_is_told(
        self, events: list[Event], history: list[Written], word: str
    ) -> None:
        """One fault, one sentence."""
        assert any(word in text for text in faults(events, history))

    def test_what_can_be_is_no_fault(self) -> None:
        """A claim after the end of another, and a take-over, after which that end is refused."""
        release = self.CLAIM._replace(kind="release", ended=1.2)
        later = self.CLAIM._replace(who="s2", claim=2, began=1.1, ended=1.3)
        assert faults([self.CLAIM, release, later], self.RELEASED) == []
        taken = self.RELEASED[0], self.RELEASED[2]._replace(forced=True)
        fenced = release._replace(told="no")
        assert faults([self.CLAIM, later._replace(kind="take-over"), fenced], taken) == []
