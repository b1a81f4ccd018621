"""The budgets of gittasks: what each command may cost, measured, and whether it keeps to that.

Costs are ratios within one run, in which commands take turns: to `python -c pass` of the same
interpreter (p), or to the git that does the same. Processor time, children included, decides; the
ratio from start to end stands beside it. `--instructions` counts instructions instead (valgrind),
which repeat within one per cent on a busy machine too. `--into` puts the rows that were measured
into a document, and leaves the others that it has.

It ends with 1 where a command failed, and with `--strict` where a budget is missed as well.

    python benchmarks/budgets.py [--quick] [--rows TEXT ...] [--rounds N] [--instructions]
        [--into FILE] [--strict]
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import lists
from measuring import (
    GITTASKS,
    CommandFailed,
    Cost,
    Series,
    between,
    count,
    environment,
    measure,
    medians,
    put_between,
    run,
)

PYTHON = "python -c pass"
RESIDENT = str(Path(__file__).with_name("resident.py"))
SIZES = (20, 1_000, 10_000)
PAST = "1,000 tasks × 4,000 commits"


class Row(NamedTuple):
    """A row of the table: a series of a group, what it is compared with, and its budget.

    `base` are the series by whose sum it is divided, none for a figure that stands for itself;
    `minus` is taken off before, and `plus` (a factor and a series) is granted on top.
    """

    group: str
    name: str
    budget: float | None = None
    base: tuple[str, ...] = (PYTHON,)
    minus: tuple[str, ...] = ()
    plus: tuple[tuple[float, str], ...] = ()
    unit: str = "p"
    by_clock: bool = False
    timed: bool = True
    """False for figures that are no seconds: bytes, instructions."""

    @property
    def title(self) -> str:
        """The first cell of its line."""
        return f"{self.group}: {self.name}"


# --- the budgets: the one place where they stand -------------------------------------------------

_READS = ("list", "list --json", "list --status pending", "status", "status --json", "ready")
_PAGES = ("show t1", "prime")
_WRITES = ("create", "start", "done", "update", "note")
_GIT = ("git fetch", "git push")
_APART = ("apart, 20 tasks, 1,000 + 1,000 commits", "apart, 200 tasks, 1,000 + 1,000 commits")
_LESS_APART = "apart, 100 tasks, 500 + 500 commits"


def _of_size(size: int, read: float, page: float, write: float) -> list[Row]:
    """The rows of one length of a list."""
    group = f"{size:,} tasks"
    return [
        *(Row(group, name, read) for name in _READS),
        *(Row(group, name, page) for name in _PAGES),
        *(Row(group, name, write) for name in _WRITES),
    ]


def _of_apart(group: str) -> list[Row]:
    git = "× fetch + push"
    return [
        Row(group, "sync of both sides", 3.0, _GIT, plus=((1.0, "first read"),), unit=git),
        Row(group, "write apart", 1.3, ("write together",), unit="× together"),
        Row(group, "sync, nothing to do", 2.0, ("git fetch",), unit="× fetch"),
    ]


ROWS = [
    *_of_size(20, 2.0, 3.0, 5.2),
    *_of_size(1_000, 2.5, 2.5, 6.0),
    *_of_size(10_000, 9.0, 9.0, 12.0),
    Row("start-up", "--version", 1.5),
    Row("start-up", "-h", 4.0),
    Row("start-up", "completion of an id", 2.0),
    Row("hooks", "nothing to do", 0.3, minus=("git commit",)),
    Row("hooks", "one task completed", 5.0, minus=("git commit",)),
    Row("many at once", "apply of 100", 12.0),
    Row("many at once", "batch of 1,000", 28.0),
    *(
        Row(
            f"cold, 20 tasks × {commits} commits", name, 3.0, ("git rev-list --parents",), unit=unit
        )._replace(plus=((4.5, PYTHON),))
        for unit in ("× rev-list",)
        for commits in ("10,000", "100,000")
        for name in ("first list", "first write")
    ),
    *(
        Row(f"cold, {PAST}", name, 3.0, ("git log --raw",), unit="× log --raw")._replace(
            plus=((5.0, PYTHON),)
        )
        for name in ("first log", "first show", "first lint", "first report")
    ),
    Row("long past", "log -n 5 at 100,000 commits", 1.1, ("log -n 5 at 1,000",), unit="× at 1,000"),
    Row("upgrade", "list of the next version", 1.1, ("list",), unit="× list"),
    Row("in process", "update, not synced", 1.3, ("dulwich, not synced",), unit="× dulwich"),
    Row("in process", "update, synced", 1.5, ("dulwich, synced",), unit="× dulwich", by_clock=True),
    Row("writers", "16 writers", 1.25, ("flock + CAS",), unit="× flock + CAS", by_clock=True),
    Row("writers", "longest wait", 0.6, (), unit="s", by_clock=True),
    Row("MCP", "read", 1.4, ("an empty tool",), unit="× empty tool"),
    Row("MCP", "write", 3.0, ("an empty tool",), unit="× empty tool"),
    Row("exchange", "sync, nothing to do", 2.0, _GIT, unit="× fetch + push"),
    Row("exchange", "sync, one commit", 2.0, ("git fetch", "push of one"), unit="× fetch + push"),
    Row("exchange", "pull, nothing to do", None, ("git fetch",), unit="× fetch"),
    Row("exchange", "push, one commit", None, ("push of one",), unit="× push"),
    Row("exchange", "claim", 2.5, ("git fetch", "push of one"), unit="× fetch + push"),
    *(row for group in _APART for row in _of_apart(group)),
    Row(_LESS_APART, "first read", 15.0),
    Row(_LESS_APART, "second read", 1.1, ("read together",), unit="× together"),
    *(Row("criss-cross", f"first read, {merges} merges") for merges in (10, 100, 500)),
    *(
        Row("memory", f"list, {size:,} tasks", budget, ("Python",), unit="× Python", timed=False)
        for size, budget in ((20, 1.9), (10_000, 5.0))
    ),
    *(Row("peers", name) for name in ("git commit", "git plumbing, 4 calls", "import click")),
    *(Row("peers", f"Taskwarrior {w}, {n:,}") for n in SIZES for w in ("add", "start", "list")),
    *(Row("peers", f"Backlog.md {words}, 20") for words in ("task create", "task list")),
]


# --- what is measured ----------------------------------------------------------------------------


def python(folder: str) -> Series:
    """The least that a program in Python takes."""
    return Series(PYTHON, lambda _: [sys.executable, "-c", "pass"], folder)


def ours(name: str, folder: str, *args: str, before: Callable[[int], None] | None = None) -> Series:
    """A command of ours; {} in an argument is the number of the round."""
    arguments = args or tuple(name.split())
    return Series(
        name, lambda turn: [GITTASKS, *(a.format(turn) for a in arguments)], folder, before
    )


def git(name: str, folder: str, *args: str, before: Callable[[int], None] | None = None) -> Series:
    """A command of git that says nothing."""
    return Series(name, lambda _: ["git", *args], folder, before)


def reported(name: str, folder: str, *args: str) -> Series:
    """A program that prints its own figure."""
    return Series(name, lambda _: [sys.executable, RESIDENT, *args], folder, reports=True)


def first(folder: str, *args: str) -> Callable[[int], None]:
    """A command of ours that is run before, untimed; {} is the number of the round."""

    def before(turn: int) -> None:
        run([GITTASKS, *(a.format(turn) for a in args)], folder)

    return before


def of_size(size: int, scratch: str) -> list[Series]:
    """Reads and writes of a list of some length, caches warm, output not a terminal."""
    folder = lists.new_list(f"{scratch}/list", size)
    return [
        python(folder),
        *(ours(name, folder) for name in (*_READS, *_PAGES)),
        ours("create", folder, "create", "extra {}", "--id", "x{}"),
        ours("start", folder, "start", "t0", before=first(folder, "release", "t0")),
        ours("done", folder, "done", "t2", before=first(folder, "reopen", "t2")),
        ours("update", folder, "update", "t3", "--result", "r{}"),
        ours("note", folder, "note", "t3", "word {}"),
    ]


def start_up(scratch: str) -> list[Series]:
    """What needs no list, and the ids that a shell completes."""
    folder = lists.new_list(f"{scratch}/list", 20)
    asked = {
        "_GITTASKS_COMPLETE": "bash_complete",
        "COMP_WORDS": "gittasks show ",
        "COMP_CWORD": "2",
    }
    return [
        python(folder),
        ours("--version", folder),
        ours("-h", folder),
        Series("completion of an id", lambda _: [GITTASKS], folder, variables=asked),
    ]


def hooks(scratch: str) -> list[Series]:
    """Commits without hooks, and with ours; the first line of each message is the same."""
    plain = lists.new_list(f"{scratch}/plain", 60)
    hooked = lists.new_list(f"{scratch}/hooked", 60)
    run([GITTASKS, "hooks", "install", "-q"], hooked)

    words = ("git", "commit", "-q", "--allow-empty", "-m", "Change it")

    def naming(turn: int) -> list[str]:
        return [*words, "-m", f"Task: t{turn if turn < 4 else turn + 30} completed"]

    return [
        python(plain),
        Series("git commit", lambda _: words, plain),
        Series("nothing to do", lambda _: words, hooked),
        Series("one task completed", naming, hooked),
    ]


def many(scratch: str) -> list[Series]:
    """A plan of 100 tasks, and a thousand operations, each into a list without tasks."""
    tasks = "".join(f"- PHASE {n // 10}: Task {n}\n" for n in range(100))
    plan = Path(scratch, "plan.md")
    plan.write_text(f"# Plan\n\n{tasks}", encoding="utf-8")
    lines = "".join(f'{{"op": "create", "subject": "Task {n}"}}\n' for n in range(1_000))
    run(["git", "init", "-q", f"{scratch}/many"], scratch)
    folder = f"{scratch}/many"
    empty = first(folder, "init", "p{}")
    return [
        python(folder),
        ours("apply of 100", folder, "apply", str(plan), "--list", "p{}", before=empty),
        ours(
            "batch of 1,000", folder, "batch", "--list", "b{}", before=first(folder, "init", "b{}")
        )._replace(stdin=lines),
    ]


def cold(tasks: int, commits: int, scratch: str) -> list[Series]:
    """The first read and the first write in a clone with a long past."""
    folder = lists.with_past(f"{scratch}/list", tasks, commits)

    def cool(_: int) -> None:
        lists.cool(folder)

    return [
        python(folder),
        git("git rev-list --parents", folder, "rev-list", "--parents", lists.BRANCH),
        ours("first list", folder, "list", before=cool),
        ours("first write", folder, "note", "t0", "word {}", before=cool),
    ]


def history(scratch: str) -> list[Series]:
    """The first commands in a clone that read what happened."""
    folder = lists.with_past(f"{scratch}/list", 1_000, 4_000)

    def cool(_: int) -> None:
        lists.cool(folder)

    return [
        python(folder),
        git("git log --raw", folder, "log", "--raw", lists.BRANCH),
        ours("first log", folder, "log", before=cool),
        ours("first show", folder, "show", "t1", before=cool),
        # It ends with 1 where it finds something.
        Series("first lint", lambda _: ["sh", "-c", f"{GITTASKS} lint || :"], folder, cool),
        ours("first report", folder, "report", "--output", "-", before=cool),
    ]


def long_past(scratch: str) -> list[Series]:
    """The last entries of a short and of a long history, caches warm."""
    folders = {n: lists.with_past(f"{scratch}/{n}", 20, n) for n in (1_000, 100_000)}
    for folder in folders.values():
        lists.warm(folder)
    return [
        ours("log -n 5 at 1,000", folders[1_000], "log", "-n", "5"),
        ours("log -n 5 at 100,000 commits", folders[100_000], "log", "-n", "5"),
    ]


def upgrade(scratch: str) -> list[Series]:
    """A list read by this version, then by a copy of it that says it is another."""
    folder = lists.new_list(f"{scratch}/list", 1_000)
    here = Path(__file__).parents[1] / "gittasks"
    copy = Path(scratch, "next", "gittasks")
    shutil.copytree(here, copy)
    package = copy / "__init__.py"
    package.write_text(package.read_text().replace('__version__ = "', '__version__ = "9.', 1))
    words = [sys.executable, "-c", "from gittasks.__main__ import main; main()", "list"]
    following = {"PYTHONPATH": str(copy.parent)}

    def as_it_was(_: int) -> None:
        lists.warm(folder)

    # Both by the same words: an installed script starts a little differently.
    now = Series("list", lambda _: words, folder, as_it_was)
    return [now, now._replace(name="list of the next version", variables=following)]


def in_process(scratch: str) -> list[Series]:
    """Updates in one process beside dulwich alone, each with a disk that is waited for and not."""
    series = []
    for words in ("synced", "not synced"):
        for name, program in (("update", "updates"), ("dulwich", "objects")):
            folder = lists.new_list(f"{scratch}/{program} {words}", 20)
            if words == "not synced":
                run(["git", "config", "core.fsync", "none"], folder)
            series.append(reported(f"{name}, {words}", folder, program, folder))
    return series


def writers(scratch: str) -> list[Series]:
    """Sixteen processes that write at once."""
    names = {"16 writers": "writers", "longest wait": "wait", "flock + CAS": "bare"}
    folders = {name: lists.new_list(f"{scratch}/{name}", 20) for name in names.values()}
    return [
        reported(name, folders[program], program, folders[program])
        for name, program in names.items()
    ]


def mcp(scratch: str) -> list[Series]:
    """Calls of one server."""
    folder = lists.new_list(f"{scratch}/list", 20)
    names = {"read": "read", "write": "write", "an empty tool": "empty"}
    return [reported(name, folder, program, folder) for name, program in names.items()]


def exchange(scratch: str) -> list[Series]:
    """Exchange with a remote on the same disk, beside the git that carries it."""
    one, code = lists.shared(f"{scratch}/shared", 2, 20)
    ref = f"refs/heads/{lists.BRANCH}"
    note = first(one, "note", "t0", "word {}")

    def commit(_: int) -> None:
        run(["git", "commit", "-q", "--allow-empty", "-m", "code"], code)

    def free(turn: int) -> None:
        if turn:
            run([GITTASKS, "release", "t1"], one)

    return [
        python(one),
        git("git fetch", one, "fetch", "-q", "origin", f"{ref}:refs/remotes/origin/{lists.BRANCH}"),
        git("git push", one, "push", "-q", "origin", f"{ref}:{ref}"),
        git("push of one", code, "push", "-q", "origin", "HEAD", before=commit),
        ours("sync, nothing to do", one, "sync", "-q"),
        ours("pull, nothing to do", one, "pull", "-q"),
        ours("sync, one commit", one, "sync", "-q", before=note),
        ours("push, one commit", one, "push", "-q", before=note),
        ours("claim", one, "claim", "t1", before=free),
    ]


def apart(tasks: int, commits: int, scratch: str) -> list[Series]:
    """Two clones that made commits since they parted, brought together."""
    clone = lists.apart(f"{scratch}/apart", tasks, commits)

    def restore(_: int) -> None:
        lists.restore(clone)

    branch = lists.BRANCH
    return [
        python(scratch),
        git("git fetch", clone, "fetch", "-q", "origin", before=restore),
        ours("first read", clone, "status"),
        ours("second read", clone, "status"),
        ours("first write apart", clone, "note", "t0", "word {}"),
        ours("write apart", clone, "note", "t0", "another {}"),
        git("git push", clone, "push", "-q", "origin", f"{branch}:{branch}"),
        ours("write together", clone, "note", "t0", "third {}", before=first(clone, "list")),
        ours("read together", clone, "status", before=first(clone, "sync")),
        ours("sync of both sides", clone, "sync", "-q", before=restore),
        ours("sync, nothing to do", clone, "sync", "-q"),
    ]


def criss_cross(scratch: str) -> list[Series]:
    """The first read where two branches were merged into each other again and again."""
    folders = {n: lists.crossed_lists(f"{scratch}/{n}", n) for n in (10, 100, 500)}
    return [
        python(scratch),
        *(
            ours(f"first read, {n} merges", f, "status", before=lambda _, f=f: lists.cool(f))  # type: ignore[misc]
            for n, f in folders.items()
        ),
    ]


def memory(scratch: str) -> list[Series]:
    """Kilobytes at most."""
    folders = {n: lists.new_list(f"{scratch}/{n}", n) for n in (20, 10_000)}
    return [
        reported("Python", scratch, "peak", sys.executable, "-c", "pass"),
        *(
            reported(f"list, {n:,} tasks", folder, "peak", GITTASKS, "list")
            for n, folder in folders.items()
        ),
    ]


def peers(scratch: str) -> list[Series]:
    """Git itself, and other trackers where they are installed."""
    folder = f"{scratch}/code"
    run(["git", "init", "-q", folder], scratch)
    run(["git", "commit", "-q", "--allow-empty", "-m", "first"], folder)
    plumbing = (
        'b=$(echo "$0" | git hash-object -w --stdin) && '
        't=$(printf "100644 blob $b\\tf\\n" | git mktree) && '
        'c=$(git commit-tree -m x "$t") && git update-ref refs/heads/plumbing "$c"'
    )
    return [
        python(folder),
        Series("import click", lambda _: [sys.executable, "-c", "import click"], folder),
        git("git commit", folder, "commit", "-q", "--allow-empty", "-m", "change"),
        Series("git plumbing, 4 calls", lambda n: ["sh", "-c", plumbing, str(n)], folder),
        *(taskwarrior(scratch) if shutil.which("task") else []),
        *(backlog(folder) if shutil.which("backlog") else []),
    ]


def taskwarrior(scratch: str) -> list[Series]:
    """Taskwarrior with lists of the same lengths: one person's files, no git."""
    series = []
    for size in SIZES:
        data = Path(scratch, f"taskwarrior-{size}")
        data.mkdir()
        config = f"rc:{data}/rc"
        (data / "rc").write_text(f"data.location={data}\nconfirmation=no\nverbose=nothing\n")
        tasks = ",".join(f'{{"description": "Task {n}", "status": "pending"}}' for n in range(size))
        run(["task", config, "import"], scratch, f"[{tasks}]")
        for words in (["add", "Task"], ["start", "1"], ["list"]):
            command = ["task", config, *(reversed(words) if words[0] == "start" else words)]
            stop = partial(_stop, config, scratch) if words[0] == "start" else None
            name = f"Taskwarrior {words[0]}, {size:,}"
            series.append(Series(name, lambda _, c=command: c, scratch, stop))  # type: ignore[misc]
    return series


def _stop(config: str, folder: str, turn: int) -> None:
    if turn:
        run(["task", config, "1", "stop"], folder)


def backlog(folder: str) -> list[Series]:
    """Backlog.md with 20 tasks."""
    run(["backlog", "init", "bench", "--defaults"], folder)
    for n in range(20):
        run(["backlog", "task", "create", f"Task {n}"], folder)
    create, show = ["backlog", "task", "create", "Task"], ["backlog", "task", "list", "--plain"]
    return [
        Series("Backlog.md task create, 20", lambda _: create, folder),
        Series("Backlog.md task list, 20", lambda _: show, folder),
    ]


class Group(NamedTuple):
    """Series that take turns: how they are made, how often they run, and if `--quick` has them."""

    make: Callable[[str], list[Series]]
    rounds: int
    quick: bool = True


GROUPS = {
    "20 tasks": Group(partial(of_size, 20), 15),
    "1,000 tasks": Group(partial(of_size, 1_000), 11),
    "10,000 tasks": Group(partial(of_size, 10_000), 5, quick=False),
    "start-up": Group(start_up, 15),
    "hooks": Group(hooks, 21),
    "many at once": Group(many, 5),
    "cold, 20 tasks × 10,000 commits": Group(partial(cold, 20, 10_000), 3),
    "cold, 20 tasks × 100,000 commits": Group(partial(cold, 20, 100_000), 1, quick=False),
    f"cold, {PAST}": Group(history, 1, quick=False),
    "long past": Group(long_past, 11, quick=False),
    "upgrade": Group(upgrade, 7),
    "in process": Group(in_process, 3),
    "writers": Group(writers, 3),
    "MCP": Group(mcp, 3),
    "exchange": Group(exchange, 11),
    _APART[0]: Group(partial(apart, 20, 1_000), 3, quick=False),
    _APART[1]: Group(partial(apart, 200, 1_000), 3, quick=False),
    _LESS_APART: Group(partial(apart, 100, 500), 3, quick=False),
    "criss-cross": Group(criss_cross, 3),
    "memory": Group(memory, 1),
    "peers": Group(peers, 9),
}


# --- the run -------------------------------------------------------------------------------------


_HEAD = ("| | ratio | by the clock | budget | | ms |", "|---|---|---|---|---|---|")


def main() -> int:
    """Measure and print; 1 when a command failed, or with `--strict` a budget is missed."""
    options = _options()
    if options.into:
        between(Path(options.into), _MARK)  # ends here, and not when all is measured
    chosen = [r for r in ROWS if any(text in r.title for text in options.rows)]
    if options.instructions:
        chosen = [row._replace(timed=False) for row in chosen]
    began, missed, failed = time.monotonic(), 0, 0
    print("\n".join(_HEAD))
    for name in dict.fromkeys(row.group for row in chosen):
        group = GROUPS[name]
        if options.quick and not group.quick:
            continue
        rounds = options.rounds or (max(3, group.rounds // 3) if options.quick else group.rounds)
        try:
            costs = figures(group, rounds, instructions=options.instructions)
        except CommandFailed as error:
            failed += 1
            print(f"{name}: {error}", file=sys.stderr, flush=True)
            continue
        judged = [v for row in chosen if row.group == name and (v := verdict(row, costs))]
        missed += sum(each.missed for each in judged)
        for each in judged:
            print(each.line, flush=True)
        if options.into:
            put_rows(Path(options.into), [each.line for each in judged])
    minutes = (time.monotonic() - began) / 60
    print(f"\n{missed or 'no'} budgets missed; {minutes:.1f} minutes; p is {PYTHON}")
    if failed:
        print(f"FAILED: {failed} groups, as said above", file=sys.stderr)
    return 1 if failed or (options.strict and missed) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", nargs="+", default=[""], help="those whose name has one of these")
    parser.add_argument("--rounds", type=int, help="of each group, instead of its own number")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, no long lists")
    parser.add_argument("--instructions", action="store_true", help="count instead of timing")
    parser.add_argument("--into", help="a document whose rows between the two marks are renewed")
    parser.add_argument("--strict", action="store_true", help="fail where a budget is missed")
    return parser.parse_args()


_MARK = "<!-- make bench -->"


def put_rows(document: Path, lines: list[str]) -> None:
    """Put lines of the table into a document, each in the place of the one of the same row."""
    before = [line for line in between(document, _MARK).splitlines() if line not in _HEAD]
    by_title = {line.split(" | ")[0].removeprefix("| "): line for line in (*before, *lines)}
    rows = [by_title[row.title] for row in ROWS if row.title in by_title]
    put_between(document, _MARK, "\n".join([*_HEAD, *rows]))


def figures(group: Group, rounds: int, *, instructions: bool) -> Mapping[str, Cost]:
    """The medians of the series of a group, in a folder and an environment of their own."""
    with tempfile.TemporaryDirectory() as scratch:
        before = dict(os.environ)
        environment(scratch)
        try:
            series = group.make(scratch)
            return count(series) if instructions else medians(measure(series, rounds))
        finally:
            os.environ.clear()
            os.environ.update(before)


class Verdict(NamedTuple):
    """A line of the table, and whether the row misses its budget."""

    line: str
    missed: bool


def verdict(row: Row, costs: Mapping[str, Cost]) -> Verdict | None:
    """The verdict on a row; None where it could not be measured."""
    if not all(name in costs for name in (row.name, *row.base, *row.minus)):
        return None
    ratios = [_ratio(row, {n: c[clock] for n, c in costs.items()}) for clock in (0, 1)]
    ratio, limit = ratios[1 if row.by_clock else 0]
    missed = limit is not None and ratio > limit
    words = "" if limit is None else "within"
    if limit is not None and missed:
        words = f"misses by {100 * (ratio / limit - 1):.0f} %"
    budget = "" if limit is None else f"{limit:.2f}"
    clock = f"{ratios[1][0]:.2f}" if row.timed else ""
    took = f"{costs[row.name].wall * 1000:.1f}" if row.timed else ""
    cells = f"{row.title} | {ratio:.2f} {row.unit} | {clock} | {budget} | {words}"
    return Verdict(f"| {cells} | {took} |", missed)


def _ratio(row: Row, seconds: Mapping[str, float]) -> tuple[float, float | None]:
    """The ratio of a row and what it may be at most."""
    base = sum(seconds[name] for name in row.base) if row.base else 1.0
    spent = seconds[row.name] - sum(seconds[name] for name in row.minus)
    granted = sum(factor * seconds[name] for factor, name in row.plus) / base
    return spent / base, None if row.budget is None else row.budget + granted


if __name__ == "__main__":
    sys.exit(main())
