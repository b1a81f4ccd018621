"""Programs that run in this terminal: a command as a shell would run it, the editor on a task.

Signals and exit code are passed on. What was edited and cannot be used is kept for the next try.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING, NamedTuple, TextIO, TypeVar

from gittasks.codec import form
from gittasks.errors import GittasksError, Refused, Way
from gittasks.store import disk, git, platform

if TYPE_CHECKING:
    from collections.abc import Callable

    from gittasks.core.model import Task
    from gittasks.store.repository import Repository

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


T = TypeVar("T")


class Draft:
    """The file that is edited, below the git directory, and what it was when it was first opened.

    It stays until what it says is done, so that nothing that was typed is lost.
    """

    def __init__(self, repository: Repository, list_id: str, task: Task, again: Way) -> None:
        self._repository, self._task, self._again = repository, task, again
        folder = os.path.join(repository.common, "gittasks", "edit")
        self.path = os.path.join(folder, f"{list_id}-{task.id}.yaml")
        self._first = f"{self.path}.first"

    def edited(self, purpose: str, *, quiet: bool) -> Task | None:
        """The task after the editor, which continues a kept form; None for an empty form."""
        if not os.path.exists(self.path):
            disk.make_folders(os.path.dirname(self.path), self._repository.shared)
            blank = form.form(self._task, purpose).encode()
            disk.replace_file(self._first, blank, shared=self._repository.shared)
            disk.replace_file(self.path, blank, shared=self._repository.shared)
        self._run_editor(quiet=quiet)
        text = disk.read(self.path).decode("utf-8", "replace")
        if form.is_empty(text):
            self.discard()
            return None
        return self.kept_on_error(lambda: form.read_form(text, self._task.id))

    def before(self) -> Task:
        """The task as the form had it when it was first opened."""
        first = disk.read(self._first).decode("utf-8", "replace")
        return form.read_form(first, self._task.id)

    def kept_on_error(self, action: Callable[[], T]) -> T:
        """The result of an action; an error says that the file is kept, and how to go on."""
        try:
            return action()
        except GittasksError as error:
            ways = [*error.ways, self._again]
            raise error.with_ways(ways) from error.__cause__

    def discard(self) -> None:
        """Remove the file: it is done with."""
        disk.remove(self.path)
        disk.remove(self._first)

    def _run_editor(self, *, quiet: bool) -> None:
        """Run it through the shell, as git does, since its name may have arguments."""
        answer = git.run(
            ["var", "GIT_EDITOR"], cwd=self._repository.start, env=self._repository.env
        )
        name = answer.stdout.decode("utf-8", "surrogateescape").strip()
        if answer.returncode != 0 or not name:
            raise Refused(
                "editor",
                f"git knows no editor: {git.first_line(answer.stderr)}",
                hint="set one with: git config --global core.editor NAME",
            )
        sys.stdout.flush()
        done = subprocess.run(
            ["sh", "-c", f'{name} "$@"', name, self.path],
            stdout=sys.stderr if quiet else None,
            check=False,
        )
        if done.returncode != 0:
            changed = disk.read(self.path) != disk.read(self._first)
            if not changed:
                self.discard()
            raise Refused(
                "editor",
                f"the editor failed ({name}: exit code {done.returncode}), so nothing was changed",
                ways=[self._again] if changed else (),
            )
