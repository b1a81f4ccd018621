"""How many tasks a second agents claim and finish through one remote, beside the pushes it takes.

Each agent has a clone of its own, or with `--worktrees` a worktree of one clone. `commands`: a
process for each command. `resident`: a process for each agent, which calls the tools as its MCP
server does. A claim is one push, and so is a finish; `commands, next` and `resident, next` finish
a task and claim the next in one. A remote takes one push onto a branch after another. The limit
beside them is what one clone gets through that pushes commit after commit and does nothing else.

    python benchmarks/claims.py [--agents 1,8] [--latency 0] [--seconds 5] [--rounds 1]
        [--worktrees] [--only KIND]...

`--latency 0,5,50,200` puts the remote so many milliseconds away: a `git daemon` behind a proxy
that delays what goes either way by half of that, and a new connection by the whole. 0 is a path.
Git processes are those of both ends; processor time is that of the agents with their children,
which by path are both ends as well; bytes are those that went through the proxy.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import resource
import shlex
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from measuring import GITTASKS, QUIET, environment, run

from gittasks import Workspace
from gittasks.core.operations import Create
from gittasks.sync import SyncOptions

LIST = "bench"


class Rate(NamedTuple):
    """One run: tasks and writes a second, and for each write what it took to get it in."""

    tasks: float
    writes: float
    fetches: float
    pushes: float
    processes: float
    milliseconds: float
    """Of processor time."""
    kib: float


COLUMNS = (
    "remote",
    "agents",
    "",
    "tasks a second",
    "of the limit",
    "fetches a write",
    "pushes a write",
    "git processes a write",
    "processor ms a write",
    "KiB a write",
)


def main() -> None:
    """Measure and print, or be one of the agents."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--agents", type=numbers, default=[1, 8])
    parser.add_argument("--latency", type=numbers, default=[0])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--worktrees", action="store_true", help="all agents in one clone")
    parser.add_argument("--only", action="append", choices=AGENTS, help="this kind of agent alone")
    parser.add_argument("--agent", choices=AGENTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.agent:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # it waits for its command
        with contextlib.suppress(KeyboardInterrupt):
            serve_as(options.agent, options.seconds)
        return
    signal.signal(signal.SIGTERM, _end)  # nothing of a run stays behind
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}", flush=True)
    for latency in options.latency:
        for count in options.agents:
            for row in rows(options, latency, count):
                print(row, flush=True)


def _end(number: int, _frame: object) -> None:
    sys.exit(128 + number)


def numbers(text: str) -> list[int]:
    """Whole numbers between commas."""
    return [int(word) for word in text.split(",")]


def rows(options: argparse.Namespace, latency: int, count: int) -> Iterator[str]:
    """The rows of one remote and number of agents; the limit is measured in the same minutes."""
    kinds = options.only or list(AGENTS)
    rates: dict[str, list[Rate]] = {kind: [] for kind in kinds}
    limits: list[float] = []
    for _ in range(options.rounds):
        for kind in kinds:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
                environment(scratch)
                ground = f"{scratch}/ground"
                folders = shared(ground, count, options.tasks, worktrees=options.worktrees)
                with distant(ground, folders, latency) as proxy:
                    limits.append(pushes(folders[0], options.seconds / 2))
                    rates[kind].append(together(kind, folders, options.seconds, proxy))
    limit = statistics.median(limits)
    where = [f"{latency} ms" if latency else "path", str(count)]
    yield _line([*where, f"limit: {limit:.1f} pushes a second"])
    for kind, runs in rates.items():
        rate = Rate(*(statistics.median(values) for values in zip(*runs, strict=True)))
        cells = [kind, f"{rate.tasks:.1f}", f"{rate.writes / limit:.0%}"]
        cells += [f"{rate.fetches:.1f}", f"{rate.pushes:.1f}", f"{rate.processes:.0f}"]
        cells += [f"{rate.milliseconds:.0f}", f"{rate.kib:.1f}" if latency else ""]
        yield _line([*where, *cells])


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells + [''] * (len(COLUMNS) - len(cells)))} |"


# --- the ground ----------------------------------------------------------------------------------


def shared(folder: str, agents: int, tasks: int, *, worktrees: bool = False) -> list[str]:
    """A hub, a list of tasks on it, and a clone for each agent, or a worktree of one clone."""
    os.makedirs(folder)
    run(["git", "init", "-q", "--bare", "hub.git"], folder)
    run(["git", "clone", "-q", "hub.git", "first"], folder)
    first = Workspace.open(f"{folder}/first")
    first.init(LIST, None)
    first.edit([Create(f"Task {n}", id=f"t{n}") for n in range(tasks)])
    first.exchange(SyncOptions(fetch=True, push=True))
    run(["git", "clone", "-q", "hub.git", "agent0"], folder)
    if worktrees:
        code = ["git", "commit", "-q", "--allow-empty", "-m", "code"]
        run(code, f"{folder}/agent0")
    for n in range(1, agents):
        if worktrees:
            run(["git", "worktree", "add", "-q", f"../agent{n}"], f"{folder}/agent0")
        else:
            run(["git", "clone", "-q", "hub.git", f"agent{n}"], folder)
    return [f"{folder}/agent{n}" for n in range(agents)]


@contextlib.contextmanager
def distant(folder: str, clones: list[str], latency: int) -> Iterator[Proxy]:
    """Put the hub so many milliseconds away."""
    proxy = Proxy(latency / 1000)
    if not latency:
        yield proxy
        return
    logging.getLogger("asyncio").disabled = True  # connections that the end cuts are no news
    port, near = free_port(), free_port()
    words = ["git", "daemon", "--reuseaddr", "--listen=127.0.0.1", f"--port={port}"]
    words += ["--export-all", "--enable=receive-pack", f"--base-path={folder}", folder]
    traced = {**os.environ, "GIT_TRACE2_EVENT": traces(folder)}
    daemon = subprocess.Popen(words, env=traced, **QUIET, start_new_session=True)
    loop = asyncio.new_event_loop()
    try:
        threading.Thread(target=loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(proxy.listen(near, port), loop).result()
        while daemon.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        else:
            sys.exit(f"failed: {shlex.join(words)}")
        for clone in clones:
            run(["git", "remote", "set-url", "origin", f"git://127.0.0.1:{near}/hub.git"], clone)
        yield proxy
    finally:
        loop.call_soon_threadsafe(loop.stop)
        daemon.terminate()
        daemon.wait()


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def traces(folder: str) -> str:
    """The folder in which each git of a ground leaves a file."""
    os.makedirs(f"{folder}/traces", exist_ok=True)
    return f"{folder}/traces"


class Proxy:
    """A way to the hub that takes some seconds; `carried` are the bytes that went it."""

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self.carried = 0

    async def listen(self, port: int, target: int) -> None:
        """Carry each connection to the target with a delay."""

        async def connect(near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
            await asyncio.sleep(self._latency)
            far, there = await asyncio.open_connection("127.0.0.1", target)
            ways = self._carry(near, there), self._carry(far, back)
            await asyncio.gather(*ways, return_exceptions=True)
            for writer in (there, back):
                writer.close()

        await asyncio.start_server(connect, "127.0.0.1", port)

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        async def deliver() -> None:
            while True:
                due, data = await under_way.get()
                await asyncio.sleep(due - loop.time())
                if not data:
                    with contextlib.suppress(OSError):
                        sink.write_eof()
                    return
                sink.write(data)

        delivery = asyncio.create_task(deliver())
        data = b"-"
        while data:
            try:
                data = await source.read(65536)
            except OSError:
                data = b""
            self.carried += len(data)
            under_way.put_nowait((loop.time() + self._latency / 2, data))
        await delivery


def pushes(clone: str, seconds: float) -> float:
    """How many commits a second one clone pushes, one after another, onto one branch."""
    commit = ["git", "commit", "-q", "--allow-empty", "-m", "code"]
    push = ["git", "push", "-q", "origin", "HEAD:refs/heads/code"]
    spent, count = 0.0, 0
    while spent < seconds:
        subprocess.run(commit, cwd=clone, check=True, **QUIET)
        began = time.perf_counter()
        subprocess.run(push, cwd=clone, check=True, **QUIET)
        spent += time.perf_counter() - began
        count += 1
    return count / spent


def together(kind: str, folders: list[str], seconds: float, proxy: Proxy) -> Rate:
    """Let an agent in each folder work for some seconds, all at once."""
    trace = traces(os.path.dirname(folders[0]))
    with agents(kind, folders, seconds, trace) as running:
        for process in running:
            process.stdout.readline()  # it is ready
        before, carried = len(os.listdir(trace)), proxy.carried
        for process in running:
            process.stdin.write("\n")
            process.stdin.flush()
        answers = [json.loads(process.communicate()[0]) for process in running]
    if failures := sum(a["failures"] for a in answers):
        print(f"{failures} tasks could not be finished", file=sys.stderr)
    writes = max(sum(a["writes"] for a in answers), 1)
    processes, carried = len(os.listdir(trace)) - before, proxy.carried - carried
    named = Counter[str]()
    for name in os.listdir(trace):
        named[_verb(f"{trace}/{name}")] += 1
    return Rate(
        sum(a["tasks"] / a["seconds"] for a in answers),
        sum(a["writes"] / a["seconds"] for a in answers),
        named["fetch"] / writes,
        named["push"] / writes,
        processes / writes,
        1000 * sum(a["processor"] for a in answers) / writes,
        carried / 1024 / writes,
    )


@contextlib.contextmanager
def agents(kind: str, folders: list[str], seconds: float, trace: str) -> Iterator[list[Any]]:
    """Start an agent in each folder; those that still run in the end are ended."""
    command = [sys.executable, __file__, "--agent", kind, "--seconds", str(seconds)]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with contextlib.ExitStack() as stack:
        running = []
        for n, folder in enumerate(folders):
            env = {**os.environ, "GITTASKS_OWNER": f"o{n}", "GITTASKS_SESSION": f"s{n}"}
            env |= {"GITTASKS_LIST": LIST, "GIT_TRACE2_EVENT": trace}
            # In a group of its own, with which it is ended.
            process = subprocess.Popen(
                command, cwd=folder, env=env, start_new_session=True, **pipes
            )
            stack.callback(_stop, process)
            running.append(process)
        yield running


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate()


def _verb(path: str) -> str:
    """The command of git that left a trace."""
    with open(path) as file:
        for line in file:
            event = json.loads(line)
            if event["event"] == "cmd_name":
                return str(event["name"])
    return ""


# --- one agent -----------------------------------------------------------------------------------


class Agent(NamedTuple):
    """The ways of an agent to claim the next task and to finish one.

    A finish says whether it was one, and which task it claimed besides.
    """

    claim: Callable[[], str | None]
    finish: Callable[[str], tuple[bool, str | None]]


def serve_as(kind: str, seconds: float) -> None:
    """Claim and finish for some seconds, and say how many there were and what they took."""
    agent = AGENTS[kind]()
    print("ready", flush=True)
    sys.stdin.readline()
    tasks = writes = failures = 0
    name: str | None = None
    began, spent = time.perf_counter(), _processor()
    while time.perf_counter() - began < seconds:
        if name is None:
            name = agent.claim()
            writes += name is not None
        if name is not None:
            done, name = agent.finish(name)
            tasks, writes, failures = tasks + done, writes + done, failures + (not done)
    times = {"seconds": time.perf_counter() - began, "processor": _processor() - spent}
    print(json.dumps({"tasks": tasks, "writes": writes, "failures": failures, **times}))


def _processor() -> float:
    """Seconds of processor time of this process and of those that it started and that ended."""
    used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def commands(*, goes_on: bool = False) -> Agent:
    """A process for each command."""

    def gittasks(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([GITTASKS, *words], capture_output=True, text=True, check=False)

    def claim() -> str | None:
        return gittasks("claim", "-q").stdout.strip() or None

    def finish(name: str) -> tuple[bool, str | None]:
        if not goes_on:
            return gittasks("done", "-q", name).returncode == 0, None
        ended = gittasks("done", name, "--next", "--json")
        if ended.returncode != 0:
            return False, None
        return True, json.loads(ended.stdout)["started"]

    return Agent(claim, finish)


def resident(*, goes_on: bool = False) -> Agent:
    """The tools of a server that is running."""
    from gittasks.mcp_server.server import answer

    def call(tool: str, **values: Any) -> Any:
        return answer(None, None, tool, values).structured_content or {}

    def claim() -> str | None:
        name = (call("TaskClaim").get("task") or {}).get("id")
        return str(name) if name else None

    def finish(name: str) -> tuple[bool, str | None]:
        ended = call("TaskUpdate", taskId=name, status="completed", startNext=goes_on)
        return bool(ended.get("success")), ended.get("started")

    call("TaskList")
    return Agent(claim, finish)


AGENTS: dict[str, Callable[[], Agent]] = {
    "commands": commands,
    "commands, next": partial(commands, goes_on=True),
    "resident": resident,
    "resident, next": partial(resident, goes_on=True),
}

if __name__ == "__main__":
    main()
