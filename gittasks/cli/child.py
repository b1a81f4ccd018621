"""Run a program in this terminal as a shell would: signals and exit code passed on."""

from __future__ import annotations

import shlex
import signal
import subprocess
from collections.abc import Sequence
from types import FrameType
from typing import NamedTuple

_FORWARDED = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGQUIT")


class ChildEnd(NamedTuple):
    """How a program ended: the exit code as a shell gives it, and the same in words."""

    code: int
    words: str
    command: str


def run_child(program: Sequence[str]) -> ChildEnd:
    """Run `program` with our stdin, stdout and stderr; wait for it whatever signals come.

    A signal sent to us alone is handed to the child. SIGINT from the keyboard reaches it anyway,
    so we only stay alive until it has ended. A program that cannot be run ends with 127 or 126.
    """
    command = shlex.join(program)
    try:
        child = subprocess.Popen(list(program))
    except FileNotFoundError:
        return ChildEnd(127, "the command was not found", command)
    except OSError as error:
        return ChildEnd(126, f"the command could not be run ({error.strerror})", command)

    def forward(number: int, _frame: FrameType | None) -> None:
        child.send_signal(number)

    numbers = [getattr(signal, name) for name in _FORWARDED if hasattr(signal, name)]
    before = {number: signal.signal(number, forward) for number in numbers}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        code = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if code < 0:
        name = signal.Signals(-code).name
        return ChildEnd(128 - code, f"the command was ended by {name}", command)
    if code:
        return ChildEnd(code, f"the command failed with exit code {code}", command)
    return ChildEnd(0, "the command succeeded", command)
