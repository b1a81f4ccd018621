"""Many thousand contested claims by every way in and transport, and the history checked whole."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from support import claimers, clones, transports
from support.claim_history import faults, on_remote, recorded
from support.claimers import Claimer, Outcome
from support.repositories import Repo, git

CLAIMS = int(os.environ.get("GITTASKS_CLAIMS", "10000"))
SECONDS = float(os.environ.get("GITTASKS_CLAIM_SECONDS", "7200"))
TASKS = 3


def _plain(repo: Repo, hub: str) -> None:
    pass


def _push_default(repo: Repo, hub: str) -> None:
    """None is `origin`, and code goes to a fork."""
    repo.git("remote", "rename", "origin", "team")
    repo.git("remote", "add", "mine", f"{hub}-fork")
    repo.git("config", "remote.pushDefault", "mine")


def _fork_and_upstream(repo: Repo, hub: str) -> None:
    """Both hold the list; `branch.*.remote` says which decides."""
    repo.git("remote", "rename", "origin", "upstream")
    repo.git("remote", "add", "origin", f"{hub}-fork")
    repo.git("fetch", "-q", "origin")
    repo.git("config", "branch.gittasks/plan.remote", "upstream")


def _renamed(repo: Repo, hub: str) -> None:
    """The remote had another name when the list was adopted."""
    repo.ok("note", "t0", "adopted", "-q")
    repo.ok("sync", "-q")
    repo.git("remote", "add", "mine", f"{hub}-fork")
    repo.git("remote", "rename", "origin", "team")


def _re_pointed(repo: Repo, hub: str) -> None:
    """The list was adopted at an address from which the forge moved away."""
    repo.git("remote", "set-url", "origin", f"{hub}-old")
    repo.ok("note", "t0", "adopted elsewhere", "-q")
    repo.ok("sync", "-q")
    repo.git("remote", "set-url", "origin", hub)
    repo.ok("sync", "-q")


def _push_url(repo: Repo, hub: str) -> None:
    repo.git("remote", "set-url", "--push", "origin", f"{hub}-link")


def _two_push_urls(repo: Repo, hub: str) -> None:
    repo.git("remote", "set-url", "--push", "origin", hub)
    repo.git("remote", "set-url", "--add", "--push", "origin", f"{hub}-backup")


def _instead_of(repo: Repo, hub: str) -> None:
    """A URL that git rewrites, beside an upstream."""
    repo.git("config", f"url.{os.path.dirname(hub)}/.insteadOf", "team:")
    repo.git("remote", "set-url", "origin", f"team:{os.path.basename(hub)}")
    repo.git("remote", "add", "upstream", f"{hub}-fork")


def _mirror(repo: Repo, hub: str) -> None:
    repo.git("config", "remote.origin.mirror", "true")


GROUND: list[tuple[str, str, Callable[[Repo, str], None] | int, float]] = [
    ("library", "path", _plain, 1.0),
    ("command", "path", 0, 0.2),
    ("tool", "path", 0, 1.0),
    ("library", "path", _push_default, 1.0),
    ("tool", "path", _fork_and_upstream, 1.0),
    ("library", "path", _renamed, 1.0),
    ("tool", "path", _re_pointed, 1.0),
    ("hook", "path", _instead_of, 0.05),
    ("library", "path", _push_url, 0.02),
    ("command", "path", _two_push_urls, 0.02),
    ("tool", "ssh", _plain, 0.02),
    ("hook", "http", _plain, 0.02),
    ("command", "http", _mirror, 0.02),
]
"""Ways in, transports, how each clone reaches the one repository (or whose work tree it is), and
the part of all tries that it makes at most."""


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
        for repo, name, (way, transport, set_up, share) in zip(repos, names, GROUND, strict=True):
            env = {}
            if isinstance(set_up, int):
                repos[set_up].git("worktree", "add", "-q", "--detach", repo.path)
            elif transport in remotes:
                repo.git("remote", "set-url", "origin", remotes[transport].url)
                env = dict(remotes[transport].env)
            if not isinstance(set_up, int):
                set_up(repo, hub)
            racers.append(Claimer(repo, name, way, env, share, takes_over=way == "library"))
        began = time.monotonic()
        outcome = claimers.race(racers, str(events), CLAIMS, SECONDS)
    took = time.monotonic() - began
    told = faults(recorded(str(events)), on_remote(hub))
    print(_figures(outcome, len(racers), took, told, names))  # noqa: T201
    assert told == []
    often = [name for name, ground in zip(names, GROUND, strict=True) if ground[3] == 1]
    assert CLAIMS < 2000 or all(outcome.granted[name] for name in often), "none is always refused"
    assert git(f"{hub}-fork", "for-each-ref") == fork, "nothing goes to a fork"
    git(hub, "fsck", "--strict")


def _figures(
    outcome: Outcome, agents: int, seconds: float, told: Sequence[str], names: Sequence[str]
) -> str:
    each = ", ".join(
        f"{name.partition('-')[0]} by {transport} "
        f"({'work tree' if isinstance(set_up, int) else set_up.__name__[1:].replace('_', ' ')}) "
        f"{outcome.granted[name]}"
        for name, (_, transport, set_up, _) in zip(names, GROUND, strict=True)
    )
    return (
        f"\n{outcome.tries} contested claims by {agents} agents for {TASKS} tasks in "
        f"{seconds:.0f} s: {outcome.granted.total()} granted, {outcome.taken} of them by "
        f"take-over, {outcome.fenced} ends fenced, {len(told)} faults; {each}"
    )
