"""Side branches: branches of other names that hold a list.

Hosted agents may often push nothing but `claude/*`. `gittasks.pushAs` names the branch that a list
is pushed to there, and every sync takes in what the branches of the home remote hold of its list.
A list under another prefix is recognised in the same way.

A branch holds a list when its tip has a `list.yaml` that says so and all of its history comes from
the root of that list: code that a list was merged into is none.
"""

from __future__ import annotations

import os

from gittasks.core.ids import branch_fault
from gittasks.errors import InvalidData, Refused, Way
from gittasks.light import TYPE_CHECKING, NamedTuple
from gittasks.store import disk, git

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittasks.store.list_store import ListStore
    from gittasks.store.repository import Repository

_SETTING = "gittasks.pushAs"
_VERDICTS = disk.CacheFile("side-branches", 1)
_NONE = "-"


class SideBranch(NamedTuple):
    """A branch that holds a list under another name: its ref, here or as fetched, and its tip."""

    ref: str
    list_id: str
    commit: str

    @property
    def name(self) -> str:
        """The branch as people call it: `origin/claude/plan`."""
        return self.ref.removeprefix("refs/remotes/").removeprefix("refs/heads/")

    @property
    def prefix(self) -> str | None:
        """The prefix of branches under which this would be the branch of its list."""
        branch = self.ref.removeprefix("refs/heads/")
        if self.ref.startswith("refs/remotes/"):
            branch = self.ref.split("/", 3)[3]
        return branch.removesuffix(self.list_id) if branch.endswith(self.list_id) else None


def pushed_ref(repository: Repository, list_id: str) -> str:
    """The ref that a list is pushed to: its own, unless `gittasks.pushAs` names another.

    A `*` in the name stands for the id of the list.
    """
    chosen = repository.config.get(_SETTING.lower())
    if not chosen:
        return repository.ref(list_id)
    name = chosen.replace("*", list_id)
    if fault := branch_fault(name):
        raise InvalidData(
            f'git config {_SETTING} is "{chosen}", which cannot be the name of a branch', hint=fault
        )
    return f"refs/heads/{name}"


def pushed_as(repository: Repository, list_id: str) -> str | None:
    """The branch that `gittasks.pushAs` names for a list, None where it is pushed as itself."""
    ref = pushed_ref(repository, list_id)
    return None if ref == repository.ref(list_id) else ref.removeprefix("refs/heads/")


def no_claim(list_id: str, remote: str, branch: str, task_id: str | None) -> Refused:
    """The error for a claim where the branch that decides on it cannot be pushed."""
    step: tuple[str, ...] = ("ready",)
    purpose = "see what can be begun without a claim"
    if task_id:
        step, purpose = ("start", task_id), "begin it without a claim"
    return Refused(
        "push-as",
        f'{remote} grants claims on the branch of "{list_id}", and from here only {branch} is '
        f"pushed (git config {_SETTING}): two could be granted the same task",
        ways=[
            Way(purpose, ("gittasks", *step)),
            Way("share the work all the same", ("gittasks", "sync")),
        ],
        details={"list": list_id, "remote": remote},
    )


def check_own(repository: Repository, remote: str, list_id: str) -> None:
    """Refuse to push a list to a branch that holds another one."""
    ref = pushed_ref(repository, list_id)
    held = {side.ref: side.list_id for side in fetched(repository, remote)}
    other = held.get(tracking_ref(remote, ref), list_id)
    if other != list_id:
        raise shared_name(list_id, other, ref)


def shared_name(list_id: str, other: str, ref: str) -> Refused:
    """The error for two lists that would be pushed to one branch."""
    branch = ref.removeprefix("refs/heads/")
    command = ("git", "config", _SETTING, f"{branch}-*")
    return Refused(
        "branch-name",
        f'{branch} is the branch of the list "{other}", so "{list_id}" cannot be pushed as that',
        hint="a * stands for the id of the list",
        ways=[Way("give each list a branch of its own", command, decision=True)],
        details={"list": list_id},
    )


def tracking_ref(remote: str, ref: str) -> str:
    """The ref that says where a remote has a branch."""
    return f"refs/remotes/{remote}/{ref.removeprefix('refs/heads/')}"


def fetched(repository: Repository, remote: str) -> list[SideBranch]:
    """The side branches of a remote, as they were last fetched."""
    prefix = f"refs/remotes/{remote}/"
    return _among(repository, prefix, repository.tracking_ref(remote, ""))


def everywhere(repository: Repository) -> list[SideBranch]:
    """The side branches that are here, and those of all remotes."""
    local = _among(repository, "refs/heads/", repository.prefix)
    return [*local, *(side for r in repository.remotes() for side in fetched(repository, r))]


def adoptable(repository: Repository, list_id: str) -> SideBranch | None:
    """A side branch, here or as fetched, from which a list that has no branch yet can begin."""
    sides = (side for side in everywhere(repository) if side.list_id == list_id)
    return next((side for side in sides if _is_rooted(repository, side, ())), None)


def unmerged(store: ListStore, branches: Sequence[SideBranch] | None = None) -> list[SideBranch]:
    """Side branches of a list that hold what no head of it does.

    By default of those that its remote has, as it was last fetched.
    """
    repository = store.repository
    if branches is None:
        branches = fetched(repository, store.remote) if store.remote else []
    sides = [side for side in branches if side.list_id == store.list_id]
    if not sides:
        return []
    known = [head for head in store.heads().all if head]
    if {side.commit for side in sides} <= set(known):
        return []
    options = [f"--no-merged={head}" for head in known]
    names = _git(
        repository, ["for-each-ref", "--format=%(refname)", *options, *(s.ref for s in sides)]
    )
    left = set((names or "").splitlines())
    return [side for side in sides if side.ref in left and _is_rooted(repository, side, known)]


def _is_rooted(repository: Repository, side: SideBranch, known: Sequence[str]) -> bool:
    """Does all of a side branch come from the root of its list, or from its known heads?"""
    arguments = ["rev-list", "--max-parents=0", side.commit, *(f"^{head}" for head in known)]
    answer = _git(repository, arguments)
    if answer is None:
        return False
    from gittasks.store.recognition import is_root  # trees are read for what no head holds

    return all(is_root(repository.objects, side.list_id, commit) for commit in answer.split())


# --- branches told apart ----------------------------------------------------------------------


def _among(repository: Repository, prefix: str, own: str) -> list[SideBranch]:
    """The side branches among the refs with a prefix that are no branches of lists by name."""
    if own == prefix:  # any branch may be a list by its name
        return []
    tips = {
        ref: commit
        for ref, commit in repository.refs.listed(prefix)
        if commit and not ref.startswith(own) and not ref.endswith("/HEAD")
    }
    if not tips:
        return []
    verdicts = _verdicts(repository, prefix, tips)
    return [
        SideBranch(ref, list_id, commit)
        for ref, commit in tips.items()
        if (list_id := verdicts.get(commit, _NONE)) != _NONE
        and commit not in _passed_over(repository, list_id)
    ]


def pass_over(store: ListStore) -> None:
    """Pass over the side branches of a list that is deleted with what they hold, so it stays so."""
    repository, list_id = store.repository, store.list_id
    sides = [side for side in everywhere(repository) if side.list_id == list_id]
    new = {side.commit for side in unmerged(store, sides)}
    commits = {side.commit for side in sides if side.commit not in new}
    if commits := commits | _passed_over(repository, list_id):
        text = "\n".join(sorted(commits))
        disk.put(_passed_over_path(repository, list_id), text.encode("ascii"), repository.shared)


def _passed_over(repository: Repository, list_id: str) -> frozenset[str]:
    try:
        text = disk.read(_passed_over_path(repository, list_id)).decode("ascii", "replace")
    except OSError:
        return frozenset()
    return frozenset(text.split())


def _passed_over_path(repository: Repository, list_id: str) -> str:
    return os.path.join(repository.common, "gittasks", "passed-over", list_id)


def _verdicts(repository: Repository, prefix: str, tips: Mapping[str, str]) -> dict[str, str]:
    """The list that each commit holds, by its `list.yaml`; what was once seen is remembered."""
    path = repository.cache_path("side", prefix.rstrip("/"))
    lines = (_VERDICTS.read(path) or b"").decode("ascii", "replace").split("\n")
    known = dict(line.split(" ", 1) for line in lines if " " in line)
    tip_ids = dict.fromkeys(tips.values())
    new = [commit for commit in tip_ids if commit not in known]
    if not new:
        return known
    from gittasks.store.recognition import held_lists  # trees of git are read for new ones alone

    verdicts = {c: known[c] for c in tip_ids if c in known}
    verdicts |= {c: i or _NONE for c, i in held_lists(repository.objects, new).items()}
    body = "\n".join(f"{commit} {list_id}" for commit, list_id in verdicts.items())
    _VERDICTS.write(path, body.encode("ascii"), repository.shared)
    return verdicts


def _git(repository: Repository, args: Sequence[str]) -> str | None:
    """The output of a git that reads; None when it failed."""
    place = [*git.NO_HOOKS, f"--git-dir={repository.common}"]
    answer = git.run([*place, *args], cwd=repository.common, env=git.unbound(repository.env))
    return answer.stdout.decode("utf-8", "replace") if answer.returncode == 0 else None
