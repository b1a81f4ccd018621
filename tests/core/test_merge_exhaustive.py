"""Every schedule of a tiny world: two or three replicas, one register, two values, wrong clocks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest
from support.merge_steps import SUBJECT, TASK, A, edited, state
from support.merge_world import Text, World

from gittasks.core.changes import strictly_equal
from gittasks.core.merge.registers import ABSENT, STATE, Register

SKEWS = (0, -3, 3)
REGISTERS: dict[Register, tuple[Any, Any]] = {
    SUBJECT: ("0", "1"),
    ("dep", "x"): (ABSENT, True),
    STATE: (state("pending"), state("in_progress", started="2026-01-01T00:00:01Z")),
}


def schedules(world: World, register: Register, events: int) -> Iterator[World]:
    """The worlds after that many writes and meetings that change something."""
    if not events:
        yield world
        return
    untouched = len(world.made) == 1
    for replica in range(1 if untouched else len(world.heads)):
        head, time = world.heads[replica], world.now + world.skews[replica]
        text = world.text(A, world.tree(head))
        assert text is not None
        for value in REGISTERS[register]:
            if not strictly_equal(value, text.registers.get(register, ABSENT)):
                after = world.fork()
                after.now += 2
                after.heads[replica] = edited(after, A, {register: value}, time, head)
                yield from schedules(after, register, events - 1)
        for other in range(len(world.heads)):
            if world.heads[other] != head:
                after = world.fork()
                after.now += 2
                after.sync(replica, other)
                if after.heads != world.heads:
                    yield from schedules(after, register, events - 1)


def check(replicas: int, register: Register, events: int) -> int:
    """Let all meet in some orders, which must not matter; the number of schedules."""
    value = REGISTERS[register][0]
    start = Text({**TASK, **({} if value is ABSENT else {register: value})})
    count = 0
    world = World(SKEWS[:replicas], {A: start})
    for found in schedules(world, register, events):
        count += 1
        ends = set()
        for order in permutations(range(replicas)):
            last = found.fork()
            for one in (*order, *order):
                for other in order:
                    last.sync(one, other)
            ends |= {last.tree(head)[A] for head in last.heads}
            assert last.faults(last.heads[0]) == []
        assert len(ends) == 1
    return count


@pytest.mark.parametrize("register", REGISTERS, ids=lambda register: str(register[0]))
@pytest.mark.parametrize(("replicas", "events", "schedules"), [(2, 6, 301), (3, 5, 1153)])
def test_no_schedule_diverges_or_loses_a_write(
    replicas: int, events: int, schedules: int, register: Register
) -> None:
    """Whatever is written and whoever meets: one tree in the end, and no sole write is lost."""
    assert check(replicas, register, events) == schedules


@pytest.mark.deep
@pytest.mark.parametrize("register", REGISTERS, ids=lambda register: str(register[0]))
def test_no_long_schedule_diverges_or_loses_a_write(register: Register) -> None:
    """All schedules of seven events of three replicas."""
    assert check(3, register, 7) > 50_000
