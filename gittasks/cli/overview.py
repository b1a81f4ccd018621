"""`gittasks` alone: how far the list is and what to do next, or how to begin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gittasks.cli.output import Answer
from gittasks.cli.view import lists_answer, read_list, status_answer
from gittasks.errors import NoList, NoRepository

if TYPE_CHECKING:
    from gittasks.cli.settings import Settings
    from gittasks.cli.terminal import Screen
    from gittasks.core.view import ListView
    from gittasks.render.text import StatusMarks

_FIRST_STEPS = (
    ("gittasks init feature-auth", "a list; without a name it is called as the code branch"),
    ('gittasks create "PHASE 1: Design"', "a task"),
    ("gittasks ready", "what can be started"),
    ("gittasks start ID", "begin; gittasks done ID completes it"),
    ("gittasks sync", "share it with the team"),
    ("gittasks help", "all commands; gittasks help COMMAND explains one"),
)
_SHOWN = 2
"""Commands that are offered below the status."""


def overview(settings: Settings) -> Answer:
    """The status of the list and the next two commands; without a list the first steps."""
    try:
        workspace = settings.workspace()
    except NoRepository:
        if settings.json:
            raise
        return _first_steps("git init", "a repository for your work")
    try:
        view = read_list(workspace)
    except NoList as error:
        known = workspace.known_lists()
        if settings.json or (settings.list_id and known):
            raise
        if known:
            return lists_answer(workspace)._replace(
                notices=[*filter(None, [error.hint]), *workspace.notices]
            )
        if workspace.repository.remotes():
            return _first_steps("gittasks pull", "the lists that your team has")
        return _first_steps("gittasks --version", "it is installed")
    return _with_next(status_answer(view, workspace), view, workspace.actor.owner)


def _first_steps(command: str, purpose: str) -> Answer:
    steps = ((command, purpose), *_FIRST_STEPS)
    width = max(len(words) for words, _ in steps)
    lines = [f"  {words:<{width}}  {text}" for words, text in steps]
    text = "\n".join(["A task list that lives in your git repository. Start here:", *lines])
    return Answer(dict, lambda _: text)


def _with_next(answer: Answer, view: ListView, owner: str) -> Answer:
    """The status with the commands that go on from there."""
    below = [f"next: {words}" for words in [*_next_commands(view, owner)][:_SHOWN]]
    drawing = answer.drawing

    def text(marks: StatusMarks) -> str:
        return "\n".join([answer.text(marks) or "", "", *below])

    def drawn(screen: Screen) -> str:
        return "\n".join([drawing(screen) if drawing else "", "", *below])

    return answer._replace(text=text, drawing=drawn)


def _next_commands(view: ListView, owner: str) -> Iterator[str]:
    """Commands that the list accepts now, the most useful first."""
    if not view.progress.total:
        yield 'gittasks create "PHASE 1: ..."'
        yield "gittasks help apply"
        return
    mine = [run.task for run in view.progress.current if run.task.owner == owner]
    for task in mine:
        if not view.graph.open_blockers(task.id):
            yield f"gittasks done {task.id}"
        yield f"gittasks show {task.id}"
    ready = [t for t in view.graph.ready() if t.owner in (None, owner)]
    if ready and not mine:
        yield f"gittasks start {ready[0].id}"
        yield f"gittasks show {ready[0].id}"
    if view.progress.finished:
        yield "gittasks log"
        yield "gittasks report"
    yield "gittasks graph"
    yield "gittasks list"
