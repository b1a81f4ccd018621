"""Session: one repository, the list at work in it, who acts, and the time.

The floor on which every feature of this room stands; it knows none of them.
"""

from __future__ import annotations

from functools import cached_property
from typing import Self

from gittasks.core.model import Actor, Snapshot
from gittasks.errors import NoList
from gittasks.store.layout import Branch
from gittasks.store.list_store import ListStore
from gittasks.store.repository import Repository
from gittasks.workspace import choice


class Session:
    """One repository, the list at work, the actor. Opening it reads no list and never writes."""

    def __init__(
        self,
        repository: Repository,
        list_option: str | None = None,
        owner_option: str | None = None,
        notices: list[str] | None = None,
        remote_option: str | None = None,
    ) -> None:
        self.repository = repository
        self.list_option = list_option
        """The list that was named for this session, if one was."""
        self.notices: list[str] = [] if notices is None else notices
        """Hints that came up on the way, for whoever talks to the user."""
        self._owner_option = owner_option
        self.on_behalf: frozenset[str] = frozenset()
        """Tasks of other owners that the actor, in its session, is known to have begun itself."""
        self._remote_option = remote_option
        self._store: ListStore | None = None

    def select(self, list_id: str) -> Self:
        """A session of the same repository and actor with another list at work."""
        return type(self)(
            self.repository, list_id, self._owner_option, self.notices, self._remote_option
        )

    @cached_property
    def chosen(self) -> choice.ChosenList:
        """The list at work; NoList when none was named and several or none exist."""
        return choice.choose_list(self.repository, self.list_option)

    @cached_property
    def actor(self) -> Actor:
        """Who acts in this process."""
        return choice.choose_actor(self.repository, self._owner_option)

    @property
    def store(self) -> ListStore:
        """The branch of the list at work."""
        if self._store is None:
            self._store = ListStore(self.repository, self.chosen.id, self._remote_option)
        return self._store

    @property
    def used_store(self) -> ListStore | None:
        """The branch of the list at work; None when nothing has been asked of it so far."""
        return self._store

    @property
    def list_id(self) -> str:
        """Id of the list at work."""
        return self.chosen.id

    def branch(self) -> Branch:
        """The list as it is now, with the commit it was read from."""
        try:
            return self.store.load()
        except NoList:
            raise choice.no_such_list(self.repository, self.chosen) from None

    def snapshot(self) -> Snapshot:
        """The list as it is now."""
        return self.branch().snapshot

    def now(self) -> choice.Moment:
        """This instant, or the one that GIT_AUTHOR_DATE names."""
        return choice.current_moment(self.repository)
