"""The merge: what a list says, worked out from its history. docs/merging.md explains it.

For each register of each file the history gives the *maximal writers*: the commits that wrote
it and whose write no later commit overwrote. One of them is shown (`picks`), the others are
conflicts. Whether a commit wrote a register depends on the commit and its ancestors only, so two
clones that hold the same commits show the same bytes, in whatever order they met.

This is the only merge: reads, sync, the merge driver and `conflicts` call it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gittasks.core.changes import same
from gittasks.core.dag import (
    NOTHING,
    Commit,
    Contents,
    FileWriters,
    Joined,
    Point,
    Registers,
    Tree,
    Written,
    next_order,
)
from gittasks.core.picks import (
    BYTES,
    EXISTS,
    FITS,
    Conflict,
    Order,
    Write,
    Writers,
    conflicts,
    winner,
)
from gittasks.core.registers import ABSENT, STATE, Register


class History:
    """Works out what a list says at each commit, parents before children.

    `base` is a commit that all others descend from, and at which the tree says what the list
    says; None when the history is looked at from its beginning.
    """

    def __init__(self, contents: Contents, base: Point | None = None) -> None:
        self._contents = contents
        self._base: Tree = base.tree if base else {}
        self._root = base.commit if base else None
        self._bits: dict[str, int] = {}
        self._broken: dict[tuple[str, str], Registers] = {}
        self.points: dict[str, Point] = {base.commit: base} if base else {}

    def add(self, commit: Commit) -> Point:
        """Work out one more commit, whose parents were added before."""
        parents = [self.points[p] for p in commit.parents]
        bit = 1 << len(self._bits)
        self._bits[commit.id] = bit
        history, operations = bit, 0
        for parent in parents:
            history |= parent.history
            operations |= parent.operations
        point = self._automatic(commit, parents)
        if point is None:
            operations |= bit
            order = next_order(commit.time, (p.order for p in parents))
            if len(parents) < 2:
                point = self._edit(commit, parents[0] if parents else None, order)
            else:
                point = self._foreign_merge(commit, parents, order)
        made = point._replace(history=history, operations=operations)
        self.points[commit.id] = made
        return made

    def reaches(self, point: Point, commit_id: str) -> bool:
        """Whether a commit is in the history of a point, or is its own."""
        bit = self._bits.get(commit_id)
        return commit_id == self._root if bit is None else bool(point.history & bit)

    def forget(self, commit_id: str) -> None:
        """Let go of a commit that has no more children to come."""
        self.points.pop(commit_id, None)

    def join(self, points: Sequence[Point]) -> Joined:
        """What an automatic commit with these parents holds."""
        written = self._unite(points)
        tree: dict[str, str] = dict(points[0].tree)
        for path in _differing(points, written):
            blob = self._shown(path, written.get(path, NOTHING))
            if blob is None:
                tree.pop(path, None)
            else:
                tree[path] = blob
        return Joined(tree, max(p.order for p in points), written)

    def operations(self, point: Point) -> list[str]:
        """The commits since the base, in the history of a point, that are not automatic."""
        return [commit for commit, bit in self._bits.items() if point.operations & bit]

    def open_conflicts(self, written: Written, before: Iterable[Conflict] = ()) -> list[Conflict]:
        """The conflicts among writes since the base, and those of the base (`before`) that
        nobody has settled by writing since."""
        found = [c for c in before if c.register not in written.get(c.path, NOTHING)]
        for path, writers in written.items():
            found += conflicts(path, writers)
        return sorted(found, key=lambda c: (c.path, c.register))

    # --- the three kinds of commits ---------------------------------------------------------

    def _automatic(self, commit: Commit, parents: Sequence[Point]) -> Point | None:
        """An automatic commit writes nothing; None when this is none, whatever it says."""
        if not commit.marked or not parents:
            return None
        joined = self.join(parents)
        if joined.tree != commit.tree or not self._contents.is_recipe(commit, joined.order):
            return None
        basis = self._bases(commit, parents, joined.written, _touched(commit, parents))
        return Point(
            commit.id, joined.tree, joined.order, joined.written, basis=basis, automatic=True
        )

    def _edit(self, commit: Commit, parent: Point | None, order: Order) -> Point:
        """An ordinary commit writes what differs from its parent, and from what was shown there."""
        before = parent.written if parent else NOTHING
        lag = dict(parent.lag) if parent else {}
        written = dict(before)
        old = parent.tree if parent else {}
        paths = {path for path, _ in old.items() ^ commit.tree.items()}
        for path in paths:
            writers = before.get(path, NOTHING)
            writes = self._edited(path, commit.tree.get(path), parent, writers)
            if writes:
                written[path] = _overwritten(writers, writes, order, commit.id)
            # Elsewhere the commit shows what it wrote.
            if path in lag or (parent and path in parent.basis):
                self._note_lag(lag, path, commit.tree.get(path), written.get(path, NOTHING))
        basis = self._bases(commit, [parent] if parent else [], written, paths)
        return Point(commit.id, commit.tree, order, written, lag, basis=basis)

    def _edited(
        self, path: str, blob: str | None, parent: Point | None, writers: FileWriters
    ) -> dict[Register, Any]:
        there = self._exists(path, writers)
        if blob is None:
            return {EXISTS: ABSENT} if there else {}
        file = self._contents.read(path, blob)
        old_tree = parent.tree if parent else {}
        old = self._basis(path, parent)
        seen: Registers | None = None
        as_shown = False
        if parent and path in parent.tree and path not in parent.lag:
            as_shown = True
            seen = None if path in parent.basis else old
        if seen is None:
            seen = self._picked(path, writers)
        writes: dict[Register, Any] = {}
        if file.registers is not None and not there and path not in old_tree:
            writes = {**dict.fromkeys(seen, ABSENT), **file.registers}
        elif file.registers is not None:
            for register in {**old, **file.registers, **seen}:
                value = file.registers.get(register, ABSENT)
                if not same(value, old.get(register, ABSENT)) and not same(
                    value, seen.get(register, ABSENT)
                ):
                    writes[register] = value
        if writes or as_shown or not there or blob != self._shown(path, writers):
            writes |= {BYTES: blob, EXISTS: True}
        return writes

    def _foreign_merge(self, commit: Commit, parents: Sequence[Point], order: Order) -> Point:
        """A merge by others may settle a conflict or say something new.

        Where it only dropped a write that nobody competed with, that write stands.
        """
        joined = self._unite(parents)
        written = dict(joined)
        lag: dict[str, str | None] = {}
        for parent in parents:
            lag |= parent.lag
        paths = _differing(parents, joined) | _touched(commit, parents)
        for path in paths:
            writers = joined.get(path, NOTHING)
            writes = self._merged(path, commit.tree.get(path), parents, writers)
            if writes:
                writes.setdefault(EXISTS, True)
                written[path] = _overwritten(writers, writes, order, commit.id)
        for path in paths | lag.keys():
            self._note_lag(lag, path, commit.tree.get(path), written.get(path, NOTHING))
        basis = self._bases(commit, parents, written, paths)
        return Point(commit.id, commit.tree, order, written, lag, basis=basis)

    def _merged(
        self, path: str, blob: str | None, parents: Sequence[Point], writers: FileWriters
    ) -> dict[Register, Any]:
        if blob is not None and self._contents.read(path, blob).registers is None:
            return {}  # conflict markers, say: what the merge should have been stands
        sides = [self._values(path, p.tree.get(path), p) for p in parents]
        values = self._values(path, blob, None)
        seen = self._picked(path, writers)
        if self._exists(path, writers):
            seen |= {EXISTS: True, BYTES: self._shown(path, writers)}
        contested = {
            register
            for register, ws in writers.items()
            if len(ws) > 1
            and any(p.written.get(path, NOTHING).get(register) != ws for p in parents)
        }
        if blob is None:  # only that the file is gone can be meant
            values = {}
            seen = {EXISTS: seen[EXISTS]} if EXISTS in seen else {}
        writes = {}
        for register in {**seen, **values}:
            value = values.get(register, ABSENT)
            if same(value, seen.get(register, ABSENT)):
                continue
            new = not _pieced(register, value, sides)
            settles = register in contested and any(same(value, w.value) for w in writers[register])
            if new or settles:
                writes[register] = value
        return writes

    # --- what a file says at a point --------------------------------------------------------

    def _exists(self, path: str, writers: FileWriters) -> bool:
        if EXISTS in writers:
            return winner(EXISTS, writers[EXISTS]).value is not ABSENT
        return path in self._base

    def _picked(self, path: str, writers: FileWriters) -> dict[Register, Any]:
        """The registers that are shown if the file is; those of a task only."""
        base = self._base.get(path)
        picked = dict(self._contents.read(path, base).registers or {}) if base else {}
        for register in writers:
            if register in (EXISTS, BYTES):
                continue
            value = winner(register, writers[register]).value
            if value is ABSENT:
                picked.pop(register, None)
            else:
                picked[register] = value
        return picked

    def _shown(self, path: str, writers: FileWriters) -> str | None:
        """The bytes that should be there, None for no file."""
        if not self._exists(path, writers):
            return None
        names = [w.value for w in writers[BYTES]] if BYTES in writers else [self._base[path]]
        files = [self._contents.read(path, name) for name in dict.fromkeys(names)]
        unreadable = [f for f in files if f.registers is None]
        if unreadable:  # kept as it is, until somebody repairs it
            return unreadable[-1].blob
        picked = self._picked(path, writers)
        if not picked:
            return files[-1].blob
        if len(files) == 1 and same(files[0].registers, picked):
            return files[0].blob
        return self._contents.encode(path, picked, files).blob

    def _basis(self, path: str, point: Point | None) -> Registers:
        """What the file said that somebody saw who wrote on top of `point`."""
        blob = point.tree.get(path) if point else None
        if point is None or blob is None:
            return NOTHING
        registers = self._contents.read(path, blob).registers
        return point.basis.get(path, NOTHING) if registers is None else registers

    def _values(self, path: str, blob: str | None, point: Point | None) -> dict[Register, Any]:
        """All registers of a version, its being there included; see `_basis`."""
        if blob is None:
            return {}
        registers = self._contents.read(path, blob).registers if point is None else None
        if registers is None:
            registers = self._basis(path, point)
        return {**registers, EXISTS: True, BYTES: blob}

    def _note_lag(
        self, lag: dict[str, str | None], path: str, blob: str | None, writers: FileWriters
    ) -> None:
        shown = self._shown(path, writers)
        if shown == blob:
            lag.pop(path, None)
        else:
            lag[path] = shown

    def _bases(
        self, commit: Commit, parents: Sequence[Point], written: Written, paths: Iterable[str]
    ) -> Mapping[str, Registers]:
        """`Point.basis` of a commit that differs from some parent at `paths`."""
        kept = {path for p in parents for path in p.basis} | set(paths)
        found = {}
        for path in kept:
            blob = commit.tree.get(path)
            if blob is None or self._contents.read(path, blob).registers is not None:
                continue
            writers = written.get(path, NOTHING).get(BYTES, ())
            author = next((w.commit for w in writers if w.value == blob), None)
            basis = self._broken.get((path, author)) if author else None
            if basis is None:
                origin = next((p for p in parents if p.tree.get(path) == blob), None)
                basis = self._basis(path, origin or (parents[0] if parents else None))
            found[path] = basis
            if author == commit.id:
                self._broken[path, author] = basis
        return found

    def _unite(self, points: Sequence[Point]) -> Written:
        """The maximal writers of the united histories."""
        if len(points) < 2:
            return points[0].written if points else NOTHING
        united = dict(points[0].written)
        for path in {path for p in points for path in p.written}:
            sides = [p.written.get(path, NOTHING) for p in points]
            if all(side is sides[0] for side in sides):
                continue
            united[path] = {
                register: self._undominated(points, [s.get(register, ()) for s in sides])
                for register in dict.fromkeys(r for side in sides for r in side)
            }
        return united

    def _undominated(self, points: Sequence[Point], sides: Sequence[Writers]) -> Writers:
        """A write counts if every side that knows it still counts it.

        A side that knows it and does not has a later one in its place.
        """
        if all(side is sides[0] for side in sides):
            return sides[0]
        known = {w.commit: w for side in sides for w in side}
        counted = [{w.commit for w in side} for side in sides]
        left = [
            write
            for commit, write in known.items()
            if all(
                commit in ids or not point.history & self._bits[commit]
                for point, ids in zip(points, counted, strict=True)
            )
        ]
        return tuple(sorted(left, key=lambda w: w.place))


def _overwritten(
    writers: FileWriters, writes: Mapping[Register, Any], order: Order, commit: str
) -> FileWriters:
    return {
        **writers,
        **{
            register: (Write(order, commit, value, writes.get(FITS.get(register, ()))),)
            for register, value in writes.items()
        },
    }


def _touched(commit: Commit, parents: Sequence[Point]) -> set[str]:
    """Paths at which a commit differs from one of its parents."""
    return {path for p in parents for path, _ in p.tree.items() ^ commit.tree.items()}


def _differing(points: Sequence[Point], written: Written) -> set[str]:
    """Paths at which the points hold, or say, different things."""
    first = points[0]
    paths = {path for p in points[1:] for path, _ in first.tree.items() ^ p.tree.items()}
    paths |= {path for p in points for path in p.lag}
    for path, writers in written.items():
        if any(p.written.get(path) is not writers for p in points):
            paths.add(path)
    return paths


def _pieced(register: Register, value: Any, sides: Sequence[Registers]) -> bool:
    """Whether a merge can have taken a value from its sides; a state, part by part (a text merge
    goes by lines)."""
    if register != EXISTS:
        sides = [side for side in sides if side]  # one without the file has no say
    if any(same(value, side.get(register, ABSENT)) for side in sides):
        return True
    if register != STATE or value is ABSENT:
        return False
    states = [side[STATE] for side in sides if STATE in side]
    return all(any(same(part, state[i]) for state in states) for i, part in enumerate(value))
