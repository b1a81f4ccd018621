"""The command watch, and its live picture."""

from __future__ import annotations

import gc
import sys
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rich.text import Text

from gittasks import render
from gittasks.cli import output
from gittasks.cli import view as view_commands
from gittasks.cli.options import command, option
from gittasks.cli.output import Answer, LostOutput, Settings
from gittasks.cli.terminal import Terminal, Wait, console, printed, terminal_signs
from gittasks.core.progress import change_lines
from gittasks.core.times import MINUTE, duration, duration_brief, format_time
from gittasks.errors import GittasksError, Usage
from gittasks.render.terminal import TURNING, picture
from gittasks.render.text import clean

if TYPE_CHECKING:
    from gittasks.core.history import LogEntry
    from gittasks.core.view import ListView
    from gittasks.render.documents import Document
    from gittasks.store.list_version import ListVersion
    from gittasks.workspace import ListUpdate, RefWatcher, Workspace

_REDRAW_PAUSE = 0.25
_TURN = 0.1
"""Seconds between two pictures of the spinner."""
_KEPT = 200
"""Changes that are kept for a large window."""


class Live:
    """Follows a list and paints it: anew when something changed, else the spinner alone."""

    def __init__(
        self, settings: Settings, workspace: Workspace, follower: RefWatcher, wait: Wait
    ) -> None:
        self._settings, self._workspace = settings, workspace
        self._follower, self._wait = follower, wait
        self._signs = terminal_signs()
        self._branch: ListVersion | None = None
        self._view: ListView | None = None
        self._problem = ""
        self._feed: deque[LogEntry] = deque(maxlen=_KEPT)
        self._fresh: set[str] = set()
        self._lines: list[str] = []
        self._repaint_at = 0.0

    def run(self, *, until_done: bool) -> int:
        """Paint until somebody ends it; 0 after `q`, or when all is done if that was asked for."""
        with suppress(GittasksError):  # what came before is a courtesy
            self._feed_with(reversed(self._workspace.log(limit=_KEPT)))
        try:
            with Terminal(sys.stdout) as terminal:
                self._wait.for_terminal(terminal.input)
                return self._follow(terminal, until_done=until_done)
        finally:
            self._say_last()

    def _follow(self, terminal: Terminal, *, until_done: bool) -> int:
        failed = None
        while True:
            if news := self._follower.look():
                self._take(news)
            if self._wait.resized:
                terminal.clear()
            changed = news or self._wait.resized or failed is not self._follower.fetch_problem
            self._wait.resized, failed = False, self._follower.fetch_problem
            if changed or time.monotonic() >= self._repaint_at:
                self._draw(terminal)
            self._turn(terminal)
            if until_done and self._view and self._view.progress.finished:
                return 0
            running = self._view is not None and self._view.progress.in_progress
            if "q" in self._wait.pause(_TURN if running else _REDRAW_PAUSE).lower():
                return 0
            if self._wait.stopped:
                self._wait.stopped = False
                terminal.suspend()
                self._repaint_at = 0.0

    def _take(self, news: ListUpdate) -> None:
        self._branch = news.branch
        if news.branch is None:
            self._view, self._problem = None, news.problem.message if news.problem else ""
            return
        self._view, self._problem = view_commands.of_branch(self._workspace, news.branch), ""
        self._fresh.update(entry.commit for entry in news.entries)
        self._feed_with(news.entries)

    def _feed_with(self, entries: Iterable[LogEntry]) -> None:
        """Add entries to the last changes, task by task."""
        for entry in entries:
            parts = map(entry.changes_of, entry.tasks)
            self._feed.extend(entry._replace(changes=part) for part in parts)

    def _draw(self, terminal: Terminal) -> None:
        """Make the picture anew, and note when it has to be made again: when a time moves on."""
        size = terminal.size
        on = console(size[0], in_color=self._settings.in_color())
        seconds = []
        if self._branch:
            self._view = view_commands.of_branch(self._workspace, self._branch)
            seconds = [c.seconds for c in self._view.progress.current if c.seconds is not None]
        self._lines = picture(
            self._view,
            self._feed,
            self._fresh,
            self._foot(),
            self._signs,
            size,
            lambda made: printed(on, made),
        )
        next_second = (1 if s < MINUTE else MINUTE - s % MINUTE for s in seconds)
        self._repaint_at = time.monotonic() + min(next_second, default=MINUTE)

    def _foot(self) -> list[Text]:
        """The problem, if there is one, and the branch that is followed."""
        problem = self._problem
        if failed := self._follower.fetch_problem:
            problem = problem or failed.message
        source = f"watching {self._workspace.branch_name}"
        if every := int(self._follower.fetch_every or 0):
            source += f", fetching from {self._workspace.home_remote} every {duration_brief(every)}"
        lines = [Text(clean(problem), "red")] if problem else []
        return [*lines, Text(clean(f"{source}; q ends"), "dim")]

    def _turn(self, terminal: Terminal) -> None:
        """Put the picture on the screen, with the spinner as it is at this moment."""
        pictures = self._signs.spinner
        sign = pictures[int(time.monotonic() / _TURN) % len(pictures)]
        terminal.paint([line.replace(TURNING, sign) for line in self._lines])

    def _say_last(self) -> None:
        """Leave a line behind on the screen that was there before."""
        if self._view:
            with suppress(OSError, LostOutput):
                output.say(clean(f"{self._workspace.list_id}: {self._view.progress.summary}"))


_PAUSE = 0.25
"""Seconds between two looks at the refs."""


@command(
    "watch",
    option("--fetch", metavar="TIME", help="Also fetch from the remote, every TIME (30s)."),
    option("--once", is_flag=True, help="Show it once, and end."),
    option("--until-done", is_flag=True, help="End when everything is complete."),
)
def watch_command(
    settings: Settings, fetch: str | None, once: bool, until_done: bool
) -> Answer | int:
    """Show the list as it changes, and who does what. Ctrl-C (or q) ends it.

    Off a terminal each change is a line. Nothing is locked, and no list is written.
    """
    every = duration(fetch, "--fetch") if fetch is not None else None
    if every == 0:
        raise Usage("--fetch takes a time from one second on")
    if once and fetch:
        raise Usage("--once looks once and does not wait for a remote, so it takes no --fetch")
    workspace = settings.workspace()
    view = view_commands.read_list(workspace)
    if once:
        answer = view_commands.status_answer(view, settings)
        return answer._replace(json=lambda: _event("state", workspace, view=view))
    gc.enable()  # this one lives long
    follower = workspace.follow(every)
    try:
        with Wait() as wait:
            if settings.on_terminal():
                return Live(settings, workspace, follower, wait).run(until_done=until_done)
            return _tell(follower, wait, _Teller(settings, workspace), until_done=until_done)
    except KeyboardInterrupt:
        return 130  # how a watch ends: nothing to say about it
    finally:
        follower.close()


def _tell(follower: RefWatcher, wait: Wait, teller: _Teller, *, until_done: bool) -> int:
    """Say what happens, until the reader goes away or all is complete."""
    problem: GittasksError | None = None
    while True:
        if news := follower.look():
            finished = teller.tell(news)
            if until_done and finished:
                return 0
        if _differs(problem, follower.fetch_problem):
            problem = follower.fetch_problem
            teller.tell_fetching(problem)
        wait.pause(_PAUSE)


def _differs(one: GittasksError | None, other: GittasksError | None) -> bool:
    return (one and one.message) != (other and other.message)


class _Teller:
    """Says what is new in a list, a change at a time, as lines of text or of JSON."""

    def __init__(self, settings: Settings, workspace: Workspace) -> None:
        self._settings, self._workspace = settings, workspace
        self._is_first = True

    def tell(self, news: ListUpdate) -> bool:
        """Tell of the list as it is now; whether all is complete."""
        if news.branch is None:
            name = "gone" if news.problem and news.problem.kind == "no-list" else "unreadable"
            words = render.text.clean(news.problem.message) if news.problem else ""
            self._say(words, name, error=news.problem)
            return False
        view = view_commands.of_branch(self._workspace, news.branch)
        texts = self._texts(view, news.entries)
        self._is_first = False
        if not news.entries:
            self._say(texts[0], "state", view=view)
        else:
            for entry, text in zip(news.entries, texts, strict=True):
                self._say(text, "change", view=view, entry=entry)
        return view.progress.finished

    def tell_fetching(self, problem: GittasksError | None) -> None:
        """Tell that fetching fails, or works again."""
        words = f"fetching failed: {problem.message}" if problem else "fetching works again"
        self._say(words, "fetchFailed" if problem else "fetchWorks", error=problem)

    def _texts(self, view: ListView, entries: Sequence[LogEntry]) -> list[str | None]:
        """A text for each entry, or one; the whole list first, then changes and the summary."""
        marks = self._settings.marks()
        if self._is_first:
            return [
                "\n".join(view_commands.status_lines(view, marks, self._settings)),
                *[None] * (len(entries) - 1),
            ]
        lines = render.history_text.entry_lines(entries, marks, with_task=True)
        moved = {c.task for e in entries for c in e.changes if c.field == "status"}
        words = [*change_lines(view.snapshot, view.snapshot, moved), view.progress.summary]
        return [*lines[:-1], "\n".join([*lines[-1:], *map(render.text.clean, words)])]

    def _say(self, text: str | None, name: str, **about: Any) -> None:
        output.answer(
            self._settings,
            Answer(lambda: _event(name, self._workspace, **about), lambda _: text),
        )


def _event(
    name: str,
    workspace: Workspace,
    *,
    view: ListView | None = None,
    entry: LogEntry | None = None,
    error: GittasksError | None = None,
) -> Document:
    """One event of `watch --json`."""
    at = format_time(int(time.time()))
    return render.documents.watch_document(name, at, workspace.list_id, view, entry, error)
