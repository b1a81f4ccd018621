"""A program run in this terminal as a shell would: signals and exit code passed on."""

from __future__ import annotations

import shlex
import signal
import subprocess
from collections.abc import Sequence
from types import FrameType
from typing import NamedTuple, TextIO

from gittasks.store import platform

_FORWARDED = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGQUIT")


class ChildEnd(NamedTuple):
    """The end of a program: the exit code as a shell gives it, and the same in words."""

    code: int
    words: str
    command: str


class _Signals:
    """Hands signals on to a child, from before it runs until it has ended.

    SIGINT comes from the keyboard and reaches the child anyway, so we only stay alive. A signal
    that is ignored stays so, for the child too (nohup).
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._before = {
            number: signal.signal(number, self._take)
            for name in (*_FORWARDED, "SIGINT")
            if (number := getattr(signal, name, None)) is not None
            and signal.getsignal(number) is not signal.SIG_IGN
        }

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            return
        if self._child is None:
            self._early.append(number)
        else:
            self._child.send_signal(number)

    def to(self, child: subprocess.Popen[bytes]) -> None:
        """Send to `child` what came until now, and what will come."""
        self._child = child
        for number in self._early:
            child.send_signal(number)

    def end(self) -> None:
        """Handle signals as before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)


def run_child(program: Sequence[str], *, stdout: TextIO | None = None) -> ChildEnd:
    """Run `program` with our stdin, stdout and stderr; wait for it whatever signals come.

    Its output goes to `stdout` instead, if that is given.

    A signal sent to us alone is handed to the child. A program that cannot be run ends with 127
    or 126.
    """
    command = shlex.join(program)
    signals = _Signals()
    try:
        child = subprocess.Popen(platform.runnable(program), stdout=stdout)
        signals.to(child)
        code = child.wait()
    except FileNotFoundError:
        return ChildEnd(127, "the command was not found", command)
    except OSError as error:
        return ChildEnd(126, f"the command could not be run ({error.strerror})", command)
    finally:
        signals.end()
    if code < 0:
        return ChildEnd(128 - code, f"the command was ended by {_name(-code)}", command)
    if code:
        return ChildEnd(code, f"the command failed with exit code {code}", command)
    return ChildEnd(0, "the command succeeded", command)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most real-time signals have no name
        return f"signal {number}"
