"""The command `watch`: a list as it changes, for people on a terminal and for programs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from gittasks.cli import looking, output
from gittasks.cli.options import command
from gittasks.cli.settings import Settings
from gittasks.core.clock import duration, format_time
from gittasks.errors import GittasksError, Usage
from gittasks.render.text import clean

if TYPE_CHECKING:
    from gittasks.cli.waiting import Wait
    from gittasks.core.view import ListView
    from gittasks.workspace import Follower, News, Workspace

_PAUSE = 0.25
"""Seconds between two looks at the refs."""


@command("watch")
@click.option("--fetch", metavar="TIME", help="Ask the remote too, every TIME (30s).")
@click.option("--once", is_flag=True, help="Show it once, and end.")
@click.option("--until-done", is_flag=True, help="End when everything is complete.")
@click.pass_obj
def watch_command(settings: Settings, fetch: str | None, once: bool, until_done: bool) -> int:
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
        return _once(settings, workspace, view)
    import gc

    from gittasks.cli.waiting import Wait

    gc.enable()  # this one lives long
    follower = workspace.follow(every)
    try:
        with Wait() as wait:
            if settings.on_terminal():
                from gittasks.cli.live import Live

                return Live(settings, workspace, follower, wait).run(until_done=until_done)
            tell = _json_teller(workspace) if settings.json else _line_teller(settings, workspace)
            return _tell(follower, wait, tell, until_done=until_done)
    except KeyboardInterrupt:
        return 130  # how a watch ends: nothing to say about it
    finally:
        follower.close()


def _once(settings: Settings, workspace: Workspace, view: ListView) -> int:
    if settings.json:
        output.document(event("state", workspace, view=view))
    elif settings.on_terminal():
        from gittasks.render.terminal import views

        looking.show(settings, view, views.status)
    else:
        _say_status(settings, view)
    return looking.exit_code(view.snapshot)


Teller = Callable[["News | None", "GittasksError | None"], bool]
"""Says what is new, or that fetching fails or works again; returns whether all is complete."""


def _tell(follower: Follower, wait: Wait, tell: Teller, *, until_done: bool) -> int:
    """Say what happens, until the reader goes away or all is complete."""
    problem: GittasksError | None = None
    while True:
        if news := follower.look():
            finished = tell(news, None)
            if until_done and finished:
                return 0
        if _differs(problem, follower.fetch_problem):
            problem = follower.fetch_problem
            tell(None, problem)
        wait.pause(_PAUSE)


def _differs(one: GittasksError | None, other: GittasksError | None) -> bool:
    return (one and one.message) != (other and other.message)


# --- lines of JSON ---------------------------------------------------------------------------


def event(
    name: str,
    workspace: Workspace,
    *,
    view: ListView | None = None,
    entry: dict[str, Any] | None = None,
    error: GittasksError | None = None,
) -> dict[str, Any]:
    """One event of `watch --json`."""
    from gittasks.render import documents

    return documents.envelope(
        "watch",
        event=name,
        at=format_time(int(time.time())),
        list=documents.list_part(view.info) if view else {"id": workspace.list_id, "title": None},
        entry=entry,
        progress=documents.progress_part(view.progress) if view else None,
        commit=None if view is None or view.in_memory else view.commit,
        error=documents.error_document(error)["error"] if error else None,
    )


def _json_teller(workspace: Workspace) -> Teller:
    from gittasks.cli.history import entry_documents

    def tell(news: News | None, error: GittasksError | None) -> bool:
        if news is None:
            name = "fetchFailed" if error else "fetchWorks"
            output.document(event(name, workspace, error=error))
            return False
        if news.branch is None:
            name = "gone" if news.problem and news.problem.kind == "no-list" else "unreadable"
            output.document(event(name, workspace, error=news.problem))
            return False
        view = looking.of_branch(workspace, news.branch)
        for entry in entry_documents(news.entries):
            output.document(event("change", workspace, view=view, entry=entry))
        if not news.entries:
            output.document(event("state", workspace, view=view))
        return view.progress.finished

    return tell


# --- lines of text ---------------------------------------------------------------------------


def _line_teller(settings: Settings, workspace: Workspace) -> Teller:
    first = True

    def tell(news: News | None, error: GittasksError | None) -> bool:
        nonlocal first
        if news is None:
            output.say(f"fetching failed: {error.message}" if error else "fetching works again")
            return False
        if news.branch is None:
            output.say(_problem_words(news.problem))
            return False
        view = looking.of_branch(workspace, news.branch)
        if first:
            _say_status(settings, view)
        else:
            _say_changes(settings, view, news)
        first = False
        return view.progress.finished

    return tell


def _say_status(settings: Settings, view: ListView) -> None:
    from gittasks.render import plain

    shown = plain.status(view, settings.marks())
    output.say("\n".join([shown, *plain.remark_lines(view)]))


def _say_changes(settings: Settings, view: ListView, news: News) -> None:
    from gittasks.cli.history import entry_lines

    lines = entry_lines(news.entries, settings.marks(), with_task=True)
    output.say("\n".join([*lines, clean(view.progress.summary)]))


def _problem_words(problem: GittasksError | None) -> str:
    return clean(problem.message) if problem else ""
