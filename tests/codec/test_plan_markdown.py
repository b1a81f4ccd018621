"""The grammar of plans in Markdown, its errors, and the law of the export."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gittasks.codec.plan_markdown import read_item, read_markdown, write_markdown
from gittasks.core import validation
from gittasks.core.model import Actor, ListInfo, Snapshot, Status, Task
from gittasks.core.operations import Context
from gittasks.core.plan import Plan, reconcile
from gittasks.errors import InvalidData, Usage

CONTEXT = Context(now="2026-11-22T10:00:00Z", actor=Actor("me"), entropy=1, force=True)


def read(text: str) -> Plan:
    return read_markdown(text.encode(), "plan.md")


def fields(text: str) -> list[dict[str, Any]]:
    """The tasks of a plan, as the fields that are stated apart from line and id."""
    drop = ("line", "lines", "id")
    tasks = (t._asdict().items() for t in read(text).tasks)
    return [
        {k: v for k, v in t if v not in (None, {}) and (k, v) != ("clear", ()) and k not in drop}
        for t in tasks
    ]


def faults(text: str) -> list[tuple[int, str]]:
    with pytest.raises(InvalidData) as caught:
        read(text)
    problems = caught.value.details["problems"]
    assert caught.value.where == f"plan.md:{problems[0]['line']}"
    return [(p["line"], p["message"]) for p in problems]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("- Ask", {"subject": "Ask"}),
        ("* Ask", {"subject": "Ask"}),
        ("+ Ask", {"subject": "Ask"}),
        ("3. Ask", {"subject": "Ask"}),
        ("3) Ask", {"subject": "Ask"}),
        ("- [ ] Ask", {"subject": "Ask", "status": "pending"}),
        ("- [] Ask", {"subject": "Ask", "status": "pending"}),
        ("- [x] Ask", {"subject": "Ask", "status": "completed"}),
        ("- [X] Ask", {"subject": "Ask", "status": "completed"}),
        ("- [✓] Ask", {"subject": "Ask", "status": "completed"}),
        ("- [-] Ask", {"subject": "Ask", "status": "skipped"}),
        ("- [>] Ask", {"subject": "Ask", "status": "in_progress"}),
        ("- [→] Ask", {"subject": "Ask", "status": "in_progress"}),
        ("- [/] Ask", {"subject": "Ask", "status": "in_progress"}),
        ("- [x](http://x) link", {"subject": "[x](http://x) link"}),
        ("- \\[x] Ask", {"subject": "[x] Ask"}),
        ("- Ask (owner: Jo Doe)", {"subject": "Ask", "owner": "Jo Doe"}),
        ("- Ask @jo", {"subject": "Ask", "owner": "jo"}),
        ("- Ask \\@jo", {"subject": "Ask @jo"}),
        ("- Mail jo@example.org", {"subject": "Mail jo@example.org"}),
        ("- Ask (active: Asking) @jo (result: 5 fixed: ok)", {
            "subject": "Ask", "owner": "jo", "active_form": "Asking", "result": "5 fixed: ok",
        }),
        ("- Ask (Active: Asking; phase: 2)", {
            "subject": "Ask", "active_form": "Asking", "phase": "2",
        }),
        ("- Ask (result: a \\; b \\(c\\))", {"subject": "Ask", "result": "a ; b (c)"}),
        ("- Ask (result: f(x))", {"subject": "Ask", "result": "f(x)"}),
        ("- Ask (after: a, `b`)", {"subject": "Ask", "blocked_by": ("a", "b")}),
        ("- Ask (blockedBy: a b)", {"subject": "Ask", "blocked_by": ("a", "b")}),
        ("- Ask (blocked by: a)", {"subject": "Ask", "blocked_by": ("a",)}),
        ("- Ask (after:)", {"subject": "Ask", "blocked_by": ()}),
        ("- Ask (after: -)", {"subject": "Ask", "blocked_by": ()}),
        ("- Ask (see the notes)", {"subject": "Ask (see the notes)"}),
        ("- Ask (later: maybe)", {"subject": "Ask (later: maybe)"}),
        ("- Ask (note: id: x)", {"subject": "Ask (note: id: x)"}),
        ("- Ask (owner: jo) twice", {"subject": "Ask (owner: jo) twice"}),
        ("- Call f(owner: x)", {"subject": "Call f(owner: x)"}),
        ("- Ask \\(owner: jo)", {"subject": "Ask (owner: jo)"}),
        ("- Run `(owner: jo)`", {"subject": "Run `(owner: jo)`"}),
        ("- Keep `a\\_b` and a\\_b", {"subject": "Keep `a\\_b` and a_b"}),
        ("- `config.py` is wrong", {"subject": "`config.py` is wrong"}),
    ],
)  # fmt: skip
def test_what_one_item_says(line: str, expected: dict[str, Any]) -> None:
    assert fields(line) == [expected]


def test_an_id_is_a_leading_code_span_or_an_attribute() -> None:
    plan = read("- [ ] `ask` Ask\n- Plan (id: p)\n- `make`\n- \\`x` y\n- Write tests\n")
    assert [(t.id, t.subject) for t in plan.tasks] == [
        ("ask", "Ask"),
        ("p", "Plan"),
        ("make", "`make`"),
        ("x-y", "`x` y"),
        ("write-tests", "Write tests"),
    ]


@pytest.mark.parametrize(
    ("heading", "phase"),
    [
        ("## PHASE 1: Gather", "PHASE 1"),
        ("### Phase 2 - Build", "PHASE 2"),
        ("# phase 3b", "PHASE 3b"),
        ("## 1. Gather", "1. Gather"),
        ("## Build ##", "Build"),
        ("## C \\#", "C #"),
        ("## Phases", "Phases"),
        ("##", None),
        ("#Build", None),
    ],
)
def test_a_heading_is_the_phase_of_the_items_below_it(heading: str, phase: str | None) -> None:
    assert [t.phase for t in read(f"{heading}\n\n- a\n- b\n").tasks] == [phase, phase]


def test_the_first_top_heading_is_the_title_and_later_ones_are_phases() -> None:
    plan = read("# Ship \\# it\n# Build\n- a\n# Test\n- b\n")
    assert plan.title == "Ship # it"
    assert [t.phase for t in plan.tasks] == ["Build", "Test"]


def test_a_phase_in_the_subject_or_an_attribute_goes_before_the_heading() -> None:
    plan = read("## Build\n- PHASE 2: a\n- b (phase: Test)\n- c (phase: -)\n- d\n")
    assert [t.phase for t in plan.tasks] == [None, "Test", None, "Build"]


def test_a_nested_item_waits_for_the_item_it_is_under() -> None:
    plan = read("1. A\n   - B\n     - C (after: d)\n   - E\n2. D\n")
    assert [(t.id, t.blocked_by) for t in plan.tasks] == [
        ("a", None),
        ("b", ("a",)),
        ("c", ("b", "d")),
        ("e", ("a",)),
        ("d", None),
    ]


@pytest.mark.parametrize(
    ("text", "parents"),
    [
        ("- a\n - b\n", [None, None]),
        ("- a\n  - b\n", [None, ("a",)]),
        ("- a\n\t- b\n", [None, ("a",)]),
        ("  - a\n  - b\n", [None, None]),
        ("- a\n\n  - b\n", [None, ("a",)]),
        ("- a\n\ntext\n\n  - b\n", [None, None]),
        ("- a\n## P\n  - b\n", [None, None]),
        ("- a\n    - b\n  - c\n", [None, ("a",), ("a",)]),
    ],
)
def test_two_columns_make_an_item_nested(text: str, parents: list[tuple[str, ...] | None]) -> None:
    assert [t.blocked_by for t in read(text).tasks] == parents


@pytest.mark.parametrize(
    ("text", "description"),
    [
        ("- a\n  one\n  two\n", "one\ntwo"),
        ("- a\n\n  one\n\n\n  two\n\n", "one\n\n\ntwo"),
        ("- a\none\n", "one"),
        ("- a\n\none\n", None),
        ("- a\n\tone\n\t\ttwo\n", "  one\n      two"),
        ("- a\n    code\n", "  code"),
        ("10. a\n    one\n", "one"),
        ("- a\n  # no heading\n  > quote\n  ---\n", "# no heading\n> quote\n---"),
        ("- a\n  \\- no item\n  1\\. no item\n  \\\n  x\n", "- no item\n1. no item\n\nx"),
        ("- a\n  ```\n  - b\n  \\- c\n  <!-- d\n  ```\n", "```\n- b\n\\- c\n<!-- d\n```"),
        ("- a\n  ```\n  never closed\n## P\n", "```\nnever closed"),
        ("- a\n  <!-- hidden\n  - b -->\n  seen\n", "seen"),
        ("- a\n> quote\n", None),
        ("- a\n***\n", None),
        ("- a\n  | t |\n", "| t |"),
    ],
)
def test_indented_text_under_an_item_is_its_description(text: str, description: str | None) -> None:
    assert [t.description for t in read(text).tasks] == [description]


@pytest.mark.parametrize(
    "text",
    [
        "prose\nand more\n\n",
        "> - quoted\n",
        "---\n***\n- - -\n",
        "<!-- - comment -->\n<!--\n- comment\n-->\n",
        "```\n- code\n```\n~~~~\n- code\n~~~\n~~~~\n",
        "| - a | b |\n|---|---|\n",
        "Setext\n======\n",
        "\ufeff",
    ],
)
def test_what_stands_outside_items_is_passed_over(text: str) -> None:
    assert [t.subject for t in read(text + "- a\n").tasks] == ["a"]


def test_front_matter_is_passed_over_and_lines_still_count() -> None:
    plan = read("---\ntitle: x\n- y\n---\n- a\n")
    assert [(t.line, t.subject) for t in plan.tasks] == [(5, "a")]


def test_carriage_returns_at_line_ends_do_not_matter() -> None:
    text = "# T\n## Build\n- [x] a\n  text\n  ```\n  code\n  ```\n- b\n"
    assert read(text.replace("\n", "\r\n")) == read(text)


NOT_AN_ID = "is not a task id: use 1 to 63 of a-z 0-9 -, beginning with a letter or digit"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [(1, "no task in this plan: a task is a list item, such as `- [ ] Ask the user`")]),
        ("# T\nprose\n", [
            (1, "no task in this plan: a task is a list item, such as `- [ ] Ask the user`"),
        ]),
        ("- a\n- [?] b\n", [(2, 'unknown box "[?]"')]),
        ("- a\n\n- b (afer: a)\n", [(3, 'unknown attribute "afer" (did you mean after?)')]),
        ("- b (onwer: a)\n", [(1, 'unknown attribute "onwer" (did you mean owner?)')]),
        ("- b (resut: a)\n", [(1, 'unknown attribute "resut" (did you mean result?)')]),
        ("- b (phases: a)\n", [(1, 'unknown attribute "phases" (did you mean phase?)')]),
        ("- b (id: b; see there)\n", [(1, 'unknown attribute "see there"')]),
        ("- b (owner: )\n", [(1, 'the attribute "owner" has no value')]),
        ("- b @x (owner: y)\n", [(1, '"owner" is given twice')]),
        ("- a\n-\n", [(2, "a list item without text")]),
        ("- a\n- [ ] (owner: x)\n", [(2, "a list item without text")]),
        ("- a (id: x)\n- b (id: x)\n", [(2, 'the id "x" is used twice, first in line 1')]),
        ("- a (id: X!)\n- [?] b\n", [
            (1, f'"X!" {NOT_AN_ID}'),
            (2, 'unknown box "[?]"'),
        ]),
        ("- a\n\n```\n- b\n", [(3, "this code block is never closed (```)")]),
        ("- a\n<!-- b\n", [(2, "this comment is never closed (-->)")]),
        ("- " + "x" * 40_000, [(1, "a list item of more than 32768 characters")]),
        ("- a\n" * 600_000, [(1, "larger than 2048 KiB (2400000 bytes)")]),
    ],
)  # fmt: skip
def test_every_fault_is_reported_with_its_line(text: str, expected: list[tuple[int, str]]) -> None:
    assert faults(text) == expected


def test_bytes_that_are_no_text_are_an_error_at_their_line() -> None:
    with pytest.raises(InvalidData, match="not UTF-8") as caught:
        read_markdown(b"- a\n- \xff\n", "plan.md")
    assert caught.value.where == "plan.md:2"


@given(st.text(st.sampled_from("ab -*#>[]()x`~@:;\\\n\t1.<!|→"), max_size=60))
def test_law_any_text_is_a_plan_or_an_error_with_a_line(text: str) -> None:
    try:
        plan = read(text)
    except InvalidData as error:
        lines = [p["line"] for p in error.details["problems"]]
    else:
        lines = [t.line for t in plan.tasks]
        assert all(t.id and t.subject for t in plan.tasks)
    assert lines
    assert all(1 <= line <= text.count("\n") + 1 for line in lines)


@given(st.text(st.sampled_from("ab (:;)@`\\[]-"), min_size=1, max_size=20))
def test_law_reading_an_item_never_loses_the_box(text: str) -> None:
    assert read_item("[x] " + text).status is Status.COMPLETED


# --- the export -----------------------------------------------------------------------------

fragments = (
    *("a", "B c", "(id: x)", "(owner: y)", "@bob", "`", "`ask` ", "[x] ", "\\", "(", ")", ";"),
    *("- ", "1. ", "# ", "-", "<!--", "-->", "```", "~~~", ": ", "PHASE 1: ", "_", "é", "|"),
)
nasty = st.lists(st.sampled_from(fragments), min_size=1, max_size=6).map("".join)
separators = st.sampled_from(["\n", "\n\n", "\n  ", "\n\t", "\n   \n", " "])
prose = st.lists(st.tuples(separators, nasty), min_size=1, max_size=5).map(
    lambda parts: "".join(a + b for a, b in parts)
)


def stored(text: str) -> str:
    """The text as a list would hold it."""
    try:
        return validation.single_line(text, "text") or "x"
    except Usage:
        return "x"


lines = nasty.map(stored)
tasks = st.builds(
    lambda **fields: Task(**fields),  # the bare class makes builds fill its other fields too
    id=st.sampled_from(["ask", "plan", "p1-x", "fix-2"]),
    subject=lines,
    active_form=st.none() | lines,
    description=st.none() | prose.map(lambda t: validation.multi_line(t, "description")),
    owner=st.none() | lines | st.sampled_from(["bot", "Jane Doe", "a.b-"]),
    status=st.sampled_from(list(Status)),
    result=st.none() | lines,
    phase=st.none() | lines | st.sampled_from(["1", "PHASE 1", "PHASE 1: Gather", "Build", "-"]),
    order=st.none() | st.integers(1, 4),
    blocked_by=st.lists(st.sampled_from(["ask", "fix-2", "gone"]), max_size=2, unique=True).map(
        tuple
    ),
)
snapshots = st.builds(
    lambda found, title: Snapshot(
        info=ListInfo(id="demo", title=title), tasks={t.id: t for t in found}
    ),
    st.lists(tasks, min_size=1, max_size=4),
    st.none() | lines | st.just("Phase 1: x"),
)


@given(snapshots, st.booleans())
@example(
    Snapshot(
        info=ListInfo(id="demo", title="Phase 1 x"),
        tasks={"ask": Task(id="ask", subject="S", description="\n \n- a\n```\n  \n- b", phase="-")},
    ),
    True,
)
def test_law_reading_back_what_was_written_changes_nothing(
    snapshot: Snapshot, deleted: bool
) -> None:
    assume(any(t.status is not Status.DELETED for t in snapshot.tasks.values()))
    text = write_markdown(snapshot.info, snapshot.ordered(deleted=deleted))
    assert reconcile(read(text), snapshot, CONTEXT).snapshot is snapshot, text


@given(snapshots)
def test_law_an_export_makes_the_same_tasks_in_an_empty_list(snapshot: Snapshot) -> None:
    known = set(snapshot.tasks)
    alive = snapshot.ordered()
    assume(alive and all(known.issuperset(t.blocked_by) for t in alive))
    text = write_markdown(snapshot.info, snapshot.ordered(deleted=True))
    for task, made in zip(alive, read(text).tasks, strict=True):
        blockers = [b for b in task.blocked_by if snapshot.tasks[b].status is not Status.DELETED]
        assert (made.id, made.subject, made.status) == (task.id, task.subject, task.status)
        assert (made.active_form, made.owner) == (task.active_form, task.owner)
        assert (made.result, made.description) == (task.result, task.description)
        assert list(made.blocked_by or ()) == blockers
        label = Task(id="", subject=made.subject, phase=made.phase).phase_label
        assert label == task.phase_label


def test_the_export_is_a_plain_plan() -> None:
    found = [
        Task(id="ask", subject="PHASE 1: Ask user", status=Status.COMPLETED, owner="claude"),
        Task(id="core", subject="Core (fast)", phase="Build", blocked_by=("ask",), result="PASS"),
        Task(id="loose", subject="Clean up", description="Only\n\nwhat is ours.", owner="Jo Doe"),
        Task(id="gone", subject="Gone", status=Status.DELETED),
    ]
    assert write_markdown(ListInfo(id="demo", title="Ship it"), found) == (
        "# Ship it\n"
        "\n"
        "## PHASE 1\n"
        "\n"
        "- [x] `ask` PHASE 1: Ask user @claude\n"
        "\n"
        "## Build\n"
        "\n"
        "- [ ] `core` Core (fast) (after: ask; result: PASS)\n"
        "- [ ] `loose` Clean up (owner: Jo Doe; phase: -)\n"
        "  Only\n"
        "\n"
        "  what is ours.\n"
    )


def test_a_loop() -> None:
    """An item with `iterations` is so many tasks in a chain; what stands under it, or waits for its
    id, waits for the last of them."""
    plan = read("- a\n  - `v` Validate (iterations: 2)\n    - b\n- c (after: v)\n")
    found = {task.id: task.blocked_by for task in plan.tasks}
    assert found == {"a": None, "v-1": ("a",), "v-2": ("v-1",), "b": ("v-2",), "c": ("v-2",)}
    with pytest.raises(InvalidData, match="iterations must be a whole number"):
        read("- Validate (iterations: some)\n")
