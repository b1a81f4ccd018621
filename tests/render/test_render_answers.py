"""Plain output about one task: all of it for `show`, one line as the answer to a change."""

from __future__ import annotations

import pytest

from gittasks.core.graph import Graph
from gittasks.core.model import CodeCommit, ListInfo, Note, Snapshot, Status, Task
from gittasks.core.progress import Progress
from gittasks.core.times import format_time
from gittasks.core.view import ListView
from gittasks.render import plain
from gittasks.render.text import ASCII, UNICODE

START = 1795341600
ASK = Task(id="p1-ask-x2k4", subject="PHASE 1: Ask user")
RUNNING = ASK._replace(status=Status.IN_PROGRESS, owner="claude-agent", started=format_time(START))
DONE = ASK._replace(status=Status.COMPLETED)


def table(*tasks: Task) -> dict[str, Task]:
    return {t.id: t for t in tasks}


def viewed(*tasks: Task) -> ListView:
    return ListView(Snapshot(ListInfo("plan"), table(*tasks)), START)


# --- one task in full ----------------------------------------------------------------------


def test_details_of_a_bare_task_are_its_line_and_status() -> None:
    bare = Task(id="a", subject="Bare")
    text = plain.task_details(viewed(bare), bare, UNICODE)
    assert text == "[ ] a  Bare\nstatus: pending"


def test_details_show_every_field_that_is_set() -> None:
    task = Task(
        id="i1",
        subject="Iteration 1/10: Designer validation",
        active_form="Validating",
        description="First line\n\n  second",
        status=Status.COMPLETED,
        owner="bob",
        session="s1",
        claim=2,
        started=format_time(START),
        finished=format_time(START + 180),
        result="PASS",
        phase="2",
        order=1000001,
        blocked_by=("a", "gone"),
        commits=(CodeCommit("abc123", "Fix it"), CodeCommit("def456")),
        notes=(Note("2026-11-22T10:00:00Z", "ann", "one\ntwo"), Note("T", "bob", "x")),
        metadata={"n": 1, "s": "text", "l": [True, None]},
        created="2026-11-22T09:00:00Z",
        created_by="ann",
        extra={"new": "key"},
    )
    view = viewed(
        task,
        Task(id="a", subject="Before", status=Status.COMPLETED),
        Task(id="z", subject="After", blocked_by=("i1",)),
    )
    text = plain.task_details(view, task, UNICODE, ["ann: created"])
    assert text.split("\n") == [
        "[✓] i1  Iteration 1/10: Designer validation (PASS)",
        "status: completed",
        "active form: Validating",
        "phase: PHASE 2",
        "iteration: 1/10 Designer validation",
        "owner: bob",
        "session: s1",
        "claim: 2",
        "started: 2026-11-22T10:00:00Z",
        "finished: 2026-11-22T10:03:00Z (took 3 minutes)",
        "result: PASS",
        "order: 1000001",
        "created: 2026-11-22T09:00:00Z, by ann",
        "blocked by:",
        "  [✓] a  Before",
        "  gone  (not in this list)",
        "blocks:",
        "  [ ] z  After",
        "description:",
        "  First line",
        "",
        "    second",
        "notes:",
        "  2026-11-22T10:00:00Z ann: one",
        "    two",
        "  T bob: x",
        "commits:",
        "  abc123 Fix it",
        "  def456",
        "metadata:",
        "  n: 1",
        "  s: text",
        "  l: [true, null]",
        "unknown keys:",
        "  new: key",
        "history:",
        "  ann: created",
    ]


# --- answers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (None, ASK, "created p1-ask-x2k4  PHASE 1: Ask user"),
        (None, DONE, "created p1-ask-x2k4  PHASE 1: Ask user (completed)"),
        (ASK, RUNNING, "p1-ask-x2k4: pending → in_progress"),
        (RUNNING, RUNNING._replace(status=Status.COMPLETED, result="PASS"),
         "p1-ask-x2k4: in_progress → completed (PASS)"),
        (RUNNING, RUNNING, "p1-ask-x2k4: unchanged (in_progress)"),
        (ASK, ASK._replace(owner="bob", order=2), "p1-ask-x2k4: changed owner, order"),
        (ASK, ASK._replace(blocked_by=("b",)), "p1-ask-x2k4: blocked by b"),
        (ASK, DONE._replace(subject="New"), "p1-ask-x2k4: pending → completed, changed subject"),
        (RUNNING, RUNNING._replace(claim=3), "p1-ask-x2k4: claimed (in_progress)"),
        (
            RUNNING._replace(claim=3),
            RUNNING._replace(claim=4),
            "p1-ask-x2k4: claim renewed (in_progress)",
        ),
        (RUNNING, RUNNING._replace(session="s2"), "p1-ask-x2k4: resumed (in_progress)"),
        (
            RUNNING,
            RUNNING._replace(session="s2", owner="bob", claim=1),
            "p1-ask-x2k4: taken over by bob (in_progress)",
        ),
    ],
)  # fmt: skip
def test_task_changed(before: Task | None, after: Task, shown: str) -> None:
    assert plain.task_changed(before, after, UNICODE) == shown


def test_task_changed_in_ascii() -> None:
    shown = plain.task_changed(ASK, RUNNING, ASCII)
    assert shown == "p1-ask-x2k4: pending -> in_progress"


def test_changes_tell_what_became_ready_and_the_progress() -> None:
    progress = Progress.of([DONE, Task(id="b", subject="B")], Graph(table(DONE)))
    text = plain.changes([(RUNNING, DONE)], UNICODE, ["a", "b"], progress.summary)
    assert text.split("\n") == [
        "p1-ask-x2k4: in_progress → completed",
        "now ready: a, b",
        "1/2 tasks complete (50%)",
    ]
