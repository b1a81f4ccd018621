"""A guard without a clock: what a call costs a server that stays, once the list is known to it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest
from support import gits
from support.repositories import Repo

from gittasks.mcp_server import server
from gittasks.store import list_version


class Cost(NamedTuple):
    """Files opened, processes started, syncs, bytes written (more where ids are longer)."""

    files: int
    processes: int
    syncs: int
    written: int


_COUNTED = ("open", "subprocess.Popen", "os.posix_spawn")
_counters: list[list[str]] = []
"""The list that takes the events of what is counted just now, if anything is."""
_hooks: list[object] = []


def _listen(event: str, _args: object) -> None:
    if _counters and event in _COUNTED:
        _counters[-1].append(event)


def _written() -> int:
    """Bytes that this process has written so far; 0 where the system does not tell."""
    try:
        with open("/proc/self/io", encoding="ascii") as counts:
            return int(dict(line.split(":") for line in counts)["wchar"])
    except OSError:
        return 0


@contextmanager
def _counted(monkeypatch: pytest.MonkeyPatch, costs: list[Cost]) -> Iterator[None]:
    """Append the cost of what runs inside."""
    if not _hooks:  # a hook stays as long as the process
        sys.addaudithook(_listen)
        _hooks.append(_listen)
    events: list[str] = []
    syncs: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", syncs.append)  # the bounds are of calls, not of the disk
        before = _written()
        _counters.append(events)
        try:
            yield
        finally:
            _counters.clear()
        written = _written() - before
    files = events.count("open")
    costs.append(Cost(files, len(events) - files, len(syncs), written))


def _called(repo: Repo, tool: str, given: Callable[[int], dict[str, object]], turn: int) -> None:
    answer = server.answer(repo.path, "plan", tool, given(turn))
    assert not answer.is_error, answer


@gits.files_only  # the bounds are those of ref files: a reftable costs a git process a write
@pytest.mark.parametrize(
    ("tool", "given", "bound"),
    [
        ("TaskList", lambda _: {}, Cost(8, 0, 0, 0)),
        ("TaskUpdate", lambda turn: {"taskId": "a", "subject": f"s{turn}"}, Cost(43, 0, 11, 3600)),
    ],
    ids=["read", "write"],
)
def test_no_call_costs_more_than_it_did(
    listed: Repo,
    monkeypatch: pytest.MonkeyPatch,
    tool: str,
    given: Callable[[int], dict[str, object]],
    bound: Cost,
) -> None:
    """The third call of a tool opens, syncs and writes what it must, and decodes no list."""
    time.sleep(0.1)  # settings that changed in the last 50 ms are not remembered
    for turn in range(2):
        _called(listed, tool, given, turn)
    decoded: list[object] = []
    monkeypatch.setattr(list_version, "unpack", decoded.append)
    costs: list[Cost] = []
    with _counted(monkeypatch, costs):
        _called(listed, tool, given, 2)
    (cost,) = costs
    assert not decoded
    assert all(now <= most for now, most in zip(cost, bound, strict=True)), f"now: {cost}"
