"""The terminal: the pager of git, and for `watch` keys, full screen, and waiting without work."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import Any, NamedTuple, Self, TextIO

from rich.console import Console

from gittasks.render.terminal import Glyphs, fitted_lines, signs
from gittasks.store import git, platform

_ENDING = ("SIGTERM", "SIGHUP")


class Wait:
    """Pauses that end early when there is something to do.

    A reader that goes away raises BrokenPipeError even while there is nothing to write; a signal
    that ends the process raises KeyboardInterrupt, so that everything is put back first.
    """

    def __init__(self) -> None:
        self.resized = False
        self.stopped = False
        self._waiter = platform.Waiter()
        self._keyboard: int | None = None
        self._output = _descriptor(sys.stdout)
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._old_wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._waiter.watch(self._reader, reading=True)
        if self._output is not None:
            self._waiter.watch(self._output, reading=False)
        for name in _ENDING:
            self._catch(name, self._end)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_wakeup)
        os.close(self._reader)
        os.close(self._writer)

    def _catch(self, name: str, handler: Any) -> None:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            self._before[number] = signal.signal(number, handler)

    @staticmethod
    def _end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    def for_terminal(self, keyboard: int | None) -> None:
        """Also end pauses when the window changes, at Ctrl-Z, and when a key is pressed."""

        def resized(_number: int, _frame: FrameType | None) -> None:
            self.resized = True

        def stopped(_number: int, _frame: FrameType | None) -> None:
            self.stopped = True

        self._catch("SIGWINCH", resized)
        self._catch("SIGCONT", resized)
        self._catch("SIGTSTP", stopped)
        if keyboard is not None:
            self._keyboard = keyboard
            self._waiter.watch(keyboard, reading=True)

    def pause(self, seconds: float) -> str:
        """Wait so long at most; what was typed."""
        ready = self._waiter.wait(seconds)
        if self._output in ready.closed:
            raise BrokenPipeError
        if self._reader in ready.readable:
            os.read(self._reader, 4096)
        if self._keyboard not in ready.readable | ready.closed:
            return ""
        keys = platform.read_keys(self._keyboard) if self._keyboard in ready.readable else None
        if keys is None:
            self._waiter.forget(self._keyboard)
            self._keyboard = None
        return keys or ""


def _descriptor(stream: Any) -> int | None:
    try:
        descriptor: int = stream.fileno()
    except (AttributeError, OSError, ValueError):
        return None
    return descriptor


class Terminal:
    """The terminal for a while: another screen, no cursor, no echo; all is put back."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: list[str] = []
        self._put_back: Callable[[], None] | None = None
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
            self._put_back = platform.take_keys(self._input.fileno())
        self._write("\x1b[?1049h\x1b[?25l\x1b[2J")
        self._lines = []

    def _leave(self) -> None:
        with suppress(OSError, ValueError):  # a terminal that went away needs nothing put back
            self._write("\x1b[0m\x1b[?25h\x1b[?1049l")
        if self._put_back:
            self._put_back()

    def suspend(self) -> None:
        """Stop as Ctrl-Z asks for, with the terminal as it was; go on when told to."""
        self._leave()
        before = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTSTP)
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


NARROWEST = 20
"""Columns that are drawn on at least; a narrower window cuts."""


class Screen(NamedTuple):
    """The terminal that standard output is: what views are drawn with, and how they print."""

    console: Console
    signs: Glyphs

    @classmethod
    def of(cls, *, in_color: bool) -> Self:
        """The terminal that standard output is."""
        return cls(console(in_color=in_color), terminal_signs())

    @property
    def width(self) -> int:
        """Columns."""
        return self.console.width

    def fitted(self, shown: str, *, cut: bool = False) -> str:
        """Text whose lines fit the width: what is too long goes on below, or is `cut`."""
        return fitted_lines(shown, self.console, cut=cut)

    def page(self, text: str) -> bool:
        """Show text in the pager that git would use; False where there is none."""
        return page(text, self.console.height)

    def printed(self, view: object) -> str:
        """A view as text."""
        return printed(self.console, view)


def console(width: int | None = None, *, in_color: bool) -> Console:
    """rich's idea of the terminal that standard output is."""
    screen = Console(
        file=sys.stdout,
        width=width,
        force_terminal=True,
        no_color=not in_color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    if screen.width < NARROWEST:
        screen.width = NARROWEST
    return screen


def terminal_signs() -> Glyphs:
    """The signs that standard output can hold."""
    return signs(sys.stdout.encoding)


def printed(on: Console, made: object) -> str:
    """A view as text, without blanks at the ends of lines and without a final newline."""
    with on.capture() as capture:
        on.print(made)
    return "\n".join(line.rstrip() for line in capture.get().rstrip().split("\n"))


_USUAL = {"LESS": "FRX", "LV": "-c"}
"""Settings of pagers where the user has none, as git has them: less ends when one screen does."""


def page(text: str, rows: int) -> bool:
    """Show text in the pager until its reader ends it; False where there is no pager.

    What `rows` of a screen hold needs no less, which would only clear a line and end.
    """
    words = _command()
    if not words or words == ["cat"] or (words[0] == "less" and text.count("\n") + 1 < rows):
        return False
    try:
        process = subprocess.Popen(
            platform.runnable(words), stdin=subprocess.PIPE, env={**_USUAL, **os.environ}
        )
    except OSError:
        return False
    assert process.stdin  # noqa: S101
    with suppress(BrokenPipeError), process.stdin as pipe:
        pipe.write(f"{text}\n".encode())
    while True:
        try:
            process.wait()
        except KeyboardInterrupt:
            continue  # it is the pager's: less goes on
        return process.returncode != 127


def _command() -> list[str]:
    """The words of the pager's command line; no repository has a say in it."""
    env = os.environ
    line = env.get("GIT_PAGER")
    if line is None:
        answer = git.run(
            ["config", "--get", "core.pager"], cwd=os.path.abspath(os.sep), env=git.unbound(env)
        )
        line = answer.stdout.decode("utf-8", "replace").strip() or env.get("PAGER", "less")
    try:
        return shlex.split(line)
    except ValueError:
        return []
