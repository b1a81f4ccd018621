"""How many tasks a second agents claim and finish through one remote, beside the pushes it takes.

Each agent has a clone of its own. `commands`: a process for each command. `resident`: a process
for each agent, which calls the tools as its MCP server does. A claim is one push, and so is a
finish; a remote takes one push onto a branch after another. The limit beside them is what one clone
gets through that pushes commit after commit and does nothing else.

    python benchmarks/claims.py [--agents 1,8] [--latency 0] [--seconds 5] [--rounds 1]
        [--only commands|resident]

`--latency 0,5,50,200` puts the remote so many milliseconds away: a `git daemon` behind a proxy
that delays what goes either way by half of that, and a new connection by the whole. 0 is a path.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shlex
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from measuring import GITTASKS, QUIET, environment, run

from gittasks import Workspace
from gittasks.core.operations import Create
from gittasks.sync import SyncOptions

LIST = "bench"


class Rate(NamedTuple):
    """One run: tasks a second, and for each write what it took to get it in."""

    tasks: float
    fetches: float
    pushes: float
    processes: float


def main() -> None:
    """Measure and print, or be one of the agents."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--agents", type=numbers, default=[1, 8])
    parser.add_argument("--latency", type=numbers, default=[0])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", choices=AGENTS, help="this kind of agent alone")
    parser.add_argument("--agent", choices=AGENTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.agent:
        serve_as(options.agent, options.seconds)
        return
    print(
        "| remote | agents | | tasks a second | of the limit | fetches a write | pushes a write |"
    )
    print("|---|---|---|---|---|---|---|")
    for latency in options.latency:
        for count in options.agents:
            for row in rows(options, latency, count):
                print(row, flush=True)


def numbers(text: str) -> list[int]:
    """Whole numbers between commas."""
    return [int(word) for word in text.split(",")]


def rows(options: argparse.Namespace, latency: int, count: int) -> Iterator[str]:
    """The rows of one remote and number of agents; the limit is measured in the same minutes."""
    kinds = [options.only] if options.only else list(AGENTS)
    rates: dict[str, list[Rate]] = {kind: [] for kind in kinds}
    limits: list[float] = []
    for _ in range(options.rounds):
        for kind in kinds:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
                environment(scratch)
                clones = shared(f"{scratch}/ground", count, options.tasks)
                with distant(f"{scratch}/ground", clones, latency):
                    limits.append(pushes(clones[0], options.seconds / 2) / 2)
                    rates[kind].append(together(kind, clones, options.seconds))
    limit = statistics.median(limits)
    where = f"{latency} ms" if latency else "path"
    yield f"| {where} | {count} | limit | {limit:.1f} | | | |"
    for kind, runs in rates.items():
        figures = Rate(*(statistics.median(values) for values in zip(*runs, strict=True)))
        cells = [where, str(count), kind, f"{figures.tasks:.1f}", f"{figures.tasks / limit:.0%}"]
        if kind == "resident":
            cells += [f"{figures.fetches:.1f}", f"{figures.pushes:.1f}"]
        else:  # they are not seen from here
            cells += ["", ""]
        yield f"| {' | '.join(cells)} |"


# --- the ground ----------------------------------------------------------------------------------


def shared(folder: str, agents: int, tasks: int) -> list[str]:
    """A hub, a list of tasks on it, and a clone for each agent."""
    os.makedirs(folder)
    run(["git", "init", "-q", "--bare", "hub.git"], folder)
    run(["git", "clone", "-q", "hub.git", "first"], folder)
    first = Workspace.open(f"{folder}/first")
    first.init(LIST, None)
    first.edit([Create(f"Task {n}", id=f"t{n}") for n in range(tasks)])
    first.exchange(SyncOptions(fetch=True, push=True))
    for n in range(agents):
        run(["git", "clone", "-q", "hub.git", f"agent{n}"], folder)
    return [f"{folder}/agent{n}" for n in range(agents)]


@contextlib.contextmanager
def distant(folder: str, clones: list[str], latency: int) -> Iterator[None]:
    """Put the hub so many milliseconds away."""
    if not latency:
        yield
        return
    port, near = free_port(), free_port()
    words = ["git", "daemon", "--reuseaddr", "--listen=127.0.0.1", f"--port={port}"]
    words += ["--export-all", "--enable=receive-pack", f"--base-path={folder}", folder]
    daemon = subprocess.Popen(words, **QUIET, start_new_session=True)
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    asyncio.run_coroutine_threadsafe(delay(near, port, latency / 1000), loop).result()
    while daemon.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            break
        time.sleep(0.05)
    else:
        sys.exit(f"failed: {shlex.join(words)}")
    for clone in clones:
        run(["git", "remote", "set-url", "origin", f"git://127.0.0.1:{near}/hub.git"], clone)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        daemon.terminate()
        daemon.wait()


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def delay(port: int, target: int, latency: float) -> None:
    """Listen, and carry each connection to the target with a delay."""

    async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
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
            under_way.put_nowait((loop.time() + latency / 2, data))
        await delivery

    async def connect(near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        await asyncio.sleep(latency)
        far, there = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(carry(near, there), carry(far, back), return_exceptions=True)
        for writer in (there, back):
            writer.close()

    await asyncio.start_server(connect, "127.0.0.1", port)


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


def together(kind: str, clones: list[str], seconds: float) -> Rate:
    """Let an agent in each clone work for some seconds, all at once."""
    command = [sys.executable, __file__, "--agent", kind, "--seconds", str(seconds)]
    running: list[subprocess.Popen[str]] = []
    for n, clone in enumerate(clones):
        env = {**os.environ, "GITTASKS_OWNER": f"o{n}", "GITTASKS_SESSION": f"s{n}"}
        env["GITTASKS_LIST"] = LIST
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        running.append(subprocess.Popen(command, cwd=clone, env=env, **pipes))
    for process in running:
        assert process.stdout
        process.stdout.readline()  # it is ready
    answers = []
    with ThreadPoolExecutor(len(running)) as pool:  # all begin at once
        for text, _ in pool.map(lambda process: process.communicate("\n"), running):
            answers.append(json.loads(text))
    writes = max(sum(2 * a["tasks"] for a in answers), 1)
    git = Counter[str]()
    for answer in answers:
        git.update(answer["git"])
    return Rate(
        sum(a["tasks"] / a["seconds"] for a in answers),
        git["fetch"] / writes,
        git["push"] / writes,
        sum(git.values()) / writes,
    )


# --- one agent -----------------------------------------------------------------------------------


def serve_as(kind: str, seconds: float) -> None:
    """Claim and finish for some seconds, and say how many there were and what git was asked."""
    claim, finish = AGENTS[kind]()
    git = Counter[str]()
    print("ready", flush=True)
    sys.stdin.readline()

    def note(event: str, args: tuple[Any, ...]) -> None:
        if (
            event in ("subprocess.Popen", "os.posix_spawn")
            and os.path.basename(str(args[1][0])) == "git"
        ):
            git[next((w for w in args[1] if w in ("fetch", "push")), "other")] += 1

    sys.addaudithook(note)
    tasks, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        if name := claim():
            finish(name)
            tasks += 1
    spent = time.perf_counter() - began
    print(json.dumps({"tasks": tasks, "seconds": spent, "git": dict(git)}))


Ways = tuple[Callable[[], str | None], Callable[[str], None]]
"""To claim the next task, and to finish it."""


def commands() -> Ways:
    """A process for each command."""

    def claim() -> str | None:
        words = [GITTASKS, "claim", "-q"]
        answer = subprocess.run(words, capture_output=True, text=True, check=False)
        return answer.stdout.strip() or None

    def finish(name: str) -> None:
        subprocess.run([GITTASKS, "done", "-q", name], check=False, **QUIET)

    return claim, finish


def resident() -> Ways:
    """The tools of a server that is running."""
    from gittasks.mcp_server.server import answer

    def call(tool: str, **values: str) -> Any:
        return answer(None, None, tool, values).structured_content or {}

    def claim() -> str | None:
        name = (call("TaskClaim").get("task") or {}).get("id")
        return str(name) if name else None

    call("TaskList")
    return claim, lambda name: call("TaskUpdate", taskId=name, status="completed")


AGENTS: dict[str, Callable[[], Ways]] = {"commands": commands, "resident": resident}

if __name__ == "__main__":
    main()
