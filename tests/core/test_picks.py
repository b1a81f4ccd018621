"""Which of two concurrent writes is shown, and what is told about the other: a row a rule."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from support.merge_steps import (
    MADE,
    MAKER,
    ONE,
    OTHER,
    RESULT,
    SUBJECT,
    T1,
    T2,
    T3,
    TASK,
    A,
    Changes,
    edited,
    meeting,
    said,
    state,
    told,
)
from support.merge_world import LIST, START, Text, World

from gittasks.core.merge.registers import ABSENT, STATE, Register, State
from gittasks.core.merge.resolution import EXISTS, Write, winner
from gittasks.core.model import LOOP_ENDED, Note, Status

INFO: Changes = {("title",): "Plan", ("format",): 1, ("rules",): 1}
HM: Register = ("note", Note(T1, "ann", "hm"))
LATER, EARLIER = "the later", "the earlier"


class Row(NamedTuple):
    """Two commits on one, what each changes, whose `register` is shown, and the rule that is named
    when the other value is told; None where nothing is."""

    register: Register
    one: Changes
    other: Changes
    shown: str
    rule: str | None = "later"
    start: Changes = MappingProxyType({})
    kind: str = "field"


def states(one: State, other: State, shown: str, rule: str | None = "status-order") -> Row:
    return Row(STATE, {STATE: one}, {STATE: other}, shown, rule)


def values(
    register: Register,
    one: Any,
    other: Any,
    shown: str,
    rule: str | None = "later",
    start: Any = ABSENT,
) -> Row:
    before = {} if start is ABSENT else {register: start}
    return Row(register, {register: one}, {register: other}, shown, rule, before)


ROWS = {
    # the state is one register; what is done is done
    "deleted beats completed": states(state("deleted"), state("completed", finished=T1), ONE),
    "completed beats skipped": states(state("completed"), state("skipped", finished=T1), ONE),
    "skipped beats in progress": states(state("skipped"), state("in_progress", started=T1), ONE),
    "in progress beats pending": states(state("in_progress"), state("pending", "bob"), ONE),
    "completed beats in progress": states(state("completed", "ann"), state("in_progress"), ONE),
    "deleted beats pending": states(state("deleted"), state("pending", "bob"), ONE),
    # two claims: the first one, not the first or last commit
    "earlier start": states(
        state("in_progress", "bob", started=T1, session="s2"),
        state("in_progress", "ann", started=T2, session="s1"),
        ONE,
    ),
    "equal start, smaller session": states(
        state("in_progress", "bob", started=T1, session="s1"),
        state("in_progress", "ann", started=T1, session="s2"),
        ONE,
    ),
    "a start without a time": states(
        state("in_progress", "bob", session="s2"),
        state("in_progress", "ann", started=T1, session="s1"),
        ONE,
    ),
    "a start without a session": states(
        state("in_progress", "bob", started=T1),
        state("in_progress", "ann", started=T1, session="0"),
        ONE,
    ),
    "equal claims": states(
        state("in_progress", "bob", started=T1), state("in_progress", "ann", started=T1), EARLIER
    ),
    # two ends: the first one
    "earlier completion": states(
        state("completed", "bob", finished=T1, started=T2),
        state("completed", "ann", finished=T2, started=T1),
        ONE,
    ),
    "earlier skip": states(
        state("skipped", "bob", finished=T1), state("skipped", "ann", finished=T2), ONE
    ),
    "a completion without a time": states(
        state("completed", "bob"), state("completed", "ann", finished=T1), ONE
    ),
    "equal completions": states(
        state("completed", "bob", finished=T1), state("completed", "ann", finished=T1), EARLIER
    ),
    "two ends by one owner": states(
        state("completed", "bob", finished=T1, started=T1, session="s1"),
        state("completed", "bob", finished=T2, started=T2, session="s2"),
        ONE,
        None,
    ),
    "two starts by one owner": states(
        state("in_progress", "bob", started=T1, session="s1"),
        state("in_progress", "bob", started=T1, session="s2"),
        ONE,
    ),
    "two kinds of end by one owner": states(
        state("completed", "bob"), state("skipped", "bob"), ONE
    ),
    # a claim that a remote granted: the later one, whatever the status
    "a later claim and an old finish": states(
        state("in_progress", "bob", claim=2, started=T2),
        state("completed", "ann", claim=1, finished=T1),
        ONE,
    ),
    "a later claim and an earlier start": states(
        state("in_progress", "bob", claim=2, started=T2),
        state("in_progress", "ann", claim=1, started=T1),
        ONE,
    ),
    "finished work and a later claim that was given back": states(
        state("completed", "ann", claim=1, finished=T1), state("pending", claim=2), ONE
    ),
    "work that goes on and a later claim that was given back": states(
        state("in_progress", "ann", claim=1, started=T1), state("pending", claim=2), ONE
    ),
    "two claims that were given back": states(
        state("pending", "bob", claim=2), state("pending", "ann", claim=1), ONE
    ),
    # what only the end of its loop skipped gives way to all that somebody chose
    "a start and the end of the loop": Row(
        STATE,
        {STATE: state("in_progress", "ann", started=T2)},
        {STATE: state("skipped", finished=T1), RESULT: LOOP_ENDED},
        ONE,
        "status-order",
    ),
    "a new owner and the end of the loop": Row(
        STATE,
        {STATE: state("pending", "ann")},
        {STATE: state("skipped", claim=1, finished=T1), RESULT: LOOP_ENDED},
        ONE,
        "status-order",
    ),
    "two ends of the loop": Row(
        STATE,
        {STATE: state("skipped", "ann", finished=T1), RESULT: LOOP_ENDED},
        {STATE: state("skipped", "bob", finished=T2), RESULT: LOOP_ENDED},
        ONE,
        "status-order",
    ),
    "deleted beats a later claim": states(
        state("deleted", claim=1), state("in_progress", "ann", claim=2), ONE
    ),
    "deleted under two claims": states(
        state("deleted", "bob", claim=1), state("deleted", "ann", claim=2), LATER
    ),
    # open or deleted alike: the last word
    "two pending": states(state("pending", "bob"), state("pending", "ann"), LATER),
    "two deleted": states(
        state("deleted", "bob", finished=T2), state("deleted", finished=T1), LATER
    ),
    "the same state": states(state("skipped"), state("skipped"), ONE, None),
    # one value: the later one, whole
    "subject": values(SUBJECT, "B", "C", LATER),
    "active form": values(("activeForm",), "Doing", "Making", LATER),
    "description": values(("description",), "one\ntwo", "one\n2", LATER),
    "phase": values(("phase",), "1", "2", LATER),
    "order": values(("order",), 1, 2, LATER),
    "an integer and a float": values(("order",), 1, 1.0, LATER),
    "a value removed": values(("phase",), "1", ABSENT, LATER, start="2"),
    "the same value": values(SUBJECT, "B", "B", ONE, None),
    # first made
    "created": values(MADE, T2, T3, ONE, None),
    "created, once removed": values(MADE, T2, ABSENT, ONE, None),
    "maker, by name": values(MAKER, "ann", "bob", ONE, None),
    "maker, once removed": values(MAKER, "bob", ABSENT, ONE, None, start="cid"),
    "maker, with the time": Row(
        MAKER, {MADE: T2, MAKER: "bob"}, {MADE: T3, MAKER: "ann"}, ONE, None
    ),
    "maker, one with a time": Row(MAKER, {MADE: T2, MAKER: "bob"}, {MAKER: "ann"}, ONE, None),
    # the result fits the state that is shown
    "result alone": values(RESULT, "PASS", "FAIL", LATER),
    "result with the first end": Row(
        RESULT,
        {STATE: state("completed", finished=T1), RESULT: "PASS"},
        {STATE: state("completed", finished=T2), RESULT: "FAIL"},
        ONE,
        "with-status",
    ),
    "result with the stronger status": Row(
        RESULT,
        {STATE: state("completed", finished=T2), RESULT: "PASS"},
        {STATE: state("skipped", finished=T1), RESULT: "no need"},
        ONE,
        "with-status",
    ),
    "result with a status and one without": Row(
        RESULT,
        {STATE: state("completed"), RESULT: "PASS"},
        {RESULT: "FAIL"},
        ONE,
        "with-status",
    ),
    "result of a skip beside a completion without one": Row(
        RESULT,
        {STATE: state("completed", finished=T2), RESULT: ABSENT},
        {STATE: state("skipped", finished=T1), RESULT: "no need"},
        ONE,
        "with-status",
    ),
    "result that a reopening takes away": Row(
        RESULT,
        {STATE: state("pending", "ann"), RESULT: ABSENT},
        {RESULT: "FAIL"},
        ONE,
        "with-status",
        start={STATE: state("completed"), RESULT: "PASS"},
    ),
    # members, each for itself: adding wins
    "dependency": values(("dep", "x"), True, True, ONE, None),
    "note": values(HM, True, True, ONE, None),
    "commit": values(("commit", "c1"), None, "fix", LATER, "add-wins"),
    "commit of no subject and one removed": values(
        ("commit", "c1"), None, ABSENT, ONE, "add-wins", start="fix"
    ),
    # keys, each for itself
    "metadata": values(("meta", "k"), 1, "v", LATER),
    "metadata of another type": values(("meta", "k"), 1, True, LATER),
    "metadata inside": values(("meta", "k"), [1], [True], LATER),
    "metadata removed": values(("meta", "k"), "v", ABSENT, LATER, start=1),
    "metadata null and removed": values(("meta", "k"), None, ABSENT, LATER, start=1),
    "unknown key": values(("extra", "estimate"), 3, 5, LATER),
    "unknown map": values(("extra", "cost", "eur"), 3, 5, LATER),
    # the file
    "removed and edited": Row(
        EXISTS, {SUBJECT: "B"}, {EXISTS: ABSENT}, ONE, "present-wins", kind="delete-update"
    ),
}


@pytest.mark.parametrize("later", [ONE, OTHER])
@pytest.mark.parametrize("name", ROWS)
def test_a_rule_for_each_register(name: str, later: str) -> None:
    """The table: who is shown whichever commit is the later one, and what is told of the other."""
    row = ROWS[name]
    met = meeting(A, Text({**TASK, **row.start}), row.one, row.other, later)
    first = row.shown == ONE or (row.shown == LATER) is (later == ONE)
    sides = [(met.one, row.one), (met.other, row.other)]
    (won, wanted), (lost, passed) = sides if first else sides[::-1]
    assert met.text is not None
    shown = True if row.register == EXISTS else met.text.registers.get(row.register, ABSENT)
    assert repr(shown) == repr(wanted.get(row.register, True))
    listed = [c for c in met.conflicts if c.register == row.register]
    if row.rule is None:
        assert listed == []
        return
    [conflict] = listed
    assert (conflict.path, conflict.kind, conflict.rule) == (A, row.kind, row.rule)
    assert conflict.winner.commit == won
    assert [w.commit for w in conflict.losers] == [lost]
    assert repr(conflict.losers[0].value) == repr(passed[row.register])


@pytest.mark.parametrize(("one", "other"), [("B", "C"), ("C", "B")])
def test_ties_of_one_second_go_by_the_commit_id(one: str, other: str) -> None:
    """Arbitrary, and the same in every clone, in whatever order the two heads are met."""
    world = World((0, 0), {A: Text(TASK)})
    values = {edited(world, A, {SUBJECT: value}, START): value for value in (one, other)}
    for heads in ([*values], [*values][::-1]):
        assert said(world, A, *heads)[SUBJECT] == values[max(values)]
        [conflict] = told(world, *heads)
        assert (conflict.rule, conflict.winner.commit) == ("later", max(values))


@pytest.mark.parametrize("later", [ONE, OTHER])
def test_members_that_one_adds_and_the_other_never_saw_are_no_conflict(later: str) -> None:
    """Different dependencies, notes, commits, keys: all are shown, and nothing is told."""
    one: Changes = {("dep", "x"): True, ("meta", "k"): 1, ("extra", "m", "s"): 1, HM: True}
    other: Changes = {("dep", "y"): True, ("meta", "l"): 2, ("extra", "m", "t"): 2, SUBJECT: "B"}
    met = meeting(A, Text(TASK), one, other, later)
    assert met.text is not None
    assert dict(met.text.registers) == {**TASK, **one, **other}
    assert met.conflicts == []


@pytest.mark.parametrize("later", [ONE, OTHER])
def test_a_dependency_removed_and_added_again_stays(later: str) -> None:
    """Waiting is the safe side: who removes an edge loses to who adds it again."""
    world = World((0,), {A: Text({**TASK, ("dep", "x"): True})})
    times = (START + 5 * (later == ONE), START + 5 * (later == OTHER))
    gone = edited(world, A, {("dep", "x"): ABSENT}, times[0])
    once = edited(world, A, {("dep", "x"): ABSENT}, times[1])
    back = edited(world, A, {("dep", "x"): True}, times[1], once)
    assert said(world, A, gone, back)["dep", "x"] is True
    [conflict] = told(world, gone, back)
    assert (conflict.rule, conflict.winner.commit) == ("add-wins", back)
    assert [(w.commit, w.value) for w in conflict.losers] == [(gone, ABSENT)]


@pytest.mark.parametrize("later", [ONE, OTHER])
@pytest.mark.parametrize(
    ("register", "one", "other", "rule"),
    [
        (("format",), 3, 2, "greatest"),
        (("rules",), 3, 2, "greatest"),
        (("title",), "B", "C", "later"),
        (("setting", "s"), 2, 1, "later"),
        (("format",), 2, "new", "greatest"),
        (("rules",), 1, "new", "greatest"),
    ],
)
def test_rules_of_the_list_itself(
    register: Register, one: Any, other: Any, rule: str, later: str
) -> None:
    """The greatest format and rules, so that no old tool writes; of all else the later."""
    met = meeting(LIST, Text({**INFO, ("rules",): 9}), {register: one}, {register: other}, later)
    first = rule == "greatest" or later == ONE
    assert met.text is not None
    assert met.text.registers[register] == (one if first else other)
    [conflict] = met.conflicts
    assert (conflict.kind, conflict.rule) == ("field", rule)
    assert [w.value for w in conflict.losers] == [other if first else one]


def test_a_task_made_twice_is_one_task() -> None:
    """Two tasks of one id are merged field by field; where they differ it is told as `add-add`."""
    one: Changes = {**TASK, MADE: T2, SUBJECT: "B", MAKER: "ann"}
    other: Changes = {**TASK, SUBJECT: "C", MAKER: "bob", ("phase",): "2"}
    for later in (ONE, OTHER):
        met = meeting(A, None, one, other, later)
        assert met.text is not None
        subject = "B" if later == ONE else "C"
        assert dict(met.text.registers) == {**other, SUBJECT: subject}
        assert [(c.register, c.kind, c.rule) for c in met.conflicts] == [
            (SUBJECT, "add-add", "later")
        ]


def test_what_is_written_after_the_task_was_made_is_no_add_add() -> None:
    """Only values that came with the making are told as `add-add`."""
    world = World((0,), {})
    heads = [edited(world, A, {**TASK, SUBJECT: s}, START + n) for n, s in enumerate("BC")]
    heads[1] = edited(world, A, {SUBJECT: "D"}, START + 5, heads[1])
    assert [c.kind for c in told(world, *heads)] == ["field"]


@pytest.mark.parametrize("later", [ONE, OTHER])
def test_a_file_that_two_removed_is_gone(later: str) -> None:
    """There is nothing to tell about it."""
    met = meeting(A, Text(TASK), {EXISTS: ABSENT}, {EXISTS: ABSENT}, later)
    assert met.text is None
    assert met.conflicts == []


def test_of_two_at_work_the_one_whose_session_goes_on_counts() -> None:
    """One clone marks what ended as left while another goes on with it: it is not left."""
    left = State(
        Status.IN_PROGRESS, "ann", "s1", 0, "2026-11-22T08:00:00Z", None, "2026-11-22T09:00:00Z"
    )
    resumed = State(Status.IN_PROGRESS, "ann", "s2", 0, "2026-11-22T08:00:00Z")
    writers = (Write((1, 1), "a", resumed), Write((1, 2), "b", left))
    assert winner(STATE, writers).value == winner(STATE, writers[::-1]).value == resumed


@pytest.mark.parametrize("later", [ONE, OTHER])
def test_a_result_stays_with_the_status_that_it_was_written_with(later: str) -> None:
    """Who changes the owner of what is done takes its result along; who loses keeps it to himself,
    also when the status is written once more."""
    world = World((0,), {A: Text(TASK)})
    times = (START + 5 * (later == ONE), START + 5 * (later == OTHER))
    done = {STATE: state("completed", "ann", finished=T2), RESULT: "PASS"}
    passed = edited(world, A, done, times[0])
    passed = edited(world, A, {STATE: state("completed", "cid", finished=T2)}, times[0], passed)
    first = edited(world, A, {STATE: state("completed", "bob", finished=T1)}, times[1])
    assert RESULT not in said(world, A, passed, first)
    assert said(world, A, passed)[RESULT] == "PASS"
    head = world.automatic(passed, first)
    again = edited(world, A, {STATE: state("completed", "dan", finished=T1)}, START + 9, head)
    assert RESULT not in said(world, A, again)
    late = edited(world, A, {RESULT: "by hand"}, START + 9, head)
    assert said(world, A, late)[RESULT] == "by hand"


@pytest.mark.parametrize("later", [ONE, OTHER])
def test_what_is_kept_gives_way_to_who_had_seen_the_conflict(later: str) -> None:
    """One clone keeps what stands, another reopens it, knowing both sides: it is open again. A
    third, which had seen neither, competes with what was kept as before."""
    world = World((0,), {A: Text(TASK)})
    done = edited(world, A, {STATE: state("completed", "ann", finished=T1)})
    begun = edited(world, A, {STATE: state("in_progress", "bob", started=T1)})
    both = world.automatic(done, begun)
    times = (START + 5 * (later == ONE), START + 5 * (later == OTHER))
    keep = world.keep(both, (A, STATE), state("completed", "ann", finished=T1), times[0])
    assert told(world, keep) == []
    reopened = edited(world, A, {STATE: state("pending", "ann")}, times[1], both)
    assert said(world, A, keep, reopened)[STATE] == state("pending", "ann")
    assert told(world, keep, reopened) == []
    unknowing = edited(world, A, {STATE: state("pending", "cid")}, START + 20)
    assert said(world, A, keep, unknowing)[STATE].status is Status.COMPLETED
    assert [w.commit for c in told(world, keep, unknowing) for w in c.losers] == [unknowing]


def test_a_register_is_never_left_without_a_writer() -> None:
    """Where two clones kept what two others had overwritten, one of what they kept is shown."""
    world = World((0,), {A: Text(TASK)})
    ann = edited(world, A, {STATE: state("completed", "ann", finished=T1)})
    bob = edited(world, A, {STATE: state("completed", "bob", finished=T2)})
    after_bob = edited(world, A, {STATE: state("pending", "x")}, START, bob)
    after_ann = edited(world, A, {STATE: state("pending", "y")}, START, ann)
    keep = [
        world.keep(world.automatic(one, other), (A, STATE), value, START + 9)
        for one, other, value in (
            (ann, after_bob, state("completed", "ann", finished=T1)),
            (bob, after_ann, state("completed", "bob", finished=T2)),
        )
    ]
    assert said(world, A, *keep)[STATE] == state("completed", "ann", finished=T1)
    assert said(world, A, *keep[::-1])[STATE] == state("completed", "ann", finished=T1)
