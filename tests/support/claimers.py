"""Claimers of every kind for one list: commands, tools of a server, the library, and a hook of git.

Each is a process that stays, in a clone or a work tree of its own, until a number of tries is used
up by all together, and writes down what it was told. Commands, and those that hooks run, are forked
from one process that has imported the program.
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
from support.launcher import unsynced
from support.repositories import FRESH, Repo, on_path

_LIST = "plan"


class Claimer(NamedTuple):
    """A claimer: its clone, its session, and the way in that it takes."""

    repo: Repo
    session: str
    way: str
    env: Mapping[str, str] = {}
    """What its git needs to reach the remote."""
    takes_over: bool = False
    """Takes a task by force, now and then, when there is none to be had."""


class Outcome(NamedTuple):
    """The end of a race: tasks that were taken over, ends that were refused after that, and, by
    session, the tries and what was granted."""

    taken: int
    fenced: int
    tries: Counter[str]
    granted: Counter[str]


_ANSWERS = (Refused, Busy, NoRemote)
"""How a claim may be refused; whatever else comes is a fault."""
Got = tuple[str, int] | None
"""A task that was claimed, and the number of its claim."""


_FENCED = ("library", "command")
"""Ways that end a claim by asking the remote, so that the end of a lost one is refused."""
_SHARE = 1.25
"""How many times its even share of all tries a claimer makes at most: the quick ones wait for
those whose tries take long, which would hardly ever be first else."""
_SELDOM = 8
"""One try in so many that found nothing takes a task over."""


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
        """End a claim; False when it is to be tried again. Refused when somebody took it over."""
        self.open().edit([Transition(Verb.RELEASE, name)])
        return True

    def after(self, name: str) -> None:
        """Make it ready for the next race."""

    def take_over(self) -> Got:
        """Take a task by force from one whose end is fenced then."""
        workspace = self.open()
        for task in workspace.tasks.values():
            if task.session != self.session and (task.session or "").startswith(_FENCED):
                claim = Claim(task.id, take_over=True)
                after = workspace.edit([claim], force=True, parallel=True).edit.after
                return task.id, after.tasks[task.id].claim
        return None


class _Command(_Library):
    """A process for each command, forked."""

    def claim(self) -> Got:
        done = self._run("claim", "--json")
        if done.returncode in (error.exit_code for error in _ANSWERS):
            return None
        assert done.returncode in (0, 1), done  # 1: nothing is ready
        task = json.loads(done.stdout)["task"]
        return (task["id"], task["claim"]) if task else None

    def finish(self, name: str) -> bool:
        done = self._run("release", name)
        if done.returncode == Refused.exit_code:
            raise Refused("lost-lease", done.stderr.decode())
        return done.returncode == 0

    def _run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["gittasks", *words], cwd=self.path, capture_output=True, check=False)


class _Tool(_Library):
    """A server of tools; it completes what it got."""

    end = "done"

    def claim(self) -> Got:
        task = self._call("TaskClaim").get("task")
        return (task["id"], self.open().tasks[task["id"]].claim) if task else None

    def finish(self, name: str) -> bool:
        if self._call("TaskUpdate", taskId=name, status="completed"):
            return True
        if self.open().tasks[name].session != self.session:  # taken over a moment after it was got
            raise Refused("lost-lease", name)
        return False

    def after(self, name: str) -> None:
        self.open().edit([Transition(Verb.REOPEN, name)])
        self.open().exchange(SyncOptions(fetch=False, push=True))

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


class _Count:
    """The tries that are left to all, what each may make of them, and the end of their time."""

    def __init__(self, left: Any, tries: int, share: float, until: float) -> None:
        self._left, self._tries, self._share, self._until = left, tries, share, until

    def spend(self, own: int) -> bool | None:
        """Use one up; None when none are left, False when it is not this claimer's turn."""
        if time.monotonic() > self._until:
            return None
        with self._left.get_lock():
            if self._left.value <= 0:
                return None
            if own > 1 + self._share * (self._tries - self._left.value):
                return False
            self._left.value -= 1
            return True


def race(claimers: Sequence[Claimer], folder: str, tries: int, seconds: float) -> Outcome:
    """Let all claim at once until so many tries were made, or the time is over."""
    spawn = multiprocessing.get_context("spawn")
    env = {**os.environ, "PATH": on_path()}
    for claimer in claimers:
        if claimer.way == "hook":
            claimer.repo.ok("hooks", "install", env={"PATH": env["PATH"]})
    share = _SHARE / len(claimers)
    count = _Count(spawn.Value("i", tries), tries, share, time.monotonic() + seconds)
    running = [
        spawn.Process(target=_work, args=(c, folder, count, {**env, **c.env})) for c in claimers
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
    events = recorded(folder)
    asked = [e for e in events if e.kind in ("claim", "take-over")]
    return Outcome(
        sum(e.kind == "take-over" for e in asked if e.told == "ok"),
        sum(e.told == "no" for e in events if e.kind not in ("claim", "take-over")),
        Counter(e.who for e in asked),
        Counter(e.who for e in asked if e.told == "ok"),
    )


def _work(claimer: Claimer, folder: str, count: _Count, env: Mapping[str, str]) -> None:
    session = claimer.session
    os.environ.update(env, GITTASKS_OWNER="agent", GITTASKS_SESSION=session, GITTASKS_LIST=_LIST)
    if not FRESH:
        os.fsync = unsynced  # type: ignore[assignment]  # as in the tests themselves
    way, notes = WAYS[claimer.way](claimer.repo.path, session), Recorder(folder, session)
    own = idle = 0
    while (turn := count.spend(own)) is not None:
        if not turn:
            time.sleep(0.2)
            continue
        own += 1
        takes = claimer.takes_over and idle % _SELDOM == _SELDOM - 1
        kind, ask = ("take-over", way.take_over) if takes else ("claim", way.claim)
        began = time.monotonic()
        try:
            got = ask()
        except _ANSWERS:
            got = None
        idle = 0 if got else idle + 1
        if got is None:
            notes.add(kind, "no", "", 0, began)
            continue
        notes.add(kind, "ok", *got, began)
        _end(way, got, notes)


def _end(way: _Library, got: tuple[str, int], notes: Recorder) -> None:
    """End a claim, again when others were always first: that is an answer, and nothing done."""
    began, ended = time.monotonic(), False
    while not ended:
        try:
            ended = way.finish(got[0])
        except (Busy, NoRemote):
            continue
        except GittasksError:
            notes.add(way.end, "no", *got, began)
            return
    notes.add(way.end, "ok", *got, began)
    way.after(got[0])
