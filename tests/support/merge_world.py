"""A small world for the merge, all in memory: files, replicas that sync, and what must hold.

`World` makes commits and keeps, without asking the merge, who *meant* to change which register
(`Intent`). From those and plain ancestry `faults` says where a list shows what it must not.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import Any, NamedTuple

from gittasks.core.changes import strictly_equal
from gittasks.core.merge.dag import Commit, Contents, File, History, Registers, Tree
from gittasks.core.merge.registers import ABSENT, STATE, Register, State
from gittasks.core.merge.resolution import BYTES, EXISTS, OF_THE_FILE, RESULT, CommitOrder

Place = tuple[str, Register]
TASKS = ("tasks/a.yaml", "tasks/b.yaml")
LIST, README = "list.yaml", "README"
START = 1000


def name_of(*parts: object) -> str:
    """A name that stands for these values and nothing else."""
    return hashlib.sha1(repr(parts).encode(), usedforsecurity=False).hexdigest()[:12]


class Text(NamedTuple):
    """What is in a file. One that is not `readable` nearly says `registers`, and said `basis`
    before somebody broke it; `layout` stands for comments, and for all of a file that is no task.
    """

    registers: Registers
    layout: str = ""
    readable: bool = True
    basis: Registers | None = None


class Memory(Contents):
    """Files by the name of their bytes, which is made from what they say."""

    def __init__(self) -> None:
        self.texts: dict[str, Text] = {}
        self._files: dict[str, File] = {}

    def store(self, text: Text) -> str:
        """Keep a file; its name does not depend on the order of its registers."""
        said = sorted((repr(r), repr(v)) for r, v in text.registers.items())
        blob = name_of(said, text.layout, text.readable)
        if blob not in self.texts:
            self.texts[blob] = text
            self._files[blob] = File(blob, dict(text.registers) if text.readable else None)
        return blob

    def read(self, path: str, blob: str) -> File:
        return self._files[blob]

    def encode(self, path: str, registers: Registers, layouts: Sequence[File]) -> File:
        assert registers, f"{path} is not ours to write"
        found = (self.texts[f.blob].layout for f in reversed(layouts))
        layout = next((x for x in found if x), "")
        rewritten = layout if layout.endswith("~") else layout and f"{layout} ~"
        return self._files[self.store(Text(tidy(registers), rewritten))]

    def is_recipe(self, commit: Commit, order: CommitOrder) -> bool:
        return commit.id == recipe(commit.parents, commit.tree, order)


def tidy(registers: Registers) -> dict[Register, Any]:
    """As a file can hold them: an unknown key is either a value or a map."""
    maps = {r[:2] for r in registers if r[0] == "extra" and len(r) == 3}
    return {r: v for r, v in registers.items() if r not in maps}


def recipe(parents: Iterable[str], tree: Tree, order: CommitOrder) -> str:
    """The id of the automatic commit."""
    return name_of("automatic", sorted(parents), sorted(tree.items()), order)


class Intent(NamedTuple):
    """A commit's wish for a register. One that is not `meant` need not count: a pick in a plain
    merge of something that may not have been in conflict, or what may have stood there before."""

    commit: str
    value: Any
    meant: bool


class Made(NamedTuple):
    """What is known of a commit without the merge; sets of commits are sets of bits.

    `event` is the bit of what it did, which others share that did the same apart from it, and
    `seen` has those of its history, its own included.
    """

    commit: Commit
    bit: int
    ancestors: int
    operations: int
    automatic: bool
    event: int
    seen: int

    def reach(self, register: Register) -> tuple[int, int]:
        """The bit of a write of a register, and those of what its author had seen: commits where
        the file is concerned, else events."""
        file = register in OF_THE_FILE
        return (self.bit, self.ancestors) if file else (self.event, self.seen)


class World:
    """Commits, their history, and the heads of replicas with skewed clocks."""

    def __init__(self, skews: Sequence[int], tree: Mapping[str, Text]) -> None:
        self.contents = Memory()
        self.history = History(self.contents)
        self.made: dict[str, Made] = {}
        self.intents: dict[Place, list[Intent]] = defaultdict(list)
        self._doers: dict[object, tuple[Made, ...]] = {}
        self._events: dict[tuple[object, int], int] = {}
        self.skews = skews
        self.now = START
        blobs = {path: self.contents.store(text) for path, text in tree.items()}
        self.root = self.edit(None, blobs, START - 100)
        self.heads = [self.root] * len(skews)

    def fork(self) -> World:
        """A second world in which other things may happen from now on."""
        other, history = copy(self), copy(self.history)
        vars(history).update({k: dict(v) for k, v in vars(history).items() if isinstance(v, dict)})
        other.history, other.made, other.heads = history, dict(self.made), list(self.heads)
        other._doers, other._events = dict(self._doers), dict(self._events)
        other.intents = defaultdict(list, {p: list(found) for p, found in self.intents.items()})
        return other

    def text(self, path: str, tree: Tree) -> Text | None:
        return self.contents.texts[tree[path]] if path in tree else None

    def tree(self, commit: str) -> Tree:
        return self.made[commit].commit.tree

    # --- commits ----------------------------------------------------------------------------

    def commit(
        self,
        parents: Sequence[str],
        tree: Tree,
        time: int,
        wishes: Mapping[Place, tuple[Any, bool]],
        forged: str | None = None,
        kept: tuple[Place, ...] = (),
        operation: str | None = None,
    ) -> str:
        """Make an operation; `forged` is the id of one that says that it is automatic."""
        new = forged or name_of(len(self.made), parents, time)
        if new not in self.made:
            marked = forged is not None
            commit = Commit(new, tuple(parents), time, tree, marked, kept, operation)
            said = frozenset((p, _gist(v)) for p, (v, _) in wishes.items() if p[1] != BYTES)
            self._add(commit, does=(operation, said) if operation else None)
            for place, (value, meant) in wishes.items():
                self.intents[place].append(Intent(new, value, meant))
        return new

    def edit(
        self,
        parent: str | None,
        tree: Tree,
        time: int,
        forged: str | None = None,
        operation: str | None = None,
    ) -> str:
        """An ordinary commit, whose author means what differs from the tree of its parent."""
        old = self.tree(parent) if parent else {}
        wishes: dict[Place, tuple[Any, bool]] = {}
        for path in {path for path, _ in old.items() ^ tree.items()}:
            for register, value in self._edited(path, parent, tree).items():
                wishes[path, register] = value
        parents = [parent] if parent else []
        return self.commit(parents, tree, time, wishes, forged, operation=operation)

    def keep(self, parent: str, place: Place, value: Any, time: int) -> str:
        """A commit that settles a conflict in favour of the value that is shown."""
        tree = self.history.points[parent].shown()
        wishes = {place: (value, True), (place[0], EXISTS): (True, True)}
        return self.commit([parent], tree, time, wishes, kept=(place,))

    def merge(
        self, parents: Sequence[str], tree: Tree, time: int, forged: str | None = None
    ) -> str:
        """A merge by others."""
        wishes = self._merged(parents, tree)
        shown = self.history.join([self.history.points[p] for p in parents]).tree
        new = self.commit(parents, tree, time, wishes, forged)
        for path in {path for path, register in wishes if register == STATE}:
            text = self.text(path, shown)
            if text and wishes.get((path, RESULT), (None, False))[1] is False:
                # The result that was picked may be no choice: then what is shown goes with it.
                value = text.registers.get(RESULT, ABSENT)
                self.intents[path, RESULT].append(Intent(new, value, False))
        return new

    def automatic(self, *parents: str) -> str:
        """The automatic commit on these, which may be there already."""
        ordered = sorted(parents)
        joined = self.history.join([self.history.points[p] for p in ordered])
        new = recipe(ordered, joined.tree, joined.order)
        if new not in self.made:
            self._add(Commit(new, tuple(ordered), joined.order[0], joined.tree, True), True)
        return new

    def _add(self, commit: Commit, automatic: bool = False, does: object = None) -> None:
        """Take in a commit; others with an equal `does` do the same, as far as they are apart."""
        bit = 1 << len(self.made)
        ancestors, operations, seen = bit, 0 if automatic else bit, 0
        for parent in commit.parents:
            ancestors |= self.made[parent].ancestors
            operations |= self.made[parent].operations
            seen |= self.made[parent].seen
        event = bit
        if does is not None:  # who did it after another did it again: a second time, a third
            alike = self._doers.get(does, ())
            times = len({m.event for m in alike if m.bit & ancestors})
            event = self._events.setdefault((does, times), bit)
        made = Made(commit, bit, ancestors, operations, automatic, event, seen | event)
        self.made[commit.id] = made
        if does is not None:
            self._doers[does] = (*alike, made)
        self.history.add(commit)

    # --- syncing ----------------------------------------------------------------------------

    def healed(self, commit: str) -> str:
        """The commit, or the automatic one that brings its tree up to date."""
        return self.automatic(commit) if self.history.points[commit].lag else commit

    def synced(self, ours: str, theirs: str) -> str:
        """The head after meeting another: no merge where one has all operations of the other."""
        ours, theirs = self.healed(ours), self.healed(theirs)
        mine, other = self.made[ours], self.made[theirs]
        if mine.ancestors & other.bit:
            return ours
        if other.ancestors & mine.bit:
            return theirs
        if mine.operations == other.operations:
            return min(ours, theirs)
        if not mine.operations & ~other.operations:
            return theirs
        if not other.operations & ~mine.operations:
            return ours
        while mine.automatic:  # our own merges are dropped before merging again
            parents = [self.made[p] for p in mine.commit.parents]
            needed = [p for p in parents if p.operations & ~other.operations]
            if len(needed) != 1:
                break
            mine = needed[0]
        return self.automatic(mine.commit.id, theirs)

    def sync(self, one: int, other: int) -> None:
        self.heads[one] = self.synced(self.heads[one], self.heads[other])

    # --- who meant what ---------------------------------------------------------------------

    def standing(self, place: Place, ancestors: int) -> list[Intent]:
        """The intents in a history that none of its later commits meant to overwrite."""
        found, overwritten = [], 0
        for intent in self.intents.get(place, ()):
            made = self.made[intent.commit]
            bit, seen = made.reach(place[1])
            if ancestors & made.bit:
                found.append((intent, bit))
                if intent.meant:
                    overwritten |= seen & ~bit
        return [intent for intent, bit in reversed(found) if not overwritten & bit]

    def _known(self, path: str, ancestors: int) -> set[Register]:
        return {r for p, r in self.intents if p == path and self.standing((p, r), ancestors)}

    def _edited(self, path: str, parent: str | None, tree: Tree) -> dict[Register, Any]:
        ancestors = self.made[parent].ancestors if parent else 0
        lagging = parent is not None and path in self.history.points[parent].lag
        before = self.text(path, self.tree(parent)) if parent else None
        after = self.text(path, tree)
        if after is None:
            stands = self.standing((path, EXISTS), ancestors)
            return {EXISTS: (ABSENT, not lagging or not _among(ABSENT, stands))}
        wishes: dict[Register, Any] = {EXISTS: (True, True), BYTES: (tree[path], True)}
        if parent and tree[path] == self.history.points[parent].shown().get(path):
            wishes.clear()  # it only brings the tree up to date
        new: Registers = after.registers if after.readable else {}
        if before is None:  # all that an older file of that name said is meant to be gone
            registers = {**new, **dict.fromkeys(self._known(path, ancestors) - OF_THE_FILE)}
        else:
            registers = {**_said(before), **new} if after.readable else {}
        may_stand = lagging or (before is not None and not before.readable)
        for register in registers:
            value = new.get(register, ABSENT)
            stands = self.standing((path, register), ancestors)
            if before is None and value is ABSENT:
                wishes[register] = (ABSENT, not lagging and not _among(ABSENT, stands))
            elif before is None or not strictly_equal(value, _said(before).get(register, ABSENT)):
                wishes[register] = (value, not may_stand or not _among(value, stands))
            elif may_stand and len(stands) > 1 and _among(value, stands):
                wishes[register] = (value, False)  # a side of a conflict may be picked in a repair
        if STATE in wishes and RESULT not in wishes:  # who writes a status writes its result
            shown = self.text(path, self.history.points[parent].shown()) if parent else None
            value = shown.registers.get(RESULT, ABSENT) if shown and before else ABSENT
            wishes[RESULT] = (value, not may_stand)
        return wishes

    def _merged(self, parents: Sequence[str], tree: Tree) -> dict[Place, tuple[Any, bool]]:
        """What is new in a merge by others is meant; what is among the competing values may be."""
        wishes: dict[Place, tuple[Any, bool]] = {}
        ancestors = 0
        for parent in parents:
            ancestors |= self.made[parent].ancestors
        shown = self.history.join([self.history.points[p] for p in parents]).tree
        for path in {path for p in parents for path in self.tree(p)} | set(tree):
            text = self.text(path, tree)
            if (text is not None and not text.readable) or tree.get(path) == shown.get(path):
                continue  # nothing is said, or what an automatic merge says
            sides = [_side(self.tree(p).get(path), self.text(path, self.tree(p))) for p in parents]
            values = _side(tree.get(path), text)
            registers: set[Register] = {EXISTS}
            if text is not None:
                registers = self._known(path, ancestors).union(values, *sides)
            for register in registers:
                value = values.get(register, ABSENT)
                stands = self.standing((path, register), ancestors)
                competes = _among(value, stands)
                if _is_new(register, value, sides):
                    wishes[path, register] = (value, not competes)
                elif competes and len(stands) > 1:
                    wishes[path, register] = (value, False)
            if (path, STATE) in wishes and (path, RESULT) not in wishes:
                there = self.text(path, shown)
                value = there.registers.get(RESULT, ABSENT) if there else ABSENT
                wishes[path, RESULT] = (value, False)
            if any(p == path and w[0] is not ABSENT for (p, _), w in wishes.items()):
                meant = any(p == path and w[1] for (p, _), w in wishes.items())
                wishes.setdefault((path, EXISTS), (True, meant))
        return wishes

    # --- what must hold ---------------------------------------------------------------------

    def faults(self, head: str) -> list[str]:
        """Where the list shows what it must not: a sole write that is lost, a value of nobody."""
        found = []
        ancestors = self.made[head].ancestors
        tree = self.history.points[head].shown()
        for path in {path for path, _ in self.intents}:
            stands = self.standing((path, EXISTS), ancestors)
            there: Any = True if path in tree else ABSENT
            if stands and not _among(there, stands):
                found.append(f"{path}: lost: exists is {there}, not {_values(stands)}")
            if there is ABSENT and stands and all(i.meant for i in stands) and _among(True, stands):
                found.append(f"{path}: removed, though somebody wrote to it")
            text = self.text(path, tree)
            if text is None:
                continue
            stands = self.standing((path, BYTES), ancestors)
            layouts = {self.contents.texts[i.value].layout for i in stands}
            layouts |= {f"{layout} ~" for layout in layouts}
            if text.layout not in {*layouts, ""} or not (
                text.readable or _among(tree[path], stands)
            ):
                found.append(f"{path}: zombie layout {text.layout}, not of {layouts}")
            if text.readable:
                found += self._misshown(path, text.registers, ancestors)
        return found

    def _misshown(self, path: str, shown: Registers, ancestors: int) -> list[str]:
        known = [r for p, r in self.intents if p == path and r not in OF_THE_FILE]
        stands = [i for r in known for i in self.standing((path, r), ancestors)]
        if all(intent.value is ABSENT for intent in stands):
            return []  # one broke it, another made it anew, broken too: either is as good
        found = []
        maps = {r[:2] for r in shown if r[0] == "extra" and len(r) == 3}
        for register in {*shown, *known} - maps:
            value = shown.get(register, ABSENT)
            stands = self.standing((path, register), ancestors)
            if not _among(value, stands) and (stands or value is not ABSENT):
                kind = "zombie" if len({repr(i.value) for i in stands}) != 1 else "lost"
                found.append(f"{path}: {kind} {register}: {value}, not {_values(stands)}")
        return found


def _gist(value: Any) -> str:
    """A value without the session and the times, which each clone that does the same has anew."""
    return repr((*value[:2], value.claim) if isinstance(value, State) else value)


def _said(text: Text | None) -> Registers:
    """What a file says, or said when it could last be read."""
    if text is None:
        return {}
    return text.registers if text.readable else text.basis or {}


def _side(blob: str | None, text: Text | None) -> dict[Register, Any]:
    return {**_said(text), EXISTS: True, BYTES: blob} if text else {}


def _among(value: Any, stands: Iterable[Intent]) -> bool:
    return any(strictly_equal(value, intent.value) for intent in stands)


def _values(stands: Iterable[Intent]) -> list[Any]:
    return [(i.value, i.commit, i.meant) for i in stands]


def _is_new(register: Register, value: Any, sides: Sequence[Registers]) -> bool:
    """Whether no merge of these sides, line by line, can have come to a value."""
    there = sides if register == EXISTS else [s for s in sides if EXISTS in s]
    if any(strictly_equal(value, side.get(register, ABSENT)) for side in there):
        return False
    if register != STATE or not isinstance(value, State):
        return True
    states = [side[STATE] for side in there if STATE in side]
    return any(not any(strictly_equal(part, s[i]) for s in states) for i, part in enumerate(value))
