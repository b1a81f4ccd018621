"""Builder of import batches, shared by the importers: JSON, dates, notes, dropped values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gittasks.codec import strict_json
from gittasks.codec.canonical import encode_task
from gittasks.core import validation
from gittasks.core.imports import Dropped, ImportBatch, ImportedTask
from gittasks.core.model import Note, Task, Value
from gittasks.core.times import normal_time
from gittasks.errors import InvalidData, Usage

NO_JSON = "this cannot be read as JSON"


def decoded(data: bytes, where: str) -> str:
    """The file as text. Raises InvalidData where it is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidData("not UTF-8 text", where=f"{where}:{line}") from error


def loads(text: str, where: str) -> Any:
    """One JSON value. Raises InvalidData for any text that is none."""
    try:
        return strict_json.loads(text)
    except ValueError as error:
        raise InvalidData(f"{NO_JSON}: {error}", where=where) from error


def objects(data: bytes, where: str) -> list[tuple[int, dict[str, Any]]]:
    """The objects of a list, or of lines (a comma behind one is passed over), with their places.

    The place is the line, or in a list the number of the object. Raises InvalidData.
    """
    text = decoded(data, where)
    if text.lstrip().startswith("["):
        values = loads(text, where)
        entries = [(number, f"{where}: entry {number}", v) for number, v in enumerate(values, 1)]
    else:
        entries = []
        for number, line in enumerate(text.split("\n"), 1):
            if bare := line.strip().removesuffix(","):
                entries.append((number, f"{where}:{number}", loads(bare, f"{where}:{number}")))
    numbered = []
    for number, place, value in entries:
        if not isinstance(value, dict):
            raise InvalidData("a JSON object was expected", where=place)
        numbered.append((number, value))
    return numbered


def texts_of(value: object) -> list[str]:
    """The texts of a list; a single text is a list of one."""
    items = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, str) and item.strip()]


_UNFIT = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"
_NOTES_LIMIT = 90 * 1024
"""Most bytes of the notes of a task, so that its file stays below the limit."""
_SAYS_NOTHING: tuple[object, ...] = (None, "", [], {}, False, 0)


class Collector:
    """The tasks of a source and its dropped values, while its files are being read."""

    def __init__(self, tool: str) -> None:
        self.tool = tool
        self.tasks: dict[str, ImportedTask] = {}
        self._losses: dict[tuple[str, str], dict[str, None]] = {}

    def lose(self, what: str, why: str, source: str) -> None:
        """Record that `what` of a task is not carried over."""
        self._losses.setdefault((what, why), {})[source] = None

    def lose_rest(self, entry: Mapping[str, Any], known: frozenset[str], source: str) -> None:
        """Record every non-empty key of `entry` that the reader does not know."""
        for key, value in entry.items():
            if key not in known and value not in _SAYS_NOTHING:
                self.lose(validation.escape_line(key, 60), "gittasks has no such field", source)

    def line(self, value: object, what: str, source: str) -> str | None:
        """`value` as one valid line; None when nothing is left."""
        if not isinstance(value, (str, int, float)):
            self._lose_other(value, what, "not text", source)
            return None
        line = " ".join(re.sub(_UNFIT, " ", str(value)).split())
        if len(line) > validation.LINE_LIMIT:
            self.lose(what, f"cut at {validation.LINE_LIMIT} characters", source)
        return validation.shorten(line, validation.LINE_LIMIT, tidy=True) or None

    def prose(self, value: object, what: str, source: str) -> str | None:
        """`value` as valid text of several lines; None when nothing is left."""
        if not isinstance(value, str):
            self._lose_other(value, what, "not text", source)
            return None
        text = re.sub(_UNFIT, "\ufffd", value.replace("\r\n", "\n").replace("\r", "\n")).strip("\n")
        data = text.rstrip().encode()
        if len(data) > validation.PROSE_LIMIT:
            self.lose(what, f"cut at {validation.PROSE_LIMIT // 1024} KiB", source)
            data = data[: validation.PROSE_LIMIT - 4]
        return data.decode("utf-8", "ignore").rstrip() or None

    def subject(self, value: object, source: str) -> tuple[str, str | None]:
        """A subject, and the whole text when it is too long for a subject."""
        if not isinstance(value, str):
            self._lose_other(value, "title", "not text", source)
        text = value if isinstance(value, str) else ""
        line = " ".join(re.sub(_UNFIT, " ", text).split())
        if not line:
            return f"Untitled {validation.escape_line(source, 80)}".strip(), None
        first = " ".join(re.sub(_UNFIT, " ", text.strip().split("\n")[0]).split()) or line
        if first == line and len(line) <= validation.LINE_LIMIT:
            return line, None
        return validation.shorten(first, validation.LINE_LIMIT, tidy=True), text.strip()

    def time(self, value: object, what: str, source: str) -> str | None:
        """An RFC 3339 time in the form of task files; anything else is dropped."""
        if not isinstance(value, str) or not value:
            self._lose_other(value, what, "not a time", source)
            return None
        try:
            return normal_time(value)
        except ValueError:
            self.lose(what, "not a time", source)
            return None

    def tags(self, value: object, what: str, source: str) -> tuple[str, ...]:
        """The words of a list as tags, separated by commas as everywhere."""
        if isinstance(value, (dict, int, float)):
            self._lose_other(value, what, "not words", source)
        words = (
            self.line(part, what, source) for text in texts_of(value) for part in text.split(",")
        )
        return tuple(dict.fromkeys(word for word in words if word))

    def entries(self, value: object, what: str, source: str) -> list[dict[str, Any]]:
        """The objects of a list; other entries are dropped."""
        if not isinstance(value, list):
            self._lose_other(value, what, "not a list", source)
            return []
        for item in value:
            if not isinstance(item, dict):
                self.lose(what, "an entry is not an object", source)
        return [item for item in value if isinstance(item, dict)]

    def _lose_other(self, value: object, what: str, why: str, source: str) -> None:
        """Record a value of an unexpected type, unless it is empty."""
        if value not in _SAYS_NOTHING:
            self.lose(what, why, source)

    def notes(self, notes: list[Note], source: str) -> tuple[Note, ...]:
        """The notes that fit, oldest first, without duplicates."""
        unique: dict[Note, None] = {}
        room = _NOTES_LIMIT
        for note in notes:
            room -= len(note.text.encode()) + 80
            if room < 0:
                self.lose("notes", f"more than {_NOTES_LIMIT // 1024} KiB", source)
                break
            unique[note] = None
        return tuple(unique)

    def metadata(self, values: Mapping[str, object], source: str) -> dict[str, Value]:
        """The valid and non-empty values."""
        fitting: dict[str, Value] = {}
        for name, value in values.items():
            if value is None or value in ("", [], {}):
                continue
            try:
                fitting.update(validation.metadata({name[:100]: value}))  # type: ignore[dict-item]
            except (Usage, TypeError):
                what = validation.escape_line(f"metadata {name}", 60)
                self.lose(what, "too large, or not a value of metadata", source)
        return fitting

    def add(self, source: str, task: Task, waits_for: tuple[str, ...] = ()) -> None:
        """Add a task; of two with the same id the first wins."""
        if source in self.tasks:
            self.lose("task", "duplicate id", source)
            return
        try:
            encode_task(task)
        except InvalidData as error:
            raise InvalidData(error.message, where=source, hint=error.hint) from error
        self.tasks[source] = ImportedTask(source, task, waits_for)

    def arrivals(self, where: str, *, by_age: bool = True) -> ImportBatch:
        """The batch, in order of creation unless the source has an order."""
        losses = tuple(Dropped(*key, tuple(tasks)) for key, tasks in self._losses.items())
        tasks = list(self.tasks.values())
        if by_age:
            tasks.sort(key=lambda arrival: arrival.task.created or "")
        return ImportBatch(self.tool, where, tuple(tasks), losses)


def text_of(text: str) -> frozenset[str]:
    """The words of a text, as a set of keys."""
    return frozenset(text.split())


def sections(*parts: tuple[str | None, object]) -> str:
    """Texts joined as Markdown, each under its heading if it has one."""
    texts = []
    for heading, text in parts:
        if isinstance(text, str) and text.strip():
            body = text.strip("\n").rstrip()
            texts.append(f"## {heading}\n\n{body}" if heading else body)
    return "\n\n".join(texts)
