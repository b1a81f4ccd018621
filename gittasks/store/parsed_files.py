"""Task files parsed within a budget for the list, and kept as they come.

Canonical files and those that are read line by line cost little; the YAML parser is some forty
times as slow a byte. What is over the budget is set aside for now. What was parsed is appended to
a file once it took a while, so the next command, or the one after a killed one, goes on from there.
"""

from __future__ import annotations

import os
import zlib
from functools import cached_property

from gittasks import light
from gittasks.codec.canonical import encode_task, read_canonical
from gittasks.core.model import READ_ON, SET_ASIDE, Task
from gittasks.errors import InvalidData
from gittasks.light import TYPE_CHECKING, NamedTuple
from gittasks.store import disk
from gittasks.store.list_version import (
    CACHE,
    TaskFile,
    cache_row,
    cached_task,
    pieces_path,
)
from gittasks.store.objects import ObjectStore, Unavailable

if TYPE_CHECKING:
    from typing import Any

MOST = 16 << 20
"""Bytes of task files that are read at once: some ten seconds of work."""
SLOW = 40
"""A byte that only the YAML parser can read counts for so many."""
KEEP_AFTER = 1 << 20
"""What was parsed is kept whenever so many bytes were: half a second of work."""
_LONGEST = 32 << 20
"""A file of parsed files that is longer is begun anew."""
_FORM = f"1 {CACHE.number} {CACHE.fields}".encode("ascii")


class SetAside(Unavailable):
    """A file that is over the budget of its list: the next command reads it."""


class Parsed(NamedTuple):
    """A task file as a value: its task, or its faults; `canonical` as in TaskFile."""

    blob: str
    task_id: str
    task: Task | None
    canonical: bool = False
    problems: tuple[dict[str, Any], ...] = ()

    def result(self) -> tuple[Task, bool]:
        """The task, and is its file canonical? InvalidData with the faults of a faulty file."""
        if self.task:
            return self.task, self.canonical
        first = self.problems[0]
        where = f"{first['path']}:{first['line']}"
        raise InvalidData(first["message"], where=where, details={"problems": [*self.problems]})


class ParsedFiles:
    """The task files of one list, parsed in one go within one budget."""

    def __init__(self, objects: ObjectStore, list_id: str) -> None:
        self._path = pieces_path(objects.common, list_id)
        self._shared = objects.shared
        self._spent = self._kept_at = 0
        self._new: list[Parsed] = []

    def parse(self, data: bytes, blob: str, task_id: str, where: str) -> tuple[Task, bool]:
        """The task in a file, and is that canonical? InvalidData for a faulty one, SetAside."""
        if self._spent >= KEEP_AFTER and (known := self._known.get((blob, task_id))):
            return known.result()
        self._spend(len(data), where)
        if task := read_canonical(data, task_id):
            return self._keep(Parsed(blob, task_id, task, canonical=True))
        from gittasks.codec import task_file, yaml_nodes  # only files that a person edited

        if root := yaml_nodes.parse_lines(data, where):
            task = task_file.task_of(root, task_id, where)
            return self._keep(Parsed(blob, task_id, task, encode_task(task) == data))
        if known := self._known.get((blob, task_id)):
            return known.result()
        self._spend(SLOW * len(data), where)
        try:
            task = task_file.task_of(yaml_nodes.parse_any(data, where), task_id, where)
        except InvalidData as error:
            problems = tuple(error.details["problems"])
            return self._keep(Parsed(blob, task_id, None, problems=problems))
        return self._keep(Parsed(blob, task_id, task, encode_task(task) == data))

    def flush(self) -> None:
        """Append what was parsed to the file; a place that cannot be written is left alone."""
        new = [p for p in self._new if (p.blob, p.task_id) not in self._known]
        self._new.clear()
        self._kept_at = self._spent
        self._known.update(((p.blob, p.task_id), p) for p in new)
        lines = b"".join(_line(p) for p in new)
        try:
            disk.make_folders(os.path.dirname(self._path), self._shared)
            disk.append(self._path, lines, self._shared)
        except OSError:
            return

    def _spend(self, cost: int, where: str) -> None:
        if self._spent + cost > MOST:
            self.flush()
            raise SetAside(SET_ASIDE, where=where, hint=READ_ON)
        self._spent += cost

    def _keep(self, parsed: Parsed) -> tuple[Task, bool]:
        self._new.append(parsed)
        if self._spent - self._kept_at >= KEEP_AFTER:
            self.flush()
        return parsed.result()

    @cached_property
    def _known(self) -> dict[tuple[str, str], Parsed]:
        """Files that earlier commands parsed; lines that are torn or of another form are none."""
        try:
            lines = disk.read(self._path).splitlines()
        except OSError:
            return {}
        if sum(map(len, lines)) > _LONGEST:
            disk.remove(self._path)
            return {}
        return {(p.blob, p.task_id): p for line in lines if (p := _parsed(line))}


def _line(parsed: Parsed) -> bytes:
    blob, task_id, task, canonical, problems = parsed
    if task:
        row = cache_row(task, TaskFile(blob, canonical))
    else:
        row = light.write_json([task_id, blob, None, problems]).encode()
    return b"%08x %s\n" % (zlib.crc32(_FORM + row), row)


def _parsed(line: bytes) -> Parsed | None:
    checksum, _, row = line.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(_FORM + row):
        return None
    try:
        task_id, blob, canonical, body = light.read_json(row)
        if canonical is None:
            return Parsed(blob, task_id, None, problems=tuple(body))
        return Parsed(blob, task_id, cached_task(task_id, body), canonical)
    except Exception:  # noqa: BLE001  whatever is wrong with a cache, it is as if there were none
        return None
