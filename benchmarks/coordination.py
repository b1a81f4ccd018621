"""What shared claims are worth: agents at one pool of tasks, with and without coordination.

Each agent is a process in a clone of its own over one bare repository (or in a worktree of one
clone) that lives as long as an MCP server does, and takes the first task that it sees ready; work
is a sleep. The conditions differ in how agents know of each other:

- `TODO.md`: a file in the tree, pulled before a task and pushed after it;
- `list`: a shared list, `start` and `sync`, no claim;
- `claims`: a task is claimed before it is begun;
- `claims, one in five killed`: claims with leases; agents die in the middle of a task;
- `claims, one clone`: claims in worktrees of one clone, through the remote;
- `claims, worktrees`: claims in worktrees of one clone, without a remote;
- `Taskwarrior`: one database on one machine, `start` and `done`, where it is installed.

    python benchmarks/coordination.py [--agents 1,4] [--tasks 24] [--work 0.5] [--rounds 1]
        [--within MINUTES] [--latency 0] [--conditions 'list;claims']

Each round runs all conditions once and prints a table of its own, a row as soon as it is measured,
with all rounds up to then: the last table is the result, and a run that is cut leaves what it had.
`--within` begins nothing more after so many minutes. `--work 0` shows how many tasks a minute
resident agents get through one remote at most; `--latency` delays every connection to the remote by
so many milliseconds. What is printed is Markdown, with the date and the machine.

The pool and the kills have a fixed seed. Figures are medians, with the lowest and the highest of
the rounds: the median of all rounds that there could be lies outside of these with a probability
of one in 2 to the power of rounds less one. Git processes are those of both ends; KiB are what the
objects of the remote have grown by.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from measuring import QUIET, environment, run

from gittasks import Workspace
from gittasks.core.operations import Claim, Create, Transition, Verb
from gittasks.errors import GittasksError
from gittasks.sync import SyncOptions

SEED = 20261130
LIST = "pool"
TASKWARRIOR = "Taskwarrior"
ONE_CLONE = ("claims, one clone", "claims, worktrees")
PAUSE = 0.05
"""Seconds that an agent waits when it sees nothing to do."""
PATIENCE = 20.0


class GaveUp(Exception):
    """Nothing has become ready for a long time."""


class Pool(NamedTuple):
    """Tasks by id in order, each with the ids that it waits for."""

    waits: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, count: int) -> Pool:
        """Tasks of which each waits for up to two of the eight before it."""
        chance = random.Random(SEED)
        ids = [f"t{n}" for n in range(count)]
        return cls(
            {
                name: tuple(
                    sorted(chance.sample(ids[max(0, n - 8) : n], min(n, chance.choice((0, 1, 2)))))
                )
                for n, name in enumerate(ids)
            }
        )

    def ready(self, done: set[str]) -> list[str]:
        """Ids that are not done and wait for nothing."""
        return [i for i, waits in self.waits.items() if i not in done and done.issuperset(waits)]

    def ideal(self, agents: int, work: float) -> float:
        """Seconds that so many agents need when knowing of each other costs nothing."""
        ends: dict[str, float] = {}
        free = [0.0] * agents
        left = list(self.waits)
        while left:
            begin = {
                i: max([0.0, *(ends[b] for b in self.waits[i])])
                for i in left
                if all(b in ends for b in self.waits[i])
            }
            first = min(begin, key=lambda i: (begin[i], left.index(i)))
            free.sort()
            ends[first] = max(free[0], begin[first]) + work
            free[0] = ends[first]
            left.remove(first)
        return max(ends.values())


# --- one agent ----------------------------------------------------------------------------------


class Agent:
    """An agent in its folder; it writes to `log` what it did, one JSON object a line."""

    def __init__(self, folder: str, name: str, pool: Pool, work: float, dies_at: int) -> None:
        self.folder, self.name, self.pool, self.work = folder, name, pool, work
        self.dies_at = dies_at
        self.begun = 0
        self.idle = 0.0
        self.worked = 0.0
        self.waits_since: float | None = None
        self.log = open(f"{folder}.log", "a", buffering=1)  # noqa: SIM115  as long as the process

    def say(self, event: str, task: str = "") -> None:
        """Write down what happened."""
        self.log.write(json.dumps({"event": event, "task": task, "at": time.time()}) + "\n")

    def labour(self, task: str) -> None:
        """Do the work of a task, or die in the middle of it."""
        self.begun += 1
        self.waits_since = None
        self.say("work", task)
        if self.begun == self.dies_at:
            time.sleep(self.work / 2)
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(self.work)
        self.worked += self.work

    def rest(self) -> None:
        """Wait for others; who has waited too long for a task gives up."""
        self.waits_since = self.waits_since or time.monotonic()
        if time.monotonic() - self.waits_since > PATIENCE:
            raise GaveUp
        time.sleep(PAUSE)
        self.idle += PAUSE

    def open(self) -> Workspace:
        """The list as a call of a tool opens it."""
        env = {**os.environ, "GITTASKS_OWNER": self.name, "GITTASKS_SESSION": f"of-{self.name}"}
        return Workspace.open(self.folder, list_id=LIST, env=env)


def todo_file(agent: Agent) -> None:
    """Pull, take the first open line, work, mark it, push."""
    path = f"{agent.folder}/TODO.md"

    def git(*args: str) -> int:
        return subprocess.run(["git", *args], cwd=agent.folder, **QUIET).returncode

    while True:
        git("fetch", "-q")
        git("reset", "-q", "--hard", "origin/main")
        with open(path) as file:
            done = {line.split()[1] for line in file if line.startswith("[x]")}
        ready = agent.pool.ready(done)
        if not ready:
            return
        agent.labour(ready[0])
        while True:
            git("fetch", "-q")
            git("reset", "-q", "--hard", "origin/main")
            with open(path) as file:
                text = file.read()
            with open(path, "w") as file:
                file.write(text.replace(f"[ ] {ready[0]}\n", f"[x] {ready[0]}\n"))
            if git("commit", "-qam", f"{ready[0]} done"):  # it is marked by another already
                break
            if git("push", "-q", "origin", "HEAD:main") == 0:
                break
        agent.say("done", ready[0])


def shared_list(agent: Agent) -> None:
    """Sync, start the first ready task, sync, work, complete it, sync."""
    while True:
        workspace = agent.open()
        with contextlib.suppress(GittasksError):
            workspace.exchange(SyncOptions(fetch=True, push=True))
        if all(task.status.closed for task in workspace.tasks.values()):
            return
        ready = workspace.ready()
        if not ready:
            agent.rest()
            continue
        task = ready[0].id
        with contextlib.suppress(GittasksError):
            workspace.edit([Transition(Verb.START, task)])
            workspace.exchange(SyncOptions(fetch=True, push=True))
            agent.labour(task)
            workspace = agent.open()
            workspace.edit([Transition(Verb.DONE, task)])
            agent.say("done", task)
            workspace.exchange(SyncOptions(fetch=True, push=True))


def claims(agent: Agent, lease: int | None = None) -> None:
    """Claim the next task, work, complete it; with a lease take over what dead agents hold."""
    while True:
        workspace = agent.open()
        try:
            claimed = workspace.claim(Claim(take_over=lease is not None), lease)
        except GittasksError:
            agent.rest()
            continue
        if claimed.task is None:
            if all(task.status.closed for task in workspace.tasks.values()):
                return
            agent.rest()
            with contextlib.suppress(GittasksError):
                workspace.exchange(SyncOptions(fetch=True, push=False))
            continue
        task = claimed.task.id
        agent.labour(task)
        with contextlib.suppress(GittasksError):
            agent.open().edit([Transition(Verb.DONE, task)])
            agent.say("done", task)


def with_leases(agent: Agent) -> None:
    """Claims with a lease of some times the work."""
    claims(agent, max(2, round(4 * agent.work)))


def taskwarrior(agent: Agent) -> None:
    """One database for all: start the first unblocked task that nobody has started, complete it."""

    def task(*args: str) -> subprocess.CompletedProcess[str]:
        words = ["task", "rc.confirmation=no", "rc.verbose=nothing", *args]
        return subprocess.run(words, capture_output=True, text=True)

    while True:
        tasks = json.loads(task("status:pending", "export").stdout or "[]")
        if not tasks:
            return
        ready = [
            t
            for t in tasks
            if "start" not in t
            and not any(d in {x["uuid"] for x in tasks} for d in t.get("depends", ()))
        ]
        if not ready:
            agent.rest()
            continue
        chosen = min(ready, key=lambda t: t["id"])
        if task(chosen["uuid"], "start").returncode != 0:
            continue
        agent.labour(chosen["description"])
        if task(chosen["uuid"], "done").returncode == 0:
            agent.say("done", chosen["description"])


CONDITIONS: dict[str, Callable[[Agent], None]] = {
    "TODO.md": todo_file,
    "list": shared_list,
    "claims": claims,
    "claims, one in five killed": with_leases,
    "claims, one clone": claims,
    "claims, worktrees": claims,
    TASKWARRIOR: taskwarrior,
}


# --- the ground -----------------------------------------------------------------------------------


def lay_out(condition: str, folder: str, agents: int, pool: Pool, latency: float) -> list[str]:
    """A hub with the pool on it, and a folder for each agent."""
    os.makedirs(folder)
    run(["git", "init", "-q", "--bare", "-b", "main", "hub.git"], folder)
    run(["git", "clone", "-q", "hub.git", "first"], folder)
    first = f"{folder}/first"
    run(["git", "checkout", "-q", "-B", "main"], first)
    with open(f"{first}/TODO.md", "w") as file:
        file.writelines(f"[ ] {name}\n" for name in pool.waits)
    run(["git", "add", "TODO.md"], first)
    run(["git", "commit", "-qm", "Begin"], first)
    run(["git", "push", "-q", "origin", "main"], first)
    folders = [f"{folder}/agent{n}" for n in range(agents)]
    if condition == TASKWARRIOR:
        os.environ["TASKDATA"] = f"{folder}/tasks"
        os.environ["TASKRC"] = f"{folder}/taskrc"
        open(f"{folder}/taskrc", "w").close()
        os.makedirs(f"{folder}/tasks")
        numbers = {name: n for n, name in enumerate(pool.waits, 1)}
        for name, waits in pool.waits.items():
            depends = [f"depends:{','.join(str(numbers[w]) for w in waits)}"] if waits else []
            run(["task", "rc.verbose=nothing", "add", name, *depends], folder)
        for name in folders:
            os.makedirs(name)
        return folders
    if condition == "claims, worktrees":
        run(["git", "remote", "remove", "origin"], first)
    workspace = Workspace.open(first)
    workspace.init(LIST, None)
    workspace.edit([Create(i, id=i, blocked_by=waits) for i, waits in pool.waits.items()])
    if condition != "claims, worktrees":
        workspace.exchange(SyncOptions(fetch=True, push=True))
    for n, name in enumerate(folders):
        if condition in ONE_CLONE:
            run(["git", "worktree", "add", "-q", "-b", f"agent{n}", name], first)
        else:
            run(["git", "clone", "-q", "hub.git", name], folder)
    if latency and condition != "claims, worktrees":
        for name in [first] if condition in ONE_CLONE else folders:
            for end in ("upload", "receive"):
                program = f"sleep {latency / 1000}; git-{end}-pack"
                run(["git", "config", f"remote.origin.{end}pack", program], name)
    return folders


class Figures(NamedTuple):
    """One run. `twice`: share of the work that repeated another's; times are seconds."""

    wall: float
    done: int
    twice: float
    cost: float
    processes: float
    sent: float
    lost: int
    agree: bool
    conflicts: int
    stuck: int


def measure(
    condition: str, scratch: str, agents: int, pool: Pool, work: float, latency: float
) -> Figures:
    """Run the agents to their end."""
    folder = tempfile.mkdtemp(dir=scratch)
    ground = f"{folder}/ground"
    folders = lay_out(condition, ground, agents, pool, latency)
    before = _size(f"{ground}/hub.git")
    trace = f"{folder}/trace"
    os.makedirs(trace)
    dying = round(agents / 5) if "killed" in condition else 0
    env = {**os.environ, "GIT_TRACE2_EVENT": trace}
    command = [sys.executable, __file__, "--agent", condition, "--tasks", str(len(pool.waits))]
    command += ["--work", str(work)]
    chance = random.Random(SEED)
    deaths = [chance.randint(1, 3) if n < dying else 0 for n in range(agents)]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    running: list[Any] = [
        subprocess.Popen([*command, "--folder", f, "--dies", str(dies)], env=env, **pipes)
        for f, dies in zip(folders, deaths, strict=True)
    ]
    for process in running:  # what starting takes is no part of it
        process.stdout.readline()
    began = time.perf_counter()
    for process in running:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in running:
        process.wait(600)
    wall = time.perf_counter() - began
    return _figures(condition, ground, folders, pool, wall, before, len(os.listdir(trace)))


def _figures(
    condition: str,
    ground: str,
    folders: list[str],
    pool: Pool,
    wall: float,
    before: int,
    processes: int,
) -> Figures:
    events = []
    for name in folders:
        with open(f"{name}.log") as file:
            events += [json.loads(line) for line in file]
    works = [e["task"] for e in events if e["event"] == "work"]
    acknowledged = {e["task"] for e in events if e["event"] == "done"}
    spent = sum(e.get("cost", 0) for e in events)
    done, agree, conflicts = _outcome(condition, ground, folders)
    finished = max(len(done), 1)
    return Figures(
        wall,
        len(done),
        1 - len(set(works)) / max(len(works), 1),
        spent / finished,
        processes / finished,
        (_size(f"{ground}/hub.git") - before) / 1024 / finished,
        len(acknowledged - done),
        agree,
        conflicts,
        len(pool.waits) - len(done),
    )


def _outcome(condition: str, ground: str, folders: list[str]) -> tuple[set[str], bool, int]:
    """The ids that are done in the end, whether all copies agree, open conflicts."""
    if condition == "TODO.md":
        run(["git", "pull", "-q", "origin", "main"], f"{ground}/first")
        with open(f"{ground}/first/TODO.md") as file:
            return {line.split()[1] for line in file if line.startswith("[x]")}, True, 0
    if condition == TASKWARRIOR:
        tasks = subprocess.run(
            ["task", "rc.verbose=nothing", "status:completed", "export"],
            capture_output=True,
            text=True,
        )
        return {t["description"] for t in json.loads(tasks.stdout or "[]")}, True, 0
    places = [f"{ground}/first"]
    if condition not in ONE_CLONE:
        places += folders
    for _ in range(2):
        for place in places[1:]:
            Workspace.open(place, list_id=LIST).exchange(SyncOptions(fetch=True, push=True))
    if places[1:]:
        Workspace.open(places[0], list_id=LIST).exchange(SyncOptions(fetch=True, push=True))
    spaces = [Workspace.open(place, list_id=LIST) for place in places]
    states = [dict(w.tasks) for w in spaces]
    done = {i for i, t in states[0].items() if t.status.closed}
    return done, all(s == states[0] for s in states), len(spaces[0].conflicts())


def _size(folder: str) -> int:
    return sum(
        os.path.getsize(os.path.join(at, name))
        for at, _, names in os.walk(f"{folder}/objects")
        for name in names
    )


# --- output ------------------------------------------------------------------------------------


COLUMNS = (
    "condition",
    "agents",
    "rounds",
    "done twice",
    "tasks a minute",
    "× one agent",
    "of the ideal",
    "cost a task, s",
    "git processes a task",
    "KiB a task",
    "lost",
    "copies agree",
    "conflicts",
    "stuck",
)


Runs = dict[tuple[str, int], list[Figures]]


def report(options: argparse.Namespace) -> Iterator[str]:
    """A table for each round, its rows one by one as they are measured, as far as time allows."""
    pool = Pool.of(options.tasks)
    until = time.monotonic() + options.within * 60
    conditions = [c for c in options.conditions if c != TASKWARRIOR or shutil.which("task")]
    runs: Runs = {(c, n): [] for c in conditions for n in options.agents}
    longest = dict.fromkeys(runs, 0.0)
    yield _heading(options)
    if len(conditions) < len(options.conditions):
        yield f"\n{TASKWARRIOR} was not measured: it is not installed."
    for turn in range(options.rounds):
        if turn and time.monotonic() + min(longest.values()) > until:
            break
        yield f"\nRound {turn + 1}\n\n| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"
        for (condition, agents), figures in runs.items():
            began = time.monotonic()
            if not turn or began + longest[condition, agents] < until:
                with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
                    environment(scratch)
                    figures.append(
                        measure(condition, scratch, agents, pool, options.work, options.latency)
                    )
                longest[condition, agents] = time.monotonic() - began
            alone = [f.done / f.wall for f in runs.get((condition, 1), ())]
            yield _row(condition, agents, figures, pool.ideal(agents, options.work), alone)


def _heading(options: argparse.Namespace) -> str:
    git = subprocess.run(["git", "version"], capture_output=True, text=True, check=True).stdout
    return (
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} processors, {platform.system()} "
        f"{platform.machine()}, Python {platform.python_version()}, {git.strip()}: {options.tasks} "
        f"tasks of {options.work:g} s, {options.latency:g} ms to the remote"
    )


def _row(condition: str, agents: int, runs: list[Figures], ideal: float, alone: list[float]) -> str:
    def middle(values: list[float], form: str) -> str:
        text = format(statistics.median(values), form)
        least, most = format(min(values), form), format(max(values), form)
        return f"{text} ({least}–{most})" if least != most else text

    one = statistics.median(alone) if alone else 0
    cells = [
        condition,
        str(agents),
        str(len(runs)),
        middle([f.twice for f in runs], ".0%"),
        middle([f.done / f.wall * 60 for f in runs], ".0f"),
        middle([f.done / f.wall / one for f in runs], ".1f") if one else "",
        middle([ideal / f.wall for f in runs], ".0%"),
        middle([f.cost for f in runs], ".2f"),
        middle([f.processes for f in runs], ".0f"),
        middle([f.sent for f in runs], ".1f"),
        str(max(f.lost for f in runs)),
        "yes" if all(f.agree for f in runs) else "no",
        str(max(f.conflicts for f in runs)),
        str(max(f.stuck for f in runs)),
    ]
    return f"| {' | '.join(cells)} |"


def _conditions(text: str) -> list[str]:
    names = [name.strip() for name in text.split(";")]
    if unknown := [name for name in names if name not in CONDITIONS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of: {'; '.join(CONDITIONS)}")
    return names


def main() -> None:
    """Measure and print, or be one of the agents."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--agents", type=lambda s: [int(n) for n in s.split(",")], default=[1, 4])
    parser.add_argument("--tasks", type=int, default=24)
    parser.add_argument("--work", type=float, default=0.5)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--within", type=float, default=60, metavar="MINUTES")
    parser.add_argument("--latency", type=float, default=0, help="milliseconds to the remote")
    parser.add_argument(
        "--conditions", type=_conditions, default=[*CONDITIONS], help="some of them, between ';'"
    )
    for name in ("--agent", "--folder"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    parser.add_argument("--dies", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.agent:
        for line in report(options):
            print(line, flush=True)
        return
    name = os.path.basename(options.folder)
    agent = Agent(options.folder, name, Pool.of(options.tasks), options.work, options.dies)
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    with contextlib.suppress(GaveUp):
        CONDITIONS[options.agent](agent)
    cost = time.perf_counter() - began - agent.worked - agent.idle
    agent.log.write(json.dumps({"event": "end", "task": "", "cost": cost}) + "\n")


if __name__ == "__main__":
    main()
