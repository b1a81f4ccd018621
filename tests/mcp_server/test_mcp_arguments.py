"""Near misses of agents: taken as what they must mean, or refused with the right word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.errors import Usage
from gittasks.mcp_server.arguments import read
from gittasks.mcp_server.schemas import TOOLS

_BLOCKED = {"subject": "A", "blockedBy": ["b"]}
_CLEARED = {"taskId": "a", "clear": ["activeForm"]}
TAKEN: list[tuple[str, Mapping[str, Any], Mapping[str, Any]]] = [
    ("TaskGet", {"id": "a"}, {"taskId": "a"}),
    ("TaskGet", {"task_id": "a"}, {"taskId": "a"}),
    ("TaskGet", {"taskID": "a"}, {"taskId": "a"}),
    ("TaskGet", {"taskId": 3}, {"taskId": "3"}),
    ("TaskGet", {"taskId": "a", "id": "a"}, {"taskId": "a"}),
    ("TaskCreate", {"title": "A", "active_form": "Aing"}, {"subject": "A", "activeForm": "Aing"}),
    ("TaskCreate", {"content": "A", "taskId": "a"}, {"subject": "A", "id": "a"}),
    ("TaskCreate", {"subject": "A", "depends_on": "b"}, {"subject": "A", "blockedBy": ["b"]}),
    ("TaskCreate", {"subject": "A", "addBlockedBy": ["b"]}, {"subject": "A", "blockedBy": ["b"]}),
    (
        "TaskCreate",
        {"subject": "A", "blockedBy": "b, c"},
        {"subject": "A", "blockedBy": ["b", "c"]},
    ),
    ("TaskCreate", {"subject": "A", "blockedBy": '["b"]'}, {"subject": "A", "blockedBy": ["b"]}),
    (
        "TaskCreate",
        {"subject": "A", "metadata": '{"k": 1}'},
        {"subject": "A", "metadata": {"k": 1}},
    ),
    ("TaskCreate", {"subject": "A", "iterations": "3"}, {"subject": "A", "iterations": 3}),
    ("TaskCreate", {"subject": "A", "iterations": 3.0}, {"subject": "A", "iterations": 3}),
    ("TaskCreate", {"subject": "A", "owner": None}, {"subject": "A"}),
    (
        "TaskCreate",
        {"subject": "A", "owner": "null", "id": "undefined", "phase": "None", "status": "null"},
        {"subject": "A"},
    ),
    (
        "TaskCreate",
        {"subject": "A", "description": "null", "activeForm": "None"},
        {"subject": "A", "description": "null", "activeForm": "None"},
    ),
    (
        "TaskCreate",
        {"subject": "A", "description": "", "blockedBy": [], "iterations": "", "metadata": ""},
        {"subject": "A"},
    ),
    ("TaskCreate", {"subject": "A", "blockedBy": ["b", "", "null"]}, _BLOCKED),
    ("TaskCreate", {"subject": "A", "blockedBy": "[]"}, {"subject": "A"}),
    ("TaskUpdate", {"taskId": "a", "clear": '["active_form"]'}, _CLEARED),
    ("TaskCreate", {"subject": "A", "status": "todo"}, {"subject": "A", "status": "pending"}),
    ("TaskUpdate", {"id": "a", "status": "in-progress"}, {"taskId": "a", "status": "in_progress"}),
    ("TaskUpdate", {"id": "a", "state": "DONE"}, {"taskId": "a", "status": "completed"}),
    ("TaskUpdate", {"taskId": "a", "endLoop": "true"}, {"taskId": "a", "endLoop": True}),
    (
        "TaskUpdate",
        {"taskId": "a", "metadata": {"k": None}},
        {"taskId": "a", "metadata": {"k": None}},
    ),
    ("TaskList", {"status": "done"}, {"status": ["completed"]}),
    (
        "TaskCreateMany",
        {"todos": ["A, b", {"title": "B"}]},
        {"tasks": [{"subject": "A, b"}, {"subject": "B"}]},
    ),
    ("TaskCreateMany", {"tasks": '{"subject": "A"}'}, {"tasks": [{"subject": "A"}]}),
    ("TaskCreateMany", {"tasks": "5"}, {"tasks": [{"subject": "5"}]}),
]
REFUSED: list[tuple[str, Mapping[str, Any], str]] = [
    ("TaskGet", {}, "taskId"),
    ("TaskLog", {"lint": True}, 'give operation "lint"'),
    ("TaskGet", {"taskId": "a", "id": "b"}, "two things"),
    ("TaskGet", {"taskId": ["a"]}, "taskId"),
    ("TaskUpdate", {"taskId": "a", "blockedBy": ["b"]}, "addBlockedBy and removeBlockedBy"),
    ("TaskUpdate", {"taskId": "a", "blocked_by": ["b"]}, "addBlockedBy and removeBlockedBy"),
    ("TaskUpdate", {"taskId": "a", "dependsOn": ["b"]}, "addBlockedBy and removeBlockedBy"),
    ("TaskUpdate", {"taskId": "a", "blocks": ["b"]}, "addBlocks and removeBlocks"),
    ("TaskUpdate", {"taskId": "a", "status": "dne"}, "'dne' is not one of"),
    ("TaskUpdate", {"taskId": "a", "sbject": "x"}, "did you mean subject"),
    ("TaskUpdate", {"taskId": "a", "zzz": 1}, "it takes taskId"),
    ("TaskUpdate", {"taskId": "a", "force": "perhaps"}, "force"),
    ("TaskCreate", {"subject": "A", "iterations": 0}, "iterations"),
    ("TaskCreate", {"subject": "A", "metadata": "x"}, "metadata"),
    ("TaskCreate", {"subject": True}, "subject: True is not of type 'string'"),
    ("TaskUpdate", {"taskId": True}, "taskId"),
    ("TaskCreateMany", {"tasks": []}, "tasks"),
    ("TaskCreateMany", {"tasks": [{"id": "a"}]}, "tasks[0]: 'subject'"),
    ("TaskCreateMany", {"tasks": [1]}, "tasks[0]"),
    ("TaskCreateMany", {"tasks": 5}, "tasks"),
    ("TaskCreateMany", {"tasks": '[{"subject": "A",}]'}, "looks like JSON"),
    ("TaskCreateMany", {"tasks": ['{"subject": "A"']}, "tasks[0] looks like JSON"),
    ("TaskCreate", {"subject": "A", "blockedBy": '["b",]'}, "give the list or object itself"),
    ("TaskUpdate", {"taskId": "a", "metadata": "{k: 1}"}, "looks like JSON"),
]


@pytest.mark.parametrize(("tool", "sent", "meant"), TAKEN, ids=lambda value: str(value)[:40])
def test_taken_as_meant(tool: str, sent: Mapping[str, Any], meant: Mapping[str, Any]) -> None:
    """Another spelling, a synonym or a value as text is taken as the only thing it can mean."""
    assert read(tool, sent).values == meant


def test_what_is_passed_over_is_named() -> None:
    """The agent learns which of its fields said nothing, and with which word."""
    sent = {
        "taskId": "a",
        "status": "in_progress",
        "description": "",
        "addBlockedBy": [],
        "owner": "null",
    }
    call = read("TaskUpdate", sent)
    assert call.values == {"taskId": "a", "status": "in_progress"}
    assert call.passed_over == ("description", "addBlockedBy", 'owner "null"')
    assert call.remark == 'taken as not given: description, addBlockedBy, owner "null"'
    assert read("TaskGet", {"taskId": "a"}).remark is None


@pytest.mark.parametrize(("tool", "sent", "said"), REFUSED, ids=lambda value: str(value)[:40])
def test_refused_with_the_right_word(tool: str, sent: Mapping[str, Any], said: str) -> None:
    """What could mean several things, or nothing, is refused, and the error says what to send."""
    with pytest.raises(Usage) as caught:
        read(tool, sent)
    assert said in f"{caught.value.message} {caught.value.hint}"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
_FIELDS = sorted({name for tool in TOOLS for name in tool.input["properties"]})


@given(
    st.sampled_from([tool.name for tool in TOOLS]),
    st.dictionaries(st.sampled_from(_FIELDS) | st.text(max_size=8), _JSON, max_size=4),
)
def test_nothing_is_dropped(tool: str, sent: dict[str, Any]) -> None:
    """Whatever is sent: each field that says something is in what is read, or it is refused."""
    try:
        made = read(tool, sent)
    except Usage:
        return
    said = [key for key, value in sent.items() if value is not None]
    values = made.values
    assert len(values) <= len(said)
    assert not any(isinstance(values.get(name), float) for name in ("iterations", "limit"))
    assert bool(values) or bool(made.passed_over) == bool(sent)
