"""The lists of a repository: which there are, making one, choosing one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from gittasks.core.ids import check_list_id, slug
from gittasks.core.model import ListInfo, Problem, Snapshot
from gittasks.errors import GittasksError, NoList, Refused
from gittasks.store.list_store import ListStore
from gittasks.workspace import session as session_

if TYPE_CHECKING:
    from gittasks.workspace.session import Session


class ListSummary(NamedTuple):
    """One list of a repository: where it is, and what it says."""

    id: str
    snapshot: Snapshot
    local: bool
    remotes: tuple[str, ...]
    current: bool


def known(session: Session) -> list[ListSummary]:
    """All lists of a repository, local and fetched, in order of id."""
    repository = session.repository
    local = repository.local_lists()
    tracked = repository.tracked_lists()
    try:
        current: str | None = session.chosen.id
    except NoList:
        current = None
    summaries = []
    for list_id in repository.known_lists():
        remotes = tuple(r for r, ids in tracked.items() if list_id in ids)
        snapshot = _readable_part(ListStore(repository, list_id))
        summaries.append(
            ListSummary(list_id, snapshot, list_id in local, remotes, list_id == current)
        )
    return summaries


def _readable_part(store: ListStore) -> Snapshot:
    """The list, or an empty one with the reason as its problem: one bad list hides no other."""
    try:
        return store.load().snapshot
    except GittasksError as error:
        problem = Problem(store.ref.removeprefix("refs/heads/"), None, error.message)
        return Snapshot(info=ListInfo(id=store.list_id), problems=(problem,))


class ListMade(NamedTuple):
    """A list that is there now; `created` unless it was there before."""

    id: str
    created: bool


def init(session: Session, list_id: str | None, title: str | None) -> ListMade:
    """Create or adopt a list and use it from now on."""
    made = make(session, list_id, title)
    from gittasks.store import merge_driver, transaction

    plain = made.created and session.repository.remotes()
    if plain and not merge_driver.is_installed(session.repository):
        session.notices.append("plain git can merge this list too, after: gittasks hooks install")
    after = transaction.Aftermath()
    with after.step(f"it is not chosen yet; choose it with: gittasks use {made.id}"):
        use(session, made.id)
    _tell(session, after.unfinished)
    return made


def _tell(session: Session, unfinished: Iterable[str]) -> None:
    session.notices += [f"done, but {sentence}" for sentence in unfinished]


def make(session: Session, list_id: str | None, title: str | None) -> ListMade:
    """Create or adopt a list without choosing it for anybody.

    Without an id it is called as the variable, the code branch or the folder says.
    """
    from gittasks.store import transaction

    chosen = check_list_id(list_id) if list_id else _default_list_id(session)
    clash = [i for i in session.repository.known_lists() if i.lower() == chosen.lower()]
    if clash and chosen not in clash:
        raise Refused(
            "case",
            f'the list "{clash[0]}" differs from "{chosen}" only in upper and lower case',
            hint=f"use it with: gittasks use {clash[0]}, or choose another name",
        )
    created, unfinished = transaction.create(ListStore(session.repository, chosen))
    _tell(session, unfinished)
    if title is not None:
        from gittasks.core.operations import Retitle
        from gittasks.workspace import editing

        editing.edit(session.select(chosen), [Retitle(title)])
    return ListMade(chosen, created)


def make_if_none(session: Session) -> bool:
    """See `Workspace.make_list_if_none`."""
    try:
        if session.store.head() is not None:
            return False
    except NoList:
        if session.repository.known_lists():
            raise
    return make(session, session.list_option, None).created


def _default_list_id(session: Session) -> str:
    """The name of a list when none was given: the variable, the code branch, the folder."""
    if named := session_.named_list(session.repository, session.list_option):
        return named.id
    branch = session.repository.current_branch()
    if branch and branch not in ("main", "master", "trunk", "develop"):
        return slug(branch.replace("/", " "))
    folder = session.repository.found.work_tree or session.repository.common
    return slug(os.path.basename(folder).removesuffix(".git"))


def use(session: Session, list_id: str) -> None:
    """Make `list_id` the list of this worktree (or repository) through git config."""
    lists = session.repository.known_lists()
    if list_id not in lists:
        chosen = session_.ChosenList(check_list_id(list_id), "--list")
        raise session_.no_such_list(session.repository, chosen)
    if session.repository.config.get("gittasks.list") == list_id:
        _warn_of_override(session, list_id)
        return
    scope = "--local"
    if session.repository.found.path != session.repository.common:  # a linked worktree
        if session.repository.config.flag("extensions.worktreeconfig"):
            scope = "--worktree"
        else:
            session.notices.append(
                "all worktrees of this repository use it now; for one of its own set "
                "GITTASKS_LIST, or first: git config extensions.worktreeConfig true"
            )
    session.repository.set_config(scope, "gittasks.list", list_id)
    _warn_of_override(session, list_id)


def _warn_of_override(session: Session, list_id: str) -> None:
    """Say so when the environment names another list than the one that is now configured."""
    for variable in session_.LIST_VARIABLES:
        value = session.repository.env.get(variable)
        if value and value != list_id:
            session.notices.append(f'{variable} is set to "{value}", which comes before this')
            return
