"""Waiting without work: until a time, a key, a signal, or the end of who reads."""

from __future__ import annotations

import os
import select
import signal
import sys
from types import FrameType
from typing import Any, Self

_ENDING = ("SIGTERM", "SIGHUP")


class Wait:
    """Pauses that end early when there is something to do.

    A reader that goes away raises BrokenPipeError even while there is nothing to write; a signal
    that ends the process raises KeyboardInterrupt, so that everything is put back first.
    """

    def __init__(self) -> None:
        self.resized = False
        self.stopped = False
        self._poll = select.poll()
        self._keyboard: int | None = None
        self._output = _descriptor(sys.stdout)
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._old_wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._poll.register(self._reader, select.POLLIN)
        if self._output is not None:
            self._poll.register(self._output, 0)  # errors and hang-ups alone
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
            self._poll.register(keyboard, select.POLLIN)

    def pause(self, seconds: float) -> str:
        """Wait so long at most; what was typed."""
        typed = ""
        for descriptor, what in self._poll.poll(seconds * 1000):
            if descriptor == self._reader:
                os.read(self._reader, 4096)
            elif descriptor == self._keyboard and what & select.POLLIN:
                data = os.read(descriptor, 4096)
                if not data:
                    self._forget_keyboard()
                typed = data.decode("utf-8", "replace")
            elif descriptor == self._output:
                raise BrokenPipeError
            else:
                self._forget_keyboard()
        return typed

    def _forget_keyboard(self) -> None:
        if self._keyboard is not None:
            self._poll.unregister(self._keyboard)
            self._keyboard = None


def _descriptor(stream: Any) -> int | None:
    try:
        found: int = stream.fileno()
    except (AttributeError, OSError, ValueError):
        return None
    return found
