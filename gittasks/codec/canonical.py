"""The canonical form of task files and list.yaml: written here, and read back without YAML.

The bytes depend on the value alone: not on a YAML library, nor on Python's Unicode tables.
So two clones that hold equal tasks hold equal files. `read_canonical` guesses the value of each key
from its lines and believes itself only if writing the guess gives the same lines; files that this
module wrote are thus read without a YAML parser. Lines that were read before are not read again:
from one version of a task to the next, and from one task to another, most are the same.

The module is long because what is written and what is read back are one form.
"""

from __future__ import annotations

from gittasks.core.fields import BY_NAME, Field, Kind, arranged
from gittasks.core.ids import path_fault, task_id_fault
from gittasks.core.model import LIST_MARKS, CodeCommit, ListInfo, Note, Status, Task, Value
from gittasks.core.times import is_time
from gittasks.errors import InvalidData
from gittasks.light import TYPE_CHECKING, Mapping, NamedTuple, pattern

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Sequence
    from typing import Any

MAX_BYTES = 256 * 1024
"""Largest document that is read or written."""
MAX_DEPTH = 8
"""Deepest nesting of lists and maps; the outermost counts as 1."""
MAX_KEY = 100
"""Longest key, in characters: YAML allows 1024 on a line, and an escape takes ten."""
MAX_SUBJECT = 500
MAX_DIGITS = 100
"""Longest whole number, with its sign; a longer one is text."""

_UNSEEN = (
    "\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e0fff"
)
"""DEL, C1, bidi, zero-width and other unseen characters, written as escapes like C0."""
_HIDDEN = pattern(f"[\x00-\x1f{_UNSEEN}]")
_ESCAPED = pattern(f'["\\\\\x00-\x1f{_UNSEEN}]')
_NOT_IN_BLOCK = pattern(rf"(?m)\A[ \n]|^\t|^[ \t]+$|[\x00-\x08\x0b-\x1f{_UNSEEN}]")
_NO_NUMBER = pattern("[g-np-su-wyG-NP-SU-WY]")
"""Letters that no number, date or time contains in any version of YAML."""
_RESERVED = frozenset(
    ("y", "n", "yes", "no", "on", "off", "true", "false", "null", ".inf", "+.inf", ".nan")
)
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_ESCAPE = pattern(r'\\(?:(["\\ntr])|u([0-9a-f]{4})|U([0-9a-f]{8}))')
_LITERALS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_NUMBER = pattern(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?(e[+-][0-9]{2,3})?")
_SURROGATES = pattern("[\ud800-\udfff]")
_PLAIN_KEY = pattern(r"[A-Za-z_][A-Za-z0-9_./-]*")
_LINE_END = pattern("[\n\r\x0b\x0c\x85\u2028\u2029]")
_HEX = pattern("[0-9a-f]{4,64}")
_ORDER = pattern(r"-?[0-9]{1,9}(?:\.[0-9]{1,6})?")


def scalar(text: str) -> str:
    """`text` on one line: plain if every YAML reader takes that for this text, else quoted."""
    if (text.isascii() and text.isprintable()) or not _HIDDEN.search(text):
        if _stands_plain(text):
            return text
        if '"' not in text and "\\" not in text:
            return f'"{text}"'
    return quoted(text)


def quoted(text: str) -> str:
    """`text` between double quotes, with the escapes it needs."""
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _stands_plain(text: str) -> bool:
    """True when `text`, which holds nothing hidden, may stand without quotes."""
    if not text or ": " in text or " #" in text or text[-1] in " :" or text.lower() in _RESERVED:
        return False
    first = text[0]
    if first in "0123456789+.":
        return _NO_NUMBER.search(text) is not None
    return first > "\u00a0" or first.isalpha() or first in "/(_$"


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if short := _SHORT_ESCAPES.get(char):
        return short
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"  # half a character: no UTF-8 holds it
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def whole(text: str) -> str:
    """`text` with U+FFFD for each lone surrogate."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def unquote(text: str) -> str:
    """The text that `quoted` wrote so; what it never writes may give anything."""
    return _ESCAPE.sub(_unescape, text[1:-1]) if "\\" in text else text[1:-1]


def _unescape(match: re.Match[str]) -> str:
    if short := match[1]:
        return {"n": "\n", "t": "\t", "r": "\r"}.get(short, short)
    return chr(int(match[2] or match[3], 16))


def stands_in_block(text: str) -> bool:
    """True when a block (`|`) gives back `text`, which has no newline at its end."""
    return _NOT_IN_BLOCK.search(text) is None


def plain_key(text: str) -> bool:
    """True when a key needs no quotes."""
    known = _PLAIN_KEY.fullmatch(text) is not None
    return known and text.lower() not in _RESERVED


def plain_value(text: str) -> Any:
    """The value of a plain scalar in metadata: a canonical JSON literal, else text."""
    if text in _LITERALS:
        return _LITERALS[text]
    if text[:1] in "-0123456789" and (match := _NUMBER.fullmatch(text)):
        if match[1] or match[2]:
            return number if repr(number := float(text)) == text else text
        if len(text) <= MAX_DIGITS and text != "-0":
            return int(text)
    return text


def is_line(text: str) -> bool:
    """True when `text` has no line break, of whatever kind."""
    if text.isascii() and text.isprintable():
        return True
    return _LINE_END.search(text) is None


def is_subject(text: str) -> bool:
    """True when `text` can be the subject of a task."""
    return is_line(text) and len(text) <= MAX_SUBJECT and bool(text.strip())


def is_word(text: str) -> bool:
    """True when `text` can be a member of a list of words."""
    return is_subject(text) and text == text.strip() and "," not in text


def is_sha(text: str) -> bool:
    """True when `text` is a commit id, possibly short."""
    return _HEX.fullmatch(text) is not None


def order_text(value: float) -> str:
    """A place in the order, with at most six decimals."""
    if isinstance(value, int):
        return str(value)
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def to_order(text: str) -> int | float:
    """The number that `text` writes. Raises ValueError if it is no valid order."""
    if not _ORDER.fullmatch(text):
        raise ValueError(text)
    number = float(text)
    return int(number) if number.is_integer() else number


LONG_TEXT = 80
"""Longer descriptions and notes are written as blocks."""
_ENTRY = pattern(r'("(?:[^"\\]|\\.)*"|[A-Za-z_][A-Za-z0-9_./-]*):(?: (.+))?')

# Writing: each function gives the whole text of one key, lines and all.


def _text(key: str, value: str) -> str:
    return f"{key}: {scalar(value)}\n"


def _time(key: str, value: str) -> str:
    return f"{key}: {value if is_time(value) else scalar(value)}\n"


def _as_is(key: str, value: object) -> str:
    return f"{key}: {value}\n"


def _order(key: str, value: float) -> str:
    return f"{key}: {order_text(value)}\n"


def _long(key: str, value: str, indent: str = "") -> str:
    text = value.rstrip("\n")
    if (len(text) <= LONG_TEXT and "\n" not in text) or not stands_in_block(text):
        return f"{indent}{key}: {scalar(text)}\n"
    lines = (f"{indent}  {line}\n" if line else "\n" for line in text.split("\n"))
    return f"{indent}{key}: |\n{''.join(lines)}"


def _ids(key: str, value: tuple[str, ...]) -> str:
    return f"{key}:\n" + "".join(f"  - {scalar(i)}\n" for i in value)


def commit_item(commit: CodeCommit) -> str:
    """The lines of one item of `commits`."""
    subject = "" if not commit.subject else f"    {_text('subject', commit.subject)}"
    return f"  - sha: {scalar(commit.sha)}\n{subject}"


def note_item(note: Note) -> str:
    """The lines of one item of `notes`."""
    at = _time("    at", note.at) if note.at else ""
    by = _text("    by", note.by) if note.by else ""
    lines = at + by + _long("text", note.text, "    ")
    return "  - " + lines[4:]


def _commits(key: str, value: tuple[CodeCommit, ...]) -> str:
    return f"{key}:\n" + "".join(map(commit_item, value))


def _notes(key: str, value: tuple[Note, ...]) -> str:
    return f"{key}:\n" + "".join(map(note_item, value))


def _any(key: str, value: Value) -> str:
    return "".join(f"{line}\n" for line in entry_lines(key, value))


def entry_lines(key: str, value: Value, depth: int = 1) -> list[str]:
    """The lines of `key: value` for a JSON value, in a map that is `depth` deep.

    Raises InvalidData for a key or a depth that could not be read back.
    """
    key = whole(key)
    if len(key) > MAX_KEY:
        raise InvalidData(f'the key "{key[:40]}…" is longer than {MAX_KEY} characters')
    name = key if plain_key(key) else quoted(key)
    if not isinstance(value, Mapping | list | tuple) or not value:
        return [f"{name}: {_inline(value)}"]
    return [f"{name}:", *("  " + line for line in _block(value, depth + 1))]


def _inline(value: object) -> str:
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Mapping | list | tuple):
        return "{}" if isinstance(value, Mapping) else "[]"
    if isinstance(value, int) and value.bit_length() > 4 * MAX_DIGITS:
        raise InvalidData(f"a number in the metadata has more than {MAX_DIGITS} digits")
    text = repr(value) if isinstance(value, int | float) else str(value)
    if isinstance(value, int | float) and plain_value(text) == value:
        return text
    return scalar(text)


def _block(value: Mapping[str, Any] | list[Any] | tuple[Any, ...], depth: int) -> list[str]:
    if depth > MAX_DEPTH:
        raise InvalidData(f"metadata is nested more than {MAX_DEPTH} deep")
    lines: list[str] = []
    if isinstance(value, Mapping):
        for key in sorted(value):
            lines += entry_lines(str(key), value[key], depth)
        return lines
    for item in value:
        if not isinstance(item, Mapping | list | tuple) or not item:
            lines.append(f"- {_inline(item)}")
            continue
        first, *rest = _block(item, depth + 1)
        lines += [f"- {first}", *("  " + line for line in rest)]
    return lines


_WRITERS: dict[Kind, Callable[[str, Any], str]] = {
    Kind.LINE: _text,
    Kind.TEXT: _long,
    Kind.TIME: _time,
    Kind.STATUS: _as_is,
    Kind.COUNT: _as_is,
    Kind.NUMBER: _order,
    Kind.IDS: _ids,
    Kind.WORDS: _ids,
    Kind.PATHS: _ids,
    Kind.COMMITS: _commits,
    Kind.NOTES: _notes,
    Kind.MAP: _any,
}
FILE_ORDER = arranged(
    "subject activeForm description phase order blockedBy status owner session claim started "
    "finished result commits notes metadata created createdBy"
)
"""The fields in the order of a task file."""
LIST_KEYS = ("format", "rules", "id", "title", *LIST_MARKS, "settings")
_TASK_FIELDS = tuple(
    (f.name, f.attr, _WRITERS[f.kind], None if f.kind is Kind.STATUS else f.default)
    for f in FILE_ORDER
)
"""With the value that is not written: the status is always there."""


def task_fields(task: Task) -> dict[str, str]:
    """The text of each key that a canonical file of `task` has, in order, lines and all."""
    fields: dict[str, str] = {}
    for key, attribute, write, default in _TASK_FIELDS:
        value = getattr(task, attribute)
        if _is_stated(value, default):
            fields[key] = write(key, value)
    if task.extra:
        for key in sorted(task.extra.keys() - BY_NAME.keys()):
            fields[key] = _any(key, task.extra[key])
    return fields


def _is_stated(value: Any, default: object) -> bool:
    """Is a value one that a file has, being none that goes without saying?"""
    return bool(value or value == 0) and value != default


def encode_task(task: Task) -> bytes:
    """The file of a task. Raises InvalidData if it would be too large or deep to be read."""
    return _sized("".join(task_fields(task).values()))


def encode_list(info: ListInfo) -> bytes:
    """The content of `list.yaml`. Raises InvalidData as `encode_task` does."""
    text = f"format: {info.format}\nrules: {info.rules}\n" + _text("id", info.id)
    if info.title:
        text += _text("title", info.title)
    if info.archived:
        text += _time("archived", info.archived)
    if info.dropped:
        text += _time("dropped", info.dropped)
    if info.settings:
        text += _any("settings", dict(info.settings))
    for key in sorted(info.extra.keys() - set(LIST_KEYS)):
        text += _any(key, info.extra[key])
    return _sized(text)


def _sized(text: str) -> bytes:
    data = text.encode("utf-8")
    if len(data) > MAX_BYTES:
        raise InvalidData(
            f"the file would be {len(data)} bytes; the limit is {MAX_BYTES // 1024} KiB",
            hint="keep long output in a file of the code branch and name it in a note",
        )
    return data


# Reading what the functions above wrote. Whatever is not so raises ValueError, or gives a task
# that is written in another way; neither is believed.


def read_canonical(data: bytes, task_id: str) -> Task | None:
    """The task whose canonical file is `data`, or None if this is not one. Never raises."""
    try:
        if len(data) > MAX_BYTES or not data.endswith(b"\n"):
            return None  # before the search, which looks from each character to the end of its line
        text = data.decode("utf-8")
        entries = _LINES_OF_KEY.findall(text)
        if sum(map(len, entries)) != len(text):
            return None
        return _task_of(
            [_read_before.get(lines) or _read_entry(lines) for lines in entries], task_id
        )
    except (ValueError, InvalidData):
        return None


class _Entry(NamedTuple):
    """A key with its value; `place` is that in the order of a file."""

    place: tuple[int, str]
    name: str
    value: Any


_LINES_OF_KEY = pattern(r"[^ \n].*\n(?:(?: .*)?\n)*")
"""The lines of one key: those behind the first are indented, or empty in a block."""
_PLACES = {field[0]: (place, *field) for place, field in enumerate(_TASK_FIELDS)}
_LINES_OF_ITEM = pattern(r"  - .*\n(?:(?:    .*)?\n)*")
"""The lines of one item of a list of maps."""
_MOST_READ = 5_000
_MOST_CHARACTERS = 1_000
_read_before: dict[str, _Entry] = {}
"""Keys by their lines, as far as those are few and the value cannot be changed."""


def _task_of(entries: Sequence[_Entry], task_id: str) -> Task | None:
    """The task that has these keys; None where they are not in order."""
    known: dict[str, Any] = {}
    extra: dict[str, Value] = {}
    last = (-1, "")
    for place, name, value in entries:
        if place <= last:
            return None
        last = place
        (known if place[0] < len(_PLACES) else extra)[name] = value
    if "status" not in known or not is_subject(known.get("subject", "")):
        return None
    return Task(id=task_id, extra=extra, **known)


def _read_entry(lines: str) -> _Entry:
    """The key that has these lines in a canonical file; ValueError if none has."""
    if lines.startswith(("notes:\n", "commits:\n")):
        items = _LINES_OF_ITEM.findall(lines)
        head = lines[: lines.index("\n") + 1]
        if len(items) > 1 and len(head) + sum(map(len, items)) == len(lines):
            return _joined([head + item for item in items])
    ((key, value),) = _read(lines).items()
    if key == "id":
        raise ValueError(key)
    place, _, attribute, write, default = _PLACES.get(key, (len(_PLACES), key, key, _any, None))
    if field := BY_NAME.get(key):
        value = _typed(field, value)
    if (field and not _is_stated(value, default)) or write(key, value) != lines:
        raise ValueError(lines)
    entry = _Entry((place, key), attribute, value)
    if len(lines) <= _MOST_CHARACTERS and not isinstance(value, dict | list):
        if len(_read_before) >= _MOST_READ:
            _read_before.clear()
        _read_before[lines] = entry
    return entry


def _joined(lists: Sequence[str]) -> _Entry:
    """The key whose list has the items of these lists, one in each."""
    entries = [_read_before.get(lines) or _read_entry(lines) for lines in lists]
    return entries[0]._replace(value=tuple(entry.value[0] for entry in entries))


def read_canonical_list(data: bytes) -> ListInfo | None:
    """The list whose canonical `list.yaml` is `data`, or None if this is not one."""
    try:
        if len(data) > MAX_BYTES:
            return None
        fields = _read(data.decode("utf-8"))
        known = {key: fields.pop(key) for key in LIST_KEYS if key in fields}
        title, settings = known.get("title"), known.get("settings", {})
        if not (_is_line(known["id"]) and (title is None or _is_line(title))):
            return None
        if not all(_is_time_text(known[key]) for key in LIST_MARKS if key in known):
            return None
        if not (type(known["format"]) is type(known["rules"]) is int and type(settings) is dict):
            return None
        info = ListInfo(**known, extra=fields)
        return info if encode_list(info) == data else None
    except (ValueError, KeyError, InvalidData):
        return None


def typed_task(fields: dict[str, Any], task_id: str) -> Task:
    """The task of a tree of values, if each is as `task_file` demands it.

    Raises ValueError with the key of one that is not.
    """
    known: dict[str, Any] = {}
    extra: dict[str, Value] = {}
    for key, value in fields.items():
        field = BY_NAME.get(key)
        if field is None:
            extra[key] = value
            continue
        known[field.attr] = _typed(field, value)
    if "id" in extra or not is_subject(known.get("subject", "")):
        raise ValueError("subject")
    return Task(id=task_id, extra=extra, **known)


def _typed(field: Field, value: Any) -> Any:
    try:
        return _TYPED[field.kind](value, field)
    except (ValueError, TypeError):
        raise ValueError(field.name) from None


def _checked(check: Callable[[object], bool]) -> Callable[[Any, Field], Any]:
    """A reader of values that are in their right type, or refused."""

    def typed(value: Any, _: Field) -> Any:
        if not check(value):
            raise ValueError(value)
        return value

    return typed


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_line(value: object) -> bool:
    return isinstance(value, str) and is_line(value)


def _is_time_text(value: object) -> bool:
    return isinstance(value, str) and is_time(value)


def _to_count(value: object, field: Field) -> int:
    if type(value) is not int or not 0 <= value <= field.most:
        raise ValueError(value)
    return value


def _to_ids(value: object, _: Field) -> tuple[str, ...]:
    ids = tuple(str(i) for i in _items(value, str))
    if len(set(ids)) < len(ids) or any(map(task_id_fault, ids)):
        raise ValueError(value)
    return ids


def _to_words(value: object, field: Field) -> tuple[str, ...]:
    words = tuple(str(i) for i in _items(value, str))
    if len(set(words)) < len(words) or not all(map(is_word, words)):
        raise ValueError(value)
    if field.kind is Kind.PATHS and any(map(path_fault, words)):
        raise ValueError(value)
    return words


def _items(value: object, kind: type) -> list[Any]:
    if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
        raise ValueError(value)
    return value


def _to_commits(value: object, _: Field) -> tuple[CodeCommit, ...]:
    commits = tuple(
        CodeCommit(item.pop("sha", ""), item.pop("subject", None)) for item in _items(value, dict)
    )
    for (sha, subject), left in zip(commits, _items(value, dict), strict=True):
        good = isinstance(sha, str) and is_sha(sha)
        if left or not good or not (subject is None or _is_line(subject)):
            raise ValueError(value)
    return commits


def _to_notes(value: object, _: Field) -> tuple[Note, ...]:
    notes = []
    for item in _items(value, dict):
        at, by, text = item.pop("at", ""), item.pop("by", ""), item.pop("text", "")
        good = (at == "" or _is_time_text(at)) and _is_line(by) and _is_text(text) and text
        if item or not good:
            raise ValueError(value)
        notes.append(Note(at, by, text))
    return tuple(notes)


_TYPED: dict[Kind, Callable[[Any, Field], Any]] = {
    Kind.LINE: _checked(_is_line),
    Kind.TEXT: _checked(_is_text),
    Kind.TIME: _checked(_is_time_text),
    Kind.STATUS: lambda value, _: Status(value),
    Kind.COUNT: _to_count,
    Kind.NUMBER: lambda value, _: to_order(value if isinstance(value, str) else repr(value)),
    Kind.IDS: _to_ids,
    Kind.WORDS: _to_words,
    Kind.PATHS: _to_words,
    Kind.COMMITS: _to_commits,
    Kind.NOTES: _to_notes,
    Kind.MAP: _checked(lambda value: isinstance(value, dict)),
}


def _read(text: str) -> dict[str, Any]:
    lines = text.split("\n")
    if lines.pop():
        raise ValueError("no newline at the end")
    fields, end = _read_map(lines, 0, 0, 1)
    if end < len(lines):
        raise ValueError(lines[end])
    return fields


def _read_map(lines: list[str], at: int, indent: int, depth: int) -> tuple[dict[str, Any], int]:
    pad, values = " " * indent, {}
    while at < len(lines) and lines[at].startswith(pad):
        match = _ENTRY.fullmatch(lines[at], indent)
        if not match:
            break
        key, rest = match.groups()
        key = unquote(key) if key[0] == '"' else key
        at += 1
        if rest is None:
            values[key], at = _read_block(lines, at, indent + 2, depth + 1)
        elif rest == "|":
            start = at
            while at < len(lines) and (not lines[at] or lines[at].startswith(pad + "  ")):
                at += 1
            values[key] = "\n".join(line[indent + 2 :] for line in lines[start:at])
        else:
            values[key] = _read_scalar(rest)
    return values, at


def _read_block(lines: list[str], at: int, indent: int, depth: int) -> tuple[Any, int]:
    if depth > MAX_DEPTH:
        raise ValueError(depth)
    pad = " " * indent
    if at == len(lines) or not lines[at].startswith(pad + "- "):
        return _read_map(lines, at, indent, depth)
    items: list[Any] = []
    while at < len(lines) and lines[at].startswith(pad + "- "):
        rest = lines[at][indent + 2 :]
        if rest.startswith("- ") or _ENTRY.fullmatch(rest):
            lines[at] = f"{pad}  {rest}"
            item, at = _read_block(lines, at, indent + 2, depth + 1)
        else:
            item, at = _read_scalar(rest), at + 1
        items.append(item)
    return items, at


def _read_scalar(text: str) -> Value:
    if text[:1] == '"':
        return unquote(text)
    if text in ("[]", "{}"):
        return [] if text == "[]" else {}
    value: Value = plain_value(text)
    return value
