"""The record that hooks belong here, and a look whether git still calls them, without git."""

from __future__ import annotations

import os

from gittasks import light
from gittasks.light import TYPE_CHECKING, NamedTuple
from gittasks.store import disk
from gittasks.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_FILE = disk.CacheFile("hooks", 1)
Signature = tuple[int, ...]
"""The state of a file as far as a stat tells it; () when there is none."""


class Record(NamedTuple):
    """The hooks that were installed in a repository, and how it was with them at the last look.

    `running` are all that ever ran here, `stopped` those of them that git did not call at that
    look. `watched` are the files that this depends on, with their state then; their paths start
    at the git dir, which may move.
    """

    running: tuple[str, ...]
    stopped: tuple[str, ...]
    hooks_path: str | None
    watched: tuple[tuple[str, Signature], ...]

    def holds(self, repository: Repository) -> bool:
        """True while nothing has changed since the look."""
        return self.hooks_path == repository.config.get("core.hookspath") and all(
            _signature(os.path.join(repository.common, path)) == signature
            for path, signature in self.watched
        )


def read(repository: Repository) -> Record | None:
    """The record of a repository, None where no hooks were installed."""
    try:
        body = _FILE.read(_path(repository))
        if body is None:
            return None
        running, stopped, hooks_path, watched = light.read_json(body)
        files = tuple((path, tuple(signature)) for path, signature in watched)
        return Record(tuple(running), tuple(stopped), hooks_path, files)
    except (ValueError, TypeError):
        return None


def write(
    repository: Repository, running: Iterable[str], stopped: Iterable[str], files: Iterable[str]
) -> None:
    """Record a look at the hooks; where that cannot be written, the next look is taken anew."""
    common = repository.common
    record = Record(
        tuple(running),
        tuple(stopped),
        repository.config.get("core.hookspath"),
        tuple((os.path.relpath(path, common), _signature(path)) for path in dict.fromkeys(files)),
    )
    if record != read(repository):
        _FILE.write(_path(repository), light.write_json(record).encode(), repository.shared)


def switched_off(repository: Repository) -> str | None:
    """The line about hooks that the environment switches off, where they belong."""
    if repository.env.get("GITTASKS_HOOKS") != "0" or read(repository) is None:
        return None
    return "GITTASKS_HOOKS=0 in the environment switches the hooks of gittasks off"


def warning(repository: Repository, look: Callable[[], tuple[str, ...]]) -> str | None:
    """The line about hooks that were installed here and that git no longer calls.

    `look` runs git to see which; that is only where something has changed since the last look.
    """
    known = read(repository)
    names = () if known is None else known.stopped if known.holds(repository) else look()
    if not names:
        return switched_off(repository)
    return f"git no longer calls the hooks of gittasks ({', '.join(names)}); see: gittasks doctor"


def remove(repository: Repository) -> None:
    """Hooks do not belong here any more."""
    disk.remove(_path(repository))


def _path(repository: Repository) -> str:
    return os.path.join(repository.common, "gittasks", "hooks-record")


def _signature(path: str) -> Signature:
    try:
        state = os.stat(path)
    except OSError:
        return ()
    return state.st_mtime_ns, state.st_size, state.st_ino, state.st_mode
