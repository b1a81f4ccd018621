"""What `import` is given on the command line: a file, a folder of another tool, or stdin."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator

from gittasks.codec.foreign.source import MAX_BYTES, SourceFile
from gittasks.errors import InvalidData, NotFound

MOST_FILES = 20_000
_HOMES = ((".tickets",), ("backlog", "tasks"), (".beads", "issues.jsonl"))
"""Where the tools keep their tasks in a project, as a path below it."""
_BACKLOG = (("tasks",), ("completed",), ("drafts",), ("archive", "tasks"))


def read_files(name: str) -> list[SourceFile]:
    """The files that `name` stands for. Raises NotFound and InvalidData."""
    if name == "-":
        return [SourceFile("standard input", sys.stdin.buffer.read(MAX_BYTES + 1))]
    try:
        if os.path.isdir(name):
            return _folder(name)
        return [SourceFile(name, _bytes(name, MAX_BYTES))]
    except OSError as error:
        hint = "give a file, the folder of another tool, or - for stdin"
        raise NotFound(f"cannot read {name}: {error.strerror}", hint=hint) from error


def _folder(name: str) -> list[SourceFile]:
    for parts in _HOMES:
        inner = os.path.join(name, *parts)
        if os.path.exists(inner):
            folder = os.path.join(name, "backlog") if parts[0] == "backlog" else inner
            if os.path.isfile(folder):
                return [SourceFile(folder, _bytes(folder, MAX_BYTES))]
            return _markdown(folder)
    return _markdown(name)


def _markdown(folder: str) -> list[SourceFile]:
    parts: list[tuple[str, ...]] = [p for p in _BACKLOG if os.path.isdir(os.path.join(folder, *p))]
    if not os.path.isdir(os.path.join(folder, "tasks")):
        parts = [()]
    paths = [path for part in parts for path in _below(os.path.join(folder, *part))]
    if not paths:
        hint = "give .tickets, the folder of Backlog.md, or a file"
        raise InvalidData("there is no Markdown file in this folder", where=folder, hint=hint)
    if len(paths) > MOST_FILES:
        raise InvalidData(f"more than {MOST_FILES} files", where=folder)
    files, room = [], MAX_BYTES
    for path in paths:
        data = _bytes(path, room)
        room -= len(data)
        files.append(SourceFile(path, data))
    return files


def _below(folder: str) -> Iterator[str]:
    """Its Markdown files, in natural order (9 before 10); links are not followed."""
    with os.scandir(folder) as entries:
        names = [
            e.name for e in entries if e.name.endswith(".md") and e.is_file(follow_symlinks=False)
        ]
    for name in sorted(names, key=_natural):
        yield os.path.join(folder, name)


def _natural(name: str) -> list[tuple[int, str]]:
    parts = re.split("([0-9]+)", name)
    return [(int(p), "") if n % 2 and len(p) < 19 else (0, p) for n, p in enumerate(parts)]


def _bytes(path: str, most: int) -> bytes:
    with open(path, "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise InvalidData(f"this is more than {MAX_BYTES // 1024 // 1024} MiB", where=path)
    return data
