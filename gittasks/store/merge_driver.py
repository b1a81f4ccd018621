"""The merge driver for task files: one file merged, and git configured to call it.

`.gitattributes` on the list's branch names the driver; what runs for it is configured here, in the
repository alone. Without it git merges line by line, and the next sync heals what that dropped.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from gittasks.core.merge.dag import Commit, History, MergedState
from gittasks.errors import GittasksError, InvalidData, Refused, Way
from gittasks.store import ancestry, git, refs
from gittasks.store.ancestry import region
from gittasks.store.commits import read_commit
from gittasks.store.evaluation import replay
from gittasks.store.list_tree import read_info, read_tree
from gittasks.store.merge_files import ListContents
from gittasks.store.objects import NewObject
from gittasks.store.repository import Repository

_SECTION = "merge.gittasks"
# Without gittasks, or when it fails, git would keep our side and say nothing: so it falls back.
DRIVER = "gittasks merge-driver %O %A %B %P || git merge-file -L ours -L base -L theirs %A %O %B"
_OURS = "gittasks merge-driver"
_NAME = "task lists, field by field"


def is_installed(repository: Repository) -> bool:
    """True when git will ask gittasks to merge task files here."""
    return repository.config.get(f"{_SECTION}.driver") == DRIVER


def is_other(repository: Repository) -> bool:
    """True when the driver that is configured is of no version of ours."""
    driver = repository.config.get(f"{_SECTION}.driver")
    return driver is not None and not driver.startswith(_OURS)


def install(repository: Repository) -> bool:
    """Set the driver in the repository's own configuration; False when it was there.

    Raises Refused when another driver of that name is configured.
    """
    if is_installed(repository):
        return False
    if is_other(repository):
        raise Refused(
            "merge-driver",
            f"git config {_SECTION}.driver is set already, to: "
            f"{repository.config.get(f'{_SECTION}.driver')}",
            hint="it was left as it is; unset it first to have task files merged field by field",
        )
    repository.set_config("--local", f"{_SECTION}.name", _NAME)
    repository.set_config("--local", f"{_SECTION}.driver", DRIVER)
    return True


def uninstall(repository: Repository) -> bool:
    """Take the driver out again; False when it was not there, or is not ours."""
    if repository.config.get(f"{_SECTION}.driver") is None or is_other(repository):
        return False
    repository.remove_config_section(_SECTION)
    return True


def merge_file(repository: Repository, path: str, base: bytes, ours: bytes, theirs: bytes) -> bytes:
    """The merge of two versions of the file at `path`; `base` is empty when both made it.

    During `git merge` the history of both sides decides, as in a sync. Where git merges something
    else (a rebase, a cherry-pick, a base that it made up), the three versions do, by the same
    rules. Raises InvalidData when a version cannot be read, FormatTooNew where one of the heads has
    rules of merging that are not known here.
    """
    ref = repository.refs.head(repository.found.path)
    others = [n[8:] for n in repository.env if n.startswith(_MERGED) and refs.is_object_id(n[8:])]
    _check_rules(repository, (ref or "HEAD").removeprefix(repository.prefix), others)
    sides = [repository.objects.form.new("blob", data) for data in (ours, theirs)]
    merged = _by_history(repository, ref, others, path, sides)
    return merged if merged is not None else _by_versions(repository, path, base, sides)


_MERGED = "GITHEAD_"
"""The beginning of git's variables for the commits that `git merge` merges, before their ids."""


def _check_rules(repository: Repository, list_id: str, others: Sequence[str]) -> None:
    """Raise FormatTooNew where HEAD or one of the other heads has later rules of merging.

    HEAD is the branch that is merged into, or what a rebase has come to.
    """
    place = [f"--git-dir={repository.found.path}", "rev-parse", "--verify", "--quiet", "HEAD"]
    answer = git.run(place, cwd=repository.found.path, env=git.unbound(repository.env))
    for commit in [*answer.stdout.decode("ascii", "replace").split(), *others]:
        with contextlib.suppress(InvalidData):
            tree = read_tree(repository.objects, read_commit(repository.objects, commit).tree)
            read_info(repository.objects, list_id, tree, [])


def _by_history(
    repository: Repository,
    ref: str | None,
    others: Sequence[str],
    path: str,
    sides: Sequence[NewObject],
) -> bytes | None:
    """The merge by history; None when the heads under way do not hold these files."""
    head = repository.refs.read(ref) if ref else None
    if head is None or len(others) != 1:
        return None
    objects, heads = repository.objects, [head, *others]
    try:
        list_id = (ref or "").removeprefix(repository.prefix)
        contents = ListContents(objects, list_id)
        for commit, side in zip(heads, sides, strict=True):
            tree = contents.tree(read_commit(objects, commit).tree)
            if tree.get(path, "").partition(" ")[2] != side.id:
                return None
        cached = ancestry.read_checkpoints(repository.cache_path("merge", ref or ""))
        area = region(objects, heads, cached)
        if area.cut:
            return None
        run = replay(objects, list_id, area, heads, None)
        joined = run.history.join([run.history.points[h] for h in heads])
        file = run.contents.read(path, joined.tree[path])
    except (GittasksError, KeyError):
        return None  # the three versions are here in any case
    if file.registers is None:
        raise _unreadable(path)
    return objects.read(file.blob.partition(" ")[2], "blob")


def _by_versions(
    repository: Repository, path: str, base: bytes, sides: Sequence[NewObject]
) -> bytes:
    """A merge of three versions: two edits of one commit, neither of them later."""
    versions = {side.id: side for side in sides}
    root = repository.objects.form.new("blob", base)
    repository.objects.stage([root, *sides])
    contents = ListContents(repository.objects, "")
    point = None
    if base and contents.read(path, f"100644 {root.id}").registers is not None:
        point = MergedState("", {path: f"100644 {root.id}"}, (0, 0))
    history = History(contents, point)
    parents = ("",) if point else ()
    for side in versions.values():
        if contents.read(path, f"100644 {side.id}").registers is None:
            raise _unreadable(path)
        history.add(Commit(side.id, parents, 1, {path: f"100644 {side.id}"}))
    heads = [p for name, p in history.points.items() if name]
    joined = history.join(heads)
    return repository.objects.read(joined.tree[path].partition(" ")[2], "blob")


def _unreadable(path: str) -> InvalidData:
    return InvalidData(
        "a version of it cannot be read, so git merges it line by line",
        where=path,
        ways=[Way("see which, and why", ("gittasks", "doctor"))],
    )
