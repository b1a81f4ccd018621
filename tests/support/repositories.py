"""Real git and the installed gittasks, run as a user runs them: what tests share."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from gittasks.core.operations import Operation
from gittasks.errors import GittasksError
from gittasks.sync import SyncOptions, SyncResult
from gittasks.workspace import Workspace
from support import gits, schemas
from support.launcher import Launcher
from support.templates import copied, scratch

__all__ = [
    "FRESH",
    "GITTASKS",
    "GittasksError",
    "Repo",
    "Result",
    "Workspace",
    "by_name",
    "git",
    "on_path",
    "plan",
    "sealed",
]

GITTASKS = os.path.join(os.path.dirname(sys.executable), "gittasks")
"""The console script that was installed with the interpreter that runs the tests."""

FRESH = bool(os.environ.get("TESTS_FRESH"))
"""Whether each command is a new interpreter that waits for the disk, as a user's is."""

_FOREIGN = ("GIT_", "GITTASKS_", "CLAUDE_", "XDG_", "PYTHON")
_FOREIGN_NAMES = ("EMAIL", "EDITOR", "VISUAL", "PAGER", "NO_COLOR", "COLUMNS", "SSH_ASKPASS")


def sealed(env: Mapping[str, str], home: str) -> dict[str, str]:
    """`env` without anything of the developer's that could reach git or gittasks.

    HOME is the folder `home`, with a git configuration of its own: Ada, branch main.
    """
    os.makedirs(home, exist_ok=True)
    config = os.path.join(home, "gitconfig")
    with open(config, "w", encoding="utf-8") as file:
        file.write("[user]\n\tname = Ada\n\temail = ada@example.com\n")
        file.write('[init]\n\tdefaultBranch = main\n[protocol "file"]\n\tallow = always\n')
        file.write("[maintenance]\n\tautoDetach = false\n")  # nothing goes on behind a test
    kept = {
        name: value
        for name, value in env.items()
        if not name.startswith(_FOREIGN) and name not in _FOREIGN_NAMES
    }
    return {
        **kept,
        "HOME": home,
        "XDG_CONFIG_HOME": os.path.join(home, ".config"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": config,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_EDITOR": "false",
        "GIT_TEST_FSYNC": "1" if FRESH else "0",  # git's own switch for its own tests
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        **gits.chosen(),
    }


class Result(NamedTuple):
    """A finished command."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The document on stdout; of a command that failed, the one on stderr.

        It has to be as its schema says.
        """
        document = json.loads(self.out or self.err)
        schemas.check(document)
        return document


def git(folder: str, *args: str, stdin: str | bytes = "", env: Mapping[str, str] = {}) -> str:
    """Run git in `folder`; its output without the last newline. CalledProcessError if it fails."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        ["git", *args],
        cwd=folder,
        env={**os.environ, **env},
        input=data,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"git {' '.join(args)}: {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")


@cache
def launcher() -> Launcher | None:
    """The launcher of this process; None where each command is to be started afresh."""
    if FRESH:
        return None
    forks = Launcher(GITTASKS)
    atexit.register(forks.close)
    return forks


@cache
def _notes(_thread: int) -> str:
    """The file in which the commands of a thread note what they offer."""
    return os.path.join(scratch(), "offers")


@cache
def by_name(*, agents: bool = False) -> str:
    """Path of a gittasks that is forked, for programs that call it; the installed one if none is.

    One for `agents` starts their server soon.
    """
    forks = launcher()
    if forks is not None and agents:
        forks = Launcher(GITTASKS, agents=True)
        atexit.register(forks.close)
    return GITTASKS if forks is None else os.path.join(forks.folder, "gittasks")


def on_path() -> str:
    """PATH with gittasks at its front, for hooks, shells and all that calls it by its name."""
    folders = [os.path.dirname(by_name()), os.path.dirname(GITTASKS)]
    return os.pathsep.join([*folders, os.environ["PATH"]])


class Repo:
    """A repository on the disk, with git and gittasks at hand."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._git_dir: str | None = None

    @classmethod
    def create(cls, path: str, *args: str) -> Repo:
        """`git init`, with one commit of code on the branch main."""

        def build(folder: str) -> None:
            git(folder, "init", "-q", *args)
            repo = cls(folder)
            repo.write("code.txt", "code\n")
            repo.git("add", "code.txt")
            repo.git("commit", "-qm", "Add code")

        copied(("repo", args), build, path)
        return cls(path)

    @classmethod
    def listed(cls, path: str, *subjects: str, hooks: bool = False) -> Repo:
        """The same with the list `plan` of tasks whose ids are the subjects, and perhaps hooks."""

        def build(folder: str) -> None:
            repo = plan(cls.create(folder), *subjects)
            if hooks:
                repo.ok("hooks", "install")

        copied(("listed", subjects, hooks), build, path)
        return cls(path)

    @property
    def git_dir(self) -> str:
        """The git directory that all worktrees share."""
        if self._git_dir is None:
            found = self.git("rev-parse", "--git-common-dir")
            self._git_dir = os.path.normpath(os.path.join(self.path, found))
        return self._git_dir

    def ref_lock(self, ref: str = "refs/heads/gittasks/plan") -> str:
        """Path of git's own lock for a ref: of that alone, or of the whole reftable."""
        files = gits.has_ref_files(self.git_dir)
        return os.path.join(self.git_dir, f"{ref}.lock" if files else "reftable/tables.list.lock")

    def file(self, name: str) -> str:
        """Path of a file of the work tree."""
        return os.path.join(self.path, name)

    def write(self, name: str, text: str) -> None:
        """Write a file of the work tree, with its folders."""
        os.makedirs(os.path.dirname(self.file(name)), exist_ok=True)
        with open(self.file(name), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, name: str) -> str:
        """Text of a file of the work tree."""
        with open(self.file(name), encoding="utf-8") as file:
            return file.read()

    def git(self, *args: str, stdin: str | bytes = "", env: Mapping[str, str] = {}) -> str:
        """Run git here; its output without the last newline. AssertionError if it fails."""
        return git(self.path, *args, stdin=stdin, env=env)

    def run(
        self,
        *args: str,
        env: Mapping[str, str] = {},
        stdin: str = "",
        cwd: str | None = None,
        timeout: float = 120,
        offers: bool = True,
    ) -> Result:
        """Run gittasks here, whatever its exit code: forked, or where that differs, started.

        With `offers`, what it offers is run as well, in a copy (`support.offers`).
        """
        command, folder, whole = [GITTASKS, *args], cwd or self.path, {**os.environ, **env}
        forks = launcher()
        if forks is not None and forks.serves(whole):
            notes = _notes(threading.get_ident()) if offers and folder == self.path else None
            forked = forks.run(command, folder, whole, stdin.encode(), timeout, notes)
            if notes and os.path.exists(notes):
                from support import offers as offering  # which runs commands itself

                offering.keep(self, offering.taken(notes), env)
            return Result(forked.code, forked.out.decode(), forked.err.decode())
        done = subprocess.run(
            command,
            cwd=folder,
            env=whole,
            input=stdin.encode(),
            capture_output=True,
            check=False,
            timeout=timeout,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def ok(self, *args: str, env: Mapping[str, str] = {}, stdin: str = "") -> Result:
        """Run gittasks, which must succeed."""
        result = self.run(*args, env=env, stdin=stdin)
        assert result.code == 0, f"gittasks {' '.join(args)}: {result}"
        return result

    def start(self, *args: str, env: Mapping[str, str] = {}) -> subprocess.Popen[bytes]:
        """Start gittasks and go on at once."""
        return subprocess.Popen(
            [GITTASKS, *args],
            cwd=self.path,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def tasks(self, list_id: str | None = None) -> dict[str, Any]:
        """The list as `list --all --json` tells it, by task id."""
        where = ["--list", list_id] if list_id else []
        answer = self.ok("list", "--all", "--json", *where).json()
        return {task["id"]: task for task in answer["tasks"]}

    def workspace(self, list_id: str | None = None, **env: str) -> Workspace:
        """The public interface, in this process, with a fresh view of the environment."""
        return Workspace.open(self.path, list_id=list_id, env={**os.environ, **env})

    def edit(self, *operations: Operation, at: int | None = None) -> str:
        """Apply operations as one commit, in this process; at minute `at` of 2030, if given.

        Concurrent changes of one second have no order but that of their ids.
        """
        when = {} if at is None else {"GIT_AUTHOR_DATE": f"{1893456000 + 60 * at} +0000"}
        commit = self.workspace("plan", **when).edit(operations, force=True, parallel=True).commit
        assert commit, operations
        return commit

    def sync(self, *, accept_rewrite: bool = False) -> SyncResult:
        """Fetch, merge and push the list `plan`, in this process."""
        return self.workspace("plan").exchange(SyncOptions(True, True, accept_rewrite))[0]

    def head(self, list_id: str = "plan") -> str:
        """Commit of a list, as git resolves it."""
        return self.git("rev-parse", "--verify", f"refs/heads/gittasks/{list_id}")

    def count(self, list_id: str = "plan") -> int:
        """Number of commits of a list."""
        return int(self.git("rev-list", "--count", f"gittasks/{list_id}"))

    def hand_edit(
        self,
        changes: Mapping[str, str | bytes | None],
        *,
        list_id: str = "plan",
        message: str = "Edit by hand",
        raw_entries: Sequence[str] = (),
    ) -> str:
        """A commit on the list made with git's plumbing; None removes a path.

        `raw_entries` are index lines (`<mode> <id>\\t<path>`) for what git has no file for.
        """
        ref = f"refs/heads/gittasks/{list_id}"
        old = self.git("rev-parse", "-q", "--verify", ref)
        env = {"GIT_INDEX_FILE": os.path.join(self.git_dir, "hand-index")}
        self.git("read-tree", old, env=env)
        for path, content in changes.items():
            if content is None:
                self.git("update-index", "--force-remove", path, env=env)
            else:
                blob = self.blob(content)
                self.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", env=env)
        for entry in raw_entries:
            self.git("update-index", "--add", "--index-info", stdin=entry + "\n", env=env)
        tree = self.git("write-tree", env=env)
        os.unlink(env["GIT_INDEX_FILE"])
        new = self.git("commit-tree", "-p", old, "-m", message, tree)
        self.git("update-ref", ref, new, old)
        return new

    def fetched(
        self,
        changes: Mapping[str, str | bytes | None],
        remote: str = "origin",
        branch: str = "gittasks/plan",
    ) -> str:
        """A commit by hand that a branch of a new remote has, as fetched, and not the list here."""
        self.git("remote", "add", remote, "/nowhere")
        before, new = self.head(), self.hand_edit(changes)
        self.git("update-ref", "refs/heads/gittasks/plan", before)
        self.git("update-ref", f"refs/remotes/{remote}/{branch}", new)
        return new

    def blob(self, content: str | bytes) -> str:
        """Write a blob; its id."""
        return self.git("hash-object", "-w", "--stdin", stdin=content)

    def fsck(self, *refs: str) -> None:
        """`git fsck --strict` must find nothing wrong (dangling objects are no fault).

        With `refs` it looks at what these reach, and at no other ref and no index.
        """
        done = subprocess.run(
            ["git", "fsck", "--strict", "--full", "--no-dangling", *refs],
            cwd=self.path,
            capture_output=True,
            text=True,
            check=False,
        )
        # git older than 2.46 prints progress of pack checks only to a terminal.
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"
        assert "error" not in done.stderr + done.stdout, done.stderr + done.stdout

    def clone(self, path: str, *args: str) -> Repo:
        """`git clone` of this repository at `path`."""
        git(os.path.dirname(path), "clone", "-q", *args, self.path, path)
        return Repo(path)

    def forget_choice(self) -> None:
        """Take back what `init` and `use` chose in this worktree."""
        os.unlink(os.path.join(self.path, self.git("rev-parse", "--git-dir"), "gittasks-list"))

    def remove(self, *parts: str) -> None:
        """Remove a file or folder below the git directory, if it is there."""
        path = os.path.join(self.git_dir, *parts)
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)


def plan(repo: Repo, *subjects: str, list_id: str = "plan") -> Repo:
    """Make a list whose task ids are the subjects, in one commit."""
    repo.ok("init", list_id)
    if subjects:
        lines = [json.dumps({"op": "create", "id": s, "subject": f"Task {s}"}) for s in subjects]
        repo.ok("batch", stdin="\n".join(lines))
    return repo
