"""Repositories with task lists for the benchmarks: short and long, with a past, shared."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator

from measuring import GITTASKS, run

from gittasks import Workspace
from gittasks.core.operations import Create, Update
from gittasks.sync import SyncOptions

LIST = "bench"
BRANCH = f"gittasks/{LIST}"
_BEGAN = 1_790_000_000
"""The second of the first commit of a history that is made here."""


def new_list(folder: str, tasks: int) -> str:
    """A repository with a list of so many tasks, half of them completed, its caches warm.

    t0 to t3 are open.
    """
    run(["git", "init", "-q", folder], os.path.dirname(folder))
    run([GITTASKS, "init", LIST], folder)
    closed = range(4, tasks // 2 + 4)
    lines = [
        {"op": "create", "id": f"t{n}", "subject": f"PHASE {n // 4}: task {n}"}
        | ({"status": "completed"} if n in closed else {})
        for n in range(tasks)
    ]
    run([GITTASKS, "batch"], folder, "\n".join(map(json.dumps, lines)))
    run(["git", "gc", "-q"], folder)
    warm(folder)
    return folder


def warm(folder: str) -> None:
    """Fill the caches; settings that changed in the last 50 ms are not remembered."""
    time.sleep(0.1)
    run([GITTASKS, "list"], folder)
    run([GITTASKS, "log"], folder)


def cool(folder: str) -> None:
    """Take the caches away, as a fresh clone is."""
    shutil.rmtree(f"{folder}/.git/gittasks/cache", ignore_errors=True)


def with_past(folder: str, tasks: int, commits: int) -> str:
    """A list with so many commits: each starts or completes a task, or notes its result."""
    new_list(folder, tasks)
    names = [f"t{n}" for n in range(tasks)]
    texts = {
        name: run(["git", "show", f"{BRANCH}:tasks/{name}.yaml"], folder) for name in names[:1]
    }
    created = texts[names[0]].rpartition("created: ")[2]
    stream = "".join(_history(commits, names, created))
    subprocess.run(
        ["git", "fast-import", "--quiet", "--force"],
        cwd=folder,
        input=stream,
        text=True,
        check=True,
        capture_output=True,
    )
    run(["git", "pack-refs", "--all"], folder)
    return folder


def _history(commits: int, names: list[str], created: str) -> Iterator[str]:
    """The stream of `git fast-import`; `created` are the last lines of every task."""
    for number in range(commits):
        turn, at = divmod(number, len(names))
        name = names[at]
        status = "in_progress" if turn % 2 == 0 else "completed"
        text = f'subject: "PHASE {at // 4}: task {at}"\norder: {at + 1}\nstatus: {status}\n'
        text += f"owner: Bench\nstarted: 2026-11-30T04:20:19Z\nresult: r{turn}\ncreated: {created}"
        message = f"{LIST}: {name} → {status}\n\nGittasks-Task: {name}\nGittasks-Status: {status}\n"
        message += f"Gittasks-Owner: Bench\nGittasks-Op: {number:020x}\n"
        who = f"Bench <bench@example.org> {_BEGAN + number} +0000"
        start = f"from refs/heads/{BRANCH}^0\n" if number == 0 else ""
        yield f"commit refs/heads/{BRANCH}\nauthor {who}\ncommitter {who}\n"
        yield f"data {len(message.encode())}\n{message}{start}"
        yield f"M 100644 inline tasks/{name}.yaml\ndata {len(text.encode())}\n{text}\n"


def shared(folder: str, clones: int, tasks: int) -> list[str]:
    """A bare repository with a list, and so many clones that know it."""
    os.makedirs(folder)
    run(["git", "init", "-q", "--bare", "hub.git"], folder)
    run(["git", "clone", "-q", "hub.git", "clone0"], folder)
    names = [f"{folder}/clone{n}" for n in range(clones)]
    run(["git", "commit", "-q", "--allow-empty", "-m", "code"], names[0])
    run(["git", "push", "-q", "origin", "HEAD"], names[0])
    run([GITTASKS, "init", LIST], names[0])
    lines = [{"op": "create", "id": f"t{n}", "subject": f"Task {n}"} for n in range(tasks)]
    run([GITTASKS, "batch"], names[0], "\n".join(map(json.dumps, lines)))
    run([GITTASKS, "sync"], names[0])
    for name in names[1:]:
        run(["git", "clone", "-q", "hub.git", os.path.basename(name)], folder)
        run([GITTASKS, "sync"], name)
    for name in names:
        warm(name)
    return names


def apart(folder: str, tasks: int, commits: int) -> str:
    """A hub and two clones that made so many commits each; `a` has pushed, `b` has fetched nothing.

    The files of the past are not synced: they need not outlive the benchmark.
    """
    a, b = shared(folder, 2, tasks)
    for clone in (a, b):
        run(["git", "config", "core.fsync", "none"], clone)
    mine, theirs = Workspace.open(a), Workspace.open(b)
    for number in range(commits):
        mine.edit([Update(f"t{number % tasks}", result=f"a{number}")])
        theirs.edit([Update(f"t{number * 7 % tasks}", description=f"b{number}")])
    mine.exchange(SyncOptions(fetch=True, push=True))
    for clone in (a, b):
        run(["git", "config", "--unset", "core.fsync"], clone)
    shutil.copytree(folder, f"{folder}.kept", symlinks=True)
    return b


def restore(clone: str) -> None:
    """Bring the clones back to where they parted, without caches."""
    folder = os.path.dirname(clone)
    shutil.rmtree(folder)
    shutil.copytree(f"{folder}.kept", folder, symlinks=True)
    cool(clone)


def crossed_lists(folder: str, merges: int) -> str:
    """A clone and its remote, whose branches were merged into each other, by git, so many times."""
    run(["git", "init", "-q", folder], os.path.dirname(folder))
    run(["git", "remote", "add", "origin", f"{folder}/.git"], folder)
    workspace = Workspace.open(folder)
    workspace.init(LIST, None)
    workspace.edit([Create(f"Task {i}", id=f"t{i}") for i in range(20)])
    root = run(["git", "rev-parse", "gittasks/bench"], folder).strip()
    blob = run(["git", "cat-file", "blob", f"{root}:tasks/t0.yaml"], folder)
    heads, lines, mark = [root, root], [], 0
    for number in range(merges // 2 + 1):
        before = []
        for side in (0, 1):
            mark += 1
            task = f"tasks/t{(2 * number + side) % 20}.yaml"
            text = blob.replace("Task 0", f"Round {number}, side {side}")
            lines += _commit(mark, side, [heads[side]], f"M 100644 inline {task}\n", text)
            before.append(f":{mark}")
        heads = list(before)
        for side in (0, 1) if number < merges // 2 else ():
            mark += 1
            other = f"tasks/t{(2 * number + 1 - side) % 20}.yaml"
            text = blob.replace("Task 0", f"Round {number}, side {1 - side}")
            change = f"M 100644 inline {other}\n"
            lines += _commit(mark, side, [before[side], before[1 - side]], change, text)
            heads[side] = f":{mark}"
    stream = "\n".join(lines) + "\n"
    subprocess.run(
        ["git", "fast-import", "--quiet"], cwd=folder, input=stream, text=True, check=True
    )
    run(["git", "update-ref", "refs/heads/gittasks/bench", "refs/tmp/0"], folder)
    run(["git", "update-ref", "refs/remotes/origin/gittasks/bench", "refs/tmp/1"], folder)
    return folder


def _commit(mark: int, side: int, parents: list[str], change: str, text: str) -> list[str]:
    """A commit of one file for `git fast-import`."""
    who = f"Bench <bench@example.com> {1_800_000_000 + mark} +0000"
    merge = [f"merge {parent}" for parent in parents[1:]]
    return [
        f"commit refs/tmp/{side}",
        f"mark :{mark}",
        f"author {who}",
        f"committer {who}",
        "data 1\nx",
        f"from {parents[0]}",
        *merge,
        f"{change}data {len(text.encode())}\n{text}",
    ]
