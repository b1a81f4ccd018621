"""Before a commit: offer the trailer of the task in progress; check those that are there."""

from __future__ import annotations

import os
import re

from gittasks.core.ids import find
from gittasks.core.messages import KEY, TaskTrailer
from gittasks.core.model import Status, Task
from gittasks.errors import GittasksError, InvalidData, NoList, Refused
from gittasks.githooks import code_commits
from gittasks.store import disk, git
from gittasks.store.repository import Repository
from gittasks.workspace import Workspace

_OFFERED_IN = frozenset({"", "message"})
"""Sources of a message that a trailer is offered in (githooks, prepare-commit-msg): none of a
merge, a squash, another commit, or a template, which git would no longer know as unchanged."""
_FOR_ANOTHER = re.compile(r"\A(fixup|squash|amend)! |^This reverts commit ", re.MULTILINE)
"""Messages that git makes for a commit which is about another one."""


def prepare(workspace: Workspace, path: str, source: str) -> None:
    """Add the trailer of the committer's task in progress, when there is just one.

    `gittasks.offerTrailer` false switches that off.
    """
    repository = workspace.repository
    disk.remove(_offer_path(repository))
    if source not in _OFFERED_IN or code_commits.is_picking(repository):
        return
    if not repository.config.flag("gittasks.offertrailer", default=True):
        return
    if _FOR_ANOTHER.search(_text(path)) or code_commits.trailers_of(repository, path):
        return
    try:
        snapshot = workspace.snapshot()
    except NoList:
        return
    mine = [t for t in snapshot.ordered() if _is_mine(workspace, t)]
    if len(mine) != 1:
        return
    several = len(workspace.known_lists()) > 1
    name = TaskTrailer(mine[0].id, workspace.list_id if several else None)
    trailer = f"{KEY}: {name}"
    args = ["interpret-trailers", "--in-place", "--no-divider", "--if-exists", "doNothing"]
    answer = git.run(
        [*args, "--trailer", trailer, os.path.abspath(path)],
        cwd=repository.start,
        env=repository.env,
    )
    if answer.returncode != 0:
        raise InvalidData(f"no trailer was added: {git.first_line(answer.stderr)}")
    if not source:
        text = _text(path)
        if text.lstrip("\n").startswith(trailer):  # the subject goes above, after an empty line
            with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write("\n\n" + text.lstrip("\n"))
        disk.put(_offer_path(repository), trailer.encode(), repository.shared)


def _is_mine(workspace: Workspace, task: Task) -> bool:
    actor = workspace.actor
    if task.status is not Status.IN_PROGRESS or task.owner != actor.owner:
        return False
    return actor.session in (None, task.session)


def check(workspace: Workspace, path: str) -> list[str]:
    """Warn of trailers that name no task. Raises Refused when `gittasks.strictTrailers` is set.

    A message of which nothing but an offered trailer is left was not wanted: it is emptied, and
    git then makes no commit, as it does when nothing is written.
    """
    repository = workspace.repository
    _check_unwritten(repository, path)
    mentioned, unreadable = code_commits.mentions(code_commits.trailers_of(repository, path))
    faults = [f"{error.message}; {error.hint}" for _, error in unreadable]
    faults += [fault for mention in mentioned if (fault := _fault(workspace, mention))]
    if faults and repository.config.flag("gittasks.stricttrailers"):
        raise Refused(
            "trailer",
            "; ".join(faults),
            hint="the message is kept in .git/COMMIT_EDITMSG; mend it, or see git config "
            "gittasks.strictTrailers",
        )
    return faults


def _fault(workspace: Workspace, mention: TaskTrailer) -> str | None:
    """The fault of a trailer whose task is not to be found."""
    try:
        find(workspace.for_list(mention.list_id).snapshot(), mention.task)
    except GittasksError as error:
        hint = f"; {error.hint}" if error.hint else ""
        return f'"{KEY}: {mention}": {error.message}{hint}'
    return None


def _offer_path(repository: Repository) -> str:
    """The trailer that was put into a message which an editor shows, until that is closed."""
    return os.path.join(repository.found.path, "gittasks-offered")


def _check_unwritten(repository: Repository, path: str) -> None:
    """Empty a message in which nothing was written beside the trailer that was offered."""
    try:
        offered = disk.read(_offer_path(repository)).decode()
    except OSError:
        return
    disk.remove(_offer_path(repository))
    mark = repository.config.get("core.commentstring")  # its name from git 2.45 on
    mark = mark or repository.config.get("core.commentchar") or "#"
    mark = "#" if mark == "auto" else mark
    scissors = re.compile(rf"^{re.escape(mark)} -+ >8 -+$", re.MULTILINE)
    text = scissors.split(_text(path), maxsplit=1)[0]
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(mark)]
    if lines == [offered]:
        with open(path, "wb"):
            pass


def _text(path: str) -> str:
    try:
        return disk.read(path).decode("utf-8", "surrogateescape")
    except OSError as error:
        raise InvalidData(f"cannot read {path}: {error.strerror}") from error
