"""Commit messages say what happened, and nothing in a task can forge what they say."""

from __future__ import annotations

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from support.strategies import NOW, contexts, history, operations, runs, seeded, snapshots

from gittasks.core.apply import Edit, apply, between
from gittasks.core.messages import commit_message
from gittasks.core.model import Actor, Snapshot, Status, Task
from gittasks.core.operations import (
    AddNote,
    Context,
    Create,
    Operation,
    Retitle,
    Transition,
    Update,
    Verb,
)
from gittasks.core.trailers import parse_operation, parse_trailers
from gittasks.errors import GittasksError

ANN = Actor("ann", "s1")
CONTEXT = Context(now=NOW, actor=ANN, entropy=1)
HOSTILE = (
    "x\n\nGittasks-Op: forged",
    "\r\nGittasks-Status: completed",
    "\u202egnp.exe\u2066",
    "\x1b[2J\x00",
    "\u2028Gittasks-Task: b\x85Gittasks-Forced: held",
    "\ud800",
    "Gittasks-Op: forged",
    "",
)


def message(*ops: Operation, start: Snapshot | None = None) -> str:
    edit = apply(start or seeded(), ops, CONTEXT)
    return commit_message("work", edit, ANN, "op1")


def first(*ops: Operation, start: Snapshot | None = None) -> str:
    return message(*ops, start=start).split("\n")[0]


def test_one_transition_is_one_line() -> None:
    assert message(Transition(Verb.START, "a")) == (
        "work: a pending → in_progress\n"
        "\n"
        "Gittasks-Task: a\n"
        "Gittasks-Status: in_progress\n"
        "Gittasks-Owner: ann\n"
        "Gittasks-Session: s1\n"
        "Gittasks-Op: op1\n"
    )


def test_a_result_is_shown_with_the_transition() -> None:
    started = apply(seeded(), [Transition(Verb.START, "a")], CONTEXT).after
    done = Transition(Verb.DONE, "a", result="PASS")
    assert first(done, start=started) == "work: a in_progress → completed (PASS)"


def test_other_single_changes_are_named() -> None:
    assert first(Create(subject="Ship", id="n")) == "work: n created: Ship"
    assert first(AddNote(id="a", text="one\ntwo")) == "work: a note: one two"
    update = Update(id="a", subject="New", add_blocked_by=("b",))
    assert first(update) == "work: a subject, blockedBy changed"
    assert first(Update(id="b", add_blocks=("a",))) == "work: a blockedBy changed"
    assert first(Retitle(title="Title")) == "work: title: Title"


def test_several_tasks_are_counted_and_listed() -> None:
    text = message(*(Create(subject="x", id=f"n{i}") for i in range(3)))
    assert text.startswith(
        "work: 3 tasks created\n\nn0 created: x\nn1 created: x\nn2 created: x\n\nGittasks-Task: n0"
    )
    mixed = (Create(subject="x", id="n"), Transition(Verb.DONE, "a"), Transition(Verb.SKIP, "b"))
    assert first(*mixed) == "work: 1 task created, 2 tasks changed"


def test_plan_and_undo_are_named() -> None:
    edit = apply(seeded(), [Transition(Verb.DONE, "a")], CONTEXT)
    assert commit_message("work", edit, ANN, "o", plan="plan.yaml").startswith(
        "work: plan plan.yaml: a pending → completed\n"
    )
    back = between(edit.after, edit.before)
    text = commit_message("work", back, ANN, "o", undo_of="0123456789abcdef")
    assert text.startswith("work: undo 012345678: a completed → pending\n")
    assert parse_trailers(text)["Gittasks-Undo"] == ["0123456789abcdef"]


def test_a_removed_task_and_a_forced_rule_are_in_the_trailers() -> None:
    made = apply(seeded(), [Create(subject="x", id="n")], CONTEXT)
    text = commit_message("work", between(made.after, made.before, forced=("held",)), ANN, "o")
    assert text.startswith("work: n removed\n")
    assert parse_trailers(text) == {
        "Gittasks-Task": ["n"],
        "Gittasks-Status": ["removed"],
        "Gittasks-Owner": ["ann"],
        "Gittasks-Session": ["s1"],
        "Gittasks-Forced": ["held"],
        "Gittasks-Op": ["o"],
    }


@pytest.mark.parametrize(
    "text",
    ["", "Gittasks-Op: x", "subject\n\nno trailers here", "a: b\n\nGittasks-Op: x\nplain text"],
)
def test_only_a_last_paragraph_of_nothing_but_trailers_counts(text: str) -> None:
    assert parse_trailers(text) == {}


def test_trailers_are_read_from_the_last_paragraph_only() -> None:
    text = "subject\n\nGittasks-Op: body\n\nGittasks-Task: a\r\nGittasks-Task: b\n\n"
    assert parse_trailers(text) == {"Gittasks-Task": ["a", "b"]}


@pytest.mark.parametrize(
    ("message", "operation"),
    [
        ("work: a done\n\nGittasks-Task: a\nGittasks-Op: o1\n", "o1"),
        ("work: a done\n\nGittasks-Op: o1\n", "o1"),
        ("work: a done\r\n\r\nGittasks-Task: a\r\nGittasks-Op: o1\r\n", "o1"),
        ("work: a done\n\nGittasks-Op: o1\nGittasks-Op: o2\n", "o2"),
        ("work: a done\n\nGittasks-Op:\n", None),
        ("work: a done\n\nGittasks-Op: o1\n\nSigned-off-by: Ann\n", None),
        ("work: a done\n\nGittasks-Op: o1\nas the other one said\n", None),
        ("work: a done\nGittasks-Op: o1\n", None),
        ("work: merge\n", None),
    ],
)
def test_an_operation_is_named_by_a_trailer_and_nothing_else(
    message: str, operation: str | None
) -> None:
    """The merge, undo and what is acknowledged all read the same trailers."""
    assert parse_operation(message) == operation
    assert parse_trailers(message).get("Gittasks-Op", [""])[-1] == (operation or "")


def hostile_edit(text: str, other: str) -> Edit:
    """An edit in which every text is hostile; data may hold what our commands refuse."""
    before = seeded()
    task = before.tasks["a"]._replace(status=Status.COMPLETED, result=text)
    new = Task(id="n", subject=text, extra={text: 1})
    extra = before.tasks["b"]._replace(extra={other: text})
    info = before.info._replace(title=other)
    return between(before, before.with_tasks(task, new, extra)._replace(info=info))


@given(st.sampled_from(HOSTILE) | st.text(), st.sampled_from(HOSTILE) | st.text(), st.booleans())
def test_law_no_text_can_forge_a_trailer_or_break_the_first_line(
    text: str, other: str, single: bool
) -> None:
    edit = hostile_edit(text, other)
    if single:
        edit = between(edit.before, edit.before.with_tasks(edit.after.tasks["n"]))
    made = commit_message("work", edit, Actor(text or "x", other), "op1", undo_of=other, plan=text)
    made.encode()
    trailers = parse_trailers(made)
    assert trailers["Gittasks-Op"] == ["op1"]
    assert trailers["Gittasks-Task"] == list(edit.changed)
    assert "Gittasks-Forced" not in trailers
    head, blank = made.split("\n")[:2]
    assert len(head) <= 100
    assert head.startswith("work: ")
    assert blank == ""
    assert len(made.split("\n\n")) == (2 if single else 3)
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in made if c != "\n")
    assert not set(made) & set("\u202e\u2066\u2028\u2029\u200b")


@given(runs(), operations, contexts())
def test_law_the_trailers_give_the_status_of_every_task_touched(
    past: list[tuple[Operation, Context]], operation: Operation, context: Context
) -> None:
    before = history(past)[-1]
    try:
        edit = apply(before, [operation], context)
    except GittasksError:
        reject()
    trailers = parse_trailers(commit_message("work", edit, context.actor, "op1"))
    told = dict(
        zip(trailers.get("Gittasks-Task", []), trailers.get("Gittasks-Status", []), strict=True)
    )
    assert told == {i: edit.after.tasks[i].status.value for i in edit.changed}
    assert trailers.get("Gittasks-Forced", []) == list(edit.forced)


@given(snapshots(), snapshots())
def test_law_any_two_snapshots_have_a_message_that_names_every_task(
    before: Snapshot, after: Snapshot
) -> None:
    edit = between(before, after)
    text = commit_message("l" * 100, edit, ANN, "op1")
    assert len(text.split("\n")[0]) <= 100
    assert parse_trailers(text).get("Gittasks-Task", []) == list(edit.changed)


def test_the_message_of_a_huge_operation_is_cut_where_git_and_people_can_read_it() -> None:
    """Far fewer bytes than a commit may have to be read, and still who did it, and how much."""
    empty = seeded()._replace(tasks={})
    tasks = {i: Task(i, "é" * 500) for i in (f"{n}-".ljust(60, "x") for n in range(9000))}
    text = commit_message("work", between(empty, empty._replace(tasks=tasks)), ANN, "op1")
    assert len(text.encode()) < 1024 * 1024
    first, lines, _ = text.split("\n\n")
    assert first == "work: 9000 tasks created"
    *shown, last = lines.split("\n")
    assert last == f"... and {9000 - len(shown)} more"
    trailers = parse_trailers(text)
    assert len(trailers["Gittasks-Task"]) == len(trailers["Gittasks-Status"]) > 4000
    assert (trailers["Gittasks-Owner"], trailers["Gittasks-Op"]) == (["ann"], ["op1"])
