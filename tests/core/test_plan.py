"""What applying a plan to a list does, and the laws that it keeps."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st
from support.strategies import built, plain_fields, seldom, subset

from gittasks.core.model import Actor, ListInfo, Snapshot, Status, Task
from gittasks.core.operations import Context
from gittasks.core.plan import Plan, PlannedTask, assign_ids, reconcile
from gittasks.errors import InvalidData, Refused

NOW = "2026-11-22T10:00:00Z"
LATER = "2026-11-22T11:00:00Z"
EMPTY = Snapshot(info=ListInfo(id="demo"))


def context(now: str = NOW, owner: str = "me", **rest: Any) -> Context:
    return Context(now=now, actor=Actor(owner), entropy=7, **rest)


def plan(*tasks: PlannedTask, title: str | None = None) -> Plan:
    return Plan(title=title, tasks=tasks, where="plan.yaml")


def planned(subject: str, line: int = 1, **fields: Any) -> PlannedTask:
    return PlannedTask(line=line, subject=subject, **fields)


def listed(*tasks: Task, title: str | None = None) -> Snapshot:
    return Snapshot(info=ListInfo(id="demo", title=title), tasks={t.id: t for t in tasks})


def ids_of(*tasks: PlannedTask) -> list[str | None]:
    return [t.id for t in assign_ids(plan(*tasks)).tasks]


# --- ids ------------------------------------------------------------------------------------


def test_a_task_without_id_is_named_by_its_subject() -> None:
    assert ids_of(planned("PHASE 3: Write tests"), planned("Ask user", id="a")) == [
        "p3-write-tests",
        "a",
    ]


def test_equal_subjects_are_numbered_past_the_ids_that_the_plan_gives() -> None:
    tasks = [planned("Review"), planned("Review"), planned("x", id="review-2"), planned("Review")]
    assert ids_of(*tasks) == ["review", "review-3", "review-2", "review-4"]


def test_a_subject_that_makes_no_valid_id_gets_a_number() -> None:
    assert ids_of(planned("Con"), planned("日本")) == ["con-2", "task"]


def test_ids_once_assigned_stay() -> None:
    once = assign_ids(plan(planned("A"), planned("A")))
    assert assign_ids(once) == once


def test_an_id_used_twice_is_an_error_at_its_second_line() -> None:
    with pytest.raises(InvalidData, match="used twice, first in line 3") as caught:
        ids_of(planned("A", 3, id="a"), planned("B", 5, id="a"))
    assert caught.value.where == "plan.yaml:5"


# --- creating -------------------------------------------------------------------------------


def test_an_empty_list_gets_the_tasks_in_the_order_of_the_plan() -> None:
    after = reconcile(plan(planned("B"), planned("A"), title="Ship"), EMPTY, context()).snapshot
    assert [(t.id, t.order, t.created, t.created_by) for t in after.ordered()] == [
        ("b", 1, NOW, "me"),
        ("a", 2, NOW, "me"),
    ]
    assert after.info.title == "Ship"


def test_stated_status_of_a_new_task_sets_times_and_owner() -> None:
    after = reconcile(
        plan(
            planned("A", status=Status.COMPLETED),
            planned("B", status=Status.IN_PROGRESS, owner="bot"),
            planned("C", status=Status.SKIPPED, result="not needed"),
            planned("D", status=Status.PENDING),
        ),
        EMPTY,
        context(),
    ).snapshot.tasks
    states = [(t.status.value, t.owner, t.started, t.finished) for t in after.values()]
    assert states == [
        ("completed", "me", NOW, NOW),
        ("in_progress", "bot", NOW, None),
        ("skipped", None, None, NOW),
        ("pending", None, None, None),
    ]
    assert after["c"].result == "not needed"


def test_a_phase_that_the_subject_says_already_is_not_stored() -> None:
    tasks = [
        planned("PHASE 1: A", phase="1"),
        planned("PHASE 1: B", phase="PHASE 2"),
        planned("C", phase="Build"),
    ]
    after = reconcile(plan(*tasks), EMPTY, context()).snapshot
    assert [t.phase for t in after.ordered()] == [None, "PHASE 2", "Build"]


# --- updating -------------------------------------------------------------------------------


def test_only_what_is_stated_and_differs_is_set() -> None:
    old = Task(
        id="a", subject="Old", description="keep", owner="bob", order=1, metadata={"k": 1, "m": 2}
    )
    stated = planned("New", id="a", active_form="Doing", metadata={"m": 3})
    after = reconcile(plan(stated), listed(old), context()).snapshot.tasks["a"]
    assert after == old._replace(subject="New", active_form="Doing", metadata={"k": 1, "m": 3})


def test_metadata_of_another_type_is_a_change() -> None:
    old = Task(id="a", subject="A", order=1, metadata={"k": 1})
    after = reconcile(plan(planned("A", metadata={"k": True})), listed(old), context()).snapshot
    assert after.tasks["a"].metadata["k"] is True


def test_equal_text_is_left_as_it_is_written() -> None:
    before = listed(Task(id="a", subject="A", description="text\n", order=1))
    done = reconcile(plan(planned("A", description="text")), before, context())
    assert done.snapshot is before


def test_dependencies_are_set_exactly_when_stated_and_left_when_not() -> None:
    a, b = Task(id="a", subject="A", order=1), Task(id="b", subject="B", order=2)
    c = Task(id="c", subject="C", order=3, blocked_by=("a",))
    silent = reconcile(plan(planned("C")), listed(a, b, c), context()).snapshot
    stated = reconcile(plan(planned("C", blocked_by=("b",))), listed(a, b, c), context()).snapshot
    cleared = reconcile(plan(planned("C", blocked_by=())), listed(a, b, c), context()).snapshot
    blockers = [s.tasks["c"].blocked_by for s in (silent, stated, cleared)]
    assert blockers == [("a",), ("b",), ()]


def test_dependencies_on_deleted_tasks_stay() -> None:
    gone = Task(id="gone", subject="G", status=Status.DELETED)
    before = listed(gone, Task(id="c", subject="C", order=1, blocked_by=("gone",)))
    assert reconcile(plan(planned("C", blocked_by=())), before, context()).snapshot is before


def test_a_deleted_task_stays_deleted_and_is_reported() -> None:
    before = listed(Task(id="a", subject="A", status=Status.DELETED))
    done = reconcile(plan(planned("Other", id="a")), before, context())
    assert done.snapshot is before
    assert done.notes == ("a is deleted in the list and stays so",)


FORWARD = {
    ("pending", "in_progress"),
    ("pending", "completed"),
    ("pending", "skipped"),
    ("in_progress", "completed"),
    ("in_progress", "skipped"),
}


@pytest.mark.parametrize("current", ["pending", "in_progress", "completed", "skipped"])
@pytest.mark.parametrize("stated", ["pending", "in_progress", "completed", "skipped"])
def test_status_only_moves_forward(current: str, stated: str) -> None:
    before = listed(Task(id="a", subject="A", status=Status(current), order=1))
    after = reconcile(plan(planned("A", status=Status(stated))), before, context()).snapshot
    moved = (current, stated) in FORWARD
    assert after.tasks["a"].status == (stated if moved else current)
    assert (after is before) != moved


def test_completing_keeps_the_start_and_the_owner_that_are_there() -> None:
    old = Task(id="a", subject="A", status=Status.IN_PROGRESS, owner="bob", started=NOW, order=1)
    stated = planned("A", status=Status.COMPLETED, owner="eve")
    after = reconcile(plan(stated), listed(old), context(LATER)).snapshot.tasks["a"]
    assert (after.owner, after.started, after.finished) == ("bob", NOW, LATER)


@pytest.mark.parametrize(("status", "session"), [("in_progress", "theirs"), ("pending", "mine")])
def test_completing_keeps_the_session_of_who_ran_it(status: str, session: str) -> None:
    """What was pending is started and completed by who applies the plan."""
    running = status == "in_progress"
    old = Task("a", "A", status=Status(status), session="theirs" if running else None, order=1)
    mine = context(LATER)._replace(actor=Actor("bob", "mine"))
    stated = plan(planned("A", status=Status.COMPLETED))
    after = reconcile(stated, listed(old), mine).snapshot.tasks["a"]
    assert (after.status, after.session) == (Status.COMPLETED, session)


def test_a_plan_reassigns_only_what_is_not_begun() -> None:
    pending = Task(id="a", subject="A", owner="bob", order=1)
    begun = Task(id="b", subject="B", owner="bob", status=Status.IN_PROGRESS, order=2)
    stated = plan(planned("A", owner="eve"), planned("B", owner="eve"))
    after = reconcile(stated, listed(pending, begun), context()).snapshot.tasks
    assert (after["a"].owner, after["b"].owner) == ("eve", "bob")


# --- references and rules -------------------------------------------------------------------


def test_references_are_ids_of_the_plan_or_of_the_list() -> None:
    before = listed(Task(id="ask-user-x2k4", subject="Ask"))
    tasks = [planned("A", blocked_by=("b", "ask-user-x2k4")), planned("B")]
    after = reconcile(plan(*tasks), before, context()).snapshot.tasks
    assert after["a"].blocked_by == ("b", "ask-user-x2k4")


def test_a_dependency_on_what_is_not_in_the_list_stays_where_it_was() -> None:
    """It may come by a merge. Nobody else may wait for it anew."""
    before = listed(Task("a", "A", blocked_by=("gone-x2k4",), order=1), Task("b", "B", order=2))
    stated = plan(planned("A", blocked_by=("gone-x2k4", "b")))
    after = reconcile(stated, before, context()).snapshot.tasks
    assert after["a"].blocked_by == ("gone-x2k4", "b")
    with pytest.raises(InvalidData, match='no task "gone-x2k4"'):
        reconcile(plan(planned("B", blocked_by=("gone-x2k4",))), before, context())


def test_all_faults_are_reported_the_first_by_line_in_front() -> None:
    tasks = [
        planned("Ask user", 2),
        planned("A", 7, blocked_by=("ask-usr",), lines={"ask-usr": 9}),
        planned("two\nlines", 4),
        planned("B", 11, owner="x" * 501, lines={"owner": 12}),
        planned("C", 13, description="bell \x07"),
    ]
    with pytest.raises(InvalidData, match="subject must be one line") as caught:
        reconcile(plan(*tasks), EMPTY, context())
    assert caught.value.where == "plan.yaml:4"
    assert [p["line"] for p in caught.value.details["problems"]] == [4, 9, 12, 13]


def test_an_unknown_reference_names_the_near_ones() -> None:
    tasks = [planned("Ask user"), planned("A", 5, blocked_by=("ask-usr",))]
    with pytest.raises(InvalidData, match='no task "ask-usr" in the plan or') as caught:
        reconcile(plan(*tasks), EMPTY, context())
    assert caught.value.hint == "did you mean ask-user?"


def test_a_reference_is_never_cut() -> None:
    """A plan is read again and again: a cut id would mean another task later."""
    tasks = [planned("Ask a"), planned("C", 5, blocked_by=("ask",))]
    with pytest.raises(InvalidData, match='no task "ask" in the plan') as caught:
        reconcile(plan(*tasks), EMPTY, context())
    assert caught.value.where == "plan.yaml:5"
    assert caught.value.hint == "did you mean ask-a?"


def test_a_cycle_is_refused_and_shown_whole() -> None:
    before = listed(Task(id="a", subject="A", blocked_by=("b",)), Task(id="b", subject="B"))
    with pytest.raises(Refused, match=r"b → a → b|a → b → a") as caught:
        reconcile(plan(planned("B", blocked_by=("a",))), before, context())
    assert caught.value.rule == "cycle"


def test_a_task_cannot_wait_for_itself() -> None:
    with pytest.raises(Refused, match="a → a"):
        reconcile(plan(planned("A", blocked_by=("a",))), EMPTY, context())


def test_a_plan_may_turn_a_dependency_round() -> None:
    before = listed(Task(id="a", subject="A", blocked_by=("b",)), Task(id="b", subject="B"))
    turned = plan(planned("A", blocked_by=()), planned("B", blocked_by=("a",)))
    after = reconcile(turned, before, context()).snapshot.tasks
    assert (after["a"].blocked_by, after["b"].blocked_by) == ((), ("a",))


def test_a_cycle_that_was_there_does_not_stop_a_plan_that_adds_nothing_to_it() -> None:
    before = listed(
        Task(id="a", subject="A", blocked_by=("b",)), Task(id="b", subject="B", blocked_by=("a",))
    )
    stated = plan(planned("A", blocked_by=("b",)), planned("C"))
    assert set(reconcile(stated, before, context()).snapshot.tasks) == {"a", "b", "c"}


def test_a_start_needs_closed_blockers_and_sees_what_the_plan_closes() -> None:
    waiting = planned("B", blocked_by=("a",), status=Status.IN_PROGRESS)
    with pytest.raises(Refused, match="blocked by a"):
        reconcile(plan(waiting, planned("A")), EMPTY, context())
    done = plan(waiting, planned("A", status=Status.COMPLETED))
    assert reconcile(done, EMPTY, context()).snapshot.tasks["b"].status is Status.IN_PROGRESS


def test_two_starts_for_one_owner_need_parallel() -> None:
    both = plan(*(planned(s, status=Status.IN_PROGRESS) for s in "AB"))
    with pytest.raises(Refused, match="already has a"):
        reconcile(both, EMPTY, context())
    assert len(reconcile(both, EMPTY, context(parallel=True)).snapshot.tasks) == 2
    assert reconcile(both, EMPTY, context(force=True)).forced == ("one-in-progress",)


def test_a_claimed_task_is_finished_only_by_its_holder_but_its_fields_are_free() -> None:
    held = Task(
        id="a", subject="A", status=Status.IN_PROGRESS, owner="bob", session="s1", claim=1, order=1
    )
    before = listed(held, Task(id="b", subject="B", order=2))
    finish = plan(planned("A", status=Status.COMPLETED))
    with pytest.raises(Refused, match="held by bob"):
        reconcile(finish, before, context())
    assert reconcile(finish, before, context(force=True)).forced == ("held",)
    reconcile(plan(planned("A", description="new")), before, context())
    moved = reconcile(plan(planned("B"), planned("A")), before, context()).snapshot
    assert [t.id for t in moved.ordered()] == ["b", "a"]


# --- laws -----------------------------------------------------------------------------------

names = st.sampled_from(["a", "b", "c", "d"])
numbers = st.sampled_from([None, 1, 2, 1.5, -1])
statuses = st.sampled_from([s for s in Status if s is not Status.DELETED])
plans = st.builds(
    Plan,
    title=st.sampled_from([None, "T"]),
    where=st.just("plan.md"),
    tasks=st.lists(
        built(
            PlannedTask,
            line=st.just(1),
            subject=st.sampled_from(["A", "B", "C", "PHASE 1: A", " x "]),
            id=st.none(),
            description=st.sampled_from([None, "text", " more\n"]),
            active_form=st.sampled_from([None, "Doing"]),
            owner=st.sampled_from([None, "me", "bob"]),
            phase=st.sampled_from([None, "1", "Build"]),
            status=st.none() | statuses,
            result=st.sampled_from([None, "PASS"]),
            blocked_by=st.none()
            | st.lists(st.sampled_from(["a", "b", "p1"]), max_size=2).map(tuple),
            metadata=st.sampled_from([None, {"k": 1}, {"k": True, "l": None}]),
            fields=plain_fields,
            clear=seldom(subset(("description", "result"), 1), ()),
        ),
        min_size=1,
        max_size=5,
    ).map(tuple),
)
tasks_there = built(
    Task,
    id=st.sampled_from(["a", "b", "c", "a-2", "p1-a"]),
    subject=st.sampled_from(["A", "B"]),
    status=st.sampled_from(list(Status)),
    owner=st.sampled_from([None, "me", "bob"]),
    phase=st.sampled_from([None, "1"]),
    order=numbers,
    blocked_by=st.lists(st.sampled_from(["a", "gone"]), max_size=1).map(tuple),
    metadata=st.sampled_from([{}, {"k": 1}, {"m": 2}]),
    created=st.sampled_from([NOW, None]),
)
snapshots = st.lists(tasks_there, max_size=4).map(lambda tasks: listed(*tasks))


@given(plans, snapshots, st.sampled_from([NOW, LATER]))
def test_law_applying_a_plan_again_changes_nothing(
    stated: Plan, before: Snapshot, now: str
) -> None:
    try:
        once = reconcile(stated, before, context(force=True)).snapshot
    except (Refused, InvalidData):
        assume(False)
    assert reconcile(stated, once, context(now, "you", force=False)).snapshot is once


@given(plans, snapshots, st.dictionaries(names, statuses))
def test_law_a_plan_takes_back_no_progress_made_since(
    stated: Plan, before: Snapshot, progress: dict[str, Status]
) -> None:
    try:
        once = reconcile(stated, before, context(force=True)).snapshot
    except (Refused, InvalidData):
        assume(False)
    rank = {"pending": 0, "in_progress": 1, "completed": 2, "skipped": 2, "deleted": 3}
    moved = once.with_tasks(
        *(
            once.tasks[i]._replace(status=status, owner="eve")
            for i, status in progress.items()
            if i in once.tasks and rank[status] > rank[once.tasks[i].status]
        )
    )
    after = reconcile(stated, moved, context(LATER, force=True)).snapshot
    for name, task in moved.tasks.items():
        assert rank[after.tasks[name].status] >= rank[task.status]
        if task.status is not Status.PENDING:
            assert after.tasks[name].owner == task.owner
    assert reconcile(stated, after, context(LATER, force=True)).snapshot is after


@given(plans, snapshots)
def test_law_two_clones_make_the_same_tasks(stated: Plan, before: Snapshot) -> None:
    twin = before._replace(tasks=dict(reversed(list(before.tasks.items()))))
    results: list[Any] = []
    for snapshot in (before, twin):
        try:
            after = reconcile(stated, snapshot, context()).snapshot
            results.append((after.info, dict(after.tasks)))
        except (Refused, InvalidData) as error:
            results.append(type(error))
    event(f"applied: {isinstance(results[0], tuple)}")
    assert results[0] == results[1]
