"""The commands that `conflicts` offers do take the value that did not stand."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from support.strategies import NOW, seeded

from gittasks.core.apply import apply
from gittasks.core.merge.registers import ABSENT, STATE, Register, State
from gittasks.core.merge.resolution import EXISTS, Command, anew, commands_to_take
from gittasks.core.model import Actor, Note, Snapshot, Status, Task
from gittasks.core.operations import Context, Operation, Transition, Update, Verb
from gittasks.errors import Refused

LATER = "2026-11-22T11:00:00Z"
TASK = Task(id="a", subject="Task a")


def words(found: list[Command]) -> str:
    """Commands as one line, without the program."""
    assert all(command[0] == "gittasks" for command in found)
    return " && ".join(" ".join(command[1:]) for command in found)


TABLE: list[tuple[Register, Any, str]] = [
    (("subject",), "New", "update a --subject New"),
    (("description",), "two\nlines", "update a --description two\nlines"),
    (("description",), ABSENT, "update a --description "),
    (("activeForm",), "Doing", "update a --active-form Doing"),
    (("result",), ABSENT, "update a --result "),
    (("phase",), "Review", "update a --phase Review"),
    (("order",), 3, "update a --order 3"),
    (("order",), 2.5, "update a --order 2.5"),
    (("order",), ABSENT, ""),
    (("description",), "-x", ""),
    (("description",), "@x", ""),
    (("dep", "b"), True, "update a --add-blocked-by b"),
    (("dep", "b"), ABSENT, "update a --remove-blocked-by b"),
    (("meta", "k"), "v=w", "update a --metadata k=v=w"),
    (("meta", "k"), "", "update a --metadata k="),
    (("meta", "k"), ABSENT, "update a --unset k"),
    (("meta", "k"), 5, ""),
    (("meta", "k"), None, ""),
    (("meta", "k"), {"deep": "map"}, ""),
    (("meta", "k=l"), "v", ""),
    (EXISTS, ABSENT, "delete a"),
    (EXISTS, True, ""),
    (("note", Note(NOW, "ann", "text")), ABSENT, ""),
    (("commit", "1234567"), ABSENT, ""),
    (("extra", "key"), "v", ""),
    (("extra", "key", "sub"), ABSENT, ""),
]


@pytest.mark.parametrize(("register", "value", "expected"), TABLE)
def test_each_field_has_its_option(register: Register, value: Any, expected: str) -> None:
    """A field that a command can set is offered; what only an edit of the file can, is not."""
    assert words(commands_to_take(TASK, "plan", register, value)) == expected


@pytest.mark.parametrize(
    ("register", "value", "expected"),
    [
        (("title",), "Sign-in", "init plan --title Sign-in"),
        (("archived",), NOW, "archive plan"),
        (("dropped",), NOW, "drop plan"),
        (("archived",), ABSENT, "unarchive plan"),
        (("title",), ABSENT, ""),
        (("title",), None, ""),
        (("setting", "k"), "v", ""),
        (("format",), 2, ""),
        (EXISTS, ABSENT, ""),
    ],
)
def test_the_list_has_its_title_and_its_marks(
    register: Register, value: Any, expected: str
) -> None:
    """Of the list itself only these are set by a command."""
    assert words(commands_to_take(None, "plan", register, value)) == expected


# --- status and owner --------------------------------------------------------------------------


def in_state(status: Status, owner: str | None, session: str | None) -> Task:
    """A task as the commands leave it in that state."""
    begun = status in (Status.IN_PROGRESS, Status.COMPLETED)
    closed = status in (Status.COMPLETED, Status.SKIPPED)
    return TASK._replace(
        status=status,
        owner=owner,
        session=session if status is Status.IN_PROGRESS else None,
        started=NOW if begun else None,
        finished=NOW if closed else None,
    )


def run(snapshot: Snapshot, found: list[Command]) -> Task:
    """The task after these commands, given by somebody who has nothing to do with it."""
    for _, verb, task_id, *options in found:
        owner = options[options.index("--owner") + 1] if "--owner" in options else None
        status = options[options.index("--status") + 1] if "--status" in options else None
        operation: Operation = Update(
            task_id, owner=owner, status=Status(status) if status else None
        )
        if verb != "update":
            operation = Transition(Verb(verb), task_id, owner=owner)
        context = Context(LATER, Actor("eve", "s9"), 7, force="--force" in options)
        snapshot = apply(snapshot, [operation], context).after
    return snapshot.tasks["a"]


_HELD = TASK._replace(status=Status.IN_PROGRESS, owner="ann", claim=1)
_DONE = TASK._replace(status=Status.COMPLETED, owner="ann", started=NOW, finished=NOW)
_BEGUN = "reopen a && start a --owner ann"
_DELETED = TASK._replace(status=Status.DELETED, started=NOW, finished=NOW, result="old")


@pytest.mark.parametrize(
    ("task", "wanted", "result", "expected"),
    [
        (_DELETED, State(Status.COMPLETED), "new", "restore a && update a --result new"),
        (_DELETED, State(Status.COMPLETED), "old", "restore a"),
        (TASK._replace(result="old"), State(Status.DELETED), "new", "delete a"),
        (TASK, State(Status.SKIPPED), "new", "skip a --result new"),
        (TASK, State(Status.SKIPPED, "ann"), "", "update a --status skipped --owner ann"),
        (
            TASK._replace(owner="bob"),
            State(Status.SKIPPED),
            "",
            "update a --status skipped --owner ",
        ),
        (_DELETED, State(Status.DELETED, "ann"), ABSENT, ""),
        (TASK, State(Status.IN_PROGRESS, "ann"), "", "start a --owner ann"),
        (_DONE._replace(result="x"), State(Status.IN_PROGRESS, "ann"), "", _BEGUN),
        (_HELD, State(Status.COMPLETED, "ann"), "", "done a --force"),
        (_DONE, State(Status.PENDING), ABSENT, "reopen a && update a --owner "),
        (TASK, State(Status.COMPLETED), "new", "update a --status completed --owner  --result new"),
    ],
)
def test_a_status_is_taken_with_its_result_and_its_owner(
    task: Task, wanted: State, result: str, expected: str
) -> None:
    """A skipped task is nobody's unless somebody's; a deleted one keeps the result it has."""
    assert words(commands_to_take(task, "plan", STATE, wanted, result)) == expected


OWNERS = [None, "ann", "bob"]
STATES = [
    (status, owner)
    for status, owner in itertools.product(Status, OWNERS)
    if owner or status is not Status.IN_PROGRESS
]


@pytest.mark.parametrize("status", Status)
def test_the_commands_lead_from_any_state_to_any(status: Status) -> None:
    """Given one after the other they are allowed, and end at the status and owner wanted.

    Whose a deleted task is does not matter.
    """
    wrong = []
    for owner, session, (wanted, whose) in itertools.product(OWNERS, [None, "s1"], STATES):
        task = in_state(status, owner, session)
        found = commands_to_take(task, "plan", STATE, State(wanted, whose))
        case = f"{status} of {owner} to {wanted} of {whose}: {words(found)}"
        try:
            after = run(seeded().with_tasks(task), found)
        except Refused as error:
            wrong.append(f"{case}: {error.message}")
            continue
        if after.status is not wanted or (after.owner != whose and wanted is not Status.DELETED):
            wrong.append(f"{case}: it is {after.status} of {after.owner}")
    assert not wrong, "\n".join(wrong)


def test_what_is_so_already_needs_no_command() -> None:
    """Where only a session or a time differs there is nothing that a command could do."""
    task = in_state(Status.IN_PROGRESS, "ann", "s1")
    assert (
        commands_to_take(task, "plan", STATE, State(Status.IN_PROGRESS, "ann", "s2", 0, LATER))
        == []
    )


def test_a_state_that_was_removed_is_the_default() -> None:
    """Who left the state out of the file said: pending, and nobody's."""
    task = in_state(Status.COMPLETED, "ann", None)
    after = run(seeded().with_tasks(task), commands_to_take(task, "plan", STATE, ABSENT))
    assert (after.status, after.owner) == (Status.PENDING, None)


def test_the_command_for_a_status_takes_its_result_too() -> None:
    """Also where only the owner differs; a result that the other had not is taken away."""
    task = in_state(Status.COMPLETED, "ann", None)._replace(result="FAIL")
    done, skipped = State(Status.COMPLETED, "bob"), State(Status.SKIPPED, "ann")
    assert words(commands_to_take(task, "plan", STATE, done, "PASS")) == (
        "update a --owner bob --result PASS"
    )
    assert words(commands_to_take(task, "plan", STATE, done, None)) == (
        "update a --owner bob --result "
    )
    assert words(commands_to_take(task, "plan", STATE, skipped, "no need")) == (
        "reopen a && skip a --result no need"
    )
    assert words(commands_to_take(task, "plan", STATE, skipped, None)) == ("reopen a && skip a")
    assert commands_to_take(task, "plan", STATE, State(Status.COMPLETED, "ann"), "FAIL") == []


def test_a_skip_that_lost_to_a_completion_is_taken_by_two_commands() -> None:
    """The task is opened again, then skipped with the owner and the result that it had."""
    task = in_state(Status.COMPLETED, "bob", None)._replace(result="PASS")
    assert words(commands_to_take(task, "plan", STATE, State(Status.SKIPPED), "no need")) == (
        "reopen a && update a --status skipped --owner  --result no need"
    )


def test_a_completion_that_lost_is_its_owner_s_and_of_no_session() -> None:
    """Whoever runs the command: the session was that of who finished first, and the time when the
    task was done stays what it was."""
    task = in_state(Status.COMPLETED, "ann", None)._replace(session="s1")
    found = commands_to_take(task, "plan", STATE, State(Status.COMPLETED, "bob", "s2"), "PASS")
    after = run(seeded().with_tasks(task), found)
    assert (after.owner, after.session, after.finished) == ("bob", None, task.finished)


def test_the_commands_for_a_second_task_of_an_id_make_it_anew() -> None:
    """With all that a command line can give it; then what stands is kept."""
    task = TASK._replace(phase="1", tags=("x", "y"), order=3, metadata={"k": "v"}, result="PASS")
    assert words(anew(task, "a-2")) == (
        "create Task a --id a-2 --phase 1 --metadata k=v --tag x --tag y && conflicts a --keep"
    )
    assert anew(task._replace(subject="-x"), "a-2") == []
    assert anew(task._replace(phase="@file"), "a-2") == []
