"""Claimers of every kind for one list: commands, tools of a server, the library, and a hook of git.

Each runs in a clone of its own until a number of tries is used up by all together, and writes down
what it was told.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from gittasks.core.model import Status
from gittasks.core.operations import Claim, Transition, Verb
from gittasks.errors import Busy, GittasksError, NoRemote, Refused
from gittasks.mcp_server.server import answer
from gittasks.sync import SyncOptions
from gittasks.workspace import Workspace
from support.claim_history import Recorder, recorded
from support.repositories import GITTASKS, Repo, on_path

_LIST = "plan"


class Claimer(NamedTuple):
    """A claimer: its clone, its session, and the way in that it takes."""

    repo: Repo
    session: str
    way: str
    env: Mapping[str, str] = {}
    """What its git needs to reach the remote."""


class Outcome(NamedTuple):
    """The end of a race: tries, and what was granted, by session."""

    tries: int
    granted: Counter[str]


_ANSWERS = (Refused, Busy, NoRemote)
"""How a claim may be refused; whatever else comes is a fault."""
Got = tuple[str, int] | None
"""A task that was claimed, and the number of its claim."""


class _Library:
    """A program that opens the list for each call; it gives back what it got."""

    end = "release"

    def __init__(self, path: str, session: str) -> None:
        self.path, self.session = path, session

    def open(self) -> Workspace:
        return Workspace.open(self.path, list_id=_LIST)

    def claim(self) -> Got:
        made = self.open().edit([Claim()]).edit
        name = made.focus[0]
        return (name, made.after.tasks[name].claim) if name else None

    def finish(self, name: str) -> bool:
        self.open().edit([Transition(Verb.RELEASE, name)])
        return True

    def after(self, name: str) -> None:
        """Make it ready for the next race."""


class _Command(_Library):
    """A process for each command."""

    def claim(self) -> Got:
        done = self._run("claim", "--json")
        if done.returncode in (error.exit_code for error in _ANSWERS):
            return None
        assert done.returncode in (0, 1), done  # 1: nothing is ready
        task = json.loads(done.stdout)["task"]
        return (task["id"], task["claim"]) if task else None

    def finish(self, name: str) -> bool:
        return self._run("release", name).returncode == 0

    def _run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([GITTASKS, *words], cwd=self.path, capture_output=True, check=False)


class _Tool(_Library):
    """A server of tools; it completes what it got."""

    end = "done"

    def claim(self) -> Got:
        task = self._call("TaskClaim").get("task")
        return (task["id"], self.open().tasks[task["id"]].claim) if task else None

    def finish(self, name: str) -> bool:
        return bool(self._call("TaskUpdate", taskId=name, status="completed"))

    def after(self, name: str) -> None:
        self.open().edit([Transition(Verb.REOPEN, name)])

    def _call(self, tool: str, **given: str) -> dict[str, Any]:
        reply = answer(self.path, _LIST, tool, given)
        return {} if reply.is_error else dict(reply.structured_content or {})


class _Hook(_Tool):
    """A hook of git; a commit of code completes what was claimed, and a sync takes it along."""

    def claim(self) -> Got:
        return _Library.claim(self)

    def finish(self, name: str) -> bool:
        message = f"Work\n\nTask: {_LIST}/{name} done\n"
        command = ["git", "commit", "-q", "--allow-empty", "-m", message]
        subprocess.run(command, cwd=self.path, capture_output=True, check=True)
        while self.open().exchange(SyncOptions(fetch=True, push=True))[0].error:
            pass
        task = self.open().tasks[name]
        return (task.status, task.session) == (Status.COMPLETED, self.session)


WAYS: dict[str, Callable[[str, str], _Library]] = {
    "command": _Command,
    "library": _Library,
    "tool": _Tool,
    "hook": _Hook,
}


def race(claimers: Sequence[Claimer], folder: str, tries: int, seconds: float) -> Outcome:
    """Let all claim at once until so many tries were made, or the time is over."""
    spawn = multiprocessing.get_context("spawn")
    left, until = spawn.Value("i", tries), time.monotonic() + seconds
    for claimer in claimers:
        if claimer.way == "hook":
            claimer.repo.ok("hooks", "install", env={"PATH": on_path()})
    running = [
        spawn.Process(
            target=_work,
            args=(c.way, c.repo.path, c.session, folder, left, until, {**os.environ, **c.env}),
        )
        for c in claimers
    ]
    try:
        for process in running:
            process.start()
        for process in running:
            process.join(seconds + 300)
            assert process.exitcode == 0, process
    finally:
        for process in running:
            if process.is_alive():
                process.kill()
    events = [e for e in recorded(folder) if e.kind == "claim"]
    return Outcome(len(events), Counter(e.who for e in events if e.told == "ok"))


def _work(
    way: str, path: str, session: str, folder: str, left: Any, until: float, env: Mapping[str, str]
) -> None:
    os.environ.update(env, PATH=on_path(), GITTASKS_OWNER="agent", GITTASKS_SESSION=session)
    os.environ["GITTASKS_LIST"] = _LIST
    claimer, notes = WAYS[way](path, session), Recorder(folder, session)
    while time.monotonic() < until:
        with left.get_lock():
            if left.value <= 0:
                return
            left.value -= 1
        began = time.monotonic()
        try:
            got = claimer.claim()
        except _ANSWERS:
            got = None
        if got is None:
            notes.add("claim", "no", "", 0, began)
            continue
        notes.add("claim", "ok", *got, began)
        _end(claimer, got, notes)


def _end(claimer: _Library, got: tuple[str, int], notes: Recorder) -> None:
    """End a claim, again when others were always first: that is an answer, and nothing done."""
    ended = False
    while not ended:
        began = time.monotonic()
        try:
            ended = claimer.finish(got[0])
        except (Busy, NoRemote):
            continue
        except GittasksError:
            return
    notes.add(claimer.end, "ok", *got, began)
    claimer.after(got[0])
