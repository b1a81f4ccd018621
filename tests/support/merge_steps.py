"""One step at a time in a `World`: an edit of one file, a file as it is given, two that meet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from gittasks.core.merge.registers import ABSENT, STATE, Register, State
from gittasks.core.merge.resolution import EXISTS, Conflict
from gittasks.core.model import Status
from support.merge_world import START, Text, World

Changes = Mapping[Register, Any]
A, B = "tasks/a.yaml", "tasks/b.yaml"
T1, T2, T3 = "2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z", "2026-01-01T00:00:03Z"
SUBJECT: Final[Register] = ("subject",)
PHASE: Final[Register] = ("phase",)
RESULT: Final[Register] = ("result",)
MADE: Final[Register] = ("created",)
MAKER: Final[Register] = ("createdBy",)
K: Final[Register] = ("meta", "k")
TASK: Final[Changes] = {STATE: State(), SUBJECT: "A", MADE: T1}
ONE, OTHER = "one", "other"


def world_of(**more: object) -> World:
    """Two tasks, the first with this metadata."""
    meta = {("meta", key): value for key, value in more.items()}
    return World((0,), {A: Text({**TASK, **meta}), B: Text(TASK)})


def text(**changes: object) -> Text:
    """The first task without metadata, with these fields."""
    return Text({**TASK, **{(k,): v for k, v in changes.items()}})


def broken(mark: str = "<<<", **changes: object) -> Text:
    """A file that cannot be read; it said what the others say, and these."""
    registers = text(**changes).registers
    return Text(registers, mark, readable=False, basis=registers)


def wrote(world: World, commit: str, path: str = A) -> dict[Register, Any]:
    """What a commit itself wrote to a file, or said again; but that a state has no result."""
    written = world.history.points[commit].written.get(path, {})
    own = {r: w.value for r, ws in written.items() for w in ws if w.commit == commit}
    return {r: v for r, v in own.items() if r != RESULT or v is not ABSENT or STATE not in own}


def state(status: str, owner: str | None = None, **more: Any) -> State:
    return State(Status(status), owner, **more)


def edited(
    world: World,
    path: str,
    changes: Changes,
    time: int = START,
    parent: str | None = None,
    operation: str | None = None,
) -> str:
    """A commit that changes registers of one file; EXISTS: ABSENT removes it."""
    head = parent or world.root
    tree = dict(world.tree(head))
    old = world.text(path, tree) or Text({})
    new = {**old.registers, **changes}
    if new.pop(EXISTS, None) is ABSENT:
        del tree[path]
    else:
        registers = {r: v for r, v in new.items() if v is not ABSENT}
        tree[path] = world.contents.store(old._replace(registers=registers))
    return world.edit(head, tree, time, operation=operation)


def stored(
    world: World, path: str, text: Text, time: int = START, parent: str | None = None
) -> str:
    """A commit that writes a file as it is given."""
    head = parent or world.root
    return world.edit(head, {**world.tree(head), path: world.contents.store(text)}, time)


def merged(
    world: World, path: str, text: Text | None, *parents: str, time: int = START + 50
) -> str:
    """A merge by others that leaves one file like this, and all others like the first parent's."""
    tree = dict(world.tree(parents[0]))
    if text is None:
        tree.pop(path, None)
    else:
        tree[path] = world.contents.store(text)
    return world.merge(parents, tree, time)


def shown(world: World, path: str, *heads: str) -> Text | None:
    """What an automatic commit on these holds at a path."""
    joined = world.history.join([world.history.points[h] for h in heads])
    return world.text(path, joined.tree)


def said(world: World, path: str, *heads: str) -> dict[Register, Any]:
    """The registers of what is shown there."""
    text = shown(world, path, *heads)
    assert text is not None
    assert text.readable
    return dict(text.registers)


def told(world: World, *heads: str) -> list[Conflict]:
    """The conflicts among these."""
    joined = world.history.join([world.history.points[h] for h in heads])
    return world.history.open_conflicts(joined.written)


class Met(NamedTuple):
    """What two commits came to: the shown file, what is told, and who wrote what."""

    text: Text | None
    conflicts: list[Conflict]
    one: str
    other: str


def meeting(path: str, start: Text | None, one: Changes, other: Changes, later: str) -> Met:
    """Two commits on one; `later` is the one of the later time."""
    world = World((0, 0), {path: start} if start else {})
    times = (START + (later == ONE), START + (later == OTHER))
    heads = [edited(world, path, c, t) for c, t in zip((one, other), times, strict=True)]
    return Met(shown(world, path, *heads), told(world, *heads), heads[0], heads[1])
