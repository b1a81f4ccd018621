"""`export` and `import`: whole lists out, tasks of other tools in."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
from typing import Any

import pytest
from support.repositories import Repo, plan

from gittasks.codec.importers import FORMATS

FOREIGN = os.path.join(os.path.dirname(__file__), "..", "foreign")
SOURCES = ["beads.jsonl", "taskwarrior.json", "ticket", "backlog"]
_FORMATS = dict(zip(SOURCES, FORMATS[1:], strict=True))


def _source(name: str) -> str:
    return os.path.join(FOREIGN, name)


def _imported(repo: Repo, name: str) -> dict[str, Any]:
    answer: dict[str, Any] = repo.ok("import", _source(name), "--json").json()
    return answer


@pytest.fixture
def full(empty: Repo) -> Repo:
    """A list with something in every field of a task, and in every state."""
    empty.ok("init", "plan", "--title", "Sign-in")
    made: tuple[dict[str, Any], ...] = (
        {"op": "create", "id": "p1", "subject": "PHASE 1: Ask", "activeForm": "Asking"},
        {"op": "create", "id": "two", "subject": "Zwei — 二 🎉", "phase": "2", "blockedBy": ["p1"]},
        {"op": "create", "id": "loop", "subject": "Fix", "iterations": 2, "blockedBy": ["two"]},
        {"op": "create", "id": "gone", "subject": "Gone", "order": 2.5},
        {"op": "create", "id": "cut", "subject": "=1+1", "description": "a\n\n- [ ] b\n\tc"},
        {"op": "update", "id": "two", "metadata": {"n": [1, 2.5, {"x": None}], "at": "@ana"}},
        {"op": "note", "id": "p1", "text": "line\nline"},
        {"op": "done", "id": "p1", "result": "PASS"},
        {"op": "skip", "id": "loop-2"},
        {"op": "delete", "id": "gone"},
    )
    empty.ok("batch", stdin="\n".join(map(json.dumps, made)))
    empty.ok("start", "two", "--owner", "eve", env={"GITTASKS_SESSION": "s-1"})
    return empty


# --- out and back ---------------------------------------------------------------------------


def test_json_comes_back_to_the_byte(full: Repo) -> None:
    """A list that is exported and imported into an empty one has the same task files."""
    exported = full.ok("export").out
    full.ok("init", "copy")
    done = full.ok("import", "-", "--json", stdin=exported).json()
    assert (done["format"], done["notCarriedOver"], done["notes"]) == ("json", [], [])
    assert full.git("diff", "--stat", "gittasks/plan:tasks", "gittasks/copy:tasks") == ""
    assert done["list"] == {"id": "copy", "title": "Sign-in"}
    copied = json.loads(full.ok("export").out)
    assert copied["tasks"] == json.loads(exported)["tasks"]


def test_json_into_its_own_list_changes_nothing(full: Repo) -> None:
    """What is there already is left as it is, held tasks included."""
    before = full.head()
    done = full.ok("import", "-", stdin=full.ok("export").out)
    assert done.out.startswith("nothing to change")
    assert full.head() == before


def test_unknown_keys_of_a_file_come_along(full: Repo) -> None:
    """Keys that a person or a later version put into a task file survive the way."""
    text = full.git("show", "gittasks/plan:tasks/p1.yaml")
    full.hand_edit({"tasks/p1.yaml": f"{text}\nreviewers:\n  - ana\n"})
    exported = full.ok("export").out
    full.ok("init", "copy")
    full.ok("import", "-", stdin=exported)
    assert "reviewers:\n  - ana" in full.git("show", "gittasks/copy:tasks/p1.yaml")


def test_markdown_is_a_plan(full: Repo) -> None:
    """The checklist is read by `apply`, and says nothing new to its own list."""
    full.ok("export", "--output", full.file("plan.md"))
    assert full.ok("apply", full.file("plan.md")).out.startswith("nothing to change")
    full.ok("init", "copy")
    full.ok("apply", full.file("plan.md"), "--parallel", "--owner", "eve")
    here, there = full.tasks("plan"), full.tasks("copy")
    assert there.keys() == here.keys() - {"gone"}
    for name, task in there.items():
        for field in ("subject", "status", "phase", "description", "activeForm", "blockedBy"):
            assert task[field] == here[name][field]


def test_csv_can_be_read_and_runs_no_formula(full: Repo) -> None:
    """CSV reads back with a CSV reader; what a spreadsheet would run is marked as text."""
    full.ok("create", "+cmd|' /C calc'!A0", "--id", "plus", "--description", "-1\u202e2")
    full.ok("note", "cut", "=HYPERLINK(1)")
    rows = list(csv.DictReader(io.StringIO(full.ok("export", "--format", "csv").out)))
    assert [row["id"] for row in rows] == ["p1", "two", "loop-1", "loop-2", "cut", "plus"]
    by_id = {row["id"]: row for row in rows}
    assert by_id["cut"]["subject"] == "'=1+1"
    assert by_id["plus"]["subject"].startswith("'+cmd")
    assert by_id["plus"]["description"] == "'-1\\u202e2"
    assert by_id["two"]["blockedBy"] == "p1"
    assert json.loads(by_id["two"]["metadata"])["n"] == [1, 2.5, {"x": None}]
    cells = [cell for row in rows for cell in row.values()]
    assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "@"))]


def test_output_is_written_whole_or_not_at_all(full: Repo) -> None:
    """--output replaces the file; where that cannot be, nothing is left behind."""
    full.write("out.csv", "old")
    done = full.ok("export", "-o", full.file("out.csv"), "--json").json()
    assert (done["kind"], done["format"], done["tasks"]) == ("exported", "csv", 6)
    assert full.read("out.csv").startswith("id,subject")
    bad = full.run("export", "-o", full.file("none/out.json"))
    assert (bad.code, "cannot write" in bad.err) == (4, True)
    assert sorted(os.listdir(full.path)) == [".git", "code.txt", "out.csv"]


# --- other tools ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", SOURCES)
def test_import_is_one_commit_and_idempotent(empty: Repo, name: str) -> None:
    """One commit; the second time nothing changes, and what was lost is told again."""
    before = empty.count()
    first = _imported(empty, name)
    assert (first["format"], first["changed"], first["dryRun"]) == (_FORMATS[name], True, False)
    assert empty.count() == before + 1
    assert first["created"] == [entry["id"] for entry in first["ids"]]
    assert list(empty.tasks()) == first["created"]
    second = _imported(empty, name)
    assert (second["changed"], second["commit"], second["created"]) == (False, None, [])
    assert (second["ids"], second["notCarriedOver"]) == (first["ids"], first["notCarriedOver"])
    assert empty.count() == before + 1


@pytest.mark.parametrize("name", SOURCES)
def test_dry_run_writes_nothing(empty: Repo, name: str) -> None:
    """--dry-run tells what would be done."""
    before = empty.head()
    done = empty.ok("import", _source(name), "--dry-run")
    assert done.out.startswith("would change:\ncreated ")
    assert empty.head() == before


def test_beads(empty: Repo) -> None:
    """Issues of beads with their text, states, times, comments and links."""
    done = _imported(empty, "beads.jsonl")
    tasks = empty.tasks()
    assert list(tasks) == ["bd-a3f8", "bd-a3f8-1", "bd-a3f8-2", "bd-b1c2", "bd-c3d4"]
    epic, store, send = list(tasks.values())[:3]
    assert epic["description"] == (
        "People get a code by mail.\n\n## Design\n\nOne table.\n\n"
        "## Acceptance criteria\n\n- it works\n\n## Notes\n\nsee RFC 6238"
    )
    assert epic["metadata"] == {
        "contact": "ana@example.com",
        "due": "2026-12-24T12:00:00Z",
        "estimateMinutes": 90,
        "externalRef": "gh-9",
        "type": "epic",
    }
    assert (epic["tags"], epic["notBefore"]) == (["auth", "web"], None)
    assert (epic["priority"], store["priority"], send["priority"]) == (1, 0, 2)
    assert (epic["created"], epic["createdBy"]) == ("2026-11-20T08:00:00Z", "ana")
    assert (store["status"], store["result"], store["owner"]) == ("completed", "PASS", "bot")
    assert (store["started"], store["finished"]) == ("2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z")
    assert store["metadata"] == {"alias": "bd-a3f8.1", "parent": "bd-a3f8"}
    assert store["notes"] == [
        {"at": "2026-11-20T11:30:00Z", "by": "ana", "text": "Looks fine.\nThanks!"},
        {"at": "2026-11-20T11:31:00Z", "by": "bot", "text": "Merged."},
    ]
    assert (send["status"], send["blockedBy"]) == ("in_progress", ["bd-a3f8-1"])
    assert send["metadata"]["links"] == [{"type": "discovered-from", "id": "bd-b1c2"}]
    assert send["metadata"]["files"] == ["mail.py"]
    assert tasks["bd-c3d4"]["metadata"]["status"] == "review"
    lost = {loss["what"]: loss["sources"] for loss in done["notCarriedOver"]}
    assert lost["issue"] == ["bd-d4e5"]
    assert lost["memory"] == ["auth"]
    assert lost["status blocked"] == lost["wisp_type"] == ["bd-b1c2"]
    assert lost["status review"] == ["bd-c3d4"]
    assert len(lost["updated_at"]) == 5
    assert done["notes"] == [
        "bd-a3f8-2 waits for bd-zzzz, which is neither in the source nor here",
        "bd-c3d4 does not wait for bd-b1c2 here: that would close a cycle",
    ]


def test_taskwarrior(empty: Repo) -> None:
    """Tasks of Taskwarrior under their uuid, with annotations, dates and a user's attributes."""
    done = _imported(empty, "taskwarrior.json")
    tasks = {task["subject"]: task for task in empty.tasks().values()}
    assert [t["status"] for t in tasks.values()] == [
        "in_progress", "pending", "pending", "pending", "completed", "deleted",
    ]  # fmt: skip
    agree = tasks["Agree on the sign-in flow"]
    assert [n["text"] for n in agree["notes"]] == [
        "Ask Ana first",
        "She said: yes\nand a second line",
    ]
    assert (agree["priority"], agree["tags"], agree["metadata"]) == (1, ["design"], {})
    assert (agree["phase"], agree["finished"]) == ("signin", "2026-11-25T14:48:59Z")
    store = tasks["Implement the code store"]
    assert store["blockedBy"] == [agree["id"]]
    assert store["metadata"] == {"due": "2026-12-24T12:00:00Z", "estimate": "PT3H"}
    assert tasks["Write tests: edge cases, “quotes” & emoji 🎉"]["openBlockers"] == [store["id"]]
    vendor = tasks["Wait for the vendor"]
    assert (vendor["notBefore"], vendor["ready"]) == ("2027-06-01T00:00:00Z", False)
    assert vendor["metadata"] == {"scheduled": "2027-05-01T00:00:00Z"}
    lost = {loss["what"]: loss["why"] for loss in done["notCarriedOver"]}
    assert lost["recur"] == "gittasks has no recurring tasks"
    assert lost["task"] == "the template of a recurring task"
    assert lost.keys() == {"id", "modified", "urgency", "task", "recur", "parent", "rtype"}


def test_ticket(empty: Repo) -> None:
    """Tickets of ticket; its keys are no YAML, and its notes carry their times."""
    done = _imported(empty, "ticket")
    tasks = empty.tasks()
    assert list(tasks) == ["tk2-01bz", "tk2-lmeb", "tk2-rxmi"]
    store, tests, agree = tasks.values()
    assert [t["status"] for t in tasks.values()] == ["in_progress", "pending", "completed"]
    assert tests["subject"] == "Write tests: \"quotes\" & 'such' #1"
    assert [store["owner"], tests["owner"], agree["owner"]] == ["bot", "bot", "ana"]
    assert [n["text"] for n in store["notes"]] == ["Half done.\n\nSecond paragraph.", "Nearly."]
    assert store["notes"][0]["at"] == "2026-11-25T15:08:14Z"
    assert (store["blockedBy"], store["blocks"]) == (["tk2-rxmi"], ["tk2-lmeb"])
    assert store["metadata"] == {"links": ["tk2-lmeb"], "parent": "tk2-rxmi"}
    assert agree["description"] == (
        "Write down who may sign in.\n\n## Design\n\nA page of text\n\n"
        "## Acceptance Criteria\n\nAna agrees"
    )
    assert agree["tags"] == ["design", "auth"]
    assert done["notCarriedOver"] == []


def test_backlog(empty: Repo) -> None:
    """Tasks of Backlog.md from all its folders, known by their numbers when they come again."""
    done = _imported(empty, "backlog")
    tasks = empty.tasks()
    assert list(tasks) == ["task-1", "task-2", "task-2-1", "task-3", "draft-1"]
    agree, store, tests, archived, draft = tasks.values()
    assert (agree["status"], agree["result"]) == ("completed", "It is agreed.")
    assert agree["notes"] == [{"at": "2026-11-25T14:49:00Z", "by": "ana", "text": "She said yes"}]
    assert "- [x] #1 Ana agrees" in agree["description"]
    assert "<!--" not in agree["description"]
    assert (store["status"], store["owner"]) == ("in_progress", "bot")
    assert store["metadata"]["assignees"] == ["bot", "eve"]
    assert store["metadata"]["due"] == "2026-12-24"
    assert "## Implementation Plan\n\n1. Schema\n2. API" in store["description"]
    assert tests["metadata"] == {"alias": "TASK-2.1", "parent": "TASK-2"}
    assert tests["blockedBy"] == ["task-2"]
    assert archived["status"] == "skipped"
    assert draft["metadata"]["status"] == "Draft"
    assert {"source": "TASK-2.1", "id": "task-2-1"} in done["ids"]


def test_a_project_is_as_good_as_its_folder(empty: Repo) -> None:
    """The folder that holds .tickets, backlog or .beads is found by what is in it."""
    for name, inner in (("ticket", ".tickets"), ("backlog", "backlog")):
        shutil.copytree(_source(name), empty.file(f"{name}-project/{inner}"))
    empty.write("beads-project/.beads/issues.jsonl", _read("beads.jsonl"))
    for tool in ("ticket", "backlog", "beads"):
        done = empty.ok("import", empty.file(f"{tool}-project"), "--dry-run", "--json").json()
        assert done["format"] == tool
        assert done["created"]


def _read(name: str) -> str:
    with open(_source(name), encoding="utf-8") as file:
        return file.read()


def test_progress_goes_on_and_never_back(empty: Repo) -> None:
    """What the source did since is taken over; what was done here since stays."""
    _imported(empty, "beads.jsonl")
    empty.ok("done", "bd-b1c2", "--result", "here", "--force")
    empty.ok("update", "bd-a3f8-2", "--phase", "Mail")
    entries = [json.loads(line) for line in _read("beads.jsonl").splitlines()]
    entries[2] |= {"status": "closed", "closed_at": "2026-11-22T10:00:00Z", "close_reason": "sent"}
    entries[4]["title"] = "Another title"
    text = "\n".join(map(json.dumps, entries))
    done = empty.ok("import", "-", "--json", stdin=text).json()
    assert (done["created"], done["updated"]) == ([], ["bd-a3f8-2", "bd-c3d4"])
    tasks = empty.tasks()
    sent = tasks["bd-a3f8-2"]
    assert (sent["status"], sent["result"], sent["phase"]) == ("completed", "sent", "Mail")
    assert sent["finished"] == "2026-11-22T10:00:00Z"
    assert (tasks["bd-b1c2"]["status"], tasks["bd-b1c2"]["result"]) == ("completed", "here")
    assert tasks["bd-c3d4"]["subject"] == "Another title"


def test_a_task_that_was_there_before_is_left_alone(empty: Repo) -> None:
    """A task of our own with the id that a source's would get is not taken for it."""
    plan(empty, "task-1")
    done = _imported(empty, "backlog")
    assert {"source": "TASK-1", "id": "task-1-2"} in done["ids"]
    tasks = empty.tasks()
    assert tasks["task-1"]["subject"] == "Task task-1"
    assert tasks["task-2"]["blockedBy"] == ["task-1-2"]
    assert _imported(empty, "backlog")["changed"] is False


def test_a_deleted_task_stays_deleted(empty: Repo) -> None:
    """What was deleted here is not brought back, and that is said."""
    _imported(empty, "ticket")
    empty.ok("delete", "tk2-lmeb")
    done = _imported(empty, "ticket")
    assert done["changed"] is False
    assert done["notes"] == ["tk2-lmeb is deleted in the list and stays so"]


# --- what is refused ------------------------------------------------------------------------

REFUSED = [
    ("", "nothing to import"),
    ("hello", "unknown format"),
    ("- [ ] a plan", "gittasks apply FILE"),
    ("{", "cannot be read as JSON"),
    ("[" * 100_000, "cannot be read as JSON"),
    ("[1]", "not clear which tool wrote this JSON"),
    ('{"a": 1}', "not clear which tool wrote this JSON"),
    ('{"kind": "export", "schemaVersion": 2, "tasks": []}', "schemaVersion 2"),
    ('{"kind": "export", "schemaVersion": 1}', '"tasks" must be a list'),
    ('{"kind": "export", "schemaVersion": 1, "tasks": [{"id": "A"}]}', "invalid task id"),
    ('{"kind": "export", "schemaVersion": 1, "tasks": [{"id": "a"}]}', "subject cannot be used"),
    (
        '{"kind":"export","schemaVersion":1,"tasks":[{"id": "a", "subject": "x", "claim": -1}]}',
        "task 1 (a): claim cannot be used",
    ),
    ("---\nid: x\n---\n", "not clear which tool wrote this Markdown"),
    ("---\nid: x\ntitle: &a b\n---\n", "standard input:3: anchors"),
    ('{"_type": "issue", "id": "a", "title": "x", "status": "open"}\n[]', "standard input:2"),
    ('{"uuid": 1, "description": "", "status": ""}', '"uuid"'),
]


@pytest.mark.parametrize(("text", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_what_cannot_be_read_is_refused_with_its_place(empty: Repo, text: str, says: str) -> None:
    """Bad input is exit code 4 with the place, and nothing is written."""
    before = empty.head()
    done = empty.run("import", "-", stdin=text)
    assert (done.code, done.out) == (4, "")
    assert says in done.err
    assert empty.head() == before


def test_places_that_are_not_there(empty: Repo) -> None:
    """A missing file is not found; a folder without Markdown says what to give."""
    assert empty.run("import", "none.json").code == 3
    os.mkdir(empty.file("nothing"))
    done = empty.run("import", "nothing")
    assert (done.code, "no Markdown file in this folder" in done.err) == (4, True)
    done = empty.run("import", _source("ticket"), "--format", "beads")
    assert (done.code, "beads is imported from a file" in done.err) == (4, True)


def test_links_in_a_folder_are_not_followed(empty: Repo) -> None:
    """A link among the files of a source cannot bring in a file from elsewhere."""
    os.mkdir(empty.file("t"))
    shutil.copy(os.path.join(_source("ticket"), "tk2-rxmi.md"), empty.file("t"))
    os.symlink(os.path.join(_source("ticket"), "tk2-01bz.md"), empty.file("t/tk2-01bz.md"))
    assert empty.ok("import", "t", "--json").json()["created"] == ["tk2-rxmi"]


def test_hostile_text_is_tamed(empty: Repo) -> None:
    """Control characters, endless lines and endless notes fit into a task; the cuts are told."""
    entry = {
        "_type": "issue",
        "id": "x" * 300,
        "title": "a\x1b]0;b\x07\u202ec\nsecond",
        "status": "open",
        "priority": 2,
        "description": "d" * 200_000,
        "assignee": "e" * 2000,
        "comments": [{"text": "n" * 60_000}, {"text": "m" * 60_000}],
        "metadata": {"deep": json.loads("[" * 50 + "]" * 50), "ok": 1},
    }
    done = empty.ok("import", "-", "--json", stdin=json.dumps(entry)).json()
    (task,) = empty.tasks().values()
    assert task["subject"] == "a ]0;b \u202ec"
    assert "\x1b" not in empty.ok("list").out + task["description"]
    assert len(task["notes"]) == 1
    assert task["metadata"] == {"alias": "x" * 300, "ok": 1}
    lost = {loss["what"] for loss in done["notCarriedOver"]}
    assert lost == {"description", "assignee", "notes", "metadata deep"}


@pytest.mark.skipif(not shutil.which("task"), reason="Taskwarrior is not installed")
def test_the_installed_taskwarrior(empty: Repo) -> None:
    """What the Taskwarrior of this machine exports can be imported."""
    env = {**os.environ, "TASKRC": empty.file("taskrc"), "TASKDATA": empty.file("taskdata")}
    empty.write("taskrc", "confirmation=off\nverbose=nothing\n")

    def task(*args: str) -> str:
        done = subprocess.run(
            ["task", *args], env=env, stdin=subprocess.DEVNULL, capture_output=True, check=True
        )
        return done.stdout.decode()

    task("add", "First", "project:x", "+tag")
    task("add", "Second", "depends:1")
    task("1", "annotate", "A note")
    task("1", "done")
    done = empty.ok("import", "-", "--json", stdin=task("export")).json()
    assert done["format"] == "taskwarrior"
    first, second = sorted(empty.tasks().values(), key=lambda t: t["subject"])
    assert (first["status"], first["notes"][0]["text"], first["phase"]) == (
        "completed",
        "A note",
        "x",
    )
    assert (second["blockedBy"], second["ready"]) == ([first["id"]], True)


def test_deferred_work_is_not_handed_out(empty: Repo) -> None:
    """What another tool had deferred waits here too, and the most urgent comes first."""
    issues = [
        {
            "id": "bd-1",
            "title": "Later",
            "status": "deferred",
            "defer_until": "2099-06-01T00:00:00Z",
        },
        {"id": "bd-2", "title": "Soon", "status": "open", "priority": 2},
        {"id": "bd-3", "title": "Production is down", "status": "open", "priority": 0},
    ]
    text = "\n".join(json.dumps(issue) for issue in issues)
    done = empty.ok("import", "-", "--json", stdin=text).json()
    assert done["notCarriedOver"] == []
    assert empty.ok("ready", "-q").out.split() == ["bd-3", "bd-2"]
    assert empty.ok("claim", "-q").out.split() == ["bd-3"]
    assert empty.tasks()["bd-1"]["notBefore"] == "2099-06-01T00:00:00Z"


def test_exported_tasks_can_be_chosen(listed: Repo) -> None:
    """`export` has the conditions of `list`."""
    listed.ok("update", "b", "--add-tag", "x")
    assert [t["id"] for t in listed.ok("export", "--tag", "x").json()["tasks"]] == ["b"]
    assert listed.ok("export", "--format", "csv", "--search", "task c").out.count("\n") == 2
