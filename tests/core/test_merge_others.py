"""What counts of the merges, removals and broken files of people who know nothing of us."""

from __future__ import annotations

import pytest
from merge_steps import (
    MADE,
    PHASE,
    SUBJECT,
    T1,
    T2,
    TASK,
    A,
    B,
    K,
    edited,
    merged,
    said,
    shown,
    state,
    stored,
    told,
)
from merge_world import START, Text, World

from gittasks.core.dag import Point
from gittasks.core.merge import History
from gittasks.core.picks import ANEW, BYTES, EXISTS
from gittasks.core.registers import ABSENT, STATE


def world_of(**more: object) -> World:
    meta = {("meta", key): value for key, value in more.items()}
    return World((0,), {A: Text({**TASK, **meta}), B: Text(TASK)})


def text(**changes: object) -> Text:
    return Text({**TASK, **{(k,): v for k, v in changes.items()}})


def broken(mark: str = "<<<", **changes: object) -> Text:
    """A file that cannot be read; it said what the others say, and these."""
    registers = text(**changes).registers
    return Text(registers, mark, readable=False, basis=registers)


def wrote(world: World, commit: str, path: str = A) -> dict[object, object]:
    written = world.history.points[commit].written.get(path, {})
    return {r: ws[0].value for r, ws in written.items() if [w.commit for w in ws] == [commit]}


# --- merges by others ---------------------------------------------------------------------------


def test_a_write_that_a_merge_drops_stands() -> None:
    """`git checkout --ours` throws away their file: their uncontested write is shown all the same,
    and an automatic commit brings the bytes up to date."""
    world = world_of()
    ours, theirs = edited(world, A, {PHASE: "2"}), edited(world, A, {SUBJECT: "B"})
    merge = merged(world, A, text(phase="2"), ours, theirs)
    point = world.history.points[merge]
    assert said(world, A, merge) == {**TASK, PHASE: "2", SUBJECT: "B"}
    assert point.lag.keys() == {A}
    healed = world.history.points[world.automatic(merge)]
    assert healed.automatic
    assert not healed.lag
    assert healed.shown() == healed.tree == point.shown()


def test_a_merge_settles_a_conflict() -> None:
    """Whoever picks a side that is not shown has written it; later merges keep that."""
    world = world_of()
    ours, theirs = edited(world, A, {SUBJECT: "B"}), edited(world, A, {SUBJECT: "C"}, START + 1)
    merge = merged(world, A, text(subject="B"), ours, theirs)
    assert wrote(world, merge)[SUBJECT] == "B"
    assert told(world, merge) == []
    assert said(world, A, merge, world.automatic(ours, theirs))[SUBJECT] == "B"


def test_a_merge_that_picks_what_is_shown_writes_nothing() -> None:
    """It leaves the conflict open: nobody can tell it from a merge that saw none."""
    world = world_of()
    ours, theirs = edited(world, A, {SUBJECT: "B"}), edited(world, A, {SUBJECT: "C"}, START + 1)
    merge = merged(world, A, text(subject="C"), ours, theirs)
    assert wrote(world, merge) == {}
    assert [c.register for c in told(world, merge)] == [SUBJECT]


def test_a_merge_settles_only_what_its_sides_disagree_about() -> None:
    """A conflict that both sides hold alike was not in front of whoever merged, even where a file
    that cannot be read still has one of the values."""
    world = world_of()
    old, new = edited(world, A, {SUBJECT: "B"}), edited(world, A, {SUBJECT: "C"}, START + 1)
    both = world.automatic(stored(world, A, broken(subject="B"), START + 1, old), new)
    ours, theirs = (edited(world, B, {PHASE: n}, parent=both) for n in ("2", "3"))
    merge = merged(world, A, text(subject="B"), ours, theirs)
    assert wrote(world, merge) == {EXISTS: True, BYTES: world.tree(merge)[A]}
    assert said(world, A, merge)[SUBJECT] == "C"
    assert [c.register for c in told(world, merge) if c.path == A] == [SUBJECT]


def test_a_merge_may_say_something_new() -> None:
    """A value that none of its sides has was meant."""
    world = world_of()
    ours, theirs = edited(world, A, {PHASE: "2"}), edited(world, A, {SUBJECT: "B"})
    merge = merged(world, A, text(phase="2", subject="C"), ours, theirs)
    blob = world.tree(merge)[A]
    assert wrote(world, merge) == {SUBJECT: "C", EXISTS: True, BYTES: blob}
    assert not world.history.points[merge].lag


def test_a_state_pieced_together_from_two_sides_is_not_new() -> None:
    """A merge by lines may pair one's status with another's owner: nobody meant that."""
    world = world_of()
    done, taken = state("completed", "ann", finished=T1), state("pending", "bob")
    ours, theirs = edited(world, A, {STATE: done}), edited(world, A, {STATE: taken})
    pieced = done._replace(owner="bob")
    merge = merged(world, A, Text({**TASK, STATE: pieced}), ours, theirs)
    assert STATE not in wrote(world, merge)
    assert said(world, A, merge)[STATE] == done
    meant = merged(world, A, Text({**TASK, STATE: done._replace(owner="cid")}), ours, theirs)
    assert said(world, A, meant)[STATE].owner == "cid"


def test_a_file_that_a_merge_drops_stands_if_somebody_wrote_to_it() -> None:
    """A removal on one side only counts as far as an edit on the other allows."""
    world = world_of()
    ours, theirs = edited(world, A, {EXISTS: ABSENT}), edited(world, A, {SUBJECT: "B"})
    kept = merged(world, A, text(subject="B"), ours, theirs)
    assert said(world, A, kept)[SUBJECT] == "B"
    gone = merged(world, A, None, ours, theirs)
    assert shown(world, A, gone) is None  # the conflict was settled
    assert said(world, A, gone, edited(world, A, {PHASE: "2"}, parent=theirs))[SUBJECT] == "B"


def test_a_file_that_a_merge_drops_though_both_sides_have_it_is_removed() -> None:
    """That is new, and so it was meant."""
    world = world_of()
    ours, theirs = edited(world, A, {PHASE: "2"}), edited(world, A, {SUBJECT: "B"})
    assert wrote(world, merged(world, A, None, ours, theirs)) == {EXISTS: ABSENT}


def test_a_removal_that_a_merge_undoes_stands() -> None:
    """A merge that only keeps the other side's file drops an uncontested removal."""
    world = world_of()
    ours, theirs = edited(world, A, {EXISTS: ABSENT}), edited(world, B, {SUBJECT: "B"})
    merge = merged(world, A, text(), theirs, ours)
    assert world.history.points[merge].lag == {A: None}
    assert shown(world, A, merge) is None


def test_who_edits_a_file_that_should_be_gone_brings_it_back_as_it_was() -> None:
    """Such an edit writes what it changes, and not all the rest anew."""
    world = world_of()
    ours, theirs = edited(world, A, {EXISTS: ABSENT}), edited(world, B, {SUBJECT: "B"})
    merge = merged(world, A, text(), ours, theirs)
    back = edited(world, A, {PHASE: "2"}, START + 99, merge)
    assert wrote(world, back).keys() == {PHASE, EXISTS, BYTES}
    other = edited(world, A, {SUBJECT: "C"})
    assert said(world, A, back, other) == {**TASK, PHASE: "2", SUBJECT: "C"}
    assert [c.register for c in told(world, back, other)] == []


def test_a_side_without_the_file_has_no_say_about_what_is_in_it() -> None:
    """A key that a merge leaves out is removed, though a side that removed the file lacks it."""
    world = world_of(k=1)
    ours, theirs = edited(world, A, {EXISTS: ABSENT}), edited(world, A, {SUBJECT: "B"})
    merge = merged(world, A, text(subject="B"), ours, theirs)
    assert wrote(world, merge)[K] is ABSENT
    assert said(world, A, merge) == {**TASK, SUBJECT: "B"}


def test_a_merge_may_make_a_file_that_no_side_has() -> None:
    """It is a new one: what an older file of that name said is gone."""
    world = world_of(k=1)
    gone = edited(world, A, {EXISTS: ABSENT})
    merge = merged(world, A, text(), edited(world, B, {PHASE: "2"}, parent=gone), gone)
    merge = merged(world, A, text(), edited(world, B, {PHASE: "3"}, parent=gone), merge)
    assert said(world, A, merge) == TASK
    assert not world.history.points[merge].lag


def test_a_commit_that_restores_what_a_merge_dropped_writes_nothing() -> None:
    """It brings the tree up to date, as the automatic commit would."""
    world = world_of()
    ours, theirs = edited(world, A, {PHASE: "2"}), edited(world, A, {SUBJECT: "B"})
    merge = merged(world, A, text(phase="2"), ours, theirs)
    full = Text(said(world, A, merge))
    restored = stored(world, A, full, START + 99, merge)
    assert wrote(world, restored) == {}
    assert not world.history.points[restored].lag


def test_an_edit_on_top_of_a_dropped_write_leaves_it_alone() -> None:
    """Who never saw their write does not undo it by writing something else."""
    world = world_of()
    ours, theirs = edited(world, A, {PHASE: "2"}), edited(world, A, {SUBJECT: "B"})
    merge = merged(world, A, text(phase="2"), ours, theirs)
    after = edited(world, A, {PHASE: "3"}, START + 99, merge)
    assert said(world, A, after) == {**TASK, PHASE: "3", SUBJECT: "B"}
    assert world.history.points[after].lag.keys() == {A}
    elsewhere = edited(world, B, {PHASE: "3"}, START + 99, merge)
    assert world.history.points[elsewhere].lag.keys() == {A}


def test_a_merge_of_three_is_like_any_other() -> None:
    """An octopus merge, by us or by others."""
    world = world_of()
    heads = [edited(world, A, {r: "x"}, START + n) for n, r in enumerate((SUBJECT, PHASE, K))]
    joined = {**TASK, SUBJECT: "x", PHASE: "x", K: "x"}
    assert said(world, A, *heads) == joined
    assert said(world, A, merged(world, A, text(phase="x"), *heads)) == joined


def test_who_keeps_what_is_shown_settles_the_conflict() -> None:
    """Without a change of the tree: the losers are no longer told, and do not come back."""
    world = world_of()
    ours, theirs = edited(world, A, {SUBJECT: "B"}), edited(world, A, {SUBJECT: "C"}, START + 1)
    both = world.automatic(ours, theirs)
    kept = world.keep(both, (A, SUBJECT), "C", START + 2)
    assert wrote(world, kept) == {SUBJECT: "C", EXISTS: True}
    assert told(world, kept) == []
    assert world.tree(kept) == world.tree(both)
    assert told(world, kept, world.automatic(both, edited(world, B, {K: 1}))) == []
    gone = edited(world, A, {EXISTS: ABSENT}, START + 3, kept)
    assert wrote(world, world.keep(gone, (A, SUBJECT), "C", START + 4)) == {}


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


def test_two_that_make_a_file_anew_add_up() -> None:
    """What only one of them gives is no conflict, whatever the old file said; from a base too."""
    world = world_of(k=1)
    gone = edited(world, A, {EXISTS: ABSENT})
    heads = [stored(world, A, t, START + 9, gone) for t in (text(), text(phase="2"))]
    heads.append(edited(world, A, {K: 2}, START + 10, heads[0]))
    based = History(world.contents, Point(gone, world.tree(gone), world.history.points[gone].order))
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
    heads = [edited(world, A, {SUBJECT: s}, START + n) for n, s in enumerate("BC")]
    both = world.automatic(*heads)
    gone = edited(world, A, {EXISTS: ABSENT}, START + 5, both)
    kept = edited(world, A, {PHASE: "2"}, START + 5, both)
    before = told(world, both)
    based = History(world.contents, Point(both, world.tree(both), world.history.points[both].order))
    for head in (gone, kept):
        based.add(world.made[head].commit)
    assert told(world, gone) == based.open_conflicts(based.points[gone].written, before) == []
    joined = based.join([based.points[h] for h in (gone, kept)])
    assert [c.register for c in told(world, gone, kept)] == [EXISTS, SUBJECT]
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
    assert said(world, A, without, other) == {**TASK, key: 7, MADE: T2}
