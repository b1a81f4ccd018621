"""Where two heads meet: with the operations of both, and without a merge that is not needed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.merge_world import START, TASKS, Text, World

from gittasks.core.merge.dag import MergedState, choose_heads

A = TASKS[0]
SUBJECT = ("subject",)


def edit(world: World, parent: str) -> str:
    """An operation on top of a commit."""
    text = Text({SUBJECT: f"{len(world.made)}"})
    tree = {**world.tree(parent), A: world.contents.store(text)}
    return world.edit(parent, tree, START + len(world.made))


def found(world: World, local: str, remote: str) -> tuple[str, ...]:
    """Where two commits meet, and that nothing is missing there and nothing is left behind."""
    chosen = choose_heads(world.history, local, remote, lambda c: world.made[c].commit.parents)
    assert len(chosen) in (1, 2)
    points = [world.history.points[c] for c in chosen]
    assert any(world.history.reaches(point, remote) for point in points)
    assert operations(*points) == operations(*(world.history.points[c] for c in (local, remote)))
    return chosen


def operations(*points: MergedState) -> int:
    found = 0
    for point in points:
        found |= point.operations
    return found


TABLE = [
    # commits: `x:r` edits r, `m=x+y` is the automatic merge, `f*x+y` a merge by somebody
    ("x:r", "x", "x", "x", "one head is where it is"),
    ("x:r y:x", "x", "y", "y", "who is behind goes forward"),
    ("x:r y:x", "y", "x", "y", "who is ahead stays"),
    ("x:r y:r", "x", "y", "x y", "two operations are joined"),
    ("x:r y:r m=x+y", "m", "y", "m", "a merge that stands on the remote is pushed"),
    ("x:r y:r m=x+y", "x", "m", "m", "a merge of others is taken"),
    ("x:r y:r m=x+y n=m+x", "m", "n", "n", "of two heads with the same operations the remote's"),
    (
        "x:r y:r m=x+y n=m+x",
        "n",
        "m",
        "m",
        "even where mine stands on it: there is nothing to push",
    ),
    ("x:r y:r m=x+y z:y", "m", "z", "x z", "my own merge is dropped before the next"),
    ("x:r y:r m=x+y z:y w:m", "w", "z", "w z", "not where I have built on it"),
    ("x:r y:r m=x+y z:y n=m+z u:z", "n", "u", "x u", "merges of merges are dropped, all of them"),
    ("x:r w:r m=x+w y:r", "m", "y", "m y", "not where both sides of it are mine"),
    ("x:r y:r f*x+y z:y", "f", "z", "f z", "a merge that somebody made is an operation"),
    ("x:r y:r f*x+y", "x", "f", "f", "and is taken as one"),
]


@pytest.mark.parametrize(("commits", "local", "remote", "expected", "why"), TABLE)
def test_two_heads_meet(commits: str, local: str, remote: str, expected: str, why: str) -> None:
    """The head to take, or the two to join, in each shape of history that two clones come to."""
    world = World((0,), {A: Text({SUBJECT: "root"})})
    names = {"r": world.root}
    for made in commits.split():
        name, kind, of = made[0], made[1], [names[c] for c in made[2:].split("+")]
        if kind == ":":
            names[name] = edit(world, of[0])
        elif kind == "=":
            names[name] = world.automatic(*of)
        else:
            text = world.contents.store(Text({SUBJECT: "by hand"}))
            names[name] = world.merge(of, {**world.tree(of[0]), A: text}, START)
    wanted = {names[c] for c in expected.split()}
    assert set(found(world, names[local], names[remote])) == wanted, why


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=14))
def test_law_clones_that_share_a_hub_come_to_rest(steps: list[tuple[int, bool]]) -> None:
    """Whoever edits and syncs when: then each syncs twice, all hold one head, and no more merges
    are made. There is never more than one merge for each operation."""
    world = World((0, 0, 0), {A: Text({SUBJECT: "root"})})
    heads, hub = [world.root] * 3, world.root

    def sync(who: int) -> None:
        nonlocal hub
        chosen = found(world, heads[who], hub)
        heads[who] = hub = chosen[0] if len(chosen) == 1 else world.automatic(*chosen)

    for who, edits in steps:
        if edits:
            heads[who] = edit(world, heads[who])
        else:
            sync(who)
    for who in (0, 1, 2, 0, 1):
        sync(who)
    assert set(heads) == {hub}
    made = len(world.made)
    for who in (2, 0, 1):
        sync(who)
    assert (set(heads), len(world.made)) == ({hub}, made)
    history = world.made[hub].ancestors
    reached = [m for m in world.made.values() if history & m.bit]
    assert sum(m.automatic for m in reached) <= sum(not m.automatic for m in reached) - 1
