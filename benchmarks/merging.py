"""How long it takes to bring two clones together that have worked apart, beside git itself.

Two clones each make half of `--commits` commits. Then, in every round from the same state: the
first read that shows both (merged in memory), the next one, a `gittasks sync` there and a `gittasks
pull` in the other clone; a write while they are apart, one on top of it, and one when they are
together; the `git fetch` and `git push` of the same commits; the first read of histories that
cross at every second commit. Beside `python -c pass`, and a `git merge` of code with as many
commits. Medians and ratios of one run.

    python benchmarks/merging.py [--rounds 7] [--commits 2000] [--tasks 20 200]
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from startup import GITTASKS, QUIET, environment, run

from gittasks import Workspace
from gittasks.core.operations import Create, Update
from gittasks.sync import SyncOptions


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--commits", type=int, default=2000)
    parser.add_argument("--tasks", type=int, nargs="+", default=[20, 200])
    parser.add_argument("--crossings", type=int, nargs="+", default=[10, 100, 500])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        environment(scratch)
        code = code_apart(f"{scratch}/code", options.commits)
        lists = {n: lists_apart(f"{scratch}/list-{n}", n, options.commits) for n in options.tasks}
        crossed = {n: crossed_lists(f"{scratch}/crossed-{n}", n) for n in options.crossings}
        times: dict[str, list[float]] = {}
        for _ in range(options.rounds):
            once(times, "python -c pass", [sys.executable, "-c", "pass"], scratch)
            fresh = restored(code)
            once(times, "git merge of code", ["git", "merge", "-q", "other"], fresh)
            for count, folder in lists.items():
                fresh = restored(folder)
                name = f"({count} tasks)"
                once(times, f"first read {name}", [GITTASKS, "status"], f"{fresh}/b")
                once(times, f"next read {name}", [GITTASKS, "status"], f"{fresh}/b")
                bare_git(times, f"git fetch and git push {name}", f"{fresh}/b")
                for words in ("first write apart", "write apart"):
                    once(times, f"{words} {name}", [GITTASKS, "note", "t0", words], f"{fresh}/b")
                once(times, f"sync {name}", [GITTASKS, "sync", "-q"], f"{fresh}/b")
                once(times, f"sync of nothing {name}", [GITTASKS, "sync", "-q"], f"{fresh}/b")
                once(times, f"write together {name}", [GITTASKS, "note", "t0", "b"], f"{fresh}/b")
                once(times, f"pull by the other {name}", [GITTASKS, "pull", "-q"], f"{fresh}/a")
            for count, folder in crossed.items():
                shutil.rmtree(f"{folder}/.git/gittasks/cache", ignore_errors=True)
                once(times, f"first read, {count} merges", [GITTASKS, "status"], folder)
        report(times)


def printed(command: list[str], folder: str) -> str:
    """What a command prints that must succeed."""
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def bare_git(times: dict[str, list[float]], name: str, clone: str) -> None:
    """What git alone takes for the exchange that a sync makes."""
    hub = printed(["git", "remote", "get-url", "origin"], clone).strip()
    bare = f"{clone}-hub"
    shutil.rmtree(bare, ignore_errors=True)
    shutil.copytree(hub, bare)
    refspec = "refs/heads/gittasks/bench:refs/tmp/fetched"
    script = f"git fetch -q {hub} {refspec} && git push -q {bare} gittasks/bench:refs/heads/sent"
    once(times, name, ["sh", "-c", script], clone)


def crossed_lists(folder: str, merges: int) -> str:
    """A clone and its remote, whose branches were merged into each other, by git, so many times."""
    run(["git", "init", "-q", folder], os.path.dirname(folder))
    run(["git", "remote", "add", "origin", f"{folder}/.git"], folder)
    workspace = Workspace.open(folder)
    workspace.init("bench", None)
    workspace.edit([Create(f"Task {i}", id=f"t{i}") for i in range(20)])
    root = printed(["git", "rev-parse", "gittasks/bench"], folder).strip()
    blob = printed(["git", "cat-file", "blob", f"{root}:tasks/t0.yaml"], folder)
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


def lists_apart(folder: str, tasks: int, commits: int) -> str:
    """A hub and two clones; both have written, one has pushed, the other has fetched."""
    os.makedirs(folder)
    run(["git", "init", "-q", "--bare", "hub.git"], folder)
    run(["git", "clone", "-q", "hub.git", "a"], folder)
    a = Workspace.open(f"{folder}/a")
    a.init("bench", None)
    a.edit([Create(f"Task {i}", id=f"t{i}") for i in range(tasks)])
    a.exchange(SyncOptions(fetch=True, push=True))
    run(["git", "clone", "-q", "hub.git", "b"], folder)
    b = Workspace.open(f"{folder}/b")
    for i in range(commits // 2):
        a.edit([Update(f"t{i % tasks}", result=f"a{i}")])
        b.edit([Update(f"t{i * 7 % tasks}", description=f"b{i}")])
    a.exchange(SyncOptions(fetch=True, push=True))
    run(["git", "fetch", "-q"], f"{folder}/b")
    return folder


def code_apart(folder: str, commits: int) -> str:
    """A repository with two branches of code, each half of the commits ahead."""
    run(["git", "init", "-q", "-b", "main", folder], os.path.dirname(folder))
    for branch, name in (("main", "ours"), ("other", "theirs")):
        if branch == "other":
            run(["git", "checkout", "-q", "-b", "other", "HEAD~" + str(commits // 2)], folder)
        for i in range(commits // 2 + (branch == "main")):
            Path(folder, name).write_text(f"{i}\n")
            run(["git", "add", name], folder)
            run(["git", "commit", "-qm", f"{name} {i}"], folder)
    run(["git", "checkout", "-q", "main"], folder)
    return folder


def restored(folder: str) -> str:
    """A copy to work on; the hub is found beside the clones."""
    fresh = f"{folder}-now"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(folder, fresh, symlinks=True)
    for clone in ("a", "b"):
        if os.path.isdir(f"{fresh}/{clone}"):
            run(["git", "remote", "set-url", "origin", f"{fresh}/hub.git"], f"{fresh}/{clone}")
            shutil.rmtree(f"{fresh}/{clone}/.git/gittasks/cache", ignore_errors=True)
    return fresh


def once(times: dict[str, list[float]], name: str, command: list[str], folder: str) -> None:
    """Time one command, which must succeed."""
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, **QUIET)
    times.setdefault(name, []).append(time.perf_counter() - began)


def report(times: dict[str, list[float]]) -> None:
    """Print medians, and ratios to Python itself."""
    base = statistics.median(times["python -c pass"])
    print("| command | ms | ratio |\n|---|---|---|")
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"| {name} | {median * 1000:.0f} | {median / base:.1f} |")


if __name__ == "__main__":
    main()
