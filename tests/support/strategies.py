"""Generators of tasks, snapshots and operations.

All draw from tiny pools, so that ids, owners, sessions and texts meet each other all the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st

from gittasks.core.apply import apply
from gittasks.core.fields import FIELDS, LISTS, SIMPLE, Field, Kind
from gittasks.core.model import (
    Actor,
    CodeCommit,
    ListInfo,
    Note,
    Snapshot,
    Status,
    Task,
    Value,
)
from gittasks.core.operations import (
    AddNote,
    Context,
    Create,
    Operation,
    Retitle,
    StartNext,
    Transition,
    Update,
    Verb,
)
from gittasks.errors import GittasksError

T = TypeVar("T")
IDS = ("a", "b", "c")
MANY_IDS = ("a", "b", "c", "d", "e")
STRANGER = "zz"
OWNERS = ("ann", "bob")
SESSIONS = (None, "s1", "s2")
NOW = "2026-11-22T10:00:00Z"
TIMES = (NOW, "2026-11-22T10:00:01Z", "2026-11-22T10:00:02Z")
SUBJECTS = ("Write", "PHASE 2: Test", "Iteration 1/2: Check", "Iteration 2/2: Check")

values: st.SearchStrategy[Value] = st.sampled_from(
    (None, True, False, 0, 1, 1.0, "", "x", [1, "x"], {"k": True}, {"k": 1})
)
maps: st.SearchStrategy[dict[str, Value]] = st.dictionaries(
    st.sampled_from(("k", "l")), values, max_size=2
)
texts = st.sampled_from((None, "one", "two\nlines"))
lines = st.sampled_from((None, "one", "two"))
orders: st.SearchStrategy[int | float | None] = st.sampled_from((None, 1, 1.0, 2, 2.5))


def subset(pool: Iterable[str], size: int = 3) -> st.SearchStrategy[tuple[str, ...]]:
    """Some members of the pool, each once, in any order."""
    return st.lists(st.sampled_from(tuple(pool)), unique=True, max_size=size).map(tuple)


def built(kind: Callable[..., T], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[T]:
    """Values of a kind with these fields alone: `st.builds` puts any text into the others too."""
    return st.builds(lambda **values: kind(**values), **fields)


def seldom(values: st.SearchStrategy[T], usual: T) -> st.SearchStrategy[T]:
    """One of the values now and then: where each field says something, most is refused."""
    return st.one_of(st.just(usual), st.just(usual), values)


def values_of(field: Field, pool: Iterable[str] = IDS) -> st.SearchStrategy[Any]:
    """Any value of a field, by its name where the pool is to meet others, else by its kind."""
    named: dict[str, st.SearchStrategy[Any]] = {
        "subject": st.sampled_from(SUBJECTS),
        "owner": st.sampled_from((None, *OWNERS)),
        "createdBy": st.sampled_from((None, *OWNERS)),
        "session": st.sampled_from(SESSIONS),
        "phase": st.sampled_from((None, "2", "Tidy")),
    }
    return named[field.name] if field.name in named else _of_kind(field, pool)


def _of_kind(field: Field, pool: Iterable[str]) -> st.SearchStrategy[Any]:
    commits = st.builds(CodeCommit, st.sampled_from(("c1c1", "c2c2")), lines)
    remarks = st.builds(
        Note, st.sampled_from(TIMES), st.sampled_from(OWNERS), st.sampled_from(("n", "m"))
    )
    kinds: dict[Kind, st.SearchStrategy[Any]] = {
        Kind.LINE: lines,
        Kind.TEXT: texts,
        Kind.TIME: st.sampled_from((None, *TIMES)),
        Kind.STATUS: st.sampled_from([*Status]),
        Kind.COUNT: st.integers(0, min(field.most, 4)),
        Kind.NUMBER: orders,
        Kind.WORDS: subset(("red", "blue sky", "no")),
        Kind.PATHS: subset(("src/a.py", "docs/**", "*.md")),
        Kind.IDS: subset((*pool, STRANGER)),
        Kind.COMMITS: st.lists(commits, unique_by=lambda c: c.sha, max_size=2).map(tuple),
        Kind.NOTES: st.lists(remarks, unique=True, max_size=2).map(tuple),
        Kind.MAP: maps,
    }
    return kinds[field.kind]


@cache
def tasks(task_id: str, pool: tuple[str, ...] = IDS) -> st.SearchStrategy[Task]:
    """Any task that a file could hold, sense or not."""
    drawn = {field.attr: values_of(field, pool) for field in FIELDS}
    return st.builds(lambda **fields: Task(**fields), id=st.just(task_id), extra=maps, **drawn)


@st.composite
def snapshots(draw: st.DrawFn, pool: tuple[str, ...] = IDS) -> Snapshot:
    """Any list that a branch could hold: cycles, strangers and contradictions included."""
    present = draw(subset(pool, len(pool)))
    info = ListInfo(id="work", title=draw(lines), settings=draw(maps))
    return Snapshot(info=info, tasks={i: draw(tasks(i, pool)) for i in present})


@st.composite
def near_tasks(draw: st.DrawFn, task_id: str) -> tuple[Task, Task]:
    """Two tasks that differ in one field, or in the order of what has none, or not at all."""
    task = draw(tasks(task_id))
    members = ("blocked_by", "notes", "commits")
    shuffled = {name: tuple(draw(st.permutations(getattr(task, name)))) for name in members}
    field = draw(st.sampled_from(FIELDS))
    return task, task._replace(**(shuffled | {field.attr: draw(values_of(field))}))


@st.composite
def near_snapshots(draw: st.DrawFn, pool: tuple[str, ...] = IDS) -> tuple[Snapshot, Snapshot]:
    """Two lists that hold some tasks in common, or all."""
    one, other = draw(snapshots(pool)), draw(snapshots(pool))
    differ = draw(st.just(()) | subset(pool))
    rest = {i: t for i, t in one.tasks.items() if i not in differ}
    changed = {i: t for i, t in other.tasks.items() if i in differ}
    return one, one._replace(tasks=rest | changed)


LISTED = [field for field in SIMPLE if field in LISTS]
plain_fields: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {}, optional={f.attr: values_of(f) for f in SIMPLE}
)
set_fields: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {}, optional={f.attr: values_of(f) | st.just("") for f in SIMPLE if f not in LISTS}
)
members: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {}, optional={f.attr: values_of(f) for f in LISTED}
)
verbs = st.sampled_from([*Verb])
transitions = st.builds(
    Transition,
    verb=verbs,
    id=st.sampled_from(IDS),
    result=lines,
    owner=st.sampled_from((None, *OWNERS)),
    end_loop=st.booleans(),
)
afters = seldom(st.sampled_from(IDS), None)
cleared_fields = seldom(subset(("activeForm", "description", "owner", "phase"), 2), ())
creations = built(
    Create,
    subject=st.sampled_from(SUBJECTS),
    id=st.sampled_from((None, None, "d", "e", *IDS)),
    description=texts,
    active_form=lines,
    status=seldom(st.sampled_from([*Status]), Status.PENDING),
    owner=st.sampled_from((None, *OWNERS)),
    blocked_by=subset(IDS, 2),
    blocks=seldom(subset(IDS, 1), ()),
    phase=st.sampled_from((None, "2", "Tidy")),
    order=seldom(orders, None),
    after=afters,
    metadata=maps,
    result=lines,
    iterations=st.sampled_from((None, None, None, 1, 3)),
    fields=plain_fields,
)
cleared = st.sampled_from((None, "", "one"))
updates = built(
    Update,
    id=st.sampled_from(IDS),
    subject=st.sampled_from((None, *SUBJECTS)),
    description=cleared,
    active_form=cleared,
    status=seldom(st.sampled_from([*Status]), None),
    owner=st.sampled_from((None, "", *OWNERS)),
    result=cleared,
    order=seldom(orders, None),
    after=afters,
    phase=st.sampled_from((None, "", "2", "Tidy")),
    add_blocked_by=seldom(subset(IDS, 1), ()),
    remove_blocked_by=subset(IDS, 1),
    add_blocks=seldom(subset(IDS, 1), ()),
    remove_blocks=subset(IDS, 1),
    metadata=maps,
    unset=subset(("k", "l"), 1),
    clear=cleared_fields,
    fields=set_fields,
    added=members,
    removed=members,
)
notes = st.builds(AddNote, id=st.sampled_from(IDS), text=st.sampled_from(("n", "m")))
operations: st.SearchStrategy[Operation] = st.one_of(
    creations,
    transitions,
    transitions,
    updates,
    notes,
    st.builds(StartNext, owner=st.sampled_from((None, *OWNERS))),
    st.builds(Retitle, title=st.sampled_from(("", "one"))),
)
actors = st.builds(Actor, owner=st.sampled_from(OWNERS), session=st.sampled_from(SESSIONS))


def contexts(
    *, parallel: bool | None = None, force: bool | None = None
) -> st.SearchStrategy[Context]:
    """Any context; a flag that is None is drawn."""
    return st.builds(
        Context,
        now=st.sampled_from(TIMES),
        actor=actors,
        entropy=st.integers(0, 2),
        parallel=st.booleans() if parallel is None else st.just(parallel),
        force=st.booleans() if force is None else st.just(force),
    )


def seeded() -> Snapshot:
    """A list with the tasks of the pool, all pending; the last two are iterations of one loop."""
    subjects = ("Write", *SUBJECTS[2:])
    made = (
        Task(id=i, subject=s, order=n, created=NOW)
        for n, (i, s) in enumerate(zip(IDS, subjects, strict=True), 1)
    )
    return Snapshot(info=ListInfo(id="work"), tasks={t.id: t for t in made})


def history(
    steps: Iterable[tuple[Operation, Context]], start: Snapshot | None = None
) -> list[Snapshot]:
    """The snapshots after each of the steps that is not refused, the first one included."""
    found = [start or seeded()]
    for operation, context in steps:
        try:
            found.append(apply(found[-1], [operation], context).after)
        except GittasksError:
            continue
    return found


def runs(
    *,
    parallel: bool | None = None,
    force: bool | None = None,
    least: int = 0,
    size: int = 12,
    among: st.SearchStrategy[Operation] = operations,
) -> st.SearchStrategy[list[tuple[Operation, Context]]]:
    """Operations in the contexts of various actors."""
    step = st.tuples(among, contexts(parallel=parallel, force=force))
    return st.lists(step, min_size=least, max_size=size)
