"""Hooks of a commit: its message before it is made, then its tasks linked and moved."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from gittasks.core.ids import find, listed
from gittasks.core.model import CodeCommit, Status, Task
from gittasks.core.trailers import KEY, TaskTrailer
from gittasks.errors import (
    DiskFailure,
    GittasksError,
    InvalidData,
    NoList,
    NotFound,
    Refused,
    Usage,
)
from gittasks.githooks import code_commits, offer
from gittasks.githooks.code_commits import Change
from gittasks.light import pattern
from gittasks.store import disk, git
from gittasks.store.repository import Repository
from gittasks.workspace import EditResult, Linked, NotDone, Unapplied, Workspace

CATCH_UP = "gittasks hooks catch-up HEAD^!"
"""The command that does what the last commit asks for, of whichever kind it is."""
_AMENDED = "gittasks-amended"
"""Beside git's own notes of a rebase, and gone with them: what was amended on the way."""


def post_commit(workspace: Workspace, began: int) -> list[str]:
    """Apply the trailers of the commit just made, and record what the next one is offered.

    What git makes again (amend, rebase) is left to post-rewrite, which knows what it was before.
    """
    repository = workspace.repository
    action = code_commits.last_action(repository)
    if code_commits.rebase_folder(repository) or action == "commit (amend)":
        return []
    lines = _committed(workspace, copied="cherry-pick" in action)
    if lines:  # the lists have moved on, and with them what is offered
        with suppress(GittasksError, OSError):  # the next commit will hear of it
            offer.record(workspace, began)
    return lines


def post_merge(workspace: Workspace) -> list[str]:
    """Apply the trailers of a merge commit, for which git does not call post-commit."""
    return _committed(workspace) if code_commits.is_merge_made(workspace.repository) else []


def _committed(workspace: Workspace, *, copied: bool = False) -> list[str]:
    repository = workspace.repository
    change = next(iter(code_commits.read(repository, ["HEAD"]).values()), None)
    if change is None:
        return []
    lines = _apply(workspace, change, change.values, copied=copied)
    with suppress(GittasksError, OSError):  # what was done is to be said
        lines += reverted_lines(workspace, change)
    return lines


def post_rewrite(workspace: Workspace, kind: str, stdin: str) -> list[str]:
    """Let links follow rewritten commits; apply what their new messages say more than before.

    `kind` is `amend` or `rebase`. An amended commit of a rebase is not reported again when that is
    done, and may never come to be, so it is noted until then.
    """
    repository = workspace.repository
    renamed = code_commits.pairs(stdin)
    folder = code_commits.rebase_folder(repository)
    if folder is None:
        return _rewritten(workspace, renamed, [])
    if kind == "amend":
        _note(folder, renamed)
        return []
    noted = _noted(folder)
    renamed = {old: _newest(new, noted) for old, new in renamed.items()}
    known = set(renamed.values())
    commits = code_commits.made_between(repository, "HEAD", _starts(folder))
    return _rewritten(workspace, renamed, [commit for commit in commits if commit not in known])


def _rewritten(workspace: Workspace, renamed: Mapping[str, str], fresh: Sequence[str]) -> list[str]:
    changes = code_commits.read(workspace.repository, [*renamed, *renamed.values(), *fresh])
    known: dict[str, CodeCommit] = {
        old: changes[new].link if new in changes else CodeCommit(new)
        for old, new in renamed.items()
    }
    lines = lines_of(workspace.relink(known))
    waiting = [row for row in workspace.unapplied() if row.sha in renamed]
    workspace.forget_unapplied(waiting)
    for new in dict.fromkeys([*renamed.values(), *fresh]):
        if new not in changes:
            continue
        before = [changes[o] for o, n in renamed.items() if n == new and o in changes]
        earlier = {value for change in before for value in change.values}
        again = {row.trailer for row in waiting if renamed[row.sha] == new}
        values = [
            v for v in changes[new].values if v not in earlier or code_commits.usual(v) in again
        ]
        lines += _apply(workspace, changes[new], values)
    return lines


def _apply(
    workspace: Workspace, change: Change, values: Iterable[str], *, copied: bool = False
) -> list[str]:
    mentioned, faults = code_commits.mentions(values)
    done: list[Linked] = workspace.link(change.link, mentioned, copied=copied)
    rows = [Unapplied(change.sha, change.subject, "", value, str(error)) for value, error in faults]
    kept = workspace.note_unapplied(rows)
    lines = lines_of(done)
    return lines + [not_done(value, error, kept=kept) for value, error in faults]


# --- rebase ---------------------------------------------------------------------------------


def _starts(folder: str) -> list[str]:
    """The commits where a rebase began: what it was put on, and the branch as it was."""
    starts = []
    for name in ("onto", "orig-head"):
        try:
            with open(os.path.join(folder, name), encoding="ascii") as file:
                starts.append(file.read().strip())
        except OSError:
            continue
    return starts


def _noted(folder: str) -> dict[str, str]:
    try:
        with open(os.path.join(folder, _AMENDED), encoding="ascii") as file:
            return code_commits.pairs(file.read())
    except OSError:
        return {}


def _note(folder: str, renamed: Mapping[str, str]) -> None:
    with open(os.path.join(folder, _AMENDED), "a", encoding="ascii") as file:
        file.write("".join(f"{old} {new}\n" for old, new in renamed.items()))


def _newest(commit: str, renamed: Mapping[str, str]) -> str:
    """The commit that a rewritten one has become in the end."""
    seen = {commit}
    while (later := renamed.get(commit)) and later not in seen:
        seen.add(later)
        commit = later
    return commit


_SHOWN = 5
_MOVED = {
    Status.PENDING: "is open again",
    Status.IN_PROGRESS: "started",
    Status.COMPLETED: "completed",
    Status.SKIPPED: "skipped",
    Status.DELETED: "deleted",
}


def some(names: Sequence[str]) -> str:
    """Names in a row, cut after some."""
    return listed(names, _SHOWN)


def place(tasks: Iterable[Task]) -> str:
    """`[3/7 complete]`."""
    counted = [t.status for t in tasks if t.status not in (Status.SKIPPED, Status.DELETED)]
    return f"[{counted.count(Status.COMPLETED)}/{len(counted)} complete]"


def lines_of(done: Sequence[Linked]) -> list[str]:
    """The changes of the lists in words, and what could not be done."""
    lines = []
    for linked in done:
        if linked.report is not None and linked.report.edit.made:
            lines.append(f"{linked.list_id}: {_moved(linked.report)}")
        lines += [_refused(linked, each) for each in linked.not_done]
    return lines


def _moved(report: EditResult) -> str:
    """`a completed, b linked; now ready: c [1/3 complete]`."""
    before, after = report.edit.before.tasks, report.edit.after.tasks
    words = []
    for task_id in report.edit.changed:
        old, new = before[task_id], after[task_id]
        moved = old.status is not new.status
        words.append(f"{task_id} {_MOVED[new.status] if moved else _linked(old, new)}")
    ready = f"; now ready: {some(report.edit.unblocked)}" if report.edit.unblocked else ""
    return f"{some(words)}{ready} {place(after.values())}"


def _linked(old: Task, new: Task) -> str:
    rewritten = {c.sha for c in old.commits} - {c.sha for c in new.commits}
    closed = f", {new.status} before" if new.status.closed and not rewritten else ""
    return f"{'linked anew' if rewritten else 'linked'}{closed}"


def _refused(linked: Linked, each: NotDone) -> str:
    where = f"{linked.list_id}: " if linked.list_id else ""
    if not each.mention.task:
        return f"{where}links were not remapped: {each.error.message}"
    return where + not_done(str(each.mention), each.error, kept=linked.kept)


def not_done(trailer: str, error: GittasksError, *, kept: bool) -> str:
    """The line for a trailer that could not be applied, with what was probably meant."""
    is_unknown = isinstance(error, NotFound | Usage | NoList) and error.hint
    advice = f"; {error.hint}" if is_unknown else ""
    place = f"{error.where}: " if isinstance(error, DiskFailure) and error.where else ""
    later = "kept for gittasks doctor" if kept else f"later: {CATCH_UP}"
    return f'not done, {later}: "{trailer}": {place}{error.message}{advice}'


def reverted_lines(workspace: Workspace, change: Change) -> list[str]:
    """A commit that reverts others reopens nothing: say what they had finished, and how to."""
    if not change.reverts:
        return []
    lines = []
    for list_id in workspace.known_lists():
        tasks = workspace.for_list(list_id).snapshot().ordered()
        hit = [
            t.id
            for t in tasks
            if t.status is Status.COMPLETED and {c.sha for c in t.commits} & set(change.reverts)
        ]
        if hit:
            lines.append(
                f"{list_id}: this reverts a commit of {some(hit)}, completed; when there is work "
                f"left again: gittasks reopen {hit[0]} --list {list_id}"
            )
    return lines


_OFFERED_IN = frozenset({"", "message"})
"""Sources of a message that a trailer is offered in (githooks, prepare-commit-msg): none of a
merge, a squash, another commit, or a template, which git would no longer know as unchanged."""
_FOR_ANOTHER = pattern(r"(?m)\A(fixup|squash|amend)! |^This reverts commit ")
"""Messages that git makes for a commit which is about another one."""


def prepare_message(workspace: Workspace, path: str, source: str, began: int) -> None:
    """Add the trailer of the committer's task in progress, when there is just one.

    The next message may get it without this: see `offer`.
    """
    repository = workspace.repository
    disk.remove(_offer_path(repository))
    if source not in _OFFERED_IN or code_commits.is_picking(repository):
        return
    trailer = offer.record(workspace, began)
    if trailer is None:
        return
    if _FOR_ANOTHER.search(_text(path)) or code_commits.trailers_of(repository, path):
        return
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


def check_message(workspace: Workspace, path: str) -> list[str]:
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
            hint="the message is kept in .git/COMMIT_EDITMSG; correct it, or see git config "
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
