"""The run of a hook: news after a merge or checkout, the lists pushed along, errors held back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence

from gittasks import sync
from gittasks.core.model import Snapshot, Status
from gittasks.errors import EmptyRemote, GittasksError, NotFound, Usage, failure_of
from gittasks.githooks import catch_up, code_commits, commits
from gittasks.githooks.code_commits import hook_env
from gittasks.githooks.commits import place, some
from gittasks.light import NamedTuple
from gittasks.store import disk, home, platform, side_branches
from gittasks.store.list_store import ListStore
from gittasks.store.list_version import Heads
from gittasks.store.repository import Repository
from gittasks.sync import SyncOptions
from gittasks.workspace import Workspace

_WORDS = {
    Status.COMPLETED: "completed",
    Status.IN_PROGRESS: "started",
    Status.SKIPPED: "skipped",
    Status.PENDING: "opened again",
    Status.DELETED: "deleted",
}


def tell(workspace: Workspace) -> list[str]:
    """A line for each list of which something new was fetched."""
    repository = workspace.repository
    if code_commits.rebase_folder(repository):
        return []
    lines = []
    for list_id in repository.known_lists():
        try:
            line = _line(ListStore(repository, list_id))
        except (GittasksError, OSError) as error:
            line = failure_of(error).message
        if line:
            lines.append(f"{list_id}: {line}")
    return lines


def begin(repository: Repository) -> None:
    """From now on tell what comes in; what was fetched before is known."""
    for list_id in repository.known_lists():
        if tracked := ListStore(repository, list_id).heads().tracked:
            disk.put(_told_path(repository, list_id), tracked.encode(), repository.shared)


def _line(store: ListStore) -> str | None:
    heads = store.heads()
    path = _told_path(store.repository, store.list_id)
    if heads.tracked is None or heads.tracked in (heads.local, _news_text(path)):
        return None
    before = _before(store, heads.local, _news_text(path))
    branch = store.load()
    disk.put(path, heads.tracked.encode(), store.repository.shared)
    if before is None:
        return f"a task list came in {place(branch.snapshot.tasks.values())}"
    words = _what(before, branch.snapshot)
    if not words:
        return None
    return f"{words} {place(branch.snapshot.tasks.values())}"


def _before(store: ListStore, local: str | None, seen: str | None) -> Snapshot | None:
    """The list as it was known here; None when it was not, or is no longer there to be read."""
    try:
        if local and seen:
            return store.merged(Heads(local, seen), None).branch.snapshot
        known = local or seen
        return store.load_at(known).snapshot if known else None
    except GittasksError:
        return None


def _what(before: Snapshot, after: Snapshot) -> str:
    """`bob completed a, b; carol started c; 2 new`."""
    moved: dict[tuple[str, str], list[str]] = {}
    new = 0
    for task in after.ordered(deleted=True):
        old = before.tasks.get(task.id)
        if old is None:
            new += 1
        if task.status is not (old.status if old else Status.PENDING):
            who = task.owner or "somebody"
            moved.setdefault((who, _WORDS[task.status]), []).append(task.id)
    words = [f"{who} {what} {some(ids)}" for (who, what), ids in moved.items()]
    words += [f"{new} new {'task' if new == 1 else 'tasks'}"] if new else []
    if not words and before.tasks != after.tasks:
        changed = sum(before.tasks.get(i) != t for i, t in after.tasks.items())
        words.append(f"{changed} {'task' if changed == 1 else 'tasks'} changed")
    return "; ".join(words)


def _told_path(repository: Repository, list_id: str) -> str:
    return os.path.join(repository.common, "gittasks", "told", list_id)


def _news_text(path: str) -> str | None:
    try:
        return disk.read(path).decode("ascii", "replace").strip() or None
    except OSError:
        return None


_ANCESTORS = 6
"""How far up the processes the `git push` is looked for: hooks may be run by other hooks."""


def push_along(workspace: Workspace, remote: str, stdin: str) -> list[str]:
    """Push what this remote does not have yet of the lists that are shared through it.

    `gittasks.pushWithCode` false switches that off. Lists that are being pushed just now by the
    push itself (`stdin`: githooks, pre-push) are left to it.
    """
    repository = workspace.repository
    if remote not in repository.remotes():
        return []
    dry_run = _is_dry_run()
    if dry_run:
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
    if dry_run is None:
        ids = ", ".join(store.list_id for store in stores)
        reason = "this system does not tell if it is a dry run"
        return [f"{ids}: not pushed to {remote}: {reason}; later: gittasks push {remote}"]
    lines = []
    for done in sync.sync(stores, remote, SyncOptions(fetch=False, push=True)):
        if isinstance(done.error, EmptyRemote):
            lines.append(f"{done.list_id} goes to {remote} with the next push, after the code")
        elif done.error:
            lines.append(_not_pushed(done.list_id, remote, done.error))
        else:
            count = len(done.sent)
            what = "is" if done.created else f"{count} {'change' if count == 1 else 'changes'}"
            lines.append(f"{done.list_id}: {what} now on {remote}")
    return lines


def _is_due(repository: Repository, list_id: str, commit: str, remote: str) -> bool:
    """True when this is the home of a list that has something it lacks, as far as known."""
    decided = home.of(repository, list_id)
    tracked = repository.tracked_lists().get(remote, {}).get(list_id)
    if decided.remote != remote or decided.doubt is not None:
        return False
    target = side_branches.tracking_ref(remote, side_branches.pushed_ref(repository, list_id))
    if commit not in (tracked, repository.refs.read(target)):
        return True
    return bool(side_branches.unmerged(ListStore(repository, list_id, remote)))


def _not_pushed(list_id: str, remote: str, error: GittasksError) -> str:
    return f"{list_id}: not pushed to {remote}: {error.message}; later: gittasks push {remote}"


def _is_dry_run() -> bool | None:
    """True in a `git push --dry-run`, which runs the hook as well and does not say so.

    The command line of the git above tells; None where the system shows none.
    """
    process: int | None = os.getppid()
    for _ in range(_ANCESTORS):
        if not process:
            break  # the first process of all
        words = platform.command_line(process)
        if words is None:
            return None
        if "push" in words:
            return any(map(_asks_for_dry_run, words[words.index("push") + 1 :]))
        process = platform.parent(process)
    return False


def _asks_for_dry_run(word: str) -> bool:
    """True for `--dry-run`, cut as git allows, and for `-n`, alone or among other letters."""
    if word.startswith("--"):
        return len(word) > 3 and "--dry-run".startswith(word)
    return word.startswith("-") and word[1:].isalpha() and "n" in word


NAMES = (
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "post-rewrite",
    "post-merge",
    "post-checkout",
    "pre-push",
)
"""The hooks that gittasks has, in the order in which git comes to them."""
READING = frozenset({"post-rewrite", "pre-push"})
"""Those that git tells something on standard input."""


def run(
    name: str,
    args: Sequence[str],
    stdin: str,
    *,
    start: str,
    env: Mapping[str, str],
    list_id: str | None = None,
) -> list[str]:
    """Do what a hook does and return what it has to say, a line each.

    Raises Refused for a commit that is not to be made, and any other error for what went wrong.
    """
    if name not in NAMES:
        raise NotFound(f'gittasks has no hook "{name}"', hint=f"it has {', '.join(NAMES)}")
    began = time.time_ns()
    workspace = Workspace.open(start, list_id=list_id, env=hook_env(env))
    if not workspace.known_lists():
        return []
    return _ACTIONS[name](workspace, _Call(name, args, stdin, env, began))


class _Call(NamedTuple):
    """The arguments of a hook; missing ones are variables of the pre-commit framework."""

    name: str
    args: Sequence[str]
    stdin: str
    env: Mapping[str, str]
    began: int

    def argument(self, at: int, variable: str) -> str:
        return self.args[at] if len(self.args) > at else self.env.get(variable, "")


def _message(workspace: Workspace, call: _Call) -> list[str]:
    if not call.args:
        raise Usage(f"{call.name} takes the file of the message")
    if call.name == "commit-msg":
        return commits.check_message(workspace, call.args[0])
    source = call.argument(1, "PRE_COMMIT_COMMIT_MSG_SOURCE")
    commits.prepare_message(workspace, call.args[0], source, call.began)
    return []


def _post_commit(workspace: Workspace, call: _Call) -> list[str]:
    return commits.post_commit(workspace, call.began)


def _post_rewrite(workspace: Workspace, call: _Call) -> list[str]:
    kind = call.argument(0, "PRE_COMMIT_REWRITE_COMMAND")
    lines = commits.post_rewrite(workspace, kind, call.stdin)
    # At the end of a rebase: its folder is still there, and HEAD is on the branch again.
    return lines if kind == "amend" else [*lines, *tell(workspace), *catch_up.news(workspace)]


def _post_merge(workspace: Workspace, call: _Call) -> list[str]:
    squashed = call.argument(0, "PRE_COMMIT_IS_SQUASH_MERGE") == "1"
    return ([] if squashed else commits.post_merge(workspace)) + _arrived(workspace)


def _arrived(workspace: Workspace) -> list[str]:
    lines = tell(workspace)
    if code_commits.rebase_folder(workspace.repository):
        return lines
    return [*lines, *catch_up.news(workspace)]


def _post_checkout(workspace: Workspace, _: _Call) -> list[str]:
    return tell(workspace)


def _pre_push(workspace: Workspace, call: _Call) -> list[str]:
    return push_along(workspace, call.argument(0, "PRE_COMMIT_REMOTE_NAME"), call.stdin)


_ACTIONS: dict[str, Callable[[Workspace, _Call], list[str]]] = {
    "prepare-commit-msg": _message,
    "commit-msg": _message,
    "post-commit": _post_commit,
    "post-rewrite": _post_rewrite,
    "post-merge": _post_merge,
    "post-checkout": _post_checkout,
    "pre-push": _pre_push,
}
