"""What the rules of a list allow and refuse, one example each."""

from __future__ import annotations

from typing import Any

import pytest
from support.strategies import NOW, seeded

from gittasks.core.apply import Edit, apply
from gittasks.core.ids import near_matches
from gittasks.core.model import LOOP_ENDED, Actor, ListInfo, Snapshot, Status, Task
from gittasks.core.operations import (
    AddNote,
    Context,
    Create,
    Operation,
    StartNext,
    Transition,
    Update,
    Verb,
)
from gittasks.errors import Refused

LATER = "2026-11-22T11:00:00Z"


def by(owner: str, session: str | None = None, *, named: bool = False, **flags: Any) -> Context:
    return Context(now=LATER, actor=Actor(owner, session, named), entropy=7, **flags)


ANN, BOB = by("ann", "s1"), by("bob", "s2")


def run(snapshot: Snapshot, *ops: Operation, context: Context = ANN) -> Edit:
    return apply(snapshot, ops, context)


def having(**tasks: dict[str, object]) -> Snapshot:
    """The seeded list a, b, c with fields of some tasks replaced."""
    start = seeded()
    changed = [start.tasks[i]._replace(**fields) for i, fields in tasks.items()]  # type: ignore[arg-type]
    return start.with_tasks(*changed)


def refused(rule: str, snapshot: Snapshot, *ops: Operation, context: Context = ANN) -> Refused:
    """The refusal by `rule`; every refusal names a next step."""
    with pytest.raises(Refused) as caught:
        apply(snapshot, ops, context)
    assert caught.value.rule == rule
    assert caught.value.details["rule"] == rule
    assert caught.value.hint
    return caught.value


def act(verb: Verb, task_id: str = "a", **more: object) -> Transition:
    return Transition(verb, task_id, **more)  # type: ignore[arg-type]


RUNNING: dict[str, object] = {
    "status": Status.IN_PROGRESS,
    "owner": "ann",
    "session": "s1",
    "started": NOW,
}
COMPLETED: dict[str, object] = {
    "status": Status.COMPLETED,
    "owner": "ann",
    "started": NOW,
    "finished": NOW,
    "result": "PASS",
}
SKIPPED: dict[str, object] = {"status": Status.SKIPPED, "finished": NOW}
DELETED: dict[str, object] = {"status": Status.DELETED}


# --- start ----------------------------------------------------------------------------------


def test_start_sets_the_whole_state() -> None:
    task = run(seeded(), act(Verb.START)).after.tasks["a"]
    assert (task.status, task.owner, task.session) == (Status.IN_PROGRESS, "ann", "s1")
    assert (task.started, task.finished) == (LATER, None)


def test_the_owner_is_the_one_it_is_meant_for_else_who_acts() -> None:
    assigned = having(a={"owner": "eve"})
    assert run(assigned, act(Verb.START, owner="joe")).after.tasks["a"].owner == "eve"
    assert run(assigned, act(Verb.START)).after.tasks["a"].owner == "eve"
    assert run(seeded(), act(Verb.START, owner="joe")).after.tasks["a"].owner == "joe"
    assert run(seeded(), act(Verb.START)).after.tasks["a"].owner == "ann"


def test_starting_again_what_i_have_in_progress_changes_nothing() -> None:
    assert not run(having(a=RUNNING), act(Verb.START)).made


@pytest.mark.parametrize(
    "context", [by("bob", "s2"), by("bob"), by("ann", "s2"), by("ann")], ids=str
)
def test_start_is_refused_when_somebody_else_or_another_session_has_it(context: Context) -> None:
    refusal = refused("held", having(a=RUNNING), act(Verb.START), context=context)
    assert "held by ann, session s1 since 2026-11-22T10:00:00Z" in refusal.message


def test_start_is_refused_when_another_owner_has_it_even_without_sessions() -> None:
    running = {**RUNNING, "session": None}
    refused("held", having(a=running), act(Verb.START), context=by("bob"))
    assert not run(having(a=running), act(Verb.START), context=by("ann")).made


def test_a_task_in_progress_for_nobody_can_be_taken_up() -> None:
    orphan = {**RUNNING, "owner": None, "session": None}
    assert run(having(a=orphan), act(Verb.START), context=BOB).after.tasks["a"].owner == "bob"


def test_force_takes_a_task_over_and_says_so() -> None:
    edit = run(having(a=RUNNING), act(Verb.START), context=by("bob", "s2", force=True))
    task = edit.after.tasks["a"]
    assert (task.owner, task.session, task.started) == ("bob", "s2", LATER)
    assert edit.forced == ("held",)


def test_a_forced_start_of_a_claimed_task_fences_its_holder_out() -> None:
    """The number of the claim rises, so that what the old holder finishes later is refused."""
    claimed = having(a={**RUNNING, "claim": 1})
    edit = run(claimed, act(Verb.START), context=by("bob", "s2", force=True))
    assert edit.after.tasks["a"].claim == 2


@pytest.mark.parametrize(
    ("fields", "way"), [(COMPLETED, "reopen"), (SKIPPED, "reopen"), (DELETED, "restore")]
)
def test_start_of_a_closed_task_is_refused_with_the_way_to_open_it(
    fields: dict[str, object], way: str
) -> None:
    refusal = refused("closed", having(a=fields), act(Verb.START))
    assert refusal.hint == f"open it again: gittasks {way} a"


def test_closed_cannot_be_forced() -> None:
    refused("closed", having(a=COMPLETED), act(Verb.START), context=by("ann", force=True))


def test_start_of_a_blocked_task_is_refused_with_all_open_blockers() -> None:
    refusal = refused("blocked", having(a={"blocked_by": ("b", "c")}), act(Verb.START))
    assert "b (Iteration 1/2: Check), c (Iteration 2/2: Check)" in refusal.message
    assert refusal.tasks == ("b", "c")


def test_a_blocked_task_starts_with_force_and_the_rule_is_recorded() -> None:
    start = having(a={"blocked_by": ("b",)})
    assert run(start, act(Verb.START), context=by("ann", force=True)).forced == ("blocked",)


def test_force_that_was_not_needed_is_not_recorded() -> None:
    assert run(seeded(), act(Verb.START), context=by("ann", force=True)).forced == ()


def test_one_task_in_progress_per_owner() -> None:
    refusal = refused("one-in-progress", having(b=RUNNING), act(Verb.START))
    assert "ann already has b" in refusal.message
    assert "gittasks done b" in (refusal.hint or "")
    assert "--parallel" in (refusal.hint or "")


def test_parallel_and_other_owners_may_have_more_in_progress() -> None:
    start = having(b=RUNNING)
    assert run(start, act(Verb.START), context=by("ann", parallel=True)).forced == ()
    assert run(start, act(Verb.START), context=BOB).made
    forced = run(start, act(Verb.START), context=by("ann", "s1", force=True))
    assert forced.forced == ("one-in-progress",)


def test_one_session_runs_the_tasks_of_several_owners_and_finishes_them() -> None:
    """The parallel review of five models, driven by one session."""
    start = having(a={"owner": "grok"}, b={"owner": "gemini"})
    edit = run(start, act(Verb.START, "a"), act(Verb.START, "b"))
    assert [edit.after.tasks[i].owner for i in "ab"] == ["grok", "gemini"]
    done = run(edit.after, act(Verb.DONE, "a"), act(Verb.DONE, "b"))
    assert [done.after.tasks[i].owner for i in "ab"] == ["grok", "gemini"]


# --- held -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "operation",
    [
        act(Verb.DONE),
        act(Verb.SKIP),
        act(Verb.RELEASE),
        act(Verb.DELETE),
        Update(id="a", owner="bob"),
        Update(id="a", status=Status.PENDING),
    ],
    ids=str,
)
def test_another_named_owner_moves_no_task_that_is_held_under_a_session(
    operation: Operation,
) -> None:
    bob = by("bob", "s2", named=True)
    refused("held", having(a=RUNNING), operation, context=bob)
    assert run(having(a=RUNNING), operation, context=ANN).forced == ()
    assert run(having(a=RUNNING), operation, context=bob._replace(force=True)).forced == ("held",)


@pytest.mark.parametrize(
    "operation",
    [
        Update(id="a", subject="Other"),
        Update(id="a", result="r"),
        Update(id="a", add_blocked_by=("b",)),
        Update(id="b", add_blocks=("a",)),
        Update(id="a", metadata={"k": 1}),
        Create(subject="New", blocks=("a",)),
    ],
    ids=str,
)
def test_fields_and_links_of_a_held_task_are_changed_by_anybody(operation: Operation) -> None:
    edit = run(having(a={**RUNNING, "claim": 1}), operation, context=by("bob", "s2", named=True))
    assert edit.made
    assert edit.forced == ()


def test_a_note_is_always_allowed() -> None:
    for fields in (RUNNING, COMPLETED, DELETED):
        task = run(having(a=fields), AddNote(id="a", text=" hm \r\n"), context=BOB).after.tasks["a"]
        assert task.notes == ((LATER, "bob", " hm"),)


def test_an_operation_that_changes_nothing_is_allowed_on_a_held_task() -> None:
    assert not run(having(a=RUNNING), Update(id="a", subject="Write"), context=BOB).made


def test_without_a_session_anyone_may_finish_a_task() -> None:
    running = having(a={**RUNNING, "session": None})
    task = run(running, act(Verb.DONE), context=BOB).after.tasks["a"]
    assert (task.status, task.owner) == (Status.COMPLETED, "ann")


# --- done -----------------------------------------------------------------------------------


def test_done_keeps_owner_session_and_start() -> None:
    task = run(having(a=RUNNING), act(Verb.DONE, result="PASS")).after.tasks["a"]
    assert (task.owner, task.session, task.started, task.finished) == ("ann", "s1", NOW, LATER)
    assert task.result == "PASS"


def test_done_of_a_pending_task_sets_both_times() -> None:
    task = run(seeded(), act(Verb.DONE, owner="eve")).after.tasks["a"]
    assert (task.status, task.owner, task.started, task.finished) == (
        Status.COMPLETED,
        "eve",
        LATER,
        LATER,
    )


def test_done_of_a_pending_task_with_open_blockers_is_refused() -> None:
    refused("blocked", having(a={"blocked_by": ("b",)}), act(Verb.DONE))


def test_done_again_only_sets_another_result() -> None:
    assert not run(having(a=COMPLETED), act(Verb.DONE)).made
    assert not run(having(a=COMPLETED), act(Verb.DONE, result="PASS")).made
    edit = run(having(a=COMPLETED), act(Verb.DONE, result="5 fixed"))
    assert edit.after.tasks["a"] == edit.before.tasks["a"]._replace(result="5 fixed")


@pytest.mark.parametrize("fields", [SKIPPED, DELETED])
def test_done_of_a_skipped_or_deleted_task_is_refused(fields: dict[str, object]) -> None:
    refused("closed", having(a=fields), act(Verb.DONE))


def test_end_loop_skips_the_iterations_of_the_same_loop_that_are_pending() -> None:
    others = [
        Task(id="d", subject="Iteration 2/3: Check"),
        Task(id="e", subject="Iteration 2/2: Other"),
        Task(id="f", subject="Iteration 2/2: Check", phase="9"),
        Task(id="g", subject="Iteration 2/2: Check", **COMPLETED),  # type: ignore[arg-type]
    ]
    edit = run(seeded().with_tasks(*others), act(Verb.DONE, "b", end_loop=True, result="PASS"))
    assert edit.changed == ("b", "c")
    task = edit.after.tasks["c"]
    assert (task.status, task.result, task.finished) == (Status.SKIPPED, LOOP_ENDED, LATER)


def test_end_loop_of_a_task_in_no_loop_is_refused() -> None:
    refused("no-loop", seeded(), act(Verb.DONE, "a", end_loop=True))


# --- skip, reopen, release --------------------------------------------------------------------


def test_skip_closes_and_clears_start_and_session() -> None:
    task = run(having(a=RUNNING), act(Verb.SKIP, result="obsolete")).after.tasks["a"]
    assert (task.status, task.session, task.started) == (Status.SKIPPED, None, None)
    assert (task.finished, task.result) == (LATER, "obsolete")


@pytest.mark.parametrize("fields", [COMPLETED, DELETED])
def test_skip_of_a_completed_or_deleted_task_is_refused(fields: dict[str, object]) -> None:
    refused("closed", having(a=fields), act(Verb.SKIP))


@pytest.mark.parametrize("fields", [COMPLETED, SKIPPED])
def test_reopen_clears_all_but_the_owner(fields: dict[str, object]) -> None:
    start = having(a={**fields, "owner": "ann"})
    task = run(start, act(Verb.REOPEN)).after.tasks["a"]
    assert task == seeded().tasks["a"]._replace(owner="ann")


def test_reopen_of_a_task_in_progress_points_to_release() -> None:
    refusal = refused("in-progress", having(a=RUNNING), act(Verb.REOPEN))
    assert refusal.hint is not None
    assert refusal.hint.endswith("give it back: gittasks release a")


def test_reopen_of_a_deleted_task_points_to_restore() -> None:
    assert "gittasks restore a" in str(refused("closed", having(a=DELETED), act(Verb.REOPEN)).hint)


def test_release_makes_the_task_as_it_was_before_anybody_had_it() -> None:
    assert run(having(a=RUNNING), act(Verb.RELEASE)).after == seeded()
    assert run(having(a={"owner": "ann"}), act(Verb.RELEASE)).after == seeded()
    assert not run(seeded(), act(Verb.RELEASE)).made


@pytest.mark.parametrize("fields", [COMPLETED, SKIPPED, DELETED])
def test_release_of_a_closed_task_is_refused(fields: dict[str, object]) -> None:
    refused("closed", having(a=fields), act(Verb.RELEASE))


# --- delete, restore --------------------------------------------------------------------------


@pytest.mark.parametrize("fields", [{}, COMPLETED, SKIPPED, {"owner": "ann"}])
def test_restore_brings_back_what_delete_hid(fields: dict[str, object]) -> None:
    start = having(a=fields)
    hidden = run(start, act(Verb.DELETE)).after
    assert hidden.tasks["a"].status is Status.DELETED
    assert run(hidden, act(Verb.RESTORE)).after == start


def test_a_task_deleted_in_progress_comes_back_pending_with_its_owner() -> None:
    hidden = run(having(a=RUNNING), act(Verb.DELETE)).after
    assert hidden.tasks["a"].session is None
    assert run(hidden, act(Verb.RESTORE)).after == having(a={"owner": "ann"})


def test_restore_of_a_task_that_is_not_deleted_changes_nothing() -> None:
    assert not run(having(a=RUNNING), act(Verb.RESTORE), context=BOB).made


def test_restore_is_refused_when_it_would_close_a_cycle() -> None:
    start = having(a={**DELETED, "blocked_by": ("b",)}, b={"blocked_by": ("a",)})
    refusal = refused("cycle", start, act(Verb.RESTORE))
    assert refusal.details["cycle"] == ["a", "b", "a"]
    assert ("gittasks", "update", "b", "--remove-blocked-by", "a") in refusal.commands


@pytest.mark.parametrize(
    "operation",
    [Update(id="a", subject="Other"), Update(id="b", add_blocks=("a",))],
    ids=str,
)
def test_a_deleted_task_is_not_changed(operation: Operation) -> None:
    refused("deleted", having(a=DELETED), operation)


# --- status through update ----------------------------------------------------------------------


def test_update_to_pending_keeps_the_owner_and_reopens_what_is_closed() -> None:
    back = Update(id="a", status=Status.PENDING)
    owned = having(a={"owner": "ann"})
    assert run(having(a=RUNNING), back).after == owned
    assert run(having(a=COMPLETED), back).after == owned
    assert run(having(a={**COMPLETED, **DELETED}), back).after == owned


def test_update_of_the_status_obeys_the_rules_of_the_transition() -> None:
    refused("closed", having(a=COMPLETED), Update(id="a", status=Status.IN_PROGRESS))
    refused("closed", having(a=SKIPPED), Update(id="a", status=Status.COMPLETED))
    start = having(a={"blocked_by": ("b",)})
    refused("blocked", start, Update(id="a", status=Status.IN_PROGRESS))
    refused("one-in-progress", having(b=RUNNING), Update(id="a", status=Status.IN_PROGRESS))
    assert run(seeded(), Update(id="a", status=Status.DELETED)).after == having(a=DELETED)


def test_update_with_status_and_owner_starts_for_that_owner_and_may_be_repeated() -> None:
    update = Update(id="a", status=Status.IN_PROGRESS, owner="eve")
    for context in (ANN, by("ann")):
        edit = run(seeded(), update, context=context)
        assert edit.after.tasks["a"].owner == "eve"
        assert not run(edit.after, update, context=context).made


def test_update_cannot_take_a_task_that_another_owner_is_working_on_by_starting_it() -> None:
    running = having(a={**RUNNING, "session": None})
    update = Update(id="a", status=Status.IN_PROGRESS, owner="bob")
    refused("held", running, update, context=by("bob"))


def test_handing_a_task_on_leaves_the_session_behind() -> None:
    task = run(having(a=RUNNING), Update(id="a", owner="bob")).after.tasks["a"]
    assert (task.owner, task.session, task.status) == ("bob", None, Status.IN_PROGRESS)


def test_a_task_in_progress_is_not_handed_to_an_owner_who_has_one() -> None:
    start = having(a=RUNNING, b={**RUNNING, "owner": "bob", "session": None})
    refused("one-in-progress", start, Update(id="a", owner="bob"))
    refused("one-in-progress", start, Update(id="a", owner="bob", status=Status.IN_PROGRESS))


def test_a_result_alone_is_allowed_in_any_state_but_deleted() -> None:
    for fields in ({}, RUNNING, COMPLETED, SKIPPED):
        edit = run(having(a=fields), Update(id="a", result="3 left"))
        assert edit.after.tasks["a"].result == "3 left"


# --- next ---------------------------------------------------------------------------------------


def test_start_next_starts_the_first_that_is_ready_for_the_owner() -> None:
    start = having(a={"owner": "bob"}, b={"blocked_by": ("a",)})
    assert run(start, StartNext()).focus == ("c",)
    assert run(start, StartNext(owner="bob")).focus == ("a",)


def test_start_next_with_nothing_ready_is_no_error() -> None:
    edit = run(having(a=RUNNING, b=COMPLETED, c={"blocked_by": ("a",)}), StartNext())
    assert (edit.focus, edit.made) == (("",), False)


def test_done_and_next_in_one_step_see_each_other() -> None:
    edit = run(having(a=RUNNING, b={"blocked_by": ("a",)}), act(Verb.DONE), StartNext())
    assert edit.focus == ("a", "b")
    assert edit.unblocked == ()


def test_a_misspelled_beginning_finds_its_task() -> None:
    """People type the beginning of an id, so near matches compare with beginnings too."""
    assert near_matches("drow", ["draw-it-up", "review-it"]) == ["draw-it-up"]


def test_a_slow_clock_states_no_time_before_what_it_has_seen() -> None:
    """Neither before the task was made or begun, nor before its blockers were finished."""
    late, later = "2099-01-01T00:00:00Z", "2099-01-02T00:00:00Z"
    blocker = Task(id="b", subject="B", status=Status.COMPLETED, started=late, finished=later)
    made = Task(id="a", subject="A", created=late)
    ready = made._replace(id="c", blocked_by=("b",))
    snapshot = Snapshot(info=ListInfo(id="plan"), tasks={t.id: t for t in (made, blocker, ready)})
    context = Context(NOW, Actor("ann", None), 1, parallel=True)
    for verb in (Verb.DONE, Verb.SKIP):
        assert apply(snapshot, [Transition(verb, "a")], context).after.tasks["a"].finished == late
    begun = apply(snapshot, [Transition(Verb.START, "c")], context).after
    assert begun.tasks["c"].started == later
    assert apply(begun, [Transition(Verb.DONE, "c")], context).after.tasks["c"].finished == later


def test_two_equal_notes_of_one_second_are_two() -> None:
    """The second is told a second later, since the merge knows a note by its content."""
    notes = run(seeded(), AddNote("a", "hm"), AddNote("a", "hm")).after.tasks["a"].notes
    assert [(n.at, n.text) for n in notes] == [(LATER, "hm"), ("2026-11-22T11:00:01Z", "hm")]
