"""Programs that live longer than a command, each of which prints one figure.

python resident.py updates FOLDER      seconds of an update of one task in this process
python resident.py objects FOLDER      the same objects and ref by dulwich alone
python resident.py writers FOLDER      seconds an update takes 16 processes that write at once
python resident.py wait FOLDER         the longest that one of them waited, in seconds
python resident.py bare FOLDER         the seconds with a file lock and dulwich instead
python resident.py read|write|empty FOLDER    seconds of a call of an MCP server
python resident.py serve FOLDER        that server, which has one more tool, that does nothing
python resident.py peak COMMAND...     kilobytes of memory that a command takes at most
"""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import IO, Any

BRANCH: Any = b"refs/heads/gittasks/bench"
ROUNDS, UPDATES = 60, 12
WRITERS = int(os.environ.get("WRITERS", "16"))


def main() -> None:
    """Run the program that is asked for."""
    name, *args = sys.argv[1:]
    if name == "peak":
        print(peak(args))
        return
    (folder,) = args
    if name == "serve":
        serve(folder)
        return
    figures: dict[str, Callable[[str], float]] = {
        "updates": lambda folder: _median(updater(folder, "t1")),
        "objects": lambda folder: _median(object_writer(folder, b"t1.yaml")),
        "writers": lambda folder: at_once(folder, updater)[0],
        "wait": lambda folder: at_once(folder, updater)[1],
        "bare": lambda folder: at_once(folder, locked_writer)[0],
    }
    print(figures[name](folder) if name in figures else mcp(folder, name))


def _median(step: Callable[[int], None]) -> float:
    times = []
    for turn in range(ROUNDS):
        began = time.perf_counter()
        step(turn)
        times.append(time.perf_counter() - began)
    return statistics.median(times[ROUNDS // 6 :])


def updater(folder: str, task: str) -> Callable[[int], None]:
    """A step that sets the result of a task by way of the library."""
    from gittasks import Update, Workspace

    def step(turn: int) -> None:
        Workspace.open(folder).edit([Update(task, result=f"{task} {turn}")])

    return step


def object_writer(folder: str, file: bytes) -> Callable[[int], None]:
    """A step that writes the same objects, and moves the same ref, by dulwich and no more.

    What it wrote is as durable as an update: the content of an object and of the ref before their
    names (dulwich syncs them where it makes them), then the folders. With `core.fsync` none it
    syncs nothing; dulwich alone would sync the ref all the same.
    """
    from dulwich.objects import Blob, Commit
    from dulwich.repo import Repo

    repo = Repo(folder)
    asked = ["git", "config", "core.fsync"]
    said = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=False).stdout
    durable = said.strip() != "none"
    repo.object_store.fsync_object_files = durable
    if not durable:
        os.fsync = lambda fd: None  # noqa: ARG005  named as the system's own
    refs, names = os.path.dirname(f"{folder}/.git/{BRANCH.decode()}"), f"{folder}/.git/objects"
    identity = b"Bench <bench@example.org>"

    def step(turn: int) -> None:
        head = repo.refs[BRANCH]
        old: Any = repo[head]
        root: Any = repo[old.tree]
        tasks: Any = repo[root[b"tasks"][1]]
        blob = Blob.from_string(repo[tasks[file][1]].as_raw_string() + b"result: %d\n" % turn)
        tasks[file] = (0o100644, blob.id)
        root[b"tasks"] = (0o040000, tasks.id)
        commit = Commit()
        commit.tree, commit.parents = root.id, [head]
        commit.author = commit.committer = identity
        commit.author_time = commit.commit_time = int(time.time())
        commit.author_timezone = commit.commit_timezone = 0
        commit.message = b"bench: result changed\n\nGittasks-Op: %020x\n" % turn
        for thing in (blob, tasks, root, commit):
            fan_out = f"{names}/{thing.id[:2].decode()}"
            is_new = not os.path.isdir(fan_out)
            repo.object_store.add_object(thing)
            _sync(fan_out)
            if is_new:
                _sync(names)
        assert repo.refs.set_if_equals(BRANCH, head, commit.id)
        _sync(refs)

    return step


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def locked_writer(folder: str, task: str) -> Callable[[int], None]:
    """A step of the same under a plain file lock."""
    write = object_writer(folder, f"{task}.yaml".encode())
    lock = open(f"{folder}/.git/bare.lock", "w")  # noqa: SIM115  as long as the process

    def step(turn: int) -> None:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            write(turn)
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)

    return step


def at_once(folder: str, make: Callable[[str, str], Callable[[int], None]]) -> tuple[float, float]:
    """Seconds an update takes all writers together, and the longest time that one of them took."""
    start: Any = multiprocessing.Event()
    longest: Any = multiprocessing.Queue()
    ready: Any = multiprocessing.Semaphore(0)

    def work(number: int) -> None:
        step, times = make(folder, f"t{number}"), []
        ready.release()
        start.wait()
        for turn in range(UPDATES):
            began = time.perf_counter()
            step(turn)
            times.append(time.perf_counter() - began)
        longest.put(max(times))

    processes = [multiprocessing.Process(target=work, args=[n]) for n in range(WRITERS)]
    for process in processes:
        process.start()
    for _ in processes:
        ready.acquire()
    began = time.perf_counter()
    start.set()
    waits = [longest.get() for _ in processes]
    taken = time.perf_counter() - began
    for process in processes:
        process.join()
    return taken / (WRITERS * UPDATES), max(waits)


EMPTY = "TaskNothing"
"""A tool that the server has here alone: it answers, and looks at no list."""


def serve(folder: str) -> None:
    """Serve the tools, and one that does nothing, by the tables that all of them are in."""
    from gittasks.mcp_server import replies, schemas, server, tools

    text = {"type": "string"}
    shape = {"type": "object", "properties": {"taskId": text}, "additionalProperties": False}
    known: Any = schemas.BY_NAME
    known[EMPTY] = known["TaskGet"]._replace(name=EMPTY, input=shape, output=shape)
    called: Any = tools._TOOLS  # noqa: SLF001
    called[EMPTY] = lambda _, given: replies.Reply("nothing was done", dict(given))
    server.serve(folder, None)


def mcp(folder: str, kind: str) -> float:
    """Seconds of a call of the MCP server."""
    server = subprocess.Popen(
        [sys.executable, __file__, "serve", folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        bufsize=1,
    )
    sent, received = server.stdin, server.stdout
    assert sent
    assert received
    client = {"name": "bench", "version": "1"}
    terms = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}
    _ask(sent, received, 0, "initialize", terms)
    sent.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
    calls = _calls(kind)

    def step(turn: int) -> None:
        answer = _ask(sent, received, turn + 1, "tools/call", next(calls))
        assert not answer["result"].get("isError"), answer

    figure = _median(step)
    sent.close()
    server.wait()
    return figure


def _calls(kind: str) -> Iterator[dict[str, Any]]:
    number = 0
    while True:
        number += 1
        yield {
            "read": {"name": "TaskList", "arguments": {}},
            "write": {
                "name": "TaskUpdate",
                "arguments": {"taskId": "t1", "subject": f"Task {number}"},
            },
            "empty": {"name": EMPTY, "arguments": {"taskId": "t1"}},
        }[kind]


def _ask(
    sent: IO[str], received: IO[str], number: int, method: str, params: dict[str, Any]
) -> dict[str, Any]:
    request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    sent.write(json.dumps(request) + "\n")
    sent.flush()
    while line := received.readline():
        answer: dict[str, Any] = json.loads(line)
        if answer.get("id") == number:
            return answer
    raise SystemExit("the MCP server ended")


def peak(command: list[str]) -> int:
    """Kilobytes that a command takes at most.

    From a small process: what starts it counts as well until the command is there.
    """
    program = (
        "import os, sys\n"
        "null = os.open(os.devnull, os.O_WRONLY)\n"
        "pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ,"
        " file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])\n"
        "_, status, used = os.wait4(pid, 0)\n"
        "assert status == 0, status\n"
        "print(used.ru_maxrss)\n"
    )
    small = [sys.executable, "-I", "-S", "-c", program, *command]
    return int(subprocess.run(small, capture_output=True, check=True).stdout)


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    main()
