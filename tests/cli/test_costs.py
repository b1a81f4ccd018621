"""A guard without a clock: what each hot command may import, open, start, sync and write.

The bounds are what a command costs today. Whoever makes one dearer sees it here, and what grew;
whoever makes one cheaper, or dearer for a reason, puts in the line that a failure ends with.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from support import clones, gits, meter
from support.meter import Cost
from support.repositories import Repo
from support.templates import copied

_BOUNDS = """
                        20, warm         20, cold      1,000, warm      1,000, cold
list                 45/13/0/0/1    102/30/4/0/15     45/13/0/0/20   102/30/4/0/510
list --json           43/9/0/0/9    101/26/4/0/24     43/9/0/0/428   101/26/4/0/917
status               47/14/0/0/1    104/31/4/0/15      47/14/0/0/1   104/31/4/0/490
status --json        45/10/0/0/1    103/27/4/0/15      45/10/0/0/1   103/27/4/0/490
ready                45/13/0/0/1    102/30/4/0/15     45/13/0/0/20   102/30/4/0/510
ready --json          43/9/0/0/9    101/26/4/0/24     43/9/0/0/427   101/26/4/0/917
show                 50/13/0/0/1    107/40/4/0/21      50/13/0/0/1   107/40/4/0/644
show --json          48/13/0/0/2    105/40/4/0/21      48/13/0/0/2   105/40/4/0/645
prime                49/11/0/0/3    106/28/4/0/17      49/11/0/0/3   106/28/4/0/492
prime --json         50/11/0/0/3    107/28/4/0/18      50/11/0/0/3   107/28/4/0/492
create             113/44/0/11/6   130/61/4/11/21  113/44/0/11/157  130/61/4/11/647
start              110/44/0/11/6   127/61/4/11/21  110/44/0/11/157  127/61/4/11/647
done               110/44/0/11/6   127/61/4/11/21  110/44/0/11/157  127/61/4/11/647
update             110/44/0/11/6   127/61/4/11/20  110/44/0/11/157  127/61/4/11/646
note               110/44/0/11/6   127/61/4/11/21  110/44/0/11/157  127/61/4/11/646
sync                 51/35/1/0/1    157/79/5/0/13      51/35/1/0/1   157/79/5/0/384
hook                  99/7/1/0/1       99/8/3/0/3       99/7/1/0/1       99/8/3/0/3
"""
"""Modules, files, processes, fsyncs, kilobytes; by number of tasks, with caches and without."""
_PYTHON = (3, 11)
"""The Python of the table; the standard library of another has other modules."""
_MORE_MODULES, _MORE_WITH_ANOTHER_PYTHON = 2, 10
"""A library may import a module more in its next version."""
_COMMANDS = {
    "list": ("list",),
    "list --json": ("list", "--json"),
    "status": ("status",),
    "status --json": ("status", "--json"),
    "ready": ("ready",),
    "ready --json": ("ready", "--json"),
    "show": ("show", "t1"),
    "show --json": ("show", "t1", "--json"),
    "prime": ("prime",),
    "prime --json": ("prime", "--json"),
    "create": ("create", "New"),
    "start": ("start", "t1"),
    "done": ("done", "t1"),
    "update": ("update", "t1", "--result", "x"),
    "note": ("note", "t1", "x"),
    "sync": ("sync",),
    "hook": ("hook", "post-commit"),
}
_WRITES = ("create", "start", "done", "update", "note")
_SITUATIONS = [(tasks, warm) for tasks in (20, 1000) for warm in (True, False)]


class Bound(NamedTuple):
    """The most that a command may do: modules, files, processes, fsyncs, kilobytes written."""

    modules: int
    files: int
    processes: int
    syncs: int
    kilobytes: int

    def __str__(self) -> str:
        return "/".join(map(str, self))


def _read(table: str) -> dict[str, list[Bound]]:
    """Bounds by the name of a command, in the order of the situations."""
    rows = (line.rsplit(maxsplit=len(_SITUATIONS)) for line in table.strip().splitlines()[1:])
    return {name: [Bound(*map(int, cell.split("/"))) for cell in cells] for name, *cells in rows}


def _line(name: str, costs: list[Bound]) -> str:
    return f"{name:15}" + "".join(f" {bound!s:>16}" for bound in costs)


def _clone(folder: str, tasks: int, *, warm: bool) -> Repo:
    """A clone whose list is in step with its remote, with caches or before its first command."""
    names = [f"t{number}" for number in range(tasks)]
    copied(("costs", tasks), lambda made: _make(made, names), folder)
    repo = Repo(os.path.join(folder, "ann"))
    repo.remove("gittasks", "journal")  # the first write after a repack looks for all that it has
    if not warm:
        repo.remove("gittasks", "cache")
        return repo
    time.sleep(0.1)  # settings that changed in the last 50 ms are not remembered
    repo.ok("list")
    return repo


def _make(folder: str, names: list[str]) -> None:
    (ann,) = clones.share(folder, "ann", tasks=names)
    ann.git("repack", "-adq")
    ann.ok("list")


def _bound(cost: Cost) -> Bound:
    return Bound(
        len(cost.modules),
        len(cost.files),
        len(cost.processes),
        cost.syncs,
        -(-cost.written // 1000),
    )


def _growth(cost: Cost, bound: Bound) -> Iterator[str]:
    """What is above its bound, in words that lead to the place."""
    now = _bound(cost)
    same = sys.version_info[:2] == _PYTHON
    if now.modules > bound.modules + (_MORE_MODULES if same else _MORE_WITH_ANOTHER_PYTHON):
        packages = Counter(name.partition(".")[0] for name in cost.modules)
        yield f"modules {now.modules} > {bound.modules}: {dict(packages)}: {' '.join(cost.modules)}"
    if now.files > bound.files:
        yield f"files opened {now.files} > {bound.files}: {' '.join(cost.files)}"
    if now.processes > bound.processes:
        yield f"processes {now.processes} > {bound.processes}: {'; '.join(cost.processes)}"
    if now.syncs > bound.syncs:
        yield f"fsyncs {now.syncs} > {bound.syncs}"
    if now.kilobytes > 1.02 * bound.kilobytes + 1:  # ids and times pack differently
        yield f"kilobytes written {now.kilobytes} > {bound.kilobytes}"


@gits.files_only  # the bounds are those of ref files: a reftable costs a git process a write
@pytest.mark.parametrize("name", _COMMANDS)
def test_no_command_costs_more_than_it_did(name: str, tmp_path: object) -> None:
    """Modules, files, processes, fsyncs and bytes stay within the bounds of the table."""
    costs = []
    for tasks, warm in _SITUATIONS:
        repo = _clone(os.path.join(str(tmp_path), f"{tasks}-{warm}"), tasks, warm=warm)
        if warm and name not in _WRITES:
            repo.ok(*_COMMANDS[name])
        costs.append(meter.measure(repo, *_COMMANDS[name]))
    bounds = _read(_BOUNDS).get(name) or [Bound(0, 0, 0, 0, 0)] * len(_SITUATIONS)
    growth = [
        f"{tasks} tasks, {'warm' if warm else 'cold'}: {line}"
        for (tasks, warm), cost, bound in zip(_SITUATIONS, costs, bounds, strict=True)
        for line in _growth(cost, bound)
    ]
    assert not growth, "\n".join([*growth, f"now: {_line(name, [*map(_bound, costs)])}"])


def test_every_bound_is_of_a_command() -> None:
    """No command is without its row."""
    assert list(_read(_BOUNDS)) == list(_COMMANDS)


def test_the_meter_counts(tmp_path: object) -> None:
    """A first write imports, opens, starts git, waits for the disk and writes, and is seen to."""
    cost = meter.measure(_clone(str(tmp_path), 20, warm=False), "note", "t1", "x" * 5000)
    assert {"gittasks.cli.main", "dulwich"} <= set(cost.modules)
    assert ".git/config" in cost.files or any(" config " in p for p in cost.processes)
    assert any("objects" in path for path in cost.files)
    assert cost.syncs > 0
    assert cost.written == 0 or cost.written > 5000
