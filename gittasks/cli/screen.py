"""The terminal: how wide it is, what it can show, and views as lines of text for it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple, Self

from rich.console import Console

from gittasks.render.terminal.pieces import Signs, signs

if TYPE_CHECKING:
    from gittasks.cli.settings import Settings

NARROWEST = 20
"""Columns that are drawn on at least; a narrower window cuts."""


class Screen(NamedTuple):
    """The terminal that standard output is: what views are drawn with, and how they print."""

    console: Console
    signs: Signs

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The terminal as the options want it used."""
        return cls(console(settings), terminal_signs())

    @property
    def width(self) -> int:
        """Columns."""
        return self.console.width

    def printed(self, view: object) -> str:
        """A view as text."""
        return printed(self.console, view)


def console(settings: Settings, width: int | None = None) -> Console:
    """rich's idea of the terminal that standard output is."""
    made = Console(
        file=sys.stdout,
        width=width,
        force_terminal=True,
        no_color=not settings.in_color(),
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    if made.width < NARROWEST:
        made.width = NARROWEST
    return made


def terminal_signs() -> Signs:
    """The signs that standard output can hold."""
    return signs(sys.stdout.encoding)


def printed(on: Console, made: object) -> str:
    """A view as text, without blanks at the ends of lines and without a final newline."""
    with on.capture() as capture:
        on.print(made)
    return "\n".join(line.rstrip() for line in capture.get().rstrip().split("\n"))
