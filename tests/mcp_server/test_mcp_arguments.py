"""Near misses of agents: taken as what they must mean, or refused with the right word."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from gittasks.errors import Usage
from gittasks.mcp_server.arguments import read
from gittasks.mcp_server.schemas import TOOLS, Schema, taken

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


_WORDS = st.text("abz", min_size=1, max_size=4)


def _fitting(schema: Schema) -> st.SearchStrategy[Any]:
    """Values that a schema has room for and that say something."""
    kinds: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
        "string": lambda: st.sampled_from(schema["enum"]) if "enum" in schema else _WORDS,
        "boolean": st.booleans,
        "integer": lambda: st.integers(schema.get("minimum", 0), schema.get("maximum", 9)),
        "number": lambda: st.integers(-9, 9) | st.sampled_from((0.5, -1.25)),
        "array": lambda: st.lists(_fitting(schema["items"]), min_size=1, max_size=2),
        "object": lambda: _object(schema) if "properties" in schema else _MAPS,
    }
    return kinds[schema["type"]]()


_MAPS = st.dictionaries(_WORDS, st.none() | st.booleans() | st.integers() | _WORDS, max_size=2)


def _object(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    fields = {name: _fitting(inner) for name, inner in schema["properties"].items()}
    needed = {name: fields.pop(name) for name in schema.get("required", ())}
    some = st.sets(st.sampled_from(sorted(fields)), max_size=4) if fields else st.just(set())
    return some.flatmap(
        lambda names: st.fixed_dictionaries(needed | {name: fields[name] for name in names})
    )


_CALLS = st.sampled_from([tool.name for tool in TOOLS]).flatmap(
    lambda tool: st.tuples(st.just(tool), _object(taken(tool)))
)
_SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    str.upper,
    lambda name: re.sub("([A-Z])", r"_\1", name).lower(),
    lambda name: re.sub("([A-Z])", r"-\1", name).lower(),
)


@given(_CALLS, st.data())
def test_law_nothing_is_dropped(call: tuple[str, dict[str, Any]], data: st.DataObject) -> None:
    """Whichever fields are given, however they are spelled, as JSON text or not: all are read."""
    tool, meant = call
    sent: dict[str, Any] = {}
    for name, value in meant.items():
        spelling = data.draw(st.sampled_from(_SPELLINGS))
        as_text = not isinstance(value, str) and data.draw(st.booleans())
        sent[spelling(name)] = json.dumps(value) if as_text else value
    event(f"spelled in another way: {sent != meant}")
    assert read(tool, sent) == (meant, ())


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(_CALLS, st.data())
def test_law_what_does_not_fit_is_refused_read_as_meant_or_named(
    call: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    """One field of a good call is anything: the others are read, whatever becomes of it."""
    tool, meant = call
    odd = data.draw(st.sampled_from(sorted(taken(tool)["properties"])))
    sent = {**meant, odd: data.draw(_JSON)}
    try:
        made = read(tool, sent)
    except Usage:
        event("refused")
        with pytest.raises(Usage, match=odd):
            read(tool, sent)
        return
    event("taken")
    others = {name: value for name, value in meant.items() if name != odd}
    assert {name: made.values.get(name) for name in others} == others
    assert made.values.keys() <= {*others, odd}
    if taken(tool)["properties"][odd]["type"] == "integer":
        assert type(made.values.get(odd, 0)) is int
    assert (odd in made.values) != bool(made.passed_over)
