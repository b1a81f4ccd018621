"""A task is never two people's: what the remote decides, and what becomes of who comes second."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from support import transports
from support.repositories import Repo, Result, git
from support.templates import copied

from gittasks.core.operations import Claim, Create, Operation, Transition, Verb
from gittasks.errors import Refused
from gittasks.store import leases, lock_files, remotes
from gittasks.store.leases import Lease
from gittasks.store.objects import NewObject, ObjectFormat
from gittasks.store.remotes import PushOutcome
from gittasks.workspace import claims

Run = Callable[..., Result]


def _as(repo: Repo, name: str, session: str | None = None) -> Run:
    env = {"GITTASKS_OWNER": name, "GITTASKS_LIST": "plan"}
    if session:
        env["GITTASKS_SESSION"] = session

    def run(*args: str) -> Result:
        return repo.run(*args, env=env)

    return run


@pytest.fixture
def clones(tmp_path: object) -> tuple[Repo, Repo]:
    """Two clones of one hub that both know the list `plan` with the tasks a, b and c."""
    copied("clones by hand", _clone, str(tmp_path))
    return Repo(os.path.join(str(tmp_path), "ann")), Repo(os.path.join(str(tmp_path), "bob"))


def _clone(folder: str) -> None:
    git(folder, "init", "-q", "--bare", "hub.git")
    ann = Repo.listed(os.path.join(folder, "ann"), "a", "b", "c")
    ann.git("remote", "add", "origin", os.path.join(folder, "hub.git"))
    ann.git("push", "-q", "origin", "main")
    ann.ok("sync")
    git(folder, "clone", "-q", os.path.join(folder, "hub.git"), "bob")


def test_the_remote_decides_and_the_loser_is_told_who_has_it(clones: tuple[Repo, Repo]) -> None:
    """Of two clones one gets a task; the other is refused with 5, or takes the next one."""
    ann, bob = _as(clones[0], "ann", "s1"), _as(clones[1], "bob", "s2")
    assert ann("claim", "a").code == 0
    refused = bob("claim", "a", "--json")
    assert refused.code == 5
    assert refused.json()["error"]["owner"] == "ann"
    taken = bob("claim", "--json").json()
    assert (taken["task"]["id"], taken["task"]["claim"], taken["remote"]) == ("b", 1, "origin")


def test_clones_at_the_same_moment_get_a_task_each(clones: tuple[Repo, Repo]) -> None:
    """Racers for the next task never get the same one, and who finds none is told with 1."""
    processes: list[subprocess.Popen[bytes]] = []
    for n in range(4):
        env = {"GITTASKS_OWNER": f"o{n}", "GITTASKS_SESSION": f"s{n}", "GITTASKS_LIST": "plan"}
        processes.append(clones[n % 2].start("claim", "-q", env=env))
    told = [(p.communicate(timeout=60)[0].decode().strip(), p.returncode) for p in processes]
    assert sorted(name for name, code in told if code == 0) == ["a", "b", "c"]
    assert sorted(code for _, code in told) == [0, 0, 0, 1]


def test_the_same_session_may_ask_again_and_another_run_may_not(
    clones: tuple[Repo, Repo],
) -> None:
    """A session that lost its answer gets the same one; without a session nobody is the same."""
    ann = _as(clones[0], "ann", "s1")
    first, again = ann("claim", "a", "--json").json(), ann("claim", "--json").json()
    assert (again["task"]["id"], again["changed"]) == ("a", False)
    assert again["task"]["claim"] == first["task"]["claim"] == 1
    nameless = _as(clones[1], "bob")
    assert nameless("claim", "b").code == 0
    assert nameless("claim", "b", "--parallel").code == 5


@pytest.mark.parametrize("again", [("start", "a"), ("claim", "a", "--offline")], ids=" ".join)
def test_only_what_the_remote_holds_is_granted(
    clones: tuple[Repo, Repo], again: tuple[str, ...]
) -> None:
    """What was begun here alone is no claim yet, though the task was claimed once before."""
    ann, bob = _as(clones[0], "ann", "s1"), _as(clones[1], "bob", "s2")
    for words in (("claim", "a"), ("release", "a"), again):
        assert ann(*words).code == 0
    granted = ann("claim", "a", "--json").json()
    assert (granted["task"]["claim"], granted["changed"]) == (2, True)
    assert bob("claim", "a").code == 5


def test_an_unreachable_remote_grants_nothing(clones: tuple[Repo, Repo]) -> None:
    """Exit 7, nothing changed; --offline is tentative, loses, and is told of until dealt with."""
    ann, bob = _as(clones[0], "ann", "s1"), _as(clones[1], "bob", "s2")
    hub = clones[0].git("remote", "get-url", "origin")
    os.rename(hub, hub + "-away")
    before = clones[0].git("for-each-ref")
    refused = ann("claim", "a")
    assert (refused.code, clones[0].git("for-each-ref")) == (7, before)
    tentative = ann("claim", "a", "--offline", "--json").json()
    assert (tentative["tentative"], tentative["remote"]) == (True, None)
    os.rename(hub + "-away", hub)
    assert bob("claim", "a").code == 0
    assert ann("sync").code == 0
    assert "lost to bob" in ann("list").err
    assert "lost to bob" in ann("status").err
    assert ann("release", "a").code == 0
    assert "lost" not in ann("list").err
    assert clones[0].tasks()["a"]["owner"] == "bob"


def test_who_is_silent_for_a_lease_is_fenced_out(clones: tuple[Repo, Repo]) -> None:
    """A take-over raises the number; the old holder's finish is refused and kept as a note."""
    ann, bob = _as(clones[0], "ann", "s1"), _as(clones[1], "bob", "s2")
    assert ann("claim", "a", "--lease", "1s").code == 0
    assert bob("claim", "a", "--take-over").code == 5  # seen for the first time just now
    time.sleep(1.3)
    assert ann("heartbeat").code == 0
    assert bob("claim", "a", "--take-over").code == 5  # heard of again
    time.sleep(1.3)
    taken = bob("claim", "a", "--take-over", "--json").json()
    assert (taken["task"]["owner"], taken["task"]["claim"]) == ("bob", 2)
    assert ann("heartbeat").code == 5
    late = ann("done", "a", "--result", "PASS", "--json")
    assert (late.code, late.json()["error"]["rule"]) == (5, "lost-lease")
    task = clones[0].tasks()["a"]
    assert (task["status"], task["owner"]) == ("in_progress", "bob")
    assert "PASS" in task["notes"][0]["text"]
    assert ann("done", "a", "--result", "PASS").code == 5
    assert clones[0].tasks()["a"]["notes"] == task["notes"], "the same call again notes nothing"
    history = clones[0].git("log", "--format=%s", "gittasks/plan")
    assert "lease" not in history  # a heartbeat makes no commit


def test_one_session_keeps_what_its_processes_promise_at_once(
    clones: tuple[Repo, Repo], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A claim with a lease while another of the same session gives one: both are covered.

    And the remote is told the later of both, whichever push comes last.
    """
    ann, bob = _as(clones[0], "ann", "s1"), _as(clones[1], "bob", "s2")
    real, beside = leases.encode, list[str]()

    def between(form: ObjectFormat, lease: Lease) -> NewObject:
        if not beside:
            beside.append("b")
            assert ann("claim", "b", "--parallel", "--lease", "1m").code == 0
        return real(form, lease)

    monkeypatch.setattr(leases, "encode", between)
    workspace = clones[0].workspace("plan", GITTASKS_OWNER="ann", GITTASKS_SESSION="s1")
    assert workspace.claim(Claim("a"), 60, parallel=True).task
    assert beside == ["b"]
    assert bob("sync").code == 0
    store = clones[1].workspace().store
    (seen,) = leases.sightings(store.repository, "origin", "plan").values()
    assert seen.lease.claims == {"a": 1, "b": 1}


def test_a_lease_outlives_a_sync_that_read_the_list_before(
    clones: tuple[Repo, Repo], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is removed when its claims are known to be over, and only as it was then."""
    ann = _as(clones[0], "ann", "s1")
    before = clones[0].workspace().tasks
    assert ann("claim", "a", "--lease", "1m").code == 0
    workspace = clones[0].workspace()
    leases.remove_ended(workspace.store, "origin", before)
    assert ann("heartbeat").code == 0
    assert ann("release", "a").code == 0
    tasks = clones[0].workspace().tasks
    (ref,) = leases.ended(workspace.store, tasks)
    stale = {ref: clones[0].head()}
    workspace.repository.refs.remove([ref], stale)
    there = clones[0].git("ls-remote", "origin", "refs/gittasks/*")
    seen = f"+{remotes.leases_of('plan')}*:{remotes.seen_leases('origin', 'plan')}*"
    clones[0].git("fetch", "-q", "origin", seen)
    with monkeypatch.context() as patch:
        patch.setattr(leases, "ended", lambda *_: stale)
        leases.remove_ended(workspace.store, "origin", tasks)
    assert leases.ended(workspace.store, tasks)
    assert clones[0].git("ls-remote", "origin", "refs/gittasks/*") == there != ""
    assert ann("sync").code == 0
    assert ann("heartbeat").code == 3


def test_a_lease_that_the_remote_has_no_more_is_forgotten(clones: tuple[Repo, Repo]) -> None:
    """As after a sync that was killed in between: nobody asks for that again and again."""
    ann = _as(clones[0], "ann", "s1")
    assert ann("claim", "a", "--lease", "1m").code == 0
    assert ann("release", "a").code == 0
    workspace = clones[0].workspace("plan")
    repository = workspace.repository
    remotes.fetch(repository, "origin", ["plan"])
    ref = leases.ref_of("plan", "ann", "s1")
    assert remotes.push(repository, "origin", {ref: ""})[ref].outcome is PushOutcome.OK
    for prefix in (remotes.seen_leases("origin", "plan"), remotes.LEASES):
        assert [*repository.refs.listed(prefix)]
        leases.remove_ended(workspace.store, "origin", workspace.tasks)
        assert not [*repository.refs.listed(prefix)]


def test_a_sign_of_life_after_ones_own_release_tells_of_no_loss(listed: Repo) -> None:
    """What was given back was taken by nobody: the lease has nothing more to hold."""
    ann = {"GITTASKS_OWNER": "ann", "GITTASKS_SESSION": "s1"}
    listed.workspace(**ann).claim(Claim("a"), 60)
    listed.workspace(**ann).edit([Transition(Verb.RELEASE, "a")])
    lease, lost = listed.workspace(**ann).heartbeat()
    assert (dict(lease.claims), lost) == ({}, ())


@pytest.mark.parametrize("work", [Claim("a"), Transition(Verb.DONE, "b")], ids=["claim", "finish"])
def test_what_a_dirty_checkout_stops_was_not_pushed(
    clones: tuple[Repo, Repo], work: Operation
) -> None:
    """It is refused while the remote knows nothing of it, and the same call again is free to."""
    ann, hub = clones[0], os.path.join(os.path.dirname(clones[0].path), "hub.git")
    actor = {"GITTASKS_OWNER": "ann", "GITTASKS_SESSION": "s1"}
    ann.workspace("plan", **actor).edit([Claim("b")], parallel=True)
    ann.git("worktree", "add", "-q", f"{ann.path}-list", "gittasks/plan")
    tree = Repo(f"{ann.path}-list")
    tree.write("tasks/c.yaml", "subject: Half done\n")
    before = git(hub, "rev-parse", "gittasks/plan"), ann.head()
    with pytest.raises(Refused) as caught:
        ann.workspace("plan", **actor).edit([work], parallel=True)
    assert caught.value.rule == "checked-out"
    assert (git(hub, "rev-parse", "gittasks/plan"), ann.head()) == before
    tree.git("checkout", "-q", "tasks/c.yaml")
    assert ann.workspace("plan", **actor).edit([work], parallel=True).commit
    assert git(hub, "rev-parse", "gittasks/plan") == ann.head() != before[1]


def test_a_server_that_refuses_the_ref_of_a_lease_grants_the_claim_without(
    clones: tuple[Repo, Repo],
) -> None:
    """Some take branches and tags alone: the task is claimed, and what is missing is said."""
    ann = _as(clones[0], "ann", "s1")
    hub = clones[0].git("remote", "get-url", "origin")
    transports.hook(hub, "update", 'case "$1" in refs/heads/*) ;; *) exit 1 ;; esac')
    done = ann("claim", "a", "--lease", "30m")
    assert (done.code, "did not take the lease" in done.err) == (0, True)
    assert clones[1].git("ls-remote", "origin", "refs/gittasks/*") == ""
    assert _as(clones[1], "bob", "s2")("claim", "a").code == 5


def test_the_queue_of_a_clone_decides_nothing(
    clones: tuple[Repo, Repo], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever holds the turn and does not go on is not waited for without end: the remote decides
    without it."""
    monkeypatch.setattr(lock_files, "_PATIENCE", 0.1)
    workspace = clones[0].workspace("plan", GITTASKS_OWNER="ann")
    turn = lock_files.turn_path_of(workspace.repository.common, workspace.store.ref)
    os.makedirs(os.path.dirname(turn), exist_ok=True)
    with open(turn, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        made = workspace.edit([Claim("a")]).edit
    assert made.after.tasks["a"].claim == 1


def test_without_a_lease_only_force_takes_over(clones: tuple[Repo, Repo]) -> None:
    """A claim stays until somebody takes the responsibility, and that is recorded."""
    ann, bob = _as(clones[0], "ann", "s1"), _as(clones[1], "bob", "s2")
    assert ann("claim", "a").code == 0
    assert bob("claim", "a", "--take-over").code == 5
    assert bob("claim", "a", "--take-over", "--offline").code == 2
    assert bob("claim", "a", "--take-over", "--force").code == 0
    assert "Gittasks-Forced: claimed" in clones[1].git("log", "-1", "--format=%B", "gittasks/plan")


def test_a_finish_under_an_old_claim_does_not_get_in_by_a_merge(
    clones: tuple[Repo, Repo],
) -> None:
    """Finished offline, merged later: the later claim stands, and the finish is a conflict."""
    ann, bob = _as(clones[0], "ann", "s1"), _as(clones[1], "bob", "s2")
    assert ann("claim", "a").code == 0
    assert bob("claim", "a", "--take-over", "--force").code == 0
    assert ann("done", "a", "--offline").code == 0
    assert ann("sync").code == 0
    task = clones[0].tasks()["a"]
    assert (task["status"], task["owner"], task["claim"]) == ("in_progress", "bob", 2)
    assert ann("conflicts").code == 1


def test_done_and_next_are_one_push(clones: tuple[Repo, Repo]) -> None:
    """Who finishes a claimed task claims the next; the remote has both by one push."""
    ann = _as(clones[0], "ann", "s1")
    assert ann("claim", "a").code == 0
    before = clones[0].count()
    assert ann("done", "a", "--next").code == 0
    assert clones[0].count() == before + 2
    tasks = clones[0].tasks()
    assert (tasks["a"]["status"], tasks["b"]["status"], tasks["b"]["claim"]) == (
        "completed",
        "in_progress",
        1,
    )
    hub = clones[0].git("remote", "get-url", "origin")
    assert git(hub, "rev-parse", "gittasks/plan") == clones[0].head()


def test_without_a_remote_worktrees_exclude_each_other(listed: Repo) -> None:
    """The list's branch decides, for all worktrees of a repository."""
    listed.git("worktree", "add", "-q", f"{listed.path}-tree")
    here, there = _as(listed, "ann", "s1"), _as(Repo(f"{listed.path}-tree"), "bob", "s2")
    assert here("claim", "a").code == 0
    assert there("claim", "a").code == 5
    assert there("claim", "--json").json()["task"]["id"] == "b"


def test_waiting_ends_when_something_is_ready_or_the_time_is_over(listed: Repo) -> None:
    """`claim --wait` takes what becomes ready; `ready --watch` gives up with 1."""
    run = _as(listed, "ann", "s1")
    for task in "abc":
        run("skip", task)
    assert run("ready", "--watch", "1s").code == 1
    env = {"GITTASKS_OWNER": "ann", "GITTASKS_SESSION": "s1"}
    waiting = listed.start("claim", "--wait", "30s", "-q", env=env)
    time.sleep(0.3)
    run("create", "New", "--id", "new")
    assert waiting.communicate(timeout=30)[0].decode().strip() == "new"


def test_it_is_waited_for_as_long_as_nothing_is_ready(
    listed: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look after each pause, and the one that finds something ends it; else the time does."""
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            listed.edit(Create("New", id="new"))

    listed.edit(*(Transition(Verb.SKIP, task) for task in "abc"))
    clock = SimpleNamespace(sleep=sleep, monotonic=time.monotonic)
    monkeypatch.setattr(claims, "time", clock)
    assert claims.wait(listed.workspace(), 30) is True
    assert pauses == [0.1] * 3
    listed.edit(Transition(Verb.SKIP, "new"))
    clock.monotonic = iter((0.0, 1.0, 30.0)).__next__
    assert claims.wait(listed.workspace(), 30) is False
    assert len(pauses) == 4


def test_a_hostile_lease_harms_nobody(clones: tuple[Repo, Repo]) -> None:
    """What is no lease of ours is passed over, however odd."""
    ann, bob = _as(clones[0], "ann", "s1"), _as(clones[1], "bob", "s2")
    for n, text in enumerate(('{"claims": []}', "[" * 5000, '{"seconds": Infinity}', "")):
        blob = clones[0].blob(text)
        clones[0].git("push", "-q", "origin", f"{blob}:refs/gittasks/leases/plan/x{n}")
    assert bob("sync").code == 0
    assert ann("claim", "a").code == 0
    assert bob("claim", "a", "--take-over").code == 5


@pytest.mark.parametrize("synced", [True, False])
def test_a_finish_counts_after_a_later_claim_was_given_back(
    clones: tuple[Repo, Repo], synced: bool
) -> None:
    """Nobody holds it now: the first holder finishes, as would anybody, whether he knows or not."""
    ann, bob = _as(clones[0], "ann", "s1"), _as(clones[1], "bob", "s2")
    assert ann("claim", "a").code == 0
    assert bob("claim", "a", "--take-over", "--force").code == 0
    assert bob("release", "a").code == 0
    assert not synced or ann("sync").code == 0
    assert ann("done", "a", "--result", "PASS").code == 0
    assert ann("sync").code == bob("sync").code == 0
    task = clones[1].tasks()["a"]
    assert (task["status"], task["result"]) == ("completed", "PASS")


def test_finished_work_stands_against_a_claim_that_was_given_back(
    clones: tuple[Repo, Repo],
) -> None:
    """Who finished apart from it, without a claim, is not overruled by a claim and its release."""
    ann, bob = _as(clones[0], "ann", "s1"), _as(clones[1], "bob", "s2")
    assert ann("claim", "a").code == 0
    assert ann("release", "a").code == 0
    assert bob("done", "a", "--result", "PASS").code == 0
    assert bob("sync").code == 0
    assert ann("sync").code == 0
    for clone in clones:
        task = clone.tasks()["a"]
        assert (task["status"], task["result"]) == ("completed", "PASS")
    assert "a" not in ann("ready", "-q").out.split()


def test_a_lost_claim_is_named_by_the_beginning_of_its_id(clones: tuple[Repo, Repo]) -> None:
    """`release` of a lost tentative claim takes a prefix, as everywhere."""
    ann, bob = _as(clones[0], "ann", "s1"), _as(clones[1], "bob", "s2")
    assert ann("create", "Long", "--id", "long-name").code == 0
    assert ann("sync").code == 0
    assert ann("claim", "long-name", "--offline").code == 0
    assert bob("claim", "long-name").code == 0
    assert ann("sync").code == 0
    assert ann("release", "long").code == 0
    assert "lost" not in ann("list").err


def _release(ann: Run) -> None:
    assert ann("release", "a").code == 0


def _undo(ann: Run) -> None:
    assert ann("undo").code == 0


@pytest.mark.parametrize(
    ("give_back", "again"), [(_release, "undo"), (_undo, "redo")], ids=["undo", "redo"]
)
def test_undo_and_redo_give_no_claim_that_the_remote_gave_to_another(
    clones: tuple[Repo, Repo], give_back: Callable[[Run], None], again: str
) -> None:
    """A claim that was given back is free for others at once, and theirs when they took it."""
    ann, bob = _as(clones[0], "ann", "s1"), _as(clones[1], "bob", "s2")
    assert ann("claim", "a").code == 0
    give_back(ann)
    assert bob("claim", "a").code == 0
    refused = ann(again, "--json")
    assert (refused.code, refused.json()["error"]["rule"]) == (5, "built-on")
    assert ann("sync").code == 0
    task = ann("show", "a", "--json").json()["task"]
    assert (task["owner"], task["claim"]) == ("bob", 2)


def test_a_finish_that_is_redone_is_asked_of_the_remote(clones: tuple[Repo, Repo]) -> None:
    """Who undid a finish holds the task again, until the remote gives it to somebody else."""
    ann, bob = _as(clones[0], "ann", "s1"), _as(clones[1], "bob", "s2")
    assert [ann(*words).code for words in (("claim", "a"), ("done", "a"), ("undo",))] == [0, 0, 0]
    assert bob("claim", "a", "--take-over", "--force").code == 0
    assert ann("redo").code == 5
    assert bob("done", "a").code == 0
