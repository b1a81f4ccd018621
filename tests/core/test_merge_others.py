"""What counts of merges by people, and tools, who know nothing of us."""

from __future__ import annotations

from support.merge_steps import (
    PHASE,
    SUBJECT,
    T1,
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
from support.merge_world import START, Text, World, recipe

from gittasks.core.merge.dag import Commit
from gittasks.core.merge.registers import ABSENT, STATE
from gittasks.core.merge.resolution import ANEW, BYTES, EXISTS

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
    assert world.history.points[world.automatic(ours, theirs)].basis == {}
    healed = world.history.points[world.automatic(merge)]
    assert healed.basis == {}
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


def test_a_merge_settles_what_one_side_has_merged_already() -> None:
    """The other value is shown there, and yet they pick this one."""
    world = world_of()
    old, new = edited(world, A, {SUBJECT: "B"}), edited(world, A, {SUBJECT: "C"}, START + 1)
    both = edited(world, B, {PHASE: "2"}, parent=world.automatic(old, new))
    merge = merged(world, A, text(subject="B"), both, old)
    assert wrote(world, merge)[SUBJECT] == "B"


def test_a_merge_settles_nothing_where_its_sides_look_alike() -> None:
    """One side says 1 again, the other dropped a 2 that stands: nobody saw that there is a 2."""
    world = world_of(k=1)
    two = edited(world, A, {K: 2}, START + 9)
    dropped = merged(world, A, Text({**TASK, K: 1}), edited(world, B, {PHASE: "2"}), two)
    again = edited(world, A, {K: 1}, START + 2, edited(world, A, {K: 3}, START + 1))
    merge = merged(world, A, Text({**TASK, K: 1}), dropped, again)
    assert said(world, A, merge)[K] == 2


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


def test_a_new_file_that_a_merge_drops_stands() -> None:
    """The side that never had it has no say about it; who makes it there adds to it."""
    world = World((0,), {B: Text(TASK)})
    ours, theirs = edited(world, B, {PHASE: "2"}), stored(world, A, text(phase="2"))
    merge = merged(world, A, None, ours, theirs)
    assert wrote(world, merge) == {}
    assert world.history.points[merge].lag == {A: world.tree(theirs)[A]}
    again = stored(world, A, text(subject="N"), START + 99, merge)
    assert wrote(world, again).keys() == {SUBJECT, EXISTS, BYTES}
    assert said(world, A, again) == {**TASK, PHASE: "2", SUBJECT: "N"}
    one, other = (edited(world, B, {PHASE: n}, START + 99, merge) for n in "34")
    made = merged(world, A, text(subject="N"), one, other)
    assert ANEW not in wrote(world, made)
    assert said(world, A, made) == {**TASK, PHASE: "2", SUBJECT: "N"}


def test_a_merge_of_two_removals_writes_nothing() -> None:
    """They agree."""
    world = world_of()
    sides = [edited(world, A, {EXISTS: ABSENT}, START + n) for n in (0, 1)]
    assert wrote(world, merged(world, A, None, *sides)) == {}


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
    assert A not in world.history.points[back].lag
    gone = edited(world, A, {EXISTS: ABSENT}, START + 99, merge)
    assert wrote(world, gone) == {}
    assert A not in world.history.points[gone].lag
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
    assert wrote(world, merge) == {**TASK, EXISTS: True, ANEW: True, BYTES: world.tree(merge)[A]}
    merge = merged(world, A, text(), edited(world, B, {PHASE: "3"}, parent=gone), merge)
    assert wrote(world, merge) == {}
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
    one, other = (edited(world, B, {PHASE: n}, START + 99, merge) for n in "34")
    assert world.history.points[one].lag.keys() == {A}
    again = merged(world, B, text(phase="5"), one, other)
    assert world.history.points[again].lag.keys() == {A}


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
    places = ((A, SUBJECT), (B, EXISTS))
    many = world.commit([both], world.tree(both), START + 2, {}, kept=places)
    assert wrote(world, many) == {SUBJECT: "C", EXISTS: True}
    assert wrote(world, many, B) == {EXISTS: True}
    for about_the_file in (ANEW, BYTES):  # a forged message
        assert wrote(world, world.keep(both, (A, about_the_file), None, START + 2)) == {}
    gone = edited(world, A, {EXISTS: ABSENT}, START + 3, kept)
    assert wrote(world, world.keep(gone, (A, SUBJECT), "C", START + 4)) == {}


# --- commits that say that they are automatic ---------------------------------------------------


def test_only_what_is_the_recipe_and_says_so_is_automatic() -> None:
    """Not one with another tree, nor one of the right bytes that claims nothing, nor a root."""
    world = world_of()
    ours, theirs = edited(world, A, {PHASE: "2"}), edited(world, A, {SUBJECT: "B"})
    parents = tuple(sorted((ours, theirs)))
    points = [world.history.points[p] for p in parents]
    joined = world.history.join(points)
    wrong = {**joined.tree, A: world.contents.store(text(subject="C"))}
    forged = recipe(parents, wrong, joined.order)
    root = recipe((), wrong, joined.order)
    real = recipe(parents, joined.tree, joined.order)
    for commit in (
        Commit(forged, parents, START, wrong, marked=True),
        Commit(real, parents, START, joined.tree),
        Commit(root, (), START, wrong, marked=True),
    ):
        point = world.fork().history.add(commit)
        assert not point.automatic
        assert point.operations & ~(points[0].operations | points[1].operations)
    assert world.history.add(Commit(real, parents, START, joined.tree, marked=True)).automatic
