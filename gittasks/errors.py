"""Errors that gittasks raises on purpose: kind, place, hint, exit code.

An error says what is wrong (the message), where (`where`: a file and line, a ref, a task),
and what to do next (`hint`): steps whose commands are data, and words. Its class gives the
stable `kind` of the JSON error and the exit code; one boundary, in `gittasks.cli.main`,
prints it. Expected outcomes (a lost race, nothing to do) are values, not errors.
"""

from __future__ import annotations

import errno
import os

from gittasks.light import TYPE_CHECKING, MappingProxyType, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, ClassVar, Final, Self


class Way(NamedTuple):
    """A next step that an error offers: what it is for, and the command, each word apart.

    A command has no placeholders and can be run at once. A `decision` is one that needs a person:
    force, a take-over, a command of git's own.
    """

    purpose: str
    command: tuple[str, ...] = ()
    decision: bool = False

    def __str__(self) -> str:
        """The step as a hint has it."""
        if not self.command:
            return self.purpose
        import shlex  # only on the way to an error

        return f"{self.purpose}: {shlex.join(self.command)}"


Notice = str | Way
"""A sentence beside an answer; one that names a command has it as data."""
UPDATE: Final = Way("update gittasks", ("pip", "install", "--upgrade", "gittasks"), decision=True)
"""The step where a later version wrote what was read."""


class GittasksError(Exception):
    """Base of all expected errors; `details` are extra fields of the JSON error.

    An error does not change once it is made: `with_hint`, `with_ways`, `with_details` return
    another.
    """

    kind: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    message: str
    where: str | None
    advice: str | None
    """Words of the hint that name no command."""
    ways: tuple[Way, ...]
    details: Mapping[str, Any]

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        ways: Sequence[Way] = (),
        where: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.__dict__.update(
            message=message,
            advice=hint,
            ways=tuple(ways),
            where=where,
            details=MappingProxyType(dict(details or {})),
        )

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse any change but those of the interpreter: traceback, cause, context."""
        if not name.startswith("__"):
            raise AttributeError(f"an error does not change: {name} of {type(self).__name__}")
        super().__setattr__(name, value)

    @property
    def hint(self) -> str | None:
        """The next step, in words and commands; None when there is nothing to say."""
        return "; ".join([*map(str, self.ways), *filter(None, [self.advice])]) or None

    @property
    def commands(self) -> tuple[tuple[str, ...], ...]:
        """Commands that are accepted when they are run at once, each an argv."""
        return tuple(w.command for w in self.ways if w.command and not w.decision)

    @property
    def decisions(self) -> tuple[tuple[str, ...], ...]:
        """Commands that a person has to decide on."""
        return tuple(w.command for w in self.ways if w.command and w.decision)

    def with_hint(self, advice: str | None, *ways: Way) -> Self:
        """The same error with another hint: these steps and words instead of its own."""
        return self._with(advice=advice, ways=ways)

    def with_ways(self, ways: Iterable[Way]) -> Self:
        """The same error with other steps; words that name no command stay."""
        return self._with(ways=tuple(ways))

    def with_message(self, message: str) -> Self:
        """The same error in other words."""
        return self._with(message=message, args=(message,))

    def with_details(self, *, where: str | None = None, **details: Any) -> Self:
        """The same error with more details, or at another place; a detail of None is left out."""
        dropped = {name for name, value in details.items() if value is None}
        merged = {k: v for k, v in {**self.details, **details}.items() if k not in dropped}
        return self._with(where=where or self.where, details=MappingProxyType(merged))

    def _with(self, **changes: Any) -> Self:
        args = changes.pop("args", self.args)
        other = type(self).__new__(type(self), *args)
        other.__dict__.update(self.__dict__ | changes)
        other.__cause__, other.__suppress_context__ = self.__cause__, self.__suppress_context__
        return other.with_traceback(self.__traceback__)


class Usage(GittasksError):
    """The command line or an argument's form is wrong."""

    kind = "usage"
    exit_code = 2


class NotFound(GittasksError):
    """No task, list, commit or file of that name."""

    kind = "not-found"
    exit_code = 3


class Ambiguous(GittasksError):
    """A prefix fits several names."""

    kind = "ambiguous"
    exit_code = 3


class InvalidData(GittasksError):
    """Data that was read cannot be used: a task file, a plan, a batch line, an object."""

    kind = "invalid"
    exit_code = 4


_DISK_WORDS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "not permitted",
    errno.EFBIG: "the file would be larger than this process may write",
    errno.EIO: "the disk reports an I/O error",
    errno.EMFILE: "too many files are open in this process",
    errno.ENFILE: "too many files are open on this machine",
}


UNCHANGED = "nothing was changed; fix the cause and run this again"
"""What to do about an error of the disk that came before anything was written."""


class DiskFailure(GittasksError):
    """A file or folder could not be read or written; `where` is its path."""

    kind = "disk"
    exit_code = 4

    @classmethod
    def of(cls, error: OSError, *, hint: str | None = None) -> DiskFailure:
        """The error of the system, in words of its own."""
        words = _DISK_WORDS.get(error.errno or 0) or error.strerror or str(error)
        path = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else None
        return cls(words, where=path, hint=hint or UNCHANGED)


def failure_of(error: GittasksError | OSError, *, hint: str | None = None) -> GittasksError:
    """An error of the system in words of ours, with a hint; one of ours as it is."""
    return DiskFailure.of(error, hint=hint) if isinstance(error, OSError) else error


class FormatTooNew(GittasksError):
    """The list or the repository uses a format this version does not know."""

    kind = "format"
    exit_code = 4


class Refused(GittasksError):
    """A rule of the list forbids the change; `rule` names it."""

    kind = "refused"
    exit_code = 5
    rule: str
    tasks: tuple[str, ...]

    def __init__(
        self,
        rule: str,
        message: str,
        *,
        hint: str | None = None,
        ways: Sequence[Way] = (),
        tasks: Sequence[str] = (),
        details: Mapping[str, Any] | None = None,
    ) -> None:
        every = {"rule": rule, "tasks": list(tasks), **(details or {})}
        super().__init__(message, hint=hint, ways=ways, details=every)
        self.__dict__.update(rule=rule, tasks=tuple(tasks))


class Busy(GittasksError):
    """Still contended after all retries; nothing was written."""

    kind = "busy"
    exit_code = 6


class RemoteFailure(GittasksError):
    """A remote could not be reached or refused; local work is safe."""

    kind = "remote"
    exit_code = 7


class HistoryRewritten(RemoteFailure):
    """The remote no longer has what was once fetched from it or pushed to it."""

    kind = "history-rewritten"


class NoRemote(GittasksError):
    """The repository has no remote, or none was chosen among several."""

    kind = "no-remote"
    exit_code = 8


class EmptyRemote(NoRemote):
    """The remote has no branch yet, and a task list is not to be the first."""


class NoRepository(GittasksError):
    """There is no git repository here."""

    kind = "no-repository"
    exit_code = 8


class Untrusted(NoRepository):
    """There is a repository here, and git refuses to work in it; the message is git's."""

    kind = "untrusted"


class NoList(GittasksError):
    """The repository has no task list, or none was chosen among several."""

    kind = "no-list"
    exit_code = 8


class BranchGone(NoList):
    """The branch of a list is gone with operations that were acknowledged here."""


class MissingExtra(GittasksError):
    """A command needs a Python package that comes with an extra and is not installed."""

    kind = "missing-extra"
    exit_code = 8


class Bug(GittasksError):
    """A fault of gittasks itself, at the last boundary."""

    kind = "bug"
    exit_code = 70
