"""Catch-up: commits of the code that no hook saw move the tasks that they name, once.

Clones that catch up apart write the same: the author of the commit acts, at its author date, and
the id of the operation is made of what rebase and cherry-pick keep.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from gittasks.core.ids import listed
from gittasks.core.model import Status, Task
from gittasks.core.trailers import OP, TaskTrailer, parse_trailers
from gittasks.errors import Busy, GittasksError, InvalidData, Usage
from gittasks.githooks import code_commits, record
from gittasks.githooks.code_commits import LateCommit
from gittasks.githooks.commits import lines_of
from gittasks.light import NamedTuple, pattern
from gittasks.store import disk, refs
from gittasks.store.disk import short_hash
from gittasks.store.repository import Repository
from gittasks.workspace import Author, Linked, Workspace

_MOST = 1000
"""New commits that a hook looks at; more of them are left to the command."""
_SHOWN = 5
_LONGEST_TIME = 253_402_300_799
_REOPENED = pattern(r"(?m)^(?:.*: )?(\S+) (?:completed|skipped) → pending")
_HEAD, _DISMISSED = "HEAD", "dismissed"
"""Positions of no upstream: where this clone was when the hooks came, and what was let go of."""

_DEFAULTS = ("main", "master")
"""Usual names of a default branch."""


class Report(NamedTuple):
    """The outcome of a catch-up: what was written, and what was left alone and why."""

    span: str
    """The commits that were looked at, as git log takes them."""
    linked: tuple[Linked, ...] = ()
    due: tuple[str, ...] = ()
    """Tasks that commits name which no hook saw; when nothing is to be written, they wait."""
    strangers: int = 0
    """Commits that name tasks, by authors who have not written to the list."""
    too_many: bool = False

    def lines(self) -> list[str]:
        """Report it, a line for each matter."""
        lines = lines_of(self.linked)
        if self.too_many:
            lines.append(
                f"more than {_MOST} commits came in, and none of them was looked at for tasks; "
                "to do so: gittasks hooks catch-up"
            )
        if self.strangers:
            word = "commit names" if self.strangers == 1 else "commits name"
            lines.append(
                f"{self.strangers} {word} tasks, by authors who have not written to the list; "
                f"to take them: gittasks hooks catch-up --all {self.span}"
            )
        return lines


# --- where it begins -----------------------------------------------------------------------------


def begin(repository: Repository) -> None:
    """Catch up from here on: with what comes into the upstream after this."""
    positions = _positions(repository)
    tips = dict(_upstreams(repository))
    tips |= {_HEAD: commit} if (commit := _commit(repository, _HEAD)) else {}
    _put_positions(repository, {**tips, **positions})


def forget(repository: Repository) -> None:
    """Hooks do not belong here any more: nothing is caught up with by itself."""
    disk.remove(_path(repository))


def dismiss(workspace: Workspace) -> None:
    """Let go of all that commits up to now asked for and could not be done."""
    repository = workspace.repository
    tips = dict(_upstreams(repository))
    tips |= {_DISMISSED: commit} if (commit := _commit(repository, _HEAD)) else {}
    _put_positions(repository, {**_positions(repository), **tips})
    workspace.forget_unapplied(workspace.unapplied())


def _path(repository: Repository) -> str:
    return os.path.join(repository.common, "gittasks", "caught-up")


def _positions(repository: Repository) -> dict[str, str]:
    """The commit up to which each upstream was looked at."""
    try:
        lines = disk.read(_path(repository)).decode("utf-8", "replace").splitlines()
    except OSError:
        return {}
    rows = (line.rpartition(" ") for line in lines)
    return {ref: commit for ref, _, commit in rows if refs.is_object_id(commit)}


def _put_positions(repository: Repository, positions: Mapping[str, str]) -> None:
    text = "".join(f"{ref} {commit}\n" for ref, commit in positions.items())
    if positions != _positions(repository):
        disk.put(_path(repository), text.encode(), repository.shared)


def _installed_at(repository: Repository, positions: Mapping[str, str], tip: str) -> str | None:
    """The commit that the hooks came to, where no upstream was known then and `tip` follows it."""
    head = positions.get(_HEAD)
    if head is None or not positions.keys() <= {_HEAD, _DISMISSED}:
        return None
    try:
        code_commits.ask(repository, ["merge-base", "--is-ancestor", head, tip])
    except InvalidData:
        return None
    return head


def _upstreams(repository: Repository) -> list[tuple[str, str]]:
    """The upstream of the current branch, then the remote's default branch, with their tips."""
    branch = repository.current_branch()
    patterns = [f"refs/heads/{branch}"] if branch else []
    shape = "--format=%(refname) %(upstream) %(symref)"
    usual = [f"refs/remotes/*/{name}" for name in ("HEAD", *_DEFAULTS)]
    text = code_commits.ask(repository, ["for-each-ref", shape, *patterns, *usual])
    own, branches = [], {}
    for line in text.splitlines():
        name, upstream, target = line.split(" ")
        if name in patterns:
            own += [upstream] if upstream else []
        else:
            branches[name] = target or name
    default = _default(branches)
    names = dict.fromkeys([*own, default] if default else own)
    tips = ((name, _commit(repository, name)) for name in names)
    return [(name, tip) for name, tip in tips if tip]


def _default(branches: Mapping[str, str]) -> str | None:
    """The default branch, of origin if it has one: what HEAD names, else by its usual name.

    Before git 2.48 a clone of a repository that was empty never learns what HEAD there names.
    """
    for name in ("HEAD", *_DEFAULTS):
        targets = {n: target for n, target in branches.items() if n.endswith(f"/{name}")}
        if targets:
            return targets.get(f"refs/remotes/origin/{name}") or next(iter(targets.values()))
    return None


def _commit(repository: Repository, name: str) -> str | None:
    try:
        text = code_commits.ask(repository, ["rev-parse", "--verify", "-q", f"{name}^{{commit}}"])
    except InvalidData:
        return None
    return text.strip() or None


# --- the run -------------------------------------------------------------------------------------


def run(
    workspace: Workspace,
    *,
    write: bool = True,
    most: int | None = _MOST,
    everybody: bool = False,
) -> Report | None:
    """Catch up with the upstream of the current branch; None where nothing new is there.

    It begins with the commit that the upstream was at when the hooks were installed, or when it
    was first met. Without `write` only what is due is told; with `everybody` authors count who
    have not written to the list.
    """
    repository = workspace.repository
    whose = _whose(repository)
    upstreams = _upstreams(repository)
    if whose == "off" or record.read(repository) is None or not upstreams:
        return None
    ref, tip = upstreams[0]
    positions = _positions(repository)
    base = positions.get(ref) or _installed_at(repository, positions, tip)
    if base is None or base == tip:
        if base is None and write:
            _put_positions(repository, {**positions, ref: tip})
        return None
    bases = [base, *(commit for name, commit in positions.items() if name == _DISMISSED)]
    span = f"{base[:12]}..{tip[:12]}"
    if most and code_commits.count(repository, tip, bases, most + 1) > most:
        return Report(span, too_many=True)
    commits = code_commits.late(repository, [tip, *(f"^{commit}" for commit in bases)])
    everybody = everybody or whose == "all"
    report = _Run(workspace, everybody=everybody).report(span, commits, write=write)
    if write:
        _put_positions(repository, {**positions, ref: tip})
    return report


def run_range(workspace: Workspace, span: str, *, everybody: bool) -> Report:
    """Catch up with the commits that a range of git's names. Raises Usage."""
    words = span.split()
    if not words or any(word.startswith("-") for word in words):
        raise Usage(f'"{span}" names no commits', hint="name them as for git log: v1..main")
    try:
        commits = code_commits.late(workspace.repository, words)
    except InvalidData as error:
        raise Usage(
            f'git knows no commits "{span}": {error.message}',
            hint="name them as for git log: v1..main",
        ) from error
    everybody = everybody or _whose(workspace.repository) == "all"
    return _Run(workspace, everybody=everybody).report(span, commits, write=True)


def unseen(workspace: Workspace) -> Report | None:
    """Commits of this branch that are in no upstream and that no hook saw; nothing is written."""
    repository = workspace.repository
    positions = _positions(repository)
    base, tip = positions.get(_HEAD), _commit(repository, _HEAD)
    if base is None or tip is None or record.read(repository) is None:
        return None
    bases = [*positions.values(), *(commit for _, commit in _upstreams(repository))]
    if code_commits.count(repository, tip, bases, _MOST + 1) > _MOST:
        return None
    commits = code_commits.late(repository, [tip, *(f"^{commit}" for commit in bases)])
    span = f"{base[:12]}..{tip[:12]}"
    return _Run(workspace, everybody=False).report(span, commits, write=False)


def recent(workspace: Workspace) -> Report | None:
    """The last commits of this branch that no hook saw; nothing is written."""
    repository = workspace.repository
    if _whose(repository) == "off" or _commit(repository, _HEAD) is None:
        return None
    shas = code_commits.ask(repository, ["rev-list", f"-n{_MOST}", _HEAD, "--"]).split()
    base, dismissed = shas[-1], _positions(repository).get(_DISMISSED)
    span = f"{base[:12]}..HEAD" if len(shas) == _MOST else "HEAD"
    without = [f"^{commit}" for commit in (base if len(shas) == _MOST else "", dismissed) if commit]
    commits = code_commits.late(repository, [_HEAD, *without])
    return _Run(workspace, everybody=False).report(span, commits, write=False)


def _whose(repository: Repository) -> str:
    """The value of `gittasks.catchUp`: known, all or off."""
    value = (repository.config.get("gittasks.catchup") or "known").lower()
    if value not in ("known", "all", "off"):
        raise InvalidData(f'git config gittasks.catchUp is "{value}"', hint="use known, all or off")
    return value


def _gone(list_id: str) -> Busy:
    """The error for a list that is removed just now."""
    return Busy(f'a branch of "{list_id}" was removed while this ran', hint="run this again")


class _History(NamedTuple):
    """The history of a list as far as it matters: operations, who wrote, what was reopened."""

    operations: frozenset[str]
    writers: frozenset[str]
    reopened: Mapping[str, int]

    @classmethod
    def read(cls, repository: Repository, heads: Sequence[str]) -> _History:
        shape = "--format=%ae%x00%at%x00%B%x00"
        args = ["-c", "log.showSignature=false", "log", shape, "--encoding=UTF-8", "--stdin"]
        text = code_commits.ask(repository, args, "".join(f"{c}\n" for c in heads).encode())
        fields = text.split("\0")
        operations: set[str] = set()
        writers: set[str] = set()
        reopened: dict[str, int] = {}
        for mail, time, message in zip(fields[0::3], fields[1::3], fields[2::3], strict=False):
            writers.add(mail.strip().lower())
            operations.update(parse_trailers(message).get(OP, ()))
            for task_id in _REOPENED.findall(message):
                when = int(time) if time.isdecimal() else 0
                reopened[task_id] = max(reopened.get(task_id, 0), when)
        return cls(frozenset(operations), frozenset(writers), reopened)


class _Run:
    """One catch-up: the lists as they are, and what their histories tell."""

    def __init__(self, workspace: Workspace, *, everybody: bool) -> None:
        self._workspace = workspace
        self._everybody = everybody
        self._histories: dict[str, _History] = {}
        self._commits: dict[str, LateCommit | None] = {}
        """Commits of the code that were looked at, by id; None for what is not here."""

    def report(self, span: str, commits: Sequence[LateCommit], *, write: bool) -> Report:
        """Apply, or only count, what the commits ask for, oldest first."""
        linked: list[Linked] = []
        due: list[str] = []
        strangers: set[str] = set()
        self._commits.update((commit.change.sha, commit) for commit in commits)
        for commit in commits:
            mentions, _ = code_commits.mentions(commit.change.values)
            for mention in mentions:
                target = self._target(commit, mention)
                if target is None:
                    continue
                if not self._is_known(commit, target.list_id or ""):
                    strangers.add(commit.change.sha)
                    continue
                due.append(target.task)
                if write:
                    linked.append(self._apply(commit, target))
        return Report(span, tuple(linked), tuple(due), len(strangers))

    @cached_property
    def _own_mail(self) -> str:
        repository = self._workspace.repository
        return _mail(repository.config.author or "")

    def _is_known(self, commit: LateCommit, list_id: str) -> bool:
        mail = _mail(commit.author)
        return self._everybody or mail == self._own_mail or mail in self._history(list_id).writers

    def _history(self, list_id: str) -> _History:
        if list_id not in self._histories:
            repository = self._workspace.repository
            heads = self._workspace.for_list(list_id).heads()
            commits = [commit for commit in (heads.local, heads.tracked) if commit]
            self._histories[list_id] = _History.read(repository, commits)
        return self._histories[list_id]

    def _task(self, list_id: str, task_id: str) -> Task | None:
        try:
            return self._workspace.for_list(list_id).snapshot().tasks.get(task_id)
        except GittasksError:
            return None  # the list says so itself, to everybody who looks at it

    def _target(self, commit: LateCommit, mention: TaskTrailer) -> TaskTrailer | None:
        """The mention with its list, by exact ids; None where nothing is left to be done.

        Which list is at work differs between clones, so an id that several have names none.
        """
        lists = [mention.list_id] if mention.list_id else self._workspace.known_lists()
        having = [i for i in lists if (t := self._task(i, mention.task)) and not _is_gone(t)]
        if len(having) != 1:
            return None
        task = self._task(having[0], mention.task)
        if task is None:
            raise _gone(having[0])
        if any(link.sha == commit.change.sha for link in task.commits):
            return None
        operation = operation_id(commit, mention)
        if operation in self._history(having[0]).operations:
            return None
        if any(
            operation_id(original, other) == operation
            for original in self._originals(task)
            for other in code_commits.mentions(original.change.values)[0]
        ):
            return None
        return mention._replace(list_id=having[0])

    def _apply(self, commit: LateCommit, mention: TaskTrailer) -> Linked:
        list_id = mention.list_id or ""
        task = self._task(list_id, mention.task)
        if task is None:
            raise _gone(list_id)
        moves = (
            mention.status in (Status.COMPLETED, Status.SKIPPED)
            and not task.status.closed
            and not self._is_copy(commit, task)
            and self._history(list_id).reopened.get(task.id, -1) < commit.time
        )
        author = Author(commit.author, min(commit.time, _LONGEST_TIME), commit.zone)
        return self._workspace.link_late(
            commit.change.link, mention, author, operation_id(commit, mention), moves=moves
        )

    def _originals(self, task: Task) -> list[LateCommit]:
        """The commits that a task is linked to, as far as they are here."""
        shas = [link.sha for link in task.commits]
        if unknown := [sha for sha in shas if sha not in self._commits]:
            commits = code_commits.late(self._workspace.repository, unknown, walk=False)
            whole = {commit.change.sha: commit for commit in commits}
            for sha in unknown:  # a link made by hand may be cut short
                cut = (commit for name, commit in whole.items() if name.startswith(sha))
                self._commits[sha] = whole.get(sha) or next(cut, None)
        return [commit for sha in shas if (commit := self._commits.get(sha))]

    def _is_copy(self, commit: LateCommit, task: Task) -> bool:
        """True where a hook saw this work before that a button squashed, or one that is gone."""
        known = {original.change.sha for original in self._originals(task)}
        return any(
            link.subject in commit.body
            or (link.sha not in known and link.subject == commit.change.subject)
            for link in task.commits
            if link.subject
        )


def operation_id(commit: LateCommit, mention: TaskTrailer) -> str:
    """The id of the operation that a trailer asks for: the same in every clone."""
    parts = (mention.task, str(mention.status or ""), commit.author, str(commit.time))
    return short_hash("\0".join(parts))


def _is_gone(task: Task) -> bool:
    return task.status is Status.DELETED


def _mail(person: str) -> str:
    return person.rpartition("<")[2].rstrip(">").strip().lower()


def news(workspace: Workspace) -> Iterator[str]:
    """Catch up as a hook does, and say what came of it."""
    report = run(workspace)
    if report is not None:
        yield from report.lines()


def names(tasks: Sequence[str]) -> str:
    """Ids in a row, each once, cut after some."""
    return listed(list(dict.fromkeys(tasks)), _SHOWN)
