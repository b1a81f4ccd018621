"""Every refusal of the rules: its words, the commands that it offers, and its data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.strategies import NOW

from gittasks.core import rules
from gittasks.core.actors import Answer
from gittasks.core.model import Actor, ListInfo, Snapshot, Status, Task
from gittasks.errors import Refused

A = Task(id="a", subject="A", status=Status.IN_PROGRESS, owner="ann", session="s1", started=NOW)
B = Task(id="b", subject="B")
CLAIMED = A._replace(claim=2)
ANN, BOB = Actor("ann", "s2"), Actor("bob", "s2")
NAMED = BOB._replace(named=True)
HOLD = {"owner": "ann", "session": "s1", "since": NOW}
HELD = f"a (A) is in progress, held by ann, session s1 since {NOW}"
IS_CLAIMED = f"a (A) is claimed by ann, session s1 since {NOW}"
READY = "see what else can be started: gittasks ready"
TAKE_OVER = "only if the holder is no longer running: gittasks claim a --take-over --force"
FORCE = "only if that session is no longer running: gittasks"
LEASE = (
    "as far as was seen from here its holder has no lease that ran out; look again after the "
    "length of the lease"
)
SEE = "see what became of it: gittasks show a; go on with another: gittasks claim"
CYCLE = "that would make a cycle, each task blocked by the next"


def _held(goes_on: str | None = None, act_as: str | None = None) -> dict[str, Any]:
    return {**HOLD, "left": None, "goOn": goes_on, "actAs": act_as}


def _claimed(goes_on: str | None = None, claim: int = 2, left: str | None = None) -> dict[str, Any]:
    return {**HOLD, "claim": claim, "left": left, "goOn": goes_on}


REFUSALS: dict[str, tuple[Callable[[], Refused | None], str, str, dict[str, Any]]] = {
    "held by another session": (
        lambda: rules.held(A, ANN, Answer.ASK_START, "start"),
        HELD,
        f"{READY}; go on with it: gittasks start a --resume",
        _held("start"),
    ),
    "held under a claim": (
        lambda: rules.held(CLAIMED, ANN, Answer.ASK_CLAIM, "done"),
        HELD,
        f"{READY}; go on with it: gittasks claim a --resume",
        _held("claim"),
    ),
    "held by whom one may be": (
        lambda: rules.held(A, BOB, Answer.NO, "done"),
        HELD,
        f"{READY}; if you are ann: gittasks done a --owner ann",
        _held(None, "ann"),
    ),
    "held by whom one cannot start as": (
        lambda: rules.held(A, BOB, Answer.NO, "start"),
        HELD,
        f"{READY}; {FORCE} start a --force",
        _held(),
    ),
    "held by another, and one is named": (
        lambda: rules.held(A, NAMED, Answer.NO, "done"),
        HELD,
        f"{READY}; {FORCE} done a --force",
        _held(),
    ),
    "held, and the change cannot be forced": (
        lambda: rules.held(A, BOB, Answer.NO, "update"),
        HELD,
        READY,
        _held(),
    ),
    "held by what nobody can be": (
        lambda: rules.held(A._replace(owner=" ann"), BOB, Answer.NO, "done"),
        HELD,
        f"{READY}; {FORCE} done a --force",
        {**_held(), "owner": " ann"},
    ),
    "claimed, a take-over": (
        lambda: rules.claimed(CLAIMED, ANN, Answer.ASK_CLAIM, asked=True),
        IS_CLAIMED,
        f"{TAKE_OVER}; {LEASE}",
        _claimed(),
    ),
    "claimed by an earlier session": (
        lambda: rules.claimed(CLAIMED, ANN, Answer.ASK_CLAIM),
        IS_CLAIMED,
        "go on with it: gittasks claim a --resume; claim another: gittasks claim",
        _claimed("claim"),
    ),
    "claimed under the same name": (
        lambda: rules.claimed(CLAIMED, ANN, Answer.NO),
        IS_CLAIMED,
        (
            "claim another: gittasks claim; two runs under one name need different sessions "
            "(GITTASKS_SESSION)"
        ),
        _claimed(),
    ),
    "started by another": (
        lambda: rules.claimed(A._replace(left=NOW), BOB, Answer.NO),
        HELD,
        f"claim another: gittasks claim; {TAKE_OVER}",
        _claimed(None, 0, NOW),
    ),
    "held by somebody": (
        lambda: rules.handed_out(A._replace(owner=None, session=None, started=None)),
        "a (A) is in progress, held by somebody: this session has it already",
        "go on with a; for another agent give --owner NAME",
        {"owner": None, "session": None, "since": None},
    ),
    "handed out": (
        lambda: rules.handed_out(A),
        f"{HELD}: this session has it already",
        "go on with a; for another agent give --owner NAME",
        HOLD,
    ),
    "assigned": (
        lambda: rules.assigned(B._replace(owner="ann"), "bob"),
        "b (B) is meant for ann",
        "claim another: gittasks claim; to take it anyway: gittasks claim b --force",
        {"owner": "ann"},
    ),
    "lost": (
        lambda: rules.finished_by_another(CLAIMED, ANN),
        f"a (A) is held by ann, session s1 since {NOW}, under claim 2: yours was lost",
        SEE,
        {**HOLD, "claim": 2},
    ),
    "lost, and completed": (
        lambda: rules.lost_lease(CLAIMED._replace(status=Status.COMPLETED)),
        f"a (A) was completed by ann, session s1 since {NOW}, under claim 2: yours was lost",
        SEE,
        {**HOLD, "claim": 2},
    ),
    "blocked": (
        lambda: rules.blocked(A, [B, CLAIMED]),
        "a (A) is blocked by b (B), a (A)",
        "see what can be started: gittasks ready; see what it waits for: gittasks show b",
        {"openBlockers": ["b", "a"]},
    ),
    "one in progress": (
        lambda: rules.one_in_progress(B, A, "ann", "start", waits=False),
        "ann already has a (A) in progress",
        (
            "finish that first: gittasks done a; give it back: gittasks release a; "
            "to work on both: gittasks start b --parallel"
        ),
        {"owner": "ann", "waits": False},
    ),
    "one in progress that waits": (
        lambda: rules.one_in_progress(B, A._replace(blocked_by=("b",)), "ann", "start", waits=True),
        "ann already has a (A) in progress, and it waits for b",
        "give it back: gittasks release a; to work on both: gittasks start b --parallel",
        {"owner": "ann", "waits": True},
    ),
    "one in progress that waits for a third": (
        lambda: rules.one_in_progress(B, A, "ann", "update", waits=True),
        "ann already has a (A) in progress",
        "give it back: gittasks release a",
        {"owner": "ann", "waits": True},
    ),
    "one in progress that waited": (
        lambda: rules.one_in_progress(
            B, A._replace(blocked_by=("b",)), "ann", "update", waits=False
        ),
        "ann already has a (A) in progress",
        "finish that first: gittasks done a; give it back: gittasks release a",
        {"owner": "ann", "waits": False},
    ),
    "closed": (
        lambda: rules.closed(B._replace(status=Status.SKIPPED), "start"),
        "cannot start b (B): it is skipped",
        "open it again: gittasks reopen b",
        {"status": "skipped"},
    ),
    "closed for good": (
        lambda: rules.closed(B._replace(status=Status.DELETED), "start"),
        "cannot start b (B): it is deleted",
        "open it again: gittasks restore b",
        {"status": "deleted"},
    ),
    "in progress": (
        lambda: rules.in_progress(A, "reopen"),
        "cannot reopen a (A): it is in progress",
        "see who works on it: gittasks show a; give it back: gittasks release a",
        {},
    ),
    "deleted": (
        lambda: rules.deleted(B),
        "b (B) is deleted",
        "bring it back: gittasks restore b",
        {},
    ),
    "exists": (
        lambda: rules.exists(B, "Other"),
        'b (B) exists already, and its subject is not "Other"',
        "look at it: gittasks show b; or give another id",
        {},
    ),
    "no loop": (
        lambda: rules.no_loop(B),
        'b (B) is in no loop: its subject does not begin with "Iteration i/N:"',
        "finish it alone: gittasks done b",
        {},
    ),
    "cycle": (
        lambda: rules.cycle(["a", "b", "c", "a"]),
        f"{CYCLE}: a → b → c → a",
        (
            "drop an existing one: gittasks update b --remove-blocked-by c; "
            "drop an existing one: gittasks update c --remove-blocked-by a; "
            "leave one of these dependencies out"
        ),
        {"cycle": ["a", "b", "c", "a"]},
    ),
    "cycle of one": (
        lambda: rules.cycle(["a", "a"]),
        f"{CYCLE}: a → a",
        "a task cannot wait for itself",
        {"cycle": ["a", "a"]},
    ),
    "built on": (
        lambda: rules.built_on("b waits for it", ["a", "b"], {"blocked": ["b"]}),
        "cannot undo: b waits for it",
        "see what came after: gittasks log a",
        {"blocked": ["b"]},
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_says_what_is_in_the_way_and_what_can_be_done(name: str) -> None:
    """Its words, the hint with the commands, and what a program reads."""
    refuse, message, hint, details = REFUSALS[name]
    refusal = refuse()
    assert refusal
    assert (refusal.message, refusal.hint) == (message, hint)
    data = {key: value for key, value in refusal.details.items() if key not in ("rule", "tasks")}
    assert data == details
    decisions = [" ".join(way.command) for way in refusal.ways if way.decision]
    assert all(command.endswith("--force") for command in decisions)
    assert len(decisions) == hint.count("--force")


def test_each_refusal_has_the_name_of_its_rule() -> None:
    """Programs and agents tell them apart by it."""
    names = {name: refusal.rule for name, (refuse, *_) in REFUSALS.items() if (refusal := refuse())}
    assert set(names.values()) == {
        *("held", "claimed", "handed-out", "assigned", "lost-lease", "blocked", "one-in-progress"),
        *("closed", "in-progress", "deleted", "exists", "no-loop", "cycle", "built-on"),
    }
    assert {rule for name, rule in names.items() if name.startswith("lost")} == {"lost-lease"}


def test_what_is_not_in_the_way_is_not_refused() -> None:
    """No blockers; a task for nobody or for oneself; a result of one's own, or of no claim."""
    assert rules.blocked(A, []) is None
    assert rules.assigned(B, "bob") is None
    assert rules.assigned(B._replace(owner="bob"), "bob") is None
    assert rules.finished_by_another(CLAIMED, Actor("ann", "s1")) is None
    assert rules.finished_by_another(A, ANN) is None


def _list(*tasks: Task) -> Snapshot:
    return Snapshot(info=ListInfo(id="plan")).with_tasks(*tasks)


def test_a_list_that_is_at_odds_with_the_rules_is_told() -> None:
    """A cycle, a task in progress that waits, and two of one owner in one session."""
    assert rules.violations(_list(A, B)) == []
    first, second = B._replace(blocked_by=("c",)), B._replace(id="c", blocked_by=("b",))
    (cycle,) = rules.violations(_list(first, second))
    assert (cycle.kind, set(cycle.tasks)) == (rules.TroubleKind.CYCLE, {"b", "c"})
    start, end = cycle.tasks
    assert cycle.message == f"these tasks wait for each other: {start} → {end} → {start}"
    assert cycle.hint == f"drop one dependency: gittasks update {start} --remove-blocked-by {end}"
    assert rules.violations(_list(A._replace(blocked_by=("b",)), B)) == [
        rules.Violation(
            rules.TroubleKind.RUNNING_WHILE_BLOCKED,
            ("a", "b"),
            "a is in progress and blocked by b",
            "wait with it: gittasks release a; or see why: gittasks log a",
        )
    ]
    two = _list(A, A._replace(id="d"), A._replace(id="e", session="s3"))
    assert rules.violations(two) == [
        rules.Violation(
            rules.TroubleKind.TWO_IN_PROGRESS,
            ("a", "d"),
            "ann has 2 tasks in progress: a, d",
            "finish one, or give it back: gittasks release d",
        )
    ]
    assert rules.violations(two, parallel=True) == []
    nobodys = A._replace(owner=None, session=None)
    assert rules.violations(_list(nobodys, nobodys._replace(id="d"))) == []
