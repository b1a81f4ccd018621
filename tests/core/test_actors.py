"""Who may do what with a task in progress: every cell of the table, as the core applies it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from support.strategies import NOW, seeded

from gittasks.core import actors
from gittasks.core.actors import Standing
from gittasks.core.apply import Edit, apply
from gittasks.core.model import Actor, Snapshot, Status, Task
from gittasks.core.operations import (
    AddNote,
    Claim,
    Context,
    Operation,
    SessionEnd,
    StartNext,
    Transition,
    Update,
    Verb,
)
from gittasks.errors import Refused

LATER, LEFT = "2026-11-22T11:00:00Z", "2026-11-22T10:30:00Z"
ENDS = (Verb.DONE, Verb.SKIP, Verb.RELEASE, Verb.DELETE)
HOLDER = Actor("ann", "s1", named=True)
OTHER_SESSION = Actor("ann", "s2", named=True)
NO_SESSION = Actor("ann", None, named=True)
NAMED, DEFAULT = Actor("bob", "s2", named=True), Actor("bob", "s2")


def held(**fields: Any) -> Snapshot:
    """The list a, b, c, in which ann has a in progress in session s1."""
    state = {"status": Status.IN_PROGRESS, "owner": "ann", "session": "s1", "started": NOW}
    start = seeded()
    return start.with_tasks(start.tasks["a"]._replace(**{**state, **fields}))


def run(snapshot: Snapshot, op: Operation, actor: Actor, **more: Any) -> Edit:
    return apply(snapshot, [op], Context(LATER, actor, 7, **more))


def after(snapshot: Snapshot, op: Operation, actor: Actor, **more: Any) -> Task:
    return run(snapshot, op, actor, **more).after.tasks["a"]


def refusal(snapshot: Snapshot, op: Operation, actor: Actor, rule: str = "held") -> Refused:
    with pytest.raises(Refused) as caught:
        run(snapshot, op, actor)
    assert caught.value.rule == rule
    return caught.value


def start(*, resume: bool = False) -> Transition:
    return Transition(Verb.START, "a", resume=resume)


# --- who holds it ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("owner", "session", "actor", "expected"),
    [
        ("ann", "s1", HOLDER, Standing.HOLDER),
        ("ann", "s1", Actor("bob", "s1"), Standing.HOLDER),
        ("ann", "s1", Actor("bob", "s1", named=True), Standing.ANOTHER),
        ("ann", "s1", OTHER_SESSION, Standing.SAME_OWNER),
        ("ann", "s1", NO_SESSION, Standing.SAME_OWNER),
        ("ann", "s1", DEFAULT, Standing.ANOTHER),
        ("ann", None, OTHER_SESSION, Standing.HOLDER),
        ("ann", None, DEFAULT, Standing.ANOTHER),
        (None, "s1", HOLDER, Standing.HOLDER),
        (None, "s1", NAMED, Standing.ANOTHER),
        (None, None, NAMED, Standing.NOBODY),
    ],
)
def test_the_holder_acts_in_its_session_else_as_its_owner(
    owner: str | None, session: str | None, actor: Actor, expected: Standing
) -> None:
    task = held(owner=owner, session=session).tasks["a"]
    assert actors.standing(task, actor) is expected


# --- start ----------------------------------------------------------------------------------


@pytest.mark.parametrize("actor", [NAMED, DEFAULT], ids=str)
def test_a_pending_task_meant_for_another_starts_on_its_behalf(actor: Actor) -> None:
    meant = held(status=Status.PENDING, session=None, started=None)
    task = after(meant, start(), actor)
    assert (task.owner, task.session, task.started) == ("ann", "s2", LATER)


def test_the_holder_starts_again_without_effect() -> None:
    """Also the same session that names no owner, whoever the task is for."""
    for actor in (HOLDER, Actor("bob", "s1")):
        assert not run(held(), start(), actor).made


@pytest.mark.parametrize("actor", [OTHER_SESSION, NO_SESSION], ids=str)
@pytest.mark.parametrize("resume", [False, True])
def test_what_was_left_goes_on_at_once(actor: Actor, resume: bool) -> None:
    task = after(held(left=LEFT), start(resume=resume), actor)
    assert (task.owner, task.session) == ("ann", actor.session)
    assert (task.started, task.left) == (NOW, None)


@pytest.mark.parametrize("actor", [OTHER_SESSION, NO_SESSION], ids=str)
def test_another_session_of_the_owner_goes_on_when_it_says_so(actor: Actor) -> None:
    told = refusal(held(), start(), actor)
    assert "gittasks start a --resume" in (told.hint or "")
    task = after(held(), start(resume=True), actor)
    assert (task.owner, task.session, task.started) == ("ann", actor.session, NOW)


def test_the_session_that_comes_back_itself_has_left_nothing() -> None:
    task = after(held(left=LEFT), start(), HOLDER)
    assert (task.session, task.started, task.left) == ("s1", NOW, None)


@pytest.mark.parametrize("actor", [NAMED, DEFAULT], ids=str)
@pytest.mark.parametrize("left", [None, LEFT])
@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize(("claim", "next_claim"), [(0, 0), (1, 2)])
def test_another_owner_starts_it_by_force_alone(
    actor: Actor, left: str | None, resume: bool, claim: int, next_claim: int
) -> None:
    """Under the next number of a claim, which fences out who had it."""
    refusal(held(left=left, claim=claim), start(resume=resume), actor)
    edit = run(held(left=left, claim=claim), start(), actor, force=True)
    task = edit.after.tasks["a"]
    assert (task.owner, task.session, task.left, edit.forced) == ("bob", "s2", None, ("held",))
    assert task.claim == next_claim


def test_to_resume_what_nobody_has_begun_is_to_start_it() -> None:
    assert after(seeded(), start(resume=True), HOLDER).session == "s1"


# --- done, skip, release --------------------------------------------------------------------

CLOSING = {"left": None, "claim": 0}


@pytest.mark.parametrize("verb", ENDS)
@pytest.mark.parametrize(
    ("fields", "actor", "allowed"),
    [
        ({}, HOLDER, True),
        ({}, OTHER_SESSION, True),
        ({}, NO_SESSION, True),
        ({}, DEFAULT, True),
        ({}, NAMED, False),
        ({"session": None}, NAMED, True),
        ({"left": LEFT}, NAMED, True),
        ({"claim": 1}, HOLDER, True),
        ({"claim": 1}, OTHER_SESSION, False),
        ({"claim": 1}, NO_SESSION, False),
        ({"claim": 1, "left": LEFT}, OTHER_SESSION, True),
        ({"claim": 1}, DEFAULT, False),
        ({"claim": 1}, NAMED, False),
        ({"claim": 1, "left": LEFT}, NAMED, False),
        ({"claim": 1, "session": None}, NAMED, False),
        ({"claim": 1, "session": None}, OTHER_SESSION, True),
    ],
)
def test_who_may_end_the_work(
    verb: Verb, fields: dict[str, Any], actor: Actor, allowed: bool
) -> None:
    op = Transition(verb, "a")
    if not allowed:
        refusal(held(**fields), op, actor)
        assert run(held(**fields), op, actor, force=True).forced == ("held",)
        return
    task = after(held(**fields), op, actor)
    assert task.status is not Status.IN_PROGRESS
    assert task.left is None
    if actor.owner != "ann" or verb is not Verb.RELEASE:
        assert task.owner == "ann", "whose it was, it stays"


def test_a_new_session_is_told_how_to_go_on_with_a_claim() -> None:
    told = refusal(held(claim=1), Transition(Verb.DONE, "a"), OTHER_SESSION)
    assert "gittasks claim a --resume" in (told.hint or "")


@pytest.mark.parametrize("verb", [Verb.DONE, Verb.SKIP, Verb.RELEASE])
def test_only_a_default_owner_is_told_to_act_as_another(verb: Verb) -> None:
    claimed = held(claim=1, session=None)
    told = refusal(claimed, Transition(verb, "a"), DEFAULT)
    assert f"gittasks {verb} a --owner ann" in (told.hint or "")
    assert after(claimed, Transition(verb, "a"), Actor("ann", "s2", named=True)).status
    assert "--owner" not in (refusal(claimed, Transition(verb, "a"), NAMED).hint or "")


def test_release_does_not_get_round_whom_a_task_is_meant_for() -> None:
    meant = held(status=Status.PENDING, session=None, started=None)
    assert not run(meant, Transition(Verb.RELEASE, "a"), NAMED).made
    begun = run(meant, start(), DEFAULT).after
    back = run(begun, Transition(Verb.RELEASE, "a"), DEFAULT).after
    assert back == meant
    refusal(back, Claim("a"), NAMED, "assigned")


def test_work_begun_for_another_is_the_work_of_who_began_it() -> None:
    """A session with a name of its own that began a task on behalf of its owner ends it."""
    begun = held(session="s2")
    refusal(begun, Transition(Verb.DONE, "a"), NAMED)
    mine = frozenset({"a"})
    assert not run(begun, start(), NAMED, on_behalf=mine).made
    task = after(begun, Transition(Verb.DONE, "a"), NAMED, on_behalf=mine)
    assert (task.status, task.owner) == (Status.COMPLETED, "ann")


def test_so_it_is_within_one_batch() -> None:
    """But not for who acted as somebody else when it was begun."""
    meant = seeded().with_tasks(seeded().tasks["a"]._replace(owner="ann"))
    begin, end = Transition(Verb.START, "a"), Transition(Verb.DONE, "a")
    task = apply(meant, [begin, end], Context(LATER, NAMED, 7)).after.tasks["a"]
    assert (task.status, task.owner, task.session) == (Status.COMPLETED, "ann", "s2")
    with pytest.raises(Refused) as caught:
        apply(meant, [begin._replace(owner="ann"), end], Context(LATER, NAMED, 7))
    assert caught.value.rule == "held"


@pytest.mark.parametrize("actor", [HOLDER, OTHER_SESSION, NAMED, DEFAULT], ids=str)
@pytest.mark.parametrize(
    "op",
    [
        AddNote("a", "x"),
        Update("a", subject="Other"),
        Update("a", metadata={"k": 1}),
        Update("a", add_blocked_by=("b",)),
    ],
    ids=lambda op: type(op).__name__,
)
@pytest.mark.parametrize("claim", [0, 1])
def test_notes_fields_and_links_are_open_to_all(op: Operation, actor: Actor, claim: int) -> None:
    assert run(held(claim=claim), op, actor).made


# --- claimed tasks --------------------------------------------------------------------------


def test_a_claimed_task_that_was_left_starts_under_the_next_number() -> None:
    task = after(held(claim=1, left=LEFT), start(), OTHER_SESSION)
    assert (task.session, task.claim, task.started, task.left) == ("s2", 2, NOW, None)


@pytest.mark.parametrize("resume", [False, True])
def test_a_claimed_task_that_goes_on_is_not_started_elsewhere(resume: bool) -> None:
    told = refusal(held(claim=1), start(resume=resume), OTHER_SESSION)
    assert "gittasks claim a --resume" in (told.hint or "")


def test_claim_resume_raises_the_number_and_so_fences_the_old_session() -> None:
    told = refusal(held(claim=1), Claim("a"), OTHER_SESSION, "claimed")
    assert "gittasks claim a --resume" in (told.hint or "")
    resumed = run(held(claim=1), Claim("a", resume=True), OTHER_SESSION).after
    task = resumed.tasks["a"]
    assert (task.session, task.claim, task.started) == ("s2", 2, NOW)
    refusal(resumed, Transition(Verb.DONE, "a"), HOLDER)


@pytest.mark.parametrize("claim", [0, 1])
def test_claim_goes_on_at_once_with_what_was_left(claim: int) -> None:
    task = after(held(claim=claim, left=LEFT), Claim("a"), OTHER_SESSION)
    assert (task.session, task.claim, task.started) == ("s2", claim + 1, NOW)


def test_the_holder_claims_again_without_effect() -> None:
    assert not run(held(claim=1), Claim("a"), HOLDER).made
    assert after(held(), Claim("a"), HOLDER).claim == 1


@pytest.mark.parametrize(("session", "mine"), [(None, None), (None, "s1"), ("s1", None)])
@pytest.mark.parametrize("resume", [False, True])
def test_without_a_session_on_either_side_one_name_claims_once(
    session: str | None, mine: str | None, resume: bool
) -> None:
    task = held(claim=1, session=session)
    refusal(task, Claim("a", resume=resume), Actor("ann", mine), "claimed")


@pytest.mark.parametrize("actor", [NAMED, DEFAULT, Actor("bob", "s1")], ids=str)
@pytest.mark.parametrize("left", [None, LEFT])
def test_claim_of_what_another_owner_has_is_refused_with_its_name(
    actor: Actor, left: str | None
) -> None:
    told = refusal(held(claim=1, left=left), Claim("a", resume=True), actor, "claimed")
    assert "ann" in told.message


def test_who_has_a_task_and_wants_any_gets_the_same_or_is_refused() -> None:
    """A run that died asks again; an agent beside another under one name asks `anew`."""
    assert run(held(claim=1), Claim(), HOLDER).focus == ("a",)
    told = refusal(held(claim=1), Claim(anew=True), HOLDER, "handed-out")
    assert told.tasks == ("a",)
    other = Claim(anew=True, owner="eve")
    assert run(held(claim=1), other, HOLDER).focus == ("b",)


# --- one in progress ------------------------------------------------------------------------

BEGIN = (Transition(Verb.START, "b"), Claim("b"), StartNext())


@pytest.mark.parametrize("op", BEGIN, ids=lambda op: type(op).__name__)
@pytest.mark.parametrize(
    ("fields", "actor", "stops"),
    [
        ({}, HOLDER, True),
        ({}, OTHER_SESSION, False),
        ({}, NO_SESSION, False),
        ({"session": None}, NO_SESSION, True),
        ({"session": None}, HOLDER, False),
        ({"left": LEFT}, HOLDER, False),
        ({"owner": "eve"}, HOLDER, False),
    ],
)
def test_one_in_progress_is_counted_for_an_owner_in_a_session(
    op: Operation, fields: dict[str, Any], actor: Actor, stops: bool
) -> None:
    if stops:
        told = refusal(held(**fields), op, actor, "one-in-progress")
        assert "gittasks done a" in (told.hint or "")
        assert run(held(**fields), op, actor, parallel=True).made
    else:
        assert run(held(**fields), op, actor).forced == ()


@pytest.mark.parametrize("op", BEGIN[:2], ids=lambda op: type(op).__name__)
def test_what_waits_for_the_task_to_be_started_is_given_back_not_finished(op: Operation) -> None:
    waiting = held(blocked_by=("b",))
    told = refusal(waiting, op, HOLDER, "one-in-progress")
    assert "gittasks release a" in (told.hint or "")
    assert "done" not in (told.hint or "")
    refusal(waiting, Transition(Verb.DONE, "a"), HOLDER, "blocked")
    assert run(run(waiting, Transition(Verb.RELEASE, "a"), HOLDER).after, op, HOLDER).made


# --- the end of a session -------------------------------------------------------------------


def test_what_a_session_held_when_it_ended_is_left_and_nothing_else() -> None:
    start = seeded()
    running: dict[str, Any] = {"status": Status.IN_PROGRESS, "owner": "ann", "started": NOW}
    tasks = [
        start.tasks[i]._replace(**running, session=s)
        for i, s in zip("abc", ("s1", "s2", None), strict=True)
    ]
    edit = run(start.with_tasks(*tasks), SessionEnd(), HOLDER)
    assert [edit.after.tasks[i].left for i in "abc"] == [LATER, None, None]
    assert not run(edit.after, SessionEnd(), HOLDER).made
    back = run(edit.after, SessionEnd(goes_on=True), HOLDER)
    assert back.after.tasks["a"] == tasks[0]


def test_the_end_of_no_session_leaves_nothing() -> None:
    assert not run(held(session=None), SessionEnd(), NO_SESSION).made


# --- what is said ---------------------------------------------------------------------------


def test_what_is_not_of_this_session_is_told_apart() -> None:
    start = seeded()
    running: dict[str, Any] = {"status": Status.IN_PROGRESS, "started": NOW}
    holders = itertools.cycle([("ann", "s2"), ("bob", "s1"), ("eve", None)])
    tasks = [
        start.tasks[i]._replace(**running, owner=o, session=s)
        for i, (o, s) in zip("abc", holders, strict=False)
    ]
    found = actors.elsewhere(tasks, HOLDER)
    assert [(t.id, s) for t, s in found] == [("a", Standing.SAME_OWNER), ("c", Standing.ANOTHER)]


@pytest.mark.parametrize(
    ("actor", "mine"),
    [
        (Actor("ann", "s1"), True),
        (Actor("ann", "s2"), False),
        (Actor("ann", None), True),
        (Actor("bob", "s1"), True),
        (Actor("bob", "s1", named=True), False),
        (Actor("bob", None), False),
    ],
)
def test_what_is_mine(actor: Actor, mine: bool) -> None:
    """The one notion of hooks and of the status: what the actor holds; who gives no session has
    what any session of that owner holds."""
    task = Task("a", "A", status=Status.IN_PROGRESS, owner="ann", session="s1")
    assert actors.is_mine(task, actor) is mine
    assert not actors.is_mine(task._replace(status=Status.COMPLETED), actor)
