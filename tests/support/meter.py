"""Counts of what a command costs, without a clock: the same on every machine and at any load.

The command runs in a fresh interpreter, which reports just before it leaves.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import NamedTuple

from support.repositories import Repo

__all__ = ["Cost", "measure"]

_PROBE = """
import os, sys
at_start = set(sys.modules)
report, sys.argv = sys.argv[1], ["gittasks", *sys.argv[2:]]
files, processes, syncs = [], [], []

def hook(event, args):
    if event == "open" and isinstance(args[0], (str, bytes)):
        files.append(os.fsdecode(args[0]))
    elif event in ("subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec", "os.system"):
        words = [os.fsdecode(word) for word in args[1]] if len(args) > 1 else [event]
        if event == "subprocess.Popen" or processes[-1:] != [words]:
            processes.append(words)

def counted(sync):
    def count(descriptor):
        syncs.append(descriptor)
        return sync(descriptor)
    return count

def leave(code, leave=os._exit):
    # A module that is put off (`light.defer`) has no spec yet.
    loaded = {name for name, module in sys.modules.items() if getattr(module, "__spec__", None)}
    modules = sorted(loaded - at_start)
    opened, started, synced = [*files], [*processes], len(syncs)
    sys.stdout.flush()
    try:
        with open("/proc/self/io") as counts:
            written = int(dict(line.split(":") for line in counts)["wchar"])
    except OSError:
        written = 0
    import json
    with open(report, "w") as out:
        json.dump([modules, opened, started, synced, written], out)
    leave(code)

os._exit = leave
for name in ("fsync", "fdatasync"):
    if hasattr(os, name):
        setattr(os, name, counted(getattr(os, name)))
sys.addaudithook(hook)
from gittasks.__main__ import main
main()
"""
_CODE = (".py", ".pyc", ".so")


class Cost(NamedTuple):
    """What one command did."""

    modules: tuple[str, ...]
    """Imported, beyond what Python itself needs to start."""
    files: tuple[str, ...]
    """Opened, each time anew; modules are not among them."""
    processes: tuple[str, ...]
    """Started: git and whatever else."""
    syncs: int
    """Times that the disk was waited for."""
    written: int
    """Bytes to files, pipes and the output, git's too; 0 where the system does not tell."""


def measure(repo: Repo, *args: str, stdin: str = "") -> Cost:
    """Run a command, which must succeed, and count."""
    report = f"{repo.path}.report"
    done = subprocess.run(
        [sys.executable, "-P", "-c", _PROBE, report, *args],
        cwd=repo.path,
        input=stdin.encode(),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done
    with open(report, encoding="utf-8") as file:
        modules, files, processes, syncs, written = json.load(file)
    os.unlink(report)
    return Cost(
        tuple(modules),
        tuple(os.path.relpath(f, repo.path) for f in files if not f.endswith(_CODE)),
        tuple(" ".join(words) for words in processes),
        syncs,
        written,
    )
