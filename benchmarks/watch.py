"""What `gittasks watch` costs while nothing happens: seconds of CPU in a minute.

Each case runs on its own for some seconds, after a start that is not counted; children (a git that
fetches) are. Figures are scaled to a minute.

    python benchmarks/watch.py [--seconds 20] [--tasks 20 1000]
"""

from __future__ import annotations

import argparse
import json
import os
import pty
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

GITTASKS = str(Path(sys.executable).parent / "gittasks")
_START = 3.0
"""Seconds that a case is left alone before it is measured."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--tasks", type=int, nargs="+", default=[20, 1000])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        _environment(scratch)
        print("CPU seconds a minute while nothing happens")
        for count in options.tasks:
            folder = _list_of(scratch, count)
            for name, args, terminal in (
                ("--json, in a pipe", ["--json"], False),
                ("on a terminal, nothing in progress", ["--list", "idle"], True),
                ("on a terminal, the spinner turns", [], True),
                ("the same with --fetch 10s", ["--fetch", "10s"], True),
            ):
                spent = _cpu(folder, args, terminal, options.seconds)
                print(f"{spent * 60 / options.seconds:6.2f}  {count:5} tasks, {name}")


def _environment(scratch: str) -> None:
    for name in [n for n in os.environ if n.startswith(("GIT_", "GITTASKS_", "CLAUDE_"))]:
        del os.environ[name]
    os.environ.update(HOME=scratch, GIT_CONFIG_NOSYSTEM="1", TERM="xterm-256color")
    for key, value in (("user.name", "Bench"), ("user.email", "bench@example.org")):
        _run(["git", "config", "--global", key, value], scratch)


def _run(command: list[str], folder: str, text: str = "") -> None:
    subprocess.run(command, cwd=folder, input=text, text=True, capture_output=True, check=True)


def _list_of(scratch: str, count: int) -> str:
    """A repository with a remote and two lists: `work` with one task in progress, `idle`."""
    folder, remote = f"{scratch}/{count}", f"{scratch}/{count}.git"
    _run(["git", "init", "-q", "--bare", remote], scratch)
    _run(["git", "init", "-q", folder], scratch)
    _run(["git", "remote", "add", "origin", remote], folder)
    lines = [
        json.dumps({"op": "create", "id": f"t{n}", "subject": f"PHASE {n // 50}: Task {n}"})
        for n in range(count)
    ]
    for name in ("idle", "work"):
        _run([GITTASKS, "init", name], folder)
        _run([GITTASKS, "batch"], folder, "\n".join(lines))
    # Started an hour ago: a time that is shown in minutes moves on once a minute.
    started = f"{int(time.time()) - 3600} +0000"
    _run(["env", f"GIT_AUTHOR_DATE={started}", GITTASKS, "start", "t0"], folder)
    _run([GITTASKS, "sync", "--all"], folder)
    return folder


def _cpu(folder: str, args: list[str], terminal: bool, seconds: float) -> float:
    """Seconds of CPU that a watch uses in so many seconds."""
    ours, theirs = pty.openpty() if terminal else os.pipe()
    drain = threading.Thread(target=_drain, args=[ours], daemon=True)
    drain.start()
    process = subprocess.Popen(
        [GITTASKS, "watch", *args],
        cwd=folder,
        stdin=theirs if terminal else subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    time.sleep(_START)
    before = _used(process.pid)
    time.sleep(seconds)
    spent = _used(process.pid) - before
    assert process.poll() is None, "watch ended by itself"
    process.terminate()
    process.wait()
    drain.join()
    os.close(ours)
    return spent


def _drain(descriptor: int) -> None:
    try:
        while os.read(descriptor, 65536):
            pass
    except OSError:  # the other end of a terminal was closed
        return


def _used(pid: int) -> float:
    """CPU seconds of a process and of its children that have ended (proc_pid_stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
