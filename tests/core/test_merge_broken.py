"""What counts of files that were removed, or that cannot be read."""

from __future__ import annotations

import pytest
from support.merge_steps import (
    MADE,
    PHASE,
    SUBJECT,
    T2,
    TASK,
    A,
    B,
    K,
    broken,
    edited,
    merged,
    said,
    shown,
    state,
    stored,
    text,
    told,
    world_of,
    wrote,
)
from support.merge_world import START, Text

from gittasks.core.merge.dag import History, MergedState
from gittasks.core.merge.registers import ABSENT, STATE
from gittasks.core.merge.resolution import ANEW, BYTES, EXISTS

# --- files that were removed --------------------------------------------------------------------


def test_a_file_made_anew_has_nothing_of_the_old_one() -> None:
    """Also not in a merge with somebody who never saw it gone, except what that one wrote."""
    world = world_of(k=1, j=1)
    gone = edited(world, A, {EXISTS: ABSENT})
    anew = stored(world, A, text(subject="N"), START + 1, gone)
    made = {EXISTS: True, ANEW: True, BYTES: world.tree(anew)[A]}
    assert wrote(world, anew) == {**TASK, SUBJECT: "N", **made}
    other = edited(world, A, {("meta", "j"): 2})
    assert said(world, A, anew, other) == {**TASK, SUBJECT: "N", ("meta", "j"): 2}
    based = History(world.contents, MergedState(world.root, world.tree(world.root), (0, 0)))
    for commit in (gone, anew, other):
        based.add(world.made[commit].commit)
    joined = based.join([based.points[c] for c in (anew, other)])
    assert world.contents.texts[joined.tree[A]].registers == said(world, A, anew, other)


def test_two_that_make_a_file_anew_add_up() -> None:
    """What only one of them gives is no conflict, whatever the old file said; from a base too."""
    world = world_of(k=1)
    gone = edited(world, A, {EXISTS: ABSENT})
    heads = [stored(world, A, t, START + 9, gone) for t in (text(), text(phase="2"))]
    heads.append(edited(world, A, {K: 2}, START + 10, heads[0]))
    based = History(
        world.contents, MergedState(gone, world.tree(gone), world.history.points[gone].order)
    )
    for head in heads:
        based.add(world.made[head].commit)
    for history in (world.history, based):
        joined = history.join([history.points[h] for h in heads])
        assert world.contents.texts[joined.tree[A]] == Text({**TASK, PHASE: "2", K: 2})
        assert history.open_conflicts(joined.written) == []


def test_a_broken_file_made_anew_has_nothing_of_the_old_one() -> None:
    """What it says is in the repair."""
    world = world_of(k=1)
    gone = edited(world, A, {EXISTS: ABSENT})
    anew = stored(world, A, broken()._replace(registers={}, basis={}), START + 1, gone)
    repaired = stored(world, A, text(), START + 2, anew)
    assert said(world, A, repaired) == TASK
    assert not world.history.points[repaired].lag


def test_conflicts_in_a_file_that_is_gone_are_not_told() -> None:
    """There is nothing to settle, until somebody's edit brings it back; for a base too."""
    world = world_of()
    heads = [edited(world, A, {SUBJECT: s, K: s}, START + n) for n, s in enumerate("BC")]
    both = world.automatic(*heads)
    gone = edited(world, A, {EXISTS: ABSENT}, START + 5, both)
    kept = edited(world, A, {PHASE: "2"}, START + 5, both)
    before = told(world, both)
    based = History(
        world.contents, MergedState(both, world.tree(both), world.history.points[both].order)
    )
    for head in (gone, kept):
        based.add(world.made[head].commit)
    assert told(world, gone) == based.open_conflicts(based.points[gone].written, before) == []
    anew = stored(world, A, text(), START + 6, gone)
    based.add(world.made[anew].commit)
    assert told(world, anew) == based.open_conflicts(based.points[anew].written, before) == []
    joined = based.join([based.points[h] for h in (gone, kept)])
    assert [c.register for c in told(world, gone, kept)] == [EXISTS, K, SUBJECT]
    assert based.open_conflicts(joined.written, before) == told(world, gone, kept)


# --- files that cannot be read ------------------------------------------------------------------


def test_conflict_markers_write_nothing() -> None:
    """The merge says what it should have been; a repair counts from there."""
    world = world_of()
    ours, theirs = edited(world, A, {PHASE: "2"}), edited(world, A, {SUBJECT: "B"})
    marked = merged(world, A, broken(), ours, theirs)
    assert wrote(world, marked) == {}
    assert said(world, A, marked) == {**TASK, PHASE: "2", SUBJECT: "B"}
    repaired = stored(world, A, text(phase="2", subject="C"), START + 99, marked)
    assert said(world, A, repaired) == {**TASK, PHASE: "2", SUBJECT: "C"}


@pytest.mark.parametrize("pick", ["B", "C"])
def test_who_resolves_committed_conflict_markers_settles_the_conflict(pick: str) -> None:
    """In the next commit as well as in the merge, for one side or for the other."""
    world = world_of()
    ours, theirs = edited(world, A, {SUBJECT: "B"}), edited(world, A, {SUBJECT: "C"}, START + 1)
    marked = merged(world, A, broken(), ours, theirs)
    resolved = stored(world, A, text(subject=pick), START + 99, marked)
    assert said(world, A, resolved) == {**TASK, SUBJECT: pick}
    assert [c.register for c in told(world, resolved)] == ([] if pick == "B" else [SUBJECT])


def test_who_resolves_committed_conflict_markers_may_take_neither() -> None:
    """Also by leaving the value out; a merge with them may do the same."""
    world = world_of(k=1)
    ours, theirs = edited(world, A, {K: 2}), edited(world, A, {K: ABSENT}, START + 1)
    for sides in ((ours, theirs), (theirs, ours)):
        marked = merged(world, A, broken(), *sides)
        for value in (2, 3, ABSENT):
            new = Text({**TASK, **({} if value is ABSENT else {K: value})})
            resolved = stored(world, A, new, START + 99, marked)
            assert said(world, A, resolved) == new.registers
    both = edited(world, A, {K: 3}), edited(world, A, {K: 3}, START + 1)
    marked = merged(world, A, broken(), *both)
    assert said(world, A, stored(world, A, text(), START + 99, marked)) == TASK
    done, taken = state("completed", "ann"), state("pending", "bob")
    both = edited(world, A, {STATE: done}), edited(world, A, {STATE: taken})
    marked = merged(world, A, broken(), *both)
    merge = merged(world, A, Text({**TASK, STATE: taken}), marked, edited(world, B, {K: 1}))
    assert said(world, A, merge)[STATE] == taken


def test_a_broken_file_writes_nothing_but_its_bytes() -> None:
    """What could be read before stands below, and goes on merging."""
    world = world_of()
    lost = stored(world, A, broken())
    assert wrote(world, lost) == {BYTES: world.tree(lost)[A], EXISTS: True}
    assert world.history.points[lost].basis == {A: TASK}


def test_a_repair_shows_what_others_wrote_meanwhile() -> None:
    """The repaired text has the old value: the tree lags behind until it is brought up to date."""
    world = world_of()
    both = world.automatic(stored(world, A, broken()), edited(world, A, {SUBJECT: "B"}))
    repaired = stored(world, A, text(), START + 9, both)
    assert wrote(world, repaired).keys() == {BYTES, EXISTS}
    assert said(world, A, repaired)[SUBJECT] == "B"
    assert world.history.points[repaired].lag.keys() == {A}
    elsewhere = edited(world, B, {PHASE: "2"}, START, both)
    assert wrote(world, merged(world, A, text(), repaired, elsewhere)) == {}


def test_a_repair_settles_no_conflict_that_came_later() -> None:
    """The text still has one of the values; whoever repaired it did not look at that."""
    world = world_of()
    lost = stored(world, A, broken(subject="B"), START, edited(world, A, {SUBJECT: "B"}))
    both = world.automatic(lost, edited(world, A, {SUBJECT: "C"}, START + 1))
    repaired = stored(world, A, text(subject="B", phase="2"), START + 9, both)
    assert said(world, A, repaired) == {**TASK, SUBJECT: "C", PHASE: "2"}
    assert [c.register for c in told(world, repaired)] == [SUBJECT]


def test_who_keeps_what_stands_in_a_broken_file_has_written_it() -> None:
    """Though the commit changes no file: the conflict is settled, who had seen it and writes
    meanwhile is shown, and the repair, whose text is as old, takes back neither."""
    world = world_of()
    old, new = edited(world, A, {SUBJECT: "B"}), edited(world, A, {SUBJECT: "C"}, START + 1)
    both = world.automatic(old, new)
    lost = stored(world, A, broken(subject="C"), START + 2, both)
    kept = world.keep(lost, (A, SUBJECT), "C", START + 4)
    assert wrote(world, kept) == {SUBJECT: "C", EXISTS: True}
    assert told(world, kept) == []
    for time in (START + 3, START + 5):
        other = edited(world, A, {SUBJECT: "D"}, time, both)
        for late in (lost, kept):
            head = world.automatic(late, other)
            for repaired in (head, stored(world, A, text(subject="C"), START + 9, head)):
                assert told(world, repaired) == []
                assert world.faults(repaired) == []
            assert said(world, A, repaired)[SUBJECT] == "D"


def test_a_repair_of_conflict_markers_does_not_undo_who_has_settled_it_meanwhile() -> None:
    """The side that the text has is no longer one of the competing values."""
    world = world_of()
    ours, theirs = edited(world, A, {SUBJECT: "B"}), edited(world, A, {SUBJECT: "C"}, START + 1)
    marked = merged(world, A, broken(subject="B"), ours, theirs)
    worse = stored(world, A, broken("!!!", subject="B"), START + 60, marked)
    settled = edited(world, A, {SUBJECT: "D"}, START + 3, world.automatic(ours, theirs))
    repaired = stored(world, A, text(subject="B"), START + 99, world.automatic(worse, settled))
    assert said(world, A, repaired) == {**TASK, SUBJECT: "D"}


def test_conflict_markers_that_a_merge_carries_on_keep_what_they_came_from() -> None:
    """Not what the side says that is named first."""
    world = world_of()
    ours, theirs = edited(world, A, {PHASE: "2"}), edited(world, A, {SUBJECT: "B"})
    marked = merged(world, A, broken(), ours, theirs)
    carried = merged(world, A, broken(), edited(world, A, {SUBJECT: "C"}, START + 1), marked)
    assert world.history.points[marked].basis == {A: text(phase="2").registers}
    assert world.history.points[carried].basis == {A: text(phase="2").registers}


@pytest.mark.parametrize("late", [False, True])
def test_a_repair_is_compared_with_what_the_broken_version_came_from(late: bool) -> None:
    """Not with what the other side of the merge, or the commit in between, happened to hold."""
    world = world_of()
    lost = stored(world, A, broken(), START + 2)
    newer = edited(world, A, {SUBJECT: "B"}, START + 3)
    marked = merged(world, A, broken(mark="====="), newer, lost)
    assert shown(world, A, marked) == broken()
    healed = world.automatic(marked)
    if late:  # an edit of another file brings the tree up to date as well
        tree = {**world.history.points[marked].shown(), B: world.contents.store(text(phase="2"))}
        healed = world.edit(marked, tree, START + 60)
    repaired = stored(world, A, text(phase="2"), START + 99, healed)
    assert said(world, A, repaired) == {**TASK, SUBJECT: "B", PHASE: "2"}


def test_a_merge_may_repair_a_broken_file() -> None:
    """By one side's version or by a new one; what others wrote stands."""
    world = world_of()
    lost, newer = stored(world, A, broken(), START + 5), edited(world, A, {SUBJECT: "B"})
    for repair in (text(subject="B"), text(subject="B", phase="2")):
        merge = merged(world, A, repair, lost, newer)
        assert shown(world, A, merge) == repair
        assert not world.history.points[merge].lag


def test_a_value_that_a_map_hides_is_no_base_and_comes_back() -> None:
    """One made an unknown key a value, the other a map: the file can hold the map only. Whoever
    takes the map away never saw the value, so it is still there, in whatever order they meet."""
    world = world_of()
    key, sub = ("extra", "m"), ("extra", "m", "s")
    both = world.automatic(edited(world, A, {key: 7}), edited(world, A, {sub: 1}))
    assert said(world, A, both) == {**TASK, sub: 1}
    assert world.history.points[both].basis == {A: {**TASK, sub: 1}}
    without = edited(world, A, {sub: ABSENT}, START + 9, both)
    assert said(world, A, without) == {**TASK, key: 7}
    assert world.history.points[without].lag.keys() == {A}
    other = edited(world, A, {MADE: T2}, START + 9, both)
    assert world.history.points[other].basis == {A: {**TASK, sub: 1, MADE: T2}}
    assert said(world, A, without, other) == {**TASK, key: 7, MADE: T2}


def test_who_brings_a_file_with_a_hidden_value_up_to_date_writes_nothing() -> None:
    """Neither in a merge nor after it: the file cannot hold what is missing in it."""
    world = world_of()
    key, sub = ("extra", "m"), ("extra", "m", "s")
    ours, theirs = edited(world, A, {key: 7}), edited(world, A, {sub: 1})
    both = world.automatic(ours, theirs)
    new = world.contents.texts[world.tree(both)[A]]
    assert wrote(world, merged(world, A, new, ours, theirs)) == {}
    dropped = merged(world, A, Text({**TASK, key: 7}), both, edited(world, B, {K: 1}, parent=ours))
    assert A in world.history.points[dropped].lag
    restored = stored(world, A, new, START + 99, dropped)
    assert wrote(world, restored) == {}
    assert world.history.points[restored].basis[A] == new.registers
