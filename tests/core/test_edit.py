"""Applying operations: creating, changing, dependencies, batches, and the laws of all of it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, event, given, reject
from hypothesis import strategies as st
from support.strategies import (
    IDS,
    NOW,
    OWNERS,
    built,
    contexts,
    history,
    operations,
    runs,
    seeded,
    transitions,
)

from gittasks.core.apply import Edit, apply, between
from gittasks.core.changes import same_task
from gittasks.core.editor import Editor
from gittasks.core.graph import Graph
from gittasks.core.model import Actor, ListInfo, Problem, Snapshot, Status, Task
from gittasks.core.operations import (
    AddNote,
    Claim,
    Context,
    Create,
    Operation,
    Retitle,
    StartNext,
    Transition,
    Update,
    Verb,
)
from gittasks.errors import GittasksError, NotFound, Refused, Usage

CONTEXT = Context(now=NOW, actor=Actor("ann", "s1"), entropy=12345)
EMPTY = Snapshot(info=ListInfo(id="work"))


def run(snapshot: Snapshot, *ops: Operation, context: Context = CONTEXT) -> Edit:
    return apply(snapshot, ops, context)


# --- create -----------------------------------------------------------------------------------


def test_a_created_task_is_pending_last_and_signed() -> None:
    edit = run(seeded(), Create(subject="  Ship it "))
    task = edit.after.tasks[edit.focus[0]]
    assert task == Task(id=task.id, subject="Ship it", order=4, created=NOW, created_by="ann")
    assert task.id.startswith("ship-it-")
    assert edit.created == edit.changed == (task.id,)


def test_equal_contexts_make_equal_ids_and_one_batch_makes_different_ones() -> None:
    twice = (Create(subject="x"), Create(subject="x"))
    assert run(EMPTY, *twice).focus == run(EMPTY, *twice).focus
    assert len(set(run(EMPTY, *twice).focus)) == 2


def test_the_order_counts_on_from_the_greatest_and_is_whole() -> None:
    start = EMPTY.with_tasks(
        Task(id="a", subject="x", order=4.5), Task(id="b", subject="x", order=float("inf"))
    )
    edit = run(start, Create(subject="y", id="y"), Create(subject="z", id="z"))
    assert [edit.after.tasks[i].order for i in "yz"] == [5, 6]
    assert isinstance(edit.after.tasks["y"].order, int)
    assert run(EMPTY, Create(subject="y", id="y")).after.tasks["y"].order == 1


def test_a_given_id_with_the_same_subject_is_the_same_task() -> None:
    edit = run(seeded(), Create(subject="Write", id="a", description="other"))
    assert (edit.focus, edit.created, edit.made) == (("a",), (), False)


def test_a_given_id_with_another_subject_is_refused() -> None:
    with pytest.raises(Refused, match="exists") as caught:
        run(seeded(), Create(subject="Other", id="a"))
    assert caught.value.rule == "exists"


@pytest.mark.parametrize("bad", ["A", "", "a/b", "nul", "a" * 64, "-a"])
def test_a_given_id_must_be_valid(bad: str) -> None:
    with pytest.raises(Usage, match="is not a task id"):
        run(EMPTY, Create(subject="x", id=bad))


@pytest.mark.parametrize("bad", ["", "  ", "a\nb", "a\x1b[31m", "x" * 501, "a\u2028b", "\ud800"])
def test_a_subject_is_one_line_of_text(bad: str) -> None:
    with pytest.raises(Usage):
        run(EMPTY, Create(subject=bad))
    with pytest.raises(Usage):
        run(seeded(), Update(id="a", subject=bad))


@pytest.mark.parametrize(
    "operation",
    [
        Create(subject="x", owner="a\nb"),
        Create(subject="x", active_form="a\tb"),
        Create(subject="x", phase="x" * 501),
        Create(subject="x", result="a\x00"),
        Create(subject="x", metadata={" ": 1}),
        Create(subject="x", metadata={"a\nb": 1}),
        Create(subject="x", metadata={"k": "\x1b"}),
        Create(subject="x", metadata={"k": [{"deep": float("nan")}]}),
        Create(subject="x", metadata={"k": [[[[[[[[[[]]]]]]]]]]}),
        Create(subject="x", metadata={"k": ["y" * 60_000, "y" * 60_000]}),
        Create(subject="x", description="\x07"),
        Create(subject="x", description="\u00e4" * 60_000),
        Create(subject="x", order=float("inf")),
        Create(subject="x", iterations=0),
        Create(subject="x", iterations=1001),
        Create(subject="x", iterations=2, status=Status.COMPLETED),
        AddNote(id="a", text=" \n"),
        AddNote(id="a", text="x\ry"),
        Retitle(title="a\nb"),
    ],
    ids=lambda o: repr(o)[:60],
)
def test_what_cannot_be_stored_is_a_usage_error(operation: Operation) -> None:
    with pytest.raises(Usage):
        run(seeded(), operation)


def test_long_texts_keep_their_lines_and_lose_their_end() -> None:
    edit = run(EMPTY, Create(subject="x", id="x", description="one\r\n\ttwo\n\n  \n"))
    assert edit.after.tasks["x"].description == "one\n\ttwo"
    assert run(EMPTY, Create(subject="x", id="x", description=" ")).after.tasks["x"] == Task(
        id="x", subject="x", order=1, created=NOW, created_by="ann"
    )


@pytest.mark.parametrize("phase", ["3", "PHASE 3"])
def test_a_phase_that_the_subject_says_already_is_not_stored_twice(phase: str) -> None:
    edit = run(EMPTY, Create(subject="PHASE 3: Test", id="x", phase=phase))
    assert edit.after.tasks["x"].phase is None
    assert run(edit.after, Update(id="x", phase="4")).after.tasks["x"].phase == "4"


def test_dependencies_are_given_at_creation_both_ways() -> None:
    edit = run(seeded(), Create(subject="x", id="x", blocked_by=("a", "b"), blocks=("c",)))
    assert edit.after.tasks["x"].blocked_by == ("a", "b")
    assert edit.after.tasks["c"].blocked_by == ("x",)
    assert edit.changed == ("x", "c")


def test_a_status_at_creation_goes_through_the_transition() -> None:
    edit = run(
        seeded(), Create(subject="x", id="x", status=Status.COMPLETED, owner="eve", result="PASS")
    )
    task = edit.after.tasks["x"]
    assert (task.owner, task.started, task.finished, task.result) == ("eve", NOW, NOW, "PASS")
    with pytest.raises(Refused, match="blocked"):
        run(seeded(), Create(subject="x", status=Status.IN_PROGRESS, blocked_by=("a",)))


def test_iterations_are_a_chain_between_blockers_and_dependents() -> None:
    edit = run(
        seeded(),
        Create(
            subject="Designer validation",
            id="val",
            active_form="Designer validating",
            iterations=3,
            blocked_by=("a",),
            blocks=("c",),
        ),
    )
    made = [edit.after.tasks[i] for i in edit.created]
    assert edit.created == ("val-1", "val-2", "val-3")
    assert edit.focus == ("val-1",)
    assert [t.subject for t in made] == [f"Iteration {i}/3: Designer validation" for i in (1, 2, 3)]
    assert [t.blocked_by for t in made] == [("a",), ("val-1",), ("val-2",)]
    assert edit.after.tasks["c"].blocked_by == ("val-3",)
    assert made[1].active_form == "Designer validating (2/3)"
    assert [t.order for t in made] == [1.2, 1.5, 1.8]


def test_iterations_of_a_subject_with_a_phase_stay_in_the_phase() -> None:
    edit = run(EMPTY, Create(subject="PHASE 2: Check", id="x", iterations=2, order=5))
    made = [edit.after.tasks[i] for i in edit.created]
    assert [(t.subject, t.phase_label, t.order) for t in made] == [
        ("Iteration 1/2: Check", "PHASE 2", 5),
        ("Iteration 2/2: Check", "PHASE 2", 5.001),
    ]


def test_iterations_with_an_id_may_be_created_again() -> None:
    loop = Create(subject="Check", id="x", iterations=3)
    assert not run(run(EMPTY, loop).after, loop).made


# --- dependencies -------------------------------------------------------------------------------


def test_the_whole_cycle_is_shown() -> None:
    start = run(
        seeded(), Update(id="a", add_blocked_by=("b",)), Update(id="b", add_blocked_by=("c",))
    ).after
    with pytest.raises(Refused, match="c → a → b → c") as caught:
        run(start, Update(id="c", add_blocked_by=("a",)))
    assert caught.value.rule == "cycle"
    assert caught.value.details["cycle"] == ["c", "a", "b", "c"]
    assert caught.value.commands[0] == ("gittasks", "update", "a", "--remove-blocked-by", "b")
    with pytest.raises(Refused, match="c → a → b → c"):
        run(start, Update(id="a", add_blocks=("c",)), context=CONTEXT._replace(force=True))


@pytest.mark.parametrize(
    "operation",
    [
        Update(id="a", add_blocked_by=("a",)),
        Update(id="a", add_blocks=("a",)),
        Create(subject="x", id="x", blocked_by=("x",)),
        Create(subject="x", id="x", blocked_by=("a",), blocks=("a",)),
    ],
    ids=str,
)
def test_a_task_cannot_wait_for_itself(operation: Operation) -> None:
    with pytest.raises(Refused) as caught:
        run(seeded(), operation)
    assert caught.value.rule == "cycle"


def test_an_edge_that_is_there_or_not_there_changes_nothing() -> None:
    start = run(seeded(), Update(id="a", add_blocked_by=("b",))).after
    assert not run(start, Update(id="a", add_blocked_by=("b",))).made
    assert not run(start, Update(id="b", add_blocks=("a",))).made
    assert not run(start, Update(id="a", remove_blocked_by=("c",), remove_blocks=("b",))).made


def test_one_update_can_turn_a_dependency_round() -> None:
    start = run(seeded(), Update(id="a", add_blocked_by=("b",))).after
    after = run(start, Update(id="a", remove_blocked_by=("b",), add_blocks=("b",))).after
    assert (after.tasks["a"].blocked_by, after.tasks["b"].blocked_by) == ((), ("a",))


def test_a_blocker_that_is_not_in_the_list_can_be_removed() -> None:
    start = seeded().with_tasks(Task(id="a", subject="x", blocked_by=("gone-1", "b")))
    after = run(start, Update(id="a", remove_blocked_by=("gone-1",))).after
    assert after.tasks["a"].blocked_by == ("b",)


@pytest.mark.parametrize(
    "operation",
    [
        Update(id="a", add_blocked_by=("nope",)),
        Update(id="a", remove_blocks=("nope",)),
        Create(subject="x", blocks=("nope",)),
        Transition(Verb.START, "nope"),
        AddNote(id="nope", text="x"),
    ],
    ids=str,
)
def test_an_unknown_id_is_not_found(operation: Operation) -> None:
    with pytest.raises(NotFound):
        run(seeded(), operation)


def test_a_typed_id_finds_a_deleted_task_too() -> None:
    typed = CONTEXT._replace(cut_ids=True)
    start = EMPTY.with_tasks(Task(id="plan-x", subject="x"), Task(id="play-x", subject="x"))
    hidden = run(start, Transition(Verb.DELETE, "plan"), context=typed).after
    assert run(hidden, Transition(Verb.RESTORE, "plan"), context=typed).focus == ("plan-x",)


def test_a_cut_id_in_a_creation_never_means_the_new_task() -> None:
    start = EMPTY.with_tasks(Task(id="plan-x", subject="x"))
    create = Create(subject="y", id="plan-y", blocked_by=("plan",))
    edit = run(start, create, context=CONTEXT._replace(cut_ids=True))
    assert edit.after.tasks["plan-y"].blocked_by == ("plan-x",)


# --- update -------------------------------------------------------------------------------------


def test_none_keeps_and_the_empty_text_clears() -> None:
    start = run(
        seeded(), Update(id="a", description="d", active_form="f", owner="o", result="r", phase="4")
    ).after
    assert start.tasks["a"].description == "d"
    assert not run(start, Update(id="a")).made
    update = Update(id="a", description="", active_form="", owner="", result="", phase="")
    assert run(start, update).after == seeded()


def test_metadata_keys_are_set_and_unset_one_by_one() -> None:
    start = run(seeded(), Update(id="a", metadata={"k": 1, "l": "x"})).after
    after = run(start, Update(id="a", metadata={"m": None}, unset=("k", "zz"))).after
    assert after.tasks["a"].metadata == {"l": "x"}
    assert run(start, Update(id="a", metadata={"k": True})).changed == ("a",)


# --- batches ------------------------------------------------------------------------------------


def test_each_operation_sees_those_before_it() -> None:
    edit = run(
        EMPTY,
        Create(subject="One", id="one"),
        Create(subject="Two", id="two", blocked_by=("one",)),
        Transition(Verb.DONE, "one"),
        StartNext(),
        Retitle(title="Title"),
    )
    assert edit.focus == ("one", "two", "one", "two", "")
    assert edit.after.tasks["two"].status is Status.IN_PROGRESS
    assert edit.after.info.title == "Title"


def test_a_failing_batch_names_the_operation_and_changes_nothing() -> None:
    start = seeded()
    with pytest.raises(NotFound) as caught:
        run(start, Transition(Verb.START, "a"), Transition(Verb.START, "nope"))
    assert caught.value.details["operation"] == 1
    assert start == seeded()


def test_unblocked_names_what_became_ready_by_this_edit() -> None:
    start = run(
        seeded(), Update(id="b", add_blocked_by=("a",)), Update(id="c", add_blocked_by=("a", "b"))
    ).after
    assert run(start, Transition(Verb.DONE, "a")).unblocked == ("b",)
    assert run(start, Transition(Verb.DELETE, "a")).unblocked == ("b",)
    assert run(start, Update(id="b", remove_blocked_by=("a",))).unblocked == ("b",)
    assert run(start, Transition(Verb.START, "a")).unblocked == ()


# --- laws ---------------------------------------------------------------------------------------


@given(runs())
def test_law_no_sequence_of_operations_closes_a_cycle(
    steps: list[tuple[Operation, Context]],
) -> None:
    for snapshot in history(steps):
        assert Graph(snapshot.tasks).find_cycle() is None


@given(runs(parallel=False, force=False))
def test_law_an_owner_has_at_most_one_task_in_progress_in_a_session(
    steps: list[tuple[Operation, Context]],
) -> None:
    for snapshot in history(steps):
        running = [
            (t.owner, t.session)
            for t in snapshot.tasks.values()
            if t.status is Status.IN_PROGRESS and t.owner and not t.left
        ]
        assert len(running) == len(set(running))


@given(runs())
def test_law_the_times_and_the_session_fit_the_status(
    steps: list[tuple[Operation, Context]],
) -> None:
    for snapshot in history(steps):
        for task in snapshot.tasks.values():
            if task.status is Status.PENDING:
                assert (task.session, task.started, task.finished) == (None, None, None)
            elif task.status is Status.IN_PROGRESS:
                assert (task.started is None, task.finished) == (False, None)
            elif task.status is Status.COMPLETED:
                assert None not in (task.started, task.finished)
            elif task.status is Status.SKIPPED:
                assert (task.session, task.started, task.finished is None) == (None, None, False)


_CLAIMS = built(Claim, id=st.sampled_from(IDS[:2]), resume=st.booleans(), take_over=st.booleans())


_MOVES = st.builds(
    Transition,
    st.sampled_from((Verb.START, Verb.START, Verb.DONE, Verb.RELEASE, Verb.REOPEN)),
    st.sampled_from(IDS[:2]),
    owner=st.sampled_from((None, *OWNERS)),
)


def _holder(task: Task) -> tuple[str | None, str | None]:
    return task.owner, task.session


@given(runs(among=_CLAIMS | _MOVES, parallel=True, force=True, least=6))
def test_law_the_number_of_a_claim_never_goes_down(
    steps: list[tuple[Operation, Context]],
) -> None:
    """Nor is it that of another holder: who had the task before is fenced out."""
    for before, after in pairwise(history(steps)):
        for task_id, task in before.tasks.items():
            new = after.tasks[task_id]
            assert new.claim >= task.claim
            running = task.status is new.status is Status.IN_PROGRESS
            if task.claim and running and _holder(new) != _holder(task):
                event("a claimed task goes on with another")
                assert new.claim > task.claim


@given(runs(), transitions, contexts())
def test_law_the_same_transition_again_changes_nothing(
    past: list[tuple[Operation, Context]], transition: Transition, context: Context
) -> None:
    try:
        once = apply(history(past)[-1], [transition], context).after
    except GittasksError:
        reject()
    later = context._replace(now="2026-11-22T12:00:00Z")
    try:
        assert not apply(once, [transition], later).made
    except Refused as refusal:
        # Without a session nothing tells who started a task for its assigned owner.
        task = once.tasks[transition.id]
        assigned = task.session is None and task.owner not in (
            transition.owner,
            context.actor.owner,
        )
        if not (transition.verb is Verb.START and refusal.rule == "held" and assigned):
            raise


@given(runs(), st.lists(operations, max_size=3), contexts())
def test_law_an_edit_describes_exactly_what_differs(
    past: list[tuple[Operation, Context]], batch: list[Operation], context: Context
) -> None:
    before = history(past)[-1]
    try:
        edit = apply(before, batch, context)
    except GittasksError:
        reject()
    everything = {**edit.before.tasks, **edit.after.tasks}
    differ = {
        i
        for i in everything
        if i not in edit.before.tasks
        or i not in edit.after.tasks
        or not same_task(edit.before.tasks[i], edit.after.tasks[i])
    }
    assert set(edit.changed) == differ
    assert list(edit.changed) == sorted(edit.changed, key=lambda i: everything[i].sort_key)
    assert set(edit.created) == set(edit.after.tasks) - set(before.tasks)
    assert len(edit.focus) == len(batch)
    assert edit.made == (edit.after != before or bool(differ))
    assert context.force or edit.forced == ()
    assert between(before, edit.after).unblocked == edit.unblocked


_WAITING = seeded().with_tasks(
    *(t._replace(blocked_by=("a",)) for t in seeded().tasks.values() if t.id != "a")
)
_ENDS = st.builds(
    Transition,
    st.sampled_from((Verb.DONE, Verb.SKIP, Verb.DELETE)),
    st.sampled_from(("a", "a", "b")),
)


@given(
    runs(size=3),
    st.tuples(st.lists(operations, max_size=1), st.lists(_ENDS, min_size=1, max_size=2)),
    contexts(parallel=True, force=True),
)
def test_law_unblocked_is_what_waited_before_and_waits_no_more(
    past: list[tuple[Operation, Context]],
    parts: tuple[list[Operation], list[Operation]],
    context: Context,
) -> None:
    def waiting(snapshot: Snapshot) -> set[str]:
        open_ids = {
            i for i, t in snapshot.tasks.items() if t.status in (Status.PENDING, Status.IN_PROGRESS)
        }
        alive = (t for t in snapshot.tasks.values() if t.status is not Status.DELETED)
        return {t.id for t in alive if open_ids & set(t.blocked_by)}

    before = history(past, _WAITING)[-1]
    try:
        edit = apply(before, [*parts[0], *parts[1]], context)
    except GittasksError:
        reject()
    freed = waiting(before) - waiting(edit.after)
    expected = [t.id for t in edit.after.ordered() if t.id in freed and t.status is Status.PENDING]
    event(f"something is unblocked: {bool(expected)}")
    assert list(edit.unblocked) == expected


@given(runs())
def test_law_blocks_and_blocked_by_say_the_same(steps: list[tuple[Operation, Context]]) -> None:
    snapshot = history(steps)[-1]
    graph = Graph(snapshot.tasks)
    alive = {t.id for t in snapshot.ordered()}
    for one in alive:
        for other in alive:
            assert (other in graph.blocks(one)) == (one in snapshot.tasks[other].blocked_by)


@given(runs(size=6), st.sampled_from(IDS), contexts(force=False))
def test_law_done_at_once_is_start_then_done(
    past: list[tuple[Operation, Context]], task_id: str, context: Context
) -> None:
    snapshot = history(past)[-1]
    context = context._replace(parallel=True)
    assume(snapshot.tasks[task_id].status is Status.PENDING)
    both = [Transition(Verb.START, task_id), Transition(Verb.DONE, task_id)]

    def outcome(ops: list[Transition]) -> object:
        try:
            return apply(snapshot, ops, context).after
        except Refused as refusal:
            return refusal.rule

    assert outcome(both[1:]) == outcome(both)


def test_a_draft_leaves_its_snapshot_as_it_was() -> None:
    start = seeded()
    draft = Editor(start, CONTEXT)
    draft.start("a")
    assert start == seeded()
    assert draft.tasks["a"].status is Status.IN_PROGRESS


def test_an_order_is_what_its_file_will_say() -> None:
    """A whole number is an int, decimals are cut to those of the file, and too large is refused."""
    edit = run(
        EMPTY, Create(subject="y", id="y", order=5.0), Create(subject="z", id="z", order=2.00000049)
    )
    assert [repr(edit.after.tasks[i].order) for i in "yz"] == ["5", "2"]
    with pytest.raises(Usage, match="not a number between"):
        run(EMPTY, Create(subject="y", order=10**9))


def test_when_the_orders_run_out_new_tasks_still_come_last() -> None:
    start = EMPTY.with_tasks(Task(id="a", subject="x", order=999_999_999))
    edit = run(start, Create(subject="y", id="y"))
    assert [t.id for t in edit.after.ordered()] == ["a", "y"]


def test_an_unreadable_blocker_blocks() -> None:
    """A task whose file cannot be read may be open, so nothing that waits for it starts."""
    problem = Problem("tasks/base.yaml", 3, "damaged")
    start = EMPTY.with_tasks(Task(id="dep", subject="x", blocked_by=("base",)))
    start = start._replace(problems=(problem,))
    assert not Graph.of(start).ready()
    with pytest.raises(Refused, match="base") as caught:
        run(start, Transition(verb=Verb.START, id="dep"))
    assert caught.value.rule == "blocked"
