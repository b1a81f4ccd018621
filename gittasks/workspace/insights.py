"""Insights at work: the history of a list, its open conflicts, and the files of its commits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gittasks.core import insights as core
from gittasks.store import git
from gittasks.workspace import conflicts, log, past

if TYPE_CHECKING:
    from gittasks.core.insights import Insights
    from gittasks.store.repository import Repository
    from gittasks.workspace.session import Session

_MARK = "\x01"
"""Before the id of a commit in what git prints; a path that begins so is passed over."""


def insights(session: Session, since: str | None = None, *, people: bool = False) -> Insights:
    """The insights of the list at work; Usage, NotFound, Ambiguous for `since`."""
    start = None if since is None else past.look_back(session, since).epoch
    snapshot = session.snapshot()
    return core.insights(
        snapshot,
        log.log(session.store),
        session.now().epoch,
        since=start,
        people=people,
        still_open={(c.task or "", c.field) for c in conflicts.conflicts(session)},
        files=_changed_files(
            session.repository,
            [link.sha for task in snapshot.ordered() for link in task.commits],
        ),
    )


_NAMES = ["diff-tree", "--stdin", "-r", "-z", "--root", "--name-only", "--diff-merges=first-parent"]


def _changed_files(repository: Repository, commits: Iterable[str]) -> dict[str, frozenset[str]]:
    """The paths that commits of the code changed; without those that are not here."""
    length = 2 * repository.objects.form.id_length
    # git repeats what is no whole id of this repository, as a link made by hand may be.
    ids = [commit for commit in dict.fromkeys(commits) if len(commit) == length]
    if not ids:
        return {}
    done = git.run(
        [*_NAMES, f"--format={_MARK}%H"],
        cwd=repository.start,
        env=repository.env,
        stdin="\n".join(ids).encode(),
    )
    files: dict[str, set[str]] = {}
    paths: set[str] = set()
    for part in done.stdout.decode("utf-8", "surrogateescape").split("\0"):
        text = part.strip("\n")
        if text.startswith(_MARK):
            paths = files.setdefault(text.removeprefix(_MARK), set())
        elif text:
            paths.add(text)
    return {commit: frozenset(names) for commit, names in files.items()}
