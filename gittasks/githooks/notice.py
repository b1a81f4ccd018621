"""The notice that hooks of gittasks do not run any more, for whoever only looks at a list."""

from __future__ import annotations

from gittasks.githooks import record
from gittasks.store.repository import Repository


def stopped(repository: Repository) -> tuple[str, ...]:
    """Hooks that were installed here and that git no longer calls.

    No git is run while all is as it was at the last look.
    """
    known = record.read(repository)
    if known is None:
        return ()
    if not known.holds(repository):
        from gittasks.githooks import install  # it runs git, and imports all that hooks need

        return install.status(repository).stopped
    return known.stopped


def warning(repository: Repository) -> str | None:
    """The line about hooks that do not run."""
    names = stopped(repository)
    if not names:
        return record.switched_off(repository)
    return f"git no longer calls the hooks of gittasks ({', '.join(names)}); see: gittasks doctor"
