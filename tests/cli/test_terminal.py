"""`list` and `status` in a real terminal, at three widths; and what stays as it is off one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import pytest
from support.repositories import Repo, plan
from support.terminals import window

WIDTHS = [40, 100, 200]


def _build(repo: Repo) -> None:
    plan(repo)
    for args in (
        ("create", "PHASE 1: Ask user for requirements", "--id", "ask"),
        ("create", "PHASE 1: 日本語のタスク名はここに書きます", "--id", "wide"),
        ("create", "PHASE 2: כתוב את המפרט 5 דקות", "--id", "rtl", "--blocked-by", "ask"),
        ("create", "PHASE 2: Implement all of the core logic", "--id", "core"),
        ("create", "Validate", "--iterations", "4", "--id", "it"),
        ("update", "core", "--active-form", "Implementing core"),
        ("done", "ask", "--result", "5 answers"),
        ("start", "core", "--owner", "kim"),
        ("done", "it-1"),
        ("start", "it-2"),
    ):
        repo.ok(*args)


@pytest.fixture
def varied(copy_of: Callable[[str, Callable[[Repo], None]], Repo]) -> Repo:
    """A list with phases, a loop, wide letters and letters from right to left."""
    return copy_of("varied", _build)


def _columns(line: str) -> int:
    """Columns of the terminal that a line takes."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in line)
    return len(line) + wide - sum(unicodedata.category(char) == "Cf" for char in line)


@pytest.mark.parametrize("width", WIDTHS)
def test_at_three_widths(varied: Repo, width: int) -> None:
    """The words are those of the plain output, in order, in lines that the window holds."""
    with window(varied.path, width, 60) as shown:
        for command in ("list", "status"):
            text = shown.run(f"gittasks {command}")
            assert all(_columns(line) <= width for line in text.splitlines())
            words = " ".join(text.replace("\u200e", "").split())
            for said in (
                "2/8 tasks complete (25%), currently implementing core and 1 more",
                "PHASE 1: 1/2 complete",
                "PHASE 2: 0/2 complete",
                "Iteration 2/4 in progress, 1 complete",
                "Iteration 2/4 (50% through max)",
                "2/4 Validate",
                "blocked by it-2",
                "Implementing core",
                "kim",
            ):
                assert said in words, said
            assert "━" in text
            letters = "".join(words.split())
            assert "日本語のタスク名はここに書きます" in letters
            assert "כתובאתהמפרט5דקות" in letters


def test_columns_stand_below_each_other(varied: Repo) -> None:
    """Wide letters and letters from right to left move no column."""
    with window(varied.path, 100, 60) as shown:
        lines = shown.run("gittasks list").splitlines()
    places = {
        _columns(line[: line.index(said)])
        for line in lines
        for said in ("5 answers", "blocked by core", "Implementing core ·", "blocked by it-3")
        if said in line
    }
    assert len(places) == 1


@pytest.mark.parametrize(
    ("env", "args", "coloured"),
    [
        ({}, "", True),
        ({"NO_COLOR": "1"}, "", False),
        ({}, "--color never", False),
        ({"NO_COLOR": "1"}, "--color always", True),
    ],
)
def test_colours_are_as_the_user_wants(
    varied: Repo, env: dict[str, str], args: str, coloured: bool
) -> None:
    """NO_COLOR and --color decide; the option comes first. The text is the same."""
    with window(varied.path, 100, 60, env) as shown:
        shown.run(f"gittasks list {args}")
        text = shown.shown(colours=True)
        assert ("\x1b[32m" in text) is coloured
        assert ("\x1b[33m" in text) is coloured


def test_ascii_where_the_terminal_shows_nothing_else(varied: Repo) -> None:
    """Bars and marks are ASCII then, and other letters are escapes."""
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    with window(varied.path, 100, 60, env) as shown:
        text = shown.run("gittasks list")
        assert text.isascii()
        assert "####" in text
        assert "> core" in text
        assert "\\u65e5" in text
        assert "\\u200e" not in text


def test_a_dumb_terminal_gets_the_plain_text(varied: Repo) -> None:
    """Without a cursor that moves there is nothing to draw with."""
    with window(varied.path, 200, 60, {"TERM": "dumb"}) as shown:
        text = shown.run("gittasks list")
    elsewhere = varied.ok("list").out
    assert _without_seconds(text) == _without_seconds(elsewhere)


def _without_seconds(text: str) -> list[str]:
    """The lines of a text; how long ago something was depends on when it is printed."""
    lines = (re.sub(r"\b\d+ s ago\b", "ago", line.rstrip()) for line in text.splitlines())
    return [line for line in lines if line]


def test_status_of_all_lists(varied: Repo) -> None:
    """One line a list, with its bar."""
    varied.ok("init", "other")
    with window(varied.path, 120, 20) as shown:
        lines = shown.run("gittasks status --all").splitlines()
    assert " ".join(lines[0].split()) == "* other ──────────────── no tasks yet here"
    assert "2/8 tasks complete (25%)" in lines[1]


def test_the_past_on_a_terminal(varied: Repo) -> None:
    """A line above says that this is not how it is now."""
    with window(varied.path, 100, 60) as shown:
        text = shown.run("gittasks status --at gittasks/plan~4")
    assert text.startswith("plan as it was at ")
    assert "no task" not in text
    assert "In progress" not in text


def test_quiet_and_json_are_the_same_on_a_terminal(varied: Repo) -> None:
    """What programs ask for is not drawn, wherever it is printed."""
    with window(varied.path, 200, 60) as shown:
        assert shown.run("gittasks list -q").split() == varied.ok("list", "-q").out.split()
        text = shown.run("gittasks status --json")
    assert '"kind":"progress"' in text


_LONG = "PHASE 1: Handle errors, timeouts and retries on every call that crosses the boundary"


@pytest.mark.parametrize("words", [("graph",), ("show", "b"), ("log",), ("lists",)])
def test_long_lines_fit_the_window_and_nothing_is_lost(repo: Repo, words: tuple[str, ...]) -> None:
    """`graph` cuts, the others go on below; a pipe gets the lines whole."""
    plan(repo)
    repo.ok("init", "plan", "--title", f"{_LONG}, and say what happened")
    repo.ok("create", _LONG, "--id", "a")
    repo.ok("create", f"{_LONG} again and again", "--id", "b", "--blocked-by", "a")
    with window(repo.path, 80, 60) as terminal:
        shown = terminal.run(f"gittasks --no-pager {' '.join(words)}")
    whole = repo.ok(*words).out
    assert max(map(len, whole.splitlines())) > 80
    if words != ("graph",):
        assert set(whole.split()) <= set(shown.split())
    assert len(whole.splitlines()) <= len(shown.rstrip().splitlines())
    if words == ("graph",):
        assert len(whole.splitlines()) == len(shown.rstrip().splitlines())


def test_long_answers_go_through_the_pager_of_git(listed: Repo) -> None:
    """GIT_PAGER, core.pager of the user; none from the repository, none off a terminal."""
    listed.git("config", "core.pager", "echo from the repository")
    listed.git("config", "--global", "core.pager", "sed s/^/global:/")
    with window(listed.path, 100, 40) as terminal:
        assert "global:" in terminal.run("gittasks log")
        assert "mine:" in terminal.run("GIT_PAGER='sed s/^/mine:/' gittasks log")
        for command in ("gittasks --no-pager log", "GIT_PAGER=cat gittasks log"):
            assert "global:" not in terminal.run(command)
        assert "plan: task list" in terminal.run("GIT_PAGER=no-such-pager gittasks log")


def test_the_first_commit_has_no_date(listed: Repo) -> None:
    """That of the root is made up, the same in every clone."""
    lines = listed.ok("log").out.splitlines()
    assert not any("2026-01-01 00:00:00Z" in line for line in lines)
    assert any(line.startswith(" " * 20) and "plan: task list" in line for line in lines)
