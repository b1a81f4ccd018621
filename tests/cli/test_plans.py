"""`apply` and `export`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest
from support.repositories import Repo, plan

MARKDOWN = """\
# A title

## PHASE 1: Prepare
- [ ] `ask` Ask the user @ada (active: Asking)
    Some words
    about it.

## PHASE 2: Build
- [ ] `core` Write the core (after: ask)
- [x] `docs` Write about it
"""
YAML = """\
title: A title
tasks:
  - id: ask
    subject: Ask the user
    activeForm: Asking
    owner: ada
    phase: "PHASE 1: Prepare"
  - id: core
    subject: Write the core
    blockedBy: [ask]
    metadata: {estimate: 3h}
"""


@pytest.mark.parametrize(("name", "text"), [("plan.md", MARKDOWN), ("plan.yaml", YAML)])
def test_apply_is_idempotent(empty: Repo, name: str, text: str) -> None:
    """A plan is one commit; applied again, also from stdin, it changes nothing."""
    before = empty.count()
    empty.write(name, text)
    done = empty.ok("apply", name)
    assert "created ask  PHASE 1: " in done.out
    assert empty.count() == before + 1
    head = empty.head()
    assert "nothing to change" in empty.ok("apply", name).out
    assert empty.ok("apply", "-", "--json", stdin=text).json()["changed"] is False
    assert empty.head() == head
    tasks = empty.tasks()
    assert tasks["core"]["openBlockers"] == ["ask"]
    assert (tasks["ask"]["owner"], tasks["ask"]["activeForm"]) == ("ada", "Asking")
    assert empty.ok("status").out.startswith("plan: A title\n")


def test_apply_keeps_progress(empty: Repo) -> None:
    """What was done since the plan was made stays done; a changed subject is taken over."""
    empty.ok("apply", "-", stdin=MARKDOWN)
    empty.ok("start", "ask")
    changed = MARKDOWN.replace("Write the core", "Write the whole core")
    done = empty.ok("apply", "-", "--json", stdin=changed).json()
    assert (done["created"], done["updated"]) == ([], ["core"])
    tasks = empty.tasks()
    assert tasks["ask"]["status"] == "in_progress"
    assert tasks["core"]["subject"] == "Write the whole core"


def test_dry_run_writes_nothing(empty: Repo) -> None:
    """--dry-run tells what would be done and leaves the branch, objects included, as it is."""
    head, objects = empty.head(), empty.git("count-objects")
    done = empty.ok("apply", "-", "--dry-run", stdin=MARKDOWN)
    assert done.out.startswith("would change:\ncreated ask")
    answer = empty.ok("apply", "-", "--dry-run", "--json", stdin=MARKDOWN).json()
    assert (answer["dryRun"], answer["changed"], answer["commit"]) == (True, True, None)
    assert (empty.head(), empty.git("count-objects")) == (head, objects)


@pytest.mark.parametrize(
    ("name", "text", "line", "says"),
    [
        ("p.yaml", "tasks:\n  - subject: A\n    colour: red\n", 3, 'unknown key "colour"'),
        ("p.yaml", "tasks:\n  - subject: A\n    blockedBy: [zzz]\n", 3, '"zzz"'),
        ("p.yaml", "tasks:\n  - id: a\n    subject: A\n  - id: a\n    subject: B\n", 4, '"a"'),
        ("p.yaml", "tasks:\n  - subject: A\n    status: maybe\n", 3, "maybe"),
        ("p.yaml", "tasks:\n  - subject: [\n", 2, "not valid YAML"),
        ("p.yaml", "tasks:\n  - subject: !!python/name:os.system A\n", 2, "tag"),
        ("p.md", "- [ ] A (after: zzz)\n", 1, '"zzz"'),
        ("p.md", "# T\n\n- [ ] A (owner: x; colour: red)\n", 3, '"colour"'),
        ("p.md", "# Nothing\n", 1, "no task"),
    ],
)
def test_fault_is_named_with_its_line(
    empty: Repo, name: str, text: str, line: int, says: str
) -> None:
    """A plan with a fault changes nothing; the error has file, line and what is wrong."""
    empty.write(name, text)
    head = empty.head()
    done = empty.run("apply", name)
    assert (done.code, done.out) == (4, "")
    assert f"error: {name}:{line}: " in done.err
    assert says in done.err
    assert empty.head() == head


def test_cycle_in_a_plan(empty: Repo) -> None:
    """A cycle is refused as a whole and shown as a whole."""
    done = empty.run("apply", "-", stdin="- [ ] `a` A (after: b)\n- [ ] `b` B (after: a)\n")
    assert done.code == 5
    assert "a → b → a" in done.err or "b → a → b" in done.err


def _build(empty: Repo) -> None:
    plan(empty)
    empty.ok("apply", "-", stdin=MARKDOWN)
    empty.ok("create", "Loop", "--id", "it", "--iterations", "3", "--owner", "eve")
    empty.ok("done", "it-1", "--result", "PASS (so far)", "--end-loop")
    empty.ok("create", "Odd `code` (after: all) @home #1 *x*", "--id", "odd")
    empty.ok("update", "odd", "-d", "- one\n- [ ] two\n\n# three", "--metadata", "k=v")
    empty.ok("start", "ask")
    empty.ok("create", "Gone", "--id", "gone")
    empty.ok("delete", "gone")


@pytest.fixture
def full(copy_of: Callable[[str, Callable[[Repo], None]], Repo]) -> Repo:
    """A list with every state."""
    return copy_of("full", _build)


def test_markdown_round_trip(full: Repo) -> None:
    """The Markdown export applied to its own list changes nothing."""
    text = full.ok("export", "--format", "markdown").out
    head = full.head()
    done = full.ok("apply", "-", stdin=text)
    assert "nothing to change" in done.out
    assert full.head() == head


def test_markdown_makes_the_same_list_elsewhere(full: Repo, tmp_path: object) -> None:
    """Applied in another repository, the export makes tasks of the same content and state."""
    text = full.ok("export", "--format", "markdown").out
    other = plan(Repo.create(os.path.join(str(tmp_path), "other")))
    other.ok("apply", "-", stdin=text)
    kept = ("subject", "description", "activeForm", "owner", "phase", "blockedBy", "status")
    mine, theirs = full.tasks(), other.tasks()
    del mine["gone"]
    assert {i: [t[k] for k in kept] for i, t in theirs.items()} == {
        i: [t[k] for k in kept] for i, t in mine.items()
    }


def test_json_export_has_everything(full: Repo) -> None:
    """The JSON export holds deleted tasks too, and unknown keys of a file under `extra`."""
    full.hand_edit({"tasks/odd.yaml": "subject: Odd\ncolour: red\n"})
    tasks = {t["id"]: t for t in json.loads(full.ok("export").out)["tasks"]}
    assert tasks["gone"]["status"] == "deleted"
    assert tasks["odd"]["extra"] == {"colour": "red"}


def test_unreadable_file_is_said(full: Repo) -> None:
    """An export that could not read everything ends with 4."""
    full.hand_edit({"tasks/bad.yaml": "subject: [\n"})
    assert full.run("export").code == 4
    assert full.run("export", "--format", "markdown").code == 4
