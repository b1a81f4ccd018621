"""Views for a terminal, drawn on a console of fixed width."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from gittasks.core.changes import Change
from gittasks.core.history import LogEntry
from gittasks.core.model import ListInfo, Problem, Snapshot, Status, Task, Unmerged
from gittasks.core.view import ListView, StaleClaim
from gittasks.render import terminal
from gittasks.render.terminal import ASCII, TURNING, UNICODE, Glyphs, bar, picture, signs

NOW = 1893492000  # 2030-01-01T10:00:00Z
MOMENT = "2030-01-01T{}:00Z"
WIDTHS = [20, 40, 69, 70, 100, 200]


def tasks() -> list[Task]:
    """A list with something of everything, in order."""
    done, running, skipped = Status.COMPLETED, Status.IN_PROGRESS, Status.SKIPPED

    def time(clock: str) -> str:
        return MOMENT.format(clock)

    made = [
        Task(
            "ask",
            "PHASE 1: Ask user",
            status=done,
            result="5 answers",
            started=time("08:00"),
            finished=time("08:10"),
        ),
        Task(
            "plan", "PHASE 1: Plan it", status=done, started=time("08:10"), finished=time("08:30")
        ),
        Task("r-claude", "PHASE 2: Claude review", status=done, owner="claude", result="PASS"),
        Task(
            "r-grok",
            "PHASE 2: Grok review",
            "Grok reviewing",
            status=running,
            owner="grok",
            started=time("09:00"),
        ),
        Task(
            "r-gemini",
            "PHASE 2: Gemini review",
            status=running,
            owner="gemini",
            started=time("09:30"),
        ),
        Task(
            "core",
            "PHASE 3: " + "Implement the core logic of it all " * 4,
            blocked_by=("r-grok", "r-gemini"),
        ),
        Task("wide", "PHASE 3: 日本語のタスク名はここに書きます", blocked_by=("core",)),
        Task("rtl", "PHASE 3: כתוב את המפרט 5", blocked_by=("core",), owner="נועה"),
        Task("evil", "PHASE 3: [red]\x1b[2J\u202eevil\ufdd0[/red]", owner="o\x9b1m"),
        Task("it-1", "Iteration 1/3: Validate", status=done, result="FAIL"),
        Task("it-2", "Iteration 2/3: Validate", status=running, owner="kim", started=time("09:59")),
        Task("it-3", "Iteration 3/3: Validate", blocked_by=("it-2",)),
        Task("old", "Not needed", status=skipped, result="not needed"),
    ]
    return [task._replace(order=number) for number, task in enumerate(made)]


def view(
    shown: Iterable[Task] | None = None, problems: tuple[Problem, ...] = (), **more: Any
) -> ListView:
    """A view of these tasks."""
    all_tasks = tasks() if shown is None else list(shown)
    snapshot = Snapshot(ListInfo("plan", "The plan"), {t.id: t for t in all_tasks}, problems)
    return ListView(snapshot, NOW, **more)


def drawn(made: object, width: int, *, colour: bool = False) -> str:
    """What rich prints of it on a terminal of this width."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=True,
        no_color=not colour,
        highlight=False,
        color_system="standard",
    )
    console.print(made)
    return out.getvalue()


def plain(text: str) -> str:
    """Without escape sequences, and without the marks of direction that we set ourselves."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\u200e", "")


DRAW: list[Callable[[ListView, Glyphs, int], object]] = [
    lambda v, s, w: terminal.task_list(v, v.tasks, s, w),
    terminal.status,
]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("draw", DRAW, ids=["list", "status"])
def test_nothing_is_wider_than_the_window(
    draw: Callable[[ListView, Glyphs, int], object], width: int
) -> None:
    """Every line fits, whatever letters are in it, and no letter of a subject is lost."""
    text = plain(drawn(draw(view(), UNICODE, width), width))
    for line in text.splitlines():
        assert cell_len(line.rstrip()) <= width, line
    squeezed = re.sub(r"\s", "", text)
    if width == 70:  # there two columns wrap beside each other
        return
    assert "日本語のタスク名はここに書きます" in squeezed
    assert re.sub(r"\s", "", "כתוב את המפרט 5") in squeezed


@pytest.mark.parametrize("draw", DRAW, ids=["list", "status"])
@pytest.mark.parametrize("width", [40, 100, 200])
def test_the_words_are_those_of_the_core(
    draw: Callable[[ListView, Glyphs, int], object], width: int
) -> None:
    """Summary, phases, loops and estimate stand exactly as `core.progress` makes them."""
    made = view()
    text = " ".join(plain(drawn(draw(made, UNICODE, width), width)).split())
    progress = made.progress
    wanted = [progress.summary, progress.eta_words, *(p.words for p in progress.phases)]
    wanted += [line for loop in progress.loops for line in loop.lines]
    for words in wanted:
        assert words
        assert words in text


def test_a_wide_list() -> None:
    """Tasks stand under their phases in columns, each with what is to be said of it."""
    lines = [x.rstrip() for x in plain(drawn(DRAW[0](view(), UNICODE, 100), 100)).splitlines()]
    assert [" ".join(line.split()) for line in lines[:6]] == [
        "PHASE 1: 2/2 complete ━━━━━━━━━━━━━━━━",
        "✓ ask Ask user 5 answers · 10 min",
        "✓ plan Plan it 20 min",
        "PHASE 2: 1/3 complete, 2 in progress ━━━━━┅┅┅┅┅┅┅┅┅┅┅",
        "✓ r-claude Claude review PASS",
        "→ r-grok Grok review Grok reviewing · grok · 1 h",
    ]
    assert lines[1].index("Ask") == lines[4].index("Claude")
    assert lines[1].index("5 answers") == lines[4].index("PASS")
    assert any(x.startswith("   core") and x.endswith("blocked by r-grok, r-gemini") for x in lines)
    assert any("━┅─ 2/3  Validate" in x for x in lines)


def test_lanes_by_owner() -> None:
    """The status shows who does what, each owner in a lane, with the time so far."""
    text = plain(drawn(terminal.status(view(), UNICODE, 100), 100))
    lanes = text.partition("In progress (3)\n")[2].splitlines()[:3]
    assert [" ".join(line.split()) for line in lanes] == [
        "→ gemini r-gemini Gemini review 30 min",
        "→ grok r-grok Grok reviewing 1 h",
        "→ kim it-2 Iteration 2/3: Validate 1 min",
    ]
    assert "Ready (1)" in text
    assert "Blocked (4)" in text


def test_a_silent_holder_and_other_trouble() -> None:
    """Stale holders, conflicts, unreadable files and tasks that wait for each other are told."""
    ring = [Task("a", "A", blocked_by=("b",)), Task("b", "B", blocked_by=("a",))]
    made = view(
        [*tasks(), *ring],
        stale=[StaleClaim("r-grok", "grok", 900, 600)],
        conflicts=2,
        apart=Unmerged.NEWER,
        problems=(Problem("tasks/x.yaml", 3, "bad"),),
    )
    for draw in DRAW:
        text = " ".join(plain(drawn(draw(made, UNICODE, 200), 200)).split())
        assert "silent for 15 min" in text
        assert "gittasks claim r-grok --take-over" in text
        assert "2 conflicts of changes made at once: gittasks conflicts" in text
        assert "a later version of gittasks wrote it" in text
        assert "unreadable: tasks/x.yaml:3: bad" in text
        assert "these wait for each other" in text


def test_hostile_text_is_escaped_and_never_markup() -> None:
    """Neither the terminal nor rich obeys what a task says."""
    for draw in DRAW:
        text = drawn(draw(view(), UNICODE, 200), 200)
        assert "[red]\\x1b[2J\\u202eevil\\ufdd0[/red]" in plain(text)
        assert not set("\u202e\x9b\ufdd0") & set(text)
        assert not re.search(r"\x1b(?!\[[0-9;]*m)", text)


def test_right_to_left_text_ends_where_its_cell_ends() -> None:
    """Each cell beside it begins with a mark of direction, so that no figure moves into it."""
    rows = [x for x in drawn(DRAW[0](view(), UNICODE, 100), 100).splitlines() if "rtl" in x]
    assert rows[0].count("\u200e") >= 4
    assert "\u200e" not in "".join(
        x for x in drawn(DRAW[0](view(), UNICODE, 100), 100).splitlines() if "ask" in x
    )


def test_colours_say_nothing_alone() -> None:
    """Without colours the same text is left; with them the sixteen of the terminal are used."""
    for draw in DRAW:
        coloured, bare = (drawn(draw(view(), UNICODE, 100), 100, colour=c) for c in (True, False))
        assert plain(coloured) == plain(bare)
        used = {
            int(n) for codes in re.findall(r"\x1b\[([0-9;]+)m", coloured) for n in codes.split(";")
        }
        assert used <= {0, 1, 2, 31, 32, 33, 35}
        assert {n for codes in re.findall(r"\x1b\[([0-9;]+)m", bare) for n in codes.split(";")} <= {
            "0",
            "1",
            "2",
        }


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "", None, "nonsense"])
def test_ascii_where_nothing_else_can_be_shown(encoding: str | None) -> None:
    """All that we draw with is ASCII then."""
    assert signs(encoding) is ASCII
    only = [t for t in tasks() if (t.subject + (t.owner or "")).isascii()]
    for draw in DRAW:
        assert drawn(draw(view(only), ASCII, 100), 100).isascii()


def test_unicode_where_it_can() -> None:
    """UTF-8 shows everything."""
    assert signs("utf-8") is UNICODE


@pytest.mark.parametrize(
    ("done", "running", "total", "shown"),
    [
        (0, 0, 4, "────────"),
        (1, 1, 4, "━━┅┅────"),
        (4, 0, 4, "━━━━━━━━"),
        (0, 1, 1000, "┅───────"),
        (1, 0, 1000, "━───────"),
        (999, 0, 1000, "━━━━━━━─"),
        (999, 1, 1000, "━━━━━━━┅"),
        (0, 4, 4, "┅┅┅┅┅┅┅┅"),
        (0, 0, 0, "────────"),
    ],
)
def test_bars(done: int, running: int, total: int, shown: str) -> None:
    """What has begun never looks like nothing, and what is not done never like all."""
    assert bar(8, done, running, total, UNICODE).plain == shown


def test_empty_lists() -> None:
    """No task, and no task that was chosen, are told apart."""
    empty = view([])
    assert plain(drawn(DRAW[0](empty, UNICODE, 40), 40)).strip() == "no tasks yet"
    assert "no task matches" in drawn(terminal.task_list(view(), [], UNICODE, 40), 40)
    assert "no tasks yet" in drawn(terminal.status(empty, UNICODE, 40), 40)


@pytest.mark.parametrize("width", WIDTHS)
def test_overview(width: int) -> None:
    """One line a list where there is room: the one in use, its id, bar, words and places."""
    progress = view().progress
    rows = [
        view(chosen=True, places=("here", "origin")),
        ListView(
            Snapshot(ListInfo("x" * 100), {}, (Problem("a", 1, "bad"), Problem("b", 1, "bad"))),
            NOW,
            places=("origin",),
        ),
    ]
    text = plain(drawn(terminal.overview(rows, UNICODE, width), width))
    assert all(cell_len(line.rstrip()) <= width for line in text.splitlines())
    if width == 200:
        assert text.splitlines()[0].startswith("* plan")
        assert f"The plan: {progress.summary} (claude, " in " ".join(text.split())
        assert any(line.rstrip().endswith("here, origin") for line in text.splitlines())
    assert plain(drawn(terminal.overview([], UNICODE, width), width)).strip() == "no open lists"


# --- the picture of watch ------------------------------------------------------------------------


def frame(
    size: tuple[int, int], feed: int = 3, shown: ListView | None = None, note: str = "note"
) -> list[str]:
    """A picture of this size, without escape sequences."""
    at = MOMENT.format("09:00")
    events = [
        LogEntry(
            f"{n:040}", at, "kim", None, None, "", (Change("core", "result", None, f"{note} {n}"),)
        )
        for n in range(feed)
    ]

    def printed(made: object) -> str:
        lines = plain(drawn(made, size[0])).rstrip("\n").split("\n")
        return "\n".join(line.rstrip() for line in lines)

    foot = [bar(1, 0, 0, 1, ASCII).append("foot")]
    return picture(
        shown or view(), events, {events[0].commit} if events else (), foot, UNICODE, size, printed
    )


@pytest.mark.parametrize("size", [(40, 8), (40, 24), (80, 24), (100, 40), (200, 50), (30, 4)])
def test_a_picture_has_the_size_of_the_window(size: tuple[int, int]) -> None:
    """It fills the rows and no more; the foot is at the bottom, the summary at the top."""
    lines = frame(size)
    assert len(lines) == size[1]
    assert lines[-1] == "-foot"
    assert lines[0] == "plan: The plan"
    assert "tasks complete" in " ".join(lines)


@pytest.mark.parametrize("size", [(80, 24), (100, 40), (200, 50)])
def test_what_runs_and_what_happened_last_are_always_there(size: tuple[int, int]) -> None:
    """On a smaller window what waits makes room for what runs and the last changes."""
    text = "\n".join(frame(size))
    assert "In progress (3)" in text
    assert text.count(TURNING) == 3
    assert "core: result → note 2" in text


def test_a_long_change_is_cut_and_squeezes_nothing() -> None:
    """Each of the last changes has one line, that begins with its time."""
    lines = frame((80, 40), note="words " * 40)
    first = lines.index("Last changes") + 1
    assert [line[:21] for line in lines[first : first + 3]] == ["09:00:00Z kim core: r"] * 3
    assert all(line.endswith("…") for line in lines[first : first + 3])


def test_a_picture_without_a_list() -> None:
    """When there is none, the foot says why."""

    def printed(made: object) -> str:
        return plain(drawn(made, 40)).rstrip("\n")

    lines = picture(None, [], (), [bar(1, 0, 0, 1, ASCII)], UNICODE, (40, 10), printed)
    assert (len(lines), lines[-1]) == (10, "-")
