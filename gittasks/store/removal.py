"""Removal of a list from this repository: its branch, and all that is kept about it."""

from __future__ import annotations

import os

from gittasks.errors import Busy, Refused
from gittasks.light import TYPE_CHECKING
from gittasks.store import (
    acknowledged,
    disk,
    git,
    home,
    journal,
    leases,
    remotes,
    side_branches,
    worktrees,
)
from gittasks.store.commits import missing_operations
from gittasks.store.transaction import lock_of

if TYPE_CHECKING:
    from gittasks.store.list_store import ListStore
    from gittasks.store.repository import Repository


def check_not_checked_out(repository: Repository, ref: str) -> None:
    """Refuse where a worktree has the branch checked out, as git does."""
    if folders := worktrees.folders(repository, ref):
        raise Refused(
            "checked-out",
            f"the list's branch is checked out in {', '.join(folders)}",
            hint="switch that worktree to another branch, or remove it",
        )


def unsent(store: ListStore, shown: str | None) -> tuple[str, ...]:
    """The operations of the branch here that a head of its remote lacks."""
    local = store.repository.refs.read(store.ref)
    heads = [shown] if shown else []
    return missing_operations(store.repository.objects, local, heads) if local else ()


def remove(store: ListStore, remote: str | None, head: str | None) -> None:
    """Delete the branch at `head`, where `remote` was seen with it, and the records of both.

    Raises Refused when it is checked out, Busy when it has moved meanwhile.
    """
    repository, list_id = store.repository, store.list_id
    with lock_of(store):
        check_not_checked_out(repository, store.ref)
        # Without its record first, so that a branch that goes was never one that is missed.
        acknowledged.drop(repository, list_id)
        side_branches.pass_over(store)
        _delete_refs(store, remote, head)
        journal.Journal(repository.common, store.ref).drop()
        home.forget(repository, list_id)
        if remote:
            remotes.forget_published(repository, remote, list_id)
        remotes.forget_urls(repository, list_id)
        leases.forget(store, remote)
        _forget_caches(store)
    section = f"branch.{store.ref.removeprefix('refs/heads/')}"
    if any(True for _ in repository.config.keys_of(f"{section}.")):
        repository.remove_config_section(section)


def _delete_refs(store: ListStore, remote: str | None, head: str | None) -> None:
    """All in one transaction of git's, which looks whether the branch is still at `head`."""
    repository, list_id = store.repository, store.list_id
    prefixes = [remotes.leases_of(list_id)]
    lines = [f"delete {store.ref} {head}"] if head else []
    if remote:
        prefixes.append(remotes.seen_leases(remote, list_id))
        tracking = repository.tracking_ref(remote, list_id)
        lines += [f"delete {tracking}"] if repository.refs.read(tracking) else []
    lines += [f"delete {n}" for p in prefixes for n, _ in repository.refs.listed(p)]
    done = git.run(
        [f"--git-dir={repository.common}", *git.NO_HOOKS, "update-ref", "--stdin"],
        cwd=repository.common,
        env=git.unbound(repository.env),
        stdin="".join(f"{line}\n" for line in lines).encode(),
    )
    if done.returncode != 0:
        raise Busy(
            f'the branch of "{list_id}" was not deleted here: {git.first_line(done.stderr)}',
            hint="see its state with: gittasks log; then run this again",
        )


def _forget_caches(store: ListStore) -> None:
    """Files that are named by the branch below the cache, one for each kind."""
    folder = os.path.dirname(os.path.dirname(store.repository.cache_path("lists", "refs/heads/x")))
    for kind in disk.names_in(folder):
        disk.remove(store.repository.cache_path(kind, store.ref))
