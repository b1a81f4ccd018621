"""`batch`: JSON lines, all of them or none, as one commit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support import Repo


def _lines(*entries: dict[str, Any]) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def test_every_operation_in_one_commit(listed: Repo) -> None:
    """All operations work on the result of those before them, and make one commit."""
    before = listed.count()
    text = _lines(
        {"op": "create", "id": "d", "subject": "Task d", "blockedBy": ["a"], "phase": "2"},
        {"op": "create", "id": "loop", "subject": "Loop", "iterations": 3},
        {"op": "start", "id": "a", "owner": "eve"},
        {"op": "note", "id": "a", "text": "Begun"},
        {"op": "done", "id": "a", "result": "PASS"},
        {"op": "start", "id": "loop-1"},
        {"op": "done", "id": "loop-1", "endLoop": True},
        {"op": "skip", "id": "b", "result": "not today"},
        {"op": "reopen", "id": "b"},
        {"op": "start", "id": "b"},
        {"op": "release", "id": "b"},
        {"op": "delete", "id": "b"},
        {"op": "restore", "id": "b"},
        {"op": "update", "id": "c", "addBlockedBy": ["d"], "metadata": {"n": 1}},
    )
    done = listed.ok("batch", "--json", stdin=text).json()
    assert listed.count() == before + 1
    assert done["commit"] == listed.head()
    assert done["unblocked"] == []
    assert [r["line"] for r in done["results"]] == list(range(1, 15))
    tasks = listed.tasks()
    assert (tasks["a"]["status"], tasks["a"]["result"]) == ("completed", "PASS")
    assert [n["text"] for n in tasks["a"]["notes"]] == ["Begun"]
    assert tasks["b"]["status"] == "pending"
    assert tasks["c"]["openBlockers"] == ["d"]
    assert tasks["c"]["metadata"] == {"n": 1}
    assert (tasks["d"]["phase"], tasks["d"]["ready"]) == ("PHASE 2", True)
    assert [tasks[f"loop-{i}"]["status"] for i in (1, 2, 3)] == ["completed", "skipped", "skipped"]


def test_all_or_nothing(listed: Repo) -> None:
    """When one line is refused nothing is written, and the error names that line."""
    before = listed.head()
    text = '\n{"op": "done", "id": "a"}\n\n{"op": "start", "id": "nope"}\n'
    done = listed.run("batch", stdin=text)
    assert done.code == 3
    assert done.out == ""
    assert 'standard input:4: no task "nope"' in done.err
    assert "nothing of this batch was applied" in done.err
    assert listed.head() == before
    error = listed.run("batch", "--json", stdin=text).json()["error"]
    assert (error["line"], error["exitCode"]) == (4, 3)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "JSON"),
        ("[1]", "one JSON object"),
        ('{"id": "a"}', '"op" must be one of'),
        ('{"op": "fly", "id": "a"}', '"op" must be one of'),
        ('{"op": ["start"], "id": "a"}', '"op" must be one of'),
        ('{"op": "start"}', 'start needs "id"'),
        ('{"op": "create"}', 'create needs "subject"'),
        ('{"op": "start", "id": "a", "force": true}', 'unknown key "force" for start'),
        ('{"op": "start", "id": 3}', '"id" must be'),
        ('{"op": "start", "id": "a", "id": "b"}', '"id" stands there twice'),
        ('{"op": "update", "id": "a", "status": "weird"}', '"weird" is no status'),
        ('{"op": "create", "subject": "x", "status": "deleted"}', '"deleted" is no status'),
        ('{"op": "create", "subject": "x", "blockedBy": "a"}', "list of ids"),
        ('{"op": "create", "subject": "x", "iterations": 2.5}', "whole number"),
        ('{"op": "create", "subject": "x", "iterations": true}', "whole number"),
        ('{"op": "update", "id": "a", "metadata": {"x": NaN}}', "NaN"),
        ("[" * 100_000, "JSON"),
    ],
    ids=lambda v: str(v)[:40],
)
def test_line_that_cannot_be_understood(listed: Repo, line: str, says: str) -> None:
    """What is no operation is refused with its line, in words and as JSON, and nothing is done."""
    before = listed.head()
    done = listed.run("batch", "--json", stdin='{"op": "done", "id": "a"}\n' + line + "\n")
    assert (done.code, done.out) == (4, "")
    error = done.json()["error"]
    assert says in error["message"]
    assert (error["line"], error["where"]) == (2, "standard input:2")
    assert listed.head() == before


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_empty_batch(listed: Repo, text: str) -> None:
    """A batch without a line is a mistake, not a success."""
    done = listed.run("batch", stdin=text)
    assert done.code == 4
    assert "the batch is empty" in done.err


def test_null_clears_and_absence_keeps(listed: Repo) -> None:
    """null empties a field, a key that is not there leaves it; a subject cannot be emptied."""
    text = _lines(
        {"op": "update", "id": "a", "owner": "eve", "phase": "1", "description": "Text"},
        {"op": "update", "id": "a", "owner": None, "phase": None, "subject": None},
    )
    listed.ok("batch", stdin=text)
    task = listed.tasks()["a"]
    assert (task["owner"], task["phase"]) == (None, None)
    assert (task["description"], task["subject"]) == ("Text", "Task a")


def test_nothing_to_change_makes_no_commit(listed: Repo) -> None:
    """A batch of operations that are done already succeeds without a commit."""
    listed.ok("done", "a")
    before = listed.head()
    done = listed.ok("batch", "--json", stdin='{"op": "done", "id": "a"}\n').json()
    assert (done["changed"], done["commit"], done["tasks"]) == (False, None, [])
    assert listed.head() == before
