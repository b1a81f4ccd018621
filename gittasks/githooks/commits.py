"""After a commit: link it to the tasks that it names, and move them. After a rewrite: remap."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from gittasks.core.model import CodeCommit
from gittasks.githooks import code
from gittasks.githooks.code import Change
from gittasks.githooks.telling import kept, lines_of, reverted_lines
from gittasks.workspace import Linked, Unapplied, Workspace

_AMENDED = "gittasks-amended"
"""Beside git's own notes of a rebase, and gone with them: what was amended on the way."""


def post_commit(workspace: Workspace) -> list[str]:
    """Apply the trailers of the commit just made.

    What git makes again (amend, rebase) is left to post-rewrite, which knows what it was before.
    """
    repository = workspace.repository
    action = code.last_action(repository)
    if code.rebase_folder(repository) or action == "commit (amend)":
        return []
    return _committed(workspace, copied="cherry-pick" in action)


def post_merge(workspace: Workspace) -> list[str]:
    """Apply the trailers of a merge commit, for which git does not call post-commit."""
    return _committed(workspace) if code.is_merge_made(workspace.repository) else []


def _committed(workspace: Workspace, *, copied: bool = False) -> list[str]:
    repository = workspace.repository
    change = next(iter(code.read(repository, ["HEAD"]).values()), None)
    if change is None:
        return []
    told = _apply(workspace, change, change.values, copied=copied)
    return told + reverted_lines(workspace, change)


def post_rewrite(workspace: Workspace, kind: str, stdin: str) -> list[str]:
    """Let links follow rewritten commits; apply what their new messages say more than before.

    `kind` is `amend` or `rebase`. An amended commit of a rebase is not told of again when that is
    done, and may never come to be, so it is noted until then.
    """
    repository = workspace.repository
    renamed = code.pairs(stdin)
    folder = code.rebase_folder(repository)
    if folder is None:
        return _rewritten(workspace, renamed, [])
    if kind == "amend":
        _note(folder, renamed)
        return []
    noted = _noted(folder)
    renamed = {old: _newest(new, noted) for old, new in renamed.items()}
    known = set(renamed.values())
    made = code.made_between(repository, "HEAD", _starts(folder))
    return _rewritten(workspace, renamed, [commit for commit in made if commit not in known])


def _rewritten(workspace: Workspace, renamed: Mapping[str, str], fresh: Sequence[str]) -> list[str]:
    changes = code.read(workspace.repository, [*renamed, *renamed.values(), *fresh])
    known: dict[str, CodeCommit] = {
        old: changes[new].link if new in changes else CodeCommit(new)
        for old, new in renamed.items()
    }
    told = lines_of(workspace.relink(known))
    waiting = [row for row in workspace.unapplied() if row.sha in renamed]
    workspace.forget_unapplied(waiting)
    for new in dict.fromkeys([*renamed.values(), *fresh]):
        if new not in changes:
            continue
        before = [changes[o] for o, n in renamed.items() if n == new and o in changes]
        said = {value for change in before for value in change.values}
        again = {row.trailer for row in waiting if renamed[row.sha] == new}
        values = [v for v in changes[new].values if v not in said or code.usual(v) in again]
        told += _apply(workspace, changes[new], values)
    return told


def _apply(
    workspace: Workspace, change: Change, values: Iterable[str], *, copied: bool = False
) -> list[str]:
    named, bad = code.mentions(values)
    done: list[Linked] = workspace.link(change.link, named, copied=copied)
    rows = [Unapplied(change.sha, change.subject, "", value, str(error)) for value, error in bad]
    workspace.note_unapplied(rows)
    told = lines_of(done)
    return told + [kept(value, error) for value, error in bad]


# --- rebase ---------------------------------------------------------------------------------


def _starts(folder: str) -> list[str]:
    """Where a rebase began: what it was put on, and the branch as it was."""
    found = []
    for name in ("onto", "orig-head"):
        try:
            with open(os.path.join(folder, name), encoding="ascii") as file:
                found.append(file.read().strip())
        except OSError:
            continue
    return found


def _noted(folder: str) -> dict[str, str]:
    try:
        with open(os.path.join(folder, _AMENDED), encoding="ascii") as file:
            return code.pairs(file.read())
    except OSError:
        return {}


def _note(folder: str, renamed: Mapping[str, str]) -> None:
    with open(os.path.join(folder, _AMENDED), "a", encoding="ascii") as file:
        file.write("".join(f"{old} {new}\n" for old, new in renamed.items()))


def _newest(commit: str, renamed: Mapping[str, str]) -> str:
    """What a commit has become in the end."""
    seen = {commit}
    while (later := renamed.get(commit)) and later not in seen:
        seen.add(later)
        commit = later
    return commit
