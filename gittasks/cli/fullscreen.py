"""The whole terminal, for a program that draws on it again and again."""

from __future__ import annotations

import os
import signal
import sys
import termios
import tty
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Self, TextIO

from gittasks.cli.screen import NARROWEST


class Terminal:
    """The terminal for a while: another screen, no cursor, no echo; all is put back."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: list[str] = []
        self._saved: list[Any] | None = None
        self._input = sys.stdin if sys.stdin and sys.stdin.isatty() else None

    def __enter__(self) -> Self:
        self._enter()
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    @property
    def input(self) -> int | None:
        """Descriptor of the keyboard, None when standard input is something else."""
        return self._input.fileno() if self._input else None

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        try:
            columns, rows = os.get_terminal_size(self._stream.fileno())
        except OSError:
            columns, rows = 0, 0
        return max(columns or 80, NARROWEST), max(rows or 24, 4)

    def _enter(self) -> None:
        if self._input:
            self._saved = termios.tcgetattr(self._input)
            tty.setcbreak(self._input)  # keeps Ctrl-C and Ctrl-Z
        self._write("\x1b[?1049h\x1b[?25l\x1b[2J")
        self._lines = []

    def _leave(self) -> None:
        with suppress(OSError, ValueError):  # a terminal that went away needs nothing put back
            self._write("\x1b[0m\x1b[?25h\x1b[?1049l")
        if self._input and self._saved:
            with suppress(termios.error, OSError):
                termios.tcsetattr(self._input, termios.TCSAFLUSH, self._saved)

    def suspend(self) -> None:
        """Stop as Ctrl-Z asks for, with the terminal as it was; go on when told to."""
        self._leave()
        before = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, before)
        self._enter()

    def clear(self) -> None:
        """Paint everything anew the next time: the size has changed."""
        self._lines = []
        self._write("\x1b[2J")

    def paint(self, lines: Sequence[str]) -> None:
        """Show these lines from the top; only those that changed are written."""
        out = [
            f"\x1b[{row};1H{line}\x1b[0m\x1b[K"
            for row, line in enumerate(lines, 1)
            if row > len(self._lines) or self._lines[row - 1] != line
        ]
        out += [f"\x1b[{row};1H\x1b[K" for row in range(len(lines) + 1, len(self._lines) + 1)]
        self._lines = list(lines)
        if out:
            self._write("".join(out))

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
