"""Importers of other task trackers' files, by the kind of file; `read_source` guesses the tool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gittasks.codec.importers.builder import Collector, decoded, loads
from gittasks.codec.importers.json_exports import (
    is_beads,
    is_native,
    is_taskwarrior,
    read_beads,
    read_native,
    read_taskwarrior,
)
from gittasks.codec.importers.markdown import (
    MarkdownFile,
    keys_of,
    ordinal,
    read_backlog,
    read_ticket,
    split,
)
from gittasks.core.imports import ImportBatch
from gittasks.errors import InvalidData

FORMATS = ("json", "beads", "taskwarrior", "ticket", "backlog")
MAX_BYTES = 64 * 1024 * 1024
"""Most bytes of all files of a source together."""
_KNOWN = f"say which it is: --format {'|'.join(FORMATS)}"


class SourceFile(NamedTuple):
    """A file of a source; `name` is its path below the argument, or the argument itself."""

    name: str
    data: bytes


def read_source(files: Sequence[SourceFile], where: str, form: str | None = None) -> ImportBatch:
    """Read a source: one file, or the Markdown files of a folder, in the order given.

    Without a `form` it is guessed from the content. Raises InvalidData, with the place.
    """
    if sum(len(file.data) for file in files) > MAX_BYTES:
        size = f"{MAX_BYTES // 1024 // 1024} MiB"
        raise InvalidData(f"larger than {size}", where=where)
    if not any(file.data.strip() for file in files):
        raise InvalidData("nothing to import", where=where)
    form = form or _guess(files, where)
    if form in ("ticket", "backlog"):
        return _read_markdown(files, where, form)
    if len(files) > 1:
        raise InvalidData(f"{form} is imported from a file, not from a folder", where=where)
    data = files[0].data
    if form == "json":
        return read_native(data, where)
    if form == "beads":
        return read_beads(data, where)
    return read_taskwarrior(data, where)


def _guess(files: Sequence[SourceFile], where: str) -> str:
    """The format of the content, where it is unambiguous."""
    first = next(file for file in files if file.data.strip())
    if split(decoded(first.data, first.name)):
        return _guess_markdown(first)
    text = decoded(first.data, where).lstrip()
    if text[:1] not in ("[", "{"):
        hint = f"a checklist in Markdown is a plan: gittasks apply FILE; else {_KNOWN}"
        raise InvalidData("unknown format", where=where, hint=hint)
    return _guess_json(text, where)


def _guess_json(text: str, where: str) -> str:
    line = text.split("\n", 1)[0].strip().removesuffix(",")
    try:  # of JSON lines the first says enough
        entry = loads(line, where)
    except InvalidData:
        entry = loads(text, where)
    if isinstance(entry, list):
        entry = entry[0] if entry else {}
    if is_native(entry):
        return "json"
    if isinstance(entry, dict) and is_taskwarrior(entry):
        return "taskwarrior"
    if isinstance(entry, dict) and is_beads(entry):
        return "beads"
    raise InvalidData("it is not clear which tool wrote this JSON", where=where, hint=_KNOWN)


def _guess_markdown(file: SourceFile) -> str:
    parts = split(decoded(file.data, file.name))
    keys = keys_of(parts.head) if parts else {}
    if "id" in keys and "title" in keys:
        return "backlog"
    if "id" in keys and "status" in keys:
        return "ticket"
    hint = f"a checklist in Markdown is a plan: gittasks apply FILE; else {_KNOWN}"
    raise InvalidData("it is not clear which tool wrote this Markdown", where=file.name, hint=hint)


def _read_markdown(files: Sequence[SourceFile], where: str, form: str) -> ImportBatch:
    collector = Collector(form)
    parts: list[tuple[SourceFile, MarkdownFile]] = []
    for file in files:
        if taken_apart := split(decoded(file.data, file.name)):
            parts.append((file, taken_apart))
        else:
            collector.lose("file", "it has no front matter", file.name)
    if form == "backlog":
        parts.sort(key=lambda part: ordinal(part[1]))
    read = read_backlog if form == "backlog" else read_ticket
    for file, part in parts:
        read(collector, part, file.name)
    if not collector.tasks:
        raise InvalidData(f"no {form} task in it", where=where)
    return collector.arrivals(where, by_age=form == "ticket")
