"""Commits of the code as git reports them, and the operation git is in the middle of."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from gittasks.core.model import CodeCommit
from gittasks.core.trailers import KEY, TaskTrailer, deduplicated, parse
from gittasks.core.validation import escape_line
from gittasks.errors import InvalidData, Usage
from gittasks.light import NamedTuple, pattern
from gittasks.store import git, refs
from gittasks.store.repository import Repository

_SUBJECT_LIMIT = 200
_VALUE_LIMIT = 200
"""No list, id and state together are so long; more of it would only fill the screen."""
_REVERTS = pattern(r"(?m)^This reverts commit ([0-9a-f]{40,64})")


class Change(NamedTuple):
    """A commit of the code: id, subject, values of its `Task` trailers, what it reverts."""

    sha: str
    subject: str
    values: tuple[str, ...]
    reverts: tuple[str, ...] = ()

    @property
    def link(self) -> CodeCommit:
        """The commit as a task keeps it."""
        return CodeCommit(self.sha, self.subject or None)


def hook_env(env: Mapping[str, str]) -> dict[str, str]:
    """The environment without what git sets for the commit of the code alone.

    git commit and git rebase set the author of that commit, which may be somebody else, at another
    time; who acts here is the committer. The index of the code is none of our business.
    """
    variables = {
        name: value
        for name, value in env.items()
        if not name.startswith("GIT_AUTHOR_") and name not in ("GIT_INDEX_FILE", "GIT_PREFIX")
    }
    for part in ("NAME", "EMAIL", "DATE"):
        if value := env.get(f"GIT_COMMITTER_{part}"):
            variables[f"GIT_AUTHOR_{part}"] = value
    return variables


def read(repository: Repository, commits: Iterable[str]) -> dict[str, Change]:
    """These commits by id, without those that are not there; names such as HEAD do as well.

    git finds the trailers, so what is one is as it is configured (git-interpret-trailers).
    """
    names = list(dict.fromkeys(commits))
    if not names:
        return {}
    shape = f"%H%x00%s%x00%(trailers:key={KEY},valueonly,unfold)%x00%b%x00"
    args = ["-c", "log.showSignature=false", "log", "--no-walk=unsorted", "--ignore-missing"]
    args += [f"--format={shape}", "--encoding=UTF-8", "--stdin"]
    text = ask(repository, args, "".join(f"{c}\n" for c in names).encode())
    parts = text.split("\0")
    rows = zip(parts[0::4], parts[1::4], parts[2::4], parts[3::4], strict=False)
    changes = [
        Change(
            sha.strip(),
            escape_line(subject, _SUBJECT_LIMIT),
            tuple(_cut(v) for line in values.split("\n") if (v := line.strip())),
            tuple(_REVERTS.findall(body)),
        )
        for sha, subject, values, body in rows
    ]
    return {change.sha: change for change in changes}


class LateCommit(NamedTuple):
    """A commit that no hook saw: itself, and its author and author date, which copies keep."""

    change: Change
    author: str
    time: int
    zone: int
    body: str


_LATE = "%H%x00%an%x00%ae%x00%ad%x00%cd%x00%s%x00%(trailers:key={},valueonly,unfold)%x00%b%x00"


def late(
    repository: Repository, revisions: Sequence[str], *, walk: bool = True
) -> list[LateCommit]:
    """Commits that revisions reach and that may name tasks, oldest first; or just these.

    Revisions that are not here count for nothing, unless nothing is left of them.
    """
    if not revisions:
        return []
    args = ["-c", "log.showSignature=false", "log", "--date=raw", "--encoding=UTF-8"]
    args += [f"--format={_LATE.format(KEY)}", "--stdin"]
    if walk:
        args += ["--topo-order", "--reverse", "-i", "-E", f"--grep=^{KEY}[^a-z]"]
        args += ["--ignore-missing"] if any(r.startswith("^") for r in revisions) else []
    else:
        args += ["--no-walk=unsorted", "--ignore-missing"]
    text = ask(repository, args, "".join(f"{r}\n" for r in revisions).encode())
    parts = iter(text.split("\0"))
    commits = []
    for sha, name, mail, written, committed, subject, values, body in zip(
        *[parts] * 8, strict=False
    ):
        trailers = tuple(_cut(v) for line in values.split("\n") if (v := line.strip()))
        change = Change(sha.strip(), escape_line(subject, _SUBJECT_LIMIT), trailers)
        author = f"{_CRUD.sub('', name)} <{_CRUD.sub('', mail)}>"
        time, zone = _moment(written) or _moment(committed) or (0, 0)
        commits.append(LateCommit(change, author, time, zone, body))
    return commits


_CRUD = pattern(r"[<>\n]")
"""What git leaves out of names and addresses; other programs do not."""
_DATE = pattern(r"(\d{1,18}) ([+-])([01]\d|2[0-3])([0-5]\d)")


def _moment(date: str) -> tuple[int, int] | None:
    """The time of a raw date, and minutes east of UTC; None where a program wrote nonsense."""
    parts = _DATE.fullmatch(date)
    if parts is None:
        return None
    minutes = int(parts[3]) * 60 + int(parts[4])
    return int(parts[1]), -minutes if parts[2] == "-" else minutes


def count(repository: Repository, tip: str, without: Sequence[str], most: int) -> int:
    """The number of commits that `tip` has and the others have not, `most` at most."""
    args = ["rev-list", "--count", f"--max-count={most}", "--ignore-missing", "--stdin"]
    revisions = [tip, *(f"^{commit}" for commit in without)]
    return int(ask(repository, args, "".join(f"{r}\n" for r in revisions).encode()))


def mentions(values: Iterable[str]) -> tuple[list[TaskTrailer], list[tuple[str, Usage]]]:
    """The mentions in values of trailers, one for each task, and the values that are none."""
    mentioned, faults = [], []
    for value in values:
        try:
            mentioned.append(parse(value))
        except Usage as error:
            faults.append((value, error))
    return deduplicated(mentioned), faults


def usual(value: str) -> str:
    """The value of a trailer as it is usually written; one that asks for nothing, as it is."""
    try:
        return str(parse(value))
    except Usage:
        return value


def trailers_of(repository: Repository, path: str) -> list[str]:
    """Values of the `Task` trailers of a message that is being written."""
    text = ask(repository, ["interpret-trailers", "--parse", "--no-divider", path])
    values = []
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip().lower() == KEY.lower() and value.strip():
            values.append(_cut(value.strip()))
    return values


def _cut(value: str) -> str:
    return value if len(value) <= _VALUE_LIMIT else f"{value[:_VALUE_LIMIT]}…"


def made_between(repository: Repository, head: str, without: Sequence[str]) -> list[str]:
    """Commits of `head` that none of the others has, oldest first."""
    args = ["rev-list", "--reverse", head, "--not", *without]
    return ask(repository, args).split()


def pairs(text: str) -> dict[str, str]:
    """The rewritten commits that post-rewrite reads from standard input: old to new (githooks)."""
    renamed = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and all(map(refs.is_object_id, words[:2])):
            renamed[words[0]] = words[1]
    return renamed


def last_action(repository: Repository) -> str:
    """The command that moved HEAD last, by its reflog; "" when there is none.

    `commit`, `commit (amend)`, `rebase (pick)`, `cherry-pick`, …
    """
    return _last_move(repository).partition(":")[0]


def is_merge_made(repository: Repository) -> bool:
    """True when git has made the merge at HEAD just now, and did not go forward to it."""
    return ": Merge made by " in _last_move(repository)


def _last_move(repository: Repository) -> str:
    return repository.refs.last_action(repository.found.path)


def rebase_folder(repository: Repository) -> str | None:
    """The folder of the rebase that is under way in this worktree, if one is."""
    for name in ("rebase-merge", "rebase-apply"):
        path = os.path.join(repository.found.path, name)
        if os.path.isdir(path):
            return path
    return None


def is_picking(repository: Repository) -> bool:
    """True while git makes a commit from another one: rebase, cherry-pick, revert, merge."""
    names = ("CHERRY_PICK_HEAD", "REVERT_HEAD", "MERGE_HEAD", "sequencer")
    return rebase_folder(repository) is not None or any(
        os.path.exists(os.path.join(repository.found.path, name)) for name in names
    )


def ask(repository: Repository, args: Sequence[str], stdin: bytes = b"") -> str:
    """The output of a git command. Raises InvalidData when it fails."""
    answer = git.run(args, cwd=repository.start, env=repository.env, stdin=stdin)
    if answer.returncode != 0:
        command = args[2] if args[0] == "-c" else args[0]
        raise InvalidData(f"git {command} failed: {git.first_line(answer.stderr)}")
    return answer.stdout.decode("utf-8", "replace")
