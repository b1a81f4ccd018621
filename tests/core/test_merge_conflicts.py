"""What is shown of a file that several wrote, and what is told about the values that are not."""

from __future__ import annotations

import doctest
import itertools
from collections.abc import Mapping
from typing import Any

import pytest
from support.merge_steps import (
    MADE,
    MAKER,
    PHASE,
    RESULT,
    SUBJECT,
    T1,
    T2,
    TASK,
    A,
    B,
    edited,
    said,
    shown,
    state,
    stored,
    told,
)
from support.merge_world import README, START, Text, World

from gittasks.core.merge import dag
from gittasks.core.merge.dag import History
from gittasks.core.merge.registers import ABSENT, STATE, Register
from gittasks.core.merge.resolution import (
    BYTES,
    EXISTS,
    Write,
    is_combination_of,
    rule_of,
    same_outcome,
    winner,
)
from gittasks.core.model import Note, Status

# --- bytes ------------------------------------------------------------------------------------


def test_a_file_that_one_wrote_is_taken_to_the_byte() -> None:
    """Comments and layout survive a merge with edits of other files."""
    world = World((0,), {A: Text(TASK), B: Text(TASK)})
    commented = Text({**TASK, SUBJECT: "B"}, "# mine")
    heads = (
        stored(world, A, commented, START),
        edited(world, B, {SUBJECT: "C"}, START),
    )
    assert shown(world, A, *heads) == commented


def test_a_file_that_two_wrote_keeps_the_later_layout() -> None:
    """The registers of both, in the layout of the last version that has one."""
    world = World((0,), {A: Text(TASK)})
    one = stored(world, A, Text({**TASK, SUBJECT: "B"}, "# one"), START)
    other = stored(world, A, Text({**TASK, PHASE: "2"}, "# two"), START + 1)
    plain = stored(world, A, Text({**TASK, ("order",): 1}), START + 2)
    both = {**TASK, SUBJECT: "B", PHASE: "2", ("order",): 1}
    assert shown(world, A, one, other, plain) == Text(both, "# two ~")
    assert shown(world, A, plain, one) == Text({**TASK, SUBJECT: "B", ("order",): 1}, "# one ~")


def test_a_later_layout_is_kept_also_where_an_earlier_version_says_it_all() -> None:
    """Who only wrote a comment wrote the file last."""
    world = World((0,), {A: Text(TASK)})
    one = stored(world, A, Text({**TASK, SUBJECT: "B"}, "# one"), START)
    other = stored(world, A, Text(TASK, "# two"), START + 1)
    assert shown(world, A, one, other) == Text({**TASK, SUBJECT: "B"}, "# two ~")


def test_of_a_file_that_is_no_task_the_later_version_is_shown() -> None:
    """Whole, and without a word: it is none of ours."""
    world = World((0,), {README: Text({})})
    one, other, again = (stored(world, README, Text({}, t), START + n) for n, t in enumerate("ABA"))
    assert shown(world, README, one, other) == Text({}, "B")
    assert shown(world, README, again, other, one) == Text({}, "A")
    assert told(world, one, other) == []


@pytest.mark.parametrize("later", [0, 2])
def test_a_file_that_cannot_be_read_is_shown_until_it_is_repaired(later: int) -> None:
    """Also beside a later readable version, whose values are there once it is repaired."""
    world = World((0,), {A: Text(TASK)})
    broken = Text(TASK, "<<<", readable=False, basis=TASK)
    heads = (stored(world, A, broken, START + 1), edited(world, A, {SUBJECT: "B"}, START + later))
    assert shown(world, A, *heads) == broken
    both = world.automatic(*heads)
    repaired = stored(world, A, Text({**TASK, PHASE: "2"}), START + 5, both)
    assert said(world, A, repaired) == {**TASK, SUBJECT: "B", PHASE: "2"}


def test_of_two_files_that_cannot_be_read_the_later_is_shown() -> None:
    """Neither can be merged with anything."""
    world = World((0,), {A: Text(TASK)})
    texts = [Text(TASK, mark, readable=False, basis=TASK) for mark in ("<<<", ">>>")]
    one, other = (stored(world, A, text, START + n) for n, text in enumerate(texts))
    assert shown(world, A, one, other) == shown(world, A, other, one) == texts[1]


# --- the same operation apart -------------------------------------------------------------------

DONE = state("completed", "bob", finished=T1)


def _reopened(changes: Mapping[Register, Any]) -> tuple[World, str]:
    """A world where somebody finished a task by an operation, and a later commit that saw it."""
    world = World((0,), {A: Text(TASK), B: Text(TASK)})
    done = edited(world, A, {STATE: DONE}, operation="done")
    return world, edited(world, A, changes, START + 1, done)


def test_a_result_belongs_to_what_two_did_apart_and_not_to_one_of_their_commits() -> None:
    """Who writes another result for what one clone says is done says it of the other's too; the
    result of a third, who did something else, is not shown under it."""
    world = World((0,), {A: Text(TASK)})
    done = {STATE: DONE._replace(finished=T2), RESULT: "PASS"}
    late = edited(world, A, done, operation="done")
    checked = edited(world, A, {RESULT: "checked"}, START + 1, late)
    early = edited(world, A, {**done, STATE: DONE}, START + 2, operation="done")
    skipped = edited(world, A, {STATE: state("skipped", "cid"), RESULT: "no need"}, START + 3)
    for heads in itertools.permutations((checked, early, skipped)):
        registers = said(world, A, *heads)
        assert (registers[STATE], registers[RESULT]) == (DONE, "checked")


def test_many_commits_of_one_operation_are_told_apart_without_comparing_all() -> None:
    """Somebody gives a thousand commits one name: what each says is taken down once."""
    looks = 0

    class Counted(str):
        __slots__ = ()

        def __repr__(self) -> str:
            nonlocal looks
            looks += 1
            return str.__repr__(self)

    def repeated(count: int) -> int:
        nonlocal looks
        world, looks = World((0,), {A: Text(TASK)}), 0
        for n in range(count):
            edited(world, A, {SUBJECT: Counted(n)}, START, operation="again")
        assert len({point.events for point in world.history.points.values()}) == count + 1
        return looks

    assert repeated(100) <= 5 * 100  # to compare all would be 10,000


def test_who_saw_one_of_two_that_did_the_same_has_overwritten_both() -> None:
    """What the other clone said under the same operation does not beat who saw it said here."""
    world, reopened = _reopened({STATE: state("pending")})
    again = edited(world, A, {STATE: DONE._replace(finished=T2)}, START + 9, operation="done")
    assert said(world, A, reopened, again)[STATE] == state("pending")
    assert told(world, reopened, again) == []


def test_who_does_the_same_again_later_did_it_knowingly() -> None:
    """It is no echo of the first time: the reopening in between is overwritten."""
    world, reopened = _reopened({STATE: state("pending")})
    knowingly = edited(world, A, {STATE: DONE}, START + 2, reopened, operation="done")
    apart = edited(world, A, {STATE: DONE}, START + 9, operation="done")
    for heads in ((reopened, knowingly), (apart, knowingly), (apart, reopened, knowingly)):
        assert said(world, A, *heads)[STATE] == DONE
        assert told(world, *heads) == []


def test_a_comment_in_one_of_two_that_did_the_same_stays() -> None:
    """The operation overwrote the bytes with the comment, and who saw the other never saw it."""
    world, reopened = _reopened({STATE: state("pending")})
    commented = stored(world, A, Text(TASK, "# mine"))
    again = edited(world, A, {STATE: DONE}, START + 9, commented, operation="done")
    for heads in ((reopened, again), (again, reopened)):
        assert shown(world, A, *heads) == Text({**TASK, STATE: state("pending")}, "# mine ~")


def test_a_change_before_one_of_two_that_did_the_same_keeps_the_file() -> None:
    """Who removed the file had seen the operation, but not that change."""
    world, removed = _reopened({EXISTS: ABSENT})
    changed = edited(world, A, {SUBJECT: "B"})
    again = edited(world, A, {STATE: DONE}, START + 9, changed, operation="done")
    assert said(world, A, removed, again)[SUBJECT] == "B"
    assert [c.register for c in told(world, removed, again)] == [EXISTS]


def test_under_another_claim_it_is_not_the_same() -> None:
    """The number of a claim never goes back because of who had not seen it."""
    world, reopened = _reopened({STATE: state("pending")})
    claimed = edited(world, A, {STATE: state("in_progress", "bob", claim=1)})
    under_claim = DONE._replace(claim=1)
    again = edited(world, A, {STATE: under_claim}, START + 9, claimed, operation="done")
    assert said(world, A, reopened, again)[STATE] == under_claim
    assert [c.register for c in told(world, reopened, again)] == [STATE]


def test_sides_whose_files_are_equal_may_come_to_another_value() -> None:
    """The bytes agree, and yet not who wrote them: one side has overwritten what the other shows,
    so that what lost to it there is first."""
    world = World((0,), {A: Text(TASK)})
    ann, bob = (state("completed", owner, finished=T1) for owner in ("ann", "bob"))
    first = edited(world, A, {STATE: ann})
    second = edited(world, A, {STATE: bob}, START + 1)
    both = world.automatic(first, second)
    reopened = edited(world, A, {STATE: state("pending")}, START + 2, first)
    again = edited(world, A, {STATE: ann}, START + 3, reopened)
    assert world.tree(both) == world.tree(again)
    assert said(world, A, both, again)[STATE] == bob


# --- many writers -----------------------------------------------------------------------------


def write(time: int, value: Any, beside: Any = None) -> Write:
    return Write((START + time, 0), f"c{time}", value, beside)


def test_a_state_that_cannot_be_is_the_weakest() -> None:
    """Somebody took all lines of it away: then it is pending, as in a file without them."""
    gone, open_, done = write(3, ABSENT), write(1, state("pending")), write(2, state("completed"))
    assert winner(STATE, (open_, gone)) is gone
    assert winner(STATE, (done, gone)) is done


def test_no_merge_pieces_together_that_there_is_no_state() -> None:
    """Taking all of it away is new, if every side has one."""
    assert not is_combination_of(STATE, ABSENT, [{EXISTS: True, STATE: state("pending")}])
    assert is_combination_of(STATE, ABSENT, [{EXISTS: True}])


def test_a_mark_of_a_list_is_there_or_not() -> None:
    """Two who archive it at different times agree."""
    for mark in (("archived",), ("dropped",)):
        assert same_outcome(mark, T1, T2)
        assert same_outcome(mark, None, ABSENT)
        assert not same_outcome(mark, T1, ABSENT)


def test_who_finished_a_task_is_what_two_ends_may_agree_about() -> None:
    """A missing state is a pending one."""
    done = state("completed", "ann", finished=T1)
    assert same_outcome(STATE, done, done._replace(finished=T2))
    assert not same_outcome(STATE, done, done._replace(owner="bob"))
    assert not same_outcome(STATE, done, done._replace(status=Status.SKIPPED))
    assert not same_outcome(STATE, state("pending", claim=1), state("pending"))
    assert not same_outcome(STATE, ABSENT, done)
    assert same_outcome(STATE, ABSENT, state("pending"))
    assert not same_outcome(SUBJECT, "A", "B")


def test_all_losers_are_told_in_their_order() -> None:
    """Each value that differs from the one shown; an equal one lost nothing."""
    world = World((0,), {A: Text(TASK)})
    heads = [edited(world, A, {SUBJECT: s}, START + n) for n, s in enumerate("BCDD")]
    [conflict] = told(world, *heads)
    assert conflict.winner.commit == heads[3]
    assert [w.commit for w in conflict.losers] == heads[:2]


def test_conflicts_are_told_by_path_and_register() -> None:
    """In the same order whoever asks, and until somebody writes the register again."""
    world = World((0,), {p: Text(TASK) for p in (A, B)})
    heads = []
    for n, value in enumerate("BC"):
        head = edited(world, B, {SUBJECT: value}, START + n)
        head = edited(world, A, {SUBJECT: value, ("meta", "k"): value}, START + n, head)
        heads.append(edited(world, A, {("meta", "j"): value}, START + n, head))
    both = world.automatic(*heads)
    expected = [(A, ("meta", "j")), (A, ("meta", "k")), (A, SUBJECT), (B, SUBJECT)]
    for order in (heads, heads[::-1]):
        assert [(c.path, c.register) for c in told(world, *order)] == expected
    settled = edited(world, A, {SUBJECT: "B"}, START + 9, both)
    assert [(c.path, c.register) for c in told(world, settled)] == expected[:2] + expected[3:]


def test_a_result_goes_by_the_status_that_it_belongs_to_then_by_time() -> None:
    """That of the status shown; else one that belongs to none that lost; else the later."""
    done, skip = write(2, state("completed", finished=T1)), write(3, state("skipped", finished=T1))
    alone, late = write(1, "PASS"), write(9, "FAIL")
    with_done, with_skip = write(4, "done", "c2"), write(5, "no need", "c3")
    assert winner(RESULT, (alone, late)) is late
    assert winner(RESULT, (alone, with_done, with_skip, late), (done, skip)) is with_done
    assert winner(RESULT, (alone, with_skip), (done, skip)) is alone
    assert winner(RESULT, (with_skip,), (done, skip)) is with_skip
    assert winner(RESULT, (alone, with_done, late), (done,)) is with_done


def test_a_choice_does_not_depend_on_who_else_competes() -> None:
    """Every rule is an order: without a loser the winner stays the same."""
    pool: dict[Register, list[Any]] = {
        STATE: [
            state("pending", "ann"),
            state("pending", "bob"),
            state("in_progress", started=T1),
            state("in_progress", started=T2),
            state("completed", finished=T2),
            state("completed", finished=T1),
            state("deleted"),
        ],
        ("dep", "x"): [ABSENT, True, ABSENT, True],
        MADE: [ABSENT, T2, T1, T2],
        ("format",): [1, 2, "x", 2],
        SUBJECT: ["A", "B", ABSENT],
    }
    for register, found in pool.items():
        writers = tuple(write(n, value) for n, value in enumerate(found))
        won = winner(register, writers)
        for loser in writers:
            if loser is not won:
                assert winner(register, tuple(w for w in writers if w is not loser)) is won


def test_every_kind_of_register_has_its_rule() -> None:
    """Names that `gittasks conflicts` prints; what is not known goes by the later."""
    names = {
        EXISTS: "present-wins",
        BYTES: "later",
        STATE: "status-order",
        ("dep", "x"): "add-wins",
        ("note", Note(T1, "ann", "hm")): "add-wins",
        ("commit", "c"): "add-wins",
        MADE: "earliest",
        MAKER: "earliest",
        ("format",): "greatest",
        ("rules",): "greatest",
        SUBJECT: "later",
        RESULT: "later",
        ("meta", "k"): "later",
        ("extra", "k", "s"): "later",
    }
    assert {register: rule_of(register).name for register in names} == names


def test_a_history_without_commits_says_nothing() -> None:
    """The first commit writes all that is in it."""
    world = World((0,), {A: Text(TASK)})
    history = History(world.contents)
    point = history.add(world.made[world.root].commit)
    assert set(point.written[A]) >= {EXISTS, BYTES, *TASK}
    assert history.open_conflicts(point.written) == []


def test_the_worked_example_of_the_merge_is_true() -> None:
    """The one in the words about `History`."""
    result = doctest.testmod(dag)
    assert result.attempted > 4
    assert result.failed == 0
