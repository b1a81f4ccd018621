"""One picture of a list that is watched: how far it is, and below what happened last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.text import Text

from gittasks.core.view import ListView
from gittasks.render.terminal.pieces import Signs, add_row, cell, grid
from gittasks.render.terminal.views import Room, status

TURNING = "\ufdd0"
"""Stands in a picture where the spinner is. No text can hold it: `clean` escapes it."""
_ROOMS = (
    Room(),
    Room(waiting=5),
    Room(waiting=2),
    Room(waiting=0),
    Room(waiting=0, phases=False),
    Room(running=5, waiting=0, phases=False),
    Room(running=2, waiting=0, phases=False),
)
"""From all to what still says the most on a small screen."""
_FEED = 4
"""Lines that the last changes get at least, if the screen has them."""


class Happened(NamedTuple):
    """Something that was done: when (RFC 3339), by whom, in words; `new`: while we watched."""

    at: str
    who: str
    said: str
    new: bool


def picture(
    view: ListView | None,
    feed: Sequence[Happened],
    foot: Sequence[Text],
    signs: Signs,
    size: tuple[int, int],
    printed: Callable[[RenderableType], str],
) -> list[str]:
    """The lines of a screen of (columns, rows). `feed` is in order of time, oldest first.

    Of a list that does not fit fewer tasks are shown, and at last what is below is cut off. `view`
    is None when there is no list.
    """
    width, height = size
    below = printed(Group(*foot)).split("\n") if foot else []
    room = max(height - len(below), 1)
    top = _top(view, signs, width, room - min(len(feed) + 2, _FEED + 2), printed)
    rest = room - len(top) - 2
    if feed and rest > 0:
        top += ["", *_feed(list(feed)[-rest:], printed)]
    top = top[:room]
    return [*top, *[""] * (room - len(top)), *below][:height]


def _top(
    view: ListView | None,
    signs: Signs,
    width: int,
    room: int,
    printed: Callable[[RenderableType], str],
) -> list[str]:
    if view is None:
        return []
    lines: list[str] = []
    for much in _ROOMS:
        lines = printed(status(view, signs, width, room=much, turning=TURNING)).split("\n")
        if len(lines) <= room:
            break
    return lines


def _feed(feed: Sequence[Happened], printed: Callable[[RenderableType], str]) -> list[str]:
    """The last changes, one a line, newest last; what does not fit on a line is cut."""
    table = grid(None, None, None)
    table.columns[-1].no_wrap = True
    table.columns[-1].overflow = "ellipsis"
    for one in feed:
        style = "" if one.new else "dim"
        clock = one.at.partition("T")[2]
        add_row(table, cell(clock, "dim"), cell(one.who, "magenta"), Text(one.said, style))
    return printed(Group(Text("Last changes", "bold"), table)).split("\n")
