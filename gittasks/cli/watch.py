"""The command `watch`: a list as it changes, for people on a terminal and for programs."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from gittasks import render
from gittasks.cli import looking, output
from gittasks.cli.options import command
from gittasks.cli.output import Answer
from gittasks.cli.settings import Settings
from gittasks.cli.waiting import Wait
from gittasks.core.clock import duration, format_time
from gittasks.errors import GittasksError, Usage

if TYPE_CHECKING:
    from gittasks.core.history import LogEntry
    from gittasks.core.view import ListView
    from gittasks.render.documents import Document
    from gittasks.workspace import Follower, News, Workspace

_PAUSE = 0.25
"""Seconds between two looks at the refs."""


@command("watch")
@click.option("--fetch", metavar="TIME", help="Ask the remote too, every TIME (30s).")
@click.option("--once", is_flag=True, help="Show it once, and end.")
@click.option("--until-done", is_flag=True, help="End when everything is complete.")
@click.pass_obj
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
    view = looking.look(workspace)
    if once:
        answer = looking.status_answer(view)
        return answer._replace(json=lambda: _event("state", workspace, view=view))
    gc.enable()  # this one lives long
    follower = workspace.follow(every)
    try:
        with Wait() as wait:
            if settings.on_terminal():
                from gittasks.cli.live import Live  # it imports rich

                return Live(settings, workspace, follower, wait).run(until_done=until_done)
            return _tell(follower, wait, _Teller(settings, workspace), until_done=until_done)
    except KeyboardInterrupt:
        return 130  # how a watch ends: nothing to say about it
    finally:
        follower.close()


def _tell(follower: Follower, wait: Wait, teller: _Teller, *, until_done: bool) -> int:
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

    def tell(self, news: News) -> bool:
        """Tell of the list as it is now; whether all is complete."""
        if news.branch is None:
            name = "gone" if news.problem and news.problem.kind == "no-list" else "unreadable"
            words = render.text.clean(news.problem.message) if news.problem else ""
            self._say(words, name, error=news.problem)
            return False
        view = looking.of_branch(self._workspace, news.branch)
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
            return ["\n".join(looking.status_lines(view, marks)), *[None] * (len(entries) - 1)]
        lines = render.history_text.entry_lines(entries, marks, with_task=True)
        return [*lines[:-1], "\n".join([*lines[-1:], render.text.clean(view.progress.summary)])]

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
