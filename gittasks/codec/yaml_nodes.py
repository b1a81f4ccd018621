"""YAML as a tree of text with positions: nothing but text is ever constructed.

The only module that imports ruamel.yaml, and it does so inside `parse`. What a scalar means
is the business of the caller's schema. The subset is narrow on purpose: the bytes come from a
branch that anybody may have pushed, so everything that makes YAML surprising (tags, anchors,
merge keys, several documents) or slow (size, depth, number of values) is refused with a place.

People write task files in a small part of YAML: maps and lists in blocks, scalars that are plain
or quoted on one line, text in blocks, lists in brackets on one line, comments. `read_lines` reads
that part alone, line by line and thirty times as fast as the parser, into the same tree; it gives
nothing for everything else, faults included: those are the parser's. The suite holds both against
each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, Literal, NamedTuple, NoReturn

from gittasks.codec.canonical import MAX_BYTES, MAX_DEPTH
from gittasks.errors import InvalidData


class Node(NamedTuple):
    """One value of a document. `start` and `end` are offsets into `decode_text(data)`.

    Of `text` (scalar), `items` (sequence) and `pairs` (mapping) only the one of its `kind` is
    filled. `line` counts from 1. `plain` is a scalar without quotes and not in a block; an
    omitted value (`key:`) is a plain scalar of no text. A block collection ends where its last
    value does, so comments after it are outside.
    """

    kind: Literal["scalar", "sequence", "mapping"]
    line: int
    start: int
    end: int
    text: str = ""
    items: tuple[Node, ...] = ()
    pairs: tuple[tuple[Node, Node], ...] = ()
    plain: bool = False
    style: str = ""

    def get(self, key: str) -> Node | None:
        """The value under `key`, or None if it is not there or this is no mapping."""
        for name, value in self.pairs:
            if name.text == key:
                return value
        return None

    @property
    def empty(self) -> bool:
        """True when nothing was written: an omitted value, or the plain word for null."""
        return self.plain and self.text in _NULLS


class Limits(NamedTuple):
    """The limits of a document, checked before and while it is parsed."""

    size: int
    nodes: int


FILE_LIMITS = Limits(MAX_BYTES, 20_000)
"""For a file on a list's branch, which a stranger may have written: a second of parsing."""


_BAD_CHARACTER = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]"
_MARKER = r"(?m)^(?:(?:<{7}|>{7}|\|{7})(?: |\r?$)|={7}\r?$)"
_DIRECTIVE = r"(?:[ \t]*(?:#[^\n]*)?\r?\n)*%"
_SURROGATE = "[\ud800-\udfff]"
_PLAIN_WORDS = {
    "mapping values are not allowed": 'unexpected ":"; text that contains ": " needs quotes',
    "found character '\\t'": "a tab cannot indent YAML; use spaces",
    "found unexpected end of stream": "a quote is opened and never closed",
    "sequence entries are not allowed": 'unexpected "- "; a list begins on a line of its own',
    "expected <block end>": "the indentation does not fit the lines above",
    "could not find expected ':'": 'a line without "key:"; text of several lines needs "|"',
}


def invalid(where: str, line: int, message: str, hint: str | None = None) -> InvalidData:
    """An error at a line of the document `where`, in the form that all readers here use."""
    problem = {"path": where, "line": line, "message": message}
    return InvalidData(message, where=f"{where}:{line}", hint=hint, details={"problems": [problem]})


def decode_text(data: bytes, where: str, size: int = MAX_BYTES) -> str:
    """The document as text without a byte order mark, once it is safe to give to a parser."""
    if len(data) > size:
        raise invalid(where, 1, f"larger than {size // 1024} KiB ({len(data)} bytes)")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise invalid(where, line, "not UTF-8 text", "save the file as UTF-8") from None
    text = text.removeprefix("\ufeff")
    if match := re.search(_MARKER, text):
        raise invalid(
            where,
            _line_of(text, match.start()),
            "a merge was left unresolved here (conflict marker)",
            "keep the lines that are right and remove the markers",
        )
    if match := re.search(_BAD_CHARACTER, text):
        code = f"{ord(match[0]):04X}"
        raise invalid(
            where,
            _line_of(text, match.start()),
            f"control character U+{code} in the text",
            f'inside double quotes it can be written "\\u{code}"',
        )
    if match := re.match(_DIRECTIVE, text):
        raise invalid(where, _line_of(text, match.end() - 1), "YAML directives are not allowed")
    return text


def parse(data: bytes, where: str, limits: Limits = FILE_LIMITS) -> Node:
    """Read one document; an empty one gives an empty mapping.

    `where` is the path that errors name. Raises InvalidData, and nothing else, for whatever
    bytes are given.
    """
    return parse_lines(data, where, limits) or parse_any(data, where, limits)


def parse_lines(data: bytes, where: str, limits: Limits = FILE_LIMITS) -> Node | None:
    """Read a document of the common kind; None when it is for `parse_any`."""
    return read_lines(decode_text(data, where, limits.size), limits.nodes)


def parse_any(data: bytes, where: str, limits: Limits = FILE_LIMITS) -> Node:
    """Read a document of any kind by the parser: forty times the work, and the same tree."""
    text = decode_text(data, where, limits.size)
    from ruamel.yaml import YAML  # 20 ms, and files of our own writing never need it
    from ruamel.yaml.error import MarkedYAMLError

    try:
        return _Builder(text, where, limits.nodes).build(YAML(typ="safe", pure=True).parse(text))
    except InvalidData:
        raise
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = str(error.problem or error.context)
        plain = next((v for k, v in _PLAIN_WORDS.items() if problem.startswith(k)), problem)
        line = mark.line + 1 if mark else 1
        raise invalid(where, min(line, _last_line(text)), f"not valid YAML: {plain}") from None
    except Exception as error:  # noqa: BLE001 - a parser fed hostile bytes may raise anything
        raise invalid(where, 1, f"not valid YAML: {type(error).__name__}: {error}") from None


class _Builder:
    """Turns the parser's events into nodes and stops at the first one that is not allowed."""

    def __init__(self, text: str, where: str, most: int) -> None:
        self.text = text
        self.most = most
        self.where = where
        self.count = 0

    def build(self, events: Iterator[Any]) -> Node:
        root: Node | None = None
        open_: list[tuple[Any, list[Node]]] = []
        for event in events:
            match type(event).__name__:
                case "ScalarEvent":
                    node = self._scalar(event)
                case "SequenceStartEvent" | "MappingStartEvent":
                    self._check(event)
                    if len(open_) == MAX_DEPTH:
                        self._fail(event, f"nested more than {MAX_DEPTH} deep")
                    open_.append((event, []))
                    continue
                case "SequenceEndEvent" | "MappingEndEvent":
                    node = self._collection(*open_.pop(), event)
                case "AliasEvent":
                    self._fail(event, "aliases (*name) are not allowed")
                case "DocumentStartEvent" if root is not None:
                    self._fail(event, "a second document; the file must hold only one")
                case _:
                    continue
            if open_:
                open_[-1][1].append(node)
            else:
                root = node
        if root is None or (root.kind == "scalar" and root.empty):
            return Node("mapping", 1, 0, 0, style="block")
        return root

    def _scalar(self, event: Any) -> Node:
        self._check(event)
        text = event.value
        if re.search(_SURROGATE, text):  # only escapes can make them; pairs are one character
            try:
                text = text.encode("utf-16", "surrogatepass").decode("utf-16")
            except UnicodeDecodeError:
                self._fail(event, "half a character (a lone surrogate escape)")
        style = event.style if event.style in ("'", '"', "|", ">") else ""
        mark, end = event.start_mark, event.end_mark.index
        return Node("scalar", mark.line + 1, mark.index, end, text, plain=not style, style=style)

    def _collection(self, event: Any, nodes: list[Node], close: Any) -> Node:
        flow = bool(event.flow_style)
        mark = event.start_mark
        kind: Literal["sequence", "mapping"] = "sequence"
        pairs: tuple[tuple[Node, Node], ...] = ()
        if type(event).__name__ == "MappingStartEvent":
            kind = "mapping"
            pairs = tuple(
                (key, self._placed(key, value))
                for key, value in zip(nodes[::2], nodes[1::2], strict=True)
            )
            self._check_keys(pairs)
        last = pairs[-1][1] if pairs else nodes[-1] if nodes else None
        end = close.end_mark.index if flow or last is None else last.end
        return Node(
            kind,
            mark.line + 1,
            mark.index,
            end,
            items=tuple(nodes) if kind == "sequence" else (),
            pairs=pairs,
            style="flow" if flow else "block",
        )

    def _placed(self, key: Node, value: Node) -> Node:
        """An omitted value put right behind its key: the parser puts it at the next token."""
        if value.plain and not value.text:
            colon = self.text.find(":", key.end)
            return value._replace(line=key.line, start=colon + 1, end=colon + 1)
        return value

    def _check_keys(self, pairs: tuple[tuple[Node, Node], ...]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key.kind != "scalar":
                raise invalid(self.where, key.line, "a key must be text, not a list or a map")
            if key.plain and key.text == "<<":
                raise invalid(self.where, key.line, "merge keys (<<) are not allowed")
            if key.text in seen:
                raise invalid(self.where, key.line, f'the key "{key.text[:60]}" is duplicated')
            seen.add(key.text)

    def _check(self, event: Any) -> None:
        self.count += 1
        if self.count > self.most:
            self._fail(event, f"more than {self.most} keys and values")
        if event.anchor is not None:
            self._fail(event, "anchors (&name) are not allowed")
        if event.tag is not None:
            self._fail(event, "tags (!name) are not allowed")

    def _fail(self, event: Any, message: str) -> NoReturn:
        raise invalid(self.where, event.start_mark.line + 1, message)


def _line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _last_line(text: str) -> int:
    return max(1, text.count("\n") + (not text.endswith("\n")))


_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@`")
"""Characters that begin something else than a plain scalar."""
_REST = r"(?: +#.*| *)$"
_DOUBLE = r'"(?:[^"\\]|\\(?:["\\/ntr]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4}))*"'
_SINGLE = r"'(?:[^']|'')*'"
_IN_BRACKETS = rf"{_DOUBLE}|{_SINGLE}|[^][ \-?:,{{}}#&*!|>'\"%@`][^][,:?#{{}}]*"
_KEY = re.compile(rf"""(?:([A-Za-z_][A-Za-z0-9_./-]{{0,99}})|({_DOUBLE}|{_SINGLE})):(?: +|$)""")
_QUOTED = re.compile(rf"({_DOUBLE}|{_SINGLE}){_REST}")
_BRACKETS = re.compile(rf"(\[ *(?:(?:{_IN_BRACKETS}) *(?:, *(?:{_IN_BRACKETS}) *)*)?\]){_REST}")
_ITEM = re.compile(_IN_BRACKETS)
_BLOCK = re.compile(rf"([|>])([-+]?){_REST}")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def read_lines(text: str, most: int) -> Node | None:
    """The tree of a text with at most so many values; None when it is for the parser to read."""
    if "\t" in text or "\r" in text:
        return None
    try:
        reader = _LineReader(text)
        root = reader.root()
    except _OtherYaml:
        return None
    return root if reader.count <= most else None


class _OtherYaml(Exception):
    """The text is no YAML, or such as only the parser knows."""


class _LineReader:
    """A text as lines, and how far it was read. Each method begins and ends at a line of worth."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.starts = [0, *accumulate(len(line) + 1 for line in self.lines)]
        if not self.lines[-1]:
            self.lines.pop()
        self.ended = text.endswith("\n")
        self.at = 0
        self.count = 0

    def root(self) -> Node:
        """The whole document."""
        indent = self._next()
        if indent == 0 and self.lines[self.at] == "---":
            self.at += 1
            indent = self._next()
        if indent:
            raise _OtherYaml
        node = self._collection(0, 0, 0)
        if self.at < len(self.lines):
            raise _OtherYaml
        return node

    def _next(self) -> int:
        """Go on to the next line that is no comment; its indentation, -1 at the end."""
        lines = self.lines
        while self.at < len(lines):
            line = lines[self.at]
            bare = line.lstrip(" ")
            if bare and bare[0] != "#":
                return len(line) - len(bare)
            self.at += 1
        return -1

    def _node(self, kind: Literal["sequence", "mapping"], start: int, line: int) -> Node:
        self.count += 1
        return Node(kind, line, start, start, style="block")

    def _collection(self, indent: int, column: int, depth: int) -> Node:
        """The block list or map whose first line is this one, and begins there at `column`."""
        if depth == MAX_DEPTH or self.at == len(self.lines):
            raise _OtherYaml
        first = self._node("mapping", self.starts[self.at] + column, self.at + 1)
        if self.lines[self.at].startswith("- ", column):
            items = self._items(indent, depth)
            return first._replace(kind="sequence", items=items, end=items[-1].end)
        pairs = self._pairs(column, depth)
        return first._replace(pairs=pairs, end=pairs[-1][1].end)

    def _items(self, indent: int, depth: int) -> tuple[Node, ...]:
        items: list[Node] = []
        while True:
            line = self.lines[self.at]
            column = indent + 1
            while line.startswith(" ", column):
                column += 1
            if line.startswith("#", column) or column == len(line):
                raise _OtherYaml
            if line.startswith("- ", column) or _KEY.match(line, column):
                items.append(self._collection(column, column, depth + 1))
            else:
                items.append(self._scalar(column, indent, depth))
            following = self._next()
            if following != indent or not self.lines[self.at].startswith("- ", indent):
                if following > indent:
                    raise _OtherYaml
                return tuple(items)

    def _pairs(self, indent: int, depth: int) -> tuple[tuple[Node, Node], ...]:
        pairs: list[tuple[Node, Node]] = []
        keys: set[str] = set()
        while True:
            line, start = self.lines[self.at], self.starts[self.at]
            match = _KEY.match(line, indent)
            if not match:
                raise _OtherYaml
            key = self._key(match, start)
            if key.text in keys:
                raise _OtherYaml
            keys.add(key.text)
            if match.end() < len(line) and line[match.end()] != "#":
                value = self._scalar(match.end(), indent, depth)
            else:
                self.at += 1
                value = self._below(key, indent, depth)
            pairs.append((key, value))
            following = self._next()
            if following != indent:
                if following > indent:
                    raise _OtherYaml
                return tuple(pairs)
            if self.lines[self.at].startswith("- ", indent):
                return tuple(pairs)  # the next item of the list that this map is in, or a fault

    def _key(self, match: re.Match[str], start: int) -> Node:
        self.count += 1
        word, quotes = match.groups()
        line, begin = self.at + 1, start + match.start()
        if word:
            return Node("scalar", line, begin, begin + len(word), word, plain=True)
        return Node("scalar", line, begin, begin + len(quotes), _unquoted(quotes), style=quotes[0])

    def _below(self, key: Node, indent: int, depth: int) -> Node:
        """The value of a key that stands on the lines after it, or nowhere."""
        below = self._next()
        if below > indent or (below == indent and self.lines[self.at].startswith("- ", indent)):
            return self._collection(below, below, depth + 1)
        self.count += 1
        return Node("scalar", key.line, key.end + 1, key.end + 1, plain=True)

    def _scalar(self, column: int, indent: int, depth: int) -> Node:
        """The scalar, or the list in brackets, from `column` of this line on."""
        line, start = self.lines[self.at], self.starts[self.at] + column
        first = line[column]
        self.count += 1
        if first in "|>":
            return self._block(column, indent)
        if first == "[":
            return self._brackets(column, depth)
        if first in "\"'":
            match = _QUOTED.match(line, column)
            if not match:
                raise _OtherYaml
            self.at += 1
            quotes = match[1]
            end = start + len(quotes)
            return Node("scalar", self.at, start, end, _unquoted(quotes), style=first)
        return self._plain(column, indent)

    def _plain(self, column: int, indent: int) -> Node:
        """A plain scalar, with the lines on which it goes on."""
        line, start, number = self.lines[self.at], self.starts[self.at] + column, self.at + 1
        if line[column] in _INDICATORS and (
            line[column] != "-" or line[column + 1 : column + 2] in ("", " ")
        ):
            raise _OtherYaml
        comment = line.find(" #", column)
        text = _checked(line[column:comment] if comment >= 0 else line[column:])
        end = start + len(text)
        self.at += 1
        while comment < 0:
            at = self.at
            while at < len(self.lines) and not self.lines[at].strip(" "):
                at += 1
            if at == len(self.lines):
                break
            more = self.lines[at].lstrip(" ")
            spaces = len(self.lines[at]) - len(more)
            if spaces <= indent or more[0] == "#":
                break
            if more[0] in "-?:" or " #" in more:
                raise _OtherYaml
            more = _checked(more)
            text += ("\n" * (at - self.at) or " ") + more
            end = self.starts[at] + spaces + len(more)
            self.at = at + 1
        return Node("scalar", number, start, end, text, plain=True)

    def _brackets(self, column: int, depth: int) -> Node:
        """A list in brackets on one line, of scalars."""
        match = _BRACKETS.match(self.lines[self.at], column)
        if not match or depth + 1 == MAX_DEPTH:
            raise _OtherYaml
        start = self.starts[self.at]
        self.at += 1
        items = []
        for item in _ITEM.finditer(match.string, column + 1, match.end(1) - 1):
            words, begin = item[0].rstrip(" "), start + item.start()
            quote = words[0] if words[0] in "\"'" else ""
            text = _unquoted(words) if quote else words
            end = begin + len(words)
            items.append(Node("scalar", self.at, begin, end, text, plain=not quote, style=quote))
        self.count += len(items)
        end = start + match.end(1)
        return Node("sequence", self.at, start + column, end, items=tuple(items), style="flow")

    def _block(self, column: int, indent: int) -> Node:
        """Text in a block: the lines below that are indented further than `indent`."""
        match = _BLOCK.match(self.lines[self.at], column)
        if not match:
            raise _OtherYaml
        start, number = self.starts[self.at] + column, self.at + 1
        self.at += 1
        lines = self._block_lines(indent)
        blank = 0
        while not lines[-1 - blank]:
            blank += 1
        content = lines[: len(lines) - blank]
        style, chomping = match.groups()
        text = "\n".join(content) if style == "|" else _folded(content)
        if chomping != "-":
            text += "\n" * (1 + blank if chomping else 1)
        return Node("scalar", number, start, self.starts[self.at], text, style=style)

    def _block_lines(self, indent: int) -> list[str]:
        """The lines of a block without their indentation, blank ones at both ends included."""
        lines: list[str] = []
        margin = ""
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line and not margin:
                margin = " " * (len(line) - len(line.lstrip(" ")))
                if len(margin) <= indent:
                    raise _OtherYaml
            if line and line.startswith(margin) and line.strip(" "):
                lines.append(line[len(margin) :])
            elif not line:
                lines.append("")
            elif line.startswith(" " * (indent + 1)) or not line.strip(" "):
                raise _OtherYaml
            else:
                break
            self.at += 1
        if not margin or (self.at == len(self.lines) and not self.ended):
            raise _OtherYaml
        return lines


def _checked(text: str) -> str:
    """A line of a plain scalar without spaces at its end, if it is nothing else."""
    text = text.rstrip(" ")
    if ": " in text or text[-1] == ":":
        raise _OtherYaml
    return text


def _folded(lines: list[str]) -> str:
    """Lines of a folded block: those that follow each other joined by spaces."""
    text, breaks = "", 0
    for line in lines:
        if line.startswith(" "):
            raise _OtherYaml
        if line:
            text += ("\n" * breaks or (" " if text else "")) + line
            breaks = 0
        else:
            breaks += 1
    return text


def _unquoted(quotes: str) -> str:
    """The text between quotes."""
    inner = quotes[1:-1]
    if quotes[0] == "'":
        return inner.replace("''", "'")
    if "\\" not in inner:
        return inner
    return re.sub(r"\\(u....|.)", _unescaped, inner)


def _unescaped(match: re.Match[str]) -> str:
    name = match[1]
    return chr(int(name[1:], 16)) if len(name) > 1 else _ESCAPES.get(name, name)
