"""The gits that a command starts, as git's own trace has them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from support.repositories import Repo, Result

__all__ = ["Run", "started", "traced"]

_T = TypeVar("_T")


class Run(NamedTuple):
    """A command that was traced: its result, and the arguments of each git that it started."""

    result: Result
    started: list[list[str]]

    @property
    def fetches(self) -> int:
        """How many of them were fetches."""
        return sum("fetch" in argv for argv in self.started)


def traced(repo: Repo, *args: str) -> Run:
    """Run gittasks and note every git that it starts itself, not what these start in turn."""
    result, gits = started(repo, lambda: repo.run(*args), nested=False)
    return Run(result, gits)


def started(
    repo: Repo, run: Callable[[], _T], *, nested: bool = True
) -> tuple[_T, list[list[str]]]:
    """The result of a call, and the arguments of each git that was started by it."""
    path = Path(repo.path + ".trace")
    path.unlink(missing_ok=True)
    os.environ["GIT_TRACE2_EVENT"] = str(path)
    try:
        result = run()
    finally:
        del os.environ["GIT_TRACE2_EVENT"]
    events = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    starts = [event for event in events if event["event"] == "start"]
    return result, [event["argv"] for event in starts if nested or "/" not in event["sid"]]
