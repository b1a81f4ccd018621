"""Clones of one hub that share a list, and what must be true of each of them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from gittasks.core.model import Status, Task
from gittasks.core.operations import AddNote, Create, Transition, Update, Verb
from gittasks.store.list_version import MERGE_SIGNER
from gittasks.store.merge_driver import DRIVER
from support.repositories import GITTASKS, Repo, git, on_path
from support.templates import copied

BROKEN = "subject: [\n"
"""What no task file can say."""


def share(folder: str, *names: str, tasks: Sequence[str] = ("a", "b", "c")) -> list[Repo]:
    """Clones, by name, of the bare `hub.git`; the first has made the list `plan` and sent it.

    The others have no local branch of it.
    """
    copied(("clones", names, tuple(tasks)), lambda made: _share(made, names, tasks), folder)
    return [Repo(os.path.join(folder, name)) for name in names]


def _share(folder: str, names: Sequence[str], tasks: Sequence[str]) -> None:
    hub = os.path.join(folder, "hub.git")
    git(folder, "init", "-q", "--bare", "--template=", hub)
    first = Repo.create(os.path.join(folder, names[0]), "--template=")
    first.git("remote", "add", "origin", hub)
    first.git("push", "-q", "origin", "main")
    first.workspace().init("plan", None)
    if tasks:
        first.edit(*(Create(f"Task {name}", id=name) for name in tasks), at=0)
    assert not first.sync().error
    for name in names[1:]:
        git(folder, "clone", "-q", "--template=", hub, os.path.join(folder, name))


def on_hub(repo: Repo) -> str:
    """Commit of the list on the hub, empty when it is not there."""
    return repo.git("ls-remote", "origin", "refs/heads/gittasks/plan").partition("\t")[0]


def settle(*repos: Repo) -> None:
    """Sync each in turn until all hold the same: twice round is enough."""
    for repo in (*repos, *repos[:-1]):
        done = repo.sync()
        assert not done.error, done.error
    assert {repo.head() for repo in repos} == {on_hub(repos[0])}


def told(repo: Repo) -> list[object]:
    """Everything that a read tells of the list, through the public interface."""
    workspace = repo.workspace("plan")
    found = workspace.store.evaluate(apart=True)
    return [
        workspace.branch().commit,
        workspace.snapshot(),
        workspace.branch().contested,
        workspace.conflicts(),
        [entry for entry in workspace.log() if entry.changes],
        sorted(c.id for c in found.received),
        sorted(c.id for c in found.unsent),
    ]


def assert_caches_change_nothing(repo: Repo) -> list[object]:
    """The same is told with what is cached, without any of it, and with damaged checkpoints."""
    expected = told(repo)
    cache = Path(repo.git_dir, "gittasks", "cache")
    kept = Path(repo.git_dir, "gittasks", "kept")
    points, parsed = (cache / kind / "gittasks" / "plan" for kind in ("merge", "lists"))
    shutil.copytree(cache, kept)
    shutil.rmtree(cache)
    assert told(repo) == expected
    whole = points.read_bytes() if points.exists() else b"x"
    for damage in (b"", b"[]", whole[:-9], whole.replace(b"1", b"2")):
        parsed.unlink()
        points.parent.mkdir(parents=True, exist_ok=True)
        points.write_bytes(damage)
        assert told(repo) == expected
    shutil.rmtree(cache)
    kept.rename(cache)
    parsed.unlink()
    assert told(repo) == expected
    return expected


def automatic(repo: Repo) -> int:
    """Number of automatic commits in the list's history."""
    return repo.git("log", "--format=%an <%ae>", "gittasks/plan").split("\n").count(MERGE_SIGNER)


def tries(repo: Repo, *args: str) -> bool:
    """Run git, which may fail."""
    return subprocess.run(["git", *args], cwd=repo.path, capture_output=True).returncode == 0


@contextlib.contextmanager
def driver(on: bool) -> Iterator[None]:
    """Git with the merge driver, whatever is configured, or without."""
    with pytest.MonkeyPatch.context() as patch:
        if on:
            patch.setenv("GIT_CONFIG_COUNT", "1")
            patch.setenv("GIT_CONFIG_KEY_0", "merge.gittasks.driver")
            patch.setenv("GIT_CONFIG_VALUE_0", DRIVER)
            patch.setenv("PATH", on_path())
        yield


def kill(repo: Repo, after: float, *args: str) -> int:
    """SIGKILL gittasks `after` seconds, unless it was faster; its exit code.

    The git that it had started is nobody's child then, goes on, and is waited for.
    """
    process = subprocess.Popen(
        [GITTASKS, *args],
        cwd=repo.path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(after)
    process.send_signal(signal.SIGSTOP)  # starts no more
    family, rows = {process.pid}, _processes()
    for _ in range(5):
        family |= {row.pid for row in rows if row.parent in family}
    process.kill()
    process.wait(60)
    for _ in range(600):
        if not any(row.session in family or row.pid in family for row in _processes()):
            return process.returncode
        time.sleep(0.05)
    raise AssertionError(f"gittasks {args} was killed, and its git runs on")


class _Process(NamedTuple):
    pid: int
    parent: int
    session: int


def _processes() -> list[_Process]:
    """All that run; a zombie does not."""
    command = ["ps", "-A", "-ww", "-o", "pid=,ppid=,sess=,stat="]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in shown.splitlines()]
    return [_Process(*map(int, row[:3])) for row in rows if row[3][0] != "Z"]


# --- two of them, one with the files of the list on the disk -----------------------------------


class Pair(NamedTuple):
    """Two clones that have the list's branch; Bob's is checked out in the worktree `tree`."""

    ada: Repo
    bob: Repo
    tree: Repo


def checked_out(folder: Path) -> Pair:
    """Both have what the hub has; nothing is configured in them."""
    copied("checked out", _check_out, str(folder))
    ada, bob, tree = (Repo(str(folder / name)) for name in ("ada", "bob", "tree"))
    return Pair(ada, bob, tree)


def _check_out(folder: str) -> None:
    _, bob = share(folder, "ada", "bob")
    bob.git("branch", "-q", "gittasks/plan", "origin/gittasks/plan")
    bob.git("worktree", "add", "-q", os.path.join(folder, "tree"), "gittasks/plan")


def tasks(repo: Repo) -> dict[str, Task]:
    return dict(repo.workspace("plan").snapshot().tasks)


def compete(pair: Pair) -> None:
    """Both change one task at once, in lines next to each other, and one field differently.

    Ada's is on the hub and fetched by Bob.
    """
    ada, bob, _ = pair
    ada.edit(Update("a", subject="Ada's", description="Ada's"), AddNote("a", "Ada's"), at=1)
    ada.edit(Update("b", result="Ada's"), at=1)
    ada.sync()
    bob.edit(
        Update("a", subject="Bob's", active_form="Bob's"),
        Transition(Verb.START, "a"),
        AddNote("a", "Bob's"),
        at=2,
    )
    bob.edit(Update("c", result="Bob's"), at=2)
    bob.git("fetch", "-q")


def assert_nothing_lost(repo: Repo, subject: str | None = "Bob's") -> None:
    """All that only one of them wrote is shown, whatever a merge did to the files."""
    shown = tasks(repo)
    a = shown["a"]
    assert (a.description, a.active_form) == ("Ada's", "Bob's")
    assert a.status is Status.IN_PROGRESS
    assert {n.text for n in a.notes} == {"Ada's", "Bob's"}
    assert (shown["b"].result, shown["c"].result) == ("Ada's", "Bob's")
    assert a.subject in (("Ada's", "Bob's") if subject is None else (subject,))


def merge(tree: Repo, *options: str, check: bool = True) -> int:
    """`git merge` of what was fetched; its exit code."""
    command = ["git", "merge", "-q", "--no-edit", *options, "origin/gittasks/plan"]
    done = subprocess.run(command, cwd=tree.path, check=False, capture_output=True)
    assert not check or done.returncode == 0, done
    return done.returncode
