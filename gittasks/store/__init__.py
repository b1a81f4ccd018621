"""Git on disk: finding the repository, its objects and refs, and one list's branch in it.

The only package that imports dulwich, and with `git.run` the one way in which all others run
git. Objects first, one guarded ref move last.

Its modules `git` and `platform` are attributes of it (`store.git.run`) to those that a warm read
imports and that seldom need them: they are loaded when they are first used.
"""

from __future__ import annotations

from gittasks import light
from gittasks.light import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from gittasks.store import git, platform

    __all__ = ["git", "platform"]


def __getattr__(name: str) -> Any:
    """Load a module of this room when it is first asked for."""
    if name not in ("git", "platform"):
        raise AttributeError(name)
    return light.module(f"gittasks.store.{name}")
