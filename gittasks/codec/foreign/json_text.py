"""JSON from elsewhere: one document, or one object a line."""

from __future__ import annotations

from typing import Any

from gittasks.codec import strict_json
from gittasks.errors import InvalidData

NO_JSON = "this cannot be read as JSON"


def decoded(data: bytes, where: str) -> str:
    """The file as text. Raises InvalidData for what is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidData("not UTF-8 text", where=f"{where}:{line}") from error


def loads(text: str, where: str) -> Any:
    """One value. Raises InvalidData, whatever the text is."""
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
    found = []
    for number, place, value in entries:
        if not isinstance(value, dict):
            raise InvalidData("a JSON object was expected", where=place)
        found.append((number, value))
    return found


def texts_of(value: object) -> list[str]:
    """The texts of a list; of one text that alone."""
    items = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, str) and item.strip()]
