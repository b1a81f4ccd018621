"""Plain output: the lines of the design and the specification, safe for any text."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.core.graph import Graph
from gittasks.core.model import (
    CodeCommit,
    ListInfo,
    Note,
    Problem,
    Snapshot,
    Status,
    Task,
    Unmerged,
)
from gittasks.core.progress import Progress
from gittasks.core.times import format_time
from gittasks.core.view import ListView, Moment, StaleClaim
from gittasks.render import plain
from gittasks.render.text import ASCII, UNICODE

START = 1795341600
INFO = ListInfo(id="auth", title="Login flow")


def table(*tasks: Task) -> dict[str, Task]:
    return {t.id: t for t in tasks}


def viewed(*tasks: Task) -> ListView:
    return ListView(Snapshot(INFO, table(*tasks)), START)


def line(task: Task, *others: Task, **options: Any) -> str:
    return plain.task_line(task, Graph(table(task, *others)), UNICODE, **options)


# --- one line ------------------------------------------------------------------------------

ASK = Task(id="p1-ask-x2k4", subject="PHASE 1: Ask user")
RUNNING = ASK._replace(status=Status.IN_PROGRESS, owner="claude-agent", started=format_time(START))
DONE = ASK._replace(status=Status.COMPLETED)


@pytest.mark.parametrize(
    ("task", "now", "shown"),
    [
        (ASK, None, "[ ] p1-ask-x2k4  PHASE 1: Ask user"),
        (ASK._replace(owner="bob"), None, "[ ] p1-ask-x2k4  PHASE 1: Ask user (bob)"),
        (DONE, None, "[✓] p1-ask-x2k4  PHASE 1: Ask user"),
        (DONE._replace(result="PASS"), None, "[✓] p1-ask-x2k4  PHASE 1: Ask user (PASS)"),
        (
            RUNNING,
            None,
            "[→] p1-ask-x2k4  PHASE 1: Ask user (in_progress, claude-agent)",
        ),
        (
            RUNNING,
            START + 59,
            "[→] p1-ask-x2k4  PHASE 1: Ask user (in_progress, claude-agent)",
        ),
        (
            RUNNING,
            START + 150,
            "[→] p1-ask-x2k4  PHASE 1: Ask user (in_progress, claude-agent, 2 min so far)",
        ),
        (
            RUNNING._replace(owner=None),
            START + 3900,
            "[→] p1-ask-x2k4  PHASE 1: Ask user (in_progress, 1 h 5 min so far)",
        ),
        (
            RUNNING._replace(started="noon"),
            START + 3900,
            "[→] p1-ask-x2k4  PHASE 1: Ask user (in_progress, claude-agent)",
        ),
        (
            ASK._replace(status=Status.SKIPPED),
            None,
            "[-] p1-ask-x2k4  PHASE 1: Ask user (skipped)",
        ),
        (
            ASK._replace(status=Status.SKIPPED, result="out of scope"),
            None,
            "[-] p1-ask-x2k4  PHASE 1: Ask user (skipped, out of scope)",
        ),
        (
            ASK._replace(status=Status.SKIPPED, result="not needed, loop exited"),
            None,
            "[-] p1-ask-x2k4  PHASE 1: Ask user (not needed, loop exited)",
        ),
        (
            ASK._replace(status=Status.DELETED),
            None,
            "[~] p1-ask-x2k4  PHASE 1: Ask user (deleted)",
        ),
    ],
)
def test_task_line(task: Task, now: int | None, shown: str) -> None:
    assert line(task, now=now) == shown


def test_completed_task_shows_its_duration_from_a_minute_on_unless_it_has_a_result() -> None:
    """Troubleshooting: `PHASE 3: Implement core logic (2 min)`."""
    done = DONE._replace(started=format_time(START), finished=format_time(START + 130))
    assert line(done).endswith("PHASE 1: Ask user (2 min)")
    assert line(done._replace(result="PASS")).endswith("PHASE 1: Ask user (PASS)")
    assert line(done._replace(finished=format_time(START + 59))).endswith("Ask user")


def test_blocked_task_names_its_open_blockers() -> None:
    core = Task(id="p3-core-9f2k", subject="Core")
    blocked = ASK._replace(blocked_by=("p3-core-9f2k",))
    assert line(blocked, core).endswith("Ask user (blocked by p3-core-9f2k)")
    assert line(blocked._replace(owner="bob"), core).endswith("(bob, blocked by p3-core-9f2k)")
    assert line(blocked, core._replace(status=Status.COMPLETED)).endswith("Ask user")


def test_many_blockers_are_cut_and_counted() -> None:
    others = [Task(id=f"b{i}", subject="B", order=i) for i in range(7)]
    blocked = ASK._replace(blocked_by=tuple(t.id for t in others))
    assert line(blocked, *others).endswith("(blocked by b0, b1, b2, b3, b4 and 2 more)")


HOSTILE = st.text(
    st.one_of(
        st.sampled_from("a\n\r\t\x1b\x00\x85\u200b\u200d\u2028\u202e\u2066\ufeff\ud800"),
        st.characters(),
    ),
    max_size=12,
)


def is_safe(text: str, kept: str = "") -> bool:
    """No control, no bidi, no zero-width character, no lone surrogate."""
    return not any(
        c not in kept
        and (
            c < " "
            or "\x7f" <= c <= "\x9f"
            or "\u200b" <= c <= "\u200f"
            or "\u2028" <= c <= "\u202e"
            or "\u2060" <= c <= "\u2069"
            or "\ud800" <= c <= "\udfff"
            or c in "\u061c\ufeff"
        )
        for c in text
    )


@given(HOSTILE, HOSTILE, HOSTILE, st.sampled_from([*Status]))
def test_task_line_is_safe_for_any_text(
    subject: str, owner: str, result: str, status: Status
) -> None:
    task = Task(id="a", subject=subject, owner=owner, result=result, status=status)
    assert is_safe(line(task))


@given(HOSTILE, HOSTILE, HOSTILE)
def test_every_view_is_safe_for_any_text(one: str, two: str, three: str) -> None:
    """List, status, details, lists and answers escape each text of a stranger they show."""
    task = Task(
        id="a",
        subject=f"PHASE 1: {one}",
        active_form=two,
        description=three,
        status=Status.IN_PROGRESS,
        owner=one,
        session=two,
        result=three,
        phase=two,
        created_by=three,
        started=one,
        created=two,
        notes=(Note(one, two, three), Note(one, two, f"{three}\n{one}")),
        commits=(CodeCommit(one, two),),
        metadata={one: two, two: [three, {one: None}]},
        extra={three: one},
        blocked_by=(one,),
    )
    rounds = [task._replace(id=f"i{n}", subject=f"Iteration {n}/3: {one}") for n in (1, 2)]
    rounds[0] = rounds[0]._replace(status=Status.COMPLETED)
    tasks = table(task, *rounds)
    snapshot = Snapshot(ListInfo(id="l", title=one), tasks, (Problem(one, 3, two),))
    stale = [StaleClaim("x", two, 90, 60)]
    view = ListView(snapshot, START, stale=stale, past=Moment(format_time(START)), chosen=True)
    shown = [
        plain.task_list(view, view.tasks, UNICODE),
        plain.status(view, UNICODE),
        "\n".join([*plain.title_lines(view), *plain.way_lines(plain.remarks(view))]),
        plain.task_details(view, task, UNICODE, [one, two]),
        plain.changes([(None, task), (task._replace(status=Status.PENDING), task)], UNICODE),
        plain.lists_table([view]),
    ]
    assert all(is_safe(text, kept="\n\t") for text in shown)


@given(st.text(st.characters(max_codepoint=126)), st.sampled_from([*Status]))
def test_fallback_output_is_ascii_when_the_texts_are(subject: str, status: Status) -> None:
    task = Task(id="a", subject=subject, status=status, owner="bob", result="PASS")
    tasks = table(task, Task(id="b", subject="B", blocked_by=("a",)))
    view = ListView(Snapshot(INFO, tasks), START)
    before = task._replace(status=Status.PENDING)
    assert plain.status(view, ASCII).isascii()
    assert plain.task_list(view, view.tasks, ASCII).isascii()
    assert plain.task_details(view, task, ASCII).isascii()
    assert plain.changes([(before, task)], ASCII, ["b"], view.progress.summary).isascii()


# --- the list ------------------------------------------------------------------------------


def test_task_list_pads_ids_and_ends_with_the_summary() -> None:
    view = viewed(DONE._replace(order=1), Task(id="b", subject="Next", order=2))
    assert plain.task_list(view, view.tasks, UNICODE).split("\n") == [
        "[✓] p1-ask-x2k4  PHASE 1: Ask user",
        "[ ] b            Next",
        "",
        "1/2 tasks complete (50%)",
    ]


def test_remarks_are_what_cannot_be_read_then_sharing_then_silence() -> None:
    view = ListView(
        Snapshot(INFO, {}, (Problem("tasks/x.yaml", 3, "unknown status"),)),
        START,
        conflicts=2,
        apart=Unmerged.SHALLOW,
        stale=[StaleClaim("b", "bob", 120, 60)],
    )
    unreadable, conflicts, apart, stale = plain.way_lines(plain.remarks(view))
    assert unreadable == "unreadable: tasks/x.yaml:3: unknown status"
    assert conflicts.startswith("2 conflicts")
    assert "shallow" in apart
    assert stale.startswith("bob has been silent on b for 2 minutes (lease: 1 minute)")
    assert plain.way_lines(plain.remarks(viewed())) == []


def test_empty_list_and_empty_selection_are_told_apart() -> None:
    assert plain.task_list(viewed(), [], UNICODE) == "no tasks yet"
    assert plain.task_list(viewed(ASK), [], UNICODE).startswith("no task matches\n\n")


def test_ready_list_says_why_nothing_is_ready() -> None:
    def ready(*tasks: Task) -> str:
        view = viewed(*tasks)
        return plain.ready_list(view, view.graph.ready(), UNICODE, "me")

    assert ready(ASK) == "[ ] p1-ask-x2k4  PHASE 1: Ask user"
    blocked = Task(id="b", subject="B", blocked_by=(ASK.id,))
    assert ready(RUNNING, blocked) == "nothing is ready: 1 in progress, 1 blocked"
    later = Task(id="c", subject="C", not_before="2099-01-01T00:00:00Z")
    latest = later._replace(id="d", not_before="2099-02-01T00:00:00Z")
    assert ready(later, latest) == "nothing is ready: 2 not before 2099-01-01T00:00:00Z"
    assert ready(DONE) == "nothing is ready: everything is complete"
    assert ready() == "nothing is ready"
    assert plain.ready_list(viewed(ASK), [], UNICODE, "me") == "no ready task matches"


def test_status_puts_every_view_together() -> None:
    tasks = [
        Task(id="ctx", subject="PHASE 1: Prepare", status=Status.COMPLETED, order=1),
        RUNNING._replace(id="cl", subject="PHASE 2: Claude review", order=2),
        Task(id="gr", subject="PHASE 2: Grok review", owner="grok", order=3),
        Task(id="sum", subject="PHASE 3: Sum up", blocked_by=("cl", "gr"), order=4),
    ]
    view = ListView(Snapshot(INFO, table(*tasks)), START + 125)
    assert plain.status(view, UNICODE).split("\n") == [
        "auth: Login flow",
        "1/4 tasks complete (25%), currently Claude review",
        "PHASE 1: 1/1 complete",
        "PHASE 2: 0/2 complete, 1 in progress",
        "  0/2 reviews complete, 1 in progress",
        "PHASE 3: 0/1 complete",
        "in progress:",
        "  [→] cl  PHASE 2: Claude review (in_progress, claude-agent, 2 min so far)",
        "ready:",
        "  [ ] gr  PHASE 2: Grok review (grok)",
        "blocked:",
        "  [ ] sum  PHASE 3: Sum up (blocked by cl, gr)",
    ]


def test_status_cuts_long_sections() -> None:
    tasks = [Task(id=f"t{i:02}", subject="T", order=i) for i in range(13)]
    text = plain.status(viewed(*tasks), UNICODE)
    assert text.endswith("  [ ] t09  T\n  ... and 3 more")


def test_loops_are_named_only_when_there_are_several() -> None:
    one = Task(id="a", subject="Iteration 1/2: Design", status=Status.COMPLETED)
    two = Task(id="b", subject="Iteration 1/2: Tests", status=Status.COMPLETED)

    def loops(*tasks: Task) -> list[str]:
        return plain.loop_lines(Progress.of(tasks, Graph(table(*tasks))).loops)

    assert loops(one) == ["Iteration 1/2 complete, 1 remaining"]
    assert loops(one, two) == [
        "Design: Iteration 1/2 complete, 1 remaining",
        "Tests: Iteration 1/2 complete, 1 remaining",
    ]


def test_lists_table_marks_the_chosen_list() -> None:
    unread = (Problem("tasks/x.yaml", 3, "bad"), Problem("tasks/y.yaml", 1, "bad"))
    rows = [
        ListView(Snapshot(INFO, table(ASK)), START, chosen=True),
        ListView(Snapshot(ListInfo(id="b"), {}, unread), START),
    ]
    assert plain.lists_table(rows).split("\n") == [
        "* auth  Login flow: 1 task, 0 complete, Phase 1 starting...",
        "  b     0 tasks, 2 unread",
    ]
    assert plain.lists_table([]) == "no open lists"


def test_plain_output_imports_nothing_heavy() -> None:
    """Start-up is the product: what agents call hundreds of times loads only what it uses."""
    code = (
        "import sys; before = set(sys.modules); import gittasks.render.plain; "
        "print(*sorted(set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"datetime", "difflib", "json", "rich", "ruamel", "dulwich", "click", "hashlib"}
    assert heavy.isdisjoint(run.stdout.split())


def test_of_many_files_that_cannot_be_read_some_are_named_and_all_are_counted() -> None:
    """A teammate may push thousands of them: a terminal has the first ones."""
    problems = [Problem(f"tasks/t{number}.yaml", 1, "bad") for number in range(25)]
    lines = plain.problem_lines(problems)
    assert lines[19] == "unreadable: tasks/t19.yaml:1: bad"
    assert lines[20:] == ["unreadable: 5 more; see all: gittasks doctor"]
    assert plain.problem_lines(problems[:20]) == lines[:20]
