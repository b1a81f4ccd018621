"""Change git's configuration with git, which other programs may be changing too."""

from __future__ import annotations

from gittasks.errors import Busy, NoRepository
from gittasks.store import git
from gittasks.store.repository import Repository
from gittasks.store.retry import Backoff

_ATTEMPTS = 12
"""Tries to change git's configuration, some 1.5 seconds in all."""
_BACKOFF = Backoff(first=0.02, most=0.2, least=0.8)


def set_config(repository: Repository, scope: str, key: str, value: str) -> None:
    """Set a key in the configuration of a scope, such as `--local`; Busy, NoRepository."""
    _change(repository, [scope, key, value], f"git config {key} {value}")


def remove_section(repository: Repository, section: str) -> None:
    """Remove a section from the repository's own configuration; Busy, NoRepository."""
    _change(repository, ["--local", "--remove-section", section], "the same command")


def _change(repository: Repository, args: list[str], again: str) -> None:
    """Run `git config`, again for a while when another one holds the file's lock."""
    for attempt in range(_ATTEMPTS):
        answer = git.run(["config", *args], cwd=repository.start, env=repository.env)
        if answer.returncode == 0:
            repository.__dict__.pop("config", None)  # it is read anew
            return
        if b"lock config file" not in answer.stderr:
            raise NoRepository(f"git config failed: {git.first_line(answer.stderr)}")
        _BACKOFF.wait(attempt)
    raise Busy(
        f"git config could not set {args[1]}: another program holds the configuration file",
        hint=f"run this again in a moment: {again}",
    )
