"""The remotes of a repository, and what the installed git says when it talks to one.

git does the talking, so credentials, ssh, proxies and rewritten URLs are as the user has them. What
a remote refuses is a value here, not an error: a lost race is the ordinary case.
"""

from __future__ import annotations

import os

from gittasks.errors import NotFound
from gittasks.store import disk, refs
from gittasks.store.repository import Repository


def upstream(repository: Repository, list_id: str) -> str | None:
    """The remote of a list: of its branch, else origin, else the only one there is; or None."""
    branch = repository.ref(list_id).removeprefix("refs/heads/")
    names = repository.remotes()
    configured = repository.config.get(f"branch.{branch}.remote")
    if configured in names:
        return configured
    if "origin" in names:
        return "origin"
    return names[0] if len(names) == 1 else None


def named(repository: Repository, name: str) -> str:
    """The remote of that name; NotFound names those that there are."""
    names = repository.remotes()
    if name in names:
        return name
    there = f"there is {', '.join(names)}" if names else "add it with: git remote add NAME URL"
    raise NotFound(f'no remote "{name}" in this repository', hint=there)


def _published_path(repository: Repository, remote: str, list_id: str) -> str:
    ref = repository.tracking_ref(remote, list_id).removeprefix("refs/remotes/")
    return os.path.join(repository.common, "gittasks", "published", ref)


def published(repository: Repository, remote: str, list_id: str) -> str | None:
    """The commit of a list that a remote was last known to hold, None when nothing is known."""
    try:
        text = disk.read(_published_path(repository, remote, list_id)).decode("ascii", "replace")
    except OSError:
        return None
    return text.strip() if refs.is_object_id(text.strip()) else None


def note_published(repository: Repository, remote: str, list_id: str, commit: str) -> None:
    """Remember that a remote holds a commit, so that a history rewritten there is noticed."""
    if published(repository, remote, list_id) != commit:
        path = _published_path(repository, remote, list_id)
        disk.put(path, commit.encode() + b"\n", repository.shared)
