"""Many thousand contested claims by every way in and transport, and the history checked whole."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from support import claimers, clones, transports
from support.claim_history import faults, on_remote, recorded
from support.claimers import Claimer, Outcome
from support.repositories import Repo, git

CLAIMS = int(os.environ.get("GITTASKS_CLAIMS", "10000"))
SECONDS = float(os.environ.get("GITTASKS_CLAIM_SECONDS", "7200"))
TASKS = 4


def _plain(repo: Repo, hub: str, env: Mapping[str, str]) -> None:
    pass


def _push_default(repo: Repo, hub: str, env: Mapping[str, str]) -> None:
    """None is `origin`, and code goes to a fork."""
    repo.git("remote", "rename", "origin", "team")
    repo.git("remote", "add", "mine", f"{hub}-fork")
    repo.git("config", "remote.pushDefault", "mine")


def _fork_and_upstream(repo: Repo, hub: str, env: Mapping[str, str]) -> None:
    """Both hold the list; `branch.*.remote` says which decides."""
    repo.git("remote", "rename", "origin", "upstream")
    repo.git("remote", "add", "origin", f"{hub}-fork")
    repo.git("fetch", "-q", "origin")
    repo.git("config", "branch.gittasks/plan.remote", "upstream")


def _renamed(repo: Repo, hub: str, env: Mapping[str, str]) -> None:
    """The remote had another name when the list was adopted."""
    repo.ok("note", "t0", "adopted", "-q")
    repo.ok("sync", "-q", env=env)
    repo.git("remote", "add", "mine", f"{hub}-fork")
    repo.git("remote", "rename", "origin", "team")


def _re_pointed(repo: Repo, hub: str, env: Mapping[str, str]) -> None:
    """The list was adopted at an address from which the forge moved away."""
    repo.git("remote", "set-url", "origin", f"{hub}-old")
    repo.ok("note", "t0", "adopted elsewhere", "-q")
    repo.ok("sync", "-q")
    repo.git("remote", "set-url", "origin", hub)
    repo.ok("sync", "-q")


def _push_url(repo: Repo, hub: str, env: Mapping[str, str]) -> None:
    repo.git("remote", "set-url", "--push", "origin", f"{hub}-link")


def _two_push_urls(repo: Repo, hub: str, env: Mapping[str, str]) -> None:
    repo.git("remote", "set-url", "--push", "origin", hub)
    repo.git("remote", "set-url", "--add", "--push", "origin", f"{hub}-backup")


def _instead_of(repo: Repo, hub: str, env: Mapping[str, str]) -> None:
    """A URL that git rewrites, beside an upstream."""
    repo.git("config", f"url.{os.path.dirname(hub)}/.insteadOf", "team:")
    repo.git("remote", "set-url", "origin", f"team:{os.path.basename(hub)}")
    repo.git("remote", "add", "upstream", f"{hub}-fork")


def _mirror(repo: Repo, hub: str, env: Mapping[str, str]) -> None:
    repo.git("config", "remote.origin.mirror", "true")


GROUND: list[tuple[str, str, Callable[[Repo, str, Mapping[str, str]], None] | int]] = [
    ("library", "path", _plain),
    ("command", "path", 0),
    ("tool", "path", 0),
    ("library", "path", _push_default),
    ("tool", "path", _fork_and_upstream),
    ("library", "path", _renamed),
    ("tool", "path", _re_pointed),
    ("hook", "path", _instead_of),
    ("library", "path", _push_url),
    ("command", "path", _two_push_urls),
    ("command", "ssh", _push_default),
    ("tool", "ssh", _plain),
    ("hook", "ssh", _fork_and_upstream),
    ("command", "http", _mirror),
    ("tool", "http", _renamed),
    ("hook", "http", _plain),
]
"""Ways in, transports, and how each clone reaches the one repository (or whose work tree it is)."""


@pytest.mark.deep
def test_no_claim_is_granted_twice(tmp_path: Path) -> None:
    """More agents than tasks: whoever gets one is the only one who has it, by the hub's history."""
    names = [f"{way}-{n}" for n, (way, *_) in enumerate(GROUND)]
    clone_names = [n for n, g in zip(names, GROUND, strict=True) if not isinstance(g[2], int)]
    clones.share(str(tmp_path), *clone_names, tasks=[f"t{n}" for n in range(TASKS)])
    repos = [Repo(str(tmp_path / name)) for name in names]
    hub = repos[0].git("remote", "get-url", "origin")
    for copy in ("fork", "backup", "old"):
        git(str(tmp_path), "clone", "-q", "--bare", hub, f"{hub}-{copy}")
    os.symlink(hub, f"{hub}-link")
    fork = git(f"{hub}-fork", "for-each-ref")
    git(hub, "config", "http.receivepack", "true")
    events = tmp_path / "events"
    events.mkdir()
    with ExitStack() as stack:
        remotes = {t: stack.enter_context(transports.TRANSPORTS[t](hub)) for t in ("ssh", "http")}
        racers = []
        for repo, name, (way, transport, set_up) in zip(repos, names, GROUND, strict=True):
            env = {}
            if isinstance(set_up, int):
                repos[set_up].git("worktree", "add", "-q", "--detach", repo.path)
            else:
                if transport in remotes:
                    repo.git("remote", "set-url", "origin", remotes[transport].url)
                    env = dict(remotes[transport].env)
                set_up(repo, hub, env)
            racers.append(Claimer(repo, name, way, env, takes_over=way == "library"))
        began = time.monotonic()
        outcome = claimers.race(racers, str(events), CLAIMS, SECONDS)
    took = time.monotonic() - began
    told = faults(recorded(str(events)), on_remote(hub))
    print(_line(outcome, len(racers), took, told, names))  # noqa: T201
    assert told == []
    assert outcome.granted, "somebody is granted something"
    enough = outcome.tries.total() >= 2000
    assert not enough or all(outcome.granted[name] for name in names), "none is always refused"
    assert git(f"{hub}-fork", "for-each-ref") == fork, "nothing goes to a fork"
    git(hub, "fsck", "--strict")


_WAYS = {"library": "the library", "command": "commands", "tool": "tools", "hook": "hooks"}


def _line(
    outcome: Outcome, agents: int, seconds: float, told: Sequence[str], names: Sequence[str]
) -> str:
    """The figures as a line of the table in docs/claims.md, where they belong."""
    granted: dict[str, list[str]] = {}
    for name, (way, transport, set_up) in zip(names, GROUND, strict=True):
        where = "work tree" if isinstance(set_up, int) else set_up.__name__[1:].replace("_", " ")
        where += "" if transport == "path" else f" by {transport}"
        numbers = f"{where} {outcome.granted[name]} of {outcome.tries[name]}"
        granted.setdefault(_WAYS[way], []).append(numbers)
    each = "; ".join(f"{way}: {', '.join(numbers)}" for way, numbers in granted.items())
    trees = sum(isinstance(set_up, int) for *_, set_up in GROUND)
    return (
        f"\n| contested claims by commands, tools, the library and hooks at once, over a path, ssh "
        f"and http to one repository, {agents} agents in {agents - trees} clones and {trees} work "
        f"trees for {TASKS} tasks, {time.strftime('%Y-%m-%d')} | {outcome.tries.total():,} tries "
        f"in {seconds:,.0f} s, {outcome.granted.total():,} granted, {outcome.taken} of them by "
        f"take-over, {outcome.fenced} ends fenced after that, {len(told)} faults. Granted of "
        f"tried: {each} |"
    )
