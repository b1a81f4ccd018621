"""Claude Code's task files are read warily: whatever they hold, what can be used is used."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gittasks.claude import task_files
from gittasks.claude.task_files import NativeTask, Skipped, normalised, read, write
from gittasks.core import validation

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(), part, max_size=3),
    max_leaves=8,
)
_KEYS = ("id", "subject", "description", "activeForm", "active_form", "status", "owner")
_FIELDS = st.dictionaries(
    st.sampled_from([*_KEYS, "metadata", "blocks", "blockedBy", "blocked_by", "other"]), _JSON
)
_TASKS = st.builds(
    lambda usual, odd: {**usual, **odd},
    st.fixed_dictionaries(
        {"subject": st.text("ab \x1b", min_size=1).map(lambda text: f"x{text}")},
        optional={
            "description": st.text(),
            "activeForm": st.text(max_size=9),
            "status": st.sampled_from(["pending", "in_progress", "completed"]),
            "owner": st.text(max_size=9),
            "blockedBy": st.lists(st.integers(1, 99).map(str), max_size=3),
            "metadata": st.dictionaries(st.text(max_size=9), _JSON, max_size=3),
        },
    ),
    st.dictionaries(st.sampled_from(["description", "owner", "blocks", "metadata", "x"]), _JSON),
)


def _read(number: str = "1", **fields: Any) -> NativeTask:
    task = read(number, json.dumps({"subject": "Ask", **fields}).encode())
    assert isinstance(task, NativeTask), task
    return task


def test_a_whole_file_is_read() -> None:
    """Every field that Claude Code writes is carried over, unknown keys beside them."""
    task = _read(
        id="1",
        description="Two\nlines",
        activeForm="Asking",
        status="in_progress",
        owner="ada",
        blocks=["2"],
        blockedBy=["3", "4"],
        metadata={"k": 1},
        later=[1],
    )
    assert task == NativeTask(
        "1", "Ask", "Two\nlines", "Asking", "in_progress", "ada", ("2",), ("3", "4"), {"k": 1},
        {"later": [1]},
    )  # fmt: skip


def test_other_spellings_are_read() -> None:
    """snake_case keys and ids that are numbers mean the same."""
    task = _read(id=1, active_form="Asking", blocked_by=[2, "#3", "x", None, 2])
    assert (task.active_form, task.blocked_by) == ("Asking", ("2", "3"))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "cannot be read as JSON"),
        (b"{", "cannot be read as JSON"),
        (b"[1]", "a JSON object"),
        (b"\xff\xfe", "cannot be read as JSON"),
        (b"[" * 100_000, "cannot be read as JSON"),
        (b'{"subject": NaN}', "is not a number in JSON"),
        (b'{"id": "2", "subject": "x"}', "says that it is #2"),
        (b"{}", "no subject"),
        (b'{"subject": "  "}', "no subject"),
        (b'{"subject": ["x"]}', "no subject"),
        (b'{"subject": "x", "status": "deleted"}', "its status is deleted"),
        (b'{"subject": "x", "status": {"a": 1}}', "its status is"),
        (b" " * (task_files.SIZE_LIMIT + 1), "more than"),
    ],
    ids=lambda v: str(v)[:30],
)
def test_what_cannot_be_used_is_said(data: bytes, why: str) -> None:
    """A file that is no task is a fault with its number and the reason, never an exception."""
    fault = read("1", data)
    assert isinstance(fault, Skipped)
    assert why in str(fault)
    assert str(fault).startswith("#1: ")


def test_text_that_does_not_fit_is_made_to_fit() -> None:
    """Controls, lone surrogates and what is too long are changed, and the fields are named."""
    task = _read(
        subject="a\x1b[31m\nb" + "x" * 600,
        description="a\x00b\n" + "y" * validation.PROSE_LIMIT,
        activeForm="\ud800",
        metadata={"": 1, "good": "x", "bad": "\x00", "deep": [[[[[[[[[[[1]]]]]]]]]]]},
    )
    assert len(task.subject) == validation.LINE_LIMIT
    assert task.subject.startswith("a\ufffd[31m b")
    assert task.description.startswith("a\ufffdb\n")
    assert len(task.description.encode()) <= validation.PROSE_LIMIT
    assert dict(task.metadata) == {"good": "x"}
    assert {"subject", "description", "activeForm", "metadata bad"} <= set(task.altered)


def test_an_active_form_that_repeats_the_subject_says_nothing() -> None:
    """Claude Code needs the key, so without one of its own a task is written with its subject."""
    assert _read(activeForm="Ask").active_form == ""
    assert json.loads(write(NativeTask("1", "Ask")))["activeForm"] == "Ask"


@given(_FIELDS | _TASKS)
def test_any_object_is_read_or_told(fields: dict[str, Any]) -> None:
    """No JSON object makes reading fail; a task that was read can be stored by us."""
    made = read("7", json.dumps(fields).encode())
    if isinstance(made, NativeTask):
        assert validation.subject(made.subject) == made.subject
        assert (validation.multi_line(made.description, "x") or "") == made.description
        assert (validation.single_line(made.owner, "x") or "") == made.owner
        validation.metadata(made.metadata)


@given(_TASKS)
def test_what_was_read_is_written_back(fields: dict[str, Any]) -> None:
    """Writing a task and reading it again gives the same task."""
    made = read("7", json.dumps({**fields, "id": "7"}).encode())
    assume(isinstance(made, NativeTask))
    assert isinstance(made, NativeTask)
    assert read("7", write(made)) == made._replace(altered=())


def test_edges_count_on_whichever_side_they_stand() -> None:
    """`blocks` of one and `blockedBy` of the other are the same; nobody waits for himself."""
    made = normalised(
        [_read("10", blocks=["2", "10"]), _read("2", blockedBy=["1", "2"]), _read("1")]
    )
    assert list(made) == ["1", "2", "10"]
    assert (made["2"].blocked_by, made["1"].blocks, made["10"].blocks) == (
        ("1", "10"),
        ("2",),
        ("2",),
    )
    assert made["10"].blocked_by == ()
