"""Change git's configuration with git, which other programs may be changing too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittasks.errors import Busy, NoRepository
from gittasks.store import git
from gittasks.store.retry import Backoff

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.store.repository import Repository

_ATTEMPTS = 12
"""Tries to change git's configuration, some 1.5 seconds in all."""
_BACKOFF = Backoff(first=0.02, most=0.2, least=0.8)


def change(repository: Repository, args: Sequence[str], again: str) -> None:
    """Run `git config`, again for a while when another one holds the file's lock."""
    for attempt in range(_ATTEMPTS):
        answer = git.run(["config", *args], cwd=repository.start, env=repository.env)
        if answer.returncode == 0:
            return
        if b"lock config file" not in answer.stderr:
            raise NoRepository(f"git config failed: {git.first_line(answer.stderr)}")
        _BACKOFF.wait(attempt)
    raise Busy(
        f"git config could not set {args[1]}: another program holds the configuration file",
        hint=f"run this again in a moment: {again}",
    )
