"""Histories of a list by the hundred commits, made by `git fast-import` in a moment."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from gittasks.codec.canonical import encode_task
from gittasks.core.model import Note, Status, Task, Value
from support.repositories import Repo

_START = 1_767_300_000
_STATES = [Status.PENDING, Status.IN_PROGRESS, Status.COMPLETED, Status.SKIPPED]


def grow(repo: Repo, commits: int, *, seed: int = 0, tasks: int = 5, forks: bool = False) -> None:
    """Add so many commits to the list `plan`, packed; with `forks`, side branches and oddities.

    One of the tasks has long values.
    """
    repo.git("fast-import", "--quiet", "--force", stdin=_stream(repo, commits, seed, tasks, forks))
    repo.git("repack", "-adq")
    repo.remove("gittasks", "cache")


def _stream(repo: Repo, commits: int, seed: int, tasks: int, forks: bool) -> bytes:
    draw = random.Random(seed)
    names = [f"t{number}" for number in range(tasks)]
    lines: list[bytes] = []
    tips = [repo.head()]
    for number in range(commits):
        mark, tip = f":{number + 1}", tips[-1]
        if forks and draw.random() < 0.2:
            tip = draw.choice(tips[-4:])
        who = f"Ada {number} <ada@example.com> {_START + 60 * number} {draw.choice(_ZONES)}"
        subject = f"plan: step {number}\n\nGittasks-Owner: bot{number % 3}\nGittasks-Op: {number}\n"
        lines.append(f"commit refs/heads/gittasks/plan\nmark {mark}\nauthor {who}\n".encode())
        lines += [f"committer {who}\n".encode(), _data(subject.encode()), f"from {tip}\n".encode()]
        others = {o for o in draw.sample(tips[-4:], min(2, len(tips))) if o != tip}
        if forks and draw.random() < 0.25:
            lines += [f"merge {other}\n".encode() for other in sorted(others)]
        lines += _edit(draw, draw.choice(names), number)
        if forks and draw.random() < 0.3:
            lines += _oddity(draw, draw.choice(names))
        tips.append(mark)
    return b"".join(lines)


_NOTES = [Note("2026-01-02T03:04:05Z", "ann", f"Note {n} " + "word " * 20) for n in range(8)]
_WORDS = "x" * 60
_VALUES: list[Value] = [_WORDS, 1, True, {"a": _WORDS}]
_ZONES = ["+0000", "-0330", "+1400"]


def _edit(draw: random.Random, name: str, number: int) -> Iterator[bytes]:
    task = Task(
        id=name,
        subject=f"Task {name}",
        status=draw.choice(_STATES),
        owner=draw.choice([None, "bot", "ann"]),
        result=draw.choice([None, "PASS", f"seen {number}"]),
        tags=tuple(draw.sample(["a", "b", "c"], draw.randrange(3))),
    )
    if name == "t1":
        keys = draw.sample([f"key {n}" for n in range(9)], draw.randrange(5, 9))
        task = task._replace(
            notes=tuple(draw.sample(_NOTES, draw.randrange(9))),
            description="\n".join(f"{n} {_WORDS}" for n in range(9) if draw.random() < 0.8),
            metadata={key: draw.choice(_VALUES) for key in sorted(keys)},
            extra={"from elsewhere": [_WORDS, 1, True] * draw.randrange(4, 6)},
        )
    yield from _put({f"tasks/{name}.yaml": encode_task(task)})


def _oddity(draw: random.Random, name: str) -> Iterator[bytes]:
    """Changes that no command of ours makes."""
    path = f"tasks/{name}.yaml"
    by_hand = f"# by hand\nsubject: 'Task {name}'\nstatus: {draw.choice(_STATES)}\n".encode()
    yield draw.choice(
        [
            b"".join(_put({path: by_hand})),
            b"".join(_put({path: b"subject: [no: task\n"})),
            b"".join(_put({path: b"target"}, mode="120000")),
            b"".join(_put({path: by_hand}, mode="100755")),
            b"".join(_put({f"{path}/inner": b"a folder\n", "tasks/Odd Name": b"x\n"})),
            b"".join(_put({'"tasks/a\\nb.yaml"': b"subject: Line\n", "notes/x.yaml": b"x\n"})),
            b"".join(_put({"list.yaml": _LIST + b"title: T%d\n" % draw.randrange(9)})),
            b"".join(_put({"list.yaml": b"neither: this\n  nor that\n"})),
            f"D {path}\n".encode(),
            b"D list.yaml\n",
            b"D tasks\n" + b"".join(_put({"tasks": b"a file\n"})),
        ]
    )


_LIST = b"format: 1\nrules: 1\nid: plan\n"


def _put(files: Mapping[str, bytes], *, mode: str = "100644") -> Iterator[bytes]:
    for path, data in files.items():
        yield f"M {mode} inline {path}\n".encode() + _data(data)


def _data(data: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(data), data)
