"""Long runs of clones that share one hub: the figures that docs/reliability.md states."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest
from hypothesis import settings
from support import clones, machine
from support.clones import automatic, on_hub, tasks
from support.figures import Fault, record
from support.repositories import Repo, Workspace

from gittasks.core.operations import AddNote, Claim, Create, Update
from gittasks.errors import Busy
from gittasks.sync import SyncOptions

pytestmark = pytest.mark.deep

WRITES = int(os.environ.get("GITTASKS_WRITES", "300"))
MACHINES = int(os.environ.get("GITTASKS_MACHINES", "200"))


def figures(text: str) -> None:
    """Show what was measured; `make deep` prints it."""
    print(text)  # noqa: T201


def assert_one_list(repos: list[Repo]) -> None:
    """One head everywhere, on the hub too; it says the same without caches; git finds no fault."""
    expected = clones.told(repos[0])
    for repo in repos:
        assert repo.head() == on_hub(repo)
        assert clones.told(repo) == expected
        repo.remove("gittasks", "cache")
        assert clones.told(repo) == expected
        repo.fsck()
    Repo(repos[0].git("remote", "get-url", "origin")).fsck()


def settled(repos: list[Repo]) -> int:
    """Sync all in turn until nothing changes; how often that took."""
    before: list[str] = []
    for turn in range(4):
        for repo in repos:
            assert repo.sync().error is None
        heads = [repo.head() for repo in repos]
        if heads == before:
            return turn
        before = heads
    raise AssertionError(before)


def test_ten_clones_end_with_one_head(tmp_path: Path) -> None:
    """300 writes, shared in any order through one hub: all are there, and merges are few."""
    rng, began = Random(10), time.monotonic()
    repos = clones.share(str(tmp_path), *(f"c{n}" for n in range(10)))
    noted: list[str] = []
    last: dict[int, str] = {}
    for n in range(300):
        who = rng.randrange(10)
        repo = repos[who]
        if rng.random() < 0.3:
            repo.edit(Create(f"Own {n}", id=f"own-{n}"), at=n)
        if rng.random() < 0.5:
            noted.append(f"note {n}")
            repo.edit(AddNote("a", f"note {n}"), at=n)
        else:
            last[who] = f"{who} at {n}"
            repo.edit(Update("b", metadata={f"of {who}": last[who]}, result=last[who]), at=n)
        if rng.random() < 0.3:
            repos[rng.randrange(10)].git("fetch", "-q")
        if rng.random() < 0.5:
            assert repos[rng.randrange(10)].sync().error is None
    rounds = settled(repos)
    took = time.monotonic() - began
    shown = tasks(repos[0])
    assert [n.text for n in shown["a"].notes] == noted
    assert shown["b"].metadata == {f"of {who}": value for who, value in last.items()}
    assert shown["b"].result in last.values()
    assert_one_list(repos)
    merges, commits = automatic(repos[0]), repos[0].count()
    assert 2 * merges <= commits
    assert rounds <= 2
    figures(
        f"\n10 clones, 300 writes in {took:.0f} s: {commits} commits, {merges} of them automatic, "
        f"one head after {rounds} rounds"
    )


def peers(folder: str, count: int) -> list[Repo]:
    """Working clones without a hub, each with all the others as remotes."""
    repos = clones.share(folder, *(f"p{n}" for n in range(count)))
    for repo in repos:
        repo.workspace().init("plan", None)
        repo.git("remote", "remove", "origin")
        for n, other in enumerate(repos):
            if other is not repo:
                repo.git("remote", "add", f"p{n}", other.path)
    return repos


def test_ten_peers_that_gossip_end_with_one_head(tmp_path: Path) -> None:
    """Writes that random pairs of working clones exchange: none fails, and all settle."""
    rng, began = Random(12), time.monotonic()
    repos = peers(str(tmp_path), 10)
    failures: list[str] = []
    noted: list[str] = []

    def meet(who: int) -> None:
        other = rng.choice([n for n in range(10) if n != who])
        wish = SyncOptions(fetch=True, push=True)
        (done,) = repos[who].workspace("plan").exchange(wish, f"p{other}")
        failures.extend([] if done.error is None else [done.error.message])

    for n in range(WRITES):
        who = rng.randrange(10)
        if rng.random() < 0.5:
            noted.append(f"note {n}")
            repos[who].edit(AddNote("a", noted[-1]), at=n)
        else:
            repos[who].edit(Update("b", metadata={f"of {who}": n}), at=n)
        if rng.random() < 0.5:
            meet(rng.randrange(10))
    rounds = 0
    while len({repo.head() for repo in repos}) > 1:
        rounds += 1
        assert rounds <= 20, {repo.head() for repo in repos}
        for who in rng.sample(range(10), 10):
            meet(who)
    took = time.monotonic() - began
    assert failures == []
    expected = clones.told(repos[0])
    assert all(clones.told(repo)[1:5] == expected[1:5] for repo in repos)
    assert [note.text for note in tasks(repos[0])["a"].notes] == noted
    commits, merges = repos[0].count(), automatic(repos[0])
    figures(
        f"\n10 peers in random pairs, {WRITES} writes in {took:.0f} s: {commits} commits, {merges} "
        f"of them automatic, 0 failures, one head after {rounds} rounds"
    )


def _keep_moving(hub: str, pause: float) -> None:
    """Write to the list of a hub until this process is ended."""
    workspace = Workspace.open(hub, list_id="plan")
    for number in range(10**6):
        workspace.edit([Update("b", result=f"{number}")])
        time.sleep(pause)


def test_an_unsent_change_gets_in_beside_a_remote_that_moves_all_the_time(tmp_path: Path) -> None:
    """However far back the clone is: a sync, then a claim, within a few rounds."""
    (bob,) = clones.share(str(tmp_path), "bob")
    hub = Workspace.open(bob.git("remote", "get-url", "origin"), list_id="plan")
    for number in range(WRITES):
        hub.edit([Update("c", result=f"{number}")])
    mover = multiprocessing.Process(target=_keep_moving, args=(str(hub.repository.common), 0.5))
    mover.start()
    try:
        began = time.monotonic()
        bob.edit(AddNote("a", "not sent yet"))
        result = bob.sync()
        assert not result.error
        synced = time.monotonic()
        bob.edit(AddNote("a", "nor this"))
        assert bob.workspace("plan").edit([Claim("a")]).commit
        claimed = time.monotonic()
    finally:
        mover.terminate()
        mover.join()
    figures(
        f"\none clone, {WRITES} commits back, beside a writer: sync in {result.rounds} rounds and "
        f"{synced - began:.1f} s, claim in {claimed - synced:.1f} s"
    )


def test_a_thousand_commits_apart(tmp_path: Path) -> None:
    """Two clones that did not meet for 500 commits each: all of both, and only what competed is
    a conflict."""
    ada, bob = clones.share(str(tmp_path), "ada", "bob", tasks=[f"t{n}" for n in range(50)])
    bob.git("branch", "-q", "gittasks/plan", "origin/gittasks/plan")
    for n in range(500):
        for at, (who, repo) in enumerate((("Ada", ada), ("Bob", bob))):
            moment = 1893456000 + 60 * (2 * n + at)
            workspace = repo.workspace("plan", GIT_AUTHOR_DATE=f"{moment} +0000")
            if n % 2:
                workspace.edit([AddNote(f"t{n % 50}", f"{who} {n}")])
            else:
                field = {"phase": f"{who} {n}"} if n % 20 == 0 else {"metadata": {who: n}}
                workspace.edit([Update(f"t{n % 50}", **field)])
    began = time.monotonic()
    clones.settle(ada, bob)
    figures(f"\n1,000 commits apart: settled in {time.monotonic() - began:.1f} s")
    for task_id, task in tasks(ada).items():
        own = [n for n in range(500) if n % 50 == int(task_id[1:])]
        noted = [f"{who} {n}" for n in own if n % 2 for who in ("Ada", "Bob")]
        assert [note.text for note in task.notes] == noted
        values = [n for n in own if n % 2 == 0 and n % 20]
        assert task.metadata == ({"Ada": values[-1], "Bob": values[-1]} if values else {})
        phases = [n for n in own if n % 20 == 0]
        assert task.phase == (f"Bob {phases[-1]}" if phases else None)
    competed = {(c.task, c.field, c.losers[0].side.value) for c in ada.workspace().conflicts()}
    assert competed == {(f"t{n % 50}", "phase", f"Ada {n}") for n in range(400, 500, 20)}
    assert automatic(ada) == 1
    assert_one_list([ada, bob])


def resident_sharer(path: str, who: int, turns: int, env: Mapping[str, str]) -> tuple[int, int]:
    """One process that writes and syncs in turn; how often others were always first, and rounds."""
    beaten = rounds = 0
    for turn in range(turns):
        workspace = Workspace.open(path, list_id="plan", env=env)
        assert workspace.edit([AddNote("a", f"w{who}-{turn}")]).commit
        assert workspace.edit([Update(f"own{who}", result=f"w{who}-{turn}")]).commit
        done = workspace.exchange(SyncOptions(True, True))[0]
        assert done.error is None or isinstance(done.error, Busy), done.error
        beaten += done.error is not None
        rounds += done.rounds
    return beaten, rounds


@pytest.mark.parametrize(("writers", "places", "turns"), [(8, 4, 25), (20, 20, 20)])
def test_processes_in_clones_sync_at_once(
    tmp_path: Path, writers: int, places: int, turns: int
) -> None:
    """All write and sync without a pause: what was acknowledged is in the list, once."""
    names = [f"own{w}" for w in range(writers)]
    repos = clones.share(str(tmp_path), *(f"c{n}" for n in range(places)), tasks=["a", *names])
    began = time.monotonic()
    jobs = [(repos[w % places].path, w, turns, dict(os.environ)) for w in range(writers)]
    with multiprocessing.get_context("spawn").Pool(writers) as pool:
        told = pool.starmap(resident_sharer, jobs, chunksize=1)
    took = time.monotonic() - began
    settled(repos)
    shown = tasks(repos[0])
    texts = [note.text for note in shown["a"].notes]
    assert sorted(texts) == sorted(f"w{w}-{turn}" for w in range(writers) for turn in range(turns))
    assert [shown[name].result for name in names] == [f"w{w}-{turns - 1}" for w in range(writers)]
    assert repos[0].workspace("plan").conflicts() == []
    assert_one_list(repos)
    merges, commits = automatic(repos[0]), repos[0].count()
    assert commits - merges == 2 + 2 * writers * turns, "one commit for each acknowledged change"
    beaten, rounds = (sum(numbers) for numbers in zip(*told, strict=True))
    how = f"{turns} syncs and {2 * turns} changes each, {rounds} rounds, {beaten} syncs beaten"
    result = f"one head, each change in it once, {merges} automatic merges; {took:.0f} s"
    rows: dict[int, Fault] = {
        4: "8 processes in 4 clones that sync at once",
        20: "20 processes in 20 clones that sync at once",
    }
    record(rows[places], how, writers * turns, result)


@pytest.mark.parametrize("kind", [machine.Clones, machine.Peers])
def test_whatever_happens_all_clones_agree(tmp_path: Path, kind: type[machine.Clones]) -> None:
    """The machines of tests/sync with many examples, other ones in each run."""
    began = time.monotonic()
    how = settings(max_examples=MACHINES, stateful_step_count=30, derandomize=False)
    machine.run(str(tmp_path), how, kind)
    took = time.monotonic() - began
    figures(f"\n{kind.__name__}: {MACHINES} machines of 30 steps in {took:.0f} s")
