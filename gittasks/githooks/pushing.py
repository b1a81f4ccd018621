"""With a push of code: push the lists to the same remote."""

from __future__ import annotations

import os

from gittasks.errors import GittasksError
from gittasks.store import home
from gittasks.store.list_store import ListStore
from gittasks.store.repository import Repository
from gittasks.sync import Wish, exchange
from gittasks.workspace import Workspace

_ANCESTORS = 6
"""How far up the processes the `git push` is looked for: hooks may be run by other hooks."""


def push_along(workspace: Workspace, remote: str, stdin: str) -> list[str]:
    """Push what this remote does not have yet of the lists that are shared through it.

    `gittasks.pushWithCode` false switches that off. Lists that are being pushed just now by the
    push itself (`stdin`: githooks, pre-push) are left to it.
    """
    repository = workspace.repository
    if remote not in repository.remotes() or _is_dry_run():
        return []
    if not repository.config.flag("gittasks.pushwithcode", default=True):
        return []
    under_way = {line.split(" ")[0] for line in stdin.splitlines()}
    under_way |= {words[2] for line in stdin.splitlines() if len(words := line.split(" ")) > 2}
    stores = [
        ListStore(repository, list_id, remote)
        for list_id, commit in repository.local_lists().items()
        if repository.ref(list_id) not in under_way and _is_due(repository, list_id, commit, remote)
    ]
    if not stores:
        return []
    told = []
    for done in exchange.sync(stores, remote, Wish(fetch=False, push=True)):
        if done.error:
            told.append(_not_pushed(done.list_id, remote, done.error))
        else:
            count = len(done.sent)
            what = "is" if done.created else f"{count} {'change' if count == 1 else 'changes'}"
            told.append(f"{done.list_id}: {what} now on {remote}")
    return told


def _is_due(repository: Repository, list_id: str, commit: str, remote: str) -> bool:
    """Whether a list goes to this remote, and has something that is not there as far as known."""
    found = home.of(repository, list_id)
    there = repository.tracked_lists().get(remote, {}).get(list_id)
    return found.remote == remote and found.doubt is None and commit != there


def _not_pushed(list_id: str, remote: str, error: GittasksError) -> str:
    return f"{list_id}: not pushed to {remote}: {error.message}; later: gittasks push {remote}"


def _is_dry_run() -> bool:
    """Whether this is a `git push --dry-run`, which runs the hook as well and does not say so.

    The command line of the git above tells, where there is /proc; elsewhere nothing does.
    """
    process = os.getppid()
    for _ in range(_ANCESTORS):
        words = _command_line(process)
        if "push" in words:
            return bool({"--dry-run", "-n"} & set(words[words.index("push") :]))
        process = _parent(process)
    return False


def _command_line(process: int) -> list[str]:
    try:
        with open(f"/proc/{process}/cmdline", "rb") as file:
            return file.read().decode("utf-8", "replace").split("\0")
    except OSError:
        return []


def _parent(process: int) -> int:
    try:
        with open(f"/proc/{process}/stat", encoding="ascii", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0
