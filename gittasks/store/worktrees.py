"""Worktrees that have a list's branch checked out.

Moving a branch under a worktree makes the next `git commit -a` there take everybody's work
back. So a clean one is brought along, as receive.denyCurrentBranch=updateInstead does, and a
dirty one stops the write before anything moved.
"""

from __future__ import annotations

import os
import time

from gittasks.errors import Busy, GittasksError, Refused
from gittasks.light import TYPE_CHECKING, NamedTuple, suppress
from gittasks.store import discovery, disk, git, lock_files
from gittasks.store.disk import Backoff
from gittasks.store.repository import Repository

if TYPE_CHECKING:
    from gittasks.store.git import Completed

_INDEX_ATTEMPTS = 12
"""Looks at a locked index, some 2 seconds in all: git holds it for milliseconds."""
_BACKOFF = Backoff(first=0.05, most=0.3, least=0.5)
_RUNS = 2
"""Times that a git is run in a checkout before its being killed is an answer."""
_LAG = 3
"""How many commits a checkout may lag behind its branch (a writer was killed) and be mended."""
_UNDER_WAY = {
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
}
"""Operations of the user's, by the file that git keeps in a git dir until they are finished."""
_HEAD_NAMES = ("rebase-merge/head-name", "rebase-apply/head-name")
"""The branch that a rebase moves when it ends; until then HEAD is detached."""


class Checkout(NamedTuple):
    """A worktree on the list's branch: its files, its git dir, the commit that it equals.

    `base` is None while that commit is not known.
    """

    folder: str
    git_dir: str
    base: str | None = None

    @property
    def index_lock(self) -> str:
        """Path of git's own lock for the index of this worktree."""
        return os.path.join(self.git_dir, "index.lock")


def find_clean(repository: Repository, ref: str, commit: str) -> list[Checkout]:
    """Worktrees on `ref` (now at `commit`), all proven clean.

    Refused names a dirty one, Untrusted one that git would not work in: its settings are its own.
    """
    clean = []
    for checkout in _checkouts(repository, ref):
        if checkout.git_dir not in (repository.common, repository.found.path):
            discovery.check_worktree_trust(checkout.git_dir, checkout.folder, repository.env)
        if operation := _under_way(checkout):
            raise Refused(
                "checked-out",
                f"{checkout.folder} is in the middle of a {operation} of the list's branch",
                hint=f"finish it there first; see: git -C {checkout.folder} status",
            )
        _wait_for_index(repository, checkout)
        _mend(repository, checkout)
        base = _clean_base(repository, checkout, ref, commit)
        if base is None:
            raise Refused(
                "checked-out",
                f"the list's branch is checked out in {checkout.folder}, with uncommitted changes",
                hint="commit or undo them there, or switch that worktree to another branch",
            )
        clean.append(checkout._replace(base=base))
    return clean


def folders(repository: Repository, ref: str) -> list[str]:
    """The folders in which a branch is checked out."""
    return [checkout.folder for checkout in _checkouts(repository, ref)]


def check_movable(repository: Repository, checkouts: list[Checkout], new: str) -> None:
    """Refuse when a checkout could not take commit `new` (an untracked file is in its way)."""
    for checkout in checkouts:
        answer = _read_tree(repository, checkout, new, "-n")
        if answer.returncode != 0:
            raise Refused(
                "checked-out",
                f"the list's branch is checked out in {checkout.folder}, which cannot be updated: "
                f"{git.first_line(answer.stderr)}",
                hint="move that file away, or switch that worktree to another branch",
            )


def bring_along(repository: Repository, checkouts: list[Checkout], new: str) -> tuple[str, ...]:
    """Set index and files of the checkouts to commit `new`; the folders where that failed."""
    lagging = []
    for checkout in checkouts:
        try:
            code = _read_tree(repository, checkout, new).returncode
            if code < 0:  # killed in the middle
                _mend(repository, checkout)
                same = _git(repository, checkout, "diff-index", "--quiet", "--cached", new, "--")
                code = same.returncode
            brought = code == 0
        except (OSError, GittasksError):  # git cannot be run now; the write itself is done
            brought = False
        if not brought:
            lagging.append(checkout.folder)
    return tuple(lagging)


def _read_tree(repository: Repository, checkout: Checkout, new: str, *options: str) -> Completed:
    return _git(repository, checkout, "read-tree", *options, "-m", "-u", checkout.base or new, new)


def _git(repository: Repository, checkout: Checkout, *args: str) -> Completed:
    """Run git in a checkout, bound to its git dir; no hook or monitor of the user's runs."""
    quiet = [*git.NO_HOOKS, "-c", "core.fsmonitor=false"]
    place = [f"--git-dir={checkout.git_dir}", f"--work-tree={checkout.folder}"]
    env = git.unbound(repository.env)
    doing = f"{checkout.base} {args[-1]}" if "-m" in args and "-n" not in args else ""
    for _ in range(_RUNS):
        with lock_files.noting(
            repository.common, [checkout.index_lock], doing, shared=repository.shared
        ) as note:
            answer = git.run(
                [*quiet, *place, *args],
                cwd=checkout.folder,
                env=env,
                may_fetch=True,
                keep=note.inherited,
            )
            if answer.returncode < 0:
                note.keep()
        if answer.returncode >= 0 or doing:
            break
        lock_files.clear_leftovers(repository.common, [checkout.index_lock])
    else:
        raise Busy(
            f"git was killed while it looked at {checkout.folder}, where the list's branch is "
            "checked out",
            hint="nothing was changed; run this again",
        )
    return answer


def _wait_for_index(repository: Repository, checkout: Checkout) -> None:
    """Wait while another git changes the index of a checkout; Busy when that does not end."""
    lock = checkout.index_lock
    for attempt in range(_INDEX_ATTEMPTS):
        if not os.path.lexists(lock) or lock_files.clear_leftovers(repository.common, [lock]):
            return
        _BACKOFF.wait(attempt)
    with suppress(FileNotFoundError):
        age = time.time() - os.stat(lock).st_mtime
        raise Busy(
            f"the list's branch is checked out in {checkout.folder}, where the index is locked, "
            f"for {age:.0f} seconds now",
            where=lock,
            hint="wait and run this again; if no git is running there, that lock file is a "
            "leftover, and can be removed",
        )


def _mend(repository: Repository, checkout: Checkout) -> None:
    """Finish what a git of ours was about to do in a checkout when it was killed.

    Only where every file that it would change is as it was, as it should be, or half written:
    whatever else is there is the user's, and stays.
    """
    for remains in lock_files.leftovers(repository.common):
        if remains.locks != (checkout.index_lock,):
            continue
        remains.remove(forget=False)
        base, _, new = remains.text.partition(" ")
        half_done = new and _is_half_done(repository, checkout, base, new)
        reset = ("read-tree", "--reset", "-u", new)
        if not half_done or _git(repository, checkout, *reset).returncode == 0:
            remains.remove()


def _is_half_done(repository: Repository, checkout: Checkout, base: str, new: str) -> bool:
    """Tell if all that differs in a checkout is between two commits of ours."""
    index = _git(repository, checkout, "diff-index", "--quiet", "--cached", base, "--")
    names = ["diff-tree", "-r", "-z", "--no-renames", base, new]
    fields = _git(repository, checkout, *names).stdout.decode("utf-8", "surrogateescape")
    rows = fields.split("\0")
    changed = {path: row.split() for row, path in zip(rows[::2], rows[1::2], strict=False)}
    _git(repository, checkout, "update-index", "-q", "--refresh")
    differing = _git(repository, checkout, "diff-files", "--name-only", "-z").stdout
    paths = set(filter(None, differing.decode("utf-8", "surrogateescape").split("\0")))
    if index.returncode != 0 or not paths <= changed.keys():
        return False
    return all(
        _is_between(repository, os.path.join(checkout.folder, path), row[2], row[3])
        for path, row in changed.items()
    )


def _is_between(repository: Repository, path: str, old: str, new: str) -> bool:
    """Tell if a file is missing, or one of two blobs, or the beginning of the new one."""
    try:
        content = disk.read(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    blobs = [repository.objects.read(i, "blob") for i in (old, new) if i.strip("0")]
    return content in blobs or (bool(new.strip("0")) and blobs[-1].startswith(content))


def _checkouts(repository: Repository, ref: str) -> list[Checkout]:
    checkouts = []
    if _holds(repository, repository.common, ref) and (main := _main_folder(repository)):
        checkouts.append(Checkout(main, repository.common))
    linked = os.path.join(repository.common, "worktrees")
    for name in disk.names_in(linked):
        git_dir = os.path.join(linked, name)
        if not _holds(repository, git_dir, ref):
            continue
        try:
            with open(os.path.join(git_dir, "gitdir"), encoding="utf-8") as file:
                folder = os.path.dirname(os.path.join(git_dir, file.read().strip()))
        except OSError:
            continue
        if os.path.isdir(folder):
            checkouts.append(Checkout(folder, git_dir))
    return checkouts


def _holds(repository: Repository, git_dir: str, ref: str) -> bool:
    """True when HEAD is on the branch, or will be when the rebase that detached it ends.

    git takes such a branch for checked out too (`git help worktree`): the rebase ends by moving
    it from where it began, and would lose, or refuse for ever, what was written in between.
    """
    head = repository.refs.head(git_dir)
    if head is not None:
        return head == ref
    for name in _HEAD_NAMES:
        with suppress(OSError):
            return disk.read(os.path.join(git_dir, name)).decode("utf-8", "replace").strip() == ref
    return False


def _under_way(checkout: Checkout) -> str | None:
    """The operation of the user's that is not finished in a worktree."""
    for name, operation in _UNDER_WAY.items():
        if os.path.lexists(os.path.join(checkout.git_dir, name)):
            return operation
    return None


def _main_folder(repository: Repository) -> str | None:
    """Work tree of the main checkout, None when the repository is bare or git keeps no path."""
    if repository.config.flag("core.bare"):
        return None
    if "GIT_DIR" not in repository.env and repository.found.path == repository.common:
        return repository.found.work_tree
    if configured := repository.config.get("core.worktree"):
        return os.path.normpath(os.path.join(repository.common, configured))
    above, name = os.path.split(repository.common)
    return above if name == ".git" else None


def _clean_base(repository: Repository, checkout: Checkout, ref: str, commit: str) -> str | None:
    """The commit that a worktree equals: `commit`, or one before it; None when it is dirty."""
    earlier = _moved_under(repository, checkout, ref, commit)
    _git(repository, checkout, "update-index", "-q", "--refresh")
    if _git(repository, checkout, "diff-files", "--quiet").returncode != 0:
        return None
    for base in (commit, *earlier):
        answer = _git(repository, checkout, "diff-index", "--quiet", "--cached", base, "--")
        if answer.returncode == 0:
            return base
        if answer.returncode != 1:
            return None
    return None


def _moved_under(repository: Repository, checkout: Checkout, ref: str, commit: str) -> list[str]:
    """Commits at which a writer of ours that was killed may have left this worktree.

    Those that our own moves of the branch led from, by its reflog; none when the index was
    written since: then what differs from the branch is the user's doing.
    """
    moved_at = repository.refs.moved_at(ref)
    try:
        index = os.stat(os.path.join(checkout.git_dir, "index")).st_mtime_ns
    except OSError:
        return []
    if moved_at is None or index > moved_at:
        return []
    bases: list[str] = []
    for move in repository.refs.last_moves(ref, _LAG):
        ours = move.message.startswith("gittasks: ") and move.old.strip("0")
        if move.new != (bases[-1] if bases else commit) or not ours:
            break
        bases.append(move.old)
    return bases
