"""Many thousand contested claims by every way in and transport, and the history checked whole."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from support import claimers, clones, transports
from support.claim_history import faults, on_remote, recorded
from support.claimers import Claimer
from support.repositories import Repo, git

CLAIMS = int(os.environ.get("GITTASKS_CLAIMS", "10000"))
SECONDS = float(os.environ.get("GITTASKS_CLAIM_SECONDS", "7200"))
TASKS = 3


def _beside_a_fork(repo: Repo, hub: str) -> None:
    """None is `origin`, and code goes to the fork."""
    repo.git("remote", "rename", "origin", "team")
    repo.git("remote", "add", "mine", f"{hub}-fork")
    repo.git("config", "remote.pushDefault", "mine")


def _push_url(repo: Repo, hub: str) -> None:
    repo.git("remote", "set-url", "--push", "origin", f"file://{hub}")


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


def _plain(repo: Repo, hub: str) -> None:
    pass


GROUND: list[tuple[str, str, Callable[[Repo, str], None]]] = [
    ("command", "path", _plain),
    ("tool", "ssh", _plain),
    ("hook", "http", _plain),
    ("library", "path", _beside_a_fork),
    ("library", "path", _push_url),
    ("tool", "path", _two_push_urls),
    ("hook", "path", _instead_of),
    ("command", "http", _mirror),
]
"""Ways in, transports, and how each clone reaches the one repository."""


@pytest.mark.deep
def test_no_claim_is_granted_twice(tmp_path: Path) -> None:
    """More agents than tasks: whoever gets one is the only one who has it, by the hub's history."""
    names = [f"s{n}" for n in range(len(GROUND))]
    repos = clones.share(str(tmp_path), *names, tasks=[f"t{n}" for n in range(TASKS)])
    hub = repos[0].git("remote", "get-url", "origin")
    for copy in ("fork", "backup"):
        git(str(tmp_path), "clone", "-q", "--bare", hub, f"{hub}-{copy}")
    fork = git(f"{hub}-fork", "for-each-ref")
    git(hub, "config", "http.receivepack", "true")
    events = tmp_path / "events"
    events.mkdir()
    began = time.monotonic()
    with ExitStack() as stack:
        remotes = {t: stack.enter_context(transports.TRANSPORTS[t](hub)) for t in ("ssh", "http")}
        racers = []
        for repo, name, (way, transport, set_up) in zip(repos, names, GROUND, strict=True):
            env = {}
            if transport in remotes:
                repo.git("remote", "set-url", "origin", remotes[transport].url)
                env = dict(remotes[transport].env)
            set_up(repo, hub)
            racers.append(Claimer(repo, name, way, env))
        outcome = claimers.race(racers, str(events), CLAIMS, SECONDS)
    took = time.monotonic() - began
    told = faults(recorded(str(events)), on_remote(hub))
    print(  # noqa: T201
        f"\n{outcome.tries} contested claims by {len(racers)} agents for {TASKS} tasks in "
        f"{took:.0f} s: {outcome.granted.total()} granted, {len(told)} faults; "
        + ", ".join(
            f"{way} by {transport}{set_up.__name__.replace('_plain', '').replace('_', ' ')} "
            f"{outcome.granted[name]}"
            for name, (way, transport, set_up) in zip(names, GROUND, strict=True)
        )
    )
    assert told == []
    assert git(f"{hub}-fork", "for-each-ref") == fork, "nothing goes to a fork"
    git(hub, "fsck", "--strict")
