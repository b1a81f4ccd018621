"""JSON documents: one envelope, the whole set of keys always, plain ASCII."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support import strategies

from gittasks import errors, light
from gittasks.core.graph import Graph
from gittasks.core.model import CodeCommit, ListInfo, Note, Problem, Snapshot, Status, Task
from gittasks.core.progress import Progress
from gittasks.core.view import ListView
from gittasks.render import documents

INFO = ListInfo(id="auth", title="Login flow")
A = Task(id="a", subject="PHASE 1: Ask", status=Status.IN_PROGRESS, order=1)
B = Task(id="b", subject="Iteration 1/3: Check", blocked_by=("a",), order=2)
TASKS = {"a": A, "b": B}
PROBLEMS = (Problem("tasks/x.yaml", 3, "bad"),)
VIEW = ListView(Snapshot(INFO, TASKS, PROBLEMS), 1795341600, chosen=True)
GRAPH = VIEW.graph
PROGRESS = VIEW.progress

TASK_KEYS = (
    "id subject description activeForm status owner session claim left phase iteration order "
    "priority tags notBefore paths blockedBy blocks openBlockers ready result commits notes "
    "metadata created createdBy started finished"
)
PROGRESS_KEYS = (
    "total completed inProgress pending blocked skipped percent summary etaSeconds elapsedSeconds "
    "phases loops current"
)


def test_bare_task_has_every_key() -> None:
    """Absent means null, [] or {}, never a missing key."""
    bare = Task(id="x", subject="Bare")
    found = documents.task(bare, Graph({"x": bare}))
    assert " ".join(found) == TASK_KEYS
    for key in ("tags", "paths", "blockedBy", "blocks", "openBlockers", "commits", "notes"):
        assert found.pop(key) == []
    assert (found.pop("metadata"), found.pop("claim")) == ({}, 0)
    assert found.pop("priority") == 2
    given_or_derived = ("id", "subject", "status", "ready")
    assert {value for key, value in found.items() if key not in given_or_derived} == {None}
    assert (found["status"], found["ready"]) == ("pending", True)


def test_full_task() -> None:
    full = B._replace(
        active_form="Checking",
        description="Long",
        owner="bob",
        session="s",
        claim=2,
        started="2026-11-22T10:00:00Z",
        finished="2026-11-22T10:01:00Z",
        result="PASS",
        phase="2",
        commits=(CodeCommit("abc", "Fix"), CodeCommit("def")),
        notes=(Note("2026-11-22T10:00:00Z", "ann", "hm"),),
        metadata={"k": [1, None]},
        created="2026-11-22T09:00:00Z",
        created_by="ann",
    )
    blocked = A._replace(blocked_by=("b",))
    assert documents.task(full, Graph({"b": full, "a": blocked})) == {
        "id": "b",
        "subject": "Iteration 1/3: Check",
        "description": "Long",
        "activeForm": "Checking",
        "status": "pending",
        "owner": "bob",
        "session": "s",
        "claim": 2,
        "left": None,
        "phase": "PHASE 2",
        "iteration": {"n": 1, "max": 3, "name": "Check"},
        "order": 2,
        "priority": 2,
        "tags": [],
        "notBefore": None,
        "paths": [],
        "blockedBy": ["a"],
        "blocks": ["a"],
        "openBlockers": ["a"],
        "ready": False,
        "result": "PASS",
        "commits": [{"sha": "abc", "subject": "Fix"}, {"sha": "def", "subject": None}],
        "notes": [{"at": "2026-11-22T10:00:00Z", "by": "ann", "text": "hm"}],
        "metadata": {"k": [1, None]},
        "created": "2026-11-22T09:00:00Z",
        "createdBy": "ann",
        "started": "2026-11-22T10:00:00Z",
        "finished": "2026-11-22T10:01:00Z",
    }


@given(
    st.sampled_from([*Status]),
    st.sampled_from([None, "ann", "bob"]),
    st.sampled_from([None, "ann"]),
    st.booleans(),
)
def test_ready_agrees_with_the_graph(
    status: Status, owner: str | None, me: str | None, blocked: bool
) -> None:
    task = Task(id="t", subject="T", status=status, owner=owner, blocked_by=("a",) * blocked)
    graph = Graph({"a": A, "t": task})
    assert documents.task(task, graph, me)["ready"] == (task in graph.ready(me))


def test_progress_part() -> None:
    found = documents.progress_part(PROGRESS)
    assert " ".join(found) == PROGRESS_KEYS
    assert found["phases"] == [
        {
            "label": "PHASE 1",
            "total": 1,
            "completed": 0,
            "inProgress": 1,
            "pending": 0,
            "skipped": 0,
            "summary": "PHASE 1: 0/1 complete",
            "parallel": None,
        }
    ]
    assert found["loops"] == [
        {"phase": None, "name": "Check", "max": 3, "completed": 0, "running": None, "summary": []}
    ]
    assert found["current"] == [
        {
            "id": "a",
            "subject": "PHASE 1: Ask",
            "activeForm": None,
            "owner": None,
            "started": None,
            "seconds": None,
        }
    ]


@pytest.mark.parametrize(("done", "total", "shown"), [(3, 7, "42.8"), (1, 10, "10"), (0, 0, "0")])
def test_percent_is_a_number(done: int, total: int, shown: str) -> None:
    tasks = [
        Task(id=f"t{i}", subject="T", status=Status.COMPLETED if i < done else Status.PENDING)
        for i in range(total)
    ]
    part = documents.progress_part(Progress.of(tasks, Graph({})))
    assert json.dumps(part["percent"]) == shown


DOCUMENTS = [
    (
        "task",
        documents.task_document(A, GRAPH, progress=VIEW.progress),
        "list task ids changed unblocked started commit progress",
    ),
    (
        "taskList",
        documents.task_list_document(VIEW, [A, B]),
        "list tasks progress problems conflicts apart stale at commit",
    ),
    (
        "progress",
        documents.progress_document(VIEW),
        "list progress problems conflicts apart stale at commit",
    ),
    ("ready", documents.ready_document(VIEW, [B]), "list tasks overlaps"),
    ("lists", documents.lists_document([VIEW]), "lists"),
    ("log", documents.log_document(INFO, [], []), "list entries phases"),
    ("error", documents.error_document(errors.Busy("busy")), "error"),
]


@pytest.mark.parametrize(("kind", "document", "keys"), DOCUMENTS, ids=[d[0] for d in DOCUMENTS])
def test_envelope(kind: str, document: documents.Document, keys: str) -> None:
    """Every document begins with its version and kind, has its keys, and is one line of ASCII."""
    assert list(document) == ["schemaVersion", "kind", *keys.split()]
    assert (document["schemaVersion"], document["kind"]) == (1, kind)
    text = documents.dumps(document)
    assert text.isascii()
    assert "\n" not in text
    parts = {k: json.loads(str(v)) for k, v in document.items() if isinstance(v, documents.Json)}
    assert json.loads(text) == {**document, **parts}


_PERCENT = Snapshot(ListInfo("plan"), {"a": Task("a", "50 %s of 100 %")})


@given(strategies.snapshots(), st.sampled_from([None, *strategies.OWNERS]))
@example(_PERCENT, None)
def test_many_tasks_are_written_as_each_alone(snapshot: Snapshot, me: str | None) -> None:
    graph, tasks = Graph.of(snapshot, strategies.TIMES[-1]), snapshot.ordered(deleted=True)
    alone = [documents.task(task, graph, me) for task in tasks]
    part = str(documents.tasks_part(tasks, graph, me))
    assert part == light.write_json(alone)
    assert json.loads(part) == alone


def test_what_a_long_list_has_in_common_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoder is called for each key, not for each task."""
    owners = (None, "ann", "bob")
    tasks = [Task(f"t{n}", f"Task {n}", order=n, owner=owners[n % 3]) for n in range(300)]
    encode, values = light.write_json, []

    def counted(value: object) -> str:
        values.append(value)
        return encode(value)

    monkeypatch.setattr(light, "write_json", counted)
    part = str(documents.tasks_part(tasks, Graph({task.id: task for task in tasks})))
    assert len(values) < len(TASK_KEYS.split())
    assert len(json.loads(part)) == 300


def test_task_document_tells_what_changed() -> None:
    found = documents.task_document(
        A, GRAPH, changed=True, unblocked=("b",), commit="abc", info=INFO, progress=VIEW.progress
    )
    assert (found["changed"], found["unblocked"], found["commit"]) == (True, ["b"], "abc")
    assert found["list"] == {"id": "auth", "title": "Login flow"}
    assert found["task"]["id"] == "a"


def test_list_document_names_problems() -> None:
    found = documents.task_list_document(VIEW, [])
    assert found["problems"] == [{"path": "tasks/x.yaml", "line": 3, "message": "bad"}]


def test_lists_document_marks_the_chosen_list() -> None:
    (row,) = documents.lists_document([VIEW])["lists"]
    assert (row["id"], row["current"], row["problems"]) == ("auth", True, 1)
    assert row["progress"]["total"] == 2


def test_error_document_carries_the_details_of_the_error() -> None:
    error = errors.Refused("one-in-progress", "busy with b", hint="finish b", tasks=["b"])
    assert documents.error_document(error)["error"] == {
        "rule": "one-in-progress",
        "tasks": ["b"],
        "kind": "refused",
        "message": "busy with b",
        "hint": "finish b",
        "commands": [],
        "decisions": [],
        "where": None,
        "exitCode": 5,
    }


def test_details_never_replace_the_fields_of_an_error() -> None:
    error = errors.NotFound("gone", details={"kind": "x", "exitCode": 0})
    found = documents.error_document(error)["error"]
    assert (found["kind"], found["exitCode"]) == ("not-found", 3)


def test_error_document_has_no_lone_surrogates() -> None:
    """An argument that is no UTF-8 must not make the error unreadable for strict parsers."""
    text = documents.dumps(documents.error_document(errors.NotFound('no task "\udcff"')))
    assert json.loads(text)["error"]["message"] == 'no task "\\udcff"'


@given(st.text())
def test_any_text_survives(text: str) -> None:
    """JSON carries texts exactly as they are; only plain output escapes them."""
    task = A._replace(subject=text)
    written = documents.dumps(
        documents.task_document(task, Graph({"a": task}), progress=VIEW.progress)
    )
    assert written.isascii()
    assert json.loads(written)["task"]["subject"] == text
