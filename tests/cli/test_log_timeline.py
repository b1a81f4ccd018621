"""`log --timeline`: who worked on what when, on a terminal and in a pipe."""

from __future__ import annotations

import os
from collections.abc import Callable
from unicodedata import east_asian_width

import pytest
from support.reports import busy, minute
from support.repositories import Repo
from test_json import check_document

Copy = Callable[[str, Callable[[Repo], None]], Repo]


@pytest.fixture
def busy_repo(copy_of: Copy) -> Repo:
    """A list with everything in it."""
    return copy_of("busy", busy)


def drawn(repo: Repo, *args: str, **env: str) -> list[str]:
    out = repo.ok("log", "--timeline", *args, env={**minute(1530), **env}).out
    return out.splitlines()


def test_the_timeline_of_a_list(busy_repo: Repo) -> None:
    """A row for each task that was begun, its bar under its hours, then how long phases took."""
    lines = drawn(busy_repo, COLUMNS="70")
    rows = {line[4:8].strip(): line for line in lines if line.startswith("[")}
    assert list(rows) == ["ask", "core", "test"]
    assert "░" in rows["core"]
    assert rows["core"].index("░") > rows["ask"].index("█")
    assert rows["core"].index("▒") > rows["core"].index("┊") > rows["core"].index("░")
    assert "↺" in rows["test"]
    assert rows["core"].endswith("40m bob")
    assert "PHASE 1: 7 minutes" in lines


def test_the_document_shows_what_is_printed(busy_repo: Repo) -> None:
    """The example in docs/report.md is the output for this list, to the letter."""
    path = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "report.md")
    with open(path, encoding="utf-8") as file:
        example = file.read().partition("```text\n")[2].partition("\n```")[0]
    assert example.splitlines() == drawn(busy_repo, COLUMNS="84")


@pytest.mark.parametrize("columns", ["40", "59", "60", "81", "250"])
def test_it_fits_the_width(busy_repo: Repo, columns: str) -> None:
    """No line is wider than asked for, also with long ids and wide characters in owners."""
    busy_repo.ok("create", "Long", "--id", "a-task-with-quite-a-long-id-" + "x" * 30)
    busy_repo.ok("start", "a-task", "--owner", "宽宽宽宽宽宽宽宽宽宽宽宽宽宽宽", env=minute(1525))
    lines = [line for line in drawn(busy_repo, COLUMNS=columns) if not line.startswith("PHASE")]
    wide = [sum(2 if east_asian_width(c) in "WF" else 1 for c in line) for line in lines]
    assert max(wide) <= int(columns)


def test_ascii(busy_repo: Repo) -> None:
    """Where the output holds no more, it is drawn with ASCII."""
    lines = drawn(busy_repo, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert "\n".join(lines).isascii()
    assert any(">>>" in line and "[>] core" in line for line in lines)


def test_one_task(busy_repo: Repo) -> None:
    """With an ID only that task, from its own beginning to its own end."""
    lines = drawn(busy_repo, "test")
    assert [line[:8] for line in lines if line.startswith("[")] == ["[ ] test"]
    assert not any(line.startswith("PHASE") for line in lines)
    assert busy_repo.run("log", "--graph", "nope").code == 3


def test_only_the_last(busy_repo: Repo) -> None:
    """--limit draws only the tasks that were begun last, on an axis of their own."""
    lines = drawn(busy_repo, "-n", "2")
    assert [line[:8] for line in lines if line.startswith("[")] == ["[→] core", "[ ] test"]


def test_json(busy_repo: Repo) -> None:
    """Spans, what was reopened, burn-up and people, as docs/json.md has them."""
    done = busy_repo.ok("log", "--graph", "--json", env=minute(1530)).json()
    check_document(done, "timeline")
    assert [(s["task"], s["owner"], s["outcome"], s["seconds"]) for s in done["spans"]] == [
        ("ask", "ada", "completed", 420),
        ("core", "bob", "released", 600),
        ("core", "bob", "running", 1800),
        ("test", "eve", "completed", 1140),
    ]
    assert done["reopened"] == [{"task": "test", "at": "2030-01-02T01:21:00Z"}]
    assert done["burnUp"][-1] == {"at": "2030-01-02T01:22:00Z", "total": 4, "completed": 1}
    alone = busy_repo.ok("log", "--timeline", "--json", "ask").json()
    check_document(alone, "timeline")
    assert (len(alone["spans"]), alone["people"]) == (1, [])
    check_document(busy_repo.ok("report", "--json").json(), "report")


def test_what_is_not_drawn(listed: Repo) -> None:
    """Nothing begun is said; an option of the list of changes is refused, not ignored."""
    assert "nothing has begun yet" in listed.ok("log", "--timeline").out
    done = listed.run("log", "--timeline", "--reverse")
    assert (done.code, done.out) == (2, "")


def test_two_clones_at_once(listed: Repo, tmp_path: object) -> None:
    """What two did to one task at the same time: both are told, and the end is what stands."""
    remote = listed.clone(f"{tmp_path}/remote.git", "--bare")
    listed.git("remote", "add", "origin", remote.path)
    listed.ok("push")
    other = remote.clone(f"{tmp_path}/other")
    listed.ok("start", "a", "--owner", "ada", env=minute(1))
    other.ok("start", "a", "-l", "plan", "--owner", "bob", env=minute(2))
    listed.ok("done", "a", "--owner", "ada", env=minute(5))
    other.ok("skip", "a", "-l", "plan", "--owner", "bob", env=minute(6))
    other.ok("sync", "-l", "plan")
    listed.ok("sync")
    other.ok("sync", "-l", "plan")
    ours, theirs = (
        repo.ok("log", "--timeline", "--json", "-l", "plan", env=minute(10)).json()
        for repo in (listed, other)
    )
    assert ours == theirs
    (span,) = ours["spans"]
    assert (span["owner"], span["outcome"], span["seconds"]) == ("ada", "completed", 240)
    assert ours["burnUp"][-1]["completed"] == 1
