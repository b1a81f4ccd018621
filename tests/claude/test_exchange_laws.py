"""Laws of import and export, on worlds in memory where both sides are changed at random."""

from __future__ import annotations

from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from gittasks.claude.links import Link, find
from gittasks.claude.mapping import admit, agreed, files, wanted
from gittasks.claude.task_files import STATUSES, NativeTask, normalised, read, write
from gittasks.core.apply import apply
from gittasks.core.model import Actor, ListInfo, Snapshot, Status
from gittasks.core.operations import Context, Create, Operation, Transition, Update, Verb
from gittasks.errors import GittasksError

_SUBJECTS = ["PHASE 1: Ask", "Build", "Test", "Iteration 1/2: Look"]
_NUMBERS = ["1", "2", "3", "5"]
_FIELDS = st.one_of(
    st.tuples(st.just("subject"), st.sampled_from(_SUBJECTS)),
    st.tuples(st.just("description"), st.sampled_from(["", "Text", "More text"])),
    st.tuples(st.just("active_form"), st.sampled_from(["", "Doing"])),
    st.tuples(st.just("status"), st.sampled_from(STATUSES)),
    st.tuples(st.just("owner"), st.sampled_from(["", "eve"])),
)
_EDGES = st.tuples(st.just("blocked_by"), st.sampled_from([*_NUMBERS, "9"]).map(lambda n: (n,)))
_DATA = st.tuples(
    st.just("metadata"),
    st.dictionaries(st.sampled_from(["k", "n"]), st.integers(0, 1) | st.none(), max_size=2),
)
_VERBS = st.sampled_from(list(Verb))
_WRITES = st.tuples(st.sampled_from(_NUMBERS), _FIELDS | _EDGES | _DATA)
_CHANGES = st.one_of(
    st.tuples(st.just("write"), _WRITES),
    st.tuples(st.just("write"), _WRITES),
    st.tuples(st.just("write"), _WRITES),
    st.tuples(st.just("unlink"), st.sampled_from(_NUMBERS)),
    st.tuples(st.just("create"), st.sampled_from(_SUBJECTS)),
    st.tuples(st.just("move"), st.tuples(st.integers(0, 3), _VERBS)),
    st.tuples(st.just("edit"), st.tuples(st.integers(0, 3), _FIELDS)),
    st.tuples(st.just("move"), st.tuples(st.integers(0, 1), st.just(Verb.DELETE))),
    st.tuples(st.just("data"), st.tuples(st.integers(0, 3), st.sampled_from(["k", "n"]))),
)
_EXCHANGES = st.sampled_from([*[("import", None), ("export", None)] * 4, ("forget", None)])
_TURNS = st.tuples(st.lists(_CHANGES, max_size=4), _EXCHANGES, _EXCHANGES)
_HISTORIES = st.lists(_TURNS, min_size=2, max_size=6).map(
    lambda turns: [action for changes, *ends in turns for action in (*changes, *ends)]
)


class World:
    """A list, a native folder, and what this machine remembers of both."""

    def __init__(self) -> None:
        self.snapshot = Snapshot(ListInfo("plan"))
        first = [NativeTask(n, f"Task {n}", description="About it") for n in ("1", "2")]
        self.natives = normalised(first)
        self.known: dict[str, Link] = {}
        self.last = 0
        self.steps = 0
        self.import_all()

    def context(self) -> Context:
        self.steps += 1
        now = f"2026-01-01T00:00:{self.steps % 60:02d}Z"
        return Context(now, Actor("ada", "s"), self.steps * 7919, parallel=True)

    def act(self, name: str, what: Any) -> None:
        if name in ("import", "export"):
            getattr(self, f"{name}_all")()
        elif name == "forget":
            self.known = {}
        elif name == "write":
            number, (field, value) = what
            old = self.natives.get(number, NativeTask(number, f"Task {number}"))
            new = old._replace(blocks=(), **{field: value})
            self.natives = normalised([*self.without(number), new])
        elif name == "unlink":
            self.natives = normalised(self.without(what))
        else:
            self.change(name, what)

    def without(self, number: str) -> list[NativeTask]:
        return [t._replace(blocks=()) for n, t in self.natives.items() if n != number]

    def change(self, name: str, what: Any) -> None:
        ids = sorted(self.snapshot.tasks)
        operation: Operation
        if name == "create":
            operation = Create(what)
        elif not ids:
            return
        elif name == "move":
            operation = Transition(what[1], ids[what[0] % len(ids)])
        elif name == "edit":
            field, value = what[1]
            said: dict[str, Any] = {field: Status(value) if field == "status" else value}
            operation = Update(ids[what[0] % len(ids)], **said)
        else:
            operation = Update(ids[what[0] % len(ids)], metadata={what[1]: self.steps})
        try:
            self.snapshot = apply(self.snapshot, [operation], self.context()).after
        except GittasksError:
            return

    def import_all(self) -> tuple[int, set[str]]:
        """How many tasks changed, and the numbers of which something was refused."""
        links = find(self.natives, self.snapshot, self.known, "n")
        made = wanted(self.natives, self.snapshot, links, "n")
        passed = admit(self.snapshot, made.steps, self.context())
        edit = apply(self.snapshot, [s.operation for s in passed.steps], self.context())
        refused = {f.number for f in passed.faults}
        self.snapshot = edit.after
        self.known |= agreed(self.natives, made.links, passed.faults)
        return len(edit.changed), refused

    def export_all(self) -> tuple[int, set[str]]:
        """How many files changed, and the numbers of which something was left."""
        links = find(self.natives, self.snapshot, self.known, "n")
        made = files(self.snapshot, self.natives, links, self.last)
        assert {str(f.number) for f in made.faults} <= set(self.natives)
        assert not set(made.remove) & {t.number for t in made.write}
        on_disk = {n: t for n, t in self.natives.items() if n not in made.remove}
        for task in made.write:
            again = read(task.number, write(task))
            assert isinstance(again, NativeTask)
            on_disk[task.number] = again
        self.natives = normalised(on_disk.values())
        self.known |= made.links
        self.last = made.last
        return len(made.write) + len(made.remove), {f.number for f in made.faults}


@given(_HISTORIES)
def test_doing_it_twice_changes_nothing(actions: list[tuple[str, Any]]) -> None:
    """After any history a second import makes no change, nor a second export, nor one the other."""
    world = World()
    for name, what in actions:
        world.act(name, what)
    world.import_all()
    changed, refused = world.import_all()
    assert changed == 0
    world.export_all()
    changed, left = world.export_all()
    assert changed == 0
    event(f"nothing left over: {not refused and not left}")
    if not refused and not left:
        assert world.import_all()[0] == 0
        assert world.export_all()[0] == 0


@given(_HISTORIES)
def test_an_import_deletes_nothing_and_an_export_loses_nothing(
    actions: list[tuple[str, Any]],
) -> None:
    """No task of the list goes by an import; a file goes only if its task is deleted."""
    world = World()
    for name, what in actions:
        tasks = {i: t.status for i, t in world.snapshot.tasks.items()}
        numbers = set(world.natives)
        links = find(world.natives, world.snapshot, world.known, "n")
        world.act(name, what)
        after = world.snapshot.tasks
        if name == "import":
            event(f"an import meets a deleted task: {Status.DELETED in tasks.values()}")
            assert tasks.keys() <= after.keys()
            gone = {i for i, t in after.items() if t.status is Status.DELETED}
            assert gone == {i for i, status in tasks.items() if status is Status.DELETED}
        if name == "export":
            event(f"an export takes a file away: {bool(numbers - set(world.natives))}")
            for number in numbers - set(world.natives):
                assert after[links[number].task].status is Status.DELETED


def _texts(part: Any) -> dict[str, Any]:
    fields = ("subject", "description", "active_form")
    return {field: getattr(part, field) or "" for field in fields}


@given(_HISTORIES)
def test_an_import_takes_what_was_changed_natively_and_leaves_the_rest(
    actions: list[tuple[str, Any]],
) -> None:
    """Fields that are natively as they were agreed on stay; the others are as natively."""
    world = World()
    for name, what in actions:
        if name != "import":
            world.act(name, what)
            continue
        before, known = world.snapshot.tasks, dict(world.known)
        _, refused = world.import_all()
        assert len({link.task for link in world.known.values()}) == len(world.known)
        for number, native in world.natives.items():
            link = known.get(number)
            if link is None or link.base is None or number in refused:
                continue
            if world.known[number].task != link.task:
                continue  # the number means another task now
            old, new = before[link.task], world.snapshot.tasks[link.task]
            if old.status is Status.DELETED:
                assert old == new
                continue
            if native.status == link.base.status:
                assert new.status is old.status
            else:
                assert new.status.value == native.status
            for field, common in _texts(link.base).items():
                here = _texts(native)[field]
                event(f"an import meets a field changed natively: {here != common}")
                assert _texts(new)[field] == (_texts(old)[field] if here == common else here)


@given(_HISTORIES)
def test_an_export_leaves_what_was_changed_natively(actions: list[tuple[str, Any]]) -> None:
    """Fields that were changed natively since both sides agreed stay, others follow the list."""
    world = World()
    for name, what in actions:
        if name != "export":
            world.act(name, what)
            continue
        natives = world.natives
        known = find(natives, world.snapshot, world.known, "n")
        world.export_all()
        for number, native in natives.items():
            link = known.get(number)
            if link is None:
                assert world.natives[number].subject == native.subject
                continue
            base, task = link.base, world.snapshot.tasks[link.task]
            if base is None:
                continue
            changed = {f for f, agreed in _texts(base).items() if _texts(native)[f] != agreed}
            event(f"an export meets fields changed natively: {bool(changed)}")
            if task.status is Status.DELETED:
                event(f"the task of a file is deleted, the file changed: {bool(changed)}")
            if number not in world.natives:
                assert not changed
                continue
            after = _texts(world.natives[number])
            assert {f: after[f] for f in changed} == {f: _texts(native)[f] for f in changed}
            if native.status != base.status:
                assert world.natives[number].status == native.status
            if task.status is not Status.DELETED and "subject" not in changed:
                assert after["subject"] == task.subject


@given(_HISTORIES)
def test_both_sides_say_the_same_afterwards(actions: list[tuple[str, Any]]) -> None:
    """After an import and an export without anything left over, list and files agree."""
    world = World()
    for name, what in actions:
        world.act(name, what)
    _, refused = world.import_all()
    _, left = world.export_all()
    for number, link in world.known.items():
        task, native = world.snapshot.tasks.get(link.task), world.natives.get(number)
        if task is None or native is None or number in refused | left:
            continue
        if task.status is Status.DELETED:
            continue
        event("both sides have a task")
        closed = {"skipped": "completed"}.get(task.status.value, task.status.value)
        assert (native.subject, native.status) == (task.subject, closed)
        assert native.owner == (task.owner or "")
        blockers = {world.known[n].task for n in native.blocked_by if n in world.known}
        known = {link.task for link in world.known.values()}
        alive = {b for b in task.blocked_by if world.snapshot.tasks[b].status is not Status.DELETED}
        assert alive & known <= blockers


def test_a_file_goes_with_its_task_unless_it_was_changed_since() -> None:
    """What somebody wrote natively is not taken away; it is said that it stays."""
    world = World()
    tasks = {number: link.task for number, link in world.known.items()}
    world.act("write", ("1", ("subject", "Build")))
    ids = sorted(world.snapshot.tasks)
    for number in ("1", "2"):
        world.act("move", (ids.index(tasks[number]), Verb.DELETE))
    _, left = world.export_all()
    assert (set(world.natives), left) == ({"1"}, {"1"})
    assert world.natives["1"].subject == "Build"
