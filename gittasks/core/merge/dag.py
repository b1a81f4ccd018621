"""The merge of histories: maximal writers in the commit DAG, and the state that they show.

For each register of each file the history gives the *maximal writers*: the commits that wrote
it and whose write no later commit overwrote. One of them is shown (`picks`), the others are
conflicts. Whether a commit wrote a register depends on the commit and its ancestors only, so two
clones that hold the same commits show the same bytes, in whatever order they met.

Automatic merges carry no information, so they are dropped and made again at will. That, more
than their determinism, is what ends the exchange of merges between many clones.

It is a long module, as what a commit writes, and which of the writes count, is one argument.
"""

from __future__ import annotations

from bisect import bisect_left

from gittasks.core.changes import strictly_equal
from gittasks.core.merge.registers import ABSENT, STATE, Register, State
from gittasks.core.merge.resolution import (
    ANEW,
    BYTES,
    EXISTS,
    OF_THE_FILE,
    RESULT,
    CommitOrder,
    Conflict,
    Writers,
    conflicts,
    gist_of_state,
    is_combination_of,
    overwritten,
    settled,
    winner,
)
from gittasks.light import (
    TYPE_CHECKING,
    Any,
    Mapping,
    MappingProxyType,
    NamedTuple,
    Protocol,
    or_,
    reduce,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Registers = Mapping[Register, Any]
Tree = Mapping[str, str]
"""Names of blobs by path."""
RegisterWriters = Mapping[Register, Writers]
Written = Mapping[str, RegisterWriters]
"""By path: the maximal writers of each register that was written since the base."""
_Said = dict[tuple[str, Register], Any]
"""By path and register: the value that a commit writes, but for the bytes of files."""
_Gist = frozenset[tuple[str, Register, str]]
NOTHING: Mapping[Any, Any] = MappingProxyType({})
BEGINNING: CommitOrder = (-(2**63), 0)
"""Before any commit."""


class File(NamedTuple):
    """A version of a file: the name of its bytes, and what they say.

    `registers` is empty for a file that is no task, where only the bytes count, and None for a
    task file that cannot be read.
    """

    blob: str
    registers: Registers | None


class Commit(NamedTuple):
    """A commit as the merge sees it. `time` is the author's, in seconds.

    `marked`: it says of itself that it is an automatic merge, which is not believed but checked.
    `kept` are registers, by path, that it writes with the value that is shown, though its tree
    changes nothing there: that settles a conflict in favour of what stands. `operation` names what
    it does: clones that make the same commit of code their own, apart from each other, each write
    the same operation.
    """

    id: str
    parents: tuple[str, ...]
    time: int
    tree: Tree
    marked: bool = False
    kept: tuple[tuple[str, Register], ...] = ()
    operation: str | None = None


class Contents(Protocol):
    """Reader and writer of files, for the merge that does neither."""

    def read(self, path: str, blob: str) -> File:
        """The version of a file that is stored under a name."""

    def encode(self, path: str, registers: Registers, layouts: Sequence[File]) -> File:
        """A new version with these registers, in the layout of the last of `layouts` that has one.

        Must depend on nothing but the arguments.
        """

    def is_recipe(self, commit: Commit, order: CommitOrder) -> bool:
        """Is a commit to the byte the one that the recipe yields for its parents and tree?"""


class MergedState(NamedTuple):
    """The list as one commit says it.

    A commit that writes a state writes the result that stands as well: the two go together.
    `lag` holds the paths at which the tree of the commit says something else, because a merge
    by others dropped a write: the blob that should be there, None for no file. `history` and
    `operations` are sets of bits, one for each commit since the base: those that this one
    reaches, and those of them that are not automatic; `events` is `history` where commits that did
    the same apart from each other have one bit (`History._event`). `basis` is, by path of a file
    that cannot be read, what the last readable version said from which it was made; and of one that
    cannot hold all that was picked, what it says.
    """

    commit: str
    tree: Tree
    order: CommitOrder
    written: Written = NOTHING
    lag: Mapping[str, str | None] = NOTHING
    history: int = 0
    operations: int = 0
    events: int = 0
    basis: Mapping[str, Registers] = NOTHING
    automatic: bool = False

    def shown(self) -> Tree:
        """The tree as it should be."""
        if not self.lag:
            return self.tree
        tree = {**self.tree, **self.lag}
        return {path: blob for path, blob in tree.items() if blob is not None}


class MergeResult(NamedTuple):
    """The content of an automatic commit on top of some commits."""

    tree: Tree
    order: CommitOrder
    written: Written


def next_order(time: int, parents: Iterable[CommitOrder]) -> CommitOrder:
    """The order of a commit: its own time, unless its history is of a later one.

    A hybrid logical clock (Kulkarni et al., 2014), computed and never stored: no clock, however
    wrong, puts a commit before its ancestors.
    """
    return order_along((time,), max(parents, default=BEGINNING))


def order_along(times: Iterable[int], order: CommitOrder = BEGINNING) -> CommitOrder:
    """The order of the last of commits of these times, each on the one before, after `order`."""
    latest, following = order
    for time in times:
        if time > latest:
            latest, following = time, 0
        else:
            following += 1
    return latest, following


def touched(commit: Commit, parents: Iterable[MergedState]) -> set[str]:
    """Paths at which a commit differs from one of its parents."""
    return {path for p in parents for path, _ in p.tree.items() ^ commit.tree.items()}


def differing(points: Sequence[MergedState], written: Written) -> set[str]:
    """Paths at which the points hold, or say, different things; `written` is their union."""
    first = points[0]
    paths = {path for p in points[1:] for path, _ in first.tree.items() ^ p.tree.items()}
    paths |= {path for p in points for path in p.lag}
    for path, writers in written.items():
        if any(p.written.get(path) is not writers for p in points):
            paths.add(path)
    return paths


_NOWHERE = MergedState("", NOTHING, BEGINNING)


class _Open(NamedTuple):
    """The value of one side of a merge, in a file that was committed with its conflict markers."""

    value: Any


class History:
    """Works out what a list says at each commit, parents before children.

    `base` is a commit that all others descend from, and at which the tree says what the list
    says; None when the history is looked at from its beginning.

    Ann renames a task and adds a note, Bob renames it too, and the two meet:

    >>> class Lines:  # a file is its subject, then its notes
    ...     def read(self, path, blob):
    ...         subject, *notes = blob.split("+")
    ...         return File(blob, {("subject",): subject, **{("note", n): True for n in notes}})
    ...
    ...     def encode(self, path, registers, layouts):
    ...         notes = sorted(r[1] for r in registers if r[0] == "note")
    ...         return self.read(path, "+".join([registers["subject",], *notes]))
    >>> history = History(Lines())
    >>> for commit in (
    ...     Commit("start", (), 1, {"tasks/t.yaml": "Lexer"}),
    ...     Commit("ann", ("start",), 2, {"tasks/t.yaml": "Parser+careful"}),
    ...     Commit("bob", ("start",), 3, {"tasks/t.yaml": "Scanner"}),
    ... ):
    ...     point = history.add(commit)
    >>> met = history.join([history.points["ann"], history.points["bob"]])
    >>> met.tree
    {'tasks/t.yaml': 'Scanner+careful'}
    >>> [(c.register, c.winner.commit, c.losers[0].commit)
    ...  for c in history.open_conflicts(met.written)]
    [(('subject',), 'bob', 'ann')]
    """

    def __init__(self, contents: Contents, base: MergedState | None = None) -> None:
        self._contents = contents
        self._base: Tree = base.tree if base else {}
        self._root = base.commit if base else None
        self._bits: dict[str, int] = {}
        self._events: dict[str, int] = {}
        self._first: dict[str, tuple[_Said, int]] = {}
        self._alike: dict[str, dict[_Gist, list[int]]] = {}
        self._broken: dict[tuple[str, str], Registers] = {}
        self.points: dict[str, MergedState] = {base.commit: base} if base else {}

    def add(self, commit: Commit) -> MergedState:
        """Work out one more commit, whose parents were added before."""
        parents = [self.points[p] for p in commit.parents]
        bit = 1 << len(self._bits)
        self._bits[commit.id] = bit
        history, operations, events = bit, 0, 0
        for parent in parents:
            history |= parent.history
            operations |= parent.operations
            events |= parent.events
        self._events[commit.id] = bit
        point = self._automatic(commit, parents)
        if point is None:
            operations |= bit
            order = next_order(commit.time, (p.order for p in parents))
            if len(parents) < 2:
                point = self._edit(commit, parents[0] if parents else _NOWHERE, order)
            else:
                point = self._foreign_merge(commit, parents, order)
        events |= self._events[commit.id]
        worked = point._replace(history=history, operations=operations, events=events)
        self.points[commit.id] = worked
        return worked

    def reaches(self, point: MergedState, commit_id: str) -> bool:
        """Is a commit in the history of a point, or its own?"""
        bit = self._bits.get(commit_id)
        return commit_id == self._root if bit is None else bool(point.history & bit)

    def forget(self, commit_id: str) -> None:
        """Let go of a commit that has no more children to come."""
        self.points.pop(commit_id, None)

    def join(self, points: Sequence[MergedState]) -> MergeResult:
        """The content of an automatic commit with these parents."""
        written = self._unite(points)
        tree: dict[str, str] = dict(points[0].tree)
        for path in differing(points, written):
            blob = self._shown(path, written.get(path, NOTHING))
            if blob is None:
                tree.pop(path, None)
            else:
                tree[path] = blob
        return MergeResult(tree, max(p.order for p in points), written)

    def operations(self, point: MergedState) -> list[str]:
        """The commits since the base, in the history of a point, that are not automatic."""
        return [commit for commit, bit in self._bits.items() if point.operations & bit]

    def open_conflicts(self, written: Written, before: Iterable[Conflict] = ()) -> list[Conflict]:
        """The conflicts among writes since the base, and those of the base (`before`) that
        nobody has settled by writing since; none about a file that is gone."""
        unsettled = []
        for conflict in before:
            writers = written.get(conflict.path, NOTHING)
            if conflict.register not in writers and ANEW not in writers:
                unsettled.append(conflict)
        for path, writers in written.items():
            unsettled += conflicts(path, writers)
        unsettled = [c for c in unsettled if self._exists(c.path, written.get(c.path, NOTHING))]
        return sorted(unsettled, key=lambda c: (c.path, c.register))

    # --- the three kinds of commits ---------------------------------------------------------

    def _automatic(self, commit: Commit, parents: Sequence[MergedState]) -> MergedState | None:
        """An automatic commit writes nothing; None when this is none, whatever it says."""
        if not commit.marked or not parents:
            return None
        joined = self.join(parents)
        if joined.tree != commit.tree or not self._contents.is_recipe(commit, joined.order):
            return None
        basis = self._bases(commit, parents, joined.written, touched(commit, parents))
        return MergedState(
            commit.id, joined.tree, joined.order, joined.written, basis=basis, automatic=True
        )

    def _edit(self, commit: Commit, parent: MergedState, order: CommitOrder) -> MergedState:
        """An ordinary commit writes what differs from its parent, and from what was shown there."""
        lag = dict(parent.lag)
        written = dict(parent.written)
        paths = touched(commit, [parent])
        said: _Said = {}
        for path in paths:
            blob, writers = commit.tree.get(path), parent.written.get(path, NOTHING)
            writes = self._edited(path, blob, parent, writers)
            if writes:
                self._pair(writes, self._seen(path, parent, writers))
                written[path] = overwritten(writers, writes, order, commit.id)
                said |= {(path, r): value for r, value in writes.items() if r != BYTES}
            if path in parent.lag or path in parent.basis:  # elsewhere it shows what it wrote
                self._note_lag(lag, path, blob, written.get(path, NOTHING))
        written |= self._kept(commit, written, order)
        if commit.operation and not commit.kept:
            own = self._bits[commit.id]
            self._events[commit.id] = self._event(commit.operation, own, parent.events, said)
        basis = self._bases(commit, [parent], written, paths)
        return MergedState(commit.id, commit.tree, order, written, lag, basis=basis)

    def _kept(
        self, commit: Commit, written: Written, order: CommitOrder
    ) -> dict[str, RegisterWriters]:
        """The writers, by path, of files in which a commit keeps what stands."""
        files: dict[str, RegisterWriters] = {}
        for path in dict.fromkeys(path for path, _ in commit.kept):
            writers = written.get(path, NOTHING)
            settling = [r for name, r in commit.kept if name == path and r not in (BYTES, ANEW)]
            if settling and self._exists(path, writers):
                shown = self._picked(path, writers)
                file = overwritten(writers, {EXISTS: True}, order, commit.id)
                echoes = {
                    r: settled(writers, r, shown.get(r, ABSENT), order, commit.id)
                    for r in settling
                    if r != EXISTS
                }
                files[path] = {**file, **echoes}
        return files

    def _event(self, operation: str, own: int, before: int, said: _Said) -> int:
        r"""The bit of what a commit did, which it shares with those that did the same beside it.

            o---y: done---z: reopened      z has seen that it was done: x, which says so once more
             \                             under the operation of y, does not beat z
              x: done

        One that came after another of the same operation did it again, and knowingly: it shares
        its bit with those alone that have as many before them. So the bits are the same wherever
        the history begins, as all commits have seen what lies before that.
        """
        first_said, first = self._first.setdefault(operation, (said, own))
        if first == own:  # as most do: what it said is looked at where another has its name
            return own
        alike = self._alike.setdefault(operation, {_gist(first_said): [first]})
        bits = alike.setdefault(_gist(said), [])
        # Of these, the ones before it are the first of them: each had all those in front of it.
        number = bisect_left(bits, True, key=lambda bit: not bit & before)
        if number == len(bits):
            bits.append(own)
        return bits[number]

    def _pair(self, writes: dict[Register, Any], seen: Registers) -> None:
        """Let who writes a state write the result that stands too: from then on it goes with it."""
        if STATE in writes and RESULT not in writes:
            writes[RESULT] = ABSENT if ANEW in writes else seen.get(RESULT, ABSENT)

    def _edited(
        self, path: str, blob: str | None, parent: MergedState, writers: RegisterWriters
    ) -> dict[Register, Any]:
        shown = parent.lag.get(path, parent.tree.get(path))
        if blob == shown:
            return {}
        if blob is None:
            return {EXISTS: ABSENT}
        registers = self._contents.read(path, blob).registers
        if shown is None and path not in parent.tree:
            return {**(registers or {}), **_made(blob)}
        old, seen = self._basis(path, parent), self._seen(path, parent, writers)
        writes: dict[Register, Any] = {BYTES: blob, EXISTS: True}
        if registers is not None:
            for register in {**old, **registers}:
                value, was = registers.get(register, ABSENT), old.get(register, ABSENT)
                if value is was:
                    continue
                if strictly_equal(value, seen.get(register, ABSENT)):
                    continue
                settles = isinstance(was, _Open) and _competes(value, writers.get(register, ()))
                if settles or not strictly_equal(value, _decided(was)):
                    writes[register] = value
        return writes

    def _foreign_merge(
        self, commit: Commit, parents: Sequence[MergedState], order: CommitOrder
    ) -> MergedState:
        r"""A merge by others may settle a conflict or say something new.

            o---a        a: subject B       m says B, a's subject: nothing new, c's phase is kept
             \   \       c: phase 2         m says C: new, a write of m
              c---m                         m lacks the phase of c: dropped, so it lags, not lost

        Where it only dropped a write that nobody competed with, that write stands: `checkout
        --ours` and a conflict resolved in haste look the same as meaning it, and are more common.
        """
        joined = self._unite(parents)
        written = dict(joined)
        lag: dict[str, str | None] = {}
        paths = differing(parents, joined) | touched(commit, parents)
        for path in paths:
            writers = joined.get(path, NOTHING)
            writes = self._merged(path, commit.tree.get(path), parents, writers)
            if writes:
                writes.setdefault(EXISTS, True)
                self._pair(writes, self._picked(path, writers))
                written[path] = overwritten(writers, writes, order, commit.id)
            self._note_lag(lag, path, commit.tree.get(path), written.get(path, NOTHING))
        basis = self._bases(commit, parents, written, paths)
        return MergedState(commit.id, commit.tree, order, written, lag, basis=basis)

    def _merged(
        self, path: str, blob: str | None, parents: Sequence[MergedState], writers: RegisterWriters
    ) -> dict[Register, Any]:
        registers = self._contents.read(path, blob).registers if blob else NOTHING
        shown = self._shown(path, writers)
        if registers is None or blob == shown:
            return {}  # of conflict markers, say, what the merge should have been stands
        sides = [self._values(path, p) for p in parents]
        if blob is None:  # only that the file is gone can be meant
            values: dict[Register, Any] = {}
            seen: dict[Register, Any] = {EXISTS: True}
        elif shown is None and not any(sides):
            return {**registers, **_made(blob)}
        else:
            values = {**registers, EXISTS: True, BYTES: blob}
            seen = self._picked(path, writers)
        writes, contested = {}, _contested(path, parents, writers)
        for register in {**seen, **values}:
            value = values.get(register, ABSENT)
            if strictly_equal(value, seen.get(register, ABSENT)):
                continue
            settles = register in contested and _competes(value, writers[register])
            alike = all(strictly_equal(value, side.get(register, ABSENT)) for side in sides)
            if (settles and not alike) or not is_combination_of(register, value, sides):
                writes[register] = value
        return writes

    # --- what a file says at a point --------------------------------------------------------

    def _exists(self, path: str, writers: RegisterWriters) -> bool:
        if EXISTS in writers:
            return winner(EXISTS, writers[EXISTS]).value is not ABSENT
        return path in self._base

    def _picked(self, path: str, writers: RegisterWriters) -> dict[Register, Any]:
        """The registers that are shown if the file is; those of a task only."""
        base = self._base.get(path) if ANEW not in writers else None
        picked = dict(self._contents.read(path, base).registers or {}) if base else {}
        for register in writers:
            if register in OF_THE_FILE:
                continue
            value = winner(register, writers[register], writers.get(STATE, ())).value
            if value is ABSENT:
                picked.pop(register, None)
            else:
                picked[register] = value
        return picked

    def _seen(self, path: str, point: MergedState, writers: RegisterWriters) -> Registers:
        """The registers that are shown of a file to who writes on top of `point`."""
        blob = point.tree.get(path)
        if blob is None or path in point.lag or path in point.basis:
            return self._picked(path, writers)
        return self._contents.read(path, blob).registers or NOTHING

    def _shown(self, path: str, writers: RegisterWriters) -> str | None:
        """The bytes that should be there, None for no file."""
        if not self._exists(path, writers):
            return None
        names = [w.value for w in writers[BYTES]] if BYTES in writers else [self._base[path]]
        last = reversed(dict.fromkeys(reversed(names)))  # of equal ones the last
        files = [self._contents.read(path, name) for name in last]
        unreadable = [f for f in files if f.registers is None]
        if unreadable:  # kept as it is, until somebody repairs it
            return unreadable[-1].blob
        picked = self._picked(path, writers)
        if not picked:
            return files[-1].blob
        if len(files) == 1 and strictly_equal(files[0].registers, picked):
            return files[0].blob
        return self._contents.encode(path, picked, files).blob

    def _basis(self, path: str, point: MergedState) -> Registers:
        """The registers of the file as somebody saw it who wrote on top of `point`."""
        blob = point.tree.get(path)
        if blob is None:
            return NOTHING
        registers = self._contents.read(path, blob).registers
        return point.basis.get(path, NOTHING) if registers is None else registers

    def _values(self, path: str, point: MergedState) -> dict[Register, Any]:
        """All registers of the file that somebody saw, its being there included."""
        blob = point.tree.get(path)
        basis = {r: _decided(value) for r, value in self._basis(path, point).items()}
        return {**basis, EXISTS: True, BYTES: blob} if blob else {}

    def _note_lag(
        self, lag: dict[str, str | None], path: str, blob: str | None, writers: RegisterWriters
    ) -> None:
        shown = self._shown(path, writers)
        if shown == blob:
            lag.pop(path, None)
        else:
            lag[path] = shown

    def _bases(
        self, commit: Commit, parents: Sequence[MergedState], written: Written, paths: Iterable[str]
    ) -> Mapping[str, Registers]:
        """`Point.basis` of a commit that differs from some parent at `paths`."""
        odd = {path for p in parents for path in (*p.basis, *p.lag)}
        bases = {}
        for path in odd.union(paths):
            blob = commit.tree.get(path)
            if blob is None:
                continue
            writers = written.get(path, NOTHING)
            registers = self._contents.read(path, blob).registers
            if registers is None:
                bases[path] = self._before_it_broke(path, blob, commit, parents, writers)
            elif path in odd or len(parents) > 1:  # elsewhere the commit says what it wrote
                picked = self._picked(path, writers)
                bases |= {} if strictly_equal(registers, picked) else {path: registers}
        return bases

    def _before_it_broke(
        self,
        path: str,
        blob: str,
        commit: Commit,
        parents: Sequence[MergedState],
        writers: RegisterWriters,
    ) -> Registers:
        author = next((w.commit for w in writers.get(BYTES, ()) if w.value == blob), commit.id)
        if (path, author) not in self._broken:
            origin = next((p for p in parents if p.tree.get(path) == blob), None)
            basis = self._basis(path, origin or parents[0])
            if origin is None and len(parents) > 1:  # who repairs it is the first to pick a side
                contested = _contested(path, parents, writers) - OF_THE_FILE
                basis = {**basis, **{r: _Open(basis.get(r, ABSENT)) for r in contested}}
            self._broken[path, author] = basis
        return self._broken[path, author]

    def _unite(self, points: Sequence[MergedState]) -> Written:
        """The maximal writers of the united histories.

        Commits that did the same apart are one event, but not where the file itself is concerned:
        one may hold a comment, or a change made before it, that those who saw the other never saw.
        """
        united = dict(points[0].written)
        events = self._events, [p.events for p in points]
        commits = self._bits, [p.history for p in points]
        for path in {path for p in points for path in p.written}:
            sides = [p.written.get(path, NOTHING) for p in points]
            if all(side is sides[0] for side in sides):
                continue
            united[path] = {
                register: left
                for register in dict.fromkeys(r for side in sides for r in side)
                if (
                    left := _undominated(
                        *(commits if register in OF_THE_FILE else events),
                        [side.get(register, ()) for side in sides],
                    )
                )
            }
        return united


def _made(blob: str) -> dict[Register, Any]:
    """The registers of a file that its maker writes besides, where none was."""
    return {BYTES: blob, EXISTS: True, ANEW: True}


def _undominated(bits: Mapping[str, int], seen: Sequence[int], sides: Sequence[Writers]) -> Writers:
    r"""A write counts if every side that knows it still counts it.

    A side that knows it and does not has a later one in its place, or settled it:

        o---a---b    this side knows a and counts b
             \
              c      that side counts a and c: a is out, b and c compete

    Ancestry is asked of sets of bits (`bits` of each commit, `seen` by each side), so that
    criss-cross histories cost no walk; git's own merge makes a virtual base of several (`git help
    merge-ort`), and can then lose a change that base and head happen to agree on.
    """
    if all(side is sides[0] for side in sides):
        return sides[0]
    known = {w.commit: w for side in sides for w in side}
    counted = [reduce(or_, (bits[w.commit] for w in side), 0) for side in sides]
    gone = [history & ~mine for history, mine in zip(seen, counted, strict=True)]
    left = [w for commit, w in known.items() if not any(g & bits[commit] for g in gone)]
    return tuple(sorted(left, key=lambda w: w.place))


def _contested(
    path: str, parents: Sequence[MergedState], writers: RegisterWriters
) -> set[Register]:
    """Registers about which the sides of a merge disagree; `writers` are those of both."""
    return {
        register
        for register, ws in writers.items()
        if len(ws) > 1 and any(p.written.get(path, NOTHING).get(register) != ws for p in parents)
    }


def _gist(said: _Said) -> _Gist:
    """The content of a commit as far as two of one operation agree."""
    return frozenset(
        (path, register, repr(gist_of_state(value) if isinstance(value, State) else value))
        for (path, register), value in said.items()
    )


def _competes(value: Any, writers: Writers) -> bool:
    return any(strictly_equal(value, w.value) for w in writers)


def _decided(value: Any) -> Any:
    return value.value if isinstance(value, _Open) else value


def choose_heads(
    history: History, local: str, remote: str, parents_of: Callable[[str], tuple[str, ...]]
) -> tuple[str, ...]:
    """The commits that the new head is: one to take as it is, or two to join.

    It descends from `remote`, so that it can be pushed without force; from `local` only as far as
    that has operations of its own:

        r1---r2          remote
          \
        l--M             local: M is an automatic merge, and was never pushed

    M is dropped and l joined with r2. To keep M would make a merge of merges with every exchange,
    and clones that exchange in turn would never come to one head.
    """
    ours, theirs = history.points[local], history.points[remote]
    if _none_missing(ours, theirs):
        return (remote,)
    while not history.reaches(ours, remote):
        if not ours.automatic:
            return tuple(sorted((ours.commit, remote)))
        parents = [history.points[p] for p in parents_of(ours.commit)]
        needed = [p for p in parents if not _none_missing(p, theirs)]
        if len(needed) != 1:
            return tuple(sorted((ours.commit, remote)))
        ours = needed[0]
    return (ours.commit,)


def _none_missing(one: MergedState, other: MergedState) -> bool:
    """Is every operation of `one` in `other`?"""
    return not one.operations & ~other.operations
