"""Plans in YAML: what they state, and every error with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gittasks.codec.plan_yaml import read_plan, read_yaml
from gittasks.core.model import Actor, ListInfo, Snapshot, Status, Task
from gittasks.core.operations import Context
from gittasks.core.plan import Plan, reconcile
from gittasks.errors import InvalidData

DOCS = Path(__file__).parents[2] / "docs" / "plans.md"


def read(text: str) -> Plan:
    return read_yaml(text.encode(), "plan.yaml")


def test_a_task_states_its_fields_under_the_names_of_the_task_file() -> None:
    plan = read("""\
title: Ship it
tasks:
  - id: ask
    subject: Ask user
    activeForm: Asking user
    description: |
      One.

      Two.
    owner: bot
    phase: 1
    status: completed
    result: PASS
    blockedBy: []
    metadata: {n: 1, s: "1", no: false, none: null, deep: {l: [1.5, x]}}
""")
    task = plan.tasks[0]
    assert (plan.title, plan.title_line, plan.where) == ("Ship it", 1, "plan.yaml")
    assert (task.line, task.id, task.subject, task.active_form) == (
        3,
        "ask",
        "Ask user",
        "Asking user",
    )
    assert (task.description, task.owner, task.phase) == ("One.\n\nTwo.\n", "bot", "1")
    assert (task.status, task.result, task.blocked_by) == (Status.COMPLETED, "PASS", ())
    assert task.metadata == {
        "n": 1,
        "s": "1",
        "no": False,
        "none": None,
        "deep": {"l": [1.5, "x"]},
    }
    assert task.line_of("owner") == 10


def test_what_is_left_out_or_empty_says_nothing() -> None:
    for text in ("tasks: [{subject: A}]", "tasks:\n- subject: A\n  owner:\n  blockedBy: ~\n"):
        task = read(text).tasks[0]
        stated = {k for k, v in task._asdict().items() if v not in (None, {}, ())}
        assert stated == {"line", "subject", "id", "lines"}


def test_a_text_is_a_task_with_that_subject() -> None:
    plan = read("tasks:\n- Ask user\n- 'PHASE 2: Plan'\n")
    assert [(t.line, t.id, t.subject) for t in plan.tasks] == [
        (2, "ask-user", "Ask user"),
        (3, "p2-plan", "PHASE 2: Plan"),
    ]


def test_blockers_are_a_list_or_one_id_each_with_its_line() -> None:
    plan = read("tasks:\n- subject: A\n  blockedBy:\n  - b\n  - c\n- {subject: B, blockedBy: a}\n")
    assert [t.blocked_by for t in plan.tasks] == [("b", "c"), ("a",)]
    assert [plan.tasks[0].line_of(r) for r in "bc"] == [4, 5]


def test_json_is_yaml() -> None:
    text = '{"title": "T", "tasks": [{"subject": "A", "blockedBy": []}, {"subject": "B"}]}'
    assert [t.subject for t in read(text).tasks] == ["A", "B"]


NOT_AN_ID = "is not a task id: use 1 to 63 of a-z 0-9 -, beginning with a letter or digit"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [(1, "no task in this plan")]),
        ("title: T\ntasks: []\n", [(2, "no task in this plan")]),
        ("- subject: A\n", [(1, "a plan is a mapping with the key tasks")]),
        ("tasks: A\n", [(1, "tasks must be a list")]),
        ("task:\n- A\n", [
            (1, 'unknown key "task" (did you mean tasks?)'), (1, "no task in this plan"),
        ]),
        ("tasks:\n- subject: A\n  blocked_by: b\n", [
            (3, 'unknown key "blocked_by" (did you mean blockedBy?)'),
        ]),
        ("tasks:\n- subject: A\n  activeform: b\n", [
            (3, 'unknown key "activeform" (did you mean activeForm?)'),
        ]),
        ("tasks:\n- subject: A\n  zzz: b\n", [(3, 'unknown key "zzz"')]),
        ("tasks:\n- owner: A\n", [(2, "a task without a subject")]),
        ("tasks:\n- subject: ''\n- ''\n", [
            (2, "a task without a subject"), (3, "a task without a subject"),
        ]),
        ("tasks:\n- [A]\n- \n", [
            (2, "a task is a mapping of its fields, or a text: its subject"),
            (3, "a task is a mapping of its fields, or a text: its subject"),
        ]),
        ("tasks:\n- subject: {a: b}\n", [
            (2, "subject must be text, not a mapping"), (2, "a task without a subject"),
        ]),
        ("tasks:\n- subject: A\n  status: complete\n", [
            (3, 'unknown status "complete" (did you mean completed?)'),
        ]),
        ("tasks:\n- subject: A\n  status: In-Progress\n", [
            (3, 'unknown status "In-Progress" (did you mean in_progress?)'),
        ]),
        ("tasks:\n- subject: A\n  status: deleted\n", [(3, "a plan cannot delete a task")]),
        ("tasks:\n- subject: A\n  blockedBy: {b: c}\n", [(3, "blockedBy must be a list of ids")]),
        ("tasks:\n- subject: A\n  blockedBy: [b, [c]]\n", [(3, "blockedBy must hold ids")]),
        ("tasks:\n- subject: A\n  metadata: [b]\n", [
            (3, "metadata must be a mapping, not a sequence"),
        ]),
        ("tasks:\n- subject: A\n  id: Ask User\n", [(3, f'"Ask User" {NOT_AN_ID}')]),
        ("tasks:\n- {subject: A, id: a}\n- {subject: B, id: a}\n", [
            (3, 'the id "a" is used twice, first in line 2'),
        ]),
        ("title: [x]\nfoo: 1\ntasks:\n- {subject: A, status: x}\n", [
            (1, "title must be text, not a sequence"),
            (2, 'unknown key "foo"'),
            (4, 'unknown status "x"'),
        ]),
        ("tasks:\n- subject: A\n  subject: B\n", [(3, 'the key "subject" is duplicated')]),
        ("tasks:\n- subject: A: B\n", [
            (2, 'not valid YAML: unexpected ":"; text that contains ": " needs quotes'),
        ]),
    ],
)  # fmt: skip
def test_every_fault_is_reported_with_its_line(text: str, expected: list[tuple[int, str]]) -> None:
    with pytest.raises(InvalidData) as caught:
        read(text)
    problems = caught.value.details["problems"]
    assert [(p["line"], p["message"]) for p in problems] == expected
    assert caught.value.message == expected[0][1]
    assert caught.value.where == f"plan.yaml:{expected[0][0]}"


# --- which form a plan has ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.md", "tasks:\n- A\n"),
        ("p.Markdown", "- A\n"),
        ("p.yaml", "# note\ntasks: [A]\n"),
        ("p.yml", "tasks: [A]\n"),
        ("p.json", '{"tasks": ["A"]}'),
        ("-", "- A\n"),
        ("-", "\n\n# T\n- A\n"),
        ("-", "Some prose: first\n\n1. A\n"),
        ("-", "---\nx: y\n---\n- A\n"),
        ("-", "# note\ntasks:\n- A\n"),
        ("-", "---\ntasks:\n- A\n"),
        ("-", "title: T\ntasks:\n- A\n"),
        ("-", '\n{"title": "T",\n  "tasks": ["A"]}'),
        ("plan.txt", "- [ ] A\n"),
        ("plan.txt", "tasks: [A]"),
    ],
)
def test_the_extension_or_else_the_content_says_the_form(name: str, text: str) -> None:
    assert [t.subject for t in read_plan(text.encode(), name).tasks] == ["A"]


@pytest.mark.parametrize(
    ("text", "subjects"),
    [
        ("tasks:\n  - {id: p1, subject: A}\n  - {id: p2, subject: B}\n", ["A", "B"]),
        ("# Work\ntitle: Work\n\ntasks:  # all\n\n- subject: A\n  owner: ann\n", ["A"]),
        ("---\nvariables:\n- x\ntasks:\r\n- id: a\n  subject: A\n", ["A"]),
        ("# Work\n\ntasks:\n- [ ] A\n- B\n", ["A", "B"]),
        ("# Work\n\n- A\n\n```yaml\ntasks:\n- {id: x, subject: X}\n```\n", ["A"]),
    ],
)
def test_yaml_in_a_file_named_as_markdown_is_yaml(text: str, subjects: list[str]) -> None:
    """No line of YAML becomes a task, and an example of YAML in a Markdown plan stays one."""
    plan = read_plan(text.encode(), "plan.md", {"x": "1"} if "variables" in text else {})
    assert [task.subject for task in plan.tasks] == subjects


@pytest.mark.parametrize("text", ["", "\n", "title: T\n", "- subject: A\n", "task: [A]\n"])
def test_from_the_standard_input_what_looks_like_yaml_is_judged_as_yaml(text: str) -> None:
    with pytest.raises(InvalidData, match=r"no task in|a plan is a mapping|unknown key") as caught:
        read_plan(text.encode(), "-")
    assert caught.value.where == "<stdin>:1"


# --- the two forms agree --------------------------------------------------------------------


def fenced(language: str) -> str:
    """The first example of docs/plans.md in this language."""
    return DOCS.read_text("utf-8").split(f"\n````{language}\n")[1].split("\n````\n")[0] + "\n"


def test_the_eight_phases_as_yaml_and_as_markdown_are_the_same_plan() -> None:
    plans = [
        read_plan(fenced("yaml").encode(), "plan.yaml"),
        read_plan(fenced("markdown").encode(), "plan.md"),
    ]
    context = Context(now="2026-11-22T10:00:00Z", actor=Actor("me"), entropy=1)
    empty = Snapshot(info=ListInfo(id="demo"))
    yaml, markdown = (reconcile(p, empty, context).snapshot for p in plans)
    assert yaml == markdown
    assert plans[0].title == plans[1].title == "8-phase implementation"
    assert [t.subject for t in plans[0].tasks] == [
        "PHASE 1: Ask user for requirements",
        "PHASE 2: Generate architecture plan",
        "PHASE 3: Implement core logic",
        "PHASE 3: Add error handling",
        "PHASE 3: Write tests",
        "PHASE 4: Run test suite",
        "PHASE 5: Code review",
        "PHASE 6: Fix review issues",
        "PHASE 7: User acceptance",
        "PHASE 8: Generate report",
    ]
    assert [t.blocked_by for t in plans[0].tasks][1:4] == [("p1",), ("p2",), ("p3a",)]


def test_a_plan_clears_by_name_and_by_null() -> None:
    """`clear` and an explicit null empty a field; a value that is left out says nothing."""
    before = Task(id="a", subject="A", description="d", result="r", owner="o", phase="1")
    listed = Snapshot(info=ListInfo(id="demo"), tasks={"a": before})
    text = b"tasks:\n- {id: a, subject: A, clear: [result], owner: null, description: }"
    context = Context(now="2026-11-22T10:00:00Z", actor=Actor("me"), entropy=1)
    task = reconcile(read_plan(text, "plan.yaml"), listed, context).snapshot.tasks["a"]
    assert (task.result, task.owner, task.description, task.phase) == (None, None, "d", "1")


def test_a_plan_cannot_give_and_clear_a_field() -> None:
    """Both cannot be meant, and a field that cannot be cleared is named with its line."""
    text = b"tasks:\n- id: a\n  subject: A\n  result: r\n  clear: [result, subject]\n"
    context = Context(now="2026-11-22T10:00:00Z", actor=Actor("me"), entropy=1)
    with pytest.raises(InvalidData) as caught:
        reconcile(read_plan(text, "plan.yaml"), Snapshot(info=ListInfo(id="demo")), context)
    messages = [problem["message"] for problem in caught.value.details["problems"]]
    assert messages == ["result is both given and cleared", '"subject" cannot be cleared']


def test_a_plan_makes_a_loop() -> None:
    """`iterations` becomes a chain in its phase; who waits for the loop waits for its end."""
    text = (
        b"tasks:\n- {id: v, subject: 'PHASE 2: Validate', iterations: 3, activeForm: Validating}\n"
        b"- {id: end, subject: End, blockedBy: [v]}\n"
    )
    plan = read_plan(text, "plan.yaml")
    assert [t.id for t in plan.tasks] == ["v-1", "v-2", "v-3", "end"]
    assert [t.subject for t in plan.tasks][:2] == [
        "Iteration 1/3: Validate",
        "Iteration 2/3: Validate",
    ]
    assert [t.blocked_by for t in plan.tasks] == [None, ("v-1",), ("v-2",), ("v-3",)]
    assert (plan.tasks[1].phase, plan.tasks[1].active_form) == ("2", "Validating (2/3)")
    for wrong in ("0", "x", "2000"):
        with pytest.raises(InvalidData):
            read_plan(text.replace(b"3", wrong.encode()), "plan.yaml")
