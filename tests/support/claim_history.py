"""What claimers were told, and whether it can all be true: a history recorded and checked.

Each claimer writes down what it asked and what it was told, with the times of one steady clock. The
checker compares that with what the remote's own history says in the end.
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from gittasks.core.trailers import CLAIM, OWNER, SESSION, STATUS, TASK, parse_trailers
from support.repositories import git


class Event(NamedTuple):
    """One answer: `kind` is `claim`, `done` or `release`; `told` is `ok`, `no` (refused, or
    nothing ready) or `unknown` (killed, or the remote was away)."""

    who: str
    kind: str
    told: str
    task: str
    claim: int
    began: float
    ended: float


class Recorder:
    """Appends the events of one claimer to a file of its own."""

    def __init__(self, folder: str, who: str) -> None:
        self._path = os.path.join(folder, f"events-{who}.jsonl")
        self._who = who

    def add(self, kind: str, told: str, task: str, claim: int, began: float) -> None:
        """Write one event down, on the disk before the next is asked."""
        event = Event(self._who, kind, told, task, claim, began, time.monotonic())
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")


def recorded(folder: str) -> list[Event]:
    """All events, in the order in which they ended."""
    found = []
    for name in os.listdir(folder):
        if name.startswith("events-"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                found += [Event(*json.loads(line)) for line in file]
    return sorted(found, key=lambda e: e.ended)


class Written(NamedTuple):
    """A claim, or the end of one, as a commit on the remote says it."""

    task: str
    status: str
    claim: int | None
    holder: str


def on_remote(hub: str, list_id: str = "plan") -> list[Written]:
    """What the operations of the remote's history did to tasks, oldest first."""
    ref = f"refs/heads/gittasks/{list_id}"
    text = git(hub, "log", "--topo-order", "--reverse", "--format=%B%x00", ref)
    found = []
    for message in text.split("\0"):
        block = message.strip().rpartition("\n\n")[2].split("\n")
        trailers = parse_trailers(message.strip() + "\n")
        holder = (trailers.get(SESSION) or trailers.get(OWNER) or [""])[-1]
        for n, line in enumerate(block):
            key, _, task = line.partition(": ")
            if key == TASK and n + 1 < len(block) and block[n + 1].startswith(STATUS):
                claimed = block[n + 2] if n + 2 < len(block) else ""
                number = int(claimed.partition(": ")[2]) if claimed.startswith(CLAIM) else None
                status = block[n + 1].partition(": ")[2]
                found.append(Written(task, status, number, holder))
    return found


def faults(events: Iterable[Event], history: Iterable[Written]) -> list[str]:
    """What cannot be: two holders of a claim, numbers that jump, an answer that is not so."""
    told: list[str] = []
    granted: dict[tuple[str, int], str] = {}
    numbers: dict[str, list[int]] = defaultdict(list)
    held: dict[str, tuple[int, str]] = {}
    closed: set[tuple[str, int, str]] = set()
    for write in history:
        if write.claim is not None:
            if (write.task, write.claim) in granted:
                told.append(f"{write.task} has claim {write.claim} twice")
            granted[write.task, write.claim] = write.holder
            numbers[write.task].append(write.claim)
            held[write.task] = write.claim, write.holder
        elif write.status in ("completed", "pending") and write.task in held:
            number, holder = held.pop(write.task)
            if holder != write.holder:
                told.append(f"{write.holder} ended {write.task}, which {holder} held")
            closed.add((write.task, number, write.holder))
    for task, given in numbers.items():
        if given != list(range(1, len(given) + 1)):
            told.append(f"the claims of {task} do not go up by one: {given}")
    acknowledged: dict[tuple[str, int], str] = {}
    for event in events:
        place = event.task, event.claim
        if event.kind == "claim" and event.told == "ok":
            if acknowledged.setdefault(place, event.who) != event.who:
                told.append(f"{event.who} and {acknowledged[place]} both have {place}")
            if granted.get(place) != event.who:
                told.append(f"{event.who} was told {place}, the remote says {granted.get(place)}")
        elif event.kind != "claim" and event.told == "ok" and (*place, event.who) not in closed:
            told.append(f"{event.who} was told that it ended {place}, the remote does not say so")
    return told
