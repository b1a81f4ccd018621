"""One table of task fields: it is whole, and what derives from it has every field."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st
from support.strategies import near_tasks, values_of

from gittasks.codec.canonical import encode_task, read_canonical
from gittasks.codec.importers.json_exports import read_native
from gittasks.codec.task_file import decode_task
from gittasks.core.apply import apply
from gittasks.core.changes import same_task, strictly_equal, task_changes
from gittasks.core.fields import (
    BY_NAME,
    COMPOSITE,
    FIELDS,
    LISTS,
    SIMPLE,
    SINGLE,
    Field,
    Kind,
    arranged,
)
from gittasks.core.graph import Graph
from gittasks.core.merge.registers import State, field_of, from_registers, registers
from gittasks.core.model import Actor, ListInfo, Snapshot, Task
from gittasks.core.operations import Context, Create, Update
from gittasks.core.undo import take_back
from gittasks.core.view import ListView
from gittasks.errors import InvalidData, Usage
from gittasks.render import documents, plain
from gittasks.render.report import csv_table
from gittasks.render.text import ASCII

BARE = Task(id="a", subject="Write")
NOT_IN_CSV = {"session", "claim", "order", "createdBy"}
each_field = pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)


def listed(*members: Task) -> Snapshot:
    return Snapshot(ListInfo("work"), {task.id: task for task in members})


def drawn(data: st.DataObject, field: Field) -> Task:
    """A task that differs from a bare one in one field."""
    task = BARE._replace(**{field.attr: data.draw(values_of(field))})
    assume(not same_task(task, BARE))
    return task


# --- the table ------------------------------------------------------------------------------


def test_the_table_and_the_model_have_the_same_fields() -> None:
    """A field of the model that is not in the table would be dropped by the next merge."""
    assert {field.attr for field in FIELDS} == set(Task._fields) - {"id", "extra"}
    assert len(BY_NAME) == len(FIELDS) == len({field.attr for field in FIELDS})


def test_every_field_merges_in_one_way() -> None:
    """In the composite, as one value, member by member or key by key; no two in one register."""
    maps = tuple(field for field in FIELDS if field.kind is Kind.MAP)
    assert sorted(f.name for f in (*COMPOSITE, *SINGLE, *LISTS, *maps)) == sorted(BY_NAME)
    assert len({field.registers for field in FIELDS}) == len(FIELDS)
    assert set(State._fields) == {field.attr for field in COMPOSITE}
    assert {f.attr: f.default for f in COMPOSITE} == State._field_defaults


def test_fields_that_are_not_arranged_stand_behind_the_one_before_them() -> None:
    """A view that does not know a field has it all the same, at the place of the table."""
    assert arranged(" ".join(BY_NAME)) == FIELDS
    assert arranged(FIELDS[0].name) == FIELDS
    moved = [field.name for field in arranged("created subject")]
    assert moved[:3] == ["created", "createdBy", "subject"]
    assert sorted(moved) == sorted(BY_NAME)


# --- what derives from it -------------------------------------------------------------------


@each_field
@given(st.data())
def test_law_a_merge_keeps_a_field(field: Field, data: st.DataObject) -> None:
    """Taken apart into registers and put together again, nothing of it is lost or changed."""
    task = drawn(data, field)
    regs = registers(task)
    assert same_task(from_registers(task.id, regs), task)
    touched = {
        r for r, value in regs.items() if not strictly_equal(value, registers(BARE).get(r, None))
    }
    touched |= {r for r in regs if r not in registers(BARE)}
    assert {field_of(register) for register in touched} <= {field.name, "status"}


@each_field
@given(st.data())
def test_law_a_change_of_a_field_is_seen_told_and_taken_back(
    field: Field, data: st.DataObject
) -> None:
    """The difference names it, the answer does not say "unchanged", and undo takes it back."""
    task = drawn(data, field)
    assert [change.field for change in task_changes(BARE, task)] == [field.name]
    words = {"status": f" {ASCII.arrow} ", "claim": "claimed", "notes": "note"}
    words["blockedBy"] = "blocked by"
    assert words.get(field.name, field.name) in plain.task_changed(BARE, task, ASCII)
    back = take_back(listed(BARE), listed(task), listed(task)).tasks["a"]
    assert same_task(back, BARE._replace(claim=task.claim))  # which never goes down


@given(near_tasks("a"))
def test_law_only_equal_tasks_are_told_as_unchanged(pair: tuple[Task, Task]) -> None:
    """A commit is never answered with "unchanged"."""
    before, after = pair
    event(f"equal: {same_task(before, after)}")
    told = plain.task_changed(before, after, ASCII)
    assert (": unchanged (" in told) == same_task(before, after)


@each_field
@given(st.data())
def test_law_a_file_holds_a_field(field: Field, data: st.DataObject) -> None:
    """Both readers give it back, and a file of a bare task does not have it."""
    task = drawn(data, field)
    written = encode_task(task)
    assert f"{field.name}:" in written.decode()
    assert (f"{field.name}:" in encode_task(BARE).decode()) == (field.name in ("subject", "status"))
    assert read_canonical(written, "a") == task
    assert decode_task(b"# by hand\n" + written, "a", "a.yaml") == task


@each_field
@given(st.data())
def test_law_json_csv_and_details_show_a_field(field: Field, data: st.DataObject) -> None:
    """JSON always has the key; an export is read back whole."""
    task = drawn(data, field)
    graph = Graph({"a": task})
    bare = documents.task(BARE, Graph({"a": BARE}))
    document = documents.task(task, graph)
    assert field.name in bare
    assert document != bare
    row = next(csv.DictReader(io.StringIO(csv_table([task], graph))))
    assert (field.name in row) == (field.name not in NOT_IN_CSV)
    if field.label and field.name not in ("finished", "created"):
        details = plain.task_details(ListView(listed(task), 0), task, ASCII)
        assert f"{field.label}: " in details
    exported = json.dumps(documents.export_document(listed(task), [task])).encode()
    assert read_native(exported, "x").tasks[0].task == task


CONTEXT = Context("2026-11-22T10:00:00Z", Actor("ann"), 0)


@pytest.mark.parametrize("field", SIMPLE, ids=lambda field: field.name)
@given(st.data())
def test_law_a_simple_field_is_set_and_cleared(field: Field, data: st.DataObject) -> None:
    """Given to create or to update it is there; cleared it is as by default."""
    value: Any = getattr(drawn(data, field), field.attr)
    made = apply(listed(), [Create("Write", "a", fields={field.attr: value})], CONTEXT).after
    assert getattr(made.tasks["a"], field.attr) == value
    if field in LISTS:
        changed = apply(listed(BARE), [Update("a", added={field.attr: value})], CONTEXT).after
        assert getattr(changed.tasks["a"], field.attr) == value
        left = apply(changed, [Update("a", removed={field.attr: value[1:]})], CONTEXT).after
        assert getattr(left.tasks["a"], field.attr) == value[:1]
        return
    changed = apply(listed(BARE), [Update("a", fields={field.attr: value})], CONTEXT).after
    assert getattr(changed.tasks["a"], field.attr) == value
    cleared = apply(changed, [Update("a", fields={field.attr: ""})], CONTEXT).after
    assert same_task(cleared.tasks["a"], BARE)


@pytest.mark.parametrize("path", ["/etc", "a//b", "../x", "a/./b", "a\\b", "C:/x"])
def test_a_path_stays_in_the_code_tree(path: str) -> None:
    """Globs are from the root of the code tree, with / and without .. ."""
    with pytest.raises(Usage, match="cannot stand in paths"):
        apply(listed(), [Create("Write", "a", fields={"paths": (path,)})], CONTEXT)
    with pytest.raises(InvalidData):
        decode_task(f"subject: Write\nstatus: pending\npaths: ['{path}']\n".encode(), "a", "a")


@pytest.mark.parametrize("value", ["5", "-1", "high", "1.5"])
def test_a_priority_is_from_0_to_4(value: str) -> None:
    """What is none is refused, on the command line as in a file."""
    with pytest.raises(Usage, match="from 0 to 4"):
        apply(listed(), [Create("Write", "a", fields={"priority": value})], CONTEXT)
    with pytest.raises(InvalidData):
        decode_task(f"subject: Write\nstatus: pending\npriority: {value}\n".encode(), "a", "a")
