"""The programs that an exchange runs: each is a connection to the remote, or time of its own."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from support import clones, gits, meter

_REPLACED = {"enum", "functools", "contextlib", "collections", "operator", "types", "re"}
"""Modules of which `gittasks.light` has what a start needs."""
_READERS = ("objects", "commits", "list_tree", "plumbing", "journal", "leases", "recognition")


@pytest.mark.parametrize(
    ("before", "command", "runs"),
    [
        ((), ("sync",), ["fetch"]),
        ((), ("pull",), ["fetch"]),
        (("note", "t0", "x"), ("sync",), ["fetch", "push"]),
        (("note", "t0", "x"), ("push",), ["push"]),
        ((), ("claim", "t1"), ["fetch", "push"]),
    ],
    ids=lambda value: " ".join(value) or "nothing",
)
def test_an_exchange_runs_one_git_for_each_direction(
    tmp_path: Path, before: tuple[str, ...], command: tuple[str, ...], runs: list[str]
) -> None:
    """Nothing to do costs a fetch, something to send a push; only a reftable runs git besides."""
    (ann,) = clones.share(str(tmp_path), "ann", tasks=["t0", "t1"])
    time.sleep(0.1)  # settings that changed in the last 50 ms are not remembered
    ann.ok("sync")
    if before:
        ann.ok(*before)
    cost = meter.measure(ann, *command)
    assert [_verb(line) for line in gits.beside_refs(ann.git_dir, cost.processes)] == runs
    if command[0] != "claim":  # that makes a commit
        assert not {"click", "dulwich", "subprocess", "typing"} & set(cost.modules)


@pytest.mark.parametrize("args", [("sync",), ("pull",), ("sync", "--json")], ids=" ".join)
def test_nothing_to_do_loads_nothing_to_do_it_with(tmp_path: Path, args: tuple[str, ...]) -> None:
    """Refs before and after one fetch tell: no object is read, and nothing of a list is decoded."""
    (ann,) = clones.share(str(tmp_path), "ann", tasks=["t0", "t1"])
    time.sleep(0.1)  # settings that changed in the last 50 ms are not remembered
    ann.ok(*args)
    modules = set(meter.measure(ann, *args).modules)
    assert not _REPLACED & modules
    assert not {f"gittasks.store.{name}" for name in _READERS} & modules
    if "--json" not in args:
        assert not {"gittasks.core.graph", "gittasks.core.progress"} & modules


def _verb(line: str) -> str:
    """The command of a git, behind its options."""
    words = iter(line.split()[1:])
    for word in words:
        if word in ("-c", "-C"):
            next(words)
        elif not word.startswith("-"):
            return word
    return ""
