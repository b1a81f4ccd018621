"""`batch`: JSON lines, all of them or none, by one move of the ref."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.repositories import Repo


def _lines(*entries: dict[str, Any]) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def test_every_operation_at_once(listed: Repo) -> None:
    """All work on the result of those before them, and become visible at once: one commit for what
    they make and edit, and one for each transition."""
    before = listed.count()
    moves = len(listed.git("reflog", "show", "gittasks/plan").splitlines())
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
    assert listed.count() == before + 11
    assert len(listed.git("reflog", "show", "gittasks/plan").splitlines()) == moves + 1
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
        ('{"op": "start", "id": "a", "id": "b"}', '"id" is duplicated'),
        ('{"op": "update", "id": "a", "status": "weird"}', '"weird" is not a status'),
        ('{"op": "create", "subject": "x", "status": "deleted"}', '"deleted" is not a status'),
        ('{"op": "create", "subject": "x", "blockedBy": 7}', "list of ids"),
        ('{"op": "create", "subject": "x", "as": "a b"}', '"as" cannot be'),
        ('{"op": "create", "subject": "x", "as": "1"}', '"as" cannot be'),
        ('{"op": "start", "id": "$2"}', '"$2" names no line before this one'),
        ('{"op": "start", "id": "$nobody"}', "names no line before this one"),
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


def test_fields_are_cleared_by_name(listed: Repo) -> None:
    """`clear` empties the fields that it names; one that is given as well is refused."""
    data = {"k": 1, "l": 2}
    first = {"op": "update", "id": "a", "owner": "eve", "addTags": ["x"], "metadata": data}
    then = {"op": "update", "id": "a", "clear": ["owner", "tags"], "metadata": {"k": None}}
    describe = {"op": "update", "id": "a", "description": "d"}
    listed.ok("batch", stdin=_lines(describe, first, then))
    task = listed.tasks()["a"]
    assert (task["owner"], task["tags"], task["description"]) == (None, [], "d")
    assert task["metadata"] == {"l": 2}
    both = {"op": "update", "id": "a", "phase": "2", "clear": ["phase"]}
    assert "phase is both given and cleared" in listed.run("batch", stdin=_lines(both)).err
    unknown = {"op": "update", "id": "a", "clear": ["subject"]}
    assert '"subject" cannot be cleared' in listed.run("batch", stdin=_lines(unknown)).err


def test_nothing_to_change_makes_no_commit(listed: Repo) -> None:
    """A batch of operations that are done already succeeds without a commit."""
    listed.ok("done", "a")
    before = listed.head()
    done = listed.ok("batch", "--json", stdin='{"op": "done", "id": "a"}\n').json()
    assert (done["changed"], done["commit"], done["tasks"]) == (False, None, [])
    assert listed.head() == before


def test_lines_refer_to_what_earlier_lines_make(listed: Repo) -> None:
    """`$name` and `$LINE` mean the task of an earlier line wherever an id is wanted."""
    text = "\n" + _lines(
        {"op": "create", "as": "core", "subject": "Write the parser"},
        {"op": "create", "subject": "Write tests", "blockedBy": ["$core", "a"], "blocks": ["c"]},
        {"op": "start", "id": "$core"},
        {"op": "note", "id": "$2", "text": "begun"},
        {"op": "update", "id": "b", "addBlockedBy": "$3"},
        {"op": "done", "id": "$4"},
    )
    done = listed.ok("batch", "--json", stdin=text).json()
    made = [result["id"] for result in done["results"]]
    core, tests = made[:2]
    assert made == [core, tests, core, core, "b", core]
    assert [r["op"] for r in done["results"]][2:] == ["start", "note", "update", "done"]
    assert [r["line"] for r in done["results"]] == [2, 3, 4, 5, 6, 7]
    tasks = listed.tasks()
    assert (tasks[core]["status"], tasks[core]["notes"][0]["text"]) == ("completed", "begun")
    assert (tasks[tests]["blockedBy"], tasks[tests]["blocks"]) == ([core, "a"], ["b", "c"])


def test_to_wait_for_a_loop_is_to_wait_for_its_end(empty: Repo) -> None:
    """`$loop` is the last iteration for what waits for it, and the first for all else."""
    text = _lines(
        {"op": "create", "as": "before", "subject": "Before"},
        {"op": "create", "as": "loop", "subject": "Fix", "iterations": 3, "blockedBy": ["$before"]},
        {"op": "create", "as": "after", "subject": "Report", "blockedBy": ["$loop"]},
        {"op": "done", "id": "$before"},
        {"op": "start", "id": "$loop"},
    )
    for _ in range(2):
        before, loop, after, _, started = empty.ok("batch", "-q", stdin=text).out.split()
        tasks = empty.tasks()
        assert tasks[loop]["subject"] == "Iteration 1/3: Fix"
        assert tasks[loop]["blockedBy"] == [before]
        assert [tasks[i]["subject"] for i in tasks[after]["blockedBy"]] == ["Iteration 3/3: Fix"]
        assert started == loop
        empty.ok("done", loop)


def test_quiet_answers_line_by_line(listed: Repo) -> None:
    """With --quiet there is one id for each operation, in their order."""
    text = _lines(
        {"op": "start", "id": "c"},
        {"op": "create", "id": "new", "subject": "New"},
        {"op": "done", "id": "c"},
    )
    assert listed.ok("batch", "-q", stdin=text).out == "c\nnew\nc\n"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ({"op": "finish", "id": "a"}, '"done"'),
        ({"op": "close", "id": "a"}, '"done"'),
        ({"op": "cancel", "id": "a"}, '"skip"'),
        ({"op": "claim", "id": "a"}, "the command claim"),
        ({"op": "crate", "subject": "x"}, '"create"'),
        ({"op": "create", "name": "x"}, '"subject"'),
        ({"op": "create", "subject": "x", "desc": "y"}, '"description"'),
        ({"op": "create", "subject": "x", "active_form": "y"}, '"activeForm"'),
        ({"op": "create", "subject": "x", "dependsOn": ["a"]}, '"blockedBy"'),
        ({"op": "create", "subject": "x", "assignee": "y"}, '"owner"'),
        ({"op": "create", "subject": "x", "due": 1}, '"metadata"'),
        ({"op": "update", "id": "a", "blockedBy": ["b"]}, '"addBlockedBy"'),
        ({"op": "update", "id": "a", "add_blocked_by": ["b"]}, '"addBlockedBy"'),
        ({"op": "update", "taskId": "a"}, '"id"'),
        ({"op": "note", "id": "a", "note": "y"}, '"text"'),
        ({"op": "start", "id": "a", "force": True}, "the whole batch: --force"),
        ({"op": "update", "id": "a", "status": "done"}, '"completed"'),
        ({"op": "update", "id": "a", "status": "in-progress"}, '"in_progress"'),
    ],
    ids=str,
)
def test_wrong_words_are_answered_with_the_right_one(
    listed: Repo, line: dict[str, Any], hint: str
) -> None:
    """A wrong operation, key or status is refused, and the hint has the one that was meant."""
    done = listed.run("batch", stdin=json.dumps(line))
    assert done.code == 4
    said = next(text for text in done.err.splitlines() if text.startswith("hint: "))
    assert hint in said


def test_aliases_of_commands_are_operations(listed: Repo) -> None:
    """`add` and `complete` mean what they mean on the command line."""
    text = _lines({"op": "add", "id": "n", "subject": "New"}, {"op": "complete", "id": "n"})
    done = listed.ok("batch", "--json", stdin=text).json()
    assert [r["op"] for r in done["results"]] == ["create", "done"]
    assert listed.tasks()["n"]["status"] == "completed"


def test_a_task_that_is_made_too_late(listed: Repo) -> None:
    """Who moves a task that a later line makes is told which."""
    text = _lines({"op": "start", "id": "y"}, {"op": "create", "id": "y", "subject": "Y"})
    done = listed.run("batch", stdin=text)
    assert done.code == 3
    assert "hint: line 2 makes it: put that line before this one" in done.err


def test_ids_are_exact_and_those_of_later_lines_count(listed: Repo) -> None:
    """Edges are to what was named, never to a task whose id begins so; the reply shows them."""
    text = _lines(
        {"op": "create", "id": "test-docs", "subject": "Docs"},
        {"op": "create", "id": "deploy", "subject": "Deploy", "blockedBy": ["test"]},
    )
    refused = listed.run("batch", stdin=text)
    assert refused.code == 3
    assert "did you mean test-docs?" in refused.err
    done = listed.ok("batch", stdin=text + "\n" + _lines(_TEST_LINE))
    assert "created deploy  Deploy (blocked by test)" in done.out
    assert listed.tasks()["deploy"]["blockedBy"] == ["test"]


_TEST_LINE = {"op": "create", "id": "test", "subject": "Test"}


def test_typed_ids_are_cut_at_a_hyphen_and_stored_whole(listed: Repo) -> None:
    """`p1` is `p1-ask-x2k4`, never `p10`."""
    listed.ok("create", "Ten", "--id", "p10")
    assert listed.run("done", "p1").code == 3
    assert listed.run("create", "X", "--blocked-by", "p1").code == 3
    listed.ok("create", "Ask", "--id", "p1-ask-x2k4")
    made = listed.ok("create", "X", "--id", "x", "--blocked-by", "p1").out
    assert "created x  X (blocked by p1-ask-x2k4)" in made
    changed = listed.ok("update", "x", "--remove-blocked-by", "p1", "--add-blocked-by", "p10").out
    assert "x: blocked by p10, no longer blocked by p1-ask-x2k4" in changed
    assert listed.ok("show", "p1", "--json").json()["task"]["id"] == "p1-ask-x2k4"


def test_one_line_is_named_too(listed: Repo) -> None:
    """The error of a batch of one operation names its line; that of no list names none."""
    done = listed.run("batch", "--json", stdin='\n{"op": "start", "id": "nope"}')
    assert done.json()["error"]["where"] == "standard input:2"
    done = listed.run("batch", "--json", "-l", "none", stdin='{"op": "start", "id": "a"}')
    assert (done.code, done.json()["error"]["where"]) == (8, None)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('[{"op": "start", "id": "a"}]', "leave out the list"),
        ('[\n{"op": "start", "id": "a"}\n]', "whole on one line"),
        ('{\n"op": "start", "id": "a"\n}', "whole on one line"),
    ],
)
def test_other_forms_of_json_are_told_apart(listed: Repo, text: str, hint: str) -> None:
    """A JSON array, and an object over several lines, are refused with what to write instead."""
    done = listed.run("batch", stdin=text)
    assert done.code == 4
    assert hint in done.err.rpartition("hint: ")[2]


def test_characters_that_no_field_holds(listed: Repo) -> None:
    """Lone surrogates, NUL and escapes are refused wherever they stand."""
    for text in ("\\ud800", "\\u0000", "\\u001b[2J"):
        for line in (
            f'{{"op": "create", "subject": "{text}"}}',
            f'{{"op": "create", "subject": "x", "description": "{text}"}}',
            f'{{"op": "create", "subject": "x", "metadata": {{"k": "{text}"}}}}',
            f'{{"op": "create", "subject": "x", "owner": "{text}"}}',
            f'{{"op": "note", "id": "a", "text": "{text}"}}',
            f'{{"op": "start", "id": "{text}"}}',
            f'{{"op": "{text}", "id": "a"}}',
            f'{{"op": "start", "{text}": "a"}}',
        ):
            done = listed.run("batch", stdin=line)
            assert done.code == (3 if line.startswith(f'{{"op": "start", "id": "{text}') else 4), (
                done
            )
            assert "standard input:1" in done.err
            assert "\x1b" not in done.err


def test_bounds(listed: Repo) -> None:
    """A batch of too many operations or bytes is refused before anything is done."""
    before = listed.head()
    many = listed.run("batch", stdin='{"op":"start","id":"a"}\n' * 20_001)
    assert (many.code, "more than 20000 operations" in many.err) == (4, True)
    large = listed.run("batch", stdin=" " * (32 * 1024 * 1024 + 1))
    assert (large.code, "larger than 32 MiB" in large.err) == (4, True)
    assert listed.head() == before
