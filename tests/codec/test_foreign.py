"""Readers of other tools' files, given whatever bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from gittasks.codec.importers import SourceFile, read_source
from gittasks.codec.task_file import check_task
from gittasks.core.apply import between
from gittasks.core.imports import merge_import
from gittasks.core.model import Actor, ListInfo, Snapshot
from gittasks.core.operations import Context
from gittasks.errors import InvalidData

_CONTEXT = Context("2030-01-01T00:00:00Z", Actor("ada"), 7)
_EMPTY = Snapshot(ListInfo("plan"))
_WORDS = st.sampled_from(["a", "b", "A.1", "open", "closed", "in_progress", "pending", "completed"])
_TIMES = st.sampled_from(["2026-11-22T10:00:00Z", "20261122T100000Z", "2026-13-01T00:00:00Z", "x"])
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _WORDS | _TIMES
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["depends_on_id", "type", "text", "entry", "x"]), inner),
    max_leaves=6,
)  # fmt: skip
_MARKDOWN_KEYS = (
    "id title status deps links created assignee tags dependencies created_date milestone ordinal "
    "labels"
)
_KEYS = {
    "beads": (
        "id title status description design close_reason assignee created_at closed_at started_at "
        "dependencies comments metadata labels _type priority issue_type"
    ),
    "taskwarrior": (
        "uuid description status start end entry depends annotations tags priority project due x"
    ),
    "json": (
        "id subject status owner blockedBy notes commits metadata order phase rawPhase extra claim "
        "created started finished result description session createdBy activeForm"
    ),
}
_USUAL: dict[str, Callable[[int], dict[str, Any]]] = {
    "beads": lambda n: {"id": f"b-{n}", "title": "A", "status": "open", "priority": n % 5},
    "taskwarrior": lambda n: {"uuid": f"a0000000-{n}", "description": "A", "status": "pending"},
    "json": lambda n: {"id": f"a{n}", "subject": "A", "status": "pending", "order": n},
}
"""A task of each tool, which is read and taken in."""


def _check_place(error: InvalidData) -> None:
    assert error.where


def _taken_in_twice(files: list[SourceFile], form: str) -> None:
    """Read a source into an empty list, and again: all can be stored, nothing changes twice."""
    try:
        arrivals = read_source(files, "source", form)
    except InvalidData as error:
        _check_place(error)
        event("refused")
        return
    event(f"tasks: {bool(arrivals.tasks)}")
    first = merge_import(arrivals, _EMPTY, _CONTEXT)
    for task in first.snapshot.tasks.values():
        check_task(task)
    second = merge_import(arrivals, first.snapshot, _CONTEXT)
    assert not between(first.snapshot, second.snapshot).made


@pytest.mark.parametrize("form", list(_KEYS))
@given(data=st.data())
def test_json_of_any_values(form: str, data: Any) -> None:
    """Objects with the tool's keys and any values are read or refused, and fit into a list."""
    key = st.sampled_from(_KEYS[form].split())
    usual = st.builds(lambda number: _USUAL[form](number), st.integers(1, 9))
    odd = st.dictionaries(key, _VALUES, max_size=6)
    some_odd = st.builds(
        lambda task, changes: {**task, **changes},
        usual,
        st.dictionaries(key, _VALUES, max_size=1),
    )
    entries = data.draw(st.lists(odd, max_size=2) | st.lists(some_odd, min_size=1, max_size=2))
    document: object = entries
    if form == "json":
        document = {"kind": "export", "schemaVersion": 1, "tasks": entries}
    _taken_in_twice([SourceFile("f", json.dumps(document).encode())], form)


@pytest.mark.parametrize("form", ["ticket", "backlog"])
@given(
    head=st.lists(
        st.tuples(
            st.sampled_from(_MARKDOWN_KEYS.split()),
            st.sampled_from(["a", "TASK-1", "[a, b]", "'@x'", "@x", "[", "Done", "open", "1", ""])
            | st.text(max_size=10),
        ),
        max_size=8,
    ),
    body=st.lists(
        st.sampled_from(
            ["# Title", "## Notes", "**2026-11-22T10:00:00Z**", "## Comments", "---", "text", "",
             "author: ana", "<!-- COMMENTS:BEGIN -->", "```", "## Final Summary", "\x1b[1m"]
        ),
        max_size=12,
    ),
    usual=st.sampled_from((True, True, False)),
)  # fmt: skip
def test_markdown_of_any_lines(
    form: str, head: list[tuple[str, str]], body: list[str], usual: bool
) -> None:
    """Files of the tool's lines in any order are read or refused, and fit into a list."""
    files = []
    for name in ("a", "b"):
        known = [f"id: {name}", f"title: {name}"] if usual else []
        rest = [f"{key}: {value}" for key, value in head if not usual or key not in ("id", "title")]
        lines = ["---", *known, *rest, "---", *body]
        files.append(SourceFile(f"{name}.md", "\n".join(lines).encode("utf-8", "replace")))
    _taken_in_twice(files, form)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    """Bytes that are nothing are refused in one way, guessed or not."""
    for form in (None, "json", "beads", "taskwarrior", "ticket", "backlog"):
        try:
            read_source([SourceFile("f", data)], "f", form)
        except InvalidData as error:
            _check_place(error)


@pytest.mark.parametrize(
    ("form", "entry", "lost"),
    [
        ("beads", {"title": ["A"]}, "title"),
        ("beads", {"title": "A", "description": {"text": "x"}}, "description"),
        ("beads", {"title": "A", "design": ["x"]}, "design"),
        ("beads", {"title": "A", "assignee": {"name": "x"}}, "assignee"),
        ("beads", {"title": "A", "created_at": 1763805600}, "created_at"),
        ("beads", {"title": "A", "dependencies": "b"}, "dependencies"),
        ("beads", {"title": "A", "dependencies": ["b"]}, "dependencies"),
        ("beads", {"title": "A", "dependencies": [{"type": "blocks"}]}, "dependencies"),
        ("beads", {"title": "A", "comments": {"text": "x"}}, "comments"),
        ("beads", {"title": "A", "comments": [{"text": ["x"]}]}, "comments"),
        ("taskwarrior", {"description": ["A"], "status": "pending"}, "title"),
        ("taskwarrior", {"description": "A", "annotations": "x"}, "annotations"),
    ],
    ids=str,
)
def test_what_has_another_form_than_the_tool_writes_is_listed(
    form: str, entry: dict[str, Any], lost: str
) -> None:
    """Nothing goes by in silence, also where a value is not of the kind that it should be."""
    data = json.dumps([{"id": "a", "uuid": "a", "status": "open", **entry}]).encode()
    arrivals = read_source([SourceFile("x.json", data)], "x.json", form)
    assert lost in [loss.what for loss in arrivals.losses]


@pytest.mark.parametrize("form", ["beads", "taskwarrior"])
def test_a_key_that_stands_twice_is_refused(form: str) -> None:
    """Which of its values was meant cannot be known, and none is dropped in silence."""
    data = b'[{"id": "a", "title": "A", "title": "B", "description": "A", "description": "B"}]'
    with pytest.raises(InvalidData, match="is duplicated"):
        read_source([SourceFile("f", data)], "source", form)
