"""The bytes of automatic merges: every version makes the same of the same parents.

The ids below name commits of the past. A change of the picks, of the encoder or of the recipe that
gives other ids raises the `rules` of lists (docs/merging.md); nobody may just put new ones here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.repositories import Repo

from gittasks.core.model import Note, Status, Task
from gittasks.store import commits
from gittasks.store.commits import Signature
from gittasks.store.evaluation import evaluate
from gittasks.store.list_tree import next_branch, read_branch, root_objects
from gittasks.store.list_version import Heads
from gittasks.store.repository import Repository

AT = "2026-11-25T10:00:00Z"
ANN = {
    "a": {"subject": "Parser", "description": "two\nlines\n", "tags": ("x",), "priority": 1},
    "b": {"status": Status.IN_PROGRESS, "owner": "ann", "session": "s1", "claim": 1, "started": AT},
    "c": {"blocked_by": ("a", "b"), "notes": (Note(AT, "ann", "mine"),), "metadata": {"k": 1}},
}
BOB = {
    "a": {"subject": "Lexer", "active_form": "Lexing", "tags": ("y",), "phase": "One"},
    "b": {
        "status": Status.COMPLETED,
        "owner": "bob",
        "claim": 1,
        "started": AT,
        "finished": AT,
        "result": "PASS",
    },
    "c": {"blocked_by": ("a",), "notes": (Note(AT, "bob", "his"),), "metadata": {"k": 2, "l": "x"}},
}


def _wrote(
    repository: Repository, parents: tuple[str, ...], changes: dict[str, Any], minute: int
) -> str:
    """A commit by somebody that changes tasks as they are at the first of its parents."""
    branch = read_branch(repository.objects, "plan", parents[0])
    new = {i: Task(i, i, Status.PENDING, created=AT) for i in "abc"} | dict(branch.snapshot.tasks)
    after = {i: task._replace(**changes.get(i, {})) for i, task in new.items()}
    tree, _, objects = next_branch(
        repository.objects, branch, branch.snapshot._replace(tasks=after)
    )
    who = Signature("Ann <ann@example.com>", 1_800_000_000 + 60 * minute)
    form = repository.objects.form
    commit = commits.new_commit(form, tree, parents, who, who, f"{minute}\n")
    repository.objects.write([*objects, commit])
    return commit.id


GOLDEN = (
    [
        "c0bea84c136bafef2803957717c9bfb156d66886",
        "8e23fde05d7bd3610da67478c238f9be186f710f",
        "098215ba47fe608164ee0ce6f45c8485142e2a5c",
    ],
    [
        "cfecb6f9e0e1a0554e4bae322c4c6aa665980d1d9c1c646b3851a96633c1b982",
        "9f6bd3fa9964370931871ccc10a1c1131a2d06d2f520a9eb54a32371801ac557",
        "6d435f8b3bf86ab09c93a478af2792c1656ea555ffcb350296b9ba8f7950a13d",
    ],
)
"""The merges below by SHA-1, and the same by SHA-256 (`TESTS_FORMAT`)."""


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repo.listed(str(tmp_path / "repo"), "a").workspace("plan").repository


def test_the_bytes_of_automatic_merges_are_those_of_the_past(repository: Repository) -> None:
    """Of two heads that compete, of a merge by others that dropped a side, and of three heads."""
    root = root_objects(repository.objects, "plan")
    repository.objects.write(root)
    start = _wrote(repository, (root[-1].id,), {}, 1)
    ann = _wrote(repository, (start,), ANN, 2)
    bob = _wrote(repository, (start,), BOB, 3)
    joined = evaluate(repository, "plan", Heads(ann, bob), None)
    dropping = _wrote(repository, (ann, bob), {}, 4)
    healed = evaluate(repository, "plan", Heads(dropping), None)
    repository.objects.write(joined.new)
    third = _wrote(repository, (start,), {"a": {"subject": "Scanner"}}, 5)
    again = evaluate(repository, "plan", Heads(joined.branch.commit, third), None)
    made = [e.branch.commit for e in (joined, healed, again)]
    assert [*map(len, (joined.conflicts, healed.conflicts, again.conflicts))] == [3, 0, 3]
    assert made in GOLDEN
