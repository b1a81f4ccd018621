"""Many thousand contested claims in clones of one hub, and the history checked as a whole."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from support import clones
from support.claim_history import Recorder, faults, on_remote, recorded
from support.repositories import Repo

from gittasks.core.operations import Claim, Transition, Verb
from gittasks.errors import Busy, Refused
from gittasks.workspace import Workspace

CLAIMS = int(os.environ.get("GITTASKS_CLAIMS", "10000"))
AGENTS = 4
TASKS = 2


def claimer(path: str, folder: str, who: str, turns: int, env: Mapping[str, str]) -> int:
    """Claim what is ready and give it back, so often; how often there was something to get."""
    notes, got = Recorder(folder, who), 0
    mine = {**env, "GITTASKS_OWNER": "agent", "GITTASKS_SESSION": who}
    for _ in range(turns):
        workspace = Workspace.open(path, list_id="plan", env=mine)
        began = time.monotonic()
        try:
            made = workspace.edit([Claim()])
        except (Refused, Busy):
            notes.add("claim", "no", "", 0, began)
            continue
        name = made.edit.focus[0]
        if not name:
            notes.add("claim", "no", "", 0, began)
            continue
        number, got = made.edit.after.tasks[name].claim, got + 1
        notes.add("claim", "ok", name, number, began)
        began = time.monotonic()
        give_back(workspace, name)
        notes.add("release", "ok", name, number, began)
    return got


def give_back(workspace: Workspace, name: str) -> None:
    """Release a task, again when others were always first: that is an answer, and nothing done."""
    while True:
        try:
            workspace.edit([Transition(Verb.RELEASE, name)])
        except Busy:
            continue
        return


def set_up_differently(repos: list[Repo], hub: str) -> None:
    """Let each clone reach the hub in a way of its own; all but the first have more than one."""
    fork = f"{hub}-fork"
    repos[0].git("clone", "-q", "--bare", hub, fork)
    _, forked, pushing, renamed = repos
    forked.git("remote", "rename", "origin", "team")  # none is `origin`, and pushes go to the fork
    forked.git("remote", "add", "mine", fork)
    forked.git("config", "remote.pushDefault", "mine")
    pushing.git("remote", "set-url", "--push", "origin", f"file://{hub}")
    renamed.git("config", f"url.{os.path.dirname(hub)}/.insteadOf", "team:")
    renamed.git("remote", "set-url", "origin", f"team:{os.path.basename(hub)}")
    renamed.git("remote", "add", "upstream", fork)


@pytest.mark.deep
def test_no_claim_is_granted_twice(tmp_path: Path) -> None:
    """More agents than tasks: whoever gets one is the only one who has it, by the hub's history.

    The clones reach the hub in four ways: a plain remote, one of another name beside a fork,
    another URL for pushes, and a URL that git rewrites beside an upstream.
    """
    names = [f"s{n}" for n in range(AGENTS)]
    repos = clones.share(str(tmp_path), *names, tasks=[f"t{n}" for n in range(TASKS)])
    hub = repos[0].git("remote", "get-url", "origin")
    set_up_differently(repos, hub)
    events = tmp_path / "events"
    events.mkdir()
    began = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(AGENTS) as pool:
        work = [
            (repo.path, str(events), name, CLAIMS // AGENTS, dict(os.environ))
            for repo, name in zip(repos, names, strict=True)
        ]
        got = pool.starmap(claimer, work)
    took = time.monotonic() - began
    told = faults(recorded(str(events)), on_remote(hub))
    print(  # noqa: T201
        f"\n{CLAIMS} contested claims by {AGENTS} agents for {TASKS} tasks in {took:.0f} s: "
        f"{sum(got)} granted, {len(told)} faults"
    )
    assert told == []
    for repo in repos:
        assert not repo.sync().error
    assert len({clones.on_hub(repos[0]), *(repo.head() for repo in repos[-1:])}) == 1
