"""The time limit of a law: an alarm that Hypothesis does not take for the failure of an example."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType


class TimeLimit(BaseException):
    """A test has reached its time limit. No Exception: those are what an example may raise."""


_AGAIN = 60.0
"""Seconds to the next one: where it rings in a callback of the interpreter, it is lost."""


def alarm(seconds: float) -> Callable[[], None]:
    """Have TimeLimit raised in so many seconds, wherever that is; returns what calls it off."""

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise TimeLimit(f"longer than {seconds:g} seconds")

    def cancel() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    return cancel
