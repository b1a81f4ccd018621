"""The lists of a repository: which there are, making one, choosing one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from gittasks.core.ids import check_list_id, slug
from gittasks.core.model import ListInfo, Problem, Snapshot
from gittasks.errors import GittasksError, NoList, Refused
from gittasks.store.list_store import ListStore
from gittasks.workspace import choice

if TYPE_CHECKING:
    from gittasks.workspace.workspace import Workspace


class ListSummary(NamedTuple):
    """One list of a repository: where it is, and what it says."""

    id: str
    snapshot: Snapshot
    local: bool
    remotes: tuple[str, ...]
    current: bool


def known(workspace: Workspace) -> list[ListSummary]:
    """All lists of a repository, local and fetched, in order of id."""
    repository = workspace.repository
    local = repository.local_lists()
    tracked = repository.tracked_lists()
    try:
        current: str | None = workspace.chosen.id
    except NoList:
        current = None
    found = []
    for list_id in choice.known_lists(repository):
        remotes = tuple(r for r, ids in tracked.items() if list_id in ids)
        snapshot = _readable_part(ListStore(repository, list_id))
        found.append(ListSummary(list_id, snapshot, list_id in local, remotes, list_id == current))
    return found


def _readable_part(store: ListStore) -> Snapshot:
    """The list, or an empty one with the reason as its problem: one bad list hides no other."""
    try:
        return store.load().snapshot
    except GittasksError as error:
        problem = Problem(store.ref.removeprefix("refs/heads/"), None, error.message)
        return Snapshot(info=ListInfo(id=store.list_id), problems=(problem,))


def init(workspace: Workspace, list_id: str | None, title: str | None) -> tuple[str, bool]:
    """Create or adopt a list and use it; returns its id and whether it was created."""
    chosen, created = make(workspace, list_id, title)
    from gittasks.workspace import merge_driver

    plain = created and workspace.repository.remotes()
    if plain and not merge_driver.is_installed(workspace.repository):
        workspace.notices.append("plain git can merge this list too, after: gittasks hooks install")
    use(workspace, chosen)
    return chosen, created


def make(workspace: Workspace, list_id: str | None, title: str | None) -> tuple[str, bool]:
    """Create or adopt a list and turn to it, but choose it for nobody else.

    Returns its id and whether it was created. Without an id it is called as `init` would.
    """
    from gittasks.store import transaction

    chosen = check_list_id(list_id) if list_id else _default_list_id(workspace)
    clash = [i for i in choice.known_lists(workspace.repository) if i.lower() == chosen.lower()]
    if clash and chosen not in clash:
        raise Refused(
            "case",
            f'the list "{clash[0]}" differs from "{chosen}" only in upper and lower case',
            hint=f"use it with: gittasks use {clash[0]}, or choose another name",
        )
    created = transaction.create(ListStore(workspace.repository, chosen))
    workspace.turn_to(chosen)
    if title is not None:
        from gittasks.core.operations import Retitle

        workspace.edit([Retitle(title)])
    return chosen, created


def make_if_none(workspace: Workspace) -> bool:
    """See `Workspace.make_list_if_none`."""
    try:
        if workspace.store.head() is not None:
            return False
    except NoList:
        if choice.known_lists(workspace.repository):
            raise
    return make(workspace, workspace.list_option, None)[1]


def _default_list_id(workspace: Workspace) -> str:
    """What to call a list when nobody said: the variable, the code branch, the folder."""
    if named := choice.named_list(workspace.repository, workspace.list_option):
        return named.id
    branch = workspace.repository.current_branch()
    if branch and branch not in ("main", "master", "trunk", "develop"):
        return slug(branch.replace("/", " "))
    folder = workspace.repository.found.work_tree or workspace.repository.common
    return slug(os.path.basename(folder).removesuffix(".git"))


def use(workspace: Workspace, list_id: str) -> None:
    """Make `list_id` the list of this worktree (or repository) through git config."""
    lists = choice.known_lists(workspace.repository)
    if list_id not in lists:
        chosen = choice.ChosenList(check_list_id(list_id), "--list")
        raise choice.no_such_list(workspace.repository, chosen)
    if workspace.repository.config.get("gittasks.list") == list_id:
        _warn_of_override(workspace, list_id)
        return
    scope = "--local"
    if workspace.repository.found.path != workspace.repository.common:  # a linked worktree
        if workspace.repository.config.flag("extensions.worktreeconfig"):
            scope = "--worktree"
        else:
            workspace.notices.append(
                "all worktrees of this repository use it now; for one of its own set "
                "GITTASKS_LIST, or first: git config extensions.worktreeConfig true"
            )
    from gittasks.workspace.settings import set_config

    set_config(workspace.repository, scope, "gittasks.list", list_id)
    _warn_of_override(workspace, list_id)


def _warn_of_override(workspace: Workspace, list_id: str) -> None:
    """Say so when the environment names another list than the one that is now configured."""
    for variable in choice.LIST_VARIABLES:
        value = workspace.repository.env.get(variable)
        if value and value != list_id:
            workspace.notices.append(f'{variable} is set to "{value}", which comes before this')
            return
