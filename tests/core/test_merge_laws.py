"""The laws of the merge, in worlds where tools and people do everything that git lets them."""

from __future__ import annotations

from collections import defaultdict
from itertools import permutations
from random import Random
from typing import Any

from hypothesis import assume, given, note
from hypothesis import strategies as st
from support.merge_actions import Actions, gossip, mended, played
from support.merge_world import Intent, Place, World

from gittasks.core.changes import strictly_equal
from gittasks.core.merge.dag import History, MergedState, Tree, Written
from gittasks.core.merge.registers import ABSENT, STATE, Register
from gittasks.core.merge.resolution import (
    ANEW,
    BYTES,
    EXISTS,
    RESULT,
    Write,
    Writers,
    same_outcome,
    winner,
)

Own = dict[Place, set[str]]


@st.composite
def worlds(draw: st.DrawFn, most: int = 60) -> tuple[World, Random]:
    """A world after some events, and the chance to go on; in half of them some do the same."""
    seed, events = draw(st.integers(0, 2**32)), draw(st.integers(5, most))
    replicas, alike = draw(st.integers(2, 4)), draw(st.booleans())
    note(f"played(Random({seed}), {events}, {replicas}, repeats={alike})")
    rng = Random(seed)
    return played(rng, events, replicas, repeats=alike), rng


def points(world: World) -> list[MergedState]:
    return [world.history.points[head] for head in world.heads]


def writers_of(written: Written) -> dict[Place, Writers]:
    return {(path, r): ws for path, file in written.items() for r, ws in file.items()}


# --- joining ----------------------------------------------------------------------------------


@given(worlds())
def test_law_joining_is_commutative_to_the_bytes(drawn: tuple[World, Random]) -> None:
    """In whatever order the heads are given: the same tree, order, writers and conflicts."""
    world, _ = drawn
    heads = points(world)
    first = world.history.join(heads)
    for order in permutations(heads):
        other = world.history.join(order)
        assert other == first
        assert world.history.open_conflicts(other.written) == world.history.open_conflicts(
            first.written
        )


@given(worlds())
def test_law_joining_is_idempotent(drawn: tuple[World, Random]) -> None:
    """A head joined with itself, or with what it was joined with before, changes nothing."""
    world, _ = drawn
    one, other = world.heads[0], world.heads[-1]
    for head in points(world):
        assert world.history.join([head]).tree == head.shown()
        assert world.history.join([head, head]).tree == head.shown()
    both = world.automatic(one, other)
    for again in (one, other, both):
        joined = world.history.join([world.history.points[i] for i in (both, again)])
        assert joined.tree == world.tree(both)
        assert joined.written == world.history.points[both].written


@given(worlds())
def test_law_joining_is_associative(drawn: tuple[World, Random]) -> None:
    """Two by two in any order, or all at once, comes to the same tree, writers and order."""
    world, _ = drawn
    all_at_once = world.history.join(points(world))
    for first, *others in permutations(world.heads):
        head = first
        for other in others:
            head = world.automatic(head, other)
        assert world.tree(head) == all_at_once.tree
        assert world.history.points[head].written == all_at_once.written
        assert world.history.points[head].order == all_at_once.order


@given(worlds())
def test_law_any_gossip_ends_with_the_same_bytes(drawn: tuple[World, Random]) -> None:
    """Replicas that meet by twos in any order come to one head, whose tree is always the same."""
    world, rng = drawn
    heads = list(world.heads)
    ends: list[tuple[Tree, Any]] = []
    for _ in range(3):
        world.heads = list(heads)
        gossip(world, rng)
        point = world.history.points[world.heads[0]]
        assert not point.lag
        ends.append((point.tree, world.history.open_conflicts(point.written)))
    assert ends[0] == ends[1] == ends[2]


@given(worlds())
def test_law_the_set_of_operations_alone_decides_the_tree(drawn: tuple[World, Random]) -> None:
    """Two commits that hold the same operations say the same, whatever merges lie between."""
    world, rng = drawn
    gossip(world, rng)
    said: dict[int, tuple[Tree, Written]] = {}
    for made in world.made.values():
        point = world.history.points[made.commit.id]
        assert {world.made[i].bit for i in world.history.operations(point)} == {
            m.bit for m in world.made.values() if m.bit & made.operations
        }
        assert {i for i in world.made if world.history.reaches(point, i)} == {
            i for i, m in world.made.items() if m.bit & made.ancestors
        }
        assert said.setdefault(made.operations, (point.shown(), point.written)) == (
            point.shown(),
            point.written,
        )


# --- writers ----------------------------------------------------------------------------------


@given(worlds())
def test_law_no_sole_write_is_lost_and_no_value_is_nobodys(drawn: tuple[World, Random]) -> None:
    """Every value shown, at every commit, was meant by somebody and overwritten by nobody."""
    world, rng = drawn
    gossip(world, rng)
    for commit in list(world.made):
        assert world.faults(commit) == []


@given(worlds())
def test_law_an_edit_writes_what_its_author_meant(drawn: tuple[World, Random]) -> None:
    """On top of a tree that says what is shown, a commit writes what it changed and only that."""
    world, _ = drawn
    meant: dict[str, dict[Place, Intent]] = defaultdict(dict)
    for place, intents in world.intents.items():
        for intent in intents:
            meant[intent.commit][place] = intent
    for made in world.made.values():
        parents = [world.history.points[p] for p in made.commit.parents]
        if made.automatic or len(parents) != 1 or parents[0].lag or parents[0].basis:
            continue
        wishes = meant[made.commit.id]
        found = own_writes(world, made.commit.id)
        for path in [path for path, register in found if register == ANEW]:
            del found[path, ANEW]
            known = world.history.points[made.commit.id].written[path]
            assert {(path, r) for r in known} - {(path, ANEW)} == {p for p in found if p[0] == path}
            wishes = {p: i for p, i in wishes.items() if p[0] != path or i.value is not ABSENT}
            found = {p: w for p, w in found.items() if p[0] != path or w.value is not ABSENT}
        assert {place for place, intent in wishes.items() if intent.meant} <= found.keys()
        assert found.keys() <= wishes.keys()
        assert all(
            strictly_equal(write.value, wishes[place].value) for place, write in found.items()
        )


def own_writes(world: World, commit: str) -> dict[Place, Write]:
    written = writers_of(world.history.points[commit].written)
    own = {place: w for place, ws in written.items() for w in ws if w.commit == commit}
    assert all(len(written[place]) == 1 or w.restated for place, w in own.items())
    return own


@given(worlds())
def test_law_the_writers_are_the_maximal_ones(drawn: tuple[World, Random]) -> None:
    """Those counted at a commit are the writers in its history that no other one there follows;
    an echo of what stood only follows what lost to it."""
    world, rng = drawn
    gossip(world, rng)
    wrote: dict[Place, list[str]] = defaultdict(list)
    out: dict[tuple[str, Place], int] = {}
    for commit, made in world.made.items():
        for place, write in own_writes(world, commit).items():
            wrote[place].append(commit)
            bit, seen = made.reach(place[1])
            out[commit, place] = seen & ~bit
            stood = [
                w
                for w in world.history.points[commit].written[place[0]][place[1]]
                if not w.restated
            ]
            if write.restated and stood:
                out[commit, place] &= ~world.made[stood[0].commit].reach(place[1])[0]
        point = world.history.points[commit]
        counted = {p: {w.commit for w in ws} for p, ws in writers_of(point.written).items()}
        for place, commits in list(wrote.items()):
            known = [c for c in commits if made.ancestors & world.made[c].bit]
            over = 0
            for c in known + [
                c for c in wrote[place[0], ANEW] if world.made[c].bit & made.ancestors
            ]:
                bit, seen = world.made[c].reach(place[1])
                over |= out.get((c, place), seen & ~bit)
            left = {c for c in known if not over & world.made[c].reach(place[1])[0]}
            assert counted.get(place, set()) == left
        assert all(
            list(ws) == sorted(ws, key=lambda w: w.place)
            for ws in writers_of(point.written).values()
        )


@given(worlds())
def test_law_automatic_commits_write_nothing(drawn: tuple[World, Random]) -> None:
    """None is ever a writer, or an operation; its order is its latest parent's."""
    world, rng = drawn
    gossip(world, rng)
    automatic = {m.commit.id for m in world.made.values() if m.automatic}
    for commit in world.made:
        point = world.history.points[commit]
        parents = [world.history.points[p] for p in world.made[commit].commit.parents]
        assert point.automatic is (commit in automatic)
        assert not automatic & set(world.history.operations(point))
        assert not automatic & {w.commit for ws in writers_of(point.written).values() for w in ws}
        if commit in automatic:
            assert point.order == max(p.order for p in parents)
            assert not point.lag
        else:
            assert all(point.order > p.order for p in parents)


@given(worlds())
def test_law_what_only_says_that_it_is_automatic_is_an_ordinary_commit(
    drawn: tuple[World, Random],
) -> None:
    """A mark on a commit that is not the recipe's, in tree or in id, counts for nothing."""
    world, _ = drawn
    unmarked = History(world.contents)
    for made in world.made.values():
        unmarked.add(made.commit._replace(marked=made.automatic))
        assert unmarked.points[made.commit.id] == world.history.points[made.commit.id]


@given(worlds())
def test_law_forgetting_changes_nothing(drawn: tuple[World, Random]) -> None:
    """A commit without further children may be forgotten: the others come out as before."""
    world, _ = drawn
    last = {p: made.bit for made in world.made.values() for p in made.commit.parents}
    history = History(world.contents)
    for made in world.made.values():
        history.add(made.commit)
        assert history.points[made.commit.id] == world.history.points[made.commit.id]
        for parent in made.commit.parents:
            if last[parent] == made.bit:
                history.forget(parent)
    assert set(history.points) == {c for c in world.made if c not in last}


# --- conflicts --------------------------------------------------------------------------------


@given(worlds())
def test_law_every_competing_value_is_listed(drawn: tuple[World, Random]) -> None:
    """The conflicts are the registers whose writers disagree; the winner's value is shown."""
    world, _ = drawn
    joined = world.history.join(points(world))
    listed = {(c.path, c.register): c for c in world.history.open_conflicts(joined.written)}
    for (path, register), writers in writers_of(joined.written).items():
        won = winner(register, writers, joined.written[path].get(STATE, ()))
        disagree = any(
            not same_outcome(register, w.value, won.value)
            for w in writers
            if (won.restated or not w.restated) and (register != RESULT or w.value is not ABSENT)
        )
        if register in (BYTES, ("created",), ("createdBy",)):
            assert (path, register) not in listed
        else:
            assert ((path, register) in listed) is (disagree and path in joined.tree)
    for (path, register), conflict in listed.items():
        losers = [w for w in writers_of(joined.written)[path, register] if w in conflict.losers]
        assert list(conflict.losers) == losers
        assert losers
        assert not any(strictly_equal(w.value, conflict.winner.value) for w in losers)
        text = world.text(path, joined.tree)
        if text and text.readable and not _hidden(register, text.registers):
            shown = True if register == EXISTS else text.registers.get(register, ABSENT)
            assert strictly_equal(shown, conflict.winner.value)


def _hidden(register: Register, registers: Any) -> bool:
    """Whether a file cannot hold this value of an unknown key beside a map of that name."""
    return register[0] == "extra" and any(r[:2] == register and r != register for r in registers)


# --- a base -----------------------------------------------------------------------------------


@given(worlds(20), st.integers(1, 40))
def test_law_a_base_changes_nothing(drawn: tuple[World, Random], more: int) -> None:
    """From a commit that all later ones follow and whose tree says what is shown, the evaluation
    gives the trees, writers and conflicts that it gives from the beginning."""
    world, rng = drawn
    gossip(world, rng)
    base = mended(world)
    world.heads = [base] * len(world.heads)
    Actions(world, rng, repeats=True).run(more)
    gossip(world, rng)
    root = world.history
    start = root.points[base]
    assume(not start.basis)
    before = root.open_conflicts(start.written)
    old, seen = set(root.operations(start)), []
    history = History(world.contents, MergedState(base, start.tree, start.order))
    for made in world.made.values():
        if not made.ancestors & world.made[base].bit or made.commit.id == base:
            continue
        found, full = history.add(made.commit), root.points[made.commit.id]
        seen.append(made.commit.id)
        assert _said(found) == _said(full)
        later = {p: _later(ws, world, base) for p, ws in writers_of(full.written).items()}
        known = {p: _untied(ws, seen) for p, ws in writers_of(found.written).items()}
        assert {p: _untied(ws, seen) for p, ws in later.items() if ws} == known
        assert history.open_conflicts(found.written, before) == root.open_conflicts(full.written)
        since = [c for c in root.operations(full) if c not in old]
        assert history.operations(found) == since
        assert [c for c in (base, *seen) if history.reaches(found, c)] == [
            c for c in (base, *seen) if root.reaches(full, c)
        ]
        assert not history.reaches(found, "somewhere else")


def _said(point: MergedState) -> MergedState:
    """What a commit says, without where that comes from."""
    return point._replace(written={}, history=0, operations=0, events=0)


def _later(writers: Writers, world: World, base: str) -> Writers:
    """The writers after the base: all, none, or the echo of the one that stood there."""
    ancestors = world.made[base].ancestors
    later = tuple(w for w in writers if not world.made[w.commit].bit & ancestors)
    assert later in ((), writers) or all(w.restated for w in later)
    return later


def _untied(writers: Writers, seen: list[str]) -> Writers:
    """Without the ties to states before the base."""
    ties = (w.beside for w in writers)
    return tuple(
        w._replace(beside=None) if isinstance(tie, str) and tie not in seen else w
        for w, tie in zip(writers, ties, strict=True)
    )
