"""A page that changes: made when somebody asks, and viewers are told when it is another one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Event, Lock
from typing import NamedTuple, Protocol

LOOK_EVERY = 0.5
"""Seconds between two looks at what is shown, while somebody is watching."""
_STALE = 30
"""Seconds after which a page is made anew although nothing moved: it tells running times."""


class Source(Protocol):
    """What the page is made from; called by one thread at a time."""

    def moved(self) -> bool:
        """Whether it is another than at the last call; True at the first. Never raises."""

    def page(self) -> str:
        """The page as it is now. Never raises for what can be expected."""


class Shown(NamedTuple):
    """A page, with the number of the change that it was made after, and when (monotonic)."""

    text: str
    number: int
    at: float


class LivePage:
    """Keeps the page for all who ask, and the number of changes for those who wait for one."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._looking = Lock()
        self._changed = Condition()
        self._number = 0
        self._viewers = 0
        self._shown: Shown | None = None
        source.moved()  # what is there now is where everybody begins

    def text(self) -> str:
        """The page as it is now."""
        with self._looking:
            self._look()
            now = time.monotonic()
            shown = self._shown
            if shown is None or shown.number != self._number or now - shown.at > _STALE:
                shown = self._shown = Shown(self._source.page(), self._number, now)
            return shown.text

    def wait(self, number: int, seconds: float) -> int:
        """The number of changes; waits until it is another than `number`, or so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._number != number, seconds)
            return self._number

    @contextmanager
    def viewer(self, most: int) -> Iterator[bool]:
        """Count a viewer while the block lasts; False when there are `most` already."""
        with self._changed:
            admitted = self._viewers < most
            self._viewers += admitted
            self._changed.notify_all()
        try:
            yield admitted
        finally:
            with self._changed:
                self._viewers -= admitted

    def follow(self, stop: Event) -> None:
        """Look again and again until `stop`; sleeps while there are no viewers."""
        while not stop.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._viewers > 0 or stop.is_set())
            with self._looking:
                self._look()
            stop.wait(LOOK_EVERY)

    def wake(self) -> None:
        """Let `follow` see that it is to stop."""
        with self._changed:
            self._changed.notify_all()

    def _look(self) -> None:
        if self._source.moved():
            with self._changed:
                self._number += 1
                self._changed.notify_all()
