"""A real terminal for the tests: a window of tmux, typed into and looked at."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest

_PATIENCE = 20.0


class Window:
    """One window; its shell is sh, with the gittasks under test on its PATH."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._commands = 0

    def _tmux(self, *args: str) -> str:
        command = ["tmux", "-f", os.devnull, "-S", self._socket, *args]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout

    def open(self, folder: str, width: int, height: int, env: Mapping[str, str]) -> None:
        """Start the shell in a window of this size."""
        size = ("-x", str(width), "-y", str(height))
        settings = shlex.join(f"{name}={value}" for name, value in {**env, "PS1": "$ "}.items())
        self._tmux(
            "new-session", "-d", *size, "-c", folder, f"exec env -u COLUMNS -u LINES {settings} sh"
        )
        self.wait(lambda shown: "$" in shown)

    def type(self, text: str, *, enter: bool = True) -> None:
        """Type a line, or keys."""
        self._tmux("send-keys", "-l", text)
        if enter:
            self._tmux("send-keys", "Enter")

    def key(self, name: str) -> None:
        """Press a key by tmux's name, `C-c`."""
        self._tmux("send-keys", name)

    def shown(self, *, colours: bool = False) -> str:
        """What the window shows; with `colours` the escape sequences too."""
        return self._tmux("capture-pane", "-p", *(["-e"] if colours else []))

    def resize(self, width: int, height: int) -> None:
        """Change the size of the window."""
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def format(self, name: str) -> str:
        """A value of tmux about the window, `cursor_flag`."""
        return self._tmux("display-message", "-p", f"#{{{name}}}").strip()

    def wait(self, done: Callable[[str], bool]) -> str:
        """What is shown as soon as that is what was waited for."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            shown = self.shown()
            if done(shown):
                return shown
            assert time.monotonic() < deadline, shown
            time.sleep(0.05)

    def run(self, command: str) -> str:
        """Run a command to its end on a cleared window; the text shown then, without the prompt.

        Ends are numbered: until the shell has read the line, the window shows the one before.
        """
        self._commands += 1
        end = f"end{self._commands}="
        self.type(rf"printf '\033[H\033[2J'; {command}; echo 'e''{end[1:]}'$?")
        shown = self.wait(lambda text: f"\n{end}" in f"\n{text}")
        return shown.partition(end)[0]

    def close(self) -> None:
        """End the shell and all that runs in it: the terminal goes away."""
        self._tmux("kill-server")

    def end(self) -> None:
        """Leave nothing behind, whether it was closed or not."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._socket)


@contextmanager
def window(folder: str, width: int, height: int, env: Mapping[str, str] = {}) -> Iterator[Window]:
    """A terminal of this size in a folder; the test is skipped where there is no tmux."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed (apt install tmux)")
    # The path of a socket holds some 100 characters, fewer than a folder of pytest has.
    made = Window(f"/tmp/gittasks-{uuid.uuid4().hex[:12]}")
    path = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
    made.open(folder, width, height, {"PATH": path, **env})
    try:
        yield made
    finally:
        subprocess.run(
            ["tmux", "-S", made._socket, "kill-server"], capture_output=True, check=False
        )
        if os.path.exists(made._socket):
            os.unlink(made._socket)
