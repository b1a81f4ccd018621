"""The live picture of `watch` on a terminal."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from rich.text import Text

from gittasks.cli import looking, output
from gittasks.cli.fullscreen import Terminal
from gittasks.cli.output import LostOutput
from gittasks.cli.screen import console, printed, terminal_signs
from gittasks.core.clock import MINUTE, duration_brief
from gittasks.errors import GittasksError
from gittasks.render.history_text import changed_words
from gittasks.render.terminal.live import TURNING, Happened, picture
from gittasks.render.text import clean

if TYPE_CHECKING:
    from gittasks.cli.settings import Settings
    from gittasks.cli.waiting import Wait
    from gittasks.core.history import LogEntry
    from gittasks.core.view import ListView
    from gittasks.store.layout import Branch
    from gittasks.workspace import Follower, News, Workspace

_PAUSE = 0.25
_TURN = 0.1
"""Seconds between two pictures of the spinner."""
_KEPT = 200
"""Changes that are kept for a large window."""


class Live:
    """Follows a list and paints it: anew when something changed, else the spinner alone."""

    def __init__(
        self, settings: Settings, workspace: Workspace, follower: Follower, wait: Wait
    ) -> None:
        self._settings, self._workspace = settings, workspace
        self._follower, self._wait = follower, wait
        self._signs = terminal_signs()
        self._branch: Branch | None = None
        self._view: ListView | None = None
        self._problem = ""
        self._feed: deque[Happened] = deque(maxlen=_KEPT)
        self._lines: list[str] = []
        self._repaint_at = 0.0

    def run(self, *, until_done: bool) -> int:
        """Paint until somebody ends it; 0 after `q`, or when all is done if that was asked for."""
        with suppress(GittasksError):  # what came before is a courtesy
            self._happened(reversed(self._workspace.log(limit=_KEPT)), new=False)
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
            if "q" in self._wait.pause(_TURN if running else _PAUSE).lower():
                return 0
            if self._wait.stopped:
                self._wait.stopped = False
                terminal.suspend()
                self._repaint_at = 0.0

    def _take(self, news: News) -> None:
        self._branch = news.branch
        if news.branch is None:
            self._view, self._problem = None, news.problem.message if news.problem else ""
            return
        self._view, self._problem = looking.of_branch(self._workspace, news.branch), ""
        self._happened(news.entries, new=True)

    def _happened(self, entries: Iterable[LogEntry], *, new: bool) -> None:
        marks = self._signs.marks
        for entry in entries:
            for task_id in entry.tasks:
                words = changed_words(entry.changes_of(task_id), marks)
                said = f"{clean(task_id) or 'list'}: {', '.join(words)}"
                self._feed.append(Happened(entry.at, entry.who, said, new))

    def _draw(self, terminal: Terminal) -> None:
        """Make the picture anew, and note when it has to be made again: when a time moves on."""
        size = terminal.size
        on = console(self._settings, size[0])
        seconds = []
        if self._branch:
            self._view = looking.of_branch(self._workspace, self._branch)
            seconds = [c.seconds for c in self._view.progress.current if c.seconds is not None]
        self._lines = picture(
            self._view, self._feed, self._foot(), self._signs, size, lambda made: printed(on, made)
        )
        next_second = (1 if s < MINUTE else MINUTE - s % MINUTE for s in seconds)
        self._repaint_at = time.monotonic() + min(next_second, default=MINUTE)

    def _foot(self) -> list[Text]:
        """What is wrong, if something is, and what is followed."""
        problem = self._problem
        if failed := self._follower.fetch_problem:
            problem = problem or failed.message
        store = self._workspace.store
        named = f"watching {store.ref.removeprefix('refs/heads/')}"
        if every := int(self._follower.fetch_every or 0):
            named += f", fetching from {store.remote} every {duration_brief(every)}"
        lines = [Text(clean(problem), "red")] if problem else []
        return [*lines, Text(clean(f"{named}; q ends"), "dim")]

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
