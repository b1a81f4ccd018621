"""Templates and variables: a list as a plan to be used again, in YAML, JSON and Markdown."""

from __future__ import annotations

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from gittasks.codec.plan_yaml import read_plan, write_template
from gittasks.core.model import ListInfo, Snapshot, Status, Task
from gittasks.core.plan import with_values, with_variables
from gittasks.errors import InvalidData, Usage

_YAML = b"""title: The ${what} page
variables: {what: , who: ana}
tasks:
  - {id: "${what}-1", subject: "Ask ${who} about ${what}", metadata: {k: ["${what}"]}}
  - {subject: "Build $${what}", blockedBy: ["${what}-1"], tags: ["x", "${what}"]}
"""
_JSON = b"""{"title": "The ${what} page", "variables": {"what": null, "who": "ana"}, "tasks": [
{"id": "${what}-1", "subject": "Ask ${who} about ${what}", "metadata": {"k": ["${what}"]}},
{"subject": "Build $${what}", "blockedBy": ["${what}-1"], "tags": ["x", "${what}"]}]}"""
_MARKDOWN = b"""---
other: things
variables: {what: , who: ana}
---
# The ${what} page

- Ask ${who} about ${what} (id: ${what}-1)
- Build $${what} (after: ${what}-1; tags: x, ${what})
"""


@pytest.mark.parametrize(
    ("data", "name"), [(_YAML, "p.yaml"), (_JSON, "p.json"), (_JSON, "-"), (_MARKDOWN, "p.md")]
)
def test_variables_are_filled_in_whatever_the_form(data: bytes, name: str) -> None:
    """After it was read: a value needs no quotes, and ids and references follow."""
    plan = read_plan(data, name, {"what": "log-in"})
    ask, build = plan.tasks
    assert plan.title == "The log-in page"
    assert (ask.id, ask.subject) == ("log-in-1", "Ask ana about log-in")
    assert (build.subject, build.blocked_by) == ("Build ${what}", ("log-in-1",))
    assert build.fields["tags"] == ("x", "log-in")
    odd = read_plan(data.replace(b"${what}-1", b"a1"), name, {"what": ': # [x] "', "who": "bob"})
    assert odd.tasks[0].subject == 'Ask bob about : # [x] "'


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "needs a value for what"),
        ({"what": "a", "waht": "b"}, "no variable waht"),
    ],
)
@pytest.mark.parametrize(
    ("data", "name"), [(_YAML, "p.yaml"), (_JSON, "p.json"), (_MARKDOWN, "p.md")]
)
def test_values_that_do_not_fit(
    data: bytes, name: str, values: dict[str, str], message: str
) -> None:
    """Missing ones and those of no variable are named, with what helps."""
    with pytest.raises(Usage, match=message) as error:
        read_plan(data, name, values)
    assert "what" in (error.value.hint or "")


def test_a_variable_that_is_not_declared_is_named_with_its_line() -> None:
    """A slip would else stay in a subject."""
    data = b"variables: [what]\ntasks:\n  - Ask ${what}\n  - Build ${whta}\n"
    with pytest.raises(InvalidData, match="whta") as error:
        read_plan(data, "p.yaml", {"what": "x"})
    assert error.value.where == "p.yaml:4"
    with pytest.raises(InvalidData, match="cannot be the name of a variable"):
        read_plan(b"variables: [a b]\ntasks: [x]\n", "p.yaml")


def test_a_plan_without_variables_keeps_its_texts() -> None:
    """Shell code in a description is no template; with -D what it has needs a value."""
    data = b"tasks:\n  - echo ${HOME} $${x}\n"
    assert read_plan(data, "p.yaml").tasks[0].subject == "echo ${HOME} $${x}"
    assert read_plan(data, "p.yaml", {"HOME": "h"}).tasks[0].subject == "echo h ${x}"
    with pytest.raises(Usage, match="needs a value for HOME"):
        read_plan(b"tasks: ['${HOME} ${x}']", "p.yaml", {"x": "1"})
    with pytest.raises(Usage, match="no variable x"):
        read_plan(b"- a task\n", "p.md", {"x": "1"})


_LIST = Snapshot(
    ListInfo("login", "The login page"),
    {
        task.id: task
        for task in (
            Task(
                "ask",
                "PHASE 1: Ask about login",
                status=Status.COMPLETED,
                owner="ada",
                result="PASS",
            ),
            Task(
                "build",
                "Build login: ${HOME}",
                status=Status.SKIPPED,
                description="two\n\nlines of login",
                phase="2",
                priority=1,
                tags=("login", "x"),
                blocked_by=("ask", "gone"),
                not_before="2026-12-01T09:00:00Z",
                metadata={"k": {"a": "login"}},
            ),
            Task("gone", "Deleted", status=Status.DELETED),
        )
    },
)


def test_a_template_makes_the_tasks_of_a_new_list() -> None:
    """States, owners, results and times stay behind, with what was deleted."""
    text = write_template(_LIST, {"feature": "login"})
    assert "login" not in text
    plan = read_plan(text.encode(), "t.yaml", {"feature": "search"})
    ask, build = plan.tasks
    assert plan.title == "The search page"
    assert (ask.status, ask.owner, ask.result) == (None, None, None)
    assert build.subject == "Build search: ${HOME}"
    assert build.description == "two\n\nlines of search\n"
    assert build.blocked_by == ("ask",)
    assert build.metadata == {"k": {"a": "search"}}
    assert (build.fields["priority"], build.fields["tags"]) == ("1", ("search", "x"))
    assert "not_before" not in build.fields
    same = read_plan(write_template(_LIST, {}).encode(), "t.yaml")
    assert [t.subject for t in same.tasks] == ["PHASE 1: Ask about login", "Build login: ${HOME}"]
    with pytest.raises(Usage, match="nothing in the list says"):
        write_template(_LIST, {"feature": "elsewhere"})


_VALUES = st.dictionaries(st.sampled_from("xyz"), st.text("ab{}$", min_size=1), min_size=1)


@given(st.text("ab$ {}é", max_size=30), _VALUES)
def test_what_was_made_abstract_is_the_text_again(text: str, values: dict[str, str]) -> None:
    """Whatever looks like a variable already."""
    plan = read_plan(b"- x\n", "p.md")
    (task,) = plan.tasks
    made = task._replace(subject=with_variables(text, values))
    used = {n: v for n, v in values.items() if f"${{{n}}}" in made.subject}
    event(f"a variable stands for a part: {bool(used)}")
    plan = plan._replace(tasks=(made,), variables=dict.fromkeys(values))
    assert with_values(plan, {**values, **used}).tasks[0].subject == text
