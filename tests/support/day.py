"""A day of a user, with every command in it: two clones of one hub that share a list."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from support.repositories import GITTASKS, Repo, git

__all__ = ["COMMANDS", "Day"]


class _Step(NamedTuple):
    """A command of the day: its arguments, who runs it, and what it reads."""

    args: str
    who: str = "ann"
    code: int = 0
    stdin: str = ""
    env: Mapping[str, str] = MappingProxyType({})


_SESSION = {"GITTASKS_SESSION": "s1"}
_PLAN = "title: A day\ntasks:\n  - id: plan\n    subject: 'PHASE 1: Plan'\n"
_TASKS = "".join(
    json.dumps({"op": "create", "id": name, "subject": name.capitalize()}) + "\n"
    for name in ("read", "write", "send", "wait", "old")
)
_HELLO = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "x", "version": "1"},
        },
    }
)
_EVENT = json.dumps({"hook_event_name": "SessionStart", "session_id": "s1", "source": "startup"})
_MORNING = [
    _Step("init day --title Day"),
    _Step("apply -", stdin=_PLAN),
    _Step("batch", stdin=_TASKS),
    _Step("create Later --id later --priority 3"),
    _Step("update later --add-tag slow --add-blocked-by send"),
    _Step("note later Perhaps"),
    _Step("lists"),
    _Step("use day"),
    _Step("config parallel true"),
    _Step("hooks install"),
    _Step("push"),
    _Step("pull", "bob"),
    _Step("hooks install", "bob"),
    _Step("list", "bob"),
    _Step("ready", "bob"),
    _Step("prime", "bob"),
    _Step("claim read --lease 60", "bob", env=_SESSION),
    _Step("heartbeat read", "bob", env=_SESSION),
    _Step("claim read", code=5, env={"GITTASKS_SESSION": "s2"}),
    _Step("start write"),
    _Step("done write --result PASS"),
    _Step("reopen write"),
    _Step("skip write"),
    _Step("start wait"),
    _Step("release wait"),
    _Step("delete old"),
    _Step("restore old"),
    _Step("undo"),
    _Step("redo"),
    _Step("run plan -- true"),
    _Step("done read", "bob", env=_SESSION),
]
_EVENING = [
    _Step("update send --priority 1", "bob"),
    _Step("update send --priority 0"),
    _Step("sync"),
    _Step("sync", "bob"),
    _Step("sync"),
    _Step("conflicts", code=1),
    _Step("conflicts --keep"),
    _Step("show send"),
    _Step("status"),
    _Step("log"),
    _Step("list --at 1h"),
    _Step("graph"),
    _Step("lint", code=1),
    _Step("insights"),
    _Step("report --output report.html"),
    _Step("watch --once"),
    _Step("template"),
    _Step("claude export day"),
    _Step("claude import day"),
    _Step("claude install"),
    _Step("claude status"),
    _Step("claude hook", stdin=_EVENT),
    _Step("claude uninstall"),
    _Step("mcp", stdin=_HELLO + "\n"),
    _Step("completion bash"),
    _Step("help claim"),
    _Step("hooks status"),
    _Step("hooks catch-up"),
    _Step("doctor"),
    _Step("init other"),
    _Step("sync --all"),
    _Step("archive day"),
    _Step("unarchive day"),
    _Step("drop other"),
    _Step("lists --all"),
    _Step("sync --all"),
    _Step("hooks uninstall"),
    _Step("deinit --unshared"),
]
_BY_GIT = ("hook", "merge-driver", "serve", "export", "import", "lists restore")


def _name(args: str) -> str:
    """The command that arguments begin with, and the one of its group."""
    name, *rest = args.split()
    grouped = name in ("hooks", "claude") or rest[:1] == ["restore"]
    return f"{name} {rest[0]}" if grouped else name


COMMANDS = tuple(dict.fromkeys([*(_name(step.args) for step in [*_MORNING, *_EVENING]), *_BY_GIT]))
"""All that a day runs."""


class Day:
    """The clones of a day; `answers` are those that were not as they should be."""

    def __init__(self, folder: str) -> None:
        self.hub = os.path.join(folder, "hub.git")
        git(folder, "init", "-q", "--bare", self.hub)
        self.ann = Repo.create(os.path.join(folder, "ann"))
        self.ann.git("remote", "add", "origin", self.hub)
        self.ann.git("push", "-q", "-u", "origin", "main")
        git(folder, "clone", "-q", self.hub, "bob")
        self.bob = Repo(os.path.join(folder, "bob"))
        self.bob.git("config", "user.name", "Bob")
        self.wrong: dict[str, str] = {}
        """By the name of a command what it answered instead."""

    def run(self) -> None:
        """Live through it."""
        self._take(_MORNING)
        self._by_git()
        self._take(_EVENING)
        for repo in (self.ann, self.bob):
            repo.fsck()

    def _take(self, steps: list[_Step]) -> None:
        for step in steps:
            repo = self.ann if step.who == "ann" else self.bob
            done = repo.run(*step.args.split(), env=step.env, stdin=step.stdin, offers=False)
            if done.code != step.code:
                self.wrong.setdefault(_name(step.args), f"{step.args}: {done}")

    def _by_git(self) -> None:
        """What git and browsers call, and what takes an answer of another command."""
        ann, bob = self.ann, self.bob
        ann.git("commit", "-q", "--allow-empty", "-m", "x\n\nTask: wait completed")
        self._expect("hook", ann.tasks()["wait"]["status"] == "completed")
        ann.git("push", "-q", "origin", "main")
        folder = os.path.join(os.path.dirname(ann.path), "files")
        bob.ok("note", "send", "of Bob")
        bob.git("worktree", "add", "-q", folder, "gittasks/day")
        git(folder, "pull", "-q", "--no-rebase", "--no-edit", "origin", "gittasks/day")
        status = bob.tasks()["wait"]["status"]
        self._expect(
            "merge-driver", (status, len(bob.tasks()["send"]["notes"])) == ("completed", 1)
        )
        bob.git("worktree", "remove", folder)
        export = ann.run("export", offers=False)
        self._expect("export", export.code == 0)
        self._expect("import", ann.run("import", "-", stdin=export.out, offers=False).code == 0)
        ann.git("branch", "-qD", "gittasks/day")
        restored = ann.run("lists", "restore", "day", offers=False)
        self._expect("lists restore", restored.code == 0 and "wait" in ann.tasks())
        self._expect("serve", self._serves())

    def _serves(self) -> bool:
        with subprocess.Popen(
            [GITTASKS, "serve", "--json", "--port", "0"],
            cwd=self.ann.path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as server:
            try:
                assert server.stdout
                url = json.loads(server.stdout.readline())["url"]
                with urllib.request.urlopen(url, timeout=30) as page:  # noqa: S310  our own server
                    return b"Wait" in page.read()
            finally:
                server.send_signal(signal.SIGINT)

    def _expect(self, name: str, holds: bool) -> None:
        if not holds:
            self.wrong.setdefault(name, "it did not do what it should")
