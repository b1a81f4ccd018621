"""Watching a list as it changes, here and on its remote.

A look at a list that has not moved costs a few stats of files. Nothing is locked, and nothing is
written but the caches and what a fetch brings.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from gittasks.errors import GittasksError, NoList
from gittasks.store import leases
from gittasks.store.remotes import BackgroundFetch
from gittasks.workspace import log
from gittasks.workspace.session import no_remote

if TYPE_CHECKING:
    from gittasks.core.history import LogEntry
    from gittasks.store.list_store import ListStore
    from gittasks.store.list_version import Heads, ListVersion
    from gittasks.workspace.session import Session

_RECHECK = 5.0
"""Seconds after which the refs are read although no file looks changed."""


class ListUpdate(NamedTuple):
    """News of a list since the look before.

    `branch` is the list as it is now, None when it is not there (any more), or cannot be read for
    the reason that `problem` gives. `entries` are the commits that came in, oldest first; none at
    the first look, and none when the branch was moved back.
    """

    branch: ListVersion | None
    entries: tuple[LogEntry, ...] = ()
    problem: GittasksError | None = None


class RefState:
    """Notices that a list's branch moved, here or where it was fetched to."""

    def __init__(self, store: ListStore) -> None:
        self._store = store
        self._trace: tuple[object, ...] = ()
        self._heads: Heads | None = None
        self._read_at = 0.0

    def moved(self) -> bool:
        """Is it elsewhere than at the last call? True at the first. InvalidData."""
        now, trace = time.monotonic(), self._store.trace()
        if trace == self._trace and now - self._read_at < _RECHECK:
            return False
        self._trace, self._read_at = trace, now
        before, self._heads = self._heads, None  # stays None when a ref cannot be read
        self._heads = self._store.heads()
        return self._heads != before

    def recheck(self) -> None:
        """Take the list for moved after some seconds: what was read was not the whole of it."""
        self._heads = None


class RefWatcher:
    """Follows the list at work; `fetch_every` seconds its remote is asked as well.

    Call `look` as often as you like, and `close` in the end. Raises NoRemote when there is none
    to fetch from.
    """

    def __init__(self, session: Session, fetch_every: float | None = None) -> None:
        self.fetch_every = fetch_every
        self.store = session.store
        self._watchpoint = RefState(self.store)
        self._known: frozenset[str] | None = None
        self._told: str | None = None
        self._fetches: _Fetches | None = None
        if fetch_every is not None:
            if self.store.remote is None:
                raise no_remote(session.repository)
            self._fetches = _Fetches(self.store, self.store.remote, fetch_every)

    @property
    def fetch_problem(self) -> GittasksError | None:
        """The failure of the last fetch; None when it went through."""
        return self._fetches.problem if self._fetches else None

    def look(self) -> ListUpdate | None:
        """The news since the last look, None without any; never waits for a remote."""
        if self._fetches:
            self._fetches.go_on()
        try:
            if not self._watchpoint.moved():
                return None
            news = self._read()
        except NoList as error:
            news = ListUpdate(None, (), error)
        except GittasksError as error:
            self._watchpoint.recheck()
            previous, self._told = self._told, error.message
            return None if previous == error.message else ListUpdate(None, (), error)
        self._told = None
        return news

    def _read(self) -> ListUpdate:
        # The history first: what is committed in between is then shown, and told by the next look.
        entries, self._known = log.gained(self.store, self._known)
        branch = self.store.load()
        if not branch.whole:
            self._watchpoint.recheck()
        return ListUpdate(branch, tuple(entries))

    def close(self) -> None:
        """End a fetch that is under way."""
        if self._fetches:
            self._fetches.end()


class _Fetches:
    """Fetches a list every so many seconds, beside what this process does, never two at once."""

    def __init__(self, store: ListStore, remote: str, every: float) -> None:
        self.problem: GittasksError | None = None
        self._store, self._remote, self._every = store, remote, every
        self._next = 0.0
        self._running: BackgroundFetch | None = None

    def go_on(self) -> None:
        """See to a fetch that has ended; begin the next one when it is time."""
        repository, list_id = self._store.repository, self._store.list_id
        if self._running is not None:
            try:
                if self._running.ended() is None:
                    return
                leases.record_observations(repository, self._remote, list_id)
                self.problem = None
            except GittasksError as error:
                self.problem = error
            self._running, self._next = None, time.monotonic() + self._every
        elif time.monotonic() >= self._next:
            self._running = BackgroundFetch(repository, self._remote, list_id)

    def end(self) -> None:
        """Stop what is under way."""
        if self._running is not None:
            self._running.stop()
            self._running = None
