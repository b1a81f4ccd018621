"""What claimers were told, and whether it can all be true: a history recorded and checked.

Each claimer writes down what it asked and what it was told, with the times of one steady clock. The
checker compares that with what the remote's own history says in the end.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from gittasks.core.trailers import CLAIM, FORCED, OWNER, SESSION, STATUS, TASK, parse_trailers
from support.repositories import git


class Event(NamedTuple):
    """One answer: `kind` is `claim`, `take-over`, `done` or `release`; `told` is `ok`, `no`
    (refused, or nothing ready) or `unknown` (killed, or the remote was away)."""

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
    forced: bool = False


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
                if f"{task} pending → " in message and number is None:
                    continue  # nobody held it: no end of a claim, and not asked of the remote
                found.append(Written(task, status, number, holder, FORCED in trailers))
    return found


_CLAIMS = ("claim", "take-over")


def faults(events: Iterable[Event], history: Iterable[Written]) -> list[str]:
    """What cannot be: two holders of a claim, numbers that jump, an answer that is not so."""
    events = list(events)
    claims = _Claims()
    for write in history:
        claims.add(write)
    for task, given in claims.numbers.items():
        if given != list(range(1, len(given) + 1)):
            claims.faults.append(f"the claims of {task} do not go up by one: {given}")
    return [*claims.faults, *_untrue(events, claims), *_at_once(events, claims)]


class _Claims:
    """The claims of a history: who was granted which number, who holds and who ended it."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.granted: dict[tuple[str, int], Written] = {}
        self.numbers: dict[str, list[int]] = defaultdict(list)
        self.closed: set[tuple[str, int, str]] = set()
        self._held: dict[str, tuple[int, str]] = {}

    def add(self, write: Written) -> None:
        """Take in the next write to a task."""
        if write.claim is not None:
            self._grant(write, write.claim)
        elif write.status in ("completed", "pending") and write.task in self._held:
            number, holder = self._held.pop(write.task)
            if holder != write.holder:
                self.faults.append(f"{write.holder} ended {write.task}, which {holder} held")
            self.closed.add((write.task, number, write.holder))

    def _grant(self, write: Written, number: int) -> None:
        if (write.task, number) in self.granted:
            self.faults.append(f"{write.task} has claim {number} twice")
        if write.task in self._held and not write.forced:
            holder = self._held[write.task][1]
            self.faults.append(f"{write.holder} claimed {write.task} while {holder} held it")
        self.granted[write.task, number] = write
        self.numbers[write.task].append(number)
        self._held[write.task] = number, write.holder


def _untrue(events: Iterable[Event], claims: _Claims) -> Iterator[str]:
    """Answers that the history does not bear out."""
    acknowledged: dict[tuple[str, int], str] = {}
    for event in events:
        place = event.task, event.claim
        if event.kind in _CLAIMS and event.told == "ok":
            if acknowledged.setdefault(place, event.who) != event.who:
                yield f"{event.who} and {acknowledged[place]} both have {place}"
            grant = claims.granted.get(place)
            holder = grant.holder if grant else None
            if holder != event.who:
                yield f"{event.who} was told {place}, the remote says {holder}"
        if event.kind in _CLAIMS:
            continue
        later = claims.granted.get((event.task, event.claim + 1))
        taken = later is not None and later.forced  # and perhaps given back before this end
        if event.told == "ok" and (*place, event.who) not in claims.closed and not taken:
            yield f"{event.who} was told that it ended {place}, the remote does not say so"
        if event.told == "no" and not taken:
            yield f"{event.who} was refused the end of {place}, which nobody took over"


def _at_once(events: Iterable[Event], claims: _Claims) -> Iterator[str]:
    """Claims that were told while another was held: its end had not been asked for."""
    told: dict[tuple[str, int], float] = {}
    asked: dict[tuple[str, int], float] = {}
    for event in events:
        place = event.task, event.claim
        if event.kind not in _CLAIMS:
            asked[place] = min(event.began, asked.get(place, event.began))
        elif event.told == "ok":
            told[place] = min(event.ended, told.get(place, event.ended))
    for (task, number), moment in told.items():
        before, grant = (task, number - 1), claims.granted.get((task, number))
        fair = before in told and grant is not None and not grant.forced
        if fair and moment < asked.get(before, math.inf):
            yield f"{task} was held under the claims {number - 1} and {number} at once"
