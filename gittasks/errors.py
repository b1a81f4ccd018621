"""Errors that gittasks raises on purpose: kind, place, hint, exit code.

An error says what is wrong (the message), where (`where`: a file and line, a ref, a task),
and what to do next (`hint`, never a complete destructive command). Its class gives the
stable `kind` of the JSON error and the exit code; one boundary, in `gittasks.cli.main`,
prints it. Expected outcomes (a lost race, nothing to do) are values, not errors.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class GittasksError(Exception):
    """Base of all expected errors; `details` are extra fields of the JSON error."""

    kind: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        where: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where
        self.details = dict(details or {})


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
    errno.EIO: "the disk reports an I/O error",
    errno.EMFILE: "too many files are open in this process",
    errno.ENFILE: "too many files are open on this machine",
}


class DiskFailure(GittasksError):
    """A file or folder could not be read or written; `where` is its path."""

    kind = "disk"
    exit_code = 4

    @classmethod
    def of(cls, error: OSError, *, hint: str | None = None) -> DiskFailure:
        """The error of the system, in words of its own."""
        words = _DISK_WORDS.get(error.errno or 0) or error.strerror or str(error)
        path = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else None
        again = "nothing was changed; see to the cause and run this again"
        return cls(words, where=path, hint=hint or again)


class FormatTooNew(GittasksError):
    """The list or the repository uses a format this version does not know."""

    kind = "format"
    exit_code = 4


class Refused(GittasksError):
    """A rule of the list forbids the change; `rule` names it."""

    kind = "refused"
    exit_code = 5

    def __init__(
        self,
        rule: str,
        message: str,
        *,
        hint: str | None = None,
        tasks: Sequence[str] = (),
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            message, hint=hint, details={"rule": rule, "tasks": list(tasks), **(details or {})}
        )
        self.rule = rule
        self.tasks = tuple(tasks)


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


class MissingExtra(GittasksError):
    """A command needs a Python package that comes with an extra and is not installed."""

    kind = "missing-extra"
    exit_code = 8


class Bug(GittasksError):
    """A fault of gittasks itself, at the last boundary."""

    kind = "bug"
    exit_code = 70
