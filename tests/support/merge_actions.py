"""What people and tools do in a `World`: random events, drawn from tiny pools that collide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from random import Random
from typing import Any, Final

from gittasks.core.changes import strictly_equal
from gittasks.core.fields import COMPOSITE, FIELDS, Field, Kind
from gittasks.core.merge.dag import Registers, Tree
from gittasks.core.merge.registers import ABSENT, STATE, Register, State
from gittasks.core.model import Note, Status
from support.merge_world import LIST, README, START, TASKS, Text, World, name_of, tidy

T1, T2 = "2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"
RESULT: Final[Register] = ("result",)
_EXTRA: Final[Mapping[Register, Sequence[Any]]] = {
    ("extra", "e"): (1, 2, ABSENT),
    ("extra", "m"): (7, ABSENT),
    ("extra", "m", "s"): (1, 2, ABSENT),
    ("extra", "m", "t"): (1, ABSENT),
}
_NAMED: Final[Mapping[str, Mapping[Register, Sequence[Any]]]] = {
    "subject": {("subject",): ("A", "B", "C")},
    "activeForm": {("activeForm",): ("Doing", ABSENT)},
    "result": {RESULT: ("PASS", "FAIL", ABSENT)},
    "phase": {("phase",): ("1", "2", ABSENT)},
    "created": {("created",): (T1, T2, ABSENT)},
    "createdBy": {("createdBy",): ("ann", "bob", ABSENT)},
}


def _registers_of(field: Field) -> Mapping[Register, Sequence[Any]]:
    """A few values for the registers of a field, ABSENT among them."""
    kind = field.registers
    kinds: Mapping[Kind, Mapping[Register, Sequence[Any]]] = {
        Kind.LINE: {(kind,): ("one", "two", ABSENT)},
        Kind.TEXT: {(kind,): ("one", "two", ABSENT)},
        Kind.TIME: {(kind,): (T1, T2, ABSENT)},
        Kind.COUNT: {(kind,): (0, 1, ABSENT)},
        Kind.NUMBER: {(kind,): (1, 1.0, 2, ABSENT)},
        Kind.WORDS: {(kind, "x"): (True, ABSENT), (kind, "y"): (True, ABSENT)},
        Kind.PATHS: {(kind, "x"): (True, ABSENT), (kind, "y/*"): (True, ABSENT)},
        Kind.IDS: {(kind, "x"): (True, ABSENT), (kind, "y"): (True, ABSENT)},
        Kind.NOTES: {(kind, Note(T1, "ann", "hm")): (True, ABSENT)},
        Kind.COMMITS: {(kind, "c1"): (None, "fix", ABSENT)},
        Kind.MAP: {
            (kind, "k"): (1, True, None, "v", ABSENT),
            (kind, "l"): ([1], [True], {"a": 1}, ABSENT),
        },
    }
    return _NAMED.get(field.name) or kinds[field.kind]


_OF_FIELDS: Final = [_registers_of(field) for field in FIELDS if field not in COMPOSITE]
POOL: Final = {r: values for pool in (*_OF_FIELDS, _EXTRA) for r, values in pool.items()}
LIST_POOL: Final[Mapping[Register, Sequence[Any]]] = {
    ("title",): ("Plan", "Other"),
    ("format",): (1, 2),
    ("rules",): (1, 2),
    ("setting", "s"): (1, 2, ABSENT),
    ("extra", "e"): (1, ABSENT),
}
LAYOUTS: Final = ("", "# one", "# two")


def pool_of(path: str) -> Mapping[Register, Sequence[Any]]:
    return LIST_POOL if path == LIST else POOL


def new_tree() -> dict[str, Text]:
    """Two tasks, the list itself and a file that is none of ours."""
    tasks = {path: Text({STATE: State(), ("subject",): "A", ("created",): T1}) for path in TASKS}
    info = Text({("title",): "Plan", ("format",): 1, ("rules",): 1})
    return {**tasks, LIST: info, README: Text({}, "readme")}


def any_state(rng: Random) -> State:
    pools: Mapping[str, Sequence[Any]] = {
        "status": tuple(Status),
        "owner": (None, "ann", "bob"),
        "session": (None, "s1", "s2"),
        "claim": (0, 1),
    }
    return State(**{f.attr: rng.choice(pools.get(f.name, (None, T1, T2))) for f in COMPOSITE})


def transition(rng: Random, old: State) -> dict[Register, Any]:
    """What a command does to the state, and to the result with it."""
    owner, session = rng.choice(("ann", "bob")), rng.choice((None, "s1", "s2"))
    if old.status is Status.PENDING:
        start = State(Status.IN_PROGRESS, owner, session, old.claim + 1, rng.choice((T1, T2)))
        return {STATE: start}
    if old.status is Status.IN_PROGRESS:
        closed = rng.choice((Status.COMPLETED, Status.COMPLETED, Status.SKIPPED, Status.PENDING))
        finished = rng.choice((T1, T2)) if closed is not Status.PENDING else None
        done = old._replace(status=closed, finished=finished)
        return {STATE: done, RESULT: rng.choice(POOL[RESULT])}
    if rng.random() < 0.3:
        return {STATE: old._replace(status=Status.DELETED)}
    return {STATE: State(claim=old.claim), RESULT: ABSENT}


def changed(old: Registers, changes: Mapping[Register, Any]) -> dict[Register, Any]:
    """The registers after some changes; an unknown key that becomes a value is no longer a map."""
    new = dict(old)
    for register, value in changes.items():
        if value is not ABSENT and register[0] == "extra":
            for other in [r for r in new if r[:2] == register[:2] and len(r) != len(register)]:
                del new[other]
        if value is ABSENT:
            new.pop(register, None)
        elif not strictly_equal(value, new.get(register, ABSENT)):
            new[register] = value
    return tidy(new)


class Actions:
    """Random events in a world, all from one source of chance."""

    def __init__(self, world: World, rng: Random, *, repeats: bool) -> None:
        self.world, self.rng = world, rng
        self._events = (
            *([(12, self.again)] if repeats else []),
            (30, self.tool),
            (12, self.hand),
            (4, self.file),
            (5, self.breaks),
            (3, self.opaque),
            (3, self.copy),
            (2, self.forge),
            (3, self.keep),
            (28, self.pull),
            (13, self.plain_merge),
        )

    def run(self, events: int) -> None:
        for _ in range(events):
            self.step()

    def step(self) -> None:
        """One event at one replica, or nothing where it does not apply."""
        self.world.now += self.rng.randint(0, 2)
        replica = self.rng.randrange(len(self.world.heads))
        at = self.rng.randrange(sum(weight for weight, _ in self._events))
        for weight, event in self._events:
            at -= weight
            if at < 0:
                event(replica)
                return

    def _time(self, replica: int) -> int:
        return self.world.now + self.world.skews[replica]

    def _commit(self, replica: int, tree: Tree) -> None:
        head = self.world.heads[replica]
        if tree != self.world.tree(head):
            self.world.heads[replica] = self.world.edit(head, tree, self._time(replica))

    def _some_change(self, path: str, old: Registers, count: int) -> dict[Register, Any]:
        pool = pool_of(path)
        changes = {
            r: self.rng.choice(pool[r]) for r in self.rng.sample(sorted(pool, key=repr), count)
        }
        if path in TASKS and self.rng.random() < 0.3:
            changes[STATE] = any_state(self.rng)
        return changed(old, changes)

    # --- ordinary commits -------------------------------------------------------------------

    def tool(self, replica: int) -> None:
        """A command: it works on what is shown, so it brings the tree up to date as well."""
        rng, world = self.rng, self.world
        tree = dict(world.history.points[world.heads[replica]].shown())
        paths = sorted(p for p in tree if p != README and world.contents.texts[tree[p]].readable)
        if not paths:
            return
        for path in rng.sample(paths, min(len(paths), rng.choice((1, 1, 1, 2)))):
            text = world.contents.texts[tree[path]]
            if path in TASKS and rng.random() < 0.4:
                old = text.registers.get(STATE, State())
                registers = changed(text.registers, transition(rng, old))
            else:
                registers = self._some_change(path, text.registers, 1)
            tree[path] = world.contents.store(text._replace(registers=registers))
        self._commit(replica, tree)

    def again(self, replica: int) -> None:
        """Catch up with a commit of code, as others may have done or will do."""
        world, path = self.world, self.rng.choice(TASKS)
        head = world.heads[replica] = world.healed(world.heads[replica])
        tree = dict(world.tree(head))
        text = world.contents.texts[tree[path]] if path in tree else None
        if text is None or not text.readable:
            return
        done = State(Status.COMPLETED, "bob", finished=self.rng.choice((T1, T2)))
        registers = changed(text.registers, {STATE: done})
        tree[path] = world.contents.store(text._replace(registers=registers))
        if tree != world.tree(head):
            time = self._time(replica)
            world.heads[replica] = world.edit(head, tree, time, operation=f"done {path}")

    def hand(self, replica: int) -> None:
        """An editor: several fields at once, or comments; the repair of what cannot be read."""
        rng, world = self.rng, self.world
        tree = dict(world.tree(world.heads[replica]))
        paths = sorted(p for p in tree if p != README)
        if not paths:
            return
        path = rng.choice(paths)
        text = world.contents.texts[tree[path]]
        count = rng.randint(0 if text.layout or not text.readable else 1, 3)
        registers = self._some_change(path, text.registers, count)
        layout = rng.choice(LAYOUTS) if rng.random() < 0.4 else text.layout
        if layout not in LAYOUTS:
            layout = ""
        tree[path] = world.contents.store(Text(registers, layout))
        self._commit(replica, tree)

    def file(self, replica: int) -> None:
        """A file removed, or made anew."""
        rng, world = self.rng, self.world
        tree = dict(world.tree(world.heads[replica]))
        path = rng.choice((*TASKS, *TASKS, LIST, README))
        if path in tree:
            del tree[path]
        elif path == README:
            tree[path] = world.contents.store(Text({}, "readme again"))
        else:
            start: dict[Register, Any] = {("subject",): "N", ("created",): rng.choice((T1, T2))}
            start |= {STATE: State(), ("createdBy",): rng.choice(("ann", "bob"))}
            registers = self._some_change(path, start if path in TASKS else {("title",): "N"}, 2)
            tree[path] = world.contents.store(Text(registers, rng.choice(LAYOUTS)))
        self._commit(replica, tree)

    def breaks(self, replica: int) -> None:
        """A file that can no longer be read; with it somebody may have meant to change it."""
        rng, world = self.rng, self.world
        tree = dict(world.tree(world.heads[replica]))
        path = rng.choice((*TASKS, LIST))
        text = world.text(path, tree)
        if text is None and rng.random() < 0.8:
            return
        basis = text.basis if text and not text.readable else text.registers if text else {}
        registers = text.registers if text else {("subject",): "N"}
        if rng.random() < 0.3:
            registers = self._some_change(path, registers, 1)
        broken = name_of("broken", len(world.made))
        tree[path] = world.contents.store(Text(registers, broken, False, basis))
        self._commit(replica, tree)

    def opaque(self, replica: int) -> None:
        """A file that is no task."""
        tree = dict(self.world.tree(self.world.heads[replica]))
        if README in tree:
            tree[README] = self.world.contents.store(Text({}, self.rng.choice("ABC")))
            self._commit(replica, tree)

    def copy(self, replica: int) -> None:
        """A rebase or cherry-pick: somebody's commit once more, on another head."""
        rng, world = self.rng, self.world
        made = [m.commit for m in world.made.values() if len(m.commit.parents) == 1]
        if not made:
            return
        commit = rng.choice(made)
        old = world.tree(commit.parents[0])
        tree = dict(world.tree(world.heads[replica]))
        for path in sorted(path for path, _ in old.items() ^ commit.tree.items()):
            before, after, here = (world.text(path, t) for t in (old, commit.tree, tree))
            if not (before and after and here):
                continue
            if not (before.readable and after.readable and here.readable):
                continue
            changes = {
                r: after.registers.get(r, ABSENT)
                for r in {**before.registers, **after.registers}
                if not strictly_equal(
                    after.registers.get(r, ABSENT), before.registers.get(r, ABSENT)
                )
            }
            registers = changed(here.registers, changes)
            layout = after.layout if after.layout != before.layout else here.layout
            tree[path] = world.contents.store(Text(registers, layout))
        head = world.heads[replica]
        if tree != world.tree(head):
            world.heads[replica] = world.edit(head, tree, commit.time)

    def keep(self, replica: int) -> None:
        """Somebody looks at a conflict and says that what is shown is right."""
        head = self.world.heads[replica]
        point = self.world.history.points[head]
        if told := self.world.history.open_conflicts(point.written):
            conflict = self.rng.choice(told)
            place, value = (conflict.path, conflict.register), conflict.winner.value
            time = self._time(replica)
            self.world.heads[replica] = self.world.keep(head, place, value, time)

    # --- merges -----------------------------------------------------------------------------

    def pull(self, replica: int) -> None:
        other = self.rng.randrange(len(self.world.heads))
        if other != replica:
            self.world.sync(replica, other)

    def forge(self, replica: int) -> None:
        """A commit that says that it is an automatic merge: its tree, or its id, is another."""
        rng, world = self.rng, self.world
        parents = {world.heads[replica], rng.choice(world.heads)}
        joined = world.history.join([world.history.points[p] for p in sorted(parents)])
        tree = dict(joined.tree)
        for path in [p for p in TASKS if p in tree and rng.random() < 0.5]:
            text = world.contents.texts[tree[path]]
            if text.readable:
                registers = self._some_change(path, text.registers, 1)
                tree[path] = world.contents.store(text._replace(registers=registers))
        forged = name_of("forged", len(world.made))
        ordered, time = sorted(parents), self._time(replica)
        if len(ordered) == 1:
            world.heads[replica] = world.edit(ordered[0], tree, time, forged)
        else:
            world.heads[replica] = world.merge(ordered, tree, time, forged)

    def plain_merge(self, replica: int) -> None:
        """`git merge` without our driver: by text, from one base, a person picks; or worse."""
        rng, world = self.rng, self.world
        ours, theirs = world.heads[replica], rng.choice(world.heads)
        mine, other = world.made[ours], world.made[theirs]
        if mine.ancestors & other.bit:
            return
        if other.ancestors & mine.bit:
            world.heads[replica] = theirs
            return
        common = mine.ancestors & other.ancestors
        bases = [m for m in world.made.values() if common & m.bit]
        bases = [m for m in bases if not any(m is not n and n.ancestors & m.bit for n in bases)]
        base = rng.choice(bases).commit.tree if bases else {}
        style = rng.choice(("pick", "pick", "ours", "theirs", "markers", "all ours"))
        tree: dict[str, str] = {}
        for path in sorted({*mine.commit.tree, *other.commit.tree}):
            blob = self._merged_file(path, base, mine.commit.tree, other.commit.tree, style)
            if blob is not None and rng.random() < 0.98:
                tree[path] = blob
        world.heads[replica] = world.merge([ours, theirs], tree, self._time(replica))

    def _merged_file(
        self, path: str, base: Tree, ours: Tree, theirs: Tree, style: str
    ) -> str | None:
        rng, texts = self.rng, self.world.contents.texts
        o, x, y = base.get(path), ours.get(path), theirs.get(path)
        if style == "all ours" or y == o or x == y:
            return x
        if x == o:
            return y
        either = rng.choice((x, y)) if style == "pick" else y if style == "theirs" else x
        if x is None or y is None or path == README or style in ("ours", "theirs"):
            return either
        old = texts[o] if o else Text({})
        if not all(text.readable for text in (old, texts[x], texts[y])):
            return either
        registers, open_conflict = self._merged_text(old, texts[x], texts[y])
        layout = rng.choice((texts[x].layout, texts[y].layout))
        if style == "markers" and open_conflict:
            broken = name_of("markers", len(self.world.made), path)
            return self.world.contents.store(Text(registers, broken, False, texts[x].registers))
        if rng.random() < 0.1:
            registers = self._some_change(path, registers, 1)
        return self.world.contents.store(Text(registers, layout))

    def _merged_text(self, old: Text, ours: Text, theirs: Text) -> tuple[dict[Register, Any], bool]:
        rng = self.rng
        merged: dict[Register, Any] = {}
        open_conflict = False
        by_line = rng.random() < 0.5
        for register in {**old.registers, **ours.registers, **theirs.registers}:
            sides = [t.registers.get(register, ABSENT) for t in (old, ours, theirs)]
            if by_line and register == STATE and all(isinstance(s, State) for s in sides):
                found = [_three_way(rng, *parts) for parts in zip(*sides, strict=True)]
                value, clash = State(*(v for v, _ in found)), any(c for _, c in found)
            else:
                value, clash = _three_way(rng, *sides)
            open_conflict = open_conflict or clash
            if value is not ABSENT:
                merged[register] = value
        return tidy(merged), open_conflict


def _three_way(rng: Random, old: Any, ours: Any, theirs: Any) -> tuple[Any, bool]:
    """What a text merge makes of three values, and whether a person had to pick."""
    if strictly_equal(ours, theirs) or strictly_equal(theirs, old):
        return ours, False
    if strictly_equal(ours, old):
        return theirs, False
    return rng.choice((ours, theirs)), True


def gossip(world: World, rng: Random) -> int:
    """Rounds in which each meets each other one, in any order, until all have one head."""
    rounds = 0
    pairs = list(permutations(range(len(world.heads)), 2))
    world.heads = [world.healed(head) for head in world.heads]
    while len(set(world.heads)) > 1:
        rng.shuffle(pairs)
        for one, other in pairs:
            world.sync(one, other)
        rounds += 1
        assert rounds < 10, f"{len(set(world.heads))} heads after {rounds} rounds"
    return rounds


def mended(world: World) -> str:
    """The head that all share, with every file readable and nothing hidden in it."""
    head = world.heads[0]
    tree = dict(world.tree(head))
    for path, blob in tree.items():
        text = world.contents.texts[blob]
        if not text.readable:
            tree[path] = world.contents.store(Text(text.registers))
    if tree != world.tree(head):
        head = world.healed(world.edit(head, tree, world.now))
    assert not world.history.points[head].lag
    return head


def played(rng: Random, events: int, replicas: int = 3, *, repeats: bool) -> World:
    """A world after that many events; with `repeats` some do the same operation apart."""
    skews = [rng.choice((-START, -3, 0, 0, 3, START)) for _ in range(replicas)]
    world = World(skews, new_tree())
    Actions(world, rng, repeats=repeats).run(events)
    return world
